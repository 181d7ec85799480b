// SPDX-License-Identifier: MIT
#include "smmuv3.h"

#include <stdio.h>
#include <string.h>

#define EDU(addr) "-device", "edu,dma_mask=0xffffffffffffffff,addr=" addr

static void on_fault(void *arg, const struct weir_fault *fault)
{
	struct smmu_bed *bed = arg;

	pthread_mutex_lock(&bed->mutex);
	if (fault->what)
		bed->nr_told++;
	else if (bed->nr_faults++ < SMMU_MAX_FAULTS)
		bed->faults[bed->nr_faults - 1] = *fault;
	pthread_mutex_unlock(&bed->mutex);
}

/* The stream table of QEMU's SMMU stays with it: memory that the checking host does not count. */
static int table_alloc(void *arg, size_t bytes, size_t align_bytes, void **out_va, uint64_t *out_pa)
{
	struct smmu_bed *bed = arg;

	return bed->ops->pages_alloc(bed->b.qtest, bytes, align_bytes, out_va, out_pa);
}

static void table_free(void *arg, void *va, uint64_t pa, size_t bytes)
{
	struct smmu_bed *bed = arg;

	bed->ops->pages_free(bed->b.qtest, va, pa, bytes);
}

struct weir_smmu_v3_config smmu_bed_config(struct smmu_bed *bed)
{
	return (struct weir_smmu_v3_config){
		.name = "smmu", .base_pa = SMMU_BASE, .nr_lines = 2, .lines = { 74, 77 },
		.fault = on_fault, .table_alloc = table_alloc, .table_free = table_free,
		.arg = bed,
	};
}

void smmu_bed_prepare(struct smmu_bed *bed)
{
	static const char *const args[] = { EDU("05.0"), EDU("06.0"), NULL };
	void *mem;

	memset(bed, 0, sizeof(*bed));
	pthread_mutex_init(&bed->mutex, NULL);
	bench_open(&bed->b, "aarch64", "virt,iommu=smmuv3", args);
	bed->ops = weir_qtest_ops(bed->b.qtest);
	edu_open(&bed->edu, bench_named(&bed->b, "0000:00:05.0"));
	edu_open(&bed->edu2, bench_named(&bed->b, "0000:00:06.0"));
	bed->stream = 5 << 3;
	bed->stream2 = 6 << 3;
	assert_int_equal(bed->ops->pages_alloc(bed->b.qtest, 8192, 4096, &mem, &bed->pa), 0);
	bed->va = mem;
	for (unsigned int i = 0; i < 64; i++)
		bed->va[i] = (uint8_t)(i + 1);
}

void smmu_bed_clear(struct smmu_bed *bed)
{
	bed->ops->pages_free(bed->b.qtest, bed->va, bed->pa, 8192);
	edu_close(&bed->edu);
	edu_close(&bed->edu2);
	bench_close(&bed->b);
}

void smmu_bed_open(struct smmu_bed *bed)
{
	const struct weir_smmu_v3_config config = smmu_bed_config(bed);

	assert_int_equal(weir_smmu_v3_create(testhost_ops(bed->b.host), bed->b.host, &config,
					     &bed->smmu), 0);
}

void smmu_bed_close(struct smmu_bed *bed)
{
	bed->smmu = weir_smmu_v3_destroy(bed->smmu);
}

/* ---- faults ---- */

unsigned int smmu_bed_nr_faults(struct smmu_bed *bed)
{
	unsigned int n;

	pthread_mutex_lock(&bed->mutex);
	n = bed->nr_faults;
	pthread_mutex_unlock(&bed->mutex);
	return n;
}

unsigned int smmu_bed_faults(struct smmu_bed *bed)
{
	unsigned int n = smmu_bed_nr_faults(bed);

	pthread_mutex_lock(&bed->mutex);
	bed->nr_faults = 0;
	pthread_mutex_unlock(&bed->mutex);
	return n;
}

void smmu_bed_assert_faults(struct smmu_bed *bed, uint64_t iova, unsigned int bytes,
			    enum weir_fault_reason reason, uint32_t flags)
{
	unsigned int n = smmu_bed_faults(bed);

	assert_true(n > 0);
	for (unsigned int i = 0; i < n && i < SMMU_MAX_FAULTS; i++) {
		assert_int_equal(bed->faults[i].stream, bed->stream);
		assert_int_equal(bed->faults[i].reason, reason);
		assert_int_equal(bed->faults[i].flags, flags);
		if (!(flags & WEIR_FAULT_NO_IOVA))
			assert_true(bed->faults[i].iova - iova < bytes);
	}
}

/* ---- edu ---- */

void smmu_bed_read(struct smmu_bed *bed, uint64_t from, unsigned int bytes)
{
	edu_dma(&bed->b, &bed->edu, from, bytes, false, false);
}

void smmu_bed_write(struct smmu_bed *bed, uint64_t to, unsigned int bytes)
{
	edu_dma(&bed->b, &bed->edu, to, bytes, true, false);
}

static bool lands(struct smmu_bed *bed, const struct edu *edu, uint64_t iova)
{
	uint8_t *to = bed->va + 4096;
	unsigned int n = 0;

	memset(to, SMMU_FILL, 4096);
	edu_dma(&bed->b, edu, iova, 64, true, false);
	for (unsigned int i = 0; i < 4096; i++)
		n += to[i] != SMMU_FILL;
	assert_true(n == 0 || n == 64);
	if (bed->smmu)
		weir_smmu_v3_poll(bed->smmu);
	return n;
}

bool smmu_bed_lands(struct smmu_bed *bed, uint64_t iova)
{
	return lands(bed, &bed->edu, iova);
}

bool smmu_bed_lands2(struct smmu_bed *bed, uint64_t iova)
{
	return lands(bed, &bed->edu2, iova);
}

/* ---- tables ---- */

void test_table_init(struct test_table *table, struct smmu_bed *bed)
{
	const struct weir_host_ops *ops = bed->ops;
	void *mem;

	memset(table, 0, sizeof(*table));
	table->bed = bed;
	assert_int_equal(ops->pages_alloc(bed->b.qtest, TEST_TABLE_PAGES * 4096, 4096, &mem,
					  &table->pa), 0);
	table->va = mem;
	table->used = 1;
	table->tables = (struct weir_tables){
		.format = WEIR_TABLE_ARM_S1, .root_pa = table->pa, .granule_lg2 = 12,
		.iova_bits = 48, .pa_bits = 44, .levels = 4, .coherent = true,
	};
}

void test_table_fini(struct test_table *table)
{
	table->bed->ops->pages_free(table->bed->b.qtest, table->va, table->pa,
				    TEST_TABLE_PAGES * 4096);
}

void test_table_set(struct test_table *table, uint64_t iova, uint64_t pa, bool writable)
{
	uint64_t *at = (uint64_t *)(void *)table->va;

	for (unsigned int shift = 39; shift > 12; shift -= 9) {
		uint64_t *entry = &at[iova >> shift & 511];

		if (!*entry) {
			assert_true(table->used < TEST_TABLE_PAGES);
			*entry = (table->pa + table->used++ * 4096u) | 3; /* a table */
		}
		at = (uint64_t *)(void *)(table->va + ((*entry & ~UINT64_C(4095)) - table->pa));
	}
	/* page, attribute 1, unprivileged, shareable inner, accessed; for reading alone, not global */
	at[iova >> 12 & 511] = !pa ? 0 : pa | 3 | 1 << 2 | 1 << 6 | (writable ? 0 : 1 << 7) |
					      3 << 8 | 1 << 10 | 1 << 11;
}
