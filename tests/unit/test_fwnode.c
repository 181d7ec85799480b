// SPDX-License-Identifier: MIT
/* Firmware nodes made by code, their links, and how those turn into device links. */
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

static int close_world(void **state)
{
	world_close(*state);
	return 0;
}

static struct weir_fwnode *node(struct world *w, struct weir_fwnode *parent, const char *name)
{
	struct weir_fwnode *n;

	assert_int_equal(weir_fwnode_create(w->m, parent, name, "k", &n), 0);
	return n;
}

static struct weir_device *device(struct world *w, struct weir_fwnode *n)
{
	struct weir_device *dev;

	assert_int_equal(weir_device_create(w->bus, weir_fwnode_name(n), NULL, n, &dev), 0);
	assert_int_equal(weir_device_add(dev), 0);
	weir_device_unref(dev);
	return dev;
}

static void need(struct weir_fwnode *con, struct weir_fwnode *sup, uint32_t flags)
{
	assert_int_equal(weir_fwlink_add(con, sup, flags, "clocks"), 0);
}

static void test_fwnode_tree(void **state)
{
	struct world *w = *state;
	struct weir_fwnode *root = node(w, NULL, "root"), *a, *b;
	char path[32];

	a = node(w, root, "a");
	b = node(w, a, "b@10");
	assert_ptr_equal(weir_fwnode_parent(b), a);
	assert_ptr_equal(weir_fwnode_first_child(root), a);
	assert_null(weir_fwnode_next_sibling(a));
	assert_string_equal(weir_fwnode_name(b), "b@10");
	assert_string_equal(weir_fwnode_compatible(b, 0), "k");
	assert_null(weir_fwnode_compatible(b, 1));
	assert_true(weir_fwnode_available(b));
	assert_ptr_equal(weir_fwnode_next(root), a);
	assert_ptr_equal(weir_fwnode_next(a), b);
	assert_null(weir_fwnode_next(b));
	assert_int_equal(weir_fwnode_path(b, path, sizeof(path)), strlen("/a/b@10"));
	assert_string_equal(path, "/a/b@10");
	assert_int_equal(weir_fwnode_path(root, path, sizeof(path)), strlen("root"));
	assert_string_equal(path, "root");
}

/* The path is cut where the room ends, always terminated, and nothing else is written. */
static void test_fwnode_path_cuts(void **state)
{
	struct world *w = *state;
	struct weir_fwnode *n = node(w, node(w, node(w, NULL, ""), "soc"), "uart@1");
	char path[20];

	for (size_t room = 0; room < sizeof(path); room++) {
		size_t kept = room && room - 1 < strlen("/soc/uart@1") ? room - 1
								    : strlen("/soc/uart@1");

		memset(path, '#', sizeof(path));
		assert_int_equal(weir_fwnode_path(n, path, room), strlen("/soc/uart@1"));
		for (size_t i = room; i < sizeof(path); i++)
			assert_int_equal(path[i], '#');
		if (!room)
			continue;
		assert_memory_equal(path, "/soc/uart@1", kept);
		assert_int_equal(path[kept], '\0');
	}
}

static void test_fwlink_one_for_each_pair(void **state)
{
	struct world *w = *state;
	struct weir_fwnode *a = node(w, NULL, "a"), *b = node(w, NULL, "b"), *c = node(w, NULL, "c");
	struct weir_machine_stats stats;
	struct weir_fwlink *link;

	need(a, b, 0);
	need(a, c, 0);
	need(a, b, WEIR_FWLINK_CYCLE);
	weir_machine_stats_get(w->m, &stats);
	assert_int_equal(stats.fwnode_links, 2);
	link = weir_fwlink_first(a); /* last found first */
	assert_ptr_equal(weir_fwlink_supplier(link), c);
	link = weir_fwlink_next(link);
	assert_ptr_equal(weir_fwlink_supplier(link), b);
	assert_ptr_equal(weir_fwlink_consumer(link), a);
	assert_int_equal(weir_fwlink_flags(link), WEIR_FWLINK_CYCLE);
	assert_string_equal(weir_fwlink_property(link), "clocks");
	assert_null(weir_fwlink_next(link));
	assert_int_equal(a->nr_blocking, 1);
}

static void test_fwlink_across_machines_is_refused(void **state)
{
	struct world *w = *state;
	struct weir_machine *m;
	struct weir_fwnode *other;

	assert_int_equal(weir_machine_create_policy(testhost_ops(w->host), w->host, &plain_policy,
						    NULL, &m), 0);
	assert_int_equal(weir_fwnode_create(m, NULL, "x", NULL, &other), 0);
	assert_int_equal(weir_fwlink_add(node(w, NULL, "a"), other, 0, "clocks"), WEIR_EINVAL);
	weir_machine_destroy(m);
}

/* Whichever of the two devices comes first, one link comes of it, with its property. */
static void test_fwlink_becomes_a_link(void **state)
{
	struct world *w = *state;
	static const char *const names[][2] = { { "a", "b" }, { "c", "d" } };

	for (unsigned int order = 0; order < 2; order++) {
		struct weir_fwnode *con = node(w, NULL, names[order][0]);
		struct weir_fwnode *sup = node(w, NULL, names[order][1]);
		struct weir_link *link;

		need(con, sup, 0);
		device(w, order ? sup : con);
		assert_non_null(weir_fwlink_first(con));
		device(w, order ? con : sup);
		assert_null(weir_fwlink_first(con));
		link = world_link(w, names[order][0], names[order][1]);
		assert_non_null(link);
		assert_string_equal(weir_link_property(link), "clocks");
		assert_int_equal(weir_link_flags(link), WEIR_LINK_MANAGED | WEIR_LINK_INFERRED |
							WEIR_LINK_AUTOPROBE);
	}
}

static void test_fwlink_ignored_makes_none(void **state)
{
	struct world *w = *state;
	struct weir_fwnode *con = node(w, NULL, "a"), *sup = node(w, NULL, "b");

	need(con, sup, WEIR_FWLINK_IGNORE);
	device(w, con);
	device(w, sup);
	assert_null(world_link(w, "a", "b"));
	assert_null(weir_fwlink_first(con));
	assert_int_equal(con->nr_blocking, 0);
}

/* A consumer waits for a node without device; bound, it has no unresolved links. */
static void test_fwlink_blocks_until_there_is_a_device(void **state)
{
	struct world *w = *state;
	struct weir_fwnode *con = node(w, NULL, "a"), *sup = node(w, NULL, "b");

	need(con, sup, 0);
	world_driver_add(w, "drv", "k");
	device(w, con);
	assert_settles(w);
	assert_journal(w, "");
	device(w, sup);
	assert_settles(w);
	assert_journal(w, "probe b; probe a");
}

/* A child without device of its own is stood for by what it hangs below. */
static void test_fwlink_proxy(void **state)
{
	struct world *w = *state;
	struct weir_fwnode *top = node(w, NULL, "top"), *child = node(w, top, "child");
	struct weir_fwnode *sup = node(w, NULL, "sup");

	need(child, sup, 0);
	device(w, top);
	device(w, sup);
	assert_int_equal(weir_link_flags(world_link(w, "top", "sup")),
			 WEIR_LINK_MANAGED | WEIR_LINK_INFERRED | WEIR_LINK_SYNC_STATE_ONLY);
	assert_non_null(weir_fwlink_first(child));
	device(w, child);
	assert_null(weir_fwlink_first(child));
	assert_non_null(world_link(w, "child", "sup"));
}

/* A supplier that turns out to be part of a bound device is that device. */
static void test_fwlink_dangling_supplier(void **state)
{
	struct world *w = *state;
	struct weir_fwnode *top = node(w, NULL, "top"), *part = node(w, top, "part");
	struct weir_fwnode *con = node(w, NULL, "con");

	need(con, part, 0);
	device(w, con);
	device(w, top);
	assert_null(world_link(w, "con", "top"));
	world_driver_add(w, "drv", "k");
	assert_settles(w);
	assert_journal(w, "probe top; probe con");
	assert_true(weir_fwnode_flags(part) & WEIR_FWNODE_NOT_DEVICE);
	assert_int_equal(weir_link_state_get(world_link(w, "con", "top")), WEIR_LINK_ACTIVE);
}

/* What works without a driver is waited for by nobody. */
static void test_fwnode_initialized(void **state)
{
	struct world *w = *state;
	struct weir_fwnode *con = node(w, NULL, "con"), *sup = node(w, NULL, "sup");

	weir_fwnode_set_initialized(sup, true, true);
	assert_true(weir_fwnode_flags(sup) & WEIR_FWNODE_POPULATED);
	need(con, sup, 0);
	device(w, con);
	assert_null(weir_fwlink_first(con));
	weir_fwnode_set_initialized(sup, false, true);
	assert_int_equal(weir_fwnode_flags(sup) & (WEIR_FWNODE_POPULATED | WEIR_FWNODE_INITIALIZED),
			 0);
	world_driver_add(w, "drv", "k");
	assert_settles(w);
	assert_journal(w, "probe con");
}

/* A node deleted and made a device again is linked again only by what still names it. */
static void test_fwnode_device_deleted(void **state)
{
	struct world *w = *state;
	struct weir_fwnode *con = node(w, NULL, "con"), *sup = node(w, NULL, "sup");

	need(con, sup, 0);
	device(w, con);
	device(w, sup);
	weir_device_del(world_find(w, "sup"));
	assert_null(weir_link_first(world_find(w, "con")));
	world_driver_add(w, "drv", "k");
	assert_settles(w);
	assert_journal(w, "probe con");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_world, close_world)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_fwnode_tree),
		TEST(test_fwnode_path_cuts),
		TEST(test_fwlink_one_for_each_pair),
		TEST(test_fwlink_across_machines_is_refused),
		TEST(test_fwlink_becomes_a_link),
		TEST(test_fwlink_ignored_makes_none),
		TEST(test_fwlink_blocks_until_there_is_a_device),
		TEST(test_fwlink_proxy),
		TEST(test_fwlink_dangling_supplier),
		TEST(test_fwnode_initialized),
		TEST(test_fwnode_device_deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
