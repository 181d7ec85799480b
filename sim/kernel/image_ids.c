// SPDX-License-Identifier: MIT
/*
 * Device id tables as they lie in the image. Record sizes, from the padding
 * rules of C and include/linux/mod_devicetable.h's member list: of_device_id is
 * name[32], type[32], compatible[128], a pointer; amba_id is two 32-bit words
 * and a pointer; acpi_device_id is id[16], an unsigned long, two 32-bit words.
 * Used by one scan; all reads are checked against the map.
 */
#include "image_priv.h"

#include <string.h>

#include "amba_ids.h"
#include "le.h"
#include "weir/err.h"

#define OF_TEXT_BYTES 192
#define OF_COMPAT_OFF 64
#define MAX_TABLE 4096

/* A field is text, then zeros to its end: the text's length, or -1. */
static int field_len(const uint8_t *p, size_t size)
{
	size_t len = 0, i;

	while (len < size && p[len]) {
		if (p[len] <= 32 || p[len] >= 127)
			return -1;
		len++;
	}
	for (i = len; i < size; i++)
		if (p[i])
			return -1;
	return (int)len;
}

unsigned int weir_ids_of_bytes_(const struct weir_map *map)
{
	return OF_TEXT_BYTES + map->ptr_bytes;
}

int weir_ids_of_(const struct weir_map *map, uint64_t va, const char **out_compat)
{
	const uint8_t *p = weir_map_at_(map, va, weir_ids_of_bytes_(map));
	int name, type, compat;

	if (!p)
		return -1;
	name = field_len(p, 32);
	type = name < 0 ? -1 : field_len(p + 32, 32);
	compat = type < 0 ? -1 : field_len(p + OF_COMPAT_OFF, 128);
	if (compat < 0 || (!compat && (name || type)))
		return -1;
	*out_compat = (const char *)p + OF_COMPAT_OFF;
	return compat;
}

/* Data of the entry is the integer 1: simple-pm-bus's mark for "first compatible only". */
static bool data_is_one(const struct weir_map *map, uint64_t va)
{
	const uint8_t *p = weir_map_at_(map, va + OF_TEXT_BYTES, map->ptr_bytes);

	return p && (map->ptr_bytes == 8 ? weir_get_le64(p) : weir_get_le32(p)) == 1;
}

int weir_ids_of_table_(struct weir_scan *scan, uint64_t va, bool pm_bus,
		       const struct weir_compat **out_compats)
{
	const struct weir_map *map = &scan->map;
	unsigned int bytes = weir_ids_of_bytes_(map);
	struct weir_compat *compats;
	const char *text;
	int count = 0, i, len;

	while ((len = weir_ids_of_(map, va + (uint64_t)bytes * (unsigned int)count, &text)) > 0) {
		if (++count == MAX_TABLE || scan->budget < 1)
			return 0;
		scan->budget--;
	}
	if (len < 0 || !count)
		return 0;
	compats = weir_arena_alloc(&scan->image->arena, sizeof(*compats) * (size_t)count);
	if (!compats)
		return WEIR_ENOMEM;
	for (i = 0; i < count; i++, va += bytes) {
		len = weir_ids_of_(map, va, &text);
		compats[i].name = weir_arena_strndup(&scan->image->arena, text, (size_t)len);
		if (!compats[i].name)
			return WEIR_ENOMEM;
		compats[i].first_only = pm_bus && data_is_one(map, va);
	}
	*out_compats = compats;
	return count;
}

/* Ids are a vendor of capitals and digits and a hexadecimal number: "PNP0501", "ARMH0011". */
static int acpi_len(const uint8_t *p)
{
	int len = field_len(p, 16), i;

	if (len < 7 || len > 8)
		return len ? -1 : 0;
	for (i = 0; i < len; i++)
		if (!((p[i] >= 'A' && p[i] <= 'Z') || (p[i] >= '0' && p[i] <= '9')))
			return -1;
	return len;
}

int weir_ids_acpi_table_(struct weir_scan *scan, uint64_t va, const char *const **out_ids)
{
	unsigned int bytes = 24 + scan->map.ptr_bytes;
	const uint8_t *p;
	const char **ids;
	int count = 0, len = -1, i;

	while ((p = weir_map_at_(&scan->map, va + (uint64_t)bytes * (unsigned int)count, bytes))) {
		len = acpi_len(p);
		if (len <= 0)
			break;
		if (++count == MAX_TABLE || scan->budget < 1)
			return 0;
		scan->budget--;
	}
	if (!p || len < 0 || !count)
		return 0;
	ids = weir_arena_alloc(&scan->image->arena, sizeof(*ids) * (size_t)count);
	if (!ids)
		return WEIR_ENOMEM;
	for (i = 0; i < count; i++, va += bytes) {
		p = weir_map_at_(&scan->map, va, bytes);
		ids[i] = weir_arena_strndup(&scan->image->arena, (const char *)p, (size_t)acpi_len(p));
		if (!ids[i])
			return WEIR_ENOMEM;
	}
	*out_ids = ids;
	return count;
}

static int amba_add(struct weir_compat *compats, int count, int room, uint32_t id, uint32_t mask)
{
	size_t i;
	int k;

	for (i = 0; i < weir_amba_id_count; i++) {
		if ((weir_amba_ids[i].periphid & mask) != id)
			continue;
		for (k = 0; k < count; k++)
			if (!strcmp(compats[k].name, weir_amba_ids[i].compat))
				break;
		if (k == count && count < room)
			compats[count++] = (struct weir_compat){ .name = weir_amba_ids[i].compat };
	}
	return count;
}

int weir_ids_amba_table_(struct weir_scan *scan, uint64_t va, struct weir_compat *compats,
			 int count, int room)
{
	unsigned int bytes = 8 + scan->map.ptr_bytes;
	const uint8_t *p;

	for (; (p = weir_map_at_(&scan->map, va, bytes)) && scan->budget; va += bytes) {
		uint32_t id = weir_get_le32(p), mask = weir_get_le32(p + 4);

		scan->budget--;
		if (mask != 0x000fffff && mask != 0x00ffffff && mask != 0x0fffffff && mask != 0xffffffff)
			break;
		if (!id || (id & ~mask))
			break;
		count = amba_add(compats, count, room, id, mask);
	}
	return count;
}
