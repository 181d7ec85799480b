// SPDX-License-Identifier: MIT
/*
 * Fault sweeps: each scenario runs once for each host call it makes, with that call
 * failing. The error is the proper one, the failed call leaves no trace, its retry
 * succeeds, the outcome is the same, and nothing is left in the end.
 */
#include <stdio.h>
#include <string.h>

#include "board.h"
#include "core/core.h"
#include "plainpolicy.h"

static struct board board;

static const char expected[] =
	"clk: bound by clk (bound)\n"
	"iommu: bound by iommu (bound), clocks clk 308 4\n"
	"nic: bound by nic (bound), in a group, clocks clk 308 4, iommus iommu 308 4\n"
	"gpu: bound by gpu (bound), in a group, iommus iommu 308 4\n"
	"panel: bound by panel (bound), backlight gpu 308 4\n"
	"links 5, firmware links 0\n";

/* Does something that can fail once: then as it should, and then it is done again. */
#define RETRY(t, call) \
	do { \
		int err_ = (call); \
		if (err_) { \
			assert_int_equal(err_, WEIR_ENOMEM); \
			assert_true(testhost_fault_hit(t)); \
			assert_int_equal((call), 0); \
		} \
	} while (0)

/* ---- making a world ---- */

static int open_machine(struct world *w, struct testhost *t, const struct weir_policy_ops *policy)
{
	int err;

	memset(w, 0, sizeof(*w));
	pthread_mutex_init(&w->mutex, NULL);
	w->host = t;
	err = weir_machine_create_policy(testhost_ops(t), t, policy, NULL, &w->m);
	assert_true(!err || !w->m);
	return err;
}

static void open_world(struct world *w, struct testhost *t, const struct weir_policy_ops *policy)
{
	RETRY(t, open_machine(w, t, policy));
	RETRY(t, weir_bus_create(w->m, "test", NULL, &w->bus));
	assert_string_equal(weir_bus_name(w->bus), "test");
}

/* A probe that takes what a probe may take. */
static int take_resources(struct world *w, struct weir_device *dev)
{
	void *mem;

	(void)w;
	if (weir_devm_alloc(dev, 40, &mem))
		return WEIR_ENOMEM;
	return weir_devm_alloc(dev, 8, &mem);
}

/* ---- a board comes up, in an order that makes it wait; is reloaded; goes ---- */

static void register_all(struct world *w, bool on)
{
	for (unsigned int i = 0; i < BOARD_DRIVERS; i++) {
		if (on)
			RETRY(w->host, weir_driver_register(w->m, &board.drivers[i]->drv));
		else
			assert_int_equal(weir_driver_unregister(w->m, &board.drivers[i]->drv), 0);
	}
}

/*
 * A call that fails inside a probe fails that probe, and no more: loading the drivers
 * again brings up everything.
 */
static void assert_comes_up(struct world *w)
{
	char outcome[800];

	board_outcome(w, outcome, sizeof(outcome));
	if (strcmp(outcome, expected)) {
		assert_true(testhost_fault_hit(w->host));
		register_all(w, false);
		register_all(w, true);
		assert_settles(w);
		board_outcome(w, outcome, sizeof(outcome));
	}
	assert_string_equal(outcome, expected);
}

static void bring_up(struct testhost *t, const unsigned int *order)
{
	struct world w;

	open_world(&w, t, NULL);
	w.on_probe = take_resources;
	RETRY(t, board_try_load(&board, &w));
	for (unsigned int i = 0; i < BOARD_DEVICES; i++)
		RETRY(t, board_try_device(&w, order[i]));
	register_all(&w, true);
	assert_settles(&w);
	assert_comes_up(&w);
	register_all(&w, false);
	register_all(&w, true);
	assert_settles(&w);
	assert_comes_up(&w);
	weir_machine_destroy(w.m);
	pthread_mutex_destroy(&w.mutex);
}

static void scenario_board(struct testhost *t, void *arg)
{
	bring_up(t, arg);
}

static void test_fault_board(void **state)
{
	static unsigned int orders[][BOARD_DEVICES] = { { 0, 1, 2, 3, 4 }, { 4, 3, 2, 1, 0 },
							{ 2, 4, 0, 3, 1 } };

	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		assert_in_range(testhost_sweep(NULL, NULL, scenario_board, orders[i]), 60, 400);
}

static void test_fault_board_on_threads(void **state)
{
	static unsigned int order[BOARD_DEVICES] = { 4, 3, 2, 1, 0 };
	struct weir_posix_options options = { .threads = 3 };
	struct weir_posix *posix;

	(void)state;
	assert_int_equal(weir_posix_create(&options, &posix), 0);
	assert_in_range(testhost_sweep(weir_posix_ops(posix), posix, scenario_board, order), 60,
			400);
	weir_posix_destroy(posix);
}

/* ---- links, made by hand ---- */

static void scenario_links(struct testhost *t, void *arg)
{
	static const uint32_t flags[] = { 0, WEIR_LINK_STATELESS, WEIR_LINK_PM_RUNTIME,
					  WEIR_LINK_ORDER };
	struct weir_machine_stats stats;
	struct weir_link *link;
	struct world w;

	(void)arg;
	open_world(&w, t, &plain_policy);
	for (char name[2] = "a"; name[0] <= 'f'; name[0]++)
		RETRY(t, world_try_device(&w, name, NULL, "k", NULL));
	for (unsigned int i = 0; i < 5; i++) {
		char con[2] = { (char)('b' + i), '\0' }, sup[2] = { (char)('a' + i), '\0' };

		RETRY(t, weir_link_add(world_find(&w, con), world_find(&w, sup), flags[i % 4],
				       &link));
		assert_ptr_equal(link, world_link(&w, con, sup));
	}
	RETRY(t, weir_link_add(world_find(&w, "f"), world_find(&w, "a"), 0, NULL));
	weir_machine_stats_get(w.m, &stats);
	assert_int_equal(stats.links, 6);
	weir_machine_destroy(w.m);
	pthread_mutex_destroy(&w.mutex);
}

static void test_fault_links(void **state)
{
	(void)state;
	assert_in_range(testhost_sweep(NULL, NULL, scenario_links, NULL), 40, 200);
}

/* ---- a device and a driver of several keys ---- */

static const char *three_keys(const struct weir_device *dev, unsigned int index)
{
	static const char *const keys[] = { "x", "y", "z" };

	(void)dev;
	return index < 3 ? keys[index] : NULL;
}

static uint32_t offered(struct weir_bus *bus, const char *key)
{
	const struct weir_key *k = weir_map_get_(&bus->keys, key, 1);

	return k ? k->nr_devices : 0;
}

/* A device that could not be added is in no index, and can be added again. */
static void add_bare(struct testhost *t, struct weir_bus *bus, const char *name, uint32_t before)
{
	struct weir_device *dev;

	RETRY(t, weir_device_create(bus, name, NULL, NULL, &dev));
	if (weir_device_add(dev)) {
		assert_true(testhost_fault_hit(t));
		assert_int_equal(offered(bus, "x") + offered(bus, "y") + offered(bus, "z"),
				 3 * before);
		assert_int_equal(weir_device_add(dev), 0);
	}
	assert_int_equal(offered(bus, "x") + offered(bus, "y") + offered(bus, "z"), 3 * before + 3);
	weir_device_unref(dev);
}

static void scenario_keys(struct testhost *t, void *arg)
{
	static const struct weir_bus_ops ops = {
		.abi = WEIR_ABI(struct weir_bus_ops), .match_key = three_keys,
	};
	struct world_driver *d;
	struct weir_bus *bus;
	struct world w;

	(void)arg;
	open_world(&w, t, &plain_policy);
	RETRY(t, weir_bus_create(w.m, "keyed", &ops, &bus));
	add_bare(t, bus, "first", 0);
	add_bare(t, bus, "second", 1);
	d = world_driver(&w, "drv", "z", "y", "x");
	d->drv.bus = "keyed";
	RETRY(t, weir_driver_register(w.m, &d->drv));
	assert_settles(&w);
	assert_journal(&w, "probe first; probe second");
	weir_machine_destroy(w.m);
	pthread_mutex_destroy(&w.mutex);
}

static void test_fault_keys(void **state)
{
	(void)state;
	assert_in_range(testhost_sweep(NULL, NULL, scenario_keys, NULL), 15, 100);
}

/* ---- modules and the catalogue ---- */

static const struct weir_driver *drivers[BOARD_DRIVERS + 1];

static const struct weir_module_entry entry = {
	.abi = WEIR_ABI(struct weir_module_entry), .name = "all", .drivers = drivers,
};

static void scenario_module(struct testhost *t, void *arg)
{
	static const char *const keys[] = { "t,clk", "t,iommu", NULL };
	static const struct weir_catalogue_entry known = { "known", "test", keys,
							   WEIR_CATALOGUE_BUILTIN };
	struct weir_machine_stats stats;
	struct weir_module *module;
	struct world w;

	(void)arg;
	open_world(&w, t, NULL);
	RETRY(t, board_try_load(&board, &w));
	for (unsigned int i = 0; i < BOARD_DRIVERS; i++)
		drivers[i] = &board.drivers[i]->drv;
	RETRY(t, weir_catalogue_add(w.m, &known));
	weir_catalogue_complete(w.m);
	for (unsigned int i = 0; i < BOARD_DEVICES; i++)
		RETRY(t, board_try_device(&w, i));
	for (unsigned int i = 0; i < 2; i++) {
		int err = weir_module_load(w.m, &entry, &module);

		if (err) {
			assert_int_equal(err, WEIR_ENOMEM);
			weir_machine_stats_get(w.m, &stats);
			assert_int_equal(stats.drivers, 0);
			assert_int_equal(weir_module_find(w.m, "all", &module), WEIR_ENOENT);
			assert_int_equal(weir_module_load(w.m, &entry, &module), 0);
		}
		assert_settles(&w);
		assert_int_equal(weir_module_unload(module, 0), 0);
		weir_machine_stats_get(w.m, &stats);
		assert_int_equal(stats.drivers, 0);
	}
	weir_machine_destroy(w.m);
	pthread_mutex_destroy(&w.mutex);
}

static void test_fault_module(void **state)
{
	(void)state;
	assert_in_range(testhost_sweep(NULL, NULL, scenario_module, NULL), 60, 400);
}

/* ---- a cycle, settled on the way ---- */

static void scenario_cycle(struct testhost *t, void *arg)
{
	static const char *const names[] = { "a", "b", "c" };
	struct weir_fwnode *node[3];
	struct weir_device *dev;
	struct world w;

	(void)arg;
	open_world(&w, t, NULL);
	for (unsigned int i = 0; i < 3; i++)
		RETRY(t, weir_fwnode_create(w.m, NULL, names[i], "k", &node[i]));
	for (unsigned int i = 0; i < 3; i++)
		RETRY(t, weir_fwlink_add(node[i], node[(i + 1) % 3], 0, i ? "clocks" : "leds"));
	for (unsigned int i = 0; i < 3; i++) {
		RETRY(t, weir_device_create(w.bus, names[i], NULL, node[i], &dev));
		RETRY(t, weir_device_add(dev));
		weir_device_unref(dev);
	}
	RETRY(t, weir_driver_register(w.m, &world_driver(&w, "drv", "k", NULL, NULL)->drv));
	assert_settles(&w);
	for (unsigned int i = 0; i < 3; i++) /* only a bind that found no memory excuses one */
		if (weir_device_status_get(world_find(&w, names[i])) != WEIR_DEVICE_BOUND)
			assert_true(testhost_fault_hit(t));
	weir_machine_destroy(w.m);
	pthread_mutex_destroy(&w.mutex);
}

static void test_fault_cycle(void **state)
{
	(void)state;
	assert_in_range(testhost_sweep(NULL, NULL, scenario_cycle, NULL), 30, 200);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fault_board),
		cmocka_unit_test(test_fault_board_on_threads),
		cmocka_unit_test(test_fault_links),
		cmocka_unit_test(test_fault_keys),
		cmocka_unit_test(test_fault_module),
		cmocka_unit_test(test_fault_cycle),
	};

	board_init(&board);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
