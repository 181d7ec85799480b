// SPDX-License-Identifier: MIT
/* `weir race`: what a master and its IOMMUs can do to each other. See race.c. */
#ifndef WEIR_TOOL_RACE_H
#define WEIR_TOOL_RACE_H

#include "race/sched.h"
#include "race/search.h"
#include "weir.h"

#define RACE_IOMMUS 16
#define RACE_DRIVERS 12
#define RACE_WAITS 64

/* A master and what has a part in its start. Strings are the run's or the list's. */
struct race_unit {
	char master[256];                    /* path */
	char iommus[RACE_IOMMUS][256];
	size_t nr_iommus;
	const char *drivers[RACE_DRIVERS];   /* those of the IOMMUs first */
	size_t nr_drivers, nr_iommu_drivers;
	bool builtin[RACE_DRIVERS];          /* the kernel has it, and no module of it */
	struct weir_bytes tree;              /* race_tree(): set while it is run */
	bool assumed;                        /* the kernel has no driver for the IOMMU */
	/* of --add, where the master is a device that is added late, and there is no IOMMU */
	bool add;
	char maker[256];                     /* path: its driver's probe adds it */
};

/* What must not be. */
enum race_harm {
	RACE_HALF,    /* the master starts translated by an IOMMU whose probe has not returned */
	RACE_AROUND,  /* it starts untranslated */
	RACE_STUCK,   /* everything is there, and it does not start */
	RACE_LEFT,    /* it is up, and others wait for ever for nodes below it */
	RACE_BROKEN,  /* the library itself: a deadlock, an assertion */
	RACE_HARMS,
};

enum race_act {
	RACE_INSERT,     /* a driver comes */
	RACE_REGISTER,   /* the same of one that is built in */
	RACE_BEGIN,      /* a probe begins */
	RACE_PUBLISHED,  /* it has published its instance, and not returned */
	RACE_END,        /* it returns next */
	RACE_UNTRANSLATED, /* the master is let go without its IOMMU */
	RACE_TIMEOUT,    /* deferred_probe_timeout runs out */
	RACE_RETRY,      /* who waits is tried again */
	RACE_VISIBLE,    /* a device is on its bus, and is not complete */
	RACE_REST,       /* the other modules come */
};

/* One line of a schedule. */
struct race_step {
	int task;
	enum race_act act;
	char what[256];  /* driver, or path of a device */
};

#define RACE_STEPS 200

struct race_result {
	bool harm[RACE_HARMS];
	size_t after[RACE_HARMS];   /* so many steps */
	char with[256];             /* IOMMU of RACE_HALF; what is wrong for RACE_BROKEN */
	/* of RACE_LEFT: the first of them, paths of the devices and of what they wait for */
	struct race_wait {
		char device[256], node[256];
	} waits[RACE_WAITS];
	size_t nr_waits;            /* all */
	char schedule[RACE_MAX_CHOICES + 1];
	unsigned int switches;
	struct race_step steps[RACE_STEPS];
	size_t nr_steps;
};

/*
 * race_run.c: one run of a unit, with the choices of @search, on the threads of @sched, with
 * @base's tree and drivers.
 * Return: 0, or an exit status after a message.
 */
int race_run(const struct run *base, const struct race_unit *unit, enum profile profile,
	     struct race_search *search, struct race_sched *sched, struct race_result *out_result);

/* race_unit.c: the masters of a board; @out_units is the caller's. Return: as above. */
int race_units(struct run *base, const char *only, struct race_unit **out_units, size_t *out_n);

/*
 * race_add.c: the devices of a board that a driver's probe adds, and below which are nodes that
 * others need. Return: as above.
 */
int race_add_units(struct run *base, const char *only, struct race_sched *sched,
		   struct race_unit **out_units, size_t *out_n);

/* race_tree.c: what is run. Owner: the caller, free(). Return: as above. */
int race_tree(const struct run *base, const struct race_unit *u, struct weir_bytes *out_tree);

/* What was found for a master under one policy. */
struct race_finding {
	uint64_t runs[RACE_HARMS];           /* that did the harm */
	struct race_result *best[RACE_HARMS]; /* the plainest of them, or NULL */
	struct race_search_stats stats;
};

/* race_out.c */
void race_print(const struct run *base, const struct race_unit *unit, enum profile profile,
		const struct race_finding *f);
json_t *race_json(const struct race_unit *unit, enum profile profile, const struct race_finding *f);
const char *race_profile_name(enum profile profile);
void race_print_steps(const struct race_result *r, size_t n);
void race_print_waits(const struct race_result *r);

#endif
