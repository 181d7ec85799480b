// SPDX-License-Identifier: MIT
/*
 * Peripheral ids of AMBA cells by their compatible string. An AMBA driver
 * matches by the id that the cell's registers report, which a device tree does
 * not have; so the ids of common cells are listed here, as the PeriphID (or
 * CoreSight PIDR) registers are given in the cells' technical reference manuals.
 * Constant data.
 */
#ifndef WEIR_SIM_KERNEL_AMBA_IDS_H
#define WEIR_SIM_KERNEL_AMBA_IDS_H

#include <stddef.h>
#include <stdint.h>

struct weir_amba_id {
	const char *compat;
	uint32_t periphid;
};

extern const struct weir_amba_id weir_amba_ids[];
extern const size_t weir_amba_id_count;

#endif
