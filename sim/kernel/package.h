// SPDX-License-Identifier: MIT
/*
 * Kernel packages: .deb, .rpm, .apk and tarballs of modules, told by content; also boot
 * images (bootimage.h), as packages of a kernel and the modules of their ramdisks. What is
 * of use (images, configurations, modules and their indexes) is unpacked beside the
 * cache, once for each set of packages; nothing else is. Names in an archive decide nothing
 * but where below that directory a file goes: no links, no "..", and sizes are limited.
 */
#ifndef WEIR_SIM_KERNEL_PACKAGE_H
#define WEIR_SIM_KERNEL_PACKAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "errtext.h"

/* Together, when unpacked. */
#define WEIR_PACKAGE_MAX_BYTES ((long long)4 << 30)
#define WEIR_PACKAGE_MAX_FILES 200000u

/**
 * Return: what kind of package a file is ("deb", "rpm", "tar", "image": a boot image, also
 * as PATH#CHOICE; "apk3": one that cannot be read), or NULL: it is none.
 */
const char *weir_package_kind(const char *path);

/**
 * weir_package_unpack - unpack what is of use, of packages that belong together.
 * @paths: @count of them, at least one; of files of one name the last one's stays. Where
 * several have modules, no index of modules is kept: each knows its own alone.
 * @out_dir: where it is, of 4096 bytes.
 * @out_temporary: nothing is kept (WEIR_NO_CACHE, or no place for it): the caller
 * removes the directory with weir_package_remove().
 * Return: 0; WEIR_EBADMSG: one is damaged; WEIR_ENOENT: nothing of a kernel is in one;
 * WEIR_ENOEXEC: of a format that is not read; WEIR_EINVAL: see weir_bootimage_read();
 * WEIR_E2BIG: over a limit above; WEIR_EIO: it cannot be read or unpacked.
 */
int weir_package_unpack(const char *const *paths, size_t count, struct weir_errtext *et, char *out_dir,
			bool *out_temporary);

/** Removes a directory with all that is in it. */
void weir_package_remove(const char *dir);

#endif
