// SPDX-License-Identifier: MIT
/*
 * Plans of many boards: one image for all of them needs the union; and what each board
 * alone needs is what that image carries for it. Boards are planned in parallel; what is
 * said does not depend on how many at a time.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plan.h"

struct board {
	char *path;
	struct plan_module *modules; /* names are the kernel's or the list's: copied */
	size_t n;
	bool enough;
	char *error;               /* why there is no plan */
	json_t *doc;
};

/* A module of the union. */
struct shared {
	struct plan_module module;
	size_t boards, first;      /* how many, and the first of them */
};

struct work {
	const struct opts *o;
	struct kernel_side side;
	struct board *boards;
	size_t n, next, prefix;
	struct shared *all;
	size_t nr_all;
	bool progress;
	pthread_mutex_t lock;      /* of next */
};

/* ---- one board ---- */

/* Of a plan only what the union needs outlives it. */
static void keep(struct board *b, const struct plan *p)
{
	b->modules = calloc(p->nr_modules + 1, sizeof(*b->modules));
	for (size_t i = 0; i < p->nr_modules && b->modules; i++) {
		const struct plan_module *m = &p->modules[i];

		b->modules[b->n] = (struct plan_module){
			.name = strdup(m->name), .kind = m->kind, .path = m->path,
		};
		b->n += b->modules[b->n].name != NULL;
	}
	b->enough = p->reached;
	if (!p->reached)
		b->error = strdup(p->nr_notes ? p->notes[0] : "these modules are not enough");
}

static void run_board(struct work *w, struct board *b)
{
	char what[2000];
	struct plan p;

	if (plan_make(&p, w->o, b->path, &w->side, what, sizeof(what))) {
		b->error = strdup(what);
		return;
	}
	keep(b, &p);
	if (w->o->json)
		b->doc = plan_json(&p);
	plan_free(&p);
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

/* ---- all together ---- */

static size_t find_shared(const struct work *w, const char *name)
{
	for (size_t i = 0; i < w->nr_all; i++)
		if (!strcmp(w->all[i].module.name, name))
			return i;
	return SIZE_MAX;
}

/* Each behind what stands before it on its board, so that load order is kept. */
static int merge_board(struct work *w, size_t which)
{
	const struct board *b = &w->boards[which];
	size_t after = 0;

	for (size_t i = 0; i < b->n; i++) {
		size_t at = find_shared(w, b->modules[i].name);

		if (at == SIZE_MAX) {
			if (!plan_grow(&w->all, &w->nr_all, sizeof(*w->all)))
				return WEIR_ENOMEM;
			at = after;
			memmove(&w->all[at + 1], &w->all[at],
				(w->nr_all - 1 - at) * sizeof(*w->all));
			w->all[at] = (struct shared){ .module = b->modules[i], .first = which };
		}
		w->all[at].boards++;
		/* what one board needs directly is no mere dependency */
		if (b->modules[i].kind < w->all[at].module.kind)
			w->all[at].module.kind = b->modules[i].kind;
		after = at + 1 > after ? at + 1 : after;
	}
	return 0;
}

static size_t count_planned(const struct work *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++)
		n += w->boards[i].enough;
	return n;
}

/* Without the name of the board in front, which is said already. */
static const char *error_words(const struct board *b)
{
	size_t n = strlen(b->path);

	if (!b->error)
		return "out of memory";
	return !strncmp(b->error, b->path, n) && !strncmp(b->error + n, ": ", 2) ? b->error + n + 2 : b->error;
}

static void print_text(const struct work *w, const char *title)
{
	printf("%s, on %zu of %zu boards: %zu modules, in load order\n", title, count_planned(w),
	       w->n, w->nr_all);
	for (size_t i = 0; i < w->nr_all; i++) {
		const struct shared *s = &w->all[i];

		if (s->boards == 1)
			printf("  %-28s only %s\n", s->module.name,
			       w->boards[s->first].path + w->prefix);
		else
			printf("  %-28s %zu boards\n", s->module.name, s->boards);
	}
	for (size_t i = 0; i < w->n; i++)
		if (!w->boards[i].enough)
			printf("%s: %s\n", w->boards[i].path + w->prefix, error_words(&w->boards[i]));
}

static void print_json(const struct work *w)
{
	json_t *boards = json_array(), *modules = json_array(), *bad = json_array();

	for (size_t i = 0; i < w->n; i++) {
		const struct board *b = &w->boards[i];

		if (b->doc)
			json_array_append(boards, b->doc);
		else
			json_array_append_new(bad, json_pack("{s:s, s:s?}", "board", b->path,
							     "error", b->error));
	}
	for (size_t i = 0; i < w->nr_all; i++)
		json_array_append_new(
			modules, json_pack("{s:s, s:i, s:s?}", "module", w->all[i].module.name,
					   "boards", (int)w->all[i].boards, "only",
					   w->all[i].boards == 1 ? w->boards[w->all[i].first].path
								 : NULL));
	json_t *doc = json_pack("{s:i, s:o, s:o, s:o}", "version", 1, "modules", modules, "boards",
				boards, "unplanned", bad);

	json_dumpf(doc, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(doc);
}

static int report(struct work *w)
{
	const char *title = w->o->root ? w->o->root
			    : w->o->console ? "console" : "display";
	struct plan_module *modules = calloc(w->nr_all + 1, sizeof(*modules));
	size_t planned = count_planned(w);

	for (size_t i = 0; i < w->nr_all && modules; i++)
		modules[i] = w->all[i].module;
	if (!modules)
		return complain("out of memory");
	if (w->o->json) {
		print_json(w);
	} else if (w->o->format) {
		plan_print_format(w->o, modules, w->nr_all, title);
		if (planned < w->n)
			complain("%zu of %zu boards cannot come up with it; without --format they "
				 "are listed", w->n - planned, w->n);
	} else {
		print_text(w, title);
	}
	free(modules);
	return planned == w->n ? EXIT_OK : EXIT_FINDING;
}

int plan_boards(const struct opts *o)
{
	struct work w = { .o = o, .progress = isatty(STDERR_FILENO) };
	char what[600], **paths;
	size_t n;
	int status = boards_find(o->boards_dir, &paths, &n, &w.prefix);

	if (status)
		return status;
	w.boards = calloc(n, sizeof(*w.boards));
	for (size_t i = 0; i < n && w.boards; i++)
		w.boards[w.n++].path = paths[i];
	free(paths);
	if (!w.boards)
		return complain("out of memory");
	if (kernel_side_open(o, &w.side, what, sizeof(what)))
		status = complain("%s", what);
	if (!status)
		run_all(&w);
	for (size_t i = 0; i < w.n && !status; i++)
		if (merge_board(&w, i))
			status = complain("out of memory");
	if (!status)
		status = report(&w);
	for (size_t i = 0; i < w.n; i++) {
		for (size_t k = 0; k < w.boards[i].n; k++)
			free((char *)(uintptr_t)w.boards[i].modules[k].name);
		free(w.boards[i].modules);
		free(w.boards[i].path);
		free(w.boards[i].error);
		json_decref(w.boards[i].doc);
	}
	free(w.boards);
	free(w.all);
	kernel_side_close(&w.side);
	return status;
}
