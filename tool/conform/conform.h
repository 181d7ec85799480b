// SPDX-License-Identifier: MIT
/*
 * weir-conform: compares what the profile linux-6.12 does with what Linux itself
 * was recorded to do, field by field.
 */
#ifndef WEIR_TOOL_CONFORM_CONFORM_H
#define WEIR_TOOL_CONFORM_CONFORM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "kernel/driverlist.h"
#include "kernel/unpack.h"
#include "weir/weir.h"

/* One board under one recorded answer. */
struct conform_job {
	char *dtb;    /* path of the device tree, plain or .xz */
	char *result; /* path of the answer, plain or .xz */
	char *set;    /* directory that the answer is in, its last part */
	char *board;  /* file name of the answer without .json */
	bool equal;
	char difference[600]; /* the first one, in words; "" when equal */
};

enum conform_outcome { CONFORM_EQUAL, CONFORM_UNEQUAL };

/* run.c: does the job and fills in equal and difference. */
void conform_run(struct conform_job *job);

/* jobs.c */
struct conform_jobs {
	struct conform_job *jobs;
	size_t n, room;
};
/* Pairs answers with device trees. Return: 0, or negative with a line on stderr. */
int conform_jobs_add(struct conform_jobs *jobs, const char *dtbs, const char *results);
void conform_jobs_free(struct conform_jobs *jobs);

/* read.c: a whole file, unpacked. Return: 0; negative with @out_what in words. */
int conform_read(const char *path, struct weir_bytes *out_bytes, char *out_what, size_t bytes);

/* The comparison while it runs. */
struct conform_check {
	struct conform_job *job;
	json_t *answer;
	json_t *events;      /* the answer's */
	size_t nr_events;    /* so far, here */
	size_t nr_probes, nr_adds, nr_cycles;
	json_t *probe_order, *add_order, *log;
	size_t log_at;       /* next line of the log to look at */
	size_t phase;
	struct weir_machine *m;
	bool differs;
};

/* compare.c: each notes the first difference only. */
void check_differs(struct conform_check *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void check_event(struct conform_check *c, const char *what, const struct weir_device *dev,
		 const char *who);
void check_cycle_message(struct conform_check *c, const struct weir_fwnode *consumer,
			 const struct weir_fwnode *supplier);
void check_phase(struct conform_check *c, const char *label);
void check_end(struct conform_check *c);

#endif
