// SPDX-License-Identifier: MIT
/*
 * `--initramfs`: reading it, and what is loaded from it; see initramfs.h.
 */
#include "initramfs.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/bootimage.h"
#include "kernel/kfile.h"
#include "kernel/le.h"
#include "weir.h"

/* ---- reading ---- */

static int bad(char *out_what, size_t bytes, const char *path, const char *what)
{
	snprintf(out_what, bytes, "%s: %s", path, what);
	return EXIT_USAGE;
}

static bool is_word(const char *s)
{
	while (*s > ' ' && *s < 0x7f)
		s++;
	return !*s;
}

/* Names of modules, one a line; paths and .ko do not matter. */
static int read_list(struct initramfs *in, struct weir_bytes *text, char *out_what, size_t bytes)
{
	unsigned int number = 0;
	char *at, *line;
	uint32_t id;

	in->text = (char *)text->data;
	if (memchr(text->data, 0, text->size))
		return bad(out_what, bytes, in->path, "neither an initramfs image nor a list of modules");
	for (at = in->text; (line = strsep(&at, "\n"));) {
		char *slash = strrchr(line, '/'), *dot;
		bool odd = *line != '#' && strpbrk(line, ":=(){}<>;\"'$");

		line = slash ? slash + 1 : line;
		line += strspn(line, " \t");
		line[strcspn(line, " \t\r")] = '\0';
		number++;
		if (*line != '#' && (odd || !is_word(line))) {
			snprintf(out_what, bytes, "%s:%u: neither an initramfs image nor a list of "
				 "modules", in->path, number);
			return EXIT_USAGE;
		}
		dot = strstr(line, ".ko");
		if (dot)
			*dot = '\0';
		for (char *p = line; *p; p++)
			*p = *p == '-' ? '_' : *p;
		if (*line && *line != '#' && weir_strtable_add(&in->names, line, strlen(line), &id))
			return bad(out_what, bytes, in->path, "out of memory");
	}
	return 0;
}

static int read_image(struct initramfs *in, const struct kernel_side *side, struct weir_bytes *data,
		      char *out_what, size_t bytes)
{
	struct weir_errtext et = { "" };
	char value[8];

	if (weir_initramfs_read(data, &et, &in->image) ||
	    weir_initramfs_user_create(in->image, side->kernel ? side->kernel->version : NULL, &et,
				       &in->user))
		return bad(out_what, bytes, in->path, et.text);
	in->packed_firmware = !side->kernel || !side->kernel->config.size ||
			      !weir_kernel_config(side->kernel, "CONFIG_FW_LOADER_COMPRESS", value,
						  sizeof(value));
	return 0;
}

/* A file as the boot loader hands it over: of a boot image, its ramdisks. */
static int read_one(const char *path, struct weir_bytes *out_data, char *out_what, size_t bytes)
{
	struct weir_bootimage *image = NULL;
	struct weir_errtext et = { "" };
	int err = weir_bootimage_open(path, &et, &image);

	if (!err && !image) {
		err = weir_bytes_read(path, &et, out_data);
	} else if (!err) {
		err = weir_bootimage_ramdisks(image, &et, out_data);
		if (err)
			weir_errtext_prefix(&et, path);
	}
	if (err)
		snprintf(out_what, bytes, "%s", et.text);
	weir_bootimage_destroy(image);
	return err ? EXIT_USAGE : 0;
}

/* One more behind what is there, of which the header of a boot loader stays out. */
static int append_one(struct weir_bytes *data, const char *path, char *out_what, size_t bytes)
{
	struct weir_bytes more = { 0 };
	size_t skip = 0;
	uint8_t *all;
	int err = read_one(path, &more, out_what, bytes);

	if (err)
		return err;
	if (!weir_initramfs_is_image(more.data, more.size))
		err = bad(out_what, bytes, path, "no initramfs image, which could stand behind another");
	else if (more.size >= 64 && weir_get_be32(more.data) == 0x27051956u)
		skip = 64;
	if (!err && more.size > WEIR_UNPACK_MAX_BYTES - data->size)
		err = bad(out_what, bytes, path, "too large together with the others");
	all = err ? NULL : realloc(data->data, data->size + more.size + 1);
	if (all) {
		memcpy(all + data->size, more.data + skip, more.size - skip + 1);
		*data = (struct weir_bytes){ all, data->size + more.size - skip };
	} else if (!err) {
		err = bad(out_what, bytes, path, "out of memory");
	}
	weir_bytes_fini(&more);
	return err;
}

static int read_given(const struct opts *o, struct weir_bytes *out_data, char *out_what, size_t bytes)
{
	struct weir_bytes data = { 0 };
	int err = read_one(o->initramfs, &data, out_what, bytes);

	if (!err && o->more_initramfs.n && !weir_initramfs_is_image(data.data, data.size))
		err = bad(out_what, bytes, o->initramfs, "no initramfs image, behind which another could stand");
	for (size_t i = 0; i < o->more_initramfs.n && !err; i++)
		err = append_one(&data, o->more_initramfs.item[i], out_what, bytes);
	if (err)
		weir_bytes_fini(&data);
	else
		*out_data = data;
	return err;
}

int initramfs_open(const struct opts *o, const struct kernel_side *side,
		   struct initramfs **out_initramfs, char *out_what, size_t bytes)
{
	struct weir_bytes data = { 0 }, plain;
	struct weir_errtext et = { "" };
	struct initramfs *in;
	int err = 0;

	*out_initramfs = NULL;
	if (!o->initramfs)
		return 0;
	if (read_given(o, &data, out_what, bytes))
		return EXIT_USAGE;
	in = calloc(1, sizeof(*in));
	if (!in) {
		weir_bytes_fini(&data);
		return bad(out_what, bytes, o->initramfs, "out of memory");
	}
	in->path = o->initramfs;
	if (weir_initramfs_is_image(data.data, data.size)) {
		err = read_image(in, side, &data, out_what, bytes);
	} else {
		if (weir_unpack_compression(data.data, data.size)) {
			err = weir_unpack_stream(data.data, data.size, &et, &plain);
			weir_bytes_fini(&data);
			data = plain;
		}
		err = err ? bad(out_what, bytes, in->path, et.text)
			  : read_list(in, &data, out_what, bytes);
	}
	if (err)
		initramfs_close(in);
	else
		*out_initramfs = in;
	return err;
}

void initramfs_close(struct initramfs *in)
{
	if (!in)
		return;
	weir_initramfs_user_destroy(in->user);
	weir_initramfs_destroy(in->image);
	weir_strtable_fini(&in->names);
	free(in->text);
	free(in);
}

/* ---- what can be loaded from it ---- */

static bool is_extra(const struct run *r, const char *module)
{
	return r->o->extra &&
	       weir_strtable_find(r->o->extra, module, strlen(module)) != WEIR_STRTABLE_NONE;
}

/* Whether the file is there for modprobe. */
static bool is_there(const struct run *r, const char *module)
{
	const struct weir_initramfs_module *m;

	if (is_extra(r, module))
		return true;
	m = weir_initramfs_user_module(r->initramfs->user, module);
	return m && m->indexed && !m->never;
}

bool initramfs_lists(const struct run *r, const char *module)
{
	return !r->initramfs->text && is_there(r, module);
}

/* The first of its hard dependencies that is not there; NULL: all are. */
static const char *lacking(const struct run *r, const char *module)
{
	const struct weir_modindex *index = r->kernel ? r->kernel->index : NULL;
	uint32_t id = index ? weir_modindex_module(index, module) : WEIR_MODULE_NONE;

	if (id == WEIR_MODULE_NONE)
		return NULL;
	for (uint32_t i = 0; i < index->modules[id].dep_count; i++) {
		const struct weir_index_module *dep = &index->modules[index->modules[id].deps[i]];

		if (!dep->builtin && !is_there(r, dep->name))
			return dep->name;
	}
	return NULL;
}

/* A list names what is asked for; what that depends on comes with it. */
static bool list_has(const struct run *r, const char *module)
{
	const struct weir_strtable *names = &r->initramfs->names;

	if (weir_strtable_find(names, module, strlen(module)) != WEIR_STRTABLE_NONE)
		return true;
	for (size_t i = 0; i < r->list->driver_count; i++) {
		const struct weir_driver_spec *d = &r->list->drivers[i];

		if (weir_strtable_find(names, d->name, strlen(d->name)) == WEIR_STRTABLE_NONE)
			continue;
		for (size_t k = 0; k < d->dep_count; k++)
			if (!strcmp(d->deps[k], module))
				return true;
	}
	return false;
}

bool initramfs_has(const struct run *r, const char *module)
{
	char plain[256];

	if (strlen(module) >= sizeof(plain))
		return false;
	strcpy(plain, module);
	for (char *p = plain; *p; p++)
		*p = *p == '-' ? '_' : *p;
	if (r->initramfs->text)
		return is_extra(r, plain) || list_has(r, plain);
	return is_there(r, plain) && !lacking(r, plain);
}

void initramfs_why_not(const struct run *r, const char *module, char *buf, size_t bytes)
{
	const struct weir_initramfs_user *user = r->initramfs->user;
	const struct weir_initramfs_module *m = user ? weir_initramfs_user_module(user, module) : NULL;
	const char *needs = m ? lacking(r, module) : NULL;

	if (!m)
		snprintf(buf, bytes, "is not in the initramfs");
	else if (m->never)
		snprintf(buf, bytes, "is in the initramfs, but its modprobe.d never loads it");
	else if (!m->indexed)
		snprintf(buf, bytes, "is in the initramfs, but modules.dep there does not name it");
	else if (needs)
		snprintf(buf, bytes, "is in the initramfs, but %s, which it needs, is not", needs);
	else if (m->blacklisted)
		snprintf(buf, bytes, "is in the initramfs, but blacklisted there");
	else if (!user->has_alias)
		snprintf(buf, bytes, "is in the initramfs, but there is no modules.alias to find it by");
	else
		snprintf(buf, bytes, "is in the initramfs, and nothing there loads it");
}

/* ---- what its user space does ---- */

int initramfs_add_softdeps(struct run *r)
{
	const struct weir_initramfs_user *user = r->initramfs ? r->initramfs->user : NULL;

	for (size_t i = 0; user && i < user->softdep_count; i++)
		for (size_t k = 0; k < r->list->driver_count; k++) {
			struct weir_driver_spec *d = &r->list->drivers[k];
			const char **deps;

			if (d->when != WEIR_WHEN_MODULE || strcmp(d->name, user->softdeps[i].module))
				continue;
			deps = weir_arena_alloc(&r->list->arena, (d->dep_count + 1) * sizeof(*deps));
			if (!deps)
				return WEIR_ENOMEM;
			deps[0] = user->softdeps[i].pre;
			if (d->dep_count)
				memcpy(deps + 1, d->deps, d->dep_count * sizeof(*deps));
			d->deps = deps;
			d->dep_count++;
		}
	return 0;
}

static bool may_load(void *context, const struct weir_driver_spec *spec)
{
	const struct run *r = context;

	return !run_denied(r, spec->name) && initramfs_has(r, spec->name);
}

/* Devices find their modules by the index that is in there. */
static bool may_coldplug(void *context, const struct weir_driver_spec *spec)
{
	const struct run *r = context;
	const struct weir_initramfs_user *user = r->initramfs->user;

	if (user && !is_extra(r, spec->name) &&
	    (!user->has_alias || weir_initramfs_user_denies(user, spec->name)))
		return false;
	return may_load(context, spec);
}

static void load_lists(struct run *r, bool before)
{
	const struct weir_initramfs_user *user = r->initramfs->user;

	for (size_t i = 0; user && i < user->load_count; i++) {
		const struct weir_initramfs_load *l = &user->loads[i];

		if (l->before_coldplug != before ||
		    (l->heeds_blacklist && weir_initramfs_user_denies(user, l->name)))
			continue;
		/* one that drives nothing on this board is of no interest */
		(void)weir_kmodel_load_allowed(r->model, l->name, may_load, r);
	}
}

void initramfs_stage(struct run *r)
{
	load_lists(r, true);
	weir_kmodel_coldplug(r->model, may_coldplug, r);
	load_lists(r, false);
	/* devices that came with those */
	weir_kmodel_coldplug(r->model, may_coldplug, r);
}
