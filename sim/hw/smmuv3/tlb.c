// SPDX-License-Identifier: MIT
/*
 * What the SMMU remembers of tables (IHI 0070, 3.17 and 4.4; DDI 0487, D8.16): leaf entries, and
 * entries that lead to tables, until they are invalidated or there is no room. Nothing that is
 * invalid is kept. What is kept is never corrected by a later walk.
 */
#include "hw/smmuv3/priv.h"

static bool same_context(const struct tag *a, const struct tag *b)
{
	return a->stage2 == b->stage2 && a->el2 == b->el2 && a->vmid == b->vmid &&
	       (a->stage2 || a->global || b->global || a->asid == b->asid);
}

static bool overlap(uint64_t a, uint64_t a_bytes, uint64_t b, uint64_t b_bytes)
{
	return a <= b ? b - a < a_bytes : a - b < b_bytes;
}

const struct tlb_entry *smmu3_tlb_find_(struct smmu3 *s, const struct tag *tag, uint64_t in)
{
	for (unsigned int i = 0; i < TLB_ENTRIES; i++)
		if (s->tlb[i].kind == TLB_LEAF && overlap(s->tlb[i].in, s->tlb[i].bytes, in, 1) &&
		    same_context(&s->tlb[i].tag, tag))
			return &s->tlb[i];
	return NULL;
}

const struct tlb_entry *smmu3_tlb_table_(struct smmu3 *s, const struct tag *tag, uint64_t in,
					 unsigned int granule_lg2)
{
	const struct tlb_entry *best = NULL;

	for (unsigned int i = 0; i < TLB_ENTRIES; i++)
		if (s->tlb[i].kind == TLB_TABLE && s->tlb[i].granule_lg2 == granule_lg2 &&
		    overlap(s->tlb[i].in, s->tlb[i].bytes, in, 1) &&
		    same_context(&s->tlb[i].tag, tag) && (!best || s->tlb[i].level > best->level))
			best = &s->tlb[i];
	return best;
}

/*
 * Two translations of the same input (DDI 0487, D8.16.1, break-before-make; IHI 0070, 3.21.1:
 * with BBML 2 a change of size alone is none).
 */
static bool conflicting(const struct smmu3 *s, const struct tlb_entry *a, const struct tlb_entry *b)
{
	if (a->kind == TLB_TABLE)
		return a->level == b->level && a->in == b->in && a->out != b->out;
	if (a->out - a->in != b->out - b->in)
		return true;
	return a->bytes != b->bytes && bits(s->config.idr[3], 12, 11) < 2;
}

void smmu3_tlb_insert_(struct smmu3 *s, const struct tlb_entry *entry)
{
	struct tlb_entry *at = NULL;

	for (unsigned int i = 0; i < TLB_ENTRIES; i++) {
		struct tlb_entry *e = &s->tlb[i];

		if (e->kind == TLB_NONE)
			at = e;
		if (e->kind != entry->kind || !overlap(e->in, e->bytes, entry->in, entry->bytes) ||
		    !same_context(&e->tag, &entry->tag))
			continue;
		if (conflicting(s, e, entry)) {
			smmu3_find_(s, SMMU3_TLB_CONFLICT,
				    "%s of 0x%llx (0x%llx bytes, asid %u, vmid %u) "
				    "goes to 0x%llx, was 0x%llx of 0x%llx bytes",
				    e->kind == TLB_TABLE ? "the table" : "the translation",
				    (unsigned long long)entry->in, (unsigned long long)entry->bytes,
				    entry->tag.asid, entry->tag.vmid,
				    (unsigned long long)entry->out, (unsigned long long)e->out,
				    (unsigned long long)e->bytes);
			return;
		}
		if (e->in == entry->in && e->bytes == entry->bytes)
			return; /* what is there stays, its permissions too */
	}
	if (!at)
		at = &s->tlb[hwrng_below(&s->rng, TLB_ENTRIES)];
	*at = *entry;
}

/* ---- invalidation, 4.4 ---- */

/* Whether the entry is of the context that a command names. */
static bool in_context(const struct tlb_entry *e, const struct invalidation *inv)
{
	const struct tag *tag = &e->tag;
	bool el1 = !tag->stage2 && !tag->el2 && tag->vmid == inv->vmid;

	switch (inv->opcode) {
	case CMD_TLBI_NH_ALL: case CMD_TLBI_NH_VAA: return el1;
	case CMD_TLBI_NH_ASID: return el1 && !tag->global && tag->asid == inv->asid;
	case CMD_TLBI_NH_VA: return el1 && (tag->global || tag->asid == inv->asid);
	case CMD_TLBI_EL2_ALL: case CMD_TLBI_EL2_VAA: return tag->el2;
	case CMD_TLBI_EL2_ASID: return tag->el2 && !tag->global && tag->asid == inv->asid;
	case CMD_TLBI_EL2_VA: return tag->el2 && (tag->global || tag->asid == inv->asid);
	case CMD_TLBI_S12_VMALL: return !tag->el2 && tag->vmid == inv->vmid;
	case CMD_TLBI_S2_IPA: return tag->stage2 && tag->vmid == inv->vmid;
	case CMD_TLBI_NSNH_ALL: return !tag->el2;
	default: return false;
	}
}

/* ... and of the addresses, by the hints that it gives: what those leave out may stay. */
static bool in_addresses(const struct tlb_entry *e, const struct invalidation *inv)
{
	uint64_t bytes = inv->last - inv->first + 1;

	switch (inv->opcode) {
	case CMD_TLBI_NH_VA: case CMD_TLBI_NH_VAA: case CMD_TLBI_EL2_VA: case CMD_TLBI_EL2_VAA:
	case CMD_TLBI_S2_IPA:
		break;
	default:
		return true;
	}
	if (!overlap(e->in, e->bytes, inv->first, bytes))
		return false;
	if (inv->tg_lg2 && e->granule_lg2 != inv->tg_lg2)
		return false;
	if (e->kind == TLB_TABLE)
		return !inv->leaf && (!inv->ttl || e->level < (int)inv->ttl);
	return !inv->ttl || e->level == (int)inv->ttl;
}

void smmu3_tlb_invalidate_(struct smmu3 *s, const struct invalidation *inv)
{
	for (unsigned int i = 0; i < TLB_ENTRIES; i++)
		if (s->tlb[i].kind != TLB_NONE && in_context(&s->tlb[i], inv) &&
		    in_addresses(&s->tlb[i], inv))
			s->tlb[i].kind = TLB_NONE;
}

void smmu3_tlb_evict_(struct smmu3 *s)
{
	s->tlb[hwrng_below(&s->rng, TLB_ENTRIES)].kind = TLB_NONE;
}

void smmu3_tlb_forget_(struct smmu3 *s, uint64_t in)
{
	for (unsigned int i = 0; i < TLB_ENTRIES; i++)
		if (s->tlb[i].kind == TLB_LEAF && overlap(s->tlb[i].in, s->tlb[i].bytes, in, 1))
			s->tlb[i].kind = TLB_NONE;
}

void smmu3_tlb_goes_(struct smmu3 *s, uint64_t pa, uint64_t bytes)
{
	if (!((s->cr0 | s->cr0ack) & CR0_SMMUEN))
		return;
	for (unsigned int i = 0; i < TLB_ENTRIES; i++)
		if (s->tlb[i].kind == TLB_TABLE && !s->tlb[i].ipa && s->tlb[i].out >= pa &&
		    s->tlb[i].out - pa < bytes)
			smmu3_find_(s, SMMU3_FREED,
				    "0x%llx is given back, a cached walk of 0x%llx (asid %u, vmid %u) leads there",
				    (unsigned long long)pa, (unsigned long long)s->tlb[i].in,
				    s->tlb[i].tag.asid, s->tlb[i].tag.vmid);
}
