// SPDX-License-Identifier: MIT
/*
 * The SMMUv3 driver's hardware layer on the hostile model: what it refuses, what it does when
 * the hardware misbehaves, and that nothing it does is ever a finding, whatever the seed. Tables
 * are made here.
 */
#include "smmuv3bed.h"

/* ---- a whole story ---- */

/* Attached, used, unmapped, replaced, blocked; rogues fire throughout. */
static void story(const struct smmu3_config *config, bool stage2)
{
	struct weir_smmu_v3_domain *one, *two;
	struct table first, second;
	struct bed bed;
	uint64_t a, b;

	bed_init(&bed, config);
	assert_int_equal(bed_create(&bed), 0);
	a = buffer(&bed, 1);
	b = buffer(&bed, 1);
	smmu3_rogue(bed.s, OTHER, a, SMMU3_WRITE);
	smmu3_rogue(bed.s, SID, in(&(struct table){ .stage2 = stage2 }, IOVA), SMMU3_WRITE);
	table_init(&first, &bed, stage2);
	table_init(&second, &bed, stage2);
	table_set(&first, IOVA, a);
	table_set(&second, IOVA, b);
	one = domain_of(&bed, &first);
	two = domain_of(&bed, &second);
	assert_int_equal(touch(&bed, SID, in(&first, IOVA)), SMMU3_ABORTED);
	assert_int_equal(weir_smmu_v3_attach(bed.smmu, weir_smmu_v3_stream_max(bed.smmu) + 1, one),
			 WEIR_ERANGE);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, one), 0);
		assert_int_equal(touch(&bed, SID, in(&first, IOVA)), SMMU3_LANDED);
		assert_int_equal(touch(&bed, SID, in(&first, IOVA) + 4096), SMMU3_ABORTED);
		unmap(&first, one, IOVA);
		hwram_allow(bed.h->ram, a, 4096, 0, 0);
		hwhost_points(bed.h, 50);
		assert_int_equal(touch(&bed, SID, in(&first, IOVA)), SMMU3_ABORTED);
		assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, two), 0);
		assert_int_equal(touch(&bed, SID, in(&first, IOVA)), SMMU3_LANDED);
		hwram_allow(bed.h->ram, a, 4096, 1, 1);
		table_set(&first, IOVA, a);
	}
	assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, NULL), 0);
	/* an access under way may still land, until the domain is gone */
	one = weir_smmu_v3_domain_destroy(one);
	two = weir_smmu_v3_domain_destroy(two);
	table_fini(&first);
	table_fini(&second);
	buffer_free(&bed, a);
	buffer_free(&bed, b);
	hwhost_points(bed.h, 200);
	assert_int_equal(touch(&bed, SID, IOVA), SMMU3_ABORTED);
	weir_smmu_v3_poll(bed.smmu);
	assert_true(bed.nr_faults > 0);
	bed_close(&bed);
}

#define SEEDS 40u

static void test_smmuv3_stage1(void **state)
{
	struct smmu3_config config;

	(void)state;
	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		smmu3_config_usual(&config);
		config.seed = seed;
		config.cfgi_ste_keeps_cds = seed % 2;
		story(&config, false);
	}
}

static void test_smmuv3_stage2(void **state)
{
	struct smmu3_config config;

	(void)state;
	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		smmu3_config_usual(&config);
		config.seed = seed;
		story(&config, true);
	}
}

/* Neither the SMMU nor masters see the CPU's caches; no ranges, linear tables. */
static void test_smmuv3_not_coherent(void **state)
{
	struct smmu3_config config;

	(void)state;
	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		smmu3_config_usual(&config);
		config.seed = seed;
		config.idr[0] &= ~SMMU3_IDR0_COHACC;
		config.idr[0] &= ~(3u << 27);
		config.idr[3] &= ~SMMU3_IDR3_RIL;
		config.masters_incoherent = true;
		story(&config, seed % 2);
	}
}

/* ---- what is refused ---- */

#define ST_LEVELS (3u << 27)

/* Registers that say this are refused, with these words in the log. */
static void refused(unsigned int idr, uint32_t clear, uint32_t set, int err, const char *words)
{
	struct smmu3_config config;
	struct bed bed;
	const char *log;

	smmu3_config_usual(&config);
	config.seed = 1;
	config.idr[idr] = (config.idr[idr] & ~clear) | set;
	bed_init(&bed, &config);
	assert_int_equal(bed_create(&bed), err);
	log = hwhost_log_take(bed.h);
	if (!strstr(log, words) || !strstr(log, "smmu: "))
		fail_msg("\"%s\" is not in \"%s\"", words, log);
	bed_close(&bed);
}

static void test_smmuv3_refuses_registers(void **state)
{
	(void)state;
	refused(0, 3, 0, WEIR_EIO, "S1P, S2P");
	refused(0, 3u << 2, 1u << 2, WEIR_EOPNOTSUPP, "TTF");
	refused(0, 3u << 2, 0, WEIR_EOPNOTSUPP, "TTF");
	refused(0, 3u << 21, 1u << 21, WEIR_EOPNOTSUPP, "TTENDIAN");
	refused(0, 3u << 21, 3u << 21, WEIR_EOPNOTSUPP, "TTENDIAN");
	refused(0, ST_LEVELS, 2u << 27, WEIR_EIO, "ST_LEVEL");
	refused(0, 3u << 24, 2u << 24, WEIR_EOPNOTSUPP, "STALL_MODEL");
	refused(0, 3u << 24, 3u << 24, WEIR_EIO, "STALL_MODEL");
	refused(0, SMMU3_IDR0_S2P, SMMU3_IDR0_VMID16, WEIR_EIO, "VMID16");
	refused(1, 0x3f, 33, WEIR_EIO, "SIDSIZE");
	refused(1, 0x1fu << 21, 20u << 21, WEIR_EIO, "CMDQS");
	refused(1, 0x1fu << 21, 0, WEIR_EIO, "CMDQS");
	refused(1, 0x1fu << 16, 31u << 16, WEIR_EIO, "EVENTQS");
	refused(1, 0, 1u << 29, WEIR_EOPNOTSUPP, "fixed places");
	refused(1, 0, 1u << 30, WEIR_EOPNOTSUPP, "fixed places");
	refused(3, 0, 3u << 11, WEIR_EIO, "BBML");
	refused(5, 7, 7, WEIR_EIO, "OAS");
	refused(5, 7u << 4, 0, WEIR_EIO, "page size");
	refused(5, 3u << 10, 2u << 10, WEIR_EIO, "VAX");
}

/* ---- which tables ---- */

/* One that says this wants, and takes, tables of that kind; stage 2 beside stage 1. */
static void tables_of(uint32_t idr0, uint32_t idr3, uint32_t idr5,
		      const struct weir_table_config *want, uint32_t s2_iova_bits)
{
	struct weir_table_config got;
	struct smmu3_config config;
	struct weir_tables t;
	struct bed bed;

	smmu3_config_usual(&config);
	config.idr[0] = idr0;
	config.idr[3] = idr3;
	config.idr[5] = idr5;
	bed_init(&bed, &config);
	bed.config.ds_kind = want->kind ? &weir_table_arm64_ds : NULL;
	assert_int_equal(bed_create(&bed), 0);
	weir_smmu_v3_tables_get(bed.smmu, &got);
	assert_int_equal(got.format, want->format);
	assert_int_equal(got.granule_lg2, want->granule_lg2);
	assert_int_equal(got.iova_bits, want->iova_bits);
	assert_int_equal(got.pa_bits, want->pa_bits);
	assert_int_equal(got.bbm_level, want->bbm_level);
	assert_int_equal(got.coherent, want->coherent);
	assert_ptr_equal(got.kind, want->kind ? want->kind : &weir_table_arm64);
	t = (struct weir_tables){ .format = got.format, .granule_lg2 = got.granule_lg2, .levels = 3,
				  .iova_bits = got.iova_bits, .pa_bits = got.pa_bits,
				  .coherent = got.coherent };
	assert_int_equal(weir_smmu_v3_walks(bed.smmu, &t), 0);
	t.pa_bits++;
	assert_int_equal(weir_smmu_v3_walks(bed.smmu, &t), WEIR_EOPNOTSUPP);
	t.pa_bits--;
	t.iova_bits++;
	if (t.iova_bits > 52 || !(idr5 & SMMU3_IDR5_DS))
		assert_int_equal(weir_smmu_v3_walks(bed.smmu, &t), WEIR_EOPNOTSUPP);
	t.iova_bits = 24;
	assert_int_equal(weir_smmu_v3_walks(bed.smmu, &t), WEIR_EOPNOTSUPP);
	t.iova_bits = 39;
	assert_int_equal(weir_smmu_v3_walks(bed.smmu, &t), 0);
	t.coherent = true;
	assert_int_equal(weir_smmu_v3_walks(bed.smmu, &t), got.coherent ? 0 : WEIR_EOPNOTSUPP);
	t.coherent = false;
	t.levels = 0;
	assert_int_equal(weir_smmu_v3_walks(bed.smmu, &t), WEIR_EOPNOTSUPP);
	t.levels = 3;
	t.granule_lg2 = 13;
	assert_int_equal(weir_smmu_v3_walks(bed.smmu, &t), WEIR_EOPNOTSUPP);
	if (s2_iova_bits) {
		assert_int_equal(weir_smmu_v3_stage2_get(bed.smmu, &got), 0);
		assert_int_equal(got.format, WEIR_TABLE_ARM_S2);
		assert_int_equal(got.iova_bits, s2_iova_bits);
	} else {
		assert_int_equal(weir_smmu_v3_stage2_get(bed.smmu, &got), WEIR_EOPNOTSUPP);
	}
	bed_close(&bed);
}

static void test_smmuv3_says_which_tables(void **state)
{
	const uint32_t all = SMMU3_IDR5_4K | SMMU3_IDR5_16K | SMMU3_IDR5_64K;
	struct smmu3_config config;
	uint32_t idr0;

	(void)state;
	smmu3_config_usual(&config);
	idr0 = config.idr[0];
	tables_of(idr0, 0, SMMU3_OAS_44 | all, &(struct weir_table_config){
		.format = WEIR_TABLE_ARM_S1, .granule_lg2 = 12, .iova_bits = 48, .pa_bits = 44,
		.coherent = true }, 44);
	tables_of(idr0 & ~SMMU3_IDR0_COHACC, SMMU3_IDR3_BBML(1), SMMU3_OAS_52 | all,
		  &(struct weir_table_config){
		.format = WEIR_TABLE_ARM_S1, .granule_lg2 = 12, .iova_bits = 48, .pa_bits = 48,
		.bbm_level = 1 }, 48);
	tables_of(idr0 & ~SMMU3_IDR0_S1P, SMMU3_IDR3_BBML(2), SMMU3_OAS_40 | SMMU3_IDR5_16K,
		  &(struct weir_table_config){
		.format = WEIR_TABLE_ARM_S2, .granule_lg2 = 14, .iova_bits = 40, .pa_bits = 40,
		.bbm_level = 2, .coherent = true }, 40);
	tables_of(idr0 & ~(SMMU3_IDR0_S2P | SMMU3_IDR0_VMID16), 0,
		  SMMU3_OAS_52 | SMMU3_IDR5_64K | SMMU3_IDR5_VA52, &(struct weir_table_config){
		.format = WEIR_TABLE_ARM_S1, .granule_lg2 = 16, .iova_bits = 52, .pa_bits = 52,
		.coherent = true }, 0);
	/* small pages of 52 bits, when they are asked for; and when memory is nowhere so high */
	tables_of(idr0, 0, SMMU3_OAS_52 | all | SMMU3_IDR5_VA52 | SMMU3_IDR5_DS,
		  &(struct weir_table_config){
		.format = WEIR_TABLE_ARM_S1, .granule_lg2 = 12, .iova_bits = 52, .pa_bits = 52,
		.coherent = true, .kind = &weir_table_arm64_ds }, 52);
	tables_of(idr0 & ~SMMU3_IDR0_S1P, 0, SMMU3_OAS_52 | SMMU3_IDR5_16K | SMMU3_IDR5_VA52 |
		  SMMU3_IDR5_DS, &(struct weir_table_config){
		.format = WEIR_TABLE_ARM_S2, .granule_lg2 = 14, .iova_bits = 52, .pa_bits = 52,
		.coherent = true, .kind = &weir_table_arm64_ds }, 52);
	tables_of(idr0, 0, SMMU3_OAS_48 | all | SMMU3_IDR5_VA52 | SMMU3_IDR5_DS,
		  &(struct weir_table_config){
		.format = WEIR_TABLE_ARM_S1, .granule_lg2 = 12, .iova_bits = 48, .pa_bits = 48,
		.coherent = true, .kind = &weir_table_arm64 }, 48);
}

/* Somebody else's small pages of 52 bits are taken where they are walked, asked for or not. */
static void test_smmuv3_walks_long_addresses(void **state)
{
	static const struct {
		enum weir_table_format format;
		uint32_t granule_lg2, iova_bits, pa_bits, levels;
		bool ok;
	} tables[] = {
		{ WEIR_TABLE_ARM_S1, 12, 52, 52, 5, true },
		{ WEIR_TABLE_ARM_S1, 12, 52, 52, 6, false },
		{ WEIR_TABLE_ARM_S1, 12, 48, 52, 4, true },
		{ WEIR_TABLE_ARM_S2, 12, 52, 52, 4, true },
		{ WEIR_TABLE_ARM_S2, 12, 52, 52, 5, false }, /* from level -1: nobody makes such */
		{ WEIR_TABLE_ARM_S2, 14, 51, 50, 3, true },
		{ WEIR_TABLE_ARM_S2, 14, 53, 50, 4, false },
	};
	struct smmu3_config config;
	struct bed bed;

	(void)state;
	for (unsigned int ds = 0; ds < 2; ds++) {
		smmu3_config_usual(&config);
		config.idr[5] = SMMU3_OAS_52 | SMMU3_IDR5_4K | SMMU3_IDR5_16K | SMMU3_IDR5_64K |
				SMMU3_IDR5_VA52 | (ds ? SMMU3_IDR5_DS : 0);
		bed_init(&bed, &config);
		assert_int_equal(bed_create(&bed), 0);
		for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
			const struct weir_tables t = {
				.format = tables[i].format, .granule_lg2 = tables[i].granule_lg2,
				.iova_bits = tables[i].iova_bits, .pa_bits = tables[i].pa_bits,
				.levels = tables[i].levels,
			};

			assert_int_equal(weir_smmu_v3_walks(bed.smmu, &t),
					 ds && tables[i].ok ? 0 : WEIR_EOPNOTSUPP);
		}
		bed_close(&bed);
	}
}

static void test_smmuv3_refuses_nothing_there(void **state)
{
	struct smmu3_config config;
	struct bed bed;

	(void)state;
	smmu3_config_usual(&config);
	bed_init(&bed, &config);
	smmu3_misbehave(bed.s, SMMU3_DEAD, 1);
	assert_int_equal(bed_create(&bed), WEIR_ENODEV);
	bed_close(&bed);
}

static void test_smmuv3_refuses_without_cache_sync(void **state)
{
	struct smmu3_config config;
	struct bed bed;

	(void)state;
	smmu3_config_usual(&config);
	config.idr[0] &= ~SMMU3_IDR0_COHACC;
	bed_init(&bed, &config);
	bed.ops.cache_sync = NULL;
	assert_int_equal(bed_create(&bed), WEIR_EOPNOTSUPP);
	assert_non_null(strstr(hwhost_log_take(bed.h), "cache_sync"));
	bed.ops.pages_alloc = NULL;
	assert_int_equal(bed_create(&bed), WEIR_EOPNOTSUPP);
	assert_non_null(strstr(hwhost_log_take(bed.h), "no pages"));
	bed_close(&bed);
}

/* Every call of the host that can fail does, once. */
static void test_smmuv3_every_call_fails(void **state)
{
	struct smmu3_config config;
	struct bed bed;
	unsigned long n = 0;
	bool hit = true;

	(void)state;
	smmu3_config_usual(&config);
	bed_init(&bed, &config);
	while (hit) {
		testhost_fail_at(bed.t, ++n);
		if (!bed_create(&bed)) {
			struct weir_smmu_v3_domain *domain = NULL;
			struct table table;

			hit = testhost_fault_hit(bed.t);
			testhost_fail_at(bed.t, 0);
			table_init(&table, &bed, false);
			for (unsigned long i = 1; !domain; i++) {
				testhost_fail_at(bed.t, i);
				(void)weir_smmu_v3_domain_create(bed.smmu, &table.tables, 0, &domain);
			}
			for (unsigned long i = 1;; i++) {
				int err;

				testhost_fail_at(bed.t, i);
				err = weir_smmu_v3_attach(bed.smmu, SID, domain);
				if (!err)
					break;
				assert_int_equal(err, WEIR_ENOMEM);
				assert_int_equal(touch(&bed, SID, IOVA), SMMU3_ABORTED);
			}
			testhost_fail_at(bed.t, 0);
			assert_int_equal(weir_smmu_v3_attach(bed.smmu, SID, NULL), 0);
			weir_smmu_v3_domain_destroy(domain);
			table_fini(&table);
			bed.smmu = weir_smmu_v3_destroy(bed.smmu);
		}
		testhost_fail_at(bed.t, 0);
		testhost_check_empty(bed.t);
		assert_in_range(n, 1, 100);
	}
	assert_true(n > 5);
	bed_close(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smmuv3_stage1),
		cmocka_unit_test(test_smmuv3_stage2),
		cmocka_unit_test(test_smmuv3_not_coherent),
		cmocka_unit_test(test_smmuv3_refuses_registers),
		cmocka_unit_test(test_smmuv3_says_which_tables),
		cmocka_unit_test(test_smmuv3_walks_long_addresses),
		cmocka_unit_test(test_smmuv3_refuses_nothing_there),
		cmocka_unit_test(test_smmuv3_refuses_without_cache_sync),
		cmocka_unit_test(test_smmuv3_every_call_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
