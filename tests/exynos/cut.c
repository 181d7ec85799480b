// SPDX-License-Identifier: MIT
/*
 * A board's tree cut to one device and what that needs: its IOMMUs, clocks, power domains, interrupt
 * controllers, what these need, and the nodes above all of them. Of each what says so stays, and
 * nothing else. So a board comes up fast enough to be run in very many orders.
 */
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"

#define NODES 4096

struct cut {
	const void *dtb;
	bool keep[NODES]; /* by position in the tree */
	int at[NODES];    /* offset */
	int n;
	bool again;
};

static const struct {
	const char *list, *cells;
} refs[] = {
	{ "iommus", "#iommu-cells" },
	{ "clocks", "#clock-cells" },
	{ "power-domains", "#power-domain-cells" },
};

static void keep(struct cut *c, int at)
{
	for (; at >= 0; at = fdt_parent_offset(c->dtb, at))
		for (int i = 0; i < c->n; i++)
			if (c->at[i] == at && !c->keep[i]) {
				c->keep[i] = true;
				c->again = true;
			}
}

static uint32_t number(const void *dtb, int at, const char *name, uint32_t without)
{
	int bytes;
	const fdt32_t *v = fdt_getprop(dtb, at, name, &bytes);

	return v && bytes == 4 ? fdt32_to_cpu(*v) : without;
}

static void keep_listed(struct cut *c, int at, const char *list, const char *cells)
{
	int bytes = 0;
	const fdt32_t *v = fdt_getprop(c->dtb, at, list, &bytes);

	for (int i = 0; v && i < bytes / 4;) {
		int to = fdt_node_offset_by_phandle(c->dtb, fdt32_to_cpu(v[i]));

		if (to < 0)
			return;
		keep(c, to);
		i += 1 + (int)number(c->dtb, to, cells, 0);
	}
}

static void keep_interrupt_parent(struct cut *c, int at)
{
	uint32_t phandle = 0;

	if (!fdt_getprop(c->dtb, at, "interrupts", NULL))
		return;
	for (; at >= 0 && !phandle; at = fdt_parent_offset(c->dtb, at))
		phandle = number(c->dtb, at, "interrupt-parent", 0);
	if (phandle)
		keep(c, fdt_node_offset_by_phandle(c->dtb, phandle));
}

static bool says_so(const char *name)
{
	static const char *const names[] = {
		"compatible", "reg", "ranges", "status", "phandle", "iommus", "clocks", "clock-names",
		"power-domains", "interrupts", "interrupt-parent", "interrupt-controller",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], name))
			return true;
	return name[0] == '#';
}

static int cut_properties(void *tree, int at)
{
	int p = fdt_first_property_offset(tree, at), err = 0;

	while (p >= 0 && !err) {
		const char *name;

		fdt_getprop_by_offset(tree, p, &name, NULL);
		if (says_so(name)) {
			p = fdt_next_property_offset(tree, p);
			continue;
		}
		err = fdt_delprop(tree, at, name);
		p = fdt_first_property_offset(tree, at);
	}
	return err;
}

/* From the last node to the first: what is before one stays where it is. */
static int cut_nodes(const struct cut *c, void *tree)
{
	int err = 0;

	for (int i = c->n - 1; i >= 0 && !err; i--) {
		char path[EB_PATH];
		int at;

		if (fdt_get_path(c->dtb, c->at[i], path, sizeof(path)))
			continue;
		at = fdt_path_offset(tree, path);
		if (at >= 0)
			err = c->keep[i] ? cut_properties(tree, at) : fdt_del_node(tree, at);
	}
	return err;
}

uint8_t *eb_cut(const void *dtb, const char *path, size_t *out_bytes)
{
	struct cut *c = calloc(1, sizeof(*c));
	int bytes = (int)fdt_totalsize(dtb), err = -1;
	void *tree = malloc((size_t)bytes);

	if (c && tree) {
		c->dtb = dtb;
		for (int at = 0; at >= 0 && c->n < NODES; at = fdt_next_node(dtb, at, NULL))
			c->at[c->n++] = at;
		keep(c, fdt_path_offset(dtb, path));
		while (c->again) {
			c->again = false;
			for (int i = 0; i < c->n; i++) {
				for (size_t j = 0; c->keep[i] && j < sizeof(refs) / sizeof(refs[0]); j++)
					keep_listed(c, c->at[i], refs[j].list, refs[j].cells);
				if (c->keep[i])
					keep_interrupt_parent(c, c->at[i]);
			}
		}
		err = fdt_open_into(dtb, tree, bytes);
		if (!err)
			err = cut_nodes(c, tree);
		if (!err)
			err = fdt_pack(tree);
	}
	free(c);
	if (err) {
		free(tree);
		return NULL;
	}
	*out_bytes = fdt_totalsize(tree);
	return tree;
}
