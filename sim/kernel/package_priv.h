// SPDX-License-Identifier: MIT
/* What package.c and package_image.c share. */
#ifndef WEIR_SIM_KERNEL_PACKAGE_PRIV_H
#define WEIR_SIM_KERNEL_PACKAGE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "errtext.h"

struct weir_unpacking {
	const char *path, *dir;	/* of the package; where it goes */
	struct weir_errtext *et;
	long long bytes;	/* of all packages so far, as the files */
	long long passed;	/* of all files in them, also those that are not unpacked */
	unsigned int files;
	bool has_modules;	/* the present package */
};

/* Whether a file is of use, by its path without "/" in front. */
bool weir_package_useful_(const char *path);
/* Writes a file below the directory. @path: one without "..". Return: 0, or with words. */
int weir_package_put_(struct weir_unpacking *u, const char *path, const uint8_t *data, size_t size);
/* package_image.c: the kernel of a boot image, and the modules in its ramdisks. */
int weir_package_image_(struct weir_unpacking *u);

#endif
