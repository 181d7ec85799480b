// SPDX-License-Identifier: MIT
/*
 * A kernel as the tool is given it: a directory (or an image file) in which the
 * image, the module index and the configuration are looked for. Known shapes:
 *   /lib/modules/VERSION, with the image in it or in boot/ three or four levels up;
 *   an unpacked package: boot/ and lib/modules/VERSION or usr/lib/modules/VERSION;
 *   a flat directory with all files side by side, .xz, .gz or .zst or not;
 *   an image file alone;
 *   a package: .deb, .rpm, .apk, a tarball of modules, or a boot image (package.h);
 *   a deploy directory of a build (Yocto's names): image or fitImage, modules-*.tgz;
 *   several of these that belong together, such as the packages of a split kernel.
 * Owned by the caller; const after open, so threads may share it (of the index,
 * see modindex.h).
 */
#ifndef WEIR_SIM_KERNEL_KERNEL_H
#define WEIR_SIM_KERNEL_KERNEL_H

#include "driverlist.h"
#include "errtext.h"
#include "image.h"
#include "modindex.h"
#include "unpack.h"

/* The parts of a kernel directory, in the order in which they are reported. */
enum weir_kernel_part {
	WEIR_KERNEL_IMAGE,
	WEIR_KERNEL_ALIAS,
	WEIR_KERNEL_DEP,
	WEIR_KERNEL_SOFTDEP,
	WEIR_KERNEL_ORDER,
	WEIR_KERNEL_BUILTIN,
	WEIR_KERNEL_MODINFO,
	WEIR_KERNEL_CONFIG,
	WEIR_KERNEL_PARTS,
};

struct weir_kernel {
	const char *dir;	/* as given; of several, " + " between them */
	const char *version;	/* "6.12.117+deb12-arm64", NULL when nothing says it */
	enum weir_arch arch;	/* of the image, or else of the configuration */
	bool has[WEIR_KERNEL_PARTS];
	const char *image_path, *index_dir, *config_path;	/* NULL: none */
	struct weir_image *image;	/* NULL: none */
	struct weir_modindex *index;	/* NULL: none */
	struct weir_bytes config;	/* text, empty when there is none */
	char *temporary;	/* where a package was unpacked, to be removed; or NULL */
	struct weir_arena arena;
};

/**
 * weir_kernel_open - find and read a kernel.
 * @dir: one of the shapes above.
 * @image: path of the image when it lies elsewhere, or NULL.
 * @et: what was wrong, naming the directory or file; may be NULL.
 * Owner: *@out_kernel is the caller's, weir_kernel_destroy().
 * Return: 0; WEIR_ENOENT: there is no such directory, or nothing of a kernel in
 * it; WEIR_EINVAL: it holds several kernels; WEIR_EIO, WEIR_EBADMSG,
 * WEIR_ENOEXEC, WEIR_E2BIG: a file in it cannot be used; WEIR_ENOMEM.
 */
int weir_kernel_open(const char *dir, const char *image, struct weir_errtext *et,
		     struct weir_kernel **out_kernel);

/**
 * weir_kernel_open_all - the same of several that belong together.
 * @paths: @count of them: packages and image files, and at most one directory.
 * Return: as weir_kernel_open(); WEIR_EINVAL: two of them bring the same part.
 */
int weir_kernel_open_all(const char *const *paths, size_t count, const char *image,
			 struct weir_errtext *et, struct weir_kernel **out_kernel);

/** Frees it; NULL is fine. */
void weir_kernel_destroy(struct weir_kernel *kernel);

/** Return: what a part is called, such as "modules.alias" or "kernel image". */
const char *weir_kernel_part_name(enum weir_kernel_part part);

/**
 * weir_kernel_config - a setting of the configuration.
 * @key: with its prefix, such as "CONFIG_MODULES".
 * @out_value: "y", "m", a number or a string without quotes; cut to @value_bytes.
 * Return: 0; WEIR_ENOENT: not set, or there is no configuration (see has[]).
 */
int weir_kernel_config(const struct weir_kernel *kernel, const char *key, char *out_value,
		       size_t value_bytes);

/**
 * weir_kernel_driver_list - the drivers of this kernel for a device tree.
 * See weir_driver_list_build().
 */
int weir_kernel_driver_list(const struct weir_kernel *kernel, const char *const *compats,
			    size_t count, struct weir_driver_list **out_list);

/**
 * weir_kernel_report - print what was found and what is missing, a line each.
 * Return: 0; WEIR_EIO: the stream has an error.
 */
int weir_kernel_report(FILE *f, const struct weir_kernel *kernel);

/* kernel_find.c: where the parts are; all empty: there is none. */
struct weir_kernel_places {
	char index[4096], image[4096], config[4096];	/* "" is none */
	char version[256];	/* from the names of directories and files */
};

int weir_kernel_find_(const char *dir, const char *image, struct weir_errtext *et,
		      struct weir_kernel_places *out_places);

/*
 * deploy.c: a file of a build's deploy directory, by what its name starts and ends with.
 * Of links and what they point to, the links count: they are of the last build.
 * @what: for messages. @out_path: of 4096 bytes.
 * Return: 1; 0: there is none; WEIR_EINVAL: several, that are not one file.
 */
int weir_deploy_find(const char *dir, const char *start, const char *const *ends, const char *what,
		     struct weir_errtext *et, char *out_path);
/* The tarball of modules, the FIT image. */
int weir_deploy_modules(const char *dir, struct weir_errtext *et, char *out_path);
int weir_deploy_fit(const char *dir, struct weir_errtext *et, char *out_path);

#endif
