// SPDX-License-Identifier: MIT
/*
 * One stage of a translation by long descriptors: VMSAv8-64 (DDI 0487, D8.3 and D8.4), and AArch32's
 * (DDI 0406, B3.6), which are laid out alike; from the cached entry nearest to the leaf, or from the root.
 */
#include "hw/smmuv2/priv.h"

/* A walk on its way. */
struct step {
	const struct s2_walk *walk, *stage2;
	uint64_t in, table;
	unsigned int level, perms;
	struct s2_fault *fault;
};

static unsigned int shift_of(const struct s2_walk *w, unsigned int level)
{
	return w->granule_lg2 + (3 - level) * (w->granule_lg2 - 3);
}

bool smmu2_fail_(const struct s2_walk *walk, uint32_t fsr, unsigned int level, uint64_t in,
		 struct s2_fault *out_fault)
{
	*out_fault = (struct s2_fault){
		.fsr = fsr, .bank = walk->bank, .level = level, .stage2 = walk->tag.stage2, .ipa = in,
	};
	return false;
}

static bool fail(const struct step *t, uint32_t fsr)
{
	return smmu2_fail_(t->walk, fsr, t->level, t->in, t->fault);
}

bool smmu2_entry_(struct smmu2 *s, const struct s2_walk *walk, const struct s2_walk *stage2,
		  uint64_t address, unsigned int level, void *out, size_t bytes,
		  struct s2_fault *out_fault)
{
	struct s2_entry leaf;

	if (stage2) {
		if (!smmu2_walk_(s, stage2, NULL, address, false, &leaf, out_fault)) {
			out_fault->walk = true;
			return false;
		}
		if (!(leaf.perms & S2_R)) {
			smmu2_fail_(stage2, FSR_PF, leaf.level, address, out_fault);
			out_fault->walk = true;
			return false;
		}
		address = leaf.out + (address - leaf.in);
	}
	return smmu2_fetch_(s, address, out, bytes) ? true
						    : smmu2_fail_(walk, FSR_EF, level, address, out_fault);
}

static uint64_t address_of(const struct step *t, uint64_t entry, unsigned int low)
{
	uint64_t high = bits2(entry, 51, 48); /* reserved: too large an address */

	return field2(entry, 47, low) | (t->walk->granule_lg2 == 16 ? 0 : high << 48);
}

/* Follows an entry to the next table. */
static bool descend(struct smmu2 *s, struct step *t, uint64_t entry)
{
	unsigned int shift = shift_of(t->walk, t->level);
	struct s2_entry cached = {
		.kind = S2_TABLE, .tag = t->walk->tag, .in = t->in >> shift << shift,
		.bytes = 1ull << shift, .out = address_of(t, entry, t->walk->granule_lg2),
		.level = t->level, .ipa = t->stage2,
	};

	if (cached.out >> t->walk->output_bits)
		return fail(t, FSR_TF);
	if (!t->walk->tag.stage2) {
		if (bit2(entry, 61))
			t->perms &= ~(S2_R | S2_W);
		if (bit2(entry, 62))
			t->perms &= ~(S2_W | S2_PW);
	}
	cached.perms = t->perms;
	t->table = cached.out;
	t->level++;
	smmu2_tlb_insert_(s, &cached);
	return true;
}

static unsigned int leaf_perms(const struct step *t, uint64_t entry)
{
	bool el0 = bit2(entry, 6), ro = bit2(entry, 7);

	if (t->walk->tag.stage2)
		return (bit2(entry, 6) ? S2_R | S2_PR : 0) | (bit2(entry, 7) ? S2_W | S2_PW : 0);
	return (S2_PR | (ro ? 0 : S2_PW) | (el0 ? S2_R : 0) | (el0 && !ro ? S2_W : 0)) & t->perms;
}

/* A group of contiguous entries may be kept as one (D8.7.1): those must say the same. */
static void widen(struct smmu2 *s, struct step *t, uint64_t entry, uint64_t index, struct s2_entry *leaf)
{
	unsigned int g = t->walk->granule_lg2;
	unsigned int lg2 = g == 12 ? 4 : g == 16 ? 5 : t->level == 3 ? 7 : 5;
	uint64_t one = leaf->bytes, in = leaf->in & ~((one << lg2) - 1), first = (leaf->in - in) / one;
	uint64_t at = leaf->out - first * one, other;
	unsigned int shift = shift_of(t->walk, t->level);

	if (at & ((one << lg2) - 1)) {
		smmu2_find_(s, SMMU2_BAD_TABLE, "0x%llx is contiguous and its output not aligned",
			    (unsigned long long)leaf->in);
		return;
	}
	for (uint64_t i = 0; i < 1ull << lg2; i++) {
		struct s2_fault ignored;

		if (!smmu2_entry_(s, t->walk, t->stage2, t->table + 8 * (index - first + i), t->level,
				  &other, 8, &ignored))
			return;
		if (bit2(other, 0) && (((other ^ entry) & ~0x0000fffffffff000ull) ||
				       address_of(t, other, shift) != at + i * one))
			smmu2_find_(s, SMMU2_BAD_TABLE, "0x%llx is contiguous, its neighbour is 0x%llx",
				    (unsigned long long)entry, (unsigned long long)other);
	}
	leaf->in = in;
	leaf->out = at;
	leaf->bytes = one << lg2;
}

static bool arrive(struct smmu2 *s, struct step *t, uint64_t entry, uint64_t index,
		   struct s2_entry *out_leaf)
{
	unsigned int g = t->walk->granule_lg2, shift = shift_of(t->walk, t->level);
	struct s2_entry leaf = {
		.kind = S2_LEAF, .tag = t->walk->tag, .in = t->in >> shift << shift,
		.bytes = 1ull << shift, .out = address_of(t, entry, shift), .level = t->level,
		.perms = leaf_perms(t, entry),
	};

	if (t->level < (g == 12 ? 1u : 2u)) {
		smmu2_find_(s, SMMU2_BAD_TABLE, "a block at level %u: 0x%llx", t->level,
			    (unsigned long long)entry);
		return fail(t, FSR_TF);
	}
	if (t->level < 3 && field2(entry, shift - 1, 12))
		smmu2_find_(s, SMMU2_BAD_TABLE, "a block that is not aligned: 0x%llx",
			    (unsigned long long)entry);
	if (leaf.out >> t->walk->output_bits)
		return fail(t, FSR_TF);
	if (!bit2(entry, 10))
		return fail(t, FSR_AFF);
	leaf.tag.global = !t->walk->tag.stage2 && !bit2(entry, 11);
	if (bit2(entry, 52))
		widen(s, t, entry, index, &leaf);
	*out_leaf = leaf;
	if (!t->stage2)
		smmu2_tlb_insert_(s, &leaf);
	return true;
}

/* Where to start: at the root, or at a table that is remembered. */
static void start(struct smmu2 *s, struct step *t)
{
	const struct s2_walk *w = t->walk;
	const struct s2_entry *cached = smmu2_tlb_table_(s, &w->tag, t->in);
	unsigned int root_lg2 = w->input_bits - shift_of(w, w->start_level) + 3;

	t->level = w->start_level;
	t->table = w->base;
	t->perms = S2_R | S2_W | S2_PR | S2_PW;
	if (w->base & ((1ull << root_lg2) - 1))
		smmu2_find_(s, SMMU2_BAD_TABLE, "the first table 0x%llx is not aligned",
			    (unsigned long long)w->base);
	if (!cached || smmu2_chance_(s, s->config.unrest / 4))
		return;
	t->level = cached->level + 1;
	t->table = cached->out;
	t->perms = cached->perms;
}

bool smmu2_walk_(struct smmu2 *s, const struct s2_walk *walk, const struct s2_walk *stage2,
		 uint64_t in, bool fresh, struct s2_entry *out_leaf, struct s2_fault *out_fault)
{
	const struct s2_entry *cached = fresh ? NULL : smmu2_tlb_find_(s, &walk->tag, in);
	struct step t = { .walk = walk, .stage2 = stage2, .in = in, .fault = out_fault };
	uint64_t entry, index;

	if (cached) {
		*out_leaf = *cached;
		return true;
	}
	s->stats.walks++;
	if (walk->shorts)
		return smmu2_walk_short_(s, walk, stage2, in, out_leaf, out_fault);
	for (start(s, &t);;) {
		index = (in & ((1ull << walk->input_bits) - 1)) >> shift_of(walk, t.level);
		if (t.level > walk->start_level)
			index &= (1ull << (walk->granule_lg2 - 3)) - 1;
		if (!smmu2_entry_(s, walk, stage2, t.table + 8 * index, t.level, &entry, 8, out_fault)) {
			if (!out_fault->walk) /* IPAFAR is what was asked for, not where its entry is */
				out_fault->ipa = in;
			return false;
		}
		if (!bit2(entry, 0) || (t.level == 3 && !bit2(entry, 1)))
			return fail(&t, FSR_TF);
		if (t.level == 3 || !bit2(entry, 1))
			return arrive(s, &t, entry, index, out_leaf);
		if (!descend(s, &t, entry))
			return false;
	}
}
