// SPDX-License-Identifier: MIT
/*
 * Boards below a directory, for the verbs that take many: device trees, and what is in the
 * boot images there, each configuration or tree as FILE#CHOICE.
 */
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/arena.h"
#include "kernel/bootimage.h"
#include "weir.h"

struct found {
	char **paths;
	size_t n, room;
};

static bool ends_with(const char *name, const char *const *ends, size_t count)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < count; i++)
		if (n > strlen(ends[i]) && !strcmp(name + n - strlen(ends[i]), ends[i]))
			return true;
	return false;
}

static bool is_tree(const char *name)
{
	static const char *const ends[] = { ".dtb", ".dtb.xz", ".dtb.gz", ".dtb.zst", ".dtb.lz4", ".dtb.bz2" };

	return ends_with(name, ends, sizeof(ends) / sizeof(ends[0]));
}

/* By the names that builds give to them; what is in it decides. */
static bool may_be_image(const char *name)
{
	static const char *const ends[] = { ".itb", ".fit", ".img", "-dtb", "fitImage", ".bin" };
	static const char *const starts[] = { "fitImage", "zImage", "Image", "boot.", "dt.img" };

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (!strncmp(name, starts[i], strlen(starts[i])))
			return true;
	return ends_with(name, ends, sizeof(ends) / sizeof(ends[0]));
}

static int add(struct found *f, const char *path)
{
	if (f->n == f->room) {
		size_t room = f->room ? f->room * 2 : 256;
		char **more = realloc(f->paths, room * sizeof(*more));

		if (!more)
			return complain("out of memory");
		f->paths = more;
		f->room = room;
	}
	f->paths[f->n] = strdup(path);
	return f->paths[f->n++] ? 0 : complain("out of memory");
}

/* What is damaged is a board too, whose run says so. */
static int add_image(struct found *f, const char *path)
{
	struct weir_errtext et = { "" };
	char **names = NULL, *board;
	size_t n = 0;
	int err = 0;

	if (weir_bootimage_boards(path, &et, &names, &n))
		return add(f, path);
	for (size_t i = 0; i < n && !err; i++) {
		if (asprintf(&board, "%s#%s", path, names[i]) < 0) {
			err = complain("out of memory");
			break;
		}
		err = add(f, board);
		free(board);
	}
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return err;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* ---- files ---- */

/* A file below the directory; a symbolic link can lead to the same one again. */
struct file {
	char *path;
	dev_t dev;
	ino_t ino;
	bool linked; /* there is a link on the way to it */
	bool whole;  /* it can be looked at */
};

struct files {
	struct file *items;
	size_t n, room;
};

/* Whether a link is on the way, from @prefix bytes on. */
static bool is_linked(const char *path, size_t prefix)
{
	char *part = strdup(path);
	bool linked = false;
	struct stat st;

	for (size_t at = prefix + 1; part && !linked && at <= strlen(path); at++) {
		if (path[at] && path[at] != '/')
			continue;
		part[at] = '\0';
		linked = !lstat(part, &st) && S_ISLNK(st.st_mode);
		part[at] = path[at];
	}
	free(part);
	return linked;
}

static int take_file(struct files *f, const FTSENT *e, size_t prefix)
{
	struct file *more = weir_array_grow(f->items, f->n, &f->room, sizeof(*more));

	if (!more)
		return complain("out of memory");
	f->items = more;
	more = &f->items[f->n];
	*more = (struct file){ .path = strdup(e->fts_path), .whole = e->fts_info == FTS_F };
	if (!more->path)
		return complain("out of memory");
	f->n++;
	if (more->whole) {
		more->dev = e->fts_statp->st_dev;
		more->ino = e->fts_statp->st_ino;
		more->linked = is_linked(e->fts_path, prefix);
	}
	return 0;
}

static int walk(struct files *f, FTS *fts, size_t prefix)
{
	FTSENT *e;
	int err = 0;

	while (!err && (e = fts_read(fts))) {
		if (e->fts_info == FTS_F && (is_tree(e->fts_name) || may_be_image(e->fts_name)))
			err = take_file(f, e, prefix);
		else if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR ||
			 (e->fts_info == FTS_NS && !e->fts_level))
			err = complain("%s: %s", e->fts_path, strerror(e->fts_errno));
		else if ((e->fts_info == FTS_NS || e->fts_info == FTS_SLNONE) && is_tree(e->fts_name))
			err = take_file(f, e, prefix); /* opening it says what is wrong */
	}
	return err;
}

/* The same files together, those that no link leads to first. */
static int by_file(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	if (x->whole != y->whole)
		return x->whole ? -1 : 1;
	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x->linked != y->linked ? x->linked - y->linked : strcmp(x->path, y->path);
}

/* Each once: what a link leads to is left out when it is there anyway. */
static int add_files(struct found *out, struct files *f)
{
	int err = 0;

	if (f->n)
		qsort(f->items, f->n, sizeof(*f->items), by_file);
	for (size_t i = 0; i < f->n && !err; i++) {
		const struct file *x = &f->items[i], *before = i ? x - 1 : NULL;
		const char *name = strrchr(x->path, '/');

		if (x->linked && before && before->whole && before->dev == x->dev && before->ino == x->ino)
			continue;
		err = is_tree(name ? name + 1 : x->path) ? add(out, x->path) : add_image(out, x->path);
	}
	for (size_t i = 0; i < f->n; i++)
		free(f->items[i].path);
	free(f->items);
	return err;
}

int boards_find(const char *dir, char ***out_paths, size_t *out_n, size_t *out_prefix)
{
	char *roots[] = { (char *)(uintptr_t)dir, NULL };
	FTS *fts = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, NULL);
	struct files files = { 0 };
	struct found f = { 0 };
	size_t prefix = 0;
	int err, bad;

	if (!fts)
		return complain("%s: %s", dir, strerror(errno));
	err = walk(&files, fts, strlen(dir));
	fts_close(fts);
	bad = add_files(&f, &files);
	err = err ? err : bad;
	if (!err && !f.n)
		err = complain("%s: no device trees (*.dtb) in it, and no boot images with some", dir);
	if (err) {
		while (f.n)
			free(f.paths[--f.n]);
		free(f.paths);
		return err;
	}
	qsort(f.paths, f.n, sizeof(*f.paths), by_path);
	if (f.n > 1 || strcmp(f.paths[0], dir)) { /* else a file was named */
		prefix = strlen(dir);
		while (f.paths[0][prefix] == '/')
			prefix++;
	}
	*out_paths = f.paths;
	*out_n = f.n;
	*out_prefix = prefix;
	return 0;
}
