// SPDX-License-Identifier: MIT
/*
 * The driver for SMMUs of versions 1 and 2 on ACPI's IORT: each model by its number, its interrupts, whether
 * its walks are coherent, masters by id mappings, reserved memory; on the hostile model.
 */
#include <string.h>

#include "acpitable.h"
#include "cm.h"
#include "hw/host.h"
#include "hw/smmuv2.h"
#include "testhost.h"
#include "weir/arm_smmu.h"
#include "weir/dma.h"
#include "weir/weir.h"

#define BASE 0x12e00000u
#define LINE 64u
#define GSIV(line) ((line) + 32u)
#define RAM (8u << 20)
#define SID 0x40u
#define NAME "\\_SB.DMA0"

/* DEN0049E.f, the SMMUv1 and v2 node: Model */
enum { MODEL_V1, MODEL_V2, MODEL_400, MODEL_500, MODEL_401, MODEL_CAVIUM, MODEL_NONE };

struct world {
	struct smmu2_config config;
	uint32_t model, flags;     /* of the node */
	uint32_t global, contexts; /* GSIVs; 0: not wired */
	bool rmr;
	struct hwhost *hw;
	struct testhost *host;
	struct smmu2 *smmu;
	struct weir_machine *m;
	struct acpitable iort;
	struct weir_device *dev, *master;
	struct weir_match match[2];
	struct weir_driver_ops ops;
	struct weir_driver client;
	uint64_t pa, iova;
	bool bound;
};

/* ---- the table ---- */

static void make_iort(struct world *w)
{
	struct acpitable *t = &w->iort;
	uint32_t smmu, node;

	acpitable_begin(t, "IORT", 5);
	acpitable_put(t, 4, 0);
	acpitable_put(t, 4, 48);
	acpitable_put(t, 4, 0);
	smmu = iort_node_begin(t, 3, 3);
	acpitable_put(t, 8, BASE);
	acpitable_put(t, 8, smmu2_bytes(&w->config));
	acpitable_put(t, 4, w->model);
	acpitable_put(t, 4, w->flags);
	acpitable_put(t, 4, 60);
	acpitable_put(t, 4, 2);
	acpitable_put(t, 4, 76);
	acpitable_put(t, 4, 0);
	acpitable_put(t, 4, 0);
	acpitable_put(t, 8, w->global);
	acpitable_put(t, 8, 0);
	acpitable_put(t, 8, w->contexts);
	acpitable_put(t, 8, w->contexts);
	iort_node_end(t, smmu);
	node = iort_node_begin(t, 1, 4);
	acpitable_put(t, 4, 0);
	acpitable_put(t, 8, w->flags & 2 ? 1 : 0); /* cache coherent */
	acpitable_put(t, 1, 40);
	for (const char *c = NAME; *c; c++)
		acpitable_put(t, 1, (uint8_t)*c);
	acpitable_put(t, 2, 0);
	iort_maps_begin(t, node);
	iort_map(t, node, 0, 0, SID, smmu, 1);
	iort_map(t, node, 0, 0, SID + 1, smmu, 1);
	iort_node_end(t, node);
	if (w->rmr) {
		node = iort_node_begin(t, 6, 3);
		acpitable_put(t, 4, 0);
		acpitable_put(t, 4, 1);
		acpitable_put(t, 4, 28);
		acpitable_put(t, 8, w->pa);
		acpitable_put(t, 8, 0x1000);
		acpitable_put(t, 4, 0);
		iort_maps_begin(t, node);
		iort_map(t, node, 0, 0, SID, smmu, 0);
		iort_node_end(t, node);
	}
	acpitable_end(t);
}

/* ---- the master ---- */

static int client_probe(struct weir_device *dev)
{
	struct world *w = weir_device_driver(dev)->context;

	w->bound = true;
	if (weir_dma_mask_set(dev, UINT64_MAX) || !weir_dma_is_translated(dev))
		return WEIR_EIO;
	return weir_dma_map_phys(dev, w->pa, 4096, WEIR_DMA_BIDIRECTIONAL, &w->iova);
}

static void client_remove(struct weir_device *dev)
{
	struct world *w = weir_device_driver(dev)->context;

	assert_int_equal(weir_dma_unmap(dev, w->iova, 4096, WEIR_DMA_BIDIRECTIONAL), 0);
}

/* ---- the machine ---- */

static void init(struct world *w, uint32_t model)
{
	memset(w, 0, sizeof(*w));
	smmu2_config_usual(&w->config);
	w->config.seed = 7;
	w->config.mmu500 = model == MODEL_500;
	if (model == MODEL_V1 || model == MODEL_400 || model == MODEL_401) {
		w->config.version = 1;
		w->config.idr0 |= SMMU2_IDR0_IRPT(2);
		w->config.idr2 = SMMU2_IDR2(SMMU2_40, SMMU2_40, 0);
	}
	w->model = model;
	w->flags = 2;
	w->global = w->contexts = GSIV(LINE);
}

static void make_machine(struct world *w)
{
	const struct weir_acpi_table table = { w->iort.data, 0 };
	struct weir_acpi acpi = { .nr_tables = 1 };
	struct weir_acpi_table tables[1] = { table };

	w->hw = hwhost_create(RAM, w->config.seed);
	w->hw->around_irq = testhost_interrupt;
	w->smmu = smmu2_attach(w->hw, BASE, &w->config, LINE, true);
	w->host = testhost_create(hwhost_ops(w->hw), w->hw);
	smmu2_master(w->smmu, SID, 1);
	w->pa = w->hw->ram->base + (4 << 20);
	hwram_allow(w->hw->ram, w->pa, 4096, 1, 1);
	make_iort(w);
	tables[0].bytes = w->iort.bytes;
	acpi.tables = tables;
	assert_int_equal(weir_machine_create(testhost_ops(w->host), w->host, &w->m), 0);
	assert_int_equal(weir_firmware_load_acpi(w->m, &acpi), 0);
	assert_int_equal(weir_firmware_buses(w->m), 0);
}

static const char *match_key(const struct weir_device *dev, unsigned int index)
{
	(void)dev;
	return index ? NULL : "t,dma";
}

static const struct weir_bus_ops namespace_ops = {
	.abi = WEIR_ABI(struct weir_bus_ops), .match_key = match_key,
};

/* Who reads the namespace makes the master's device. */
static void make_master(struct world *w)
{
	struct weir_fwnode *node;
	struct weir_bus *bus;

	assert_int_equal(weir_bus_create(w->m, "namespace", &namespace_ops, &bus), 0);
	assert_int_equal(weir_fwnode_find(w->m, "/" NAME, &node), 0);
	assert_int_equal(weir_device_create(bus, "dma0", NULL, node, &w->master), 0);
	assert_int_equal(weir_device_add(w->master), 0);
	w->match[0].key = "t,dma";
	w->ops = (struct weir_driver_ops){
		.abi = WEIR_ABI(struct weir_driver_ops),
		.probe = client_probe, .remove = client_remove,
	};
	w->client = (struct weir_driver){ .name = "client", .bus = "namespace", .match = w->match,
					  .ops = &w->ops, .context = w };
	assert_int_equal(weir_driver_register(w->m, &w->client), 0);
}

static void open_world(struct world *w)
{
	struct weir_module *module;
	struct weir_bus *bus;

	make_machine(w);
	assert_int_equal(weir_firmware_populate(w->m), 0);
	make_master(w);
	assert_int_equal(weir_settle(w->m), 0);
	assert_false(w->bound);
	assert_int_equal(weir_module_load(w->m, &weir_module_arm_smmu, &module), 0);
	assert_int_equal(weir_settle(w->m), 0);
	assert_int_equal(weir_bus_find(w->m, "platform", &bus), 0);
	assert_int_equal(weir_device_find(bus, "12e00000.smmu", &w->dev), 0);
}

static void close_world(struct world *w)
{
	weir_device_unref(w->master);
	weir_machine_destroy(w->m);
	if (smmu2_findings(w->smmu, SMMU2_FINDINGS))
		fail_msg("model %u: %s", w->model, smmu2_first_finding(w->smmu));
	testhost_destroy(w->host);
	hwhost_destroy(w->hw);
}

static enum smmu2_outcome touch(struct world *w, uint64_t iova)
{
	uint64_t data = 1;

	return smmu2_dma(w->smmu, SID, iova, &data, 8, SMMU2_WRITE);
}

/* ---- tests ---- */

/* Every model that has a driver translates, and tells a fault by its interrupt. */
static void test_smmuv2_acpi_models(void **state)
{
	static const uint32_t models[] = { MODEL_V1, MODEL_V2, MODEL_400, MODEL_500, MODEL_401 };
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		init(&w, models[i]);
		open_world(&w);
		assert_true(w.bound);
		assert_int_equal(touch(&w, w.iova), SMMU2_LANDED);
		hwhost_log_take(w.hw);
		assert_int_equal(touch(&w, w.iova + 0x100000), SMMU2_ABORTED);
		for (unsigned int k = 0; k < 50; k++)
			hwhost_points(w.hw, 5);
		assert_int_equal(weir_settle(w.m), 0);
		assert_non_null(strstr(hwhost_log_take(w.hw), "dma0: DMA write"));
		close_world(&w);
	}
}

/* Those that need more than is known here wait for a driver of theirs; so do their masters. */
static void test_smmuv2_acpi_unknown_models(void **state)
{
	static const uint32_t models[] = { MODEL_CAVIUM, MODEL_NONE, 0xffffffff };
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		init(&w, models[i]);
		open_world(&w);
		assert_false(w.bound);
		assert_int_not_equal(weir_device_status_get(w.dev), WEIR_DEVICE_BOUND);
		close_world(&w);
	}
}

/* What is not wired is left out; without any the timer looks. */
static void test_smmuv2_acpi_interrupts(void **state)
{
	static const struct {
		uint32_t global, contexts;
	} wired[] = { { 0, GSIV(LINE) }, { GSIV(LINE), 0 }, { 0, 0 }, { 5, 5 } };
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof(wired) / sizeof(wired[0]); i++) {
		init(&w, MODEL_V2);
		w.global = wired[i].global;
		w.contexts = wired[i].contexts;
		open_world(&w);
		assert_true(w.bound);
		assert_int_equal(touch(&w, w.iova), SMMU2_LANDED);
		assert_int_equal(touch(&w, w.iova + 0x100000), SMMU2_ABORTED);
		hwhost_log_take(w.hw);
		for (unsigned int k = 0; k < 20; k++)
			hwhost_points(w.hw, 5);
		weir_arm_smmu_poll(w.dev);
		assert_int_equal(weir_settle(w.m), 0);
		close_world(&w);
	}
}

/* The flag of the node counts, not what the SMMU says of itself. */
static void test_smmuv2_acpi_coherency(void **state)
{
	struct world w;

	(void)state;
	init(&w, MODEL_V2);
	w.flags = 0;
	w.config.idr0 &= ~SMMU2_IDR0_CTTW;
	w.config.masters_incoherent = true;
	open_world(&w);
	assert_true(w.bound);
	assert_int_equal(weir_firmware_dma_coherent(weir_device_fwnode(w.dev)), 0);
	assert_int_equal(touch(&w, w.iova), SMMU2_LANDED);
	close_world(&w);
	init(&w, MODEL_V2);
	open_world(&w);
	assert_int_equal(weir_firmware_dma_coherent(weir_device_fwnode(w.dev)), 1);
	close_world(&w);
}

/* Memory that firmware keeps in use is reached from the load on, whatever the master's driver does. */
static void test_smmuv2_acpi_reserved(void **state)
{
	struct world w;

	(void)state;
	init(&w, MODEL_V2);
	w.rmr = true;
	open_world(&w);
	assert_true(w.bound);
	assert_int_equal(touch(&w, w.pa), SMMU2_LANDED);
	assert_int_equal(touch(&w, w.pa + 4096), SMMU2_ABORTED);
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smmuv2_acpi_models),
		cmocka_unit_test(test_smmuv2_acpi_unknown_models),
		cmocka_unit_test(test_smmuv2_acpi_interrupts),
		cmocka_unit_test(test_smmuv2_acpi_coherency),
		cmocka_unit_test(test_smmuv2_acpi_reserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
