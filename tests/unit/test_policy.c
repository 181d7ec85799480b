// SPDX-License-Identifier: MIT
/* The library's own policy: who is probed when, and that the order of arrival has no say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "board.h"
#include "core/core.h"

static int open_world(void **state)
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

static struct weir_device *device(struct world *w, const char *name, const char *key)
{
	return world_device(w, name, NULL, key);
}

static void link_add(struct world *w, const char *con, const char *sup, uint32_t flags)
{
	assert_int_equal(weir_link_add(world_find(w, con), world_find(w, sup), flags, NULL), 0);
}

#define assert_verdict(w, name, what) \
	assert_int_equal(weir_device_verdict(world_find(w, name), NULL), what)

/* ---- suppliers ---- */

static void test_policy_waits_for_suppliers(void **state)
{
	struct world *w = *state;
	struct weir_why why;

	device(w, "a", "k");
	device(w, "b", "k");
	device(w, "c", "late");
	link_add(w, "a", "b", 0);
	link_add(w, "b", "c", 0);
	world_driver_add(w, "drv", "k");
	assert_settles(w);
	assert_journal(w, "");
	assert_verdict(w, "a", WEIR_VERDICT_WAITS_SUPPLIER);
	assert_verdict(w, "c", WEIR_VERDICT_UNKNOWN_DRIVER);
	assert_int_equal(weir_device_root_cause(world_find(w, "a"), &why), 2);
	assert_ptr_equal(why.device, world_find(w, "c"));
	world_driver_add(w, "late", "late");
	assert_settles(w);
	assert_journal(w, "probe c; probe b; probe a");
	assert_verdict(w, "a", WEIR_VERDICT_BOUND);
}

/* A driver that says "not yet" by itself has another turn after something was bound. */
static void test_policy_driver_defers(void **state)
{
	struct world *w = *state;

	world_plan(w, "probe", "a", WEIR_EDEFER, 2);
	world_driver_add(w, "drv", "k");
	device(w, "a", "k");
	assert_settles(w);
	assert_settles(w);
	assert_journal(w, "probe a"); /* nothing happened since: no second try */
	device(w, "b", "k");
	assert_settles(w);
	device(w, "c", "k");
	device(w, "d", "k");
	assert_settles(w);
	assert_journal(w, "probe b; probe a; probe c; probe d; probe a");
	assert_verdict(w, "a", WEIR_VERDICT_BOUND);
}

static void test_policy_failure_is_final_for_who_needs_it(void **state)
{
	struct world *w = *state;
	struct weir_why why;

	world_plan(w, "probe", "b", WEIR_EIO, 0);
	device(w, "a", "k");
	device(w, "b", "k");
	link_add(w, "a", "b", 0);
	world_driver_add(w, "drv", "k");
	assert_settles(w);
	assert_journal(w, "probe b");
	assert_int_equal(weir_device_root_cause(world_find(w, "a"), &why), 1);
	assert_int_equal(why.verdict, WEIR_VERDICT_FAILED);
	assert_int_equal(why.err, WEIR_EIO);
}

/* ---- order links: the supplier's probe has settled, whatever came of it ---- */

static void test_policy_order_link_supplier_binds(void **state)
{
	struct world *w = *state;

	device(w, "a", "k");
	device(w, "b", "late");
	link_add(w, "a", "b", WEIR_LINK_ORDER);
	world_driver_add(w, "drv", "k");
	assert_settles(w);
	assert_journal(w, "");
	world_driver_add(w, "late", "late");
	assert_settles(w);
	assert_journal(w, "probe b; probe a");
}

static void test_policy_order_link_supplier_fails(void **state)
{
	struct world *w = *state;

	world_plan(w, "probe", "b", WEIR_EIO, 0);
	device(w, "a", "k");
	device(w, "b", "k");
	link_add(w, "a", "b", WEIR_LINK_ORDER);
	world_driver_add(w, "drv", "k");
	assert_settles(w);
	assert_journal(w, "probe b; probe a");
	assert_verdict(w, "a", WEIR_VERDICT_BOUND);
	assert_verdict(w, "b", WEIR_VERDICT_FAILED);
}

static void test_policy_order_link_supplier_has_no_driver(void **state)
{
	struct world *w = *state;

	device(w, "a", "k");
	device(w, "b", "nobody's");
	link_add(w, "a", "b", WEIR_LINK_ORDER);
	world_driver_add(w, "drv", "k");
	assert_settles(w);
	assert_journal(w, ""); /* one might come yet */
	weir_catalogue_complete(w->m);
	assert_settles(w);
	assert_journal(w, "probe a");
	assert_verdict(w, "b", WEIR_VERDICT_NO_DRIVER);
	/* also when that was known before the link */
	device(w, "c", "k");
	link_add(w, "c", "b", WEIR_LINK_ORDER);
	assert_settles(w);
	assert_journal(w, "probe c");
}

/* An order link does not let go because the supplier's own driver defers. */
static void test_policy_order_link_supplier_defers(void **state)
{
	struct world *w = *state;

	world_plan(w, "probe", "b", WEIR_EDEFER, 1);
	device(w, "a", "k");
	device(w, "b", "k");
	link_add(w, "a", "b", WEIR_LINK_ORDER);
	world_driver_add(w, "drv", "k");
	assert_settles(w);
	assert_journal(w, "probe b");
	device(w, "c", "k");
	assert_settles(w);
	assert_journal(w, "probe c; probe b; probe a");
}

static void test_policy_plain_link_is_not_let_go(void **state)
{
	struct world *w = *state;

	device(w, "a", "k");
	device(w, "b", "nobody's");
	link_add(w, "a", "b", 0);
	world_driver_add(w, "drv", "k");
	weir_catalogue_seal(w->m);
	assert_settles(w);
	assert_journal(w, "");
	assert_verdict(w, "a", WEIR_VERDICT_WAITS_SUPPLIER);
}

/* ---- optional links and suppliers ---- */

static void test_policy_optional_link(void **state)
{
	struct world *w = *state;

	device(w, "a", "k");
	device(w, "b", "late");
	link_add(w, "a", "b", WEIR_LINK_OPTIONAL);
	world_driver_add(w, "drv", "k");
	assert_settles(w);
	assert_journal(w, "");
	weir_catalogue_complete(w->m);
	assert_settles(w);
	assert_journal(w, "probe a");
	world_driver_add(w, "late", "late"); /* against the catalogue's word */
	assert_settles(w);
	assert_journal(w, "probe b; arrived b for a");
}

static void test_policy_optional_supplier_of_a_driver(void **state)
{
	static const char *const optional[] = { "leds", NULL };
	struct world *w = *state;
	struct world_driver *d = world_driver(w, "drv", "k", NULL, NULL);
	struct weir_fwnode *con, *led, *clk;
	struct weir_device *dev;

	d->drv.optional_suppliers = optional;
	assert_int_equal(weir_driver_register(w->m, &d->drv), 0);
	assert_int_equal(weir_fwnode_create(w->m, NULL, "con", "k", &con), 0);
	led = weir_device_fwnode(device(w, "led", "late"));
	clk = weir_device_fwnode(device(w, "clk", "later"));
	assert_int_equal(weir_fwlink_add(con, led, 0, "leds"), 0);
	assert_int_equal(weir_fwlink_add(con, clk, 0, "clocks"), 0);
	assert_int_equal(weir_device_create(w->bus, "con", NULL, con, &dev), 0);
	assert_int_equal(weir_device_add(dev), 0);
	weir_device_unref(dev);
	assert_settles(w);
	assert_journal(w, ""); /* a clock is not optional */
	world_driver_add(w, "later", "later");
	assert_settles(w);
	assert_journal(w, "probe clk; probe con");
	world_driver_add(w, "late", "late");
	assert_settles(w);
	assert_journal(w, "probe led; arrived led for con");
}

/* ---- cycles ---- */

/* Nodes made by code may need each other in a circle: one link gives way, always the same. */
static void test_policy_cycle(void **state)
{
	static const char *const names[] = { "a", "b", "c" };
	static const char *const property[] = { "clocks", "leds", "resets" };
	struct world *w = *state;
	struct weir_fwnode *node[3];

	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(weir_fwnode_create(w->m, NULL, names[i], "k", &node[i]), 0);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(weir_fwlink_add(node[i], node[(i + 1) % 3], 0, property[i]), 0);
	world_driver_add(w, "drv", "k");
	for (unsigned int i = 0; i < 3; i++) {
		struct weir_device *dev;

		assert_int_equal(weir_device_create(w->bus, names[i], NULL, node[i], &dev), 0);
		assert_int_equal(weir_device_add(dev), 0);
		weir_device_unref(dev);
	}
	assert_settles(w);
	assert_journal(w, "probe b; probe a; probe c"); /* b goes without its leds */
}

/* ---- best effort ---- */

static void test_policy_best_effort(void **state)
{
	struct world *w = *state;

	device(w, "console", "k");
	device(w, "other", "k");
	device(w, "pins", "nobody's");
	weir_device_set_best_effort(world_find(w, "console"), true);
	link_add(w, "console", "pins", WEIR_LINK_INFERRED);
	link_add(w, "other", "pins", WEIR_LINK_INFERRED);
	world_driver_add(w, "drv", "k");
	assert_settles(w);
	assert_journal(w, "");
	weir_catalogue_seal(w->m);
	assert_settles(w);
	assert_journal(w, "probe console");
	assert_verdict(w, "other", WEIR_VERDICT_WAITS_SUPPLIER);
}

/* ---- sync_state ---- */

static void test_policy_sync_state(void **state)
{
	struct world *w = *state;

	w->sync_state = true;
	world_driver_add(w, "sup", "s");
	w->sync_state = false;
	device(w, "s", "s");
	device(w, "a", "k");
	device(w, "b", "late");
	link_add(w, "a", "s", 0);
	link_add(w, "b", "s", 0);
	world_driver_add(w, "drv", "k");
	assert_settles(w);
	assert_journal(w, "probe s; probe a");
	world_driver_add(w, "late", "late");
	assert_settles(w);
	assert_journal(w, "probe b; sync_state s");
	assert_int_equal(weir_driver_unbind(world_find(w, "b")), 0);
	device(w, "c", "k");
	assert_settles(w);
	assert_journal(w, "remove b; probe c"); /* once only */
}

/* ---- the catalogue's word ---- */

static void test_policy_verdicts_without_driver(void **state)
{
	static const char *const keys[] = { "mod", NULL }, *const denied[] = { "deny", NULL };
	struct world *w = *state;

	assert_int_equal(weir_catalogue_add(w->m, &(struct weir_catalogue_entry){
		"m", "test", keys, WEIR_CATALOGUE_LOADABLE }), 0);
	assert_int_equal(weir_catalogue_add(w->m, &(struct weir_catalogue_entry){
		"d", "test", denied, WEIR_CATALOGUE_DENIED }), 0);
	device(w, "a", "mod");
	device(w, "b", "deny");
	device(w, "c", "none");
	assert_settles(w);
	assert_verdict(w, "a", WEIR_VERDICT_LOADABLE);
	assert_verdict(w, "b", WEIR_VERDICT_DENIED);
	assert_verdict(w, "c", WEIR_VERDICT_UNKNOWN_DRIVER);
	weir_catalogue_complete(w->m);
	assert_verdict(w, "a", WEIR_VERDICT_LOADABLE);
	assert_verdict(w, "c", WEIR_VERDICT_NO_DRIVER);
	weir_catalogue_seal(w->m);
	assert_verdict(w, "a", WEIR_VERDICT_NO_DRIVER);
}

/* ---- the board: order of arrival, unload and reload, threads ---- */

enum { STEPS = BOARD_DEVICES + BOARD_DRIVERS };

static struct board board;
static const unsigned int in_order[STEPS] = { 0, 1, 2, 3, 4, 5, 6, 7 };
static const char expected[] =
	"clk: bound by clk (bound)\n"
	"iommu: bound by iommu (bound), clocks clk 308 4\n"
	"nic: bound by nic (bound), in a group, clocks clk 308 4, iommus iommu 308 4\n"
	"gpu: bound by gpu (bound), in a group, iommus iommu 308 4\n"
	"panel: bound by panel (bound), backlight gpu 308 4\n"
	"links 5, firmware links 0\n";

static void arrive(struct world *w, unsigned int step, bool settle)
{
	if (step < BOARD_DEVICES)
		assert_int_equal(board_try_device(w, step), 0);
	else
		assert_int_equal(weir_driver_register(w->m,
						      &board.drivers[step - BOARD_DEVICES]->drv), 0);
	if (settle)
		assert_settles(w);
}

static void run_board(struct world *w, const unsigned int order[STEPS], bool settle)
{
	char outcome[800];

	assert_int_equal(board_try_load(&board, w), 0);
	for (unsigned int i = 0; i < STEPS; i++)
		arrive(w, order[i], settle);
	assert_settles(w);
	board_outcome(w, outcome, sizeof(outcome));
	assert_string_equal(outcome, expected);
}

static void test_policy_board(void **state)
{
	struct world *w = *state;

	run_board(w, in_order, false);
	assert_journal(w, "probe clk; probe nic; probe gpu; probe panel");
}

static void test_policy_board_reload(void **state)
{
	static const char *const removed[BOARD_DRIVERS] = {
		"remove nic; remove panel; remove gpu; remove clk",
		"remove nic; remove panel; remove gpu",
		"remove panel; remove gpu; remove nic",
	};
	struct world *w = *state;
	char outcome[800];

	run_board(w, in_order, false);
	for (unsigned int i = 0; i < 3 * BOARD_DRIVERS; i++) {
		struct world_driver *d = board.drivers[i % BOARD_DRIVERS];
		struct weir_device *nic = world_find(w, "nic");

		w->journal_bytes = 0;
		world_driver_del(w, d);
		if (i % BOARD_DRIVERS == 2)
			assert_journal(w, removed[2]);
		assert_int_not_equal(weir_device_verdict(nic, NULL), WEIR_VERDICT_BOUND);
		assert_settles(w);
		assert_int_equal(weir_driver_register(w->m, &d->drv), 0);
		assert_settles(w);
		board_outcome(w, outcome, sizeof(outcome));
		assert_string_equal(outcome, expected);
	}
	/* the whole board at once, from its root supplier */
	w->journal_bytes = 0;
	world_driver_del(w, board.drivers[BOARD_CLK_DRIVER]);
	assert_journal(w, removed[0]);
}

/* The next permutation in lexical order. False after the last. */
static bool permute(unsigned int *p, unsigned int n)
{
	unsigned int i = n - 1, j = n - 1, t;

	while (i && p[i - 1] >= p[i])
		i--;
	if (!i)
		return false;
	while (p[j] <= p[i - 1])
		j--;
	t = p[i - 1], p[i - 1] = p[j], p[j] = t;
	for (j = n - 1; i < j; i++, j--)
		t = p[i], p[i] = p[j], p[j] = t;
	return true;
}

/* Each order of arrival of five devices and three drivers: 8! of them, at once and one by one. */
static void test_policy_every_order_of_arrival(void **state)
{
	unsigned int order[STEPS], n = 0;

	(void)state;
	memcpy(order, in_order, sizeof(order));
	do {
		struct world w;

		world_open(&w, NULL);
		run_board(&w, order, n++ & 1);
		world_close(&w);
	} while (permute(order, STEPS));
	assert_int_equal(n, 40320);
}

/* Some of the orders, on probe threads; the probes take a moment, so that they overlap. */
static int dawdle(struct world *w, struct weir_device *dev)
{
	volatile unsigned int n = 0;

	(void)w;
	for (const char *c = weir_device_name(dev); *c; c++)
		while (n++ % 997 != (unsigned char)*c)
			;
	return 0;
}

static void test_policy_threads(void **state)
{
	static const unsigned int threads[] = { 1, 4, 8 };

	(void)state;
	for (unsigned int t = 0; t < 3; t++) {
		unsigned int order[STEPS], n = 0;

		memcpy(order, in_order, sizeof(order));
		do {
			struct world w;

			if (n++ % 331)
				continue;
			world_open_threads(&w, NULL, threads[t]);
			w.on_probe = dawdle;
			run_board(&w, order, n & 1);
			world_close(&w);
		} while (permute(order, STEPS));
	}
}

/* A driver is unregistered while its probes may be running. */
static void test_policy_threads_unregister(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 300; i++) {
		struct world w;
		char outcome[800];

		world_open_threads(&w, NULL, 4);
		w.on_probe = dawdle;
		assert_int_equal(board_try_load(&board, &w), 0);
		for (unsigned int k = 0; k < STEPS; k++)
			arrive(&w, k, false);
		for (unsigned int k = 0; k < i % 5; k++)
			weir_step(w.m, 1);
		world_driver_del(&w, board.drivers[i % BOARD_DRIVERS]);
		assert_settles(&w);
		assert_int_equal(weir_driver_register(w.m, &board.drivers[i % BOARD_DRIVERS]->drv),
				 0);
		assert_settles(&w);
		board_outcome(&w, outcome, sizeof(outcome));
		assert_string_equal(outcome, expected);
		world_close(&w);
	}
}

/* Devices are deleted while they may be being probed, and come again. */
static void test_policy_threads_delete(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 300; i++) {
		unsigned int which = i % BOARD_DEVICES;
		struct world w;

		world_open_threads(&w, NULL, 4);
		w.on_probe = dawdle;
		assert_int_equal(board_try_load(&board, &w), 0);
		for (unsigned int k = 0; k < STEPS; k++)
			arrive(&w, k, false);
		for (unsigned int k = 0; k < i % 7; k++)
			weir_step(w.m, 1);
		weir_device_del(world_find(&w, board_names[which]));
		assert_int_equal(board_try_device(&w, which), 0);
		assert_settles(&w);
		for (unsigned int k = 0; k < BOARD_DEVICES; k++)
			assert_verdict(&w, board_names[k], WEIR_VERDICT_BOUND);
		world_close(&w);
	}
}

static int slow_parent(struct world *w, struct weir_device *dev)
{
	(void)w;
	if (!strcmp(weir_device_name(dev), "parent"))
		nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	return 0;
}

/*
 * A child that comes up for a probe while its parent is being probed on another thread
 * waits for the end of that; also when the end is that the driver does not take it.
 */
static void test_policy_threads_parent_refused(void **state)
{
	static const int ends[] = { 0, WEIR_ENODEV, WEIR_EIO, WEIR_EDEFER };
	struct world w;

	(void)state;
	for (unsigned int n = 0; n < 100; n++) {
		unsigned int i = n % 4;
		struct weir_device *parent;

		world_open_threads(&w, NULL, 4);
		w.on_probe = slow_parent;
		if (ends[i])
			world_plan(&w, "probe", "parent", ends[i], 0);
		parent = world_device(&w, "parent", NULL, "t,parent");
		world_device(&w, "child", parent, "t,child");
		world_driver_add(&w, "parents", "t,parent");
		world_driver_add(&w, "children", "t,child");
		assert_settles(&w);
		assert_status(&w, "child", WEIR_DEVICE_BOUND);
		world_close(&w);
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_world, close_world)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_policy_waits_for_suppliers),
		TEST(test_policy_driver_defers),
		TEST(test_policy_failure_is_final_for_who_needs_it),
		TEST(test_policy_order_link_supplier_binds),
		TEST(test_policy_order_link_supplier_fails),
		TEST(test_policy_order_link_supplier_has_no_driver),
		TEST(test_policy_order_link_supplier_defers),
		TEST(test_policy_plain_link_is_not_let_go),
		TEST(test_policy_optional_link),
		TEST(test_policy_optional_supplier_of_a_driver),
		TEST(test_policy_cycle),
		TEST(test_policy_best_effort),
		TEST(test_policy_sync_state),
		TEST(test_policy_verdicts_without_driver),
		TEST(test_policy_board),
		TEST(test_policy_board_reload),
		cmocka_unit_test(test_policy_every_order_of_arrival),
		cmocka_unit_test(test_policy_threads),
		cmocka_unit_test(test_policy_threads_unregister),
		cmocka_unit_test(test_policy_threads_delete),
		cmocka_unit_test(test_policy_threads_parent_refused),
	};

	board_init(&board);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
