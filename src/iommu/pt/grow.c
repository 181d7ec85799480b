// SPDX-License-Identifier: MIT
/*
 * Tables that come and go: made and linked when something is to be mapped, split off a larger page,
 * unlinked when last-level ones map nothing, freed when walkers have forgotten them.
 *
 * The lock is held for a few stores, never while memory is had or given back. A walker sees a new
 * table only with all of it written: it is zeroed or filled, cleaned, and behind a barrier. A table
 * is linked for walkers before mappers find it in the slot.
 */
#include "iommu/pt/pt.h"

/* An unlinked table that nobody uses any more is its own link in the list of what to free. */
struct corpse {
	struct corpse *next;
	uint64_t pa;
};

#define MIN_BYTES UINT64_C(4096) /* what hosts give */

/* A node that has books alone, and parts of its table below. */
static bool is_sliced(const struct weir_table *t, unsigned int height)
{
	return t->sliced && height == t->top;
}

static uint64_t table_bytes(const struct weir_table *t, unsigned int height)
{
	uint64_t bytes = weir_pt_entries_(t, height) << t->entry_lg2;

	if (is_sliced(t, height))
		bytes = UINT64_C(1) << (t->shift[height + 1] - t->shift[1] + t->entry_lg2);
	return bytes < MIN_BYTES ? MIN_BYTES : bytes;
}

static uint64_t node_bytes(const struct weir_table *t, unsigned int height)
{
	uint64_t n = weir_pt_entries_(t, height);

	return sizeof(struct weir_pt_node) +
	       n * (height == 1 ? sizeof(struct weir_pt_slot) : sizeof(_Atomic(void *))) +
	       (is_sliced(t, height) ? n << t->entry_lg2 : 0);
}

static void count(struct weir_table *t, uint64_t bytes)
{
	atomic_fetch_add_explicit(&t->memory, bytes, memory_order_relaxed);
}

int weir_pt_pages_alloc_(struct weir_table *t, unsigned int height, bool may_sleep, void **out_va,
		       uint64_t *out_pa)
{
	size_t bytes = (size_t)table_bytes(t, height);
	int err;

	if (may_sleep || !t->ops->pages_alloc_atomic)
		err = t->ops->pages_alloc(t->host, bytes, bytes, out_va, out_pa);
	else
		err = t->ops->pages_alloc_atomic(t->host, bytes, bytes, out_va, out_pa);
	if (err)
		return err;
	if (*out_pa > t->pa_last || t->pa_last - *out_pa < bytes - 1) {
		t->ops->pages_free(t->host, *out_va, *out_pa, bytes);
		return WEIR_ENOMEM;
	}
	count(t, bytes);
	return 0;
}

void weir_pt_pages_free_(struct weir_table *t, unsigned int height, void *va, uint64_t pa)
{
	count(t, -table_bytes(t, height));
	t->ops->pages_free(t->host, va, pa, (size_t)table_bytes(t, height));
}

/* A part of the root's table, which is there and clean. */
static void slice(struct weir_table *t, struct weir_pt_node *node)
{
	uint64_t offset = node->base * weir_pt_entries_(t, 1) << t->entry_lg2;

	node->entries = (unsigned char *)t->slices + offset;
	node->pa = t->root->pa + offset;
}

int weir_pt_node_create_(struct weir_table *t, unsigned int height, uint64_t base, bool may_sleep,
			 struct weir_pt_node **out_node)
{
	size_t bytes = (size_t)node_bytes(t, height);
	struct weir_pt_node *node;
	int err;

	node = may_sleep || !t->ops->alloc_atomic ? t->ops->alloc(t->host, bytes)
						  : t->ops->alloc_atomic(t->host, bytes);
	if (!node)
		return WEIR_ENOMEM;
	node->base = base;
	if (t->sliced && height == 1) {
		slice(t, node);
		goto done;
	}
	err = weir_pt_pages_alloc_(t, height, may_sleep, &node->entries, &node->pa);
	if (err) {
		t->ops->free(t->host, node, bytes);
		return err;
	}
	weir_pt_clean_(t, node->pa, 0, table_bytes(t, height) >> t->entry_lg2);
	if (is_sliced(t, height)) {
		t->slices = node->entries;
		node->entries = (void *)&weir_pt_children(node)[weir_pt_entries_(t, height)];
	}
done:
	count(t, bytes);
	*out_node = node;
	return 0;
}

static void node_free(struct weir_table *t, struct weir_pt_node *node, unsigned int height)
{
	if (!t->sliced || height != 1)
		weir_pt_pages_free_(t, height, is_sliced(t, height) ? t->slices : node->entries, node->pa);
	count(t, -node_bytes(t, height));
	t->ops->free(t->host, node, (size_t)node_bytes(t, height));
}

/*
 * A slot has no table any more. False: its page is in use still; true: it is to be freed, at
 * @out_va and @out_pa.
 */
static bool forget(struct weir_table *t, struct weir_pt_slot *slot, uint64_t pa, void **out_va,
		   uint64_t *out_pa)
{
	*out_va = weir_pt_child(slot);
	*out_pa = pa;
	atomic_store(&slot->child, NULL);
	return !t->kind->parts || !t->kind->parts->is_shared(t, slot, out_va, out_pa);
}

void weir_pt_free_(struct weir_table *t, struct weir_pt_node *node, unsigned int height)
{
	for (uint64_t i = 0; i < weir_pt_entries_(t, height); i++) {
		void *child = weir_pt_below(node, height, i), *va;
		struct weir_pt_slot *slot;
		uint64_t pa;

		if (child && height > 1)
			weir_pt_free_(t, child, height - 1);
		if (!child || height > 1)
			continue;
		slot = &node->slots[i];
		if (forget(t, slot, weir_pt_word_pa(t, atomic_load(&slot->word)), &va, &pa))
			weir_pt_pages_free_(t, 0, va, pa);
	}
	node_free(t, node, height);
}

static int fresh_create(struct weir_table *t, const struct weir_pt_node *above, unsigned int height,
			uint32_t index, bool may_sleep, struct weir_pt_fresh *out_fresh)
{
	int err;

	out_fresh->node = NULL;
	if (height > 1) {
		err = weir_pt_node_create_(t, height - 1,
					   above->base * weir_pt_entries_(t, height) + index,
					   may_sleep, &out_fresh->node);
		if (!err) {
			out_fresh->entries = out_fresh->node->entries;
			out_fresh->pa = out_fresh->node->pa;
		}
		return err;
	}
	err = weir_pt_pages_alloc_(t, 0, may_sleep, &out_fresh->entries, &out_fresh->pa);
	if (!err)
		weir_pt_clean_(t, out_fresh->pa, 0, weir_pt_entries_(t, 0));
	return err;
}

static void fresh_destroy(struct weir_table *t, unsigned int height, const struct weir_pt_fresh *fresh)
{
	if (fresh->node)
		node_free(t, fresh->node, height - 1);
	else
		weir_pt_pages_free_(t, 0, fresh->entries, fresh->pa);
}

static void entry_write(struct weir_table *t, struct weir_pt_node *node, uint64_t index,
			uint64_t entry)
{
	weir_pt_barrier(t);
	weir_pt_set_(t, node->entries, index, entry);
	weir_pt_clean_(t, node->pa, index, 1);
	weir_pt_barrier(t);
}

void weir_pt_lead_(struct weir_table *t, struct weir_pt_node *node, unsigned int height, uint32_t index,
		   const struct weir_pt_fresh *fresh, uint64_t taken)
{
	if (!is_sliced(t, height))
		entry_write(t, node, index, t->kind->table(t, fresh->pa));
	if (height > 1) {
		atomic_store_explicit(&weir_pt_children(node)[index], (void *)fresh->node,
				      memory_order_release);
		return;
	}
	atomic_store_explicit(&node->slots[index].child, fresh->entries, memory_order_release);
	/*
	 * Last, as mappers go by the word and then want the child. Added: one that came too
	 * early has yet to take its count back.
	 */
	atomic_fetch_add(&node->slots[index].word, WEIR_PT_THERE | fresh->pa | taken);
}

/* Puts a table where the entry is still @expected; false when it is not. */
static bool link_fresh(struct weir_table *t, struct weir_pt_node *node, unsigned int height,
		       uint32_t index, const struct weir_pt_fresh *fresh, uint64_t expected,
		       uint64_t taken)
{
	unsigned long before = weir_spin_lock(&t->spin);
	bool free = !weir_pt_below(node, height, index) &&
		    weir_pt_get_(t, node->entries, index) == expected;

	if (free)
		weir_pt_lead_(t, node, height, index, fresh, taken);
	weir_spin_unlock(&t->spin, before);
	return free;
}

int weir_pt_install_(struct weir_table *t, struct weir_pt_node *node, unsigned int height,
		     uint32_t index, bool may_sleep)
{
	struct weir_pt_fresh fresh;
	int err;

	if (height == 1 && t->kind->parts)
		return t->kind->parts->install(t, node, index, may_sleep);
	err = fresh_create(t, node, height, index, may_sleep, &fresh);
	if (err)
		return err;
	if (!link_fresh(t, node, height, index, &fresh, 0, WEIR_PT_FRESH))
		fresh_destroy(t, height, &fresh);
	return 0;
}

int weir_pt_split_(struct weir_table *t, struct weir_pt_node *node, unsigned int height,
		   uint32_t index)
{
	uint64_t n = weir_pt_entries_(t, height - 1), entry = weir_pt_get_(t, node->entries, index);
	uint64_t attr, pa;
	struct weir_pt_fresh fresh;
	int err;

	if (!t->kind->is_leaf(entry, height))
		return 0;
	err = fresh_create(t, node, height, index, false, &fresh);
	if (err)
		return err;
	attr = t->kind->attr(t, entry, height);
	pa = t->kind->pa(t, entry, height, index);
	for (uint64_t i = 0; i < n; i++)
		weir_pt_set_(t, fresh.entries, i,
			    t->kind->leaf(t, pa + (i << t->shift[height - 1]), attr, height - 1,
					  false));
	weir_pt_clean_(t, fresh.pa, 0, n);
	if (!link_fresh(t, node, height, index, &fresh, entry, t->counted ? n : 0))
		fresh_destroy(t, height, &fresh);
	return 0;
}

static void revive(struct weir_table *t, struct weir_pt_node *node, struct weir_pt_slot *slot)
{
	unsigned long before = weir_spin_lock(&t->spin);
	uint64_t word = atomic_load(&slot->word);

	if (word & WEIR_PT_DEAD) {
		entry_write(t, node, (uint64_t)(slot - node->slots),
			    t->kind->table(t, weir_pt_word_pa(t, word)));
		atomic_fetch_and(&slot->word, ~WEIR_PT_DEAD);
	}
	weir_spin_unlock(&t->spin, before);
}

bool weir_pt_take_(struct weir_table *t, struct weir_pt_node *node, struct weir_pt_slot *slot,
		   uint64_t n, uint64_t *out_before)
{
	uint64_t word = atomic_fetch_add(&slot->word, n);

	if (!(word & WEIR_PT_THERE)) {
		atomic_fetch_sub(&slot->word, n);
		return false;
	}
	if (word & WEIR_PT_FRESH)
		atomic_fetch_and(&slot->word, ~WEIR_PT_FRESH);
	/* taken from, it cannot be freed any more */
	if (word & WEIR_PT_DEAD)
		revive(t, node, slot);
	*out_before = t->counted ? weir_pt_taken(t, word) : !(word & WEIR_PT_FRESH);
	return true;
}

void weir_pt_unlink_(struct weir_table *t, struct weir_pt_node *node, struct weir_pt_slot *slot,
		     struct weir_table_gather *gather)
{
	unsigned long before = weir_spin_lock(&t->spin);
	uint64_t word = atomic_load(&slot->word);

	/* one that was unlinked, used again, and waits in a gather still, stays */
	if ((word & WEIR_PT_THERE) && !(word & (WEIR_PT_DEAD | WEIR_PT_KEPT)) && !slot->next &&
	    !weir_pt_taken(t, word) &&
	    atomic_compare_exchange_strong(&slot->word, &word, word | WEIR_PT_DEAD)) {
		entry_write(t, node, (uint64_t)(slot - node->slots), 0);
		slot->next = gather->unlinked ? gather->unlinked : slot;
		gather->unlinked = slot;
		gather->what.tables = true;
	}
	weir_spin_unlock(&t->spin, before);
}

void weir_table_release(struct weir_table *t, struct weir_table_gather *gather)
{
	struct weir_pt_slot *slot = gather->unlinked, *next;
	struct corpse *first = NULL, *corpse;
	unsigned long before;
	uint64_t pa;
	void *page;

	*gather = (struct weir_table_gather){ .unlink = gather->unlink };
	if (!slot)
		return;
	before = weir_spin_lock(&t->spin);
	for (; slot; slot = next) {
		uint64_t word = atomic_load(&slot->word);

		next = slot->next == slot ? NULL : slot->next;
		slot->next = NULL;
		/* an unlinked one that nobody takes from is still the same */
		if (!(word & WEIR_PT_DEAD) || weir_pt_taken(t, word))
			continue;
		if (!atomic_compare_exchange_strong(&slot->word, &word, 0))
			continue;
		if (!forget(t, slot, weir_pt_word_pa(t, word), &page, &pa))
			continue;
		corpse = page;
		corpse->next = first;
		corpse->pa = pa;
		first = corpse;
	}
	weir_spin_unlock(&t->spin, before);
	while (first) {
		corpse = first;
		first = corpse->next;
		weir_pt_pages_free_(t, 0, corpse, corpse->pa);
	}
}
