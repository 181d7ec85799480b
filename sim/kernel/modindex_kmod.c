// SPDX-License-Identifier: MIT
/*
 * What libkmod is for: depmod's binary indexes, where the texts are missing,
 * and the .modinfo of module files. The context of an index is made on first
 * use and used under its lock.
 */
#include "modindex_priv.h"

#include <errno.h>
#include <libkmod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "weir/err.h"

/* libkmod prints to stderr unless it is told not to. */
static struct kmod_ctx *context_new(const char *dir)
{
	const char *no_config = NULL;
	struct kmod_ctx *ctx = kmod_new(dir, &no_config);

	if (ctx)
		kmod_set_log_priority(ctx, 0);
	return ctx;
}

/* Lines are "KEY VALUE"; of modules.dep.bin, the value alone is what the text has. */
static size_t drop_keys(char *text)
{
	char *from = text, *to = text;

	while (*from) {
		size_t len = strcspn(from, "\n"), key = strcspn(from, " \n");

		if (key < len) {
			memmove(to, from + key + 1, len - key - 1);
			to += len - key - 1;
			*to++ = '\n';
		}
		from += len + (from[len] == '\n');
	}
	*to = 0;
	return (size_t)(to - text);
}

int weir_modindex_dump_(const char *dir, int which, struct weir_bytes *out_text)
{
	enum kmod_index type = which == WEIR_MODINDEX_ALIAS ? KMOD_INDEX_MODULES_ALIAS :
			       which == WEIR_MODINDEX_DEP   ? KMOD_INDEX_MODULES_DEP :
							      KMOD_INDEX_MODULES_BUILTIN;
	struct kmod_ctx *ctx = context_new(dir);
	uint8_t *data = NULL;
	size_t size = 0;
	ssize_t got = 0;
	off_t end;
	int fd, err = WEIR_ENOENT;

	if (!ctx)
		return WEIR_ENOMEM;
	fd = memfd_create("index", MFD_CLOEXEC);
	if (fd < 0) {
		err = WEIR_EIO;
		goto out_ctx;
	}
	if (kmod_load_resources(ctx) < 0 || kmod_dump_index(ctx, type, fd) < 0)
		goto out_fd;
	end = lseek(fd, 0, SEEK_CUR);
	if (end <= 0)
		goto out_fd;
	data = malloc((size_t)end + 1);
	if (!data) {
		err = WEIR_ENOMEM;
		goto out_fd;
	}
	for (size = 0; size < (size_t)end; size += (size_t)got) {
		got = pread(fd, data + size, (size_t)end - size, (off_t)size);
		if (got <= 0)
			break;
	}
	data[size] = 0;
	if (which == WEIR_MODINDEX_DEP)
		size = drop_keys((char *)data);
	*out_text = (struct weir_bytes){ data, size };
	err = 0;
out_fd:
	close(fd);
out_ctx:
	kmod_unref(ctx);
	return err;
}

static int info_of(struct kmod_ctx *ctx, const char *path, const char *key,
		   int (*fn)(void *ctx, const char *value), void *fn_ctx)
{
	struct kmod_list *list = NULL, *item;
	struct kmod_module *mod;
	int err;

	err = kmod_module_new_from_path(ctx, path, &mod);
	if (err < 0)
		return err == -ENOENT ? WEIR_ENOENT : err == -ENOMEM ? WEIR_ENOMEM : WEIR_EIO;
	err = kmod_module_get_info(mod, &list);
	if (err < 0) {
		kmod_module_unref(mod);
		return err == -ENOENT ? WEIR_ENOENT : err == -ENOMEM ? WEIR_ENOMEM : WEIR_EIO;
	}
	err = 0;
	kmod_list_foreach(item, list) {
		if (strcmp(kmod_module_info_get_key(item), key))
			continue;
		err = fn(fn_ctx, kmod_module_info_get_value(item));
		if (err)
			break;
	}
	kmod_module_info_free_list(list);
	kmod_module_unref(mod);
	return err;
}

int weir_modindex_modinfo(const struct weir_modindex *index, uint32_t module, const char *key,
			  int (*fn)(void *ctx, const char *value), void *ctx)
{
	struct weir_modindex_store *store = index->store;
	const struct weir_index_module *m;
	char path[4096];
	int err;

	if (module >= index->module_count)
		return WEIR_ENOENT;
	m = &index->modules[module];
	if (!m->path || snprintf(path, sizeof(path), "%s%s%s", m->path[0] == '/' ? "" : index->dir,
				 m->path[0] == '/' ? "" : "/", m->path) >= (int)sizeof(path))
		return WEIR_ENOENT;
	if (access(path, F_OK))
		return WEIR_ENOENT;
	pthread_mutex_lock(&store->lock);
	if (!store->kmod)
		store->kmod = context_new(index->dir);
	err = store->kmod ? info_of(store->kmod, path, key, fn, ctx) : WEIR_ENOMEM;
	pthread_mutex_unlock(&store->lock);
	return err;
}
