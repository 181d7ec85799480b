// SPDX-License-Identifier: MIT
/*
 * Opening a kernel image: unpack, map, symbols, initcalls; or, without symbols,
 * match tables alone. See image.h for the result and its life cycle; the scan's
 * own state is a struct weir_scan on the stack of weir_image_scan().
 */
#include "image_priv.h"

#include <stdlib.h>
#include <string.h>

#include "unpack.h"
#include "weir/err.h"

#define SCAN_BUDGET 4000000

const char *weir_arch_name(enum weir_arch arch)
{
	static const char *const names[WEIR_ARCH_COUNT] = {
		[WEIR_ARCH_UNKNOWN] = "unknown", [WEIR_ARCH_ARM] = "arm",
		[WEIR_ARCH_ARM64] = "arm64",	 [WEIR_ARCH_RISCV64] = "riscv64",
		[WEIR_ARCH_X86_64] = "x86_64",
	};

	return arch < WEIR_ARCH_COUNT ? names[arch] : "unknown";
}

static const char *clean_name(struct weir_arena *arena, const char *name)
{
	char *copy = weir_arena_strndup(arena, name, strlen(name)), *to = copy;
	const char *from;

	/* A run of characters that the list format uses becomes one underscore. */
	for (from = name; copy && *from; from++) {
		bool bad = strchr(" \t@:,/", *from) != NULL;

		if (!bad)
			*to++ = *from;
		else if (from == name || !strchr(" \t@:,/", from[-1]))
			*to++ = '_';
	}
	if (copy)
		*to = 0;
	return copy;
}

int weir_scan_add_driver_(struct weir_scan *scan, const struct weir_builtin *driver)
{
	struct weir_image *image = scan->image;
	struct weir_builtin *p;

	p = weir_array_grow(image->drivers, image->driver_count, &scan->driver_room, sizeof(*p));
	if (!p)
		return WEIR_ENOMEM;
	image->drivers = p;
	p += image->driver_count;
	*p = *driver;
	p->order = (uint32_t)image->driver_count;
	p->name = clean_name(&image->arena, driver->name);
	if (!p->name)
		return WEIR_ENOMEM;
	image->driver_count++;
	return 0;
}

int weir_scan_add_early_(struct weir_scan *scan, enum weir_early_kind kind, const char *compat,
			 size_t len)
{
	struct weir_image *image = scan->image;
	struct weir_early *p;

	p = weir_array_grow(image->early, image->early_count, &scan->early_room, sizeof(*p));
	if (!p)
		return WEIR_ENOMEM;
	image->early = p;
	p += image->early_count;
	p->kind = kind;
	p->compat = weir_arena_strndup(&image->arena, compat, len);
	if (!p->compat)
		return WEIR_ENOMEM;
	image->early_count++;
	return 0;
}

/* The line that the kernel prints first; "Linux version " also starts others. */
static int read_banner(struct weir_scan *scan)
{
	static const char start[] = "Linux version ";
	struct weir_image *image = scan->image;
	const uint8_t *d = scan->map.file, *at = NULL;
	size_t size = scan->map.file_size, off = 0, len, word;

	if (scan->names.banner)
		at = weir_map_at_(&scan->map, scan->names.banner, 64);
	if (at && !memcmp(at, start, sizeof(start) - 1))
		off = (size_t)(at - d);
	for (; off < size; off++) {
		at = memmem(d + off, size - off, start, sizeof(start) - 1);
		if (!at)
			return 0;
		off = (size_t)(at - d);
		if (size - off > sizeof(start) && at[14] >= '0' && at[14] <= '9')
			break;
	}
	if (off >= size)
		return 0;
	for (len = 14; len < size - off && len < 512 && at[len] >= ' ' && at[len] < 127; len++)
		;
	for (word = 14; word < len && at[word] != ' '; word++)
		;
	image->banner = weir_arena_strndup(&image->arena, (const char *)at, len);
	image->version = weir_arena_strndup(&image->arena, (const char *)at + 14, word - 14);
	return image->banner && image->version ? 0 : WEIR_ENOMEM;
}

static int scan_with_symbols(struct weir_scan *scan)
{
	int err = weir_syms_find_(&scan->map, &scan->syms, &scan->image->why_tables);

	if (err)
		return err;
	scan->image->why_tables = "no initcall entries found";
	err = weir_names_read_(scan);
	if (err == WEIR_ENOENT) {
		scan->names.functions_only = true;
		err = weir_calls_find_(scan);
	}
	if (!err)
		err = weir_scan_early_(scan);
	if (!err)
		err = weir_scan_drivers_(scan);
	if (!err && !scan->image->driver_count) {
		scan->image->why_tables = "no driver was found by way of the initcalls";
		scan->image->early_count = 0;
		err = WEIR_ENOENT;
	}
	return err;
}

static void scan_fini(struct weir_scan *scan)
{
	weir_syms_fini_(&scan->syms);
	free(scan->names.calls);
	free(scan->found);
	free(scan->calls);
	free(scan->seen);
}

/* @bytes: unpacked; modified (relocated). */
static int scan_bytes(struct weir_bytes *bytes, bool arm_raw, struct weir_errtext *et,
		      struct weir_image *image)
{
	struct weir_scan scan = { .image = image, .budget = SCAN_BUDGET };
	int err;

	err = weir_map_init_(&scan.map, bytes->data, bytes->size, arm_raw, et);
	if (err)
		return err;
	image->arch = scan.map.arch;
	err = scan_with_symbols(&scan);
	if (!err) {
		image->basis = WEIR_IMAGE_INITCALLS;
		image->why_tables = NULL;
	} else if (err == WEIR_ENOENT) {
		image->basis = WEIR_IMAGE_TABLES;
		scan.budget = SCAN_BUDGET;
		err = weir_scan_tables_(&scan, false);
	}
	if (!err)
		err = read_banner(&scan);
	scan_fini(&scan);
	if (err == WEIR_ENOMEM)
		weir_errtext_set(et, err, "no memory to scan the kernel image");
	if (!err && arm_raw && !image->banner && !image->driver_count)
		err = weir_errtext_set(et, WEIR_ENOEXEC, "not a kernel image of a known kind");
	return err;
}

/* Takes over @bytes. */
static int image_from_bytes(struct weir_bytes *bytes, struct weir_errtext *et,
			    struct weir_image **out_image)
{
	struct weir_unpack_info info = { 0 };
	struct weir_image *image = NULL;
	bool arm_raw;
	int err;

	err = weir_unpack(bytes, et, &info);
	if (err)
		goto out;
	image = calloc(1, sizeof(*image));
	if (image)
		image->layers = weir_arena_strndup(&image->arena, info.layers, strlen(info.layers));
	if (!image || !image->layers) {
		err = weir_errtext_set(et, WEIR_ENOMEM, "no memory to scan the kernel image");
		goto out;
	}
	/* A 32-bit ARM kernel has no header once it is out of its zImage. */
	arm_raw = !info.x86_bzimage &&
		  (info.arm_zimage || memmem(bytes->data, bytes->size, "Linux version ", 14));
	err = scan_bytes(bytes, arm_raw, et, image);
out:
	weir_bytes_fini(bytes);
	if (err)
		weir_image_destroy(image);
	else
		*out_image = image;
	return err;
}

int weir_image_scan(const uint8_t *data, size_t size, struct weir_errtext *et,
		    struct weir_image **out_image)
{
	struct weir_bytes copy = { .data = malloc(size + 1), .size = size };

	if (!copy.data)
		return weir_errtext_set(et, WEIR_ENOMEM, "no memory to scan the kernel image");
	if (size)
		memcpy(copy.data, data, size);
	copy.data[size] = 0;
	return image_from_bytes(&copy, et, out_image);
}

int weir_image_open(const char *path, struct weir_errtext *et, struct weir_image **out_image)
{
	struct weir_bytes bytes;
	int err = weir_bytes_read(path, et, &bytes);

	if (err)
		return err;
	err = image_from_bytes(&bytes, et, out_image);
	if (err)
		weir_errtext_prefix(et, path);
	return err;
}

void weir_image_destroy(struct weir_image *image)
{
	if (!image)
		return;
	free(image->drivers);
	free(image->early);
	weir_arena_fini(&image->arena);
	free(image);
}
