// SPDX-License-Identifier: MIT
/* What the parts of the scheduler share. See sched.h; the baton is explained in sched.c. */
#ifndef WEIR_SIM_RACE_SCHED_PRIV_H
#define WEIR_SIM_RACE_SCHED_PRIV_H

#include <pthread.h>
#include <setjmp.h>

#include "race/sched.h"

#define MAIN (-1) /* nobody has the baton but the owner */

enum state {
	STATE_FREE,
	STATE_READY,   /* can go on */
	STATE_LOCK,    /* waits for a lock */
	STATE_WAKE,    /* waits with a lock to be woken, and then for the lock */
	STATE_THREADS, /* waits for a thread of the library to end */
	STATE_IDLE,    /* has nothing to do before ready() says so */
	STATE_ENDED,
};

struct task {
	struct race_sched *s;
	pthread_t thread;
	pthread_cond_t go;
	enum state state;
	bool has_thread; /* kept from run to run */
	bool quit;       /* its thread ends */
	bool own;        /* of the library, by thread_run */
	void (*fn)(void *arg);
	void *arg;
	bool (*ready)(void *arg);
	const struct weir_lock *lock; /* it waits for */
	unsigned long seen_ends;      /* of threads, when it last waited for one */
	bool woken;                   /* since it began to wait */
	bool leaves;                  /* its run is left: it goes home from where it is */
	jmp_buf home;
	const uint64_t *top, *sp;     /* of its stack; sp: where it stopped, NULL: it did not begin */
};

struct weir_lock {
	int holder; /* task; MAIN - 1: nobody */
};
#define NOBODY (MAIN - 1)

struct race_sched {
	race_choose_fn *choose;
	void *context;
	pthread_mutex_t mutex;
	pthread_cond_t main_go;
	struct task tasks[RACE_TASKS];
	int nr_tasks;
	int running;
	const struct race_memory *memory; /* NULL: anybody's */
	unsigned long ends; /* of the library's threads */
	unsigned long main_seen_ends;
	unsigned int leaving; /* tasks that are on their way home */
	enum race_end end;
	char what[200];
};


/* The first thing that goes wrong is kept. */
void race_sched_wrong_(struct race_sched *s, enum race_end end, const char *what);
/* The running task lets others go on, and comes back when it is chosen again. */
void race_sched_yield_(struct race_sched *s, enum state as);
/* @own: a thread of the library. Return: the number of the task; WEIR_ENOMEM; WEIR_ENOSPC. */
int race_sched_add_(struct race_sched *s, void (*fn)(void *arg), void *arg, bool (*ready)(void *arg),
		    bool own);

#endif
