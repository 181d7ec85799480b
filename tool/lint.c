// SPDX-License-Identifier: MIT
/*
 * `weir lint`: what is wrong with a board's tree, and with the tree on a kernel. Boards are
 * looked at one after the other; all findings are kept until the end.
 */
#include "lint.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct verb_help help = {
	.verb = VERB_LINT,
	.any_args = true,
	.usage = "lint BOARD.dtb... [--kernel DIR] [options]",
	.what = "Says what is wrong with device trees: each finding with its rule, the node, what it\n"
		"will do at boot, and how to mend it. With a kernel also what that lacks.\n"
		"docs/lint.md describes every rule; --rules lists them.\n",
	.example = "weir lint rk3399-rockpro64.dtb --kernel /lib/modules/6.12.43 --severity warning",
	.status = "0 no error and no warning, 1 there is one, 2 bad usage or input.",
};

static int by_place(const void *a, const void *b)
{
	const struct lint_finding *x = a, *y = b;

	if (x->severity != y->severity)
		return x->severity > y->severity ? -1 : 1;
	if (x->rule != y->rule)
		return x->rule < y->rule ? -1 : 1;
	return x->seq < y->seq ? -1 : 1;
}

/* ---- text ---- */

static const char *style_of(const struct opts *o, enum lint_severity severity)
{
	return severity == LINT_ERROR ? style_bad(o) : severity == LINT_WARNING ? style_bold(o) : "";
}

/* Effect and fix are said once for findings of a rule that agree in them. */
static bool says_the_same(const struct lint_finding *a, const struct lint_finding *b)
{
	return a->rule == b->rule && !strcmp(a->effect, b->effect) && !strcmp(a->fix, b->fix);
}

static void print_board(const struct lint *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct lint_finding *f = &l->items[i];
		const char *style = style_of(l->o, f->severity);

		printf("%s: %s%s%s: %s: %s\n", l->r->board, style,
		       lint_severity_name(f->severity), *style ? style_off(l->o) : "", f->path,
		       f->what);
		if (i + 1 < l->n && says_the_same(f, f + 1))
			continue;
		printf("    at boot: %s\n    fix: %s  [%s]\n", f->effect, f->fix,
		       lint_rule(f->rule)->id);
	}
}

static size_t count(const struct lint *lints, size_t n, enum lint_severity severity)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < lints[i].n; j++)
			found += lints[i].items[j].severity == severity;
	return found;
}

static void print_all(const struct lint *lints, size_t n)
{
	for (size_t i = 0; i < n; i++)
		print_board(&lints[i]);
	printf("%zu board%s: %zu errors, %zu warnings, %zu notes\n", n, n == 1 ? "" : "s",
	       count(lints, n, LINT_ERROR), count(lints, n, LINT_WARNING),
	       count(lints, n, LINT_NOTE));
}

static int print_rules(void)
{
	for (unsigned int i = 0; i < LINT_RULES; i++) {
		const struct lint_rule *rule = lint_rule((enum lint_rule_id)i);

		printf("%-26s %-8s %s\n", rule->id, lint_severity_name(rule->severity), rule->title);
	}
	return EXIT_OK;
}

static void print_document(json_t *doc)
{
	json_dumpf(doc, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(doc);
}

/* ---- looking ---- */

/* Return: 0, or an exit status after a message. */
static int look(struct lint *l, const struct opts *o, const char *board,
		const struct kernel_side *kernel)
{
	struct causes c;
	char what[600];

	*l = (struct lint){ .o = o };
	l->r = calloc(1, sizeof(*l->r));
	if (!l->r)
		return complain("out of memory");
	if (run_open(l->r, o, board, kernel, what, sizeof(what))) {
		free(l->r);
		l->r = NULL;
		return complain("%s", what);
	}
	lint_tree(l);
	lint_iommus(l);
	if (causes_collect(l->r, &c))
		return complain("out of memory");
	lint_boot(l, &c);
	causes_free(&c);
	if (l->failed)
		return complain("out of memory");
	if (l->n)
		qsort(l->items, l->n, sizeof(*l->items), by_place);
	return 0;
}

static void forget(struct lint *lints, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		lint_free(&lints[i]);
		if (lints[i].r)
			run_close(lints[i].r);
		free(lints[i].r);
	}
	free(lints);
}

static int lint_all(const struct opts *o, const struct kernel_side *kernel)
{
	size_t n = (size_t)o->nr_args;
	bool progress = n > 1 && isatty(STDERR_FILENO);
	struct lint *lints = calloc(n, sizeof(*lints));
	int status = 0;

	if (!lints)
		return complain("out of memory");
	for (size_t i = 0; i < n && !status; i++) {
		if (progress)
			fprintf(stderr, "\r%zu of %zu boards ", i + 1, n);
		status = look(&lints[i], o, o->boards[i], kernel);
	}
	if (progress)
		fprintf(stderr, "\r%40s\r", "");
	if (!status) {
		if (o->sarif)
			print_document(lint_sarif(lints, n));
		else if (o->json)
			print_document(lint_json(lints, n));
		else
			print_all(lints, n);
		status = count(lints, n, LINT_ERROR) + count(lints, n, LINT_WARNING)
				 ? EXIT_FINDING : EXIT_OK;
	}
	forget(lints, n);
	return status;
}

int cmd_lint(int argc, char **argv)
{
	struct kernel_side kernel;
	struct opts o;
	char what[600];
	int status = opts_parse(&o, argc, argv, &help);

	if (status || o.help)
		return status;
	if (o.rules)
		return print_rules();
	if (!o.nr_args)
		return complain("lint: a board is needed; see weir lint --help");
	status = lint_rules_check(&o);
	if (status)
		return status;
	/* cycles are settled by Weir's own policy: it knows an edge that settles them */
	if (!o.profile_given)
		o.profile = PROFILE_WEIR;
	if (kernel_side_open(&o, &kernel, what, sizeof(what)))
		return complain("%s", what);
	status = lint_all(&o, &kernel);
	kernel_side_close(&kernel);
	return status;
}
