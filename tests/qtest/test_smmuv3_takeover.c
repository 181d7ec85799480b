// SPDX-License-Identifier: MIT
/*
 * An SMMU that runs already, for firmware, is taken over on QEMU's model: what firmware left is
 * written here, register by register and word by word (Arm IHI 0070: 5.1, 5.2, 5.4, 6.3), sound
 * and damaged. At no instant is a stream bypassed.
 */
#include <stdio.h>
#include <string.h>

#include "smmuv3.h"

#define STE_ABORT  UINT64_C(1)
#define STE_BYPASS UINT64_C(9)
#define BYPASS_SHARED (UINT64_C(1) << 44)

#define TABLE_BYTES 8192u /* 128 entries, or 1,024 descriptors */

struct firmware {
	struct smmu_bed bed;
	struct test_table table;
	uint64_t *strtab, *level2, *cd;
	uint64_t strtab_pa, level2_pa, cd_pa;
};

static void reg32(struct firmware *fw, uint32_t at, uint32_t value)
{
	fw->bed.ops->mmio_write(fw->bed.b.qtest, SMMU_BASE + at, 4, value);
}

static void reg64(struct firmware *fw, uint32_t at, uint64_t value)
{
	fw->bed.ops->mmio_write(fw->bed.b.qtest, SMMU_BASE + at, 8, value);
}

/* SMMU_GBPA (6.3.15): QEMU has it from 8.0 on, and it is not 0 there. */
static bool has_gbpa(struct firmware *fw)
{
	return fw->bed.ops->mmio_read(fw->bed.b.qtest, SMMU_BASE + 0x44, 4) & 0x1000;
}

static uint64_t *pages(struct firmware *fw, size_t bytes, uint64_t *out_pa)
{
	void *mem;

	assert_int_equal(fw->bed.ops->pages_alloc(fw->bed.b.qtest, bytes, bytes, &mem, out_pa), 0);
	return mem;
}

/* Stage 1 behind the test's table: 48 bits, 4 KiB, ASID 3. */
static void set_translated(struct firmware *fw, uint64_t *ste)
{
	fw->cd[0] = UINT64_C(16) | UINT64_C(1) << 30 | UINT64_C(1) << 31 | UINT64_C(4) << 32 |
		    UINT64_C(1) << 41 | UINT64_C(3) << 45 | UINT64_C(3) << 48;
	fw->cd[1] = fw->table.pa;
	fw->cd[3] = 0x04ff44;
	ste[1] = BYPASS_SHARED;
	ste[0] = fw->cd_pa | 0xb;
}

/* The first edu is behind a table, the second one is bypassed. */
static void firmware_prepare(struct firmware *fw)
{
	memset(fw, 0, sizeof(*fw));
	smmu_bed_prepare(&fw->bed);
	test_table_init(&fw->table, &fw->bed);
	test_table_set(&fw->table, SMMU_IOVA, fw->bed.pa + 4096, true);
	fw->strtab = pages(fw, TABLE_BYTES, &fw->strtab_pa);
	fw->level2 = pages(fw, 4096, &fw->level2_pa);
	fw->cd = pages(fw, 4096, &fw->cd_pa);
}

static void firmware_fill(struct firmware *fw, uint64_t *entries)
{
	set_translated(fw, entries + fw->bed.stream * 8);
	entries[fw->bed.stream2 * 8 + 1] = BYPASS_SHARED;
	entries[fw->bed.stream2 * 8] = STE_BYPASS;
}

static void firmware_enable(struct firmware *fw, uint32_t cfg)
{
	reg64(fw, 0x80, fw->strtab_pa);
	reg32(fw, 0x88, cfg);
	reg32(fw, 0x20, 1);
}

static void firmware_linear(struct firmware *fw)
{
	firmware_fill(fw, fw->strtab);
	firmware_enable(fw, 7);
}

/* Blocks of 64 streams each. */
static void firmware_2level(struct firmware *fw)
{
	firmware_fill(fw, fw->level2);
	fw->strtab[0] = fw->level2_pa | 7;
	firmware_enable(fw, 1 << 16 | 6 << 6 | 16);
}

static void firmware_clear(struct firmware *fw)
{
	const struct weir_host_ops *ops = fw->bed.ops;

	ops->pages_free(fw->bed.b.qtest, fw->strtab, fw->strtab_pa, TABLE_BYTES);
	ops->pages_free(fw->bed.b.qtest, fw->level2, fw->level2_pa, 4096);
	ops->pages_free(fw->bed.b.qtest, fw->cd, fw->cd_pa, 4096);
	test_table_fini(&fw->table);
	smmu_bed_clear(&fw->bed);
}

static int create(struct firmware *fw, bool keep)
{
	struct weir_smmu_v3_config config = smmu_bed_config(&fw->bed);

	config.keep = keep;
	config.seamless = keep; /* in place, GBPA.ABORT or not */
	return weir_smmu_v3_create(testhost_ops(fw->bed.b.host), fw->bed.b.host, &config,
				   &fw->bed.smmu);
}

/* Both edus do what firmware meant them to. */
static void assert_left_alone(struct firmware *fw)
{
	assert_true(smmu_bed_lands(&fw->bed, SMMU_IOVA));
	assert_false(smmu_bed_lands(&fw->bed, fw->bed.pa + 4096));
	assert_true(smmu_bed_lands2(&fw->bed, fw->bed.pa + 4096));
}

static void assert_blocked(struct firmware *fw)
{
	assert_false(smmu_bed_lands(&fw->bed, SMMU_IOVA));
	assert_false(smmu_bed_lands(&fw->bed, fw->bed.pa + 4096));
	assert_false(smmu_bed_lands2(&fw->bed, SMMU_IOVA));
	assert_false(smmu_bed_lands2(&fw->bed, fw->bed.pa + 4096));
}

/* What runs goes on until it is attached, or everything else is blocked. */
static void keeps(void (*make)(struct firmware *fw))
{
	struct weir_smmu_v3_domain *domain;
	struct test_table mine;
	struct firmware fw;

	firmware_prepare(&fw);
	make(&fw);
	assert_left_alone(&fw);
	assert_int_equal(create(&fw, true), 0);
	assert_left_alone(&fw);
	test_table_init(&mine, &fw.bed);
	test_table_set(&mine, 2 * SMMU_IOVA - 4096, fw.bed.pa + 4096, true);
	mine.tables.root_pa = mine.pa;
	assert_int_equal(weir_smmu_v3_domain_create(fw.bed.smmu, &mine.tables, 0, &domain), WEIR_OK);
	assert_int_equal(weir_smmu_v3_attach(fw.bed.smmu, fw.bed.stream, domain), 0);
	assert_true(smmu_bed_lands2(&fw.bed, fw.bed.pa + 4096));
	assert_false(smmu_bed_lands(&fw.bed, SMMU_IOVA));
	assert_int_equal(weir_smmu_v3_enforce(fw.bed.smmu), 0);
	assert_true(smmu_bed_lands(&fw.bed, 2 * SMMU_IOVA - 4096));
	assert_false(smmu_bed_lands2(&fw.bed, fw.bed.pa + 4096));
	assert_int_equal(weir_smmu_v3_attach_identity(fw.bed.smmu, fw.bed.stream2), 0);
	assert_true(smmu_bed_lands2(&fw.bed, fw.bed.pa + 4096));
	assert_int_equal(weir_smmu_v3_attach(fw.bed.smmu, fw.bed.stream, NULL), 0);
	weir_smmu_v3_domain_destroy(domain);
	smmu_bed_close(&fw.bed);
	assert_blocked(&fw);
	/* and once more, on what is in force now */
	assert_int_equal(create(&fw, false), 0);
	assert_blocked(&fw);
	smmu_bed_close(&fw.bed);
	assert_blocked(&fw);
	test_table_fini(&mine);
	firmware_clear(&fw);
}

static void test_smmuv3_keeps_a_linear_table(void **state)
{
	(void)state;
	keeps(firmware_linear);
}

static void test_smmuv3_keeps_a_2level_table(void **state)
{
	(void)state;
	keeps(firmware_2level);
}

/* Without keep, as a kernel does that comes after one that crashed. */
static void blocks(void (*make)(struct firmware *fw))
{
	struct firmware fw;

	firmware_prepare(&fw);
	make(&fw);
	assert_int_equal(create(&fw, false), 0);
	assert_blocked(&fw);
	smmu_bed_close(&fw.bed);
	assert_blocked(&fw);
	firmware_clear(&fw);
}

static void test_smmuv3_blocks_a_linear_table(void **state)
{
	(void)state;
	blocks(firmware_linear);
}

static void test_smmuv3_blocks_a_2level_table(void **state)
{
	(void)state;
	blocks(firmware_2level);
}

/*
 * Refused by name, and nothing is touched. QEMU does not forget that a table had two levels, so
 * it starts and ends with one that has.
 */
static void refused(uint64_t base, uint32_t cfg, int err)
{
	struct firmware fw;
	uint64_t strtab_pa;

	firmware_prepare(&fw);
	strtab_pa = fw.strtab_pa;
	firmware_2level(&fw);
	reg64(&fw, 0x80, base ? base : strtab_pa);
	reg32(&fw, 0x88, cfg);
	if (has_gbpa(&fw)) { /* then it is interrupted, with no need for that table */
		assert_int_equal(create(&fw, true), 0);
		assert_int_equal(weir_smmu_v3_enforce(fw.bed.smmu), 0);
	} else {
		assert_int_equal(create(&fw, true), err);
		assert_null(fw.bed.smmu);
		reg64(&fw, 0x80, strtab_pa);
		reg32(&fw, 0x88, 1 << 16 | 6 << 6 | 16);
		assert_left_alone(&fw);
		assert_int_equal(create(&fw, false), 0);
	}
	assert_blocked(&fw);
	smmu_bed_close(&fw.bed);
	firmware_clear(&fw);
}

static void test_smmuv3_refuses_absurd_tables(void **state)
{
	(void)state;
	refused(0x1000, 7, WEIR_EOPNOTSUPP);                 /* where no RAM is */
	refused(UINT64_C(0xfffffffffff000), 7, WEIR_EOPNOTSUPP);
	refused(0, 31, WEIR_EIO);                            /* 128 GiB of entries */
	refused(0, 2 << 16 | 7, WEIR_EIO);                   /* no such format */
	refused(0, 1 << 16 | 5 << 6 | 16, WEIR_EIO);         /* no such split */
	refused(0, 1 << 16 | 10 << 6 | 8, WEIR_EIO);         /* more split than there is */
	refused(0, 1 << 16 | 8 << 6 | 33, WEIR_EIO);
	refused(0, 1 << 16 | 6 << 6 | 32, WEIR_EOPNOTSUPP);  /* larger than memory */
}

/* Descriptors that lead nowhere, and entries that say nothing: they block. */
static void test_smmuv3_half_built_table(void **state)
{
	static const uint64_t damage[] = {
		0x1000 | 7,                     /* no RAM there */
		UINT64_C(0xffffffffffffffc0) | 7,
		0x40000000 | 31, 0x40000000 | 8, /* spans that there are not, or not with this split */
		0,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		struct firmware fw;

		firmware_prepare(&fw);
		fw.strtab[0] = damage[i];
		fw.strtab[1] = fw.level2_pa | 1;
		memset(fw.level2, 0xff, 64);
		firmware_enable(&fw, 1 << 16 | 6 << 6 | 16);
		assert_int_equal(create(&fw, true), 0);
		assert_int_equal(weir_smmu_v3_attach_identity(fw.bed.smmu, fw.bed.stream2), 0);
		assert_true(smmu_bed_lands2(&fw.bed, fw.bed.pa + 4096));
		assert_int_equal(weir_smmu_v3_attach(fw.bed.smmu, 64, NULL), 0);
		assert_int_equal(weir_smmu_v3_enforce(fw.bed.smmu), 0);
		assert_true(smmu_bed_lands2(&fw.bed, fw.bed.pa + 4096));
		assert_false(smmu_bed_lands(&fw.bed, fw.bed.pa + 4096));
		smmu_bed_close(&fw.bed);
		assert_blocked(&fw);
		firmware_clear(&fw);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smmuv3_keeps_a_linear_table),
		cmocka_unit_test(test_smmuv3_keeps_a_2level_table),
		cmocka_unit_test(test_smmuv3_blocks_a_linear_table),
		cmocka_unit_test(test_smmuv3_blocks_a_2level_table),
		cmocka_unit_test(test_smmuv3_refuses_absurd_tables),
		cmocka_unit_test(test_smmuv3_half_built_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
