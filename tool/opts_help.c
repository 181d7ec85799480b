// SPDX-License-Identifier: MIT
/* --help of a verb: its options, in words that are for that verb. */
#include <string.h>

#include "opts.h"

#define LEFT 23   /* columns of names */
#define RIGHT 53  /* columns of words */

/* Whether a list of verbs with commas between them, up to @end, names one. */
static bool names(const char *list, const char *end, const char *verb, size_t len)
{
	while (list < end) {
		size_t n = strcspn(list, ",:=");

		if (n == len && !strncmp(list, verb, n))
			return true;
		list += n + 1;
	}
	return false;
}

/* The words of an option for a verb. */
static void words_for(const char *text, const char *verb, size_t len, char *buf, size_t bytes)
{
	size_t used = strcspn(text, "|");

	snprintf(buf, bytes, "%.*s", (int)used, text);
	for (text += used; *text == '|';) {
		const char *words;
		size_t n;

		text++;
		words = text + strcspn(text, ":=");
		n = strcspn(text, "|");

		if (names(text, words, verb, len)) {
			used = *words == '=' ? 0 : strlen(buf);
			snprintf(buf + used, bytes - used, "%.*s", (int)(text + n - words - 1), words + 1);
		}
		text += n;
	}
}

static void print_option(const struct option_def *def, const char *verb, size_t len)
{
	char left[40] = "", text[600], *line = text;

	if (def->key < O_KERNEL)
		snprintf(left, sizeof(left), "-%c, ", def->key);
	snprintf(left + strlen(left), sizeof(left) - strlen(left), "--%s%s%s", def->name,
		 def->value ? " " : "", def->value ? def->value : "");
	words_for(def->help, verb, len, text, sizeof(text));
	for (int row = 0; *line; row++) {
		size_t n = strlen(line);

		if (n > RIGHT) {
			n = RIGHT;
			while (n && line[n] != ' ')
				n--;
		}
		printf("  %-*s  %.*s\n", LEFT, row ? "" : left, (int)n, line);
		line += n;
		line += *line == ' ';
	}
}

void opts_help_print(const struct verb_help *help)
{
	size_t len = strcspn(help->usage, " ");
	const char *heading = NULL;

	printf("usage: weir %s\n\n%s", help->usage, help->what);
	for (size_t i = 0; i < nr_option_defs; i++) {
		heading = option_defs[i].heading ? option_defs[i].heading : heading;
		if (!(option_defs[i].verbs & 1u << help->verb))
			continue;
		if (heading)
			printf("\n%s\n", heading);
		heading = NULL;
		print_option(&option_defs[i], help->usage, len);
	}
	printf("\nexample: %s\n\nExit status: %s\n", help->example, help->status);
}
