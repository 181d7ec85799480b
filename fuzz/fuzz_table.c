// SPDX-License-Identifier: MIT
/*
 * The fuzzer of translation tables: the input draws a format, a walker and calls - maps of one piece and
 * of several, unmaps, releases, trims, reservations, allocations that fail - and a list of what each page of
 * some windows reaches foretells what they return. What a walk by the manual finds, in memory as the
 * walker sees it, is what is in the list; a call that fails changes nothing; nothing is leaked.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "armwalk.h"
#include "shortwalk.h"
#include "weir/err.h"
#include "weir/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define CHECK(holds) ((holds) ? (void)0 : wrong(#holds, __LINE__))
#define WINDOWS 3u
#define ARENA_PAGES 1024u
#define ARENA_PA UINT64_C(0xa0000000)
#define RW (WEIR_MAP_READ | WEIR_MAP_WRITE)

static const struct shape {
	enum weir_table_format format;
	unsigned int granule_lg2, iova_bits, pa_bits, block_lg2;
} shapes[] = {
	{ WEIR_TABLE_ARM_SHORT, 12, 32, 32, 20 }, { WEIR_TABLE_EXYNOS, 12, 32, 32, 20 },
	{ WEIR_TABLE_EXYNOS_V5, 12, 32, 36, 20 }, { WEIR_TABLE_ARM_S1, 12, 48, 48, 21 },
	{ WEIR_TABLE_ARM_S2, 12, 40, 40, 21 },	  { WEIR_TABLE_ARM_S1, 12, 32, 40, 21 },
	{ WEIR_TABLE_ARM_S1, 14, 48, 48, 25 },	  { WEIR_TABLE_ARM_S2, 14, 40, 42, 25 },
};

struct window {
	uint64_t iova, pages;
	uint64_t *pa; /* 1 more than what a page reaches; 0: it faults */
};

struct run {
	const uint8_t *data;
	size_t bytes;
	const struct shape *shape;
	struct weir_host_ops ops;
	struct weir_table_config config;
	struct weir_table *table;
	struct weir_tables told;
	struct weir_table_gather gather;
	struct window windows[WINDOWS];
	uint64_t page;
	unsigned int fail_after; /* so many allocations from now; 0: none fails */
	unsigned long allocated;
	/* memory of the host, and what a walker sees of it that is not coherent */
	unsigned char *memory, *seen;
	bool used[ARENA_PAGES];
};

static void wrong(const char *what, int line)
{
	fprintf(stderr, "fuzz_table.c:%d: %s\n", line, what);
	abort();
}

static uint64_t draw(struct run *r, uint64_t below)
{
	unsigned int n = below > 256 ? 2 : 1;
	uint64_t value = 0;

	for (; n && r->bytes; n--, r->bytes--)
		value = value << 8 | *r->data++;
	return value % below;
}

/* ---- the host ---- */

static bool fails(struct run *r)
{
	return r->fail_after && !--r->fail_after;
}

static void *host_alloc(void *host, size_t bytes)
{
	struct run *r = host;
	void *mem = fails(r) ? NULL : calloc(1, bytes);

	r->allocated += mem ? bytes : 0;
	return mem;
}

static void host_free(void *host, void *mem, size_t bytes)
{
	struct run *r = host;

	r->allocated -= mem ? bytes : 0;
	free(mem);
}

static struct weir_lock *host_lock_create(void *host, unsigned int rank)
{
	(void)rank;
	return host;
}

static void host_lock(void *host, struct weir_lock *lock)
{
	(void)host;
	(void)lock;
}

static void host_assert_failed(void *host, const char *what, const char *file, int line)
{
	(void)host;
	(void)file;
	wrong(what, line);
}

static int host_pages_alloc(void *host, size_t bytes, size_t align_bytes, void **out_va,
			    uint64_t *out_pa)
{
	struct run *r = host;
	size_t n = bytes / 4096, step = align_bytes / 4096, at;

	CHECK(n && !(bytes % 4096));
	if (fails(r))
		return WEIR_ENOMEM;
	for (at = 0; at + n <= ARENA_PAGES; at += step) {
		size_t i = 0;

		while (i < n && !r->used[at + i])
			i++;
		if (i == n)
			break;
	}
	if (at + n > ARENA_PAGES)
		return WEIR_ENOMEM;
	memset(&r->used[at], true, n);
	*out_va = memset(r->memory + at * 4096, 0, bytes);
	memset(r->seen + at * 4096, 0xff, bytes);
	*out_pa = ARENA_PA + at * 4096;
	return 0;
}

static void host_pages_free(void *host, void *va, uint64_t pa, size_t bytes)
{
	struct run *r = host;
	size_t at = (pa - ARENA_PA) / 4096;

	CHECK(va == r->memory + at * 4096);
	for (size_t i = 0; i < bytes / 4096; i++) {
		CHECK(r->used[at + i]);
		r->used[at + i] = false;
	}
	memset(va, 0xee, bytes);
}

static void host_cache_sync(void *host, uint64_t pa, uint64_t bytes, enum weir_cache_op op)
{
	struct run *r = host;

	CHECK(op == WEIR_CACHE_CLEAN && pa >= ARENA_PA &&
	      pa - ARENA_PA + bytes <= ARENA_PAGES * 4096u);
	memcpy(r->seen + (pa - ARENA_PA), r->memory + (pa - ARENA_PA), bytes);
}

static uint64_t walker_read(void *host, uint64_t pa)
{
	struct run *r = host;
	uint64_t value;

	CHECK(pa >= ARENA_PA && pa - ARENA_PA < ARENA_PAGES * 4096u);
	CHECK(r->used[(pa - ARENA_PA) / 4096]);
	memcpy(&value, (r->config.coherent ? r->memory : r->seen) + (pa - ARENA_PA), sizeof(value));
	return value;
}

/* ---- the list ---- */

static void check_page(struct run *r, const struct window *w, uint64_t i)
{
	uint64_t iova = w->iova + i * r->page, pa = 1;
	struct armwalk walk;
	const char *bad;

	if (r->shape->format >= WEIR_TABLE_ARM_SHORT)
		bad = shortwalk(&r->told, WEIR_TABLE_ARM_PRRR, WEIR_TABLE_ARM_NMRR, walker_read, r,
				iova, &walk);
	else
		bad = armwalk(&r->told, WEIR_TABLE_ARM_MAIR, walker_read, r, iova, &walk);
	if (bad)
		wrong(bad, __LINE__);
	if (!w->pa[i]) {
		CHECK(!walk.page_bytes && weir_table_translate(r->table, iova, &pa) == WEIR_ENOENT);
		return;
	}
	CHECK(walk.page_bytes && walk.pa == w->pa[i] - 1);
	CHECK(!weir_table_translate(r->table, iova, &pa) && pa == w->pa[i] - 1);
}

static void check_around(struct run *r, const struct window *w, uint64_t first, uint64_t n)
{
	check_page(r, w, first);
	check_page(r, w, first + n - 1);
	check_page(r, w, first + n / 2);
	if (first)
		check_page(r, w, first - 1);
	if (first + n < w->pages)
		check_page(r, w, first + n);
}

/* All of it, by weir_table_next(), which finds nothing else. */
static void check_all(struct run *r)
{
	struct weir_table_mapping mapping;
	uint64_t from = 0;

	for (unsigned int k = 0; k < WINDOWS; k++)
		for (uint64_t i = 0; i < r->windows[k].pages;) {
			const struct window *w = &r->windows[k];

			if (!w->pa[i]) {
				i++;
				continue;
			}
			CHECK(!weir_table_next(r->table, from, &mapping));
			CHECK(mapping.iova == w->iova + i * r->page);
			for (uint64_t done = 0; done < mapping.bytes; done += r->page, i++)
				CHECK(i < w->pages && w->pa[i] == mapping.pa + done + 1);
			from = mapping.iova + mapping.bytes;
		}
	CHECK(weir_table_next(r->table, from, &mapping) == WEIR_ENOENT);
}

/* ---- calls ---- */

static void draw_range(struct run *r, const struct window *w, uint64_t *out_first, uint64_t *out_n)
{
	uint64_t block = (UINT64_C(1) << r->shape->block_lg2) / r->page;
	uint64_t first = draw(r, w->pages), n;

	switch (draw(r, 4)) {
	case 0:
		n = 1 + draw(r, 8);
		break;
	case 1:
		first &= ~UINT64_C(15);
		n = 16 * (1 + draw(r, 16));
		break;
	case 2:
		first -= first % block;
		n = block * (1 + draw(r, 2));
		break;
	default:
		n = 1 + draw(r, w->pages);
	}
	*out_first = first;
	*out_n = n > w->pages - first ? w->pages - first : n;
}

static uint64_t draw_pa(struct run *r, uint64_t iova, uint64_t bytes)
{
	uint64_t block = UINT64_C(1) << r->shape->block_lg2;
	uint64_t pa = (draw(r, 0x10000) << (r->shape->pa_bits - 16)) / 2;

	pa = draw(r, 2) ? (pa & ~(block - 1)) | (iova & (block - 1))
			: (pa + draw(r, 64) * r->page) & ~(r->page - 1);
	CHECK(pa + bytes <= UINT64_C(1) << r->shape->pa_bits);
	return pa;
}

static void map(struct run *r, struct window *w)
{
	struct weir_table_piece pieces[4];
	uint64_t first, n, at = 0, before = r->fail_after;
	unsigned int nr;
	bool used = false;
	int err;

	draw_range(r, w, &first, &n);
	nr = (unsigned int)(n < 4 ? 1 : 1 + draw(r, 4));
	for (unsigned int p = 0; p < nr; p++) {
		uint64_t pages = p + 1 < nr ? n / nr : n - at;

		pieces[p].bytes = pages * r->page;
		pieces[p].pa = draw_pa(r, w->iova + (first + at) * r->page, pieces[p].bytes);
		at += pages;
	}
	for (uint64_t i = first; i < first + n; i++)
		used |= !!w->pa[i];
	err = nr > 1 ? weir_table_map_pieces(r->table, w->iova + first * r->page, pieces, nr, RW)
		     : weir_table_map(r->table, w->iova + first * r->page, pieces[0].pa,
				      pieces[0].bytes, RW);
	/* who finds no memory may find that before what is in the way */
	CHECK(!err ? !used : (err == WEIR_EEXIST && used) ||
				     (err == WEIR_ENOMEM && before && !r->fail_after));
	at = first;
	for (unsigned int p = 0; !err && p < nr; p++)
		for (uint64_t done = 0; done < pieces[p].bytes; done += r->page)
			w->pa[at++] = pieces[p].pa + done + 1;
	check_around(r, w, first, n);
}

static void unmap(struct run *r, struct window *w)
{
	uint64_t first, n, mapped = 0, before = r->gather.unmapped_bytes;
	int err;

	draw_range(r, w, &first, &n);
	for (uint64_t i = first; i < first + n; i++)
		mapped += !!w->pa[i];
	r->gather.unlink = draw(r, 2);
	err = weir_table_unmap(r->table, w->iova + first * r->page, n * r->page, &r->gather);
	CHECK(!err || err == WEIR_EBUSY || err == WEIR_ENOMEM ||
	      (err == WEIR_EAGAIN && r->config.bbm_level == 1));
	CHECK(err != WEIR_EBUSY || r->config.bbm_level < 2);
	CHECK(r->gather.unmapped_bytes - before == (err ? 0 : mapped * r->page));
	for (uint64_t i = first; !err && i < first + n; i++) {
		CHECK(!w->pa[i] ||
		      w->iova + i * r->page - r->gather.what.iova < r->gather.what.bytes);
		w->pa[i] = 0;
	}
	check_around(r, w, first, n);
}

static void call(struct run *r)
{
	struct window *w = &r->windows[draw(r, WINDOWS)];
	uint64_t first, n;
	int err;

	switch (draw(r, 12)) {
	case 0:
		weir_table_release(r->table, &r->gather);
		CHECK(!r->gather.unlinked && !r->gather.what.bytes);
		break;
	case 1:
		weir_table_trim(r->table, w->iova, w->pages * r->page, &r->gather);
		break;
	case 2:
		draw_range(r, w, &first, &n);
		err = weir_table_reserve(r->table, w->iova + first * r->page, n * r->page, 0);
		CHECK(!err || err == WEIR_EEXIST || err == WEIR_ENOMEM);
		check_around(r, w, first, n);
		break;
	case 3:
		r->fail_after = 1 + (unsigned int)draw(r, 8);
		break;
	case 4: case 5: case 6: case 7:
		unmap(r, w);
		break;
	default:
		map(r, w);
	}
}

/* ---- one input ---- */

static void open_run(struct run *r)
{
	uint64_t top, block;

	r->shape = &shapes[draw(r, sizeof(shapes) / sizeof(shapes[0]))];
	r->page = UINT64_C(1) << r->shape->granule_lg2;
	top = UINT64_C(1) << r->shape->iova_bits;
	block = UINT64_C(1) << r->shape->block_lg2;
	r->ops = (struct weir_host_ops){
		.abi = WEIR_ABI(struct weir_host_ops), .alloc = host_alloc, .free = host_free,
		.lock_create = host_lock_create, .lock_destroy = host_lock, .lock = host_lock,
		.unlock = host_lock, .assert_failed = host_assert_failed,
		.pages_alloc = host_pages_alloc, .pages_free = host_pages_free,
		.cache_sync = host_cache_sync,
	};
	r->config = (struct weir_table_config){
		.format = r->shape->format, .granule_lg2 = r->shape->granule_lg2,
		.iova_bits = r->shape->iova_bits, .pa_bits = r->shape->pa_bits,
		.kind = r->shape->format >= WEIR_TABLE_ARM_SHORT ? &weir_table_short
								 : &weir_table_arm64,
		.coherent = draw(r, 2), .unlink_shared = draw(r, 2),
	};
	if (r->config.kind == &weir_table_arm64)
		r->config.bbm_level = (uint32_t)draw(r, 3);
	CHECK(!weir_table_create(&r->ops, r, &r->config, &r->table));
	weir_table_describe(r->table, &r->told);
	r->windows[0] = (struct window){ 0, 2 * block / r->page, NULL };
	r->windows[1] = (struct window){ top / 2 - block, 3 * block / r->page, NULL };
	r->windows[2] = (struct window){ top - block, block / r->page, NULL };
	for (unsigned int i = 0; i < WINDOWS; i++)
		r->windows[i].pa = calloc(r->windows[i].pages, sizeof(uint64_t));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct run r = { .data = data, .bytes = bytes };

	r.memory = malloc(2 * ARENA_PAGES * 4096u);
	CHECK(r.memory);
	r.seen = r.memory + ARENA_PAGES * 4096u;
	open_run(&r);
	for (unsigned int calls = 0; r.bytes && calls < 400; calls++)
		call(&r);
	check_all(&r);
	weir_table_destroy(r.table);
	CHECK(!r.allocated);
	for (unsigned int i = 0; i < ARENA_PAGES; i++)
		CHECK(!r.used[i]);
	for (unsigned int i = 0; i < WINDOWS; i++)
		free(r.windows[i].pa);
	free(r.memory);
	return 0;
}
