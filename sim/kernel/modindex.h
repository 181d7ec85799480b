// SPDX-License-Identifier: MIT
/*
 * A kernel's module index: which module has a driver for which device, what it
 * needs, in which order. Read from the text files that depmod and the kernel's
 * build leave (modules.alias, .dep, .softdep, .order, .builtin,
 * .builtin.modinfo; plain or .xz/.gz/.zst), from depmod's binary indexes through
 * libkmod where a text is missing, and from the module files themselves,
 * lazily, for what no index has (firmware= and the like), or all of them when depmod
 * has never run.
 *
 * Life cycle: open, any number of readers, destroy. Everything is const after
 * open and may be read by any number of threads at once; only
 * weir_modindex_modinfo() takes a lock of its own, as libkmod's context is not
 * thread-safe.
 */
#ifndef WEIR_SIM_KERNEL_MODINDEX_H
#define WEIR_SIM_KERNEL_MODINDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "errtext.h"

#define WEIR_MODULE_NONE UINT32_MAX

enum weir_alias_bus {
	WEIR_ALIAS_OF,
	WEIR_ALIAS_ACPI,
	WEIR_ALIAS_AMBA,
	WEIR_ALIAS_PCI,
	WEIR_ALIAS_USB,
	WEIR_ALIAS_I2C,
	WEIR_ALIAS_SPI,
	WEIR_ALIAS_PLATFORM,
	WEIR_ALIAS_OTHER,
	WEIR_ALIAS_BUS_COUNT,
};

/* Which of the files were there: bits of weir_modindex.found. */
enum weir_modindex_file {
	WEIR_MODINDEX_ALIAS = 1 << 0,
	WEIR_MODINDEX_DEP = 1 << 1,
	WEIR_MODINDEX_SOFTDEP = 1 << 2,
	WEIR_MODINDEX_ORDER = 1 << 3,
	WEIR_MODINDEX_BUILTIN = 1 << 4,
	WEIR_MODINDEX_MODINFO = 1 << 5,
};

struct weir_alias {
	const char *pattern;	/* as in modules.alias, with * ? [] */
	uint32_t module;
	enum weir_alias_bus bus;
};

/* One (compatible, module) pair, in order of modules.alias. */
struct weir_of_alias {
	uint32_t compat;
	uint32_t module;
	uint32_t next_of_compat;	/* another module for it, or WEIR_MODULE_NONE */
	uint32_t next_of_module;	/* the module's next compatible, likewise */
};

struct weir_index_module {
	const char *name;	/* with underscores, as lsmod prints it */
	const char *path;	/* relative to the directory; NULL when modules.dep has none */
	uint32_t order;		/* rank in modules.order, or WEIR_MODULE_NONE */
	bool builtin;
	const uint32_t *deps;	/* modules, in modules.dep's order: last needed first */
	uint32_t dep_count;
	const char *const *soft_pre;	/* names or aliases, - replaced by _ */
	const char *const *soft_post;
	uint32_t soft_pre_count, soft_post_count;
	uint32_t first_of, last_of;	/* of_aliases[], or WEIR_MODULE_NONE */
};

/* A line of modules.builtin.modinfo. */
struct weir_builtin_info {
	const char *module, *key, *value;
};

struct weir_modindex_store;

struct weir_modindex {
	const char *dir;
	unsigned int found;	/* of enum weir_modindex_file */
	bool scanned;		/* there was no modules.alias: the module files were asked */
	struct weir_index_module *modules;
	size_t module_count;
	struct weir_alias *aliases;	/* all but of:, in order */
	size_t alias_count;
	struct weir_of_alias *of_aliases;
	size_t of_alias_count;
	struct weir_builtin_info *builtin_info;
	size_t builtin_info_count;
	struct weir_modindex_store *store;	/* private */
};

/**
 * weir_modindex_open - read the index in a directory.
 * @dir: such as /lib/modules/VERSION.
 * @et: what was wrong, with the file's name; may be NULL.
 * Owner: *@out_index is the caller's, weir_modindex_destroy().
 * Return: 0; WEIR_ENOENT: none of the files is there; WEIR_EIO, WEIR_EBADMSG,
 * WEIR_E2BIG: one cannot be read or unpacked; WEIR_ENOMEM.
 */
int weir_modindex_open(const char *dir, struct weir_errtext *et, struct weir_modindex **out_index);

/** Frees it; NULL is fine. */
void weir_modindex_destroy(struct weir_modindex *index);

/** Return: the module's number by name (- and _ are the same), or WEIR_MODULE_NONE. */
uint32_t weir_modindex_module(const struct weir_modindex *index, const char *name);

/**
 * weir_modindex_compat - the first module for a compatible string.
 * Return: an index of of_aliases[] (go on by next_of_compat), or WEIR_MODULE_NONE.
 */
uint32_t weir_modindex_compat(const struct weir_modindex *index, const char *compat);

/** Return: the compatible string of an of_aliases[] entry. */
const char *weir_modindex_compat_name(const struct weir_modindex *index, uint32_t compat);

/**
 * weir_modindex_lookup - the modules that a modalias loads.
 * @modalias: as in sysfs, such as "pci:v00008086d..." or "of:NfooT(null)Cacme,foo".
 * @room: how many numbers @out_modules can take.
 * Return: how many modules match, in order of modules.alias; at most @room are stored.
 */
size_t weir_modindex_lookup(const struct weir_modindex *index, const char *modalias,
			    uint32_t *out_modules, size_t room);

/**
 * weir_modindex_modinfo - what a module's file says of itself.
 * @key: such as "firmware", "softdep", "alias", "parm".
 * @fn: called with each value, in the file's order; a nonzero return ends it.
 * Context: takes the index's own lock; @fn must not call this function again.
 * Return: 0; what @fn returned; WEIR_ENOENT: the file is not there; WEIR_EIO:
 * it is no module; WEIR_ENOMEM.
 */
int weir_modindex_modinfo(const struct weir_modindex *index, uint32_t module, const char *key,
			  int (*fn)(void *ctx, const char *value), void *ctx);

#endif
