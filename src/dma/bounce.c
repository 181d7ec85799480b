// SPDX-License-Identifier: MIT
/*
 * Bounce buffers: memory that stands for other memory while a device uses it, because the
 * device cannot reach that, or must not reach what lies beside it in the same page.
 *
 * The memory is taken from the host once for a machine and kept. Which pages are in use
 * is an address space like that of IOVAs, of physical addresses. What the driver's memory
 * holds is always copied in, whatever the direction: the device may write a part only, and
 * the rest must come back as it was, not as another driver left it.
 */
#include "core/text.h"
#include "dma/priv.h"

static uint64_t *origin_of(const struct weir_dma_bounce *bounce, uint64_t pa)
{
	return &bounce->origin[(pa - bounce->pa) / WEIR_DMA_PAGE_BYTES];
}

static void *va_of(const struct weir_dma_bounce *bounce, uint64_t pa)
{
	return (char *)bounce->va + (pa - bounce->pa);
}

static size_t origin_bytes(const struct weir_dma_bounce *bounce)
{
	return bounce->bytes / WEIR_DMA_PAGE_BYTES * sizeof(*bounce->origin);
}

/* ---- the memory ---- */

void weir_dma_bounce_destroy_(struct weir_machine *m, struct weir_dma_bounce *bounce)
{
	if (!bounce)
		return;
	weir_iova_fini_(&bounce->slots);
	weir_atomic_free(m, bounce->origin, origin_bytes(bounce));
	if (bounce->va)
		m->ops->pages_free(m->host, bounce->va, bounce->pa, bounce->bytes);
	weir_atomic_free(m, bounce, sizeof(*bounce));
}

static int create(struct weir_machine *m, uint64_t bytes, struct weir_dma_bounce **out_bounce)
{
	struct weir_dma_bounce *bounce = weir_atomic_alloc(m, sizeof(*bounce));
	uint64_t align = WEIR_DMA_PAGE_BYTES;
	int err;

	if (!bounce)
		return WEIR_ENOMEM;
	bounce->bytes = (bytes + (WEIR_DMA_PAGE_BYTES - 1)) & ~(WEIR_DMA_PAGE_BYTES - UINT64_C(1));
	while (align < bounce->bytes && align < UINT64_C(1) << 30)
		align <<= 1;
	err = m->ops->pages_alloc(m->host, bounce->bytes, align, &bounce->va, &bounce->pa);
	if (err) {
		bounce->va = NULL;
		goto fail;
	}
	err = WEIR_ENOMEM;
	bounce->origin = weir_atomic_alloc(m, origin_bytes(bounce));
	if (!bounce->origin)
		goto fail;
	err = weir_iova_init_(m, &bounce->slots, bounce->pa, bounce->pa + (bounce->bytes - 1),
			      WEIR_DMA_PAGE_BYTES);
	if (err)
		goto fail;
	*out_bounce = bounce;
	return 0;
fail:
	weir_dma_bounce_destroy_(m, bounce);
	return err;
}

/* Made when missing; two may come at once. */
static int get(struct weir_machine *m, struct weir_dma_machine *of_m,
	       struct weir_dma_bounce **out_bounce)
{
	struct weir_dma_bounce *bounce = atomic_load(&of_m->bounce), *other = NULL;
	int err;

	if (!m->ops->pa_to_va || !m->ops->pages_alloc)
		return WEIR_EOPNOTSUPP;
	if (!bounce) {
		err = create(m, of_m->options.bounce_bytes, &bounce);
		if (err)
			return err;
		if (!atomic_compare_exchange_strong(&of_m->bounce, &other, bounce)) {
			weir_dma_bounce_destroy_(m, bounce);
			bounce = other;
		}
	}
	*out_bounce = bounce;
	return 0;
}

int weir_dma_bounce_reserve(struct weir_machine *m)
{
	struct weir_dma_machine *of_m;
	struct weir_dma_bounce *bounce;

	if (!m->parts.dma)
		return WEIR_EOPNOTSUPP;
	of_m = weir_dma_machine_(m);
	return of_m ? get(m, of_m, &bounce) : WEIR_ENOMEM;
}

bool weir_dma_bounce_has_(const struct weir_dma *dma, uint64_t pa)
{
	const struct weir_dma_bounce *bounce = atomic_load(&dma->of_m->bounce);

	return bounce && pa - bounce->pa < bounce->bytes && pa >= bounce->pa;
}

bool weir_dma_bounce_is_(const struct weir_dma *dma, uint64_t pa, uint64_t bytes)
{
	const struct weir_dma_bounce *bounce = atomic_load(&dma->of_m->bounce);
	uint64_t last = pa + (bytes - 1);

	return weir_dma_bounce_has_(dma, last) && *origin_of(bounce, pa) && *origin_of(bounce, last);
}

/* ---- copies ---- */

void weir_dma_bounce_copy_(struct weir_dma *dma, uint64_t pa, uint64_t bytes, bool from_memory)
{
	const struct weir_dma_bounce *bounce = atomic_load(&dma->of_m->bounce);
	struct weir_machine *m = dma->m;
	void *here = va_of(bounce, pa);
	uint64_t origin = *origin_of(bounce, pa);
	void *there = origin ? m->ops->pa_to_va(m->host, origin - 1 +
						(pa & (WEIR_DMA_PAGE_BYTES - 1)), bytes) : NULL;

	if (!there) /* given back already; or memory that was there when the copy was made */
		return;
	if (from_memory)
		weir_memcpy_(here, there, bytes);
	else
		weir_memcpy_(there, here, bytes);
}

static void zero(void *va, uint64_t bytes)
{
	char *p = va;

	while (bytes--)
		*p++ = 0;
}

static uint64_t slot_bytes(uint64_t pa, uint64_t bytes, uint64_t page_bytes)
{
	uint64_t mask = (page_bytes > WEIR_DMA_PAGE_BYTES ? page_bytes : WEIR_DMA_PAGE_BYTES) - 1;

	return ((pa & mask) + bytes + mask) & ~mask;
}

int weir_dma_bounce_take_(struct weir_dma *dma, uint64_t pa, uint64_t bytes, uint64_t page_bytes,
			  uint64_t limit, uint64_t *out_pa)
{
	uint64_t mask = (page_bytes > WEIR_DMA_PAGE_BYTES ? page_bytes : WEIR_DMA_PAGE_BYTES) - 1;
	uint64_t offset = pa & mask, len = slot_bytes(pa, bytes, page_bytes), slot;
	struct weir_machine *m = dma->m;
	struct weir_dma_bounce *bounce;
	int err = get(m, dma->of_m, &bounce);

	if (err)
		return err;
	if (bytes > bounce->bytes || len > bounce->bytes || limit < bounce->pa)
		return WEIR_ERANGE;
	if (!m->ops->pa_to_va(m->host, pa, bytes))
		return WEIR_ERANGE;
	/* aligned to its size, so to its pages as well */
	err = weir_iova_alloc_(&bounce->slots, len, limit, &slot);
	if (err)
		return err;
	for (uint64_t at = 0; at < len; at += WEIR_DMA_PAGE_BYTES)
		*origin_of(bounce, slot + at) = pa - offset + at + 1;
	zero(va_of(bounce, slot), offset);
	zero(va_of(bounce, slot + offset + bytes), len - offset - bytes);
	weir_dma_bounce_copy_(dma, slot + offset, bytes, true);
	atomic_fetch_add_explicit(&dma->nr_bounced, 1, memory_order_relaxed);
	*out_pa = slot + offset;
	return 0;
}

void weir_dma_bounce_give_(struct weir_dma *dma, uint64_t pa, uint64_t bytes, uint64_t page_bytes)
{
	struct weir_dma_bounce *bounce = atomic_load(&dma->of_m->bounce);
	uint64_t mask = (page_bytes > WEIR_DMA_PAGE_BYTES ? page_bytes : WEIR_DMA_PAGE_BYTES) - 1;
	uint64_t len = slot_bytes(pa, bytes, page_bytes);

	for (uint64_t at = 0; at < len; at += WEIR_DMA_PAGE_BYTES)
		*origin_of(bounce, (pa & ~mask) + at) = 0;
	(void)weir_iova_free_(&bounce->slots, pa & ~mask, len);
}
