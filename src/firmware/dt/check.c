// SPDX-License-Identifier: MIT
/*
 * Whether bytes are a flattened device tree (Devicetree Specification 0.4, chapter
 * 5), token by token, before anything else looks at them. libfdt checks offsets
 * against the blob, but not all versions of it see a length that wraps around, and
 * what changes a tree trusts it. Stateless.
 */
#include <libfdt.h>

#include "firmware/dt/dt.h"
#include "weir/firmware.h"

struct walk {
	const uint8_t *blob;
	uint32_t start, bytes; /* of the structure block */
	uint32_t depth;
	bool has_child[WEIR_DT_MAX_DEPTH + 1]; /* the node at this depth, so far */
	struct weir_dt_shape *shape;
};

static int damaged(struct weir_dt_shape *shape, uint32_t offset, const char *what)
{
	shape->what = what;
	shape->offset = offset;
	return WEIR_EBADMSG;
}

static int check_header(const void *blob, size_t bytes, struct weir_dt_shape *shape)
{
	int r;

	if (bytes < FDT_V1_SIZE)
		return damaged(shape, (uint32_t)bytes, "file ends inside the header");
	if (fdt_magic(blob) != FDT_MAGIC)
		return damaged(shape, 0, "wrong magic, this is no device tree blob");
	if (fdt_totalsize(blob) > INT32_MAX)
		return damaged(shape, 4, "larger than 2 GiB");
	if (fdt_totalsize(blob) > bytes)
		return damaged(shape, (uint32_t)bytes, "file is shorter than its header says");
	if (fdt_version(blob) < 16)
		return damaged(shape, 20, "format older than version 16");
	r = fdt_check_header(blob);
	if (r)
		return damaged(shape, 0, fdt_strerror(r));
	if (fdt_off_dt_struct(blob) % 4 || fdt_off_dt_struct(blob) >= fdt_totalsize(blob))
		return damaged(shape, 8, "offset of the structure block");
	if (fdt_num_mem_rsv(blob) < 0)
		return damaged(shape, fdt_off_mem_rsvmap(blob), "memory reservations without end");
	return 0;
}

static int check_prop(const struct walk *w, uint32_t offset, uint32_t next)
{
	uint32_t at = w->start + offset;
	const char *name;

	if (!w->depth)
		return damaged(w->shape, at, "property outside a node");
	if (w->has_child[w->depth])
		return damaged(w->shape, at, "property behind a child node");
	/* token, length and name come before the value */
	if (next - offset < 12 || weir_be32_(w->blob + at + 4) > next - offset - 12)
		return damaged(w->shape, at, "length of a property");
	if (!fdt_getprop_by_offset(w->blob, (int)offset, &name, NULL))
		return damaged(w->shape, at, "property");
	w->shape->nr_props++;
	return 0;
}

static int begin_node(struct walk *w, uint32_t offset)
{
	uint32_t at = w->start + offset;

	if (!fdt_get_name(w->blob, (int)offset, NULL))
		return damaged(w->shape, at, "node name");
	if (w->depth == WEIR_DT_MAX_DEPTH)
		return damaged(w->shape, at, "nodes nested too deeply");
	if (!w->depth && w->shape->nr_nodes)
		return damaged(w->shape, at, "second root node");
	w->shape->nr_nodes++;
	w->has_child[w->depth++] = true;
	w->has_child[w->depth] = false;
	return 0;
}

/* Return: 1 at the end; 0 when there is more; WEIR_EBADMSG. */
static int check_token(struct walk *w, uint32_t offset, uint32_t *out_next)
{
	uint32_t at = w->start + offset;
	int next, tag = (int)fdt_next_tag(w->blob, (int)offset, &next);

	if (next <= (int)offset || (uint32_t)next > w->bytes)
		return damaged(w->shape, at, "structure block ends, or is cut short");
	*out_next = (uint32_t)next;
	switch (tag) {
	case FDT_BEGIN_NODE:
		return begin_node(w, offset);
	case FDT_END_NODE:
		return w->depth-- ? 0 : damaged(w->shape, at, "unmatched end");
	case FDT_PROP:
		return check_prop(w, offset, *out_next);
	case FDT_NOP:
		return 0;
	case FDT_END:
		return !w->depth && w->shape->nr_nodes ? 1 : damaged(w->shape, at,
								     "end inside a node");
	default:
		return damaged(w->shape, at, "unknown token");
	}
}

int weir_dt_check_(const void *blob, size_t bytes, struct weir_dt_shape *out_shape)
{
	struct walk w = { .blob = blob, .shape = out_shape };
	uint32_t offset = 0, next = 0;
	int r;

	*out_shape = (struct weir_dt_shape){ .what = "" };
	r = check_header(blob, bytes, out_shape);
	if (r)
		return r;
	w.start = fdt_off_dt_struct(blob);
	w.bytes = fdt_version(blob) >= 17 ? fdt_size_dt_struct(blob)
					  : fdt_totalsize(blob) - w.start;
	for (; !(r = check_token(&w, offset, &next)); offset = next)
		;
	return r < 0 ? r : 0;
}

int weir_dt_check(const void *blob, size_t bytes)
{
	struct weir_dt_shape shape;

	return weir_dt_check_(blob, bytes, &shape);
}
