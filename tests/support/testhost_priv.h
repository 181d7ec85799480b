// SPDX-License-Identifier: MIT
/* What the two halves of the checking host share. */
#ifndef WEIR_TESTHOST_PRIV_H
#define WEIR_TESTHOST_PRIV_H

#include <pthread.h>

#include "testhost.h"
#include "weir/err.h"

struct testhost_block;

/* (c) constant after creation, (m) under mutex */
struct testhost {
	struct weir_host_ops ops;          /* (c) */
	const struct weir_host_ops *inner; /* (c) */
	void *inner_host;                  /* (c) */
	pthread_mutex_t mutex;
	struct testhost_block *newest;     /* (m) list of live blocks */
	size_t blocks;                     /* (m) */
	size_t bytes;                      /* (m) */
	size_t locks;                      /* (m) */
	size_t page_bytes;                 /* (m) of pages_alloc, alive */
	size_t maps;                       /* (m) of mmio_map, alive */
	size_t irqs;                       /* (m) requested and not given back */
	size_t timers;                     /* (m) made and not destroyed */
	unsigned long calls;               /* (m) */
	unsigned long fail_in;             /* (m) calls until one fails; 0: never */
	bool fault_hit;                    /* (m) */
	bool asserts_expected;             /* (m) */
	unsigned long asserts;             /* (m) */
	unsigned long faults;              /* (m) */
	char first_fault[200];             /* (m) */
};

/* Notes a fault. Context: any thread, without the mutex. */
__attribute__((format(printf, 2, 3)))
void testhost_fault_(struct testhost *t, const char *fmt, ...);
/* Counts a call that can fail. Return: whether it is to fail. */
bool testhost_may_fail_(struct testhost *t);

/* Notes a fault when this thread holds a spin lock: the call may sleep. */
void testhost_check_sleep_(struct testhost *t, const char *call);

void *testhost_alloc_(void *host, size_t bytes);
void *testhost_alloc_atomic_(void *host, size_t bytes);
void testhost_free_(void *host, void *mem, size_t bytes);
/* Notes a fault for each live block whose ends were overwritten. */
void testhost_check_blocks_(struct testhost *t);
/* The size of the block made last, 0 without blocks. */
size_t testhost_newest_bytes_(struct testhost *t);

/* testhost_hw.c: the groups for hardware. */
void testhost_hw_ops_(struct weir_host_ops *ops, const struct weir_host_ops *inner);
/* Notes a fault for each kind of thing that is left. */
void testhost_hw_check_empty_(struct testhost *t);

#endif
