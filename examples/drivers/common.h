// SPDX-License-Identifier: MIT
/*
 * What the clients share: waiting, texts, data in shuffled pages, and what can be done
 * with a disk. Private to them; each module has a copy of its own.
 *
 * Structures that devices read are written as they are: little-endian processors only.
 */
#ifndef WEIR_CLIENT_COMMON_H
#define WEIR_CLIENT_COMMON_H

#include "client.h"
#include "weir/dma.h"
#include "weir/mmio.h"
#include "weir/pci.h"

#define CLIENT_PAGE 4096u

/* The host's calls, and whose device it is. */
struct client {
	struct weir_device *dev;
	const struct weir_host_ops *ops;
	void *host;
	const char *name; /* of the driver */
	struct weir_client_stats stats;
	char fault[96];   /* why it is in quarantine; "" when it is not */
};

void client_init(struct client *c, struct weir_device *dev, const char *name);

/*
 * Puts the device into quarantine: it does no more DMA, and all that is asked of it from now
 * on is refused. Logged, the first time, with its name. Return: WEIR_EIO.
 */
int client_quarantine(struct client *c, const char *what, uint64_t value);
#define CLIENT_NO_VALUE UINT64_MAX

/* ---- waiting, by the host's clock, or by counting where it has none, or one that stands still ---- */

struct client_wait {
	const struct client *c;
	uint64_t begin_ns, last_ns, ns; /* by the clock */
	uint64_t left;                  /* by counting, since the clock went on */
	uint32_t pause_ns;
};
void client_wait_begin(struct client_wait *wait, const struct client *c, uint64_t ns);
/* Lets some time go by, little at first. False when it is over. */
bool client_wait_more(struct client_wait *wait);
/* The host's clock, or 0. */
uint64_t client_now(const struct client *c);
void client_barrier(const struct client *c);

/* ---- texts ---- */

struct client_text {
	char *at;
	size_t left; /* including the final 0 */
};
void client_text_begin(struct client_text *text, char *buffer, size_t bytes);
void client_text_add(struct client_text *text, const char *words);
void client_text_number(struct client_text *text, uint64_t value);
void client_text_hex(struct client_text *text, uint64_t value);
/*
 * What a test came to, as the report of dma_test: the device, the test, what moved since
 * @before and @began_ns, or what went wrong.
 */
void client_report(const struct client *c, const char *test, int err,
		   const struct weir_client_stats *before, uint64_t began_ns, char *report,
		   size_t bytes);
bool client_text_equal(const char *a, const char *b);

/* ---- data ---- */

/* The next of a row of numbers that look random. */
uint64_t client_random(uint64_t *state);

struct client_page {
	uint8_t *va;
	uint64_t pa, iova;
};

/*
 * Pages of the host in shuffled order: neighbours in the buffer are none in memory, nor
 * for the device. Two more, whose contents nobody may change, lie somewhere between them.
 */
struct client_buffer {
	struct client *c;
	uint8_t *va;
	uint64_t pa;
	uint32_t nr_pages;           /* without the two */
	uint32_t nr_mapped;
	uint32_t how;                /* as mapped */
	bool lost;                   /* an IOMMU did not confirm: the device may still reach it */
	struct client_page *pages;   /* nr_pages, and the two */
	uint32_t *order;             /* in which they are mapped */
};

/* Return: 0; WEIR_EOPNOTSUPP when the host has no pages; WEIR_ENOMEM. */
int client_buffer_init(struct client_buffer *b, struct client *c, uint32_t nr_pages,
		       uint64_t seed);
/* Unmaps it when it is mapped. Fine for one that is all zero. */
void client_buffer_fini(struct client_buffer *b);
/* Each page by itself. Return: as weir_dma_map_phys(). */
int client_buffer_map(struct client_buffer *b, uint32_t how);
/* Return: as weir_dma_unmap(). */
int client_buffer_unmap(struct client_buffer *b);
void client_buffer_fill(struct client_buffer *b, uint64_t seed);
/* Of the first @bytes, in the buffer's order. */
uint64_t client_buffer_sum(const struct client_buffer *b, uint64_t bytes);
/* Nobody wrote to the two pages beside. */
bool client_buffer_intact(const struct client_buffer *b);

/* ---- disks ---- */

#define CLIENT_DISK_PAGES 256u /* the longest transfer: 1 MiB */

struct client_disk {
	struct client *c;
	uint64_t nr_pages; /* of the disk */
	uint64_t seed;
	/*
	 * Moves the pages [first, first + nr) of a mapped buffer from the disk's page @at on,
	 * and waits for it. Return: 0, or an error; nothing is under way then either.
	 */
	int (*transfer)(struct client *c, const struct client_buffer *b, uint32_t first,
			uint32_t nr, uint64_t at, bool write);
};

/*
 * Writes and reads of every power of two from 4 KiB to 1 MiB, in odd rounds of a page less,
 * at places drawn, all compared. Return: 0; WEIR_EBADMSG; WEIR_ERANGE when the disk is
 * smaller than 1 MiB; as transfer and the DMA calls.
 */
int client_disk_sizes(struct client_disk *disk, unsigned int rounds);
/* One write of @nr pages, and one read, compared. Return: as client_disk_sizes(). */
int client_disk_one(struct client_disk *disk, uint32_t nr);
/* Reads 1 MiB @times without looking in between. Return: as client_disk_sizes(). */
int client_disk_speed(struct client_disk *disk, unsigned int times);
/* The tests of a disk, for struct weir_client_ops. */
extern const struct weir_client_test client_disk_tests[];
/*
 * One of them, as dma_test() of struct weir_client_ops. @start: leaves as many reads under way as there
 * is room for. Return: as that.
 */
int client_disk_test(struct client_disk *disk, const char *test, int (*start)(struct client *c),
		     char *report, size_t bytes);

#endif
