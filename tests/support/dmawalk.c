// SPDX-License-Identifier: MIT
/*
 * The modelled IOMMU of dmaworld.h as one that walks tables (armwalk.h). It caches every translation it
 * finds, and drops one only when it was invalidated and synced: what the library forgets to tell
 * stays in reach.
 */
#include "armwalk.h"
#include "cm.h"
#include "dmaworld.h"

#include <stdlib.h>

struct part {
	struct weir_tables tables;
};

static void tables(void *instance, struct weir_table_config *out_config)
{
	const struct dw *dw = instance;

	*out_config = (struct weir_table_config){
		.format = WEIR_TABLE_ARM_S2, .kind = &weir_table_arm64,
		.granule_lg2 = dw->flags & DW_BIG_PAGES ? 16 : 12,
		.iova_bits = 48, .pa_bits = 48, .bbm_level = 2, .coherent = true,
	};
}

static int part_create(void *instance, struct weir_domain *domain, void **out_part)
{
	struct part *part = malloc(sizeof(*part));

	(void)instance;
	assert_non_null(part);
	assert_non_null(weir_domain_tables(domain));
	part->tables = *weir_domain_tables(domain);
	*out_part = part;
	return 0;
}

/* Invalidated: dropped by the next sync. */
static int invalidate(void *instance, void *part, const struct weir_invalidation *what)
{
	struct dw *dw = instance;
	int err;

	pthread_mutex_lock(&dw->mutex);
	dw->unmaps++;
	err = dw->fail_unmap ? WEIR_EIO : 0;
	for (unsigned int i = 0; !err && i < DW_ENTRIES; i++) {
		struct dw_entry *e = &dw->entries[i];

		if (e->iova == 1 || e->part != part || !e->prot || e->stale ||
		    e->iova - what->iova >= what->bytes)
			continue;
		e->stale = true;
		dw->nr_stale++;
	}
	pthread_mutex_unlock(&dw->mutex);
	return err;
}

static int sync(void *instance, void *part)
{
	struct dw *dw = instance;
	int err;

	pthread_mutex_lock(&dw->mutex);
	err = dw_iommu_sync_(instance, part);
	pthread_mutex_unlock(&dw->mutex);
	return err;
}

static uint64_t fetch(void *dw, uint64_t pa)
{
	return __atomic_load_n((const uint64_t *)(const void *)dw_at(dw, pa), __ATOMIC_RELAXED);
}

/* The page of 4 KiB at an address; its rights, 0: none. */
static uint32_t walk(struct dw *dw, const struct weir_tables *t, uint64_t iova, uint64_t *out_pa)
{
	struct armwalk w;
	const char *wrong = armwalk(t, 0, fetch, dw, iova, &w);

	if (wrong)
		fail_msg("the tables are wrong at 0x%llx: %s", (unsigned long long)iova, wrong);
	if (!w.page_bytes)
		return 0;
	*out_pa = w.pa & ~(uint64_t)(DW_PAGE - 1);
	return (w.read ? WEIR_MAP_READ : 0u) | (w.write ? WEIR_MAP_WRITE : 0u);
}

bool dw_walk_(struct dw *dw, void *at, uint64_t iova, uint32_t need, uint64_t *out_pa)
{
	const struct part *part = at;
	struct dw_entry *e;
	bool ok;

	if (!part)
		return false;
	pthread_mutex_lock(&dw->mutex);
	e = dw_entry_(dw, at, iova);
	if (e->iova == 1 || !e->prot) {
		uint64_t pa = 0;
		uint32_t prot = walk(dw, &part->tables, iova, &pa);

		if (prot) {
			if (e->iova == 1 && ++dw->nr_entries > DW_ENTRIES - 8)
				abort();
			*e = (struct dw_entry){ at, iova & ~(uint64_t)(DW_PAGE - 1), pa, prot, false };
		}
	}
	ok = e->iova != 1 && (e->prot & need);
	*out_pa = ok ? e->pa + (iova & (DW_PAGE - 1)) : 0;
	pthread_mutex_unlock(&dw->mutex);
	return ok;
}

void dw_walker_ops_(struct weir_iommu_ops *ops)
{
	ops->part_create = part_create;
	ops->tables = tables;
	ops->invalidate = invalidate;
	ops->sync = sync;
	ops->map = NULL;
	ops->sync_map = NULL;
	ops->unmap = NULL;
}
