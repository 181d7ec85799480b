// SPDX-License-Identifier: MIT
/*
 * The commands of the shell: their table, and how a line becomes calls. Commands are
 * separated by ";", words by blanks; "..." holds a word together, # begins a remark.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "shell.h"

#define MAX_WORDS 32

static int do_help(struct shell *sh, int argc, char **argv, json_t **out_result);

static int do_quit(struct shell *sh, int argc, char **argv, json_t **out_result)
{
	(void)argv;
	(void)out_result;
	if (argc)
		return shell_usage(sh, "quit");
	sh->quit = true;
	return EXIT_OK;
}

const struct shell_command shell_commands[] = {
	{ "modprobe", "modprobe MODULE...", "load modules, and let happen what they make possible",
	  { KIND_MODULE, KIND_MODULE }, shell_modprobe },
	{ "rmmod", "rmmod [-f] MODULE...",
	  "unload modules; refused while devices of others need theirs; -f stops and removes\n"
	  "those first, consumers before suppliers", { KIND_LOADED, KIND_LOADED }, shell_rmmod },
	{ "lsmod", "lsmod", "the loaded modules, their devices, and who uses these",
	  { KIND_NOTHING, KIND_NOTHING }, shell_lsmod },
	{ "ls", "ls [-a | DEV...]",
	  "the devices and what became of them; -a: those too that work without driver",
	  { KIND_DEVICE, KIND_DEVICE }, shell_ls },
	{ "links", "links [DEV]", "who needs whom, all or those of one device",
	  { KIND_DEVICE, KIND_NOTHING }, shell_links },
	{ "groups", "groups", "the IOMMU groups, their domains and devices",
	  { KIND_NOTHING, KIND_NOTHING }, shell_groups },
	{ "maps", "maps DEV", "what the IOMMU lets a device reach, and at which address",
	  { KIND_DEVICE, KIND_NOTHING }, shell_maps },
	{ "why", "why DEV", "why a device is up or waits, down to the root cause",
	  { KIND_DEVICE, KIND_NOTHING }, shell_why },
	{ "bind", "bind DEV", "try a device again that was unbound or failed",
	  { KIND_DEVICE, KIND_NOTHING }, shell_bind },
	{ "unbind", "unbind DEV", "take a device from its driver, its consumers first",
	  { KIND_DEVICE, KIND_NOTHING }, shell_unbind },
	{ "plug", "plug MODEL [PORT]", "plug a device into a port (dev=port) that is free",
	  { KIND_MODEL, KIND_DEVICE }, shell_plug },
	{ "unplug", "unplug DEV", "pull a plugged device out again",
	  { KIND_DEVICE, KIND_NOTHING }, shell_unplug },
	{ "suspend", "suspend", "the machine to sleep: consumers first, then suppliers",
	  { KIND_NOTHING, KIND_NOTHING }, shell_suspend },
	{ "resume", "resume", "awake again: suppliers first", { KIND_NOTHING, KIND_NOTHING },
	  shell_resume },
	{ "dma", "dma DEV [TEST]", "have a device do DMA through its driver, and check what landed",
	  { KIND_DEVICE, KIND_TEST }, shell_dma },
	{ "ping", "ping [DEV]", "ping QEMU's user network from an e1000e",
	  { KIND_DEVICE, KIND_NOTHING }, shell_ping },
	{ "log", "log [N]", "the last events (20), with the one that made each happen",
	  { KIND_NOTHING, KIND_NOTHING }, shell_log },
	{ "stats", "stats", "what the machine holds: nothing of a module is left after its unload",
	  { KIND_NOTHING, KIND_NOTHING }, shell_stats },
	{ "help", "help [COMMAND]", "this list, or one command", { KIND_COMMAND, KIND_NOTHING },
	  do_help },
	{ "quit", "quit", "end; so does the end of the input", { KIND_NOTHING, KIND_NOTHING },
	  do_quit },
	{ 0 },
};

const struct shell_command *shell_command_find(const char *name)
{
	const struct shell_command *c;

	for (c = shell_commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

int shell_fail(struct shell *sh, int status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(sh->error, sizeof(sh->error), fmt, args);
	va_end(args);
	return status;
}

int shell_usage(struct shell *sh, const char *command)
{
	return shell_fail(sh, EXIT_USAGE, "usage: %s", shell_command_find(command)->usage);
}

static void add_help(json_t *list, const struct shell_command *c)
{
	json_array_append_new(list, json_pack("{s:s, s:s}", "usage", c->usage, "does", c->help));
}

static int do_help(struct shell *sh, int argc, char **argv, json_t **out_result)
{
	const struct shell_command *c;

	if (argc > 1)
		return shell_usage(sh, "help");
	if (argc && !shell_command_find(argv[0]))
		return shell_fail(sh, EXIT_USAGE, "no command '%s'", argv[0]);
	*out_result = json_array();
	for (c = shell_commands; c->name; c++)
		if (!argc || !strcmp(argv[0], c->name))
			add_help(*out_result, c);
	return EXIT_OK;
}

/* ---- lines ---- */

struct words {
	char *text;                /* they are in it, ended by 0 */
	char *list[MAX_WORDS + 1]; /* ends with NULL */
	int n;
};

/* Takes one command off a line. Return: 0; WEIR_EINVAL with the reason; WEIR_ENOMEM. */
static int take_words(const char **line, struct words *w, const char **out_reason)
{
	const char *at = *line;
	char *to;

	*w = (struct words){ .text = malloc(strlen(at) + 2) };
	to = w->text;
	if (!to)
		return WEIR_ENOMEM;
	while (*(at += strspn(at, " \t\r\n")) && *at != ';' && *at != '#') {
		bool quoted = false;

		if (w->n == MAX_WORDS) {
			*out_reason = "too many words";
			return WEIR_EINVAL;
		}
		w->list[w->n++] = to;
		for (; *at && (quoted || !strchr(" \t\r\n;", *at)); at++) {
			if (*at == '"')
				quoted = !quoted;
			else
				*to++ = *at;
		}
		*to++ = '\0';
		if (quoted) {
			*out_reason = "a quotation mark is not closed";
			return WEIR_EINVAL;
		}
	}
	*line = *at == ';' ? at + 1 : at + strlen(at);
	return 0;
}

static void tell_text(struct shell *sh, const struct words *w, int status, const json_t *result)
{
	shell_print_news(sh);
	shell_print(sh, result);
	fflush(stdout);
	if (status && !sh->complained)
		complain("%s: %s", w->list[0], sh->error);
}

static void tell_json(struct shell *sh, const struct words *w, int status, json_t *result)
{
	json_t *command = json_array(), *doc;

	for (int i = 0; i < w->n; i++)
		json_array_append_new(command, json_string(w->list[i]));
	doc = json_pack("{s:i, s:o, s:i, s:s?, s:O?, s:o}", "version", 1, "command", command,
			"status", status, "error", status ? sh->error : NULL, "result", result,
			"events", shell_json_news(sh));
	json_dumpf(doc, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(doc);
}

static int run_words(struct shell *sh, const struct words *w)
{
	const struct shell_command *c = shell_command_find(w->list[0]);
	json_t *result = NULL;
	int status;

	sh->error[0] = '\0';
	sh->complained = false;
	if (sh->o.verbose && !sh->o.json) {
		printf("weir>");
		for (int i = 0; i < w->n; i++)
			printf(" %s", w->list[i]);
		putchar('\n');
	}
	if (c)
		status = c->run(sh, w->n - 1, (char **)(uintptr_t)w->list + 1, &result);
	else
		status = shell_fail(sh, EXIT_USAGE, "no such command; `help` lists them");
	if (sh->o.json)
		tell_json(sh, w, status, result);
	else
		tell_text(sh, w, status, result);
	json_decref(result);
	return status;
}

int shell_run_line(struct shell *sh, const char *line)
{
	int status = EXIT_OK;

	while (*line && !sh->quit) {
		const char *reason = "out of memory";
		struct words w;
		int err = take_words(&line, &w, &reason), one = EXIT_OK;

		if (err)
			one = complain("%s: %s", line, reason);
		else if (w.n)
			one = run_words(sh, &w);
		free(w.text);
		status = one > status ? one : status;
		if (err || (one && !sh->o.keep_going))
			break;
	}
	return status;
}
