// SPDX-License-Identifier: MIT
#include "virtiodev.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void virtiodev_broken(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

uint8_t virtiodev_byte(struct virtiodev *d)
{
	if (!d->bytes)
		return 0;
	d->bytes--;
	return *d->input++;
}

uint64_t virtiodev_number(struct virtiodev *d, unsigned int bytes)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < bytes; i++)
		value |= (uint64_t)virtiodev_byte(d) << (8 * i);
	return value;
}

/* ---- memory ---- */

static uint8_t *memory(struct virtiodev *d, uint64_t pa, uint64_t bytes)
{
	for (unsigned int i = 0; i < VIRTIODEV_PAGES; i++)
		if (d->pages[i].va && pa >= d->pages[i].pa && pa - d->pages[i].pa <= d->pages[i].bytes &&
		    bytes <= d->pages[i].bytes - (pa - d->pages[i].pa))
			return d->pages[i].va + (pa - d->pages[i].pa);
	return NULL;
}

static uint64_t get(struct virtiodev *d, uint64_t pa, unsigned int width)
{
	const uint8_t *p = memory(d, pa, width);
	uint64_t value = 0;

	for (unsigned int i = 0; p && i < width; i++)
		value |= (uint64_t)p[i] << (8 * i);
	return value;
}

static void put(struct virtiodev *d, uint64_t pa, unsigned int width, uint64_t value)
{
	uint8_t *p = memory(d, pa, width);

	for (unsigned int i = 0; p && i < width; i++)
		p[i] = (uint8_t)(value >> (8 * i));
}

/* ---- what it does ---- */

static void return_one(struct virtiodev *d, unsigned int q, uint32_t id, uint32_t bytes)
{
	uint64_t at = d->queues[q].device + 4 + 8ull * (d->queues[q].used % d->queues[q].size);

	put(d, at, 4, id);
	put(d, at + 4, 4, bytes);
	put(d, d->queues[q].device + 2, 2, ++d->queues[q].used);
}

/* Writes the writable part from the input, at its end as many zeros: mostly a good status. */
static uint32_t fill(struct virtiodev *d, unsigned int q, uint16_t head)
{
	uint32_t done = 0;

	for (unsigned int n = 0; n < 64; n++) {
		uint64_t at = d->queues[q].desc + 16ull * head;
		uint64_t address = get(d, at, 8);
		uint32_t bytes = (uint32_t)get(d, at + 8, 4);
		uint16_t flags = (uint16_t)get(d, at + 12, 2);
		uint8_t *p = memory(d, address, bytes);

		for (uint32_t i = 0; p && flags & 2 && i < bytes; i++)
			p[i] = i + 4 < bytes || bytes == 24 ? virtiodev_byte(d) : 0;
		done += flags & 2 ? bytes : 0;
		if (!(flags & 1))
			break;
		head = (uint16_t)get(d, at + 14, 2);
	}
	return done;
}

static void behave(struct virtiodev *d, unsigned int q, bool badly)
{
	uint16_t avail = (uint16_t)get(d, d->queues[q].driver + 2, 2), head;
	uint32_t bytes;

	if (avail == d->queues[q].taken)
		return;
	head = (uint16_t)get(d, d->queues[q].driver + 4 + 2ull * (d->queues[q].taken++ % d->queues[q].size), 2);
	bytes = fill(d, q, head);
	if (badly)
		return_one(d, q, (uint32_t)virtiodev_number(d, 1), (uint32_t)virtiodev_number(d, 2));
	else
		return_one(d, q, head, bytes);
}

static void scribble(struct virtiodev *d)
{
	unsigned int page = virtiodev_byte(d) % VIRTIODEV_PAGES, n = virtiodev_byte(d) % 16;
	uint64_t at = virtiodev_number(d, 2);

	for (unsigned int i = 0; i < n; i++)
		put(d, d->pages[page].pa + at + i, 1, virtiodev_byte(d));
}

void virtiodev_act(struct virtiodev *d)
{
	unsigned int what = virtiodev_byte(d), q = what >> 7;

	if (!(d->status & 4) || !d->queues[q].on || !d->queues[q].size)
		return;
	switch (what % 8) {
	case 0: case 1: case 2: behave(d, q, false); break;
	case 3: behave(d, q, true); break;
	case 4: scribble(d); break;
	case 5: put(d, d->queues[q].device + 2, 2, virtiodev_number(d, 2)); break;
	case 6:
		for (unsigned int i = 0; i < d->queues[q].size; i++)
			behave(d, q, false);
		break;
	default: d->status |= what & 0x40; break;
	}
}

/* ---- registers ---- */

static uint64_t read_register(struct virtiodev *d, uint64_t at)
{
	unsigned int q = d->select_queue;

	switch (at) {
	case 0x000: return 0x74726976;
	case 0x004: return 2;
	case 0x008: return d->type;
	case 0x010: return d->select_features < 2 ? (uint32_t)(d->offered >> (32 * d->select_features)) : 0;
	case 0x034: return q < 2 ? 16 : 0;
	case 0x044: return q < 2 && d->queues[q].on;
	case 0x070:
		virtiodev_act(d);
		return d->status;
	case 0x0fc: return d->generation;
	default: return 0;
	}
}

static void set_half(uint64_t *value, bool high, uint64_t half)
{
	*value = high ? (*value & 0xffffffff) | half << 32 : (*value & ~0xffffffffull) | half;
}

static void write_queue(struct virtiodev *d, uint64_t at, uint64_t value)
{
	unsigned int q = d->select_queue;

	if (q > 1)
		return;
	switch (at) {
	case 0x038: d->queues[q].size = (uint32_t)value; break;
	case 0x044: d->queues[q].on = value == 1; break;
	case 0x080: case 0x084: set_half(&d->queues[q].desc, at & 4, value); break;
	case 0x090: case 0x094: set_half(&d->queues[q].driver, at & 4, value); break;
	case 0x0a0: case 0x0a4: set_half(&d->queues[q].device, at & 4, value); break;
	default: break;
	}
}

static void write_register(struct virtiodev *d, uint64_t at, uint64_t value)
{
	switch (at) {
	case 0x014: case 0x024: d->select_features = (uint32_t)value; break;
	case 0x020:
		if (d->select_features < 2)
			set_half(&d->accepted, d->select_features, value);
		break;
	case 0x030: d->select_queue = (uint32_t)value; break;
	case 0x050:
		for (unsigned int n = virtiodev_byte(d) % 4; n; n--)
			virtiodev_act(d);
		break;
	case 0x070:
		d->status = (uint32_t)value;
		if (!value)
			memset(d->queues, 0, sizeof(d->queues));
		break;
	default: write_queue(d, at, value); break;
	}
}

/* ---- the host ---- */

static void *host_alloc(void *host, size_t bytes)
{
	(void)host;
	return calloc(1, bytes);
}

static void host_free(void *host, void *mem, size_t bytes)
{
	(void)host;
	(void)bytes;
	free(mem);
}

/* One thread: a lock is a count. */
static struct weir_lock *host_lock_create(void *host, unsigned int rank)
{
	(void)rank;
	return host_alloc(host, sizeof(unsigned int));
}

static void host_lock_destroy(void *host, struct weir_lock *lock)
{
	VIRTIODEV_CHECK(*(unsigned int *)lock == 0);
	host_free(host, lock, 0);
}

static void host_lock(void *host, struct weir_lock *lock)
{
	(void)host;
	VIRTIODEV_CHECK((*(unsigned int *)lock)++ == 0);
}

static void host_unlock(void *host, struct weir_lock *lock)
{
	(void)host;
	VIRTIODEV_CHECK(--*(unsigned int *)lock == 0);
}

static void host_assert_failed(void *host, const char *what, const char *file, int line)
{
	(void)host;
	virtiodev_broken(what, file, line);
}

static int host_pages_alloc(void *host, size_t bytes, size_t align_bytes, void **out_va,
			    uint64_t *out_pa)
{
	struct virtiodev *d = host;

	for (unsigned int i = 0; i < VIRTIODEV_PAGES; i++) {
		if (d->pages[i].va)
			continue;
		d->pages[i].va = aligned_alloc(align_bytes, bytes);
		if (!d->pages[i].va)
			return WEIR_ENOMEM;
		memset(d->pages[i].va, 0, bytes);
		d->pages[i].bytes = bytes;
		d->pages[i].pa = 0x100000000ull * (i + 1);
		*out_va = d->pages[i].va;
		*out_pa = d->pages[i].pa;
		return 0;
	}
	return WEIR_ENOMEM;
}

static void host_pages_free(void *host, void *va, uint64_t pa, size_t bytes)
{
	struct virtiodev *d = host;

	for (unsigned int i = 0; i < VIRTIODEV_PAGES; i++) {
		if (d->pages[i].va != va)
			continue;
		VIRTIODEV_CHECK(d->pages[i].pa == pa && d->pages[i].bytes == bytes);
		free(va);
		d->pages[i].va = NULL;
		return;
	}
	virtiodev_broken("pages that were given out", __FILE__, __LINE__);
}

static int host_mmio_map(void *host, uint64_t pa, uint64_t bytes, uintptr_t *out_at)
{
	(void)host;
	VIRTIODEV_CHECK(pa == VIRTIODEV_PA && bytes == VIRTIODEV_BYTES);
	*out_at = VIRTIODEV_PA;
	return 0;
}

static void host_mmio_unmap(void *host, uintptr_t at, uint64_t bytes)
{
	(void)host;
	(void)at;
	(void)bytes;
}

static uint64_t host_mmio_read(void *host, uintptr_t place, unsigned int width)
{
	struct virtiodev *d = host;
	uint64_t at = place - VIRTIODEV_PA, value = 0;

	VIRTIODEV_CHECK(at + width <= VIRTIODEV_BYTES && at % width == 0);
	d->clock += 10000;
	if (at < 0x100)
		return read_register(d, at);
	for (unsigned int i = 0; i < width && at - 0x100 + i < sizeof(d->config); i++)
		value |= (uint64_t)d->config[at - 0x100 + i] << (8 * i);
	return value;
}

static void host_mmio_write(void *host, uintptr_t place, unsigned int width, uint64_t value)
{
	struct virtiodev *d = host;
	uint64_t at = place - VIRTIODEV_PA;

	VIRTIODEV_CHECK(at + width <= VIRTIODEV_BYTES && at % width == 0);
	if (at < 0x100)
		write_register(d, at, value);
	else if (at - 0x100 < sizeof(d->config))
		d->config[at - 0x100] = (uint8_t)value;
}

static uint64_t host_time_ns(void *host)
{
	return ((struct virtiodev *)host)->clock += 1000;
}

/* ---- life ---- */

void virtiodev_init(struct virtiodev *d, uint32_t type, const uint8_t *data, size_t bytes)
{
	memset(d, 0, sizeof(*d));
	d->ops = (struct weir_host_ops){
		.abi = WEIR_ABI(struct weir_host_ops),
		.alloc = host_alloc,
		.free = host_free,
		.lock_create = host_lock_create,
		.lock_destroy = host_lock_destroy,
		.lock = host_lock,
		.unlock = host_unlock,
		.assert_failed = host_assert_failed,
		.time_ns = host_time_ns,
		.pages_alloc = host_pages_alloc,
		.pages_free = host_pages_free,
		.mmio_map = host_mmio_map,
		.mmio_unmap = host_mmio_unmap,
		.mmio_read = host_mmio_read,
		.mmio_write = host_mmio_write,
	};
	d->type = type;
	d->input = data;
	d->bytes = bytes;
	d->offered = WEIR_VIRTIO_VERSION_1 | virtiodev_byte(d) |
		     (virtiodev_byte(d) & 1 ? WEIR_VIRTIO_EVENT_IDX : 0);
}

void virtiodev_fini(struct virtiodev *d, bool lost)
{
	for (unsigned int i = 0; i < VIRTIODEV_PAGES; i++) {
		VIRTIODEV_CHECK(lost || !d->pages[i].va);
		free(d->pages[i].va);
	}
}
