// SPDX-License-Identifier: MIT
/*
 * All options of all verbs: what --help, the man pages, the completions and the parser know
 * of them stands here alone.
 */
#include "opts.h"

/* Verbs that take an option. */
enum {
	B = 1 << VERB_BOOT, E = 1 << VERB_EXPLAIN, C = 1 << VERB_CHECK, R = 1 << VERB_REPLAY,
	S = 1 << VERB_SHELL, L = 1 << VERB_LINT, D = 1 << VERB_DIFF,
	T = 1 << VERB_TIMELINE, G = 1 << VERB_GRAPH, P = 1 << VERB_PLAN,
	V = 1 << VERB_LIVE, K = 1 << VERB_CAPTURE,
	U = 1 << VERB_GROUPS, X = 1 << VERB_RACE,
	RUNS = B | E | C | L | D | T | G, /* a board's bring-up */
};

const struct option_def option_defs[] = {
	{ "overlay", O_OVERLAY, "FILE.dtbo", RUNS | S | P | U | X, "The board and the kernel",
	  "apply an overlay first (again for more); also dtbo.img#0" },
	{ "kernel", O_KERNEL, "DIR", RUNS | S | P | V | X, NULL,
	  "/lib/modules/VERSION, a kernel package (deb, rpm, apk, tar, FIT or Android boot "
	  "image), what is unpacked from one, or a deploy directory (again for what belongs "
	  "together); without one every driver is assumed" },
	{ "image", O_IMAGE, "FILE", RUNS | S | P | V | X, NULL,
	  "the kernel image, when it lies elsewhere" },
	{ "drivers", O_DRIVERS, "FILE", RUNS | S | P | V | X, NULL,
	  "a driver list in place of a kernel (docs/drivers.md)" },
	{ "profile", O_PROFILE, "P", RUNS | R | S | X, "What happens",
	  "linux-6.12 (default) or weir|race=linux-6.12 or weir: only that one" },
	{ "set", O_SET, "KEY=VALUE", RUNS | S | P | V | X, NULL,
	  "fw_devlink=, fw_devlink.strict=, fw_devlink.sync_state=, deferred_probe_timeout=, "
	  "as for the kernel" },
	{ "cmdline", O_CMDLINE, "TEXT", RUNS | S | P | V | X, NULL,
	  "a whole kernel command line" },
	{ "scenario", O_SCENARIO, "S", RUNS | V, NULL,
	  "boot (default: modules are loaded as udev does), builtin (no module is loaded), all "
	  "(every driver is built in)" },
	{ "load", O_LOAD, "FILE", RUNS | V, NULL,
	  "a script instead: modprobe, rmmod, coldplug, wait MS, ..." },
	{ "initramfs", O_INITRAMFS, "FILE", RUNS, NULL,
	  "an initramfs or boot image (again for one behind it), or a list of its modules, a "
	  "name a line: these come first, the rest after --root-after" },
	{ "firmware", O_FIRMWARE, "DIR", RUNS, NULL,
	  "firmware files of the root file system (/lib/firmware); without it, all are there" },
	{ "root-after", O_ROOT_AFTER, "MS", RUNS, NULL,
	  "when the root file system is there (1000, virtual)" },
	{ "deny", O_DENY, "MODULE", RUNS | S | P | V | X, NULL,
	  "never load it (again for more)" },
	{ "until", O_UNTIL, "SECONDS", RUNS | V, NULL, "stop the virtual clock there" },
	{ "probe-time", O_PROBE_TIME, "MS", RUNS, NULL, "virtual time of a probe (1)" },
	{ "threads", O_THREADS, "N", RUNS | R, NULL, "probe threads, 0 to 64 (profile weir)" },
	{ "jobs", 'j', "N", C | P, NULL, "boards at the same time (number of processors)" },
	{ "root", O_ROOT, "SPEC", B | P, "What is wanted",
	  "the root device, as in root= (mmcblk0p2), or a device|boot:: does the initramfs "
	  "alone bring it up? Exit status 0 yes, 1 no|plan:, or a kind (mmc, ufs, sata, usb, "
	  "nvme, pci-sata, pci-usb, virtio, virtio-mmio, flash, nfs), KIND:DEV" },
	{ "for", O_FOR, "DEV", B | P | X, NULL, "the same for a device|race=only that device" },
	{ "add", O_ADD, NULL, X, NULL,
	  "the race of a driver with the addition of its device instead" },
	{ "limit", O_LIMIT, "N", X, NULL,
	  "orders that are tried for a device and policy (20000)" },
	{ "seed", O_SEED, "N", X, NULL,
	  "try so many by chance, from this seed, not all in turn" },
	{ "schedule", O_SCHEDULE, "S", X, NULL, "the one order that a race has printed" },
	{ "console", O_CONSOLE, NULL, P, NULL, "the device of /chosen stdout-path" },
	{ "display", O_DISPLAY, NULL, P, NULL, "panel or connectors, bridges, hosts, scan-out" },
	{ "also", O_ALSO, "MODULE", P, NULL,
	  "this module too, such as a file system's (again for more)" },
	{ "boards", O_BOARDS, "DIR", P, NULL,
	  "for every device tree below a directory, also those in boot images" },
	{ "command", 'c', "COMMANDS", S, "What is done",
	  "do these, with ; between them (again for more), then end" },
	{ "script", O_SCRIPT, "FILE", S, NULL, "do what stands there, then end" },
	{ "keep-going", 'k', NULL, S, NULL, "go on after a command that fails" },
	{ "modules", O_MODULES, "DIR", S, NULL,
	  "where modules are, or several with : between them (WEIR_MODULES, or those that came "
	  "with weir)" },
	{ "sysroot", O_SYSROOT, "DIR", V | K | U, "What is looked at",
	  "another root directory, with its sys and proc below" },
	{ "lspci", O_LSPCI, "FILE", U, NULL,
	  "configuration space of its PCI functions, as `sudo lspci -xxxx` prints it" },
	{ "private", O_PRIVATE, NULL, K, NULL,
	  "serial numbers, MAC addresses and the like too" },
	{ "verbose", 'v', NULL, B | S | P, "What is said",
	  "|boot:the whole log, then the summary|shell:each command before its answer|plan:also "
	  "what is built in" },
	{ "json", O_JSON, NULL, RUNS | R | S | P | V | K | U | X, NULL,
	  "one JSON document (docs/json.md)|shell=one JSON document a command (docs/json.md)" },
	{ "sarif", O_SARIF, NULL, L, NULL, "one SARIF 2.1.0 document" },
	{ "slower", O_SLOWER, "MS", D, NULL,
	  "tell devices that came up so much earlier or later" },
	{ "severity", O_SEVERITY, "LEVEL", L, NULL,
	  "say only what is at least that: note (default), warning, error" },
	{ "without", O_WITHOUT, "RULE", L, NULL, "leave a rule out (again for more)" },
	{ "rules", O_RULES, NULL, L, NULL, "list the rules, then end" },
	{ "ktap", O_KTAP, NULL, V, NULL,
	  "KTAP: a test for each device that should be up" },
	{ "format", O_FORMAT, "F", T | G | P, NULL,
	  "|timeline:svg (default), html, trace, json|graph:dot (default), svg, html, "
	  "json|plan:list (default), dracut, initramfs-tools, mkinitcpio, mkinitfs "
	  "(postmarketOS), android (modules.load)" },
	{ "output", 'o', "FILE", T | G | K, NULL,
	  "write there|timeline,graph:; what it ends in is the format" },
	{ "events", O_EVENTS, "FILE", B, NULL,
	  "the event log, a JSON object a line; weir replay reads it" },
	{ "log", O_LOG, "FILE", E | T | G, NULL,
	  "a console log, dmesg or devices_deferred of the board|explain:: its root causes, "
	  "and where the prediction differs|timeline,graph:: measured times, and slack before "
	  "the timeout" },
	{ "require", O_REQUIRE, "DEV", B, NULL, "exit 1 unless DEV comes up (again for more)" },
	{ "baseline", O_BASELINE, "FILE", B, NULL,
	  "exit 1 when a device is worse off than in this --json" },
	{ "color", O_COLOR, "WHEN", B | E | S | L | D | P | V | U | X, NULL,
	  "auto (default), always, never" },
	{ "help", 'h', NULL, RUNS | R | S | P | V | K | U | X, NULL, "this text" },
};

_Static_assert(sizeof(option_defs) / sizeof(option_defs[0]) <= MAX_OPTIONS, "the parser has room for all");
const size_t nr_option_defs = sizeof(option_defs) / sizeof(option_defs[0]);

const struct option_def *option_of(int key)
{
	for (size_t i = 0; i < nr_option_defs; i++)
		if (option_defs[i].key == key)
			return &option_defs[i];
	return NULL;
}
