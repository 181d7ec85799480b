// SPDX-License-Identifier: MIT
/*
 * The hostile SMMUv3 itself: tables, what is cached of them and memory without coherence. As in
 * test_smmuv3_model.c, a wrong sequence is caught with some seed, the right one passes with all.
 */
#include <stdio.h>

#include "smmurig.h"

#define SEEDS 40u

typedef bool (*sequence)(uint64_t seed, bool wrong);

static void both_ways(sequence run, unsigned int seeds)
{
	unsigned int caught = 0;

	for (uint64_t seed = 1; seed <= seeds; seed++) {
		assert_false(run(seed, false));
		caught += run(seed, true);
	}
	assert_int_not_equal(caught, 0);
}

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
	both_ways(unmap_without_tlbi, SEEDS);
	both_ways(unmap_without_sync, SEEDS);
	both_ways(tlbi_before_store, SEEDS);
	both_ways(tlbi_of_another_asid, SEEDS);
	both_ways(tlbi_of_another_page, SEEDS);
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
	both_ways(wrong_ttl, SEEDS);
	both_ways(wrong_granule, SEEDS);
	both_ways(short_range, SEEDS);
	both_ways(reserved_range, 4);
	both_ways(misaligned_range, 4);
	both_ways(range_without_ril, 4);
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
	both_ways(table_freed, SEEDS);
	both_ways(table_freed_unsynced, SEEDS);
	both_ways(table_linked_early, SEEDS);
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
	both_ways(other_page, SEEDS);
	both_ways(other_size, SEEDS);
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
	both_ways(contiguous, 8);
	both_ways(block_misaligned, 8);
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
	both_ways(asid_reused, SEEDS);
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

/* ---- stage 2, and both ---- */

static bool stage2_unmap(uint64_t seed, bool wrong)
{
	uint64_t words[8], root;
	struct rig r;
	uint64_t pa;

	rig_open(&r, seed);
	root = rig_table(&r);
	rig_ste_s2(words, root, 39, 1, 7);
	rig_ste_set(&r, RIG_SID, words);
	pa = rig_buffer(&r, 4096);
	rig_set(&r, root, 1, 0x1000, 3, S2_PAGE(pa));
	assert_int_equal(rig_touch(&r, RIG_SID, 0x1000, true), SMMU3_LANDED);
	rig_set(&r, root, 1, 0x1000, 3, 0);
	rig_command(&r, 0x2a | (wrong ? 8ull : 7ull) << 32, 0x1001);
	assert_true(rig_sync(&r));
	hwram_allow(r.h->ram, pa, 4096, 0, 0);
	rig_touch(&r, RIG_SID, 0x1000, true);
	return rig_close_with(&r, SMMU3_STRAY);
}

struct nested {
	struct rig r;
	uint64_t s1, s2, pa;
};

/* Stage 1's tables and CD are where they are, seen through stage 2; the page's IPA is 0x7000000. */
static void nested_open(struct nested *n, uint64_t seed)
{
	uint64_t words[8], cd[8], cd_pa;

	rig_open(&n->r, seed);
	n->s1 = rig_table(&n->r);
	n->s2 = rig_table(&n->r);
	n->pa = rig_buffer(&n->r, 4096);
	rig_pages(&n->r, 4096, &cd_pa);
	rig_cd(cd, n->s1, 3);
	rig_entry(&n->r, cd_pa, cd);
	rig_set(&n->r, n->s1, 0, 0x1000, 3, S1_PAGE(0x7000000));
	for (uint64_t at = 0x80000000; at < 0x80000000 + (64 << 12); at += 4096)
		rig_set(&n->r, n->s2, 1, at, 3, S2_PAGE(at));
	rig_set(&n->r, n->s2, 1, 0x7000000, 3, S2_PAGE(n->pa));
	rig_ste_s2(words, n->s2, 39, 1, 7);
	words[0] = 1 | 7 << 1 | cd_pa;
	rig_ste_set(&n->r, RIG_SID, words);
}

/* Stage 2 changes: what is cached of both together is dropped by stage 1's commands (3.17). */
static bool nested_unmap(uint64_t seed, bool wrong)
{
	struct nested n;

	nested_open(&n, seed);
	assert_int_equal(rig_touch(&n.r, RIG_SID, 0x1000, true), SMMU3_LANDED);
	rig_set(&n.r, n.s2, 1, 0x7000000, 3, 0);
	rig_command(&n.r, 0x2a | 7ull << 32, 0x7000001);
	if (!wrong)
		rig_command(&n.r, 0x10 | 7ull << 32, 0);
	assert_true(rig_sync(&n.r));
	hwram_allow(n.r.h->ram, n.pa, 4096, 0, 0);
	rig_touch(&n.r, RIG_SID, 0x1000, true);
	return rig_close_with(&n.r, SMMU3_STRAY);
}

static void test_smmuv3_walks_stage2(void **state)
{
	struct nested n;
	struct rig *r = &n.r;
	uint64_t out;

	(void)state;
	both_ways(stage2_unmap, SEEDS);
	both_ways(nested_unmap, SEEDS);
	/* Faults tell the stage, the IPA, and what was read: a page, or a table. */
	nested_open(&n, 5);
	rig_set(r, n.s1, 0, 0x2000, 3, S1_PAGE(0x7001000));
	assert_int_equal(rig_touch(r, RIG_SID, 0x2010, true), SMMU3_ABORTED);
	assert_true(rig_poll(r, 0x100a8, 0xff, 1));
	assert_true((r->evtq[0] & 0xff) == 0x10 && r->evtq[2] == 0x2010);
	assert_true(r->evtq[1] == (1ull << 39 | 2ull << 40));
	assert_true(r->evtq[3] == 0x7001000);
	rig_set(r, n.s1, 0, 0x40000000, 1, TABLE(0x7002000));
	assert_int_equal(rig_touch(r, RIG_SID, 0x40000000, false), SMMU3_ABORTED);
	assert_true(rig_poll(r, 0x100a8, 0xff, 2));
	assert_true(r->evtq[5] == (1ull << 39 | 1ull << 40 | 1ull << 35));
	assert_true(r->evtq[7] == 0x7002000);
	assert_int_equal(smmu3_translate(r->s, RIG_SID, 0x1000, SMMU3_READ, &out), SMMU3_LANDED);
	assert_true(out == n.pa);
	rig_close(r);
}

/* ---- granules of 16 and 64 KiB ---- */

/* A page, and a block of level 2, by hand: index bits 11 or 13 a level. */
static void check_granule(unsigned int g, unsigned int tg0)
{
	uint64_t words[8], cd_pa, tables[4], iova = 0x0000123456789000ull, out, pa;
	size_t bytes = (size_t)1 << g;
	unsigned int n = g == 16 ? 3 : 4, at = 4 - n;
	struct rig r;

	rig_open(&r, g);
	for (unsigned int i = 0; i < n; i++)
		rig_pages(&r, bytes, &tables[i]);
	rig_pages(&r, 4096, &cd_pa);
	pa = rig_buffer(&r, bytes);
	for (unsigned int i = 0; i < n; i++) {
		unsigned int shift = g + (3 - (at + i)) * (g - 3);
		uint64_t index = iova >> shift & ((1ull << (g - 3)) - 1);

		rig_va(&r, tables[i])[index] = i + 1 < n ? TABLE(tables[i + 1]) : S1_PAGE(pa);
		if (i + 2 == n)
			rig_va(&r, tables[i])[index ^ 1] = S1_BLOCK(0x80000000ull >> shift << shift);
	}
	rig_cd(words, tables[0], 1);
	words[0] |= (uint64_t)tg0 << 6;
	rig_entry(&r, cd_pa, words);
	rig_ste_s1(words, cd_pa);
	rig_ste_set(&r, RIG_SID, words);
	assert_int_equal(smmu3_translate(r.s, RIG_SID, iova, SMMU3_READ, &out), SMMU3_LANDED);
	assert_true(out == pa + iova % bytes);
	iova ^= 1ull << (g + g - 3);
	assert_int_equal(smmu3_translate(r.s, RIG_SID, iova, SMMU3_READ, &out), SMMU3_LANDED);
	assert_true(out % ((uint64_t)bytes << (g - 3)) == iova % ((uint64_t)bytes << (g - 3)));
	assert_int_equal(smmu3_translate(r.s, RIG_SID, iova | 1ull << 50, SMMU3_READ, &out),
			 SMMU3_ABORTED);
	rig_close(&r);
}

/* 52 bits on both sides: T0SZ 12, and bits 51:48 of an address in 15:12 of its entry. */
static void check_52_bits(void)
{
	uint64_t words[8], cd_pa, tables[3], iova = 0x000f123456789000ull, out;
	uint64_t pa = 0x000a432100000000ull;
	struct smmu3_config config;
	struct rig r;

	smmu3_config_usual(&config);
	config.idr[5] = SMMU3_OAS_52 | SMMU3_IDR5_64K | SMMU3_IDR5_VA52;
	rig_init(&r, &config);
	rig_enable(&r);
	for (unsigned int i = 0; i < 3; i++)
		rig_pages(&r, 0x10000, &tables[i]);
	rig_pages(&r, 4096, &cd_pa);
	rig_va(&r, tables[0])[iova >> 42] = TABLE(tables[1]);
	rig_va(&r, tables[1])[iova >> 29 & 8191] = TABLE(tables[2]);
	rig_va(&r, tables[2])[iova >> 16 & 8191] = S1_PAGE(pa & 0xffffffff0000) | 0xa << 12;
	/* a block of level 1 */
	rig_va(&r, tables[0])[1] = S1_BLOCK(0x040000000000) | 0xb << 12;
	rig_cd(words, tables[0], 1);
	words[0] = (words[0] & ~(0x3full | 7ull << 32)) | 12 | 1 << 6 | 6ull << 32;
	rig_entry(&r, cd_pa, words);
	rig_ste_s1(words, cd_pa);
	rig_ste_set(&r, RIG_SID, words);
	assert_int_equal(smmu3_translate(r.s, RIG_SID, iova, SMMU3_READ, &out), SMMU3_LANDED);
	assert_true(out == pa + iova % 0x10000);
	assert_int_equal(smmu3_translate(r.s, RIG_SID, 0x040000012345, SMMU3_READ, &out),
			 SMMU3_LANDED);
	assert_true(out == 0x000b040000012345);
	rig_close(&r);
}

static void test_smmuv3_walks_granules(void **state)
{
	(void)state;
	check_granule(12, 0);
	check_granule(14, 2);
	check_granule(16, 1);
	check_52_bits();
}

/* ---- memory without coherence ---- */

static void incoherent_open(struct rig *r, uint64_t seed)
{
	struct smmu3_config config;

	smmu3_config_usual(&config);
	config.seed = seed;
	config.idr[0] &= ~SMMU3_IDR0_COHACC;
	config.masters_incoherent = true;
	rig_init(r, &config);
	rig_enable(r);
}

static bool page_not_cleaned(uint64_t seed, bool wrong)
{
	struct rig_s1 s1;
	struct rig r;
	uint64_t pa;

	incoherent_open(&r, seed);
	rig_attach_s1(&r, RIG_SID, 1, &s1);
	pa = rig_buffer(&r, 4096);
	rig_set(&r, s1.root, 0, 0x1000, 3, S1_PAGE(pa));
	assert_int_equal(rig_touch(&r, RIG_SID, 0x1000, true), SMMU3_LANDED);
	r.clean = !wrong;
	rig_set(&r, s1.root, 0, 0x1000, 3, 0);
	r.clean = true;
	rig_tlbi_va(&r, 0x1000, 1, true);
	assert_true(rig_sync(&r));
	hwram_allow(r.h->ram, pa, 4096, 0, 0);
	rig_touch(&r, RIG_SID, 0x1000, true);
	return rig_close_with(&r, SMMU3_STRAY);
}

static bool command_not_cleaned(uint64_t seed, bool wrong)
{
	struct rig r;

	incoherent_open(&r, seed);
	r.clean = !wrong;
	rig_sync(&r);
	return rig_close_with(&r, SMMU3_BAD_COMMAND);
}

static bool event_not_invalidated(uint64_t seed, bool wrong)
{
	struct rig r;
	bool seen;

	incoherent_open(&r, seed);
	rig_touch(&r, RIG_SID, 0x1000, true);
	assert_true(rig_poll(&r, 0x100a8, 0xff, 1));
	if (!wrong)
		r.ops->cache_sync(r.h, r.evtq_pa, 32, WEIR_CACHE_INVALIDATE);
	seen = r.evtq[0] == (0x04 | (uint64_t)RIG_SID << 32);
	rig_close(&r);
	return !seen;
}

/* What a master reads and writes is in memory, not in caches. */
static bool buffer_not_synced(uint64_t seed, bool wrong)
{
	uint64_t data = 0, *buffer, pa;
	struct rig_s1 s1;
	struct rig r;
	bool good;

	incoherent_open(&r, seed);
	rig_attach_s1(&r, RIG_SID, 1, &s1);
	pa = rig_buffer(&r, 4096);
	buffer = rig_va(&r, pa);
	rig_set(&r, s1.root, 0, 0x1000, 3, S1_PAGE(pa));
	*buffer = 77;
	if (!wrong)
		r.ops->cache_sync(r.h, pa, 8, WEIR_CACHE_CLEAN);
	smmu3_dma(r.s, RIG_SID, 0x1000, &data, 8, SMMU3_READ);
	good = data == 77;
	data = 78;
	smmu3_dma(r.s, RIG_SID, 0x1040, &data, 8, SMMU3_WRITE);
	if (!wrong)
		r.ops->cache_sync(r.h, pa + 0x40, 8, WEIR_CACHE_INVALIDATE);
	good &= buffer[8] == 78;
	rig_close(&r);
	return !good;
}

static void test_smmuv3_walks_incoherent(void **state)
{
	(void)state;
	both_ways(page_not_cleaned, SEEDS);
	both_ways(command_not_cleaned, SEEDS);
	both_ways(event_not_invalidated, 8);
	both_ways(buffer_not_synced, 8);
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
		cmocka_unit_test(test_smmuv3_walks_stage2),
		cmocka_unit_test(test_smmuv3_walks_granules),
		cmocka_unit_test(test_smmuv3_walks_incoherent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
