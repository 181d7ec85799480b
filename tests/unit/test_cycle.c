// SPDX-License-Identifier: MIT
/*
 * Which dependencies give way: on random graphs none that is kept closes a circle, and each
 * that gave way would have. WEIR_SEED=N begins elsewhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "policy/cycle.h"
#include "world.h"

#define MAX_NODES 1200u

static struct weir_fwnode *nodes[MAX_NODES];

static uint32_t next(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* Some are below others; without a seed none is. */
static void make_nodes(struct world *w, uint32_t n, uint32_t *seed)
{
	for (uint32_t i = 0; i < n; i++) {
		bool below = i && seed && next(seed) % 3 == 0;
		struct weir_fwnode *parent = below ? nodes[next(seed) % i] : NULL;
		char name[16];

		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(weir_fwnode_create(w->m, parent, name, NULL, &nodes[i]), 0);
	}
}

static void make_links(struct world *w, uint32_t n, uint32_t each, uint32_t *seed)
{
	static const char *const properties[] = {
		"clocks", "power-domains", "resets", "phys", "remote-endpoint", "x-supply", "other",
	};

	weir_lock_(w->m);
	for (uint32_t i = 0; i < n * each; i++)
		assert_int_equal(weir_fwlink_add_(nodes[i % n], nodes[next(seed) % n], 0,
						  properties[next(seed) % 7]), 0);
	weir_unlock_(w->m);
}

/* Whether @from needs @what, over its parent and what is kept. */
static bool needs(struct weir_fwnode *from, struct weir_fwnode *what)
{
	static struct weir_fwnode *stack[MAX_NODES];
	uint64_t mark = ++from->m->mark;
	uint32_t n = 0;

	from->mark = mark;
	stack[n++] = from;
	while (n) {
		struct weir_fwnode *node = stack[--n], *up = node->parent;
		struct weir_fwlink *fwlink;

		if (node == what)
			return true;
		if (up && up->mark != mark) {
			up->mark = mark;
			stack[n++] = up;
		}
		weir_list_each(fwlink, &node->suppliers, struct weir_fwlink, c_node) {
			struct weir_fwnode *sup = fwlink->supplier;

			if ((fwlink->flags & WEIR_FWLINK_CYCLE) || sup->mark == mark)
				continue;
			sup->mark = mark;
			stack[n++] = sup;
		}
	}
	return false;
}

/* Takes away who needs nobody that is left, until nobody is. */
static void assert_no_circle(uint32_t n)
{
	static bool taken[MAX_NODES];
	uint32_t gone = 0, before;

	do {
		before = gone;
		for (uint32_t i = 0; i < n; i++) {
			const struct weir_fwnode *node = nodes[i];
			struct weir_fwlink *fwlink;
			bool free = !taken[node->index] && (!node->parent || taken[node->parent->index]);

			weir_list_each(fwlink, &node->suppliers, struct weir_fwlink, c_node)
				if (!(fwlink->flags & WEIR_FWLINK_CYCLE) &&
				    !taken[fwlink->supplier->index])
					free = false;
			taken[node->index] |= free;
			gone += free;
		}
	} while (gone > before);
	memset(taken, 0, sizeof(taken));
	assert_int_equal(gone, n);
}

/* @all: what gave way had to. Return: how many did. */
static unsigned int check(uint32_t n, bool all)
{
	unsigned int gave_way = 0;

	assert_no_circle(n);
	for (uint32_t i = 0; i < n; i++) {
		struct weir_fwlink *fwlink;

		weir_list_each(fwlink, &nodes[i]->suppliers, struct weir_fwlink, c_node) {
			assert_int_equal(fwlink->flags & WEIR_CYCLE_KEPT, 0);
			if (!(fwlink->flags & WEIR_FWLINK_CYCLE))
				continue;
			if (all)
				assert_true(needs(fwlink->supplier, nodes[i]));
			gave_way++;
		}
	}
	return gave_way;
}

static unsigned int run(uint32_t n, uint32_t each, uint32_t seed, bool all)
{
	unsigned int gave_way;
	struct world w;

	world_open(&w, NULL);
	make_nodes(&w, n, &seed);
	make_links(&w, n, each, &seed);
	weir_lock_(w.m);
	assert_int_equal(weir_cycles_relax_(w.m), 0);
	gave_way = check(n, all);
	weir_unlock_(w.m);
	world_close(&w);
	return gave_way;
}

static void test_cycle_irreducible(void **state)
{
	const char *text = getenv("WEIR_SEED");
	uint32_t first = text ? (uint32_t)strtoul(text, NULL, 0) : 1;
	unsigned int gave_way = 0;

	(void)state;
	for (uint32_t seed = first; seed < first + 300; seed++) {
		uint32_t n = 2 + seed % 50;

		print_message("# WEIR_SEED=%u: %u nodes\n", seed, n);
		gave_way += run(n, 1 + seed % 4, seed * 2654435761u | 1, true);
	}
	assert_true(gave_way > 300);
}

/* Tangled as no board is: it takes the steps that there are for it, and no circle is left. */
static void test_cycle_tangled(void **state)
{
	(void)state;
	assert_true(run(MAX_NODES, 30, 5, false) > 1000);
}

/* With no steps at all nothing is searched for, and nothing is put the wrong way round. */
static void test_cycle_budget(void **state)
{
	struct weir_places places;
	uint32_t component[3] = { 1, 1, 1 };
	struct world w;

	(void)state;
	world_open(&w, NULL);
	make_nodes(&w, 3, NULL);
	weir_lock_(w.m);
	for (uint32_t i = 0; i < 3; i++)
		nodes[i]->index = i;
	for (unsigned int budget = 0; budget < 2; budget++) {
		assert_int_equal(weir_places_init_(&places, w.m, component, 3, budget), 0);
		assert_true(weir_places_put_(&places, nodes[2], nodes[0]));
		assert_int_equal(weir_places_put_(&places, nodes[0], nodes[1]), budget);
		assert_false(weir_places_put_(&places, nodes[1], nodes[1]));
		weir_places_fini_(&places, w.m);
	}
	weir_unlock_(w.m);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cycle_irreducible),
		cmocka_unit_test(test_cycle_tangled),
		cmocka_unit_test(test_cycle_budget),
	};

	return cmocka_run_group_tests_name("cycle", tests, NULL, NULL);
}
