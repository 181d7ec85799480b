// SPDX-License-Identifier: MIT
/*
 * Memory that CPU and device use at the same time: pages of the host, mapped for as
 * long as they live. Each allocation is on a list of its device, so that what a driver
 * forgets can be named and freed.
 */
#include "dma/priv.h"

static size_t pages_of(size_t bytes)
{
	return (bytes + (WEIR_DMA_PAGE_BYTES - 1)) & ~(size_t)(WEIR_DMA_PAGE_BYTES - 1);
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
	pages->bytes = pages_of(bytes);
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

int weir_dma_alloc_at(const char *where, struct weir_device *dev, size_t bytes, uint32_t how,
		      void **out_va, uint64_t *out_iova)
{
	struct weir_dma_pages *pages;
	struct weir_dma *dma;
	unsigned long before;
	int err;

	(void)where;
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
	err = weir_dma_map_piece_(dma, pages->pa, pages->bytes,
				  WEIR_DMA_BIDIRECTIONAL | WEIR_DMA_NO_SYNC, dma->coherent_mask,
				  &pages->iova);
	if (err)
		goto err_pages;
	before = weir_spin_lock(&dma->spin);
	weir_list_add_tail(&dma->pages, &pages->node);
	weir_spin_unlock(&dma->spin, before);
	*out_va = pages->va;
	*out_iova = pages->iova;
	return 0;

err_pages:
	dma->m->ops->pages_free(dma->m->host, pages->va, pages->pa, pages->bytes);
err_free:
	weir_atomic_free(dma->m, pages, sizeof(*pages));
	return err;
}

static struct weir_dma_pages *take(struct weir_dma *dma, const void *va, uint64_t iova,
				   size_t bytes)
{
	struct weir_dma_pages *pages, *found = NULL;
	unsigned long before = weir_spin_lock(&dma->spin);

	weir_list_each(pages, &dma->pages, struct weir_dma_pages, node) {
		if (pages->va != va || pages->iova != iova || pages->bytes != pages_of(bytes))
			continue;
		found = pages;
		weir_list_del(&pages->node);
		break;
	}
	weir_spin_unlock(&dma->spin, before);
	return found;
}

static int give_back(struct weir_dma *dma, struct weir_dma_pages *pages)
{
	int err = weir_dma_unmap_piece_(dma, pages->iova, pages->bytes,
					WEIR_DMA_BIDIRECTIONAL | WEIR_DMA_NO_SYNC);

	dma->m->ops->pages_free(dma->m->host, pages->va, pages->pa, pages->bytes);
	weir_atomic_free(dma->m, pages, sizeof(*pages));
	return err;
}

int weir_dma_free_at(const char *where, struct weir_device *dev, size_t bytes, void *va,
		     uint64_t iova)
{
	struct weir_dma_pages *pages;
	struct weir_dma *dma;
	int err = weir_dma_get_(dev, &dma);

	(void)where;
	if (err)
		return err;
	pages = take(dma, va, iova, bytes);
	return pages ? give_back(dma, pages) : WEIR_EINVAL;
}

void weir_dma_pages_drop_(struct weir_dma *dma)
{
	while (!weir_list_empty(&dma->pages)) {
		struct weir_dma_pages *pages =
			weir_container_of(dma->pages.next, struct weir_dma_pages, node);

		weir_logf_(dma->m, WEIR_LOG_ERR, "dma: %s: its driver left %zu byte(s) allocated",
			   dma->dev->name, pages->bytes);
		weir_list_del(&pages->node);
		(void)give_back(dma, pages);
	}
}

int weir_dma_alloc(struct weir_device *dev, size_t bytes, uint32_t how, void **out_va,
		   uint64_t *out_iova)
{
	return weir_dma_alloc_at(NULL, dev, bytes, how, out_va, out_iova);
}

int weir_dma_free(struct weir_device *dev, size_t bytes, void *va, uint64_t iova)
{
	return weir_dma_free_at(NULL, dev, bytes, va, iova);
}
