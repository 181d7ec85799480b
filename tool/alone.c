// SPDX-License-Identifier: MIT
/*
 * Runs with the initramfs alone; see alone.h. What is lacking is found by doing: the
 * module at the end of a chain is put in, with what it needs, and the bring-up is run
 * again, until the device is up or something else than a module holds it back.
 *
 * That is done with deferred_probe_timeout off: a device that is let go without a
 * supplier, whose module was never loaded, is tried, but its driver finds no clock and
 * no regulator then. What no module could bring is another matter: it never comes, and
 * whoever waits for it is up after the timeout at best.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/strtable.h"
#include "weir.h"

/* More rounds than any chain has modules. */
#define MAX_ROUNDS 256

struct study {
	const struct opts *o;
	const char *board, *target;
	const struct kernel_side *side;
	struct opts with;            /* o, alone, with what was put in */
	struct weir_strtable modules, firmware;
	struct alone *a;
};

static int no_memory(void)
{
	return complain("out of memory");
}

/* ---- lists ---- */

static int push_name(struct name_list *l, const char *name)
{
	char **more = realloc(l->item, (l->n + 1) * sizeof(*more));

	if (!more)
		return no_memory();
	l->item = more;
	l->item[l->n] = strdup(name);
	return l->item[l->n++] ? 0 : no_memory();
}

/* Return: 0, or EXIT_USAGE; *@out_new: it was not there before. */
static int put_in(struct study *s, const char *name, bool firmware, const char *why, const char *whom,
		  bool *out_new)
{
	struct weir_strtable *table = firmware ? &s->firmware : &s->modules;
	struct alone *a = s->a;
	struct lack *more;
	uint32_t id;

	*out_new = false;
	if (weir_strtable_find(table, name, strlen(name)) != WEIR_STRTABLE_NONE)
		return 0;
	more = realloc(a->lacks, (a->nr_lacks + 1) * sizeof(*more));
	if (!more)
		return no_memory();
	a->lacks = more;
	more = &a->lacks[a->nr_lacks++];
	*more = (struct lack){ strdup(name), strdup(why), whom ? strdup(whom) : NULL, firmware };
	if (!more->name || !more->why || (whom && !more->whom) ||
	    weir_strtable_add(table, more->name, strlen(more->name), &id))
		return no_memory();
	*out_new = true;
	return 0;
}

/* A module with what it depends on: that is loaded before it. */
static int put_module(struct study *s, const struct run *r, const char *name, const char *whom,
		      bool *out_new)
{
	const struct weir_modindex *index = r->kernel ? r->kernel->index : NULL;
	uint32_t id = index ? weir_modindex_module(index, name) : WEIR_MODULE_NONE;
	bool fresh, there = initramfs_lists(r, name);
	char own[300], why[300];
	int err = 0;

	*out_new = false;
	initramfs_why_not(r, name, own, sizeof(own));
	for (uint32_t i = 0; id != WEIR_MODULE_NONE && i < index->modules[id].dep_count && !err; i++) {
		const struct weir_index_module *dep =
			&index->modules[index->modules[id].deps[index->modules[id].dep_count - 1 - i]];

		if (dep->builtin || initramfs_has(r, dep->name))
			continue;
		initramfs_why_not(r, dep->name, why, sizeof(why));
		err = put_in(s, dep->name, false, why, name, &fresh);
		*out_new = *out_new || fresh;
	}
	if (err || (there && *out_new))
		return err; /* it is there, and had to wait for these alone */
	err = put_in(s, name, false, own, whom, &fresh);
	*out_new = *out_new || fresh;
	return err;
}

/* ---- one place ---- */

/* The device of a node, or the one above it that would have to come first. */
static struct weir_device *device_for(struct run *r, const char *path, bool *out_itself)
{
	struct weir_fwnode *node;

	*out_itself = true;
	if (weir_fwnode_find(r->m, path, &node))
		return NULL;
	for (; node; node = weir_fwnode_parent(node)) {
		if (weir_fwnode_device(node))
			return weir_fwnode_device(node);
		*out_itself = false;
	}
	return NULL;
}

static void when_bound(const struct run *r, const struct weir_device *dev, struct place_state *state)
{
	for (size_t i = 0; i < r->record.n; i++) {
		const struct record_event *e = &r->record.events[i];

		if (e->type != WEIR_EVENT_BOUND || e->device != dev)
			continue;
		state->seconds = (double)e->time_ns / 1e9;
		state->late = r->timeout_event && e->id > r->timeout_event;
	}
}

static bool look_at(struct run *r, const char *path, struct place_state *state,
		    struct weir_device **out_dev)
{
	bool itself;
	struct weir_device *dev = device_for(r, path, &itself);

	*out_dev = dev;
	*state = (struct place_state){ 0 };
	if (!dev || !itself || weir_device_status_get(dev) != WEIR_DEVICE_BOUND)
		return false;
	state->up = true;
	when_bound(r, dev, state);
	return true;
}

static const struct firmware_miss *miss_of(const struct run *r, const struct weir_device *dev)
{
	for (size_t i = 0; i < r->firmware.n; i++)
		if (r->firmware.items[i].device == dev)
			return &r->firmware.items[i];
	return NULL;
}

/* Puts in what is at the end of a device's chain. *@out_new: there was something. */
static int help(struct study *s, struct run *r, struct weir_device *dev, bool *out_new)
{
	const struct firmware_miss *miss;
	struct weir_why root;

	*out_new = false;
	weir_device_root_cause(dev, &root);
	if (root.verdict == WEIR_VERDICT_LOADABLE && root.driver)
		return put_module(s, r, root.driver, weir_device_name(root.device), out_new);
	miss = root.verdict == WEIR_VERDICT_FAILED ? miss_of(r, root.device) : NULL;
	if (!miss)
		return 0;
	return put_in(s, miss->file, true, "is not in the initramfs", weir_device_name(root.device),
		      out_new);
}

int alone_cause_of(const struct run *r, struct weir_device *dev, char **out_text)
{
	struct cause c = { 0 };
	char what[600] = "it is no device", why[300];

	if (dev && weir_device_status_get(dev) == WEIR_DEVICE_BOUND) {
		snprintf(what, sizeof(what), "%s is up, and makes no device of it",
			 weir_device_name(dev));
	} else if (dev) {
		weir_device_root_cause(dev, &c.root);
		c.kind = cause_kind_of(&c.root);
		cause_what(r, &c, what, sizeof(what));
		if (c.root.verdict == WEIR_VERDICT_LOADABLE && c.root.driver) {
			initramfs_why_not(r, c.root.driver, why, sizeof(why));
			snprintf(what + strlen(what), sizeof(what) - strlen(what), " (it %s)", why);
		}
	}
	*out_text = strdup(what);
	return *out_text ? 0 : no_memory();
}

/* ---- rounds ---- */

/* Modules that make a block device of the host, unless they are built in or there. */
static int add_block_layer(struct study *s, const struct run *r)
{
	const struct weir_modindex *index = r->kernel ? r->kernel->index : NULL;
	const struct places *p = &s->a->places;
	int err = 0;

	for (size_t i = 0; index && i < p->nr_modules && !err; i++) {
		uint32_t id = weir_modindex_module(index, p->module[i]);
		bool fresh;

		if (id == WEIR_MODULE_NONE || index->modules[id].builtin || !index->modules[id].path ||
		    initramfs_has(r, index->modules[id].name))
			continue;
		err = put_module(s, r, index->modules[id].name, NULL, &fresh);
	}
	return err;
}

static int first_look(struct study *s, struct run *r)
{
	struct alone *a = s->a;
	struct weir_device *dev;
	int err = 0;

	if (s->target || s->o->root || s->o->target)
		err = places_find(r, &a->places);
	if (!err && a->places.n) {
		a->state = calloc(a->places.n, sizeof(*a->state));
		err = a->state ? 0 : no_memory();
	}
	for (dev = weir_device_first(r->m); dev && !err; dev = weir_device_next(dev)) {
		struct weir_why why, root;
		enum weir_verdict v = weir_device_verdict(dev, &why);

		a->devices++;
		a->up += v == WEIR_VERDICT_BOUND;
		if (v == WEIR_VERDICT_BOUND)
			continue;
		if (v == WEIR_VERDICT_LOADABLE) {
			err = push_name(&a->only_root, weir_device_name(dev));
			continue;
		}
		weir_device_root_cause(dev, &root);
		if (root.verdict == WEIR_VERDICT_LOADABLE)
			err = push_name(&a->held, weir_device_name(dev));
	}
	for (size_t i = 0; i < a->places.n && !err; i++)
		if (!look_at(r, a->places.path[i], &a->state[i], &dev))
			err = alone_cause_of(r, dev, &a->state[i].cause);
	return err ? err : add_block_layer(s, r);
}

bool alone_could_come(struct weir_device *dev)
{
	struct weir_why root;
	enum cause_kind kind;

	weir_device_root_cause(dev, &root);
	kind = cause_kind_of(&root);
	return kind == CAUSE_NOT_LOADED || kind == CAUSE_FAILED;
}

/* Return: 0, or EXIT_USAGE; *@out_any: something was put in; *@out_all: all are up. */
static int next_round(struct study *s, struct run *r, bool *out_any, bool *out_all)
{
	struct alone *a = s->a;
	bool any = false, all = true;
	int err = 0;

	for (size_t i = 0; i < a->places.n && !err; i++) {
		struct place_state now;
		struct weir_device *dev;
		bool fresh = false;

		if (look_at(r, a->places.path[i], &now, &dev))
			continue;
		all = false;
		if (dev && weir_device_status_get(dev) != WEIR_DEVICE_BOUND)
			err = help(s, r, dev, &fresh);
		if (!err && dev && a->state[i].late && !a->state[i].cause && alone_could_come(dev))
			err = alone_cause_of(r, dev, &a->state[i].cause);
		any = any || fresh;
	}
	*out_any = any;
	*out_all = all;
	return err;
}

static int open_round(struct study *s, struct run *r)
{
	char what[600];

	return run_open(r, &s->with, s->board, s->side, what, sizeof(what)) ? complain("%s", what) : 0;
}

/* Until nothing more helps. */
static int rounds(struct study *s)
{
	bool any = s->a->places.n != 0, all = false;
	int err = 0;

	s->with.linux_args.deferred_probe_timeout = -1;
	for (unsigned int i = 0; i < MAX_ROUNDS && any && !all && !err; i++) {
		struct run r;

		err = open_round(s, &r);
		if (err)
			return err;
		err = next_round(s, &r, &any, &all);
		run_close(&r);
	}
	s->with.linux_args = s->o->linux_args;
	s->a->enough = all;
	return err;
}

/* With all that is lacking put in, and the timeout as it is. */
static int last_look(struct study *s)
{
	bool all = true;
	struct run r;
	int err;

	if (s->a->enough || !s->a->places.n)
		return 0;
	err = open_round(s, &r);
	for (size_t i = 0; i < s->a->places.n && !err; i++) {
		struct place_state now;
		struct weir_device *dev;

		all = look_at(&r, s->a->places.path[i], &now, &dev) && all;
	}
	if (!err)
		run_close(&r);
	s->a->enough = !err && all;
	return err;
}

static void decide(struct alone *a)
{
	size_t up = 0;
	bool block = false;

	for (size_t i = 0; i < a->places.n; i++) {
		/* it is tried, without what it needs */
		if (a->state[i].late && a->state[i].cause)
			a->state[i].up = false;
		up += a->state[i].up;
	}
	for (size_t i = 0; i < a->nr_lacks; i++)
		block = block || !a->lacks[i].whom;
	if (!a->places.n)
		a->verdict = ALONE_NONE;
	else if (!up || block)
		a->verdict = ALONE_NO;
	else
		a->verdict = up == a->places.n ? ALONE_YES : ALONE_UNCLEAR;
}

int alone_study(const struct opts *o, const char *board, const struct kernel_side *side,
		const char *target, struct alone *out_alone)
{
	struct alone a = { 0 };
	struct study s = { .o = o, .board = board, .target = target, .side = side, .with = *o, .a = &a };
	struct run r;
	int err;

	s.with.alone = true;
	if (target)
		s.with.target = target;
	s.with.extra = &s.modules;
	s.with.extra_firmware = &s.firmware;
	err = open_round(&s, &r);
	if (!err) {
		err = first_look(&s, &r);
		run_close(&r);
	}
	if (!err)
		err = rounds(&s);
	if (!err)
		err = last_look(&s);
	weir_strtable_fini(&s.modules);
	weir_strtable_fini(&s.firmware);
	if (err) {
		alone_free(&a);
		return err;
	}
	decide(&a);
	*out_alone = a;
	return 0;
}

static void names_free(struct name_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->item[i]);
	free(l->item);
}

void alone_free(struct alone *a)
{
	names_free(&a->only_root);
	names_free(&a->held);
	for (size_t i = 0; a->state && i < a->places.n; i++)
		free(a->state[i].cause);
	free(a->state);
	places_free(&a->places);
	for (size_t i = 0; i < a->nr_lacks; i++) {
		free(a->lacks[i].name);
		free(a->lacks[i].why);
		free(a->lacks[i].whom);
	}
	free(a->lacks);
	*a = (struct alone){ 0 };
}
