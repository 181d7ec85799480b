// SPDX-License-Identifier: MIT
/*
 * The `weir` command: what its verbs share. A verb reads options, opens a run (a
 * board and a kernel), lets it happen, and reports.
 */
#ifndef WEIR_TOOL_WEIR_H
#define WEIR_TOOL_WEIR_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "kernel/kernel.h"
#include "kernel/kmodel.h"
#include "kernel/linux/linux.h"
#include "weir/posix.h"
#include "weir/weir.h"

#include "alone.h"
#include "run.h"

/* cause.c: who waits, and for what in the end. */
enum cause_kind {
	CAUSE_NO_DRIVER,     /* a device without driver holds others back */
	CAUSE_NOT_LOADED,    /* its module is not loaded, or denied */
	CAUSE_NODE,          /* a node that never becomes a device */
	CAUSE_FAILED,        /* its probe failed or was refused */
	CAUSE_DEFERS,        /* its driver defers by itself */
	CAUSE_CIRCLE,        /* devices wait for each other */
	CAUSE_OTHER,
};

struct cause {
	enum cause_kind kind;
	struct weir_why root;
	struct weir_device **waiting; /* for ever, as far as this run goes */
	size_t nr_waiting;
	struct weir_device **late;    /* up only because the timer let them go */
	size_t nr_late;
};

struct causes {
	struct cause *items;
	size_t n;
	size_t devices, bound, waiting, late, no_driver, not_loaded, failed;
	size_t plain;              /* that need no driver */
	struct weir_device **idle; /* without driver, and nobody waits for them */
	size_t nr_idle;
	struct weir_device **untranslated;
	size_t nr_untranslated;
	int untranslated_err;      /* of the first of them */
	size_t cycles;
};

/* Return: 0; WEIR_ENOMEM. */
int causes_collect(struct run *r, struct causes *out_causes);
void causes_free(struct causes *c);
/* The cause that a chain ends at, or NULL when nobody is held back by it. */
const struct cause *causes_find(const struct causes *c, const struct weir_why *root);
enum cause_kind cause_kind_of(const struct weir_why *root);

/* words.c: things in words. Buffers are cut, never overrun. */
const char *device_words(const struct weir_device *dev, char *buf, size_t bytes);
const char *node_words(const struct weir_fwnode *node, char *buf, size_t bytes);
const char *path_words(const struct weir_fwnode *node, char *buf, size_t bytes);
/* What is wrong with the root of a chain. */
void cause_what(const struct run *r, const struct cause *c, char *buf, size_t bytes);
const char *cause_kind_name(enum cause_kind kind);
/* Why a node has no device; NULL when it could have one. */
const char *node_problem(const struct weir_fwnode *node, char *buf, size_t bytes);
const char *board_model(const struct run *r);
const char *untranslated_words(int err);
void event_words(const struct record_event *e, char *buf, size_t bytes);

/* fix.c: how one knows a cause, and what to do. */
void cause_basis(const struct run *r, const struct cause *c, char *buf, size_t bytes);
void cause_fix(const struct run *r, const struct cause *c, char *buf, size_t bytes);

/*
 * clean.c: what is no UTF-8, or a control character, becomes "?"; but NULs and what @keep
 * names. json_text(): such a string, or null. Of a tree, all names and strings.
 */
void text_clean(char *text, size_t bytes, const char *keep);
json_t *json_text(const char *text);
void tree_clean(void *blob, size_t bytes);

/* plain.c: whether a device is complete without a driver. */
bool needs_no_driver(const struct run *r, const struct weir_device *dev);

/* name.c: how many letters must change; a device by any of its names. Return: 0, or an exit status after a message. */
unsigned int name_distance(const char *a, const char *b);
int find_device(struct run *r, const char *name, struct weir_device **out_dev,
		struct weir_fwnode **out_node);

/* jsonout.c */
json_t *json_of_run(struct run *r, const struct causes *c);
json_t *json_of_findings(const struct run *r);
json_t *json_of_event(const struct record_event *e);
int write_events(struct run *r, const struct causes *c, const char *path);
/* Size and checksum of a file, unpacked. Return: 0, or EXIT_USAGE after a message. */
int input_identity(const char *path, char *buf, size_t bytes);
/* Verdicts by path, as JSON; what --baseline and replay compare. */
json_t *json_of_verdicts(struct run *r);

/*
 * boards.c: the device trees below a directory, sorted; each a string of the caller's.
 * @out_prefix: bytes of the directory in front of each. Return: 0, or EXIT_USAGE after a
 * message.
 */
int boards_find(const char *dir, char ***out_paths, size_t *out_n, size_t *out_prefix);

/* judge.c: the exit status. Return: EXIT_OK or EXIT_FINDING, or EXIT_USAGE. */
int judge(struct run *r, const struct causes *c, const struct alone *a);

/* explain.c: why a device is up or waits. Return: EXIT_OK when it is up, else EXIT_FINDING. */
int explain_device(struct run *r, struct weir_device *dev);
json_t *explain_chain(struct weir_device *dev);
/* "clocks" needs "its clock"; other properties are just named. */
const char *need_words(const char *property);
/* One step of a chain, or the verdict at its end. */
void why_words(const struct weir_why *why, char *buf, size_t bytes);

/* style.c: colours, only where they are wanted. */
const char *style_bold(const struct opts *o);
const char *style_bad(const struct opts *o);
const char *style_good(const struct opts *o);
const char *style_off(const struct opts *o);

/* waiting.c: says on a terminal what is done, when it takes longer than a second. */
struct waiting {
	const char *what;
	bool runs, done;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t ended;
};
void waiting_begin(struct waiting *w, const char *what);
void waiting_end(struct waiting *w);

/* The verbs. */
int cmd_boot(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_shell(int argc, char **argv);
int cmd_lint(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_timeline(int argc, char **argv);
int cmd_graph(int argc, char **argv);
int cmd_live(int argc, char **argv);
int cmd_groups(int argc, char **argv);
int cmd_race(int argc, char **argv);
int cmd_capture(int argc, char **argv);
int cmd_plan(int argc, char **argv);

#endif
