// SPDX-License-Identifier: MIT
/*
 * Intrusive ordered trees: height-balanced (Adelson-Velsky and Landis, 1962), with
 * parent pointers and no recursion. The user walks down to the place, links the
 * node there, and lets the tree balance itself. A summary of each subtree (the
 * largest gap in it, say) is kept by the user's update function. Locked by its owner.
 */
#ifndef WEIR_CORE_TREE_H
#define WEIR_CORE_TREE_H

#include <stddef.h>

struct weir_tree_node {
	struct weir_tree_node *left, *right, *parent;
	int height; /* of the subtree; a leaf has 1 */
};

struct weir_tree {
	struct weir_tree_node *root;
	/* Computes a node's summary from its own and its children's; NULL: none is kept. */
	void (*update)(struct weir_tree_node *node);
};

/* Links @node at *@link, which is empty and belongs to @parent (NULL: the root). O(log n). */
void weir_tree_insert_(struct weir_tree *tree, struct weir_tree_node *parent,
		       struct weir_tree_node **link, struct weir_tree_node *node);
/* Takes @node out. O(log n). */
void weir_tree_erase_(struct weir_tree *tree, struct weir_tree_node *node);
/* After a node's own part of the summary changed: brings it up to the root. O(log n). */
void weir_tree_touch_(struct weir_tree *tree, struct weir_tree_node *node);
struct weir_tree_node *weir_tree_first_(const struct weir_tree *tree);
struct weir_tree_node *weir_tree_last_(const struct weir_tree *tree);
struct weir_tree_node *weir_tree_next_(const struct weir_tree_node *node);
struct weir_tree_node *weir_tree_prev_(const struct weir_tree_node *node);

#endif
