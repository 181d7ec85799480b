// SPDX-License-Identifier: MIT
/*
 * Arena of malloc()ed chunks; see arena.h. Big requests get a chunk of their
 * own behind the current one, so the current one's rest is not wasted.
 */
#include "arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)64 * 1024)

struct weir_arena_chunk {
	struct weir_arena_chunk *next;
	/* Keeps the payload at a 16-byte boundary. */
	uint64_t pad;
};

static struct weir_arena_chunk *chunk_new(size_t bytes)
{
	if (bytes > SIZE_MAX - sizeof(struct weir_arena_chunk))
		return NULL;
	return calloc(1, sizeof(struct weir_arena_chunk) + bytes);
}

void *weir_arena_alloc(struct weir_arena *arena, size_t bytes)
{
	struct weir_arena_chunk *chunk;
	char *p;

	if (bytes > SIZE_MAX - 15)
		return NULL;
	bytes = (bytes + 15) & ~(size_t)15;
	if (bytes > CHUNK_BYTES / 4) {
		chunk = chunk_new(bytes);
		if (!chunk)
			return NULL;
		if (arena->chunks) {
			chunk->next = arena->chunks->next;
			arena->chunks->next = chunk;
		} else {
			arena->chunks = chunk;
		}
		return chunk + 1;
	}
	if (bytes > arena->left_bytes) {
		chunk = chunk_new(CHUNK_BYTES);
		if (!chunk)
			return NULL;
		chunk->next = arena->chunks;
		arena->chunks = chunk;
		arena->next = (char *)(chunk + 1);
		arena->left_bytes = CHUNK_BYTES;
	}
	p = arena->next;
	arena->next += bytes;
	arena->left_bytes -= bytes;
	return p;
}

char *weir_arena_strndup(struct weir_arena *arena, const char *s, size_t len)
{
	char *p = len < SIZE_MAX ? weir_arena_alloc(arena, len + 1) : NULL;

	if (p)
		memcpy(p, s, len);
	return p;
}

void weir_arena_fini(struct weir_arena *arena)
{
	struct weir_arena_chunk *chunk = arena->chunks;

	while (chunk) {
		struct weir_arena_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
	memset(arena, 0, sizeof(*arena));
}

void *weir_array_grow(void *array, size_t count, size_t *room, size_t elem_bytes)
{
	size_t more;
	void *p;

	if (count < *room)
		return array;
	more = *room ? *room * 2 : 16;
	if (more > SIZE_MAX / elem_bytes)
		return NULL;
	p = realloc(array, more * elem_bytes);
	if (p)
		*room = more;
	return p;
}
