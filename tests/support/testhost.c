// SPDX-License-Identifier: MIT
/*
 * The checking host's life, its faults and its locks. Memory is in
 * testhost_mem.c. One mutex guards all bookkeeping; it is never held while the
 * inner host takes a lock.
 */
#include "testhost_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cm.h"

struct weir_lock {
	struct testhost *host;
	struct weir_lock *inner;
	struct weir_lock *held_below; /* the holder's lock before this one */
	unsigned int rank;
	bool held;
	bool spin;
};

/* The locks that this thread holds, the last taken first. */
static _Thread_local struct weir_lock *held_top;
/* What this thread calls counts as called in interrupt context. */
static _Thread_local bool in_interrupt;

void testhost_fault_(struct testhost *t, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "# testhost: %s\n", text);
	pthread_mutex_lock(&t->mutex);
	if (!t->faults++)
		memcpy(t->first_fault, text, sizeof(text));
	pthread_mutex_unlock(&t->mutex);
}

bool testhost_may_fail_(struct testhost *t)
{
	bool fails = false;

	pthread_mutex_lock(&t->mutex);
	t->calls++;
	if (t->fail_in && !--t->fail_in) {
		t->fault_hit = true;
		fails = true;
	}
	pthread_mutex_unlock(&t->mutex);
	return fails;
}

void testhost_check_sleep_(struct testhost *t, const char *call)
{
	const struct weir_lock *held;

	if (in_interrupt)
		testhost_fault_(t, "%s is called in interrupt context", call);
	for (held = held_top; held; held = held->held_below)
		if (held->host == t && held->spin)
			testhost_fault_(t, "%s is called under a spin lock of rank %u", call,
					held->rank);
}

void testhost_interrupt(bool on)
{
	in_interrupt = on;
}

static struct weir_lock *lock_create(struct testhost *t, unsigned int rank, bool spin)
{
	struct weir_lock *lock;

	if (testhost_may_fail_(t))
		return NULL;
	lock = calloc(1, sizeof(*lock));
	if (!lock)
		return NULL;
	lock->host = t;
	lock->rank = rank;
	lock->spin = spin;
	lock->inner = spin ? t->inner->spin_create(t->inner_host, rank)
			   : t->inner->lock_create(t->inner_host, rank);
	if (!lock->inner) {
		free(lock);
		return NULL;
	}
	pthread_mutex_lock(&t->mutex);
	t->locks++;
	pthread_mutex_unlock(&t->mutex);
	return lock;
}

static struct weir_lock *th_lock_create(void *host, unsigned int rank)
{
	testhost_check_sleep_(host, "lock_create");
	return lock_create(host, rank, false);
}

static struct weir_lock *th_spin_create(void *host, unsigned int rank)
{
	testhost_check_sleep_(host, "spin_create");
	return lock_create(host, rank, true);
}

static void th_lock_destroy(void *host, struct weir_lock *lock)
{
	struct testhost *t = host;

	pthread_mutex_lock(&t->mutex);
	t->locks--;
	pthread_mutex_unlock(&t->mutex);
	if (lock->held) {
		testhost_fault_(t, "a lock of rank %u is destroyed while it is held", lock->rank);
		return; /* still on its holder's list: better lost than freed */
	}
	if (lock->spin)
		t->inner->spin_destroy(t->inner_host, lock->inner);
	else
		t->inner->lock_destroy(t->inner_host, lock->inner);
	free(lock);
}

static void check_order(struct testhost *t, struct weir_lock *lock)
{
	const struct weir_lock *held;

	for (held = held_top; held; held = held->held_below) {
		if (held == lock) {
			/* Taking it for real would hang the test. */
			testhost_fault_(t, "a lock of rank %u is taken twice by a thread",
					lock->rank);
			abort();
		}
		if (held->host == t && held->rank >= lock->rank)
			testhost_fault_(t, "a lock of rank %u is taken under one of rank %u",
					lock->rank, held->rank);
	}
}

static void note_held(struct weir_lock *lock)
{
	lock->held = true;
	lock->held_below = held_top;
	held_top = lock;
}

static void th_lock(void *host, struct weir_lock *lock)
{
	struct testhost *t = host;

	testhost_check_sleep_(t, "lock");
	check_order(t, lock);
	t->inner->lock(t->inner_host, lock->inner);
	note_held(lock);
}

static unsigned long th_spin_lock(void *host, struct weir_lock *lock)
{
	struct testhost *t = host;
	unsigned long before;

	check_order(t, lock);
	before = t->inner->spin_lock(t->inner_host, lock->inner);
	note_held(lock);
	return before;
}

/* Return: whether this thread held it. */
static bool note_released(struct testhost *t, struct weir_lock *lock)
{
	struct weir_lock **at = &held_top;

	while (*at && *at != lock)
		at = &(*at)->held_below;
	if (!*at) {
		testhost_fault_(t, "a lock of rank %u is released by a thread that does not hold it",
				lock->rank);
		return false;
	}
	*at = lock->held_below;
	lock->held = false;
	return true;
}

static void th_unlock(void *host, struct weir_lock *lock)
{
	struct testhost *t = host;

	if (note_released(t, lock))
		t->inner->unlock(t->inner_host, lock->inner);
}

/* Waits for other threads, which may need whatever else this one holds. */
static void th_lock_wait(void *host, struct weir_lock *lock)
{
	struct testhost *t = host;
	const struct weir_lock *held;

	for (held = held_top; held; held = held->held_below)
		if (held->host == t && held != lock)
			testhost_fault_(t, "lock_wait is called with another lock of rank %u held",
					held->rank);
	if (!note_released(t, lock))
		return;
	t->inner->lock_wait(t->inner_host, lock->inner);
	note_held(lock);
}

static void th_lock_wake(void *host, struct weir_lock *lock)
{
	struct testhost *t = host;

	if (!lock->held)
		testhost_fault_(t, "lock_wake is called without the lock of rank %u", lock->rank);
	t->inner->lock_wake(t->inner_host, lock->inner);
}

static void th_spin_unlock(void *host, struct weir_lock *lock, unsigned long before)
{
	struct testhost *t = host;

	if (note_released(t, lock))
		t->inner->spin_unlock(t->inner_host, lock->inner, before);
}

static void th_assert_failed(void *host, const char *what, const char *file, int line)
{
	struct testhost *t = host;
	bool expected;

	pthread_mutex_lock(&t->mutex);
	t->asserts++;
	expected = t->asserts_expected;
	pthread_mutex_unlock(&t->mutex);
	if (!expected)
		testhost_fault_(t, "%s:%d: assertion failed: %s", file, line, what);
}

static void th_log(void *host, enum weir_log_level level, const char *line)
{
	struct testhost *t = host;

	if (in_interrupt)
		testhost_fault_(t, "log is called in interrupt context");
	t->inner->log(t->inner_host, level, line);
}

static uint64_t th_time_ns(void *host)
{
	struct testhost *t = host;

	return t->inner->time_ns(t->inner_host);
}

static int th_thread_run(void *host, void (*fn)(void *arg), void *arg)
{
	struct testhost *t = host;

	if (testhost_may_fail_(t))
		return WEIR_EAGAIN;
	return t->inner->thread_run(t->inner_host, fn, arg);
}

static void th_thread_wait(void *host)
{
	struct testhost *t = host;
	const struct weir_lock *held;

	for (held = held_top; held; held = held->held_below)
		if (held->host == t)
			testhost_fault_(t, "thread_wait is called with a lock of rank %u held",
					held->rank);
	t->inner->thread_wait(t->inner_host);
}

static uint64_t th_thread_self(void *host)
{
	struct testhost *t = host;

	return t->inner->thread_self(t->inner_host);
}

static int th_module_open(void *host, const char *name, void **out_image,
			  const struct weir_module_entry **out_entry)
{
	struct testhost *t = host;

	if (testhost_may_fail_(t))
		return WEIR_ENOMEM;
	return t->inner->module_open(t->inner_host, name, out_image, out_entry);
}

static void th_module_close(void *host, void *image)
{
	struct testhost *t = host;

	t->inner->module_close(t->inner_host, image);
}

static const struct weir_host_ops checking_ops = {
	.abi = WEIR_ABI(struct weir_host_ops),
	.alloc = testhost_alloc_,
	.free = testhost_free_,
	.lock_create = th_lock_create,
	.lock_destroy = th_lock_destroy,
	.lock = th_lock,
	.unlock = th_unlock,
	.lock_wait = th_lock_wait,
	.lock_wake = th_lock_wake,
	.spin_create = th_spin_create,
	.spin_destroy = th_lock_destroy,
	.spin_lock = th_spin_lock,
	.spin_unlock = th_spin_unlock,
	.alloc_atomic = testhost_alloc_atomic_,
	.assert_failed = th_assert_failed,
	.log = th_log,
	.time_ns = th_time_ns,
	.thread_run = th_thread_run,
	.thread_wait = th_thread_wait,
	.thread_self = th_thread_self,
	.module_open = th_module_open,
	.module_close = th_module_close,
};

struct testhost *testhost_create(const struct weir_host_ops *inner, void *inner_host)
{
	struct testhost *t = calloc(1, sizeof(*t));

	if (!t || pthread_mutex_init(&t->mutex, NULL))
		abort();
	t->inner = inner ? inner : &testhost_plain_ops;
	t->inner_host = inner_host;
	t->ops = checking_ops;
	if (!t->inner->spin_create) {
		t->ops.spin_create = NULL;
		t->ops.spin_destroy = NULL;
		t->ops.spin_lock = NULL;
		t->ops.spin_unlock = NULL;
	}
	if (!t->inner->log)
		t->ops.log = NULL;
	if (!t->inner->time_ns)
		t->ops.time_ns = NULL;
	if (!t->inner->thread_run)
		t->ops.thread_run = NULL;
	if (!t->inner->thread_wait)
		t->ops.thread_wait = NULL;
	if (!t->inner->thread_self)
		t->ops.thread_self = NULL;
	if (!t->inner->lock_wait) {
		t->ops.lock_wait = NULL;
		t->ops.lock_wake = NULL;
	}
	if (!t->inner->module_open)
		t->ops.module_open = NULL;
	if (!t->inner->module_close)
		t->ops.module_close = NULL;
	testhost_hw_ops_(&t->ops, t->inner);
	return t;
}

struct testhost *testhost_destroy(struct testhost *t)
{
	if (t) {
		testhost_check_empty(t);
		pthread_mutex_destroy(&t->mutex);
		free(t);
	}
	return NULL;
}

const struct weir_host_ops *testhost_ops(struct testhost *t)
{
	return &t->ops;
}

void testhost_fail_at(struct testhost *t, unsigned long n)
{
	pthread_mutex_lock(&t->mutex);
	t->fail_in = n;
	t->fault_hit = false;
	pthread_mutex_unlock(&t->mutex);
}

bool testhost_fault_hit(struct testhost *t)
{
	bool hit;

	pthread_mutex_lock(&t->mutex);
	hit = t->fault_hit;
	pthread_mutex_unlock(&t->mutex);
	return hit;
}

void testhost_expect_asserts(struct testhost *t)
{
	pthread_mutex_lock(&t->mutex);
	t->asserts_expected = true;
	t->asserts = 0;
	pthread_mutex_unlock(&t->mutex);
}

unsigned long testhost_take_asserts(struct testhost *t)
{
	unsigned long asserts;

	pthread_mutex_lock(&t->mutex);
	asserts = t->asserts;
	t->asserts_expected = false;
	t->asserts = 0;
	pthread_mutex_unlock(&t->mutex);
	return asserts;
}

void testhost_counts_get(struct testhost *t, struct testhost_counts *out_counts)
{
	pthread_mutex_lock(&t->mutex);
	out_counts->blocks = t->blocks;
	out_counts->bytes = t->bytes;
	out_counts->locks = t->locks;
	out_counts->page_bytes = t->page_bytes;
	out_counts->calls = t->calls;
	out_counts->faults = t->faults;
	pthread_mutex_unlock(&t->mutex);
}

void testhost_check(struct testhost *t)
{
	const struct weir_lock *held;

	testhost_check_blocks_(t);
	for (held = held_top; held; held = held->held_below)
		if (held->host == t)
			testhost_fault_(t, "a lock of rank %u is still held", held->rank);
	if (t->faults)
		fail_msg("%lu fault(s) seen by the host, the first: %s", t->faults,
			 t->first_fault);
}

void testhost_check_empty(struct testhost *t)
{
	if (t->blocks)
		testhost_fault_(t, "%zu allocation(s) of %zu byte(s) are left, the last made one of %zu",
				t->blocks, t->bytes, testhost_newest_bytes_(t));
	if (t->locks)
		testhost_fault_(t, "%zu lock(s) are left", t->locks);
	testhost_hw_check_empty_(t);
	testhost_check(t);
}

unsigned long testhost_forget_faults(struct testhost *t)
{
	unsigned long faults;

	pthread_mutex_lock(&t->mutex);
	faults = t->faults;
	t->faults = 0;
	pthread_mutex_unlock(&t->mutex);
	return faults;
}

unsigned long testhost_sweep(const struct weir_host_ops *inner, void *inner_host,
			     void (*scenario)(struct testhost *t, void *arg), void *arg)
{
	unsigned long n;
	bool hit;

	for (n = 1;; n++) {
		struct testhost *t = testhost_create(inner, inner_host);

		testhost_fail_at(t, n);
		scenario(t, arg);
		hit = testhost_fault_hit(t);
		if (t->faults || t->blocks || t->locks)
			fprintf(stderr, "# testhost: in the run whose call %lu fails\n", n);
		testhost_destroy(t);
		if (!hit)
			return n - 1;
	}
}
