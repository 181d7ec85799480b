// SPDX-License-Identifier: MIT
/*
 * Domains on tables: what they have mapped is in tables that instances walk, instead of in
 * the books of mappings.c.
 *
 * The first instance that walks tables says which. They are made before its part, are given
 * all that is in the books, a batch at a time with the spin lock held (what comes and goes
 * meanwhile goes to both), and replace the books once the instance took them. From then on
 * they are the domain's for as long as it lives, also while no instance walks them: who maps
 * takes no lock, so nobody could say when the last one has left them.
 *
 * Maps are the tables' affair alone. An unmap takes them out of the tables, has the parts drop
 * what they cached, and gives tables that got empty back. Locks: the domain's parts lock for the
 * making, its spin lock to tell parts and around what frees tables or looks at what others
 * may be unmapping.
 */
#include "iommu/priv.h"

#define MOVE_BATCH 64u  /* mappings moved under the spin lock at a time */
#define PIECES 16u      /* given to the tables at a time */
#define SPLIT_ROUNDS 8u /* an unmap that splits pages needs two: more would be a fault of ours */

/* ---- which tables ---- */

static int refuse(const struct weir_domain *domain, const struct weir_iommu *iommu,
		  const char *reason)
{
	weir_logf_(domain->m, WEIR_LOG_ERR, "%s: a domain of several instances needs a common format: %s",
		   iommu->dev->name, reason);
	return WEIR_EOPNOTSUPP;
}

/* What keeps an instance from walking the tables there are; NULL: nothing. */
static const char *misfit(const struct weir_domain *domain, const struct weir_table_config *want)
{
	const struct weir_tables *have = &domain->tables;
	const struct weir_table_config *made_for = &domain->config;

	if (want->format != have->format)
		return "its tables are of another format";
	if (want->granule_lg2 != have->granule_lg2)
		return "its smallest pages are of another size";
	if (want->iova_bits < have->iova_bits || want->pa_bits < have->pa_bits)
		return "its addresses are shorter";
	if (have->coherent && !want->coherent)
		return "it does not see the CPU's caches";
	if (want->bbm_level < made_for->bbm_level)
		return "it does not stand how pages are split";
	if (want->page_sizes && (!made_for->page_sizes || (made_for->page_sizes & ~want->page_sizes)))
		return "it has not all sizes of pages";
	return NULL;
}

/* What tables the instance wants for the domain. Return: 1; 0 it does not say; WEIR_EOPNOTSUPP. */
static int wanted(const struct weir_domain *domain, const struct weir_iommu *iommu,
		  struct weir_table_config *out_config)
{
	const struct weir_iommu_ops *ops = iommu->ops;

	if (domain->stage2)
		return ops->tables_stage2 && !ops->tables_stage2(iommu->instance, out_config)
			       ? 1 : refuse(domain, iommu, "it has no stage 2 for a guest's memory");
	if (!ops->tables)
		return 0;
	ops->tables(iommu->instance, out_config);
	return 1;
}

static int check_suits(const struct weir_domain *domain, const struct weir_iommu *iommu)
{
	const struct weir_iommu_ops *ops = iommu->ops;
	struct weir_table_config want = { 0 };
	const char *reason = NULL;
	int err;

	if (ops->map)
		return refuse(domain, iommu, "it wants to be told of each mapping");
	err = wanted(domain, iommu, &want);
	if (err < 0)
		return err;
	if (err)
		reason = misfit(domain, &want);
	if (reason)
		return refuse(domain, iommu, reason);
	if (!ops->walks)
		return ops->tables ? 0 : refuse(domain, iommu, "it walks no tables");
	err = ops->walks(iommu->instance, &domain->tables);
	return err == WEIR_EOPNOTSUPP ? refuse(domain, iommu, "it does not take these tables") : err;
}

static bool is_told(const struct weir_domain *domain)
{
	const struct weir_part *part;

	weir_list_each(part, &domain->parts, struct weir_part, node)
		if (part->iommu->ops->map)
			return true;
	return false;
}

/* ---- from the books to tables ---- */

static bool is_moved(const struct weir_domain *domain, uint64_t iova)
{
	return domain->filling && iova < domain->filled_to;
}

/* The spin lock is held. Return: 1 there is more; 0; negative. */
static int move_some(struct weir_domain *domain)
{
	struct weir_mapping *mapping = weir_mapping_from_(domain, domain->filled_to);

	if (mapping && is_moved(domain, mapping->iova))
		mapping = weir_mapping_next_(mapping);
	for (unsigned int n = 0; mapping && n < MOVE_BATCH && !domain->fill_err; n++) {
		domain->fill_err = weir_table_map(domain->filling, mapping->iova, mapping->pa,
						  mapping->bytes, mapping->prot);
		/* wraps to 0 only behind the last address */
		domain->filled_to = mapping->iova + mapping->bytes;
		mapping = weir_mapping_next_(mapping);
	}
	if (!mapping)
		domain->filled_to = UINT64_MAX; /* all that comes, too: no page begins there */
	return domain->fill_err ? domain->fill_err : mapping != NULL;
}

void weir_tables_mapped_(struct weir_domain *domain, const struct weir_mapping *batch)
{
	for (; batch && domain->filling && !domain->fill_err; batch = batch->next)
		if (is_moved(domain, batch->iova))
			domain->fill_err = weir_table_map(domain->filling, batch->iova, batch->pa,
							  batch->bytes, batch->prot);
}

void weir_tables_unmapped_(struct weir_domain *domain, const struct weir_mapping *batch)
{
	struct weir_table_gather gather = { 0 };

	for (; batch && domain->filling && !domain->fill_err; batch = batch->next)
		if (is_moved(domain, batch->iova))
			domain->fill_err = weir_table_unmap(domain->filling, batch->iova,
							    batch->bytes, &gather);
	if (gather.unlinked) /* nobody walks them yet */
		weir_table_release(domain->filling, &gather);
}

static int make(struct weir_domain *domain, const struct weir_iommu *iommu)
{
	struct weir_machine *m = domain->m;
	struct weir_table_config config = { 0 };
	struct weir_table *table;
	unsigned long before;
	int err = wanted(domain, iommu, &config);

	if (err < 0)
		return err;
	config.unlink_shared = false; /* only who has all of a table takes it away */
	err = weir_table_create(m->ops, m->host, &config, &table);
	if (err) {
		weir_logf_(m, WEIR_LOG_ERR, "%s: no tables for a domain: %s", iommu->dev->name,
			   weir_strerror(err));
		return err;
	}
	domain->config = config;
	weir_table_describe(table, &domain->tables);
	before = weir_spin_lock(&domain->spin);
	domain->filling = table;
	domain->filled_to = 0;
	domain->fill_err = 0;
	weir_spin_unlock(&domain->spin, before);
	do {
		before = weir_spin_lock(&domain->spin);
		err = move_some(domain);
		weir_spin_unlock(&domain->spin, before);
	} while (err > 0);
	if (err)
		weir_tables_abort_(domain);
	/* what does not fit the tables does not suit the instance */
	return err == WEIR_ERANGE ? WEIR_EINVAL : err;
}

int weir_tables_begin_(struct weir_domain *domain, const struct weir_iommu *iommu)
{
	if (weir_domain_table_(domain))
		return check_suits(domain, iommu);
	if (!domain->stage2 && (!iommu->ops->tables || iommu->ops->map))
		return 0;
	if (is_told(domain))
		return refuse(domain, iommu, "others of them want to be told of each mapping");
	return make(domain, iommu);
}

int weir_tables_commit_(struct weir_domain *domain)
{
	unsigned long before = weir_spin_lock(&domain->spin);
	struct weir_table *table = domain->filling;
	int err = domain->fill_err;

	if (table && !err) {
		domain->filling = NULL;
		atomic_store_explicit(&domain->table, table, memory_order_release);
	}
	weir_spin_unlock(&domain->spin, before);
	if (table && !err)
		weir_mappings_free_(domain); /* who finds the tables looks at them no more */
	return err;
}

void weir_tables_abort_(struct weir_domain *domain)
{
	unsigned long before = weir_spin_lock(&domain->spin);
	struct weir_table *table = domain->filling;

	domain->filling = NULL;
	weir_spin_unlock(&domain->spin, before);
	weir_table_destroy(table);
}

void weir_tables_free_(struct weir_domain *domain)
{
	weir_table_destroy(weir_domain_table_(domain));
}

void weir_tables_limit_(const struct weir_domain *domain, struct weir_domain_limits *limits)
{
	uint64_t page = UINT64_C(1) << domain->tables.granule_lg2;
	uint64_t last = domain->tables.iova_bits < 64
			? (UINT64_C(1) << domain->tables.iova_bits) - 1 : UINT64_MAX;

	if (limits->page_bytes < page)
		limits->page_bytes = page;
	if (limits->iova_max > last)
		limits->iova_max = last;
}

bool weir_tables_fit_(const struct weir_domain *domain, const struct weir_domain_limits *limits)
{
	const struct weir_table *table = weir_domain_table_(domain);
	struct weir_table_mapping mapping;

	/* pages of what size were mapped nobody knows any more */
	if (limits->page_bytes > atomic_load_explicit(&domain->page_bytes, memory_order_relaxed) &&
	    !weir_table_next(table, 0, &mapping))
		return false;
	if (!weir_table_next(table, 0, &mapping) && mapping.iova < limits->iova_min)
		return false;
	return limits->iova_max == UINT64_MAX ||
	       weir_table_next(table, limits->iova_max + 1, &mapping);
}

/* ---- telling the parts ---- */

/* Return: 0; WEIR_EIO. */
static int invalidate(struct weir_domain *domain, const struct weir_invalidation *what)
{
	struct weir_part *part;
	int result = 0;

	weir_list_each(part, &domain->parts, struct weir_part, node)
		if (weir_part_invalidate_(part, what))
			result = WEIR_EIO;
	return result;
}

void weir_tables_everything_(const struct weir_domain *domain, struct weir_invalidation *out_what)
{
	uint64_t min = atomic_load_explicit(&domain->iova_min, memory_order_relaxed);
	uint64_t max = atomic_load_explicit(&domain->iova_max, memory_order_relaxed);

	*out_what = (struct weir_invalidation){
		.iova = min, .bytes = max - min == UINT64_MAX ? UINT64_MAX : max - min + 1,
		.tables = true,
	};
}

int weir_tables_tell_(struct weir_domain *domain, const struct weir_invalidation *what)
{
	unsigned long before = weir_spin_lock(&domain->spin);
	int err = invalidate(domain, what);

	weir_spin_unlock(&domain->spin, before);
	return err;
}

int weir_tables_flush_(struct weir_domain *domain)
{
	struct weir_invalidation all;

	weir_tables_everything_(domain, &all);
	return weir_tables_tell_(domain, &all);
}

void weir_tables_unlink_(struct weir_domain *domain, uint64_t iova, uint64_t bytes,
			 struct weir_table_gather *gather)
{
	unsigned long before = weir_spin_lock(&domain->spin);

	weir_table_trim(weir_domain_table_(domain), iova, bytes, gather);
	weir_spin_unlock(&domain->spin, before);
	gather->what.bytes = 0; /* the flush tells it */
}

int weir_tables_finish_(struct weir_domain *domain, struct weir_table_gather *gather)
{
	unsigned long before = weir_spin_lock(&domain->spin);
	int err = gather->what.bytes ? invalidate(domain, &gather->what) : 0;

	if (!err && gather->unlinked)
		weir_table_release(weir_domain_table_(domain), gather);
	gather->what = (struct weir_invalidation){ 0 };
	weir_spin_unlock(&domain->spin, before);
	return err;
}

int weir_tables_trim_(struct weir_domain *domain)
{
	struct weir_table_gather gather = { 0 };

	weir_table_trim(weir_domain_table_(domain), 0, UINT64_C(1) << domain->tables.iova_bits, &gather);
	return weir_tables_finish_(domain, &gather);
}

/* ---- mapping ---- */

/* The caller's range is his alone: nothing of it is unmapped or mapped meanwhile. */
static int unmap_some(struct weir_domain *domain, uint64_t iova, uint64_t bytes,
		      struct weir_table_gather *gather)
{
	struct weir_table *table = weir_domain_table_(domain);
	int err = weir_table_unmap(table, iova, bytes, gather);

	/* a larger page is split: that has to arrive before a part of it can go */
	for (unsigned int i = 0; err == WEIR_EAGAIN && i < SPLIT_ROUNDS; i++) {
		err = weir_tables_finish_(domain, gather);
		if (!err)
			err = weir_table_unmap(table, iova, bytes, gather);
	}
	return err == WEIR_EAGAIN ? WEIR_EIO : err;
}

int weir_tables_unmap_(struct weir_domain *domain, uint64_t iova, uint64_t bytes, bool wait,
		       uint64_t *out_unmapped)
{
	/* tables of which all is the caller's go, too; others' may be looking at the rest */
	struct weir_table_gather gather = { .unlink = wait };
	int err = unmap_some(domain, iova, bytes, &gather), told = 0;

	*out_unmapped = gather.unmapped_bytes;
	if ((wait && gather.what.bytes) || gather.unlinked || err)
		told = weir_tables_finish_(domain, &gather);
	return err ? err : told;
}

int weir_tables_unmap_rest_(struct weir_domain *domain, uint64_t iova, uint64_t bytes, bool wait,
			    int err, struct weir_table_gather *gather)
{
	uint64_t unmapped = gather->unmapped_bytes;

	if (err) { /* a caller's mistake, but for pages that have to be split */
		/* the first step may have been taken: it arrives before the next one */
		err = weir_tables_finish_(domain, gather);
		if (!err)
			err = weir_tables_unmap_(domain, iova, bytes, wait, &unmapped);
	} else if (wait && gather->what.bytes) {
		err = weir_tables_tell_(domain, &gather->what);
	}
	return !err && unmapped != bytes ? WEIR_ENOENT : err;
}

static int map_pieces(struct weir_table *table, const struct weir_span *spans, unsigned int n,
		      uint32_t prot, unsigned int *out_done)
{
	struct weir_table_piece pieces[PIECES];
	unsigned int k;

	pieces[0] = (struct weir_table_piece){ spans->pa, spans->bytes };
	for (k = 1; k < n && k < PIECES && spans[k].iova == spans[k - 1].iova + spans[k - 1].bytes; k++)
		pieces[k] = (struct weir_table_piece){ spans[k].pa, spans[k].bytes };
	*out_done = k;
	return k == 1 ? weir_table_map(table, spans->iova, spans->pa, spans->bytes, prot)
		      : weir_table_map_pieces(table, spans->iova, pieces, k, prot);
}

int weir_tables_map_(struct weir_domain *domain, const struct weir_span *spans, unsigned int n,
		     uint32_t prot)
{
	struct weir_table *table = weir_domain_table_(domain);
	unsigned int done, k;
	uint64_t unmapped;
	int err;

	for (done = 0; done < n; done += k) {
		err = map_pieces(table, &spans[done], n - done, prot, &k);
		if (err)
			goto err_unmap;
	}
	return 0;

err_unmap:
	while (done--)
		if (weir_tables_unmap_(domain, spans[done].iova, spans[done].bytes, true, &unmapped))
			err = WEIR_UNCONFIRMED_;
	return err;
}

int weir_tables_next_(const struct weir_domain *domain, uint64_t iova,
		      struct weir_domain_mapping *out_mapping)
{
	struct weir_table_mapping mapping;
	int err = weir_table_next(weir_domain_table_(domain), iova, &mapping);

	if (!err)
		*out_mapping = (struct weir_domain_mapping){
			.iova = mapping.iova, .pa = mapping.pa, .bytes = mapping.bytes,
			.prot = mapping.prot,
		};
	return err;
}
