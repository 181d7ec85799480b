// SPDX-License-Identifier: MIT
/*
 * The device trees of tests/cases, compiled with dtc, for tests that bring them up
 * with the kernel model: a driver for every compatible string, every third of which
 * comes late, and one that goes and comes again. What became of a machine is
 * told as text, one line a device and a link, sorted, so that two runs can be compared.
 */
#ifndef WEIR_TESTS_CASETREE_H
#define WEIR_TESTS_CASETREE_H

#include "cm.h"

#include <dirent.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "kernel/kmodel.h"
#include "kernel/strtable.h"

#define CASETREE_MAX 200

struct casetree {
	char name[80]; /* without ".dts" */
	void *blob;
	size_t bytes;
};

/* As tests/cases/README.md says: one of the trees crashes the graph checks of dtc 1.6.1. */
#define CASETREE_DTC "dtc -q -q -f -W no-graph_nodes -W no-graph_port -W no-graph_endpoint " \
		     "-W no-graph_child_address -I dts -O dtb -o - "

static inline void casetree_compile(const char *dir, struct casetree *t)
{
	char command[600];
	FILE *dtc;

	snprintf(command, sizeof(command), CASETREE_DTC "'%s/%s.dts'", dir, t->name);
	dtc = popen(command, "r");
	assert_non_null(dtc);
	t->blob = malloc(65536);
	assert_non_null(t->blob);
	t->bytes = fread(t->blob, 1, 65536, dtc);
	pclose(dtc);
	if (t->bytes < sizeof(struct fdt_header) || fdt_totalsize(t->blob) != t->bytes)
		fail_msg("dtc made nothing of %s", t->name);
}

static inline int casetree_is_source(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 4 && n < sizeof(((struct casetree *)0)->name) &&
	       !strcmp(entry->d_name + n - 4, ".dts");
}

/* Compiles every tree of a directory, up to @max. Return: how many. */
static inline size_t casetree_all(const char *dir, struct casetree *trees, size_t max)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, casetree_is_source, alphasort);
	size_t count = 0;

	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		if (count < max) {
			size_t len = strlen(entries[i]->d_name) - 4;

			memcpy(trees[count].name, entries[i]->d_name, len);
			trees[count].name[len] = '\0';
			casetree_compile(dir, &trees[count++]);
		}
		free(entries[i]);
	}
	free(entries);
	return count;
}

/* A driver for every compatible string; every third one is only loaded by a command. */
static inline struct weir_driver_list *casetree_drivers(const struct casetree *t)
{
	const char *compats[256], *text;
	struct weir_strtable seen = { 0 };
	struct weir_driver_list *list;
	bool external[256];
	size_t n = 0;
	uint32_t id;

	for (int at = 0; at >= 0; at = fdt_next_node(t->blob, at, NULL)) {
		for (int i = 0; (text = fdt_stringlist_get(t->blob, at, "compatible", i, NULL)); i++) {
			if (n == 256 || weir_strtable_find(&seen, text, strlen(text)) !=
						WEIR_STRTABLE_NONE)
				continue;
			assert_int_equal(weir_strtable_add(&seen, text, strlen(text), &id), 0);
			external[n] = n % 3 == 2;
			compats[n++] = text;
		}
	}
	weir_strtable_fini(&seen);
	assert_int_equal(weir_driver_list_build_all(compats, external, n, &list), 0);
	return list;
}

/* Boots, loads the late drivers, takes the second driver away and brings it back. */
static inline int casetree_run(struct weir_kmodel *k, const struct weir_driver_list *list)
{
	int err = weir_kmodel_boot(k);

	if (err)
		return err;
	weir_kmodel_wait(k, 20000);
	weir_kmodel_load_external(k);
	if (list->driver_count > 1) {
		weir_kmodel_unload(k, list->drivers[1].name);
		weir_kmodel_load(k, list->drivers[1].name);
	}
	return 0;
}

/* ---- what became of it ---- */

static inline int casetree_by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts the lines of a text in place. */
static inline char *casetree_sort(char *text)
{
	size_t n = 0, room = 1;
	char **lines, *copy = strdup(text), *to = text;

	for (char *at = text; *at; at++)
		room += *at == '\n';
	lines = calloc(room, sizeof(*lines));
	assert_true(lines && copy);
	for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n"))
		lines[n++] = line;
	qsort(lines, n, sizeof(*lines), casetree_by_text);
	for (size_t i = 0; i < n; i++)
		to += sprintf(to, "%s\n", lines[i]);
	free(lines);
	free(copy);
	return text;
}

/*
 * A group is told by its first member in the order of names: its number is a label,
 * given out as masters come.
 */
static inline const char *casetree_group(struct weir_device *dev)
{
	const char *first = dev->name;
	struct weir_device *other;

	if (weir_device_group(dev) < 0)
		return "none";
	weir_list_each(other, &dev->m->devices, struct weir_device, all_node)
		if (weir_device_group(other) == weir_device_group(dev) &&
		    strcmp(other->name, first) < 0)
			first = other->name;
	return first;
}

static inline void casetree_device(FILE *f, struct weir_device *dev)
{
	struct weir_link *link;
	struct weir_why why, root;

	weir_device_verdict(dev, &why);
	weir_device_root_cause(dev, &root);
	fprintf(f, "%s/%s: %s by %s, error %d, group of %s, root %s %s\n", dev->bus->name, dev->name,
		weir_verdict_name(why.verdict), why.driver ? why.driver : "none", why.err,
		casetree_group(dev), root.device->name, weir_verdict_name(root.verdict));
	weir_list_each(link, &dev->suppliers, struct weir_link, c_node)
		fprintf(f, "%s/%s needs %s/%s: %s, flags %x, state %d\n", dev->bus->name, dev->name,
			link->supplier->bus->name, link->supplier->name,
			link->property ? link->property : "?", (unsigned int)link->flags,
			link->state);
}

static inline void casetree_node(FILE *f, struct weir_fwnode *node)
{
	struct weir_fwlink *fwlink;
	char con[200], sup[200];

	weir_fwnode_path(node, con, sizeof(con));
	fprintf(f, "node %s flags %x\n", con, (unsigned int)node->flags);
	weir_list_each(fwlink, &node->suppliers, struct weir_fwlink, c_node) {
		weir_fwnode_path(fwlink->supplier, sup, sizeof(sup));
		fprintf(f, "node %s needs %s: %s, flags %x\n", con, sup,
			fwlink->property ? fwlink->property : "?", (unsigned int)fwlink->flags);
	}
}

/* Return: the text; the caller frees it. */
static inline char *casetree_outcome(struct weir_machine *m)
{
	struct weir_fwnode *node;
	struct weir_device *dev;
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	for (dev = weir_device_first(m); dev; dev = weir_device_next(dev))
		casetree_device(f, dev);
	for (node = weir_fwnode_root(m); node; node = weir_fwnode_next(node))
		casetree_node(f, node);
	fclose(f);
	return casetree_sort(text);
}

#endif
