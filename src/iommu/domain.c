// SPDX-License-Identifier: MIT
/*
 * Domains: their life, their parts at instances, and what is mapped in them.
 *
 * A domain has one part at each instance where a stream is attached to it. A part
 * that comes later is given all mappings before its first stream; a mapping is made
 * at all parts or at none. The domain's lock guards parts and mappings and is held
 * around the calls of the instances.
 */
#include "iommu/priv.h"

static const struct weir_domain_limits default_limits = {
	.page_bytes = 4096,
	.iova_min = 0,
	.iova_max = (UINT64_C(1) << 48) - 1,
};

static void lock(struct weir_domain *domain)
{
	domain->m->ops->lock(domain->m->host, domain->lock);
}

static void unlock(struct weir_domain *domain)
{
	domain->m->ops->unlock(domain->m->host, domain->lock);
}

bool weir_domain_has_mappings_(const struct weir_domain *domain)
{
	return domain->type == WEIR_DOMAIN_DMA || domain->type == WEIR_DOMAIN_UNMANAGED;
}

/* ---- life ---- */

static int create(struct weir_machine *m, enum weir_domain_type type,
		  struct weir_domain **out_domain)
{
	struct weir_domain *domain = weir_alloc_(m, sizeof(*domain));

	if (!domain)
		return WEIR_ENOMEM;
	domain->lock = m->ops->lock_create(m->host, WEIR_LOCK_PARTS);
	if (!domain->lock) {
		weir_free_(m, domain, sizeof(*domain));
		return WEIR_ENOMEM;
	}
	domain->m = m;
	domain->type = type;
	domain->refs = 1;
	domain->limits = default_limits;
	weir_list_init(&domain->parts);
	*out_domain = domain;
	return 0;
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
		return create(m, type, out_domain);
	if (!*own) {
		err = create(m, type, own);
		if (err)
			return err;
	}
	(*own)->refs++;
	*out_domain = *own;
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

static void free_mappings(struct weir_domain *domain)
{
	struct weir_tree_node *node;

	while ((node = domain->mappings.root)) {
		struct weir_mapping *mapping = weir_container_of(node, struct weir_mapping, node);

		weir_mapping_erase_(domain, mapping);
		weir_free_(domain->m, mapping, sizeof(*mapping));
	}
}

void weir_domain_unref_(struct weir_domain *domain)
{
	struct weir_machine *m = domain->m;

	if (--domain->refs)
		return;
	weir_assert_(m, weir_list_empty(&domain->parts));
	free_mappings(domain);
	m->ops->lock_destroy(m->host, domain->lock);
	weir_free_(m, domain, sizeof(*domain));
}

struct weir_domain *weir_domain_ref(struct weir_domain *domain)
{
	weir_lock_(domain->m);
	domain->refs++;
	weir_unlock_(domain->m);
	return domain;
}

struct weir_domain *weir_domain_unref(struct weir_domain *domain)
{
	struct weir_machine *m;

	if (!domain)
		return NULL;
	m = domain->m;
	weir_lock_(m);
	weir_domain_unref_(domain);
	weir_unlock_(m);
	return NULL;
}

enum weir_domain_type weir_domain_type_get(const struct weir_domain *domain)
{
	return domain->type;
}

void weir_domain_limits_get(const struct weir_domain *domain, struct weir_domain_limits *out_limits)
{
	struct weir_domain *d = (struct weir_domain *)(uintptr_t)domain;

	lock(d);
	*out_limits = domain->limits;
	unlock(d);
}

/* ---- memory under the domain's lock: the machine's counters have their own lock ---- */

static void *alloc(struct weir_machine *m, size_t bytes)
{
	void *mem;

	weir_lock_(m);
	mem = weir_alloc_(m, bytes);
	weir_unlock_(m);
	return mem;
}

static void free_mem(struct weir_machine *m, void *mem, size_t bytes)
{
	weir_lock_(m);
	weir_free_(m, mem, bytes);
	weir_unlock_(m);
}

/* ---- parts ---- */

static int call_map(struct weir_part *part, const struct weir_mapping *mapping)
{
	const struct weir_iommu_ops *ops = part->iommu->ops;

	return ops->map ? ops->map(part->iommu->instance, part->driver, mapping->iova, mapping->pa,
				   mapping->bytes, mapping->prot)
			: 0;
}

static int call_unmap(struct weir_part *part, uint64_t iova, uint64_t bytes)
{
	const struct weir_iommu_ops *ops = part->iommu->ops;

	return ops->unmap ? ops->unmap(part->iommu->instance, part->driver, iova, bytes) : 0;
}

static int call_sync(struct weir_part *part)
{
	const struct weir_iommu_ops *ops = part->iommu->ops;

	return ops->sync ? ops->sync(part->iommu->instance, part->driver) : 0;
}

static struct weir_part *find_part(struct weir_domain *domain, const struct weir_iommu *iommu)
{
	struct weir_part *part;

	weir_list_each(part, &domain->parts, struct weir_part, node)
		if (part->iommu == iommu)
			return part;
	return NULL;
}

/* The limits as they would be with an instance more; what is mapped must fit them. */
static int narrow(struct weir_domain *domain, const struct weir_iommu *iommu,
		  struct weir_domain_limits *out_limits)
{
	struct weir_domain_limits l = default_limits;
	struct weir_mapping *mapping;

	if (iommu->ops->limits)
		iommu->ops->limits(iommu->instance, &l);
	if (l.page_bytes < domain->limits.page_bytes)
		l.page_bytes = domain->limits.page_bytes;
	if (l.iova_min < domain->limits.iova_min)
		l.iova_min = domain->limits.iova_min;
	if (l.iova_max > domain->limits.iova_max)
		l.iova_max = domain->limits.iova_max;
	for (mapping = weir_mapping_from_(domain, 0); mapping;
	     mapping = weir_mapping_next_(mapping))
		if (mapping->iova < l.iova_min || mapping->iova + (mapping->bytes - 1) > l.iova_max ||
		    ((mapping->iova | mapping->pa | mapping->bytes) & (l.page_bytes - 1)))
			return WEIR_EINVAL;
	*out_limits = l;
	return l.iova_min <= l.iova_max ? 0 : WEIR_EINVAL;
}

static int fill_part(struct weir_domain *domain, struct weir_part *part)
{
	struct weir_mapping *mapping;
	int err = 0;

	for (mapping = weir_mapping_from_(domain, 0); mapping && !err;
	     mapping = weir_mapping_next_(mapping))
		err = call_map(part, mapping);
	return err;
}

static void drop_part(struct weir_domain *domain, struct weir_part *part)
{
	const struct weir_iommu_ops *ops = part->iommu->ops;

	if (ops->part_destroy)
		ops->part_destroy(part->iommu->instance, part->driver);
	weir_list_del(&part->node);
	free_mem(domain->m, part, sizeof(*part));
}

static int make_part(struct weir_domain *domain, struct weir_iommu *iommu,
		     struct weir_part **out_part)
{
	struct weir_domain_limits limits;
	struct weir_part *part;
	int err = narrow(domain, iommu, &limits);

	if (err)
		return err;
	part = alloc(domain->m, sizeof(*part));
	if (!part)
		return WEIR_ENOMEM;
	part->iommu = iommu;
	weir_list_init(&part->node);
	if (iommu->ops->part_create)
		err = iommu->ops->part_create(iommu->instance, domain, &part->driver);
	if (err) {
		free_mem(domain->m, part, sizeof(*part));
		return err;
	}
	err = fill_part(domain, part);
	if (err) {
		drop_part(domain, part);
		return err;
	}
	weir_list_add_tail(&domain->parts, &part->node);
	domain->limits = limits;
	*out_part = part;
	return 0;
}

int weir_part_get_(struct weir_domain *domain, struct weir_iommu *iommu, void **out_driver)
{
	struct weir_part *part;
	int err = 0;

	*out_driver = NULL;
	if (!weir_domain_has_mappings_(domain))
		return 0;
	lock(domain);
	part = find_part(domain, iommu);
	if (!part)
		err = make_part(domain, iommu, &part);
	else if (part->broken)
		err = WEIR_EIO;
	if (!err) {
		part->nr_streams++;
		*out_driver = part->driver;
	}
	unlock(domain);
	return err;
}

void weir_part_put_(struct weir_domain *domain, struct weir_iommu *iommu)
{
	struct weir_part *part;

	if (!weir_domain_has_mappings_(domain))
		return;
	lock(domain);
	part = find_part(domain, iommu);
	if (part && --part->nr_streams == 0)
		drop_part(domain, part);
	unlock(domain);
}

/* ---- mapping ---- */

static int check_range(const struct weir_domain *domain, uint64_t iova, uint64_t bytes)
{
	const struct weir_domain_limits *l = &domain->limits;

	if (!weir_domain_has_mappings_(domain) || !bytes ||
	    ((iova | bytes) & (l->page_bytes - 1)))
		return WEIR_EINVAL;
	if (iova + (bytes - 1) < iova || iova < l->iova_min || iova + (bytes - 1) > l->iova_max)
		return WEIR_ERANGE;
	return 0;
}

/* Undoes a mapping at the parts before @end. */
static void unmap_until(struct weir_domain *domain, struct weir_part *end,
			const struct weir_mapping *mapping)
{
	struct weir_part *part;

	weir_list_each(part, &domain->parts, struct weir_part, node) {
		if (part == end)
			return;
		if (call_unmap(part, mapping->iova, mapping->bytes) || call_sync(part))
			part->broken = true;
	}
}

static int map_everywhere(struct weir_domain *domain, struct weir_mapping *mapping)
{
	struct weir_part *part;

	weir_list_each(part, &domain->parts, struct weir_part, node) {
		int err = call_map(part, mapping);

		if (!err)
			continue;
		unmap_until(domain, part, mapping);
		return err;
	}
	return 0;
}

int weir_domain_map(struct weir_domain *domain, uint64_t iova, uint64_t pa, uint64_t bytes,
		    uint32_t prot)
{
	struct weir_machine *m = domain->m;
	struct weir_mapping *mapping;
	int err;

	if (!(prot & (WEIR_MAP_READ | WEIR_MAP_WRITE)))
		return WEIR_EINVAL;
	mapping = alloc(m, sizeof(*mapping));
	if (!mapping)
		return WEIR_ENOMEM;
	mapping->iova = iova;
	mapping->pa = pa;
	mapping->bytes = bytes;
	mapping->prot = prot;
	lock(domain);
	err = check_range(domain, iova, bytes);
	if (!err && (pa & (domain->limits.page_bytes - 1)))
		err = WEIR_EINVAL;
	if (!err && pa + (bytes - 1) < pa)
		err = WEIR_ERANGE;
	if (!err)
		err = weir_mapping_insert_(domain, mapping);
	if (!err) {
		err = map_everywhere(domain, mapping);
		if (err)
			weir_mapping_erase_(domain, mapping);
	}
	unlock(domain);
	if (err)
		free_mem(m, mapping, sizeof(*mapping));
	return err;
}

/* Both ends of the range fall between mappings. */
static bool cuts_none(struct weir_domain *domain, uint64_t iova, uint64_t last)
{
	struct weir_mapping *at_start = weir_mapping_at_(domain, iova);
	struct weir_mapping *at_end = weir_mapping_at_(domain, last);

	return (!at_start || at_start->iova == iova) &&
	       (!at_end || at_end->iova + (at_end->bytes - 1) == last);
}

static int unmap_everywhere(struct weir_domain *domain, uint64_t iova, uint64_t last)
{
	struct weir_mapping *mapping;
	struct weir_part *part;
	int result = 0;

	weir_list_each(part, &domain->parts, struct weir_part, node) {
		int err = 0;

		for (mapping = weir_mapping_from_(domain, iova);
		     mapping && mapping->iova <= last && !err;
		     mapping = weir_mapping_next_(mapping))
			err = call_unmap(part, mapping->iova, mapping->bytes);
		if (!err)
			err = call_sync(part);
		if (!err)
			continue;
		part->broken = true;
		result = WEIR_EIO;
	}
	return result;
}

static void forget(struct weir_domain *domain, uint64_t iova, uint64_t last)
{
	struct weir_mapping *mapping = weir_mapping_from_(domain, iova), *next;

	for (; mapping && mapping->iova <= last; mapping = next) {
		next = weir_mapping_next_(mapping);
		weir_mapping_erase_(domain, mapping);
		free_mem(domain->m, mapping, sizeof(*mapping));
	}
}

int weir_domain_unmap(struct weir_domain *domain, uint64_t iova, uint64_t bytes)
{
	uint64_t last = iova + (bytes - 1);
	int err;

	lock(domain);
	err = check_range(domain, iova, bytes);
	if (!err && !cuts_none(domain, iova, last))
		err = WEIR_EINVAL;
	if (!err)
		err = unmap_everywhere(domain, iova, last);
	if (!err)
		forget(domain, iova, last);
	unlock(domain);
	return err;
}

int weir_domain_translate(struct weir_domain *domain, uint64_t iova, uint64_t *out_pa)
{
	struct weir_mapping *mapping;
	int err = WEIR_ENOENT;

	if (domain->type == WEIR_DOMAIN_IDENTITY) {
		*out_pa = iova;
		return 0;
	}
	lock(domain);
	mapping = weir_mapping_at_(domain, iova);
	if (mapping) {
		*out_pa = mapping->pa + (iova - mapping->iova);
		err = 0;
	}
	unlock(domain);
	return err;
}
