// SPDX-License-Identifier: MIT
/*
 * Unmapping, the long way: of large pages, through several tables, and of a part of a larger
 * page. The last is what the architecture makes hard: a walker may hold the page, and must not see
 * its table beside it (break-before-make, DDI 0487 D8.16; IHI 0070 3.21.1). What it stands is
 * config.bbm_level:
 *
 *   0  nothing: refused. To break the page first would make DMA to the rest of it fail.
 *   1  a page whose nT bit was set, and of which older copies are gone, may become a table:
 *      the bit is set now, and the caller comes again when that is invalidated.
 *   2  anything that says the same of all addresses, also without a hint.
 */
#include "iommu/pt/pt.h"

/* The page or the hole at an address. */
struct place {
	struct weir_pt_node *node; /* height 1 and more: that has the entry */
	void *entries;             /* of the table that has it */
	uint64_t table_pa;
	uint64_t entry;            /* 0: a hole */
	uint32_t height, index;
};

static struct place look(struct weir_table *t, uint64_t iova)
{
	struct place at = { .node = t->root, .height = t->top };

	for (;;) {
		void *child;

		at.index = weir_pt_index_(t, iova, at.height);
		child = weir_pt_below(at.node, at.height, at.index);
		if (!child)
			break;
		if (at.height == 1) {
			struct weir_pt_slot *slot = &at.node->slots[at.index];

			at.height = 0;
			at.index = weir_pt_index_(t, iova, 0);
			at.entries = child;
			at.table_pa = weir_pt_word_pa(t, atomic_load(&slot->word));
			at.entry = weir_pt_get_(t, child, at.index);
			return at;
		}
		at.node = child;
		at.height--;
	}
	at.entries = at.node->entries;
	at.table_pa = at.node->pa;
	at.entry = weir_pt_get_(t, at.entries, at.index);
	return at;
}

/* A page of its own from now on, each of those that a hint made one. */
static void unhint(struct weir_table *t, const struct place *at)
{
	uint64_t n = UINT64_C(1) << t->hint_lg2[at->height], first = at->index & ~(n - 1);

	/* by the bit: another thread may be clearing entries of its own in the same run */
	for (uint64_t i = first; i < first + n; i++) {
		if (t->entry_lg2 == 3)
			atomic_fetch_and((_Atomic uint64_t *)at->entries + i, ~t->kind->hint);
		else
			atomic_fetch_and((_Atomic uint32_t *)at->entries + i,
					 (uint32_t)~t->kind->hint);
	}
	weir_pt_clean_(t, at->table_pa, first, n);
}

/* Sets the bit that lets a page be split, if it is a page still. */
static void mark(struct weir_table *t, const struct place *at)
{
	unsigned long before = weir_spin_lock(&t->spin);

	if (weir_pt_get_(t, at->entries, at->index) == at->entry) {
		weir_pt_set_(t, at->entries, at->index, at->entry | t->kind->no_tlb);
		weir_pt_clean_(t, at->table_pa, at->index, 1);
	}
	weir_spin_unlock(&t->spin, before);
}

/*
 * Sees to it that a page ends at @edge, if one goes over it. @gather NULL: only looks whether
 * that can be. 0; WEIR_EBUSY; WEIR_EAGAIN; WEIR_ENOMEM.
 */
static int cut(struct weir_table *t, uint64_t edge, struct weir_table_gather *gather)
{
	for (;;) {
		struct place at = look(t, edge);
		uint64_t bytes = UINT64_C(1) << t->shift[at.height];
		bool hinted = weir_pt_hinted(t, at.entry, at.height);
		int err;

		if (!t->kind->is_leaf(at.entry, at.height))
			return 0;
		bytes <<= hinted ? t->hint_lg2[at.height] : 0;
		if (!(edge & (bytes - 1)))
			return 0;
		if (t->bbm_level < (hinted ? 2 : 1))
			return WEIR_EBUSY;
		if (!gather)
			return 0;
		weir_pt_gather(gather, edge & ~(bytes - 1), bytes, 0);
		if (hinted) {
			unhint(t, &at);
			continue;
		}
		if (t->bbm_level == 1 && !(at.entry & t->kind->no_tlb)) {
			mark(t, &at);
			return WEIR_EAGAIN;
		}
		gather->what.tables = true;
		err = weir_pt_split_(t, at.node, at.height, at.index);
		if (err)
			return err;
	}
}

static int cut_both(struct weir_table *t, uint64_t iova, uint64_t bytes,
		    struct weir_table_gather *gather)
{
	bool to_the_end = iova + (bytes - 1) == t->iova_last;
	int first = cut(t, iova, gather), second;

	if (first && first != WEIR_EAGAIN)
		return first;
	second = to_the_end ? 0 : cut(t, iova + bytes, gather);
	return second ? second : first;
}

int weir_pt_unmap_(struct weir_table *t, uint64_t iova, uint64_t bytes,
		   struct weir_table_gather *gather)
{
	int err = cut_both(t, iova, bytes, NULL);

	if (!err)
		err = cut_both(t, iova, bytes, gather);
	if (err)
		return err;
	while (bytes) {
		struct place at = look(t, iova);
		/* up to the end of the table at the last level, of the entry above */
		uint64_t size = UINT64_C(1) << t->shift[at.height ? at.height : 1];
		uint64_t here = size - (iova & (size - 1));

		if (here > bytes)
			here = bytes;
		if (!at.height) {
			t->kind->unmap_run(t, iova, here, gather);
		} else if (t->kind->is_leaf(at.entry, at.height)) {
			weir_pt_set_(t, at.entries, at.index, 0);
			weir_pt_clean_(t, at.table_pa, at.index, 1);
			gather->unmapped_bytes += here;
			weir_pt_gather(gather, iova, here, here);
		}
		iova += here;
		bytes -= here;
	}
	return 0;
}

int weir_pt_unmap_large_(struct weir_table *t, uint64_t iova, uint64_t bytes,
			 struct weir_table_gather *gather)
{
	struct weir_pt_node *node;
	uint64_t entry;
	uint32_t index;

	if (bytes != UINT64_C(1) << t->shift[1] || iova & (bytes - 1) || iova > t->iova_last)
		goto more;
	node = weir_pt_near_(t, iova);
	index = weir_pt_index_(t, iova, 1);
	if (!node || weir_pt_child(&node->slots[index]))
		goto more;
	entry = weir_pt_get_(t, node->entries, index);
	if (!t->kind->is_leaf(entry, 1) || weir_pt_hinted(t, entry, 1))
		goto more;
	weir_pt_set_(t, node->entries, index, 0);
	weir_pt_clean_(t, node->pa, index, 1);
	gather->unmapped_bytes += bytes;
	weir_pt_gather(gather, iova, bytes, bytes);
	return 0;
more:
	return weir_pt_unmap_more_(t, iova, bytes, gather);
}
