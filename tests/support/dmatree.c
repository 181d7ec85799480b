// SPDX-License-Identifier: MIT
/* The device tree of dmaworld.h. */
#include "dmaworld.h"
#include "treebed.h"

#include <libfdt.h>
#include <string.h>

static uint32_t bus_cells[16];
static unsigned int nr_bus_cells; /* dw_bus() */

void dw_bus(const uint32_t *cells, unsigned int n)
{
	nr_bus_cells = n;
	if (n)
		memcpy(bus_cells, cells, n * sizeof(*cells));
}

static void master(struct dw *dw, const char *name, int stream, bool coherent)
{
	const uint32_t behind[] = { 1, (uint32_t)stream }, own[] = { 0, 0, 0, 0, 0, 0x1000 };

	tree_begin(dw->blob, name, "t,master");
	if (stream >= 0)
		tree_cells(dw->blob, "iommus", behind, 2);
	if (coherent)
		assert_int_equal(fdt_property(dw->blob, "dma-coherent", NULL, 0), 0);
	/* what a device's node says of its own bus is not for the device */
	tree_cells(dw->blob, "dma-ranges", own, 6);
	tree_end(dw->blob);
}

void dw_blob_(struct dw *dw)
{
	/* on the bus, memory begins DW_BUS_OFFSET lower, and 64 MiB of it are seen */
	const uint32_t ranges[] = { 0, (uint32_t)(DW_RAM - DW_BUS_OFFSET), 0, (uint32_t)DW_RAM,
				    0, 64u << 20 };

	assert_int_equal(fdt_create(dw->blob, sizeof(dw->blob)), 0);
	assert_int_equal(fdt_finish_reservemap(dw->blob), 0);
	tree_begin(dw->blob, "", NULL);
	tree_cell(dw->blob, "#address-cells", 2);
	tree_cell(dw->blob, "#size-cells", 2);
	tree_begin(dw->blob, "iommu", "t,iommu");
	tree_cell(dw->blob, "phandle", 1);
	tree_cell(dw->blob, "#iommu-cells", 1);
	tree_end(dw->blob);
	master(dw, "m0", 0, true);
	master(dw, "m1", 1, true);
	master(dw, "m2", 2, true);
	master(dw, "m3", 2, true);
	master(dw, "n0", 4, false);
	master(dw, "d0", -1, true);
	master(dw, "n1", -1, false);
	tree_begin(dw->blob, "bus", "simple-bus");
	tree_cell(dw->blob, "#address-cells", 2);
	tree_cell(dw->blob, "#size-cells", 2);
	if (nr_bus_cells)
		tree_cells(dw->blob, "dma-ranges", bus_cells, nr_bus_cells);
	else
		tree_cells(dw->blob, "dma-ranges", ranges, 6);
	master(dw, "d1", -1, true);
	master(dw, "m5", 5, true);
	tree_end(dw->blob);
	tree_end(dw->blob);
	assert_int_equal(fdt_finish(dw->blob), 0);
}
