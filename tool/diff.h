// SPDX-License-Identifier: MIT
/*
 * `weir diff`: what became of every device on one side, taken out of a run, so that two
 * sides can be compared when their machines are gone.
 */
#ifndef WEIR_TOOL_DIFF_H
#define WEIR_TOOL_DIFF_H

#include "weir.h"

enum diff_iommu { DIFF_NO_IOMMU, DIFF_UNTRANSLATED, DIFF_TRANSLATED };

/* Strings belong to it. */
struct diff_device {
	char *path;
	enum weir_verdict verdict;
	bool late;            /* up only because a timer gave a supplier up */
	enum diff_iommu iommu;
	char *driver;         /* NULL: none */
	char *group;          /* what its group is; NULL: in none */
	char *root;           /* NULL when it is up: what it waits for in the end, in words */
	uint64_t bound_ns;    /* virtual time of its last bind */
};

struct diff_side {
	char *title;          /* board and kernel */
	char *model;
	struct diff_device *devices; /* by path */
	size_t n;
};

/* diff_side.c. Return: 0, or an exit status after a message. */
int diff_side_open(struct diff_side *side, const struct opts *o, const char *board);
void diff_side_close(struct diff_side *side);

/* What changed for a device, in order of weight; a device can have several. */
enum diff_change {
	DIFF_GONE,     /* no such device on side B */
	DIFF_WORSE,    /* was up, is not */
	DIFF_CAUSE,    /* up on neither side, for other reasons */
	DIFF_IOMMU,    /* translated or not */
	DIFF_GROUP,
	DIFF_LATE,     /* up in time on one side, only after the timeout on the other */
	DIFF_DRIVER,
	DIFF_TIME,     /* --slower */
	DIFF_BETTER,   /* is up, was not */
	DIFF_NEW,
	DIFF_CHANGES,
};

struct diff_item {
	enum diff_change change;
	const struct diff_device *a, *b; /* NULL: no such device there */
	size_t seq;
};

struct diff {
	struct diff_side sides[2];
	struct diff_item *items; /* by change, then by root cause, then by path */
	size_t n, room;
	uint64_t slower_ns;      /* 0: times are not compared */
	char *const *with;       /* what stands behind "--", up to a NULL; NULL: nothing */
};

/* Return: 0; WEIR_ENOMEM. */
int diff_compare(struct diff *d);
const char *diff_change_name(enum diff_change change);
json_t *diff_json(const struct diff *d);

#endif
