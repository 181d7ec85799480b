// SPDX-License-Identifier: MIT
/* A module with a driver for two keys, and one that goes by its name. */
#include "weir/module.h"

static const struct weir_match match[] = { { .key = "acme,one" }, { .key = "acme,two" }, { 0 } };
static const struct weir_driver first = { .name = "first", .bus = "test", .match = match };
static const struct weir_driver by_name = { .name = "by-name", .bus = "test" };
static const struct weir_driver *const drivers[] = { &first, &by_name, NULL };

extern const struct weir_module_entry weir_module_entry;
const struct weir_module_entry weir_module_entry = {
	.abi = WEIR_ABI(struct weir_module_entry),
	.name = "twokeys",
	.drivers = drivers,
};
