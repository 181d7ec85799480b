// SPDX-License-Identifier: MIT
/*
 * Commands (IHI 0070, chapter 4): what is legal, and what is to be dropped for it. What a
 * command drops may go at any moment after it was taken, and is gone when a CMD_SYNC
 * behind it was.
 */
#include "hw/smmuv3/priv.h"

static bool has(const struct smmu3 *s, uint32_t idr0)
{
	return (s->config.idr[0] & idr0) == idr0;
}

/* 4.1.1 and each command: CERROR_ILL where the feature is not there. */
static bool legal(const struct smmu3 *s, unsigned int opcode)
{
	switch (opcode) {
	case CMD_PREFETCH_CONFIG: case CMD_PREFETCH_ADDR: case CMD_CFGI_STE: case CMD_CFGI_STE_RANGE:
	case CMD_TLBI_NSNH_ALL:
		return true;
	case CMD_CFGI_CD: case CMD_CFGI_CD_ALL: case CMD_TLBI_NH_ALL: case CMD_TLBI_NH_ASID:
	case CMD_TLBI_NH_VA: case CMD_TLBI_NH_VAA:
		return has(s, SMMU3_IDR0_S1P);
	case CMD_TLBI_EL2_ALL: case CMD_TLBI_EL2_ASID: case CMD_TLBI_EL2_VA: case CMD_TLBI_EL2_VAA:
		return has(s, SMMU3_IDR0_HYP);
	case CMD_TLBI_S12_VMALL: case CMD_TLBI_S2_IPA:
		return has(s, SMMU3_IDR0_S2P);
	default:
		return false; /* ATC_INV, PRI_RESP, RESUME, STALL_TERM: neither ATS, PRI nor stalls */
	}
}

static bool by_address(unsigned int opcode)
{
	return opcode == CMD_TLBI_NH_VA || opcode == CMD_TLBI_NH_VAA || opcode == CMD_TLBI_EL2_VA ||
	       opcode == CMD_TLBI_EL2_VAA || opcode == CMD_TLBI_S2_IPA;
}

/* Bits of a command that have a meaning; others are reserved. */
static bool reserved_set(const struct smmu3 *s, unsigned int opcode, const uint64_t words[2])
{
	bool ril = s->config.idr[3] & SMMU3_IDR3_RIL;
	uint64_t known0 = 0xff, known1 = 0;

	switch (opcode) {
	case CMD_PREFETCH_CONFIG: case CMD_PREFETCH_ADDR: return false;
	case CMD_CFGI_STE: known0 |= 0xffffffffull << 32; known1 = 1; break;
	case CMD_CFGI_STE_RANGE: known0 |= 0xffffffffull << 32; known1 = 0x1f; break;
	case CMD_CFGI_CD: known0 |= ~0xfffull; known1 = 1; break;
	case CMD_CFGI_CD_ALL: known0 |= 0xffffffffull << 32; break;
	case CMD_TLBI_NH_ASID: known0 |= 0xffffffffull << 32; break;
	case CMD_TLBI_EL2_ASID: known0 |= 0xffffull << 48; break;
	case CMD_TLBI_NH_ALL: case CMD_TLBI_S12_VMALL: known0 |= 0xffffull << 32; break;
	case CMD_TLBI_EL2_ALL: case CMD_TLBI_NSNH_ALL: break;
	default:
		known0 |= (opcode == CMD_TLBI_NH_VA ? 0xffffffffull : opcode == CMD_TLBI_EL2_VA ?
			   0xffff0000ull : opcode == CMD_TLBI_EL2_VAA ? 0 : 0xffffull) << 32;
		known0 |= ril ? 0x01f1f000ull : 0;
		known1 = ~0xfffull | 1 | (ril ? 0xf00 : 0);
	}
	return (words[0] & ~known0) || (words[1] & ~known1);
}

/*
 * 4.4.1: the range of an invalidation by address, and its hints. False: what it says is reserved,
 * or its address does not fit its hint: nothing has to be dropped for it.
 */
static bool address_range(struct smmu3 *s, const uint64_t words[2], struct invalidation *inv)
{
	static const uint8_t granules[4] = { 0, 12, 14, 16 };
	unsigned int tg = granules[bits(words[1], 11, 10)], ttl = (unsigned int)bits(words[1], 9, 8);
	uint64_t num = bits(words[0], 16, 12), scale = bits(words[0], 24, 20);

	inv->first = inv->last = field(words[1], 63, 12);
	if (!(s->config.idr[3] & SMMU3_IDR3_RIL) || !tg) {
		if (tg || ttl || num || scale)
			smmu3_find_(s, SMMU3_BAD_COMMAND, "TTL, NUM or SCALE without %s",
				    tg ? "range invalidation" : "TG");
		return true;
	}
	inv->tg_lg2 = tg;
	inv->ttl = ttl;
	if (!num && !scale && !ttl) {
		smmu3_find_(s, SMMU3_BAD_COMMAND, "TG without TTL, NUM and SCALE");
		return false;
	}
	if (ttl == 1 && tg == 14) {
		smmu3_find_(s, SMMU3_BAD_COMMAND, "TTL 1 with pages of 16 KiB");
		return false;
	}
	inv->last = inv->first + (((num + 1) << scale) << tg) - 1;
	if (inv->first & ((1ull << (tg + (ttl ? 3 - ttl : 0) * (tg - 3))) - 1)) {
		smmu3_find_(s, SMMU3_BAD_COMMAND, "the address 0x%llx is not aligned to TTL %u",
			    (unsigned long long)inv->first, ttl);
		return false;
	}
	return true;
}

static void note(struct smmu3 *s, const struct invalidation *inv)
{
	if (s->nr_pending == INVALIDATIONS)
		smmu3_complete_(s, true); /* the SMMU may be early */
	s->pending[s->nr_pending++] = *inv;
}

unsigned int smmu3_command_(struct smmu3 *s, const uint64_t words[2])
{
	unsigned int opcode = (unsigned int)bits(words[0], 7, 0);
	struct invalidation inv = { .opcode = (uint8_t)opcode };

	if (!legal(s, opcode) || bit(words[0], 10)) {
		smmu3_find_(s, SMMU3_BAD_COMMAND, "illegal command 0x%016llx 0x%016llx",
			    (unsigned long long)words[0], (unsigned long long)words[1]);
		return CERROR_ILL;
	}
	if (reserved_set(s, opcode, words))
		smmu3_find_(s, SMMU3_BAD_COMMAND, "reserved bits in command 0x%016llx 0x%016llx",
			    (unsigned long long)words[0], (unsigned long long)words[1]);
	s->stats.by_opcode[opcode]++;
	if (opcode == CMD_PREFETCH_CONFIG || opcode == CMD_PREFETCH_ADDR)
		return CERROR_NONE;
	inv.sid = (uint32_t)bits(words[0], 63, 32);
	inv.vmid = has(s, SMMU3_IDR0_S2P) ? (uint32_t)bits(words[0], 47, 32) : 0;
	inv.asid = (uint32_t)bits(words[0], 63, 48);
	inv.range_lg2 = (unsigned int)bits(words[1], 4, 0) + 1;
	inv.leaf = bit(words[1], 0);
	if (!by_address(opcode) || address_range(s, words, &inv))
		note(s, &inv);
	return CERROR_NONE;
}

static void complete(struct smmu3 *s, const struct invalidation *inv)
{
	if (inv->opcode <= CMD_CFGI_VMS_PIDM) {
		smmu3_cfg_invalidate_(s, inv);
		if (inv->opcode == CMD_CFGI_STE_RANGE && inv->range_lg2 == 32)
			s->cfg_unknown = false;
	} else {
		smmu3_tlb_invalidate_(s, inv);
		smmu3_cfg_walks_(s, inv);
		if (inv->opcode == CMD_TLBI_NSNH_ALL)
			s->tlb_unknown = false;
	}
}

void smmu3_complete_(struct smmu3 *s, bool all)
{
	if (!all && s->nr_pending) {
		unsigned int i = hwrng_below(&s->rng, s->nr_pending);

		complete(s, &s->pending[i]);
		s->pending[i] = s->pending[--s->nr_pending];
		return;
	}
	for (unsigned int i = 0; i < s->nr_pending; i++)
		complete(s, &s->pending[i]);
	s->nr_pending = 0;
}
