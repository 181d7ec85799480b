// SPDX-License-Identifier: MIT
/*
 * The walk over the initcalls, in link order: what each one's code takes the
 * address of, its own helpers' code included, is looked at for driver
 * structures, single or in an array of pointers. A struct device_driver is
 * known by its name and match table a fixed distance apart (five pointers on
 * 64-bit, counting the two small members as one; 24 bytes on 32-bit). One scan,
 * one thread; what is found goes to the image.
 */
#include "image_priv.h"

#include <stdlib.h>
#include <string.h>

#include "le.h"
#include "weir/err.h"

/* How much of a structure is looked at, and how far a helper may be away. */
#define STRUCT_BYTES 512
#define HELPER_BYTES 4096
#define MAX_SLOTS (STRUCT_BYTES / 4)
#define MAX_AMBA 64
#define MAX_DRIVER_NAME 64

/* The words of a possible driver structure: targets of pointers, else 0. */
struct view {
	uint64_t va;
	unsigned int count;
	uint64_t target[MAX_SLOTS];
};

static void view_read(const struct weir_scan *scan, uint64_t va, struct view *v)
{
	unsigned int bytes = scan->map.ptr_bytes;
	uint64_t end = weir_syms_next_(&scan->syms, va), at;

	if (end - va > STRUCT_BYTES)
		end = va + STRUCT_BYTES;
	v->va = va;
	v->count = 0;
	for (at = (va + bytes - 1) & ~(uint64_t)(bytes - 1); at < end; at += bytes) {
		uint64_t target;

		v->target[v->count++] = weir_map_pointer_(&scan->map, at, &target) ? target : 0;
	}
}

/* A name as drivers have it: printable, not empty. */
static const char *driver_name(const struct weir_scan *scan, uint64_t va, bool strict)
{
	const char *s, *p;
	size_t len;

	s = weir_map_string_(&scan->map, va, MAX_DRIVER_NAME, &len);
	if (!s || !len)
		return NULL;
	for (p = s; *p; p++) {
		bool word = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			    (*p >= '0' && *p <= '9') || *p == '_';

		if (!word && (strict ? !strchr(".,-", *p) : *p < ' ' || *p > '~'))
			return NULL;
	}
	return s;
}

static enum weir_builtin_bus bus_of(unsigned int name_slot)
{
	switch (name_slot) {
	case 5:
		return WEIR_BUILTIN_PLATFORM;
	case 4:
		return WEIR_BUILTIN_SPI;
	case 6:
		return WEIR_BUILTIN_I2C;
	default:
		return WEIR_BUILTIN_OTHER;
	}
}

/* Slots from .name to .of_match_table: 40 bytes on 64-bit, 24 on 32-bit. */
static unsigned int match_slots(const struct weir_scan *scan)
{
	return scan->map.ptr_bytes == 8 ? 5 : 6;
}

static int add_acpi(struct weir_scan *scan, uint64_t table, struct weir_builtin *drv)
{
	int n = table ? weir_ids_acpi_table_(scan, table, &drv->acpi_ids) : 0;

	if (n > 0)
		drv->acpi_count = (size_t)n;
	return n < 0 ? n : 0;
}

/*
 * Where nothing tells how large an object is, its neighbour must not be taken
 * for a part of it: only the usual places of a struct device_driver count.
 */
static bool usual_slot(unsigned int name_slot)
{
	return !name_slot || (name_slot >= 4 && name_slot <= 6);
}

/* 1 and *out when the structure has a name and a match table where they belong. */
static int match_of(struct weir_scan *scan, const struct view *v, struct weir_builtin *out)
{
	unsigned int gap = match_slots(scan), i;

	for (i = gap; i < v->count; i++) {
		struct weir_builtin drv = { 0 };
		int n;

		if (!v->target[i] || !v->target[i - gap])
			continue;
		if (scan->names.functions_only && !usual_slot(i - gap))
			continue;
		drv.name = driver_name(scan, v->target[i - gap], false);
		if (!drv.name)
			continue;
		n = weir_ids_of_table_(scan, v->target[i], !strcmp(drv.name, "simple-pm-bus"), &drv.compats);
		if (n < 0)
			return n;
		if (!n)
			continue;
		drv.compat_count = (size_t)n;
		drv.bus = bus_of(i - gap);
		n = i + 1 < v->count ? add_acpi(scan, v->target[i + 1], &drv) : 0;
		if (n < 0)
			return n;
		*out = drv;
		return 1;
	}
	return 0;
}

/* An AMBA driver starts with its struct device_driver; an id table comes later. */
static int match_amba(struct weir_scan *scan, const struct view *v, struct weir_builtin *out)
{
	struct weir_compat compats[MAX_AMBA];
	struct weir_builtin drv = { .bus = WEIR_BUILTIN_AMBA };
	struct weir_compat *copy;
	unsigned int i;
	int count = 0;

	if (!v->count || !v->target[0] || v->va % scan->map.ptr_bytes)
		return 0;
	drv.name = driver_name(scan, v->target[0], true);
	if (!drv.name)
		return 0;
	for (i = 0; i < v->count; i++)
		if (v->target[i])
			count = weir_ids_amba_table_(scan, v->target[i], compats, count, MAX_AMBA);
	if (!count)
		return 0;
	copy = weir_arena_alloc(&scan->image->arena, sizeof(*copy) * (size_t)count);
	if (!copy)
		return WEIR_ENOMEM;
	memcpy(copy, compats, sizeof(*copy) * (size_t)count);
	drv.compats = copy;
	drv.compat_count = (size_t)count;
	*out = drv;
	return 1;
}

/* Name and ACPI table, no match table. */
static int match_acpi(struct weir_scan *scan, const struct view *v, struct weir_builtin *out)
{
	unsigned int gap = match_slots(scan) + 1, i;

	for (i = gap; i < v->count; i++) {
		struct weir_builtin drv = { .bus = bus_of(i - gap) };
		int err;

		if (!v->target[i] || !v->target[i - gap] || v->target[i - 1])
			continue;
		if (scan->names.functions_only && !usual_slot(i - gap))
			continue;
		drv.name = driver_name(scan, v->target[i - gap], false);
		if (!drv.name)
			continue;
		err = add_acpi(scan, v->target[i], &drv);
		if (err)
			return err;
		if (!drv.acpi_count)
			continue;
		*out = drv;
		return 1;
	}
	return 0;
}

/* pci_device_id: four ids, class and mask, data, a flag word. */
static bool is_pci_table(const struct weir_map *map, uint64_t va)
{
	const uint8_t *p = weir_map_at_(map, va, 24);
	int i;

	if (!p || (!weir_get_le32(p) && !weir_get_le32(p + 20)))
		return false;
	for (i = 0; i < 4; i++)
		if (weir_get_le32(p + 4 * i) > 0xffff && weir_get_le32(p + 4 * i) != 0xffffffff)
			return false;
	return weir_get_le32(p + 16) <= 0xffffff && (weir_get_le32(p + 20) <= 0xffffff ||
						     weir_get_le32(p + 20) == 0xffffffff);
}

/* A PCI driver: name, id table, probe. */
static int match_pci(struct weir_scan *scan, const struct view *v, struct weir_builtin *out)
{
	struct weir_builtin drv = { .bus = WEIR_BUILTIN_PCI };

	if (v->count < 24 || !v->target[0] || !v->target[1] || !v->target[2])
		return 0;
	if (!weir_syms_exact_(&scan->syms, v->target[2]) || !is_pci_table(&scan->map, v->target[1]))
		return 0;
	drv.name = driver_name(scan, v->target[0], true);
	if (!drv.name)
		return 0;
	*out = drv;
	return 1;
}

/* 1: it is new and was added, 0: known already. */
static int add_found(struct weir_scan *scan, uint64_t va, const struct weir_initcall *call,
		     struct weir_builtin *drv)
{
	static const char *const levels[] = { "0", "0s", "1", "1s", "2", "2s", "3", "3s",
					      "4", "4s", "5", "5s", "6", "6s", "7", "7s" };
	uint64_t *seen;
	size_t i;

	for (i = 0; i < scan->seen_count; i++)
		if (scan->seen[i] == va)
			return 0;
	seen = weir_array_grow(scan->seen, scan->seen_count, &scan->seen_room, sizeof(*seen));
	if (!seen)
		return WEIR_ENOMEM;
	scan->seen = seen;
	seen[scan->seen_count++] = va;
	drv->level = levels[call->level];
	drv->module = call->module;
	return weir_scan_add_driver_(scan, drv);
}

static int match_at(struct weir_scan *scan, const struct view *v, struct weir_builtin *out)
{
	int got = match_of(scan, v, out);

	return got ? got : match_amba(scan, v, out);
}

/* One address that the code of an initcall makes. */
static int look_at(struct weir_scan *scan, uint64_t va, const struct weir_initcall *call)
{
	struct view v, inner;
	struct weir_builtin drv;
	unsigned int i;
	int got, err;

	view_read(scan, va, &v);
	got = match_at(scan, &v, &drv);
	if (got)
		return got < 0 ? got : add_found(scan, va, call, &drv);
	for (i = 0; i < v.count; i++) {
		/* Without bounds, an array starts here and ends at the first other thing. */
		if (scan->names.functions_only && (i && !got))
			break;
		if (!v.target[i])
			continue;
		if (!scan->budget)
			return 0;
		scan->budget--;
		view_read(scan, v.target[i], &inner);
		got = match_at(scan, &inner, &drv);
		err = got > 0 ? add_found(scan, v.target[i], call, &drv) : got;
		if (err < 0)
			return err;
	}
	got = match_acpi(scan, &v, &drv);
	if (!got)
		got = match_pci(scan, &v, &drv);
	return got <= 0 ? got : add_found(scan, va, call, &drv);
}

static int scan_initcall(struct weir_scan *scan, const struct weir_initcall *call)
{
	size_t own_calls, i;
	int err;

	scan->found_count = 0;
	scan->call_count = 0;
	err = weir_code_scan_(scan, call->func);
	own_calls = scan->call_count;
	for (i = 0; !err && i < own_calls; i++) {
		uint64_t to = scan->calls[i], from = call->func & ~1ull;
		uint64_t far = to > from ? to - from : from - to;

		/* Calls keep the instruction set of their caller here. */
		if (far < HELPER_BYTES && weir_syms_exact_(&scan->syms, to))
			err = weir_code_scan_(scan, to | (call->func & 1));
	}
	for (i = 0; !err && i < scan->found_count && scan->budget; i++) {
		scan->budget--;
		err = look_at(scan, scan->found[i], call);
	}
	return err;
}

int weir_scan_drivers_(struct weir_scan *scan)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < scan->names.call_count; i++)
		err = scan_initcall(scan, &scan->names.calls[i]);
	return err;
}
