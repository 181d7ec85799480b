// SPDX-License-Identifier: MIT
/*
 * IORT: what the types of nodes have behind their common head (DEN0049E.f), and
 * the firmware nodes that stand for SMMUs, ITS groups and objects of the namespace.
 */
#include "core/text.h"
#include "firmware/acpi/acpi.h"

/* Bytes of a node before its arrays. SMMUv3 grew with revision 1. */
uint32_t weir_iort_fixed_bytes_(uint8_t type, uint8_t revision)
{
	static const uint32_t bytes[IORT_TYPES] = {
		[IORT_ITS_GROUP] = 20, [IORT_NAMED] = 29, [IORT_ROOT_COMPLEX] = 33,
		[IORT_SMMU] = 60, [IORT_SMMU_V3] = 60, [IORT_PMCG] = 28, [IORT_RMR] = 28,
	};

	if (type >= IORT_TYPES)
		return 16;
	return type == IORT_SMMU_V3 && revision ? 68 : bytes[type];
}

static uint32_t field32(const struct weir_acpi_tree *a, const struct iort_node *n, uint32_t at)
{
	return acpi_le32_(&a->table_iort, n->offset + at);
}

/* Whether @count elements of @each bytes at @from the node's start lie in it. */
static bool holds(const struct iort_node *n, uint32_t from, uint32_t count, uint32_t each)
{
	return from <= n->bytes && count <= (n->bytes - from) / each;
}

static int make_node(struct weir_acpi_tree *a, uint32_t index, enum acpi_kind kind,
		     const char *name, struct acpi_node **out_node)
{
	int err = weir_acpi_node_create_(a, NULL, kind, name, out_node);

	if (err)
		return err;
	(*out_node)->remap = index;
	a->iort[index].node = *out_node;
	return 0;
}

static int make_gsivs(struct weir_acpi_tree *a, struct acpi_node *node, uint32_t n)
{
	if (!n)
		return 0;
	node->gsivs = weir_alloc_(a->m, n * sizeof(*node->gsivs));
	if (!node->gsivs)
		return WEIR_ENOMEM;
	node->nr_gsivs = n;
	return 0;
}

/* ---- ITS groups ---- */

static int read_its_group(struct weir_acpi_tree *a, uint32_t index)
{
	const struct iort_node *n = &a->iort[index];
	uint32_t count = field32(a, n, 16);
	struct acpi_node *node;
	char name[32];
	int err;

	if (!holds(n, 20, count, 4))
		return weir_acpi_bad_(a, &a->table_iort, n->offset + 16, "number of ITSs",
				      "is more than the node holds");
	weir_format_(name, sizeof(name), count == 1 ? "its%u" : "its-group@%x",
		     count == 1 ? field32(a, n, 20) : n->offset);
	err = make_node(a, index, ACPI_ITS_GROUP, name, &node);
	if (err)
		return err;
	node->id = count == 1 ? field32(a, n, 20) : UINT32_MAX;
	/* Interrupt controllers are the system's own: no device, and nobody waits for them. */
	node->fw.flags |= WEIR_FWNODE_INITIALIZED | WEIR_FWNODE_POPULATED;
	return 0;
}

/* ---- where requests come from ---- */

/* Memory access properties: cache coherency in the first four bytes. */
static void read_access(struct weir_acpi_tree *a, struct iort_node *n, uint32_t at)
{
	n->coherent = field32(a, n, at) == 1;
}

/* Its name is that of an object in the namespace, such as "\_SB.DMA0". */
static int read_named(struct weir_acpi_tree *a, uint32_t index)
{
	const struct table *t = &a->table_iort;
	struct iort_node *n = &a->iort[index];
	const char *name = (const char *)t->at + n->offset + 29;
	uint32_t end = n->bytes - 29, length = 0;
	struct acpi_node *node;

	while (length < end && name[length] >= ' ' && name[length] < 0x7f && name[length] != '/')
		length++;
	if (length == end || name[length])
		return weir_acpi_bad_(a, t, n->offset + 29, "name of the object",
				      "is no text, or has no end");
	read_access(a, n, 20);
	n->address_bits = t->at[n->offset + 28];
	return make_node(a, index, ACPI_NAMED, name, &node);
}

static int read_root_complex(struct weir_acpi_tree *a, uint32_t index)
{
	struct iort_node *n = &a->iort[index];

	read_access(a, n, 16);
	n->segment = field32(a, n, 28);
	n->address_bits = n->revision ? a->table_iort.at[n->offset + 32] : 0;
	if (n->segment > UINT16_MAX)
		return weir_acpi_bad_(a, &a->table_iort, n->offset + 28, "PCI segment",
				      "is not of 16 bits");
	return 0;
}

/* ---- SMMUv1 and v2 ---- */

static const char *smmu_key(uint32_t model)
{
	static const char *const keys[] = {
		"acpi:arm-smmu-v1", "acpi:arm-smmu-v2", "acpi:arm-mmu-400", "acpi:arm-mmu-500",
		"acpi:arm-mmu-401", "acpi:cavium-smmu-v2",
	};

	return model < sizeof(keys) / sizeof(keys[0]) ? keys[model] : NULL;
}

static void set_keys(struct acpi_node *node, const char *model, const char *generic)
{
	node->keys[0] = model ? model : generic;
	node->keys[1] = model ? generic : NULL;
}

#define SMMU_COHERENT_WALK 0x2u

static int read_smmu(struct weir_acpi_tree *a, uint32_t index)
{
	const struct table *t = &a->table_iort;
	struct iort_node *n = &a->iort[index];
	uint32_t global = field32(a, n, 40), count = field32(a, n, 44);
	uint32_t contexts = field32(a, n, 48);
	uint64_t pa = acpi_le64_(t, n->offset + 16), bytes = acpi_le64_(t, n->offset + 24);
	struct acpi_node *node;
	char name[32];
	int err;

	if (!bytes || pa > UINT64_MAX - (bytes - 1))
		return weir_acpi_bad_(a, t, n->offset + 24, "span", "is no range of addresses");
	if (!holds(n, global, 1, 16))
		return weir_acpi_bad_(a, t, n->offset + 40, "offset of global interrupts",
				      "is not inside the node");
	if (!holds(n, contexts, count, 8))
		return weir_acpi_bad_(a, t, n->offset + 44, "number of context interrupts",
				      "is more than the node holds");
	weir_format_(name, sizeof(name), "%llx.smmu", (unsigned long long)pa);
	err = make_node(a, index, ACPI_SMMU, name, &node);
	if (!err)
		err = make_gsivs(a, node, 1 + count);
	if (err)
		return err;
	n->coherent = (field32(a, n, 36) & SMMU_COHERENT_WALK) != 0;
	node->pa = pa;
	node->bytes = bytes;
	set_keys(node, smmu_key(field32(a, n, 32)), "acpi:arm-smmu");
	node->gsivs[0] = field32(a, n, global);
	for (uint32_t i = 0; i < count; i++)
		node->gsivs[1 + i] = field32(a, n, contexts + 8 * i);
	return 0;
}

/* ---- SMMUv3 ---- */

#define SMMU_V3_BYTES 0x20000u /* two pages of 64 KiB (SMMUv3, IHI 0070F, 6.1) */
#define SMMU_V3_DEVICE_ID_VALID 0x10u

/*
 * The mapping for the SMMU's own MSIs. Up to revision 4 it counts unless all interrupts
 * are wired; from 5 on a flag says.
 */
static int find_own_mapping(struct weir_acpi_tree *a, struct iort_node *n)
{
	uint32_t skip;

	if (!n->revision)
		return 0;
	if (n->revision < 5) {
		if (field32(a, n, 44) && field32(a, n, 48) && field32(a, n, 52) &&
		    field32(a, n, 56))
			return 0;
	} else if (!(field32(a, n, 24) & SMMU_V3_DEVICE_ID_VALID)) {
		return 0;
	}
	skip = field32(a, n, 64);
	if (skip < n->nr_maps)
		n->skip = skip;
	else if (n->nr_maps)
		return weir_acpi_bad_(a, &a->table_iort, n->offset + 64, "device id mapping index",
				      "is none of the node's mappings");
	return 0;
}

static int read_smmu_v3(struct weir_acpi_tree *a, uint32_t index)
{
	const struct table *t = &a->table_iort;
	struct iort_node *n = &a->iort[index];
	uint64_t pa = acpi_le64_(t, n->offset + 16);
	uint32_t model = field32(a, n, 40);
	struct acpi_node *node;
	char name[32];
	int err = find_own_mapping(a, n);

	if (!err && (!pa || pa & 0xffff || pa > UINT64_MAX - SMMU_V3_BYTES))
		err = weir_acpi_bad_(a, t, n->offset + 16, "base address",
				     "is not that of an SMMU");
	if (err)
		return err;
	weir_format_(name, sizeof(name), "%llx.smmuv3", (unsigned long long)pa);
	err = make_node(a, index, ACPI_SMMU_V3, name, &node);
	if (!err)
		err = make_gsivs(a, node, 4);
	if (err)
		return err;
	node->pa = pa;
	node->bytes = SMMU_V3_BYTES;
	set_keys(node, model == 1 ? "acpi:hisilicon-hi161x-smmu-v3" :
		       model == 2 ? "acpi:cavium-cn99xx-smmu-v3" : NULL, "acpi:arm-smmu-v3");
	node->gsivs[0] = field32(a, n, 44); /* events */
	node->gsivs[1] = field32(a, n, 48); /* PRI */
	node->gsivs[2] = field32(a, n, 56); /* sync */
	node->gsivs[3] = field32(a, n, 52); /* global errors */
	return 0;
}

/* ---- reserved memory ranges ---- */

#define RANGE_BYTES 20u

static int read_rmr(struct weir_acpi_tree *a, uint32_t index)
{
	const struct table *t = &a->table_iort;
	struct iort_node *n = &a->iort[index];
	uint32_t count = field32(a, n, 20), from = field32(a, n, 24);

	if (from < weir_iort_fixed_bytes_(n->type, n->revision) ||
	    !holds(n, from, count, RANGE_BYTES))
		return weir_acpi_bad_(a, t, n->offset + 20, "number of memory ranges",
				      "is more than the node holds");
	n->first_range = a->nr_ranges;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = n->offset + from + i * RANGE_BYTES;
		uint64_t first = acpi_le64_(t, at), bytes = acpi_le64_(t, at + 8);
		int err;

		if (!bytes || first > UINT64_MAX - (bytes - 1))
			return weir_acpi_bad_(a, t, at + 8, "length of a memory range",
					      "is no range of addresses");
		err = weir_grow_(a->m, (void **)&a->ranges, &a->max_ranges, a->nr_ranges,
				 sizeof(*a->ranges));
		if (err)
			return err;
		a->ranges[a->nr_ranges++] = (struct iort_range){ first, first + (bytes - 1) };
		n->nr_ranges++;
	}
	return 0;
}

int weir_iort_read_node_(struct weir_acpi_tree *a, uint32_t index)
{
	switch (a->iort[index].type) {
	case IORT_ITS_GROUP:
		return read_its_group(a, index);
	case IORT_NAMED:
		return read_named(a, index);
	case IORT_ROOT_COMPLEX:
		return read_root_complex(a, index);
	case IORT_SMMU:
		return read_smmu(a, index);
	case IORT_SMMU_V3:
		return read_smmu_v3(a, index);
	case IORT_RMR:
		return read_rmr(a, index);
	default:
		if (a->iort[index].type == IORT_PMCG && a->iort[index].nr_maps)
			a->iort[index].skip = 0;
		return 0;
	}
}
