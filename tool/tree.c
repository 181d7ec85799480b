// SPDX-License-Identifier: MIT
/*
 * Where a board's device tree comes from: a file with it, a boot image, a capture of a
 * running Linux, or the caller's memory. What is read is the caller's, unpacked and not yet
 * looked at.
 */
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "kernel/bootimage.h"
#include "weir.h"

/* The file of FILE#CHOICE. */
static int read_raw(const char *path, struct weir_bytes *out_bytes, char *out_what, size_t bytes)
{
	const char *choice = weir_bootimage_named(path);
	struct weir_errtext et = { "" };
	char file[4096];
	int err;

	snprintf(file, sizeof(file), "%.*s", choice ? (int)(choice - path - 1) : 4095, path);
	err = weir_bytes_read(file, &et, out_bytes);
	return err ? complain_in(out_what, bytes, "%s", *et.text ? et.text : weir_strerror(err)) : 0;
}

static int unpack(const char *path, struct weir_bytes *file, char *out_what, size_t bytes)
{
	struct weir_bytes plain = { 0 };
	struct weir_errtext et = { "" };
	int err;

	if (!weir_unpack_compression(file->data, file->size))
		return 0;
	err = weir_unpack_stream(file->data, file->size, &et, &plain);
	weir_bytes_fini(file);
	*file = plain;
	return err ? complain_in(out_what, bytes, "%s: %s", path, *et.text ? et.text : weir_strerror(err)) : 0;
}

int read_plain(const char *path, struct weir_bytes *out_bytes, char *out_what, size_t bytes)
{
	struct weir_bytes file = { 0 };
	int err = read_raw(path, &file, out_what, bytes);

	if (!err)
		err = unpack(path, &file, out_what, bytes);
	if (!err)
		*out_bytes = file;
	return err;
}

/* The tree of a boot image. @file: replaced by it. */
static int take_image(const char *path, struct weir_bytes *file, char *out_what, size_t bytes)
{
	struct weir_bootimage *image = NULL;
	struct weir_errtext et = { "" };
	int err = weir_bootimage_read(file, weir_bootimage_named(path), &et, &image);

	if (!err)
		err = weir_bootimage_tree(image, &et, file);
	weir_bootimage_destroy(image);
	return err ? complain_in(out_what, bytes, "%s: %s", path, et.text) : 0;
}

int tree_read(const char *path, struct weir_bytes *out_tree, char *out_what, size_t bytes)
{
	struct weir_bytes file = { 0 };
	int err = read_raw(path, &file, out_what, bytes);
	bool image;

	if (err)
		return err;
	/* a packed kernel has its trees behind it, and is not unpacked for them */
	image = weir_bootimage_is(file.data, file.size);
	if (!image) {
		err = unpack(path, &file, out_what, bytes);
		image = !err && weir_bootimage_is(file.data, file.size);
	}
	if (!err && image)
		err = take_image(path, &file, out_what, bytes);
	else if (!err && weir_bootimage_named(path))
		err = complain_in(out_what, bytes, "%s: no boot image, of which one part could be chosen", path);
	if (err)
		weir_bytes_fini(&file);
	else
		*out_tree = file;
	return err;
}

/* A tree that is put on top of others has fragments, and nothing of its own. */
static bool is_overlay(const struct weir_bytes *tree)
{
	int node;

	if (weir_dt_check(tree->data, tree->size) || fdt_getprop(tree->data, 0, "compatible", NULL))
		return false;
	fdt_for_each_subnode(node, tree->data, 0)
		if (fdt_subnode_offset(tree->data, node, "__overlay__") >= 0)
			return true;
	return false;
}

/* The command line of a capture, or NULL when it has none; it is the caller's. Return: false without memory. */
static bool take_cmdline(const struct capture *c, char **out_cmdline)
{
	const struct capture_entry *e = capture_find(c, "cmdline");
	char *text = e ? strndup(e->data, e->bytes) : NULL;

	if (text) {
		text[strcspn(text, "\n")] = '\0';
		text_clean(text, strlen(text), "");
	}
	*out_cmdline = text;
	return !e || text;
}

static int read_capture(const char *board, struct weir_bytes *tree, char **out_cmdline, char *out_what,
			size_t bytes)
{
	struct capture c;
	int err;

	weir_bytes_fini(tree);
	if (capture_read(&c, board))
		return complain_in(out_what, bytes, "%s: no device tree, and no capture", board);
	err = capture_dtb(&c, tree);
	if (!err && !take_cmdline(&c, out_cmdline)) {
		capture_free(&c);
		weir_bytes_fini(tree);
		return complain_in(out_what, bytes, "out of memory");
	}
	capture_free(&c);
	return err ? complain_in(out_what, bytes, "%s: a capture without a device tree", board) : 0;
}

int board_read(const struct opts *o, const char *board, struct weir_bytes *out_tree,
	       char **out_cmdline, char *out_what, size_t bytes)
{
	const struct weir_bytes *given = &o->tree;
	struct weir_bytes tree = { 0 };
	char *cmdline = NULL;
	int err;

	if (given->data) {
		tree.data = malloc(given->size);
		if (!tree.data)
			return complain_in(out_what, bytes, "out of memory");
		memcpy(tree.data, given->data, given->size);
		tree.size = given->size;
		*out_tree = tree;
		*out_cmdline = NULL;
		return 0;
	}
	err = tree_read(board, &tree, out_what, bytes);
	if (!err && capture_is(tree.data, tree.size))
		err = read_capture(board, &tree, &cmdline, out_what, bytes);
	if (!err && is_overlay(&tree))
		err = complain_in(out_what, bytes,
				  "%s: an overlay, and no board: name the board, and this with --overlay",
				  board);
	if (err) {
		weir_bytes_fini(&tree);
		free(cmdline);
		return err;
	}
	*out_tree = tree;
	*out_cmdline = cmdline;
	return 0;
}
