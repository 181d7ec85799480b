// SPDX-License-Identifier: MIT
/*
 * From the symptoms of a log to their root causes. A device that was deferred names
 * its supplier ("wait for supplier /soc/clock@1000"); when that was deferred too, the
 * walk goes on; else it ends there, and what the kernel and the tree say of that
 * supplier is the cause, in the words of weir boot.
 */
#include "explainlog.h"

#include <stdlib.h>
#include <string.h>

#include "weir.h"

/* ---- names ---- */

/*
 * Whom a reason names: "wait for supplier PATH-OR-NAME", "supplier NAME not ready".
 * Return: its first character, and how many there are; NULL: nobody.
 */
static const char *supplier_in(const char *reason, size_t *out_len)
{
	static const char wait[] = "wait for supplier ", not_ready[] = "supplier ";
	const char *at = reason ? strstr(reason, wait) : NULL, *end;

	if (at) {
		at += sizeof(wait) - 1;
		*out_len = strcspn(at, " \t");
		return *out_len ? at : NULL;
	}
	at = reason ? strstr(reason, not_ready) : NULL;
	at = at ? at + sizeof(not_ready) - 1 : NULL;
	end = at ? strstr(at, " not ready") : NULL;
	if (!end || memchr(at, ' ', (size_t)(end - at)))
		return NULL;
	*out_len = (size_t)(end - at);
	return at;
}

/* The device of a node, or of the nearest node above it that has one. */
static struct weir_device *owner_of(struct weir_fwnode *node)
{
	for (; node; node = weir_fwnode_parent(node))
		if (weir_fwnode_device(node))
			return weir_fwnode_device(node);
	return NULL;
}

/* Of a child node, such as a pin configuration, the device is the one above it. */
static void find_supplier(const struct run *r, const char *text, size_t len,
			  struct weir_device **out_dev, struct weir_fwnode **out_node)
{
	char name[1024];
	struct weir_fwnode *node = NULL;

	*out_dev = NULL;
	*out_node = NULL;
	if (len >= sizeof(name))
		return;
	memcpy(name, text, len);
	name[len] = '\0';
	if (*name == '/' && !weir_fwnode_find(r->m, name, &node)) {
		*out_node = node;
		*out_dev = weir_fwnode_compatible(node, 0) ? weir_fwnode_device(node) : owner_of(node);
	} else if (*name != '/') {
		*out_dev = log_device(r, name);
	}
}

/* ---- the root of one device ---- */

struct root {
	struct weir_device *device;
	struct weir_fwnode *node;
	const struct weir_bootlog_device *logged;
	const char *reason; /* its own, when it names nobody */
	struct weir_fwnode *child; /* below the device: what is waited for is no device; or NULL */
	double since;       /* when the log last said that it is waited for */
};

#define MAX_STEPS 64

/*
 * The driver does not say whom it waits for. In the prediction the timer let the device
 * go without a supplier that never came: its driver does not go on without that.
 */
static struct weir_device *given_up(const struct run *r, const struct weir_device *dev)
{
	struct weir_device *found = NULL;

	for (size_t i = 0; dev && i < r->record.n && !found; i++) {
		const struct record_event *e = &r->record.events[i];

		if (e->type == WEIR_EVENT_LINK_RELAXED && e->device == dev && e->other &&
		    weir_device_status_get(e->other) != WEIR_DEVICE_BOUND)
			found = e->other;
	}
	return found;
}

static struct root walk(const struct run *r, const struct log_story *s, const struct weir_bootlog_device *d)
{
	struct root at = { .device = log_device(r, d->name), .logged = d, .reason = d->reason };

	for (unsigned int i = 0; i < MAX_STEPS; i++) {
		struct weir_device *next = NULL;
		struct weir_fwnode *node = NULL;
		size_t len = 0;
		const char *name = supplier_in(at.reason, &len);

		if (name)
			find_supplier(r, name, len, &next, &node);
		else
			next = given_up(r, at.device);
		if (next == at.device && next)
			return at;
		if (!next && !node)
			return at;
		at = (struct root){ .device = next, .node = next ? NULL : node, .since = at.logged->last,
				    .child = next && node != weir_device_fwnode(next) ? node : NULL };
		at.logged = log_of_device(r, s->log, next);
		if (!at.logged || at.logged->state != WEIR_BOOTLOG_DEFERRED)
			return at;
		at.reason = at.logged->reason;
	}
	return at;
}

/* ---- what is known of a root ---- */

/* The driver that the kernel has for a device, loaded or not. */
static const struct weir_driver_spec *driver_for(const struct run *r, const struct weir_device *dev)
{
	const struct weir_fwnode *node = weir_device_fwnode(dev);
	const char *compatible;

	for (unsigned int i = 0; node && (compatible = weir_fwnode_compatible(node, i)); i++)
		for (size_t k = 0; k < r->list->driver_count; k++)
			for (size_t c = 0; c < r->list->drivers[k].compat_count; c++)
				if (!strcmp(r->list->drivers[k].compats[c].name, compatible))
					return &r->list->drivers[k];
	return NULL;
}

static void logged_words(const struct root *root, const struct weir_driver_spec *spec, const char *who,
			 char *what, size_t bytes, char *fix, size_t fix_bytes)
{
	const struct weir_bootlog_device *d = root->logged;

	if (d->state == WEIR_BOOTLOG_FAILED) {
		snprintf(what, bytes, "%s: its probe failed%s", who, "");
		if (d->error)
			snprintf(what, bytes, "%s: its probe failed (error %d)", who, d->error);
		snprintf(fix, fix_bytes, "look at what its driver reports in the log");
	} else if (d->state == WEIR_BOOTLOG_DEFERRED && d->reason) {
		snprintf(what, bytes, "%s: its driver waits: %s", who, d->reason);
		snprintf(fix, fix_bytes, "look at what the driver reports");
	} else if (d->state == WEIR_BOOTLOG_BOUND) {
		snprintf(what, bytes, "%s: bound in the log, too late for those that wait", who);
		snprintf(fix, fix_bytes, "look at when it was bound");
	} else {
		snprintf(what, bytes, "%s: deferred, and the log gives no reason", who);
		snprintf(fix, fix_bytes, "read /sys/kernel/debug/devices_deferred%s%s",
			 spec ? "; its driver is " : "", spec ? spec->name : "");
	}
}

/* Nothing in the log: what the kernel has for it. */
static void silent_words(const struct run *r, const struct root *root, const struct weir_driver_spec *spec,
			 char *what, size_t bytes, char *fix, size_t fix_bytes)
{
	struct cause c = { 0 };
	char who[200];

	device_words(root->device, who, sizeof(who));
	if (weir_device_status_get(root->device) != WEIR_DEVICE_BOUND) {
		weir_device_root_cause(root->device, &c.root);
		c.kind = cause_kind_of(&c.root);
		cause_what(r, &c, what, bytes);
		cause_fix(r, &c, fix, fix_bytes);
	} else if (spec && spec->when == WEIR_WHEN_MODULE) {
		snprintf(what, bytes, "%s: module %s was not loaded", who, spec->name);
		snprintf(fix, fix_bytes, "load %s, or put it into the initramfs", spec->name);
	} else {
		snprintf(what, bytes, "%s: driver %s is there, and the log says nothing of its probe", who,
			 spec ? spec->name : "of no list");
		snprintf(fix, fix_bytes, "boot with initcall_debug, or read devices_deferred");
	}
}

/*
 * A device that is bound, and who needs a node below it waits. Linux hands them on when it binds a
 * device: not when the driver came before the device was complete.
 */
static bool is_left(const struct root *root)
{
	const struct weir_bootlog_device *d = root->logged;

	return root->child && d && d->state == WEIR_BOOTLOG_BOUND && (d->at < 0 || root->since >= d->at);
}

static void left_words(const struct run *r, const struct root *root, const char *who, char *what, size_t bytes,
		       char *fix, size_t fix_bytes)
{
	snprintf(what, bytes, "%s: bound in the log, and %s below it is waited for all the same. Linux hands such "
		 "waits on when it binds a device; a driver that comes while its device is being added (modules "
		 "loaded in parallel, before the fix of April 2026) is bound too early for that", who,
		 weir_fwnode_name(root->child));
	snprintf(fix, fix_bytes, "unbind and bind its driver again to see whether that is it; load the "
		 "driver before or "
		 "after the one that adds %s, or take the fix (weir race %s --add --for %s)",
		 weir_device_name(root->device), r->board, weir_device_name(root->device));
}

static int describe(const struct run *r, const struct root *root, struct log_cause *c)
{
	char what[1000], fix[700] = "", who[256], why[300];
	const struct weir_driver_spec *spec = root->device ? driver_for(r, root->device) : NULL;

	if (root->node) {
		const char *problem = node_problem(root->node, why, sizeof(why));

		snprintf(what, sizeof(what), "%s never becomes a device: %s",
			 path_words(root->node, who, sizeof(who)), problem ? problem : "?");
		snprintf(fix, sizeof(fix), "look at that node");
	} else if (!root->device && root->logged) {
		snprintf(what, sizeof(what), "%s, which is not on this board's tree: %s", root->logged->name,
			 root->reason ? root->reason : "no reason in the log");
		snprintf(fix, sizeof(fix), "is this the board's device tree? PCI and USB devices are in none");
	} else if (root->device && is_left(root)) {
		left_words(r, root, device_words(root->device, who, sizeof(who)), what, sizeof(what), fix,
			   sizeof(fix));
	} else if (root->device && root->logged && root->logged->state != WEIR_BOOTLOG_SEEN) {
		logged_words(root, spec, device_words(root->device, who, sizeof(who)), what, sizeof(what),
			     fix, sizeof(fix));
	} else {
		silent_words(r, root, spec, what, sizeof(what), fix, sizeof(fix));
	}
	c->what = strdup(what);
	c->fix = strdup(fix);
	return c->what && c->fix ? 0 : WEIR_ENOMEM;
}

static int add_to_cause(const struct run *r, struct log_story *s, const struct weir_bootlog_device *d)
{
	struct root root = walk(r, s, d);
	const struct weir_bootlog_device **waiting;
	struct log_cause *c = NULL, *more;

	for (size_t i = 0; i < s->nr_causes && !c; i++)
		if (s->causes[i].device == root.device && s->causes[i].node == root.node &&
		    (root.device || root.node || s->causes[i].logged == root.logged))
			c = &s->causes[i];
	if (!c) {
		more = realloc(s->causes, (s->nr_causes + 1) * sizeof(*more));
		if (!more)
			return WEIR_ENOMEM;
		s->causes = more;
		c = &s->causes[s->nr_causes++];
		*c = (struct log_cause){ .device = root.device, .node = root.node, .logged = root.logged };
		if (describe(r, &root, c))
			return WEIR_ENOMEM;
	}
	waiting = realloc(c->waiting, (c->n + 1) * sizeof(*waiting));
	if (!waiting)
		return WEIR_ENOMEM;
	c->waiting = waiting;
	c->waiting[c->n++] = d;
	return 0;
}

static int by_weight(const void *a, const void *b)
{
	const struct log_cause *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return strcmp(x->waiting[0]->name, y->waiting[0]->name);
}

/* ---- prediction and log ---- */

static int add_difference(struct log_story *s, const struct weir_bootlog_device *d, struct weir_device *dev,
			  const char *predicted, const char *is)
{
	struct log_difference *more = realloc(s->differ, (s->nr_differ + 1) * sizeof(*more));

	if (!more)
		return WEIR_ENOMEM;
	s->differ = more;
	s->differ[s->nr_differ] = (struct log_difference){ d, dev, strdup(predicted), strdup(is) };
	more = &s->differ[s->nr_differ++];
	return more->predicted && more->is ? 0 : WEIR_ENOMEM;
}

static int compare(const struct run *r, struct log_story *s, const struct weir_bootlog_device *d)
{
	struct weir_device *dev = log_device(r, d->name);
	struct cause c = { 0 };
	char is[700], was[700];
	bool up;

	if (!dev)
		return 0;
	up = weir_device_status_get(dev) == WEIR_DEVICE_BOUND;
	if (d->state == WEIR_BOOTLOG_DEFERRED)
		snprintf(is, sizeof(is), "deferred%s%s", d->reason ? ": " : "", d->reason ? d->reason : "");
	else if (d->state == WEIR_BOOTLOG_FAILED)
		snprintf(is, sizeof(is), "its probe failed (error %d)", d->error);
	else if (d->state == WEIR_BOOTLOG_BOUND)
		snprintf(is, sizeof(is), "bound");
	else
		return 0;
	if (up == (d->state == WEIR_BOOTLOG_BOUND))
		return 0;
	if (up)
		return add_difference(s, d, dev, "up", is);
	weir_device_root_cause(dev, &c.root);
	c.kind = cause_kind_of(&c.root);
	cause_what(r, &c, was, sizeof(was));
	/* it waits in both; for what is told with the causes */
	return d->state == WEIR_BOOTLOG_BOUND ? add_difference(s, d, dev, was, is) : 0;
}

static bool predicted_cycle(const struct run *r, const struct weir_bootlog_pair *p)
{
	struct weir_fwnode *a, *b;

	if (weir_fwnode_find(r->m, p->a, &a) || weir_fwnode_find(r->m, p->b, &b))
		return false;
	for (size_t i = 0; i < r->record.n; i++) {
		const struct record_event *e = &r->record.events[i];

		if (e->type != WEIR_EVENT_CYCLE)
			continue;
		if ((e->node == a && e->other_node == b) || (e->node == b && e->other_node == a) ||
		    (e->device && e->other && ((weir_device_fwnode(e->device) == a &&
		     weir_device_fwnode(e->other) == b) || (weir_device_fwnode(e->device) == b &&
		     weir_device_fwnode(e->other) == a))))
			return true;
	}
	return false;
}

int log_study(struct run *r, struct weir_bootlog *log, struct log_story *out_story)
{
	struct log_story s = { .log = log, .path = r->o->log };
	int err = 0;

	for (size_t i = 0; i < log->device_count && !err; i++) {
		const struct weir_bootlog_device *d = &log->devices[i];

		s.deferred += d->state == WEIR_BOOTLOG_DEFERRED;
		s.failed += d->state == WEIR_BOOTLOG_FAILED;
		s.bound += d->state == WEIR_BOOTLOG_BOUND;
		s.unknown += d->state != WEIR_BOOTLOG_SEEN && !log_device(r, d->name);
		if (d->state == WEIR_BOOTLOG_DEFERRED)
			err = add_to_cause(r, &s, d);
		if (!err)
			err = compare(r, &s, d);
	}
	for (size_t i = 0; i < log->cycles.n; i++)
		s.foreign_cycles += !predicted_cycle(r, &log->cycles.items[i]);
	if (s.nr_causes)
		qsort(s.causes, s.nr_causes, sizeof(*s.causes), by_weight);
	if (err) {
		log_story_free(&s);
		return err;
	}
	*out_story = s;
	return 0;
}

void log_story_free(struct log_story *s)
{
	for (size_t i = 0; i < s->nr_causes; i++) {
		free(s->causes[i].what);
		free(s->causes[i].fix);
		free(s->causes[i].waiting);
	}
	free(s->causes);
	for (size_t i = 0; i < s->nr_differ; i++) {
		free(s->differ[i].predicted);
		free(s->differ[i].is);
	}
	free(s->differ);
	*s = (struct log_story){ 0 };
}
