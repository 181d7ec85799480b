// SPDX-License-Identifier: MIT
/*
 * Boot images, whatever their format; see bootimage.h.
 */
#include "bootimage.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "le.h"
#include "weir/err.h"
#include "weir/firmware.h"

#define FDT_HEAD_BYTES 40u
#define MAX_PATH_BYTES 4096

/* ---- parts ---- */

const char *weir_bootimage_word_(struct weir_bootimage *image, const char *s, size_t len)
{
	char *word = weir_arena_strndup(&image->arena, s, strnlen(s, len));

	for (char *p = word; p && *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	return word;
}

int weir_bootimage_add_(struct weir_bootimage *image, enum weir_bootpart_kind kind,
			const char *name, uint64_t off, uint64_t size, struct weir_errtext *et)
{
	struct weir_bootpart *more;

	if (off > image->file.size || size > image->file.size - off)
		return weir_errtext_set(et, WEIR_EBADMSG,
					"%.60s: at offset %llu, %llu bytes, is outside the file of %zu bytes",
					name, (unsigned long long)off, (unsigned long long)size,
					image->file.size);
	if (image->part_count == WEIR_BOOTIMAGE_MAX_PARTS)
		return weir_errtext_set(et, WEIR_E2BIG, "more than %u parts", WEIR_BOOTIMAGE_MAX_PARTS);
	more = weir_array_grow(image->parts, image->part_count, &image->part_room, sizeof(*more));
	if (!more)
		return WEIR_ENOMEM;
	image->parts = more;
	name = weir_bootimage_word_(image, name, 256);
	if (!name)
		return WEIR_ENOMEM;
	image->parts[image->part_count++] = (struct weir_bootpart){
		.kind = kind, .name = name, .data = image->file.data + off, .size = (size_t)size,
	};
	return 0;
}

/* It may lie anywhere, and libfdt wants it aligned. */
size_t weir_bootimage_tree_at_(const uint8_t *data, size_t size, size_t *left)
{
	size_t bytes = 0, root;
	void *copy;
	bool sound;

	if (size >= FDT_HEAD_BYTES)
		bytes = weir_get_be32(data + 4);
	if (bytes < FDT_HEAD_BYTES + 8 || bytes > size || bytes > *left)
		return 0;
	root = weir_get_be32(data + 8);
	if (root > bytes - 4 || weir_get_be32(data + root) != FDT_BEGIN_NODE)
		return 0;
	*left -= bytes;
	copy = malloc(bytes);
	if (!copy)
		return 0;
	memcpy(copy, data, bytes);
	sound = !weir_dt_check(copy, bytes);
	free(copy);
	return sound ? bytes : 0;
}

int weir_bootimage_label_(struct weir_bootimage *image, const char *label)
{
	struct weir_bootpart *last = &image->parts[image->part_count - 1];

	last->label = weir_bootimage_word_(image, label, strlen(label));
	return last->label ? 0 : WEIR_ENOMEM;
}

int weir_bootimage_add_trees_(struct weir_bootimage *image, const char *name, uint64_t off,
			      uint64_t size, struct weir_errtext *et)
{
	static const uint8_t magic[] = { 0xd0, 0x0d, 0xfe, 0xed };
	const uint8_t *at = image->file.data + off, *end = at + size;
	size_t left = 4 * (size_t)size;
	int err = 0;

	while (!err && (at = memmem(at, (size_t)(end - at), magic, sizeof(magic)))) {
		size_t bytes = weir_bootimage_tree_at_(at, (size_t)(end - at), &left);

		if (bytes)
			err = weir_bootimage_add_(image, WEIR_BOOTPART_TREE, name,
						  (uint64_t)(at - image->file.data), bytes, et);
		at += bytes ? bytes : 4;
	}
	return err;
}

const struct weir_bootpart *weir_bootimage_part(const struct weir_bootimage *image,
						enum weir_bootpart_kind kind)
{
	for (size_t i = 0; i < image->part_count; i++)
		if (image->parts[i].kind == kind)
			return &image->parts[i];
	return NULL;
}

/* ---- reading ---- */

bool weir_bootimage_is(const uint8_t *data, size_t size)
{
	return weir_android_is_(data, size) || weir_fit_is_(data, size) || weir_table_is_(data, size) ||
	       weir_appended_is_(data, size);
}

static int read_kind(struct weir_bootimage *image, struct weir_errtext *et)
{
	const uint8_t *data = image->file.data;
	size_t size = image->file.size;

	if (weir_android_is_(data, size))
		return weir_android_read_(image, et);
	if (weir_fit_is_(data, size))
		return weir_fit_read_(image, et);
	if (weir_table_is_(data, size))
		return weir_table_read_(image, et);
	if (weir_appended_is_(data, size))
		return weir_appended_read_(image, et);
	return weir_errtext_set(et, WEIR_EBADMSG, "no boot image");
}

int weir_bootimage_read(struct weir_bytes *file, const char *choice, struct weir_errtext *et,
			struct weir_bootimage **out_image)
{
	struct weir_bootimage *image = calloc(1, sizeof(*image));
	int err = WEIR_ENOMEM;

	if (!image) {
		weir_bytes_fini(file);
		return weir_errtext_set(et, err, "no memory");
	}
	image->file = *file;
	*file = (struct weir_bytes){ 0 };
	if (choice)
		image->choice = weir_bootimage_word_(image, choice, strlen(choice));
	if (!choice || image->choice)
		err = read_kind(image, et);
	if (err == WEIR_ENOMEM)
		weir_errtext_set(et, err, "no memory");
	if (err)
		weir_bootimage_destroy(image);
	else
		*out_image = image;
	return err;
}

const char *weir_bootimage_named(const char *path)
{
	const char *mark = strrchr(path, '#');

	if (!mark || mark == path || mark - path >= MAX_PATH_BYTES || !mark[1] || strchr(mark, '/') ||
	    !access(path, F_OK))
		return NULL;
	return mark + 1;
}

int weir_bootimage_open(const char *path, struct weir_errtext *et,
			struct weir_bootimage **out_image)
{
	const char *choice = weir_bootimage_named(path);
	char file[MAX_PATH_BYTES];
	struct weir_bytes data = { 0 };
	int err;

	snprintf(file, sizeof(file), "%.*s", choice ? (int)(choice - path - 1) : MAX_PATH_BYTES - 1, path);
	err = weir_bytes_read(file, et, &data);
	if (err)
		return err;
	if (!weir_bootimage_is(data.data, data.size)) {
		weir_bytes_fini(&data);
		if (choice)
			return weir_errtext_set(et, WEIR_EINVAL,
						"%.300s: no boot image, of which '%.60s' could be chosen", file,
						choice);
		*out_image = NULL;
		return 0;
	}
	err = weir_bootimage_read(&data, choice, et, out_image);
	if (err)
		weir_errtext_prefix(et, path);
	return err;
}

void weir_bootimage_destroy(struct weir_bootimage *image)
{
	if (!image)
		return;
	weir_bytes_fini(&image->file);
	free(image->parts);
	weir_arena_fini(&image->arena);
	free(image);
}

/* ---- what is in it ---- */

/* A copy, unpacked if it is packed. */
int weir_bootimage_plain_(const struct weir_bootpart *part, struct weir_errtext *et,
			  struct weir_bytes *out)
{
	uint8_t *data;

	if (part->zlib || weir_unpack_compression(part->data, part->size)) {
		int err = part->zlib ? weir_unpack_zlib(part->data, part->size, et, out)
				     : weir_unpack_stream(part->data, part->size, et, out);

		if (err)
			weir_errtext_prefix(et, part->name);
		return err;
	}
	data = malloc(part->size + 1);
	if (!data)
		return weir_errtext_set(et, WEIR_ENOMEM, "no memory");
	memcpy(data, part->data, part->size);
	data[part->size] = 0;
	*out = (struct weir_bytes){ data, part->size };
	return 0;
}

/* "id=0x12" of "id=0x12,rev=0x1", or all of it. */
static bool is_labelled(const char *label, const char *choice)
{
	size_t n = strlen(choice);

	return label && !strncmp(label, choice, n) && (!label[n] || label[n] == ',');
}

/* Whether a tree is the one that a word names: its number, its label, or one of its compatibles. */
static bool is_chosen(const struct weir_bootpart *part, size_t number, const char *choice)
{
	struct weir_bytes tree = { 0 };
	char text[16];
	bool is;

	snprintf(text, sizeof(text), "%zu", number);
	if (!strcmp(text, choice) || is_labelled(part->label, choice))
		return true;
	if (weir_bootimage_plain_(part, NULL, &tree))
		return false;
	is = !weir_dt_check(tree.data, tree.size) &&
	     fdt_stringlist_search(tree.data, 0, "compatible", choice) >= 0;
	weir_bytes_fini(&tree);
	return is;
}

/* "3 trees (0: acme,one, 1: acme,two, ...)" */
static int tell_trees(const struct weir_bootimage *image, size_t count, struct weir_errtext *et)
{
	char list[300] = "";
	size_t number = 0;

	for (size_t i = 0; i < image->part_count && number < 4; i++) {
		struct weir_bytes tree = { 0 };
		const char *first = NULL;
		size_t used = strlen(list);

		if (image->parts[i].kind != WEIR_BOOTPART_TREE)
			continue;
		if (!weir_bootimage_plain_(&image->parts[i], NULL, &tree) && !weir_dt_check(tree.data, tree.size))
			first = fdt_getprop(tree.data, 0, "compatible", NULL);
		snprintf(list + used, sizeof(list) - used, "%s%zu: %.60s", number ? ", " : "", number,
			 first && *first ? first : image->parts[i].label ? image->parts[i].label : "?");
		weir_bytes_fini(&tree);
		number++;
	}
	if (image->choice)
		return weir_errtext_set(et, WEIR_EINVAL, "none of its %zu device trees is '%.60s' (%s%s)",
					count, image->choice, list, number < count ? ", ..." : "");
	return weir_errtext_set(et, WEIR_EINVAL, "%zu device trees in it (%s%s): name one as FILE#0", count,
				list, number < count ? ", ..." : "");
}

/* The index of the tree that is meant. */
static int find_tree(const struct weir_bootimage *image, struct weir_errtext *et, size_t *out_at)
{
	const char *choice = image->config ? NULL : image->choice;
	size_t number = 0, found = 0;

	for (size_t i = 0; i < image->part_count; i++) {
		if (image->parts[i].kind != WEIR_BOOTPART_TREE)
			continue;
		if (!choice || is_chosen(&image->parts[i], number, choice)) {
			if (!found++)
				*out_at = i;
		}
		number++;
	}
	if (!number)
		return weir_errtext_set(et, WEIR_ENOENT, "%s%s%s without a device tree", image->kind,
					image->config ? ", configuration " : "",
					image->config ? image->config : "");
	/* a FIT's configuration may name one tree only; of a word, the first is meant */
	return found == 1 || (found && choice) ? 0 : tell_trees(image, number, et);
}

static int apply_overlay(const struct weir_bootpart *part, struct weir_bytes *tree,
			 struct weir_errtext *et)
{
	struct weir_bytes overlay = { 0 };
	const char *why = "";
	uint8_t *buf;
	size_t room;
	int err = weir_bootimage_plain_(part, et, &overlay);

	if (err)
		return err;
	room = tree->size + overlay.size * 2 + 65536;
	buf = realloc(tree->data, room + 1);
	if (buf) {
		memset(buf + tree->size, 0, room + 1 - tree->size);
		*tree = (struct weir_bytes){ buf, room };
		if (weir_dt_overlay_apply(buf, room, overlay.data, overlay.size, &why))
			err = weir_errtext_set(et, WEIR_EBADMSG, "%s: cannot be applied: %s", part->name,
					       why);
	} else {
		err = weir_errtext_set(et, WEIR_ENOMEM, "no memory");
	}
	weir_bytes_fini(&overlay);
	return err;
}

int weir_bootimage_tree(const struct weir_bootimage *image, struct weir_errtext *et,
			struct weir_bytes *out_tree)
{
	struct weir_bytes tree = { 0 };
	size_t at = 0;
	int err = find_tree(image, et, &at);

	if (!err)
		err = weir_bootimage_plain_(&image->parts[at], et, &tree);
	for (size_t i = at + 1; !err && i < image->part_count; i++)
		if (image->parts[i].kind == WEIR_BOOTPART_OVERLAY)
			err = apply_overlay(&image->parts[i], &tree, et);
	if (err)
		weir_bytes_fini(&tree);
	else
		*out_tree = tree;
	return err;
}

int weir_bootimage_ramdisks(const struct weir_bootimage *image, struct weir_errtext *et,
			    struct weir_bytes *out_ramdisks)
{
	size_t size = 0, n = 0, at = 0;
	uint8_t *data;

	for (size_t i = 0; i < image->part_count; i++) {
		if (image->parts[i].kind != WEIR_BOOTPART_RAMDISK)
			continue;
		/* a part of a file may be named many times */
		if (image->parts[i].size > WEIR_UNPACK_MAX_BYTES - size)
			return weir_errtext_set(et, WEIR_E2BIG, "ramdisks of more than %zu bytes",
						WEIR_UNPACK_MAX_BYTES);
		size += image->parts[i].size;
		n++;
	}
	if (!n)
		return weir_errtext_set(et, WEIR_ENOENT, "%s without a ramdisk", image->kind);
	data = malloc(size + 1);
	if (!data)
		return weir_errtext_set(et, WEIR_ENOMEM, "no memory");
	for (size_t i = 0; i < image->part_count; i++) {
		if (image->parts[i].kind != WEIR_BOOTPART_RAMDISK)
			continue;
		memcpy(data + at, image->parts[i].data, image->parts[i].size);
		at += image->parts[i].size;
	}
	data[size] = 0;
	*out_ramdisks = (struct weir_bytes){ data, size };
	return 0;
}

int weir_bootimage_kernel(const struct weir_bootimage *image, struct weir_errtext *et,
			  struct weir_bytes *out_kernel)
{
	const struct weir_bootpart *part = weir_bootimage_part(image, WEIR_BOOTPART_KERNEL);
	uint8_t *data = part ? malloc(part->size + 1) : NULL;

	if (!part)
		return weir_errtext_set(et, WEIR_ENOENT, "%s without a kernel", image->kind);
	if (!data)
		return weir_errtext_set(et, WEIR_ENOMEM, "no memory");
	memcpy(data, part->data, part->size);
	data[part->size] = 0;
	*out_kernel = (struct weir_bytes){ data, part->size };
	return 0;
}
