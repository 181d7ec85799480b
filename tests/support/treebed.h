// SPDX-License-Identifier: MIT
/* Writing a device tree node by node, for tests that make one of their own in memory. */
#ifndef WEIR_TESTS_TREEBED_H
#define WEIR_TESTS_TREEBED_H

#include "cm.h"

#include <libfdt.h>
#include <stdint.h>

enum { TREE_CELLS_MAX = 32 };

static inline void tree_cells(void *fdt, const char *name, const uint32_t *v, unsigned int n)
{
	fdt32_t be[TREE_CELLS_MAX];

	assert_true(n <= TREE_CELLS_MAX);
	for (unsigned int i = 0; i < n; i++)
		be[i] = cpu_to_fdt32(v[i]);
	assert_int_equal(fdt_property(fdt, name, be, (int)n * 4), 0);
}

static inline void tree_cell(void *fdt, const char *name, uint32_t v)
{
	tree_cells(fdt, name, &v, 1);
}

/* @compatible: or NULL */
static inline void tree_begin(void *fdt, const char *name, const char *compatible)
{
	assert_int_equal(fdt_begin_node(fdt, name), 0);
	if (compatible)
		assert_int_equal(fdt_property_string(fdt, "compatible", compatible), 0);
}

static inline void tree_end(void *fdt)
{
	assert_int_equal(fdt_end_node(fdt), 0);
}

#endif
