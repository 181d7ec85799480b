// SPDX-License-Identifier: MIT
/*
 * Translation tables: names, sizes and order of calls are those of the Linux benchmark that README.md
 * compares with (iopt); time is the thread's CPU time. The walker is coherent.
 *
 * Where Linux is told to use pages of 4 KiB (batch512, scatter64k), memory is 64 KiB off 2 MiB, so
 * that no larger ones fit; hints are used as they ship. two: another thread does the same in
 * a GiB of its own. shared: tables that may be unlinked while others map in them (unlink_shared).
 * plain512: a loop that stores as many entries, as the goal has it.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "weir/posix.h"
#include "weir/table.h"

#define REPS 11u
#define BASE UINT64_C(0x40000000)
#define SZ_4K UINT64_C(0x1000)
#define SZ_64K UINT64_C(0x10000)
#define SZ_2M UINT64_C(0x200000)
#define SZ_1G UINT64_C(0x40000000)
#define NPG ((uint32_t)(SZ_1G / SZ_4K))
#define PROT (WEIR_MAP_READ | WEIR_MAP_WRITE | WEIR_MAP_CACHED)

static struct weir_host_ops ops;
static struct weir_posix *posix;
static uint32_t *perm, *pages;

static int pages_alloc(void *host, size_t bytes, size_t align_bytes, void **out_va, uint64_t *out_pa)
{
	void *va = aligned_alloc(align_bytes, bytes);

	(void)host;
	if (!va)
		return WEIR_ENOMEM;
	memset(va, 0, bytes);
	*out_va = va;
	*out_pa = (uintptr_t)va;
	return 0;
}

static void pages_free(void *host, void *va, uint64_t pa, size_t bytes)
{
	(void)host;
	(void)pa;
	(void)bytes;
	free(va);
}

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u; /* Knuth, MMIX */
	return *state >> 33;
}

static void shuffle(uint32_t *index, uint32_t n, uint64_t seed)
{
	for (uint32_t i = n; i-- > 1;) {
		uint32_t k = (uint32_t)(next_random(&seed) % (i + 1)), tmp = index[i];

		index[i] = index[k];
		index[k] = tmp;
	}
}

static struct weir_table *make(unsigned int iova_bits, bool shared)
{
	struct weir_table_config config = {
		.format = WEIR_TABLE_ARM_S1, .kind = &weir_table_arm64,
		.granule_lg2 = 12, .iova_bits = iova_bits,
		.pa_bits = 48, .coherent = true, .unlink_shared = shared,
	};
	struct weir_table *t;

	if (weir_table_create(&ops, posix, &config, &t))
		abort();
	return t;
}

static void map(struct weir_table *t, uint64_t iova, uint64_t pa, uint64_t bytes)
{
	if (weir_table_map(t, iova, pa, bytes, PROT))
		abort();
}

static void unmap(struct weir_table *t, uint64_t iova, uint64_t bytes)
{
	struct weir_table_gather gather = { 0 };

	if (weir_table_unmap(t, iova, bytes, &gather) || gather.unmapped_bytes != bytes)
		abort();
}

static uint64_t translate(struct weir_table *t, uint64_t iova)
{
	uint64_t pa;

	if (weir_table_translate(t, iova, &pa))
		abort();
	return pa;
}

static void fresh(const char *name, unsigned int bits)
{
	struct bench_series maps = { 0 };

	for (uint32_t r = 0; r <= REPS; r++) {
		struct weir_table *t = make(bits, false);

		bench_begin(&maps);
		for (uint64_t i = 0; i < NPG; i++)
			map(t, BASE + i * SZ_4K, i * SZ_4K, SZ_4K);
		bench_end(&maps);
		weir_table_destroy(t);
		if (!r)
			maps.n = 0;
	}
	bench_report_ns(&maps, NPG, "iopt.%s.seq4k_fresh.map", name);
}

/* Page by page: at[i] is where, to[i] what. */
static void single(const char *name, const char *what, struct weir_table *t, const uint32_t *at,
		   const uint32_t *to)
{
	struct bench_series maps = { 0 }, unmaps = { 0 }, looks = { 0 };
	volatile uint64_t sink = 0;

	for (uint32_t r = 0; r <= REPS; r++) {
		bench_begin(&maps);
		for (uint32_t i = 0; i < NPG; i++)
			map(t, BASE + at[i] * SZ_4K, to[i] * SZ_4K, SZ_4K);
		bench_end(&maps);
		bench_begin(&looks);
		for (uint32_t i = 0; i < NPG; i++)
			sink += translate(t, BASE + at[i] * SZ_4K + 0x123);
		bench_end(&looks);
		bench_begin(&unmaps);
		for (uint32_t i = 0; i < NPG; i++)
			unmap(t, BASE + at[i] * SZ_4K, SZ_4K);
		bench_end(&unmaps);
		if (!r)
			maps.n = unmaps.n = looks.n = 0;
	}
	bench_report_ns(&maps, NPG, "iopt.%s.%s.map", name, what);
	bench_report_ns(&unmaps, NPG, "iopt.%s.%s.unmap", name, what);
	bench_report_ns(&looks, NPG, "iopt.%s.%s.iova_to_phys", name, what);
}

static void hot(const char *name, struct weir_table *t)
{
	struct bench_series pairs = { 0 };

	for (uint32_t r = 0; r <= REPS; r++) {
		bench_begin(&pairs);
		for (uint64_t i = 0; i < NPG; i++) {
			map(t, BASE + (i & 255) * SZ_4K, i * SZ_4K, SZ_4K);
			unmap(t, BASE + (i & 255) * SZ_4K, SZ_4K);
		}
		bench_end(&pairs);
	}
	bench_report_ns(&pairs, NPG, "iopt.%s.hot4k.pair", name);
}

/* @each bytes a call; figures for @ops of them. */
static void batch(const char *name, const char *what, struct weir_table *t, uint64_t window,
		  uint64_t each, bool scatter, uint64_t off, uint64_t nr_ops, const char *unit)
{
	struct bench_series maps = { 0 }, unmaps = { 0 };

	for (uint32_t r = 0; r <= REPS; r++) {
		bench_begin(&maps);
		for (uint64_t i = 0; i < window / each; i++)
			map(t, BASE + i * each,
			    (scatter ? perm[i] / (each / SZ_4K) : i) * each % (2 * SZ_1G) + off, each);
		bench_end(&maps);
		bench_begin(&unmaps);
		for (uint64_t i = 0; i < window / each; i++)
			unmap(t, BASE + i * each, each);
		bench_end(&unmaps);
		if (!r)
			maps.n = unmaps.n = 0;
	}
	bench_report_ns(&maps, nr_ops, "iopt.%s.%s.map%s", name, what, unit);
	bench_report_ns(&unmaps, nr_ops, "iopt.%s.%s.unmap%s", name, what, unit);
}

static void plain(void)
{
	static _Atomic uint64_t entries[NPG];
	struct bench_series series = { 0 };

	for (uint32_t r = 0; r <= REPS; r++) {
		bench_begin(&series);
		for (uint64_t i = 0; i < NPG; i++)
			atomic_store_explicit(&entries[i], i << 12 | 3, memory_order_relaxed);
		bench_end(&series);
		if (!r)
			series.n = 0;
	}
	bench_report_ns(&series, NPG, "iopt.plain512.store_per_page");
}

struct other {
	struct weir_table *t;
	atomic_bool stop;
};

static void *other_main(void *arg)
{
	struct other *other = arg;

	while (!atomic_load(&other->stop)) {
		for (uint64_t i = 0; i < 512; i++)
			map(other->t, BASE + SZ_1G + i * SZ_4K, i * SZ_4K, SZ_4K);
		for (uint64_t i = 0; i < 512; i++)
			unmap(other->t, BASE + SZ_1G + i * SZ_4K, SZ_4K);
	}
	return NULL;
}

static void other_begin(struct other *other, struct weir_table *t, pthread_t *out_thread)
{
	other->t = t;
	atomic_store(&other->stop, false);
	if (pthread_create(out_thread, NULL, other_main, other))
		abort();
}

static void other_end(struct other *other, pthread_t thread)
{
	atomic_store(&other->stop, true);
	pthread_join(thread, NULL);
}

static void two(const char *name, unsigned int bits, const uint32_t *order)
{
	struct weir_table *t = make(bits, false);
	struct other other;
	pthread_t thread;

	other_begin(&other, t, &thread);
	single(name, "seq4k_two", t, order, order);
	batch(name, "batch512_two", t, SZ_1G, SZ_2M, false, SZ_64K, NPG, "_per_page");
	batch(name, "scatter64k_two", t, SZ_1G, SZ_64K, true, 0, SZ_1G / SZ_64K, "_per_chunk");
	other_end(&other, thread);
	weir_table_destroy(t);
	t = make(bits, false); /* without tables where blocks are to be */
	other_begin(&other, t, &thread);
	batch(name, "block2M_two", t, SZ_1G, SZ_2M, false, 0, SZ_1G / SZ_2M, "");
	other_end(&other, thread);
	weir_table_destroy(t);
}

static void format(const char *name, unsigned int bits)
{
	uint32_t *in_order = malloc(NPG * sizeof(*in_order));
	struct weir_table *t = make(bits, false);
	uint64_t window = bits > 40 ? 64 * SZ_1G : 2 * SZ_1G, seed = 7;

	for (uint32_t i = 0; i < NPG; i++)
		in_order[i] = perm[i] = pages[i] = i;
	shuffle(perm, NPG, 1);
	shuffle(pages, NPG, 2);
	fresh(name, bits);
	single(name, "seq4k", t, in_order, in_order);
	two(name, bits, in_order);
	hot(name, t);
	batch(name, "batch512", t, SZ_1G, SZ_2M, false, SZ_64K, NPG, "_per_page");
	single(name, "rand4k_1g", t, perm, pages);
	batch(name, "scatter64k", t, SZ_1G, SZ_64K, true, 0, SZ_1G / SZ_64K, "_per_chunk");
	weir_table_destroy(t);
	t = make(bits, true);
	single(name, "seq4k_shared", t, in_order, in_order);
	weir_table_destroy(t);
	t = make(bits, false);
	batch(name, "block2M", t, window, SZ_2M, false, 0, window / SZ_2M, "");
	weir_table_destroy(t);
	if (bits > 40) {
		for (uint32_t i = 0; i < NPG; i++)
			pages[i] = perm[i] * 64 + (uint32_t)(next_random(&seed) & 63);
		t = make(bits, false);
		single(name, "rand4k_64g", t, pages, in_order);
		weir_table_destroy(t);
	}
	free(in_order);
}

void bench_table(void)
{
	struct weir_posix_options options = { .log_level = WEIR_LOG_ERR };

	if (!bench_wanted("iopt"))
		return;
	if (weir_posix_create(&options, &posix))
		abort();
	ops = *weir_posix_ops(posix);
	ops.pages_alloc = pages_alloc;
	ops.pages_free = pages_free;
	perm = malloc(NPG * sizeof(*perm));
	pages = malloc(NPG * sizeof(*pages));
	plain();
	format("lpae64s1", 48);
	format("lpae32s1", 32);
	free(perm);
	free(pages);
	weir_posix_destroy(posix);
}
