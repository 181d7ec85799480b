// SPDX-License-Identifier: MIT
/* See models.h. The context of all calls is the hwhost, which knows who makes its threads. */
#include "race/models.h"

#define PAGE_LG2 12
#define STEP_NS 100u /* that a point takes */

static struct race_models *models_of(void *host)
{
	return ((struct hwhost *)host)->threads;
}

/* An interrupt's handler is one step: it may not be going on when its interrupt is given back. */
static bool time_goes_on(struct race_models *r)
{
	if (race_sched_self(r->sched) < 0 || r->h->in_irq)
		return false;
	r->points++;
	r->hw.delay_ns(r->h, STEP_NS);
	return true;
}

void race_models_point(struct race_models *r)
{
	if (time_goes_on(r))
		race_sched_point(r->sched);
}

/* ---- locks ---- */

static struct weir_lock *turns_lock_create(void *host, unsigned int rank)
{
	struct race_models *r = models_of(host);

	return r->turns->lock_create(r->sched, rank);
}

static void turns_lock_destroy(void *host, struct weir_lock *lock)
{
	struct race_models *r = models_of(host);

	r->turns->lock_destroy(r->sched, lock);
}

static void turns_lock(void *host, struct weir_lock *lock)
{
	struct race_models *r = models_of(host);

	r->last_task = -1;
	if (time_goes_on(r))
		race_sched_point_lock(r->sched, lock, r->whole);
	else
		r->turns->lock(r->sched, lock);
}

static void turns_unlock(void *host, struct weir_lock *lock)
{
	struct race_models *r = models_of(host);

	r->last_task = -1;
	r->turns->unlock(r->sched, lock);
	hwhost_irqs(r->h);
}

static void turns_lock_wait(void *host, struct weir_lock *lock)
{
	struct race_models *r = models_of(host);

	r->turns->lock_wait(r->sched, lock);
}

static void turns_lock_wake(void *host, struct weir_lock *lock)
{
	struct race_models *r = models_of(host);

	r->turns->lock_wake(r->sched, lock);
}

static unsigned long turns_spin_lock(void *host, struct weir_lock *lock)
{
	struct race_models *r = models_of(host);

	turns_lock(host, lock);
	r->h->spins++;
	if (race_sched_self(r->sched) >= 0)
		r->spins[race_sched_self(r->sched)]++;
	return 0;
}

static void turns_spin_unlock(void *host, struct weir_lock *lock, unsigned long before)
{
	struct race_models *r = models_of(host);

	(void)before;
	r->h->spins--;
	if (race_sched_self(r->sched) >= 0)
		r->spins[race_sched_self(r->sched)]--;
	turns_unlock(host, lock);
}

static void turns_assert_failed(void *host, const char *what, const char *file, int line)
{
	struct race_models *r = models_of(host);

	r->turns->assert_failed(r->sched, what, file, line);
}

/* ---- threads ---- */

static int turns_thread_run(void *host, void (*fn)(void *arg), void *arg)
{
	struct race_models *r = models_of(host);

	return r->turns->thread_run(r->sched, fn, arg);
}

static void turns_thread_wait(void *host)
{
	struct race_models *r = models_of(host);

	r->turns->thread_wait(r->sched);
}

static uint64_t turns_thread_self(void *host)
{
	struct race_models *r = models_of(host);

	return r->turns->thread_self(r->sched);
}

/* ---- registers ---- */

static bool is_locked(const struct race_models *r)
{
	return race_sched_self(r->sched) >= 0 && r->spins[race_sched_self(r->sched)];
}

static void registers(struct race_models *r, uintptr_t at)
{
	if (r->last_task == race_sched_self(r->sched) && r->last_page == at >> PAGE_LG2)
		return;
	if (r->whole && (is_locked(r) || (r->alone && r->alone(r->alone_arg, at))))
		(void)time_goes_on(r);
	else
		race_models_point(r);
	r->last_task = race_sched_self(r->sched);
	r->last_page = at >> PAGE_LG2;
}

static uint64_t turns_mmio_read(void *host, uintptr_t at, unsigned int width)
{
	struct race_models *r = models_of(host);

	registers(r, at);
	return r->hw.mmio_read(host, at, width);
}

static void turns_mmio_write(void *host, uintptr_t at, unsigned int width, uint64_t value)
{
	struct race_models *r = models_of(host);

	registers(r, at);
	r->hw.mmio_write(host, at, width, value);
}

void race_models_init(struct race_models *r, struct hwhost *h, struct race_sched *s)
{
	*r = (struct race_models){ .hw = h->ops, .turns = race_sched_host(), .sched = s, .h = h,
				   .last_task = -1 };
	h->threads = r;
	h->ops.lock_create = h->ops.spin_create = turns_lock_create;
	h->ops.lock_destroy = h->ops.spin_destroy = turns_lock_destroy;
	h->ops.lock = turns_lock;
	h->ops.unlock = turns_unlock;
	h->ops.lock_wait = turns_lock_wait;
	h->ops.lock_wake = turns_lock_wake;
	h->ops.spin_lock = turns_spin_lock;
	h->ops.spin_unlock = turns_spin_unlock;
	h->ops.assert_failed = turns_assert_failed;
	h->ops.thread_run = turns_thread_run;
	h->ops.thread_wait = turns_thread_wait;
	h->ops.thread_self = turns_thread_self;
	h->ops.mmio_read = turns_mmio_read;
	h->ops.mmio_write = turns_mmio_write;
}

static void *turns_alloc(void *host, size_t bytes)
{
	struct race_models *r = models_of(host);

	return r->turns->alloc(r->sched, bytes);
}

static void turns_free(void *host, void *mem, size_t bytes)
{
	struct race_models *r = models_of(host);

	r->turns->free(r->sched, mem, bytes);
}

void race_models_whole(struct race_models *r, bool host_threads)
{
	r->whole = true;
	r->h->ops.alloc = r->h->ops.alloc_atomic = turns_alloc;
	r->h->ops.free = turns_free;
	r->h->ops.time_ns = NULL;
	r->h->ops.timer_create = NULL;
	r->h->ops.timer_set = NULL;
	r->h->ops.timer_destroy = NULL;
	if (!host_threads) {
		r->h->ops.thread_run = NULL;
		r->h->ops.thread_wait = NULL;
	}
	hwrng_still(&r->h->rng);
	hwrng_still(&r->h->ram->rng);
	r->h->ram->evict = 0;
}
