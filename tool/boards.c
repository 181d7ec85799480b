// SPDX-License-Identifier: MIT
/*
 * Boards below a directory, for the verbs that take many: device trees, and what is in the
 * boot images there, each configuration or tree as FILE#CHOICE.
 */
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

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

static int walk(struct found *f, FTS *fts)
{
	FTSENT *e;
	int err = 0;

	while (!err && (e = fts_read(fts))) {
		if (e->fts_info == FTS_F && is_tree(e->fts_name))
			err = add(f, e->fts_path);
		else if (e->fts_info == FTS_F && may_be_image(e->fts_name))
			err = add_image(f, e->fts_path);
		else if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR ||
			 (e->fts_info == FTS_NS && !e->fts_level))
			err = complain("%s: %s", e->fts_path, strerror(e->fts_errno));
		else if ((e->fts_info == FTS_NS || e->fts_info == FTS_SLNONE) &&
			 is_tree(e->fts_name))
			err = add(f, e->fts_path); /* opening it says what is wrong */
	}
	return err;
}

int boards_find(const char *dir, char ***out_paths, size_t *out_n, size_t *out_prefix)
{
	char *roots[] = { (char *)(uintptr_t)dir, NULL };
	FTS *fts = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, NULL);
	struct found f = { 0 };
	size_t prefix = 0;
	int err;

	if (!fts)
		return complain("%s: %s", dir, strerror(errno));
	err = walk(&f, fts);
	fts_close(fts);
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
