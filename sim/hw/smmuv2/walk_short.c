// SPDX-License-Identifier: MIT
/*
 * Stage 1 by short descriptors (DDI 0406, B3.5.1): sections, supersections, large and small pages.
 * An SMMU has no domain access control: every domain is checked.
 */
#include "hw/smmuv2/priv.h"

struct step {
	const struct s2_walk *walk, *stage2;
	uint64_t in;
	unsigned int level;
	struct s2_fault *fault;
};

static bool fail(const struct step *t, uint32_t fsr)
{
	return smmu2_fail_(t->walk, fsr, t->level, t->in, t->fault);
}

/* B3.7.1: with SCTLR.AFE, AP[2:1] are the permissions and AP[0] is the access flag; else AP[2:0]. */
static unsigned int perms_of(const struct step *t, unsigned int ap)
{
	static const uint8_t all[8] = {
		0, S2_PR | S2_PW, S2_PR | S2_PW | S2_R, S2_PR | S2_PW | S2_R | S2_W,
		0, S2_PR, S2_PR | S2_R, S2_PR | S2_R,
	};
	static const uint8_t simple[4] = {
		S2_PR | S2_PW, S2_PR | S2_PW | S2_R | S2_W, S2_PR, S2_PR | S2_R,
	};

	return t->walk->afe ? simple[ap >> 1] : all[ap];
}

static bool arrive(struct smmu2 *s, const struct step *t, uint64_t out, unsigned int lg2,
		   unsigned int ap, bool global, struct s2_entry *out_leaf)
{
	struct s2_entry leaf = {
		.kind = S2_LEAF, .tag = t->walk->tag, .in = t->in >> lg2 << lg2, .bytes = 1ull << lg2,
		.out = out, .level = t->level, .perms = perms_of(t, ap),
	};

	if (!t->walk->afe && ap == 4)
		smmu2_find_(s, SMMU2_BAD_TABLE, "0x%llx: AP is 0b100, which is reserved",
			    (unsigned long long)t->in);
	if (out >> smmu2_oas_(s))
		return fail(t, FSR_TF);
	if (t->walk->afe && !(ap & 1))
		return fail(t, FSR_AFF);
	leaf.tag.global = global;
	*out_leaf = leaf;
	if (!t->stage2)
		smmu2_tlb_insert_(s, &leaf);
	return true;
}

static unsigned int ap_of(uint32_t entry, unsigned int high, unsigned int low)
{
	return (unsigned int)(bit2(entry, high) << 2 | bits2(entry, low + 1, low));
}

/* Entries of large pages and supersections stand 16 times, all alike. */
static bool repeated(struct smmu2 *s, const struct step *t, uint64_t address, uint32_t entry)
{
	for (uint64_t i = 0; i < 16; i++) {
		struct s2_fault ignored;
		uint32_t other;

		if (smmu2_entry_(s, t->walk, t->stage2, (address & ~0x3full) + 4 * i, t->level, &other, 4,
				 &ignored) && other != entry && other & 3) {
			smmu2_find_(s, SMMU2_BAD_TABLE, "0x%x stands not 16 times, there is 0x%x", entry,
				    other);
			return false;
		}
	}
	return true;
}

static bool section(struct smmu2 *s, const struct step *t, uint64_t address, uint32_t entry,
		    struct s2_entry *out_leaf)
{
	bool super = bit2(entry, 18);
	uint64_t out = super ? field2(entry, 31, 24) | bits2(entry, 23, 20) << 32 |
			       bits2(entry, 8, 5) << 36
			     : field2(entry, 31, 20);

	if (super)
		(void)repeated(s, t, address, entry);
	return arrive(s, t, out, super ? 24 : 20, ap_of(entry, 15, 10), !bit2(entry, 17), out_leaf);
}

/* @table: of the second level. */
static bool page(struct smmu2 *s, struct step *t, uint64_t table, struct s2_entry *out_leaf)
{
	uint64_t address = table + 4 * bits2(t->in, 19, 12);
	uint32_t entry;

	t->level = 2;
	if (!smmu2_entry_(s, t->walk, t->stage2, address, 2, &entry, 4, t->fault))
		return false;
	if (!bits2(entry, 1, 0))
		return fail(t, FSR_TF);
	if (!bit2(entry, 1)) {
		(void)repeated(s, t, address, entry);
		return arrive(s, t, field2(entry, 31, 16), 16, ap_of(entry, 9, 4), !bit2(entry, 11),
			      out_leaf);
	}
	return arrive(s, t, field2(entry, 31, 12), 12, ap_of(entry, 9, 4), !bit2(entry, 11), out_leaf);
}

bool smmu2_walk_short_(struct smmu2 *s, const struct s2_walk *walk, const struct s2_walk *stage2,
		       uint64_t in, struct s2_entry *out_leaf, struct s2_fault *out_fault)
{
	const struct s2_entry *cached = smmu2_tlb_table_(s, &walk->tag, in);
	struct step t = { .walk = walk, .stage2 = stage2, .in = in, .level = 1, .fault = out_fault };
	uint64_t address = walk->base + 4 * ((in & ((1ull << walk->input_bits) - 1)) >> 20);
	uint32_t entry;

	if (cached && !smmu2_chance_(s, s->config.unrest / 4))
		return page(s, &t, cached->out, out_leaf);
	if (!smmu2_entry_(s, walk, stage2, address, 1, &entry, 4, out_fault))
		return false;
	if (!bits2(entry, 1, 0))
		return fail(&t, FSR_TF);
	if (bit2(entry, 1))
		return section(s, &t, address, entry, out_leaf);
	smmu2_tlb_insert_(s, &(struct s2_entry){
		.kind = S2_TABLE, .tag = walk->tag, .in = in >> 20 << 20, .bytes = 1ull << 20,
		.out = field2(entry, 31, 10), .level = 1, .ipa = stage2,
	});
	return page(s, &t, field2(entry, 31, 10), out_leaf);
}
