// SPDX-License-Identifier: MIT
/*
 * The client of NVM Express: its state, and what its files offer one another.
 *
 * One pair of queues for administration and one for I/O, polled. Commands are known by
 * their id, which is their place in the queue's table: a completion with an id that is
 * not under way, with another queue's number or with a head that cannot be, puts the
 * device into quarantine.
 */
#ifndef WEIR_NVME_H
#define WEIR_NVME_H

#include "common.h"

#include "nvme/regs.h"

#define NVME_DEPTH 16u
#define NVME_MAX_COMMAND_BYTES (1u << 20) /* its PRP list has one page */
#define NVME_LIST_ENTRIES (CLIENT_PAGE / 8)

struct nvme_request {
	bool busy;
	uint16_t status; /* when it is not busy any more */
	uint64_t *list;  /* PRPs, of the I/O queue alone */
	uint64_t list_iova;
};

struct nvme_queue {
	uint16_t id;
	uint16_t tail, head;   /* of submission and completion */
	uint16_t phase;
	struct nvme_command *sq;
	struct nvme_completion *cq;
	uint64_t sq_iova, cq_iova;
	struct nvme_request requests[NVME_DEPTH];
	unsigned int nr_busy;
};

struct nvme_client {
	struct client c;
	struct weir_mmio mmio;
	uint64_t cap;
	uint64_t ready_ns;           /* how long enabling and disabling may take */
	struct nvme_queue admin, io;
	void *identify;              /* a page for answers */
	uint64_t identify_iova;
	void *lists;                 /* NVME_DEPTH pages of PRPs */
	uint64_t lists_iova;
	uint32_t nsid;
	uint32_t block_bytes;
	uint64_t nr_blocks;
	uint32_t max_bytes;          /* of one command */
	uint64_t seed;
	struct client_buffer flight; /* what commands that were not waited for read into */
};

extern const struct weir_driver weir_nvme_driver;
extern const struct weir_client_ops weir_nvme_ops;

/* ---- queue.c ---- */

int nvme_queue_init(struct nvme_client *nvme, struct nvme_queue *queue, uint16_t id);
void nvme_queue_fini(struct nvme_client *nvme, struct nvme_queue *queue);
/*
 * Puts a command into a queue, and gives it an id. Return: 0; WEIR_ENOSPC when the queue is
 * full; WEIR_EIO in quarantine.
 */
int nvme_submit(struct nvme_client *nvme, struct nvme_queue *queue,
		const struct nvme_command *command, uint16_t *out_id);
/* Tells the device of what was submitted. */
void nvme_ring(struct nvme_client *nvme, struct nvme_queue *queue);
/* Which id the next command will get. Return: 0; WEIR_ENOSPC. */
int nvme_next_id(const struct nvme_queue *queue, uint16_t *out_id);
/* Takes what is completed. Return: how many; WEIR_EIO in quarantine, or put there. */
int nvme_reap(struct nvme_client *nvme, struct nvme_queue *queue);
/* Until no command is under way. Return: 0; WEIR_EIO in quarantine, or put there for lateness. */
int nvme_drain(struct nvme_client *nvme, struct nvme_queue *queue);
/* One command, waited for. Return: 0; WEIR_EPROTO when the device refuses it; WEIR_EIO. */
int nvme_execute(struct nvme_client *nvme, struct nvme_queue *queue,
		 const struct nvme_command *command);

/* ---- controller.c ---- */

/* From whatever state it is in to one with both queues. Return: 0, else nothing is left. */
int nvme_controller_start(struct nvme_client *nvme);
/* Ends it in any case: in good order when it answers, else by taking bus mastering away. */
void nvme_controller_stop(struct nvme_client *nvme);

/* ---- io.c ---- */

/*
 * Reads or writes the pages [first, first + nr) of a mapped buffer, from block @lba on, in
 * as few commands as there can be, and waits for them.
 * Return: 0; WEIR_ERANGE past the end; WEIR_EPROTO when the device refuses it; WEIR_EIO.
 */
int nvme_transfer(struct nvme_client *nvme, const struct client_buffer *b, uint32_t first,
		  uint32_t nr, uint64_t lba, bool write);
/* Starts one such command, of as many pages as it can have. Return: how many; as above; WEIR_ENOSPC. */
int nvme_start_pages(struct nvme_client *nvme, const struct client_buffer *b, uint32_t first,
		     uint32_t nr, uint64_t lba, bool write);

#endif
