// SPDX-License-Identifier: MIT
/*
 * Modules, their index and firmware in an initramfs; see initramfs_user.h.
 */
#include "initramfs_user.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kfile.h"
#include "weir/err.h"

/* Of all lists and indexes together; real ones stay below 2 MiB. */
#define MAX_TEXT ((size_t)64 << 20)

const char *weir_initramfs_user_name_(struct weir_initramfs_user *user, const char *word, size_t len)
{
	const char *slash = NULL, *dot;
	char *name;

	for (size_t i = 0; i < len; i++)
		if (word[i] == '/')
			slash = word + i;
	if (slash) {
		len -= (size_t)(slash + 1 - word);
		word = slash + 1;
	}
	name = weir_arena_strndup(&user->arena, word, len);
	if (!name)
		return NULL;
	dot = strstr(name, ".ko");
	if (dot)
		name[dot - name] = '\0';
	for (char *p = name; *p; p++)
		*p = *p == '-' ? '_' : *p;
	return name;
}

int weir_initramfs_user_text_(struct weir_initramfs_user *user,
			      const struct weir_initramfs_file *file, char **out_text)
{
	char *text;

	if (file->size > MAX_TEXT - user->text_bytes)
		return WEIR_E2BIG;
	user->text_bytes += file->size;
	text = weir_arena_strndup(&user->arena, file->size ? (const char *)file->data : "", file->size);
	if (!text)
		return WEIR_ENOMEM;
	*out_text = text;
	return 0;
}

/* ---- which directory of modules ---- */

static bool is_module(const char *path)
{
	static const char *const ends[] = { ".ko", ".ko.xz", ".ko.gz", ".ko.zst" };
	size_t n = strlen(path);

	for (size_t i = 0; i < 4; i++)
		if (n > strlen(ends[i]) && !strcmp(path + n - strlen(ends[i]), ends[i]))
			return true;
	return false;
}

/* The part of a path below a directory; NULL when it is not below it. */
static const char *below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return !strncmp(path, dir, n) && path[n] == '/' ? path + n + 1 : NULL;
}

/* Versions that have modules, each once, and whether modules lie there without one. */
struct versions {
	const char *name[8];
	size_t len[8];
	size_t n;
	bool flat;
};

static void note_version(struct versions *v, const char *rest)
{
	size_t len = strcspn(rest, "/"), i;

	if (!rest[len]) {
		v->flat = true;
		return;
	}
	for (i = 0; i < v->n; i++)
		if (v->len[i] == len && !memcmp(v->name[i], rest, len))
			return;
	if (v->n == 8)
		return;
	v->name[v->n] = rest;
	v->len[v->n++] = len;
}

/* The version that a module was built for, as it says itself ("vermagic="). */
static const char *version_of_module(struct weir_initramfs_user *user,
				     const struct weir_initramfs_file *file)
{
	struct weir_bytes plain = { 0 };
	const uint8_t *data = file->data, *at;
	size_t size = file->size;
	const char *found = NULL;

	if (weir_unpack_compression(data, size) &&
	    !weir_unpack_stream(data, size, NULL, &plain)) {
		data = plain.data;
		size = plain.size;
	}
	at = size ? memmem(data, size, "vermagic=", 9) : NULL;
	if (at) {
		size_t left = size - (size_t)(at - data) - 9, n = 0;

		while (n < left && at[9 + n] > ' ' && at[9 + n] < 0x7f)
			n++;
		found = weir_arena_strndup(&user->arena, (const char *)at + 9, n);
	}
	weir_bytes_fini(&plain);
	return found;
}

static int wrong_version(struct weir_errtext *et, const struct versions *v, const char *version)
{
	char names[300] = "";
	size_t used = 0;

	for (size_t i = 0; i < v->n && used < sizeof(names) - 80; i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%.*s", i ? ", " : "",
					 (int)(v->len[i] < 64 ? v->len[i] : 64), v->name[i]);
	if (version)
		return weir_errtext_set(et, WEIR_EINVAL, "it has modules of %s, and the kernel is %s: "
					"none of them can be loaded", names, version);
	return weir_errtext_set(et, WEIR_EINVAL, "it has modules of several kernels (%s), and it is not "
				"known which one boots: --kernel", names);
}

/* Flat: the modules lie in lib/modules itself, as in Android's ramdisks. */
static int pick_flat(struct weir_initramfs_user *user, const char *modules, const char *version,
		     struct weir_errtext *et)
{
	const struct weir_initramfs *image = user->image;
	struct versions v = { .n = 1 };

	user->module_dir = weir_arena_strndup(&user->arena, modules, strlen(modules));
	for (size_t i = 0; i < image->file_count && !user->version; i++) {
		const char *rest = below(image->files[i].path, modules);

		if (rest && !strchr(rest, '/') && is_module(rest) &&
		    image->files[i].type == WEIR_INITRAMFS_FILE)
			user->version = version_of_module(user, &image->files[i]);
	}
	if (!user->module_dir)
		return WEIR_ENOMEM;
	if (!user->version || !version || !strcmp(user->version, version))
		return 0;
	v.name[0] = user->version;
	v.len[0] = strlen(user->version);
	return wrong_version(et, &v, version);
}

static int pick_version(struct weir_initramfs_user *user, const char *version,
			struct weir_errtext *et)
{
	const struct weir_initramfs *image = user->image;
	char modules[WEIR_INITRAMFS_MAX_PATH], dir[WEIR_INITRAMFS_MAX_PATH + 300];
	struct versions v = { .n = 0 };
	size_t pick = 0;

	if (!weir_initramfs_real(image, "lib/modules", modules, sizeof(modules)))
		return 0;
	for (size_t i = 0; i < image->file_count; i++) {
		const char *rest = below(image->files[i].path, modules);

		if (rest && is_module(rest) && image->files[i].type != WEIR_INITRAMFS_DIR)
			note_version(&v, rest);
	}
	if (v.flat)
		return pick_flat(user, modules, version, et);
	if (!v.n)
		return 0;
	for (pick = 0; version && pick < v.n; pick++)
		if (v.len[pick] == strlen(version) && !memcmp(v.name[pick], version, v.len[pick]))
			break;
	if (pick == v.n || (!version && v.n > 1))
		return wrong_version(et, &v, version);
	user->version = weir_arena_strndup(&user->arena, v.name[pick], v.len[pick]);
	snprintf(dir, sizeof(dir), "%s/%.*s", modules, (int)v.len[pick], v.name[pick]);
	user->module_dir = weir_arena_strndup(&user->arena, dir, strlen(dir));
	return user->version && user->module_dir ? 0 : WEIR_ENOMEM;
}

/* ---- modules ---- */

static int take_module(struct weir_initramfs_user *user, const struct weir_initramfs_file *file)
{
	struct weir_initramfs_module *more;
	const char *name = weir_initramfs_user_name_(user, file->path, strlen(file->path));
	uint32_t id;

	if (!name)
		return WEIR_ENOMEM;
	if (weir_strtable_find(&user->names, name, strlen(name)) != WEIR_STRTABLE_NONE)
		return 0;
	more = weir_array_grow(user->modules, user->module_count, &user->module_room, sizeof(*more));
	if (!more)
		return WEIR_ENOMEM;
	user->modules = more;
	if (weir_strtable_add(&user->names, name, strlen(name), &id))
		return WEIR_ENOMEM;
	user->modules[user->module_count++] = (struct weir_initramfs_module){ .name = name,
									      .file = file };
	return 0;
}

static int take_modules(struct weir_initramfs_user *user)
{
	const struct weir_initramfs *image = user->image;
	int err = 0;

	for (size_t i = 0; i < image->file_count && !err; i++) {
		const struct weir_initramfs_file *f = &image->files[i];
		const struct weir_initramfs_file *to = f;

		if (!below(f->path, user->module_dir) || !is_module(f->path))
			continue;
		if (f->type == WEIR_INITRAMFS_LINK)
			to = weir_initramfs_find(image, f->path);
		if (to && to->type == WEIR_INITRAMFS_FILE)
			err = take_module(user, f);
	}
	return err;
}

static const struct weir_initramfs_file *in_module_dir(const struct weir_initramfs_user *user,
							const char *name)
{
	char path[WEIR_INITRAMFS_MAX_PATH + 300];

	if (snprintf(path, sizeof(path), "%s/%s", user->module_dir, name) >= (int)sizeof(path))
		return NULL;
	return weir_initramfs_find(user->image, path);
}

/* What modprobe can find by name. */
static int take_index(struct weir_initramfs_user *user)
{
	const struct weir_initramfs_file *f = in_module_dir(user, "modules.dep");
	char *text, *line;
	uint32_t id;
	int err;

	user->has_alias = in_module_dir(user, "modules.alias") ||
			  in_module_dir(user, "modules.alias.bin");
	if (!f || f->type != WEIR_INITRAMFS_FILE) {
		/* the binary form is made from the files that are there */
		bool has_dep = in_module_dir(user, "modules.dep.bin") != NULL;

		for (size_t i = 0; i < user->module_count; i++)
			user->modules[i].indexed = has_dep;
		return 0;
	}
	err = weir_initramfs_user_text_(user, f, &text);
	if (err)
		return err;
	while ((line = weir_text_line(&text))) {
		const char *name = weir_initramfs_user_name_(user, line, strcspn(line, ":"));

		if (!name || weir_strtable_add(&user->indexed, name, strlen(name), &id))
			return WEIR_ENOMEM;
	}
	for (size_t i = 0; i < user->module_count; i++)
		user->modules[i].indexed =
			weir_strtable_find(&user->indexed, user->modules[i].name,
					   strlen(user->modules[i].name)) != WEIR_STRTABLE_NONE;
	return 0;
}

static bool listed(const struct weir_strtable *table, const char *name)
{
	return weir_strtable_find(table, name, strlen(name)) != WEIR_STRTABLE_NONE;
}

/* Who loads modules for devices. */
static const char *find_coldplug(const struct weir_initramfs *image)
{
	static const char *const programs[] = {
		"usr/lib/systemd/systemd-udevd", "lib/systemd/systemd-udevd", "sbin/udevd", "bin/udevd",
		"usr/bin/udevadm", "bin/udevadm", "sbin/nlplug-findfs", "usr/sbin/nlplug-findfs",
		"sbin/mdev", "bin/mdev",
	};

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (weir_initramfs_find(image, programs[i]))
			return strrchr(programs[i], '/') + 1;
	return NULL;
}

int weir_initramfs_user_create(const struct weir_initramfs *image, const char *version,
			       struct weir_errtext *et, struct weir_initramfs_user **out_user)
{
	struct weir_initramfs_user *user = calloc(1, sizeof(*user));
	int err;

	if (!user)
		return weir_errtext_set(et, WEIR_ENOMEM, "no memory");
	user->image = image;
	user->coldplug = find_coldplug(image);
	err = pick_version(user, version, et);
	if (!err && user->module_dir)
		err = take_modules(user);
	if (!err && user->module_dir)
		err = take_index(user);
	if (!err)
		err = weir_initramfs_user_modprobe_d_(user);
	if (!err)
		err = weir_initramfs_user_lists_(user);
	for (size_t i = 0; !err && i < user->module_count; i++) {
		user->modules[i].blacklisted = listed(&user->blacklist, user->modules[i].name);
		user->modules[i].never = listed(&user->never, user->modules[i].name);
	}
	if (err == WEIR_ENOMEM)
		weir_errtext_set(et, err, "no memory");
	if (err == WEIR_E2BIG)
		weir_errtext_set(et, err, "over %zu MiB of lists of modules, or over %u of them",
				 MAX_TEXT >> 20, WEIR_INITRAMFS_MAX_LISTS);
	if (err)
		weir_initramfs_user_destroy(user);
	else
		*out_user = user;
	return err;
}

void weir_initramfs_user_destroy(struct weir_initramfs_user *user)
{
	if (!user)
		return;
	free(user->modules);
	free(user->loads);
	free(user->softdeps);
	weir_strtable_fini(&user->names);
	weir_strtable_fini(&user->indexed);
	weir_strtable_fini(&user->blacklist);
	weir_strtable_fini(&user->never);
	weir_arena_fini(&user->arena);
	free(user);
}

static bool plain_name(const char *name, char *plain, size_t bytes)
{
	size_t len = strlen(name);

	if (len >= bytes)
		return false;
	for (size_t i = 0; i <= len; i++)
		plain[i] = name[i] == '-' ? '_' : name[i];
	return true;
}

const struct weir_initramfs_module *
weir_initramfs_user_module(const struct weir_initramfs_user *user, const char *name)
{
	char plain[256];
	uint32_t id;

	if (!plain_name(name, plain, sizeof(plain)))
		return NULL;
	id = weir_strtable_find(&user->names, plain, strlen(plain));
	return id == WEIR_STRTABLE_NONE ? NULL : &user->modules[id];
}

bool weir_initramfs_user_denies(const struct weir_initramfs_user *user, const char *name)
{
	char plain[256];

	return plain_name(name, plain, sizeof(plain)) &&
	       (listed(&user->blacklist, plain) || listed(&user->never, plain));
}

/* Names in a module's list may be patterns. */
static bool find_pattern(const struct weir_initramfs *image, const char *pattern)
{
	char dir[WEIR_INITRAMFS_MAX_PATH];

	if (!weir_initramfs_real(image, "lib/firmware", dir, sizeof(dir)))
		return false;
	for (size_t i = 0; i < image->file_count; i++) {
		const char *rest = below(image->files[i].path, dir);

		if (rest && image->files[i].type != WEIR_INITRAMFS_DIR && !fnmatch(pattern, rest, 0))
			return true;
	}
	return false;
}

bool weir_initramfs_user_firmware(const struct weir_initramfs_user *user, const char *name,
				  bool packed)
{
	static const char *const ends[] = { "", ".zst", ".xz" };
	char path[WEIR_INITRAMFS_MAX_PATH];
	const char *version = user->version ? user->version : "";

	if (strpbrk(name, "*?["))
		return find_pattern(user->image, name);
	for (unsigned int where = 0; where < 4; where++)
		for (unsigned int end = 0; end < (packed ? 3 : 1); end++) {
			const struct weir_initramfs_file *f;
			int n;

			if (where % 2 == 0 && !*version)
				continue;
			n = snprintf(path, sizeof(path), "lib/firmware/%s%s%s%s%s",
				     where < 2 ? "updates/" : "", where % 2 ? "" : version,
				     where % 2 ? "" : "/", name, ends[end]);
			if (n < 0 || (size_t)n >= sizeof(path))
				continue;
			f = weir_initramfs_find(user->image, path);
			if (f && f->type == WEIR_INITRAMFS_FILE)
				return true;
		}
	return false;
}
