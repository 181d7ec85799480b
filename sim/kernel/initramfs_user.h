// SPDX-License-Identifier: MIT
/*
 * What the user space of an initramfs does with modules: which are there for which
 * kernel, which are loaded by name, which must not be loaded, and which firmware files
 * a driver finds. Read from plain data (lists, modprobe.d, module indexes); scripts
 * are not run. Owned by the caller; const once made.
 *
 *	list					read by
 *	conf/modules				initramfs-tools, after udev's coldplug
 *	etc/modules, and in etc/modules-load.d
 *	and usr/lib/modules-load.d NAME.conf	systemd-modules-load (dracut), before it
 *	etc/cmdline.d: rd.driver.pre=		dracut, before it
 *	config: MODULES="..."			mkinitcpio, after it
 *	lib/modules/initramfs.load		postmarketOS's mkinitfs, before it
 *	lib/modules[/VERSION]/modules.load	Android's first stage, before it
 */
#ifndef WEIR_SIM_KERNEL_INITRAMFS_USER_H
#define WEIR_SIM_KERNEL_INITRAMFS_USER_H

#include "initramfs.h"

#define WEIR_INITRAMFS_MAX_LISTS 1024u

/* A module whose file is there. */
struct weir_initramfs_module {
	const char *name;	/* with underscores */
	const struct weir_initramfs_file *file;
	bool indexed;		/* modules.dep names it, or there is no such text */
	bool blacklisted;	/* not loaded for a device */
	bool never;		/* "install NAME /bin/false" */
};

struct weir_initramfs_load {
	const char *name;
	const char *list;	/* the file that names it */
	bool before_coldplug;
	bool heeds_blacklist;
};

struct weir_initramfs_softdep {
	const char *module, *pre;
};

struct weir_initramfs_user {
	const struct weir_initramfs *image;
	const char *version;	/* of the kernel whose modules these are; NULL: no modules */
	const char *module_dir;	/* real path; NULL likewise */
	bool has_alias;		/* modules.alias or its binary form: devices find their modules */
	const char *coldplug;	/* the program that loads modules for devices; NULL: none known */
	struct weir_initramfs_module *modules;
	size_t module_count, module_room;
	struct weir_initramfs_load *loads;
	size_t load_count, load_room;
	struct weir_initramfs_softdep *softdeps;
	size_t softdep_count, softdep_room;
	size_t options;		/* lines "options" of modprobe.d */
	/* private */
	struct weir_strtable names, indexed, blacklist, never;
	struct weir_arena arena;
	size_t text_bytes;
};

/**
 * weir_initramfs_user_create - look through an image.
 * @version: of the kernel that is booted, NULL when it is not known.
 * @et: may be NULL.
 * Owner: borrows @image; *@out_user is the caller's, weir_initramfs_user_destroy().
 * Return: 0; WEIR_EINVAL: there are modules, but not of that version, or of several
 * and none was asked for: @et names them; WEIR_E2BIG: lists of absurd size; WEIR_ENOMEM.
 */
int weir_initramfs_user_create(const struct weir_initramfs *image, const char *version,
			       struct weir_errtext *et, struct weir_initramfs_user **out_user);

/** Frees it; NULL is fine. */
void weir_initramfs_user_destroy(struct weir_initramfs_user *user);

/** Return: the module of that name (- and _ are the same), or NULL. */
const struct weir_initramfs_module *
weir_initramfs_user_module(const struct weir_initramfs_user *user, const char *name);

/** Return: whether a module of that name is not loaded for a device. */
bool weir_initramfs_user_denies(const struct weir_initramfs_user *user, const char *name);

/**
 * weir_initramfs_user_firmware - whether the kernel's loader finds a firmware file.
 * Looks where it does: lib/firmware/updates/VERSION, updates, VERSION, and lib/firmware
 * (Documentation/driver-api/firmware/fw_search_path.rst).
 * @name: may be a pattern, as in the lists of some modules.
 * @packed: also as NAME.zst and NAME.xz (CONFIG_FW_LOADER_COMPRESS).
 */
bool weir_initramfs_user_firmware(const struct weir_initramfs_user *user, const char *name,
				  bool packed);

/* initramfs_lists.c: lists, modprobe.d. Return: 0; WEIR_ENOMEM. */
int weir_initramfs_user_lists_(struct weir_initramfs_user *user);
int weir_initramfs_user_modprobe_d_(struct weir_initramfs_user *user);
/* initramfs_user.c: a module's name of a word: no directory, no .ko, underscores. */
const char *weir_initramfs_user_name_(struct weir_initramfs_user *user, const char *word, size_t len);
/* A file's text as one string. Return: 0; WEIR_E2BIG: too much text in all; WEIR_ENOMEM. */
int weir_initramfs_user_text_(struct weir_initramfs_user *user,
			      const struct weir_initramfs_file *file, char **out_text);

#endif
