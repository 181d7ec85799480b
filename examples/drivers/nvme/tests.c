// SPDX-License-Identifier: MIT
/* What the client of NVM Express can be asked to do. */
#include "nvme/nvme.h"

#define FLIGHT_PAGES 64u

static int transfer(struct client *c, const struct client_buffer *b, uint32_t first, uint32_t nr,
		    uint64_t at, bool write)
{
	struct nvme_client *nvme = weir_device_data(c->dev);

	return nvme_transfer(nvme, b, first, nr, at * (CLIENT_PAGE / nvme->block_bytes), write);
}

/* Fills the queue with reads, and lets them be. */
static int run_start(struct client *c)
{
	struct nvme_client *nvme = weir_device_data(c->dev);
	struct client_buffer *b = &nvme->flight;
	int n = 1, err = nvme_drain(nvme, &nvme->io);

	if (err)
		return err;
	if (!b->c) {
		err = client_buffer_init(b, &nvme->c, FLIGHT_PAGES, client_random(&nvme->seed));
		if (err)
			return err;
		err = client_buffer_map(b, WEIR_DMA_FROM_DEVICE);
		if (err) {
			client_buffer_fini(b);
			return err;
		}
	}
	while (n > 0)
		n = nvme_start_pages(nvme, b, 0, FLIGHT_PAGES, 0, false);
	nvme_ring(nvme, &nvme->io);
	return n == WEIR_ENOSPC ? 0 : n;
}

static int nvme_dma_test(struct weir_device *dev, const char *test, char *report, size_t bytes)
{
	struct nvme_client *nvme = weir_device_data(dev);
	struct client_disk disk = {
		.c = &nvme->c, .nr_pages = nvme->nr_blocks / (CLIENT_PAGE / nvme->block_bytes),
		.seed = ++nvme->seed, .transfer = transfer,
	};

	return client_disk_test(&disk, test, run_start, report, bytes);
}

static void nvme_stats(struct weir_device *dev, struct weir_client_stats *out_stats)
{
	const struct nvme_client *nvme = weir_device_data(dev);

	*out_stats = nvme->c.stats;
}

const struct weir_client_ops weir_nvme_ops = {
	.abi = WEIR_ABI(struct weir_client_ops),
	.name = "nvme",
	.tests = client_disk_tests,
	.dma_test = nvme_dma_test,
	.stats = nvme_stats,
};
