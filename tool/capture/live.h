// SPDX-License-Identifier: MIT
/* `weir live`: what was seen, what was predicted for the same machine, and the two side by side. */
#ifndef WEIR_TOOL_LIVE_H
#define WEIR_TOOL_LIVE_H

#include "capture.h"
#include "kernel/bootlog.h"

/* What a device is by both, where they can be compared: by its node in the device tree. */
enum live_match {
	LIVE_ALONE,     /* was not predicted: it has no node, or there was no prediction */
	LIVE_AGREES,
	LIVE_WORSE,     /* predicted up, has no driver */
	LIVE_BETTER,    /* has a driver, predicted to wait or to have none */
};

struct live_group {
	size_t root;         /* in devices: what the others wait for in the end */
	size_t n;            /* how many wait */
};

struct live {
	const struct opts *o;
	struct seen seen;
	struct run run;              /* the prediction */
	bool predicted;
	char *board;                 /* what it was called */
	struct weir_device **twins;  /* of the prediction, for each device seen; NULL: none */
	enum live_match *matches;
	struct live_group *groups;   /* the largest first */
	size_t nr_groups;
	size_t bound, waiting, agree, worse, better;
	struct weir_bootlog *log;    /* what was kept of the kernel's; NULL: nothing */
	bool deferred_known;         /* devices_deferred could be read */
	/* live_iommu.c: the tree alone, where there is no prediction; all NULL: there is one, or no tree */
	struct weir_machine *alone;
	bool acpi;                   /* it is made of tables */
	struct weir_posix *posix;
	FILE *quiet;
};

/* live_iommu.c: links to the IOMMUs that devices wait for. Return: 0; WEIR_ENOMEM. */
int live_iommus(struct live *l);
void live_iommus_free(struct live *l);

/* live_out.c */
json_t *live_json(const struct live *l);
/* Return: the number of tests that fail. */
size_t live_ktap(const struct live *l);

#endif
