// SPDX-License-Identifier: MIT
/*
 * The search of every order by the whole state (race/whole.h), on programs of which it is known how many
 * orders and states they have: it runs few, stands for all, and finds what few of them show.
 */
#include <string.h>

#include "cm.h"
#include "race/sched.h"
#include "race/search.h"
#include "race/whole.h"

#define TASKS 4

/* Sanitizers have words of their own on stacks: states are one that is the same more rarely. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(SANITIZED)
#define FEW(n) UINT64_MAX
#else
#define FEW(n) (n)
#endif

struct shared {
	struct weir_lock *a, *b;
	uint64_t n, log[4 * TASKS];
	void *blocks[TASKS];
};

struct program {
	struct race_sched *sched;
	struct race_search *search;
	struct race_whole *whole; /* NULL: each order is one run */
	struct shared *shared;
	struct race_search_stats stats;
	unsigned int wrong;       /* runs that showed what is looked for */
	uint64_t most, least;     /* of shared->n in the end */
};

struct actor {
	struct program *p;
	uint64_t number;
	void (*fn)(struct actor *a);
};

static int choose(void *context, const int *tasks, int n, int running)
{
	struct program *p = context;
	uint64_t state = p->whole ? race_whole_state(p->whole, p->sched) : 0;
	int which = race_search_choose(p->search, state, tasks, n, running);

	return race_search_is_known(p->search) ? -1 : which;
}

static void act(void *arg)
{
	struct actor *a = arg;

	a->fn(a);
}

static void take(struct actor *a, struct weir_lock *lock)
{
	race_sched_point_lock(a->p->sched, lock, true);
}

static void leave(struct actor *a, struct weir_lock *lock)
{
	race_sched_host()->unlock(a->p->sched, lock);
}

static enum race_end run_once(struct program *p, void (*const *fns)(struct actor *a), unsigned int n)
{
	const struct weir_host_ops *host = race_sched_host();
	struct actor actors[TASKS];
	enum race_end end;

	if (p->whole)
		race_whole_begin(p->whole);
	p->shared = host->alloc(p->sched, sizeof(*p->shared));
	assert_non_null(p->shared);
	p->shared->a = host->lock_create(p->sched, 0);
	p->shared->b = host->lock_create(p->sched, 0);
	for (unsigned int i = 0; i < n; i++) {
		actors[i] = (struct actor){ p, i + 1, fns[i] };
		assert_true(race_sched_task(p->sched, act, &actors[i], NULL) >= 0);
	}
	end = race_sched_run(p->sched);
	if (end == RACE_END_DEADLOCK)
		return end;
	race_sched_reset(p->sched);
	if (end == RACE_END_LEFT)
		return RACE_END_WELL;
	if (p->most < p->shared->n)
		p->most = p->shared->n;
	if (p->least > p->shared->n)
		p->least = p->shared->n;
	host->lock_destroy(p->sched, p->shared->a);
	host->lock_destroy(p->sched, p->shared->b);
	host->free(p->sched, p->shared, sizeof(*p->shared));
	return end;
}

#define EVERY 1000u

/* @departures: at most; EVERY: any number, and states are looked at when @whole is set. */
static void run(struct program *p, void (*const *fns)(struct actor *a), unsigned int n, bool whole,
		unsigned int departures)
{
	*p = (struct program){ .sched = race_sched_create(), .least = UINT64_MAX };
	p->search = whole ? race_search_create(0) : race_search_create_bounded(departures);
	p->whole = whole ? race_whole_create() : NULL;
	assert_true(p->sched && p->search && (p->whole || !whole));
	race_sched_memory(p->sched, whole ? race_whole_memory(p->whole) : NULL);
	race_sched_chooser(p->sched, choose, p);
	while (race_search_begin(p->search) && !p->wrong)
		p->wrong += run_once(p, fns, n) != RACE_END_WELL;
	assert_null(race_search_failed(p->search));
	race_search_stats(p->search, &p->stats);
	race_search_destroy(p->search);
	race_sched_destroy(p->sched);
	race_whole_destroy(p->whole);
}

/* ---- as many orders as there are ---- */

static void count_twice(struct actor *a)
{
	for (int i = 0; i < 2; i++) {
		take(a, a->p->shared->a);
		a->p->shared->n++;
		leave(a, a->p->shared->a);
	}
}

static void sign(struct actor *a)
{
	struct shared *s = a->p->shared;

	take(a, s->a);
	s->log[s->n++] = a->number;
	leave(a, s->a);
}

/* Nine steps, three of each: 9! / (3! 3! 3!) orders. The states are how far each is: 4 x 4 x 4 at most. */
static void test_stands_for_all(void **state)
{
	void (*const fns[])(struct actor *a) = { count_twice, count_twice, count_twice };
	struct program all, few;

	(void)state;
	run(&all, fns, 3, false, EVERY);
	assert_true(all.stats.all);
	assert_int_equal(all.stats.runs, 1680);
	run(&few, fns, 3, true, EVERY);
	assert_true(few.stats.all);
	assert_true(few.stats.orders == 1680);
	assert_true(few.stats.states <= FEW(64));
	assert_true(few.stats.runs <= FEW(130));
	assert_int_equal(few.least, 6);
	assert_int_equal(few.most, 6);
}

/* What each leaves is seen for ever: states are who came first, in which order: nothing is one. */
static void test_keeps_apart_what_differs(void **state)
{
	void (*const fns[])(struct actor *a) = { sign, sign, sign };
	struct program p;

	(void)state;
	run(&p, fns, 3, true, EVERY);
	assert_true(p.stats.all);
	assert_true(p.stats.orders == 90); /* 6! / (2! 2! 2!) */
	assert_true(p.stats.runs >= 6);    /* 3! ends */
}

/* ---- what is only on a stack ---- */

/* Between the two nothing but a local variable tells what was seen. */
static void add_late(struct actor *a)
{
	struct shared *s = a->p->shared;
	uint64_t seen;

	take(a, s->a);
	seen = s->n;
	leave(a, s->a);
	take(a, s->a);
	s->n = seen + a->number;
	leave(a, s->a);
}

static void write_back(struct actor *a)
{
	struct shared *s = a->p->shared;
	uint64_t seen;

	take(a, s->a);
	seen = s->n;
	s->n = 100;
	leave(a, s->a);
	take(a, s->a);
	s->n = seen;
	leave(a, s->a);
}

static void test_looks_at_stacks(void **state)
{
	void (*const fns[])(struct actor *a) = { write_back, add_late };
	struct program all, few;

	(void)state;
	run(&all, fns, 2, false, EVERY);
	run(&few, fns, 2, true, EVERY);
	assert_int_equal(all.most, 102);
	assert_int_equal(few.most, all.most);
	assert_int_equal(few.least, all.least);
	assert_true(few.stats.orders == (double)all.stats.runs);
}

/* ---- where memory lies ---- */

static void keep_memory(struct actor *a)
{
	const struct weir_host_ops *host = race_sched_host();
	struct shared *s = a->p->shared;

	for (int i = 0; i < 2; i++) {
		take(a, s->a);
		if (s->blocks[a->number - 1])
			host->free(a->p->sched, s->blocks[a->number - 1], 32);
		s->blocks[a->number - 1] = host->alloc(a->p->sched, 32);
		*(uint64_t *)s->blocks[a->number - 1] = a->number;
		leave(a, s->a);
	}
}

static void test_does_not_mind_addresses(void **state)
{
	void (*const fns[])(struct actor *a) = { keep_memory, keep_memory, keep_memory };
	struct program p;

	(void)state;
	run(&p, fns, 3, true, EVERY);
	assert_true(p.stats.all);
	assert_true(p.stats.orders == 1680);
	assert_true(p.stats.states <= FEW(64));
}

/* ---- what only few orders show ---- */

/* Two lose what the other counted, again and again: it takes more than three departures to get to 2. */
static void count_badly(struct actor *a)
{
	struct shared *s = a->p->shared;

	for (int i = 0; i < 3; i++) {
		uint64_t seen;

		take(a, s->a);
		seen = s->n;
		leave(a, s->a);
		take(a, s->a);
		s->n = seen + 1;
		leave(a, s->a);
	}
}

static void test_finds_what_takes_many_departures(void **state)
{
	void (*const fns[])(struct actor *a) = { count_badly, count_badly };
	struct program three, every;

	(void)state;
	run(&three, fns, 2, false, 3);
	run(&every, fns, 2, true, EVERY);
	assert_true(three.stats.all);
	assert_int_equal(three.least, 3);
	assert_int_equal(every.least, 2);
	assert_int_equal(every.most, 6);
	assert_true(every.stats.orders == 3432); /* 14 over 7 */
	assert_true(every.stats.runs <= FEW(three.stats.runs));
}

static void a_then_b(struct actor *a)
{
	struct shared *s = a->p->shared;

	take(a, s->a);
	take(a, s->b);
	leave(a, s->b);
	leave(a, s->a);
}

static void b_then_a(struct actor *a)
{
	struct shared *s = a->p->shared;

	take(a, s->b);
	take(a, s->a);
	leave(a, s->a);
	leave(a, s->b);
}

static void test_finds_a_deadlock(void **state)
{
	void (*const fns[])(struct actor *a) = { count_twice, a_then_b, b_then_a };
	struct program p;

	(void)state;
	run(&p, fns, 3, true, EVERY);
	assert_int_equal(p.wrong, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stands_for_all),
		cmocka_unit_test(test_keeps_apart_what_differs),
		cmocka_unit_test(test_looks_at_stacks),
		cmocka_unit_test(test_does_not_mind_addresses),
		cmocka_unit_test(test_finds_what_takes_many_departures),
		cmocka_unit_test(test_finds_a_deadlock),
	};

	return cmocka_run_group_tests_name("race_whole", tests, NULL, NULL);
}
