// SPDX-License-Identifier: MIT
/*
 * Which devices of a board a root file system can be on: --root as in the kernel's
 * root= (Documentation/admin-guide/kernel-parameters.txt), or --for DEV. What a name
 * such as mmcblk1p2 does not say is left open: then there are several candidates.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "rootname.h"
#include "weir.h"

static int add(struct places *p, struct weir_fwnode *node)
{
	char path[1024], **more;

	path_words(node, path, sizeof(path));
	for (size_t i = 0; i < p->n; i++)
		if (!strcmp(p->path[i], path))
			return 0;
	more = realloc(p->path, (p->n + 1) * sizeof(*more));
	if (!more)
		return complain("out of memory");
	p->path = more;
	p->path[p->n] = strdup(path);
	return p->path[p->n++] ? 0 : complain("out of memory");
}

/* All controllers of kinds. */
static int add_all(struct run *r, unsigned int hosts, struct places *p)
{
	struct weir_fwnode *node;
	int err = 0;

	for (node = weir_fwnode_root(r->m); node && !err; node = weir_fwnode_next(node))
		for (unsigned int host = 0; host < ROOT_HOSTS && !err; host++)
			if (hosts >> host & 1 && root_host_is(node, host))
				err = add(p, node);
	return err;
}

/* Nodes that are enabled, as are all above them. */
static bool is_there(const struct weir_fwnode *node)
{
	for (; node; node = weir_fwnode_parent(node))
		if (!weir_fwnode_available(node))
			return false;
	return true;
}

static int by_alias(struct run *r, const struct root_disk *disk, const char *number, struct places *p)
{
	struct weir_fwnode *node;
	char alias[64];

	if (!disk->alias || !isdigit((unsigned char)*number))
		return WEIR_ENOENT;
	snprintf(alias, sizeof(alias), "%s%.*s", disk->alias, (int)strspn(number, "0123456789"), number);
	if (weir_fwnode_find(r->m, alias, &node) || !is_there(node))
		return WEIR_ENOENT;
	return add(p, node);
}

static int add_modules(struct places *p, const char *modules)
{
	while (*modules) {
		size_t n = strcspn(modules, " ");

		if (p->nr_modules < sizeof(p->module) / sizeof(p->module[0]))
			snprintf(p->module[p->nr_modules++], sizeof(p->module[0]), "%.*s", (int)n, modules);
		modules += n;
		modules += *modules == ' ';
	}
	return 0;
}

/* UUID= and the like: wherever a file system can be. */
static int anywhere(struct run *r, struct places *p)
{
	snprintf(p->words, sizeof(p->words), "controller that storage can be on");
	return add_all(r, root_tag_hosts(), p);
}

static int by_name(struct run *r, const char *spec, struct places *p)
{
	const char *rest;
	const struct root_disk *disk = root_disk(spec, &rest);
	int err;

	if (!disk)
		return complain("--root %s: not a path, &label or alias of the board, nor one of "
				"/dev/mmcblkN nvmeN sdX vdX ubiN mtdblockN nfs, UUID=, LABEL=, PARTUUID=", spec);
	add_modules(p, disk->modules);
	err = by_alias(r, disk, rest, p);
	if (!err || err == EXIT_USAGE)
		return err;
	snprintf(p->words, sizeof(p->words), "%s", disk->plural);
	return add_all(r, disk->hosts, p);
}

static int by_device(struct run *r, const char *name, struct places *p)
{
	struct weir_device *dev;
	struct weir_fwnode *node;
	int status = find_device(r, name, &dev, &node);

	if (status)
		return status;
	if (!node)
		return complain("%s: a device without a node, which only its driver makes", name);
	return add(p, node);
}

int places_find(struct run *r, struct places *out_places)
{
	const struct opts *o = r->o;
	struct places p = { .spec = o->target ? o->target : o->root };
	int status;

	if (o->target || *o->root == '&' || (*o->root == '/' && strncmp(o->root, "/dev/", 5)))
		status = by_device(r, p.spec, &p);
	else if (root_is_tag(o->root))
		status = anywhere(r, &p);
	else
		status = by_name(r, o->root, &p);
	if (!status && !p.n)
		status = complain("--root %s: the board has no %s", o->root, p.words);
	if (status)
		places_free(&p);
	else
		*out_places = p;
	return status;
}

void places_free(struct places *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->path[i]);
	free(p->path);
	*p = (struct places){ 0 };
}
