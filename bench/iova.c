// SPDX-License-Identifier: MIT
/*
 * I/O virtual addresses: names, sizes and order of calls are those of the Linux benchmark
 * that README.md compares with; time is the thread's CPU time. Magazines are for each CPU;
 * the host is one where the thread has a CPU for itself, as on one without other threads and
 * interrupts; hint: where a CPU's number is a hint, and atomic operations are paid for.
 *
 * .pair: one free and one alloc with so many outstanding. fast: with magazines, plain:
 * without. mix: 1 to 32 pages, powers of two; big: 33 to 256 pages, which no magazine holds;
 * 1p: one page. two: beside another thread that does the same in the same space. ring: the oldest
 * freed first; rand: any. l32: below 4 GiB. bulk: all allocated, all freed in random order.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "dma/iova.h"
#include "weir/posix.h"

#define PAGE UINT64_C(4096)
#define REPS 11u
#define MASK48 ((UINT64_C(1) << 48) - 1)

enum kind { MIX, BIG, ONE };

struct slot {
	uint64_t iova, bytes;
};

static struct weir_host_ops host_ops;
static struct weir_posix *posix;
static struct weir_machine *machine;

static unsigned int cpu_count(void *host)
{
	(void)host;
	return (unsigned int)sysconf(_SC_NPROCESSORS_CONF);
}

static unsigned int cpu_id(void *host)
{
	(void)host;
	return (unsigned int)sched_getcpu();
}

/* Each thread of the measurement has a CPU of its own. */
static _Thread_local unsigned int cpu;

static unsigned int cpu_enter(void *host, unsigned long *out_before)
{
	(void)host;
	*out_before = 0;
	return cpu;
}

static void check(int err)
{
	if (err)
		abort();
}

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u; /* Knuth, MMIX */
	return *state >> 33;
}

static uint64_t pick(enum kind kind, uint64_t *state)
{
	switch (kind) {
	case MIX:
		return PAGE << next_random(state) % 6;
	case BIG:
		return (33 + next_random(state) % 224) * PAGE;
	default:
		return PAGE;
	}
}

/* The tree alone. */
struct tree_space {
	struct weir_ranges ranges;
	struct weir_spin spin;
};

static void pairs(struct weir_iova_space *space, struct slot *slots, const uint32_t *index,
		  const uint64_t *bytes, uint32_t ops, uint64_t limit)
{
	for (uint32_t i = 0; i < ops; i++) {
		struct slot *slot = &slots[index[i]];

		check(weir_iova_free_(space, slot->iova, slot->bytes));
		slot->bytes = bytes[i];
		check(weir_iova_alloc_(space, bytes[i], limit, &slot->iova));
	}
}

static void tree_alloc(struct tree_space *space, uint64_t bytes, uint64_t limit, uint64_t *out_iova)
{
	unsigned long before = weir_spin_lock(&space->spin);

	check(weir_ranges_alloc_(&space->ranges, bytes / PAGE, limit / PAGE, out_iova));
	weir_spin_unlock(&space->spin, before);
	*out_iova *= PAGE;
}

static void tree_free(struct tree_space *space, uint64_t iova, uint64_t bytes)
{
	unsigned long before = weir_spin_lock(&space->spin);

	if (!weir_ranges_free_(&space->ranges, iova / PAGE, bytes / PAGE))
		abort();
	weir_spin_unlock(&space->spin, before);
}

static void tree_open(struct tree_space *space)
{
	check(weir_ranges_init_(&space->ranges, machine, 1, MASK48 / PAGE));
	check(weir_spin_init(&space->spin, machine, WEIR_LOCK_IOVA));
}

static void tree_close(struct tree_space *space)
{
	weir_ranges_fini_(&space->ranges);
	weir_spin_fini(&space->spin);
}

static void one(const char *name, bool plain, enum kind kind, uint32_t ring, bool random,
		uint32_t ops, uint64_t limit)
{
	struct slot *slots = calloc(ring, sizeof(*slots));
	uint64_t *bytes = calloc(ops, sizeof(*bytes)), state = 42;
	uint32_t *index = calloc(ops, sizeof(*index));
	struct bench_series series = { 0 };
	struct weir_iova_space space;
	struct tree_space tree;

	check(weir_iova_init_(machine, &space, PAGE, MASK48, PAGE));
	tree_open(&tree);
	for (uint32_t i = 0; i < ops; i++) {
		bytes[i] = pick(kind, &state);
		index[i] = random ? (uint32_t)(next_random(&state) % ring) : i % ring;
	}
	for (uint32_t i = 0; i < ring; i++) {
		slots[i].bytes = pick(kind, &state);
		if (plain)
			tree_alloc(&tree, slots[i].bytes, limit, &slots[i].iova);
		else
			check(weir_iova_alloc_(&space, slots[i].bytes, limit, &slots[i].iova));
	}
	for (uint32_t r = 0; r <= REPS; r++) {
		bench_begin(&series);
		if (plain) {
			for (uint32_t i = 0; i < ops; i++) {
				struct slot *slot = &slots[index[i]];

				tree_free(&tree, slot->iova, slot->bytes);
				slot->bytes = bytes[i];
				tree_alloc(&tree, bytes[i], limit, &slot->iova);
			}
		} else {
			pairs(&space, slots, index, bytes, ops, limit);
		}
		bench_end(&series);
		if (!r)
			series.n = 0;
	}
	bench_report_ns(&series, ops, "iova.%s.pair", name);
	weir_iova_fini_(&space);
	tree_close(&tree);
	free(slots);
	free(bytes);
	free(index);
}

/* ---- two threads ---- */

#define RING 256u
#define OPS 400000u

struct work {
	struct weir_iova_space *space;
	struct slot slots[RING];
	uint32_t *index;
	uint64_t *bytes;
	atomic_bool stop;
};

static void work_begin(struct work *work, struct weir_iova_space *space, uint64_t seed)
{
	work->space = space;
	work->index = calloc(OPS, sizeof(*work->index));
	work->bytes = calloc(OPS, sizeof(*work->bytes));
	for (uint32_t i = 0; i < OPS; i++) {
		work->bytes[i] = pick(MIX, &seed);
		work->index[i] = i % RING;
	}
	for (uint32_t i = 0; i < RING; i++) {
		work->slots[i].bytes = pick(MIX, &seed);
		check(weir_iova_alloc_(space, work->slots[i].bytes, MASK48, &work->slots[i].iova));
	}
}

static void work_end(struct work *work)
{
	for (uint32_t i = 0; i < RING; i++)
		check(weir_iova_free_(work->space, work->slots[i].iova, work->slots[i].bytes));
	free(work->index);
	free(work->bytes);
}

static void *other_main(void *arg)
{
	struct work *work = arg;

	cpu = 1;
	while (!atomic_load(&work->stop))
		pairs(work->space, work->slots, work->index, work->bytes, OPS / 100, MASK48);
	return NULL;
}

static void two(const char *name)
{
	static struct work mine, other;
	struct bench_series series = { 0 };
	struct weir_iova_space space;
	pthread_t thread;

	check(weir_iova_init_(machine, &space, PAGE, MASK48, PAGE));
	work_begin(&mine, &space, 42);
	work_begin(&other, &space, 43);
	atomic_store(&other.stop, false);
	if (pthread_create(&thread, NULL, other_main, &other))
		abort();
	for (uint32_t r = 0; r <= REPS; r++) {
		bench_begin(&series);
		pairs(&space, mine.slots, mine.index, mine.bytes, OPS, MASK48);
		bench_end(&series);
		if (!r)
			series.n = 0;
	}
	atomic_store(&other.stop, true);
	pthread_join(thread, NULL);
	bench_report_ns(&series, OPS, "iova.%s.pair", name);
	work_end(&mine);
	work_end(&other);
	weir_iova_fini_(&space);
}

static void bulk(const char *name, enum kind kind, uint32_t n)
{
	struct slot *slots = calloc(n, sizeof(*slots));
	uint64_t state = 9;
	uint32_t *order = calloc(n, sizeof(*order));
	struct bench_series allocs = { 0 }, frees = { 0 };
	struct tree_space tree;

	tree_open(&tree);
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = n; i-- > 1;) {
		uint32_t k = (uint32_t)(next_random(&state) % (i + 1)), tmp = order[i];

		order[i] = order[k];
		order[k] = tmp;
	}
	for (uint32_t r = 0; r <= REPS; r++) {
		bench_begin(&allocs);
		for (uint32_t i = 0; i < n; i++) {
			slots[i].bytes = pick(kind, &state);
			tree_alloc(&tree, slots[i].bytes, MASK48, &slots[i].iova);
		}
		bench_end(&allocs);
		bench_begin(&frees);
		for (uint32_t i = 0; i < n; i++)
			tree_free(&tree, slots[order[i]].iova, slots[order[i]].bytes);
		bench_end(&frees);
		if (!r)
			allocs.n = frees.n = 0;
	}
	bench_report_ns(&allocs, n, "iova.%s.alloc", name);
	bench_report_ns(&frees, n, "iova.%s.free_random", name);
	tree_close(&tree);
	free(slots);
	free(order);
}

static void open_machine(bool owned)
{
	check(weir_posix_create(NULL, &posix));
	host_ops = *weir_posix_ops(posix);
	host_ops.cpu_count = cpu_count;
	host_ops.cpu_id = cpu_id;
	host_ops.cpu_enter = owned ? cpu_enter : NULL;
	host_ops.cpu_leave = NULL;
	check(weir_machine_create(&host_ops, posix, &machine));
}

static void close_machine(void)
{
	weir_machine_destroy(machine);
	weir_posix_destroy(posix);
}

void bench_iova(void)
{
	if (!bench_wanted("iova"))
		return;
	open_machine(true);
	one("fast_mix_ring256", false, MIX, 256, false, 400000, MASK48);
	if (cpu_count(NULL) > 1)
		two("fast_mix_ring256_two");
	one("fast_mix_rand256", false, MIX, 256, true, 400000, MASK48);
	one("fast_mix_rand256_l32", false, MIX, 256, true, 400000, UINT32_MAX);
	one("fast_1p_ring256", false, ONE, 256, false, 400000, MASK48);
	one("fast_mix_rand10k", false, MIX, 10000, true, 400000, MASK48);
	one("fast_big_ring10k", false, BIG, 10000, false, 100000, MASK48);
	one("fast_big_rand10k", false, BIG, 10000, true, 100000, MASK48);
	one("plain_1p_ring256", true, ONE, 256, false, 100000, MASK48);
	one("plain_1p_rand256", true, ONE, 256, true, 100000, MASK48);
	one("plain_mix_ring256", true, MIX, 256, false, 100000, MASK48);
	one("plain_mix_rand256", true, MIX, 256, true, 100000, MASK48);
	one("plain_1p_rand10k", true, ONE, 10000, true, 100000, MASK48);
	one("plain_mix_rand10k", true, MIX, 10000, true, 100000, MASK48);
	bulk("bulk_1p_10k", ONE, 10000);
	bulk("bulk_mix_100k", MIX, 100000);
	close_machine();
	open_machine(false);
	one("hint.fast_mix_ring256", false, MIX, 256, false, 400000, MASK48);
	one("hint.fast_1p_ring256", false, ONE, 256, false, 400000, MASK48);
	close_machine();
}
