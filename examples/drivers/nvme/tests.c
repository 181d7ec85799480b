// SPDX-License-Identifier: MIT
/*
 * What the client of NVM Express can be asked to do. A device that was refused by an
 * IOMMU may complete its command all the same, without error: what counts is the data, by
 * checksums over buffers that were filled with something else before.
 */
#include "nvme/nvme.h"

#define MAX_PAGES (NVME_MAX_COMMAND_BYTES / CLIENT_PAGE)
#define FLIGHT_PAGES 64u

/* Writes @b from @lba on and reads it into other pages. */
static int there_and_back(struct nvme_client *nvme, struct client_buffer *b,
			  struct client_buffer *back, uint64_t lba)
{
	uint64_t bytes = (uint64_t)b->nr_pages * CLIENT_PAGE, sum;
	int err;

	client_buffer_fill(b, client_random(&nvme->seed));
	client_buffer_fill(back, client_random(&nvme->seed));
	sum = client_buffer_sum(b, bytes);
	err = client_buffer_map(b, WEIR_DMA_TO_DEVICE);
	if (err)
		return err;
	err = nvme_transfer(nvme, b, 0, b->nr_pages, lba, true);
	if (err)
		return err;
	err = client_buffer_unmap(b);
	if (err)
		return err;
	err = client_buffer_map(back, WEIR_DMA_FROM_DEVICE);
	if (err)
		return err;
	err = nvme_transfer(nvme, back, 0, b->nr_pages, lba, false);
	if (err)
		return err;
	err = client_buffer_unmap(back);
	if (err)
		return err;
	if (client_buffer_sum(b, bytes) != sum || client_buffer_sum(back, bytes) != sum)
		return WEIR_EBADMSG;
	if (!client_buffer_intact(b) || !client_buffer_intact(back))
		return WEIR_EBADMSG;
	nvme->c.stats.transfers += 2;
	nvme->c.stats.bytes += 2 * bytes;
	return 0;
}

static int one_size(struct nvme_client *nvme, uint32_t nr_pages, uint64_t lba)
{
	struct client_buffer b, back;
	int err = client_buffer_init(&b, &nvme->c, nr_pages, client_random(&nvme->seed));

	if (err)
		return err;
	err = client_buffer_init(&back, &nvme->c, nr_pages, client_random(&nvme->seed));
	if (!err)
		err = there_and_back(nvme, &b, &back, lba);
	client_buffer_fini(&back);
	client_buffer_fini(&b);
	return err;
}

/* Every power of two from 4 KiB to 1 MiB, and sizes beside them, at places drawn. */
static int run_sizes(struct nvme_client *nvme, unsigned int rounds)
{
	uint64_t pages = nvme->nr_blocks / (CLIENT_PAGE / nvme->block_bytes);
	int err = 0;

	if (pages < MAX_PAGES)
		return WEIR_ERANGE;
	for (unsigned int round = 0; round < rounds && !err; round++) {
		for (uint32_t n = 1; n <= MAX_PAGES && !err; n *= 2) {
			uint32_t nr = round % 2 && n > 1 ? n - 1 : n;
			uint64_t at = client_random(&nvme->seed) % (pages - nr + 1);

			err = one_size(nvme, nr, at * (CLIENT_PAGE / nvme->block_bytes));
		}
	}
	return err;
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
	int err;

	if (client_text_equal(test, "quick"))
		err = run_sizes(nvme, 1);
	else if (client_text_equal(test, "long"))
		err = run_sizes(nvme, 10);
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
