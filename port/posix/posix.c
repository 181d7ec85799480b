// SPDX-License-Identifier: MIT
/*
 * The host on a POSIX process. The table of calls is made for each host, with
 * those left out that its options do not ask for, so that the library sees
 * them as absent.
 *
 * Life: weir_posix_create() to weir_posix_destroy(). The host is constant in
 * between and needs no lock; the pool has its own.
 */
#include "weir/posix.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "weir/catalogue.h"

#include "modules.h"
#include "pool.h"
#include "timer.h"

struct weir_posix {
	struct weir_host_ops ops;
	struct pool *pool; /* NULL without worker threads */
	struct timers *timers;
	FILE *log;
	enum weir_log_level log_level;
	char *module_dir;
};

struct weir_lock {
	pthread_mutex_t mutex;
	pthread_cond_t woken;
};

/* Behind a struct weir_lock of spin_create. */
struct spin {
	atomic_bool taken;
};

#define SPINS 200u /* looks before the CPU is offered to others */

static void *posix_alloc(void *host, size_t bytes)
{
	(void)host;
	return calloc(1, bytes);
}

static void posix_free(void *host, void *mem, size_t bytes)
{
	(void)host;
	(void)bytes;
	free(mem);
}

static struct weir_lock *posix_lock_create(void *host, unsigned int rank)
{
	struct weir_lock *lock = malloc(sizeof(*lock));

	(void)host;
	(void)rank;
	if (!lock)
		return NULL;
	if (pthread_mutex_init(&lock->mutex, NULL))
		goto err_free;
	if (pthread_cond_init(&lock->woken, NULL))
		goto err_mutex;
	return lock;

err_mutex:
	pthread_mutex_destroy(&lock->mutex);
err_free:
	free(lock);
	return NULL;
}

static void posix_lock_destroy(void *host, struct weir_lock *lock)
{
	(void)host;
	pthread_cond_destroy(&lock->woken);
	pthread_mutex_destroy(&lock->mutex);
	free(lock);
}

static void posix_lock(void *host, struct weir_lock *lock)
{
	(void)host;
	pthread_mutex_lock(&lock->mutex);
}

static void posix_unlock(void *host, struct weir_lock *lock)
{
	(void)host;
	pthread_mutex_unlock(&lock->mutex);
}

static void posix_lock_wait(void *host, struct weir_lock *lock)
{
	(void)host;
	pthread_cond_wait(&lock->woken, &lock->mutex);
}

static void posix_lock_wake(void *host, struct weir_lock *lock)
{
	(void)host;
	pthread_cond_broadcast(&lock->woken);
}

/* There are no interrupts to keep away; a holder that lost its CPU is waited for politely. */
static struct weir_lock *posix_spin_create(void *host, unsigned int rank)
{
	struct spin *spin = malloc(sizeof(*spin));

	(void)host;
	(void)rank;
	if (spin)
		atomic_init(&spin->taken, false);
	return (struct weir_lock *)spin;
}

static void posix_spin_destroy(void *host, struct weir_lock *lock)
{
	(void)host;
	free(lock);
}

static unsigned long posix_spin_lock(void *host, struct weir_lock *lock)
{
	struct spin *spin = (struct spin *)lock;

	(void)host;
	while (atomic_exchange_explicit(&spin->taken, true, memory_order_acquire))
		for (unsigned int i = 0; atomic_load_explicit(&spin->taken, memory_order_relaxed); i++)
			if (i > SPINS)
				sched_yield();
	return 0;
}

static void posix_spin_unlock(void *host, struct weir_lock *lock, unsigned long before)
{
	struct spin *spin = (struct spin *)lock;

	(void)host;
	(void)before;
	atomic_store_explicit(&spin->taken, false, memory_order_release);
}

static void posix_assert_failed(void *host, const char *what, const char *file, int line)
{
	(void)host;
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
	abort();
}

static void posix_log(void *host, enum weir_log_level level, const char *line)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	struct weir_posix *posix = host;

	if (level <= posix->log_level)
		fprintf(posix->log, "weir: %s: %s\n", names[level], line);
}

static uint64_t posix_time_ns(void *host)
{
	struct timespec now;

	(void)host;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int posix_thread_run(void *host, void (*fn)(void *arg), void *arg)
{
	struct weir_posix *posix = host;

	return pool_run(posix->pool, fn, arg);
}

static void posix_thread_wait(void *host)
{
	struct weir_posix *posix = host;

	pool_wait(posix->pool);
}

/* The address of what each thread has of its own. */
static uint64_t posix_thread_self(void *host)
{
	static _Thread_local char own;

	(void)host;
	return (uintptr_t)&own;
}

static int posix_module_open(void *host, const char *name, void **out_image,
			     const struct weir_module_entry **out_entry)
{
	struct weir_posix *posix = host;
	char text[MODULES_TEXT];
	int err = modules_open(posix->module_dir, name, out_image, out_entry, text);

	if (err && posix->log)
		posix_log(posix, WEIR_LOG_ERR, text);
	return err;
}

static void posix_module_close(void *host, void *image)
{
	(void)host;
	modules_close(image);
}

static int posix_timer_create(void *host, void (*fn)(void *arg), void *arg,
			      struct weir_timer **out_timer)
{
	struct weir_posix *posix = host;

	return timers_add(posix->timers, fn, arg, out_timer);
}

static void posix_timer_set(void *host, struct weir_timer *timer, uint64_t ns)
{
	(void)host;
	timers_set(timer, ns);
}

static void posix_timer_destroy(void *host, struct weir_timer *timer)
{
	(void)host;
	timers_del(timer);
}

static const struct weir_host_ops required_ops = {
	.abi = WEIR_ABI(struct weir_host_ops),
	.alloc = posix_alloc,
	.free = posix_free,
	.lock_create = posix_lock_create,
	.lock_destroy = posix_lock_destroy,
	.lock = posix_lock,
	.unlock = posix_unlock,
	.thread_self = posix_thread_self,
	.lock_wait = posix_lock_wait,
	.lock_wake = posix_lock_wake,
	.spin_create = posix_spin_create,
	.spin_destroy = posix_spin_destroy,
	.spin_lock = posix_spin_lock,
	.spin_unlock = posix_spin_unlock,
	.assert_failed = posix_assert_failed,
	.time_ns = posix_time_ns,
	.timer_create = posix_timer_create,
	.timer_set = posix_timer_set,
	.timer_destroy = posix_timer_destroy,
};

int weir_posix_create(const struct weir_posix_options *options, struct weir_posix **out_posix)
{
	static const struct weir_posix_options none;
	struct weir_posix *posix = calloc(1, sizeof(*posix));
	int err;

	if (!posix)
		return WEIR_ENOMEM;
	if (!options)
		options = &none;
	posix->ops = required_ops;
	err = timers_create(&posix->timers);
	if (err)
		goto destroy;
	if (options->log) {
		posix->log = options->log;
		posix->log_level = options->log_level;
		posix->ops.log = posix_log;
	}
	if (options->module_dir) {
		posix->module_dir = strdup(options->module_dir);
		err = WEIR_ENOMEM;
		if (!posix->module_dir)
			goto destroy;
		posix->ops.module_open = posix_module_open;
		posix->ops.module_close = posix_module_close;
	}
	if (options->threads) {
		err = pool_create(options->threads, &posix->pool);
		if (err)
			goto destroy;
		posix->ops.thread_run = posix_thread_run;
		posix->ops.thread_wait = posix_thread_wait;
	}
	*out_posix = posix;
	return 0;

destroy:
	weir_posix_destroy(posix);
	return err;
}

struct weir_posix *weir_posix_destroy(struct weir_posix *posix)
{
	if (posix) {
		pool_destroy(posix->pool);
		timers_destroy(posix->timers);
		free(posix->module_dir);
		free(posix);
	}
	return NULL;
}

const struct weir_host_ops *weir_posix_ops(const struct weir_posix *posix)
{
	return &posix->ops;
}

int weir_posix_modules(const struct weir_posix *posix, weir_posix_module_fn *fn, void *context)
{
	return posix->module_dir ? modules_each(posix->module_dir, fn, context) : 0;
}

/* ---- the catalogue ---- */

struct declaration {
	struct weir_machine *m;
	int err;
};

static int declare_driver(struct weir_machine *m, const char *module,
			  const struct weir_driver *drv)
{
	struct weir_catalogue_entry entry = {
		.name = module, .bus = drv->bus, .state = WEIR_CATALOGUE_LOADABLE,
	};
	const char **keys;
	size_t n = 0;
	int err;

	while (drv->match && drv->match[n].key)
		n++;
	keys = calloc(n + 1, sizeof(*keys));
	if (!keys)
		return WEIR_ENOMEM;
	for (size_t i = 0; i < n; i++)
		keys[i] = drv->match[i].key;
	entry.keys = keys;
	err = weir_catalogue_add(m, &entry);
	free(keys);
	return err;
}

static void declare(void *context, const char *name, const struct weir_module_entry *entry)
{
	struct declaration *d = context;

	for (size_t i = 0; entry && entry->drivers && entry->drivers[i] && !d->err; i++)
		d->err = declare_driver(d->m, name, entry->drivers[i]);
}

int weir_posix_declare_modules(const struct weir_posix *posix, struct weir_machine *m)
{
	struct declaration d = { .m = m };
	int err = weir_posix_modules(posix, declare, &d);

	return err ? err : d.err;
}
