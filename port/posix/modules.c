// SPDX-License-Identifier: MIT
/*
 * Modules of the POSIX host: NAME.so in one of a list of directories, opened with
 * dlopen(), which leaves nothing of a module for later: what it lacks is told at once.
 *
 * A module is linked with nothing: it finds the library in the program, or in the
 * shared library that the program uses. Nothing is kept here between calls.
 */
#include "modules.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* @text may be NULL. Return: @err. */
__attribute__((format(printf, 3, 4)))
static int fail(char *text, int err, const char *fmt, ...)
{
	va_list args;

	if (!text)
		return err;
	va_start(args, fmt);
	vsnprintf(text, MODULES_TEXT, fmt, args);
	va_end(args);
	return err;
}

/* The length of the next directory of a list, at *path then; 0 at the end. Empty ones are skipped. */
static size_t next_dir(const char **path)
{
	*path += strspn(*path, ":");
	return strcspn(*path, ":");
}

/* The file of a module, to be freed. Return: 0; WEIR_ENOENT; WEIR_ENOMEM. */
static int find_file(const char *path, const char *name, char **out_file)
{
	for (size_t n; (n = next_dir(&path)); path += n) {
		size_t bytes = n + strlen(name) + sizeof("/.so");
		char *file = malloc(bytes);

		if (!file)
			return WEIR_ENOMEM;
		snprintf(file, bytes, "%.*s/%s.so", (int)n, path, name);
		if (!access(file, F_OK)) {
			*out_file = file;
			return 0;
		}
		free(file);
	}
	return WEIR_ENOENT;
}

static int open_file(const char *file, const char *name, void **out_image,
		     const struct weir_module_entry **out_entry, char *text)
{
	const struct weir_module_entry *entry;
	void *image = dlopen(file, RTLD_NOW | RTLD_LOCAL);

	if (!image) /* which names the file */
		return fail(text, WEIR_ENOEXEC, "module %s: %s", name, dlerror());
	entry = dlsym(image, "weir_module_entry");
	if (!entry) {
		dlclose(image);
		return fail(text, WEIR_ENOEXEC, "module %s: %s is no module: it has no "
			    "weir_module_entry", name, file);
	}
	*out_image = image;
	*out_entry = entry;
	return 0;
}

int modules_open(const char *path, const char *name, void **out_image,
		 const struct weir_module_entry **out_entry, char out_text[MODULES_TEXT])
{
	char *file;
	int err;

	/* A name is a name: it does not lead out of the directory. */
	if (!name[0] || strchr(name, '/'))
		return fail(out_text, WEIR_EINVAL, "module '%s': that is no name of a module", name);
	err = find_file(path, name, &file);
	if (err == WEIR_ENOENT)
		return fail(out_text, err, "module %s: no %s.so in %s", name, name, path);
	if (err)
		return fail(out_text, err, "module %s: out of memory", name);
	err = open_file(file, name, out_image, out_entry, out_text);
	free(file);
	return err;
}

void modules_close(void *image)
{
	dlclose(image);
}

/* ---- which there are ---- */

struct names {
	char **list;
	size_t n;
};

static int add_name(struct names *names, const char *file, size_t bytes)
{
	char **more = realloc(names->list, (names->n + 1) * sizeof(*more));

	if (!more)
		return WEIR_ENOMEM;
	names->list = more;
	more[names->n] = strndup(file, bytes);
	if (!more[names->n])
		return WEIR_ENOMEM;
	names->n++;
	return 0;
}

/* A directory that cannot be read has no modules. */
static int add_dir(struct names *names, const char *dir)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	int err = 0;

	while (stream && !err && (entry = readdir(stream))) {
		size_t n = strlen(entry->d_name);

		if (n > 3 && entry->d_name[0] != '.' && !strcmp(entry->d_name + n - 3, ".so"))
			err = add_name(names, entry->d_name, n - 3);
	}
	if (stream)
		closedir(stream);
	return err;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool fits(const struct weir_module_entry *entry)
{
	return entry->abi.version == WEIR_ABI_VERSION && entry->abi.size >= sizeof(*entry) &&
	       entry->name;
}

static void tell(const char *path, const char *name, weir_posix_module_fn *fn, void *context)
{
	const struct weir_module_entry *entry;
	void *image;

	if (modules_open(path, name, &image, &entry, NULL)) {
		fn(context, name, NULL);
		return;
	}
	fn(context, name, fits(entry) ? entry : NULL);
	modules_close(image);
}

int modules_each(const char *path, weir_posix_module_fn *fn, void *context)
{
	struct names names = { 0 };
	const char *rest = path;
	int err = 0;

	for (size_t n; !err && (n = next_dir(&rest)); rest += n) {
		char *dir = strndup(rest, n);

		err = dir ? add_dir(&names, dir) : WEIR_ENOMEM;
		free(dir);
	}
	if (names.n)
		qsort(names.list, names.n, sizeof(*names.list), by_name);
	for (size_t i = 0; i < names.n && !err; i++)
		if (!i || strcmp(names.list[i], names.list[i - 1]))
			tell(path, names.list[i], fn, context);
	for (size_t i = 0; i < names.n; i++)
		free(names.list[i]);
	free(names.list);
	return err;
}
