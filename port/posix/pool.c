// SPDX-License-Identifier: MIT
/*
 * The worker threads of the POSIX host. Jobs go into a ring that holds a few
 * for each worker; when it is full the caller does the work itself, which keeps
 * the library's stepping thread busy too.
 *
 * Life: pool_create() starts all workers, pool_destroy() lets them empty the
 * ring and joins them. One mutex guards everything; no job runs under it.
 */
#include "pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "weir/err.h"

#define JOBS_PER_THREAD 4u

struct job {
	void (*fn)(void *arg);
	void *arg;
};

/* (c) constant after creation, (m) under mutex */
struct pool {
	pthread_mutex_t mutex;
	pthread_cond_t work;     /* a job was queued, or stop was set */
	pthread_cond_t done;     /* a job has returned */
	struct job *ring;        /* (c) the array, (m) its entries */
	unsigned int ring_size;  /* (c) */
	unsigned int ring_first; /* (m) */
	unsigned int queued;     /* (m) */
	unsigned int running;    /* (m) */
	uint64_t finished;       /* (m) jobs that have returned */
	uint64_t seen;           /* (m) value of finished at the last pool_wait */
	bool stop;               /* (m) */
	unsigned int threads;    /* (c) workers that were started */
	pthread_t thread[];      /* (c) */
};

static void *worker(void *arg)
{
	struct pool *pool = arg;

	pthread_mutex_lock(&pool->mutex);
	for (;;) {
		struct job job;

		while (!pool->queued && !pool->stop)
			pthread_cond_wait(&pool->work, &pool->mutex);
		if (!pool->queued)
			break;
		job = pool->ring[pool->ring_first];
		pool->ring_first = (pool->ring_first + 1) % pool->ring_size;
		pool->queued--;
		pool->running++;
		pthread_mutex_unlock(&pool->mutex);

		job.fn(job.arg);

		pthread_mutex_lock(&pool->mutex);
		pool->running--;
		pool->finished++;
		pthread_cond_broadcast(&pool->done);
	}
	pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

int pool_create(unsigned int threads, struct pool **out_pool)
{
	struct pool *pool = calloc(1, sizeof(*pool) + threads * sizeof(pool->thread[0]));
	int err = WEIR_ENOMEM;

	if (!pool)
		return WEIR_ENOMEM;
	pool->ring_size = threads * JOBS_PER_THREAD;
	pool->ring = calloc(pool->ring_size, sizeof(pool->ring[0]));
	if (!pool->ring)
		goto free_pool;
	if (pthread_mutex_init(&pool->mutex, NULL))
		goto free_ring;
	if (pthread_cond_init(&pool->work, NULL))
		goto destroy_mutex;
	if (pthread_cond_init(&pool->done, NULL))
		goto destroy_work;
	for (; pool->threads < threads; pool->threads++) {
		if (pthread_create(&pool->thread[pool->threads], NULL, worker, pool)) {
			pool_destroy(pool);
			return WEIR_EAGAIN;
		}
	}
	*out_pool = pool;
	return 0;

destroy_work:
	pthread_cond_destroy(&pool->work);
destroy_mutex:
	pthread_mutex_destroy(&pool->mutex);
free_ring:
	free(pool->ring);
free_pool:
	free(pool);
	return err;
}

void pool_destroy(struct pool *pool)
{
	unsigned int i;

	if (!pool)
		return;
	pthread_mutex_lock(&pool->mutex);
	pool->stop = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->mutex);
	for (i = 0; i < pool->threads; i++)
		pthread_join(pool->thread[i], NULL);
	pthread_cond_destroy(&pool->done);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->mutex);
	free(pool->ring);
	free(pool);
}

int pool_run(struct pool *pool, void (*fn)(void *arg), void *arg)
{
	int err = WEIR_EAGAIN;

	pthread_mutex_lock(&pool->mutex);
	if (pool->queued < pool->ring_size) {
		unsigned int last = (pool->ring_first + pool->queued) % pool->ring_size;

		pool->ring[last].fn = fn;
		pool->ring[last].arg = arg;
		pool->queued++;
		pthread_cond_signal(&pool->work);
		err = 0;
	}
	pthread_mutex_unlock(&pool->mutex);
	return err;
}

void pool_wait(struct pool *pool)
{
	pthread_mutex_lock(&pool->mutex);
	if (pool->finished == pool->seen) {
		uint64_t start = pool->finished;

		/*
		 * With several machines on one host, another machine's wait may
		 * have seen the return that this one is after: so do not wait
		 * for a pool that has nothing left, and go by what was finished
		 * when this wait began.
		 */
		while (pool->finished == start && pool->queued + pool->running > 0)
			pthread_cond_wait(&pool->done, &pool->mutex);
	}
	pool->seen = pool->finished;
	pthread_mutex_unlock(&pool->mutex);
}
