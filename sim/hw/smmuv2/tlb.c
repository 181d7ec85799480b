// SPDX-License-Identifier: MIT
/*
 * The TLB and the cache of walks: tagged by VMID and ASID, whatever the context bank. What is
 * invalidated when: some time between the write that asks for it and the end of the sync that
 * covers it (IHI 0062, SMMU_sTLBGSYNC, SMMU_CBn_TLBSYNC): a sync of a bank covers what was asked for there.
 */
#include <string.h>

#include "hw/smmuv2/priv.h"

static bool overlap(uint64_t a, uint64_t a_bytes, uint64_t b, uint64_t b_bytes)
{
	return a < b + b_bytes && b < a + a_bytes;
}

static bool same_context(const struct s2_tag *a, const struct s2_tag *b)
{
	if (a->stage2 != b->stage2 || a->vmid != b->vmid)
		return false;
	return a->stage2 || a->global || b->global || a->asid == b->asid;
}

const struct s2_entry *smmu2_tlb_find_(struct smmu2 *s, const struct s2_tag *tag, uint64_t in)
{
	for (unsigned int i = 0; i < S2_TLB; i++)
		if (s->tlb[i].kind == S2_LEAF && overlap(s->tlb[i].in, s->tlb[i].bytes, in, 1) &&
		    same_context(&s->tlb[i].tag, tag))
			return &s->tlb[i];
	return NULL;
}

const struct s2_entry *smmu2_tlb_table_(struct smmu2 *s, const struct s2_tag *tag, uint64_t in)
{
	const struct s2_entry *best = NULL;

	for (unsigned int i = 0; i < S2_TLB; i++)
		if (s->tlb[i].kind == S2_TABLE && overlap(s->tlb[i].in, s->tlb[i].bytes, in, 1) &&
		    same_context(&s->tlb[i].tag, tag) && (!best || s->tlb[i].level > best->level))
			best = &s->tlb[i];
	return best;
}

/* Two translations of the same input: break-before-make (DDI 0487, D8.16.1; DDI 0406, B3.10.1). */
static bool conflicting(const struct s2_entry *a, const struct s2_entry *b)
{
	if (a->kind == S2_TABLE)
		return a->level == b->level && a->in == b->in && a->out != b->out;
	return a->out - a->in != b->out - b->in || a->bytes != b->bytes;
}

void smmu2_tlb_insert_(struct smmu2 *s, const struct s2_entry *entry)
{
	struct s2_entry *at = NULL;

	for (unsigned int i = 0; i < S2_TLB; i++) {
		struct s2_entry *e = &s->tlb[i];

		if (e->kind == S2_NONE)
			at = e;
		if (e->kind != entry->kind || !overlap(e->in, e->bytes, entry->in, entry->bytes) ||
		    !same_context(&e->tag, &entry->tag))
			continue;
		if (conflicting(e, entry)) {
			smmu2_find_(s, SMMU2_TLB_CONFLICT,
				    "%s of 0x%llx (0x%llx bytes, asid %u, vmid %u) "
				    "goes to 0x%llx, was 0x%llx of 0x%llx bytes",
				    e->kind == S2_TABLE ? "the table" : "the translation",
				    (unsigned long long)entry->in, (unsigned long long)entry->bytes,
				    entry->tag.asid, entry->tag.vmid, (unsigned long long)entry->out,
				    (unsigned long long)e->out, (unsigned long long)e->bytes);
			return;
		}
		if (e->in == entry->in && e->bytes == entry->bytes)
			return; /* what is there stays, its permissions too */
	}
	if (!at)
		at = &s->tlb[hwrng_below(&s->rng, S2_TLB)];
	*at = *entry;
}

void smmu2_tlb_evict_(struct smmu2 *s)
{
	s->tlb[hwrng_below(&s->rng, S2_TLB)].kind = S2_NONE;
}

/* Only what an access could still come to: a bank that is on, and tagged so. */
static bool reachable(const struct smmu2 *s, const struct s2_tag *tag)
{
	for (unsigned int i = 0; i < smmu2_nr_banks_(s) && i < SMMU2_BANKS; i++) {
		const struct s2_bank *bank = &s->banks[i];

		if (bank->sctlr & SCTLR_M && smmu2_vmid_(s, bank) == tag->vmid &&
		    (bits2(bank->cbar, 17, 16) == CBAR_S2) == tag->stage2 &&
		    (tag->stage2 || tag->global || smmu2_asid_(bank) == tag->asid))
			return !(s->scr0 & SCR0_CLIENTPD);
	}
	return false;
}

void smmu2_tlb_goes_(struct smmu2 *s, uint64_t pa, uint64_t bytes)
{
	for (unsigned int i = 0; i < S2_TLB; i++)
		if (s->tlb[i].kind == S2_TABLE && !s->tlb[i].ipa && s->tlb[i].out >= pa &&
		    s->tlb[i].out - pa < bytes && reachable(s, &s->tlb[i].tag))
			smmu2_find_(s, SMMU2_FREED,
				    "0x%llx is given back, a cached walk of 0x%llx (asid %u, vmid %u) leads there",
				    (unsigned long long)pa, (unsigned long long)s->tlb[i].in,
				    s->tlb[i].tag.asid, s->tlb[i].tag.vmid);
}

/* ---- invalidation ---- */

static bool is_meant(const struct s2_entry *e, const struct s2_invalidation *inv)
{
	const struct s2_tag *tag = &e->tag;
	bool address = overlap(e->in, e->bytes, inv->address, 1) &&
		       !(inv->leaf && e->kind == S2_TABLE);

	switch (inv->what) {
	case INV_ALL: return true;
	case INV_VMID: return tag->vmid == inv->vmid;
	case INV_CONTEXT: return !tag->stage2 && tag->vmid == inv->vmid;
	case INV_ASID: return !tag->stage2 && tag->vmid == inv->vmid && !tag->global &&
			      tag->asid == inv->asid;
	case INV_VA: return !tag->stage2 && tag->vmid == inv->vmid && address &&
			    (tag->global || tag->asid == inv->asid);
	case INV_VAA: return !tag->stage2 && tag->vmid == inv->vmid && address;
	case INV_IPA: return tag->stage2 && tag->vmid == inv->vmid && address;
	}
	return false;
}

static void apply(struct smmu2 *s, unsigned int n)
{
	const struct s2_invalidation inv = s->pending[n];

	memmove(&s->pending[n], &s->pending[n + 1], (s->nr_pending - n - 1) * sizeof(inv));
	s->nr_pending--;
	if (inv.what == INV_ALL)
		s->tlb_unknown = false;
	for (unsigned int i = 0; i < S2_TLB; i++)
		if (s->tlb[i].kind != S2_NONE && is_meant(&s->tlb[i], &inv))
			s->tlb[i].kind = S2_NONE;
}

void smmu2_invalidate_(struct smmu2 *s, const struct s2_invalidation *inv)
{
	s->stats.invalidations++;
	if (s->nr_pending == S2_INVALIDATIONS)
		apply(s, 0);
	s->pending[s->nr_pending++] = *inv;
}

/* @bank -1: all of them. */
static bool finish(struct smmu2 *s, int bank, bool *active, unsigned int *wait)
{
	if (!*active || s->mischief[SMMU2_SYNC_STUCK])
		return false;
	if (*wait) {
		--*wait;
		return false;
	}
	if (!smmu2_chance_(s, 128))
		return false;
	for (unsigned int i = 0; i < s->nr_pending;)
		if (bank < 0 || s->pending[i].bank == bank)
			apply(s, i);
		else
			i++;
	*active = false;
	s->stats.syncs++;
	return true;
}

void smmu2_settle_(struct smmu2 *s)
{
	if (s->nr_pending && smmu2_chance_(s, s->config.unrest / 2))
		apply(s, hwrng_below(&s->rng, s->nr_pending));
	finish(s, -1, &s->gsync, &s->gsync_wait);
	for (int i = 0; i < (int)SMMU2_BANKS; i++)
		finish(s, i, &s->banks[i].sync, &s->banks[i].sync_wait);
}
