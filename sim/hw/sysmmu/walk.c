// SPDX-License-Identifier: MIT
/*
 * Tables of two levels and what is cached of them: versions 1 to 3 as ARMv7's short descriptors
 * (Arm DDI 0406C, B3.5.1), from 5 on with addresses shifted by 4 bits. Walks do not see the CPU's
 * caches.
 */
#include "hw/sysmmu/priv.h"

/* An entry as it was read: what it says, whatever the version. */
struct entry {
	enum { NOTHING, TABLE, SECTION, LARGE, SMALL } what;
	uint64_t pa;
	bool read, write;
};

static bool wide(const struct sysmmu *s)
{
	return s->config.major >= 5;
}

uint64_t sysmmu_root_(const struct sysmmu *s)
{
	return wide(s) ? (uint64_t)s->base << 12 : s->base;
}

static bool fetch(struct sysmmu *s, uint64_t pa, const char *what, uint32_t *out_word)
{
	uint8_t b[4];

	s->stats.fetches++;
	if (!hwram_read(s->ram, false, pa, b, 4))
		return false;
	if (!hwram_used(s->ram, pa, 4))
		sysmmu_find_(s, SYSMMU_FREED, "%s is fetched from 0x%llx, which was given back", what,
			     (unsigned long long)pa);
	*out_word = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
	return true;
}

/* ---- entries ---- */

/* Access rights of versions 1 to 3: AP[2] and AP[1:0], of which two values are used publicly. */
static void rights_of_ap(struct sysmmu *s, uint32_t word, bool ap2, uint32_t ap, struct entry *e)
{
	if (ap > 1)
		sysmmu_find_(s, SYSMMU_BAD_TABLE, "access rights of 0x%x", word);
	e->read = ap != 0;
	e->write = ap != 0 && !ap2;
}

static void rights(struct sysmmu *s, uint32_t word, unsigned int low, unsigned int ap2,
		   unsigned int ap, struct entry *e)
{
	if (!wide(s)) {
		rights_of_ap(s, word, word >> ap2 & 1, word >> ap & 3, e);
		return;
	}
	e->read = word >> low & 1;
	e->write = word >> low & 2;
}

static struct entry first_level(struct sysmmu *s, uint32_t word)
{
	uint64_t pa = wide(s) ? (uint64_t)word << 4 : word;
	struct entry e = { 0 };

	switch (word & 3) {
	case 1:
		e.what = TABLE;
		e.pa = pa & ~(uint64_t)(L2_BYTES - 1);
		break;
	case 2:
		e.what = SECTION;
		e.pa = pa & ~((1ull << MAPS_LG2) - 1);
		rights(s, word, 4, 15, 10, &e);
		if (!wide(s) && word >> 18 & 1)
			sysmmu_find_(s, SYSMMU_BAD_TABLE, "a supersection: 0x%x", word);
		break;
	case 3:
		sysmmu_find_(s, SYSMMU_BAD_TABLE, "a first-level entry 0x%x", word);
		break;
	}
	return e;
}

static struct entry second_level(struct sysmmu *s, uint32_t word)
{
	uint64_t pa = wide(s) ? (uint64_t)word << 4 : word;
	struct entry e = { 0 };

	if (!(word & 3))
		return e;
	e.what = word & 2 ? SMALL : LARGE;
	e.pa = pa & ~((1ull << (word & 2 ? SMALL_LG2 : LARGE_LG2)) - 1);
	rights(s, word, 2, 9, 4, &e);
	return e;
}

/* ---- caches ---- */

static bool covers(const struct cached *c, uint32_t iova)
{
	return iova - c->in < c->bytes;
}

static struct cached *find(struct sysmmu *s, enum kind kind, uint32_t iova)
{
	for (unsigned int i = 0; i < CACHED; i++)
		if (s->cache[i].kind == kind && covers(&s->cache[i], iova))
			return &s->cache[i];
	return NULL;
}

static void keep(struct sysmmu *s, const struct cached *new)
{
	struct cached *at = &s->cache[hwrng_below(&s->rng, CACHED)];

	for (unsigned int i = 0; i < CACHED; i++) {
		struct cached *c = &s->cache[i];

		if (c->kind == CACHED_NONE) {
			at = c;
		} else if (c->kind == CACHED_LEAF && new->kind == CACHED_LEAF &&
			   (covers(c, new->in) || covers(new, c->in))) {
			sysmmu_find_(s, SYSMMU_CONFLICT,
				     "0x%x (0x%x bytes) goes to 0x%llx, was 0x%llx (0x%x bytes at 0x%x)",
				     new->in, new->bytes, (unsigned long long)new->out,
				     (unsigned long long)c->out, c->bytes, c->in);
			return;
		}
	}
	*at = *new;
}

static bool keeps_first_level(const struct sysmmu *s)
{
	if (s->config.major == 3 && s->config.minor >= 2)
		return s->cfg & CFG_FLPD;
	return s->config.major >= 5; /* nothing says that they do not */
}

void sysmmu_drop_(struct sysmmu *s, uint32_t first, uint32_t last, bool sets)
{
	/* A walk under way may come back when nothing is blocked: then what it found stays. */
	bool sure = !sysmmu_on_(s) || s->blocked || s->held;

	for (unsigned int i = 0; i < CACHED; i++) {
		struct cached *c = &s->cache[i];
		uint32_t c_first = c->in >> SMALL_LG2, c_last = (c->in + (c->bytes - 1)) >> SMALL_LG2;

		if (c->kind == CACHED_NONE || c_last < first || c_first > last)
			continue;
		if (sets && c->kind == CACHED_LEAF && ((c->vpn ^ first) & 63))
			continue;
		if (c->kind == CACHED_LEAF && !sure && hwrng_chance(&s->rng, s->config.unrest))
			continue;
		c->kind = CACHED_NONE;
	}
}

/* ---- walks ---- */

static bool fail(enum fault fault, uint64_t pa, enum fault *out_fault, uint64_t *out_pa)
{
	*out_fault = fault;
	*out_pa = pa;
	return false;
}

/* Of the 16 entries of a large page none says something else. */
static void check_large(struct sysmmu *s, uint64_t at, uint32_t word)
{
	uint32_t other;

	at &= ~(uint64_t)63;
	for (unsigned int i = 0; i < 16; i++)
		if (fetch(s, at + 4 * i, "a second-level entry", &other) && other && other != word)
			sysmmu_find_(s, SYSMMU_BAD_TABLE, "a large page's entries are 0x%x and 0x%x",
				     word, other);
}

static struct cached leaf_of(const struct entry *e, uint32_t iova)
{
	unsigned int lg2 = e->what == SECTION ? MAPS_LG2 : e->what == LARGE ? LARGE_LG2 : SMALL_LG2;

	return (struct cached){
		.kind = CACHED_LEAF, .in = iova >> lg2 << lg2, .bytes = 1u << lg2,
		.vpn = iova >> SMALL_LG2, .out = e->pa, .read = e->read, .write = e->write,
	};
}

/* The first-level entry of an address, as it is cached or in memory. */
static bool first(struct sysmmu *s, uint32_t iova, struct entry *out_entry, uint64_t *out_at)
{
	struct cached *c = find(s, CACHED_TABLE, iova);
	struct cached new = { .in = iova >> MAPS_LG2 << MAPS_LG2, .bytes = 1u << MAPS_LG2,
			      .vpn = iova >> SMALL_LG2 };
	uint32_t word;

	if (c) {
		*out_entry = (struct entry){ .what = TABLE, .pa = c->out };
		return true;
	}
	if (find(s, CACHED_FAULT, iova)) {
		*out_entry = (struct entry){ 0 };
		return true;
	}
	*out_at = sysmmu_root_(s) + 4 * (uint64_t)(iova >> MAPS_LG2);
	if (!fetch(s, *out_at, "a first-level entry", &word))
		return false;
	*out_entry = first_level(s, word);
	if (!keeps_first_level(s))
		return true;
	new.out = out_entry->pa;
	if (out_entry->what == TABLE)
		new.kind = CACHED_TABLE;
	else if (out_entry->what == NOTHING && s->config.major == 3 && s->config.minor == 3)
		new.kind = CACHED_FAULT;
	if (new.kind != CACHED_NONE)
		keep(s, &new);
	return true;
}

static bool walk(struct sysmmu *s, uint32_t iova, struct cached *out_leaf, enum fault *out_fault,
		 uint64_t *out_pa)
{
	struct cached *c = find(s, CACHED_LEAF, iova);
	struct entry e;
	uint64_t at = 0;
	uint32_t word;

	if (c) {
		*out_leaf = *c;
		return true;
	}
	s->stats.walks++;
	if (!first(s, iova, &e, &at))
		return fail(FAULT_BUS, at, out_fault, out_pa);
	if (e.what == TABLE) {
		at = e.pa + 4 * (uint64_t)(iova >> SMALL_LG2 & 255);
		if (!fetch(s, at, "a second-level entry", &word))
			return fail(FAULT_BUS, at, out_fault, out_pa);
		e = second_level(s, word);
		if (e.what == LARGE)
			check_large(s, at, word);
	}
	if (e.what == NOTHING)
		return fail(FAULT_PAGE, 0, out_fault, out_pa);
	*out_leaf = leaf_of(&e, iova);
	keep(s, out_leaf);
	return true;
}

bool sysmmu_walk_(struct sysmmu *s, uint32_t iova, bool write, uint64_t *out_pa,
		  enum fault *out_fault)
{
	struct cached leaf;

	s->recent[s->nr_recent++ % RECENT] = iova;
	if (!walk(s, iova, &leaf, out_fault, out_pa))
		return false;
	if (s->cfg & CFG_EAP && !(write ? leaf.write : leaf.read))
		return fail(FAULT_ACCESS, 0, out_fault, out_pa);
	*out_pa = leaf.out + (iova - leaf.in);
	return true;
}

/* Walks that nobody asked for, near to what was accessed; faults of theirs are not told. */
void sysmmu_speculate_(struct sysmmu *s)
{
	uint32_t iova = s->recent[hwrng_below(&s->rng, RECENT)];
	struct cached leaf;
	enum fault fault;
	uint64_t pa;

	if (!s->nr_recent)
		return;
	switch (hwrng_below(&s->rng, 4)) {
	case 0: iova += 1u << SMALL_LG2; break;
	case 1: iova += 1u << MAPS_LG2; break; /* the next first-level entry [W] */
	default: break;
	}
	(void)walk(s, iova, &leaf, &fault, &pa);
}
