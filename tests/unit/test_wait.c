// SPDX-License-Identifier: MIT
/* weir_dev_wait_for: a probe says what it waits for, and exactly that brings it back. */
#include <stdio.h>
#include <string.h>

#include "core/core.h"
#include "world.h"

#define N 4u

/* Nodes n0, n1, ...: each probe waits for the node that a test names, until it is bound. */
struct needs {
	struct weir_fwnode *node[N];
	int need[N];   /* index, or -1 */
	int result[N]; /* of the last wait */
};

static struct needs needs;

static int wait_probe(struct world *w, struct weir_device *dev)
{
	unsigned int i = (unsigned int)(weir_device_name(dev)[1] - '0');
	struct weir_fwnode *sup;
	struct weir_device *sup_dev;

	(void)w;
	if (needs.need[i] < 0)
		return 0;
	sup = needs.node[needs.need[i]];
	sup_dev = weir_fwnode_device(sup);
	if (sup_dev && weir_device_status_get(sup_dev) == WEIR_DEVICE_BOUND)
		return 0;
	needs.result[i] = weir_dev_wait_for(dev, sup, "clocks");
	return needs.result[i];
}

static int open_world(void **state)
{
	static struct world w;
	char name[] = "n0";

	world_open(&w, NULL);
	w.on_probe = wait_probe;
	for (unsigned int i = 0; i < N; i++, name[1]++) {
		assert_int_equal(weir_fwnode_create(w.m, NULL, name, "k", &needs.node[i]), 0);
		needs.need[i] = -1;
		needs.result[i] = 0;
	}
	world_driver_add(&w, "drv", "k");
	*state = &w;
	return 0;
}

static int close_world(void **state)
{
	world_close(*state);
	return 0;
}

static struct weir_device *add(struct world *w, unsigned int i)
{
	struct weir_fwnode *node = needs.node[i];
	struct weir_device *dev;

	assert_int_equal(weir_device_create(w->bus, weir_fwnode_name(node), NULL, node, &dev), 0);
	assert_int_equal(weir_device_add(dev), 0);
	weir_device_unref(dev);
	return dev;
}

/* The supplier is a device, but not bound: a bind of something else is no reason to try. */
static void test_wait_for_a_device(void **state)
{
	struct world *w = *state;
	struct weir_device *a, *b;
	struct weir_why why;

	needs.need[0] = 1;
	a = add(w, 0);
	world_plan(w, "probe", "n1", WEIR_EDEFER, 1);
	b = add(w, 1);
	assert_settles(w);
	assert_journal(w, "probe n0; probe n1");
	assert_int_equal(needs.result[0], WEIR_EDEFER);
	assert_int_equal(weir_device_verdict(a, &why), WEIR_VERDICT_WAITS_SUPPLIER);
	assert_ptr_equal(why.next, b);
	assert_string_equal(why.property, "clocks");
	add(w, 2);
	assert_settles(w);
	assert_journal(w, "probe n2; probe n1; probe n0");
	assert_int_equal(weir_link_state_get(weir_link_first(a)), WEIR_LINK_ACTIVE);
}

/* The supplier is not a device yet; the wait goes on when it becomes one. */
static void test_wait_for_a_node(void **state)
{
	struct world *w = *state;
	struct weir_device *a;
	struct weir_why why;

	needs.need[0] = 1;
	a = add(w, 0);
	add(w, 2);
	assert_settles(w);
	add(w, 3);
	assert_settles(w);
	assert_journal(w, "probe n0; probe n2; probe n3");
	assert_int_equal(weir_device_verdict(a, &why), WEIR_VERDICT_WAITS_NODE);
	assert_ptr_equal(why.node, needs.node[1]);
	add(w, 1);
	assert_settles(w);
	assert_journal(w, "probe n1; probe n0");
	assert_status(w, "n0", WEIR_DEVICE_BOUND);
	assert_null(weir_fwlink_first(needs.node[0]));
}

/* The need is one like all others: the consumer is unbound first, and bound again after. */
static void test_wait_stays(void **state)
{
	struct world *w = *state;

	needs.need[0] = 1;
	add(w, 0);
	add(w, 1);
	assert_settles(w);
	assert_journal(w, "probe n0; probe n1; probe n0");
	assert_int_equal(weir_driver_unbind(world_find(w, "n1")), 0);
	assert_journal(w, "remove n0; remove n1");
}

/* Who is needed by what it waits for is told so, and can do without. */
static void test_wait_in_a_circle(void **state)
{
	struct world *w = *state;
	struct weir_device *a;

	needs.need[0] = 1;
	needs.need[1] = 2;
	needs.need[2] = 0;
	a = add(w, 0);
	add(w, 1);
	add(w, 2);
	assert_settles(w);
	assert_journal(w, "probe n0; probe n1; probe n2");
	assert_int_equal(needs.result[2], WEIR_EINVAL);
	assert_int_equal(weir_device_verdict(world_find(w, "n2"), NULL), WEIR_VERDICT_FAILED);
	assert_int_equal(weir_device_verdict(a, NULL), WEIR_VERDICT_WAITS_SUPPLIER);
}

static int wait_oddly(struct world *w, struct weir_device *dev)
{
	struct weir_fwnode *foreign = needs.node[0];
	struct weir_device *n1 = world_find(w, "n1");

	assert_int_equal(weir_dev_wait_for(dev, foreign, NULL), WEIR_EINVAL);
	if (dev == n1) {
		assert_int_equal(weir_dev_wait_for(dev, needs.node[1], NULL), WEIR_EINVAL);
		weir_fwnode_set_initialized(needs.node[2], true, true);
		assert_int_equal(weir_dev_wait_for(dev, needs.node[2], NULL), WEIR_EINVAL);
	}
	return 0;
}

static void test_wait_for_nothing(void **state)
{
	struct world *w = *state;
	struct weir_machine *other;

	assert_int_equal(weir_machine_create(testhost_ops(w->host), w->host, &other), 0);
	assert_int_equal(weir_fwnode_create(other, NULL, "far", "k", &needs.node[0]), 0);
	w->on_probe = wait_oddly;
	add(w, 1);
	assert_settles(w);
	assert_status(w, "n1", WEIR_DEVICE_BOUND);
	assert_null(weir_link_first(world_find(w, "n1")));
	assert_int_equal(weir_dev_wait_for(world_find(w, "n1"), needs.node[2], NULL), WEIR_EINVAL);
	weir_machine_destroy(other);
}

/* A device without a node waits for a device; with none, it is tried again now and then. */
static void test_wait_without_node(void **state)
{
	struct world *w = *state;
	struct weir_device *dev;

	needs.need[0] = 1;
	add(w, 3);
	assert_int_equal(weir_device_create(w->bus, "n0", NULL, needs.node[3], &dev), 0);
	assert_int_equal(weir_device_add(dev), 0);
	assert_settles(w);
	assert_journal(w, "probe n3; probe n0; probe n0");
	assert_null(weir_link_first(dev));
	world_plan(w, "probe", "n1", WEIR_EDEFER, 1);
	add(w, 1);
	assert_settles(w);
	assert_journal(w, "probe n1");
	add(w, 2);
	assert_settles(w);
	assert_journal(w, "probe n2; probe n0; probe n1; probe n0");
	assert_int_equal(weir_link_state_get(weir_link_first(dev)), WEIR_LINK_ACTIVE);
	weir_device_unref(dev);
}

/* Any call of the host may fail: the device waits, is bound or has failed, and nothing is left. */
static void wait_scenario(struct testhost *t, void *arg)
{
	struct world w = { 0 };
	int err = world_try_open(&w, t, NULL);

	(void)arg;
	w.quiet = true;
	w.on_probe = wait_probe;
	for (unsigned int i = 0; i < 2 && !err; i++) {
		needs.need[i] = i ? -1 : 1;
		err = weir_fwnode_create(w.m, NULL, i ? "n1" : "n0", "k", &needs.node[i]);
	}
	if (!err)
		err = weir_driver_register(w.m, &world_driver(&w, "drv", "k", NULL, NULL)->drv);
	for (unsigned int i = 0; i < 2 && !err; i++) {
		struct weir_device *dev;

		err = weir_device_create(w.bus, i ? "n1" : "n0", NULL, needs.node[i], &dev);
		if (err)
			break;
		err = weir_device_add(dev);
		weir_device_unref(dev);
		if (!err)
			assert_settles(&w);
	}
	if (!testhost_fault_hit(t))
		assert_status(&w, "n0", WEIR_DEVICE_BOUND);
	else if (err)
		assert_int_equal(err, WEIR_ENOMEM);
	weir_machine_destroy(w.m);
	pthread_mutex_destroy(&w.mutex);
}

static void test_wait_without_memory(void **state)
{
	(void)state;
	assert_in_range(testhost_sweep(NULL, NULL, wait_scenario, NULL), 15, 60);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_wait_for_a_device),
		TEST(test_wait_for_a_node),
		TEST(test_wait_stays),
		TEST(test_wait_in_a_circle),
		TEST(test_wait_for_nothing),
		TEST(test_wait_without_node),
		cmocka_unit_test(test_wait_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
