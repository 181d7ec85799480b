// SPDX-License-Identifier: MIT
/*
 * Memory in three views, see ram.h. A word is 64 bits: the unit in which stores become
 * visible (DDI 0487, B2.2: single-copy atomicity).
 */
#include "hw/ram.h"

#include <stdlib.h>
#include <string.h>

#define FREED_BYTE 0x5a

/* Of a line that is newer in the caches. FRESH: zeroed, and nothing else yet. */
enum { CLEAN, DIRTY, FRESH };
#define STALE_BYTE 0x2b /* entries of any table that it makes are valid, and wrong */

static bool inside(const struct hwram *ram, uint64_t pa, uint64_t bytes)
{
	return pa >= ram->base && bytes <= ram->bytes && pa - ram->base <= ram->bytes - bytes;
}

struct hwram *hwram_create(uint64_t base, size_t bytes, uint64_t seed)
{
	struct hwram *ram = calloc(1, sizeof(*ram));

	if (!ram)
		return NULL;
	ram->base = base;
	ram->bytes = bytes;
	ram->block = calloc(1, bytes + HWRAM_PAGE);
	ram->coherent = calloc(1, bytes);
	ram->memory = calloc(1, bytes);
	ram->dirty = calloc(1, bytes / HWRAM_LINE);
	ram->pages = calloc(bytes / HWRAM_PAGE, sizeof(*ram->pages));
	if (!ram->block || !ram->coherent || !ram->memory || !ram->dirty || !ram->pages)
		return hwram_destroy(ram);
	ram->cpu = ram->block + HWRAM_PAGE - (uintptr_t)ram->block % HWRAM_PAGE;
	hwrng_init(&ram->rng, seed);
	return ram;
}

struct hwram *hwram_destroy(struct hwram *ram)
{
	if (!ram)
		return NULL;
	free(ram->block);
	free(ram->coherent);
	free(ram->memory);
	free(ram->dirty);
	free(ram->pages);
	free(ram->pending);
	free(ram);
	return NULL;
}

/* Sets a range to a byte for all parties, with nothing on its way. */
static void fill(struct hwram *ram, size_t at, size_t bytes, int byte)
{
	memset(ram->cpu + at, byte, bytes);
	memset(ram->coherent + at, byte, bytes);
	memset(ram->memory + at, byte, bytes);
	memset(ram->dirty + at / HWRAM_LINE, 0, bytes / HWRAM_LINE);
}

/* The CPU did that: memory has what there was before, until lines are cleaned. */
static void zero(struct hwram *ram, size_t at, size_t bytes)
{
	memset(ram->cpu + at, 0, bytes);
	memset(ram->coherent + at, 0, bytes);
	memset(ram->memory + at, STALE_BYTE, bytes);
	memset(ram->dirty + at / HWRAM_LINE, FRESH, bytes / HWRAM_LINE);
}

static void set_used(struct hwram *ram, size_t first, size_t n, bool used)
{
	for (size_t i = first; i < first + n; i++)
		ram->pages[i] = (struct hwram_page){ .used = used };
	if (used && ram->used_end < first + n)
		ram->used_end = first + n;
}

bool hwram_alloc(struct hwram *ram, size_t bytes, size_t align, void **out_va, uint64_t *out_pa)
{
	size_t n = (bytes + HWRAM_PAGE - 1) / HWRAM_PAGE, total = ram->bytes / HWRAM_PAGE, run = 0;

	for (size_t first = ram->from; first + n <= total; first += run + 1) {
		uint64_t off = (ram->base + first * HWRAM_PAGE) & (align - 1);

		if (off) {
			run = (align - off) / HWRAM_PAGE - 1;
			continue;
		}
		for (run = 0; run < n && !ram->pages[first + run].used; run++)
			;
		if (run < n)
			continue;
		set_used(ram, first, n, true);
		zero(ram, first * HWRAM_PAGE, n * HWRAM_PAGE);
		*out_va = ram->cpu + first * HWRAM_PAGE;
		*out_pa = ram->base + first * HWRAM_PAGE;
		return true;
	}
	return false;
}

bool hwram_free(struct hwram *ram, uint64_t pa, size_t bytes)
{
	size_t n = (bytes + HWRAM_PAGE - 1) / HWRAM_PAGE;

	if (pa % HWRAM_PAGE || !hwram_used(ram, pa, n * HWRAM_PAGE))
		return false;
	fill(ram, (size_t)(pa - ram->base), n * HWRAM_PAGE, FREED_BYTE);
	set_used(ram, (size_t)((pa - ram->base) / HWRAM_PAGE), n, false);
	return true;
}

void *hwram_va(struct hwram *ram, uint64_t pa, size_t bytes)
{
	return inside(ram, pa, bytes) ? ram->cpu + (pa - ram->base) : NULL;
}

bool hwram_pa(const struct hwram *ram, const void *va, size_t bytes, uint64_t *out_pa)
{
	uintptr_t at = (uintptr_t)va, start = (uintptr_t)ram->cpu;

	if (at < start || bytes > ram->bytes || at - start > ram->bytes - bytes)
		return false;
	*out_pa = ram->base + (at - start);
	return true;
}

bool hwram_used(const struct hwram *ram, uint64_t pa, size_t bytes)
{
	if (!inside(ram, pa, bytes))
		return false;
	for (uint64_t at = pa - pa % HWRAM_PAGE; at < pa + bytes; at += HWRAM_PAGE)
		if (!ram->pages[(at - ram->base) / HWRAM_PAGE].used)
			return false;
	return true;
}

/* ---- what the CPU stored becomes visible ---- */

static void look(struct hwram *ram)
{
	if (ram->point)
		ram->point(ram->point_arg);
}

static void note_pending(struct hwram *ram, size_t word)
{
	if (ram->nr_pending == ram->pending_room) {
		size_t room = ram->pending_room ? ram->pending_room * 2 : 256;
		uint32_t *more = realloc(ram->pending, room * sizeof(*more));

		if (!more)
			abort();
		ram->pending = more;
		ram->pending_room = room;
	}
	ram->pending[ram->nr_pending++] = (uint32_t)word;
}

/* Finds the words of [first, end) that the CPU changed. */
static void find_pending(struct hwram *ram, size_t first, size_t end)
{
	for (size_t at = first; at < end; at += 8)
		if (memcmp(ram->cpu + at, ram->coherent + at, 8) != 0)
			note_pending(ram, at / 8);
}

static void line_to_memory(struct hwram *ram, size_t line)
{
	/* Word by word: an observer may look in between; of what was just given out nobody knows yet. */
	if (ram->dirty[line] == FRESH)
		memset(ram->memory + line * HWRAM_LINE, 0, HWRAM_LINE);
	for (size_t at = line * HWRAM_LINE; at < (line + 1) * HWRAM_LINE; at += 8) {
		if (memcmp(ram->memory + at, ram->coherent + at, 8) == 0)
			continue;
		memcpy(ram->memory + at, ram->coherent + at, 8);
		look(ram);
	}
	ram->dirty[line] = CLEAN;
}

/* Words that were found become visible, in any order. */
static void apply_pending(struct hwram *ram, bool all)
{
	size_t every = ram->nr_pending > 256 ? 16 : 1;

	for (size_t i = ram->nr_pending; i > 1; i--) {
		size_t j = hwrng_below(&ram->rng, (uint32_t)i);
		uint32_t word = ram->pending[i - 1];

		ram->pending[i - 1] = ram->pending[j];
		ram->pending[j] = word;
	}
	for (size_t i = 0; i < ram->nr_pending; i++) {
		size_t at = (size_t)ram->pending[i] * 8;

		if (!all && hwrng_chance(&ram->rng, 128))
			continue;
		memcpy(ram->coherent + at, ram->cpu + at, 8);
		ram->dirty[at / HWRAM_LINE] = DIRTY;
		if (hwrng_chance(&ram->rng, ram->evict))
			line_to_memory(ram, at / HWRAM_LINE);
		if (i % every == 0)
			look(ram);
	}
	ram->nr_pending = 0;
}

void hwram_publish(struct hwram *ram, bool all)
{
	if (ram->publishing || (!all && hwrng_is_still(&ram->rng)))
		return;
	ram->publishing = true;
	ram->nr_pending = 0;
	for (size_t page = 0; page < ram->used_end; page++) {
		size_t at = page * HWRAM_PAGE;

		if (ram->pages[page].used &&
		    memcmp(ram->cpu + at, ram->coherent + at, HWRAM_PAGE) != 0)
			find_pending(ram, at, at + HWRAM_PAGE);
	}
	apply_pending(ram, all);
	ram->publishing = false;
}

void hwram_clean(struct hwram *ram, uint64_t pa, uint64_t bytes)
{
	size_t first, end;

	if (!bytes || !inside(ram, pa, bytes))
		return;
	first = (size_t)(pa - ram->base) / HWRAM_LINE;
	end = (size_t)(pa - ram->base + bytes - 1) / HWRAM_LINE + 1;
	hwram_publish(ram, true);
	for (size_t line = first; line < end; line++)
		if (ram->dirty[line])
			line_to_memory(ram, line);
}

void hwram_invalidate(struct hwram *ram, uint64_t pa, uint64_t bytes)
{
	size_t first, end;

	if (!bytes || !inside(ram, pa, bytes))
		return;
	hwram_publish(ram, true);
	first = (size_t)(pa - ram->base) / HWRAM_LINE * HWRAM_LINE;
	end = ((size_t)(pa - ram->base + bytes - 1) / HWRAM_LINE + 1) * HWRAM_LINE;
	memcpy(ram->coherent + first, ram->memory + first, end - first);
	memcpy(ram->cpu + first, ram->memory + first, end - first);
	memset(ram->dirty + first / HWRAM_LINE, 0, (end - first) / HWRAM_LINE);
}

/* ---- devices ---- */

bool hwram_read(struct hwram *ram, bool coherent, uint64_t pa, void *buf, size_t bytes)
{
	if (!inside(ram, pa, bytes))
		return false;
	memcpy(buf, (coherent ? ram->coherent : ram->memory) + (pa - ram->base), bytes);
	return true;
}

bool hwram_write(struct hwram *ram, bool coherent, uint64_t pa, const void *buf, size_t bytes)
{
	size_t at = (size_t)(pa - ram->base);

	if (!inside(ram, pa, bytes))
		return false;
	memcpy(ram->memory + at, buf, bytes);
	if (coherent) {
		memcpy(ram->coherent + at, buf, bytes);
		memcpy(ram->cpu + at, buf, bytes);
	}
	return true;
}

void hwram_allow(struct hwram *ram, uint64_t pa, uint64_t bytes, uint8_t reads, uint8_t writes)
{
	if (!inside(ram, pa, bytes))
		return;
	for (uint64_t at = pa - pa % HWRAM_PAGE; at < pa + bytes; at += HWRAM_PAGE) {
		ram->pages[(at - ram->base) / HWRAM_PAGE].reads = reads;
		ram->pages[(at - ram->base) / HWRAM_PAGE].writes = writes;
	}
}

bool hwram_allowed(const struct hwram *ram, uint64_t pa, bool write, uint8_t who)
{
	const struct hwram_page *page;

	if (!inside(ram, pa, 1))
		return false;
	page = &ram->pages[(pa - ram->base) / HWRAM_PAGE];
	return ((write ? page->writes : page->reads) & who) != 0;
}
