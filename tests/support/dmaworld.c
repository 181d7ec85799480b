// SPDX-License-Identifier: MIT
#include "dmaworld.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PART_PAGES (DW_PART_BYTES / DW_PAGE)

static struct dw *current; /* of the test: drivers find it here */
static unsigned int always; /* dw_always() */
static _Thread_local unsigned int this_cpu;
static _Thread_local unsigned int own_cpu; /* 0: none yet */
static _Atomic unsigned int nr_threads;

/* ---- the host ---- */

static int part_of(uint64_t pa, size_t bytes)
{
	for (int i = 0; i < 2; i++) {
		uint64_t base = i ? DW_HIGH : DW_RAM;

		if (pa >= base && pa - base <= DW_PART_BYTES && bytes <= DW_PART_BYTES - (pa - base))
			return i;
	}
	return -1;
}

unsigned char *dw_at(struct dw *dw, uint64_t pa)
{
	bool high = part_of(pa, 1) == 1;

	assert_true(part_of(pa, 1) >= 0);
	return dw->ram[high] + (pa - (high ? DW_HIGH : DW_RAM));
}

/* Pages come from the lower half of the lower part; the rest is the test's. */
static int host_pages_alloc(void *host, size_t bytes, size_t align, void **out_va, uint64_t *out_pa)
{
	struct dw *dw = host;
	size_t n = bytes / DW_PAGE, step = align / DW_PAGE;
	int err = WEIR_ENOMEM;

	pthread_mutex_lock(&dw->mutex);
	for (size_t at = 0; err && at + n <= PART_PAGES / 2; at += step) {
		size_t run = 0;

		while (run < n && !dw->used[0][at + run])
			run++;
		if (run < n)
			continue;
		memset(&dw->used[0][at], true, n);
		*out_va = dw->ram[0] + at * DW_PAGE;
		*out_pa = DW_RAM + at * DW_PAGE;
		memset(*out_va, 0, bytes);
		err = 0;
	}
	pthread_mutex_unlock(&dw->mutex);
	return err;
}

static void host_pages_free(void *host, void *va, uint64_t pa, size_t bytes)
{
	struct dw *dw = host;
	size_t at = (size_t)(pa - DW_RAM) / DW_PAGE;

	pthread_mutex_lock(&dw->mutex);
	assert_ptr_equal(va, dw->ram[0] + at * DW_PAGE);
	for (size_t i = 0; i < bytes / DW_PAGE; i++) {
		assert_true(dw->used[0][at + i]);
		dw->used[0][at + i] = false;
	}
	memset(va, 0x5a, bytes);
	pthread_mutex_unlock(&dw->mutex);
}

static int host_va_to_pa(void *host, const void *va, size_t bytes, uint64_t *out_pa)
{
	struct dw *dw = host;

	for (int i = 0; i < 2; i++) {
		size_t offset = (size_t)((const unsigned char *)va - dw->ram[i]);

		if ((const unsigned char *)va < dw->ram[i] || offset + bytes > DW_PART_BYTES)
			continue;
		*out_pa = (i ? DW_HIGH : DW_RAM) + offset;
		return 0;
	}
	return WEIR_EINVAL;
}

static void *host_pa_to_va(void *host, uint64_t pa, size_t bytes)
{
	struct dw *dw = host;

	return part_of(pa, bytes) < 0 ? NULL : dw_at(dw, pa);
}

static void host_cache_sync(void *host, uint64_t pa, uint64_t bytes, enum weir_cache_op op)
{
	struct dw *dw = host;

	assert_true(part_of(pa, bytes) >= 0);
	if (op == WEIR_CACHE_CLEAN) {
		dw->cleans++;
		dw->clean_bytes += bytes;
	} else if (op == WEIR_CACHE_INVALIDATE) {
		dw->invalidates++;
		dw->invalidate_bytes += bytes;
	}
}

static unsigned int host_cpu_count(void *host)
{
	(void)host;
	return DW_NR_CPUS;
}

static unsigned int host_cpu_id(void *host)
{
	(void)host;
	return this_cpu++ % DW_NR_CPUS;
}

/* A thread keeps its CPU; others may have it too, one at a time. */
static unsigned int host_cpu_enter(void *host, unsigned long *out_before)
{
	struct dw *dw = host;
	unsigned int cpu;

	if (!own_cpu)
		own_cpu = ++nr_threads;
	cpu = own_cpu % DW_NR_CPUS;
	pthread_mutex_lock(&dw->cpus[cpu]);
	*out_before = cpu;
	return cpu;
}

static void host_cpu_leave(void *host, unsigned long before)
{
	struct dw *dw = host;

	pthread_mutex_unlock(&dw->cpus[before]);
}

static int host_timer_create(void *host, void (*fn)(void *arg), void *arg,
			     struct weir_timer **out_timer)
{
	struct dw *dw = host;
	struct weir_timer *timer = calloc(1, sizeof(*timer));

	assert_non_null(timer);
	timer->fn = fn;
	timer->arg = arg;
	pthread_mutex_lock(&dw->mutex);
	timer->next = dw->timers;
	dw->timers = timer;
	pthread_mutex_unlock(&dw->mutex);
	*out_timer = timer;
	return 0;
}

static void host_timer_set(void *host, struct weir_timer *timer, uint64_t ns)
{
	struct dw *dw = host;

	pthread_mutex_lock(&dw->mutex);
	timer->at = dw->now + ns;
	pthread_mutex_unlock(&dw->mutex);
}

static void host_timer_destroy(void *host, struct weir_timer *timer)
{
	struct dw *dw = host;
	struct weir_timer **link;

	pthread_mutex_lock(&dw->mutex);
	for (link = &dw->timers; *link != timer; link = &(*link)->next)
		;
	*link = timer->next;
	pthread_mutex_unlock(&dw->mutex);
	free(timer);
}

/* One that ran out, taken down as such; NULL: none. */
static struct weir_timer *next_timer(struct dw *dw)
{
	struct weir_timer *timer;

	pthread_mutex_lock(&dw->mutex);
	for (timer = dw->timers; timer; timer = timer->next)
		if (timer->at && timer->at <= dw->now)
			break;
	if (timer)
		timer->at = 0;
	pthread_mutex_unlock(&dw->mutex);
	return timer;
}

void dw_advance(struct dw *dw, uint64_t ns)
{
	struct weir_timer *timer;

	pthread_mutex_lock(&dw->mutex);
	dw->now += ns;
	pthread_mutex_unlock(&dw->mutex);
	while ((timer = next_timer(dw)))
		timer->fn(timer->arg);
}

static void host_log(void *host, enum weir_log_level level, const char *line)
{
	struct dw *dw = host;

	(void)level;
	pthread_mutex_lock(&dw->mutex);
	if (dw->log_bytes + strlen(line) + 2 < DW_LOG)
		dw->log_bytes += (size_t)snprintf(dw->log + dw->log_bytes, DW_LOG - dw->log_bytes,
						  "%s\n", line);
	pthread_mutex_unlock(&dw->mutex);
}

bool dw_logged(const struct dw *dw, const char *text)
{
	return strstr(dw->log, text);
}

void dw_log_clear(struct dw *dw)
{
	dw->log[0] = '\0';
	dw->log_bytes = 0;
}

void dw_always(unsigned int flags)
{
	always = flags;
}

const struct weir_host_ops *dw_host(struct dw *dw, unsigned int flags)
{
	flags |= always;
	memset(dw, 0, sizeof(*dw));
	current = dw;
	dw->flags = flags;
	pthread_mutex_init(&dw->mutex, NULL);
	for (unsigned int i = 0; i < DW_NR_CPUS; i++)
		pthread_mutex_init(&dw->cpus[i], NULL);
	for (int i = 0; i < 2; i++) {
		dw->ram[i] = calloc(1, DW_PART_BYTES);
		dw->used[i] = calloc(PART_PAGES, sizeof(bool));
		assert_true(dw->ram[i] && dw->used[i]);
	}
	dw->entries = calloc(DW_ENTRIES, sizeof(*dw->entries));
	assert_non_null(dw->entries);
	for (unsigned int i = 0; i < DW_ENTRIES; i++)
		dw->entries[i].iova = 1;
	dw->ops = testhost_plain_ops;
	dw->ops.log = host_log;
	dw->ops.pages_alloc = host_pages_alloc;
	dw->ops.pages_free = host_pages_free;
	dw->ops.va_to_pa = host_va_to_pa;
	dw->ops.pa_to_va = flags & DW_NO_PA_TO_VA ? NULL : host_pa_to_va;
	dw->ops.cache_sync = flags & DW_NO_CACHE_SYNC ? NULL : host_cache_sync;
	dw->ops.cpu_count = host_cpu_count;
	dw->ops.cpu_id = host_cpu_id;
	if (flags & DW_CPUS) {
		dw->ops.cpu_enter = host_cpu_enter;
		dw->ops.cpu_leave = host_cpu_leave;
	}
	if (!(flags & DW_NO_TIMERS)) {
		dw->ops.timer_create = host_timer_create;
		dw->ops.timer_set = host_timer_set;
		dw->ops.timer_destroy = host_timer_destroy;
	}
	return &dw->ops;
}

void dw_host_free(struct dw *dw)
{
	for (int i = 0; i < 2; i++) {
		free(dw->ram[i]);
		free(dw->used[i]);
	}
	free(dw->entries);
	for (unsigned int i = 0; i < DW_NR_CPUS; i++)
		pthread_mutex_destroy(&dw->cpus[i]);
	pthread_mutex_destroy(&dw->mutex);
	current = NULL;
}

/* ---- the IOMMU; the domain's lock is held ---- */

struct dw_entry *dw_entry_(struct dw *dw, void *part, uint64_t iova)
{
	uint64_t page = iova & ~(uint64_t)(DW_PAGE - 1);
	uint32_t i = (uint32_t)((page / DW_PAGE + (uintptr_t)part) * 2654435761u) % DW_ENTRIES;

	while ((dw->entries[i].iova != page || dw->entries[i].part != part) &&
	       dw->entries[i].iova != 1)
		i = (i + 1) % DW_ENTRIES;
	return &dw->entries[i];
}

/* Entries stay where they are: a place that was used once holds the same page again or none. */
static bool is_mapped(const struct dw_entry *e)
{
	return e->iova != 1 && e->prot && !e->stale;
}

static int iommu_map(void *instance, void *part, uint64_t iova, uint64_t pa, uint64_t bytes,
		     uint32_t prot)
{
	struct dw *dw = instance;

	dw->maps++;
	if (dw->fail_map || (dw->fail_map_in && !--dw->fail_map_in))
		return WEIR_EIO;
	for (uint64_t at = 0; bytes <= DW_MAX_MAP && at < bytes; at += DW_PAGE) {
		struct dw_entry *e = dw_entry_(dw, part, iova + at);

		if (is_mapped(e))
			return WEIR_EIO; /* the library must not ask for that: no test passes with it */
		/* a page that the hardware may still use must not become another one */
		if (e->iova != 1 && e->stale)
			abort();
		if (e->iova == 1 && ++dw->nr_entries > DW_ENTRIES - 8)
			abort();
		*e = (struct dw_entry){ part, iova + at, pa + at, prot, false };
	}
	return 0;
}

static int iommu_sync_map(void *instance, void *part)
{
	const struct dw *dw = instance;

	(void)part;
	return dw->fail_sync_map ? WEIR_EIO : 0;
}

static int iommu_unmap(void *instance, void *part, uint64_t iova, uint64_t bytes)
{
	struct dw *dw = instance;

	dw->unmaps++;
	if (dw->fail_unmap)
		return WEIR_EIO;
	for (uint64_t at = 0; bytes <= DW_MAX_MAP && at < bytes; at += DW_PAGE) {
		struct dw_entry *e = dw_entry_(dw, part, iova + at);

		if (!is_mapped(e))
			abort();
		if (dw->no_stale) {
			e->prot = 0;
		} else {
			e->stale = true;
			dw->nr_stale++;
		}
	}
	return 0;
}

int dw_iommu_sync_(void *instance, void *part)
{
	struct dw *dw = instance;

	(void)part;
	dw->syncs++;
	if (dw->fail_sync)
		return WEIR_EIO;
	for (unsigned int i = 0; dw->nr_stale && i < DW_ENTRIES; i++) {
		if (!dw->entries[i].stale)
			continue;
		dw->entries[i].stale = false;
		dw->entries[i].prot = 0;
		dw->nr_stale--;
	}
	return 0;
}

static int iommu_attach(void *instance, uint32_t stream, enum weir_domain_type type, void *part)
{
	struct dw *dw = instance;

	if (dw->fail_block && type == WEIR_DOMAIN_BLOCKED)
		return WEIR_EIO;
	dw->streams[stream] = part;
	return 0;
}

static void iommu_limits(void *instance, struct weir_domain_limits *out_limits)
{
	struct dw *dw = instance;

	*out_limits = (struct weir_domain_limits){
		.page_bytes = dw->flags & DW_BIG_PAGES ? 65536 : DW_PAGE,
		.iova_max = dw->flags & DW_SMALL_IOMMU ? (16u << 20) - 1 : (UINT64_C(1) << 48) - 1,
	};
}

static int iommu_part_create(void *instance, struct weir_domain *domain, void **out_part)
{
	(void)instance;
	(void)domain;
	*out_part = malloc(1);
	assert_non_null(*out_part);
	return 0;
}

/* What was mapped in it is out of reach. */
static void iommu_part_destroy(void *instance, void *part)
{
	struct dw *dw = instance;

	for (unsigned int i = 0; i < DW_ENTRIES; i++) {
		if (dw->entries[i].iova == 1 || dw->entries[i].part != part)
			continue;
		dw->nr_stale -= dw->entries[i].stale;
		dw->entries[i].stale = false;
		dw->entries[i].prot = 0;
		dw->entries[i].part = dw; /* nobody's: another part may get the same address */
	}
	free(part);
}

static const struct weir_iommu_ops iommu_ops = {
	.abi = WEIR_ABI(struct weir_iommu_ops),
	.limits = iommu_limits,
	.part_create = iommu_part_create,
	.part_destroy = iommu_part_destroy,
	.attach = iommu_attach,
	.map = iommu_map,
	.sync_map = iommu_sync_map,
	.unmap = iommu_unmap,
	.sync = dw_iommu_sync_,
};

/* ---- accesses of devices ---- */

static bool reach(struct dw *dw, const char *name, uint64_t iova, bool write, uint64_t *out_pa)
{
	const struct dw_entry *e;
	void *part;

	if (name[0] == 'd' || !strcmp(name, "n1")) {
		*out_pa = !strcmp(name, "d1") ? iova + DW_BUS_OFFSET : iova;
		return part_of(*out_pa, 1) >= 0;
	}
	part = dw->streams[name[0] == 'n' ? 4 : name[1] == '3' ? 2 : name[1] - '0'];
	if (dw->flags & DW_WALKS)
		return dw_walk_(dw, part, iova, write ? WEIR_MAP_WRITE : WEIR_MAP_READ, out_pa);
	e = dw_entry_(dw, part, iova);
	if (e->iova == 1 || !(e->prot & (write ? WEIR_MAP_WRITE : WEIR_MAP_READ)))
		return false;
	*out_pa = e->pa + (iova & (DW_PAGE - 1));
	return true;
}

size_t dw_read(struct dw *dw, const char *name, uint64_t iova, void *buf, size_t n)
{
	uint64_t pa;
	size_t i;

	for (i = 0; i < n && reach(dw, name, iova + i, false, &pa); i++)
		((unsigned char *)buf)[i] = *dw_at(dw, pa);
	return i;
}

size_t dw_write(struct dw *dw, const char *name, uint64_t iova, const void *buf, size_t n)
{
	uint64_t pa;
	size_t i;

	for (i = 0; i < n && reach(dw, name, iova + i, true, &pa); i++)
		*dw_at(dw, pa) = ((const unsigned char *)buf)[i];
	return i;
}

void dw_fill(struct dw *dw, uint64_t pa, size_t n, unsigned char first)
{
	for (size_t i = 0; i < n; i++)
		*dw_at(dw, pa + i) = (unsigned char)(first + i);
}

void dw_expect_unmapped(struct dw *dw)
{
	for (unsigned int i = 0; i < DW_ENTRIES; i++)
		if (dw->entries[i].iova != 1)
			assert_int_equal(dw->entries[i].prot, 0);
}

/* ---- the machine ---- */

static int probe(struct world *w, struct weir_device *dev)
{
	(void)w;
	if (weir_device_name(dev)[0] == 'i')
		return weir_iommu_register(dev, &current->iommu_ops, current);
	return current->on_probe ? current->on_probe(current, dev) : 0;
}

static void iommu_remove(struct weir_device *dev)
{
	weir_iommu_unregister(dev);
}

static int add(struct dw *dw, const char *path)
{
	struct weir_fwnode *fw;
	struct weir_device *dev;
	int err;

	assert_int_equal(weir_fwnode_find(dw->w.m, path, &fw), 0);
	err = weir_device_create(dw->w.bus, strrchr(path, '/') + 1, NULL, fw, &dev);
	if (err)
		return err;
	err = weir_device_add(dev);
	weir_device_unref(dev);
	return err;
}

int dw_try_open(struct dw *dw, struct testhost *host, const struct weir_dma_options *options)
{
	static const char *const paths[] = { "/iommu", "/m0", "/m1", "/m2", "/m3", "/n0", "/n1",
					     "/d0", "/bus/d1", "/bus/m5" };
	struct world_driver *iommus, *clients;
	int err;

	dw_blob_(dw);
	dw->iommu_ops = iommu_ops;
	if (dw->flags & DW_WALKS)
		dw_walker_ops_(&dw->iommu_ops);
	dw->w.posix = NULL;
	err = world_try_open(&dw->w, host, NULL);
	if (err)
		return err;
	dw->w.quiet = true;
	dw->w.on_probe = probe;
	err = options ? weir_dma_options_set(dw->w.m, options) : 0;
	if (!err)
		err = weir_firmware_load_dt(dw->w.m, dw->blob, sizeof(dw->blob));
	if (err)
		return err;
	iommus = world_driver(&dw->w, "iommu", "t,iommu", NULL, NULL);
	iommus->ops.remove = iommu_remove;
	clients = world_driver(&dw->w, "client", "t,master", NULL, NULL);
	err = weir_driver_register(dw->w.m, &clients->drv);
	if (!err)
		err = weir_driver_register(dw->w.m, &iommus->drv);
	for (unsigned int i = 0; !err && i < sizeof(paths) / sizeof(paths[0]); i++)
		err = add(dw, paths[i]);
	if (!err)
		err = weir_settle(dw->w.m);
	dw->up = !err;
	return err;
}

void dw_open(struct dw *dw, unsigned int flags, const struct weir_dma_options *options)
{
	static const char *const names[] = { "m0", "m1", "m2", "m3", "n0", "n1", "d0", "d1", "m5" };
	const struct weir_host_ops *ops = dw_host(dw, flags);

	assert_int_equal(dw_try_open(dw, testhost_create(ops, dw), options), 0);
	for (unsigned int i = 0; i < DW_DEVICES; i++)
		assert_status(&dw->w, names[i], WEIR_DEVICE_BOUND);
}

void dw_close(struct dw *dw)
{
	world_close(&dw->w);
	dw_expect_unmapped(dw);
	dw_host_free(dw);
}

struct weir_device *dw_dev(struct dw *dw, const char *name)
{
	return world_find(&dw->w, name);
}

void dw_rebind(struct dw *dw, const char *name)
{
	struct weir_device *dev = dw_dev(dw, name);

	assert_int_equal(weir_driver_unbind(dev), 0);
	assert_int_equal(weir_driver_bind(dev), 0);
	assert_settles(&dw->w);
	assert_status(&dw->w, name, WEIR_DEVICE_BOUND);
}
