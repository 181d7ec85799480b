// SPDX-License-Identifier: MIT
/* The hash map: against a plain array, and what it promises about failures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cm.h"
#include "core/core.h"
#include "plainpolicy.h"
#include "testhost.h"
#include "world.h"

#define N_KEYS 300u

static char keys[N_KEYS][12];

static int open_world(void **state)
{
	static struct world w;

	for (unsigned int i = 0; i < N_KEYS; i++)
		snprintf(keys[i], sizeof(keys[i]), "key-%u", i);
	world_open(&w, &plain_policy);
	*state = &w;
	return 0;
}

static int close_world(void **state)
{
	world_close(*state);
	return 0;
}

static void test_map_empty(void **state)
{
	struct world *w = *state;
	struct weir_map map = { 0 };

	assert_null(weir_map_get_(&map, "a", 1));
	weir_map_del_(&map, "a", 1);
	weir_map_fini_(w->m, &map);
}

static void test_map_keys_are_bytes(void **state)
{
	struct world *w = *state;
	struct weir_map map = { 0 };
	int one, two;

	assert_int_equal(weir_map_add_(w->m, &map, "abc", 3, &one), 0);
	assert_int_equal(weir_map_add_(w->m, &map, "abc", 2, &two), 0);
	assert_int_equal(weir_map_add_(w->m, &map, "abc", 3, &two), WEIR_EEXIST);
	assert_ptr_equal(weir_map_get_(&map, "abX", 2), &two);
	assert_ptr_equal(weir_map_get_(&map, "abcX", 3), &one);
	assert_null(weir_map_get_(&map, "abX", 3));
	weir_map_fini_(w->m, &map);
}

/* Random adds and deletes against an array that says what is in. */
static void test_map_against_an_array(void **state)
{
	struct world *w = *state;
	struct weir_map map = { 0 };
	bool in[N_KEYS] = { false };
	size_t live = 0;

	srand(7);
	for (unsigned int round = 0; round < 20000; round++) {
		unsigned int k = (unsigned int)rand() % N_KEYS;
		size_t len = strlen(keys[k]);

		if (rand() % 2) {
			int err = weir_map_add_(w->m, &map, keys[k], len, keys[k]);

			assert_int_equal(err, in[k] ? WEIR_EEXIST : 0);
			live += !in[k];
			in[k] = true;
		} else {
			weir_map_del_(&map, keys[k], len);
			live -= in[k];
			in[k] = false;
		}
		k = (unsigned int)rand() % N_KEYS;
		assert_ptr_equal(weir_map_get_(&map, keys[k], strlen(keys[k])),
				 in[k] ? keys[k] : NULL);
		assert_int_equal(map.live, live);
	}
	for (unsigned int k = 0; k < N_KEYS; k++)
		assert_ptr_equal(weir_map_get_(&map, keys[k], strlen(keys[k])),
				 in[k] ? keys[k] : NULL);
	weir_map_fini_(w->m, &map);
}

/* One key that comes and goes must not fill the table with what is left of it. */
static void test_map_churn_does_not_grow(void **state)
{
	struct world *w = *state;
	struct weir_map map = { 0 };

	for (unsigned int i = 0; i < 10000; i++) {
		unsigned int k = i % N_KEYS;

		assert_int_equal(weir_map_add_(w->m, &map, keys[k], strlen(keys[k]), keys[k]), 0);
		weir_map_del_(&map, keys[k], strlen(keys[k]));
	}
	assert_true(map.size_mask + 1 <= 16);
	weir_map_fini_(w->m, &map);
}

static void test_map_add_without_memory_changes_nothing(void **state)
{
	struct world *w = *state;
	struct weir_map map = { 0 };
	unsigned int failed = 0;

	for (unsigned int k = 0; k < N_KEYS; k++) {
		int err;

		testhost_fail_at(w->host, 1);
		err = weir_map_add_(w->m, &map, keys[k], strlen(keys[k]), keys[k]);
		testhost_fail_at(w->host, 0);
		if (!err)
			continue;
		failed++;
		assert_int_equal(err, WEIR_ENOMEM);
		assert_null(weir_map_get_(&map, keys[k], strlen(keys[k])));
		for (unsigned int i = 0; i < k; i++)
			assert_ptr_equal(weir_map_get_(&map, keys[i], strlen(keys[i])), keys[i]);
		assert_int_equal(weir_map_add_(w->m, &map, keys[k], strlen(keys[k]), keys[k]), 0);
	}
	assert_in_range(failed, 3, 12); /* doubling: few */
	weir_map_fini_(w->m, &map);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_map_empty, open_world, close_world),
		cmocka_unit_test_setup_teardown(test_map_keys_are_bytes, open_world, close_world),
		cmocka_unit_test_setup_teardown(test_map_against_an_array, open_world, close_world),
		cmocka_unit_test_setup_teardown(test_map_churn_does_not_grow, open_world,
						close_world),
		cmocka_unit_test_setup_teardown(test_map_add_without_memory_changes_nothing,
						open_world, close_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
