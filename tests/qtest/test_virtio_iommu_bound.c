// SPDX-License-Identifier: MIT
/*
 * virtio-iommu as a module, bound on QEMU's model: edu is a master behind it, and a rogue:
 * the test programs it and switches its bus mastering on, whatever the library says.
 */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "weir/virtio_iommu.h"

#define IOVA 0x7f0000000000u
#define FILL 0xa5

static const char *const args[] = {
	"-device", "virtio-iommu-pci,addr=03.0",
	"-device", "edu,addr=05.0,dma_mask=0xffffffffffffffff",
	NULL,
};

struct bed {
	struct bench b;
	struct weir_device *iommu, *edu_dev;
	struct weir_module *module;
	struct edu edu;
	uint8_t *va; /* two pages of RAM */
	uint64_t pa;
	unsigned long fired, landed;
};

static int client_probe(struct weir_device *dev)
{
	int err = weir_pci_enable(dev);

	return err ? err : weir_pci_master(dev, true);
}

static void client_remove(struct weir_device *dev)
{
	weir_pci_disable(dev);
}

static const struct weir_driver_ops client_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops),
	.probe = client_probe,
	.remove = client_remove,
};
static const struct weir_match client_match[] = { { .key = "pci:1234:11e8" }, { 0 } };
static const struct weir_driver client = {
	.name = "edu-client", .bus = "pci", .match = client_match, .ops = &client_ops,
};

static void bed_open(struct bed *bed)
{
	void *mem;

	memset(bed, 0, sizeof(*bed));
	bench_open(&bed->b, "aarch64", NULL, args);
	bed->iommu = bench_pci(&bed->b, 0x1af4, 0x1057);
	bed->edu_dev = bench_pci(&bed->b, 0x1234, 0x11e8);
	bed->edu.dev = bed->edu_dev;
	assert_int_equal(weir_pci_enable(bed->edu_dev), 0);
	assert_int_equal(weir_pci_bar_map(bed->edu_dev, 0, &bed->edu.mmio), 0);
	weir_pci_disable(bed->edu_dev);
	assert_int_equal(weir_qtest_ops(bed->b.qtest)->pages_alloc(bed->b.qtest, 8192, 4096, &mem,
								     &bed->pa), 0);
	bed->va = mem;
	assert_int_equal(weir_driver_register(bed->b.m, &client), 0);
}

static void bed_close(struct bed *bed)
{
	assert_int_equal(weir_driver_unregister(bed->b.m, &client), 0);
	weir_mmio_unmap(&bed->edu.mmio);
	weir_qtest_ops(bed->b.qtest)->pages_free(bed->b.qtest, bed->va, bed->pa, 8192);
	bench_close(&bed->b);
}

static void load(struct bed *bed)
{
	assert_int_equal(weir_module_load(bed->b.m, &weir_module_virtio_iommu, &bed->module), 0);
	assert_int_equal(weir_settle(bed->b.m), 0);
	assert_int_equal(weir_device_status_get(bed->iommu), WEIR_DEVICE_BOUND);
	assert_int_equal(weir_device_status_get(bed->edu_dev), WEIR_DEVICE_BOUND);
}

/* Fires at an address, as a rogue when @rogue. Whether it lands in the second page. */
static bool fire(struct bed *bed, uint64_t iova, bool rogue)
{
	uint8_t *to = bed->va + 4096;
	uint32_t command = weir_pci_read(bed->edu_dev, 4, 2);
	unsigned int n = 0;

	memset(to, FILL, 4096);
	if (rogue)
		weir_pci_write(bed->edu_dev, 4, 2, command | 6);
	edu_dma(&bed->b, &bed->edu, iova, 64, true, false);
	if (rogue)
		weir_pci_write(bed->edu_dev, 4, 2, command);
	bed->fired++;
	for (unsigned int i = 0; i < 4096; i++)
		n += to[i] != FILL;
	bed->landed += n != 0;
	return n;
}

static struct weir_domain *own_domain(struct bed *bed)
{
	struct weir_group *group;
	struct weir_domain *domain;

	assert_int_equal(weir_group_of(bed->edu_dev, &group), 0);
	assert_int_equal(weir_domain_create(bed->b.m, WEIR_DOMAIN_UNMANAGED, &domain), 0);
	assert_int_equal(weir_domain_map(domain, IOVA, bed->pa, 8192,
					 WEIR_MAP_READ | WEIR_MAP_WRITE), 0);
	assert_int_equal(weir_group_attach(group, domain), 0);
	return domain;
}

static void test_virtio_iommu_bound_translates(void **state)
{
	struct weir_domain *domain, *identity;
	struct weir_group *group;
	struct bed bed;

	(void)state;
	bed_open(&bed);
	/* Without the module the client waits, and does no DMA. */
	assert_int_equal(weir_settle(bed.b.m), 0);
	assert_int_equal(weir_device_status_get(bed.edu_dev), WEIR_DEVICE_NO_DRIVER);
	assert_false(weir_pci_is_master(bed.edu_dev));
	load(&bed);
	assert_true(weir_device_group(bed.edu_dev) >= 0);
	assert_int_equal(weir_device_group(bed.iommu), WEIR_ENOENT);
	/* Its own domain of the library has no mapping: nothing passes. */
	assert_false(fire(&bed, bed.pa + 4096, false));
	domain = own_domain(&bed);
	assert_true(fire(&bed, IOVA + 4096, false));
	assert_false(fire(&bed, bed.pa + 4096, false));
	assert_int_equal(weir_domain_unmap(domain, IOVA, 8192), 0);
	assert_false(fire(&bed, IOVA + 4096, false));
	assert_int_equal(weir_domain_map(domain, IOVA, bed.pa, 8192, WEIR_MAP_WRITE), 0);
	assert_true(fire(&bed, IOVA + 4096, false));
	assert_int_equal(weir_group_of(bed.edu_dev, &group), 0);
	assert_int_equal(weir_domain_create(bed.b.m, WEIR_DOMAIN_IDENTITY, &identity), 0);
	assert_int_equal(weir_group_attach(group, identity), 0);
	assert_true(fire(&bed, bed.pa + 4096, false));
	assert_false(fire(&bed, IOVA + 4096, false));
	assert_int_equal(weir_group_attach(group, domain), 0);
	assert_true(fire(&bed, IOVA + 4096, false));
	weir_domain_unref(identity);
	weir_domain_unref(domain);
	bed_close(&bed);
}

struct told {
	_Atomic unsigned int n; /* the rest is written before it */
	uint32_t stream;
	uint64_t iova;
};

static bool on_fault(void *context, struct weir_domain *domain, const struct weir_fault *fault)
{
	struct told *told = context;

	(void)domain;
	told->stream = fault->stream;
	told->iova = fault->iova;
	told->n++;
	return true;
}

/* Faults come to who has the domain: on a timer of the host, or when they are asked for. */
static void test_virtio_iommu_bound_faults(void **state)
{
	struct weir_domain *domain;
	struct weir_pci_info info;
	struct told told = { 0 };
	struct bed bed;

	(void)state;
	bed_open(&bed);
	load(&bed);
	domain = own_domain(&bed);
	assert_int_equal(weir_pci_info_get(bed.edu_dev, &info), 0);
	weir_domain_fault_handler_set(domain, on_fault, &told);
	assert_true(fire(&bed, IOVA + 4096, false));
	weir_virtio_iommu_poll(bed.iommu);
	assert_int_equal(told.n, 0);
	assert_false(fire(&bed, IOVA + 8192, false));
	for (unsigned int i = 0; i < 50000 && told.n < 16; i++) {
		weir_virtio_iommu_poll(bed.iommu);
		weir_qtest_ops(bed.b.qtest)->delay_ns(bed.b.qtest, 100000);
	}
	weir_domain_fault_handler_set(domain, NULL, NULL);
	assert_int_equal(told.n, 16); /* edu does words */
	assert_int_equal(told.stream, info.rid);
	assert_true(told.iova >= IOVA + 8192 && told.iova < IOVA + 8192 + 64);
	weir_domain_unref(domain);
	bed_close(&bed);
}

/*
 * Each call of the host that can fail does so once, while the module is loaded and its
 * users come up: what fails is told, nothing is left, nothing passes, and the next try works.
 */
static void test_virtio_iommu_bound_sweep(void **state)
{
	unsigned long failed = 0;
	struct bed bed;
	bool hit;

	(void)state;
	bed_open(&bed);
	do {
		struct weir_domain *domain;

		testhost_fail_at(bed.b.host, failed + 1);
		if (!weir_module_load(bed.b.m, &weir_module_virtio_iommu, &bed.module)) {
			weir_settle(bed.b.m);
			hit = testhost_fault_hit(bed.b.host);
			testhost_fail_at(bed.b.host, 0);
			if (hit && weir_device_status_get(bed.iommu) != WEIR_DEVICE_BOUND) {
				assert_false(weir_pci_is_master(bed.iommu));
				assert_int_equal(weir_device_status_get(bed.edu_dev),
						 WEIR_DEVICE_NO_DRIVER);
			}
			assert_int_equal(weir_module_unload(bed.module, WEIR_MODULE_FORCE), 0);
		} else {
			hit = testhost_fault_hit(bed.b.host);
			assert_true(hit);
		}
		testhost_fail_at(bed.b.host, 0);
		assert_false(weir_pci_is_master(bed.edu_dev));
		assert_false(weir_pci_is_master(bed.iommu));
		/* QEMU lets everything pass until it was ready for the first time. */
		assert_true(!failed || !fire(&bed, bed.pa + 4096, true));
		failed += hit;
		load(&bed);
		domain = own_domain(&bed);
		assert_true(fire(&bed, IOVA + 4096, false));
		assert_int_equal(weir_module_unload(bed.module, WEIR_MODULE_FORCE), 0);
		weir_domain_unref(domain);
		assert_false(fire(&bed, bed.pa + 4096, true));
	} while (hit);
	printf("# %lu calls failed, one at a time\n", failed);
	assert_true(failed > 10);
	bed_close(&bed);
}

/* Asleep nothing passes; awake again all is as it was, without a word from its users. */
static void test_virtio_iommu_bound_sleeps(void **state)
{
	struct weir_domain *domain;
	struct bed bed;

	(void)state;
	bed_open(&bed);
	load(&bed);
	domain = own_domain(&bed);
	for (unsigned int i = 0; i < 10; i++) {
		uint64_t iova = IOVA + 0x100000 * (1 + i);

		assert_true(fire(&bed, IOVA + 4096, true));
		assert_int_equal(weir_pm_suspend(bed.b.m), 0);
		assert_false(fire(&bed, IOVA + 4096, true));
		assert_false(fire(&bed, bed.pa + 4096, true));
		/* What is mapped meanwhile is there after. */
		assert_int_equal(weir_domain_map(domain, iova, bed.pa, 8192, WEIR_MAP_WRITE), 0);
		assert_false(fire(&bed, iova + 4096, true));
		assert_int_equal(weir_pm_resume(bed.b.m), 0);
		assert_true(fire(&bed, IOVA + 4096, true));
		assert_true(fire(&bed, iova + 4096, true));
		assert_false(fire(&bed, bed.pa + 4096, true));
	}
	weir_domain_unref(domain);
	weir_pm_shutdown(bed.b.m);
	assert_false(fire(&bed, IOVA + 4096, true));
	bed_close(&bed);
}

/*
 * It wakes, and a call of the host fails: nothing passes until it woke as a whole, and
 * what was unmapped meanwhile is not reached then.
 */
static void test_virtio_iommu_bound_wakes_badly(void **state)
{
	const uint64_t other = IOVA + 0x100000;
	struct weir_domain *domain;
	unsigned long failed = 0;
	struct bed bed;
	int err;

	(void)state;
	bed_open(&bed);
	load(&bed);
	domain = own_domain(&bed);
	do {
		assert_int_equal(weir_domain_map(domain, other, bed.pa, 8192, WEIR_MAP_WRITE), 0);
		assert_true(fire(&bed, other + 4096, true));
		assert_int_equal(weir_pm_suspend(bed.b.m), 0);
		testhost_fail_at(bed.b.host, failed + 1);
		err = weir_pm_resume(bed.b.m);
		testhost_fail_at(bed.b.host, 0);
		if (err) {
			failed++;
			assert_false(fire(&bed, other + 4096, true));
			assert_int_equal(weir_domain_unmap(domain, other, 8192), 0);
			assert_false(fire(&bed, other + 4096, true));
			assert_int_equal(weir_pm_suspend(bed.b.m), 0);
			assert_int_equal(weir_pm_resume(bed.b.m), 0);
		} else {
			assert_int_equal(weir_domain_unmap(domain, other, 8192), 0);
		}
		assert_true(fire(&bed, IOVA + 4096, true));
		assert_false(fire(&bed, other + 4096, true));
	} while (err);
	printf("# %lu calls failed, one at a time\n", failed);
	weir_domain_unref(domain);
	bed_close(&bed);
}

/* Loaded and unloaded under fire: nothing lands but what is mapped, and nothing grows. */
static void test_virtio_iommu_bound_100_times(void **state)
{
	struct weir_machine_stats before = { 0 }, now;
	struct weir_qtest_stats pages, pages_now;
	struct weir_domain *domain;
	struct bed bed;

	(void)state;
	bed_open(&bed);
	for (unsigned int i = 0; i < 101; i++) {
		unsigned long landed;

		load(&bed);
		landed = bed.landed;
		assert_false(fire(&bed, IOVA + 4096, true));
		assert_false(fire(&bed, bed.pa + 4096, true));
		domain = own_domain(&bed);
		assert_true(fire(&bed, IOVA + 4096, false));
		assert_int_equal(weir_module_unload(bed.module, 0), WEIR_EBUSY);
		assert_int_equal(weir_module_unload(bed.module, WEIR_MODULE_FORCE), 0);
		assert_int_equal(weir_device_status_get(bed.edu_dev), WEIR_DEVICE_NO_DRIVER);
		assert_int_equal(weir_device_status_get(bed.iommu), WEIR_DEVICE_NO_DRIVER);
		assert_false(weir_pci_is_master(bed.edu_dev));
		assert_false(weir_pci_is_master(bed.iommu));
		weir_domain_unref(domain);
		for (unsigned int n = 0; n < 5; n++) {
			assert_false(fire(&bed, IOVA + 4096, true));
			assert_false(fire(&bed, bed.pa + 4096, true));
		}
		assert_int_equal(bed.landed, landed + 1);
		weir_machine_stats_get(bed.b.m, &now);
		weir_qtest_stats_get(bed.b.qtest, &pages_now);
		if (i == 0) {
			before = now;
			pages = pages_now;
		}
		assert_int_equal(now.alloc_bytes, before.alloc_bytes);
		assert_int_equal(now.alloc_count, before.alloc_count);
		assert_int_equal(now.links, before.links);
		assert_int_equal(pages_now.page_bytes, pages.page_bytes);
	}
	printf("# a rogue fired %lu times, %lu of them at what was mapped for it\n", bed.fired,
	       bed.landed);
	bed_close(&bed);
}

/* The module is there before the firmware, and is the first of all drivers. */
static void test_virtio_iommu_bound_early(void **state)
{
	struct weir_device *iommu, *edu;
	struct weir_module *module;
	struct bench b;

	(void)state;
	bench_start(&b, "aarch64", NULL, args);
	bench_empty(&b, weir_qtest_ops(b.qtest));
	assert_int_equal(weir_module_load(b.m, &weir_module_virtio_iommu, &module), 0);
	assert_int_equal(weir_driver_register(b.m, &client), 0);
	bench_machine(&b);
	iommu = bench_pci(&b, 0x1af4, 0x1057);
	edu = bench_pci(&b, 0x1234, 0x11e8);
	assert_int_equal(weir_device_status_get(iommu), WEIR_DEVICE_BOUND);
	assert_int_equal(weir_device_status_get(edu), WEIR_DEVICE_BOUND);
	assert_true(weir_device_group(edu) >= 0);
	assert_int_equal(weir_driver_unregister(b.m, &client), 0);
	assert_int_equal(weir_module_unload(module, 0), 0);
	bench_close(&b);
}

/* ---- a virtio device behind it: its queue is at an IOVA, its interrupts are translated ---- */

static const char *const rng_args[] = {
	"-device", "virtio-iommu-pci,addr=03.0",
	"-device", "virtio-rng-pci,addr=06.0,disable-legacy=on,iommu_platform=on",
	NULL,
};

struct rng {
	struct weir_virtio *v;
	struct weir_virtq *queue;
	struct weir_virtq_memory memory; /* the queue, and a page behind it */
	unsigned int interrupts;
};

static void on_rng(void *arg)
{
	struct rng *rng = arg;

	rng->interrupts++;
}

static int rng_start(struct weir_device *dev, struct rng *rng)
{
	const size_t bytes = weir_virtq_bytes(8);
	struct weir_virtq_memory memory;
	uint64_t features;
	int err = weir_virtio_negotiate(rng->v, 0, WEIR_VIRTIO_ACCESS_PLATFORM, 0, &features);

	if (!err)
		err = weir_virtio_irq_request(rng->v, on_rng, rng);
	if (!err)
		err = weir_dma_alloc(dev, bytes + 4096, 0, &rng->memory.va,
				     &rng->memory.address);
	if (err)
		return err;
	memory = rng->memory;
	memory.bytes = bytes;
	rng->memory.bytes = bytes + 4096;
	err = weir_virtq_create(rng->v, 0, 8, &memory, &rng->queue);
	return err ? err : weir_virtio_start(rng->v);
}

static void rng_remove(struct weir_device *dev)
{
	struct rng *rng = weir_device_data(dev);

	weir_virtio_stop(rng->v);
	rng->queue = weir_virtq_destroy(rng->queue);
	rng->v = weir_virtio_close(rng->v);
	assert_int_equal(weir_dma_free(dev, rng->memory.bytes, rng->memory.va, rng->memory.address), 0);
}

static int rng_probe(struct weir_device *dev)
{
	struct rng *rng;
	void *mem;

	assert_int_equal(weir_devm_alloc(dev, sizeof(*rng), &mem), 0);
	rng = mem;
	weir_device_set_data(dev, rng);
	assert_int_equal(weir_virtio_open(dev, &rng->v), 0);
	assert_int_equal(weir_virtio_type(rng->v), 4);
	assert_int_equal(rng_start(dev, rng), 0);
	return 0;
}

static const struct weir_driver_ops rng_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops),
	.probe = rng_probe,
	.remove = rng_remove,
};
static const struct weir_match rng_match[] = { { .key = "pci:1af4:1044" }, { 0 } };
static const struct weir_driver rng_driver = {
	.name = "rng-client", .bus = "pci", .match = rng_match, .ops = &rng_ops,
};

/* Random bytes arrive in the page behind the queue, and an interrupt with them. */
static void ask(struct bench *b, struct rng *rng)
{
	const size_t at = weir_virtq_bytes(8);
	const struct weir_virtq_segment segment = { rng->memory.address + at, 64 };
	uint8_t *page = (uint8_t *)rng->memory.va + at, none[64] = { 0 };
	uint32_t written;
	void *token;

	memset(page, 0, 64);
	rng->interrupts = 0;
	assert_int_equal(weir_virtq_arm(rng->queue), 0);
	assert_int_equal(weir_virtq_add(rng->queue, &segment, 0, 1, page), 0);
	assert_int_equal(weir_virtq_kick(rng->queue), 0);
	assert_int_equal(weir_virtq_wait(rng->queue, 5000000000), 0);
	assert_int_equal(weir_virtq_get(rng->queue, &token, &written), 0);
	assert_ptr_equal(token, page);
	assert_true(written > 0 && written <= 64);
	assert_memory_not_equal(page, none, written);
	for (unsigned int i = 0; i < 1000 && !rng->interrupts; i++)
		weir_qtest_ops(b->qtest)->delay_ns(b->qtest, 100000);
	assert_int_equal(rng->interrupts, 1);
}

static void test_virtio_iommu_bound_virtio(void **state)
{
	struct weir_module *module;
	struct weir_device *dev;
	struct bench b;

	(void)state;
	bench_open(&b, "aarch64", NULL, rng_args);
	assert_int_equal(weir_driver_register(b.m, &rng_driver), 0);
	dev = bench_pci(&b, 0x1af4, 0x1044);
	for (unsigned int i = 0; i < 10; i++) {
		struct rng *rng;

		assert_int_equal(weir_module_load(b.m, &weir_module_virtio_iommu, &module), 0);
		assert_int_equal(weir_settle(b.m), 0);
		assert_int_equal(weir_device_status_get(dev), WEIR_DEVICE_BOUND);
		assert_true(weir_dma_is_translated(dev));
		rng = weir_device_data(dev);
		for (unsigned int n = 0; n < 20; n++)
			ask(&b, rng);
		assert_int_equal(weir_virtio_iommu_poll(bench_pci(&b, 0x1af4, 0x1057)), 0);
		assert_int_equal(weir_module_unload(module, WEIR_MODULE_FORCE), 0);
		assert_false(weir_pci_is_master(dev));
	}
	assert_int_equal(weir_driver_unregister(b.m, &rng_driver), 0);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_virtio_iommu_bound_translates),
		cmocka_unit_test(test_virtio_iommu_bound_faults),
		cmocka_unit_test(test_virtio_iommu_bound_sweep),
		cmocka_unit_test(test_virtio_iommu_bound_sleeps),
		cmocka_unit_test(test_virtio_iommu_bound_wakes_badly),
		cmocka_unit_test(test_virtio_iommu_bound_100_times),
		cmocka_unit_test(test_virtio_iommu_bound_early),
		cmocka_unit_test(test_virtio_iommu_bound_virtio),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
