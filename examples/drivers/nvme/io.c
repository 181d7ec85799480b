// SPDX-License-Identifier: MIT
/*
 * Reads and writes. Where the data are is told page by page (PRPs, NVMe Base Specification
 * 1.4, 4.3): the first in the command, a second one too, more in a list in a page of its own.
 */
#include "nvme/nvme.h"

/* Where the pages [first, first + nr) are for the device; @nr is at least 1. */
static void set_prps(struct nvme_command *command, const struct nvme_request *request,
		     const struct client_buffer *b, uint32_t first, uint32_t nr)
{
	command->prp1 = b->pages[first].iova;
	if (nr == 2)
		command->prp2 = b->pages[first + 1].iova;
	if (nr <= 2)
		return;
	for (uint32_t i = 1; i < nr; i++)
		request->list[i - 1] = b->pages[first + i].iova;
	command->prp2 = request->list_iova;
}

int nvme_start_pages(struct nvme_client *nvme, const struct client_buffer *b, uint32_t first,
		     uint32_t nr, uint64_t lba, bool write)
{
	struct nvme_queue *queue = &nvme->io;
	struct nvme_command command = { .opcode = write ? NVME_WRITE : NVME_READ };
	uint32_t most = nvme->max_bytes / CLIENT_PAGE, blocks;
	uint16_t id;
	int err;

	if (nr > most)
		nr = most;
	blocks = nr * (CLIENT_PAGE / nvme->block_bytes);
	if (lba >= nvme->nr_blocks || blocks > nvme->nr_blocks - lba)
		return WEIR_ERANGE;
	err = nvme_next_id(queue, &id);
	if (err)
		return err;
	set_prps(&command, &queue->requests[id], b, first, nr);
	command.nsid = nvme->nsid;
	command.cdw10 = (uint32_t)lba;
	command.cdw11 = (uint32_t)(lba >> 32);
	command.cdw12 = blocks - 1;
	queue->requests[id].status = 0;
	err = nvme_submit(nvme, queue, &command, &id);
	return err ? err : (int)nr;
}

/* Commands that the device refused since they were started. */
static int check_status(const struct nvme_queue *queue)
{
	for (unsigned int i = 0; i < NVME_DEPTH; i++)
		if (queue->requests[i].status)
			return WEIR_EPROTO;
	return 0;
}

int nvme_transfer(struct nvme_client *nvme, const struct client_buffer *b, uint32_t first,
		  uint32_t nr, uint64_t lba, bool write)
{
	struct nvme_queue *queue = &nvme->io;
	int started = 0, err;

	for (unsigned int i = 0; i < NVME_DEPTH; i++)
		queue->requests[i].status = 0;
	while (nr > 0 && started >= 0) {
		started = nvme_start_pages(nvme, b, first, nr, lba, write);
		if (started == WEIR_ENOSPC) { /* full: the ones before come first */
			nvme_ring(nvme, queue);
			started = nvme_drain(nvme, queue);
			if (!started)
				started = check_status(queue);
			continue;
		}
		if (started < 0)
			break;
		first += (uint32_t)started;
		nr -= (uint32_t)started;
		lba += (uint64_t)(uint32_t)started * (CLIENT_PAGE / nvme->block_bytes);
	}
	nvme_ring(nvme, queue);
	/* also after an error: the buffer is the device's until then */
	err = nvme_drain(nvme, queue);
	if (!err)
		err = check_status(queue);
	return started < 0 ? started : err;
}
