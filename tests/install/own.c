// SPDX-License-Identifier: MIT
/* The smallest module. */
#include <weir/weir.h>

extern const struct weir_module_entry weir_module_entry;

static const struct weir_match match[] = { { "acme,own", NULL }, { NULL, NULL } };
static const struct weir_driver own = { .name = "own", .bus = "acme", .match = match };
static const struct weir_driver *const drivers[] = { &own, NULL };

static int init(struct weir_machine *m, struct weir_module *module)
{
	weir_trace_note(m, weir_module_name(module)); /* finds the library */
	return 0;
}

const struct weir_module_entry weir_module_entry = {
	.abi = WEIR_ABI(struct weir_module_entry),
	.name = "own",
	.drivers = drivers,
	.init = init,
};
