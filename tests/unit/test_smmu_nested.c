// SPDX-License-Identifier: MIT
/*
 * Nested translation by the hardware layers of both SMMU drivers, on the hostile models: guests change their
 * descriptors and tables, the host changes stage 2 below them, streams move between all of it. Nothing
 * of a guest is ever reached by a stream that is not behind it.
 */
#include <stdlib.h>

#include "nestworld.h"

#define SEEDS 10u /* runs of each test; WEIR_SEEDS=N: so many */
#define STEPS 60u

static uint64_t seeds(void)
{
	const char *given = getenv("WEIR_SEEDS");

	return given ? strtoull(given, NULL, 0) : SEEDS;
}

/* ---- what happens ---- */

/* Whatever the page is for, the guest does not notice. */
static void move(struct world *x, struct guest *g, unsigned int page)
{
	uint64_t to = page_get(x), from = take(x, g, page);

	hwhost_points(x->hw, 5);
	memcpy(hwram_va(x->hw->ram, to, 4096), hwram_va(x->hw->ram, from, 4096), 4096);
	if (x->ops->cache_sync)
		x->ops->cache_sync(x->host, to, 4096, WEIR_CACHE_CLEAN);
	give(x, g, page, to);
	page_put(x, from);
}

static void guest_unmap(struct world *x, struct guest *g, unsigned int set, unsigned int slot)
{
	static const enum weir_nested_scope scopes[] = {
		WEIR_NESTED_RANGE, WEIR_NESTED_RANGE, WEIR_NESTED_ADDRESS, WEIR_NESTED_ASID,
		WEIR_NESTED_ALL,
	};

	store(x, g, last_table(g, set), va_of(slot) >> 12 & 511, 0);
	forget(x, g, set, scopes[hwrng_below(&x->rng, 5)], slot, hwrng_chance(&x->rng, 128) ? 12 : 0);
	g->slots[set][slot] = 0;
}

/* Another descriptor for the set: invalid in between. */
static void guest_rewrite(struct world *x, struct guest *g, unsigned int set)
{
	store(x, g, CDS, 8 * set, 0);
	forget(x, g, set, WEIR_NESTED_CONFIG, 0, 0);
	forget(x, g, set, WEIR_NESTED_ASID, 0, 0);
	store(x, g, CDS, 8 * set + 3, hwrng_chance(&x->rng, 128) ? 0x0444ff : 0x0444ee);
	forget(x, g, set, WEIR_NESTED_CONFIG, 0, 0);
	validate_cd(x, g, set);
	forget(x, g, set, WEIR_NESTED_CONFIG, 0, 0);
}

static void step(struct world *x)
{
	struct guest *g = &x->guests[hwrng_below(&x->rng, GUESTS)];
	unsigned int set = hwrng_below(&x->rng, SETS), slot = hwrng_below(&x->rng, SLOTS);
	unsigned int page = DATA + hwrng_below(&x->rng, PAGES - DATA);

	switch (hwrng_below(&x->rng, 10)) {
	case 0: case 1:
		attach(x, hwrng_below(&x->rng, STREAMS), (unsigned int)(g - x->guests),
		       (int)hwrng_below(&x->rng, SETS + 2) - 1);
		break;
	case 2:
		move(x, g, hwrng_below(&x->rng, DATA));
		break;
	case 3:
		guest_rewrite(x, g, set);
		break;
	case 4: case 5: case 6:
		if (g->pa[page])
			page_put(x, take(x, g, page));
		else
			give(x, g, page, page_get(x));
		break;
	default:
		if (g->slots[set][slot])
			guest_unmap(x, g, set, slot);
		else
			guest_map(x, g, set, slot, page);
	}
	aim(x);
}

static void life(const struct smmu_kind *kind, uint64_t seed, unsigned int what)
{
	struct world x;

	begin(&x, kind, seed, what);
	open_world(&x);
	for (unsigned int i = 0; i < STREAMS; i++)
		attach(&x, i, i % GUESTS, (int)(i / GUESTS % SETS));
	for (unsigned int i = 0; i < STEPS; i++) {
		step(&x);
		verify(&x);
	}
	assert_true(x.faults > 0);
	close_world(&x);
}

/* ---- tests ---- */

static void test_smmu_nested_coherent(void **state)
{
	for (uint64_t seed = 1; seed <= seeds(); seed++)
		life(*state, seed, 0);
}

static void test_smmu_nested_noncoherent(void **state)
{
	for (uint64_t seed = 1; seed <= seeds(); seed++)
		life(*state, seed, SMMU_NONCOHERENT);
}

/* Without ranges, or with stalls, which a guest does not get. */
static void test_smmu_nested_features(void **state)
{
	for (uint64_t seed = 1; seed <= seeds(); seed++)
		life(*state, seed, seed % 2 ? SMMU_PLAIN : SMMU_STALLS);
}

static void test_smmu_nested_power(void **state)
{
	struct world x;

	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		begin(&x, *state, seed, SMMU_DEAF);
		open_world(&x);
		for (unsigned int i = 0; i < 20; i++)
			step(&x);
		x.kind->suspend(x.smmu);
		for (unsigned int i = 0; i < STREAMS; i++)
			x.kind->rogue_stop(x.model, x.rogues[i]);
		x.kind->power(x.model, false);
		hwhost_points(x.hw, 20);
		x.kind->power(x.model, true);
		assert_int_equal(x.kind->resume(x.smmu), 0);
		for (unsigned int i = 0; i < STREAMS; i++) {
			x.rogues[i] = x.kind->rogue(x.model, sid_of(i), va_of(i), i & 1);
			attach(&x, i, x.at[i].guest, x.at[i].what);
		}
		verify(&x);
		close_world(&x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SMMU_BOTH(test_smmu_nested_coherent),
		SMMU_BOTH(test_smmu_nested_noncoherent),
		SMMU_BOTH(test_smmu_nested_features),
		SMMU_BOTH(test_smmu_nested_power),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
