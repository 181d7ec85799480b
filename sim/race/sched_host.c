// SPDX-License-Identifier: MIT
/*
 * The host whose threads take turns, see sched.h: memory, locks, threads. What it keeps is touched by who
 * has the baton.
 */
#include "race/sched_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "weir/err.h"

static void *host_alloc(void *host, size_t bytes)
{
	struct race_sched *s = host;

	return s->memory ? s->memory->alloc(s->memory->context, s->running, bytes) : calloc(1, bytes);
}

static void host_free(void *host, void *mem, size_t bytes)
{
	struct race_sched *s = host;

	if (s->memory)
		s->memory->free(s->memory->context, mem, bytes);
	else
		free(mem);
}

static struct weir_lock *host_lock_create(void *host, unsigned int rank)
{
	struct race_sched *s = host;
	struct weir_lock *lock = host_alloc(s, sizeof(*lock));

	(void)rank;
	if (!lock)
		return NULL;
	*lock = (struct weir_lock){ .holder = NOBODY };
	return lock;
}

static void host_lock_destroy(void *host, struct weir_lock *lock)
{
	struct race_sched *s = host;

	if (lock->holder != NOBODY)
		race_sched_wrong_(s, RACE_END_LOCK, "a lock that is held is destroyed");
	host_free(s, lock, sizeof(*lock));
}

static void host_lock(void *host, struct weir_lock *lock)
{
	struct race_sched *s = host;

	if (lock->holder == s->running)
		race_sched_wrong_(s, RACE_END_LOCK, "a lock is taken twice");
	while (lock->holder != NOBODY && lock->holder != s->running) {
		s->tasks[s->running].lock = lock;
		race_sched_yield_(s, STATE_LOCK);
	}
	lock->holder = s->running;
}

void race_sched_point_lock(struct race_sched *s, struct weir_lock *lock, bool free)
{
	if (!free) {
		race_sched_point(s);
	} else if (s->running != MAIN && lock->holder != s->running) {
		s->tasks[s->running].lock = lock;
		race_sched_yield_(s, STATE_LOCK);
	}
	host_lock(s, lock);
}

static void host_unlock(void *host, struct weir_lock *lock)
{
	struct race_sched *s = host;

	if (lock->holder != s->running)
		race_sched_wrong_(s, RACE_END_LOCK, "a lock is released by who does not hold it");
	lock->holder = NOBODY;
}

/* Outside a run nobody could wake it; to return early is allowed. */
static void host_lock_wait(void *host, struct weir_lock *lock)
{
	struct race_sched *s = host;
	struct task *t;

	if (s->running == MAIN)
		return;
	t = &s->tasks[s->running];
	host_unlock(host, lock);
	t->lock = lock;
	t->woken = false;
	race_sched_yield_(s, STATE_WAKE);
	host_lock(host, lock);
}

static void host_lock_wake(void *host, struct weir_lock *lock)
{
	struct race_sched *s = host;

	for (int i = 0; i < s->nr_tasks; i++)
		if (s->tasks[i].state == STATE_WAKE && s->tasks[i].lock == lock)
			s->tasks[i].woken = true;
}

static void host_assert_failed(void *host, const char *what, const char *file, int line)
{
	char text[200];

	snprintf(text, sizeof(text), "%s:%d: %s", file, line, what);
	race_sched_wrong_(host, RACE_END_ASSERT, text);
}

/* Outside a run there is nobody to take turns with: the library does it itself. */
static int host_thread_run(void *host, void (*fn)(void *arg), void *arg)
{
	struct race_sched *s = host;
	int task;

	if (s->running == MAIN)
		return WEIR_EAGAIN;
	task = race_sched_add_(s, fn, arg, NULL, true);
	if (task == WEIR_ENOSPC)
		return WEIR_EAGAIN;
	if (task < 0) {
		race_sched_wrong_(s, RACE_END_ROOM, "no thread for a probe");
		return WEIR_EAGAIN;
	}
	return 0;
}

static void host_thread_wait(void *host)
{
	struct race_sched *s = host;
	unsigned long *seen;

	if (s->running == MAIN) {
		s->main_seen_ends = s->ends;
		return;
	}
	seen = &s->tasks[s->running].seen_ends;
	if (*seen == s->ends)
		race_sched_yield_(s, STATE_THREADS);
	*seen = s->ends;
}

static uint64_t host_thread_self(void *host)
{
	return (uint64_t)(((struct race_sched *)host)->running + 1);
}

const struct weir_host_ops *race_sched_host(void)
{
	static const struct weir_host_ops ops = {
		.abi = WEIR_ABI(struct weir_host_ops),
		.alloc = host_alloc,
		.free = host_free,
		.lock_create = host_lock_create,
		.lock_destroy = host_lock_destroy,
		.lock = host_lock,
		.unlock = host_unlock,
		.lock_wait = host_lock_wait,
		.lock_wake = host_lock_wake,
		.assert_failed = host_assert_failed,
		.thread_run = host_thread_run,
		.thread_wait = host_thread_wait,
		.thread_self = host_thread_self,
	};

	return &ops;
}

const struct weir_host_ops *race_sched_host_plain(void)
{
	static const struct weir_host_ops ops = {
		.abi = WEIR_ABI(struct weir_host_ops),
		.alloc = host_alloc,
		.free = host_free,
		.lock_create = host_lock_create,
		.lock_destroy = host_lock_destroy,
		.lock = host_lock,
		.unlock = host_unlock,
		.lock_wait = host_lock_wait,
		.lock_wake = host_lock_wake,
		.assert_failed = host_assert_failed,
		.thread_self = host_thread_self,
	};

	return &ops;
}
