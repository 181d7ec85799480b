// SPDX-License-Identifier: MIT
/*
 * A device that firmware names goes, and comes again: what firmware says of it is true all the time.
 * Consumers wait meanwhile, and have their links again after.
 */
#include "core/core.h"
#include "world.h"

struct nodes {
	struct weir_fwnode *con, *sup;
};

static struct weir_device *plug(struct world *w, const char *name, struct weir_fwnode *node)
{
	struct weir_device *dev;

	assert_int_equal(weir_device_create(w->bus, name, NULL, node, &dev), 0);
	assert_int_equal(weir_device_add(dev), 0);
	return weir_device_unref(dev);
}

static void open_pair(struct world *w, struct nodes *n)
{
	world_open(w, NULL);
	assert_int_equal(weir_fwnode_create(w->m, NULL, "con", "kc", &n->con), 0);
	assert_int_equal(weir_fwnode_create(w->m, NULL, "sup", "ks", &n->sup), 0);
	assert_int_equal(weir_fwlink_add(n->con, n->sup, 0, "clocks"), 0);
	plug(w, "con", n->con);
	plug(w, "sup", n->sup);
	world_driver_add(w, "dc", "kc");
	world_driver_add(w, "ds", "ks");
	assert_settles(w);
	assert_status(w, "con", WEIR_DEVICE_BOUND);
	assert_journal(w, "probe sup; probe con");
}

static void expect_linked(struct world *w)
{
	struct weir_link *link = world_link(w, "con", "sup");

	assert_non_null(link);
	assert_int_equal(weir_link_flags(link) & ~WEIR_LINK_MANAGED,
			 WEIR_LINK_INFERRED | WEIR_LINK_PM_RUNTIME);
	assert_string_equal(link->property, "clocks");
	assert_int_equal(link->state, WEIR_LINK_ACTIVE);
}

static void test_replug_supplier(void **state)
{
	struct weir_why why;
	struct nodes n;
	struct world w;

	(void)state;
	open_pair(&w, &n);
	for (unsigned int round = 0; round < 3; round++) {
		weir_device_del(world_find(&w, "sup"));
		assert_settles(&w);
		assert_journal(&w, "remove con; remove sup");
		assert_int_equal(weir_device_verdict(world_find(&w, "con"), &why),
				 WEIR_VERDICT_WAITS_NODE);
		assert_ptr_equal(why.node, n.sup);
		plug(&w, "sup", n.sup);
		assert_settles(&w);
		assert_journal(&w, "probe sup; probe con");
		expect_linked(&w);
	}
	world_close(&w);
}

static void test_replug_consumer(void **state)
{
	struct nodes n;
	struct world w;

	(void)state;
	open_pair(&w, &n);
	for (unsigned int round = 0; round < 3; round++) {
		weir_device_del(world_find(&w, "con"));
		assert_journal(&w, "remove con");
		assert_int_equal(weir_driver_unbind(world_find(&w, "sup")), 0);
		plug(&w, "con", n.con);
		assert_settles(&w);
		assert_status(&w, "con", WEIR_DEVICE_NO_DRIVER);
		assert_int_equal(weir_driver_bind(world_find(&w, "sup")), 0);
		assert_settles(&w);
		assert_journal(&w, "remove sup; probe sup; probe con");
		expect_linked(&w);
	}
	world_close(&w);
}

/* Both go, and come in the order in which they must not be probed. */
static void test_replug_both(void **state)
{
	struct nodes n;
	struct world w;

	(void)state;
	open_pair(&w, &n);
	weir_device_del(world_find(&w, "sup"));
	weir_device_del(world_find(&w, "con"));
	assert_journal(&w, "remove con; remove sup");
	plug(&w, "con", n.con);
	assert_settles(&w);
	assert_status(&w, "con", WEIR_DEVICE_NO_DRIVER);
	plug(&w, "sup", n.sup);
	assert_settles(&w);
	assert_journal(&w, "probe sup; probe con");
	expect_linked(&w);
	world_close(&w);
}

/* A link that somebody made by hand is not firmware's: it goes with its device. */
static void test_replug_made_by_hand(void **state)
{
	struct nodes n;
	struct world w;

	(void)state;
	open_pair(&w, &n);
	world_device(&w, "other", NULL, "ks");
	assert_int_equal(weir_link_add(world_find(&w, "con"), world_find(&w, "other"), 0, NULL), 0);
	assert_settles(&w);
	weir_device_del(world_find(&w, "other"));
	assert_settles(&w);
	assert_int_equal(n.con->nr_blocking, 0);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replug_supplier),
		cmocka_unit_test(test_replug_consumer),
		cmocka_unit_test(test_replug_both),
		cmocka_unit_test(test_replug_made_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
