// SPDX-License-Identifier: MIT
/*
 * What the shell prints: results, which are JSON, as text; and the news, which are the
 * events since the last time, lines of log among them.
 */
#include <string.h>

#include "shell.h"

#define MAX_COLUMNS 12

/* A value in a table: lists are joined, nothing is "-". */
static void cell_text(const json_t *value, char *buf, size_t bytes)
{
	const json_t *item;
	size_t i, at = 0;

	buf[0] = '\0';
	if (json_is_string(value)) {
		snprintf(buf, bytes, "%s", json_string_value(value));
	} else if (json_is_integer(value)) {
		snprintf(buf, bytes, "%lld", (long long)json_integer_value(value));
	} else if (json_is_boolean(value)) {
		snprintf(buf, bytes, "%s", json_is_true(value) ? "yes" : "no");
	} else if (json_is_array(value)) {
		json_array_foreach(value, i, item) {
			char one[200];

			cell_text(item, one, sizeof(one));
			snprintf(buf + at, bytes - at, "%s%s", i ? ", " : "", one);
			at += strlen(buf + at);
		}
	}
	if (!buf[0])
		snprintf(buf, bytes, "-");
}

/* The first line of a text alone decides how wide a column is. */
static int width_of(const char *text)
{
	return (int)strcspn(text, "\n");
}

static void print_cell(const char *text, int width, bool last, int indent)
{
	const char *end;

	for (; (end = strchr(text, '\n')); text = end + 1)
		printf("%.*s\n%*s", (int)(end - text), text, indent, "");
	printf("%-*s%s", last ? 0 : width, text, last ? "\n" : "  ");
}

/* Rows have the keys of the first, in its order. */
static void print_table(const struct shell *sh, const json_t *rows)
{
	json_t *first = json_array_get(rows, 0);
	const char *keys[MAX_COLUMNS], *key;
	int width[MAX_COLUMNS], n = 0, indent;
	char text[1000];
	json_t *value;
	const json_t *row;
	size_t i;

	json_object_foreach(first, key, value) {
		if (n == MAX_COLUMNS)
			break;
		keys[n] = key;
		width[n++] = width_of(key);
	}
	json_array_foreach(rows, i, row)
		for (int c = 0; c < n; c++) {
			cell_text(json_object_get(row, keys[c]), text, sizeof(text));
			if (width_of(text) > width[c])
				width[c] = width_of(text);
		}
	fputs(style_bold(&sh->o), stdout);
	for (int c = 0; c < n; c++)
		printf("%-*s%s", c == n - 1 ? 0 : width[c], keys[c], c == n - 1 ? "" : "  ");
	printf("%s\n", style_off(&sh->o));
	json_array_foreach(rows, i, row) {
		indent = 0;
		for (int c = 0; c < n; c++) {
			cell_text(json_object_get(row, keys[c]), text, sizeof(text));
			print_cell(text, width[c], c == n - 1, indent);
			indent += width[c] + 2;
		}
	}
}

void shell_print(const struct shell *sh, const json_t *result)
{
	const char *key;
	json_t *value;
	char text[1000];
	int width = 0;

	if (json_is_array(result) && json_is_object(json_array_get(result, 0))) {
		print_table(sh, result);
	} else if (json_is_object(result)) {
		json_object_foreach((json_t *)(uintptr_t)result, key, value)
			width = width_of(key) > width ? width_of(key) : width;
		json_object_foreach((json_t *)(uintptr_t)result, key, value) {
			cell_text(value, text, sizeof(text));
			printf("%-*s  %s\n", width, key, text);
		}
	} else if (json_is_string(result)) {
		printf("%s\n", json_string_value(result));
	}
}

/* ---- news ---- */

bool shell_is_news(const struct record_event *e)
{
	switch (e->type) {
	case WEIR_EVENT_QUEUED:
	case WEIR_EVENT_PROBE: /* how it ends is told */
	case WEIR_EVENT_DRIVER_ADD:
	case WEIR_EVENT_DRIVER_DEL:
	case WEIR_EVENT_LINK_ADD:
	case WEIR_EVENT_LINK_DEL:
	case WEIR_EVENT_LINK_STATE:
	case WEIR_EVENT_SYNC_STATE:
	case WEIR_EVENT_SYNC_STATE_PENDING:
	case WEIR_EVENT_RPM_SUSPEND:
	case WEIR_EVENT_RPM_RESUME:
		return false;
	default:
		return true;
	}
}

void shell_print_news(struct shell *sh)
{
	char words[600];

	for (; sh->events_told < sh->run.record.n; sh->events_told++) {
		const struct record_event *e = &sh->run.record.events[sh->events_told];

		if (!shell_is_news(e))
			continue;
		event_words(e, words, sizeof(words));
		printf("  %s\n", words);
	}
}

json_t *shell_json_news(struct shell *sh)
{
	json_t *events = json_array();

	for (; sh->events_told < sh->run.record.n; sh->events_told++)
		if (shell_is_news(&sh->run.record.events[sh->events_told]))
			json_array_append_new(events, json_of_event(
				&sh->run.record.events[sh->events_told]));
	return events;
}
