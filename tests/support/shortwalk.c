// SPDX-License-Identifier: MIT
/* See shortwalk.h. */
#include "shortwalk.h"

#include <string.h>

struct walker {
	const struct weir_tables *tables;
	uint32_t prrr, nmrr;
	armwalk_read_fn *read;
	void *context;
};

static uint32_t bits(uint32_t value, unsigned int high, unsigned int low)
{
	return value >> low & ((UINT32_C(2) << (high - low)) - 1);
}

static uint32_t fetch(const struct walker *w, uint64_t pa)
{
	uint64_t both = w->read(w->context, pa & ~UINT64_C(7));

	return (uint32_t)(both >> (pa & 4 ? 32 : 0));
}

/* Address bits from @low on of an entry; with version 5, of what is 4 bits to the left of it. */
static uint64_t output(const struct walker *w, uint32_t entry, unsigned int low)
{
	if (w->tables->format == WEIR_TABLE_EXYNOS_V5)
		return (uint64_t)bits(entry, 31, low - 4) << low;
	return (uint64_t)bits(entry, 31, low) << low;
}

/* Memory by TEX remap (B3.8.3), as MAIR has it. */
static const char *memory(const struct walker *w, uint32_t tex0, uint32_t c, uint32_t b,
			  struct armwalk *walk)
{
	unsigned int n = tex0 << 2 | c << 1 | b, inner = bits(w->nmrr, 2 * n + 1, 2 * n);
	unsigned int outer = bits(w->nmrr, 2 * n + 17, 2 * n + 16);

	switch (bits(w->prrr, 2 * n + 1, 2 * n)) {
	case 1:
		walk->memory = 0x04;
		return NULL;
	case 2:
		if (inner != outer || inner > 1)
			return "another cacheability inside than outside, or write-through";
		walk->memory = inner ? 0xff : 0x44;
		/* what is not cached is outer shareable whatever it says */
		walk->sh = inner && bits(w->prrr, 24 + n, 24 + n) ? 3 : 2;
		return NULL;
	default:
		return "strongly ordered memory";
	}
}

/* Access permissions with an access flag (B3.7.1), of a walker that is not privileged. */
static const char *rights(bool arm, uint32_t ap2, uint32_t ap10, struct armwalk *walk)
{
	walk->af = ap10 & 1;
	walk->read = walk->af && (!arm || ap10 & 2);
	walk->write = walk->read && !ap2;
	if (!arm && ap10 & 2)
		return "AP[1] is set, which is not the SysMMU's";
	return NULL;
}

static const char *of_arm(const struct walker *w, uint32_t entry, struct armwalk *walk)
{
	bool arm = w->tables->format == WEIR_TABLE_ARM_SHORT;
	bool first = walk->level == 2, large = !first && bits(entry, 1, 0) == 1;
	unsigned int up = first ? 6 : 0;
	uint32_t tex = first || large ? bits(entry, 14, 12) : bits(entry, 8, 6);
	uint32_t xn = first ? bits(entry, 4, 4) : large ? bits(entry, 15, 15) : bits(entry, 0, 0);
	const char *wrong = rights(arm, bits(entry, 9 + up, 9 + up), bits(entry, 5 + up, 4 + up), walk);

	walk->execute = !xn;
	walk->global = !bits(entry, 11 + up, 11 + up);
	walk->sh = bits(entry, 10 + up, 10 + up) ? 2 : 0;
	if (!wrong && arm)
		wrong = walk->sh ? memory(w, tex & 1, bits(entry, 3, 3), bits(entry, 2, 2), walk)
				 : "not shareable";
	if (!wrong && (tex & 6))
		wrong = "TEX[2:1] are the system's";
	if (!wrong && !arm && (tex || xn || !walk->global || walk->sh || bits(entry, 3, 2)))
		wrong = "attributes that the SysMMU has not";
	if (!wrong && first && (bits(entry, 19, 19) || bits(entry, 9, 9) || bits(entry, 0, 0)))
		wrong = "a section's NS, PXN or bit 9 is set";
	if (!wrong && first && bits(entry, 8, 5))
		wrong = "a domain other than 0, or an address above 4 GiB";
	if (!wrong && large && bits(entry, 8, 6))
		wrong = "a large page's bits 8:6 are set";
	return wrong;
}

static const char *of_v5(uint32_t entry, struct armwalk *walk)
{
	unsigned int low = walk->level == 2 ? 4 : 2;
	unsigned int address = walk->level == 2 ? 16 : bits(entry, 1, 0) == 1 ? 12 : 8;

	walk->read = bits(entry, low, low);
	walk->write = bits(entry, low + 1, low + 1);
	walk->af = walk->execute = walk->global = true;
	return bits(entry, address - 1, 2) & ~(3u << (low - 2)) ? "bits without a meaning are set" : NULL;
}

/* A large page and a supersection are 16 times the same, and begin with a multiple of 16. */
static const char *check_run(const struct walker *w, uint64_t table, uint64_t index, uint32_t entry)
{
	for (unsigned int i = 0; i < 16; i++)
		if (fetch(w, table + 4 * (index - index % 16 + i)) != entry)
			return "entries of one page that differ";
	return NULL;
}

const char *shortwalk(const struct weir_tables *tables, uint32_t prrr, uint32_t nmrr,
		      armwalk_read_fn *read, void *context, uint64_t iova, struct armwalk *out_walk)
{
	struct walker w = { tables, prrr, nmrr, read, context };
	bool v5 = tables->format == WEIR_TABLE_EXYNOS_V5;
	uint64_t table = tables->root_pa, index = iova >> 20;
	struct armwalk walk = { .level = 2 };
	unsigned int low = 20;
	const char *wrong;
	uint32_t entry;

	memset(out_walk, 0, sizeof(*out_walk));
	if (iova >> 32)
		return NULL;
	if (table & 0x3fff || tables->levels != 2 || tables->granule_lg2 != 12)
		return "the root is not aligned, or of another format";
	entry = fetch(&w, table + 4 * index);
	if (!bits(entry, 1, 0))
		return entry ? "an invalid entry is not zero" : NULL;
	if (bits(entry, 1, 0) == 3)
		return "a reserved type";
	if (bits(entry, 1, 0) == 1) {
		if (bits(entry, v5 ? 5 : 9, 2))
			return "a table has attributes";
		table = output(&w, entry, 10);
		index = iova >> 12 & 0xff;
		walk.level = 3;
		entry = fetch(&w, table + 4 * index);
		if (!bits(entry, 1, 0))
			return entry ? "an invalid entry is not zero" : NULL;
		low = bits(entry, 1, 1) ? 12 : 16;
		if (bits(entry, 1, 0) == 3 && tables->format != WEIR_TABLE_ARM_SHORT)
			return "a reserved type";
		walk.contiguous = low == 16;
	} else if (tables->format == WEIR_TABLE_ARM_SHORT && bits(entry, 18, 18)) {
		low = 24;
		walk.contiguous = true;
		if (bits(entry, 23, 20))
			return "a supersection above 4 GiB";
	}
	walk.page_bytes = UINT64_C(1) << low;
	walk.pa = output(&w, entry, low) | (iova & (walk.page_bytes - 1));
	wrong = v5 ? of_v5(entry, &walk) : of_arm(&w, entry, &walk);
	if (!wrong && walk.contiguous)
		wrong = check_run(&w, table, index, entry);
	/* as armwalk() has it: of one entry */
	if (walk.contiguous)
		walk.page_bytes >>= 4;
	*out_walk = walk;
	return wrong;
}
