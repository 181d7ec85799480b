// SPDX-License-Identifier: MIT
/*
 * Memory that is copied: out of reach of the device's mask or bus, or in a page with what
 * an untrusted device must not see.
 */
#include <stdlib.h>
#include <string.h>

#include "dmaworld.h"
#include "seed.h"

#define BUF (DW_RAM + DW_PART_BYTES / 2) /* of the test */
#define TO WEIR_DMA_TO_DEVICE
#define FROM WEIR_DMA_FROM_DEVICE
#define BOTH WEIR_DMA_BIDIRECTIONAL

static uint64_t bounced(struct dw *dw, const char *name)
{
	struct weir_dma_stats stats;

	weir_dma_stats_get(dw_dev(dw, name), &stats);
	return stats.bounced;
}

/* d0 has 32 address bits: the upper memory is copied, there and back. */
static void test_bounce_mask_too_small(void **state)
{
	unsigned char got[100], sent[100];
	struct weir_device *dev;
	struct dw dw;
	uint64_t iova;

	(void)state;
	dw_open(&dw, 0, NULL);
	dev = dw_dev(&dw, "d0");
	dw_fill(&dw, DW_HIGH, 300, 1);
	assert_int_equal(weir_dma_map_phys(dev, DW_HIGH + 50, 100, TO, &iova), 0);
	assert_true(iova + 100 <= UINT32_MAX);
	assert_int_equal(iova % DW_PAGE, 50); /* devices may count on the offset in the page */
	assert_int_equal(bounced(&dw, "d0"), 1);
	assert_int_equal(dw_read(&dw, "d0", iova, got, 100), 100);
	assert_memory_equal(got, dw_at(&dw, DW_HIGH + 50), 100);
	/* a device that writes what it was to read changes nothing */
	memset(sent, 0xee, 100);
	assert_int_equal(dw_write(&dw, "d0", iova, sent, 100), 100);
	assert_int_equal(weir_dma_unmap(dev, iova, 100, TO), 0);
	assert_memory_equal(got, dw_at(&dw, DW_HIGH + 50), 100);
	/* what the device does not write comes back as it was, and nothing beside it changes */
	assert_int_equal(weir_dma_map_phys(dev, DW_HIGH + 50, 100, FROM, &iova), 0);
	assert_int_equal(dw_write(&dw, "d0", iova + 10, sent, 20), 20);
	assert_int_equal(weir_dma_unmap(dev, iova, 100, FROM), 0);
	for (unsigned int i = 0; i < 300; i++)
		assert_int_equal(*dw_at(&dw, DW_HIGH + i), i >= 60 && i < 80 ? 0xee
									     : (unsigned char)(1 + i));
	assert_int_equal(weir_dma_map_phys(dev, DW_HIGH, 8, FROM | WEIR_DMA_MMIO, &iova),
			 WEIR_ERANGE); /* registers cannot be copied */
	dw_close(&dw);
}

/* A driver that unmaps twice gets an error, and nobody's memory is written, and no slot is had by two. */
static void test_bounce_unmapped_twice(void **state)
{
	struct weir_device *dev;
	uint64_t iova, other;
	struct dw dw;

	(void)state;
	dw_open(&dw, 0, NULL);
	dev = dw_dev(&dw, "d0");
	assert_int_equal(weir_dma_map_phys(dev, DW_HIGH, 5000, FROM, &iova), 0);
	assert_int_equal(weir_dma_unmap(dev, iova, 5000, FROM), 0);
	dw_fill(&dw, DW_HIGH, 5000, 3); /* it is somebody else's by now */
	weir_dma_sync_for_cpu(dev, iova, 5000, FROM);
	assert_int_equal(weir_dma_unmap(dev, iova, 5000, FROM), WEIR_EINVAL);
	for (unsigned int i = 0; i < 5000; i++)
		assert_int_equal(*dw_at(&dw, DW_HIGH + i), (unsigned char)(3 + i));
	assert_int_equal(weir_dma_map_phys(dev, DW_HIGH, 5000, FROM, &iova), 0);
	assert_int_equal(weir_dma_map_phys(dev, DW_HIGH + 16384, 5000, FROM, &other), 0);
	assert_true(iova / DW_PAGE + 1 < other / DW_PAGE || other / DW_PAGE + 1 < iova / DW_PAGE);
	assert_int_equal(weir_dma_unmap(dev, other, 5000, FROM), 0);
	assert_int_equal(weir_dma_unmap(dev, iova, 5000, FROM), 0);
	dw_close(&dw);
}

/* d1's bus shows 64 MiB of the lower memory: the upper one is copied there. */
static void test_bounce_bus_does_not_reach(void **state)
{
	unsigned char got[64];
	struct weir_device *dev;
	struct dw dw;
	uint64_t iova;

	(void)state;
	dw_open(&dw, 0, NULL);
	dev = dw_dev(&dw, "d1");
	assert_int_equal(weir_dma_mask_set(dev, WEIR_DMA_MASK(64)), 0);
	dw_fill(&dw, DW_HIGH, 64, 9);
	assert_int_equal(weir_dma_map_phys(dev, DW_HIGH, 64, TO, &iova), 0);
	assert_in_range(iova, DW_RAM - DW_BUS_OFFSET, DW_RAM - DW_BUS_OFFSET + (64u << 20));
	assert_int_equal(dw_read(&dw, "d1", iova, got, 64), 64);
	assert_memory_equal(got, dw_at(&dw, DW_HIGH), 64);
	assert_int_equal(weir_dma_unmap(dev, iova, 64, TO), 0);
	/* with too few bits for any of that, nothing helps */
	assert_int_equal(weir_dma_mask_set(dev, WEIR_DMA_MASK(20)), 0);
	assert_int_equal(weir_dma_map_phys(dev, DW_HIGH, 64, TO, &iova), WEIR_ERANGE);
	dw_close(&dw);
}

static void test_bounce_sync(void **state)
{
	static const char *const names[] = { "d0", "n1" };
	unsigned char got[16], sent[16] = "fifteen letters";
	struct dw dw;
	uint64_t iova;

	(void)state;
	dw_open(&dw, 0, NULL);
	for (unsigned int i = 0; i < 2; i++) {
		struct weir_device *dev = dw_dev(&dw, names[i]);

		dw_fill(&dw, DW_HIGH, 9000, 1);
		assert_int_equal(weir_dma_map_phys(dev, DW_HIGH, 9000, BOTH, &iova), 0);
		/* the CPU writes a part, the device sees it when told, and nothing else */
		memcpy(dw_at(&dw, DW_HIGH + 5000), sent, 16);
		*dw_at(&dw, DW_HIGH + 100) = 0xaa;
		weir_dma_sync_for_device(dev, iova + 5000, 16, BOTH);
		assert_int_equal(dw_read(&dw, names[i], iova + 5000, got, 16), 16);
		assert_memory_equal(got, sent, 16);
		assert_int_equal(dw_read(&dw, names[i], iova + 100, got, 1), 1);
		assert_int_equal(got[0], 101);
		*dw_at(&dw, DW_HIGH + 100) = 101;
		/* and the other way round */
		assert_int_equal(dw_write(&dw, names[i], iova + 4090, sent, 16), 16);
		assert_memory_not_equal(dw_at(&dw, DW_HIGH + 4090), sent, 16);
		weir_dma_sync_for_cpu(dev, iova + 4090, 16, BOTH);
		assert_memory_equal(dw_at(&dw, DW_HIGH + 4090), sent, 16);
		/* not at the end, when the caller looks after it */
		assert_int_equal(dw_write(&dw, names[i], iova, sent, 16), 16);
		assert_int_equal(weir_dma_unmap(dev, iova, 9000, BOTH | WEIR_DMA_NO_SYNC), 0);
		assert_int_equal(*dw_at(&dw, DW_HIGH), 1);
	}
	assert_true(dw.cleans && dw.invalidates); /* n1's copies went through the caches */
	dw_close(&dw);
}

/* An untrusted device sees the bytes it was given, zeroes beside them, and no page more. */
static void expect_isolated(struct dw *dw, uint64_t pa, size_t bytes, uint64_t page)
{
	struct weir_device *dev = dw_dev(dw, "m0");
	uint64_t iova, start, n = bounced(dw, "m0");
	unsigned char byte;

	assert_int_equal(weir_dma_map_phys(dev, pa, bytes, BOTH, &iova), 0);
	start = iova & ~(page - 1);
	assert_int_equal(iova % page, pa % page);
	assert_int_equal(bounced(dw, "m0"), n + ((pa | bytes) % page != 0));
	for (uint64_t at = start; at < iova + bytes + page; at++) {
		if (at >= ((iova + bytes + page - 1) & ~(page - 1))) {
			assert_int_equal(dw_read(dw, "m0", at, &byte, 1), 0);
			break;
		}
		assert_int_equal(dw_read(dw, "m0", at, &byte, 1), 1);
		if (at >= iova && at - iova < bytes)
			assert_int_equal(byte, *dw_at(dw, pa + (at - iova)));
		else
			assert_int_equal(byte, 0);
	}
	/* it scribbles over all of it: only its bytes change */
	byte = *dw_at(dw, pa + bytes);
	for (uint64_t at = start; at < ((iova + bytes + page - 1) & ~(page - 1)); at++)
		assert_int_equal(dw_write(dw, "m0", at, "!", 1), 1);
	assert_int_equal(weir_dma_unmap(dev, iova, bytes, BOTH), 0);
	assert_int_equal(*dw_at(dw, pa + bytes), byte);
	for (uint64_t i = 0; i < bytes; i++)
		assert_int_equal(*dw_at(dw, pa + i), '!');
	dw_fill(dw, pa, bytes, 'a');
}

static void test_bounce_untrusted(void **state)
{
	static const unsigned int flags[] = { 0, DW_BIG_PAGES };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t page = i ? 65536 : DW_PAGE, iova;
		struct weir_device *dev;
		struct dw dw;

		dw_open(&dw, flags[i], NULL);
		dev = dw_dev(&dw, "m0");
		assert_int_equal(weir_dma_set_untrusted(dev, true), 0);
		assert_int_equal(weir_dma_set_lazy(dev, true), WEIR_EPERM);
		dw_fill(&dw, BUF, 8 * page, 'a');
		expect_isolated(&dw, BUF + 100, 200, page);
		expect_isolated(&dw, BUF + page, page, page); /* whole pages need no copy */
		expect_isolated(&dw, BUF + 10, 2 * page, page);
		expect_isolated(&dw, BUF + page, page + 1, page);
		assert_int_equal(weir_dma_map_phys(dev, BUF, 8, TO, &iova), 0);
		assert_int_equal(weir_dma_set_untrusted(dev, false), WEIR_EBUSY);
		assert_int_equal(weir_dma_unmap(dev, iova, 8, TO), 0);
		assert_int_equal(weir_dma_set_untrusted(dev, false), 0);
		assert_int_equal(weir_dma_map_phys(dev, BUF, 8, TO, &iova), 0);
		assert_int_equal(bounced(&dw, "m0"), 4);
		assert_int_equal(weir_dma_unmap(dev, iova, 8, TO), 0);
		dw_close(&dw);
	}
}

/* What one driver had copied is not to be seen by the next. */
static void test_bounce_shows_nothing_old(void **state)
{
	/* one page: the next copy is where the last one was */
	const struct weir_dma_options options = {
		.flush_ranges = 1, .flush_ns = 1, .bounce_bytes = 4096,
	};
	struct weir_device *dev;
	unsigned char byte;
	struct dw dw;
	uint64_t iova;

	(void)state;
	dw_open(&dw, 0, &options);
	dev = dw_dev(&dw, "d0");
	dw_fill(&dw, DW_HIGH, 4096, 1);
	assert_int_equal(weir_dma_map_phys(dev, DW_HIGH, 4096, TO, &iova), 0);
	assert_int_equal(weir_dma_unmap(dev, iova, 4096, TO), 0);
	dw_fill(&dw, DW_HIGH + 8192, 4096, 0);
	assert_int_equal(weir_dma_map_phys(dev, DW_HIGH + 8192 + 40, 10, FROM, &iova), 0);
	for (uint64_t at = iova - 40; at < iova - 40 + DW_PAGE; at++) {
		assert_int_equal(dw_read(&dw, "d0", at, &byte, 1), 1);
		assert_int_equal(byte, at >= iova && at < iova + 10 ? 40 + (at - iova) : 0);
	}
	assert_int_equal(weir_dma_unmap(dev, iova, 10, FROM), 0);
	dw_close(&dw);
}

/* A copy that the device may still reach is nobody else's, and one that was never mapped is given back. */
static void test_bounce_when_the_iommu_fails(void **state)
{
	const struct weir_dma_options options = {
		.flush_ranges = 1, .flush_ns = 1, .bounce_bytes = 64 << 10,
	};
	uint64_t iova, others[16];
	struct weir_device *dev;
	unsigned char byte;
	struct dw dw;

	(void)state;
	dw_open(&dw, 0, &options);
	dev = dw_dev(&dw, "m0");
	assert_int_equal(weir_dma_set_untrusted(dev, true), 0);
	dw.fail_map = true;
	for (unsigned int i = 0; i < 32; i++)
		assert_int_equal(weir_dma_map_phys(dev, BUF, 8, TO, &iova), WEIR_EIO);
	dw.fail_map = false;
	dw_fill(&dw, BUF, 8, 1);
	assert_int_equal(weir_dma_map_phys(dev, BUF, 8, TO, &iova), 0);
	dw.fail_unmap = true;
	assert_int_equal(weir_dma_unmap(dev, iova, 8, TO), WEIR_EIO);
	dw.fail_unmap = false;
	dw_fill(&dw, BUF + 0x1000, 8, 100);
	for (unsigned int i = 0; i < 15; i++) {
		assert_int_equal(weir_dma_map_phys(dev, BUF + 0x1000, 8, TO, &others[i]), 0);
		assert_int_equal(dw_read(&dw, "m0", iova, &byte, 1), 1);
		assert_int_equal(byte, 1);
	}
	assert_int_equal(weir_dma_map_phys(dev, BUF + 0x1000, 8, TO, &others[15]), WEIR_ENOSPC);
	for (unsigned int i = 0; i < 15; i++)
		(void)weir_dma_unmap(dev, others[i], 8, TO); /* nor does it confirm these */
	dw_close(&dw);
}

/* What is unmapped is out of reach at once, also where devices are lazy until told otherwise. */
static void test_bounce_untrusted_is_strict(void **state)
{
	const struct weir_dma_options options = {
		.lazy = true, .flush_ranges = 256, .flush_ns = 1000000, .bounce_bytes = 64 << 10,
	};
	struct weir_device *dev;
	unsigned char byte;
	struct dw dw;
	uint64_t iova;

	(void)state;
	dw_open(&dw, 0, &options);
	dev = dw_dev(&dw, "m0");
	for (unsigned int untrusted = 0; untrusted < 2; untrusted++) {
		assert_int_equal(weir_dma_set_untrusted(dev, untrusted), 0);
		assert_int_equal(weir_dma_map_phys(dev, BUF, 4096, TO, &iova), 0);
		assert_int_equal(weir_dma_unmap(dev, iova, 4096, TO), 0);
		assert_int_equal(dw_read(&dw, "m0", iova, &byte, 1), !untrusted);
	}
	dw_close(&dw);
}

static void test_bounce_memory_runs_out(void **state)
{
	const struct weir_dma_options options = {
		.flush_ranges = 1, .flush_ns = 1, .bounce_bytes = 64 << 10,
	};
	struct weir_device *dev;
	uint64_t iova[16], other;
	struct dw dw;

	(void)state;
	dw_open(&dw, 0, &options);
	dev = dw_dev(&dw, "d0");
	assert_int_equal(weir_dma_bounce_reserve(dw.w.m), 0);
	assert_int_equal(weir_dma_bounce_reserve(dw.w.m), 0);
	assert_int_equal(weir_dma_options_set(dw.w.m, &options), WEIR_EBUSY);
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < 16; i++)
			assert_int_equal(weir_dma_map_phys(dev, DW_HIGH, 4096, TO, &iova[i]), 0);
		assert_int_equal(weir_dma_map_phys(dev, DW_HIGH, 1, TO, &other), WEIR_ENOSPC);
		for (unsigned int i = 0; i < 16; i++)
			assert_int_equal(weir_dma_unmap(dev, iova[i], 4096, TO), 0);
		assert_int_equal(weir_dma_map_phys(dev, DW_HIGH, 64 << 10, TO, &other), 0);
		assert_int_equal(weir_dma_unmap(dev, other, 64 << 10, TO), 0);
	}
	assert_int_equal(weir_dma_max_map_bytes(dev), (64 << 10) - 4096);
	assert_int_equal(weir_dma_map_phys(dev, DW_HIGH, (64 << 10) + 1, TO, &other), WEIR_ERANGE);
	dw_close(&dw);
}

static void test_bounce_hosts_that_cannot(void **state)
{
	struct dw dw;
	uint64_t iova;

	(void)state;
	dw_open(&dw, DW_NO_PA_TO_VA, NULL);
	assert_int_equal(weir_dma_bounce_reserve(dw.w.m), WEIR_EOPNOTSUPP);
	assert_int_equal(weir_dma_map_phys(dw_dev(&dw, "d0"), DW_HIGH, 1, TO, &iova),
			 WEIR_EOPNOTSUPP);
	assert_int_equal(weir_dma_map_phys(dw_dev(&dw, "d0"), BUF, 1, TO, &iova), 0);
	assert_int_equal(weir_dma_unmap(dw_dev(&dw, "d0"), iova, 1, TO), 0);
	dw_close(&dw);
	/* memory that the host has no view of */
	dw_open(&dw, 0, NULL);
	assert_int_equal(weir_dma_map_phys(dw_dev(&dw, "d0"), DW_HIGH + DW_PART_BYTES - 8, 16, TO,
					   &iova), WEIR_ERANGE);
	dw_close(&dw);
}

#define N_HELD 40u

struct piece {
	uint64_t pa, iova, bytes; /* bytes 0: not mapped */
	unsigned char mark;
};

static void map_piece(struct dw *dw, struct piece *p, unsigned int k, uint64_t *seed)
{
	p->pa = (seed_next(seed) % 3 ? DW_HIGH : BUF) + k * 65536 + seed_next(seed) % 30000;
	p->bytes = 1 + seed_next(seed) % 30000;
	p->mark = (unsigned char)seed_next(seed);
	dw_fill(dw, p->pa, p->bytes, p->mark);
	assert_int_equal(weir_dma_map_phys(dw_dev(dw, "d0"), p->pa, p->bytes, BOTH, &p->iova), 0);
}

static void unmap_piece(struct dw *dw, struct piece *p)
{
	unsigned char byte;

	for (uint64_t b = 0; b < p->bytes; b += 97) {
		assert_int_equal(dw_read(dw, "d0", p->iova + b, &byte, 1), 1);
		assert_int_equal(byte, (unsigned char)(p->mark + b));
	}
	byte = (unsigned char)~p->mark;
	assert_int_equal(dw_write(dw, "d0", p->iova + p->bytes - 1, &byte, 1), 1);
	assert_int_equal(weir_dma_unmap(dw_dev(dw, "d0"), p->iova, p->bytes, BOTH), 0);
	assert_int_equal(*dw_at(dw, p->pa + p->bytes - 1), byte);
	p->bytes = 0;
}

/* Random pieces of either memory, held for a while: the device always sees and writes its own. */
static void test_bounce_random(void **state)
{
	struct piece held[N_HELD] = { 0 };
	uint64_t seed = seed_take();
	struct dw dw;

	(void)state;
	dw_open(&dw, 0, NULL);
	for (unsigned int i = 0; i < 3000; i++) {
		unsigned int k = (unsigned int)(seed_next(&seed) % N_HELD);

		if (held[k].bytes)
			unmap_piece(&dw, &held[k]);
		else
			map_piece(&dw, &held[k], k, &seed);
	}
	for (unsigned int k = 0; k < N_HELD; k++)
		if (held[k].bytes)
			unmap_piece(&dw, &held[k]);
	assert_true(bounced(&dw, "d0") > 500);
	dw_close(&dw);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounce_mask_too_small),
		cmocka_unit_test(test_bounce_unmapped_twice),
		cmocka_unit_test(test_bounce_bus_does_not_reach),
		cmocka_unit_test(test_bounce_sync),
		cmocka_unit_test(test_bounce_untrusted),
		cmocka_unit_test(test_bounce_shows_nothing_old),
		cmocka_unit_test(test_bounce_when_the_iommu_fails),
		cmocka_unit_test(test_bounce_untrusted_is_strict),
		cmocka_unit_test(test_bounce_memory_runs_out),
		cmocka_unit_test(test_bounce_hosts_that_cannot),
		cmocka_unit_test(test_bounce_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
