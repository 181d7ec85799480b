// SPDX-License-Identifier: MIT
/*
 * A virtio device (the MMIO layout) whose doings come from the fuzzer's bytes, and a host
 * to reach it with. Each time its driver notifies it or looks at it, it does some things:
 * returns a request as it should, returns one as it should not, or scribbles over memory
 * that it was told of. Time goes by with each look, so that no wait is for ever.
 */
#ifndef WEIR_FUZZ_VIRTIODEV_H
#define WEIR_FUZZ_VIRTIODEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/virtio.h"
#include "weir/weir.h"

#define VIRTIODEV_PAGES 8u
#define VIRTIODEV_PA 0x0a000000u
#define VIRTIODEV_BYTES 0x200u

struct virtiodev {
	struct weir_host_ops ops; /* the context is the device */
	const uint8_t *input;
	size_t bytes;             /* of input left */
	uint32_t type, status, select_queue, select_features;
	uint64_t offered, accepted, clock;
	uint8_t config[64];
	uint32_t generation;
	struct {
		uint64_t desc, driver, device;
		uint32_t size;
		uint16_t taken, used;
		bool on;
	} queues[2];
	struct { uint8_t *va; uint64_t pa; size_t bytes; } pages[VIRTIODEV_PAGES];
};

/* Stops the fuzzer when something is not so. */
#define VIRTIODEV_CHECK(cond) ((cond) ? (void)0 : virtiodev_broken(#cond, __FILE__, __LINE__))
_Noreturn void virtiodev_broken(const char *what, const char *file, int line);

/* The first bytes of the input say what it offers. */
void virtiodev_init(struct virtiodev *d, uint32_t type, const uint8_t *data, size_t bytes);
/* Pages that were not given back stop the fuzzer; unless @lost: then they are freed here. */
void virtiodev_fini(struct virtiodev *d, bool lost);
/* The next byte; 0 at the end. */
uint8_t virtiodev_byte(struct virtiodev *d);
uint64_t virtiodev_number(struct virtiodev *d, unsigned int bytes);
/* Does something. */
void virtiodev_act(struct virtiodev *d);

#endif
