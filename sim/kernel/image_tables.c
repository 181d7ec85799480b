// SPDX-License-Identifier: MIT
/*
 * The tables of early code, and the plain search for match tables that is left
 * when an image has no symbols. A match table is a run of of_device_id records
 * that ends with an empty one; each starts with 64 zero bytes (no name, no
 * type). One scan, one thread.
 */
#include "image_priv.h"

#include <string.h>

#include "le.h"
#include "weir/err.h"

/* These are set up by the interrupt controller above them, from its own table. */
static const char *const gic_children[] = { "arm,gic-v3-its", "arm,gic-v2m-frame" };

static int early_table(struct weir_scan *scan, uint64_t va, enum weir_early_kind kind)
{
	unsigned int bytes = weir_ids_of_bytes_(&scan->map);
	const char *compat;
	int len, err;

	for (; va && (len = weir_ids_of_(&scan->map, va, &compat)) > 0; va += bytes) {
		enum weir_early_kind k = kind;
		uint64_t func;

		/* CLK_OF_DECLARE_DRIVER: the driver gets its device all the same. */
		if (k == WEIR_EARLY_CLOCK &&
		    weir_map_pointer_(&scan->map, va + bytes - scan->map.ptr_bytes, &func) &&
		    weir_syms_name_ends_(&scan->syms, scan->map.ptr_bytes == 4 ? func & ~1ull : func,
					 "_of_clk_init_driver"))
			k = WEIR_EARLY_INIT;
		err = weir_scan_add_early_(scan, k, compat, (size_t)len);
		if (err)
			return err;
	}
	return 0;
}

/* Is there an of_device_id record for it anywhere? */
static bool has_record(const struct weir_map *map, const char *compat)
{
	size_t len = strlen(compat), off = 0;
	const char *text;

	while (off < map->file_size) {
		const uint8_t *at = memmem(map->file + off, map->file_size - off, compat, len + 1);
		struct weir_map one = *map;

		if (!at)
			return false;
		off = (size_t)(at - map->file) + 1;
		if (off <= 64)
			continue;
		one.segs[0] = (struct weir_map_seg){ 0, map->file_size, map->file };
		one.seg_count = 1;
		if (weir_ids_of_(&one, off - 1 - 64, &text) == (int)len)
			return true;
	}
	return false;
}

int weir_scan_early_(struct weir_scan *scan)
{
	size_t i;
	int err;

	if (scan->names.functions_only)
		err = weir_scan_tables_(scan, true);
	else
		err = early_table(scan, scan->names.irqchip, WEIR_EARLY_IRQ);
	if (!err)
		err = early_table(scan, scan->names.clk, WEIR_EARLY_CLOCK);
	for (i = 0; !err && i < sizeof(gic_children) / sizeof(gic_children[0]); i++)
		if (scan->map.arch != WEIR_ARCH_X86_64 && has_record(&scan->map, gic_children[i]))
			err = weir_scan_add_early_(scan, WEIR_EARLY_INIT, gic_children[i],
						   strlen(gic_children[i]));
	if (!err)
		err = early_table(scan, scan->names.timer, WEIR_EARLY_TIMER);
	return err;
}

static bool has_compat(const struct weir_compat *compats, int count, const char *name)
{
	int i;

	for (i = 0; i < count; i++)
		if (!strcmp(compats[i].name, name))
			return true;
	return false;
}

/*
 * Without symbols of data, early tables are known by what they hold together:
 * no driver matches both these interrupt controllers, these clocks, these timers.
 */
static int early_kind_of(const struct weir_compat *compats, int count)
{
	static const struct {
		const char *a, *b;
		enum weir_early_kind kind;
	} marks[] = {
		{ "arm,gic-400", "arm,cortex-a15-gic", WEIR_EARLY_IRQ },
		{ "riscv,cpu-intc", "riscv,cpu-intc", WEIR_EARLY_IRQ },
		{ "fixed-clock", "fixed-factor-clock", WEIR_EARLY_CLOCK },
		{ "arm,armv7-timer", "arm,armv8-timer", WEIR_EARLY_TIMER },
	};
	size_t i;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (has_compat(compats, count, marks[i].a) && has_compat(compats, count, marks[i].b))
			return (int)marks[i].kind;
	return -1;
}

/*
 * "vendor,device", or a generic name of lower-case words joined by hyphens:
 * other strings behind zeros are no compatibles.
 */
static bool is_compatible(const char *s)
{
	static const char lower[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t vendor = strspn(s, lower);

	if (s[0] < 'a' || s[0] > 'z')
		return false;
	if (s[vendor] == ',')
		return s[vendor + 1] && !strpbrk(s + vendor + 1, "\"'\\`()<>*?%");
	return !s[vendor] && strchr(s, '-') != NULL;
}

static int add_table(struct weir_scan *scan, uint64_t va, bool early_only,
		     const struct weir_compat *compats, int count)
{
	struct weir_builtin drv = { .bus = WEIR_BUILTIN_OTHER, .level = "6" };
	int kind = early_kind_of(compats, count), i;

	for (i = 0; i < count; i++)
		if (!is_compatible(compats[i].name))
			return 0;
	if (kind >= 0)
		return early_table(scan, va, (enum weir_early_kind)kind);
	if (early_only)
		return 0;
	drv.name = compats[0].name;
	drv.compats = compats;
	drv.compat_count = (size_t)count;
	return weir_scan_add_driver_(scan, &drv);
}

static int tables_in_seg(struct weir_scan *scan, const struct weir_map_seg *seg, bool early_only)
{
	unsigned int bytes = weir_ids_of_bytes_(&scan->map), step = scan->map.ptr_bytes;
	uint64_t pos, zeros = 0;

	for (pos = 0; pos + step <= seg->size; pos += step) {
		const uint8_t *p = seg->data + pos;
		const struct weir_compat *compats;
		uint64_t va;
		int n = 0, err;

		if (!(step == 8 ? weir_get_le64(p) : weir_get_le32(p))) {
			zeros += step;
			continue;
		}
		va = seg->va + pos - 64;
		if (zeros >= 64)
			n = weir_ids_of_table_(scan, va, false, &compats);
		if (n > 0) {
			err = add_table(scan, va, early_only, compats, n);
			n = err ? err : n;
		}
		if (n < 0)
			return n;
		/* On to the record that ends the table. */
		if (n)
			pos += (uint64_t)bytes * (unsigned int)n - 64 - step;
		zeros = 0;
	}
	return 0;
}

int weir_scan_tables_(struct weir_scan *scan, bool early_only)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < scan->map.seg_count; i++)
		err = tables_in_seg(scan, &scan->map.segs[i], early_only);
	return err;
}
