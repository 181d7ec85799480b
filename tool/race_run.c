// SPDX-License-Identifier: MIT
/*
 * One run of a race: the board comes up without the drivers in question, then these come, each on
 * a thread of its own, while others try again who waits and let the timeout run out.
 * Threads take turns where the search says; who does what is written down.
 */
#include <stdlib.h>
#include <string.h>

#include "race_run.h"
#include "kernel/compats.h"
#include "race/state.h"

/* ---- what is seen ---- */

void race_note(struct race *r, enum race_act act, const char *what)
{
	struct race_result *result = r->result;
	struct race_step *step = &result->steps[result->nr_steps];

	if (race_sched_self(r->sched) < 0 || result->nr_steps == RACE_STEPS)
		return;
	step->task = race_sched_self(r->sched);
	step->act = act;
	snprintf(step->what, sizeof(step->what), "%s", what);
	result->nr_steps++;
}

static bool is_master(const struct race *r, const char *path)
{
	return !strcmp(path, r->unit->master);
}

static bool is_iommu(const struct race *r, const char *path)
{
	for (size_t i = 0; i < r->unit->nr_iommus; i++)
		if (!strcmp(r->unit->iommus[i], path))
			return true;
	return false;
}

const char *race_path(const struct weir_device *dev, char *buf, size_t bytes)
{
	buf[0] = '\0';
	if (weir_device_fwnode(dev))
		weir_fwnode_path(weir_device_fwnode(dev), buf, bytes);
	return buf;
}

void race_harm(struct race *r, enum race_harm harm)
{
	if (r->result->harm[harm])
		return;
	r->result->harm[harm] = true;
	r->result->after[harm] = r->result->nr_steps;
}

/* The master's driver starts: is everything there that it must be behind? */
static void judge_start(struct race *r)
{
	struct weir_fwnode *node;

	r->master_began = true;
	if (r->untranslated) {
		race_harm(r, RACE_AROUND);
		return;
	}
	for (size_t i = 0; i < r->unit->nr_iommus; i++) {
		struct weir_device *dev = NULL;

		if (!weir_fwnode_find(r->m, r->unit->iommus[i], &node))
			dev = weir_fwnode_device(node);
		if (dev && weir_device_status_get(dev) == WEIR_DEVICE_BOUND)
			continue;
		race_harm(r, RACE_HALF);
		snprintf(r->result->with, sizeof(r->result->with), "%s", r->unit->iommus[i]);
		return;
	}
}

void race_point(struct race *r, const char *path, unsigned int phase)
{
	int self = race_sched_self(r->sched);
	uint64_t at = phase;

	if (self < 0)
		return;
	for (; *path; path++)
		at = race_mix(at, (uint64_t)*path);
	r->at[self] = at;
	race_sched_point(r->sched);
	r->at[self] = 0;
}

static bool is_maker(const struct race *r, const char *path)
{
	return r->unit->add && !strcmp(r->unit->maker, path);
}

static void on_step(void *context, struct weir_device *dev, bool registered)
{
	struct race *r = context;
	char path[256];

	race_path(dev, path, sizeof(path));
	if (!is_master(r, path) && !is_iommu(r, path) && !is_maker(r, path))
		return;
	if (registered) {
		race_note(r, is_iommu(r, path) ? RACE_PUBLISHED : RACE_END, path);
		race_point(r, path, 2);
		return;
	}
	if (is_master(r, path) && r->untranslated)
		race_note(r, RACE_UNTRANSLATED, path);
	race_note(r, RACE_BEGIN, path);
	if (is_master(r, path) && !r->unit->add)
		judge_start(r);
	race_point(r, path, 1);
}

static void on_event(void *context, const struct weir_event *event)
{
	struct race *r = context;
	char path[256];

	r->events++;
	if (!event->device || !is_master(r, race_path(event->device, path, sizeof(path))))
		return;
	if (event->type == WEIR_EVENT_UNTRANSLATED)
		r->untranslated = true;
	else if (event->type == WEIR_EVENT_DEFERRED || event->type == WEIR_EVENT_PROBE_FAILED)
		r->untranslated = false;
}

/* ---- tasks ---- */

static void insert(void *arg)
{
	struct racer *racer = arg;

	race_note(racer->race, racer->builtin ? RACE_REGISTER : RACE_INSERT, racer->driver);
	(void)weir_kmodel_insert(racer->race->model, racer->driver);
}

/* The worker that tries again who waits. */
static void settle(void *arg)
{
	struct race *r = arg;

	r->events_tried = r->events;
	race_note(r, RACE_RETRY, "");
	weir_kmodel_settle(r->model);
}

static bool has_work(void *arg)
{
	const struct race *r = arg;

	return r->events_tried != r->events;
}

static void time_out(void *arg)
{
	struct race *r = arg;

	race_note(r, RACE_TIMEOUT, "");
	weir_linux_advance(r->m, (uint64_t)r->base->o->linux_args.deferred_probe_timeout * 1000 + 1);
}

static int choose(void *context, const int *tasks, int n, int running)
{
	struct race *r = context;
	uint64_t state = race_state(r->m), own = 0;

	for (int i = 0; i < race_sched_count(r->sched); i++) {
		enum race_task is = race_sched_task_is(r->sched, i);
		uint64_t where = is == RACE_TASK_ENDED ? 0 : race_mix(r->at[i], is);

		if (is == RACE_TASK_OWN)
			own += where; /* which of them does what is all the same */
		else
			state = race_mix(state, where);
	}
	state = race_mix(state, own);
	if (r->unit->add)
		state = race_mix(state, race_add_state(r));
	state = race_mix(state, (uint64_t)r->untranslated << 1 | (uint64_t)r->master_began);
	return race_search_choose(r->search, state, tasks, n, running);
}

/* ---- a run ---- */

bool race_may_load(void *context, const struct weir_driver_spec *spec)
{
	const struct race *r = context;

	for (size_t i = 0; i < r->unit->nr_drivers; i++)
		if (!strcmp(r->unit->drivers[i], spec->name))
			return false;
	return !run_denied(r->base, spec->name);
}

/* The machine as it is before the race. */
static int prepare(struct race *r)
{
	const struct opts *o = r->base->o;
	struct weir_kmodel_options options = { .probe_ns = o->probe_ns, .sync_state = true,
					       .step = on_step, .context = r };
	const struct weir_bytes *tree = r->unit->add ? &r->base->dtb : &r->unit->tree;
	struct weir_linux_args args = o->linux_args;
	bool lin = r->profile == PROFILE_LINUX;
	int err;

	if (r->unit->add) {
		args.visible = race_add_visible;
		args.context = r;
	}
	err = weir_machine_create_policy(r->unit->add ? race_sched_host_plain() : race_sched_host(), r->sched,
					 lin ? &weir_policy_linux_6_12 : NULL, &args, &r->m);
	if (!err)
		err = weir_firmware_load_dt(r->m, tree->data, tree->size);
	if (!err)
		err = weir_kmodel_create(r->m, r->base->list, &options, &r->model);
	if (!err)
		err = weir_catalogue_fill(r->m, r->base->list, NULL, NULL);
	if (!err) {
		r->trace = (struct weir_trace){ .fn = on_event, .context = r };
		weir_trace_attach(r->m, &r->trace);
		err = weir_kmodel_boot(r->model);
	}
	if (!err && !r->unit->add)
		weir_kmodel_coldplug(r->model, race_may_load, r);
	return err;
}

static int add_tasks(struct race *r)
{
	int task = 0;

	for (size_t i = 0; i < r->unit->nr_drivers && task >= 0; i++) {
		r->racers[i] = (struct racer){ r, r->unit->drivers[i], r->unit->builtin[i] };
		task = race_sched_task(r->sched, insert, &r->racers[i], NULL);
	}
	r->events_tried = r->events;
	if (task >= 0)
		task = race_sched_task(r->sched, settle, r, has_work);
	if (task >= 0 && r->profile == PROFILE_LINUX &&
	    r->base->o->linux_args.deferred_probe_timeout > 0)
		task = race_sched_task(r->sched, time_out, r, NULL);
	return task < 0 ? task : 0;
}

static void conclude(struct race *r)
{
	struct race_result *result = r->result;
	struct weir_device *dev = NULL;
	struct weir_fwnode *node;

	if (*race_sched_what(r->sched)) {
		race_harm(r, RACE_BROKEN);
		snprintf(result->with, sizeof(result->with), "%s", race_sched_what(r->sched));
	} else if (r->unit->add) {
		race_add_conclude(r);
	} else {
		if (!weir_fwnode_find(r->m, r->unit->master, &node))
			dev = weir_fwnode_device(node);
		if (dev && weir_device_status_get(dev) != WEIR_DEVICE_BOUND)
			race_harm(r, RACE_STUCK);
	}
	snprintf(result->schedule, sizeof(result->schedule), "%s",
		 race_search_schedule(r->search));
	result->switches = race_search_switches(r->search);
}

int race_run(const struct run *base, const struct race_unit *unit, enum profile profile,
	     struct race_search *search, struct race_sched *sched, struct race_result *out_result)
{
	struct race r = { .base = base, .unit = unit, .profile = profile, .search = search,
			  .sched = sched, .result = out_result };
	enum race_end end = RACE_END_WELL;
	int err;

	memset(out_result, 0, sizeof(*out_result));
	race_sched_chooser(sched, choose, &r);
	err = prepare(&r);
	if (!err)
		err = unit->add ? race_add_tasks(&r) : add_tasks(&r);
	if (!err) {
		end = race_sched_run(r.sched);
		conclude(&r);
	}
	if (end != RACE_END_DEADLOCK) { /* otherwise its threads are still in there */
		weir_kmodel_detach(r.model);
		weir_machine_destroy(r.m);
		weir_kmodel_destroy(r.model);
		race_sched_reset(sched);
	}
	if (err)
		return complain("%s: %s: %s", base->board, unit->master, weir_strerror(err));
	if (race_search_failed(search))
		return complain("%s: %s: %s", base->board, unit->master, race_search_failed(search));
	return 0;
}
