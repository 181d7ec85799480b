// SPDX-License-Identifier: MIT
/*
 * Accesses of masters (IHI 0070, 3.4 and 3.12): what configuration and tables make of them, those
 * of rogue masters, and walks that nobody asked for.
 */
#include <string.h>

#include "hw/smmuv3/priv.h"

static bool aborted(struct fault *out_fault, uint32_t event)
{
	*out_fault = (struct fault){ .event = event };
	return false;
}

static bool allows(const struct access *a, unsigned int perms)
{
	bool priv = a->flags & SMMU3_PRIV;

	if (a->flags & SMMU3_WRITE)
		return perms & (priv ? PERM_PW : PERM_W);
	return perms & (priv ? PERM_PR : PERM_R);
}

/* What both stages make of it: the smaller of both. */
static void combine(struct tlb_entry *leaf, const struct tlb_entry *s2, uint64_t in, uint64_t ipa)
{
	uint64_t bytes = leaf->bytes < s2->bytes ? leaf->bytes : s2->bytes;

	leaf->in = in & ~(bytes - 1);
	leaf->out = s2->out + (ipa - s2->in);
	leaf->out &= ~(bytes - 1);
	leaf->bytes = bytes;
	leaf->perms &= s2->perms;
}

/* Stage 1, with stage 2 behind it when there is one. */
static bool stage1(struct smmu3 *s, const struct access *a, bool fresh, const struct walk *s1,
		   const struct walk *s2, struct tlb_entry *out_leaf, struct fault *out_fault)
{
	struct tlb_entry second;
	uint64_t ipa;

	if (!s2)
		return smmu3_walk_(s, s1, NULL, a->iova, fresh, out_leaf, out_fault);
	if (!fresh) {
		const struct tlb_entry *cached = smmu3_tlb_find_(s, &s1->tag, a->iova);

		if (cached) {
			*out_leaf = *cached;
			return true;
		}
	}
	if (!smmu3_walk_(s, s1, s2, a->iova, true, out_leaf, out_fault))
		return false;
	if (!allows(a, out_leaf->perms))
		return true; /* stage 1 refuses: stage 2 is not asked */
	ipa = out_leaf->out + (a->iova - out_leaf->in);
	if (!smmu3_walk_(s, s2, NULL, ipa, fresh, &second, out_fault))
		return false;
	if (!allows(a, second.perms)) {
		*out_fault = (struct fault){ .event = EVT_F_PERMISSION, .stage2 = true,
					     .class = CLASS_IN, .ipa = ipa };
		return false;
	}
	combine(out_leaf, &second, a->iova, ipa);
	smmu3_tlb_insert_(s, out_leaf);
	return true;
}

/* The stages that an STE switches on. */
static bool translate(struct smmu3 *s, const struct access *a, bool fresh, const uint64_t ste[8],
		      bool with_s1, uint64_t *out_pa, struct fault *out_fault)
{
	bool with_s2 = bits(ste[0], 3, 1) & 2, silent = false, ok;
	uint64_t cd[8] = { 0 };
	struct tlb_entry leaf;
	struct walk s1, s2;

	if (with_s2)
		smmu3_walk_of_ste_(s, ste, &s2);
	if (with_s1) {
		if (!smmu3_cd_(s, a, ste, cd, out_fault))
			return false;
		silent = !bit(cd[0], 45);
		ok = smmu3_walk_of_cd_(s, ste, cd, a->iova, &s1);
		if (!ok)
			*out_fault = (struct fault){ .event = EVT_F_TRANSLATION, .class = CLASS_IN };
		else
			ok = stage1(s, a, fresh, &s1, with_s2 ? &s2 : NULL, &leaf, out_fault);
	} else {
		ok = smmu3_walk_(s, &s2, NULL, a->iova, fresh, &leaf, out_fault);
	}
	if (ok && !allows(a, leaf.perms)) {
		*out_fault = (struct fault){ .event = EVT_F_PERMISSION, .stage2 = !with_s1,
					     .class = CLASS_IN, .ipa = a->iova };
		ok = false;
	}
	if (!ok) {
		/* Events of an abort on a walk are recorded in any case (5.4, CD.R). */
		out_fault->silent = out_fault->event >= EVT_F_TRANSLATION &&
			(out_fault->stage2 ? !bit(ste[2], 58) : silent);
		return false;
	}
	*out_pa = leaf.out + (a->iova - leaf.in);
	s->attributes = leaf.attributes;
	return true;
}

bool smmu3_access_(struct smmu3 *s, const struct access *a, bool fresh, uint64_t *out_pa,
		   struct fault *out_fault)
{
	struct access own = *a;
	uint64_t ste[8], config;
	bool with_s1;

	*out_pa = a->iova;
	if (!s->power)
		return aborted(out_fault, 0);
	if (!(s->cr0ack & CR0_SMMUEN))
		return s->gbpa & GBPA_ABORT ? aborted(out_fault, 0) : true;
	if (s->cfg_unknown) {
		smmu3_find_(s, SMMU3_UNINITIALISED,
			    "stream 0x%x is looked up in caches not invalidated since reset", a->sid);
		return true;
	}
	if (!smmu3_ste_(s, a, ste, out_fault))
		return false;
	config = bits(ste[0], 3, 1);
	if (!(config & 4))
		return aborted(out_fault, 0);
	with_s1 = config & 1;
	if (with_s1 && bits(ste[0], 63, 59) && bits(ste[1], 1, 0) < 2) {
		/* 3.9: without substream, where there are substreams. */
		if (bits(ste[1], 1, 0) == 0)
			return aborted(out_fault, EVT_F_STREAM_DISABLED);
		with_s1 = false;
	}
	if (bits(ste[1], 49, 48) == 2)
		own.flags &= ~SMMU3_PRIV;
	else if (bits(ste[1], 49, 48) == 3)
		own.flags |= SMMU3_PRIV;
	if (!with_s1 && !(config & 2)) {
		if (!(a->iova >> smmu3_oas_(s)))
			return true;
		*out_fault = (struct fault){ .event = EVT_F_ADDR_SIZE, .class = CLASS_IN };
		return false;
	}
	if (s->tlb_unknown) {
		smmu3_find_(s, SMMU3_UNINITIALISED,
			    "address 0x%llx is looked up in a TLB not invalidated since reset",
			    (unsigned long long)a->iova);
		return true;
	}
	return translate(s, &own, fresh, ste, with_s1, out_pa, out_fault);
}

/* ---- what masters do ---- */

static uint8_t who(const struct smmu3 *s, uint32_t sid)
{
	for (unsigned int i = 0; i < s->nr_masters; i++)
		if (s->masters[i].sid == sid)
			return s->masters[i].who;
	return 1;
}

static void check_landing(struct smmu3 *s, const struct access *a, uint64_t pa)
{
	bool write = a->flags & SMMU3_WRITE;

	if (!(a->flags & SMMU3_QUIET) && !hwram_allowed(s->ram, pa, write, who(s, a->sid)))
		smmu3_find_(s, SMMU3_STRAY, "a %s of stream 0x%x at 0x%llx lands at 0x%llx, which is not its own",
			    write ? "write" : "read", a->sid, (unsigned long long)a->iova,
			    (unsigned long long)pa);
}

/* One page. @buf NULL: nothing is moved. */
enum smmu3_outcome smmu3_page_(struct smmu3 *s, const struct access *a, void *buf, size_t bytes)
{
	bool coherent = !s->config.masters_incoherent, done;
	struct fault fault = { 0 };
	uint64_t pa;

	s->recent[s->nr_recent % RECENT].sid = a->sid;
	s->recent[s->nr_recent++ % RECENT].iova = a->iova;
	if (!smmu3_access_(s, a, false, &pa, &fault)) {
		if (fault.event && !fault.silent)
			smmu3_event_(s, a, &fault);
		return SMMU3_ABORTED;
	}
	check_landing(s, a, pa);
	if (!buf)
		return SMMU3_LANDED;
	done = a->flags & SMMU3_WRITE ? hwram_write(s->ram, coherent, pa, buf, bytes)
				      : hwram_read(s->ram, coherent, pa, buf, bytes);
	return done ? SMMU3_LANDED : SMMU3_NOTHING;
}

enum smmu3_outcome smmu3_dma(struct smmu3 *s, uint32_t sid, uint64_t iova, void *buf, size_t bytes,
			     unsigned int flags)
{
	enum smmu3_outcome outcome = SMMU3_LANDED;

	while (bytes && outcome == SMMU3_LANDED) {
		size_t n = HWRAM_PAGE - iova % HWRAM_PAGE;
		struct access a = { .sid = sid, .iova = iova, .flags = flags };

		if (n > bytes)
			n = bytes;
		outcome = smmu3_page_(s, &a, buf, n);
		smmu3_point(s);
		buf = (uint8_t *)buf + n;
		iova += n;
		bytes -= n;
	}
	return outcome;
}

enum smmu3_outcome smmu3_translate(struct smmu3 *s, uint32_t sid, uint64_t iova,
				   unsigned int flags, uint64_t *out_pa)
{
	struct access a = { .sid = sid, .iova = iova, .flags = flags };
	struct fault fault = { 0 };
	uint64_t pa;

	if (smmu3_access_(s, &a, false, &pa, &fault)) {
		*out_pa = pa;
		return SMMU3_LANDED;
	}
	if (fault.event && !fault.silent)
		smmu3_event_(s, &a, &fault);
	return SMMU3_ABORTED;
}

/* ---- at points ---- */

/* A walk for an address that was used, or the page behind it, from the tables as they are. */
void smmu3_speculate_(struct smmu3 *s)
{
	unsigned int n = s->nr_recent < RECENT ? s->nr_recent : RECENT, i;
	struct access a = { .flags = SMMU3_READ, .speculative = true };
	struct fault ignored;
	uint64_t pa;

	if (!n || !(s->cr0ack & CR0_SMMUEN) || s->cfg_unknown || s->tlb_unknown)
		return;
	i = hwrng_below(&s->rng, n);
	a.sid = s->recent[i].sid;
	a.iova = s->recent[i].iova;
	if (smmu3_chance_(s, 64))
		a.iova += HWRAM_PAGE;
	smmu3_access_(s, &a, true, &pa, &ignored);
}

void smmu3_rogues_(struct smmu3 *s)
{
	for (unsigned int i = 0; i < SMMU3_ROGUES; i++) {
		struct access a = { .sid = s->rogues[i].sid, .iova = s->rogues[i].iova,
				    .flags = s->rogues[i].flags };

		if (!s->rogues[i].on || !smmu3_chance_(s, s->config.unrest))
			continue;
		/* What has to land does so from the tables, too. */
		if ((a.flags & SMMU3_MUST) && smmu3_chance_(s, 128))
			smmu3_tlb_forget_(s, a.iova);
		if (smmu3_page_(s, &a, NULL, 0) == SMMU3_LANDED) {
			s->stats.landed++;
			continue;
		}
		s->stats.aborted++;
		if (a.flags & SMMU3_MUST)
			smmu3_find_(s, SMMU3_LOST, "stream 0x%x is aborted at 0x%llx, which is mapped",
				    a.sid, (unsigned long long)a.iova);
	}
}
