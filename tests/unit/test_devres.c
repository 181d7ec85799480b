// SPDX-License-Identifier: MIT
/* Managed resources: released last first, on unbind and on every failed probe. */
#include <string.h>

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

struct note {
	struct world *w;
	char text[8];
};

static void release_note(void *data)
{
	struct note *note = data;

	world_note(note->w, "free %s", note->text);
}

static void take(struct world *w, struct weir_device *dev, const char *text)
{
	struct note *note;
	void *mem;

	assert_int_equal(weir_devm_alloc(dev, sizeof(*note), &mem), 0);
	assert_int_equal((uintptr_t)mem % _Alignof(max_align_t), 0);
	note = mem;
	assert_int_equal(note->text[0], 0); /* zeroed */
	note->w = w;
	strcpy(note->text, text);
	/* newer than the memory that it reads, so released before it */
	assert_int_equal(weir_devm_add(dev, release_note, note), 0);
}

static int take_three(struct world *w, struct weir_device *dev)
{
	take(w, dev, "1");
	take(w, dev, "2");
	take(w, dev, "3");
	return weir_device_name(dev)[0] == 'b' ? WEIR_EIO : 0;
}

static void test_devres_last_first_after_remove(void **state)
{
	struct world *w = *state;
	struct world_driver *d = world_driver_add(w, "drv", "k");

	w->on_probe = take_three;
	world_device(w, "a", NULL, "k");
	assert_settles(w);
	assert_journal(w, "probe a");
	world_driver_del(w, d);
	assert_journal(w, "remove a; free 3; free 2; free 1");
}

static void test_devres_after_a_failed_probe(void **state)
{
	struct world *w = *state;

	w->on_probe = take_three;
	world_driver_add(w, "drv", "k");
	world_driver_add(w, "drv2", "k");
	world_device(w, "b", NULL, "k");
	assert_settles(w);
	/* nothing is left when the next driver is tried */
	assert_journal(w, "probe b; free 3; free 2; free 1; probe b; free 3; free 2; free 1");
}

static int take_without_memory(struct world *w, struct weir_device *dev)
{
	struct note note = { .w = w, .text = "now" };
	void *mem = &note;

	testhost_fail_at(w->host, 1);
	assert_int_equal(weir_devm_add(dev, release_note, &note), WEIR_ENOMEM);
	testhost_fail_at(w->host, 1);
	assert_int_equal(weir_devm_alloc(dev, 8, &mem), WEIR_ENOMEM);
	assert_ptr_equal(mem, &note); /* outputs are not written on failure */
	testhost_fail_at(w->host, 0);
	return 0;
}

static void test_devres_without_memory_releases_at_once(void **state)
{
	struct world *w = *state;
	struct world_driver *d = world_driver_add(w, "drv", "k");

	w->on_probe = take_without_memory;
	world_device(w, "a", NULL, "k");
	assert_settles(w);
	assert_journal(w, "probe a; free now");
	world_driver_del(w, d);
	assert_journal(w, "remove a");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_world, close_world)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_devres_last_first_after_remove),
		TEST(test_devres_after_a_failed_probe),
		TEST(test_devres_without_memory_releases_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
