// SPDX-License-Identifier: MIT
/*
 * The binding of SMMUs of version 1 and 2 before "iommus": mmu-masters, in the SMMU's node, lists its
 * masters, each with as many stream ids as #stream-id-cells of the master's node says (Devicetree
 * bindings, iommu/arm,smmu.txt, up to Linux 4.8; deprecated since). The functions below a PCI
 * host bridge that is listed have their requester ids. A node that has it the other way, too, is
 * an error: which of them is meant nobody knows.
 *
 * Trees are searched for such lists once, when they are loaded. Linux reads them only with
 * CONFIG_ARM_SMMU_LEGACY_DT_BINDINGS, in that driver, and makes no links of them: so they are not
 * there where the rules are Linux's.
 */
#include "firmware/dt/dt.h"

static const char lists[] = "mmu-masters";
static const char count[] = "#stream-id-cells";

int weir_dt_masters_index_(struct weir_dt *dt)
{
	for (uint32_t i = 0; i < dt->nr_nodes; i++) {
		if (!weir_dt_prop_(dt, &dt->nodes[i], lists))
			continue;
		if (weir_grow_(dt->m, (void **)&dt->listing, &dt->max_listing, dt->nr_listing,
			       sizeof(*dt->listing)))
			return WEIR_ENOMEM;
		dt->listing[dt->nr_listing++] = i;
	}
	return 0;
}

static void begin(const struct weir_dt *dt, const struct weir_dt_node *smmu,
		  struct weir_dt_cells *out_cells)
{
	const struct weir_dt_prop *prop = weir_dt_prop_(dt, smmu, lists);

	*out_cells = (struct weir_dt_cells){
		.dt = dt, .at = prop->value, .end = prop->value + (prop->bytes & ~3u),
		.count_name = count, .count_required = true,
	};
}

/* The next entry that names a node. */
static bool next(struct weir_dt_cells *cells, struct weir_dt_node **out_master,
		 const uint8_t **out_args, uint32_t *out_nr_args)
{
	enum weir_dt_entry entry;

	do
		entry = weir_dt_cells_next_(cells, out_master, out_args, out_nr_args);
	while (entry == WEIR_DT_HOLE);
	return entry == WEIR_DT_NODE;
}

static bool are_read(const struct weir_dt *dt)
{
	const struct weir_policy_ops *policy = dt->m->policy;

	return dt->nr_listing && !(policy->firmware_rules &&
				   policy->firmware_rules(dt->m) & WEIR_RULE_HOLE_ENDS_LIST);
}

/* The @index-th id of a node in all lists. Return: 0; WEIR_ENOENT past the last. */
static int find(const struct weir_dt *dt, const struct weir_dt_node *node, unsigned int index,
		struct weir_fwspec *out_spec)
{
	struct weir_dt_node *master;
	struct weir_dt_cells cells;
	const uint8_t *args;
	uint32_t nr_args;

	for (uint32_t i = 0; i < dt->nr_listing; i++) {
		struct weir_dt_node *smmu = &dt->nodes[dt->listing[i]];

		for (begin(dt, smmu, &cells); next(&cells, &master, &args, &nr_args);) {
			if (master != node)
				continue;
			if (index >= nr_args) {
				index -= nr_args;
				continue;
			}
			*out_spec = (struct weir_fwspec){
				.target = &smmu->fw, .nr_cells = 1,
				.cells = { weir_be32_(args + 4 * (size_t)index) },
			};
			return 0;
		}
	}
	return WEIR_ENOENT;
}

static bool is_listed(const struct weir_dt *dt, const struct weir_dt_node *node,
		      struct weir_fwnode **out_smmu)
{
	struct weir_dt_node *master;
	struct weir_dt_cells cells;
	const uint8_t *args;
	uint32_t nr_args;

	for (uint32_t i = 0; i < dt->nr_listing; i++)
		for (begin(dt, &dt->nodes[dt->listing[i]], &cells);
		     next(&cells, &master, &args, &nr_args);)
			if (master == node) {
				*out_smmu = &dt->nodes[dt->listing[i]].fw;
				return true;
			}
	return false;
}

int weir_dt_masters_spec_(const struct weir_dt *dt, const struct weir_dt_node *node,
			  unsigned int index, struct weir_fwspec *out_spec)
{
	struct weir_fwnode *smmu;

	if (!are_read(dt) || !is_listed(dt, node, &smmu))
		return WEIR_EOPNOTSUPP;
	if (weir_dt_prop_(dt, node, "iommus"))
		return WEIR_EINVAL;
	return find(dt, node, index, out_spec);
}

int weir_dt_masters_host_(const struct weir_dt *dt, const struct weir_dt_node *host,
			  struct weir_fwnode **out_smmu)
{
	struct weir_fwnode *smmu;

	if (!are_read(dt) || !is_listed(dt, host, &smmu))
		return WEIR_EOPNOTSUPP;
	if (weir_dt_prop_(dt, host, "iommu-map"))
		return WEIR_EINVAL;
	*out_smmu = smmu;
	return 0;
}

struct weir_dt_node *weir_dt_masters_next_(const struct weir_dt *dt, const struct weir_dt_node *smmu,
					   const uint8_t **at)
{
	struct weir_dt_node *master;
	struct weir_dt_cells cells;
	const uint8_t *args;
	uint32_t nr_args;

	begin(dt, smmu, &cells);
	if (*at)
		cells.at = *at;
	if (!next(&cells, &master, &args, &nr_args))
		return NULL;
	*at = cells.at;
	return master;
}

const char *weir_dt_masters_wrong_(const struct weir_dt *dt, const struct weir_dt_node *node)
{
	struct weir_dt_node *master;
	struct weir_dt_cells cells;
	const uint8_t *args;
	uint32_t nr_args;

	if (!are_read(dt))
		return NULL;
	if (weir_dt_prop_(dt, node, lists)) {
		for (begin(dt, node, &cells); next(&cells, &master, &args, &nr_args);)
			if (weir_dt_prop_(dt, master, "iommus") || weir_dt_prop_(dt, master, "iommu-map"))
				return "mmu-masters lists a node that has iommus or iommu-map: it gets no "
				       "stream id of either";
		if (cells.dead)
			return "mmu-masters cannot be read to its end: it names no node, or one whose "
			       "#stream-id-cells are missing or too many";
		if (weir_dt_prop_(dt, node, lists)->bytes & 3)
			return "mmu-masters is no whole number of cells";
	}
	return NULL;
}
