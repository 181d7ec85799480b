// SPDX-License-Identifier: MIT
/*
 * Building driver lists; see driverlist.h. Order of a list made from a kernel:
 * what early code claims, built-in drivers in link order, modules in the order
 * of modules.order (those without a rank last, by first appearance in
 * modules.alias), each with what must be loaded before it.
 */
#include "driverlist.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "amba_ids.h"
#include "modindex.h"
#include "strtable.h"
#include "weir/err.h"

/* A module that the tree's compatibles ask for. */
struct want {
	uint32_t module;
	uint32_t order;
	struct weir_compat *compats;
	size_t count, room;
};

struct builder {
	struct weir_driver_list *list;
	struct weir_strtable wanted;	/* compatibles of the tree */
	struct weir_strtable names;	/* of built-in drivers */
	uint32_t *name_uses;
	size_t name_room;
	struct want *wants;		/* by first appearance in modules.alias */
	size_t want_count, want_room;
	uint32_t *want_of;		/* by module: index + 1 of wants */
};

struct weir_driver_spec *weir_driver_list_new_driver_(struct weir_driver_list *list)
{
	struct weir_driver_spec *p;

	p = weir_array_grow(list->drivers, list->driver_count, &list->driver_room, sizeof(*p));
	if (!p)
		return NULL;
	list->drivers = p;
	p += list->driver_count++;
	memset(p, 0, sizeof(*p));
	return p;
}

struct weir_early_spec *weir_driver_list_new_early_(struct weir_driver_list *list)
{
	struct weir_early_spec *p;

	p = weir_array_grow(list->early, list->early_count, &list->early_room, sizeof(*p));
	if (!p)
		return NULL;
	list->early = p;
	p += list->early_count++;
	memset(p, 0, sizeof(*p));
	return p;
}

struct weir_fault_spec *weir_driver_list_new_fault_(struct weir_driver_list *list)
{
	struct weir_fault_spec *p;

	p = weir_array_grow(list->faults, list->fault_count, &list->fault_room, sizeof(*p));
	if (!p)
		return NULL;
	list->faults = p;
	p += list->fault_count++;
	memset(p, 0, sizeof(*p));
	return p;
}

void weir_driver_list_destroy(struct weir_driver_list *list)
{
	if (!list)
		return;
	free(list->drivers);
	free(list->early);
	free(list->faults);
	weir_arena_fini(&list->arena);
	free(list);
}

static bool is_plain(const char *compat)
{
	return compat[0] && !strpbrk(compat, " \t\n\v\f\r");
}

static const char *keep(struct weir_driver_list *list, const char *s)
{
	return weir_arena_strndup(&list->arena, s, strlen(s));
}

static int fill_wanted(struct weir_strtable *wanted, const char *const *compats, size_t count)
{
	uint32_t id;
	size_t i;

	for (i = 0; i < count; i++)
		if (is_plain(compats[i]) && weir_strtable_add(wanted, compats[i], strlen(compats[i]), &id))
			return WEIR_ENOMEM;
	return 0;
}

static bool is_wanted(const struct weir_strtable *wanted, const char *compat)
{
	return weir_strtable_find(wanted, compat, strlen(compat)) != WEIR_STRTABLE_NONE;
}

static int add_early(struct weir_driver_list *list, const struct weir_strtable *wanted,
		     const struct weir_image *image)
{
	size_t i;

	for (i = 0; i < image->early_count; i++) {
		const struct weir_early *from = &image->early[i];
		struct weir_early_spec *e;
		const char **one;

		if (from->kind == WEIR_EARLY_TIMER || !is_wanted(wanted, from->compat))
			continue;
		one = weir_arena_alloc(&list->arena, sizeof(*one));
		if (!one || !(*one = keep(list, from->compat)))
			return WEIR_ENOMEM;
		e = weir_driver_list_new_early_(list);
		if (!e)
			return WEIR_ENOMEM;
		*e = (struct weir_early_spec){ from->kind, one, 1 };
	}
	return 0;
}

/* A second driver of the same name is called NAME.2, and so on. */
static const char *unique_name(struct builder *b, const char *name)
{
	size_t known = b->names.count, bytes = strlen(name) + 12;
	uint32_t id, *uses;
	char *copy;

	if (weir_strtable_add(&b->names, name, strlen(name), &id))
		return NULL;
	if (id == known) {
		uses = weir_array_grow(b->name_uses, id, &b->name_room, sizeof(*uses));
		if (!uses)
			return NULL;
		b->name_uses = uses;
		uses[id] = 0;
	}
	if (++b->name_uses[id] == 1)
		return keep(b->list, name);
	copy = weir_arena_alloc(&b->list->arena, bytes);
	if (copy)
		snprintf(copy, bytes, "%s.%u", name, (unsigned int)b->name_uses[id]);
	return copy;
}

static int add_builtin(struct builder *b, const struct weir_image *image,
		       const struct weir_builtin *from)
{
	struct weir_compat *compats;
	struct weir_driver_spec *d;
	const char *name;
	size_t i, count = 0;

	for (i = 0; i < from->compat_count; i++)
		count += is_wanted(&b->wanted, from->compats[i].name);
	if (!count)
		return 0;
	compats = weir_arena_alloc(&b->list->arena, count * sizeof(*compats));
	name = unique_name(b, from->name);
	if (!compats || !name)
		return WEIR_ENOMEM;
	for (i = 0, count = 0; i < from->compat_count; i++) {
		if (!is_wanted(&b->wanted, from->compats[i].name))
			continue;
		compats[count].name = keep(b->list, from->compats[i].name);
		compats[count].first_only = from->compats[i].first_only;
		if (!compats[count++].name)
			return WEIR_ENOMEM;
	}
	d = weir_driver_list_new_driver_(b->list);
	if (!d)
		return WEIR_ENOMEM;
	d->name = name;
	d->when = WEIR_WHEN_INITCALL;
	d->level = (uint8_t)(2 * (from->level[0] - '0') + (from->level[1] == 's'));
	d->basis = image->basis == WEIR_IMAGE_INITCALLS ? WEIR_BASIS_IMAGE : WEIR_BASIS_TABLES;
	d->compats = compats;
	d->compat_count = count;
	return 0;
}

static int want_compat(struct builder *b, const struct weir_modindex *index, uint32_t module,
		       const char *compat)
{
	struct weir_compat *compats;
	struct want *w;
	size_t i;

	if (!b->want_of[module]) {
		w = weir_array_grow(b->wants, b->want_count, &b->want_room, sizeof(*w));
		if (!w)
			return WEIR_ENOMEM;
		b->wants = w;
		w[b->want_count++] = (struct want){ .module = module, .order = index->modules[module].order };
		b->want_of[module] = (uint32_t)b->want_count;
	}
	w = &b->wants[b->want_of[module] - 1];
	for (i = 0; i < w->count; i++)
		if (!strcmp(w->compats[i].name, compat))
			return 0;
	compats = weir_array_grow(w->compats, w->count, &w->room, sizeof(*compats));
	if (!compats)
		return WEIR_ENOMEM;
	w->compats = compats;
	compats[w->count].first_only = false;
	compats[w->count].unlisted = false;
	compats[w->count].name = keep(b->list, compat);
	return compats[w->count++].name ? 0 : WEIR_ENOMEM;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The pairs of the index that fit, in order of modules.alias. */
static int want_of_aliases(struct builder *b, const struct weir_modindex *index)
{
	uint32_t *hits = NULL, *more, at;
	size_t count = 0, room = 0, i;
	int err = 0;

	for (i = 0; i < b->wanted.count; i++) {
		at = weir_modindex_compat(index, b->wanted.entries[i].s);
		for (; at != WEIR_MODULE_NONE; at = index->of_aliases[at].next_of_compat) {
			if (index->modules[index->of_aliases[at].module].builtin)
				continue;
			more = weir_array_grow(hits, count, &room, sizeof(*hits));
			if (!more) {
				free(hits);
				return WEIR_ENOMEM;
			}
			hits = more;
			hits[count++] = at;
		}
	}
	if (count)
		qsort(hits, count, sizeof(*hits), by_number);
	for (i = 0; !err && i < count; i++) {
		const struct weir_of_alias *of = &index->of_aliases[hits[i]];

		err = want_compat(b, index, of->module, weir_modindex_compat_name(index, of->compat));
	}
	free(hits);
	return err;
}

/* AMBA devices are matched by the id that the hardware of that compatible reports. */
static int want_amba_aliases(struct builder *b, const struct weir_modindex *index)
{
	char modalias[32];
	size_t i, k;

	for (i = 0; i < weir_amba_id_count; i++) {
		if (!is_wanted(&b->wanted, weir_amba_ids[i].compat))
			continue;
		snprintf(modalias, sizeof(modalias), "amba:d%08X", (unsigned int)weir_amba_ids[i].periphid);
		for (k = 0; k < index->alias_count; k++) {
			const struct weir_alias *a = &index->aliases[k];

			if (a->bus != WEIR_ALIAS_AMBA || index->modules[a->module].builtin ||
			    fnmatch(a->pattern, modalias, 0))
				continue;
			if (want_compat(b, index, a->module, weir_amba_ids[i].compat))
				return WEIR_ENOMEM;
		}
	}
	return 0;
}

/* Soft dependencies first, then the hard ones, first needed first; only those in the list. */
static int fill_deps(struct builder *b, const struct weir_modindex *index, uint32_t module,
		     struct weir_driver_spec *d)
{
	const struct weir_index_module *m = &index->modules[module];
	const char **deps;
	uint32_t i, id;

	deps = weir_arena_alloc(&b->list->arena, ((size_t)m->soft_pre_count + m->dep_count + 1) * sizeof(*deps));
	if (!deps)
		return WEIR_ENOMEM;
	d->deps = deps;
	for (i = 0; i < m->soft_pre_count + m->dep_count; i++) {
		if (i < m->soft_pre_count)
			id = weir_modindex_module(index, m->soft_pre[i]);
		else
			id = m->deps[m->dep_count - 1 - (i - m->soft_pre_count)];
		if (id == WEIR_MODULE_NONE || id == module || !b->want_of[id])
			continue;
		deps[d->dep_count] = keep(b->list, index->modules[id].name);
		if (!deps[d->dep_count++])
			return WEIR_ENOMEM;
	}
	return 0;
}

static int by_order(const void *a, const void *b)
{
	const struct want *x = *(const struct want *const *)a, *y = *(const struct want *const *)b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return x < y ? -1 : x > y;
}

static int add_module(struct builder *b, const struct weir_modindex *index, const struct want *w)
{
	struct weir_driver_spec *d = weir_driver_list_new_driver_(b->list);
	struct weir_compat *compats = weir_arena_alloc(&b->list->arena, w->count * sizeof(*compats));

	if (!d || !compats)
		return WEIR_ENOMEM;
	memcpy(compats, w->compats, w->count * sizeof(*compats));
	d->name = keep(b->list, index->modules[w->module].name);
	d->when = WEIR_WHEN_MODULE;
	d->basis = WEIR_BASIS_INDEX;
	d->compats = compats;
	d->compat_count = w->count;
	return d->name ? fill_deps(b, index, w->module, d) : WEIR_ENOMEM;
}

static int add_modules(struct builder *b, const struct weir_modindex *index)
{
	struct want **sorted = NULL;
	size_t i;
	int err;

	b->want_of = calloc(index->module_count + 1, sizeof(*b->want_of));
	if (!b->want_of)
		return WEIR_ENOMEM;
	err = want_of_aliases(b, index);
	if (!err)
		err = want_amba_aliases(b, index);
	if (err || !b->want_count)
		return err;
	sorted = malloc(b->want_count * sizeof(*sorted));
	if (!sorted)
		return WEIR_ENOMEM;
	for (i = 0; i < b->want_count; i++)
		sorted[i] = &b->wants[i];
	qsort(sorted, b->want_count, sizeof(*sorted), by_order);
	for (i = 0; !err && i < b->want_count; i++)
		err = add_module(b, index, sorted[i]);
	free(sorted);
	return err;
}

static void builder_fini(struct builder *b)
{
	size_t i;

	for (i = 0; i < b->want_count; i++)
		free(b->wants[i].compats);
	free(b->wants);
	free(b->want_of);
	free(b->name_uses);
	weir_strtable_fini(&b->names);
	weir_strtable_fini(&b->wanted);
}

int weir_driver_list_build(const struct weir_image *image, const struct weir_modindex *index,
			   const char *const *compats, size_t count,
			   struct weir_driver_list **out_list)
{
	struct builder b = { .list = calloc(1, sizeof(struct weir_driver_list)) };
	size_t i;
	int err;

	if (!b.list)
		return WEIR_ENOMEM;
	err = fill_wanted(&b.wanted, compats, count);
	if (!err && image)
		err = add_early(b.list, &b.wanted, image);
	for (i = 0; !err && image && i < image->driver_count; i++)
		err = add_builtin(&b, image, &image->drivers[i]);
	if (!err && index)
		err = add_modules(&b, index);
	builder_fini(&b);
	if (err)
		weir_driver_list_destroy(b.list);
	else
		*out_list = b.list;
	return err;
}

static int add_assumed(struct weir_driver_list *list, const char *compat, bool external)
{
	struct weir_compat *one = weir_arena_alloc(&list->arena, sizeof(*one));
	char *name = weir_arena_strndup(&list->arena, compat, strlen(compat)), *slash;
	struct weir_driver_spec *d = weir_driver_list_new_driver_(list);

	if (!one || !name || !d)
		return WEIR_ENOMEM;
	/* A slash cannot be in a file name of /sys; it is shown as !. */
	for (slash = name; (slash = strchr(slash, '/'));)
		*slash = '!';
	one->name = keep(list, compat);
	d->name = name;
	d->when = external ? WEIR_WHEN_EXTERNAL : WEIR_WHEN_INITCALL;
	d->level = 12;
	d->basis = WEIR_BASIS_ASSUMED;
	d->compats = one;
	d->compat_count = 1;
	return one->name ? 0 : WEIR_ENOMEM;
}

int weir_driver_list_build_all(const char *const *compats, const bool *external, size_t count,
			       struct weir_driver_list **out_list)
{
	struct weir_driver_list *list = calloc(1, sizeof(*list));
	size_t i;
	int err = 0;

	if (!list)
		return WEIR_ENOMEM;
	for (i = 0; !err && i < count; i++)
		if (is_plain(compats[i]))
			err = add_assumed(list, compats[i], external && external[i]);
	if (err)
		weir_driver_list_destroy(list);
	else
		*out_list = list;
	return err;
}

int weir_driver_list_add_early(struct weir_driver_list *list, const struct weir_image *image,
			       const char *const *compats, size_t count)
{
	struct weir_strtable wanted = { 0 };
	size_t had = list->early_count;
	int err;

	err = fill_wanted(&wanted, compats, count);
	if (!err)
		err = add_early(list, &wanted, image);
	if (err)
		list->early_count = had;
	weir_strtable_fini(&wanted);
	return err;
}
