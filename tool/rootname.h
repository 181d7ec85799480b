// SPDX-License-Identifier: MIT
/*
 * What a root file system can be called, and which controllers it can then be on: the one owner of that
 * for --root of boot and of plan. Names are those of the kernel's root=
 * (Documentation/admin-guide/kernel-parameters.txt); controllers are known by the generic
 * names of their nodes (Devicetree Specification 0.4, 2.2.2, and the bindings of mmc, usb, ufs, mtd).
 */
#ifndef WEIR_TOOL_ROOTNAME_H
#define WEIR_TOOL_ROOTNAME_H

#include "weir.h"

/* What a disk can be on. */
enum root_host {
	ROOT_MMC,
	ROOT_UFS,
	ROOT_SATA,
	ROOT_USB,
	ROOT_NVME,         /* that are no PCI functions */
	ROOT_PCI_NVME,     /* a PCI host bridge, for the disk that is expected there */
	ROOT_PCI_SATA,
	ROOT_PCI_USB,
	ROOT_PCI_VIRTIO,
	ROOT_VIRTIO,       /* by MMIO */
	ROOT_FLASH,
	ROOT_NET,
	ROOT_HOSTS,
};

/* A kind of controller. Several may have a word. */
struct root_kind {
	const char *word;    /* what --root of plan calls it: "mmc" */
	const char *plural;
	bool (*is)(const struct weir_fwnode *node);
};

/* A kind of name. */
struct root_disk {
	const char *prefix;  /* of /dev, up to the number or letter: "mmcblk" */
	unsigned int hosts;  /* bits of enum root_host */
	const char *alias;   /* of /aliases, before the same number; NULL: none */
	const char *modules; /* that make a block device of it, between blanks */
	const char *plural;  /* the controllers in words */
};

const struct root_kind *root_kind(enum root_host host);
/* Whether a word of @len bytes is that of a kind. */
bool root_is_word(const char *word, size_t len);
/* Whether a controller of that kind is there: enabled, as is all above it, and with a compatible. */
bool root_host_is(const struct weir_fwnode *node, enum root_host host);

/* "mmcblk0p2", with or without /dev/; the rest behind the prefix in @out_rest. NULL: no such name. */
const struct root_disk *root_disk(const char *spec, const char **out_rest);
/* "UUID=..", "/dev/disk/by-..", "/dev/mapper/..": only the disk itself says where it is. */
bool root_is_tag(const char *spec);
/* The kinds that such a one can be on. */
unsigned int root_tag_hosts(void);

/* Whether the name of a node, without its address, is one of @words, between blanks. */
bool node_is_named(const struct weir_fwnode *node, const char *words);

#endif
