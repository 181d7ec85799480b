// SPDX-License-Identifier: MIT
/*
 * A display that firmware left running behind two hostile SMMUs of version 2 or 3, which come, go
 * and come again one by one, in either order. It reads its memory through both, at any point of
 * time. Not one of these accesses is lost; what is not its memory it reaches through none that is
 * in force; and a rogue beside it reaches nothing.
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

#define SEEDS 4u /* runs of each test; WEIR_SEEDS=N: so many */
#define BASE(i) (0x2b400000u + (i) * 0x1000000u)
#define LINE(i) (74u + (i) * 10u)
#define FB_AT (16ull << 20) /* in RAM, behind what is given out */
#define FB_BYTES 0x5000ull
#define OTHER_AT (20ull << 20)
#define RAM (24ull << 20)
#define ROGUE 0x43u

static const uint32_t display_sid[2] = { 0x42, 0x17 };

struct left {
	const struct smmu_kind *kind;
	uint64_t seed;
	unsigned int what[2];        /* of each SMMU */
	struct hwhost *hw;
	struct testhost *host;
	void *model[2];
	unsigned int scan[2];
	bool powered;                /* the SMMUs are in a power domain */
	unsigned int nr_sleeps;      /* of that */
	bool in_force[2];            /* it was, ever: then it lets nothing pass but what it carries */
	struct weir_machine *m;
	struct weir_module *module;
	struct weir_bus *bus;
	struct weir_device *display, *smmu[2]; /* NULL: it is not there */
	struct weir_fwnode *node[2];
	char name[2][32];
	struct weir_match match[2];
	struct weir_driver_ops ops;
	struct weir_driver client;
	uint64_t iova;               /* what its driver has mapped; 0: nothing */
	_Alignas(8) unsigned char blob[4096];
};

static uint64_t seeds(void)
{
	const char *given = getenv("WEIR_SEEDS");

	return given ? strtoull(given, NULL, 0) : SEEDS;
}

/* ---- the tree ---- */

static void begin(struct left *l, const char *name, const char *compatible)
{
	tree_begin(l->blob, name, compatible);
	if (compatible && !(l->what[0] & SMMU_NONCOHERENT))
		tree_cells(l->blob, "dma-coherent", NULL, 0);
}

static uint64_t fb(const struct left *l)
{
	return l->hw->ram->base + FB_AT;
}

static void smmu_node(struct left *l, unsigned int i)
{
	char name[32];

	snprintf(name, sizeof(name), "iommu@%x", BASE(i));
	begin(l, name, l->kind->compatible(l->seed, l->what[i]));
	tree_cells(l->blob, "reg", (const uint32_t[]){ 0, BASE(i), (uint32_t)l->kind->bytes(l->seed, l->what[i]) }, 3);
	if (l->kind->global_interrupts)
		tree_cell(l->blob, "#global-interrupts", 1);
	tree_cell(l->blob, "#iommu-cells", 1);
	tree_cell(l->blob, "phandle", 4 + i);
	if (l->powered)
		tree_cell(l->blob, "power-domains", 6);
	tree_end(l->blob);
}

/* phandles: 2 the display, 3 its memory, 4 and 5 the SMMUs, 6 their power domain */
static void make_tree(struct left *l)
{
	uint32_t high = (uint32_t)(fb(l) >> 32), low = (uint32_t)fb(l);

	assert_int_equal(fdt_create(l->blob, sizeof(l->blob)), 0);
	assert_int_equal(fdt_finish_reservemap(l->blob), 0);
	begin(l, "", NULL);
	tree_cell(l->blob, "#address-cells", 2);
	tree_cell(l->blob, "#size-cells", 1);
	begin(l, "reserved-memory", NULL);
	tree_cell(l->blob, "#address-cells", 2);
	tree_cell(l->blob, "#size-cells", 1);
	tree_cells(l->blob, "ranges", NULL, 0);
	begin(l, "fb", NULL);
	tree_cell(l->blob, "phandle", 3);
	tree_cells(l->blob, "reg", (const uint32_t[]){ high, low, FB_BYTES }, 3);
	tree_cells(l->blob, "iommu-addresses", (const uint32_t[]){ 2, high, low, FB_BYTES }, 4);
	tree_end(l->blob);
	tree_end(l->blob);
	smmu_node(l, 0);
	smmu_node(l, 1);
	if (l->powered) {
		begin(l, "domain", "t,domain");
		tree_cell(l->blob, "#power-domain-cells", 0);
		tree_cell(l->blob, "phandle", 6);
		tree_end(l->blob);
	}
	begin(l, "display", "t,display");
	tree_cell(l->blob, "phandle", 2);
	tree_cells(l->blob, "iommus", (const uint32_t[]){ 4, display_sid[0], 5, display_sid[1] }, 4);
	tree_cell(l->blob, "memory-region", 3);
	tree_end(l->blob);
	tree_end(l->blob);
	assert_int_equal(fdt_finish(l->blob), 0);
}

/* ---- the display's driver ---- */

static int client_probe(struct weir_device *dev)
{
	struct left *l = weir_device_driver(dev)->context;
	int err = weir_dma_mask_set(dev, UINT64_MAX);

	return err ? err : weir_dma_map_phys(dev, l->hw->ram->base + OTHER_AT, 0x3000,
					     WEIR_DMA_TO_DEVICE, &l->iova);
}

static void client_remove(struct weir_device *dev)
{
	struct left *l = weir_device_driver(dev)->context;

	assert_int_equal(weir_dma_unmap(dev, l->iova, 0x3000, WEIR_DMA_TO_DEVICE), 0);
	l->iova = 0;
}

static void client_register(struct left *l)
{
	l->match[0].key = "t,display";
	l->ops = (struct weir_driver_ops){
		.abi = WEIR_ABI(struct weir_driver_ops),
		.probe = client_probe, .remove = client_remove,
	};
	l->client = (struct weir_driver){ .name = "client", .bus = "platform", .match = l->match,
					  .ops = &l->ops, .context = l };
	assert_int_equal(weir_driver_register(l->m, &l->client), 0);
	assert_int_equal(weir_settle(l->m), 0);
}

/* ---- the machine ---- */

static void check(struct left *l)
{
	testhost_check(l->host);
	for (unsigned int i = 0; i < 2; i++)
		if (l->kind->findings(l->model[i]))
			fail_msg("%s, seed %llu, %u: %s", l->kind->name, (unsigned long long)l->seed, i,
				 l->kind->first_finding(l->model[i]));
}

static bool reaches(struct left *l, unsigned int i, uint32_t sid, uint64_t at)
{
	uint64_t pa = 0;

	return l->kind->reach(l->model[i], sid, at, &pa);
}

/* It goes on for a while, with the display at each end of its memory in turn. */
static void go_on(struct left *l)
{
	for (unsigned int k = 0; k < 20; k++) {
		for (unsigned int i = 0; i < 2; i++)
			l->kind->aim(l->model[i], l->scan[i],
				     fb(l) + (k & 1 ? FB_BYTES - 8 : (k & 3) * 4096ull));
		hwhost_points(l->hw, 3);
	}
	check(l);
	for (unsigned int i = 0; i < 2; i++) {
		assert_true(reaches(l, i, display_sid[i], fb(l)));
		assert_true(reaches(l, i, display_sid[i], fb(l) + FB_BYTES - 8));
		if (!l->in_force[i])
			continue;
		assert_false(reaches(l, i, display_sid[i], fb(l) - 8));
		assert_false(reaches(l, i, display_sid[i], fb(l) + FB_BYTES));
		assert_false(reaches(l, i, ROGUE, fb(l)));
	}
	check(l);
}

/* Its device comes, with the driver. */
static void plug(struct left *l, unsigned int i)
{
	assert_int_equal(weir_device_create(l->bus, l->name[i], NULL, l->node[i], &l->smmu[i]), 0);
	assert_int_equal(weir_device_add(l->smmu[i]), 0);
	weir_device_unref(l->smmu[i]);
	assert_int_equal(weir_settle(l->m), 0);
	assert_int_equal(weir_device_status_get(l->smmu[i]), WEIR_DEVICE_BOUND);
	if (!l->in_force[i])
		l->kind->rogue(l->model[i], ROGUE, fb(l), true);
	l->in_force[i] = true;
}

static void unplug(struct left *l, unsigned int i)
{
	weir_device_del(l->smmu[i]);
	l->smmu[i] = NULL;
	assert_int_equal(weir_settle(l->m), 0);
}

/* The SMMUs are off, and let everything pass; their devices come with plug(). */
static void open_two(struct left *l, const struct smmu_kind *kind, uint64_t seed,
		     unsigned int what0, unsigned int what1)
{
	bool powered = l->powered;

	memset(l, 0, sizeof(*l));
	l->powered = powered;
	l->kind = kind;
	l->seed = seed;
	l->what[0] = what0;
	l->what[1] = what1;
	l->hw = hwhost_create(RAM, seed);
	l->hw->around_irq = testhost_interrupt;
	l->host = testhost_create(hwhost_ops(l->hw), l->hw);
	hwram_allow(l->hw->ram, fb(l), FB_BYTES, 1, 0);
	for (unsigned int i = 0; i < 2; i++) {
		l->model[i] = kind->model(l->hw, BASE(i), LINE(i), seed, l->what[i]);
		kind->master(l->model[i], display_sid[i], 1);
		kind->master(l->model[i], ROGUE, 2);
		l->scan[i] = kind->scan(l->model[i], display_sid[i], fb(l));
	}
	make_tree(l);
	assert_int_equal(weir_machine_create(testhost_ops(l->host), l->host, &l->m), 0);
	assert_int_equal(weir_firmware_load_dt(l->m, l->blob, sizeof(l->blob)), 0);
	assert_int_equal(weir_firmware_buses(l->m), 0);
	assert_int_equal(weir_firmware_populate(l->m), 0);
	assert_int_equal(weir_bus_find(l->m, "platform", &l->bus), 0);
	assert_int_equal(weir_device_find(l->bus, "display", &l->display), 0);
	for (unsigned int i = 0; i < 2; i++) {
		snprintf(l->name[i], sizeof(l->name[i]), "%x.iommu", BASE(i));
		assert_int_equal(weir_device_find(l->bus, l->name[i], &l->smmu[i]), 0);
		l->node[i] = weir_device_fwnode(l->smmu[i]);
		unplug(l, i);
	}
	go_on(l);
}

static void load(struct left *l)
{
	assert_int_equal(weir_module_load(l->m, l->kind->module, &l->module), 0);
	assert_int_equal(weir_settle(l->m), 0);
}

static void unload(struct left *l)
{
	assert_int_equal(weir_module_unload(l->module, WEIR_MODULE_FORCE), 0);
	l->module = NULL;
}

static void open_machine(struct left *l, const struct smmu_kind *kind, uint64_t seed,
			 unsigned int what)
{
	open_two(l, kind, seed, what, what);
}

static void close_machine(struct left *l)
{
	if (l->module)
		unload(l);
	check(l);
	for (unsigned int i = 0; i < 2; i++) {
		l->kind->rogue_stop(l->model[i], l->scan[i]);
		l->kind->power(l->model[i], false);
	}
	weir_machine_destroy(l->m);
	l->host = testhost_destroy(l->host);
	l->hw = hwhost_destroy(l->hw);
}

/* ---- tests ---- */

static bool bound(const struct left *l)
{
	return weir_device_status_get(l->display) == WEIR_DEVICE_BOUND;
}

/* The first, the second, then its driver, which has more mapped; it goes on without a gap. */
static void come(const struct smmu_kind *kind, uint64_t seed, unsigned int what)
{
	unsigned int first = seed >> 1 & 1;
	struct left l = { 0 };

	open_machine(&l, kind, seed, what);
	load(&l);
	plug(&l, first);
	go_on(&l);
	if (seed & 4)
		client_register(&l);
	plug(&l, !first);
	go_on(&l);
	hwram_allow(l.hw->ram, l.hw->ram->base + OTHER_AT, 0x3000, 1, 0);
	if (!(seed & 4))
		client_register(&l);
	assert_true(bound(&l));
	go_on(&l);
	for (unsigned int i = 0; i < 2; i++)
		assert_true(reaches(&l, i, display_sid[i], l.iova + 0x2000));
	for (unsigned int i = 0; i < 2; i++)
		l.kind->rogue_stop(l.model[i], l.scan[i]);
	weir_driver_unregister(l.m, &l.client);
	close_machine(&l);
}

static void test_left_smmus_come(void **state)
{
	for (uint64_t seed = 1; seed <= 2 * seeds(); seed++) {
		come(*state, seed, 0);
		come(*state, seed, SMMU_NONCOHERENT);
	}
}

/* They go and come again, one by one or with their module. */
static void test_left_smmus_go_and_come(void **state)
{
	struct left l = { 0 };

	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		unsigned int first = seed & 1;

		open_machine(&l, *state, seed, seed & 2 ? SMMU_NONCOHERENT : 0);
		load(&l);
		plug(&l, first);
		for (unsigned int i = 0; i < 2; i++) {
			unplug(&l, first); /* the only one */
			go_on(&l);
			plug(&l, first);
			go_on(&l);
			unload(&l);
			go_on(&l);
			load(&l);
			go_on(&l);
		}
		plug(&l, !first);
		for (unsigned int i = 0; i < 4; i++) { /* one of two */
			unplug(&l, i & 1);
			go_on(&l);
			plug(&l, i & 1);
			go_on(&l);
		}
		unplug(&l, first);
		unload(&l);
		go_on(&l);
		load(&l);
		go_on(&l);
		unplug(&l, !first); /* what goes first comes last */
		plug(&l, !first);
		plug(&l, first);
		unload(&l);
		go_on(&l);
		load(&l);
		go_on(&l);
		close_machine(&l);
	}
}

/* The second does not come, and the display goes on at the first until nobody is waited for. */
static void test_left_smmus_nobody_comes(void **state)
{
	struct left l = { 0 };

	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		open_machine(&l, *state, seed, 0);
		load(&l);
		client_register(&l);
		plug(&l, 0);
		go_on(&l);
		assert_false(bound(&l));
		l.kind->rogue_stop(l.model[0], l.scan[0]);
		weir_iommu_consumers_up(l.smmu[0]);
		assert_false(reaches(&l, 0, display_sid[0], fb(&l)));
		assert_true(reaches(&l, 1, display_sid[1], fb(&l)));
		check(&l);
		l.kind->rogue_stop(l.model[1], l.scan[1]);
		weir_driver_unregister(l.m, &l.client);
		plug(&l, 1);
		assert_false(reaches(&l, 1, display_sid[1], fb(&l)));
		close_machine(&l);
	}
}

/*
 * The one that came first has more address bits than the other one: its tables are not for both. The
 * display goes on there, and is behind both with its driver, as when both had been there at once.
 */
static void test_left_smmus_second_needs_other_tables(void **state)
{
	struct left l = { 0 };

	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		open_two(&l, *state, seed, SMMU_OLD, 0);
		load(&l);
		plug(&l, 1);
		go_on(&l);
		l.kind->rogue_stop(l.model[0], l.scan[0]);
		plug(&l, 0);
		check(&l);
		assert_true(reaches(&l, 1, display_sid[1], fb(&l)));
		assert_false(reaches(&l, 0, display_sid[0], fb(&l)));
		l.kind->rogue_stop(l.model[1], l.scan[1]);
		hwram_allow(l.hw->ram, l.hw->ram->base + OTHER_AT, 0x3000, 1, 0);
		client_register(&l);
		assert_true(bound(&l));
		for (unsigned int i = 0; i < 2; i++)
			assert_true(reaches(&l, i, display_sid[i], l.iova + 0x2000));
		weir_driver_unregister(l.m, &l.client);
		close_machine(&l);
	}
}

static int domain_sleeps(struct weir_device *dev)
{
	struct left *l = weir_device_driver(dev)->context;

	l->nr_sleeps++;
	for (unsigned int i = 0; i < 2; i++)
		l->kind->power(l->model[i], false);
	return 0;
}

static int domain_probe(struct weir_device *dev)
{
	(void)dev;
	return 0;
}

/* The power domain of the SMMUs is on while they carry the display, also without their driver. */
static void test_left_smmus_power_domain(void **state)
{
	static const struct weir_match match[] = { { .key = "t,domain" }, { 0 } };
	static const struct weir_driver_ops ops = {
		.abi = WEIR_ABI(struct weir_driver_ops), .probe = domain_probe,
		.runtime_suspend = domain_sleeps,
	};
	struct weir_device *dev;
	struct left l = { .powered = true };
	const struct weir_driver domain = { .name = "domain", .bus = "platform", .match = match,
					    .ops = &ops, .context = &l };

	open_machine(&l, *state, 1, 0);
	assert_int_equal(weir_driver_register(l.m, &domain), 0);
	load(&l);
	plug(&l, 0);
	plug(&l, 1);
	assert_int_equal(weir_device_find(l.bus, "domain", &dev), 0);
	weir_pm_runtime_enable(dev);
	go_on(&l);
	for (unsigned int i = 0; i < 2; i++) {
		unload(&l);
		go_on(&l);
		load(&l);
		go_on(&l);
	}
	assert_int_equal(l.nr_sleeps, 0);
	for (unsigned int i = 0; i < 2; i++)
		l.kind->rogue_stop(l.model[i], l.scan[i]);
	weir_iommu_consumers_up(l.smmu[0]);
	weir_iommu_consumers_up(l.smmu[1]);
	unload(&l);
	assert_int_equal(l.nr_sleeps, 1);
	assert_int_equal(weir_driver_unregister(l.m, &domain), 0);
	close_machine(&l);
}

/* Its device goes while one of them is there, or while none is. */
static void test_left_smmus_device_goes(void **state)
{
	struct left l = { 0 };

	for (uint64_t seed = 1; seed <= seeds(); seed++) {
		open_machine(&l, *state, seed, 0);
		load(&l);
		plug(&l, seed & 1);
		go_on(&l);
		if (seed & 2)
			unload(&l);
		for (unsigned int i = 0; i < 2; i++)
			l.kind->rogue_stop(l.model[i], l.scan[i]);
		weir_device_del(l.display);
		if (seed & 2)
			load(&l);
		assert_false(reaches(&l, seed & 1, display_sid[seed & 1], fb(&l)));
		plug(&l, !(seed & 1));
		assert_false(reaches(&l, !(seed & 1), display_sid[!(seed & 1)], fb(&l)));
		close_machine(&l);
	}
}

/*
 * Each call of the host fails once, while the second one comes and goes. The display goes on at the
 * first, whatever fails; what cannot be kept at the second is blocked there, and goes on with the
 * next load.
 */
static void test_left_smmus_every_call_fails(void **state)
{
	struct left l = { 0 };
	bool hit = true;

	for (uint64_t at = 1; hit; at++) {
		open_machine(&l, *state, at, 0);
		load(&l);
		plug(&l, 0);
		l.kind->rogue_stop(l.model[1], l.scan[1]);
		testhost_fail_at(l.host, at);
		if (!weir_device_create(l.bus, l.name[1], NULL, l.node[1], &l.smmu[1])) {
			if (!weir_device_add(l.smmu[1])) {
				(void)weir_settle(l.m);
				hwhost_points(l.hw, 20);
				weir_device_del(l.smmu[1]);
			}
			weir_device_unref(l.smmu[1]);
		}
		hwhost_points(l.hw, 20);
		check(&l);
		hit = testhost_fault_hit(l.host);
		testhost_fail_at(l.host, 0);
		plug(&l, 1);
		go_on(&l);
		close_machine(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SMMU_BOTH(test_left_smmus_come),
		SMMU_BOTH(test_left_smmus_go_and_come),
		SMMU_BOTH(test_left_smmus_nobody_comes),
		{ "test_left_smmus_second_needs_other_tables", test_left_smmus_second_needs_other_tables, NULL,
		  NULL, (void *)(uintptr_t)&smmu_kind2 },
		SMMU_BOTH(test_left_smmus_power_domain),
		SMMU_BOTH(test_left_smmus_device_goes),
		SMMU_BOTH(test_left_smmus_every_call_fails),
	};

	return cmocka_run_group_tests_name("left_smmus", tests, NULL, NULL);
}
