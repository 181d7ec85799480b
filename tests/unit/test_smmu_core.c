// SPDX-License-Identifier: MIT
/*
 * The whole of it on both hostile SMMUs: a machine from a device tree, the driver as a module,
 * masters that map memory through the DMA calls, domains on tables, whole groups behind
 * external tables of both stages, sleep with loss of power, unloading by force; with rogue
 * masters from the load on, and a seed for each run.
 */
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smmukinds.h"
#include "testhost.h"
#include "treebed.h"
#include "weir/dma.h"
#include "weir/weir.h"

#define SEEDS 6u /* runs of each test; WEIR_SEEDS=N: so many */
#define STEPS 150u
#define BASE 0x2b400000u
#define LINE 74u
#define MASTERS 3u
#define SLOTS 6u
#define PLACE 0x600000ull
#define PLACES (8ull << 20)
#define HIGH 0xe000080000000ull /* of 52 bits */
#define RAM (PLACES + MASTERS * SLOTS * 2 * PLACE)

struct slot {
	uint64_t iova, pa, bytes; /* pa 0: not mapped */
	bool second;
};

struct core {
	struct hwhost *hw;
	struct testhost *host;
	const struct smmu_kind *kind;
	uint64_t seed;
	unsigned int what;                  /* SMMU_* */
	void *model;
	struct weir_machine *m;
	struct weir_module *module;
	struct weir_device *dev[MASTERS];   /* NULL: not bound */
	struct slot slots[MASTERS][SLOTS];
	struct weir_match match[2];
	struct weir_driver_ops ops;
	struct weir_driver client;
	bool lazy, declines;
	_Alignas(8) unsigned char blob[4096];
};

static uint64_t seeds(void)
{
	const char *given = getenv("WEIR_SEEDS");

	return given ? strtoull(given, NULL, 0) : SEEDS;
}

static uint32_t sid_of(unsigned int master)
{
	static const uint32_t ids[MASTERS] = { 0x4, 0x40, 0x1f00 };

	return ids[master];
}

/* ---- the tree ---- */

/* Of version 2: ids with a mask each, or one mask for all; one line stands for all interrupts. */
static void put_version2(struct core *c, uint32_t nr_cells)
{
	if (nr_cells == 1)
		tree_cells(c->blob, "stream-match-mask", (const uint32_t[]){ 0x3 }, 1);
	tree_cells(c->blob, "#global-interrupts", (const uint32_t[]){ 1 }, 1);
	tree_cells(c->blob, "interrupts", (const uint32_t[]){ LINE, LINE, LINE }, 3);
	tree_cells(c->blob, "interrupt-parent", (const uint32_t[]){ 2 }, 1);
}

static void make_tree(struct core *c)
{
	bool coherent = !(c->what & SMMU_NONCOHERENT), two = c->kind->global_interrupts;
	uint32_t nr_cells = two && !(c->seed & 2) ? 2 : 1;

	assert_int_equal(fdt_create(c->blob, sizeof(c->blob)), 0);
	assert_int_equal(fdt_finish_reservemap(c->blob), 0);
	tree_begin(c->blob, "", NULL);
	tree_cells(c->blob, "#address-cells", (const uint32_t[]){ 1 }, 1);
	tree_cells(c->blob, "#size-cells", (const uint32_t[]){ 1 }, 1);
	tree_begin(c->blob, "iommu@2b400000", c->kind->compatible(c->seed, c->what));
	tree_cells(c->blob, "reg", (const uint32_t[]){ BASE, (uint32_t)c->kind->bytes(c->seed, c->what) }, 2);
	tree_cells(c->blob, "#iommu-cells", (const uint32_t[]){ nr_cells }, 1);
	if (two)
		put_version2(c, nr_cells);
	tree_cells(c->blob, "phandle", (const uint32_t[]){ 1 }, 1);
	if (coherent)
		tree_cells(c->blob, "dma-coherent", NULL, 0);
	assert_int_equal(fdt_end_node(c->blob), 0);
	tree_begin(c->blob, "interrupt-controller", "t,intc");
	tree_cells(c->blob, "#interrupt-cells", (const uint32_t[]){ 1 }, 1);
	tree_cells(c->blob, "interrupt-controller", NULL, 0);
	tree_cells(c->blob, "phandle", (const uint32_t[]){ 2 }, 1);
	assert_int_equal(fdt_end_node(c->blob), 0);
	for (unsigned int i = 0; i < MASTERS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "m%u", i);
		tree_begin(c->blob, name, "t,master");
		tree_cells(c->blob, "iommus", (const uint32_t[]){ 1, sid_of(i), 0x3 }, 1 + nr_cells);
		if (coherent)
			tree_cells(c->blob, "dma-coherent", NULL, 0);
		assert_int_equal(fdt_end_node(c->blob), 0);
	}
	assert_int_equal(fdt_end_node(c->blob), 0);
	assert_int_equal(fdt_finish(c->blob), 0);
}

/* Its interrupt controller works without driver. */
static void load_tree(struct core *c)
{
	struct weir_fwnode *node;

	assert_int_equal(weir_firmware_load_dt(c->m, c->blob, sizeof(c->blob)), 0);
	assert_int_equal(weir_fwnode_find(c->m, "/interrupt-controller", &node), 0);
	weir_fwnode_set_initialized(node, true, true);
}

/* ---- the masters ---- */

static struct core *core_of(struct weir_device *dev)
{
	return weir_device_driver(dev)->context;
}

static unsigned int number_of(const struct weir_device *dev)
{
	const char *name = weir_device_name(dev);

	return (unsigned int)(name[strlen(name) - 1] - '0');
}

static uint64_t bytes_of(unsigned int slot)
{
	static const uint64_t bytes[SLOTS] = { 0x1000, 0x3000, 0x10000, 0x800, 0x11000, 0x400000 };

	return bytes[slot];
}

static void map(struct core *c, unsigned int master, unsigned int slot)
{
	struct slot *at = &c->slots[master][slot];

	at->second = !at->second;
	at->bytes = bytes_of(slot);
	at->pa = c->hw->ram->base + PLACES +
		 ((master * SLOTS + slot) * 2 + at->second) * PLACE;
	/* Many pages, not blocks: their tables go with them. */
	at->pa += slot == SLOTS - 1 ? 0x1000 : 0;
	hwram_allow(c->hw->ram, at->pa, at->bytes, (uint8_t)(1u << master),
		    (uint8_t)(1u << master));
	assert_int_equal(weir_dma_map_phys(c->dev[master], at->pa, at->bytes, WEIR_DMA_BIDIRECTIONAL,
					   &at->iova), 0);
}

static void unmap(struct core *c, unsigned int master, unsigned int slot)
{
	struct slot *at = &c->slots[master][slot];

	assert_int_equal(weir_dma_unmap(c->dev[master], at->iova, at->bytes,
					WEIR_DMA_BIDIRECTIONAL), 0);
	if (!c->lazy) /* otherwise it may be in reach for a while */
		hwram_allow(c->hw->ram, at->pa, at->bytes, 0, 0);
	at->pa = 0;
}

static int client_probe(struct weir_device *dev)
{
	struct core *c = core_of(dev);
	int err = c->declines ? WEIR_ENODEV : weir_dma_mask_set(dev, UINT64_MAX);

	if (!err)
		err = weir_dma_set_lazy(dev, c->lazy);
	if (err)
		return err;
	assert_true(weir_dma_is_translated(dev));
	c->dev[number_of(dev)] = dev;
	map(c, number_of(dev), 0);
	return 0;
}

static void client_remove(struct weir_device *dev)
{
	struct core *c = core_of(dev);
	unsigned int master = number_of(dev);

	for (unsigned int i = 0; i < SLOTS; i++)
		if (c->slots[master][i].pa)
			unmap(c, master, i);
	c->dev[master] = NULL;
}

/* ---- the machine ---- */

static void core_init(struct core *c, const struct smmu_kind *kind, uint64_t seed, unsigned int what)
{
	memset(c, 0, sizeof(*c));
	c->kind = kind;
	c->seed = seed;
	c->what = what | (what & SMMU_NO_ABORT ? 0 : SMMU_DEAF);
}

/* Without it what comes up lets everything pass until the driver has it. */
static bool starts_closed(const struct core *c)
{
	return c->kind->deep && c->what & SMMU_DEAF;
}

static void core_load(struct core *c)
{
	assert_int_equal(weir_module_load(c->m, c->kind->module, &c->module), 0);
	assert_int_equal(weir_settle(c->m), 0);
	for (unsigned int i = 0; i < MASTERS; i++)
		assert_non_null(c->dev[i]);
}

static void rogues(struct core *c)
{
	for (unsigned int i = 0; i < MASTERS; i++)
		c->kind->rogue(c->model, sid_of(i), 0x1000, i & 1);
}

static void core_open(struct core *c)
{
	struct weir_dma_options options;

	make_tree(c);
	c->hw = hwhost_create_at(c->what & SMMU_LONG && c->kind->deep ? HIGH : 0x80000000, RAM, c->seed);
	c->hw->around_irq = testhost_interrupt;
	c->model = c->kind->model(c->hw, BASE, LINE, c->seed, c->what);
	c->host = testhost_create(hwhost_ops(c->hw), c->hw);
	for (unsigned int i = 0; i < MASTERS; i++)
		c->kind->master(c->model, sid_of(i), (uint8_t)(1u << i));
	if (starts_closed(c))
		rogues(c);
	assert_int_equal(weir_machine_create(testhost_ops(c->host), c->host, &c->m), 0);
	load_tree(c);
	assert_int_equal(weir_firmware_buses(c->m), 0);
	weir_dma_options_get(c->m, &options);
	options.flush_ranges = 8;
	assert_int_equal(weir_dma_options_set(c->m, &options), 0);
	c->match[0].key = "t,master";
	c->ops = (struct weir_driver_ops){
		.abi = WEIR_ABI(struct weir_driver_ops),
		.probe = client_probe, .remove = client_remove,
	};
	c->client = (struct weir_driver){ .name = "client", .bus = "platform", .match = c->match,
					  .ops = &c->ops, .context = c };
	assert_int_equal(weir_driver_register(c->m, &c->client), 0);
	assert_int_equal(weir_firmware_populate(c->m), 0);
	core_load(c);
	if (!starts_closed(c))
		rogues(c);
}

static void core_check(struct core *c)
{
	testhost_check(c->host);
	if (c->kind->findings(c->model))
		fail_msg("%s, seed %llu: %s", c->kind->name, (unsigned long long)c->seed,
			 c->kind->first_finding(c->model));
}

static void core_close(struct core *c)
{
	assert_true(c->kind->syncs(c->model) > 10);
	assert_int_equal(weir_module_unload(c->module, WEIR_MODULE_FORCE), 0);
	hwhost_points(c->hw, 50);
	core_check(c);
	/* The stream table that blocks everything is the machine's: it goes with that. */
	if (c->kind->deep && c->what & SMMU_NO_ABORT)
		c->kind->power(c->model, false);
	weir_machine_destroy(c->m);
	hwhost_points(c->hw, 50);
	core_check(c);
	c->host = testhost_destroy(c->host);
	c->hw = hwhost_destroy(c->hw);
}

static bool reach(struct core *c, unsigned int master, uint64_t iova, uint64_t *out_pa)
{
	return c->kind->reach(c->model, sid_of(master), iova, out_pa);
}

static void verify(struct core *c)
{
	for (unsigned int m = 0; m < MASTERS; m++)
		for (unsigned int i = 0; i < SLOTS; i++) {
			const struct slot *at = &c->slots[m][i];
			uint64_t got = 0;

			if (!at->iova)
				continue;
			if (!reach(c, m, at->iova + at->bytes - 1, &got))
				got = 0;
			/* another slot may have got the address meanwhile */
			if (at->pa)
				assert_true(got == at->pa + at->bytes - 1);
		}
	core_check(c);
}

static void step(struct core *c, struct hwrng *rng)
{
	unsigned int m = hwrng_below(rng, MASTERS), i = hwrng_below(rng, SLOTS);

	if (c->slots[m][i].pa)
		unmap(c, m, i);
	else
		map(c, m, i);
	for (m = 0; m < MASTERS; m++) {
		const struct slot *at = &c->slots[m][hwrng_below(rng, SLOTS)];

		if (at->iova)
			c->kind->aim(c->model, m, at->iova + hwrng_below(rng, (uint32_t)at->bytes));
	}
	if (hwrng_chance(rng, 32)) {
		hwhost_points(c->hw, 5);
		assert_int_equal(weir_settle(c->m), 0);
	}
}

static void steps(struct core *c, struct hwrng *rng)
{
	for (unsigned int i = 0; i < STEPS; i++) {
		step(c, rng);
		verify(c);
	}
}

/* ---- tests ---- */

static void random_life(struct core *c)
{
	struct hwrng rng;

	hwrng_init(&rng, c->seed);
	core_open(c);
	steps(c, &rng);
	core_close(c);
}

static void test_smmu_core_dma(void **state)
{
	struct core c;

	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		core_init(&c, *state, seed, 0);
		random_life(&c);
	}
}

/* Invalidations wait, and come many at once: addresses and tables are not used again before. */
static void test_smmu_core_lazy(void **state)
{
	struct core c;

	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		core_init(&c, *state, seed, 0);
		c.lazy = true;
		random_life(&c);
	}
}

static void test_smmu_core_noncoherent(void **state)
{
	struct core c;

	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		core_init(&c, *state, seed, SMMU_NONCOHERENT);
		random_life(&c);
	}
}

/* Stage 2 alone, old ones, few context banks, memory of 52 bits, ids of 16 bits. */
static void test_smmu_core_features(void **state)
{
	static const unsigned int what[] = {
		SMMU_STAGE2 | SMMU_LONG, SMMU_OLD | SMMU_LONG, SMMU_FEW, SMMU_MORE, SMMU_STAGE2 | SMMU_FEW,
		SMMU_STAGE2 | SMMU_MORE,
	};
	struct core c;

	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		core_init(&c, *state, seed, what[seed % 6]);
		random_life(&c);
	}
}

/* Load, traffic, refused unload, forced unload, load, traffic: nothing lands in between. */
static void test_smmu_core_reload(void **state)
{
	struct hwrng rng;
	struct core c;

	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		core_init(&c, *state, seed, seed & 1 ? SMMU_NO_ABORT : 0);
		hwrng_init(&rng, seed);
		core_open(&c);
		for (unsigned int round = 0; round < 3; round++) {
			steps(&c, &rng);
			assert_int_equal(weir_module_unload(c.module, 0), WEIR_EBUSY);
			assert_int_equal(weir_module_unload(c.module, WEIR_MODULE_FORCE), 0);
			for (unsigned int i = 0; i < MASTERS; i++)
				assert_null(c.dev[i]);
			hwhost_points(c.hw, 30);
			core_check(&c);
			core_load(&c);
		}
		core_close(&c);
	}
}

/*
 * The machine sleeps, and the SMMU's power goes with everything it knew. Where what comes back lets
 * everything pass until the driver has it, masters sleep, too.
 */
static void sleep_once(struct core *c)
{
	assert_int_equal(weir_pm_suspend(c->m), 0);
	hwhost_points(c->hw, 30);
	for (unsigned int i = 0; i < MASTERS && !starts_closed(c); i++)
		c->kind->rogue_stop(c->model, i);
	c->kind->power(c->model, false);
	hwhost_points(c->hw, 10);
	c->kind->power(c->model, true);
	hwhost_points(c->hw, 10);
	assert_int_equal(weir_pm_resume(c->m), 0);
	if (!starts_closed(c))
		rogues(c);
	verify(c);
}

static void test_smmu_core_sleep(void **state)
{
	struct hwrng rng;
	struct core c;

	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		core_init(&c, *state, seed, 0);
		hwrng_init(&rng, seed);
		core_open(&c);
		for (unsigned int round = 0; round < 3; round++) {
			steps(&c, &rng);
			sleep_once(&c);
		}
		core_close(&c);
	}
}

/*
 * It does not confirm what it was asked to forget: it is in quarantine, said once by its name, and the
 * machine goes on. What was to be unmapped may be in reach; after a sleep, which resets it, it is not.
 */
static void test_smmu_core_quarantine(void **state)
{
	struct slot *at;
	struct hwrng rng;
	const char *log;
	uint64_t pa[2];
	struct core c;

	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		core_init(&c, *state, seed, 0);
		hwrng_init(&rng, seed);
		core_open(&c);
		at = &c.slots[0][0];
		(void)hwhost_log_take(c.hw);
		c.kind->stick(c.model, true);
		c.hw->look_ns = 10000000; /* it is waited for in vain, for seconds */
		assert_int_equal(weir_dma_unmap(c.dev[0], at->iova, at->bytes, WEIR_DMA_BIDIRECTIONAL),
				 WEIR_EIO);
		assert_int_equal(weir_settle(c.m), 0);
		log = hwhost_log_take(c.hw);
		if (!strstr(log, "2b400000.iommu: ") || !strstr(log, "in quarantine"))
			fail_msg("it says \"%s\"", log);
		assert_int_equal(weir_dma_unmap(c.dev[1], c.slots[1][0].iova, c.slots[1][0].bytes,
						WEIR_DMA_BIDIRECTIONAL), WEIR_EIO);
		assert_int_equal(weir_settle(c.m), 0);
		assert_null(strstr(hwhost_log_take(c.hw), "in quarantine"));
		assert_int_equal(weir_module_unload(c.module, 0), WEIR_EBUSY);
		c.kind->stick(c.model, false);
		c.hw->look_ns = 1000;
		for (unsigned int i = 0; i < 2; i++) {
			pa[i] = c.slots[i][0].pa;
			c.slots[i][0].pa = 0;
		}
		sleep_once(&c);
		for (unsigned int i = 0; i < 2; i++)
			hwram_allow(c.hw->ram, pa[i], c.slots[i][0].bytes, 0, 0);
		hwhost_points(c.hw, 30);
		steps(&c, &rng);
		core_close(&c);
	}
}

/* A guest's tables, of either stage, and back to the library's. */
static void external(struct core *c, enum weir_table_format format)
{
	const struct weir_table_config config = {
		.format = format, .kind = &weir_table_arm64,
		.granule_lg2 = 12, .iova_bits = 39, .pa_bits = 40, .coherent = true,
	};
	uint64_t pa = c->hw->ram->base + PLACES, got = 0;
	struct weir_table_gather gather = { .unlink = true };
	struct weir_domain *domain, *old;
	struct weir_group *group;
	struct weir_tables tables;
	struct weir_table *table;

	assert_int_equal(weir_table_create(testhost_ops(c->host), c->host, &config, &table), 0);
	weir_table_describe(table, &tables);
	tables.id = 3;
	assert_int_equal(weir_domain_create_external(c->m, &tables, &domain), 0);
	assert_int_equal(weir_group_of(c->dev[0], &group), 0);
	old = weir_group_domain(group);
	unmap(c, 0, 0);
	assert_int_equal(weir_group_attach(group, domain), 0);
	hwram_allow(c->hw->ram, pa, 0x10000, 1, 1);
	c->kind->aim(c->model, 0, 0x7f005000);
	assert_int_equal(weir_table_map(table, 0x7f000000, pa, 0x10000, WEIR_MAP_READ | WEIR_MAP_WRITE),
			 0);
	assert_true(reach(c, 0, 0x7f005008, &got));
	assert_true(got == pa + 0x5008);
	assert_int_equal(weir_table_unmap(table, 0x7f000000, 0x10000, &gather), 0);
	assert_int_equal(weir_domain_invalidate(domain, gather.what.iova, gather.what.bytes), 0);
	weir_table_release(table, &gather);
	hwram_allow(c->hw->ram, pa, 0x10000, 0, 0);
	hwhost_points(c->hw, 10);
	assert_false(reach(c, 0, 0x7f005008, &got));
	assert_int_equal(weir_group_attach(group, old), 0);
	weir_domain_unref(domain);
	weir_table_destroy(table);
	hwhost_points(c->hw, 10);
	map(c, 0, 0);
	verify(c);
}

/* A domain of the caller's own: what gets empty is unlinked, freed, and comes again. */
static void unmanaged(struct core *c, struct hwrng *rng)
{
	static const uint64_t iovas[] = { 0x200000, 0x40000000, 0x40200000, 0x7ffe00000000 };
	uint64_t pa = c->hw->ram->base + PLACES + 0x1000, got;
	struct weir_domain *domain, *old;
	struct weir_group *group;
	bool there[4] = { false };

	assert_int_equal(weir_domain_create(c->m, WEIR_DOMAIN_UNMANAGED, &domain), 0);
	assert_int_equal(weir_group_of(c->dev[0], &group), 0);
	old = weir_group_domain(group);
	unmap(c, 0, 0);
	assert_int_equal(weir_group_attach(group, domain), 0);
	for (unsigned int i = 0; i < 40; i++) {
		unsigned int at = hwrng_below(rng, 4);

		if (there[at]) {
			assert_int_equal(weir_domain_unmap(domain, iovas[at], 0x200000), 0);
			hwram_allow(c->hw->ram, pa + at * PLACE, 0x200000, 0, 0);
		} else {
			hwram_allow(c->hw->ram, pa + at * PLACE, 0x200000, 1, 1);
			assert_int_equal(weir_domain_map(domain, iovas[at], pa + at * PLACE, 0x200000,
							 WEIR_MAP_READ | WEIR_MAP_WRITE), 0);
		}
		there[at] = !there[at];
		c->kind->aim(c->model, 0, iovas[hwrng_below(rng, 4)] + 0x1ff000);
		for (at = 0; at < 4; at++)
			assert_int_equal(reach(c, 0, iovas[at] + 0x5000, &got), there[at]);
		core_check(c);
	}
	assert_int_equal(weir_group_attach(group, old), 0);
	weir_domain_unref(domain);
	hwram_allow(c->hw->ram, pa, 4 * PLACE, 0, 0);
	hwhost_points(c->hw, 10);
	map(c, 0, 0);
	verify(c);
}

static void test_smmu_core_unmanaged(void **state)
{
	struct hwrng rng;
	struct core c;

	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		core_init(&c, *state, seed,
			  (seed & 1 ? SMMU_PLAIN : 0) | (seed & 2 ? SMMU_NONCOHERENT : 0));
		hwrng_init(&rng, seed);
		core_open(&c);
		unmanaged(&c, &rng);
		core_close(&c);
	}
}

/* Once all is prepared and reserved, attaching, mapping and unmapping ask the host for no memory. */
static void test_smmu_core_prepared(void **state)
{
	const uint64_t iova = 0x40000000;
	struct testhost_counts before, after;
	struct weir_domain *domain, *old;
	struct weir_group *group;
	struct weir_device *dev;
	struct weir_bus *bus;
	uint64_t pa, got;
	struct core c;

	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		core_init(&c, *state, seed, 0);
		core_open(&c);
		assert_int_equal(weir_module_unload(c.module, WEIR_MODULE_FORCE), 0);
		c.declines = true;
		assert_int_equal(weir_module_load(c.m, c.kind->module, &c.module), 0);
		assert_int_equal(weir_settle(c.m), 0);
		assert_int_equal(weir_bus_find(c.m, "platform", &bus), 0);
		assert_int_equal(weir_device_find(bus, "m2", &dev), 0);
		assert_int_not_equal(weir_device_status_get(dev), WEIR_DEVICE_BOUND);
		assert_int_equal(weir_group_of(dev, &group), 0);
		old = weir_group_domain(group);
		assert_int_equal(weir_domain_create(c.m, WEIR_DOMAIN_UNMANAGED, &domain), 0);
		assert_int_equal(weir_domain_prepare(domain, group), 0);
		assert_int_equal(weir_domain_reserve(domain, iova, 0x10000), 0);
		pa = c.hw->ram->base + PLACES;
		hwram_allow(c.hw->ram, pa, 0x10000, 4, 4);
		testhost_counts_get(c.host, &before);
		assert_int_equal(weir_group_attach(group, domain), 0);
		assert_int_equal(weir_domain_map(domain, iova, pa, 0x10000,
						 WEIR_MAP_READ | WEIR_MAP_WRITE), 0);
		assert_true(reach(&c, 2, iova + 0x5008, &got));
		assert_true(got == pa + 0x5008);
		assert_int_equal(weir_domain_unmap(domain, iova, 0x10000), 0);
		assert_int_equal(weir_group_attach(group, old), 0);
		testhost_counts_get(c.host, &after);
		assert_int_equal(after.calls, before.calls);
		weir_domain_unprepare(domain);
		weir_domain_unref(domain);
		hwram_allow(c.hw->ram, pa, 0x10000, 0, 0);
		core_close(&c);
	}
}

static void test_smmu_core_external(void **state)
{
	struct core c;

	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		core_init(&c, *state, seed, 0);
		core_open(&c);
		for (unsigned int i = 0; i < 4; i++)
			external(&c, i & 1 ? WEIR_TABLE_ARM_S1 : WEIR_TABLE_ARM_S2);
		core_close(&c);
	}
}

/* A tree without dma-coherent, on a host that has no cache calls: refused, and it says why. */
static void test_smmu_core_no_cache_calls(void **state)
{
	struct weir_device *dev;
	struct weir_bus *bus;
	struct core c;

	core_init(&c, *state, 1, SMMU_NONCOHERENT);
	make_tree(&c);
	c.hw = hwhost_create(RAM, 1);
	c.hw->ops.cache_sync = NULL;
	c.model = c.kind->model(c.hw, BASE, LINE, c.seed, c.what);
	c.host = testhost_create(hwhost_ops(c.hw), c.hw);
	assert_int_equal(weir_machine_create(testhost_ops(c.host), c.host, &c.m), 0);
	load_tree(&c);
	assert_int_equal(weir_module_load(c.m, c.kind->module, &c.module), 0);
	assert_int_equal(weir_firmware_populate(c.m), 0);
	assert_int_equal(weir_settle(c.m), 0);
	assert_int_equal(weir_bus_find(c.m, "platform", &bus), 0);
	assert_int_equal(weir_device_find(bus, "2b400000.iommu", &dev), 0);
	assert_int_not_equal(weir_device_status_get(dev), WEIR_DEVICE_BOUND);
	assert_non_null(strstr(hwhost_log_take(c.hw),
			       "2b400000.iommu: it is not coherent, and the host has no cache_sync"));
	weir_machine_destroy(c.m);
	core_check(&c);
	testhost_destroy(c.host);
	hwhost_destroy(c.hw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SMMU_BOTH(test_smmu_core_dma),
		SMMU_BOTH(test_smmu_core_lazy),
		SMMU_BOTH(test_smmu_core_noncoherent),
		SMMU_BOTH(test_smmu_core_features),
		SMMU_BOTH(test_smmu_core_reload),
		SMMU_BOTH(test_smmu_core_sleep),
		SMMU_BOTH(test_smmu_core_quarantine),
		SMMU_BOTH(test_smmu_core_unmanaged),
		SMMU_BOTH(test_smmu_core_prepared),
		SMMU_BOTH(test_smmu_core_external),
		SMMU_BOTH(test_smmu_core_no_cache_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
