// SPDX-License-Identifier: MIT
/*
 * IORT: nodes and how ids go from one to the next (Arm, I/O Remapping Table, DEN0049E.f).
 * Everything is checked before anything is asked: each node and its arrays lie inside
 * the table, each output reference names a node that ids can go to. References go from
 * sources to SMMUs to ITS groups, never back, so that a walk ends.
 */
#include "core/text.h"
#include "firmware/acpi/acpi.h"

#define IORT_HEAD_BYTES 48u
#define NODE_HEAD_BYTES 16u
#define MAP_BYTES 20u
#define MAP_SINGLE 0x1u
#define TARGETS_MAX 1024u /* that the ids of one node go to: a machine has some dozens of SMMUs */

/* ---- nodes ---- */

static int read_head(struct weir_acpi_tree *a, uint32_t at, struct iort_node *out_node)
{
	const struct table *t = &a->table_iort;
	struct iort_node n = {
		.offset = at, .skip = NOWHERE, .segment = NOWHERE, .source = NOWHERE,
	};
	uint32_t fixed;

	if (at < IORT_HEAD_BYTES || at > t->bytes || t->bytes - at < NODE_HEAD_BYTES)
		return weir_acpi_bad_(a, t, at, "node", "is not inside the table");
	n.type = t->at[at];
	n.bytes = acpi_le16_(t, at + 1);
	n.revision = t->at[at + 3];
	fixed = weir_iort_fixed_bytes_(n.type, n.revision);
	if (n.bytes < fixed || n.bytes > t->bytes - at)
		return weir_acpi_bad_(a, t, at + 1, "node length",
				      n.bytes < fixed ? "is less than the type of node has"
						      : "goes beyond the table");
	n.nr_maps = acpi_le32_(t, at + 8);
	*out_node = n;
	return 0;
}

static int check_array(struct weir_acpi_tree *a, const struct iort_node *n, uint32_t *out_first)
{
	const struct table *t = &a->table_iort;
	uint32_t offset = acpi_le32_(t, n->offset + 12);

	if (!n->nr_maps)
		return 0;
	if (offset < weir_iort_fixed_bytes_(n->type, n->revision) || offset > n->bytes)
		return weir_acpi_bad_(a, t, n->offset + 12, "offset of id mappings",
				      "is not inside the node");
	if (n->nr_maps > (n->bytes - offset) / MAP_BYTES)
		return weir_acpi_bad_(a, t, n->offset + 8, "number of id mappings",
				      "is more than the node holds");
	*out_first = n->offset + offset;
	return 0;
}

static int read_map(struct weir_acpi_tree *a, uint32_t at)
{
	const struct table *t = &a->table_iort;
	struct iort_map map = {
		.first = acpi_le32_(t, at), .more = acpi_le32_(t, at + 4),
		.output = acpi_le32_(t, at + 8), .target = acpi_le32_(t, at + 12),
		.single = acpi_le32_(t, at + 16) & MAP_SINGLE,
	};
	int err;

	if (map.single)
		map.more = 0;
	if (map.more > UINT32_MAX - map.first)
		return weir_acpi_bad_(a, t, at + 4, "number of ids", "goes past the last id");
	if (map.more > UINT32_MAX - map.output)
		return weir_acpi_bad_(a, t, at + 8, "output base", "goes past the last id");
	err = weir_grow_(a->m, (void **)&a->maps, &a->max_maps, a->nr_maps, sizeof(*a->maps));
	if (!err)
		a->maps[a->nr_maps++] = map; /* target: an offset until all nodes are known */
	return err;
}

static int read_node(struct weir_acpi_tree *a, uint32_t at, uint32_t *out_bytes)
{
	struct iort_node node;
	uint32_t first = 0;
	int err = read_head(a, at, &node);

	if (!err)
		err = check_array(a, &node, &first);
	if (!err)
		err = weir_grow_(a->m, (void **)&a->iort, &a->max_iort, a->nr_iort,
				 sizeof(*a->iort));
	if (err)
		return err;
	node.first_map = a->nr_maps;
	a->iort[a->nr_iort++] = node;
	for (uint32_t i = 0; i < node.nr_maps && !err; i++)
		err = read_map(a, first + i * MAP_BYTES);
	if (!err)
		err = weir_iort_read_node_(a, a->nr_iort - 1);
	*out_bytes = node.bytes;
	return err;
}

/* ---- output references ---- */

bool weir_iort_is_iommu_(const struct iort_node *node)
{
	return node->type == IORT_SMMU || node->type == IORT_SMMU_V3;
}

/* What ids may go to from a node of a type. Nodes of unknown types are never gone through. */
static bool may_go_to(const struct iort_node *from, const struct iort_node *to)
{
	switch (from->type) {
	case IORT_SMMU:
	case IORT_SMMU_V3:
		return to->type == IORT_ITS_GROUP;
	case IORT_RMR:
		return weir_iort_is_iommu_(to);
	case IORT_ITS_GROUP:
		return false;
	default:
		return weir_iort_is_iommu_(to) || to->type == IORT_ITS_GROUP ||
		       to->type >= IORT_TYPES || from->type >= IORT_TYPES;
	}
}

/* Nodes are in order of their offsets. */
static uint32_t node_at(const struct weir_acpi_tree *a, uint32_t offset)
{
	uint32_t low = 0, high = a->nr_iort;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (a->iort[mid].offset < offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low < a->nr_iort && a->iort[low].offset == offset ? low : NOWHERE;
}

/*
 * Firmware is seen to leave references empty; such an entry takes ids and leads nowhere,
 * as with Linux.
 */
static int resolve(struct weir_acpi_tree *a, const struct iort_node *node)
{
	const struct table *t = &a->table_iort;
	uint32_t at = node->offset + (node->nr_maps ? acpi_le32_(t, node->offset + 12) : 0);
	uint32_t self = (uint32_t)(node - a->iort), targets = 0;

	for (uint32_t i = 0; i < node->nr_maps; i++, at += MAP_BYTES) {
		struct iort_map *map = &a->maps[node->first_map + i];
		uint32_t offset = map->target;

		map->target = NOWHERE;
		if (!offset) {
			weir_logf_(a->m, WEIR_LOG_WARN,
				   "IORT: the id mapping at offset 0x%x leads nowhere", at);
			continue;
		}
		map->target = node_at(a, offset);
		if (map->target == NOWHERE)
			return weir_acpi_bad_(a, t, at + 12, "output reference", "names no node");
		if (!may_go_to(node, &a->iort[map->target]))
			return weir_acpi_bad_(a, t, at + 12, "output reference",
					      "names a node that ids do not go to from here");
		if (a->iort[map->target].source == self)
			continue;
		a->iort[map->target].source = self;
		if (++targets > TARGETS_MAX)
			return weir_acpi_bad_(a, t, at + 12, "output reference",
					      "is to one node too many: 1024 is the most");
	}
	return 0;
}

/* The first mapping that names none ends the list, as with Linux. */
static void count_ids(const struct weir_acpi_tree *a, struct iort_node *node)
{
	for (node->nr_ids = 0; node->nr_ids < node->nr_maps; node->nr_ids++) {
		const struct iort_map *map = &a->maps[node->first_map + node->nr_ids];

		if (!map->single || map->target == NOWHERE ||
		    !weir_iort_is_iommu_(&a->iort[map->target]))
			break;
	}
}

/* Each segment has one root complex; of two the first counts, as with Linux. */
static int index_root(struct weir_acpi_tree *a, struct iort_node *node)
{
	int err = weir_map_add_(a->m, &a->roots, &node->segment, sizeof(node->segment), node);

	if (err != WEIR_EEXIST)
		return err;
	weir_logf_(a->m, WEIR_LOG_WARN,
		   "IORT: the root complex at offset 0x%x has the segment of another: it is left out",
		   node->offset);
	return 0;
}

int weir_acpi_iort_(struct weir_acpi_tree *a)
{
	const struct table *t = &a->table_iort;
	uint32_t nr, at;
	int err = 0;

	if (!t->bytes)
		return 0;
	if (t->bytes < IORT_HEAD_BYTES)
		return weir_acpi_bad_(a, t, 4, "length", "is less than the table's head");
	nr = acpi_le32_(t, 36);
	at = acpi_le32_(t, 40);
	if (at < IORT_HEAD_BYTES || at > t->bytes)
		return weir_acpi_bad_(a, t, 40, "offset of nodes", "is not inside the table");
	if (nr > (t->bytes - at) / NODE_HEAD_BYTES)
		return weir_acpi_bad_(a, t, 36, "number of nodes", "is more than the table holds");
	for (uint32_t i = 0, bytes = 0; i < nr && !err; i++, at += bytes)
		err = read_node(a, at, &bytes);
	for (uint32_t i = 0; i < a->nr_iort && !err; i++) {
		err = resolve(a, &a->iort[i]);
		if (!err)
			count_ids(a, &a->iort[i]);
	}
	for (uint32_t i = 0; i < a->nr_iort && !err; i++)
		if (a->iort[i].type == IORT_ROOT_COMPLEX)
			err = index_root(a, &a->iort[i]);
	return err;
}
