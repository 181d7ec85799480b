// SPDX-License-Identifier: MIT
/*
 * Boards as builds leave them: a deploy directory, a FIT image, Android's boot images, a
 * kernel with its trees behind it. They bring a kernel, and perhaps an initramfs, where the
 * command line names none. Their device tree is that of the build, which is said once: a boot
 * loader may change it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "acpi/acpi.h"
#include "kernel/bootimage.h"
#include "kernel/initramfs.h"
#include "weir.h"

/* Verbs that look at one board as it boots, and those that look at any number. */
static bool boots(enum verb_id verb)
{
	return verb == VERB_BOOT || verb == VERB_EXPLAIN || verb == VERB_TIMELINE ||
	       verb == VERB_GRAPH || verb == VERB_PLAN;
}

static bool is_dir(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static void tell_built(const char *board, const char *kind)
{
	fprintf(stderr, "weir: note: %s (%s): the device tree is as built; a boot loader may change it (weir "
			"diff takes both)\n", board, kind);
}

static bool has_initramfs(const struct weir_bootimage *image)
{
	const struct weir_bootpart *ramdisk = weir_bootimage_part(image, WEIR_BOOTPART_RAMDISK);

	return ramdisk && weir_initramfs_is_image(ramdisk->data, ramdisk->size);
}

/* What is wrong with it, the run says. */
static void take_image(struct opts *o, enum verb_id verb, const char *board)
{
	struct weir_bootimage *image = NULL;

	if (weir_bootimage_open(board, NULL, &image) || !image)
		return;
	tell_built(board, image->kind);
	if (boots(verb) && !o->kernel && !o->drivers &&
	    weir_bootimage_part(image, WEIR_BOOTPART_KERNEL)) {
		o->kernel = board;
		if (!o->initramfs && verb != VERB_PLAN && has_initramfs(image))
			o->initramfs = board;
	}
	weir_bootimage_destroy(image);
}

/* The one device tree of a deploy directory. */
static int take_dir(struct opts *o, enum verb_id verb, char **board)
{
	static const char *const ends[] = { ".dtb", NULL };
	struct weir_errtext et = { "" };
	char path[4096];
	int got = weir_deploy_find(*board, "", ends, "device trees", &et, path);

	if (!got)
		got = weir_deploy_fit(*board, &et, path);
	if (!got)
		return complain("%s: a directory without a device tree or fitImage", *board);
	if (got < 0)
		return complain("%s", et.text);
	tell_built(path, "deploy directory");
	if (boots(verb) && !o->kernel && !o->drivers)
		o->kernel = *board;
	*board = strdup(path);
	return *board ? 0 : complain("out of memory");
}

/* Return: 0; 1: such a board, and the verb takes it; or an exit status after a message. */
static int take_acpi(struct opts *o, enum verb_id verb, const char *board)
{
	int is = acpi_is(board) ? 1 : acpi_is_capture(board);

	if (is != 1)
		return is;
	/* what two captures saw can be compared without any tree */
	if (verb == VERB_DIFF && o->nr_args == 2 && !acpi_is(board))
		return 0;
	if (verb != VERB_BOOT && verb != VERB_EXPLAIN && verb != VERB_GROUPS)
		return complain("%s: ACPI tables, of which boot, explain and groups tell", board);
	o->acpi = true;
	return 1;
}

int inputs_resolve(struct opts *o, enum verb_id verb)
{
	int n = verb == VERB_EXPLAIN && o->nr_args ? 1 : o->nr_args, err = 0;

	if (verb == VERB_RACE && n)
		return take_acpi(o, verb, o->boards[0]);
	if (!boots(verb) && verb != VERB_LINT && verb != VERB_DIFF && verb != VERB_GROUPS)
		return 0;
	for (int i = 0; i < n && !err; i++) {
		int acpi = take_acpi(o, verb, o->boards[i]);

		if (acpi > 1)
			return acpi;
		if (acpi)
			continue;
		if (is_dir(o->boards[i]) && verb != VERB_LINT)
			err = take_dir(o, verb, &o->boards[i]);
		else
			take_image(o, verb, o->boards[i]);
		if (i < 2)
			o->args[i] = o->boards[i];
	}
	return err;
}
