// SPDX-License-Identifier: MIT
/*
 * The hostile SMMUv3 itself: stage 2, both stages, larger pages, and memory without coherence. As in
 * test_smmuv3_model.c, a wrong sequence is caught with some seed, the right one passes with all.
 */
#include <stdio.h>

#include "smmurig.h"

#define SEEDS 40u

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

static void test_smmuv3_stages_stage2(void **state)
{
	struct nested n;
	struct rig *r = &n.r;
	uint64_t out;

	(void)state;
	rig_both_ways(stage2_unmap, SEEDS);
	rig_both_ways(nested_unmap, SEEDS);
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

/* Pages of 4 KiB with DS: from level -1, bits 51:50 of an address in 9:8 of its entry (DDI 0487, D8.2.8, D8.3.1). */
static uint64_t ds_entry(uint64_t pa, uint64_t rest)
{
	return (pa & 0x0003fffffffff000ull) | (pa >> 50) << 8 | rest;
}

static void check_ds(void)
{
	uint64_t words[8], cd_pa, tables[5], iova = 0x000f123456789000ull, out;
	uint64_t pa = 0x000ec32100007000ull;
	struct smmu3_config config;
	struct rig r;

	smmu3_config_usual(&config);
	config.idr[5] = SMMU3_OAS_52 | SMMU3_IDR5_4K | SMMU3_IDR5_DS | SMMU3_IDR5_VA52;
	rig_init(&r, &config);
	rig_enable(&r);
	for (unsigned int i = 0; i < 5; i++)
		rig_pages(&r, 4096, &tables[i]);
	rig_pages(&r, 4096, &cd_pa);
	for (unsigned int i = 0; i < 4; i++)
		rig_va(&r, tables[i])[iova >> (48 - 9 * i) & 511] = TABLE(tables[i + 1]);
	rig_va(&r, tables[4])[iova >> 12 & 511] = ds_entry(pa, 0xc43);
	/* a block of level 0 */
	rig_va(&r, tables[1])[2] = ds_entry(0x000d008000000000, 0xc41);
	rig_cd(words, tables[0], 1);
	words[0] = (words[0] & ~(0x3full | 7ull << 32)) | 12 | 6ull << 32;
	words[2] = 1ull << 58;
	rig_entry(&r, cd_pa, words);
	rig_ste_s1(words, cd_pa);
	rig_ste_set(&r, RIG_SID, words);
	assert_int_equal(smmu3_translate(r.s, RIG_SID, iova + 0x123, SMMU3_READ, &out), SMMU3_LANDED);
	assert_true(out == pa + 0x123);
	assert_int_equal(smmu3_translate(r.s, RIG_SID, (iova & 0xf000000000000ull) | 0x10012345678ull,
					 SMMU3_READ, &out), SMMU3_LANDED);
	assert_true(out == 0x000d008012345678ull);
	rig_close(&r);
}

static void test_smmuv3_stages_granules(void **state)
{
	(void)state;
	check_granule(12, 0);
	check_granule(14, 2);
	check_granule(16, 1);
	check_52_bits();
	check_ds();
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

static void test_smmuv3_stages_incoherent(void **state)
{
	(void)state;
	rig_both_ways(page_not_cleaned, SEEDS);
	rig_both_ways(command_not_cleaned, SEEDS);
	rig_both_ways(event_not_invalidated, 8);
	rig_both_ways(buffer_not_synced, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smmuv3_stages_stage2),
		cmocka_unit_test(test_smmuv3_stages_granules),
		cmocka_unit_test(test_smmuv3_stages_incoherent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
