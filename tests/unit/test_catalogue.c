// SPDX-License-Identifier: MIT
/* The catalogue: what it says of a device, and that a failed call says nothing. */
#include <stdio.h>

#include "core/core.h"
#include "plainpolicy.h"
#include "world.h"

/* The plain policy, and a count of what it was told. */
static unsigned int changed, sealed;

static void count_changes(struct weir_machine *m, bool now_sealed)
{
	(void)m;
	changed++;
	sealed += now_sealed;
}

static int open_world(void **state)
{
	static struct world w;
	static struct weir_policy_ops policy;

	policy = plain_policy;
	policy.catalogue_changed = count_changes;
	changed = sealed = 0;
	world_open(&w, &policy);
	*state = &w;
	return 0;
}

static int close_world(void **state)
{
	world_close(*state);
	return 0;
}

static int try_entry(struct world *w, const char *name, const char *bus, const char *key,
		     const char *key2, enum weir_catalogue_state what)
{
	const char *keys[] = { key, key2, NULL };
	struct weir_catalogue_entry entry = { name, bus, keys, what };

	return weir_catalogue_add(w->m, &entry);
}

static void entry(struct world *w, const char *name, const char *bus, const char *key,
		  enum weir_catalogue_state what)
{
	assert_int_equal(try_entry(w, name, bus, key, NULL, what), 0);
}

#define assert_says(dev, what, who) \
	do { \
		const char *name_ = NULL; \
		assert_int_equal(weir_catalogue_find_(dev, &name_), what); \
		assert_string_equal(name_, who); \
	} while (0)

static void test_catalogue_empty(void **state)
{
	struct world *w = *state;
	struct weir_device *a = world_device(w, "a", NULL, "k");
	const char *name = "untouched";

	assert_int_equal(weir_catalogue_find_(a, &name), WEIR_ENOENT);
	assert_string_equal(name, "untouched");
	entry(w, "drv", "test", "other", WEIR_CATALOGUE_BUILTIN);
	assert_int_equal(weir_catalogue_find_(a, &name), WEIR_ENOENT);
	assert_int_equal(weir_catalogue_find_(a, NULL), WEIR_ENOENT);
}

static void test_catalogue_best_entry_wins(void **state)
{
	struct world *w = *state;
	struct weir_device *a = world_device(w, "a", NULL, "k");

	entry(w, "no", "test", "k", WEIR_CATALOGUE_DENIED);
	assert_says(a, WEIR_CATALOGUE_DENIED, "no");
	entry(w, "mod", "test", "k", WEIR_CATALOGUE_LOADABLE);
	assert_says(a, WEIR_CATALOGUE_LOADABLE, "mod");
	entry(w, "mod2", "test", "k", WEIR_CATALOGUE_LOADABLE);
	entry(w, "no2", NULL, "k", WEIR_CATALOGUE_DENIED);
	assert_says(a, WEIR_CATALOGUE_LOADABLE, "mod");
	entry(w, "in", NULL, "k", WEIR_CATALOGUE_BUILTIN);
	assert_says(a, WEIR_CATALOGUE_BUILTIN, "in");
}

static void test_catalogue_buses(void **state)
{
	struct world *w = *state;
	struct weir_device *a = world_device(w, "a", NULL, "k");

	entry(w, "usb", "usb", "k", WEIR_CATALOGUE_BUILTIN);
	assert_int_equal(weir_catalogue_find_(a, NULL), WEIR_ENOENT);
	entry(w, "any", NULL, "k", WEIR_CATALOGUE_DENIED);
	assert_says(a, WEIR_CATALOGUE_DENIED, "any");
	entry(w, "mine", "test", "k", WEIR_CATALOGUE_LOADABLE);
	assert_says(a, WEIR_CATALOGUE_LOADABLE, "mine");
}

static const char *two_keys(const struct weir_device *dev, unsigned int index)
{
	static const char *const keys[] = { "k1", "k2" };

	(void)dev;
	return index < 2 ? keys[index] : NULL;
}

static void test_catalogue_keys_and_names(void **state)
{
	static const struct weir_bus_ops ops = {
		.abi = WEIR_ABI(struct weir_bus_ops), .match_key = two_keys, .match_name = true,
	};
	struct world *w = *state;
	struct weir_device *top = world_device(w, "top", NULL, "x"), *dev;
	struct weir_device *a = world_device(w, "named", top, "x");
	struct weir_bus *bus;

	assert_int_equal(weir_bus_create(w->m, "keyed", &ops, &bus), 0);
	assert_int_equal(weir_device_create(bus, "named", NULL, NULL, &dev), 0);
	assert_int_equal(weir_device_add(dev), 0);
	assert_int_equal(weir_catalogue_find_(dev, NULL), WEIR_ENOENT);
	entry(w, "named", NULL, NULL, WEIR_CATALOGUE_DENIED);
	assert_says(dev, WEIR_CATALOGUE_DENIED, "named");
	assert_int_equal(weir_catalogue_find_(a, NULL), WEIR_ENOENT); /* its bus goes by key only */
	entry(w, "two", NULL, "k2", WEIR_CATALOGUE_LOADABLE);
	assert_says(dev, WEIR_CATALOGUE_LOADABLE, "two");
	entry(w, "one", NULL, "k1", WEIR_CATALOGUE_LOADABLE);
	assert_says(dev, WEIR_CATALOGUE_LOADABLE, "one"); /* the device's first key */
	weir_device_unref(dev);
}

/* Strings are copied: the caller's may go. */
static void test_catalogue_copies(void **state)
{
	struct world *w = *state;
	struct weir_device *a = world_device(w, "a", NULL, "k");
	char name[] = "drv", bus[] = "test", key[] = "k";

	entry(w, name, bus, key, WEIR_CATALOGUE_BUILTIN);
	name[0] = bus[0] = key[0] = '#';
	assert_says(a, WEIR_CATALOGUE_BUILTIN, "drv");
}

static void test_catalogue_many(void **state)
{
	struct world *w = *state;
	char key[16], name[16];

	for (unsigned int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "key%u", i);
		snprintf(name, sizeof(name), "drv%u", i / 3);
		entry(w, name, i % 2 ? "test" : NULL, key, (enum weir_catalogue_state)(i % 3));
	}
	assert_says(world_device(w, "a", NULL, "key4000"), 4000 % 3, "drv1333");
	assert_says(world_device(w, "b", NULL, "key4999"), 4999 % 3, "drv1666");
}

static void keep_id(void *context, const struct weir_event *e)
{
	if (e->type == WEIR_EVENT_NO_MORE_DRIVERS)
		++*(unsigned int *)context;
}

/* The policy hears of what can change a verdict, the stream of the seal, once. */
static void test_catalogue_complete_and_sealed(void **state)
{
	struct world *w = *state;
	unsigned int events = 0;
	struct weir_trace trace = { .fn = keep_id, .context = &events };

	weir_trace_attach(w->m, &trace);
	assert_false(weir_catalogue_complete_(w->m));
	entry(w, "drv", NULL, "k", WEIR_CATALOGUE_BUILTIN);
	assert_int_equal(changed, 0);
	weir_catalogue_complete(w->m);
	weir_catalogue_complete(w->m);
	assert_true(weir_catalogue_complete_(w->m));
	assert_false(weir_catalogue_sealed_(w->m));
	assert_int_equal(changed, 1);
	entry(w, "drv2", NULL, "k2", WEIR_CATALOGUE_BUILTIN);
	assert_int_equal(changed, 2);
	assert_int_equal(sealed, 0);
	weir_catalogue_seal(w->m);
	weir_catalogue_seal(w->m);
	assert_true(weir_catalogue_sealed_(w->m));
	assert_int_equal(changed, 3);
	assert_int_equal(sealed, 1);
	assert_int_equal(events, 1);
	weir_trace_detach(w->m, &trace);
}

static void test_catalogue_seal_alone_is_complete(void **state)
{
	struct world *w = *state;

	weir_catalogue_seal(w->m);
	assert_true(weir_catalogue_complete_(w->m));
}

/* Each allocation fails once: the entry is not there at all, and the retry takes. */
static void test_catalogue_failed_add_says_nothing(void **state)
{
	struct world *w = *state;
	unsigned long n;
	bool hit;

	entry(w, "old", "test", "k", WEIR_CATALOGUE_DENIED);
	for (n = 1, hit = true; hit; n++) {
		char key[2][8], name[2][8];
		struct weir_device *dev[2];
		int err;

		for (unsigned int i = 0; i < 2; i++) {
			snprintf(key[i], sizeof(key[i]), "k%lu-%u", n, i);
			snprintf(name[i], sizeof(name[i]), "d%lu-%u", n, i);
			dev[i] = world_device(w, name[i], NULL, key[i]);
		}
		testhost_fail_at(w->host, n);
		err = try_entry(w, key[0], NULL, key[0], key[1], WEIR_CATALOGUE_BUILTIN);
		hit = testhost_fault_hit(w->host);
		testhost_fail_at(w->host, 0);
		assert_int_equal(err, hit ? WEIR_ENOMEM : 0);
		for (unsigned int i = 0; i < 2 && hit; i++)
			assert_int_equal(weir_catalogue_find_(dev[i], NULL), WEIR_ENOENT);
		assert_int_equal(try_entry(w, key[0], NULL, key[0], key[1],
					   WEIR_CATALOGUE_BUILTIN), 0);
		for (unsigned int i = 0; i < 2; i++)
			assert_says(dev[i], WEIR_CATALOGUE_BUILTIN, key[0]);
	}
	assert_in_range(n, 7, 14); /* a name, and a topic and a word for it and each key */
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_world, close_world)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_catalogue_empty),
		TEST(test_catalogue_best_entry_wins),
		TEST(test_catalogue_buses),
		TEST(test_catalogue_keys_and_names),
		TEST(test_catalogue_copies),
		TEST(test_catalogue_many),
		TEST(test_catalogue_complete_and_sealed),
		TEST(test_catalogue_seal_alone_is_complete),
		TEST(test_catalogue_failed_add_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
