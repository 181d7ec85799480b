// SPDX-License-Identifier: MIT
/* The hash map of map.h. A removed entry keeps a mark so that chains stay whole. */
#include "core/map.h"

#include "core/core.h"
#include "core/text.h"

static const char removed_mark;

static bool is_live(const struct weir_map_entry *e)
{
	return e->key && e->key != &removed_mark;
}

void weir_map_fini_(struct weir_machine *m, struct weir_map *map)
{
	weir_free_(m, map->entries, map->entries ? (map->size_mask + 1) * sizeof(*map->entries) : 0);
	*map = (struct weir_map){ 0 };
}

static struct weir_map_entry *find(const struct weir_map *map, const void *key, size_t key_bytes,
				   uint32_t hash)
{
	if (!map->entries)
		return NULL;
	for (size_t i = hash & map->size_mask;; i = (i + 1) & map->size_mask) {
		struct weir_map_entry *e = &map->entries[i];

		if (!e->key)
			return NULL;
		if (is_live(e) && e->hash == hash && e->key_bytes == key_bytes &&
		    weir_memeq_(e->key, key, key_bytes))
			return e;
	}
}

void *weir_map_get_hashed_(const struct weir_map *map, const void *key, size_t key_bytes,
			   uint32_t hash)
{
	struct weir_map_entry *e = find(map, key, key_bytes, hash);

	return e ? e->value : NULL;
}

void *weir_map_get_(const struct weir_map *map, const void *key, size_t key_bytes)
{
	return weir_map_get_hashed_(map, key, key_bytes, weir_hash_bytes_(key, key_bytes));
}

static void place(struct weir_map *map, const struct weir_map_entry *entry)
{
	size_t i = entry->hash & map->size_mask;

	while (map->entries[i].key)
		i = (i + 1) & map->size_mask;
	map->entries[i] = *entry;
	map->used++;
	map->live++;
}

static int grow(struct weir_machine *m, struct weir_map *map)
{
	size_t old_size = map->entries ? map->size_mask + 1 : 0;
	size_t size = 8;
	struct weir_map bigger = { 0 };

	while (size * 3 < (map->live + 1) * 4 * 3 / 2)
		size *= 2;
	bigger.entries = weir_alloc_(m, size * sizeof(*bigger.entries));
	if (!bigger.entries)
		return WEIR_ENOMEM;
	bigger.size_mask = size - 1;
	for (size_t i = 0; i < old_size; i++)
		if (is_live(&map->entries[i]))
			place(&bigger, &map->entries[i]);
	weir_map_fini_(m, map);
	*map = bigger;
	return 0;
}

int weir_map_add_(struct weir_machine *m, struct weir_map *map, const void *key, size_t key_bytes,
		  void *value)
{
	uint32_t hash = weir_hash_bytes_(key, key_bytes);
	int err;

	if (find(map, key, key_bytes, hash))
		return WEIR_EEXIST;
	if (!map->entries || (map->used + 1) * 4 > (map->size_mask + 1) * 3) {
		err = grow(m, map);
		if (err)
			return err;
	}
	place(map, &(struct weir_map_entry){ key, (uint32_t)key_bytes, hash, value });
	return 0;
}

void weir_map_del_(struct weir_map *map, const void *key, size_t key_bytes)
{
	struct weir_map_entry *e = find(map, key, key_bytes, weir_hash_bytes_(key, key_bytes));

	if (!e)
		return;
	e->key = &removed_mark;
	e->value = NULL;
	map->live--;
}
