// SPDX-License-Identifier: MIT
/*
 * Buses that show memory elsewhere, or not all of it (dma-ranges): addresses that are handed
 * out and taken are such as the bus passes on.
 */
#include <libfdt.h>

#include "dma/priv.h"
#include "dmaworld.h"

#define BUF (DW_RAM + DW_PART_BYTES / 2) /* of the test */
#define TO WEIR_DMA_TO_DEVICE

static void open_on(struct dw *dw, const uint32_t *cells, unsigned int n)
{
	dw_bus(cells, n);
	dw_open(dw, 0, NULL);
	dw_bus(NULL, 0);
}

/* Windows of 16 pages at 2 GiB and of four at 64 GiB: no address lies between. */
static void test_dmabus_addresses_lie_in_windows(void **state)
{
	static const uint32_t cells[] = {
		0x10, 0, 0x10, 0, 0, 0x4000, 0, 0x80000000, 0, 0x80000000, 0, 0x10000,
	};
	uint64_t iova[32];
	struct weir_device *dev;
	unsigned int n, high = 0;
	struct dw dw;

	(void)state;
	open_on(&dw, cells, 12);
	dev = dw_dev(&dw, "m5");
	assert_int_equal(weir_dma_mask_set(dev, WEIR_DMA_MASK(35)), 0); /* ends between the two */
	assert_int_equal(weir_dma_map_phys(dev, BUF, 4096, TO, &iova[0]), 0);
	assert_true(iova[0] >= 0x80000000 && iova[0] < 0x80010000);
	assert_int_equal(weir_dma_unmap(dev, iova[0], 4096, TO), 0);
	assert_int_equal(weir_dma_mask_set(dev, WEIR_DMA_MASK(64)), 0);
	for (n = 0; n < 32 && !weir_dma_map_phys(dev, BUF, 4096, TO, &iova[n]); n++) {
		bool low = iova[n] >= 0x80000000 && iova[n] < 0x80010000;

		assert_true(low || (iova[n] >> 36 == 1 && (iova[n] & 0xfffffffff) < 0x4000));
		high += !low;
	}
	assert_int_equal(n, 20); /* all pages of both */
	assert_int_equal(high, 4);
	while (n--)
		assert_int_equal(weir_dma_unmap(dev, iova[n], 4096, TO), 0);
	assert_int_equal(weir_dma_map_phys(dev, BUF, 0x8000, TO, &iova[0]), 0);
	assert_int_equal(weir_dma_map_phys(dev, BUF, 0x10000, TO, &iova[1]), WEIR_ENOSPC);
	assert_int_equal(weir_dma_unmap(dev, iova[0], 0x8000, TO), 0);
	dw_close(&dw);
}

/* Memory that is seen twice is told by the address that the device can drive. */
static void test_dmabus_memory_seen_twice(void **state)
{
	static const uint32_t cells[] = {
		0x10, 0, 0, 0x80000000, 0, 0x4000000, 0, 0x40000000, 0, 0x80000000, 0, 0x4000000,
	};
	struct weir_dma_stats stats;
	struct weir_device *dev;
	uint64_t iova;
	struct dw dw;

	(void)state;
	open_on(&dw, cells, 12);
	dev = dw_dev(&dw, "d1");
	assert_int_equal(weir_dma_map_phys(dev, BUF, 100, TO, &iova), 0);
	assert_int_equal(iova, BUF - 0x40000000);
	weir_dma_stats_get(dev, &stats);
	assert_int_equal(stats.bounced, 0);
	assert_int_equal(weir_dma_unmap(dev, iova, 100, TO), 0);
	dw_close(&dw);
}

/* A window that goes on past the last address of the bus does not begin again at its first. */
static void test_dmabus_window_past_the_end(void **state)
{
	static const uint32_t cells[] = {
		0xffffffff, 0xffff0000, 0, 0x80400000, 0, 0x100000,
	};
	struct weir_device *dev;
	uint64_t iova;
	struct dw dw;

	(void)state;
	open_on(&dw, cells, 6);
	dev = dw_dev(&dw, "d1");
	assert_int_equal(weir_dma_mask_set(dev, WEIR_DMA_MASK(64)), 0);
	assert_int_equal(weir_dma_map_phys(dev, BUF, 0x10000, TO, &iova), 0);
	assert_int_equal(iova, 0xffffffffffff0000);
	assert_int_equal(weir_dma_unmap(dev, iova, 0x10000, TO), 0);
	assert_int_equal(weir_dma_map_phys(dev, BUF, 0x10001, TO, &iova), WEIR_ERANGE);
	assert_int_equal(weir_dma_map_phys(dev, BUF + 0x18000, 100, TO, &iova), WEIR_ERANGE);
	dw_close(&dw);
}

/* What lies in two windows is two segments, and not copied: each is reached as it is. */
static void test_dmabus_segments_end_with_windows(void **state)
{
	static const uint32_t cells[] = {
		0, 0x10000000, 0, 0x80000000, 0, 0x404000, 0, 0x30000000, 0, 0x80404000, 0, 0x100000,
	};
	const struct weir_dma_range list[2] = { { BUF + 0x2000, 0x3000 }, { BUF + 0x5000, 0x1800 } };
	struct weir_dma_segment s[4];
	struct weir_dma_stats stats;
	uint64_t bounced;
	struct weir_device *dev;
	struct dw dw;
	uint32_t nr;

	(void)state;
	open_on(&dw, cells, 12);
	dev = dw_dev(&dw, "d1");
	assert_int_equal(weir_dma_map_sg(dev, list, 2, TO, 1, s, &nr), 0); /* when there is but one */
	assert_int_equal(nr, 1);
	assert_int_equal(s[0].bytes, 0x4800);
	assert_int_equal(weir_dma_unmap_sg(dev, s, nr, TO), 0);
	weir_dma_stats_get(dev, &stats);
	bounced = stats.bounced;
	assert_int_equal(weir_dma_map_sg(dev, list, 2, TO, 4, s, &nr), 0);
	assert_int_equal(nr, 2);
	assert_int_equal(s[0].iova, 0x10402000);
	assert_int_equal(s[0].bytes, 0x2000);
	assert_int_equal(s[1].iova, 0x30000000);
	assert_int_equal(s[1].bytes, 0x2800);
	weir_dma_stats_get(dev, &stats);
	assert_int_equal(stats.bounced, bounced);
	assert_int_equal(weir_dma_unmap_sg(dev, s, nr, TO), 0);
	/* so is what a mask cuts: the rest alone is out of reach */
	assert_int_equal(weir_dma_mask_set(dev, WEIR_DMA_MASK(29)), 0);
	assert_int_equal(weir_dma_map_sg(dev, list, 2, TO | WEIR_DMA_MMIO, 4, s, &nr), WEIR_ERANGE);
	dw_close(&dw);
}

/* What is mapped directly is kept in mind, whatever its size; or refused at once, and nothing of it stays. */
static void test_dmabus_mirror_of_large_pieces(void **state)
{
	const uint64_t bus = 0x100000, bytes = 1000 * 4096, top = UINT64_C(1) << 48;
	struct weir_dma_mirror *mirror;
	struct weir_domain *d;
	struct weir_dma *dma;
	struct testhost_counts before, after;
	uint64_t pa;
	struct dw dw;

	(void)state;
	dw_open(&dw, 0, NULL);
	weir_lock_(dw.w.m);
	assert_int_equal(weir_dma_mirroring_.create(dw.w.m, &mirror), 0);
	weir_unlock_(dw.w.m);
	assert_int_equal(weir_dma_get_(dw_dev(&dw, "d0"), &dma), 0);
	dma->mirror = mirror;
	d = weir_dma_mirror_domain_(dw_dev(&dw, "d0"));
	dma->mirror = NULL;
	testhost_counts_get(dw.w.host, &before);
	assert_int_equal(weir_dma_mirroring_.add(mirror, 0, 0, UINT64_MAX), WEIR_ERANGE);
	assert_int_equal(weir_dma_mirroring_.add(mirror, 4095, 4095, UINT64_MAX - 4095), WEIR_ERANGE);
	assert_int_equal(weir_dma_mirroring_.add(mirror, top - 4096, DW_RAM, 4097), WEIR_ERANGE);
	assert_int_equal(weir_dma_mirroring_.add(mirror, top - 4096, DW_RAM, 4096), 0);
	assert_int_equal(weir_domain_translate(d, top - 1, &pa), 0);
	assert_int_equal(weir_dma_mirroring_.del(mirror, top - 4096, 4096), 0);
	assert_int_equal(weir_dma_mirroring_.add(mirror, bus + 5 * 4096, DW_RAM + 5 * 4096, 1), 0);
	testhost_fail_at(dw.w.host, 700);
	assert_int_equal(weir_dma_mirroring_.add(mirror, bus + 1, DW_RAM + 1, bytes - 1), WEIR_ENOMEM);
	for (unsigned int i = 0; i < 1000; i++)
		assert_int_equal(!weir_domain_translate(d, bus + i * 4096, &pa), i == 5);
	assert_int_equal(weir_dma_mirroring_.add(mirror, bus + 1, DW_RAM + 1, bytes - 1), 0);
	for (unsigned int i = 0; i < 1000; i++) {
		assert_int_equal(weir_domain_translate(d, bus + i * 4096, &pa), 0);
		assert_int_equal(pa, DW_RAM + i * 4096);
	}
	assert_int_equal(weir_dma_mirroring_.del(mirror, bus + 1, bytes - 1), 0);
	assert_int_equal(weir_dma_mirroring_.del(mirror, bus + 5 * 4096, 1), 0);
	assert_int_equal(weir_domain_translate(d, bus + 5 * 4096, &pa), WEIR_ENOENT);
	testhost_counts_get(dw.w.host, &after);
	assert_true(after.blocks <= before.blocks + 64); /* spare ones */
	weir_lock_(dw.w.m);
	weir_dma_mirroring_.destroy(mirror);
	weir_unlock_(dw.w.m);
	dw_close(&dw);
}

/* A segment crosses no boundary where the device sees it, which is not where memory has it. */
static void test_dmabus_boundary_is_the_bus(void **state)
{
	static const uint32_t cells[] = { 0, 0x40001000, 0, 0x80000000, 0, 0x4000000 };
	const struct weir_dma_limits limits = { .boundary_mask = 0xffff };
	const struct weir_dma_range range = { BUF + 0x3000, 0x20000 };
	struct weir_dma_segment s[8];
	struct weir_device *dev;
	uint64_t next;
	struct dw dw;
	uint32_t nr;

	(void)state;
	open_on(&dw, cells, 6);
	dev = dw_dev(&dw, "d1");
	assert_int_equal(weir_dma_limits_set(dev, &limits), 0);
	assert_int_equal(weir_dma_map_sg(dev, &range, 1, TO, 8, s, &nr), 0);
	next = range.pa - 0x3ffff000;
	for (uint32_t i = 0; i < nr; i++) {
		assert_int_equal(s[i].iova, next);
		assert_int_equal(s[i].iova >> 16, (s[i].iova + s[i].bytes - 1) >> 16);
		next += s[i].bytes;
	}
	assert_int_equal(next, range.pa - 0x3ffff000 + range.bytes);
	assert_int_equal(weir_dma_unmap_sg(dev, s, nr, TO), 0);
	dw_close(&dw);
}

/* A bus that shows the beginning of the memory for copies: that part is used. */
static void test_dmabus_copies_lie_in_reach(void **state)
{
	static const uint32_t cells[] = { 0, 0x40000000, 0, 0x80000000, 0, 0x100000 };
	struct weir_dma_stats stats;
	struct weir_device *dev;
	uint64_t iova;
	struct dw dw;

	(void)state;
	open_on(&dw, cells, 6);
	dev = dw_dev(&dw, "d1");
	assert_int_equal(weir_dma_map_phys(dev, BUF, 100, TO, &iova), 0);
	assert_true(iova >= 0x40000000 && iova < 0x40100000);
	weir_dma_stats_get(dev, &stats);
	assert_int_equal(stats.bounced, 1);
	assert_int_equal(weir_dma_unmap(dev, iova, 100, TO), 0);
	dw_close(&dw);
}

/* Words that make no sense are not taken for "addresses are physical ones". */
static void test_dmabus_nonsense_reaches_nothing(void **state)
{
	static const uint32_t short_entry[] = { 0, 0x80000000, 0, 0x80000000, 0 };
	static const uint32_t no_bytes[] = { 0, 0x80000000, 0, 0x80000000, 0, 0 };
	static const struct {
		const uint32_t *cells;
		unsigned int n;
	} nonsense[] = { { short_entry, 5 }, { no_bytes, 6 } };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t iova;
		struct dw dw;
		void *va;

		open_on(&dw, nonsense[i].cells, nonsense[i].n);
		assert_int_equal(weir_dma_map_phys(dw_dev(&dw, "d1"), BUF, 100, TO, &iova),
				 WEIR_ERANGE);
		assert_int_equal(weir_dma_alloc(dw_dev(&dw, "d1"), 100, 0, &va, &iova), WEIR_ERANGE);
		assert_true(dw_logged(&dw, "dma: d1: no window to memory"));
		assert_int_equal(weir_dma_map_phys(dw_dev(&dw, "m5"), BUF, 100, TO, &iova),
				 WEIR_ENOSPC);
		dw_close(&dw);
	}
}

/* What one mapping can have, it can have; and twice as much it cannot. */
static void test_dmabus_largest_mapping(void **state)
{
	static const unsigned int bits[] = { 20, 32, 40, 64 };
	struct weir_device *dev;
	struct dw dw;

	(void)state;
	dw_open(&dw, 0, NULL);
	dev = dw_dev(&dw, "m0");
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t bytes, iova;

		assert_int_equal(weir_dma_mask_set(dev, WEIR_DMA_MASK(bits[i])), 0);
		bytes = weir_dma_max_map_bytes(dev);
		assert_true(bytes > WEIR_DMA_MASK(bits[i] > 48 ? 48 : bits[i]) / 4);
		assert_int_equal(weir_dma_map_phys(dev, 0xffe, bytes, TO, &iova), 0);
		assert_int_equal(weir_dma_unmap(dev, iova, bytes, TO), 0);
		assert_int_equal(weir_dma_map_phys(dev, 0xffe, 2 * bytes, TO, &iova), WEIR_ENOSPC);
	}
	dw_close(&dw);
}

/* An instance that comes later cannot do with low addresses, nor with the highest. */
static void test_dmabus_limits_that_narrow(void **state)
{
	const struct weir_domain_limits l = {
		.page_bytes = 4096, .iova_min = UINT64_C(1) << 32, .iova_max = (UINT64_C(1) << 40) - 1,
	};
	struct weir_domain_limits old;
	struct weir_group *group;
	uint64_t iova;
	struct dw dw;

	(void)state;
	dw_open(&dw, 0, NULL);
	assert_int_equal(weir_driver_unbind(dw_dev(&dw, "m3")), 0);
	assert_int_equal(weir_group_of(dw_dev(&dw, "m2"), &group), 0);
	assert_int_equal(weir_domain_narrow_(weir_group_domain(group), &l, &old), 0);
	assert_int_equal(weir_driver_bind(dw_dev(&dw, "m3")), 0);
	assert_settles(&dw.w);
	assert_status(&dw.w, "m3", WEIR_DEVICE_BOUND);
	for (unsigned int i = 2; i < 4; i++) {
		struct weir_device *dev = dw_dev(&dw, i == 2 ? "m2" : "m3");

		assert_int_equal(weir_dma_map_phys(dev, BUF, 100, TO, &iova), WEIR_ENOSPC);
		assert_int_equal(weir_dma_mask_set(dev, WEIR_DMA_MASK(64)), 0);
		assert_int_equal(weir_dma_map_phys(dev, BUF, 100, TO, &iova), 0);
		assert_true(iova >= l.iova_min && iova <= l.iova_max);
		assert_int_equal(weir_dma_unmap(dev, iova, 100, TO), 0);
	}
	dw_close(&dw);
}

/* ---- a bus below a bus ---- */

/* Nodes "outer" and "inner" in it, with these dma-ranges of one cell each, and a device. */
static void nested(struct world *w, const uint32_t *inner, unsigned int nr_inner,
		   const uint32_t *outer, unsigned int nr_outer, struct weir_fwnode **out_node)
{
	static _Alignas(8) unsigned char blob[1024];
	fdt32_t be[16];

	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	assert_int_equal(fdt_finish_reservemap(blob), 0);
	for (unsigned int level = 0; level < 3; level++) {
		static const char *const names[] = { "", "outer", "inner" };
		const uint32_t *v = level == 1 ? outer : inner;
		unsigned int n = level == 1 ? nr_outer : nr_inner;

		assert_int_equal(fdt_begin_node(blob, names[level]), 0);
		assert_int_equal(fdt_property_u32(blob, "#address-cells", 1), 0);
		assert_int_equal(fdt_property_u32(blob, "#size-cells", 1), 0);
		for (unsigned int i = 0; i < n; i++)
			be[i] = cpu_to_fdt32(v[i]);
		if (level)
			assert_int_equal(fdt_property(blob, "dma-ranges", be, (int)n * 4), 0);
	}
	assert_int_equal(fdt_begin_node(blob, "dev"), 0);
	for (unsigned int level = 0; level < 4; level++)
		assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_finish(blob), 0);
	world_open(w, NULL);
	assert_int_equal(weir_firmware_load_dt(w->m, blob, fdt_totalsize(blob)), 0);
	assert_int_equal(weir_fwnode_find(w->m, "/outer/inner/dev", out_node), 0);
}

static void assert_window(const struct weir_fwnode *node, unsigned int index, uint64_t iova,
			  uint64_t pa, uint64_t bytes)
{
	struct weir_fwdma range;

	assert_int_equal(weir_firmware_dma_range(node, false, index, &range), 0);
	assert_int_equal(range.iova, iova);
	assert_int_equal(range.pa, pa);
	assert_int_equal(range.bytes, bytes);
}

/* A bus shows what the one above it passes on, no more, and where that passes it on to. */
static void test_dmabus_windows_end_with_those_above(void **state)
{
	static const uint32_t inner[] = { 0x10000, 0x40000, 0x30000, 0x90000, 0x80000, 0x1000 };
	static const uint32_t outer[] = {
		0x60000, 0x900000, 0x100000, 0x48000, 0x200000, 0x8000, 0x50000, 0x300000, 0x2000,
	};
	static const uint32_t nothing[] = { 0x1000000, 0x40000, 0x10000 };
	struct weir_fwdma range;
	struct weir_fwnode *node;
	struct world w;

	(void)state;
	nested(&w, inner, 6, outer, 9, &node);
	assert_window(node, 0, 0x18000, 0x200000, 0x8000);
	assert_window(node, 1, 0x20000, 0x300000, 0x2000);
	assert_window(node, 2, 0x30000, 0x900000, 0x10000);
	assert_window(node, 3, 0x90000, 0x920000, 0x1000);
	assert_int_equal(weir_firmware_dma_range(node, false, 4, &range), WEIR_ENOENT);
	world_close(&w);
	nested(&w, inner, 6, nothing, 3, &node);
	assert_int_equal(weir_firmware_dma_range(node, false, 0, &range), WEIR_EINVAL);
	world_close(&w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dmabus_addresses_lie_in_windows),
		cmocka_unit_test(test_dmabus_memory_seen_twice),
		cmocka_unit_test(test_dmabus_window_past_the_end),
		cmocka_unit_test(test_dmabus_segments_end_with_windows),
		cmocka_unit_test(test_dmabus_mirror_of_large_pieces),
		cmocka_unit_test(test_dmabus_boundary_is_the_bus),
		cmocka_unit_test(test_dmabus_copies_lie_in_reach),
		cmocka_unit_test(test_dmabus_nonsense_reaches_nothing),
		cmocka_unit_test(test_dmabus_largest_mapping),
		cmocka_unit_test(test_dmabus_limits_that_narrow),
		cmocka_unit_test(test_dmabus_windows_end_with_those_above),
	};

	return cmocka_run_group_tests_name("dmabus", tests, NULL, NULL);
}
