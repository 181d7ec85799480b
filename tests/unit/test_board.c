// SPDX-License-Identifier: MIT
/*
 * A board that is a constant, and examples/one-driver on it: the hostile SMMUv3, all memory from one
 * region, no memory asked for once the tables are made.
 */
#include <string.h>

#include "cm.h"
#include "hw/host.h"
#include "one_driver.h"
#include "testhost.h"
#include "weir/board.h"

#define RAM  (8u << 20)
#define POOL (2u << 20)
#define DATA (ONE_DRIVER_BYTES)

/* ---- the constant ---- */

static const uint32_t line[] = { 9, 12 };
static const uint32_t needs[] = { 0 }, needs_itself[] = { 1 };
static const struct weir_board_stream streams[] = { { 0, 7 }, { 0, 8 } };
static const struct weir_board_stream late_streams[] = { { 2, 7 } };
static const struct weir_board_property properties[] = { { "color", "red", 4 } };
static const struct weir_board_node nodes[] = {
	{ .name = "iommu", .key = "t,iommu", .regs_pa = 0x1000, .regs_bytes = 0x100, .lines = line,
	  .nr_lines = 2, .properties = properties, .nr_properties = 1 },
	{ .name = "nic", .key = "t,nic", .streams = streams, .nr_streams = 2, .needs = needs,
	  .nr_needs = 1, .coherent = true },
	{ .name = "memo" },
};

static void test_board_says(void **state)
{
	const struct weir_board board = { nodes, 3 };
	struct testhost *t = testhost_create(NULL, NULL);
	struct weir_fwnode *iommu, *nic, *node;
	struct weir_fwspec spec;
	struct weir_machine *m;
	const void *value;
	uint64_t pa, bytes;
	uint32_t number;
	size_t size;

	(void)state;
	assert_int_equal(weir_machine_create(testhost_ops(t), t, &m), 0);
	assert_int_equal(weir_firmware_load_board(m, &board), 0);
	assert_int_equal(weir_firmware_load_board(m, &board), WEIR_EEXIST);
	assert_int_equal(weir_fwnode_find(m, "/iommu", &iommu), 0);
	assert_int_equal(weir_fwnode_find(m, "/nic", &nic), 0);
	assert_int_equal(weir_fwnode_find(m, "/", &node), 0);
	assert_ptr_equal(node, weir_fwnode_root(m));
	assert_null(weir_fwnode_compatible(node, 0));
	assert_int_equal(weir_fwnode_find(m, "/nothing", &node), WEIR_ENOENT);
	assert_int_equal(weir_fwnode_find(m, "nic", &node), WEIR_ENOENT);
	assert_int_equal(weir_firmware_registers(iommu, 0, &pa, &bytes), 0);
	assert_true(pa == 0x1000 && bytes == 0x100);
	assert_int_equal(weir_firmware_registers(iommu, 1, &pa, &bytes), WEIR_ENOENT);
	assert_int_equal(weir_firmware_registers(nic, 0, &pa, &bytes), WEIR_ENOENT);
	assert_int_equal(weir_firmware_line(iommu, 1, &number), 0);
	assert_int_equal(number, 12);
	assert_int_equal(weir_firmware_line(iommu, 2, &number), WEIR_ENOENT);
	assert_int_equal(weir_firmware_spec(nic, 1, &spec), 0);
	assert_true(spec.target == iommu && spec.nr_cells == 1 && spec.cells[0] == 8);
	assert_int_equal(weir_firmware_spec(nic, 2, &spec), WEIR_ENOENT);
	assert_int_equal(weir_firmware_dma_coherent(nic), 1);
	assert_int_equal(weir_firmware_dma_coherent(iommu), 0);
	assert_int_equal(weir_fwnode_property(iommu, "color", &value, &size), 0);
	assert_string_equal(value, "red");
	assert_int_equal(size, 4);
	assert_int_equal(weir_fwnode_property(iommu, "colour", &value, NULL), WEIR_ENOENT);
	assert_int_equal(weir_firmware_populate(m), 0);
	assert_int_equal(weir_firmware_populate(m), 0); /* those that are missing */
	assert_non_null(weir_fwnode_device(iommu));
	assert_non_null(weir_fwnode_device(nic));
	assert_int_equal(weir_fwnode_find(m, "/memo", &node), 0);
	assert_null(weir_fwnode_device(node));
	weir_machine_destroy(m);
	testhost_destroy(t);
}

/* What would be a cycle, or nothing, is refused by its place. */
static void test_board_refused(void **state)
{
	struct weir_board_node bad[3];
	const struct weir_board board = { bad, 3 };
	struct testhost *t = testhost_create(NULL, NULL);
	struct weir_machine *m;

	(void)state;
	assert_int_equal(weir_machine_create(testhost_ops(t), t, &m), 0);
	memcpy(bad, nodes, sizeof(bad));
	bad[1].needs = needs_itself;
	assert_int_equal(weir_firmware_load_board(m, &board), WEIR_EINVAL);
	assert_non_null(strstr(weir_firmware_error(m), "node 1 "));
	memcpy(bad, nodes, sizeof(bad));
	bad[1].streams = late_streams;
	bad[1].nr_streams = 1;
	assert_int_equal(weir_firmware_load_board(m, &board), WEIR_EINVAL);
	assert_non_null(strstr(weir_firmware_error(m), "node 1 "));
	memcpy(bad, nodes, sizeof(bad));
	bad[2].name = NULL;
	assert_int_equal(weir_firmware_load_board(m, &board), WEIR_EINVAL);
	assert_non_null(strstr(weir_firmware_error(m), "node 2 "));
	assert_null(weir_fwnode_root(m));
	memcpy(bad, nodes, sizeof(bad));
	assert_int_equal(weir_firmware_load_board(m, &board), 0);
	weir_machine_destroy(m);
	testhost_destroy(t);
}

/* ---- the example ---- */

struct bed {
	struct weir_pool pool;
	struct hwhost *hw;
	struct smmu3 *model;
	struct testhost *host;
	struct one_driver s;
	uint64_t region_pa, data_pa; /* of the pool, of what masters may reach */
};

/* The model's context leads to it. */
static struct weir_pool *pool_of(void *host)
{
	return &((struct bed *)((struct hwhost *)host)->on_point_arg)->pool;
}

static void *pool_alloc(void *host, size_t bytes)
{
	return weir_pool_alloc(pool_of(host), bytes);
}

static void pool_free(void *host, void *mem, size_t bytes)
{
	weir_pool_free(pool_of(host), mem, bytes);
}

static int pool_pages_alloc(void *host, size_t bytes, size_t align_bytes, void **out_va,
			    uint64_t *out_pa)
{
	return weir_pool_pages_alloc(pool_of(host), bytes, align_bytes, out_va, out_pa);
}

static void pool_pages_free(void *host, void *va, uint64_t pa, size_t bytes)
{
	(void)pa;
	weir_pool_pages_free(pool_of(host), va, bytes);
}

static size_t pool_used(struct bed *bed)
{
	struct weir_pool_stats stats;

	weir_pool_stats_get(&bed->pool, &stats);
	return stats.used;
}

static unsigned long host_calls(struct bed *bed)
{
	struct testhost_counts counts;

	testhost_counts_get(bed->host, &counts);
	return counts.calls;
}

static void bed_open(struct bed *bed, uint64_t seed)
{
	struct smmu3_config config;
	struct weir_host_ops *ops;
	void *va;

	memset(bed, 0, sizeof(*bed));
	smmu3_config_usual(&config);
	config.seed = seed;
	config.gbpa = 1u << 20;
	bed->hw = hwhost_create(RAM, seed);
	bed->hw->on_point_arg = bed;
	bed->hw->around_irq = testhost_interrupt;
	assert_true(hwram_alloc(bed->hw->ram, POOL, 4096, &va, &bed->region_pa));
	assert_int_equal(weir_pool_init(&bed->pool, &(struct weir_pool_config){
		.mem = va, .bytes = POOL, .pa = bed->region_pa }), 0);
	assert_true(hwram_alloc(bed->hw->ram, DATA, 4096, &va, &bed->data_pa));
	ops = &bed->hw->ops;
	ops->alloc = ops->alloc_atomic = pool_alloc;
	ops->free = pool_free;
	ops->pages_alloc = ops->pages_alloc_atomic = pool_pages_alloc;
	ops->pages_free = pool_pages_free;
	bed->model = hwhost_smmu(bed->hw, ONE_DRIVER_SMMU, &config, 74);
	smmu3_master(bed->model, ONE_DRIVER_NIC, 1);
	smmu3_master(bed->model, ONE_DRIVER_CODEC, 2);
	bed->host = testhost_create(ops, bed->hw);
}

static void bed_close(struct bed *bed)
{
	testhost_check(bed->host);
	if (smmu3_findings(bed->model, SMMU3_FINDINGS))
		fail_msg("%s", smmu3_first_finding(bed->model));
	assert_int_equal(pool_used(bed), 0);
	bed->host = testhost_destroy(bed->host);
	assert_true(hwram_free(bed->hw->ram, bed->data_pa, DATA));
	assert_true(hwram_free(bed->hw->ram, bed->region_pa, POOL));
	hwhost_destroy(bed->hw);
}

/* 64 bytes that a master writes at @iova are at @pa. */
static bool lands(struct bed *bed, uint32_t stream, uint64_t iova, uint64_t pa)
{
	uint8_t sent[64], found[64];

	for (unsigned int i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)((iova >> 12) + stream + i);
	if (smmu3_dma(bed->model, stream, iova, sent, sizeof(sent), SMMU3_WRITE | SMMU3_QUIET) !=
	    SMMU3_LANDED)
		return false;
	assert_true(hwram_read(bed->hw->ram, true, pa, found, sizeof(found)));
	return !memcmp(sent, found, sizeof(sent));
}

static void use_nic(struct bed *bed)
{
	uint64_t iova;

	assert_int_equal(weir_dma_map_phys(bed->s.nic, bed->data_pa, 0x3000, WEIR_DMA_FROM_DEVICE,
					   &iova), 0);
	hwram_allow(bed->hw->ram, bed->data_pa, 0x3000, 1, 1);
	assert_true(lands(bed, ONE_DRIVER_NIC, iova + 0x2000, bed->data_pa + 0x2000));
	assert_false(lands(bed, ONE_DRIVER_CODEC, iova, bed->data_pa));
	assert_int_equal(weir_dma_unmap(bed->s.nic, iova, 0x3000, WEIR_DMA_FROM_DEVICE), 0);
	hwram_allow(bed->hw->ram, bed->data_pa, 0x3000, 0, 0);
	assert_false(lands(bed, ONE_DRIVER_NIC, iova, bed->data_pa));
}

/* Maps, unmaps, has the group leave the domain and come back. */
static void use_codec(struct bed *bed, unsigned int rounds)
{
	struct weir_domain *blocked;
	struct weir_group *group;

	assert_int_equal(weir_domain_create(bed->s.m, WEIR_DOMAIN_BLOCKED, &blocked), 0);
	assert_int_equal(weir_group_of(bed->s.codec, &group), 0);
	for (unsigned int i = 0; i < rounds; i++) {
		uint64_t at = (uint64_t)(i * 37 % 1000) * 4096, bytes = (1 + i % 24) * 4096;
		const uint64_t iova = ONE_DRIVER_IOVA + at, pa = bed->data_pa + at;

		hwram_allow(bed->hw->ram, pa, bytes, 2, 2);
		assert_int_equal(weir_domain_map(bed->s.domain, iova, pa, bytes,
						 WEIR_MAP_READ | WEIR_MAP_WRITE), 0);
		assert_true(lands(bed, ONE_DRIVER_CODEC, iova + bytes - 64, pa + bytes - 64));
		if (i % 8 == 7) {
			assert_int_equal(weir_group_attach(group, blocked), 0);
			assert_false(lands(bed, ONE_DRIVER_CODEC, iova, pa));
			assert_int_equal(weir_group_attach(group, bed->s.domain), 0);
			assert_true(lands(bed, ONE_DRIVER_CODEC, iova, pa));
		}
		assert_int_equal(weir_domain_unmap(bed->s.domain, iova, bytes), 0);
		hwram_allow(bed->hw->ram, pa, bytes, 0, 0);
		assert_false(lands(bed, ONE_DRIVER_CODEC, iova, pa));
	}
	weir_domain_unref(blocked);
}

static void test_board_one_driver(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 2; seed++) {
		unsigned long calls;
		struct bed bed;
		size_t used;

		bed_open(&bed, seed);
		assert_int_equal(one_driver_start(&bed.s, testhost_ops(bed.host), bed.host), 0);
		use_nic(&bed);
		use_codec(&bed, 8); /* what the machine makes once, such as its blocked domain */
		calls = host_calls(&bed);
		used = pool_used(&bed);
		assert_true(used > 0);
		use_codec(&bed, 200);
		assert_int_equal(host_calls(&bed), calls);
		assert_int_equal(pool_used(&bed), used);
		use_nic(&bed);
		one_driver_stop(&bed.s);
		assert_false(lands(&bed, ONE_DRIVER_NIC, bed.data_pa, bed.data_pa));
		bed_close(&bed);
	}
}

/* Without DMA calls: the codec's domain as ever, and nothing for the nic. */
static void test_board_domains_alone(void **state)
{
	struct bed bed;
	uint64_t iova;

	(void)state;
	bed_open(&bed, 3);
	assert_int_equal(one_driver_start_domains(&bed.s, testhost_ops(bed.host), bed.host), 0);
	use_codec(&bed, 20);
	assert_int_equal(weir_dma_map_phys(bed.s.nic, bed.data_pa, 0x1000, WEIR_DMA_FROM_DEVICE, &iova),
			 WEIR_EOPNOTSUPP);
	assert_false(lands(&bed, ONE_DRIVER_NIC, bed.data_pa, bed.data_pa));
	one_driver_stop(&bed.s);
	bed_close(&bed);
}

/* No call of the host may fail and leave something. */
static void test_board_any_call_fails(void **state)
{
	unsigned long n = 0;

	(void)state;
	for (bool failed = true; failed;) {
		struct bed bed;
		int err;

		bed_open(&bed, 1);
		testhost_fail_at(bed.host, ++n);
		err = one_driver_start(&bed.s, testhost_ops(bed.host), bed.host);
		failed = testhost_fault_hit(bed.host);
		assert_true(failed || !err);
		if (!err)
			one_driver_stop(&bed.s);
		assert_false(lands(&bed, ONE_DRIVER_NIC, bed.data_pa, bed.data_pa) && !failed);
		bed_close(&bed);
	}
	assert_true(n > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_board_says),
		cmocka_unit_test(test_board_refused),
		cmocka_unit_test(test_board_one_driver),
		cmocka_unit_test(test_board_domains_alone),
		cmocka_unit_test(test_board_any_call_fails),
	};

	return cmocka_run_group_tests_name("board", tests, NULL, NULL);
}
