// SPDX-License-Identifier: MIT
/*
 * The hardware layer of the driver for SMMUs of versions 1 and 2, on the hostile model: what it refuses,
 * what it does when the hardware misbehaves, what firmware's streams see, and that nothing it does is ever
 * a finding, whatever the seed.
 */
#include <stdio.h>
#include <string.h>

#include "cm.h"
#include "hw/host.h"
#include "hw/smmuv2.h"
#include "testhost.h"
#include "weir/arm_smmu.h"

#define BASE 0x12e00000ull
#define LINE 64u
#define SID 5u
#define OTHER 0x421u
#define IOVA 0x70000000ull
#define NR_TOLD 256u
#define SEEDS 30u

struct bed {
	struct hwhost *h;
	struct smmu2 *s;
	struct testhost *t;
	struct weir_host_ops ops;      /* of t; a test may take calls out */
	struct weir_smmu_v2_config config;
	uint32_t lines[SMMU2_BANKS + 1];
	struct weir_smmu_v2 *smmu;
	struct weir_fault faults[NR_TOLD];
	unsigned int nr_faults;
	const char *told;              /* the first thing it said of itself */
	unsigned int nr_told;
};

static void on_fault(void *arg, const struct weir_fault *fault)
{
	struct bed *bed = arg;

	if (fault->what) {
		if (!bed->nr_told++)
			bed->told = fault->what;
		return;
	}
	if (bed->nr_faults < NR_TOLD)
		bed->faults[bed->nr_faults] = *fault;
	bed->nr_faults++;
}

static void bed_init(struct bed *bed, const struct smmu2_config *config)
{
	uint32_t banks = config->idr1 & 0xff;

	memset(bed, 0, sizeof(*bed));
	bed->h = hwhost_create(4 << 20, config->seed);
	bed->s = smmu2_attach(bed->h, BASE, config, LINE, false);
	bed->t = testhost_create(hwhost_ops(bed->h), bed->h);
	bed->h->around_irq = testhost_interrupt;
	bed->ops = *testhost_ops(bed->t);
	for (uint32_t i = 0; i <= SMMU2_BANKS; i++)
		bed->lines[i] = LINE + i;
	bed->config = (struct weir_smmu_v2_config){
		.name = "smmu", .base_pa = BASE, .bytes = smmu2_bytes(config), .lines = bed->lines,
		.nr_lines = 1 + (banks < SMMU2_BANKS ? banks : SMMU2_BANKS), .nr_global_lines = 1,
		.flags = (config->version == 1 ? WEIR_SMMU_V2_ARCH_1 : 0) |
			 (config->mmu500 ? WEIR_SMMU_V2_MMU500 : 0),
		.timeout_ns = 10000000, .fault = on_fault, .arg = bed,
	};
	smmu2_master(bed->s, SID, 1);
	smmu2_master(bed->s, OTHER, 2);
}

static int bed_create(struct bed *bed)
{
	return weir_smmu_v2_create(&bed->ops, bed->t, &bed->config, &bed->smmu);
}

static void bed_open(struct bed *bed, uint64_t seed)
{
	struct smmu2_config config;

	smmu2_config_usual(&config);
	config.seed = seed;
	bed_init(bed, &config);
	assert_int_equal(bed_create(bed), 0);
}

static void no_findings(struct bed *bed)
{
	if (smmu2_findings(bed->s, SMMU2_FINDINGS))
		fail_msg("%s", smmu2_first_finding(bed->s));
}

static void bed_close(struct bed *bed)
{
	bed->smmu = weir_smmu_v2_destroy(bed->smmu);
	no_findings(bed);
	testhost_destroy(bed->t);
	hwhost_destroy(bed->h);
}

/* ---- memory and tables ---- */

/* A page that DMA of masters @who may reach. */
static uint64_t buffer(struct bed *bed, uint8_t who)
{
	uint64_t pa;
	void *va;

	assert_int_equal(bed->ops.pages_alloc(bed->t, 4096, 4096, &va, &pa), 0);
	hwram_allow(bed->h->ram, pa, 4096, who, who);
	return pa;
}

static void buffer_free(struct bed *bed, uint64_t pa)
{
	hwram_allow(bed->h->ram, pa, 4096, 0, 0);
	bed->ops.pages_free(bed->t, hwram_va(bed->h->ram, pa, 4096), pa, 4096);
}

static struct weir_table *make_table(struct bed *bed, enum weir_table_format format)
{
	struct weir_table_config config;
	struct weir_table *table;

	weir_smmu_v2_tables_get(bed->smmu, &config);
	config.format = format;
	if (format == WEIR_TABLE_ARM_S2)
		config.iova_bits = config.iova_bits < 39 ? 32 : 39;
	if (format == WEIR_TABLE_ARM_SHORT) {
		config.kind = &weir_table_short;
		config.iova_bits = config.pa_bits = 32;
	}
	assert_int_equal(weir_table_create(&bed->ops, bed->t, &config, &table), 0);
	return table;
}

static void map(struct weir_table *table, uint64_t iova, uint64_t pa)
{
	assert_int_equal(weir_table_map(table, iova, pa, 4096, WEIR_MAP_READ | WEIR_MAP_WRITE), 0);
}

/* The mapping goes; what was cached of it with it. */
static void unmap(struct weir_table *table, struct weir_smmu_v2_domain *domain, uint64_t iova)
{
	struct weir_table_gather gather = { .unlink = true };

	assert_int_equal(weir_table_unmap(table, iova, 4096, &gather), 0);
	assert_int_equal(weir_smmu_v2_invalidate(domain, &gather.what), 0);
	assert_int_equal(weir_smmu_v2_sync(domain), 0);
	weir_table_release(table, &gather);
}

static struct weir_smmu_v2_domain *domain_of(struct bed *bed, const struct weir_table *table)
{
	struct weir_smmu_v2_domain *domain;
	struct weir_tables tables;

	weir_table_describe(table, &tables);
	assert_int_equal(weir_smmu_v2_domain_create(bed->smmu, &tables, 0, &domain), 0);
	return domain;
}

static enum smmu2_outcome touch(struct bed *bed, uint32_t sid, uint64_t iova)
{
	uint64_t data = 1;

	return smmu2_dma(bed->s, sid, iova, &data, 8, SMMU2_WRITE);
}

/* ---- a whole story ---- */

static void rounds(struct bed *bed, struct weir_table *table, struct weir_smmu_v2_domain *one,
		   struct weir_smmu_v2_domain *two, uint64_t a)
{
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(weir_smmu_v2_attach(bed->smmu, SID, one), 0);
		assert_int_equal(touch(bed, SID, IOVA), SMMU2_LANDED);
		assert_int_equal(touch(bed, SID, IOVA + 4096), SMMU2_ABORTED);
		unmap(table, one, IOVA);
		hwram_allow(bed->h->ram, a, 4096, 0, 0);
		hwhost_points(bed->h, 50);
		assert_int_equal(touch(bed, SID, IOVA), SMMU2_ABORTED);
		assert_int_equal(weir_smmu_v2_attach(bed->smmu, SID, two), 0);
		assert_int_equal(touch(bed, SID, IOVA), SMMU2_LANDED);
		hwram_allow(bed->h->ram, a, 4096, 1, 1);
		map(table, IOVA, a);
	}
}

/* Attached, used, unmapped, replaced, blocked; rogues fire throughout. */
static void story(const struct smmu2_config *config, enum weir_table_format format)
{
	struct weir_smmu_v2_domain *one, *two;
	struct weir_table *first, *second;
	struct bed bed;
	uint64_t a, b;

	bed_init(&bed, config);
	assert_int_equal(bed_create(&bed), 0);
	a = buffer(&bed, 1);
	b = buffer(&bed, 1);
	smmu2_rogue(bed.s, OTHER, a, SMMU2_WRITE);
	smmu2_rogue(bed.s, SID, IOVA, SMMU2_WRITE);
	first = make_table(&bed, format);
	second = make_table(&bed, format);
	map(first, IOVA, a);
	map(second, IOVA, b);
	one = domain_of(&bed, first);
	two = domain_of(&bed, second);
	assert_int_equal(touch(&bed, SID, IOVA), SMMU2_ABORTED);
	rounds(&bed, first, one, two, a);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, SID, NULL), 0);
	one = weir_smmu_v2_domain_destroy(one);
	two = weir_smmu_v2_domain_destroy(two);
	weir_table_destroy(first);
	weir_table_destroy(second);
	buffer_free(&bed, a);
	buffer_free(&bed, b);
	hwhost_points(bed.h, 200);
	assert_int_equal(touch(&bed, SID, IOVA), SMMU2_ABORTED);
	hwhost_points(bed.h, 1);
	assert_true(bed.nr_faults > 0);
	weir_smmu_v2_forget(bed.smmu, SID);
	assert_int_equal(touch(&bed, SID, IOVA), SMMU2_ABORTED);
	bed_close(&bed);
}

static void test_smmuv2_stage1(void **state)
{
	struct smmu2_config config;

	(void)state;
	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		smmu2_config_usual(&config);
		config.seed = seed;
		config.mmu500 = seed % 2;
		if (seed % 3 == 0)
			config.idr0 |= SMMU2_IDR0_EXIDS;
		story(&config, WEIR_TABLE_ARM_S1);
	}
}

static void test_smmuv2_stage2(void **state)
{
	struct smmu2_config config;

	(void)state;
	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		smmu2_config_usual(&config);
		config.seed = seed;
		if (seed % 2)
			config.idr2 &= ~SMMU2_IDR2_VMID16;
		if (seed % 3 == 0) /* MMU-400's kind: stage 2 alone */
			config.idr0 &= ~(SMMU2_IDR0_S1TS | SMMU2_IDR0_NTS);
		story(&config, WEIR_TABLE_ARM_S2);
	}
}

/* Neither the SMMU nor masters see the CPU's caches; pages of 64 KiB of registers. */
static void test_smmuv2_not_coherent(void **state)
{
	struct smmu2_config config;

	(void)state;
	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		smmu2_config_usual(&config);
		config.seed = seed;
		config.idr0 &= ~SMMU2_IDR0_CTTW;
		config.idr1 = SMMU2_IDR1(4, 1, 3, 1);
		config.masters_incoherent = true;
		story(&config, seed % 2 ? WEIR_TABLE_ARM_S2 : WEIR_TABLE_ARM_S1);
	}
}

/* Version 1: AArch32's long descriptors, no invalidation by IPA, interrupts by an index. */
static void test_smmuv2_version1(void **state)
{
	struct smmu2_config config;

	(void)state;
	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		smmu2_config_usual(&config);
		config.seed = seed;
		config.version = 1;
		config.idr0 |= SMMU2_IDR0_IRPT(2);
		config.idr2 = SMMU2_IDR2(SMMU2_40, SMMU2_40, 0);
		story(&config, seed % 2 ? WEIR_TABLE_ARM_S2 : WEIR_TABLE_ARM_S1);
	}
}

/* Short descriptors of VMSAv7, with either version. */
static void test_smmuv2_short(void **state)
{
	struct smmu2_config config;

	(void)state;
	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		smmu2_config_usual(&config);
		config.seed = seed;
		if (seed % 2) {
			config.version = 1;
			config.idr2 = SMMU2_IDR2(SMMU2_40, SMMU2_40, 0);
		}
		if (seed % 3 == 0)
			config.idr0 &= ~SMMU2_IDR0_CTTW;
		story(&config, WEIR_TABLE_ARM_SHORT);
	}
}

/* No stream matching: each id has its register. */
static void test_smmuv2_indexing(void **state)
{
	struct weir_smmu_v2_domain *domain;
	struct smmu2_config config;
	struct weir_table *table;
	struct bed bed;
	uint64_t a;

	(void)state;
	smmu2_config_usual(&config);
	config.idr0 = (config.idr0 & ~(SMMU2_IDR0_SMS | 0xfeff)) | SMMU2_IDR0_SIDB(6) | SMMU2_IDR0_CTTW;
	bed_init(&bed, &config);
	assert_int_equal(bed_create(&bed), 0);
	a = buffer(&bed, 1);
	table = make_table(&bed, WEIR_TABLE_ARM_S1);
	map(table, IOVA, a);
	domain = domain_of(&bed, table);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, SID, domain), 0);
	assert_int_equal(touch(&bed, SID, IOVA), SMMU2_LANDED);
	assert_int_equal(touch(&bed, SID + 1, IOVA), SMMU2_ABORTED);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, 64, domain), WEIR_ERANGE);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, WEIR_SMMU_V2_STREAM(4, 1), domain), WEIR_ERANGE);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, SID, NULL), 0);
	assert_int_equal(touch(&bed, SID, IOVA), SMMU2_ABORTED);
	weir_smmu_v2_domain_destroy(domain);
	weir_table_destroy(table);
	buffer_free(&bed, a);
	bed_close(&bed);
}

/* ---- streams ---- */

static void test_smmuv2_masks(void **state)
{
	const uint32_t group = WEIR_SMMU_V2_STREAM(0x800, 0x3);
	struct weir_smmu_v2_domain *domain;
	struct weir_table *table;
	struct bed bed;
	uint64_t a;

	(void)state;
	bed_open(&bed, 2);
	a = buffer(&bed, 1);
	table = make_table(&bed, WEIR_TABLE_ARM_S1);
	map(table, IOVA, a);
	domain = domain_of(&bed, table);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, group, domain), 0);
	for (uint32_t id = 0x800; id < 0x804; id++)
		assert_int_equal(touch(&bed, id, IOVA), SMMU2_LANDED);
	assert_int_equal(touch(&bed, 0x804, IOVA), SMMU2_ABORTED);
	/* ids of it for another stream: a conflict, refused by name */
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, 0x802, domain), WEIR_EEXIST);
	assert_non_null(strstr(hwhost_log_take(bed.h), "are another one's (0x802)"));
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, WEIR_SMMU_V2_STREAM(0x801, 0x10), domain),
			 WEIR_EEXIST);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, WEIR_SMMU_V2_STREAM(0x801, 0x1), domain),
			 WEIR_ERANGE);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, 0x8000, domain), WEIR_ERANGE);
	/* its faults are the stream's, whichever id it was */
	hwhost_points(bed.h, 1);
	bed.nr_faults = 0;
	assert_int_equal(touch(&bed, 0x803, IOVA + 8192), SMMU2_ABORTED);
	hwhost_points(bed.h, 2);
	assert_true(bed.nr_faults > 0);
	assert_int_equal(bed.faults[0].stream, group);
	assert_int_equal(bed.faults[0].reason, WEIR_FAULT_UNMAPPED);
	assert_true(bed.faults[0].iova == IOVA + 8192 && bed.faults[0].flags == WEIR_FAULT_WRITE);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, group, NULL), 0);
	weir_smmu_v2_domain_destroy(domain);
	weir_table_destroy(table);
	buffer_free(&bed, a);
	bed_close(&bed);
}

/* As many streams and banks as there are, and one more of each: an error that says what is lacking. */
static void test_smmuv2_used_up(void **state)
{
	struct weir_smmu_v2_domain *domains[8], *more;
	struct weir_table *table;
	struct weir_tables tables;
	struct bed bed;

	(void)state;
	bed_open(&bed, 3);
	table = make_table(&bed, WEIR_TABLE_ARM_S1);
	weir_table_describe(table, &tables);
	for (unsigned int i = 0; i < 8; i++)
		domains[i] = domain_of(&bed, table);
	assert_int_equal(weir_smmu_v2_domain_create(bed.smmu, &tables, 0, &more), WEIR_ENOSPC);
	assert_non_null(strstr(hwhost_log_take(bed.h), "smmu: no context bank is left (0x8)"));
	for (uint32_t id = 0; id < 32; id++)
		assert_int_equal(weir_smmu_v2_attach(bed.smmu, 0x100 + id, domains[id % 8]), 0);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, SID, domains[0]), WEIR_ENOSPC);
	assert_non_null(strstr(hwhost_log_take(bed.h), "no stream match register is left for a stream (0x5)"));
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, SID, NULL), 0);
	weir_smmu_v2_forget(bed.smmu, 0x100);
	assert_int_equal(weir_smmu_v2_attach(bed.smmu, SID, domains[0]), 0);
	weir_smmu_v2_suspend(bed.smmu);
	for (unsigned int i = 0; i < 8; i++)
		weir_smmu_v2_domain_destroy(domains[i]);
	weir_table_destroy(table);
	bed_close(&bed);
}

/* The id of tables is the caller's: it must fit, and be nobody else's. */
static void test_smmuv2_own_ids(void **state)
{
	struct weir_smmu_v2_domain *one, *two;
	struct weir_tables tables;
	struct weir_table *table;
	struct bed bed;

	(void)state;
	bed_open(&bed, 4);
	table = make_table(&bed, WEIR_TABLE_ARM_S2);
	weir_table_describe(table, &tables);
	tables.id = 7;
	assert_int_equal(weir_smmu_v2_domain_create(bed.smmu, &tables, WEIR_SMMU_V2_OWN_ID, &one), 0);
	assert_int_equal(weir_smmu_v2_domain_create(bed.smmu, &tables, WEIR_SMMU_V2_OWN_ID, &two),
			 WEIR_EEXIST);
	tables.id = 0x10000;
	assert_int_equal(weir_smmu_v2_domain_create(bed.smmu, &tables, WEIR_SMMU_V2_OWN_ID, &two),
			 WEIR_EINVAL);
	tables.format = WEIR_TABLE_VTD_FIRST;
	assert_int_equal(weir_smmu_v2_domain_create(bed.smmu, &tables, 0, &two), WEIR_EOPNOTSUPP);
	weir_smmu_v2_domain_destroy(one);
	weir_table_destroy(table);
	bed_close(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smmuv2_stage1),
		cmocka_unit_test(test_smmuv2_stage2),
		cmocka_unit_test(test_smmuv2_not_coherent),
		cmocka_unit_test(test_smmuv2_version1),
		cmocka_unit_test(test_smmuv2_short),
		cmocka_unit_test(test_smmuv2_indexing),
		cmocka_unit_test(test_smmuv2_masks),
		cmocka_unit_test(test_smmuv2_used_up),
		cmocka_unit_test(test_smmuv2_own_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
