// SPDX-License-Identifier: MIT
/* A loadable module with an entry table and no drivers. */
#include "weir/module.h"

static const struct weir_driver *const drivers[] = { NULL };

extern const struct weir_module_entry weir_module_entry;
const struct weir_module_entry weir_module_entry = {
	.abi = WEIR_ABI(struct weir_module_entry),
	.name = "good",
	.drivers = drivers,
};
