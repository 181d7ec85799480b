// SPDX-License-Identifier: MIT
/*
 * What module files say that no index does: the compatible strings in the match
 * tables of the drivers in them. A module may register drivers whose table it does
 * not export: depmod lists no alias for them, so they never make udev load the
 * module, but once it is loaded for something else they take their devices.
 *
 * Life cycle: create, any number of weir_modscan_extend(), destroy. A module's file
 * is read when it is first asked for; a lock of its own guards that, so threads may
 * share a scan.
 */
#ifndef WEIR_SIM_KERNEL_MODSCAN_H
#define WEIR_SIM_KERNEL_MODSCAN_H

#include "driverlist.h"
#include "modindex.h"

struct weir_modscan;

/**
 * weir_modscan_create - prepare to read the module files of an index.
 * @index: borrowed as long as the scan.
 * Owner: *@out_scan is the caller's. Return: 0; WEIR_ENOMEM.
 */
int weir_modscan_create(const struct weir_modindex *index, struct weir_modscan **out_scan);

/** weir_modscan_destroy - NULL is fine. */
void weir_modscan_destroy(struct weir_modscan *scan);

/**
 * weir_modscan_extend - add to the modules of a list what their files say besides.
 * @list: made by weir_driver_list_build(); strings added are its own.
 * @compats: the tree's compatible strings; others are of no interest.
 * A file that is missing or unreadable adds nothing.
 * Context: any thread. Return: how many strings were added; WEIR_ENOMEM.
 */
int weir_modscan_extend(struct weir_modscan *scan, const char *const *compats, size_t count,
			struct weir_driver_list *list);

/** weir_modscan_files - how many module files were found and read so far. */
size_t weir_modscan_files(struct weir_modscan *scan);

/* modscan_elf.c: a module's strings, each with its NUL. Return: 0; WEIR_ENOEXEC; WEIR_ENOMEM. */
int weir_modscan_elf_(const uint8_t *data, size_t size, char **out_text, size_t *out_bytes);

#endif
