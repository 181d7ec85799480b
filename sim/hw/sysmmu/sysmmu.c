// SPDX-License-Identifier: MIT
/*
 * The life of the hostile System MMU: its power and clock, its points in time, DMA of its master,
 * findings. See sysmmu.h; the caller sees to locking.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/host.h"
#include "hw/sysmmu/priv.h"

void sysmmu_find_(struct sysmmu *s, enum sysmmu_finding what, const char *fmt, ...)
{
	char text[sizeof(s->first_finding)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!s->findings[SYSMMU_FINDINGS]++)
		memcpy(s->first_finding, text, sizeof(text));
	s->findings[what]++;
}

bool sysmmu_mischief_(struct sysmmu *s, enum sysmmu_mischief what)
{
	if (!s->mischief[what])
		return false;
	s->mischief[what]--;
	return true;
}

bool sysmmu_on_(const struct sysmmu *s)
{
	return s->power && s->clock && s->translating && !s->mischief[SYSMMU_DEAD];
}

struct sysmmu *sysmmu_create(struct hwram *ram, const struct sysmmu_config *config)
{
	struct sysmmu *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->ram = ram;
	s->config = *config;
	s->power = s->clock = true;
	hwrng_init(&s->rng, config->seed);
	sysmmu_reset_(s);
	return s;
}

struct sysmmu *sysmmu_destroy(struct sysmmu *s)
{
	free(s);
	return NULL;
}

void sysmmu_wire(struct sysmmu *s, void (*irq)(void *arg), void *arg)
{
	s->irq = irq;
	s->irq_arg = arg;
}

void sysmmu_point(struct sysmmu *s)
{
	if (!s->power || !s->clock || s->mischief[SYSMMU_DEAD] || s->in_point)
		return;
	s->in_point = true;
	sysmmu_settle_(s);
	if (s->translating && !s->blocked && !s->held) {
		if (hwrng_chance(&s->rng, s->config.unrest))
			sysmmu_speculate_(s);
		if (hwrng_chance(&s->rng, s->config.unrest / 4))
			s->cache[hwrng_below(&s->rng, CACHED)].kind = CACHED_NONE;
	}
	sysmmu_line_(s);
	s->in_point = false;
}

/* What is in its caches when power comes is anything, such as what was there. */
void sysmmu_power(struct sysmmu *s, bool on)
{
	s->power = on;
	sysmmu_reset_(s);
	for (unsigned int i = 0; i < CACHED; i++)
		if (hwrng_chance(&s->rng, 128))
			s->cache[i].kind = CACHED_NONE;
}

void sysmmu_clock(struct sysmmu *s, bool on)
{
	s->clock = on;
}

void sysmmu_misbehave(struct sysmmu *s, enum sysmmu_mischief what, unsigned int n)
{
	s->mischief[what] = n;
}

void sysmmu_boot_loader(struct sysmmu *s, uint64_t root_pa)
{
	sysmmu_reset_(s);
	memset(s->cache, 0, sizeof(s->cache));
	s->flushed = true;
	if (!root_pa)
		return;
	s->base = (uint32_t)(s->config.major >= 5 ? root_pa >> 12 : root_pa);
	s->ctrl_vm = CTRL_VM_ENABLE | CTRL_VM_STALL;
	s->ctrl = CTRL_ON;
	s->translating = true;
}

static bool overlap(uint64_t a, uint64_t a_bytes, uint64_t b, uint64_t b_bytes)
{
	return a <= b ? b - a < a_bytes : a - b < b_bytes;
}

void sysmmu_memory_goes(struct sysmmu *s, uint64_t pa, uint64_t bytes)
{
	if (!sysmmu_on_(s) || s->blocked || (s->held && s->ctrl == CTRL_BLOCK))
		return;
	if (overlap(sysmmu_root_(s), L1_BYTES, pa, bytes))
		sysmmu_find_(s, SYSMMU_FREED, "the first table is given back while it is in use");
	for (unsigned int i = 0; i < CACHED; i++)
		if (s->cache[i].kind == CACHED_TABLE &&
		    overlap(s->cache[i].out, L2_BYTES, pa, bytes))
			sysmmu_find_(s, SYSMMU_FREED,
				     "0x%llx is given back, a cached entry of 0x%x leads there",
				     (unsigned long long)s->cache[i].out, s->cache[i].in);
}

/* ---- DMA ---- */

static enum hwaccess land(struct sysmmu *s, uint64_t iova, uint64_t pa, void *buf, size_t bytes,
			  bool write)
{
	if (!(write ? hwram_write(s->ram, false, pa, buf, bytes)
		    : hwram_read(s->ram, false, pa, buf, bytes))) {
		s->stats.aborted++;
		return HWACCESS_ABORTED; /* nobody answers there */
	}
	if (!hwram_allowed(s->ram, pa, write, s->config.who))
		sysmmu_find_(s, SYSMMU_STRAY, "0x%llx is %s at 0x%llx%s", (unsigned long long)iova,
			     write ? "written" : "read", (unsigned long long)pa,
			     s->translating ? "" : ", untranslated");
	s->stats.landed++;
	return HWACCESS_LANDED;
}

enum hwaccess sysmmu_dma(struct sysmmu *s, uint64_t iova, void *buf, size_t bytes, bool write)
{
	enum hwaccess what;
	enum fault fault;
	uint64_t pa = 0;

	if (!s->power || !s->clock) {
		sysmmu_find_(s, SYSMMU_OFF_DMA, "0x%llx is accessed without %s",
			     (unsigned long long)iova, s->power ? "clock" : "power");
		s->stats.lost++;
		return HWACCESS_LOST;
	}
	if (s->mischief[SYSMMU_DEAD]) {
		s->stats.lost++;
		return HWACCESS_LOST;
	}
	/* An access that was begun before a block goes on until that is acknowledged. */
	if (s->blocked || s->held || (s->ctrl == CTRL_BLOCK && hwrng_chance(&s->rng, 128))) {
		s->stats.stalled++;
		return HWACCESS_STALLED;
	}
	if (!s->translating) {
		s->stats.bypassed++;
		return land(s, iova, iova, buf, bytes, write);
	}
	if (iova >> 32) {
		s->stats.aborted++;
		return HWACCESS_ABORTED; /* its master has no such addresses */
	}
	if (sysmmu_walk_(s, (uint32_t)iova, write, &pa, &fault)) {
		s->twice = s->twice || (s->config.major < 7 && sysmmu_mischief_(s, SYSMMU_TWICE));
		if (!s->twice)
			return land(s, iova, pa, buf, bytes, write);
		fault = FAULT_MULTIHIT;
	}
	what = sysmmu_fault_(s, fault, (uint32_t)iova, pa, write);
	if (what == HWACCESS_STALLED)
		s->stats.stalled++;
	else
		s->stats.aborted++;
	return what;
}

static enum hwaccess port_dma(void *arg, uint64_t iova, void *buf, size_t bytes, bool write)
{
	return sysmmu_dma(arg, iova, buf, bytes, write);
}

struct hwport sysmmu_port(struct sysmmu *s)
{
	return (struct hwport){ .dma = port_dma, .arg = s };
}

bool sysmmu_translate(struct sysmmu *s, uint64_t iova, bool write, uint64_t *out_pa)
{
	enum fault fault;

	if (!s->power || !s->clock || s->blocked || s->held)
		return false;
	if (!s->translating) {
		*out_pa = iova;
		return true;
	}
	return !(iova >> 32) && sysmmu_walk_(s, (uint32_t)iova, write, out_pa, &fault);
}

/* ---- what there is to know ---- */

void sysmmu_still(struct sysmmu *s)
{
	hwrng_still(&s->rng);
	s->config.unrest = 0;
}

uint64_t sysmmu_state(const struct sysmmu *s)
{
	const uint32_t words[] = { s->ctrl, s->cfg, s->base, s->status, s->ctrl_vm, s->flush_start,
		s->flush_end, s->ack_in, s->power, s->clock, s->translating, s->blocked, s->stuck,
		s->held, s->flushed, s->findings[SYSMMU_FINDINGS] };
	uint64_t hash = 0;

	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15ull;
	return hash;
}

unsigned int sysmmu_findings(const struct sysmmu *s, enum sysmmu_finding what)
{
	return s->findings[what];
}

const char *sysmmu_first_finding(const struct sysmmu *s)
{
	return s->first_finding;
}

unsigned int sysmmu_findings_take(struct sysmmu *s)
{
	unsigned int n = s->findings[SYSMMU_FINDINGS];

	memset(s->findings, 0, sizeof(s->findings));
	s->first_finding[0] = '\0';
	return n;
}

const struct sysmmu_stats *sysmmu_stats_get(const struct sysmmu *s)
{
	return &s->stats;
}

/* ---- at a host ---- */

static uint64_t at_read(void *dev, uint64_t offset, unsigned int width)
{
	return sysmmu_mmio_read(dev, offset, width);
}

static void at_write(void *dev, uint64_t offset, unsigned int width, uint64_t value)
{
	sysmmu_mmio_write(dev, offset, width, value);
}

static void at_point(void *dev)
{
	sysmmu_point(dev);
}

static void at_memory_goes(void *dev, uint64_t pa, uint64_t bytes)
{
	sysmmu_memory_goes(dev, pa, bytes);
}

static void at_destroy(void *dev)
{
	sysmmu_destroy(dev);
}

static void line_up(void *arg)
{
	struct sysmmu *s = arg;

	hwhost_line(s->host, s->line);
}

struct sysmmu *hwhost_sysmmu(struct hwhost *h, uint64_t base, const struct sysmmu_config *config,
			     uint32_t line)
{
	struct hwhost_device device = {
		.base = base, .bytes = config->vm ? SYSMMU_VM_BYTES : SYSMMU_BYTES,
		.read = at_read, .write = at_write, .point = at_point,
		.memory_goes = at_memory_goes, .destroy = at_destroy,
		.dev = sysmmu_create(h->ram, config),
	};
	struct sysmmu *s = device.dev;

	if (!s)
		abort();
	s->host = h;
	s->line = line;
	sysmmu_wire(s, line_up, s);
	hwhost_attach(h, &device);
	return s;
}
