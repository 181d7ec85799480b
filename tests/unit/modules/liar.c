// SPDX-License-Identifier: MIT
/* A module whose file has another name than itself. */
#include "weir/module.h"

extern const struct weir_module_entry weir_module_entry;
const struct weir_module_entry weir_module_entry = {
	.abi = WEIR_ABI(struct weir_module_entry),
	.name = "honest",
};
