// SPDX-License-Identifier: MIT
/*
 * What probes ask for that would have to wait for themselves: on a host thread, where the
 * library could wait, and inside weir_step(). It is refused; never does anything hang.
 */
#include "world.h"

static struct weir_module *modules[2];
static const struct weir_driver *drivers_of[2][2];
static struct weir_module_entry entries[2] = {
	{ .abi = WEIR_ABI(struct weir_module_entry), .name = "one", .drivers = drivers_of[0] },
	{ .abi = WEIR_ABI(struct weir_module_entry), .name = "two", .drivers = drivers_of[1] },
};

/* What is asked inside the probe of each device, by its name: "a" of module one, "b" of two. */
static struct {
	int (*ask)(struct world *w, unsigned int which);
	_Atomic int answers[2];
	bool meet;                /* both are in their probes when they ask, and until both are answered */
	_Atomic unsigned int there;
	pthread_mutex_t mutex;
	pthread_cond_t came;
} inside = { .mutex = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER };

static void wait_until_there(unsigned int n)
{
	pthread_mutex_lock(&inside.mutex);
	inside.there++;
	pthread_cond_broadcast(&inside.came);
	while (inside.there < n)
		pthread_cond_wait(&inside.came, &inside.mutex);
	pthread_mutex_unlock(&inside.mutex);
}

static int probe(struct world *w, struct weir_device *dev)
{
	unsigned int which = (unsigned int)(weir_device_name(dev)[0] - 'a');

	if (inside.meet)
		wait_until_there(2);
	inside.answers[which] = inside.ask(w, which);
	if (inside.meet)
		wait_until_there(4);
	return 0;
}

static int ask_nothing(struct world *w, unsigned int which)
{
	(void)w;
	(void)which;
	return 0;
}

static int unload_own(struct world *w, unsigned int which)
{
	(void)w;
	return weir_module_unload(modules[which], WEIR_MODULE_FORCE);
}

static int unload_other(struct world *w, unsigned int which)
{
	(void)w;
	return weir_module_unload(modules[!which], WEIR_MODULE_FORCE);
}

static int unload_supplier(struct world *w, unsigned int which)
{
	(void)w;
	return which ? weir_module_unload(modules[0], WEIR_MODULE_FORCE) : 0;
}

static int unregister_own(struct world *w, unsigned int which)
{
	return weir_driver_unregister(w->m, &w->drivers[which].drv);
}

static int unregister_other(struct world *w, unsigned int which)
{
	return weir_driver_unregister(w->m, &w->drivers[!which].drv);
}

static int settle(struct world *w, unsigned int which)
{
	(void)which;
	return weir_settle(w->m);
}

struct inside_case {
	const char *name;
	int (*ask)(struct world *w, unsigned int which);
	bool meet, linked;
	int a, b; /* what they are answered */
};

static const struct inside_case threaded[] = {
	{ "own module", unload_own, false, false, WEIR_EBUSY, WEIR_EBUSY },
	{ "each other's module", unload_other, true, false, WEIR_EBUSY, WEIR_EBUSY },
	{ "the module of the supplier", unload_supplier, false, true, 0, WEIR_EBUSY },
	{ "own driver", unregister_own, false, false, WEIR_EBUSY, WEIR_EBUSY },
	{ "each other's driver", unregister_other, true, false, WEIR_EBUSY, WEIR_EBUSY },
	{ "waiting for all", settle, true, false, WEIR_EAGAIN, WEIR_EAGAIN },
};
static const struct inside_case stepped[] = {
	{ "own module", unload_own, false, false, WEIR_EBUSY, WEIR_EBUSY },
	{ "own driver", unregister_own, false, false, WEIR_EBUSY, WEIR_EBUSY },
	{ "waiting for all", settle, false, false, 0, 0 },
};

static void add_modules(struct world *w)
{
	for (unsigned int i = 0; i < 2; i++) {
		drivers_of[i][0] = &world_driver(w, i ? "db" : "da", i ? "b" : "a", NULL, NULL)->drv;
		assert_int_equal(weir_module_load(w->m, &entries[i], &modules[i]), 0);
	}
}

static void run(const struct inside_case *c, unsigned int threads)
{
	struct weir_device *a, *b;
	struct weir_link *link;
	struct world w;

	if (threads)
		world_open_threads(&w, NULL, threads);
	else
		world_open(&w, NULL);
	w.quiet = true;
	w.on_probe = probe;
	inside.ask = c->ask;
	inside.meet = c->meet;
	inside.there = 0;
	add_modules(&w);
	a = world_device(&w, "a", NULL, "a");
	b = world_device(&w, "b", NULL, "b");
	if (c->linked)
		assert_int_equal(weir_link_add(b, a, 0, &link), 0);
	assert_settles(&w);
	if (inside.answers[0] != c->a || inside.answers[1] != c->b)
		fail_msg("%s: %s, %s", c->name, weir_errname(inside.answers[0]),
			 weir_errname(inside.answers[1]));
	assert_status(&w, "a", WEIR_DEVICE_BOUND);
	assert_status(&w, "b", WEIR_DEVICE_BOUND);
	/* from outside it works as ever */
	inside.ask = ask_nothing;
	assert_int_equal(weir_module_unload(modules[0], WEIR_MODULE_FORCE), 0);
	assert_int_equal(weir_module_unload(modules[1], 0), 0);
	world_close(&w);
}

static void test_inside_a_probe_on_a_host_thread(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(threaded) / sizeof(threaded[0]); i++)
		run(&threaded[i], 3);
}

static void test_inside_a_probe_of_a_step(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stepped) / sizeof(stepped[0]); i++)
		run(&stepped[i], 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inside_a_probe_on_a_host_thread),
		cmocka_unit_test(test_inside_a_probe_of_a_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
