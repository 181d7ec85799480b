// SPDX-License-Identifier: MIT
/* The client of virtio-blk as a loadable module. */
#include "virtio-blk/virtio_blk.h"

#include "weir/module.h"

static const struct weir_driver *const drivers[] = { &weir_virtio_blk_driver, NULL };

extern const struct weir_module_entry weir_module_entry;
const struct weir_module_entry weir_module_entry = {
	.abi = WEIR_ABI(struct weir_module_entry),
	.name = "virtio-blk",
	.drivers = drivers,
};
