// SPDX-License-Identifier: MIT
/*
 * What the tests of translation tables share: every format, granule and size, and a bed
 * with tables of one, on a checking host over pages that a walker reads.
 */
#ifndef WEIR_TEST_TABLEBED_H
#define WEIR_TEST_TABLEBED_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

#include "armwalk.h"
#include "shortwalk.h"
#include "tablehost.h"
#include "testhost.h"
#include "weir/err.h"
#include "weir/table.h"

#define RW (WEIR_MAP_READ | WEIR_MAP_WRITE)
#define RWC (RW | WEIR_MAP_CACHED)

struct shape {
	enum weir_table_format format;
	uint32_t granule_lg2, iova_bits, pa_bits, levels;
	uint64_t sizes; /* of pages: all there are */
};

#define K(n) (UINT64_C(n) << 10)
#define M(n) (UINT64_C(n) << 20)
#define G(n) (UINT64_C(n) << 30)
#define SIZES_4K  (K(4) | K(64) | M(2) | M(32) | G(1) | G(16))
#define SIZES_16K (K(16) | M(2) | M(32) | G(1))
#define SIZES_64K (K(64) | M(2) | M(512) | G(16))
#define SIZES_SHORT (K(4) | K(64) | M(1))

static const struct shape shapes[] = {
	{ WEIR_TABLE_ARM_S1, 12, 32, 40, 3, SIZES_4K & ~G(16) },
	{ WEIR_TABLE_ARM_S1, 12, 39, 40, 3, SIZES_4K },
	{ WEIR_TABLE_ARM_S1, 12, 42, 44, 4, SIZES_4K },
	{ WEIR_TABLE_ARM_S1, 12, 48, 48, 4, SIZES_4K },
	{ WEIR_TABLE_ARM_S1, 14, 32, 40, 2, SIZES_16K },
	{ WEIR_TABLE_ARM_S1, 14, 39, 42, 3, SIZES_16K },
	{ WEIR_TABLE_ARM_S1, 14, 48, 48, 4, SIZES_16K },
	{ WEIR_TABLE_ARM_S1, 16, 32, 40, 2, SIZES_64K & ~G(16) },
	{ WEIR_TABLE_ARM_S1, 16, 42, 48, 2, SIZES_64K },
	{ WEIR_TABLE_ARM_S1, 16, 48, 48, 3, SIZES_64K },
	{ WEIR_TABLE_ARM_S1, 16, 52, 52, 3, SIZES_64K | G(4096) },
	{ WEIR_TABLE_ARM_S2, 12, 32, 40, 2, SIZES_4K & ~(G(1) | G(16)) },
	{ WEIR_TABLE_ARM_S2, 12, 39, 40, 3, SIZES_4K },
	{ WEIR_TABLE_ARM_S2, 12, 40, 40, 3, SIZES_4K },
	{ WEIR_TABLE_ARM_S2, 12, 42, 42, 3, SIZES_4K },
	{ WEIR_TABLE_ARM_S2, 12, 48, 48, 4, SIZES_4K },
	{ WEIR_TABLE_ARM_S2, 14, 40, 40, 2, SIZES_16K },
	{ WEIR_TABLE_ARM_S2, 14, 48, 48, 3, SIZES_16K },
	{ WEIR_TABLE_ARM_S2, 16, 42, 48, 2, SIZES_64K },
	{ WEIR_TABLE_ARM_S2, 16, 46, 48, 2, SIZES_64K },
	{ WEIR_TABLE_ARM_S2, 16, 52, 52, 3, SIZES_64K | G(4096) },
	/* long addresses with small pages: weir_table_arm64_ds */
	{ WEIR_TABLE_ARM_S1, 12, 52, 52, 5, SIZES_4K | G(512) },
	{ WEIR_TABLE_ARM_S1, 12, 48, 52, 4, SIZES_4K | G(512) },
	{ WEIR_TABLE_ARM_S1, 12, 49, 40, 5, SIZES_4K | G(512) },
	{ WEIR_TABLE_ARM_S1, 14, 52, 52, 4, SIZES_16K | G(64) },
	{ WEIR_TABLE_ARM_S1, 14, 39, 50, 3, SIZES_16K | G(64) },
	{ WEIR_TABLE_ARM_S2, 12, 52, 52, 4, SIZES_4K | G(512) },
	{ WEIR_TABLE_ARM_S2, 12, 39, 52, 3, SIZES_4K },
	{ WEIR_TABLE_ARM_S2, 14, 51, 52, 3, SIZES_16K | G(64) },
	{ WEIR_TABLE_ARM_S2, 14, 52, 52, 4, SIZES_16K | G(64) },
	{ WEIR_TABLE_ARM_SHORT, 12, 32, 32, 2, SIZES_SHORT | M(16) },
	{ WEIR_TABLE_EXYNOS, 12, 32, 32, 2, SIZES_SHORT },
	{ WEIR_TABLE_EXYNOS_V5, 12, 32, 36, 2, SIZES_SHORT },
};
#define NR_SHAPES (sizeof(shapes) / sizeof(shapes[0]))

struct bed {
	const struct shape *shape;
	struct tablehost *th;
	struct testhost *t;
	struct weir_table *table;
	struct weir_tables told;
	struct weir_table_gather gather;
	uint64_t page;  /* bytes of the smallest */
	uint64_t block; /* ... of what a last-level table maps */
};

/* Two levels, with entries of 32 bits. */
static inline bool is_short(const struct shape *shape)
{
	return shape->format >= WEIR_TABLE_ARM_SHORT;
}

/* The code for tables as Arm lays them out where nobody says DS, or as others do. */
static inline const struct weir_table_kind *bed_kind(enum weir_table_format format)
{
	return format >= WEIR_TABLE_ARM_SHORT && format <= WEIR_TABLE_EXYNOS_V5 ? &weir_table_short
									      : &weir_table_arm64;
}

static inline bool is_ds(const struct shape *shape)
{
	return shape->format <= WEIR_TABLE_ARM_S2 && shape->granule_lg2 < 16 &&
	       (shape->iova_bits > 48 || shape->pa_bits > 48);
}

static inline bool is_exynos(const struct shape *shape)
{
	return shape->format == WEIR_TABLE_EXYNOS || shape->format == WEIR_TABLE_EXYNOS_V5;
}

/* What of rights and memory an entry has. */
static inline uint32_t bed_prot(const struct shape *shape, uint32_t prot)
{
	if (shape->format != WEIR_TABLE_ARM_S2 && shape->format != WEIR_TABLE_EXYNOS_V5)
		prot |= WEIR_MAP_READ;
	if (prot & WEIR_MAP_DEVICE)
		prot &= ~WEIR_MAP_CACHED;
	return is_exynos(shape) ? prot & RW : prot;
}

static inline struct weir_table_config bed_config(const struct shape *shape, bool coherent,
						  uint32_t bbm_level)
{
	return (struct weir_table_config){
		.format = shape->format,
		.kind = is_ds(shape) ? &weir_table_arm64_ds : bed_kind(shape->format),
		.granule_lg2 = shape->granule_lg2,
		.iova_bits = shape->iova_bits,
		.pa_bits = shape->pa_bits,
		.bbm_level = is_short(shape) ? 0 : bbm_level,
		.coherent = coherent,
	};
}

static inline void bed_open_as(struct bed *b, const struct shape *shape, bool coherent,
			       uint32_t bbm_level, uint64_t page_sizes, bool shared)
{
	struct weir_table_config config = bed_config(shape, coherent, bbm_level);

	*b = (struct bed){ .shape = shape, .page = UINT64_C(1) << shape->granule_lg2 };
	b->block = is_short(shape) ? M(1) : b->page << (shape->granule_lg2 - 3);
	config.page_sizes = page_sizes;
	config.unlink_shared = shared;
	b->th = tablehost_create(coherent, shape->pa_bits);
	b->t = testhost_create(tablehost_ops(b->th), b->th);
	assert_int_equal(weir_table_create(testhost_ops(b->t), b->t, &config, &b->table), 0);
	weir_table_describe(b->table, &b->told);
}

static inline void bed_open(struct bed *b, const struct shape *shape, bool coherent,
			    uint32_t bbm_level, uint64_t page_sizes)
{
	bed_open_as(b, shape, coherent, bbm_level, page_sizes, false);
}

static inline void bed_close(struct bed *b)
{
	weir_table_destroy(b->table);
	testhost_destroy(b->t);
	tablehost_destroy(b->th);
}

/* A walk; NULL, or what is wrong with the tables. */
static inline const char *bed_look(const struct bed *b, uint64_t iova, struct armwalk *out_walk)
{
	if (is_short(b->shape))
		return shortwalk(&b->told, WEIR_TABLE_ARM_PRRR, WEIR_TABLE_ARM_NMRR, tablehost_read,
				 b->th, iova, out_walk);
	return armwalk(&b->told, WEIR_TABLE_ARM_MAIR, tablehost_read, b->th, iova, out_walk);
}

/* What a walker finds at an address; the tables must be right. */
static inline struct armwalk bed_walk(struct bed *b, uint64_t iova)
{
	struct armwalk walk;
	const char *wrong = bed_look(b, iova, &walk);

	if (wrong)
		fail_msg("format %d granule %u bits %u, at 0x%llx: %s", (int)b->shape->format,
			 b->shape->granule_lg2, b->shape->iova_bits, (unsigned long long)iova, wrong);
	return walk;
}

/* A walker and weir_table_translate() say the same, and it is @pa; pages of @page_bytes unless 0. */
static inline void bed_reaches(struct bed *b, uint64_t iova, uint64_t pa, uint64_t page_bytes)
{
	struct armwalk walk = bed_walk(b, iova);
	uint64_t found = 1;

	assert_true(walk.page_bytes);
	assert_int_equal(walk.pa, pa);
	if (page_bytes)
		assert_int_equal(walk.page_bytes, page_bytes);
	assert_int_equal(weir_table_translate(b->table, iova, &found), 0);
	assert_int_equal(found, pa);
}

static inline void bed_faults(struct bed *b, uint64_t iova)
{
	uint64_t found = 1;

	assert_int_equal(bed_walk(b, iova).page_bytes, 0);
	assert_int_equal(weir_table_translate(b->table, iova, &found), WEIR_ENOENT);
	assert_int_equal(found, 1);
}

/* Unmaps what is mapped, and deals with the gather. */
static inline void bed_unmap(struct bed *b, uint64_t iova, uint64_t bytes)
{
	assert_int_equal(weir_table_unmap(b->table, iova, bytes, &b->gather), 0);
	assert_int_equal(b->gather.unmapped_bytes, bytes);
	assert_true(b->gather.what.iova <= iova);
	assert_true(b->gather.what.iova + b->gather.what.bytes >= iova + bytes);
	weir_table_release(b->table, &b->gather);
	assert_int_equal(b->gather.what.bytes, 0);
	assert_int_equal(b->gather.unmapped_bytes, 0);
	assert_null(b->gather.unlinked);
}

#endif
