// SPDX-License-Identifier: MIT
/* Inside opts.c, opts_table.c and opts_help.c: the table of options. */
#ifndef WEIR_TOOL_OPTS_H
#define WEIR_TOOL_OPTS_H

#include "weir.h"

/* Keys of options; one with a letter has that. */
enum {
	O_KERNEL = 256, O_IMAGE, O_DRIVERS, O_OVERLAY, O_SET, O_CMDLINE, O_PROFILE, O_SCENARIO,
	O_LOAD, O_INITRAMFS, O_ROOT_AFTER, O_DENY, O_UNTIL, O_PROBE_TIME, O_JSON, O_EVENTS,
	O_THREADS, O_FIRMWARE, O_LOG, O_ROOT, O_FOR, O_REQUIRE, O_BASELINE, O_COLOR, O_SCRIPT, O_MODULES,
	O_WITHOUT, O_SEVERITY, O_SARIF, O_RULES, O_SLOWER, O_FORMAT,
	O_SYSROOT, O_KTAP, O_PRIVATE, O_CONSOLE, O_DISPLAY, O_ALSO, O_BOARDS, O_SCHEDULE, O_SEED,
	O_LIMIT, O_ADD, O_LSPCI, O_NEXT_SIDE,
};

struct option_def {
	const char *name;
	int key;
	const char *value;         /* NULL: it takes none */
	unsigned int verbs;
	const char *heading;       /* it stands below; NULL: below that of the one before */
	/*
	 * Wrapped where it is printed. Behind each "|" stands what is for some verbs alone:
	 * "verb,verb:text" is added, "verb=text" takes the place of all before it.
	 */
	const char *help;
};

#define MAX_OPTIONS 64
extern const struct option_def option_defs[];
extern const size_t nr_option_defs;
/* NULL: there is no such option. */
const struct option_def *option_of(int key);

/* opts_help.c */
void opts_help_print(const struct verb_help *help);

#endif
