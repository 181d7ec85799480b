// SPDX-License-Identifier: MIT
/*
 * Pairs of queues (NVMe Base Specification 1.4, 4.1 and 4.6). The device writes the
 * completion queue at any time; each entry is copied once, and then judged.
 */
#include "nvme/nvme.h"

#define COMMAND_NS UINT64_C(10000000000)

static uint64_t doorbell(const struct nvme_client *nvme, const struct nvme_queue *queue,
			 unsigned int completion)
{
	return NVME_DOORBELLS +
	       (2ull * queue->id + completion) * (4ull << NVME_CAP_DSTRD(nvme->cap));
}

int nvme_queue_init(struct nvme_client *nvme, struct nvme_queue *queue, uint16_t id)
{
	struct weir_device *dev = nvme->c.dev;
	void *va;
	int err;

	*queue = (struct nvme_queue){ .id = id, .phase = 1 };
	err = weir_dma_alloc(dev, NVME_DEPTH * sizeof(*queue->sq), 0, &va, &queue->sq_iova);
	if (err)
		return err;
	queue->sq = va;
	err = weir_dma_alloc(dev, NVME_DEPTH * sizeof(*queue->cq), 0, &va, &queue->cq_iova);
	if (err)
		goto err_sq;
	queue->cq = va;
	return 0;

err_sq:
	(void)weir_dma_free(dev, NVME_DEPTH * sizeof(*queue->sq), queue->sq, queue->sq_iova);
	queue->sq = NULL;
	return err;
}

void nvme_queue_fini(struct nvme_client *nvme, struct nvme_queue *queue)
{
	struct weir_device *dev = nvme->c.dev;

	if (!queue->sq)
		return;
	(void)weir_dma_free(dev, NVME_DEPTH * sizeof(*queue->cq), queue->cq, queue->cq_iova);
	(void)weir_dma_free(dev, NVME_DEPTH * sizeof(*queue->sq), queue->sq, queue->sq_iova);
	queue->sq = NULL;
	queue->cq = NULL;
}

int nvme_next_id(const struct nvme_queue *queue, uint16_t *out_id)
{
	if (queue->nr_busy == NVME_DEPTH - 1) /* one entry stays empty, 4.1.2 */
		return WEIR_ENOSPC;
	for (uint16_t i = 0; i < NVME_DEPTH; i++) {
		if (!queue->requests[i].busy) {
			*out_id = i;
			return 0;
		}
	}
	return WEIR_ENOSPC;
}

int nvme_submit(struct nvme_client *nvme, struct nvme_queue *queue,
		const struct nvme_command *command, uint16_t *out_id)
{
	uint16_t id;
	int err;

	if (nvme->c.fault[0])
		return WEIR_EIO;
	err = nvme_next_id(queue, &id);
	if (err)
		return err;
	queue->sq[queue->tail] = *command;
	queue->sq[queue->tail].id = id;
	queue->tail = (uint16_t)((queue->tail + 1) % NVME_DEPTH);
	queue->requests[id].busy = true;
	queue->nr_busy++;
	*out_id = id;
	return 0;
}

void nvme_ring(struct nvme_client *nvme, struct nvme_queue *queue)
{
	client_barrier(&nvme->c);
	weir_mmio_write32(&nvme->mmio, doorbell(nvme, queue, 0), queue->tail);
}

static int take(struct nvme_client *nvme, struct nvme_queue *queue,
		const struct nvme_completion *entry)
{
	if (entry->sq_id != queue->id)
		return client_quarantine(&nvme->c, "a completion of another queue", entry->sq_id);
	if (entry->sq_head >= NVME_DEPTH)
		return client_quarantine(&nvme->c, "a completion with a head beyond the queue",
					 entry->sq_head);
	if (entry->id >= NVME_DEPTH || !queue->requests[entry->id].busy)
		return client_quarantine(&nvme->c, "a completion of no command", entry->id);
	queue->requests[entry->id].busy = false;
	queue->requests[entry->id].status = (uint16_t)NVME_STATUS(entry->status);
	queue->nr_busy--;
	return 0;
}

int nvme_reap(struct nvme_client *nvme, struct nvme_queue *queue)
{
	int n = 0;

	if (nvme->c.fault[0])
		return WEIR_EIO;
	/* each round of the ring the device inverts the phase; it has no more than were given */
	while (queue->nr_busy) {
		const volatile struct nvme_completion *at = &queue->cq[queue->head];
		struct nvme_completion entry;
		int err;

		entry.status = at->status;
		if ((entry.status & 1) != queue->phase)
			break;
		client_barrier(&nvme->c);
		entry.sq_head = at->sq_head;
		entry.sq_id = at->sq_id;
		entry.id = at->id;
		err = take(nvme, queue, &entry);
		if (err)
			return err;
		queue->head = (uint16_t)((queue->head + 1) % NVME_DEPTH);
		queue->phase ^= queue->head == 0;
		n++;
	}
	if (n)
		weir_mmio_write32(&nvme->mmio, doorbell(nvme, queue, 1), queue->head);
	return n;
}

/* It says so, or there is no device any more. */
static bool is_dead(struct nvme_client *nvme)
{
	return weir_mmio_read32(&nvme->mmio, NVME_CSTS) & NVME_CSTS_CFS;
}

int nvme_drain(struct nvme_client *nvme, struct nvme_queue *queue)
{
	struct client_wait wait;

	client_wait_begin(&wait, &nvme->c, COMMAND_NS);
	while (queue->nr_busy) {
		int n = nvme_reap(nvme, queue);

		if (n < 0)
			return n;
		if (n) {
			client_wait_begin(&wait, &nvme->c, COMMAND_NS);
			continue;
		}
		if (is_dead(nvme))
			return client_quarantine(&nvme->c, "it has failed", CLIENT_NO_VALUE);
		if (client_wait_more(&wait))
			continue;
		return client_quarantine(&nvme->c, "commands are not completed", queue->nr_busy);
	}
	return nvme->c.fault[0] ? WEIR_EIO : 0;
}

int nvme_execute(struct nvme_client *nvme, struct nvme_queue *queue,
		 const struct nvme_command *command)
{
	uint16_t id;
	int err = nvme_submit(nvme, queue, command, &id);

	if (err)
		return err;
	nvme_ring(nvme, queue);
	err = nvme_drain(nvme, queue);
	if (err)
		return err;
	return queue->requests[id].status ? WEIR_EPROTO : 0;
}
