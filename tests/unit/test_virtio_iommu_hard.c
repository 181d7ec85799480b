// SPDX-License-Identifier: MIT
/* virtio-iommu's hardware layer against a model in memory that refuses, lies and dies, and a host that fails. */
#include "viommubed.h"

/* ---- when requests fail ---- */

/* The statuses of the device, and what becomes of them. */
static void test_virtio_iommu_statuses(void **state)
{
	static const struct { uint8_t status; int err; const char *words; } cases[] = {
		{ 1, WEIR_EIO, "ATTACH of endpoint 0x28: IOERR" },
		{ 2, WEIR_EOPNOTSUPP, "UNSUPP" }, { 3, WEIR_EIO, "DEVERR" },
		{ 4, WEIR_EINVAL, "INVAL" }, { 5, WEIR_ERANGE, "RANGE" }, { 6, WEIR_ENOENT, "NOENT" },
		{ 7, WEIR_EIO, "FAULT" }, { 8, WEIR_ENOMEM, "NOMEM" },
		{ 9, WEIR_EIO, "an unknown status" }, { 0xff, WEIR_EIO, "returned unread" },
	};
	struct weir_viommu_domain *domain;
	struct bed bed;

	(void)state;
	bed_open(&bed, true);
	domain = new_domain(&bed);
	map(domain, 0x100000, 0x8000);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bed.iommu.fail_type = VIOMMU_ATTACH;
		bed.iommu.fail_nth = 1;
		bed.iommu.fail_status = cases[i].status;
		bed.iommu.v.log[0] = '\0';
		assert_int_equal(weir_viommu_attach(bed.vi, 0x28, domain), cases[i].err);
		assert_true(logged(&bed, cases[i].words));
		assert_true(logged(&bed, "0000:00:03.0: "));
		assert_false(passes(&bed, 0x28, 0x100000, 0));
	}
	assert_int_equal(weir_viommu_attach(bed.vi, 0x28, domain), 0);
	assert_true(passes(&bed, 0x28, 0x100000, 0x8000));
	/* One that cannot be detached stays where it is. */
	bed.iommu.fail_type = VIOMMU_DETACH;
	bed.iommu.fail_nth = 1;
	assert_int_equal(weir_viommu_attach(bed.vi, 0x28, NULL), WEIR_EIO);
	assert_true(passes(&bed, 0x28, 0x100000, 0x8000));
	assert_int_equal(weir_viommu_attach(bed.vi, 0x28, NULL), 0);
	weir_viommu_domain_destroy(domain);
	bed_close(&bed);
}

/* A mapping that fails is told by the sync, once; and what fails while filling blocks. */
static void test_virtio_iommu_map_fails(void **state)
{
	struct weir_viommu_domain *one, *two;
	struct bed bed;

	(void)state;
	bed_open(&bed, true);
	one = new_domain(&bed);
	two = new_domain(&bed);
	assert_int_equal(weir_viommu_attach(bed.vi, 0x28, one), 0);
	assert_int_equal(weir_viommu_attach(bed.vi, 0x30, two), 0);
	bed.iommu.fail_type = VIOMMU_MAP;
	bed.iommu.fail_nth = 2;
	bed.iommu.fail_status = 8;
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(weir_viommu_map(one, 0x100000 + 0x1000 * i, 0x8000, 4096, RW), 0);
	/* Another domain's sync takes the answers, and is not told. */
	assert_int_equal(weir_viommu_sync_map(two), 0);
	assert_int_equal(weir_viommu_sync_map(one), WEIR_ENOMEM);
	assert_int_equal(weir_viommu_sync_map(one), 0);
	assert_true(logged(&bed, "MAP of 0x101000 in domain 6: NOMEM"));
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(weir_viommu_unmap(one, 0x100000 + 0x1000 * i, 4096), 0);
	assert_int_equal(weir_viommu_sync(one), 0);
	assert_int_equal(viommu_nr_mappings(&bed.iommu), 0);
	/* An unmapping that fails is told by the other sync. */
	map(one, 0x100000, 0x8000);
	bed.iommu.fail_type = VIOMMU_UNMAP;
	bed.iommu.fail_nth = 1;
	assert_int_equal(weir_viommu_unmap(one, 0x100000, 4096), 0);
	assert_int_equal(weir_viommu_sync_map(one), 0);
	assert_int_equal(weir_viommu_sync(one), WEIR_EIO);
	assert_int_equal(weir_viommu_attach(bed.vi, 0x28, NULL), 0);
	/* Filling: the endpoint is blocked, though it was attached for a moment. */
	map(one, 0x100000, 0x8000);
	map(one, 0x200000, 0x9000);
	bed.iommu.fail_type = VIOMMU_MAP;
	bed.iommu.fail_nth = 2;
	assert_int_equal(weir_viommu_attach(bed.vi, 0x28, one), WEIR_ENOMEM);
	assert_false(passes(&bed, 0x28, 0x100000, 0));
	assert_int_equal(weir_viommu_attach(bed.vi, 0x28, one), 0);
	assert_true(passes(&bed, 0x28, 0x100000, 0x8000));
	assert_true(passes(&bed, 0x28, 0x200000, 0x9000));
	assert_int_equal(weir_viommu_attach(bed.vi, 0x28, NULL), 0);
	assert_int_equal(weir_viommu_attach(bed.vi, 0x30, NULL), 0);
	weir_viommu_domain_destroy(one);
	weir_viommu_domain_destroy(two);
	bed_close(&bed);
}

/* A device that has another fault as soon as one was told does not keep its interrupt busy for ever. */
static void test_virtio_iommu_flood(void **state)
{
	struct bed bed;

	(void)state;
	bed_init(&bed, true);
	bed.iommu.v.ops.timer_create = NULL;
	bed.iommu.v.ops.timer_set = NULL;
	bed.iommu.v.ops.timer_destroy = NULL;
	vmodel_open(&bed.iommu.v);
	assert_int_equal(try_create(&bed), 0);
	bed.again = 300000;
	assert_false(passes(&bed, 0x30, 0x1000, 0));
	assert_int_equal(bed.nr_faults, 16384);
	/* what is left is told with the next */
	bed.again = 0;
	assert_false(passes(&bed, 0x30, 0x1000, 0));
	assert_int_equal(bed.nr_faults, 16384 + 2);
	assert_false(passes(&bed, 0x30, 0x1000, 0));
	assert_int_equal(bed.nr_faults, 16384 + 3);
	assert_int_equal(weir_viommu_poll(bed.vi), 0);
	bed_close(&bed);
}

/* A request that is never answered: told by name, waited for once, and then nothing works. */
static void never(unsigned int type, unsigned int nth, const char *words)
{
	struct weir_viommu_domain *domain, *other;
	struct weir_region region;
	struct bed bed;
	uint64_t clock;
	int err = 0;

	bed_open(&bed, true);
	domain = new_domain(&bed);
	bed.iommu.fail_type = type;
	bed.iommu.fail_nth = nth;
	bed.iommu.fail_status = 0xfe;
	if (type == VIOMMU_PROBE_REQUEST)
		err = weir_viommu_region(bed.vi, 0x28, 0, &region);
	if (!err)
		err = weir_viommu_attach(bed.vi, 0x28, domain);
	if (!err)
		err = weir_viommu_map(domain, 0x100000, 0x8000, 4096, RW);
	if (!err)
		err = weir_viommu_sync_map(domain);
	if (!err)
		err = weir_viommu_unmap(domain, 0x100000, 4096);
	if (!err)
		err = weir_viommu_sync(domain);
	if (!err)
		err = weir_viommu_attach(bed.vi, 0x28, NULL);
	assert_int_equal(err, WEIR_EIO);
	assert_true(logged(&bed, words));
	assert_true(logged(&bed, "0000:00:03.0: queue 0 is in quarantine: nothing came back of 1 requests"));
	bed.iommu.v.log[0] = '\0';
	clock = bed.iommu.v.clock;
	assert_int_equal(weir_viommu_map(domain, 0x200000, 0, 4096, RW), WEIR_EIO);
	assert_int_equal(weir_viommu_sync_map(domain), WEIR_EIO);
	assert_int_equal(weir_viommu_sync(domain), WEIR_EIO);
	assert_int_equal(weir_viommu_attach(bed.vi, 0x30, domain), WEIR_EIO);
	assert_int_equal(weir_viommu_attach(bed.vi, 0x30, NULL), WEIR_EIO);
	assert_int_equal(weir_viommu_attach_identity(bed.vi, 0x30), WEIR_EIO);
	assert_int_equal(weir_viommu_region(bed.vi, 0x30, 0, &region), WEIR_EIO);
	assert_int_equal(weir_viommu_domain_create(bed.vi, &other), 0);
	weir_viommu_domain_destroy(other);
	weir_viommu_forget(bed.vi, 0x28);
	assert_true(bed.iommu.v.clock - clock < 100000); /* nothing was waited for */
	assert_string_equal(bed.iommu.v.log, "");
	weir_viommu_domain_destroy(domain);
	/* A reset brings it back. */
	weir_viommu_suspend(bed.vi);
	assert_int_equal(weir_viommu_resume(bed.vi), 0);
	domain = new_domain(&bed);
	map(domain, 0x100000, 0x8000);
	assert_int_equal(weir_viommu_attach(bed.vi, 0x28, domain), 0);
	assert_true(passes(&bed, 0x28, 0x100000, 0x8000));
	assert_int_equal(weir_viommu_attach(bed.vi, 0x28, NULL), 0);
	weir_viommu_domain_destroy(domain);
	bed_close(&bed);
}

static void test_virtio_iommu_never_answers(void **state)
{
	(void)state;
	never(VIOMMU_PROBE_REQUEST, 1, "PROBE of endpoint 0x28: no answer");
	never(VIOMMU_ATTACH, 1, "ATTACH of endpoint 0x28: no answer");
	never(VIOMMU_MAP, 1, "MAP of 0x100000 in domain 6: no answer");
	never(VIOMMU_UNMAP, 1, "UNMAP of endpoint 0x28: no answer"); /* of what may be left */
	never(VIOMMU_UNMAP, 2, "UNMAP of 0x100000 in domain 6: no answer");
	never(VIOMMU_DETACH, 1, "DETACH of endpoint 0x28: no answer");
}

/* Whatever a device does, calls return, and there is nothing left in the end. */
static void test_virtio_iommu_lies(void **state)
{
	(void)state;
	for (enum vmodel_mode mode = VMODEL_LAST_HONEST + 1; mode < VMODEL_MODES; mode++) {
		struct weir_viommu_domain *domain;
		struct weir_region region;
		struct bed bed;
		int err;

		bed_init(&bed, true);
		bed.iommu.v.mode = mode;
		vmodel_open(&bed.iommu.v);
		err = try_create(&bed);
		if (!err) {
			domain = new_domain(&bed);
			for (uint64_t i = 0; i < 300; i++)
				weir_viommu_map(domain, 0x100000 + 0x1000 * i, 0, 4096, RW);
			weir_viommu_region(bed.vi, 0x28, 0, &region);
			err = weir_viommu_attach(bed.vi, 0x28, domain);
			if (!err)
				err = weir_viommu_sync_map(domain);
			weir_viommu_attach(bed.vi, 0x28, NULL);
			weir_viommu_domain_destroy(domain);
		}
		assert_int_equal(err != 0, mode != VMODEL_SCRIBBLES);
		assert_true(mode == VMODEL_SCRIBBLES || bed.iommu.v.log[0]);
		bed.iommu.v.mode = VMODEL_HONEST;
		bed_close(&bed);
	}
}

static void put_config(struct bed *bed, unsigned int at, unsigned int bytes, uint64_t value)
{
	for (unsigned int i = 0; i < bytes; i++)
		bed->iommu.v.config[at + i] = (uint8_t)(value >> (8 * i));
}

static void configured(unsigned int at, unsigned int bytes, uint64_t value, int err, const char *words)
{
	struct bed bed;

	bed_init(&bed, true);
	put_config(&bed, at, bytes, value);
	vmodel_open(&bed.iommu.v);
	assert_int_equal(try_create(&bed), err);
	if (words)
		assert_true(logged(&bed, words));
	bed_close(&bed);
}

static void test_virtio_iommu_configurations(void **state)
{
	struct weir_domain_limits limits;
	struct bed bed;

	(void)state;
	configured(0, 8, 0, WEIR_EIO, "0000:00:03.0: it has no page size");
	configured(8, 8, 0x1000000000000, WEIR_EIO, "range of addresses is empty");
	configured(16, 8, 0x10ffe, WEIR_EIO, "range of addresses is empty");
	configured(28, 4, 4, WEIR_EIO, "too few domains");
	configured(28, 4, 5, WEIR_EIO, "too few domains");
	configured(28, 4, 6, 0, NULL);
	configured(32, 4, 0x10001, WEIR_EIO, "absurdly much");
	configured(32, 4, 0, 0, NULL);
	bed_init(&bed, true);
	put_config(&bed, 0, 8, 0x40010000);
	put_config(&bed, 8, 8, 0x12345);
	put_config(&bed, 16, 8, 0x12345678);
	vmodel_open(&bed.iommu.v);
	assert_int_equal(try_create(&bed), 0);
	weir_viommu_limits_get(bed.vi, &limits);
	assert_true(limits.page_bytes == 0x10000);
	assert_true(limits.iova_min == 0x20000 && limits.iova_max == 0x1233ffff);
	bed_close(&bed);
}

/* ---- when calls of the host fail ---- */

static void scenario(struct testhost *t, void *arg)
{
	struct bed *bed = arg;
	struct weir_viommu_domain *domain = NULL;
	struct weir_region region;
	int err = vmodel_up(&bed->iommu.v, t);

	bed->iommu.v.config[36] = 1;
	if (!err)
		err = try_create(bed);
	if (!err)
		err = weir_viommu_region(bed->vi, 0x28, 0, &region);
	if (!err)
		err = weir_viommu_domain_create(bed->vi, &domain);
	if (!err)
		err = weir_viommu_map(domain, 0x100000, 0x8000, 4096, RW);
	if (!err)
		err = weir_viommu_attach(bed->vi, 0x28, domain);
	if (!err)
		err = weir_viommu_map(domain, 0x200000, 0x9000, 4096, RW);
	if (!err)
		err = weir_viommu_sync_map(domain);
	assert_int_equal(err != 0, testhost_fault_hit(t));
	if (!err) {
		assert_true(passes(bed, 0x28, 0x100000, 0x8000));
		assert_true(passes(bed, 0x28, 0x200000, 0x9000));
	}
	if (bed->vi)
		assert_int_equal(weir_viommu_attach(bed->vi, 0x28, NULL), 0);
	weir_viommu_domain_destroy(domain);
	bed->vi = weir_viommu_destroy(bed->vi);
	bed->v = weir_virtio_close(bed->v);
	vmodel_down(&bed->iommu.v);
	assert_int_equal(viommu_nr_mappings(&bed->iommu), 0);
}

static void test_virtio_iommu_sweep(void **state)
{
	(void)state;
	for (unsigned int pci = 0; pci < 2; pci++) {
		struct bed bed;
		unsigned long runs;

		bed_init(&bed, pci);
		viommu_property(&bed.iommu, 0, 0x300000, 0x3fffff);
		runs = testhost_sweep(&bed.iommu.v.ops, &bed.iommu.v, scenario, &bed);
		assert_true(runs > 15);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_virtio_iommu_statuses),
		cmocka_unit_test(test_virtio_iommu_flood),
		cmocka_unit_test(test_virtio_iommu_map_fails),
		cmocka_unit_test(test_virtio_iommu_never_answers),
		cmocka_unit_test(test_virtio_iommu_lies),
		cmocka_unit_test(test_virtio_iommu_configurations),
		cmocka_unit_test(test_virtio_iommu_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
