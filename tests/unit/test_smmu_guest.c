// SPDX-License-Identifier: MIT
/*
 * Nested translation by the hardware layers of both SMMU drivers: what of a guest's is refused, and what
 * faults tell. What it does otherwise is in test_smmu_nested.c.
 */
#include "nestworld.h"

/* ---- what is refused ---- */

static int try_nest(struct world *x, const struct weir_nested *nested)
{
	void *domain;

	return x->kind->nest(x->guests[0].parent, nested, &domain);
}

static int try_entry(struct world *x, uint64_t word0, uint64_t word1)
{
	const struct weir_nested nested = { .smmu_v3 = { { word0, word1 } } };

	return try_nest(x, &nested);
}

/* Stage 1 behind stage 1; an SMMU that has not both. */
static void test_smmu_guest_refused(void **state)
{
	struct weir_nested nested;
	void *domain = NULL;
	struct world x;

	begin(&x, *state, 1, 0);
	open_world(&x);
	nested = context_of(&x, &x.guests[0], 0);
	assert_int_equal(x.kind->nest(x.guests[0].nested[0], &nested, &domain), WEIR_EINVAL);
	close_world(&x);
	begin(&x, *state, 2, SMMU_NO_NESTED);
	open_machine(&x);
	if (x.kind->deep) {
		struct weir_table_config config;

		assert_int_equal(x.kind->stage2(x.smmu, &config), WEIR_EOPNOTSUPP);
	} else {
		struct weir_tables tables = {
			.format = WEIR_TABLE_ARM_S2, .root_pa = x.hw->ram->base, .granule_lg2 = 12,
			.iova_bits = 39, .pa_bits = 40, .levels = 3, .coherent = true,
		};
		void *parent;

		assert_int_equal(x.kind->domain(x.smmu, &tables, &parent), 0);
		assert_int_equal(x.kind->nest(parent, &nested, &domain), WEIR_EOPNOTSUPP);
		assert_non_null(strstr(hwhost_log_take(x.hw), "IDR0.NTS"));
		x.kind->domain_end(parent);
	}
	close_machine(&x);
}

static void test_smmu_guest_bad_entries(void **state)
{
	struct world x;
	uint64_t good;

	(void)state;
	begin(&x, &smmu_kind3, 1, 0);
	open_world(&x);
	good = context_of(&x, &x.guests[0], 0).smmu_v3.ste[0];
	assert_int_equal(try_entry(&x, good & ~1ull, 0), WEIR_EINVAL);
	assert_int_equal(try_entry(&x, (good & ~0xeull) | 4 << 1, 0), WEIR_EINVAL); /* bypass */
	assert_int_equal(try_entry(&x, (good & ~0xeull) | 7 << 1, 0), WEIR_EINVAL); /* its own stage 2 */
	assert_int_equal(try_entry(&x, good | 1ull << 63, 0), WEIR_EINVAL);         /* S1CDMax */
	assert_int_equal(try_entry(&x, good | 1ull << 52, 0), WEIR_EINVAL);         /* reserved */
	assert_int_equal(try_entry(&x, good | 1ull << 50, 0), WEIR_EINVAL); /* beyond its memory */
	assert_int_equal(try_entry(&x, good, 1ull << 28), WEIR_EINVAL);             /* EATS */
	close_world(&x);
}

static void test_smmu_guest_bad_banks(void **state)
{
	struct weir_nested good, bad;
	struct world x;

	(void)state;
	begin(&x, &smmu_kind2, 1, 0);
	open_world(&x);
	good = context_of(&x, &x.guests[0], 0);
	bad = good;
	bad.smmu_v2.sctlr = 0;
	assert_int_equal(try_nest(&x, &bad), WEIR_EINVAL);
	bad.smmu_v2.sctlr = 1 | 1u << 4; /* E */
	assert_int_equal(try_nest(&x, &bad), WEIR_EINVAL);
	bad = good;
	bad.smmu_v2.tcr |= 3u << 14; /* TG0 */
	assert_int_equal(try_nest(&x, &bad), WEIR_EINVAL);
	bad = good;
	bad.smmu_v2.tcr &= ~0x3fu; /* T0SZ */
	assert_int_equal(try_nest(&x, &bad), WEIR_EINVAL);
	bad = good;
	bad.smmu_v2.tcr &= ~(1u << 23); /* EPD1, with a TG1 that is reserved */
	assert_int_equal(try_nest(&x, &bad), WEIR_EINVAL);
	bad = good;
	bad.smmu_v2.tcr2 = 6; /* PASize */
	assert_int_equal(try_nest(&x, &bad), WEIR_EINVAL);
	close_world(&x);
}

/* Substreams that the SMMU has. */
static void test_smmu_guest_substreams(void **state)
{
	struct weir_nested nested;
	struct world x;
	uint64_t good;

	(void)state;
	begin(&x, &smmu_kind3, 3, SMMU_SUBSTREAMS);
	open_world(&x);
	nested = context_of(&x, &x.guests[0], 0);
	good = nested.smmu_v3.ste[0];
	assert_int_equal(try_entry(&x, good | 5ull << 59, 2), WEIR_EINVAL);
	assert_int_equal(try_entry(&x, good | 1ull << 59, 3), WEIR_EINVAL); /* S1DSS */
	assert_int_equal(try_entry(&x, good | 1ull << 59 | 3 << 4, 2), WEIR_EINVAL); /* S1Fmt */
	nested.smmu_v3.ste[0] |= 1ull << 59;
	nested.smmu_v3.ste[1] = 2;
	x.kind->domain_end(x.guests[0].nested[0]);
	assert_int_equal(x.kind->nest(x.guests[0].parent, &nested, &x.guests[0].nested[0]), 0);
	guest_map(&x, &x.guests[0], 0, 1, DATA);
	attach(&x, 0, 0, 0);
	verify(&x);
	close_world(&x);
}

/* ---- faults ---- */

static void calm(struct world *x)
{
	for (unsigned int i = 0; i < 200; i++) {
		hwhost_points(x->hw, 5);
		x->kind->poll(x->smmu);
	}
}

static void expect_fault(struct world *x, unsigned int slot, uint32_t flags, uint64_t ipa)
{
	calm(x);
	x->last = (struct weir_fault){ 0 };
	expect(x, 0, va_of(slot), 0);
	calm(x);
	assert_int_equal(x->last.stream, sid_of(0));
	assert_int_equal(x->last.iova, va_of(slot));
	assert_int_equal(x->last.reason, WEIR_FAULT_UNMAPPED);
	assert_int_equal(x->last.flags, WEIR_FAULT_READ | flags);
	assert_int_equal(x->last.ipa, ipa);
}

/* Which stage refused, and what for. */
static void test_smmu_guest_faults(void **state)
{
	struct guest *g;
	struct world x;

	begin(&x, *state, 4, 0);
	open_world(&x);
	for (unsigned int i = 0; i < STREAMS; i++)
		x.kind->rogue_stop(x.model, x.rogues[i]);
	g = &x.guests[0];
	attach(&x, 0, 0, 0);
	guest_map(&x, g, 0, 0, DATA);
	expect(&x, 0, va_of(0), g->pa[DATA]);
	expect_fault(&x, 1, 0, 0);
	page_put(&x, take(&x, g, DATA));
	expect_fault(&x, 0, WEIR_FAULT_STAGE2, ipa_of(DATA));
	page_put(&x, take(&x, g, last_table(g, 0)));
	expect_fault(&x, 0, WEIR_FAULT_STAGE2 | WEIR_FAULT_WALK, ipa_of(last_table(g, 0)));
	if (x.kind->deep) {
		page_put(&x, take(&x, g, CDS));
		forget(&x, g, 0, WEIR_NESTED_CONFIG, 0, 0);
		expect_fault(&x, 0, WEIR_FAULT_STAGE2 | WEIR_FAULT_WALK, ipa_of(CDS));
	}
	close_world(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SMMU_BOTH(test_smmu_guest_refused),
		SMMU_BOTH(test_smmu_guest_faults),
		cmocka_unit_test(test_smmu_guest_bad_entries),
		cmocka_unit_test(test_smmu_guest_bad_banks),
		cmocka_unit_test(test_smmu_guest_substreams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
