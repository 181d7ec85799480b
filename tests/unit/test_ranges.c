// SPDX-License-Identifier: MIT
/*
 * The tree of page ranges: against a bitmap that is searched by hand, with every answer
 * it can give; and large, with its height and its memory.
 */
#include <stdbool.h>
#include <string.h>

#include "dma/ranges.h"
#include "seed.h"
#include "world.h"

#define MIN 3u
#define MAX 1500u

struct shadow {
	struct world w;
	struct weir_ranges ranges;
	uint64_t first[MAX + 2]; /* of the range that has the page; 0: free */
	uint64_t seed;
};

static void open_world(struct shadow *s, uint64_t min, uint64_t max)
{
	memset(s, 0, sizeof(*s));
	s->seed = seed_take();
	world_open(&s->w, NULL);
	assert_int_equal(weir_ranges_init_(&s->ranges, s->w.m, min, max), 0);
}

static void close_world(struct shadow *s)
{
	weir_ranges_fini_(&s->ranges);
	world_close(&s->w);
}

/* The highest place by looking at every page; 0: none. */
static uint64_t place_by_hand(const struct shadow *s, uint64_t pages, uint64_t limit)
{
	uint64_t align = 1, run = 0;

	while (align < pages)
		align <<= 1;
	for (uint64_t p = (limit < MAX ? limit : MAX) + 1; p-- > MIN;) {
		run = s->first[p] ? 0 : run + 1;
		if (run >= pages && !(p & (align - 1)))
			return p;
	}
	return 0;
}

static void check_place(const struct shadow *s, uint64_t pages, uint64_t limit)
{
	uint64_t first = 0, expected = place_by_hand(s, pages, limit);
	bool found = weir_ranges_place_(&s->ranges, pages, limit, &first);

	assert_int_equal(found, expected != 0);
	assert_int_equal(first, expected);
}

static void check_next(const struct shadow *s, uint64_t page)
{
	struct weir_range range;
	uint64_t p = page < MIN ? MIN : page;

	while (p <= MAX && !s->first[p])
		p++;
	if (!weir_ranges_next_(&s->ranges, page, &range)) {
		assert_int_equal(p, MAX + 1);
		return;
	}
	assert_true(p <= MAX);
	assert_int_equal(range.first, s->first[p]);
	for (p = range.first; p <= range.last; p++)
		assert_int_equal(s->first[p], range.first);
	assert_true(s->first[p] != range.first);
}

static void add(struct shadow *s, uint64_t first, uint64_t pages)
{
	struct weir_range range = { first, first + (pages - 1), false };

	assert_int_equal(weir_ranges_add_(&s->ranges, &range), 0);
	for (uint64_t p = first; p <= range.last; p++)
		s->first[p] = first;
}

static void del(struct shadow *s, uint64_t page)
{
	uint64_t first = s->first[page], pages = 0;

	for (uint64_t p = first; p <= MAX && s->first[p] == first; p++, pages++)
		s->first[p] = 0;
	assert_false(weir_ranges_free_(&s->ranges, first, pages + 1));
	if (pages > 1)
		assert_false(weir_ranges_free_(&s->ranges, first + 1, pages));
	assert_true(weir_ranges_free_(&s->ranges, first, pages));
	assert_false(weir_ranges_free_(&s->ranges, first, pages));
}

/* Adds where there is room, at the highest place or anywhere, or takes something out. */
static void step(struct shadow *s, unsigned int fullness)
{
	uint64_t page = MIN + seed_next(&s->seed) % (MAX - MIN + 1);
	uint64_t pages = 1 + seed_next(&s->seed) % (seed_next(&s->seed) % 4 ? 4 : 70), n = 0;

	if (seed_next(&s->seed) % 100 >= fullness) {
		if (s->first[page])
			del(s, page);
		return;
	}
	if (seed_next(&s->seed) % 2) {
		uint64_t limit = seed_next(&s->seed) % 2 ? page : UINT64_MAX;
		uint64_t expected = place_by_hand(s, pages, limit);
		int err = weir_ranges_alloc_(&s->ranges, pages, limit, &page);

		assert_int_equal(err, expected ? 0 : WEIR_ENOSPC);
		if (!err)
			assert_int_equal(page, expected);
		for (n = 0; !err && n < pages; n++)
			s->first[page + n] = page;
		return;
	}
	while (n < pages && page + n <= MAX && !s->first[page + n])
		n++;
	if (n)
		add(s, page, n);
}

static void test_ranges_answer_as_a_bitmap_does(void **state)
{
	static const unsigned int fullness[] = { 90, 50, 65, 10, 95, 40, 99, 0 };
	static struct shadow s;

	(void)state;
	open_world(&s, MIN, MAX);
	for (unsigned int f = 0; f < sizeof(fullness) / sizeof(fullness[0]); f++) {
		for (unsigned int i = 0; i < 6000; i++) {
			step(&s, fullness[f]);
			if (i % 16 && i > 40)
				continue;
			check_place(&s, 1 + seed_next(&s.seed) % 80, UINT64_MAX);
			check_place(&s, 1 + seed_next(&s.seed) % 12,
				    seed_next(&s.seed) % (MAX + 20));
			check_next(&s, seed_next(&s.seed) % (MAX + 2));
		}
	}
	for (uint64_t p = MIN; p <= MAX; p++)
		if (s.first[p])
			del(&s, p);
	assert_int_equal(s.ranges.n, 0);
	assert_int_equal(s.ranges.height, 1);
	check_place(&s, MAX - MIN + 1, UINT64_MAX);
	check_place(&s, 1024, UINT64_MAX);
	close_world(&s);
}

/* Each page alone, ends included, from above, from below, and mixed. */
static void test_ranges_full_and_empty(void **state)
{
	static struct shadow s;

	(void)state;
	open_world(&s, MIN, MAX);
	for (unsigned int round = 0; round < 3; round++) {
		for (uint64_t p = MIN; p <= MAX; p++)
			add(&s, round == 1 ? MAX + MIN - p : p, 1);
		assert_int_equal(s.ranges.n, MAX - MIN + 1);
		check_place(&s, 1, UINT64_MAX);
		for (uint64_t p = MIN; p <= MAX; p++) {
			del(&s, round == 2 ? MAX + MIN - p : p);
			check_place(&s, 1 + p % 9, UINT64_MAX);
			check_place(&s, 1 + p % 9, p);
		}
		assert_int_equal(s.ranges.n, 0);
		assert_int_equal(s.ranges.height, 1);
	}
	close_world(&s);
}

#define LARGE 100000u

/* A hundred thousand: the height stays that of a balanced tree, the memory is all given back. */
static void test_ranges_large(void **state)
{
	static uint64_t first[LARGE], many[LARGE];
	static struct shadow s;

	(void)state;
	open_world(&s, 1, (UINT64_C(1) << 36) - 1);
	for (unsigned int i = 0; i < LARGE; i++) {
		uint64_t pages = UINT64_C(1) << seed_next(&s.seed) % 6;

		assert_int_equal(weir_ranges_alloc_(&s.ranges, pages, UINT64_MAX, &first[i]), 0);
		many[i] = pages;
	}
	assert_int_equal(s.ranges.n, LARGE);
	assert_in_range(s.ranges.height, 5, 6); /* 16^4 < 100,000 entries, 8^6 > */
	for (unsigned int i = LARGE; i--;) {
		unsigned int k = (unsigned int)(seed_next(&s.seed) % (i + 1));

		assert_true(weir_ranges_free_(&s.ranges, first[k], many[k]));
		first[k] = first[i];
		many[k] = many[i];
	}
	assert_int_equal(s.ranges.n, 0);
	assert_int_equal(s.ranges.height, 1);
	close_world(&s);
}

/* Out of memory: nothing happened, whatever was split before. */
static void test_ranges_without_memory(void **state)
{
	static struct shadow s;
	unsigned int failed = 0;

	(void)state;
	open_world(&s, MIN, MAX);
	for (unsigned int i = 0; i < 4000; i++) {
		uint64_t page = MIN + seed_next(&s.seed) % (MAX - MIN + 1);
		struct weir_range range = { page, page, false };

		if (s.first[page]) {
			if (seed_next(&s.seed) % 4 == 0)
				del(&s, page);
			continue;
		}
		testhost_fail_at(s.w.host, 1 + seed_next(&s.seed) % 2);
		if (weir_ranges_add_(&s.ranges, &range))
			failed++;
		else
			s.first[page] = page;
		testhost_fail_at(s.w.host, 0);
		check_place(&s, 1 + seed_next(&s.seed) % 5, seed_next(&s.seed) % (MAX + 20));
	}
	assert_true(failed > 10);
	close_world(&s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges_answer_as_a_bitmap_does),
		cmocka_unit_test(test_ranges_full_and_empty),
		cmocka_unit_test(test_ranges_large),
		cmocka_unit_test(test_ranges_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
