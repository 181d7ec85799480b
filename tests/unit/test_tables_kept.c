// SPDX-License-Identifier: MIT
/*
 * Tables of domains that are made beforehand, kept, and given back, behind an IOMMU that walks them:
 * what the host is asked for meanwhile.
 */
#include <stdlib.h>
#include <string.h>

#include "dmaworld.h"
#include "dma/priv.h"

#define PAGE 4096u
#define BLOCK (UINT64_C(2) << 20)

/* After prepare and reserve nothing that allocates is asked of the host. */
static void test_tables_reserve(void **state)
{
	struct testhost_counts before, after;
	struct weir_domain *d, *old;
	struct weir_group *group;
	uint64_t first = 0x40000000, bytes = 8 * BLOCK;
	struct dw dw;

	(void)state;
	dw_open(&dw, DW_WALKS, NULL);
	assert_int_equal(weir_group_of(dw_dev(&dw, "m0"), &group), 0);
	old = weir_domain_ref(weir_group_domain(group));
	assert_int_equal(weir_domain_create(dw.w.m, WEIR_DOMAIN_UNMANAGED, &d), 0);
	assert_int_equal(weir_domain_reserve(d, first, bytes), WEIR_EOPNOTSUPP);
	assert_int_equal(weir_domain_prepare(d, group), 0);
	assert_int_equal(weir_domain_prepare(old, group), 0);
	assert_int_equal(weir_domain_prepare(d, group), 0); /* twice is once */
	assert_int_equal(weir_domain_reserve(d, first + 1, bytes), WEIR_EINVAL);
	assert_int_equal(weir_domain_reserve(d, first, bytes), 0);
	testhost_counts_get(dw.w.host, &before);
	for (unsigned int round = 0; round < 3; round++) {
		assert_int_equal(weir_group_attach(group, d), 0);
		for (uint64_t at = 0; at < bytes; at += BLOCK) {
			unsigned char byte;

			assert_int_equal(weir_domain_map(d, first + at, DW_RAM, BLOCK, WEIR_MAP_READ), 0);
			assert_int_equal(dw_read(&dw, "m0", first + at + 5 * PAGE, &byte, 1), 1);
			assert_int_equal(weir_domain_unmap(d, first + at + PAGE, PAGE), 0);
		}
		assert_int_equal(weir_domain_unmap(d, first, bytes), 0);
		assert_int_equal(weir_group_attach(group, old), 0);
	}
	testhost_counts_get(dw.w.host, &after);
	assert_int_equal(after.calls, before.calls);
	weir_domain_unprepare(d);
	weir_domain_unprepare(old);
	weir_domain_unref(old);
	weir_domain_unref(d);
	dw_close(&dw);
}

/* Tables that single pages leave are given back on demand, and larger pages fit again. */
static void trim(bool lazy)
{
	struct testhost_counts before, full, after;
	struct weir_domain *d, *old;
	struct weir_group *group;
	uint64_t first = 0x40000000;
	unsigned char byte;
	struct dw dw;

	dw_open(&dw, DW_WALKS, NULL);
	assert_int_equal(weir_group_of(dw_dev(&dw, "m0"), &group), 0);
	old = weir_domain_ref(weir_group_domain(group));
	assert_int_equal(weir_domain_create(dw.w.m, WEIR_DOMAIN_UNMANAGED, &d), 0);
	assert_int_equal(weir_domain_trim(d), 0);
	assert_int_equal(weir_group_attach(group, d), 0);
	assert_int_equal(weir_domain_map(d, first, DW_RAM, PAGE, WEIR_MAP_READ), 0);
	assert_int_equal(weir_domain_reserve(d, first + 7 * BLOCK, PAGE), 0);
	testhost_counts_get(dw.w.host, &before);
	for (uint64_t i = 1; i < 5; i++) {
		assert_int_equal(weir_domain_map(d, first + i * BLOCK, DW_RAM, 2 * PAGE, WEIR_MAP_READ), 0);
		assert_int_equal(dw_read(&dw, "m0", first + i * BLOCK, &byte, 1), 1);
		if (lazy) {
			uint64_t unmapped;

			assert_int_equal(weir_tables_unmap_(d, first + i * BLOCK, 2 * PAGE, false,
							    &unmapped), 0);
		} else {
			assert_int_equal(weir_domain_unmap(d, first + i * BLOCK, 2 * PAGE), 0);
		}
	}
	testhost_counts_get(dw.w.host, &full);
	assert_int_equal(full.page_bytes, before.page_bytes + 4 * PAGE);
	assert_int_equal(weir_domain_trim(d), 0);
	testhost_counts_get(dw.w.host, &after);
	assert_int_equal(after.page_bytes, before.page_bytes);
	assert_int_equal(dw_read(&dw, "m0", first, &byte, 1), 1);
	if (lazy)
		assert_int_equal(weir_tables_flush_(d), 0);
	assert_int_equal(weir_domain_map(d, first + BLOCK, DW_RAM, BLOCK, WEIR_MAP_READ), 0);
	assert_int_equal(dw_read(&dw, "m0", first + BLOCK + 5 * PAGE, &byte, 1), 1);
	testhost_counts_get(dw.w.host, &after);
	assert_int_equal(after.page_bytes, before.page_bytes);
	assert_int_equal(weir_group_attach(group, old), 0);
	weir_domain_unref(old);
	weir_domain_unref(d);
	dw_close(&dw);
}

static void test_tables_trim(void **state)
{
	(void)state;
	trim(false);
	trim(true);
}

/*
 * Lazy unmaps: tables of which a range has all go with the flush, once walkers have forgotten them, and not
 * before; and not when that is not confirmed. Of what lies in between nothing goes.
 */
static void flushed(bool confirmed)
{
	static const struct weir_dma_options options = {
		.lazy = true, .flush_ranges = 16, .flush_ns = 5000, .bounce_bytes = 1 << 20,
	};
	struct testhost_counts before, full, after;
	struct weir_device *dev;
	uint64_t iova, other;
	unsigned char byte;
	unsigned int syncs;
	struct dw dw;

	dw_open(&dw, DW_WALKS, &options);
	dev = dw_dev(&dw, "m0");
	assert_int_equal(weir_dma_map_phys(dev, DW_RAM, PAGE, WEIR_DMA_TO_DEVICE, &other), 0);
	testhost_counts_get(dw.w.host, &before);
	/* a page off: no larger pages fit */
	assert_int_equal(weir_dma_map_phys(dev, DW_RAM + PAGE, 2 * BLOCK, WEIR_DMA_TO_DEVICE, &iova), 0);
	testhost_counts_get(dw.w.host, &full);
	assert_int_equal(full.page_bytes, before.page_bytes + 2 * PAGE);
	assert_int_equal(dw_read(&dw, "m0", iova + 2 * BLOCK - 1, &byte, 1), 1);
	assert_int_equal(weir_dma_unmap(dev, iova, 2 * BLOCK, WEIR_DMA_TO_DEVICE), 0);
	testhost_counts_get(dw.w.host, &after);
	assert_int_equal(after.page_bytes, full.page_bytes);
	syncs = dw.syncs;
	dw.fail_sync = !confirmed;
	dw_advance(&dw, 5000);
	dw.fail_sync = false;
	assert_int_equal(dw.syncs - syncs, 1);
	testhost_counts_get(dw.w.host, &after);
	assert_int_equal(after.page_bytes, confirmed ? before.page_bytes : full.page_bytes);
	assert_int_equal(dw_read(&dw, "m0", other, &byte, 1), 1);
	assert_int_equal(weir_dma_map_phys(dev, DW_RAM + PAGE, 2 * BLOCK, WEIR_DMA_TO_DEVICE, &iova), 0);
	assert_int_equal(dw_read(&dw, "m0", iova + BLOCK, &byte, 1), 1);
	assert_int_equal(weir_dma_unmap(dev, iova, 2 * BLOCK, WEIR_DMA_TO_DEVICE), 0);
	assert_int_equal(weir_dma_unmap(dev, other, PAGE, WEIR_DMA_TO_DEVICE), 0);
	dw_close(&dw);
}

static void test_tables_go_with_a_flush(void **state)
{
	(void)state;
	flushed(true);
	flushed(false);
}

/*
 * Single pages leave tables behind. When the host has no memory for another, or for the books of addresses,
 * they are given back, and the mapping is made all the same. @fail: which call of the host fails.
 */
static bool memory_runs_out(unsigned long fail, bool list)
{
	const struct weir_dma_range pages[2] = { { DW_RAM, PAGE }, { DW_RAM + 5 * PAGE, PAGE } };
	struct testhost_counts full, after;
	struct weir_dma_segment segments[2];
	struct weir_device *dev;
	uint64_t iova[64], other;
	unsigned int syncs;
	unsigned char byte;
	uint32_t nr;
	bool hit;
	struct dw dw;

	dw_open(&dw, DW_WALKS, NULL);
	dev = dw_dev(&dw, "m0");
	assert_int_equal(weir_dma_mask_set(dev, WEIR_DMA_MASK(48)), 0);
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(weir_dma_map_phys(dev, DW_RAM, BLOCK / 8, WEIR_DMA_TO_DEVICE,
						   &iova[i]), 0);
	for (unsigned int i = 1; i < 64; i++)
		assert_int_equal(weir_dma_unmap(dev, iova[i], BLOCK / 8, WEIR_DMA_TO_DEVICE), 0);
	assert_int_equal(weir_dma_mask_set(dev, WEIR_DMA_MASK(32)), 0); /* where no tables are */
	testhost_counts_get(dw.w.host, &full);
	syncs = dw.syncs;
	testhost_fail_at(dw.w.host, fail);
	if (list)
		assert_int_equal(weir_dma_map_sg(dev, pages, 2, WEIR_DMA_TO_DEVICE, 2, segments, &nr), 0);
	else
		assert_int_equal(weir_dma_map_phys(dev, DW_RAM, PAGE, WEIR_DMA_TO_DEVICE, &other), 0);
	hit = testhost_fault_hit(dw.w.host);
	testhost_fail_at(dw.w.host, 0);
	testhost_counts_get(dw.w.host, &after);
	assert_int_equal(dw.syncs - syncs, hit); /* walkers forget them first */
	if (hit)
		assert_true(after.page_bytes < full.page_bytes - 2 * PAGE);
	else
		assert_true(after.page_bytes > full.page_bytes);
	assert_int_equal(dw_read(&dw, "m0", iova[0] + 9 * PAGE, &byte, 1), 1); /* what is mapped stays */
	if (list) {
		assert_int_equal(dw_read(&dw, "m0", segments[0].iova + PAGE, &byte, 1), 1);
		assert_int_equal(weir_dma_unmap_sg(dev, segments, nr, WEIR_DMA_TO_DEVICE), 0);
	} else {
		assert_int_equal(dw_read(&dw, "m0", other, &byte, 1), 1);
		assert_int_equal(weir_dma_unmap(dev, other, PAGE, WEIR_DMA_TO_DEVICE), 0);
	}
	assert_int_equal(weir_dma_unmap(dev, iova[0], BLOCK / 8, WEIR_DMA_TO_DEVICE), 0);
	dw_close(&dw);
	return hit;
}

static void test_tables_go_when_memory_runs_out(void **state)
{
	unsigned long n[2];

	(void)state;
	for (int list = 0; list < 2; list++)
		for (n[list] = 1; memory_runs_out(n[list], list); n[list]++)
			;
	assert_true(n[0] > 2 && n[1] > 2); /* a table and its books, at the least */
}

struct mapper {
	pthread_t thread;
	struct weir_device *dev;
	struct weir_domain *domain;
	uint64_t memory;
};

/* Ranges that no magazine holds come from gaps, whose tables are being taken away. */
static void *map_beside(void *arg)
{
	struct mapper *mapper = arg;

	for (unsigned int i = 0; i < 2000; i++) {
		uint64_t bytes = (33 + i * 7 % 600) * PAGE, iova, pa;

		if (weir_dma_map_phys(mapper->dev, mapper->memory, bytes, WEIR_DMA_TO_DEVICE, &iova))
			abort();
		for (uint64_t at = 0; at < bytes; at += 32 * PAGE)
			if (weir_domain_translate(mapper->domain, iova + at, &pa) ||
			    pa != mapper->memory + at)
				abort();
		if (weir_dma_unmap(mapper->dev, iova, bytes, WEIR_DMA_TO_DEVICE))
			abort();
	}
	return NULL;
}

static void test_tables_go_beside_maps(void **state)
{
	struct mapper mappers[2];
	struct weir_domain *d;
	struct weir_group *group;
	unsigned int trimmed = 0;
	struct dw dw;

	(void)state;
	dw_open(&dw, DW_WALKS | DW_CPUS, NULL);
	dw.no_stale = true;
	assert_int_equal(weir_group_of(dw_dev(&dw, "m0"), &group), 0);
	d = weir_group_domain(group);
	for (unsigned int i = 0; i < 2; i++) {
		mappers[i] = (struct mapper){ .dev = dw_dev(&dw, "m0"), .domain = d,
					      .memory = DW_RAM + i * BLOCK + PAGE };
		assert_int_equal(pthread_create(&mappers[i].thread, NULL, map_beside, &mappers[i]), 0);
	}
	for (unsigned int i = 0; i < 500; i++)
		trimmed += weir_dma_space_trim_(d->dma);
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(mappers[i].thread, NULL);
	trimmed += weir_dma_space_trim_(d->dma);
	assert_true(trimmed);
	dw_close(&dw);
}

/* An instance that goes takes what was prepared at it along. */
static void test_tables_prepared_instance_goes(void **state)
{
	struct weir_group *group;
	struct weir_domain *d;
	struct dw dw;

	(void)state;
	dw_open(&dw, DW_WALKS, NULL);
	assert_int_equal(weir_group_of(dw_dev(&dw, "m0"), &group), 0);
	assert_int_equal(weir_domain_create(dw.w.m, WEIR_DOMAIN_UNMANAGED, &d), 0);
	assert_int_equal(weir_domain_prepare(d, group), 0);
	weir_domain_unref(d);
	dw_close(&dw);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables_reserve),
		cmocka_unit_test(test_tables_trim),
		cmocka_unit_test(test_tables_go_with_a_flush),
		cmocka_unit_test(test_tables_go_when_memory_runs_out),
		cmocka_unit_test(test_tables_go_beside_maps),
		cmocka_unit_test(test_tables_prepared_instance_goes),
	};

	return cmocka_run_group_tests_name("tables_kept", tests, NULL, NULL);
}
