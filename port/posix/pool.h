// SPDX-License-Identifier: MIT
/*
 * A pool of worker threads with a short queue, private to the POSIX host.
 */
#ifndef WEIR_POSIX_POOL_H
#define WEIR_POSIX_POOL_H

struct pool;

/* Starts @threads (at least one) workers. Return: 0; WEIR_ENOMEM; WEIR_EAGAIN. */
int pool_create(unsigned int threads, struct pool **out_pool);
/* Lets the workers finish the queue, ends them and frees the pool; accepts NULL. */
void pool_destroy(struct pool *pool);
/* Runs fn(arg) on a worker. Return: 0; WEIR_EAGAIN when the queue is full. */
int pool_run(struct pool *pool, void (*fn)(void *arg), void *arg);
/*
 * Waits until a function has returned since the last pool_wait, or nothing is
 * queued or running.
 */
void pool_wait(struct pool *pool);

#endif
