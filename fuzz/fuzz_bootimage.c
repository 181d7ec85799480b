// SPDX-License-Identifier: MIT
/*
 * Fuzzes the reading of boot images: FIT images with data inside and outside of their tree,
 * Android's boot and vendor_boot images, tables of trees, trees behind a kernel. The first byte
 * says what is chosen. Parts lie inside the file, an error has words, what is taken out can be
 * read as what it is, and each board that is listed has a name.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/bootimage.h"
#include "kernel/initramfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_parts(const struct weir_bootimage *image, size_t bytes)
{
	for (size_t i = 0; i < image->part_count; i++) {
		const struct weir_bootpart *p = &image->parts[i];

		if (p->data < image->file.data || p->size > bytes ||
		    (size_t)(p->data - image->file.data) > bytes - p->size)
			abort();
		for (const char *c = p->name; *c; c++)
			if (*c < 0x20 || *c > 0x7e)
				abort();
	}
}

static void use(const struct weir_bootimage *image)
{
	struct weir_bytes out = { 0 };
	struct weir_initramfs *ramdisk;
	struct weir_errtext et = { "" };

	if (!weir_bootimage_tree(image, &et, &out))
		weir_bytes_fini(&out);
	else if (!*et.text)
		abort();
	if (!weir_bootimage_kernel(image, NULL, &out))
		weir_bytes_fini(&out);
	if (!weir_bootimage_ramdisks(image, NULL, &out) && !weir_initramfs_read(&out, NULL, &ramdisk))
		weir_initramfs_destroy(ramdisk);
}

/* A copy with the zero byte behind it that readers may count on. */
static bool copy_of(const uint8_t *data, size_t bytes, struct weir_bytes *out)
{
	*out = (struct weir_bytes){ malloc(bytes + 1), bytes };
	if (!out->data)
		return false;
	memcpy(out->data, data, bytes);
	out->data[bytes] = 0;
	return true;
}

/* Each can be put behind a path, on a line. */
static void list_boards(const uint8_t *data, size_t bytes)
{
	struct weir_errtext et = { "" };
	struct weir_bytes copy;
	char **names = NULL;
	size_t n = 0;

	if (!copy_of(data, bytes, &copy))
		return;
	if (weir_bootimage_boards_(&copy, &et, &names, &n) && !*et.text)
		abort();
	for (size_t i = 0; i < n; i++) {
		if (!*names[i] || strpbrk(names[i], "#/ \n"))
			abort();
		free(names[i]);
	}
	free(names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const char *const choices[] = { NULL, "1", "a", "conf-b", "id=0x10" };
	struct weir_bootimage *image;
	struct weir_errtext et = { "" };
	struct weir_bytes copy;
	const char *choice;

	if (!bytes)
		return 0;
	choice = choices[*data++ % 5];
	bytes--;
	list_boards(data, bytes);
	if (!copy_of(data, bytes, &copy))
		return 0;
	weir_bootimage_is(copy.data, bytes);
	if (weir_bootimage_read(&copy, choice, &et, &image)) {
		if (!*et.text)
			abort(); /* no error without words */
		return 0;
	}
	check_parts(image, bytes);
	use(image);
	weir_bootimage_destroy(image);
	return 0;
}
