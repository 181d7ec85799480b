// SPDX-License-Identifier: MIT
/*
 * Mapping one piece of memory, unmapping it, and what is between: the entry points.
 * A piece goes one of three ways: directly, copied (bounce.c), or translated (space.c),
 * copied where a device must not see what lies beside it.
 */
#include "dma/quick.h"

/* ---- caches and copies ---- */

void weir_dma_clean_(struct weir_dma *dma, uint64_t pa, uint64_t bytes, uint32_t how)
{
	if (!dma->coherent && !(how & (WEIR_DMA_NO_SYNC | WEIR_DMA_MMIO)))
		dma->m->ops->cache_sync(dma->m->host, pa, bytes, WEIR_CACHE_CLEAN);
}

/* What is at an address. False when nothing is. */
static bool to_pa(const struct weir_dma *dma, uint64_t iova, uint64_t *out_pa)
{
	if (dma->space)
		return !weir_domain_translate(dma->space->domain, iova, out_pa);
	*out_pa = weir_dma_bus_to_pa_(dma, iova);
	return true;
}

static void sync_run(struct weir_dma *dma, uint64_t pa, uint64_t bytes, uint32_t how,
		     bool to_device)
{
	struct weir_machine *m = dma->m;
	bool copied = weir_dma_bounce_has_(dma, pa);

	if (to_device && copied)
		weir_dma_bounce_copy_(dma, pa, bytes, true);
	if (!dma->coherent && to_device)
		m->ops->cache_sync(m->host, pa, bytes, WEIR_CACHE_CLEAN);
	else if (!dma->coherent && (how & WEIR_DMA_FROM_DEVICE))
		m->ops->cache_sync(m->host, pa, bytes, WEIR_CACHE_INVALIDATE);
	if (!to_device && copied && (how & WEIR_DMA_FROM_DEVICE))
		weir_dma_bounce_copy_(dma, pa, bytes, false);
}

void weir_dma_sync_(struct weir_dma *dma, uint64_t iova, uint64_t bytes, uint32_t how,
		    bool to_device)
{
	uint64_t page = dma->space ? dma->space->page_bytes : 0;

	/* the usual device: sees the caches, and nothing is copied for it */
	if (dma->coherent && !atomic_load_explicit(&dma->nr_bounced, memory_order_relaxed))
		return;
	/* what is one piece to the device may be many in memory, and one the other way round */
	while (bytes) {
		uint64_t n = page ? page - (iova & (page - 1)) : bytes, pa;

		if (n > bytes)
			n = bytes;
		if (!to_pa(dma, iova, &pa))
			return;
		sync_run(dma, pa, n, how, to_device);
		iova += n;
		bytes -= n;
	}
}

/* ---- one piece ---- */

/* Neighbours in a page would be in reach of a device that is not trusted. */
static bool is_exposed(const struct weir_dma *dma, uint64_t pa, uint64_t bytes, uint32_t how)
{
	return dma->untrusted && !(how & WEIR_DMA_MMIO) &&
	       ((pa | bytes) & (dma->space->page_bytes - 1));
}

/* The highest physical address that the device reaches at @pa's neighbours. */
static uint64_t reach(const struct weir_dma *dma, uint64_t mask)
{
	uint64_t best = 0;

	if (!dma->nr_windows)
		return mask;
	for (uint32_t i = 0; i < dma->nr_windows; i++) {
		const struct weir_fwdma *w = &dma->windows[i];
		uint64_t bytes = mask < w->iova ? 0 :
				 mask - w->iova < w->bytes - 1 ? mask - w->iova + 1 : w->bytes;

		if (bytes && w->pa + (bytes - 1) > best)
			best = w->pa + (bytes - 1);
	}
	return best;
}

static int map_direct(struct weir_dma *dma, uint64_t pa, uint64_t bytes, uint32_t how,
		      uint64_t mask, uint64_t *out_iova)
{
	int err;

	if (weir_dma_bus_address_(dma, pa, bytes, mask, out_iova)) {
		weir_dma_clean_(dma, pa, bytes, how);
		return 0;
	}
	if (dma->blind || how & (WEIR_DMA_MMIO | WEIR_DMA_NO_COPY_))
		return WEIR_ERANGE;
	err = weir_dma_bounce_take_(dma, pa, bytes, WEIR_DMA_PAGE_BYTES, reach(dma, mask), &pa);
	if (err)
		return err;
	weir_dma_clean_(dma, pa, bytes, how);
	if (weir_dma_bus_address_(dma, pa, bytes, mask, out_iova))
		return 0;
	weir_dma_bounce_give_(dma, pa, bytes, WEIR_DMA_PAGE_BYTES);
	return WEIR_ERANGE;
}

static int map_translated(struct weir_dma *dma, uint64_t pa, uint64_t bytes, uint32_t how,
			  uint64_t mask, uint64_t *out_iova)
{
	uint64_t retired = atomic_load_explicit(&dma->retired, memory_order_relaxed);
	bool exposed = is_exposed(dma, pa, bytes, how);
	int err;

	if (exposed) {
		err = weir_dma_bounce_take_(dma, pa, bytes, dma->space->page_bytes, UINT64_MAX,
					    &pa);
		if (err)
			return err;
	}
	weir_dma_clean_(dma, pa, bytes, how);
	err = weir_dma_space_map_(dma, pa, bytes, how, mask, out_iova);
	if (err && exposed && atomic_load(&dma->retired) == retired)
		weir_dma_bounce_give_(dma, pa, bytes, dma->space->page_bytes);
	return err;
}

/* What it is a copy of is given back when the IOMMU-to-be cannot be told. */
static int mirror(struct weir_dma *dma, uint64_t iova, uint64_t bytes)
{
	uint64_t pa = weir_dma_bus_to_pa_(dma, iova);
	int err = dma->m->late->mirroring->add(dma->mirror, iova, pa, bytes);

	if (err && weir_dma_bounce_has_(dma, pa))
		weir_dma_bounce_give_(dma, pa, bytes, WEIR_DMA_PAGE_BYTES);
	return err;
}

int weir_dma_map_piece_(struct weir_dma *dma, uint64_t pa, uint64_t bytes, uint32_t how,
			uint64_t mask, uint64_t *out_iova)
{
	int err = dma->space ? map_translated(dma, pa, bytes, how, mask, out_iova)
			     : map_direct(dma, pa, bytes, how, mask, out_iova);

	if (!err && dma->mirror)
		err = mirror(dma, *out_iova, bytes);
	if (!err && dma->user == WEIR_IOVA_NOBODY)
		atomic_fetch_add_explicit(&dma->nr_mappings, 1, memory_order_relaxed);
	return err;
}

int weir_dma_unmap_piece_(struct weir_dma *dma, uint64_t iova, uint64_t bytes, uint32_t how)
{
	uint64_t page = dma->space ? dma->space->page_bytes : WEIR_DMA_PAGE_BYTES, pa;
	bool copied;
	int err = 0;

	if (!bytes || !weir_dma_live_(dma) || !to_pa(dma, iova, &pa))
		return WEIR_EINVAL;
	copied = weir_dma_bounce_has_(dma, pa);
	if (copied && !weir_dma_bounce_is_(dma, pa, bytes)) /* twice, or more than was mapped */
		return WEIR_EINVAL;
	if (!(how & (WEIR_DMA_NO_SYNC | WEIR_DMA_MMIO)))
		weir_dma_sync_(dma, iova, bytes, how, false);
	if (dma->space)
		err = weir_dma_space_unmap_(dma, iova, bytes);
	else if (dma->mirror)
		err = dma->m->late->mirroring->del(dma->mirror, iova, bytes);
	if (err == WEIR_EINVAL)
		return err;
	if (copied && !err)
		weir_dma_bounce_give_(dma, pa, bytes, page);
	if (dma->user == WEIR_IOVA_NOBODY)
		atomic_fetch_sub_explicit(&dma->nr_mappings, 1, memory_order_relaxed);
	return err;
}

/* ---- calls ---- */

__attribute__((noinline))
static int map_any(struct weir_dma_where where, struct weir_device *dev, uint64_t pa,
		   uint64_t bytes, uint32_t how, uint64_t *out_iova)
{
	struct weir_dma *dma;
	uint64_t iova;
	int err = weir_dma_get_(dev, &dma);

	if (err)
		return err;
	err = weir_dma_map_piece_(dma, pa, bytes, how, dma->mask, &iova);
	if (err)
		return err;
	err = weir_dma_track(dma, iova, bytes, how, where);
	if (err)
		(void)weir_dma_unmap_piece_(dma, iova, bytes, how | WEIR_DMA_NO_SYNC);
	else
		*out_iova = iova;
	return err;
}

/* The usual way is short, and without a call of its own: most devices are plain. */
__attribute__((always_inline))
static inline int map_phys(struct weir_dma_where where, struct weir_device *dev, uint64_t pa,
			   uint64_t bytes, uint32_t how, uint64_t *out_iova)
{
	struct weir_dma *dma = weir_dma_plain_(dev);

	if (!bytes || pa + (bytes - 1) < pa || !(how & WEIR_DMA_DIRECTION))
		return WEIR_EINVAL;
	return dma ? weir_dma_quick_map_(dma, pa, bytes, how, out_iova)
		   : map_any(where, dev, pa, bytes, how, out_iova);
}

__attribute__((noinline))
static int map(struct weir_dma_where where, struct weir_device *dev, const void *va, size_t bytes,
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
	return err ? WEIR_EINVAL : map_phys(where, dev, pa, bytes, how, out_iova);
}

/* What went wrong is reported. */
__attribute__((noinline))
static int report_unmap(struct weir_dma *dma, uint64_t iova, uint64_t bytes,
			struct weir_dma_where where, int err)
{
	if (err == WEIR_EINVAL)
		weir_dma_report_(dma, "unmap of what is not mapped", iova, bytes, where);
	else if (err)
		weir_dma_report_(dma, "the IOMMU did not confirm the unmap", iova, bytes, where);
	return err;
}

__attribute__((noinline))
static int unmap_any(struct weir_dma_where where, struct weir_device *dev, uint64_t iova,
		     uint64_t bytes, uint32_t how)
{
	struct weir_dma *dma;
	int err = weir_dma_get_(dev, &dma);

	if (err)
		return err;
	err = weir_dma_untrack(dma, iova, bytes, how, where);
	if (err)
		return err;
	err = weir_dma_unmap_piece_(dma, iova, bytes, how);
	return err ? report_unmap(dma, iova, bytes, where, err) : 0;
}

__attribute__((always_inline))
static inline int unmap(struct weir_dma_where where, struct weir_device *dev, uint64_t iova,
			uint64_t bytes, uint32_t how)
{
	struct weir_dma *dma = weir_dma_plain_(dev);
	int err;

	if (!dma)
		return unmap_any(where, dev, iova, bytes, how);
	err = weir_dma_quick_unmap_(dma, iova, bytes);
	return err ? report_unmap(dma, iova, bytes, where, err) : 0;
}

static void sync(struct weir_dma_where where, struct weir_device *dev, uint64_t iova,
		 uint64_t bytes, uint32_t how, bool to_device)
{
	struct weir_dma *dma;

	if (weir_dma_get_(dev, &dma))
		return;
	if (dma->debug)
		dma->of_m->tracking->check_sync(dma, iova, bytes, where);
	weir_dma_sync_(dma, iova, bytes, how, to_device);
}

int weir_dma_map_phys_at(const char *where, struct weir_device *dev, uint64_t pa, uint64_t bytes,
			 uint32_t how, uint64_t *out_iova)
{
	return map_phys(WEIR_DMA_AT_(where), dev, pa, bytes, how, out_iova);
}

int weir_dma_map_phys(struct weir_device *dev, uint64_t pa, uint64_t bytes, uint32_t how,
		      uint64_t *out_iova)
{
	return map_phys(WEIR_DMA_CALLER_, dev, pa, bytes, how, out_iova);
}

int weir_dma_map_at(const char *where, struct weir_device *dev, const void *va, size_t bytes,
		    uint32_t how, uint64_t *out_iova)
{
	return map(WEIR_DMA_AT_(where), dev, va, bytes, how, out_iova);
}

int weir_dma_map(struct weir_device *dev, const void *va, size_t bytes, uint32_t how,
		 uint64_t *out_iova)
{
	return map(WEIR_DMA_CALLER_, dev, va, bytes, how, out_iova);
}

int weir_dma_unmap_at(const char *where, struct weir_device *dev, uint64_t iova, uint64_t bytes,
		      uint32_t how)
{
	return unmap(WEIR_DMA_AT_(where), dev, iova, bytes, how);
}

int weir_dma_unmap(struct weir_device *dev, uint64_t iova, uint64_t bytes, uint32_t how)
{
	return unmap(WEIR_DMA_CALLER_, dev, iova, bytes, how);
}

void weir_dma_sync_for_cpu(struct weir_device *dev, uint64_t iova, uint64_t bytes, uint32_t how)
{
	sync(WEIR_DMA_CALLER_, dev, iova, bytes, how, false);
}

void weir_dma_sync_for_device(struct weir_device *dev, uint64_t iova, uint64_t bytes, uint32_t how)
{
	sync(WEIR_DMA_CALLER_, dev, iova, bytes, how, true);
}
