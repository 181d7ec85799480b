// SPDX-License-Identifier: MIT
/* Runtime power: who is woken and let sleep for whom, in which order, on any thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

#define RPM WEIR_LINK_PM_RUNTIME

static void enable(struct world *w, const char *names)
{
	for (; *names; names++)
		weir_pm_runtime_enable(world_find(w, (char[]){ *names, '\0' }));
}

static int get(struct world *w, const char *name)
{
	return weir_pm_runtime_get(world_find(w, name));
}

static void put(struct world *w, const char *name)
{
	weir_pm_runtime_put(world_find(w, name));
}

static void test_rpm_one_device(void **state)
{
	struct world *w = *state;

	devices(w, "a");
	bind_all(w);
	assert_true(weir_pm_runtime_active(world_find(w, "a")));
	enable(w, "a");
	assert_journal(w, "sleep a");
	assert_false(weir_pm_runtime_active(world_find(w, "a")));
	assert_int_equal(get(w, "a"), 0);
	assert_int_equal(get(w, "a"), 0);
	assert_journal(w, "wake a");
	put(w, "a");
	assert_journal(w, "");
	put(w, "a");
	assert_journal(w, "sleep a");
	assert_int_equal(weir_pm_runtime_disable(world_find(w, "a")), 0);
	assert_journal(w, "wake a");
	assert_int_equal(get(w, "a"), 0);
	put(w, "a");
	assert_journal(w, "");
	testhost_expect_asserts(w->host);
	put(w, "a");
	assert_int_equal(testhost_take_asserts(w->host), 1);
}

/* Parent, then suppliers in the order of their links, then the device; and back. */
static void test_rpm_order_of_waking(void **state)
{
	struct world *w = *state;

	devices(w, "pst");
	world_device(w, "a", world_find(w, "p"), "k");
	link_add(w, "a", "s", RPM);
	link_add(w, "a", "t", RPM | WEIR_LINK_STATELESS);
	link_add(w, "t", "p", RPM);
	bind_all(w);
	enable(w, "pst");
	assert_journal(w, ""); /* a is bound and never sleeps */
	enable(w, "a");
	assert_journal(w, "sleep a; sleep t; sleep s; sleep p");
	assert_int_equal(get(w, "a"), 0);
	assert_journal(w, "wake p; wake s; wake t; wake a");
	put(w, "a");
	assert_journal(w, "sleep a; sleep t; sleep s; sleep p");
	assert_int_equal(get(w, "t"), 0);
	assert_int_equal(get(w, "a"), 0);
	assert_journal(w, "wake p; wake t; wake s; wake a");
	put(w, "a");
	assert_journal(w, "sleep a; sleep s");
	put(w, "t");
	assert_journal(w, "sleep t; sleep p");
}

/* Links without the flag, and devices without driver, do as they should. */
static void test_rpm_what_counts(void **state)
{
	struct world *w = *state;

	devices(w, "gs");
	world_device(w, "bus", world_find(w, "g"), "nobody's");
	world_device(w, "a", world_find(w, "bus"), "k");
	link_add(w, "a", "s", 0);
	bind_all(w);
	enable(w, "sga");
	assert_journal(w, "sleep s; sleep a; sleep g");
	assert_int_equal(get(w, "a"), 0);
	assert_journal(w, "wake g; wake a"); /* through the bus, which has no driver */
	put(w, "a");
	assert_journal(w, "sleep a; sleep g");
}

static void test_rpm_failed_wake_holds_nothing(void **state)
{
	struct world *w = *state;

	devices(w, "ste");
	world_device(w, "a", NULL, "k");
	link_add(w, "a", "s", RPM);
	link_add(w, "a", "t", RPM);
	link_add(w, "t", "e", RPM);
	bind_all(w);
	enable(w, "stea");
	w->journal_bytes = 0;
	world_plan(w, "wake", "t", WEIR_EIO, 1);
	assert_int_equal(get(w, "a"), WEIR_EIO);
	assert_journal(w, "wake s; wake e; wake t; sleep e; sleep s");
	assert_int_equal(get(w, "a"), 0);
	assert_journal(w, "wake s; wake e; wake t; wake a");
	put(w, "a");
	assert_journal(w, "sleep a; sleep t; sleep s; sleep e");
	world_plan(w, "wake", "a", WEIR_EIO, 1);
	assert_int_equal(weir_pm_runtime_disable(world_find(w, "a")), WEIR_EIO);
	assert_journal(w, "wake s; wake e; wake t; wake a; sleep t; sleep s; sleep e");
	assert_false(weir_pm_runtime_active(world_find(w, "a")));
}

static void test_rpm_failed_sleep_stays_awake(void **state)
{
	struct world *w = *state;

	devices(w, "sa");
	link_add(w, "a", "s", RPM);
	bind_all(w);
	world_plan(w, "sleep", "a", WEIR_EBUSY, 1);
	enable(w, "sa");
	assert_journal(w, "sleep a");
	assert_true(weir_pm_runtime_active(world_find(w, "a")));
	assert_true(weir_pm_runtime_active(world_find(w, "s")));
	assert_int_equal(get(w, "a"), 0);
	put(w, "a");
	assert_journal(w, "sleep a; sleep s");
}

static int enable_own(struct world *w, struct weir_device *dev)
{
	world_note(w, "in probe %s", weir_device_name(dev));
	weir_pm_runtime_enable(dev);
	return weir_device_name(dev)[0] == 'f' ? WEIR_EIO : 0;
}

/* A probe finds its suppliers awake and keeps them so; then, and also when it fails, they sleep. */
static void test_rpm_probe_holds_suppliers(void **state)
{
	struct world *w = *state;

	w->on_probe = enable_own;
	devices(w, "s");
	bind_all(w);
	assert_false(weir_pm_runtime_active(world_find(w, "s")));
	devices(w, "fa");
	link_add(w, "f", "s", RPM);
	link_add(w, "a", "s", RPM);
	assert_settles(w);
	assert_journal(w, "wake s; probe f; in probe f; sleep s; "
			  "wake s; probe a; in probe a; sleep a; sleep s");
}

static void test_rpm_supplier_that_does_not_wake_fails_the_probe(void **state)
{
	struct world *w = *state;

	devices(w, "s");
	bind_all(w);
	enable(w, "s");
	devices(w, "a");
	link_add(w, "a", "s", RPM);
	world_plan(w, "wake", "s", WEIR_EIO, 1);
	assert_settles(w);
	assert_journal(w, "sleep s; wake s");
	assert_status(w, "a", WEIR_DEVICE_NO_DRIVER);
	assert_int_equal(world_find(w, "a")->last_err, WEIR_EIO);
	assert_int_equal(weir_link_state_get(world_link(w, "a", "s")), WEIR_LINK_AVAILABLE);
}

/* For its remove a device is woken, once, and not put to sleep in between by its consumers. */
static void test_rpm_remove_is_done_awake(void **state)
{
	struct world *w = *state;
	struct world_driver *d;

	devices(w, "sa");
	link_add(w, "a", "s", RPM);
	d = world_driver_add(w, "drv", "k");
	assert_settles(w);
	enable(w, "sa");
	w->journal_bytes = 0;
	assert_int_equal(weir_driver_unbind(world_find(w, "s")), 0);
	assert_journal(w, "wake s; wake a; remove a; remove s");
	world_driver_del(w, d);
	assert_int_equal(weir_driver_register(w->m, &d->drv), 0);
	assert_settles(w);
	assert_journal(w, "probe s; probe a");
	enable(w, "sa");
	assert_journal(w, "sleep a; sleep s"); /* counts are as they were the first time */
	assert_int_equal(weir_driver_unbind(world_find(w, "a")), 0);
	assert_journal(w, "wake s; wake a; remove a; sleep s");
}

/* A link that comes holds at once, one that goes or is relaxed gives back. */
static void test_rpm_links_come_and_go(void **state)
{
	struct world *w = *state;
	struct weir_link *link;

	devices(w, "sta");
	bind_all(w);
	enable(w, "st");
	assert_journal(w, "sleep s; sleep t");
	link_add(w, "a", "s", RPM);
	assert_journal(w, "wake s");
	weir_link_del(world_link(w, "a", "s"));
	assert_journal(w, "sleep s");
	link_add(w, "a", "t", WEIR_LINK_INFERRED);
	assert_journal(w, "");
	link_add(w, "a", "t", WEIR_LINK_INFERRED | RPM); /* the flag comes later */
	assert_journal(w, "wake t");
	link = world_link(w, "a", "t");
	weir_lock_(w->m);
	weir_link_relax_(link);
	weir_rpm_run_(w->m);
	weir_unlock_(w->m);
	assert_journal(w, "sleep t");
	assert_int_equal(get(w, "t"), 0);
	put(w, "t");
	assert_journal(w, "wake t; sleep t");
}

static void test_rpm_device_deleted(void **state)
{
	struct world *w = *state;

	devices(w, "sp");
	world_device(w, "a", world_find(w, "p"), "k");
	link_add(w, "a", "s", RPM);
	bind_all(w);
	enable(w, "spa");
	assert_int_equal(get(w, "a"), 0);
	w->journal_bytes = 0;
	weir_device_del(world_find(w, "a")); /* with a use that nobody gives back */
	assert_journal(w, "remove a; sleep s; sleep p");
}

static void test_rpm_and_machine_sleep(void **state)
{
	struct world *w = *state;

	devices(w, "sab");
	link_add(w, "a", "s", RPM);
	bind_all(w);
	enable(w, "sa");
	assert_int_equal(get(w, "b"), 0);
	assert_journal(w, "sleep a; sleep s");
	assert_int_equal(weir_pm_suspend(w->m), 0);
	assert_journal(w, "suspend b"); /* the others sleep already */
	assert_int_equal(get(w, "a"), WEIR_EBUSY);
	assert_int_equal(get(w, "b"), WEIR_EBUSY);
	enable(w, "b");
	put(w, "b");
	assert_journal(w, "");
	assert_int_equal(weir_pm_resume(w->m), 0);
	assert_journal(w, "resume b; sleep b");
	assert_int_equal(get(w, "a"), 0);
	assert_journal(w, "wake s; wake a");
	put(w, "a");
}

/* What sleeps when the machine does is removed as it is, and nothing of it is left for later. */
static void test_rpm_unbound_while_machine_sleeps(void **state)
{
	struct world *w = *state;

	devices(w, "a");
	bind_all(w);
	enable(w, "a");
	assert_journal(w, "sleep a");
	assert_int_equal(weir_pm_suspend(w->m), 0);
	assert_int_equal(weir_driver_unbind(world_find(w, "a")), 0);
	assert_journal(w, "remove a");
	assert_int_equal(weir_pm_resume(w->m), 0);
	assert_int_equal(weir_driver_bind(world_find(w, "a")), 0);
	assert_settles(w);
	assert_journal(w, "probe a");
	assert_int_equal(get(w, "a"), 0);
	put(w, "a");
}

/* One that could not be woken for its removal is not woken in it. */
static void ask_in_removal(struct world *w, const char *what, struct weir_device *dev)
{
	if (strcmp(what, "remove"))
		return;
	w->on_call = NULL;
	world_note(w, "get %s", weir_errname(weir_pm_runtime_get(dev)));
}

static void test_rpm_removed_asleep(void **state)
{
	struct world *w = *state;

	devices(w, "a");
	bind_all(w);
	enable(w, "a");
	w->journal_bytes = 0;
	world_plan(w, "wake", "a", WEIR_EIO, 1);
	w->on_call = ask_in_removal;
	assert_int_equal(weir_driver_unbind(world_find(w, "a")), 0);
	assert_null(w->on_call);
	assert_journal(w, "wake a; remove a; get EBUSY");
}

static void test_rpm_shutdown_wakes(void **state)
{
	struct world *w = *state;

	devices(w, "sa");
	link_add(w, "a", "s", RPM);
	bind_all(w);
	enable(w, "sa");
	w->journal_bytes = 0;
	weir_pm_shutdown(w->m);
	assert_journal(w, "wake s; wake a; shutdown a; shutdown s");
}

/* A driver that uses others of the runtime calls while it sleeps or wakes. */
static struct world *the_world;

static int put_other(struct weir_device *dev)
{
	if (weir_device_status_get(dev) != WEIR_DEVICE_BOUND)
		return 0; /* for its remove */
	world_note(the_world, "wake a, and put t");
	put(the_world, "t");
	return 0;
}

static void test_rpm_put_inside_a_call(void **state)
{
	struct world *w = *state;
	struct world_driver *d = world_driver(w, "special", "x", NULL, NULL);

	the_world = w;
	d->ops.runtime_resume = put_other;
	devices(w, "t");
	world_device(w, "a", NULL, "x");
	assert_int_equal(weir_driver_register(w->m, &d->drv), 0);
	bind_all(w);
	enable(w, "a");
	assert_int_equal(get(w, "t"), 0);
	enable(w, "t");
	w->journal_bytes = 0;
	assert_int_equal(get(w, "a"), 0);
	assert_journal(w, "wake a, and put t; sleep t"); /* no deadlock: done when a is awake */
	put(w, "a");
}

/* A link that is made while its consumer wakes holds like one made before. */
static int link_to_t(struct weir_device *dev)
{
	if (weir_device_status_get(dev) == WEIR_DEVICE_BOUND)
		link_add(the_world, "a", "t", RPM);
	return 0;
}

static void test_rpm_link_made_inside_a_call(void **state)
{
	struct world *w = *state;
	struct world_driver *d = world_driver(w, "special", "x", NULL, NULL);

	the_world = w;
	d->ops.runtime_resume = link_to_t;
	devices(w, "t");
	world_device(w, "a", NULL, "x");
	assert_int_equal(weir_driver_register(w->m, &d->drv), 0);
	bind_all(w);
	enable(w, "at");
	w->journal_bytes = 0;
	assert_int_equal(get(w, "a"), 0);
	assert_journal(w, "wake t");
	put(w, "a");
	assert_journal(w, "sleep a; sleep t");
}

/* ---- from many threads ---- */

enum { THREADS = 6, ROUNDS = 300 };

static unsigned int awake[26];
static bool overlap[26];

static int stay_awake(struct weir_device *dev)
{
	unsigned int i = (unsigned int)(weir_device_name(dev)[0] - 'a');

	if (__atomic_exchange_n(&overlap[i], true, __ATOMIC_SEQ_CST))
		return WEIR_EFAULT;
	__atomic_store_n(&awake[i], 1, __ATOMIC_SEQ_CST);
	usleep(5);
	__atomic_store_n(&overlap[i], false, __ATOMIC_SEQ_CST);
	return 0;
}

static int fall_asleep(struct weir_device *dev)
{
	unsigned int i = (unsigned int)(weir_device_name(dev)[0] - 'a');

	if (__atomic_exchange_n(&overlap[i], true, __ATOMIC_SEQ_CST))
		return WEIR_EFAULT;
	__atomic_store_n(&awake[i], 0, __ATOMIC_SEQ_CST);
	usleep(5);
	__atomic_store_n(&overlap[i], false, __ATOMIC_SEQ_CST);
	return 0;
}

struct user {
	pthread_t thread;
	struct world *w;
	unsigned int seed;
	unsigned int wrong;
};

/* d needs b and c, both need a; whoever has d finds all four awake. */
static void *use(void *arg)
{
	static const char *const needs[] = { "a", "ab", "ac", "abcd" };
	struct user *u = arg;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned int k = (unsigned int)rand_r(&u->seed) % 4;
		char name[2] = { (char)('a' + k), '\0' };

		u->wrong += weir_pm_runtime_get(world_find(u->w, name)) != 0;
		for (const char *n = needs[k]; *n; n++)
			u->wrong += !__atomic_load_n(&awake[*n - 'a'], __ATOMIC_SEQ_CST);
		weir_pm_runtime_put(world_find(u->w, name));
	}
	return NULL;
}

static void test_rpm_threads(void **state)
{
	struct world *w = *state;
	struct world_driver *d = world_driver(w, "drv", "k", NULL, NULL);
	struct user users[THREADS];

	d->ops.runtime_resume = stay_awake;
	d->ops.runtime_suspend = fall_asleep;
	devices(w, "abcd");
	link_add(w, "b", "a", RPM);
	link_add(w, "c", "a", RPM);
	link_add(w, "d", "c", RPM);
	link_add(w, "d", "b", RPM);
	assert_int_equal(weir_driver_register(w->m, &d->drv), 0);
	assert_settles(w);
	enable(w, "abcd");
	for (unsigned int i = 0; i < THREADS; i++) {
		users[i] = (struct user){ .w = w, .seed = i };
		assert_int_equal(pthread_create(&users[i].thread, NULL, use, &users[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		pthread_join(users[i].thread, NULL);
		assert_int_equal(users[i].wrong, 0);
	}
	for (const char *n = "abcd"; *n; n++) {
		assert_false(weir_pm_runtime_active(world_find(w, (char[]){ *n, '\0' })));
		assert_int_equal(awake[*n - 'a'], 0);
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_world, close_world)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_rpm_one_device),
		TEST(test_rpm_order_of_waking),
		TEST(test_rpm_what_counts),
		TEST(test_rpm_failed_wake_holds_nothing),
		TEST(test_rpm_failed_sleep_stays_awake),
		TEST(test_rpm_probe_holds_suppliers),
		TEST(test_rpm_supplier_that_does_not_wake_fails_the_probe),
		TEST(test_rpm_remove_is_done_awake),
		TEST(test_rpm_links_come_and_go),
		TEST(test_rpm_device_deleted),
		TEST(test_rpm_and_machine_sleep),
		TEST(test_rpm_unbound_while_machine_sleeps),
		TEST(test_rpm_removed_asleep),
		TEST(test_rpm_shutdown_wakes),
		TEST(test_rpm_put_inside_a_call),
		TEST(test_rpm_link_made_inside_a_call),
		TEST(test_rpm_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
