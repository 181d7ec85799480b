// SPDX-License-Identifier: MIT
/* Drivers: registration, attempts to probe and what becomes of them, unbinding. */
#include <stdio.h>
#include <string.h>

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

static int open_weir_world(void **state)
{
	static struct world w;

	world_open(&w, NULL);
	*state = &w;
	return 0;
}

static int close_world(void **state)
{
	world_close(*state);
	return 0;
}

static void test_driver_registration(void **state)
{
	struct world *w = *state;
	struct world_driver *d = world_driver(w, "drv", "k", NULL, NULL);
	struct world_driver *same = world_driver(w, "drv", "x", NULL, NULL);
	struct world_driver *lost = world_driver(w, "lost", "k", NULL, NULL);
	struct weir_machine_stats stats;

	lost->drv.bus = "nowhere";
	assert_int_equal(weir_driver_register(w->m, &lost->drv), WEIR_ENOENT);
	assert_int_equal(weir_driver_unregister(w->m, &d->drv), WEIR_ENOENT);
	assert_int_equal(weir_driver_register(w->m, &d->drv), 0);
	assert_int_equal(weir_driver_register(w->m, &d->drv), WEIR_EEXIST);
	assert_int_equal(weir_driver_register(w->m, &same->drv), WEIR_EEXIST);
	assert_int_equal(weir_driver_unregister(w->m, &same->drv), WEIR_ENOENT);
	weir_machine_stats_get(w->m, &stats);
	assert_int_equal(stats.drivers, 1);
	assert_int_equal(weir_driver_unregister(w->m, &d->drv), 0);
	assert_int_equal(weir_driver_register(w->m, &same->drv), 0);
}

static void test_driver_of_another_abi_is_refused(void **state)
{
	struct world *w = *state;
	struct world_driver *d = world_driver(w, "drv", "k", NULL, NULL);

	d->ops.abi.version = 77;
	assert_int_equal(weir_driver_register(w->m, &d->drv), WEIR_EINVAL);
	d->ops.abi = (struct weir_abi){ 8, WEIR_ABI_VERSION };
	assert_int_equal(weir_driver_register(w->m, &d->drv), WEIR_EINVAL);
	d->drv.ops = NULL; /* no calls at all: binds at once */
	assert_int_equal(weir_driver_register(w->m, &d->drv), 0);
	world_device(w, "a", NULL, "k");
	assert_settles(w);
	assert_status(w, "a", WEIR_DEVICE_BOUND);
	world_driver_del(w, d);
	assert_status(w, "a", WEIR_DEVICE_NO_DRIVER);
}

static void test_driver_first_registered_wins(void **state)
{
	struct world *w = *state;
	struct world_driver *one, *two;

	one = world_driver_add(w, "one", "k");
	two = world_driver_add(w, "two", "k");
	world_device(w, "a", NULL, "k");
	assert_settles(w);
	assert_ptr_equal(weir_device_driver(world_find(w, "a")), &one->drv);
	world_driver_del(w, one);
	assert_null(weir_device_driver(world_find(w, "a")));
	assert_ptr_not_equal(weir_device_driver(world_find(w, "a")), &two->drv);
}

/* A driver that says "not mine", or fails, leaves the device to the next one that fits. */
static void test_driver_next_is_tried(void **state)
{
	static const int errs[] = { WEIR_ENODEV, WEIR_ENXIO, WEIR_EIO, 5 };
	struct world *w = *state;
	struct world_driver *two;

	world_driver_add(w, "one", "k");
	two = world_driver_add(w, "two", "k");
	for (unsigned int i = 0; i < 4; i++) {
		char name[2] = { (char)('a' + i), '\0' };
		char journal[40];

		world_plan(w, "probe", name, errs[i], 1);
		world_device(w, name, NULL, "k");
		assert_settles(w);
		snprintf(journal, sizeof(journal), "probe %s; probe %s", name, name);
		assert_journal(w, journal);
		assert_ptr_equal(weir_device_driver(world_find(w, name)), &two->drv);
	}
}

static int reason_probe(struct world *w, struct weir_device *dev)
{
	(void)w;
	return weir_dev_fail(dev, WEIR_EDEFER, "no %s %d", "clock", 7);
}

static void test_driver_defers_with_a_reason(void **state)
{
	struct world *w = *state;
	struct weir_device *a;

	w->on_probe = reason_probe;
	world_driver_add(w, "drv", "k");
	a = world_device(w, "a", NULL, "k");
	assert_settles(w);
	assert_non_null(strstr(weir_device_reason(a), "no clock 7"));
	assert_int_equal(weir_device_status_get(a), WEIR_DEVICE_NO_DRIVER);
	assert_null(weir_device_driver(a));
	w->on_probe = NULL;
	world_device(w, "b", NULL, "k"); /* its bind queues a again */
	assert_settles(w);
	assert_status(w, "a", WEIR_DEVICE_BOUND);
	assert_journal(w, "probe a; probe b; probe a");
}

static void test_driver_unbind(void **state)
{
	struct world *w = *state;
	struct weir_device *a = world_device(w, "a", NULL, "k");
	struct weir_machine_stats stats;

	assert_int_equal(weir_driver_unbind(a), WEIR_ENODEV);
	world_driver_add(w, "drv", "k");
	assert_settles(w);
	assert_int_equal(weir_driver_unbind(a), 0);
	assert_int_equal(weir_driver_unbind(a), WEIR_ENODEV);
	assert_journal(w, "probe a; remove a");
	weir_machine_stats_get(w->m, &stats);
	assert_int_equal(stats.probes, 1);
}

/* What a driver unregisters for goes last bound first, with consumers before it. */
static void test_driver_unregister_order(void **state)
{
	struct world *w = *state;
	struct world_driver *d = world_driver_add(w, "drv", "k");
	struct weir_device *a, *b;

	world_driver_add(w, "other", "x");
	a = world_device(w, "a", NULL, "k");
	b = world_device(w, "b", NULL, "k");
	world_device(w, "c", NULL, "k");
	assert_int_equal(weir_link_add(world_device(w, "user-of-b", NULL, "x"), b, 0, NULL), 0);
	assert_int_equal(weir_link_add(world_find(w, "c"), a, 0, NULL), 0);
	assert_settles(w);
	world_driver_del(w, d);
	assert_journal(w, "probe a; probe b; probe c; probe user-of-b; "
			  "remove c; remove user-of-b; remove b; remove a");
	assert_status(w, "user-of-b", WEIR_DEVICE_NO_DRIVER);
}

static void test_driver_reload(void **state)
{
	struct world *w = *state;
	struct world_driver *d = world_driver(w, "drv", "k", NULL, NULL);

	world_device(w, "a", NULL, "k");
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(weir_driver_register(w->m, &d->drv), 0);
		assert_settles(w);
		assert_journal(w, "probe a");
		world_driver_del(w, d);
		assert_journal(w, "remove a");
	}
}

/* ---- consumers in numbers: what took linear work to build takes no more to take down ---- */

static void build_chain(struct world *w, unsigned int n, bool worst)
{
	struct weir_device *prev = NULL;
	char name[16];

	for (unsigned int i = 0; i < n; i++) {
		struct weir_device *dev;

		snprintf(name, sizeof(name), "d%u", i);
		dev = world_device(w, name, NULL, "k");
		if (prev)
			assert_int_equal(worst ? weir_link_add(prev, dev, 0, NULL)
					       : weir_link_add(dev, prev, 0, NULL), 0);
		prev = dev;
	}
}

/* What was unbound, or failed, has another turn when it is asked for, and only then. */
static void test_driver_bind(void **state)
{
	struct world *w = *state;
	struct weir_device *a = world_device(w, "a", NULL, "k1");

	assert_int_equal(weir_driver_bind(a), WEIR_ENOENT);
	world_plan(w, "probe", "a", WEIR_EIO, 1);
	world_driver_add(w, "drv1", "k1");
	assert_settles(w);
	assert_int_equal(weir_device_verdict(a, NULL), WEIR_VERDICT_FAILED);
	assert_settles(w);
	assert_journal(w, "probe a");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(weir_driver_bind(a), 0);
		assert_settles(w);
		assert_journal(w, "probe a");
		assert_int_equal(weir_driver_bind(a), WEIR_EBUSY);
		assert_int_equal(weir_driver_unbind(a), 0);
		assert_settles(w);
		assert_int_equal(weir_device_verdict(a, NULL), WEIR_VERDICT_REMOVED);
		assert_journal(w, "remove a");
	}
}

static void test_driver_unbinds_a_long_chain_without_recursion(void **state)
{
	struct world *w = *state;

	w->quiet = true;
	build_chain(w, 100000, false);
	world_driver_add(w, "drv", "k");
	assert_settles(w);
	assert_status(w, "d99999", WEIR_DEVICE_BOUND);
	assert_int_equal(weir_driver_unbind(world_find(w, "d0")), 0);
	assert_status(w, "d99999", WEIR_DEVICE_NO_DRIVER);
}

static void test_driver_unbinds_many_consumers_in_linear_time(void **state)
{
	struct world *w = *state;
	struct weir_device *sup;
	char name[16];

	w->quiet = true;
	sup = world_device(w, "sup", NULL, "k");
	for (unsigned int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "d%u", i);
		assert_int_equal(weir_link_add(world_device(w, name, NULL, "k"), sup, 0, NULL), 0);
	}
	world_driver_add(w, "drv", "k");
	assert_settles(w);
	assert_int_equal(weir_driver_unbind(sup), 0);
	assert_status(w, "d99999", WEIR_DEVICE_NO_DRIVER);
}

/*
 * Consumers of what is unbound go first, the one that was bound last before all: not the oldest link, nor
 * the oldest device.
 */
static void test_driver_newest_consumer_goes_first(void **state)
{
	struct world *w = *state;
	static const char *const names[] = { "a", "b", "c", "leaf" };
	struct world_driver *sup;

	world_device(w, "sup", NULL, "ks");
	for (unsigned int i = 0; i < 4; i++)
		world_device(w, names[i], NULL, "kc");
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(weir_link_add(world_find(w, names[i]), world_find(w, "sup"), 0, NULL), 0);
	assert_int_equal(weir_link_add(world_find(w, "leaf"), world_find(w, "a"), 0, NULL), 0);
	sup = world_driver_add(w, "sup", "ks");
	world_plan(w, "probe", "a", WEIR_EDEFER, 1);
	world_driver_add(w, "con", "kc");
	assert_settles(w);
	assert_journal(w, "probe sup; probe a; probe b; probe c; probe a; probe leaf");
	world_driver_del(w, sup);
	assert_journal(w, "remove leaf; remove a; remove c; remove b; remove sup");
	sup = world_driver_add(w, "sup", "ks");
	assert_settles(w);
	assert_journal(w, "probe sup; probe a; probe b; probe c; probe leaf");
	world_driver_del(w, sup);
	assert_journal(w, "remove c; remove b; remove leaf; remove a; remove sup");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_world, close_world)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_driver_registration),
		TEST(test_driver_of_another_abi_is_refused),
		TEST(test_driver_first_registered_wins),
		TEST(test_driver_next_is_tried),
		TEST(test_driver_defers_with_a_reason),
		TEST(test_driver_unbind),
		cmocka_unit_test_setup_teardown(test_driver_bind, open_weir_world, close_world),
		cmocka_unit_test_setup_teardown(test_driver_newest_consumer_goes_first, open_weir_world,
						close_world),
		TEST(test_driver_unregister_order),
		TEST(test_driver_reload),
		TEST(test_driver_unbinds_a_long_chain_without_recursion),
		TEST(test_driver_unbinds_many_consumers_in_linear_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
