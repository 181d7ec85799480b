// SPDX-License-Identifier: MIT
/*
 * The host seam on hardware models, see host.h. Memory, registers, caches and barriers are points
 * in the models' time, and so are, sometimes, locks and allocations.
 */
#include "hw/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/err.h"

struct weir_lock {
	pthread_mutex_t mutex;
};

static void enter(struct hwhost *h)
{
	pthread_mutex_lock(&h->mutex);
}

static void leave(struct hwhost *h)
{
	pthread_mutex_unlock(&h->mutex);
}

static void point(void *arg)
{
	struct hwhost *h = arg;

	for (unsigned int i = 0; i < h->nr_devices; i++)
		if (h->devices[i].point)
			h->devices[i].point(h->devices[i].dev);
	if (h->on_point)
		h->on_point(h->on_point_arg);
}

/* Some of what the CPU stored may become visible whatever is called. */
static void maybe_point(struct hwhost *h)
{
	enter(h);
	if (hwrng_chance(&h->rng, h->restless)) {
		hwram_publish(h->ram, false);
		point(h);
	}
	leave(h);
}

/* ---- interrupts ---- */

static void deliver(struct hwhost *h, struct hwhost_irq *irq)
{
	struct hwhost_irq now = *irq;

	irq->pending = false;
	irq->fired = 0;
	h->in_irq = true;
	leave(h);
	if (h->around_irq)
		h->around_irq(true);
	if (now.fn)
		now.fn(now.arg);
	for (unsigned int i = 0; i < now.messages; i++)
		if (now.fired >> i & 1)
			now.msi_fn(now.arg, i);
	if (h->around_irq)
		h->around_irq(false);
	enter(h);
	h->in_irq = false;
}

static void run_out(struct hwhost *h, struct hwhost_timer *timer)
{
	timer->set = false;
	h->in_irq = true;
	leave(h);
	if (h->around_irq)
		h->around_irq(true);
	timer->fn(timer->arg);
	if (h->around_irq)
		h->around_irq(false);
	enter(h);
	h->in_irq = false;
}

void hwhost_irqs(struct hwhost *h)
{
	enter(h);
	for (unsigned int i = 0; i < h->irqs_end; i++)
		if (h->irqs[i].used && h->irqs[i].pending && !h->spins && !h->in_irq)
			deliver(h, &h->irqs[i]);
	for (unsigned int i = 0; i < h->timers_end; i++)
		if (h->timers[i].used && h->timers[i].set && h->timers[i].due <= h->clock &&
		    !h->spins && !h->in_irq)
			run_out(h, &h->timers[i]);
	leave(h);
}

void hwhost_line(struct hwhost *h, uint32_t line)
{
	for (unsigned int i = 0; i < h->irqs_end; i++)
		if (h->irqs[i].used && !h->irqs[i].messages && h->irqs[i].line == line)
			h->irqs[i].pending = true;
}

static void message(void *arg, uint64_t pa, uint32_t data)
{
	struct hwhost *h = *(struct hwhost **)arg;

	for (unsigned int i = 0; i < h->irqs_end && pa == HWHOST_DOORBELL; i++) {
		struct hwhost_irq *irq = &h->irqs[i];

		if (irq->used && data >= irq->line && data - irq->line < irq->messages) {
			irq->fired |= 1u << (data - irq->line);
			irq->pending = true;
		}
	}
}

static void smmu_line(void *arg, enum smmu3_line line)
{
	struct hwhost *h = *(struct hwhost **)arg;

	for (unsigned int i = 0; i < h->nr_smmus; i++)
		if (&h->smmus[i].host == arg)
			hwhost_line(h, h->smmus[i].first_line + (uint32_t)line);
}

static struct hwhost_irq *free_irq(struct hwhost *h, uint32_t line)
{
	struct hwhost_irq *irq = NULL;

	for (unsigned int i = 0; i < HWHOST_IRQS; i++) {
		if (h->irqs[i].used && !h->irqs[i].messages && h->irqs[i].line == line)
			return NULL;
		if (!h->irqs[i].used && !irq)
			irq = &h->irqs[i];
	}
	if (irq && irq >= h->irqs + h->irqs_end)
		h->irqs_end = (unsigned int)(irq - h->irqs) + 1;
	return irq;
}

static int host_irq_request(void *host, uint32_t line, void (*fn)(void *arg), void *arg,
			    struct weir_irq **out_irq)
{
	struct hwhost *h = host;
	struct hwhost_irq *irq;

	enter(h);
	irq = free_irq(h, line);
	if (irq)
		*irq = (struct hwhost_irq){ .used = true, .line = line, .fn = fn, .arg = arg };
	leave(h);
	*out_irq = (struct weir_irq *)irq;
	return irq ? 0 : WEIR_EBUSY;
}

static int host_msi_request(void *host, unsigned int n, void (*fn)(void *arg, unsigned int i),
			    void *arg, struct weir_msi *out_messages, struct weir_irq **out_irq)
{
	struct hwhost *h = host;
	struct hwhost_irq *irq;

	enter(h);
	irq = n <= 32 ? free_irq(h, UINT32_MAX) : NULL;
	if (irq)
		*irq = (struct hwhost_irq){ .used = true, .line = (uint32_t)(irq - h->irqs) * 32,
					    .messages = n, .msi_fn = fn, .arg = arg };
	for (unsigned int i = 0; irq && i < n; i++)
		out_messages[i] = (struct weir_msi){ HWHOST_DOORBELL, irq->line + i };
	leave(h);
	*out_irq = (struct weir_irq *)irq;
	return irq ? 0 : WEIR_ENOSPC;
}

static void host_irq_free(void *host, struct weir_irq *irq)
{
	struct hwhost *h = host;

	enter(h);
	memset(irq, 0, sizeof(struct hwhost_irq));
	leave(h);
}

/* ---- timers ---- */

static int host_timer_create(void *host, void (*fn)(void *arg), void *arg,
			     struct weir_timer **out_timer)
{
	struct hwhost *h = host;
	struct hwhost_timer *timer = NULL;

	enter(h);
	for (unsigned int i = 0; i < HWHOST_TIMERS && !timer; i++)
		if (!h->timers[i].used)
			timer = &h->timers[i];
	if (timer)
		*timer = (struct hwhost_timer){ .used = true, .fn = fn, .arg = arg };
	if (timer && timer >= h->timers + h->timers_end)
		h->timers_end = (unsigned int)(timer - h->timers) + 1;
	leave(h);
	*out_timer = (struct weir_timer *)timer;
	return timer ? 0 : WEIR_ENOMEM;
}

static void host_timer_set(void *host, struct weir_timer *timer, uint64_t ns)
{
	struct hwhost_timer *t = (struct hwhost_timer *)timer;
	struct hwhost *h = host;

	enter(h);
	t->due = h->clock + ns;
	t->set = true;
	leave(h);
}

static void host_timer_destroy(void *host, struct weir_timer *timer)
{
	struct hwhost *h = host;

	enter(h);
	memset(timer, 0, sizeof(struct hwhost_timer));
	leave(h);
}

/* ---- what any host has ---- */

static void *host_alloc(void *host, size_t bytes)
{
	maybe_point(host);
	return calloc(1, bytes);
}

static void host_free(void *host, void *mem, size_t bytes)
{
	(void)host;
	(void)bytes;
	free(mem);
}

static struct weir_lock *host_lock_create(void *host, unsigned int rank)
{
	struct weir_lock *lock = calloc(1, sizeof(*lock));

	(void)host;
	(void)rank;
	if (lock)
		pthread_mutex_init(&lock->mutex, NULL);
	return lock;
}

static void host_lock_destroy(void *host, struct weir_lock *lock)
{
	(void)host;
	pthread_mutex_destroy(&lock->mutex);
	free(lock);
}

static void host_lock(void *host, struct weir_lock *lock)
{
	pthread_mutex_lock(&lock->mutex);
	maybe_point(host);
}

static void host_unlock(void *host, struct weir_lock *lock)
{
	maybe_point(host);
	pthread_mutex_unlock(&lock->mutex);
	hwhost_irqs(host);
}

static unsigned long host_spin_lock(void *host, struct weir_lock *lock)
{
	struct hwhost *h = host;

	pthread_mutex_lock(&lock->mutex);
	enter(h);
	h->spins++;
	leave(h);
	maybe_point(h);
	return 0;
}

static void host_spin_unlock(void *host, struct weir_lock *lock, unsigned long before)
{
	struct hwhost *h = host;

	(void)before;
	maybe_point(h);
	enter(h);
	h->spins--;
	leave(h);
	pthread_mutex_unlock(&lock->mutex);
	hwhost_irqs(h);
}

static void host_assert_failed(void *host, const char *what, const char *file, int line)
{
	(void)host;
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
	abort();
}

static void host_log(void *host, enum weir_log_level level, const char *line)
{
	struct hwhost *h = host;
	size_t n = strlen(line);

	(void)level;
	enter(h);
	if (h->log_bytes + n + 2 <= sizeof(h->log)) {
		memcpy(h->log + h->log_bytes, line, n);
		h->log_bytes += n;
		h->log[h->log_bytes++] = '\n';
		h->log[h->log_bytes] = '\0';
	}
	leave(h);
}

static uint64_t host_time_ns(void *host)
{
	struct hwhost *h = host;
	uint64_t now;

	enter(h);
	now = h->clock += 1000;
	leave(h);
	return now;
}

static void host_delay_ns(void *host, uint32_t ns)
{
	struct hwhost *h = host;

	enter(h);
	h->clock += ns;
	hwram_publish(h->ram, false);
	point(h);
	leave(h);
	hwhost_irqs(h);
}

/* ---- memory ---- */

static int host_pages_alloc(void *host, size_t bytes, size_t align_bytes, void **out_va,
			    uint64_t *out_pa)
{
	struct hwhost *h = host;
	bool got;

	enter(h);
	got = hwram_alloc(h->ram, bytes, align_bytes, out_va, out_pa);
	leave(h);
	return got ? 0 : WEIR_ENOMEM;
}

static void host_pages_free(void *host, void *va, uint64_t pa, size_t bytes)
{
	struct hwhost *h = host;

	(void)va;
	enter(h);
	for (unsigned int i = 0; i < h->nr_devices; i++)
		if (h->devices[i].memory_goes)
			h->devices[i].memory_goes(h->devices[i].dev, pa, bytes);
	if (!hwram_free(h->ram, pa, bytes))
		host_assert_failed(h, "pages are freed that were not given out", __FILE__, __LINE__);
	point(h);
	leave(h);
}

static int host_va_to_pa(void *host, const void *va, size_t bytes, uint64_t *out_pa)
{
	struct hwhost *h = host;

	return hwram_pa(h->ram, va, bytes, out_pa) ? 0 : WEIR_EINVAL;
}

static void *host_pa_to_va(void *host, uint64_t pa, size_t bytes)
{
	struct hwhost *h = host;

	return hwram_va(h->ram, pa, bytes);
}

static void host_cache_sync(void *host, uint64_t pa, uint64_t bytes, enum weir_cache_op op)
{
	struct hwhost *h = host;

	enter(h);
	h->cache_calls++;
	if (op != WEIR_CACHE_INVALIDATE)
		hwram_clean(h->ram, pa, bytes);
	if (op != WEIR_CACHE_CLEAN)
		hwram_invalidate(h->ram, pa, bytes);
	point(h);
	leave(h);
}

static void host_dma_barrier(void *host)
{
	struct hwhost *h = host;

	enter(h);
	h->barriers++;
	hwram_publish(h->ram, true);
	point(h);
	leave(h);
}

/* ---- registers: where they are mapped is their address ---- */

static struct hwhost_device *device_at(const struct hwhost *h, uint64_t pa, uint64_t bytes)
{
	for (unsigned int i = 0; i < h->nr_devices; i++) {
		struct hwhost_device *d = &h->devices[i];

		if (pa >= d->base && bytes <= d->bytes && pa - d->base <= d->bytes - bytes)
			return d;
	}
	return NULL;
}

static int host_mmio_map(void *host, uint64_t pa, uint64_t bytes, uintptr_t *out_at)
{
	struct hwhost *h = host;
	struct hwhost_device *d;

	enter(h);
	d = device_at(h, pa, bytes);
	if (d)
		d->maps++;
	leave(h);
	if (!d)
		return WEIR_EINVAL;
	*out_at = (uintptr_t)pa;
	return 0;
}

static void host_mmio_unmap(void *host, uintptr_t at, uint64_t bytes)
{
	struct hwhost *h = host;
	struct hwhost_device *d;

	enter(h);
	d = device_at(h, at, bytes);
	if (d)
		d->maps--;
	leave(h);
}

static uint64_t host_mmio_read(void *host, uintptr_t at, unsigned int width)
{
	struct hwhost *h = host;
	struct hwhost_device *d;
	uint64_t value = ~0ull;

	enter(h);
	hwram_publish(h->ram, false);
	d = device_at(h, at, width);
	if (d && d->maps)
		value = d->read(d->dev, at - d->base, width);
	leave(h);
	return value;
}

static void host_mmio_write(void *host, uintptr_t at, unsigned int width, uint64_t value)
{
	struct hwhost *h = host;
	struct hwhost_device *d;

	enter(h);
	hwram_publish(h->ram, true);
	d = device_at(h, at, width);
	if (d && d->maps)
		d->write(d->dev, at - d->base, width, value);
	leave(h);
}

/* ---- life ---- */

static const struct weir_host_ops hw_ops = {
	.abi = WEIR_ABI(struct weir_host_ops),
	.alloc = host_alloc,
	.free = host_free,
	.lock_create = host_lock_create,
	.lock_destroy = host_lock_destroy,
	.lock = host_lock,
	.unlock = host_unlock,
	.spin_create = host_lock_create,
	.spin_destroy = host_lock_destroy,
	.spin_lock = host_spin_lock,
	.spin_unlock = host_spin_unlock,
	.alloc_atomic = host_alloc,
	.assert_failed = host_assert_failed,
	.log = host_log,
	.time_ns = host_time_ns,
	.delay_ns = host_delay_ns,
	.timer_create = host_timer_create,
	.timer_set = host_timer_set,
	.timer_destroy = host_timer_destroy,
	.pages_alloc = host_pages_alloc,
	.pages_free = host_pages_free,
	.va_to_pa = host_va_to_pa,
	.pa_to_va = host_pa_to_va,
	.cache_sync = host_cache_sync,
	.dma_barrier = host_dma_barrier,
	.mmio_map = host_mmio_map,
	.mmio_unmap = host_mmio_unmap,
	.mmio_read = host_mmio_read,
	.mmio_write = host_mmio_write,
	.irq_request = host_irq_request,
	.msi_request = host_msi_request,
	.irq_free = host_irq_free,
};

struct hwhost *hwhost_create(size_t ram_bytes, uint64_t seed)
{
	struct hwhost *h = calloc(1, sizeof(*h));
	pthread_mutexattr_t recursive;

	if (!h)
		abort();
	h->ops = hw_ops;
	h->ram = hwram_create(0x80000000, ram_bytes, seed);
	if (!h->ram || pthread_mutexattr_init(&recursive))
		abort();
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&h->mutex, &recursive);
	pthread_mutexattr_destroy(&recursive);
	h->ram->point = point;
	h->ram->point_arg = h;
	h->restless = 32;
	hwrng_init(&h->rng, seed ^ 0x686f7374);
	return h;
}

struct hwhost *hwhost_destroy(struct hwhost *h)
{
	if (!h)
		return NULL;
	for (unsigned int i = 0; i < h->nr_devices; i++)
		if (h->devices[i].destroy)
			h->devices[i].destroy(h->devices[i].dev);
	free(h->devices);
	hwram_destroy(h->ram);
	pthread_mutex_destroy(&h->mutex);
	free(h);
	return NULL;
}

const struct weir_host_ops *hwhost_ops(const struct hwhost *h)
{
	return &h->ops;
}

void hwhost_attach(struct hwhost *h, const struct hwhost_device *device)
{
	enter(h);
	if (h->nr_devices == h->devices_room) {
		unsigned int room = h->devices_room ? 2 * h->devices_room : 8;
		struct hwhost_device *more = realloc(h->devices, room * sizeof(*more));

		if (!more)
			abort();
		h->devices = more;
		h->devices_room = room;
	}
	h->devices[h->nr_devices] = *device;
	h->devices[h->nr_devices++].maps = 0;
	leave(h);
}

/* ---- SMMUv3 ---- */

static uint64_t smmu_read(void *dev, uint64_t offset, unsigned int width)
{
	return smmu3_mmio_read(dev, offset, width);
}

static void smmu_write(void *dev, uint64_t offset, unsigned int width, uint64_t value)
{
	smmu3_mmio_write(dev, offset, width, value);
}

static void smmu_point(void *dev)
{
	smmu3_point(dev);
}

static void smmu_memory_goes(void *dev, uint64_t pa, uint64_t bytes)
{
	smmu3_memory_goes(dev, pa, bytes);
}

static void smmu_destroy(void *dev)
{
	smmu3_destroy(dev);
}

struct smmu3 *hwhost_smmu(struct hwhost *h, uint64_t base, const struct smmu3_config *config,
			  uint32_t first_line)
{
	struct hwhost_device device = {
		.base = base, .bytes = SMMU3_BYTES, .read = smmu_read, .write = smmu_write,
		.point = smmu_point, .memory_goes = smmu_memory_goes, .destroy = smmu_destroy,
	};
	unsigned int i = h->nr_smmus;

	if (i == HWHOST_SMMUS)
		return NULL;
	device.dev = h->smmus[i].smmu = smmu3_create(h->ram, config);
	if (!device.dev)
		abort();
	h->smmus[i].host = h;
	h->smmus[i].first_line = first_line;
	h->nr_smmus++;
	smmu3_wire(h->smmus[i].smmu, smmu_line, message, &h->smmus[i].host);
	hwhost_attach(h, &device);
	return h->smmus[i].smmu;
}

/* ---- time ---- */

void hwhost_points(struct hwhost *h, unsigned int n)
{
	enter(h);
	hwram_publish(h->ram, true);
	for (unsigned int i = 0; i < n; i++) {
		h->clock += 10000;
		point(h);
	}
	leave(h);
	hwhost_irqs(h);
}

const char *hwhost_log_take(struct hwhost *h)
{
	enter(h);
	memcpy(h->taken, h->log, h->log_bytes + 1);
	h->log[h->log_bytes = 0] = '\0';
	leave(h);
	return h->taken;
}
