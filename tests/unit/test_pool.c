// SPDX-License-Identifier: MIT
/*
 * The pool: nothing overlaps, all is zero and aligned, all comes back, threads; and a machine with a
 * domain on tables that has no other memory.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "iommu/priv.h"
#include "seed.h"
#include "weir/pool.h"
#include "world.h"

#define PAGE 4096u
#define BYTES (2u << 20)
#define SLOTS 400u

struct slot {
	unsigned char *mem;
	size_t bytes;
	bool pages;
	unsigned char mark;
};

struct bed {
	struct weir_pool pool;
	unsigned char *mem;
	size_t room;
};

/* The region begins @skew bytes into a page. */
static void bed_open(struct bed *bed, size_t bytes, size_t skew, uint64_t pa)
{
	bed->mem = aligned_alloc(PAGE, BYTES + PAGE);
	assert_non_null(bed->mem);
	memset(bed->mem, 0xa5, BYTES + PAGE);
	assert_int_equal(weir_pool_init(&bed->pool, &(struct weir_pool_config){
				 .mem = bed->mem + skew, .bytes = bytes, .pa = pa + skew }), 0);
	bed->room = skew + bytes;
}

static void bed_close(struct bed *bed)
{
	struct weir_pool_stats stats;

	weir_pool_stats_get(&bed->pool, &stats);
	assert_int_equal(stats.used, 0);
	for (size_t i = bed->room; i < BYTES + PAGE; i++) /* nothing behind the region was written */
		assert_int_equal(bed->mem[i], 0xa5);
	free(bed->mem);
}

static bool is_all(const unsigned char *mem, size_t n, unsigned char value)
{
	for (size_t i = 0; i < n; i++)
		if (mem[i] != value)
			return false;
	return true;
}

/* False: there was none. */
static bool take(struct weir_pool *pool, struct slot *s, unsigned int *seed)
{
	unsigned int kind = (unsigned int)rand_r(seed) % 8;
	size_t align = (size_t)PAGE << (unsigned int)rand_r(seed) % 4;
	uint64_t pa;
	void *mem;

	s->pages = kind == 0;
	s->mark = (unsigned char)(1 + rand_r(seed) % 255);
	if (s->pages) {
		s->bytes = PAGE * (1 + (size_t)rand_r(seed) % 9);
		if (weir_pool_pages_alloc(pool, s->bytes, align, &mem, &pa))
			return false;
		if (pa % align || pa - pool->pa != (uint64_t)((unsigned char *)mem - pool->pages))
			abort();
	} else {
		s->bytes = 1 + (size_t)rand_r(seed) % (kind == 1 ? 9000 : 300);
		mem = weir_pool_alloc(pool, s->bytes);
		if (!mem)
			return false;
	}
	s->mem = mem;
	if ((uintptr_t)mem % 16 || !is_all(mem, s->bytes, 0))
		abort();
	memset(mem, s->mark, s->bytes);
	return true;
}

static void give(struct weir_pool *pool, struct slot *s)
{
	if (!is_all(s->mem, s->bytes, s->mark))
		abort();
	if (s->pages)
		weir_pool_pages_free(pool, s->mem, s->bytes);
	else
		weir_pool_free(pool, s->mem, s->bytes);
	s->mem = NULL;
}

static void churn(struct weir_pool *pool, unsigned int seed, unsigned int steps)
{
	static _Thread_local struct slot slots[SLOTS];

	memset(slots, 0, sizeof(slots));
	for (unsigned int i = 0; i < steps; i++) {
		struct slot *s = &slots[(unsigned int)rand_r(&seed) % SLOTS];

		if (s->mem)
			give(pool, s);
		else
			(void)take(pool, s, &seed);
	}
	for (unsigned int i = 0; i < SLOTS; i++)
		if (slots[i].mem)
			give(pool, &slots[i]);
}

/* ---- tests ---- */

static void test_pool_region(void **state)
{
	static unsigned char mem[2 * PAGE];
	struct weir_pool pool;
	struct weir_pool_config config = { .mem = mem, .bytes = sizeof(mem),
					   .pa = (uintptr_t)mem % PAGE + 1 };

	(void)state;
	assert_int_equal(weir_pool_init(&pool, &config), WEIR_EINVAL);
	config.pa--;
	config.bytes = PAGE;
	assert_int_equal(weir_pool_init(&pool, &config), WEIR_EINVAL);
}

/* All that is free is had in one piece again, whatever was cut from it. */
static void test_pool_random(void **state)
{
	static const size_t sizes[] = { 5 * PAGE, 300000, BYTES };
	unsigned int seed = (unsigned int)seed_take();

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct weir_pool_stats stats;
		struct bed bed;
		uint64_t pa;
		void *all;

		bed_open(&bed, sizes[i], i == 1 ? 0x123 : 0, i == 2 ? 0x80005000 : 0x40000000);
		churn(&bed.pool, seed + i, 20000);
		weir_pool_stats_get(&bed.pool, &stats);
		assert_int_equal(stats.used, 0);
		assert_in_range(stats.peak, PAGE, stats.bytes);
		if (i == 0) {
			assert_int_equal(stats.bytes, 4 * PAGE);
			assert_int_equal(weir_pool_pages_alloc(&bed.pool, 4 * PAGE, PAGE, &all, &pa), 0);
			assert_null(weir_pool_alloc(&bed.pool, 1));
			weir_pool_pages_free(&bed.pool, all, PAGE); /* a part of it */
			assert_non_null(weir_pool_alloc(&bed.pool, PAGE));
			weir_pool_free(&bed.pool, all, PAGE);
			weir_pool_pages_free(&bed.pool, (char *)all + PAGE, 3 * PAGE);
		}
		bed_close(&bed);
	}
}

static void test_pool_no_page_is_lost_to_rounding(void **state)
{
	void *pages[4];
	struct bed bed;
	uint64_t pa;

	(void)state;
	bed_open(&bed, 13 * PAGE, 0, 0x40000000);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(weir_pool_pages_alloc(&bed.pool, 3 * PAGE, PAGE, &pages[i], &pa),
				 i < 3 ? 0 : WEIR_ENOMEM); /* the last three lie apart */
	assert_int_equal(weir_pool_pages_alloc(&bed.pool, PAGE, PAGE, &pages[3], &pa), 0);
	weir_pool_pages_free(&bed.pool, pages[3], PAGE);
	for (unsigned int i = 0; i < 3; i++)
		weir_pool_pages_free(&bed.pool, pages[i], 3 * PAGE);
	bed_close(&bed);
}

static unsigned int irqs_off;

static unsigned long irq_off(void *host)
{
	(void)host;
	return irqs_off++;
}

static void irq_on(void *host, unsigned long before)
{
	(void)host;
	assert_int_equal(before, --irqs_off);
}

/* A machine, a domain that gets tables, and nothing left. */
static void test_pool_is_all_the_memory(void **state)
{
	struct weir_host_ops ops = testhost_plain_ops;
	const struct weir_table_config config = {
		.format = WEIR_TABLE_ARM_S1, .kind = &weir_table_arm64,
		.granule_lg2 = 12, .iova_bits = 39, .pa_bits = 40,
		.coherent = true,
	};
	struct weir_table *table;
	struct world w = { 0 };
	struct bed bed;
	uint64_t pa;

	(void)state;
	bed_open(&bed, BYTES, 0, 0x40000000);
	bed.pool.irq_off = irq_off;
	bed.pool.irq_on = irq_on;
	weir_pool_host(&ops);
	assert_int_equal(world_try_open(&w, testhost_create(&ops, &bed.pool), NULL), 0);
	world_device(&w, "a", NULL, "t,dev");
	assert_settles(&w);
	assert_int_equal(weir_table_create(&ops, &bed.pool, &config, &table), 0);
	for (uint64_t i = 0; i < 40; i++)
		assert_int_equal(weir_table_map(table, i << 30, i << 12, PAGE, WEIR_MAP_READ |
						WEIR_MAP_WRITE), 0);
	assert_int_equal(weir_table_translate(table, UINT64_C(39) << 30, &pa), 0);
	assert_int_equal(pa, 39 << 12);
	for (uint64_t i = 40; i < 512; i++) /* until there is no more */
		if (weir_table_map(table, i << 30, 0, PAGE, WEIR_MAP_READ | WEIR_MAP_WRITE))
			break;
	assert_int_equal(weir_table_map(table, UINT64_C(511) << 30, 0, PAGE, WEIR_MAP_READ |
					WEIR_MAP_WRITE), WEIR_ENOMEM);
	weir_table_destroy(table);
	world_close(&w);
	assert_int_equal(irqs_off, 0);
	bed_close(&bed);
}

static void *work(void *arg)
{
	churn(arg, 77, 5000);
	return NULL;
}

static void test_pool_threads(void **state)
{
	pthread_t threads[3];
	struct bed bed;

	(void)state;
	bed_open(&bed, BYTES, 0, 0x40000000);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &bed.pool), 0);
	for (unsigned int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	bed_close(&bed);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pool_region),
		cmocka_unit_test(test_pool_random),
		cmocka_unit_test(test_pool_no_page_is_lost_to_rounding),
		cmocka_unit_test(test_pool_is_all_the_memory),
		cmocka_unit_test(test_pool_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
