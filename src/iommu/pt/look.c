// SPDX-License-Identifier: MIT
/*
 * Looking at tables, and keeping them in order: translating, listing what is mapped, making
 * tables in advance, unlinking those that map nothing. All go down the slots, one table at a time.
 */
#include "iommu/pt/pt.h"

struct weir_pt_node *weir_pt_near_(struct weir_table *t, uint64_t iova)
{
	uint64_t base = iova >> t->near_lg2;
	struct weir_pt_node *node = atomic_load_explicit(&t->near[base % WEIR_PT_NEAR],
							 memory_order_acquire);

	if (node && node->base == base)
		return node;
	node = t->root;
	for (unsigned int height = t->top; node && height > 1; height--)
		node = weir_pt_below(node, height, weir_pt_index_(t, iova, height));
	if (node)
		atomic_store_explicit(&t->near[node->base % WEIR_PT_NEAR], node,
				      memory_order_release);
	return node;
}

int weir_pt_translate_(struct weir_table *t, uint64_t iova, uint64_t *out_pa)
{
	unsigned int height = t->top;
	struct weir_pt_node *node = t->root;
	uint64_t entry;

	if (iova > t->iova_last)
		return WEIR_ENOENT;
	for (;; height--) {
		uint32_t index = weir_pt_index_(t, iova, height);
		void *child = weir_pt_below(node, height, index);

		if (!child) {
			entry = weir_pt_get_(t, node->entries, index);
			break;
		}
		if (height == 1) {
			height = 0;
			entry = weir_pt_get_(t, child, weir_pt_index_(t, iova, 0));
			break;
		}
		node = child;
	}
	if (!t->kind->is_leaf(entry, height))
		return WEIR_ENOENT;
	*out_pa = t->kind->pa(t, entry, height, weir_pt_index_(t, iova, height)) |
		  (iova & ((UINT64_C(1) << t->shift[height]) - 1));
	return 0;
}

/* How many entries from @index on say the same, of memory that goes on. */
static uint64_t alike(const struct weir_table *t, const void *entries, unsigned int height,
		      uint64_t index)
{
	uint64_t entry = weir_pt_get_(t, entries, index), n = 1, next;
	uint64_t pa = t->kind->pa(t, entry, height, index);

	for (; index + n < weir_pt_entries_(t, height); n++) {
		next = weir_pt_get_(t, entries, index + n);
		if (!t->kind->is_leaf(next, height) ||
		    t->kind->attr(t, next, height) != t->kind->attr(t, entry, height) ||
		    t->kind->pa(t, next, height, index + n) != pa + (n << t->shift[height]))
			break;
	}
	return n;
}

/* The first page from @iova on in a table; false: there is none. */
static bool next_in(const struct weir_table *t, const void *entries, struct weir_pt_node *node,
		    unsigned int height, uint64_t iova, uint64_t base,
		    struct weir_table_mapping *out)
{
	uint64_t first = (iova - base) >> t->shift[height];

	for (uint64_t i = first; i < weir_pt_entries_(t, height); i++) {
		uint64_t at = base + (i << t->shift[height]), entry;
		void *child = node ? weir_pt_below(node, height, i) : NULL;
		struct weir_pt_node *below = height > 1 ? child : NULL;

		if (child) {
			if (next_in(t, below ? below->entries : child, below, height - 1,
				    i == first ? iova : at, at, out))
				return true;
			continue;
		}
		entry = weir_pt_get_(t, entries, i);
		if (!t->kind->is_leaf(entry, height))
			continue;
		*out = (struct weir_table_mapping){
			.iova = at,
			.pa = t->kind->pa(t, entry, height, i),
			.bytes = alike(t, entries, height, i) << t->shift[height],
			.prot = t->kind->prot(t, entry, height),
		};
		return true;
	}
	return false;
}

int weir_table_next(const struct weir_table *t, uint64_t iova, struct weir_table_mapping *out_mapping)
{
	struct weir_table_mapping found;
	uint64_t skip;

	if (iova > t->iova_last || !next_in(t, t->root->entries, t->root, t->top, iova, 0, &found))
		return WEIR_ENOENT;
	/* from the page of @iova on, when the entry began before */
	iova &= ~((UINT64_C(1) << t->page_lg2) - 1);
	skip = found.iova < iova ? iova - found.iova : 0;
	*out_mapping = (struct weir_table_mapping){ found.iova + skip, found.pa + skip,
						    found.bytes - skip, found.prot };
	return 0;
}

/* The height whose pages have that size, hints or not; none: above the root. */
static unsigned int height_of(const struct weir_table *t, uint64_t page_bytes)
{
	unsigned int height;

	for (height = 0; height <= t->top; height++) {
		uint64_t size = UINT64_C(1) << t->shift[height];

		if (page_bytes == size ||
		    (t->hint_lg2[height] && page_bytes == size << t->hint_lg2[height]))
			break;
	}
	return height;
}

/* The tables above @height that @iova needs are there, and stay. */
static int reserve_one(struct weir_table *t, uint64_t iova, unsigned int height)
{
	struct weir_pt_node *node = t->root;

	for (unsigned int at = t->top; at > height;) {
		uint32_t index = weir_pt_index_(t, iova, at);
		void *child = weir_pt_below(node, at, index);
		uint64_t before;
		int err;

		if (!child) {
			if (t->kind->is_leaf(weir_pt_get_(t, node->entries, index), at))
				return WEIR_EEXIST;
			err = weir_pt_install_(t, node, at, index, true);
			if (err)
				return err;
			continue;
		}
		if (at == 1) {
			struct weir_pt_slot *slot = &node->slots[index];

			if (!weir_pt_take_(t, node, slot, 1, &before))
				continue;
			atomic_fetch_or(&slot->word, WEIR_PT_KEPT);
			atomic_fetch_sub(&slot->word, 1);
			return 0;
		}
		node = child;
		at--;
	}
	return 0;
}

/* Whether [iova, iova + bytes) is some, in the address space. */
static int check(const struct weir_table *t, uint64_t iova, uint64_t bytes)
{
	if (!bytes)
		return WEIR_EINVAL;
	return iova > t->iova_last || bytes - 1 > t->iova_last - iova ? WEIR_ERANGE : 0;
}

int weir_table_reserve(struct weir_table *t, uint64_t iova, uint64_t bytes, uint64_t page_bytes)
{
	unsigned int height = page_bytes ? height_of(t, page_bytes) : 0;
	uint64_t span, last = iova + (bytes - 1);
	int err = check(t, iova, bytes);

	if (err)
		return err;
	page_bytes = page_bytes ? page_bytes : UINT64_C(1) << t->page_lg2;
	if (height > t->top || !(t->page_sizes & page_bytes) || ((iova | bytes) & (page_bytes - 1)))
		return WEIR_EINVAL;
	/* the root is there */
	if (height == t->top)
		return 0;
	span = UINT64_C(1) << t->shift[height + 1];
	for (uint64_t at = iova; at <= last; at = (at | (span - 1)) + 1) {
		err = reserve_one(t, at, height);
		if (err)
			return err;
	}
	return 0;
}

static bool empty(const struct weir_table *t, const void *entries)
{
	uint64_t all = 0;

	for (uint64_t i = 0; i < weir_pt_entries_(t, 0); i++)
		all |= weir_pt_get_(t, entries, i);
	return !all;
}

static void trim(struct weir_table *t, struct weir_pt_node *node, unsigned int height,
		 uint64_t base, const struct weir_table_mapping *range,
		 struct weir_table_gather *gather)
{
	for (uint64_t i = 0; i < weir_pt_entries_(t, height); i++) {
		uint64_t at = base + (i << t->shift[height]);
		uint64_t last = at + ((UINT64_C(1) << t->shift[height]) - 1);
		void *child = weir_pt_below(node, height, i), *unlinked = gather->unlinked;

		if (!child || last < range->iova || at > range->iova + (range->bytes - 1))
			continue;
		if (height > 1) {
			trim(t, child, height - 1, at, range, gather);
			continue;
		}
		if (at < range->iova || last > range->iova + (range->bytes - 1))
			continue;
		if (!t->counted && !empty(t, child))
			continue;
		weir_pt_unlink_(t, node, &node->slots[i], gather);
		/* one address is enough to have walkers forget the way there */
		if (gather->unlinked != unlinked)
			weir_pt_gather(gather, at, UINT64_C(1) << t->page_lg2,
				       UINT64_C(1) << t->page_lg2);
	}
}

void weir_table_trim(struct weir_table *t, uint64_t iova, uint64_t bytes,
		     struct weir_table_gather *gather)
{
	struct weir_table_mapping range = { .iova = iova, .bytes = bytes };

	if (!check(t, iova, bytes))
		trim(t, t->root, t->top, 0, &range, gather);
}
