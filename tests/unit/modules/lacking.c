// SPDX-License-Identifier: MIT
/* A module that needs a function that nobody has. */
#include "weir/module.h"

int weir_nobody_has_this(struct weir_machine *m, struct weir_module *module);

extern const struct weir_module_entry weir_module_entry;
const struct weir_module_entry weir_module_entry = {
	.abi = WEIR_ABI(struct weir_module_entry),
	.name = "lacking",
	.init = weir_nobody_has_this,
};
