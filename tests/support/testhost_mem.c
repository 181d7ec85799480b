// SPDX-License-Identifier: MIT
/*
 * The memory of the checking host. A block of the inner host holds a head, the
 * caller's bytes and a tail with a known pattern. Blocks are on a list until they
 * are freed. Also the plain host, for a testhost with no other host below it.
 */
#include "testhost_priv.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_LIVE 0x57e1a11cu
#define HEAD_DEAD 0xdeadb10cu
#define TAIL_BYTE 0xa5
#define TAIL_BYTES 16u
#define FREED_BYTE 0x5a
#define HEAD_WORDS (alignof(max_align_t) / sizeof(uint32_t))

struct testhost_block {
	struct testhost_block *newer, *older;
	size_t bytes;
	/* Fills the struct to its end, so it is next to the caller's bytes. */
	alignas(max_align_t) uint32_t head[HEAD_WORDS];
};

#define HEAD_BYTES sizeof(struct testhost_block)

static unsigned char *block_mem(struct testhost_block *block)
{
	return (unsigned char *)block + HEAD_BYTES;
}

static void set_head(struct testhost_block *block, uint32_t value)
{
	size_t i;

	for (i = 0; i < HEAD_WORDS; i++)
		block->head[i] = value;
}

static bool head_is(const struct testhost_block *block, uint32_t value)
{
	size_t i;

	for (i = 0; i < HEAD_WORDS; i++)
		if (block->head[i] != value)
			return false;
	return true;
}

static bool tail_intact(struct testhost_block *block)
{
	const unsigned char *tail = block_mem(block) + block->bytes;
	size_t i;

	for (i = 0; i < TAIL_BYTES; i++)
		if (tail[i] != TAIL_BYTE)
			return false;
	return true;
}

void *testhost_alloc_(void *host, size_t bytes)
{
	testhost_check_sleep_(host, "alloc");
	return testhost_alloc_atomic_(host, bytes);
}

void *testhost_alloc_atomic_(void *host, size_t bytes)
{
	struct testhost *t = host;
	struct testhost_block *block;

	if (!bytes)
		testhost_fault_(t, "alloc of 0 bytes");
	if (testhost_may_fail_(t) || bytes > SIZE_MAX - HEAD_BYTES - TAIL_BYTES)
		return NULL;
	block = t->inner->alloc(t->inner_host, HEAD_BYTES + bytes + TAIL_BYTES);
	if (!block)
		return NULL;
	set_head(block, HEAD_LIVE);
	block->bytes = bytes;
	memset(block_mem(block) + bytes, TAIL_BYTE, TAIL_BYTES);
	pthread_mutex_lock(&t->mutex);
	block->newer = NULL;
	block->older = t->newest;
	if (block->older)
		block->older->newer = block;
	t->newest = block;
	t->blocks++;
	t->bytes += bytes;
	pthread_mutex_unlock(&t->mutex);
	return block_mem(block);
}

void testhost_free_(void *host, void *mem, size_t bytes)
{
	struct testhost *t = host;
	struct testhost_block *block;

	if (!mem) {
		testhost_fault_(t, "free of NULL");
		return;
	}
	block = (struct testhost_block *)((unsigned char *)mem - HEAD_BYTES);
	if (!head_is(block, HEAD_LIVE)) {
		testhost_fault_(t, head_is(block, HEAD_DEAD) ? "a block is freed twice" :
				"what is freed is no block, or its front was overwritten");
		return;
	}
	if (block->bytes != bytes)
		testhost_fault_(t, "a block of %zu byte(s) is freed as one of %zu", block->bytes,
				bytes);
	if (!tail_intact(block))
		testhost_fault_(t, "a block of %zu byte(s) was written past its end", block->bytes);
	pthread_mutex_lock(&t->mutex);
	if (block->newer)
		block->newer->older = block->older;
	else
		t->newest = block->older;
	if (block->older)
		block->older->newer = block->newer;
	t->blocks--;
	t->bytes -= block->bytes;
	pthread_mutex_unlock(&t->mutex);
	bytes = block->bytes;
	memset(mem, FREED_BYTE, bytes);
	set_head(block, HEAD_DEAD);
	t->inner->free(t->inner_host, block, HEAD_BYTES + bytes + TAIL_BYTES);
}

void testhost_check_blocks_(struct testhost *t)
{
	struct testhost_block *block;
	size_t damaged = 0, bytes = 0;

	pthread_mutex_lock(&t->mutex);
	for (block = t->newest; block; block = block->older) {
		if (!head_is(block, HEAD_LIVE) || !tail_intact(block)) {
			damaged++;
			bytes = block->bytes;
		}
	}
	pthread_mutex_unlock(&t->mutex);
	if (damaged)
		testhost_fault_(t, "%zu live block(s) were written past their ends, one of %zu byte(s)",
				damaged, bytes);
}

size_t testhost_newest_bytes_(struct testhost *t)
{
	return t->newest ? t->newest->bytes : 0;
}

/* ---- the plain host; it needs no context ---- */

static void *plain_alloc(void *host, size_t bytes)
{
	(void)host;
	return calloc(1, bytes);
}

static void plain_free(void *host, void *mem, size_t bytes)
{
	(void)host;
	(void)bytes;
	free(mem);
}

/* Behind a struct weir_lock of this host. */
struct plain_lock {
	pthread_mutex_t mutex;
	pthread_cond_t woken;
};

static struct weir_lock *plain_lock_create(void *host, unsigned int rank)
{
	struct plain_lock *plain = malloc(sizeof(*plain));

	(void)host;
	(void)rank;
	if (plain) {
		pthread_mutex_init(&plain->mutex, NULL);
		pthread_cond_init(&plain->woken, NULL);
	}
	return (struct weir_lock *)plain;
}

static void plain_lock_destroy(void *host, struct weir_lock *lock)
{
	struct plain_lock *plain = (struct plain_lock *)lock;

	(void)host;
	pthread_cond_destroy(&plain->woken);
	pthread_mutex_destroy(&plain->mutex);
	free(plain);
}

static void plain_lock(void *host, struct weir_lock *lock)
{
	(void)host;
	pthread_mutex_lock(&((struct plain_lock *)lock)->mutex);
}

static void plain_unlock(void *host, struct weir_lock *lock)
{
	(void)host;
	pthread_mutex_unlock(&((struct plain_lock *)lock)->mutex);
}

static void plain_lock_wait(void *host, struct weir_lock *lock)
{
	struct plain_lock *plain = (struct plain_lock *)lock;

	(void)host;
	pthread_cond_wait(&plain->woken, &plain->mutex);
}

static void plain_lock_wake(void *host, struct weir_lock *lock)
{
	(void)host;
	pthread_cond_broadcast(&((struct plain_lock *)lock)->woken);
}

static uint64_t plain_thread_self(void *host)
{
	static _Thread_local char own;

	(void)host;
	return (uintptr_t)&own;
}

static unsigned long plain_spin_lock(void *host, struct weir_lock *lock)
{
	plain_lock(host, lock);
	return 0;
}

static void plain_spin_unlock(void *host, struct weir_lock *lock, unsigned long before)
{
	(void)before;
	plain_unlock(host, lock);
}

static void plain_assert_failed(void *host, const char *what, const char *file, int line)
{
	(void)host;
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
	abort();
}

const struct weir_host_ops testhost_plain_ops = {
	.abi = WEIR_ABI(struct weir_host_ops),
	.alloc = plain_alloc,
	.free = plain_free,
	.lock_create = plain_lock_create,
	.lock_destroy = plain_lock_destroy,
	.lock = plain_lock,
	.unlock = plain_unlock,
	.thread_self = plain_thread_self,
	.lock_wait = plain_lock_wait,
	.lock_wake = plain_lock_wake,
	.spin_create = plain_lock_create,
	.spin_destroy = plain_lock_destroy,
	.spin_lock = plain_spin_lock,
	.spin_unlock = plain_spin_unlock,
	.assert_failed = plain_assert_failed,
};
