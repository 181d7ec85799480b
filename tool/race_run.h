// SPDX-License-Identifier: MIT
/* Inside race_run.c and race_add.c: a run of a race. */
#ifndef WEIR_TOOL_RACE_RUN_H
#define WEIR_TOOL_RACE_RUN_H

#include "race.h"

struct race;

struct racer {
	struct race *race;
	const char *driver;
	bool builtin;
};

struct race {
	const struct run *base;
	const struct race_unit *unit;
	enum profile profile;
	struct race_search *search;
	struct race_sched *sched;
	struct weir_machine *m;
	struct weir_kmodel *model;
	struct weir_trace trace;
	struct racer racers[RACE_DRIVERS];
	uint64_t at[RACE_TASKS];       /* where each task is */
	uint64_t events, events_tried; /* so far; when who waits was last tried */
	struct race_result *result;
	bool untranslated;             /* the next probe of the master */
	bool master_began;
};

/* A line of the schedule, when a task runs. */
void race_note(struct race *r, enum race_act act, const char *what);
void race_harm(struct race *r, enum race_harm harm);
/* A point of the device's probe or addition: where the task is, and whose turn it is next. */
void race_point(struct race *r, const char *path, unsigned int phase);
const char *race_path(const struct weir_device *dev, char *buf, size_t bytes);
/* A filter of modules: all but those that come by tasks of their own, and the denied. */
bool race_may_load(void *context, const struct weir_driver_spec *spec);

/* race_add.c: of --add. Return: a number below 0 when there is no room. */
int race_add_tasks(struct race *r);
/* The policy's hook: a device can be found, and is not complete. */
void race_add_visible(void *context, struct weir_device *dev);
/* Afterwards: all that waits is tried again and time passes; who waits for ever? */
void race_add_conclude(struct race *r);
/* For the state of the search: who waits now for what is below the device that is added. */
uint64_t race_add_state(const struct race *r);

#endif
