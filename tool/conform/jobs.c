// SPDX-License-Identifier: MIT
/*
 * Which answer belongs to which tree. An answer NAME.json or NAME.LABEL.json is
 * for the tree NAME.dtb, VENDOR__BOARD.json for VENDOR/BOARD.dtb; either may be
 * compressed (.xz).
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "conform.h"

static bool is_dir(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static bool exists(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The last part of the directory of a file. */
static char *dir_label(const char *path)
{
	const char *end = strrchr(path, '/'), *start;

	if (!end)
		return strdup(".");
	for (start = end; start > path && start[-1] != '/'; start--)
		;
	return strndup(start, (size_t)(end - start));
}

static bool cut_suffix(char *name, const char *suffix)
{
	size_t n = strlen(name), s = strlen(suffix);

	if (n <= s || strcmp(name + n - s, suffix))
		return false;
	name[n - s] = '\0';
	return true;
}

/* Puts name's first @n bytes behind @out, each "__" as a slash. */
static void append_levels(char *out, const char *name, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool split = i + 1 < n && name[i] == '_' && name[i + 1] == '_';

		*out++ = split ? '/' : name[i];
		i += split;
	}
	*out = '\0';
}

/* DIR/NAME.dtb, or for a name VENDOR__BOARD also DIR/VENDOR/BOARD.dtb. */
static bool try_name(char *path, const char *dir, const char *name, size_t n)
{
	static const char *const suffixes[] = { ".dtb", ".dtb.xz" };
	size_t at = strlen(dir) + 1;

	for (int i = 0; i < 4; i++) {
		sprintf(path, "%s/%.*s", dir, (int)n, name);
		if (i & 1)
			append_levels(path + at, name, n);
		strcat(path, suffixes[i / 2]);
		if (exists(path))
			return true;
	}
	return false;
}

/* The tree of a board in a directory: exactly its name, or without its label. */
static char *find_dtb(const char *dir, const char *board)
{
	char *path = malloc(strlen(dir) + strlen(board) + 16);
	size_t n = strlen(board);

	while (path && n) {
		if (try_name(path, dir, board, n))
			return path;
		while (n && board[--n] != '.')
			;
	}
	free(path);
	return NULL;
}

static int add(struct conform_jobs *jobs, const char *dtbs, const char *result)
{
	struct conform_job job = { .result = strdup(result), .set = dir_label(result) };

	job.board = strdup(base_name(result));
	if (!job.result || !job.set || !job.board)
		goto err;
	cut_suffix(job.board, ".xz");
	cut_suffix(job.board, ".json");
	job.dtb = is_dir(dtbs) ? find_dtb(dtbs, job.board) : strdup(dtbs);
	if (!job.dtb) {
		fprintf(stderr, "weir-conform: %s: no device tree %s.dtb in %s\n", result, job.board,
			dtbs);
		goto err;
	}
	if (jobs->n == jobs->room) {
		size_t room = jobs->room ? jobs->room * 2 : 64;
		struct conform_job *more = realloc(jobs->jobs, room * sizeof(*more));

		if (!more)
			goto err;
		jobs->jobs = more;
		jobs->room = room;
	}
	jobs->jobs[jobs->n++] = job;
	return 0;

err:
	free(job.result);
	free(job.set);
	free(job.board);
	free(job.dtb);
	return -1;
}

static int is_answer(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return (n > 5 && !strcmp(entry->d_name + n - 5, ".json")) ||
	       (n > 8 && !strcmp(entry->d_name + n - 8, ".json.xz"));
}

static int add_dir(struct conform_jobs *jobs, const char *dtbs, const char *dir)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, is_answer, alphasort), err = 0;

	if (n < 0) {
		perror(dir);
		return -1;
	}
	if (!n) {
		fprintf(stderr, "weir-conform: %s: no answers (*.json, *.json.xz) in it\n", dir);
		err = -1;
	}
	for (int i = 0; i < n; i++) {
		char *path = malloc(strlen(dir) + strlen(entries[i]->d_name) + 2);

		if (path)
			sprintf(path, "%s/%s", dir, entries[i]->d_name);
		if (!path || add(jobs, dtbs, path))
			err = -1;
		free(path);
		free(entries[i]);
	}
	free(entries);
	return err;
}

int conform_jobs_add(struct conform_jobs *jobs, const char *dtbs, const char *results)
{
	if (is_dir(results))
		return add_dir(jobs, dtbs, results);
	if (!exists(results)) {
		fprintf(stderr, "weir-conform: %s: no such file or directory\n", results);
		return -1;
	}
	return add(jobs, dtbs, results);
}

void conform_jobs_free(struct conform_jobs *jobs)
{
	for (size_t i = 0; i < jobs->n; i++) {
		free(jobs->jobs[i].dtb);
		free(jobs->jobs[i].result);
		free(jobs->jobs[i].set);
		free(jobs->jobs[i].board);
	}
	free(jobs->jobs);
}
