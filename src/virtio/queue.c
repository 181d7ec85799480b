// SPDX-License-Identifier: MIT
/*
 * The life of queues: memory, setting up, emptying. What goes through them is ring.c's.
 *
 * In memory: the descriptors, the ring of what is offered, the ring of what is used
 * (Virtio 1.2, 2.7), each aligned as it must be. Links between descriptors are kept
 * outside of it too, so that nothing is believed which the device can overwrite.
 */
#include "virtio/priv.h"

#include "virtio/regs.h"

#define PAGE 4096u

/* Behind each ring is room for the index of events. */
static uint32_t driver_offset(unsigned int size)
{
	return DESC_BYTES * size;
}

static uint32_t device_offset(unsigned int size)
{
	return (driver_offset(size) + RING_HEAD_BYTES + 2 * size + 2 + 63u) & ~63u;
}

size_t weir_virtq_bytes(unsigned int size)
{
	size_t bytes = (size_t)device_offset(size) + RING_HEAD_BYTES + USED_ELEM_BYTES * size + 2;

	return (bytes + PAGE - 1) & ~(size_t)(PAGE - 1);
}

unsigned int weir_virtq_max(const struct weir_virtio *v, unsigned int index)
{
	unsigned int max = v->transport->queue_max(v, index);
	unsigned int size = 1;

	if (!max || max > QUEUE_MAX_SIZE)
		return 0;
	while (size * 2 <= max)
		size *= 2;
	return size;
}

void weir_virtq_init_(struct weir_virtq *queue)
{
	queue->free_head = 0;
	queue->nr_free = (uint16_t)queue->size;
	queue->nr_requests = 0;
	queue->avail = queue->published = queue->used = 0;
	queue->fault[0] = '\0';
	for (unsigned int i = 0; i < queue->size; i++)
		queue->desc[i] = (struct vdesc){ .next = (uint16_t)(i + 1) };
}

static size_t queue_bytes(unsigned int size)
{
	return sizeof(struct weir_virtq) + size * sizeof(struct vdesc);
}

static struct weir_virtq *alloc_queue(struct weir_machine *m, unsigned int size)
{
	struct weir_virtq *queue;

	weir_lock_(m);
	queue = weir_alloc_(m, queue_bytes(size));
	weir_unlock_(m);
	return queue;
}

static void free_queue(struct weir_machine *m, struct weir_virtq *queue)
{
	weir_lock_(m);
	weir_free_(m, queue, queue_bytes(queue->size));
	weir_unlock_(m);
}

static int take_memory(struct weir_virtq *queue, const struct weir_virtq_memory *memory)
{
	struct weir_machine *m = queue->v->m;
	size_t bytes = weir_virtq_bytes(queue->size);

	if (memory) {
		if (memory->bytes < bytes || memory->address % PAGE || !memory->va)
			return WEIR_EINVAL;
		queue->mem = *memory;
		return 0;
	}
	if (!m->ops->pages_alloc)
		return WEIR_EOPNOTSUPP;
	queue->mem.bytes = bytes;
	queue->own_memory = true;
	return m->ops->pages_alloc(m->host, bytes, PAGE, &queue->mem.va, &queue->mem.address);
}

int weir_virtq_create(struct weir_virtio *v, unsigned int index, unsigned int size,
		      const struct weir_virtq_memory *memory, struct weir_virtq **out_queue)
{
	unsigned int max = weir_virtq_max(v, index);
	struct weir_virtq *queue;
	int err;

	if (!size || (size & (size - 1)) || size > QUEUE_MAX_SIZE || v->running)
		return v->running ? WEIR_EBUSY : WEIR_EINVAL;
	if (!max)
		return WEIR_ENOENT;
	if (size > max)
		size = max;
	queue = alloc_queue(v->m, size);
	if (!queue)
		return WEIR_ENOMEM;
	queue->v = v;
	queue->index = index;
	queue->size = size;
	queue->driver_at = driver_offset(size);
	queue->device_at = device_offset(size);
	queue->event_idx = v->features & WEIR_VIRTIO_EVENT_IDX;
	weir_virtq_init_(queue);
	err = take_memory(queue, memory);
	if (err) {
		free_queue(v->m, queue);
		return err;
	}
	err = v->transport->queue_set(v, queue);
	if (err) {
		weir_virtq_destroy(queue);
		return err;
	}
	*out_queue = queue;
	return 0;
}

struct weir_virtq *weir_virtq_destroy(struct weir_virtq *queue)
{
	struct weir_machine *m;

	if (!queue)
		return NULL;
	m = queue->v->m;
	if (queue->own_memory && !queue->v->lost)
		m->ops->pages_free(m->host, queue->mem.va, queue->mem.address, queue->mem.bytes);
	free_queue(m, queue);
	return NULL;
}

int weir_virtq_restart(struct weir_virtq *queue)
{
	uint8_t *bytes = queue->mem.va;
	int err;

	for (size_t i = 0; i < weir_virtq_bytes(queue->size); i++)
		bytes[i] = 0;
	weir_virtq_init_(queue);
	queue->event_idx = queue->v->features & WEIR_VIRTIO_EVENT_IDX;
	if (weir_virtq_max(queue->v, queue->index) < queue->size)
		return weir_virtio_fail_(queue->v, WEIR_EIO, "queue %u is smaller than before",
					 queue->index);
	err = queue->v->transport->queue_set(queue->v, queue);
	return err ? WEIR_EIO : 0;
}

unsigned int weir_virtq_size(const struct weir_virtq *queue)
{
	return queue->size;
}

unsigned int weir_virtq_room(const struct weir_virtq *queue)
{
	return queue->nr_free;
}

const char *weir_virtq_fault(const struct weir_virtq *queue)
{
	return queue->fault[0] ? queue->fault : NULL;
}

int weir_virtq_drop(struct weir_virtq *queue, void **out_token)
{
	for (unsigned int i = 0; i < queue->size; i++) {
		if (!queue->desc[i].token)
			continue;
		*out_token = queue->desc[i].token;
		queue->desc[i].token = NULL;
		queue->nr_requests--;
		return 0;
	}
	return WEIR_ENOENT;
}
