// SPDX-License-Identifier: MIT
/*
 * One stage of a translation (DDI 0487, D8.2 and D8.3, VMSAv8-64; D8.4 on permissions): from the
 * cached entry nearest to the leaf, or from the root.
 */
#include "hw/smmuv3/priv.h"

/* A walk on its way. */
struct step {
	const struct walk *walk;
	const struct walk *stage2;
	uint64_t in, table;
	int level;
	unsigned int perms;
	struct fault *fault;
};

static unsigned int shift_of(unsigned int granule_lg2, int level)
{
	return granule_lg2 + (unsigned int)(3 - level) * (granule_lg2 - 3);
}

static bool fail(struct step *t, uint32_t event)
{
	*t->fault = (struct fault){
		.event = event, .stage2 = t->walk->tag.stage2, .class = CLASS_IN, .ipa = t->in,
	};
	return false;
}

/* 64 bits of an entry of a table, which may be behind stage 2. */
static bool read_entry(struct smmu3 *s, struct step *t, uint64_t address, uint64_t *out_entry)
{
	struct tlb_entry leaf;

	if (t->stage2) {
		if (!smmu3_walk_(s, t->stage2, NULL, address, false, &leaf, t->fault)) {
			t->fault->class = CLASS_TTD;
			return false;
		}
		address = leaf.out + (address - leaf.in);
	}
	if (smmu3_fetch_(s, address, "an entry of a table", out_entry))
		return true;
	fail(t, EVT_F_WALK_EABT);
	t->fault->fetch_pa = address;
	t->fault->class = CLASS_TTD;
	return false;
}

static uint64_t address_of(const struct step *t, uint64_t entry, unsigned int low)
{
	uint64_t address = field(entry, 47, low);

	if (t->walk->granule_lg2 == 16)
		return address | bits(entry, 15, 12) << 48;
	if (t->walk->ds)
		return address | field(entry, 49, 48) | bits(entry, 9, 8) << 50;
	return address | field(entry, 51, 48); /* reserved: too large an address */
}

/* Follows an entry to the next table. */
static bool descend(struct smmu3 *s, struct step *t, uint64_t entry)
{
	unsigned int shift = shift_of(t->walk->granule_lg2, t->level);
	struct tlb_entry cached = {
		.kind = TLB_TABLE, .tag = t->walk->tag, .in = t->in >> shift << shift,
		.bytes = 1ull << shift, .out = address_of(t, entry, t->walk->granule_lg2),
		.level = t->level, .granule_lg2 = t->walk->granule_lg2, .ipa = t->stage2,
	};

	if (cached.out >> t->walk->output_bits)
		return fail(t, EVT_F_ADDR_SIZE);
	if (!t->walk->tag.stage2) {
		if (bit(entry, 61))
			t->perms &= ~(PERM_R | PERM_W);
		if (bit(entry, 62))
			t->perms &= ~(PERM_W | PERM_PW);
	}
	cached.perms = t->perms;
	t->table = cached.out;
	t->level++;
	smmu3_tlb_insert_(s, &cached);
	return true;
}

static unsigned int leaf_perms(const struct step *t, uint64_t entry)
{
	bool el0 = bit(entry, 6) || !t->walk->two_levels_priv, ro = bit(entry, 7);

	if (t->walk->tag.stage2)
		return (bit(entry, 6) ? PERM_R | PERM_PR : 0) |
		       (bit(entry, 7) ? PERM_W | PERM_PW : 0);
	return (PERM_PR | (ro ? 0 : PERM_PW) | (el0 ? PERM_R : 0) | (el0 && !ro ? PERM_W : 0)) &
	       t->perms;
}

/* How many entries a contiguous one stands for, as lg2 (D8.6.1). */
static unsigned int contiguous_lg2(unsigned int granule_lg2, int level)
{
	if (granule_lg2 == 14)
		return level == 3 ? 7 : 5;
	return granule_lg2 == 12 ? 4 : 5;
}

/* A contiguous entry may be kept as one for all of its group: those must say the same. */
static void widen(struct smmu3 *s, struct step *t, uint64_t entry, struct tlb_entry *leaf)
{
	unsigned int lg2 = contiguous_lg2(leaf->granule_lg2, t->level);
	uint64_t in = leaf->in & ~((leaf->bytes << lg2) - 1), one = leaf->bytes, other;
	uint64_t first = (leaf->in - in) / one, at = leaf->out - first * one;
	uint64_t same = ~0x0000fffffffff000ull; /* all but addresses */
	unsigned int shift = shift_of(leaf->granule_lg2, t->level);
	uint64_t index = (t->in & ((1ull << t->walk->input_bits) - 1)) >> shift;

	if (t->walk->ds)
		same &= ~0x0003000000000300ull;
	if (t->level < (leaf->granule_lg2 == 12 ? 1 : 2))
		smmu3_find_(s, SMMU3_BAD_TABLE, "0x%llx is contiguous at level %d",
			    (unsigned long long)leaf->in, t->level);
	if (t->level > t->walk->start_level)
		index &= (1ull << (leaf->granule_lg2 - 3)) - 1;
	if (at & ((one << lg2) - 1)) {
		smmu3_find_(s, SMMU3_BAD_TABLE, "0x%llx is contiguous and its output not aligned",
			    (unsigned long long)leaf->in);
		return;
	}
	/* With BBML 2 the hint may come and go, one entry after the other (D8.16.2). */
	if (bits(s->config.idr[3], 12, 11) == 2)
		same &= ~(1ull << 52);
	for (uint64_t i = 0; i < 1ull << lg2; i++) {
		struct fault ignored;
		struct step again = *t;

		again.fault = &ignored;
		if (!read_entry(s, &again, t->table + 8 * (index - first + i), &other))
			return;
		if (bit(other, 0) && (((other ^ entry) & same) ||
				      address_of(t, other, shift) != at + i * one))
			smmu3_find_(s, SMMU3_BAD_TABLE, "0x%llx is contiguous, its neighbour 0x%llx is 0x%llx",
				    (unsigned long long)entry, (unsigned long long)i,
				    (unsigned long long)other);
	}
	leaf->in = in;
	leaf->out = at;
	leaf->bytes = one << lg2;
}

static bool block_allowed(const struct smmu3 *s, const struct step *t)
{
	unsigned int g = t->walk->granule_lg2;

	if (t->level == 3)
		return true;
	if (g == 12)
		return t->level >= (t->walk->ds ? 0 : 1);
	return t->level == 2 || (t->walk->ds && t->level == 1) || (g == 16 && t->level == 1 && smmu3_oas_(s) == 52);
}

static bool arrive(struct smmu3 *s, struct step *t, uint64_t entry, struct tlb_entry *out_leaf)
{
	unsigned int g = t->walk->granule_lg2, shift = shift_of(g, t->level);
	struct tlb_entry leaf = {
		.kind = TLB_LEAF, .tag = t->walk->tag, .in = t->in >> shift << shift,
		.bytes = 1ull << shift, .out = address_of(t, entry, shift), .level = t->level,
		.granule_lg2 = g, .perms = leaf_perms(t, entry),
	};

	if (!block_allowed(s, t)) {
		smmu3_find_(s, SMMU3_BAD_TABLE, "a block at level %d: 0x%llx", t->level,
			    (unsigned long long)entry);
		return fail(t, EVT_F_TRANSLATION);
	}
	if (t->level < 3 && (field(entry, shift - 1, 17) || (g != 16 && field(entry, 15, 12))))
		smmu3_find_(s, SMMU3_BAD_TABLE, "a block that is not aligned: 0x%llx",
			    (unsigned long long)entry);
	if (leaf.out >> t->walk->output_bits)
		return fail(t, EVT_F_ADDR_SIZE);
	if (!bit(entry, 10) && !t->walk->no_access_fault)
		return fail(t, EVT_F_ACCESS);
	if (t->walk->tag.stage2)
		leaf.attributes = (uint32_t)(bits(entry, 5, 2) | bits(entry, 9, 8) << 8);
	else
		leaf.attributes = (uint32_t)(bits(t->walk->mair >> 8 * bits(entry, 4, 2), 7, 0) |
					     bits(entry, 9, 8) << 8);
	if (t->walk->ds)
		leaf.attributes = (leaf.attributes & 0xff) | t->walk->sh << 8;
	leaf.tag.global = !t->walk->tag.stage2 && (t->walk->tag.el2 || !bit(entry, 11));
	if (bit(entry, 52))
		widen(s, t, entry, &leaf);
	*out_leaf = leaf;
	/* nT keeps a block out of the TLB while its size changes (3.21.1, BBML 1). */
	if (!t->stage2 && !(t->level < 3 && bit(entry, 16) && bits(s->config.idr[3], 12, 11)))
		smmu3_tlb_insert_(s, &leaf);
	return true;
}

/* Where to start: at the root, or at a table that is remembered. */
static void start(struct smmu3 *s, struct step *t)
{
	const struct walk *w = t->walk;
	const struct tlb_entry *cached = smmu3_tlb_table_(s, &w->tag, t->in, w->granule_lg2);
	unsigned int root_lg2 = w->input_bits - shift_of(w->granule_lg2, w->start_level) + 3;

	t->level = w->start_level;
	t->table = w->base;
	t->perms = PERM_R | PERM_W | PERM_PR | PERM_PW;
	if (w->base & ((1ull << root_lg2) - 1))
		smmu3_find_(s, SMMU3_BAD_TABLE, "the first table 0x%llx is not aligned",
			    (unsigned long long)w->base);
	if (!cached || smmu3_chance_(s, s->config.unrest / 4))
		return;
	t->level = cached->level + 1;
	t->table = cached->out;
	t->perms = cached->perms;
}

bool smmu3_walk_(struct smmu3 *s, const struct walk *walk, const struct walk *stage2, uint64_t in,
		 bool fresh, struct tlb_entry *out_leaf, struct fault *out_fault)
{
	const struct tlb_entry *cached = fresh ? NULL : smmu3_tlb_find_(s, &walk->tag, in);
	struct step t = { .walk = walk, .stage2 = stage2, .in = in, .fault = out_fault };
	uint64_t entry, index;

	if (cached) {
		*out_leaf = *cached;
		return true;
	}
	s->stats.walks++;
	if (walk->tag.stage2 && in >> walk->input_bits)
		return fail(&t, EVT_F_TRANSLATION);
	for (start(s, &t);;) {
		index = (in & ((1ull << walk->input_bits) - 1)) >>
			shift_of(walk->granule_lg2, t.level);
		if (t.level > walk->start_level)
			index &= (1ull << (walk->granule_lg2 - 3)) - 1;
		if (!read_entry(s, &t, t.table + 8 * index, &entry))
			return false;
		if (!bit(entry, 0) || (t.level == 3 && !bit(entry, 1)))
			return fail(&t, EVT_F_TRANSLATION);
		if (t.level == 3 || !bit(entry, 1))
			return arrive(s, &t, entry, out_leaf);
		if (!descend(s, &t, entry))
			return false;
	}
}
