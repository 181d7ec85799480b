// SPDX-License-Identifier: MIT
/*
 * The hostile SMMUv3 itself: tables, and what is cached of them. As in
 * test_smmuv3_model.c, a wrong sequence is caught with some seed, the right one passes with all.
 */
#include <stdio.h>

#include "smmurig.h"

#define SEEDS 40u

/* A stream behind stage 1 (ASID 1) with a page at 0x1000, which was used. */
struct mapped {
	struct rig r;
	struct rig_s1 s1;
	uint64_t pa;
};

static void mapped_open(struct mapped *m, uint64_t seed)
{
	rig_open(&m->r, seed);
	rig_attach_s1(&m->r, RIG_SID, 1, &m->s1);
	m->pa = rig_buffer(&m->r, 4096);
	rig_set(&m->r, m->s1.root, 0, 0x1000, 3, S1_PAGE(m->pa));
	assert_int_equal(rig_touch(&m->r, RIG_SID, 0x1000, true), SMMU3_LANDED);
}

/* What the page was is not the client's any more: whatever lands there is a stray. */
static bool mapped_close(struct mapped *m)
{
	hwram_allow(m->r.h->ram, m->pa, 4096, 0, 0);
	rig_touch(&m->r, RIG_SID, 0x1000, true);
	smmu3_rogue(m->r.s, RIG_SID, 0x1000, SMMU3_WRITE);
	hwhost_points(m->r.h, 10);
	return rig_close_with(&m->r, SMMU3_STRAY);
}

/* ---- invalidation ---- */

static bool unmap_without_tlbi(uint64_t seed, bool wrong)
{
	struct mapped m;

	mapped_open(&m, seed);
	rig_set(&m.r, m.s1.root, 0, 0x1000, 3, 0);
	if (!wrong)
		rig_tlbi_va(&m.r, 0x1000, 1, true);
	assert_true(rig_sync(&m.r));
	return mapped_close(&m);
}

static bool unmap_without_sync(uint64_t seed, bool wrong)
{
	struct mapped m;

	mapped_open(&m, seed);
	rig_set(&m.r, m.s1.root, 0, 0x1000, 3, 0);
	rig_tlbi_va(&m.r, 0x1000, 1, true);
	assert_true(wrong || rig_sync(&m.r));
	return mapped_close(&m);
}

/* The invalidation first: the entry is walked again before it goes. */
static bool tlbi_before_store(uint64_t seed, bool wrong)
{
	struct mapped m;

	mapped_open(&m, seed);
	if (wrong)
		rig_tlbi_va(&m.r, 0x1000, 1, true);
	hwhost_points(m.r.h, 20);
	rig_set(&m.r, m.s1.root, 0, 0x1000, 3, 0);
	if (!wrong)
		rig_tlbi_va(&m.r, 0x1000, 1, true);
	assert_true(rig_sync(&m.r));
	return mapped_close(&m);
}

static bool tlbi_of_another_asid(uint64_t seed, bool wrong)
{
	struct mapped m;

	mapped_open(&m, seed);
	rig_set(&m.r, m.s1.root, 0, 0x1000, 3, 0);
	rig_tlbi_va(&m.r, 0x1000, wrong ? 2 : 1, true);
	assert_true(rig_sync(&m.r));
	return mapped_close(&m);
}

static bool tlbi_of_another_page(uint64_t seed, bool wrong)
{
	struct mapped m;

	mapped_open(&m, seed);
	rig_set(&m.r, m.s1.root, 0, 0x1000, 3, 0);
	rig_tlbi_va(&m.r, wrong ? 0x2000 : 0x1000, 1, true);
	assert_true(rig_sync(&m.r));
	return mapped_close(&m);
}

static void test_smmuv3_walks_invalidation(void **state)
{
	(void)state;
	rig_both_ways(unmap_without_tlbi, SEEDS);
	rig_both_ways(unmap_without_sync, SEEDS);
	rig_both_ways(tlbi_before_store, SEEDS);
	rig_both_ways(tlbi_of_another_asid, SEEDS);
	rig_both_ways(tlbi_of_another_page, SEEDS);
}

/* NUM, SCALE, TTL and TG (4.4.1.1): 0x12, ASID 1, then the address. */
static uint64_t ranged(unsigned int num, unsigned int scale)
{
	return 0x12 | (uint64_t)num << 12 | (uint64_t)scale << 20 | 1ull << 48;
}

static bool wrong_ttl(uint64_t seed, bool wrong)
{
	struct mapped m;

	mapped_open(&m, seed);
	rig_set(&m.r, m.s1.root, 0, 0x1000, 3, 0);
	rig_command(&m.r, ranged(0, 0), (wrong ? 0 : 0x1000) | 1 << 10 | (wrong ? 2 : 3) << 8 | 1);
	assert_true(rig_sync(&m.r));
	return mapped_close(&m);
}

static bool wrong_granule(uint64_t seed, bool wrong)
{
	struct mapped m;

	mapped_open(&m, seed);
	rig_set(&m.r, m.s1.root, 0, 0x1000, 3, 0);
	rig_command(&m.r, ranged(1, 0), (wrong ? 3 : 1) << 10 | 1);
	assert_true(rig_sync(&m.r));
	return mapped_close(&m);
}

/* (NUM + 1) << SCALE pages: 0x1000 is the second of two, the fourth of four is 0x3000. */
static bool short_range(uint64_t seed, bool wrong)
{
	struct mapped m;

	mapped_open(&m, seed);
	rig_set(&m.r, m.s1.root, 0, 0x1000, 3, 0);
	rig_command(&m.r, ranged(0, wrong ? 0 : 1), 1 << 10 | 3 << 8 | 1);
	assert_true(rig_sync(&m.r));
	return mapped_close(&m);
}

static bool reserved_range(uint64_t seed, bool wrong)
{
	struct mapped m;

	mapped_open(&m, seed);
	rig_command(&m.r, ranged(wrong ? 0 : 1, 0), 1 << 10 | 1);
	assert_true(rig_sync(&m.r));
	return rig_close_with(&m.r, SMMU3_BAD_COMMAND);
}

static bool misaligned_range(uint64_t seed, bool wrong)
{
	struct mapped m;

	mapped_open(&m, seed);
	rig_command(&m.r, ranged(0, 0), (wrong ? 0x1000 : 0) | 1 << 10 | 2 << 8 | 1);
	assert_true(rig_sync(&m.r));
	return rig_close_with(&m.r, SMMU3_BAD_COMMAND);
}

static bool range_without_ril(uint64_t seed, bool wrong)
{
	struct smmu3_config config;
	struct rig r;

	smmu3_config_usual(&config);
	config.seed = seed;
	config.idr[3] = 0;
	rig_init(&r, &config);
	rig_enable(&r);
	rig_command(&r, wrong ? ranged(1, 0) : ranged(0, 0), wrong ? 1 << 10 : 0);
	assert_true(rig_sync(&r));
	return rig_close_with(&r, SMMU3_BAD_COMMAND);
}

static void test_smmuv3_walks_ranges(void **state)
{
	(void)state;
	rig_both_ways(wrong_ttl, SEEDS);
	rig_both_ways(wrong_granule, SEEDS);
	rig_both_ways(short_range, SEEDS);
	rig_both_ways(reserved_range, 4);
	rig_both_ways(misaligned_range, 4);
	rig_both_ways(range_without_ril, 4);
}

/* ---- tables ---- */

/* An emptied table goes: an invalidation of leaves alone leaves the entry that leads there. */
static bool table_freed(uint64_t seed, bool wrong)
{
	uint64_t table;
	struct mapped m;

	mapped_open(&m, seed);
	table = rig_table_of(&m.r, m.s1.root, 0, 0x1000, 3);
	rig_set(&m.r, m.s1.root, 0, 0x1000, 3, 0);
	rig_set(&m.r, m.s1.root, 0, 0x1000, 2, 0);
	rig_tlbi_va(&m.r, 0x1000, 1, wrong);
	assert_true(rig_sync(&m.r));
	m.r.ops->pages_free(m.r.h, rig_va(&m.r, table), table, 4096);
	hwhost_points(m.r.h, 10);
	return rig_close_with(&m.r, SMMU3_FREED);
}

static bool table_freed_unsynced(uint64_t seed, bool wrong)
{
	uint64_t table;
	struct mapped m;

	mapped_open(&m, seed);
	table = rig_table_of(&m.r, m.s1.root, 0, 0x1000, 3);
	rig_set(&m.r, m.s1.root, 0, 0x1000, 2, 0);
	rig_tlbi_va(&m.r, 0x1000, 1, false);
	assert_true(wrong || rig_sync(&m.r));
	m.r.ops->pages_free(m.r.h, rig_va(&m.r, table), table, 4096);
	hwhost_points(m.r.h, 10);
	return rig_close_with(&m.r, SMMU3_FREED);
}

/* A page that was used for something else becomes a table: emptied, then linked. */
static bool table_linked_early(uint64_t seed, bool wrong)
{
	uint64_t table, other;
	struct mapped m;

	mapped_open(&m, seed);
	rig_pages(&m.r, 4096, &other);
	for (unsigned int i = 0; i < 8; i++) {
		table = rig_table(&m.r);
		rig_store(&m.r, table, 3, S1_PAGE(other));
		rig_va(&m.r, table)[3] = 0;
		if (!wrong)
			rig_barrier(&m.r);
		rig_table_of(&m.r, m.s1.root, 0, 0x40000000, 2);
		smmu3_rogue(m.r.s, RIG_SID, 0x40003000 + i * 0x200000, SMMU3_READ);
		rig_set(&m.r, m.s1.root, 0, 0x40000000 + i * 0x200000, 2, TABLE(table));
	}
	return rig_close_with(&m.r, SMMU3_STRAY);
}

static void test_smmuv3_walks_tables(void **state)
{
	(void)state;
	rig_both_ways(table_freed, SEEDS);
	rig_both_ways(table_freed_unsynced, SEEDS);
	rig_both_ways(table_linked_early, SEEDS);
}

/* Break before make: another page, another size (DDI 0487, D8.16.1). */
static bool other_page(uint64_t seed, bool wrong)
{
	struct mapped m;

	mapped_open(&m, seed);
	if (!wrong) {
		rig_set(&m.r, m.s1.root, 0, 0x1000, 3, 0);
		rig_tlbi_va(&m.r, 0x1000, 1, true);
		assert_true(rig_sync(&m.r));
	}
	rig_set(&m.r, m.s1.root, 0, 0x1000, 3, S1_PAGE(rig_buffer(&m.r, 4096)));
	hwhost_points(m.r.h, 40);
	return rig_close_with(&m.r, SMMU3_TLB_CONFLICT);
}

static void table_to_block(struct rig *r, uint64_t seed, bool broken, uint32_t bbml)
{
	struct smmu3_config config;
	uint64_t pa, table;
	struct rig_s1 s1;

	smmu3_config_usual(&config);
	config.seed = seed;
	config.idr[3] |= SMMU3_IDR3_BBML(bbml);
	rig_init(r, &config);
	rig_enable(r);
	rig_attach_s1(r, RIG_SID, 1, &s1);
	pa = 0x80000000;
	hwram_allow(r->h->ram, pa, 0x200000, 1, 1);
	table = rig_table_of(r, s1.root, 0, 0, 3);
	for (unsigned int i = 0; i < 512; i++)
		rig_va(r, table)[i] = S1_PAGE(pa + i * 4096);
	rig_barrier(r);
	rig_touch(r, RIG_SID, 0x1ff000, false);
	if (broken) {
		rig_set(r, s1.root, 0, 0, 2, 0);
		rig_tlbi_va(r, 0x1ff000, 1, false);
		assert_true(rig_sync(r));
	}
	rig_set(r, s1.root, 0, 0, 2, S1_BLOCK(pa));
	hwhost_points(r->h, 40);
}

static bool other_size(uint64_t seed, bool wrong)
{
	struct rig r;

	table_to_block(&r, seed, !wrong, 0);
	return rig_close_with(&r, SMMU3_TLB_CONFLICT);
}

static void test_smmuv3_walks_break_before_make(void **state)
{
	struct rig r;

	(void)state;
	rig_both_ways(other_page, SEEDS);
	rig_both_ways(other_size, SEEDS);
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		table_to_block(&r, seed, false, 2);
		rig_close(&r);
	}
}

/* Contiguous entries: the group is kept as one (D8.6.1). */
static bool contiguous(uint64_t seed, bool wrong)
{
	struct rig_s1 s1;
	uint64_t pa, out;
	struct rig r;

	rig_open(&r, seed);
	rig_attach_s1(&r, RIG_SID, 1, &s1);
	pa = rig_buffer(&r, 0x10000);
	for (unsigned int i = 0; i < 16; i++)
		rig_set(&r, s1.root, 0, 0x10000 + i * 0x1000, 3,
			S1_PAGE(pa + (wrong && i == 7 ? 0 : i * 0x1000)) | 1ull << 52);
	assert_int_equal(smmu3_translate(r.s, RIG_SID, 0x15008, SMMU3_READ, &out), SMMU3_LANDED);
	assert_true(out == pa + 0x5008);
	return rig_close_with(&r, SMMU3_BAD_TABLE);
}

static bool block_misaligned(uint64_t seed, bool wrong)
{
	struct rig_s1 s1;
	struct rig r;

	rig_open(&r, seed);
	rig_attach_s1(&r, RIG_SID, 1, &s1);
	rig_set(&r, s1.root, 0, 0x200000, 2, S1_BLOCK(0x80000000 + (wrong ? 0x100000 : 0)));
	smmu3_translate(r.s, RIG_SID, 0x200000, SMMU3_READ, &(uint64_t){ 0 });
	return rig_close_with(&r, SMMU3_BAD_TABLE);
}

static void test_smmuv3_walks_formats(void **state)
{
	(void)state;
	rig_both_ways(contiguous, 8);
	rig_both_ways(block_misaligned, 8);
}

/* ---- tags ---- */

/*
 * An ASID gets other tables. What is cached of the old ones goes when nothing leads there any more,
 * which is only after the CMD_SYNC.
 */
static bool asid_reused(uint64_t seed, bool wrong)
{
	uint64_t words[8];
	struct rig_s1 s1;
	struct mapped m;

	mapped_open(&m, seed);
	rig_va(&m.r, m.r.ste_pa + 64 * RIG_SID)[0] = 1;
	rig_barrier(&m.r);
	rig_cfgi_ste(&m.r, RIG_SID, true);
	assert_true(rig_sync(&m.r));
	if (!wrong)
		rig_command(&m.r, 0x11 | 1ull << 48, 0);
	assert_true(rig_sync(&m.r));
	rig_pages(&m.r, 4096, &s1.cd_pa);
	s1.root = rig_table(&m.r);
	rig_cd(words, s1.root, 1);
	rig_entry(&m.r, s1.cd_pa, words);
	rig_ste_s1(words, s1.cd_pa);
	rig_ste_set(&m.r, RIG_SID, words);
	return mapped_close(&m);
}

/* Two ASIDs with the same addresses do not see each other's pages. */
static void test_smmuv3_walks_asids(void **state)
{
	uint64_t pa, out;
	struct rig_s1 s1;
	struct mapped m;

	(void)state;
	rig_both_ways(asid_reused, SEEDS);
	mapped_open(&m, 3);
	rig_attach_s1(&m.r, 9, 2, &s1);
	pa = rig_buffer(&m.r, 4096);
	rig_set(&m.r, s1.root, 0, 0x1000, 3, S1_PAGE(pa));
	assert_int_equal(smmu3_translate(m.r.s, 9, 0x1000, SMMU3_READ, &out), SMMU3_LANDED);
	assert_true(out == pa);
	assert_int_equal(smmu3_translate(m.r.s, RIG_SID, 0x1000, SMMU3_READ, &out), SMMU3_LANDED);
	assert_true(out == m.pa);
	rig_close(&m.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smmuv3_walks_invalidation),
		cmocka_unit_test(test_smmuv3_walks_ranges),
		cmocka_unit_test(test_smmuv3_walks_tables),
		cmocka_unit_test(test_smmuv3_walks_break_before_make),
		cmocka_unit_test(test_smmuv3_walks_formats),
		cmocka_unit_test(test_smmuv3_walks_asids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
