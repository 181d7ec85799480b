// SPDX-License-Identifier: MIT
/*
 * The hardware layer for SMMUs of versions 1 and 2 on the hostile model, in detail: registers that do not take
 * what is written, faults that were there before or come from everywhere, walks that fail, tables and ids that
 * do not fit.
 */
#include "smmuv2bed.h"

#define NOWHERE 0x10000000u /* no memory is there */
#define SCR0 0x0u
#define S2CR_AT 0xc00u

/* ---- registers that do not take what is written ---- */

static struct {
	void (*write)(void *host, uintptr_t at, unsigned int width, uint64_t value);
	uintptr_t base;
	uint32_t first, last; /* offsets where writes get lost */
} deaf;

static void write_deaf(void *host, uintptr_t at, unsigned int width, uint64_t value)
{
	if (at - deaf.base < deaf.first || at - deaf.base > deaf.last)
		deaf.write(host, at, width, value);
}

static void be_deaf(struct bed *bed, uint32_t first, uint32_t last)
{
	deaf.write = bed->ops.mmio_write;
	assert_int_equal(bed->ops.mmio_map(bed->t, BASE, 0x1000, &deaf.base), 0);
	bed->ops.mmio_unmap(bed->t, deaf.base, 0x1000);
	deaf.first = first;
	deaf.last = last;
	bed->ops.mmio_write = write_deaf;
}

static void test_smmuv2_strict_stays_off(void **state)
{
	struct smmu2_config config;
	struct bed bed;

	(void)state;
	smmu2_config_usual(&config);
	bed_init(&bed, &config);
	be_deaf(&bed, SCR0, SCR0);
	assert_int_equal(bed_create(&bed), WEIR_EIO);
	assert_non_null(strstr(hwhost_log_take(bed.h), "it cannot be switched on"));
	bed_close(&bed);
}

/* A stream that it does not let be blocked, or attached: an error, and it is not called attached. */
static void test_smmuv2_strict_stream_not_taken(void **state)
{
	struct weir_smmu_v2_domain *domain;
	struct weir_table *table;
	struct bed bed;

	(void)state;
	bed_open(&bed, 1);
	table = make_table(&bed, WEIR_TABLE_ARM_S1);
	domain = domain_of(&bed, table);
	be_deaf(&bed, S2CR_AT, S2CR_AT + 0x3ff);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, SID, domain), WEIR_EIO);
	assert_non_null(strstr(hwhost_log_take(bed.h), "it does not take what a stream is to do"));
	bed.ops.mmio_write = deaf.write;
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, SID, NULL), 0);
	weir_smmu_v2_domain_destroy(domain);
	weir_table_destroy(table);
	bed_close(&bed);
}

/* ---- faults ---- */

/* What was refused before is nobody's affair now: in its registers at the start, and of a bank's last user. */
static void test_smmuv2_strict_old_faults(void **state)
{
	struct weir_smmu_v2_domain *domain;
	struct smmu2_config config;
	struct weir_table *table;
	struct bed bed;

	(void)state;
	smmu2_config_usual(&config);
	bed_init(&bed, &config);
	smmu2_mmio_write(bed.s, 0x68, 4, 0);
	smmu2_mmio_write(bed.s, SCR0, 4, 1u << 10);
	assert_int_equal(touch(&bed, OTHER, IOVA), SMMU2_ABORTED);
	assert_int_equal(bed_create(&bed), 0);
	hwhost_points(bed.h, 20);
	assert_int_equal(bed.nr_faults, 0);
	table = make_table(&bed, WEIR_TABLE_ARM_S1);
	domain = domain_of(&bed, table);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, SID, domain), 0);
	smmu2_misbehave(bed.s, SMMU2_IRQ_LOST, 1);
	assert_int_equal(touch(&bed, SID, IOVA), SMMU2_ABORTED);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, SID, NULL), 0);
	weir_smmu_v2_domain_destroy(domain);
	domain = domain_of(&bed, table);
	smmu2_misbehave(bed.s, SMMU2_IRQ_LOST, 0);
	hwhost_points(bed.h, 20);
	assert_int_equal(weir_smmu_v2_poll(bed.smmu), 0);
	assert_int_equal(bed.nr_faults, 0);
	weir_smmu_v2_domain_destroy(domain);
	weir_table_destroy(table);
	bed_close(&bed);
}

/* Accesses of streams that nobody attached, without end: told so often, and again when they are rare. */
static void test_smmuv2_strict_flood_of_strangers(void **state)
{
	struct bed bed;

	(void)state;
	bed_open(&bed, 2);
	for (unsigned int i = 0; i < 500; i++) {
		assert_int_equal(touch(&bed, OTHER, IOVA), SMMU2_ABORTED);
		hwhost_points(bed.h, 1); /* 5 ms in all: no timer runs out */
	}
	assert_in_range(bed.nr_faults, 64, 140);
	assert_int_equal(bed.faults[0].reason, WEIR_FAULT_BLOCKED);
	assert_int_equal(bed.faults[0].flags, WEIR_FAULT_WRITE);
	hwhost_points(bed.h, 3000);
	bed.nr_faults = 0;
	assert_int_equal(touch(&bed, OTHER, IOVA), SMMU2_ABORTED);
	hwhost_points(bed.h, 5);
	assert_int_equal(bed.nr_faults, 1);
	bed_close(&bed);
}

/* Tables where no memory is; and what stage 2 was asked for. */
static void test_smmuv2_strict_walk_fails(void **state)
{
	static const enum weir_table_format formats[] = { WEIR_TABLE_ARM_S1, WEIR_TABLE_ARM_S2 };
	struct weir_smmu_v2_domain *domain;
	struct weir_tables tables;
	struct weir_table *table;
	struct bed bed;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		bool stage2 = formats[i] == WEIR_TABLE_ARM_S2;
		struct weir_fault *f = bed.faults;

		bed_open(&bed, 3);
		table = make_table(&bed, formats[i]);
		weir_table_describe(table, &tables);
		tables.root_pa = NOWHERE;
		assert_int_equal(weir_smmu_v2_domain_create(bed.smmu, &tables, 0, &domain), 0);
		assert_int_equal(weir_smmu_v2_attach(bed.smmu, SID, domain), 0);
		assert_int_equal(touch(&bed, SID, IOVA + 0x1238), SMMU2_ABORTED);
		hwhost_points(bed.h, 5);
		assert_int_equal(bed.nr_faults, 1);
		assert_int_equal(f->reason, WEIR_FAULT_EXTERNAL);
		assert_int_equal(f->iova, IOVA + 0x1238);
		assert_int_equal(f->flags, WEIR_FAULT_WRITE | (stage2 ? WEIR_FAULT_STAGE2 : 0));
		if (stage2)
			assert_int_equal(f->ipa, IOVA + 0x1000);
		assert_int_equal(weir_smmu_v2_attach(bed.smmu, SID, NULL), 0);
		weir_smmu_v2_domain_destroy(domain);
		weir_table_destroy(table);
		bed_close(&bed);
	}
}

/* ---- what does not fit ---- */

static void test_smmuv2_strict_tables(void **state)
{
	struct smmu2_config config;
	struct weir_table *table;
	struct weir_tables good, bad;
	struct bed bed;

	(void)state;
	smmu2_config_usual(&config);
	config.idr0 &= ~SMMU2_IDR0_CTTW;
	config.idr2 = (config.idr2 & ~0xfffu) | SMMU2_IDR2(SMMU2_40, SMMU2_40, 2);
	bed_init(&bed, &config);
	assert_int_equal(bed_create(&bed), 0);
	table = make_table(&bed, WEIR_TABLE_ARM_S1);
	weir_table_describe(table, &good);
	assert_int_equal(weir_smmu_v2_walks(bed.smmu, &good), 0);
	bad = good;
	bad.coherent = true; /* it would walk what is in the CPU's caches */
	assert_int_equal(weir_smmu_v2_walks(bed.smmu, &bad), WEIR_EOPNOTSUPP);
	bad = good;
	bad.pa_bits = 42;
	assert_int_equal(weir_smmu_v2_walks(bed.smmu, &bad), WEIR_EOPNOTSUPP);
	bad = good;
	bad.iova_bits = 41;
	assert_int_equal(weir_smmu_v2_walks(bed.smmu, &bad), WEIR_EOPNOTSUPP);
	weir_table_destroy(table);
	bed_close(&bed);
}

/* Where all banks do stage 2 alone, that is what the library's tables are. */
static void test_smmuv2_strict_banks_of_stage2(void **state)
{
	struct weir_smmu_v2_domain *domain;
	struct weir_table_config tables;
	struct smmu2_config config;
	struct weir_table *table;
	struct bed bed;
	uint64_t a;

	(void)state;
	smmu2_config_usual(&config);
	config.idr1 = SMMU2_IDR1(8, 8, 4, 0);
	bed_init(&bed, &config);
	assert_int_equal(bed_create(&bed), 0);
	weir_smmu_v2_tables_get(bed.smmu, &tables);
	assert_int_equal(tables.format, WEIR_TABLE_ARM_S2);
	a = buffer(&bed, 1);
	table = make_table(&bed, WEIR_TABLE_ARM_S2);
	map(table, IOVA, a);
	domain = domain_of(&bed, table);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, SID, domain), 0);
	assert_int_equal(touch(&bed, SID, IOVA), SMMU2_LANDED);
	/* what an unload is to leave has to be stage 1 */
	assert_int_equal(weir_smmu_v2_keep(bed.smmu, SID, domain), WEIR_EOPNOTSUPP);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, SID, NULL), 0);
	weir_smmu_v2_domain_destroy(domain);
	weir_table_destroy(table);
	buffer_free(&bed, a);
	bed_close(&bed);
}

/* Ids of 16 bits, where there are such; without, the last bit is none. */
static void test_smmuv2_strict_extended_ids(void **state)
{
	struct weir_smmu_v2_domain *domain;
	struct smmu2_config config;
	struct weir_table *table;
	struct bed bed;
	uint64_t a;

	(void)state;
	for (unsigned int extended = 0; extended < 2; extended++) {
		smmu2_config_usual(&config);
		config.idr0 |= extended ? SMMU2_IDR0_EXIDS : 0;
		bed_init(&bed, &config);
		assert_int_equal(bed_create(&bed), 0);
		a = buffer(&bed, 1);
		table = make_table(&bed, WEIR_TABLE_ARM_S1);
		map(table, IOVA, a);
		domain = domain_of(&bed, table);
		assert_int_equal(weir_smmu_v2_attach(bed.smmu, 0x8005, domain), extended ? 0 : WEIR_ERANGE);
		if (extended)
			assert_int_equal(touch(&bed, 0x8005, IOVA), SMMU2_LANDED);
		assert_int_equal(touch(&bed, 0x0005, IOVA), SMMU2_ABORTED);
		if (extended)
			assert_int_equal(weir_smmu_v2_attach(bed.smmu, 0x8005, NULL), 0);
		weir_smmu_v2_domain_destroy(domain);
		weir_table_destroy(table);
		buffer_free(&bed, a);
		bed_close(&bed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smmuv2_strict_stays_off),
		cmocka_unit_test(test_smmuv2_strict_stream_not_taken),
		cmocka_unit_test(test_smmuv2_strict_old_faults),
		cmocka_unit_test(test_smmuv2_strict_flood_of_strangers),
		cmocka_unit_test(test_smmuv2_strict_walk_fails),
		cmocka_unit_test(test_smmuv2_strict_tables),
		cmocka_unit_test(test_smmuv2_strict_banks_of_stage2),
		cmocka_unit_test(test_smmuv2_strict_extended_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
