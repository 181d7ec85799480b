// SPDX-License-Identifier: MIT
/*
 * See whole.h. What is allocated before tasks run lies one behind the other. What tasks allocate lies in
 * the lowest free place of its size, which depends on what is there, and not on what was.
 */
#include "race/whole.h"

#include <stdlib.h>
#include <string.h>

#include "race/state.h"

#define FIRST_BYTES (4u << 20)
#define MIN_LG2 5
#define SIZES 12 /* 32 bytes to 64 KiB */
#define PLACES 64
#define SIZE_ROOM ((size_t)PLACES << (MIN_LG2 + SIZES - 1))
#define ROOM (SIZES * SIZE_ROOM)
#define WITHOUT 8

struct range {
	const unsigned char *at;
	size_t bytes; /* both are multiples of 8 */
};

struct race_whole {
	struct race_memory ops;
	unsigned char *first;
	size_t end;
	unsigned char *places;
	uint64_t used[SIZES];         /* a bit for each place */
	uint32_t bytes[SIZES][PLACES]; /* asked for, in words of 8 */
	struct range without[WITHOUT]; /* by address */
	unsigned int nr_without;
};

static unsigned int size_of(size_t bytes)
{
	unsigned int i = 0;

	while (i < SIZES && (size_t)1 << (MIN_LG2 + i) < bytes)
		i++;
	return i;
}

static void *alloc_first(struct race_whole *w, size_t bytes)
{
	void *at = w->first + w->end;

	bytes = (bytes + 63) / 64 * 64;
	if (bytes > FIRST_BYTES - w->end)
		return NULL;
	w->end += bytes;
	return at;
}

static unsigned char *place_at(const struct race_whole *w, unsigned int size, unsigned int place)
{
	return w->places + size * SIZE_ROOM + ((size_t)place << (MIN_LG2 + size));
}

static void *whole_alloc(void *context, int task, size_t bytes)
{
	struct race_whole *w = context;
	unsigned int size = size_of(bytes), place;

	if (task < 0)
		return alloc_first(w, bytes);
	while (size < SIZES && !~w->used[size])
		size++;
	if (size == SIZES)
		return NULL;
	place = (unsigned int)__builtin_ctzll(~w->used[size]);
	w->used[size] |= 1ull << place;
	w->bytes[size][place] = (uint32_t)(bytes + 7) & ~7u;
	return memset(place_at(w, size, place), 0, w->bytes[size][place]);
}

static void whole_free(void *context, void *mem, size_t bytes)
{
	struct race_whole *w = context;
	size_t off = (size_t)((unsigned char *)mem - w->places);
	unsigned int size = (unsigned int)(off / SIZE_ROOM);

	memset(mem, 0, bytes);
	if (size < SIZES) /* the others come before tasks run */
		w->used[size] &= ~(1ull << (off % SIZE_ROOM >> (MIN_LG2 + size)));
}

struct race_whole *race_whole_create(void)
{
	struct race_whole *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->ops = (struct race_memory){ .context = w, .alloc = whole_alloc, .free = whole_free };
	w->first = calloc(1, FIRST_BYTES);
	w->places = aligned_alloc(SIZE_ROOM, ROOM);
	if (!w->places || !w->first) {
		race_whole_destroy(w);
		return NULL;
	}
	return w;
}

void race_whole_destroy(struct race_whole *w)
{
	if (!w)
		return;
	free(w->places);
	free(w->first);
	free(w);
}

void race_whole_begin(struct race_whole *w)
{
	memset(w->first, 0, w->end);
	w->end = 0;
	for (unsigned int i = 0; i < SIZES; i++)
		w->used[i] = 0;
	w->nr_without = 0;
}

const struct race_memory *race_whole_memory(struct race_whole *w)
{
	return &w->ops;
}

bool race_whole_without(struct race_whole *w, const void *at, size_t bytes)
{
	const unsigned char *from = at;
	unsigned int i = w->nr_without;

	if (i == WITHOUT || from < w->first || from + bytes > w->first + w->end)
		return false;
	for (; i && w->without[i - 1].at > from; i--)
		w->without[i] = w->without[i - 1];
	w->without[i] = (struct range){ from, bytes };
	w->nr_without++;
	return true;
}

uint64_t race_hash(uint64_t hash, const void *at, size_t bytes)
{
	const unsigned char *p = at;
	uint64_t word;

	for (; bytes >= 8; bytes -= 8, p += 8) {
		memcpy(&word, p, 8);
		hash = (hash << 29 ^ hash >> 35 ^ word) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 32;
	}
	word = 0;
	memcpy(&word, p, bytes);
	return race_mix(hash, word ^ (uint64_t)bytes << 56);
}

/* ---- where all is ---- */

struct look {
	const struct race_whole *w;
	uint64_t hash;
	unsigned short number[SIZES][PLACES]; /* plus one, in the order in which they are come by */
	unsigned short queue[SIZES * PLACES]; /* blocks by number */
	unsigned int nr, at;
};

/* A word that is an address of a block says which one that is, and where in it. */
static uint64_t meaning(struct look *l, uint64_t word)
{
	const struct race_whole *w = l->w;
	size_t off = word - (uintptr_t)w->places;
	unsigned int size, place;

	if (off >= ROOM)
		return word;
	size = (unsigned int)(off / SIZE_ROOM);
	place = (unsigned int)(off % SIZE_ROOM >> (MIN_LG2 + size));
	if (place >= PLACES || !(w->used[size] >> place & 1))
		return 1; /* it was freed: nobody goes there */
	if (!l->number[size][place]) {
		l->queue[l->nr++] = (unsigned short)(size * PLACES + place);
		l->number[size][place] = (unsigned short)l->nr;
	}
	return 1ull << 63 | (uint64_t)l->number[size][place] << 32 |
	       (off & (((size_t)1 << (MIN_LG2 + size)) - 1));
}

/* Stacks have guards between variables, in some builds: these are looked at as well. */
__attribute__((no_sanitize_address))
static void look_through(void *context, const void *at, size_t bytes)
{
	struct look *l = context;
	const uint64_t *words = at;

	for (size_t i = 0; i < bytes / 8; i++) {
		l->hash = (l->hash << 29 ^ l->hash >> 35 ^ meaning(l, words[i])) * 0x9e3779b97f4a7c15ull;
		l->hash ^= l->hash >> 32;
	}
}

static void look_at_first(struct look *l)
{
	const struct race_whole *w = l->w;
	const unsigned char *at = w->first;

	for (unsigned int i = 0; i < w->nr_without; i++) {
		const struct range *r = &w->without[i];

		look_through(l, at, (size_t)(r->at - at));
		at = r->at + r->bytes;
	}
	look_through(l, at, (size_t)(w->first + w->end - at));
}

/* Nothing leads to them that is looked at: any order will do. */
static uint64_t of_others(struct look *l)
{
	uint64_t sum = 0;

	for (unsigned int size = 0; size < SIZES; size++)
		for (unsigned int place = 0; place < PLACES; place++)
			if (l->w->used[size] >> place & 1 && !l->number[size][place])
				sum += race_hash(size, place_at(l->w, size, place),
						 l->w->bytes[size][place]);
	return sum;
}

uint64_t race_whole_state(const struct race_whole *w, const struct race_sched *s)
{
	struct look l = { .w = w };

	race_sched_look(s, look_through, &l);
	look_at_first(&l);
	while (l.at < l.nr) {
		unsigned int size = l.queue[l.at] / PLACES, place = l.queue[l.at] % PLACES;

		l.hash = race_mix(l.hash, w->bytes[size][place]);
		look_through(&l, place_at(w, size, place), w->bytes[size][place]);
		l.at++;
	}
	return race_mix(l.hash, of_others(&l));
}
