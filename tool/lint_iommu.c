// SPDX-License-Identifier: MIT
/*
 * Rules of `weir lint` on IOMMUs: what masters and host bridges say of theirs, compared with
 * what is there and with other masters.
 */
#include <stdlib.h>
#include <string.h>

#include "lint.h"

static bool is_off(const struct weir_fwnode *node)
{
	for (; node; node = weir_fwnode_parent(node))
		if (!weir_fwnode_available(node))
			return true;
	return false;
}

/* ---- iommus ---- */

/* A master's entry at an IOMMU. */
struct stream {
	struct weir_fwnode *node;
	struct weir_fwspec spec;
};

struct streams {
	struct stream *items;
	size_t n, room;
};

static bool keep(struct streams *s, struct weir_fwnode *node, const struct weir_fwspec *spec)
{
	if (s->n == s->room) {
		size_t room = s->room ? 2 * s->room : 64;
		struct stream *more = realloc(s->items, room * sizeof(*more));

		if (!more)
			return false;
		s->items = more;
		s->room = room;
	}
	s->items[s->n++] = (struct stream){ node, *spec };
	return true;
}

static void iommu_disabled(struct lint *l, const struct weir_fwnode *node, const char *property,
			   const struct weir_fwnode *iommu)
{
	const struct lint_words words = { .property = property };
	struct lint_path path;

	lint_add(l, LINT_IOMMU_DISABLED, node,
		 lint_text("%s names %s, which is disabled", property, lint_path(iommu, &path)),
		 &words);
}

static void check_master(struct lint *l, struct weir_fwnode *node, struct streams *streams)
{
	struct weir_fwspec spec;

	for (unsigned int i = 0; !weir_firmware_spec(node, i, &spec); i++) {
		if (is_off(spec.target))
			iommu_disabled(l, node, "iommus", spec.target);
		else if (!keep(streams, node, &spec))
			l->failed = true;
	}
}

static int by_id(const void *a, const void *b)
{
	const struct weir_fwspec *x = &((const struct stream *)a)->spec;
	const struct weir_fwspec *y = &((const struct stream *)b)->spec;
	uint32_t n = x->nr_cells < y->nr_cells ? x->nr_cells : y->nr_cells;

	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	for (uint32_t i = 0; i < n; i++)
		if (x->cells[i] != y->cells[i])
			return x->cells[i] < y->cells[i] ? -1 : 1;
	if (x->nr_cells != y->nr_cells)
		return x->nr_cells < y->nr_cells ? -1 : 1;
	return ((const struct stream *)a)->node < ((const struct stream *)b)->node ? -1 : 1;
}

static bool same_id(const struct weir_fwspec *x, const struct weir_fwspec *y)
{
	return x->target == y->target && x->nr_cells == y->nr_cells &&
	       !memcmp(x->cells, y->cells, x->nr_cells * sizeof(*x->cells));
}

/* Without cells all masters are behind the IOMMU as one: that is said by its binding. */
static void check_duplicates(struct lint *l, struct streams *s)
{
	struct lint_path path, other;

	if (s->n)
		qsort(s->items, s->n, sizeof(*s->items), by_id);
	for (size_t i = 1; i < s->n; i++) {
		const struct stream *a = &s->items[i - 1], *b = &s->items[i];
		const struct lint_words words = { .property = "iommus" };

		if (!b->spec.nr_cells || !same_id(&a->spec, &b->spec))
			continue;
		if (a->node == b->node)
			lint_add(l, LINT_DUPLICATE_STREAM, b->node,
				 lint_text("iommus has 0x%x at %s twice", b->spec.cells[0],
					   lint_path(b->spec.target, &path)), &words);
		else
			lint_add(l, LINT_DUPLICATE_STREAM, b->node,
				 lint_text("iommus has 0x%x at %s, which %s has too",
					   b->spec.cells[0], lint_path(b->spec.target, &path),
					   lint_path(a->node, &other)), &words);
	}
}

/* ---- id maps of host bridges ---- */

struct id_range {
	uint32_t first, n, index;
};

static int by_first(const void *a, const void *b)
{
	const struct id_range *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

static void check_overlaps(struct lint *l, const struct weir_fwnode *node, const char *property,
			   struct id_range *ranges, size_t n)
{
	const struct lint_words words = { .property = property };
	const struct id_range *widest = ranges;

	if (n)
		qsort(ranges, n, sizeof(*ranges), by_first);
	for (size_t i = 1; i < n; i++) {
		const struct id_range *b = &ranges[i];

		if (b->first - widest->first < widest->n)
			lint_add(l, LINT_IOMMU_MAP_OVERLAP, node,
				 lint_text("entries %u and %u of %s both have requester 0x%x",
					   widest->index, b->index, property, b->first), &words);
		if (b->first + (uint64_t)b->n > widest->first + (uint64_t)widest->n)
			widest = b;
	}
}

static void check_map_entry(struct lint *l, const struct weir_fwnode *node, const char *property,
			    const uint32_t entry[4], uint32_t index)
{
	const struct lint_words words = { .property = property };
	struct weir_fwnode *target;

	if (weir_fwnode_by_phandle(l->r->m, entry[1], &target)) {
		lint_add(l, LINT_DANGLING_PHANDLE, node,
			 lint_text("entry %u of %s names phandle 0x%x, which no node has", index,
				   property, entry[1]), &words);
		return;
	}
	if (is_off(target) && !strcmp(property, "iommu-map"))
		iommu_disabled(l, node, property, target);
	if (!entry[3])
		lint_add(l, LINT_IOMMU_MAP_EMPTY, node,
			 lint_text("entry %u of %s, from requester 0x%x on, has the length 0",
				   index, property, entry[0]), &words);
}

static void check_map(struct lint *l, const struct weir_fwnode *node, const char *property)
{
	const struct lint_words words = { .property = property };
	struct id_range *ranges;
	const void *value;
	size_t bytes, n, kept = 0;

	if (weir_fwnode_property(node, property, &value, &bytes))
		return;
	n = bytes / 16;
	if (bytes % 16 || !n)
		lint_add(l, LINT_IOMMU_MAP_DAMAGED, node,
			 lint_text("%s has %zu bytes, an entry has 16", property, bytes), &words);
	ranges = calloc(n + 1, sizeof(*ranges));
	if (!ranges) {
		l->failed = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		uint32_t entry[4];

		for (size_t j = 0; j < 4; j++)
			entry[j] = lint_cell(value, 4 * i + j);
		check_map_entry(l, node, property, entry, (uint32_t)i);
		if (entry[3])
			ranges[kept++] = (struct id_range){ entry[0], entry[3], (uint32_t)i };
	}
	check_overlaps(l, node, property, ranges, kept);
	free(ranges);
}

/* ---- masters that differ from others of their kind ---- */

/* What a kind is: the first compatible string, the most exact one. */
struct kind {
	const char *name;
	struct weir_fwnode *with; /* one that has an IOMMU */
	size_t nr_with;
};

static bool has_property(const struct weir_fwnode *node, const char *name)
{
	const void *value;
	size_t bytes;

	return !weir_fwnode_property(node, name, &value, &bytes);
}

static bool is_behind(const struct weir_fwnode *node)
{
	return has_property(node, "iommus") || has_property(node, "iommu-map");
}

/* One compatible string for blocks that are bus masters and blocks that are not. */
static bool says_nothing(const char *compatible)
{
	return !strcmp(compatible, "arm,coresight-tmc");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct kind *)a)->name, ((const struct kind *)b)->name);
}

static size_t count_kinds(struct lint *l, struct kind *kinds)
{
	struct weir_fwnode *node;
	size_t n = 0, kept = 0;

	for (node = weir_fwnode_root(l->r->m); node; node = weir_fwnode_next(node))
		if (weir_fwnode_compatible(node, 0) && is_behind(node) && !is_off(node))
			kinds[n++] = (struct kind){ weir_fwnode_compatible(node, 0), node, 1 };
	if (n)
		qsort(kinds, n, sizeof(*kinds), by_name);
	for (size_t i = 0; i < n; i++) {
		if (kept && !strcmp(kinds[kept - 1].name, kinds[i].name))
			kinds[kept - 1].nr_with++;
		else
			kinds[kept++] = kinds[i];
	}
	return kept;
}

static void check_siblings(struct lint *l, size_t nr_nodes)
{
	struct kind *kinds = calloc(nr_nodes + 1, sizeof(*kinds));
	struct weir_fwnode *node;
	size_t n;

	if (!kinds) {
		l->failed = true;
		return;
	}
	n = count_kinds(l, kinds);
	for (node = weir_fwnode_root(l->r->m); node && n; node = weir_fwnode_next(node)) {
		const struct lint_words words = { .property = "iommus" };
		struct kind key = { .name = weir_fwnode_compatible(node, 0) };
		const struct kind *kind;
		struct lint_path path;

		if (!key.name || says_nothing(key.name) || is_behind(node) || is_off(node))
			continue;
		kind = bsearch(&key, kinds, n, sizeof(*kinds), by_name);
		if (kind)
			lint_add(l, LINT_NO_IOMMU_UNLIKE_SIBLINGS, node,
				 lint_text("no iommus, but %s (%s)%s", lint_path(kind->with, &path),
					   key.name, kind->nr_with > 1 ? " and others have one" :
									 " has one"), &words);
	}
	free(kinds);
}

void lint_iommus(struct lint *l)
{
	struct streams streams = { 0 };
	struct weir_fwnode *node;
	size_t nr_nodes = 0;

	for (node = weir_fwnode_root(l->r->m); node; node = weir_fwnode_next(node)) {
		nr_nodes++;
		if (is_off(node))
			continue;
		check_master(l, node, &streams);
		check_map(l, node, "iommu-map");
		check_map(l, node, "msi-map");
	}
	check_duplicates(l, &streams);
	free(streams.items);
	check_siblings(l, nr_nodes);
}
