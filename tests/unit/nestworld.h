// SPDX-License-Identifier: MIT
/*
 * Guests behind an SMMU of either version, by its driver's hardware layer on the hostile model:
 * descriptors and tables in their own memory, which stage 2 maps page by page. Rogue masters fire at
 * every point.
 */
#ifndef WEIR_TESTS_NESTWORLD_H
#define WEIR_TESTS_NESTWORLD_H

#include "smmukinds.h"
#include "testhost.h"

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

static inline uint64_t ipa_of(unsigned int page)
{
	return IPA + page * 4096ull;
}

static inline uint64_t va_of(unsigned int slot)
{
	return VA + slot * 4096ull;
}

static inline uint32_t asid_of(unsigned int set)
{
	return 7 + set;
}

static inline uint32_t sid_of(unsigned int stream)
{
	static const uint32_t ids[STREAMS] = { 0, 5, 0x41, 0x1f03 };

	return ids[stream];
}

static inline void check(struct world *x)
{
	testhost_check(x->host);
	if (x->kind->findings(x->model))
		fail_msg("%s, seed %llu: %s", x->kind->name, (unsigned long long)x->seed,
			 x->kind->first_finding(x->model));
}

static inline void expect(struct world *x, unsigned int stream, uint64_t iova, uint64_t want)
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

static inline uint64_t page_get(struct world *x)
{
	uint64_t pa;
	void *va;

	assert_int_equal(x->ops->pages_alloc(x->host, 4096, 4096, &va, &pa), 0);
	return pa;
}

static inline void page_put(struct world *x, uint64_t pa)
{
	hwram_allow(x->hw->ram, pa, 4096, 0, 0);
	x->ops->pages_free(x->host, hwram_va(x->hw->ram, pa, 4096), pa, 4096);
}

static inline void allow(struct world *x, const struct guest *g)
{
	for (unsigned int i = 0; i < PAGES; i++)
		if (g->pa[i])
			hwram_allow(x->hw->ram, g->pa[i], 4096, g->who, g->who);
}

static inline void give(struct world *x, struct guest *g, unsigned int page, uint64_t pa)
{
	g->pa[page] = pa;
	allow(x, g);
	assert_int_equal(weir_table_map(g->table, ipa_of(page), pa, 4096,
					WEIR_MAP_READ | WEIR_MAP_WRITE | WEIR_MAP_CACHED), 0);
}

/* Return: what was there, out of reach. */
static inline uint64_t take(struct world *x, struct guest *g, unsigned int page)
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

/* ---- the guest ---- */

static inline void store(struct world *x, struct guest *g, unsigned int page, unsigned int index,
		  uint64_t value)
{
	uint64_t *at = hwram_va(x->hw->ram, g->pa[page], 4096);

	at[index] = value;
	x->ops->dma_barrier(x->host);
	if (x->what & SMMU_NONCOHERENT)
		x->ops->cache_sync(x->host, g->pa[page] + 8ull * index, 8, WEIR_CACHE_CLEAN);
}

static inline void forget(struct world *x, struct guest *g, unsigned int set, enum weir_nested_scope scope,
		   unsigned int slot, unsigned int granule_lg2)
{
	const struct weir_nested_invalidation what = {
		.scope = scope, .asid = asid_of(set), .iova = va_of(slot), .bytes = 4096,
		.granule_lg2 = granule_lg2, .leaf = slot & 1,
	};

	assert_int_equal(x->kind->forget(g->nested[set], &what), 0);
}

/* Where its tables are; each guest has them elsewhere. */
static inline unsigned int root_of(const struct guest *g, unsigned int set)
{
	return TABLES + 3 * ((set + g->number) % SETS);
}

static inline unsigned int last_table(const struct guest *g, unsigned int set)
{
	return root_of(g, set) + 2;
}

/* A page of stage 1: not global, both may read and write, accessed. */
static inline void guest_map(struct world *x, struct guest *g, unsigned int set, unsigned int slot,
		      unsigned int page)
{
	g->slots[set][slot] = page;
	store(x, g, last_table(g, set), va_of(slot) >> 12 & 511, ipa_of(page) | 0xf43);
}

/* CD: 39 bits from level 1, pages of 4 KiB; valid, AArch64, faults recorded and aborted (5.4). */
static inline void validate_cd(struct world *x, struct guest *g, unsigned int set)
{
	store(x, g, CDS, 8 * set, 25 | 1ull << 30 | 1ull << 31 | 5ull << 32 | 1ull << 41 |
					  7ull << 45 | (uint64_t)asid_of(set) << 48);
}

static inline struct weir_nested context_of(const struct world *x, const struct guest *g, unsigned int set)
{
	struct weir_nested nested;

	x->kind->context(ipa_of(CDS) + 64 * set, ipa_of(root_of(g, set)), asid_of(set), &nested);
	return nested;
}

static inline void open_guest(struct world *x, struct guest *g)
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

static inline void close_guest(struct world *x, struct guest *g)
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

static inline void attach(struct world *x, unsigned int stream, unsigned int guest, int what)
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
static inline void verify(struct world *x)
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

static inline void aim(struct world *x)
{
	for (unsigned int i = 0; i < STREAMS; i++)
		x->kind->aim(x->model, x->rogues[i], hwrng_chance(&x->rng, 200)
						       ? va_of(hwrng_below(&x->rng, SLOTS))
						       : ipa_of(hwrng_below(&x->rng, PAGES)));
}

static inline void on_fault(void *arg, const struct weir_fault *fault)
{
	struct world *x = arg;

	if (fault->what)
		return;
	x->last = *fault;
	x->faults++;
}

static inline void open_machine(struct world *x)
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

static inline void open_world(struct world *x)
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

static inline void close_machine(struct world *x)
{
	x->kind->destroy(x->smmu);
	check(x);
	hwhost_points(x->hw, 50);
	check(x);
	x->host = testhost_destroy(x->host);
	x->hw = hwhost_destroy(x->hw);
}

static inline void close_world(struct world *x)
{
	for (unsigned int i = 0; i < STREAMS; i++)
		attach(x, i, 0, NOTHING);
	for (unsigned int i = 0; i < GUESTS; i++)
		close_guest(x, &x->guests[i]);
	close_machine(x);
}

static inline void begin(struct world *x, const struct smmu_kind *kind, uint64_t seed, unsigned int what)
{
	memset(x, 0, sizeof(*x));
	x->kind = kind;
	x->seed = seed;
	x->what = what;
}

#endif
