// SPDX-License-Identifier: MIT
/* The client of e1000e as a loadable module. */
#include "e1000e/e1000e.h"

#include "weir/module.h"

static const struct weir_driver *const drivers[] = { &weir_e1000e_driver, NULL };

extern const struct weir_module_entry weir_module_entry;
const struct weir_module_entry weir_module_entry = {
	.abi = WEIR_ABI(struct weir_module_entry),
	.name = "e1000e",
	.drivers = drivers,
};
