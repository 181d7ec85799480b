// SPDX-License-Identifier: MIT
/*
 * What goes through a queue: requests offered, requests used (Virtio 1.2, 2.7).
 *
 * Memory that the device can write is read once, field by field, and checked against
 * what was given to it. A device that breaks the rules puts the queue in quarantine.
 */
#include "virtio/priv.h"

#include "core/text.h"
#include "virtio/regs.h"

/* How often memory is looked at before the device is asked whether it is still there. */
#define SPINS 64u
/* Used while its index is looked at: how often that is tried again. */
#define ARM_TRIES 16u
/* Without a clock: so many nanoseconds are taken for one look at the device. */
#define NS_PER_POLL 500u

/* ---- memory shared with the device ---- */

static uint16_t swap16(uint16_t x)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return (uint16_t)(x >> 8 | x << 8);
#else
	return x;
#endif
}

static uint32_t swap32(uint32_t x)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return x >> 24 | (x >> 8 & 0xff00) | (x << 8 & 0xff0000) | x << 24;
#else
	return x;
#endif
}

static uint8_t *at(const struct weir_virtq *queue, uint32_t offset)
{
	return (uint8_t *)queue->mem.va + offset;
}

static uint16_t load16(const struct weir_virtq *queue, uint32_t offset)
{
	return swap16(*(volatile uint16_t *)at(queue, offset));
}

static uint32_t load32(const struct weir_virtq *queue, uint32_t offset)
{
	return swap32(*(volatile uint32_t *)at(queue, offset));
}

static void store16(const struct weir_virtq *queue, uint32_t offset, uint16_t value)
{
	*(volatile uint16_t *)at(queue, offset) = swap16(value);
}

static void store32(const struct weir_virtq *queue, uint32_t offset, uint32_t value)
{
	*(volatile uint32_t *)at(queue, offset) = swap32(value);
}

static void barrier(const struct weir_virtq *queue)
{
	struct weir_machine *m = queue->v->m;

	atomic_signal_fence(memory_order_seq_cst);
	if (m->ops->dma_barrier)
		m->ops->dma_barrier(m->host);
}

static void put_desc(const struct weir_virtq *queue, unsigned int i,
		     const struct weir_virtq_segment *segment, uint16_t flags, uint16_t next)
{
	uint32_t offset = DESC_BYTES * i;

	store32(queue, offset, (uint32_t)segment->address);
	store32(queue, offset + 4, (uint32_t)(segment->address >> 32));
	store32(queue, offset + 8, segment->bytes);
	store16(queue, offset + 12, flags);
	store16(queue, offset + 14, next);
}

/* Where the device says until when it need not be told, and we it; 2.7.7 and 2.7.10. */
static uint32_t used_event(const struct weir_virtq *queue)
{
	return queue->driver_at + RING_HEAD_BYTES + 2 * queue->size;
}

static uint32_t avail_event(const struct weir_virtq *queue)
{
	return queue->device_at + RING_HEAD_BYTES + USED_ELEM_BYTES * queue->size;
}

/* ---- quarantine ---- */

__attribute__((format(printf, 3, 4)))
static int quarantine(struct weir_virtq *queue, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	weir_vformat_(queue->fault, sizeof(queue->fault), fmt, args);
	va_end(args);
	weir_logf_(queue->v->m, WEIR_LOG_ERR, "%s: queue %u is in quarantine: %s",
		   weir_virtio_name(queue->v), queue->index, queue->fault);
	return err;
}

static bool is_out(const struct weir_virtq *queue)
{
	return queue->fault[0] != '\0';
}

/* ---- offering ---- */

int weir_virtq_add(struct weir_virtq *queue, const struct weir_virtq_segment *segments,
		   unsigned int nr_read, unsigned int nr_write, void *token)
{
	unsigned int n = nr_read + nr_write, i;
	uint16_t head = queue->free_head, d = head;
	uint32_t writable = 0;

	if (is_out(queue))
		return WEIR_EIO;
	if (!token || !n)
		return WEIR_EINVAL;
	if (n > queue->nr_free)
		return WEIR_ENOSPC;
	for (i = 0; i < n; i++) {
		if (!segments[i].bytes || (i >= nr_read && segments[i].bytes > UINT32_MAX - writable))
			return WEIR_EINVAL;
		writable += i >= nr_read ? segments[i].bytes : 0;
	}
	for (i = 0; i < n; i++) {
		uint16_t flags = (uint16_t)((i >= nr_read ? DESC_WRITE : 0) |
					    (i + 1 < n ? DESC_NEXT : 0));
		uint16_t next = queue->desc[d].next;

		put_desc(queue, d, &segments[i], flags, i + 1 < n ? next : 0);
		d = next;
	}
	queue->free_head = d;
	queue->nr_free = (uint16_t)(queue->nr_free - n);
	queue->nr_requests++;
	queue->desc[head].token = token;
	queue->desc[head].writable = writable;
	queue->desc[head].count = (uint16_t)n;
	queue->desc[head].at = queue->avail;
	store16(queue, queue->driver_at + RING_HEAD_BYTES + 2 * (queue->avail & (queue->size - 1)),
		head);
	queue->avail++;
	return 0;
}

/* Whether the device wants to hear of the requests since the last time. */
static bool wants_notice(const struct weir_virtq *queue, uint16_t before)
{
	uint16_t event;

	if (!queue->event_idx)
		return !(load16(queue, queue->device_at) & USED_NO_NOTIFY);
	event = load16(queue, avail_event(queue));
	return (uint16_t)(queue->avail - event - 1) < (uint16_t)(queue->avail - before);
}

int weir_virtq_kick(struct weir_virtq *queue)
{
	uint16_t before = queue->published;

	if (is_out(queue))
		return WEIR_EIO;
	if (before == queue->avail)
		return 0;
	barrier(queue);
	store16(queue, queue->driver_at + 2, queue->avail);
	queue->published = queue->avail;
	barrier(queue);
	if (wants_notice(queue, before))
		queue->v->transport->notify(queue->v, queue);
	return 0;
}

/* ---- taking back ---- */

static void free_chain(struct weir_virtq *queue, uint16_t head)
{
	unsigned int count = queue->desc[head].count;
	uint16_t last = head;

	for (unsigned int i = 1; i < count; i++)
		last = queue->desc[last].next;
	queue->desc[last].next = queue->free_head;
	queue->free_head = head;
	queue->nr_free = (uint16_t)(queue->nr_free + count);
	queue->nr_requests--;
	queue->desc[head].token = NULL;
}

/* Requests that were published and have not come back. */
static uint16_t with_device(const struct weir_virtq *queue)
{
	return (uint16_t)(queue->nr_requests - (uint16_t)(queue->avail - queue->published));
}

/* It has a request that begins there, and was told of it. */
static bool has_request(const struct weir_virtq *queue, uint32_t id)
{
	return id < queue->size && queue->desc[id].token &&
	       (uint16_t)(queue->avail - queue->desc[id].at) >
		       (uint16_t)(queue->avail - queue->published);
}

int weir_virtq_get(struct weir_virtq *queue, void **out_token, uint32_t *out_written)
{
	uint16_t done, index;
	uint32_t elem, id, written;

	if (is_out(queue))
		return WEIR_EIO;
	index = load16(queue, queue->device_at + 2);
	done = (uint16_t)(index - queue->used);
	if (!done)
		return WEIR_EAGAIN;
	if (done > with_device(queue))
		return quarantine(queue, WEIR_EIO, "it says that %u requests are done, and has %u",
				  done, with_device(queue));
	barrier(queue);
	elem = queue->device_at + RING_HEAD_BYTES +
	       USED_ELEM_BYTES * (queue->used & (queue->size - 1));
	id = load32(queue, elem);
	written = load32(queue, elem + 4);
	if (!has_request(queue, id))
		return quarantine(queue, WEIR_EIO, "it returns request %u, which it does not have", id);
	if (written > queue->desc[id].writable)
		return quarantine(queue, WEIR_EIO, "it says it wrote %u bytes into %u", written,
				  queue->desc[id].writable);
	*out_token = queue->desc[id].token;
	if (out_written)
		*out_written = written;
	free_chain(queue, (uint16_t)id);
	queue->used++;
	return 0;
}

/* A look at the device also makes a posted notification arrive. */
static int look(struct weir_virtq *queue)
{
	if (!weir_virtio_failed(queue->v))
		return 0;
	return quarantine(queue, WEIR_EIO, "the device is gone or needs a reset");
}

int weir_virtq_wait(struct weir_virtq *queue, uint64_t ns)
{
	const struct weir_host_ops *ops = queue->v->m->ops;
	void *host = queue->v->m->host;
	uint64_t begin = ops->time_ns ? ops->time_ns(host) : 0, last = begin, still = 0;

	if (is_out(queue))
		return WEIR_EIO;
	for (;;) {
		uint64_t now = ops->time_ns ? ops->time_ns(host) : begin;
		bool late;

		/* also of a clock that stands still */
		still = now == last ? still + 1 : 0;
		last = now;
		late = now - begin > ns || still > ns / NS_PER_POLL;
		for (unsigned int i = 0; i < SPINS; i++)
			if (load16(queue, queue->device_at + 2) != queue->used)
				return 0;
		if (look(queue))
			return WEIR_EIO;
		if (late)
			return quarantine(queue, WEIR_ETIMEDOUT,
					  "nothing came back of %u requests", with_device(queue));
	}
}

int weir_virtq_arm(struct weir_virtq *queue)
{
	if (is_out(queue))
		return WEIR_EIO;
	if (queue->event_idx)
		store16(queue, used_event(queue), queue->used);
	else
		store16(queue, queue->driver_at, 0);
	barrier(queue);
	return load16(queue, queue->device_at + 2) != queue->used;
}

int weir_virtq_arm_next(struct weir_virtq *queue)
{
	uint16_t there;

	if (is_out(queue))
		return WEIR_EIO;
	if (!queue->event_idx) {
		store16(queue, queue->driver_at, 0);
		return 0;
	}
	for (unsigned int n = 0; n < ARM_TRIES; n++) {
		there = load16(queue, queue->device_at + 2);
		store16(queue, used_event(queue), there);
		barrier(queue);
		if (load16(queue, queue->device_at + 2) == there)
			break;
	}
	return 0;
}

/* With event indices: at the one that comes up again last. */
void weir_virtq_disarm(struct weir_virtq *queue)
{
	if (queue->event_idx)
		store16(queue, used_event(queue), (uint16_t)(queue->used - 1));
	else
		store16(queue, queue->driver_at, AVAIL_NO_INTERRUPT);
}
