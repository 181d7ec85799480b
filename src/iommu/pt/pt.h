// SPDX-License-Identifier: MIT
/*
 * Translation tables from within: what all formats share.
 *
 * Tables of all levels but the last have books beside them, a node: for each entry a slot, which
 * knows the table behind it. So nothing reads a descriptor to get on, and no memory has to
 * be found by its physical address. Heights count from the last level, which is 0.
 *
 * The slot of a last-level table has the table's state in one word: its address, how many of its
 * entries are taken, and flags. A mapper takes its entries there first, before it writes them; only a
 * table with none taken is unlinked, by one compare-and-swap. An unlinked table stays in its
 * slot, as walkers may still look at it, until release; a mapper that finds it there links it again.
 * Higher tables are never unlinked. Slots and their words are changed without lock; what links and
 * unlinks does it under the table's, and walkers see a table linked before mappers do.
 *
 * Letters at members: (c) constant after creation, (a) atomic, (l) written under the lock.
 */
#ifndef WEIR_IOMMU_PT_PT_H
#define WEIR_IOMMU_PT_PT_H

#include <stdatomic.h>

#include "weir/err.h"
#include "weir/spin.h"
#include "weir/table.h"

#define WEIR_PT_LEVELS 6u /* that any format has */
#define WEIR_PT_PROTS 32u /* combinations of WEIR_MAP_* */

/* The word of a slot that has a last-level table: flags, address, and how many are taken. */
#define WEIR_PT_THERE UINT64_C(0x8000000000000000)
#define WEIR_PT_DEAD  UINT64_C(0x4000000000000000) /* unlinked */
#define WEIR_PT_KEPT  UINT64_C(0x2000000000000000) /* reserved: never unlinked */
#define WEIR_PT_PA    UINT64_C(0x00fffffffffff000) /* less the bits of the count */

struct weir_pt_slot {
	_Atomic(void *) child;     /* (l) a node; at height 1 the last-level table itself */
	_Atomic uint64_t word;     /* (a) height 1: see above */
	struct weir_pt_slot *next; /* (l) in a gather; the last one's is itself; NULL: in none */
};

struct weir_pt_node {
	void *entries; /* (c) the table */
	uint64_t pa;   /* (c) */
	struct weir_pt_slot slots[];
};

struct weir_pt_format;

struct weir_table {
	struct weir_pt_node *root;              /* (c) */
	uint64_t iova_last, pa_last;            /* (c) */
	uint32_t top;                           /* (c) height of the root, 1 or more */
	uint32_t page_lg2;                      /* (c) */
	uint8_t shift[WEIR_PT_LEVELS + 1];      /* (c) of what an entry maps; above top: of all */
	uint8_t hint_lg2[WEIR_PT_LEVELS];       /* (c) entries that a hint makes one; 0: not used */
	uint8_t entry_lg2;                      /* (c) bytes of an entry */
	uint8_t bbm_level;                      /* (c) */
	uint8_t blocks;                         /* (c) mask of heights that have pages */
	bool coherent;                          /* (c) */
	uint64_t attr[WEIR_PT_PROTS];           /* (c) of a page with those rights; 0: there is none */
	const struct weir_pt_format *format;    /* (c) */
	const struct weir_host_ops *ops;        /* (c) */
	void *host;                             /* (c) */
	uint64_t page_sizes;                    /* (c) */
	struct weir_tables tables;              /* (c) */
	struct weir_spin spin;
	_Atomic uint64_t memory;                /* (a) bytes */
};

/* What a format is. */
struct weir_pt_format {
	/* Fills in the geometry and the attributes. 0; WEIR_EOPNOTSUPP. */
	int (*init)(struct weir_table *table, const struct weir_table_config *config);
	/* The entry of a page, from its attributes, and of a table. */
	uint64_t (*leaf)(const struct weir_table *table, uint64_t pa, uint64_t attr,
			 unsigned int height);
	uint64_t (*table)(const struct weir_table *table, uint64_t pa);
	/* Of an entry of a page: address, rights, and what leaf() gets as attributes. */
	uint64_t (*pa)(const struct weir_table *table, uint64_t entry, unsigned int height);
	uint32_t (*prot)(const struct weir_table *table, uint64_t entry);
	uint64_t (*attr)(const struct weir_table *table, uint64_t entry);
	/* An entry is a page, and no table. */
	bool (*is_leaf)(uint64_t entry, unsigned int height);
	uint64_t hint;  /* the bit that makes a run of entries one page */
	uint64_t no_tlb; /* ... that lets a page be split when it is set, on walkers of level 1 */
	/* Within one last-level table; false: the long way. See hot.inc. */
	bool (*map)(struct weir_table *table, uint64_t iova, const struct weir_table_piece *pieces,
		    unsigned int n, uint64_t bytes, uint64_t attr, int *out_err);
	bool (*unmap)(struct weir_table *table, uint64_t iova, uint64_t bytes,
		      struct weir_table_gather *gather);
	/* Entries of a last-level table get pages, as large as hints make them. */
	void (*fill)(const struct weir_table *table, void *entries, uint64_t index, uint64_t n,
		     uint64_t pa, uint64_t attr);
};

extern const struct weir_pt_format weir_pt_arm64_4k_, weir_pt_arm64_any_;

/* ---- entries ---- */

static inline uint64_t weir_pt_get(const struct weir_table *t, const void *entries, uint64_t i)
{
	if (t->entry_lg2 == 3)
		return atomic_load_explicit((_Atomic uint64_t *)entries + i, memory_order_relaxed);
	return atomic_load_explicit((_Atomic uint32_t *)entries + i, memory_order_relaxed);
}

static inline void weir_pt_set(const struct weir_table *t, void *entries, uint64_t i, uint64_t entry)
{
	if (t->entry_lg2 == 3)
		atomic_store_explicit((_Atomic uint64_t *)entries + i, entry, memory_order_relaxed);
	else
		atomic_store_explicit((_Atomic uint32_t *)entries + i, (uint32_t)entry,
				      memory_order_relaxed);
}

/* Written entries get to where a walker without the CPU's caches sees them. */
static inline void weir_pt_clean(const struct weir_table *t, uint64_t pa, uint64_t i, uint64_t n)
{
	if (!t->coherent)
		t->ops->cache_sync(t->host, pa + (i << t->entry_lg2), n << t->entry_lg2,
				   WEIR_CACHE_CLEAN);
}

/* What was written comes before what is written from now on, as walkers and devices see it. */
static inline void weir_pt_barrier(const struct weir_table *t)
{
	atomic_thread_fence(memory_order_release);
	if (t->ops->dma_barrier)
		t->ops->dma_barrier(t->host);
}

/* ---- geometry ---- */

static inline uint64_t weir_pt_entries(const struct weir_table *t, unsigned int height)
{
	return UINT64_C(1) << (t->shift[height + 1] - t->shift[height]);
}

static inline uint32_t weir_pt_index(const struct weir_table *t, uint64_t iova, unsigned int height)
{
	return (uint32_t)(iova >> t->shift[height] & (weir_pt_entries(t, height) - 1));
}

/* How many of a last-level table's entries are taken, in its word. */
static inline uint64_t weir_pt_taken(const struct weir_table *t, uint64_t word)
{
	return word & ((weir_pt_entries(t, 0) << t->entry_lg2) - 1);
}

static inline uint64_t weir_pt_word_pa(const struct weir_table *t, uint64_t word)
{
	return word & WEIR_PT_PA & ~((weir_pt_entries(t, 0) << t->entry_lg2) - 1);
}

static inline void *weir_pt_child(struct weir_pt_slot *slot)
{
	return atomic_load_explicit(&slot->child, memory_order_acquire);
}

/* ---- what is to be invalidated ---- */

static inline void weir_pt_gather(struct weir_table_gather *gather, uint64_t iova, uint64_t bytes,
				  uint64_t page_bytes)
{
	struct weir_invalidation *what = &gather->what;
	uint64_t last = iova + (bytes - 1);

	if (!what->bytes) {
		what->iova = iova;
		what->bytes = bytes;
		what->page_bytes = page_bytes;
		return;
	}
	if (last < what->iova + (what->bytes - 1))
		last = what->iova + (what->bytes - 1);
	if (iova < what->iova)
		what->iova = iova;
	what->bytes = last - what->iova + 1;
	if (what->page_bytes != page_bytes)
		what->page_bytes = 0;
}

/* ---- tables that come and go: grow.c ---- */

/*
 * The child of an entry that has none, as a table of pages or a node. 0, also when another thread was
 * faster; WEIR_ENOMEM.
 */
int weir_pt_install_(struct weir_table *t, struct weir_pt_node *node, unsigned int height,
		     uint32_t index, bool may_sleep);
/*
 * Takes @n entries of a last-level table. False: it is gone, install one. True: it is there and
 * linked until they are given back; @out_before: how many were taken.
 */
bool weir_pt_take_(struct weir_table *t, struct weir_pt_node *node, struct weir_pt_slot *slot,
		   uint64_t n, uint64_t *out_before);
/* Takes a last-level table with nothing taken out of the walkers' sight. */
void weir_pt_unlink_(struct weir_table *t, struct weir_pt_node *node, struct weir_pt_slot *slot,
		     struct weir_table_gather *gather);
/*
 * A page of @height is replaced by a table of smaller ones that do the same. 0, also when
 * another thread was faster; WEIR_ENOMEM.
 */
int weir_pt_split_(struct weir_table *t, struct weir_pt_node *node, unsigned int height,
		   uint32_t index);
/* All tables below a node, and the node. */
void weir_pt_free_(struct weir_table *t, struct weir_pt_node *node, unsigned int height);
/* A node with its table, linked nowhere. */
int weir_pt_node_create_(struct weir_table *t, unsigned int height, bool may_sleep,
			 struct weir_pt_node **out_node);

/* ---- the long way: map.c, unmap.c ---- */

int weir_pt_map_(struct weir_table *t, uint64_t iova, const struct weir_table_piece *pieces,
		 unsigned int n, uint64_t attr);
int weir_pt_unmap_(struct weir_table *t, uint64_t iova, uint64_t bytes,
		   struct weir_table_gather *gather);

#endif
