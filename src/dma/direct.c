// SPDX-License-Identifier: MIT
/*
 * DMA without translation: bus addresses are physical ones, or such with an offset
 * where firmware says that a bus shows memory elsewhere (dma-ranges). What firmware
 * says is read once, with the device's state, and constant then.
 */
#include "dma/priv.h"

/* A device's own node, or its nearest ancestor's. */
static const struct weir_fwnode *node_of(const struct weir_device *dev)
{
	while (dev && !dev->fwnode)
		dev = dev->parent;
	return dev ? dev->fwnode : NULL;
}

static uint64_t window_max(const struct weir_fwdma *window)
{
	uint64_t max = window->iova + (window->bytes - 1);

	return max < window->iova ? UINT64_MAX : max;
}

int weir_dma_windows_read_(struct weir_dma *dma)
{
	const struct weir_fwnode *node = node_of(dma->dev);
	bool below = !dma->dev->fwnode;
	struct weir_fwdma window;
	uint32_t n = 0;
	int err = node ? 0 : WEIR_ENOENT;

	dma->bus_max = UINT64_MAX;
	while (!err && !(err = weir_firmware_dma_range(node, below, n, &window)))
		n++;
	dma->blind = err == WEIR_EINVAL;
	if (dma->blind) {
		weir_logf_(dma->m, WEIR_LOG_ERR, "dma: %s: no window to memory that firmware tells of "
			   "makes sense: it reaches none", dma->dev->name);
		dma->bus_max = 0;
	}
	if (!n)
		return 0;
	dma->windows = weir_atomic_alloc(dma->m, n * sizeof(*dma->windows));
	if (!dma->windows)
		return WEIR_ENOMEM;
	dma->nr_windows = n;
	dma->bus_max = 0;
	for (uint32_t i = 0; i < n; i++) {
		(void)weir_firmware_dma_range(node, below, i, &dma->windows[i]);
		if (window_max(&dma->windows[i]) > dma->bus_max)
			dma->bus_max = window_max(&dma->windows[i]);
	}
	return 0;
}

void weir_dma_windows_free_(struct weir_dma *dma)
{
	weir_atomic_free(dma->m, dma->windows, dma->nr_windows * sizeof(*dma->windows));
}

/* So many of the bytes at @bus have an address that the device can drive. */
static uint64_t reached(uint64_t bus, uint64_t bytes, uint64_t mask)
{
	if (bus > mask)
		return 0;
	return bytes - 1 > mask - bus ? mask - bus + 1 : bytes;
}

uint64_t weir_dma_bus_run_(const struct weir_dma *dma, uint64_t pa, uint64_t bytes, uint64_t mask,
			   uint64_t *out_bus)
{
	uint64_t most = 0;

	if (!dma->nr_windows && !dma->blind) {
		most = reached(pa, bytes, mask);
		if (most)
			*out_bus = pa;
	}
	for (uint32_t i = 0; i < dma->nr_windows; i++) {
		const struct weir_fwdma *window = &dma->windows[i];
		uint64_t offset = pa - window->pa, n = bytes;

		/* a window that wraps ends with the bus */
		if (pa < window->pa || offset >= window->bytes || offset > UINT64_MAX - window->iova)
			continue;
		if (n > window->bytes - offset)
			n = window->bytes - offset;
		n = reached(window->iova + offset, n, mask);
		/* memory may be seen a second time: whole, if it can be */
		if (n > most) {
			most = n;
			*out_bus = window->iova + offset;
		}
	}
	return most;
}

bool weir_dma_bus_address_(const struct weir_dma *dma, uint64_t pa, uint64_t bytes, uint64_t mask,
			   uint64_t *out_bus)
{
	uint64_t bus;

	if (weir_dma_bus_run_(dma, pa, bytes, mask, &bus) != bytes)
		return false;
	*out_bus = bus;
	return true;
}

/* The next window from @at on, by where it is on the bus. NULL: there is none. */
static const struct weir_fwdma *next_window(const struct weir_dma *dma, uint64_t at)
{
	const struct weir_fwdma *best = NULL;

	for (uint32_t i = 0; i < dma->nr_windows; i++)
		if (window_max(&dma->windows[i]) >= at &&
		    (!best || dma->windows[i].iova < best->iova))
			best = &dma->windows[i];
	return best;
}

bool weir_dma_next_gap_(const struct weir_dma *dma, uint64_t *at, uint64_t *out_first,
			uint64_t *out_last)
{
	const struct weir_fwdma *window;

	while ((window = next_window(dma, *at))) {
		uint64_t first = *at;

		*at = window_max(window) + 1;
		if (window->iova > first) {
			*out_first = first;
			*out_last = window->iova - 1;
			return true;
		}
		if (!*at)
			break;
	}
	return false;
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
