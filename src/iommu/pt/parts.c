// SPDX-License-Identifier: MIT
/*
 * Last-level tables that are smaller than a page of the host: neighbours share one, that of entry i has the
 * part i % sharers. The page comes with the first of them and goes with the last. Nothing is kept
 * about pages: slots say what is there, and tables come and go under the lock.
 */
#include "iommu/pt/pt.h"

static uint64_t part_bytes(const struct weir_table *t)
{
	return weir_pt_entries_(t, 0) << t->entry_lg2;
}

/* The page of the tables behind @first and its sharers; false: there are none. */
static bool find(const struct weir_table *t, struct weir_pt_slot *first,
		 struct weir_pt_fresh *out_page)
{
	uint64_t bytes = part_bytes(t);

	for (unsigned int i = 0; i < t->sharers; i++) {
		unsigned char *child = weir_pt_child(&first[i]);
		uint64_t word = atomic_load(&first[i].word);

		if (!child)
			continue;
		*out_page = (struct weir_pt_fresh){ NULL, child - i * bytes,
						    weir_pt_word_pa(t, word) - i * bytes };
		return true;
	}
	return false;
}

/* A part that was used before is as empty as when it was unlinked; a new one is not clean yet. */
static void lead(struct weir_table *t, struct weir_pt_node *node, uint32_t index,
		 const struct weir_pt_fresh *page)
{
	uint64_t offset = index % t->sharers * part_bytes(t);
	struct weir_pt_fresh part = { NULL, (unsigned char *)page->entries + offset,
				      page->pa + offset };

	weir_pt_clean_(t, part.pa, 0, weir_pt_entries_(t, 0));
	weir_pt_lead_(t, node, 1, index, &part, WEIR_PT_FRESH);
}

/* As weir_pt_install_(): where a neighbour has a page, in that. */
static int install(struct weir_table *t, struct weir_pt_node *node, uint32_t index, bool may_sleep)
{
	struct weir_pt_slot *slot = &node->slots[index], *first = slot - index % t->sharers;
	struct weir_pt_fresh own = { 0 }, page;
	bool is_there, is_used = false;
	int err;

	do {
		unsigned long before;

		/* a look without the lock: most likely it is the same with it */
		if (!own.entries && !find(t, first, &page)) {
			err = weir_pt_pages_alloc_(t, 0, may_sleep, &own.entries, &own.pa);
			if (err)
				return err;
		}
		before = weir_spin_lock(&t->spin);
		is_there = find(t, first, &page);
		if ((is_there || own.entries) && !weir_pt_child(slot) &&
		    !weir_pt_get_(t, node->entries, index)) {
			lead(t, node, index, is_there ? &page : &own);
			is_used = !is_there;
		}
		weir_spin_unlock(&t->spin, before);
	} while (!is_there && !own.entries);
	if (own.entries && !is_used)
		weir_pt_pages_free_(t, 0, own.entries, own.pa);
	return 0;
}

static bool is_shared(const struct weir_table *t, struct weir_pt_slot *slot, void **va, uint64_t *pa)
{
	uint64_t bytes = part_bytes(t), part = *pa / bytes % t->sharers;
	struct weir_pt_fresh page;

	*va = (unsigned char *)*va - part * bytes;
	*pa -= part * bytes;
	return find(t, slot - part, &page);
}

const struct weir_pt_parts weir_pt_parts_ = { .install = install, .is_shared = is_shared };
