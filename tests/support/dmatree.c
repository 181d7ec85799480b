// SPDX-License-Identifier: MIT
/* The device tree of dmaworld.h. */
#include "dmaworld.h"

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

static void cells(struct dw *dw, const char *name, const uint32_t *v, unsigned int n)
{
	fdt32_t be[16];

	for (unsigned int i = 0; i < n; i++)
		be[i] = cpu_to_fdt32(v[i]);
	assert_int_equal(fdt_property(dw->blob, name, be, (int)n * 4), 0);
}

static void cell(struct dw *dw, const char *name, uint32_t v)
{
	cells(dw, name, &v, 1);
}

static void begin(struct dw *dw, const char *name, const char *compatible)
{
	assert_int_equal(fdt_begin_node(dw->blob, name), 0);
	if (compatible)
		assert_int_equal(fdt_property_string(dw->blob, "compatible", compatible), 0);
}

static void end(struct dw *dw)
{
	assert_int_equal(fdt_end_node(dw->blob), 0);
}

static void master(struct dw *dw, const char *name, int stream, bool coherent)
{
	const uint32_t behind[] = { 1, (uint32_t)stream }, own[] = { 0, 0, 0, 0, 0, 0x1000 };

	begin(dw, name, "t,master");
	if (stream >= 0)
		cells(dw, "iommus", behind, 2);
	if (coherent)
		assert_int_equal(fdt_property(dw->blob, "dma-coherent", NULL, 0), 0);
	/* what a device's node says of its own bus is not for the device */
	cells(dw, "dma-ranges", own, 6);
	end(dw);
}

void dw_blob_(struct dw *dw)
{
	/* on the bus, memory begins DW_BUS_OFFSET lower, and 64 MiB of it are seen */
	const uint32_t ranges[] = { 0, (uint32_t)(DW_RAM - DW_BUS_OFFSET), 0, (uint32_t)DW_RAM,
				    0, 64u << 20 };

	assert_int_equal(fdt_create(dw->blob, sizeof(dw->blob)), 0);
	assert_int_equal(fdt_finish_reservemap(dw->blob), 0);
	begin(dw, "", NULL);
	cell(dw, "#address-cells", 2);
	cell(dw, "#size-cells", 2);
	begin(dw, "iommu", "t,iommu");
	cell(dw, "phandle", 1);
	cell(dw, "#iommu-cells", 1);
	end(dw);
	master(dw, "m0", 0, true);
	master(dw, "m1", 1, true);
	master(dw, "m2", 2, true);
	master(dw, "m3", 2, true);
	master(dw, "n0", 4, false);
	master(dw, "d0", -1, true);
	master(dw, "n1", -1, false);
	begin(dw, "bus", "simple-bus");
	cell(dw, "#address-cells", 2);
	cell(dw, "#size-cells", 2);
	if (nr_bus_cells)
		cells(dw, "dma-ranges", bus_cells, nr_bus_cells);
	else
		cells(dw, "dma-ranges", ranges, 6);
	master(dw, "d1", -1, true);
	master(dw, "m5", 5, true);
	end(dw);
	end(dw);
	assert_int_equal(fdt_finish(dw->blob), 0);
}
