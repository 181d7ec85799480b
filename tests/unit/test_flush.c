// SPDX-License-Identifier: MIT
/*
 * Lazy unmaps: how long a device keeps what it had, and that nobody else gets it meanwhile;
 * and that strict ones keep nothing. The modelled IOMMU aborts the test when a page that it
 * was not told to forget becomes another one.
 */
#include <pthread.h>
#include <stdlib.h>

#include "dmaworld.h"

#define BUF (DW_RAM + DW_PART_BYTES / 2) /* of the test */
#define TO WEIR_DMA_TO_DEVICE
#define BOTH WEIR_DMA_BIDIRECTIONAL
#define MAX 16u
#define NS 5000u

static const struct weir_dma_options lazy_options = {
	.lazy = true, .flush_ranges = MAX, .flush_ns = NS, .bounce_bytes = 1 << 20,
};

static uint64_t flushes(struct dw *dw, const char *name)
{
	struct weir_dma_stats stats;

	weir_dma_stats_get(dw_dev(dw, name), &stats);
	return stats.flushes;
}

static bool reaches(struct dw *dw, const char *name, uint64_t iova)
{
	unsigned char byte;

	return dw_read(dw, name, iova, &byte, 1) == 1;
}

static void test_flush_strict_keeps_nothing(void **state)
{
	struct dw dw;
	uint64_t iova;

	(void)state;
	dw_open(&dw, 0, NULL);
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(weir_dma_map_phys(dw_dev(&dw, "m0"), BUF, 100, TO, &iova), 0);
		assert_true(reaches(&dw, "m0", iova));
		assert_int_equal(weir_dma_unmap(dw_dev(&dw, "m0"), iova, 100, TO), 0);
		assert_false(reaches(&dw, "m0", iova));
	}
	assert_int_equal(dw.nr_stale, 0);
	assert_int_equal(flushes(&dw, "m0"), 0);
	dw_close(&dw);
}

static void test_flush_by_timer(void **state)
{
	uint64_t iova, other;
	struct weir_device *dev;
	unsigned int syncs;
	struct dw dw;

	(void)state;
	dw_open(&dw, 0, &lazy_options);
	dev = dw_dev(&dw, "m0");
	assert_int_equal(weir_dma_map_phys(dev, BUF, 100, TO, &iova), 0);
	assert_true(reaches(&dw, "m0", iova));
	syncs = dw.syncs;
	assert_int_equal(weir_dma_unmap(dev, iova, 100, TO), 0);
	assert_int_equal(dw.syncs, syncs); /* the hardware was not waited for */
	assert_true(reaches(&dw, "m0", iova));
	assert_int_equal(weir_dma_map_phys(dev, BUF, 100, TO, &other), 0);
	assert_true(other != iova); /* the address is nobody's */
	dw_advance(&dw, NS - 1);
	assert_true(reaches(&dw, "m0", iova));
	dw_advance(&dw, 1);
	assert_false(reaches(&dw, "m0", iova));
	assert_int_equal(dw.syncs, syncs + 1);
	assert_int_equal(flushes(&dw, "m0"), 1);
	assert_true(reaches(&dw, "m0", other));
	/* it runs again for the next one, and not for nothing */
	dw_advance(&dw, 10 * NS);
	assert_int_equal(flushes(&dw, "m0"), 1);
	assert_int_equal(weir_dma_unmap(dev, other, 100, TO), 0);
	dw_advance(&dw, NS);
	assert_int_equal(flushes(&dw, "m0"), 2);
	assert_false(reaches(&dw, "m0", other));
	dw_close(&dw);
}

static void test_flush_when_full(void **state)
{
	uint64_t iova[MAX];
	struct weir_device *dev;
	struct dw dw;

	(void)state;
	dw_open(&dw, 0, &lazy_options);
	dev = dw_dev(&dw, "m0");
	for (unsigned int round = 0; round < 20; round++) {
		unsigned int syncs;

		for (unsigned int i = 0; i < MAX; i++) {
			assert_int_equal(weir_dma_map_phys(dev, BUF + i * DW_PAGE, 1 + i * 400, BOTH,
							   &iova[i]), 0);
			assert_true(reaches(&dw, "m0", iova[i]));
		}
		syncs = dw.syncs;
		for (unsigned int i = 0; i < MAX - 1; i++) {
			assert_int_equal(weir_dma_unmap(dev, iova[i], 1 + i * 400, BOTH), 0);
			assert_true(reaches(&dw, "m0", iova[0]));
		}
		assert_int_equal(dw.syncs, syncs);
		assert_int_equal(weir_dma_unmap(dev, iova[MAX - 1], 1 + (MAX - 1) * 400, BOTH), 0);
		assert_int_equal(dw.syncs, syncs + 1); /* one wait for all */
		for (unsigned int i = 0; i < MAX; i++)
			assert_false(reaches(&dw, "m0", iova[i]));
		assert_int_equal(flushes(&dw, "m0"), round + 1);
	}
	dw_close(&dw);
}

/* Unmapped twice is unmapped, be it in the queue or not. */
static void test_flush_double_unmap(void **state)
{
	struct weir_device *dev;
	struct dw dw;
	uint64_t iova;

	(void)state;
	dw_open(&dw, 0, &lazy_options);
	dev = dw_dev(&dw, "m0");
	assert_int_equal(weir_dma_map_phys(dev, BUF, 100, TO, &iova), 0);
	assert_int_equal(weir_dma_unmap(dev, iova, 100, TO), 0);
	assert_int_equal(weir_dma_unmap(dev, iova, 100, TO), WEIR_EINVAL);
	assert_true(dw_logged(&dw, "m0: unmap of what is not mapped"));
	dw_close(&dw);
}

static void test_flush_of_one_device(void **state)
{
	struct dw dw;
	uint64_t iova;

	(void)state;
	dw_open(&dw, 0, NULL);
	assert_int_equal(weir_dma_set_lazy(dw_dev(&dw, "m0"), true), 0);
	assert_int_equal(weir_dma_map_phys(dw_dev(&dw, "m0"), BUF, 8, TO, &iova), 0);
	assert_true(reaches(&dw, "m0", iova));
	assert_int_equal(weir_dma_set_lazy(dw_dev(&dw, "m0"), false), WEIR_EBUSY);
	assert_int_equal(weir_dma_unmap(dw_dev(&dw, "m0"), iova, 8, TO), 0);
	assert_true(reaches(&dw, "m0", iova));
	assert_int_equal(weir_dma_map_phys(dw_dev(&dw, "m1"), BUF, 8, TO, &iova), 0);
	assert_int_equal(weir_dma_unmap(dw_dev(&dw, "m1"), iova, 8, TO), 0);
	assert_false(reaches(&dw, "m1", iova));
	dw_close(&dw);
}

/* m2 and m3 share their addresses: the queue is the domain's, laziness each device's own. */
static void test_flush_in_a_group(void **state)
{
	uint64_t lazy, strict;
	struct dw dw;

	(void)state;
	dw_open(&dw, 0, NULL);
	assert_int_equal(weir_dma_set_lazy(dw_dev(&dw, "m2"), true), 0);
	assert_int_equal(weir_dma_map_phys(dw_dev(&dw, "m2"), BUF, 8, TO, &lazy), 0);
	assert_int_equal(weir_dma_map_phys(dw_dev(&dw, "m3"), BUF, 8, TO, &strict), 0);
	assert_true(reaches(&dw, "m2", lazy) && reaches(&dw, "m3", strict));
	assert_int_equal(weir_dma_unmap(dw_dev(&dw, "m2"), lazy, 8, TO), 0);
	assert_true(reaches(&dw, "m2", lazy));
	assert_int_equal(weir_dma_unmap(dw_dev(&dw, "m3"), strict, 8, TO), 0);
	assert_false(reaches(&dw, "m3", strict));
	/* the one that goes leaves the queue to the other */
	dw_rebind(&dw, "m2");
	assert_int_equal(weir_dma_map_phys(dw_dev(&dw, "m2"), BUF, 8, TO, &lazy), 0);
	assert_int_equal(weir_dma_unmap(dw_dev(&dw, "m2"), lazy, 8, TO), 0);
	assert_false(reaches(&dw, "m2", lazy)); /* strict again: it was probed anew */
	dw_close(&dw);
}

/* Without timers nothing could end the wait: it is not begun. */
static void test_flush_host_without_timers(void **state)
{
	struct dw dw;
	uint64_t iova;

	(void)state;
	dw_open(&dw, DW_NO_TIMERS, &lazy_options);
	assert_int_equal(weir_dma_map_phys(dw_dev(&dw, "m0"), BUF, 8, TO, &iova), 0);
	assert_int_equal(weir_dma_unmap(dw_dev(&dw, "m0"), iova, 8, TO), 0);
	assert_false(reaches(&dw, "m0", iova));
	dw_close(&dw);
}

/* What the IOMMU does not confirm is never given to anybody, also not when it works again. */
static void test_flush_not_confirmed(void **state)
{
	uint64_t lost[MAX], iova;
	struct weir_device *dev;
	struct dw dw;

	(void)state;
	dw_open(&dw, 0, &lazy_options);
	dev = dw_dev(&dw, "m0");
	for (unsigned int i = 0; i < MAX; i++)
		assert_int_equal(weir_dma_map_phys(dev, BUF, 8, TO, &lost[i]), 0);
	dw.fail_sync = true;
	for (unsigned int i = 0; i < MAX; i++)
		assert_int_equal(weir_dma_unmap(dev, lost[i], 8, TO), 0);
	assert_true(dw_logged(&dw, "did not confirm an invalidation: 16 range(s)"));
	dw.fail_sync = false;
	for (unsigned int i = 0; i < 300; i++) {
		assert_int_equal(weir_dma_map_phys(dev, BUF, 8, TO, &iova), 0);
		for (unsigned int k = 0; k < MAX; k++)
			assert_true(iova != lost[k]);
	}
	dw_close(&dw);
}

/*
 * An instance tells of an unmapping that failed once, to whoever syncs next. That may be
 * somebody who undoes a mapping; the queue must hear of it nevertheless.
 */
static void test_flush_not_confirmed_to_another(void **state)
{
	uint64_t lost, iova;
	struct weir_device *dev;
	struct dw dw;

	(void)state;
	dw_open(&dw, 0, &lazy_options);
	dev = dw_dev(&dw, "m0");
	assert_int_equal(weir_dma_map_phys(dev, BUF, 8, TO, &lost), 0);
	assert_int_equal(weir_dma_unmap(dev, lost, 8, TO), 0);
	dw.fail_map = dw.fail_sync = true;
	assert_int_equal(weir_dma_map_phys(dev, BUF, 8, TO, &iova), WEIR_EIO);
	dw.fail_map = dw.fail_sync = false;
	assert_false(dw_logged(&dw, "did not confirm an invalidation"));
	dw_advance(&dw, NS);
	assert_true(dw_logged(&dw, "did not confirm an invalidation: 1 range(s)"));
	for (unsigned int i = 0; i < 300; i++) {
		assert_int_equal(weir_dma_map_phys(dev, BUF, 8, TO, &iova), 0);
		assert_true(iova != lost);
	}
	dw_close(&dw);
}

/* What is in the queue when the last driver goes is flushed, not lost. */
static void test_flush_at_unbind(void **state)
{
	struct dw dw;
	uint64_t iova;

	(void)state;
	dw_open(&dw, 0, &lazy_options);
	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(weir_dma_map_phys(dw_dev(&dw, "m0"), BUF, 8, TO, &iova), 0);
		assert_int_equal(weir_dma_unmap(dw_dev(&dw, "m0"), iova, 8, TO), 0);
		dw_rebind(&dw, "m0");
		assert_false(reaches(&dw, "m0", iova));
	}
	assert_false(dw_logged(&dw, "left"));
	dw_close(&dw);
}

#define N_THREADS 4u

struct worker {
	struct dw *dw;
	unsigned int index;
	pthread_t thread;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct weir_device *dev = dw_dev(w->dw, w->index % 2 ? "m2" : "m3");
	uint64_t iova[8];

	for (unsigned int i = 0; i < 3000; i++) {
		for (unsigned int k = 0; k < 8; k++)
			if (weir_dma_map_phys(dev, BUF + w->index * 65536, 1 + k * 2000, BOTH,
					      &iova[k]))
				abort();
		for (unsigned int k = 0; k < 8; k++)
			if (weir_dma_unmap(dev, iova[k], 1 + k * 2000, BOTH))
				abort();
	}
	return NULL;
}

static void test_flush_threads(void **state)
{
	struct worker workers[N_THREADS];
	struct dw dw;

	(void)state;
	dw_open(&dw, 0, &lazy_options);
	for (unsigned int i = 0; i < N_THREADS; i++) {
		workers[i] = (struct worker){ .dw = &dw, .index = i };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned int i = 0; i < 50; i++)
		dw_advance(&dw, NS); /* the timer, from one more thread */
	for (unsigned int i = 0; i < N_THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	assert_true(flushes(&dw, "m2") > 1000);
	dw_advance(&dw, NS);
	assert_int_equal(dw.nr_stale, 0);
	dw_close(&dw);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flush_strict_keeps_nothing),
		cmocka_unit_test(test_flush_by_timer),
		cmocka_unit_test(test_flush_when_full),
		cmocka_unit_test(test_flush_double_unmap),
		cmocka_unit_test(test_flush_of_one_device),
		cmocka_unit_test(test_flush_in_a_group),
		cmocka_unit_test(test_flush_host_without_timers),
		cmocka_unit_test(test_flush_not_confirmed),
		cmocka_unit_test(test_flush_at_unbind),
		cmocka_unit_test(test_flush_threads),
	};

	/* Who walks tables is told to forget everything at each flush: nothing to be told of twice. */
	static const struct CMUnitTest told_only[] = {
		cmocka_unit_test(test_flush_not_confirmed_to_another),
	};

	int failed = cmocka_run_group_tests_name("told", tests, NULL, NULL);

	failed += cmocka_run_group_tests_name("told only", told_only, NULL, NULL);

	dw_always(DW_WALKS);
	failed += cmocka_run_group_tests_name("walks", tests, NULL, NULL);
	dw_always(DW_WALKS | DW_CPUS);
	return failed + cmocka_run_group_tests_name("walks, CPUs given away", tests, NULL, NULL);
}
