// SPDX-License-Identifier: MIT
/*
 * The hostile SMMUv3 itself: stream tables, their entries and context descriptors. As in test_smmuv3_model.c,
 * a wrong sequence is caught with some seed, the right one passes with all.
 */
#include "smmurig.h"

#define SEEDS 40u

/* ---- configuration ---- */

/* An STE changes, and stays cached: DMA lands behind the old one. */
static bool ste_without_cfgi(uint64_t seed, bool wrong)
{
	static const uint64_t abort_words[8] = { 1 };
	struct rig_s1 s1;
	struct rig r;
	uint64_t pa;

	rig_open(&r, seed);
	rig_attach_s1(&r, RIG_SID, 1, &s1);
	pa = rig_buffer(&r, 4096);
	rig_set(&r, s1.root, 0, 0x1000, 3, S1_PAGE(pa));
	rig_touch(&r, RIG_SID, 0x1000, true);
	rig_va(&r, r.ste_pa + 64 * RIG_SID)[0] = abort_words[0];
	rig_barrier(&r);
	if (!wrong)
		rig_cfgi_ste(&r, RIG_SID, true);
	assert_true(rig_sync(&r));
	hwram_allow(r.h->ram, pa, 4096, 0, 0);
	rig_touch(&r, RIG_SID, 0x1000, true);
	return rig_close_with(&r, SMMU3_STRAY);
}

/* ... invalidated, but nobody waited for the CMD_SYNC. */
static bool ste_without_sync(uint64_t seed, bool wrong)
{
	struct rig_s1 s1;
	struct rig r;
	uint64_t pa;

	rig_open(&r, seed);
	rig_attach_s1(&r, RIG_SID, 1, &s1);
	pa = rig_buffer(&r, 4096);
	rig_set(&r, s1.root, 0, 0x1000, 3, S1_PAGE(pa));
	rig_touch(&r, RIG_SID, 0x1000, true);
	rig_va(&r, r.ste_pa + 64 * RIG_SID)[0] = 1;
	rig_barrier(&r);
	rig_cfgi_ste(&r, RIG_SID, true);
	if (wrong)
		assert_true(rig_poll(&r, 0x9c, 0xfffff, r.prod));
	else
		assert_true(rig_sync(&r));
	hwram_allow(r.h->ram, pa, 4096, 0, 0);
	rig_touch(&r, RIG_SID, 0x1000, true);
	return rig_close_with(&r, SMMU3_STRAY);
}

/* From stage 1 to stage 2, by way of what is not valid; or all words while it is. */
static bool ste_torn(uint64_t seed, bool wrong)
{
	uint64_t words[8];
	struct rig_s1 s1;
	struct rig r;

	rig_open(&r, seed);
	rig_attach_s1(&r, RIG_SID, 1, &s1);
	for (unsigned int i = 0; i < 8; i++) {
		rig_ste_s2(words, rig_table(&r), 39, 1, 7);
		if (!wrong) {
			rig_va(&r, r.ste_pa + 64 * RIG_SID)[0] = 0;
			rig_barrier(&r);
			rig_cfgi_ste(&r, RIG_SID, true);
			assert_true(rig_sync(&r));
		}
		if (wrong)
			rig_entry(&r, r.ste_pa + 64 * RIG_SID, words);
		else
			rig_ste_set(&r, RIG_SID, words);
		rig_touch(&r, RIG_SID, 0x1000, true);
		rig_ste_s1(words, s1.cd_pa);
		rig_va(&r, r.ste_pa + 64 * RIG_SID)[0] = words[0];
		rig_cfgi_ste(&r, RIG_SID, true);
		assert_true(rig_sync(&r));
	}
	return rig_close_with(&r, SMMU3_BAD_ENTRY);
}

/* Valid last, but what was fetched before that is not dropped. */
static bool ste_valid_early(uint64_t seed, bool wrong)
{
	uint64_t words[8], pa;
	struct rig r;

	rig_open(&r, seed);
	for (unsigned int i = 0; i < 8; i++) {
		rig_ste_s2(words, rig_table(&r), 39, 1, 7);
		pa = r.ste_pa + 64 * RIG_SID;
		if (wrong)
			rig_entry(&r, pa, words);
		else
			rig_ste_set(&r, RIG_SID, words);
		rig_touch(&r, RIG_SID, 0x1000, true);
		rig_va(&r, pa)[0] = 0;
		rig_barrier(&r);
		rig_cfgi_ste(&r, RIG_SID, true);
		assert_true(rig_sync(&r));
	}
	return rig_close_with(&r, SMMU3_BAD_ENTRY);
}

/* A CD changes under the same STE. */
static bool cd_without_cfgi(uint64_t seed, bool wrong)
{
	struct rig_s1 s1;
	struct rig r;
	uint64_t pa;

	rig_open(&r, seed);
	rig_attach_s1(&r, RIG_SID, 1, &s1);
	pa = rig_buffer(&r, 4096);
	rig_set(&r, s1.root, 0, 0x1000, 3, S1_PAGE(pa));
	rig_touch(&r, RIG_SID, 0x1000, true);
	rig_va(&r, s1.cd_pa)[0] = 0;
	rig_barrier(&r);
	if (!wrong)
		rig_command(&r, 0x05 | (uint64_t)RIG_SID << 32, 1);
	assert_true(rig_sync(&r));
	hwram_allow(r.h->ram, pa, 4096, 0, 0);
	rig_touch(&r, RIG_SID, 0x1000, true);
	smmu3_rogue(r.s, RIG_SID, 0x1000, SMMU3_WRITE);
	hwhost_points(r.h, 20);
	return rig_close_with(&r, SMMU3_STRAY);
}

static void test_smmuv3_config_configuration_caches(void **state)
{
	(void)state;
	rig_both_ways(ste_without_cfgi, SEEDS);
	rig_both_ways(ste_without_sync, SEEDS);
	rig_both_ways(cd_without_cfgi, SEEDS);
}

static void test_smmuv3_config_torn_entries(void **state)
{
	(void)state;
	rig_both_ways(ste_torn, SEEDS);
	rig_both_ways(ste_valid_early, SEEDS);
}

/* What caches lead to is given back. */
static bool cd_freed_early(uint64_t seed, bool wrong)
{
	struct rig_s1 s1;
	struct rig r;

	rig_open(&r, seed);
	rig_attach_s1(&r, RIG_SID, 1, &s1);
	rig_touch(&r, RIG_SID, 0x1000, true);
	rig_va(&r, r.ste_pa + 64 * RIG_SID)[0] = 1;
	rig_barrier(&r);
	rig_cfgi_ste(&r, RIG_SID, true);
	if (!wrong)
		assert_true(rig_sync(&r));
	r.ops->pages_free(r.h, rig_va(&r, s1.cd_pa), s1.cd_pa, 4096);
	hwhost_points(r.h, 10);
	return rig_close_with(&r, SMMU3_FREED);
}

/* Two levels: a new descriptor needs an invalidation that is not of leaves alone (4.3.1). */
static bool two_levels(uint64_t seed, bool wrong)
{
	static const uint64_t abort_words[8] = { 1 };
	struct smmu3_config config;
	uint64_t *l1, l1_pa, l2_pa;
	enum smmu3_outcome outcome;
	struct rig r;

	smmu3_config_usual(&config);
	config.seed = seed;
	rig_init(&r, &config);
	l1 = rig_pages(&r, 4096, &l1_pa);
	rig_queues(&r);
	rig_write64(&r, 0x80, l1_pa);
	rig_write(&r, 0x88, 1 << 16 | 6 << 6 | 8);
	rig_invalidate_all(&r);
	rig_cr0(&r, 0xd);
	assert_int_equal(rig_touch(&r, RIG_SID, 0x1000, true), SMMU3_ABORTED);
	rig_pages(&r, 4096, &l2_pa);
	rig_entry(&r, l2_pa + 64 * RIG_SID, abort_words);
	l1[0] = l2_pa | 7;
	rig_barrier(&r);
	rig_cfgi_ste(&r, RIG_SID, wrong);
	assert_true(rig_sync(&r));
	outcome = rig_touch(&r, RIG_SID, 0x1000, true);
	assert_int_equal(outcome, SMMU3_ABORTED);
	wrong = smmu3_stats_get(r.s)->by_event[2] > 1;
	rig_close(&r);
	return wrong;
}

static void test_smmuv3_config_configuration_memory(void **state)
{
	(void)state;
	rig_both_ways(cd_freed_early, SEEDS);
	rig_both_ways(two_levels, SEEDS);
}

/* Entries that are valid and illegal: the event, and a finding. */
static void test_smmuv3_config_illegal_entries(void **state)
{
	static const struct { unsigned int word; uint64_t flip; } stes[] = {
		{ 2, 3ull << 46 },      /* S2TG reserved */
		{ 2, 1ull << 51 },      /* S2AA64 0 */
		{ 2, 1ull << 52 },      /* S2ENDI */
		{ 2, 1ull << 56 },      /* S2HA */
		{ 2, 1ull << 57 },      /* S2S */
		{ 2, 3ull << 38 },      /* S2SL0 */
		{ 2, 2ull << 48 },      /* S2PS reserved */
		{ 3, 1ull << 50 },      /* S2TTB */
		{ 3, 1ull << 3 },       /* S2DS, which there is not */
		{ 3, 1ull << 2 },       /* S2SL0_2, likewise */
	}, cds[] = {
		{ 0, 1ull << 41 },      /* AA64 0 */
		{ 0, 1ull << 15 },      /* ENDI */
		{ 0, 1ull << 43 },      /* HA */
		{ 0, 1ull << 44 },      /* S */
		{ 0, 1ull << 46 },      /* A 0 */
		{ 0, 3ull << 6 },       /* TG0 reserved */
		{ 0, 16 },              /* T0SZ 0 */
		{ 0, 2ull << 32 },      /* IPS reserved */
		{ 1, 1ull << 50 },      /* TTB0 */
		{ 2, 1ull << 58 },      /* DS, which there is not */
	};
	uint64_t words[8];
	struct rig_s1 s1;
	struct rig r;

	(void)state;
	for (unsigned int i = 0; i < sizeof(stes) / sizeof(stes[0]); i++) {
		rig_open(&r, i + 1);
		rig_ste_s2(words, rig_table(&r), 39, 1, 7);
		words[stes[i].word] ^= stes[i].flip;
		rig_ste_set(&r, RIG_SID, words);
		rig_touch(&r, RIG_SID, 0x1000, true);
		assert_int_equal(smmu3_stats_get(r.s)->by_event[4], 1);
		assert_int_not_equal(rig_close_with(&r, SMMU3_BAD_ENTRY), 0);
	}
	for (unsigned int i = 0; i < sizeof(cds) / sizeof(cds[0]); i++) {
		rig_open(&r, i + 1);
		rig_pages(&r, 4096, &s1.cd_pa);
		rig_cd(words, rig_table(&r), 1);
		words[cds[i].word] ^= cds[i].flip;
		rig_entry(&r, s1.cd_pa, words);
		rig_ste_s1(words, s1.cd_pa);
		rig_ste_set(&r, RIG_SID, words);
		rig_touch(&r, RIG_SID, 0x1000, true);
		assert_int_equal(smmu3_stats_get(r.s)->by_event[10], 1);
		assert_int_not_equal(rig_close_with(&r, SMMU3_BAD_ENTRY), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smmuv3_config_configuration_caches),
		cmocka_unit_test(test_smmuv3_config_torn_entries),
		cmocka_unit_test(test_smmuv3_config_configuration_memory),
		cmocka_unit_test(test_smmuv3_config_illegal_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
