// SPDX-License-Identifier: MIT
/*
 * Files of a build's deploy directory, as Yocto names them ("kernel.bbclass" of its
 * Reference Manual, KERNEL_IMAGE_NAME, MODULE_TARBALL_LINK_NAME): each has a name with
 * version and date, and links with shorter ones; see kernel.h. No state, no lock.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel.h"
#include "weir/err.h"

/* What was found so far: files, or once there is one, links. */
struct found {
	char path[4096], other[256];
	struct stat st;
	bool is_link, several;
};

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && !strcmp(name + n - m, end);
}

static bool fits(const char *name, const char *start, const char *const *ends)
{
	if (name[0] == '.' || strncmp(name, start, strlen(start)))
		return false;
	for (size_t i = 0; ends[i]; i++)
		if (ends_with(name, ends[i]))
			return true;
	return false;
}

static void take(struct found *f, const char *dir, const char *name)
{
	struct stat st, link;
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s/%s", dir, name);
	bool is_link, same;

	if (n < 0 || (size_t)n >= sizeof(path) || stat(path, &st) || !S_ISREG(st.st_mode) ||
	    lstat(path, &link))
		return;
	is_link = S_ISLNK(link.st_mode);
	if (*f->path && f->is_link && !is_link)
		return;
	same = *f->path && f->st.st_ino == st.st_ino && f->st.st_dev == st.st_dev;
	if (*f->path && f->is_link == is_link && !same) {
		f->several = true;
		snprintf(f->other, sizeof(f->other), "%s", name);
	}
	if (is_link && !f->is_link)
		f->several = false;
	/* the shorter name of two, so that the order in the directory does not matter */
	if (*f->path && f->is_link == is_link &&
	    (strlen(path) > strlen(f->path) ||
	     (strlen(path) == strlen(f->path) && strcmp(path, f->path) >= 0)))
		return;
	memcpy(f->path, path, (size_t)n + 1);
	f->st = st;
	f->is_link = is_link;
}

int weir_deploy_find(const char *dir, const char *start, const char *const *ends, const char *what,
		     struct weir_errtext *et, char *out_path)
{
	struct found f = { .path = "" };
	struct dirent *ent;
	DIR *d = opendir(dir);

	if (!d)
		return 0;
	while ((ent = readdir(d)))
		if (fits(ent->d_name, start, ends))
			take(&f, dir, ent->d_name);
	closedir(d);
	if (f.several)
		return weir_errtext_set(et, WEIR_EINVAL, "%.200s: several %s (%.80s, %.80s, ...): name one of "
					"them", dir, what, strrchr(f.path, '/') + 1, f.other);
	if (!*f.path)
		return 0;
	strcpy(out_path, f.path);
	return 1;
}

int weir_deploy_modules(const char *dir, struct weir_errtext *et, char *out_path)
{
	static const char *const ends[] = { ".tgz", ".tar.gz", ".tar.xz", ".tar.zst", ".tar.bz2", ".tar",
					    NULL };

	return weir_deploy_find(dir, "modules-", ends, "tarballs of modules", et, out_path);
}

int weir_deploy_fit(const char *dir, struct weir_errtext *et, char *out_path)
{
	static const char *const plain[] = { "fitImage", NULL }, *const ends[] = { ".bin", ".itb", NULL };
	int got = weir_deploy_find(dir, "fitImage", plain, "FIT images", et, out_path);

	return got ? got : weir_deploy_find(dir, "fitImage-", ends, "FIT images", et, out_path);
}
