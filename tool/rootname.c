// SPDX-License-Identifier: MIT
/* Names of root file systems and kinds of controllers; see rootname.h. Tables alone, no state. */
#include "rootname.h"

#include <ctype.h>
#include <string.h>

/* ---- nodes ---- */

bool node_is_named(const struct weir_fwnode *node, const char *words)
{
	const char *name = weir_fwnode_name(node);
	size_t n = strcspn(name, "@"), len;

	for (; *words; words += len + (words[len] == ' ')) {
		len = strcspn(words, " ");
		if (len == n && !strncmp(words, name, n))
			return true;
	}
	return false;
}

static bool says(const struct weir_fwnode *node, const char *property, const char *text)
{
	const void *value;
	size_t bytes;

	return !weir_fwnode_property(node, property, &value, &bytes) &&
	       bytes == strlen(text) + 1 && !memcmp(value, text, bytes);
}

static bool has_registers(const struct weir_fwnode *node)
{
	const void *value;

	return !weir_fwnode_property(node, "reg", &value, NULL);
}

/* ---- kinds of controllers ---- */

static bool is_mmc(const struct weir_fwnode *node)
{
	const struct weir_fwnode *child;

	if (!node_is_named(node, "mmc sdhci sdmmc dwmmc emmc sdhost mshc sdhc esdhc sdio") ||
	    !has_registers(node))
		return false;
	for (child = weir_fwnode_first_child(node); child; child = weir_fwnode_next_sibling(child))
		if (node_is_named(child, "wifi bluetooth brcmf wlan wlcore"))
			return false; /* a radio sits there */
	return true;
}

static bool is_usb(const struct weir_fwnode *node)
{
	const struct weir_fwnode *child;

	if (!node_is_named(node, "usb usb3 dwc3 ehci ohci xhci") ||
	    says(node, "dr_mode", "peripheral") || !has_registers(node))
		return false;
	/* the glue around a core; not a port with a hub */
	for (child = weir_fwnode_first_child(node); child; child = weir_fwnode_next_sibling(child))
		if (node_is_named(child, "usb dwc3 xhci") && weir_fwnode_available(child))
			return false;
	return !weir_fwnode_parent(node) || strncmp(weir_fwnode_name(weir_fwnode_parent(node)),
						    "i2c", 3);
}

static bool is_sata(const struct weir_fwnode *node)
{
	return node_is_named(node, "sata ahci");
}

static bool is_ufs(const struct weir_fwnode *node)
{
	return node_is_named(node, "ufs ufshc ufshci");
}

static bool is_pci(const struct weir_fwnode *node)
{
	const struct weir_fwnode *up = weir_fwnode_parent(node);

	return says(node, "device_type", "pci") && !(up && says(up, "device_type", "pci"));
}

static bool is_net(const struct weir_fwnode *node)
{
	return node_is_named(node, "ethernet");
}

static bool is_virtio(const struct weir_fwnode *node)
{
	return node_is_named(node, "virtio_mmio virtio");
}

static bool is_platform_nvme(const struct weir_fwnode *node)
{
	return node_is_named(node, "nvme");
}

static bool is_flash(const struct weir_fwnode *node)
{
	return node_is_named(node, "nand nand-controller spi qspi flash");
}

static const struct root_kind kinds[ROOT_HOSTS] = {
	[ROOT_MMC] = { "mmc", "SD and eMMC controllers", is_mmc },
	[ROOT_UFS] = { "ufs", "UFS controllers", is_ufs },
	[ROOT_SATA] = { "sata", "SATA controllers", is_sata },
	[ROOT_USB] = { "usb", "USB controllers", is_usb },
	[ROOT_NVME] = { "nvme", "NVMe controllers", is_platform_nvme },
	[ROOT_PCI_NVME] = { "nvme", "PCI host bridges", is_pci },
	[ROOT_PCI_SATA] = { "pci-sata", "PCI host bridges", is_pci },
	[ROOT_PCI_USB] = { "pci-usb", "PCI host bridges", is_pci },
	[ROOT_PCI_VIRTIO] = { "virtio", "PCI host bridges", is_pci },
	[ROOT_VIRTIO] = { "virtio-mmio", "virtio devices", is_virtio },
	[ROOT_FLASH] = { "flash", "flash controllers", is_flash },
	[ROOT_NET] = { "nfs", "network controllers", is_net },
};

const struct root_kind *root_kind(enum root_host host)
{
	return &kinds[host];
}

bool root_is_word(const char *word, size_t len)
{
	for (size_t i = 0; i < ROOT_HOSTS; i++)
		if (strlen(kinds[i].word) == len && !strncmp(kinds[i].word, word, len))
			return true;
	return false;
}

bool root_host_is(const struct weir_fwnode *node, enum root_host host)
{
	if (!weir_fwnode_compatible(node, 0) || !kinds[host].is(node))
		return false;
	for (; node; node = weir_fwnode_parent(node))
		if (!weir_fwnode_available(node))
			return false;
	return true;
}

/* ---- names ---- */

#define HOST(host) (1u << ROOT_##host)

static const struct root_disk disks[] = {
	{ "mmcblk", HOST(MMC), "mmc", "mmc_core mmc_block", "MMC hosts" },
	{ "nvme", HOST(NVME) | HOST(PCI_NVME), NULL, "nvme_core nvme", "PCI hosts" },
	{ "vd", HOST(PCI_VIRTIO) | HOST(VIRTIO), NULL, "virtio virtio_ring virtio_blk", "hosts of virtio" },
	{ "sd", HOST(UFS) | HOST(SATA) | HOST(USB) | HOST(PCI_SATA), NULL, "scsi_mod sd_mod",
	  "SATA, UFS, USB and PCI hosts" },
	{ "ubi", HOST(FLASH), NULL, "ubi", "flash controllers" },
	{ "mtdblock", HOST(FLASH), NULL, "mtdblock", "flash controllers" },
	{ "nfs", HOST(NET), "ethernet", "nfs", "Ethernet" },
};

/* Behind sd and vd a letter, behind mmcblk, nvme and mtdblock a number, behind the others anything. */
static bool goes_on(const struct root_disk *disk, const char *rest)
{
	bool letter = !strcmp(disk->prefix, "sd") || !strcmp(disk->prefix, "vd");

	if (letter)
		return islower((unsigned char)*rest) && strlen(rest) < 6 && !strpbrk(rest, "@/,") &&
		       (!rest[1] || isalnum((unsigned char)rest[1]));
	if (disk->hosts == HOST(FLASH) || disk->hosts == HOST(NET))
		return !*rest || isdigit((unsigned char)*rest);
	return isdigit((unsigned char)*rest);
}

const struct root_disk *root_disk(const char *spec, const char **out_rest)
{
	const char *name = strncmp(spec, "/dev/", 5) ? spec : spec + 5;

	for (size_t i = 0; i < sizeof(disks) / sizeof(disks[0]); i++) {
		size_t n = strlen(disks[i].prefix);

		if (strncmp(name, disks[i].prefix, n) || !goes_on(&disks[i], name + n))
			continue;
		*out_rest = name + n;
		return &disks[i];
	}
	return NULL;
}

bool root_is_tag(const char *spec)
{
	static const char *const tags[] = { "UUID=", "PARTUUID=", "LABEL=", "PARTLABEL=", "/dev/disk/",
					    "/dev/mapper/", "/dev/dm-", "/dev/md" };

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (!strncmp(spec, tags[i], strlen(tags[i])))
			return true;
	return false;
}

unsigned int root_tag_hosts(void)
{
	return HOST(MMC) | HOST(UFS) | HOST(SATA) | HOST(USB) | HOST(NVME) | HOST(PCI_NVME) | HOST(VIRTIO);
}
