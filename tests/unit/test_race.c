// SPDX-License-Identifier: MIT
/*
 * Threads that take turns, and the search through their orders: that it goes everywhere once, finds
 * what only one order shows, finds deadlocks, and does an order again.
 */
#include <stdlib.h>
#include <string.h>

#include "cm.h"
#include "race/sched.h"
#include "race/search.h"
#include "race/state.h"
#include "weir/err.h"

/* Two threads with three steps each, that write down who did which. */
struct log {
	struct race_sched *sched;
	struct race_search *search;
	char text[16];
	size_t n;
	bool merge; /* states that look alike are one */
	uint64_t calls;
	int counter, doubled;
	struct weir_lock *a, *b;
};

struct part {
	struct log *log;
	char name;
	int steps;
};

static int choose(void *context, const int *tasks, int n, int running)
{
	struct log *log = context;
	uint64_t state = ++log->calls;

	if (log->merge) { /* how far each is */
		state = 1000;
		for (size_t i = 0; i < log->n; i++)
			state += log->text[i] == 'a' ? 1 : 16;
	}
	return race_search_choose(log->search, state, tasks, n, running);
}

static void work(void *arg)
{
	struct part *part = arg;
	struct log *log = part->log;

	for (int i = 0; i < part->steps; i++) {
		if (i)
			race_sched_point(log->sched);
		log->text[log->n++] = part->name;
		log->text[log->n] = '\0';
	}
}

static void begin(struct log *log, struct race_search *search, bool merge)
{
	*log = (struct log){ .sched = race_sched_create(), .search = search, .merge = merge };
	assert_non_null(log->sched);
	assert_non_null(search);
	race_sched_chooser(log->sched, choose, log);
}

static void end(struct log *log)
{
	race_search_destroy(log->search);
	race_sched_destroy(log->sched);
}

/* Return: how many different texts there were. */
static size_t run_all(struct log *log, char seen[][16], size_t room)
{
	struct part a = { log, 'a', 3 }, b = { log, 'b', 3 };
	size_t n = 0, i;

	while (race_search_begin(log->search)) {
		log->n = 0;
		assert_true(race_sched_task(log->sched, work, &a, NULL) >= 0);
		assert_true(race_sched_task(log->sched, work, &b, NULL) >= 0);
		assert_int_equal(race_sched_run(log->sched), RACE_END_WELL);
		race_sched_reset(log->sched);
		assert_int_equal(log->n, 6);
		for (i = 0; i < n && strcmp(seen[i], log->text); i++)
			;
		if (i < n)
			continue;
		assert_true(n < room);
		memcpy(seen[n++], log->text, sizeof(log->text));
	}
	assert_null(race_search_failed(log->search));
	return n;
}

static void test_goes_everywhere(void **state)
{
	struct race_search_stats stats;
	char seen[32][16];
	struct log log;

	(void)state;
	begin(&log, race_search_create(0), false);
	assert_int_equal(run_all(&log, seen, 32), 20); /* 6 over 3 */
	race_search_stats(log.search, &stats);
	assert_true(stats.all);
	assert_int_equal(stats.runs, 20);
	end(&log);
	/* where two are equally far it goes on once: a path through a grid of 3 x 3 for each edge */
	begin(&log, race_search_create(0), true);
	assert_true(run_all(&log, seen, 32) < 20);
	race_search_stats(log.search, &stats);
	assert_true(stats.all);
	assert_int_equal(stats.states, 9);
	end(&log);
}

/* aaabbb is the plain one; once from it: bbbaaa, abbbaa, aabbba. */
static void test_within_bounds(void **state)
{
	static const size_t orders[][2] = { { 0, 1 }, { 1, 4 }, { 9, 20 } };
	struct race_search_stats stats;
	char seen[32][16];
	struct log log;

	(void)state;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		begin(&log, race_search_create_bounded((unsigned int)orders[i][0]), false);
		assert_int_equal(run_all(&log, seen, 32), orders[i][1]);
		race_search_stats(log.search, &stats);
		assert_true(stats.all);
		assert_int_equal(stats.runs, orders[i][1]);
		assert_null(race_search_failed(log.search));
		end(&log);
	}
}

static void test_by_chance(void **state)
{
	struct race_search_stats stats;
	struct part a, b;
	struct log log;

	(void)state;
	begin(&log, race_search_create(7), false);
	a = (struct part){ &log, 'a', 3 };
	b = (struct part){ &log, 'b', 3 };
	for (int i = 0; i < 50; i++) {
		assert_true(race_search_begin(log.search));
		log.n = 0;
		race_sched_task(log.sched, work, &a, NULL);
		race_sched_task(log.sched, work, &b, NULL);
		assert_int_equal(race_sched_run(log.sched), RACE_END_WELL);
		race_sched_reset(log.sched);
	}
	race_search_stats(log.search, &stats);
	assert_int_equal(stats.runs, 50);
	assert_false(stats.all);
	end(&log);
}

/* A counter that is read, then written: one order in which it counts one for two. */
static void count(void *arg)
{
	struct log *log = arg;
	int was = log->counter;

	race_sched_point(log->sched);
	log->counter = was + 1;
}

static void test_finds_and_repeats(void **state)
{
	char schedule[64] = "";
	struct log log;

	(void)state;
	begin(&log, race_search_create(0), false);
	while (race_search_begin(log.search)) {
		log.counter = 0;
		race_sched_task(log.sched, count, &log, NULL);
		race_sched_task(log.sched, count, &log, NULL);
		assert_int_equal(race_sched_run(log.sched), RACE_END_WELL);
		race_sched_reset(log.sched);
		if (log.counter == 1)
			strcpy(schedule, race_search_schedule(log.search));
	}
	end(&log);
	assert_true(*schedule);
	begin(&log, race_search_create_replay(schedule), false);
	assert_true(race_search_begin(log.search));
	race_sched_task(log.sched, count, &log, NULL);
	race_sched_task(log.sched, count, &log, NULL);
	assert_int_equal(race_sched_run(log.sched), RACE_END_WELL);
	assert_int_equal(log.counter, 1);
	assert_string_equal(race_search_schedule(log.search), schedule);
	assert_false(race_search_begin(log.search));
	end(&log);
	begin(&log, race_search_create_replay("7"), false);
	assert_true(race_search_begin(log.search));
	race_sched_task(log.sched, count, &log, NULL);
	race_sched_task(log.sched, count, &log, NULL);
	race_sched_run(log.sched);
	assert_non_null(race_search_failed(log.search));
	end(&log);
}

/* ---- locks ---- */

static void lock_both(struct log *log, struct weir_lock *one, struct weir_lock *two)
{
	const struct weir_host_ops *ops = race_sched_host();

	ops->lock(log->sched, one);
	race_sched_point(log->sched);
	ops->lock(log->sched, two);
	log->counter++;
	ops->unlock(log->sched, two);
	ops->unlock(log->sched, one);
}

static void lock_ab(void *arg)
{
	struct log *log = arg;

	lock_both(log, log->a, log->b);
}

static void lock_ba(void *arg)
{
	struct log *log = arg;

	lock_both(log, log->b, log->a);
}

static void test_deadlock(void **state)
{
	const struct weir_host_ops *ops = race_sched_host();
	bool found = false;
	struct log log;

	(void)state;
	begin(&log, race_search_create(0), false);
	log.a = ops->lock_create(log.sched, 1);
	log.b = ops->lock_create(log.sched, 1);
	while (!found && race_search_begin(log.search)) {
		race_sched_task(log.sched, lock_ab, &log, NULL);
		race_sched_task(log.sched, lock_ba, &log, NULL);
		found = race_sched_run(log.sched) == RACE_END_DEADLOCK;
		if (!found)
			race_sched_reset(log.sched);
	}
	assert_true(found);
	assert_non_null(strstr(race_sched_what(log.sched), "wait for one another"));
	/* who is in a deadlock cannot be ended, so what it has stays with it */
	race_search_destroy(log.search);
}

static void test_locks_exclude(void **state)
{
	const struct weir_host_ops *ops = race_sched_host();
	struct log log;
	int runs = 0;

	(void)state;
	begin(&log, race_search_create(0), false);
	log.a = ops->lock_create(log.sched, 1);
	log.b = ops->lock_create(log.sched, 1);
	while (race_search_begin(log.search)) {
		log.counter = 0;
		race_sched_task(log.sched, lock_ab, &log, NULL);
		race_sched_task(log.sched, lock_ab, &log, NULL);
		assert_int_equal(race_sched_run(log.sched), RACE_END_WELL);
		assert_int_equal(log.counter, 2);
		race_sched_reset(log.sched);
		runs++;
	}
	assert_true(runs > 1);
	ops->lock(log.sched, log.a);
	ops->lock(log.sched, log.a);
	assert_string_equal(race_sched_what(log.sched), "a lock is taken twice");
	ops->unlock(log.sched, log.a);
	ops->lock_destroy(log.sched, log.a);
	ops->lock_destroy(log.sched, log.b);
	end(&log);
}

/* One waits with the lock until the other has said so, whoever was first. */
static void await(void *arg)
{
	const struct weir_host_ops *ops = race_sched_host();
	struct log *log = arg;

	ops->lock(log->sched, log->a);
	while (!log->doubled)
		ops->lock_wait(log->sched, log->a);
	log->counter++;
	ops->unlock(log->sched, log->a);
}

static void announce(void *arg)
{
	const struct weir_host_ops *ops = race_sched_host();
	struct log *log = arg;

	race_sched_point(log->sched);
	ops->lock(log->sched, log->a);
	log->doubled = 1;
	ops->lock_wake(log->sched, log->a);
	race_sched_point(log->sched);
	ops->unlock(log->sched, log->a);
}

static void test_waking(void **state)
{
	const struct weir_host_ops *ops = race_sched_host();
	struct log log;
	int runs = 0;

	(void)state;
	begin(&log, race_search_create(0), false);
	log.a = ops->lock_create(log.sched, 1);
	while (race_search_begin(log.search)) {
		log.counter = log.doubled = 0;
		race_sched_task(log.sched, await, &log, NULL);
		race_sched_task(log.sched, await, &log, NULL);
		race_sched_task(log.sched, announce, &log, NULL);
		assert_int_equal(race_sched_run(log.sched), RACE_END_WELL);
		assert_int_equal(log.counter, 2);
		race_sched_reset(log.sched);
		runs++;
	}
	assert_true(runs > 3);
	ops->lock_destroy(log.sched, log.a);
	end(&log);
}

/* ---- threads of the library, and workers ---- */

static void leaf(void *arg)
{
	struct log *log = arg;

	race_sched_point(log->sched);
	log->counter++;
}

static void spawn(void *arg)
{
	const struct weir_host_ops *ops = race_sched_host();
	struct log *log = arg;

	for (int i = 0; i < 3; i++)
		assert_int_equal(ops->thread_run(log->sched, leaf, log), 0);
	while (log->counter < 3)
		ops->thread_wait(log->sched);
	log->doubled = log->counter * 2;
}

static bool is_new(void *arg)
{
	struct log *log = arg;

	return log->doubled && log->doubled != log->counter;
}

static void catch_up(void *arg)
{
	struct log *log = arg;

	log->counter++;
}

static void test_threads_and_workers(void **state)
{
	const struct weir_host_ops *ops = race_sched_host();
	struct log log;
	int runs = 0;

	(void)state;
	begin(&log, race_search_create(0), false);
	assert_int_equal(ops->thread_run(log.sched, leaf, &log), WEIR_EAGAIN); /* nobody runs */
	while (race_search_begin(log.search) && runs < 500) {
		log.counter = log.doubled = 0;
		race_sched_task(log.sched, spawn, &log, NULL);
		race_sched_task(log.sched, catch_up, &log, is_new);
		assert_int_equal(race_sched_run(log.sched), RACE_END_WELL);
		assert_int_equal(log.doubled, 6);
		assert_int_equal(log.counter, 6);
		race_sched_reset(log.sched);
		runs++;
	}
	assert_true(runs > 5);
	end(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_everywhere),
		cmocka_unit_test(test_within_bounds),
		cmocka_unit_test(test_by_chance),
		cmocka_unit_test(test_finds_and_repeats),
		cmocka_unit_test(test_deadlock),
		cmocka_unit_test(test_locks_exclude),
		cmocka_unit_test(test_waking),
		cmocka_unit_test(test_threads_and_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
