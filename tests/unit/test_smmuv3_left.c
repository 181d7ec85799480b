// SPDX-License-Identifier: MIT
/*
 * What firmware left running, on the hostile SMMUv3: a display reads its memory continuously, at any
 * point of time, while the driver is loaded, unloaded and loaded again, by no driver, by one that
 * defers, by its own. Not one of its accesses is lost; a rogue beside it, and the display outside of its
 * memory, reach nothing.
 */
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cm.h"
#include "hw/host.h"
#include "testhost.h"
#include "treebed.h"
#include "weir/arm_smmu_v3.h"
#include "weir/dma.h"
#include "weir/weir.h"

#define SEEDS 8u /* runs of each test; WEIR_SEEDS=N: so many */
#define BASE 0x2b400000u
#define LINE 74u
#define FB_AT (16ull << 20) /* in RAM, behind what is given out */
#define FB_BYTES 0x201000ull
#define OTHER_AT (20ull << 20)
#define RAM (24ull << 20)
#define DISPLAY 0x42u
#define ROGUE 0x43u   /* its neighbour in the stream table */
#define ROGUE2 0x1f00u

struct left {
	struct hwhost *hw;
	struct testhost *host;
	struct smmu3 *model;
	struct smmu3_config config;
	struct weir_machine *m;
	struct weir_module *module;
	struct weir_device *display;
	unsigned int scan;           /* the display's own DMA */
	struct weir_match match[2];
	struct weir_driver_ops ops;
	struct weir_driver client;
	int probe_err;
	uint64_t iova;               /* what its driver has mapped; 0: nothing */
	_Alignas(8) unsigned char blob[4096];
};

static uint64_t seeds(void)
{
	const char *given = getenv("WEIR_SEEDS");

	return given ? strtoull(given, NULL, 0) : SEEDS;
}

/* ---- the tree ---- */

static uint64_t fb(const struct left *l)
{
	return l->hw->ram->base + FB_AT;
}

static void master(struct left *l, const char *name, uint32_t sid, bool runs)
{
	tree_begin(l->blob, name, "t,master");
	tree_cells(l->blob, "iommus", (const uint32_t[]){ 1, sid }, 2);
	if (runs) {
		tree_cell(l->blob, "phandle", 2);
		tree_cell(l->blob, "memory-region", 3);
	}
	if (l->config.idr[0] & SMMU3_IDR0_COHACC)
		tree_cells(l->blob, "dma-coherent", NULL, 0);
	tree_end(l->blob);
}

static void make_tree(struct left *l)
{
	uint32_t high = (uint32_t)(fb(l) >> 32), low = (uint32_t)fb(l);

	assert_int_equal(fdt_create(l->blob, sizeof(l->blob)), 0);
	assert_int_equal(fdt_finish_reservemap(l->blob), 0);
	tree_begin(l->blob, "", NULL);
	tree_cell(l->blob, "#address-cells", 2);
	tree_cell(l->blob, "#size-cells", 1);
	tree_begin(l->blob, "reserved-memory", NULL);
	tree_cell(l->blob, "#address-cells", 2);
	tree_cell(l->blob, "#size-cells", 1);
	tree_cells(l->blob, "ranges", NULL, 0);
	tree_begin(l->blob, "fb", NULL);
	tree_cell(l->blob, "phandle", 3);
	tree_cells(l->blob, "reg", (const uint32_t[]){ high, low, FB_BYTES }, 3);
	tree_cells(l->blob, "iommu-addresses", (const uint32_t[]){ 2, high, low, FB_BYTES }, 4);
	tree_end(l->blob);
	tree_end(l->blob);
	tree_begin(l->blob, "iommu@2b400000", "arm,smmu-v3");
	tree_cells(l->blob, "reg", (const uint32_t[]){ 0, BASE, SMMU3_BYTES }, 3);
	tree_cell(l->blob, "#iommu-cells", 1);
	tree_cell(l->blob, "phandle", 1);
	if (l->config.idr[0] & SMMU3_IDR0_COHACC)
		tree_cells(l->blob, "dma-coherent", NULL, 0);
	tree_end(l->blob);
	master(l, "display", DISPLAY, true);
	master(l, "other", ROGUE, false);
	master(l, "third", ROGUE2, false);
	tree_end(l->blob);
	assert_int_equal(fdt_finish(l->blob), 0);
}

/* ---- the display's driver ---- */

static int client_probe(struct weir_device *dev)
{
	struct left *l = weir_device_driver(dev)->context;
	int err;

	if (strcmp(weir_device_name(dev), "display") != 0)
		return WEIR_ENODEV;
	if (l->probe_err)
		return l->probe_err;
	err = weir_dma_mask_set(dev, UINT64_MAX);
	return err ? err : weir_dma_map_phys(dev, l->hw->ram->base + OTHER_AT, 0x3000,
					     WEIR_DMA_TO_DEVICE, &l->iova);
}

static void client_remove(struct weir_device *dev)
{
	struct left *l = weir_device_driver(dev)->context;

	assert_int_equal(weir_dma_unmap(dev, l->iova, 0x3000, WEIR_DMA_TO_DEVICE), 0);
	l->iova = 0;
}

/* ---- the machine ---- */

static void check(struct left *l)
{
	testhost_check(l->host);
	if (smmu3_findings(l->model, SMMU3_FINDINGS))
		fail_msg("seed %llu: %s", (unsigned long long)l->config.seed,
			 smmu3_first_finding(l->model));
}

static bool reaches(struct left *l, uint32_t sid, uint64_t at)
{
	uint64_t pa = 0;

	return smmu3_translate(l->model, sid, at, SMMU3_READ, &pa) == SMMU3_LANDED;
}

/* It goes on for a while, with the display at each end of its memory in turn. */
static void go_on(struct left *l, bool shown)
{
	for (unsigned int i = 0; i < 20; i++) {
		if (shown)
			smmu3_rogue_aim(l->model, l->scan, fb(l) + (i & 1 ? FB_BYTES - 8 : i * 4096ull));
		hwhost_points(l->hw, 3);
	}
	check(l);
	assert_int_equal(reaches(l, DISPLAY, fb(l)), shown);
	assert_int_equal(reaches(l, DISPLAY, fb(l) + FB_BYTES - 8), shown);
	assert_false(reaches(l, DISPLAY, fb(l) - 8));
	assert_false(reaches(l, DISPLAY, fb(l) + FB_BYTES));
	assert_false(reaches(l, ROGUE, fb(l)));
	assert_false(reaches(l, ROGUE2, fb(l)));
	check(l);
}

static void prepare(struct left *l, uint64_t seed)
{
	memset(l, 0, sizeof(*l));
	smmu3_config_usual(&l->config);
	l->config.seed = seed;
	l->config.cfgi_ste_keeps_cds = seed & 1;
	l->config.no_abort = seed & 2;
}

static void client_register(struct left *l)
{
	l->match[0].key = "t,master";
	l->ops = (struct weir_driver_ops){
		.abi = WEIR_ABI(struct weir_driver_ops),
		.probe = client_probe, .remove = client_remove,
	};
	l->client = (struct weir_driver){ .name = "client", .bus = "platform", .match = l->match,
					  .ops = &l->ops, .context = l };
	assert_int_equal(weir_driver_register(l->m, &l->client), 0);
	assert_int_equal(weir_settle(l->m), 0);
}

/* The SMMU is off, and lets everything pass: nobody knows of it yet. */
static void open_machine(struct left *l)
{
	struct weir_bus *bus;

	l->hw = hwhost_create(RAM, l->config.seed);
	l->hw->around_irq = testhost_interrupt;
	l->model = hwhost_smmu(l->hw, BASE, &l->config, LINE);
	l->host = testhost_create(hwhost_ops(l->hw), l->hw);
	make_tree(l);
	smmu3_master(l->model, DISPLAY, 1);
	smmu3_master(l->model, ROGUE, 2);
	smmu3_master(l->model, ROGUE2, 4);
	hwram_allow(l->hw->ram, fb(l), FB_BYTES, 1, 0);
	l->scan = smmu3_rogue(l->model, DISPLAY, fb(l), SMMU3_READ | SMMU3_MUST);
	assert_int_equal(weir_machine_create(testhost_ops(l->host), l->host, &l->m), 0);
	assert_int_equal(weir_firmware_load_dt(l->m, l->blob, sizeof(l->blob)), 0);
	assert_int_equal(weir_firmware_buses(l->m), 0);
	assert_int_equal(weir_firmware_populate(l->m), 0);
	assert_int_equal(weir_bus_find(l->m, "platform", &bus), 0);
	assert_int_equal(weir_device_find(bus, "display", &l->display), 0);
}

static void load(struct left *l)
{
	assert_int_equal(weir_module_load(l->m, &weir_module_arm_smmu_v3, &l->module), 0);
	assert_int_equal(weir_settle(l->m), 0);
}

static void unload(struct left *l)
{
	assert_int_equal(weir_module_unload(l->module, WEIR_MODULE_FORCE), 0);
}

static void rogues(struct left *l)
{
	smmu3_rogue(l->model, ROGUE, fb(l), SMMU3_WRITE);
	smmu3_rogue(l->model, ROGUE2, fb(l), SMMU3_READ);
}

/* What still is translated is so until there is no power: then its memory goes. */
static void close_machine(struct left *l)
{
	unload(l);
	check(l);
	smmu3_rogues_stop(l->model);
	smmu3_power(l->model, false);
	weir_machine_destroy(l->m);
	check(l);
	l->host = testhost_destroy(l->host);
	l->hw = hwhost_destroy(l->hw);
}

/* ---- tests ---- */

static size_t page_bytes(struct left *l)
{
	struct testhost_counts counts;

	testhost_counts_get(l->host, &counts);
	return counts.page_bytes;
}

/* Load, unload and load again, without any driver for the display. */
static void nobody(struct left *l, unsigned int rounds)
{
	size_t bytes = 0;

	open_machine(l);
	hwhost_points(l->hw, 20);
	load(l);
	rogues(l);
	go_on(l, true);
	for (unsigned int i = 0; i < rounds; i++) {
		unload(l);
		go_on(l, true);
		load(l);
		go_on(l, true);
		if (!i)
			bytes = page_bytes(l);
		assert_int_equal(page_bytes(l), bytes);
	}
	close_machine(l);
}

static void test_smmuv3_left_across_unload(void **state)
{
	struct left l;

	(void)state;
	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		prepare(&l, seed);
		nobody(&l, 3);
	}
}

/* The instance alone is taken from its driver, which stays: what runs is kept all the same. */
static void test_smmuv3_left_across_unbind(void **state)
{
	struct weir_device *smmu;
	struct weir_bus *bus;
	char name[24];
	struct left l;

	(void)state;
	snprintf(name, sizeof(name), "%x.iommu", BASE);
	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		prepare(&l, seed);
		open_machine(&l);
		load(&l);
		rogues(&l);
		go_on(&l, true);
		assert_int_equal(weir_bus_find(l.m, "platform", &bus), 0);
		assert_int_equal(weir_device_find(bus, name, &smmu), 0);
		assert_int_equal(weir_driver_unbind(smmu), 0);
		assert_int_equal(weir_device_status_get(smmu), WEIR_DEVICE_NO_DRIVER);
		go_on(&l, true);
		unload(&l);
		load(&l);
		go_on(&l, true);
		close_machine(&l);
	}
}

static void test_smmuv3_left_many_rounds(void **state)
{
	struct left l;

	(void)state;
	prepare(&l, 1);
	nobody(&l, 50);
}

static void test_smmuv3_left_noncoherent(void **state)
{
	struct left l;

	(void)state;
	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		prepare(&l, seed);
		l.config.idr[0] &= ~SMMU3_IDR0_COHACC;
		l.config.masters_incoherent = true;
		nobody(&l, 2);
	}
}

/* Stage 2 alone, a linear table, without ranges of invalidations. */
static void test_smmuv3_left_features(void **state)
{
	struct left l;

	(void)state;
	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		prepare(&l, seed);
		l.config.idr[0] &= ~(seed & 1 ? SMMU3_IDR0_S1P : SMMU3_IDR0_S2P | SMMU3_IDR0_VMID16);
		if (seed & 4)
			l.config.idr[0] &= ~SMMU3_IDR0_ST2L;
		if (seed & 8)
			l.config.idr[3] = 0;
		nobody(&l, 2);
	}
}

/* Its driver defers, then carries it; then what was firmware's is over. */
static void test_smmuv3_left_until_its_driver_carries_it(void **state)
{
	struct left l;

	(void)state;
	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		prepare(&l, seed);
		l.probe_err = WEIR_EDEFER;
		open_machine(&l);
		client_register(&l);
		load(&l);
		rogues(&l);
		go_on(&l, true);
		unload(&l);
		go_on(&l, true);
		load(&l);
		go_on(&l, true);
		unload(&l);
		l.probe_err = 0;
		hwram_allow(l.hw->ram, l.hw->ram->base + OTHER_AT, 0x3000, 1, 0);
		load(&l);
		assert_int_equal(weir_device_status_get(l.display), WEIR_DEVICE_BOUND);
		assert_true(reaches(&l, DISPLAY, l.iova + 0x2000));
		go_on(&l, true);
		smmu3_rogue_stop(l.model, l.scan);
		unload(&l);
		hwram_allow(l.hw->ram, l.hw->ram->base + OTHER_AT, 0x3000, 0, 0);
		go_on(&l, false);
		weir_driver_unregister(l.m, &l.client);
		load(&l);
		go_on(&l, false);
		close_machine(&l);
	}
}

/* Nobody came, and nobody will. */
static void test_smmuv3_left_until_consumers_are_up(void **state)
{
	struct weir_device *smmu;
	struct weir_bus *bus;
	struct left l;

	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		prepare(&l, seed);
		open_machine(&l);
		load(&l);
		rogues(&l);
		unload(&l);
		load(&l);
		go_on(&l, true);
		smmu3_rogue_stop(l.model, l.scan);
		assert_int_equal(weir_bus_find(l.m, "platform", &bus), 0);
		assert_int_equal(weir_device_find(bus, "2b400000.iommu", &smmu), 0);
		weir_iommu_consumers_up(smmu);
		go_on(&l, false);
		unload(&l);
		go_on(&l, false);
		load(&l);
		go_on(&l, false);
		close_machine(&l);
	}
}

/* Its device goes while the driver is away: the next load blocks it. */
static void test_smmuv3_left_device_goes(void **state)
{
	struct left l;

	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		prepare(&l, seed);
		open_machine(&l);
		load(&l);
		rogues(&l);
		unload(&l);
		go_on(&l, true);
		smmu3_rogue_stop(l.model, l.scan);
		weir_device_del(l.display);
		load(&l);
		go_on(&l, false);
		close_machine(&l);
	}
}

/*
 * Each call of the host in an unload and the load after it fails once. What cannot be kept is
 * blocked, and the log says so; nothing is left, nothing else passes, and the next load works.
 */
static void test_smmuv3_left_every_call_fails(void **state)
{
	struct left l;
	bool hit = true;

	(void)state;
	for (uint64_t at = 1; hit; at++) {
		prepare(&l, at);
		open_machine(&l);
		load(&l);
		rogues(&l);
		smmu3_rogue_stop(l.model, l.scan);
		testhost_fail_at(l.host, at);
		unload(&l);
		if (!weir_module_load(l.m, &weir_module_arm_smmu_v3, &l.module)) {
			(void)weir_settle(l.m);
			hit = testhost_fault_hit(l.host);
			testhost_fail_at(l.host, 0);
			if (!hit)
				go_on(&l, true);
			unload(&l);
		} else {
			hit = testhost_fault_hit(l.host);
			testhost_fail_at(l.host, 0);
		}
		hwhost_points(l.hw, 20);
		check(&l);
		load(&l);
		go_on(&l, true);
		close_machine(&l);
	}
}

/* ---- firmware left the SMMU on, with half of a stream table ---- */

static void turned_on(struct left *l, uint64_t table_pa, uint32_t cfg)
{
	const struct weir_host_ops *ops = hwhost_ops(l->hw);
	uintptr_t at;

	assert_int_equal(ops->mmio_map(l->hw, BASE, SMMU3_BYTES, &at), 0);
	ops->mmio_write(l->hw, at + 0x80, 8, table_pa);
	ops->mmio_write(l->hw, at + 0x88, 4, cfg);
	ops->mmio_write(l->hw, at + 0x20, 4, 1);
	while (!ops->mmio_read(l->hw, at + 0x24, 4))
		hwhost_points(l->hw, 1);
	ops->mmio_unmap(l->hw, at, SMMU3_BYTES);
	smmu3_findings_take(l->model); /* what firmware did */
}

/* @refused: by name, and nothing is bound; otherwise what makes sense is taken over. */
static void half_built(uint64_t seed, bool no_abort, uint32_t cfg, const char *words, bool refused)
{
	uint64_t table_pa, *table;
	struct weir_device *smmu;
	struct weir_bus *bus;
	struct left l;
	void *va;

	prepare(&l, seed);
	l.config.no_abort = no_abort;
	open_machine(&l);
	smmu3_rogue_stop(l.model, l.scan);
	assert_true(hwram_alloc(l.hw->ram, 8192, 8192, &va, &table_pa));
	table = va;
	for (unsigned int i = 0; i < 1024; i++)
		table[i] = (i << 16 | 0x1000) | 7; /* no RAM there */
	turned_on(&l, table_pa, cfg);
	(void)hwhost_log_take(l.hw);
	assert_int_equal(weir_module_load(l.m, &weir_module_arm_smmu_v3, &l.module), 0);
	assert_int_equal(weir_settle(l.m), 0);
	assert_non_null(strstr(hwhost_log_take(l.hw), words));
	assert_int_equal(weir_bus_find(l.m, "platform", &bus), 0);
	assert_int_equal(weir_device_find(bus, "2b400000.iommu", &smmu), 0);
	assert_int_equal(weir_device_status_get(smmu) != WEIR_DEVICE_BOUND, refused);
	smmu3_findings_take(l.model);
	if (!refused) {
		rogues(&l);
		go_on(&l, true);
	}
	unload(&l);
	smmu3_rogues_stop(l.model);
	smmu3_power(l.model, false);
	weir_machine_destroy(l.m);
	l.host = testhost_destroy(l.host);
	assert_true(hwram_free(l.hw->ram, table_pa, 8192));
	l.hw = hwhost_destroy(l.hw);
}

static void test_smmuv3_left_half_built(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++)
		for (unsigned int no_abort = 0; no_abort < 2; no_abort++) {
			half_built(seed, no_abort, 1 << 16 | 6 << 6 | 16,
				   "2b400000.iommu: a part of the stream table in use makes no sense", false);
			/* no such format: through GBPA.ABORT where there is that */
			half_built(seed, no_abort, 2 << 16 | 6 << 6 | 16,
				   "2b400000.iommu: the stream table in use makes no sense", no_abort);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smmuv3_left_across_unload),
		cmocka_unit_test(test_smmuv3_left_across_unbind),
		cmocka_unit_test(test_smmuv3_left_many_rounds),
		cmocka_unit_test(test_smmuv3_left_noncoherent),
		cmocka_unit_test(test_smmuv3_left_features),
		cmocka_unit_test(test_smmuv3_left_until_its_driver_carries_it),
		cmocka_unit_test(test_smmuv3_left_until_consumers_are_up),
		cmocka_unit_test(test_smmuv3_left_device_goes),
		cmocka_unit_test(test_smmuv3_left_every_call_fails),
		cmocka_unit_test(test_smmuv3_left_half_built),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
