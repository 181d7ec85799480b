// SPDX-License-Identifier: MIT
/*
 * The usual way of one piece: of a device of which there is nothing to do but to translate
 * (weir_dma_plain_()), with addresses in this CPU's magazines, in a domain on tables. Whatever
 * is not so simple goes on in space.c. No lock but the domain's, to wait for an unmapping.
 */
#ifndef WEIR_DMA_QUICK_H
#define WEIR_DMA_QUICK_H

#include "dma/priv.h"

#define WEIR_DMA_QUICK_BYTES (UINT64_C(1) << 31) /* nothing overflows */

_Static_assert(WEIR_DMA_TO_DEVICE == WEIR_MAP_READ && WEIR_DMA_FROM_DEVICE == WEIR_MAP_WRITE,
	       "directions are rights");

/* @bytes is not 0, and @how has a direction. */
__attribute__((always_inline))
static inline int weir_dma_quick_map_(struct weir_dma *dma, uint64_t pa, uint64_t bytes,
				      uint32_t how, uint64_t *out_iova)
{
	struct weir_dma_space *space = dma->space;
	uint64_t limit = atomic_load_explicit(&space->iova_max, memory_order_relaxed);
	uint64_t mask = space->page_bytes - 1, offset = pa & mask, len, iova;
	struct weir_table *table = weir_domain_table_(space->domain);
	int err;

	if (bytes > WEIR_DMA_QUICK_BYTES || how & WEIR_DMA_MMIO || !table)
		return weir_dma_space_map_(dma, pa, bytes, how, dma->mask, out_iova);
	len = (offset + bytes + mask) & ~mask;
	if (limit > dma->quick_limit)
		limit = dma->quick_limit;
	if (!weir_iova_take_(&space->iova, dma->user, len, limit, &iova))
		return weir_dma_space_map_(dma, pa, bytes, how, dma->mask, out_iova);
	err = weir_table_map(table, iova, pa - offset, len,
			     WEIR_MAP_NOEXEC | WEIR_MAP_CACHED | (how & WEIR_DMA_DIRECTION));
	if (err) {
		err = weir_dma_space_take_back_(dma, iova, len, err);
		return err == WEIR_ENOMEM
			       ? weir_dma_space_map_(dma, pa, bytes, how, dma->mask, out_iova) : err;
	}
	*out_iova = iova + offset;
	return 0;
}

__attribute__((always_inline))
static inline int weir_dma_quick_unmap_(struct weir_dma *dma, uint64_t iova, uint64_t bytes)
{
	struct weir_dma_space *space = dma->space;
	uint64_t mask = space->page_bytes - 1, offset = iova & mask, len;
	struct weir_table *table = weir_domain_table_(space->domain);
	struct weir_table_gather gather = { 0 };
	bool lazy = dma->lazy && space->flush.timer;
	int err;

	if (bytes - 1 >= WEIR_DMA_QUICK_BYTES || !table)
		return weir_dma_space_unmap_(dma, iova, bytes);
	iova -= offset;
	len = (offset + bytes + mask) & ~mask;
	err = weir_table_unmap(table, iova, len, &gather);
	if (err || gather.unmapped_bytes != len)
		err = weir_tables_unmap_rest_(space->domain, iova, len, !lazy, err, &gather);
	else if (!lazy)
		err = weir_tables_tell_(space->domain, &gather.what);
	if (err)
		return weir_dma_space_unmap_failed_(dma, len, err);
	if (lazy)
		WEIR_DMA_FLUSH_ADD(space)(space, dma->user, iova, len);
	else if (!weir_iova_put_(&space->iova, dma->user, iova, len))
		(void)weir_iova_free_for_(&space->iova, dma->user, iova, len);
	return 0;
}

#endif
