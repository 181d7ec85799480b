// SPDX-License-Identifier: MIT
/*
 * The index of modules that depmod has never seen: made from what the module files say
 * of themselves (alias=, depends=, softdep=), as texts in depmod's own forms
 * (modules.alias(5), modules.dep(5)). Files are read by way of the cache.
 */
#include "modindex_priv.h"

#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ko.h"
#include "weir/err.h"

struct found {
	char *path;		/* below the directory */
	char *name;		/* with underscores */
	char **deps;
	size_t dep_count;
	bool visited;
};

struct scan {
	struct found *items;
	size_t n, room;
	struct weir_strtable names;	/* numbers of items */
	FILE *alias, *dep, *softdep;
};

static char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name = strdup(slash ? slash + 1 : path), *dot = name ? strstr(name, ".ko") : NULL;

	if (dot)
		*dot = '\0';
	for (char *p = name; p && *p; p++)
		*p = *p == '-' ? '_' : *p;
	return name;
}

static int add_dep(struct found *f, const char *name, size_t len)
{
	char **more = realloc(f->deps, (f->dep_count + 1) * sizeof(*more));

	if (!more)
		return WEIR_ENOMEM;
	f->deps = more;
	f->deps[f->dep_count] = strndup(name, len);
	if (!f->deps[f->dep_count])
		return WEIR_ENOMEM;
	for (char *p = f->deps[f->dep_count++]; *p; p++)
		*p = *p == '-' ? '_' : *p;
	return 0;
}

static int take_info(struct scan *s, struct found *f, const struct weir_bytes *info)
{
	const char *value;
	size_t pos = 0;
	int err = 0;

	while ((value = weir_ko_info_next(info, "alias", &pos)))
		if (!strpbrk(value, " \n"))
			fprintf(s->alias, "alias %s %s\n", value, f->name);
	for (pos = 0; (value = weir_ko_info_next(info, "softdep", &pos));)
		if (!strchr(value, '\n'))
			fprintf(s->softdep, "softdep %s %s\n", f->name, value);
	pos = 0;
	value = weir_ko_info_next(info, "depends", &pos);
	while (value && *value && !err) {
		size_t len = strcspn(value, ",");

		err = len ? add_dep(f, value, len) : 0;
		value += len;
		value += *value == ',';
	}
	return err;
}

static bool is_module(const char *name)
{
	const char *dot = strstr(name, ".ko");

	return dot && (!dot[3] || !strcmp(dot + 3, ".xz") || !strcmp(dot + 3, ".gz") || !strcmp(dot + 3, ".zst"));
}

/* A file that is no module is passed over. */
static int take_file(struct scan *s, const char *path, const char *below)
{
	struct weir_bytes info;
	struct found *more;
	char *name;
	uint32_t id;
	int err = weir_ko_info_file(path, &info);

	if (err)
		return err == WEIR_ENOMEM ? err : 0;
	name = name_of(below);
	/* of a second file of that name, the first counts */
	if (name && weir_strtable_find(&s->names, name, strlen(name)) != WEIR_STRTABLE_NONE)
		goto out;
	err = WEIR_ENOMEM;
	more = name ? weir_array_grow(s->items, s->n, &s->room, sizeof(*more)) : NULL;
	if (!more)
		goto out;
	s->items = more;
	s->items[s->n] = (struct found){ .path = strdup(below), .name = name };
	more = &s->items[s->n++];
	name = NULL;
	if (more->path && !weir_strtable_add(&s->names, more->name, strlen(more->name), &id))
		err = take_info(s, more, &info);
out:
	free(name);
	weir_bytes_fini(&info);
	return err;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int walk(struct scan *s, const char *dir)
{
	char *roots[] = { (char *)(uintptr_t)dir, NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	size_t skip = strlen(dir);
	FTSENT *e;
	int err = 0;

	while (fts && !err && (e = fts_read(fts)))
		if (e->fts_info == FTS_F && is_module(e->fts_name) && strlen(e->fts_path) > skip + 1)
			err = take_file(s, e->fts_path, e->fts_path + skip + (dir[skip - 1] != '/'));
	if (fts)
		fts_close(fts);
	return err;
}

/* ---- modules.dep ---- */

static struct found *find(const struct scan *s, const char *name)
{
	uint32_t id = weir_strtable_find(&s->names, name, strlen(name));

	return id == WEIR_STRTABLE_NONE ? NULL : &s->items[id];
}

/* What is needed, each behind what it needs itself. Deep chains are cut, never followed round. */
static void visit(const struct scan *s, struct found *f, struct found **order, size_t *n, unsigned int depth)
{
	if (f->visited || depth > 64)
		return;
	f->visited = true;
	for (size_t i = 0; i < f->dep_count; i++) {
		struct found *dep = find(s, f->deps[i]);

		if (dep)
			visit(s, dep, order, n, depth + 1);
	}
	order[(*n)++] = f;
}

static int write_deps(struct scan *s)
{
	struct found **order = calloc(s->n + 1, sizeof(*order));

	if (!order)
		return WEIR_ENOMEM;
	for (size_t i = 0; i < s->n; i++) {
		size_t n = 0;

		visit(s, &s->items[i], order, &n, 0);
		fprintf(s->dep, "%s:", s->items[i].path);
		for (size_t k = n - 1; k-- > 0;)
			fprintf(s->dep, " %s", order[k]->path);
		fputc('\n', s->dep);
		for (size_t k = 0; k < n; k++)
			order[k]->visited = false;
	}
	free(order);
	return 0;
}

int weir_modindex_scan_(const char *dir, char **out_dep, char **out_alias, char **out_softdep)
{
	struct scan s = { 0 };
	size_t sizes[3];
	char *texts[3] = { NULL, NULL, NULL };
	int err = 0;

	s.dep = open_memstream(&texts[0], &sizes[0]);
	s.alias = open_memstream(&texts[1], &sizes[1]);
	s.softdep = open_memstream(&texts[2], &sizes[2]);
	if (!s.dep || !s.alias || !s.softdep)
		err = WEIR_ENOMEM;
	if (!err)
		err = walk(&s, dir);
	if (!err)
		err = write_deps(&s);
	if (s.dep && fclose(s.dep))
		err = WEIR_ENOMEM;
	if (s.alias && fclose(s.alias))
		err = WEIR_ENOMEM;
	if (s.softdep && fclose(s.softdep))
		err = WEIR_ENOMEM;
	for (size_t i = 0; i < s.n; i++) {
		for (size_t k = 0; k < s.items[i].dep_count; k++)
			free(s.items[i].deps[k]);
		free(s.items[i].deps);
		free(s.items[i].path);
		free(s.items[i].name);
	}
	free(s.items);
	weir_strtable_fini(&s.names);
	if (err || !s.n) {
		for (int i = 0; i < 3; i++)
			free(texts[i]);
		return err ? err : WEIR_ENOENT;
	}
	*out_dep = texts[0];
	*out_alias = texts[1];
	*out_softdep = texts[2];
	return 0;
}
