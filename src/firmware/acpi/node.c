// SPDX-License-Identifier: MIT
/*
 * The firmware nodes that stand for what tables describe: host bridges, SMMUs, ITS
 * groups, virtio-iommus and those behind them. All are children of the root but PCI
 * functions, which are children of their host bridge.
 */
#include "core/text.h"
#include "firmware/acpi/acpi.h"

int weir_acpi_node_create_(struct weir_acpi_tree *a, struct acpi_node *parent,
			   enum acpi_kind kind, const char *name, struct acpi_node **out_node)
{
	struct weir_machine *m = a->m;
	struct acpi_node *node = weir_alloc_(m, sizeof(*node));

	if (!node)
		return WEIR_ENOMEM;
	node->name = weir_strdup_(m, name);
	if (!node->name) {
		weir_free_(m, node, sizeof(*node));
		return WEIR_ENOMEM;
	}
	if (!parent)
		parent = a->first;
	node->kind = kind;
	weir_fwnode_init_(m, &node->fw, &weir_acpi_ops_, node->name, parent ? &parent->fw : NULL);
	*a->last = node;
	a->last = &node->next;
	if (parent) {
		*(parent->last_child ? parent->last_child : &parent->fw.first_child) = &node->fw;
		parent->last_child = &node->fw.next_sibling;
	}
	*out_node = node;
	return 0;
}

void weir_acpi_nodes_free_(struct weir_acpi_tree *a)
{
	struct weir_machine *m = a->m;

	while (a->first) {
		struct acpi_node *node = a->first;

		a->first = node->next;
		weir_fwnode_fini_(&node->fw);
		weir_strfree_(m, node->name);
		weir_free_(m, node->gsivs, node->nr_gsivs * sizeof(*node->gsivs));
		weir_free_(m, node->host, sizeof(*node->host));
		weir_free_(m, node, sizeof(*node));
	}
}

struct acpi_node *weir_acpi_host_of_(const struct weir_acpi_tree *a, uint16_t segment, uint16_t rid)
{
	struct acpi_node *node = weir_map_get_(&a->hosts, &segment, sizeof(segment));

	while (node && (rid >> 8 < node->host->first_bus || rid >> 8 > node->host->last_bus))
		node = node->next_host;
	return node;
}

/* ---- what nodes are asked ---- */

static const char *compatible(const struct weir_fwnode *fw, unsigned int index)
{
	return index < 2 ? acpi_node_(fw)->keys[index] : NULL;
}

static int pci_host(struct weir_fwnode *fw, struct weir_pci_host *out_host)
{
	const struct acpi_node *node = acpi_node_(fw);

	if (node->kind != ACPI_HOST)
		return WEIR_ENODEV;
	*out_host = *node->host;
	return 0;
}

static struct weir_fwnode *pci_function(struct weir_fwnode *fw, uint16_t rid)
{
	for (struct weir_fwnode *child = fw->first_child; child; child = child->next_sibling)
		if (acpi_node_(child)->kind == ACPI_FUNCTION && acpi_node_(child)->rid == rid)
			return child;
	return NULL;
}

static int registers(const struct weir_fwnode *fw, unsigned int index, uint64_t *out_pa,
		     uint64_t *out_bytes)
{
	const struct acpi_node *node = acpi_node_(fw);

	if (index || !node->bytes)
		return WEIR_ENOENT;
	*out_pa = node->pa;
	*out_bytes = node->bytes;
	return 0;
}

/* Interrupts of IORT are a GIC's: 32 to 1019 are shared ones (GIC, IHI 0069H, 2.2.1). */
static int line(const struct weir_fwnode *fw, unsigned int index, uint32_t *out_line)
{
	const struct acpi_node *node = acpi_node_(fw);

	if (index >= node->nr_gsivs)
		return WEIR_ENOENT;
	if (node->gsivs[index] < 32 || node->gsivs[index] > 1019)
		return WEIR_EINVAL;
	*out_line = node->gsivs[index] - 32;
	return 0;
}

/* What IORT says of a way to memory: of a named component itself, of a bridge's or function's segment. */
static const struct iort_node *way_of(const struct weir_fwnode *fw)
{
	const struct acpi_node *node = acpi_node_(fw);
	const struct weir_acpi_tree *a = fw->m->acpi;

	if (node->kind == ACPI_FUNCTION)
		node = acpi_node_(fw->parent);
	if (node->kind == ACPI_NAMED)
		return &a->iort[node->remap];
	return node->kind == ACPI_HOST ? weir_iort_root_complex_(a, node->host->segment) : NULL;
}

/* An SMMU of version 3 says itself whether its walks are. */
static int dma_coherent(const struct weir_fwnode *fw)
{
	const struct acpi_node *node = acpi_node_(fw);
	const struct iort_node *way = way_of(fw);

	if (node->kind == ACPI_SMMU)
		way = &fw->m->acpi->iort[node->remap];
	return way ? way->coherent : WEIR_ENOENT;
}

/* Of a bridge, and so of all below it. */
static int dma_range(const struct weir_fwnode *fw, bool below, unsigned int index,
		     struct weir_fwdma *out_range)
{
	const struct iort_node *way = way_of(fw);

	(void)below;
	if (index || !way || !way->address_bits || way->address_bits > 63)
		return WEIR_ENOENT;
	*out_range = (struct weir_fwdma){ .bytes = UINT64_C(1) << way->address_bits };
	return 0;
}

/* "/name/name"; "/" is the root. */
static int find(struct weir_machine *m, const char *path, struct weir_fwnode **out_node)
{
	struct weir_fwnode *node = &m->acpi->first->fw;

	while (*path) {
		size_t n = 0;

		if (*path++ != '/')
			return WEIR_ENOENT;
		while (path[n] && path[n] != '/')
			n++;
		if (!n)
			continue;
		node = node->first_child;
		while (node && !weir_streq_n_(node->name, path, n))
			node = node->next_sibling;
		if (!node)
			return WEIR_ENOENT;
		path += n;
	}
	*out_node = node;
	return 0;
}

const struct weir_firmware_ops weir_acpi_ops_ = {
	.abi = WEIR_ABI(struct weir_firmware_ops),
	.compatible = compatible,
	.parse = weir_acpi_parse_,
	.pci_host = pci_host,
	.pci_function = pci_function,
	.map_id = weir_acpi_map_id_,
	.spec = weir_acpi_spec_,
	.registers = registers,
	.line = line,
	.stream_region = weir_acpi_stream_region_,
	.dma_range = dma_range,
	.dma_coherent = dma_coherent,
	.populate = weir_acpi_populate_,
	.find = find,
	.unload = weir_acpi_free_,
};
