// SPDX-License-Identifier: MIT
/*
 * What can be done with a disk. A device that an IOMMU refused may say all the same that
 * it has done what it was told: what counts is the data, by checksums over buffers that
 * were filled with something else before.
 */
#include "common.h"

/* Maps a buffer for one transfer. */
static int move(struct client_disk *disk, struct client_buffer *b, uint64_t at, bool write)
{
	int err = client_buffer_map(b, write ? WEIR_DMA_TO_DEVICE : WEIR_DMA_FROM_DEVICE), undone;

	if (err)
		return err;
	err = disk->transfer(disk->c, b, 0, b->nr_pages, at, write);
	undone = client_buffer_unmap(b);
	return err ? err : undone;
}

/* Writes @b and reads it into other pages. */
static int there_and_back(struct client_disk *disk, struct client_buffer *b,
			  struct client_buffer *back, uint64_t at)
{
	uint64_t bytes = (uint64_t)b->nr_pages * CLIENT_PAGE, sum;
	int err;

	client_buffer_fill(b, client_random(&disk->seed));
	client_buffer_fill(back, client_random(&disk->seed));
	sum = client_buffer_sum(b, bytes);
	err = move(disk, b, at, true);
	if (!err)
		err = move(disk, back, at, false);
	if (err)
		return err;
	if (client_buffer_sum(b, bytes) != sum || client_buffer_sum(back, bytes) != sum)
		return WEIR_EBADMSG;
	if (!client_buffer_intact(b) || !client_buffer_intact(back))
		return WEIR_EBADMSG;
	disk->c->stats.transfers += 2;
	disk->c->stats.bytes += 2 * bytes;
	return 0;
}

int client_disk_one(struct client_disk *disk, uint32_t nr)
{
	struct client_buffer b, back;
	uint64_t at;
	int err;

	if (disk->nr_pages < nr)
		return WEIR_ERANGE;
	at = client_random(&disk->seed) % (disk->nr_pages - nr + 1);
	err = client_buffer_init(&b, disk->c, nr, client_random(&disk->seed));
	if (err)
		return err;
	err = client_buffer_init(&back, disk->c, nr, client_random(&disk->seed));
	if (!err) {
		err = there_and_back(disk, &b, &back, at);
		client_buffer_fini(&back);
	}
	client_buffer_fini(&b);
	return err;
}

int client_disk_sizes(struct client_disk *disk, unsigned int rounds)
{
	int err = 0;

	for (unsigned int round = 0; round < rounds && !err; round++)
		for (uint32_t n = 1; n <= CLIENT_DISK_PAGES && !err; n *= 2)
			err = client_disk_one(disk, round % 2 && n > 1 ? n - 1 : n);
	return err;
}

/* The buffer is mapped, and the disk has what @sum is of. */
static int read_often(struct client_disk *disk, struct client_buffer *b, unsigned int times,
		      uint64_t sum)
{
	uint64_t bytes = (uint64_t)b->nr_pages * CLIENT_PAGE;
	int err = 0, undone;

	for (unsigned int i = 0; i < times && !err; i++)
		err = disk->transfer(disk->c, b, 0, b->nr_pages, 0, false);
	undone = client_buffer_unmap(b);
	if (err || undone)
		return err ? err : undone;
	if (client_buffer_sum(b, bytes) != sum || !client_buffer_intact(b))
		return WEIR_EBADMSG;
	disk->c->stats.transfers += times;
	disk->c->stats.bytes += times * bytes;
	return 0;
}

int client_disk_speed(struct client_disk *disk, unsigned int times)
{
	struct client_buffer b;
	uint64_t sum;
	int err;

	if (disk->nr_pages < CLIENT_DISK_PAGES)
		return WEIR_ERANGE;
	err = client_buffer_init(&b, disk->c, CLIENT_DISK_PAGES, client_random(&disk->seed));
	if (err)
		return err;
	client_buffer_fill(&b, client_random(&disk->seed));
	sum = client_buffer_sum(&b, CLIENT_DISK_PAGES * CLIENT_PAGE);
	err = move(disk, &b, 0, true);
	client_buffer_fill(&b, client_random(&disk->seed));
	if (!err)
		err = client_buffer_map(&b, WEIR_DMA_FROM_DEVICE);
	if (!err)
		err = read_often(disk, &b, times, sum);
	client_buffer_fini(&b);
	return err;
}
