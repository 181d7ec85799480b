// SPDX-License-Identifier: MIT
/* A virtio device in memory with one queue, and requests for it, for tests of the library's side. */
#ifndef WEIR_TESTS_VIRTIOBED_H
#define WEIR_TESTS_VIRTIOBED_H

#include <string.h>

#include "virtiomodel.h"

#define EVENT_IDX (1ull << 29)
#define ROOM 64u

struct bed {
	struct vmodel model;
	struct weir_virtio *v;
	struct weir_virtq *q;
	uint8_t *va; /* a page for requests */
	uint64_t pa;
	uint64_t features;
};

static inline void bed_up(struct bed *bed, bool pci, enum vmodel_mode mode)
{
	vmodel_init(&bed->model, pci);
	bed->model.mode = mode;
	vmodel_open(&bed->model);
	bed->va = vmodel_own(&bed->model, &bed->pa);
}

static inline void bed_start(struct bed *bed, unsigned int size, uint64_t refused)
{
	assert_int_equal(vmodel_virtio(&bed->model, &bed->v), 0);
	assert_int_equal(weir_virtio_type(bed->v), 42);
	assert_int_equal(weir_virtio_negotiate(bed->v, 0, 0, refused, &bed->features), 0);
	assert_int_equal(weir_virtq_create(bed->v, 0, size, NULL, &bed->q), 0);
	assert_int_equal(weir_virtq_size(bed->q), size);
	assert_int_equal(weir_virtio_start(bed->v), 0);
}

static inline void bed_down(struct bed *bed)
{
	if (bed->v)
		weir_virtio_stop(bed->v);
	bed->q = weir_virtq_destroy(bed->q);
	bed->v = weir_virtio_close(bed->v);
	vmodel_close(&bed->model);
}

/* A request of slot @i: @nr pieces to read, as many to write, of 8 bytes each. */
static inline int bed_add(struct bed *bed, unsigned int i, unsigned int nr)
{
	struct weir_virtq_segment segments[8];
	uint8_t *p = bed->va + i * (size_t)ROOM;

	for (unsigned int n = 0; n < 2 * nr; n++)
		segments[n] = (struct weir_virtq_segment){ bed->pa + i * ROOM + 8 * n, 8 };
	memset(p, (int)(0x10 + i), 8 * nr);
	memset(p + 8 * nr, 0, 8 * nr);
	return weir_virtq_add(bed->q, segments, nr, nr, p);
}

static inline void assert_answered(const uint8_t *p, unsigned int nr, uint32_t written)
{
	assert_int_equal(written, 8 * nr);
	for (unsigned int i = 0; i < 8 * nr; i++)
		assert_int_equal(p[8 * nr + i], (uint8_t)~p[i]);
}

static inline void bed_on_irq(void *arg)
{
	unsigned int *n = arg;

	(*n)++;
}

#endif
