// SPDX-License-Identifier: MIT
/*
 * A host with nothing below it: memory from a fixed arena, locks that only count,
 * log lines to file descriptor 1. The arena keeps freed blocks in lists by size,
 * so that a leak shows and a long bring-up fits. One thread, no lock.
 */
#include "host.h"

#include <stdint.h>

#define ARENA_BYTES (4u << 20)
#define GRAIN 16u
#define NR_SIZES 33u /* free lists for 16, 32 ... bytes; the last for all larger */

struct free_block {
	struct free_block *next;
	size_t bytes;
};

struct weir_lock {
	unsigned int held;
};

static _Alignas(16) unsigned char arena[ARENA_BYTES];
static size_t arena_top, used;
static struct free_block *free_lists[NR_SIZES];
static unsigned int locks;

void say(const char *line)
{
	size_t n = 0;

	while (line[n])
		n++;
	sys_write(1, line, n);
	sys_write(1, "\n", 1);
}

static size_t list_of(size_t bytes)
{
	return bytes / GRAIN < NR_SIZES - 1 ? bytes / GRAIN : NR_SIZES - 1;
}

static void *take(size_t bytes)
{
	struct free_block **at;

	for (at = &free_lists[list_of(bytes)]; *at; at = &(*at)->next) {
		if ((*at)->bytes == bytes) {
			struct free_block *block = *at;

			*at = block->next;
			return block;
		}
	}
	if (bytes > ARENA_BYTES - arena_top)
		return NULL;
	arena_top += bytes;
	return &arena[arena_top - bytes];
}

static void *host_alloc(void *host, size_t bytes)
{
	size_t rounded = (bytes + GRAIN - 1) / GRAIN * GRAIN, i;
	unsigned char *mem;

	(void)host;
	if (rounded < bytes)
		return NULL;
	mem = take(rounded);
	if (!mem)
		return NULL;
	for (i = 0; i < rounded; i++)
		mem[i] = 0;
	used += rounded;
	return mem;
}

static void host_free(void *host, void *mem, size_t bytes)
{
	size_t rounded = (bytes + GRAIN - 1) / GRAIN * GRAIN;
	struct free_block *block = mem;

	(void)host;
	block->next = free_lists[list_of(rounded)];
	block->bytes = rounded;
	free_lists[list_of(rounded)] = block;
	used -= rounded;
}

static struct weir_lock *host_lock_create(void *host, unsigned int rank)
{
	struct weir_lock *lock = host_alloc(host, sizeof(*lock));

	(void)rank;
	if (lock)
		locks++;
	return lock;
}

static void host_lock_destroy(void *host, struct weir_lock *lock)
{
	locks--;
	host_free(host, lock, sizeof(*lock));
}

static void host_assert_failed(void *host, const char *what, const char *file, int line)
{
	(void)host;
	(void)line;
	say(file);
	say(what);
	sys_exit(3);
}

static void host_lock(void *host, struct weir_lock *lock)
{
	if (lock->held++)
		host_assert_failed(host, "a lock is taken twice", __FILE__, __LINE__);
	locks++;
}

static void host_unlock(void *host, struct weir_lock *lock)
{
	if (!lock->held--)
		host_assert_failed(host, "a lock is released twice", __FILE__, __LINE__);
	locks--;
}

static void host_log(void *host, enum weir_log_level level, const char *line)
{
	(void)host;
	if (level <= WEIR_LOG_INFO)
		say(line);
}

size_t arena_bytes_used(void)
{
	return used;
}

unsigned int arena_locks(void)
{
	return locks;
}

const struct weir_host_ops arena_ops = {
	.abi = WEIR_ABI(struct weir_host_ops),
	.alloc = host_alloc,
	.free = host_free,
	.lock_create = host_lock_create,
	.lock_destroy = host_lock_destroy,
	.lock = host_lock,
	.unlock = host_unlock,
	.assert_failed = host_assert_failed,
	.log = host_log,
};
