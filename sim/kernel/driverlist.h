// SPDX-License-Identifier: MIT
/*
 * Which drivers a bring-up has, and when each one appears: built by asking a
 * kernel for the compatibles of a device tree, or read from a text. Owned by
 * whoever made it; const afterwards, so threads may share it.
 *
 * The text format, one entry a line, words between blanks, # starts a comment line:
 *   NAME[@WHEN[:DEP,DEP...]] COMPATIBLE...
 *     WHEN: an initcall level 0 to 7, with an s for its _sync half (6 when not
 *     given); m: a module that coldplug may load; x: loaded by a command alone.
 *     DEP: drivers loaded before it. ^COMPATIBLE: the driver refuses devices
 *     that have it, but not first. ~COMPATIBLE: coldplug does not load the
 *     module for it, which takes such devices all the same once it is loaded.
 *   !irq COMPATIBLE...   interrupt controllers that early code sets up: no device
 *   !early COMPATIBLE... clocks that early code sets up: no device
 *   !init COMPATIBLE...  set up early, a device all the same
 *   !fail PATH...        nodes whose probe fails
 *   !deferN PATH...      nodes whose probe defers N times by itself
 */
#ifndef WEIR_SIM_KERNEL_DRIVERLIST_H
#define WEIR_SIM_KERNEL_DRIVERLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "errtext.h"
#include "image.h"

struct weir_modindex;

enum weir_driver_when {
	WEIR_WHEN_INITCALL,
	WEIR_WHEN_MODULE,
	WEIR_WHEN_EXTERNAL,
};

/* Where the knowledge of a driver comes from. */
enum weir_driver_basis {
	WEIR_BASIS_GIVEN,	/* a list that somebody wrote */
	WEIR_BASIS_ASSUMED,	/* no kernel: every driver exists */
	WEIR_BASIS_IMAGE,	/* the kernel image's initcalls */
	WEIR_BASIS_TABLES,	/* match tables of the image, order unknown */
	WEIR_BASIS_INDEX,	/* the module index */
	WEIR_BASIS_NAME,	/* a module of that name: see byname.h */
};

struct weir_driver_spec {
	const char *name;
	enum weir_driver_when when;
	uint8_t level;		/* of an initcall: twice the level, plus 1 for _sync */
	enum weir_driver_basis basis;
	const char *const *deps;	/* names of drivers loaded before it */
	size_t dep_count;
	const struct weir_compat *compats;
	size_t compat_count;
};

struct weir_early_spec {
	enum weir_early_kind kind;
	const char *const *compats;
	size_t compat_count;
};

struct weir_fault_spec {
	int defer_times;	/* 0: probe fails */
	const char *const *paths;
	size_t path_count;
};

struct weir_driver_list {
	struct weir_driver_spec *drivers;	/* built-in ones in order of registration first */
	size_t driver_count;
	struct weir_early_spec *early;
	size_t early_count;
	struct weir_fault_spec *faults;
	size_t fault_count;
	size_t driver_room, early_room, fault_room;
	struct weir_arena arena;	/* owns the strings and inner arrays */
};

/**
 * weir_driver_list_build - the drivers of a kernel for a device tree.
 * @image: built-in drivers; NULL: none known.
 * @index: modules; NULL: none.
 * @compats: the tree's compatible strings, each once, in order of first
 * appearance (depth first); empty ones and those with blanks match nothing.
 * Owner: borrows all; *@out_list is the caller's, weir_driver_list_destroy().
 * Return: 0; WEIR_ENOMEM.
 */
int weir_driver_list_build(const struct weir_image *image, const struct weir_modindex *index,
			   const char *const *compats, size_t count,
			   struct weir_driver_list **out_list);

/**
 * weir_driver_list_build_all - one built-in driver for every compatible string.
 * @external: for each of @compats, whether its driver is loaded by a command
 * alone; NULL: none is.
 * Return: 0; WEIR_ENOMEM.
 */
int weir_driver_list_build_all(const char *const *compats, const bool *external, size_t count,
			       struct weir_driver_list **out_list);

/**
 * weir_driver_list_add_early - put the early entries of an image in front.
 *
 * Those whose compatible is among @compats; for lists of weir_driver_list_build_all().
 * Return: 0; WEIR_ENOMEM, then the list is unchanged but for memory.
 */
int weir_driver_list_add_early(struct weir_driver_list *list, const struct weir_image *image,
			       const char *const *compats, size_t count);

/**
 * weir_driver_list_parse - read the text format.
 * @name: of the file, for messages.
 * @text: borrowed, @size bytes.
 * @et: "NAME:LINE: what is wrong"; may be NULL.
 * Return: 0; WEIR_EINVAL: a line is wrong; WEIR_ENOMEM.
 */
int weir_driver_list_parse(const char *name, const char *text, size_t size,
			   struct weir_errtext *et, struct weir_driver_list **out_list);

/**
 * weir_driver_list_write - print the text format: faults, early entries, drivers.
 * Return: 0; WEIR_EIO: the stream has an error.
 */
int weir_driver_list_write(FILE *f, const struct weir_driver_list *list);

/** Frees it; NULL is fine. */
void weir_driver_list_destroy(struct weir_driver_list *list);

/* Shared with driverlist_text.c: append a zeroed entry. Return: it, or NULL without memory. */
struct weir_driver_spec *weir_driver_list_new_driver_(struct weir_driver_list *list);
struct weir_early_spec *weir_driver_list_new_early_(struct weir_driver_list *list);
struct weir_fault_spec *weir_driver_list_new_fault_(struct weir_driver_list *list);

#endif
