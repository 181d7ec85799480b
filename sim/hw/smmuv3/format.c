// SPDX-License-Identifier: MIT
/*
 * What STEs and CDs must be (IHI 0070, 5.2 and 5.4; 5.2.2 and 5.4.1 on validity) and how the
 * tables are walked that they describe (DDI 0487, D8.2).
 */
#include <stddef.h>

#include "hw/smmuv3/priv.h"

static bool has(const struct smmu3 *s, uint32_t idr0)
{
	return (s->config.idr[0] & idr0) == idr0;
}

/* log2 of a granule: of TG0 and S2TG, or of TG1. 0: reserved, or not there. */
static unsigned int granule_lg2(const struct smmu3 *s, uint64_t tg, bool tg1)
{
	static const uint8_t tg0s[4] = { 12, 16, 14, 0 }, tg1s[4] = { 0, 14, 12, 16 };
	unsigned int lg2 = tg1 ? tg1s[tg & 3] : tg0s[tg & 3];
	uint32_t idr5 = s->config.idr[5];

	if ((lg2 == 12 && !(idr5 & SMMU3_IDR5_4K)) || (lg2 == 14 && !(idr5 & SMMU3_IDR5_16K)) ||
	    (lg2 == 16 && !(idr5 & SMMU3_IDR5_64K)))
		return 0;
	return lg2;
}

static unsigned int output_bits(const struct smmu3 *s, uint64_t ps, unsigned int granule, bool ds)
{
	unsigned int n = oas_bits((unsigned int)ps), oas = smmu3_oas_(s);

	if (n > oas)
		n = oas;
	return n > 48 && granule != 16 && !ds ? 48 : n;
}

/* S2DS, S2SL0_2 and S2SL0: the level at which stage 2 starts; 4: reserved (DDI 0487, D8.2.8, D8.2.9). */
static int s2_start(const uint64_t ste[8], unsigned int granule)
{
	unsigned int sl0 = (unsigned int)bits(ste[2], 39, 38);
	bool ds = bit(ste[3], 3);

	if (granule == 12 && ds && bit(ste[3], 2))
		return sl0 ? 4 : -1;
	if (granule == 12)
		return sl0 < 3 ? 2 - (int)sl0 : 4;
	return sl0 < 3 || (granule == 14 && ds) ? 3 - (int)sl0 : 4;
}

static const char *s2_illegal(const struct smmu3 *s, const uint64_t ste[8])
{
	unsigned int granule = granule_lg2(s, bits(ste[2], 47, 46), false), in, below;
	bool ds = bit(ste[3], 3);
	int level;

	if (!has(s, SMMU3_IDR0_S2P))
		return "stage 2, which IDR0 does not have";
	if (!bit(ste[2], 51))
		return "S2AA64 is 0";
	if (!granule)
		return "S2TG";
	if (!oas_bits((unsigned int)bits(ste[2], 50, 48)))
		return "S2PS";
	if (bit(ste[2], 52))
		return "S2ENDI is big-endian";
	if (bit(ste[2], 55) || bit(ste[2], 56))
		return "S2HA or S2HD without HTTU";
	if (bit(ste[2], 57) && has(s, SMMU3_IDR0_NO_STALL))
		return "S2S without stalls";
	if (bits(ste[2], 15, 8) && !has(s, SMMU3_IDR0_VMID16))
		return "S2VMID of 16 bits";
	if (bits(ste[3], 3, 2) && !(s->config.idr[5] & SMMU3_IDR5_DS))
		return "S2DS or S2SL0_2, which IDR5 does not have";
	if (ds && granule == 16)
		return "S2DS with 64 KiB";
	in = 64 - (unsigned int)bits(ste[2], 37, 32);
	level = s2_start(ste, granule);
	if (level > 3 || in > smmu3_oas_(s) || in < 25 || (in > 48 && granule != 16 && !ds))
		return "S2T0SZ or S2SL0";
	/* One to sixteen tables, one beside the other, at the first level. */
	below = granule + (granule - 3) * (unsigned int)(3 - level);
	if (in <= below || in > below + (granule - 3) + 4)
		return "S2SL0 does not fit S2T0SZ";
	if ((granule == 12 && level == 0 && smmu3_oas_(s) < 44) ||
	    (granule == 14 && level == 1 && smmu3_oas_(s) < 42) ||
	    (granule == 16 && level == 1 && smmu3_oas_(s) < 44))
		return "S2SL0 for more than there is";
	if (field(ste[3], 51, 4) >> output_bits(s, bits(ste[2], 50, 48), granule, ds))
		return "S2TTB";
	return NULL;
}

const char *smmu3_ste_illegal_(const struct smmu3 *s, const uint64_t ste[8])
{
	uint64_t config = bits(ste[0], 3, 1), cdmax = bits(ste[0], 63, 59);

	if (!bit(ste[0], 0))
		return "V is 0";
	if (!(config & 4))
		return NULL;
	if (config & 1) {
		if (!has(s, SMMU3_IDR0_S1P))
			return "stage 1, which IDR0 does not have";
		if (cdmax > bits(s->config.idr[1], 10, 6))
			return "S1CDMax";
		if (cdmax && (bits(ste[0], 5, 4) == 3 ||
			      (bits(ste[0], 5, 4) && !has(s, SMMU3_IDR0_CD2L))))
			return "S1Fmt";
		if (cdmax && bits(ste[1], 1, 0) == 3)
			return "S1DSS";
		if (config == STE_S1 && (bits(ste[1], 31, 30) == 1 || bits(ste[1], 31, 30) == 3 ||
					 (bits(ste[1], 31, 30) && !has(s, SMMU3_IDR0_HYP))))
			return "STRW";
		if (bit(ste[1], 27) && has(s, SMMU3_IDR0_NO_STALL))
			return "S1STALLD without stalls";
		if (field(ste[0], 51, 6) >> smmu3_oas_(s))
			return "S1ContextPtr";
	}
	return config & 2 ? s2_illegal(s, ste) : NULL;
}

uint64_t smmu3_ste_used_(const uint64_t ste[8], unsigned int word)
{
	uint64_t config = bits(ste[0], 3, 1);

	if (!bit(ste[0], 0))
		return word == 0 ? 1 : 0;
	if (!(config & 4))
		return word == 0 ? 0xf : 0;
	switch (word) {
	case 0: return config & 1 ? ~0ull : 0xf;
	case 1: return config & 1 ? ~0ull : ~0x0bffffffull;
	case 2: return config & 2 ? ~0ull : config & 1 ? 0xffff : 0;
	case 3: return config & 2 ? ~0ull : 0;
	default: return 0;
	}
}

/* One half of the addresses of a CD: TTB0's, or TTB1's. */
static const char *half_illegal(const struct smmu3 *s, const uint64_t cd[8], bool high)
{
	unsigned int tsz = (unsigned int)(high ? bits(cd[0], 21, 16) : bits(cd[0], 5, 0));
	unsigned int granule = granule_lg2(s, high ? bits(cd[0], 23, 22) : bits(cd[0], 7, 6), high);
	bool ds = bit(cd[2], 58);
	unsigned int least = s->config.idr[5] & SMMU3_IDR5_VA52 && (granule == 16 || ds) ? 12 : 16;
	uint64_t ttb = field(high ? cd[2] : cd[1], 51, 4);

	if (bit(cd[0], high ? 30 : 14))
		return NULL;
	if (!granule)
		return high ? "TG1" : "TG0";
	if (tsz < least || tsz > 39)
		return high ? "T1SZ" : "T0SZ";
	if (ttb >> output_bits(s, bits(cd[0], 34, 32), granule, ds && granule != 16))
		return high ? "TTB1" : "TTB0";
	return NULL;
}

const char *smmu3_cd_illegal_(const struct smmu3 *s, const uint64_t cd[8])
{
	const char *why;

	if (!bit(cd[0], 31))
		return "V is 0";
	if (!bit(cd[0], 41))
		return "AA64 is 0";
	if (bit(cd[0], 15))
		return "ENDI is big-endian";
	if (bit(cd[0], 42) || bit(cd[0], 43))
		return "HA or HD without HTTU";
	if (!oas_bits((unsigned int)bits(cd[0], 34, 32)))
		return "IPS";
	if (bit(cd[0], 44) && has(s, SMMU3_IDR0_NO_STALL))
		return "S without stalls";
	if (!bit(cd[0], 46) && has(s, SMMU3_IDR0_TERM))
		return "A is 0";
	if (bits(cd[0], 63, 56) && !has(s, SMMU3_IDR0_ASID16))
		return "ASID of 16 bits";
	if (bit(cd[2], 58) && !(s->config.idr[5] & SMMU3_IDR5_DS))
		return "DS, which IDR5 does not have";
	why = half_illegal(s, cd, false);
	return why ? why : half_illegal(s, cd, true);
}

uint64_t smmu3_cd_used_(const uint64_t cd[8], unsigned int word)
{
	if (!bit(cd[0], 31))
		return word == 0 ? 1ull << 31 : 0;
	switch (word) {
	case 1: return bit(cd[0], 14) ? 0 : ~0ull;
	case 2: return bit(cd[0], 30) ? 1ull << 58 : ~0ull;
	default: return word < 4 ? ~0ull : 0;
	}
}

static int s1_start(unsigned int in, unsigned int granule)
{
	unsigned int covered = granule + (granule - 3);
	int level = 3;

	for (; covered < in; covered += granule - 3)
		level--;
	return level;
}

void smmu3_walk_of_ste_(const struct smmu3 *s, const uint64_t ste[8], struct walk *out_walk)
{
	unsigned int granule = granule_lg2(s, bits(ste[2], 47, 46), false);

	*out_walk = (struct walk){
		.tag = { .stage2 = true, .vmid = (uint32_t)bits(ste[2], 15, 0) },
		.granule_lg2 = granule,
		.input_bits = 64 - (unsigned int)bits(ste[2], 37, 32),
		.start_level = s2_start(ste, granule),
		.ds = bit(ste[3], 3),
		.sh = (unsigned int)bits(ste[2], 45, 44),
		.base = field(ste[3], 51, 4),
		.output_bits = output_bits(s, bits(ste[2], 50, 48), granule, bit(ste[3], 3)),
		.no_access_fault = bit(ste[2], 53),
	};
}

bool smmu3_walk_of_cd_(const struct smmu3 *s, const uint64_t ste[8], const uint64_t cd[8],
		       uint64_t iova, struct walk *out_walk)
{
	bool high = bit(iova, 55), tbi = bit(cd[0], high ? 39 : 38);
	unsigned int tsz = (unsigned int)(high ? bits(cd[0], 21, 16) : bits(cd[0], 5, 0));
	unsigned int in = 64 - tsz, granule;
	uint64_t top = tbi ? bits(iova, 55, 0) >> in : iova >> in;
	uint64_t ones = tbi ? (1ull << (56 - in)) - 1 : (1ull << tsz) - 1;

	if (bit(cd[0], high ? 30 : 14) || top != (high ? ones : 0))
		return false;
	granule = granule_lg2(s, high ? bits(cd[0], 23, 22) : bits(cd[0], 7, 6), high);
	*out_walk = (struct walk){
		.tag = {
			.el2 = bits(ste[0], 3, 1) == STE_S1 && bits(ste[1], 31, 30) == STRW_EL2,
			.asid = (uint32_t)bits(cd[0], 63, 48),
		},
		.granule_lg2 = granule,
		.input_bits = in,
		.start_level = s1_start(in, granule),
		.ds = bit(cd[2], 58) && granule != 16,
		.sh = (unsigned int)(high ? bits(cd[0], 29, 28) : bits(cd[0], 13, 12)),
		.base = field(high ? cd[2] : cd[1], 51, 4),
		.output_bits = output_bits(s, bits(cd[0], 34, 32), granule, bit(cd[2], 58)),
		.no_access_fault = bit(cd[0], 35),
		.mair = cd[3],
	};
	out_walk->two_levels_priv = !out_walk->tag.el2;
	if (has(s, SMMU3_IDR0_S2P) && !out_walk->tag.el2)
		out_walk->tag.vmid = (uint32_t)bits(ste[2], 15, 0);
	return true;
}
