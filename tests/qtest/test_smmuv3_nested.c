// SPDX-License-Identifier: MIT
/*
 * Nested translation of the SMMUv3 driver's hardware layer on QEMU's model (version 9.1 and later), and
 * edu's DMA through it: a guest's descriptor and tables, made here, in memory whose addresses stage 2
 * translates, and stage 2 by the library. Neither the addresses that edu uses nor those that
 * stage 1 makes of them are RAM, so that an access that a stage does not translate lands nowhere.
 */
#include <stdio.h>
#include <string.h>

#include "smmuv3.h"
#include "weir/table.h"

#define IPA UINT64_C(0x100000000) /* the guest's tables; then its data; then its descriptor */
#define IPA_DATA (IPA + TEST_TABLE_PAGES * 4096u)
#define IPA_CD (IPA_DATA + 8192)
#define ASID 9u
#define RWC (WEIR_MAP_READ | WEIR_MAP_WRITE | WEIR_MAP_CACHED)

struct guest {
	struct smmu_bed bed;
	struct weir_table *stage2;
	struct weir_smmu_v3_domain *parent, *nested;
	struct test_table stage1;
	uint64_t tables_pa, cd_pa;
	uint64_t *cd;
};

static void map(struct guest *g, uint64_t ipa, uint64_t pa, uint64_t bytes)
{
	assert_int_equal(weir_table_map(g->stage2, ipa, pa, bytes, RWC), 0);
}

static void unmap(struct guest *g, uint64_t ipa, uint64_t bytes)
{
	struct weir_table_gather gather = { .unlink = true };

	assert_int_equal(weir_table_unmap(g->stage2, ipa, bytes, &gather), 0);
	assert_int_equal(weir_smmu_v3_invalidate(g->parent, &gather.what), 0);
	assert_int_equal(weir_smmu_v3_sync(g->parent), 0);
	weir_table_release(g->stage2, &gather);
}

static void forget(struct guest *g, enum weir_nested_scope scope, uint64_t iova, uint32_t granule_lg2)
{
	const struct weir_nested_invalidation what = {
		.scope = scope, .asid = ASID, .iova = iova, .bytes = 4096, .granule_lg2 = granule_lg2,
	};

	assert_int_equal(weir_smmu_v3_invalidate_nested(g->nested, &what), 0);
}

static void attach(struct guest *g, struct weir_smmu_v3_domain *domain)
{
	assert_int_equal(weir_smmu_v3_attach(g->bed.smmu, g->bed.stream, domain), 0);
}

/* CD (Arm IHI 0070, 5.4): 48 bits, 44 of output, TTB0 alone, faults recorded. */
static void write_cd(struct guest *g, uint64_t root)
{
	g->cd[1] = root;
	g->cd[3] = 0xff << 8; /* attribute 1: write-back */
	g->cd[0] = 16 | 1 << 8 | 1 << 10 | 3 << 12 | 1ull << 30 | 1ull << 31 | 4ull << 32 | 1ull << 41 |
		   7ull << 45 | (uint64_t)ASID << 48;
}

/* Return: false: this SMMU has not both stages. */
static bool open_stage2(struct guest *g)
{
	struct weir_table_config config;
	struct weir_tables tables;

	memset(g, 0, sizeof(*g));
	smmu_bed_prepare(&g->bed);
	smmu_bed_open(&g->bed);
	weir_smmu_v3_tables_get(g->bed.smmu, &config);
	if (config.format != WEIR_TABLE_ARM_S1 || weir_smmu_v3_stage2_get(g->bed.smmu, &config)) {
		smmu_bed_close(&g->bed);
		smmu_bed_clear(&g->bed);
		return false;
	}
	assert_int_equal(weir_table_create(testhost_ops(g->bed.b.host), g->bed.b.host, &config,
					   &g->stage2), 0);
	weir_table_describe(g->stage2, &tables);
	assert_int_equal(weir_smmu_v3_domain_create(g->bed.smmu, &tables, 0, &g->parent), 0);
	return true;
}

static void open_guest(struct guest *g)
{
	struct weir_nested_smmu_v3 entry = { { 1 | 5 << 1 | IPA_CD, 0xd4 } };
	void *mem;

	if (!open_stage2(g)) {
		fprintf(stderr, "# this QEMU's SMMUv3 has one stage: it is older than 9.1\n");
		skip();
	}
	assert_int_equal(g->bed.ops->pages_alloc(g->bed.b.qtest, 4096, 4096, &mem, &g->cd_pa), 0);
	g->cd = mem;
	memset(mem, 0, 4096);
	test_table_init(&g->stage1, &g->bed);
	g->tables_pa = g->stage1.pa;
	g->stage1.pa = IPA; /* what its entries say */
	map(g, IPA, g->tables_pa, TEST_TABLE_PAGES * 4096u);
	map(g, IPA_DATA, g->bed.pa, 8192);
	map(g, IPA_CD, g->cd_pa, 4096);
	write_cd(g, IPA);
	test_table_set(&g->stage1, SMMU_IOVA, IPA_DATA + 4096, true);
	assert_int_equal(weir_smmu_v3_nest(g->parent, &entry, &g->nested), 0);
}

static void close_guest(struct guest *g)
{
	attach(g, NULL);
	g->nested = weir_smmu_v3_domain_destroy(g->nested);
	g->parent = weir_smmu_v3_domain_destroy(g->parent);
	smmu_bed_close(&g->bed);
	assert_false(smmu_bed_lands(&g->bed, SMMU_IOVA));
	weir_table_destroy(g->stage2);
	g->stage1.pa = g->tables_pa;
	test_table_fini(&g->stage1);
	g->bed.ops->pages_free(g->bed.b.qtest, g->cd, g->cd_pa, 4096);
	smmu_bed_clear(&g->bed);
}

/* The whole story of a guest's stream: without stage 1, with it, and what either side takes away. */
static void test_smmuv3_nested_translates(void **state)
{
	struct guest g;

	(void)state;
	open_guest(&g);
	assert_false(smmu_bed_lands(&g.bed, SMMU_IOVA));
	smmu_bed_faults(&g.bed);
	attach(&g, g.parent);
	assert_true(smmu_bed_lands(&g.bed, IPA_DATA + 4096));
	assert_false(smmu_bed_lands(&g.bed, SMMU_IOVA - (UINT64_C(0x7e) << 40)));
	smmu_bed_faults(&g.bed);
	attach(&g, g.nested);
	assert_true(smmu_bed_lands(&g.bed, SMMU_IOVA));
	assert_false(smmu_bed_lands(&g.bed, IPA_DATA + 4096));
	smmu_bed_assert_faults(&g.bed, IPA_DATA + 4096, 64, WEIR_FAULT_UNMAPPED, WEIR_FAULT_WRITE);
	/* the host takes the page, and gives it back */
	unmap(&g, IPA_DATA + 4096, 4096);
	assert_false(smmu_bed_lands(&g.bed, SMMU_IOVA));
	assert_true(g.bed.faults[0].ipa == IPA_DATA + 4096);
	smmu_bed_assert_faults(&g.bed, SMMU_IOVA, 64, WEIR_FAULT_UNMAPPED,
			       WEIR_FAULT_WRITE | WEIR_FAULT_STAGE2);
	map(&g, IPA_DATA + 4096, g.bed.pa + 4096, 4096);
	assert_true(smmu_bed_lands(&g.bed, SMMU_IOVA));
	/* the guest takes it; without its command it still lands */
	test_table_set(&g.stage1, SMMU_IOVA, 0, false);
	assert_true(smmu_bed_lands(&g.bed, SMMU_IOVA));
	forget(&g, WEIR_NESTED_RANGE, SMMU_IOVA, 12);
	assert_false(smmu_bed_lands(&g.bed, SMMU_IOVA));
	smmu_bed_assert_faults(&g.bed, SMMU_IOVA, 64, WEIR_FAULT_UNMAPPED, WEIR_FAULT_WRITE);
	close_guest(&g);
}

/* Every way to have stage 1 forgotten. */
static void test_smmuv3_nested_forgets(void **state)
{
	static const enum weir_nested_scope scopes[] = {
		WEIR_NESTED_ALL, WEIR_NESTED_ASID, WEIR_NESTED_RANGE, WEIR_NESTED_ADDRESS,
	};
	struct guest g;

	(void)state;
	open_guest(&g);
	attach(&g, g.nested);
	for (unsigned int i = 0; i < 8; i++) {
		assert_true(smmu_bed_lands(&g.bed, SMMU_IOVA));
		test_table_set(&g.stage1, SMMU_IOVA, 0, false);
		forget(&g, scopes[i % 4], SMMU_IOVA, i < 4 ? 12 : 0);
		assert_false(smmu_bed_lands(&g.bed, SMMU_IOVA));
		test_table_set(&g.stage1, SMMU_IOVA, IPA_DATA + 4096, true);
	}
	close_guest(&g);
}

/* The guest writes another descriptor; the old one is used until it asks to have it forgotten. */
static void test_smmuv3_nested_descriptors(void **state)
{
	struct guest g;

	(void)state;
	open_guest(&g);
	attach(&g, g.nested);
	assert_true(smmu_bed_lands(&g.bed, SMMU_IOVA));
	write_cd(&g, IPA + (TEST_TABLE_PAGES - 1) * 4096u); /* an empty table */
	forget(&g, WEIR_NESTED_ASID, 0, 0);
	assert_true(smmu_bed_lands(&g.bed, SMMU_IOVA));
	forget(&g, WEIR_NESTED_CONFIG, 0, 0);
	forget(&g, WEIR_NESTED_ASID, 0, 0);
	assert_false(smmu_bed_lands(&g.bed, SMMU_IOVA));
	smmu_bed_assert_faults(&g.bed, SMMU_IOVA, 64, WEIR_FAULT_UNMAPPED, WEIR_FAULT_WRITE);
	close_guest(&g);
}

/* Replaced by the guest without stage 1, by nothing, and slept with. */
static void test_smmuv3_nested_replaces(void **state)
{
	struct guest g;

	(void)state;
	open_guest(&g);
	for (unsigned int i = 0; i < 10; i++) {
		attach(&g, g.nested);
		assert_true(smmu_bed_lands(&g.bed, SMMU_IOVA));
		assert_false(smmu_bed_lands(&g.bed, IPA_DATA + 4096));
		if (i == 5) {
			weir_smmu_v3_suspend(g.bed.smmu);
			assert_false(smmu_bed_lands(&g.bed, SMMU_IOVA));
			assert_int_equal(weir_smmu_v3_resume(g.bed.smmu), 0);
			assert_false(smmu_bed_lands(&g.bed, SMMU_IOVA));
			attach(&g, g.nested);
			assert_true(smmu_bed_lands(&g.bed, SMMU_IOVA));
		}
		attach(&g, i % 2 ? g.parent : NULL);
		assert_false(smmu_bed_lands(&g.bed, SMMU_IOVA));
		assert_int_equal(smmu_bed_lands(&g.bed, IPA_DATA + 4096), i % 2);
	}
	close_guest(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smmuv3_nested_translates),
		cmocka_unit_test(test_smmuv3_nested_forgets),
		cmocka_unit_test(test_smmuv3_nested_descriptors),
		cmocka_unit_test(test_smmuv3_nested_replaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
