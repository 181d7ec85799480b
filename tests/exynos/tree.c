// SPDX-License-Identifier: MIT
/*
 * The tree as a scenario wants it: with a frame buffer that the boot loader handed over, or with a
 * System MMU whose master's specifier it cannot take.
 */
#include <libfdt.h>
#include <stdlib.h>

#include "board.h"

static uint32_t phandle_for(void *tree, int at)
{
	uint32_t phandle = fdt_get_phandle(tree, at);

	if (phandle || fdt_generate_phandle(tree, &phandle) ||
	    fdt_setprop_u32(tree, at, "phandle", phandle))
		return phandle;
	return phandle;
}

static int add_number(void *tree, int at, const char *name, uint64_t value, int cells)
{
	return cells == 2 ? fdt_appendprop_u64(tree, at, name, value)
			  : fdt_appendprop_u32(tree, at, name, (uint32_t)value);
}

/* /reserved-memory/left-on, for the device of the display. */
static int add_frame_buffer(struct eb_board *b, void *tree)
{
	int parent = fdt_path_offset(tree, "/reserved-memory"), at, dev, ac, sc, dac, dsc, err;
	uint32_t master, region;

	if (parent < 0) {
		parent = fdt_add_subnode(tree, 0, "reserved-memory");
		if (parent < 0)
			return parent;
		err = fdt_setprop_u32(tree, parent, "#address-cells", (uint32_t)fdt_address_cells(tree, 0));
		if (!err)
			err = fdt_setprop_u32(tree, parent, "#size-cells", (uint32_t)fdt_size_cells(tree, 0));
		if (!err)
			err = fdt_setprop(tree, parent, "ranges", NULL, 0);
		if (err)
			return err;
	}
	ac = fdt_address_cells(tree, parent);
	sc = fdt_size_cells(tree, parent);
	dev = fdt_path_offset(tree, b->left_on->path);
	if (dev < 0)
		return dev;
	dac = fdt_address_cells(tree, fdt_parent_offset(tree, dev));
	dsc = fdt_size_cells(tree, fdt_parent_offset(tree, dev));
	master = phandle_for(tree, dev);
	parent = fdt_path_offset(tree, "/reserved-memory");
	at = fdt_add_subnode(tree, parent, "left-on");
	if (at < 0)
		return at;
	err = add_number(tree, at, "reg", b->left_pa, ac);
	if (!err)
		err = add_number(tree, at, "reg", EB_BYTES, sc);
	if (!err)
		err = fdt_appendprop_u32(tree, at, "iommu-addresses", master);
	if (!err)
		err = add_number(tree, at, "iommu-addresses", b->left_pa, dac);
	if (!err)
		err = add_number(tree, at, "iommu-addresses", EB_BYTES, dsc);
	region = phandle_for(tree, fdt_path_offset(tree, "/reserved-memory/left-on"));
	dev = fdt_path_offset(tree, b->left_on->path);
	return err ? err : fdt_appendprop_u32(tree, dev, "memory-region", region);
}

/* Its masters name an id, where there is none to name. */
static int make_reject(struct eb_board *b, void *tree)
{
	int at = fdt_path_offset(tree, b->options.reject);
	uint32_t phandle;
	int err;

	if (at < 0)
		return at;
	phandle = fdt_get_phandle(tree, at);
	err = fdt_setprop_u32(tree, at, "#iommu-cells", 1);
	for (unsigned int i = 0; !err && i < b->nr_masters; i++) {
		const struct eb_master *m = &b->masters[i];
		int dev = fdt_path_offset(tree, m->path), bytes = 0;
		const fdt32_t *iommus = dev < 0 ? NULL : fdt_getprop(tree, dev, "iommus", &bytes);
		fdt32_t list[64];
		int n = 0;

		for (int j = 0; iommus && j < bytes / 4 && n < 62; j++) {
			list[n++] = iommus[j];
			if (fdt32_to_cpu(iommus[j]) == phandle)
				list[n++] = cpu_to_fdt32(5);
		}
		if (n > bytes / 4)
			err = fdt_setprop(tree, dev, "iommus", list, 4 * n);
	}
	return err;
}

/* A stream id that no SMMU of these versions has, instead of the first one of the first master. */
static int make_reject_id(struct eb_board *b, void *tree)
{
	int at = fdt_path_offset(tree, b->masters[0].path);

	return at < 0 ? at : fdt_setprop_inplace_namelen_partial(tree, at, "iommus", 6, 4,
		&(fdt32_t){ cpu_to_fdt32(0x123456) }, 4);
}

/* Masters that the scenario goes without. */
static int disable(struct eb_board *b, void *tree)
{
	struct weir_fwnode *node;
	int err = 0;

	for (node = weir_fwnode_root(b->m); node && !err; node = weir_fwnode_next(node)) {
		struct weir_fwspec spec;
		char path[EB_PATH];
		int at;

		if (eb_master_at(b, node) || weir_firmware_spec(node, 0, &spec) ||
		    !eb_iommu_at(b, spec.target) || !weir_fwnode_available(node))
			continue;
		weir_fwnode_path(node, path, sizeof(path));
		at = fdt_path_offset(tree, path);
		err = at < 0 ? at : fdt_setprop_string(tree, at, "status", "disabled");
	}
	return err;
}

uint8_t *eb_tree(struct eb_board *b, const void *dtb, size_t bytes)
{
	void *tree = malloc(bytes + EB_ROOM);
	int err = tree ? fdt_open_into(dtb, tree, (int)(bytes + EB_ROOM)) : -FDT_ERR_NOSPACE;

	if (!err && (b->nr_others || b->options.nr_without))
		err = disable(b, tree);
	if (!err && b->left_on)
		err = add_frame_buffer(b, tree);
	if (!err && b->options.reject)
		err = b->kind == &eb_kind_sysmmu ? make_reject(b, tree) : make_reject_id(b, tree);
	if (!err)
		return tree;
	eb_wrong(b, "the tree cannot be changed: %s", fdt_strerror(err));
	free(tree);
	return NULL;
}
