// SPDX-License-Identifier: MIT
/*
 * Lines for the shell: with editing, history and completion on a terminal when libedit
 * was there at build time, else as they come. The history is kept in ~/.weir_history.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell.h"

#ifdef WEIR_LIBEDIT
#include <histedit.h>
#endif

#define MAX_HISTORY 1000

struct shell_lines {
	struct shell *sh;
	FILE *file;
	char *line;
	size_t room;
	bool prompt;
#ifdef WEIR_LIBEDIT
	EditLine *editor; /* NULL: not on a terminal */
	History *history;
	char path[512];   /* of the history; "": none */
#endif
};

/* ---- what could stand there ---- */

static json_t *command_names(void)
{
	const struct shell_command *c;
	json_t *names = json_array();

	for (c = shell_commands; c->name; c++)
		json_array_append_new(names, json_string(c->name));
	return names;
}

static json_t *device_names(struct shell *sh)
{
	json_t *names = json_array();
	struct weir_device *dev;

	for (dev = weir_device_first(sh->run.m); dev; dev = weir_device_next(dev))
		json_array_append_new(names, json_string(weir_device_name(dev)));
	return names;
}

static json_t *model_names(void)
{
	json_t *names = json_array();

	for (size_t i = 0; shell_models[i]; i++)
		json_array_append_new(names, json_string(shell_models[i]));
	return names;
}

static json_t *names_of(struct shell *sh, enum shell_kind kind)
{
	switch (kind) {
	case KIND_MODULE: return shell_module_names(sh, false);
	case KIND_LOADED: return shell_module_names(sh, true);
	case KIND_DEVICE: return device_names(sh);
	case KIND_MODEL: return model_names();
	case KIND_TEST: return shell_tests(sh);
	case KIND_COMMAND: return command_names();
	default: return json_array();
	}
}

json_t *shell_candidates(struct shell *sh, const char *line, size_t at, const char **out_word)
{
	const struct shell_command *c;
	size_t begin = at, word = at, n = 0, index = 0;
	enum shell_kind kind = KIND_COMMAND;
	json_t *names, *fit = json_array(), *name;
	char first[32];

	while (begin && line[begin - 1] != ';')
		begin--;
	begin += strspn(line + begin, " \t");
	while (word > begin && !strchr(" \t", line[word - 1]))
		word--;
	for (size_t i = begin; i < word; i++) /* a word ends here */
		n += !strchr(" \t", line[i]) && strchr(" \t", line[i + 1]);
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(line + begin, " \t"), line + begin);
	c = n ? shell_command_find(first) : NULL;
	if (n)
		kind = c ? c->kinds[n > 1] : KIND_NOTHING;
	names = names_of(sh, kind);
	json_array_foreach(names, index, name)
		if (!strncmp(json_string_value(name), line + word, at - word))
			json_array_append(fit, name);
	json_decref(names);
	*out_word = line + word;
	return fit;
}

#ifdef WEIR_LIBEDIT

/* ---- on a terminal ---- */

static char prompt_text[] = "weir> ";

static char *prompt(EditLine *editor)
{
	(void)editor;
	return prompt_text;
}

/* How far all names agree. */
static size_t common(const json_t *names)
{
	const char *first = json_string_value(json_array_get(names, 0));
	size_t n = strlen(first), i;
	json_t *name;

	json_array_foreach(names, i, name) {
		const char *other = json_string_value(name);
		size_t same = 0;

		while (same < n && other[same] == first[same])
			same++;
		n = same;
	}
	return n;
}

static void list_names(const json_t *names)
{
	json_t *name;
	size_t i;

	putchar('\n');
	json_array_foreach(names, i, name)
		printf("%s%s", i ? "  " : "", json_string_value(name));
	putchar('\n');
	fflush(stdout);
}

static unsigned char complete(EditLine *editor, int key)
{
	const LineInfo *info = el_line(editor);
	unsigned char result = CC_ERROR;
	size_t at = (size_t)(info->cursor - info->buffer), length, typed;
	struct shell *sh;
	const char *word;
	char text[256];
	json_t *names;

	(void)key;
	el_get(editor, EL_CLIENTDATA, &sh);
	snprintf(text, sizeof(text), "%.*s", (int)at, info->buffer);
	names = shell_candidates(sh, text, strlen(text), &word);
	if (json_array_size(names)) {
		typed = strlen(word);
		length = common(names);
		snprintf(text, sizeof(text), "%.*s%s", (int)(length - typed),
			 json_string_value(json_array_get(names, 0)) + typed,
			 json_array_size(names) == 1 ? " " : "");
		if (*text && !el_insertstr(editor, text)) {
			result = CC_REFRESH;
		} else if (!*text) {
			list_names(names);
			result = CC_REDISPLAY;
		}
	}
	json_decref(names);
	return result;
}

static bool open_editor(struct shell_lines *lines)
{
	const char *home = getenv("HOME");
	HistEvent event;

	lines->history = history_init();
	lines->editor = lines->history ? el_init("weir", stdin, stdout, stderr) : NULL;
	if (!lines->editor) {
		if (lines->history)
			history_end(lines->history);
		return false;
	}
	history(lines->history, &event, H_SETSIZE, MAX_HISTORY);
	history(lines->history, &event, H_SETUNIQUE, 1);
	if (home && snprintf(lines->path, sizeof(lines->path), "%s/.weir_history", home) <
			    (int)sizeof(lines->path))
		history(lines->history, &event, H_LOAD, lines->path);
	else
		lines->path[0] = '\0';
	el_set(lines->editor, EL_CLIENTDATA, lines->sh);
	el_set(lines->editor, EL_PROMPT, prompt);
	el_set(lines->editor, EL_EDITOR, "emacs");
	el_set(lines->editor, EL_SIGNAL, 1);
	el_set(lines->editor, EL_HIST, history, lines->history);
	el_set(lines->editor, EL_ADDFN, "weir-complete", "complete a word", complete);
	el_set(lines->editor, EL_BIND, "^I", "weir-complete", NULL);
	el_source(lines->editor, NULL); /* ~/.editrc: as its user wants it */
	return true;
}

static const char *next_edited(struct shell_lines *lines)
{
	int n = 0;
	const char *line = el_gets(lines->editor, &n);
	HistEvent event;
	char *copy;

	if (!line || n <= 0)
		return NULL;
	copy = strndup(line, strcspn(line, "\r\n"));
	if (!copy)
		return NULL;
	free(lines->line);
	lines->line = copy;
	if (*copy)
		history(lines->history, &event, H_ENTER, copy);
	return copy;
}

static void close_editor(struct shell_lines *lines)
{
	HistEvent event;

	if (!lines->editor)
		return;
	if (lines->path[0])
		history(lines->history, &event, H_SAVE, lines->path);
	el_end(lines->editor);
	history_end(lines->history);
}

#endif

/* ---- as they come ---- */

static const char *next_plain(struct shell_lines *lines)
{
	ssize_t n;

	if (lines->prompt) {
		fputs("weir> ", stdout);
		fflush(stdout);
	}
	n = getline(&lines->line, &lines->room, lines->file);
	if (n < 0)
		return NULL;
	lines->line[strcspn(lines->line, "\r\n")] = '\0';
	return lines->line;
}

struct shell_lines *shell_lines_open(struct shell *sh, FILE *file)
{
	struct shell_lines *lines = calloc(1, sizeof(*lines));

	if (!lines)
		return NULL;
	lines->sh = sh;
	lines->file = file;
	lines->prompt = file == stdin && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
#ifdef WEIR_LIBEDIT
	if (lines->prompt && open_editor(lines))
		lines->prompt = false;
#endif
	return lines;
}

const char *shell_lines_next(struct shell_lines *lines)
{
#ifdef WEIR_LIBEDIT
	if (lines->editor)
		return next_edited(lines);
#endif
	return next_plain(lines);
}

void shell_lines_close(struct shell_lines *lines)
{
#ifdef WEIR_LIBEDIT
	close_editor(lines);
#endif
	free(lines->line);
	free(lines);
}
