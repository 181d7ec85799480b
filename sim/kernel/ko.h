// SPDX-License-Identifier: MIT
/*
 * Module files (relocatable ELF, System V gABI chapter 4): sections, and what a module
 * says of itself. Every number in a file is checked before it is used. Bytes are
 * borrowed; no state, no lock.
 */
#ifndef WEIR_SIM_KERNEL_KO_H
#define WEIR_SIM_KERNEL_KO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unpack.h"

struct weir_ko {
	const uint8_t *data;
	size_t size;
	bool wide;		/* 64 bits */
	uint64_t table;
	uint32_t entry_bytes, count, names;
};

struct weir_ko_section {
	uint32_t name, type, link, info;
	uint64_t flags, offset, bytes;
};

/** Return: whether it is a little-endian relocatable object with its section table. */
bool weir_ko_open(struct weir_ko *ko, const uint8_t *data, size_t size);

/** Return: whether there is such a section, with its contents inside the file. */
bool weir_ko_section(const struct weir_ko *ko, uint32_t i, struct weir_ko_section *out_section);

/**
 * weir_ko_info - what a module says of itself: strings "KEY=VALUE", each with its NUL.
 * Those of .modinfo, and "import=NAME" for each function of firmware loading that it
 * calls (such as request_firmware, rproc_add).
 * @data: unpacked. Owner: *@out_text is the caller's; it ends with a NUL.
 * Return: 0; WEIR_ENOEXEC: no module; WEIR_ENOMEM.
 */
int weir_ko_info(const uint8_t *data, size_t size, struct weir_bytes *out_text);

/**
 * weir_ko_info_file - the same of a file, which may be packed, by way of the cache.
 * Return: as above; WEIR_ENOENT, WEIR_EIO, WEIR_EBADMSG, WEIR_E2BIG: it cannot be read.
 */
int weir_ko_info_file(const char *path, struct weir_bytes *out_text);

/**
 * weir_ko_info_next - the next value of a key.
 * @pos: 0 at first. Return: the value, or NULL.
 */
const char *weir_ko_info_next(const struct weir_bytes *text, const char *key, size_t *pos);

#endif
