// SPDX-License-Identifier: MIT
/* virtio-iommu's hardware layer against a model in memory that does as it should. */
#include "viommubed.h"

static void life(bool pci)
{
	struct weir_viommu_domain *one, *two;
	struct bed bed;

	bed_init(&bed, pci);
	vmodel_open(&bed.iommu.v);
	assert_true(passes(&bed, 0x28, 0x1234, 0x1234)); /* as firmware left it */
	assert_int_equal(try_create(&bed), 0);
	assert_false(passes(&bed, 0x28, 0x1234, 0));
	one = new_domain(&bed);
	two = new_domain(&bed);
	map(one, 0x100000, 0x8000);
	map(two, 0x100000, 0x9000);
	assert_int_equal(bed.iommu.requests[VIOMMU_MAP], 0); /* nobody is behind it */
	assert_int_equal(weir_viommu_attach(bed.vi, 0x28, one), 0);
	assert_true(passes(&bed, 0x28, 0x100234, 0x8234));
	assert_false(passes(&bed, 0x30, 0x100234, 0));
	assert_int_equal(weir_viommu_attach(bed.vi, 0x30, one), 0);
	assert_int_equal(bed.iommu.requests[VIOMMU_MAP], 1); /* it is there already */
	map(one, 0x200000, 0xa000);
	assert_true(passes(&bed, 0x30, 0x200fff, 0xafff));
	assert_int_equal(weir_viommu_attach(bed.vi, 0x28, two), 0);
	assert_true(passes(&bed, 0x28, 0x100234, 0x9234));
	assert_false(passes(&bed, 0x28, 0x200000, 0));
	/* The second endpoint leaves too: the device drops the domain, the books do not. */
	assert_int_equal(weir_viommu_attach_identity(bed.vi, 0x30), 0);
	assert_true(passes(&bed, 0x30, 0x777, 0x777));
	assert_int_equal(viommu_nr_mappings(&bed.iommu), 1);
	assert_int_equal(weir_viommu_unmap(one, 0x100000, 4096), 0);
	assert_int_equal(weir_viommu_sync(one), 0);
	assert_int_equal(weir_viommu_attach(bed.vi, 0x30, one), 0);
	assert_false(passes(&bed, 0x30, 0x100234, 0));
	assert_true(passes(&bed, 0x30, 0x200234, 0xa234));
	assert_int_equal(weir_viommu_attach(bed.vi, 0x30, NULL), 0);
	assert_int_equal(weir_viommu_attach(bed.vi, 0x30, NULL), 0); /* it is */
	assert_false(passes(&bed, 0x30, 0x200234, 0));
	weir_viommu_forget(bed.vi, 0x28);
	assert_false(passes(&bed, 0x28, 0x100234, 0));
	weir_viommu_forget(bed.vi, 0x28);
	weir_viommu_domain_destroy(one);
	weir_viommu_domain_destroy(two);
	bed_close(&bed);
	assert_false(passes(&bed, 0x28, 0x1234, 0));
}

static void test_virtio_iommu_life(void **state)
{
	(void)state;
	life(false);
	life(true);
}

/* Without BYPASS_CONFIG nothing is let through untranslated either, and nothing can be. */
static void test_virtio_iommu_no_bypass(void **state)
{
	struct bed bed;

	(void)state;
	bed_init(&bed, true);
	bed.iommu.v.offered &= ~(uint64_t)VIOMMU_BYPASS_CONFIG;
	bed.iommu.v.offered |= 0x8; /* BYPASS: not taken */
	vmodel_open(&bed.iommu.v);
	assert_int_equal(try_create(&bed), 0);
	assert_false(bed.iommu.v.accepted & 0x8);
	assert_false(passes(&bed, 0x28, 0x1234, 0));
	assert_int_equal(weir_viommu_attach_identity(bed.vi, 0x28), WEIR_EOPNOTSUPP);
	bed.iommu.v.config[36] = 0; /* not the driver's to write */
	bed_close(&bed);
}

/* A device that cannot replace: blocked in between, and then behind the new one. */
static void test_virtio_iommu_no_replace(void **state)
{
	struct weir_viommu_domain *one, *two;
	struct bed bed;

	(void)state;
	bed_open(&bed, true);
	bed.iommu.no_replace = true;
	one = new_domain(&bed);
	two = new_domain(&bed);
	map(two, 0x100000, 0x9000);
	assert_int_equal(weir_viommu_attach(bed.vi, 0x28, one), 0);
	assert_int_equal(weir_viommu_attach(bed.vi, 0x28, two), 0);
	assert_int_equal(bed.iommu.requests[VIOMMU_DETACH], 1);
	assert_true(passes(&bed, 0x28, 0x100000, 0x9000));
	assert_int_equal(weir_viommu_attach(bed.vi, 0x28, NULL), 0);
	weir_viommu_domain_destroy(one);
	weir_viommu_domain_destroy(two);
	bed_close(&bed);
}

/* Domain numbers 5 to 8: one is identity's, three are left, and come back when destroyed. */
static void test_virtio_iommu_domains(void **state)
{
	struct weir_viommu_domain *domains[4];
	struct bed bed;

	(void)state;
	bed_open(&bed, true);
	for (unsigned int i = 0; i < 3; i++)
		domains[i] = new_domain(&bed);
	assert_int_equal(weir_viommu_domain_create(bed.vi, &domains[3]), WEIR_ENOSPC);
	weir_viommu_domain_destroy(domains[1]);
	domains[1] = new_domain(&bed);
	assert_int_equal(weir_viommu_domain_create(bed.vi, &domains[3]), WEIR_ENOSPC);
	for (unsigned int i = 0; i < 3; i++) {
		map(domains[i], 0x100000, 0x8000 + 0x1000 * i);
		assert_int_equal(weir_viommu_attach(bed.vi, 0x28, domains[i]), 0);
		assert_true(passes(&bed, 0x28, 0x100000, 0x8000 + 0x1000 * i));
	}
	assert_int_equal(weir_viommu_attach(bed.vi, 0x28, NULL), 0);
	for (unsigned int i = 0; i < 3; i++)
		weir_viommu_domain_destroy(domains[i]);
	bed_close(&bed);
}

/* More mappings than there are slots, in a queue with room for few. */
static void test_virtio_iommu_batches(void **state)
{
	struct weir_viommu_domain *domain;
	struct bed bed;

	(void)state;
	for (unsigned int max = 2; max <= 256; max *= 4) {
		bed_init(&bed, true);
		bed.iommu.v.queues[0].max = (uint16_t)max;
		vmodel_open(&bed.iommu.v);
		assert_int_equal(try_create(&bed), 0);
		domain = new_domain(&bed);
		assert_int_equal(weir_viommu_attach(bed.vi, 0x28, domain), 0);
		for (uint64_t i = 0; i < 1000; i++)
			assert_int_equal(weir_viommu_map(domain, 0x100000 + 0x2000 * i,
							 0x1000 * i, 4096, RW), 0);
		assert_int_equal(weir_viommu_sync_map(domain), 0);
		assert_int_equal(viommu_nr_mappings(&bed.iommu), 1000);
		assert_true(bed.iommu.v.notified <= 1000 / (max / 2) + 5);
		/* Unmapped right after: not before it was mapped. */
		assert_int_equal(weir_viommu_map(domain, 0x90000000, 0, 4096, RW), 0);
		assert_int_equal(weir_viommu_unmap(domain, 0x90000000, 4096), 0);
		for (uint64_t i = 0; i < 1000; i++)
			assert_int_equal(weir_viommu_unmap(domain, 0x100000 + 0x2000 * i, 4096), 0);
		assert_int_equal(weir_viommu_sync(domain), 0);
		assert_int_equal(viommu_nr_mappings(&bed.iommu), 0);
		assert_int_equal(weir_viommu_attach(bed.vi, 0x28, NULL), 0);
		weir_viommu_domain_destroy(domain);
		bed_close(&bed);
	}
}

/* An endpoint that never rests: whatever the device does, it is asked in between. */
static struct {
	uint32_t endpoint;
	bool behind;       /* it was seen attached to a domain */
	unsigned int held; /* accesses to what is mapped that were refused since then */
} restless;

static void fire(struct vmodel *model)
{
	const struct viommu *iommu = (const struct viommu *)model;

	restless.behind |= viommu_attached(iommu, restless.endpoint);
	for (uint64_t i = 0; restless.behind && i < 100; i++)
		restless.held += !viommu_would_pass(iommu, restless.endpoint,
						    0x100000 + 0x1000 * i);
}

/* A domain that has mappings is filled with the attach, before the endpoint notices. */
static void test_virtio_iommu_fills_at_once(void **state)
{
	struct weir_viommu_domain *one, *two;
	struct bed bed;

	(void)state;
	for (enum vmodel_mode mode = VMODEL_HONEST; mode <= VMODEL_LAST_HONEST; mode++) {
		bed_open(&bed, false);
		bed.iommu.v.mode = mode;
		one = new_domain(&bed);
		two = new_domain(&bed);
		for (uint64_t i = 0; i < 100; i++) {
			map(one, 0x100000 + 0x1000 * i, 0x1000 * i);
			map(two, 0x100000 + 0x1000 * i, 0x2000 * i);
		}
		restless.endpoint = 0x28;
		restless.behind = false;
		restless.held = 0;
		bed.iommu.v.after = fire;
		assert_int_equal(weir_viommu_attach(bed.vi, 0x28, one), 0);
		assert_true(restless.behind);
		/* a device that does the last request first has no domain yet for the others */
		assert_int_equal(restless.held != 0, mode == VMODEL_REVERSED);
		assert_int_equal(weir_viommu_attach(bed.vi, 0x28, two), 0);
		assert_int_equal(restless.held != 0, mode == VMODEL_REVERSED);
		for (uint64_t i = 0; i < 100; i++)
			assert_true(passes(&bed, 0x28, 0x100000 + 0x1000 * i, 0x2000 * i));
		bed.iommu.v.after = NULL;
		assert_false(logged(&bed, "MAP"));
		assert_int_equal(weir_viommu_attach(bed.vi, 0x28, NULL), 0);
		weir_viommu_domain_destroy(one);
		weir_viommu_domain_destroy(two);
		bed_close(&bed);
	}
}

/* Of devices that return requests late, or in another order, nothing is to be seen. */
static void test_virtio_iommu_orders(void **state)
{
	struct weir_viommu_domain *domain;
	struct bed bed;

	(void)state;
	for (enum vmodel_mode mode = VMODEL_HONEST; mode <= VMODEL_LAST_HONEST; mode++) {
		bed_init(&bed, true);
		bed.iommu.v.mode = mode;
		vmodel_open(&bed.iommu.v);
		assert_int_equal(try_create(&bed), 0);
		domain = new_domain(&bed);
		assert_int_equal(weir_viommu_attach(bed.vi, 0x28, domain), 0);
		for (uint64_t round = 0; round < 20; round++) {
			for (uint64_t i = 0; i < 50; i++)
				assert_int_equal(weir_viommu_map(domain, 0x100000 + 0x1000 * i,
								 0x1000 * (i + round), 4096, RW), 0);
			for (uint64_t i = 0; i < 50; i += 2)
				assert_int_equal(weir_viommu_unmap(domain, 0x100000 + 0x1000 * i, 4096), 0);
			assert_int_equal(weir_viommu_sync(domain), 0);
			for (uint64_t i = 0; i < 50; i++)
				assert_int_equal(passes(&bed, 0x28, 0x100000 + 0x1000 * i,
							0x1000 * (i + round)), i % 2);
			for (uint64_t i = 1; i < 50; i += 2)
				assert_int_equal(weir_viommu_unmap(domain, 0x100000 + 0x1000 * i, 4096), 0);
			assert_int_equal(weir_viommu_sync(domain), 0);
		}
		assert_int_equal(weir_viommu_attach(bed.vi, 0x28, NULL), 0);
		weir_viommu_domain_destroy(domain);
		bed_close(&bed);
	}
}

static void test_virtio_iommu_regions(void **state)
{
	struct weir_region region;
	struct bed bed;

	(void)state;
	bed_open(&bed, true);
	viommu_property(&bed.iommu, 0, 0x100000, 0x1fffff);
	viommu_property(&bed.iommu, 1, 0xfee00000, 0xfeefffff);
	viommu_property(&bed.iommu, 77, 0x300000, 0x3fffff); /* unknown: reserved */
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(weir_viommu_region(bed.vi, 0x28, 0, &region), 0);
		assert_int_equal(region.kind, WEIR_REGION_RESERVED);
		assert_true(region.first == 0x100000 && region.last == 0x1fffff);
		assert_int_equal(weir_viommu_region(bed.vi, 0x28, 1, &region), 0);
		assert_int_equal(region.kind, WEIR_REGION_MSI);
		assert_int_equal(weir_viommu_region(bed.vi, 0x28, 2, &region), 0);
		assert_int_equal(region.kind, WEIR_REGION_RESERVED);
		assert_int_equal(weir_viommu_region(bed.vi, 0x28, 3, &region), WEIR_ENOENT);
	}
	assert_int_equal(bed.iommu.requests[VIOMMU_PROBE_REQUEST], 1);
	assert_int_equal(weir_viommu_knows(bed.vi, 0x28), 0);
	assert_int_equal(weir_viommu_knows(bed.vi, 0x99), WEIR_ENOENT);
	assert_int_equal(weir_viommu_attach_identity(bed.vi, 0x99), WEIR_ENOENT);
	assert_true(logged(&bed, "ATTACH of endpoint 0x99: NOENT"));
	bed_close(&bed);
}

static void test_virtio_iommu_faults(void **state)
{
	struct bed bed;

	(void)state;
	for (unsigned int pci = 0; pci < 2; pci++) {
		bed_open(&bed, pci);
		/* More than there are buffers: by interrupt they come at once. */
		for (uint64_t i = 0; i < 100; i++)
			assert_false(passes(&bed, 0x30, 0x1000 * i, 0));
		assert_int_equal(bed.nr_faults, 100);
		for (uint64_t i = 0; i < 100; i++) {
			assert_int_equal(bed.faults[i].stream, 0x30);
			assert_int_equal(bed.faults[i].reason, WEIR_FAULT_BLOCKED);
			assert_int_equal(bed.faults[i].flags, WEIR_FAULT_WRITE);
			assert_true(bed.faults[i].iova == 0x1000 * i);
		}
		bed_close(&bed);
	}
}

/* Where there is no interrupt they wait, and those that do not fit are lost. */
static void test_virtio_iommu_polled(void **state)
{
	struct bed bed;

	(void)state;
	bed_init(&bed, true);
	bed.iommu.v.ops.msi_request = NULL;
	vmodel_open(&bed.iommu.v);
	assert_int_equal(try_create(&bed), 0);
	for (uint64_t i = 0; i < 100; i++)
		assert_false(passes(&bed, 0x30, 0x1000 * i, 0));
	assert_int_equal(bed.nr_faults, 0);
	assert_int_equal(weir_viommu_poll(bed.vi), 64);
	assert_int_equal(bed.nr_faults, 64);
	assert_int_equal(weir_viommu_poll(bed.vi), 0);
	assert_false(passes(&bed, 0x30, 0x5000, 0));
	assert_int_equal(weir_viommu_poll(bed.vi), 1);
	assert_int_equal(bed.iommu.v.interrupts, 0);
	bed_close(&bed);
}

static void test_virtio_iommu_suspends(void **state)
{
	struct weir_viommu_domain *domain;
	struct bed bed;

	(void)state;
	bed_open(&bed, true);
	domain = new_domain(&bed);
	for (unsigned int i = 0; i < 3; i++) {
		map(domain, 0x100000, 0x8000);
		assert_int_equal(weir_viommu_attach(bed.vi, 0x28, domain), 0);
		assert_true(passes(&bed, 0x28, 0x100000, 0x8000));
		weir_viommu_suspend(bed.vi);
		weir_viommu_suspend(bed.vi);
		assert_false(passes(&bed, 0x28, 0x100000, 0));
		bed.iommu.v.config[36] = 1; /* as after a loss of power */
		assert_int_equal(weir_viommu_resume(bed.vi), 0);
		assert_int_equal(weir_viommu_resume(bed.vi), 0);
		assert_false(passes(&bed, 0x28, 0x100000, 0));
		assert_int_equal(bed.nr_faults, 1 + i);
	}
	weir_viommu_suspend(bed.vi);
	bed.iommu.v.offered &= ~(uint64_t)VIOMMU_PROBE;
	assert_int_equal(weir_viommu_resume(bed.vi), WEIR_EIO);
	assert_true(logged(&bed, "another device than before"));
	weir_viommu_domain_destroy(domain);
	bed_close(&bed);
}

/*
 * A device whose reset takes nothing away: who stops in an orderly way leaves nothing behind. Who died
 * did; what was mapped then is not reached through a domain of the same number.
 */
static void test_virtio_iommu_forgets_nothing(void **state)
{
	struct weir_viommu_domain *domain, *other;
	struct bed bed;

	(void)state;
	bed_open(&bed, true);
	bed.iommu.forgets_nothing = true;
	for (unsigned int i = 0; i < 3; i++) {
		domain = new_domain(&bed);
		other = new_domain(&bed);
		map(domain, 0x100000, 0x8000);
		assert_int_equal(weir_viommu_attach(bed.vi, 0x28, domain), 0);
		assert_int_equal(weir_viommu_attach(bed.vi, 0x30, i == 1 ? domain : other), 0);
		assert_true(passes(&bed, 0x28, 0x100000, 0x8000));
		weir_viommu_suspend(bed.vi);
		assert_int_equal(viommu_nr_mappings(&bed.iommu), 0);
		assert_false(passes(&bed, 0x28, 0x100000, 0));
		assert_false(passes(&bed, 0x30, 0x100000, 0));
		assert_int_equal(weir_viommu_resume(bed.vi), 0);
		weir_viommu_domain_destroy(domain);
		weir_viommu_domain_destroy(other);
	}
	domain = new_domain(&bed);
	map(domain, 0x100000, 0x8000);
	map(domain, 0x300000, 0x9000);
	viommu_leave(&bed.iommu, 0x28, 6, 0x100000, 0x666000);
	viommu_leave(&bed.iommu, 0x28, 6, 0x200000, 0x777000);
	assert_true(passes(&bed, 0x28, 0x100000, 0x666000));
	assert_int_equal(weir_viommu_attach(bed.vi, 0x30, domain), 0);
	assert_true(passes(&bed, 0x30, 0x100000, 0x8000));
	assert_true(passes(&bed, 0x30, 0x300000, 0x9000));
	assert_false(passes(&bed, 0x30, 0x200000, 0));
	assert_string_equal(bed.iommu.v.log, "");
	assert_int_equal(weir_viommu_attach(bed.vi, 0x28, domain), 0);
	assert_int_equal(weir_viommu_attach(bed.vi, 0x28, NULL), 0);
	assert_int_equal(weir_viommu_attach(bed.vi, 0x30, NULL), 0);
	assert_false(passes(&bed, 0x28, 0x100000, 0));
	weir_viommu_domain_destroy(domain);
	bed_close(&bed);
}

/* What runs already keeps running until all of it is attached; after that, never again. */
static void test_virtio_iommu_enforces(void **state)
{
	struct weir_viommu_options options = { .keep_bypass = true };
	struct weir_viommu_domain *domain;
	struct bed bed;

	(void)state;
	bed_init(&bed, true);
	vmodel_open(&bed.iommu.v);
	assert_int_equal(vmodel_virtio(&bed.iommu.v, &bed.v), 0);
	assert_int_equal(weir_viommu_create(bed.v, &options, &bed.vi), 0);
	assert_true(passes(&bed, 0x28, 0x1234, 0x1234));
	domain = new_domain(&bed);
	map(domain, 0x100000, 0x8000);
	assert_int_equal(weir_viommu_attach(bed.vi, 0x28, domain), 0);
	assert_true(passes(&bed, 0x28, 0x100000, 0x8000));
	assert_true(passes(&bed, 0x30, 0x1234, 0x1234));
	assert_int_equal(weir_viommu_enforce(bed.vi), 0);
	assert_false(passes(&bed, 0x30, 0x1234, 0));
	assert_true(passes(&bed, 0x28, 0x100000, 0x8000));
	weir_viommu_suspend(bed.vi);
	bed.iommu.v.config[36] = 1;
	assert_int_equal(weir_viommu_resume(bed.vi), 0);
	assert_false(passes(&bed, 0x30, 0x1234, 0));
	weir_viommu_domain_destroy(domain);
	bed_close(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_virtio_iommu_life),
		cmocka_unit_test(test_virtio_iommu_no_bypass),
		cmocka_unit_test(test_virtio_iommu_no_replace),
		cmocka_unit_test(test_virtio_iommu_domains),
		cmocka_unit_test(test_virtio_iommu_batches),
		cmocka_unit_test(test_virtio_iommu_fills_at_once),
		cmocka_unit_test(test_virtio_iommu_orders),
		cmocka_unit_test(test_virtio_iommu_regions),
		cmocka_unit_test(test_virtio_iommu_faults),
		cmocka_unit_test(test_virtio_iommu_polled),
		cmocka_unit_test(test_virtio_iommu_suspends),
		cmocka_unit_test(test_virtio_iommu_forgets_nothing),
		cmocka_unit_test(test_virtio_iommu_enforces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
