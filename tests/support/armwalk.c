// SPDX-License-Identifier: MIT
/* See armwalk.h. */
#include "armwalk.h"

#include <string.h>

static uint64_t bits(uint64_t value, unsigned int high, unsigned int low)
{
	return value >> low & ((UINT64_C(2) << (high - low)) - 1);
}

/* Small pages and long addresses: TCR.DS is 1 (D8.2.8, D8.2.9). */
static bool is_ds(const struct weir_tables *tables)
{
	return tables->granule_lg2 < 16 && (tables->iova_bits > 48 || tables->pa_bits > 48);
}

/* The output address of a descriptor that translates or leads on, aligned to 2^@low (D8.3.1). */
static uint64_t output(const struct weir_tables *tables, uint64_t descriptor, unsigned int low)
{
	uint64_t pa = bits(descriptor, 47, low) << low;

	if (is_ds(tables))
		return pa | bits(descriptor, 49, 48) << 48 | bits(descriptor, 9, 8) << 50;

	if (tables->granule_lg2 == 16 && tables->pa_bits == 52)
		pa |= bits(descriptor, 15, 12) << 48;
	return pa;
}

/* How many entries a set contiguous bit speaks of (D8.7.1, table of sizes). */
static unsigned int together(unsigned int granule_lg2, int level)
{
	switch (granule_lg2) {
	case 12:
		return 16;
	case 14:
		return level == 3 ? 128 : 32;
	default:
		return 32;
	}
}

static const char *attributes(const struct weir_tables *tables, uint64_t mair, uint64_t descriptor,
			      struct armwalk *walk)
{
	walk->af = bits(descriptor, 10, 10);
	walk->sh = is_ds(tables) ? 0 : (unsigned int)bits(descriptor, 9, 8);
	walk->contiguous = bits(descriptor, 52, 52);
	walk->nt = walk->level < 3 && bits(descriptor, 16, 16);
	if (tables->format == WEIR_TABLE_ARM_S1) {
		walk->memory = (unsigned int)(mair >> 8 * bits(descriptor, 4, 2) & 0xff);
		walk->read = bits(descriptor, 6, 6); /* unprivileged, as devices are */
		walk->write = walk->read && !bits(descriptor, 7, 7);
		walk->execute = !bits(descriptor, 54, 53);
		walk->global = !bits(descriptor, 11, 11);
		if (bits(descriptor, 54, 54) != bits(descriptor, 53, 53))
			return "stage 1: executable for some";
		if (bits(descriptor, 5, 5) || bits(descriptor, 51, 50))
			return "stage 1: NS, DBM or GP is set";
	} else {
		walk->memory = (unsigned int)bits(descriptor, 5, 2);
		walk->read = bits(descriptor, 6, 6);
		walk->write = bits(descriptor, 7, 7);
		walk->execute = !bits(descriptor, 54, 53);
		walk->global = true;
		if (bits(descriptor, 53, 53))
			return "stage 2: executable for some";
		if (bits(descriptor, 11, 11) || bits(descriptor, 51, 51))
			return "stage 2: bit 11 or DBM is set";
	}
	if (walk->sh == 1)
		return "reserved shareability";
	return bits(descriptor, 63, 55) ? "bits for software are set" : NULL;
}

/* All entries of a contiguous run must say the same, of memory in a row (D8.7.1). */
static const char *check_run(const struct weir_tables *tables, armwalk_read_fn *read, void *context,
			     uint64_t table, uint64_t index, int level, unsigned int low)
{
	unsigned int n = together(tables->granule_lg2, level);
	uint64_t first = index - index % n, base = read(context, table + 8 * first);

	if (level < (tables->granule_lg2 == 12 ? 1 : 2))
		return "contiguous where there are no hints";
	if (output(tables, base, low) % ((uint64_t)n << low))
		return "contiguous memory is not aligned";
	for (unsigned int i = 1; i < n; i++) {
		uint64_t next = read(context, table + 8 * (first + i));

		if (output(tables, next, low) != output(tables, base, low) + ((uint64_t)i << low))
			return "contiguous entries whose memory is not";
		if ((next ^ base) & ~(bits(UINT64_MAX, 47, low < 16 ? low : 12) << (low < 16 ? low : 12)) &
		    ~(is_ds(tables) ? UINT64_C(0x0003000000000300) : 0))
			return "contiguous entries of other attributes";
	}
	return NULL;
}

static bool block_allowed(const struct weir_tables *tables, int level)
{
	switch (tables->granule_lg2) {
	case 12:
		return level == 1 || level == 2 || (level == 0 && is_ds(tables));
	case 14:
		return level == 2 || (level == 1 && is_ds(tables));
	default:
		return level == 2 || (level == 1 && tables->pa_bits == 52);
	}
}

const char *armwalk(const struct weir_tables *tables, uint64_t mair, armwalk_read_fn *read,
		    void *context, uint64_t iova, struct armwalk *out_walk)
{
	unsigned int per_level = tables->granule_lg2 - 3;
	int level = 4 - (int)tables->levels;
	unsigned int high = tables->iova_bits - 1;
	uint64_t table = tables->root_pa, descriptor, index;
	unsigned int low = tables->granule_lg2 + (unsigned int)(3 - level) * per_level;
	struct armwalk walk = { 0 };

	/* the first table may be up to 16 side by side, of stage 2 alone, and is aligned to its size */
	if (high < low || high - low + 1 > per_level + (tables->format == WEIR_TABLE_ARM_S2 ? 4 : 0))
		return "the root has not the size that levels and address ask for";
	if (bits(table, high - low + 3, 0) && high - low + 3 >= 6)
		return "the root is not aligned";
	if (level < 0 && (tables->granule_lg2 != 12 || !is_ds(tables) || level < -1))
		return "there is no such level";
	memset(out_walk, 0, sizeof(*out_walk));
	if (iova >> tables->iova_bits)
		return NULL;
	for (;; level++) {
		index = bits(iova, high, low);
		descriptor = read(context, table + 8 * index);
		walk.level = level;
		if (!bits(descriptor, 0, 0))
			return NULL;
		if (bits(descriptor, 1, 1) == (level < 3)) {
			if (level == 3 || (descriptor & (is_ds(tables) ? 0xcfc : 0xffc) &&
					   tables->granule_lg2 == 12))
				return level == 3 ? "a block at level 3" : "a table has low bits";
			if (descriptor >> (is_ds(tables) ? 50 : 48))
				return "a table has attributes";
			table = output(tables, descriptor, tables->granule_lg2);
			high = low - 1;
			low -= per_level;
			continue;
		}
		break;
	}
	if (level < 3 && !block_allowed(tables, level))
		return "a block at a level without";
	walk.page_bytes = UINT64_C(1) << low;
	if (level < 3 && tables->granule_lg2 != 16 && bits(descriptor, low - 1, 12) & ~UINT64_C(0x10))
		return "a block's address is not aligned";
	walk.pa = output(tables, descriptor, low) | (iova & (walk.page_bytes - 1));
	*out_walk = walk;
	{
		const char *wrong = attributes(tables, mair, descriptor, out_walk);

		if (!wrong && out_walk->contiguous)
			wrong = check_run(tables, read, context, table, index, level, low);
		return wrong;
	}
}
