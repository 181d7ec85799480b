// SPDX-License-Identifier: MIT
/*
 * Masters that do DMA at points of time by themselves, through whatever IOMMU they are behind:
 * a display controller that scans a frame buffer out, a codec that turns one buffer into another, a
 * bus master with several ports. Each counts what went wrong, and goes on.
 *
 * An IOMMU's model is a port: a call that does one piece of DMA. Masters know nothing else of it.
 *
 * Owned by the test, or by a host that was given one; its calls are made one at a time.
 */
#ifndef WEIR_SIM_HW_MASTER_H
#define WEIR_SIM_HW_MASTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/rng.h"

/* What comes of an access. */
enum hwaccess {
	HWACCESS_LANDED,
	HWACCESS_ABORTED,
	HWACCESS_STALLED, /* held back: nothing happened, it is to be tried again */
	HWACCESS_LOST,    /* there was nobody to take it: the way to memory has no power or clock */
};

/* The way of a master to memory. */
struct hwport {
	/* One piece of DMA, within a page of 4 KiB. */
	enum hwaccess (*dma)(void *arg, uint64_t iova, void *buf, size_t bytes, bool write);
	void *arg;
};

/* Frame buffers and the like hold this: 64 bits for each position, little-endian. */
uint64_t hwpattern(uint64_t seed, uint64_t offset);
void hwpattern_fill(void *buf, size_t bytes, uint64_t seed, uint64_t offset);
bool hwpattern_is(const void *buf, size_t bytes, uint64_t seed, uint64_t offset);

/* ---- a display controller ---- */

struct hwdisplay_config {
	struct hwport port;
	size_t burst_bytes;     /* read at each point; at most 4096 */
	/*
	 * How many points a frame may be held back in all: what its buffers bridge. Then it is
	 * lost, and the next one begins.
	 */
	unsigned int slack;
};
struct hwdisplay_stats {
	unsigned long frames;   /* begun and ended, in whatever way */
	unsigned long lost;     /* of them: aborted, or held back too long */
	unsigned long wrong;    /* ... shown, but something else than what should be there */
	unsigned long stalled;  /* points */
	unsigned int worst;     /* the most that a frame was held back, in points */
};

struct hwdisplay;

/* NULL without memory. It shows nothing. */
struct hwdisplay *hwdisplay_create(const struct hwdisplay_config *config);
struct hwdisplay *hwdisplay_destroy(struct hwdisplay *d);
/*
 * From the next point on it shows what is at @iova, which is to be hwpattern(@seed); from the
 * next frame on when it runs already. @bytes: a multiple of 8.
 */
void hwdisplay_show(struct hwdisplay *d, uint64_t iova, size_t bytes, uint64_t seed);
/* It does no DMA any more, at once. */
void hwdisplay_stop(struct hwdisplay *d);
bool hwdisplay_runs(const struct hwdisplay *d);
void hwdisplay_point(struct hwdisplay *d);
const struct hwdisplay_stats *hwdisplay_stats_get(const struct hwdisplay *d);

/* ---- a codec ---- */

struct hwcodec_job {
	uint64_t in, out;       /* IOVAs; multiples of 8 */
	size_t bytes;           /* a multiple of 8 */
	uint64_t seed;          /* what is at @in must be hwpattern(@seed) */
};
struct hwcodec_stats {
	unsigned long done;     /* jobs that ended well: at @out is hwpattern(@seed + 1) */
	unsigned long failed;   /* ... that an access which did not land ended */
	unsigned long wrong;    /* ... for which something else was at @in */
	unsigned long stalled;  /* points */
};

struct hwcodec;

/* The two ports may be one. NULL without memory. */
struct hwcodec *hwcodec_create(const struct hwport *in, const struct hwport *out);
struct hwcodec *hwcodec_destroy(struct hwcodec *c);
/* Return: false while it is at another one. */
bool hwcodec_start(struct hwcodec *c, const struct hwcodec_job *job);
void hwcodec_stop(struct hwcodec *c);
bool hwcodec_busy(const struct hwcodec *c);
void hwcodec_point(struct hwcodec *c);
const struct hwcodec_stats *hwcodec_stats_get(const struct hwcodec *c);

/* ---- a bus master with several ports ---- */

#define HWMULTI_PORTS 8u

/* A place that accesses go to, by the port of that number. */
struct hwmulti_target {
	unsigned int port;
	uint64_t iova;
	size_t bytes;           /* a multiple of 8 */
	bool write;             /* writes its own number there; otherwise only reads */
};
struct hwmulti_stats {
	unsigned long landed, aborted, stalled, lost;
};

struct hwmulti;

/* NULL without memory, and for more ports than HWMULTI_PORTS. */
struct hwmulti *hwmulti_create(const struct hwport *ports, unsigned int n, uint64_t seed);
struct hwmulti *hwmulti_destroy(struct hwmulti *m);
/* From now on this is among what it accesses at points. Return: false when there are 16 already. */
bool hwmulti_add(struct hwmulti *m, const struct hwmulti_target *target);
/* It accesses nothing any more. */
void hwmulti_stop(struct hwmulti *m);
void hwmulti_point(struct hwmulti *m);
/* Of one port. */
const struct hwmulti_stats *hwmulti_stats_get(const struct hwmulti *m, unsigned int port);

struct hwhost;
/* A master does what it does at the points of a host; it stays its owner's, and is there as long. */
void hwhost_display(struct hwhost *h, struct hwdisplay *d);
void hwhost_codec(struct hwhost *h, struct hwcodec *c);
void hwhost_multi(struct hwhost *h, struct hwmulti *m);

#endif
