// SPDX-License-Identifier: MIT
/*
 * `weir shell`: what its parts share. A command makes a result as JSON, which is
 * printed as it is or as text; what happened meanwhile is told before it.
 */
#ifndef WEIR_TOOL_SHELL_H
#define WEIR_TOOL_SHELL_H

#include "weir.h"

struct shell_qemu;

struct shell {
	struct opts o;
	struct run run;           /* the machine, and what happens on it */
	struct shell_qemu *qemu;  /* NULL: a board's tree, with modelled drivers */
	const char *modules;      /* where they are looked for; NULL as above */
	char *modules_text;       /* the same when it had to be put together */
	size_t events_told;       /* of run.record, where lines of log are too */
	bool quit;
	char error[800];          /* why the command fails */
	bool complained;          /* ... which was said already */
};

/* What the arguments of a command are, for completion. */
enum shell_kind {
	KIND_NOTHING,
	KIND_MODULE,   /* that could be loaded */
	KIND_LOADED,
	KIND_DEVICE,
	KIND_MODEL,    /* of a device that can be plugged */
	KIND_TEST,     /* of DMA */
	KIND_COMMAND,
};

struct shell_command {
	const char *name, *usage, *help;
	enum shell_kind kinds[2]; /* of the first argument, and of the rest */
	/*
	 * @argv: without the command; ends with NULL. @out_result: what is to be told, or
	 * NULL. Return: 0; EXIT_FINDING or EXIT_USAGE after shell_fail().
	 */
	int (*run)(struct shell *sh, int argc, char **argv, json_t **out_result);
};

/* shell_commands.c */
extern const struct shell_command shell_commands[]; /* ends with a NULL name */
const struct shell_command *shell_command_find(const char *name);
/* One line; several commands may stand in it. Return: an exit status. */
int shell_run_line(struct shell *sh, const char *line);
/* Keeps why a command fails. Return: @status. */
int shell_fail(struct shell *sh, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* "usage: ...", as an error. */
int shell_usage(struct shell *sh, const char *command);

/* shell_out.c */
/* Text of a result: a table for an array of objects, lines for other things. */
void shell_print(const struct shell *sh, const json_t *result);
/* Tells what happened since the last call, or returns it as JSON. */
void shell_print_news(struct shell *sh);
json_t *shell_json_news(struct shell *sh);
bool shell_is_news(const struct record_event *e);

/* shell_line.c: lines from a terminal or a file. */
struct shell_lines;
struct shell_lines *shell_lines_open(struct shell *sh, FILE *file);
/* The next line, without its end; borrowed until the next call. NULL at the end. */
const char *shell_lines_next(struct shell_lines *lines);
void shell_lines_close(struct shell_lines *lines);
/* What could stand where @word begins, given the words before it: strings. */
json_t *shell_candidates(struct shell *sh, const char *line, size_t at, const char **out_word);

/* shell_machine.c */
/* Return: 0, or an exit status after a message. */
int shell_machine_open(struct shell *sh, const char *machine);
void shell_machine_close(struct shell *sh);
/* The device of that name. Return: 0, or an exit status after shell_fail(). */
int shell_device(struct shell *sh, const char *name, struct weir_device **out_dev);
/* Until nothing more happens by itself; interrupts are taken. Return: 0; WEIR_E*. */
int shell_settle(struct shell *sh);

/* shell_modules.c */
int shell_modprobe(struct shell *sh, int argc, char **argv, json_t **out_result);
int shell_rmmod(struct shell *sh, int argc, char **argv, json_t **out_result);
int shell_lsmod(struct shell *sh, int argc, char **argv, json_t **out_result);
json_t *shell_module_names(struct shell *sh, bool loaded);

/* shell_look.c */
int shell_ls(struct shell *sh, int argc, char **argv, json_t **out_result);
int shell_links(struct shell *sh, int argc, char **argv, json_t **out_result);
int shell_groups(struct shell *sh, int argc, char **argv, json_t **out_result);
int shell_maps(struct shell *sh, int argc, char **argv, json_t **out_result);
int shell_why(struct shell *sh, int argc, char **argv, json_t **out_result);
int shell_log(struct shell *sh, int argc, char **argv, json_t **out_result);
int shell_stats(struct shell *sh, int argc, char **argv, json_t **out_result);

/* shell_change.c */
int shell_bind(struct shell *sh, int argc, char **argv, json_t **out_result);
int shell_unbind(struct shell *sh, int argc, char **argv, json_t **out_result);
int shell_plug(struct shell *sh, int argc, char **argv, json_t **out_result);
int shell_unplug(struct shell *sh, int argc, char **argv, json_t **out_result);
int shell_suspend(struct shell *sh, int argc, char **argv, json_t **out_result);
int shell_resume(struct shell *sh, int argc, char **argv, json_t **out_result);
extern const char *const shell_models[]; /* ends with NULL */

/* shell_dma.c */
int shell_dma(struct shell *sh, int argc, char **argv, json_t **out_result);
int shell_ping(struct shell *sh, int argc, char **argv, json_t **out_result);
json_t *shell_tests(struct shell *sh);

#endif
