// SPDX-License-Identifier: MIT
/*
 * What a domain has mapped: whole mappings as they were made, in an ordered tree.
 * O(log n) each. The domain's lock is held.
 */
#include "iommu/priv.h"

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

int weir_mapping_insert_(struct weir_domain *domain, struct weir_mapping *mapping)
{
	struct weir_tree_node **link = &domain->mappings.root, *parent = NULL;
	struct weir_mapping *near = weir_mapping_from_(domain, mapping->iova);

	/* the last byte, not the first behind: a range may end with the address space */
	if (near && near->iova <= mapping->iova + (mapping->bytes - 1))
		return WEIR_EEXIST;
	while (*link) {
		parent = *link;
		link = mapping->iova < of(parent)->iova ? &parent->left : &parent->right;
	}
	weir_tree_insert_(&domain->mappings, parent, link, &mapping->node);
	return 0;
}

void weir_mapping_erase_(struct weir_domain *domain, struct weir_mapping *mapping)
{
	weir_tree_erase_(&domain->mappings, &mapping->node);
}
