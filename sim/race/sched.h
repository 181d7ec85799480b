// SPDX-License-Identifier: MIT
/*
 * A host whose threads run one at a time, in an order that somebody chooses: so a
 * bring-up on several threads can be run in every order, and again in the same one.
 *
 * A task is a thread. It runs until it comes to a point, ends, waits for a lock or for
 * threads; then @choose says who goes on. Points are where the caller puts them. Locks are
 * taken without a choice when they are free, so what happens between two points
 * is one step.
 *
 * Owned by one thread, which makes tasks and runs them; it may use the machine before and
 * after, when points and locks do nothing but check.
 */
#ifndef WEIR_SIM_RACE_SCHED_H
#define WEIR_SIM_RACE_SCHED_H

#include "weir/host.h"

#define RACE_TASKS 16 /* at a time */

struct race_sched;

/*
 * Who goes on: an index below @n, of tasks that can. @running is the index of the one that
 * just came to a point, or -1. Called only when there are two or more.
 * Below 0: the run is left. Whose memory is not anybody's (race_sched_memory()) need not take it down.
 */
typedef int race_choose_fn(void *context, const int *tasks, int n, int running);

/* What went wrong in a run, besides what the caller finds out. */
enum race_end {
	RACE_END_WELL,
	RACE_END_DEADLOCK, /* tasks wait for one another; they are left where they are */
	RACE_END_ASSERT,   /* the library says that a rule was broken */
	RACE_END_LOCK,     /* a lock was taken twice, or released by who does not hold it */
	RACE_END_ROOM,     /* too many tasks, or no thread for one */
	RACE_END_LEFT,     /* the chooser did not go on: nothing is undone of what tasks did so far */
};

/* NULL without memory. Without a chooser the first task that can goes on. */
struct race_sched *race_sched_create(void);
void race_sched_chooser(struct race_sched *s, race_choose_fn *choose, void *context);
/* All tasks have ended. NULL is fine. */
void race_sched_destroy(struct race_sched *s);

/* Whose memory the host's is, in place of anybody's; @task: that asks for it, or -1. */
struct race_memory {
	void *context;
	void *(*alloc)(void *context, int task, size_t bytes);
	void (*free)(void *context, void *mem, size_t bytes);
};
/* Before a machine is made; NULL: anybody's. Stacks are cleared where they are not used any more. */
void race_sched_memory(struct race_sched *s, const struct race_memory *memory);
/* What tasks are doing, their stacks and registers, piece by piece. In race_choose_fn only. */
typedef void race_look_fn(void *context, const void *at, size_t bytes);
void race_sched_look(const struct race_sched *s, race_look_fn *look, void *context);

/* A host for weir_machine_create(): memory, locks, threads. Its context is the race_sched. */
const struct weir_host_ops *race_sched_host(void);

/* The same, but the library makes no threads: probes run where somebody settles. */
const struct weir_host_ops *race_sched_host_plain(void);

/*
 * Adds a task, before race_sched_run(). @ready: whether it has something to do; NULL: always.
 * One with @ready runs @fn again and again, until all those without have ended and it
 * has nothing to do. Return: its number; WEIR_ENOMEM; WEIR_ENOSPC.
 */
int race_sched_task(struct race_sched *s, void (*fn)(void *arg), void *arg,
		    bool (*ready)(void *arg));

/* Runs all tasks to their ends. */
enum race_end race_sched_run(struct race_sched *s);
/* Forgets all tasks, after a run that went well or was left, for the next one; the threads are kept. */
void race_sched_reset(struct race_sched *s);

enum race_task {
	RACE_TASK_ENDED,
	RACE_TASK_IDLE,  /* it has nothing to do */
	RACE_TASK_WAITS, /* for a lock or a thread */
	RACE_TASK_READY,
	RACE_TASK_OWN,   /* ready, a thread of the library */
};
/* For who wants to know where all is: how many tasks there are, and how each is. */
int race_sched_count(const struct race_sched *s);
enum race_task race_sched_task_is(const struct race_sched *s, int task);
/* What went wrong, in words; "" when nothing did. */
const char *race_sched_what(const struct race_sched *s);

/*
 * In a task: takes a lock, before which others may go on. @free: it comes back only when that is free, as is
 * enough to find all there is; otherwise it may be chosen, and wait.
 */
void race_sched_point_lock(struct race_sched *s, struct weir_lock *lock, bool free);
/* In a task, without locks: others may go on here. Elsewhere: nothing. */
void race_sched_point(struct race_sched *s);
/* The number of the task that runs, or -1. Numbers of threads of the library follow those of tasks. */
int race_sched_self(const struct race_sched *s);

#endif
