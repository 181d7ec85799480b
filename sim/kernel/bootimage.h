// SPDX-License-Identifier: MIT
/*
 * Boot images: what a boot loader takes apart into kernel, device tree and ramdisks.
 *   FIT images: "Flattened Image Tree (FIT) Format", fitspec.osfw.foundation, also with
 *   their data outside the tree (data-offset, data-position);
 *   Android's boot images, header versions 0 to 4, and vendor_boot, 3 and 4: "Boot image
 *   header" and "Vendor boot partitions", source.android.com. Trees that were appended to
 *   the kernel of an old one ("Image.gz-dtb") are found too;
 *   tables of trees: dt_table (dtb.img, dtbo.img) and QCDT (dt.img), and a kernel image with
 *   trees behind it: bootimage_table.c has the documents.
 * An image is not trusted: a part that is not inside the file is an error. Parts point
 * into the file and are as long as it; const once read. No lock.
 */
#ifndef WEIR_SIM_KERNEL_BOOTIMAGE_H
#define WEIR_SIM_KERNEL_BOOTIMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "errtext.h"
#include "unpack.h"

#define WEIR_BOOTIMAGE_MAX_PARTS 512u

enum weir_bootpart_kind {
	WEIR_BOOTPART_KERNEL,
	WEIR_BOOTPART_TREE,
	WEIR_BOOTPART_OVERLAY,	/* of the tree in front of it */
	WEIR_BOOTPART_RAMDISK,	/* in the order in which they are handed over */
};

struct weir_bootpart {
	enum weir_bootpart_kind kind;
	const char *name;	/* for messages, printable */
	const uint8_t *data;	/* perhaps packed */
	size_t size;
	const char *label;	/* of a tree in a table: how the table tells it from others; or NULL */
	bool zlib;		/* packed, which its bytes do not tell */
};

struct weir_bootimage {
	const char *kind;	/* "FIT image" and the like */
	const char *config;	/* of a FIT: the configuration that was taken; else NULL */
	struct weir_bootpart *parts;
	size_t part_count;
	/* private */
	const char *choice;
	size_t part_room;
	struct weir_bytes file;
	struct weir_arena arena;
};

/** Return: whether bytes are the start of a boot image; of a FIT, all of its tree is needed. */
bool weir_bootimage_is(const uint8_t *data, size_t size);

/**
 * weir_bootimage_read - take an image apart.
 * @file: taken over, also on failure; emptied.
 * @choice: the configuration of a FIT, or the tree of others (its number from 0, a
 * word of its compatible, or its label in a table, "id=0x12" or "id=0x12,rev=0x1"); NULL: the
 * only one there is, or a FIT's default.
 * @et: what is wrong, with the place; may be NULL.
 * Owner: *@out_image is the caller's, weir_bootimage_destroy().
 * Return: 0; WEIR_EBADMSG: damaged; WEIR_EINVAL: there is no such configuration, or
 * several; WEIR_E2BIG: more than WEIR_BOOTIMAGE_MAX_PARTS; WEIR_ENOMEM.
 */
int weir_bootimage_read(struct weir_bytes *file, const char *choice, struct weir_errtext *et,
			struct weir_bootimage **out_image);

/**
 * weir_bootimage_open - the same for a file.
 * @path: or PATH#CHOICE, where there is no file of the whole name.
 * @out_image: NULL when the file is no boot image.
 * Return: 0, or as weir_bootimage_read() and weir_bytes_read().
 */
int weir_bootimage_open(const char *path, struct weir_errtext *et,
			struct weir_bootimage **out_image);

/** Return: CHOICE of a PATH#CHOICE, where there is no file of the whole name; or NULL. */
const char *weir_bootimage_named(const char *path);

/** Frees it; NULL is fine. */
void weir_bootimage_destroy(struct weir_bootimage *image);

/** Return: the first part of a kind, or NULL. */
const struct weir_bootpart *weir_bootimage_part(const struct weir_bootimage *image,
						enum weir_bootpart_kind kind);

/**
 * weir_bootimage_tree - the chosen tree, unpacked, with the overlays of its configuration.
 * Owner: *@out_tree is the caller's.
 * Return: 0; WEIR_ENOENT: there is none; WEIR_EINVAL: several, or not the one chosen;
 * WEIR_EBADMSG; WEIR_E2BIG; WEIR_ENOMEM.
 */
int weir_bootimage_tree(const struct weir_bootimage *image, struct weir_errtext *et,
			struct weir_bytes *out_tree);

/**
 * weir_bootimage_boards - what may be chosen of an image so that it is a board: configurations
 * of a FIT, numbers of trees of others; none of those that are overlays.
 * @path: of a file.
 * @out_names: an array, and each of it, for free(); NULL when there are none.
 * Return: 0, also of what is no boot image; WEIR_EBADMSG and others as weir_bootimage_open().
 */
int weir_bootimage_boards(const char *path, struct weir_errtext *et, char ***out_names,
			  size_t *out_count);

/**
 * weir_bootimage_ramdisks - all ramdisks, one behind the other, as a boot loader hands
 * them over. Return: 0; WEIR_ENOENT: there is none; WEIR_E2BIG; WEIR_ENOMEM.
 */
int weir_bootimage_ramdisks(const struct weir_bootimage *image, struct weir_errtext *et,
			    struct weir_bytes *out_ramdisks);

/**
 * weir_bootimage_kernel - the kernel, as it is in there.
 * Return: 0; WEIR_ENOENT: there is none; WEIR_ENOMEM.
 */
int weir_bootimage_kernel(const struct weir_bootimage *image, struct weir_errtext *et,
			  struct weir_bytes *out_kernel);

/*
 * bootimage.c, for the formats. @off and @size: in the file, checked here. @name: copied,
 * what is not printable as "?". Return: 0; WEIR_EBADMSG; WEIR_E2BIG; WEIR_ENOMEM.
 */
int weir_bootimage_add_(struct weir_bootimage *image, enum weir_bootpart_kind kind,
			const char *name, uint64_t off, uint64_t size, struct weir_errtext *et);
/* All trees in a stretch of the file, one behind another. */
int weir_bootimage_add_trees_(struct weir_bootimage *image, const char *name, uint64_t off,
			      uint64_t size, struct weir_errtext *et);
/* weir_bootimage_boards() of bytes, which are taken over. */
int weir_bootimage_boards_(struct weir_bytes *file, struct weir_errtext *et, char ***out_names,
			   size_t *out_count);
/* What a table calls the part that was added last. Return: 0; WEIR_ENOMEM. */
int weir_bootimage_label_(struct weir_bootimage *image, const char *label);
/*
 * The size of the tree at @data, or 0. Kernels have the magic in their code, so a tree must be sound to
 * count. @left: bytes that may still be looked at, for looking at each place must have an end.
 */
size_t weir_bootimage_tree_at_(const uint8_t *data, size_t size, size_t *left);
/* A part as it was packed. Return: as weir_unpack_stream(). */
int weir_bootimage_plain_(const struct weir_bootpart *part, struct weir_errtext *et,
			  struct weir_bytes *out);
/* A printable copy in the arena, or NULL. */
const char *weir_bootimage_word_(struct weir_bootimage *image, const char *s, size_t len);
/* bootimage_fit.c, bootimage_android.c, bootimage_table.c. Return: as weir_bootimage_read(). */
bool weir_fit_is_(const uint8_t *data, size_t size);
int weir_fit_read_(struct weir_bootimage *image, struct weir_errtext *et);
bool weir_android_is_(const uint8_t *data, size_t size);
int weir_android_read_(struct weir_bootimage *image, struct weir_errtext *et);
bool weir_table_is_(const uint8_t *data, size_t size);
int weir_table_read_(struct weir_bootimage *image, struct weir_errtext *et);
/* A QCDT inside of another image, at @base, which is in the file. */
int weir_qcdt_read_(struct weir_bootimage *image, uint64_t base, struct weir_errtext *et);
bool weir_appended_is_(const uint8_t *data, size_t size);
int weir_appended_read_(struct weir_bootimage *image, struct weir_errtext *et);

#endif
