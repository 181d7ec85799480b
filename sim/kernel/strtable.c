// SPDX-License-Identifier: MIT
/*
 * Open-addressed hash table of strings; see strtable.h. At most half full.
 */
#include "strtable.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "weir/err.h"

static uint32_t hash_bytes(const char *s, size_t len)
{
	uint64_t h = 0x9e3779b97f4a7c15ull ^ len, w;

	for (; len >= 8; s += 8, len -= 8) {
		memcpy(&w, s, 8);
		h = (h ^ w) * 0xff51afd7ed558ccdull;
		h ^= h >> 32;
	}
	w = 0;
	memcpy(&w, s, len);
	h = (h ^ w) * 0xff51afd7ed558ccdull;
	return (uint32_t)(h >> 32 ^ h >> 17);
}

static uint32_t *find_slot(const struct weir_strtable *table, const char *s, size_t len, uint32_t hash)
{
	size_t mask = table->slot_count - 1, i = hash & mask;

	for (;; i = (i + 1) & mask) {
		const struct weir_strtable_entry *e;

		if (!table->slots[i])
			return &table->slots[i];
		e = &table->entries[table->slots[i] - 1];
		if (e->hash == hash && e->len == len && !memcmp(e->s, s, len))
			return &table->slots[i];
	}
}

static int rehash(struct weir_strtable *table)
{
	size_t count = table->slot_count ? table->slot_count * 2 : 64, i;
	uint32_t *slots = calloc(count, sizeof(*slots));

	if (!slots)
		return WEIR_ENOMEM;
	free(table->slots);
	table->slots = slots;
	table->slot_count = count;
	for (i = 0; i < table->count; i++) {
		size_t at = table->entries[i].hash & (count - 1);

		while (slots[at])
			at = (at + 1) & (count - 1);
		slots[at] = (uint32_t)i + 1;
	}
	return 0;
}

uint32_t weir_strtable_find(const struct weir_strtable *table, const char *s, size_t len)
{
	uint32_t slot;

	if (!table->count || len > UINT32_MAX)
		return WEIR_STRTABLE_NONE;
	slot = *find_slot(table, s, len, hash_bytes(s, len));
	return slot ? slot - 1 : WEIR_STRTABLE_NONE;
}

int weir_strtable_add(struct weir_strtable *table, const char *s, size_t len, uint32_t *out_id)
{
	struct weir_strtable_entry *entries;
	uint32_t hash = hash_bytes(s, len), *slot;

	if (len > UINT32_MAX || table->count >= UINT32_MAX / 2)
		return WEIR_ENOMEM;
	if (2 * (table->count + 1) > table->slot_count && rehash(table))
		return WEIR_ENOMEM;
	slot = find_slot(table, s, len, hash);
	if (!*slot) {
		entries = weir_array_grow(table->entries, table->count, &table->room, sizeof(*entries));
		if (!entries)
			return WEIR_ENOMEM;
		table->entries = entries;
		entries[table->count] = (struct weir_strtable_entry){ s, (uint32_t)len, hash };
		*slot = (uint32_t)++table->count;
	}
	*out_id = *slot - 1;
	return 0;
}

void weir_strtable_fini(struct weir_strtable *table)
{
	free(table->entries);
	free(table->slots);
	memset(table, 0, sizeof(*table));
}
