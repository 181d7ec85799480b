// SPDX-License-Identifier: MIT
/*
 * A device by any of its names: path, &label, alias, the name in /sys, or the end of
 * one of these when only one device has it. A miss suggests what is close.
 */
#include <stdlib.h>
#include <string.h>

#include "weir.h"

static bool ends_in(const char *s, const char *tail)
{
	size_t n = strlen(s), t = strlen(tail);

	return n >= t && !strcmp(s + n - t, tail);
}

/* Whether @name ends a name at a border: all of it, or behind / or : or a dot. */
static bool is_tail(const char *s, const char *name)
{
	size_t n = strlen(s), t = strlen(name);

	return t && ends_in(s, name) && (n == t || strchr("/:.", s[n - t - 1]));
}

/* Return: 0; WEIR_ENOENT. */
static int find_label(struct run *r, const char *label, struct weir_fwnode **out_node)
{
	struct weir_fwnode *symbols;
	const void *path;
	size_t bytes;

	if (weir_fwnode_find(r->m, "/__symbols__", &symbols) ||
	    weir_fwnode_property(symbols, label, &path, &bytes) || !bytes ||
	    ((const char *)path)[bytes - 1])
		return WEIR_ENOENT;
	return weir_fwnode_find(r->m, path, out_node);
}

static int by_label(struct run *r, const char *label, struct weir_fwnode **out_node)
{
	struct weir_fwnode *symbols;

	if (weir_fwnode_find(r->m, "/__symbols__", &symbols))
		return complain("%s: the tree has no labels (it was compiled without -@)", r->board);
	return find_label(r, label, out_node) ? complain("%s: no label '%s'", r->board, label) : 0;
}

/* ---- suggestions ---- */

#define MAX_NAME 64

/* Levenshtein's distance, of the first 63 characters. */
unsigned int name_distance(const char *a, const char *b)
{
	unsigned int row[MAX_NAME + 1], n = 0, diagonal;

	while (b[n] && n < MAX_NAME)
		n++;
	for (unsigned int j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned int i = 0; a[i] && i < MAX_NAME; i++) {
		diagonal = row[0];
		row[0] = i + 1;
		for (unsigned int j = 0; j < n; j++) {
			unsigned int best = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j + 1] + 1 < best)
				best = row[j + 1] + 1;
			row[j + 1] = best;
		}
	}
	return row[n];
}

struct close {
	const char *name;
	unsigned int distance;
};

static void offer(struct close *best, size_t n, const char *name, unsigned int d)
{
	for (size_t i = 0; i < n; i++) {
		if (best[i].name && !strcmp(best[i].name, name))
			return;
		if (best[i].name && best[i].distance <= d)
			continue;
		memmove(&best[i + 1], &best[i], (n - 1 - i) * sizeof(*best));
		best[i] = (struct close){ name, d };
		return;
	}
}

/* The distance from the name of a device or node, with its address and without. */
static unsigned int distance_of(const char *wanted, const char *name)
{
	char plain[MAX_NAME];
	const char *at = strchr(name, '@'), *dot = strchr(name, '.');
	unsigned int whole = name_distance(wanted, name), d;

	if (at)
		snprintf(plain, sizeof(plain), "%.*s", (int)(at - name), name);
	else
		snprintf(plain, sizeof(plain), "%s", dot ? dot + 1 : name);
	d = name_distance(wanted, plain);
	return d < whole ? d : whole;
}

static int suggest(struct run *r, const char *name)
{
	struct close best[3] = { { 0 } };
	struct weir_device *dev;
	const char *last = strrchr(name, '/');

	last = last ? last + 1 : name;
	for (dev = weir_device_first(r->m); dev; dev = weir_device_next(dev)) {
		const char *own = weir_device_name(dev);
		const char *node = weir_device_fwnode(dev)
					   ? weir_fwnode_name(weir_device_fwnode(dev))
					   : own;
		unsigned int a = distance_of(last, own), b = distance_of(last, node);

		offer(best, 3, a <= b ? own : node, a <= b ? a : b);
	}
	complain("%s: no device '%s'", r->board, name);
	if (best[0].name && best[0].distance <= strlen(last) / 2 + 1) {
		fprintf(stderr, "did you mean");
		for (int i = 0; i < 3 && best[i].name; i++)
			fprintf(stderr, "%s %s", i ? "," : "", best[i].name);
		fputs("?\n", stderr);
	}
	return EXIT_USAGE;
}

/* ---- looking ---- */

struct hits {
	struct weir_fwnode *nodes[8];
	struct weir_device *devs[8];
	size_t n;
};

static void hit(struct hits *h, struct weir_device *dev, struct weir_fwnode *node)
{
	for (size_t i = 0; i < h->n && i < 8; i++)
		if (h->nodes[i] == node && h->devs[i] == dev)
			return;
	if (h->n < 8) {
		h->devs[h->n] = dev;
		h->nodes[h->n] = node;
	}
	h->n++;
}

static void look(struct run *r, const char *name, struct hits *h)
{
	struct weir_fwnode *node;
	struct weir_device *dev;
	char path[1024];

	for (dev = weir_device_first(r->m); dev; dev = weir_device_next(dev))
		if (!strcmp(weir_device_name(dev), name))
			hit(h, dev, weir_device_fwnode(dev));
	if (h->n)
		return;
	for (dev = weir_device_first(r->m); dev; dev = weir_device_next(dev))
		if (is_tail(weir_device_name(dev), name))
			hit(h, dev, weir_device_fwnode(dev));
	if (h->n)
		return;
	for (node = weir_fwnode_root(r->m); node; node = weir_fwnode_next(node)) {
		weir_fwnode_path(node, path, sizeof(path));
		if (*path && is_tail(path, name))
			hit(h, weir_fwnode_device(node), node);
	}
}

int find_device(struct run *r, const char *name, struct weir_device **out_dev,
		struct weir_fwnode **out_node)
{
	struct hits h = { .n = 0 };
	struct weir_fwnode *node = NULL;
	char path[1024];

	if (*name == '&') {
		if (by_label(r, name + 1, &node))
			return EXIT_USAGE;
	} else if (weir_fwnode_find(r->m, name, &node)) {
		node = NULL;
		look(r, name, &h);
	}
	if (node)
		hit(&h, weir_fwnode_device(node), node);
	if (!h.n && *name != '&' && !find_label(r, name, &node))
		hit(&h, weir_fwnode_device(node), node);
	if (!h.n)
		return suggest(r, name);
	if (h.n == 1) {
		*out_dev = h.devs[0];
		*out_node = h.nodes[0];
		return 0;
	}
	complain("%s: '%s' can be any of %zu:", r->board, name, h.n);
	for (size_t i = 0; i < h.n && i < 8; i++)
		fprintf(stderr, "  %s\n", h.nodes[i] ? path_words(h.nodes[i], path, sizeof(path))
						     : weir_device_name(h.devs[i]));
	return EXIT_USAGE;
}
