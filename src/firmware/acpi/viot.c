// SPDX-License-Identifier: MIT
/*
 * VIOT: virtio-iommu devices and who is behind them (ACPI 6.6, 5.2.33). Ranges that
 * overlap are kept as they are: the first that has an id counts, as with Linux.
 */
#include "core/text.h"
#include "firmware/acpi/acpi.h"

#define VIOT_HEAD_BYTES 48u

enum viot_type {
	VIOT_PCI_RANGE = 1, VIOT_ENDPOINT, VIOT_IOMMU_PCI, VIOT_IOMMU_MMIO,
};

/* virtio-mmio's registers: the device's configuration begins at 0x100 (Virtio 1.2, 4.2.2). */
#define VIRTIO_MMIO_BYTES 0x200u

#define NODE_HEAD_BYTES 4u

static uint32_t bytes_of(uint8_t type)
{
	static const uint32_t bytes[] = {
		[VIOT_PCI_RANGE] = 24, [VIOT_ENDPOINT] = 24, [VIOT_IOMMU_PCI] = 16,
		[VIOT_IOMMU_MMIO] = 16,
	};

	if (type < VIOT_PCI_RANGE || type > VIOT_IOMMU_MMIO)
		return NODE_HEAD_BYTES;
	return bytes[type];
}

static bool is_iommu(const struct table *t, uint32_t at)
{
	return t->at[at] == VIOT_IOMMU_PCI || t->at[at] == VIOT_IOMMU_MMIO;
}

/* Node by node. Return: 1 with @out_at inside the table; 0 after the last; WEIR_EBADMSG. */
static int next_node(struct weir_acpi_tree *a, uint32_t *left, uint32_t *at, uint32_t *out_at)
{
	const struct table *t = &a->table_viot;
	uint32_t bytes;

	if (!*left)
		return 0;
	if (t->bytes - *at < NODE_HEAD_BYTES)
		return weir_acpi_bad_(a, t, *at, "node", "is not inside the table");
	bytes = acpi_le16_(t, *at + 2);
	if (bytes > t->bytes - *at)
		return weir_acpi_bad_(a, t, *at + 2, "node length", "goes beyond the table");
	if (bytes < bytes_of(t->at[*at]))
		return weir_acpi_bad_(a, t, *at + 2, "node length",
				      "is less than the type of node has");
	*out_at = *at;
	*at += bytes;
	*left -= 1;
	return 1;
}

/* ---- IOMMUs ---- */

static int make_iommu(struct weir_acpi_tree *a, uint32_t at)
{
	const struct table *t = &a->table_viot;
	struct acpi_node *node, *host = NULL;
	uint16_t segment = acpi_le16_(t, at + 4), rid = acpi_le16_(t, at + 6);
	bool pci = t->at[at] == VIOT_IOMMU_PCI;
	char name[40];
	int err;

	if (!pci && acpi_le64_(t, at + 8) > UINT64_MAX - VIRTIO_MMIO_BYTES)
		return weir_acpi_bad_(a, t, at + 8, "base address", "is not that of a device");
	if (pci) {
		host = weir_acpi_host_of_(a, segment, rid);
		if (!host)
			weir_logf_(a->m, WEIR_LOG_WARN,
				   "VIOT: no host bridge has the IOMMU of the node at offset 0x%x",
				   at);
		weir_format_(name, sizeof(name), "%04x:%02x:%02x.%u", segment,
			     WEIR_PCI_RID_BUS(rid), WEIR_PCI_RID_DEVICE(rid),
			     WEIR_PCI_RID_FUNCTION(rid));
	} else {
		weir_format_(name, sizeof(name), "%llx.virtio-iommu",
			     (unsigned long long)acpi_le64_(t, at + 8));
	}
	err = weir_acpi_node_create_(a, host, pci ? ACPI_FUNCTION : ACPI_VIRTIO_IOMMU, name, &node);
	if (err)
		return err;
	node->remap = at;
	node->segment = segment;
	node->rid = rid;
	if (!pci) {
		node->keys[0] = "acpi:LNRO0005";
		node->pa = acpi_le64_(t, at + 8);
		node->bytes = VIRTIO_MMIO_BYTES;
	}
	return 0;
}

/* The IOMMU whose node is where @field says. */
static int find_iommu(struct weir_acpi_tree *a, uint32_t field, struct acpi_node **out_node)
{
	uint32_t at = acpi_le16_(&a->table_viot, field);

	for (struct acpi_node *node = *a->first_viot; node; node = node->next) {
		if ((node->kind == ACPI_FUNCTION || node->kind == ACPI_VIRTIO_IOMMU) &&
		    node->remap == at) {
			*out_node = node;
			return 0;
		}
	}
	return weir_acpi_bad_(a, &a->table_viot, field, "output node", "is no IOMMU's");
}

/* ---- who is behind them ---- */

static int read_range(struct weir_acpi_tree *a, uint32_t at)
{
	const struct table *t = &a->table_viot;
	struct viot_range r = {
		.endpoint = acpi_le32_(t, at + 4),
		.first_segment = acpi_le16_(t, at + 8), .last_segment = acpi_le16_(t, at + 10),
		.first_rid = acpi_le16_(t, at + 12), .last_rid = acpi_le16_(t, at + 14),
	};
	uint64_t more;
	int err;

	if (r.first_segment > r.last_segment)
		return weir_acpi_bad_(a, t, at + 10, "last segment", "is below the first");
	if (r.first_rid > r.last_rid)
		return weir_acpi_bad_(a, t, at + 14, "last BDF", "is below the first");
	more = ((uint64_t)(r.last_segment - r.first_segment) << 16) + r.last_rid - r.first_rid;
	if (more > UINT32_MAX - r.endpoint)
		return weir_acpi_bad_(a, t, at + 4, "first endpoint", "goes past the last id");
	err = find_iommu(a, at + 16, &r.iommu);
	if (!err)
		err = weir_grow_(a->m, (void **)&a->viot, &a->max_viot, a->nr_viot,
				 sizeof(*a->viot));
	if (!err)
		a->viot[a->nr_viot++] = r;
	return err;
}

static int make_endpoint(struct weir_acpi_tree *a, uint32_t at)
{
	const struct table *t = &a->table_viot;
	uint64_t pa = acpi_le64_(t, at + 8);
	struct acpi_node *node, *iommu;
	char name[40];
	int err = find_iommu(a, at + 16, &iommu);

	if (err)
		return err;
	weir_format_(name, sizeof(name), "%llx.endpoint", (unsigned long long)pa);
	err = weir_acpi_node_create_(a, NULL, ACPI_ENDPOINT, name, &node);
	if (err)
		return err;
	node->pa = pa;
	node->iommu = iommu;
	node->id = acpi_le32_(t, at + 4);
	return 0;
}

static int read_node(struct weir_acpi_tree *a, uint32_t at, bool iommus)
{
	const struct table *t = &a->table_viot;

	if (is_iommu(t, at))
		return iommus ? make_iommu(a, at) : 0;
	if (iommus)
		return 0;
	if (t->at[at] == VIOT_PCI_RANGE)
		return read_range(a, at);
	return t->at[at] == VIOT_ENDPOINT ? make_endpoint(a, at) : 0;
}

/* IOMMUs first, for others name them by offset. */
static int read_all(struct weir_acpi_tree *a, bool iommus)
{
	const struct table *t = &a->table_viot;
	uint32_t left = acpi_le16_(t, 36), next = acpi_le16_(t, 38), at = 0;
	int more;

	while ((more = next_node(a, &left, &next, &at)) > 0) {
		int err = read_node(a, at, iommus);

		if (err)
			return err;
	}
	return more;
}

int weir_acpi_viot_(struct weir_acpi_tree *a)
{
	const struct table *t = &a->table_viot;
	int err;

	if (!t->bytes)
		return 0;
	if (t->bytes < VIOT_HEAD_BYTES)
		return weir_acpi_bad_(a, t, 4, "length", "is less than the table's head");
	if (acpi_le16_(t, 38) < VIOT_HEAD_BYTES || acpi_le16_(t, 38) > t->bytes)
		return weir_acpi_bad_(a, t, 38, "offset of nodes", "is not inside the table");
	a->first_viot = a->last;
	err = read_all(a, true);
	return err ? err : read_all(a, false);
}
