// SPDX-License-Identifier: MIT
/*
 * The initcalls of a kernel whose symbol table has functions alone (no
 * CONFIG_KALLSYMS_ALL, so no __initcall__ symbols): the entries lie one after
 * the other, and an array of nine pointers says where each level starts and
 * where the last one ends. Entries before level 0 are the early ones. The _sync
 * half of a level cannot be told from the first half; the order is right all
 * the same. One scan, one thread.
 */
#include "image_priv.h"

#include <string.h>

#include "le.h"
#include "weir/err.h"

#define LEVELS 9
#define MIN_CALLS 16
#define MAX_CALLS 20000

static bool entry_func(const struct weir_scan *scan, uint64_t entry, bool relative, uint64_t *out_func)
{
	const uint8_t *p;
	uint64_t func;

	if (relative) {
		p = weir_map_at_(&scan->map, entry, 4);
		if (!p)
			return false;
		func = entry + (uint64_t)(int64_t)(int32_t)weir_get_le32(p);
	} else if (!weir_map_pointer_(&scan->map, entry, &func)) {
		return false;
	}
	if (!weir_syms_exact_(&scan->syms, scan->map.arch == WEIR_ARCH_ARM ? func & ~1ull : func))
		return false;
	*out_func = func;
	return true;
}

/* Do the nine words at @va delimit a run of function entries? */
static bool levels_fit(struct weir_scan *scan, uint64_t va, bool relative, uint64_t *start)
{
	unsigned int step = relative ? 4 : scan->map.ptr_bytes, i;
	uint64_t at, func;

	for (i = 0; i < LEVELS; i++) {
		if (!weir_map_pointer_(&scan->map, va + (uint64_t)scan->map.ptr_bytes * i, &start[i]))
			return false;
		if (i && (start[i] < start[i - 1] || (start[i] - start[0]) % step))
			return false;
	}
	if (start[LEVELS - 1] - start[0] < (uint64_t)MIN_CALLS * step ||
	    start[LEVELS - 1] - start[0] > (uint64_t)MAX_CALLS * step)
		return false;
	for (at = start[0]; at < start[LEVELS - 1]; at += step) {
		if (!scan->budget)
			return false;
		scan->budget--;
		if (!entry_func(scan, at, relative, &func))
			return false;
	}
	return true;
}

static int add_calls(struct weir_scan *scan, bool relative, const uint64_t *start)
{
	unsigned int step = relative ? 4 : scan->map.ptr_bytes, level = 0;
	struct weir_names *n = &scan->names;
	uint64_t at = start[0], func, first;

	for (first = at; start[0] - first < (uint64_t)MAX_CALLS * step; first -= step)
		if (!entry_func(scan, first - step, relative, &func))
			break;
	for (at = first; at < start[LEVELS - 1]; at += step) {
		struct weir_initcall *calls;

		while (level + 1 < LEVELS - 1 && at >= start[level + 1])
			level++;
		calls = weir_array_grow(n->calls, n->call_count, &n->call_room, sizeof(*calls));
		if (!calls)
			return WEIR_ENOMEM;
		n->calls = calls;
		if (!entry_func(scan, at, relative, &func))
			continue;
		calls[n->call_count++] = (struct weir_initcall){
			.entry = at, .func = func, .level = (uint8_t)(2 * level),
		};
	}
	return 0;
}

int weir_calls_find_(struct weir_scan *scan)
{
	unsigned int bytes = scan->map.ptr_bytes, i;
	uint64_t start[LEVELS];

	for (i = 0; i < scan->map.seg_count; i++) {
		const struct weir_map_seg *seg = &scan->map.segs[i];
		uint64_t pos = (0 - seg->va) & (bytes - 1), first, last;

		for (; pos + (uint64_t)LEVELS * bytes <= seg->size; pos += bytes) {
			uint64_t va = seg->va + pos;

			if (!weir_map_pointer_(&scan->map, va, &first) ||
			    !weir_map_pointer_(&scan->map, va + (LEVELS - 1) * bytes, &last) ||
			    last <= first || last - first > (uint64_t)MAX_CALLS * bytes)
				continue;
			if (levels_fit(scan, va, false, start))
				return add_calls(scan, false, start);
			if (bytes == 8 && levels_fit(scan, va, true, start))
				return add_calls(scan, true, start);
		}
	}
	return WEIR_ENOENT;
}
