// SPDX-License-Identifier: MIT
/*
 * Translation tables as a thing: made, described, freed; and the front of what is done to them,
 * which checks what callers say, tries the short way of the format, and then goes the long one.
 *
 * Life: weir_table_create() to weir_table_destroy(), both alone with it.
 */
#include "iommu/pt/pt.h"

static uint64_t last_of(uint32_t bits)
{
	return (UINT64_C(1) << bits) - 1;
}

int weir_table_create(const struct weir_host_ops *ops, void *host,
		      const struct weir_table_config *config, struct weir_table **out_table)
{
	struct weir_table *t;
	int err;

	if (ops->abi.version != WEIR_ABI_VERSION || ops->abi.size < sizeof(*ops))
		return WEIR_EINVAL;
	if (!config->kind || !ops->pages_alloc || (!config->coherent && !ops->cache_sync))
		return WEIR_EOPNOTSUPP;
	t = ops->alloc(host, sizeof(*t));
	if (!t)
		return WEIR_ENOMEM;
	t->ops = ops;
	t->host = host;
	t->kind = config->kind;
	t->dma_barrier = ops->dma_barrier;
	t->coherent = config->coherent;
	t->counted = config->unlink_shared;
	t->plain = t->coherent && !t->counted;
	t->bbm_level = (uint8_t)config->bbm_level;
	atomic_init(&t->memory, sizeof(*t));
	err = t->kind->init(t, config);
	if (err)
		goto free;
	t->iova_last = last_of(config->iova_bits);
	t->pa_last = last_of(config->pa_bits);
	err = weir_spin_init_host(&t->spin, ops, host, WEIR_LOCK_TABLE);
	if (err)
		goto free;
	t->tables = (struct weir_tables){
		.format = config->format,
		.granule_lg2 = config->granule_lg2,
		.iova_bits = config->iova_bits,
		.pa_bits = config->pa_bits,
		.levels = t->top + 1u - t->sliced,
		.coherent = config->coherent,
	};
	t->near_lg2 = t->shift[2];
	t->near_mask = last_of(t->near_lg2);
	err = weir_pt_node_create_(t, t->top, 0, true, &t->root);
	if (err)
		goto fini_spin;
	t->tables.root_pa = t->root->pa;
	weir_pt_barrier(t);
	*out_table = t;
	return 0;

fini_spin:
	weir_spin_fini(&t->spin);
free:
	ops->free(host, t, sizeof(*t));
	return err;
}

void weir_table_destroy(struct weir_table *t)
{
	if (!t)
		return;
	weir_pt_free_(t, t->root, t->top);
	weir_spin_fini(&t->spin);
	t->ops->free(t->host, t, sizeof(*t));
}

void weir_table_describe(const struct weir_table *t, struct weir_tables *out_tables)
{
	*out_tables = t->tables;
}

uint64_t weir_table_page_sizes(const struct weir_table *t)
{
	return t->page_sizes;
}

uint64_t weir_table_memory(const struct weir_table *t)
{
	return atomic_load_explicit(&t->memory, memory_order_relaxed);
}

/* 0; WEIR_EINVAL; WEIR_ERANGE. @also: what else must be aligned. */
static inline int check_range(const struct weir_table *t, uint64_t iova, uint64_t bytes,
			      uint64_t also)
{
	if (((iova | bytes | also) & ((UINT64_C(1) << t->page_lg2) - 1)) || !bytes)
		return WEIR_EINVAL;
	if (iova > t->iova_last || bytes - 1 > t->iova_last - iova)
		return WEIR_ERANGE;
	return 0;
}

static inline int check_pa(const struct weir_table *t, uint64_t pa, uint64_t bytes)
{
	return pa > t->pa_last || bytes - 1 > t->pa_last - pa ? WEIR_ERANGE : 0;
}

int weir_table_map(struct weir_table *t, uint64_t iova, uint64_t pa, uint64_t bytes, uint32_t prot)
{
	return WEIR_PT_MAP(t)(t, iova, pa, bytes, prot);
}

int weir_table_map_pieces(struct weir_table *t, uint64_t iova,
			  const struct weir_table_piece *pieces, unsigned int n, uint32_t prot)
{
	uint64_t bytes = 0;
	int err;

	if (prot >= WEIR_PT_PROTS || !t->attr[prot] || !n)
		return WEIR_EINVAL;
	for (unsigned int i = 0; i < n; i++) {
		if (bytes > t->iova_last - iova)
			return WEIR_ERANGE;
		err = check_range(t, iova + bytes, pieces[i].bytes, pieces[i].pa);
		if (!err)
			err = check_pa(t, pieces[i].pa, pieces[i].bytes);
		if (err)
			return err;
		bytes += pieces[i].bytes;
	}
	if (t->kind->map_run && t->kind->map_run(t, iova, pieces, n, bytes, t->attr[prot], &err))
		return err;
	return weir_pt_map_(t, iova, pieces, n, t->attr[prot]);
}

int weir_pt_map_more_(struct weir_table *t, uint64_t iova, uint64_t pa, uint64_t bytes, uint32_t prot)
{
	struct weir_table_piece piece = { pa, bytes };
	int err = check_range(t, iova, bytes, pa);

	if (!err && (prot >= WEIR_PT_PROTS || !t->attr[prot]))
		err = WEIR_EINVAL;
	if (!err)
		err = check_pa(t, pa, bytes);
	if (err)
		return err;
	if (t->kind->map_run && t->kind->map_run(t, iova, &piece, 1, bytes, t->attr[prot], &err))
		return err;
	return weir_pt_map_(t, iova, &piece, 1, t->attr[prot]);
}

int weir_table_unmap(struct weir_table *t, uint64_t iova, uint64_t bytes,
		     struct weir_table_gather *gather)
{
	return WEIR_PT_UNMAP(t)(t, iova, bytes, gather);
}

int weir_pt_unmap_more_(struct weir_table *t, uint64_t iova, uint64_t bytes,
			struct weir_table_gather *gather)
{
	int err = check_range(t, iova, bytes, 0);

	if (err)
		return err;
	if (t->kind->unmap_run(t, iova, bytes, gather))
		return 0;
	return weir_pt_unmap_(t, iova, bytes, gather);
}

int weir_table_translate(struct weir_table *t, uint64_t iova, uint64_t *out_pa)
{
	return WEIR_PT_TRANSLATE(t)(t, iova, out_pa);
}
