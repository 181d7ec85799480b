// SPDX-License-Identifier: MIT
/*
 * The page ranges in use of a space of I/O virtual addresses, and where more fit.
 *
 * A balanced tree of nodes with up to WEIR_RANGES_FAN entries (Bayer and McCreight, 1972;
 * all ranges are in the leaves). Beside each range stands what fits into the gap directly
 * below it, aligned; beside each child the most of what stands in it. So finding the
 * highest place for a number of pages is a walk down and up at the most, whatever the
 * gaps look like: O(log n) is the worst case of every call. Pages are numbered from
 * address 0; their numbers and counts stay below 2^52. Locked by its owner.
 */
#ifndef WEIR_DMA_RANGES_H
#define WEIR_DMA_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#define WEIR_RANGES_FAN 16u

struct weir_machine;
struct weir_ranges_node;

struct weir_ranges {
	struct weir_machine *m;        /* (c) */
	struct weir_ranges_node *root; /* never NULL: a range behind the space ends it */
	unsigned int height;           /* of the tree; 1: the root is a leaf */
	uint64_t min, max;             /* (c) first and last page of the space */
	uint64_t n;                    /* ranges in use */
};

struct weir_range {
	uint64_t first, last;
	bool reserved;
};

/* For pages [min, max], which is not empty. Return: 0; WEIR_ENOMEM. */
int weir_ranges_init_(struct weir_ranges *ranges, struct weir_machine *m, uint64_t min,
		      uint64_t max);
/* Forgets all ranges. Accepts what was zeroed but not initialised. */
void weir_ranges_fini_(struct weir_ranges *ranges);

/*
 * The highest place for @pages whose last page is not above @limit and whose first is a
 * multiple of @pages rounded up to a power of two. Return: whether there is one.
 */
bool weir_ranges_place_(const struct weir_ranges *ranges, uint64_t pages, uint64_t limit,
			uint64_t *out_first);
/* The pages must be free and of the space. Return: 0; WEIR_ENOMEM, nothing happened. */
int weir_ranges_add_(struct weir_ranges *ranges, const struct weir_range *range);
/* The same at the highest place, as above. Return: 0; WEIR_ENOSPC; WEIR_ENOMEM. */
int weir_ranges_alloc_(struct weir_ranges *ranges, uint64_t pages, uint64_t limit,
		       uint64_t *out_first);
/* Takes out the range of @pages that begins at @first. False when there is none, or it is reserved. */
bool weir_ranges_free_(struct weir_ranges *ranges, uint64_t first, uint64_t pages);
/* The lowest range of the space that ends at or above @page. Return: whether there is one. */
bool weir_ranges_next_(const struct weir_ranges *ranges, uint64_t page,
		       struct weir_range *out_range);

#endif
