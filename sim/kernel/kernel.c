// SPDX-License-Identifier: MIT
/*
 * A kernel put together from its parts; see kernel.h. Opening reads everything
 * (the image by way of the cache); what is missing is left NULL and reported.
 */
#include "kernel.h"

#include <stdlib.h>
#include <string.h>

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

/* Return: 0; an error. *@out_dir: where to look, when @path is a package. */
static int open_package(struct weir_kernel *k, const char *path, struct weir_errtext *et, char *out_dir,
			const char **out_path)
{
	bool temporary = false;
	int err;

	if (!weir_package_kind(path))
		return 0;
	err = weir_package_unpack(path, et, out_dir, &temporary);
	if (err)
		return err;
	if (temporary)
		k->temporary = strdup(out_dir);
	*out_path = out_dir;
	return 0;
}

int weir_kernel_open(const char *dir, const char *image, struct weir_errtext *et,
		     struct weir_kernel **out_kernel)
{
	struct weir_kernel_places *places = malloc(sizeof(*places));
	struct weir_kernel *k = calloc(1, sizeof(*k));
	char *unpacked = malloc(4096);
	const char *where = dir;
	int err = WEIR_ENOMEM;

	if (!places || !k || !unpacked)
		goto out;
	k->dir = keep(k, dir);
	if (!k->dir)
		goto out;
	err = open_package(k, dir, et, unpacked, &where);
	if (!err)
		err = weir_kernel_find_(where, image, et, places);
	if (!err && places->index[0])
		err = open_index(k, places->index, et);
	if (!err && places->image[0])
		err = open_image(k, places->image, et);
	if (!err && places->config[0])
		err = open_config(k, places->config, et);
	if (err)
		goto out;
	if (k->arch == WEIR_ARCH_UNKNOWN)
		k->arch = config_arch(k);
	if (k->image && k->image->version)
		k->version = keep(k, k->image->version);
	else if (places->version[0])
		k->version = keep(k, places->version);
out:
	free(places);
	free(unpacked);
	if (err == WEIR_ENOMEM)
		weir_errtext_set(et, err, "%s: no memory to read the kernel", dir);
	if (err)
		weir_kernel_destroy(k);
	else
		*out_kernel = k;
	return err;
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
