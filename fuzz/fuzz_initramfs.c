// SPDX-License-Identifier: MIT
/*
 * Fuzzes the reading of initramfs images: archives, their packing, links, what user
 * space does with the files. The bytes are read as they are, as an image for a known
 * kernel and for an unknown one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/initramfs_user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void use(const struct weir_initramfs *image, const char *version)
{
	struct weir_initramfs_user *user;
	struct weir_errtext et;

	if (weir_initramfs_user_create(image, version, &et, &user)) {
		if (!*et.text)
			abort(); /* no error without words */
		return;
	}
	for (size_t i = 0; i < user->module_count; i++)
		if (weir_initramfs_user_module(user, user->modules[i].name) != &user->modules[i])
			abort();
	for (size_t i = 0; i < user->load_count; i++)
		weir_initramfs_user_denies(user, user->loads[i].name);
	weir_initramfs_user_firmware(user, "a.bin", true);
	weir_initramfs_user_destroy(user);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct weir_bytes copy = { malloc(bytes + 1), bytes };
	struct weir_initramfs *image;
	struct weir_errtext et = { "" };
	char real[WEIR_INITRAMFS_MAX_PATH];

	if (!copy.data)
		return 0;
	memcpy(copy.data, data, bytes);
	copy.data[bytes] = 0;
	weir_initramfs_is_image(data, bytes);
	if (weir_initramfs_read(&copy, &et, &image)) {
		if (!*et.text)
			abort();
		return 0;
	}
	for (size_t i = 0; i < image->file_count && i < 1000; i++) {
		weir_initramfs_find(image, image->files[i].path);
		weir_initramfs_real(image, image->files[i].path, real, sizeof(real));
	}
	use(image, NULL);
	use(image, "6.12.0");
	weir_initramfs_destroy(image);
	return 0;
}
