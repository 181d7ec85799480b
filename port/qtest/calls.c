// SPDX-License-Identifier: MIT
/*
 * The host's table of calls: the POSIX host's, with the groups for hardware added. It is made
 * with the host and constant after that; what is behind the calls has its own locks.
 */
#include <time.h>

#include "priv.h"

/* ---- the calls that are the POSIX host's ---- */

static void *qtest_alloc(void *host, size_t bytes)
{
	struct weir_qtest *qtest = host;

	return qtest->inner->alloc(qtest->posix, bytes);
}

static void qtest_free(void *host, void *mem, size_t bytes)
{
	struct weir_qtest *qtest = host;

	qtest->inner->free(qtest->posix, mem, bytes);
}

static struct weir_lock *qtest_lock_create(void *host, unsigned int rank)
{
	struct weir_qtest *qtest = host;

	return qtest->inner->lock_create(qtest->posix, rank);
}

static void qtest_lock_destroy(void *host, struct weir_lock *lock)
{
	struct weir_qtest *qtest = host;

	qtest->inner->lock_destroy(qtest->posix, lock);
}

static void qtest_lock(void *host, struct weir_lock *lock)
{
	struct weir_qtest *qtest = host;

	qtest->inner->lock(qtest->posix, lock);
}

static void qtest_unlock(void *host, struct weir_lock *lock)
{
	struct weir_qtest *qtest = host;

	qtest->inner->unlock(qtest->posix, lock);
}

static void qtest_lock_wait(void *host, struct weir_lock *lock)
{
	struct weir_qtest *qtest = host;

	qtest->inner->lock_wait(qtest->posix, lock);
}

static void qtest_lock_wake(void *host, struct weir_lock *lock)
{
	struct weir_qtest *qtest = host;

	qtest->inner->lock_wake(qtest->posix, lock);
}

static struct weir_lock *qtest_spin_create(void *host, unsigned int rank)
{
	struct weir_qtest *qtest = host;

	return qtest->inner->spin_create(qtest->posix, rank);
}

static void qtest_spin_destroy(void *host, struct weir_lock *spin)
{
	struct weir_qtest *qtest = host;

	qtest->inner->spin_destroy(qtest->posix, spin);
}

static unsigned long qtest_spin_lock(void *host, struct weir_lock *spin)
{
	struct weir_qtest *qtest = host;

	return qtest->inner->spin_lock(qtest->posix, spin);
}

static void qtest_spin_unlock(void *host, struct weir_lock *spin, unsigned long before)
{
	struct weir_qtest *qtest = host;

	qtest->inner->spin_unlock(qtest->posix, spin, before);
}

/* Of the guest's RAM only: devices reach no other memory. */
static int qtest_va_to_pa(void *host, const void *va, size_t bytes, uint64_t *out_pa)
{
	const struct weir_qtest *qtest = host;
	const struct pages *p = &qtest->pages;
	size_t at = (size_t)((uintptr_t)va - (uintptr_t)p->va);

	if ((uintptr_t)va < (uintptr_t)p->va || at > p->bytes || bytes > p->bytes - at)
		return WEIR_EINVAL;
	*out_pa = p->pa + at;
	return 0;
}

static void *qtest_pa_to_va(void *host, uint64_t pa, size_t bytes)
{
	void *va;

	return weir_qtest_va(host, pa, bytes, &va) ? NULL : va;
}

static void qtest_assert_failed(void *host, const char *what, const char *file, int line)
{
	struct weir_qtest *qtest = host;

	qtest->inner->assert_failed(qtest->posix, what, file, line);
}

static void qtest_log(void *host, enum weir_log_level level, const char *line)
{
	struct weir_qtest *qtest = host;

	qtest->inner->log(qtest->posix, level, line);
}

static uint64_t qtest_time_ns(void *host)
{
	struct weir_qtest *qtest = host;

	return qtest->inner->time_ns(qtest->posix);
}

static int qtest_thread_run(void *host, void (*fn)(void *arg), void *arg)
{
	struct weir_qtest *qtest = host;

	return qtest->inner->thread_run(qtest->posix, fn, arg);
}

static void qtest_thread_wait(void *host)
{
	struct weir_qtest *qtest = host;

	qtest->inner->thread_wait(qtest->posix);
}

static uint64_t qtest_thread_self(void *host)
{
	struct weir_qtest *qtest = host;

	return qtest->inner->thread_self(qtest->posix);
}

static int qtest_module_open(void *host, const char *name, void **out_image,
			     const struct weir_module_entry **out_entry)
{
	struct weir_qtest *qtest = host;

	return qtest->inner->module_open(qtest->posix, name, out_image, out_entry);
}

static void qtest_module_close(void *host, void *image)
{
	struct weir_qtest *qtest = host;

	qtest->inner->module_close(qtest->posix, image);
}

/* ---- hardware ---- */

static int qtest_pages_alloc(void *host, size_t bytes, size_t align_bytes, void **out_va,
			     uint64_t *out_pa)
{
	struct weir_qtest *qtest = host;

	return pages_take(&qtest->pages, bytes, align_bytes, out_va, out_pa);
}

static void qtest_pages_free(void *host, void *va, uint64_t pa, size_t bytes)
{
	struct weir_qtest *qtest = host;

	(void)va;
	pages_give(&qtest->pages, pa, bytes);
}

/* A position is the physical address: all of it is always there. */
static int qtest_mmio_map(void *host, uint64_t pa, uint64_t bytes, uintptr_t *out_at)
{
	(void)host;
	if (!bytes || pa > UINTPTR_MAX || bytes - 1 > UINTPTR_MAX - pa)
		return WEIR_EINVAL;
	*out_at = (uintptr_t)pa;
	return 0;
}

static void qtest_mmio_unmap(void *host, uintptr_t at, uint64_t bytes)
{
	(void)host;
	(void)at;
	(void)bytes;
}

static char letter(unsigned int width)
{
	return width == 1 ? 'b' : width == 2 ? 'w' : width == 4 ? 'l' : 'q';
}

static uint64_t qtest_mmio_read(void *host, uintptr_t at, unsigned int width)
{
	struct weir_qtest *qtest = host;
	uint64_t value;

	if (wire_ask(&qtest->wire, &value, "read%c 0x%llx", letter(width), (unsigned long long)at))
		return UINT64_MAX;
	return value;
}

static void qtest_mmio_write(void *host, uintptr_t at, unsigned int width, uint64_t value)
{
	struct weir_qtest *qtest = host;

	wire_post(&qtest->wire, "write%c 0x%llx 0x%llx", letter(width), (unsigned long long)at,
		  (unsigned long long)value);
}

static void qtest_dma_barrier(void *host)
{
	(void)host;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* QEMU needs the processor that we would busy. */
static void qtest_delay_ns(void *host, uint32_t ns)
{
	struct timespec time = { .tv_sec = ns / 1000000000u, .tv_nsec = ns % 1000000000u };
	struct weir_qtest *qtest = host;

	irqs_poll(&qtest->irqs);
	nanosleep(&time, NULL);
}

static int qtest_irq_request(void *host, uint32_t line, void (*fn)(void *arg), void *arg,
			     struct weir_irq **out_irq)
{
	struct weir_qtest *qtest = host;

	return irqs_request(&qtest->irqs, line, fn, arg, out_irq);
}

static int qtest_msi_request(void *host, unsigned int n, void (*fn)(void *arg, unsigned int i),
			     void *arg, struct weir_msi *out_messages, struct weir_irq **out_irq)
{
	struct weir_qtest *qtest = host;

	return irqs_request_msi(&qtest->irqs, n, fn, arg, out_messages, out_irq);
}

static void qtest_irq_free(void *host, struct weir_irq *irq)
{
	struct weir_qtest *qtest = host;

	irqs_free(&qtest->irqs, irq);
}

static int qtest_timer_create(void *host, void (*fn)(void *arg), void *arg,
			      struct weir_timer **out_timer)
{
	struct weir_qtest *qtest = host;

	return qtest->inner->timer_create(qtest->posix, fn, arg, out_timer);
}

static void qtest_timer_set(void *host, struct weir_timer *timer, uint64_t ns)
{
	struct weir_qtest *qtest = host;

	qtest->inner->timer_set(qtest->posix, timer, ns);
}

static void qtest_timer_destroy(void *host, struct weir_timer *timer)
{
	struct weir_qtest *qtest = host;

	qtest->inner->timer_destroy(qtest->posix, timer);
}

/* ---- ports of x86 ---- */

uint32_t weir_qtest_in(struct weir_qtest *qtest, uint16_t port, unsigned int width)
{
	uint64_t value;

	if (wire_ask(&qtest->wire, &value, "in%c 0x%x", letter(width), port))
		return UINT32_MAX;
	return (uint32_t)value;
}

void weir_qtest_out(struct weir_qtest *qtest, uint16_t port, unsigned int width, uint32_t value)
{
	wire_post(&qtest->wire, "out%c 0x%x 0x%x", letter(width), port, value);
}

/* ---- the table ---- */

static const struct weir_host_ops all_ops = {
	.abi = WEIR_ABI(struct weir_host_ops),
	.alloc = qtest_alloc,
	.free = qtest_free,
	.lock_create = qtest_lock_create,
	.lock_destroy = qtest_lock_destroy,
	.lock = qtest_lock,
	.unlock = qtest_unlock,
	.lock_wait = qtest_lock_wait,
	.lock_wake = qtest_lock_wake,
	.spin_create = qtest_spin_create,
	.spin_destroy = qtest_spin_destroy,
	.spin_lock = qtest_spin_lock,
	.spin_unlock = qtest_spin_unlock,
	.assert_failed = qtest_assert_failed,
	.log = qtest_log,
	.time_ns = qtest_time_ns,
	.thread_run = qtest_thread_run,
	.thread_wait = qtest_thread_wait,
	.thread_self = qtest_thread_self,
	.module_open = qtest_module_open,
	.module_close = qtest_module_close,
	.pages_alloc = qtest_pages_alloc,
	.pages_free = qtest_pages_free,
	.va_to_pa = qtest_va_to_pa,
	.pa_to_va = qtest_pa_to_va,
	.mmio_map = qtest_mmio_map,
	.mmio_unmap = qtest_mmio_unmap,
	.mmio_read = qtest_mmio_read,
	.mmio_write = qtest_mmio_write,
	.dma_barrier = qtest_dma_barrier,
	.delay_ns = qtest_delay_ns,
	.irq_request = qtest_irq_request,
	.msi_request = qtest_msi_request,
	.irq_free = qtest_irq_free,
	.timer_create = qtest_timer_create,
	.timer_set = qtest_timer_set,
	.timer_destroy = qtest_timer_destroy,
};

/* What the POSIX host leaves out is left out here too. */
void calls_init(struct weir_qtest *qtest)
{
	qtest->inner = weir_posix_ops(qtest->posix);
	qtest->ops = all_ops;
	if (!qtest->inner->log)
		qtest->ops.log = NULL;
	if (!qtest->inner->thread_run) {
		qtest->ops.thread_run = NULL;
		qtest->ops.thread_wait = NULL;
	}
	if (!qtest->inner->module_open) {
		qtest->ops.module_open = NULL;
		qtest->ops.module_close = NULL;
	}
}
