// SPDX-License-Identifier: MIT
/*
 * Translation tables where short ways and long ones meet, for every format: what one of them might
 * do alone, and the other would not.
 */
#include "tablebed.h"

static void for_all(void (*test)(struct bed *b))
{
	for (size_t i = 0; i < 2 * NR_SHAPES; i++) {
		struct bed b;

		bed_open(&b, &shapes[i / 2], i & 1, 0, 0);
		test(&b);
		bed_close(&b);
	}
}

/* What is beyond either side's last address is refused where a table stands, too. */
static void out_of_reach(struct bed *b)
{
	uint64_t beyond = UINT64_C(1) << b->shape->pa_bits, top = UINT64_C(1) << b->shape->iova_bits;

	assert_int_equal(weir_table_map(b->table, 0, 0, b->page, RW), 0);
	assert_int_equal(weir_table_map(b->table, top - b->page, 0, b->page, RW), 0);
	assert_int_equal(weir_table_map(b->table, b->page, beyond, b->page, RW), WEIR_ERANGE);
	assert_int_equal(weir_table_map(b->table, top, 0, b->page, RW), WEIR_ERANGE);
	assert_int_equal(weir_table_unmap(b->table, top, b->page, &b->gather), WEIR_ERANGE);
	bed_faults(b, b->page);
	bed_unmap(b, top - b->page, b->page);
	bed_faults(b, top - b->page);
	bed_reaches(b, 0, 0, b->page);
}

static void test_table_edges_out_of_reach(void **state)
{
	(void)state;
	for_all(out_of_reach);
}

/* Larger pages in a row, of which the one in the middle finds a table, with nothing in it. */
static void over_a_table(struct bed *b)
{
	assert_int_equal(weir_table_map(b->table, b->block, 0, b->page, RW), 0);
	bed_unmap(b, b->block, b->page);
	assert_int_equal(weir_table_map(b->table, 0, 0, 3 * b->block, RW), 0);
	bed_reaches(b, b->page, b->page, b->block);
	bed_reaches(b, b->block + b->page, b->block + b->page, 0);
	assert_true(bed_walk(b, b->block).page_bytes < b->block);
	bed_reaches(b, 2 * b->block, 2 * b->block, b->block);
	bed_unmap(b, 0, 3 * b->block);
	bed_faults(b, b->block + b->page);
}

static void test_table_edges_over_a_table(void **state)
{
	(void)state;
	for_all(over_a_table);
}

/* One of the blocks that a hint makes one does not go alone, on a walker that does not stand it. */
static void part_of_a_hint(struct bed *b)
{
	uint64_t run = b->block;

	while (run < b->block * 64 && (run == b->block || !(b->shape->sizes & run)))
		run *= 2;
	if (!(b->shape->sizes & run) || is_short(b->shape))
		return;
	assert_int_equal(weir_table_map(b->table, 0, 0, run, RW), 0);
	assert_true(bed_walk(b, 0).contiguous && bed_walk(b, run - 1).page_bytes == b->block);
	assert_int_equal(weir_table_unmap(b->table, b->block, b->block, &b->gather), WEIR_EBUSY);
	assert_int_equal(b->gather.unmapped_bytes, 0);
	bed_reaches(b, b->block, b->block, b->block);
	bed_unmap(b, 0, run);
}

static void test_table_edges_part_of_a_hint(void **state)
{
	(void)state;
	for_all(part_of_a_hint);
}

/* Whatever way it takes, what is mapped is seen before the caller goes on. */
static void ordered(struct bed *b)
{
	uint64_t block = b->block;
	unsigned long before;

	assert_int_equal(weir_table_map(b->table, 0, 0, b->page, RW), 0);
	assert_int_equal(weir_table_map(b->table, block, 0, b->page, RW), 0);
	before = tablehost_barriers(b->th);
	assert_int_equal(weir_table_map(b->table, block - b->page, 0, b->page, RW), 0);
	assert_int_equal(tablehost_barriers(b->th), before + 1);
	assert_int_equal(weir_table_unmap(b->table, block - b->page, b->page, &b->gather), 0);
	assert_int_equal(weir_table_unmap(b->table, block, b->page, &b->gather), 0);
	/* through two tables */
	before = tablehost_barriers(b->th);
	assert_int_equal(weir_table_map(b->table, block - b->page, 0, 2 * b->page, RW), 0);
	assert_int_equal(tablehost_barriers(b->th), before + 1);
	/* a block beside them, and two */
	assert_int_equal(weir_table_map(b->table, 2 * block, 0, block, RW), 0);
	assert_int_equal(tablehost_barriers(b->th), before + 2);
	assert_int_equal(weir_table_map(b->table, 3 * block, 0, 2 * block, RW), 0);
	assert_int_equal(tablehost_barriers(b->th), before + 3);
}

static void test_table_edges_ordered(void **state)
{
	(void)state;
	for_all(ordered);
}

/* Memory that the walker cannot reach is not made a table of. */
static void test_table_edges_memory_too_high(void **state)
{
	static const struct shape low = { WEIR_TABLE_ARM_S1, 12, 39, 32, 3, SIZES_4K };
	struct weir_table_config config = bed_config(&low, true, 0);
	struct tablehost *th = tablehost_create(true, 48);
	struct testhost *t = testhost_create(tablehost_ops(th), th);
	struct weir_table *table = NULL;

	(void)state;
	assert_int_equal(weir_table_create(testhost_ops(t), t, &config, &table), WEIR_ENOMEM);
	assert_null(table);
	testhost_destroy(t);
	tablehost_destroy(th);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_edges_out_of_reach),
		cmocka_unit_test(test_table_edges_over_a_table),
		cmocka_unit_test(test_table_edges_part_of_a_hint),
		cmocka_unit_test(test_table_edges_ordered),
		cmocka_unit_test(test_table_edges_memory_too_high),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
