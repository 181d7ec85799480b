// SPDX-License-Identifier: MIT
/*
 * What a kernel image says about the drivers that are built in: their names, in
 * the order in which initcalls register them, what they match, and which nodes
 * early code claims before there are drivers. The image is unpacked, read once
 * and let go; struct weir_image is what remains. It is const once made: any
 * number of threads may read it; one owner destroys it.
 *
 * Where the facts come from: the kallsyms tables (names and addresses), the
 * relocations (pointers), the __initcall__kmod_ symbols (level and order), the
 * code of each initcall (which structures it registers), the device id tables
 * (what they match; Documentation/driver-api, include/linux/mod_devicetable.h
 * for the sizes of the records). An image without symbols is scanned for match
 * tables alone, and says so in its basis.
 */
#ifndef WEIR_SIM_KERNEL_IMAGE_H
#define WEIR_SIM_KERNEL_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "arena.h"
#include "errtext.h"

enum weir_arch {
	WEIR_ARCH_UNKNOWN,
	WEIR_ARCH_ARM,
	WEIR_ARCH_ARM64,
	WEIR_ARCH_RISCV64,
	WEIR_ARCH_X86_64,
	WEIR_ARCH_COUNT,
};

/* How much the list of built-in drivers can be trusted. */
enum weir_image_basis {
	/* Names, levels and order were read from initcalls. */
	WEIR_IMAGE_INITCALLS,
	/* Only match tables were found: order unknown, names made up. */
	WEIR_IMAGE_TABLES,
};

/* Told from where the driver sits in the structure that is registered. */
enum weir_builtin_bus {
	WEIR_BUILTIN_PLATFORM,
	WEIR_BUILTIN_AMBA,
	WEIR_BUILTIN_I2C,
	WEIR_BUILTIN_SPI,
	WEIR_BUILTIN_PCI,
	WEIR_BUILTIN_OTHER,
};

enum weir_early_kind {
	/* Interrupt controllers set up by early code: no device. */
	WEIR_EARLY_IRQ,
	/* Clocks set up by early code: no device. */
	WEIR_EARLY_CLOCK,
	/* Set up early, and a device all the same. */
	WEIR_EARLY_INIT,
	/* Timers set up early; leaves no trace in the driver model. */
	WEIR_EARLY_TIMER,
};

/* A compatible string of a driver. */
struct weir_compat {
	const char *name;
	/* The driver refuses devices for which this is not the first one. */
	bool first_only;
	/* Not in the module index: no device makes udev load the module by it. */
	bool unlisted;
};

struct weir_builtin {
	const char *name;	/* as in /sys, blanks and @:,/ replaced by _ */
	const char *module;	/* the kbuild name of its object, NULL when unknown */
	const char *level;	/* "0" to "7", or with an s for the _sync levels */
	uint32_t order;		/* rank among all built-in drivers, from 0 */
	enum weir_builtin_bus bus;
	const struct weir_compat *compats;
	size_t compat_count;
	const char *const *acpi_ids;	/* such as "PNP0501" */
	size_t acpi_count;
};

struct weir_early {
	enum weir_early_kind kind;
	const char *compat;
};

struct weir_image {
	enum weir_arch arch;
	enum weir_image_basis basis;
	const char *version;	/* "6.12.117+deb12-arm64", NULL when not found */
	const char *banner;	/* the whole "Linux version ..." line, NULL likewise */
	const char *layers;	/* what it was wrapped in, "" for nothing */
	const char *why_tables;	/* basis WEIR_IMAGE_TABLES: what could not be read */
	struct weir_builtin *drivers;	/* in order of registration */
	size_t driver_count;
	struct weir_early *early;
	size_t early_count;
	struct weir_arena arena;	/* owns all of the above */
};

/**
 * weir_image_scan - read the built-in drivers out of a kernel image.
 * @data: the image as a boot loader gets it, in any wrapper, or a vmlinux.
 * @et: what was wrong, may be NULL.
 * Context: any thread; uses about the unpacked size plus a few MiB meanwhile.
 * Owner: borrows @data; *@out_image is the caller's, weir_image_destroy().
 * Return: 0; WEIR_ENOEXEC: no kernel image; WEIR_EBADMSG: a wrapper is corrupt;
 * WEIR_E2BIG: unpacks to too much; WEIR_ENOMEM.
 */
int weir_image_scan(const uint8_t *data, size_t size, struct weir_errtext *et,
		    struct weir_image **out_image);

/**
 * weir_image_open - the same for a file.
 * Return: as weir_image_scan(); WEIR_ENOENT, WEIR_EIO: it cannot be read.
 */
int weir_image_open(const char *path, struct weir_errtext *et, struct weir_image **out_image);

/**
 * weir_image_open_cached - the same, by way of the cache (cache.h).
 * Return: as weir_image_open(); trouble with the cache is none.
 */
int weir_image_open_cached(const char *path, struct weir_errtext *et,
			   struct weir_image **out_image);

/** Frees it; NULL is fine. */
void weir_image_destroy(struct weir_image *image);

/**
 * weir_image_write_list - print the built-in drivers as a driver list.
 *
 * The text format of driverlist.h: early entries, then one driver a line.
 * Return: 0; WEIR_EIO: the stream has an error.
 */
int weir_image_write_list(FILE *f, const struct weir_image *image);

/** Return: "arm64", "arm", "riscv64", "x86_64" or "unknown". */
const char *weir_arch_name(enum weir_arch arch);

#endif
