// SPDX-License-Identifier: MIT
/*
 * Two-level tables with entries of 32 bits: Arm's short descriptors, and those of the Exynos SysMMU,
 * which are laid out as these. The root has 4096 entries, for a MiB each; a table behind one has 256 for
 * pages of 4 KiB. A page of 64 KiB is the same entry 16 times; so is, on Arm, one of 16 MiB in the root.
 *
 * Arm: the Architecture Reference Manual for ARMv7-A (DDI 0406C), section B3.5.1 (descriptors), B3.7
 * (permissions), B3.8.2 and B3.8.3 (memory types, without and with TEX remap). Addresses of 40 bits, which
 * only pages of 16 MiB can have, are not used.
 *
 * Exynos: the device-tree binding samsung,sysmmu calls its format that of ARMv7 with a minimum of
 * attributes; what there is, and that from version 5 on entries hold addresses without their low
 * 4 bits, is in what Samsung published on linux-arm-kernel ("iommu/exynos: Add support for v5 SYSMMU",
 * "iommu/exynos: Support for protection bits"): read and write at bits 3:2 of a page and 5:4 of a section;
 * before version 5, AP[0] and AP[2] where Arm has them. Nothing says whether 16 MiB work: not used.
 */
#include "iommu/pt/pt.h"

#define TYPE    0x3u
#define TABLE   0x1u /* in the root */
#define SECTION 0x2u
#define LARGE   0x1u /* at the last level: 64 KiB */
#define SMALL   0x2u
#define SUPER   (UINT32_C(1) << 18) /* a section that is one of 16 */
#define REPEAT_LG2 4u               /* entries that are one page */

/* Attributes are kept as a small page has them. */
#define XN        0x001u
#define B         0x004u
#define C         0x008u
#define AF        0x010u /* AP[0] */
#define UNPRIV    0x020u /* AP[1] */
#define TEX_0     0x040u
#define TEX       0x1c0u
#define RDONLY    0x200u /* AP[2] */
#define S         0x400u
#define NG        0x800u
#define V5_READ   0x004u
#define V5_WRITE  0x008u

static bool is_v5(const struct weir_table *t)
{
	return t->pa_shift;
}

/* The attributes of a small page as a large page and as a section have them, and back. */
static uint32_t to_large(const struct weir_table *t, uint32_t attr)
{
	if (is_v5(t))
		return attr;
	return (attr & ~(TEX | XN)) | (attr & TEX) << 6 | (attr & XN) << 15;
}

static uint32_t from_large(const struct weir_table *t, uint32_t entry)
{
	if (is_v5(t))
		return entry & (V5_READ | V5_WRITE);
	return (entry & (NG | S | RDONLY | UNPRIV | AF | C | B)) | (entry >> 6 & TEX) |
	       (entry >> 15 & XN);
}

static uint32_t to_section(const struct weir_table *t, uint32_t attr)
{
	if (is_v5(t))
		return attr << 2;
	return (attr & (C | B)) | (attr & ~(C | B | XN)) << 6 | (attr & XN) << 4;
}

static uint32_t from_section(const struct weir_table *t, uint32_t entry)
{
	if (is_v5(t))
		return entry >> 2 & (V5_READ | V5_WRITE);
	return (entry & (C | B)) | (entry >> 6 & (NG | S | RDONLY | TEX | UNPRIV | AF)) |
	       (entry >> 4 & XN);
}

static uint32_t large(const struct weir_table *t, uint64_t pa, uint64_t attr)
{
	pa &= ~((UINT64_C(1) << (t->page_lg2 + REPEAT_LG2)) - 1);
	return (uint32_t)(pa >> t->pa_shift) | to_large(t, (uint32_t)attr) | LARGE;
}

static uint64_t leaf(const struct weir_table *t, uint64_t pa, uint64_t attr, unsigned int height,
		     bool hinted)
{
	uint64_t size = UINT64_C(1) << t->shift[height] << (hinted ? REPEAT_LG2 : 0);

	if (!height)
		return hinted ? large(t, pa, attr)
			      : (uint32_t)(pa >> t->pa_shift) | (uint32_t)attr | SMALL;
	return (uint32_t)((pa & ~(size - 1)) >> t->pa_shift) | to_section(t, (uint32_t)attr) |
	       (hinted ? SUPER : 0) | SECTION;
}

static uint64_t table(const struct weir_table *t, uint64_t pa)
{
	return pa >> t->pa_shift | TABLE;
}

static bool is_leaf(uint64_t entry, unsigned int height)
{
	return height ? (entry & TYPE) == SECTION : !!(entry & TYPE);
}

/* Asked only where there are such: SUPER is a bit of the address from version 5 on. */
static bool is_hinted(uint64_t entry, unsigned int height)
{
	return height ? (entry & (SUPER | TYPE)) == (SUPER | SECTION) : (entry & TYPE) == LARGE;
}

/* An entry says where its page begins, which may be with another entry. */
static uint64_t decode(const struct weir_table *t, uint64_t entry, unsigned int height, uint64_t index)
{
	uint64_t shift = t->shift[height], pa = entry << t->pa_shift;

	if (!weir_pt_hinted(t, entry, height))
		return pa & ~((UINT64_C(1) << shift) - 1);
	pa &= ~((UINT64_C(1) << (shift + REPEAT_LG2)) - 1);
	return pa | (index & ((1u << REPEAT_LG2) - 1)) << shift;
}

static uint64_t attr_of(const struct weir_table *t, uint64_t entry, unsigned int height)
{
	if (height)
		return from_section(t, (uint32_t)entry);
	if ((entry & TYPE) == LARGE)
		return from_large(t, (uint32_t)entry);
	return entry & (is_v5(t) ? V5_READ | V5_WRITE
				 : NG | S | RDONLY | TEX | UNPRIV | AF | C | B | XN);
}

static uint32_t prot_of(const struct weir_table *t, uint64_t entry, unsigned int height)
{
	uint64_t attr = attr_of(t, entry, height);
	uint32_t prot = WEIR_MAP_READ | (attr & RDONLY ? 0 : WEIR_MAP_WRITE);

	if (is_v5(t))
		return (attr & V5_READ ? WEIR_MAP_READ : 0) | (attr & V5_WRITE ? WEIR_MAP_WRITE : 0);
	if (t->tables.format == WEIR_TABLE_EXYNOS)
		return prot;
	return prot | (attr & XN ? WEIR_MAP_NOEXEC : 0) | (attr & TEX ? 0 : WEIR_MAP_DEVICE) |
	       (attr & C ? WEIR_MAP_CACHED : 0);
}

/*
 * Memory is normal, write-back write-allocate or not cached, and registers shareable device, as indexes of
 * TEX remap that mean the same without it. Shareable, not global, for the unprivileged.
 */
static uint64_t attr(enum weir_table_format format, uint32_t prot)
{
	uint32_t rights = AF | (prot & WEIR_MAP_WRITE ? 0 : RDONLY);

	if (!(prot & (WEIR_MAP_READ | WEIR_MAP_WRITE)))
		return 0;
	if (format == WEIR_TABLE_EXYNOS_V5)
		return (prot & WEIR_MAP_READ ? V5_READ : 0) | (prot & WEIR_MAP_WRITE ? V5_WRITE : 0);
	if (format == WEIR_TABLE_EXYNOS)
		return rights;
	return rights | UNPRIV | S | NG | (prot & WEIR_MAP_NOEXEC ? XN : 0) |
	       (prot & WEIR_MAP_DEVICE ? B : prot & WEIR_MAP_CACHED ? TEX_0 | C | B : TEX_0);
}

#define PT_NAME(x)              short_##x
#define PT_ENTRY                uint32_t
#define PT_PAGE_LG2(t)          12u
#define PT_INDEX_LG2(t)         8u
#define PT_PAGE(t, pa)          ((pa) >> (t)->pa_shift)
#define PT_PA(t, entry, i)      decode(t, entry, 0, i)
#define PT_SCATTERED(t)         false
#define PT_FLAT(t, bytes)       ((bytes) >> (t)->pa_shift)
#define PT_PAGE_BITS            SMALL
#define PT_VALID(entry)         ((entry) & TYPE)
#define PT_HINTED(entry)        (((entry) & TYPE) == LARGE)
#define PT_REPEATED(t, pa, bit) large(t, pa, bit)
#include "iommu/pt/walk.inc"
#ifndef __OPTIMIZE_SIZE__
#include "iommu/pt/page.inc"
#endif
#include "iommu/pt/run.inc"

static int init(struct weir_table *t, const struct weir_table_config *config)
{
	static const uint8_t arm[WEIR_PT_LEVELS] = { REPEAT_LG2, REPEAT_LG2 };
	static const uint8_t exynos[WEIR_PT_LEVELS] = { REPEAT_LG2 };
	bool v5 = config->format == WEIR_TABLE_EXYNOS_V5;

	if (!v5 && config->format != WEIR_TABLE_EXYNOS && config->format != WEIR_TABLE_ARM_SHORT)
		return WEIR_EOPNOTSUPP;
	if (config->granule_lg2 != 12 || config->iova_bits != 32 || config->bbm_level ||
	    config->pa_bits < 32 || config->pa_bits > (v5 ? 36 : 32))
		return WEIR_EOPNOTSUPP;
	t->page_lg2 = 12;
	t->entry_lg2 = 2;
	t->pa_shift = v5 ? 4 : 0;
	/* tables of 1 KiB, and books for 64 MiB at a time */
	t->sharers = 4;
	t->sliced = true;
	t->top = 2;
	t->shift[0] = 12;
	t->shift[1] = 20;
	t->shift[2] = 26;
	t->shift[3] = 32;
	for (uint32_t prot = 0; prot < WEIR_PT_PROTS; prot++)
		t->attr[prot] = attr(config->format, prot);
#ifndef __OPTIMIZE_SIZE__
	t->map = short_map;
	t->unmap = short_unmap;
	t->translate = short_translate;
#endif
	return weir_pt_sizes_(t, config->page_sizes, 0x3,
			      config->format == WEIR_TABLE_ARM_SHORT ? arm : exynos);
}

const struct weir_table_kind weir_table_short = {
	.init = init,
	.leaf = leaf,
	.table = table,
	.pa = decode,
	.prot = prot_of,
	.attr = attr_of,
	.is_leaf = is_leaf,
	.is_hinted = is_hinted,
	.parts = &weir_pt_parts_,
#ifndef __OPTIMIZE_SIZE__
	.map_run = short_map_run,
#endif
	.unmap_run = short_unmap_run,
	.fill = short_fill,
};
