// SPDX-License-Identifier: MIT
/*
 * Rules of `weir lint` on the tree itself: what properties refer to, and whether that is
 * there. Disabled nodes are not looked at: nothing reads them.
 */
#include <stdlib.h>
#include <string.h>

#include "firmware/dt/dt.h"
#include "lint.h"

/* A list being read. */
struct list_at {
	struct lint *l;
	const struct weir_fwnode *node;
	const char *property, *count; /* count: NULL: plain phandles */
	const uint8_t *value;
	size_t cells, at;
	unsigned int index;           /* of the entry */
};

static bool is_off(const struct weir_fwnode *node)
{
	for (; node; node = weir_fwnode_parent(node))
		if (!weir_fwnode_available(node))
			return true;
	return false;
}

static void dangling(const struct list_at *a, uint32_t phandle)
{
	const struct lint_words words = { .property = a->property };

	lint_add(a->l, LINT_DANGLING_PHANDLE, a->node,
		 lint_text("entry %u of %s names phandle 0x%x, which no node has", a->index,
			   a->property, phandle), &words);
}

static void missing_cells(const struct list_at *a, const struct weir_fwnode *sup)
{
	const struct lint_words words = {
		.property = a->property,
		.fix = lint_text("add %s to the provider, as its binding says", a->count),
	};
	struct lint_path path;

	lint_add(a->l, LINT_MISSING_CELLS, a->node,
		 lint_text("entry %u of %s names %s, which has no %s", a->index, a->property,
			   lint_path(sup, &path), a->count), &words);
}

static void wrong_cells(const struct list_at *a, const struct weir_fwnode *sup, uint32_t nr,
			size_t left)
{
	const struct lint_words words = { .property = a->property };
	struct lint_path path;

	lint_add(a->l, LINT_WRONG_CELLS, a->node,
		 lint_text("entry %u of %s needs %u cells, as %s of %s says; %zu are left",
			   a->index, a->property, nr, a->count, lint_path(sup, &path), left),
		 &words);
}

/* Endpoints of a graph are left open on purpose: the other side is optional. */
static void check_supplier(const struct list_at *a, const struct weir_fwnode *sup)
{
	const struct lint_words words = { .property = a->property };
	struct lint_path path;

	if (!is_off(sup) || !strcmp(a->property, "remote-endpoint") ||
	    !strcmp(a->property, "iommus") || !strcmp(a->property, "post-init-providers"))
		return;
	lint_add(a->l, LINT_SUPPLIER_DISABLED, a->node,
		 lint_text("entry %u of %s names %s, which is disabled", a->index, a->property,
			   lint_path(sup, &path)), &words);
}

/* Providers that need not say: then it is 0. */
static bool may_be_missing(const char *count)
{
	return !strcmp(count, "#nvmem-cell-cells") || !strcmp(count, "#msi-cells");
}

/* Return: how many cells the entry has besides the phandle; negative: it cannot be read. */
static int read_entry(const struct list_at *a, const struct weir_fwnode *sup)
{
	size_t left = a->cells - a->at - 1;
	const void *value;
	size_t bytes;
	uint32_t nr;

	if (!a->count)
		return 0;
	if (weir_fwnode_property(sup, a->count, &value, &bytes) || bytes < 4) {
		if (may_be_missing(a->count))
			return 0;
		missing_cells(a, sup);
		return -1;
	}
	nr = lint_cell(value, 0);
	if (nr > left) {
		wrong_cells(a, sup, nr, left);
		return -1;
	}
	return (int)nr;
}

static void check_list(struct list_at *a)
{
	while (a->at < a->cells) {
		uint32_t phandle = lint_cell(a->value, a->at);
		struct weir_fwnode *sup;
		int nr = 0;

		if (phandle && weir_fwnode_by_phandle(a->l->r->m, phandle, &sup)) {
			dangling(a, phandle);
			if (a->count) /* how long the entry is only that node could say */
				return;
		} else if (phandle) {
			nr = read_entry(a, sup);
			check_supplier(a, sup);
		}
		if (nr < 0)
			return;
		a->at += 1 + (size_t)nr;
		a->index++;
	}
}

static bool is_reference(const char *property, const char **out_count)
{
	*out_count = NULL;
	if (!strcmp(property, "interrupts-extended")) {
		*out_count = "#interrupt-cells";
		return true;
	}
	if (!strcmp(property, "interrupt-parent") || !strcmp(property, "memory-region"))
		return true;
	return weir_dt_ref_of_(property, out_count) != WEIR_DT_REF_NONE;
}

/*
 * Names that bindings gave to other things: numbers of a GPIO instead of a list, and names
 * of properties in nodes that are no devices.
 */
static bool is_other(const struct weir_fwnode *node, const char *property)
{
	const char *name = weir_fwnode_name(node);
	const void *value;
	size_t bytes;

	if (!strcmp(name, "aliases") || !strcmp(name, "__symbols__") ||
	    !strcmp(name, "__fixups__") || !strcmp(name, "__local_fixups__"))
		return true;
	/* a hog's gpios are numbers at its parent */
	return (!strcmp(property, "gpios") || !strcmp(property, "gpio")) &&
	       !weir_fwnode_property(node, "gpio-hog", &value, &bytes);
}

static void check_property(struct lint *l, const struct weir_fwnode *node, const char *property)
{
	struct list_at a = { .l = l, .node = node, .property = property };
	const struct lint_words words = { .property = property };
	const void *value;
	size_t bytes;

	if (is_other(node, property) || !is_reference(property, &a.count) ||
	    weir_fwnode_property(node, property, &value, &bytes))
		return;
	if (bytes % 4)
		lint_add(l, LINT_PROPERTY_SIZE, node,
			 lint_text("%s has %zu bytes", property, bytes), &words);
	a.value = value;
	a.cells = bytes / 4;
	check_list(&a);
}

/* Devicetree Specification 0.4, 2.3.4. */
static void check_status(struct lint *l, const struct weir_fwnode *node)
{
	static const char *const known[] = { "okay", "ok", "disabled", "reserved", "fail" };
	const struct lint_words words = { .property = "status" };
	const char *text;
	const void *value;
	size_t bytes;

	if (weir_fwnode_property(node, "status", &value, &bytes))
		return;
	text = value;
	if (!bytes || text[bytes - 1]) {
		lint_add(l, LINT_UNKNOWN_STATUS, node, lint_text("status is no string"), &words);
		return;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(text, known[i]))
			return;
	if (strncmp(text, "fail-", 5))
		lint_add(l, LINT_UNKNOWN_STATUS, node, lint_text("status is \"%.80s\"", text),
			 &words);
}

/* A path, or an alias and what is below it, up to the options behind a colon. */
static void check_path(struct lint *l, const struct weir_fwnode *node, const char *property)
{
	const struct lint_words words = { .property = property };
	struct weir_fwnode *found;
	char path[512];
	const void *value;
	size_t bytes;

	if (weir_fwnode_property(node, property, &value, &bytes) || !bytes ||
	    bytes > sizeof(path) || ((const char *)value)[bytes - 1])
		return;
	snprintf(path, sizeof(path), "%s", (const char *)value);
	path[strcspn(path, ":")] = '\0';
	if (weir_fwnode_find(l->r->m, path, &found))
		lint_add(l, LINT_DANGLING_PATH, node,
			 lint_text("%s is \"%s\", which no node is", property, path), &words);
}

static void check_paths(struct lint *l)
{
	struct weir_fwnode *node;
	const char *property;

	if (!weir_fwnode_find(l->r->m, "/chosen", &node))
		check_path(l, node, "stdout-path");
	if (weir_fwnode_find(l->r->m, "/aliases", &node))
		return;
	for (unsigned int i = 0; (property = weir_fwnode_property_name(node, i)); i++)
		if (strcmp(property, "name") && strcmp(property, "phandle"))
			check_path(l, node, property);
}

void lint_tree(struct lint *l)
{
	struct weir_fwnode *node;
	const char *property;

	check_paths(l);
	for (node = weir_fwnode_root(l->r->m); node; node = weir_fwnode_next(node)) {
		check_status(l, node);
		if (is_off(node))
			continue;
		for (unsigned int i = 0; (property = weir_fwnode_property_name(node, i)); i++)
			check_property(l, node, property);
	}
}
