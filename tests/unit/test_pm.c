// SPDX-License-Identifier: MIT
/* Power: the order of suspend, resume and shutdown. */
#include <stdio.h>
#include <stdlib.h>

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

static void link_add(struct world *w, const char *con, const char *sup, uint32_t flags)
{
	assert_int_equal(weir_link_add(world_find(w, con), world_find(w, sup), flags, NULL), 0);
}

/* Devices of these one-letter names, in this order. */
static void devices(struct world *w, const char *names)
{
	for (; *names; names++)
		world_device(w, (char[]){ *names, '\0' }, NULL, "k");
}

static void bind_all(struct world *w)
{
	world_driver_add(w, "drv", "k");
	assert_settles(w);
	assert_true(w->journal_bytes > 0);
	w->journal_bytes = 0;
}

/* a supplies b and c, both supply d; added from the wrong end. */
static void diamond(struct world *w)
{
	devices(w, "dcba");
	link_add(w, "d", "b", 0);
	link_add(w, "d", "c", 0);
	link_add(w, "b", "a", 0);
	link_add(w, "c", "a", 0);
}

static void test_pm_diamond(void **state)
{
	struct world *w = *state;

	diamond(w);
	bind_all(w);
	assert_int_equal(weir_pm_resume(w->m), WEIR_EINVAL);
	assert_int_equal(weir_pm_suspend(w->m), 0);
	assert_journal(w, "suspend d; suspend c; suspend b; suspend a");
	assert_int_equal(weir_pm_suspend(w->m), WEIR_EBUSY);
	assert_int_equal(weir_pm_resume(w->m), 0);
	assert_journal(w, "resume a; resume b; resume c; resume d");
	assert_int_equal(weir_pm_resume(w->m), WEIR_EINVAL);
}

/* Without links: reverse order of addition and back. */
static void test_pm_order_of_addition(void **state)
{
	struct world *w = *state;

	devices(w, "bca");
	bind_all(w);
	assert_int_equal(weir_pm_suspend(w->m), 0);
	assert_journal(w, "suspend a; suspend c; suspend b");
	assert_int_equal(weir_pm_resume(w->m), 0);
	assert_journal(w, "resume b; resume c; resume a");
}

/* Parents, stateless links, and devices without driver in between count; sync-only links do not. */
static void test_pm_what_orders(void **state)
{
	struct world *w = *state;
	struct weir_device *p;

	devices(w, "xs");
	p = world_device(w, "p", NULL, "k");
	world_device(w, "q", p, "nobody's");
	world_device(w, "r", world_find(w, "q"), "k");
	link_add(w, "p", "x", WEIR_LINK_STATELESS);
	link_add(w, "x", "s", WEIR_LINK_STATELESS);
	link_add(w, "s", "q", WEIR_LINK_SYNC_STATE_ONLY);
	world_device(w, "v", NULL, "nobody's");
	devices(w, "t");
	link_add(w, "r", "v", WEIR_LINK_STATELESS);
	link_add(w, "v", "t", WEIR_LINK_SYNC_STATE_ONLY); /* r does not need t by it */
	bind_all(w);
	assert_non_null(world_link(w, "v", "t"));
	assert_int_equal(weir_pm_suspend(w->m), 0);
	assert_journal(w, "suspend t; suspend r; suspend p; suspend x; suspend s");
	assert_int_equal(weir_pm_resume(w->m), 0);
	assert_journal(w, "resume s; resume x; resume p; resume r; resume t");
}

static void test_pm_failing_suspend_resumes(void **state)
{
	struct world *w = *state;

	diamond(w);
	bind_all(w);
	world_plan(w, "suspend", "b", WEIR_EIO, 1);
	assert_int_equal(weir_pm_suspend(w->m), WEIR_EIO);
	assert_journal(w, "suspend d; suspend c; suspend b; resume c; resume d");
	assert_int_equal(weir_pm_resume(w->m), WEIR_EINVAL);
	assert_int_equal(weir_pm_suspend(w->m), 0);
	assert_journal(w, "suspend d; suspend c; suspend b; suspend a");
	world_plan(w, "resume", "b", WEIR_EIO, 1);
	world_plan(w, "resume", "d", WEIR_EBUSY, 1);
	assert_int_equal(weir_pm_resume(w->m), WEIR_EIO); /* the first; all are tried */
	assert_journal(w, "resume a; resume b; resume c; resume d");
	assert_int_equal(weir_pm_resume(w->m), WEIR_EINVAL);
}

static void test_pm_no_probe_while_suspended(void **state)
{
	struct world *w = *state;

	devices(w, "a");
	bind_all(w);
	assert_int_equal(weir_pm_suspend(w->m), 0);
	devices(w, "b");
	assert_settles(w);
	assert_journal(w, "suspend a");
	assert_int_equal(weir_pm_resume(w->m), 0);
	assert_settles(w);
	assert_journal(w, "resume a; probe b");
}

/* What is unbound or deleted while suspended is not resumed. */
static void test_pm_gone_while_suspended(void **state)
{
	struct world *w = *state;

	devices(w, "abc");
	bind_all(w);
	assert_int_equal(weir_pm_suspend(w->m), 0);
	assert_int_equal(weir_driver_unbind(world_find(w, "a")), 0);
	weir_device_del(world_find(w, "b"));
	assert_int_equal(weir_pm_resume(w->m), 0);
	assert_journal(w, "suspend c; suspend b; suspend a; remove a; remove b; resume c");
}

static void test_pm_destroyed_while_suspended(void **state)
{
	struct world *w = *state;

	diamond(w);
	bind_all(w);
	assert_int_equal(weir_pm_suspend(w->m), 0);
}

/* Reverse order of binding, but consumers before suppliers that were bound after them. */
static void test_pm_shutdown(void **state)
{
	struct world *w = *state;

	devices(w, "abcd");
	bind_all(w); /* bound a b c d */
	link_add(w, "a", "c", WEIR_LINK_STATELESS);
	weir_pm_shutdown(w->m);
	assert_journal(w, "shutdown d; shutdown b; shutdown a; shutdown c");
	assert_int_equal(weir_driver_unbind(world_find(w, "d")), 0);
	w->journal_bytes = 0;
	weir_pm_shutdown(w->m);
	assert_journal(w, "shutdown b; shutdown a; shutdown c");
}

static int *count;

static int count_suspend(struct weir_device *dev)
{
	char *end;
	long number = strtol(weir_device_name(dev) + 1, &end, 10);

	assert_int_equal(number, *count);
	++*count;
	return 0;
}

static int count_resume(struct weir_device *dev)
{
	--*count;
	assert_int_equal(strtol(weir_device_name(dev) + 1, NULL, 10), *count);
	return 0;
}

/* d0 is the last consumer of a chain that is as long as a stack is not. */
static void test_pm_long_chain(void **state)
{
	enum { N = 100000 };
	struct world *w = *state;
	struct world_driver *d = world_driver(w, "drv", "k", NULL, NULL);
	struct weir_device *prev = NULL;
	int at = 0;

	w->quiet = true;
	d->ops.suspend = count_suspend;
	d->ops.resume = count_resume;
	count = &at;
	for (int i = N - 1; i >= 0; i--) {
		char name[16];
		struct weir_device *dev;

		snprintf(name, sizeof(name), "d%d", i);
		dev = world_device(w, name, NULL, "k");
		if (prev)
			assert_int_equal(weir_link_add(dev, prev, WEIR_LINK_PM_RUNTIME, NULL), 0);
		prev = dev;
	}
	assert_int_equal(weir_driver_register(w->m, &d->drv), 0);
	assert_settles(w);
	assert_int_equal(weir_pm_suspend(w->m), 0);
	assert_int_equal(at, N);
	assert_int_equal(weir_pm_resume(w->m), 0);
	assert_int_equal(at, 0);
	weir_pm_shutdown(w->m);

	/* the whole chain sleeps, and wakes for its last consumer */
	for (struct weir_device *dev = weir_device_first(w->m); dev; dev = weir_device_next(dev))
		weir_pm_runtime_enable(dev);
	assert_false(weir_pm_runtime_active(world_find(w, "d99999")));
	assert_int_equal(weir_pm_runtime_get(world_find(w, "d0")), 0);
	assert_true(weir_pm_runtime_active(world_find(w, "d99999")));
	weir_pm_runtime_put(world_find(w, "d0"));
	assert_false(weir_pm_runtime_active(world_find(w, "d99999")));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_world, close_world)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_pm_diamond),
		TEST(test_pm_order_of_addition),
		TEST(test_pm_what_orders),
		TEST(test_pm_failing_suspend_resumes),
		TEST(test_pm_no_probe_while_suspended),
		TEST(test_pm_gone_while_suspended),
		TEST(test_pm_destroyed_while_suspended),
		TEST(test_pm_shutdown),
		TEST(test_pm_long_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
