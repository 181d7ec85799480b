// SPDX-License-Identifier: MIT
/* The allocator of iova.h. */
#include "dma/iova.h"

#include "core/core.h"

#define LARGEST (1u << (WEIR_IOVA_CLASSES - 1)) /* pages of the largest class */

/* ---- sizes ---- */

static uint64_t pages_of(const struct weir_iova_space *space, uint64_t bytes)
{
	return ((bytes - 1) >> space->page_lg2) + 1;
}

/* The class whose ranges have @pages or a little more; WEIR_IOVA_CLASSES: none. */
static unsigned int class_of(uint64_t pages)
{
	if (pages > LARGEST)
		return WEIR_IOVA_CLASSES;
	return 31 - (unsigned int)__builtin_clz(2 * (unsigned int)pages - 1);
}

/* ---- magazines; the caller owns the CPU's ---- */

__attribute__((noinline))
static void swap_magazines(struct weir_iova_cache *cache)
{
	struct weir_iova_magazine *loaded = cache->loaded;
	bool full = cache->n != 0;

	/* only called with a loaded one that is full or empty */
	cache->loaded = cache->other;
	cache->n = cache->other_full ? WEIR_IOVA_MAGAZINE : 0;
	cache->other = loaded;
	cache->other_full = full;
}

/* The one freed last is the likeliest to be warm; those above the limit are passed over. */
static bool take(struct weir_iova_cache *cache, uint64_t pages, uint64_t limit,
		 uint64_t *out_first)
{
	for (uint32_t i = cache->n; i--;) {
		uint64_t first = cache->loaded->first[i];

		if (first + (pages - 1) > limit)
			continue;
		cache->loaded->first[i] = cache->loaded->first[--cache->n];
		*out_first = first;
		return true;
	}
	return false;
}

/* ---- the depot; the spin lock is held ---- */

static bool load_full(struct weir_iova_space *space, struct weir_iova_cache *cache,
		      unsigned int class)
{
	struct weir_iova_magazine *magazine = space->full[class];

	if (!magazine)
		return false;
	space->full[class] = magazine->next;
	if (cache->loaded) {
		cache->loaded->next = space->empty;
		space->empty = cache->loaded;
	}
	cache->loaded = magazine;
	cache->n = WEIR_IOVA_MAGAZINE;
	return true;
}

/* False without memory: then the range goes to the tree. */
static bool load_empty(struct weir_iova_space *space, struct weir_iova_cache *cache,
		       unsigned int class)
{
	struct weir_iova_magazine *magazine = space->empty;

	if (magazine)
		space->empty = magazine->next;
	else
		magazine = weir_atomic_alloc(space->m, sizeof(*magazine));
	if (!magazine)
		return false;
	if (cache->loaded) {
		cache->loaded->next = space->full[class];
		space->full[class] = cache->loaded;
	}
	cache->loaded = magazine;
	cache->n = 0;
	return true;
}

/* ---- the tree; the spin lock is held ---- */

static int tree_free(struct weir_iova_space *space, uint64_t first, uint64_t pages)
{
	return weir_ranges_free_(&space->ranges, first, pages) ? 0 : WEIR_ENOENT;
}

static void free_all(struct weir_iova_space *space, const struct weir_iova_magazine *magazine,
		     uint32_t n, unsigned int class)
{
	while (n--)
		(void)tree_free(space, magazine->first[n], UINT64_C(1) << class);
}

static void drain_cpu(struct weir_iova_space *space, struct weir_iova_cpu *cpu)
{
	for (unsigned int class = 0; class < WEIR_IOVA_CLASSES; class++) {
		struct weir_iova_cache *cache = &cpu->caches[class];

		free_all(space, cache->loaded, cache->n, class);
		cache->n = 0;
		if (!cache->other_full)
			continue;
		free_all(space, cache->other, WEIR_IOVA_MAGAZINE, class);
		cache->other_full = false;
	}
}

static void drain_depot(struct weir_iova_space *space)
{
	for (unsigned int class = 0; class < WEIR_IOVA_CLASSES; class++) {
		while (space->full[class]) {
			struct weir_iova_magazine *magazine = space->full[class];

			space->full[class] = magazine->next;
			free_all(space, magazine, WEIR_IOVA_MAGAZINE, class);
			magazine->next = space->empty;
			space->empty = magazine;
		}
	}
}

/*
 * @mine: the CPU whose magazines the caller owns, or NULL. Others' are emptied where they can
 * be owned by their flag, and otherwise by the next who comes there.
 */
static void drain(struct weir_iova_space *space, struct weir_iova_cpu *mine)
{
	bool flags = !space->m->ops->cpu_enter;

	if (!flags)
		atomic_fetch_add_explicit(&space->drains, 1, memory_order_relaxed);
	for (uint32_t i = 0; i < space->nr_cpus; i++) {
		struct weir_iova_cpu *cpu = &space->cpus[i];

		if (cpu == mine) {
			drain_cpu(space, cpu);
		} else if (flags &&
			   !atomic_exchange_explicit(&cpu->busy, true, memory_order_acquire)) {
			drain_cpu(space, cpu);
			atomic_store_explicit(&cpu->busy, false, memory_order_release);
		}
	}
	drain_depot(space);
}

static int tree_alloc(struct weir_iova_space *space, struct weir_iova_cpu *mine, uint64_t pages,
		      uint64_t limit, uint64_t *out_first)
{
	int err = weir_ranges_alloc_(&space->ranges, pages, limit, out_first);

	if (err != WEIR_ENOSPC)
		return err;
	drain(space, mine);
	return weir_ranges_alloc_(&space->ranges, pages, limit, out_first);
}

/* ---- owning the magazines of this CPU ---- */

__attribute__((noinline))
static void drain_late(struct weir_iova_space *space, struct weir_iova_cpu *cpu, uint32_t drains)
{
	unsigned long before = weir_spin_lock(&space->spin);

	drain_cpu(space, cpu);
	cpu->drains = drains;
	weir_spin_unlock(&space->spin, before);
}

/* NULL: they are somebody else's. */
static inline struct weir_iova_cpu *enter_cpu(struct weir_iova_space *space,
					      unsigned long *out_before)
{
	const struct weir_host_ops *ops = space->m->ops;
	struct weir_iova_cpu *cpu;
	uint32_t id, drains;

	if (!ops->cpu_enter) {
		id = space->nr_cpus > 1 ? ops->cpu_id(space->m->host) : 0;
		cpu = &space->cpus[id < space->nr_cpus ? id : 0];
		return atomic_exchange_explicit(&cpu->busy, true, memory_order_acquire) ? NULL : cpu;
	}
	id = ops->cpu_enter(space->m->host, out_before);
	if (id >= space->nr_cpus) {
		ops->cpu_leave(space->m->host, *out_before);
		return NULL;
	}
	cpu = &space->cpus[id];
	drains = atomic_load_explicit(&space->drains, memory_order_relaxed);
	if (cpu->drains != drains)
		drain_late(space, cpu, drains);
	return cpu;
}

static inline void leave_cpu(struct weir_iova_space *space, struct weir_iova_cpu *cpu,
			     unsigned long before)
{
	if (space->m->ops->cpu_enter)
		space->m->ops->cpu_leave(space->m->host, before);
	else
		atomic_store_explicit(&cpu->busy, false, memory_order_release);
}

/* ---- where the magazines of this CPU do not serve; not inlined: the usual way stays short ---- */

__attribute__((noinline))
static int alloc_slow(struct weir_iova_space *space, struct weir_iova_cpu *mine,
		      unsigned int class, uint64_t pages, uint64_t limit, uint64_t *out_first)
{
	unsigned long before = weir_spin_lock(&space->spin);
	int err = 0;

	if (!mine || class == WEIR_IOVA_CLASSES || mine->caches[class].n ||
	    !load_full(space, &mine->caches[class], class) ||
	    !take(&mine->caches[class], pages, limit, out_first))
		err = tree_alloc(space, mine, pages, limit, out_first);
	weir_spin_unlock(&space->spin, before);
	return err;
}

__attribute__((noinline))
static int free_slow(struct weir_iova_space *space, struct weir_iova_cache *cache,
		     unsigned int class, uint64_t first, uint64_t pages)
{
	unsigned long before = weir_spin_lock(&space->spin);
	int err = 0;

	if (cache && load_empty(space, cache, class))
		cache->loaded->first[cache->n++] = first;
	else
		err = tree_free(space, first, pages);
	weir_spin_unlock(&space->spin, before);
	return err;
}

/* ---- calls ---- */

/* The last whole page up to @limit; false: there is none. */
static bool last_page(const struct weir_iova_space *space, uint64_t limit, uint64_t *out_page)
{
	uint64_t pages = limit == UINT64_MAX ? (UINT64_MAX >> space->page_lg2) + 1
					     : (limit + 1) >> space->page_lg2;

	if (!pages)
		return false;
	*out_page = pages - 1 < space->ranges.max ? pages - 1 : space->ranges.max;
	return true;
}

int weir_iova_alloc_(struct weir_iova_space *space, uint64_t bytes, uint64_t limit,
		     uint64_t *out_iova)
{
	uint64_t pages, first = 0, page;
	struct weir_iova_cpu *cpu;
	unsigned long before = 0;
	unsigned int class;
	int err = 0;

	if (!bytes)
		return WEIR_EINVAL;
	if (!last_page(space, limit, &page))
		return WEIR_ENOSPC;
	pages = pages_of(space, bytes);
	class = class_of(pages);
	if (class < WEIR_IOVA_CLASSES)
		pages = UINT64_C(1) << class;
	cpu = enter_cpu(space, &before); /* also for what no magazine holds: they may be emptied */
	if (cpu && class < WEIR_IOVA_CLASSES) {
		struct weir_iova_cache *cache = &cpu->caches[class];

		if (!cache->n && cache->other_full)
			swap_magazines(cache);
		if (take(cache, pages, page, &first))
			goto out;
	}
	err = alloc_slow(space, cpu, class, pages, page, &first);
out:
	if (cpu)
		leave_cpu(space, cpu, before);
	if (!err)
		*out_iova = first << space->page_lg2;
	return err;
}

int weir_iova_free_(struct weir_iova_space *space, uint64_t iova, uint64_t bytes)
{
	uint64_t first = iova >> space->page_lg2, pages;
	struct weir_iova_cache *cache;
	struct weir_iova_cpu *cpu;
	unsigned long before = 0;
	unsigned int class;
	int err = 0;

	if (!bytes)
		return WEIR_ENOENT;
	pages = pages_of(space, bytes);
	class = class_of(pages);
	if (class == WEIR_IOVA_CLASSES)
		return free_slow(space, NULL, class, first, pages);
	pages = UINT64_C(1) << class;
	cpu = enter_cpu(space, &before);
	if (!cpu)
		return free_slow(space, NULL, class, first, pages);
	cache = &cpu->caches[class];
	if (cache->n == WEIR_IOVA_MAGAZINE && cache->other && !cache->other_full)
		swap_magazines(cache);
	if (cache->loaded && cache->n < WEIR_IOVA_MAGAZINE) {
		cache->loaded->first[cache->n++] = first;
	} else {
		if (cache->loaded && !cache->other) { /* keep the full one at hand */
			cache->other = cache->loaded;
			cache->other_full = true;
			cache->loaded = NULL;
			cache->n = 0;
		}
		err = free_slow(space, cache, class, first, pages);
	}
	leave_cpu(space, cpu, before);
	return err;
}

int weir_iova_reserve_(struct weir_iova_space *space, uint64_t first, uint64_t last)
{
	uint64_t page = first >> space->page_lg2, end = last >> space->page_lg2;
	unsigned long before;
	int err = 0;

	if (page < space->ranges.min)
		page = space->ranges.min;
	if (end > space->ranges.max)
		end = space->ranges.max;
	before = weir_spin_lock(&space->spin);
	drain(space, NULL);
	while (page <= end && !err) {
		struct weir_range range = { .first = end + 1 }, gap;

		if (!weir_ranges_next_(&space->ranges, page, &range) || range.first > end)
			range.first = end + 1;
		if (range.first > page) {
			gap = (struct weir_range){ page, range.first - 1, true };
			err = weir_ranges_add_(&space->ranges, &gap);
			page = range.first;
		} else {
			err = range.reserved ? 0 : WEIR_EBUSY;
			page = range.last + 1;
		}
	}
	weir_spin_unlock(&space->spin, before);
	return err;
}

bool weir_iova_next_open_(struct weir_iova_space *space, uint64_t iova, uint64_t *out_first,
			  uint64_t *out_last)
{
	uint64_t page = iova >> space->page_lg2, at;
	unsigned long before = weir_spin_lock(&space->spin);
	struct weir_range range;
	bool open = false;

	if (page < space->ranges.min)
		page = space->ranges.min;
	/* over what is reserved, then over all that is not */
	while (weir_ranges_next_(&space->ranges, page, &range) && range.reserved &&
	       range.first <= page)
		page = range.last + 1;
	for (at = page; weir_ranges_next_(&space->ranges, at, &range); at = range.last + 1)
		if (range.reserved)
			break;
	if (page <= space->ranges.max) {
		bool stop = weir_ranges_next_(&space->ranges, at, &range);

		open = true;
		*out_first = page << space->page_lg2;
		*out_last = ((stop ? range.first : space->ranges.max + 1) << space->page_lg2) - 1;
	}
	weir_spin_unlock(&space->spin, before);
	return open;
}

void weir_iova_trim_(struct weir_iova_space *space)
{
	unsigned long before = weir_spin_lock(&space->spin);

	for (uint32_t i = 0; i < space->nr_cpus; i++)
		drain_cpu(space, &space->cpus[i]);
	drain_depot(space);
	weir_spin_unlock(&space->spin, before);
}

/* ---- life ---- */

static void free_list(struct weir_machine *m, struct weir_iova_magazine *magazine)
{
	struct weir_iova_magazine *next;

	for (; magazine; magazine = next) {
		next = magazine->next;
		weir_atomic_free(m, magazine, sizeof(*magazine));
	}
}

static void free_magazines(struct weir_iova_space *space)
{
	struct weir_machine *m = space->m;

	for (uint32_t i = 0; space->cpus && i < space->nr_cpus; i++) {
		for (unsigned int class = 0; class < WEIR_IOVA_CLASSES; class++) {
			struct weir_iova_cache *cache = &space->cpus[i].caches[class];

			weir_atomic_free(m, cache->loaded, sizeof(*cache->loaded));
			weir_atomic_free(m, cache->other, sizeof(*cache->other));
		}
	}
	for (unsigned int class = 0; class < WEIR_IOVA_CLASSES; class++)
		free_list(m, space->full[class]);
	free_list(m, space->empty);
	weir_atomic_free(m, space->cpus, space->nr_cpus * sizeof(*space->cpus));
}

int weir_iova_init_(struct weir_machine *m, struct weir_iova_space *space, uint64_t iova_min,
		    uint64_t iova_max, uint64_t page_bytes)
{
	unsigned int lg2 = (unsigned int)__builtin_ctzll(page_bytes);
	uint64_t min = (iova_min >> lg2) + ((iova_min & (page_bytes - 1)) != 0), max;
	int err = WEIR_ENOMEM;

	*space = (struct weir_iova_space){ .m = m, .page_lg2 = lg2 };
	max = iova_max == UINT64_MAX ? iova_max >> lg2 : (iova_max + 1) >> lg2;
	if (iova_max != UINT64_MAX && max-- == 0)
		return WEIR_EINVAL;
	if (max < min)
		return WEIR_EINVAL;
	space->nr_cpus = m->ops->cpu_count ? m->ops->cpu_count(m->host) : 1;
	space->cpus = weir_atomic_alloc(m, space->nr_cpus * sizeof(*space->cpus));
	if (!space->cpus)
		return err;
	err = weir_spin_init(&space->spin, m, WEIR_LOCK_IOVA);
	if (err)
		goto err_cpus;
	err = weir_ranges_init_(&space->ranges, m, min, max);
	if (!err)
		return 0;
	weir_spin_fini(&space->spin);
err_cpus:
	weir_atomic_free(m, space->cpus, space->nr_cpus * sizeof(*space->cpus));
	*space = (struct weir_iova_space){ 0 };
	return err;
}

void weir_iova_fini_(struct weir_iova_space *space)
{
	if (!space->cpus)
		return;
	free_magazines(space);
	weir_ranges_fini_(&space->ranges);
	weir_spin_fini(&space->spin);
	*space = (struct weir_iova_space){ 0 };
}
