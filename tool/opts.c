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
	char line[2048];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	text_clean(line, strlen(line), "");
	fprintf(stderr, "weir: %s\n", line);
	return EXIT_USAGE;
}

enum {
	O_KERNEL = 256, O_IMAGE, O_DRIVERS, O_OVERLAY, O_SET, O_CMDLINE, O_PROFILE, O_SCENARIO,
	O_LOAD, O_INITRAMFS, O_ROOT_AFTER, O_DENY, O_UNTIL, O_PROBE_TIME, O_JSON, O_EVENTS,
	O_THREADS, O_FIRMWARE, O_LOG, O_ROOT, O_FOR, O_REQUIRE, O_BASELINE, O_COLOR, O_SCRIPT, O_MODULES,
	O_WITHOUT, O_SEVERITY, O_SARIF, O_RULES, O_SLOWER, O_FORMAT,
	O_SYSROOT, O_KTAP, O_PRIVATE, O_CONSOLE, O_DISPLAY, O_ALSO, O_BOARDS, O_SCHEDULE, O_SEED,
	O_LIMIT, O_NEXT_SIDE,
};

/* Verbs that take an option. */
enum {
	B = 1 << VERB_BOOT, E = 1 << VERB_EXPLAIN, C = 1 << VERB_CHECK, R = 1 << VERB_REPLAY,
	S = 1 << VERB_SHELL, L = 1 << VERB_LINT, D = 1 << VERB_DIFF,
	T = 1 << VERB_TIMELINE, G = 1 << VERB_GRAPH, P = 1 << VERB_PLAN,
	V = 1 << VERB_LIVE, K = 1 << VERB_CAPTURE,
	U = 1 << VERB_GROUPS, X = 1 << VERB_RACE,
	RUNS = B | E | C | L | D | T | G, /* a board's bring-up */
};

static const struct option_def {
	const char *name;
	int key;
	const char *value;         /* NULL: it takes none */
	unsigned int verbs;
	const char *heading;       /* it stands below; NULL: below that of the one before */
	const char *help;          /* lines, each at most 51 wide */
} defs[] = {
	{ "overlay", O_OVERLAY, "FILE.dtbo", RUNS | S | P | U | X, "The board and the kernel",
	  "apply an overlay first (again for more); also dtbo.img#0" },
	{ "kernel", O_KERNEL, "DIR", RUNS | S | P | V | X, NULL,
	  "/lib/modules/VERSION, a kernel package (deb, rpm, apk,\n"
	  "tar, FIT or Android boot image), what is unpacked from\n"
	  "one, or a deploy directory (again for what belongs\n"
	  "together); without one every driver is assumed" },
	{ "image", O_IMAGE, "FILE", RUNS | S | P | V | X, NULL, "the kernel image, when it lies elsewhere" },
	{ "drivers", O_DRIVERS, "FILE", RUNS | S | P | V | X, NULL,
	  "a driver list in place of a kernel (docs/drivers.md)" },
	{ "profile", O_PROFILE, "P", RUNS | R | S | X, "What happens",
	  "linux-6.12 (default) or weir; race: only that" },
	{ "set", O_SET, "KEY=VALUE", RUNS | S | P | V | X, NULL,
	  "fw_devlink=, fw_devlink.strict=, fw_devlink.sync_state=,\n"
	  "deferred_probe_timeout=, as for the kernel" },
	{ "cmdline", O_CMDLINE, "TEXT", RUNS | S | P | V | X, NULL, "a whole kernel command line" },
	{ "scenario", O_SCENARIO, "S", RUNS | V, NULL,
	  "boot (default: modules are loaded as udev does), builtin\n"
	  "(no module is loaded), all (every driver is built in)" },
	{ "load", O_LOAD, "FILE", RUNS | V, NULL,
	  "a script instead: modprobe, rmmod, coldplug, wait MS, ..." },
	{ "initramfs", O_INITRAMFS, "FILE", RUNS, NULL,
	  "an initramfs or boot image (again for one behind it), or\n"
	  "a list of its modules, a name a line: these come first,\n"
	  "the rest after --root-after" },
	{ "firmware", O_FIRMWARE, "DIR", RUNS, NULL,
	  "firmware files of the root file system (/lib/firmware);\nwithout it, all are there" },
	{ "root-after", O_ROOT_AFTER, "MS", RUNS, NULL,
	  "when the root file system is there (1000, virtual)" },
	{ "deny", O_DENY, "MODULE", RUNS | S | P | V | X, NULL, "never load it (again for more)" },
	{ "until", O_UNTIL, "SECONDS", RUNS | V, NULL, "stop the virtual clock there" },
	{ "probe-time", O_PROBE_TIME, "MS", RUNS, NULL, "virtual time of a probe (1)" },
	{ "threads", O_THREADS, "N", RUNS | R, NULL, "probe threads, 0 to 64 (profile weir)" },
	{ "jobs", 'j', "N", C | P, NULL, "boards at the same time (number of processors)" },
	{ "root", O_ROOT, "SPEC", B | P, "What is wanted",
	  "the root device, as in root= (mmcblk0p2), or a device;\n"
	  "boot: does the initramfs alone bring it up? 0 yes, 1 no;\n"
	  "plan: also a kind (mmc, ufs, sata, usb, nvme, pci-sata,\n"
	  "pci-usb, virtio, virtio-mmio, flash, nfs), KIND:DEV" },
	{ "for", O_FOR, "DEV", B | P | X, NULL, "the same for a device; race: only that device" },
	{ "limit", O_LIMIT, "N", X, NULL, "orders that are tried for a device and policy (20000)" },
	{ "seed", O_SEED, "N", X, NULL, "try so many by chance, from this seed, not all in turn" },
	{ "schedule", O_SCHEDULE, "S", X, NULL, "the one order that a race has printed" },
	{ "console", O_CONSOLE, NULL, P, NULL, "the device of /chosen stdout-path" },
	{ "display", O_DISPLAY, NULL, P, NULL, "panel or connectors, bridges, hosts, scan-out" },
	{ "also", O_ALSO, "MODULE", P, NULL,
	  "this module too, such as a file system's (again for\nmore)" },
	{ "boards", O_BOARDS, "DIR", P, NULL, "for every device tree below a directory, also\nthose in boot images" },
	{ "command", 'c', "COMMANDS", S, "What is done",
	  "do these, with ; between them (again for more), then end" },
	{ "script", O_SCRIPT, "FILE", S, NULL, "do what stands there, then end" },
	{ "keep-going", 'k', NULL, S, NULL, "go on after a command that fails" },
	{ "modules", O_MODULES, "DIR", S, NULL,
	  "where modules are, or several with : between them\n"
	  "(WEIR_MODULES, or those that came with weir)" },
	{ "verbose", 'v', NULL, B | S | P, "What is said",
	  "boot: the whole log, then the summary;\nshell: each command before its answer;\nplan: also what is built in" },
	{ "json", O_JSON, NULL, RUNS | S | P | V | U | X, NULL,
	  "one JSON document; shell: one a command (docs/json.md)" },
	{ "sarif", O_SARIF, NULL, L, NULL, "one SARIF 2.1.0 document" },
	{ "slower", O_SLOWER, "MS", D, NULL, "tell devices that came up so much earlier or later" },
	{ "severity", O_SEVERITY, "LEVEL", L, NULL,
	  "say only what is at least that: note (default), warning,\nerror" },
	{ "without", O_WITHOUT, "RULE", L, NULL, "leave a rule out (again for more)" },
	{ "rules", O_RULES, NULL, L, NULL, "list the rules, then end" },
	{ "sysroot", O_SYSROOT, "DIR", V | K | U, "What is looked at",
	  "another root directory, with its sys and proc below" },
	{ "private", O_PRIVATE, NULL, K, NULL,
	  "serial numbers, MAC addresses and the like too" },
	{ "ktap", O_KTAP, NULL, V, "What is said",
	  "KTAP: a test for each device that should be up" },
	{ "format", O_FORMAT, "F", T | G | P, NULL,
	  "timeline: svg (default), html, trace, json;\ngraph: dot (default), svg, html, json;\n"
	  "plan: list, dracut, initramfs-tools, mkinitcpio,\n"
	  "mkinitfs (postmarketOS), android (modules.load)" },
	{ "output", 'o', "FILE", T | G | K, NULL, "write there; what it ends in is the format" },
	{ "events", O_EVENTS, "FILE", B, NULL,
	  "the event log, a JSON object a line; weir replay reads it" },
	{ "log", O_LOG, "FILE", E | T | G, NULL,
	  "a console log, dmesg or devices_deferred of the board;\n"
	  "explain: its root causes, and where the prediction\n"
	  "differs; others: measured times, and slack" },
	{ "require", O_REQUIRE, "DEV", B, NULL, "exit 1 unless DEV comes up (again for more)" },
	{ "baseline", O_BASELINE, "FILE", B, NULL,
	  "exit 1 when a device is worse off than in this --json" },
	{ "color", O_COLOR, "WHEN", B | E | S | L | D | P | V | U | X, NULL, "auto (default), always, never" },
	{ "help", 'h', NULL, RUNS | R | S | P | V | K | U | X, NULL, "this text" },
};

#define N_DEFS (sizeof(defs) / sizeof(defs[0]))

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

/* ---- help ---- */

static void print_option(const struct option_def *def)
{
	char left[40] = "";
	const char *line = def->help;

	if (def->key < O_KERNEL)
		snprintf(left, sizeof(left), "-%c, ", def->key);
	snprintf(left + strlen(left), sizeof(left) - strlen(left), "--%s%s%s", def->name,
		 def->value ? " " : "", def->value ? def->value : "");
	for (int row = 0; line; row++) {
		const char *end = strchr(line, '\n');

		printf("  %-23s  %.*s\n", row ? "" : left, end ? (int)(end - line) : 80, line);
		line = end ? end + 1 : NULL;
	}
}

static void print_help(const struct verb_help *help)
{
	const char *heading = NULL;

	printf("usage: weir %s\n\n%s", help->usage, help->what);
	for (size_t i = 0; i < N_DEFS; i++) {
		heading = defs[i].heading ? defs[i].heading : heading;
		if (!(defs[i].verbs & 1u << help->verb))
			continue;
		if (heading)
			printf("\n%s\n", heading);
		heading = NULL;
		print_option(&defs[i]);
	}
	printf("\nexample: %s\n\nExit status: %s\n", help->example, help->status);
}

/* ---- parsing ---- */

static const struct option_def *def_of(int key)
{
	for (size_t i = 0; i < N_DEFS; i++)
		if (defs[i].key == key)
			return &defs[i];
	return NULL;
}

/* getopt's own messages name the verb as if it were the program. */
static int refuse(int opt, char **argv, int at)
{
	const struct option_def *def = def_of(optopt);

	if (opt == ':')
		return complain("--%s needs a value", def ? def->name : "?");
	if (def && !strncmp(argv[at], "--", 2))
		return complain("--%s takes no value", def->name);
	if (optopt && !def)
		return complain("unknown option -%c; see weir %s --help", optopt, argv[0]);
	return complain("unknown option %s; see weir %s --help", argv[at], argv[0]);
}

int opts_parse(struct opts *o, int argc, char **argv, const struct verb_help *help)
{
	const char *no_color = getenv("NO_COLOR");
	struct option longs[N_DEFS + 2] = { { 0 } };
	int opt, bad, at;

	*o = (struct opts){
		.until_s = -1, .probe_ns = 1000000, .root_ms = 1000, .scenario = "boot",
		.color = isatty(STDOUT_FILENO) && !(no_color && *no_color),
	};
	weir_linux_args_init(&o->linux_args);
	for (size_t i = 0; i < N_DEFS; i++)
		longs[i] = (struct option){
			defs[i].name, defs[i].value ? required_argument : no_argument, NULL,
			defs[i].key,
		};
	longs[N_DEFS] = (struct option){ OPTS_NEXT_SIDE + 2, no_argument, NULL, O_NEXT_SIDE };
	opterr = 0;
	optind = 1; /* a verb may parse twice */
	while (at = optind, (opt = getopt_long(argc, argv, ":vhj:c:ko:", longs, NULL)) != -1) {
		if (opt == '?' || opt == ':')
			return refuse(opt, argv, at);
		if (opt == O_NEXT_SIDE) {
			o->anew = ANEW_KERNEL | ANEW_IMAGE | ANEW_INITRAMFS;
			continue;
		}
		if (!(def_of(opt)->verbs & 1u << help->verb))
			return complain("--%s is no option of weir %s", def_of(opt)->name,
					argv[0]);
		bad = take(o, opt, optarg);
		if (bad)
			return bad;
	}
	if (o->help) {
		print_help(help);
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
