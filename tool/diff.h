// SPDX-License-Identifier: MIT
/*
 * `weir diff`: what became of every device on one side, taken out of a run, so that two
 * sides can be compared when their machines are gone.
 */
#ifndef WEIR_TOOL_DIFF_H
#define WEIR_TOOL_DIFF_H

#include "weir.h"

/* With which of the two a device comes up. */
enum diff_stage { DIFF_NO_STAGE, DIFF_FROM_INITRAMFS, DIFF_WITH_ROOT, DIFF_NEVER };

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
	enum diff_stage stage; /* DIFF_NO_STAGE: there is no initramfs */
	char *lack;           /* why not from the initramfs alone, in words; NULL: it is */
};

/* Names, sorted, each once. Strings belong to it. */
struct diff_list {
	char **item;
	size_t n, room;
};

struct diff_side {
	char *title;          /* board and kernel */
	char *model;
	struct diff_device *devices; /* by path */
	size_t n;
	bool initramfs;       /* there is one; lists are then what is in it */
	struct diff_list modules;
	struct diff_list more; /* firmware files; of a capture, parameters of the command line */
	struct diff_list config; /* of a capture that has it: settings of the kernel's configuration */
	char *cmdline;        /* of a capture; NULL */
	bool no_tree;         /* a capture without a device tree: nothing can be predicted */
};

/* diff_side.c. Return: 0, or an exit status after a message. */
int diff_side_open(struct diff_side *side, const struct opts *o, const char *board);
void diff_side_close(struct diff_side *side);
void diff_side_sort(struct diff_side *side);
/* A device of it by its path; NULL: there is none. */
struct diff_device *diff_side_find(struct diff_side *side, const char *path);

/* diff_image.c: stages, and what is in the initramfs. Return: as diff_side_open(). */
int diff_side_stages(struct diff_side *side, struct run *r);
/* Copies a name. Return: 0; WEIR_ENOMEM. */
int diff_list_add(struct diff_list *l, const char *name, size_t len);
void diff_list_sort(struct diff_list *l);
void diff_list_free(struct diff_list *l);
/* The next name from @at on that is in @l and not in @other; NULL at the end. */
const char *diff_list_only(const struct diff_list *l, const struct diff_list *other, size_t *at);

/*
 * diff_seen.c: what a capture saw, in place of a prediction: groups are told by who is in
 * them, times are those of its log. *@out_is: the board is a capture.
 */
int diff_seen_open(struct diff_side *side, const char *board, bool *out_is);

/* What changed for a device, in order of weight; a device can have several. */
enum diff_change {
	DIFF_GONE,     /* no such device on side B */
	DIFF_WORSE,    /* was up, is not */
	DIFF_CAUSE,    /* up on neither side, for other reasons */
	DIFF_STAGE_WORSE, /* from the initramfs alone on A, not on B */
	DIFF_STAGE_CAUSE, /* on neither, for other reasons */
	DIFF_IOMMU,    /* translated or not */
	DIFF_GROUP,
	DIFF_LATE,     /* up in time on one side, only after the timeout on the other */
	DIFF_DRIVER,
	DIFF_TIME,     /* --slower */
	DIFF_STAGE_BETTER,
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
	bool seen;               /* of two captures, what these saw */
};

/* Return: 0; WEIR_ENOMEM. */
int diff_compare(struct diff *d);
const char *diff_change_name(enum diff_change change);
/* What items of a change are told together by; "": by nothing. */
const char *diff_root_of(const struct diff_item *item);
/* @predicted: NULL, when it could not be done. @seen: NULL, or of two captures. */
json_t *diff_json(const struct diff *predicted, const struct diff *seen);

/* diff_words.c */
void diff_print(const struct diff *d, const struct opts *o);

#endif
