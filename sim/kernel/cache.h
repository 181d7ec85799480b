// SPDX-License-Identifier: MIT
/*
 * A cache of what is dear to compute from a file, under $XDG_CACHE_HOME/weir (or
 * ~/.cache/weir), one file per source file and kind. It is never needed: what
 * is missing, unwritable, damaged or out of date counts as absent, silently.
 * WEIR_NO_CACHE=1 in the environment turns it off. An entry is valid while the
 * source file's size, time and inode are what they were. Writers replace entries
 * by renaming, so any number of processes and threads may use it at once.
 */
#ifndef WEIR_SIM_KERNEL_CACHE_H
#define WEIR_SIM_KERNEL_CACHE_H

#include <stdbool.h>

#include "unpack.h"

/**
 * weir_cache_get - what was stored for a file.
 * @kind: what it is, with the version of its encoding, such as "image-1".
 * @path: the source file.
 * Owner: *@out_bytes is the caller's.
 * Return: whether there was a valid entry; *@out_bytes is untouched if not.
 */
bool weir_cache_get(const char *kind, const char *path, struct weir_bytes *out_bytes);

/** weir_cache_put - store @size bytes for a file; no word when that is not possible. */
void weir_cache_put(const char *kind, const char *path, const void *data, size_t size);

#endif
