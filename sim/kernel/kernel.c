// SPDX-License-Identifier: MIT
/*
 * A kernel put together from its parts; see kernel.h. Opening reads everything
 * (the image by way of the cache); what is missing is left NULL and reported.
 */
#include "kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kfile.h"
#include "package.h"
#include "unpack.h"
#include "weir/err.h"

const char *weir_kernel_part_name(enum weir_kernel_part part)
{
	static const char *const names[WEIR_KERNEL_PARTS] = {
		[WEIR_KERNEL_IMAGE] = "kernel image",
		[WEIR_KERNEL_ALIAS] = "modules.alias",
		[WEIR_KERNEL_DEP] = "modules.dep",
		[WEIR_KERNEL_SOFTDEP] = "modules.softdep",
		[WEIR_KERNEL_ORDER] = "modules.order",
		[WEIR_KERNEL_BUILTIN] = "modules.builtin",
		[WEIR_KERNEL_MODINFO] = "modules.builtin.modinfo",
		[WEIR_KERNEL_CONFIG] = "config",
	};

	return part < WEIR_KERNEL_PARTS ? names[part] : "unknown";
}

static const char *keep(struct weir_kernel *k, const char *s)
{
	return weir_arena_strndup(&k->arena, s, strlen(s));
}

static int open_index(struct weir_kernel *k, const char *dir, struct weir_errtext *et)
{
	static const struct {
		enum weir_modindex_file bit;
		enum weir_kernel_part part;
	} parts[] = {
		{ WEIR_MODINDEX_ALIAS, WEIR_KERNEL_ALIAS },	{ WEIR_MODINDEX_DEP, WEIR_KERNEL_DEP },
		{ WEIR_MODINDEX_SOFTDEP, WEIR_KERNEL_SOFTDEP }, { WEIR_MODINDEX_ORDER, WEIR_KERNEL_ORDER },
		{ WEIR_MODINDEX_BUILTIN, WEIR_KERNEL_BUILTIN }, { WEIR_MODINDEX_MODINFO, WEIR_KERNEL_MODINFO },
	};
	size_t i;
	int err;

	k->index_dir = keep(k, dir);
	if (!k->index_dir)
		return WEIR_ENOMEM;
	err = weir_modindex_open(dir, et, &k->index);
	if (err)
		return err;
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		k->has[parts[i].part] = k->index->found & (unsigned int)parts[i].bit;
	return 0;
}

static int open_image(struct weir_kernel *k, const char *path, struct weir_errtext *et)
{
	int err;

	k->image_path = keep(k, path);
	if (!k->image_path)
		return WEIR_ENOMEM;
	err = weir_image_open_cached(path, et, &k->image);
	if (err)
		return err;
	k->has[WEIR_KERNEL_IMAGE] = true;
	k->arch = k->image->arch;
	return 0;
}

/* The configuration may be compressed like the rest. */
static int open_config(struct weir_kernel *k, const char *path, struct weir_errtext *et)
{
	struct weir_bytes plain;
	int err;

	k->config_path = keep(k, path);
	if (!k->config_path)
		return WEIR_ENOMEM;
	err = weir_bytes_read(path, et, &k->config);
	if (err)
		return err;
	if (weir_unpack_compression(k->config.data, k->config.size)) {
		err = weir_unpack_stream(k->config.data, k->config.size, et, &plain);
		if (err) {
			weir_errtext_prefix(et, path);
			return err;
		}
		weir_bytes_fini(&k->config);
		k->config = plain;
	}
	k->has[WEIR_KERNEL_CONFIG] = true;
	return 0;
}

/* Without an image, the configuration tells the architecture. */
static enum weir_arch config_arch(const struct weir_kernel *k)
{
	static const struct {
		const char *key;
		enum weir_arch arch;
	} keys[] = {
		{ "CONFIG_ARM64", WEIR_ARCH_ARM64 },   { "CONFIG_ARM", WEIR_ARCH_ARM },
		{ "CONFIG_X86_64", WEIR_ARCH_X86_64 }, { "CONFIG_RISCV", WEIR_ARCH_RISCV64 },
	};
	char value[8];
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!weir_kernel_config(k, keys[i].key, value, sizeof(value)))
			return keys[i].arch;
	return WEIR_ARCH_UNKNOWN;
}

/* ---- what was given ---- */

#define MAX_GIVEN 80

struct given {
	const char *packages[MAX_GIVEN];
	size_t count;
	const char *dir, *image;
	char modules[4096], fit[4096]; /* of a deploy directory */
	char unpacked[4096];
	struct weir_kernel_places dir_places, places;
};

static int sort_given(struct given *g, const char *const *paths, size_t count, struct weir_errtext *et)
{
	struct stat st;

	if (count > MAX_GIVEN - 2)
		return weir_errtext_set(et, WEIR_E2BIG, "more than %d parts of a kernel", MAX_GIVEN - 2);
	for (size_t i = 0; i < count; i++) {
		bool file = !stat(paths[i], &st) && S_ISREG(st.st_mode);

		if (weir_package_kind(paths[i])) {
			g->packages[g->count++] = paths[i];
		} else if (file && (g->dir || count > 1)) {
			if (g->image)
				return weir_errtext_set(et, WEIR_EINVAL, "two kernel images: %.200s and %.200s",
							g->image, paths[i]);
			g->image = paths[i];
		} else {
			if (g->dir)
				return weir_errtext_set(et, WEIR_EINVAL, "two directories of a kernel: %.200s "
							"and %.200s", g->dir, paths[i]);
			g->dir = paths[i];
		}
	}
	return 0;
}

/* The directory, and what a build left in it besides. */
static int find_in_dir(struct given *g, struct weir_errtext *et)
{
	int err = weir_kernel_find_(g->dir, g->image, et, &g->dir_places);

	if (!err && !g->dir_places.index[0])
		err = weir_deploy_modules(g->dir, et, g->modules);
	if (err > 0)
		g->packages[g->count++] = g->modules;
	if (err >= 0 && !g->dir_places.image[0])
		err = weir_deploy_fit(g->dir, et, g->fit);
	if (err > 0 && g->fit[0])
		g->packages[g->count++] = g->fit;
	return err < 0 ? err : 0;
}

static int take_place(char *to, const char *from, const char *what, struct weir_errtext *et)
{
	if (!*from)
		return 0;
	if (*to)
		return weir_errtext_set(et, WEIR_EINVAL, "two %s: %.200s and %.200s", what, to, from);
	strcpy(to, from);
	return 0;
}

static int find_in_packages(struct weir_kernel *k, struct given *g, struct weir_errtext *et)
{
	bool temporary = false;
	int err = weir_package_unpack(g->packages, g->count, et, g->unpacked, &temporary);

	if (err)
		return err;
	if (temporary) {
		k->temporary = strdup(g->unpacked);
		if (!k->temporary) {
			weir_package_remove(g->unpacked);
			return WEIR_ENOMEM;
		}
	}
	return weir_kernel_find_(g->unpacked, g->dir ? NULL : g->image, et, &g->places);
}

static int find_all(struct weir_kernel *k, struct given *g, struct weir_errtext *et)
{
	struct weir_kernel_places *p = &g->places, *d = &g->dir_places;
	int err = g->dir ? find_in_dir(g, et) : 0;

	if (!err && g->count)
		err = find_in_packages(k, g, et);
	if (!err)
		err = take_place(p->index, d->index, "directories of modules", et);
	if (!err && d->image[0])
		p->image[0] = '\0'; /* given, or beside: it has precedence */
	if (!err)
		err = take_place(p->image, d->image, "kernel images", et);
	if (!err && !p->config[0])
		err = take_place(p->config, d->config, "kernel configurations", et);
	if (!err && !p->version[0])
		strcpy(p->version, d->version);
	if (!err && !p->index[0] && !p->image[0])
		err = weir_errtext_set(et, WEIR_ENOENT,
				       "%s: no modules.alias, modules.dep or kernel image found: "
				       "not a kernel directory",
				       k->dir);
	return err;
}

static const char *join_names(struct weir_kernel *k, const char *const *paths, size_t count)
{
	size_t bytes = 1, at = 0;
	char *all;

	for (size_t i = 0; i < count; i++)
		bytes += strlen(paths[i]) + 3;
	all = weir_arena_alloc(&k->arena, bytes);
	for (size_t i = 0; all && i < count; i++)
		at += (size_t)snprintf(all + at, bytes - at, "%s%s", i ? " + " : "", paths[i]);
	return all;
}

static int read_parts(struct weir_kernel *k, const struct weir_kernel_places *places,
		      struct weir_errtext *et)
{
	int err = 0;

	if (places->index[0])
		err = open_index(k, places->index, et);
	if (!err && places->image[0])
		err = open_image(k, places->image, et);
	if (!err && places->config[0])
		err = open_config(k, places->config, et);
	if (err)
		return err;
	if (k->arch == WEIR_ARCH_UNKNOWN)
		k->arch = config_arch(k);
	if (k->image && k->image->version)
		k->version = keep(k, k->image->version);
	else if (places->version[0])
		k->version = keep(k, places->version);
	return 0;
}

int weir_kernel_open_all(const char *const *paths, size_t count, const char *image,
			 struct weir_errtext *et, struct weir_kernel **out_kernel)
{
	struct weir_kernel *k = calloc(1, sizeof(*k));
	struct given *g = calloc(1, sizeof(*g));
	int err = WEIR_ENOMEM;

	if (!k || !g)
		goto out;
	k->dir = join_names(k, paths, count);
	if (!k->dir)
		goto out;
	g->image = image;
	err = sort_given(g, paths, count, et);
	if (!err)
		err = find_all(k, g, et);
	if (!err)
		err = read_parts(k, &g->places, et);
out:
	free(g);
	if (err == WEIR_ENOMEM)
		weir_errtext_set(et, err, "%s: no memory to read the kernel", paths[0]);
	if (err)
		weir_kernel_destroy(k);
	else
		*out_kernel = k;
	return err;
}

int weir_kernel_open(const char *dir, const char *image, struct weir_errtext *et,
		     struct weir_kernel **out_kernel)
{
	return weir_kernel_open_all(&dir, 1, image, et, out_kernel);
}

void weir_kernel_destroy(struct weir_kernel *kernel)
{
	if (!kernel)
		return;
	weir_image_destroy(kernel->image);
	weir_modindex_destroy(kernel->index);
	weir_bytes_fini(&kernel->config);
	if (kernel->temporary)
		weir_package_remove(kernel->temporary);
	free(kernel->temporary);
	weir_arena_fini(&kernel->arena);
	free(kernel);
}

int weir_kernel_config(const struct weir_kernel *kernel, const char *key, char *out_value,
		       size_t value_bytes)
{
	const char *text = (const char *)kernel->config.data, *at = text;
	size_t key_len = strlen(key), len;

	while (at && (at = strstr(at, key))) {
		if ((at == text || at[-1] == '\n') && at[key_len] == '=')
			break;
		at += key_len;
	}
	if (!at || !value_bytes)
		return WEIR_ENOENT;
	at += key_len + 1;
	len = strcspn(at, "\r\n");
	if (len >= 2 && at[0] == '"' && at[len - 1] == '"') {
		at++;
		len -= 2;
	}
	if (len >= value_bytes)
		len = value_bytes - 1;
	memcpy(out_value, at, len);
	out_value[len] = 0;
	return 0;
}

int weir_kernel_driver_list(const struct weir_kernel *kernel, const char *const *compats,
			    size_t count, struct weir_driver_list **out_list)
{
	return weir_driver_list_build(kernel->image, kernel->index, compats, count, out_list);
}

int weir_kernel_report(FILE *f, const struct weir_kernel *kernel)
{
	const struct weir_image *image = kernel->image;
	const char *between = "missing: ";
	int part;

	fprintf(f, "kernel: %s, %s\n", kernel->version ? kernel->version : "version unknown",
		weir_arch_name(kernel->arch));
	if (image)
		fprintf(f, "image: %s%s%s%s: %zu built-in drivers, %zu early entries%s%s\n", kernel->image_path,
			image->layers[0] ? " (" : "", image->layers, image->layers[0] ? ")" : "",
			image->driver_count, image->early_count,
			image->why_tables ? "; order unknown: " : "", image->why_tables ? image->why_tables : "");
	if (kernel->index)
		fprintf(f, "modules: %s: %zu modules, %zu compatibles\n", kernel->index_dir,
			kernel->index->module_count, kernel->index->of_alias_count);
	if (kernel->config_path)
		fprintf(f, "config: %s\n", kernel->config_path);
	for (part = 0; part < WEIR_KERNEL_PARTS; part++) {
		if (kernel->has[part])
			continue;
		fprintf(f, "%s%s", between, weir_kernel_part_name((enum weir_kernel_part)part));
		between = ", ";
	}
	if (between[0] == ',')
		fputc('\n', f);
	if (kernel->index && !kernel->has[WEIR_KERNEL_ALIAS])
		fprintf(f, "hint: no module is known: there is no modules.alias, and no module file\n");
	if (kernel->index && kernel->index->scanned)
		fprintf(f, "note: depmod has never run there: the modules themselves were read\n");
	return ferror(f) ? WEIR_EIO : 0;
}
