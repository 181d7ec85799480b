// SPDX-License-Identifier: MIT
/*
 * What the kernel makes of an initramfs image: the tree of files after all its
 * archives were unpacked over one another. An image is any number of cpio archives
 * (newc, with or without checksums), plain or each compressed, with zeroes between
 * them (Documentation/driver-api/early-userspace/buffer-format.rst). As in the
 * kernel, a later file takes the place of an earlier one, links are followed while
 * unpacking, and a file whose directory is not there yet is lost without a word.
 *
 * Nothing is written anywhere: paths are names in a table. Owned by the caller;
 * const once made, so any number of threads may read it.
 */
#ifndef WEIR_SIM_KERNEL_INITRAMFS_H
#define WEIR_SIM_KERNEL_INITRAMFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "errtext.h"
#include "strtable.h"
#include "unpack.h"

/* All archives together may not be larger than this when unpacked. */
#define WEIR_INITRAMFS_MAX_BYTES ((size_t)1 << 30)
#define WEIR_INITRAMFS_MAX_FILES 1000000u
#define WEIR_INITRAMFS_MAX_PATH 4096u

enum weir_initramfs_type {
	WEIR_INITRAMFS_FILE,
	WEIR_INITRAMFS_DIR,
	WEIR_INITRAMFS_LINK,
	WEIR_INITRAMFS_OTHER,
};

struct weir_initramfs_file {
	const char *path;	/* without "/" in front; every directory in it is a real one */
	enum weir_initramfs_type type;
	const uint8_t *data;	/* of a file; what a link says, not ended by NUL */
	size_t size;
	uint32_t same_as;	/* private: the first name of a file that has several */
};

/* An archive, or several in one stream. */
struct weir_initramfs_part {
	size_t offset;		/* in the image */
	const char *packing;	/* "gzip" and the like; NULL: plain */
	size_t files;
};

struct weir_initramfs {
	struct weir_initramfs_file *files;
	size_t file_count, file_room;
	struct weir_initramfs_part *parts;
	size_t part_count, part_room;
	size_t lost;		/* files whose directory was not there */
	const char *first_lost;	/* the first of them */
	/* private */
	struct weir_strtable paths, inodes;
	struct weir_bytes *blobs;
	size_t blob_count, blob_room, total_bytes;
	struct weir_arena arena;
};

/** Return: whether bytes are the start of such an image, unpacked if need be, and not a text. */
bool weir_initramfs_is_image(const uint8_t *data, size_t size);

/**
 * weir_initramfs_read - take an image apart.
 * @data: taken over, also on failure; emptied.
 * @et: what is wrong, with the offset in the image (and in the stream inside it, when
 * that is packed) and the name of the file; may be NULL.
 * Owner: *@out_image is the caller's, weir_initramfs_destroy().
 * Return: 0; WEIR_EBADMSG: damaged, or no initramfs; WEIR_E2BIG: over a limit above;
 * WEIR_ENOMEM.
 */
int weir_initramfs_read(struct weir_bytes *data, struct weir_errtext *et,
			struct weir_initramfs **out_image);

/** Frees it; NULL is fine. */
void weir_initramfs_destroy(struct weir_initramfs *image);

/** Return: the file at a path, links followed; NULL: there is none. */
const struct weir_initramfs_file *weir_initramfs_find(const struct weir_initramfs *image,
						      const char *path);

/** Return: the real path that links make of @path (there may be nothing at it); NULL: a loop. */
const char *weir_initramfs_real(const struct weir_initramfs *image, const char *path, char *buf,
				size_t bytes);

/*
 * initramfs_cpio.c: one archive after another from a stream, up to its end or to what
 * is no archive. @base and @packing are for messages. Return: 0 and where it ended.
 */
int weir_initramfs_stream_(struct weir_initramfs *image, const uint8_t *data, size_t size,
			   size_t base, const char *packing, struct weir_errtext *et,
			   size_t *out_end);

/* A file of an archive, put at its place. Return: 0; WEIR_E2BIG; WEIR_ENOMEM. */
struct weir_initramfs_entry {
	const char *name;
	uint32_t mode, links;
	const char *inode;	/* that and the device, in hexadecimal */
	const uint8_t *data;
	size_t size;
};
int weir_initramfs_add_(struct weir_initramfs *image, const struct weir_initramfs_entry *entry);

#endif
