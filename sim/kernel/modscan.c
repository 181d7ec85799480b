// SPDX-License-Identifier: MIT
/* Reading module files once, and adding their tables to lists; see modscan.h. */
#include "modscan.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "strtable.h"
#include "unpack.h"
#include "weir/err.h"

#define KIND "tables-1"

struct entry {
	char *text; /* strings, each with its NUL */
	size_t bytes;
	bool read;
};

struct weir_modscan {
	const struct weir_modindex *index;
	pthread_mutex_t lock; /* of all below */
	struct entry *entries; /* by module; constant once read */
	size_t files;
};

int weir_modscan_create(const struct weir_modindex *index, struct weir_modscan **out_scan)
{
	struct weir_modscan *scan = calloc(1, sizeof(*scan));

	if (!scan)
		return WEIR_ENOMEM;
	scan->entries = calloc(index->module_count + 1, sizeof(*scan->entries));
	if (!scan->entries) {
		free(scan);
		return WEIR_ENOMEM;
	}
	scan->index = index;
	pthread_mutex_init(&scan->lock, NULL);
	*out_scan = scan;
	return 0;
}

void weir_modscan_destroy(struct weir_modscan *scan)
{
	if (!scan)
		return;
	for (size_t i = 0; i < scan->index->module_count; i++)
		free(scan->entries[i].text);
	free(scan->entries);
	pthread_mutex_destroy(&scan->lock);
	free(scan);
}

size_t weir_modscan_files(struct weir_modscan *scan)
{
	size_t files;

	pthread_mutex_lock(&scan->lock);
	files = scan->files;
	pthread_mutex_unlock(&scan->lock);
	return files;
}

/* ---- one file ---- */

static int scan_file(const char *path, struct entry *out)
{
	struct weir_bytes raw = { 0 }, plain;
	int err = weir_bytes_read(path, NULL, &raw);

	if (err)
		return err;
	if (weir_unpack_compression(raw.data, raw.size)) {
		err = weir_unpack_stream(raw.data, raw.size, NULL, &plain);
		weir_bytes_fini(&raw);
		if (err)
			return err;
		raw = plain;
	}
	err = weir_modscan_elf_(raw.data, raw.size, &out->text, &out->bytes);
	weir_bytes_fini(&raw);
	if (!err)
		weir_cache_put(KIND, path, out->text ? out->text : "", out->bytes);
	return err;
}

static int read_module(const struct weir_modindex *index, uint32_t module, struct entry *out)
{
	const char *rel = index->modules[module].path;
	struct weir_bytes cached;
	char path[4096];
	int n;

	if (!rel)
		return WEIR_ENOENT;
	n = snprintf(path, sizeof(path), "%s/%s", index->dir, rel);
	if (n < 0 || (size_t)n >= sizeof(path))
		return WEIR_E2BIG;
	if (!weir_cache_get(KIND, path, &cached))
		return scan_file(path, out);
	if (cached.size && cached.data[cached.size - 1]) { /* not ours after all */
		weir_bytes_fini(&cached);
		return scan_file(path, out);
	}
	out->text = (char *)cached.data;
	out->bytes = cached.size;
	return 0;
}

/* Two threads may read the same file; one of the answers is kept. */
static int get_entry(struct weir_modscan *scan, uint32_t module, struct entry *out)
{
	struct entry *kept = &scan->entries[module], fresh = { 0 };
	int err;

	pthread_mutex_lock(&scan->lock);
	*out = *kept;
	pthread_mutex_unlock(&scan->lock);
	if (out->read)
		return 0;
	err = read_module(scan->index, module, &fresh);
	if (err == WEIR_ENOMEM)
		return err;
	fresh.read = true;
	pthread_mutex_lock(&scan->lock);
	if (kept->read) {
		free(fresh.text);
	} else {
		*kept = fresh;
		scan->files += !err;
	}
	*out = *kept;
	pthread_mutex_unlock(&scan->lock);
	return 0;
}

/* ---- lists ---- */

static bool has(const struct weir_driver_spec *d, const char *compat)
{
	for (size_t i = 0; i < d->compat_count; i++)
		if (!strcmp(d->compats[i].name, compat))
			return true;
	return false;
}

static int append(struct weir_driver_list *list, struct weir_driver_spec *d, const char *compat)
{
	struct weir_compat *more;
	char *name;

	more = weir_arena_alloc(&list->arena, (d->compat_count + 1) * sizeof(*more));
	name = weir_arena_strndup(&list->arena, compat, strlen(compat));
	if (!more || !name)
		return WEIR_ENOMEM;
	memcpy(more, d->compats, d->compat_count * sizeof(*more));
	more[d->compat_count] = (struct weir_compat){ .name = name, .unlisted = true };
	d->compats = more;
	d->compat_count++;
	return 0;
}

static int extend_one(struct weir_modscan *scan, const struct weir_strtable *wanted,
		      struct weir_driver_list *list, struct weir_driver_spec *d)
{
	uint32_t module = weir_modindex_module(scan->index, d->name);
	struct entry entry;
	int err, added = 0;

	if (module == WEIR_MODULE_NONE)
		return 0;
	err = get_entry(scan, module, &entry);
	if (err)
		return err;
	for (size_t at = 0; at < entry.bytes; at += strlen(entry.text + at) + 1) {
		const char *compat = entry.text + at;

		if (weir_strtable_find(wanted, compat, strlen(compat)) == WEIR_STRTABLE_NONE ||
		    has(d, compat))
			continue;
		err = append(list, d, compat);
		if (err)
			return err;
		added++;
	}
	return added;
}

int weir_modscan_extend(struct weir_modscan *scan, const char *const *compats, size_t count,
			struct weir_driver_list *list)
{
	struct weir_strtable wanted = { 0 };
	int err = 0, added = 0;
	uint32_t id;

	for (size_t i = 0; i < count && !err; i++)
		err = weir_strtable_add(&wanted, compats[i], strlen(compats[i]), &id);
	for (size_t i = 0; i < list->driver_count && err >= 0; i++) {
		if (list->drivers[i].when != WEIR_WHEN_MODULE)
			continue;
		err = extend_one(scan, &wanted, list, &list->drivers[i]);
		added += err > 0 ? err : 0;
	}
	weir_strtable_fini(&wanted);
	return err < 0 ? err : added;
}
