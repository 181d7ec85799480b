// SPDX-License-Identifier: MIT
/*
 * Scatter lists. Piece by piece where addresses are given by the memory: neighbours in
 * memory become one, which is cut where the device's limits ask for it.
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

/* A segment that begins at @addr: so many of the bytes the device's limits allow. */
static uint64_t cut(const struct weir_dma *dma, uint64_t addr, uint64_t bytes)
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

static int map_pieces(struct weir_dma *dma, struct pieces *p, uint32_t how, uint32_t max_segments,
		      struct weir_dma_segment *out_segments, uint32_t *out_nr)
{
	uint32_t n = 0;
	int err = 0;

	while (!err && refill(p)) {
		/* where a piece lies in the device's eyes is not known before: cut by memory first */
		uint64_t bytes = cut(dma, p->pa, p->bytes), iova;

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

int weir_dma_map_sg_at(const char *where, struct weir_device *dev,
		       const struct weir_dma_range *ranges, uint32_t nr_ranges, uint32_t how,
		       uint32_t max_segments, struct weir_dma_segment *out_segments,
		       uint32_t *out_nr_segments)
{
	struct pieces p = { .at = ranges, .end = ranges + nr_ranges };
	struct weir_dma *dma;
	int err = check(ranges, nr_ranges, how);

	(void)where;
	if (err)
		return err;
	err = weir_dma_get_(dev, &dma);
	if (err)
		return err;
	return map_pieces(dma, &p, how, max_segments, out_segments, out_nr_segments);
}

int weir_dma_unmap_sg_at(const char *where, struct weir_device *dev,
			 const struct weir_dma_segment *segments, uint32_t nr_segments,
			 uint32_t how)
{
	struct weir_dma *dma;
	int result = 0, err = weir_dma_get_(dev, &dma);

	(void)where;
	if (err)
		return err;
	for (uint32_t i = 0; i < nr_segments; i++) {
		err = weir_dma_unmap_piece_(dma, segments[i].iova, segments[i].bytes, how);
		result = result ? result : err;
	}
	return result;
}

int weir_dma_map_sg(struct weir_device *dev, const struct weir_dma_range *ranges,
		    uint32_t nr_ranges, uint32_t how, uint32_t max_segments,
		    struct weir_dma_segment *out_segments, uint32_t *out_nr_segments)
{
	return weir_dma_map_sg_at(NULL, dev, ranges, nr_ranges, how, max_segments, out_segments,
				  out_nr_segments);
}

int weir_dma_unmap_sg(struct weir_device *dev, const struct weir_dma_segment *segments,
		      uint32_t nr_segments, uint32_t how)
{
	return weir_dma_unmap_sg_at(NULL, dev, segments, nr_segments, how);
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
