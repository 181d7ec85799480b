// SPDX-License-Identifier: MIT
/*
 * Registers: where they are (IHI 0062, "SMMU address space"), what they take, and what is asked for by
 * writing them. A write that the register does not take is a finding and is dropped.
 */
#include <string.h>

#include "hw/smmuv2/priv.h"


void smmu2_reset_(struct smmu2 *s)
{
	memset(s->smr, 0, sizeof(s->smr));
	memset(s->s2cr, 0, sizeof(s->s2cr));
	memset(s->banks, 0, sizeof(s->banks));
	for (unsigned int i = 0; i < SMMU2_BANKS && s->config.mmu500; i++)
		s->banks[i].actlr = 0x3;
	s->scr0 = SCR0_CLIENTPD;
	s->sacr = s->config.mmu500 ? SACR_CACHE_LOCK : 0;
	s->gfsr = s->gfsynr0 = s->gfsynr1 = 0;
	s->gfar = 0;
	s->gsync = false;
	s->nr_pending = 0;
	/* What is cached is unknown after reset. */
	s->tlb_unknown = true;
}

uint32_t smmu2_vmid_(const struct smmu2 *s, const struct s2_bank *bank)
{
	return (uint32_t)(s->scr0 & SCR0_VMID16EN ? bits2(bank->cba2r, 31, 16) : bits2(bank->cbar, 7, 0));
}

/* SMMU_CBn_TCR.EAE, A1; SMMU_CBn_TCR2.AS; SMMU_CBn_CONTEXTIDR.ASID */
uint32_t smmu2_asid_(const struct s2_bank *bank)
{
	uint64_t ttbr = bit2(bank->tcr, 22) ? bank->ttbr1 : bank->ttbr0;

	if (bit2(bank->cba2r, 0))
		return (uint32_t)(bit2(bank->tcr2, 4) ? bits2(ttbr, 63, 48) : bits2(ttbr, 55, 48));
	return (uint32_t)(bit2(bank->tcr, 31) ? bits2(ttbr, 55, 48) : bits2(bank->contextidr, 7, 0));
}

static uint64_t page_bytes(const struct smmu2 *s)
{
	return bit2(s->config.idr1, 31) ? 0x10000 : 0x1000;
}

static void bad(struct smmu2 *s, uint64_t offset, uint64_t value, const char *why)
{
	smmu2_find_(s, SMMU2_BAD_REGISTER, "0x%llx is written to 0x%llx: %s", (unsigned long long)value,
		    (unsigned long long)offset, why);
}

/* ---- global register space 0 ---- */

static uint32_t read_global0(const struct smmu2 *s, uint64_t at)
{
	if (at >= GR0_SMR && at < GR0_SMR + 4 * SMMU2_SMRS)
		return s->config.idr0 & SMMU2_IDR0_SMS ? s->smr[(at - GR0_SMR) / 4] : 0;
	if (at >= GR0_S2CR && at < GR0_S2CR + 4 * SMMU2_SMRS)
		return s->s2cr[(at - GR0_S2CR) / 4];
	switch (at) {
	case GR0_sCR0: return s->scr0;
	case GR0_sACR: return s->sacr;
	case GR0_IDR0: return s->idr[0];
	case GR0_IDR1: return s->idr[1];
	case GR0_IDR2: return s->idr[2];
	case GR0_IDR7: return s->config.mmu500 ? 0x24 : 0; /* the implementation's revision: r2p4 */
	case GR0_GFAR: return (uint32_t)s->gfar;
	case GR0_GFAR + 4: return (uint32_t)(s->gfar >> 32);
	case GR0_GFSR: return s->gfsr;
	case GR0_GFSYNR0: return s->gfsynr0;
	case GR0_GFSYNR1: return s->gfsynr1;
	case GR0_sTLBGSTATUS: return s->gsync;
	default: return 0;
	}
}

/* Ids that both match: a stream that has one of them matches twice. */
static bool both_match(const struct smmu2 *s, uint32_t a, uint32_t b)
{
	unsigned int hi = s->scr0 & SCR0_EXIDENABLE ? 15 : 14;
	uint64_t care = ~(bits2(a, 16 + hi, 16) | bits2(b, 16 + hi, 16)) & ((2u << hi) - 1);

	return !((a ^ b) & care);
}

static bool is_valid(const struct smmu2 *s, unsigned int n)
{
	return s->scr0 & SCR0_EXIDENABLE ? bit2(s->s2cr[n], S2CR_EXIDVALID_AT) : bit2(s->smr[n], 31);
}

static void check_match(struct smmu2 *s, unsigned int n)
{
	if (!(s->config.idr0 & SMMU2_IDR0_SMS) || !is_valid(s, n))
		return;
	for (unsigned int i = 0; i < smmu2_nr_smrs_(s); i++)
		if (i != n && is_valid(s, i) && both_match(s, s->smr[i], s->smr[n]))
			smmu2_find_(s, SMMU2_MATCH_CONFLICT,
				    "SMR %u (0x%x) and SMR %u (0x%x) match the same stream", n, s->smr[n],
				    i, s->smr[i]);
}

static void write_smr(struct smmu2 *s, uint64_t at, unsigned int n, uint32_t value)
{
	unsigned int sidb = (unsigned int)bits2(s->config.idr0, 12, 9);

	if (n >= smmu2_nr_smrs_(s) || !(s->config.idr0 & SMMU2_IDR0_SMS)) {
		bad(s, at, value, "there is no such SMR");
		return;
	}
	/* Bits that no id has read as zero, in the mask too. */
	if (!(s->scr0 & SCR0_EXIDENABLE) && sidb < 15)
		value &= 1u << 31 | ((1u << sidb) - 1) << 16 | ((1u << sidb) - 1);
	s->smr[n] = value;
	check_match(s, n);
}

static void write_s2cr(struct smmu2 *s, uint64_t at, unsigned int n, uint32_t value)
{
	if (n >= smmu2_nr_smrs_(s)) {
		bad(s, at, value, "there is no such S2CR");
		return;
	}
	if (bits2(value, 17, 16) == 3)
		bad(s, at, value, "S2CR.TYPE is reserved");
	if (s->config.bypass_faults && bits2(value, 17, 16) == S2CR_BYPASS)
		value ^= 3u << 16;
	s->s2cr[n] = value;
	check_match(s, n);
}

static void write_scr0(struct smmu2 *s, uint32_t value)
{
	if (value & SCR0_EXIDENABLE && !(s->config.idr0 & SMMU2_IDR0_EXIDS))
		bad(s, GR0_sCR0, value, "EXIDENABLE without EXIDS");
	if (value & SCR0_VMID16EN && !(s->config.idr2 & SMMU2_IDR2_VMID16))
		bad(s, GR0_sCR0, value, "VMID16EN without VMID16S");
	if (!(value & SCR0_CLIENTPD) && s->tlb_unknown && s->nr_pending == 0)
		smmu2_find_(s, SMMU2_UNINITIALISED, "it is switched on, its TLB was never invalidated");
	s->scr0 = value;
}

static void write_global0(struct smmu2 *s, uint64_t at, uint32_t value)
{
	struct s2_invalidation inv = { .bank = -1 };

	if (at >= GR0_SMR && at < GR0_SMR + 4 * SMMU2_SMRS) {
		write_smr(s, at, (unsigned int)(at - GR0_SMR) / 4, value);
		return;
	}
	if (at >= GR0_S2CR && at < GR0_S2CR + 4 * SMMU2_SMRS) {
		write_s2cr(s, at, (unsigned int)(at - GR0_S2CR) / 4, value);
		return;
	}
	switch (at) {
	case GR0_sCR0: write_scr0(s, value); break;
	case GR0_sACR: s->sacr = value; break;
	case GR0_GFSR: s->gfsr &= ~value; break;
	case GR0_GFSRRESTORE: s->gfsr = value & GFSR_ALL; break;
	case GR0_STLBIALL: case GR0_TLBIALLH: break; /* nothing of the secure world, or of Hyp mode, here */
	case GR0_TLBIALLNSNH:
		inv.what = INV_ALL;
		smmu2_invalidate_(s, &inv);
		break;
	case GR0_TLBIVMID:
		inv.what = INV_VMID;
		inv.vmid = (uint32_t)bits2(value, s->scr0 & SCR0_VMID16EN ? 15 : 7, 0);
		smmu2_invalidate_(s, &inv);
		break;
	case GR0_sTLBGSYNC:
		s->gsync = true;
		s->gsync_wait = s->mischief[SMMU2_SYNC_LATE];
		break;
	default: bad(s, at, value, "no register is there");
	}
}

/* ---- global register space 1 ---- */

static uint32_t read_global1(const struct smmu2 *s, uint64_t at)
{
	unsigned int n = (unsigned int)(at & 0x3ff) / 4;

	if (n >= smmu2_nr_banks_(s) || n >= SMMU2_BANKS)
		return 0;
	switch (at & 0xc00) {
	case GR1_CBAR: return s->banks[n].cbar;
	case GR1_CBFRSYNRA: return s->banks[n].cbfrsynra;
	case GR1_CBA2R: return s->config.version == 1 ? 0 : s->banks[n].cba2r;
	default: return 0;
	}
}

static void write_global1(struct smmu2 *s, uint64_t at, uint32_t value)
{
	unsigned int n = (unsigned int)(at & 0x3ff) / 4;
	struct s2_bank *bank = &s->banks[n % SMMU2_BANKS];

	if (n >= smmu2_nr_banks_(s) || n >= SMMU2_BANKS) {
		bad(s, at, value, "there is no such context bank");
		return;
	}
	switch (at & 0xc00) {
	case GR1_CBAR:
		if (n < bits2(s->config.idr1, 23, 16) && bits2(value, 17, 16) != CBAR_S2)
			bad(s, at, value, "that bank does stage 2 alone");
		bank->cbar = value;
		break;
	case GR1_CBA2R:
		if (s->config.version == 1)
			bad(s, at, value, "version 1 has no CBA2R");
		else
			bank->cba2r = value;
		break;
	case GR1_CBFRSYNRA: bank->cbfrsynra = value; break;
	default: bad(s, at, value, "no register is there");
	}
}

/* ---- context banks ---- */

static uint64_t *wide(struct s2_bank *bank, uint64_t at)
{
	switch (at & ~4ull) {
	case CB_TTBR0: return &bank->ttbr0;
	case CB_TTBR1: return &bank->ttbr1;
	case CB_FAR: return &bank->far;
	case CB_IPAFAR: return &bank->ipafar;
	default: return NULL;
	}
}

static uint32_t read_bank(struct s2_bank *bank, uint64_t at)
{
	const uint64_t *reg = wide(bank, at);

	if (reg)
		return (uint32_t)(at & 4 ? *reg >> 32 : *reg);
	switch (at) {
	case CB_SCTLR: return bank->sctlr;
	case CB_ACTLR: return bank->actlr;
	case CB_TCR2: return bank->tcr2;
	case CB_TCR: return bank->tcr;
	case CB_CONTEXTIDR: return bank->contextidr;
	case CB_MAIR0: return bank->mair0;
	case CB_MAIR1: return bank->mair1;
	case CB_FSR: return bank->fsr;
	case CB_FSYNR0: return bank->fsynr0;
	case CB_TLBSTATUS: return bank->sync;
	default: return 0;
	}
}

/* What SMMU_CBn_TLBI* say. Addresses: VA64 as VA[48:12] with the ASID on top, else VA[31:12] and ASID. */
static void tlbi(struct smmu2 *s, unsigned int n, uint64_t at, uint64_t value, unsigned int width)
{
	struct s2_bank *bank = &s->banks[n];
	bool va64 = bit2(bank->cba2r, 0), stage2 = bits2(bank->cbar, 17, 16) == CBAR_S2;
	bool ipa = at == CB_TLBIIPAS2 || at == CB_TLBIIPAS2L;
	bool address = at != CB_TLBIASID && at != CB_TLBIALL;
	struct s2_invalidation inv = { .bank = (int)n, .vmid = smmu2_vmid_(s, bank) };

	if (ipa ? !stage2 || s->config.version == 1 : stage2) {
		bad(s, at, value, "that invalidation is of the other stage");
		return;
	}
	if (address && va64 && width != 8) {
		bad(s, at, value, "addresses of AArch64 take 64 bits");
		return;
	}
	inv.leaf = at == CB_TLBIVAL || at == CB_TLBIVAAL || at == CB_TLBIIPAS2L;
	if (ipa)
		inv.address = bits2(value, 35, 0) << 12;
	else if (address)
		inv.address = va64 ? bits2(value, 36, 0) << 12 : field2(value, 31, 12);
	inv.asid = (uint32_t)(va64 && address ? bits2(value, 63, 48) : bits2(value, va64 ? 15 : 7, 0));
	inv.what = ipa ? INV_IPA : at == CB_TLBIALL ? INV_CONTEXT : at == CB_TLBIASID ? INV_ASID :
		   at == CB_TLBIVA || at == CB_TLBIVAL ? INV_VA : INV_VAA;
	smmu2_invalidate_(s, &inv);
}

static void write_fsr(struct smmu2 *s, unsigned int n, uint32_t value)
{
	struct s2_bank *bank = &s->banks[n];

	/* SS goes with what it stands for, by SMMU_CBn_RESUME. */
	bank->fsr &= ~(value & FSR_ALL);
	if (!bank->fsr && s->mischief[SMMU2_FAULT_STORM] && s->storm_fsr[n]) {
		s->mischief[SMMU2_FAULT_STORM]--;
		bank->fsr = s->storm_fsr[n];
	}
}

static void write_bank(struct smmu2 *s, unsigned int n, uint64_t at, uint32_t value)
{
	struct s2_bank *bank = &s->banks[n];
	uint64_t *reg = wide(bank, at);

	if (reg) {
		*reg = at & 4 ? (*reg & 0xffffffffull) | (uint64_t)value << 32
			      : (*reg & ~0xffffffffull) | value;
		return;
	}
	switch (at) {
	case CB_SCTLR: bank->sctlr = value; break;
	case CB_ACTLR:
		if (!(s->sacr & SACR_CACHE_LOCK))
			bank->actlr = value;
		break;
	case CB_RESUME:
		if (!(bank->fsr & FSR_SS))
			bad(s, at, value, "nothing is stalled there");
		else
			smmu2_resume_(s, n, value & 1);
		break;
	case CB_TCR2: bank->tcr2 = value; break;
	case CB_TCR: bank->tcr = value; break;
	case CB_CONTEXTIDR: bank->contextidr = value; break;
	case CB_MAIR0: bank->mair0 = value; break;
	case CB_MAIR1: bank->mair1 = value; break;
	case CB_FSR: write_fsr(s, n, value); break;
	case CB_FSRRESTORE: bank->fsr = value; break;
	case CB_FSYNR0: bank->fsynr0 = value; break;
	case CB_FSYNR1: break;
	case CB_TLBSYNC:
		bank->sync = true;
		bank->sync_wait = s->mischief[SMMU2_SYNC_LATE];
		break;
	default: bad(s, at, value, "no register is there");
	}
}

/* ---- accesses ---- */

/* Registers of 64 bits, which may be accessed as such. */
static bool is_wide(const struct smmu2 *s, uint64_t page, uint64_t at)
{
	if (page >= smmu2_bytes(&s->config) / page_bytes(s) / 2)
		return (at >= CB_TTBR0 && at < CB_TCR && s->config.version > 1) || at == CB_FAR ||
		       at == CB_IPAFAR || (at >= CB_TLBIVA && at <= CB_TLBIIPAS2L && at != CB_TLBIASID &&
					   at != CB_TLBIALL && s->config.version > 1);
	return !page && at == GR0_GFAR;
}

static bool proper(struct smmu2 *s, uint64_t offset, unsigned int width)
{
	if (!s->power || !s->clock) {
		smmu2_find_(s, SMMU2_OFF, "register 0x%llx is accessed without %s",
			    (unsigned long long)offset, s->power ? "its clock" : "power");
		return false;
	}
	if (s->mischief[SMMU2_DIES] && !--s->mischief[SMMU2_DIES])
		s->mischief[SMMU2_DEAD] = 1;
	if (s->mischief[SMMU2_DEAD] || s->mischief[SMMU2_GONE])
		return false;
	if (offset % width || offset + width > smmu2_bytes(&s->config) ||
	    (width != 4 && (width != 8 || !is_wide(s, offset / page_bytes(s), offset % page_bytes(s))))) {
		smmu2_find_(s, SMMU2_BAD_REGISTER, "%u byte(s) at 0x%llx are accessed", width,
			    (unsigned long long)offset);
		return false;
	}
	return true;
}

/* The bank of a page: those are in the upper half. -1: it is a global one; or none. */
static int bank_of(const struct smmu2 *s, uint64_t offset)
{
	uint64_t half = smmu2_bytes(&s->config) / 2;
	uint64_t n = (offset - half) / page_bytes(s);

	if (offset < half)
		return -1;
	return n < smmu2_nr_banks_(s) && n < SMMU2_BANKS ? (int)n : -2;
}

static uint32_t read32(struct smmu2 *s, uint64_t offset)
{
	uint64_t page = offset / page_bytes(s), at = offset % page_bytes(s);
	int bank = bank_of(s, offset);

	if (bank >= 0)
		return read_bank(&s->banks[bank], at);
	if (bank == -2 || at > 0xfff)
		return 0;
	return page == 0 ? read_global0(s, at) : page == 1 ? read_global1(s, at) : 0;
}

uint64_t smmu2_mmio_read(struct smmu2 *s, uint64_t offset, unsigned int width)
{
	uint64_t value;

	s->stats.reads++;
	if (!proper(s, offset, width))
		return width == 8 ? ~0ull : (1ull << 8 * width) - 1;
	smmu2_point(s);
	value = read32(s, offset);
	if (width == 8)
		value |= (uint64_t)read32(s, offset + 4) << 32;
	return value;
}

static void write_at(struct smmu2 *s, uint64_t offset, unsigned int width, uint64_t value)
{
	uint64_t page = offset / page_bytes(s), at = offset % page_bytes(s);
	int bank = bank_of(s, offset);

	if (bank == -2 || page > (bank < 0 ? 1u : page) || at > 0xfff) {
		bad(s, offset, value, "no register is there");
	} else if (bank >= 0 && at >= CB_TLBIVA && at <= CB_TLBIIPAS2L) {
		tlbi(s, (unsigned int)bank, at, value, width);
	} else if (bank >= 0 && width == 8 && wide(&s->banks[bank], at)) {
		*wide(&s->banks[bank], at) = value;
	} else if (bank >= 0) {
		write_bank(s, (unsigned int)bank, at, (uint32_t)value);
	} else if (page == 1) {
		write_global1(s, at, (uint32_t)value);
	} else {
		write_global0(s, at, (uint32_t)value);
	}
}

void smmu2_mmio_write(struct smmu2 *s, uint64_t offset, unsigned int width, uint64_t value)
{
	s->stats.writes++;
	if (!proper(s, offset, width))
		return;
	smmu2_point(s);
	write_at(s, offset, width, value);
	smmu2_point(s);
	smmu2_lines_(s);
}
