// SPDX-License-Identifier: MIT
/*
 * Devices that are complete without a driver: what others use through their node
 * (register blocks, connectors, caches), what early code runs (timers), and buses
 * whose children are there. A table of facts from the device tree bindings.
 */
#include <string.h>

#include "weir.h"

/* A name that ends in a star stands for all that begin so. */
static const char *const used_by_others[] = {
	"syscon", "simple-mfd", "cache", "arm,psci*", "arm,pl310-cache", "simple-battery",
	"usb-a-connector", "usb-b-connector", "usb-c-connector", "hdmi-connector",
	"ethernet-phy-*", "snps,dwmac-mdio", "operating-points-v2*", "fpga-region",
	"amlogic,meson-gx*-scp-shmem", "arm,scmi-shmem", "qcom,rpm-msg-ram",
	"qcom,pil-reloc-info", "qcom,adreno-gmu*", "qcom,inline-crypto-engine", "mmc-card",
	"jedec,spi-nor", "fixed-partitions", "amlogic,meson-gxbb-scp-shmem",
};

/* Timers that the kernel's own early code runs (bindings/timer). */
static const char *const timers[] = {
	"arm,armv8-timer", "arm,armv7-timer", "arm,armv7-timer-mem", "arm,sp804",
	"nxp,sysctr-timer", "fsl,imx6dl-gpt", "snps,dw-apb-timer", "rockchip,rk3288-timer",
	"allwinner,sun4i-a10-timer", "allwinner,sun8i-a23-timer", "brcm,bcm2835-system-timer",
	"mediatek,mt6577-timer", "mediatek,mt6765-timer", "riscv,timer",
};

static bool matches(const char *pattern, const char *compatible)
{
	size_t n = strcspn(pattern, "*");

	return pattern[n] ? !strncmp(pattern, compatible, n) : !strcmp(pattern, compatible);
}

static bool in_table(const char *const *table, size_t n, const char *compatible)
{
	for (size_t i = 0; i < n; i++)
		if (matches(table[i], compatible))
			return true;
	return false;
}

/* Below a bus whose devices say themselves what they are; firmware's node only adds to that. */
static bool names_itself(const struct weir_fwnode *node)
{
	static const char *const buses[] = { "mmc", "sdhci", "sdmmc", "sdio", "usb", "pci" };
	const struct weir_fwnode *parent = weir_fwnode_parent(node);

	for (size_t i = 0; parent && i < sizeof(buses) / sizeof(*buses); i++)
		if (!strncmp(weir_fwnode_name(parent), buses[i], strlen(buses[i])))
			return true;
	return false;
}

/* The image knows its own early code, timers included. */
static bool is_early(const struct run *r, const char *compatible)
{
	const struct weir_image *image = r->kernel ? r->kernel->image : NULL;

	for (size_t i = 0; image && i < image->early_count; i++)
		if (!strcmp(image->early[i].compat, compatible))
			return true;
	return false;
}

static bool is_used_by_others(const struct weir_fwnode *node)
{
	const char *s;

	for (unsigned int i = 0; (s = weir_fwnode_compatible(node, i)); i++)
		if (in_table(used_by_others, sizeof(used_by_others) / sizeof(*used_by_others), s))
			return true;
	return false;
}

bool needs_no_driver(const struct run *r, const struct weir_device *dev)
{
	const struct weir_fwnode *node = weir_device_fwnode(dev);
	const char *s;

	if (!node)
		return false;
	if ((weir_fwnode_flags(node) & WEIR_FWNODE_POPULATED_BUS) || names_itself(node))
		return true;
	if (is_used_by_others(node))
		return true;
	for (unsigned int i = 0; (s = weir_fwnode_compatible(node, i)); i++)
		if (in_table(timers, sizeof(timers) / sizeof(*timers), s) || is_early(r, s))
			return true;
	return false;
}

/* ---- the profile weir knows no time after which such a wait would end ---- */

static bool is_driven(const struct weir_driver_list *list, const struct weir_fwnode *node)
{
	const char *s;

	for (unsigned int i = 0; (s = weir_fwnode_compatible(node, i)); i++)
		for (size_t j = 0; j < list->driver_count; j++)
			for (size_t k = 0; k < list->drivers[j].compat_count; k++)
				if (!strcmp(list->drivers[j].compats[k].name, s))
					return true;
	return false;
}

void release_plain_nodes(struct run *r)
{
	struct weir_fwnode *node;

	for (node = weir_fwnode_root(r->m); node; node = weir_fwnode_next(node))
		if (is_used_by_others(node) && !is_driven(r->list, node))
			weir_fwnode_set_initialized(node, true, false);
}
