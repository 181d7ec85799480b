// SPDX-License-Identifier: MIT
/* What the client of NVM Express can be asked to do. */
#include "nvme/nvme.h"

#define FLIGHT_PAGES 64u
#define SMALL_PAGES  16u
#define SPEED_TIMES  64u

static int transfer(struct client *c, const struct client_buffer *b, uint32_t first, uint32_t nr,
		    uint64_t at, bool write)
{
	struct nvme_client *nvme = weir_device_data(c->dev);

	return nvme_transfer(nvme, b, first, nr, at * (CLIENT_PAGE / nvme->block_bytes), write);
}

/* Fills the queue with reads, and lets them be. */
static int run_start(struct nvme_client *nvme)
{
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
	struct weir_client_stats before = nvme->c.stats;
	uint64_t began = client_now(&nvme->c);
	struct client_disk disk = {
		.c = &nvme->c, .nr_pages = nvme->nr_blocks / (CLIENT_PAGE / nvme->block_bytes),
		.seed = ++nvme->seed, .transfer = transfer,
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
		err = run_start(nvme);
	else
		err = WEIR_ENOENT;
	client_report(&nvme->c, test, err, &before, began, report, bytes);
	return err;
}

static void nvme_stats(struct weir_device *dev, struct weir_client_stats *out_stats)
{
	const struct nvme_client *nvme = weir_device_data(dev);

	*out_stats = nvme->c.stats;
}

static const struct weir_client_test nvme_tests[] = {
	{ "quick", "writes and reads of 4 KiB to 1 MiB, compared; overwrites what is on it" },
	{ "long", "the same ten times, at odd sizes too" },
	{ "small", "a write and a read of 64 KiB, compared" },
	{ "speed", "one write of 1 MiB and 64 reads of it" },
	{ "start", "as many reads as there is room for, not waited for" },
	{ NULL, NULL },
};

const struct weir_client_ops weir_nvme_ops = {
	.abi = WEIR_ABI(struct weir_client_ops),
	.name = "nvme",
	.tests = nvme_tests,
	.dma_test = nvme_dma_test,
	.stats = nvme_stats,
};
