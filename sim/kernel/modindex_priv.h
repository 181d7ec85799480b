// SPDX-License-Identifier: MIT
/*
 * Shared by the modindex*.c files: what owns the strings and tables of an index.
 */
#ifndef WEIR_SIM_KERNEL_MODINDEX_PRIV_H
#define WEIR_SIM_KERNEL_MODINDEX_PRIV_H

#include <pthread.h>

#include "arena.h"
#include "modindex.h"
#include "strtable.h"
#include "unpack.h"

#define WEIR_MODINDEX_FILES 6

struct kmod_ctx;

struct weir_modindex_store {
	struct weir_arena arena;
	struct weir_bytes texts[WEIR_MODINDEX_FILES];	/* cut into strings in place */
	struct weir_strtable names;	/* numbers of modules */
	struct weir_strtable compats;
	uint32_t *first_of_compat, *last_of_compat;	/* by compatible */
	size_t compat_room;
	size_t module_room, alias_room, of_room, info_room;
	uint32_t *by_bus[WEIR_ALIAS_BUS_COUNT];	/* aliases of each bus, in order */
	size_t by_bus_count[WEIR_ALIAS_BUS_COUNT];
	pthread_mutex_t lock;		/* kmod */
	struct kmod_ctx *kmod;
};

/* modindex_parse.c: each takes the text of one file apart. Return: 0 or WEIR_ENOMEM. */
int weir_modindex_parse_dep_(struct weir_modindex *index, char *text);
int weir_modindex_parse_alias_(struct weir_modindex *index, char *text);
int weir_modindex_parse_softdep_(struct weir_modindex *index, char *text);
int weir_modindex_parse_order_(struct weir_modindex *index, char *text);
int weir_modindex_parse_builtin_(struct weir_modindex *index, char *text);
int weir_modindex_parse_modinfo_(struct weir_modindex *index, char *text, size_t size);

/* modindex_kmod.c: the text of a binary index, or WEIR_ENOENT. */
int weir_modindex_dump_(const char *dir, int which, struct weir_bytes *out_text);

/* modindex_scan.c: texts made from the modules below a directory. Return: 0; WEIR_ENOENT: none. */
int weir_modindex_scan_(const char *dir, char **out_dep, char **out_alias, char **out_softdep);

#endif
