// SPDX-License-Identifier: MIT
/*
 * Where the parts of a kernel are, by the names that distributions and kernel
 * builds give them; see kernel.h for the shapes. Looks at names alone, opens
 * nothing. No state, no lock.
 */
#include "kernel.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kfile.h"
#include "weir/err.h"

#define MAX_NAMES 32

/* Names in a directory that are candidates for one part. */
struct names {
	char name[MAX_NAMES][256];
	size_t count;
};

static bool join(char *out, size_t room, const char *dir, const char *name)
{
	int n = snprintf(out, room, "%s/%s", dir, name);

	return n > 0 && (size_t)n < room;
}

static bool is_dir(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static bool is_file(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode);
}

/* The name without .xz and the like. */
static size_t plain_len(const char *name)
{
	size_t len = strlen(name), i;

	for (i = 1; weir_kfile_suffixes[i]; i++) {
		size_t n = strlen(weir_kfile_suffixes[i]);

		if (len > n && !strcmp(name + len - n, weir_kfile_suffixes[i]))
			return len - n;
	}
	return len;
}

static bool has_index(const char *dir)
{
	static const char *const files[] = {
		"modules.alias", "modules.dep", "modules.alias.bin", "modules.dep.bin",
		"modules.builtin", "modules.order",
	};
	char path[4096];
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (weir_kfile_find(dir, files[i], path, sizeof(path)))
			return true;
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* What is in a directory that @fits; sorted. */
static void list_dir(const char *dir, bool (*fits)(const char *dir, const char *name), struct names *out)
{
	struct dirent *ent;
	DIR *d = opendir(dir);

	out->count = 0;
	if (!d)
		return;
	while (out->count < MAX_NAMES && (ent = readdir(d))) {
		size_t len = strlen(ent->d_name);

		if (len < sizeof(out->name[0]) && fits(dir, ent->d_name))
			memcpy(out->name[out->count++], ent->d_name, len + 1);
	}
	closedir(d);
	qsort(out->name, out->count, sizeof(out->name[0]), by_name);
}

static bool is_index_dir(const char *dir, const char *name)
{
	char path[4096];

	return name[0] != '.' && join(path, sizeof(path), dir, name) && is_dir(path) && has_index(path);
}

static bool is_named(const char *dir, const char *name, const char *const *bases)
{
	char path[4096];
	size_t i;

	for (i = 0; bases[i]; i++) {
		size_t n = strlen(bases[i]);

		/* NAME, NAME-VERSION, NAME.gz; not NAME.old or NAME.map. */
		if (!strncmp(name, bases[i], n) && (name[n] == '-' || n == plain_len(name)))
			return join(path, sizeof(path), dir, name) && is_file(path);
	}
	return false;
}

static bool is_image(const char *dir, const char *name)
{
	static const char *const bases[] = { "vmlinuz", "vmlinux", "Image", "zImage", "bzImage", NULL };

	return is_named(dir, name, bases);
}

static bool is_config(const char *dir, const char *name)
{
	static const char *const bases[] = { "config", NULL };

	return is_named(dir, name, bases);
}

/* "vmlinuz-VERSION.xz" gives VERSION, "" when there is none. */
static void version_of(const char *name, char *out, size_t room)
{
	const char *dash = strchr(name, '-');
	size_t len = dash ? plain_len(name) - (size_t)(dash + 1 - name) : 0;

	if (len >= room)
		len = 0;
	if (len)
		memcpy(out, dash + 1, len);
	out[len] = 0;
}

/* Whether all are names of one file. */
static bool all_same(const char *dir, const struct names *names)
{
	struct stat first, st;
	char path[4096];

	for (size_t i = 0; i < names->count; i++)
		if (!join(path, sizeof(path), dir, names->name[i]) || stat(path, i ? &st : &first) ||
		    (i && (st.st_ino != first.st_ino || st.st_dev != first.st_dev)))
			return false;
	return true;
}

static int several(struct weir_errtext *et, const char *dir, const char *what, const struct names *names)
{
	return weir_errtext_set(et, WEIR_EINVAL, "%s: %zu %s (%.100s, %.100s%s): name one of them", dir,
				names->count, what, names->name[0], names->name[1],
				names->count > 2 ? ", ..." : "");
}

/*
 * The file of a directory for a version; without a version, the only one there is.
 * 1: found, 0: there is none.
 */
static int pick(const char *dir, bool (*fits)(const char *, const char *), const char *what,
		struct weir_errtext *et, struct weir_kernel_places *places, char *out_path)
{
	struct names names;
	char version[256];
	size_t i, plain = MAX_NAMES, match = MAX_NAMES;

	list_dir(dir, fits, &names);
	for (i = 0; i < names.count; i++) {
		version_of(names.name[i], version, sizeof(version));
		if (places->version[0] && !strcmp(version, places->version) && match == MAX_NAMES)
			match = i;
		if (!version[0] && plain == MAX_NAMES)
			plain = i;
	}
	if (match == MAX_NAMES)
		match = plain;
	if (match == MAX_NAMES && !places->version[0] && names.count) {
		if (names.count > 1 && !all_same(dir, &names))
			return several(et, dir, what, &names);
		match = 0;
		version_of(names.name[0], places->version, sizeof(places->version));
	}
	if (match == MAX_NAMES)
		return 0;
	return join(out_path, 4096, dir, names.name[match]);
}

/* Directories that may hold the image and the configuration. */
static int pick_beside(const char *dir, struct weir_errtext *et, struct weir_kernel_places *places,
		       bool (*fits)(const char *, const char *), const char *what, char *out_path)
{
	/* Of DIR/lib/modules/VERSION, DIR/boot is three up; with usr/, four. */
	static const char *const beside[] = { "", "/boot", "/../../../boot", "/../../../../boot" };
	char path[4096], real[4096], shown[4096];
	size_t i, count = sizeof(beside) / sizeof(beside[0]);
	int got = 0;

	if (!realpath(dir, real))
		return 0;
	/* A flat directory has nothing to do with what lies around it. */
	if (!strstr(real, "/lib/modules/"))
		count = 2;
	for (i = 0; !got && i < count; i++) {
		int n = snprintf(path, sizeof(path), "%s%s", i < 2 ? dir : real, beside[i]);

		if (n < 0 || (size_t)n >= sizeof(path) || (i >= 2 && !realpath(path, shown)))
			continue;
		got = pick(i < 2 ? path : shown, fits, what, et, places, out_path);
	}
	return got;
}

static int find_index(const char *dir, struct weir_errtext *et, struct weir_kernel_places *places)
{
	static const char *const below[] = { "/lib/modules", "/usr/lib/modules" };
	char path[4096], base[4096], real[4096];
	struct names names;
	size_t i;

	if (has_index(dir)) {
		snprintf(places->index, sizeof(places->index), "%s", dir);
		/* The directory's own name is the version only where it lies in modules/. */
		if (realpath(dir, real) && strstr(real, "/lib/modules/")) {
			memcpy(base, real, sizeof(base));
			snprintf(places->version, sizeof(places->version), "%.255s", basename(base));
		}
		return 0;
	}
	for (i = 0; i < 2; i++) {
		int n = snprintf(path, sizeof(path), "%s%s", dir, below[i]);

		if (n < 0 || (size_t)n >= sizeof(path))
			continue;
		if (has_index(path)) { /* Android's has no directory for the version */
			memcpy(places->index, path, (size_t)n + 1);
			return 0;
		}
		list_dir(path, is_index_dir, &names);
		if (names.count > 1)
			return several(et, path, "kernels", &names);
		if (!names.count)
			continue;
		if (!join(places->index, sizeof(places->index), path, names.name[0]))
			return 0;
		snprintf(places->version, sizeof(places->version), "%s", names.name[0]);
		return 0;
	}
	return 0;
}

int weir_kernel_find_(const char *dir, const char *image, struct weir_errtext *et,
		      struct weir_kernel_places *out_places)
{
	struct weir_kernel_places *p = out_places;
	char base[4096];
	struct stat st;
	int err;

	memset(p, 0, sizeof(*p));
	if (strlen(dir) > 3000 || (image && strlen(image) > 3000))
		return weir_errtext_set(et, WEIR_ENOENT, "%.100s...: path too long", dir);
	if (stat(dir, &st))
		return weir_errtext_set(et, WEIR_ENOENT, "%s: %s", dir, strerror(errno));
	if (S_ISREG(st.st_mode)) {
		snprintf(p->image, sizeof(p->image), "%s", image ? image : dir);
		snprintf(base, sizeof(base), "%s", p->image);
		version_of(basename(base), p->version, sizeof(p->version));
		return 0;
	}
	err = find_index(dir, et, p);
	if (err)
		return err;
	if (image) {
		snprintf(p->image, sizeof(p->image), "%s", image);
		err = 0;
	} else {
		err = pick_beside(dir, et, p, is_image, "kernel images", p->image);
		if (!err && p->index[0])
			err = pick_beside(p->index, et, p, is_image, "kernel images", p->image);
	}
	if (err >= 0)
		err = pick_beside(dir, et, p, is_config, "kernel configurations", p->config);
	if (!err && p->index[0])
		err = pick_beside(p->index, et, p, is_config, "kernel configurations", p->config);
	if (err < 0)
		return err;
	return 0;
}
