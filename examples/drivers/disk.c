// SPDX-License-Identifier: MIT
/*
 * What can be done with a disk. A device that an IOMMU refused may say all the same that
 * it has done what it was told: what counts is the data, by checksums over buffers that
 * were filled with something else before.
 */
#include "common.h"

#define SMALL_PAGES 16u
#define SPEED_TIMES 64u

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

const struct weir_client_test client_disk_tests[] = {
	{ "quick", "writes and reads of 4 KiB to 1 MiB, compared; overwrites what is on it" },
	{ "long", "the same ten times, at odd sizes too" },
	{ "small", "a write and a read of 64 KiB, compared" },
	{ "speed", "one write of 1 MiB and 64 reads of it" },
	{ "start", "as many reads as there is room for, not waited for" },
	{ NULL, NULL },
};

int client_disk_test(struct client_disk *disk, const char *test, int (*start)(struct client *c),
		     char *report, size_t bytes)
{
	struct weir_client_stats before = disk->c->stats;
	uint64_t began = client_now(disk->c);
	int err;

	if (client_text_equal(test, "quick"))
		err = client_disk_sizes(disk, 1);
	else if (client_text_equal(test, "long"))
		err = client_disk_sizes(disk, 10);
	else if (client_text_equal(test, "small"))
		err = client_disk_one(disk, SMALL_PAGES);
	else if (client_text_equal(test, "speed"))
		err = client_disk_speed(disk, SPEED_TIMES);
	else if (client_text_equal(test, "start"))
		err = start(disk->c);
	else
		err = WEIR_ENOENT;
	client_report(disk->c, test, err, &before, began, report, bytes);
	return err;
}
