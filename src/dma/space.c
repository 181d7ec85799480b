// SPDX-License-Identifier: MIT
/*
 * Translated DMA: the I/O virtual addresses of a domain, and what is mapped there.
 *
 * A domain has a space as long as devices with drivers are behind it; the machine lock
 * guards who comes and goes. Maps and unmaps need the spin locks of the addresses and of
 * the domain, one after the other, and no other.
 */
#include "dma/priv.h"

#define BATCH 32u /* spans that are mapped at a time: interrupts are off meanwhile */
#define IOVA_32_MAX UINT64_C(0xffffffff)

/* ---- life ---- */

/* What is mapped to itself, and what does not reach memory. */
static int reserve_regions(struct weir_dma_space *space, const struct weir_device *dev)
{
	struct weir_region region;
	int err = 0;

	for (unsigned int i = 0; !err && !weir_group_region_(dev->master->group, i, &region); i++)
		err = weir_iova_reserve_(&space->iova, region.first, region.last);
	return err;
}

/* Where the device's buses pass nothing on. */
static int reserve_gaps(struct weir_dma_space *space, const struct weir_dma *dma)
{
	uint64_t at = 0, first, last;
	int err = 0;

	while (!err && weir_dma_next_gap_(dma, &at, &first, &last)) {
		err = weir_iova_reserve_(&space->iova, first, last);
		if (!at)
			break;
	}
	return err;
}

/* A doorbell that is told of when the space is in use already. Machine lock held. */
static int reserve_late(struct weir_domain *domain, uint64_t first, uint64_t last)
{
	return weir_iova_reserve_(&domain->dma->iova, first, last);
}

/* Address 0 is never handed out: too many drivers and devices take it for none. */
static int create(struct weir_machine *m, struct weir_domain *domain,
		  struct weir_dma_space **out_space)
{
	struct weir_dma_space *space = weir_atomic_alloc(m, sizeof(*space));
	struct weir_domain_limits limits;
	uint64_t min;
	int err;

	if (!space)
		return WEIR_ENOMEM;
	weir_domain_limits_get(domain, &limits);
	min = limits.iova_min ? limits.iova_min : limits.page_bytes;
	space->m = m;
	space->domain = weir_domain_ref(domain);
	space->page_bytes = limits.page_bytes;
	space->iova_max = limits.iova_max;
	err = weir_iova_init_(m, &space->iova, min, limits.iova_max, limits.page_bytes);
	if (err) {
		weir_domain_unref(domain);
		weir_atomic_free(m, space, sizeof(*space));
		return err;
	}
	*out_space = space;
	return 0;
}

/* A master at another instance may have narrowed the limits since it was made. */
static int narrow(struct weir_dma_space *space)
{
	struct weir_domain_limits limits;

	weir_domain_limits_get(space->domain, &limits);
	if (limits.page_bytes != space->page_bytes)
		return WEIR_EBUSY;
	if (limits.iova_max < space->iova_max)
		space->iova_max = limits.iova_max;
	return limits.iova_min ? weir_iova_reserve_(&space->iova, 0, limits.iova_min - 1) : 0;
}

int weir_dma_space_get_(const struct weir_dma *dma, struct weir_dma_space **out_space)
{
	const struct weir_device *dev = dma->dev;
	struct weir_domain *domain = weir_group_domain(dev->master->group);
	struct weir_dma_space *space = domain->dma;
	int err = 0;

	if (domain->unconfirmed)
		return WEIR_EIO;
	if (!space) {
		err = create(dma->m, domain, &space);
		if (err)
			return err;
		domain->dma = space;
		domain->reserve = reserve_late;
	}
	space->users++;
	err = narrow(space);
	if (!err)
		err = reserve_regions(space, dev);
	if (!err)
		err = reserve_gaps(space, dma);
	if (err)
		weir_dma_space_put_(space);
	else
		*out_space = space;
	return err;
}

/*
 * What drivers left, between what is mapped for good. What an IOMMU does not confirm the next
 * driver's device could reach, and would be handed out as its own: nobody gets the domain again.
 */
static void unmap_all(struct weir_dma_space *space)
{
	struct weir_domain *domain = space->domain;
	uint64_t first, last, at = 0;

	weir_iova_trim_(&space->iova);
	while (weir_iova_next_open_(&space->iova, at, &first, &last)) {
		if (weir_domain_unmap(domain, first, last - first + 1))
			domain->unconfirmed = true;
		at = last + 1;
		if (!at)
			break;
	}
	if (domain->unconfirmed)
		weir_logf_(space->m, WEIR_LOG_ERR, "dma: an IOMMU did not confirm that what drivers "
			   "left mapped is gone: its group is not for drivers until the IOMMU comes again");
}

void weir_dma_space_put_(struct weir_dma_space *space)
{
	struct weir_machine *m = space->m;

	if (--space->users)
		return;
	if (space->flush.timer)
		space->flush.close(space);
	unmap_all(space);
	space->domain->reserve = NULL;
	space->domain->dma = NULL;
	weir_iova_fini_(&space->iova);
	weir_domain_unref(space->domain);
	weir_atomic_free(m, space, sizeof(*space));
}

void weir_dma_space_count_(struct weir_dma *dma, bool on)
{
	struct weir_dma_space *space = dma->space;
	uint32_t free = ~space->counted & ((1u << WEIR_IOVA_USERS) - 1);

	if (on && free) {
		dma->user = (unsigned int)__builtin_ctz(free);
		space->counted |= 1u << dma->user;
	} else if (!on && dma->user != WEIR_IOVA_NOBODY) {
		weir_iova_forget_(&space->iova, dma->user);
		space->counted &= ~(1u << dma->user);
		dma->user = WEIR_IOVA_NOBODY;
	}
}

/* ---- one piece ---- */

static uint32_t prot_of(const struct weir_dma *dma, uint32_t how)
{
	uint32_t prot = WEIR_MAP_NOEXEC;

	if (how & WEIR_DMA_TO_DEVICE)
		prot |= WEIR_MAP_READ;
	if (how & WEIR_DMA_FROM_DEVICE)
		prot |= WEIR_MAP_WRITE;
	if (how & WEIR_DMA_MMIO)
		return prot | WEIR_MAP_DEVICE;
	return dma->coherent ? prot | WEIR_MAP_CACHED : prot;
}

static int take_iova(struct weir_dma *dma, uint64_t bytes, uint64_t mask, uint64_t *out_iova)
{
	struct weir_dma_space *space = dma->space;
	uint64_t limit = mask < dma->bus_max ? mask : dma->bus_max;

	if (limit > atomic_load_explicit(&space->iova_max, memory_order_relaxed))
		limit = atomic_load_explicit(&space->iova_max, memory_order_relaxed);
	if (dma->of_m->options.iova_32_first && limit > IOVA_32_MAX &&
	    !weir_iova_alloc_for_(&space->iova, dma->user, bytes, IOVA_32_MAX, out_iova))
		return 0;
	return weir_iova_alloc_for_(&space->iova, dma->user, bytes, limit, out_iova);
}

/* The whole pages around a range. False when they go past the end of the address space. */
static bool pages_around(const struct weir_dma_space *space, uint64_t addr, uint64_t bytes,
			 uint64_t *out_bytes)
{
	uint64_t mask = space->page_bytes - 1, offset = addr & mask;

	if (offset + bytes < bytes || offset + bytes > UINT64_MAX - mask)
		return false;
	*out_bytes = (offset + bytes + mask) & ~mask;
	return true;
}

/* The domain speaks of ranges; the caller's arguments were checked. */
static int as_api_error(int err)
{
	return err == WEIR_EINVAL || err == WEIR_ERANGE || err == WEIR_EEXIST ||
			       err == WEIR_UNCONFIRMED_
		       ? WEIR_EIO
		       : err;
}

/* The IOMMU may go on using these addresses: nobody gets them any more. */
static void retire(struct weir_dma *dma, uint64_t bytes)
{
	atomic_fetch_add_explicit(&dma->retired, bytes, memory_order_relaxed);
}

/* A map failed that was to have these addresses. Return: the error for the caller. */
int weir_dma_space_take_back_(struct weir_dma *dma, uint64_t iova, uint64_t bytes, int err)
{
	if (err != WEIR_UNCONFIRMED_) {
		(void)weir_iova_free_for_(&dma->space->iova, dma->user, iova, bytes);
	} else {
		weir_iova_count_(&dma->space->iova, NULL, dma->user, (size_t)-1);
		retire(dma, bytes);
		weir_logf_(dma->m, WEIR_LOG_ERR, "%s: the IOMMU did not confirm that a mapping which "
			   "failed is gone: 0x%llx bytes at 0x%llx are not used again", dma->dev->name,
			   (unsigned long long)bytes, (unsigned long long)iova);
	}
	return as_api_error(err);
}

static int map_once(struct weir_dma *dma, uint64_t pa, uint64_t bytes, uint32_t how,
		    uint64_t mask, uint64_t *out_iova)
{
	struct weir_dma_space *space = dma->space;
	uint64_t offset = pa & (space->page_bytes - 1), iova, len;
	int err;

	if (!pages_around(space, pa, bytes, &len))
		return WEIR_EINVAL;
	err = take_iova(dma, len, mask, &iova);
	if (err)
		return err;
	err = weir_domain_map_page_(space->domain, iova, pa - offset, len, prot_of(dma, how));
	if (err)
		return weir_dma_space_take_back_(dma, iova, len, err);
	*out_iova = iova + offset;
	return 0;
}

int weir_dma_space_map_(struct weir_dma *dma, uint64_t pa, uint64_t bytes, uint32_t how,
			uint64_t mask, uint64_t *out_iova)
{
	int err = map_once(dma, pa, bytes, how, mask, out_iova);

	return err == WEIR_ENOMEM && weir_dma_space_trim_(dma->space)
		       ? map_once(dma, pa, bytes, how, mask, out_iova) : err;
}

int weir_dma_space_unmap_failed_(struct weir_dma *dma, uint64_t bytes, int err)
{
	if (err != WEIR_EIO)
		return WEIR_EINVAL;
	weir_iova_count_(&dma->space->iova, NULL, dma->user, (size_t)-1);
	retire(dma, bytes);
	return err;
}

int weir_dma_space_unmap_(struct weir_dma *dma, uint64_t iova, uint64_t bytes)
{
	struct weir_dma_space *space = dma->space;
	uint64_t base = iova & ~(space->page_bytes - 1), len;
	bool lazy = dma->lazy && space->flush.timer;
	int err;

	if (!bytes || !pages_around(space, iova, bytes, &len))
		return WEIR_EINVAL;
	err = weir_domain_unmap_whole_(space->domain, base, len, !lazy);
	if (err)
		return weir_dma_space_unmap_failed_(dma, len, err);
	if (lazy)
		WEIR_DMA_FLUSH_ADD(space)(space, dma->user, base, len);
	else
		(void)weir_iova_free_for_(&space->iova, dma->user, base, len);
	return 0;
}

/* ---- lists ---- */

/* Segments as the device sees them are being made. */
struct segments {
	const struct weir_dma *dma;
	struct weir_dma_segment *out;
	uint32_t n, max;
	uint64_t iova, bytes; /* not yet given out */
};

static int give_out(struct segments *s)
{
	while (s->bytes) {
		uint64_t bytes = weir_dma_cut_(s->dma, s->iova, s->bytes);

		if (s->n == s->max)
			return WEIR_E2BIG;
		s->out[s->n++] = (struct weir_dma_segment){ s->iova, bytes };
		s->iova += bytes;
		s->bytes -= bytes;
	}
	return 0;
}

/* @iova: of the list's first page. Return: 0; WEIR_E2BIG. */
static int make_segments(struct segments *s, const struct weir_dma_range *ranges,
			 uint32_t nr_ranges, uint64_t iova)
{
	const struct weir_dma_space *space = s->dma->space;

	for (uint32_t i = 0; i < nr_ranges; i++) {
		uint64_t offset = ranges[i].pa & (space->page_bytes - 1), len = 0;
		int err;

		if (!ranges[i].bytes)
			continue;
		if (s->bytes && s->iova + s->bytes != iova + offset) {
			err = give_out(s);
			if (err)
				return err;
		}
		if (!s->bytes)
			s->iova = iova + offset;
		s->bytes += ranges[i].bytes;
		(void)pages_around(space, ranges[i].pa, ranges[i].bytes, &len);
		iova += len;
	}
	return give_out(s);
}

/* Return: 0; an error, and nothing is mapped; WEIR_UNCONFIRMED_. */
static int map_spans(struct weir_dma *dma, const struct weir_dma_range *ranges,
		     uint32_t nr_ranges, uint32_t prot, uint64_t iova)
{
	struct weir_dma_space *space = dma->space;
	struct weir_span spans[BATCH];
	uint64_t at = iova, done = iova;
	unsigned int n = 0;
	int err = 0;

	for (uint32_t i = 0; i < nr_ranges && !err; i++) {
		uint64_t pa = ranges[i].pa & ~(space->page_bytes - 1), len = 0;

		if (!ranges[i].bytes)
			continue;
		(void)pages_around(space, ranges[i].pa, ranges[i].bytes, &len);
		if (n && spans[n - 1].pa + spans[n - 1].bytes == pa) {
			spans[n - 1].bytes += len;
		} else {
			if (n >= BATCH) {
				err = weir_domain_map_spans_(space->domain, spans, n, prot);
				done = err ? done : at;
				n = 0;
			}
			spans[n++] = (struct weir_span){ .iova = at, .pa = pa, .bytes = len };
		}
		at += len;
	}
	if (!err && n)
		err = weir_domain_map_spans_(space->domain, spans, n, prot);
	if (err && done != iova && weir_domain_unmap(space->domain, iova, done - iova))
		return WEIR_UNCONFIRMED_;
	return err;
}

static int map_list_once(struct weir_dma *dma, const struct weir_dma_range *ranges,
			 uint32_t nr_ranges, uint32_t how, uint32_t max_segments,
			 struct weir_dma_segment *out_segments, uint32_t *out_nr)
{
	struct segments s = { .dma = dma, .out = out_segments, .max = max_segments };
	struct weir_dma_space *space = dma->space;
	uint64_t total = 0, iova;
	int err;

	for (uint32_t i = 0; i < nr_ranges; i++) {
		uint64_t len = 0;

		if (ranges[i].bytes && !pages_around(space, ranges[i].pa, ranges[i].bytes, &len))
			return WEIR_EINVAL;
		if (total + len < total)
			return WEIR_EINVAL;
		total += len;
	}
	err = take_iova(dma, total, dma->mask, &iova);
	if (err)
		return err;
	err = make_segments(&s, ranges, nr_ranges, iova);
	if (!err)
		err = map_spans(dma, ranges, nr_ranges, prot_of(dma, how), iova);
	if (err)
		return weir_dma_space_take_back_(dma, iova, total, err);
	*out_nr = s.n;
	return 0;
}

int weir_dma_space_map_list_(struct weir_dma *dma, const struct weir_dma_range *ranges,
			     uint32_t nr_ranges, uint32_t how, uint32_t max_segments,
			     struct weir_dma_segment *out_segments, uint32_t *out_nr)
{
	int err = map_list_once(dma, ranges, nr_ranges, how, max_segments, out_segments, out_nr);

	return err == WEIR_ENOMEM && weir_dma_space_trim_(dma->space)
		       ? map_list_once(dma, ranges, nr_ranges, how, max_segments, out_segments, out_nr)
		       : err;
}
