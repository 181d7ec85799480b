// SPDX-License-Identifier: MIT
/*
 * Which devices of a board a root file system can be on: --root as in the kernel's
 * root= (Documentation/admin-guide/kernel-parameters.txt), or --for DEV. What a name
 * such as mmcblk1p2 does not say is left open: then there are several candidates.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "weir.h"

struct kind {
	const char *device;      /* of /dev, up to the number */
	const char *alias;       /* of /aliases, before the number; NULL: none */
	const char *names;       /* of nodes, before the address, between blanks */
	const char *modules;     /* that make a block device of it */
	const char *words;
};

/* Node names: Devicetree Specification 0.4, 2.2.2, and the bindings of ufs and dwmmc. */
static const struct kind kinds[] = {
	{ "mmcblk", "mmc", " mmc sdmmc sdhci sdio emmc dwmmc sdhc esdhc mshc ",
	  "mmc_core mmc_block", "MMC hosts" },
	{ "nvme", NULL, " pcie pci ", "nvme_core nvme", "PCI hosts" },
	{ "vd", NULL, " virtio_mmio pcie pci ", "virtio virtio_ring virtio_blk", "hosts of virtio" },
	{ "sd", NULL, " sata ahci ufs ufshc usb pcie pci ", "scsi_mod sd_mod", "SATA, UFS, USB and PCI hosts" },
	{ "ubi", NULL, " nand nand-controller spi qspi flash ", "ubi", "flash controllers" },
	{ "mtdblock", NULL, " nand nand-controller spi qspi flash ", "mtdblock", "flash controllers" },
	{ "nfs", "ethernet", " ethernet ", "nfs", "Ethernet" },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static bool is_named(const struct weir_fwnode *node, const char *names)
{
	const char *name = weir_fwnode_name(node);
	char word[64];

	snprintf(word, sizeof(word), " %.*s ", (int)strcspn(name, "@"), name);
	return strstr(names, word) != NULL;
}

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

/* Nodes that are enabled, as are all above them. */
static bool is_there(const struct weir_fwnode *node)
{
	for (; node; node = weir_fwnode_parent(node))
		if (!weir_fwnode_available(node))
			return false;
	return true;
}

static int add_all(struct run *r, const struct kind *k, struct places *p)
{
	struct weir_fwnode *node;
	int err = 0;

	for (node = weir_fwnode_root(r->m); node && !err; node = weir_fwnode_next(node))
		if (weir_fwnode_compatible(node, 0) && is_named(node, k->names) && is_there(node))
			err = add(p, node);
	return err;
}

static int by_alias(struct run *r, const struct kind *k, const char *number, struct places *p)
{
	struct weir_fwnode *node;
	char alias[64];

	if (!k->alias || !isdigit((unsigned char)*number))
		return WEIR_ENOENT;
	snprintf(alias, sizeof(alias), "%s%.*s", k->alias, (int)strspn(number, "0123456789"), number);
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
	int err = 0;

	for (size_t i = 0; i < 4 && !err; i++)
		err = add_all(r, &kinds[i], p);
	snprintf(p->words, sizeof(p->words), "everything that storage can be on");
	return err;
}

static int by_name(struct run *r, const char *spec, struct places *p)
{
	const char *name = strncmp(spec, "/dev/", 5) ? spec : spec + 5;
	const struct kind *k = NULL;
	int err;

	for (size_t i = 0; i < KINDS && !k; i++)
		if (!strncmp(name, kinds[i].device, strlen(kinds[i].device)))
			k = &kinds[i];
	if (!k)
		return complain("--root %s: not a path, &label or alias of the board, nor one of "
				"/dev/mmcblkN nvme sd vd ubi mtdblock nfs, UUID=, LABEL=, PARTUUID=", spec);
	add_modules(p, k->modules);
	err = by_alias(r, k, name + strlen(k->device), p);
	if (!err || err == EXIT_USAGE)
		return err;
	snprintf(p->words, sizeof(p->words), "%s", k->words);
	return add_all(r, k, p);
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

static bool is_tag(const char *spec)
{
	static const char *const tags[] = { "UUID=", "PARTUUID=", "LABEL=", "PARTLABEL=", "/dev/disk/",
					    "/dev/mapper/", "/dev/dm-", "/dev/md" };

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (!strncmp(spec, tags[i], strlen(tags[i])))
			return true;
	return false;
}

int places_find(struct run *r, struct places *out_places)
{
	const struct opts *o = r->o;
	struct places p = { .spec = o->target ? o->target : o->root };
	int status;

	if (o->target || *o->root == '&' || (*o->root == '/' && strncmp(o->root, "/dev/", 5)))
		status = by_device(r, p.spec, &p);
	else if (is_tag(o->root))
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
