// SPDX-License-Identifier: MIT
/* Entries of tables, whatever their width, where they are, and how large. Nothing here has a state. */
#include "iommu/pt/pt.h"

uint64_t weir_pt_get_(const struct weir_table *t, const void *entries, uint64_t i)
{
	if (t->entry_lg2 == 3)
		return atomic_load_explicit((_Atomic uint64_t *)entries + i, memory_order_relaxed);
	return atomic_load_explicit((_Atomic uint32_t *)entries + i, memory_order_relaxed);
}

void weir_pt_set_(const struct weir_table *t, void *entries, uint64_t i, uint64_t entry)
{
	if (t->entry_lg2 == 3)
		atomic_store_explicit((_Atomic uint64_t *)entries + i, entry, memory_order_relaxed);
	else
		atomic_store_explicit((_Atomic uint32_t *)entries + i, (uint32_t)entry,
				      memory_order_relaxed);
}

void weir_pt_clean_(const struct weir_table *t, uint64_t pa, uint64_t i, uint64_t n)
{
	if (!t->coherent)
		t->ops->cache_sync(t->host, pa + (i << t->entry_lg2), n << t->entry_lg2,
				   WEIR_CACHE_CLEAN);
}

uint64_t weir_pt_entries_(const struct weir_table *t, unsigned int height)
{
	return UINT64_C(1) << (t->shift[height + 1] - t->shift[height]);
}

uint32_t weir_pt_index_(const struct weir_table *t, uint64_t iova, unsigned int height)
{
	return (uint32_t)(iova >> t->shift[height] & (weir_pt_entries_(t, height) - 1));
}

int weir_pt_sizes_(struct weir_table *t, uint64_t wanted, unsigned int blocks,
		   const uint8_t *hint_lg2)
{
	wanted = wanted ? wanted : UINT64_MAX;
	for (unsigned int height = 0; height <= t->top; height++) {
		unsigned int hint = hint_lg2[height];
		uint64_t size = UINT64_C(1) << t->shift[height];

		if (!(blocks >> height & 1) || !(wanted & size))
			continue;
		t->blocks |= (uint8_t)(1u << height);
		t->page_sizes |= size;
		if (!hint || !(wanted & size << hint) ||
		    t->shift[height] + hint > t->shift[t->top + 1])
			continue;
		t->hint_lg2[height] = (uint8_t)hint;
		t->page_sizes |= size << hint;
	}
	return t->blocks & 1 ? 0 : WEIR_EOPNOTSUPP;
}
