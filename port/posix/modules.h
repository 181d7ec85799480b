// SPDX-License-Identifier: MIT
/*
 * Loadable modules as shared objects in directories, private to the POSIX host.
 */
#ifndef WEIR_POSIX_MODULES_H
#define WEIR_POSIX_MODULES_H

#include "weir/module.h"
#include "weir/posix.h"

/* The longest line of log. */
#define MODULES_TEXT 512

/*
 * Opens NAME.so in the first of the directories @path ("DIR:DIR") that has it.
 * @out_text: one line on what is wrong; written on failure only.
 * Return: 0; WEIR_ENOENT; WEIR_EINVAL for what is no name; WEIR_ENOEXEC; WEIR_ENOMEM.
 */
int modules_open(const char *path, const char *name, void **out_image,
		 const struct weir_module_entry **out_entry, char out_text[MODULES_TEXT]);
void modules_close(void *image);
/* As weir_posix_modules(). */
int modules_each(const char *path, weir_posix_module_fn *fn, void *context);

#endif
