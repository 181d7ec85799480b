// SPDX-License-Identifier: MIT
/* The client of edu as a loadable module. */
#include "edu/edu.h"

#include "weir/module.h"

static const struct weir_driver *const drivers[] = { &weir_edu_driver, NULL };

extern const struct weir_module_entry weir_module_entry;
const struct weir_module_entry weir_module_entry = {
	.abi = WEIR_ABI(struct weir_module_entry),
	.name = "edu",
	.drivers = drivers,
};
