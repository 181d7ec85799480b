// SPDX-License-Identifier: MIT
/*
 * Domains: their life, and what is mapped in them.
 *
 * A mapping is made at all instances of a domain or at none. Maps, unmaps and
 * translations work in any context. Where instances walk tables, what is mapped is in these
 * (tables.c) and maps take no lock. Otherwise it is in books (mappings.c), and instances are
 * told under the domain's spin lock. The parts at instances are part.c's.
 */
#include "iommu/priv.h"

#define UNMAP_BATCH 64u /* mappings taken away under the spin lock at a time */

const struct weir_domain_limits weir_default_limits_ = {
	.page_bytes = 4096,
	.iova_min = 0,
	.iova_max = (UINT64_C(1) << 48) - 1,
};

bool weir_domain_has_mappings_(const struct weir_domain *domain)
{
	return domain->type == WEIR_DOMAIN_DMA || domain->type == WEIR_DOMAIN_UNMANAGED;
}

/* ---- limits ---- */

/* Also without the lock, by who maps: then they may be those of before an instance came. */
static void get_limits(const struct weir_domain *domain, struct weir_domain_limits *out_limits)
{
	out_limits->page_bytes = atomic_load_explicit(&domain->page_bytes, memory_order_relaxed);
	out_limits->iova_min = atomic_load_explicit(&domain->iova_min, memory_order_relaxed);
	out_limits->iova_max = atomic_load_explicit(&domain->iova_max, memory_order_relaxed);
}

void weir_domain_limits_get(const struct weir_domain *domain, struct weir_domain_limits *out_limits)
{
	unsigned long before = weir_spin_lock(&domain->spin);

	get_limits(domain, out_limits);
	weir_spin_unlock(&domain->spin, before);
}

static void set_limits(struct weir_domain *domain, const struct weir_domain_limits *limits)
{
	atomic_store_explicit(&domain->page_bytes, limits->page_bytes, memory_order_relaxed);
	atomic_store_explicit(&domain->iova_min, limits->iova_min, memory_order_relaxed);
	atomic_store_explicit(&domain->iova_max, limits->iova_max, memory_order_relaxed);
}

static bool all_fit(struct weir_domain *domain, const struct weir_domain_limits *limits)
{
	return weir_domain_table_(domain) ? weir_tables_fit_(domain, limits)
					  : weir_mappings_fit_(domain, limits);
}

int weir_domain_narrow_(struct weir_domain *domain, const struct weir_domain_limits *limits,
			struct weir_domain_limits *out_old)
{
	struct weir_domain_limits have, l = *limits;
	unsigned long before = weir_spin_lock(&domain->spin);
	int err = WEIR_EINVAL;

	get_limits(domain, &have);
	if (l.page_bytes < have.page_bytes)
		l.page_bytes = have.page_bytes;
	if (l.iova_min < have.iova_min)
		l.iova_min = have.iova_min;
	if (l.iova_max > have.iova_max)
		l.iova_max = have.iova_max;
	if (l.iova_min <= l.iova_max && all_fit(domain, &l)) {
		*out_old = have;
		set_limits(domain, &l);
		err = 0;
	}
	weir_spin_unlock(&domain->spin, before);
	return err;
}

void weir_domain_widen_(struct weir_domain *domain, const struct weir_domain_limits *old)
{
	unsigned long before = weir_spin_lock(&domain->spin);

	set_limits(domain, old);
	weir_spin_unlock(&domain->spin, before);
}

/* ---- life ---- */

int weir_domain_make_(struct weir_machine *m, enum weir_domain_type type,
		      struct weir_domain **out_domain)
{
	struct weir_domain *domain;

	if (!m->parts.iommu)
		return WEIR_EOPNOTSUPP;
	domain = weir_atomic_alloc(m, sizeof(*domain));
	if (!domain)
		return WEIR_ENOMEM;
	domain->parts_lock = m->ops->lock_create(m->host, WEIR_LOCK_PARTS);
	if (!domain->parts_lock)
		goto err_free;
	if (weir_spin_init(&domain->spin, m, WEIR_LOCK_DOMAIN))
		goto err_lock;
	domain->m = m;
	domain->type = type;
	atomic_init(&domain->refs, 1);
	set_limits(domain, &weir_default_limits_);
	weir_list_init(&domain->parts);
	*out_domain = domain;
	return 0;

err_lock:
	m->ops->lock_destroy(m->host, domain->parts_lock);
err_free:
	weir_atomic_free(m, domain, sizeof(*domain));
	return WEIR_ENOMEM;
}

/* The machine keeps a reference of its own to the two that are there once. */
static int find_or_create(struct weir_machine *m, enum weir_domain_type type,
			  struct weir_domain **out_domain)
{
	struct weir_domain **own = type == WEIR_DOMAIN_BLOCKED	? &m->blocked :
				   type == WEIR_DOMAIN_IDENTITY ? &m->identity :
								  NULL;
	int err;

	if (!own)
		return weir_domain_make_(m, type, out_domain);
	if (!*own) {
		err = weir_domain_make_(m, type, own);
		if (err)
			return err;
	}
	*out_domain = weir_domain_ref(*own);
	return 0;
}

int weir_domain_create(struct weir_machine *m, enum weir_domain_type type,
		       struct weir_domain **out_domain)
{
	int err;

	if ((unsigned int)type > WEIR_DOMAIN_UNMANAGED)
		return WEIR_EINVAL;
	weir_lock_(m);
	err = find_or_create(m, type, out_domain);
	weir_unlock_(m);
	return err;
}

struct weir_domain *weir_domain_ref(struct weir_domain *domain)
{
	atomic_fetch_add_explicit(&domain->refs, 1, memory_order_relaxed);
	return domain;
}

static void destroy(struct weir_domain *domain)
{
	struct weir_machine *m = domain->m;

	weir_assert_(m, weir_list_empty(&domain->parts));
	weir_mappings_free_(domain);
	weir_tables_free_(domain);
	weir_domain_unref(domain->parent);
	weir_spin_fini(&domain->spin);
	m->ops->lock_destroy(m->host, domain->parts_lock);
	weir_atomic_free(m, domain, sizeof(*domain));
}

struct weir_domain *weir_domain_unref(struct weir_domain *domain)
{
	if (domain && atomic_fetch_sub_explicit(&domain->refs, 1, memory_order_acq_rel) == 1)
		destroy(domain);
	return NULL;
}

void weir_domain_unref_late_(struct weir_domain *domain)
{
	struct weir_machine *m = domain->m;

	if (atomic_fetch_sub_explicit(&domain->refs, 1, memory_order_acq_rel) != 1)
		return;
	domain->next_dead = atomic_load(&m->dead_domains);
	while (!atomic_compare_exchange_weak(&m->dead_domains, &domain->next_dead, domain))
		;
	atomic_store(&m->faults_pending, true);
}

void weir_domains_reap_(struct weir_machine *m)
{
	struct weir_domain *domain = atomic_exchange(&m->dead_domains, NULL), *next;

	for (; domain; domain = next) {
		next = domain->next_dead;
		destroy(domain);
	}
}

enum weir_domain_type weir_domain_type_get(const struct weir_domain *domain)
{
	return domain->type;
}

/* ---- what can be mapped ---- */

static int check_range(const struct weir_domain *domain, uint64_t iova, uint64_t bytes)
{
	struct weir_domain_limits l;

	get_limits(domain, &l);
	if (!weir_domain_has_mappings_(domain) || !bytes || ((iova | bytes) & (l.page_bytes - 1)))
		return WEIR_EINVAL;
	if (iova + (bytes - 1) < iova || iova < l.iova_min || iova + (bytes - 1) > l.iova_max)
		return WEIR_ERANGE;
	return 0;
}

static int check_span(const struct weir_domain *domain, const struct weir_span *span)
{
	uint64_t page = atomic_load_explicit(&domain->page_bytes, memory_order_relaxed);
	int err = check_range(domain, span->iova, span->bytes);

	if (err)
		return err;
	if (span->pa & (page - 1))
		return WEIR_EINVAL;
	return span->pa + (span->bytes - 1) < span->pa ? WEIR_ERANGE : 0;
}

/* ---- mapping in books; under the spin lock ---- */

/* Undoes a batch at the parts before @end. Return: @err; WEIR_UNCONFIRMED_. */
static int unmap_until(struct weir_domain *domain, const struct weir_part *end,
		       const struct weir_mapping *batch, int err)
{
	struct weir_part *part;

	weir_list_each(part, &domain->parts, struct weir_part, node) {
		if (part == end)
			break;
		if (weir_part_unmap_(part, batch, NULL, true))
			err = WEIR_UNCONFIRMED_;
	}
	return err;
}

static int map_everywhere(struct weir_domain *domain, struct weir_mapping *batch)
{
	struct weir_part *part;

	weir_list_each(part, &domain->parts, struct weir_part, node) {
		int err = weir_part_map_(part, batch);

		if (err)
			return unmap_until(domain, part, batch, err);
	}
	return 0;
}

static void forget(struct weir_domain *domain, struct weir_mapping *batch)
{
	struct weir_mapping *next;

	for (; batch; batch = next) {
		next = batch->next;
		weir_mapping_del_(domain, batch);
	}
}

static int map_spans(struct weir_domain *domain, const struct weir_span *spans, unsigned int n,
		     uint32_t prot)
{
	struct weir_mapping *batch = NULL, **end = &batch;
	int err = 0;

	for (unsigned int i = 0; i < n && !err; i++) {
		err = check_span(domain, &spans[i]);
		if (!err)
			err = weir_mapping_add_(domain, &spans[i], prot, end);
		if (!err)
			end = &(*end)->next;
	}
	if (!err)
		err = map_everywhere(domain, batch);
	if (err)
		forget(domain, batch);
	else
		weir_tables_mapped_(domain, batch);
	return err;
}

/* Whether it was done in books; otherwise the tables came meanwhile. */
static bool map_in_books(struct weir_domain *domain, const struct weir_span *spans, unsigned int n,
			 uint32_t prot, int *out_err)
{
	unsigned long before = weir_spin_lock(&domain->spin);
	bool books = !weir_domain_table_(domain);

	if (books)
		*out_err = map_spans(domain, spans, n, prot);
	weir_spin_unlock(&domain->spin, before);
	return books;
}

/* Both ends of the range fall between mappings. */
static bool cuts_none(struct weir_domain *domain, uint64_t iova, uint64_t last)
{
	struct weir_mapping *at_start = weir_mapping_at_(domain, iova);
	struct weir_mapping *at_end = weir_mapping_at_(domain, last);

	return (!at_start || at_start->iova == iova) &&
	       (!at_end || at_end->iova + (at_end->bytes - 1) == last);
}

/* The first mappings of a range as a batch. @out_more: there are others behind it. */
static struct weir_mapping *gather(struct weir_domain *domain, uint64_t iova, uint64_t last,
				   bool *out_more)
{
	struct weir_mapping *batch = NULL, **end = &batch;
	struct weir_mapping *mapping = weir_mapping_from_(domain, iova);

	for (unsigned int n = 0; n < UNMAP_BATCH && mapping && mapping->iova <= last; n++) {
		*end = mapping;
		end = &mapping->next;
		mapping = weir_mapping_next_(mapping);
	}
	*end = NULL;
	*out_more = mapping && mapping->iova <= last;
	return batch;
}

static uint64_t bytes_of(const struct weir_mapping *batch)
{
	uint64_t bytes = 0;

	for (; batch; batch = batch->next)
		bytes += batch->bytes;
	return bytes;
}

/* Return: 0; WEIR_EIO: all of the batch stays in the books. */
static int unmap_batch(struct weir_domain *domain, struct weir_mapping *batch, bool wait)
{
	struct weir_part *part;
	int result = 0;

	weir_list_each(part, &domain->parts, struct weir_part, node)
		if (weir_part_unmap_(part, batch, NULL, wait))
			result = WEIR_EIO;
	if (!result) {
		weir_tables_unmapped_(domain, batch);
		forget(domain, batch);
	}
	return result;
}

/* Return: 1 the tables came meanwhile; 0; negative. */
static int unmap_in_books(struct weir_domain *domain, uint64_t iova, uint64_t bytes, bool wait,
			  uint64_t *out_unmapped)
{
	uint64_t last = iova + (bytes - 1), unmapped = 0;
	unsigned long before = weir_spin_lock(&domain->spin);
	int err = weir_domain_table_(domain) ? 1 : check_range(domain, iova, bytes);
	struct weir_mapping *batch;
	bool more;

	if (!err && !cuts_none(domain, iova, last))
		err = WEIR_EINVAL;
	while (!err && (batch = gather(domain, iova, last, &more))) {
		unmapped += bytes_of(batch);
		err = unmap_batch(domain, batch, wait);
		if (!more)
			break;
		/* interrupts had to wait long enough; nobody else maps what is being unmapped */
		weir_spin_unlock(&domain->spin, before);
		before = weir_spin_lock(&domain->spin);
		if (!err && weir_domain_table_(domain))
			err = 1; /* and the rest is there */
	}
	weir_spin_unlock(&domain->spin, before);
	*out_unmapped = unmapped;
	return err;
}

/* ---- mapping ---- */

int weir_domain_map_spans_(struct weir_domain *domain, const struct weir_span *spans,
			   unsigned int n, uint32_t prot)
{
	int err = prot & (WEIR_MAP_READ | WEIR_MAP_WRITE) ? 0 : WEIR_EINVAL;

	if (err || (!weir_domain_table_(domain) && map_in_books(domain, spans, n, prot, &err)))
		return err;
	for (unsigned int i = 0; i < n && !err; i++)
		err = check_span(domain, &spans[i]);
	return err ? err : weir_tables_map_(domain, spans, n, prot);
}

static int map_one(struct weir_domain *domain, uint64_t iova, uint64_t pa, uint64_t bytes,
		   uint32_t prot)
{
	const struct weir_span span = { .iova = iova, .pa = pa, .bytes = bytes };

	return weir_domain_map_spans_(domain, &span, 1, prot);
}

int weir_domain_map(struct weir_domain *domain, uint64_t iova, uint64_t pa, uint64_t bytes,
		    uint32_t prot)
{
	int err = map_one(domain, iova, pa, bytes, prot);

	return err == WEIR_UNCONFIRMED_ ? WEIR_EIO : err;
}

int weir_domain_map_page_(struct weir_domain *domain, uint64_t iova, uint64_t pa, uint64_t bytes,
			  uint32_t prot)
{
	struct weir_table *table = weir_domain_table_(domain);

	return table ? weir_table_map(table, iova, pa, bytes, prot)
		     : map_one(domain, iova, pa, bytes, prot);
}

static int unmap(struct weir_domain *domain, uint64_t iova, uint64_t bytes, bool wait,
		 uint64_t *out_unmapped)
{
	uint64_t earlier = 0;
	int err = 1;

	if (!weir_domain_table_(domain)) {
		err = unmap_in_books(domain, iova, bytes, wait, out_unmapped);
		if (err <= 0)
			return err;
		earlier = *out_unmapped;
	}
	err = check_range(domain, iova, bytes);
	if (err)
		return err;
	err = weir_tables_unmap_(domain, iova, bytes, wait, out_unmapped);
	*out_unmapped += earlier;
	return err;
}

int weir_domain_unmap(struct weir_domain *domain, uint64_t iova, uint64_t bytes)
{
	uint64_t unmapped;

	return unmap(domain, iova, bytes, true, &unmapped);
}

int weir_domain_unmap_whole_(struct weir_domain *domain, uint64_t iova, uint64_t bytes, bool wait)
{
	struct weir_table *table = weir_domain_table_(domain);
	struct weir_table_gather gather = { 0 };
	uint64_t unmapped = 0;
	int err;

	if (table) {
		err = weir_table_unmap(table, iova, bytes, &gather);
		return weir_tables_unmap_rest_(domain, iova, bytes, wait, err, &gather);
	}
	err = unmap(domain, iova, bytes, wait, &unmapped);
	return !err && unmapped != bytes ? WEIR_ENOENT : err;
}

int weir_domain_sync_(struct weir_domain *domain)
{
	struct weir_part *part;
	unsigned long before;
	int result = 0;

	if (weir_domain_table_(domain))
		return weir_tables_flush_(domain);
	before = weir_spin_lock(&domain->spin);
	weir_list_each(part, &domain->parts, struct weir_part, node)
		if (weir_part_sync_(part))
			result = WEIR_EIO;
	weir_spin_unlock(&domain->spin, before);
	return result;
}

int weir_domain_next_(struct weir_domain *domain, uint64_t iova,
		      struct weir_domain_mapping *out_mapping)
{
	const struct weir_mapping *mapping;

	if (weir_domain_table_(domain))
		return weir_tables_next_(domain, iova, out_mapping);
	mapping = weir_mapping_from_(domain, iova);
	if (!mapping)
		return WEIR_ENOENT;
	*out_mapping = (struct weir_domain_mapping){
		.iova = mapping->iova, .pa = mapping->pa, .bytes = mapping->bytes,
		.prot = mapping->prot,
	};
	return 0;
}

int weir_domain_mapping_get(struct weir_domain *domain, uint64_t iova,
			    struct weir_domain_mapping *out_mapping)
{
	unsigned long before = weir_spin_lock(&domain->spin);
	int err = weir_domain_next_(domain, iova, out_mapping);

	weir_spin_unlock(&domain->spin, before);
	return err;
}

int weir_domain_translate(struct weir_domain *domain, uint64_t iova, uint64_t *out_pa)
{
	const struct weir_mapping *mapping;
	unsigned long before;
	int err = WEIR_ENOENT;

	if (domain->type == WEIR_DOMAIN_IDENTITY) {
		*out_pa = iova;
		return 0;
	}
	before = weir_spin_lock(&domain->spin);
	if (weir_domain_table_(domain)) {
		err = weir_table_translate(weir_domain_table_(domain), iova, out_pa);
	} else if ((mapping = weir_mapping_at_(domain, iova))) {
		*out_pa = mapping->pa + (iova - mapping->iova);
		err = 0;
	}
	weir_spin_unlock(&domain->spin, before);
	return err;
}
