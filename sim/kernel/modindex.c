// SPDX-License-Identifier: MIT
/*
 * Opening a module index and asking it; see modindex.h for its life cycle and
 * what may run at once. All strings and tables belong to the store.
 */
#include "modindex.h"

#include <fnmatch.h>
#include <libkmod.h>
#include <stdlib.h>
#include <string.h>

#include "kfile.h"
#include "modindex_priv.h"
#include "weir/err.h"

static const struct {
	const char *name;
	enum weir_modindex_file bit;
	bool binary;	/* depmod also writes NAME.bin */
} files[WEIR_MODINDEX_FILES] = {
	{ "modules.dep", WEIR_MODINDEX_DEP, true },
	{ "modules.alias", WEIR_MODINDEX_ALIAS, true },
	{ "modules.softdep", WEIR_MODINDEX_SOFTDEP, false },
	{ "modules.order", WEIR_MODINDEX_ORDER, false },
	{ "modules.builtin", WEIR_MODINDEX_BUILTIN, true },
	{ "modules.builtin.modinfo", WEIR_MODINDEX_MODINFO, false },
};

static int parse_file(struct weir_modindex *index, size_t which)
{
	struct weir_bytes *text = &index->store->texts[which];
	char *s = (char *)text->data;

	switch (files[which].bit) {
	case WEIR_MODINDEX_DEP:
		return weir_modindex_parse_dep_(index, s);
	case WEIR_MODINDEX_ALIAS:
		return weir_modindex_parse_alias_(index, s);
	case WEIR_MODINDEX_SOFTDEP:
		return weir_modindex_parse_softdep_(index, s);
	case WEIR_MODINDEX_ORDER:
		return weir_modindex_parse_order_(index, s);
	case WEIR_MODINDEX_BUILTIN:
		return weir_modindex_parse_builtin_(index, s);
	case WEIR_MODINDEX_MODINFO:
		return weir_modindex_parse_modinfo_(index, s, text->size);
	}
	return 0;
}

static int read_file(struct weir_modindex *index, size_t which, struct weir_errtext *et)
{
	struct weir_bytes *text = &index->store->texts[which];
	char path[4096], binary[64];
	int err;

	err = weir_kfile_read(index->dir, files[which].name, et, text);
	if (err == WEIR_ENOENT && files[which].binary) {
		size_t len = strlen(files[which].name);

		memcpy(binary, files[which].name, len);
		memcpy(binary + len, ".bin", 5);
		if (weir_kfile_find(index->dir, binary, path, sizeof(path)))
			err = weir_modindex_dump_(index->dir, (int)files[which].bit, text);
	}
	if (err == WEIR_ENOENT)
		return 0;
	if (err)
		return err;
	index->found |= files[which].bit;
	err = parse_file(index, which);
	return err ? weir_errtext_set(et, err, "%s: no memory for the module index", index->dir) : 0;
}

/* Without modules.alias: what the modules say themselves, as if depmod had written it. */
static int scan_modules(struct weir_modindex *index, struct weir_errtext *et)
{
	char *texts[3];
	int err = weir_modindex_scan_(index->dir, &texts[0], &texts[1], &texts[2]);

	if (err == WEIR_ENOENT)
		return 0;
	for (size_t i = 0; !err && i < 3; i++) {
		struct weir_bytes *text = &index->store->texts[i];

		if (index->found & (unsigned int)files[i].bit) {
			free(texts[i]);
			continue;
		}
		weir_bytes_fini(text);
		*text = (struct weir_bytes){ (uint8_t *)texts[i], strlen(texts[i]) };
		index->found |= files[i].bit;
		err = parse_file(index, i);
		for (size_t k = i + 1; err && k < 3; k++)
			free(texts[k]);
	}
	index->scanned = true;
	return err ? weir_errtext_set(et, err, "%s: no memory for the module index", index->dir) : 0;
}

/* The aliases of each bus, so that a lookup goes through its own alone. */
static int sort_by_bus(struct weir_modindex *index)
{
	struct weir_modindex_store *store = index->store;
	size_t i, bus;

	for (i = 0; i < index->alias_count; i++)
		store->by_bus_count[index->aliases[i].bus]++;
	for (bus = 0; bus < WEIR_ALIAS_BUS_COUNT; bus++) {
		store->by_bus[bus] = weir_arena_alloc(&store->arena,
						      (store->by_bus_count[bus] + 1) * sizeof(uint32_t));
		if (!store->by_bus[bus])
			return WEIR_ENOMEM;
		store->by_bus_count[bus] = 0;
	}
	for (i = 0; i < index->alias_count; i++) {
		bus = index->aliases[i].bus;
		store->by_bus[bus][store->by_bus_count[bus]++] = (uint32_t)i;
	}
	return 0;
}

int weir_modindex_open(const char *dir, struct weir_errtext *et, struct weir_modindex **out_index)
{
	struct weir_modindex *index = calloc(1, sizeof(*index));
	size_t i;
	int err = 0;

	if (!index)
		return weir_errtext_set(et, WEIR_ENOMEM, "%s: no memory for the module index", dir);
	index->store = calloc(1, sizeof(*index->store));
	if (!index->store) {
		free(index);
		return weir_errtext_set(et, WEIR_ENOMEM, "%s: no memory for the module index", dir);
	}
	pthread_mutex_init(&index->store->lock, NULL);
	index->dir = weir_arena_strndup(&index->store->arena, dir, strlen(dir));
	if (!index->dir)
		err = weir_errtext_set(et, WEIR_ENOMEM, "%s: no memory for the module index", dir);
	for (i = 0; !err && i < WEIR_MODINDEX_FILES; i++)
		err = read_file(index, i, et);
	if (!err && index->found && !(index->found & WEIR_MODINDEX_ALIAS))
		err = scan_modules(index, et);
	if (!err && !index->found)
		err = weir_errtext_set(et, WEIR_ENOENT, "%s: no modules.alias, modules.dep or modules.builtin", dir);
	if (!err && sort_by_bus(index))
		err = weir_errtext_set(et, WEIR_ENOMEM, "%s: no memory for the module index", dir);
	if (err) {
		weir_modindex_destroy(index);
		return err;
	}
	*out_index = index;
	return 0;
}

void weir_modindex_destroy(struct weir_modindex *index)
{
	struct weir_modindex_store *store;
	size_t i;

	if (!index)
		return;
	store = index->store;
	kmod_unref(store->kmod);
	pthread_mutex_destroy(&store->lock);
	for (i = 0; i < WEIR_MODINDEX_FILES; i++)
		weir_bytes_fini(&store->texts[i]);
	weir_strtable_fini(&store->names);
	weir_strtable_fini(&store->compats);
	free(store->first_of_compat);
	free(store->last_of_compat);
	weir_arena_fini(&store->arena);
	free(store);
	free(index->modules);
	free(index->aliases);
	free(index->of_aliases);
	free(index->builtin_info);
	free(index);
}

uint32_t weir_modindex_module(const struct weir_modindex *index, const char *name)
{
	char plain[256];
	size_t len = strlen(name), i;

	if (len >= sizeof(plain))
		return WEIR_MODULE_NONE;
	for (i = 0; i < len; i++)
		plain[i] = name[i] == '-' ? '_' : name[i];
	return weir_strtable_find(&index->store->names, plain, len);
}

static uint32_t find_compat(const struct weir_modindex *index, const char *compat, size_t len)
{
	uint32_t id = weir_strtable_find(&index->store->compats, compat, len);

	return id == WEIR_STRTABLE_NONE ? WEIR_MODULE_NONE : index->store->first_of_compat[id];
}

uint32_t weir_modindex_compat(const struct weir_modindex *index, const char *compat)
{
	return find_compat(index, compat, strlen(compat));
}

const char *weir_modindex_compat_name(const struct weir_modindex *index, uint32_t compat)
{
	return index->store->compats.entries[compat].s;
}

static size_t add_hit(uint32_t module, uint32_t *out_modules, size_t room, size_t count)
{
	size_t i;

	for (i = 0; i < count && i < room; i++)
		if (out_modules[i] == module)
			return count;
	if (count < room)
		out_modules[count] = module;
	return count + 1;
}

/* Every C may start a compatible, every later C or the end may end it. */
static size_t lookup_of(const struct weir_modindex *index, const char *modalias,
			uint32_t *out_modules, size_t room)
{
	const char *start = strchr(modalias, 'T'), *end;
	uint32_t at, seq[64], t;
	size_t hits = 0, i, k, count = 0;

	for (start = start ? strchr(start, 'C') : NULL; start; start = strchr(start + 1, 'C')) {
		for (end = start + 1; *end; end += !!*end) {
			end += strcspn(end, "C");
			at = find_compat(index, start + 1, (size_t)(end - start - 1));
			for (; at != WEIR_MODULE_NONE && hits < 64; at = index->of_aliases[at].next_of_compat)
				seq[hits++] = at;
		}
	}
	for (i = 1; i < hits; i++)
		for (k = i; k && seq[k] < seq[k - 1]; k--) {
			t = seq[k];
			seq[k] = seq[k - 1];
			seq[k - 1] = t;
		}
	for (i = 0; i < hits; i++)
		count = add_hit(index->of_aliases[seq[i]].module, out_modules, room, count);
	return count;
}

size_t weir_modindex_lookup(const struct weir_modindex *index, const char *modalias,
			    uint32_t *out_modules, size_t room)
{
	static const char *const prefixes[WEIR_ALIAS_BUS_COUNT] = {
		"of:", "acpi", "amba:", "pci:", "usb:", "i2c:", "spi:", "platform:", "",
	};
	const struct weir_modindex_store *store = index->store;
	size_t bus = 0, i, count = 0;

	while (strncmp(modalias, prefixes[bus], strlen(prefixes[bus])))
		bus++;
	if (bus == WEIR_ALIAS_OF)
		return lookup_of(index, modalias, out_modules, room);
	for (i = 0; i < store->by_bus_count[bus]; i++) {
		const struct weir_alias *a = &index->aliases[store->by_bus[bus][i]];

		if (!fnmatch(a->pattern, modalias, 0))
			count = add_hit(a->module, out_modules, room, count);
	}
	return count;
}
