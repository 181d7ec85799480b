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
		"initramfs there takes the place of the first. Of two captures, also what these\n"
		"saw; of two initramfs images, also which devices come up from them alone.\n",
	.example = "weir diff rk3399-rockpro64.dtb --kernel old/ -- --kernel new/",
	.status = "0 nothing changed for a device, 1 something did, 2 bad usage or input.",
};

const char *diff_change_name(enum diff_change change)
{
	static const char *const names[] = {
		"gone", "worse", "other-cause", "stage-worse", "stage-cause", "iommu", "group", "late",
		"driver", "time", "stage-better", "better", "new",
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

/* What comes up from the initramfs alone, where both sides have one. */
static int compare_stages(struct diff *d, const struct diff_device *a, const struct diff_device *b)
{
	bool on_a = a->stage == DIFF_FROM_INITRAMFS, on_b = b->stage == DIFF_FROM_INITRAMFS;

	if (a->stage == DIFF_NO_STAGE || b->stage == DIFF_NO_STAGE)
		return 0;
	if (on_a != on_b)
		return note(d, on_a ? DIFF_STAGE_WORSE : DIFF_STAGE_BETTER, a, b);
	return differ(a->lack, b->lack) ? note(d, DIFF_STAGE_CAUSE, a, b) : 0;
}

static int compare_both(struct diff *d, const struct diff_device *a, const struct diff_device *b)
{
	int err;

	if (is_up(a) != is_up(b))
		return note(d, is_up(a) ? DIFF_WORSE : DIFF_BETTER, a, b);
	if (!is_up(a))
		return a->verdict != b->verdict || differ(a->root, b->root)
			       ? note(d, DIFF_CAUSE, a, b) : 0;
	err = compare_stages(d, a, b);
	if (!err && a->iommu != b->iommu)
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

const char *diff_root_of(const struct diff_item *item)
{
	bool better = item->change == DIFF_BETTER || item->change == DIFF_STAGE_BETTER;
	const struct diff_device *side = better ? item->a : item->b;
	bool stage = item->change == DIFF_STAGE_WORSE || item->change == DIFF_STAGE_CAUSE ||
		     item->change == DIFF_STAGE_BETTER;
	const char *root = side && stage ? side->lack : side ? side->root : NULL;

	return root ? root : "";
}

static int by_weight(const void *a, const void *b)
{
	const struct diff_item *x = a, *y = b;
	int roots;

	if (x->change != y->change)
		return x->change < y->change ? -1 : 1;
	roots = strcmp(diff_root_of(x), diff_root_of(y));
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

/* ---- the two sides ---- */

/*
 * What captures saw, of each side that is one; and their command lines hold for the
 * prediction. *@out_both: there are two.
 */
static int open_seen(struct diff *d, struct opts *a, struct opts *b, const char *second, bool *out_both)
{
	const char *boards[] = { a->args[0], second };
	struct opts *o[] = { a, b };
	bool is[2] = { false, false };
	int status = 0;

	for (int i = 0; i < 2 && !status; i++) {
		status = diff_seen_open(&d->sides[i], boards[i], &is[i]);
		if (status || !d->sides[i].cmdline || o[i]->cmdline || o[i]->linux_args_given)
			continue;
		o[i]->cmdline = d->sides[i].cmdline;
		weir_linux_args_parse(&o[i]->linux_args, o[i]->cmdline);
	}
	*out_both = is[0] && is[1] && strcmp(boards[0], boards[1]);
	if (!status && *out_both && diff_compare(d))
		status = complain("out of memory");
	return status;
}

static int compare_predicted(struct diff *d, const struct opts *a, const struct opts *b, const char *second)
{
	int status = diff_side_open(&d->sides[0], a, a->args[0]);

	if (!status)
		status = diff_side_open(&d->sides[1], b, second);
	if (!status && diff_compare(d))
		status = complain("out of memory");
	return status;
}

static void forget(struct diff *d)
{
	free(d->items);
	diff_side_close(&d->sides[0]);
	diff_side_close(&d->sides[1]);
}

/* @d: NULL, when nothing could be predicted. */
static void tell(const struct opts *o, const struct diff *d, const struct diff *seen)
{
	json_t *doc;

	if (o->json) {
		doc = diff_json(d, seen);
		json_dumpf(doc, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(doc);
		return;
	}
	if (d)
		diff_print(d, o);
	else
		printf("no prediction: a capture has no device tree\n");
	if (seen)
		diff_print(seen, o);
}

static int compare(struct opts *a, struct opts *b, char *const *with)
{
	const char *second = b->nr_args == 2 ? b->args[1] : b->args[0];
	struct diff d = { .slower_ns = a->slower_ns, .with = with };
	struct diff seen = { .slower_ns = a->slower_ns, .seen = true };
	bool both = false, predict;
	int status = open_seen(&seen, a, b, second, &both);

	predict = !both || !(seen.sides[0].no_tree || seen.sides[1].no_tree);
	if (!status && predict)
		status = compare_predicted(&d, a, b, second);
	if (!status) {
		tell(a, predict ? &d : NULL, both ? &seen : NULL);
		status = d.n || seen.n ? EXIT_FINDING : EXIT_OK;
	}
	forget(&d);
	forget(&seen);
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
