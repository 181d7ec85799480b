// SPDX-License-Identifier: MIT
/*
 * Shared by the image_*.c files alone: the unpacked kernel as a memory map, its
 * symbol table, and the steps of the scan. All of it lives for one call of
 * weir_image_scan(), in one thread. Addresses are the kernel's link addresses
 * ("va"); everything that reads at one checks it against the map.
 */
#ifndef WEIR_SIM_KERNEL_IMAGE_PRIV_H
#define WEIR_SIM_KERNEL_IMAGE_PRIV_H

#include "image.h"

#define WEIR_MAP_SEGS 16

struct weir_map_seg {
	uint64_t va;
	uint64_t size;
	uint8_t *data;
};

struct weir_map {
	enum weir_arch arch;
	bool flat;		/* a raw Image: one segment, base to be found */
	unsigned int ptr_bytes;
	uint64_t va_lo, va_hi;	/* smallest address, one past the largest */
	struct weir_map_seg segs[WEIR_MAP_SEGS];
	unsigned int seg_count;
	uint8_t *file;
	size_t file_size;
};

/* One kallsyms table. addr[] is sorted. */
struct weir_syms {
	uint32_t count;
	uint64_t *addr;
	const uint8_t *names;
	const uint8_t *names_end;	/* also where the markers start */
	const uint8_t *tokens[256];
	uint8_t token_len[256];
};

/* What is kept of the symbol names. */
struct weir_initcall {
	uint64_t entry, func;
	uint8_t level;		/* 2 * level + sync; early is 0, rootfs 11 */
	const char *module;
};

struct weir_names {
	struct weir_initcall *calls;	/* in link order */
	size_t call_count, call_room;
	uint64_t irqchip, clk, timer, banner;	/* 0: there is no such symbol */
	bool functions_only;	/* kallsyms without data: bounds of objects unknown */
};

struct weir_scan {
	struct weir_map map;
	struct weir_syms syms;
	struct weir_names names;
	struct weir_image *image;
	size_t driver_room, early_room;
	/* Scratch of the initcall walk. */
	uint64_t *found;
	size_t found_count, found_room;
	uint64_t *calls;
	size_t call_count, call_room;
	uint64_t *seen;		/* addresses of the drivers found */
	size_t seen_count, seen_room;
	/* Steps left: bounds the work that a hostile image can ask for. */
	uint64_t budget;
};

/* image_map.c */
int weir_map_init_(struct weir_map *map, uint8_t *data, size_t size, bool arm_raw,
		   struct weir_errtext *et);
void weir_map_rebase_(struct weir_map *map, uint64_t va);
/* Store the addends of the relocation entries. A flat image's base is told by the entry of
 * the word at file offset @anchor, which points @delta bytes below the base. */
#define WEIR_DELTA_UNKNOWN UINT64_MAX
bool weir_map_relocate_(struct weir_map *map, uint64_t anchor, uint64_t delta);

/* Return: @len bytes at @va, or NULL when they are not all in the map. */
const uint8_t *weir_map_at_(const struct weir_map *map, uint64_t va, uint64_t len);
/* The pointer stored at @va when it points into the map. */
bool weir_map_pointer_(const struct weir_map *map, uint64_t va, uint64_t *out_target);
/* The NUL-terminated string at @va, at most @max bytes, or NULL. */
const char *weir_map_string_(const struct weir_map *map, uint64_t va, size_t max, size_t *out_len);

/* image_syms.c: 0, WEIR_ENOENT when there is no table of a known layout, WEIR_ENOMEM. */
int weir_syms_find_(struct weir_map *map, struct weir_syms *out_syms, const char **out_why);
void weir_syms_fini_(struct weir_syms *syms);
/* Return: the first symbol's address above @va, or @va + 4096 behind the last. */
uint64_t weir_syms_next_(const struct weir_syms *syms, uint64_t va);
bool weir_syms_exact_(const struct weir_syms *syms, uint64_t va);
/* The name of the symbol at @va ends with @suffix. */
bool weir_syms_name_ends_(const struct weir_syms *syms, uint64_t va, const char *suffix);
/* Call @fn with every name (without its type), NUL-terminated; a nonzero return ends it. */
int weir_syms_each_(const struct weir_syms *syms,
		    int (*fn)(void *ctx, uint32_t sym, const char *name, size_t len), void *ctx);

/* image_names.c: 0, WEIR_ENOENT without initcalls, WEIR_ENOMEM. */
int weir_names_read_(struct weir_scan *scan);

/* image_calls.c: the same for symbols of functions alone. */
int weir_calls_find_(struct weir_scan *scan);

/* image_code.c: appends to scan->found and scan->calls. */
int weir_code_scan_(struct weir_scan *scan, uint64_t func);

/* image_ids.c: id tables. */
/* Return: the length of the compatible of the of_device_id at @va, 0 at the
 * end of the table, -1 when it is none; *@out_compat points into the map. */
int weir_ids_of_(const struct weir_map *map, uint64_t va, const char **out_compat);
unsigned int weir_ids_of_bytes_(const struct weir_map *map);
/* Each reads a whole table; @out_* are allocated from the image's arena.
 * Return: entries, 0 when it is no such table, or WEIR_ENOMEM. */
int weir_ids_of_table_(struct weir_scan *scan, uint64_t va, bool pm_bus,
		       const struct weir_compat **out_compats);
int weir_ids_acpi_table_(struct weir_scan *scan, uint64_t va, const char *const **out_ids);
int weir_ids_amba_table_(struct weir_scan *scan, uint64_t va, struct weir_compat *compats,
			 int count, int room);

/* image_drivers.c, image_tables.c */
int weir_scan_drivers_(struct weir_scan *scan);
int weir_scan_early_(struct weir_scan *scan);
/* Match tables by plain search; @early_only: those of early code alone. */
int weir_scan_tables_(struct weir_scan *scan, bool early_only);
int weir_scan_add_driver_(struct weir_scan *scan, const struct weir_builtin *driver);
int weir_scan_add_early_(struct weir_scan *scan, enum weir_early_kind kind, const char *compat,
			 size_t len);

#endif
