// SPDX-License-Identifier: MIT
/*
 * Stream tables (3.3.1, 5.1): linear where there are few streams or the SMMU has nothing
 * else, with two levels otherwise; tables of the second level are made for the streams that are
 * attached, and go with the SMMU. What is not there, or all zero, aborts.
 */
#include "drivers/arm-smmu-v3/priv.h"

#define LINEAR_BITS   6u  /* one page */
#define LEVEL1_BITS   13u /* 64 KiB, before tables of the second level get larger */
#define PAGE          4096u

static volatile uint64_t *level1(const struct weir_smmu_v3 *smmu)
{
	return smmu->table.pages.va;
}

static uint32_t nr_level1(const struct weir_smmu_v3 *smmu)
{
	const struct smmu_table *table = &smmu->table;

	return table->fmt == FMT_2LEVEL ? 1u << (table->lg2 - table->split) : 0;
}

/* ---- memory ---- */

int weir_smmu_stes_add_(struct weir_smmu_v3 *smmu, uint32_t first, uint32_t count,
			const struct smmu_pages *pages, void *va, uint64_t pa)
{
	struct smmu_stes *stes = weir_smmu_alloc_(smmu, sizeof(*stes));

	if (!stes)
		return WEIR_ENOMEM;
	if (smmu->table.foreign) {
		stes->ours = weir_smmu_alloc_(smmu, smmu_bits_bytes(count));
		if (!stes->ours) {
			weir_smmu_free_(smmu, stes, sizeof(*stes));
			return WEIR_ENOMEM;
		}
	}
	stes->first = first;
	stes->count = count;
	stes->entries = va;
	stes->pa = pa;
	if (pages)
		stes->pages = *pages;
	weir_list_add_tail(&smmu->stes, &stes->node);
	return 0;
}

static int table_alloc(struct weir_smmu_v3 *smmu, size_t bytes, struct smmu_pages *out_pages)
{
	struct smmu_pages pages = { .bytes = bytes, .lasting = true };
	int err;

	if (!smmu->config.table_alloc)
		return weir_smmu_pages_get_(smmu, bytes, bytes, out_pages);
	err = smmu->config.table_alloc(smmu->config.arg, bytes, bytes, &pages.va, &pages.pa);
	if (!err)
		*out_pages = pages;
	return err;
}

int weir_smmu_table_make_(struct weir_smmu_v3 *smmu)
{
	struct smmu_table *table = &smmu->table;
	uint32_t bits = smmu->has.stream_bits;
	size_t bytes;
	int err;

	table->lg2 = bits;
	table->fmt = smmu->has.level2 && bits > LINEAR_BITS ? FMT_2LEVEL : FMT_LINEAR;
	table->split = 0;
	if (table->fmt == FMT_2LEVEL) /* 6, 8 and 10 are what there is, 6.3.24 */
		table->split = bits <= LEVEL1_BITS + 6 ? 6 : bits <= LEVEL1_BITS + 8 ? 8 : 10;
	bytes = table->fmt == FMT_2LEVEL ? (size_t)L1STD_BYTES << (bits - table->split)
					 : (size_t)STE_BYTES << bits;
	if (bytes < PAGE)
		bytes = PAGE;
	err = table_alloc(smmu, bytes, &table->pages); /* aligned to its size, 6.3.23 */
	if (err)
		return err;
	weir_smmu_publish_(smmu, table->pages.pa, bytes);
	return table->fmt == FMT_LINEAR ? weir_smmu_stes_add_(smmu, 0, 1u << bits, NULL,
							      table->pages.va, table->pages.pa)
					: 0;
}

static void stes_del(struct weir_smmu_v3 *smmu, struct smmu_stes *stes)
{
	weir_list_del(&stes->node);
	weir_smmu_pages_put_(smmu, &stes->pages);
	weir_smmu_free_(smmu, stes->ours, smmu_bits_bytes(stes->count));
	weir_smmu_free_(smmu, stes->kept, smmu_bits_bytes(stes->count));
	weir_smmu_free_(smmu, stes, sizeof(*stes));
}

/* Whether the hardware gets to a table of the second level. */
static bool is_reached(const struct weir_smmu_v3 *smmu, const struct smmu_stes *stes)
{
	return level1(smmu)[stes->first >> smmu->table.split];
}

void weir_smmu_level2_free_(struct weir_smmu_v3 *smmu)
{
	struct smmu_stes *stes, *tmp;

	weir_list_each_safe(stes, tmp, &smmu->stes, struct smmu_stes, node)
		if (stes->pages.va && !is_reached(smmu, stes))
			stes_del(smmu, stes);
}

void weir_smmu_table_free_(struct weir_smmu_v3 *smmu, bool in_force)
{
	struct smmu_pages *pages = &smmu->table.pages;
	struct smmu_stes *stes, *tmp;

	weir_list_each_safe(stes, tmp, &smmu->stes, struct smmu_stes, node) {
		if (smmu->leaves && stes->pages.va && is_reached(smmu, stes))
			stes->pages.va = NULL;
		stes_del(smmu, stes);
	}
	if (in_force || (smmu->table.foreign && !pages->lasting))
		return;
	weir_smmu_pages_put_(smmu, pages);
}

/* ---- finding ---- */

struct smmu_stes *weir_smmu_stes_find_(const struct weir_smmu_v3 *smmu, uint32_t stream)
{
	struct smmu_stes *stes;

	weir_list_each(stes, &smmu->stes, struct smmu_stes, node)
		if (stream - stes->first < stes->count)
			return stes;
	return NULL;
}

static void set_level1(struct weir_smmu_v3 *smmu, uint32_t index, uint64_t descriptor)
{
	level1(smmu)[index] = smmu_le64(descriptor);
	weir_smmu_publish_(smmu, smmu->table.pages.pa + index * (uint64_t)L1STD_BYTES, L1STD_BYTES);
}

static int make_level2(struct weir_smmu_v3 *smmu, uint32_t index)
{
	uint32_t split = smmu->table.split;
	size_t bytes = (size_t)STE_BYTES << split;
	struct smmu_pages pages;
	int err = weir_smmu_lasting_get_(smmu, bytes, bytes, &pages);

	if (err)
		return err;
	err = weir_smmu_stes_add_(smmu, index << split, 1u << split, &pages, pages.va, pages.pa);
	if (err) {
		weir_smmu_pages_put_(smmu, &pages);
		return err;
	}
	if (smmu->table.foreign && !smmu->enforced)
		weir_smmu_adopt_level2_(smmu, smmu_le64(level1(smmu)[index]), pages.va);
	weir_smmu_publish_(smmu, pages.pa, bytes);
	set_level1(smmu, index, (pages.pa & L1STD_L2PTR) | (split + 1));
	return 0;
}

/* Whether there is nothing that a stream could be behind. */
static bool is_absent(const struct weir_smmu_v3 *smmu, uint32_t stream)
{
	return !weir_smmu_stes_find_(smmu, stream) && !level1(smmu)[stream >> smmu->table.split];
}

static int get(struct weir_smmu_v3 *smmu, uint32_t stream, struct smmu_stes **out_stes)
{
	struct smmu_stes *stes = weir_smmu_stes_find_(smmu, stream);
	int err = stes ? 0 : make_level2(smmu, stream >> smmu->table.split);

	if (!err)
		*out_stes = stes ? stes : weir_smmu_stes_find_(smmu, stream);
	return err;
}

/* ---- changing an entry ---- */

struct writer {
	struct weir_smmu_v3 *smmu;
	uint32_t stream;
	volatile uint64_t *entry;
	uint64_t pa;
	bool cds;                    /* descriptors of it may be cached */
};

static void store_word(void *arg, unsigned int word, uint64_t value)
{
	((struct writer *)arg)->entry[word] = smmu_le64(value);
}

static int flush_by(struct weir_smmu_v3 *smmu, uint32_t opcode, uint32_t stream)
{
	const struct smmu_cmd cmd = { { opcode | CMD0_STREAM(stream), 0 } };
	int err = weir_smmu_queue_(smmu, &cmd, 1);

	return err ? err : weir_smmu_sync_(smmu);
}

/* Not only the entry: the descriptor above it may be new. */
static int flush_entry(void *arg)
{
	struct writer *w = arg;
	int err;

	weir_smmu_publish_(w->smmu, w->pa, STE_BYTES);
	err = flush_by(w->smmu, CMD_CFGI_STE, w->stream);
	/* No new entry finds a descriptor of the old one: with stage 2 it would be another guest's. */
	if (!err && w->cds && !w->entry[0]) {
		err = flush_by(w->smmu, CMD_CFGI_CD_ALL, w->stream);
		w->cds = false;
	}
	return err;
}

static const struct smmu_entry_ops writer_ops = { .store = store_word, .flush = flush_entry };

static int set(struct weir_smmu_v3 *smmu, uint32_t stream, const uint64_t want[STE_WORDS])
{
	uint64_t now[STE_WORDS];
	struct smmu_stes *stes;
	struct writer w = { .smmu = smmu, .stream = stream };
	uint32_t at;
	int err;

	if (stream > weir_smmu_v3_stream_max(smmu))
		return WEIR_ERANGE;
	if (smmu->unit.dead || smmu->off)
		return WEIR_EIO;
	if (!want[0] && is_absent(smmu, stream))
		return 0;
	err = get(smmu, stream, &stes);
	if (err)
		return err;
	at = stream - stes->first;
	w.entry = stes->entries + at * (size_t)STE_WORDS;
	w.pa = stes->pa + at * (uint64_t)STE_BYTES;
	for (unsigned int i = 0; i < STE_WORDS; i++)
		now[i] = smmu_le64(w.entry[i]);
	w.cds = smmu->has.s1 && now[0] & STE0_V;
	err = weir_smmu_entry_write_(&writer_ops, &w, now, want);
	/* Its context descriptor, once it cannot be read any more: the memory is used again. */
	if (!err && w.cds)
		err = flush_by(smmu, CMD_CFGI_CD_ALL, stream);
	if (!err && stes->ours)
		stes->ours[at / 64] |= BIT64(at % 64);
	return err;
}

int weir_smmu_v3_attach(struct weir_smmu_v3 *smmu, uint32_t stream,
			struct weir_smmu_v3_domain *domain)
{
	uint64_t want[STE_WORDS] = { 0 };

	if (domain)
		weir_smmu_ste_domain_(domain, smmu->has.coherent, weir_smmu_cd_pa_(domain), want);
	return set(smmu, stream, want);
}

int weir_smmu_v3_attach_identity(struct weir_smmu_v3 *smmu, uint32_t stream)
{
	uint64_t want[STE_WORDS];

	weir_smmu_ste_bypass_(smmu->has.coherent, want);
	return set(smmu, stream, want);
}

/* ---- blocking ---- */

static bool has_bit(const uint64_t *bits, uint32_t i)
{
	return bits && bits[i / 64] >> (i % 64) & 1;
}

static bool is_meant(const struct smmu_stes *stes, uint32_t i, enum smmu_block what)
{
	if (what == SMMU_BLOCK_OTHERS)
		return stes->ours && !has_bit(stes->ours, i);
	return !has_bit(stes->kept, i) && (what == SMMU_BLOCK_ALL || has_bit(stes->ours, i));
}

/* Return: whether something still passes. */
static bool block_entries(struct weir_smmu_v3 *smmu, struct smmu_stes *stes, enum smmu_block what)
{
	bool left = false;

	for (uint32_t i = 0; i < stes->count; i++) {
		volatile uint64_t *entry = stes->entries + i * (size_t)STE_WORDS;

		if (!entry[0])
			continue;
		if (!is_meant(stes, i, what)) {
			left = true;
			continue;
		}
		entry[0] = 0;
		weir_smmu_publish_(smmu, stes->pa + i * (uint64_t)STE_BYTES, STE_BYTES);
	}
	return left;
}

int weir_smmu_block_(struct weir_smmu_v3 *smmu, enum smmu_block what, bool *out_left)
{
	struct smmu_stes *stes;
	bool left = false;

	weir_list_each(stes, &smmu->stes, struct smmu_stes, node) {
		bool some = block_entries(smmu, stes, what);

		if (!some && what == SMMU_BLOCK_ALL && stes->pages.va && is_reached(smmu, stes))
			set_level1(smmu, stes->first >> smmu->table.split, 0);
		left = left || some;
	}
	for (uint32_t i = 0; what != SMMU_BLOCK_OURS && i < nr_level1(smmu); i++)
		if (level1(smmu)[i] && !weir_smmu_stes_find_(smmu, i << smmu->table.split))
			set_level1(smmu, i, 0);
	if (what == SMMU_BLOCK_OURS)
		left = true;
	if (out_left)
		*out_left = left;
	return weir_smmu_flush_all_(smmu);
}
