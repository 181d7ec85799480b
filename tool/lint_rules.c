// SPDX-License-Identifier: MIT
/* The rules of `weir lint` as data, and the list that findings come to. */
#include "lint.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct lint_rule rules[LINT_RULES] = {
	[LINT_DANGLING_PHANDLE] = {
		"dangling-phandle", LINT_ERROR, "a phandle names no node",
		"Linux reads the list up to here; the driver's own lookup fails, and with it "
		"most often its probe", "name a node that exists, or take the entry out",
	},
	[LINT_MISSING_CELLS] = {
		"missing-cells", LINT_ERROR, "a provider does not say how many cells its consumers give",
		"the lookup fails (\"could not get #...-cells\"), and with it the consumer's probe",
		"add the property to the provider, as its binding says",
	},
	[LINT_WRONG_CELLS] = {
		"wrong-cells", LINT_ERROR, "a list ends inside an entry",
		"the last entry cannot be read; the entries before it may have been cut wrongly too",
		"give each entry as many cells as its provider's #...-cells says",
	},
	[LINT_PROPERTY_SIZE] = {
		"property-size", LINT_ERROR, "a list of cells has a size that is no multiple of 4",
		"the bytes behind the last cell are passed over", "write cells as <...>",
	},
	[LINT_UNKNOWN_STATUS] = {
		"unknown-status", LINT_WARNING, "a status that no specification has",
		"the node counts as disabled: it never becomes a device",
		"\"okay\", \"disabled\", \"reserved\", \"fail\" or \"fail-...\"",
	},
	[LINT_DANGLING_PATH] = {
		"dangling-path", LINT_WARNING, "an alias or stdout-path leads to no node",
		"there is no such console or number", "name a node that exists",
	},
	[LINT_SUPPLIER_DISABLED] = {
		"supplier-disabled", LINT_WARNING, "a supplier is disabled",
		"Linux makes no link to it; the driver's own lookup defers until the timeout, or "
		"fails, unless the driver can do without", "enable the supplier, or take the entry out",
	},
	[LINT_SUPPLIER_NEVER_COMES] = {
		"supplier-never-comes", LINT_ERROR, "a supplier can never become a device",
		NULL, NULL,
	},
	[LINT_CYCLE] = {
		"cycle", LINT_NOTE, "devices need each other",
		"Linux gives up on all edges of the cycle and probes in any order; Weir gives up "
		"on this one", NULL,
	},
	[LINT_IOMMU_DISABLED] = {
		"iommu-disabled", LINT_WARNING, "a master's IOMMU is disabled",
		"Linux lets its DMA pass untranslated; under Weir's rule \"mandatory\" it has to be "
		"declared optional", "enable the IOMMU, or delete the property",
	},
	[LINT_IOMMU_MAP_EMPTY] = {
		"iommu-map-empty", LINT_WARNING, "an entry of an id map has the length 0",
		"it maps nothing, unless the boot loader fills it in (Layerscape's does)",
		"give the number of ids",
	},
	[LINT_IOMMU_MAP_OVERLAP] = {
		"iommu-map-overlap", LINT_WARNING, "entries of an id map overlap",
		"the first entry that fits counts, the other does not for these ids",
		"make the ranges disjoint",
	},
	[LINT_IOMMU_MAP_DAMAGED] = {
		"iommu-map-damaged", LINT_ERROR, "an id map is no list of whole entries",
		"Linux refuses all of it: PCI devices probe untranslated",
		"entries of four cells: first requester id, IOMMU, first id there, how many",
	},
	[LINT_DUPLICATE_STREAM] = {
		"duplicate-stream", LINT_NOTE, "two masters have the same id at an IOMMU",
		"they cannot be told apart: they share a group, and see each other's mappings",
		"right if the hardware is so; otherwise correct one of them",
	},
	[LINT_NO_IOMMU_UNLIKE_SIBLINGS] = {
		"no-iommu-unlike-siblings", LINT_WARNING,
		"a bus master without IOMMU, where others of its kind have one",
		"its DMA is not translated: it can reach all memory, and fails where it relied on "
		"the IOMMU for high addresses", "add iommus, if the hardware has it behind one",
	},
	[LINT_NO_DRIVER] = {
		"no-driver", LINT_WARNING, "this kernel has no driver for a device", NULL, NULL,
	},
	[LINT_IOMMU_MODULE] = {
		"iommu-module", LINT_WARNING, "an IOMMU's driver is a module, and links are not strict",
		"with fw_devlink.strict=0 Linux does not hold masters back for their IOMMU: one "
		"that is probed before the module comes does DMA untranslated, for good",
		"build the driver in, load it before the masters' drivers, or boot with "
		"fw_devlink.strict=1",
	},
	[LINT_BROKEN_TREE] = {
		"broken-tree", LINT_WARNING, "a property that means something else than it says",
		"Linux reads words of the blob that were not meant", "see the device tree specification",
	},
};

const struct lint_rule *lint_rule(enum lint_rule_id id)
{
	return &rules[id];
}

const char *lint_severity_name(enum lint_severity severity)
{
	static const char *const names[] = { "note", "warning", "error" };

	return names[severity];
}

bool lint_is_off(const struct opts *o, enum lint_rule_id id)
{
	for (size_t i = 0; i < o->without.n; i++)
		if (!strcmp(o->without.item[i], rules[id].id))
			return true;
	return false;
}

int lint_rules_check(const struct opts *o)
{
	for (size_t i = 0; i < o->without.n; i++) {
		size_t id = 0;

		while (id < LINT_RULES && strcmp(o->without.item[i], rules[id].id))
			id++;
		if (id == LINT_RULES)
			return complain("--without %s: no such rule; weir lint --rules names them",
					o->without.item[i]);
	}
	return 0;
}

/* ---- findings ---- */

char *lint_text(const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	return text;
}

const char *lint_path(const struct weir_fwnode *node, struct lint_path *buf)
{
	return path_words(node, buf->text, sizeof(buf->text));
}

static bool make_room(struct lint *l)
{
	size_t room = l->room ? 2 * l->room : 16;
	struct lint_finding *more;

	if (l->n < l->room)
		return true;
	more = realloc(l->items, room * sizeof(*more));
	if (!more)
		return false;
	l->items = more;
	l->room = room;
	return true;
}

static char *or_rule(char *own, const char *of_rule)
{
	return own ? own : strdup(of_rule ? of_rule : "");
}

static void finding_free(struct lint_finding *f)
{
	free(f->path);
	free(f->property);
	free(f->what);
	free(f->effect);
	free(f->fix);
}

void lint_add(struct lint *l, enum lint_rule_id rule, const struct weir_fwnode *node, char *what,
	      const struct lint_words *words)
{
	const struct lint_rule *def = &rules[rule];
	struct lint_path path;
	struct lint_finding f = {
		.rule = rule, .severity = words && words->note ? LINT_NOTE : def->severity,
		.what = what, .seq = l->n,
		.path = strdup(node ? lint_path(node, &path) : "/"),
		.property = words && words->property ? strdup(words->property) : NULL,
		.effect = or_rule(words ? words->effect : NULL, def->effect),
		.fix = or_rule(words ? words->fix : NULL, def->fix),
	};

	if (lint_is_off(l->o, rule) || (int)f.severity < l->o->severity) {
		finding_free(&f);
		return;
	}
	if (!f.path || !f.what || !f.effect || !f.fix || !make_room(l)) {
		finding_free(&f);
		l->failed = true;
		return;
	}
	l->items[l->n++] = f;
}

void lint_free(struct lint *l)
{
	for (size_t i = 0; i < l->n; i++)
		finding_free(&l->items[i]);
	free(l->items);
	l->items = NULL;
	l->n = l->room = 0;
}

/* ---- nodes and cells ---- */

uint32_t lint_cell(const void *value, size_t i)
{
	const uint8_t *p = (const uint8_t *)value + 4 * i;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* A label of a node, where the tree was compiled with them. */
static const char *label_of(const struct run *r, const char *path)
{
	struct weir_fwnode *symbols;
	const char *label;
	const void *value;
	size_t bytes;

	if (weir_fwnode_find(r->m, "/__symbols__", &symbols))
		return NULL;
	for (unsigned int i = 0; (label = weir_fwnode_property_name(symbols, i)); i++)
		if (!weir_fwnode_property(symbols, label, &value, &bytes) &&
		    bytes == strlen(path) + 1 && !memcmp(value, path, bytes))
			return label;
	return NULL;
}

char *lint_reference(const struct run *r, const struct weir_fwnode *node)
{
	struct lint_path path;
	const char *label = label_of(r, lint_path(node, &path));

	return label ? lint_text("&%s", label) : lint_text("&{%s}", path.text);
}
