// SPDX-License-Identifier: MIT
/* `weir diff` in words: by change, then by root cause. */
#include <string.h>

#include "diff.h"

static const char *heading(enum diff_change change)
{
	static const char *const words[] = {
		[DIFF_GONE] = "no device any more",
		[DIFF_WORSE] = "up on A, not on B",
		[DIFF_CAUSE] = "up on neither, for other reasons",
		[DIFF_STAGE_WORSE] = "from the initramfs alone on A, not on B",
		[DIFF_STAGE_CAUSE] = "from neither initramfs alone, for other reasons",
		[DIFF_STAGE_BETTER] = "from the initramfs alone on B, not on A",
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
	return change == DIFF_WORSE || change == DIFF_BETTER || change == DIFF_CAUSE ||
	       change == DIFF_STAGE_WORSE || change == DIFF_STAGE_CAUSE || change == DIFF_STAGE_BETTER;
}

/* The items from @from on that have change and root cause in common. */
static size_t run_of(const struct diff *d, size_t from)
{
	size_t n = 1;

	while (from + n < d->n && d->items[from + n].change == d->items[from].change &&
	       !strcmp(diff_root_of(&d->items[from + n]), diff_root_of(&d->items[from])))
		n++;
	return n;
}

#define MANY 40 /* more than that are counted */

/* What only one side has. */
static void print_only(const char *what, const struct diff_list *a, const struct diff_list *b)
{
	const struct diff_list *lists[] = { a, b };

	for (int i = 0; i < 2; i++) {
		const char *name;
		size_t at = 0, n = 0;

		while ((name = diff_list_only(lists[i], lists[!i], &at))) {
			if (!n)
				printf("only on %c, %s", i ? 'B' : 'A', what);
			if (n++ < MANY)
				printf(" %s", name);
		}
		if (n > MANY)
			printf(" and %zu more (--json has them)", n - MANY);
		if (n)
			putchar('\n');
	}
}

static void print_head(const struct diff *d, const struct opts *o)
{
	if (d->seen)
		printf("%sas the captures saw it:%s\n", style_bold(o), style_off(o));
	printf("A: %s  (%s)\nB: %s  (%s)", d->sides[0].model, d->sides[0].title,
	       d->sides[1].model, d->sides[1].title);
	for (size_t i = 0; d->with && d->with[i]; i++)
		printf(" %s", d->with[i]);
	putchar('\n');
}

void diff_print(const struct diff *d, const struct opts *o)
{
	const struct diff_side *a = &d->sides[0], *b = &d->sides[1];
	enum diff_change last = DIFF_CHANGES;

	print_head(d, o);
	for (size_t i = 0, n; i < d->n; i += n) {
		const struct diff_item *item = &d->items[i];

		n = run_of(d, i);
		if (item->change != last)
			printf("%s%s:%s\n", style_bold(o), heading(item->change), style_off(o));
		last = item->change;
		if (has_roots(last) && *diff_root_of(item))
			printf(" %zu because of 1: %s\n", n, diff_root_of(item));
		for (size_t j = i; j < i + n; j++)
			print_item(&d->items[j]);
	}
	if (!d->n)
		printf("no difference: %zu devices\n", d->sides[0].n);
	if (d->seen || (a->initramfs && b->initramfs)) {
		print_only(d->seen ? "modules:" : "modules in the initramfs:", &a->modules, &b->modules);
		print_only(d->seen ? "parameters:" : "firmware files in the initramfs:", &a->more, &b->more);
	}
	if (a->config.n && b->config.n)
		print_only("settings of the kernel:", &a->config, &b->config);
}
