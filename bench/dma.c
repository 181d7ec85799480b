// SPDX-License-Identifier: MIT
/*
 * The DMA calls of a device behind an IOMMU that walks tables, and whose driver does nothing to
 * drop what it cached: what the library itself costs, tables included. Names, sizes and order of
 * calls are those of the Linux benchmark that README.md compares with; time is the thread's CPU time.
 *
 * page4k: one page mapped and unmapped; ring256: of 256 mapped ones, the oldest goes first;
 * bulk4096: so many mapped, then unmapped in another order; page64k; page256k: more than the
 * magazines of addresses hold; sg16: a list of 16 pages that are no neighbours; page4k_two: beside another
 * thread that does the same for the same device.
 */
#include <libfdt.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "weir/dma.h"
#include "weir/posix.h"
#include "weir/weir.h"

#define PAGE UINT64_C(4096)
#define MEMORY UINT64_C(0x100000000)
#define REPS 11u
#define OPS 200000u
#define RING 256u
#define BULK 4096u

struct bench {
	struct weir_host_ops ops;
	struct weir_posix *posix;
	struct weir_machine *m;
	struct weir_device *dev;
	_Alignas(8) unsigned char blob[1024];
};

static void check(int err)
{
	if (!err)
		return;
	fprintf(stderr, "bench: dma: %s\n", weir_strerror(err));
	exit(1);
}

static unsigned int cpu_count(void *host)
{
	(void)host;
	return (unsigned int)sysconf(_SC_NPROCESSORS_CONF);
}

static unsigned int cpu_id(void *host)
{
	(void)host;
	return (unsigned int)sched_getcpu();
}

/* Each thread of the measurement has a CPU of its own. */
static _Thread_local unsigned int cpu;

static unsigned int cpu_enter(void *host, unsigned long *out_before)
{
	(void)host;
	(void)out_before;
	return cpu;
}

static int pages_alloc(void *host, size_t bytes, size_t align_bytes, void **out_va, uint64_t *out_pa)
{
	void *va = aligned_alloc(align_bytes, (bytes + align_bytes - 1) / align_bytes * align_bytes);

	(void)host;
	if (!va)
		return WEIR_ENOMEM;
	memset(va, 0, bytes);
	*out_va = va;
	*out_pa = (uintptr_t)va;
	return 0;
}

static void pages_free(void *host, void *va, uint64_t pa, size_t bytes)
{
	(void)host;
	(void)pa;
	(void)bytes;
	free(va);
}

static void *pa_to_va(void *host, uint64_t pa, size_t bytes)
{
	(void)host;
	(void)bytes;
	return (void *)(uintptr_t)pa;
}

/* Timers that never run out: the queue is flushed when it is full, as in the measurement of Linux. */
static int timer_create_none(void *host, void (*fn)(void *arg), void *arg,
			     struct weir_timer **out_timer)
{
	(void)fn;
	(void)arg;
	*out_timer = host;
	return 0;
}

static void timer_set_none(void *host, struct weir_timer *timer, uint64_t ns)
{
	(void)host;
	(void)timer;
	(void)ns;
}

static void timer_destroy_none(void *host, struct weir_timer *timer)
{
	(void)host;
	(void)timer;
}

/* ---- a machine with an IOMMU and a master ---- */

static int attach(void *instance, uint32_t stream, enum weir_domain_type type, void *part)
{
	(void)instance;
	(void)stream;
	(void)type;
	(void)part;
	return 0;
}

static void tables(void *instance, struct weir_table_config *out_config)
{
	(void)instance;
	*out_config = (struct weir_table_config){
		.format = WEIR_TABLE_ARM_S1, .kind = &weir_table_arm64,
		.granule_lg2 = 12, .iova_bits = 48, .pa_bits = 48,
		.coherent = true,
	};
}

static int invalidate(void *instance, void *part, const struct weir_invalidation *what)
{
	(void)instance;
	(void)part;
	(void)what;
	return 0;
}

static int iotlb_sync(void *instance, void *part)
{
	(void)instance;
	(void)part;
	return 0;
}

static const struct weir_iommu_ops iommu_ops = {
	.abi = WEIR_ABI(struct weir_iommu_ops), .attach = attach, .tables = tables,
	.invalidate = invalidate, .sync = iotlb_sync,
};

static int probe(struct weir_device *dev)
{
	return weir_device_name(dev)[0] == 'i' ? weir_iommu_register(dev, &iommu_ops, dev)
					       : weir_dma_mask_set(dev, WEIR_DMA_MASK(48));
}

static void remove_iommu(struct weir_device *dev)
{
	if (weir_device_name(dev)[0] == 'i')
		weir_iommu_unregister(dev);
}

static const struct weir_driver_ops driver_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops), .probe = probe, .remove = remove_iommu,
};
static const struct weir_match match[] = { { "bench,dma", NULL }, { NULL, NULL } };
static const struct weir_driver driver = {
	.name = "bench", .bus = "bench", .match = match, .ops = &driver_ops,
};

static void node(struct bench *b, const char *name, const char *property, uint32_t a, uint32_t v)
{
	fdt32_t cells[2] = { cpu_to_fdt32(a), cpu_to_fdt32(v) };
	bool iommu = name[0] == 'i';

	check(fdt_begin_node(b->blob, name));
	check(fdt_property_string(b->blob, "compatible", "bench,dma"));
	check(fdt_property_u32(b->blob, "phandle", iommu ? 1 : 2));
	check(fdt_property(b->blob, property, &cells[iommu], iommu ? 4 : 8));
	check(fdt_property(b->blob, "dma-coherent", NULL, 0));
	check(fdt_end_node(b->blob));
}

static void add(struct bench *b, struct weir_bus *bus, const char *path)
{
	struct weir_fwnode *fw;

	check(weir_fwnode_find(b->m, path, &fw));
	check(weir_device_create(bus, path + 1, NULL, fw, &b->dev));
	check(weir_device_add(b->dev));
	weir_device_unref(b->dev);
}

static void open_machine(struct bench *b, bool lazy)
{
	struct weir_dma_options options;
	struct weir_bus *bus;

	check(fdt_create(b->blob, sizeof(b->blob)));
	check(fdt_finish_reservemap(b->blob));
	check(fdt_begin_node(b->blob, ""));
	node(b, "iommu", "#iommu-cells", 0, 1);
	node(b, "master", "iommus", 1, 7);
	check(fdt_end_node(b->blob));
	check(fdt_finish(b->blob));
	check(weir_posix_create(NULL, &b->posix));
	b->ops = *weir_posix_ops(b->posix);
	b->ops.cpu_count = cpu_count;
	b->ops.cpu_id = cpu_id;
	b->ops.cpu_enter = cpu_enter;
	b->ops.pages_alloc = pages_alloc;
	b->ops.pages_free = pages_free;
	b->ops.pa_to_va = pa_to_va;
	b->ops.timer_create = timer_create_none;
	b->ops.timer_set = timer_set_none;
	b->ops.timer_destroy = timer_destroy_none;
	check(weir_machine_create(&b->ops, b->posix, &b->m));
	weir_dma_options_get(b->m, &options);
	options.lazy = lazy;
	check(weir_dma_options_set(b->m, &options));
	check(weir_bus_create(b->m, "bench", NULL, &bus));
	check(weir_firmware_load_dt(b->m, b->blob, sizeof(b->blob)));
	check(weir_driver_register(b->m, &driver));
	add(b, bus, "/iommu");
	add(b, bus, "/master");
	check(weir_settle(b->m));
	if (!weir_dma_is_translated(b->dev))
		check(WEIR_ENODEV);
}

/* ---- measuring ---- */

static void pairs(struct bench *b, const char *mode, const char *name, uint64_t bytes, uint32_t ops)
{
	struct bench_series s = { 0 };
	uint64_t iova;

	for (uint32_t r = 0; r <= REPS; r++) {
		bench_begin(&s);
		for (uint32_t i = 0; i < ops; i++) {
			check(weir_dma_map_phys(b->dev, MEMORY + i % RING * PAGE, bytes,
						WEIR_DMA_FROM_DEVICE, &iova));
			check(weir_dma_unmap(b->dev, iova, bytes, WEIR_DMA_FROM_DEVICE));
		}
		bench_end(&s);
		s.n = r ? s.n : 0;
	}
	bench_report_ns(&s, ops, "dma.%s.%s.pair", mode, name);
}

struct other {
	struct bench *b;
	atomic_bool stop;
};

static void *other_main(void *arg)
{
	struct other *other = arg;
	uint64_t iova;

	cpu = 1;
	for (uint32_t i = 0; !atomic_load(&other->stop); i++) {
		check(weir_dma_map_phys(other->b->dev, MEMORY + (RING + i % RING) * PAGE, PAGE,
					WEIR_DMA_FROM_DEVICE, &iova));
		check(weir_dma_unmap(other->b->dev, iova, PAGE, WEIR_DMA_FROM_DEVICE));
	}
	return NULL;
}

static void two(struct bench *b, const char *mode)
{
	struct other other = { .b = b };
	pthread_t thread;

	if (pthread_create(&thread, NULL, other_main, &other))
		abort();
	pairs(b, mode, "page4k_two", PAGE, OPS);
	atomic_store(&other.stop, true);
	pthread_join(thread, NULL);
}

static void ring(struct bench *b, const char *mode)
{
	struct bench_series s = { 0 };
	uint64_t iova[RING];

	for (uint32_t i = 0; i < RING; i++)
		check(weir_dma_map_phys(b->dev, MEMORY + i * PAGE, PAGE, WEIR_DMA_FROM_DEVICE,
					&iova[i]));
	for (uint32_t r = 0; r <= REPS; r++) {
		bench_begin(&s);
		for (uint32_t i = 0; i < OPS; i++) {
			uint32_t k = i % RING;

			check(weir_dma_unmap(b->dev, iova[k], PAGE, WEIR_DMA_FROM_DEVICE));
			check(weir_dma_map_phys(b->dev, MEMORY + k * PAGE, PAGE,
						WEIR_DMA_FROM_DEVICE, &iova[k]));
		}
		bench_end(&s);
		s.n = r ? s.n : 0;
	}
	for (uint32_t i = 0; i < RING; i++)
		check(weir_dma_unmap(b->dev, iova[i], PAGE, WEIR_DMA_FROM_DEVICE));
	bench_report_ns(&s, OPS, "dma.%s.page4k_ring256.pair", mode);
}

static void bulk(struct bench *b, const char *mode)
{
	struct bench_series map = { 0 }, unmap = { 0 };
	static uint64_t iova[BULK];
	uint64_t state = 5;

	for (uint32_t r = 0; r <= REPS; r++) {
		bench_begin(&map);
		for (uint32_t i = 0; i < BULK; i++)
			check(weir_dma_map_phys(b->dev, MEMORY + i % RING * PAGE, PAGE,
						WEIR_DMA_BIDIRECTIONAL, &iova[i]));
		bench_end(&map);
		for (uint32_t i = BULK; i-- > 1;) {
			uint32_t k;
			uint64_t tmp = iova[i];

			state = state * 6364136223846793005u + 1442695040888963407u;
			k = (uint32_t)((state >> 33) % (i + 1));
			iova[i] = iova[k];
			iova[k] = tmp;
		}
		bench_begin(&unmap);
		for (uint32_t i = 0; i < BULK; i++)
			check(weir_dma_unmap(b->dev, iova[i], PAGE, WEIR_DMA_BIDIRECTIONAL));
		bench_end(&unmap);
		map.n = r ? map.n : 0;
		unmap.n = r ? unmap.n : 0;
	}
	bench_report_ns(&map, BULK, "dma.%s.bulk4096.map", mode);
	bench_report_ns(&unmap, BULK, "dma.%s.bulk4096.unmap_random", mode);
}

static void lists(struct bench *b, const char *mode)
{
	struct bench_series s = { 0 };
	struct weir_dma_range list[16];
	struct weir_dma_segment segments[16];
	uint32_t nr;

	for (uint32_t r = 0; r <= REPS; r++) {
		bench_begin(&s);
		for (uint32_t i = 0; i < OPS / 16; i++) {
			for (uint32_t k = 0; k < 16; k++)
				list[k] = (struct weir_dma_range){
					MEMORY + (k * 5 + i) % RING * PAGE, PAGE };
			check(weir_dma_map_sg(b->dev, list, 16, WEIR_DMA_FROM_DEVICE, 16, segments,
					      &nr));
			check(weir_dma_unmap_sg(b->dev, segments, nr, WEIR_DMA_FROM_DEVICE));
		}
		bench_end(&s);
		s.n = r ? s.n : 0;
	}
	bench_report_ns(&s, OPS / 16, "dma.%s.sg16.pair", mode);
}

void bench_dma(void)
{
	for (unsigned int lazy = 0; lazy < 2; lazy++) {
		const char *mode = lazy ? "lazy" : "strict";
		struct bench b = { 0 };

		if (!bench_wanted(lazy ? "dma.lazy" : "dma.strict"))
			continue;
		open_machine(&b, lazy);
		pairs(&b, mode, "page4k", PAGE, OPS);
		if (sysconf(_SC_NPROCESSORS_CONF) > 1)
			two(&b, mode);
		ring(&b, mode);
		bulk(&b, mode);
		pairs(&b, mode, "page64k", 16 * PAGE, OPS / 4);
		pairs(&b, mode, "page256k_norcache", 64 * PAGE, OPS / 16);
		lists(&b, mode);
		weir_machine_destroy(b.m);
		weir_posix_destroy(b.posix);
	}
}
