// SPDX-License-Identifier: MIT
/* See tablehost.h. The mutex guards the list of pages; what is in them is the CPU's. */
#include "tablehost.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

#include "testhost.h"
#include "weir/err.h"

#define BUCKETS 4099u
#define PAGE UINT64_C(4096)

struct block {
	unsigned char *va, *seen; /* seen: by a walker that is not coherent */
	uint64_t pa, bytes;
	struct block *next;
};

struct tablehost {
	struct weir_host_ops ops;
	bool coherent;
	pthread_mutex_t mutex;
	struct block *blocks;
	struct block *pages[BUCKETS]; /* the last that was found by that page */
	uint64_t next_pa;
	atomic_ulong barriers;
};

static struct block *find(struct tablehost *th, uint64_t pa)
{
	struct block *block;

	for (block = th->blocks; block; block = block->next)
		if (pa - block->pa < block->bytes)
			break;
	return block;
}

static struct block *lookup(struct tablehost *th, uint64_t pa)
{
	struct block **known = &th->pages[pa / PAGE % BUCKETS];

	if (!*known || pa - (*known)->pa >= (*known)->bytes)
		*known = find(th, pa);
	return *known;
}

static int th_pages_alloc(void *host, size_t bytes, size_t align_bytes, void **out_va,
			  uint64_t *out_pa)
{
	struct tablehost *th = host;
	struct block *block = calloc(1, sizeof(*block));

	assert_non_null(block);
	block->va = aligned_alloc(4096, bytes);
	block->seen = malloc(bytes);
	assert_non_null(block->va);
	assert_non_null(block->seen);
	memset(block->va, 0, bytes);
	memset(block->seen, 0xff, bytes);
	block->bytes = bytes;
	pthread_mutex_lock(&th->mutex);
	th->next_pa = (th->next_pa + align_bytes - 1) & ~(uint64_t)(align_bytes - 1);
	block->pa = th->next_pa;
	th->next_pa += bytes;
	block->next = th->blocks;
	th->blocks = block;
	pthread_mutex_unlock(&th->mutex);
	*out_va = block->va;
	*out_pa = block->pa;
	return 0;
}

static void th_pages_free(void *host, void *va, uint64_t pa, size_t bytes)
{
	struct tablehost *th = host;
	struct block **at, *block;

	pthread_mutex_lock(&th->mutex);
	for (at = &th->blocks; *at && (*at)->pa != pa;)
		at = &(*at)->next;
	block = *at;
	if (!block || block->va != va || block->bytes != bytes)
		abort();
	*at = block->next;
	memset(th->pages, 0, sizeof(th->pages));
	pthread_mutex_unlock(&th->mutex);
	free(block->va);
	free(block->seen);
	free(block);
}

static void th_cache_sync(void *host, uint64_t pa, uint64_t bytes, enum weir_cache_op op)
{
	struct tablehost *th = host;
	struct block *block;

	pthread_mutex_lock(&th->mutex);
	block = lookup(th, pa);
	if (!block || op != WEIR_CACHE_CLEAN || pa + bytes > block->pa + block->bytes)
		abort();
	for (uint64_t at = pa - block->pa; at < pa - block->pa + bytes; at += 4) {
		uint32_t now = atomic_load_explicit((_Atomic uint32_t *)(block->va + at),
						    memory_order_relaxed);

		memcpy(block->seen + at, &now, sizeof(now));
	}
	pthread_mutex_unlock(&th->mutex);
}

static void th_dma_barrier(void *host)
{
	struct tablehost *th = host;

	atomic_fetch_add(&th->barriers, 1);
}

uint64_t tablehost_read(void *host, uint64_t pa)
{
	struct tablehost *th = host;
	struct block *block;
	uint64_t value;

	pthread_mutex_lock(&th->mutex);
	block = lookup(th, pa);
	if (!block || pa % 8)
		abort();
	pa -= block->pa;
	if (th->coherent)
		value = atomic_load_explicit((_Atomic uint64_t *)(block->va + pa),
					     memory_order_relaxed);
	else
		memcpy(&value, block->seen + pa, sizeof(value));
	pthread_mutex_unlock(&th->mutex);
	return value;
}

unsigned long tablehost_barriers(const struct tablehost *th)
{
	return atomic_load(&th->barriers);
}

const struct weir_host_ops *tablehost_ops(const struct tablehost *th)
{
	return &th->ops;
}

struct tablehost *tablehost_create(bool coherent, unsigned int pa_bits)
{
	struct tablehost *th = calloc(1, sizeof(*th));

	assert_non_null(th);
	th->ops = testhost_plain_ops;
	th->ops.pages_alloc = th_pages_alloc;
	th->ops.pages_free = th_pages_free;
	th->ops.cache_sync = th_cache_sync;
	th->ops.dma_barrier = th_dma_barrier;
	th->coherent = coherent;
	/* bits of all kinds, and room for a GiB of tables */
	th->next_pa = (UINT64_C(1) << pa_bits) - (UINT64_C(1) << (pa_bits - 2)) + 0x5000;
	assert_int_equal(pthread_mutex_init(&th->mutex, NULL), 0);
	return th;
}

struct tablehost *tablehost_destroy(struct tablehost *th)
{
	assert_null(th->blocks);
	pthread_mutex_destroy(&th->mutex);
	free(th);
	return NULL;
}
