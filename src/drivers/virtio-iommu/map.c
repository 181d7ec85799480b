// SPDX-License-Identifier: MIT
/*
 * Domains and their mappings. A domain exists in the device only while an endpoint is
 * attached to it (Virtio 1.2, 5.13.6.1), so there are books: what is in them and was not
 * sent is sent when the first endpoint comes (attach.c).
 *
 * All under the lock of requests. Requests of one kind may be on their way together; a
 * MAP and an UNMAP may not, for nothing says in which order the device does them.
 */
#include "drivers/virtio-iommu/priv.h"

#include "drivers/virtio-iommu/regs.h"

/* ---- the books ---- */

static struct vmapping *mapping_of(struct weir_tree_node *node)
{
	return node ? weir_container_of(node, struct vmapping, node) : NULL;
}

static struct vmapping *find(const struct weir_viommu_domain *domain, uint64_t iova)
{
	struct weir_tree_node *node = domain->mappings.root;

	while (node) {
		struct vmapping *mapping = mapping_of(node);

		if (iova == mapping->iova)
			return mapping;
		node = iova < mapping->iova ? node->left : node->right;
	}
	return NULL;
}

/* Return: 0; WEIR_EEXIST. */
static int insert(struct weir_viommu_domain *domain, struct vmapping *mapping)
{
	struct weir_tree_node **link = &domain->mappings.root, *parent = NULL;
	uint64_t last = mapping->iova + (mapping->bytes - 1);

	while (*link) {
		struct vmapping *other = mapping_of(*link);

		parent = *link;
		if (last < other->iova)
			link = &parent->left;
		else if (mapping->iova > other->iova + (other->bytes - 1))
			link = &parent->right;
		else
			return WEIR_EEXIST;
	}
	weir_tree_insert_(&domain->mappings, parent, link, &mapping->node);
	return 0;
}

static void erase(struct weir_viommu_domain *domain, struct vmapping *mapping)
{
	weir_tree_erase_(&domain->mappings, &mapping->node);
	weir_atomic_free(domain->vi->m, mapping, sizeof(*mapping));
}

void weir_viommu_domain_empty_(struct weir_viommu_domain *domain)
{
	struct weir_tree_node *node;

	while ((node = weir_tree_first_(&domain->mappings)))
		erase(domain, mapping_of(node));
}

/* ---- domains ---- */

/* The lowest number that is free, and where in the list it belongs. */
static int pick_id(const struct weir_viommu *vi, uint32_t *out_id, struct weir_list **out_before)
{
	struct weir_viommu_domain *other;
	uint64_t id = vi->first_id;

	*out_before = (struct weir_list *)&vi->domains;
	weir_list_each(other, &vi->domains, struct weir_viommu_domain, node) {
		if (other->id != id) {
			*out_before = &other->node;
			break;
		}
		id++;
	}
	if (id > vi->last_id)
		return WEIR_ENOSPC;
	*out_id = (uint32_t)id;
	return 0;
}

int weir_viommu_domain_create(struct weir_viommu *vi, struct weir_viommu_domain **out_domain)
{
	struct weir_viommu_domain *domain = weir_atomic_alloc(vi->m, sizeof(*domain));
	struct weir_list *before_node;
	unsigned long before;
	int err;

	if (!domain)
		return WEIR_ENOMEM;
	domain->vi = vi;
	before = weir_spin_lock(&vi->lock);
	err = pick_id(vi, &domain->id, &before_node);
	if (!err)
		weir_list_add_tail(before_node, &domain->node);
	weir_spin_unlock(&vi->lock, before);
	if (err) {
		weir_atomic_free(vi->m, domain, sizeof(*domain));
		return err;
	}
	*out_domain = domain;
	return 0;
}

struct weir_viommu_domain *weir_viommu_domain_destroy(struct weir_viommu_domain *domain)
{
	struct weir_viommu *vi;
	struct vendpoint *endpoint;
	unsigned long before;

	if (!domain)
		return NULL;
	vi = domain->vi;
	before = weir_spin_lock(&vi->lock);
	weir_viommu_flush_(vi); /* nothing on its way refers to it any more, whatever the result */
	weir_list_each(endpoint, &vi->endpoints, struct vendpoint, node)
		if (endpoint->domain == domain)
			endpoint->domain = NULL;
	weir_viommu_domain_empty_(domain);
	weir_list_del(&domain->node);
	weir_spin_unlock(&vi->lock, before);
	weir_atomic_free(vi->m, domain, sizeof(*domain));
	return NULL;
}

/* ---- requests ---- */

static int send_map(struct weir_viommu_domain *domain, struct vmapping *mapping)
{
	uint32_t prot = mapping->prot;
	const struct vrequest request = {
		.type = REQ_MAP,
		.domain_id = domain->id,
		.domain = domain,
		.first = mapping->iova,
		.last = mapping->iova + (mapping->bytes - 1),
		.pa = mapping->pa,
		.flags = (prot & WEIR_MAP_READ ? MAP_READ : 0) |
			 (prot & WEIR_MAP_WRITE ? MAP_WRITE : 0) |
			 (prot & WEIR_MAP_DEVICE && domain->vi->features & VIOMMU_F_MMIO ? MAP_MMIO
											 : 0),
	};

	mapping->sent = true;
	return weir_viommu_queue_(domain->vi, &request, NULL);
}

int weir_viommu_send_some_(struct weir_viommu_domain *domain, unsigned int max)
{
	struct weir_tree_node *node;
	unsigned int n = 0;
	int err;

	for (node = weir_tree_first_(&domain->mappings); node; node = weir_tree_next_(node)) {
		struct vmapping *mapping = mapping_of(node);

		if (mapping->sent)
			continue;
		if (n++ == max)
			return 1;
		err = send_map(domain, mapping);
		if (err)
			return err;
	}
	return 0;
}

void weir_viommu_too_early_(struct weir_viommu_domain *domain, uint64_t iova)
{
	struct vmapping *mapping = find(domain, iova);

	if (mapping)
		mapping->sent = false;
}

void weir_viommu_unsend_(struct weir_viommu_domain *domain)
{
	struct weir_tree_node *node;

	for (node = weir_tree_first_(&domain->mappings); node; node = weir_tree_next_(node))
		mapping_of(node)->sent = false;
}

/* Not left to the device: some take what is not aligned, and round it. */
static int check(const struct weir_viommu *vi, uint64_t iova, uint64_t pa, uint64_t bytes,
		 uint32_t prot)
{
	if (!bytes || (iova | pa | bytes) & (vi->limits.page_bytes - 1) ||
	    !(prot & (WEIR_MAP_READ | WEIR_MAP_WRITE)))
		return WEIR_EINVAL;
	if (iova < vi->limits.iova_min || iova > vi->limits.iova_max ||
	    bytes - 1 > vi->limits.iova_max - iova || bytes - 1 > UINT64_MAX - pa)
		return WEIR_ERANGE;
	return 0;
}

static int map(struct weir_viommu_domain *domain, struct vmapping *mapping)
{
	struct weir_viommu *vi = domain->vi;
	int err = vi->dead ? WEIR_EIO : insert(domain, mapping);

	if (err)
		return err;
	if (!domain->nr_endpoints)
		return 0;
	err = send_map(domain, mapping);
	if (err)
		weir_tree_erase_(&domain->mappings, &mapping->node);
	return err;
}

int weir_viommu_map(struct weir_viommu_domain *domain, uint64_t iova, uint64_t pa, uint64_t bytes,
		    uint32_t prot)
{
	struct weir_viommu *vi = domain->vi;
	struct vmapping *mapping;
	unsigned long before;
	int err = check(vi, iova, pa, bytes, prot);

	if (err)
		return err;
	mapping = weir_atomic_alloc(vi->m, sizeof(*mapping));
	if (!mapping)
		return WEIR_ENOMEM;
	mapping->iova = iova;
	mapping->pa = pa;
	mapping->bytes = bytes;
	mapping->prot = prot;
	before = weir_spin_lock(&vi->lock);
	err = map(domain, mapping);
	weir_spin_unlock(&vi->lock, before);
	if (err)
		weir_atomic_free(vi->m, mapping, sizeof(*mapping));
	return err;
}

static int unmap(struct weir_viommu_domain *domain, uint64_t iova, uint64_t bytes)
{
	struct vmapping *mapping = find(domain, iova);
	const struct vrequest request = {
		.type = REQ_UNMAP,
		.domain_id = domain->id,
		.domain = domain,
		.first = iova,
		.last = iova + (bytes - 1),
	};
	bool sent;

	if (!mapping || mapping->bytes != bytes)
		return WEIR_ENOENT;
	sent = mapping->sent;
	erase(domain, mapping);
	if (!sent)
		return 0;
	if (domain->maps_queued && weir_viommu_flush_(domain->vi))
		return WEIR_EIO;
	return weir_viommu_queue_(domain->vi, &request, NULL);
}

int weir_viommu_unmap(struct weir_viommu_domain *domain, uint64_t iova, uint64_t bytes)
{
	unsigned long before = weir_spin_lock(&domain->vi->lock);
	int err = unmap(domain, iova, bytes);

	weir_spin_unlock(&domain->vi->lock, before);
	return err;
}

/* ---- syncs ---- */

int weir_viommu_sync_map_(struct weir_viommu_domain *domain)
{
	int err = weir_viommu_flush_(domain->vi);

	if (!err && domain->map_err)
		err = domain->map_err == WEIR_ENOMEM ? WEIR_ENOMEM : WEIR_EIO;
	domain->map_err = 0;
	return err;
}

int weir_viommu_sync_map(struct weir_viommu_domain *domain)
{
	unsigned long before = weir_spin_lock(&domain->vi->lock);
	int err = weir_viommu_sync_map_(domain);

	weir_spin_unlock(&domain->vi->lock, before);
	return err;
}

int weir_viommu_sync(struct weir_viommu_domain *domain)
{
	unsigned long before = weir_spin_lock(&domain->vi->lock);
	int err = weir_viommu_flush_(domain->vi);

	if (!err && domain->unmap_err)
		err = WEIR_EIO;
	domain->unmap_err = 0;
	weir_spin_unlock(&domain->vi->lock, before);
	return err;
}
