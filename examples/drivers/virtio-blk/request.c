// SPDX-License-Identifier: MIT
/* Requests (Virtio 1.2, 5.2.6): a header, data page by page, a byte of status. */
#include "virtio-blk/virtio_blk.h"

#define WAIT_NS UINT64_C(5000000000)
#define NO_STATUS 0xffu

/* The queue is in quarantine: so is the device. */
static int failed(struct vblk_client *vblk)
{
	const char *fault = weir_virtq_fault(vblk->queue);

	return client_quarantine(&vblk->c, fault ? fault : "its queue fails", CLIENT_NO_VALUE);
}

static struct vblk_request *free_request(struct vblk_client *vblk)
{
	for (unsigned int i = 0; i < VBLK_REQUESTS; i++)
		if (!vblk->requests[i].busy)
			return &vblk->requests[i];
	return NULL;
}

/* Header, data, status. Return: how many segments the device reads; the rest it writes. */
static unsigned int set_segments(struct vblk_client *vblk, const struct vblk_request *request,
				 const struct client_buffer *b, uint32_t first, uint32_t nr,
				 bool write)
{
	struct weir_virtq_segment *at = vblk->segments;

	*at++ = (struct weir_virtq_segment){ request->slot_iova, sizeof(struct vblk_header) };
	for (uint32_t i = 0; i < nr; i++)
		*at++ = (struct weir_virtq_segment){ b->pages[first + i].iova, CLIENT_PAGE };
	*at = (struct weir_virtq_segment){
		request->slot_iova + offsetof(struct vblk_slot, status), 1,
	};
	return write ? nr + 1 : 1;
}

int vblk_start_pages(struct vblk_client *vblk, const struct client_buffer *b, uint32_t first,
		     uint32_t nr, uint64_t sector, bool write)
{
	struct vblk_request *request = free_request(vblk);
	unsigned int nr_read;
	int err;

	if (vblk->c.fault[0])
		return WEIR_EIO;
	if (nr > vblk->max_pages)
		nr = vblk->max_pages;
	if (sector > vblk->nr_sectors ||
	    (uint64_t)nr * (CLIENT_PAGE / VBLK_SECTOR) > vblk->nr_sectors - sector)
		return WEIR_ERANGE;
	if (write && vblk->read_only)
		return WEIR_EPERM;
	if (!request || weir_virtq_room(vblk->queue) < nr + 2)
		return WEIR_ENOSPC;
	request->slot->header = (struct vblk_header){
		.type = write ? VBLK_OUT : VBLK_IN, .sector = sector,
	};
	request->slot->status = NO_STATUS;
	request->to_write = write ? 1 : nr * CLIENT_PAGE + 1;
	nr_read = set_segments(vblk, request, b, first, nr, write);
	err = weir_virtq_add(vblk->queue, vblk->segments, nr_read, nr + 2 - nr_read, request);
	if (err)
		return err == WEIR_EIO ? failed(vblk) : err;
	request->busy = true;
	vblk->nr_busy++;
	return (int)nr;
}

static int take(struct vblk_client *vblk, struct vblk_request *request, uint32_t written)
{
	request->busy = false;
	vblk->nr_busy--;
	request->status = *(volatile uint8_t *)&request->slot->status;
	if (request->status > VBLK_UNSUPPORTED)
		return client_quarantine(&vblk->c, "a request has no status", request->status);
	/* what it did not write must not be taken for data (5.2.6.2, 2.7.8.2) */
	if (request->status == VBLK_OK && written < request->to_write)
		return client_quarantine(&vblk->c, "a request without all its data", written);
	return 0;
}

int vblk_drain(struct vblk_client *vblk)
{
	int result = 0;

	if (vblk->c.fault[0])
		return WEIR_EIO;
	if (weir_virtq_kick(vblk->queue))
		return failed(vblk);
	while (vblk->nr_busy) {
		uint32_t written;
		void *token;
		int err = weir_virtq_wait(vblk->queue, WAIT_NS);

		if (!err)
			err = weir_virtq_get(vblk->queue, &token, &written);
		if (err)
			return failed(vblk);
		err = take(vblk, token, written);
		if (err)
			return err;
		if (((struct vblk_request *)token)->status != VBLK_OK)
			result = WEIR_EPROTO;
	}
	return result;
}

int vblk_transfer(struct vblk_client *vblk, const struct client_buffer *b, uint32_t first,
		  uint32_t nr, uint64_t sector, bool write)
{
	int result = 0, err;

	while (nr > 0 && !result) {
		int started = vblk_start_pages(vblk, b, first, nr, sector, write);

		if (started == WEIR_ENOSPC && vblk->nr_busy) {
			result = vblk_drain(vblk); /* those before come first */
			continue;
		}
		if (started < 0) {
			result = started;
			break;
		}
		first += (uint32_t)started;
		nr -= (uint32_t)started;
		sector += (uint64_t)(uint32_t)started * (CLIENT_PAGE / VBLK_SECTOR);
	}
	/* also after an error: the buffer is the device's until then */
	err = vblk_drain(vblk);
	return result ? result : err;
}
