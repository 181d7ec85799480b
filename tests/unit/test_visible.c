// SPDX-License-Identifier: MIT
/*
 * A device that can be found on its bus and is not complete: what the policy linux-6.12 lets a driver do
 * that comes then, and what becomes of those who need a node below it.
 */
#include "cm.h"

#include <libfdt.h>
#include <string.h>

#include "core/core.h"
#include "kernel/kmodel.h"
#include "kernel/linux/linux.h"
#include "testhost.h"

struct visible {
	struct testhost *host;
	struct weir_machine *m;
	struct weir_driver_list *list;
	struct weir_kmodel *k;
	bool race;          /* the pin controller's driver comes while it is visible */
	unsigned int told;  /* devices that were */
	bool owned, linked; /* a visible device had its node, or links */
};

/* Runs while the device is on its bus alone. */
static void on_visible(void *context, struct weir_device *dev)
{
	struct visible *v = context;

	v->told++;
	v->owned = v->owned || weir_fwnode_device(weir_device_fwnode(dev)) == dev;
	v->linked = v->linked || weir_link_first(dev);
	if (v->race && !strcmp(weir_device_name(dev), "pmic:pins"))
		assert_int_equal(weir_kmodel_insert(v->k, "pins"), 0);
}

static void begin(void *fdt, const char *name, const char *compatible)
{
	assert_int_equal(fdt_begin_node(fdt, name), 0);
	if (compatible)
		assert_int_equal(fdt_property_string(fdt, "compatible", compatible), 0);
}

/* /pmic/pins/key is what /keys needs; /pmic/rail/low what /lamp does, and the rail needs /clock. */
static void make_tree(void *fdt, int bytes)
{
	fdt_create(fdt, bytes);
	fdt_finish_reservemap(fdt);
	begin(fdt, "", NULL);
	begin(fdt, "pmic", "pmic");
	begin(fdt, "pins", "pins");
	begin(fdt, "key", NULL);
	fdt_property_u32(fdt, "phandle", 1);
	fdt_end_node(fdt);
	fdt_end_node(fdt);
	begin(fdt, "rail", "rail");
	fdt_property_u32(fdt, "clocks", 2);
	begin(fdt, "low", NULL);
	fdt_property_u32(fdt, "phandle", 3);
	fdt_end_node(fdt);
	fdt_end_node(fdt);
	fdt_end_node(fdt);
	begin(fdt, "clock", "clock");
	fdt_property_u32(fdt, "#clock-cells", 0);
	fdt_property_u32(fdt, "phandle", 2);
	fdt_end_node(fdt);
	begin(fdt, "keys", "keys");
	fdt_property_u32(fdt, "pinctrl-0", 1);
	fdt_end_node(fdt);
	begin(fdt, "lamp", "lamp");
	fdt_property_u32(fdt, "vdd-supply", 3);
	fdt_end_node(fdt);
	fdt_end_node(fdt);
	assert_int_equal(fdt_finish(fdt), 0);
}

static const char drivers[] = "clock@3 clock\nkeys@6 keys\nlamp@6 lamp\nrail@6 rail\npmic@m pmic\npins@x pins\n";

static void run(struct visible *v, const struct weir_policy_ops *policy, bool hook)
{
	static char fdt[2048];
	struct weir_linux_args args;

	make_tree(fdt, sizeof(fdt));
	weir_linux_args_init(&args);
	if (hook) {
		args.visible = on_visible;
		args.context = v;
	}
	v->host = testhost_create(&testhost_plain_ops, NULL);
	assert_int_equal(weir_machine_create_policy(testhost_ops(v->host), v->host, policy, &args, &v->m), 0);
	assert_int_equal(weir_firmware_load_dt(v->m, fdt, sizeof(fdt)), 0);
	assert_int_equal(weir_driver_list_parse("drivers", drivers, sizeof(drivers) - 1, NULL, &v->list), 0);
	assert_int_equal(weir_kmodel_create(v->m, v->list, NULL, &v->k), 0);
	assert_int_equal(weir_kmodel_boot(v->k), 0);
	assert_int_equal(weir_kmodel_load(v->k, "pmic"), 0);
	(void)weir_kmodel_load(v->k, "pins"); /* it may be there */
	weir_kmodel_wait(v->k, 60000);
}

static bool is_bound(const struct visible *v, const char *path)
{
	struct weir_fwnode *node;

	assert_int_equal(weir_fwnode_find(v->m, path, &node), 0);
	return weir_fwnode_device(node) && weir_device_status_get(weir_fwnode_device(node)) == WEIR_DEVICE_BOUND;
}

static void finish(struct visible *v)
{
	weir_kmodel_detach(v->k);
	weir_machine_destroy(v->m);
	weir_kmodel_destroy(v->k);
	weir_driver_list_destroy(v->list);
	testhost_destroy(v->host);
}

/* Told of each device once, before it has anything; nothing else changes by that. */
static void test_visible_is_told(void **state)
{
	struct visible v = { .race = false };

	(void)state;
	run(&v, &weir_policy_linux_6_12, true);
	assert_int_equal(v.told, 6);
	assert_false(v.owned || v.linked);
	assert_true(is_bound(&v, "/pmic/pins") && is_bound(&v, "/keys") && is_bound(&v, "/lamp"));
	finish(&v);
}

/* The driver comes too early: the device is bound, and who needs its node waits for ever. */
static void test_visible_bound_too_early(void **state)
{
	struct visible v = { .race = true };
	struct weir_fwnode *keys, *pins;

	(void)state;
	run(&v, &weir_policy_linux_6_12, true);
	assert_true(is_bound(&v, "/pmic/pins") && is_bound(&v, "/lamp"));
	assert_false(is_bound(&v, "/keys"));
	assert_int_equal(weir_fwnode_find(v.m, "/keys", &keys), 0);
	assert_string_equal(weir_device_reason(weir_fwnode_device(keys)),
			    "platform: wait for supplier /pmic/pins/key");
	/* unbound and bound again, it hands the waits on */
	assert_int_equal(weir_fwnode_find(v.m, "/pmic/pins", &pins), 0);
	assert_int_equal(weir_driver_unbind(weir_fwnode_device(pins)), 0);
	assert_int_equal(weir_driver_bind(weir_fwnode_device(pins)), 0);
	weir_kmodel_settle(v.k);
	assert_true(is_bound(&v, "/keys"));
	finish(&v);
}

/* Without the hook, and under the library's own policy, adding a device is one step. */
static void test_visible_not_without_asking(void **state)
{
	struct visible v = { .race = true }, w = { .race = true };

	(void)state;
	run(&v, &weir_policy_linux_6_12, false);
	assert_int_equal(v.told, 0);
	assert_true(is_bound(&v, "/pmic/pins") && is_bound(&v, "/keys"));
	finish(&v);
	run(&w, NULL, true);
	assert_int_equal(w.told, 0);
	assert_true(is_bound(&w, "/pmic/pins") && is_bound(&w, "/keys") && is_bound(&w, "/lamp"));
	finish(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_visible_is_told),
		cmocka_unit_test(test_visible_bound_too_early),
		cmocka_unit_test(test_visible_not_without_asking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
