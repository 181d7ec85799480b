// SPDX-License-Identifier: MIT
/*
 * What drivers of hardware ask a device tree for: registers and interrupt lines
 * (Devicetree Specification 0.4, 2.3.6 reg, 2.4.1 interrupts).
 */
#include "firmware/dt/dt.h"

static uint64_t number(const uint8_t *cells, uint32_t n)
{
	uint64_t v = 0;

	for (; n; n--, cells += 4)
		v = v << 32 | weir_be32_(cells);
	return v;
}

int weir_dt_registers_(const struct weir_fwnode *fw, unsigned int index, uint64_t *out_pa,
		       uint64_t *out_bytes)
{
	const struct weir_dt *dt = fw->m->dt;
	const struct weir_dt_node *node = weir_dt_node_(fw), *bus = weir_dt_parent_(node);
	const struct weir_dt_prop *reg = weir_dt_prop_(dt, node, "reg");
	uint32_t na, ns, flags, entry;
	const uint8_t *at;
	uint64_t bytes;

	if (!reg || !bus || !weir_dt_bus_cells_(dt, bus, &na, &ns))
		return WEIR_ENOENT;
	entry = (na + ns) * 4;
	if (!entry || index >= reg->bytes / entry)
		return WEIR_ENOENT;
	at = reg->value + (size_t)index * entry;
	flags = na == 3 ? 1 : 0; /* the first cell is no part of the address then */
	bytes = number(at + 4 * (size_t)na, ns);
	if (!bytes || !weir_dt_cpu_address_(dt, bus, weir_be32_(at),
					    number(at + 4 * (size_t)flags, na - flags), out_pa))
		return WEIR_EINVAL;
	*out_bytes = bytes;
	return 0;
}

/* A GIC has up to 988 shared lines (IHI 0048, 2.2.1); those of a combiner come behind them. */
#define COMBINER_FIRST 1024u
#define COMBINER_WIDTH 8u

/*
 * Cells of an interrupt: 3 of a GIC are type, number, flags (arm,gic binding), 2 of a combiner are
 * group and number there (samsung,exynos4210-combiner binding: 8 in a group).
 */
static int line_of(const struct weir_dt_node *parent, const uint8_t *cells, uint32_t nr_cells,
		   uint32_t *out_line)
{
	if (!nr_cells)
		return WEIR_EINVAL;
	if (nr_cells == 2 && weir_dt_is_compatible_(parent, "samsung,exynos4210-combiner")) {
		if (weir_be32_(cells) > 255 || weir_be32_(cells + 4) >= COMBINER_WIDTH)
			return WEIR_EINVAL;
		*out_line = COMBINER_FIRST + weir_be32_(cells) * COMBINER_WIDTH +
			    weir_be32_(cells + 4);
		return 0;
	}
	if (nr_cells == 3 && weir_be32_(cells) != 0)
		return WEIR_EINVAL; /* private to a processor */
	*out_line = weir_be32_(nr_cells == 3 ? cells + 4 : cells);
	return 0;
}

static int extended_line(const struct weir_dt *dt, const struct weir_dt_prop *prop,
			 unsigned int index, uint32_t *out_line)
{
	struct weir_dt_cells cells = {
		.dt = dt, .at = prop->value, .end = prop->value + (prop->bytes & ~3u),
		.count_name = "#interrupt-cells", .count_required = true,
	};
	struct weir_dt_node *parent;
	const uint8_t *args;
	uint32_t nr_args;

	do {
		if (weir_dt_cells_next_(&cells, &parent, &args, &nr_args) != WEIR_DT_NODE)
			return WEIR_ENOENT;
	} while (index--);
	return line_of(parent, args, nr_args, out_line);
}

int weir_dt_line_(const struct weir_fwnode *fw, unsigned int index, uint32_t *out_line)
{
	const struct weir_dt *dt = fw->m->dt;
	struct weir_dt_node *node = weir_dt_node_(fw), *parent;
	const struct weir_dt_prop *prop = weir_dt_prop_(dt, node, "interrupts-extended");
	uint32_t nr_cells;

	if (prop)
		return extended_line(dt, prop, index, out_line);
	prop = weir_dt_prop_(dt, node, "interrupts");
	parent = prop ? weir_dt_irq_parent_(dt, node) : NULL;
	if (!parent || !weir_dt_u32_(dt, parent, "#interrupt-cells", &nr_cells) || !nr_cells ||
	    nr_cells > WEIR_DT_MAX_IRQ_CELLS || index >= prop->bytes / 4 / nr_cells)
		return WEIR_ENOENT;
	return line_of(parent, prop->value + 4 * (size_t)nr_cells * index, nr_cells, out_line);
}
