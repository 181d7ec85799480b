// SPDX-License-Identifier: MIT
/* Device trees below a directory, for the verbs that take many. */
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

#include "weir.h"

struct found {
	char **paths;
	size_t n, room;
};

static bool is_tree(const char *name)
{
	static const char *const ends[] = { ".dtb", ".dtb.xz", ".dtb.gz", ".dtb.zst" };
	size_t n = strlen(name);

	for (size_t i = 0; i < 4; i++)
		if (n > strlen(ends[i]) && !strcmp(name + n - strlen(ends[i]), ends[i]))
			return true;
	return false;
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
		err = complain("%s: no device trees (*.dtb) in it", dir);
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
