// SPDX-License-Identifier: MIT
/*
 * What comes up from the initramfs alone: the same bring-up without the root file
 * system ever coming, and what would have to be in it for a device to come up.
 */
#ifndef WEIR_TOOL_ALONE_H
#define WEIR_TOOL_ALONE_H

#include <jansson.h>

#include "run.h"

/* root.c: devices that a root file system can be on, by path. */
struct places {
	const char *spec;
	char **path;
	size_t n;
	char words[64];       /* what they are, when the name did not say which one */
	char module[4][32];   /* needed besides, unless they are built in */
	size_t nr_modules;
};

/* Return: 0; EXIT_USAGE after a message: the board has no such thing. */
int places_find(struct run *r, struct places *out_places);
void places_free(struct places *p);

/* What would have to be in the initramfs. */
struct lack {
	char *name;           /* of a module, or a firmware file */
	char *why;            /* "is not in the initramfs" and the like */
	char *whom;           /* the device that it is for, or the module; NULL: the block layer */
	bool firmware;
};

struct place_state {
	bool up, late;        /* late: only after deferred_probe_timeout */
	double seconds;       /* of virtual time */
	char *cause;          /* what holds it back, in words; a late one is not up with it */
};

struct alone {
	size_t devices, up;
	struct name_list {
		char **item;
		size_t n;
	} only_root, held;    /* their module comes with the root file system; who waits for these */
	struct places places; /* none without --root and --for */
	struct place_state *state; /* one for each place */
	struct lack *lacks;
	size_t nr_lacks;
	bool enough;          /* with what is lacking, all places come up */
	enum alone_verdict { ALONE_NONE, ALONE_YES, ALONE_NO, ALONE_UNCLEAR } verdict;
};

/*
 * @target: NULL, or the device to look at in place of --root and --for.
 * Return: 0, or EXIT_USAGE after a message.
 */
int alone_study(const struct opts *o, const char *board, const struct kernel_side *side,
		const char *target, struct alone *out_alone);
void alone_free(struct alone *a);
/* What holds a device back in a run with the initramfs alone. Return: 0, or EXIT_USAGE after a message. */
int alone_cause_of(const struct run *r, struct weir_device *dev, char **out_text);
/* Whether what a device waits for has a driver: then it is worth more than a timeout. */
bool alone_could_come(struct weir_device *dev);

/* alone_out.c: in words. */
void alone_head_words(const struct run *r, char *buf, size_t bytes);
void alone_place_words(const struct alone *a, char *buf, size_t bytes);
void alone_lack_words(const struct lack *l, char *buf, size_t bytes);
void alone_names(const struct name_list *l, size_t room, char *buf, size_t bytes);
const char *alone_verdict_name(enum alone_verdict verdict);
json_t *json_of_alone(const struct run *r, const struct alone *a);

#endif
