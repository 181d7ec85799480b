// SPDX-License-Identifier: MIT
/*
 * The fuzzer of virtqueues: the input is what the device offers, what it does, and what
 * its driver does, all mixed. Each request comes back once at most, none that was not
 * sent, and never with more than was there to be written.
 */
#include "virtiodev.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define REQUESTS 16u

struct book {
	struct virtiodev d;
	struct weir_virtq *queue;
	uint8_t *va;
	uint64_t pa;
	uint32_t writable[REQUESTS]; /* 0: not with the device */
};

static void add(struct book *b)
{
	struct weir_virtq_segment segments[6];
	unsigned int i = virtiodev_byte(&b->d) % REQUESTS, shape = virtiodev_byte(&b->d);
	unsigned int nr_read = shape & 3, nr_write = shape >> 2 & 1;
	unsigned int room = weir_virtq_room(b->queue);
	int err;

	if (b->writable[i])
		return;
	for (unsigned int n = 0; n < nr_read + nr_write; n++)
		segments[n] = (struct weir_virtq_segment){ b->pa + i * 256 + n * 64, 8 + shape % 48 };
	err = weir_virtq_add(b->queue, segments, nr_read, nr_write, b->va + i * 256);
	if (err)
		return;
	VIRTIODEV_CHECK(nr_read + nr_write && room >= nr_read + nr_write);
	/* One more, so that a request without writable part is counted too. */
	b->writable[i] = 1 + nr_write * (8 + shape % 48);
}

static int get(struct book *b)
{
	uint32_t written;
	void *token;
	int err = weir_virtq_get(b->queue, &token, &written);
	unsigned int i;

	if (err)
		return err;
	i = (unsigned int)((uint8_t *)token - b->va) / 256;
	VIRTIODEV_CHECK(i < REQUESTS && token == b->va + i * 256);
	VIRTIODEV_CHECK(b->writable[i] && written < b->writable[i]);
	b->writable[i] = 0;
	return 0;
}

static void run(struct book *b)
{
	while (b->d.bytes) {
		uint64_t before = b->d.clock;

		switch (virtiodev_byte(&b->d) % 8) {
		case 0: case 1: add(b); break;
		case 2: weir_virtq_kick(b->queue); break;
		case 3: while (!get(b)) ; break;
		case 4: weir_virtq_wait(b->queue, 1000000); break;
		case 5: weir_virtq_arm(b->queue); break;
		case 6: weir_virtq_disarm(b->queue); break;
		default: virtiodev_act(&b->d); break;
		}
		VIRTIODEV_CHECK(b->d.clock - before < 3000000);
		VIRTIODEV_CHECK(weir_virtq_room(b->queue) <= weir_virtq_size(b->queue));
	}
}

/* What was not returned is dropped, each once. */
static void drop(struct book *b)
{
	void *token;

	while (!weir_virtq_drop(b->queue, &token)) {
		unsigned int i = (unsigned int)((uint8_t *)token - b->va) / 256;

		VIRTIODEV_CHECK(i < REQUESTS && b->writable[i]);
		b->writable[i] = 0;
	}
	for (unsigned int i = 0; i < REQUESTS; i++)
		VIRTIODEV_CHECK(!b->writable[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct weir_machine *m;
	struct weir_virtio *v;
	struct book b = { 0 };
	uint64_t features;
	void *mem;

	virtiodev_init(&b.d, 42, data, bytes);
	VIRTIODEV_CHECK(!weir_machine_create(&b.d.ops, &b.d, &m));
	VIRTIODEV_CHECK(!b.d.ops.pages_alloc(&b.d, 4096, 4096, &mem, &b.pa));
	b.va = mem;
	VIRTIODEV_CHECK(!weir_virtio_open_mmio(m, "fuzz", VIRTIODEV_PA, VIRTIODEV_BYTES,
					       WEIR_VIRTIO_NO_LINE, &v));
	VIRTIODEV_CHECK(!weir_virtio_negotiate(v, 0, 0, 0, &features));
	VIRTIODEV_CHECK(!weir_virtq_create(v, 0, 16, NULL, &b.queue));
	if (!weir_virtio_start(v))
		run(&b);
	weir_virtio_stop(v);
	drop(&b);
	weir_virtq_destroy(b.queue);
	weir_virtio_close(v);
	b.d.ops.pages_free(&b.d, mem, b.pa, 4096);
	weir_machine_destroy(m);
	virtiodev_fini(&b.d, false);
	return 0;
}
