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

#include "weir.h"

int complain(const char *fmt, ...)
{
	va_list args;

	fputs("weir: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

enum {
	O_KERNEL = 256, O_IMAGE, O_DRIVERS, O_OVERLAY, O_SET, O_CMDLINE, O_PROFILE, O_SCENARIO,
	O_LOAD, O_INITRAMFS, O_ROOT_AFTER, O_DENY, O_UNTIL, O_PROBE_TIME, O_JSON, O_EVENTS,
	O_THREADS, O_REQUIRE, O_BASELINE, O_COLOR,
};

static const struct option options[] = {
	{ "kernel", required_argument, NULL, O_KERNEL },
	{ "image", required_argument, NULL, O_IMAGE },
	{ "drivers", required_argument, NULL, O_DRIVERS },
	{ "overlay", required_argument, NULL, O_OVERLAY },
	{ "set", required_argument, NULL, O_SET },
	{ "cmdline", required_argument, NULL, O_CMDLINE },
	{ "profile", required_argument, NULL, O_PROFILE },
	{ "scenario", required_argument, NULL, O_SCENARIO },
	{ "load", required_argument, NULL, O_LOAD },
	{ "initramfs", required_argument, NULL, O_INITRAMFS },
	{ "root-after", required_argument, NULL, O_ROOT_AFTER },
	{ "deny", required_argument, NULL, O_DENY },
	{ "until", required_argument, NULL, O_UNTIL },
	{ "probe-time", required_argument, NULL, O_PROBE_TIME },
	{ "json", no_argument, NULL, O_JSON },
	{ "events", required_argument, NULL, O_EVENTS },
	{ "threads", required_argument, NULL, O_THREADS },
	{ "jobs", required_argument, NULL, 'j' },
	{ "require", required_argument, NULL, O_REQUIRE },
	{ "baseline", required_argument, NULL, O_BASELINE },
	{ "color", required_argument, NULL, O_COLOR },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

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

static int append(struct list *l, const char *what, const char *item)
{
	if (l->n == MAX_LIST)
		return complain("--%s: more than %d of them", what, MAX_LIST);
	l->item[l->n++] = item;
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
		snprintf(word, sizeof(word), " %s ", value);
		if (*known[i].values ? !strstr(known[i].values, word)
				     : !*value || strspn(value, "-0123456789") != strlen(value))
			return complain("--set %s: not a value of it:%s", pair,
					*known[i].values ? known[i].values : " a number of seconds");
		weir_linux_args_parse(&o->linux_args, pair);
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

static int take(struct opts *o, int opt, const char *value)
{
	double v = 0;
	int bad = 0;

	switch (opt) {
	case O_KERNEL: o->kernel = value; break;
	case O_IMAGE: o->image = value; break;
	case O_DRIVERS: o->drivers = value; break;
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
	case O_INITRAMFS: o->initramfs = value; break;
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
	case O_THREADS:
		bad = number("threads", value, 64, &v);
		o->threads = (unsigned int)v;
		break;
	case 'j':
		bad = number("jobs", value, 1024, &v);
		o->jobs = (unsigned int)v;
		break;
	case O_REQUIRE: return append(&o->require, "require", value);
	case O_BASELINE: o->baseline = value; break;
	case O_COLOR: return color(o, value);
	case 'v': o->verbose = true; break;
	case 'h': o->help = true; break;
	default: return EXIT_USAGE;
	}
	return bad;
}

int opts_parse(struct opts *o, int argc, char **argv, const char *usage_text)
{
	const char *no_color = getenv("NO_COLOR");
	int opt, bad;

	*o = (struct opts){
		.until_s = -1, .probe_ns = 1000000, .root_ms = 1000, .scenario = "boot",
		.color = isatty(STDOUT_FILENO) && !(no_color && *no_color),
	};
	weir_linux_args_init(&o->linux_args);
	while ((opt = getopt_long(argc, argv, "vhj:", options, NULL)) != -1) {
		bad = take(o, opt, optarg);
		if (bad)
			return bad;
	}
	if (o->help) {
		fputs(usage_text, stdout);
		return 0;
	}
	for (; optind < argc; optind++) {
		if (o->nr_args == 2)
			return complain("unexpected argument '%s'", argv[optind]);
		o->args[o->nr_args++] = argv[optind];
	}
	if (o->kernel && o->drivers)
		return complain("--kernel and --drivers exclude each other");
	return 0;
}
