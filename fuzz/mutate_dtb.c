// SPDX-License-Identifier: MIT
/*
 * Changes a device tree where it matters: properties of the binding table with
 * phandles of the tree, cell counts, nodes moved in, taken out and disabled. Every
 * other change, and each of what is no tree, is libFuzzer's own.
 */
#include <libfdt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/dt/dt.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t bytes, size_t max_bytes);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t max_bytes, unsigned int seed);

#define MAX_NODES 512
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const lists[] = {
	"clocks", "interconnects", "iommus", "iommu-map", "mboxes", "io-channels", "dmas",
	"power-domains", "extcon", "nvmem-cells", "phys", "pinctrl-0", "remote-endpoint", "pwms",
	"resets", "msi-parent", "gpios", "interrupts", "interrupts-extended", "interrupt-parent",
	"interrupt-map", "interrupt-map-mask", "a-supply", "a-gpios", "post-init-providers",
	"ranges", "reg", "mask",
};

static const char *const counts[] = {
	"#clock-cells", "#iommu-cells", "#interrupt-cells", "#address-cells", "#size-cells",
	"#gpio-cells", "#power-domain-cells", "#phy-cells", "#dma-cells", "phandle",
};

static const char *const compatibles[] = {
	"simple-bus", "arm,primecell", "t,a", "t,b", "t,c", "t,d", "qcom,smem", "simple-mfd",
	"operating-points-v2", "simple-framebuffer", "",
};

static const char *const flags[] = {
	"interrupt-controller", "gpio-hog", "ranges", "status", "device_type", "dma-coherent",
};

static const char *const names[] = { "ports", "port", "endpoint", "pcie", "isa", "n", "m@1", "chosen" };

/* Mostly what trees have; and what overflows. */
static const uint32_t sizes[] = {
	0, 1, 1, 1, 2, 2, 3, 3, 4, 16, 17, 0x3fffffff, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff,
};

struct dice {
	uint32_t state;
};

/* Marsaglia, Xorshift RNGs, 2003. */
static uint32_t roll(struct dice *d, uint32_t n)
{
	d->state ^= d->state << 13;
	d->state ^= d->state >> 17;
	d->state ^= d->state << 5;
	return d->state % n;
}

static int pick_node(struct dice *d, const void *fdt)
{
	int nodes[MAX_NODES], n = 0;

	for (int at = 0; at >= 0 && n < MAX_NODES; at = fdt_next_node(fdt, at, NULL))
		nodes[n++] = at;
	return nodes[roll(d, (uint32_t)n)];
}

static uint32_t pick_phandle(struct dice *d, void *fdt)
{
	int at = pick_node(d, fdt);
	uint32_t phandle = fdt_get_phandle(fdt, at);

	if (!phandle && !fdt_generate_phandle(fdt, &phandle))
		fdt_setprop_u32(fdt, at, "phandle", phandle);
	return phandle;
}

static void set_list(struct dice *d, void *fdt)
{
	const char *name = lists[roll(d, COUNT(lists))];
	uint32_t n = 1 + roll(d, 6);
	fdt32_t cells[6];

	for (uint32_t i = 0; i < n; i++)
		cells[i] = cpu_to_fdt32(roll(d, 2) ? pick_phandle(d, fdt) : roll(d, 4));
	fdt_setprop(fdt, pick_node(d, fdt), name, cells, (int)(4 * n));
}

static void change(struct dice *d, void *fdt)
{
	int node = pick_node(d, fdt);
	const char *compatible = compatibles[roll(d, COUNT(compatibles))];
	const char *flag = flags[roll(d, COUNT(flags))];
	const char *name = names[roll(d, COUNT(names))];
	const char *count = counts[roll(d, COUNT(counts))];
	const char *value = roll(d, 2) ? "disabled" : "pci";

	switch (roll(d, 8)) {
	case 0:
	case 1:
	case 2:
		set_list(d, fdt);
		break;
	case 3:
		fdt_setprop_u32(fdt, node, count, sizes[roll(d, COUNT(sizes))]);
		break;
	case 4:
		fdt_setprop_string(fdt, node, "compatible", compatible);
		break;
	case 5:
		fdt_setprop_string(fdt, node, flag, value);
		break;
	case 6:
		node = fdt_add_subnode(fdt, node, name);
		if (node >= 0)
			fdt_setprop_string(fdt, node, "compatible", compatible);
		break;
	default:
		if (node)
			fdt_del_node(fdt, node);
		break;
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t max_bytes, unsigned int seed)
{
	struct dice d = { seed * 2654435761u | 1u };
	struct weir_dt_shape shape;
	size_t room = max_bytes + 4096, tail, size;
	uint8_t *fdt;

	if (!roll(&d, 2) || weir_dt_check_(data, bytes, &shape) || fdt_version(data) < 17)
		return LLVMFuzzerMutate(data, bytes, max_bytes);
	tail = bytes - fdt_totalsize(data);
	fdt = malloc(room);
	if (!fdt || fdt_open_into(data, fdt, (int)room)) {
		free(fdt);
		return LLVMFuzzerMutate(data, bytes, max_bytes);
	}
	for (uint32_t n = 1 + roll(&d, 4); n; n--)
		change(&d, fdt);
	fdt_pack(fdt);
	size = fdt_totalsize(fdt);
	if (size + tail <= max_bytes) {
		memmove(data + size, data + bytes - tail, tail);
		memcpy(data, fdt, size);
		bytes = size + tail;
	} else {
		bytes = LLVMFuzzerMutate(data, bytes, max_bytes);
	}
	free(fdt);
	return bytes;
}
