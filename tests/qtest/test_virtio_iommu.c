// SPDX-License-Identifier: MIT
/*
 * virtio-iommu on QEMU's model, and edu's DMA through it: the hardware layer by endpoint
 * ids. IOVAs are outside of RAM, so that an access that is not translated cannot look
 * like one that is.
 */
#include <string.h>

#include "bench.h"
#include "weir/virtio_iommu.h"

#define IOVA 0x7f0000000000u
#define FILL 0xa5
#define MAX_FAULTS 256u

static const char *const args[] = {
	"-device", "virtio-iommu-pci,addr=03.0",
	"-device", "edu,addr=05.0,dma_mask=0xffffffffffffffff",
	NULL,
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

static void viommu_open(struct bed *bed)
{
	const struct weir_viommu_options options = { .fault = on_fault, .arg = bed };

	assert_int_equal(weir_virtio_open(bed->dev, &bed->v), 0);
	assert_int_equal(weir_virtio_type(bed->v), 23);
	assert_int_equal(weir_viommu_create(bed->v, &options, &bed->vi), 0);
}

static void viommu_close(struct bed *bed)
{
	bed->vi = weir_viommu_destroy(bed->vi);
	bed->v = weir_virtio_close(bed->v);
}

static void bed_open(struct bed *bed, const char *arch, const char *const *with)
{
	struct weir_pci_info info;
	void *mem;

	memset(bed, 0, sizeof(*bed));
	bench_open(&bed->b, arch, NULL, with);
	bed->ops = weir_qtest_ops(bed->b.qtest);
	bed->dev = bench_pci(&bed->b, 0x1af4, 0x1057);
	edu_open(&bed->edu, bench_pci(&bed->b, 0x1234, 0x11e8));
	assert_int_equal(weir_pci_info_get(bed->edu.dev, &info), 0);
	bed->endpoint = info.rid;
	assert_int_equal(bed->ops->pages_alloc(bed->b.qtest, 8192, 4096, &mem, &bed->pa), 0);
	bed->va = mem;
	viommu_open(bed);
}

static void bed_close(struct bed *bed)
{
	viommu_close(bed);
	bed->ops->pages_free(bed->b.qtest, bed->va, bed->pa, 8192);
	edu_close(&bed->edu);
	bench_close(&bed->b);
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

static unsigned int faults(struct bed *bed)
{
	unsigned int n;

	weir_viommu_poll(bed->vi);
	n = bed->nr_faults;
	bed->nr_faults = 0;
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
static bool lands(struct bed *bed, uint64_t iova)
{
	uint8_t *to = bed->va + 4096;
	unsigned int n = 0;

	memset(to, FILL, 4096);
	edu_write(bed, iova, 64);
	for (unsigned int i = 0; i < 4096; i++)
		n += to[i] != FILL;
	assert_true(n == 0 || n == 64);
	return n;
}

static void translate(const char *arch)
{
	struct weir_viommu_domain *domain;
	struct bed bed;

	bed_open(&bed, arch, args);
	for (unsigned int i = 0; i < 64; i++)
		bed.va[i] = (uint8_t)(i + 1);
	/* Before it is attached nothing lands, wherever it is aimed. QEMU does not know it yet. */
	assert_false(lands(&bed, bed.pa + 4096));
	assert_faults(&bed, bed.pa + 4096, 64, WEIR_FAULT_UNKNOWN, 0);
	assert_int_equal(weir_viommu_domain_create(bed.vi, &domain), 0);
	assert_int_equal(weir_viommu_map(domain, IOVA, bed.pa, 8192,
					 WEIR_MAP_READ | WEIR_MAP_WRITE), 0);
	assert_int_equal(weir_viommu_sync_map(domain), 0);
	assert_int_equal(weir_viommu_attach(bed.vi, bed.endpoint, domain), 0);
	edu_read(&bed, IOVA, 64);
	assert_true(lands(&bed, IOVA + 4096));
	assert_memory_equal(bed.va, bed.va + 4096, 64);
	assert_int_equal(faults(&bed), 0);
	/* Addresses that are not mapped, among them that of the memory itself. */
	assert_false(lands(&bed, bed.pa + 4096));
	assert_faults(&bed, bed.pa + 4096, 64, WEIR_FAULT_UNMAPPED, 0);
	assert_false(lands(&bed, IOVA + 8192));
	assert_faults(&bed, IOVA + 8192, 64, WEIR_FAULT_UNMAPPED, 0);
	/* After unmap. */
	assert_int_equal(weir_viommu_unmap(domain, IOVA, 8192), 0);
	assert_int_equal(weir_viommu_sync(domain), 0);
	assert_false(lands(&bed, IOVA + 4096));
	assert_faults(&bed, IOVA + 4096, 64, WEIR_FAULT_UNMAPPED, 0);
	/* After detach. */
	assert_int_equal(weir_viommu_map(domain, IOVA, bed.pa, 8192, WEIR_MAP_WRITE), 0);
	assert_int_equal(weir_viommu_sync_map(domain), 0);
	assert_true(lands(&bed, IOVA + 4096));
	assert_int_equal(weir_viommu_attach(bed.vi, bed.endpoint, NULL), 0);
	assert_false(lands(&bed, IOVA + 4096));
	assert_faults(&bed, IOVA + 4096, 64, WEIR_FAULT_BLOCKED, 0);
	assert_false(lands(&bed, bed.pa + 4096));
	assert_faults(&bed, bed.pa + 4096, 64, WEIR_FAULT_BLOCKED, 0);
	weir_viommu_domain_destroy(domain);
	bed_close(&bed);
}

static void test_virtio_iommu_translates_aarch64(void **state)
{
	(void)state;
	translate("aarch64");
}

static void test_virtio_iommu_translates_x86_64(void **state)
{
	(void)state;
	translate("x86_64");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_virtio_iommu_translates_aarch64),
		cmocka_unit_test(test_virtio_iommu_translates_x86_64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
