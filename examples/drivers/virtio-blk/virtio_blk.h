// SPDX-License-Identifier: MIT
/*
 * The client of virtio's block device: its state, and what its files offer one another.
 * The queue itself is the library's (weir/virtio.h); what it puts into quarantine puts the
 * device there.
 */
#ifndef WEIR_VIRTIO_BLK_H
#define WEIR_VIRTIO_BLK_H

#include "common.h"
#include "weir/virtio.h"

#include "virtio-blk/regs.h"

#define VBLK_REQUESTS 8u
#define VBLK_QUEUE    256u
#define VBLK_MAX_PAGES 64u /* of one request */

/* What a device reads and writes of a request besides its data: 32 bytes of vblk->slots. */
struct vblk_slot {
	struct vblk_header header;
	uint8_t status;
	uint8_t reserved[15];
};

struct vblk_request {
	struct vblk_slot *slot;
	uint64_t slot_iova;
	uint32_t to_write; /* bytes that the device has to write */
	uint8_t status;    /* when it is not busy any more */
	bool busy;
};

struct vblk_client {
	struct client c;
	struct weir_virtio *v;
	struct weir_virtq *queue;
	struct weir_virtq_memory memory;
	void *slots;
	uint64_t slots_iova;
	struct vblk_request requests[VBLK_REQUESTS];
	struct weir_virtq_segment segments[VBLK_MAX_PAGES + 2];
	unsigned int nr_busy;
	uint64_t nr_sectors;
	uint32_t max_pages;          /* of one request */
	bool read_only;
	uint64_t seed;
	struct client_buffer flight; /* what requests that were not waited for read into */
};

extern const struct weir_driver weir_virtio_blk_driver;
extern const struct weir_client_ops weir_virtio_blk_ops;

/* ---- request.c ---- */

/*
 * Starts a request for the pages [first, first + nr) of a mapped buffer, or as many of them
 * as it can have. Return: how many; WEIR_ENOSPC when there is no room; WEIR_ERANGE past
 * the end; WEIR_EPERM for a write to what can only be read; WEIR_EIO in quarantine.
 */
int vblk_start_pages(struct vblk_client *vblk, const struct client_buffer *b, uint32_t first,
		     uint32_t nr, uint64_t sector, bool write);
/* Until no request is under way. Return: 0; WEIR_EPROTO when one failed; WEIR_EIO. */
int vblk_drain(struct vblk_client *vblk);
/* Moves them all, and waits. Return: as the two. */
int vblk_transfer(struct vblk_client *vblk, const struct client_buffer *b, uint32_t first,
		  uint32_t nr, uint64_t sector, bool write);

#endif
