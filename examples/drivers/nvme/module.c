// SPDX-License-Identifier: MIT
/* The client of nvme as a loadable module. */
#include "nvme/nvme.h"

#include "weir/module.h"

static const struct weir_driver *const drivers[] = { &weir_nvme_driver, NULL };

extern const struct weir_module_entry weir_module_entry;
const struct weir_module_entry weir_module_entry = {
	.abi = WEIR_ABI(struct weir_module_entry),
	.name = "nvme",
	.drivers = drivers,
};
