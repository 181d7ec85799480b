// SPDX-License-Identifier: MIT
/* What a property of firmware means that a device needs, in words. */
#include <string.h>

#include "weir.h"

const char *need_words(const char *property)
{
	static const struct {
		const char *property, *words;
	} needs[] = {
		{ "clocks", "its clock" }, { "power-domains", "its power domain" },
		{ "resets", "its reset" }, { "phys", "its PHY" }, { "iommus", "its IOMMU" },
		{ "iommu-map", "its IOMMU" }, { "IORT, VIOT", "its IOMMU" },
		{ "interrupts", "its interrupt" }, { "dmas", "its DMA channel" },
		{ "interconnects", "its interconnect" }, { "nvmem-cells", "its NVMEM cell" },
	};

	for (size_t i = 0; property && i < sizeof(needs) / sizeof(needs[0]); i++)
		if (!strcmp(needs[i].property, property))
			return needs[i].words;
	if (property && strstr(property, "-supply"))
		return "its regulator";
	if (property && strstr(property, "pinctrl-"))
		return "its pin configuration";
	if (property && strstr(property, "gpio"))
		return "its GPIO";
	return property ? property : "it";
}
