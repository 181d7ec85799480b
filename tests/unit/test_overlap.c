// SPDX-License-Identifier: MIT
/*
 * Two threads at work on the same devices: one is inside a driver's call, where the test
 * stops it, while another takes that device away, or its supplier, its parent, its driver.
 * The other waits until the call is over, and nothing is left half done. Where waiting would
 * never end, for it is the call itself that asks, what was asked is done as soon as it is over.
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/core.h"
#include "world.h"

/* ---- a place where a thread stops ---- */

struct gate {
	const char *call, *device; /* NULL: nobody stops */
	_Atomic bool inside, open;
};

static struct gate gates[2];
/* What a call of a driver asks for, on its own thread; NULL: nothing. */
static void (*ask)(struct world *w, const char *what, struct weir_device *dev);

static void wait_for(_Atomic bool *what)
{
	while (!atomic_load(what))
		sched_yield();
}

static void on_call(struct world *w, const char *what, struct weir_device *dev)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct gate *gate = &gates[i];

		if (!gate->call || strcmp(gate->call, what) ||
		    strcmp(gate->device, weir_device_name(dev)))
			continue;
		gate->call = NULL;
		atomic_store(&gate->inside, true);
		wait_for(&gate->open);
		world_note(w, "(%s)", what);
	}
	if (ask)
		ask(w, what, dev);
}

static void stop_in(unsigned int gate, const char *call, const char *device)
{
	gates[gate].call = call;
	gates[gate].device = device;
	atomic_store(&gates[gate].inside, false);
	atomic_store(&gates[gate].open, false);
}

static void open_gate(unsigned int gate)
{
	atomic_store(&gates[gate].open, true);
}

/* ---- what threads do ---- */

static struct world_driver *driver_of(struct world *w, const char *key)
{
	for (unsigned int i = 0; i < w->nr_drivers; i++)
		if (!strcmp(w->drivers[i].match[0].key, key))
			return &w->drivers[i];
	fail_msg("no driver for %s", key);
	return NULL;
}

static struct weir_module *module;

static int settle(struct world *w, const char *name)
{
	(void)name;
	return weir_settle(w->m);
}

static int del(struct world *w, const char *name)
{
	struct weir_device *dev;
	int err = weir_device_find(w->bus, name, &dev);

	if (!err)
		weir_device_del(dev);
	return err;
}

static int unbind(struct world *w, const char *name)
{
	struct weir_device *dev;
	int err = weir_device_find(w->bus, name, &dev);

	return err ? err : weir_driver_unbind(dev);
}

static int unregister(struct world *w, const char *key)
{
	return weir_driver_unregister(w->m, &driver_of(w, key)->drv);
}

static int unload(struct world *w, const char *name)
{
	(void)w;
	(void)name;
	return weir_module_unload(module, WEIR_MODULE_FORCE);
}

static int suspend(struct world *w, const char *name)
{
	(void)name;
	return weir_pm_suspend(w->m);
}

struct doing {
	struct world *w;
	int (*what)(struct world *w, const char *name);
	const char *name;
	int result;
	_Atomic bool done;
	pthread_t thread;
};

static void *run(void *arg)
{
	struct doing *d = arg;

	d->result = d->what(d->w, d->name);
	atomic_store(&d->done, true);
	return NULL;
}

static void begin(struct doing *d, struct world *w, int (*what)(struct world *w, const char *name),
		  const char *name)
{
	d->w = w;
	d->what = what;
	d->name = name;
	atomic_store(&d->done, false);
	assert_int_equal(pthread_create(&d->thread, NULL, run, d), 0);
}

static int end(struct doing *d)
{
	assert_int_equal(pthread_join(d->thread, NULL), 0);
	return d->result;
}

static unsigned int nr_waiting(struct world *w)
{
	unsigned int n;

	weir_lock_(w->m);
	n = w->m->nr_waiting;
	weir_unlock_(w->m);
	return n;
}

/* Until it waits for another thread; or is done, though it should have. */
static bool waits(struct doing *d, unsigned int how_many)
{
	while (!atomic_load(&d->done)) {
		if (nr_waiting(d->w) == how_many)
			return true;
		sched_yield();
	}
	return false;
}

/* ---- the machine: a supplier "s", its consumer "c"; a parent "p", its child "k" ---- */

static const struct weir_driver *module_drivers[2];
static const struct weir_module_entry module_entry = {
	.abi = WEIR_ABI(struct weir_module_entry), .name = "m", .drivers = module_drivers,
};

static void forget_journal(struct world *w)
{
	pthread_mutex_lock(&w->mutex);
	w->journal_bytes = 0;
	pthread_mutex_unlock(&w->mutex);
}

static void open_world(struct world *w, bool sync_state)
{
	struct weir_device *s, *c, *p;
	struct weir_link *link;

	ask = NULL;
	gates[0].call = gates[1].call = NULL;
	world_open_threads(w, NULL, 0);
	w->on_call = on_call;
	w->sync_state = sync_state;
	module_drivers[0] = &world_driver(w, "ds", "s", NULL, NULL)->drv;
	assert_int_equal(weir_module_load(w->m, &module_entry, &module), 0);
	world_driver_add(w, "dc", "c");
	world_driver_add(w, "dp", "p");
	world_driver_add(w, "dk", "k");
	s = world_device(w, "s", NULL, "s");
	c = world_device(w, "c", NULL, "c");
	p = world_device(w, "p", NULL, "p");
	world_device(w, "k", p, "k");
	assert_int_equal(weir_link_add(c, s, 0, &link), 0);
	if (!sync_state)
		assert_settles(w);
	forget_journal(w);
}

/* It is about to be probed, and nothing else. */
static void bind_again(struct world *w, const char *name)
{
	assert_int_equal(unbind(w, name), 0);
	assert_int_equal(weir_driver_bind(world_find(w, name)), 0);
	forget_journal(w);
}

static bool exists(struct world *w, const char *name)
{
	struct weir_device *dev;

	return !weir_device_find(w->bus, name, &dev);
}

struct overlap {
	const char *name;
	/* One thread does this, and stops in that call of that device. */
	int (*first)(struct world *w, const char *name);
	const char *of, *call, *device;
	/* Meanwhile another one does this, and waits; or is refused. */
	int (*second)(struct world *w, const char *name);
	const char *what;
	int refused;
	const char *journal; /* how it goes on after that; NULL: in no one order */
	const char *gone;    /* a device that is deleted in the end */
};

/* Everything is bound before, but for the device that somebody is about to probe. */
static const struct overlap overlaps[] = {
	{ "a supplier is deleted, its consumer probed", settle, "", "probe", "c", del, "s",
	  .journal = "(probe); remove c; remove s", .gone = "s" },
	{ "a supplier is unbound, its consumer probed", settle, "", "probe", "c", unbind, "s",
	  .journal = "(probe); remove c; remove s" },
	{ "a supplier's module is unloaded, its consumer probed", settle, "", "probe", "c",
	  unload, "m", .journal = "(probe); remove c; remove s" },
	{ "a device is deleted that is probed", settle, "", "probe", "c", del, "c",
	  .journal = "(probe); remove c", .gone = "c" },
	{ "a parent is deleted, its child probed", settle, "", "probe", "k", del, "p",
	  .journal = "(probe); remove k; remove p", .gone = "p" },
	{ "a device is deleted that is unbound", unbind, "c", "remove", "c", del, "c",
	  .journal = "(remove)", .gone = "c" },
	{ "a device is deleted twice", del, "c", "remove", "c", del, "c",
	  .journal = "(remove)", .gone = "c" },
	{ "a supplier is deleted, its consumer unbound", unbind, "c", "remove", "c", del, "s",
	  .journal = "(remove); remove s", .gone = "s" },
	{ "a supplier is unbound, its consumer deleted", del, "c", "remove", "c", unbind, "s",
	  .journal = "(remove); remove s", .gone = "c" },
	{ "a supplier's module is unloaded, its consumer unbound", unbind, "c", "remove", "c",
	  unload, "m", .journal = "(remove); remove s" },
	{ "a parent is deleted, its child too", del, "k", "remove", "k", del, "p",
	  .journal = "(remove); remove p", .gone = "p" },
	{ "a parent is deleted, its child unbound", unbind, "k", "remove", "k", del, "p",
	  .journal = "(remove); remove p", .gone = "p" },
	{ "a device is unbound that is suspended", suspend, "", "suspend", "c", unbind, "c",
	  .journal = NULL },
	{ "a device is deleted that is suspended", suspend, "", "suspend", "s", del, "s",
	  .gone = "s" },
	{ "the driver of what is unbound is not unregistered", unbind, "c", "remove", "c",
	  unregister, "c", WEIR_EBUSY, .journal = "(remove)" },
	{ "the module of what is unbound is not unloaded", unbind, "s", "remove", "s",
	  unload, "m", WEIR_EBUSY, .journal = "(remove)" },
	{ "a machine is not suspended that probes", settle, "", "probe", "c",
	  suspend, "", WEIR_EBUSY, .journal = NULL },
};

static void check_journal(struct world *w, const struct overlap *o)
{
	char first[32];

	snprintf(first, sizeof(first), "(%s)", o->call);
	w->journal[w->journal_bytes] = '\0';
	if (strncmp(w->journal, first, strlen(first)) ||
	    (o->journal && strncmp(w->journal, o->journal, strlen(o->journal))))
		fail_msg("%s: %s", o->name, w->journal);
	forget_journal(w);
}

static void overlap(const struct overlap *o)
{
	struct doing one, two;
	struct world w;

	open_world(&w, false);
	if (o->first == settle)
		bind_again(&w, o->device);
	stop_in(0, o->call, o->device);
	begin(&one, &w, o->first, o->of);
	wait_for(&gates[0].inside);
	forget_journal(&w);
	begin(&two, &w, o->second, o->what);
	if (o->refused && end(&two) != o->refused)
		fail_msg("%s: %s", o->name, weir_errname(two.result));
	if (!o->refused && !waits(&two, 1))
		fail_msg("%s: nobody waited", o->name);
	open_gate(0);
	assert_int_equal(end(&one), 0);
	if (!o->refused)
		assert_int_equal(end(&two), 0);
	check_journal(&w, o);
	if (o->gone)
		assert_false(exists(&w, o->gone));
	(void)weir_pm_resume(w.m);
	forget_journal(&w);
	world_close(&w);
}

static void test_overlap_of_two(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(overlaps) / sizeof(overlaps[0]); i++)
		overlap(&overlaps[i]);
}

/* A removal of what is suspended: it is not resumed any more. */
static void test_overlap_of_removal_and_resume(void **state)
{
	struct doing one;
	struct world w;

	(void)state;
	open_world(&w, false);
	assert_int_equal(weir_pm_suspend(w.m), 0);
	stop_in(0, "remove", "c");
	begin(&one, &w, unbind, "c");
	wait_for(&gates[0].inside);
	forget_journal(&w);
	assert_int_equal(weir_pm_resume(w.m), 0);
	open_gate(0);
	assert_int_equal(end(&one), 0);
	assert_journal(&w, "resume s; resume p; resume k; (remove)");
	world_close(&w);
}

/* The last devices of a driver go on two threads; it is forgotten when both are gone. */
static void test_overlap_of_unregister_and_unbind(void **state)
{
	struct doing one, two;
	struct world w;

	(void)state;
	open_world(&w, false);
	world_device(&w, "k2", NULL, "k");
	assert_settles(&w);
	stop_in(0, "remove", "k2");
	stop_in(1, "remove", "k");
	begin(&one, &w, unregister, "k");
	wait_for(&gates[0].inside);
	begin(&two, &w, unbind, "k");
	wait_for(&gates[1].inside);
	open_gate(0);
	assert_true(waits(&one, 1));
	open_gate(1);
	assert_int_equal(end(&one), 0);
	assert_int_equal(end(&two), 0);
	world_close(&w);
}

/* ---- who would wait for itself ---- */

static const struct {
	const char *name, *call, *device; /* that call of that device ... */
	int (*what)(struct world *w, const char *name); /* ... does this */
	const char *of;
	const char *gone, *journal;
} selves[] = {
	{ "a probe deletes its device", "probe", "c", del, "c", "c",
	  "probe c; remove c" },
	{ "a removal deletes its device", "remove", "c", del, "c", "c",
	  "remove c" },
	{ "a probe deletes its supplier", "probe", "c", del, "s", "s", "probe c; remove s; remove c" },
	{ "a probe unbinds its supplier", "probe", "c", unbind, "s", NULL,
	  "probe c; remove s; remove c" },
	{ "a probe deletes its parent", "probe", "k", del, "p", "p", "probe k; remove k; remove p" },
	{ "a removal deletes its parent", "remove", "k", del, "p", "p", "remove k; remove p" },
};
static size_t which;
static bool asked;

static void ask_self(struct world *w, const char *what, struct weir_device *dev)
{
	if (asked || strcmp(what, selves[which].call) ||
	    strcmp(weir_device_name(dev), selves[which].device))
		return;
	asked = true;
	assert_int_equal(selves[which].what(w, selves[which].of), 0);
}

static void test_overlap_of_one_with_itself(void **state)
{
	(void)state;
	for (which = 0; which < sizeof(selves) / sizeof(selves[0]); which++) {
		struct world w;

		open_world(&w, false);
		if (!strcmp(selves[which].call, "probe"))
			bind_again(&w, selves[which].device);
		ask = ask_self;
		asked = false;
		if (!strcmp(selves[which].call, "probe"))
			assert_settles(&w);
		else
			assert_int_equal(unbind(&w, selves[which].device), 0);
		assert_true(asked);
		w.journal[w.journal_bytes] = '\0';
		if (strcmp(w.journal, selves[which].journal))
			fail_msg("%s: %s", selves[which].name, w.journal);
		forget_journal(&w);
		if (selves[which].gone)
			assert_false(exists(&w, selves[which].gone));
		ask = NULL;
		assert_settles(&w);
		world_close(&w);
	}
}

/* Two probes delete each other's device: one of them has to wait for the other's end. */
static void ask_each_other(struct world *w, const char *what, struct weir_device *dev)
{
	if (!strcmp(what, "probe") && !strcmp(weir_device_name(dev), "x"))
		(void)del(w, "y");
	if (!strcmp(what, "probe") && !strcmp(weir_device_name(dev), "y"))
		(void)del(w, "x");
}

static void test_overlap_of_two_that_want_each_other(void **state)
{
	struct doing one, two;
	struct world w;

	(void)state;
	open_world(&w, false);
	world_device(&w, "x", NULL, "c");
	world_device(&w, "y", NULL, "c");
	ask = ask_each_other;
	stop_in(0, "probe", "x");
	stop_in(1, "probe", "y");
	begin(&one, &w, settle, "");
	wait_for(&gates[0].inside);
	begin(&two, &w, settle, "");
	wait_for(&gates[1].inside);
	open_gate(0);
	assert_true(waits(&one, 1));
	open_gate(1);
	assert_int_equal(end(&one), 0);
	assert_int_equal(end(&two), 0);
	assert_false(exists(&w, "x") || exists(&w, "y"));
	world_close(&w);
}

/* ---- lists that change while somebody is told ---- */

static const char *const optional[] = { "supply", NULL };

/* Consumers can do without their supplier, which comes, and are told; the next goes meanwhile. */
static void test_overlap_of_arrival_and_deletion(void **state)
{
	struct weir_fwnode *sup, *con;
	struct weir_device *dev;
	struct doing one;
	struct world w;
	char name[] = "c0";

	(void)state;
	open_world(&w, false);
	driver_of(&w, "k")->drv.optional_suppliers = optional;
	assert_int_equal(weir_fwnode_create(w.m, NULL, "sup", "t,late", &sup), 0);
	assert_int_equal(weir_device_create(w.bus, "sup", NULL, sup, &dev), 0);
	assert_int_equal(weir_device_add(dev), 0);
	weir_device_unref(dev);
	for (; name[1] < '3'; name[1]++) {
		assert_int_equal(weir_fwnode_create(w.m, NULL, name, "k", &con), 0);
		assert_int_equal(weir_fwlink_add(con, sup, 0, "supply"), 0);
		assert_int_equal(weir_device_create(w.bus, name, NULL, con, &dev), 0);
		assert_int_equal(weir_device_add(dev), 0);
		weir_device_unref(dev);
	}
	assert_settles(&w);
	assert_status(&w, "c1", WEIR_DEVICE_BOUND);
	forget_journal(&w);
	stop_in(0, "arrived", "c0");
	world_driver_add(&w, "late", "t,late");
	begin(&one, &w, settle, "");
	wait_for(&gates[0].inside);
	assert_int_equal(del(&w, "c1"), 0);
	open_gate(0);
	assert_int_equal(end(&one), 0);
	assert_journal(&w, "probe sup; arrived sup for c0; remove c1; (arrived); arrived sup for c2");
	world_close(&w);
}

static int sync_go_on(struct world *w, const char *name)
{
	(void)name;
	weir_lock_(w->m);
	weir_sync_resume_(w->m);
	weir_unlock_(w->m);
	return 0;
}

/* Two suppliers are told that all is up; the second one goes while the first is told. */
static void test_overlap_of_sync_state_and_deletion(void **state)
{
	struct weir_link *link;
	struct doing one;
	struct world w;

	(void)state;
	open_world(&w, true);
	assert_int_equal(weir_link_add(world_find(&w, "c"), world_device(&w, "s2", NULL, "s"), 0,
				       &link), 0);
	weir_lock_(w.m);
	weir_sync_pause_(w.m);
	weir_unlock_(w.m);
	assert_settles(&w);
	forget_journal(&w);
	stop_in(0, "sync_state", "s");
	begin(&one, &w, sync_go_on, "");
	wait_for(&gates[0].inside);
	assert_int_equal(del(&w, "s2"), 0);
	open_gate(0);
	assert_int_equal(end(&one), 0);
	w.journal[w.journal_bytes] = '\0';
	assert_null(strstr(w.journal, "sync_state s2"));
	assert_non_null(strstr(w.journal, "sync_state s; remove c; remove s2; (sync_state)"));
	forget_journal(&w);
	assert_false(exists(&w, "s2"));
	world_close(&w);
}

/* ---- what comes too late ---- */

static void ask_for_child(struct world *w, const char *what, struct weir_device *dev)
{
	struct weir_device *child;

	if (strcmp(what, "remove") || strcmp(weir_device_name(dev), "p"))
		return;
	asked = true;
	assert_int_equal(world_try_device(w, "k3", dev, "k", &child), WEIR_ENODEV);
}

static void test_overlap_of_deletion_and_child(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, false);
	ask = ask_for_child;
	asked = false;
	assert_int_equal(del(&w, "p"), 0);
	assert_true(asked);
	world_close(&w);
}

/* Who uses a device while it is deleted gives that back later, or is told. */
static void test_overlap_of_use_and_deletion(void **state)
{
	struct weir_device *k;
	struct world w;

	(void)state;
	open_world(&w, false);
	k = weir_device_ref(world_find(&w, "k"));
	assert_int_equal(weir_pm_runtime_get(k), 0);
	weir_device_del(k);
	weir_pm_runtime_put(k);
	assert_int_equal(weir_pm_runtime_get(k), WEIR_ENODEV);
	assert_int_equal(world_find(&w, "p")->rpm_users, 0);
	weir_device_unref(k);
	world_close(&w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overlap_of_two),
		cmocka_unit_test(test_overlap_of_removal_and_resume),
		cmocka_unit_test(test_overlap_of_unregister_and_unbind),
		cmocka_unit_test(test_overlap_of_one_with_itself),
		cmocka_unit_test(test_overlap_of_two_that_want_each_other),
		cmocka_unit_test(test_overlap_of_arrival_and_deletion),
		cmocka_unit_test(test_overlap_of_sync_state_and_deletion),
		cmocka_unit_test(test_overlap_of_deletion_and_child),
		cmocka_unit_test(test_overlap_of_use_and_deletion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
