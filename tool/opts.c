// SPDX-License-Identifier: MIT
/*
 * Options, the same for all verbs. Values are borrowed from the command line.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "opts.h"

int complain(const char *fmt, ...)
{
	char line[2048];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	text_clean(line, strlen(line), "");
	fprintf(stderr, "weir: %s\n", line);
	return EXIT_USAGE;
}

int complain_in(char *out_what, size_t bytes, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(out_what, bytes, fmt, args);
	va_end(args);
	return EXIT_USAGE;
}

static int number(const char *what, const char *text, double max, double *out)
{
	char *end;
	double v;

	errno = 0;
	v = strtod(text, &end);
	if (errno || end == text || *end || !(v >= 0) || v > max)
		return complain("--%s %s: a number from 0 to %g is needed", what, text, max);
	*out = v;
	return 0;
}

static int count(const char *what, const char *text, double max, unsigned int *out)
{
	double v = 0;
	int bad = number(what, text, max, &v);

	if (!bad && v != (unsigned int)v)
		bad = complain("--%s %s: a whole number is needed", what, text);
	if (!bad)
		*out = (unsigned int)v;
	return bad;
}

static int append(struct list *l, const char *what, const char *item)
{
	if (l->n == MAX_LIST)
		return complain("--%s: more than %d of them", what, MAX_LIST);
	l->item[l->n++] = item;
	return 0;
}

/* Behind OPTS_NEXT_SIDE the first one begins anew: another kernel, not a part of the same. */
static int once_or_more(struct opts *o, unsigned int anew, const char **first, struct list *more,
			const char *what, const char *item)
{
	if (o->anew & anew) {
		o->anew &= ~anew;
		*first = NULL;
		more->n = 0;
	}
	if (*first)
		return append(more, what, item);
	*first = item;
	return 0;
}

/* On the second side a kernel takes the place of a list of drivers, and the other way round. */
static int take_kernel(struct opts *o, int opt, const char *value)
{
	bool anew = o->anew & ANEW_KERNEL;

	if (anew && opt != O_IMAGE) {
		o->drivers = NULL;
		o->image = o->anew & ANEW_IMAGE ? NULL : o->image;
	}
	if (opt == O_KERNEL)
		return once_or_more(o, ANEW_KERNEL, &o->kernel, &o->more_kernels, "kernel", value);
	if (opt == O_IMAGE) {
		o->image = value;
		o->anew &= ~(unsigned int)ANEW_IMAGE;
		return 0;
	}
	if (anew) {
		o->kernel = NULL;
		o->more_kernels.n = 0;
	}
	o->drivers = value;
	return 0;
}

/*
 * The kernel's own switches, and the values that it takes: it passes over others
 * without a word, which is of no use here.
 */
static int set(struct opts *o, const char *pair)
{
	static const struct {
		const char *key, *values; /* between blanks; "" for a number */
	} known[] = {
		{ "fw_devlink=", " off permissive on rpm " },
		{ "fw_devlink.strict=", " 0 1 y n yes no on off true false " },
		{ "fw_devlink.sync_state=", " strict timeout " },
		{ "deferred_probe_timeout=", "" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const char *value = pair + strlen(known[i].key);
		char word[32];

		if (strncmp(pair, known[i].key, strlen(known[i].key)))
			continue;
		snprintf(word, sizeof(word), " %s ", strchr(value, ' ') ? "?" : value);
		if (*known[i].values ? !strstr(known[i].values, word)
				     : !*value || strspn(value, "-0123456789") != strlen(value))
			return complain("--set %s: not a value of it:%s", pair,
					*known[i].values ? known[i].values : " a number of seconds");
		weir_linux_args_parse(&o->linux_args, pair);
		o->linux_args_given = true;
		return 0;
	}
	return complain("--set %s: not one of fw_devlink=, fw_devlink.strict=, "
			"fw_devlink.sync_state=, deferred_probe_timeout=", pair);
}

static int profile(struct opts *o, const char *name)
{
	if (!strcmp(name, "weir"))
		o->profile = PROFILE_WEIR;
	else if (!strcmp(name, "linux-6.12"))
		o->profile = PROFILE_LINUX;
	else
		return complain("--profile %s: not one of linux-6.12, weir", name);
	return 0;
}

static int scenario(struct opts *o, const char *name)
{
	if (strcmp(name, "boot") && strcmp(name, "builtin") && strcmp(name, "all"))
		return complain("--scenario %s: not one of boot (modules are loaded as udev does), "
				"builtin (no module is loaded), all (every driver is built in)",
				name);
	o->scenario = name;
	return 0;
}

static int severity(struct opts *o, const char *level)
{
	static const char *const levels[] = { "note", "warning", "error" };

	for (int i = 0; i < 3; i++) {
		if (strcmp(level, levels[i]))
			continue;
		o->severity = i;
		return 0;
	}
	return complain("--severity %s: not one of note, warning, error", level);
}

static int color(struct opts *o, const char *when)
{
	if (!strcmp(when, "always"))
		o->color = true;
	else if (!strcmp(when, "never"))
		o->color = false;
	else if (strcmp(when, "auto"))
		return complain("--color %s: not one of auto, always, never", when);
	return 0;
}

static int take_race(struct opts *o, int opt, const char *value)
{
	double v = 0;
	int bad = 0;

	switch (opt) {
	case O_SCHEDULE: o->schedule = value; break;
	case O_SEED:
		bad = number("seed", value, 1e15, &v);
		o->seed = (uint64_t)v;
		break;
	case O_LIMIT:
		bad = number("limit", value, 1e12, &v);
		o->limit = (uint64_t)v;
		break;
	default: return EXIT_USAGE;
	}
	return bad;
}

static int take_plan(struct opts *o, int opt, const char *value)
{
	switch (opt) {
	case O_ADD: o->add = true; break;
	case O_CONSOLE: o->console = true; break;
	case O_DISPLAY: o->display = true; break;
	case O_ALSO: return append(&o->also, "also", value);
	case O_BOARDS: o->boards_dir = value; break;
	default: return take_race(o, opt, value);
	}
	return 0;
}

static int take_shell(struct opts *o, int opt, const char *value)
{
	switch (opt) {
	case O_SCRIPT: o->script = value; break;
	case O_MODULES: o->modules = value; break;
	case O_LSPCI: o->lspci = value; break;
	case 'c': return append(&o->commands, "command", value);
	case 'k': o->keep_going = true; break;
	default: return take_plan(o, opt, value);
	}
	return 0;
}

static int take(struct opts *o, int opt, const char *value)
{
	double v = 0;
	int bad = 0;

	switch (opt) {
	case O_KERNEL:
	case O_IMAGE:
	case O_DRIVERS: return take_kernel(o, opt, value);
	case O_OVERLAY: return append(&o->overlays, "overlay", value);
	case O_SET: return set(o, value);
	case O_CMDLINE:
		o->cmdline = value;
		weir_linux_args_parse(&o->linux_args, value);
		break;
	case O_PROFILE:
		o->profile_given = true;
		return profile(o, value);
	case O_SCENARIO: return scenario(o, value);
	case O_LOAD: return append(&o->load, "load", value);
	case O_INITRAMFS:
		return once_or_more(o, ANEW_INITRAMFS, &o->initramfs, &o->more_initramfs, "initramfs",
				    value);
	case O_FIRMWARE: o->firmware = value; break;
	case O_LOG: o->log = value; break;
	case O_ROOT: o->root = value; break;
	case O_FOR: o->target = value; break;
	case O_ROOT_AFTER:
		bad = number("root-after", value, 1e9, &v);
		o->root_ms = (uint64_t)v;
		break;
	case O_DENY: return append(&o->deny, "deny", value);
	case O_UNTIL: return number("until", value, 1e9, &o->until_s);
	case O_PROBE_TIME:
		bad = number("probe-time", value, 1e6, &v);
		o->probe_ns = (uint64_t)(v * 1e6);
		break;
	case O_JSON: o->json = true; break;
	case O_EVENTS: o->events = value; break;
	case O_THREADS: return count("threads", value, 64, &o->threads);
	case 'j': return count("jobs", value, 1024, &o->jobs);
	case O_REQUIRE: return append(&o->require, "require", value);
	case O_BASELINE: o->baseline = value; break;
	case O_COLOR: return color(o, value);
	case O_WITHOUT: return append(&o->without, "without", value);
	case O_SEVERITY: return severity(o, value);
	case O_SLOWER:
		bad = number("slower", value, 1e9, &v);
		o->slower_ns = (uint64_t)(v * 1e6);
		break;
	case O_SYSROOT: o->sysroot = value; break;
	case O_KTAP: o->ktap = true; break;
	case O_PRIVATE: o->keep_private = true; break;
	case O_FORMAT: o->format = value; break;
	case 'o': o->output = value; break;
	case O_SARIF: o->sarif = true; break;
	case O_RULES: o->rules = true; break;
	case 'v': o->verbose = true; break;
	case 'h': o->help = true; break;
	default: return take_shell(o, opt, value);
	}
	return bad;
}

/* ---- parsing ---- */

/* getopt's own messages name the verb as if it were the program. */
static int refuse(int opt, char **argv, const struct verb_help *help)
{
	const struct option_def *def = option_of(optopt), *best = NULL;
	const char *word = argv[optind - 1]; /* behind it getopt stands */
	unsigned int least = 3;

	if (opt == ':')
		return complain("--%s needs a value", def ? def->name : "?");
	if (def && !strncmp(word, "--", 2))
		return complain("--%s takes no value", def->name);
	if (optopt && !def)
		return complain("unknown option -%c; see weir %s --help", optopt, argv[0]);
	for (size_t i = 0; i < nr_option_defs; i++) {
		unsigned int d = name_distance(word + 2, option_defs[i].name);

		if (!(option_defs[i].verbs & 1u << help->verb) || d >= least)
			continue;
		best = &option_defs[i];
		least = d;
	}
	if (best)
		return complain("unknown option %s; did you mean --%s?", word, best->name);
	return complain("unknown option %s; see weir %s --help", word, argv[0]);
}

int opts_parse(struct opts *o, int argc, char **argv, const struct verb_help *help)
{
	const char *no_color = getenv("NO_COLOR");
	struct option longs[MAX_OPTIONS + 2] = { { 0 } };
	int opt, bad;

	*o = (struct opts){
		.until_s = -1, .probe_ns = 1000000, .root_ms = 1000, .scenario = "boot",
		.color = isatty(STDOUT_FILENO) && !(no_color && *no_color),
	};
	weir_linux_args_init(&o->linux_args);
	for (size_t i = 0; i < nr_option_defs; i++)
		longs[i] = (struct option){
			option_defs[i].name, option_defs[i].value ? required_argument : no_argument, NULL,
			option_defs[i].key,
		};
	longs[nr_option_defs] = (struct option){ OPTS_NEXT_SIDE + 2, no_argument, NULL, O_NEXT_SIDE };
	opterr = 0;
	optind = 1; /* a verb may parse twice */
	while ((opt = getopt_long(argc, argv, ":vhj:c:ko:", longs, NULL)) != -1) {
		if (opt == '?' || opt == ':')
			return refuse(opt, argv, help);
		if (opt == O_NEXT_SIDE) {
			o->anew = ANEW_KERNEL | ANEW_IMAGE | ANEW_INITRAMFS;
			continue;
		}
		if (!(option_of(opt)->verbs & 1u << help->verb))
			return complain("--%s is no option of weir %s", option_of(opt)->name,
					argv[0]);
		bad = take(o, opt, optarg);
		if (bad)
			return bad;
	}
	if (o->help) {
		opts_help_print(help);
		return 0;
	}
	o->boards = argv + optind; /* getopt has put them behind the options */
	o->nr_args = argc - optind;
	if (o->nr_args > 2 && !help->any_args)
		return complain("unexpected argument '%s'", o->boards[2]);
	for (int i = 0; i < 2 && i < o->nr_args; i++)
		o->args[i] = o->boards[i];
	if (help->verb != VERB_SHELL && inputs_resolve(o, help->verb))
		return EXIT_USAGE;
	if (o->kernel && o->drivers)
		return complain("--kernel and --drivers exclude each other");
	if (o->drivers && !strcmp(o->scenario, "all"))
		return complain("--scenario all needs no list of drivers: it assumes them");
	if (o->root && o->target)
		return complain("--root and --for exclude each other");
	if ((o->root || o->target || o->firmware) && !o->initramfs && help->verb != VERB_PLAN &&
	    help->verb != VERB_RACE)
		return complain("--%s needs --initramfs", o->root ? "root" : o->target ? "for" : "firmware");
	if (o->image && !o->kernel)
		return complain("--image needs --kernel: the modules that belong to it");
	return 0;
}
