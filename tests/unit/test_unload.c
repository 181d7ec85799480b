// SPDX-License-Identifier: MIT
/*
 * A module is unloaded while other threads probe: what runs on host threads is waited for,
 * and what another thread's weir_step() does by itself makes it refuse. Each probe stops
 * inside until the test lets it go.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "world.h"

static struct gate {
	_Atomic bool inside, open;
} at_module, at_other;

static void wait_until(_Atomic bool *what)
{
	for (int n = 0; !*what; n++) {
		assert_true(n < 50000);
		usleep(100);
	}
}

static int stop_at(struct gate *gate)
{
	gate->inside = true;
	while (!gate->open)
		usleep(100);
	return 0;
}

static int module_probe(struct weir_device *dev)
{
	(void)dev;
	return stop_at(&at_module);
}

static int other_probe(struct weir_device *dev)
{
	(void)dev;
	return stop_at(&at_other);
}

static const struct weir_driver_ops module_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops), .probe = module_probe,
};
static const struct weir_match module_match[] = { { .key = "t,module" }, { 0 } };
static const struct weir_driver sync_driver = {
	.name = "sync", .bus = "test", .match = module_match, .ops = &module_ops,
	.flags = WEIR_DRIVER_SYNC,
};
static const struct weir_driver async_driver = {
	.name = "async", .bus = "test", .match = module_match, .ops = &module_ops,
};
static const struct weir_driver *const sync_drivers[] = { &sync_driver, NULL };
static const struct weir_driver *const async_drivers[] = { &async_driver, NULL };
static const struct weir_module_entry sync_entry = {
	.abi = WEIR_ABI(struct weir_module_entry), .name = "m", .drivers = sync_drivers,
};
static const struct weir_module_entry async_entry = {
	.abi = WEIR_ABI(struct weir_module_entry), .name = "m", .drivers = async_drivers,
};

struct run {
	struct world w;
	struct weir_module *module;
	pthread_t stepper, opener;
};

static void *step(void *arg)
{
	struct run *r = arg;

	assert_int_equal(weir_settle(r->w.m), 0);
	return NULL;
}

/* Lets one probe go a little after the unload has begun. */
static void *open_later(void *arg)
{
	struct gate *gate = arg;

	usleep(20000);
	gate->open = true;
	return NULL;
}

static void begin(struct run *r, const struct weir_module_entry *entry)
{
	struct world_driver *other;

	at_module.inside = at_module.open = at_other.inside = at_other.open = false;
	world_open_threads(&r->w, NULL, 2);
	r->w.quiet = true;
	other = world_driver(&r->w, "other", "t,other", NULL, NULL);
	other->ops.probe = other_probe;
	assert_int_equal(weir_driver_register(r->w.m, &other->drv), 0);
	assert_int_equal(weir_module_load(r->w.m, entry, &r->module), 0);
	world_device(&r->w, "b", NULL, "t,other");
	world_device(&r->w, "a", NULL, "t,module");
	assert_int_equal(pthread_create(&r->stepper, NULL, step, r), 0);
	wait_until(&at_other.inside);
	wait_until(&at_module.inside);
}

static void finish(struct run *r)
{
	at_module.open = at_other.open = true;
	pthread_join(r->stepper, NULL);
	world_close(&r->w);
}

/* Another thread is inside one of its probes by itself: no, and nothing happened. */
static void test_unload_under_a_probe_of_another_step(void **state)
{
	struct run r;

	(void)state;
	begin(&r, &sync_entry);
	assert_int_equal(pthread_create(&r.opener, NULL, open_later, &at_other), 0);
	assert_int_equal(weir_module_unload(r.module, WEIR_MODULE_FORCE), WEIR_EBUSY);
	pthread_join(r.opener, NULL);
	at_module.open = true;
	pthread_join(r.stepper, NULL);
	assert_status(&r.w, "a", WEIR_DEVICE_BOUND);
	assert_int_equal(weir_module_unload(r.module, WEIR_MODULE_FORCE), 0);
	assert_status(&r.w, "a", WEIR_DEVICE_NO_DRIVER);
	world_close(&r.w);
}

/* A probe on a host thread is waited for. */
static void test_unload_waits_for_host_threads(void **state)
{
	struct run r;

	(void)state;
	begin(&r, &async_entry);
	assert_int_equal(pthread_create(&r.opener, NULL, open_later, &at_module), 0);
	assert_int_equal(weir_module_unload(r.module, WEIR_MODULE_FORCE), 0);
	assert_true(at_module.open);
	pthread_join(r.opener, NULL);
	assert_status(&r.w, "a", WEIR_DEVICE_NO_DRIVER);
	finish(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unload_under_a_probe_of_another_step),
		cmocka_unit_test(test_unload_waits_for_host_threads),
	};

	return cmocka_run_group_tests_name("unload", tests, NULL, NULL);
}
