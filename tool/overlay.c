// SPDX-License-Identifier: MIT
/*
 * Overlays: what is asked of each before it is applied, so that what does not fit is
 * said in words. The layout of an overlay blob (__fixups__, __symbols__, fragments
 * with __overlay__) is that of the device tree compiler's manual, "Overlays".
 */
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "weir.h"

/* All overlays of a run, unpacked. */
struct set {
	const struct list *paths;
	struct weir_bytes files[MAX_LIST];
	size_t n;
	char *what;
	size_t what_bytes;
};

static int bad(const struct set *s, size_t i, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int bad(const struct set *s, size_t i, const char *fmt, ...)
{
	int used = snprintf(s->what, s->what_bytes, "%s: ", s->paths->item[i]);
	va_list args;

	va_start(args, fmt);
	if (used >= 0 && (size_t)used < s->what_bytes)
		vsnprintf(s->what + used, s->what_bytes - (size_t)used, fmt, args);
	va_end(args);
	return EXIT_USAGE;
}

static bool is_overlay(const void *blob)
{
	int node;

	fdt_for_each_subnode(node, blob, 0)
		if (fdt_subnode_offset(blob, node, "__overlay__") >= 0)
			return true;
	return false;
}

static bool has_label(const void *blob, const char *label)
{
	int symbols = fdt_path_offset(blob, "/__symbols__");

	return symbols >= 0 && fdt_getprop(blob, symbols, label, NULL);
}

/* The first label that @blob needs and @base does not have, or NULL. */
static const char *missing_label(const void *blob, const void *base)
{
	int fixups = fdt_path_offset(blob, "/__fixups__"), prop;
	const char *label;

	if (fixups < 0)
		return NULL;
	fdt_for_each_property_offset(prop, blob, fixups)
		if (fdt_getprop_by_offset(blob, prop, &label, NULL) && !has_label(base, label))
			return label;
	return NULL;
}

static bool needs_from(const void *blob, const void *other)
{
	int fixups = fdt_path_offset(blob, "/__fixups__"), prop;
	const char *label;

	if (fixups < 0)
		return false;
	fdt_for_each_property_offset(prop, blob, fixups)
		if (fdt_getprop_by_offset(blob, prop, &label, NULL) && has_label(other, label))
			return true;
	return false;
}

static int check_labels(const struct set *s, size_t i, const void *base)
{
	const void *blob = s->files[i].data;
	const char *label = missing_label(blob, base);

	if (!label)
		return 0;
	for (size_t j = i + 1; j < s->n; j++) {
		if (!has_label(s->files[j].data, label))
			continue;
		if (needs_from(s->files[j].data, blob))
			return bad(s, i, "needs label '%s' of %s, which needs this one: they are "
				   "cyclic", label, s->paths->item[j]);
		return bad(s, i, "needs label '%s' of %s: give that one first", label,
			   s->paths->item[j]);
	}
	if (fdt_path_offset(base, "/__symbols__") < 0)
		return bad(s, i, "needs label '%s', and the board has no labels (compile it with "
			   "dtc -@)", label);
	return bad(s, i, "does not fit: the board has no label '%s'", label);
}

static int check(const struct set *s, size_t i, const void *base)
{
	const struct weir_bytes *file = &s->files[i];

	if (weir_dt_check(file->data, file->size))
		return bad(s, i, "damaged device tree: wrong magic, or cut short at offset 0x%zx",
			   file->size);
	if (!is_overlay(file->data))
		return bad(s, i, "no overlay: it has no fragments with __overlay__");
	for (size_t j = 0; j < i; j++)
		if (s->files[j].size == file->size &&
		    !memcmp(s->files[j].data, file->data, file->size))
			return bad(s, i, "given twice");
	return check_labels(s, i, base);
}

/* @tree grows by what the overlay may need. */
static int apply(const struct set *s, size_t i, const char *board, struct weir_bytes *tree)
{
	struct weir_bytes copy = { 0 };
	size_t room = tree->size + s->files[i].size * 2 + 65536;
	uint8_t *buf = realloc(tree->data, room + 1);
	const char *why = "";
	int err;

	if (!buf)
		return bad(s, i, "out of memory");
	memset(buf + tree->size, 0, room + 1 - tree->size);
	tree->data = buf;
	tree->size = room;
	copy.data = malloc(s->files[i].size); /* applying changes it, and others look at it */
	if (!copy.data)
		return bad(s, i, "out of memory");
	memcpy(copy.data, s->files[i].data, s->files[i].size);
	err = weir_dt_overlay_apply(buf, room, copy.data, s->files[i].size, &why);
	free(copy.data);
	return err ? bad(s, i, "cannot be applied to %s: %s", board, why) : 0;
}

int overlays_apply(const struct list *paths, const char *board, struct weir_bytes *tree,
		   char *out_what, size_t bytes)
{
	struct set s = { .paths = paths, .what = out_what, .what_bytes = bytes };
	int err = 0;

	if (paths->n && weir_dt_check(tree->data, tree->size))
		return 0; /* loading it says what is wrong */
	for (; s.n < paths->n && !err; s.n++)
		err = tree_read(paths->item[s.n], &s.files[s.n], out_what, bytes);
	for (size_t i = 0; i < paths->n && !err; i++) {
		err = check(&s, i, tree->data);
		if (!err)
			err = apply(&s, i, board, tree);
	}
	for (size_t i = 0; i < s.n; i++)
		weir_bytes_fini(&s.files[i]);
	return err;
}
