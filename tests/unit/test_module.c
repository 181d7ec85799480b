// SPDX-License-Identifier: MIT
/* Modules: loading, what a failure undoes, unloading, reloading, holding, the host's images. */
#include <stdio.h>
#include <string.h>

#include "core/core.h"
#include "plainpolicy.h"
#include "world.h"

static struct world world;

/* Two drivers and init and exit that write to the journal. */
static const struct weir_driver *drivers[3];
static int init_err;

/* One that is being loaded or unloaded is nobody's to find. */
static void note_when_found(struct weir_machine *m, const struct weir_module *module)
{
	struct weir_module *other;

	if (!weir_module_find(m, weir_module_name(module), &other))
		world_note(&world, "found");
	for (other = weir_module_first(m); other; other = weir_module_next(other))
		if (other == module)
			world_note(&world, "listed");
}

static int on_init(struct weir_machine *m, struct weir_module *module)
{
	note_when_found(m, module);
	world_note(&world, "init %s", weir_module_name(module));
	return init_err;
}

static void on_exit_(struct weir_machine *m, struct weir_module *module)
{
	note_when_found(m, module);
	world_note(&world, "exit %s", weir_module_name(module));
}

static const struct weir_module_entry two = {
	.abi = WEIR_ABI(struct weir_module_entry),
	.name = "two",
	.drivers = drivers,
	.init = on_init,
	.exit = on_exit_,
};

static int open_with(const struct weir_policy_ops *policy, void **state)
{
	world_open(&world, policy);
	drivers[0] = &world_driver(&world, "drv1", "k1", NULL, NULL)->drv;
	drivers[1] = &world_driver(&world, "drv2", "k2", NULL, NULL)->drv;
	drivers[2] = NULL;
	init_err = 0;
	*state = &world;
	return 0;
}

static int open_world(void **state)
{
	return open_with(&plain_policy, state);
}

/* Under the library's own policy, which brings consumers back. */
static int open_weir_world(void **state)
{
	return open_with(NULL, state);
}

static int close_world(void **state)
{
	(void)state;
	world_close(&world);
	return 0;
}

static void assert_drivers(struct world *w, size_t n)
{
	struct weir_machine_stats stats;

	weir_machine_stats_get(w->m, &stats);
	assert_int_equal(stats.drivers, n);
}

static void test_module_load_and_unload(void **state)
{
	struct world *w = *state;
	struct weir_module *module, *found;
	struct weir_device *a = world_device(w, "a", NULL, "k1");

	/* b belongs to the driver registered last, and needs a: both orders say it goes first */
	assert_int_equal(weir_link_add(world_device(w, "b", NULL, "k2"), a, 0, NULL), 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(weir_module_load(w->m, &two, &module), 0);
		assert_settles(w);
		assert_journal(w, "init two; probe a; probe b");
		assert_string_equal(weir_module_name(module), "two");
		assert_int_equal(weir_module_find(w->m, "two", &found), 0);
		assert_ptr_equal(found, module);
		assert_int_equal(weir_module_load(w->m, &two, &found), WEIR_EEXIST);
		assert_int_equal(weir_module_unload(module, 0), 0);
		assert_journal(w, "remove b; remove a; exit two");
		assert_int_equal(weir_module_find(w->m, "two", &found), WEIR_ENOENT);
		assert_drivers(w, 0);
	}
}

static void test_module_drivers_go_in_reverse(void **state)
{
	struct world *w = *state;
	struct weir_module *module;

	world_device(w, "b", NULL, "k2");
	world_device(w, "a", NULL, "k1");
	assert_int_equal(weir_module_load(w->m, &two, &module), 0);
	assert_settles(w);
	assert_int_equal(weir_module_unload(module, 0), 0);
	assert_journal(w, "init two; probe a; probe b; remove b; remove a; exit two");
}

static void test_module_init_fails(void **state)
{
	struct world *w = *state;
	struct weir_module *module = NULL;

	world_device(w, "a", NULL, "k1");
	init_err = WEIR_EIO;
	assert_int_equal(weir_module_load(w->m, &two, &module), WEIR_EIO);
	init_err = 1; /* no error code, but no success either */
	assert_int_equal(weir_module_load(w->m, &two, &module), WEIR_EINVAL);
	assert_null(module);
	assert_settles(w);
	assert_journal(w, "init two; init two");
	init_err = 0;
	assert_int_equal(weir_module_load(w->m, &two, NULL), 0);
}

/* The second registration fails: the first is taken back, and exit is called. */
static void test_module_registration_fails(void **state)
{
	struct world *w = *state;
	struct world_driver *taken = world_driver(w, "drv2", "other", NULL, NULL);
	struct weir_module *module = NULL;

	world_device(w, "a", NULL, "k1");
	assert_int_equal(weir_driver_register(w->m, &taken->drv), 0);
	assert_int_equal(weir_module_load(w->m, &two, &module), WEIR_EEXIST);
	assert_null(module);
	assert_drivers(w, 1);
	assert_int_equal(weir_module_find(w->m, "two", &module), WEIR_ENOENT);
	assert_settles(w);
	assert_journal(w, "init two; exit two");
	world_driver_del(w, taken);
	assert_int_equal(weir_module_load(w->m, &two, NULL), 0);
	assert_settles(w);
	assert_journal(w, "init two; probe a");
}

static void test_module_holds(void **state)
{
	struct world *w = *state;
	struct weir_module *module;

	assert_int_equal(weir_module_load(w->m, &two, &module), 0);
	weir_module_get(module);
	weir_module_get(module);
	weir_module_put(module);
	assert_int_equal(weir_module_unload(module, 0), WEIR_EBUSY);
	assert_journal(w, "init two");
	assert_drivers(w, 2);
	weir_module_put(module);
	testhost_expect_asserts(w->host);
	weir_module_put(module); /* one too many */
	assert_int_equal(testhost_take_asserts(w->host), 1);
	assert_int_equal(weir_module_unload(module, 0), 0);
}

/* ---- users ---- */

static void assert_user(struct weir_module *module, unsigned int index, const char *user,
			const char *used)
{
	struct weir_device *a, *b;

	assert_int_equal(weir_module_user(module, index, &a, &b), 0);
	assert_string_equal(weir_device_name(a), user);
	assert_string_equal(weir_device_name(b), used);
}

static void assert_no_user(struct weir_module *module, unsigned int index)
{
	struct weir_device *a, *b;

	assert_int_equal(weir_module_user(module, index, &a, &b), WEIR_ENOENT);
}

/* c and d of another driver need a; e needs d; b is of the module itself. */
static struct weir_module *load_used(struct world *w)
{
	struct weir_module *module;
	struct weir_device *a = world_device(w, "a", NULL, "k1"), *d;

	assert_int_equal(weir_link_add(world_device(w, "b", NULL, "k2"), a, 0, NULL), 0);
	assert_int_equal(weir_link_add(world_device(w, "c", NULL, "k3"), a, 0, NULL), 0);
	d = world_device(w, "d", NULL, "k3");
	assert_int_equal(weir_link_add(d, a, 0, NULL), 0);
	assert_int_equal(weir_link_add(world_device(w, "e", NULL, "k3"), d, 0, NULL), 0);
	world_driver_add(w, "other", "k3");
	assert_int_equal(weir_module_load(w->m, &two, &module), 0);
	assert_settles(w);
	assert_journal(w, "init two; probe a; probe b; probe c; probe d; probe e");
	return module;
}

static void test_module_unload_is_refused_with_users(void **state)
{
	struct world *w = *state;
	struct weir_module *module = load_used(w);

	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(weir_module_unload(module, 0), WEIR_EBUSY);
	assert_journal(w, "");
	assert_drivers(w, 3);
	assert_user(module, 0, "c", "a");
	assert_user(module, 1, "d", "a");
	assert_no_user(module, 2);
	assert_no_user(module, ~0u);
	assert_int_equal(weir_driver_unbind(world_find(w, "d")), 0);
	assert_int_equal(weir_driver_unbind(world_find(w, "c")), 0);
	assert_journal(w, "remove e; remove d; remove c");
	assert_no_user(module, 0);
	assert_int_equal(weir_module_unload(module, 0), 0);
	assert_journal(w, "remove b; remove a; exit two");
}

static void test_module_unload_by_force(void **state)
{
	struct world *w = *state;
	struct weir_module *module = load_used(w);

	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(weir_module_unload(module, WEIR_MODULE_FORCE), 0);
		assert_journal(w, "remove b; remove e; remove d; remove c; remove a; exit two");
		assert_drivers(w, 1);
		assert_settles(w);
		assert_int_equal(weir_device_verdict(world_find(w, "c"), NULL),
				 WEIR_VERDICT_WAITS_SUPPLIER);
		assert_int_equal(weir_module_load(w->m, &two, &module), 0);
		assert_settles(w);
		/* Consumers come back as their suppliers do. */
		assert_status(w, "e", WEIR_DEVICE_BOUND);
		assert_status(w, "c", WEIR_DEVICE_BOUND);
		w->journal[0] = '\0';
		w->journal_bytes = 0;
	}
	weir_module_get(module); /* which force does not break */
	assert_int_equal(weir_module_unload(module, WEIR_MODULE_FORCE), WEIR_EBUSY);
	weir_module_put(module);
	assert_journal(w, "");
}

/* What hangs below a device goes with it. */
static void test_module_children_are_users(void **state)
{
	struct world *w = *state;
	struct weir_module *module;
	struct weir_device *a = world_device(w, "a", NULL, "k1");

	world_device(w, "b", a, "k2");
	world_device(w, "c", a, "k3");
	world_driver_add(w, "other", "k3");
	assert_int_equal(weir_module_load(w->m, &two, &module), 0);
	assert_settles(w);
	assert_user(module, 0, "c", "a");
	assert_no_user(module, 1);
	assert_int_equal(weir_module_unload(module, 0), WEIR_EBUSY);
	assert_int_equal(weir_driver_unbind(world_find(w, "c")), 0);
	assert_int_equal(weir_module_unload(module, 0), 0);
}

/* What only orders power, or delays sync_state, needs nothing of it. */
static void test_module_links_that_are_no_use(void **state)
{
	struct world *w = *state;
	struct weir_module *module;
	struct weir_device *a = world_device(w, "a", NULL, "k1"), *c, *d;

	c = world_device(w, "c", NULL, "k3");
	d = world_device(w, "d", NULL, "none");
	assert_int_equal(weir_link_add(c, a, WEIR_LINK_STATELESS, NULL), 0);
	assert_int_equal(weir_link_add(d, a, 0, NULL), 0);
	world_driver_add(w, "other", "k3");
	assert_int_equal(weir_module_load(w->m, &two, &module), 0);
	assert_settles(w);
	assert_no_user(module, 0);
	assert_int_equal(weir_module_unload(module, 0), 0);
	assert_journal(w, "init two; probe c; probe a; remove a; exit two");
}

static void test_module_list(void **state)
{
	static const struct weir_driver *const none[] = { NULL };
	static const struct weir_module_entry empty = {
		.abi = WEIR_ABI(struct weir_module_entry), .name = "empty", .drivers = none,
	};
	struct world *w = *state;
	struct weir_module *a, *b;

	assert_null(weir_module_first(w->m));
	assert_int_equal(weir_module_load(w->m, &two, &a), 0);
	assert_int_equal(weir_module_load(w->m, &empty, &b), 0);
	assert_ptr_equal(weir_module_first(w->m), a);
	assert_ptr_equal(weir_module_next(a), b);
	assert_null(weir_module_next(b));
	assert_true(weir_module_has(a, drivers[1]));
	assert_false(weir_module_has(b, drivers[1]));
	assert_int_equal(weir_module_unload(a, 0), 0);
	assert_ptr_equal(weir_module_first(w->m), b);
}

/* ---- the ABI ---- */

static char logged[200];

static void keep_log(void *host, enum weir_log_level level, const char *line)
{
	(void)host;
	assert_int_equal(level, WEIR_LOG_ERR);
	snprintf(logged, sizeof(logged), "%s", line);
}

static void test_module_of_another_abi_is_refused_by_name(void **state)
{
	struct weir_host_ops ops = testhost_plain_ops;
	struct weir_module_entry entry = two;
	struct weir_machine *m;

	(void)state;
	ops.log = keep_log;
	assert_int_equal(weir_machine_create_policy(&ops, NULL, &plain_policy, NULL, &m), 0);
	entry.abi.version = 9;
	assert_int_equal(weir_module_load(m, &entry, NULL), WEIR_ENOEXEC);
	assert_non_null(strstr(logged, "module two"));
	assert_non_null(strstr(logged, "version 9"));
	entry.abi = (struct weir_abi){ sizeof(entry) - 1, WEIR_ABI_VERSION };
	assert_int_equal(weir_module_load(m, &entry, NULL), WEIR_ENOEXEC);
	entry.abi.size = 8; /* ends before its name: that is not read */
	entry.name = (const char *)(uintptr_t)1;
	assert_int_equal(weir_module_load(m, &entry, NULL), WEIR_ENOEXEC);
	assert_non_null(strstr(logged, "(nameless)"));
	weir_machine_destroy(m);
}

/* ---- events ---- */

static void keep_event(void *context, const struct weir_event *e)
{
	char *text = context;
	size_t at = strlen(text);

	snprintf(text + at, 200 - at, "%s<%u ", weir_event_name(e->type), e->cause);
}

static void test_module_events(void **state)
{
	struct world *w = *state;
	char text[200] = "";
	struct weir_trace trace = { .fn = keep_event, .context = text };
	struct weir_module *module;

	weir_trace_attach(w->m, &trace);
	assert_int_equal(weir_module_load(w->m, &two, &module), 0);
	assert_int_equal(weir_module_unload(module, 0), 0);
	init_err = WEIR_EIO;
	assert_int_equal(weir_module_load(w->m, &two, &module), WEIR_EIO);
	weir_trace_detach(w->m, &trace);
	assert_string_equal(text, "module-load<0 driver-add<1 driver-add<1 "
				  "module-unload<0 driver-del<4 driver-del<4 "
				  "module-load<0 module-unload<7 ");
}

/* ---- images ---- */

static void test_module_open_without_host_calls(void **state)
{
	struct world *w = *state;

	assert_int_equal(weir_module_open(w->m, "good", NULL), WEIR_EOPNOTSUPP);
}

static void test_module_open_shared_objects(void **state)
{
	struct weir_posix_options options = { .module_dir = TEST_MODULE_DIR };
	struct weir_posix *posix;
	struct weir_machine *m;
	struct testhost *t;
	struct weir_module *module;

	(void)state;
	assert_int_equal(weir_posix_create(&options, &posix), 0);
	t = testhost_create(weir_posix_ops(posix), posix);
	assert_int_equal(weir_machine_create_policy(testhost_ops(t), t, &plain_policy, NULL, &m), 0);
	assert_int_equal(weir_module_open(m, "good", &module), 0);
	assert_string_equal(weir_module_name(module), "good");
	assert_int_equal(weir_module_open(m, "good", NULL), WEIR_EEXIST);
	assert_int_equal(weir_module_unload(module, 0), 0);
	assert_int_equal(weir_module_open(m, "good", &module), 0);
	assert_int_equal(weir_module_open(m, "noentry", NULL), WEIR_ENOEXEC);
	assert_int_equal(weir_module_open(m, "missing", NULL), WEIR_ENOENT);
	assert_int_equal(weir_module_open(m, "oldabi", NULL), WEIR_ENOEXEC);
	assert_int_equal(weir_module_open(m, "lacking", NULL), WEIR_ENOEXEC);
	assert_int_equal(weir_module_open(m, "liar", NULL), WEIR_ENOEXEC);
	assert_int_equal(weir_module_find(m, "honest", &module), WEIR_ENOENT);
	weir_machine_destroy(m); /* closes what is open */
	testhost_destroy(t);
	weir_posix_destroy(posix);
}

/* A host that counts its images and can hand out any entry table. */
static const struct weir_module_entry *image_entry;
static int images;

static int image_open(void *host, const char *name, void **out_image,
		      const struct weir_module_entry **out_entry)
{
	(void)host;
	(void)name;
	images++;
	*out_image = &images;
	*out_entry = image_entry;
	return 0;
}

static void image_close(void *host, void *image)
{
	(void)host;
	assert_ptr_equal(image, &images);
	images--;
}

static void test_module_images_are_closed(void **state)
{
	struct weir_host_ops ops = testhost_plain_ops;
	struct weir_module_entry old = two;
	struct weir_module *module;
	struct weir_machine *m;

	(void)state;
	ops.module_open = image_open;
	ops.module_close = image_close;
	assert_int_equal(weir_machine_create_policy(&ops, NULL, &plain_policy, NULL, &m), 0);
	old.abi.version = 9;
	image_entry = &old;
	assert_int_equal(weir_module_open(m, "two", &module), WEIR_ENOEXEC);
	assert_int_equal(images, 0);
	image_entry = &two; /* registers on a bus that does not exist */
	assert_int_equal(weir_module_open(m, "two", &module), WEIR_ENOENT);
	assert_int_equal(images, 0);
	drivers[0] = NULL;
	assert_int_equal(weir_module_open(m, "two", &module), 0);
	assert_int_equal(images, 1);
	assert_int_equal(weir_module_unload(module, 0), 0);
	assert_int_equal(images, 0);
	assert_int_equal(weir_module_open(m, "two", &module), 0);
	weir_module_get(module);
	weir_machine_destroy(m); /* whoever holds it */
	assert_int_equal(images, 0);
}

/* ---- unloading from inside ---- */

static struct weir_module *own;

static int unload_own(struct world *w, struct weir_device *dev)
{
	(void)dev;
	world_note(w, "unload %s", weir_errname(weir_module_unload(own, 0)));
	return 0;
}

static void test_module_is_not_unloaded_by_its_own_probe(void **state)
{
	struct world *w = *state;

	world_device(w, "a", NULL, "k1");
	w->on_probe = unload_own;
	assert_int_equal(weir_module_load(w->m, &two, &own), 0);
	assert_settles(w);
	assert_journal(w, "init two; probe a; unload EBUSY");
	assert_int_equal(weir_module_unload(own, 0), 0);
}

/* A consumer that is on its way needs it already. */
static int unload_supplier(struct world *w, struct weir_device *dev)
{
	struct weir_device *user, *used;

	if (dev != world_find(w, "c"))
		return 0;
	if (weir_module_user(own, 0, &user, &used) || user != dev)
		world_note(w, "no user");
	else
		unload_own(w, dev);
	return 0;
}

static void test_module_probing_consumer_is_user(void **state)
{
	struct world *w = *state;

	world_device(w, "a", NULL, "k1");
	world_device(w, "c", NULL, "kc");
	assert_int_equal(weir_link_add(world_find(w, "c"), world_find(w, "a"), 0, NULL), 0);
	w->on_probe = unload_supplier;
	assert_int_equal(weir_module_load(w->m, &two, &own), 0);
	world_driver_add(w, "other", "kc");
	assert_settles(w);
	assert_journal(w, "init two; probe a; probe c; unload EBUSY");
	assert_int_equal(weir_module_unload(own, WEIR_MODULE_FORCE), 0);
	assert_journal(w, "remove c; remove a; exit two");
}

/* What comes while it goes is not taken by those of its drivers that are still there. */
static void add_one_more(struct world *w, const char *what, struct weir_device *dev)
{
	if (strcmp(what, "remove") || dev != world_find(w, "b"))
		return;
	world_device(w, "late", NULL, "k1");
	assert_settles(w);
}

static void test_module_takes_nothing_more(void **state)
{
	struct world *w = *state;

	world_device(w, "b", NULL, "k2");
	w->on_call = add_one_more;
	assert_int_equal(weir_module_load(w->m, &two, &own), 0);
	assert_settles(w);
	assert_int_equal(weir_module_unload(own, 0), 0);
	assert_journal(w, "init two; probe b; remove b; exit two");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_world, close_world)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_module_load_and_unload),
		TEST(test_module_drivers_go_in_reverse),
		TEST(test_module_init_fails),
		TEST(test_module_registration_fails),
		TEST(test_module_holds),
		TEST(test_module_unload_is_refused_with_users),
		cmocka_unit_test_setup_teardown(test_module_unload_by_force, open_weir_world,
						close_world),
		TEST(test_module_children_are_users),
		TEST(test_module_links_that_are_no_use),
		TEST(test_module_list),
		TEST(test_module_of_another_abi_is_refused_by_name),
		TEST(test_module_events),
		TEST(test_module_open_without_host_calls),
		TEST(test_module_open_shared_objects),
		TEST(test_module_images_are_closed),
		TEST(test_module_is_not_unloaded_by_its_own_probe),
		cmocka_unit_test_setup_teardown(test_module_probing_consumer_is_user,
						open_weir_world, close_world),
		cmocka_unit_test_setup_teardown(test_module_takes_nothing_more, open_weir_world,
						close_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
