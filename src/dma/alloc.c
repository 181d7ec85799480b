// SPDX-License-Identifier: MIT
/*
 * Memory that CPU and device use at the same time: pages of the host, mapped for as
 * long as they live. Each allocation is on a list of its device, so that what a driver
 * forgets can be named and freed.
 */
#include "dma/priv.h"

/* They are never copied: what the device cannot reach is refused. */
#define PAGES_HOW (WEIR_DMA_BIDIRECTIONAL | WEIR_DMA_NO_SYNC | WEIR_DMA_NO_COPY_)

static size_t pages_of(size_t bytes, uint64_t page_bytes)
{
	size_t mask = (size_t)page_bytes - 1;

	return (bytes + mask) & ~mask;
}

static size_t pow2_of(size_t bytes)
{
	size_t p = WEIR_DMA_PAGE_BYTES;

	while (p < bytes && p << 1)
		p <<= 1;
	return p;
}

static int get_pages(struct weir_dma *dma, size_t bytes, uint32_t how, struct weir_dma_pages *pages)
{
	struct weir_machine *m = dma->m;
	int err;

	if (!m->ops->pages_alloc || (!dma->coherent && !(how & WEIR_DMA_SYNCED)))
		return WEIR_EOPNOTSUPP;
	/* what the device reaches is whole pages of its IOMMU: all of them are its own */
	pages->bytes = pages_of(bytes, dma->space ? dma->space->page_bytes : WEIR_DMA_PAGE_BYTES);
	if (!pages->bytes)
		return WEIR_ENOMEM;
	err = m->ops->pages_alloc(m->host, pages->bytes, pow2_of(pages->bytes), &pages->va,
				  &pages->pa);
	if (err)
		return err;
	if (!dma->coherent) /* that they are zero must not come later */
		m->ops->cache_sync(m->host, pages->pa, pages->bytes, WEIR_CACHE_CLEAN_INVALIDATE);
	return 0;
}

static void keep(struct weir_dma_machine *of_m, struct weir_dma_pages *pages)
{
	pages->next_kept = atomic_load(&of_m->kept);
	while (!atomic_compare_exchange_weak(&of_m->kept, &pages->next_kept, pages))
		;
}

static int alloc(struct weir_dma_where where, struct weir_device *dev, size_t bytes, uint32_t how,
		 void **out_va, uint64_t *out_iova)
{
	struct weir_dma_pages *pages;
	struct weir_dma *dma;
	unsigned long before;
	uint64_t retired;
	int err;

	if (!bytes)
		return WEIR_EINVAL;
	err = weir_dma_get_(dev, &dma);
	if (err)
		return err;
	pages = weir_atomic_alloc(dma->m, sizeof(*pages));
	if (!pages)
		return WEIR_ENOMEM;
	err = get_pages(dma, bytes, how, pages);
	if (err)
		goto err_free;
	retired = atomic_load(&dma->retired);
	err = weir_dma_map_piece_(dma, pages->pa, pages->bytes, PAGES_HOW, dma->coherent_mask,
				  &pages->iova);
	if (err)
		goto err_pages;
	err = weir_dma_track(dma, pages->iova, pages->bytes, WEIR_DMA_BIDIRECTIONAL, where);
	if (err)
		goto err_map;
	pages->where = where;
	before = weir_spin_lock(&dma->spin);
	weir_list_add_tail(&dma->pages, &pages->node);
	weir_spin_unlock(&dma->spin, before);
	*out_va = pages->va;
	*out_iova = pages->iova;
	return 0;

err_map:
	(void)weir_dma_unmap_piece_(dma, pages->iova, pages->bytes, PAGES_HOW); /* counts, too */
err_pages:
	if (atomic_load(&dma->retired) != retired) { /* the device may reach them */
		keep(dma->of_m, pages);
		return err;
	}
	dma->m->ops->pages_free(dma->m->host, pages->va, pages->pa, pages->bytes);
err_free:
	weir_atomic_free(dma->m, pages, sizeof(*pages));
	return err;
}

static struct weir_dma_pages *take(struct weir_dma *dma, const void *va, uint64_t iova,
				   size_t bytes)
{
	uint64_t page = dma->space ? dma->space->page_bytes : WEIR_DMA_PAGE_BYTES;
	struct weir_dma_pages *pages, *found = NULL;
	unsigned long before = weir_spin_lock(&dma->spin);

	weir_list_each(pages, &dma->pages, struct weir_dma_pages, node) {
		if (pages->va != va || pages->iova != iova || pages->bytes != pages_of(bytes, page))
			continue;
		found = pages;
		weir_list_del(&pages->node);
		break;
	}
	weir_spin_unlock(&dma->spin, before);
	return found;
}

void weir_dma_kept_free_(struct weir_machine *m, struct weir_dma_machine *of_m)
{
	struct weir_dma_pages *pages = atomic_load(&of_m->kept), *next;

	for (; pages; pages = next) {
		next = pages->next_kept;
		m->ops->pages_free(m->host, pages->va, pages->pa, pages->bytes);
		weir_atomic_free(m, pages, sizeof(*pages));
	}
}

/* Pages that a device may still reach are not given to anybody else. */
static int give_back(struct weir_dma *dma, struct weir_dma_pages *pages)
{
	int err = weir_dma_unmap_piece_(dma, pages->iova, pages->bytes, PAGES_HOW);

	if (err) {
		keep(dma->of_m, pages);
		return err;
	}
	dma->m->ops->pages_free(dma->m->host, pages->va, pages->pa, pages->bytes);
	weir_atomic_free(dma->m, pages, sizeof(*pages));
	return 0;
}

static int release(struct weir_dma_where where, struct weir_device *dev, size_t bytes, void *va,
		   uint64_t iova)
{
	struct weir_dma_pages *pages;
	struct weir_dma *dma;
	int err = weir_dma_get_(dev, &dma);

	if (err)
		return err;
	pages = take(dma, va, iova, bytes);
	if (!pages) {
		weir_dma_report_(dma, "free of what is not allocated", iova, bytes, where);
		return WEIR_EINVAL;
	}
	(void)weir_dma_untrack(dma, iova, pages->bytes, WEIR_DMA_BIDIRECTIONAL, where);
	err = give_back(dma, pages);
	if (err)
		weir_dma_report_(dma, "the IOMMU did not confirm the unmap", iova, bytes, where);
	return err;
}

void weir_dma_pages_drop_(struct weir_dma *dma)
{
	while (!weir_list_empty(&dma->pages)) {
		struct weir_dma_pages *pages =
			weir_container_of(dma->pages.next, struct weir_dma_pages, node);

		weir_dma_report_(dma, "its driver left it allocated", pages->iova, pages->bytes,
				 pages->where);
		weir_list_del(&pages->node);
		(void)weir_dma_untrack(dma, pages->iova, pages->bytes, WEIR_DMA_BIDIRECTIONAL,
					pages->where);
		(void)give_back(dma, pages);
	}
}

/* ---- calls ---- */

int weir_dma_alloc_at(const char *where, struct weir_device *dev, size_t bytes, uint32_t how,
		      void **out_va, uint64_t *out_iova)
{
	return alloc(WEIR_DMA_AT_(where), dev, bytes, how, out_va, out_iova);
}

int weir_dma_alloc(struct weir_device *dev, size_t bytes, uint32_t how, void **out_va,
		   uint64_t *out_iova)
{
	return alloc(WEIR_DMA_CALLER_, dev, bytes, how, out_va, out_iova);
}

int weir_dma_free_at(const char *where, struct weir_device *dev, size_t bytes, void *va,
		     uint64_t iova)
{
	return release(WEIR_DMA_AT_(where), dev, bytes, va, iova);
}

int weir_dma_free(struct weir_device *dev, size_t bytes, void *va, uint64_t iova)
{
	return release(WEIR_DMA_CALLER_, dev, bytes, va, iova);
}
