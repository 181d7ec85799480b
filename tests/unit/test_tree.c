// SPDX-License-Identifier: MIT
/* The ordered tree: against a sorted array, with random insertions and removals. */
#include "cm.h"
#include "core/tree.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define N 500

struct item {
	struct weir_tree_node node;
	unsigned int key;
	unsigned int sum; /* of the keys in the subtree */
};

static struct item *item_of(struct weir_tree_node *node)
{
	return (struct item *)(void *)node;
}

static void update(struct weir_tree_node *node)
{
	struct item *it = item_of(node);

	it->sum = it->key;
	if (node->left)
		it->sum += item_of(node->left)->sum;
	if (node->right)
		it->sum += item_of(node->right)->sum;
}

static void insert(struct weir_tree *tree, struct item *it)
{
	struct weir_tree_node **link = &tree->root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = it->key < item_of(parent)->key ? &parent->left : &parent->right;
	}
	weir_tree_insert_(tree, parent, link, &it->node);
}

/* Heights, order, parents and sums are right. Return: the height. */
static int check_subtree(struct weir_tree_node *node, unsigned int *sum)
{
	unsigned int l = 0, r = 0;
	int hl, hr;

	*sum = 0;
	if (!node)
		return 0;
	hl = check_subtree(node->left, &l);
	hr = check_subtree(node->right, &r);
	assert_true(abs(hl - hr) <= 1);
	assert_int_equal(node->height, (hl > hr ? hl : hr) + 1);
	assert_true(!node->left || (node->left->parent == node &&
				    item_of(node->left)->key < item_of(node)->key));
	assert_true(!node->right || (node->right->parent == node &&
				     item_of(node->right)->key > item_of(node)->key));
	*sum = l + r + item_of(node)->key;
	assert_int_equal(item_of(node)->sum, *sum);
	return node->height;
}

static void check(struct weir_tree *tree, const bool *present)
{
	struct weir_tree_node *node = weir_tree_first_(tree);
	unsigned int sum;

	check_subtree(tree->root, &sum);
	for (unsigned int k = 0; k < N; k++) {
		if (!present[k])
			continue;
		assert_non_null(node);
		assert_int_equal(item_of(node)->key, k);
		node = weir_tree_next_(node);
	}
	assert_null(node);
	node = weir_tree_last_(tree);
	for (unsigned int k = N; k-- > 0;) {
		if (!present[k])
			continue;
		assert_int_equal(item_of(node)->key, k);
		node = weir_tree_prev_(node);
	}
	assert_null(node);
}

static void test_tree_random(void **state)
{
	static struct item items[N];
	static bool present[N];
	struct weir_tree tree = { .update = update };
	uint32_t seed = 12345;

	(void)state;
	print_message("# seed %u\n", seed);
	memset(present, 0, sizeof(present));
	for (unsigned int round = 0; round < 4000; round++) {
		unsigned int k;

		seed = seed * 1664525u + 1013904223u;
		k = (seed >> 8) % N;
		items[k].key = k;
		if (present[k])
			weir_tree_erase_(&tree, &items[k].node);
		else
			insert(&tree, &items[k]);
		present[k] = !present[k];
		if (round % 16 == 0 || round > 3900)
			check(&tree, present);
	}
	for (unsigned int k = 0; k < N; k++)
		if (present[k])
			weir_tree_erase_(&tree, &items[k].node);
	assert_null(tree.root);
}

static void test_tree_ascending_stays_balanced(void **state)
{
	static struct item items[N];
	static bool present[N];
	struct weir_tree tree = { .update = update };

	(void)state;
	for (unsigned int k = 0; k < N; k++) {
		items[k].key = k;
		insert(&tree, &items[k]);
		present[k] = true;
	}
	check(&tree, present);
	assert_true(tree.root->height <= 13); /* 1.44 log2(500) */
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree_random),
		cmocka_unit_test(test_tree_ascending_stays_balanced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
