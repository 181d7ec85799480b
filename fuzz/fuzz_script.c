// SPDX-License-Identifier: MIT
/*
 * The fuzzer of the text formats: a driver list up to a line "---", a script from
 * there on. Both are used on a small tree made here, if the list is one.
 */
#include <libfdt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bringup.h"
#include "kernel/linux/linux.h"

#define MAX_LINES 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void node(void *fdt, const char *name, const char *compatible, uint32_t phandle,
		 const char *property, uint32_t needs)
{
	BRINGUP_CHECK(!fdt_begin_node(fdt, name) &&
		      !fdt_property_string(fdt, "compatible", compatible) &&
		      !fdt_property_u32(fdt, "phandle", phandle) &&
		      !fdt_property_u32(fdt, property, needs));
}

/* A clock, an IOMMU that needs it, a master with a child, a cycle of two. */
static void make_tree(void *fdt, int bytes)
{
	BRINGUP_CHECK(!fdt_create(fdt, bytes) && !fdt_finish_reservemap(fdt) &&
		      !fdt_begin_node(fdt, ""));
	node(fdt, "clk", "t,clk", 1, "#clock-cells", 0);
	BRINGUP_CHECK(!fdt_end_node(fdt));
	node(fdt, "iommu", "t,iommu", 2, "clocks", 1);
	BRINGUP_CHECK(!fdt_property_u32(fdt, "#iommu-cells", 0) && !fdt_end_node(fdt));
	node(fdt, "bus", "t,bus", 3, "iommus", 2);
	node(fdt, "child", "t,child", 4, "clocks", 1);
	BRINGUP_CHECK(!fdt_end_node(fdt) && !fdt_end_node(fdt));
	node(fdt, "a", "t,a", 5, "clocks", 6);
	BRINGUP_CHECK(!fdt_end_node(fdt));
	node(fdt, "b", "t,b", 6, "clocks", 5);
	BRINGUP_CHECK(!fdt_end_node(fdt) && !fdt_end_node(fdt) && !fdt_finish(fdt));
}

static void run(const struct weir_driver_list *list, char *script)
{
	static _Alignas(8) char tree[1024];
	const char *lines[MAX_LINES + 1];
	struct bringup b = { .list = list, .script = lines, .sync_state = true };
	size_t n = 0;

	for (char *line = strtok(script, "\n"); line && n < MAX_LINES; line = strtok(NULL, "\n"))
		lines[n++] = line;
	lines[n] = NULL;
	make_tree(tree, sizeof(tree));
	bringup_run(&b, tree, fdt_totalsize(tree));
	b.policy = &weir_policy_linux_6_12;
	bringup_run(&b, tree, fdt_totalsize(tree));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct weir_driver_list *list;
	struct weir_errtext et = { "" };
	char *text = malloc(bytes + 1), *script, *list_text;
	size_t list_bytes;
	int err;

	if (!text)
		abort();
	memcpy(text, data, bytes);
	text[bytes] = '\0';
	script = strstr(text, "---\n");
	list_bytes = script ? (size_t)(script - text) : bytes;
	/* A copy of its own, so that reading past its end is seen. */
	list_text = malloc(list_bytes ? list_bytes : 1);
	if (!list_text)
		abort();
	memcpy(list_text, text, list_bytes);
	err = weir_driver_list_parse("input", list_text, list_bytes, &et, &list);
	free(list_text);
	if (err) {
		BRINGUP_CHECK(err == WEIR_EINVAL && strstr(et.text, "input:"));
	} else {
		run(list, script ? script + 4 : text + bytes);
		weir_driver_list_destroy(list);
	}
	free(text);
	return 0;
}
