// SPDX-License-Identifier: MIT
/*
 * Firmware nodes as the engine sees them: a tree with flags and owners. The nodes
 * of a device tree live in firmware/dt's array; those made by code are allocated
 * one by one and freed with the machine.
 */
#include "core/core.h"
#include "core/text.h"

void weir_fwnode_init_(struct weir_machine *m, struct weir_fwnode *node,
		       const struct weir_firmware_ops *ops, const char *name,
		       struct weir_fwnode *parent)
{
	node->m = m;
	node->ops = ops;
	node->name = name;
	node->parent = parent;
	node->rank = parent ? parent->rank + 1 : 0;
	weir_list_init(&node->suppliers);
	weir_list_init(&node->consumers);
	m->stats.fwnodes++;
}

void weir_fwnode_fini_(struct weir_fwnode *node)
{
	while (!weir_list_empty(&node->suppliers))
		weir_fwlink_drop_(weir_container_of(node->suppliers.next, struct weir_fwlink,
						    c_node));
	while (!weir_list_empty(&node->consumers))
		weir_fwlink_drop_(weir_container_of(node->consumers.next, struct weir_fwlink,
						    s_node));
	node->m->stats.fwnodes--;
}

/* ---- walking ---- */

struct weir_fwnode *weir_fwnode_next_below_(struct weir_fwnode *node, struct weir_fwnode *top,
					    bool descend)
{
	struct weir_fwnode *next = descend ? node->first_child : NULL;

	for (;;) {
		while (next && (next->flags & WEIR_FWNODE_DISABLED))
			next = next->next_sibling;
		if (next)
			return next;
		if (node == top)
			return NULL;
		next = node->next_sibling;
		node = node->parent;
	}
}

struct weir_fwnode *weir_fwnode_owner_above_(struct weir_fwnode *node)
{
	for (node = node->parent; node; node = node->parent)
		if (node->owner)
			return node;
	return NULL;
}

struct weir_fwnode *weir_fwnode_next(const struct weir_fwnode *node)
{
	if (node->first_child)
		return node->first_child;
	for (; node; node = node->parent)
		if (node->next_sibling)
			return node->next_sibling;
	return NULL;
}

/* ---- parsing ---- */

int weir_fwnode_parse_(struct weir_fwnode *node)
{
	int err;

	if (node->flags & WEIR_FWNODE_PARSED)
		return 0;
	err = node->ops->parse ? node->ops->parse(node) : 0;
	if (!err)
		node->flags |= WEIR_FWNODE_PARSED;
	return err;
}

int weir_fwnode_parse_tree_(struct weir_fwnode *top)
{
	struct weir_fwnode *node;

	for (node = top; node; node = weir_fwnode_next_below_(node, top, true)) {
		int err = weir_fwnode_parse_(node);

		if (err)
			return err;
	}
	return 0;
}

/* ---- nodes made by code ---- */

struct soft_node {
	struct weir_fwnode node;
	char *name;
	char *compatible;
};

void weir_fwnodes_init_(struct weir_machine *m)
{
	weir_slab_init_(&m->node_slab, sizeof(struct soft_node));
}

static const char *soft_compatible(const struct weir_fwnode *node, unsigned int index)
{
	const struct soft_node *soft = weir_container_of(node, const struct soft_node, node);

	return index ? NULL : soft->compatible;
}

static const struct weir_firmware_ops soft_ops = {
	.abi = WEIR_ABI(struct weir_firmware_ops),
	.compatible = soft_compatible,
};

static void free_soft(struct soft_node *soft)
{
	struct weir_machine *m = soft->node.m;

	weir_strfree_(m, soft->name);
	weir_strfree_(m, soft->compatible);
	weir_slab_free_(m, &m->node_slab, soft);
}

static void insert(struct weir_machine *m, struct weir_fwnode *parent, struct weir_fwnode *node)
{
	struct weir_fwnode **first = parent ? &parent->first_child : &m->soft_roots;

	/* newest first: appending would cost a walk over all siblings */
	node->next_sibling = *first;
	*first = node;
}

int weir_fwnode_create(struct weir_machine *m, struct weir_fwnode *parent, const char *name,
		       const char *compatible, struct weir_fwnode **out_node)
{
	struct soft_node *soft;

	if (parent && parent->ops != &soft_ops)
		return WEIR_EINVAL;
	weir_lock_(m);
	soft = weir_slab_alloc_(m, &m->node_slab);
	if (!soft)
		goto err_unlock;
	soft->node.m = m;
	soft->name = weir_strdup_(m, name);
	soft->compatible = compatible ? weir_strdup_(m, compatible) : NULL;
	if (!soft->name || (compatible && !soft->compatible))
		goto err_free;
	weir_fwnode_init_(m, &soft->node, &soft_ops, soft->name, parent);
	soft->node.flags = WEIR_FWNODE_PARSED;
	insert(m, parent, &soft->node);
	weir_unlock_(m);
	*out_node = &soft->node;
	return 0;

err_free:
	free_soft(soft);
err_unlock:
	weir_unlock_(m);
	return WEIR_ENOMEM;
}

/* Depth is bounded by how deep the embedder nested; go down, free on the way up. */
void weir_fwnodes_free_(struct weir_machine *m)
{
	struct weir_fwnode *node = m->soft_roots;

	while (node) {
		struct weir_fwnode *up = node->parent;

		if (node->first_child) {
			node = node->first_child;
			continue;
		}
		if (up)
			up->first_child = node->next_sibling;
		else
			m->soft_roots = node->next_sibling;
		weir_fwnode_fini_(node);
		free_soft(weir_container_of(node, struct soft_node, node));
		node = up ? up : m->soft_roots;
	}
}

/* ---- what the kind of firmware knows ---- */

int weir_firmware_pci_host(struct weir_fwnode *node, struct weir_pci_host *out_host)
{
	return node->ops->pci_host ? node->ops->pci_host(node, out_host) : WEIR_ENODEV;
}

struct weir_fwnode *weir_firmware_pci_child(struct weir_fwnode *node, uint8_t devfn)
{
	return node->ops->pci_child ? node->ops->pci_child(node, devfn) : NULL;
}

struct weir_fwnode *weir_firmware_pci_function(struct weir_fwnode *node, uint16_t rid)
{
	return node->ops->pci_function ? node->ops->pci_function(node, rid) : NULL;
}

int weir_firmware_map_id(struct weir_fwnode *node, enum weir_fwmap what, uint32_t id,
			 struct weir_fwnode **out_target, uint32_t *out_id)
{
	return node->ops->map_id ? node->ops->map_id(node, what, id, out_target, out_id)
				 : WEIR_ENOENT;
}

int weir_firmware_spec(struct weir_fwnode *node, unsigned int index, struct weir_fwspec *out_spec)
{
	return node->ops->spec ? node->ops->spec(node, index, out_spec) : WEIR_ENOENT;
}

int weir_firmware_reference(struct weir_fwnode *node, const char *property, const char *count,
			    unsigned int index, struct weir_fwspec *out_spec)
{
	return node->ops->reference ? node->ops->reference(node, property, count, index, out_spec)
				    : WEIR_ENOENT;
}

/* ---- DMA: likewise ---- */

int weir_firmware_dma_range(const struct weir_fwnode *node, bool below, unsigned int index,
			    struct weir_fwdma *out_range)
{
	return node->ops->dma_range ? node->ops->dma_range(node, below, index, out_range)
				    : WEIR_ENOENT;
}

int weir_firmware_dma_coherent(const struct weir_fwnode *node)
{
	return node->ops->dma_coherent ? node->ops->dma_coherent(node) : WEIR_ENOENT;
}

int weir_firmware_registers(const struct weir_fwnode *node, unsigned int index, uint64_t *out_pa,
			    uint64_t *out_bytes)
{
	return node->ops->registers ? node->ops->registers(node, index, out_pa, out_bytes)
				    : WEIR_ENOENT;
}

int weir_firmware_line(const struct weir_fwnode *node, unsigned int index, uint32_t *out_line)
{
	return node->ops->line ? node->ops->line(node, index, out_line) : WEIR_ENOENT;
}

int weir_firmware_iommu_region(const struct weir_fwnode *node, unsigned int index,
			       struct weir_fwregion *out_region)
{
	return node->ops->iommu_region ? node->ops->iommu_region(node, index, out_region)
				       : WEIR_ENOENT;
}

int weir_firmware_stream_region(const struct weir_fwnode *iommu, uint32_t id, unsigned int index,
				struct weir_fwregion *out_region)
{
	return iommu->ops->stream_region ? iommu->ops->stream_region(iommu, id, index, out_region)
					 : WEIR_ENOENT;
}

int weir_firmware_populate(struct weir_machine *m)
{
	return m->root && m->root->ops->populate ? m->root->ops->populate(m) : WEIR_ENOENT;
}

int weir_fwnode_find(struct weir_machine *m, const char *path, struct weir_fwnode **out_node)
{
	return m->root && m->root->ops->find ? m->root->ops->find(m, path, out_node) : WEIR_ENOENT;
}

int weir_fwnode_property(const struct weir_fwnode *node, const char *name, const void **out_value,
			 size_t *out_bytes)
{
	size_t bytes;

	return node->ops->property ? node->ops->property(node, name, out_value,
							 out_bytes ? out_bytes : &bytes)
				   : WEIR_ENOENT;
}

const char *weir_firmware_error(const struct weir_machine *m)
{
	return m->firmware_error;
}

/* ---- plain accessors ---- */

void weir_fwnode_set_initialized(struct weir_fwnode *node, bool on, bool claimed)
{
	struct weir_machine *m = node->m;
	uint32_t bits = WEIR_FWNODE_INITIALIZED | (claimed ? WEIR_FWNODE_POPULATED : 0);

	weir_lock_(m);
	node->flags = on ? node->flags | bits : node->flags & ~bits;
	weir_unlock_(m);
}

struct weir_fwnode *weir_fwnode_root(struct weir_machine *m)
{
	return m->root ? m->root : m->soft_roots;
}

struct weir_fwnode *weir_fwnode_parent(const struct weir_fwnode *node)
{
	return node->parent;
}

struct weir_fwnode *weir_fwnode_first_child(const struct weir_fwnode *node)
{
	return node->first_child;
}

struct weir_fwnode *weir_fwnode_next_sibling(const struct weir_fwnode *node)
{
	return node->next_sibling;
}

const char *weir_fwnode_name(const struct weir_fwnode *node)
{
	return node->name;
}

uint32_t weir_fwnode_flags(const struct weir_fwnode *node)
{
	return node->flags & (WEIR_FWNODE_SOUGHT_ - 1);
}

struct weir_device *weir_fwnode_device(const struct weir_fwnode *node)
{
	return node->owner;
}

const char *weir_fwnode_compatible(const struct weir_fwnode *node, unsigned int index)
{
	return node->ops->compatible ? node->ops->compatible(node, index) : NULL;
}

bool weir_fwnode_available(const struct weir_fwnode *node)
{
	return !(node->flags & WEIR_FWNODE_DISABLED);
}

size_t weir_fwnode_path(const struct weir_fwnode *node, char *buf, size_t bytes)
{
	const struct weir_fwnode *at;
	size_t len = 0, end;

	for (at = node; at->parent; at = at->parent)
		len += weir_strlen_(at->name) + 1;
	if (!node->parent && node->name[0]) /* a root made by code has a name */
		len = weir_strlen_(node->name);
	if (!bytes)
		return len;
	buf[len < bytes ? len : bytes - 1] = '\0';
	for (at = node, end = len; end; at = at->parent) {
		size_t n = weir_strlen_(at->name);

		end -= n;
		for (size_t i = 0; i < n && end + i + 1 < bytes; i++)
			buf[end + i] = at->name[i];
		if (end && --end + 1 < bytes)
			buf[end] = '/';
	}
	return len;
}
