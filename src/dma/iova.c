// SPDX-License-Identifier: MIT
/* The allocator of iova.h. */
#include "dma/iova.h"

#include "core/core.h"

/* ---- sizes ---- */

static uint64_t pages_of(const struct weir_iova_space *space, uint64_t bytes)
{
	return ((bytes - 1) >> space->page_lg2) + 1;
}

/* Its last byte, seen from the first. */
static inline uint64_t class_last(const struct weir_iova_space *space, unsigned int class)
{
	return (UINT64_C(1) << (class + space->page_lg2)) - 1;
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
static bool take(struct weir_iova_cache *cache, uint64_t last, uint64_t limit, uint64_t *out_iova)
{
	for (uint32_t i = cache->n; i--;) {
		uint64_t iova = cache->loaded->at[i];

		if (iova + last > limit)
			continue;
		cache->loaded->at[i] = cache->loaded->at[--cache->n];
		*out_iova = iova;
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
		(void)tree_free(space, magazine->at[n] >> space->page_lg2, UINT64_C(1) << class);
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

static void drain_late(struct weir_iova_space *space, struct weir_iova_cpu *cpu)
{
	unsigned long before = weir_spin_lock(&space->spin);

	drain_cpu(space, cpu);
	cpu->drains = atomic_load_explicit(&space->drains, memory_order_relaxed);
	weir_spin_unlock(&space->spin, before);
}

struct weir_iova_cpu *weir_iova_enter_slow_(struct weir_iova_space *space, unsigned int id,
					    unsigned long *out_before)
{
	struct weir_iova_cpu *cpu;

	if (space->enter) {
		if (id < space->nr_cpus) {
			drain_late(space, &space->cpus[id]);
			return &space->cpus[id];
		}
		if (space->leave)
			space->leave(space->host, *out_before);
		return NULL;
	}
	id = space->nr_cpus > 1 ? space->m->ops->cpu_id(space->host) : 0;
	cpu = &space->cpus[id < space->nr_cpus ? id : 0];
	return atomic_exchange_explicit(&cpu->busy, true, memory_order_acquire) ? NULL : cpu;
}

/* ---- where the magazines of this CPU do not serve; not inlined: the usual way stays short ---- */

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

/* From this CPU's magazines, or a full one of the depot. The spin lock is held. */
static bool take_any(struct weir_iova_space *space, struct weir_iova_cache *cache,
		     unsigned int class, uint64_t limit, uint64_t *out_iova)
{
	uint64_t last = class_last(space, class);

	if (!cache->n && cache->other_full)
		swap_magazines(cache);
	if (take(cache, last, limit, out_iova))
		return true;
	return !cache->n && load_full(space, cache, class) && take(cache, last, limit, out_iova);
}

__attribute__((noinline))
static int alloc_slow(struct weir_iova_space *space, struct weir_iova_cpu *mine, uint64_t bytes,
		      uint64_t limit, uint64_t *out_iova)
{
	unsigned int class = weir_iova_class_(space, bytes);
	uint64_t pages, page, first;
	unsigned long before;
	int err = 0;

	if (!bytes)
		return WEIR_EINVAL;
	if (!last_page(space, limit, &page))
		return WEIR_ENOSPC;
	pages = class < WEIR_IOVA_CLASSES ? UINT64_C(1) << class : pages_of(space, bytes);
	before = weir_spin_lock(&space->spin);
	if (!mine || class == WEIR_IOVA_CLASSES ||
	    !take_any(space, &mine->caches[class], class, limit, out_iova)) {
		err = tree_alloc(space, mine, pages, page, &first);
		if (!err)
			*out_iova = first << space->page_lg2;
	}
	weir_spin_unlock(&space->spin, before);
	return err;
}

/* Into a magazine of this CPU that is not full, or an empty one of the depot. The lock is held. */
static bool put_any(struct weir_iova_space *space, struct weir_iova_cache *cache,
		    unsigned int class, uint64_t iova)
{
	if (cache->n == WEIR_IOVA_MAGAZINE && cache->other && !cache->other_full)
		swap_magazines(cache);
	if (cache->loaded && !cache->other && cache->n == WEIR_IOVA_MAGAZINE) {
		cache->other = cache->loaded; /* keep the full one at hand */
		cache->other_full = true;
		cache->loaded = NULL;
		cache->n = 0;
	}
	if ((!cache->loaded || cache->n == WEIR_IOVA_MAGAZINE) && !load_empty(space, cache, class))
		return false;
	cache->loaded->at[cache->n++] = iova;
	return true;
}

__attribute__((noinline))
static int free_slow(struct weir_iova_space *space, struct weir_iova_cpu *mine, uint64_t iova,
		     uint64_t bytes)
{
	unsigned int class = weir_iova_class_(space, bytes);
	bool cached = class < WEIR_IOVA_CLASSES;
	unsigned long before;
	int err = 0;

	if (!bytes)
		return WEIR_ENOENT;
	before = weir_spin_lock(&space->spin);
	if (!mine || !cached || !put_any(space, &mine->caches[class], class, iova))
		err = tree_free(space, iova >> space->page_lg2,
				cached ? UINT64_C(1) << class : pages_of(space, bytes));
	weir_spin_unlock(&space->spin, before);
	return err;
}

/* ---- calls ---- */

__attribute__((noinline))
static int alloc_any(struct weir_iova_space *space, unsigned int user, uint64_t bytes,
		     uint64_t limit, uint64_t *out_iova)
{
	unsigned int class = weir_iova_class_(space, bytes);
	unsigned long before = 0;
	/* also for what no magazine holds: they may be emptied */
	struct weir_iova_cpu *cpu = weir_iova_enter_(space, &before);
	int err = 0;

	if (cpu && class < WEIR_IOVA_CLASSES) {
		struct weir_iova_cache *cache = &cpu->caches[class];
		uint32_t n = cache->n;

		if (n && cache->loaded->at[n - 1] + class_last(space, class) <= limit) {
			*out_iova = cache->loaded->at[n - 1];
			cache->n = n - 1;
			goto out;
		}
	}
	err = alloc_slow(space, cpu, bytes, limit, out_iova);
out:
	if (!err)
		weir_iova_count_(space, cpu, user, 1);
	if (cpu)
		weir_iova_leave_(space, cpu, before);
	return err;
}

__attribute__((noinline))
static int free_any(struct weir_iova_space *space, unsigned int user, uint64_t iova, uint64_t bytes)
{
	unsigned int class = weir_iova_class_(space, bytes);
	unsigned long before = 0;
	struct weir_iova_cpu *cpu = weir_iova_enter_(space, &before);
	int err = 0;

	if (cpu && class < WEIR_IOVA_CLASSES) {
		struct weir_iova_cache *cache = &cpu->caches[class];
		struct weir_iova_magazine *loaded = cache->loaded;
		uint32_t n = cache->n;

		if (loaded && n < WEIR_IOVA_MAGAZINE) {
			loaded->at[n] = iova;
			cache->n = n + 1;
			goto out;
		}
	}
	err = free_slow(space, cpu, iova, bytes);
out:
	if (!err)
		weir_iova_count_(space, cpu, user, (size_t)-1);
	if (cpu)
		weir_iova_leave_(space, cpu, before);
	return err;
}

/* What no magazine holds, where nothing has to be emptied for it. False: nothing happened. */
static bool alloc_large(struct weir_iova_space *space, uint64_t bytes, uint64_t limit,
			uint64_t *out_iova)
{
	uint64_t page, first;
	unsigned long before;
	int err;

	if (!bytes || !last_page(space, limit, &page))
		return false;
	before = weir_spin_lock(&space->spin);
	err = weir_ranges_alloc_(&space->ranges, pages_of(space, bytes), page, &first);
	weir_spin_unlock(&space->spin, before);
	if (!err)
		*out_iova = first << space->page_lg2;
	return !err;
}

static bool free_large(struct weir_iova_space *space, uint64_t iova, uint64_t bytes)
{
	unsigned long before;
	bool freed;

	if (!bytes)
		return false;
	before = weir_spin_lock(&space->spin);
	freed = weir_ranges_free_(&space->ranges, iova >> space->page_lg2, pages_of(space, bytes));
	weir_spin_unlock(&space->spin, before);
	return freed;
}

static void count_one(struct weir_iova_space *space, unsigned int user, size_t change)
{
	unsigned long before = 0;
	struct weir_iova_cpu *cpu;

	if (user == WEIR_IOVA_NOBODY)
		return;
	cpu = weir_iova_enter_(space, &before);
	weir_iova_count_(space, cpu, user, change);
	if (cpu)
		weir_iova_leave_(space, cpu, before);
}

int weir_iova_alloc_for_(struct weir_iova_space *space, unsigned int user, uint64_t bytes,
			 uint64_t limit, uint64_t *out_iova)
{
	if (weir_iova_take_(space, user, bytes, limit, out_iova))
		return 0;
	if (weir_iova_class_(space, bytes) == WEIR_IOVA_CLASSES &&
	    alloc_large(space, bytes, limit, out_iova)) {
		count_one(space, user, 1);
		return 0;
	}
	return alloc_any(space, user, bytes, limit, out_iova);
}

int weir_iova_free_for_(struct weir_iova_space *space, unsigned int user, uint64_t iova,
			uint64_t bytes)
{
	if (weir_iova_put_(space, user, iova, bytes))
		return 0;
	if (weir_iova_class_(space, bytes) == WEIR_IOVA_CLASSES &&
	    free_large(space, iova, bytes)) {
		count_one(space, user, (size_t)-1);
		return 0;
	}
	return free_any(space, user, iova, bytes);
}

int weir_iova_alloc_(struct weir_iova_space *space, uint64_t bytes, uint64_t limit,
		     uint64_t *out_iova)
{
	return weir_iova_alloc_for_(space, WEIR_IOVA_NOBODY, bytes, limit, out_iova);
}

int weir_iova_free_(struct weir_iova_space *space, uint64_t iova, uint64_t bytes)
{
	return weir_iova_free_for_(space, WEIR_IOVA_NOBODY, iova, bytes);
}

size_t weir_iova_live_(const struct weir_iova_space *space, unsigned int user)
{
	size_t n = atomic_load_explicit(&space->live[user], memory_order_relaxed);

	for (uint32_t i = 0; i < space->nr_cpus; i++)
		n += atomic_load_explicit(&space->cpus[i].live[user], memory_order_relaxed);
	return n;
}

void weir_iova_forget_(struct weir_iova_space *space, unsigned int user)
{
	atomic_store_explicit(&space->live[user], 0, memory_order_relaxed);
	for (uint32_t i = 0; i < space->nr_cpus; i++)
		atomic_store_explicit(&space->cpus[i].live[user], 0, memory_order_relaxed);
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

void weir_iova_drain_(struct weir_iova_space *space)
{
	unsigned long before_cpu = 0, before;
	struct weir_iova_cpu *mine = weir_iova_enter_(space, &before_cpu);

	before = weir_spin_lock(&space->spin);
	drain(space, mine);
	weir_spin_unlock(&space->spin, before);
	if (mine)
		weir_iova_leave_(space, mine, before_cpu);
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

	*space = (struct weir_iova_space){
		.m = m, .page_lg2 = lg2, .host = m->host,
		.enter = m->ops->cpu_enter, .leave = m->ops->cpu_leave,
	};
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
