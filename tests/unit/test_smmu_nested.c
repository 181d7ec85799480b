// SPDX-License-Identifier: MIT
/*
 * Nested translation by the hardware layers of both SMMU drivers, on the hostile models: guests with
 * descriptors and tables in their own memory, which stage 2 maps page by page; guests change theirs, the
 * host changes stage 2 below them, streams move between all of it. Rogue masters fire at every
 * point, and nothing of a guest is ever reached by a stream that is not behind it.
 */
#include <stdlib.h>

#include "smmukinds.h"
#include "testhost.h"

#define SEEDS 10u /* runs of each test; WEIR_SEEDS=N: so many */
#define STEPS 60u
#define BASE 0x2b400000ull
#define LINE 100u
#define RAM (4u << 20)
#define STREAMS 4u
#define GUESTS 2u
#define IPA 0x40000000ull /* the guest's memory: */
#define CDS 0u            /* ... its descriptors, one for each set of tables */
#define SETS 2u
#define TABLES 1u         /* ... of each set: levels 1 to 3 */
#define DATA (TABLES + 3 * SETS)
#define PAGES (DATA + 8u)
#define VA 0x1234560000ull
#define SLOTS 6u

/* What a stream is behind, in a guest. */
enum { NOTHING = -1, PARENT = SETS };

struct guest {
	unsigned int number;
	struct weir_table *table;
	void *parent, *nested[SETS];   /* domains */
	uint64_t pa[PAGES];            /* 0: stage 2 has it not */
	unsigned int slots[SETS][SLOTS]; /* the page of each; 0: none */
	uint8_t who;                   /* streams behind it */
};

struct world {
	const struct smmu_kind *kind;
	uint64_t seed;
	unsigned int what;             /* SMMU_* */
	struct hwhost *hw;
	struct testhost *host;
	const struct weir_host_ops *ops;
	void *model, *smmu;
	unsigned int rogues[STREAMS], faults;
	struct guest guests[GUESTS];
	struct { unsigned int guest; int what; } at[STREAMS];
	struct hwrng rng;
	struct weir_fault last;
};

static uint64_t seeds(void)
{
	const char *given = getenv("WEIR_SEEDS");

	return given ? strtoull(given, NULL, 0) : SEEDS;
}

static uint64_t ipa_of(unsigned int page)
{
	return IPA + page * 4096ull;
}

static uint64_t va_of(unsigned int slot)
{
	return VA + slot * 4096ull;
}

static uint32_t asid_of(unsigned int set)
{
	return 7 + set;
}

static uint32_t sid_of(unsigned int stream)
{
	static const uint32_t ids[STREAMS] = { 0, 5, 0x41, 0x1f03 };

	return ids[stream];
}

static void check(struct world *x)
{
	testhost_check(x->host);
	if (x->kind->findings(x->model))
		fail_msg("%s, seed %llu: %s", x->kind->name, (unsigned long long)x->seed,
			 x->kind->first_finding(x->model));
}

static void expect(struct world *x, unsigned int stream, uint64_t iova, uint64_t want)
{
	uint64_t got = 0;

	if (!x->kind->reach(x->model, sid_of(stream), iova, &got))
		got = 0;
	if (got != want)
		fail_msg("%s, seed %llu: stream 0x%x at 0x%llx reaches 0x%llx, not 0x%llx",
			 x->kind->name, (unsigned long long)x->seed, sid_of(stream),
			 (unsigned long long)iova, (unsigned long long)got, (unsigned long long)want);
}

/* ---- the host: stage 2 ---- */

static uint64_t page_get(struct world *x)
{
	uint64_t pa;
	void *va;

	assert_int_equal(x->ops->pages_alloc(x->host, 4096, 4096, &va, &pa), 0);
	return pa;
}

static void page_put(struct world *x, uint64_t pa)
{
	hwram_allow(x->hw->ram, pa, 4096, 0, 0);
	x->ops->pages_free(x->host, hwram_va(x->hw->ram, pa, 4096), pa, 4096);
}

static void allow(struct world *x, const struct guest *g)
{
	for (unsigned int i = 0; i < PAGES; i++)
		if (g->pa[i])
			hwram_allow(x->hw->ram, g->pa[i], 4096, g->who, g->who);
}

static void give(struct world *x, struct guest *g, unsigned int page, uint64_t pa)
{
	g->pa[page] = pa;
	allow(x, g);
	assert_int_equal(weir_table_map(g->table, ipa_of(page), pa, 4096,
					WEIR_MAP_READ | WEIR_MAP_WRITE | WEIR_MAP_CACHED), 0);
}

/* Return: what was there, out of reach. */
static uint64_t take(struct world *x, struct guest *g, unsigned int page)
{
	struct weir_table_gather gather = { .unlink = hwrng_chance(&x->rng, 128) };
	uint64_t pa = g->pa[page];

	assert_int_equal(weir_table_unmap(g->table, ipa_of(page), 4096, &gather), 0);
	assert_int_equal(x->kind->invalidate(g->parent, &gather.what), 0);
	assert_int_equal(x->kind->sync(g->parent), 0);
	weir_table_release(g->table, &gather);
	hwram_allow(x->hw->ram, pa, 4096, 0, 0);
	g->pa[page] = 0;
	return pa;
}

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

/* ---- the guest ---- */

static void store(struct world *x, struct guest *g, unsigned int page, unsigned int index,
		  uint64_t value)
{
	uint64_t *at = hwram_va(x->hw->ram, g->pa[page], 4096);

	at[index] = value;
	x->ops->dma_barrier(x->host);
	if (x->what & SMMU_NONCOHERENT)
		x->ops->cache_sync(x->host, g->pa[page] + 8ull * index, 8, WEIR_CACHE_CLEAN);
}

static void forget(struct world *x, struct guest *g, unsigned int set, enum weir_nested_scope scope,
		   unsigned int slot, unsigned int granule_lg2)
{
	const struct weir_nested_invalidation what = {
		.scope = scope, .asid = asid_of(set), .iova = va_of(slot), .bytes = 4096,
		.granule_lg2 = granule_lg2, .leaf = slot & 1,
	};

	assert_int_equal(x->kind->forget(g->nested[set], &what), 0);
}

/* Where its tables are; each guest has them elsewhere. */
static unsigned int root_of(const struct guest *g, unsigned int set)
{
	return TABLES + 3 * ((set + g->number) % SETS);
}

static unsigned int last_table(const struct guest *g, unsigned int set)
{
	return root_of(g, set) + 2;
}

/* A page of stage 1: not global, both may read and write, accessed. */
static void guest_map(struct world *x, struct guest *g, unsigned int set, unsigned int slot,
		      unsigned int page)
{
	g->slots[set][slot] = page;
	store(x, g, last_table(g, set), va_of(slot) >> 12 & 511, ipa_of(page) | 0xf43);
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

/* CD: 39 bits from level 1, pages of 4 KiB; valid, AArch64, faults recorded and aborted (5.4). */
static void validate_cd(struct world *x, struct guest *g, unsigned int set)
{
	store(x, g, CDS, 8 * set, 25 | 1ull << 30 | 1ull << 31 | 5ull << 32 | 1ull << 41 |
					  7ull << 45 | (uint64_t)asid_of(set) << 48);
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

static struct weir_nested context_of(const struct world *x, const struct guest *g, unsigned int set)
{
	struct weir_nested nested;

	x->kind->context(ipa_of(CDS) + 64 * set, ipa_of(root_of(g, set)), asid_of(set), &nested);
	return nested;
}

static void open_guest(struct world *x, struct guest *g)
{
	struct weir_table_config config;
	struct weir_tables tables;

	memset(g, 0, sizeof(*g));
	g->number = (unsigned int)(g - x->guests);
	assert_int_equal(x->kind->stage2(x->smmu, &config), 0);
	config.iova_bits = 39;
	assert_int_equal(weir_table_create(x->ops, x->host, &config, &g->table), 0);
	weir_table_describe(g->table, &tables);
	assert_int_equal(x->kind->domain(x->smmu, &tables, &g->parent), 0);
	for (unsigned int i = 0; i < PAGES; i++)
		give(x, g, i, page_get(x));
	for (unsigned int set = 0; set < SETS; set++) {
		const struct weir_nested nested = context_of(x, g, set);
		unsigned int root = root_of(g, set);

		store(x, g, root, VA >> 30 & 511, ipa_of(root + 1) | 3);
		store(x, g, root + 1, VA >> 21 & 511, ipa_of(root + 2) | 3);
		store(x, g, CDS, 8 * set + 1, ipa_of(root));
		store(x, g, CDS, 8 * set + 3, 0x0444ff);
		validate_cd(x, g, set);
		assert_int_equal(x->kind->nest(g->parent, &nested, &g->nested[set]), 0);
	}
}

static void close_guest(struct world *x, struct guest *g)
{
	for (unsigned int set = 0; set < SETS; set++)
		x->kind->domain_end(g->nested[set]);
	x->kind->domain_end(g->parent);
	weir_table_destroy(g->table);
	for (unsigned int i = 0; i < PAGES; i++)
		if (g->pa[i])
			page_put(x, g->pa[i]);
}

/* ---- streams ---- */

static void attach(struct world *x, unsigned int stream, unsigned int guest, int what)
{
	struct guest *g = &x->guests[guest], *old = &x->guests[x->at[stream].guest];

	if (what != NOTHING) {
		g->who |= (uint8_t)(1u << stream);
		allow(x, g);
	}
	assert_int_equal(x->kind->attach(x->smmu, sid_of(stream), what == NOTHING ? NULL :
					 what == PARENT ? g->parent : g->nested[what]), 0);
	if (x->at[stream].what != NOTHING && (old != g || what == NOTHING)) {
		old->who &= (uint8_t)~(1u << stream);
		allow(x, old);
	}
	x->at[stream].guest = guest;
	x->at[stream].what = what;
}

/* Every stream sees what both stages say, and nothing else. */
static void verify(struct world *x)
{
	for (unsigned int s = 0; s < STREAMS; s++) {
		const struct guest *g = &x->guests[x->at[s].guest];
		int what = x->at[s].what;

		for (unsigned int slot = 0; slot < SLOTS; slot++) {
			unsigned int page = what >= 0 && what < (int)SETS ? g->slots[what][slot] : 0;

			expect(x, s, va_of(slot) + 8, page && g->pa[page] ? g->pa[page] + 8 : 0);
		}
		for (unsigned int page = 0; page < PAGES; page++)
			expect(x, s, ipa_of(page),
				  what == PARENT && g->pa[page] ? g->pa[page] : 0);
	}
	check(x);
}

static void aim(struct world *x)
{
	for (unsigned int i = 0; i < STREAMS; i++)
		x->kind->aim(x->model, x->rogues[i], hwrng_chance(&x->rng, 200)
						       ? va_of(hwrng_below(&x->rng, SLOTS))
						       : ipa_of(hwrng_below(&x->rng, PAGES)));
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

static void on_fault(void *arg, const struct weir_fault *fault)
{
	struct world *x = arg;

	if (fault->what)
		return;
	x->last = *fault;
	x->faults++;
}

static void open_machine(struct world *x)
{
	hwrng_init(&x->rng, x->seed);
	x->hw = hwhost_create(RAM, x->seed);
	x->hw->around_irq = testhost_interrupt;
	x->model = x->kind->model(x->hw, BASE, LINE, x->seed, x->what);
	x->host = testhost_create(hwhost_ops(x->hw), x->hw);
	x->ops = testhost_ops(x->host);
	assert_int_equal(x->kind->create(x->ops, x->host, BASE, LINE, x->what, on_fault, x,
					 &x->smmu), 0);
}

static void open_world(struct world *x)
{
	open_machine(x);
	for (unsigned int i = 0; i < STREAMS; i++) {
		x->kind->master(x->model, sid_of(i), (uint8_t)(1u << i));
		x->rogues[i] = x->kind->rogue(x->model, sid_of(i), va_of(i), i & 1);
		x->at[i].what = NOTHING;
	}
	for (unsigned int i = 0; i < GUESTS; i++)
		open_guest(x, &x->guests[i]);
	aim(x);
}

static void close_machine(struct world *x)
{
	x->kind->destroy(x->smmu);
	check(x);
	hwhost_points(x->hw, 50);
	check(x);
	x->host = testhost_destroy(x->host);
	x->hw = hwhost_destroy(x->hw);
}

static void close_world(struct world *x)
{
	for (unsigned int i = 0; i < STREAMS; i++)
		attach(x, i, 0, NOTHING);
	for (unsigned int i = 0; i < GUESTS; i++)
		close_guest(x, &x->guests[i]);
	close_machine(x);
}

static void begin(struct world *x, const struct smmu_kind *kind, uint64_t seed, unsigned int what)
{
	memset(x, 0, sizeof(*x));
	x->kind = kind;
	x->seed = seed;
	x->what = what;
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
static void test_smmu_nested_refused(void **state)
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

static void test_smmu_nested_bad_entries(void **state)
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

static void test_smmu_nested_bad_banks(void **state)
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
static void test_smmu_nested_substreams(void **state)
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
static void test_smmu_nested_faults(void **state)
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

/* A test for each kind. */
#define BOTH(test) \
	{ #test "_v3", test, NULL, NULL, (void *)(uintptr_t)&smmu_kind3 }, \
	{ #test "_v2", test, NULL, NULL, (void *)(uintptr_t)&smmu_kind2 }

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_smmu_nested_coherent),
		BOTH(test_smmu_nested_noncoherent),
		BOTH(test_smmu_nested_features),
		BOTH(test_smmu_nested_power),
		BOTH(test_smmu_nested_refused),
		BOTH(test_smmu_nested_faults),
		cmocka_unit_test(test_smmu_nested_bad_entries),
		cmocka_unit_test(test_smmu_nested_bad_banks),
		cmocka_unit_test(test_smmu_nested_substreams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
