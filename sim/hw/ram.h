// SPDX-License-Identifier: MIT
/*
 * Memory as three parties see it.
 *
 * The CPU stores into its own view, by plain stores. What it stored becomes visible to
 * coherent observers word by word: all of it before a barrier ends, in any order before that.
 * From there a line of 64 bytes gets to memory when it is cleaned, or earlier, when the
 * cache has no room for it; only then do observers without coherence see it. What those
 * write, the CPU sees after it invalidated the line.
 *
 * The stores since the last point are found by comparison, so a word that was changed twice
 * between two points counts as changed once. Each word that becomes visible is a point at which
 * observers may look: point() is called.
 *
 * Pages are given out and taken back. Each says whose DMA may reach it: to set that is
 * up to the test. The caller sees to locking.
 */
#ifndef WEIR_SIM_HW_RAM_H
#define WEIR_SIM_HW_RAM_H

#include <stddef.h>
#include <stdint.h>

#include "hw/rng.h"

#define HWRAM_PAGE 4096u
#define HWRAM_LINE 64u

struct hwram_page {
	bool used;              /* given out */
	uint8_t reads, writes;  /* whose DMA may read and write it: a bit for each */
};

struct hwram {
	uint64_t base;
	size_t bytes;
	uint8_t *block;         /* what has the CPU's view */
	uint8_t *cpu;           /* the CPU's view */
	uint8_t *coherent;      /* that of those who snoop the CPU's caches */
	uint8_t *memory;        /* that of those who do not */
	uint8_t *dirty;         /* for each line: newer in the caches than in memory */
	struct hwram_page *pages;
	size_t from;            /* the first page that is given out is looked for from here on */
	size_t used_end;        /* no page from here on was ever given out */
	uint32_t *pending;      /* words on their way */
	size_t nr_pending, pending_room;
	bool publishing;
	unsigned int evict;     /* times in 256 that a dirty line gets to memory by itself */
	struct hwrng rng;
	void (*point)(void *arg); /* NULL: nobody looks */
	void *point_arg;
};

/* NULL without memory. @base and @bytes: multiples of a page. */
struct hwram *hwram_create(uint64_t base, size_t bytes, uint64_t seed);
struct hwram *hwram_destroy(struct hwram *ram);

/*
 * Zeroed pages: the CPU and who snoops it see zeros, memory has something else until they are cleaned.
 * Return: false when there is no room.
 */
bool hwram_alloc(struct hwram *ram, size_t bytes, size_t align, void **out_va, uint64_t *out_pa);
/* Somebody else fills them at once. Return: false when they were not given out so. */
bool hwram_free(struct hwram *ram, uint64_t pa, size_t bytes);
/* NULL: not all of it is memory. */
void *hwram_va(struct hwram *ram, uint64_t pa, size_t bytes);
/* False: not all of it is memory. */
bool hwram_pa(const struct hwram *ram, const void *va, size_t bytes, uint64_t *out_pa);
/* Whether all of it was given out. */
bool hwram_used(const struct hwram *ram, uint64_t pa, size_t bytes);

/* A barrier: what the CPU stored becomes visible; or some of it, of its own accord. */
void hwram_publish(struct hwram *ram, bool all);
void hwram_clean(struct hwram *ram, uint64_t pa, uint64_t bytes);
void hwram_invalidate(struct hwram *ram, uint64_t pa, uint64_t bytes);

/* Accesses of devices. False: not all of it is memory, nothing was done. */
bool hwram_read(struct hwram *ram, bool coherent, uint64_t pa, void *buf, size_t bytes);
bool hwram_write(struct hwram *ram, bool coherent, uint64_t pa, const void *buf, size_t bytes);

/* Who may reach the pages of [pa, pa + bytes) from now on. */
void hwram_allow(struct hwram *ram, uint64_t pa, uint64_t bytes, uint8_t reads, uint8_t writes);
/* Whether @who may. */
bool hwram_allowed(const struct hwram *ram, uint64_t pa, bool write, uint8_t who);

#endif
