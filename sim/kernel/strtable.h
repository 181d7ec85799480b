// SPDX-License-Identifier: MIT
/*
 * A hash table from strings to small numbers, in order of insertion: the
 * strings are borrowed and must outlive it. Filled by one thread; lookups
 * change nothing, so any number of threads may make them afterwards. A zeroed
 * struct is an empty table.
 */
#ifndef WEIR_SIM_KERNEL_STRTABLE_H
#define WEIR_SIM_KERNEL_STRTABLE_H

#include <stddef.h>
#include <stdint.h>

#define WEIR_STRTABLE_NONE UINT32_MAX

struct weir_strtable_entry {
	const char *s;
	uint32_t len;
	uint32_t hash;
};

struct weir_strtable {
	struct weir_strtable_entry *entries;	/* in order of insertion */
	uint32_t *slots;			/* index + 1, 0 is free */
	size_t count, room, slot_count;
};

/** Return: the number of @s, or WEIR_STRTABLE_NONE. */
uint32_t weir_strtable_find(const struct weir_strtable *table, const char *s, size_t len);

/**
 * weir_strtable_add - the number of a string, a new one (the count before) if need be.
 * Return: 0 and *@out_id; WEIR_ENOMEM.
 */
int weir_strtable_add(struct weir_strtable *table, const char *s, size_t len, uint32_t *out_id);

/** Frees the table, not the strings; it is empty afterwards. */
void weir_strtable_fini(struct weir_strtable *table);

#endif
