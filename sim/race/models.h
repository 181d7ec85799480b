// SPDX-License-Identifier: MIT
/*
 * The host on hardware models (hw/host.h), whose threads take turns (sched.h): so the library's real
 * drivers, on models of their hardware, are run in every order, or in one that is given.
 *
 * The points where others may go on are before each lock is taken and before registers are
 * accessed; accesses to one page of registers, with nothing in between, are one step. At a point
 * the models' time goes on, so their masters do DMA there. An interrupt is one step, delivered where no
 * spin lock is held; what happens between two points of one thread happens at once.
 *
 * Owned by one thread, as the scheduler is.
 */
#ifndef WEIR_SIM_RACE_MODELS_H
#define WEIR_SIM_RACE_MODELS_H

#include "hw/host.h"
#include "race/sched.h"

struct race_models {
	struct weir_host_ops hw;          /* the models' own calls */
	const struct weir_host_ops *turns;
	struct race_sched *sched;
	struct hwhost *h;
	int last_task;                    /* that accessed registers, with nothing in between */
	uintptr_t last_page;
	bool whole;                       /* the library's memory is the scheduler's */
	unsigned int spins[RACE_TASKS];   /* that each task holds */
	/* Whether nobody else can see registers or clocks there; NULL: others always do. */
	bool (*alone)(void *arg, uintptr_t at);
	void *alone_arg;
	unsigned long points;             /* so far, in tasks */
};

/* From now on @h's threads are @s's. To be called before a machine is made with hwhost_ops(@h). */
void race_models_init(struct race_models *r, struct hwhost *h, struct race_sched *s);
/*
 * Right after that, for race/whole.h: the library's memory is the scheduler's (race_sched_memory()), its time
 * stands still, it has no timers, and the host's memory does nothing by chance. A task comes back from a point
 * before a lock when that is free. Registers that are accessed under a spin lock are accessed in the step
 * that took it: nobody else does so without that lock. @host_threads: probes may be put on threads of the host.
 */
void race_models_whole(struct race_models *r, bool host_threads);
/* A point of a driver, such as that of a clock: others may go on, the models' time does. */
void race_models_point(struct race_models *r);

#endif
