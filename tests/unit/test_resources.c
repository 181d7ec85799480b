// SPDX-License-Identifier: MIT
/* What drivers of hardware ask firmware for: registers and interrupt lines. */
#include <libfdt.h>

#include "cm.h"
#include "testhost.h"
#include "treebed.h"
#include "weir/weir.h"

struct world {
	struct testhost *host;
	struct weir_machine *m;
	char blob[2048];
};

#define CELLS(fdt, name, ...) \
	tree_cells(fdt, name, (const uint32_t[]){ __VA_ARGS__ }, \
	      sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)

static void controller(void *fdt, const char *name, uint32_t phandle, uint32_t nr_cells)
{
	assert_int_equal(fdt_begin_node(fdt, name), 0);
	CELLS(fdt, "phandle", phandle);
	CELLS(fdt, "#interrupt-cells", nr_cells);
	assert_int_equal(fdt_property(fdt, "interrupt-controller", NULL, 0), 0);
	assert_int_equal(fdt_end_node(fdt), 0);
}

static void device(void *fdt, const char *name)
{
	assert_int_equal(fdt_begin_node(fdt, name), 0);
}

static void make_tree(void *fdt, int bytes)
{
	assert_int_equal(fdt_create(fdt, bytes), 0);
	assert_int_equal(fdt_finish_reservemap(fdt), 0);
	device(fdt, "");
	CELLS(fdt, "#address-cells", 2);
	CELLS(fdt, "#size-cells", 2);
	CELLS(fdt, "interrupt-parent", 1);
	controller(fdt, "gic", 1, 3);
	controller(fdt, "plic", 2, 1);
	device(fdt, "uart");
	CELLS(fdt, "reg", 0x1, 0x9000000, 0, 0x1000, 0, 0x8000, 0, 0x10, 0, 0, 0, 0);
	CELLS(fdt, "interrupts", 0, 74, 4, 1, 13, 4);
	assert_int_equal(fdt_end_node(fdt), 0);
	device(fdt, "both");
	CELLS(fdt, "interrupts-extended", 2, 5, 1, 0, 6, 4, 99, 1);
	assert_int_equal(fdt_end_node(fdt), 0);
	device(fdt, "combiner");
	assert_int_equal(fdt_property_string(fdt, "compatible", "samsung,exynos4210-combiner"), 0);
	CELLS(fdt, "phandle", 3);
	CELLS(fdt, "#interrupt-cells", 2);
	assert_int_equal(fdt_property(fdt, "interrupt-controller", NULL, 0), 0);
	assert_int_equal(fdt_end_node(fdt), 0);
	device(fdt, "sysmmu");
	CELLS(fdt, "interrupt-parent", 3);
	CELLS(fdt, "interrupts", 5, 3, 5, 8, 256, 0);
	assert_int_equal(fdt_end_node(fdt), 0);
	device(fdt, "bus");
	CELLS(fdt, "#address-cells", 1);
	CELLS(fdt, "#size-cells", 1);
	CELLS(fdt, "ranges", 0x100, 2, 0x5000, 0x100);
	CELLS(fdt, "interrupt-parent", 2);
	device(fdt, "inner");
	CELLS(fdt, "reg", 0x180, 0x20, 0x300, 0x20);
	CELLS(fdt, "interrupts", 7, 8);
	assert_int_equal(fdt_end_node(fdt), 0);
	assert_int_equal(fdt_end_node(fdt), 0);
	assert_int_equal(fdt_end_node(fdt), 0);
	assert_int_equal(fdt_finish(fdt), 0);
}

static int setup(void **state)
{
	static struct world w;

	make_tree(w.blob, sizeof(w.blob));
	w.host = testhost_create(NULL, NULL);
	assert_int_equal(weir_machine_create(testhost_ops(w.host), w.host, &w.m), 0);
	assert_int_equal(weir_firmware_load_dt(w.m, w.blob, sizeof(w.blob)), 0);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	weir_machine_destroy(w->m);
	testhost_destroy(w->host);
	return 0;
}

static struct weir_fwnode *node(struct world *w, const char *path)
{
	struct weir_fwnode *found;

	assert_int_equal(weir_fwnode_find(w->m, path, &found), 0);
	return found;
}

static void test_resources_registers(void **state)
{
	struct weir_fwnode *uart = node(*state, "/uart"), *inner = node(*state, "/bus/inner");
	uint64_t pa = 1, bytes = 1;

	assert_int_equal(weir_firmware_registers(uart, 0, &pa, &bytes), 0);
	assert_true(pa == 0x109000000 && bytes == 0x1000);
	assert_int_equal(weir_firmware_registers(uart, 1, &pa, &bytes), 0);
	assert_true(pa == 0x8000 && bytes == 0x10);
	assert_int_equal(weir_firmware_registers(uart, 2, &pa, &bytes), WEIR_EINVAL);
	assert_int_equal(weir_firmware_registers(uart, 3, &pa, &bytes), WEIR_ENOENT);
	assert_int_equal(weir_firmware_registers(inner, 0, &pa, &bytes), 0);
	assert_true(pa == 0x200005080 && bytes == 0x20);
	/* Not in the bus's ranges. */
	assert_int_equal(weir_firmware_registers(inner, 1, &pa, &bytes), WEIR_EINVAL);
	assert_int_equal(weir_firmware_registers(node(*state, "/gic"), 0, &pa, &bytes),
			 WEIR_ENOENT);
}

static void test_resources_lines(void **state)
{
	struct weir_fwnode *uart = node(*state, "/uart"), *both = node(*state, "/both");
	struct weir_fwnode *inner = node(*state, "/bus/inner");
	uint32_t line = 0;

	assert_int_equal(weir_firmware_line(uart, 0, &line), 0);
	assert_int_equal(line, 74);
	assert_int_equal(weir_firmware_line(uart, 1, &line), WEIR_EINVAL); /* a private one */
	assert_int_equal(weir_firmware_line(uart, 2, &line), WEIR_ENOENT);
	assert_int_equal(weir_firmware_line(both, 0, &line), 0);
	assert_int_equal(line, 5);
	assert_int_equal(weir_firmware_line(both, 1, &line), 0);
	assert_int_equal(line, 6);
	assert_int_equal(weir_firmware_line(both, 2, &line), WEIR_ENOENT); /* nobody is 99 */
	/* Behind those of a GIC; 8 in a group, 256 groups at most. */
	assert_int_equal(weir_firmware_line(node(*state, "/sysmmu"), 0, &line), 0);
	assert_int_equal(line, 1024 + 5 * 8 + 3);
	assert_int_equal(weir_firmware_line(node(*state, "/sysmmu"), 1, &line), WEIR_EINVAL);
	assert_int_equal(weir_firmware_line(node(*state, "/sysmmu"), 2, &line), WEIR_EINVAL);
	assert_int_equal(weir_firmware_line(inner, 1, &line), 0);
	assert_int_equal(line, 8);
	assert_int_equal(weir_firmware_line(inner, 2, &line), WEIR_ENOENT);
	assert_int_equal(weir_firmware_line(node(*state, "/plic"), 0, &line), WEIR_ENOENT);
}

/* Nodes made by code have neither. */
static void test_resources_none(void **state)
{
	struct world *w = *state;
	struct weir_fwnode *soft;
	uint64_t pa, bytes;
	uint32_t line;

	assert_int_equal(weir_fwnode_create(w->m, NULL, "soft", NULL, &soft), 0);
	assert_int_equal(weir_firmware_registers(soft, 0, &pa, &bytes), WEIR_ENOENT);
	assert_int_equal(weir_firmware_line(soft, 0, &line), WEIR_ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_resources_registers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_resources_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_resources_none, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
