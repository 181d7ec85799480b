// SPDX-License-Identifier: MIT
/* The height-balanced tree of tree.h. No state of its own. */
#include "core/tree.h"

static int height(const struct weir_tree_node *node)
{
	return node ? node->height : 0;
}

static void refresh(struct weir_tree *tree, struct weir_tree_node *node)
{
	int l = height(node->left), r = height(node->right);

	node->height = (l > r ? l : r) + 1;
	if (tree->update)
		tree->update(node);
}

/* Puts @now where @was hangs below its parent. */
static void replace(struct weir_tree *tree, struct weir_tree_node *was, struct weir_tree_node *now)
{
	struct weir_tree_node *parent = was->parent;

	if (!parent)
		tree->root = now;
	else if (parent->left == was)
		parent->left = now;
	else
		parent->right = now;
	if (now)
		now->parent = parent;
}

/* The right child comes up. Return: it. */
static struct weir_tree_node *rotate_left(struct weir_tree *tree, struct weir_tree_node *node)
{
	struct weir_tree_node *up = node->right;

	replace(tree, node, up);
	node->right = up->left;
	if (node->right)
		node->right->parent = node;
	up->left = node;
	node->parent = up;
	refresh(tree, node);
	refresh(tree, up);
	return up;
}

static struct weir_tree_node *rotate_right(struct weir_tree *tree, struct weir_tree_node *node)
{
	struct weir_tree_node *up = node->left;

	replace(tree, node, up);
	node->left = up->right;
	if (node->left)
		node->left->parent = node;
	up->right = node;
	node->parent = up;
	refresh(tree, node);
	refresh(tree, up);
	return up;
}

static struct weir_tree_node *balance(struct weir_tree *tree, struct weir_tree_node *node)
{
	int tilt = height(node->left) - height(node->right);

	if (tilt > 1) {
		if (height(node->left->left) < height(node->left->right))
			rotate_left(tree, node->left);
		return rotate_right(tree, node);
	}
	if (tilt < -1) {
		if (height(node->right->right) < height(node->right->left))
			rotate_right(tree, node->right);
		return rotate_left(tree, node);
	}
	return node;
}

/* Mends heights and summaries from a changed node up to the root. */
static void mend(struct weir_tree *tree, struct weir_tree_node *node)
{
	for (; node; node = node->parent) {
		refresh(tree, node);
		node = balance(tree, node);
	}
}

void weir_tree_insert_(struct weir_tree *tree, struct weir_tree_node *parent,
		       struct weir_tree_node **link, struct weir_tree_node *node)
{
	node->left = NULL;
	node->right = NULL;
	node->parent = parent;
	*link = node;
	mend(tree, node);
}

void weir_tree_erase_(struct weir_tree *tree, struct weir_tree_node *node)
{
	struct weir_tree_node *next, *from;

	if (!node->left || !node->right) {
		from = node->parent;
		replace(tree, node, node->left ? node->left : node->right);
		mend(tree, from);
		return;
	}
	/* the next in order has no left child: it takes the node's place */
	for (next = node->right; next->left; next = next->left)
		;
	from = next->parent == node ? next : next->parent;
	replace(tree, next, next->right);
	next->left = node->left;
	next->right = node->right;
	next->left->parent = next;
	if (next->right)
		next->right->parent = next;
	replace(tree, node, next);
	mend(tree, from);
}

void weir_tree_touch_(struct weir_tree *tree, struct weir_tree_node *node)
{
	for (; node; node = node->parent)
		refresh(tree, node);
}

struct weir_tree_node *weir_tree_first_(const struct weir_tree *tree)
{
	struct weir_tree_node *node = tree->root;

	while (node && node->left)
		node = node->left;
	return node;
}

struct weir_tree_node *weir_tree_last_(const struct weir_tree *tree)
{
	struct weir_tree_node *node = tree->root;

	while (node && node->right)
		node = node->right;
	return node;
}

struct weir_tree_node *weir_tree_next_(const struct weir_tree_node *node)
{
	struct weir_tree_node *up;

	if (node->right) {
		for (up = node->right; up->left; up = up->left)
			;
		return up;
	}
	for (up = node->parent; up && up->right == node; up = up->parent)
		node = up;
	return up;
}

struct weir_tree_node *weir_tree_prev_(const struct weir_tree_node *node)
{
	struct weir_tree_node *up;

	if (node->left) {
		for (up = node->left; up->right; up = up->right)
			;
		return up;
	}
	for (up = node->parent; up && up->left == node; up = up->parent)
		node = up;
	return up;
}
