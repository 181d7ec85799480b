// SPDX-License-Identifier: MIT
/* Rules of `weir lint` on a bring-up of the board: what waits for ever, and what was given up. */
#include <stdlib.h>
#include <string.h>

#include "lint.h"

/* ---- cycles ---- */

/* A supplier that the consumer makes itself: a part of the same device. */
static bool is_own_part(const struct weir_fwnode *con, const struct weir_fwnode *sup)
{
	while (sup && sup != con && !weir_fwnode_compatible(sup, 0))
		sup = weir_fwnode_parent(sup);
	return sup == con;
}

static void check_cycles(struct lint *l)
{
	const struct run *r = l->r;

	for (size_t i = 0; i < r->record.n; i++) {
		const struct record_event *e = &r->record.events[i];
		char *reference;

		if (e->type != WEIR_EVENT_CYCLE || !e->node || !e->other_node ||
		    is_own_part(e->node, e->other_node))
			continue;
		reference = lint_reference(r, e->other_node);
		if (!reference) {
			l->failed = true;
			return;
		}
		struct lint_path path;
		const struct lint_words words = {
			.property = e->text,
			.fix = lint_text("if the driver can start without it, say so in this node: "
					 "post-init-providers = <%s>;", reference),
		};

		lint_add(l, LINT_CYCLE, e->node,
			 lint_text("needs %s (%s), which needs it in turn",
				   lint_path(e->other_node, &path), e->text ? e->text : "?"),
			 &words);
		free(reference);
	}
}

/* ---- root causes ---- */

static const struct weir_fwnode *node_of(const struct weir_device *dev)
{
	return dev ? weir_device_fwnode(dev) : NULL;
}

static char *names(struct weir_device **list, size_t n)
{
	struct lint_path path;
	const struct weir_fwnode *node = node_of(list[0]);

	if (n == 1)
		return lint_text("%s waits for it, for ever",
				 node ? lint_path(node, &path) : weir_device_name(list[0]));
	return lint_text("%zu devices wait for it, for ever; the first is %s", n,
			 node ? lint_path(node, &path) : weir_device_name(list[0]));
}

static void check_cause(struct lint *l, const struct cause *c)
{
	bool no_driver = c->kind == CAUSE_NO_DRIVER;
	char what[600], fix[400];

	if (!c->nr_waiting || (!no_driver && c->kind != CAUSE_NODE))
		return;
	cause_what(l->r, c, what, sizeof(what));
	cause_fix(l->r, c, fix, sizeof(fix));
	const struct lint_words words = {
		.property = c->root.property,
		.effect = names(c->waiting, c->nr_waiting),
		.fix = strdup(fix),
	};

	if (no_driver)
		lint_add(l, LINT_NO_DRIVER, node_of(c->root.device), strdup(what), &words);
	else
		lint_add(l, LINT_SUPPLIER_NEVER_COMES, node_of(c->waiting[0]), strdup(what), &words);
}

/* One that nobody waits for is missing all the same; that is often meant so. */
static void check_idle(struct lint *l, struct weir_device *dev)
{
	struct cause c = { .kind = CAUSE_NO_DRIVER };
	char what[600], fix[400];
	struct weir_why why;

	if (weir_device_verdict(dev, &why) == WEIR_VERDICT_LOADABLE)
		return;
	c.root = why;
	c.root.device = dev;
	cause_what(l->r, &c, what, sizeof(what));
	cause_fix(l->r, &c, fix, sizeof(fix));
	const struct lint_words words = {
		.note = true,
		.effect = strdup("it stays without driver; nobody waits for it"),
		.fix = strdup(fix),
	};

	lint_add(l, LINT_NO_DRIVER, node_of(dev), strdup(what), &words);
}

/* ---- IOMMUs whose driver is a module ---- */

static const struct weir_driver_spec *driver_of(const struct weir_driver_list *list,
						const struct weir_fwnode *node)
{
	const char *compatible;

	for (unsigned int i = 0; (compatible = weir_fwnode_compatible(node, i)); i++)
		for (size_t j = 0; j < list->driver_count; j++)
			for (size_t k = 0; k < list->drivers[j].compat_count; k++)
				if (!strcmp(list->drivers[j].compats[k].name, compatible))
					return &list->drivers[j];
	return NULL;
}

/* How many masters name an IOMMU, itself known by its node. */
static size_t masters_of(struct lint *l, const struct weir_fwnode *iommu)
{
	struct weir_fwnode *node;
	struct weir_fwspec spec;
	size_t n = 0;

	for (node = weir_fwnode_root(l->r->m); node; node = weir_fwnode_next(node)) {
		bool found = false;

		if (!weir_fwnode_available(node))
			continue;
		for (unsigned int i = 0; !found && !weir_firmware_spec(node, i, &spec); i++)
			found = spec.target == iommu;
		n += found;
	}
	return n;
}

static void check_iommu(struct lint *l, const struct weir_fwnode *node)
{
	const struct weir_driver_spec *driver = driver_of(l->r->list, node);
	size_t n;

	if (!driver || driver->when != WEIR_WHEN_MODULE)
		return;
	n = masters_of(l, node);
	if (n)
		lint_add(l, LINT_IOMMU_MODULE, node,
			 lint_text("its driver is the module %s; %zu master%s behind it",
				   driver->name, n, n == 1 ? " is" : "s are"), NULL);
}

static void check_iommus(struct lint *l)
{
	struct weir_fwnode *node;
	const void *value;

	if (!l->r->kernel || l->r->o->linux_args.fw_devlink_strict)
		return;
	for (node = weir_fwnode_root(l->r->m); node; node = weir_fwnode_next(node))
		if (weir_fwnode_available(node) &&
		    !weir_fwnode_property(node, "#iommu-cells", &value, NULL))
			check_iommu(l, node);
}

/* ---- what the library said of the tree ---- */

static void check_said(struct lint *l)
{
	static const char prefix[] = "broken tree: ";

	for (size_t i = 0; i < l->r->nr_findings; i++) {
		const char *text = l->r->findings[i];
		const char *what;
		struct weir_fwnode *node;
		char path[512];

		if (strncmp(text, prefix, strlen(prefix)))
			continue;
		text += strlen(prefix);
		what = strstr(text, ": ");
		if (!what || (size_t)(what - text) >= sizeof(path))
			continue;
		snprintf(path, sizeof(path), "%.*s", (int)(what - text), text);
		if (weir_fwnode_find(l->r->m, path, &node))
			node = NULL;
		lint_add(l, LINT_BROKEN_TREE, node, strdup(what + 2), NULL);
	}
}

void lint_boot(struct lint *l, const struct causes *c)
{
	check_cycles(l);
	for (size_t i = 0; i < c->n; i++)
		check_cause(l, &c->items[i]);
	for (size_t i = 0; i < c->nr_idle; i++)
		check_idle(l, c->idle[i]);
	check_iommus(l);
	check_said(l);
}
