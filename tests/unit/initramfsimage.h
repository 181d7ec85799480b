// SPDX-License-Identifier: MIT
/*
 * Initramfs images made by hand, byte for byte as the format says: for the tests of what is
 * in them and of what user space does with that. Each image is its test's own.
 */
#ifndef TEST_INITRAMFSIMAGE_H
#define TEST_INITRAMFSIMAGE_H

#include "cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/initramfs.h"
#include "weir/err.h"

#define FILE_MODE 0100644u
#define DIR_MODE 040755u
#define LINK_MODE 0120777u

struct image {
	uint8_t data[1 << 17];
	size_t size;
};

static inline void pad(struct image *im, size_t to)
{
	while (im->size % to)
		im->data[im->size++] = 0;
}

static inline void raw(struct image *im, const void *data, size_t size)
{
	assert_true(im->size + size + 4 < sizeof(im->data));
	memcpy(im->data + im->size, data, size);
	im->size += size;
}

static inline void entry_full(struct image *im, const char *magic, const char *name, unsigned int mode,
		       const void *data, size_t size, unsigned int ino, unsigned int links,
		       unsigned int check)
{
	char header[120];

	snprintf(header, sizeof(header), "%s%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", magic,
		 ino, mode, 0u, 0u, links, 0u, (unsigned int)size, 8u, 1u, 0u, 0u,
		 (unsigned int)strlen(name) + 1, check);
	raw(im, header, 110);
	raw(im, name, strlen(name) + 1);
	pad(im, 4);
	raw(im, data, size);
	pad(im, 4);
}

static inline void entry(struct image *im, const char *name, unsigned int mode, const char *text)
{
	entry_full(im, "070701", name, mode, text, strlen(text), (unsigned int)im->size, 1, 0);
}

static inline void dir(struct image *im, const char *name)
{
	entry(im, name, DIR_MODE, "");
}

static inline void trailer(struct image *im)
{
	entry(im, "TRAILER!!!", 0, "");
}

static inline struct weir_initramfs *read_image(const struct image *im)
{
	struct weir_bytes bytes = { malloc(im->size + 1), im->size };
	struct weir_errtext et = { "" };
	struct weir_initramfs *out = NULL;

	assert_non_null(bytes.data);
	memcpy(bytes.data, im->data, im->size);
	if (weir_initramfs_read(&bytes, &et, &out))
		fail_msg("%s", et.text);
	assert_null(bytes.data);
	return out;
}

/* What it is refused with. */
static inline void refused(const struct image *im, int err, const char *words)
{
	struct weir_bytes bytes = { malloc(im->size + 1), im->size };
	struct weir_errtext et = { "" };
	struct weir_initramfs *out = NULL;

	memcpy(bytes.data, im->data, im->size);
	assert_int_equal(weir_initramfs_read(&bytes, &et, &out), err);
	if (!strstr(et.text, words))
		fail_msg("'%s' is not in '%s'", words, et.text);
}

static inline void has(const struct weir_initramfs *image, const char *path, const char *text)
{
	const struct weir_initramfs_file *f = weir_initramfs_find(image, path);

	if (!f)
		fail_msg("no %s", path);
	assert_int_equal(f->size, strlen(text));
	assert_memory_equal(f->data, text, f->size);
}

static inline struct image *fresh(void)
{
	struct image *im = calloc(1, sizeof(*im));

	assert_non_null(im);
	return im;
}

#endif
