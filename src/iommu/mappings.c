// SPDX-License-Identifier: MIT
/*
 * What a domain has mapped: whole mappings as they were made, in an ordered tree.
 * O(log n) each. The domain's spin lock is held; memory comes from a few spare
 * mappings, then from the host.
 */
#include "iommu/priv.h"

#define MAX_SPARE 64u

static struct weir_mapping *of(struct weir_tree_node *node)
{
	return node ? weir_container_of(node, struct weir_mapping, node) : NULL;
}

struct weir_mapping *weir_mapping_from_(struct weir_domain *domain, uint64_t iova)
{
	struct weir_tree_node *node = domain->mappings.root;
	struct weir_mapping *best = NULL;

	while (node) {
		struct weir_mapping *mapping = of(node);

		if (iova - mapping->iova < mapping->bytes && iova >= mapping->iova)
			return mapping;
		if (iova < mapping->iova) {
			best = mapping;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return best;
}

struct weir_mapping *weir_mapping_at_(struct weir_domain *domain, uint64_t iova)
{
	struct weir_mapping *mapping = weir_mapping_from_(domain, iova);

	return mapping && mapping->iova <= iova ? mapping : NULL;
}

struct weir_mapping *weir_mapping_next_(struct weir_mapping *mapping)
{
	return of(weir_tree_next_(&mapping->node));
}

/* The power of two that addresses and size are multiples of. */
static unsigned int alignment(const struct weir_mapping *mapping)
{
	uint64_t bits = mapping->iova | mapping->pa | mapping->bytes;
	unsigned int lg2 = 0;

	for (unsigned int step = 32; step; step /= 2) {
		if (!(bits & ((UINT64_C(1) << step) - 1))) {
			bits >>= step;
			lg2 += step;
		}
	}
	return lg2;
}

static void insert(struct weir_domain *domain, struct weir_mapping *mapping)
{
	struct weir_tree_node **link = &domain->mappings.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = mapping->iova < of(parent)->iova ? &parent->left : &parent->right;
	}
	weir_tree_insert_(&domain->mappings, parent, link, &mapping->node);
	domain->aligned[alignment(mapping)]++;
}

static struct weir_mapping *take(struct weir_domain *domain)
{
	struct weir_mapping *mapping = domain->spare;

	if (!mapping)
		return weir_atomic_alloc(domain->m, sizeof(*mapping));
	domain->spare = mapping->next;
	domain->nr_spare--;
	return mapping;
}

static void give(struct weir_domain *domain, struct weir_mapping *mapping)
{
	if (domain->nr_spare == MAX_SPARE) {
		weir_atomic_free(domain->m, mapping, sizeof(*mapping));
		return;
	}
	mapping->next = domain->spare;
	domain->spare = mapping;
	domain->nr_spare++;
}

int weir_mapping_add_(struct weir_domain *domain, const struct weir_span *span, uint32_t prot,
		      struct weir_mapping **out_mapping)
{
	struct weir_mapping *near = weir_mapping_from_(domain, span->iova), *mapping;

	/* the last byte, not the first behind: a range may end with the address space */
	if (near && near->iova <= span->iova + (span->bytes - 1))
		return WEIR_EEXIST;
	mapping = take(domain);
	if (!mapping)
		return WEIR_ENOMEM;
	mapping->iova = span->iova;
	mapping->pa = span->pa;
	mapping->bytes = span->bytes;
	mapping->prot = prot;
	mapping->next = NULL;
	insert(domain, mapping);
	*out_mapping = mapping;
	return 0;
}

void weir_mapping_del_(struct weir_domain *domain, struct weir_mapping *mapping)
{
	domain->aligned[alignment(mapping)]--;
	weir_tree_erase_(&domain->mappings, &mapping->node);
	give(domain, mapping);
}

void weir_mappings_free_(struct weir_domain *domain)
{
	while (domain->mappings.root)
		weir_mapping_del_(domain, of(domain->mappings.root));
	while (domain->spare)
		weir_atomic_free(domain->m, take(domain), sizeof(struct weir_mapping));
}

bool weir_mappings_fit_(struct weir_domain *domain, const struct weir_domain_limits *limits)
{
	struct weir_mapping *first = of(weir_tree_first_(&domain->mappings));
	struct weir_mapping *last = of(weir_tree_last_(&domain->mappings));

	for (unsigned int i = 0; i < 64 && !(limits->page_bytes >> i & 1); i++)
		if (domain->aligned[i])
			return false;
	return !first || (first->iova >= limits->iova_min &&
			  last->iova + (last->bytes - 1) <= limits->iova_max);
}
