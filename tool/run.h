// SPDX-License-Identifier: MIT
/* Options, records and runs; see opts.c, record.c and run.c. */
#ifndef WEIR_TOOL_RUN_H
#define WEIR_TOOL_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "kernel/kernel.h"
#include "kernel/kmodel.h"
#include "kernel/linux/linux.h"
#include "kernel/modscan.h"
#include "kernel/strtable.h"
#include "weir/posix.h"
#include "weir/weir.h"

#include "initramfs.h"

/* Exit statuses of all verbs. */
enum {
	EXIT_OK = 0,     /* all that can come up did; nothing to complain of */
	EXIT_FINDING = 1, /* something waits, failed, or is not as required */
	EXIT_USAGE = 2,  /* bad usage or bad input */
};

#define MAX_LIST 64

struct list {
	const char *item[MAX_LIST];
	size_t n;
};

enum { ANEW_KERNEL = 1, ANEW_IMAGE = 2, ANEW_INITRAMFS = 4 };

enum profile { PROFILE_LINUX, PROFILE_WEIR };

/* opts.c: what the command line says. Strings are borrowed from argv. */
struct opts {
	const char *args[2];       /* board or directory; device */
	char **boards;             /* all arguments, of verbs that take any number */
	int nr_args;
	bool acpi;                 /* the board is a machine with ACPI: tool/acpi/ */
	const char *kernel, *image, *drivers;
	const char *drivers_text;  /* a driver list itself, from a recorded run */
	struct list overlays, deny, require, load;
	const char *initramfs, *baseline, *events, *cmdline;
	struct list more_kernels, more_initramfs; /* that belong to the first */
	const char *log;           /* what the board said */
	bool linux_args_given;     /* by --set or --cmdline */
	const char *firmware;      /* directory of firmware files on the root file system */
	const char *root, *target; /* which device must come up */
	struct weir_linux_args linux_args;
	enum profile profile;
	bool profile_given;
	const char *scenario;
	double until_s;            /* negative: to the end */
	uint64_t probe_ns, root_ms;
	unsigned int threads, jobs;
	/* not from the command line: see alone.c */
	bool alone;                /* the root file system never comes */
	const struct weir_strtable *extra, *extra_firmware; /* in the initramfs besides */
	const char *script, *modules; /* of the shell */
	struct list commands;
	struct list without;       /* rules of lint */
	int severity;              /* enum lint_severity: least that is said */
	bool sarif, rules;
	uint64_t slower_ns;        /* of diff */
	const char *sysroot;       /* of live and capture */
	const char *lspci;         /* of groups: a dump of configuration space */
	bool ktap, keep_private;
	struct weir_bytes tree;    /* in place of a file; the run copies it */
	const char *format, *output;
	const char *boards_dir;    /* of plan, as all up to also */
	bool console, display;
	struct list also;
	const char *schedule;      /* of race, as all up to limit */
	uint64_t seed, limit;
	bool add;
	bool json, verbose, color, help, keep_going;
	unsigned int anew;         /* of diff: what begins anew on its second side */
};

enum verb_id { VERB_BOOT, VERB_EXPLAIN, VERB_CHECK, VERB_REPLAY, VERB_SHELL, VERB_LINT, VERB_DIFF,
	       VERB_TIMELINE, VERB_GRAPH, VERB_PLAN, VERB_LIVE, VERB_CAPTURE, VERB_GROUPS,
	       VERB_RACE };

/* What --help says besides the options, which opts.c knows. */
struct verb_help {
	enum verb_id verb;
	const char *usage, *what, *example, *status;
	bool any_args;             /* more than two */
};

/* Between the arguments of two sides; nobody types it. */
#define OPTS_NEXT_SIDE "--\1"

/* Return: 0, or an exit status after a message. With --help, the help is printed. */
int opts_parse(struct opts *o, int argc, char **argv, const struct verb_help *help);
/*
 * inputs.c: boards that are a directory or a boot image, which may bring kernel and
 * initramfs. Return: as opts_parse().
 */
int inputs_resolve(struct opts *o, enum verb_id verb);
/* "weir: ..." on standard error. Return: EXIT_USAGE. */
int complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* What a caller will complain of, in one line. Return: EXIT_USAGE. */
int complain_in(char *out_what, size_t bytes, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* record.c: what happened, kept with virtual times. */
struct record_event {
	uint32_t id, cause;
	enum weir_event_type type;
	int64_t value;
	uint64_t time_ns;
	struct weir_device *device, *other; /* referenced */
	struct weir_fwnode *node, *other_node;
	char *text;
};

struct record {
	struct weir_machine *m;
	struct weir_trace trace;
	struct record_event *events;
	size_t n, room;
	bool failed;               /* out of memory: the record is incomplete */
};

void record_attach(struct record *r, struct weir_machine *m);
void record_detach(struct record *r);
/* A line of log among the events, as a note without number. One thread only. */
void record_log(struct record *r, const char *text);

/* A kernel, what is read of its module files, its initramfs. All zero: none. */
struct kernel_side {
	struct weir_kernel *kernel;
	struct weir_modscan *scan; /* NULL: there is no index */
	struct initramfs *initramfs;
};

/* run.c: a board and a kernel, and what becomes of them. */
struct run {
	const struct opts *o;
	const char *board;         /* path */
	struct weir_bytes dtb;
	struct weir_kernel *kernel; /* side.kernel; NULL: none */
	struct kernel_side side;    /* may be shared */
	bool own_kernel;
	struct weir_driver_list *list;
	struct weir_posix *posix;
	FILE *log;                 /* warnings and errors of the library, in memory */
	char *log_text;
	size_t log_bytes;
	char **findings;           /* the same as lines */
	size_t nr_findings;
	struct weir_machine *m;
	struct weir_kmodel *model;
	struct record record;
	const struct initramfs *initramfs; /* side.initramfs; NULL: none */
	bool root_there;           /* the root file system is mounted */
	struct firmware_log firmware;
	size_t nr_builtin, nr_modules;
	uint32_t timeout_event;    /* id of the event; 0: the timer did not fire */
	bool assumed;              /* no kernel: every driver was assumed */
	char *cmdline;             /* of a board that is a capture; NULL */
	struct opts own;           /* o is this when the capture's command line holds */
	const char *modules;       /* real ones, looked for there; NULL: drivers are modelled */
};

/*
 * Opens and runs. @shared: of many runs, or NULL to open what the options name.
 * Return: 0, or an exit status; @out_what is then one line.
 */
int run_open(struct run *r, const struct opts *o, const char *board,
	     const struct kernel_side *shared, char *out_what, size_t what_bytes);
void run_close(struct run *r);
/* Opens the kernel that the options name; all zero when they name none. */
int kernel_side_open(const struct opts *o, struct kernel_side *out_side, char *out_what,
		     size_t what_bytes);
void kernel_side_close(struct kernel_side *side);
/* tree.c: a whole file, unpacked; of FILE#CHOICE, FILE. Return: 0, or EXIT_USAGE with a line in @out_what. */
int read_plain(const char *path, struct weir_bytes *out_bytes, char *out_what, size_t bytes);
/* The same for a tree, which may be one of a boot image. */
int tree_read(const char *path, struct weir_bytes *out_tree, char *out_what, size_t bytes);
/*
 * The tree of a board: of the options' memory, a file or a capture. @out_cmdline: the capture's; the
 * caller's, or NULL.
 */
int board_read(const struct opts *o, const char *board, struct weir_bytes *out_tree,
	       char **out_cmdline, char *out_what, size_t bytes);
/* overlay.c: onto a tree in malloc()ed memory. Return: as read_plain(). */
int overlays_apply(const struct list *paths, const char *board, struct weir_bytes *tree,
		   char *out_what, size_t bytes);
/* plain.c: nobody waits for nodes that need no driver and have none. */
void release_plain_nodes(struct run *r);
bool run_denied(const struct run *r, const char *module);

#endif
