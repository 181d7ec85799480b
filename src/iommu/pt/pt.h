// SPDX-License-Identifier: MIT
/*
 * Translation tables from within: what all formats share.
 *
 * Tables of all levels but the last have books beside them, a node: for each entry a slot, which
 * knows the table behind it. So nothing reads a descriptor to get on, and no memory has to
 * be found by its physical address. Heights count from the last level, which is 0.
 *
 * The slot of a last-level table has the table's state in one word: its address, how many of its
 * entries are taken, and flags. Only a table with none taken is unlinked, by one compare-and-swap. It
 * stays in its slot, as walkers may still look at it, until release; a mapper that finds it there
 * links it again. What links and unlinks does so under the lock, and walkers see a table linked
 * before mappers do. Higher tables are never unlinked.
 *
 * Two things keep small what has entries of 32 bits. Last-level tables that are smaller than a page of the
 * host share one (parts.c). And a root of thousands of entries has its books
 * in slices: the nodes of height 1 are parts of one table, and above them is a node of books alone, whose
 * entries are none.
 *
 * With config.unlink_shared a mapper takes its entries before it writes them, and gives them back when they
 * are cleared. Without, tables are unlinked only by who has all of their range, nobody else is in
 * them, and entries are taken only while a mapping is made ready (map.c).
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
#define WEIR_PT_NEAR  64u /* nodes that are found without a walk */

/* The word of a slot that has a last-level table: flags, address, and how many are taken. */
#define WEIR_PT_THERE UINT64_C(0x8000000000000000)
#define WEIR_PT_DEAD  UINT64_C(0x4000000000000000) /* unlinked */
#define WEIR_PT_KEPT  UINT64_C(0x2000000000000000) /* reserved: never unlinked */
#define WEIR_PT_FRESH UINT64_C(0x1000000000000000) /* not counted: nothing was mapped in it yet */
#define WEIR_PT_PA    UINT64_C(0x00fffffffffffc00) /* less the bits of the count */

/* What a node of height 1 knows of an entry; higher ones have an array of children alone. */
struct weir_pt_slot {
	_Atomic(void *) child;     /* (l) the last-level table */
	_Atomic uint64_t word;     /* (a) see above */
	struct weir_pt_slot *next; /* (l) in a gather; the last one's is itself; NULL: in none */
};

struct weir_pt_node {
	void *entries; /* (c) the table; of books alone: nothing but zeros */
	uint64_t pa;   /* (c) ... of the table below then */
	uint64_t base; /* (c) its first address, in units of what it maps */
	struct weir_pt_slot slots[]; /* height 1; above: weir_pt_children() */
};

struct weir_table {
	/* what each call reads */
	int (*map)(struct weir_table *table, uint64_t iova, uint64_t pa, uint64_t bytes,
		   uint32_t prot);         /* (c) */
	int (*unmap)(struct weir_table *table, uint64_t iova, uint64_t bytes,
		     struct weir_table_gather *gather); /* (c) */
	int (*translate)(struct weir_table *table, uint64_t iova, uint64_t *out_pa); /* (c) */
	uint64_t iova_last, pa_last;            /* (c) */
	uint64_t near_mask;                     /* (c) address bits within a node of height 1 */
	uint8_t near_lg2;                       /* (c) ... how many */
	uint8_t page_lg2;                       /* (c) */
	bool plain;                             /* (c) coherent, and not counted */
	bool counted;                           /* (c) config.unlink_shared */
	bool coherent;                          /* (c) */
	uint8_t top;                            /* (c) height of the root, 1 or more */
	uint8_t entry_lg2;                      /* (c) bytes of an entry */
	uint8_t pa_shift;                       /* (c) entries have addresses without these bits */
	bool sliced;                            /* (c) the root's node has books alone */
	uint8_t sharers;                        /* (c) last-level tables in a page, with parts */
	uint8_t bbm_level;                      /* (c) */
	void (*dma_barrier)(void *host);        /* (c) or NULL */
	void *host;                             /* (c) */
	uint64_t attr[WEIR_PT_PROTS];           /* (c) of a page with those rights; 0: there is none */
	_Atomic(struct weir_pt_node *) near[WEIR_PT_NEAR]; /* (a) of height 1, by base */

	struct weir_pt_node *root;              /* (c) */
	uint8_t shift[WEIR_PT_LEVELS + 1];      /* (c) of what an entry maps; above top: of all */
	uint8_t hint_lg2[WEIR_PT_LEVELS];       /* (c) entries that a hint makes one; 0: not used */
	uint8_t blocks;                         /* (c) mask of heights that have pages */
	const struct weir_table_kind *kind;     /* (c) */
	const struct weir_host_ops *ops;        /* (c) */
	uint64_t page_sizes;                    /* (c) */
	void *slices;                           /* (c) the table that nodes of height 1 are parts of */
	struct weir_tables tables;              /* (c) */
	struct weir_spin spin;
	_Atomic uint64_t memory;                /* (a) bytes */
};

/* A table that nothing leads to yet; its node, where it has one. */
struct weir_pt_fresh {
	struct weir_pt_node *node;
	void *entries;
	uint64_t pa;
};

/* For last-level tables that are parts of pages: parts.c. */
struct weir_pt_parts {
	/* As weir_pt_install_(), at height 1. */
	int (*install)(struct weir_table *t, struct weir_pt_node *node, uint32_t index,
		       bool may_sleep);
	/*
	 * @va and @pa, of the table that @slot had, become those of its page. Whether another
	 * table lies in it. Under the lock, or alone.
	 */
	bool (*is_shared)(const struct weir_table *t, struct weir_pt_slot *slot, void **va,
			  uint64_t *pa);
};
extern const struct weir_pt_parts weir_pt_parts_;

/* What formats are that are laid out alike. */
struct weir_table_kind {
	/* Fills in the geometry, the attributes and the calls for one page. 0; WEIR_EOPNOTSUPP. */
	int (*init)(struct weir_table *table, const struct weir_table_config *config);
	/* The entry of a page, one of those that a hint makes one or not; and of a table. */
	uint64_t (*leaf)(const struct weir_table *table, uint64_t pa, uint64_t attr,
			 unsigned int height, bool hinted);
	uint64_t (*table)(const struct weir_table *table, uint64_t pa);
	/* Of an entry of a page: its own address, rights, and what leaf() gets as attributes. */
	uint64_t (*pa)(const struct weir_table *table, uint64_t entry, unsigned int height,
		       uint64_t index);
	uint32_t (*prot)(const struct weir_table *table, uint64_t entry, unsigned int height);
	uint64_t (*attr)(const struct weir_table *table, uint64_t entry, unsigned int height);
	/* An entry is a page, and no table; one of those that a hint makes one. */
	bool (*is_leaf)(uint64_t entry, unsigned int height);
	bool (*is_hinted)(uint64_t entry, unsigned int height);
	uint64_t hint;  /* the bit of a hint, where live pages can be split */
	const struct weir_pt_parts *parts; /* NULL: a last-level table has pages of its own */
	uint64_t no_tlb; /* ... that lets a page be split when it is set, on walkers of level 1 */
	/* Within one last-level table; false: the long way. run.inc. map_run may be NULL. */
	bool (*map_run)(struct weir_table *table, uint64_t iova,
			const struct weir_table_piece *pieces, unsigned int n, uint64_t bytes,
			uint64_t attr, int *out_err);
	bool (*unmap_run)(struct weir_table *table, uint64_t iova, uint64_t bytes,
			  struct weir_table_gather *gather);
	/* Entries of a last-level table get pages, as large as hints make them. */
	void (*fill)(const struct weir_table *table, void *entries, uint64_t index, uint64_t n,
		     uint64_t pa, uint64_t attr);
};

/* ---- entries ---- */

uint64_t weir_pt_get_(const struct weir_table *t, const void *entries, uint64_t i);
void weir_pt_set_(const struct weir_table *t, void *entries, uint64_t i, uint64_t entry);
/* Written entries get to where a walker without the CPU's caches sees them. */
void weir_pt_clean_(const struct weir_table *t, uint64_t pa, uint64_t i, uint64_t n);

/* What was written comes before what is written from now on, as walkers and devices see it. */
static inline void weir_pt_barrier(const struct weir_table *t)
{
	atomic_thread_fence(memory_order_release);
	if (t->dma_barrier)
		t->dma_barrier(t->host);
}

/* ---- geometry ---- */

/* How many entries a table has; which of them an address belongs to. */
uint64_t weir_pt_entries_(const struct weir_table *t, unsigned int height);
uint32_t weir_pt_index_(const struct weir_table *t, uint64_t iova, unsigned int height);
/*
 * Which pages are used: of heights in the mask @blocks, and made of them by hints (@hint_lg2, for
 * each height), as far as they are in @wanted (0: all). 0; WEIR_EOPNOTSUPP without the smallest.
 */
int weir_pt_sizes_(struct weir_table *t, uint64_t wanted, unsigned int blocks,
		   const uint8_t *hint_lg2);

/* How many of a last-level table's entries are taken, in its word. */
static inline uint64_t weir_pt_taken(const struct weir_table *t, uint64_t word)
{
	return word & ((weir_pt_entries_(t, 0) << t->entry_lg2) - 1);
}

static inline uint64_t weir_pt_word_pa(const struct weir_table *t, uint64_t word)
{
	return word & WEIR_PT_PA & ~((weir_pt_entries_(t, 0) << t->entry_lg2) - 1);
}

/* Whether a page is one of those that a hint makes one. */
static inline bool weir_pt_hinted(const struct weir_table *t, uint64_t entry, unsigned int height)
{
	return t->hint_lg2[height] && t->kind->is_hinted(entry, height);
}

static inline void *weir_pt_child(struct weir_pt_slot *slot)
{
	return atomic_load_explicit(&slot->child, memory_order_acquire);
}

/* Of a node above height 1: (l) nodes. */
static inline _Atomic(void *) *weir_pt_children(struct weir_pt_node *node)
{
	return (_Atomic(void *) *)(void *)node->slots;
}

/* What is below an entry, whatever the height: a node, a last-level table, or NULL. */
static inline void *weir_pt_below(struct weir_pt_node *node, unsigned int height, uint64_t i)
{
	return height == 1 ? weir_pt_child(&node->slots[i])
			   : atomic_load_explicit(&weir_pt_children(node)[i], memory_order_acquire);
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
 * linked until they are given back; @out_before 0: it has nothing.
 */
bool weir_pt_take_(struct weir_table *t, struct weir_pt_node *node, struct weir_pt_slot *slot,
		   uint64_t n, uint64_t *out_before);
/* Leads walkers and mappers to a table, of which @taken entries are taken. Under the lock. */
void weir_pt_lead_(struct weir_table *t, struct weir_pt_node *node, unsigned int height, uint32_t index,
		   const struct weir_pt_fresh *fresh, uint64_t taken);
/* What a table of @height takes, or the page that it is a part of. */
int weir_pt_pages_alloc_(struct weir_table *t, unsigned int height, bool may_sleep, void **out_va,
			 uint64_t *out_pa);
void weir_pt_pages_free_(struct weir_table *t, unsigned int height, void *va, uint64_t pa);
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
int weir_pt_node_create_(struct weir_table *t, unsigned int height, uint64_t base, bool may_sleep,
			 struct weir_pt_node **out_node);

/* The node of height 1 that an address belongs to, by a walk; the next time it is near. NULL: none. */
struct weir_pt_node *weir_pt_near_(struct weir_table *t, uint64_t iova);

/* One page of height 1, where nothing is in the way; otherwise weir_pt_map_more_() and so on. */
int weir_pt_map_large_(struct weir_table *t, uint64_t iova, uint64_t pa, uint64_t bytes,
		       uint32_t prot);
int weir_pt_unmap_large_(struct weir_table *t, uint64_t iova, uint64_t bytes,
			 struct weir_table_gather *gather);

/* ---- the long way: map.c, unmap.c, look.c ---- */

/* Built for size, one page has no way of its own: calls of the format are not used. */
#ifdef __OPTIMIZE_SIZE__
#define WEIR_PT_MAP(t)       weir_pt_map_more_
#define WEIR_PT_UNMAP(t)     weir_pt_unmap_more_
#define WEIR_PT_TRANSLATE(t) weir_pt_translate_
#else
#define WEIR_PT_MAP(t)       ((t)->map)
#define WEIR_PT_UNMAP(t)     ((t)->unmap)
#define WEIR_PT_TRANSLATE(t) ((t)->translate)
#endif

int weir_pt_map_(struct weir_table *t, uint64_t iova, const struct weir_table_piece *pieces,
		 unsigned int n, uint64_t attr);
/* What the calls for one page leave over: checks, and the rest. */
int weir_pt_map_more_(struct weir_table *t, uint64_t iova, uint64_t pa, uint64_t bytes,
		      uint32_t prot);
int weir_pt_unmap_more_(struct weir_table *t, uint64_t iova, uint64_t bytes,
			struct weir_table_gather *gather);
int weir_pt_translate_(struct weir_table *t, uint64_t iova, uint64_t *out_pa);
int weir_pt_unmap_(struct weir_table *t, uint64_t iova, uint64_t bytes,
		   struct weir_table_gather *gather);

#endif
