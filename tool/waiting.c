// SPDX-License-Identifier: MIT
/*
 * A word on a terminal while something takes long, and nothing when it does not: a thread
 * waits a second for its end before it speaks. It owns what it shows; waiting_end() takes
 * it away again. The lock guards done.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "weir.h"

static void *speak(void *arg)
{
	struct waiting *w = arg;
	struct timespec until;
	bool shown = false;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	pthread_mutex_lock(&w->lock);
	while (!w->done) {
		err = shown ? pthread_cond_wait(&w->ended, &w->lock)
			    : pthread_cond_timedwait(&w->ended, &w->lock, &until);
		if (err != ETIMEDOUT || w->done || shown)
			continue;
		fprintf(stderr, "weir: %s ...", w->what);
		shown = true;
	}
	pthread_mutex_unlock(&w->lock);
	if (shown)
		fprintf(stderr, "\r\033[K");
	return NULL;
}

void waiting_begin(struct waiting *w, const char *what)
{
	*w = (struct waiting){ .what = what };
	if (!isatty(STDERR_FILENO))
		return;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->ended, NULL);
	w->runs = !pthread_create(&w->thread, NULL, speak, w);
}

void waiting_end(struct waiting *w)
{
	if (!w->runs)
		return;
	pthread_mutex_lock(&w->lock);
	w->done = true;
	pthread_cond_signal(&w->ended);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->ended);
	pthread_mutex_destroy(&w->lock);
	w->runs = false;
}
