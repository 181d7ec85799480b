// SPDX-License-Identifier: MIT
/*
 * The pool of pool.h.
 *
 * Pages are kept by the buddy system (Knowlton, 1965): what is free is in blocks of 2^k pages, aligned to
 * their size by physical address, on a list for each k; a block that comes back joins its buddy when that
 * is free. What is asked for is cut out of a block, and the rest stays free, so no page is lost to
 * rounding. Small pieces are cut from single pages, each for one size. O(log n) each, but for
 * zeroing, under one spin lock that is the pool's own, with interrupts off.
 */
#include "weir/pool.h"

#include <stdatomic.h>

#include "weir/err.h"

#define PAGE_LG2 12u
#define PAGE     ((size_t)1 << PAGE_LG2)
#define TAKEN    0xffu /* a page's state: in use, or not the first of a free block; else: its k */

struct weir_pool_free {
	struct weir_pool_free *next, **link;
};

/* At the begin of a page of small pieces. */
struct weir_pool_slab {
	struct weir_pool_slab *next, **link; /* of those with room; link NULL: it has none */
	void *free;      /* pieces, each with the next one in its first word */
	uint32_t used;
	uint32_t cut;    /* of them, from the begin of the page, the rest never was in use */
};

static const uint16_t sizes[WEIR_POOL_CLASSES] = {
	16, 32, 48, 64, 96, 128, 192, 256, 336, 496, 672, 1008, 2032,
};
#define SLAB_HEAD 32u
#define LARGEST   2032u

_Static_assert(sizeof(struct weir_pool_slab) <= SLAB_HEAD, "pieces begin behind it");

static unsigned long lock(struct weir_pool *pool)
{
	unsigned long before = pool->irq_off ? pool->irq_off(pool) : 0;

	while (atomic_exchange_explicit((_Atomic uint32_t *)&pool->lock, 1, memory_order_acquire))
		;
	return before;
}

static void unlock(struct weir_pool *pool, unsigned long before)
{
	atomic_store_explicit((_Atomic uint32_t *)&pool->lock, 0, memory_order_release);
	if (pool->irq_on)
		pool->irq_on(pool, before);
}

static void fill(void *mem, size_t bytes, unsigned char value)
{
	for (unsigned char *p = mem; bytes--; p++)
		*p = value;
}

/* What is given out is zero. Its begin is aligned. */
static void zero(void *mem, size_t bytes)
{
	uint64_t *words = mem;

	for (; bytes >= sizeof(*words); bytes -= sizeof(*words))
		*words++ = 0;
	fill(words, bytes, 0);
}

/* ---- pages; the lock is held ---- */

/* Pages are numbered by physical address, so that buddies are aligned there. */
static uint64_t frame(const struct weir_pool *pool, size_t page)
{
	return (pool->pa >> PAGE_LG2) + page;
}

static void *page_at(const struct weir_pool *pool, size_t page)
{
	return pool->pages + (page << PAGE_LG2);
}

static size_t page_of(const struct weir_pool *pool, const void *mem)
{
	return (size_t)((const unsigned char *)mem - pool->pages) >> PAGE_LG2;
}

static void list_block(struct weir_pool *pool, size_t page, unsigned int k)
{
	struct weir_pool_free *block = page_at(pool, page);

	block->next = pool->free[k];
	block->link = &pool->free[k];
	if (block->next)
		block->next->link = &block->next;
	pool->free[k] = block;
	pool->state[page] = (unsigned char)k;
}

static void unlist_block(struct weir_pool *pool, size_t page)
{
	struct weir_pool_free *block = page_at(pool, page);

	*block->link = block->next;
	if (block->next)
		block->next->link = block->link;
	pool->state[page] = TAKEN;
}

/* A block of 2^k pages is free, and joins its buddies. */
static void free_block(struct weir_pool *pool, size_t page, unsigned int k)
{
	for (; k + 1 < WEIR_POOL_ORDERS; k++) {
		size_t n = (size_t)1 << k;
		bool upper = frame(pool, page) & n;
		size_t buddy = upper ? page - n : page + n;

		if ((upper && page < n) || buddy >= pool->nr_pages || pool->state[buddy] != k)
			break;
		unlist_block(pool, buddy);
		page = upper ? buddy : page;
	}
	list_block(pool, page, k);
}

/* Any pages are free, as the blocks they are made of. */
static void free_pages(struct weir_pool *pool, size_t page, size_t n)
{
	while (n) {
		unsigned int k = 0;

		while (k + 1 < WEIR_POOL_ORDERS && !(frame(pool, page) >> k & 1) && n >> k > 1)
			k++;
		free_block(pool, page, k);
		page += (size_t)1 << k;
		n -= (size_t)1 << k;
	}
}

/* Pages aligned to 2^k. Return: false when there are none. */
static bool take_pages(struct weir_pool *pool, size_t n, unsigned int k, size_t *out_page)
{
	size_t page;

	while (k < WEIR_POOL_ORDERS - 1 && n > (size_t)1 << k)
		k++;
	while (k < WEIR_POOL_ORDERS && !pool->free[k])
		k++;
	if (k == WEIR_POOL_ORDERS || n > (size_t)1 << k)
		return false;
	page = page_of(pool, pool->free[k]);
	unlist_block(pool, page);
	free_pages(pool, page + n, ((size_t)1 << k) - n);
	pool->used += n;
	if (pool->used > pool->peak)
		pool->peak = pool->used;
	*out_page = page;
	return true;
}

static void give_pages(struct weir_pool *pool, size_t page, size_t n)
{
	pool->used -= n;
	free_pages(pool, page, n);
}

/* ---- small pieces; the lock is held ---- */

static unsigned int class_of(size_t bytes)
{
	unsigned int class = 0;

	while (sizes[class] < bytes)
		class++;
	return class;
}

static void list_slab(struct weir_pool *pool, struct weir_pool_slab *slab, unsigned int class)
{
	slab->next = pool->slabs[class];
	slab->link = &pool->slabs[class];
	if (slab->next)
		slab->next->link = &slab->next;
	pool->slabs[class] = slab;
}

static void unlist_slab(struct weir_pool_slab *slab)
{
	*slab->link = slab->next;
	if (slab->next)
		slab->next->link = slab->link;
	slab->link = NULL;
}

static struct weir_pool_slab *slab_with_room(struct weir_pool *pool, unsigned int class)
{
	struct weir_pool_slab *slab = pool->slabs[class];
	size_t page;

	if (slab || !take_pages(pool, 1, 0, &page))
		return slab;
	slab = page_at(pool, page);
	slab->free = NULL;
	slab->used = slab->cut = 0;
	list_slab(pool, slab, class);
	return slab;
}

static void *take_piece(struct weir_pool *pool, unsigned int class)
{
	struct weir_pool_slab *slab = slab_with_room(pool, class);
	uint32_t most = (uint32_t)(PAGE - SLAB_HEAD) / sizes[class];
	void *piece;

	if (!slab)
		return NULL;
	piece = slab->free;
	if (piece)
		slab->free = *(void **)piece;
	else
		piece = (unsigned char *)slab + SLAB_HEAD + (size_t)slab->cut++ * sizes[class];
	if (++slab->used == most)
		unlist_slab(slab);
	return piece;
}

/* An empty page goes back, but for the last one with room: the next piece is likely to come. */
static void give_piece(struct weir_pool *pool, void *piece, unsigned int class)
{
	size_t page = page_of(pool, piece);
	struct weir_pool_slab *slab = page_at(pool, page);

	*(void **)piece = slab->free;
	slab->free = piece;
	if (!slab->link)
		list_slab(pool, slab, class);
	if (--slab->used || (pool->slabs[class] == slab && !slab->next))
		return;
	unlist_slab(slab);
	give_pages(pool, page, 1);
}

/* All of them can be had again for pages: pieces of no size are in use. Return: whether any was. */
static bool give_empty_slabs(struct weir_pool *pool)
{
	bool any = false;

	for (unsigned int class = 0; class < WEIR_POOL_CLASSES; class++) {
		struct weir_pool_slab *slab = pool->slabs[class], *next;

		for (; slab; slab = next) {
			next = slab->next;
			if (slab->used)
				continue;
			unlist_slab(slab);
			give_pages(pool, page_of(pool, slab), 1);
			any = true;
		}
	}
	return any;
}

/* ---- calls ---- */

int weir_pool_pages_alloc(struct weir_pool *pool, size_t bytes, size_t align_bytes, void **out_va,
			  uint64_t *out_pa)
{
	size_t n = (bytes >> PAGE_LG2) + ((bytes & (PAGE - 1)) != 0), page;
	unsigned int k = 0;
	unsigned long before;
	bool ok;

	while (PAGE << k < align_bytes && k < WEIR_POOL_ORDERS)
		k++;
	if (!n)
		return WEIR_ENOMEM;
	before = lock(pool);
	ok = take_pages(pool, n, k, &page) ||
	     (give_empty_slabs(pool) && take_pages(pool, n, k, &page));
	unlock(pool, before);
	if (!ok)
		return WEIR_ENOMEM;
	*out_va = page_at(pool, page);
	*out_pa = frame(pool, page) << PAGE_LG2;
	zero(*out_va, n << PAGE_LG2);
	return 0;
}

void weir_pool_pages_free(struct weir_pool *pool, void *va, size_t bytes)
{
	unsigned long before = lock(pool);

	give_pages(pool, page_of(pool, va), (bytes >> PAGE_LG2) + ((bytes & (PAGE - 1)) != 0));
	unlock(pool, before);
}

void *weir_pool_alloc(struct weir_pool *pool, size_t bytes)
{
	unsigned long before;
	void *mem = NULL;
	uint64_t pa;

	if (bytes > LARGEST)
		return weir_pool_pages_alloc(pool, bytes, PAGE, &mem, &pa) ? NULL : mem;
	before = lock(pool);
	mem = take_piece(pool, class_of(bytes));
	if (!mem && give_empty_slabs(pool))
		mem = take_piece(pool, class_of(bytes));
	unlock(pool, before);
	if (mem)
		zero(mem, bytes);
	return mem;
}

void weir_pool_free(struct weir_pool *pool, void *mem, size_t bytes)
{
	unsigned long before;

	if (!mem)
		return;
	if (bytes > LARGEST) {
		weir_pool_pages_free(pool, mem, bytes);
		return;
	}
	before = lock(pool);
	give_piece(pool, mem, class_of(bytes));
	unlock(pool, before);
}

void weir_pool_stats_get(struct weir_pool *pool, struct weir_pool_stats *out_stats)
{
	unsigned long before = lock(pool);

	(void)give_empty_slabs(pool);
	*out_stats = (struct weir_pool_stats){
		.bytes = pool->nr_pages << PAGE_LG2,
		.used = pool->used << PAGE_LG2,
		.peak = pool->peak << PAGE_LG2,
	};
	unlock(pool, before);
}

int weir_pool_init(struct weir_pool *pool, const struct weir_pool_config *config)
{
	size_t begin = (size_t)(-(uintptr_t)config->mem & (PAGE - 1)), n;

	if ((((uintptr_t)config->mem ^ config->pa) & (PAGE - 1)) || config->bytes < begin + 2 * PAGE)
		return WEIR_EINVAL;
	/* a byte of state for each page, in the last ones */
	n = (config->bytes - begin) / (PAGE + 1);
	*pool = (struct weir_pool){
		.pages = (unsigned char *)config->mem + begin, .pa = config->pa + begin,
		.nr_pages = n,
		.irq_off = config->irq_off, .irq_on = config->irq_on,
	};
	pool->state = pool->pages + (n << PAGE_LG2);
	fill(pool->state, n, TAKEN);
	free_pages(pool, 0, n);
	return 0;
}

/* ---- as calls of a host ---- */

static void *host_alloc(void *host, size_t bytes)
{
	return weir_pool_alloc(host, bytes);
}

static void host_free(void *host, void *mem, size_t bytes)
{
	weir_pool_free(host, mem, bytes);
}

static int host_pages_alloc(void *host, size_t bytes, size_t align_bytes, void **out_va,
			    uint64_t *out_pa)
{
	return weir_pool_pages_alloc(host, bytes, align_bytes, out_va, out_pa);
}

static void host_pages_free(void *host, void *va, uint64_t pa, size_t bytes)
{
	(void)pa;
	weir_pool_pages_free(host, va, bytes);
}

void weir_pool_host(struct weir_host_ops *ops)
{
	ops->alloc = host_alloc;
	ops->alloc_atomic = NULL; /* it never sleeps */
	ops->free = host_free;
	ops->pages_alloc = host_pages_alloc;
	ops->pages_alloc_atomic = NULL;
	ops->pages_free = host_pages_free;
}
