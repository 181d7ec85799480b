// SPDX-License-Identifier: MIT
/*
 * The proof of a plan: the bring-up with these modules alone, before any timer fires,
 * must bind what is wanted; and again without each of them, it must not. What it waits
 * for when they are not enough is added; a module that nothing waits for goes, unless
 * a driver waits for what it brings (plan_need.c).
 */
#include <stdlib.h>
#include <string.h>

#include "kernel/compats.h"
#include "plan.h"

#define MAX_ROUNDS 64

struct trial {
	struct weir_machine *m;
	struct weir_kmodel *model;
};

static void trial_close(struct trial *t)
{
	weir_kmodel_detach(t->model);
	weir_machine_destroy(t->m);
	weir_kmodel_destroy(t->model);
	*t = (struct trial){ 0 };
}

/* Without @without, and without those that depend on it, which cannot be loaded then. */
static bool is_loaded(const struct plan *p, const struct plan_module *module, const char *without)
{
	const struct weir_modindex *index = p->r.kernel ? p->r.kernel->index : NULL;

	if (!without)
		return true;
	if (!strcmp(module->name, without))
		return false;
	if (!index || module->index == PLAN_NONE)
		return true;
	for (uint32_t i = 0; i < index->modules[module->index].dep_count; i++)
		if (!strcmp(index->modules[index->modules[module->index].deps[i]].name, without))
			return false;
	return true;
}

struct stage {
	const struct plan *p;
	const char *without;
};

static bool in_stage(void *context, const struct weir_driver_spec *spec)
{
	const struct stage *s = context;

	for (size_t i = 0; i < s->p->nr_modules; i++)
		if (!strcmp(s->p->modules[i].name, spec->name))
			return is_loaded(s->p, &s->p->modules[i], s->without);
	return false;
}

static bool is_denied(void *context, const struct weir_driver_spec *spec)
{
	const struct plan *p = context;

	return spec->when != WEIR_WHEN_INITCALL && run_denied(&p->r, spec->name);
}

static int trial_run(struct plan *p, const char *without, struct trial *out_trial)
{
	struct weir_kmodel_options options = { .sync_state = true };
	struct stage stage = { p, without };
	struct trial t = { 0 };
	bool lin = p->o->profile == PROFILE_LINUX;
	int err = weir_machine_create_policy(weir_posix_ops(p->posix), p->posix,
					     lin ? &weir_policy_linux_6_12 : NULL,
					     &p->r.o->linux_args, &t.m);

	if (!err)
		err = weir_firmware_load_dt(t.m, p->r.dtb.data, p->r.dtb.size);
	if (!err)
		err = weir_kmodel_create(t.m, p->r.list, &options, &t.model);
	for (size_t i = 0; i < p->nr_given_up && !err; i++) {
		struct weir_fwnode *node;

		if (!weir_fwnode_find(t.m, p->given_up[i], &node))
			weir_fwnode_set_initialized(node, true, false);
	}
	if (!err)
		err = weir_catalogue_fill(t.m, p->r.list, is_denied, p);
	if (!err)
		err = weir_kmodel_boot(t.model);
	for (size_t i = 0; i < p->nr_modules && !err; i++)
		if (is_loaded(p, &p->modules[i], without))
			weir_kmodel_load_allowed(t.model, p->modules[i].name, in_stage, &stage);
	p->runs++;
	if (err) {
		trial_close(&t);
		return err;
	}
	*out_trial = t;
	return 0;
}

static struct weir_device *goal_device(const struct trial *t, const struct plan_goal *goal)
{
	struct weir_fwnode *node;
	char path[1024];

	path_words(goal->node, path, sizeof(path));
	return weir_fwnode_find(t->m, path, &node) ? NULL : weir_fwnode_device(node);
}

/* The first goal that is not up, or all well: PLAN_NONE. */
static uint32_t first_down(const struct plan *p, const struct trial *t)
{
	for (uint32_t i = 0; i < p->nr_goals; i++) {
		const struct weir_device *dev = goal_device(t, &p->goals[i]);

		if (!dev || weir_device_status_get(dev) != WEIR_DEVICE_BOUND)
			return i;
	}
	return PLAN_NONE;
}

/* ---- not enough ---- */

/* What a goal without device waits for: the bus above it. */
static struct weir_device *nearest_device(const struct trial *t, const struct plan_goal *goal)
{
	struct weir_fwnode *node;
	char path[1024];

	path_words(goal->node, path, sizeof(path));
	if (weir_fwnode_find(t->m, path, &node))
		return NULL;
	while (node && !weir_fwnode_device(node))
		node = weir_fwnode_parent(node);
	return node ? weir_fwnode_device(node) : NULL;
}

/*
 * The end of a chain, for which there is no module: when all modules together have the
 * goal up, then because the kernel gives that up after a while.
 */
static int give_up(struct plan *p, const struct weir_fwnode *node, enum weir_verdict verdict)
{
	char path[1024], **more;

	if (!node)
		return WEIR_EEXIST;
	path_words(node, path, sizeof(path));
	for (size_t i = 0; i < p->nr_given_up; i++)
		if (!strcmp(p->given_up[i], path))
			return WEIR_EEXIST;
	more = plan_grow(&p->given_up, &p->nr_given_up, sizeof(*more));
	if (!more || !(*more = strdup(path)))
		return WEIR_ENOMEM;
	return plan_note(p, "%s %s: the kernel gives it up after deferred_probe_timeout, and what "
			 "waits for it comes up so late", path,
			 verdict == WEIR_VERDICT_DENIED ? "has a driver that is denied"
			 : verdict == WEIR_VERDICT_WAITS_NODE ? "never becomes a device"
							      : "has no driver here");
}

/* Return: 0: something was added, or given up; WEIR_EEXIST: nothing helps; WEIR_ENOMEM. */
static int add_what_is_missing(struct plan *p, const struct trial *t, uint32_t goal)
{
	struct weir_device *at = nearest_device(t, &p->goals[goal]), *before = NULL;
	const struct weir_fwnode *last = NULL;
	enum weir_verdict v = WEIR_VERDICT_NO_DRIVER;
	const char *property = NULL;
	char path[1024], user[1024];
	struct weir_why why;

	for (unsigned int steps = 0; at && steps < 256; steps++) {
		v = weir_device_verdict(at, &why);
		last = weir_device_fwnode(at);
		if (v == WEIR_VERDICT_LOADABLE && last) {
			path_words(last, path, sizeof(path));
			if (before && weir_device_fwnode(before))
				path_words(weir_device_fwnode(before), user, sizeof(user));
			if (plan_add_missing(p, path, before ? user : NULL, property) !=
			    WEIR_EEXIST)
				return 0;
			break;
		}
		if (why.node && !why.next) { /* a node without device: what is above it */
			const struct weir_fwnode *up = why.node;

			while (up && !weir_fwnode_device(up))
				up = weir_fwnode_parent(up);
			last = why.node;
			why.next = up ? weir_fwnode_device(up) : NULL;
			if (why.next &&
			    (why.next == at ||
			     weir_device_status_get(why.next) == WEIR_DEVICE_BOUND))
				break;
		}
		before = at;
		property = why.property;
		at = why.next;
	}
	return give_up(p, last, v);
}

/* ---- none too many ---- */

static bool is_modelled(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->r.list->driver_count; i++)
		if (p->r.list->drivers[i].when != WEIR_WHEN_INITCALL &&
		    !strcmp(p->r.list->drivers[i].name, name))
			return true;
	return false;
}

/* Return: 1: one was found, whose reason is none; 0: none; WEIR_ENOMEM. */
static int drop_one(struct plan *p)
{
	for (size_t i = 0; i < p->nr_modules; i++) {
		struct plan_module *module = &p->modules[i];
		struct trial t;
		int err;

		if (!is_modelled(p, module->name) || module->waits)
			continue;
		err = trial_run(p, module->name, &t);
		if (err)
			return err;
		module->waits = first_down(p, &t) != PLAN_NONE;
		trial_close(&t);
		if (module->waits || module->kind != PLAN_DEVICE)
			continue;
		err = plan_ban(p, module->need);
		if (err)
			return err;
	}
	return 0;
}

/* A module that others depend on is needed as they are. */
static void judge_dependencies(struct plan *p)
{
	for (size_t i = p->nr_modules; i--;)
		for (size_t k = 0; k < p->nr_modules && p->modules[i].kind == PLAN_DEP; k++)
			if (!is_loaded(p, &p->modules[k], p->modules[i].name) && k != i)
				p->modules[i].waits = p->modules[i].waits || p->modules[k].waits;
}

/* Adds until it is enough, or nothing helps. */
static int reach(struct plan *p)
{
	for (unsigned int round = 0; round < MAX_ROUNDS; round++) {
		struct trial t;
		uint32_t down;
		int err = trial_run(p, NULL, &t);

		if (err)
			return err;
		down = first_down(p, &t);
		p->reached = down == PLAN_NONE;
		if (!p->reached)
			err = add_what_is_missing(p, &t, down);
		trial_close(&t);
		if (p->reached || err == WEIR_EEXIST)
			return 0;
		if (!err)
			err = plan_find_modules(p);
		if (err)
			return err;
	}
	return 0;
}

int plan_check(struct plan *p)
{
	int err = reach(p);

	for (unsigned int round = 0; round < MAX_ROUNDS && !err && p->reached; round++) {
		err = drop_one(p);
		if (err <= 0)
			break;
		err = plan_find_needs(p);
		if (!err)
			err = plan_find_modules(p);
		if (!err)
			err = reach(p);
	}
	if (!err)
		judge_dependencies(p);
	return err;
}
