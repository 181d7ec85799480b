// SPDX-License-Identifier: MIT
/*
 * When memory runs out: tables that map nothing are taken from a domain whose devices go on with their DMA.
 *
 * Maps take no lock, so a table may only go when nobody can begin to map in it. That is so where no address
 * is handed out or in a magazine, and none can be while the lock of the addresses is held. What is
 * unlinked there is freed once the hardware has forgotten it, and stays if it is in use again by then.
 * The domain's lock keeps others from freeing tables meanwhile.
 */
#include "dma/priv.h"

/* The pages from *@page on that nobody has. False at the end; else *@page is where to go on. */
static bool trim_gap(struct weir_dma_space *space, uint64_t *page, struct weir_table_gather *gather)
{
	struct weir_iova_space *iova = &space->iova;
	unsigned long of_domain = weir_spin_lock(&space->domain->spin);
	unsigned long before = weir_spin_lock(&iova->spin);
	struct weir_range range;
	bool more = weir_ranges_next_(&iova->ranges, *page, &range);
	uint64_t end = more ? range.first : iova->ranges.max + 1;

	if (end > *page)
		weir_table_trim(weir_domain_table_(space->domain), *page << iova->page_lg2,
				(end - *page) << iova->page_lg2, gather);
	weir_spin_unlock(&iova->spin, before);
	weir_spin_unlock(&space->domain->spin, of_domain);
	*page = more ? range.last + 1 : 0;
	return more;
}

bool weir_dma_space_trim_(struct weir_dma_space *space)
{
	struct weir_table_gather gather = { 0 };
	uint64_t page = space->iova.ranges.min;

	if (!weir_domain_table_(space->domain))
		return false;
	weir_iova_drain_(&space->iova);
	while (trim_gap(space, &page, &gather))
		;
	return gather.unlinked && !weir_tables_finish_(space->domain, &gather);
}
