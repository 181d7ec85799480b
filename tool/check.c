// SPDX-License-Identifier: MIT
/* `weir check`: every board below a directory, in parallel, a line each. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weir.h"

static const struct verb_help help = {
	.verb = VERB_CHECK,
	.usage = "check DIR [--kernel DIR] [options]",
	.what = "Runs the bring-up of every device tree (*.dtb, also packed) below a directory, and of\n"
		"those in boot images there, such as fitImage#conf-1. One line a board: devices up,\n"
		"waiting, failed, late, and the worst cause.\n",
	.example = "weir check /usr/lib/linux-image-6.12.43+deb12-arm64 --kernel /lib/modules/6.12.43",
	.status = "0 everything came up on all boards, 1 not, 2 bad usage or a board that\n"
		  "cannot be read.",
};

struct board {
	char *path;
	char *line;  /* what to print */
	char *error; /* why it cannot be read */
	json_t *doc;
	int status;
	size_t devices, bound, waiting, failed, late;
};

struct work {
	const struct opts *o;
	struct kernel_side side;
	struct board *boards;
	size_t n, next;
	size_t prefix; /* bytes of the directory in every path */
	bool progress;
	pthread_mutex_t lock;
};

/* ---- finding them ---- */

static int find_boards(struct work *w, const char *dir)
{
	char **paths;
	size_t n;
	int err = boards_find(dir, &paths, &n, &w->prefix);

	if (err)
		return err;
	w->boards = calloc(n, sizeof(*w->boards));
	for (size_t i = 0; i < n && w->boards; i++)
		w->boards[w->n++].path = paths[i];
	for (size_t i = w->n; i < n; i++)
		free(paths[i]);
	free(paths);
	return w->boards ? 0 : complain("out of memory");
}

/* ---- one board ---- */

static char *board_line(const struct work *w, const struct board *b, const struct run *r,
			const struct causes *c)
{
	char what[600] = "", *text;

	if (c->n)
		cause_what(r, &c->items[0], what, sizeof(what));
	if (asprintf(&text, "%-56s %4zu of %4zu up  %3zu wait %3zu failed %3zu late%s%s",
		     b->path + w->prefix, b->bound, b->devices, b->waiting, b->failed, b->late,
		     *what ? "  " : "", what) < 0)
		return NULL;
	return text;
}

static void run_board(struct work *w, struct board *b)
{
	struct causes c;
	struct run r;
	char what[600];

	if (run_open(&r, w->o, b->path, &w->side, what, sizeof(what))) {
		b->status = EXIT_USAGE;
		b->error = strdup(what);
		if (asprintf(&b->line, "%-56s cannot be read", b->path + w->prefix) < 0)
			b->line = NULL;
		return;
	}
	if (causes_collect(&r, &c)) {
		b->status = EXIT_USAGE;
		run_close(&r);
		return;
	}
	b->devices = c.devices;
	b->bound = c.bound;
	b->waiting = c.waiting;
	b->failed = c.failed;
	b->late = c.late;
	b->status = c.waiting || c.failed ? EXIT_FINDING : EXIT_OK;
	if (w->o->json)
		b->doc = json_of_run(&r, &c);
	else
		b->line = board_line(w, b, &r, &c);
	causes_free(&c);
	run_close(&r);
}

static void *worker(void *arg)
{
	struct work *w = arg;

	for (;;) {
		struct board *b;

		pthread_mutex_lock(&w->lock);
		b = w->next < w->n ? &w->boards[w->next++] : NULL;
		if (w->progress && b)
			fprintf(stderr, "\r%zu of %zu boards ", w->next, w->n);
		pthread_mutex_unlock(&w->lock);
		if (!b)
			return NULL;
		run_board(w, b);
	}
}

static void run_all(struct work *w)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t threads = w->o->jobs ? w->o->jobs : cpus > 0 ? (size_t)cpus : 1, started = 0;
	pthread_t *t = calloc(threads, sizeof(*t));

	pthread_mutex_init(&w->lock, NULL);
	while (t && started + 1 < threads && !pthread_create(&t[started], NULL, worker, w))
		started++;
	worker(w);
	while (started)
		pthread_join(t[--started], NULL);
	free(t);
	if (w->progress)
		fprintf(stderr, "\r%40s\r", "");
}

/* ---- the report ---- */

static json_t *unreadable_board(const struct board *b)
{
	return json_pack("{s:o, s:o}", "board", json_text(b->path), "error",
			 json_text(b->error ? b->error : "out of memory"));
}

static int report(struct work *w)
{
	size_t up = 0, devices = 0, bound = 0, unreadable = 0;
	json_t *docs = json_array(), *bad = json_array();

	for (size_t i = 0; i < w->n; i++) {
		struct board *b = &w->boards[i];

		if (b->doc)
			json_array_append(docs, b->doc);
		else if (b->status == EXIT_USAGE && w->o->json)
			json_array_append_new(bad, unreadable_board(b));
		else
			puts(b->line ? b->line : "out of memory");
		if (b->status == EXIT_USAGE)
			complain("%s", b->error ? b->error : "out of memory");
		unreadable += b->status == EXIT_USAGE;
		up += b->status == EXIT_OK;
		devices += b->devices;
		bound += b->bound;
	}
	if (w->o->json) {
		json_t *doc = json_pack("{s:i, s:O, s:O}", "version", 1, "boards", docs,
					"unreadable", bad);

		json_dumpf(doc, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(doc);
	} else {
		printf("%zu boards: on %zu nothing waits; %zu of %zu devices up; %zu unreadable\n",
		       w->n, up, bound, devices, unreadable);
	}
	json_decref(docs);
	json_decref(bad);
	return unreadable ? EXIT_USAGE : up == w->n ? EXIT_OK : EXIT_FINDING;
}

static void clean_up(struct work *w)
{
	for (size_t i = 0; i < w->n; i++) {
		free(w->boards[i].path);
		free(w->boards[i].line);
		free(w->boards[i].error);
		json_decref(w->boards[i].doc);
	}
	free(w->boards);
	kernel_side_close(&w->side);
}

int cmd_check(int argc, char **argv)
{
	struct work w = { .progress = isatty(STDERR_FILENO) };
	struct opts o;
	char what[600];
	int status = opts_parse(&o, argc, argv, &help);

	if (status || o.help)
		return status;
	if (o.nr_args != 1)
		return complain("check: one directory is needed; see weir check --help");
	w.o = &o;
	status = find_boards(&w, o.args[0]);
	if (!status && kernel_side_open(&o, &w.side, what, sizeof(what)))
		status = complain("%s", what);
	if (!status) {
		run_all(&w);
		status = report(&w);
	}
	clean_up(&w);
	return status;
}
