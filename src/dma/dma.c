// SPDX-License-Identifier: MIT
/*
 * Mapping one piece of memory, unmapping it, and what is between: the entry points.
 * A piece goes one of three ways: directly, copied, or translated.
 */
#include "dma/priv.h"

/* ---- caches ---- */

static void cache_sync(struct weir_dma *dma, uint64_t pa, uint64_t bytes, enum weir_cache_op op)
{
	dma->m->ops->cache_sync(dma->m->host, pa, bytes, op);
}

static void to_device(struct weir_dma *dma, uint64_t iova, uint64_t bytes)
{
	if (!dma->coherent)
		cache_sync(dma, weir_dma_bus_to_pa_(dma, iova), bytes, WEIR_CACHE_CLEAN);
}

static void to_cpu(struct weir_dma *dma, uint64_t iova, uint64_t bytes, uint32_t how)
{
	if (!dma->coherent && (how & WEIR_DMA_FROM_DEVICE))
		cache_sync(dma, weir_dma_bus_to_pa_(dma, iova), bytes, WEIR_CACHE_INVALIDATE);
}

/* ---- one piece ---- */

int weir_dma_map_piece_(struct weir_dma *dma, uint64_t pa, uint64_t bytes, uint32_t how,
			uint64_t mask, uint64_t *out_iova)
{
	uint64_t iova;

	if (!weir_dma_bus_address_(dma, pa, bytes, mask, &iova))
		return WEIR_ERANGE;
	if (!(how & (WEIR_DMA_NO_SYNC | WEIR_DMA_MMIO)))
		to_device(dma, iova, bytes);
	atomic_fetch_add_explicit(&dma->nr_mappings, 1, memory_order_relaxed);
	*out_iova = iova;
	return 0;
}

int weir_dma_unmap_piece_(struct weir_dma *dma, uint64_t iova, uint64_t bytes, uint32_t how)
{
	if (!atomic_load_explicit(&dma->nr_mappings, memory_order_relaxed))
		return WEIR_EINVAL;
	if (!(how & (WEIR_DMA_NO_SYNC | WEIR_DMA_MMIO)))
		to_cpu(dma, iova, bytes, how);
	atomic_fetch_sub_explicit(&dma->nr_mappings, 1, memory_order_relaxed);
	return 0;
}

/* ---- calls ---- */

int weir_dma_map_phys_at(const char *where, struct weir_device *dev, uint64_t pa, uint64_t bytes,
			 uint32_t how, uint64_t *out_iova)
{
	struct weir_dma *dma;
	int err;

	(void)where;
	if (!bytes || pa + (bytes - 1) < pa || !(how & WEIR_DMA_DIRECTION))
		return WEIR_EINVAL;
	err = weir_dma_get_(dev, &dma);
	if (err)
		return err;
	return weir_dma_map_piece_(dma, pa, bytes, how, dma->mask, out_iova);
}

int weir_dma_map_at(const char *where, struct weir_device *dev, const void *va, size_t bytes,
		    uint32_t how, uint64_t *out_iova)
{
	struct weir_machine *m = dev->m;
	uint64_t pa;
	int err;

	if (!m->ops->va_to_pa)
		return WEIR_EOPNOTSUPP;
	if (!bytes)
		return WEIR_EINVAL;
	err = m->ops->va_to_pa(m->host, va, bytes, &pa);
	return err ? WEIR_EINVAL : weir_dma_map_phys_at(where, dev, pa, bytes, how, out_iova);
}

int weir_dma_unmap_at(const char *where, struct weir_device *dev, uint64_t iova, uint64_t bytes,
		      uint32_t how)
{
	struct weir_dma *dma;
	int err = weir_dma_get_(dev, &dma);

	(void)where;
	if (err)
		return err;
	return weir_dma_unmap_piece_(dma, iova, bytes, how);
}

void weir_dma_sync_for_cpu(struct weir_device *dev, uint64_t iova, uint64_t bytes, uint32_t how)
{
	struct weir_dma *dma;

	if (!weir_dma_get_(dev, &dma))
		to_cpu(dma, iova, bytes, how);
}

void weir_dma_sync_for_device(struct weir_device *dev, uint64_t iova, uint64_t bytes, uint32_t how)
{
	struct weir_dma *dma;

	(void)how;
	if (!weir_dma_get_(dev, &dma))
		to_device(dma, iova, bytes);
}

/* ---- the same without place ---- */

int weir_dma_map_phys(struct weir_device *dev, uint64_t pa, uint64_t bytes, uint32_t how,
		      uint64_t *out_iova)
{
	return weir_dma_map_phys_at(NULL, dev, pa, bytes, how, out_iova);
}

int weir_dma_map(struct weir_device *dev, const void *va, size_t bytes, uint32_t how,
		 uint64_t *out_iova)
{
	return weir_dma_map_at(NULL, dev, va, bytes, how, out_iova);
}

int weir_dma_unmap(struct weir_device *dev, uint64_t iova, uint64_t bytes, uint32_t how)
{
	return weir_dma_unmap_at(NULL, dev, iova, bytes, how);
}
