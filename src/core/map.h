// SPDX-License-Identifier: MIT
/*
 * A hash map from byte strings to pointers: open addressing, linear probing,
 * grown at three quarters. Keys are kept by pointer and must outlive the entry.
 * Look-up, insertion and removal are O(1). Locked by its owner.
 */
#ifndef WEIR_CORE_MAP_H
#define WEIR_CORE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct weir_machine;

struct weir_map_entry {
	const void *key; /* NULL: free; see map.c for removed ones */
	uint32_t key_bytes;
	uint32_t hash;
	void *value;
};

struct weir_map {
	struct weir_map_entry *entries;
	size_t size_mask; /* number of entries - 1; entries is NULL when 0 */
	size_t used;      /* live and removed entries */
	size_t live;
};

void weir_map_fini_(struct weir_machine *m, struct weir_map *map);
void *weir_map_get_(const struct weir_map *map, const void *key, size_t key_bytes);
/* The same with the key's weir_hash_bytes_, for who looks it up often. */
void *weir_map_get_hashed_(const struct weir_map *map, const void *key, size_t key_bytes,
			   uint32_t hash);
/* Return: 0; WEIR_EEXIST when the key is there (nothing changed); WEIR_ENOMEM. */
int weir_map_add_(struct weir_machine *m, struct weir_map *map, const void *key, size_t key_bytes,
		  void *value);
void weir_map_del_(struct weir_map *map, const void *key, size_t key_bytes);

#endif
