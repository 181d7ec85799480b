// SPDX-License-Identifier: MIT
/*
 * Applying a device tree overlay to a blob before it is loaded. libfdt trusts both:
 * it descends as deep as nodes are nested and patches where the fixups point, so all
 * that is checked first. Format of fixups: dtc,
 * Documentation/dt-object-internal.txt.
 */
#include <libfdt.h>

#include "firmware/dt/dt.h"

/* Each value is a list of offsets of cells in the property of that name. */
static const char *check_local_property(const void *fdt, int node, int at)
{
	const char *name;
	int bytes, there_bytes;
	const uint8_t *offsets = fdt_getprop_by_offset(fdt, at, &name, &bytes);

	if (!offsets || bytes % 4)
		return "a property of __local_fixups__ is no list of offsets";
	if (!fdt_getprop(fdt, node, name, &there_bytes))
		return "__local_fixups__ names a property that is not there";
	for (int i = 0; i < bytes; i += 4) {
		uint32_t offset = weir_be32_(offsets + i);

		if (there_bytes < 4 || offset > (uint32_t)there_bytes - 4)
			return "an offset in __local_fixups__ is past the end of its property";
	}
	return NULL;
}

/* Depth is bounded by weir_dt_check_(). */
static const char *check_local(const void *fdt, int node, int fixups)
{
	const char *what = NULL;
	int at, child;

	fdt_for_each_property_offset(at, fdt, fixups) {
		what = check_local_property(fdt, node, at);
		if (what)
			return what;
	}
	fdt_for_each_subnode(child, fdt, fixups) {
		int there = fdt_subnode_offset(fdt, node, fdt_get_name(fdt, child, NULL));

		what = there < 0 ? "__local_fixups__ names a node that is not there"
				 : check_local(fdt, there, child);
		if (what)
			return what;
	}
	return NULL;
}

/* PATH:PROPERTY:OFFSET, the offset in decimal. Return: the length with its end, or 0. */
static int fixup_bytes(const char *text, int bytes)
{
	int colons = 0, digits = 0, i;

	for (i = 0; i < bytes && text[i]; i++) {
		if (text[i] == ':' && colons < 2)
			colons++;
		else if (colons == 2 && (text[i] < '0' || text[i] > '9'))
			return 0;
		else if (colons == 2)
			digits++;
	}
	return i < bytes && digits >= 1 && digits <= 8 ? i + 1 : 0;
}

static const char *check_fixups(const void *fdt, int fixups)
{
	int at;

	fdt_for_each_property_offset(at, fdt, fixups) {
		int bytes = 0;
		const char *text = fdt_getprop_by_offset(fdt, at, NULL, &bytes);

		while (text && bytes > 0) {
			int n = fixup_bytes(text, bytes);

			if (!n)
				return "an entry of __fixups__ is not PATH:PROPERTY:OFFSET";
			text += n;
			bytes -= n;
		}
	}
	return NULL;
}

/* Return: what is wrong, or NULL. */
static const char *check(const void *blob, size_t bytes, const void *overlay, size_t overlay_bytes)
{
	const char *what = NULL;
	struct weir_dt_shape shape;
	int node;

	if (weir_dt_check_(blob, bytes, &shape) || weir_dt_check_(overlay, overlay_bytes, &shape))
		return shape.what;
	node = fdt_subnode_offset(overlay, 0, "__local_fixups__");
	if (node >= 0)
		what = check_local(overlay, 0, node);
	node = fdt_subnode_offset(overlay, 0, "__fixups__");
	if (!what && node >= 0)
		what = check_fixups(overlay, node);
	return what;
}

int weir_dt_overlay_apply(void *blob, size_t bytes, void *overlay, size_t overlay_bytes,
			  const char **out_what)
{
	const char *what = check(blob, bytes, overlay, overlay_bytes);
	int r;

	*out_what = what ? what : "";
	if (what)
		return WEIR_EBADMSG;
	if (bytes > INT32_MAX)
		bytes = INT32_MAX;
	r = fdt_open_into(blob, blob, (int)bytes);
	if (!r)
		r = fdt_overlay_apply(blob, overlay);
	if (!r)
		return 0;
	*out_what = fdt_strerror(r);
	return r == -FDT_ERR_NOSPACE ? WEIR_ENOSPC : WEIR_EBADMSG;
}
