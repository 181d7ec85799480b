// SPDX-License-Identifier: MIT
/*
 * Masters that do DMA by themselves, see master.h. Each does one burst at a point, so that whatever
 * happens in between, such as a change of tables, happens between two of its accesses.
 */
#include "hw/master.h"

#include <stdlib.h>
#include <string.h>

#include "hw/host.h"

#define PAGE 4096u
#define BURST 64u
#define MULTI_TARGETS 16u

uint64_t hwpattern(uint64_t seed, uint64_t offset)
{
	uint64_t x = (seed + 1) * 0x9e3779b97f4a7c15ull + offset / 8;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9ull;
	return x ^ x >> 32;
}

/* The byte of it at @at; @word: that of before, or anything at the first byte. */
static uint8_t pattern_byte(uint64_t seed, uint64_t at, bool first, uint64_t *word)
{
	if (first || !(at & 7))
		*word = hwpattern(seed, at & ~7ull);
	return (uint8_t)(*word >> 8 * (at & 7));
}

void hwpattern_fill(void *buf, size_t bytes, uint64_t seed, uint64_t offset)
{
	uint64_t word = 0;
	uint8_t *to = buf;

	for (size_t i = 0; i < bytes; i++)
		to[i] = pattern_byte(seed, offset + i, !i, &word);
}

bool hwpattern_is(const void *buf, size_t bytes, uint64_t seed, uint64_t offset)
{
	const uint8_t *from = buf;
	uint64_t word = 0;

	for (size_t i = 0; i < bytes; i++)
		if (from[i] != pattern_byte(seed, offset + i, !i, &word))
			return false;
	return true;
}

/* So much of @bytes from @iova on as is within a page, and at most a burst. */
static size_t piece(uint64_t iova, size_t bytes, size_t burst)
{
	size_t n = PAGE - (size_t)(iova & (PAGE - 1));

	if (n > burst)
		n = burst;
	return n < bytes ? n : bytes;
}

static enum hwaccess dma(const struct hwport *port, uint64_t iova, void *buf, size_t bytes, bool write)
{
	return port->dma(port->arg, iova, buf, bytes, write);
}

/* ---- a display controller ---- */

struct picture {
	uint64_t iova, seed;
	size_t bytes;
};

struct hwdisplay {
	struct hwdisplay_config config;
	struct picture now, next;
	bool on, changed;
	size_t at;              /* how much of the frame was read */
	unsigned int held;      /* points of this frame */
	bool wrong;             /* something of this frame was */
	struct hwdisplay_stats stats;
};

struct hwdisplay *hwdisplay_create(const struct hwdisplay_config *config)
{
	struct hwdisplay *d = calloc(1, sizeof(*d));

	if (d)
		d->config = *config;
	return d;
}

struct hwdisplay *hwdisplay_destroy(struct hwdisplay *d)
{
	free(d);
	return NULL;
}

void hwdisplay_show(struct hwdisplay *d, uint64_t iova, size_t bytes, uint64_t seed)
{
	d->next = (struct picture){ .iova = iova, .bytes = bytes, .seed = seed };
	d->changed = true;
	d->on = true;
}

void hwdisplay_stop(struct hwdisplay *d)
{
	d->on = d->changed = d->wrong = false;
	d->at = 0;
	d->held = 0;
}

bool hwdisplay_runs(const struct hwdisplay *d)
{
	return d->on;
}

static void end_frame(struct hwdisplay *d, bool lost)
{
	d->stats.frames++;
	if (lost)
		d->stats.lost++;
	else if (d->wrong)
		d->stats.wrong++;
	if (d->held > d->stats.worst)
		d->stats.worst = d->held;
	d->at = 0;
	d->held = 0;
	d->wrong = false;
}

void hwdisplay_point(struct hwdisplay *d)
{
	uint8_t buf[PAGE];
	uint64_t iova;
	size_t n;

	if (!d->on)
		return;
	if (!d->at && d->changed) {
		d->now = d->next;
		d->changed = false;
	}
	iova = d->now.iova + d->at;
	n = piece(iova, d->now.bytes - d->at, d->config.burst_bytes);
	switch (dma(&d->config.port, iova, buf, n, false)) {
	case HWACCESS_LANDED:
		if (!hwpattern_is(buf, n, d->now.seed, d->at))
			d->wrong = true;
		d->at += n;
		if (d->at == d->now.bytes)
			end_frame(d, false);
		return;
	case HWACCESS_STALLED:
		d->stats.stalled++;
		if (++d->held > d->config.slack)
			end_frame(d, true);
		return;
	default:
		end_frame(d, true);
	}
}

const struct hwdisplay_stats *hwdisplay_stats_get(const struct hwdisplay *d)
{
	return &d->stats;
}

/* ---- a codec ---- */

struct hwcodec {
	struct hwport in, out;
	struct hwcodec_job job;
	bool busy, have;        /* have: what is to be written */
	size_t at;
	uint8_t buf[BURST];
	size_t bytes;           /* in it */
	struct hwcodec_stats stats;
};

struct hwcodec *hwcodec_create(const struct hwport *in, const struct hwport *out)
{
	struct hwcodec *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->in = *in;
	c->out = *out;
	return c;
}

struct hwcodec *hwcodec_destroy(struct hwcodec *c)
{
	free(c);
	return NULL;
}

bool hwcodec_start(struct hwcodec *c, const struct hwcodec_job *job)
{
	if (c->busy)
		return false;
	c->job = *job;
	c->busy = job->bytes != 0;
	c->have = false;
	c->at = 0;
	return true;
}

void hwcodec_stop(struct hwcodec *c)
{
	c->busy = false;
}

bool hwcodec_busy(const struct hwcodec *c)
{
	return c->busy;
}

static void read_some(struct hwcodec *c)
{
	size_t left = c->job.bytes - c->at;
	size_t n = piece(c->job.in + c->at, left, BURST), m = piece(c->job.out + c->at, left, BURST);
	enum hwaccess what;

	c->bytes = n < m ? n : m;
	what = dma(&c->in, c->job.in + c->at, c->buf, c->bytes, false);
	if (what == HWACCESS_STALLED) {
		c->stats.stalled++;
		return;
	}
	if (what == HWACCESS_LANDED && hwpattern_is(c->buf, c->bytes, c->job.seed, c->at)) {
		hwpattern_fill(c->buf, c->bytes, c->job.seed + 1, c->at);
		c->have = true;
		return;
	}
	if (what == HWACCESS_LANDED)
		c->stats.wrong++;
	else
		c->stats.failed++;
	c->busy = false;
}

void hwcodec_point(struct hwcodec *c)
{
	enum hwaccess what;

	if (!c->busy)
		return;
	if (!c->have) {
		read_some(c);
		return;
	}
	what = dma(&c->out, c->job.out + c->at, c->buf, c->bytes, true);
	if (what == HWACCESS_STALLED) {
		c->stats.stalled++;
		return;
	}
	c->have = false;
	c->at += c->bytes;
	if (what != HWACCESS_LANDED)
		c->stats.failed++;
	else if (c->at == c->job.bytes)
		c->stats.done++;
	c->busy = what == HWACCESS_LANDED && c->at < c->job.bytes;
}

const struct hwcodec_stats *hwcodec_stats_get(const struct hwcodec *c)
{
	return &c->stats;
}

/* ---- a bus master with several ports ---- */

struct hwmulti {
	struct hwport ports[HWMULTI_PORTS];
	unsigned int nr_ports;
	struct hwmulti_target targets[MULTI_TARGETS];
	unsigned int nr_targets;
	struct hwmulti_stats stats[HWMULTI_PORTS];
	struct hwrng rng;
};

struct hwmulti *hwmulti_create(const struct hwport *ports, unsigned int n, uint64_t seed)
{
	struct hwmulti *m = n <= HWMULTI_PORTS ? calloc(1, sizeof(*m)) : NULL;

	if (!m)
		return NULL;
	memcpy(m->ports, ports, n * sizeof(*ports));
	m->nr_ports = n;
	hwrng_init(&m->rng, seed);
	return m;
}

struct hwmulti *hwmulti_destroy(struct hwmulti *m)
{
	free(m);
	return NULL;
}

bool hwmulti_add(struct hwmulti *m, const struct hwmulti_target *target)
{
	if (m->nr_targets == MULTI_TARGETS || target->port >= m->nr_ports || target->bytes < 8)
		return false;
	m->targets[m->nr_targets++] = *target;
	return true;
}

void hwmulti_stop(struct hwmulti *m)
{
	m->nr_targets = 0;
}

void hwmulti_point(struct hwmulti *m)
{
	const struct hwmulti_target *t;
	struct hwmulti_stats *stats;
	uint64_t word, offset;

	if (!m->nr_targets)
		return;
	word = hwrng_below(&m->rng, m->nr_targets);
	t = &m->targets[word];
	stats = &m->stats[t->port];
	offset = 8ull * hwrng_below(&m->rng, (uint32_t)(t->bytes / 8));
	switch (dma(&m->ports[t->port], t->iova + offset, &word, 8, t->write)) {
	case HWACCESS_LANDED: stats->landed++; break;
	case HWACCESS_ABORTED: stats->aborted++; break;
	case HWACCESS_STALLED: stats->stalled++; break;
	default: stats->lost++; break;
	}
}

const struct hwmulti_stats *hwmulti_stats_get(const struct hwmulti *m, unsigned int port)
{
	return &m->stats[port];
}

/* ---- at a host ---- */

static void display_point(void *dev)
{
	hwdisplay_point(dev);
}

static void codec_point(void *dev)
{
	hwcodec_point(dev);
}

static void multi_point(void *dev)
{
	hwmulti_point(dev);
}

void hwhost_display(struct hwhost *h, struct hwdisplay *d)
{
	hwhost_attach(h, &(struct hwhost_device){ .point = display_point, .dev = d });
}

void hwhost_codec(struct hwhost *h, struct hwcodec *c)
{
	hwhost_attach(h, &(struct hwhost_device){ .point = codec_point, .dev = c });
}

void hwhost_multi(struct hwhost *h, struct hwmulti *m)
{
	hwhost_attach(h, &(struct hwhost_device){ .point = multi_point, .dev = m });
}
