// SPDX-License-Identifier: MIT
/*
 * With the option debug: every mapping of a device, by address, with who made it. So a
 * wrong unmap or sync is caught where it is made, and a leak is named and taken away.
 * Mappings that are not translated may be there twice under one address.
 */
#include "core/text.h"
#include "dma/priv.h"

#define NAMED 8u /* leaks that are named one by one */

struct tracked {
	struct weir_tree_node node;
	uint64_t iova, bytes;
	uint32_t how;
	struct weir_dma_where where;
};

static struct tracked *of(struct weir_tree_node *node)
{
	return node ? weir_container_of(node, struct tracked, node) : NULL;
}

static void put_where(char *buf, size_t bytes, struct weir_dma_where where)
{
	if (where.text)
		weir_format_(buf, bytes, "%s", where.text);
	else
		weir_format_(buf, bytes, "0x%llx", (unsigned long long)(uintptr_t)where.pc);
}

void weir_dma_report_(struct weir_dma *dma, const char *what, uint64_t iova, uint64_t bytes,
		      struct weir_dma_where where)
{
	char place[80];

	put_where(place, sizeof(place), where);
	weir_logf_(dma->m, WEIR_LOG_ERR, "dma: %s: %s: 0x%llx, %llu byte(s), at %s", dma->dev->name,
		   what, (unsigned long long)iova, (unsigned long long)bytes, place);
}

static int track(struct weir_dma *dma, uint64_t iova, uint64_t bytes, uint32_t how,
		 struct weir_dma_where where)
{
	struct weir_tree_node **link, *parent = NULL;
	struct tracked *t;
	unsigned long before;

	t = weir_atomic_alloc(dma->m, sizeof(*t));
	if (!t)
		return WEIR_ENOMEM;
	t->iova = iova;
	t->bytes = bytes;
	t->how = how;
	t->where = where;
	before = weir_spin_lock(&dma->spin);
	for (link = &dma->tracked.root; *link;) {
		parent = *link;
		link = iova < of(parent)->iova ? &parent->left : &parent->right;
	}
	weir_tree_insert_(&dma->tracked, parent, link, &t->node);
	weir_spin_unlock(&dma->spin, before);
	return 0;
}

/* The lowest one at or above @iova. */
static struct tracked *from(const struct weir_dma *dma, uint64_t iova)
{
	struct weir_tree_node *node = dma->tracked.root;
	struct tracked *best = NULL;

	while (node) {
		if (of(node)->iova >= iova) {
			best = of(node);
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return best;
}

static int untrack(struct weir_dma *dma, uint64_t iova, uint64_t bytes, uint32_t how,
		   struct weir_dma_where where)
{
	struct tracked *t, *near = NULL, other = { 0 };
	unsigned long before;
	char place[80];

	before = weir_spin_lock(&dma->spin);
	for (t = from(dma, iova); t && t->iova == iova; t = of(weir_tree_next_(&t->node))) {
		near = t;
		if (t->bytes == bytes && !((t->how ^ how) & WEIR_DMA_DIRECTION))
			break;
	}
	if (t && t->iova == iova)
		weir_tree_erase_(&dma->tracked, &t->node);
	else
		t = NULL;
	if (!t && near)
		other = *near;
	weir_spin_unlock(&dma->spin, before);
	if (t) {
		weir_atomic_free(dma->m, t, sizeof(*t));
		return 0;
	}
	if (!near) {
		weir_dma_report_(dma, "unmap of what is not mapped", iova, bytes, where);
		return WEIR_EINVAL;
	}
	weir_dma_report_(dma, "unmap with another size or direction", iova, bytes, where);
	put_where(place, sizeof(place), other.where);
	weir_logf_(dma->m, WEIR_LOG_ERR, "dma: %s: it was mapped with %llu byte(s), direction %u, at %s",
		   dma->dev->name, (unsigned long long)other.bytes, other.how & WEIR_DMA_DIRECTION,
		   place);
	return WEIR_EINVAL;
}

/* Disjoint when translated; else the nearest below is taken for the answer. */
static void check_sync(struct weir_dma *dma, uint64_t iova, uint64_t bytes,
		       struct weir_dma_where where)
{
	struct weir_tree_node *node;
	bool inside = false;
	unsigned long before;

	before = weir_spin_lock(&dma->spin);
	for (node = dma->tracked.root; node && !inside;) {
		const struct tracked *t = of(node);

		inside = iova >= t->iova && iova - t->iova < t->bytes &&
			 bytes <= t->bytes - (iova - t->iova);
		node = iova < t->iova ? node->left : node->right;
	}
	weir_spin_unlock(&dma->spin, before);
	if (!inside)
		weir_dma_report_(dma, "sync of what is not mapped", iova, bytes, where);
}

static struct tracked *take_first(struct weir_dma *dma)
{
	unsigned long before = weir_spin_lock(&dma->spin);
	struct tracked *t = of(weir_tree_first_(&dma->tracked));

	if (t)
		weir_tree_erase_(&dma->tracked, &t->node);
	weir_spin_unlock(&dma->spin, before);
	return t;
}

static void drop(struct weir_dma *dma)
{
	struct tracked *t;

	for (unsigned int n = 0; (t = take_first(dma)); n++) {
		if (n < NAMED)
			weir_dma_report_(dma, "its driver left it mapped", t->iova, t->bytes,
					 t->where);
		(void)weir_dma_unmap_piece_(dma, t->iova, t->bytes, t->how | WEIR_DMA_NO_SYNC);
		weir_atomic_free(dma->m, t, sizeof(*t));
	}
}

const struct weir_dma_tracking weir_dma_tracking_ = {
	.add = track,
	.del = untrack,
	.check_sync = check_sync,
	.drop = drop,
};
