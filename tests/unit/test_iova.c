// SPDX-License-Identifier: MIT
/*
 * Allocation of I/O virtual addresses: against a bitmap, with limits, reserved ranges,
 * magazines of several CPUs, without memory, and from several threads.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dma/iova.h"
#include "seed.h"
#include "world.h"

#define PAGE UINT64_C(4096)
#define FIRST 2u
#define LAST 4500u
#define N_CPUS 3u
#define N_TAKEN 3000u

struct taken {
	uint64_t iova, bytes;
};

struct iovas {
	struct world w;
	struct weir_host_ops ops;
	struct testhost *host;
	struct weir_machine *m;
	struct weir_iova_space space;
	bool used[LAST + 2];
	struct taken taken[N_TAKEN];
	unsigned int n;
	uint64_t seed;
};

/* What the host tells of its CPUs. */
enum cpus { NO_CPUS, HINTS, OWNED, N_WAYS };

static _Thread_local unsigned int this_cpu;
static pthread_mutex_t cpus[N_CPUS] = {
	PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
};

static unsigned int cpu_count(void *host)
{
	(void)host;
	return N_CPUS;
}

static unsigned int cpu_id(void *host)
{
	(void)host;
	return this_cpu;
}

/* A thread has the CPU for itself; with the number N_CPUS, it gets none. */
static unsigned int cpu_enter(void *host, unsigned long *out_before)
{
	(void)host;
	if (this_cpu < N_CPUS)
		pthread_mutex_lock(&cpus[this_cpu]);
	*out_before = this_cpu;
	return this_cpu < N_CPUS ? this_cpu : N_CPUS;
}

static void cpu_leave(void *host, unsigned long before)
{
	(void)host;
	if (before < N_CPUS)
		pthread_mutex_unlock(&cpus[before]);
}

static void open_host(struct iovas *s, enum cpus way)
{
	memset(s, 0, sizeof(*s));
	s->seed = seed_take();
	s->ops = testhost_plain_ops;
	if (way != NO_CPUS) {
		s->ops.cpu_count = cpu_count;
		s->ops.cpu_id = cpu_id;
	}
	if (way == OWNED) {
		s->ops.cpu_enter = cpu_enter;
		s->ops.cpu_leave = cpu_leave;
	}
	s->host = testhost_create(&s->ops, NULL);
	assert_int_equal(weir_machine_create(testhost_ops(s->host), s->host, &s->m), 0);
}

static void open_space(struct iovas *s, uint64_t min, uint64_t max, enum cpus way)
{
	open_host(s, way);
	assert_int_equal(weir_iova_init_(s->m, &s->space, min, max, PAGE), 0);
	assert_int_equal(s->space.nr_cpus, way == NO_CPUS ? 1 : N_CPUS);
}

static void close_space(struct iovas *s)
{
	weir_iova_fini_(&s->space);
	weir_machine_destroy(s->m);
	testhost_destroy(s->host);
}

/* What is really taken for so many bytes: small sizes are rounded up. */
static uint64_t pages_taken(uint64_t bytes)
{
	uint64_t pages = (bytes + PAGE - 1) / PAGE, pow2 = 1;

	while (pow2 < pages)
		pow2 *= 2;
	return pages <= 32 ? pow2 : pages;
}

static bool fits_somewhere(const struct iovas *s, uint64_t pages, uint64_t limit)
{
	uint64_t align = 1, run = 0;

	while (align < pages)
		align *= 2;
	for (uint64_t p = LAST + 1; p-- > FIRST;) {
		run = s->used[p] || p * PAGE + (PAGE - 1) > limit ? 0 : run + 1;
		if (run >= pages && !(p % align))
			return true;
	}
	return false;
}

static void set_used(struct iovas *s, uint64_t iova, uint64_t bytes, bool used)
{
	uint64_t pages = pages_taken(bytes);

	for (uint64_t p = iova / PAGE; p < iova / PAGE + pages; p++) {
		assert_in_range(p, FIRST, LAST);
		assert_int_equal(s->used[p], !used);
		s->used[p] = used;
	}
}

static void take_one(struct iovas *s)
{
	uint64_t bytes = 1 + seed_next(&s->seed) % ((seed_next(&s->seed) % 8 ? 6 : 90) * PAGE);
	uint64_t limit = seed_next(&s->seed) % 4 ? UINT64_MAX
						 : seed_next(&s->seed) % ((LAST + 9) * PAGE);
	uint64_t pages = pages_taken(bytes), align = 1, iova = 1;
	int err = weir_iova_alloc_(&s->space, bytes, limit, &iova);

	/* magazines of other CPUs are emptied when somebody comes there */
	for (unsigned int i = 0; err == WEIR_ENOSPC && s->ops.cpu_enter && i <= N_CPUS; i++) {
		this_cpu = i;
		err = weir_iova_alloc_(&s->space, bytes, limit, &iova);
	}
	if (err) {
		assert_int_equal(err, WEIR_ENOSPC);
		assert_int_equal(iova, 1); /* outputs are not touched */
		assert_false(fits_somewhere(s, pages, limit));
		return;
	}
	while (align < pages)
		align *= 2;
	assert_int_equal(iova % (align * PAGE), 0);
	assert_true(iova + (bytes - 1) <= limit);
	set_used(s, iova, bytes, true);
	assert_true(s->n < N_TAKEN);
	s->taken[s->n++] = (struct taken){ iova, bytes };
}

static void give_one(struct iovas *s)
{
	unsigned int i;

	if (!s->n)
		return;
	i = (unsigned int)(seed_next(&s->seed) % s->n);
	set_used(s, s->taken[i].iova, s->taken[i].bytes, false);
	assert_int_equal(weir_iova_free_(&s->space, s->taken[i].iova, s->taken[i].bytes), 0);
	s->taken[i] = s->taken[--s->n];
}

static void run_random(struct iovas *s, unsigned int steps)
{
	static const unsigned int fullness[] = { 70, 30, 55, 90, 45, 5 };

	for (unsigned int f = 0; f < 6; f++) {
		for (unsigned int i = 0; i < steps; i++) {
			this_cpu = (unsigned int)(seed_next(&s->seed) % (N_CPUS + 1));
			if (seed_next(&s->seed) % 100 < fullness[f])
				take_one(s);
			else
				give_one(s);
		}
	}
	this_cpu = 0;
}

/* When all is given back, the whole space can be had at once. */
static void expect_whole(struct iovas *s)
{
	uint64_t iova;

	while (s->n)
		give_one(s);
	weir_iova_trim_(&s->space);
	assert_int_equal(s->space.ranges.n, 0);
	/* 4096 pages aligned to themselves are the most that fits */
	assert_int_equal(weir_iova_alloc_(&s->space, 404 * PAGE, UINT64_MAX, &iova), 0);
	assert_int_equal(weir_iova_free_(&s->space, iova, 404 * PAGE), 0);
	assert_int_equal(weir_iova_alloc_(&s->space, 2048 * PAGE, UINT64_MAX, &iova), 0);
	assert_int_equal(iova, 2048 * PAGE);
	assert_int_equal(weir_iova_free_(&s->space, iova, 2048 * PAGE), 0);
}

static void test_iova_random(void **state)
{
	static struct iovas s;

	(void)state;
	for (enum cpus way = NO_CPUS; way < N_WAYS; way++) {
		open_space(&s, FIRST * PAGE, LAST * PAGE + PAGE - 1, way);
		run_random(&s, 8000);
		expect_whole(&s);
		close_space(&s);
	}
}

/* The same while memory runs out now and then: a range is never lost. */
static void test_iova_random_without_memory(void **state)
{
	static struct iovas s;

	(void)state;
	open_space(&s, FIRST * PAGE, LAST * PAGE + PAGE - 1, OWNED);
	for (unsigned int i = 0; i < 20000; i++) {
		this_cpu = (unsigned int)(seed_next(&s.seed) % N_CPUS);
		testhost_fail_at(s.host, 1);
		if (seed_next(&s.seed) % 100 < (i / 2000 % 2 ? 30 : 70)) {
			uint64_t bytes = 1 + seed_next(&s.seed) % (40 * PAGE), iova;

			if (!weir_iova_alloc_(&s.space, bytes, UINT64_MAX, &iova)) {
				set_used(&s, iova, bytes, true);
				s.taken[s.n++] = (struct taken){ iova, bytes };
			}
		} else {
			give_one(&s);
		}
		testhost_fail_at(s.host, 0);
	}
	expect_whole(&s);
	close_space(&s);
}

static void test_iova_limits(void **state)
{
	static const struct { uint64_t min, max; int err; uint64_t first, last; } cases[] = {
		{ 0, 4095, 0, 0, 0 },
		{ 0, 4094, WEIR_EINVAL, 0, 0 },
		{ 1, 4096, WEIR_EINVAL, 0, 0 },
		{ 1, 8191, 0, 1, 1 },
		{ 4096, 4095, WEIR_EINVAL, 0, 0 },
		{ 0x1234, 0xffff, 0, 2, 15 },
		{ 0, UINT64_MAX, 0, 0, (UINT64_C(1) << 52) - 1 },
		{ UINT64_MAX - 4095, UINT64_MAX, 0, (UINT64_C(1) << 52) - 1, (UINT64_C(1) << 52) - 1 },
		{ UINT64_MAX - 4094, UINT64_MAX, WEIR_EINVAL, 0, 0 },
	};
	static struct iovas s;

	(void)state;
	open_host(&s, HINTS);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t iova, n = cases[i].last - cases[i].first + 1;
		int err = weir_iova_init_(s.m, &s.space, cases[i].min, cases[i].max, PAGE);

		assert_int_equal(err, cases[i].err);
		if (err)
			continue;
		assert_int_equal(weir_iova_alloc_(&s.space, 1, UINT64_MAX, &iova), 0);
		assert_int_equal(iova, cases[i].last * PAGE);
		assert_int_equal(weir_iova_alloc_(&s.space, 0, UINT64_MAX, &iova), WEIR_EINVAL);
		if (cases[i].first)
			assert_int_equal(weir_iova_alloc_(&s.space, PAGE,
							  cases[i].first * PAGE - 1, &iova),
					 WEIR_ENOSPC);
		if (n > 1)
			assert_int_equal(weir_iova_alloc_(&s.space, PAGE,
							  cases[i].first * PAGE + PAGE - 1, &iova),
					 0);
		weir_iova_fini_(&s.space);
	}
	weir_machine_destroy(s.m);
	testhost_destroy(s.host);
}

/* What is reserved is never handed out, and cannot be given back. */
static void test_iova_reserved(void **state)
{
	static struct iovas s;
	uint64_t iova, last;
	unsigned int n = 0;

	(void)state;
	open_space(&s, PAGE, 64 * PAGE - 1, HINTS);
	assert_int_equal(weir_iova_reserve_(&s.space, 10 * PAGE, 12 * PAGE - 1), 0);
	assert_int_equal(weir_iova_reserve_(&s.space, 11 * PAGE + 5, 20 * PAGE), 0); /* overlaps */
	assert_int_equal(weir_iova_reserve_(&s.space, 0, PAGE), 0);          /* partly outside */
	assert_int_equal(weir_iova_reserve_(&s.space, 63 * PAGE, UINT64_MAX), 0);
	assert_int_equal(weir_iova_reserve_(&s.space, 70 * PAGE, 80 * PAGE), 0); /* outside */
	assert_true(weir_iova_next_open_(&s.space, 0, &iova, &last));
	assert_int_equal(iova, 2 * PAGE);
	assert_int_equal(last, 10 * PAGE - 1);
	assert_true(weir_iova_next_open_(&s.space, last + 1, &iova, &last));
	assert_int_equal(iova, 21 * PAGE);
	assert_int_equal(last, 63 * PAGE - 1);
	assert_false(weir_iova_next_open_(&s.space, last + 1, &iova, &last));
	while (!weir_iova_alloc_(&s.space, PAGE, UINT64_MAX, &iova)) {
		uint64_t p = iova / PAGE;

		assert_true((p >= 2 && p < 10) || (p > 20 && p < 63));
		s.taken[n++].iova = iova;
	}
	assert_int_equal(n, 8 + 42);
	assert_int_equal(weir_iova_free_(&s.space, 10 * PAGE, 40 * PAGE), WEIR_ENOENT);
	assert_int_equal(weir_iova_reserve_(&s.space, 30 * PAGE, 31 * PAGE), WEIR_EBUSY);
	while (n)
		assert_int_equal(weir_iova_free_(&s.space, s.taken[--n].iova, PAGE), 0);
	assert_int_equal(weir_iova_reserve_(&s.space, 30 * PAGE, 31 * PAGE), 0);
	close_space(&s);
}

/* A device with a small mask passes over what the others freed, and is served from the tree. */
static void test_iova_mask_and_magazines(void **state)
{
	static struct iovas s;
	uint64_t high[300], iova;

	(void)state;
	open_space(&s, PAGE, (UINT64_C(1) << 48) - 1, NO_CPUS);
	for (unsigned int i = 0; i < 300; i++)
		assert_int_equal(weir_iova_alloc_(&s.space, PAGE, UINT64_MAX, &high[i]), 0);
	for (unsigned int i = 0; i < 300; i++)
		assert_int_equal(weir_iova_free_(&s.space, high[i], PAGE), 0);
	for (unsigned int i = 0; i < 300; i++) {
		assert_int_equal(weir_iova_alloc_(&s.space, PAGE, UINT32_MAX, &iova), 0);
		assert_true(iova <= UINT32_MAX);
	}
	assert_int_equal(weir_iova_alloc_(&s.space, PAGE, UINT64_MAX, &iova), 0);
	assert_true(iova > UINT32_MAX); /* one of the freed */
	close_space(&s);
}

#define MANY 100000u

/* A hundred thousand of mixed sizes, freed in any order, twice: the second time from magazines. */
static void test_iova_many(void **state)
{
	static struct taken many[MANY];
	static struct iovas s;

	(void)state;
	open_space(&s, PAGE, (UINT64_C(1) << 48) - 1, OWNED);
	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < MANY; i++) {
			this_cpu = i % N_CPUS;
			many[i].bytes = PAGE << seed_next(&s.seed) % 7;
			assert_int_equal(weir_iova_alloc_(&s.space, many[i].bytes, UINT64_MAX,
							  &many[i].iova), 0);
		}
		for (unsigned int i = MANY; i--;) {
			unsigned int k = (unsigned int)(seed_next(&s.seed) % (i + 1));

			assert_int_equal(weir_iova_free_(&s.space, many[k].iova, many[k].bytes), 0);
			many[k] = many[i];
		}
	}
	this_cpu = 0;
	weir_iova_trim_(&s.space);
	assert_int_equal(s.space.ranges.n, 0);
	close_space(&s);
}

static void sweep(struct testhost *t, void *arg)
{
	struct weir_iova_space space = { 0 };
	struct weir_machine *m;
	uint64_t iova[200];
	unsigned int n = 0;

	(void)arg;
	if (weir_machine_create(testhost_ops(t), t, &m))
		return;
	if (!weir_iova_init_(m, &space, PAGE, UINT32_MAX, PAGE) &&
	    !weir_iova_reserve_(&space, 0x100000, 0x1fffff))
		while (n < 200 && !weir_iova_alloc_(&space, PAGE, UINT64_MAX, &iova[n]))
			n++;
	while (n)
		assert_int_equal(weir_iova_free_(&space, iova[--n], PAGE), 0);
	weir_iova_fini_(&space);
	weir_machine_destroy(m);
}

static void test_iova_fault_sweep(void **state)
{
	(void)state;
	assert_true(testhost_sweep(NULL, NULL, sweep, NULL) > 10);
}

/* ---- threads ---- */

#define N_THREADS 4u
#define SHARED_PAGES 3000u

struct shared {
	struct weir_iova_space *space;
	_Atomic bool used[SHARED_PAGES];
};

struct worker {
	struct shared *shared;
	pthread_t thread;
	uint64_t seed;
	unsigned int cpu, failed;
};

static void mark(struct shared *shared, const struct taken *t, bool used)
{
	uint64_t pages = pages_taken(t->bytes);

	for (uint64_t p = t->iova / PAGE; p < t->iova / PAGE + pages; p++)
		if (atomic_exchange(&shared->used[p], used) == used)
			abort(); /* two have it, or nobody had it */
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct taken mine[64];
	unsigned int n = 0;

	for (unsigned int i = 0; i < 30000; i++) {
		/* two threads on one CPU, and now and then somewhere else */
		this_cpu = i % 50 ? w->cpu % 2 : (unsigned int)(seed_next(&w->seed) % N_CPUS);
		if (n < 64 && seed_next(&w->seed) % 2) {
			mine[n].bytes = 1 + seed_next(&w->seed) % (40 * PAGE);
			if (weir_iova_alloc_(w->shared->space, mine[n].bytes, UINT64_MAX,
					     &mine[n].iova))
				w->failed++;
			else
				mark(w->shared, &mine[n++], true);
		} else if (n) {
			unsigned int k = (unsigned int)(seed_next(&w->seed) % n);

			mark(w->shared, &mine[k], false);
			if (weir_iova_free_(w->shared->space, mine[k].iova, mine[k].bytes))
				abort();
			mine[k] = mine[--n];
		}
	}
	while (n--) {
		mark(w->shared, &mine[n], false);
		if (weir_iova_free_(w->shared->space, mine[n].iova, mine[n].bytes))
			abort();
	}
	return NULL;
}

static void run_threads(enum cpus way)
{
	static struct shared shared;
	static struct iovas s;
	struct worker workers[N_THREADS];

	open_space(&s, PAGE, SHARED_PAGES * PAGE - 1, way);
	shared.space = &s.space;
	for (unsigned int i = 0; i < N_THREADS; i++) {
		workers[i] = (struct worker){ .shared = &shared, .cpu = i, .seed = s.seed + i };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned int i = 0; i < N_THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	weir_iova_trim_(&s.space);
	assert_int_equal(s.space.ranges.n, 0);
	close_space(&s);
}

static void test_iova_threads(void **state)
{
	(void)state;
	for (enum cpus way = NO_CPUS; way < N_WAYS; way++)
		run_threads(way);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_iova_random),
		cmocka_unit_test(test_iova_random_without_memory),
		cmocka_unit_test(test_iova_limits),
		cmocka_unit_test(test_iova_reserved),
		cmocka_unit_test(test_iova_mask_and_magazines),
		cmocka_unit_test(test_iova_many),
		cmocka_unit_test(test_iova_fault_sweep),
		cmocka_unit_test(test_iova_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
