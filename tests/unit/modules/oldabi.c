// SPDX-License-Identifier: MIT
/* A module for another version of the ABI. */
#include "weir/module.h"

extern const struct weir_module_entry weir_module_entry;
const struct weir_module_entry weir_module_entry = {
	.abi = { (uint32_t)sizeof(struct weir_module_entry), WEIR_ABI_VERSION + 1 },
	.name = "oldabi",
};
