// SPDX-License-Identifier: MIT
/*
 * Mapping, the long way: through several tables, with tables to be made, by large pages. First
 * everything is made ready - tables made, entries looked at and taken - then written, which cannot fail: so
 * a mapping that fails was never seen by a walker. Tables that were made for it stay.
 */
#include "iommu/pt/pt.h"

/* Entries of one table, which are dealt with at once. */
struct run {
	struct weir_pt_node *node; /* height 1 and more: that has them; 0: that has their table */
	struct weir_pt_slot *slot; /* height 0: of the table */
	uint32_t height, index;
	uint64_t n;
};

/* How far a mapping has come. */
struct place {
	uint64_t iova;
	const struct weir_table_piece *piece;
	uint64_t done; /* of the piece */
};

static void place_advance(const struct weir_table *t, struct place *at, const struct run *run)
{
	uint64_t bytes = run->n << t->shift[run->height];

	at->iova += bytes;
	at->done += bytes;
	if (at->done == at->piece->bytes) {
		at->piece++;
		at->done = 0;
	}
}

/* How many pages of a height fit; 0: none. They stop where a table stands. */
static uint64_t pages_that_fit(const struct weir_table *t, struct weir_pt_node *node,
			       const struct place *at, unsigned int height, uint32_t index)
{
	uint64_t size = UINT64_C(1) << t->shift[height], bytes = at->piece->bytes - at->done;
	uint64_t most = weir_pt_entries_(t, height) - index, n;

	if (!(t->blocks >> height & 1) || bytes < size ||
	    ((at->iova | (at->piece->pa + at->done)) & (size - 1)))
		return 0;
	if (most > bytes >> t->shift[height])
		most = bytes >> t->shift[height];
	for (n = 1; n < most && !weir_pt_below(node, height, index + n);)
		n++;
	return n;
}

/*
 * The entries that come next, at the height where the largest pages fit; tables on the way are
 * made. 0; WEIR_EEXIST for a page where a table has to be; WEIR_ENOMEM.
 */
static int find(struct weir_table *t, const struct place *at, struct run *out_run)
{
	struct weir_pt_node *node = t->root;
	unsigned int height = t->top;

	for (;;) {
		uint32_t index = weir_pt_index_(t, at->iova, height);
		void *child = weir_pt_below(node, height, index);
		struct run run = { node, NULL, height, index, 0 };
		int err;

		if (child && height > 1) {
			node = child;
			height--;
			continue;
		}
		if (child) {
			uint64_t pages = (at->piece->bytes - at->done) >> t->page_lg2;

			run.slot = &node->slots[index];
			run.height = 0;
			run.index = weir_pt_index_(t, at->iova, 0);
			run.n = weir_pt_entries_(t, 0) - run.index;
			if (run.n > pages)
				run.n = pages;
		} else {
			run.n = pages_that_fit(t, node, at, height, index);
		}
		if (run.n) {
			*out_run = run;
			return 0;
		}
		if (t->kind->is_leaf(weir_pt_get_(t, node->entries, index), height))
			return WEIR_EEXIST;
		err = weir_pt_install_(t, node, height, index, false);
		if (err)
			return err;
	}
}

static void *entries_of(const struct run *run)
{
	return run->slot ? weir_pt_child(run->slot) : run->node->entries;
}

static void give_back(const struct run *run)
{
	if (run->slot)
		atomic_fetch_sub_explicit(&run->slot->word, run->n, memory_order_release);
}

/* Finds the next entries and takes them. As find(), and WEIR_EEXIST when one is in use. */
static int take(struct weir_table *t, const struct place *at, struct run *out_run)
{
	uint64_t before = 1;
	struct run run;
	void *entries;

	do {
		int err = find(t, at, &run);

		if (err)
			return err;
	} while (run.slot && !weir_pt_take_(t, run.node, run.slot, run.n, &before));
	entries = entries_of(&run);
	for (uint64_t i = 0; before && i < run.n; i++) {
		if (weir_pt_get_(t, entries, run.index + i)) {
			give_back(&run);
			return WEIR_EEXIST;
		}
	}
	*out_run = run;
	return 0;
}

/* Large pages, with hints where address and memory are aligned to them. */
static void fill_blocks(struct weir_table *t, const struct run *run, uint64_t pa, uint64_t attr)
{
	uint64_t size_lg2 = t->shift[run->height], together = UINT64_C(1) << t->hint_lg2[run->height];
	uint64_t hinted = 0;

	for (uint64_t i = 0; i < run->n; i++) {
		uint64_t at = run->index + i, here = pa + (i << size_lg2);

		if (!(at & (together - 1)) && !(here >> size_lg2 & (together - 1)) && together > 1 &&
		    run->n - i >= together)
			hinted = together;
		weir_pt_set_(t, run->node->entries, at,
			    t->kind->leaf(t, here, attr, run->height, hinted));
		hinted -= !!hinted;
	}
}

static void write(struct weir_table *t, const struct run *run, const struct place *at,
		  uint64_t attr)
{
	uint64_t pa = at->piece->pa + at->done;

	if (run->slot)
		t->kind->fill(t, weir_pt_child(run->slot), run->index, run->n, pa, attr);
	else
		fill_blocks(t, run, pa, attr);
	weir_pt_clean_(t, run->slot ? weir_pt_word_pa(t, atomic_load(&run->slot->word))
				   : run->node->pa,
		      run->index, run->n);
	/* written, the entries keep the table for who has its range */
	if (!t->counted)
		give_back(run);
}

int weir_pt_map_(struct weir_table *t, uint64_t iova, const struct weir_table_piece *pieces,
		 unsigned int n, uint64_t attr)
{
	struct place start = { iova, pieces, 0 }, at = start, next;
	const struct weir_table_piece *end = pieces + n;
	struct run run;
	int err;

	for (; at.piece != end; at = next) {
		err = take(t, &at, &run);
		if (err)
			goto give_back;
		next = at;
		place_advance(t, &next, &run);
		/* all in one table: no second walk */
		if (at.iova == iova && next.piece == end) {
			write(t, &run, &at, attr);
			weir_pt_barrier(t);
			return 0;
		}
	}
	/* what was taken is where it was: it is found again without making anything */
	for (at = start; at.piece != end; place_advance(t, &at, &run)) {
		err = find(t, &at, &run);
		if (err)
			goto give_back;
		write(t, &run, &at, attr);
	}
	weir_pt_barrier(t);
	return 0;

give_back:
	for (next = start; next.iova != at.iova; place_advance(t, &next, &run)) {
		if (find(t, &next, &run))
			break;
		give_back(&run);
	}
	return err;
}

int weir_pt_map_large_(struct weir_table *t, uint64_t iova, uint64_t pa, uint64_t bytes, uint32_t prot)
{
	uint64_t within = (UINT64_C(1) << t->shift[1]) - 1;
	struct weir_pt_node *node;
	uint32_t index;

	if (bytes != within + 1 || !(t->blocks & 2) || (iova | pa) & within || iova > t->iova_last ||
	    pa > t->pa_last || prot >= WEIR_PT_PROTS || !t->attr[prot])
		goto more;
	node = weir_pt_near_(t, iova);
	index = weir_pt_index_(t, iova, 1);
	if (!node || weir_pt_child(&node->slots[index]) || weir_pt_get_(t, node->entries, index))
		goto more;
	weir_pt_set_(t, node->entries, index, t->kind->leaf(t, pa, t->attr[prot], 1, false));
	weir_pt_clean_(t, node->pa, index, 1);
	weir_pt_barrier(t);
	return 0;
more:
	return weir_pt_map_more_(t, iova, pa, bytes, prot);
}
