// SPDX-License-Identifier: MIT
/* Buses: names, keys and who matches whom, in which order. */
#include <stdio.h>

#include "core/core.h"
#include "plainpolicy.h"
#include "world.h"

static int open_world(void **state)
{
	static struct world w;

	world_open(&w, &plain_policy);
	*state = &w;
	return 0;
}

static int close_world(void **state)
{
	world_close(*state);
	return 0;
}

static void test_bus_names(void **state)
{
	struct world *w = *state;
	struct weir_bus *bus;

	assert_int_equal(weir_bus_find(w->m, "test", &bus), 0);
	assert_ptr_equal(bus, w->bus);
	assert_string_equal(weir_bus_name(bus), "test");
	assert_int_equal(weir_bus_find(w->m, "none", &bus), WEIR_ENOENT);
	assert_int_equal(weir_bus_create(w->m, "test", NULL, &bus), WEIR_EEXIST);
	assert_ptr_equal(bus, w->bus);
}

static void test_bus_of_another_abi_is_refused(void **state)
{
	struct world *w = *state;
	struct weir_bus_ops ops = { .abi = WEIR_ABI(struct weir_bus_ops) };
	struct weir_bus *bus;

	ops.abi.version++;
	assert_int_equal(weir_bus_create(w->m, "b", &ops, &bus), WEIR_EINVAL);
	ops.abi = (struct weir_abi){ sizeof(ops) - 1, WEIR_ABI_VERSION };
	assert_int_equal(weir_bus_create(w->m, "b", &ops, &bus), WEIR_EINVAL);
	ops.abi.size = sizeof(ops) + 8; /* a later, longer table is fine */
	assert_int_equal(weir_bus_create(w->m, "b", &ops, &bus), 0);
}

static const char *two_keys(const struct weir_device *dev, unsigned int index)
{
	static const char *const keys[] = { "specific", "generic" };

	(void)dev;
	return index < 2 ? keys[index] : NULL;
}

static struct weir_device *bare_device(struct weir_bus *bus, const char *name)
{
	struct weir_device *dev;

	assert_int_equal(weir_device_create(bus, name, NULL, NULL, &dev), 0);
	assert_int_equal(weir_device_add(dev), 0);
	weir_device_unref(dev);
	return dev;
}

/* Drivers of a device come in order of registration, not of how specific the key is. */
static void test_bus_drivers_in_order_of_registration(void **state)
{
	static const struct weir_bus_ops ops = {
		.abi = WEIR_ABI(struct weir_bus_ops), .match_key = two_keys, .match_name = true,
	};
	static const struct weir_match generic[] = { { "generic", NULL }, { NULL, NULL } };
	static const struct weir_match both[] = {
		{ "generic", "g" }, { "specific", "s" }, { NULL, NULL }
	};
	static const struct weir_driver drivers[] = {
		{ .name = "one", .bus = "keyed", .match = generic },
		{ .name = "dev", .bus = "keyed" }, /* matches by name */
		{ .name = "three", .bus = "keyed", .match = both },
		{ .name = "four", .bus = "keyed" },
	};
	struct world *w = *state;
	struct weir_bus *bus;
	struct weir_device *dev, *other;
	struct weir_reg *reg;

	assert_int_equal(weir_bus_create(w->m, "keyed", &ops, &bus), 0);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(weir_driver_register(w->m, &drivers[i]), 0);
	dev = bare_device(bus, "dev");
	other = bare_device(bus, "other");

	reg = weir_match_next_reg_(dev, 0);
	assert_ptr_equal(reg->drv, &drivers[0]);
	reg = weir_match_next_reg_(dev, reg->seq);
	assert_ptr_equal(reg->drv, &drivers[1]);
	reg = weir_match_next_reg_(dev, reg->seq);
	assert_ptr_equal(reg->drv, &drivers[2]);
	assert_null(weir_match_next_reg_(dev, reg->seq));
	reg = weir_match_next_reg_(other, 0);
	reg = weir_match_next_reg_(other, reg->seq);
	assert_ptr_equal(reg->drv, &drivers[2]);

	/* and devices of a driver in order of addition */
	assert_ptr_equal(weir_match_next_device_(reg, 0), dev);
	assert_ptr_equal(weir_match_next_device_(reg, dev->seq), other);
	assert_null(weir_match_next_device_(reg, other->seq));

	/* the entry of the device's first key, not of the table's first line */
	assert_string_equal(weir_driver_match_entry(dev, &drivers[2])->data, "s");
	assert_null(weir_driver_match_entry(dev, &drivers[3]));
	assert_settles(w);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(weir_driver_unregister(w->m, &drivers[i]), 0);
}

/* Many of a key, taken away from the front, the middle and the end. */
static void test_bus_deleted_devices_match_no_more(void **state)
{
	struct world *w = *state;
	struct weir_device *dev[9];
	struct world_driver *d;
	struct weir_reg *reg;
	char name[4];

	for (unsigned int i = 0; i < 9; i++) {
		snprintf(name, sizeof(name), "d%u", i);
		dev[i] = world_device(w, name, NULL, "k");
	}
	weir_device_del(dev[0]);
	weir_device_del(dev[4]);
	weir_device_del(dev[8]);
	d = world_driver_add(w, "drv", "k");
	assert_settles(w);
	assert_journal(w, "probe d1; probe d2; probe d3; probe d5; probe d6; probe d7");
	reg = weir_reg_find_(w->m, &d->drv);
	assert_ptr_equal(weir_match_next_device_(reg, 0), dev[1]);
	world_driver_del(w, d);
	assert_journal(w, "remove d7; remove d6; remove d5; remove d3; remove d2; remove d1");
	assert_null(weir_match_next_reg_(dev[1], 0));
}

static void test_bus_buses_are_apart(void **state)
{
	struct world *w = *state;
	struct weir_bus *bus;
	struct weir_device *dev;

	assert_int_equal(weir_bus_create(w->m, "other", NULL, &bus), 0);
	world_driver_add(w, "drv", "k");
	world_device(w, "a", NULL, "k");
	assert_int_equal(weir_device_create(bus, "a2", NULL, weir_device_fwnode(world_find(w, "a")),
					    &dev), 0);
	assert_int_equal(weir_device_add(dev), 0);
	weir_device_unref(dev);
	assert_settles(w);
	assert_journal(w, "probe a");
	assert_int_equal(weir_device_status_get(dev), WEIR_DEVICE_NO_DRIVER);
	weir_machine_destroy(w->m);
	w->m = NULL;
	assert_journal(w, "remove a");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bus_names, open_world, close_world),
		cmocka_unit_test_setup_teardown(test_bus_of_another_abi_is_refused, open_world,
						close_world),
		cmocka_unit_test_setup_teardown(test_bus_drivers_in_order_of_registration,
						open_world, close_world),
		cmocka_unit_test_setup_teardown(test_bus_deleted_devices_match_no_more, open_world,
						close_world),
		cmocka_unit_test_setup_teardown(test_bus_buses_are_apart, open_world, close_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
