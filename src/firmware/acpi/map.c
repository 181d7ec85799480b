// SPDX-License-Identifier: MIT
/*
 * Where ids go: the answers of IORT and VIOT to the questions that every kind of
 * firmware is asked. Where both say something of a requester, IORT counts, as with
 * Linux.
 */
#include "firmware/acpi/acpi.h"

/* ---- IORT ---- */

struct iort_node *weir_iort_root_complex_(const struct weir_acpi_tree *a, uint16_t segment)
{
	uint32_t key = segment;

	return weir_map_get_(&a->roots, &key, sizeof(key));
}

/*
 * The mapping that takes an id. Ranges may overlap: firmware is common that writes the
 * number of ids where their number less one belongs, so that a range has one id of the
 * next. The first mapping that has the id takes it; but where it is the last id of its
 * range, a later mapping that begins with it is meant. So does Linux 6.12.
 */
static const struct iort_map *pick(const struct weir_acpi_tree *a, const struct iort_node *node,
				   uint32_t id)
{
	const struct iort_map *last = NULL;

	for (uint32_t i = 0; i < node->nr_maps; i++) {
		const struct iort_map *map = &a->maps[node->first_map + i];

		if (i == node->skip)
			continue;
		if (map->single) {
			if (node->type == IORT_ROOT_COMPLEX || node->type == IORT_NAMED)
				return map;
			continue;
		}
		if (id < map->first || id - map->first > map->more)
			continue;
		if (last && id != map->first)
			continue;
		if (last || !map->more || id - map->first < map->more)
			return map;
		last = map;
	}
	return last;
}

/* One step: from a node to the next. NULL: the id goes nowhere. */
static const struct iort_node *step(const struct weir_acpi_tree *a, const struct iort_node *node,
				    uint32_t *id)
{
	const struct iort_map *map = pick(a, node, *id);

	if (!map || map->target == NOWHERE)
		return NULL;
	*id = map->single ? map->output : map->output + (*id - map->first);
	return &a->iort[map->target];
}

/* An IOMMU is one step away, an ITS group one or two. */
static const struct iort_node *follow(const struct weir_acpi_tree *a, const struct iort_node *from,
				      enum weir_fwmap what, uint32_t *id)
{
	const struct iort_node *node = step(a, from, id);

	if (what == WEIR_FWMAP_IOMMU)
		return node && weir_iort_is_iommu_(node) ? node : NULL;
	if (node && weir_iort_is_iommu_(node))
		node = step(a, node, id);
	return node && node->type == IORT_ITS_GROUP ? node : NULL;
}

/* ---- VIOT ---- */

/* Endpoint ids count through the functions of a segment, then through segments. */
static const struct viot_range *find_range(const struct weir_acpi_tree *a, uint16_t segment,
					   uint32_t rid, uint32_t *out_id)
{
	for (uint32_t i = 0; i < a->nr_viot; i++) {
		const struct viot_range *r = &a->viot[i];

		if (segment < r->first_segment || segment > r->last_segment ||
		    rid < r->first_rid || rid > r->last_rid)
			continue;
		*out_id = r->endpoint + ((uint32_t)(segment - r->first_segment) << 16) +
			  (rid - r->first_rid);
		return r;
	}
	return NULL;
}

/* ---- the questions ---- */

int weir_acpi_map_id_(struct weir_fwnode *fw, enum weir_fwmap what, uint32_t id,
		      struct weir_fwnode **out_target, uint32_t *out_id)
{
	const struct weir_acpi_tree *a = fw->m->acpi;
	const struct acpi_node *node = acpi_node_(fw);
	const struct iort_node *rc, *target = NULL;
	const struct viot_range *range;
	uint32_t out = id;

	if (node->kind != ACPI_HOST)
		return WEIR_ENOENT;
	rc = weir_iort_root_complex_(a, node->host->segment);
	if (rc)
		target = follow(a, rc, what, &out);
	if (target) {
		*out_target = &target->node->fw;
		*out_id = out;
		return 0;
	}
	if (what != WEIR_FWMAP_IOMMU)
		return WEIR_ENOENT;
	range = find_range(a, node->host->segment, id, &out);
	if (!range)
		return WEIR_ENOENT;
	*out_target = &range->iommu->fw;
	*out_id = out;
	return 0;
}

static void set_spec(struct weir_fwspec *spec, struct acpi_node *target, uint32_t id)
{
	spec->target = &target->fw;
	spec->nr_cells = 1;
	spec->cells[0] = id;
}

/*
 * An object of the namespace has one id for each of its single mappings; the first that
 * is none ends the list, as with Linux.
 */
int weir_acpi_spec_(struct weir_fwnode *fw, unsigned int index, struct weir_fwspec *out_spec)
{
	const struct weir_acpi_tree *a = fw->m->acpi;
	const struct acpi_node *node = acpi_node_(fw);
	const struct iort_node *from;
	const struct iort_map *map;

	if (node->kind == ACPI_ENDPOINT && !index) {
		set_spec(out_spec, node->iommu, node->id);
		return 0;
	}
	if (node->kind != ACPI_NAMED)
		return WEIR_ENOENT;
	from = &a->iort[node->remap];
	if (index >= from->nr_ids)
		return WEIR_ENOENT;
	map = &a->maps[from->first_map + index];
	set_spec(out_spec, a->iort[map->target].node, map->output);
	return 0;
}

/* ---- memory that is in use since firmware (RMR nodes) ---- */

static bool has_stream(const struct weir_acpi_tree *a, const struct iort_node *rmr,
		       const struct acpi_node *iommu, uint32_t id)
{
	for (uint32_t i = 0; i < rmr->nr_maps; i++) {
		const struct iort_map *map = &a->maps[rmr->first_map + i];

		if (map->target != NOWHERE && a->iort[map->target].node == iommu &&
		    id >= map->output && id - map->output <= map->more)
			return true;
	}
	return false;
}

int weir_acpi_stream_region_(const struct weir_fwnode *iommu, uint32_t id, unsigned int index,
			     struct weir_fwregion *out_region)
{
	const struct weir_acpi_tree *a = iommu->m->acpi;

	for (uint32_t i = 0; i < a->nr_iort; i++) {
		const struct iort_node *rmr = &a->iort[i];

		if (rmr->type != IORT_RMR || !has_stream(a, rmr, acpi_node_(iommu), id))
			continue;
		if (index >= rmr->nr_ranges) {
			index -= rmr->nr_ranges;
			continue;
		}
		out_region->first = a->ranges[rmr->first_range + index].first;
		out_region->last = a->ranges[rmr->first_range + index].last;
		out_region->direct = true;
		return 0;
	}
	return WEIR_ENOENT;
}

/* ---- links ---- */

static bool meets(const struct weir_pci_host *host, uint32_t first, uint32_t last)
{
	return first <= WEIR_PCI_RID(host->last_bus, 31, 7) &&
	       last >= WEIR_PCI_RID(host->first_bus, 0, 0);
}

/* A host bridge waits for IOMMUs of what is below it, never for one that is there itself. */
static int link_host(struct weir_fwnode *fw)
{
	const struct weir_acpi_tree *a = fw->m->acpi;
	const struct weir_pci_host *host = acpi_node_(fw)->host;
	const struct iort_node *rc = weir_iort_root_complex_(a, host->segment);
	int err = 0;

	for (uint32_t i = 0; rc && i < rc->nr_maps && !err; i++) {
		const struct iort_map *map = &a->maps[rc->first_map + i];

		if (map->target != NOWHERE && weir_iort_is_iommu_(&a->iort[map->target]) &&
		    (map->single || meets(host, map->first, map->first + map->more)))
			err = weir_fwlink_add_(fw, &a->iort[map->target].node->fw, 0,
					       "iommu-map (IORT)");
	}
	for (uint32_t i = 0; i < a->nr_viot && !err; i++) {
		const struct viot_range *r = &a->viot[i];

		if (r->iommu->fw.parent != fw && host->segment >= r->first_segment &&
		    host->segment <= r->last_segment && meets(host, r->first_rid, r->last_rid))
			err = weir_fwlink_add_(fw, &r->iommu->fw, 0, "iommu-map (VIOT)");
	}
	return err;
}

int weir_acpi_parse_(struct weir_fwnode *fw)
{
	struct weir_fwspec spec;
	int err = 0;

	if (acpi_node_(fw)->kind == ACPI_HOST)
		return link_host(fw);
	for (unsigned int i = 0; !err && !weir_acpi_spec_(fw, i, &spec); i++)
		err = weir_fwlink_add_(fw, spec.target, 0, "iommus (ACPI)");
	return err;
}
