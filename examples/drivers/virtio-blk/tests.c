// SPDX-License-Identifier: MIT
/* What the client of virtio's block device can be asked to do. */
#include "virtio-blk/virtio_blk.h"

#define SMALL_PAGES  16u
#define SPEED_TIMES 64u

static int transfer(struct client *c, const struct client_buffer *b, uint32_t first, uint32_t nr,
		    uint64_t at, bool write)
{
	return vblk_transfer(weir_device_data(c->dev), b, first, nr,
			     at * (CLIENT_PAGE / VBLK_SECTOR), write);
}

/* Fills the queue with reads, and lets them be. */
static int run_start(struct vblk_client *vblk)
{
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
	struct weir_client_stats before = vblk->c.stats;
	uint64_t began = client_now(&vblk->c);
	struct client_disk disk = {
		.c = &vblk->c, .nr_pages = vblk->nr_sectors / (CLIENT_PAGE / VBLK_SECTOR),
		.seed = ++vblk->seed, .transfer = transfer,
	};
	int err;

	if (client_text_equal(test, "quick"))
		err = client_disk_sizes(&disk, 1);
	else if (client_text_equal(test, "long"))
		err = client_disk_sizes(&disk, 10);
	else if (client_text_equal(test, "small"))
		err = client_disk_one(&disk, SMALL_PAGES);
	else if (client_text_equal(test, "speed"))
		err = client_disk_speed(&disk, SPEED_TIMES);
	else if (client_text_equal(test, "start"))
		err = run_start(vblk);
	else
		err = WEIR_ENOENT;
	client_report(&vblk->c, test, err, &before, began, report, bytes);
	return err;
}

static void vblk_stats(struct weir_device *dev, struct weir_client_stats *out_stats)
{
	const struct vblk_client *vblk = weir_device_data(dev);

	*out_stats = vblk->c.stats;
}

static const struct weir_client_test vblk_tests[] = {
	{ "quick", "writes and reads of 4 KiB to 1 MiB, compared; overwrites what is on it" },
	{ "long", "the same ten times, at odd sizes too" },
	{ "small", "a write and a read of 64 KiB, compared" },
	{ "speed", "one write of 1 MiB and 64 reads of it" },
	{ "start", "as many reads as there is room for, not waited for" },
	{ NULL, NULL },
};

const struct weir_client_ops weir_virtio_blk_ops = {
	.abi = WEIR_ABI(struct weir_client_ops),
	.name = "virtio-blk",
	.tests = vblk_tests,
	.dma_test = vblk_dma_test,
	.stats = vblk_stats,
};
