// SPDX-License-Identifier: MIT
/*
 * Changing a live stream table entry: for each change between kinds of entries, everything that
 * hardware can put together of words it reads at any moment is the old entry, the new one,
 * or aborts (Arm IHI 0070, 3.21.3). What an entry means is decided here, word by word.
 */
#include <string.h>

#include "cm.h"
#include "drivers/arm-smmu-v3/priv.h"

#define MAX_VALUES 8u

struct recorder {
	uint64_t old[8], want[8], memory[8];
	uint64_t values[8][MAX_VALUES]; /* of each word since the last flush */
	unsigned int nr_values[8];
	unsigned int flushes, fail_at;
	bool aborted;                   /* some reading of it does, though neither end does */
};

enum { ABORTS, OLD, NEW };

/* The words that matter: configuration 4 is bypass, 5 stage 1, 6 stage 2 (5.2). */
static unsigned int words_of(const uint64_t e[8])
{
	unsigned int config = e[0] >> 1 & 7;

	return !(e[0] & 1) || config < 4 ? 0 : config == 4 ? 2 : config == 5 ? 3 : 8;
}

static bool same(const uint64_t a[8], const uint64_t b[8])
{
	return words_of(a) == words_of(b) && !memcmp(a, b, words_of(a) * 8);
}

static int meaning(const struct recorder *r, const uint64_t e[8])
{
	if (!words_of(e))
		return ABORTS;
	if (same(e, r->old))
		return OLD;
	if (!same(e, r->want))
		fail_msg("an entry that was never meant: 0x%llx 0x%llx 0x%llx 0x%llx",
			 (unsigned long long)e[0], (unsigned long long)e[1],
			 (unsigned long long)e[2], (unsigned long long)e[3]);
	return NEW;
}

/* Every combination of what each word was. */
static void look(struct recorder *r)
{
	unsigned int at[8] = { 0 }, i;
	uint64_t e[8];

	do {
		for (i = 0; i < 8; i++)
			e[i] = r->values[i][at[i]];
		if (meaning(r, e) == ABORTS && words_of(r->old) && words_of(r->want))
			r->aborted = true;
		for (i = 0; i < 8 && ++at[i] == r->nr_values[i]; i++)
			at[i] = 0;
	} while (i < 8);
}

static void begin(struct recorder *r)
{
	for (unsigned int i = 0; i < 8; i++) {
		r->values[i][0] = r->memory[i];
		r->nr_values[i] = 1;
	}
}

static void store(void *arg, unsigned int word, uint64_t value)
{
	struct recorder *r = arg;

	assert_in_range(r->nr_values[word], 1, MAX_VALUES - 1);
	r->memory[word] = value;
	r->values[word][r->nr_values[word]++] = value;
}

static int flush(void *arg)
{
	struct recorder *r = arg;

	look(r);
	if (++r->flushes == r->fail_at)
		return WEIR_EIO;
	begin(r);
	return 0;
}

static const struct smmu_entry_ops ops = { .store = store, .flush = flush };

enum kind { INVALID, ABORT, BYPASS, S1, OTHER_S1, S2, OTHER_S2, KINDS };

static void make(enum kind kind, uint64_t out_entry[8])
{
	struct weir_smmu_v3_domain domain = {
		.stage2 = kind >= S2, .id = (uint16_t)(7 + kind),
		.tables = { .root_pa = 0x1000u * kind, .granule_lg2 = 12, .iova_bits = 39, .levels = 3,
			    .pa_bits = kind == OTHER_S2 ? 40 : 44, .coherent = true },
	};

	memset(out_entry, 0, 64);
	if (kind == ABORT)
		out_entry[0] = 1;
	else if (kind == BYPASS)
		weir_smmu_ste_bypass_(true, out_entry);
	else if (kind >= S1)
		weir_smmu_ste_domain_(&domain, true, kind < S2 ? 0x40000u + 64 * kind : 0, out_entry);
}

static void start(struct recorder *r, enum kind from, enum kind to, bool left_over)
{
	memset(r, 0, sizeof(*r));
	make(from, r->old);
	make(to, r->want);
	/* what an entry does not use may be anything: it was another one before */
	for (unsigned int i = words_of(r->old) ? words_of(r->old) : 1; i < 8 && left_over; i++)
		r->old[i] = 0xa5a5a5a5a5a5a5a5u;
	memcpy(r->memory, r->old, 64);
	begin(r);
}

static void test_smmuv3_entry_never_mixed(void **state)
{
	(void)state;
	for (int n = 0; n < KINDS * KINDS * 2; n++) {
		enum kind from = n / 2 % KINDS, to = n / 2 / KINDS;
		struct recorder r;

		start(&r, from, to, n & 1);
		assert_int_equal(weir_smmu_entry_write_(&ops, &r, r.old, r.want), 0);
		look(&r);
		assert_true(same(r.memory, r.want) || (!words_of(r.memory) && !words_of(r.want)));
		assert_in_range(r.flushes, 0, 3);
	}
}

/* Where one word decides, nothing is lost on the way. */
static void test_smmuv3_entry_hitless(void **state)
{
	static const struct {
		enum kind from, to;
	} changes[] = { { S1, OTHER_S1 }, { S1, BYPASS }, { BYPASS, S1 }, { BYPASS, S2 } };
	struct recorder r;

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		start(&r, changes[i].from, changes[i].to, false);
		assert_int_equal(weir_smmu_entry_write_(&ops, &r, r.old, r.want), 0);
		assert_false(r.aborted);
	}
	start(&r, S2, OTHER_S2, false); /* several words: there it has to be */
	assert_int_equal(weir_smmu_entry_write_(&ops, &r, r.old, r.want), 0);
	assert_true(r.aborted);
	for (enum kind from = INVALID; from < KINDS; from++) { /* blocking is one store */
		start(&r, from, INVALID, true);
		assert_int_equal(weir_smmu_entry_write_(&ops, &r, r.old, r.want), 0);
		assert_in_range(r.flushes, 0, 1);
	}
}

/* A flush that fails leaves the old entry, the new one, or one that aborts. */
static void test_smmuv3_entry_flush_fails(void **state)
{
	(void)state;
	for (int n = 0; n < KINDS * KINDS * 3; n++) {
		struct recorder r;
		int err;

		start(&r, n / 3 % KINDS, n / 3 / KINDS, true);
		r.fail_at = 1 + n % 3;
		err = weir_smmu_entry_write_(&ops, &r, r.old, r.want);
		assert_int_equal(err, r.flushes == r.fail_at ? WEIR_EIO : 0);
		look(&r);
	}
}

/*
 * Every bit of entries and descriptors, put together here once more from 5.2 and 5.4: of some, as those that
 * tell of faults, of walks' attributes, or that a stage aborts what faults, a model notices nothing.
 */
static void encodes(const struct weir_tables *tables, const uint64_t ste[8], const uint64_t cd[8])
{
	struct weir_smmu_v3_domain domain = {
		.tables = *tables, .stage2 = tables->format == WEIR_TABLE_ARM_S2, .id = 0x1234,
	};
	uint64_t got[8];

	weir_smmu_ste_domain_(&domain, tables->coherent, 0x5670c0, got);
	assert_memory_equal(got, ste, 64);
	weir_smmu_cd_(&domain, got);
	if (cd)
		assert_memory_equal(got, cd, 64);
}

static void test_smmuv3_entry_encodes(void **state)
{
	const uint64_t in_caches = 1ull << 2 | 1ull << 4 | 3ull << 6, not_in = 2ull << 6;
	const uint64_t incoming = 1ull << 44, s1 = 1 | 5 << 1 | 0x5670c0, s2 = 1 | 6 << 1;
	const uint64_t cd = 1ull << 30 | 1ull << 31 | 1ull << 41 | 7ull << 45 | 0x1234ull << 48;

	(void)state;
	encodes(&(struct weir_tables){ .format = WEIR_TABLE_ARM_S1, .granule_lg2 = 12, .iova_bits = 48,
				       .pa_bits = 44, .levels = 4, .coherent = true, .root_pa = 0x345000 },
		(const uint64_t[8]){ s1, incoming | in_caches },
		(const uint64_t[8]){ cd | 16 | 1 << 8 | 1 << 10 | 3 << 12 | 4ull << 32, 0x345000, 0,
				     0x04ff44 });
	encodes(&(struct weir_tables){ .format = WEIR_TABLE_ARM_S1, .granule_lg2 = 16, .iova_bits = 52,
				       .pa_bits = 52, .levels = 3, .root_pa = 0xf000000345000 },
		(const uint64_t[8]){ s1, incoming | not_in },
		(const uint64_t[8]){ cd | 12 | 1 << 6 | 2 << 12 | 6ull << 32, 0xf000000345000, 0,
				     0x04ff44 });
	encodes(&(struct weir_tables){ .format = WEIR_TABLE_ARM_S1, .granule_lg2 = 14, .iova_bits = 39,
				       .pa_bits = 52, .levels = 3, .coherent = true, .root_pa = 0x345000 },
		(const uint64_t[8]){ s1, incoming | in_caches },
		(const uint64_t[8]){ cd | 25 | 2 << 6 | 1 << 8 | 1 << 10 | 3 << 12 | 6ull << 32, 0x345000,
				     1ull << 58, 0x04ff44 });
	encodes(&(struct weir_tables){ .format = WEIR_TABLE_ARM_S2, .granule_lg2 = 12, .iova_bits = 40,
				       .pa_bits = 40, .levels = 3, .coherent = true, .root_pa = 0x346000 },
		(const uint64_t[8]){ s2, incoming | in_caches,
				     0x1234 | 24ull << 32 | 1ull << 38 | 5ull << 40 | 3ull << 44 |
				     2ull << 48 | 1ull << 51 | 1ull << 58, 0x346000 }, NULL);
	encodes(&(struct weir_tables){ .format = WEIR_TABLE_ARM_S2, .granule_lg2 = 14, .iova_bits = 52,
				       .pa_bits = 52, .levels = 4, .root_pa = 0x348000 },
		(const uint64_t[8]){ s2, incoming | not_in,
				     0x1234 | 12ull << 32 | 3ull << 38 | 2ull << 44 | 2ull << 46 |
				     6ull << 48 | 1ull << 51 | 1ull << 58, 0x348000 | 8 }, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smmuv3_entry_encodes),
		cmocka_unit_test(test_smmuv3_entry_never_mixed),
		cmocka_unit_test(test_smmuv3_entry_hitless),
		cmocka_unit_test(test_smmuv3_entry_flush_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
