// SPDX-License-Identifier: MIT
/*
 * Root causes: each device that waits is walked to the end of its chain, and those
 * that end at the same place are one cause. A device that came up only because the
 * timer let it go counts as held back by the supplier that was given up.
 */
#include <stdlib.h>

#include "core/core.h"
#include "weir.h"

static int push(struct weir_device ***list, size_t *n, struct weir_device *dev)
{
	struct weir_device **more;

	if (!(*n & (*n - 1))) { /* 0 or a power of two: full */
		more = realloc(*list, (*n ? *n * 2 : 1) * sizeof(*more));
		if (!more)
			return WEIR_ENOMEM;
		*list = more;
	}
	(*list)[(*n)++] = dev;
	return 0;
}

enum cause_kind cause_kind_of(const struct weir_why *root)
{
	switch (root->verdict) {
	case WEIR_VERDICT_NO_DRIVER:
	case WEIR_VERDICT_UNKNOWN_DRIVER:
	case WEIR_VERDICT_REFUSED: /* by those that only take what nothing else does */
		return CAUSE_NO_DRIVER;
	case WEIR_VERDICT_LOADABLE:
	case WEIR_VERDICT_DENIED:
	case WEIR_VERDICT_REMOVED:
		return CAUSE_NOT_LOADED;
	case WEIR_VERDICT_WAITS_NODE:
		return root->next ? CAUSE_CIRCLE : CAUSE_NODE;
	case WEIR_VERDICT_WAITS_SUPPLIER:
	case WEIR_VERDICT_WAITS_IOMMU:
		return CAUSE_CIRCLE;
	case WEIR_VERDICT_FAILED:
	case WEIR_VERDICT_IDS_REJECTED:
		return CAUSE_FAILED;
	case WEIR_VERDICT_DRIVER_DEFERS:
		return CAUSE_DEFERS;
	default:
		return CAUSE_OTHER;
	}
}

/* What makes two chains end at the same place. */
static const void *place_of(const struct weir_why *root)
{
	return root->verdict == WEIR_VERDICT_WAITS_NODE && root->node ? (const void *)root->node
								     : (const void *)root->device;
}

const struct cause *causes_find(const struct causes *c, const struct weir_why *root)
{
	for (size_t i = 0; i < c->n; i++)
		if (place_of(&c->items[i].root) == place_of(root))
			return &c->items[i];
	return NULL;
}

static int find_cause(struct causes *c, const struct weir_why *root, struct cause **out_cause)
{
	struct cause *more = (struct cause *)(uintptr_t)causes_find(c, root);

	if (more) {
		*out_cause = more;
		return 0;
	}
	more = realloc(c->items, (c->n + 1) * sizeof(*more));
	if (!more)
		return WEIR_ENOMEM;
	c->items = more;
	c->items[c->n] = (struct cause){ .kind = cause_kind_of(root), .root = *root };
	*out_cause = &c->items[c->n++];
	return 0;
}

static bool lacks_driver(enum weir_verdict v)
{
	return v == WEIR_VERDICT_NO_DRIVER || v == WEIR_VERDICT_UNKNOWN_DRIVER ||
	       v == WEIR_VERDICT_REFUSED;
}

static int take_device(const struct run *r, struct causes *c, struct weir_device *dev)
{
	struct weir_why why, root;
	enum weir_verdict v = weir_device_verdict(dev, &why);
	struct cause *cause;
	unsigned int steps;

	c->devices++;
	if (v == WEIR_VERDICT_BOUND) {
		c->bound++;
		return 0;
	}
	if (lacks_driver(v) && needs_no_driver(r, dev)) {
		c->plain++;
		return 0;
	}
	if (lacks_driver(v)) {
		c->no_driver++;
		return push(&c->idle, &c->nr_idle, dev);
	}
	steps = weir_device_root_cause(dev, &root);
	if (!steps && (v == WEIR_VERDICT_LOADABLE || v == WEIR_VERDICT_DENIED ||
		       v == WEIR_VERDICT_REMOVED)) {
		c->not_loaded++;
		return push(&c->idle, &c->nr_idle, dev);
	}
	if (!steps && cause_kind_of(&root) == CAUSE_FAILED)
		c->failed++;
	else
		c->waiting++;
	if (find_cause(c, &root, &cause))
		return WEIR_ENOMEM;
	return push(&cause->waiting, &cause->nr_waiting, dev);
}

/* ---- who was let go by the timer ---- */

static bool is_in(struct weir_device **list, size_t n, const struct weir_device *dev)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == dev)
			return true;
	return false;
}

static int take_relaxed(struct run *r, struct causes *c, const struct record_event *e)
{
	struct weir_why root;
	struct cause *cause;

	if (e->device->status != WEIR_DEVICE_BOUND || !e->other->added ||
	    e->other->status == WEIR_DEVICE_BOUND)
		return 0;
	(void)r;
	weir_device_root_cause(e->other, &root);
	if (find_cause(c, &root, &cause))
		return WEIR_ENOMEM;
	if (is_in(cause->late, cause->nr_late, e->device))
		return 0;
	c->late++;
	return push(&cause->late, &cause->nr_late, e->device);
}

/* A device that was bound before the timer fired was not held back by it. */
static bool bound_after(const struct run *r, const struct weir_device *dev, size_t from)
{
	for (size_t i = from; i < r->record.n; i++)
		if (r->record.events[i].type == WEIR_EVENT_BOUND &&
		    r->record.events[i].device == dev)
			return true;
	return false;
}

static int take_untranslated(struct causes *c, const struct record_event *e)
{
	if (!e->device->added || e->device->status != WEIR_DEVICE_BOUND || e->device->master ||
	    is_in(c->untranslated, c->nr_untranslated, e->device))
		return 0;
	if (!c->nr_untranslated)
		c->untranslated_err = (int)e->value;
	return push(&c->untranslated, &c->nr_untranslated, e->device);
}

static int read_record(struct run *r, struct causes *c)
{
	bool over = false;
	int err = 0;

	for (size_t i = 0; i < r->record.n && !err; i++) {
		const struct record_event *e = &r->record.events[i];

		over = over || e->type == WEIR_EVENT_NO_MORE_DRIVERS;
		if (e->type == WEIR_EVENT_CYCLE)
			c->cycles++;
		else if (e->type == WEIR_EVENT_UNTRANSLATED)
			err = take_untranslated(c, e);
		else if (over && e->type == WEIR_EVENT_LINK_RELAXED &&
			 bound_after(r, e->device, i))
			err = take_relaxed(r, c, e);
	}
	return err;
}

/* ---- in order ---- */

static int by_weight(const void *a, const void *b)
{
	const struct cause *x = a, *y = b;

	if (x->nr_waiting != y->nr_waiting)
		return x->nr_waiting < y->nr_waiting ? 1 : -1;
	if (x->nr_late != y->nr_late)
		return x->nr_late < y->nr_late ? 1 : -1;
	return x->root.device->seq < y->root.device->seq ? -1 : 1;
}

/* A device that holds others back is told of there, and not again as idle. */
static void drop_told(struct causes *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->nr_idle; i++) {
		bool told = false;

		for (size_t j = 0; j < c->n && !told; j++)
			told = c->items[j].root.device == c->idle[i];
		if (!told)
			c->idle[kept++] = c->idle[i];
	}
	c->nr_idle = kept;
}

int causes_collect(struct run *r, struct causes *out_causes)
{
	struct causes c = { 0 };
	struct weir_device *dev;
	int err = 0;

	for (dev = weir_device_first(r->m); dev && !err; dev = weir_device_next(dev))
		err = take_device(r, &c, dev);
	if (!err)
		err = read_record(r, &c);
	if (err) {
		causes_free(&c);
		return err;
	}
	drop_told(&c);
	if (c.n)
		qsort(c.items, c.n, sizeof(*c.items), by_weight);
	*out_causes = c;
	return 0;
}

void causes_free(struct causes *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->items[i].waiting);
		free(c->items[i].late);
	}
	free(c->items);
	free(c->idle);
	free(c->untranslated);
	*c = (struct causes){ 0 };
}
