// SPDX-License-Identifier: MIT
/* `weir explain --log`: a board's own log beside its prediction. */
#ifndef WEIR_TOOL_EXPLAINLOG_H
#define WEIR_TOOL_EXPLAINLOG_H

#include <jansson.h>

#include "kernel/bootlog.h"
#include "run.h"

/* What several devices of a log wait for. */
struct log_cause {
	struct weir_device *device;     /* the root, or NULL */
	struct weir_fwnode *node;       /* it is no device */
	const struct weir_bootlog_device *logged; /* what the log says of the root; may be NULL */
	char *what;                     /* in words */
	char *fix;
	const struct weir_bootlog_device **waiting;
	size_t n;
};

/* Prediction and log do not say the same. */
struct log_difference {
	const struct weir_bootlog_device *logged;
	struct weir_device *device;
	char *predicted, *is;           /* in words */
};

struct log_story {
	struct weir_bootlog *log;
	const char *path;
	struct log_cause *causes;
	size_t nr_causes;
	struct log_difference *differ;
	size_t nr_differ;
	size_t deferred, failed, bound, unknown; /* of the log's devices; unknown to the board */
	size_t foreign_cycles;          /* of which the prediction knows nothing */
};

/* explainlog.c. Return: 0; WEIR_ENOMEM. */
int log_study(struct run *r, struct weir_bootlog *log, struct log_story *out_story);
void log_story_free(struct log_story *s);

/* logname.c: a device by its name in a log; NULL: the board has none. */
struct weir_device *log_device(const struct run *r, const char *name);
/* What a log says of a device. NULL: nothing, or no device. */
const struct weir_bootlog_device *log_of_device(const struct run *r, const struct weir_bootlog *log,
						const struct weir_device *dev);

/*
 * explainiommu.c: what a log says of IOMMUs. @r: NULL when there is no prediction, and then causes are
 * not told.
 */
struct log_groups {
	size_t devices;                 /* that the log has in a group */
	const char *without[12];        /* bound, behind an IOMMU by the tree, and in none: the first of them */
	size_t nr_without;
};
void log_groups(const struct run *r, const struct weir_bootlog *log, struct log_groups *out);
void log_iommus_print(const struct run *r, const struct weir_bootlog *log);
json_t *log_iommus_json(const struct run *r, const struct weir_bootlog *log);

/* explainlog_out.c. Return: EXIT_OK when the log has no complaint, else EXIT_FINDING. */
int log_tell(struct run *r, const struct log_story *s);
/* Whether a device waits or failed, the root did not come, or something is wrong with an IOMMU. */
bool log_complains(const struct log_story *s);
json_t *json_of_log(struct run *r, const struct log_story *s);

#endif
