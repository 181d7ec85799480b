// SPDX-License-Identifier: MIT
/*
 * The symbols that the scan needs, picked in one pass over all names: initcall
 * entries, named __initcall__kmod_MODULE__COUNTER_LINE_FUNCTIONLEVEL, and the
 * starts of the tables of early code. An initcall entry is a 32-bit distance to
 * its function where the architecture has relative entries, else a pointer.
 */
#include "image_priv.h"

#include <stdlib.h>
#include <string.h>

#include "le.h"
#include "weir/err.h"

#define PREFIX "__initcall__kmod_"

struct pick {
	struct weir_scan *scan;
	int err;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Behind "__": digits, an underscore, digits, an underscore. */
static const char *after_counters(const char *p)
{
	int part;

	for (part = 0; part < 2; part++) {
		const char *start = p;

		while (is_digit(*p))
			p++;
		if (p == start || *p != '_')
			return NULL;
		p++;
	}
	return p;
}

/* The level at the end of @name, at least one character of function before it. */
static int level_of(const char *name, size_t len)
{
	if (len > 5 && !strcmp(name + len - 5, "early"))
		return 0;
	if (len > 6 && !strcmp(name + len - 6, "rootfs"))
		return 11;
	if (len > 2 && name[len - 1] == 's' && name[len - 2] >= '0' && name[len - 2] <= '7')
		return 2 * (name[len - 2] - '0') + 1;
	if (len > 1 && name[len - 1] >= '0' && name[len - 1] <= '7')
		return 2 * (name[len - 1] - '0');
	return -1;
}

static bool call_target(const struct weir_scan *scan, uint64_t entry, uint64_t *out_func)
{
	const uint8_t *p;
	uint64_t func;

	/* Bit 0 of a pointer says Thumb on 32-bit ARM. */
	if (weir_map_pointer_(&scan->map, entry, &func) &&
	    (weir_syms_exact_(&scan->syms, func) ||
	     (scan->map.arch == WEIR_ARCH_ARM && weir_syms_exact_(&scan->syms, func & ~1ull)))) {
		*out_func = func;
		return true;
	}
	p = weir_map_at_(&scan->map, entry, 4);
	if (!p)
		return false;
	*out_func = entry + (uint64_t)(int64_t)(int32_t)weir_get_le32(p);
	return weir_map_at_(&scan->map, *out_func, 4) != NULL;
}

static int add_call(struct weir_scan *scan, uint64_t entry, const char *name)
{
	struct weir_names *n = &scan->names;
	struct weir_initcall call = { .entry = entry };
	const char *module = name + strlen(PREFIX), *sep, *func = NULL;
	struct weir_initcall *calls;
	int level;

	for (sep = module; (sep = strstr(sep, "__")); sep++) {
		func = sep > module ? after_counters(sep + 2) : NULL;
		if (func && level_of(func, strlen(func)) >= 0)
			break;
	}
	if (!sep)
		return 0;
	level = level_of(func, strlen(func));
	if (!call_target(scan, entry, &call.func))
		return 0;
	call.level = (uint8_t)level;
	call.module = weir_arena_strndup(&scan->image->arena, module, (size_t)(sep - module));
	if (!call.module)
		return WEIR_ENOMEM;
	calls = weir_array_grow(n->calls, n->call_count, &n->call_room, sizeof(*calls));
	if (!calls)
		return WEIR_ENOMEM;
	n->calls = calls;
	calls[n->call_count++] = call;
	return 0;
}

static int pick_name(void *ctx, uint32_t sym, const char *name, size_t len)
{
	struct pick *pick = ctx;
	struct weir_scan *scan = pick->scan;
	uint64_t va = scan->syms.addr[sym];
	struct weir_names *n = &scan->names;

	if (len > strlen(PREFIX) && !memcmp(name, PREFIX, strlen(PREFIX)))
		pick->err = add_call(scan, va, name);
	else if (!n->irqchip && !strcmp(name, "__irqchip_of_table"))
		n->irqchip = va;
	else if (!n->clk && !strcmp(name, "__clk_of_table"))
		n->clk = va;
	else if (!n->timer && !strcmp(name, "__timer_of_table"))
		n->timer = va;
	else if (!n->banner && !strcmp(name, "linux_banner"))
		n->banner = va;
	return pick->err;
}

int weir_names_read_(struct weir_scan *scan)
{
	struct pick pick = { .scan = scan };

	weir_syms_each_(&scan->syms, pick_name, &pick);
	if (pick.err)
		return pick.err;
	return scan->names.call_count ? 0 : WEIR_ENOENT;
}
