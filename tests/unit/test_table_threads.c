// SPDX-License-Identifier: MIT
/*
 * Threads that map and unmap next to one another, in the same last-level tables, while all unlink what
 * gets empty and one trims: what was mapped is found by a walk when the call returns, always.
 * Run under ThreadSanitizer by `make sanitize-all`.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "tablebed.h"

#define THREADS 3u
#define ROUNDS 4000u
#define TABLES 2u
#define EACH 8u /* pages in a row that are one thread's */

struct race {
	struct bed bed;
	pthread_mutex_t releases; /* release and trim come one at a time */
	bool shared; /* or nobody may trim */
	atomic_uint running;
	atomic_ulong wrong;
};

struct runner {
	struct race *race;
	unsigned int number;
	pthread_t thread;
};

static uint64_t draw(uint64_t *state, uint64_t below)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u; /* Knuth, MMIX */
	return (*state >> 33) % below;
}

static void must(struct race *race, bool holds)
{
	if (!holds)
		atomic_fetch_add(&race->wrong, 1);
}

static void release(struct race *race, struct weir_table_gather *gather)
{
	pthread_mutex_lock(&race->releases);
	weir_table_release(race->bed.table, gather);
	pthread_mutex_unlock(&race->releases);
}

/* One range of its own, never more: so tables get empty all the time. */
static void *run(void *arg)
{
	struct runner *r = arg;
	struct race *race = r->race;
	struct bed *b = &race->bed;
	uint64_t entries = b->block / b->page, state = r->number;
	struct weir_table_gather gather = { .unlink = true };

	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t group = draw(&state, TABLES * entries / (EACH * THREADS));
		uint64_t first = (group * THREADS + r->number) * EACH + draw(&state, EACH);
		uint64_t n = 1 + draw(&state, EACH - first % EACH), iova = first * b->page;
		uint64_t pa = (i % 64) * b->page, found = 0;
		struct armwalk walk = { 0 };

		must(race, !weir_table_map(b->table, iova, pa, n * b->page, RW));
		must(race, !bed_look(b, iova + (n - 1) * b->page, &walk));
		must(race, walk.page_bytes == b->page && walk.pa == pa + (n - 1) * b->page);
		must(race, !weir_table_translate(b->table, iova, &found) && found == pa);
		must(race, !weir_table_unmap(b->table, iova, n * b->page, &gather));
		must(race, gather.unmapped_bytes == n * b->page);
		release(race, &gather);
	}
	atomic_fetch_sub(&race->running, 1);
	return NULL;
}

static void *trim(void *arg)
{
	struct race *race = arg;
	struct weir_table_gather gather = { 0 };

	while (race->shared && atomic_load(&race->running)) {
		pthread_mutex_lock(&race->releases);
		weir_table_trim(race->bed.table, 0, UINT64_C(1) << race->bed.shape->iova_bits,
				&gather);
		weir_table_release(race->bed.table, &gather);
		pthread_mutex_unlock(&race->releases);
	}
	return NULL;
}

static void race_on(const struct shape *shape, bool coherent, bool shared)
{
	struct race race = { .running = THREADS };
	struct runner runners[THREADS];
	struct weir_table_mapping mapping;
	pthread_t trimmer;

	bed_open_as(&race.bed, shape, coherent, 0, 0, shared);
	race.shared = shared;
	assert_int_equal(pthread_mutex_init(&race.releases, NULL), 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		runners[i] = (struct runner){ .race = &race, .number = i };
		assert_int_equal(pthread_create(&runners[i].thread, NULL, run, &runners[i]), 0);
	}
	assert_int_equal(pthread_create(&trimmer, NULL, trim, &race), 0);
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(runners[i].thread, NULL);
	pthread_join(trimmer, NULL);
	assert_int_equal(atomic_load(&race.wrong), 0);
	assert_int_equal(weir_table_next(race.bed.table, 0, &mapping), WEIR_ENOENT);
	weir_table_trim(race.bed.table, 0, UINT64_C(1) << shape->iova_bits, &race.bed.gather);
	weir_table_release(race.bed.table, &race.bed.gather);
	for (uint64_t i = 0; i < TABLES * race.bed.block / race.bed.page; i += EACH)
		bed_faults(&race.bed, i * race.bed.page);
	pthread_mutex_destroy(&race.releases);
	bed_close(&race.bed);
}

static void test_table_threads_share_tables(void **state)
{
	(void)state;
	race_on(&shapes[3], true, true);
	race_on(&shapes[3], false, true);
	race_on(&shapes[4], true, true);
	race_on(&shapes[12], false, true);
	race_on(&shapes[3], true, false);
	race_on(&shapes[4], false, false);
	race_on(&shapes[NR_SHAPES - 3], true, true);
	race_on(&shapes[NR_SHAPES - 1], false, true);
	race_on(&shapes[NR_SHAPES - 2], false, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_threads_share_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
