// SPDX-License-Identifier: MIT
/*
 * Reading a flattened device tree into indexed arrays, and looking things up in
 * them. Read with libfdt, after check.c went over all of it.
 */
#include "firmware/dt/dt.h"

#include <libfdt.h>

#include "core/text.h"

/* ---- reading, of a blob that was checked ---- */

struct reader {
	struct weir_machine *m;
	struct weir_dt *dt;
	const void *blob;
	struct weir_dt_node *stack[WEIR_DT_MAX_DEPTH];
	struct weir_fwnode *last_child[WEIR_DT_MAX_DEPTH];
	int depth;
};

static void begin_node(struct reader *r, int offset)
{
	struct weir_dt *dt = r->dt;
	struct weir_dt_node *node = &dt->nodes[dt->nr_nodes++];
	struct weir_dt_node *parent = r->depth ? r->stack[r->depth - 1] : NULL;
	const char *name;
	int len;

	name = fdt_get_name(r->blob, offset, &len);
	weir_fwnode_init_(r->m, &node->fw, &weir_dt_ops_, parent ? name : "",
			  parent ? &parent->fw : NULL);
	node->first_prop = dt->nr_props;
	node->hash = parent ? (parent->hash ^ weir_hash_bytes_(name, (size_t)len)) * 2654435761u
			    : 1;
	if (parent && r->last_child[r->depth - 1])
		r->last_child[r->depth - 1]->next_sibling = &node->fw;
	else if (parent)
		parent->fw.first_child = &node->fw;
	if (parent)
		r->last_child[r->depth - 1] = &node->fw;
	r->last_child[r->depth] = NULL;
	r->stack[r->depth++] = node;
}

/*
 * status: available when absent, "okay" or "ok" (Devicetree Specification 2.3.4). A
 * string may lack its end: in the blob a zero follows, be it padding or the first
 * byte of the next token.
 */
static bool says_available(const struct weir_dt_prop *prop)
{
	const char *text = (const char *)prop->value;

	return prop->bytes && (weir_streq_(text, "ok") || weir_streq_(text, "okay"));
}

static void note_property(struct weir_dt_node *node, const struct weir_dt_prop *prop)
{
	switch (prop->name[0]) {
	case 's':
		if (weir_streq_(prop->name, "status") && !says_available(prop))
			node->fw.flags |= WEIR_FWNODE_DISABLED;
		break;
	case 'p':
	case 'l':
		if (!node->phandle && prop->bytes >= 4 &&
		    (weir_streq_(prop->name, "phandle") ||
		     weir_streq_(prop->name, "linux,phandle")))
			node->phandle = weir_be32_(prop->value);
		break;
	default:
		break;
	}
}

static void add_prop(struct reader *r, int offset)
{
	struct weir_dt_prop *out = &r->dt->props[r->dt->nr_props++];
	int len;

	out->value = fdt_getprop_by_offset(r->blob, offset, &out->name, &len);
	out->bytes = (uint32_t)len;
	out->row = weir_dt_row_of_(out->name);
	r->stack[r->depth - 1]->nr_props++;
	note_property(r->stack[r->depth - 1], out);
}

/* The last string may lack its end, see says_available(). */
static int add_compats(struct weir_dt *dt, struct weir_dt_node *node)
{
	const struct weir_dt_prop *prop = weir_dt_prop_(dt, node, "compatible");
	const char *text = prop ? (const char *)prop->value : NULL;

	node->has_compatible = prop;
	node->first_compat = dt->nr_compats;
	for (uint32_t at = 0; prop && at < prop->bytes;
	     at += (uint32_t)weir_strlen_(text + at) + 1) {
		if (weir_grow_(dt->m, (void **)&dt->compats, &dt->max_compats, dt->nr_compats,
			       sizeof(*dt->compats)))
			return WEIR_ENOMEM;
		dt->compats[dt->nr_compats++] = text + at;
		node->nr_compats++;
	}
	return 0;
}

static int read_compats(struct weir_dt *dt)
{
	int err = 0;

	for (uint32_t i = 0; i < dt->nr_nodes && !err; i++)
		err = add_compats(dt, &dt->nodes[i]);
	return err;
}

static void read_blob(struct reader *r)
{
	for (int offset = 0, next;; offset = next) {
		switch (fdt_next_tag(r->blob, offset, &next)) {
		case FDT_BEGIN_NODE:
			begin_node(r, offset);
			break;
		case FDT_END_NODE:
			r->depth--;
			break;
		case FDT_PROP:
			add_prop(r, offset);
			break;
		case FDT_END:
			return;
		default:
			break;
		}
	}
}

/* ---- indices ---- */

static uint32_t table_size(uint32_t n)
{
	uint32_t size = 16;

	while (size < n * 2)
		size *= 2;
	return size;
}

static uint32_t mix(uint32_t v)
{
	v *= 2654435761u; /* Knuth, TAOCP 3, 6.4 */
	return v ^ (v >> 16);
}

static bool is_namesake(const struct weir_dt_node *a, const struct weir_dt_node *b)
{
	return a->hash == b->hash && a->fw.parent == b->fw.parent &&
	       weir_streq_(a->fw.name, b->fw.name);
}

static void index_nodes(struct weir_dt *dt)
{
	for (uint32_t i = 0; i < dt->nr_nodes; i++) {
		struct weir_dt_node *node = &dt->nodes[i];
		uint32_t at = mix(node->hash) & dt->by_path_mask;

		while (dt->by_path[at] && !is_namesake(&dt->nodes[dt->by_path[at] - 1], node))
			at = (at + 1) & dt->by_path_mask;
		if (!dt->by_path[at]) /* the first child of a name is the one found by it */
			dt->by_path[at] = i + 1;
		node->fw.index = i;
		if (!node->phandle)
			continue;
		at = mix(node->phandle) & dt->by_phandle_mask;
		while (dt->by_phandle[at] &&
		       dt->nodes[dt->by_phandle[at] - 1].phandle != node->phandle)
			at = (at + 1) & dt->by_phandle_mask;
		if (!dt->by_phandle[at]) /* the first node of a value is the one it names */
			dt->by_phandle[at] = i + 1;
	}
}

static int make_indices(struct weir_dt *dt)
{
	uint32_t size = table_size(dt->nr_nodes);

	dt->by_path = weir_alloc_(dt->m, size * sizeof(*dt->by_path));
	dt->by_phandle = weir_alloc_(dt->m, size * sizeof(*dt->by_phandle));
	dt->by_path_mask = size - 1;
	dt->by_phandle_mask = size - 1;
	if (!dt->by_path || !dt->by_phandle)
		return WEIR_ENOMEM;
	index_nodes(dt);
	return 0;
}

static void free_tree(struct weir_machine *m)
{
	struct weir_dt *dt = m->dt;
	size_t size;

	if (!dt)
		return;
	size = (size_t)dt->by_path_mask + 1;
	for (uint32_t i = 0; i < dt->nr_nodes; i++)
		weir_fwnode_fini_(&dt->nodes[i].fw);
	weir_free_(m, dt->by_path, size * sizeof(*dt->by_path));
	weir_free_(m, dt->by_phandle, size * sizeof(*dt->by_phandle));
	weir_free_(m, dt->nodes, dt->max_nodes * sizeof(*dt->nodes));
	weir_free_(m, dt->props, dt->max_props * sizeof(*dt->props));
	weir_free_(m, dt->compats, dt->max_compats * sizeof(*dt->compats));
	weir_free_(m, dt->regions, dt->max_regions * sizeof(*dt->regions));
	weir_free_(m, dt->listing, dt->max_listing * sizeof(*dt->listing));
	weir_free_(m, dt, sizeof(*dt));
	m->dt = NULL;
	m->root = NULL;
}

/* ---- the console, which /chosen names ---- */

static struct weir_dt_node *find_path(const struct weir_dt *dt, const struct weir_dt_node *from,
				      const char *path, const char *end);

static struct weir_dt_node *find_alias(const struct weir_dt *dt, const char *path, const char *end)
{
	static const char aliases[] = "/aliases";
	struct weir_dt_node *node = find_path(dt, dt->nodes, aliases, aliases + 8);
	const char *slash = path;

	while (slash < end && *slash != '/')
		slash++;
	for (uint32_t i = 0; node && i < node->nr_props; i++) {
		const struct weir_dt_prop *prop = &dt->props[node->first_prop + i];
		const char *value = (const char *)prop->value;

		if (!weir_streq_n_(prop->name, path, (size_t)(slash - path)) || !prop->bytes ||
		    value[prop->bytes - 1])
			continue;
		node = find_path(dt, dt->nodes, value, value + weir_strlen_(value));
		return node ? find_path(dt, node, slash, end) : NULL;
	}
	return NULL;
}

static struct weir_dt_node *find_node(const struct weir_dt *dt, const char *path, const char *end)
{
	if (path < end && *path == '/')
		return find_path(dt, dt->nodes, path, end);
	return find_alias(dt, path, end);
}

static void mark_console(struct weir_dt *dt)
{
	struct weir_dt_node *chosen = find_path(dt, dt->nodes, "/chosen", &"/chosen"[7]);
	const struct weir_dt_prop *prop = NULL;
	const char *path, *end;
	struct weir_dt_node *node;

	if (!chosen)
		chosen = find_path(dt, dt->nodes, "/chosen@0", &"/chosen@0"[9]);
	if (chosen)
		prop = weir_dt_prop_(dt, chosen, "stdout-path");
	if (chosen && !prop)
		prop = weir_dt_prop_(dt, chosen, "linux,stdout-path");
	if (!prop || !prop->bytes || prop->value[prop->bytes - 1])
		return;
	path = (const char *)prop->value;
	for (end = path; *end && *end != ':'; end++)
		;
	node = find_node(dt, path, end);
	if (node)
		node->fw.flags |= WEIR_FWNODE_BEST_EFFORT;
}

/* ---- loading ---- */

static int load(struct weir_machine *m, const void *blob, const struct weir_dt_shape *shape)
{
	struct weir_dt *dt = weir_alloc_(m, sizeof(*dt));
	struct reader r = { .m = m, .dt = dt, .blob = blob };
	int err;

	if (!dt)
		return WEIR_ENOMEM;
	m->dt = dt;
	dt->m = m;
	dt->blob = blob;
	dt->blob_bytes = fdt_totalsize(blob);
	dt->max_nodes = shape->nr_nodes;
	dt->max_props = shape->nr_props;
	dt->nodes = weir_alloc_(m, dt->max_nodes * sizeof(*dt->nodes));
	if (dt->max_props)
		dt->props = weir_alloc_(m, dt->max_props * sizeof(*dt->props));
	if (!dt->nodes || (dt->max_props && !dt->props))
		return WEIR_ENOMEM;
	read_blob(&r);
	err = read_compats(dt);
	if (!err)
		err = make_indices(dt);
	if (!err)
		err = weir_dt_masters_index_(dt);
	if (err)
		return err;
	m->root = &dt->nodes[0].fw;
	mark_console(dt);
	return m->policy->firmware_changed ? m->policy->firmware_changed(m) : 0;
}

static int check(struct weir_machine *m, const void *blob, size_t bytes,
		 struct weir_dt_shape *out_shape)
{
	int err = weir_dt_check_(blob, bytes, out_shape);

	if (err)
		weir_format_(m->firmware_error, sizeof(m->firmware_error),
			     "damaged device tree: %s at byte offset %u (0x%x)", out_shape->what,
			     out_shape->offset, out_shape->offset);
	return err;
}

int weir_firmware_load_dt(struct weir_machine *m, const void *blob, size_t bytes)
{
	struct weir_dt_shape shape;
	int err;

	weir_lock_(m);
	m->firmware_error[0] = '\0';
	err = m->root ? WEIR_EEXIST : check(m, blob, bytes, &shape);
	if (!err) {
		err = load(m, blob, &shape);
		if (err)
			free_tree(m);
	}
	weir_unlock_(m);
	return err;
}

/* ---- look-ups ---- */

const struct weir_dt_prop *weir_dt_prop_(const struct weir_dt *dt, const struct weir_dt_node *node,
					 const char *name)
{
	for (uint32_t i = 0; i < node->nr_props; i++)
		if (weir_streq_(dt->props[node->first_prop + i].name, name))
			return &dt->props[node->first_prop + i];
	return NULL;
}

bool weir_dt_u32_(const struct weir_dt *dt, const struct weir_dt_node *node, const char *name,
		  uint32_t *out_value)
{
	const struct weir_dt_prop *prop = weir_dt_prop_(dt, node, name);

	if (!prop || prop->bytes < 4)
		return false;
	*out_value = weir_be32_(prop->value);
	return true;
}

uint32_t weir_dt_cell_(const struct weir_dt *dt, const uint8_t *value, uint32_t i)
{
	size_t at = (size_t)(value - dt->blob) + 4 * (size_t)i;

	return at + 4 <= dt->blob_bytes ? weir_be32_(dt->blob + at) : 0;
}

struct weir_dt_node *weir_dt_by_phandle_(const struct weir_dt *dt, uint32_t phandle)
{
	uint32_t at = mix(phandle) & dt->by_phandle_mask;

	if (!phandle)
		return NULL;
	for (; dt->by_phandle[at]; at = (at + 1) & dt->by_phandle_mask)
		if (dt->nodes[dt->by_phandle[at] - 1].phandle == phandle)
			return &dt->nodes[dt->by_phandle[at] - 1];
	return NULL;
}

static struct weir_dt_node *find_child(const struct weir_dt *dt, const struct weir_dt_node *parent,
				       const char *name, size_t len)
{
	uint32_t hash = (parent->hash ^ weir_hash_bytes_(name, len)) * 2654435761u;
	uint32_t at = mix(hash) & dt->by_path_mask;

	for (; dt->by_path[at]; at = (at + 1) & dt->by_path_mask) {
		struct weir_dt_node *node = &dt->nodes[dt->by_path[at] - 1];

		if (node->hash == hash && node->fw.parent == &parent->fw &&
		    weir_streq_n_(node->fw.name, name, len))
			return node;
	}
	return NULL;
}

static struct weir_dt_node *find_path(const struct weir_dt *dt, const struct weir_dt_node *from,
				      const char *path, const char *end)
{
	while (from && path < end) {
		const char *name = path + (*path == '/');

		for (path = name; path < end && *path != '/'; path++)
			;
		if (path > name)
			from = find_child(dt, from, name, (size_t)(path - name));
	}
	return (struct weir_dt_node *)(uintptr_t)from;
}

static int dt_find(struct weir_machine *m, const char *path, struct weir_fwnode **out_node)
{
	struct weir_dt_node *node = find_node(m->dt, path, path + weir_strlen_(path));

	if (!node)
		return WEIR_ENOENT;
	*out_node = &node->fw;
	return 0;
}

int weir_fwnode_by_phandle(struct weir_machine *m, uint32_t phandle, struct weir_fwnode **out_node)
{
	struct weir_dt_node *node = m->dt ? weir_dt_by_phandle_(m->dt, phandle) : NULL;

	if (!node)
		return WEIR_ENOENT;
	*out_node = &node->fw;
	return 0;
}

const char *weir_fwnode_property_name(const struct weir_fwnode *fw, unsigned int index)
{
	const struct weir_dt_node *node = weir_dt_node_(fw);

	if (fw->ops != &weir_dt_ops_ || index >= node->nr_props)
		return NULL;
	return fw->m->dt->props[node->first_prop + index].name;
}

static int dt_property(const struct weir_fwnode *fw, const char *name, const void **out_value,
		       size_t *out_bytes)
{
	const struct weir_dt_prop *prop = weir_dt_prop_(fw->m->dt, weir_dt_node_(fw), name);

	if (!prop)
		return WEIR_ENOENT;
	*out_value = prop->value;
	*out_bytes = prop->bytes;
	return 0;
}

bool weir_dt_named_(const struct weir_dt_node *node, const char *name)
{
	const char *own = node->fw.name;

	while (*name && *own == *name) {
		own++;
		name++;
	}
	return !*name && (!*own || *own == '@');
}

struct weir_dt_node *weir_dt_parent_(const struct weir_dt_node *node)
{
	return node->fw.parent ? weir_dt_node_(node->fw.parent) : NULL;
}

const char *weir_dt_path_(const struct weir_dt_node *node, char *buf, size_t bytes)
{
	weir_fwnode_path(&node->fw, buf, bytes);
	return buf;
}

static const char *dt_compatible(const struct weir_fwnode *fw, unsigned int index)
{
	const struct weir_dt_node *node = weir_dt_node_(fw);

	return index < node->nr_compats ? fw->m->dt->compats[node->first_compat + index] : NULL;
}

bool weir_dt_is_compatible_(const struct weir_dt_node *node, const char *compatible)
{
	const char *text;

	for (unsigned int i = 0; (text = dt_compatible(&node->fw, i)); i++)
		if (weir_streq_(text, compatible))
			return true;
	return false;
}

const struct weir_firmware_ops weir_dt_ops_ = {
	.abi = WEIR_ABI(struct weir_firmware_ops),
	.compatible = dt_compatible,
	.parse = weir_dt_parse_,
	.pci_host = weir_dt_pci_host_,
	.pci_child = weir_dt_pci_child_,
	.map_id = weir_dt_map_id_,
	.spec = weir_dt_spec_,
	.reference = weir_dt_reference_,
	.registers = weir_dt_registers_,
	.line = weir_dt_line_,
	.dma_range = weir_dt_dma_range_,
	.dma_coherent = weir_dt_dma_coherent_,
	.iommu_region = weir_dt_iommu_region_,
	.populate = weir_dt_populate_,
	.find = dt_find,
	.property = dt_property,
	.unload = free_tree,
};
