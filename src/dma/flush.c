// SPDX-License-Identifier: MIT
/*
 * The flush queue of lazy unmaps: ranges that are out of the books, but that the hardware
 * may still use until it was told and waited for, which is done for many at once: when
 * the queue is full, or some time after the first range came. While one queue is flushed
 * the other one is filled; a range that finds no room waits for the hardware itself.
 */
#include "dma/priv.h"

static bool take_queue(struct weir_dma_flush *flush, struct weir_dma_segment **out_queue,
		       uint32_t *out_n)
{
	unsigned long before = weir_spin_lock(&flush->spin);
	bool taken = flush->n && !flush->running;

	if (taken) {
		*out_queue = flush->queues[flush->active];
		*out_n = flush->n;
		flush->active ^= 1;
		flush->n = 0;
		flush->running = true;
	}
	weir_spin_unlock(&flush->spin, before);
	return taken;
}

static void sync_and_free(struct weir_dma_space *space, const struct weir_dma_segment *queue,
			  uint32_t n)
{
	if (weir_domain_sync_(space->domain)) {
		weir_logf_(space->m, WEIR_LOG_ERR, "dma: an IOMMU did not confirm an invalidation: "
			   "%u range(s) of addresses are not used again", n);
		return;
	}
	while (n--)
		(void)weir_iova_free_(&space->iova, queue[n].iova, queue[n].bytes);
}

static void run(struct weir_dma_space *space)
{
	struct weir_dma_flush *flush = &space->flush;
	struct weir_dma_segment *queue;
	uint32_t n;
	bool again = true;

	while (again && take_queue(flush, &queue, &n)) {
		unsigned long before;

		sync_and_free(space, queue, n);
		before = weir_spin_lock(&flush->spin);
		flush->running = false;
		flush->nr_flushes++;
		again = flush->n == flush->max; /* who filled it meanwhile found us running */
		weir_spin_unlock(&flush->spin, before);
	}
}

static void timer_ran_out(void *arg)
{
	run(arg);
}

void weir_dma_flush_add_(struct weir_dma_space *space, uint64_t iova, uint64_t bytes)
{
	struct weir_dma_segment range = { .iova = iova, .bytes = bytes };
	struct weir_dma_flush *flush = &space->flush;
	unsigned long before = weir_spin_lock(&flush->spin);
	bool queued = flush->n < flush->max, first = flush->n == 0, full;

	if (queued)
		flush->queues[flush->active][flush->n++] = range;
	full = flush->n == flush->max;
	weir_spin_unlock(&flush->spin, before);
	if (!queued)
		sync_and_free(space, &range, 1);
	else if (full)
		run(space);
	else if (first)
		space->m->ops->timer_set(space->m->host, flush->timer, flush->ns);
}

static void free_queues(struct weir_dma_space *space)
{
	struct weir_dma_flush *flush = &space->flush;

	for (unsigned int i = 0; i < 2; i++) {
		weir_atomic_free(space->m, flush->queues[i], flush->max * sizeof(*flush->queues[i]));
		flush->queues[i] = NULL;
	}
}

int weir_dma_flush_open_(struct weir_dma_space *space, const struct weir_dma_options *options)
{
	struct weir_dma_flush *flush = &space->flush;
	struct weir_machine *m = space->m;
	int err = WEIR_ENOMEM;

	if (flush->timer || !m->ops->timer_create)
		return 0;
	flush->max = options->flush_ranges;
	flush->ns = options->flush_ns;
	for (unsigned int i = 0; i < 2; i++) {
		flush->queues[i] = weir_atomic_alloc(m, flush->max * sizeof(*flush->queues[i]));
		if (!flush->queues[i])
			goto err_queues;
	}
	err = weir_spin_init(&flush->spin, m, WEIR_LOCK_IOVA);
	if (err)
		goto err_queues;
	err = m->ops->timer_create(m->host, timer_ran_out, space, &flush->timer);
	if (!err)
		return 0;
	flush->timer = NULL;
	weir_spin_fini(&flush->spin);
err_queues:
	free_queues(space);
	return err;
}

void weir_dma_flush_close_(struct weir_dma_space *space)
{
	struct weir_dma_flush *flush = &space->flush;

	if (!flush->timer)
		return;
	space->m->ops->timer_destroy(space->m->host, flush->timer);
	run(space);
	flush->timer = NULL;
	weir_spin_fini(&flush->spin);
	free_queues(space);
}
