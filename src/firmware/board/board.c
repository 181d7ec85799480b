// SPDX-License-Identifier: MIT
/*
 * Firmware by a constant: a node for each of the board's, below one root, in one array that goes
 * with the machine. What is asked is looked up in the constant.
 */
#include "weir/board.h"

#include "core/core.h"
#include "core/text.h"
#include "firmware/platform.h"

struct board_node {
	struct weir_fwnode fw;
	const struct weir_board_node *is; /* NULL: the root */
};

/* m->root is the first. */
static struct board_node *nodes_of(const struct weir_machine *m)
{
	return weir_container_of(m->root, struct board_node, fw);
}

static const struct weir_board_node *is(const struct weir_fwnode *fw)
{
	static const struct weir_board_node nothing;
	const struct weir_board_node *node = weir_container_of(fw, const struct board_node, fw)->is;

	return node ? node : &nothing;
}

/* ---- what nodes are asked ---- */

static const char *compatible(const struct weir_fwnode *fw, unsigned int index)
{
	return index ? NULL : is(fw)->key;
}

/* IOMMUs are suppliers, too. */
static int parse(struct weir_fwnode *fw)
{
	struct board_node *nodes = nodes_of(fw->m);
	const struct weir_board_node *node = is(fw);
	int err = 0;

	for (uint32_t i = 0; i < node->nr_streams && !err; i++)
		err = weir_fwlink_add_(fw, &nodes[node->streams[i].iommu + 1].fw, 0, "streams");
	for (uint32_t i = 0; i < node->nr_needs && !err; i++)
		err = weir_fwlink_add_(fw, &nodes[node->needs[i] + 1].fw, 0, "needs");
	return err;
}

static int spec(struct weir_fwnode *fw, unsigned int index, struct weir_fwspec *out_spec)
{
	const struct weir_board_node *node = is(fw);

	if (index >= node->nr_streams)
		return WEIR_ENOENT;
	out_spec->target = &nodes_of(fw->m)[node->streams[index].iommu + 1].fw;
	out_spec->nr_cells = 1;
	out_spec->cells[0] = node->streams[index].id;
	return 0;
}

static int registers(const struct weir_fwnode *fw, unsigned int index, uint64_t *out_pa,
		     uint64_t *out_bytes)
{
	if (index || !is(fw)->regs_bytes)
		return WEIR_ENOENT;
	*out_pa = is(fw)->regs_pa;
	*out_bytes = is(fw)->regs_bytes;
	return 0;
}

static int line(const struct weir_fwnode *fw, unsigned int index, uint32_t *out_line)
{
	if (index >= is(fw)->nr_lines)
		return WEIR_ENOENT;
	*out_line = is(fw)->lines[index];
	return 0;
}

static int dma_coherent(const struct weir_fwnode *fw)
{
	return is(fw)->coherent;
}

static int property(const struct weir_fwnode *fw, const char *name, const void **out_value,
		    size_t *out_bytes)
{
	const struct weir_board_node *node = is(fw);

	for (uint32_t i = 0; i < node->nr_properties; i++) {
		if (!weir_streq_(node->properties[i].name, name))
			continue;
		*out_value = node->properties[i].value;
		*out_bytes = node->properties[i].bytes;
		return 0;
	}
	return WEIR_ENOENT;
}

/* "/name"; "/" is the root. */
static int find(struct weir_machine *m, const char *path, struct weir_fwnode **out_node)
{
	struct weir_fwnode *node = m->root;

	if (*path++ != '/')
		return WEIR_ENOENT;
	if (*path)
		for (node = node->first_child; node; node = node->next_sibling)
			if (weir_streq_(node->name, path))
				break;
	if (!node)
		return WEIR_ENOENT;
	*out_node = node;
	return 0;
}

static int populate(struct weir_machine *m)
{
	struct weir_fwnode *node;
	struct weir_bus *bus;
	int err = weir_platform_bus_(m, &bus);

	if (err)
		return err;
	weir_platform_pause_(m, true);
	for (node = m->root->first_child; node && !err; node = node->next_sibling)
		if (is(node)->key)
			err = weir_platform_device_(bus, node, node->name);
	weir_platform_pause_(m, false);
	return err;
}

static void unload(struct weir_machine *m)
{
	struct board_node *nodes = nodes_of(m);
	uint32_t n = 1;

	for (struct weir_fwnode *node = m->root->first_child; node; node = node->next_sibling)
		n++;
	for (uint32_t i = 0; i < n; i++)
		weir_fwnode_fini_(&nodes[i].fw);
	weir_free_(m, nodes, n * sizeof(*nodes));
	m->root = NULL;
}

static const struct weir_firmware_ops board_ops = {
	.abi = WEIR_ABI(struct weir_firmware_ops),
	.compatible = compatible,
	.parse = parse,
	.spec = spec,
	.registers = registers,
	.line = line,
	.dma_coherent = dma_coherent,
	.populate = populate,
	.find = find,
	.property = property,
	.unload = unload,
};

/* ---- loading ---- */

static bool comes_first(const struct weir_board *board, uint32_t i)
{
	const struct weir_board_node *node = &board->nodes[i];

	for (uint32_t j = 0; j < node->nr_streams; j++)
		if (node->streams[j].iommu >= i)
			return false;
	for (uint32_t j = 0; j < node->nr_needs; j++)
		if (node->needs[j] >= i)
			return false;
	return node->name;
}

static int load(struct weir_machine *m, const struct weir_board *board)
{
	struct board_node *nodes;
	struct weir_fwnode **next;
	int err;

	for (uint32_t i = 0; i < board->nr_nodes; i++) {
		if (comes_first(board, i))
			continue;
		weir_format_(m->firmware_error, sizeof(m->firmware_error),
			     "node %u of the board has no name, or needs one that does not come before it", i);
		return WEIR_EINVAL;
	}
	nodes = weir_alloc_(m, ((size_t)board->nr_nodes + 1) * sizeof(*nodes));
	if (!nodes)
		return WEIR_ENOMEM;
	weir_fwnode_init_(m, &nodes->fw, &board_ops, "", NULL);
	next = &nodes->fw.first_child;
	for (uint32_t i = 0; i < board->nr_nodes; i++) {
		struct board_node *node = &nodes[i + 1];

		node->is = &board->nodes[i];
		weir_fwnode_init_(m, &node->fw, &board_ops, node->is->name, &nodes->fw);
		node->fw.rank = (int32_t)i + 1; /* it is behind all that it needs */
		*next = &node->fw;
		next = &node->fw.next_sibling;
	}
	m->root = &nodes->fw;
	err = m->policy->firmware_changed ? m->policy->firmware_changed(m) : 0;
	if (err)
		unload(m);
	return err;
}

int weir_firmware_load_board(struct weir_machine *m, const struct weir_board *board)
{
	int err;

	weir_lock_(m);
	m->firmware_error[0] = '\0';
	err = m->root ? WEIR_EEXIST : load(m, board);
	weir_unlock_(m);
	return err;
}
