// SPDX-License-Identifier: MIT
/*
 * Lists of modules that an initramfs loads by name, and modprobe.d(5). See
 * initramfs_user.h for whose they are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "initramfs_user.h"
#include "kfile.h"
#include "weir/err.h"

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

/*
 * The files of a directory that end in ".conf", in the order of their names; a file of
 * an earlier directory hides one of the same name in a later one, as modprobe.d(5) and
 * modules-load.d(5) say.
 */
struct conf {
	const struct weir_initramfs_file *file;
	const char *name;
};

struct confs {
	struct conf *items;
	size_t n, room;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct conf *)a)->name, ((const struct conf *)b)->name);
}

static int add_conf(struct confs *c, const struct weir_initramfs_file *file, const char *name)
{
	struct conf *more;

	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->items[i].name, name))
			return 0;
	if (c->n == WEIR_INITRAMFS_MAX_LISTS)
		return WEIR_E2BIG;
	more = weir_array_grow(c->items, c->n, &c->room, sizeof(*more));
	if (!more)
		return WEIR_ENOMEM;
	c->items = more;
	c->items[c->n++] = (struct conf){ file, name };
	return 0;
}

static int collect_confs(const struct weir_initramfs *image, const char *const *dirs, struct confs *out)
{
	char real[WEIR_INITRAMFS_MAX_PATH];
	struct confs c = { 0 };
	int err = 0;

	for (; *dirs && !err; dirs++) {
		size_t n;

		if (!weir_initramfs_real(image, *dirs, real, sizeof(real)))
			continue;
		n = strlen(real);
		for (size_t i = 0; i < image->file_count && !err; i++) {
			const struct weir_initramfs_file *f = &image->files[i], *to = f;
			const char *path = f->path;

			if (strncmp(path, real, n) || path[n] != '/' || strchr(path + n + 1, '/') ||
			    !ends_with(path, ".conf"))
				continue;
			if (f->type == WEIR_INITRAMFS_LINK)
				to = weir_initramfs_find(image, path);
			if (to && to->type == WEIR_INITRAMFS_FILE)
				err = add_conf(&c, to, path + n + 1);
		}
	}
	if (c.n)
		qsort(c.items, c.n, sizeof(*c.items), by_name);
	*out = c;
	return err;
}

/* ---- modprobe.d ---- */

/* Commands that load nothing. */
static bool is_nothing(const char *command)
{
	const char *slash = command ? strrchr(command, '/') : NULL;
	const char *name = slash ? slash + 1 : command;

	return name && (!strcmp(name, "true") || !strcmp(name, "false") || !strcmp(name, ":"));
}

static int add_name(struct weir_initramfs_user *user, struct weir_strtable *table, const char *word)
{
	const char *name = word ? weir_initramfs_user_name_(user, word, strlen(word)) : "";
	uint32_t id;

	if (!name)
		return WEIR_ENOMEM;
	return *name ? weir_strtable_add(table, name, strlen(name), &id) : 0;
}

static int add_softdeps(struct weir_initramfs_user *user, const char *module, char *rest)
{
	bool pre = false;
	char *word;

	while (module && (word = weir_text_word(&rest))) {
		struct weir_initramfs_softdep *more;
		const char *a, *b;

		if (ends_with(word, ":")) {
			pre = !strcmp(word, "pre:");
			continue;
		}
		if (!pre)
			continue;
		a = weir_initramfs_user_name_(user, module, strlen(module));
		b = weir_initramfs_user_name_(user, word, strlen(word));
		more = weir_array_grow(user->softdeps, user->softdep_count, &user->softdep_room,
				       sizeof(*more));
		if (!a || !b || !more)
			return WEIR_ENOMEM;
		user->softdeps = more;
		user->softdeps[user->softdep_count++] = (struct weir_initramfs_softdep){ a, b };
	}
	return 0;
}

static int take_command(struct weir_initramfs_user *user, char *line)
{
	char *word = weir_text_word(&line);
	const char *module;

	if (!word || *word == '#')
		return 0;
	module = weir_text_word(&line);
	if (!strcmp(word, "blacklist"))
		return add_name(user, &user->blacklist, module);
	if (!strcmp(word, "options"))
		user->options++;
	if (!strcmp(word, "softdep"))
		return add_softdeps(user, module, line);
	if (!strcmp(word, "install") && module && is_nothing(weir_text_word(&line)))
		return add_name(user, &user->never, module);
	return 0;
}

/* A line that ends in a backslash goes on in the next. */
static void join_lines(char *text)
{
	for (char *p = text; (p = strstr(p, "\\\n"));)
		p[0] = p[1] = ' ';
}

int weir_initramfs_user_modprobe_d_(struct weir_initramfs_user *user)
{
	static const char *const dirs[] = {
		"etc/modprobe.d", "run/modprobe.d", "usr/local/lib/modprobe.d",
		"usr/lib/modprobe.d", "lib/modprobe.d", NULL,
	};
	struct confs confs = { 0 };
	int err = collect_confs(user->image, dirs, &confs);

	for (size_t i = 0; i < confs.n && !err; i++) {
		char *text, *line;

		err = weir_initramfs_user_text_(user, confs.items[i].file, &text);
		if (err)
			break;
		join_lines(text);
		while (!err && (line = weir_text_line(&text)))
			err = take_command(user, line);
	}
	free(confs.items);
	return err;
}

/* ---- lists ---- */

static int add_load(struct weir_initramfs_user *user, const char *word,
		    const struct weir_initramfs_load *like)
{
	struct weir_initramfs_load *more;
	const char *name = weir_initramfs_user_name_(user, word, strlen(word));

	if (name && !*name)
		return 0;
	more = weir_array_grow(user->loads, user->load_count, &user->load_room, sizeof(*more));
	if (!name || !more)
		return WEIR_ENOMEM;
	user->loads = more;
	user->loads[user->load_count] = *like;
	user->loads[user->load_count++].name = name;
	return 0;
}

/* A module a line, perhaps with options behind it. */
static int take_list(struct weir_initramfs_user *user, const struct weir_initramfs_file *file,
		     bool before, bool heeds)
{
	const struct weir_initramfs_load like = { NULL, file->path, before, heeds };
	char *text, *line, *word;
	int err = weir_initramfs_user_text_(user, file, &text);

	while (!err && (line = weir_text_line(&text))) {
		word = weir_text_word(&line);
		if (word && *word != '#' && *word != ';')
			err = add_load(user, word, &like);
	}
	return err;
}

static int take_plain_lists(struct weir_initramfs_user *user)
{
	static const struct {
		const char *path;
		bool before, heeds, of_modules;
	} lists[] = {
		{ "etc/modules", true, true, false },
		{ "lib/modules/initramfs.load", true, false, false },
		{ "modules.load", true, false, true },
		{ "conf/modules", false, false, false },
	};
	char path[WEIR_INITRAMFS_MAX_PATH];
	int err = 0;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && !err; i++) {
		const struct weir_initramfs_file *f;
		int n;

		if (lists[i].of_modules && !user->module_dir)
			continue;
		n = snprintf(path, sizeof(path), "%s%s%s", lists[i].of_modules ? user->module_dir : "",
			     lists[i].of_modules ? "/" : "", lists[i].path);
		f = n > 0 && (size_t)n < sizeof(path) ? weir_initramfs_find(user->image, path) : NULL;
		if (f && f->type == WEIR_INITRAMFS_FILE)
			err = take_list(user, f, lists[i].before, lists[i].heeds);
	}
	return err;
}

/* KEY=a,b among the words of a text, or KEY="a b" in a line of a shell. */
static int take_values(struct weir_initramfs_user *user, const struct weir_initramfs_file *file,
		       const char *key, const char *between, bool before, bool heeds)
{
	const struct weir_initramfs_load like = { NULL, file->path, before, heeds };
	char *text, *at;
	size_t n = strlen(key);
	int err = weir_initramfs_user_text_(user, file, &text);

	if (err)
		return err;
	for (at = text; !err && (at = strstr(at, key));) {
		bool starts = at == text || strchr(" \t\n", at[-1]);
		char *value = at + n, *end, *word, *next;
		char quote = *value == '"' || *value == '\'' ? *value : '\0';

		at = value;
		if (!starts)
			continue;
		value += quote != '\0';
		end = value + (quote ? strcspn(value, quote == '"' ? "\"\n" : "'\n")
				     : strcspn(value, " \t\r\n"));
		at = *end ? end + 1 : end;
		*end = '\0';
		for (next = value; !err && (word = strsep(&next, between));)
			err = *word ? add_load(user, word, &like) : 0;
	}
	return err;
}

static int take_directory(struct weir_initramfs_user *user, const char *const *dirs, bool cmdline)
{
	struct confs confs = { 0 };
	int err = collect_confs(user->image, dirs, &confs);

	for (size_t i = 0; i < confs.n && !err; i++)
		err = cmdline ? take_values(user, confs.items[i].file, "rd.driver.pre=", ",", true, false)
			      : take_list(user, confs.items[i].file, true, true);
	free(confs.items);
	return err;
}

int weir_initramfs_user_lists_(struct weir_initramfs_user *user)
{
	static const char *const load_d[] = {
		"etc/modules-load.d", "run/modules-load.d", "usr/local/lib/modules-load.d",
		"usr/lib/modules-load.d", "lib/modules-load.d", NULL,
	};
	static const char *const cmdline_d[] = { "etc/cmdline.d", NULL };
	const struct weir_initramfs_file *config = weir_initramfs_find(user->image, "config");
	int err = take_directory(user, cmdline_d, true);

	if (!err)
		err = take_directory(user, load_d, false);
	if (!err)
		err = take_plain_lists(user);
	if (!err && config && config->type == WEIR_INITRAMFS_FILE)
		err = take_values(user, config, "EARLYMODULES=", " \t", true, true);
	if (!err && config && config->type == WEIR_INITRAMFS_FILE)
		err = take_values(user, config, "MODULES=", " \t", false, true);
	return err;
}
