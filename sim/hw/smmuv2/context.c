// SPDX-License-Identifier: MIT
/*
 * What a context bank says of a stage of translation: SMMU_CBARn, SMMU_CBA2Rn, and of the bank TCR,
 * TCR2 and TTBRn. What makes no sense is a finding, and a fault for the master.
 */
#include "hw/smmuv2/priv.h"

static bool nonsense(struct smmu2 *s, unsigned int bank, const char *what, uint64_t value)
{
	smmu2_find_(s, SMMU2_BAD_CONTEXT, "bank %u: %s (0x%llx)", bank, what, (unsigned long long)value);
	return false;
}

/* SMMU_CBn_TCR.TG0 and TG1: not encoded alike. */
static unsigned int granule_of(uint64_t tg, bool upper)
{
	static const uint8_t low[] = { 12, 16, 14, 0 }, high[] = { 0, 14, 12, 16 };

	return upper ? high[tg] : low[tg];
}

static bool has_granule(const struct smmu2 *s, unsigned int granule_lg2)
{
	switch (granule_lg2) {
	case 12: return s->config.idr2 & SMMU2_IDR2_4K;
	case 14: return s->config.idr2 & SMMU2_IDR2_16K;
	case 16: return s->config.idr2 & SMMU2_IDR2_64K;
	default: return false;
	}
}

static unsigned int level_of(unsigned int input_bits, unsigned int granule_lg2)
{
	return 4 - (input_bits - 4) / (granule_lg2 - 3);
}

/* Stage 1 of AArch64, SMMU_CBn_TCR and TCR2 as CBA2R.VA64 makes them. */
static bool stage1_64(struct smmu2 *s, unsigned int n, uint64_t in, struct s2_walk *w)
{
	const struct s2_bank *bank = &s->banks[n];
	bool upper = in >> 48, epd = bit2(bank->tcr, upper ? 23 : 7);
	unsigned int tsz = (unsigned int)(upper ? bits2(bank->tcr, 21, 16) : bits2(bank->tcr, 5, 0));

	if (epd)
		return false;
	w->granule_lg2 = granule_of(upper ? bits2(bank->tcr, 31, 30) : bits2(bank->tcr, 15, 14), upper);
	if (!has_granule(s, w->granule_lg2))
		return nonsense(s, n, "TCR.TG: no such page size", bank->tcr);
	if (tsz < 16 || tsz > 39)
		return nonsense(s, n, "TCR.TSZ: no such size", bank->tcr);
	w->input_bits = 64 - tsz;
	w->output_bits = size2_bits(bits2(bank->tcr2, 2, 0));
	if (!w->output_bits || w->output_bits > smmu2_oas_(s))
		return nonsense(s, n, "TCR2.PASize: no such size", bank->tcr2);
	w->start_level = level_of(w->input_bits, w->granule_lg2);
	w->base = field2(upper ? bank->ttbr1 : bank->ttbr0, 47, 4);
	if (upper)
		return !(~in >> w->input_bits);
	return !(in >> w->input_bits);
}

/* Stage 2 of AArch64. */
static bool stage2_64(struct smmu2 *s, unsigned int n, uint64_t in, struct s2_walk *w)
{
	const struct s2_bank *bank = &s->banks[n];
	unsigned int t0sz = (unsigned int)bits2(bank->tcr, 5, 0), sl0 = (unsigned int)bits2(bank->tcr, 7, 6);
	unsigned int top;

	w->granule_lg2 = granule_of(bits2(bank->tcr, 15, 14), false);
	if (!has_granule(s, w->granule_lg2))
		return nonsense(s, n, "TCR.TG0: no such page size", bank->tcr);
	w->output_bits = size2_bits(bits2(bank->tcr, 18, 16));
	if (!w->output_bits || w->output_bits > smmu2_oas_(s))
		return nonsense(s, n, "TCR.PASize: no such size", bank->tcr);
	if (t0sz < 16 || t0sz > 39 || sl0 == 3)
		return nonsense(s, n, "TCR.T0SZ, SL0: no such size", bank->tcr);
	w->input_bits = 64 - t0sz;
	w->start_level = (w->granule_lg2 == 12 ? 2 : 3) - sl0;
	/* The first table has at most 16 tables side by side, and more than one entry (DDI 0487, D8.2.2). */
	top = w->input_bits - w->granule_lg2 - (3 - w->start_level) * (w->granule_lg2 - 3);
	if (w->input_bits <= w->granule_lg2 + (3 - w->start_level) * (w->granule_lg2 - 3) ||
	    top > w->granule_lg2 - 3 + 4)
		return nonsense(s, n, "TCR.T0SZ, SL0: they do not go together", bank->tcr);
	w->base = field2(bank->ttbr0, 47, 4);
	return !(in >> w->input_bits);
}

/* Long descriptors of AArch32 (DDI 0406, B3.6): 32 bits in stage 1, up to 40 in stage 2. */
static bool long_32(struct smmu2 *s, unsigned int n, uint64_t in, struct s2_walk *w)
{
	const struct s2_bank *bank = &s->banks[n];
	int t0sz;

	w->granule_lg2 = 12;
	w->output_bits = smmu2_oas_(s) < 40 ? smmu2_oas_(s) : 40;
	w->base = field2(bank->ttbr0, 39, 4);
	if (!w->tag.stage2) {
		if (bits2(bank->tcr, 18, 16))
			return nonsense(s, n, "TCR.T1SZ of AArch32: not in this model", bank->tcr);
		w->input_bits = 32 - (unsigned int)bits2(bank->tcr, 2, 0);
		w->start_level = level_of(w->input_bits, 12);
		return !(in >> w->input_bits) && !bit2(bank->tcr, 7);
	}
	t0sz = (int)bits2(bank->tcr, 3, 0) - (bit2(bank->tcr, 4) ? 16 : 0);
	if (!bit2(bank->tcr, 31) || t0sz < -8 || t0sz > 7 || bit2(bank->tcr, 3) != bit2(bank->tcr, 4))
		return nonsense(s, n, "TCR.EAE, T0SZ, S: no such size", bank->tcr);
	w->input_bits = (unsigned int)(32 - t0sz);
	w->start_level = 2 - (unsigned int)bits2(bank->tcr, 7, 6);
	if (bits2(bank->tcr, 7, 6) > 1 || w->input_bits > (w->start_level == 1 ? 43 : 34) ||
	    (w->start_level == 1 && w->input_bits < 31))
		return nonsense(s, n, "TCR.SL0 does not go with T0SZ", bank->tcr);
	return !(in >> w->input_bits);
}

/* Short descriptors (DDI 0406, B3.5): SMMU_CBn_TCR.N, PD0, PD1. */
static bool short_32(const struct s2_bank *bank, uint64_t in, struct s2_walk *w)
{
	unsigned int n = (unsigned int)bits2(bank->tcr, 2, 0);
	bool upper = n && in >> (32 - n);

	w->shorts = true;
	w->granule_lg2 = 12;
	w->input_bits = upper ? 32 : 32 - n;
	w->output_bits = 40;
	w->start_level = 1;
	w->afe = bank->sctlr & SCTLR_AFE;
	w->base = upper ? field2(bank->ttbr1, 31, 14) : field2(bank->ttbr0, 31, 14 - n);
	return !(in >> 32) && !bit2(bank->tcr, upper ? 5 : 4);
}

bool smmu2_walk_of_(struct smmu2 *s, unsigned int n, uint64_t in, struct s2_walk *out_walk)
{
	const struct s2_bank *bank = &s->banks[n];
	bool stage2 = bits2(bank->cbar, 17, 16) == CBAR_S2, va64 = bit2(bank->cba2r, 0);

	*out_walk = (struct s2_walk){
		.bank = n,
		.tag = { .stage2 = stage2, .vmid = smmu2_vmid_(s, bank),
			 .asid = stage2 ? 0 : smmu2_asid_(bank) },
	};
	if (bank->sctlr & SCTLR_E)
		return nonsense(s, n, "SCTLR.E: tables are little-endian here", bank->sctlr);
	if (va64 && !bits2(s->config.idr2, 14, 12))
		return nonsense(s, n, "CBA2R.VA64: it walks no AArch64 tables", bank->cba2r);
	if (!va64 && bits2(s->config.idr0, 25, 24) >= 2)
		return nonsense(s, n, "CBA2R.VA64: it walks no AArch32 tables", bank->cba2r);
	if (va64)
		return stage2 ? stage2_64(s, n, in, out_walk) : stage1_64(s, n, in, out_walk);
	if (stage2 || bit2(bank->tcr, 31))
		return long_32(s, n, in, out_walk);
	if (s->config.idr0 & SMMU2_IDR0_NO_SHORT)
		return nonsense(s, n, "TCR.EAE: it walks no short descriptors", bank->tcr);
	return short_32(bank, in, out_walk);
}
