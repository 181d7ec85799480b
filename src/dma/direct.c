// SPDX-License-Identifier: MIT
/*
 * DMA without translation: bus addresses are physical ones, or such with an offset
 * where firmware says that a bus shows memory elsewhere (dma-ranges). What firmware
 * says is read once, with the device's state, and constant then.
 */
#include "dma/priv.h"

/* The node of the bus a device is on: what is above its own, or its nearest ancestor's. */
static struct weir_fwnode *bus_node(const struct weir_device *dev)
{
	if (dev->fwnode)
		return dev->fwnode->parent;
	for (dev = dev->parent; dev; dev = dev->parent)
		if (dev->fwnode)
			return dev->fwnode;
	return NULL;
}

static uint64_t window_max(const struct weir_fwdma *window)
{
	uint64_t max = window->iova + (window->bytes - 1);

	return max < window->iova ? UINT64_MAX : max;
}

int weir_dma_windows_read_(struct weir_dma *dma)
{
	struct weir_fwnode *bus = bus_node(dma->dev);
	struct weir_fwdma window;
	uint32_t n = 0;

	dma->bus_max = UINT64_MAX;
	while (bus && !weir_firmware_dma_range(bus, n, &window))
		n++;
	if (!n)
		return 0;
	dma->windows = weir_atomic_alloc(dma->m, n * sizeof(*dma->windows));
	if (!dma->windows)
		return WEIR_ENOMEM;
	dma->nr_windows = n;
	dma->bus_max = 0;
	for (uint32_t i = 0; i < n; i++) {
		(void)weir_firmware_dma_range(bus, i, &dma->windows[i]);
		if (window_max(&dma->windows[i]) > dma->bus_max)
			dma->bus_max = window_max(&dma->windows[i]);
	}
	return 0;
}

void weir_dma_windows_free_(struct weir_dma *dma)
{
	weir_atomic_free(dma->m, dma->windows, dma->nr_windows * sizeof(*dma->windows));
}

bool weir_dma_bus_address_(const struct weir_dma *dma, uint64_t pa, uint64_t bytes, uint64_t mask,
			   uint64_t *out_bus)
{
	uint64_t bus = pa;
	uint32_t i;

	for (i = 0; i < dma->nr_windows; i++) {
		const struct weir_fwdma *window = &dma->windows[i];

		if (pa < window->pa || pa - window->pa >= window->bytes)
			continue;
		if (bytes > window->bytes - (pa - window->pa))
			continue;
		bus = window->iova + (pa - window->pa);
		break;
	}
	if (dma->nr_windows && i == dma->nr_windows)
		return false;
	if (bus + (bytes - 1) < bus || bus + (bytes - 1) > mask)
		return false;
	*out_bus = bus;
	return true;
}

uint64_t weir_dma_bus_to_pa_(const struct weir_dma *dma, uint64_t bus)
{
	for (uint32_t i = 0; i < dma->nr_windows; i++) {
		const struct weir_fwdma *window = &dma->windows[i];

		if (bus >= window->iova && bus - window->iova < window->bytes)
			return window->pa + (bus - window->iova);
	}
	return bus;
}
