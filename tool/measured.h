// SPDX-License-Identifier: MIT
/*
 * measured.c: times that a board's own log has, beside the prediction's virtual ones. All of
 * them are the log's: what it does not have stays unknown.
 */
#ifndef WEIR_TOOL_MEASURED_H
#define WEIR_TOOL_MEASURED_H

#include "kernel/bootlog.h"
#include "run.h"

#define MEASURED_UNKNOWN INT64_MIN

/* Of one device; each MEASURED_UNKNOWN when the log does not have it. */
struct measured {
	int64_t deferred_ns; /* when it was first deferred */
	int64_t bound_ns;    /* when it was bound */
	int64_t slack_ns;    /* of one that had to wait: from there to the timeout; negative: after it */
	int64_t probe_us;    /* its longest probe */
};

/*
 * Reads o->log, and lets the log's command line hold for the prediction, unless another one
 * is given. Return: 0, or an exit status after a message.
 */
int log_open(struct opts *o, struct weir_bootlog **out_log);
/* The log in a capture, for verbs that want one. @out_log: NULL when there is none. Return: as log_open(). */
int log_of_capture(struct opts *o, struct weir_bootlog **out_log);

/* @log: NULL is fine. Return: whether the log has any time of the device. */
bool measured_device(const struct run *r, const struct weir_bootlog *log, const struct weir_device *dev,
		     struct measured *out);
/* Why no device has slack by this log; NULL: one has. */
const char *measured_problem(const struct weir_bootlog *log);

#endif
