// SPDX-License-Identifier: MIT
/*
 * Kernel packages: .deb, .rpm, .apk and tarballs of modules, told by content. What is
 * of use (images, configurations, modules and their indexes) is unpacked beside the
 * cache, once for each package; nothing else is. Names in an archive decide nothing
 * but where below that directory a file goes: no links, no "..", and sizes are limited.
 */
#ifndef WEIR_SIM_KERNEL_PACKAGE_H
#define WEIR_SIM_KERNEL_PACKAGE_H

#include <stdbool.h>

#include "errtext.h"

/* Together, when unpacked. */
#define WEIR_PACKAGE_MAX_BYTES ((long long)4 << 30)
#define WEIR_PACKAGE_MAX_FILES 200000u

/** Return: what kind of package a file is ("deb", "rpm", "tar"), or NULL: it is none. */
const char *weir_package_kind(const char *path);

/**
 * weir_package_unpack - unpack what is of use.
 * @out_dir: where it is, of 4096 bytes.
 * @out_temporary: nothing is kept (WEIR_NO_CACHE, or no place for it): the caller
 * removes the directory with weir_package_remove().
 * Return: 0; WEIR_EBADMSG: it is damaged; WEIR_ENOENT: nothing of a kernel is in it;
 * WEIR_E2BIG: over a limit above; WEIR_EIO: it cannot be read or unpacked.
 */
int weir_package_unpack(const char *path, struct weir_errtext *et, char *out_dir, bool *out_temporary);

/** Removes a directory with all that is in it. */
void weir_package_remove(const char *dir);

#endif
