// SPDX-License-Identifier: MIT
/*
 * The DMA calls on a modelled machine: what a device reaches and what it does not, single
 * ranges, lists, allocations, masks, caches, wrong calls.
 */
#define WEIR_DMA_DEBUG
#include <stdlib.h>
#include <string.h>

#include "dmaworld.h"
#include "seed.h"

#define BUF (DW_RAM + DW_PART_BYTES / 2) /* of the test */
#define TO WEIR_DMA_TO_DEVICE
#define FROM WEIR_DMA_FROM_DEVICE
#define BOTH WEIR_DMA_BIDIRECTIONAL

static const struct weir_dma_options with_debug = {
	.debug = true, .flush_ranges = 256, .flush_ns = 1000, .bounce_bytes = 1 << 20,
};

static void expect_reads(struct dw *dw, const char *name, uint64_t iova, uint64_t pa, size_t n)
{
	unsigned char *got = malloc(n);

	assert_int_equal(dw_read(dw, name, iova, got, n), n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(got[i], *dw_at(dw, pa + i));
	free(got);
}

static void expect_no_access(struct dw *dw, const char *name, uint64_t iova)
{
	unsigned char byte = 0;

	assert_int_equal(dw_read(dw, name, iova, &byte, 1), 0);
	assert_int_equal(dw_write(dw, name, iova, &byte, 1), 0);
}

static uint64_t mapped(struct weir_dma_stats *stats, struct dw *dw, const char *name)
{
	weir_dma_stats_get(dw_dev(dw, name), stats);
	return stats->mappings;
}

/* ---- single ranges ---- */

static void test_dma_direct(void **state)
{
	struct weir_dma_stats stats;
	struct dw dw;
	uint64_t iova;

	(void)state;
	dw_open(&dw, 0, NULL);
	dw_fill(&dw, BUF, 64, 7);
	assert_int_equal(weir_dma_map(dw_dev(&dw, "d0"), dw_at(&dw, BUF + 3), 61, TO, &iova), 0);
	assert_int_equal(iova, BUF + 3);
	expect_reads(&dw, "d0", iova, BUF + 3, 61);
	assert_false(weir_dma_is_translated(dw_dev(&dw, "d0")));
	assert_int_equal(mapped(&stats, &dw, "d0"), 1);
	assert_int_equal(weir_dma_unmap(dw_dev(&dw, "d0"), iova, 61, TO), 0);
	assert_int_equal(mapped(&stats, &dw, "d0"), 0);
	assert_int_equal(stats.bounced, 0);
	/* on a bus that shows memory elsewhere */
	assert_int_equal(weir_dma_map_phys(dw_dev(&dw, "d1"), BUF, 64, TO, &iova), 0);
	assert_int_equal(iova, BUF - DW_BUS_OFFSET);
	expect_reads(&dw, "d1", iova, BUF, 64);
	assert_int_equal(weir_dma_unmap(dw_dev(&dw, "d1"), iova, 64, TO), 0);
	/* with more address bits, the upper memory is reached */
	assert_int_equal(weir_dma_mask_set(dw_dev(&dw, "d0"), WEIR_DMA_MASK(64)), 0);
	assert_int_equal(weir_dma_map_phys(dw_dev(&dw, "d0"), DW_HIGH, 64, FROM, &iova), 0);
	assert_int_equal(iova, DW_HIGH);
	assert_int_equal(weir_dma_unmap(dw_dev(&dw, "d0"), iova, 64, FROM), 0);
	dw_close(&dw);
}

static void test_dma_translated(void **state)
{
	unsigned char bytes[8] = "1234567";
	struct weir_dma_stats stats;
	struct weir_device *dev;
	uint64_t iova, other;
	struct dw dw;

	(void)state;
	dw_open(&dw, 0, NULL);
	dev = dw_dev(&dw, "m0");
	assert_true(weir_dma_is_translated(dev));
	dw_fill(&dw, BUF, 3 * DW_PAGE, 1);
	assert_int_equal(weir_dma_map(dev, dw_at(&dw, BUF + 100), 5000, TO, &iova), 0);
	assert_int_equal(iova % DW_PAGE, 100);
	assert_true(iova <= UINT32_MAX && iova > DW_PAGE); /* 32 bits until it says more */
	assert_true(iova + 5000 - 100 < BUF || iova > BUF + (1 << 20)); /* not by chance */
	expect_reads(&dw, "m0", iova, BUF + 100, 5000);
	assert_int_equal(dw_write(&dw, "m0", iova, bytes, 8), 0); /* only to be read */
	/* whole pages are in reach, what is beside them is not */
	expect_no_access(&dw, "m0", iova - 100 - 1);
	expect_no_access(&dw, "m0", iova - 100 + 2 * DW_PAGE);
	assert_int_equal(weir_dma_map_phys(dev, BUF + 2 * DW_PAGE, 8, FROM, &other), 0);
	assert_int_equal(dw_write(&dw, "m0", other, bytes, 8), 8);
	assert_memory_equal(dw_at(&dw, BUF + 2 * DW_PAGE), bytes, 8);
	assert_int_equal(dw_read(&dw, "m0", other, bytes, 8), 0);
	assert_int_equal(mapped(&stats, &dw, "m0"), 2);
	assert_int_equal(weir_dma_unmap(dev, iova, 5000, TO), 0);
	expect_no_access(&dw, "m0", iova);
	assert_int_equal(dw_write(&dw, "m0", other, bytes, 8), 8);
	assert_int_equal(weir_dma_unmap(dev, other, 8, FROM), 0);
	expect_no_access(&dw, "m0", other);
	dw_expect_unmapped(&dw);
	dw_close(&dw);
}

static void test_dma_masks(void **state)
{
	struct weir_device *dev;
	uint64_t iova;
	struct dw dw;

	(void)state;
	dw_open(&dw, 0, NULL);
	dev = dw_dev(&dw, "m0");
	assert_int_equal(weir_dma_mask_get(dev), UINT32_MAX);
	assert_int_equal(weir_dma_mask_set(dev, 0), WEIR_EINVAL);
	assert_int_equal(weir_dma_mask_set(dev, WEIR_DMA_MASK(11)), WEIR_EINVAL);
	assert_int_equal(weir_dma_mask_set(dev, 0xfffff000u), WEIR_EINVAL);
	for (unsigned int bits = 14; bits <= 64; bits++) {
		assert_int_equal(weir_dma_mask_set(dev, WEIR_DMA_MASK(bits)), 0);
		assert_int_equal(weir_dma_mask_get(dev), WEIR_DMA_MASK(bits));
		assert_int_equal(weir_dma_map_phys(dev, BUF, DW_PAGE, BOTH, &iova), 0);
		assert_true(iova + (DW_PAGE - 1) <= WEIR_DMA_MASK(bits));
		assert_true(iova); /* the first page is never handed out */
		if (bits <= 48 && !(dw.flags & DW_CPUS)) /* from the top, but for what was just freed */
			assert_true(iova >= WEIR_DMA_MASK(bits) / 2);
		assert_int_equal(weir_dma_unmap(dev, iova, DW_PAGE, BOTH), 0);
	}
	assert_int_equal(weir_dma_mask_set(dev, WEIR_DMA_MASK(12)), 0);
	assert_int_equal(weir_dma_map_phys(dev, BUF, DW_PAGE, BOTH, &iova), WEIR_ENOSPC);
	dw_close(&dw);
}

static void test_dma_32_bit_first(void **state)
{
	struct weir_dma_options options = with_debug;
	struct weir_device *dev;
	uint64_t low, high;
	struct dw dw;

	(void)state;
	options.iova_32_first = true;
	dw_open(&dw, 0, &options);
	dev = dw_dev(&dw, "m0");
	assert_int_equal(weir_dma_mask_set(dev, WEIR_DMA_MASK(64)), 0);
	assert_int_equal(weir_dma_map_phys(dev, BUF, UINT64_C(2) << 30, TO, &low), 0);
	assert_true(low <= UINT32_MAX);
	/* two GiB of it are taken, the first page is not given out, and it must be aligned */
	assert_int_equal(weir_dma_map_phys(dev, BUF, UINT64_C(2) << 30, TO, &high), 0);
	assert_true(high > UINT32_MAX);
	assert_int_equal(weir_dma_unmap(dev, low, UINT64_C(2) << 30, TO), 0);
	assert_int_equal(weir_dma_unmap(dev, high, UINT64_C(2) << 30, TO), 0);
	dw_close(&dw);
}

static void test_dma_wrong_arguments(void **state)
{
	struct weir_dma_range none = { BUF, 0 }, wrap = { UINT64_MAX - 4, 100 };
	struct weir_dma_segment segment;
	const char *names[] = { "m0", "d0" };
	uint64_t iova = 77;
	struct dw dw;
	uint32_t nr;
	void *va;

	(void)state;
	dw_open(&dw, 0, NULL);
	for (unsigned int i = 0; i < 2; i++) {
		struct weir_device *dev = dw_dev(&dw, names[i]);

		assert_int_equal(weir_dma_map_phys(dev, BUF, 0, TO, &iova), WEIR_EINVAL);
		assert_int_equal(weir_dma_map_phys(dev, BUF, 8, 0, &iova), WEIR_EINVAL);
		assert_int_equal(weir_dma_map_phys(dev, UINT64_MAX - 6, 8, TO, &iova), WEIR_EINVAL);
		assert_int_equal(weir_dma_map(dev, &dw, 8, TO, &iova), WEIR_EINVAL);
		assert_int_equal(weir_dma_map_sg(dev, &none, 1, TO, 1, &segment, &nr), WEIR_EINVAL);
		assert_int_equal(weir_dma_map_sg(dev, &wrap, 1, TO, 1, &segment, &nr), WEIR_EINVAL);
		assert_int_equal(weir_dma_map_sg(dev, &none, 0, TO, 1, &segment, &nr), WEIR_EINVAL);
		assert_int_equal(weir_dma_alloc(dev, 0, 0, &va, &iova), WEIR_EINVAL);
		assert_int_equal(iova, 77);
		dw_log_clear(&dw);
		assert_int_equal(weir_dma_unmap(dev, 0x5000, 8, TO), WEIR_EINVAL);
		assert_true(dw_logged(&dw, "unmap of what is not mapped"));
		assert_true(dw_logged(&dw, names[i]) && dw_logged(&dw, "test_dma.c:"));
		assert_int_equal(weir_dma_free(dev, DW_PAGE, dw_at(&dw, BUF), 0x5000), WEIR_EINVAL);
	}
	assert_int_equal(weir_driver_unbind(dw_dev(&dw, "m0")), 0);
	assert_int_equal(weir_dma_map_phys(dw_dev(&dw, "m0"), BUF, 8, TO, &iova), WEIR_ENODEV);
	assert_int_equal(weir_driver_unbind(dw_dev(&dw, "d0")), 0);
	assert_int_equal(weir_dma_map_phys(dw_dev(&dw, "d0"), BUF, 8, TO, &iova), WEIR_ENODEV);
	dw_close(&dw);
}

/* ---- caches ---- */

static void test_dma_caches(void **state)
{
	const char *names[] = { "n0", "n1" };
	struct dw dw;
	uint64_t iova;

	(void)state;
	dw_open(&dw, 0, NULL);
	for (unsigned int i = 0; i < 2; i++) {
		struct weir_device *dev = dw_dev(&dw, names[i]);

		assert_false(weir_dma_is_coherent(dev));
		dw.cleans = dw.invalidates = 0;
		dw.clean_bytes = dw.invalidate_bytes = 0;
		assert_int_equal(weir_dma_map_phys(dev, BUF + 8, 5000, BOTH, &iova), 0);
		assert_int_equal(dw.clean_bytes, 5000);
		assert_int_equal(dw.invalidates, 0);
		weir_dma_sync_for_cpu(dev, iova, 5000, BOTH);
		assert_int_equal(dw.invalidate_bytes, 5000);
		weir_dma_sync_for_device(dev, iova + 10, 100, BOTH);
		assert_int_equal(dw.clean_bytes, 5100);
		assert_int_equal(weir_dma_unmap(dev, iova, 5000, BOTH), 0);
		assert_int_equal(dw.invalidate_bytes, 10000);
		assert_int_equal(weir_dma_map_phys(dev, BUF, 64, TO | WEIR_DMA_NO_SYNC, &iova), 0);
		assert_int_equal(weir_dma_unmap(dev, iova, 64, TO | WEIR_DMA_NO_SYNC), 0);
		assert_int_equal(weir_dma_map_phys(dev, BUF, 64, BOTH | WEIR_DMA_MMIO, &iova), 0);
		assert_int_equal(weir_dma_unmap(dev, iova, 64, BOTH | WEIR_DMA_MMIO), 0);
		assert_int_equal(dw.clean_bytes, 5100);
		assert_int_equal(dw.invalidate_bytes, 10000);
	}
	dw.cleans = dw.invalidates = 0;
	assert_true(weir_dma_is_coherent(dw_dev(&dw, "m0")));
	assert_int_equal(weir_dma_map_phys(dw_dev(&dw, "m0"), BUF, 64, BOTH, &iova), 0);
	assert_int_equal(weir_dma_unmap(dw_dev(&dw, "m0"), iova, 64, BOTH), 0);
	assert_int_equal(dw.cleans + dw.invalidates, 0);
	dw_close(&dw);
}

/* A part of a list, whose pages lie anywhere: each is synced where it is. */
static void test_dma_sync_of_a_part(void **state)
{
	const uint64_t top = DW_RAM + DW_PART_BYTES - DW_PAGE;
	const struct weir_dma_range list[] = { { top, DW_PAGE }, { BUF, DW_PAGE } };
	struct weir_dma_segment s[2];
	struct weir_device *dev;
	struct dw dw;
	uint32_t nr;

	(void)state;
	dw_open(&dw, 0, NULL);
	dev = dw_dev(&dw, "n0");
	assert_int_equal(weir_dma_map_sg(dev, list, 2, WEIR_DMA_FROM_DEVICE, 2, s, &nr), 0);
	assert_int_equal(nr, 1);
	dw.invalidates = 0;
	dw.invalidate_bytes = 0;
	/* what the host is told lies in memory, which ends behind the first page */
	weir_dma_sync_for_cpu(dev, s[0].iova + 0x800, 0x1000, WEIR_DMA_FROM_DEVICE);
	assert_int_equal(dw.invalidates, 2);
	assert_int_equal(dw.invalidate_bytes, 0x1000);
	assert_int_equal(weir_dma_unmap_sg(dev, s, nr, WEIR_DMA_FROM_DEVICE), 0);
	dw_close(&dw);
}

static void test_dma_host_without_cache_calls(void **state)
{
	struct dw dw;
	uint64_t iova;

	(void)state;
	dw_open(&dw, DW_NO_CACHE_SYNC, NULL);
	assert_int_equal(weir_dma_map_phys(dw_dev(&dw, "n0"), BUF, 8, TO, &iova), WEIR_EOPNOTSUPP);
	assert_true(dw_logged(&dw, "n0") && dw_logged(&dw, "cache_sync"));
	assert_int_equal(weir_dma_mask_set(dw_dev(&dw, "n1"), UINT64_MAX), WEIR_EOPNOTSUPP);
	assert_true(dw_logged(&dw, "n1"));
	assert_int_equal(weir_dma_map_phys(dw_dev(&dw, "m0"), BUF, 8, TO, &iova), 0);
	assert_int_equal(weir_dma_unmap(dw_dev(&dw, "m0"), iova, 8, TO), 0);
	dw_close(&dw);
}

/* ---- lists ---- */

static void test_dma_sg_merges(void **state)
{
	/* behind an IOMMU all of it is one; in memory the first two are neighbours */
	const struct weir_dma_range list[] = {
		{ BUF + 0x800, 0x800 }, { BUF + 0x1000, 0x1000 }, { BUF + 0x9000, 0x2000 },
		{ 0, 0 }, { BUF + 0x5000, 0x300 },
	};
	struct weir_dma_segment s[8];
	struct weir_dma_stats stats;
	struct weir_dma_limits limits = { .max_segment_bytes = 0x1000 };
	uint32_t nr;
	struct dw dw;

	(void)state;
	dw_open(&dw, 0, &with_debug);
	dw_fill(&dw, BUF, 0xc000, 3);
	assert_int_equal(weir_dma_map_sg(dw_dev(&dw, "m0"), list, 5, TO, 8, s, &nr), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(s[0].bytes, 0x3b00 - 0x800 + 0x800);
	expect_reads(&dw, "m0", s[0].iova, BUF + 0x800, 0x1800);
	expect_reads(&dw, "m0", s[0].iova + 0x1800, BUF + 0x9000, 0x2000);
	expect_reads(&dw, "m0", s[0].iova + 0x3800, BUF + 0x5000, 0x300);
	assert_int_equal(dw.maps, dw.flags & DW_WALKS ? 0 : 3); /* neighbours were mapped as one */
	assert_int_equal(mapped(&stats, &dw, "m0"), 1);
	assert_int_equal(weir_dma_unmap_sg(dw_dev(&dw, "m0"), s, nr, TO), 0);
	dw_expect_unmapped(&dw);
	assert_int_equal(weir_dma_map_sg(dw_dev(&dw, "d0"), list, 5, TO, 8, s, &nr), 0);
	assert_int_equal(nr, 3);
	assert_int_equal(s[0].iova, BUF + 0x800);
	assert_int_equal(s[0].bytes, 0x1800);
	assert_int_equal(weir_dma_unmap_sg(dw_dev(&dw, "d0"), s, nr, TO), 0);
	assert_int_equal(weir_dma_map_sg(dw_dev(&dw, "d0"), list, 5, TO, 2, s, &nr), WEIR_E2BIG);
	/* cut */
	assert_int_equal(weir_dma_limits_set(dw_dev(&dw, "m0"), &limits), 0);
	assert_int_equal(weir_dma_map_sg(dw_dev(&dw, "m0"), list, 5, TO, 3, s, &nr), WEIR_E2BIG);
	dw_expect_unmapped(&dw);
	assert_int_equal(weir_dma_map_sg(dw_dev(&dw, "m0"), list, 5, TO, 4, s, &nr), 0);
	assert_int_equal(nr, 4);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(s[i].bytes, 0x1000);
		assert_int_equal(s[i].iova + s[i].bytes, s[i + 1].iova);
	}
	assert_int_equal(weir_dma_unmap_sg(dw_dev(&dw, "m0"), s, nr, TO), 0);
	dw_close(&dw);
}

static void test_dma_limits_are_checked(void **state)
{
	const struct weir_dma_limits good = { 0xffff, 0xffff }, small = { 4095, 0 },
				     crooked = { 0, 0x1fffe }, narrow = { 0, 0x7ff };
	struct dw dw;

	(void)state;
	dw_open(&dw, 0, NULL);
	assert_int_equal(weir_dma_limits_set(dw_dev(&dw, "d0"), &good), 0);
	assert_int_equal(weir_dma_limits_set(dw_dev(&dw, "d0"), &small), WEIR_EINVAL);
	assert_int_equal(weir_dma_limits_set(dw_dev(&dw, "d0"), &crooked), WEIR_EINVAL);
	assert_int_equal(weir_dma_limits_set(dw_dev(&dw, "d0"), &narrow), WEIR_EINVAL);
	dw_close(&dw);
}

#define MAX_RANGES 40u
#define MAX_SEGMENTS 600u

/* A list of random pieces; the device sees just these bytes, in order, within its limits. */
static void one_random_list(struct dw *dw, const char *name, uint64_t *seed)
{
	static const uint64_t sizes[] = { 0, 0x1000, 0x2000, 0x10000 };
	static const uint64_t boundaries[] = { 0, 0xfff, 0xffff };
	static struct weir_dma_segment s[MAX_SEGMENTS];
	struct weir_dma_range list[MAX_RANGES];
	struct weir_dma_limits limits = { sizes[seed_next(seed) % 4],
					  boundaries[seed_next(seed) % 3] };
	uint32_t n = 1 + (uint32_t)(seed_next(seed) % MAX_RANGES), nr, at = 0;
	uint64_t offset = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t near = i ? list[i - 1].pa + list[i - 1].bytes : BUF;

		list[i].pa = seed_next(seed) % 3 && near < BUF + (1 << 20)
				     ? near : BUF + seed_next(seed) % (1 << 20);
		if (seed_next(seed) % 2)
			list[i].pa &= ~(uint64_t)(DW_PAGE - 1);
		list[i].bytes = seed_next(seed) % 2 ? seed_next(seed) % 9000 : DW_PAGE;
	}
	list[0].bytes += !list[0].bytes;
	assert_int_equal(weir_dma_limits_set(dw_dev(dw, name), &limits), 0);
	assert_int_equal(weir_dma_map_sg(dw_dev(dw, name), list, n, BOTH, MAX_SEGMENTS, s, &nr), 0);
	for (uint32_t i = 0; i < n; i++) {
		for (uint64_t b = 0; b < list[i].bytes; b++, offset++) {
			unsigned char got;

			if (offset == s[at].bytes) {
				at++;
				offset = 0;
			}
			assert_true(at < nr);
			if (b % 512 == 0 || b + 1 == list[i].bytes) {
				assert_int_equal(dw_read(dw, name, s[at].iova + offset, &got, 1), 1);
				assert_int_equal(got, *dw_at(dw, list[i].pa + b));
			}
		}
	}
	assert_int_equal(at, nr - 1);
	assert_int_equal(offset, s[at].bytes);
	for (uint32_t i = 0; i < nr; i++) {
		if (limits.max_segment_bytes)
			assert_true(s[i].bytes <= limits.max_segment_bytes);
		if (limits.boundary_mask)
			assert_int_equal(s[i].iova & ~limits.boundary_mask,
					 (s[i].iova + s[i].bytes - 1) & ~limits.boundary_mask);
	}
	assert_int_equal(weir_dma_unmap_sg(dw_dev(dw, name), s, nr, BOTH), 0);
}

static void test_dma_sg_random(void **state)
{
	static const char *const names[] = { "m0", "d0", "d1", "n0", "m1" };
	uint64_t seed = seed_take();
	struct dw dw;

	(void)state;
	dw_open(&dw, 0, &with_debug);
	assert_int_equal(weir_dma_set_untrusted(dw_dev(&dw, "m1"), true), 0);
	for (uint64_t i = 0; i < 2 << 20; i++)
		*dw_at(&dw, BUF + i) = (unsigned char)(i * 7 + i / 251);
	for (unsigned int i = 0; i < 250; i++)
		one_random_list(&dw, names[i % 5], &seed);
	dw_expect_unmapped(&dw);
	dw_close(&dw);
}

/* ---- allocations ---- */

static void test_dma_alloc(void **state)
{
	const char *names[] = { "m0", "d0", "d1" };
	unsigned char bytes[4] = { 1, 2, 3, 4 };
	struct weir_dma_stats stats;
	struct dw dw;
	uint64_t iova;
	void *va;

	(void)state;
	dw_open(&dw, 0, &with_debug);
	for (unsigned int i = 0; i < 3; i++) {
		struct weir_device *dev = dw_dev(&dw, names[i]);

		assert_int_equal(weir_dma_alloc(dev, 5000, 0, &va, &iova), 0);
		assert_int_equal(iova % 8192, 0);
		for (unsigned int b = 0; b < 8192; b++)
			assert_int_equal(((unsigned char *)va)[b], 0);
		assert_int_equal(dw_write(&dw, names[i], iova + 8188, bytes, 4), 4);
		assert_memory_equal((unsigned char *)va + 8188, bytes, 4);
		assert_int_equal(mapped(&stats, &dw, names[i]), 1);
		assert_int_equal(weir_dma_free(dev, 12000, va, iova), WEIR_EINVAL);
		assert_int_equal(weir_dma_free(dev, 5000, va, iova), 0);
		assert_int_equal(weir_dma_free(dev, 5000, va, iova), WEIR_EINVAL);
	}
	/* what a mask of its own does not reach is refused: allocations are never copied */
	assert_int_equal(weir_dma_coherent_mask_set(dw_dev(&dw, "d0"), WEIR_DMA_MASK(24)), 0);
	assert_int_equal(weir_dma_alloc(dw_dev(&dw, "d0"), 64, 0, &va, &iova), WEIR_ERANGE);
	assert_int_equal(weir_dma_map_phys(dw_dev(&dw, "d0"), BUF, 8, TO, &iova), 0);
	assert_int_equal(weir_dma_unmap(dw_dev(&dw, "d0"), iova, 8, TO), 0);
	/* devices that do not see the caches get no memory that needs it */
	assert_int_equal(weir_dma_alloc(dw_dev(&dw, "n0"), 64, 0, &va, &iova), WEIR_EOPNOTSUPP);
	assert_int_equal(weir_dma_alloc(dw_dev(&dw, "n0"), 64, WEIR_DMA_SYNCED, &va, &iova), 0);
	weir_dma_sync_for_device(dw_dev(&dw, "n0"), iova, 64, BOTH);
	assert_int_equal(dw.clean_bytes, 64);
	assert_int_equal(weir_dma_free(dw_dev(&dw, "n0"), 64, va, iova), 0);
	dw_close(&dw);
}

/* ---- what drivers do wrong ---- */

static void test_dma_debug_catches(void **state)
{
	struct weir_device *dev;
	struct dw dw;
	uint64_t iova;

	(void)state;
	dw_open(&dw, 0, &with_debug);
	dev = dw_dev(&dw, "m1");
	assert_int_equal(weir_dma_map_phys(dev, BUF, 100, TO, &iova), 0);
	assert_int_equal(weir_dma_unmap(dev, iova, 200, TO), WEIR_EINVAL);
	assert_true(dw_logged(&dw, "m1: unmap with another size"));
	dw_log_clear(&dw);
	assert_int_equal(weir_dma_unmap(dev, iova, 100, FROM), WEIR_EINVAL);
	assert_true(dw_logged(&dw, "it was mapped with 100 byte(s)"));
	dw_log_clear(&dw);
	weir_dma_sync_for_cpu(dev, iova + 50, 51, TO);
	assert_true(dw_logged(&dw, "m1: sync of what is not mapped"));
	dw_log_clear(&dw);
	weir_dma_sync_for_cpu(dev, iova + 50, 50, TO);
	assert_false(dw_logged(&dw, "sync"));
	assert_int_equal(weir_dma_unmap(dev, iova, 100, TO), 0);
	assert_int_equal(weir_dma_unmap(dev, iova, 100, TO), WEIR_EINVAL);
	assert_true(dw_logged(&dw, "m1: unmap of what is not mapped"));
	assert_true(dw_logged(&dw, "test_dma.c:"));
	dw_close(&dw);
}

static void leak(struct dw *dw, const char *name, uint64_t *out_iova)
{
	struct weir_dma_range list[] = { { BUF, 8192 }, { BUF + 0x5000, 8 } };
	struct weir_dma_segment s[4];
	struct weir_device *dev = dw_dev(dw, name);
	uint64_t iova;
	uint32_t nr;
	void *va;

	assert_int_equal(weir_dma_map_phys(dev, BUF + 9, 100, TO, out_iova), 0);
	assert_int_equal(weir_dma_map_sg(dev, list, 2, BOTH, 4, s, &nr), 0);
	assert_int_equal(weir_dma_alloc(dev, 64, 0, &va, &iova), 0);
}

static void test_dma_leaks_are_named_and_taken_away(void **state)
{
	static const char *const names[] = { "m0", "d0", "m2", "d1" };
	uint64_t iova, again;
	struct dw dw;

	(void)state;
	for (unsigned int debug = 0; debug < 2; debug++) {
		dw_open(&dw, 0, debug ? &with_debug : NULL);
		for (unsigned int i = 0; i < 4; i++) {
			dw_log_clear(&dw);
			leak(&dw, names[i], &iova);
			dw_rebind(&dw, names[i]);
			assert_true(dw_logged(&dw, names[i]));
			assert_true(dw_logged(&dw, "left it allocated"));
			assert_true(dw_logged(&dw, debug ? "left it mapped" : "mapping(s)"));
			assert_true(dw_logged(&dw, "test_dma.c:"));
			/* m2 shares its addresses with m3: what is not known stays until both went */
			if (!debug && !strcmp(names[i], "m2"))
				assert_true(dw_logged(&dw, "others of its group"));
			else if (names[i][0] == 'm')
				dw_expect_unmapped(&dw);
			assert_int_equal(weir_dma_map_phys(dw_dev(&dw, names[i]), BUF, 8, TO, &again),
					 0);
			assert_int_equal(weir_dma_unmap(dw_dev(&dw, names[i]), again, 8, TO), 0);
		}
		assert_int_equal(weir_driver_unbind(dw_dev(&dw, "m2")), 0);
		assert_int_equal(weir_driver_unbind(dw_dev(&dw, "m3")), 0);
		dw_expect_unmapped(&dw);
		dw_close(&dw);
	}
}

/* Called in the probe, and given up by it: the same. */
static int probe_that_fails(struct dw *dw, struct weir_device *dev)
{
	uint64_t iova;

	if (weir_dma_map_phys(dev, BUF, 100, TO, &iova))
		return WEIR_EIO;
	return strcmp(weir_device_name(dev), "m0") ? weir_dma_unmap(dev, iova, 100, TO)
						    : (dw->on_probe = NULL, WEIR_EIO);
}

static void test_dma_failed_probe_leaves_nothing(void **state)
{
	struct dw dw;
	uint64_t iova;

	(void)state;
	dw_open(&dw, 0, NULL);
	assert_int_equal(weir_driver_unbind(dw_dev(&dw, "m0")), 0);
	dw.on_probe = probe_that_fails;
	assert_int_equal(weir_driver_bind(dw_dev(&dw, "m0")), 0);
	assert_settles(&dw.w);
	assert_status(&dw.w, "m0", WEIR_DEVICE_NO_DRIVER);
	assert_true(dw_logged(&dw, "m0: its driver left 1 mapping(s)"));
	dw_expect_unmapped(&dw);
	assert_int_equal(weir_dma_map_phys(dw_dev(&dw, "m0"), BUF, 100, TO, &iova), WEIR_ENODEV);
	dw_close(&dw);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dma_direct),
		cmocka_unit_test(test_dma_translated),
		cmocka_unit_test(test_dma_masks),
		cmocka_unit_test(test_dma_32_bit_first),
		cmocka_unit_test(test_dma_wrong_arguments),
		cmocka_unit_test(test_dma_caches),
		cmocka_unit_test(test_dma_sync_of_a_part),
		cmocka_unit_test(test_dma_host_without_cache_calls),
		cmocka_unit_test(test_dma_sg_merges),
		cmocka_unit_test(test_dma_limits_are_checked),
		cmocka_unit_test(test_dma_sg_random),
		cmocka_unit_test(test_dma_alloc),
		cmocka_unit_test(test_dma_debug_catches),
		cmocka_unit_test(test_dma_leaks_are_named_and_taken_away),
		cmocka_unit_test(test_dma_failed_probe_leaves_nothing),
	};

	int failed = cmocka_run_group_tests_name("told", tests, NULL, NULL);

	dw_always(DW_WALKS);
	failed += cmocka_run_group_tests_name("walks", tests, NULL, NULL);
	dw_always(DW_WALKS | DW_CPUS);
	return failed + cmocka_run_group_tests_name("walks, CPUs given away", tests, NULL, NULL);
}
