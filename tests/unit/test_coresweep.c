// SPDX-License-Identifier: MIT
/*
 * A machine's whole life with every call of the host failing once: devices, links, a module
 * that is loaded, unloaded by force and loaded again, sleep, deletion. What fails is told,
 * leaves nothing, and works when it is done again; in the end all is as without the fault.
 */
#include "world.h"

static const char *const names[] = { "clock", "bus", "nic", "phy" };

#define N (sizeof(names) / sizeof(names[0]))

struct story {
	struct world w;
	struct testhost *host;
	const struct weir_driver *drivers[N + 1];
	struct weir_module_entry entry;
	struct weir_module *module;
};

/* A driver that needs memory of its own, which goes with it. */
static int probe(struct world *w, struct weir_device *dev)
{
	void *mem;

	(void)w;
	return weir_devm_alloc(dev, 40, &mem);
}

/* ---- the steps; each can be done again when it failed ---- */

static struct weir_device *find(struct story *s, const char *name)
{
	struct weir_device *dev;

	return weir_device_find(s->w.bus, name, &dev) ? NULL : dev;
}

static int add(struct story *s)
{
	int err = 0;

	for (size_t i = 0; i < N && !err; i++)
		if (!find(s, names[i])) /* the nic hangs below the bus */
			err = world_try_device(&s->w, names[i], i == 2 ? find(s, "bus") : NULL,
					       names[i], NULL);
	return err;
}

static int connect(struct story *s)
{
	struct weir_link *link;
	int err = 0;

	if (weir_link_find(find(s, "nic"), find(s, "clock"), &link))
		err = weir_link_add(find(s, "nic"), find(s, "clock"), WEIR_LINK_PM_RUNTIME, NULL);
	if (!err && weir_link_find(find(s, "nic"), find(s, "phy"), &link))
		err = weir_link_add(find(s, "nic"), find(s, "phy"), 0, NULL);
	return err;
}

static int load(struct story *s)
{
	return weir_module_load(s->w.m, &s->entry, &s->module);
}

/* All is bound; who failed for lack of memory is tried again the next time. */
static int bring_up(struct story *s)
{
	int err = weir_settle(s->w.m), bind;

	for (size_t i = 0; i < N; i++) {
		struct weir_device *dev = find(s, names[i]);

		if (weir_device_status_get(dev) == WEIR_DEVICE_BOUND)
			continue;
		bind = weir_driver_bind(dev);
		err = bind ? bind : WEIR_ENOMEM;
	}
	return err;
}

static int sleep(struct story *s)
{
	struct weir_device *nic = find(s, "nic");
	int err = weir_pm_suspend(s->w.m);

	if (!err)
		err = weir_pm_resume(s->w.m);
	weir_pm_runtime_enable(find(s, "clock"));
	weir_pm_runtime_enable(nic);
	if (!err)
		err = weir_pm_runtime_get(nic);
	if (!err)
		weir_pm_runtime_put(nic);
	return err;
}

static int unload(struct story *s)
{
	int err = weir_module_unload(s->module, WEIR_MODULE_FORCE);

	for (size_t i = 0; i < N && !err; i++)
		assert_int_equal(weir_device_status_get(find(s, names[i])), WEIR_DEVICE_NO_DRIVER);
	return err;
}

static int del(struct story *s)
{
	weir_device_del(find(s, "bus")); /* and the nic */
	assert_null(find(s, "nic"));
	return 0;
}

static int (*const steps[])(struct story *s) = {
	add, connect, load, bring_up, sleep, unload, load, bring_up, del, add, connect, bring_up,
};

static void scenario(struct testhost *host, void *arg)
{
	struct story s = { .host = host };
	int err = world_try_open(&s.w, host, NULL);

	(void)arg;
	s.w.quiet = true;
	s.w.on_probe = probe;
	for (size_t i = 0; i < N; i++)
		s.drivers[i] = &world_driver(&s.w, names[i], names[i], NULL, NULL)->drv;
	s.entry = (struct weir_module_entry){
		.abi = WEIR_ABI(struct weir_module_entry), .name = "all", .drivers = s.drivers,
	};
	if (err) {
		assert_true(testhost_fault_hit(host));
		assert_int_equal(err, WEIR_ENOMEM);
	}
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !err; i++) {
		bool before = testhost_fault_hit(host);

		err = steps[i](&s);
		if (!err)
			continue;
		/* the fault comes once, and this was it */
		assert_true(testhost_fault_hit(host) && !before);
		assert_int_equal(err, WEIR_ENOMEM);
		err = steps[i](&s);
		assert_int_equal(err, 0);
	}
	weir_machine_destroy(s.w.m);
	pthread_mutex_destroy(&s.w.mutex);
}

static void test_coresweep_of_a_life(void **state)
{
	unsigned long n = testhost_sweep(NULL, NULL, scenario, NULL);

	(void)state;
	print_message("%lu calls failed\n", n);
	assert_true(n > 60);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_coresweep_of_a_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
