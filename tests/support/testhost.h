// SPDX-License-Identifier: MIT
/*
 * The checking host: wraps another host and watches what the library asks of it.
 *
 * - every allocation is tracked: freed once, with the size it was made with,
 *   its ends untouched; freed memory is overwritten;
 * - locks are taken in rising rank, not twice by a thread, released by the one
 *   that took them, and all destroyed in the end;
 * - nothing that sleeps is called under a spin lock;
 * - pages, mapped registers, interrupts and timers are given back;
 * - the n-th call that can fail (alloc, lock_create, thread_run, pages_alloc,
 *   mmio_map, irq_request, msi_request, timer_create) fails on demand;
 * - assert_failed is recorded and, unless expected, a fault.
 *
 * Faults are noted where they are seen, on any thread, and fail the test at
 * testhost_check() or testhost_check_empty(), on the test's own thread.
 */
#ifndef WEIR_TESTHOST_H
#define WEIR_TESTHOST_H

#include <stdbool.h>
#include <stddef.h>

#include "weir/host.h"

struct testhost;

/* Plain calls, for a testhost with nothing else below it: malloc and pthreads. */
extern const struct weir_host_ops testhost_plain_ops;

/*
 * Wraps the host @inner with context @inner_host, which must outlive it;
 * NULL: testhost_plain_ops. Optional calls that @inner lacks stay absent.
 * Never fails: a test without memory has nothing to test.
 */
struct testhost *testhost_create(const struct weir_host_ops *inner, void *inner_host);
/* testhost_check_empty(), then frees the host. Return: NULL. */
struct testhost *testhost_destroy(struct testhost *t);

/* The table for weir_machine_create(); the context is the testhost. */
const struct weir_host_ops *testhost_ops(struct testhost *t);

/*
 * From now on what this thread calls counts as called in interrupt context, or no longer:
 * nothing that sleeps may be called there, and nothing may be logged.
 */
void testhost_interrupt(bool on);

/* Makes the @n-th call from now that can fail do so, once; 0: none. */
void testhost_fail_at(struct testhost *t, unsigned long n);
/* Whether the call that testhost_fail_at() chose has come and failed. */
bool testhost_fault_hit(struct testhost *t);

/* From now on assert_failed is no fault; takes the number seen so far back to 0. */
void testhost_expect_asserts(struct testhost *t);
/* How many times assert_failed was called since, and faults in general are the test again. */
unsigned long testhost_take_asserts(struct testhost *t);

struct testhost_counts {
	size_t blocks;       /* allocations alive */
	size_t bytes;        /* ... their bytes */
	size_t locks;        /* locks alive */
	size_t page_bytes;   /* pages alive */
	unsigned long calls; /* calls that could have failed, in all */
	unsigned long faults;
};
void testhost_counts_get(struct testhost *t, struct testhost_counts *out_counts);

/* Fails the test when a fault was noted. */
void testhost_check(struct testhost *t);
/* The same, and when memory or locks are still there or a lock is held. */
void testhost_check_empty(struct testhost *t);
/* Forgets the faults; for tests of the testhost itself. Return: how many. */
unsigned long testhost_forget_faults(struct testhost *t);

/*
 * The fault sweep: calls scenario(t, arg) with the first, second, third ... call
 * failing, until one run goes through without meeting the fault. The scenario
 * undoes all it did, also after an error; after each run nothing may be left.
 * It may call testhost_fault_hit() to tell whether an error was to come.
 * Return: the number of runs in which a call failed.
 */
unsigned long testhost_sweep(const struct weir_host_ops *inner, void *inner_host,
			     void (*scenario)(struct testhost *t, void *arg), void *arg);

#endif
