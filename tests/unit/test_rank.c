// SPDX-License-Identifier: MIT
/*
 * Ranks against a search of everything: whatever is linked in whatever order, a circle
 * is refused exactly when there would be one, and every device ranks above its needs.
 */
#include <stdio.h>
#include <string.h>

#include "core/core.h"
#include "world.h"

#define N 48u

static uint32_t random_next(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u; /* Numerical Recipes, 7.1 */
	return *state >> 8;
}

static void expect_ranked(struct world *w)
{
	struct weir_device *dev;

	if (w->m->unranked)
		return;
	for (dev = weir_device_first(w->m); dev; dev = weir_device_next(dev)) {
		struct weir_link *link;

		if (dev->parent)
			assert_true(dev->parent->rank < dev->rank);
		weir_list_each(link, &dev->suppliers, struct weir_link, c_node)
			if (!weir_link_sync_only_(link))
				assert_true(link->supplier->rank < dev->rank);
	}
}

/* The same question by plain recursion. */
static bool needs(struct weir_device *from, const struct weir_device *what, bool *seen)
{
	struct weir_link *link;

	if (from == what)
		return true;
	if (seen[from->seq])
		return false;
	seen[from->seq] = true;
	if (from->parent && needs(from->parent, what, seen))
		return true;
	weir_list_each(link, &from->suppliers, struct weir_link, c_node)
		if (!weir_link_sync_only_(link) && needs(link->supplier, what, seen))
			return true;
	return false;
}

static struct weir_device *add(struct world *w, unsigned int i, struct weir_device *parent)
{
	char name[8];

	snprintf(name, sizeof(name), "d%u", i);
	return world_device(w, name, parent, "nobody's");
}

static void link_at_random(struct weir_device **dev, uint32_t n, uint32_t *state)
{
	struct weir_device *con = dev[random_next(state) % n], *sup = dev[random_next(state) % n];
	uint32_t flags = random_next(state) % 4 ? 0 : WEIR_LINK_SYNC_STATE_ONLY;
	bool seen[N + 1] = { false }, circle;
	struct weir_link *link;
	int err;

	if (con == sup)
		return;
	circle = !flags && needs(sup, con, seen);
	err = weir_link_add(con, sup, flags, NULL);
	assert_int_equal(err, circle ? WEIR_ELOOP : 0);
	if (random_next(state) % 8 || weir_link_find(con, sup, &link))
		return;
	weir_link_del(link);
}

static void play(uint32_t seed, bool unranked)
{
	struct weir_device *dev[N];
	uint32_t state = seed, n = 0;
	struct world w;

	world_open(&w, NULL);
	w.m->unranked = unranked;
	while (n < N) {
		bool child = n && random_next(&state) % 3 == 0;

		dev[n] = add(&w, n, child ? dev[random_next(&state) % n] : NULL);
		n++;
		for (unsigned int i = 0; i < 1 + seed % 7; i++)
			link_at_random(dev, n, &state);
		expect_ranked(&w);
	}
	for (unsigned int i = 0; i < 200; i++)
		link_at_random(dev, n, &state);
	expect_ranked(&w);
	world_close(&w);
}

static void test_rank_against_a_search(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 150; seed++)
		play(seed, false);
}

static void test_rank_without_ranks(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 20; seed++)
		play(seed, true);
}

/* Where numbers would run out, they are given up, and answers stay right. */
static void test_rank_out_of_numbers(void **state)
{
	struct weir_device *a, *b, *c;
	struct world w;

	(void)state;
	world_open(&w, NULL);
	a = add(&w, 0, NULL);
	b = add(&w, 1, NULL);
	c = add(&w, 2, NULL);
	a->rank = (int64_t)1 << 60;
	b->rank = -a->rank;
	assert_int_equal(weir_link_add(b, a, 0, NULL), 0);
	assert_true(w.m->unranked);
	assert_int_equal(weir_link_add(c, b, 0, NULL), 0);
	assert_int_equal(weir_link_add(a, c, 0, NULL), WEIR_ELOOP);
	assert_int_equal(weir_link_add(a, b, 0, NULL), WEIR_ELOOP);
	world_close(&w);
}

/* What firmware names gives ranks that links then agree with, circles relaxed and all. */
static void test_rank_of_nodes(void **state)
{
	struct weir_fwnode *node[N];
	uint32_t random = 7;
	struct world w;

	(void)state;
	world_open(&w, NULL);
	for (unsigned int i = 0; i < N; i++) {
		struct weir_fwnode *parent = i && i % 3 == 0 ? node[random_next(&random) % i] : NULL;

		assert_int_equal(weir_fwnode_create(w.m, parent, "n", "k", &node[i]), 0);
	}
	for (unsigned int i = 0; i < 3 * N; i++) {
		struct weir_fwnode *con = node[random_next(&random) % N];
		struct weir_fwnode *sup = node[random_next(&random) % N];

		if (con != sup)
			assert_int_equal(weir_fwlink_add(con, sup, 0, i % 2 ? "leds" : "clocks"), 0);
	}
	add(&w, 0, NULL); /* with the first device they are settled */
	for (unsigned int i = 0; i < N; i++) {
		struct weir_fwlink *link;

		if (node[i]->parent)
			assert_true(node[i]->parent->rank < node[i]->rank);
		weir_list_each(link, &node[i]->suppliers, struct weir_fwlink, c_node)
			if (!(link->flags & WEIR_FWLINK_CYCLE))
				assert_true(link->supplier->rank < node[i]->rank);
	}
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rank_against_a_search),
		cmocka_unit_test(test_rank_without_ranks),
		cmocka_unit_test(test_rank_out_of_numbers),
		cmocka_unit_test(test_rank_of_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
