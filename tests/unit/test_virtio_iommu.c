// SPDX-License-Identifier: MIT
/* virtio-iommu's hardware layer against a model in memory, which also refuses, lies and dies. */
#include <string.h>

#include "viommumodel.h"
#include "weir/virtio_iommu.h"

#define RW (WEIR_MAP_READ | WEIR_MAP_WRITE)
#define MAX_FAULTS 200u

struct bed {
	struct viommu iommu;
	struct weir_virtio *v;
	struct weir_viommu *vi;
	struct weir_fault faults[MAX_FAULTS];
	unsigned int nr_faults;
};

static void on_fault(void *arg, const struct weir_fault *fault)
{
	struct bed *bed = arg;

	if (bed->nr_faults < MAX_FAULTS)
		bed->faults[bed->nr_faults] = *fault;
	bed->nr_faults++;
}

static int try_create(struct bed *bed)
{
	const struct weir_viommu_options options = {
		.timeout_ns = 1000000, .fault = on_fault, .arg = bed,
	};
	int err = vmodel_virtio(&bed->iommu.v, &bed->v);

	return err ? err : weir_viommu_create(bed->v, &options, &bed->vi);
}

static void bed_init(struct bed *bed, bool pci)
{
	memset(bed, 0, sizeof(*bed));
	viommu_init(&bed->iommu, pci);
	viommu_endpoint(&bed->iommu, 0x28);
	viommu_endpoint(&bed->iommu, 0x30);
}

static void bed_open(struct bed *bed, bool pci)
{
	bed_init(bed, pci);
	vmodel_open(&bed->iommu.v);
	assert_int_equal(try_create(bed), 0);
}

static void bed_close(struct bed *bed)
{
	bed->vi = weir_viommu_destroy(bed->vi);
	bed->v = weir_virtio_close(bed->v);
	vmodel_close(&bed->iommu.v);
	assert_int_equal(viommu_nr_mappings(&bed->iommu), 0);
	assert_int_equal(bed->iommu.bypass_on_reset, 0);
}

static bool passes(struct bed *bed, uint32_t endpoint, uint64_t iova, uint64_t pa)
{
	uint64_t to;

	if (!viommu_access(&bed->iommu, endpoint, iova, true, &to))
		return false;
	assert_true(to == pa);
	return true;
}

static struct weir_viommu_domain *new_domain(struct bed *bed)
{
	struct weir_viommu_domain *domain;

	assert_int_equal(weir_viommu_domain_create(bed->vi, &domain), 0);
	return domain;
}

static void map(struct weir_viommu_domain *domain, uint64_t iova, uint64_t pa)
{
	assert_int_equal(weir_viommu_map(domain, iova, pa, 4096, RW), 0);
	assert_int_equal(weir_viommu_sync_map(domain), 0);
}

static bool logged(const struct bed *bed, const char *words)
{
	return strstr(bed->iommu.v.log, words);
}

/* ---- as it should be ---- */

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

/* A request that is never answered: told by name, waited for once, and then nothing works. */
static void never(unsigned int type, const char *words)
{
	struct weir_viommu_domain *domain, *other;
	struct weir_region region;
	struct bed bed;
	uint64_t clock;
	int err = 0;

	bed_open(&bed, true);
	domain = new_domain(&bed);
	bed.iommu.fail_type = type;
	bed.iommu.fail_nth = 1;
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
	never(VIOMMU_PROBE_REQUEST, "PROBE of endpoint 0x28: no answer");
	never(VIOMMU_ATTACH, "ATTACH of endpoint 0x28: no answer");
	never(VIOMMU_MAP, "MAP of 0x100000 in domain 6: no answer");
	never(VIOMMU_UNMAP, "UNMAP of 0x100000 in domain 6: no answer");
	never(VIOMMU_DETACH, "DETACH of endpoint 0x28: no answer");
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
		cmocka_unit_test(test_virtio_iommu_enforces),
		cmocka_unit_test(test_virtio_iommu_statuses),
		cmocka_unit_test(test_virtio_iommu_map_fails),
		cmocka_unit_test(test_virtio_iommu_never_answers),
		cmocka_unit_test(test_virtio_iommu_lies),
		cmocka_unit_test(test_virtio_iommu_configurations),
		cmocka_unit_test(test_virtio_iommu_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
