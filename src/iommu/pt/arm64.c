// SPDX-License-Identifier: MIT
/*
 * Arm's VMSAv8-64 tables, stage 1 and stage 2, with pages of 4, 16 and 64 KiB. What bits mean is from
 * the Arm Architecture Reference Manual (DDI 0487), section D8.3 (descriptor formats), D8.4 (access
 * permissions), D8.6 (memory attributes), D8.7 (the contiguous bit) and D8.16 (FEAT_BBM); what
 * of it an SMMU uses, from the SMMUv3 specification (IHI 0070), section 3.4 and 5.2.
 *
 * Both stages are laid out alike but for attributes. The short way is compiled for pages of 4 KiB,
 * and once for all. Addresses of 52 bits come with pages of 64 KiB (FEAT_LPA, FEAT_LVA); with smaller ones
 * they take another layout (FEAT_LPA2, TCR.DS), which is a kind of its own: who does not name it has
 * nothing of it.
 */
#include "iommu/pt/pt.h"

#define VALID     UINT64_C(0x1)
#define NOT_BLOCK UINT64_C(0x2)          /* of a table, and of a page at the last level */
#define S1_UNPRIV (UINT64_C(1) << 6)     /* AP[1] */
#define S1_RDONLY (UINT64_C(1) << 7)     /* AP[2] */
#define S1_INDEX  2                      /* AttrIndx, bits 4:2 */
#define S1_NG     (UINT64_C(1) << 11)
#define S2_READ   (UINT64_C(1) << 6)     /* S2AP */
#define S2_WRITE  (UINT64_C(1) << 7)
#define S2_ATTR   2                      /* MemAttr, bits 5:2 */
#define SH_OUTER  (UINT64_C(2) << 8)
#define SH_INNER  (UINT64_C(3) << 8)
#define AF        (UINT64_C(1) << 10)
#define NT        (UINT64_C(1) << 16)
#define CONT      (UINT64_C(1) << 52)
#define S1_XN     (UINT64_C(3) << 53)    /* UXN and PXN: devices can be privileged */
#define S2_XN     (UINT64_C(2) << 53)    /* XN 0b10: neither; 0b11 would let the privileged (FEAT_XNX) */

/* Address bits 47:12, and bits 51:48 where pages of 64 KiB have them, in 15:12. */
#define PA_LOW     UINT64_C(0x0000fffffffff000)
#define PA_HIGH(x) ((x) >> 36 & 0xf000)

/* Indexes of WEIR_TABLE_ARM_MAIR, and the same as stage 2 says it. */
enum memory { NONCACHED, CACHED, DEVICE };
static const uint8_t s2_attr[] = { [NONCACHED] = 0x5, [CACHED] = 0xf, [DEVICE] = 0x1 };

static uint64_t encode(uint64_t pa)
{
	return (pa & PA_LOW) | PA_HIGH(pa);
}

static uint64_t decode(const struct weir_table *t, uint64_t entry, unsigned int height,
		       uint64_t index)
{
	uint64_t pa = entry & PA_LOW & ~((UINT64_C(1) << t->shift[height]) - 1);

	(void)index;
	return t->page_lg2 == 16 ? pa | (entry & 0xf000) << 36 : pa;
}

static uint64_t leaf(const struct weir_table *t, uint64_t pa, uint64_t attr, unsigned int height,
		     bool hinted)
{
	(void)t;
	return encode(pa) | attr | (height ? 0 : NOT_BLOCK) | (hinted ? CONT : 0);
}

static uint64_t table(const struct weir_table *t, uint64_t pa)
{
	(void)t;
	return encode(pa) | NOT_BLOCK | VALID;
}

static bool is_leaf(uint64_t entry, unsigned int height)
{
	return (entry & (VALID | NOT_BLOCK)) == (height ? VALID : VALID | NOT_BLOCK);
}

static bool is_hinted(uint64_t entry, unsigned int height)
{
	(void)height;
	return entry & CONT;
}

static uint64_t attr_of(const struct weir_table *t, uint64_t entry, unsigned int height)
{
	(void)t;
	(void)height;
	return entry & ~(PA_LOW | NOT_BLOCK | CONT | NT);
}

static uint32_t prot_of(const struct weir_table *t, uint64_t entry, unsigned int height)
{
	uint32_t prot = entry & S2_XN ? WEIR_MAP_NOEXEC : 0;
	enum memory memory = entry >> S1_INDEX & 7;

	(void)height;
	if (t->tables.format == WEIR_TABLE_ARM_S2) {
		for (memory = NONCACHED; memory < DEVICE; memory++)
			if (s2_attr[memory] == (entry >> S2_ATTR & 0xf))
				break;
		prot |= (entry & S2_READ ? WEIR_MAP_READ : 0) |
			(entry & S2_WRITE ? WEIR_MAP_WRITE : 0);
	} else {
		prot |= WEIR_MAP_READ | (entry & S1_RDONLY ? 0 : WEIR_MAP_WRITE);
	}
	return prot | (memory == CACHED ? WEIR_MAP_CACHED : memory == DEVICE ? WEIR_MAP_DEVICE : 0);
}

/*
 * Device memory ignores shareability, and what is not cached is outer shareable whatever
 * it says (D8.6): it is written as such. The access flag is set: nobody would handle its fault.
 */
static uint64_t attr(bool stage2, uint32_t prot)
{
	enum memory memory = prot & WEIR_MAP_DEVICE ? DEVICE
			     : prot & WEIR_MAP_CACHED ? CACHED
						      : NONCACHED;
	uint64_t bits = VALID | AF | (prot & WEIR_MAP_CACHED ? SH_INNER : SH_OUTER) |
			(!(prot & WEIR_MAP_NOEXEC) ? 0 : stage2 ? S2_XN : S1_XN);

	if (!(prot & (WEIR_MAP_READ | WEIR_MAP_WRITE)))
		return 0;
	if (stage2)
		return bits | (uint64_t)s2_attr[memory] << S2_ATTR |
		       (prot & WEIR_MAP_READ ? S2_READ : 0) |
		       (prot & WEIR_MAP_WRITE ? S2_WRITE : 0);
	return bits | (uint64_t)memory << S1_INDEX | S1_NG | S1_UNPRIV |
	       (prot & WEIR_MAP_WRITE ? 0 : S1_RDONLY);
}

/* Of each size of page: heights that have larger ones, and entries that a hint makes one (D8.7.1). */
static const struct granule {
	uint8_t lg2, blocks, hint_lg2[WEIR_PT_LEVELS];
} granules[] = {
	{ 12, 0x7, { 4, 4, 4 } },
	{ 14, 0x3, { 7, 5, 0 } },
	{ 16, 0x3, { 5, 5, 0 } },
};

/*
 * With DS pages of 4 and 16 KiB have address bits 51:50 where shareability is without, which is the walker's
 * then: it takes that of its own accesses (D8.6.2). Larger pages go one level up, without hints.
 */
#define DS_LOW  UINT64_C(0x0003fffffffff000)
#define DS_HIGH UINT64_C(0x300)

static const struct granule ds_granules[] = {
	{ 12, 0xf, { 4, 4, 4 } },
	{ 14, 0x7, { 7, 5, 0 } },
};

static uint64_t ds_encode(uint64_t pa)
{
	return (pa & DS_LOW) | (pa >> 42 & DS_HIGH);
}

static uint64_t ds_decode(const struct weir_table *t, uint64_t entry, unsigned int height,
			  uint64_t index)
{
	(void)index;
	return (entry & DS_LOW & ~((UINT64_C(1) << t->shift[height]) - 1)) | (entry & DS_HIGH) << 42;
}

static uint64_t ds_leaf(const struct weir_table *t, uint64_t pa, uint64_t attr, unsigned int height,
			bool hinted)
{
	(void)t;
	return ds_encode(pa) | attr | (height ? 0 : NOT_BLOCK) | (hinted ? CONT : 0);
}

static uint64_t ds_table(const struct weir_table *t, uint64_t pa)
{
	(void)t;
	return ds_encode(pa) | NOT_BLOCK | VALID;
}

static uint64_t ds_attr_of(const struct weir_table *t, uint64_t entry, unsigned int height)
{
	(void)t;
	(void)height;
	return entry & ~(DS_LOW | DS_HIGH | NOT_BLOCK | CONT);
}

/*
 * Levels and what they map. The root of stage 2 may be up to 16 tables side by side, which
 * saves a level (D8.2.2); it is never the last level alone.
 */
static void geometry(struct weir_table *t, const struct weir_table_config *config)
{
	uint32_t index_lg2 = config->granule_lg2 - 3, bits = config->iova_bits;
	uint32_t top = (bits - config->granule_lg2 - 1) / index_lg2, root_bits;

	t->page_lg2 = (uint8_t)config->granule_lg2;
	t->entry_lg2 = 3;
	root_bits = bits - config->granule_lg2 - top * index_lg2;
	if (config->format == WEIR_TABLE_ARM_S2 && root_bits <= 4 && top > 1)
		top--;
	t->top = (uint8_t)top;
	for (uint32_t height = 0; height <= top; height++)
		t->shift[height] = (uint8_t)(config->granule_lg2 + height * index_lg2);
	t->shift[top + 1] = (uint8_t)bits;
}

#define PT_ENTRY          uint64_t
#define PT_PAGE_BITS      NOT_BLOCK
#define PT_VALID(entry)   ((entry) & VALID)
#define PT_HINTED(entry)  ((entry) & CONT)
#define PT_HINT_BITS      CONT
#define PT_FLAT(t, bytes) (bytes)

#ifndef __OPTIMIZE_SIZE__
#define PT_NAME(x)         arm64_4k_##x
#define PT_PAGE_LG2(t)     12u
#define PT_INDEX_LG2(t)    9u
#define PT_PAGE(t, pa)     (pa)
#define PT_PA(t, entry, i) ((entry) & PA_LOW)
#include "iommu/pt/walk.inc"
#include "iommu/pt/page.inc"
#undef PT_NAME
#undef PT_PAGE_LG2
#undef PT_INDEX_LG2
#undef PT_PAGE
#undef PT_PA
#endif

#define PT_NAME(x)         arm64_any_##x
#define PT_PAGE_LG2(t)     ((t)->page_lg2)
#define PT_INDEX_LG2(t)    ((t)->page_lg2 - 3u)
#define PT_PAGE(t, pa)     encode(pa)
#define PT_PA(t, entry, i) decode(t, entry, 0, i)
#define PT_SCATTERED(t)    ((t)->pa_last >> 48)
#include "iommu/pt/walk.inc"
#ifndef __OPTIMIZE_SIZE__
#include "iommu/pt/page.inc"
#endif
#include "iommu/pt/run.inc"

#undef PT_NAME
#undef PT_PAGE
#undef PT_PA
#undef PT_SCATTERED
#define PT_NAME(x)         arm64_ds_##x
#define PT_PAGE(t, pa)     ds_encode(pa)
#define PT_PA(t, entry, i) ds_decode(t, entry, 0, i)
#define PT_SCATTERED(t)    ((t)->pa_last >> 50)
#define PT_NO_UNMAP_RUN
#include "iommu/pt/walk.inc"
#ifndef __OPTIMIZE_SIZE__
#include "iommu/pt/page.inc"
#endif
#include "iommu/pt/run.inc"

static bool is_stage2(const struct weir_table_config *config)
{
	return config->format == WEIR_TABLE_ARM_S2;
}

/* Of @n sizes of pages, the one wanted; and whether the rest is as any of these formats has it. */
static const struct granule *find_granule(const struct weir_table_config *config,
					  const struct granule *granule, size_t n, uint32_t most)
{
	if ((config->format != WEIR_TABLE_ARM_S1 && !is_stage2(config)) || config->iova_bits < 32 ||
	    config->iova_bits > most || config->pa_bits < 32 || config->pa_bits > most ||
	    config->bbm_level > 2)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (granule[i].lg2 == config->granule_lg2)
			return &granule[i];
	return NULL;
}

static int init(struct weir_table *t, const struct weir_table_config *config)
{
	const struct granule *granule = find_granule(config, granules, 3,
						     config->granule_lg2 == 16 ? 52 : 48);
	int err;

	if (!granule)
		return WEIR_EOPNOTSUPP;
	geometry(t, config);
	/* blocks of 4 TiB come with addresses of 52 bits (FEAT_LPA) */
	err = weir_pt_sizes_(t, config->page_sizes,
			     granule->blocks | (config->pa_bits == 52 ? 0x4u : 0), granule->hint_lg2);
	if (err)
		return err;
	for (uint32_t prot = 0; prot < WEIR_PT_PROTS; prot++)
		t->attr[prot] = attr(is_stage2(config), prot);
#ifndef __OPTIMIZE_SIZE__
	t->map = t->page_lg2 == 12 ? arm64_4k_map : arm64_any_map;
	t->unmap = t->page_lg2 == 12 ? arm64_4k_unmap : arm64_any_unmap;
	t->translate = t->page_lg2 == 12 ? arm64_4k_translate : arm64_any_translate;
#endif
	return 0;
}

static int ds_init(struct weir_table *t, const struct weir_table_config *config)
{
	const struct granule *granule = find_granule(config, ds_granules, 2, 52);
	int err;

	/* shorter addresses are laid out as ever, which is how walkers tell */
	if (!granule || (config->iova_bits <= 48 && config->pa_bits <= 48))
		return WEIR_EOPNOTSUPP;
	geometry(t, config);
	err = weir_pt_sizes_(t, config->page_sizes, granule->blocks, granule->hint_lg2);
	if (err)
		return err;
	for (uint32_t prot = 0; prot < WEIR_PT_PROTS; prot++)
		t->attr[prot] = attr(is_stage2(config), prot) & ~DS_HIGH;
#ifndef __OPTIMIZE_SIZE__
	t->map = arm64_ds_map;
	t->unmap = arm64_ds_unmap;
	t->translate = arm64_ds_translate;
#endif
	return 0;
}

const struct weir_table_kind weir_table_arm64 = {
	.init = init,
	.leaf = leaf,
	.table = table,
	.pa = decode,
	.prot = prot_of,
	.attr = attr_of,
	.is_leaf = is_leaf,
	.is_hinted = is_hinted,
	.hint = CONT,
	.no_tlb = NT,
#ifndef __OPTIMIZE_SIZE__
	.map_run = arm64_any_map_run,
#endif
	.unmap_run = arm64_any_unmap_run,
	.fill = arm64_any_fill,
};

const struct weir_table_kind weir_table_arm64_ds = {
	.init = ds_init,
	.leaf = ds_leaf,
	.table = ds_table,
	.pa = ds_decode,
	.prot = prot_of,
	.attr = ds_attr_of,
	.is_leaf = is_leaf,
	.is_hinted = is_hinted,
	.hint = CONT,
	.no_tlb = NT,
#ifndef __OPTIMIZE_SIZE__
	.map_run = arm64_ds_map_run,
#endif
	.unmap_run = arm64_any_unmap_run, /* writes no addresses */
	.fill = arm64_ds_fill,
};
