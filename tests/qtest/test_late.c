// SPDX-License-Identifier: MIT
/*
 * A device that was let go without its IOMMU, on QEMU's models: the IOMMU's driver comes
 * while it does DMA. Whether each transfer lands is checked; IOVAs are outside of RAM.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

#define PAGE 4096u


/* The driver's, and what the test sees of it; there is one at a time. */
static struct late {
	struct bench b;
	struct edu edu;
	struct weir_device *dev;  /* while bound */
	void *va;
	uint64_t pa, iova;
	pthread_t thread;
	_Atomic bool stop;
	_Atomic unsigned int landed, lost;
} late;

static int edu_probe(struct weir_device *dev)
{
	int err = weir_dma_mask_set(dev, WEIR_DMA_MASK(64));

	if (!err)
		err = weir_dma_map_phys(dev, late.pa, PAGE, WEIR_DMA_BIDIRECTIONAL, &late.iova);
	if (err)
		return err;
	edu_open(&late.edu, dev);
	late.dev = dev;
	return 0;
}

static void edu_remove(struct weir_device *dev)
{
	edu_close(&late.edu);
	assert_int_equal(weir_dma_unmap(dev, late.iova, PAGE, WEIR_DMA_BIDIRECTIONAL), 0);
	late.dev = NULL;
}

static const struct weir_driver_ops edu_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops), .probe = edu_probe, .remove = edu_remove,
};
static const struct weir_match edu_match[] = { { .key = "pci:1234:11e8" }, { 0 } };
static const struct weir_driver edu_driver = {
	.name = "edu", .bus = "pci", .match = edu_match, .ops = &edu_ops,
};

/* What edu reads comes back 1 KiB further on. */
static bool lands(unsigned int n)
{
	uint8_t *va = late.va;

	memset(va, 0, PAGE);
	for (unsigned int i = 0; i < 256; i++)
		va[i] = (uint8_t)(i * 3 + n);
	edu_dma(&late.b, &late.edu, late.iova, 256, false, false);
	edu_dma(&late.b, &late.edu, late.iova + 1024, 256, true, false);
	return !memcmp(va, va + 1024, 256);
}

static void *keep_going(void *arg)
{
	(void)arg;
	for (unsigned int n = 0; !late.stop; n++)
		*(lands(n) ? &late.landed : &late.lost) += 1;
	return NULL;
}

/* edu is bound, directly, for no driver of the IOMMU is expected any more. */
static void open_late(enum weir_iommu_late rule)
{
	const struct weir_iommu_rules rules = { WEIR_IOMMU_OPTIONAL, rule };
	const char *args[6] = { "-device", "edu,addr=05.0,dma_mask=0xffffffffffffffff" };
	const struct weir_host_ops *ops;
	char iommu[64];

	memset(&late, 0, sizeof(late));
	bench_iommu_args("03.0", iommu, args, 2);
	bench_open(&late.b, "aarch64", bench_iommu()->machine, args);
	ops = weir_qtest_ops(late.b.qtest);
	assert_int_equal(ops->pages_alloc(late.b.qtest, PAGE, PAGE, &late.va, &late.pa), 0);
	weir_iommu_rules_set(late.b.m, &rules);
	weir_catalogue_seal(late.b.m);
	assert_int_equal(weir_driver_register(late.b.m, &edu_driver), 0);
	assert_int_equal(weir_settle(late.b.m), 0);
	assert_non_null(late.dev);
	assert_true(weir_device_untranslated(late.dev));
	assert_false(weir_dma_is_translated(late.dev));
	assert_int_equal(late.iova, late.pa);
	assert_true(lands(1));
}

static struct weir_module *load(void)
{
	struct weir_module *module;

	assert_int_equal(weir_module_load(late.b.m, bench_iommu()->entry, &module), 0);
	assert_int_equal(weir_settle(late.b.m), 0);
	return module;
}

static void close_late(void)
{
	assert_int_equal(weir_driver_unregister(late.b.m, &edu_driver), 0);
	weir_qtest_ops(late.b.qtest)->pages_free(late.b.qtest, late.va, late.pa, PAGE);
	bench_close(&late.b);
}

static enum weir_domain_type domain_type(void)
{
	struct weir_group *group;

	assert_int_equal(weir_group_of(late.dev, &group), 0);
	return weir_domain_type_get(weir_group_domain(group));
}

static void assert_translated(void)
{
	assert_true(weir_dma_is_translated(late.dev));
	assert_int_not_equal(late.iova, late.pa);
	assert_int_equal(domain_type(), WEIR_DOMAIN_DMA);
	assert_true(lands(2));
}

/* The device goes on all the time; translated only after its next probe. */
static void test_late_adopts(void **state)
{
	struct weir_module *module;
	unsigned int before;

	(void)state;
	open_late(WEIR_IOMMU_ADOPT);
	assert_int_equal(pthread_create(&late.thread, NULL, keep_going, NULL), 0);
	while (late.landed < 20)
		;
	module = load();
	before = late.landed;
	while (late.landed + late.lost < before + 20)
		;
	late.stop = true;
	pthread_join(late.thread, NULL);
	printf("# %u transfers landed, %u were lost\n", late.landed, late.lost);
	assert_int_equal(late.lost, 0);
	assert_false(weir_device_untranslated(late.dev));
	assert_int_equal(domain_type(), WEIR_DOMAIN_IDENTITY);
	assert_false(weir_dma_is_translated(late.dev));

	assert_int_equal(weir_driver_unregister(late.b.m, &edu_driver), 0);
	assert_int_equal(weir_driver_register(late.b.m, &edu_driver), 0);
	assert_int_equal(weir_settle(late.b.m), 0);
	assert_translated();
	assert_int_equal(weir_module_unload(module, WEIR_MODULE_FORCE), 0);
	close_late();
}

/* edu writes 64 bytes there. */
static bool reaches(uint64_t iova, const uint8_t *va)
{
	uint8_t before[64];

	memcpy(before, va, sizeof(before));
	for (unsigned int i = 0; i < 64; i++)
		((uint8_t *)late.va)[i] = (uint8_t)(va[i] + 1);
	edu_dma(&late.b, &late.edu, late.iova, 64, false, false);
	edu_dma(&late.b, &late.edu, iova, 64, true, false);
	return memcmp(before, va, sizeof(before)) != 0;
}

/* The device goes on, and reaches what its driver has mapped, before and after, and no more. */
static void test_late_adopts_with_what_is_mapped(void **state)
{
	const struct weir_host_ops *ops;
	struct weir_module *module;
	uint64_t pa, one, two;
	void *mem;
	uint8_t *va;

	(void)state;
	open_late(WEIR_IOMMU_ADOPT_MAPPED);
	ops = weir_qtest_ops(late.b.qtest);
	assert_int_equal(ops->pages_alloc(late.b.qtest, 2 * PAGE, PAGE, &mem, &pa), 0);
	va = mem;
	assert_int_equal(weir_dma_map_phys(late.dev, pa, 64, WEIR_DMA_FROM_DEVICE, &one), 0);
	assert_int_equal(pthread_create(&late.thread, NULL, keep_going, NULL), 0);
	while (late.landed < 20)
		;
	module = load();
	late.stop = true;
	pthread_join(late.thread, NULL);
	printf("# %u transfers landed, %u were lost\n", late.landed, late.lost);
	assert_int_equal(late.lost, 0);
	assert_int_equal(domain_type(), WEIR_DOMAIN_UNMANAGED);
	assert_false(weir_dma_is_translated(late.dev));

	assert_true(reaches(one, va));
	assert_false(reaches(pa + PAGE, va + PAGE));
	assert_int_equal(weir_dma_map_phys(late.dev, pa + 1024, PAGE, WEIR_DMA_FROM_DEVICE, &two), 0);
	assert_true(reaches(pa + PAGE, va + PAGE));
	/* the first page has something of the second mapping yet */
	assert_int_equal(weir_dma_unmap(late.dev, one, 64, WEIR_DMA_FROM_DEVICE), 0);
	assert_true(reaches(two, va + 1024));
	assert_int_equal(weir_dma_unmap(late.dev, two, PAGE, WEIR_DMA_FROM_DEVICE), 0);
	assert_false(reaches(two, va + 1024));
	assert_false(reaches(pa + PAGE, va + PAGE));
	assert_true(lands(4));

	assert_int_equal(weir_driver_unregister(late.b.m, &edu_driver), 0);
	assert_int_equal(weir_driver_register(late.b.m, &edu_driver), 0);
	assert_int_equal(weir_settle(late.b.m), 0);
	assert_translated();
	assert_int_equal(weir_module_unload(module, WEIR_MODULE_FORCE), 0);
	ops->pages_free(late.b.qtest, mem, pa, 2 * PAGE);
	close_late();
}

/* The device is taken from its driver first. */
static void test_late_rebinds(void **state)
{
	struct weir_module *module;

	(void)state;
	open_late(WEIR_IOMMU_REBIND);
	module = load();
	assert_non_null(late.dev);
	assert_translated();
	/* and without it again, when that goes */
	assert_int_equal(weir_module_unload(module, WEIR_MODULE_FORCE), 0);
	assert_int_equal(weir_settle(late.b.m), 0);
	assert_non_null(late.dev);
	assert_true(weir_device_untranslated(late.dev));
	close_late();
}

/* The IOMMU has to wait until the device is free. */
static void test_late_is_refused(void **state)
{
	struct weir_device *iommu;
	struct weir_module *module;

	(void)state;
	open_late(WEIR_IOMMU_REFUSE);
	module = load();
	iommu = bench_iommu_device(&late.b);
	assert_int_not_equal(weir_device_status_get(iommu), WEIR_DEVICE_BOUND);
	assert_true(lands(3));
	assert_int_equal(weir_driver_unregister(late.b.m, &edu_driver), 0);
	assert_int_equal(weir_settle(late.b.m), 0);
	assert_int_equal(weir_device_status_get(iommu), WEIR_DEVICE_BOUND);
	assert_int_equal(weir_driver_register(late.b.m, &edu_driver), 0);
	assert_int_equal(weir_settle(late.b.m), 0);
	assert_translated();
	assert_int_equal(weir_module_unload(module, WEIR_MODULE_FORCE), 0);
	close_late();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late_adopts),
		cmocka_unit_test(test_late_adopts_with_what_is_mapped),
		cmocka_unit_test(test_late_rebinds),
		cmocka_unit_test(test_late_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
