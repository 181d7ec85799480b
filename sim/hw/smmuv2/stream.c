// SPDX-License-Identifier: MIT
/*
 * Accesses of masters (IHI 0062, "Stream mapping"): which stream match register a stream id has, what
 * its S2CR says, what the context bank makes of the address; the faults that are recorded, and
 * the accesses that wait for SMMU_CBn_RESUME.
 */
#include "hw/smmuv2/priv.h"

static bool allows(const struct s2_access *a, unsigned int perms)
{
	bool priv = a->flags & SMMU2_PRIV;

	if (a->flags & SMMU2_WRITE)
		return perms & (priv ? S2_PW : S2_W);
	return perms & (priv ? S2_PR : S2_R);
}

static bool global(struct s2_fault *out_fault, uint32_t gfsr)
{
	*out_fault = (struct s2_fault){ .global = gfsr };
	return false;
}

/* ---- the stream ---- */

static bool matches(const struct smmu2 *s, unsigned int n, uint32_t sid)
{
	bool extended = s->scr0 & SCR0_EXIDENABLE;
	unsigned int hi = extended ? 15 : 14;
	uint64_t mask = bits2(s->smr[n], 16 + hi, 16), id = bits2(s->smr[n], hi, 0);

	if (!(extended ? bit2(s->s2cr[n], S2CR_EXIDVALID_AT) : bit2(s->smr[n], 31)))
		return false;
	return !((id ^ sid) & ~mask & ((2u << hi) - 1));
}

/* The SMMU_S2CRn of a stream. Return: -1: unidentified; -2: several match. */
static int find_stream(struct smmu2 *s, uint32_t sid)
{
	int found = -1;

	if (!(s->config.idr0 & SMMU2_IDR0_SMS))
		return sid < smmu2_nr_smrs_(s) ? (int)sid : -1;
	for (unsigned int n = 0; n < smmu2_nr_smrs_(s); n++)
		if (matches(s, n, sid)) {
			if (found >= 0) {
				smmu2_find_(s, SMMU2_MATCH_CONFLICT,
					    "stream 0x%x matches SMR %d and SMR %u", sid, found, n);
				return -2;
			}
			found = (int)n;
		}
	return found;
}

/* ---- translation ---- */

static bool one_stage(struct smmu2 *s, const struct s2_access *a, bool fresh, unsigned int bank,
		      uint64_t *out_pa, struct s2_fault *out_fault)
{
	struct s2_entry leaf;
	struct s2_walk walk;

	if (!smmu2_walk_of_(s, bank, a->iova, &walk))
		return smmu2_fail_(&walk, FSR_TF, walk.start_level, a->iova, out_fault);
	if (!smmu2_walk_(s, &walk, NULL, a->iova, fresh, &leaf, out_fault))
		return false;
	if (!allows(a, leaf.perms))
		return smmu2_fail_(&walk, FSR_PF, leaf.level, a->iova, out_fault);
	*out_pa = leaf.out + (a->iova - leaf.in);
	return true;
}

/* Stage 1 of one bank, its tables and what comes out through stage 2 of another. */
static bool nested(struct smmu2 *s, const struct s2_access *a, bool fresh, unsigned int bank,
		   unsigned int second, uint64_t *out_pa, struct s2_fault *out_fault)
{
	const struct s2_entry *cached;
	struct s2_entry leaf, behind;
	struct s2_walk s1, s2;
	uint64_t ipa, bytes;

	if (!smmu2_walk_of_(s, bank, a->iova, &s1))
		return smmu2_fail_(&s1, FSR_TF, s1.start_level, a->iova, out_fault);
	/* stage 2 of the walk is the same for every address but those that it has not */
	if (!smmu2_walk_of_(s, second, 0, &s2))
		return smmu2_fail_(&s2, FSR_TF, s2.start_level, a->iova, out_fault);
	s1.tag.vmid = s2.tag.vmid;
	cached = fresh ? NULL : smmu2_tlb_find_(s, &s1.tag, a->iova);
	if (cached) {
		leaf = *cached;
	} else {
		if (!smmu2_walk_(s, &s1, &s2, a->iova, true, &leaf, out_fault))
			return false;
		if (!allows(a, leaf.perms))
			return smmu2_fail_(&s1, FSR_PF, leaf.level, a->iova, out_fault);
		ipa = leaf.out + (a->iova - leaf.in);
		if (ipa >> s2.input_bits)
			return smmu2_fail_(&s2, FSR_TF, s2.start_level, ipa, out_fault);
		if (!smmu2_walk_(s, &s2, NULL, ipa, fresh, &behind, out_fault))
			return false;
		if (!allows(a, behind.perms))
			return smmu2_fail_(&s2, FSR_PF, behind.level, ipa, out_fault);
		bytes = leaf.bytes < behind.bytes ? leaf.bytes : behind.bytes;
		leaf.in = a->iova & ~(bytes - 1);
		leaf.out = (behind.out + (ipa - behind.in)) & ~(bytes - 1);
		leaf.bytes = bytes;
		leaf.perms &= behind.perms;
		smmu2_tlb_insert_(s, &leaf);
	}
	if (!allows(a, leaf.perms))
		return smmu2_fail_(&s1, FSR_PF, leaf.level, a->iova, out_fault);
	*out_pa = leaf.out + (a->iova - leaf.in);
	return true;
}

static bool by_bank(struct smmu2 *s, const struct s2_access *a, bool fresh, unsigned int n,
		    uint64_t *out_pa, struct s2_fault *out_fault)
{
	const struct s2_bank *bank = &s->banks[n % SMMU2_BANKS];
	unsigned int type = (unsigned int)bits2(bank->cbar, 17, 16);
	unsigned int second = (unsigned int)bits2(bank->cbar, 15, 8);
	bool with2 = type == CBAR_S1_S2;

	if (n >= smmu2_nr_banks_(s) || n >= SMMU2_BANKS || (with2 && second >= smmu2_nr_banks_(s)))
		return global(out_fault, GFSR_UCBF);
	if (type == CBAR_S1_S2FAULT)
		return global(out_fault, GFSR_ICF);
	if (with2 && bits2(s->banks[second].cbar, 17, 16) != CBAR_S2) {
		smmu2_find_(s, SMMU2_BAD_CONTEXT, "bank %u: stage 2 by bank %u, which does stage 1", n,
			    second);
		return global(out_fault, GFSR_UCBF);
	}
	with2 = with2 && s->banks[second].sctlr & SCTLR_M;
	if (!(bank->sctlr & SCTLR_M)) /* that stage lets pass */
		return !with2 || one_stage(s, a, fresh, second, out_pa, out_fault);
	return with2 ? nested(s, a, fresh, n, second, out_pa, out_fault)
		     : one_stage(s, a, fresh, n, out_pa, out_fault);
}

bool smmu2_access_(struct smmu2 *s, const struct s2_access *a, bool fresh, uint64_t *out_pa,
		   struct s2_fault *out_fault)
{
	int n;

	*out_fault = (struct s2_fault){ 0 };
	*out_pa = a->iova;
	if (!smmu2_there_(s))
		return false;
	if (s->scr0 & SCR0_CLIENTPD)
		return true;
	n = find_stream(s, a->sid);
	if (n == -2)
		return global(out_fault, GFSR_SMCF);
	if (n < 0)
		return s->scr0 & SCR0_USFCFG ? global(out_fault, GFSR_USF) : true;
	switch (bits2(s->s2cr[n], 17, 16)) {
	case S2CR_BYPASS: return true;
	case S2CR_TRANSLATE: break;
	default: return global(out_fault, GFSR_ICF);
	}
	return by_bank(s, a, fresh, (unsigned int)bits2(s->s2cr[n], 7, 0), out_pa, out_fault);
}

/* ---- faults ---- */

static void record_global(struct smmu2 *s, const struct s2_access *a, const struct s2_fault *fault)
{
	s->stats.global_faults++;
	if (s->gfsr) {
		s->gfsr |= GFSR_MULTI;
		return;
	}
	s->gfsr = fault->global;
	s->gfar = a->iova;
	s->gfsynr0 = (a->flags & SMMU2_WRITE ? GFSYNR0_WNR : 0) | (a->flags & SMMU2_PRIV ? GFSYNR0_PNU : 0);
	s->gfsynr1 = a->sid;
}

/* Return: whether the access waits. */
static bool record_context(struct smmu2 *s, const struct s2_access *a, const struct s2_fault *fault)
{
	struct s2_bank *bank = &s->banks[fault->bank];

	s->stats.context_faults++;
	if (bank->fsr) {
		bool waits = bank->fsr & FSR_SS && !(bank->sctlr & SCTLR_HUPCF);

		if (!waits)
			bank->fsr |= FSR_MULTI;
		return waits;
	}
	bank->fsr = fault->fsr;
	bank->far = a->iova;
	bank->ipafar = fault->stage2 ? fault->ipa : 0;
	bank->fsynr0 = fault->level | (a->flags & SMMU2_WRITE ? FSYNR0_WNR : 0) |
		       (a->flags & SMMU2_PRIV ? FSYNR0_PNU : 0) | (fault->walk ? FSYNR0_PTWF : 0);
	bank->cbfrsynra = a->sid;
	s->storm_fsr[fault->bank] = fault->fsr;
	if (!(bank->sctlr & SCTLR_CFCFG))
		return false;
	bank->fsr |= FSR_SS;
	bank->stalled = *a;
	return true;
}

void smmu2_resume_(struct smmu2 *s, unsigned int n, bool terminate)
{
	const struct s2_access a = s->banks[n].stalled;
	struct s2_fault fault;
	uint64_t pa;

	s->banks[n].fsr &= ~FSR_SS;
	if (terminate) {
		s->stats.terminated++;
		return;
	}
	s->stats.retried++;
	s->banks[n].fsr = 0;
	if (!smmu2_access_(s, &a, false, &pa, &fault) && fault.fsr)
		record_context(s, &a, &fault);
}

/* ---- what masters do ---- */

static uint8_t who(const struct smmu2 *s, uint32_t sid)
{
	for (unsigned int i = 0; i < s->nr_masters; i++)
		if (s->masters[i].sid == sid)
			return s->masters[i].who;
	return 1;
}

static void check_landing(struct smmu2 *s, const struct s2_access *a, uint64_t pa)
{
	bool write = a->flags & SMMU2_WRITE;

	if (!(a->flags & SMMU2_QUIET) && !hwram_allowed(s->ram, pa, write, who(s, a->sid)))
		smmu2_find_(s, SMMU2_STRAY,
			    "a %s of stream 0x%x at 0x%llx lands at 0x%llx, which is not its own",
			    write ? "write" : "read", a->sid, (unsigned long long)a->iova,
			    (unsigned long long)pa);
}

static enum smmu2_outcome refused(struct smmu2 *s, const struct s2_access *a,
				  const struct s2_fault *fault)
{
	bool waits = false;

	if (fault->global)
		record_global(s, a, fault);
	else if (fault->fsr)
		waits = record_context(s, a, fault);
	smmu2_lines_(s);
	if (a->flags & SMMU2_MUST)
		smmu2_find_(s, SMMU2_LOST, "stream 0x%x is aborted at 0x%llx, which has to land", a->sid,
			    (unsigned long long)a->iova);
	if (!smmu2_there_(s))
		return SMMU2_NOBODY;
	return waits ? SMMU2_STALLED : SMMU2_ABORTED;
}

/* One page. @buf NULL: nothing is moved. */
enum smmu2_outcome smmu2_page_(struct smmu2 *s, const struct s2_access *a, void *buf, size_t bytes)
{
	bool coherent = !s->config.masters_incoherent, done;
	struct s2_fault fault;
	uint64_t pa;

	s->recent[s->nr_recent++ % S2_RECENT] = *a;
	if (!smmu2_access_(s, a, false, &pa, &fault))
		return refused(s, a, &fault);
	check_landing(s, a, pa);
	if (!buf)
		return SMMU2_LANDED;
	done = a->flags & SMMU2_WRITE ? hwram_write(s->ram, coherent, pa, buf, bytes)
				      : hwram_read(s->ram, coherent, pa, buf, bytes);
	return done ? SMMU2_LANDED : SMMU2_NOTHING;
}

enum smmu2_outcome smmu2_dma(struct smmu2 *s, uint32_t sid, uint64_t iova, void *buf, size_t bytes,
			     unsigned int flags)
{
	enum smmu2_outcome outcome = SMMU2_LANDED;

	while (bytes && outcome == SMMU2_LANDED) {
		size_t n = HWRAM_PAGE - iova % HWRAM_PAGE;
		struct s2_access a = { .sid = sid, .iova = iova, .flags = flags };

		if (n > bytes)
			n = bytes;
		outcome = smmu2_page_(s, &a, buf, n);
		smmu2_point(s);
		buf = (uint8_t *)buf + n;
		iova += n;
		bytes -= n;
	}
	return outcome;
}

enum smmu2_outcome smmu2_translate(struct smmu2 *s, uint32_t sid, uint64_t iova,
				   unsigned int flags, uint64_t *out_pa)
{
	struct s2_access a = { .sid = sid, .iova = iova, .flags = flags };
	struct s2_fault fault;
	uint64_t pa;

	if (!smmu2_access_(s, &a, false, &pa, &fault))
		return refused(s, &a, &fault);
	*out_pa = pa;
	return SMMU2_LANDED;
}

/* ---- at points ---- */

/* A walk for an address that was used, or the page behind it, from the tables as they are. */
void smmu2_speculate_(struct smmu2 *s)
{
	unsigned int n = s->nr_recent < S2_RECENT ? s->nr_recent : S2_RECENT;
	struct s2_access a;
	struct s2_fault ignored;
	uint64_t pa;

	if (!n || s->scr0 & SCR0_CLIENTPD || s->tlb_unknown)
		return;
	a = s->recent[hwrng_below(&s->rng, n)];
	a.flags = SMMU2_READ;
	if (smmu2_chance_(s, 64))
		a.iova += HWRAM_PAGE;
	smmu2_access_(s, &a, true, &pa, &ignored);
}

void smmu2_rogues_(struct smmu2 *s)
{
	for (unsigned int i = 0; i < SMMU2_ROGUES; i++) {
		if (!s->rogues[i].on || !smmu2_chance_(s, s->config.unrest))
			continue;
		if (smmu2_page_(s, &s->rogues[i].access, NULL, 0) == SMMU2_LANDED)
			s->stats.landed++;
		else
			s->stats.aborted++;
	}
}
