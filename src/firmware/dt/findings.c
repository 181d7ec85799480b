// SPDX-License-Identifier: MIT
/*
 * What is wrong with a node, said once, when its properties are read: things that a
 * bring-up survives, but with words of the blob that mean something else, or
 * without an interrupt. Stateless.
 */
#include "firmware/dt/dt.h"

static void say(const struct weir_dt *dt, const struct weir_dt_node *node, const char *what)
{
	char path[120];

	weir_logf_(dt->m, WEIR_LOG_WARN, "broken tree: %s: %s",
		   weir_dt_path_(node, path, sizeof(path)), what);
}

/* A mask has as many cells as a unit address and an interrupt of the node. */
static bool mask_is_short(const struct weir_dt *dt, const struct weir_dt_node *node)
{
	const struct weir_dt_prop *mask = weir_dt_prop_(dt, node, "interrupt-map-mask");
	uint32_t address = 0, interrupt;

	if (!mask || !weir_dt_u32_(dt, node, "#interrupt-cells", &interrupt))
		return false;
	weir_dt_u32_(dt, node, "#address-cells", &address);
	return mask->bytes / 4 < (uint64_t)address + interrupt;
}

void weir_dt_say_findings_(const struct weir_dt *dt, const struct weir_dt_node *node)
{
	const char *wrong = weir_dt_masters_wrong_(dt, node);
	uint32_t cells;

	if (wrong)
		say(dt, node, wrong);
	if (weir_dt_reg_is_short_(dt, node))
		say(dt, node, "reg is shorter than one address");
	if (mask_is_short(dt, node))
		say(dt, node, "interrupt-map-mask is shorter than an entry's first part");
	if (weir_dt_u32_(dt, node, "#interrupt-cells", &cells) && cells > WEIR_DT_MAX_IRQ_CELLS)
		say(dt, node, "#interrupt-cells is more than any interrupt can have");
}
