// SPDX-License-Identifier: MIT
/*
 * `weir diff` of two captures: what was bound, what waited and for what, who shared an
 * IOMMU group, which modules were loaded and with which parameters Linux was started. A
 * device of the tree is known by its node and name, for its place in /sys may change.
 */
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "diff.h"
#include "live.h"
#include "measured.h"

static char *path_of(const struct seen_device *d)
{
	char *text;

	if (!d->node)
		return strdup(d->path);
	/* several devices can share a node */
	return asprintf(&text, "%s (%s)", d->node, d->name) < 0 ? NULL : text;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Who is in a group; its number is any. Return: NULL without memory. */
static char *members_of(const struct seen *s, int group)
{
	const char **names = calloc(s->n + 1, sizeof(*names));
	size_t n = 0, bytes = 0;
	char *text = NULL;
	FILE *f = names ? open_memstream(&text, &bytes) : NULL;

	for (size_t i = 0; f && i < s->n; i++)
		if (s->devices[i].group == group)
			names[n++] = s->devices[i].name;
	if (f && n)
		qsort(names, n, sizeof(*names), by_text);
	for (size_t i = 0; f && i < n; i++)
		fprintf(f, "%s%s", i ? " " : "", names[i]);
	if (f && fclose(f)) {
		free(text);
		text = NULL;
	}
	free(names);
	return text;
}

/* Return: false without memory. */
static bool take_device(struct diff_device *out, const struct seen *s, const struct weir_bootlog *log,
			size_t i)
{
	const struct seen_device *d = &s->devices[i];
	const struct weir_bootlog_device *logged = log ? weir_bootlog_device(log, d->name) : NULL;
	char words[500];

	out->path = path_of(d);
	if (!out->path)
		return false;
	if (d->driver) {
		out->verdict = WEIR_VERDICT_BOUND;
		out->driver = strdup(d->driver);
	} else {
		size_t root = seen_root(s, i);

		out->verdict = root != i ? WEIR_VERDICT_WAITS_SUPPLIER :
			       d->deferred ? WEIR_VERDICT_DRIVER_DEFERS :
			       d->waiting > 0 ? WEIR_VERDICT_WAITS_NODE : WEIR_VERDICT_UNKNOWN_DRIVER;
		seen_words(s, root, words, sizeof(words));
		if (asprintf(&out->root, "%s: %s", s->devices[root].name, words) < 0)
			out->root = NULL;
	}
	if (d->group >= 0) {
		out->iommu = DIFF_TRANSLATED;
		out->group = members_of(s, d->group);
	}
	if (logged && logged->state == WEIR_BOOTLOG_BOUND && logged->at > 0)
		out->bound_ns = (uint64_t)(logged->at * 1e9 + 0.5);
	return (out->driver || out->root) && (d->group < 0 || out->group);
}

/* The first word of each line of /proc/modules; the words of a command line. */
static int take_words(struct diff_list *l, const struct capture_entry *e, bool first_of_line)
{
	const char *at = e ? e->data : "", *end = at + (e ? e->bytes : 0);
	int err = 0;

	while (at < end && !err) {
		size_t n = strcspn(at, " \t\n");

		if (n)
			err = diff_list_add(l, at, n);
		at += n;
		at += first_of_line ? strcspn(at, "\n") : 0;
		at++; /* also a NUL, which may stand anywhere */
	}
	for (size_t i = 0; i < l->n; i++)
		text_clean(l->item[i], strlen(l->item[i]), "");
	diff_list_sort(l);
	return err;
}

/* What a configuration sets: lines "CONFIG_X=...". One that is damaged is none. */
static int take_config(struct diff_list *l, const struct capture *c)
{
	const struct capture_entry *e = capture_find(c, "config.gz");
	struct weir_errtext et = { "" };
	struct weir_bytes text = { 0 };
	const char *at, *end;
	int err = 0;

	if (!e || weir_unpack_stream((const uint8_t *)e->data, e->bytes, &et, &text))
		return 0;
	for (at = (const char *)text.data, end = at + text.size; at < end && !err;) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((stop ? stop : end) - at);

		if (n > 7 && n < 400 && !strncmp(at, "CONFIG_", 7) && !memchr(at, '\0', n))
			err = diff_list_add(l, at, n);
		at += n + 1;
	}
	weir_bytes_fini(&text);
	for (size_t i = 0; i < l->n; i++)
		text_clean(l->item[i], strlen(l->item[i]), "");
	diff_list_sort(l);
	return err;
}

static int take(struct diff_side *side, const struct capture *c, const struct seen *s,
		const struct weir_bootlog *log, const char *board)
{
	size_t waiting = 0;

	side->devices = calloc(s->n + 1, sizeof(*side->devices));
	if (!side->devices)
		return WEIR_ENOMEM;
	for (size_t i = 0; i < s->n; i++) {
		waiting += seen_waits(s, i);
		if (!take_device(&side->devices[side->n++], s, log, i))
			return WEIR_ENOMEM;
	}
	diff_side_sort(side);
	side->model = strdup(board);
	if (!side->model || asprintf(&side->title, "Linux %s, %zu devices wait",
				     s->kernel ? s->kernel : "of unknown version", waiting) < 0)
		return WEIR_ENOMEM;
	if (take_words(&side->modules, capture_find(c, "modules"), true) || take_config(&side->config, c))
		return WEIR_ENOMEM;
	return take_words(&side->more, capture_find(c, "cmdline"), false);
}

static int open_seen(struct diff_side *side, const struct capture *c, const char *board)
{
	const struct capture_entry *e = capture_find(c, "log"), *cmdline = capture_find(c, "cmdline");
	struct weir_bootlog *log = NULL;
	struct weir_bytes tree = { 0 };
	struct seen s;
	int err = seen_open(&s, c);

	if (!err && e)
		err = weir_bootlog_read(e->data, e->bytes, &log);
	if (!err)
		err = take(side, c, &s, log, board);
	if (!err && cmdline) {
		side->cmdline = strndup(cmdline->data, cmdline->bytes);
		err = side->cmdline ? 0 : WEIR_ENOMEM;
	}
	side->no_tree = capture_dtb(c, &tree) == WEIR_ENOENT;
	weir_bytes_fini(&tree);
	weir_bootlog_destroy(log);
	seen_close(&s);
	return err;
}

int diff_seen_open(struct diff_side *side, const char *board, bool *out_is)
{
	struct weir_bytes file = { 0 };
	struct capture c = { 0 };
	char what[600];
	int err = 0;

	*out_is = false;
	/* what cannot be read at all, the prediction says */
	if (read_plain(board, &file, what, sizeof(what)))
		return 0;
	*out_is = capture_is(file.data, file.size);
	weir_bytes_fini(&file);
	if (!*out_is)
		return 0;
	if (capture_read(&c, board))
		return EXIT_USAGE;
	err = open_seen(side, &c, board);
	capture_free(&c);
	return err ? complain("%s: %s", board, weir_strerror(err)) : 0;
}
