// SPDX-License-Identifier: MIT
/*
 * FIT images; see bootimage.h. From "Flattened Image Tree (FIT) Format"
 * (fitspec.osfw.foundation): "/images" nodes, "/configurations" nodes, external data.
 * Data is a property `data`, or outside of the tree: `data-size` bytes at
 * `data-position` of the file, or at `data-offset` from the end of the tree, up to 4.
 * What `compression` says is not needed: data is told by its magic.
 */
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "bootimage.h"
#include "le.h"
#include "weir/err.h"
#include "weir/firmware.h"

#define MAX_TREES 32

bool weir_fit_is_(const uint8_t *data, size_t size)
{
	size_t bytes;

	if (size < 40 || weir_get_be32(data) != FDT_MAGIC)
		return false;
	bytes = weir_get_be32(data + 4);
	return bytes <= size && !weir_dt_check(data, bytes) &&
	       fdt_subnode_offset(data, 0, "images") >= 0 &&
	       fdt_subnode_offset(data, 0, "configurations") >= 0;
}

/* Return: whether a node has a property of one cell. */
static bool cell(const void *fit, int node, const char *name, uint32_t *out)
{
	int len;
	const uint8_t *value = fdt_getprop(fit, node, name, &len);

	if (!value || len != 4)
		return false;
	*out = weir_get_be32(value);
	return true;
}

/* A string of a list, whole; NULL: there is none, or it has no end. */
static const char *word(const void *fit, int node, const char *name, int at)
{
	return fdt_stringlist_get(fit, node, name, at, NULL);
}

/* Its words are those of a configuration, whose number is small. */
static int tell_configs(struct weir_bootimage *image, const void *fit, int configs,
			struct weir_errtext *et)
{
	char list[300] = "";
	size_t n = 0;
	int node;

	fdt_for_each_subnode(node, fit, configs) {
		const char *name = fdt_get_name(fit, node, NULL);
		size_t used = strlen(list);

		name = name ? weir_bootimage_word_(image, name, 64) : NULL;
		if (name && n++ < 6)
			snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", name);
	}
	if (!n)
		return weir_errtext_set(et, WEIR_EBADMSG, "a FIT image without configurations");
	if (image->choice)
		return weir_errtext_set(et, WEIR_EINVAL, "no configuration '%.60s'; there are: %s%s",
					image->choice, list, n > 6 ? ", ..." : "");
	return weir_errtext_set(et, WEIR_EINVAL,
				"no default among %zu configurations (%s%s): name one as FILE#NAME", n,
				list, n > 6 ? ", ..." : "");
}

/* Return: the node; negative, with words. */
static int find_config(struct weir_bootimage *image, const void *fit, struct weir_errtext *et)
{
	int configs = fdt_subnode_offset(fit, 0, "configurations"), node, only = -1, n = 0;
	const char *wanted = image->choice;

	if (!wanted)
		wanted = word(fit, configs, "default", 0);
	fdt_for_each_subnode(node, fit, configs) {
		const char *name = fdt_get_name(fit, node, NULL);

		only = n++ ? only : node;
		if (wanted && name && !strcmp(name, wanted))
			return node;
	}
	if (n == 1 && !wanted)
		return only;
	if (wanted && !image->choice)
		return weir_errtext_set(et, WEIR_EBADMSG, "/configurations: default names none of them");
	return tell_configs(image, fit, configs, et);
}

static int add_image(struct weir_bootimage *image, const void *fit, enum weir_bootpart_kind kind,
		     const char *name, struct weir_errtext *et)
{
	int images = fdt_subnode_offset(fit, 0, "images"), node, len;
	uint64_t tree_bytes = fdt_totalsize(fit), off;
	const uint8_t *data;
	uint32_t at, size;
	char what[80];

	node = fdt_subnode_offset(fit, images, name);
	snprintf(what, sizeof(what), "/images/%.60s", name);
	name = weir_bootimage_word_(image, what, sizeof(what));
	if (!name)
		return WEIR_ENOMEM;
	if (node < 0)
		return weir_errtext_set(et, WEIR_EBADMSG, "%s: a configuration names it, and it is not there",
					name);
	data = fdt_getprop(fit, node, "data", &len);
	if (data) {
		off = (uint64_t)(data - (const uint8_t *)fit);
		size = (uint32_t)len;
	} else if (cell(fit, node, "data-size", &size) && cell(fit, node, "data-position", &at)) {
		off = at;
	} else if (cell(fit, node, "data-size", &size) && cell(fit, node, "data-offset", &at)) {
		off = ((tree_bytes + 3) & ~(uint64_t)3) + at;
	} else {
		return weir_errtext_set(et, WEIR_EBADMSG, "%s: no data, and no place where it is", name);
	}
	return weir_bootimage_add_(image, kind, name, off, size, et);
}

int weir_fit_read_(struct weir_bootimage *image, struct weir_errtext *et)
{
	const void *fit = image->file.data;
	int config = find_config(image, fit, et), err = 0;
	const char *name;

	image->kind = "FIT image";
	if (config < 0)
		return config;
	name = fdt_get_name(fit, config, NULL);
	image->config = weir_bootimage_word_(image, name, strlen(name));
	if (!image->config)
		return WEIR_ENOMEM;
	name = word(fit, config, "kernel", 0);
	if (name)
		err = add_image(image, fit, WEIR_BOOTPART_KERNEL, name, et);
	for (int i = 0; !err && i < MAX_TREES && (name = word(fit, config, "fdt", i)); i++)
		err = add_image(image, fit, i ? WEIR_BOOTPART_OVERLAY : WEIR_BOOTPART_TREE, name, et);
	name = word(fit, config, "ramdisk", 0);
	if (!err && name)
		err = add_image(image, fit, WEIR_BOOTPART_RAMDISK, name, et);
	return err;
}
