// SPDX-License-Identifier: MIT
/*
 * The flush queue of lazy unmaps: ranges that are out of the books, but that the hardware
 * may still use until it was told and waited for, which is done for many at once: when
 * a ring is full, or some time after the first range came.
 *
 * There is a ring for each CPU that the host gives away, filled by who has the CPU, without a lock;
 * and one for everybody else, filled under the spin lock. Whoever flushes, one at a time, takes
 * from all of them; meanwhile they go on being filled, and a range that finds no room waits
 * for the hardware itself.
 *
 * Whether the timer runs is a flag that those who fill look at without a barrier, so the timer goes on
 * until it found nothing twice: the second time to see what came while it took the flag down.
 */
#include "dma/priv.h"

static uint32_t fill_of(const struct weir_dma_ring *ring)
{
	return atomic_load_explicit(&ring->head, memory_order_acquire) -
	       atomic_load_explicit(&ring->tail, memory_order_acquire);
}

/* The addresses are nobody's yet, so nobody maps there: tables that had nothing else go, too. */
static void unlink_tables(struct weir_dma_space *space, const struct weir_dma_ring *ring,
			  struct weir_table_gather *gather)
{
	uint64_t least = weir_tables_span_(space->domain);
	uint32_t mask = space->flush.mask;

	for (uint32_t i = atomic_load_explicit(&ring->tail, memory_order_relaxed); i != ring->end; i++)
		if (ring->at[i & mask].bytes >= least)
			weir_tables_unlink_(space->domain, ring->at[i & mask].iova,
					    ring->at[i & mask].bytes, gather);
}

static void free_ranges(struct weir_dma_space *space, struct weir_dma_ring *ring)
{
	uint32_t mask = space->flush.mask;

	for (uint32_t i = atomic_load_explicit(&ring->tail, memory_order_relaxed); i != ring->end; i++)
		(void)weir_iova_free_(&space->iova, ring->at[i & mask].iova, ring->at[i & mask].bytes);
}

/* What is in the rings now. Return: how many ranges. The flusher's. */
static uint32_t flush_once(struct weir_dma_space *space)
{
	struct weir_dma_flush *flush = &space->flush;
	struct weir_table_gather gather = { 0 };
	uint32_t n = 0;
	int err;

	for (uint32_t i = 0; i < flush->nr_rings; i++) {
		struct weir_dma_ring *ring = &flush->rings[i];

		ring->end = atomic_load_explicit(&ring->head, memory_order_acquire);
		n += ring->end - atomic_load_explicit(&ring->tail, memory_order_relaxed);
	}
	if (!n)
		return 0;
	for (uint32_t i = 0; i < flush->nr_rings; i++)
		unlink_tables(space, &flush->rings[i], &gather);
	err = weir_domain_sync_(space->domain);
	if (!err && gather.unlinked)
		(void)weir_tables_finish_(space->domain, &gather);
	if (err)
		weir_logf_(space->m, WEIR_LOG_ERR, "dma: an IOMMU did not confirm an invalidation: "
			   "%u range(s) of addresses are not used again", n);
	for (uint32_t i = 0; i < flush->nr_rings; i++) {
		struct weir_dma_ring *ring = &flush->rings[i];

		if (!err)
			free_ranges(space, ring);
		atomic_store_explicit(&ring->tail, ring->end, memory_order_release);
	}
	atomic_fetch_add(&flush->nr_flushes, 1);
	return n;
}

static bool is_full(const struct weir_dma_flush *flush)
{
	for (uint32_t i = 0; i < flush->nr_rings; i++)
		if (fill_of(&flush->rings[i]) >= flush->max)
			return true;
	return false;
}

/* Return: whether there was anything, or somebody else is at it. */
__attribute__((noinline))
static bool run(struct weir_dma_space *space)
{
	struct weir_dma_flush *flush = &space->flush;
	bool any = false;

	do {
		if (atomic_exchange(&flush->running, true))
			return true;
		any |= flush_once(space) != 0;
		atomic_store(&flush->running, false);
		atomic_thread_fence(memory_order_seq_cst);
	} while (is_full(flush)); /* who filled one meanwhile found us running */
	return any;
}

static void set_timer(struct weir_dma_space *space)
{
	space->m->ops->timer_set(space->m->host, space->flush.timer, space->flush.ns);
}

static void timer_ran_out(void *arg)
{
	struct weir_dma_space *space = arg;
	struct weir_dma_flush *flush = &space->flush;
	bool armed = atomic_load(&flush->armed), any = run(space);

	if (any)
		atomic_store(&flush->armed, true);
	else if (armed)
		atomic_store(&flush->armed, false);
	if (any || armed)
		set_timer(space);
}

__attribute__((noinline))
static void add_slow(struct weir_dma_space *space, uint64_t iova, uint64_t bytes, bool queued, bool full)
{
	struct weir_dma_flush *flush = &space->flush;

	if (!queued) {
		if (!weir_domain_sync_(space->domain))
			(void)weir_iova_free_(&space->iova, iova, bytes);
	} else if (full) {
		(void)run(space);
	} else if (!atomic_exchange(&flush->armed, true)) {
		set_timer(space);
	}
}

/* Return: whether there was room. The ring is the caller's to fill. */
static inline bool put(struct weir_dma_flush *flush, struct weir_dma_ring *ring, uint64_t iova,
		       uint64_t bytes, bool *out_full)
{
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint32_t n = head - atomic_load_explicit(&ring->tail, memory_order_acquire);

	*out_full = n + 1 >= flush->max;
	if (n >= flush->max)
		return false;
	ring->at[head & flush->mask] = (struct weir_dma_segment){ iova, bytes };
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
	return true;
}

void weir_dma_flush_add_(struct weir_dma_space *space, unsigned int user, uint64_t iova,
			 uint64_t bytes)
{
	struct weir_dma_flush *flush = &space->flush;
	unsigned long before = 0;
	struct weir_iova_cpu *cpu = flush->nr_rings > 1 ? weir_iova_enter_(&space->iova, &before)
							: NULL;
	bool queued, full;

	if (cpu) {
		queued = put(flush, &flush->rings[cpu - space->iova.cpus], iova, bytes, &full);
		weir_iova_count_(&space->iova, cpu, user, (size_t)-1);
		weir_iova_leave_(&space->iova, cpu, before);
	} else {
		before = weir_spin_lock(&flush->spin);
		queued = put(flush, &flush->rings[flush->nr_rings - 1], iova, bytes, &full);
		weir_spin_unlock(&flush->spin, before);
		weir_iova_count_(&space->iova, NULL, user, (size_t)-1);
	}
	if (full || !atomic_load_explicit(&flush->armed, memory_order_relaxed))
		add_slow(space, iova, bytes, queued, full);
}

static void free_rings(struct weir_dma_space *space)
{
	struct weir_dma_flush *flush = &space->flush;

	for (uint32_t i = 0; flush->rings && i < flush->nr_rings; i++)
		weir_atomic_free(space->m, flush->rings[i].at,
				 (flush->mask + 1) * sizeof(*flush->rings[i].at));
	weir_atomic_free(space->m, flush->rings, flush->nr_rings * sizeof(*flush->rings));
	flush->rings = NULL;
}

static int make_rings(struct weir_dma_space *space)
{
	struct weir_dma_flush *flush = &space->flush;

	flush->nr_rings = space->m->ops->cpu_enter ? space->iova.nr_cpus + 1 : 1;
	flush->mask = 1;
	while (flush->mask < flush->max)
		flush->mask = 2 * flush->mask + 1;
	flush->rings = weir_atomic_alloc(space->m, flush->nr_rings * sizeof(*flush->rings));
	for (uint32_t i = 0; flush->rings && i < flush->nr_rings; i++) {
		struct weir_dma_ring *ring = &flush->rings[i];

		ring->at = weir_atomic_alloc(space->m, (flush->mask + 1) * sizeof(*ring->at));
		if (!ring->at)
			free_rings(space);
	}
	return flush->rings ? 0 : WEIR_ENOMEM;
}

static void close(struct weir_dma_space *space)
{
	struct weir_dma_flush *flush = &space->flush;

	space->m->ops->timer_destroy(space->m->host, flush->timer);
	(void)run(space);
	flush->timer = NULL;
	weir_spin_fini(&flush->spin);
	free_rings(space);
}

int weir_dma_flush_open_(struct weir_dma_space *space, const struct weir_dma_options *options)
{
	struct weir_dma_flush *flush = &space->flush;
	struct weir_machine *m = space->m;
	int err;

	if (flush->timer || !m->ops->timer_create)
		return 0;
	flush->max = options->flush_ranges;
	flush->ns = options->flush_ns;
	err = make_rings(space);
	if (err)
		return err;
	err = weir_spin_init(&flush->spin, m, WEIR_LOCK_IOVA);
	if (err)
		goto err_rings;
	err = m->ops->timer_create(m->host, timer_ran_out, space, &flush->timer);
	if (err)
		goto err_spin;
	flush->close = close;
	flush->add = weir_dma_flush_add_;
	return 0;

err_spin:
	flush->timer = NULL;
	weir_spin_fini(&flush->spin);
err_rings:
	free_rings(space);
	return err;
}
