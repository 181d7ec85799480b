// SPDX-License-Identifier: MIT
/*
 * A boot image as a kernel package; see package.h: its kernel becomes boot/Image, the
 * modules of its ramdisks stand below lib/modules as they do there - of Android, without
 * a directory for the version. Paths come from an initramfs that was taken apart
 * (initramfs.h), so they have neither ".." nor links in them.
 */
#include <string.h>

#include "bootimage.h"
#include "initramfs.h"
#include "package_priv.h"
#include "weir/err.h"

static int put_modules(struct weir_unpacking *u, const struct weir_initramfs *ramdisk)
{
	int err = 0;

	for (size_t i = 0; i < ramdisk->file_count && !err; i++) {
		const struct weir_initramfs_file *f = &ramdisk->files[i];
		const char *path = f->path;

		if (!strncmp(path, "usr/lib/modules/", 16))
			path += 4;
		/* the kernel is another part of the image */
		if (f->type == WEIR_INITRAMFS_FILE && strncmp(path, "boot/", 5) && strlen(path) < 1024 &&
		    weir_package_useful_(path))
			err = weir_package_put_(u, path, f->data, f->size);
	}
	return err;
}

static int put_ramdisks(struct weir_unpacking *u, const struct weir_bootimage *image)
{
	struct weir_initramfs *ramdisk = NULL;
	struct weir_bytes bytes = { 0 };
	int err;

	if (!weir_bootimage_part(image, WEIR_BOOTPART_RAMDISK))
		return 0;
	err = weir_bootimage_ramdisks(image, u->et, &bytes);
	if (!err)
		err = weir_initramfs_read(&bytes, u->et, &ramdisk);
	if (err) {
		weir_errtext_prefix(u->et, "ramdisk");
		weir_errtext_prefix(u->et, u->path);
		return err;
	}
	err = put_modules(u, ramdisk);
	weir_initramfs_destroy(ramdisk);
	return err;
}

int weir_package_image_(struct weir_unpacking *u)
{
	const struct weir_bootpart *kernel;
	struct weir_bootimage *image = NULL;
	int err = weir_bootimage_open(u->path, u->et, &image);

	if (err)
		return err;
	kernel = image ? weir_bootimage_part(image, WEIR_BOOTPART_KERNEL) : NULL;
	if (kernel && kernel->size)
		err = weir_package_put_(u, "boot/Image", kernel->data, kernel->size);
	if (!err && image)
		err = put_ramdisks(u, image);
	weir_bootimage_destroy(image);
	return err;
}
