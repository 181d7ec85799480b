// SPDX-License-Identifier: MIT
/*
 * An arena: many small allocations that live and die together. Init, any number
 * of allocations, fini. One owner at a time; the memory handed out may be read
 * by any number of threads. A zeroed struct is an empty arena.
 */
#ifndef WEIR_SIM_KERNEL_ARENA_H
#define WEIR_SIM_KERNEL_ARENA_H

#include <stddef.h>

struct weir_arena_chunk;

struct weir_arena {
	struct weir_arena_chunk *chunks;
	size_t left_bytes;
	char *next;
};

/** Owner: the arena. Return: zeroed memory aligned to 16 bytes, or NULL when there is none. */
void *weir_arena_alloc(struct weir_arena *arena, size_t bytes);

/** Owner: the arena. Return: a NUL-terminated copy of @len bytes of @s, or NULL without memory. */
char *weir_arena_strndup(struct weir_arena *arena, const char *s, size_t len);

/** Frees everything; the arena is empty afterwards and can be used again. */
void weir_arena_fini(struct weir_arena *arena);

/**
 * weir_array_grow - make room for one more element of a malloc()ed array.
 * @array: the array; NULL when @room is 0.
 * @count: elements in use.
 * @room: elements allocated; updated.
 * Return: the array, perhaps moved; NULL without memory, then the old one is untouched.
 */
void *weir_array_grow(void *array, size_t count, size_t *room, size_t elem_bytes);

#endif
