// SPDX-License-Identifier: MIT
/*
 * Timers: a list, and a thread that sleeps until the first is due. There are few, so
 * the list is not sorted. The mutex guards everything; it is not held while a timer's
 * function runs.
 */
#include "timer.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "weir/err.h"

struct weir_timer {
	struct timers *timers;
	struct weir_timer *next;
	void (*fn)(void *arg);
	void *arg;
	uint64_t due_ns;
	bool set;
	bool running;
};

struct timers {
	pthread_mutex_t mutex;
	pthread_cond_t changed; /* a timer was set, or has run, or the end has come */
	pthread_t thread;
	bool started, stop;
	struct weir_timer *first;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct weir_timer *first_due(const struct timers *timers)
{
	struct weir_timer *timer, *best = NULL;

	for (timer = timers->first; timer; timer = timer->next)
		if (timer->set && (!best || timer->due_ns < best->due_ns))
			best = timer;
	return best;
}

static void run(struct timers *timers, struct weir_timer *timer)
{
	timer->set = false;
	timer->running = true;
	pthread_mutex_unlock(&timers->mutex);
	timer->fn(timer->arg);
	pthread_mutex_lock(&timers->mutex);
	timer->running = false;
	pthread_cond_broadcast(&timers->changed);
}

static void *loop(void *arg)
{
	struct timers *timers = arg;

	pthread_mutex_lock(&timers->mutex);
	while (!timers->stop) {
		struct weir_timer *timer = first_due(timers);
		struct timespec until;

		if (!timer) {
			pthread_cond_wait(&timers->changed, &timers->mutex);
		} else if (timer->due_ns <= now_ns()) {
			run(timers, timer);
		} else {
			until.tv_sec = (time_t)(timer->due_ns / 1000000000u);
			until.tv_nsec = (long)(timer->due_ns % 1000000000u);
			pthread_cond_timedwait(&timers->changed, &timers->mutex, &until);
		}
	}
	pthread_mutex_unlock(&timers->mutex);
	return NULL;
}

int timers_create(struct timers **out_timers)
{
	struct timers *timers = calloc(1, sizeof(*timers));
	pthread_condattr_t attr;

	if (!timers)
		return WEIR_ENOMEM;
	pthread_mutex_init(&timers->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&timers->changed, &attr);
	pthread_condattr_destroy(&attr);
	*out_timers = timers;
	return 0;
}

void timers_destroy(struct timers *timers)
{
	if (!timers)
		return;
	pthread_mutex_lock(&timers->mutex);
	timers->stop = true;
	pthread_cond_broadcast(&timers->changed);
	pthread_mutex_unlock(&timers->mutex);
	if (timers->started)
		pthread_join(timers->thread, NULL);
	pthread_cond_destroy(&timers->changed);
	pthread_mutex_destroy(&timers->mutex);
	free(timers);
}

int timers_add(struct timers *timers, void (*fn)(void *arg), void *arg,
	       struct weir_timer **out_timer)
{
	struct weir_timer *timer = calloc(1, sizeof(*timer));
	int err = 0;

	if (!timer)
		return WEIR_ENOMEM;
	timer->timers = timers;
	timer->fn = fn;
	timer->arg = arg;
	pthread_mutex_lock(&timers->mutex);
	if (!timers->started)
		err = pthread_create(&timers->thread, NULL, loop, timers) ? WEIR_ENOMEM : 0;
	if (!err) {
		timers->started = true;
		timer->next = timers->first;
		timers->first = timer;
	}
	pthread_mutex_unlock(&timers->mutex);
	if (err)
		free(timer);
	else
		*out_timer = timer;
	return err;
}

void timers_set(struct weir_timer *timer, uint64_t ns)
{
	struct timers *timers = timer->timers;

	pthread_mutex_lock(&timers->mutex);
	timer->due_ns = now_ns();
	timer->due_ns += ns < UINT64_MAX - timer->due_ns ? ns : UINT64_MAX - timer->due_ns;
	timer->set = true;
	pthread_cond_broadcast(&timers->changed);
	pthread_mutex_unlock(&timers->mutex);
}

void timers_del(struct weir_timer *timer)
{
	struct timers *timers = timer->timers;
	struct weir_timer **at = &timers->first;

	pthread_mutex_lock(&timers->mutex);
	timer->set = false;
	while (timer->running) {
		pthread_cond_wait(&timers->changed, &timers->mutex);
		timer->set = false; /* by its own function */
	}
	while (*at != timer)
		at = &(*at)->next;
	*at = timer->next;
	pthread_mutex_unlock(&timers->mutex);
	free(timer);
}
