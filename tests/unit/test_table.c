// SPDX-License-Identifier: MIT
/*
 * Translation tables, rule by rule, each for every format, granule and size: what is mapped is
 * what a walk by the architecture's manual finds, and what cannot be is refused whole.
 */
#include "iommu/pt/pt.h"
#include "tablebed.h"

/* Runs a test for all shapes, with walkers of both kinds, and tables unlinked in both ways. */
static void for_all(void (*test)(struct bed *b), uint32_t bbm_level, uint64_t page_sizes)
{
	for (size_t i = 0; i < 4 * NR_SHAPES; i++) {
		struct bed b;

		bed_open_as(&b, &shapes[i / 4], i & 1, bbm_level, page_sizes, i & 2);
		test(&b);
		bed_close(&b);
	}
}

/* ---- making them ---- */

static void describes(struct bed *b)
{
	assert_int_equal(b->told.levels, b->shape->levels);
	assert_int_equal(b->told.format, b->shape->format);
	assert_int_equal(b->told.iova_bits, b->shape->iova_bits);
	assert_int_equal(b->told.pa_bits, b->shape->pa_bits);
	assert_int_equal(b->told.granule_lg2, b->shape->granule_lg2);
	assert_int_equal(weir_table_page_sizes(b->table), b->shape->sizes);
	bed_faults(b, 0);
	bed_faults(b, (UINT64_C(1) << b->shape->iova_bits) - 1);
	bed_faults(b, UINT64_C(1) << b->shape->iova_bits);
}

static void test_table_describes_itself(void **state)
{
	(void)state;
	for_all(describes, 0, 0);
}

static const struct weir_table_config bad[] = {
	{ .format = WEIR_TABLE_ARM_S1, .granule_lg2 = 13, .iova_bits = 39, .pa_bits = 40 },
	{ .format = WEIR_TABLE_ARM_S1, .granule_lg2 = 12, .iova_bits = 52, .pa_bits = 48 },
	{ .format = WEIR_TABLE_ARM_S1, .granule_lg2 = 12, .iova_bits = 48, .pa_bits = 52 },
	{ .format = WEIR_TABLE_ARM_S1, .granule_lg2 = 14, .iova_bits = 31, .pa_bits = 48 },
	{ .format = WEIR_TABLE_ARM_S2, .granule_lg2 = 16, .iova_bits = 53, .pa_bits = 48 },
	{ .format = WEIR_TABLE_ARM_S2, .granule_lg2 = 16, .iova_bits = 48, .pa_bits = 31 },
	{ .format = WEIR_TABLE_ARM_S1, .granule_lg2 = 12, .iova_bits = 48, .pa_bits = 48,
	  .bbm_level = 3 },
	{ .format = WEIR_TABLE_ARM_S1, .granule_lg2 = 12, .iova_bits = 48, .pa_bits = 48,
	  .page_sizes = 0x200000 },
	{ .format = WEIR_TABLE_RISCV_S1, .granule_lg2 = 12, .iova_bits = 39, .pa_bits = 48 },
	{ .format = (enum weir_table_format)-1, .granule_lg2 = 12, .iova_bits = 39,
	  .pa_bits = 48 },
	{ .format = WEIR_TABLE_ARM_SHORT, .granule_lg2 = 16, .iova_bits = 32, .pa_bits = 32 },
	{ .format = WEIR_TABLE_ARM_SHORT, .granule_lg2 = 12, .iova_bits = 33, .pa_bits = 32 },
	{ .format = WEIR_TABLE_ARM_SHORT, .granule_lg2 = 12, .iova_bits = 32, .pa_bits = 36 },
	{ .format = WEIR_TABLE_ARM_SHORT, .granule_lg2 = 12, .iova_bits = 32, .pa_bits = 32,
	  .bbm_level = 1 },
	{ .format = WEIR_TABLE_EXYNOS, .granule_lg2 = 12, .iova_bits = 32, .pa_bits = 36 },
	{ .format = WEIR_TABLE_EXYNOS_V5, .granule_lg2 = 12, .iova_bits = 32, .pa_bits = 37 },
	{ .format = WEIR_TABLE_EXYNOS_V5, .granule_lg2 = 12, .iova_bits = 32, .pa_bits = 36,
	  .page_sizes = 0x110000 },
};

static void test_table_refuses_what_there_is_not(void **state)
{
	struct tablehost *th = tablehost_create(true, 40);
	struct weir_table_config good = bed_config(&shapes[0], false, 0);
	struct weir_host_ops ops = *tablehost_ops(th);
	struct weir_table *table = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct weir_table_config config = bad[i];

		config.kind = bed_kind(config.format);
		assert_int_equal(weir_table_create(&ops, th, &config, &table), WEIR_EOPNOTSUPP);
	}
	/* the code of other formats, and none */
	good.coherent = true;
	good.kind = &weir_table_short;
	assert_int_equal(weir_table_create(&ops, th, &good, &table), WEIR_EOPNOTSUPP);
	good.kind = NULL;
	assert_int_equal(weir_table_create(&ops, th, &good, &table), WEIR_EOPNOTSUPP);
	/* what is for long addresses is for nothing else */
	good.kind = &weir_table_arm64_ds;
	assert_int_equal(weir_table_create(&ops, th, &good, &table), WEIR_EOPNOTSUPP);
	good.granule_lg2 = 16;
	good.pa_bits = 52;
	assert_int_equal(weir_table_create(&ops, th, &good, &table), WEIR_EOPNOTSUPP);
	good.granule_lg2 = 12;
	good.iova_bits = 53;
	assert_int_equal(weir_table_create(&ops, th, &good, &table), WEIR_EOPNOTSUPP);
	good = bed_config(&shapes[0], false, 0);
	/* a walker without the CPU's caches, on a host that cannot clean them */
	ops.cache_sync = NULL;
	assert_int_equal(weir_table_create(&ops, th, &good, &table), WEIR_EOPNOTSUPP);
	ops = *tablehost_ops(th);
	ops.pages_alloc = NULL;
	assert_int_equal(weir_table_create(&ops, th, &good, &table), WEIR_EOPNOTSUPP);
	ops = *tablehost_ops(th);
	ops.abi.version++;
	assert_int_equal(weir_table_create(&ops, th, &good, &table), WEIR_EINVAL);
	assert_null(table);
	weir_table_destroy(NULL);
	tablehost_destroy(th);
}

/* ---- mapping ---- */

/* A byte of MAIR (D17.2.97); MemAttr of stage 2 (D8.6.5, without FEAT_S2FWB); Exynos says nothing. */
static unsigned int memory_of(const struct bed *b, uint32_t prot)
{
	bool s2 = b->shape->format == WEIR_TABLE_ARM_S2;

	if (is_exynos(b->shape))
		return 0;
	if (prot & WEIR_MAP_DEVICE)
		return s2 ? 0x1 : 0x04;
	if (prot & WEIR_MAP_CACHED)
		return s2 ? 0xf : 0xff;
	return s2 ? 0x5 : 0x44;
}

/* What a walk finds of rights is what was asked for, as far as the format has it. */
static void says(struct bed *b, uint64_t iova, uint32_t prot)
{
	struct armwalk walk = bed_walk(b, iova);
	struct weir_table_mapping mapping;

	assert_true(walk.af);
	assert_int_equal(walk.memory, memory_of(b, prot));
	if (is_exynos(b->shape) || is_ds(b->shape))
		assert_int_equal(walk.sh, 0);
	else if (is_short(b->shape) && prot & WEIR_MAP_DEVICE)
		assert_int_equal(walk.sh, 2);
	else
		assert_int_equal(walk.sh, prot & WEIR_MAP_CACHED ? 3 : 2);
	prot = bed_prot(b->shape, prot);
	assert_int_equal(walk.execute, !(prot & WEIR_MAP_NOEXEC));
	assert_int_equal(walk.write, !!(prot & WEIR_MAP_WRITE));
	assert_int_equal(walk.read, !!(prot & WEIR_MAP_READ));
	if (b->shape->format == WEIR_TABLE_ARM_S1 || b->shape->format == WEIR_TABLE_ARM_SHORT)
		assert_false(walk.global);
	assert_int_equal(weir_table_next(b->table, iova, &mapping), 0);
	assert_int_equal(mapping.prot, prot);
}

/* Of pages of each size, as formats put rights elsewhere in larger ones. */
static void rights(struct bed *b)
{
	/* the largest first: where tables stand they are not used */
	for (unsigned int lg2 = 30; lg2 >= b->shape->granule_lg2; lg2--) {
		uint64_t size = UINT64_C(1) << lg2;

		for (uint32_t prot = 0; b->shape->sizes & size && prot < 64; prot++) {
			uint64_t iova = prot % 2 * size, pa = 2 * size;
			int err = weir_table_map(b->table, iova, pa, size, prot);

			if (!(prot & RW) || prot >= 32) {
				assert_int_equal(err, WEIR_EINVAL);
				bed_faults(b, iova);
				continue;
			}
			assert_int_equal(err, 0);
			bed_reaches(b, iova + 4, pa + 4, 0);
			bed_reaches(b, iova + size - 1, pa + size - 1, 0);
			says(b, iova, prot);
			says(b, iova + size - b->page, prot);
			bed_unmap(b, iova, size);
			bed_faults(b, iova);
		}
	}
}

static void test_table_says_rights_and_memory(void **state)
{
	(void)state;
	for_all(rights, 0, 0);
}

/* How many bytes one entry has of a page of that size, which may be made by a hint. */
static uint64_t entry_bytes(const struct bed *b, uint64_t size, bool *out_hinted)
{
	uint64_t bytes = b->page, stride = b->block / b->page;

	while (bytes * stride <= size)
		bytes *= stride;
	*out_hinted = bytes != size;
	return bytes;
}

static void sizes(struct bed *b)
{
	/* the largest first: tables above the last level stay, and then smaller pages are used */
	for (unsigned int lg2 = b->shape->iova_bits; lg2-- > b->shape->granule_lg2;) {
		uint64_t size = UINT64_C(1) << lg2, last = (UINT64_C(1) << b->shape->iova_bits) - size;
		uint64_t pa = lg2 < b->shape->pa_bits ? (UINT64_C(1) << b->shape->pa_bits) - size : 0;
		struct weir_table_mapping mapping;
		uint64_t entry;
		bool hinted;

		if (!(b->shape->sizes & size))
			continue;
		entry = entry_bytes(b, size, &hinted);
		assert_int_equal(weir_table_map(b->table, last, pa, size, RWC), 0);
		bed_reaches(b, last, pa, entry);
		bed_reaches(b, last + size - 1, pa + size - 1, entry);
		assert_int_equal(bed_walk(b, last).contiguous, hinted);
		if (last)
			bed_faults(b, last - 1);
		assert_int_equal(weir_table_next(b->table, 0, &mapping), 0);
		assert_int_equal(mapping.iova, last);
		assert_int_equal(mapping.pa, pa);
		assert_int_equal(mapping.bytes, size);
		assert_int_equal(mapping.prot, bed_prot(b->shape, RWC));
		/* the same size once more, and the smallest page within it */
		assert_int_equal(weir_table_map(b->table, last, 0, size, RW), WEIR_EEXIST);
		assert_int_equal(weir_table_map(b->table, last + size - b->page, 0, b->page, RW),
				 WEIR_EEXIST);
		b->gather.unlink = true;
		bed_unmap(b, last, size);
		bed_faults(b, last);
		assert_int_equal(weir_table_next(b->table, 0, &mapping), WEIR_ENOENT);
		/* memory that is not aligned so: by smaller ones */
		if (size == b->page || !pa)
			continue;
		pa -= b->page;
		assert_int_equal(weir_table_map(b->table, last, pa, b->page * 2, RW), 0);
		bed_reaches(b, last + b->page, pa + b->page, b->page);
		bed_unmap(b, last, b->page * 2);
	}
}

static void test_table_uses_every_size(void **state)
{
	(void)state;
	for_all(sizes, 0, 0);
}

/* One call over the seam of two tables: hints and blocks where they fit, pages around them. */
static void mixed(struct bed *b)
{
	uint64_t block = b->block, iova = block - 3 * b->page;
	uint64_t bytes = 2 * block + 5 * b->page, pa = 3 * block + iova;

	assert_int_equal(weir_table_map(b->table, iova, pa, bytes, RW), 0);
	bed_reaches(b, iova, pa, b->page);
	bed_reaches(b, block, pa - iova + block, block);
	bed_reaches(b, 3 * block - b->page, pa - iova + 3 * block - b->page, 0);
	bed_reaches(b, iova + bytes - 1, pa + bytes - 1, b->page);
	bed_faults(b, iova - 1);
	bed_faults(b, iova + bytes);
	bed_unmap(b, iova, bytes);
	bed_faults(b, iova);
	bed_faults(b, block);
	/* where tables stand, pages are used */
	assert_int_equal(weir_table_map(b->table, 0, 0, block, RW), 0);
	bed_reaches(b, block / 2, block / 2, b->page);
	bed_unmap(b, 0, block);
}

static void test_table_mixes_sizes(void **state)
{
	(void)state;
	for_all(mixed, 0, 0);
}

static void test_table_uses_only_sizes_asked_for(void **state)
{
	struct bed b;

	(void)state;
	bed_open(&b, &shapes[3], true, 0, K(4));
	assert_int_equal(weir_table_page_sizes(b.table), K(4));
	assert_int_equal(weir_table_map(b.table, 0, 0, M(4), RW), 0);
	bed_reaches(&b, M(2), M(2), K(4));
	assert_false(bed_walk(&b, M(2)).contiguous);
	bed_unmap(&b, 0, M(4));
	bed_close(&b);
	/* a hint without the page it is made of is none */
	bed_open(&b, &shapes[3], true, 0, K(4) | M(32));
	assert_int_equal(weir_table_page_sizes(b.table), K(4));
	bed_close(&b);
}

static void wrong(struct bed *b)
{
	uint64_t past = UINT64_C(1) << b->shape->iova_bits, high = UINT64_C(1) << b->shape->pa_bits;
	struct weir_table_piece none = { 0, 0 }, two[2] = { { 0, b->page }, { 1, b->page } };
	uint64_t memory = weir_table_memory(b->table);

	assert_int_equal(weir_table_map(b->table, 1, 0, b->page, RW), WEIR_EINVAL);
	assert_int_equal(weir_table_map(b->table, 0, b->page / 2, b->page, RW), WEIR_EINVAL);
	assert_int_equal(weir_table_map(b->table, 0, 0, b->page / 2, RW), WEIR_EINVAL);
	assert_int_equal(weir_table_map(b->table, 0, 0, 0, RW), WEIR_EINVAL);
	assert_int_equal(weir_table_map(b->table, past, 0, b->page, RW), WEIR_ERANGE);
	assert_int_equal(weir_table_map(b->table, past - b->page, 0, 2 * b->page, RW), WEIR_ERANGE);
	assert_int_equal(weir_table_map(b->table, 0, high, b->page, RW), WEIR_ERANGE);
	assert_int_equal(weir_table_map(b->table, 0, high - b->page, 2 * b->page, RW), WEIR_ERANGE);
	assert_int_equal(weir_table_map(b->table, -b->page, 0, b->page, RW), WEIR_ERANGE);
	assert_int_equal(weir_table_map(b->table, b->page, 0, -b->page, RW), WEIR_ERANGE);
	assert_int_equal(weir_table_map_pieces(b->table, 0, two, 0, RW), WEIR_EINVAL);
	assert_int_equal(weir_table_map_pieces(b->table, 0, &none, 1, RW), WEIR_EINVAL);
	assert_int_equal(weir_table_map_pieces(b->table, 0, two, 2, RW), WEIR_EINVAL);
	assert_int_equal(weir_table_map_pieces(b->table, past - b->page, two, 2, RW), WEIR_ERANGE);
	assert_int_equal(weir_table_map_pieces(b->table, 0, two, 1, 0), WEIR_EINVAL);
	assert_int_equal(weir_table_unmap(b->table, 1, b->page, &b->gather), WEIR_EINVAL);
	assert_int_equal(weir_table_unmap(b->table, 0, 0, &b->gather), WEIR_EINVAL);
	assert_int_equal(weir_table_unmap(b->table, past, b->page, &b->gather), WEIR_ERANGE);
	assert_int_equal(weir_table_reserve(b->table, 0, 0, 0), WEIR_EINVAL);
	assert_int_equal(weir_table_reserve(b->table, 0, b->page, b->page / 2), WEIR_EINVAL);
	assert_int_equal(weir_table_reserve(b->table, past, b->page, 0), WEIR_ERANGE);
	assert_int_equal(weir_table_unmap(b->table, 0, past, &b->gather), 0);
	assert_int_equal(b->gather.what.bytes, 0);
	assert_int_equal(weir_table_memory(b->table), memory);
	bed_faults(b, 0);
}

static void test_table_refuses_wrong_calls(void **state)
{
	(void)state;
	for_all(wrong, 2, 0);
}

/* A range with something in the way at its far end is not mapped at all. */
static void in_the_way(struct bed *b)
{
	uint64_t block = b->block, iova = block - 2 * b->page;
	struct weir_table_piece pieces[] = {
		{ b->page, 2 * b->page }, { 0, b->page }, { 5 * b->page, 3 * b->page },
	};
	struct weir_table_mapping mapping;

	assert_int_equal(weir_table_map(b->table, 2 * block, 0, b->page, RW), 0);
	assert_int_equal(weir_table_map(b->table, iova, 0, block + 3 * b->page, RW), WEIR_EEXIST);
	assert_int_equal(weir_table_next(b->table, 0, &mapping), 0);
	assert_int_equal(mapping.iova, 2 * block);
	assert_int_equal(weir_table_map(b->table, iova, iova, block + 2 * b->page, RW), 0);
	bed_unmap(b, iova, block + 3 * b->page);
	assert_int_equal(weir_table_map(b->table, iova + 5 * b->page, 0, b->page, RW), 0);
	assert_int_equal(weir_table_map_pieces(b->table, iova, pieces, 3, RW), WEIR_EEXIST);
	bed_faults(b, iova);
	bed_unmap(b, iova + 5 * b->page, b->page);
	assert_int_equal(weir_table_map_pieces(b->table, iova, pieces, 3, RW), 0);
	bed_reaches(b, iova + b->page, 2 * b->page, b->page);
	bed_reaches(b, iova + 2 * b->page, 0, b->page);
	bed_reaches(b, iova + 5 * b->page, 7 * b->page, b->page);
	bed_faults(b, iova + 6 * b->page);
	bed_unmap(b, iova, 6 * b->page);
}

static void test_table_maps_all_or_nothing(void **state)
{
	(void)state;
	for_all(in_the_way, 0, 0);
}

/* ---- parts of larger pages ---- */

static void split_refused(struct bed *b)
{
	uint64_t block = b->block;

	assert_int_equal(weir_table_map(b->table, 0, block, block, RW), 0);
	assert_int_equal(weir_table_unmap(b->table, 0, b->page, &b->gather), WEIR_EBUSY);
	assert_int_equal(weir_table_unmap(b->table, b->page, block, &b->gather), WEIR_EBUSY);
	assert_int_equal(b->gather.what.bytes, 0);
	bed_reaches(b, 0, block, block);
	bed_unmap(b, 0, block);
}

static void test_table_splits_nothing_on_level_0(void **state)
{
	(void)state;
	for_all(split_refused, 0, 0);
}

static void split_marked(struct bed *b)
{
	uint64_t block = b->block;

	assert_int_equal(weir_table_map(b->table, 0, block, 3 * block, RWC), 0);
	/* both ends are cut: both are made ready, and nothing else happens */
	assert_int_equal(weir_table_unmap(b->table, b->page, 2 * block, &b->gather), WEIR_EAGAIN);
	assert_int_equal(b->gather.unmapped_bytes, 0);
	assert_int_equal(b->gather.what.iova, 0);
	assert_int_equal(b->gather.what.bytes, 3 * block);
	assert_true(bed_walk(b, 0).nt);
	assert_true(bed_walk(b, 2 * block).nt);
	assert_false(bed_walk(b, block).nt);
	bed_reaches(b, 2 * block, 3 * block, block);
	weir_table_release(b->table, &b->gather);
	assert_int_equal(weir_table_unmap(b->table, b->page, 2 * block, &b->gather), 0);
	assert_true(b->gather.what.tables);
	assert_int_equal(b->gather.what.bytes, 3 * block);
	assert_int_equal(b->gather.unmapped_bytes, 2 * block);
	weir_table_release(b->table, &b->gather);
	bed_reaches(b, 0, block, b->page);
	bed_faults(b, b->page);
	bed_faults(b, 2 * block);
	bed_reaches(b, 2 * block + b->page, 3 * block + b->page, b->page);
	assert_true(bed_walk(b, 0).write);
	assert_int_equal(weir_table_unmap(b->table, 0, 3 * block, &b->gather), 0);
	assert_int_equal(b->gather.unmapped_bytes, block);
	weir_table_release(b->table, &b->gather);
}

static void test_table_splits_in_two_steps_on_level_1(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_SHAPES; i++) {
		struct bed b;

		if (is_short(&shapes[i]))
			continue;
		bed_open_as(&b, &shapes[i], i & 1, 1, 0, true);
		/* of those that hints made nothing can be cut before level 2 */
		assert_int_equal(weir_table_map(b.table, 0, 0, b.page << 7, RW), 0);
		assert_true(bed_walk(&b, 0).contiguous);
		assert_int_equal(weir_table_unmap(b.table, 0, b.page, &b.gather), WEIR_EBUSY);
		b.gather.unlink = true;
		bed_unmap(&b, 0, b.page << 7);
		split_marked(&b);
		bed_close(&b);
	}
}

static void split(struct bed *b)
{
	for (unsigned int lg2 = b->shape->granule_lg2; lg2 < b->shape->iova_bits; lg2++) {
		uint64_t size = UINT64_C(1) << lg2, at = size / 2 - size / 4;

		if (!(b->shape->sizes & size) || size == b->page || lg2 >= b->shape->pa_bits)
			continue;
		assert_int_equal(weir_table_map(b->table, 0, size, size, RWC), 0);
		assert_int_equal(weir_table_unmap(b->table, at, b->page, &b->gather), 0);
		assert_int_equal(b->gather.unmapped_bytes, b->page);
		assert_true(b->gather.what.bytes > b->page);
		weir_table_release(b->table, &b->gather);
		bed_faults(b, at);
		bed_reaches(b, at - 1, size + at - 1, 0);
		bed_reaches(b, at + b->page, size + at + b->page, b->page);
		bed_reaches(b, size - 1, size + size - 1, 0);
		assert_true(bed_walk(b, 0).write && !bed_walk(b, 0).nt);
		b->gather.unlink = true;
		assert_int_equal(weir_table_unmap(b->table, 0, size, &b->gather), 0);
		assert_int_equal(b->gather.unmapped_bytes, size - b->page);
		weir_table_release(b->table, &b->gather);
		bed_faults(b, 0);
		bed_faults(b, size - 1);
	}
}

static void test_table_splits_on_level_2(void **state)
{
	(void)state;
	/* one bed for each size: what was split leaves tables */
	for (size_t i = 0; i < 2 * NR_SHAPES; i++) {
		for (unsigned int lg2 = shapes[i / 2].granule_lg2 + 1; lg2 < 43; lg2++) {
			struct shape one = shapes[i / 2];
			struct bed b;

			one.sizes &= UINT64_C(1) << lg2;
			if (!one.sizes || is_short(&one))
				continue;
			bed_open(&b, &one, i & 1, 2, 0);
			split(&b);
			bed_close(&b);
		}
	}
}

/* ---- tables that come and go ---- */

/* What one more table takes next to one that is there. */
static uint64_t table_bytes(const struct bed *b)
{
	return is_short(b->shape) ? 0 : b->page;
}

static void unlinking(struct bed *b)
{
	uint64_t before, full, block = b->block;
	struct weir_table_gather gather = { 0 }, later = { .unlink = true };

	assert_int_equal(weir_table_map(b->table, 2 * block, 0, b->page, RW), 0);
	before = weir_table_memory(b->table);
	assert_int_equal(weir_table_map(b->table, 0, 0, b->page, RW), 0);
	full = weir_table_memory(b->table);
	assert_int_equal(full, before + table_bytes(b));
	/* not asked to unlink: the table stays */
	assert_int_equal(weir_table_unmap(b->table, 0, b->page, &gather), 0);
	assert_false(gather.what.tables);
	weir_table_release(b->table, &gather);
	assert_int_equal(weir_table_memory(b->table), full);
	/* unlinked, it is there until release */
	gather.unlink = true;
	assert_int_equal(weir_table_map(b->table, 0, 0, 2 * b->page, RW), 0);
	assert_int_equal(weir_table_unmap(b->table, 0, b->page, &gather), 0);
	assert_false(gather.what.tables);
	assert_int_equal(weir_table_unmap(b->table, b->page, b->page, &gather), 0);
	assert_true(gather.what.tables);
	assert_int_equal(weir_table_memory(b->table), full);
	bed_faults(b, 0);
	weir_table_release(b->table, &gather);
	assert_true(gather.unlink);
	assert_int_equal(weir_table_memory(b->table), before);
	/* unlinked, and taken again before the release: it stays */
	assert_int_equal(weir_table_map(b->table, 0, 0, b->page, RW), 0);
	assert_int_equal(weir_table_unmap(b->table, 0, b->page, &gather), 0);
	assert_true(gather.what.tables);
	assert_int_equal(weir_table_map(b->table, 3 * b->page, b->page, b->page, RW), 0);
	bed_reaches(b, 3 * b->page, b->page, b->page);
	/* empty once more while it waits in the first gather: no second one gets it */
	assert_int_equal(weir_table_unmap(b->table, 3 * b->page, b->page, &later), 0);
	assert_false(later.what.tables);
	weir_table_release(b->table, &gather);
	assert_int_equal(weir_table_memory(b->table), full);
	assert_int_equal(weir_table_map(b->table, 3 * b->page, b->page, b->page, RW), 0);
	weir_table_release(b->table, &later);
	assert_int_equal(weir_table_memory(b->table), full);
	bed_reaches(b, 3 * b->page, b->page, b->page);
	gather.unlink = false;
	assert_int_equal(weir_table_unmap(b->table, 3 * b->page, b->page, &gather), 0);
	weir_table_release(b->table, &gather);
	/* trim takes what maps nothing, and only in its range */
	weir_table_trim(b->table, block, 5 * block, &gather);
	assert_false(gather.what.tables);
	weir_table_trim(b->table, 0, 5 * block, &gather);
	assert_true(gather.what.tables && gather.what.bytes);
	weir_table_release(b->table, &gather);
	assert_int_equal(weir_table_memory(b->table), before);
	bed_reaches(b, 2 * block, 0, b->page);
	/* what waits in a gather goes with the tables */
	gather.unlink = true;
	assert_int_equal(weir_table_unmap(b->table, 2 * block, b->page, &gather), 0);
	assert_true(gather.what.tables);
}

static void test_table_unlinks_what_is_empty(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * NR_SHAPES; i++) {
		struct bed b;

		bed_open_as(&b, &shapes[i / 2], i & 1, 0, 0, true);
		unlinking(&b);
		bed_close(&b);
	}
}

/* Where tables are unlinked by who has all of their range. */
static void unlinking_whole(struct bed *b)
{
	uint64_t before, full, block = b->block;
	struct weir_table_gather gather = { .unlink = true };

	assert_int_equal(weir_table_map(b->table, 2 * block, 0, b->page, RW), 0);
	before = weir_table_memory(b->table);
	assert_int_equal(weir_table_map(b->table, 0, 0, 2 * b->page, RW), 0);
	full = weir_table_memory(b->table);
	assert_int_equal(weir_table_unmap(b->table, 0, 2 * b->page, &gather), 0);
	assert_false(gather.what.tables);
	weir_table_release(b->table, &gather);
	weir_table_trim(b->table, b->page, block, &gather);
	weir_table_trim(b->table, 2 * block, block, &gather);
	assert_false(gather.what.tables);
	weir_table_trim(b->table, 0, block, &gather);
	assert_true(gather.what.tables);
	assert_int_equal(weir_table_memory(b->table), full);
	weir_table_release(b->table, &gather);
	assert_int_equal(weir_table_memory(b->table), before);
	/* a range that covers the table, of which some is mapped */
	assert_int_equal(weir_table_map(b->table, b->page, 0, 2 * b->page, RW), 0);
	assert_int_equal(weir_table_unmap(b->table, 0, block, &gather), 0);
	assert_true(gather.what.tables);
	/* used again before the release */
	assert_int_equal(weir_table_map(b->table, b->page, 0, b->page, RW), 0);
	bed_reaches(b, b->page, 0, b->page);
	weir_table_release(b->table, &gather);
	assert_int_equal(weir_table_memory(b->table), full);
	bed_reaches(b, b->page, 0, b->page);
	assert_int_equal(weir_table_unmap(b->table, 0, 3 * block, &gather), 0);
	weir_table_release(b->table, &gather);
	assert_true(weir_table_memory(b->table) < before);
	assert_int_equal(weir_table_map(b->table, 0, 0, block, RW), 0);
	bed_reaches(b, b->page, b->page, block);
}

static void test_table_unlinks_what_a_range_covers(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * NR_SHAPES; i++) {
		struct bed b;

		bed_open(&b, &shapes[i / 2], i & 1, 0, 0);
		unlinking_whole(&b);
		bed_close(&b);
	}
}

/* Four tables of 1 KiB in a page, which comes with the first and goes with the last of them. */
static void sharing(struct bed *b)
{
	struct weir_table_gather gather = { .unlink = true };
	uint64_t memory, empty = weir_table_memory(b->table);

	/* the root, and books for 64 MiB and no more, with them */
	assert_true(empty < K(16) + K(6));
	assert_int_equal(weir_table_map(b->table, 0, 0, K(4), RW), 0);
	memory = weir_table_memory(b->table);
	assert_true(memory < empty + K(4) + K(2));
	for (uint64_t i = 1; i < 12; i++) {
		assert_int_equal(weir_table_map(b->table, M(1) * i + K(4) * i, M(1), K(8), RW), 0);
		bed_reaches(b, M(1) * i + K(4) * i, M(1), K(4));
		bed_faults(b, M(1) * i + K(4) * i - 1);
		assert_int_equal(weir_table_memory(b->table), memory + i / 4 * K(4));
	}
	/* the part that one of four leaves is used again, with nothing in it */
	for (uint64_t at = 0; at < M(12); at += M(5)) {
		assert_int_equal(weir_table_unmap(b->table, at, M(1), &gather), 0);
		assert_true(gather.what.tables);
		weir_table_release(b->table, &gather);
		assert_int_equal(weir_table_memory(b->table), memory + K(8));
		assert_int_equal(weir_table_map(b->table, at + M(1) - K(4), 0, K(4), RW), 0);
		bed_reaches(b, at + M(1) - 1, K(4) - 1, K(4));
		for (uint64_t k = 0; k < M(1) - K(4); k += K(4))
			bed_faults(b, at + k);
		assert_int_equal(weir_table_memory(b->table), memory + K(8));
	}
	/* all of them but one of each four; with that one the page */
	for (uint64_t i = 0; i < 12; i++) {
		assert_int_equal(weir_table_unmap(b->table, M(1) * i, M(1), &gather), 0);
		weir_table_release(b->table, &gather);
		assert_int_equal(weir_table_memory(b->table),
				 memory + K(8) - (i + 1) / 4 * K(4));
	}
	/* several tables of a page in one gather */
	assert_int_equal(weir_table_map_pieces(b->table, M(1) + K(4),
					       (struct weir_table_piece[]){ { K(4), M(1) },
									    { 0, M(1) } }, 2, RW), 0);
	assert_int_equal(weir_table_memory(b->table), memory);
	bed_unmap(b, M(1) + K(4), M(2));
	weir_table_trim(b->table, 0, M(4), &gather);
	weir_table_release(b->table, &gather);
	assert_int_equal(weir_table_memory(b->table), memory - K(4));
}

static void test_table_of_a_part_of_a_page(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * NR_SHAPES; i++) {
		struct bed b;

		if (!is_short(&shapes[i / 2]))
			continue;
		bed_open(&b, &shapes[i / 2], i & 1, 0, 0);
		sharing(&b);
		bed_close(&b);
	}
}

/* A mapper takes entries of an unlinked table, and the release comes before it has linked it. */
static void test_table_is_not_freed_under_a_mapper(void **state)
{
	struct weir_pt_slot *slot;
	uint64_t full, before;
	struct bed b;

	(void)state;
	bed_open_as(&b, &shapes[3], true, 0, 0, true);
	assert_int_equal(weir_table_map(b.table, 0, 0, K(4), RW), 0);
	full = weir_table_memory(b.table);
	b.gather.unlink = true;
	assert_int_equal(weir_table_unmap(b.table, 0, K(4), &b.gather), 0);
	slot = b.gather.unlinked;
	assert_non_null(slot);
	atomic_fetch_add(&slot->word, 1);
	weir_table_release(b.table, &b.gather);
	assert_int_equal(weir_table_memory(b.table), full);
	/* what the mapper does next, for it and for others */
	assert_int_equal(weir_table_map(b.table, K(8), K(8), K(4), RW), 0);
	bed_reaches(&b, K(8), K(8), K(4));
	before = atomic_fetch_sub(&slot->word, 1);
	assert_int_equal(before & 0xfff, 2);
	bed_unmap(&b, K(8), K(4));
	assert_true(weir_table_memory(b.table) < full);
	bed_close(&b);
}

static void reserving(struct bed *b)
{
	uint64_t block = b->block, iova = block - b->page;
	struct weir_table_gather gather = { .unlink = true };
	struct testhost_counts counts;
	unsigned long calls;

	assert_int_equal(weir_table_reserve(b->table, iova, block + 2 * b->page, 0), 0);
	testhost_counts_get(b->t, &counts);
	calls = counts.calls;
	for (unsigned int i = 0; i < 3; i++) {
		testhost_interrupt(true);
		assert_int_equal(weir_table_map(b->table, iova, 0, block + 2 * b->page, RW), 0);
		bed_reaches(b, block, b->page, b->page);
		assert_int_equal(weir_table_unmap(b->table, iova, block + b->page, &gather), 0);
		assert_int_equal(weir_table_unmap(b->table, iova + block + b->page, b->page, &gather),
				 0);
		assert_false(gather.what.tables);
		weir_table_release(b->table, &gather);
		weir_table_trim(b->table, 0, 4 * block, &gather);
		weir_table_release(b->table, &gather);
		testhost_interrupt(false);
	}
	testhost_counts_get(b->t, &counts);
	assert_int_equal(counts.calls, calls);
	/* for blocks, which stay blocks */
	assert_int_equal(weir_table_reserve(b->table, 4 * block, 2 * block, block), 0);
	testhost_counts_get(b->t, &counts);
	calls = counts.calls;
	assert_int_equal(weir_table_map(b->table, 4 * block, 0, 2 * block, RW), 0);
	bed_reaches(b, 5 * block, block, block);
	testhost_counts_get(b->t, &counts);
	assert_int_equal(counts.calls, calls);
	assert_int_equal(weir_table_reserve(b->table, 4 * block, block, 0), WEIR_EEXIST);
	bed_unmap(b, 4 * block, 2 * block);
}

static void test_table_reserves(void **state)
{
	(void)state;
	for_all(reserving, 0, 0);
}

/* ---- without memory ---- */

static void sweep(struct testhost *t, void *arg)
{
	struct weir_table_config config = bed_config(arg, true, 2);
	uint64_t page = UINT64_C(1) << config.granule_lg2;
	uint64_t block = is_short(arg) ? M(1) : page << (config.granule_lg2 - 3);
	struct weir_table_piece pieces[] = { { page, page }, { 4 * block, 2 * block } };
	struct weir_table_gather gather = { .unlink = true };
	struct weir_table_mapping mapping;
	struct weir_table *table;
	int err = weir_table_create(testhost_ops(t), t, &config, &table);

	if (err) {
		assert_int_equal(err, WEIR_ENOMEM);
		assert_true(testhost_fault_hit(t));
		return;
	}
	err = weir_table_map(table, block - page, block - page, 3 * block, RW);
	if (!err)
		err = weir_table_unmap(table, block - page, 3 * block, &gather);
	else
		assert_int_equal(weir_table_next(table, 0, &mapping), WEIR_ENOENT);
	weir_table_release(table, &gather);
	if (!err) {
		err = weir_table_map_pieces(table, 5 * block - page, pieces, 2, RW);
		if (err)
			assert_int_equal(weir_table_next(table, 0, &mapping), WEIR_ENOENT);
	}
	if (!err && !is_short(arg)) { /* those split nothing */
		err = weir_table_unmap(table, 5 * block + page, page, &gather);
		/* an unmap without memory has every address as before */
		assert_int_equal(weir_table_translate(table, 5 * block + page, &mapping.pa),
				 err ? 0 : WEIR_ENOENT);
		assert_int_equal(weir_table_translate(table, 5 * block + 2 * page, &mapping.pa), 0);
		assert_int_equal(mapping.pa, 4 * block + 2 * page);
	}
	if (!err)
		err = weir_table_reserve(table, 0, block, 0);
	if (err) {
		assert_int_equal(err, WEIR_ENOMEM);
		assert_true(testhost_fault_hit(t));
	}
	weir_table_destroy(table);
}

static void test_table_every_allocation_fails_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_SHAPES; i++) {
		struct tablehost *th = tablehost_create(true, shapes[i].pa_bits);

		assert_true(testhost_sweep(tablehost_ops(th), th, sweep, (void *)&shapes[i]) >=
			    (is_short(&shapes[i]) ? 5 : 8));
		tablehost_destroy(th);
	}
}

/* What was written is ordered before map returns, and tables before what leads to them. */
static void test_table_orders_what_it_writes(void **state)
{
	unsigned long before;
	struct bed b;

	(void)state;
	bed_open(&b, &shapes[3], true, 0, 0);
	before = tablehost_barriers(b.th);
	assert_int_equal(weir_table_map(b.table, 0, 0, K(4), RW), 0);
	/* three tables, each before and after its link, and the page */
	assert_int_equal(tablehost_barriers(b.th), before + 7);
	assert_int_equal(weir_table_map(b.table, K(4), 0, K(4), RW), 0);
	assert_int_equal(tablehost_barriers(b.th), before + 8);
	bed_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_describes_itself),
		cmocka_unit_test(test_table_refuses_what_there_is_not),
		cmocka_unit_test(test_table_says_rights_and_memory),
		cmocka_unit_test(test_table_uses_every_size),
		cmocka_unit_test(test_table_mixes_sizes),
		cmocka_unit_test(test_table_uses_only_sizes_asked_for),
		cmocka_unit_test(test_table_refuses_wrong_calls),
		cmocka_unit_test(test_table_maps_all_or_nothing),
		cmocka_unit_test(test_table_splits_nothing_on_level_0),
		cmocka_unit_test(test_table_splits_in_two_steps_on_level_1),
		cmocka_unit_test(test_table_splits_on_level_2),
		cmocka_unit_test(test_table_unlinks_what_is_empty),
		cmocka_unit_test(test_table_unlinks_what_a_range_covers),
		cmocka_unit_test(test_table_of_a_part_of_a_page),
		cmocka_unit_test(test_table_is_not_freed_under_a_mapper),
		cmocka_unit_test(test_table_reserves),
		cmocka_unit_test(test_table_every_allocation_fails_once),
		cmocka_unit_test(test_table_orders_what_it_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
