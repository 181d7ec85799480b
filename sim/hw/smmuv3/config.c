// SPDX-License-Identifier: MIT
/*
 * Configuration (IHI 0070, 3.3 and 3.21.3): stream table and CDs, how they are found, fetched
 * 64 bits at a time, and cached, valid or not, until they are invalidated.
 */
#include <string.h>

#include "hw/smmuv3/priv.h"

static struct cfg_entry *cached(struct smmu3 *s, enum cfg_kind kind, uint32_t key)
{
	for (unsigned int i = 0; i < CFG_ENTRIES; i++)
		if (s->cfg[i].kind == kind && s->cfg[i].key == key)
			return &s->cfg[i];
	return NULL;
}

static void cache(struct smmu3 *s, const struct cfg_entry *entry)
{
	struct cfg_entry *at = cached(s, entry->kind, entry->key);

	for (unsigned int i = 0; !at && i < CFG_ENTRIES; i++)
		if (s->cfg[i].kind == CFG_NONE)
			at = &s->cfg[i];
	if (!at)
		at = &s->cfg[hwrng_below(&s->rng, CFG_ENTRIES)];
	*at = *entry;
}

/* ---- fetches that take their time ---- */

static uint64_t used_bits(const struct cfg_entry *entry, unsigned int word)
{
	return entry->kind == CFG_STE ? smmu3_ste_used_(entry->words, word)
				      : smmu3_cd_used_(entry->words, word);
}

static bool same(const struct cfg_entry *entry, const uint64_t words[8])
{
	for (unsigned int i = 0; i < 8; i++)
		if ((entry->words[i] ^ words[i]) & used_bits(entry, i))
			return false;
	return true;
}

/* What memory says now, when that is new. */
static void note_state(struct smmu3 *s, struct fetch *f)
{
	uint64_t now[8];

	if (f->nr_states == FETCH_STATES ||
	    !hwram_read(s->ram, smmu3_coherent_(s), f->entry.pa, now, sizeof(now)))
		return;
	if (!f->nr_states || memcmp(f->states[f->nr_states - 1], now, sizeof(now)) != 0)
		memcpy(f->states[f->nr_states++], now, sizeof(now));
}

static void check_torn(struct smmu3 *s, const struct fetch *f)
{
	const char *name = f->entry.kind == CFG_STE ? "STE" : "CD";

	for (unsigned int i = 0; i < f->nr_states; i++)
		if (same(&f->entry, f->states[i]))
			return;
	if (f->nr_states < FETCH_STATES)
		smmu3_find_(s, SMMU3_BAD_ENTRY, "the %s of stream 0x%x is torn: 0x%llx 0x%llx 0x%llx 0x%llx",
			    name, f->entry.key, (unsigned long long)f->entry.words[0],
			    (unsigned long long)f->entry.words[1],
			    (unsigned long long)f->entry.words[2],
			    (unsigned long long)f->entry.words[3]);
}

/* One word more, any. False: there is no memory. */
static bool fetch_word(struct smmu3 *s, struct fetch *f)
{
	unsigned int i = hwrng_below(&s->rng, 8);

	while (f->done >> i & 1)
		i = (i + 1) % 8;
	f->done |= 1u << i;
	return smmu3_fetch_(s, f->entry.pa + 8ull * i,
			    f->entry.kind == CFG_STE ? "an STE" : "a CD", &f->entry.words[i]);
}

/* Fetches all that is left. False: there is no memory. The slot is free then. */
static bool fetch_finish(struct smmu3 *s, struct fetch *f, uint64_t out_words[8])
{
	bool there = true;

	note_state(s, f);
	while (there && f->done != 0xff)
		there = fetch_word(s, f);
	if (there) {
		check_torn(s, f);
		/* What is cached already may stay instead. */
		if (!cached(s, f->entry.kind, f->entry.key) || smmu3_chance_(s, 64))
			cache(s, &f->entry);
		memcpy(out_words, f->entry.words, sizeof(f->entry.words));
	}
	f->entry.kind = CFG_NONE;
	return there;
}

static struct fetch *fetch_find(struct smmu3 *s, enum cfg_kind kind, uint32_t key)
{
	for (unsigned int i = 0; i < FETCHES; i++)
		if (s->fetches[i].entry.kind == kind && s->fetches[i].entry.key == key)
			return &s->fetches[i];
	return NULL;
}

/* Begins one, in a free slot or instead of another. */
static struct fetch *fetch_begin(struct smmu3 *s, enum cfg_kind kind, uint32_t key, uint64_t pa)
{
	const struct cfg_entry *ste = cached(s, CFG_STE, key);
	struct fetch *f = NULL;

	for (unsigned int i = 0; !f && i < FETCHES; i++)
		if (s->fetches[i].entry.kind == CFG_NONE)
			f = &s->fetches[i];
	if (!f)
		f = &s->fetches[hwrng_below(&s->rng, FETCHES)];
	memset(f, 0, sizeof(*f));
	f->entry.kind = kind;
	f->entry.key = key;
	f->entry.pa = pa;
	f->entry.ipa = kind == CFG_CD && ste && bits(ste->words[0], 3, 1) == STE_NESTED;
	note_state(s, f);
	return f;
}

/* An entry: from the cache, from a fetch that is under way, or anew. */
static bool entry_get(struct smmu3 *s, enum cfg_kind kind, uint32_t key, uint64_t pa,
		      uint64_t out_words[8])
{
	const struct cfg_entry *have = cached(s, kind, key);
	struct fetch *f = fetch_find(s, kind, key);

	if (have) {
		memcpy(out_words, have->words, sizeof(have->words));
		return true;
	}
	if (!f || f->entry.pa != pa)
		f = fetch_begin(s, kind, key, pa);
	return fetch_finish(s, f, out_words);
}

/* ---- stream table, 3.3.1 ---- */

/* False: there is no such STE, or @out_fault. */
static bool ste_pa(struct smmu3 *s, uint32_t sid, uint64_t *out_pa, struct fault *out_fault)
{
	unsigned int lg2 = (unsigned int)bits(s->strtab_cfg, 5, 0);
	unsigned int split = (unsigned int)bits(s->strtab_cfg, 10, 6), span;
	uint64_t base = field(s->strtab_base, 51, 6);
	struct cfg_entry l1 = { .kind = CFG_L1STD, .key = sid >> split };
	const struct cfg_entry *have;

	*out_fault = (struct fault){ .event = EVT_C_BAD_STREAMID,
				     .silent = !(s->cr2 & CR2_RECINVSID) };
	if (lg2 > bits(s->config.idr[1], 5, 0) || sid >> lg2)
		return false;
	if (!bits(s->strtab_cfg, 17, 16)) {
		*out_pa = (base & ~((64ull << lg2) - 1)) + 64ull * sid;
		return true;
	}
	have = cached(s, CFG_L1STD, l1.key);
	if (have) {
		l1 = *have;
	} else {
		l1.pa = (base & ~((8ull << (lg2 > split ? lg2 - split : 0)) - 1)) + 8ull * l1.key;
		if (!smmu3_fetch_(s, l1.pa, "a stream table descriptor", &l1.words[0])) {
			*out_fault = (struct fault){ .event = EVT_F_STE_FETCH, .fetch_pa = l1.pa };
			return false;
		}
		cache(s, &l1);
	}
	span = (unsigned int)bits(l1.words[0], 4, 0);
	if (span > split + 1)
		smmu3_find_(s, SMMU3_BAD_ENTRY, "Span %u of a stream table descriptor", span);
	if (!span || span > split + 1 || (sid & ((1u << split) - 1)) >> (span - 1))
		return false;
	*out_pa = (field(l1.words[0], 51, 6) & ~((64ull << (span - 1)) - 1)) +
		  64ull * (sid & ((1u << split) - 1));
	return true;
}

bool smmu3_ste_(struct smmu3 *s, const struct access *a, uint64_t out_ste[8],
		struct fault *out_fault)
{
	const char *why;
	uint64_t pa = 0;

	if (!ste_pa(s, a->sid, &pa, out_fault))
		return false;
	if (!entry_get(s, CFG_STE, a->sid, pa, out_ste)) {
		*out_fault = (struct fault){ .event = EVT_F_STE_FETCH, .fetch_pa = pa };
		return false;
	}
	why = smmu3_ste_illegal_(s, out_ste);
	if (!why)
		return true;
	if (bit(out_ste[0], 0))
		smmu3_find_(s, SMMU3_BAD_ENTRY, "the STE of stream 0x%x is illegal: %s", a->sid, why);
	*out_fault = (struct fault){ .event = EVT_C_BAD_STE };
	return false;
}

/* ---- CDs, 3.3.2: that of substream 0, or of no substream ---- */

/* Where something is that an STE points to: translated when stage 2 is on. */
static bool cd_address(struct smmu3 *s, const uint64_t ste[8], uint64_t address, uint64_t *out_pa,
		       struct fault *out_fault)
{
	struct tlb_entry leaf;
	struct walk stage2;

	*out_pa = address;
	if (bits(ste[0], 3, 1) != STE_NESTED)
		return true;
	smmu3_walk_of_ste_(s, ste, &stage2);
	if (!smmu3_walk_(s, &stage2, NULL, address, false, &leaf, out_fault)) {
		out_fault->class = CLASS_CD;
		out_fault->ipa = address;
		out_fault->stage2 = true;
		return false;
	}
	*out_pa = leaf.out + (address - leaf.in);
	return true;
}

static bool cd_pa(struct smmu3 *s, uint32_t sid, const uint64_t ste[8], uint64_t *out_pa,
		  struct fault *out_fault)
{
	uint64_t address = field(ste[0], 51, 6);
	struct cfg_entry l1 = { .kind = CFG_L1CD, .key = sid };
	const struct cfg_entry *have;

	if (bits(ste[0], 63, 59) && bits(ste[0], 5, 4)) {
		have = cached(s, CFG_L1CD, sid);
		if (have) {
			l1 = *have;
		} else {
			if (!cd_address(s, ste, address, &l1.pa, out_fault))
				return false;
			if (!smmu3_fetch_(s, l1.pa, "a CD table descriptor", &l1.words[0])) {
				*out_fault = (struct fault){ .event = EVT_F_CD_FETCH,
							     .fetch_pa = l1.pa };
				return false;
			}
			cache(s, &l1);
		}
		if (!bit(l1.words[0], 0)) {
			*out_fault = (struct fault){ .event = EVT_C_BAD_SUBSTREAMID };
			return false;
		}
		address = field(l1.words[0], 51, 12);
	}
	return cd_address(s, ste, address, out_pa, out_fault);
}

bool smmu3_cd_(struct smmu3 *s, const struct access *a, const uint64_t ste[8],
	       uint64_t out_cd[8], struct fault *out_fault)
{
	const char *why;
	uint64_t pa = 0;

	if (!cached(s, CFG_CD, a->sid) && !cd_pa(s, a->sid, ste, &pa, out_fault))
		return false;
	if (!entry_get(s, CFG_CD, a->sid, pa, out_cd)) {
		*out_fault = (struct fault){ .event = EVT_F_CD_FETCH, .fetch_pa = pa };
		return false;
	}
	why = smmu3_cd_illegal_(s, out_cd);
	if (!why)
		return true;
	if (bit(out_cd[0], 31))
		smmu3_find_(s, SMMU3_BAD_ENTRY, "the CD of stream 0x%x is illegal: %s", a->sid, why);
	*out_fault = (struct fault){ .event = EVT_C_BAD_CD };
	return false;
}

/* ---- ahead of any access ---- */

static void prefetch_begin(struct smmu3 *s)
{
	const struct cfg_entry *ste;
	struct fault ignored;
	uint32_t sid;
	uint64_t pa;

	if (!s->nr_masters || !(s->cr0ack & CR0_SMMUEN) || s->cfg_unknown)
		return;
	sid = s->masters[hwrng_below(&s->rng, s->nr_masters)].sid;
	ste = cached(s, CFG_STE, sid);
	if (!ste || smmu3_chance_(s, 128)) {
		if (!fetch_find(s, CFG_STE, sid) && ste_pa(s, sid, &pa, &ignored))
			fetch_begin(s, CFG_STE, sid, pa);
		return;
	}
	if (smmu3_ste_illegal_(s, ste->words) || (bits(ste->words[0], 3, 1) & 5) != 5)
		return;
	if (!fetch_find(s, CFG_CD, sid) && cd_pa(s, sid, ste->words, &pa, &ignored))
		fetch_begin(s, CFG_CD, sid, pa);
}

void smmu3_prefetch_(struct smmu3 *s)
{
	uint64_t ignored[8];

	for (unsigned int i = 0; i < FETCHES; i++) {
		struct fetch *f = &s->fetches[i];

		if (f->entry.kind == CFG_NONE)
			continue;
		note_state(s, f);
		if (!smmu3_chance_(s, 128))
			continue;
		if (f->done == 0xff)
			fetch_finish(s, f, ignored);
		else if (!fetch_word(s, f))
			f->entry.kind = CFG_NONE;
	}
	if (smmu3_chance_(s, s->config.unrest))
		prefetch_begin(s);
}

/* ---- invalidation, 4.3 ---- */

static bool hit(const struct smmu3 *s, const struct cfg_entry *entry,
		const struct invalidation *inv)
{
	unsigned int split = (unsigned int)bits(s->strtab_cfg, 10, 6);
	bool two_levels = bits(s->strtab_cfg, 17, 16);
	uint32_t key = entry->kind == CFG_L1STD ? entry->key << split : entry->key;
	bool ste_scope = entry->kind == CFG_STE || entry->kind == CFG_L1STD ||
			 !s->config.cfgi_ste_keeps_cds;

	switch (inv->opcode) {
	case CMD_CFGI_STE:
		if (entry->kind == CFG_L1STD)
			return two_levels && !inv->leaf && entry->key == inv->sid >> split;
		return ste_scope && entry->key == inv->sid;
	case CMD_CFGI_STE_RANGE:
		return inv->range_lg2 == 32 ||
		       (ste_scope && key >> inv->range_lg2 == inv->sid >> inv->range_lg2);
	case CMD_CFGI_CD:
		return entry->key == inv->sid &&
		       (entry->kind == CFG_CD || (entry->kind == CFG_L1CD && !inv->leaf));
	case CMD_CFGI_CD_ALL:
		return entry->key == inv->sid && (entry->kind == CFG_CD || entry->kind == CFG_L1CD);
	default:
		return false;
	}
}

void smmu3_cfg_invalidate_(struct smmu3 *s, const struct invalidation *inv)
{
	for (unsigned int i = 0; i < CFG_ENTRIES; i++)
		if (s->cfg[i].kind != CFG_NONE && hit(s, &s->cfg[i], inv))
			s->cfg[i].kind = CFG_NONE;
	for (unsigned int i = 0; i < FETCHES; i++)
		if (s->fetches[i].entry.kind != CFG_NONE && hit(s, &s->fetches[i].entry, inv))
			s->fetches[i].entry.kind = CFG_NONE;
}

void smmu3_cfg_walks_(struct smmu3 *s, const struct invalidation *inv)
{
	if (inv->opcode != CMD_TLBI_S2_IPA && inv->opcode != CMD_TLBI_S12_VMALL &&
	    inv->opcode != CMD_TLBI_NSNH_ALL)
		return;
	for (unsigned int i = 0; i < FETCHES; i++)
		if (s->fetches[i].entry.kind == CFG_CD && s->fetches[i].entry.ipa)
			s->fetches[i].entry.kind = CFG_NONE;
}

void smmu3_cfg_evict_(struct smmu3 *s)
{
	s->cfg[hwrng_below(&s->rng, CFG_ENTRIES)].kind = CFG_NONE;
}

/* ---- memory that goes ---- */

static bool in_range(uint64_t address, uint64_t pa, uint64_t bytes)
{
	return address >= pa && address - pa < bytes;
}

/* Whether using a cached entry would go there. */
static bool leads_to(const struct cfg_entry *e, uint64_t pa, uint64_t bytes)
{
	uint64_t config = bits(e->words[0], 3, 1);

	switch (e->kind) {
	case CFG_L1STD:
		return bits(e->words[0], 4, 0) && in_range(field(e->words[0], 51, 6), pa, bytes);
	case CFG_STE:
		if (!bit(e->words[0], 0) || !(config & 4))
			return false;
		return (config == STE_S1 && in_range(field(e->words[0], 51, 6), pa, bytes)) ||
		       ((config & 2) && in_range(field(e->words[3], 51, 4), pa, bytes));
	case CFG_L1CD:
		return bit(e->words[0], 0) && in_range(field(e->words[0], 51, 12), pa, bytes);
	case CFG_CD:
		if (!bit(e->words[0], 31) || e->ipa)
			return false;
		return (!bit(e->words[0], 14) && in_range(field(e->words[1], 51, 4), pa, bytes)) ||
		       (!bit(e->words[0], 30) && in_range(field(e->words[2], 51, 4), pa, bytes));
	default:
		return false;
	}
}

void smmu3_cfg_goes_(struct smmu3 *s, uint64_t pa, uint64_t bytes)
{
	if (!((s->cr0 | s->cr0ack) & CR0_SMMUEN))
		return;
	for (unsigned int i = 0; i < CFG_ENTRIES; i++)
		if (leads_to(&s->cfg[i], pa, bytes))
			smmu3_find_(s, SMMU3_FREED,
				    "0x%llx is given back, cached configuration of stream 0x%x leads there",
				    (unsigned long long)pa, s->cfg[i].key);
	for (unsigned int i = 0; i < FETCHES; i++)
		if (s->fetches[i].entry.kind != CFG_NONE &&
		    in_range(s->fetches[i].entry.pa, pa, bytes))
			smmu3_find_(s, SMMU3_FREED, "0x%llx is given back while it is being fetched",
				    (unsigned long long)pa);
}
