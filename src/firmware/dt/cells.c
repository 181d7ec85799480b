// SPDX-License-Identifier: MIT
/*
 * Lists of phandles with arguments: each entry is a phandle and as many cells as
 * the named provider says (Devicetree Specification 0.4, 2.3.3 and the bindings).
 */
#include "firmware/dt/dt.h"

static enum weir_dt_entry stop(struct weir_dt_cells *cells)
{
	cells->dead = true;
	return WEIR_DT_END;
}

enum weir_dt_entry weir_dt_cells_next_(struct weir_dt_cells *cells, struct weir_dt_node **out_node,
				       const uint8_t **out_args, uint32_t *out_nr_args)
{
	uint32_t phandle, nr_args = 0;
	struct weir_dt_node *node;

	if (cells->dead || cells->end - cells->at < 4)
		return WEIR_DT_END;
	phandle = weir_be32_(cells->at);
	cells->at += 4;
	if (!phandle)
		return WEIR_DT_HOLE;
	node = weir_dt_by_phandle_(cells->dt, phandle);
	if (cells->count_name) {
		if (!node)
			return stop(cells);
		if (!weir_dt_u32_(cells->dt, node, cells->count_name, &nr_args) &&
		    cells->count_required)
			return stop(cells);
		if (nr_args > (uint32_t)((cells->end - cells->at) / 4))
			return stop(cells);
	}
	*out_args = cells->at;
	*out_nr_args = nr_args;
	cells->at += (size_t)nr_args * 4;
	if (!node)
		return WEIR_DT_HOLE;
	*out_node = node;
	return WEIR_DT_NODE;
}

/* What a hole is. */
enum gaps { GAPS_COUNT, GAPS_END, GAPS_ARE_NONE };

/*
 * The @index-th entry of a list. Where holes are none, a list that cannot be read to its end is
 * an error as well; otherwise it ends there.
 */
static int entry_at(struct weir_fwnode *fw, const char *property, const char *count,
		    unsigned int index, enum gaps gaps, struct weir_fwspec *out_spec)
{
	const struct weir_dt *dt = fw->m->dt;
	const struct weir_dt_prop *prop = weir_dt_prop_(dt, weir_dt_node_(fw), property);
	struct weir_dt_cells cells = { .dt = dt, .count_name = count, .count_required = true };
	enum weir_dt_entry entry;
	struct weir_dt_node *node;
	const uint8_t *args;
	uint32_t nr_args;

	if (!prop)
		return WEIR_ENOENT;
	cells.at = prop->value;
	cells.end = prop->value + (prop->bytes & ~3u);
	do {
		entry = weir_dt_cells_next_(&cells, &node, &args, &nr_args);
		while (entry == WEIR_DT_HOLE && gaps == GAPS_ARE_NONE)
			entry = weir_dt_cells_next_(&cells, &node, &args, &nr_args);
		if (entry == WEIR_DT_END && gaps == GAPS_ARE_NONE && (cells.dead || prop->bytes & 3))
			return WEIR_EINVAL;
		if (entry == WEIR_DT_END || (entry == WEIR_DT_HOLE && gaps == GAPS_END))
			return WEIR_ENOENT;
	} while (index--);
	if (entry == WEIR_DT_HOLE)
		return WEIR_ENXIO;
	if (nr_args > WEIR_FWSPEC_CELLS)
		return WEIR_EINVAL;
	out_spec->target = &node->fw;
	out_spec->nr_cells = nr_args;
	for (uint32_t i = 0; i < nr_args; i++)
		out_spec->cells[i] = weir_be32_(args + 4 * (size_t)i);
	return 0;
}

int weir_dt_reference_(struct weir_fwnode *fw, const char *property, const char *count,
		       unsigned int index, struct weir_fwspec *out_spec)
{
	return entry_at(fw, property, count, index, GAPS_COUNT, out_spec);
}

int weir_dt_spec_(struct weir_fwnode *fw, unsigned int index, struct weir_fwspec *out_spec)
{
	const struct weir_policy_ops *policy = fw->m->policy;
	bool as_linux = policy->firmware_rules &&
			policy->firmware_rules(fw->m) & WEIR_RULE_HOLE_ENDS_LIST;
	int err = weir_dt_masters_spec_(fw->m->dt, weir_dt_node_(fw), index, out_spec);

	if (err != WEIR_EOPNOTSUPP)
		return err;
	return entry_at(fw, "iommus", "#iommu-cells", index, as_linux ? GAPS_END : GAPS_ARE_NONE,
			out_spec);
}
