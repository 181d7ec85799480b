// SPDX-License-Identifier: MIT
/* The `weir` command: which verb. */
#include <errno.h>
#include <string.h>

#include "weir.h"

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
} verbs[] = {
	{ "boot", cmd_boot, "run a board's bring-up; summary by root cause" },
	{ "explain", cmd_explain, "why a device is up, waiting, or without IOMMU" },
	{ "check", cmd_check, "all boards of a directory, one line each" },
	{ "replay", cmd_replay, "run a recorded bring-up again and compare the verdicts" },
	{ "plan", cmd_plan, "which modules an initramfs needs, and why" },
	{ "lint", cmd_lint, "what is wrong with device trees, and how to mend it" },
	{ "diff", cmd_diff, "what changes with another tree, kernel or parameters" },
	{ "timeline", cmd_timeline, "when each device comes up: drawing, trace or report" },
	{ "graph", cmd_graph, "which device needs which: drawing or report" },
	{ "groups", cmd_groups, "which devices share an IOMMU group, and why" },
	{ "race", cmd_race, "the order of drivers in which a device starts around its IOMMU" },
	{ "live", cmd_live, "what came up on the Linux that runs, or on a capture of one" },
	{ "capture", cmd_capture, "pack what live looks at into one file" },
	{ "shell", cmd_shell, "commands for a board, or for the device models of a QEMU" },
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static int usage(FILE *f)
{
	fputs("usage: weir VERB [options] ...\n\n", f);
	for (size_t i = 0; i < N_VERBS; i++)
		fprintf(f, "  %-9s %s\n", verbs[i].name, verbs[i].what);
	fputs("\n`weir VERB --help` tells more. Exit status: 0 all well, 1 something waits,\n"
	      "failed or is not as required, 2 bad usage or input.\n", f);
	return f == stdout ? EXIT_OK : EXIT_USAGE;
}

static const struct verb *verb_of(const char *name)
{
	for (size_t i = 0; i < N_VERBS; i++)
		if (!strcmp(name, verbs[i].name))
			return &verbs[i];
	return NULL;
}

static int no_verb(const char *name)
{
	for (size_t i = 0; i < N_VERBS; i++)
		if (name_distance(name, verbs[i].name) < 3)
			return complain("no verb '%s'; did you mean %s?", name, verbs[i].name);
	return complain("no verb '%s'; see weir --help", name);
}

/* A report that could not be written is none. */
static int finish(int status)
{
	if (fflush(stdout) || ferror(stdout))
		return complain("standard output: %s", strerror(errno));
	return status;
}

int main(int argc, char **argv)
{
	const struct verb *verb;

	if (argc < 2)
		return usage(stderr);
	if (argc == 3 && !strcmp(argv[1], "help") && (verb = verb_of(argv[2]))) {
		static char help[] = "--help";
		char *args[] = { argv[2], help, NULL };

		return finish(verb->run(2, args));
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return usage(stdout);
	if (!strcmp(argv[1], "--version")) {
		puts("weir " WEIR_VERSION);
		return EXIT_OK;
	}
	verb = verb_of(argv[1]);
	return verb ? finish(verb->run(argc - 1, argv + 1)) : no_verb(argv[1]);
}
