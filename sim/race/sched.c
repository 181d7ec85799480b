// SPDX-License-Identifier: MIT
/*
 * Tasks that run one at a time. See sched.h.
 *
 * A baton goes round: `running` is who has it, all others sleep at their own condition. What
 * is shared is touched by who has the baton, with `mutex` held only to hand it on. A deadlock
 * cannot be left by the threads that are in it, so they stay asleep, and their memory with them.
 */
#include "race/sched_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/err.h"

#define CLEARED 2048 /* words below a stack */

void race_sched_wrong_(struct race_sched *s, enum race_end end, const char *what)
{
	if (s->end != RACE_END_WELL)
		return;
	s->end = end;
	snprintf(s->what, sizeof(s->what), "%s", what);
}

/* ---- who goes on ---- */

static bool can_go_on(const struct race_sched *s, const struct task *t)
{
	switch (t->state) {
	case STATE_READY:
		return true;
	case STATE_LOCK:
		return t->lock->holder == NOBODY;
	case STATE_WAKE:
		return t->lock->holder == NOBODY && t->woken;
	case STATE_THREADS:
		return t->seen_ends != s->ends;
	case STATE_IDLE:
		return t->ready(t->arg);
	case STATE_FREE:
	case STATE_ENDED:
		break;
	}
	return false;
}

static int pick(struct race_sched *s)
{
	int can[RACE_TASKS], n = 0, running = -1, which = 0;

	for (int i = 0; i < s->nr_tasks; i++) {
		if (!can_go_on(s, &s->tasks[i]))
			continue;
		if (i == s->running)
			running = n;
		can[n++] = i;
	}
	if (!n)
		return MAIN;
	if (n > 1 && s->choose)
		which = s->choose(s->context, can, n, running);
	if (which >= 0)
		return can[which];
	race_sched_wrong_(s, RACE_END_LEFT, "nobody wants to see the rest of it");
	return MAIN;
}

static bool all_ended(const struct race_sched *s)
{
	for (int i = 0; i < s->nr_tasks; i++)
		if (s->tasks[i].state == STATE_LOCK || s->tasks[i].state == STATE_WAKE ||
		    s->tasks[i].state == STATE_THREADS)
			return false;
	return true;
}

/* Hands the baton to @next. Called with the mutex held. */
static void hand_on(struct race_sched *s, int next)
{
	s->running = next;
	if (next == MAIN) {
		if (s->end != RACE_END_LEFT && !all_ended(s))
			race_sched_wrong_(s, RACE_END_DEADLOCK, "tasks wait for one another for ever");
		pthread_cond_signal(&s->main_go);
		return;
	}
	s->tasks[next].state = STATE_READY;
	pthread_cond_signal(&s->tasks[next].go);
}

static void wait_for_baton(struct task *t, int self)
{
	while (t->s->running != self && !t->leaves)
		pthread_cond_wait(&t->go, &t->s->mutex);
}

/*
 * What is left on the stack of what was called before would make states differ that do not. The first words
 * are done apart, for those may be left out to align the others.
 */
__attribute__((noinline)) static void clear_words(void)
{
	volatile uint64_t words[3];

	words[0] = words[1] = words[2] = 0;
	(void)words[0];
}

__attribute__((noinline)) static void clear_many(void)
{
	uint64_t words[CLEARED];

	memset(words, 0, sizeof(words));
	__asm__ volatile("" : : "r"(words) : "memory");
}

static void clear_below(void)
{
	clear_many();
	clear_words();
}

/* The running task lets others go on, and comes back when it is chosen again. */
__attribute__((noinline)) static void switch_over(struct race_sched *s, enum state as)
{
	int self = s->running, next;

	s->tasks[self].state = as;
	/* above are the frames of all callers, with the registers that race_sched_yield_() put there */
	s->tasks[self].sp = (const uint64_t *)__builtin_frame_address(0) + 2;
	next = pick(s);
	if (next == self) {
		s->tasks[self].state = STATE_READY;
		return;
	}
	pthread_mutex_lock(&s->mutex);
	hand_on(s, next);
	wait_for_baton(&s->tasks[self], self);
	pthread_mutex_unlock(&s->mutex);
	if (s->tasks[self].leaves)
		_longjmp(s->tasks[self].home, 1);
}

__attribute__((noinline)) void race_sched_yield_(struct race_sched *s, enum state as)
{
	__builtin_unwind_init(); /* registers that are its callers' go to its frame */
	switch_over(s, as);
	if (s->memory)
		clear_below();
}

/* ---- life of a task ---- */

/* Sleeps until it is its turn. false: there will be none any more. */
static bool wait_for_turn(struct task *t, int self)
{
	bool mine;

	pthread_mutex_lock(&t->s->mutex);
	while (t->s->running != self && !t->quit)
		pthread_cond_wait(&t->go, &t->s->mutex);
	mine = !t->quit;
	pthread_mutex_unlock(&t->s->mutex);
	return mine;
}

static void is_home(struct task *t)
{
	pthread_mutex_lock(&t->s->mutex);
	t->leaves = false;
	t->s->leaving--;
	pthread_cond_signal(&t->s->main_go);
	pthread_mutex_unlock(&t->s->mutex);
}

/* Sends home all that began. Called with the mutex held, by the owner. */
static void leave(struct race_sched *s)
{
	for (int i = 0; i < s->nr_tasks; i++) {
		struct task *t = &s->tasks[i];

		if (!t->sp)
			continue;
		t->leaves = true;
		s->leaving++;
		pthread_cond_signal(&t->go);
	}
	while (s->leaving)
		pthread_cond_wait(&s->main_go, &s->mutex);
}

/* What is above is not of this run. */
__attribute__((noinline)) static void begin(struct task *t)
{
	t->top = (const uint64_t *)__builtin_frame_address(0) + 2;
	t->fn(t->arg);
}

/* Nor is what registers hold. */
__attribute__((noinline)) static void begin_afresh(struct task *t)
{
#if defined(__x86_64__)
	__asm__ volatile("xor %%ebx, %%ebx\n\txor %%r12d, %%r12d\n\txor %%r13d, %%r13d\n\t"
			 "xor %%r14d, %%r14d\n\txor %%r15d, %%r15d"
			 : : : "rbx", "r12", "r13", "r14", "r15", "cc");
#endif
	begin(t);
	__asm__ volatile("" : : : "memory");
}

static void *task_main(void *arg)
{
	struct task *t = arg;
	struct race_sched *s = t->s;

	while (wait_for_turn(t, (int)(t - s->tasks))) {
		if (s->memory)
			clear_below();
		if (!_setjmp(t->home))
			begin_afresh(t);
		t->sp = NULL;
		if (t->leaves) {
			is_home(t);
			continue;
		}
		s->ends += t->own;
		t->state = t->ready ? STATE_IDLE : STATE_ENDED;
		pthread_mutex_lock(&s->mutex);
		hand_on(s, pick(s));
		pthread_mutex_unlock(&s->mutex);
	}
	return NULL;
}

/* Return: the number of the task; WEIR_ENOMEM; WEIR_ENOSPC. */
int race_sched_add_(struct race_sched *s, void (*fn)(void *arg), void *arg,
		    bool (*ready)(void *arg), bool own)
{
	struct task *t;
	int i = 0;

	/* threads of the library come and go; a place is used again when its thread has ended */
	while (i < s->nr_tasks && !(s->tasks[i].own && s->tasks[i].state == STATE_ENDED))
		i++;
	if (i == RACE_TASKS)
		return WEIR_ENOSPC;
	t = &s->tasks[i];
	t->fn = fn;
	t->arg = arg;
	t->ready = ready;
	t->own = own;
	if (!t->has_thread) {
		t->s = s;
		if (pthread_cond_init(&t->go, NULL))
			return WEIR_ENOMEM;
		if (pthread_create(&t->thread, NULL, task_main, t)) {
			pthread_cond_destroy(&t->go);
			return WEIR_ENOMEM;
		}
		t->has_thread = true;
	}
	t->state = ready ? STATE_IDLE : STATE_READY;
	t->seen_ends = s->ends;
	t->sp = NULL;
	if (i == s->nr_tasks)
		s->nr_tasks++;
	return i;
}

int race_sched_task(struct race_sched *s, void (*fn)(void *arg), void *arg,
		    bool (*ready)(void *arg))
{
	return race_sched_add_(s, fn, arg, ready, false);
}

enum race_end race_sched_run(struct race_sched *s)
{
	int next;

	pthread_mutex_lock(&s->mutex);
	next = pick(s);
	if (next != MAIN) {
		hand_on(s, next);
		while (s->running != MAIN)
			pthread_cond_wait(&s->main_go, &s->mutex);
	}
	if (s->end == RACE_END_LEFT)
		leave(s);
	pthread_mutex_unlock(&s->mutex);
	return s->end;
}

int race_sched_count(const struct race_sched *s)
{
	return s->nr_tasks;
}

enum race_task race_sched_task_is(const struct race_sched *s, int task)
{
	const struct task *t = &s->tasks[task];

	switch (t->state) {
	case STATE_FREE:
	case STATE_ENDED:
		return RACE_TASK_ENDED;
	case STATE_IDLE:
		return t->ready(t->arg) ? RACE_TASK_READY : RACE_TASK_IDLE;
	case STATE_THREADS:
		return t->seen_ends != s->ends ? RACE_TASK_READY : RACE_TASK_WAITS;
	case STATE_LOCK:
	case STATE_WAKE:
		return can_go_on(s, t) ? RACE_TASK_READY : RACE_TASK_WAITS;
	case STATE_READY:
		break;
	}
	return t->own ? RACE_TASK_OWN : RACE_TASK_READY;
}

void race_sched_reset(struct race_sched *s)
{
	for (int i = 0; i < s->nr_tasks; i++)
		s->tasks[i].state = STATE_FREE;
	s->nr_tasks = 0;
	s->ends = s->main_seen_ends = 0;
	if (s->end == RACE_END_LEFT) {
		s->end = RACE_END_WELL;
		s->what[0] = '\0';
	}
}

struct race_sched *race_sched_create(void)
{
	struct race_sched *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->running = MAIN;
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->main_go, NULL);
	return s;
}

void race_sched_chooser(struct race_sched *s, race_choose_fn *choose, void *context)
{
	s->choose = choose;
	s->context = context;
}

void race_sched_destroy(struct race_sched *s)
{
	if (!s || s->end == RACE_END_DEADLOCK)
		return; /* its threads are still there */
	for (int i = 0; i < RACE_TASKS; i++) {
		struct task *t = &s->tasks[i];

		if (!t->has_thread)
			continue;
		pthread_mutex_lock(&s->mutex);
		t->quit = true;
		pthread_cond_signal(&t->go);
		pthread_mutex_unlock(&s->mutex);
		pthread_join(t->thread, NULL);
		pthread_cond_destroy(&t->go);
	}
	pthread_cond_destroy(&s->main_go);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

const char *race_sched_what(const struct race_sched *s)
{
	return s->what;
}

void race_sched_point(struct race_sched *s)
{
	if (s->running != MAIN)
		race_sched_yield_(s, STATE_READY);
}

int race_sched_self(const struct race_sched *s)
{
	return s->running;
}

void race_sched_memory(struct race_sched *s, const struct race_memory *memory)
{
	s->memory = memory;
}

/* ---- where all is ---- */

static void look_at(const struct race_sched *s, const struct task *t, race_look_fn *look, void *context)
{
	uint64_t words[6] = { t->state };

	if (t->state == STATE_THREADS)
		words[1] = t->seen_ends != s->ends;
	if (t->state == STATE_LOCK || t->state == STATE_WAKE)
		words[1] = (uintptr_t)t->lock;
	if (t->state == STATE_WAKE)
		words[2] = t->woken;
	if (t->state != STATE_FREE && t->state != STATE_ENDED) {
		words[3] = (uintptr_t)t->fn;
		words[4] = (uintptr_t)t->arg;
		words[5] = t->sp != NULL;
	}
	look(context, words, sizeof(words));
	if (words[5])
		look(context, t->sp, (size_t)(t->top - t->sp) * sizeof(*t->sp));
}

void race_sched_look(const struct race_sched *s, race_look_fn *look, void *context)
{
	look(context, &(uint64_t){ (uint64_t)s->nr_tasks }, sizeof(uint64_t));
	for (int i = 0; i < s->nr_tasks; i++)
		look_at(s, &s->tasks[i], look, context);
}
