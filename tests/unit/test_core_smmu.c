// SPDX-License-Identifier: MIT
/*
 * Machines with some parts of the library, and examples/core-smmu on the hostile SMMUv3: the driver
 * model alone, whose gate puts devices behind tables of the program's before their drivers are
 * called.
 */
#include <string.h>

#include "cm.h"
#include "core_smmu.h"
#include "hw/host.h"
#include "testhost.h"

#define RAM  (8u << 20)
#define DATA (1u << 20)
#define IOVA UINT64_C(0x40000000)

struct bed {
	struct hwhost *hw;
	struct smmu3 *model;
	struct testhost *host;
	struct core_config config;
	struct core_window windows[2];
	struct core_smmu s;
	uint64_t pa;          /* the nic's memory; the disk's is behind it */
	unsigned int used;    /* drivers that used their device in their probe */
	int use_err;
};

/* What a stream writes at the address of its memory is there; it goes nowhere else. */
static bool lands(struct bed *bed, uint32_t stream)
{
	uint64_t pa = bed->pa + (stream == CORE_SMMU_NIC ? 0 : DATA) + 0x1000;
	uint8_t sent[64], found[64];

	for (unsigned int i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)(stream + i + bed->used);
	if (smmu3_dma(bed->model, stream, IOVA + 0x1000, sent, sizeof(sent),
		      SMMU3_WRITE | SMMU3_QUIET) != SMMU3_LANDED)
		return false;
	assert_true(hwram_read(bed->hw->ram, true, pa, found, sizeof(found)));
	return !memcmp(sent, found, sizeof(sent));
}

static bool disk_lands(struct bed *bed)
{
	bool first = lands(bed, CORE_SMMU_DISK);

	assert_int_equal(lands(bed, CORE_SMMU_DISK_ADMIN), first);
	return first;
}

/* A probe: its device is behind its tables already. */
static int use(void *arg, uint32_t stream)
{
	struct bed *bed = arg;

	bed->used += lands(bed, stream);
	return bed->use_err;
}

static void bed_open(struct bed *bed, uint64_t seed, enum weir_table_format stage, bool gbpa)
{
	struct smmu3_config config;
	void *va;

	memset(bed, 0, sizeof(*bed));
	smmu3_config_usual(&config);
	config.seed = seed;
	if (gbpa)
		config.gbpa = 1u << 20;
	bed->hw = hwhost_create(RAM, seed);
	bed->hw->around_irq = testhost_interrupt;
	assert_true(hwram_alloc(bed->hw->ram, 2 * DATA, 4096, &va, &bed->pa));
	bed->windows[0] = (struct core_window){ CORE_SMMU_NIC, IOVA, bed->pa, DATA,
						WEIR_MAP_READ | WEIR_MAP_WRITE };
	bed->windows[1] = (struct core_window){ CORE_SMMU_DISK, IOVA, bed->pa + DATA, DATA,
						WEIR_MAP_READ | WEIR_MAP_WRITE };
	bed->config = (struct core_config){ bed->windows, 2, stage, use, bed };
	bed->model = hwhost_smmu(bed->hw, CORE_SMMU, &config, 74);
	smmu3_master(bed->model, CORE_SMMU_NIC, 1);
	smmu3_master(bed->model, CORE_SMMU_DISK, 2);
	smmu3_master(bed->model, CORE_SMMU_DISK_ADMIN, 2);
	hwram_allow(bed->hw->ram, bed->pa, DATA, 1, 1);
	hwram_allow(bed->hw->ram, bed->pa + DATA, DATA, 2, 2);
	bed->host = testhost_create(&bed->hw->ops, bed->hw);
}

static void bed_close(struct bed *bed)
{
	testhost_check(bed->host);
	if (smmu3_findings(bed->model, SMMU3_FINDINGS))
		fail_msg("%s", smmu3_first_finding(bed->model));
	bed->host = testhost_destroy(bed->host);
	assert_true(hwram_free(bed->hw->ram, bed->pa, 2 * DATA));
	hwhost_destroy(bed->hw);
}

static void start(struct bed *bed)
{
	assert_int_equal(core_smmu_start(&bed->s, testhost_ops(bed->host), bed->host, &bed->config), 0);
}

static void load(struct bed *bed, enum core_driver which)
{
	assert_int_equal(core_smmu_load(&bed->s, which), 0);
}

static void unload(struct bed *bed, enum core_driver which)
{
	assert_int_equal(core_smmu_unload(&bed->s, which), 0);
}

static bool all_up(const struct bed *bed)
{
	return bed->s.up[CORE_CLOCK_DRIVER] && bed->s.up[CORE_SMMU_DRIVER] &&
	       bed->s.up[CORE_NIC_DRIVER] && bed->s.up[CORE_DISK_DRIVER];
}

/* In every order of their drivers: nobody is called before what it needs, and then it reaches its memory. */
static void test_core_smmu_orders(void **state)
{
	static const enum core_driver orders[][CORE_DRIVERS] = {
		{ CORE_NIC_DRIVER, CORE_DISK_DRIVER, CORE_SMMU_DRIVER, CORE_CLOCK_DRIVER },
		{ CORE_CLOCK_DRIVER, CORE_SMMU_DRIVER, CORE_DISK_DRIVER, CORE_NIC_DRIVER },
		{ CORE_DISK_DRIVER, CORE_SMMU_DRIVER, CORE_CLOCK_DRIVER, CORE_NIC_DRIVER },
	};

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		enum weir_table_format stage = i & 1 ? WEIR_TABLE_ARM_S2 : WEIR_TABLE_ARM_S1;
		struct bed bed;

		bed_open(&bed, i + 1, stage, true);
		start(&bed);
		for (unsigned int j = 0; j < CORE_DRIVERS; j++) {
			assert_false(all_up(&bed));
			load(&bed, orders[i / 2][j]);
			assert_int_equal(lands(&bed, CORE_SMMU_NIC), bed.s.up[CORE_NIC_DRIVER]);
			assert_int_equal(disk_lands(&bed), bed.s.up[CORE_DISK_DRIVER]);
		}
		assert_true(all_up(&bed));
		assert_int_equal(bed.used, 2);
		core_smmu_stop(&bed.s);
		assert_false(lands(&bed, CORE_SMMU_NIC) || disk_lands(&bed));
		bed_close(&bed);
	}
}

/* Who needs the SMMU goes before it, reaches nothing, and is back with it; also where it cannot abort by itself. */
static void test_core_smmu_unload_load(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		struct bed bed;

		bed_open(&bed, i + 1, i & 1 ? WEIR_TABLE_ARM_S2 : WEIR_TABLE_ARM_S1, i & 2);
		start(&bed);
		for (unsigned int d = 0; d < CORE_DRIVERS; d++)
			load(&bed, d);
		assert_true(all_up(&bed));
		for (unsigned int round = 1; round <= 3; round++) {
			unload(&bed, CORE_SMMU_DRIVER);
			assert_false(bed.s.up[CORE_SMMU_DRIVER] || bed.s.up[CORE_NIC_DRIVER] ||
				     bed.s.up[CORE_DISK_DRIVER]);
			assert_false(lands(&bed, CORE_SMMU_NIC) || disk_lands(&bed));
			load(&bed, CORE_SMMU_DRIVER);
			assert_true(all_up(&bed));
			assert_int_equal(bed.used, 2 + 2 * round);
			assert_true(lands(&bed, CORE_SMMU_NIC) && disk_lands(&bed));
		}
		unload(&bed, CORE_NIC_DRIVER); /* alone */
		assert_true(!lands(&bed, CORE_SMMU_NIC) && disk_lands(&bed));
		unload(&bed, CORE_CLOCK_DRIVER); /* all that needs it */
		assert_false(bed.s.up[CORE_SMMU_DRIVER] || disk_lands(&bed));
		load(&bed, CORE_CLOCK_DRIVER);
		load(&bed, CORE_NIC_DRIVER);
		assert_true(all_up(&bed) && lands(&bed, CORE_SMMU_NIC) && disk_lands(&bed));
		core_smmu_stop(&bed.s);
		if (!(i & 2)) /* its stream table went with the machine: then its power goes */
			smmu3_power(bed.model, false);
		bed_close(&bed);
	}
}

/* Power is gone with all that the SMMU knew. */
static void test_core_smmu_sleeps(void **state)
{
	struct bed bed;

	(void)state;
	bed_open(&bed, 3, WEIR_TABLE_ARM_S1, true);
	start(&bed);
	for (unsigned int d = 0; d < CORE_DRIVERS; d++)
		load(&bed, d);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(weir_pm_suspend(bed.s.m), 0);
		assert_false(lands(&bed, CORE_SMMU_NIC));
		smmu3_power(bed.model, false);
		smmu3_power(bed.model, true);
		assert_int_equal(weir_pm_resume(bed.s.m), 0);
		assert_true(lands(&bed, CORE_SMMU_NIC) && disk_lands(&bed));
	}
	core_smmu_stop(&bed.s);
	bed_close(&bed);
}

/* A driver does not take its device, which it used: the gate is closed again, and open for the next try. */
static void test_core_smmu_refused(void **state)
{
	struct weir_device *nic;
	struct weir_fwnode *node;
	struct bed bed;

	(void)state;
	bed_open(&bed, 4, WEIR_TABLE_ARM_S1, true);
	start(&bed);
	load(&bed, CORE_CLOCK_DRIVER);
	load(&bed, CORE_SMMU_DRIVER);
	bed.use_err = WEIR_EIO;
	load(&bed, CORE_NIC_DRIVER);
	assert_int_equal(bed.used, 1);
	assert_false(lands(&bed, CORE_SMMU_NIC));
	assert_int_equal(weir_fwnode_find(bed.s.m, "/nic", &node), 0);
	nic = weir_fwnode_device(node);
	assert_int_equal(weir_device_verdict(nic, NULL), WEIR_VERDICT_FAILED);
	bed.use_err = 0;
	assert_int_equal(weir_driver_bind(nic), 0);
	assert_int_equal(weir_settle(bed.s.m), 0);
	assert_int_equal(bed.used, 2);
	assert_true(lands(&bed, CORE_SMMU_NIC));
	core_smmu_stop(&bed.s);
	bed_close(&bed);
}

/* Why it waits, and what it may not ask for. */
static void test_core_smmu_has_no_more(void **state)
{
	struct weir_dma_options options;
	struct weir_domain *domain;
	struct weir_fwnode *node;
	struct weir_group *group;
	struct weir_why why;
	struct bed bed;
	uint64_t iova;

	(void)state;
	bed_open(&bed, 5, WEIR_TABLE_ARM_S1, true);
	start(&bed);
	load(&bed, CORE_NIC_DRIVER);
	load(&bed, CORE_CLOCK_DRIVER);
	assert_int_equal(weir_fwnode_find(bed.s.m, "/nic", &node), 0);
	weir_device_root_cause(weir_fwnode_device(node), &why);
	assert_string_equal(weir_device_name(why.device), "smmu");
	assert_int_equal(why.verdict, WEIR_VERDICT_UNKNOWN_DRIVER);
	load(&bed, CORE_SMMU_DRIVER);
	assert_true(bed.s.up[CORE_NIC_DRIVER]);
	assert_int_equal(weir_dma_map_phys(weir_fwnode_device(node), bed.pa, 4096, WEIR_DMA_FROM_DEVICE,
					   &iova), WEIR_EOPNOTSUPP);
	assert_int_equal(weir_dma_mask_set(weir_fwnode_device(node), WEIR_DMA_MASK(32)), WEIR_EOPNOTSUPP);
	weir_dma_options_get(bed.s.m, &options);
	assert_int_equal(weir_dma_options_set(bed.s.m, &options), WEIR_EOPNOTSUPP);
	assert_int_equal(weir_dma_bounce_reserve(bed.s.m), WEIR_EOPNOTSUPP);
	assert_int_equal(weir_domain_create(bed.s.m, WEIR_DOMAIN_UNMANAGED, &domain), WEIR_EOPNOTSUPP);
	assert_int_equal(weir_domain_create(bed.s.m, WEIR_DOMAIN_BLOCKED, &domain), WEIR_EOPNOTSUPP);
	assert_true(weir_group_of(weir_fwnode_device(node), &group) < 0);
	assert_true(weir_device_group(weir_fwnode_device(node)) < 0);
	assert_int_equal(weir_msi_doorbell_add(bed.s.m, 0x8020000), 0);
	assert_int_equal(weir_iommu_register(weir_fwnode_device(node), NULL, NULL), WEIR_EOPNOTSUPP);
	core_smmu_stop(&bed.s);
	bed_close(&bed);
}

/* No call of the host may fail and leave something, or let something through. */
static void test_core_smmu_any_call_fails(void **state)
{
	unsigned long n = 0;

	(void)state;
	for (bool failed = true; failed;) {
		struct bed bed;
		int err;

		bed_open(&bed, 1, WEIR_TABLE_ARM_S1, true);
		testhost_fail_at(bed.host, ++n);
		err = core_smmu_start(&bed.s, testhost_ops(bed.host), bed.host, &bed.config);
		for (unsigned int d = 0; d < CORE_DRIVERS && !err; d++)
			err = core_smmu_load(&bed.s, d);
		failed = testhost_fault_hit(bed.host);
		assert_true(failed || (!err && all_up(&bed)));
		if (bed.s.m) {
			assert_int_equal(lands(&bed, CORE_SMMU_NIC), bed.s.up[CORE_NIC_DRIVER]);
			assert_int_equal(disk_lands(&bed), bed.s.up[CORE_DISK_DRIVER]);
			core_smmu_stop(&bed.s);
		}
		bed_close(&bed);
	}
	assert_true(n > 50);
}

/* Which tables are taken. */
static void test_core_smmu_parts_refused(void **state)
{
	static const struct weir_gate no_calls = { .abi = WEIR_ABI(struct weir_gate) };
	const struct weir_parts bad[] = {
		{ .iommu = &weir_part_iommu },
		{ .abi = WEIR_ABI(struct weir_parts), .dma = &weir_part_dma },
		{ .abi = WEIR_ABI(struct weir_parts), .gate = &no_calls },
	};
	struct testhost *t = testhost_create(NULL, NULL);
	struct weir_machine *m;

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(weir_machine_create_parts(testhost_ops(t), t, &bad[i], &m), WEIR_EINVAL);
	testhost_destroy(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_core_smmu_orders),
		cmocka_unit_test(test_core_smmu_unload_load),
		cmocka_unit_test(test_core_smmu_sleeps),
		cmocka_unit_test(test_core_smmu_refused),
		cmocka_unit_test(test_core_smmu_has_no_more),
		cmocka_unit_test(test_core_smmu_any_call_fails),
		cmocka_unit_test(test_core_smmu_parts_refused),
	};

	return cmocka_run_group_tests_name("core_smmu", tests, NULL, NULL);
}
