// SPDX-License-Identifier: MIT
/*
 * Which boards are in a boot image, for who looks at all of them; see bootimage.h. No state.
 */
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bootimage.h"
#include "weir/err.h"
#include "weir/firmware.h"

struct names {
	char **name;
	size_t n, room;
};

static void forget(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->name[i]);
	free(names->name);
	*names = (struct names){ 0 };
}

static int add(struct names *names, const char *name)
{
	char **more = weir_array_grow(names->name, names->n, &names->room, sizeof(*more));

	if (!more)
		return WEIR_ENOMEM;
	names->name = more;
	more[names->n] = strdup(name);
	return more[names->n] ? (names->n++, 0) : WEIR_ENOMEM;
}

/* What is damaged counts as a board: whoever opens it is told. */
static bool is_board(const struct weir_bootpart *part)
{
	struct weir_bytes tree = { 0 };
	bool is = true;
	int node;

	if (part->kind != WEIR_BOOTPART_TREE)
		return false;
	if (weir_bootimage_plain_(part, NULL, &tree))
		return true;
	if (!weir_dt_check(tree.data, tree.size))
		fdt_for_each_subnode(node, tree.data, 0)
			is = is && fdt_subnode_offset(tree.data, node, "__overlay__") < 0;
	weir_bytes_fini(&tree);
	return is;
}

/* A word that can stand behind "#" of a path, and on a line. */
static bool is_word(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		if (name[i] <= ' ' || name[i] > '~' || strchr("/#", name[i]))
			return false;
	return n && n < 256;
}

/* A configuration whose tree is an overlay is made to be put on top of another. */
static int add_config(const struct weir_bytes *fit, const char *config, struct names *names)
{
	struct weir_bytes copy = { malloc(fit->size + 1), fit->size };
	const struct weir_bootpart *tree;
	struct weir_bootimage *image;
	bool is = true;

	if (!copy.data)
		return WEIR_ENOMEM;
	memcpy(copy.data, fit->data, fit->size + 1);
	if (!weir_bootimage_read(&copy, config, NULL, &image)) {
		tree = weir_bootimage_part(image, WEIR_BOOTPART_TREE);
		is = tree && is_board(tree);
		weir_bootimage_destroy(image);
	}
	return is ? add(names, config) : 0;
}

static int add_configs(const struct weir_bytes *fit, struct names *names)
{
	int configs = fdt_subnode_offset(fit->data, 0, "configurations"), node, err = 0;

	fdt_for_each_subnode(node, fit->data, configs) {
		const char *config = fdt_get_name(fit->data, node, NULL);

		if (names->n == WEIR_BOOTIMAGE_MAX_PARTS)
			return WEIR_E2BIG;
		if (!err && config && is_word(config))
			err = add_config(fit, config, names);
	}
	return err;
}

/* @file: emptied. */
static int add_trees(struct weir_bytes *file, struct weir_errtext *et, struct names *names)
{
	struct weir_bootimage *image;
	int err = weir_bootimage_read(file, NULL, et, &image);
	size_t number = 0;
	char word[16];

	if (err)
		return err;
	for (size_t i = 0; i < image->part_count && !err; i++) {
		if (image->parts[i].kind != WEIR_BOOTPART_TREE)
			continue;
		snprintf(word, sizeof(word), "%zu", number++);
		if (is_board(&image->parts[i]))
			err = add(names, word);
	}
	weir_bootimage_destroy(image);
	return err;
}

int weir_bootimage_boards_(struct weir_bytes *file, struct weir_errtext *et, char ***out_names,
			   size_t *out_count)
{
	struct names names = { 0 };
	int err = 0;

	if (weir_fit_is_(file->data, file->size))
		err = add_configs(file, &names);
	else if (weir_bootimage_is(file->data, file->size))
		err = add_trees(file, et, &names);
	weir_bytes_fini(file);
	if (err) {
		forget(&names);
		return et && *et->text ? err : weir_errtext_set(et, err, "%s", weir_strerror(err));
	}
	*out_names = names.name;
	*out_count = names.n;
	return 0;
}

int weir_bootimage_boards(const char *path, struct weir_errtext *et, char ***out_names,
			  size_t *out_count)
{
	struct weir_bytes file = { 0 };
	int err = weir_bytes_read(path, et, &file);

	if (err)
		return err;
	err = weir_bootimage_boards_(&file, et, out_names, out_count);
	if (err)
		weir_errtext_prefix(et, path);
	return err;
}
