// SPDX-License-Identifier: MIT
/*
 * IOMMU groups as a running Linux made them, of itself or of a capture, PCI functions among
 * them; see groups.h. Why two of a group are together is told from where they are on PCI, where
 * what isolates functions (ACS), their configuration space, is not known.
 */
#include "groups.h"

#include <stdlib.h>
#include <string.h>

#include "capture.h"

static int by_group(const void *a, const void *b)
{
	const struct seen_device *x = *(const struct seen_device *const *)a;
	const struct seen_device *y = *(const struct seen_device *const *)b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return strcmp(x->path, y->path);
}

int groups_seen_open(struct groups_seen *g, const struct seen *s)
{
	*g = (struct groups_seen){ .members = calloc(s->n + 1, sizeof(*g->members)) };
	if (!g->members)
		return WEIR_ENOMEM;
	for (size_t i = 0; i < s->n; i++)
		if (s->devices[i].group >= 0)
			g->members[g->n++] = &s->devices[i];
	if (g->n)
		qsort(g->members, g->n, sizeof(*g->members), by_group);
	return 0;
}

void groups_seen_close(struct groups_seen *g)
{
	free(g->members);
	*g = (struct groups_seen){ 0 };
}

/* Bytes of a path up to the last "/" of it. */
static size_t parent_bytes(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) : 0;
}

/* Why a device is with the first one of its group; NULL: nothing of that is to be seen. */
static const char *why_together(const struct seen_device *a, const struct seen_device *b)
{
	size_t up = parent_bytes(b->path), n = strlen(a->path);

	if (strcmp(a->bus, "pci") || strcmp(b->bus, "pci"))
		return NULL;
	if (!strncmp(b->path, a->path, n) && b->path[n] == '/')
		return "below it, and it does not isolate what is below";
	if (up != parent_bytes(a->path) || strncmp(a->path, b->path, up))
		return "their ways meet where nothing isolates them";
	n = strcspn(a->name, ".");
	if (n == strcspn(b->name, ".") && !strncmp(a->name, b->name, n))
		return "another function of the same slot, not isolated from it";
	return "on the same bus, where nothing isolates them";
}

static size_t size_of(const struct groups_seen *g, size_t from)
{
	size_t n = 1;

	while (from + n < g->n && g->members[from + n]->group == g->members[from]->group)
		n++;
	return n;
}

static bool is_pci(const struct groups_seen *g, size_t from, size_t n)
{
	for (size_t i = from; i < from + n; i++)
		if (strcmp(g->members[i]->bus, "pci"))
			return false;
	return true;
}

void groups_seen_print(const struct groups_seen *g, bool pci_told)
{
	bool any = false;

	for (size_t i = 0, n; i < g->n; i += n) {
		n = size_of(g, i);
		if (pci_told && is_pci(g, i, n))
			continue;
		printf("%s  group %d:", any ? "" : pci_told ? "other groups of Linux:\n" : "as Linux made them:\n",
		       g->members[i]->group);
		any = true;
		for (size_t j = i; j < i + n; j++)
			printf(" %s", g->members[j]->name);
		putchar('\n');
		for (size_t j = i + 1; j < i + n && !pci_told; j++) {
			const char *why = why_together(g->members[i], g->members[j]);

			if (why)
				printf("    %s: %s\n", g->members[j]->name, why);
		}
	}
	if (!any && !pci_told)
		printf("as Linux made them:\n  none\n");
}

json_t *groups_seen_json(const struct groups_seen *g)
{
	json_t *groups = json_array();

	for (size_t i = 0, n; i < g->n; i += n) {
		json_t *devices = json_array();

		n = size_of(g, i);
		for (size_t j = i; j < i + n; j++) {
			const struct seen_device *dev = g->members[j];

			json_array_append_new(devices, json_pack(
				"{s:o, s:o, s:o, s:o, s:s?}", "path", json_text(dev->path), "name",
				json_text(dev->name), "bus", json_text(dev->bus), "driver",
				json_text(dev->driver), "why",
				j > i ? why_together(g->members[i], dev) : NULL));
		}
		json_array_append_new(groups, json_pack("{s:i, s:o}", "group", g->members[i]->group,
							"devices", devices));
	}
	return groups;
}
