// SPDX-License-Identifier: MIT
/* One side of `weir diff`: a bring-up, and of that what can be compared. */
#include "diff.h"

#include <stdlib.h>
#include <string.h>

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static bool is_in(struct weir_device **list, size_t n, const struct weir_device *dev)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == dev)
			return true;
	return false;
}

static bool came_late(const struct causes *c, const struct weir_device *dev)
{
	for (size_t i = 0; i < c->n; i++)
		if (is_in(c->items[i].late, c->items[i].nr_late, dev))
			return true;
	return false;
}

static bool has_iommu(struct weir_device *dev)
{
	const struct weir_fwnode *node = weir_device_fwnode(dev);
	struct weir_fwspec spec;

	return node && !weir_firmware_spec((struct weir_fwnode *)(uintptr_t)node, 0, &spec);
}

static char *root_words(struct run *r, struct weir_device *dev)
{
	struct cause c = { 0 };
	char what[600];

	weir_device_root_cause(dev, &c.root);
	c.kind = cause_kind_of(&c.root);
	cause_what(r, &c, what, sizeof(what));
	return strdup(what);
}

/* Return: false without memory. */
static bool take_device(struct run *r, const struct causes *c, struct weir_device *dev,
			struct diff_device *out)
{
	const struct weir_fwnode *node = weir_device_fwnode(dev);
	const struct weir_driver *driver = weir_device_driver(dev);
	const char *group = weir_device_group_key(dev);
	char path[1024];

	if (node)
		path_words(node, path, sizeof(path));
	out->path = strdup(node ? path : weir_device_name(dev));
	out->verdict = weir_device_verdict(dev, NULL);
	out->driver = driver ? copy(driver->name) : NULL;
	out->group = copy(group);
	if (out->verdict != WEIR_VERDICT_BOUND)
		out->root = root_words(r, dev);
	else if (is_in(c->untranslated, c->nr_untranslated, dev))
		out->iommu = DIFF_UNTRANSLATED;
	else if (has_iommu(dev))
		out->iommu = DIFF_TRANSLATED;
	out->late = came_late(c, dev);
	return out->path && (!driver || out->driver) && (!group || out->group) &&
	       (out->verdict == WEIR_VERDICT_BOUND || out->root);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct diff_device *)a)->path, ((const struct diff_device *)b)->path);
}

void diff_side_sort(struct diff_side *side)
{
	if (side->n)
		qsort(side->devices, side->n, sizeof(*side->devices), by_path);
}

struct diff_device *diff_side_find(struct diff_side *side, const char *path)
{
	struct diff_device key = { .path = (char *)(uintptr_t)path };

	return side->n ? bsearch(&key, side->devices, side->n, sizeof(key), by_path) : NULL;
}

static void take_times(struct run *r, struct diff_side *side)
{
	for (size_t i = 0; i < r->record.n; i++) {
		const struct record_event *e = &r->record.events[i];
		const struct weir_fwnode *node;
		struct diff_device *found;
		char path[1024];

		if (e->type != WEIR_EVENT_BOUND || !e->device)
			continue;
		node = weir_device_fwnode(e->device);
		if (node)
			path_words(node, path, sizeof(path));
		else
			snprintf(path, sizeof(path), "%s", weir_device_name(e->device));
		found = diff_side_find(side, path);
		if (found)
			found->bound_ns = e->time_ns;
	}
}

static char *title_of(const struct run *r)
{
	char *title = NULL;
	const char *kernel = r->kernel ? r->kernel->version : NULL;

	if (asprintf(&title, "%s, %s%s", r->board,
		     r->o->drivers ? "drivers " : kernel ? "kernel " : "every driver assumed",
		     r->o->drivers ? r->o->drivers : kernel ? kernel : "") < 0)
		return NULL;
	return title;
}

static int take(struct diff_side *side, struct run *r, const struct causes *c)
{
	struct weir_device *dev;
	size_t n = 0;

	for (dev = weir_device_first(r->m); dev; dev = weir_device_next(dev))
		n++;
	side->title = title_of(r);
	side->model = strdup(board_model(r));
	side->devices = calloc(n + 1, sizeof(*side->devices));
	if (!side->title || !side->model || !side->devices)
		return WEIR_ENOMEM;
	for (dev = weir_device_first(r->m); dev; dev = weir_device_next(dev))
		if (!take_device(r, c, dev, &side->devices[side->n++]))
			return WEIR_ENOMEM;
	diff_side_sort(side);
	take_times(r, side);
	return 0;
}

int diff_side_open(struct diff_side *side, const struct opts *o, const char *board)
{
	struct causes c;
	struct run r;
	char what[600];
	int err;

	*side = (struct diff_side){ 0 };
	if (run_open(&r, o, board, NULL, what, sizeof(what)))
		return complain("%s", what);
	err = causes_collect(&r, &c);
	if (!err) {
		err = take(side, &r, &c);
		causes_free(&c);
	}
	if (err)
		err = complain("out of memory");
	else if (r.initramfs)
		err = diff_side_stages(side, &r);
	run_close(&r);
	if (err)
		diff_side_close(side);
	return err;
}

void diff_side_close(struct diff_side *side)
{
	for (size_t i = 0; i < side->n; i++) {
		free(side->devices[i].path);
		free(side->devices[i].driver);
		free(side->devices[i].group);
		free(side->devices[i].root);
		free(side->devices[i].lack);
	}
	diff_list_free(&side->modules);
	diff_list_free(&side->more);
	diff_list_free(&side->config);
	free(side->devices);
	free(side->cmdline);
	free(side->title);
	free(side->model);
	*side = (struct diff_side){ 0 };
}
