// SPDX-License-Identifier: MIT
/*
 * The text files of a module index, taken apart in place: the strings of the
 * index point into the files' bytes. Formats: modules.dep(5), modprobe.d(5)
 * (alias, softdep), and Documentation/kbuild/kbuild.rst (modules.order,
 * modules.builtin, modules.builtin.modinfo). Called while the index is being
 * opened, by one thread.
 */
#include "modindex_priv.h"

#include <string.h>

#include "kfile.h"
#include "weir/err.h"

#define MAX_DEPS 4096

/* The module's name from its path, in place: "kernel/a/b-c.ko.xz" gives "b_c". */
static char *module_name(char *path, size_t *out_len)
{
	char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *p;

	for (p = name; *p; p++) {
		if (*p == '-')
			*p = '_';
		if (!strncmp(p, ".ko", 3) && (!p[3] || (p[3] == '.' && p[4] && !strchr(p + 4, '.'))))
			break;
	}
	*out_len = (size_t)(p - name);
	return name;
}

static int add_module(struct weir_modindex *index, const char *name, size_t len, uint32_t *out_id)
{
	struct weir_modindex_store *store = index->store;
	struct weir_index_module *m;
	uint32_t id;
	char *copy;

	id = weir_strtable_find(&store->names, name, len);
	if (id == WEIR_STRTABLE_NONE) {
		m = weir_array_grow(index->modules, index->module_count, &store->module_room, sizeof(*m));
		if (!m)
			return WEIR_ENOMEM;
		index->modules = m;
		copy = weir_arena_strndup(&store->arena, name, len);
		if (!copy || weir_strtable_add(&store->names, copy, len, &id))
			return WEIR_ENOMEM;
		index->modules[id] = (struct weir_index_module){
			.name = copy,
			.order = WEIR_MODULE_NONE,
			.first_of = WEIR_MODULE_NONE,
			.last_of = WEIR_MODULE_NONE,
		};
		index->module_count = store->names.count;
	}
	*out_id = id;
	return 0;
}

/* Android's modules.dep has absolute paths; they mean the directory that it is in. */
static const char *below_index(const struct weir_modindex *index, const char *path)
{
	const char *dir = strstr(index->dir, "/lib/modules");
	size_t n = dir ? strlen(dir) : 0;

	return n && !strncmp(path, dir, n) && path[n] == '/' ? path + n + 1 : path;
}

static int add_path(struct weir_modindex *index, char *path, bool keep, uint32_t *out_id)
{
	struct weir_arena *arena = &index->store->arena;
	const char *below = below_index(index, path);
	char *kept = keep ? weir_arena_strndup(arena, below, strlen(below)) : NULL;
	size_t len;
	char *name = module_name(path, &len);
	int err;

	if (keep && !kept)
		return WEIR_ENOMEM;
	err = add_module(index, name, len, out_id);
	if (!err && keep)
		index->modules[*out_id].path = kept;
	return err;
}

int weir_modindex_parse_dep_(struct weir_modindex *index, char *text)
{
	static const size_t elem = sizeof(uint32_t);
	uint32_t deps[MAX_DEPS], id, *copy;
	char *line, *word;

	while ((line = weir_text_line(&text))) {
		char *colon = strchr(line, ':');
		uint32_t count = 0;

		if (!colon || line[0] == '#')
			continue;
		*colon++ = 0;
		if (add_path(index, line, true, &id))
			return WEIR_ENOMEM;
		while (count < MAX_DEPS && (word = weir_text_word(&colon)))
			if (add_path(index, word, false, &deps[count++]))
				return WEIR_ENOMEM;
		if (!count)
			continue;
		copy = weir_arena_alloc(&index->store->arena, count * elem);
		if (!copy)
			return WEIR_ENOMEM;
		memcpy(copy, deps, count * elem);
		index->modules[id].deps = copy;
		index->modules[id].dep_count = count;
	}
	return 0;
}

static enum weir_alias_bus bus_of(const char *pattern)
{
	static const struct {
		const char *prefix;
		enum weir_alias_bus bus;
	} buses[] = {
		{ "of:", WEIR_ALIAS_OF },   { "acpi", WEIR_ALIAS_ACPI }, { "amba:", WEIR_ALIAS_AMBA },
		{ "pci:", WEIR_ALIAS_PCI }, { "usb:", WEIR_ALIAS_USB },	 { "i2c:", WEIR_ALIAS_I2C },
		{ "spi:", WEIR_ALIAS_SPI }, { "platform:", WEIR_ALIAS_PLATFORM },
	};
	size_t i;

	for (i = 0; i < sizeof(buses) / sizeof(buses[0]); i++)
		if (!strncmp(pattern, buses[i].prefix, strlen(buses[i].prefix)))
			return buses[i].bus;
	return WEIR_ALIAS_OTHER;
}

static int new_compat(struct weir_modindex_store *store, uint32_t id)
{
	size_t room = store->compat_room;
	uint32_t *p;

	p = weir_array_grow(store->first_of_compat, id, &room, sizeof(*p));
	if (!p)
		return WEIR_ENOMEM;
	store->first_of_compat = p;
	p = weir_array_grow(store->last_of_compat, id, &store->compat_room, sizeof(*p));
	if (!p)
		return WEIR_ENOMEM;
	store->last_of_compat = p;
	store->first_of_compat[id] = WEIR_MODULE_NONE;
	store->last_of_compat[id] = WEIR_MODULE_NONE;
	return 0;
}

/* One pair, unless it is there: each compatible has two aliases, with and without C*. */
static int add_of(struct weir_modindex *index, const char *compat, size_t len, uint32_t module)
{
	struct weir_modindex_store *store = index->store;
	struct weir_index_module *m = &index->modules[module];
	size_t known = store->compats.count;
	uint32_t id, at, last = WEIR_MODULE_NONE;
	struct weir_of_alias *of;

	if (weir_strtable_add(&store->compats, compat, len, &id))
		return WEIR_ENOMEM;
	if (id == known && new_compat(store, id))
		return WEIR_ENOMEM;
	for (at = store->first_of_compat[id]; at != WEIR_MODULE_NONE; at = index->of_aliases[at].next_of_compat) {
		if (index->of_aliases[at].module == module)
			return 0;
		last = at;
	}
	of = weir_array_grow(index->of_aliases, index->of_alias_count, &store->of_room, sizeof(*of));
	if (!of)
		return WEIR_ENOMEM;
	index->of_aliases = of;
	at = (uint32_t)index->of_alias_count++;
	of[at] = (struct weir_of_alias){ id, module, WEIR_MODULE_NONE, WEIR_MODULE_NONE };
	if (last == WEIR_MODULE_NONE)
		store->first_of_compat[id] = at;
	else
		of[last].next_of_compat = at;
	if (m->last_of == WEIR_MODULE_NONE)
		m->first_of = at;
	else
		of[m->last_of].next_of_module = at;
	m->last_of = at;
	return 0;
}

/* of:N<name>T<type>C<compatible>, and C* behind it when others may follow. */
static int add_of_pattern(struct weir_modindex *index, char *pattern, uint32_t module)
{
	char *p = pattern + 3;
	size_t len;

	if (*p++ != 'N' || !(p = strchr(p, 'T')) || !(p = strchr(p, 'C')))
		return 0;
	p++;
	len = strlen(p);
	if (len >= 2 && !strcmp(p + len - 2, "C*"))
		p[len -= 2] = 0;
	return add_of(index, p, len, module);
}

static int add_alias(struct weir_modindex *index, char *pattern, uint32_t module)
{
	struct weir_modindex_store *store = index->store;
	enum weir_alias_bus bus = bus_of(pattern);
	struct weir_alias *a;

	if (bus == WEIR_ALIAS_OF)
		return add_of_pattern(index, pattern, module);
	a = weir_array_grow(index->aliases, index->alias_count, &store->alias_room, sizeof(*a));
	if (!a)
		return WEIR_ENOMEM;
	index->aliases = a;
	a[index->alias_count++] = (struct weir_alias){ pattern, module, bus };
	return 0;
}

int weir_modindex_parse_alias_(struct weir_modindex *index, char *text)
{
	char *line;

	while ((line = weir_text_line(&text))) {
		char *word = weir_text_word(&line), *pattern, *name;
		uint32_t id;

		if (!word || strcmp(word, "alias"))
			continue;
		pattern = weir_text_word(&line);
		name = pattern ? weir_text_word(&line) : NULL;
		if (!name || weir_text_word(&line))
			continue;
		if (add_module(index, name, strlen(name), &id) || add_alias(index, pattern, id))
			return WEIR_ENOMEM;
	}
	return 0;
}

static char *underscores(char *s)
{
	char *p;

	for (p = s; *p; p++)
		if (*p == '-')
			*p = '_';
	return s;
}

static int add_soft(struct weir_modindex *index, const char *word, const char *const **list,
		    uint32_t *count)
{
	const char **more = weir_arena_alloc(&index->store->arena, (*count + 1) * sizeof(*more));

	if (!more)
		return WEIR_ENOMEM;
	if (*count)
		memcpy(more, *list, *count * sizeof(*more));
	more[(*count)++] = word;
	*list = more;
	return 0;
}

int weir_modindex_parse_softdep_(struct weir_modindex *index, char *text)
{
	char *line, *word;

	while ((line = weir_text_line(&text))) {
		struct weir_index_module *m;
		const char *kind = "";
		uint32_t id, budget = MAX_DEPS;
		int err = 0;

		word = weir_text_word(&line);
		if (!word || strcmp(word, "softdep"))
			continue;
		word = weir_text_word(&line);
		if (!word)
			continue;
		underscores(word);
		if (add_module(index, word, strlen(word), &id))
			return WEIR_ENOMEM;
		m = &index->modules[id];
		while (!err && budget-- && (word = weir_text_word(&line))) {
			if (word[strlen(word) - 1] == ':')
				kind = word;
			else if (!strcmp(kind, "pre:"))
				err = add_soft(index, underscores(word), &m->soft_pre, &m->soft_pre_count);
			else if (!strcmp(kind, "post:"))
				err = add_soft(index, underscores(word), &m->soft_post, &m->soft_post_count);
		}
		if (err)
			return err;
	}
	return 0;
}

int weir_modindex_parse_order_(struct weir_modindex *index, char *text)
{
	uint32_t rank = 0, id;
	char *line, *path;

	for (; (line = weir_text_line(&text)); rank++) {
		path = weir_text_word(&line);
		if (!path)
			continue;
		if (add_path(index, path, false, &id))
			return WEIR_ENOMEM;
		if (index->modules[id].order == WEIR_MODULE_NONE)
			index->modules[id].order = rank;
	}
	return 0;
}

int weir_modindex_parse_builtin_(struct weir_modindex *index, char *text)
{
	char *line, *path;
	uint32_t id;

	while ((line = weir_text_line(&text))) {
		path = weir_text_word(&line);
		if (!path)
			continue;
		if (add_path(index, path, false, &id))
			return WEIR_ENOMEM;
		index->modules[id].builtin = true;
	}
	return 0;
}

/* MODULE.KEY=VALUE, each ended by NUL. */
int weir_modindex_parse_modinfo_(struct weir_modindex *index, char *text, size_t size)
{
	struct weir_modindex_store *store = index->store;
	char *end = text + size, *p, *next;
	uint32_t id;

	for (p = text; p < end; p = next) {
		char *dot, *equals;
		struct weir_builtin_info *info;

		next = p + strlen(p) + 1;
		equals = strchr(p, '=');
		dot = equals ? memchr(p, '.', (size_t)(equals - p)) : NULL;
		if (!dot || dot == p)
			continue;
		*dot = 0;
		*equals = 0;
		underscores(p);
		info = weir_array_grow(index->builtin_info, index->builtin_info_count, &store->info_room,
				       sizeof(*info));
		if (!info)
			return WEIR_ENOMEM;
		index->builtin_info = info;
		info[index->builtin_info_count++] = (struct weir_builtin_info){ p, dot + 1, equals + 1 };
		if (strcmp(dot + 1, "alias"))
			continue;
		if (add_module(index, p, (size_t)(dot - p), &id))
			return WEIR_ENOMEM;
		index->modules[id].builtin = true;
		if (add_alias(index, equals + 1, id))
			return WEIR_ENOMEM;
	}
	return 0;
}
