// SPDX-License-Identifier: MIT
/*
 * virtio-iommu on QEMU's model, and edu's DMA through it: the hardware layer by endpoint
 * ids. IOVAs are outside of RAM, so that an access that is not translated cannot look
 * like one that is.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "weir/virtio_iommu.h"

#define IOVA 0x7000000000u /* QEMU 10's for x86 takes 39 bits */
#define FILL 0xa5
#define MAX_FAULTS 256u

#define EDU "-device", "edu,addr=05.0,dma_mask=0xffffffffffffffff"

static const char *const by_pci[] = { "-device", "virtio-iommu-pci,addr=03.0", EDU, NULL };
/* The same model behind registers in the address map of the processor. */
static const char *const by_mmio[] = {
	"-global", "virtio-mmio.force-legacy=false",
	"-device", "virtio-iommu-device,primary-bus=pcie.0", EDU, NULL,
};

struct bed {
	struct bench b;
	const struct weir_host_ops *ops;
	struct weir_device *dev;       /* the IOMMU's */
	struct weir_virtio *v;
	struct weir_viommu *vi;
	struct edu edu;
	uint32_t endpoint;             /* edu's */
	uint8_t *va;                   /* two pages of RAM */
	uint64_t pa;
	pthread_mutex_t mutex;         /* faults may come on a thread of timers */
	struct weir_fault faults[MAX_FAULTS];
	unsigned int nr_faults;
};

static void on_fault(void *arg, const struct weir_fault *fault)
{
	struct bed *bed = arg;

	pthread_mutex_lock(&bed->mutex);
	if (bed->nr_faults < MAX_FAULTS)
		bed->faults[bed->nr_faults] = *fault;
	bed->nr_faults++;
	pthread_mutex_unlock(&bed->mutex);
}

static unsigned int nr_faults(struct bed *bed)
{
	unsigned int n;

	pthread_mutex_lock(&bed->mutex);
	n = bed->nr_faults;
	pthread_mutex_unlock(&bed->mutex);
	return n;
}

/* A transfer of 64 bytes that is refused gives 16 faults, one a word. All are waited for. */
static void refused(struct bed *bed, unsigned int before)
{
	for (unsigned int i = 0; bed->vi && nr_faults(bed) < before + 16; i++) {
		if (i == 50000)
			fail_msg("%u faults of a transfer", nr_faults(bed) - before);
		weir_viommu_poll(bed->vi);
		bed->ops->delay_ns(bed->b.qtest, 100000);
	}
}

/* QEMU plugs the first device into the last of its 32 places. */
static int open_mmio(struct bed *bed)
{
	struct weir_fwnode *node;
	uint64_t pa, bytes;
	uint32_t line;

	for (node = weir_fwnode_root(bed->b.m); node; node = weir_fwnode_next(node)) {
		const char *compatible = weir_fwnode_compatible(node, 0);

		if (!compatible || strcmp(compatible, "virtio,mmio") != 0)
			continue;
		assert_int_equal(weir_firmware_registers(node, 0, &pa, &bytes), 0);
		assert_int_equal(weir_firmware_line(node, 0, &line), 0);
		if (!weir_virtio_open_mmio(bed->b.m, "viommu", pa, bytes, line, &bed->v))
			return 0;
	}
	return WEIR_ENODEV;
}

static void viommu_open(struct bed *bed)
{
	const struct weir_viommu_options options = { .fault = on_fault, .arg = bed };

	if (bed->dev)
		assert_int_equal(weir_virtio_open(bed->dev, &bed->v), 0);
	else
		assert_int_equal(open_mmio(bed), 0);
	assert_int_equal(weir_virtio_type(bed->v), 23);
	assert_int_equal(weir_viommu_create(bed->v, &options, &bed->vi), 0);
}

static void viommu_close(struct bed *bed)
{
	bed->vi = weir_viommu_destroy(bed->vi);
	bed->v = weir_virtio_close(bed->v);
}

/* Everything but the IOMMU. */
static void bed_prepare(struct bed *bed, const char *arch, const char *const *with)
{
	struct weir_pci_info info;
	void *mem;

	memset(bed, 0, sizeof(*bed));
	pthread_mutex_init(&bed->mutex, NULL);
	bench_open(&bed->b, arch, NULL, with);
	bed->ops = weir_qtest_ops(bed->b.qtest);
	if (bench_count(&bed->b, 0x1af4, 0x1057))
		bed->dev = bench_pci(&bed->b, 0x1af4, 0x1057);
	edu_open(&bed->edu, bench_pci(&bed->b, 0x1234, 0x11e8));
	assert_int_equal(weir_pci_info_get(bed->edu.dev, &info), 0);
	bed->endpoint = info.rid;
	assert_int_equal(bed->ops->pages_alloc(bed->b.qtest, 8192, 4096, &mem, &bed->pa), 0);
	bed->va = mem;
	for (unsigned int i = 0; i < 64; i++)
		bed->va[i] = (uint8_t)(i + 1);
}

static void bed_open(struct bed *bed, const char *arch, const char *const *with)
{
	bed_prepare(bed, arch, with);
	viommu_open(bed);
}

static void bed_clear(struct bed *bed)
{
	bed->ops->pages_free(bed->b.qtest, bed->va, bed->pa, 8192);
	edu_close(&bed->edu);
	bench_close(&bed->b);
}

static void bed_close(struct bed *bed)
{
	viommu_close(bed);
	bed_clear(bed);
}

/* Has edu read @bytes at @from. What it has now is seen by having it written with full rights. */
static void edu_read(struct bed *bed, uint64_t from, unsigned int bytes)
{
	edu_dma(&bed->b, &bed->edu, from, bytes, false, false);
}

static void edu_write(struct bed *bed, uint64_t to, unsigned int bytes)
{
	edu_dma(&bed->b, &bed->edu, to, bytes, true, false);
}

/* How many there were; they count from 0 again. */
static unsigned int faults(struct bed *bed)
{
	unsigned int n = nr_faults(bed);

	pthread_mutex_lock(&bed->mutex);
	bed->nr_faults = 0;
	pthread_mutex_unlock(&bed->mutex);
	return n;
}

/* All faults so far are of edu, for writes at @iova and the words behind it. */
static void assert_faults(struct bed *bed, uint64_t iova, unsigned int bytes,
			  enum weir_fault_reason reason, uint32_t flags)
{
	unsigned int n = faults(bed);

	assert_true(n > 0);
	for (unsigned int i = 0; i < n && i < MAX_FAULTS; i++) {
		assert_int_equal(bed->faults[i].stream, bed->endpoint);
		assert_int_equal(bed->faults[i].reason, reason);
		assert_int_equal(bed->faults[i].flags, flags);
		assert_true(bed->faults[i].iova >= iova && bed->faults[i].iova < iova + bytes);
	}
}

/* edu's buffer is full of a pattern; 64 bytes of it go to @iova. Whether they land in the second page. */
static bool fire(struct bed *bed, uint64_t iova, bool listening)
{
	uint8_t *to = bed->va + 4096;
	unsigned int n = 0, before = nr_faults(bed);

	memset(to, FILL, 4096);
	edu_write(bed, iova, 64);
	for (unsigned int i = 0; i < 4096; i++)
		n += to[i] != FILL;
	assert_true(n == 0 || n == 64);
	if (!n && listening)
		refused(bed, before);
	return n;
}

static bool lands(struct bed *bed, uint64_t iova)
{
	return fire(bed, iova, true);
}

static void map(struct weir_viommu_domain *domain, uint64_t iova, uint64_t pa, uint64_t bytes,
		uint32_t prot)
{
	assert_int_equal(weir_viommu_map(domain, iova, pa, bytes, prot), 0);
	assert_int_equal(weir_viommu_sync_map(domain), 0);
}

static struct weir_viommu_domain *attached(struct bed *bed)
{
	struct weir_viommu_domain *domain;

	assert_int_equal(weir_viommu_domain_create(bed->vi, &domain), 0);
	map(domain, IOVA, bed->pa, 8192, WEIR_MAP_READ | WEIR_MAP_WRITE);
	assert_int_equal(weir_viommu_attach(bed->vi, bed->endpoint, domain), 0);
	return domain;
}

/*
 * The whole story of an endpoint. QEMU does not know an endpoint before it is attached
 * for the first time, and tells read from write only for mappings that are there.
 */
static void translate(const char *arch, const char *const *with)
{
	struct weir_viommu_domain *domain;
	enum weir_fault_reason blocked;
	struct bed bed;

	bed_prepare(&bed, arch, with);
	/* QEMU starts with bypass on: the test can see what passes. */
	edu_read(&bed, bed.pa, 64);
	assert_true(lands(&bed, bed.pa + 4096));
	viommu_open(&bed);
	assert_false(lands(&bed, bed.pa + 4096));
	assert_faults(&bed, bed.pa + 4096, 64, WEIR_FAULT_UNKNOWN, 0);
	domain = attached(&bed);
	edu_read(&bed, IOVA, 64);
	assert_true(lands(&bed, IOVA + 4096));
	assert_memory_equal(bed.va, bed.va + 4096, 64);
	assert_int_equal(faults(&bed), 0);
	/* Addresses that are not mapped, among them that of the memory itself. */
	assert_false(lands(&bed, bed.pa + 4096));
	assert_faults(&bed, bed.pa + 4096, 64, WEIR_FAULT_UNMAPPED, 0);
	assert_false(lands(&bed, IOVA + 8192));
	assert_faults(&bed, IOVA + 8192, 64, WEIR_FAULT_UNMAPPED, 0);
	assert_int_equal(weir_viommu_unmap(domain, IOVA, 8192), 0);
	assert_int_equal(weir_viommu_sync(domain), 0);
	assert_false(lands(&bed, IOVA + 4096));
	assert_faults(&bed, IOVA + 4096, 64, WEIR_FAULT_UNMAPPED, 0);
	map(domain, IOVA, bed.pa, 8192, WEIR_MAP_WRITE);
	assert_true(lands(&bed, IOVA + 4096));
	assert_int_equal(weir_viommu_attach(bed.vi, bed.endpoint, NULL), 0);
	/* QEMU 10.0 forgets an endpoint that is detached. */
	blocked = weir_qtest_version(bed.b.qtest) < 100000 ? WEIR_FAULT_BLOCKED : WEIR_FAULT_UNKNOWN;
	assert_false(lands(&bed, IOVA + 4096));
	assert_faults(&bed, IOVA + 4096, 64, blocked, 0);
	assert_false(lands(&bed, bed.pa + 4096));
	assert_faults(&bed, bed.pa + 4096, 64, blocked, 0);
	weir_viommu_domain_destroy(domain);
	viommu_close(&bed);
	/* Reset and left alone it lets nothing pass. */
	assert_false(lands(&bed, bed.pa + 4096));
	assert_false(lands(&bed, IOVA + 4096));
	bed_clear(&bed);
}

static void test_virtio_iommu_translates_aarch64(void **state)
{
	(void)state;
	translate("aarch64", by_pci);
}

static void test_virtio_iommu_translates_x86_64(void **state)
{
	(void)state;
	translate("x86_64", by_pci);
}

static void test_virtio_iommu_translates_mmio(void **state)
{
	(void)state;
	translate("aarch64", by_mmio);
}

/* What is mapped for reading cannot be written, and the other way round; whose fault it was is told. */
static void test_virtio_iommu_permissions(void **state)
{
	struct weir_viommu_domain *domain;
	struct bed bed;

	(void)state;
	bed_open(&bed, "aarch64", by_pci);
	assert_int_equal(weir_viommu_domain_create(bed.vi, &domain), 0);
	map(domain, IOVA, bed.pa, 4096, WEIR_MAP_READ);
	map(domain, IOVA + 4096, bed.pa + 4096, 4096, WEIR_MAP_WRITE);
	assert_int_equal(weir_viommu_attach(bed.vi, bed.endpoint, domain), 0);
	edu_read(&bed, IOVA, 64);
	assert_true(lands(&bed, IOVA + 4096));
	assert_memory_equal(bed.va, bed.va + 4096, 64);
	assert_int_equal(faults(&bed), 0);
	edu_write(&bed, IOVA, 64);
	refused(&bed, 0);
	assert_faults(&bed, IOVA, 64, WEIR_FAULT_UNMAPPED, WEIR_FAULT_WRITE);
	assert_int_equal(bed.va[0], 1);
	edu_read(&bed, IOVA + 4096, 64);
	refused(&bed, 0);
	assert_faults(&bed, IOVA + 4096, 64, WEIR_FAULT_UNMAPPED, WEIR_FAULT_READ);
	assert_int_equal(weir_viommu_attach(bed.vi, bed.endpoint, NULL), 0);
	weir_viommu_domain_destroy(domain);
	bed_close(&bed);
}

/* QEMU says where its interrupt controller's doorbells are, and nothing else. */
static void regions(const char *arch, uint64_t first, uint64_t last)
{
	struct weir_region region;
	struct bed bed;

	bed_open(&bed, arch, by_pci);
	assert_int_equal(weir_viommu_region(bed.vi, bed.endpoint, 0, &region), 0);
	assert_int_equal(region.kind, WEIR_REGION_MSI);
	assert_true(region.first == first && region.last == last);
	assert_int_equal(weir_viommu_region(bed.vi, bed.endpoint, 1, &region), WEIR_ENOENT);
	assert_int_equal(weir_viommu_knows(bed.vi, bed.endpoint), 0);
	assert_int_equal(weir_viommu_knows(bed.vi, 0xf0), WEIR_ENOENT);
	assert_int_equal(weir_viommu_region(bed.vi, 0xf0, 0, &region), WEIR_EIO);
	assert_int_equal(weir_viommu_attach_identity(bed.vi, 0xf0), WEIR_ENOENT);
	bed_close(&bed);
}

static void test_virtio_iommu_regions(void **state)
{
	(void)state;
	regions("aarch64", 0x08020000, 0x08020fff);
	regions("x86_64", 0xfee00000, 0xfeefffff);
}

/* What QEMU would take without a word is refused here. */
static void test_virtio_iommu_checks_mappings(void **state)
{
	const uint32_t rw = WEIR_MAP_READ | WEIR_MAP_WRITE;
	struct weir_viommu_domain *domain;
	struct weir_domain_limits limits;
	struct bed bed;
	uint64_t last;

	(void)state;
	bed_open(&bed, "aarch64", by_pci);
	weir_viommu_limits_get(bed.vi, &limits);
	assert_int_equal(limits.page_bytes, 4096);
	last = limits.iova_max - 4095; /* QEMU 7.2: 64 bits, 10.0: 48 */
	assert_true(limits.iova_min == 0 && last >= UINT64_C(1) << 47 && !(last & 4095));
	domain = attached(&bed);
	assert_int_equal(weir_viommu_map(domain, IOVA + 0x10001, bed.pa, 4096, rw), WEIR_EINVAL);
	assert_int_equal(weir_viommu_map(domain, IOVA + 0x10000, bed.pa + 8, 4096, rw), WEIR_EINVAL);
	assert_int_equal(weir_viommu_map(domain, IOVA + 0x10000, bed.pa, 64, rw), WEIR_EINVAL);
	assert_int_equal(weir_viommu_map(domain, IOVA + 0x10000, bed.pa, 0, rw), WEIR_EINVAL);
	assert_int_equal(weir_viommu_map(domain, IOVA + 0x10000, bed.pa, 4096, 0), WEIR_EINVAL);
	assert_int_equal(weir_viommu_map(domain, last, bed.pa, 8192, rw), WEIR_ERANGE);
	assert_int_equal(weir_viommu_map(domain, IOVA + 4096, bed.pa, 4096, rw), WEIR_EEXIST);
	assert_int_equal(weir_viommu_unmap(domain, IOVA, 4096), WEIR_ENOENT);
	assert_int_equal(weir_viommu_unmap(domain, IOVA + 4096, 4096), WEIR_ENOENT);
	/* The last page that there is. */
	map(domain, last, bed.pa + 4096, 4096, rw);
	assert_true(lands(&bed, last));
	assert_int_equal(faults(&bed), 0);
	assert_int_equal(weir_viommu_attach(bed.vi, bed.endpoint, NULL), 0);
	weir_viommu_domain_destroy(domain);
	bed_close(&bed);
}

/* Replacing: at every moment edu's writes go to the old place, the new one, or nowhere. */
static void test_virtio_iommu_replaces(void **state)
{
	struct weir_viommu_domain *one, *two;
	struct bed bed;

	(void)state;
	bed_open(&bed, "aarch64", by_pci);
	one = attached(&bed);
	assert_int_equal(weir_viommu_domain_create(bed.vi, &two), 0);
	map(two, 2 * IOVA, bed.pa, 8192, WEIR_MAP_READ | WEIR_MAP_WRITE);
	for (unsigned int i = 0; i < 50; i++) {
		assert_true(lands(&bed, IOVA + 4096));
		assert_int_equal(weir_viommu_attach(bed.vi, bed.endpoint, two), 0);
		assert_false(lands(&bed, IOVA + 4096));
		assert_true(lands(&bed, 2 * IOVA + 4096));
		assert_false(lands(&bed, bed.pa + 4096));
		assert_int_equal(weir_viommu_attach_identity(bed.vi, bed.endpoint), 0);
		assert_true(lands(&bed, bed.pa + 4096));
		assert_int_equal(weir_viommu_attach(bed.vi, bed.endpoint, one), 0);
		assert_false(lands(&bed, bed.pa + 4096));
		assert_false(lands(&bed, 2 * IOVA + 4096));
	}
	assert_true(faults(&bed) > 0);
	weir_viommu_forget(bed.vi, bed.endpoint);
	assert_false(lands(&bed, IOVA + 4096));
	weir_viommu_domain_destroy(one);
	weir_viommu_domain_destroy(two);
	bed_close(&bed);
}

/* Many mappings at a time: in the books before anybody is attached, and sent after. */
static void batches(struct bed *bed)
{
	const unsigned int n = 2000;
	struct weir_viommu_domain *domain;

	assert_int_equal(weir_viommu_domain_create(bed->vi, &domain), 0);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(weir_viommu_map(domain, IOVA + 8192ull * i, bed->pa + 4096, 4096,
						 WEIR_MAP_WRITE), 0);
	assert_int_equal(weir_viommu_sync_map(domain), 0);
	assert_int_equal(weir_viommu_attach(bed->vi, bed->endpoint, domain), 0);
	for (unsigned int i = 0; i < n; i += 97) {
		assert_true(lands(bed, IOVA + 8192ull * i));
		assert_false(lands(bed, IOVA + 8192ull * i + 4096));
	}
	faults(bed);
	for (unsigned int i = 0; i < n; i += 2)
		assert_int_equal(weir_viommu_unmap(domain, IOVA + 8192ull * i, 4096), 0);
	assert_int_equal(weir_viommu_sync(domain), 0);
	for (unsigned int i = 0; i < n; i += 97)
		assert_int_equal(lands(bed, IOVA + 8192ull * i), i % 2);
	faults(bed);
	/* Mapped again at once, with what is left still there. */
	for (unsigned int i = 0; i < n; i += 2)
		assert_int_equal(weir_viommu_map(domain, IOVA + 8192ull * i, bed->pa + 4096, 4096,
						 WEIR_MAP_WRITE), 0);
	assert_int_equal(weir_viommu_sync_map(domain), 0);
	for (unsigned int i = 0; i < n; i += 97)
		assert_true(lands(bed, IOVA + 8192ull * i));
	assert_int_equal(weir_viommu_attach(bed->vi, bed->endpoint, NULL), 0);
	weir_viommu_domain_destroy(domain);
}

static void test_virtio_iommu_batches(void **state)
{
	struct weir_qtest_stats before, after;
	struct bed bed;

	(void)state;
	bed_open(&bed, "aarch64", by_pci);
	weir_qtest_stats_get(bed.b.qtest, &before);
	batches(&bed);
	weir_qtest_stats_get(bed.b.qtest, &after);
	/* Most of it is edu's; waiting for each request would be 4,000 more. */
	printf("# %lu round trips, %lu posted writes for 4002 requests and 85 transfers\n",
	       (unsigned long)(after.round_trips - before.round_trips),
	       (unsigned long)(after.posted - before.posted));
	assert_true(after.round_trips - before.round_trips < 1000);
	bed_close(&bed);
}

/* Closed and opened again with edu firing: all is as it was. */
static void test_virtio_iommu_100_times(void **state)
{
	struct testhost_counts before, now;
	struct weir_qtest_stats stats, stats_now;
	struct bed bed;

	(void)state;
	bed_prepare(&bed, "aarch64", by_pci);
	edu_read(&bed, bed.pa, 64);
	testhost_counts_get(bed.b.host, &before);
	weir_qtest_stats_get(bed.b.qtest, &stats);
	for (unsigned int i = 0; i < 100; i++) {
		struct weir_viommu_domain *domain;

		viommu_open(&bed);
		assert_false(lands(&bed, bed.pa + 4096));
		domain = attached(&bed);
		assert_true(lands(&bed, IOVA + 4096));
		assert_false(lands(&bed, bed.pa + 4096));
		assert_true(faults(&bed) > 0);
		/* Every second time it goes without a word to the endpoint. */
		if (i % 2)
			assert_int_equal(weir_viommu_attach(bed.vi, bed.endpoint, NULL), 0);
		else
			weir_viommu_suspend(bed.vi);
		weir_viommu_domain_destroy(domain);
		assert_false(fire(&bed, IOVA + 4096, false));
		viommu_close(&bed);
		assert_false(lands(&bed, bed.pa + 4096));
		testhost_counts_get(bed.b.host, &now);
		assert_int_equal(now.blocks, before.blocks);
		assert_int_equal(now.bytes, before.bytes);
		assert_int_equal(now.locks, before.locks);
	}
	weir_qtest_stats_get(bed.b.qtest, &stats_now);
	assert_int_equal(stats_now.page_bytes, stats.page_bytes);
	bed_clear(&bed);
}

static void test_virtio_iommu_suspends(void **state)
{
	struct weir_viommu_domain *domain;
	struct bed bed;

	(void)state;
	bed_open(&bed, "aarch64", by_pci);
	domain = attached(&bed);
	for (unsigned int i = 0; i < 10; i++) {
		assert_true(lands(&bed, IOVA + 4096));
		weir_viommu_suspend(bed.vi);
		assert_false(fire(&bed, IOVA + 4096, false));
		assert_false(fire(&bed, bed.pa + 4096, false));
		assert_int_equal(weir_viommu_resume(bed.vi), 0);
		assert_false(lands(&bed, IOVA + 4096));
		map(domain, IOVA, bed.pa, 8192, WEIR_MAP_READ | WEIR_MAP_WRITE);
		assert_int_equal(weir_viommu_attach(bed.vi, bed.endpoint, domain), 0);
		assert_true(faults(&bed) > 0);
	}
	assert_int_equal(weir_viommu_attach(bed.vi, bed.endpoint, NULL), 0);
	weir_viommu_domain_destroy(domain);
	bed_close(&bed);
}

/* Over MMIO the device has a line: faults come by themselves, more of them than there are buffers. */
static void test_virtio_iommu_interrupts(void **state)
{
	unsigned int n;
	struct bed bed;

	(void)state;
	bed_open(&bed, "aarch64", by_mmio);
	for (unsigned int i = 0; i < 32; i++) {
		assert_false(fire(&bed, IOVA, false));
		weir_qtest_poll(bed.b.qtest);
	}
	for (unsigned int i = 0; i < 10000 && nr_faults(&bed) < 32 * 16; i++)
		bed.ops->delay_ns(bed.b.qtest, 100000);
	n = faults(&bed);
	assert_int_equal(n, 32 * 16);
	bed_close(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_virtio_iommu_translates_aarch64),
		cmocka_unit_test(test_virtio_iommu_translates_x86_64),
		cmocka_unit_test(test_virtio_iommu_translates_mmio),
		cmocka_unit_test(test_virtio_iommu_permissions),
		cmocka_unit_test(test_virtio_iommu_regions),
		cmocka_unit_test(test_virtio_iommu_checks_mappings),
		cmocka_unit_test(test_virtio_iommu_replaces),
		cmocka_unit_test(test_virtio_iommu_batches),
		cmocka_unit_test(test_virtio_iommu_100_times),
		cmocka_unit_test(test_virtio_iommu_suspends),
		cmocka_unit_test(test_virtio_iommu_interrupts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
