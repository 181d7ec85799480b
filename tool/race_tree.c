// SPDX-License-Identifier: MIT
/*
 * The tree of a race: the board's, without the devices that the same drivers would bring up beside
 * those in question, which would multiply the orders and change nothing for them.
 */
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "race.h"

#define ROOM_FOR_STATUS 64 /* bytes that a node takes more at most */

static bool has_part(const struct race_unit *u, const char *path)
{
	if (!strcmp(u->master, path))
		return true;
	for (size_t i = 0; i < u->nr_iommus; i++)
		if (!strcmp(u->iommus[i], path))
			return true;
	return false;
}

static bool takes(const struct run *base, const struct race_unit *u, const struct weir_fwnode *node)
{
	for (size_t i = 0; i < base->list->driver_count; i++)
		for (size_t j = 0; j < u->nr_drivers; j++)
			if (!strcmp(base->list->drivers[i].name, u->drivers[j]) &&
			    weir_kmodel_takes(&base->list->drivers[i], node, false))
				return true;
	return false;
}

/* Whether it is behind an IOMMU that has no part. */
static bool is_elsewhere(struct weir_fwnode *node, const struct race_unit *u)
{
	struct weir_fwspec spec;
	char path[256];

	for (unsigned int i = 0; !weir_firmware_spec(node, i, &spec); i++) {
		weir_fwnode_path(spec.target, path, sizeof(path));
		if (!has_part(u, path))
			return true;
	}
	return false;
}

static int leave_out(const struct run *base, const struct race_unit *u, struct weir_fwnode *node,
		     void *tree)
{
	char path[256];
	int at;

	weir_fwnode_path(node, path, sizeof(path));
	at = fdt_path_offset(tree, path);
	if (at < 0 || has_part(u, path) || !weir_fwnode_available(node))
		return 0;
	if (takes(base, u, node))
		return fdt_setprop_string(tree, at, "status", "disabled");
	if (is_elsewhere(node, u))
		return fdt_nop_property(tree, at, "iommus");
	return 0;
}

int race_tree(const struct run *base, const struct race_unit *u, struct weir_bytes *out_tree)
{
	struct weir_fwnode *node;
	size_t size = base->dtb.size;
	int err = 0;
	void *tree;

	for (node = weir_fwnode_root(base->m); node; node = weir_fwnode_next(node))
		size += ROOM_FOR_STATUS;
	tree = malloc(size);
	if (!tree || size > INT32_MAX) {
		free(tree);
		return complain("out of memory");
	}
	err = fdt_open_into(base->dtb.data, tree, (int)size);
	for (node = weir_fwnode_root(base->m); node && !err; node = weir_fwnode_next(node))
		err = leave_out(base, u, node, tree);
	if (err) {
		free(tree);
		return complain("%s: %s: cannot be cut to %s: %s", base->board, u->master,
				u->iommus[0], fdt_strerror(err));
	}
	out_tree->data = tree;
	out_tree->size = size;
	return 0;
}
