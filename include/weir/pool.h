// SPDX-License-Identifier: MIT
/*
 * A pool: memory for the library out of one region that the caller gives, for hosts without an
 * allocator of their own. Nothing else is needed: no C library, no memory beside the region.
 *
 * A host whose context begins with a struct weir_pool has weir_pool_host() fill in its calls for
 * memory. They never sleep and work in any context, so tables grow in interrupts, too.
 */
#ifndef WEIR_POOL_H
#define WEIR_POOL_H

#include "weir/host.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_POOL_ORDERS  32u /* of pages, free together: 1, 2, 4, ... */
#define WEIR_POOL_CLASSES 13u /* sizes of small pieces */

struct weir_pool_config {
	void *mem;      /* the region; taken over until the pool is not used any more */
	size_t bytes;   /* of it; bookkeeping is in it, too: a byte a page */
	uint64_t pa;    /* where devices see it; as far from a page's begin as mem */
	/* Keep interrupts away from this CPU, where the pool is used in them. NULL: it is not. */
	unsigned long (*irq_off)(void *host);
	void (*irq_on)(void *host, unsigned long before);
};

/* What follows is the pool's own. */
struct weir_pool_free;
struct weir_pool_slab;
struct weir_pool {
	unsigned char *pages;  /* the first one */
	uint64_t pa;           /* its */
	unsigned char *state;  /* of each page */
	size_t nr_pages;
	unsigned long (*irq_off)(void *host);
	void (*irq_on)(void *host, unsigned long before);
	uint32_t lock;         /* 1: taken */
	struct weir_pool_free *free[WEIR_POOL_ORDERS];
	struct weir_pool_slab *slabs[WEIR_POOL_CLASSES]; /* that have room */
	size_t used, peak;     /* pages */
};

/**
 * weir_pool_init - begin with all of a region. @pool may be part of anything but the region.
 * Return: 0; WEIR_EINVAL when it has no whole page, or its two addresses do not match.
 */
int weir_pool_init(struct weir_pool *pool, const struct weir_pool_config *config);
/** weir_pool_host - have the calls for memory of a host served by the pool that begins its context. */
void weir_pool_host(struct weir_host_ops *ops);

/** weir_pool_alloc - zeroed memory, aligned to 16 bytes. Context: any. Return: NULL when there is none. */
void *weir_pool_alloc(struct weir_pool *pool, size_t bytes);
/** weir_pool_free - give it back, @bytes as then; NULL is fine. Context: any. */
void weir_pool_free(struct weir_pool *pool, void *mem, size_t bytes);
/**
 * weir_pool_pages_alloc - zeroed pages of 4 KiB, as pages_alloc of a host. Context: any.
 * Return: 0; WEIR_ENOMEM.
 */
int weir_pool_pages_alloc(struct weir_pool *pool, size_t bytes, size_t align_bytes, void **out_va,
			  uint64_t *out_pa);
/** weir_pool_pages_free - give them back, or a part of them. Context: any. */
void weir_pool_pages_free(struct weir_pool *pool, void *va, size_t bytes);

struct weir_pool_stats {
	size_t bytes; /* that can be had */
	size_t used;  /* now, in whole pages */
	size_t peak;  /* the most so far */
};
/** weir_pool_stats_get - Context: any. */
void weir_pool_stats_get(struct weir_pool *pool, struct weir_pool_stats *out_stats);

#ifdef __cplusplus
}
#endif
#endif
