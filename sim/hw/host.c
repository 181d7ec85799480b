// SPDX-License-Identifier: MIT
/*
 * The host seam on hardware models, see host.h. Memory, registers, caches and barriers are points
 * in the models' time, and so are, sometimes, locks and allocations.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/host_priv.h"
#include "weir/err.h"

struct weir_lock {
	pthread_mutex_t mutex;
};

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
	hwhost_enter_(h);
	if (hwrng_chance(&h->rng, h->restless)) {
		hwram_publish(h->ram, false);
		point(h);
	}
	hwhost_leave_(h);
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
	hwhost_enter_(h);
	h->spins++;
	hwhost_leave_(h);
	maybe_point(h);
	return 0;
}

static void host_spin_unlock(void *host, struct weir_lock *lock, unsigned long before)
{
	struct hwhost *h = host;

	(void)before;
	maybe_point(h);
	hwhost_enter_(h);
	h->spins--;
	hwhost_leave_(h);
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
	hwhost_enter_(h);
	if (h->log_bytes + n + 2 <= sizeof(h->log)) {
		memcpy(h->log + h->log_bytes, line, n);
		h->log_bytes += n;
		h->log[h->log_bytes++] = '\n';
		h->log[h->log_bytes] = '\0';
	}
	hwhost_leave_(h);
}

static uint64_t host_time_ns(void *host)
{
	struct hwhost *h = host;
	uint64_t now;

	hwhost_enter_(h);
	now = h->clock += h->look_ns;
	hwhost_leave_(h);
	return now;
}

static void host_delay_ns(void *host, uint32_t ns)
{
	struct hwhost *h = host;

	hwhost_enter_(h);
	h->clock += ns;
	hwram_publish(h->ram, false);
	point(h);
	hwhost_leave_(h);
	hwhost_irqs(h);
}

/* ---- memory ---- */

static int host_pages_alloc(void *host, size_t bytes, size_t align_bytes, void **out_va,
			    uint64_t *out_pa)
{
	struct hwhost *h = host;
	bool got;

	hwhost_enter_(h);
	got = hwram_alloc(h->ram, bytes, align_bytes, out_va, out_pa);
	hwhost_leave_(h);
	return got ? 0 : WEIR_ENOMEM;
}

static void host_pages_free(void *host, void *va, uint64_t pa, size_t bytes)
{
	struct hwhost *h = host;

	(void)va;
	hwhost_enter_(h);
	for (unsigned int i = 0; i < h->nr_devices; i++)
		if (h->devices[i].memory_goes)
			h->devices[i].memory_goes(h->devices[i].dev, pa, bytes);
	if (!hwram_free(h->ram, pa, bytes))
		host_assert_failed(h, "pages are freed that were not given out", __FILE__, __LINE__);
	point(h);
	hwhost_leave_(h);
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

	hwhost_enter_(h);
	h->cache_calls++;
	if (op != WEIR_CACHE_INVALIDATE)
		hwram_clean(h->ram, pa, bytes);
	if (op != WEIR_CACHE_CLEAN)
		hwram_invalidate(h->ram, pa, bytes);
	point(h);
	hwhost_leave_(h);
}

static void host_dma_barrier(void *host)
{
	struct hwhost *h = host;

	hwhost_enter_(h);
	h->barriers++;
	hwram_publish(h->ram, true);
	point(h);
	hwhost_leave_(h);
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

	hwhost_enter_(h);
	d = device_at(h, pa, bytes);
	if (d)
		d->maps++;
	hwhost_leave_(h);
	if (!d)
		return WEIR_EINVAL;
	*out_at = (uintptr_t)pa;
	return 0;
}

static void host_mmio_unmap(void *host, uintptr_t at, uint64_t bytes)
{
	struct hwhost *h = host;
	struct hwhost_device *d;

	hwhost_enter_(h);
	d = device_at(h, at, bytes);
	if (d)
		d->maps--;
	hwhost_leave_(h);
}

static uint64_t host_mmio_read(void *host, uintptr_t at, unsigned int width)
{
	struct hwhost *h = host;
	struct hwhost_device *d;
	uint64_t value = ~0ull;

	hwhost_enter_(h);
	hwram_publish(h->ram, false);
	d = device_at(h, at, width);
	if (d && d->maps)
		value = d->read(d->dev, at - d->base, width);
	hwhost_leave_(h);
	return value;
}

static void host_mmio_write(void *host, uintptr_t at, unsigned int width, uint64_t value)
{
	struct hwhost *h = host;
	struct hwhost_device *d;

	hwhost_enter_(h);
	hwram_publish(h->ram, true);
	d = device_at(h, at, width);
	if (d && d->maps)
		d->write(d->dev, at - d->base, width, value);
	hwhost_leave_(h);
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
	.timer_create = hwhost_timer_create_,
	.timer_set = hwhost_timer_set_,
	.timer_destroy = hwhost_timer_destroy_,
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
	.irq_request = hwhost_irq_request_,
	.msi_request = hwhost_msi_request_,
	.irq_free = hwhost_irq_free_,
};

struct hwhost *hwhost_create(size_t ram_bytes, uint64_t seed)
{
	return hwhost_create_at(0x80000000, ram_bytes, seed);
}

struct hwhost *hwhost_create_at(uint64_t base, size_t ram_bytes, uint64_t seed)
{
	struct hwhost *h = calloc(1, sizeof(*h));
	pthread_mutexattr_t recursive;

	if (!h)
		abort();
	h->ops = hw_ops;
	h->ram = hwram_create(base, ram_bytes, seed);
	if (!h->ram || pthread_mutexattr_init(&recursive))
		abort();
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&h->mutex, &recursive);
	pthread_mutexattr_destroy(&recursive);
	h->ram->point = point;
	h->ram->point_arg = h;
	h->restless = 32;
	h->look_ns = 1000;
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
	hwhost_enter_(h);
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
	hwhost_leave_(h);
}

/* ---- time ---- */

void hwhost_points(struct hwhost *h, unsigned int n)
{
	hwhost_enter_(h);
	hwram_publish(h->ram, true);
	for (unsigned int i = 0; i < n; i++) {
		h->clock += 10000;
		point(h);
	}
	hwhost_leave_(h);
	hwhost_irqs(h);
}

const char *hwhost_log_take(struct hwhost *h)
{
	hwhost_enter_(h);
	memcpy(h->taken, h->log, h->log_bytes + 1);
	h->log[h->log_bytes = 0] = '\0';
	hwhost_leave_(h);
	return h->taken;
}
