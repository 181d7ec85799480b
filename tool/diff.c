// SPDX-License-Identifier: MIT
/*
 * `weir diff`: the same bring-up twice, with another tree, kernel or parameters, and what
 * changed. The second side is what stands behind "--", on top of the first.
 */
#include "diff.h"

#include <stdlib.h>
#include <string.h>

static const struct verb_help help = {
	.verb = VERB_DIFF,
	.usage = "diff A.dtb [B.dtb] [options] [-- options of B]",
	.what = "Runs two bring-ups and says for which devices the verdict, the root cause, the\n"
		"group, the IOMMU or the driver changed: with two trees, or with one and what\n"
		"stands behind \"--\", which comes on top of what stands before it; a kernel or an\n"
		"initramfs there takes the place of the first.\n",
	.example = "weir diff rk3399-rockpro64.dtb --kernel old/ -- --kernel new/",
	.status = "0 nothing changed, 1 something did, 2 bad usage or input.",
};

const char *diff_change_name(enum diff_change change)
{
	static const char *const names[] = {
		"gone", "worse", "other-cause", "iommu", "group", "late", "driver", "time",
		"better", "new",
	};

	return names[change];
}

/* ---- comparing ---- */

static bool differ(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) != 0 : a != b;
}

static bool is_up(const struct diff_device *dev)
{
	return dev->verdict == WEIR_VERDICT_BOUND;
}

static int note(struct diff *d, enum diff_change change, const struct diff_device *a,
		const struct diff_device *b)
{
	if (d->n == d->room) {
		size_t room = d->room ? 2 * d->room : 64;
		struct diff_item *more = realloc(d->items, room * sizeof(*more));

		if (!more)
			return WEIR_ENOMEM;
		d->items = more;
		d->room = room;
	}
	d->items[d->n] = (struct diff_item){ change, a, b, d->n };
	d->n++;
	return 0;
}

static bool is_slower(const struct diff *d, const struct diff_device *a,
		      const struct diff_device *b)
{
	uint64_t by = a->bound_ns > b->bound_ns ? a->bound_ns - b->bound_ns
						: b->bound_ns - a->bound_ns;

	return d->slower_ns && by >= d->slower_ns;
}

static int compare_both(struct diff *d, const struct diff_device *a, const struct diff_device *b)
{
	int err = 0;

	if (is_up(a) != is_up(b))
		return note(d, is_up(a) ? DIFF_WORSE : DIFF_BETTER, a, b);
	if (!is_up(a))
		return a->verdict != b->verdict || differ(a->root, b->root)
			       ? note(d, DIFF_CAUSE, a, b) : 0;
	if (a->iommu != b->iommu)
		err = note(d, DIFF_IOMMU, a, b);
	if (!err && differ(a->group, b->group))
		err = note(d, DIFF_GROUP, a, b);
	if (!err && a->late != b->late)
		err = note(d, DIFF_LATE, a, b);
	if (!err && differ(a->driver, b->driver))
		err = note(d, DIFF_DRIVER, a, b);
	if (!err && is_slower(d, a, b))
		err = note(d, DIFF_TIME, a, b);
	return err;
}

/* What items of a change are told together by. */
static const char *root_of(const struct diff_item *item)
{
	const struct diff_device *side = item->change == DIFF_BETTER ? item->a : item->b;

	return side && side->root ? side->root : "";
}

static int by_weight(const void *a, const void *b)
{
	const struct diff_item *x = a, *y = b;
	int roots;

	if (x->change != y->change)
		return x->change < y->change ? -1 : 1;
	roots = strcmp(root_of(x), root_of(y));
	if (roots)
		return roots;
	return x->seq < y->seq ? -1 : 1;
}

int diff_compare(struct diff *d)
{
	const struct diff_side *a = &d->sides[0], *b = &d->sides[1];
	size_t i = 0, j = 0;
	int err = 0;

	while (!err && (i < a->n || j < b->n)) {
		int order = i == a->n ? 1 : j == b->n ? -1 :
			    strcmp(a->devices[i].path, b->devices[j].path);

		if (order < 0)
			err = note(d, DIFF_GONE, &a->devices[i++], NULL);
		else if (order > 0)
			err = note(d, DIFF_NEW, NULL, &b->devices[j++]);
		else
			err = compare_both(d, &a->devices[i++], &b->devices[j++]);
	}
	if (!err && d->n)
		qsort(d->items, d->n, sizeof(*d->items), by_weight);
	return err;
}

/* ---- words ---- */

static const char *heading(enum diff_change change)
{
	static const char *const words[] = {
		[DIFF_GONE] = "no device any more",
		[DIFF_WORSE] = "up on A, not on B",
		[DIFF_CAUSE] = "up on neither, for other reasons",
		[DIFF_IOMMU] = "IOMMU",
		[DIFF_GROUP] = "another group",
		[DIFF_LATE] = "in time, or only after the timeout",
		[DIFF_DRIVER] = "another driver",
		[DIFF_TIME] = "at another time",
		[DIFF_BETTER] = "up on B, not on A",
		[DIFF_NEW] = "no device before",
	};

	return words[change];
}

static const char *iommu_words(enum diff_iommu iommu)
{
	static const char *const words[] = { "none", "NOT translated", "translated" };

	return words[iommu];
}

static const char *or_none(const char *text)
{
	return text ? text : "none";
}

static void print_item(const struct diff_item *item)
{
	const struct diff_device *a = item->a, *b = item->b;

	switch (item->change) {
	case DIFF_IOMMU:
		printf("  %s: %s -> %s\n", a->path, iommu_words(a->iommu), iommu_words(b->iommu));
		break;
	case DIFF_GROUP:
		printf("  %s: %s -> %s\n", a->path, or_none(a->group), or_none(b->group));
		break;
	case DIFF_LATE:
		printf("  %s: %s\n", a->path,
		       b->late ? "only after the timeout now" : "in time now");
		break;
	case DIFF_DRIVER:
		printf("  %s: %s -> %s\n", a->path, or_none(a->driver), or_none(b->driver));
		break;
	case DIFF_TIME:
		printf("  %s: %.3f s -> %.3f s\n", a->path, (double)a->bound_ns / 1e9,
		       (double)b->bound_ns / 1e9);
		break;
	default:
		printf("  %s\n", a ? a->path : b->path);
		break;
	}
}

static bool has_roots(enum diff_change change)
{
	return change == DIFF_WORSE || change == DIFF_BETTER || change == DIFF_CAUSE;
}

/* The items from @from on that have change and root cause in common. */
static size_t run_of(const struct diff *d, size_t from)
{
	size_t n = 1;

	while (from + n < d->n && d->items[from + n].change == d->items[from].change &&
	       !strcmp(root_of(&d->items[from + n]), root_of(&d->items[from])))
		n++;
	return n;
}

static void print_all(const struct diff *d, const struct opts *o)
{
	enum diff_change last = DIFF_CHANGES;

	printf("A: %s  (%s)\nB: %s  (%s)", d->sides[0].model, d->sides[0].title,
	       d->sides[1].model, d->sides[1].title);
	for (size_t i = 0; d->with && d->with[i]; i++)
		printf(" %s", d->with[i]);
	putchar('\n');
	for (size_t i = 0, n; i < d->n; i += n) {
		const struct diff_item *item = &d->items[i];

		n = run_of(d, i);
		if (item->change != last)
			printf("%s%s:%s\n", style_bold(o), heading(item->change), style_off(o));
		last = item->change;
		if (has_roots(last) && *root_of(item))
			printf(" %zu because of 1: %s\n", n, root_of(item));
		for (size_t j = i; j < i + n; j++)
			print_item(&d->items[j]);
	}
	if (!d->n)
		printf("no difference: %zu devices\n", d->sides[0].n);
}

/* ---- the two sides ---- */

static int compare(const struct opts *a, const struct opts *b, char *const *with)
{
	const char *second = b->nr_args == 2 ? b->args[1] : b->args[0];
	struct diff d = { .slower_ns = a->slower_ns, .with = with };
	int status = diff_side_open(&d.sides[0], a, a->args[0]);

	if (!status)
		status = diff_side_open(&d.sides[1], b, second);
	if (!status && diff_compare(&d))
		status = complain("out of memory");
	if (!status && a->json) {
		json_t *doc = diff_json(&d);

		json_dumpf(doc, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(doc);
	} else if (!status) {
		print_all(&d, a);
	}
	if (!status)
		status = d.n ? EXIT_FINDING : EXIT_OK;
	free(d.items);
	diff_side_close(&d.sides[0]);
	diff_side_close(&d.sides[1]);
	return status;
}

/* Both sides' arguments: the @before ones before "--", and all of them. */
static int parse(int argc, char **argv, int before, struct opts *out_a, struct opts *out_b)
{
	static char next[] = OPTS_NEXT_SIDE;
	char **all = calloc((size_t)argc + 1, sizeof(*all));
	int n = 0, status;

	if (!all)
		return complain("out of memory");
	for (int i = 0; i < argc; i++)
		all[n++] = i == before ? next : argv[i];
	status = opts_parse(out_a, before, argv, &help);
	if (!status && !out_a->help)
		status = opts_parse(out_b, n, all, &help);
	out_b->boards = NULL; /* it was in the list that goes */
	free(all);
	return status;
}

int cmd_diff(int argc, char **argv)
{
	struct opts a, b;
	int before = 0, status;

	while (before < argc && strcmp(argv[before], "--"))
		before++;
	status = parse(argc, argv, before, &a, &b);
	if (status || a.help)
		return status;
	if (!a.nr_args || b.nr_args > 2)
		return complain("diff: one board or two are needed; see weir diff --help");
	return compare(&a, &b, before < argc ? argv + before + 1 : NULL);
}
