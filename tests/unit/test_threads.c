// SPDX-License-Identifier: MIT
/*
 * Probing on host threads: whatever the schedule, devices, verdicts, links, groups
 * and what firmware still waits for are the same as without threads.
 */
#include "casetree.h"

#include "weir/posix.h"
#include "world.h"

#define TIMES 50

static struct casetree trees[CASETREE_MAX];
static size_t nr_trees;

static char *run(const struct casetree *t, const struct weir_driver_list *list,
		 unsigned int threads)
{
	struct weir_posix_options options = { .threads = threads };
	struct weir_posix *posix;
	struct weir_machine *m;
	struct weir_kmodel *k;
	char *outcome;

	assert_int_equal(weir_posix_create(&options, &posix), 0);
	assert_int_equal(weir_machine_create(weir_posix_ops(posix), posix, &m), 0);
	assert_int_equal(weir_firmware_load_dt(m, t->blob, t->bytes), 0);
	assert_int_equal(weir_kmodel_create(m, list, NULL, &k), 0);
	assert_int_equal(casetree_run(k, list), 0);
	outcome = casetree_outcome(m);
	weir_kmodel_detach(k);
	weir_machine_destroy(m);
	weir_kmodel_destroy(k);
	posix = weir_posix_destroy(posix);
	return outcome;
}

static void same_outcome(unsigned int threads)
{
	for (size_t i = 0; i < nr_trees; i++) {
		struct weir_driver_list *list = casetree_drivers(&trees[i]);
		char *expected = run(&trees[i], list, 0);

		for (unsigned int n = 0; n < TIMES; n++) {
			char *outcome = run(&trees[i], list, threads);

			if (strcmp(outcome, expected))
				fail_msg("%s with %u threads:\n%s\nwithout:\n%s", trees[i].name,
					 threads, outcome, expected);
			free(outcome);
		}
		free(expected);
		weir_driver_list_destroy(list);
	}
}

static void test_threads_one(void **state)
{
	(void)state;
	same_outcome(1);
}

static void test_threads_two(void **state)
{
	(void)state;
	same_outcome(2);
}

static void test_threads_eight(void **state)
{
	(void)state;
	same_outcome(8);
}

/*
 * Two properties lead to one supplier, by way of nodes that are no devices. Which of
 * them is told does not depend on whether the supplier or the consumer came first.
 */
static void property_told(bool supplier_first)
{
	static const char *const names[] = { "x-supply", "b-supply", "m-supply" };
	struct weir_fwnode *sup_node, *con_node, *part;
	struct weir_device *sup, *con;
	struct world w;

	world_open(&w, NULL);
	assert_int_equal(weir_fwnode_create(w.m, NULL, "sup", "t,sup", &sup_node), 0);
	assert_int_equal(weir_fwnode_create(w.m, NULL, "con", "t,con", &con_node), 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(weir_fwnode_create(w.m, sup_node, names[i], NULL, &part), 0);
		assert_int_equal(weir_fwlink_add(con_node, part, 0, names[i]), 0);
	}
	world_driver_add(&w, "sup-driver", "t,sup");
	world_driver_add(&w, "con-driver", "t,con");
	assert_int_equal(weir_device_create(w.bus, "sup", NULL, sup_node, &sup), 0);
	assert_int_equal(weir_device_create(w.bus, "con", NULL, con_node, &con), 0);
	assert_int_equal(weir_device_add(supplier_first ? sup : con), 0);
	assert_settles(&w);
	assert_int_equal(weir_device_add(supplier_first ? con : sup), 0);
	assert_settles(&w);
	assert_status(&w, "con", WEIR_DEVICE_BOUND);
	assert_string_equal(weir_link_property(world_link(&w, "con", "sup")), "b-supply");
	weir_device_unref(sup);
	weir_device_unref(con);
	world_close(&w);
}

static void test_threads_property_told(void **state)
{
	(void)state;
	property_told(true);
	property_told(false);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads_one),
		cmocka_unit_test(test_threads_two),
		cmocka_unit_test(test_threads_eight),
		cmocka_unit_test(test_threads_property_told),
	};
	int failed;

	nr_trees = casetree_all(TEST_CASES_DIR, trees, CASETREE_MAX);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	for (size_t i = 0; i < nr_trees; i++)
		free(trees[i].blob);
	return failed;
}
