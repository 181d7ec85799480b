// SPDX-License-Identifier: MIT
/*
 * Who needs whom, in Graphviz's language: an arrow from a device to what it needs. All
 * devices, or one with all that it needs in the end and what needs it.
 */
#include "report.h"

#include <stdlib.h>
#include <string.h>

static const char *const fills[] = { "#c9ecd9", "#fbe0b3", "#f7c5c7", "#e6e9ef", "#f3f5f8" };

static void put_quoted(const char *text, FILE *f)
{
	fputc('"', f);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', f);
		fputc(*text, f);
	}
	fputc('"', f);
}

/* Marks a device and, without recursion, all that it needs. */
static int mark_needed(const struct report *p, size_t from, bool *shown)
{
	size_t *stack = calloc(p->n + 1, sizeof(*stack)), n = 0;

	if (!stack)
		return WEIR_ENOMEM;
	shown[from] = true;
	stack[n++] = from;
	while (n) {
		struct weir_device *dev = p->devices[stack[--n]];
		const struct weir_link *link;

		for (link = weir_link_first(dev); link; link = weir_link_next(link)) {
			long i = report_index(p, weir_link_supplier(link));

			if (i < 0 || shown[i])
				continue;
			shown[i] = true;
			stack[n++] = (size_t)i;
		}
	}
	free(stack);
	return 0;
}

static int choose(const struct report *p, struct weir_device *only, bool *shown)
{
	const struct weir_link *link;
	int err;

	for (size_t i = 0; i < p->n; i++)
		shown[i] = !only;
	if (!only)
		return 0;
	err = mark_needed(p, (size_t)report_index(p, only), shown);
	for (link = weir_link_first_consumer(only); link; link = weir_link_next_consumer(link)) {
		long i = report_index(p, weir_link_consumer(link));

		if (i >= 0)
			shown[i] = true;
	}
	return err;
}

static void put_device(const struct report *p, size_t i, bool bold, FILE *f)
{
	struct weir_device *dev = p->devices[i];
	char words[500];

	report_words_slack(p, i, words, sizeof(words));
	fprintf(f, "\t%zu [label=", i);
	put_quoted(weir_device_name(dev), f);
	fprintf(f, ", fillcolor=\"%s\"%s, tooltip=", fills[report_state_of(p, dev)],
		bold ? ", penwidth=3" : "");
	put_quoted(words, f);
	fputs("];\n", f);
}

static void put_links(const struct report *p, size_t i, const bool *shown, FILE *f)
{
	const struct weir_link *link;

	for (link = weir_link_first(p->devices[i]); link; link = weir_link_next(link)) {
		long sup = report_index(p, weir_link_supplier(link));
		const char *property = weir_link_property(link);

		if (sup < 0 || !shown[sup])
			continue;
		fprintf(f, "\t%zu -> %ld [label=", i, sup);
		put_quoted(property ? property : "", f);
		fprintf(f, "%s];\n", weir_link_flags(link) & WEIR_LINK_SYNC_STATE_ONLY
					   ? ", style=dashed" : "");
	}
}

/* What a device waits for and has no device yet. */
static void put_missing(const struct report *p, size_t i, FILE *f)
{
	struct weir_why why;
	char path[512];

	if (weir_device_verdict(p->devices[i], &why) != WEIR_VERDICT_WAITS_NODE || why.next)
		return;
	fprintf(f, "\tn%zu [shape=octagon, fillcolor=\"#f7c5c7\", label=", i);
	put_quoted(path_words(why.node, path, sizeof(path)), f);
	fprintf(f, "];\n\t%zu -> n%zu [label=", i, i);
	put_quoted(why.property ? why.property : "", f);
	fputs("];\n", f);
}

int graph_dot(const struct report *p, struct weir_device *only, FILE *f)
{
	bool *shown = calloc(p->n + 1, sizeof(*shown));
	int err = shown ? choose(p, only, shown) : WEIR_ENOMEM;

	if (err) {
		free(shown);
		return err;
	}
	fputs("digraph ", f);
	put_quoted(board_model(p->r), f);
	fputs(" {\n\trankdir=LR;\n\tnode [shape=box, style=\"filled,rounded\", fontname=\"sans-serif\", "
	      "fontsize=11];\n\tedge [fontname=\"sans-serif\", fontsize=9, color=\"#7a8394\"];\n", f);
	for (size_t i = 0; i < p->n; i++) {
		if (!shown[i])
			continue;
		put_device(p, i, p->devices[i] == only, f);
		put_links(p, i, shown, f);
		put_missing(p, i, f);
	}
	fputs("}\n", f);
	free(shown);
	return ferror(f) ? WEIR_EIO : 0;
}
