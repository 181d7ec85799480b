// SPDX-License-Identifier: MIT
/*
 * The checking host's calls for hardware: passed on to the host below, where it has
 * them. What is taken is counted and must be given back; the calls that can fail do
 * so on demand; accesses must be of a width that exists and aligned to it.
 */
#include "testhost_priv.h"

static void count(struct testhost *t, size_t *what, long n)
{
	pthread_mutex_lock(&t->mutex);
	*what += (size_t)n;
	pthread_mutex_unlock(&t->mutex);
}

/* Takes some away. False: there are not so many. */
static bool uncount(struct testhost *t, size_t *what, size_t n)
{
	bool enough;

	pthread_mutex_lock(&t->mutex);
	enough = *what >= n;
	*what -= n;
	pthread_mutex_unlock(&t->mutex);
	return enough;
}

typedef int pages_fn(void *host, size_t bytes, size_t align_bytes, void **out_va, uint64_t *out_pa);

static int pages_alloc(struct testhost *t, pages_fn *inner, size_t bytes, size_t align_bytes,
		       void **out_va, uint64_t *out_pa)
{
	int err;

	if (!bytes || bytes % 4096 || align_bytes < 4096 || (align_bytes & (align_bytes - 1)))
		testhost_fault_(t, "pages_alloc of %zu byte(s) aligned to %zu", bytes, align_bytes);
	if (testhost_may_fail_(t))
		return WEIR_ENOMEM;
	err = inner(t->inner_host, bytes, align_bytes, out_va, out_pa);
	if (!err)
		count(t, &t->page_bytes, (long)bytes);
	return err;
}

static int th_pages_alloc(void *host, size_t bytes, size_t align_bytes, void **out_va,
			  uint64_t *out_pa)
{
	struct testhost *t = host;

	testhost_check_sleep_(t, "pages_alloc");
	return pages_alloc(t, t->inner->pages_alloc, bytes, align_bytes, out_va, out_pa);
}

static int th_pages_alloc_atomic(void *host, size_t bytes, size_t align_bytes, void **out_va,
				 uint64_t *out_pa)
{
	struct testhost *t = host;

	return pages_alloc(t, t->inner->pages_alloc_atomic ? t->inner->pages_alloc_atomic
							   : t->inner->pages_alloc,
			   bytes, align_bytes, out_va, out_pa);
}

static void th_pages_free(void *host, void *va, uint64_t pa, size_t bytes)
{
	struct testhost *t = host;

	if (!uncount(t, &t->page_bytes, bytes))
		testhost_fault_(t, "more pages are freed than there are");
	t->inner->pages_free(t->inner_host, va, pa, bytes);
}

static int th_mmio_map(void *host, uint64_t pa, uint64_t bytes, uintptr_t *out_at)
{
	struct testhost *t = host;
	int err;

	if (testhost_may_fail_(t))
		return WEIR_ENOMEM;
	err = t->inner->mmio_map(t->inner_host, pa, bytes, out_at);
	if (!err)
		count(t, &t->maps, 1);
	return err;
}

static void th_mmio_unmap(void *host, uintptr_t at, uint64_t bytes)
{
	struct testhost *t = host;

	if (!uncount(t, &t->maps, 1))
		testhost_fault_(t, "mmio_unmap of what is not mapped");
	t->inner->mmio_unmap(t->inner_host, at, bytes);
}

static void check_access(struct testhost *t, uintptr_t at, unsigned int width)
{
	if ((width != 1 && width != 2 && width != 4 && width != 8) || at % width)
		testhost_fault_(t, "an access of %u byte(s) at 0x%zx", width, (size_t)at);
}

static uint64_t th_mmio_read(void *host, uintptr_t at, unsigned int width)
{
	struct testhost *t = host;

	check_access(t, at, width);
	return t->inner->mmio_read(t->inner_host, at, width);
}

static void th_mmio_write(void *host, uintptr_t at, unsigned int width, uint64_t value)
{
	struct testhost *t = host;

	check_access(t, at, width);
	t->inner->mmio_write(t->inner_host, at, width, value);
}

static int th_va_to_pa(void *host, const void *va, size_t bytes, uint64_t *out_pa)
{
	struct testhost *t = host;

	return t->inner->va_to_pa(t->inner_host, va, bytes, out_pa);
}

static void *th_pa_to_va(void *host, uint64_t pa, size_t bytes)
{
	struct testhost *t = host;

	return t->inner->pa_to_va(t->inner_host, pa, bytes);
}

static void th_cache_sync(void *host, uint64_t pa, uint64_t bytes, enum weir_cache_op op)
{
	struct testhost *t = host;

	if (!bytes)
		testhost_fault_(t, "cache_sync of no bytes");
	t->inner->cache_sync(t->inner_host, pa, bytes, op);
}

static unsigned int th_cpu_count(void *host)
{
	struct testhost *t = host;

	return t->inner->cpu_count(t->inner_host);
}

static unsigned int th_cpu_id(void *host)
{
	struct testhost *t = host;

	return t->inner->cpu_id(t->inner_host);
}

static unsigned int th_cpu_enter(void *host, unsigned long *out_before)
{
	struct testhost *t = host;

	return t->inner->cpu_enter(t->inner_host, out_before);
}

static void th_cpu_leave(void *host, unsigned long before)
{
	struct testhost *t = host;

	t->inner->cpu_leave(t->inner_host, before);
}

static int th_timer_create(void *host, void (*fn)(void *arg), void *arg,
			   struct weir_timer **out_timer)
{
	struct testhost *t = host;
	int err;

	testhost_check_sleep_(t, "timer_create");
	if (testhost_may_fail_(t))
		return WEIR_ENOMEM;
	err = t->inner->timer_create(t->inner_host, fn, arg, out_timer);
	if (!err)
		count(t, &t->timers, 1);
	return err;
}

static void th_timer_set(void *host, struct weir_timer *timer, uint64_t ns)
{
	struct testhost *t = host;

	t->inner->timer_set(t->inner_host, timer, ns);
}

static void th_timer_destroy(void *host, struct weir_timer *timer)
{
	struct testhost *t = host;

	testhost_check_sleep_(t, "timer_destroy");
	if (!t->timers)
		testhost_fault_(t, "timer_destroy of what was not made");
	count(t, &t->timers, -1);
	t->inner->timer_destroy(t->inner_host, timer);
}

static void th_dma_barrier(void *host)
{
	struct testhost *t = host;

	t->inner->dma_barrier(t->inner_host);
}

static void th_delay_ns(void *host, uint32_t ns)
{
	struct testhost *t = host;

	t->inner->delay_ns(t->inner_host, ns);
}

static int th_irq_request(void *host, uint32_t line, void (*fn)(void *arg), void *arg,
			  struct weir_irq **out_irq)
{
	struct testhost *t = host;
	int err;

	if (testhost_may_fail_(t))
		return WEIR_ENOMEM;
	err = t->inner->irq_request(t->inner_host, line, fn, arg, out_irq);
	if (!err)
		count(t, &t->irqs, 1);
	return err;
}

static int th_msi_request(void *host, unsigned int n, void (*fn)(void *arg, unsigned int i),
			  void *arg, struct weir_msi *out_messages, struct weir_irq **out_irq)
{
	struct testhost *t = host;
	int err;

	if (testhost_may_fail_(t))
		return WEIR_ENOMEM;
	err = t->inner->msi_request(t->inner_host, n, fn, arg, out_messages, out_irq);
	if (!err)
		count(t, &t->irqs, 1);
	return err;
}

static void th_irq_free(void *host, struct weir_irq *irq)
{
	struct testhost *t = host;

	if (!uncount(t, &t->irqs, 1))
		testhost_fault_(t, "irq_free of what was not requested");
	t->inner->irq_free(t->inner_host, irq);
}

void testhost_hw_ops_(struct weir_host_ops *ops, const struct weir_host_ops *inner)
{
	ops->pages_alloc = inner->pages_alloc ? th_pages_alloc : NULL;
	ops->pages_free = inner->pages_free ? th_pages_free : NULL;
	ops->pages_alloc_atomic = inner->pages_alloc ? th_pages_alloc_atomic : NULL;
	ops->va_to_pa = inner->va_to_pa ? th_va_to_pa : NULL;
	ops->pa_to_va = inner->pa_to_va ? th_pa_to_va : NULL;
	ops->cache_sync = inner->cache_sync ? th_cache_sync : NULL;
	ops->cpu_count = inner->cpu_count ? th_cpu_count : NULL;
	ops->cpu_id = inner->cpu_id ? th_cpu_id : NULL;
	ops->cpu_enter = inner->cpu_enter ? th_cpu_enter : NULL;
	ops->cpu_leave = inner->cpu_leave ? th_cpu_leave : NULL;
	ops->timer_create = inner->timer_create ? th_timer_create : NULL;
	ops->timer_set = inner->timer_set ? th_timer_set : NULL;
	ops->timer_destroy = inner->timer_destroy ? th_timer_destroy : NULL;
	ops->mmio_map = inner->mmio_map ? th_mmio_map : NULL;
	ops->mmio_unmap = inner->mmio_unmap ? th_mmio_unmap : NULL;
	ops->mmio_read = inner->mmio_read ? th_mmio_read : NULL;
	ops->mmio_write = inner->mmio_write ? th_mmio_write : NULL;
	ops->dma_barrier = inner->dma_barrier ? th_dma_barrier : NULL;
	ops->delay_ns = inner->delay_ns ? th_delay_ns : NULL;
	ops->irq_request = inner->irq_request ? th_irq_request : NULL;
	ops->msi_request = inner->msi_request ? th_msi_request : NULL;
	ops->irq_free = inner->irq_free ? th_irq_free : NULL;
}

void testhost_hw_check_empty_(struct testhost *t)
{
	if (t->page_bytes)
		testhost_fault_(t, "%zu byte(s) of pages are left", t->page_bytes);
	if (t->maps)
		testhost_fault_(t, "%zu mapping(s) of registers are left", t->maps);
	if (t->irqs)
		testhost_fault_(t, "%zu interrupt(s) are left", t->irqs);
	if (t->timers)
		testhost_fault_(t, "%zu timer(s) are left", t->timers);
}
