// SPDX-License-Identifier: MIT
/* What the client of virtio's block device can be asked to do. */
#include "virtio-blk/virtio_blk.h"


static int transfer(struct client *c, const struct client_buffer *b, uint32_t first, uint32_t nr,
		    uint64_t at, bool write)
{
	return vblk_transfer(weir_device_data(c->dev), b, first, nr,
			     at * (CLIENT_PAGE / VBLK_SECTOR), write);
}

/* Fills the queue with reads, and lets them be. */
static int run_start(struct client *c)
{
	struct vblk_client *vblk = weir_device_data(c->dev);
	struct client_buffer *b = &vblk->flight;
	int n = 1, err = vblk_drain(vblk);

	if (err)
		return err;
	if (!b->c) {
		err = client_buffer_init(b, &vblk->c, VBLK_MAX_PAGES, ++vblk->seed);
		if (err)
			return err;
		err = client_buffer_map(b, WEIR_DMA_FROM_DEVICE);
		if (err) {
			client_buffer_fini(b);
			return err;
		}
	}
	while (n > 0)
		n = vblk_start_pages(vblk, b, 0, VBLK_MAX_PAGES, 0, false);
	if (n != WEIR_ENOSPC)
		return n;
	return weir_virtq_kick(vblk->queue);
}

static int vblk_dma_test(struct weir_device *dev, const char *test, char *report, size_t bytes)
{
	struct vblk_client *vblk = weir_device_data(dev);
	struct client_disk disk = {
		.c = &vblk->c, .nr_pages = vblk->nr_sectors / (CLIENT_PAGE / VBLK_SECTOR),
		.seed = ++vblk->seed, .transfer = transfer,
	};

	return client_disk_test(&disk, test, run_start, report, bytes);
}

static void vblk_stats(struct weir_device *dev, struct weir_client_stats *out_stats)
{
	const struct vblk_client *vblk = weir_device_data(dev);

	*out_stats = vblk->c.stats;
}

const struct weir_client_ops weir_virtio_blk_ops = {
	.abi = WEIR_ABI(struct weir_client_ops),
	.name = "virtio-blk",
	.tests = client_disk_tests,
	.dma_test = vblk_dma_test,
	.stats = vblk_stats,
};
