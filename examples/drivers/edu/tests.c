// SPDX-License-Identifier: MIT
/* What the client of edu can be asked to do. */
#include "edu/edu.h"

#include "edu/regs.h"

#define MSI_WAIT_NS UINT64_C(2000000000)

/* There and back again, once. */
static int round_trip(struct edu_client *edu, uint32_t bytes)
{
	struct weir_device *dev = edu->c.dev;
	uint64_t out = edu->out.pages[0].iova, in = edu->in.pages[0].iova;
	uint64_t sum;
	int err;

	client_buffer_fill(&edu->out, edu->seed++);
	sum = client_buffer_sum(&edu->out, bytes);
	weir_dma_sync_for_device(dev, out, CLIENT_PAGE, WEIR_DMA_TO_DEVICE);
	err = edu_transfer(edu, out, bytes, false, false);
	if (err)
		return err;
	client_buffer_fill(&edu->in, edu->seed++);
	for (uint32_t i = bytes; i < CLIENT_PAGE; i++) /* must stay */
		edu->in.pages[0].va[i] = (uint8_t)i;
	weir_dma_sync_for_device(dev, in, CLIENT_PAGE, WEIR_DMA_FROM_DEVICE);
	err = edu_transfer(edu, in, bytes, true, false);
	if (err)
		return err;
	weir_dma_sync_for_cpu(dev, in, CLIENT_PAGE, WEIR_DMA_FROM_DEVICE);
	for (uint32_t i = bytes; i < CLIENT_PAGE; i++)
		if (edu->in.pages[0].va[i] != (uint8_t)i)
			return WEIR_EBADMSG;
	if (client_buffer_sum(&edu->in, bytes) != sum || !client_buffer_intact(&edu->in) ||
	    !client_buffer_intact(&edu->out))
		return WEIR_EBADMSG;
	edu->c.stats.transfers += 2;
	edu->c.stats.bytes += 2 * (uint64_t)bytes;
	return 0;
}

static int run_sizes(struct edu_client *edu, unsigned int rounds)
{
	static const uint32_t sizes[] = { 1, 2, 3, 4, 7, 8, 64, 511, 512, 2048, 4094, EDU_MAX_BYTES };
	int err = 0;

	for (unsigned int n = 0; n < rounds && !err; n++)
		for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && !err; i++)
			err = round_trip(edu, sizes[i]);
	return err;
}

/* A transfer that announces its end. */
static int run_msi(struct edu_client *edu)
{
	uint32_t before = atomic_load(&edu->nr_irqs);
	struct client_wait wait;
	int err;

	if (!edu->irq)
		return WEIR_EOPNOTSUPP;
	err = edu_transfer(edu, edu->out.pages[0].iova, 64, false, true);
	if (err)
		return err;
	client_wait_begin(&wait, &edu->c, MSI_WAIT_NS);
	while (atomic_load(&edu->nr_irqs) == before)
		if (!client_wait_more(&wait))
			return WEIR_ETIMEDOUT;
	edu->c.stats.transfers++;
	edu->c.stats.bytes += 64;
	return 0;
}

static int edu_dma_test(struct weir_device *dev, const char *test, char *report, size_t bytes)
{
	struct edu_client *edu = weir_device_data(dev);
	struct weir_client_stats before = edu->c.stats;
	uint64_t began = client_now(&edu->c);
	int err;

	if (client_text_equal(test, "quick"))
		err = run_sizes(edu, 1);
	else if (client_text_equal(test, "long"))
		err = run_sizes(edu, 20);
	else if (client_text_equal(test, "msi"))
		err = run_msi(edu);
	else if (client_text_equal(test, "start"))
		err = edu_start(edu, edu->in.pages[0].iova, EDU_MAX_BYTES, true, true);
	else
		err = WEIR_ENOENT;
	client_report(&edu->c, test, err, &before, began, report, bytes);
	return err;
}

static void edu_stats(struct weir_device *dev, struct weir_client_stats *out_stats)
{
	const struct edu_client *edu = weir_device_data(dev);

	*out_stats = edu->c.stats;
}

static const struct weir_client_test edu_tests[] = {
	{ "quick", "transfers of 1 to 4095 bytes to the device and back" },
	{ "long", "the same twenty times" },
	{ "msi", "a transfer whose end is an interrupt" },
	{ "start", "a transfer that is not waited for" },
	{ NULL, NULL },
};

const struct weir_client_ops weir_edu_ops = {
	.abi = WEIR_ABI(struct weir_client_ops),
	.name = "edu",
	.tests = edu_tests,
	.dma_test = edu_dma_test,
	.stats = edu_stats,
};
