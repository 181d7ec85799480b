// SPDX-License-Identifier: MIT
/*
 * Nested domains in the whole of it: a machine from a device tree, either SMMU's driver as a module on its
 * hostile model, groups behind a guest's stage 1 and the library's or the embedder's stage 2; what is
 * refused, who is told of faults, sleep with loss of power, unloading by force, calls of the host that
 * fail. Rogue masters fire at the guest's addresses from the start.
 */
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "smmukinds.h"
#include "testhost.h"
#include "weir/dma.h"
#include "weir/weir.h"

#define BASE 0x2b400000u
#define LINE 74u
#define RAM (8u << 20)
#define MASTERS 2u
#define IPA 0x40000000ull
#define VA 0x1234560000ull
#define ASID 5u
#define RW (WEIR_MAP_READ | WEIR_MAP_WRITE | WEIR_MAP_CACHED)

/* Pages of the guest: its descriptor, tables of levels 1 to 3, data. */
enum { CD, ROOT, SECOND, LAST, DATA, PAGES };

struct core {
	const struct smmu_kind *kind;
	unsigned int what;
	struct hwhost *hw;
	struct testhost *host;
	const struct weir_host_ops *ops;
	void *model;
	struct weir_machine *m;
	struct weir_module *module;
	struct weir_device *dev[MASTERS];
	struct weir_match match[2];
	struct weir_driver_ops client_ops;
	struct weir_driver client;
	uint64_t pa[PAGES];
	struct weir_domain *parent, *nested;
	struct weir_fault guest_fault, host_fault; /* the last that each was told of */
	_Alignas(8) unsigned char blob[2048];
};

static uint32_t sid_of(unsigned int master)
{
	return master ? 0x42 : 4;
}

/* ---- the machine ---- */

static void put(struct core *c, const char *name, uint32_t a, uint32_t b, unsigned int n)
{
	const fdt32_t be[2] = { cpu_to_fdt32(a), cpu_to_fdt32(b) };

	assert_int_equal(fdt_property(c->blob, name, be, (int)n * 4), 0);
}

static void make_tree(struct core *c)
{
	assert_int_equal(fdt_create(c->blob, sizeof(c->blob)), 0);
	assert_int_equal(fdt_finish_reservemap(c->blob), 0);
	assert_int_equal(fdt_begin_node(c->blob, ""), 0);
	put(c, "#address-cells", 1, 0, 1);
	put(c, "#size-cells", 1, 0, 1);
	assert_int_equal(fdt_begin_node(c->blob, "iommu@2b400000"), 0);
	assert_int_equal(fdt_property_string(c->blob, "compatible", c->kind->compatible(11, c->what)), 0);
	put(c, "reg", BASE, (uint32_t)c->kind->bytes(11, c->what), 2);
	put(c, "#iommu-cells", 1, 0, 1);
	put(c, "phandle", 1, 0, 1);
	put(c, "dma-coherent", 0, 0, 0);
	assert_int_equal(fdt_end_node(c->blob), 0);
	for (unsigned int i = 0; i < MASTERS; i++) {
		assert_int_equal(fdt_begin_node(c->blob, i ? "m1" : "m0"), 0);
		assert_int_equal(fdt_property_string(c->blob, "compatible", "t,master"), 0);
		put(c, "iommus", 1, sid_of(i), 2);
		put(c, "dma-coherent", 0, 0, 0);
		assert_int_equal(fdt_end_node(c->blob), 0);
	}
	assert_int_equal(fdt_end_node(c->blob), 0);
	assert_int_equal(fdt_finish(c->blob), 0);
}

static unsigned int number_of(const struct weir_device *dev)
{
	return weir_device_name(dev)[1] == '1';
}

static int client_probe(struct weir_device *dev)
{
	struct core *c = weir_device_driver(dev)->context;

	c->dev[number_of(dev)] = dev;
	return 0;
}

static void client_remove(struct weir_device *dev)
{
	struct core *c = weir_device_driver(dev)->context;

	c->dev[number_of(dev)] = NULL;
}

static int load(struct core *c)
{
	int err = weir_module_load(c->m, c->kind->module, &c->module);

	return err ? err : weir_settle(c->m);
}

/* Return: an error of the host's, when it is made to fail. */
static int bring_up(struct core *c)
{
	int err = weir_machine_create(c->ops, c->host, &c->m);

	if (err) {
		c->m = NULL;
		return err;
	}
	err = weir_firmware_load_dt(c->m, c->blob, sizeof(c->blob));
	if (!err)
		err = weir_firmware_buses(c->m);
	if (!err)
		err = weir_driver_register(c->m, &c->client);
	if (!err)
		err = weir_firmware_populate(c->m);
	return err ? err : load(c);
}

static void prepare(struct core *c, const struct smmu_kind *kind, unsigned int what)
{
	memset(c, 0, sizeof(*c));
	c->kind = kind;
	c->what = what | SMMU_DEAF;
	make_tree(c);
	c->match[0].key = "t,master";
	c->client_ops = (struct weir_driver_ops){
		.abi = WEIR_ABI(struct weir_driver_ops),
		.probe = client_probe, .remove = client_remove,
	};
	c->client = (struct weir_driver){ .name = "client", .bus = "platform", .match = c->match,
					  .ops = &c->client_ops, .context = c };
	c->hw = hwhost_create(RAM, 11);
	c->hw->around_irq = testhost_interrupt;
	c->model = kind->model(c->hw, BASE, LINE, 11, c->what);
	for (unsigned int i = 0; i < MASTERS; i++)
		kind->master(c->model, sid_of(i), (uint8_t)(1u << i));
}

static void check(struct core *c)
{
	testhost_check(c->host);
	if (c->kind->findings(c->model))
		fail_msg("%s: %s", c->kind->name, c->kind->first_finding(c->model));
}

/* ---- the guest ---- */

static void page_get(struct core *c, unsigned int page)
{
	void *va;

	assert_int_equal(c->ops->pages_alloc(c->host, 4096, 4096, &va, &c->pa[page]), 0);
	hwram_allow(c->hw->ram, c->pa[page], 4096, 3, 3);
}

static void page_put(struct core *c, unsigned int page)
{
	hwram_allow(c->hw->ram, c->pa[page], 4096, 0, 0);
	c->ops->pages_free(c->host, hwram_va(c->hw->ram, c->pa[page], 4096), c->pa[page], 4096);
	c->pa[page] = 0;
}

static void store(struct core *c, unsigned int page, unsigned int index, uint64_t value)
{
	((uint64_t *)hwram_va(c->hw->ram, c->pa[page], 4096))[index] = value;
	c->ops->dma_barrier(c->host);
}

static uint64_t ipa_of(unsigned int page)
{
	return IPA + page * 4096ull;
}

static void guest_map(struct core *c, bool on)
{
	store(c, LAST, VA >> 12 & 511, on ? ipa_of(DATA) | 0xf43 : 0);
}

static void open_guest(struct core *c)
{
	for (unsigned int i = 0; i < PAGES; i++)
		page_get(c, i);
	store(c, ROOT, VA >> 30 & 511, ipa_of(SECOND) | 3);
	store(c, SECOND, VA >> 21 & 511, ipa_of(LAST) | 3);
	guest_map(c, true);
	store(c, CD, 1, ipa_of(ROOT));
	store(c, CD, 3, 0x0444ff);
	store(c, CD, 0, 25 | 1ull << 30 | 1ull << 31 | 5ull << 32 | 1ull << 41 | 7ull << 45 |
				(uint64_t)ASID << 48);
}

static bool on_guest_fault(void *context, struct weir_domain *domain, const struct weir_fault *fault)
{
	struct core *c = context;

	assert_ptr_equal(domain, c->nested);
	c->guest_fault = *fault;
	return true;
}

static bool on_host_fault(void *context, struct weir_domain *domain, const struct weir_fault *fault)
{
	struct core *c = context;

	assert_ptr_equal(domain, c->parent);
	c->host_fault = *fault;
	return true;
}

static int make_domains(struct core *c)
{
	struct weir_nested nested;
	int err = weir_domain_create_stage2(c->m, &c->parent);

	for (unsigned int i = 0; i < PAGES && !err; i++)
		err = weir_domain_map(c->parent, ipa_of(i), c->pa[i], 4096, RW);
	c->kind->context(ipa_of(CD), ipa_of(ROOT), ASID, &nested);
	return err ? err : weir_domain_create_nested(c->parent, &nested, &c->nested);
}

static void drop_domains(struct core *c)
{
	c->nested = weir_domain_unref(c->nested);
	c->parent = weir_domain_unref(c->parent);
}

static int attach(struct core *c, unsigned int master, struct weir_domain *domain)
{
	struct weir_group *group;
	int err = weir_group_of(c->dev[master], &group);

	return err ? err : weir_group_attach(group, domain);
}

static void expect(struct core *c, unsigned int master, uint64_t iova, uint64_t want)
{
	uint64_t got = 0;

	if (!c->kind->reach(c->model, sid_of(master), iova, &got))
		got = 0;
	assert_true(got == want);
	check(c);
}

static void forget(struct core *c, enum weir_nested_scope scope)
{
	const struct weir_nested_invalidation what = {
		.scope = scope, .asid = ASID, .iova = VA, .bytes = 4096, .granule_lg2 = 12,
	};

	assert_int_equal(weir_domain_invalidate_nested(c->nested, &what), 0);
}

static void open_core(struct core *c, const struct smmu_kind *kind, unsigned int what)
{
	prepare(c, kind, what);
	c->host = testhost_create(hwhost_ops(c->hw), c->hw);
	c->ops = testhost_ops(c->host);
	assert_int_equal(bring_up(c), 0);
	open_guest(c);
	for (unsigned int i = 0; i < MASTERS; i++)
		assert_non_null(c->dev[i]);
}

static void close_core(struct core *c)
{
	assert_int_equal(weir_module_unload(c->module, WEIR_MODULE_FORCE), 0);
	drop_domains(c);
	hwhost_points(c->hw, 50);
	check(c);
	weir_machine_destroy(c->m);
	for (unsigned int i = 0; i < PAGES; i++)
		if (c->pa[i])
			page_put(c, i);
	testhost_destroy(c->host);
	hwhost_destroy(c->hw);
}

static void open_nested(struct core *c, const struct smmu_kind *kind)
{
	open_core(c, kind, 0);
	assert_int_equal(make_domains(c), 0);
	assert_int_equal(attach(c, 0, c->nested), 0);
	for (unsigned int i = 0; i < MASTERS; i++)
		c->kind->rogue(c->model, sid_of(i), VA, i);
}

/* ---- tests ---- */

/* Both sides take away and give; two groups, with and without stage 1. */
static void test_nested_core_story(void **state)
{
	static const enum weir_nested_scope scopes[] = {
		WEIR_NESTED_ALL, WEIR_NESTED_ASID, WEIR_NESTED_RANGE, WEIR_NESTED_ADDRESS,
	};
	struct core c;

	open_nested(&c, *state);
	expect(&c, 0, VA, c.pa[DATA]);
	expect(&c, 0, ipa_of(DATA), 0);
	expect(&c, 1, VA, 0);
	assert_int_equal(attach(&c, 1, c.nested), 0);
	for (unsigned int i = 0; i < 8; i++) {
		expect(&c, 1, VA, c.pa[DATA]);
		guest_map(&c, false);
		forget(&c, scopes[i % 4]);
		expect(&c, 0, VA, 0);
		expect(&c, 1, VA, 0);
		guest_map(&c, true);
		expect(&c, 0, VA, c.pa[DATA]);
		assert_int_equal(weir_domain_unmap(c.parent, ipa_of(DATA), 4096), 0);
		page_put(&c, DATA);
		hwhost_points(c.hw, 20);
		expect(&c, 0, VA, 0);
		expect(&c, 1, VA, 0);
		page_get(&c, DATA);
		assert_int_equal(weir_domain_map(c.parent, ipa_of(DATA), c.pa[DATA], 4096, RW), 0);
		assert_int_equal(attach(&c, 1, i & 1 ? c.nested : c.parent), 0);
		expect(&c, 1, ipa_of(DATA), i & 1 ? 0 : c.pa[DATA]);
		assert_int_equal(attach(&c, 1, c.nested), 0);
	}
	close_core(&c);
}

/* Faults of stage 2 are the parent's, others the nested domain's. */
static void test_nested_core_faults(void **state)
{
	struct core c;

	open_core(&c, *state, 0);
	assert_int_equal(make_domains(&c), 0);
	weir_domain_fault_handler_set(c.nested, on_guest_fault, &c);
	weir_domain_fault_handler_set(c.parent, on_host_fault, &c);
	assert_int_equal(attach(&c, 0, c.nested), 0);
	expect(&c, 0, VA + 4096, 0);
	for (unsigned int i = 0; i < 50 && !c.guest_fault.flags; i++)
		hwhost_points(c.hw, 20);
	assert_true(c.guest_fault.iova == VA + 4096 && !c.host_fault.flags);
	assert_int_equal(weir_domain_unmap(c.parent, ipa_of(DATA), 4096), 0);
	expect(&c, 0, VA, 0);
	for (unsigned int i = 0; i < 50 && !c.host_fault.flags; i++)
		hwhost_points(c.hw, 20);
	assert_true(c.host_fault.iova == VA && c.host_fault.ipa == ipa_of(DATA));
	assert_true(c.host_fault.flags & WEIR_FAULT_STAGE2);
	assert_true(c.guest_fault.iova == VA + 4096);
	close_core(&c);
}

/* The machine sleeps, and the SMMU's power goes; stage 2 changes meanwhile. */
static void test_nested_core_sleep(void **state)
{
	struct core c;

	open_nested(&c, *state);
	for (unsigned int i = 0; i < 3; i++) {
		for (unsigned int k = 0; k < MASTERS; k++)
			c.kind->rogue_stop(c.model, k);
		assert_int_equal(weir_pm_suspend(c.m), 0);
		c.kind->power(c.model, false);
		assert_int_equal(weir_domain_unmap(c.parent, ipa_of(DATA), 4096), 0);
		forget(&c, WEIR_NESTED_ALL);
		hwhost_points(c.hw, 10);
		page_put(&c, DATA);
		page_get(&c, DATA);
		c.kind->power(c.model, true);
		assert_int_equal(weir_pm_resume(c.m), 0);
		expect(&c, 0, VA, 0);
		assert_int_equal(weir_domain_map(c.parent, ipa_of(DATA), c.pa[DATA], 4096, RW), 0);
		expect(&c, 0, VA, c.pa[DATA]);
	}
	close_core(&c);
}

/* The driver goes by force and comes again; prepared, or not. */
static void test_nested_core_reload(void **state)
{
	struct weir_group *group;
	struct core c;

	open_nested(&c, *state);
	for (unsigned int i = 0; i < 4; i++) {
		if (i & 1) {
			assert_int_equal(weir_group_of(c.dev[1], &group), 0);
			assert_int_equal(weir_domain_prepare(c.nested, group), 0);
			assert_int_equal(weir_domain_prepare(c.nested, group), 0);
		}
		if (i == 3)
			weir_domain_unprepare(c.nested);
		assert_int_equal(weir_module_unload(c.module, 0), WEIR_EBUSY);
		assert_int_equal(weir_module_unload(c.module, WEIR_MODULE_FORCE), 0);
		hwhost_points(c.hw, 30);
		check(&c);
		assert_int_equal(load(&c), 0);
		expect(&c, 0, VA, 0);
		assert_int_equal(attach(&c, 0, c.nested), 0);
		expect(&c, 0, VA, c.pa[DATA]);
	}
	close_core(&c);
}

/* Stage 2 that the embedder keeps. */
static void test_nested_core_external(void **state)
{
	const struct weir_table_config config = {
		.format = WEIR_TABLE_ARM_S2, .kind = &weir_table_arm64, .granule_lg2 = 12,
		.iova_bits = 39, .pa_bits = 40, .coherent = true,
	};
	struct weir_table_gather gather = { .unlink = true };
	struct weir_tables tables;
	struct weir_nested nested;
	struct weir_table *table;
	struct core c;

	open_core(&c, *state, 0);
	assert_int_equal(weir_table_create(c.ops, c.host, &config, &table), 0);
	weir_table_describe(table, &tables);
	tables.id = 9;
	for (unsigned int i = 0; i < PAGES; i++)
		assert_int_equal(weir_table_map(table, ipa_of(i), c.pa[i], 4096, RW), 0);
	assert_int_equal(weir_domain_create_external(c.m, &tables, &c.parent), 0);
	c.kind->context(ipa_of(CD), ipa_of(ROOT), ASID, &nested);
	assert_int_equal(weir_domain_create_nested(c.parent, &nested, &c.nested), 0);
	assert_int_equal(attach(&c, 0, c.nested), 0);
	expect(&c, 0, VA, c.pa[DATA]);
	assert_int_equal(weir_table_unmap(table, ipa_of(DATA), 4096, &gather), 0);
	assert_int_equal(weir_domain_invalidate(c.parent, gather.what.iova, gather.what.bytes), 0);
	weir_table_release(table, &gather);
	page_put(&c, DATA);
	hwhost_points(c.hw, 20);
	expect(&c, 0, VA, 0);
	c.parent = weir_domain_unref(c.parent); /* the nested one refers to it */
	assert_int_equal(weir_module_unload(c.module, WEIR_MODULE_FORCE), 0);
	assert_int_equal(load(&c), 0);
	c.nested = weir_domain_unref(c.nested);
	weir_table_destroy(table);
	close_core(&c);
}

/* ---- what is refused ---- */

static void test_nested_core_refused(void **state)
{
	const struct smmu_kind *kind = *state;
	struct weir_nested nested;
	struct weir_domain *domain, *old;
	struct weir_group *group;
	struct core c;

	open_core(&c, kind, 0);
	assert_int_equal(make_domains(&c), 0);
	c.kind->context(ipa_of(CD), ipa_of(ROOT), ASID, &nested);
	assert_int_equal(weir_domain_create(c.m, WEIR_DOMAIN_NESTED, &domain), WEIR_EINVAL);
	assert_int_equal(weir_domain_create(c.m, WEIR_DOMAIN_UNMANAGED, &domain), 0);
	assert_int_equal(weir_domain_create_nested(domain, &nested, &old), WEIR_EINVAL);
	assert_int_equal(weir_domain_create_nested(c.nested, &nested, &old), WEIR_EINVAL);
	assert_int_equal(weir_domain_invalidate_nested(domain, &(struct weir_nested_invalidation){
						       WEIR_NESTED_ALL, 0, 0, 0, 0, false }),
			 WEIR_EINVAL);
	weir_domain_unref(domain);
	/* the group keeps what it has */
	assert_int_equal(attach(&c, 0, c.nested), 0);
	assert_int_equal(weir_group_of(c.dev[0], &group), 0);
	nested.kind = nested.kind == WEIR_NESTED_SMMU_V3 ? WEIR_NESTED_SMMU_V2 : WEIR_NESTED_SMMU_V3;
	assert_int_equal(weir_domain_create_nested(c.parent, &nested, &domain), 0);
	assert_int_equal(weir_group_attach(group, domain), WEIR_EOPNOTSUPP);
	assert_non_null(strstr(hwhost_log_take(c.hw), "stage 1 of a guest is another IOMMU's"));
	weir_domain_unref(domain);
	memset(&nested, 0, sizeof(nested));
	nested.kind = kind->deep ? WEIR_NESTED_SMMU_V3 : WEIR_NESTED_SMMU_V2;
	assert_int_equal(weir_domain_create_nested(c.parent, &nested, &domain), 0);
	assert_int_equal(weir_group_attach(group, domain), WEIR_EINVAL);
	weir_domain_unref(domain);
	assert_ptr_equal(weir_group_domain(group), c.nested);
	expect(&c, 0, VA, c.pa[DATA]);
	close_core(&c);
	open_core(&c, kind, SMMU_NO_NESTED);
	assert_int_equal(make_domains(&c), 0);
	assert_int_equal(attach(&c, 0, c.nested), WEIR_EOPNOTSUPP);
	assert_non_null(strstr(hwhost_log_take(c.hw), kind->deep ? "it has no stage 2 for a guest's memory"
								: "IDR0.NTS"));
	close_core(&c);
}

/* ---- calls of the host that fail ---- */

static int scenario_of(struct core *c)
{
	int err = bring_up(c);

	if (!err && !c->dev[0])
		err = WEIR_ENOMEM;
	if (!err)
		err = make_domains(c);
	if (!err)
		err = attach(c, 0, c->nested);
	if (!err)
		err = attach(c, 0, c->parent);
	return err;
}

/* Each fails once: nothing is left. */
static void test_nested_core_sweep(void **state)
{
	bool hit = true;

	for (unsigned long n = 1; hit; n++) {
		struct core c;

		prepare(&c, *state, 0);
		c.host = testhost_create(hwhost_ops(c.hw), c.hw);
		c.ops = testhost_ops(c.host);
		open_guest(&c);
		testhost_fail_at(c.host, n);
		(void)scenario_of(&c);
		hit = testhost_fault_hit(c.host);
		testhost_fail_at(c.host, 0);
		if (c.module)
			weir_module_unload(c.module, WEIR_MODULE_FORCE);
		drop_domains(&c);
		if (c.m)
			weir_machine_destroy(c.m);
		check(&c);
		for (unsigned int i = 0; i < PAGES; i++)
			page_put(&c, i);
		testhost_destroy(c.host);
		hwhost_destroy(c.hw);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SMMU_BOTH(test_nested_core_story),
		SMMU_BOTH(test_nested_core_faults),
		SMMU_BOTH(test_nested_core_sleep),
		SMMU_BOTH(test_nested_core_reload),
		SMMU_BOTH(test_nested_core_external),
		SMMU_BOTH(test_nested_core_refused),
		SMMU_BOTH(test_nested_core_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
