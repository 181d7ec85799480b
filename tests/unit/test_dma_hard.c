// SPDX-License-Identifier: MIT
/*
 * The DMA calls when something fails: the IOMMU, addresses that run out, each call of the
 * host in turn; and from several threads.
 */
#define WEIR_DMA_DEBUG
#include <pthread.h>
#include <stdlib.h>

#include "dmaworld.h"
#include "seed.h"

#define BUF (DW_RAM + DW_PART_BYTES / 2) /* of the test */
#define TO WEIR_DMA_TO_DEVICE
#define BOTH WEIR_DMA_BIDIRECTIONAL

static const struct weir_dma_options with_debug = {
	.debug = true, .flush_ranges = 256, .flush_ns = 1000, .bounce_bytes = 1 << 20,
};

static void test_dma_iommu_fails(void **state)
{
	const struct weir_dma_range list[] = { { BUF, 4096 }, { BUF + 0x5000, 4096 } };
	struct weir_dma_segment s[4];
	struct weir_device *dev;
	uint64_t iova, other;
	struct dw dw;
	uint32_t nr;
	void *va;

	(void)state;
	dw_open(&dw, 0, NULL);
	dev = dw_dev(&dw, "m0");
	if (!(dw.flags & DW_WALKS)) {
		dw.fail_map = true;
		assert_int_equal(weir_dma_map_phys(dev, BUF, 100, TO, &iova), WEIR_EIO);
		assert_int_equal(weir_dma_map_sg(dev, list, 2, TO, 4, s, &nr), WEIR_EIO);
		assert_int_equal(weir_dma_alloc(dev, 100, 0, &va, &iova), WEIR_EIO);
		dw.fail_map = false;
	}
	assert_int_equal(weir_dma_map_phys(dev, BUF, 100, TO, &iova), 0);
	assert_int_equal(weir_dma_alloc(dev, 100, 0, &va, &other), 0);
	dw.fail_unmap = true;
	assert_int_equal(weir_dma_unmap(dev, iova, 100, TO), WEIR_EIO);
	assert_true(dw_logged(&dw, "m0: the IOMMU did not confirm"));
	/* not freed: its pages are kept until the machine goes */
	assert_int_equal(weir_dma_free(dev, 100, va, other), WEIR_EIO);
	dw.fail_unmap = false;
	for (unsigned int i = 0; i < 300; i++) { /* its address is not used again */
		assert_int_equal(weir_dma_map_phys(dev, BUF, 100, TO, &other), 0);
		assert_true(other != iova);
	}
	dw_close(&dw);
}

/*
 * A map fails at the IOMMU, and so does taking back what it had done: the device may reach the
 * memory, so its addresses are not handed out again, and pages of the library's are kept. The model
 * refuses to map what it has mapped.
 */
static void test_dma_undo_fails(void **state)
{
	const struct weir_dma_range list[] = { { BUF, 100 }, { BUF + 0x5000, 100 } };
	struct weir_dma_segment s[4];
	struct weir_dma_stats stats;
	struct weir_device *dev;
	unsigned int n = 0;
	uint64_t iova;
	struct dw dw;
	uint32_t nr;
	void *va;

	(void)state;
	dw_open(&dw, DW_SMALL_IOMMU, NULL);
	dev = dw_dev(&dw, "m0");
	if (dw.flags & DW_WALKS) {
		dw_close(&dw);
		return; /* it is told of no map */
	}
	/* what can be taken back is handed out again */
	dw.fail_sync_map = true;
	for (unsigned int i = 0; i < 5000; i++)
		assert_int_equal(weir_dma_map_phys(dev, BUF, 100, TO, &iova), WEIR_EIO);
	dw.fail_sync_map = false;
	for (unsigned int i = 0; i < 5000; i++) {
		dw.fail_map_in = 2;
		assert_int_equal(weir_dma_map_sg(dev, list, 2, TO, 4, s, &nr), WEIR_EIO);
	}
	weir_dma_stats_get(dev, &stats);
	assert_int_equal(stats.retired, 0);
	/* and now not */
	dw.fail_unmap = true;
	dw.fail_sync_map = true;
	assert_int_equal(weir_dma_map_phys(dev, BUF, 100, TO, &iova), WEIR_EIO);
	weir_dma_stats_get(dev, &stats);
	assert_int_equal(stats.retired, DW_PAGE);
	assert_true(dw_logged(&dw, "m0: the IOMMU did not confirm"));
	assert_int_equal(weir_dma_alloc(dev, 100, 0, &va, &iova), WEIR_EIO);
	dw.fail_sync_map = false;
	dw.fail_map_in = 2;
	assert_int_equal(weir_dma_map_sg(dev, list, 2, TO, 4, s, &nr), WEIR_EIO);
	weir_dma_stats_get(dev, &stats);
	assert_int_equal(stats.retired, 4 * DW_PAGE);
	assert_int_equal(stats.mappings, 0);
	dw.fail_unmap = false;
	while (!weir_dma_map_phys(dev, BUF, 1, TO, &iova))
		n++;
	assert_int_equal(n, (16u << 20) / DW_PAGE - 1 - 4);
	dw_close(&dw);
}

/*
 * A driver goes, and the IOMMU neither blocks its group nor confirms that what it left is gone:
 * the next driver, whose device could reach it, is refused until the IOMMU came again.
 */
static void test_dma_left_and_not_confirmed(void **state)
{
	struct weir_device *dev;
	uint64_t iova;
	struct dw dw;

	(void)state;
	dw_open(&dw, 0, NULL);
	dev = dw_dev(&dw, "m0");
	assert_int_equal(weir_dma_map_phys(dev, BUF, 100, BOTH, &iova), 0);
	dw.fail_unmap = dw.fail_block = true;
	assert_int_equal(weir_driver_unbind(dev), 0);
	assert_true(dw_logged(&dw, "could not be blocked"));
	assert_true(dw_logged(&dw, "did not confirm that what drivers left mapped is gone"));
	dw.fail_unmap = dw.fail_block = false;
	assert_int_equal(weir_driver_bind(dev), 0);
	assert_settles(&dw.w);
	assert_true(weir_device_status_get(dev) != WEIR_DEVICE_BOUND);
	assert_int_equal(weir_driver_unregister(dw.w.m, &dw.w.drivers[0].drv), 0);
	assert_int_equal(weir_driver_register(dw.w.m, &dw.w.drivers[0].drv), 0);
	assert_settles(&dw.w);
	assert_status(&dw.w, "m0", WEIR_DEVICE_BOUND);
	assert_int_equal(weir_dma_map_phys(dev, BUF, 100, BOTH, &iova), 0);
	assert_int_equal(weir_dma_unmap(dev, iova, 100, BOTH), 0);
	dw_close(&dw);
}

static void test_dma_addresses_run_out(void **state)
{
	static uint64_t iova[5000];
	struct weir_device *dev;
	unsigned int n;
	struct dw dw;

	(void)state;
	dw_open(&dw, DW_SMALL_IOMMU, NULL);
	dev = dw_dev(&dw, "m0");
	for (unsigned int round = 0; round < 3; round++) {
		for (n = 0; n < 5000 && !weir_dma_map_phys(dev, BUF, 1, TO, &iova[n]); n++)
			;
		assert_int_equal(n, (16u << 20) / DW_PAGE - 1); /* all but the first page */
		assert_int_equal(weir_dma_map_phys(dev, BUF, 1, TO, &iova[n]), WEIR_ENOSPC);
		assert_int_equal(weir_dma_unmap(dev, iova[0], 1, TO), 0);
		assert_int_equal(weir_dma_map_phys(dev, BUF, 1, TO, &iova[0]), 0);
		while (n--)
			assert_int_equal(weir_dma_unmap(dev, iova[n], 1, TO), 0);
		/* freed pages become large ranges again */
		assert_int_equal(weir_dma_map_phys(dev, BUF, 8u << 20, TO, &iova[0]), 0);
		assert_int_equal(weir_dma_unmap(dev, iova[0], 8u << 20, TO), 0);
	}
	dw_close(&dw);
}

/* Everything once. What fails says so with an error that is documented. */
static void use_all(struct dw *dw)
{
	static const char *const names[] = { "m0", "m2", "d0", "n0" };
	const struct weir_dma_range list[] = { { BUF, 4096 }, { BUF + 0x5000, 4096 },
					       { BUF + 0x9100, 10 } };
	struct weir_dma_segment s[4];
	uint64_t iova;
	uint32_t nr;
	void *va;

	for (unsigned int i = 0; i < 4; i++) {
		struct weir_device *dev = dw_dev(dw, names[i]);

		if (i == 1)
			(void)weir_dma_set_untrusted(dev, true);
		if (!weir_dma_map_phys(dev, i == 2 ? DW_HIGH + 5 : BUF + 5, 100, BOTH, &iova))
			assert_int_equal(weir_dma_unmap(dev, iova, 100, BOTH), 0);
		if (!weir_dma_map_sg(dev, list, 3, TO, 4, s, &nr))
			assert_int_equal(weir_dma_unmap_sg(dev, s, nr, TO), 0);
		if (!weir_dma_alloc(dev, 5000, WEIR_DMA_SYNCED, &va, &iova))
			assert_int_equal(weir_dma_free(dev, 5000, va, iova), 0);
	}
}

static void scenario(struct testhost *t, void *arg)
{
	struct weir_dma_options options = with_debug;
	struct dw *dw = arg;

	options.lazy = true;
	dw->up = false;
	if (!dw_try_open(dw, t, &options) && dw_dev(dw, "n0") &&
	    weir_device_status_get(dw_dev(dw, "n0")) == WEIR_DEVICE_BOUND)
		use_all(dw);
	else
		assert_true(testhost_fault_hit(t));
	if (dw->w.m)
		weir_machine_destroy(dw->w.m);
	pthread_mutex_destroy(&dw->w.mutex);
	dw_expect_unmapped(dw);
}

static void test_dma_fault_sweep(void **state)
{
	static struct dw dw;
	const struct weir_host_ops *ops = dw_host(&dw, 0);

	(void)state;
	assert_true(testhost_sweep(ops, &dw, scenario, &dw) > 60);
	dw_host_free(&dw);
}

/* ---- threads ---- */

#define N_THREADS 4u

struct worker {
	struct dw *dw;
	const char *name;
	unsigned int index;
	pthread_t thread;
};

static void check(int err)
{
	if (err)
		abort();
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct weir_device *dev = dw_dev(w->dw, w->name);
	struct weir_dma_range list[3];
	struct weir_dma_segment s[8];
	uint64_t iova[32], seed = w->index;
	uint64_t mine = BUF + w->index * 0x40000;
	uint32_t nr;

	for (unsigned int i = 0; i < 600; i++) {
		for (unsigned int k = 0; k < 32; k++)
			check(weir_dma_map_phys(dev, mine + k * DW_PAGE, 1 + k * 37, BOTH, &iova[k]));
		for (unsigned int k = 0; k < 3; k++)
			list[k] = (struct weir_dma_range){ mine + seed_next(&seed) % 0x30000, 3000 };
		check(weir_dma_map_sg(dev, list, 3, BOTH, 8, s, &nr));
		for (unsigned int k = 32; k--;)
			check(weir_dma_unmap(dev, iova[k], 1 + k * 37, BOTH));
		check(weir_dma_unmap_sg(dev, s, nr, BOTH));
	}
	return NULL;
}

static void run_threads(unsigned int flags, const char *const *names, bool lazy)
{
	struct weir_dma_options options = with_debug;
	struct worker workers[N_THREADS];
	struct dw dw;

	options.lazy = lazy;
	options.debug = !lazy;
	dw_open(&dw, flags, &options);
	dw.no_stale = true;
	for (unsigned int i = 0; i < N_THREADS; i++) {
		workers[i] = (struct worker){ .dw = &dw, .name = names[i], .index = i };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned int i = 0; i < N_THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	dw_expect_unmapped(&dw);
	dw_close(&dw);
}

/* Of several devices, of which the IOMMU's model serves one, and of one group. */
static void test_dma_threads(void **state)
{
	static const char *const apart[] = { "m0", "d0", "d1", "n1" };
	static const char *const same[] = { "m2", "m3", "m2", "m3" };

	(void)state;
	run_threads(0, apart, false);
	run_threads(0, same, false);
	run_threads(0, same, true);
}

/*
 * Drivers map and unmap where their interrupts are handled: nothing that sleeps is called, more
 * memory than magazines and spare blocks have is there, and no less is undone.
 */
static void in_interrupt(struct dw *dw, const char *name, uint64_t pa)
{
	const struct weir_dma_range list[] = { { pa, 100 }, { pa + 0x5000, 4096 }, { pa + 0x8800, 77 } };
	struct weir_device *dev = dw_dev(dw, name);
	struct weir_dma_segment s[4];
	static uint64_t iovas[100];
	uint32_t nr;

	assert_int_equal(weir_dma_mask_set(dev, WEIR_DMA_MASK(32)), 0); /* the first call is a thread's */
	testhost_interrupt(true);
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(weir_dma_map_phys(dev, pa + i * 0x1100, 0x1100, BOTH, &iovas[i]), 0);
	assert_int_equal(weir_dma_map_sg(dev, list, 3, BOTH, 4, s, &nr), 0);
	for (unsigned int i = 0; i < 100; i++) {
		weir_dma_sync_for_cpu(dev, iovas[i], 0x1100, BOTH);
		weir_dma_sync_for_device(dev, iovas[i], 0x1100, BOTH);
		assert_int_equal(weir_dma_unmap(dev, iovas[i], 0x1100, BOTH), 0);
	}
	assert_int_equal(weir_dma_unmap_sg(dev, s, nr, BOTH), 0);
	testhost_interrupt(false);
	testhost_check(dw->w.host);
}

static void test_dma_in_interrupt_context(void **state)
{
	struct weir_dma_options options = with_debug;
	struct weir_dma_stats stats;
	struct dw dw;

	(void)state;
	for (unsigned int lazy = 0; lazy < 2; lazy++) {
		options.lazy = lazy;
		options.debug = !lazy;
		options.flush_ranges = 32; /* the queue runs over, there too */
		dw_open(&dw, 0, &options);
		assert_int_equal(weir_dma_bounce_reserve(dw.w.m), 0);
		assert_int_equal(weir_dma_set_untrusted(dw_dev(&dw, "m1"), true), 0);
		in_interrupt(&dw, "m0", BUF);
		in_interrupt(&dw, "m1", BUF);
		in_interrupt(&dw, "n0", BUF);
		in_interrupt(&dw, "n1", BUF);
		in_interrupt(&dw, "d1", BUF);
		in_interrupt(&dw, "d0", DW_HIGH);
		weir_dma_stats_get(dw_dev(&dw, "m1"), &stats);
		assert_true(stats.bounced >= 100);
		weir_dma_stats_get(dw_dev(&dw, "d0"), &stats);
		assert_int_equal(stats.bounced, 103);
		weir_dma_stats_get(dw_dev(&dw, "m0"), &stats);
		assert_int_equal(stats.flushes != 0, lazy);
		dw_close(&dw);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dma_iommu_fails),
		cmocka_unit_test(test_dma_undo_fails),
		cmocka_unit_test(test_dma_left_and_not_confirmed),
		cmocka_unit_test(test_dma_addresses_run_out),
		cmocka_unit_test(test_dma_fault_sweep),
		cmocka_unit_test(test_dma_in_interrupt_context),
		cmocka_unit_test(test_dma_threads),
	};

	static const struct CMUnitTest owned[] = {
		cmocka_unit_test(test_dma_in_interrupt_context),
		cmocka_unit_test(test_dma_addresses_run_out),
		cmocka_unit_test(test_dma_threads),
	};

	int failed = cmocka_run_group_tests_name("told", tests, NULL, NULL);

	dw_always(DW_WALKS);
	failed += cmocka_run_group_tests_name("walks", tests, NULL, NULL);
	dw_always(DW_WALKS | DW_CPUS);
	return failed + cmocka_run_group_tests_name("walks, CPUs given away", owned, NULL, NULL);
}
