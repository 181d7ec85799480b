// SPDX-License-Identifier: MIT
/*
 * Scatter lists. Translated, a list is one mapping at consecutive addresses (space.c).
 * Otherwise it goes piece by piece: neighbours in memory become one, which is cut where the
 * device's limits ask for it; so for devices that are not trusted, each of whose pieces may
 * have to be copied.
 */
#include "dma/priv.h"

/* What is left of the list, as pieces. */
struct pieces {
	const struct weir_dma_range *at, *end;
	uint64_t pa, bytes; /* not yet given out, of neighbours that became one */
};

/* The next neighbours. False at the end. */
static bool refill(struct pieces *p)
{
	for (; p->at != p->end; p->at++) {
		if (!p->at->bytes)
			continue;
		if (p->bytes && p->pa + p->bytes != p->at->pa)
			break;
		if (!p->bytes)
			p->pa = p->at->pa;
		p->bytes += p->at->bytes;
	}
	return p->bytes != 0;
}

uint64_t weir_dma_cut_(const struct weir_dma *dma, uint64_t addr, uint64_t bytes)
{
	uint64_t to_boundary = dma->boundary_mask - (addr & dma->boundary_mask);

	if (bytes > dma->max_segment_bytes)
		bytes = dma->max_segment_bytes;
	return bytes - 1 > to_boundary ? to_boundary + 1 : bytes;
}

static int check(const struct weir_dma_range *ranges, uint32_t nr_ranges, uint32_t how)
{
	uint64_t total = 0;

	if (!(how & WEIR_DMA_DIRECTION))
		return WEIR_EINVAL;
	for (uint32_t i = 0; i < nr_ranges; i++) {
		if (ranges[i].bytes && ranges[i].pa + (ranges[i].bytes - 1) < ranges[i].pa)
			return WEIR_EINVAL;
		if (total + ranges[i].bytes < total)
			return WEIR_EINVAL;
		total += ranges[i].bytes;
	}
	return total ? 0 : WEIR_EINVAL;
}

/*
 * Where the device will see a piece decides where a boundary cuts it, and where its window ends: what
 * goes on in another one is not copied for it, but to save the @last segment. A copy lies anywhere,
 * but at its size's alignment, so cutting at the boundary from its start does for it.
 */
static uint64_t cut_piece(const struct weir_dma *dma, uint64_t pa, uint64_t bytes, bool last)
{
	uint64_t n = last ? weir_dma_cut_(dma, pa, bytes) : bytes, run, bus;

	if (!dma->space) {
		run = weir_dma_bus_run_(dma, pa, n, dma->mask, &bus);
		if (run == n || (run && !last))
			return weir_dma_cut_(dma, bus, run);
	}
	return weir_dma_cut_(dma, pa, bytes);
}

static int map_pieces(struct weir_dma *dma, struct pieces *p, uint32_t how, uint32_t max_segments,
		      struct weir_dma_segment *out_segments, uint32_t *out_nr)
{
	uint32_t n = 0;
	int err = 0;

	while (!err && refill(p)) {
		uint64_t bytes = cut_piece(dma, p->pa, p->bytes, n + 1 == max_segments), iova;

		if (n == max_segments) {
			err = WEIR_E2BIG;
			break;
		}
		err = weir_dma_map_piece_(dma, p->pa, bytes, how, dma->mask, &iova);
		if (err)
			break;
		out_segments[n++] = (struct weir_dma_segment){ iova, bytes };
		p->pa += bytes;
		p->bytes -= bytes;
	}
	if (!err) {
		*out_nr = n;
		return 0;
	}
	while (n--)
		(void)weir_dma_unmap_piece_(dma, out_segments[n].iova, out_segments[n].bytes,
					    how | WEIR_DMA_NO_SYNC);
	return err;
}

static bool is_one_mapping(const struct weir_dma *dma)
{
	return dma->space && !dma->untrusted;
}

static int map_list(struct weir_dma *dma, const struct weir_dma_range *ranges, uint32_t nr_ranges,
		    uint32_t how, uint32_t max_segments, struct weir_dma_segment *out_segments,
		    uint32_t *out_nr)
{
	struct pieces p = { .at = ranges, .end = ranges + nr_ranges };
	int err;

	if (!is_one_mapping(dma))
		return map_pieces(dma, &p, how, max_segments, out_segments, out_nr);
	for (uint32_t i = 0; !dma->coherent && i < nr_ranges; i++)
		if (ranges[i].bytes)
			weir_dma_clean_(dma, ranges[i].pa, ranges[i].bytes, how);
	err = weir_dma_space_map_list_(dma, ranges, nr_ranges, how, max_segments, out_segments,
				       out_nr);
	if (!err && dma->user == WEIR_IOVA_NOBODY)
		atomic_fetch_add_explicit(&dma->nr_mappings, 1, memory_order_relaxed);
	return err;
}

/* From the first to the last byte. */
static struct weir_dma_segment extent(const struct weir_dma_segment *segments, uint32_t nr)
{
	const struct weir_dma_segment *last = &segments[nr - 1];

	return (struct weir_dma_segment){ segments->iova,
					  last->iova + last->bytes - segments->iova };
}

/* Return: 0, or the first error; the rest is unmapped even so. */
static int unmap_list(struct weir_dma *dma, const struct weir_dma_segment *segments, uint32_t nr,
		      uint32_t how)
{
	struct weir_dma_segment all = extent(segments, nr);
	int result = 0;

	if (is_one_mapping(dma)) {
		for (uint32_t i = 0; !(how & (WEIR_DMA_NO_SYNC | WEIR_DMA_MMIO)) && i < nr; i++)
			weir_dma_sync_(dma, segments[i].iova, segments[i].bytes, how, false);
		return weir_dma_unmap_piece_(dma, all.iova, all.bytes, how | WEIR_DMA_NO_SYNC);
	}
	for (uint32_t i = 0; i < nr; i++) {
		int err = weir_dma_unmap_piece_(dma, segments[i].iova, segments[i].bytes, how);

		result = result ? result : err;
	}
	return result;
}

/* With debug: what was mapped as one is one, otherwise each segment. */
static int untrack_list(struct weir_dma *dma, const struct weir_dma_segment *segments, uint32_t nr,
			uint32_t how, struct weir_dma_where where)
{
	struct weir_dma_segment all = extent(segments, nr);
	int result = 0;

	if (is_one_mapping(dma))
		return weir_dma_untrack(dma, all.iova, all.bytes, how, where);
	for (uint32_t i = 0; i < nr; i++) {
		int err = weir_dma_untrack(dma, segments[i].iova, segments[i].bytes, how, where);

		result = result ? result : err;
	}
	return result;
}

static int track_list(struct weir_dma *dma, const struct weir_dma_segment *segments, uint32_t nr,
		      uint32_t how, struct weir_dma_where where)
{
	struct weir_dma_segment all = extent(segments, nr);
	uint32_t i, n = is_one_mapping(dma) ? 1 : nr;
	int err = 0;

	for (i = 0; i < n && !err; i++) {
		const struct weir_dma_segment *s = n == 1 ? &all : &segments[i];

		err = weir_dma_track(dma, s->iova, s->bytes, how, where);
	}
	while (err && --i)
		(void)weir_dma_untrack(dma, segments[i - 1].iova, segments[i - 1].bytes, how,
					where);
	return err;
}

static int map_sg(struct weir_dma_where where, struct weir_device *dev,
		  const struct weir_dma_range *ranges, uint32_t nr_ranges, uint32_t how,
		  uint32_t max_segments, struct weir_dma_segment *out_segments,
		  uint32_t *out_nr_segments)
{
	struct weir_dma *dma;
	uint32_t nr;
	int err = check(ranges, nr_ranges, how);

	if (err)
		return err;
	err = weir_dma_get_(dev, &dma);
	if (err)
		return err;
	err = map_list(dma, ranges, nr_ranges, how, max_segments, out_segments, &nr);
	if (err)
		return err;
	err = track_list(dma, out_segments, nr, how, where);
	if (err)
		(void)unmap_list(dma, out_segments, nr, how | WEIR_DMA_NO_SYNC);
	else
		*out_nr_segments = nr;
	return err;
}

static int unmap_sg(struct weir_dma_where where, struct weir_device *dev,
		    const struct weir_dma_segment *segments, uint32_t nr_segments, uint32_t how)
{
	struct weir_dma *dma;
	int err = weir_dma_get_(dev, &dma);

	if (err)
		return err;
	if (!nr_segments)
		return WEIR_EINVAL;
	err = untrack_list(dma, segments, nr_segments, how, where);
	if (err)
		return err;
	err = unmap_list(dma, segments, nr_segments, how);
	if (err == WEIR_EINVAL)
		weir_dma_report_(dma, "unmap of a list that is not mapped", segments->iova,
				 segments->bytes, where);
	else if (err)
		weir_dma_report_(dma, "the IOMMU did not confirm the unmap", segments->iova,
				 segments->bytes, where);
	return err;
}

int weir_dma_map_sg_at(const char *where, struct weir_device *dev,
		       const struct weir_dma_range *ranges, uint32_t nr_ranges, uint32_t how,
		       uint32_t max_segments, struct weir_dma_segment *out_segments,
		       uint32_t *out_nr_segments)
{
	return map_sg(WEIR_DMA_AT_(where), dev, ranges, nr_ranges, how, max_segments, out_segments,
		      out_nr_segments);
}

int weir_dma_map_sg(struct weir_device *dev, const struct weir_dma_range *ranges,
		    uint32_t nr_ranges, uint32_t how, uint32_t max_segments,
		    struct weir_dma_segment *out_segments, uint32_t *out_nr_segments)
{
	return map_sg(WEIR_DMA_CALLER_, dev, ranges, nr_ranges, how, max_segments, out_segments,
		      out_nr_segments);
}

int weir_dma_unmap_sg_at(const char *where, struct weir_device *dev,
			 const struct weir_dma_segment *segments, uint32_t nr_segments,
			 uint32_t how)
{
	return unmap_sg(WEIR_DMA_AT_(where), dev, segments, nr_segments, how);
}

int weir_dma_unmap_sg(struct weir_device *dev, const struct weir_dma_segment *segments,
		      uint32_t nr_segments, uint32_t how)
{
	return unmap_sg(WEIR_DMA_CALLER_, dev, segments, nr_segments, how);
}

void weir_dma_sync_sg_for_cpu(struct weir_device *dev, const struct weir_dma_segment *segments,
			      uint32_t nr_segments, uint32_t how)
{
	for (uint32_t i = 0; i < nr_segments; i++)
		weir_dma_sync_for_cpu(dev, segments[i].iova, segments[i].bytes, how);
}

void weir_dma_sync_sg_for_device(struct weir_device *dev,
				 const struct weir_dma_segment *segments, uint32_t nr_segments,
				 uint32_t how)
{
	for (uint32_t i = 0; i < nr_segments; i++)
		weir_dma_sync_for_device(dev, segments[i].iova, segments[i].bytes, how);
}
