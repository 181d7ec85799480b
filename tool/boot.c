// SPDX-License-Identifier: MIT
/* `weir boot`: run a bring-up, then say what came up and what waits, by root cause. */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "acpi/acpi.h"
#include "weir.h"

static const struct verb_help help = {
	.verb = VERB_BOOT,
	.usage = "boot BOARD.dtb [--kernel DIR] [options]",
	.what = "Runs the whole bring-up of a board and says what comes up, what waits, and for\n"
		"which root cause. Files may be compressed (gz, xz, zst). A board may also be a FIT or\n"
		"Android boot image, a deploy directory, a capture; or ACPI tables (a directory of them,\n"
		"or acpidump's text), of which IOMMUs, their drivers and requester ids are told.\n",
	.example = "weir boot imx8mq-librem5-r4.dtb --kernel /lib/modules/6.12.43 --deny lima",
	.status = "0 all that can come up did, 1 something waits, failed, or is not as\n"
		  "--require or --baseline want it, 2 bad usage or input.",
};

/* ---- the log ---- */

/* Deferred again, for the reason that it had the last time. */
static bool told_before(const struct run *r, size_t at)
{
	const struct record_event *e = &r->record.events[at], *last = NULL;

	while (at-- && !last)
		if (r->record.events[at].type == WEIR_EVENT_DEFERRED &&
		    r->record.events[at].device == e->device)
			last = &r->record.events[at];
	return last && !strcmp(last->text ? last->text : "", e->text ? e->text : "");
}

static void print_log(const struct run *r)
{
	char words[600];

	for (size_t i = 0; i < r->record.n; i++) {
		const struct record_event *e = &r->record.events[i];

		if (e->type == WEIR_EVENT_LINK_STATE || e->type == WEIR_EVENT_QUEUED)
			continue;
		if (e->type == WEIR_EVENT_DEFERRED && told_before(r, i))
			continue;
		event_words(e, words, sizeof(words));
		printf("[%5llu.%03llu] %s\n", (unsigned long long)(e->time_ns / 1000000000u),
		       (unsigned long long)(e->time_ns / 1000000u % 1000u), words);
	}
	putchar('\n');
}

/* ---- the summary: at most one screen ---- */

struct screen {
	unsigned int left; /* lines */
	int columns;
};

/* Cuts to a number of columns; terminal sequences take none. */
static void cut(char *text, int columns)
{
	bool styled = strchr(text, '\033') != NULL;
	char *at = text, *last = text;
	int used = 0;

	while (*at) {
		if (*at == '\033') {
			at += strcspn(at, "m");
			at += *at == 'm';
			continue;
		}
		if (used == columns - 3)
			last = at;
		if (++used > columns) {
			strcpy(last, styled ? "...\033[0m" : "...");
			return;
		}
		at++;
	}
}

__attribute__((format(printf, 2, 3)))
static void line(struct screen *s, const char *fmt, ...)
{
	char text[1024 + 8];
	va_list args;

	if (!s->left)
		return;
	s->left--;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text) - 8, fmt, args);
	va_end(args);
	cut(text, s->columns);
	puts(text);
}

static struct screen screen_size(void)
{
	struct screen s = { .left = 24, .columns = 100 };
	struct winsize w;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) && w.ws_row > 8 && w.ws_col > 40) {
		s.left = w.ws_row - 1u < 40 ? w.ws_row - 1u : 40;
		s.columns = w.ws_col;
	}
	return s;
}

static void head(struct screen *s, const struct run *r)
{
	const char *name = strrchr(r->board, '/');

	line(s, "%s%s%s  (%s)", style_bold(r->o), board_model(r), style_off(r->o),
	     name ? name + 1 : r->board);
	if (r->o->drivers)
		line(s, "drivers: %s (%zu built in, %zu modules); profile %s", r->o->drivers,
		     r->nr_builtin, r->nr_modules, weir_machine_policy_name(r->m));
	else if (r->assumed)
		line(s, "no kernel given: every driver is assumed to exist and to succeed; "
		     "profile %s", weir_machine_policy_name(r->m));
	else
		line(s, "kernel %s: %zu drivers built in and %zu modules fit this board; profile %s",
		     r->kernel->version ? r->kernel->version : "(unknown version)", r->nr_builtin,
		     r->nr_modules, weir_machine_policy_name(r->m));
	if (r->kernel && !r->kernel->has[WEIR_KERNEL_ALIAS])
		line(s, "note: %s has no modules.alias and no modules, so no module is known",
		     r->kernel->dir);
	if (r->kernel && !r->kernel->image)
		line(s, "note: no kernel image found, so built-in drivers are not known; --image");
	if (r->kernel && r->kernel->version && strncmp(r->kernel->version, "6.12", 4))
		line(s, "note: rules are verified against Linux 6.12; unverified for this kernel: "
		     "binding table, IOMMU timing, timeouts");
}

static void counts(struct screen *s, const struct run *r, const struct causes *c)
{
	bool well = !c->waiting && !c->failed;
	char late[60] = "";

	if (c->late)
		snprintf(late, sizeof(late), " (%zu only after the %d s timeout)", c->late,
			 r->o->linux_args.deferred_probe_timeout);
	line(s, "%s%zu devices: %zu up%s, %zu wait, %zu failed, %zu without driver, %zu need none%s",
	     well ? style_good(r->o) : style_bad(r->o), c->devices, c->bound, late, c->waiting,
	     c->failed, c->no_driver + c->not_loaded, c->plain, style_off(r->o));
}

/* Names, as many as fit. */
static void names(struct screen *s, const char *indent, struct weir_device **list, size_t n)
{
	char text[512];
	size_t used = (size_t)snprintf(text, sizeof(text), "%s", indent), i;

	for (i = 0; i < n; i++) {
		const char *name = weir_device_name(list[i]);
		size_t room = (size_t)s->columns < sizeof(text) ? (size_t)s->columns : sizeof(text);

		if (used + strlen(name) + 14 > room)
			break;
		used += (size_t)snprintf(text + used, sizeof(text) - used, " %s", name);
	}
	if (i < n)
		snprintf(text + used, sizeof(text) - used, " and %zu more", n - i);
	line(s, "%s", text);
}

/* Lines that a cause takes at most. */
#define CAUSE_LINES 5

static void print_cause(struct screen *s, const struct run *r, const struct cause *c)
{
	char what[600], fix[400], basis[200];

	cause_what(r, c, what, sizeof(what));
	cause_fix(r, c, fix, sizeof(fix));
	cause_basis(r, c, basis, sizeof(basis));
	if (c->nr_waiting)
		line(s, "%s%zu wait%s for 1:%s %s", style_bold(r->o), c->nr_waiting,
		     c->nr_waiting == 1 ? "s" : "", style_off(r->o), what);
	else
		line(s, "%s%zu came late because of 1:%s %s", style_bold(r->o), c->nr_late,
		     style_off(r->o), what);
	if (c->nr_waiting)
		names(s, "  waiting:", c->waiting, c->nr_waiting);
	if (c->nr_late)
		names(s, "  after the timeout:", c->late, c->nr_late);
	if (strlen(fix) + strlen(basis) + strlen("  fix: ; basis: ") <= (size_t)s->columns) {
		line(s, "  fix: %s; basis: %s", fix, basis);
	} else {
		line(s, "  fix: %s", fix);
		line(s, "  basis: %s", basis);
	}
}

static void rest(struct screen *s, const struct run *r, const struct causes *c)
{
	if (c->nr_untranslated) {
		line(s, "%s%zu do%s DMA without IOMMU:%s %s", style_bad(r->o), c->nr_untranslated,
		     c->nr_untranslated == 1 ? "es" : "", style_off(r->o),
		     untranslated_words(c->untranslated_err));
		names(s, "  ", c->untranslated, c->nr_untranslated);
	}
	if (c->nr_idle) {
		line(s, "%zu without driver, and nobody waits for %s:", c->nr_idle,
		     c->nr_idle == 1 ? "it" : "them");
		names(s, "  ", c->idle, c->nr_idle);
	}
	if (c->cycles)
		line(s, "%zu dependencies on cycles were relaxed (-v names them)", c->cycles);
}

/* ---- the initramfs ---- */

static void name_line(struct screen *s, const char *what, const struct name_list *l)
{
	char text[512];

	if (!l->n)
		return;
	alone_names(l, (size_t)s->columns - strlen(what), text, sizeof(text));
	line(s, "  %s:%s", what, text);
}

static void verdict_lines(struct screen *s, const struct run *r, const struct alone *a)
{
	static const char *const words[] = { "", "YES", "NO", "UNCLEAR" };
	char text[700];

	if (a->verdict == ALONE_NONE)
		return;
	alone_place_words(a, text, sizeof(text));
	line(s, "%s%s from the initramfs alone: %s%s: %s",
	     a->verdict == ALONE_YES ? style_good(r->o) : style_bad(r->o), a->places.spec,
	     words[a->verdict], style_off(r->o), text);
	for (size_t i = 0; i < a->nr_lacks && i < 12; i++) {
		alone_lack_words(&a->lacks[i], text, sizeof(text));
		line(s, "  %s", text);
	}
	if (a->nr_lacks > 12)
		line(s, "  ... and %zu more (--json)", a->nr_lacks - 12);
	if (a->nr_lacks && a->enough)
		line(s, "  with %s it comes up (tried)", a->nr_lacks == 1 ? "that" : "these");
	else if (a->verdict != ALONE_YES)
		line(s, "  no module or firmware file of this kernel would change that");
}

static void initramfs_lines(struct screen *s, const struct run *r, const struct alone *a)
{
	char text[700];
	size_t n;

	alone_head_words(r, text, sizeof(text));
	line(s, "%s", text);
	if (r->initramfs->image && r->initramfs->image->lost)
		line(s, "  %zu files in it have no directory, so the kernel drops them: %s%s",
		     r->initramfs->image->lost, r->initramfs->image->first_lost,
		     r->initramfs->image->lost > 1 ? ", ..." : "");
	line(s, "  alone it brings up %zu of %zu devices", a->up, a->devices);
	name_line(s, "module only on the root file system", &a->only_root);
	name_line(s, "wait for these", &a->held);
	for (n = 0; n < r->firmware.n && n < 4 && r->firmware.items[n].effect < FIRMWARE_MAY_FAIL; n++) {
		firmware_words(&r->firmware.items[n], text, sizeof(text));
		line(s, "  firmware: %s", text);
	}
	if (r->firmware.n > n)
		line(s, "  %zu %sdevices may want firmware that is not there (--json)",
		     r->firmware.n - n, n ? "more " : "");
	verdict_lines(s, r, a);
}

/* The first few of what is wrong with the tree itself. */
#define MAX_FINDINGS 3

static void findings(struct screen *s, const struct run *r)
{
	size_t n = r->nr_findings;

	for (size_t i = 0; i < n && i < MAX_FINDINGS; i++)
		line(s, "finding: %s", r->findings[i]);
	if (n > MAX_FINDINGS)
		line(s, "... and %zu more findings (--json)", n - MAX_FINDINGS);
}

static void summary(const struct run *r, const struct causes *c, const struct alone *a)
{
	struct screen s = screen_size();
	unsigned int tail = (c->nr_untranslated ? 2 : 0) + (c->nr_idle ? 2 : 0) +
			    (c->cycles ? 1 : 0) + 1;
	size_t i;

	tail += r->nr_findings <= MAX_FINDINGS ? (unsigned int)r->nr_findings : MAX_FINDINGS + 1;

	head(&s, r);
	counts(&s, r, c);
	if (r->initramfs)
		initramfs_lines(&s, r, a);
	for (i = 0; i < c->n && s.left >= tail + CAUSE_LINES; i++)
		print_cause(&s, r, &c->items[i]);
	if (i < c->n)
		line(&s, "... and %zu more causes (--json, weir explain)", c->n - i);
	rest(&s, r, c);
	findings(&s, r);
}

int cmd_boot(int argc, char **argv)
{
	struct alone alone = { 0 };
	struct causes c;
	struct opts o;
	struct run r;
	char what[600];
	int status = opts_parse(&o, argc, argv, &help);

	if (status || o.help)
		return status;
	if (o.nr_args != 1)
		return complain("boot: one board is needed; see weir boot --help");
	if (o.acpi)
		return acpi_boot(&o, o.args[0]);
	if (run_open(&r, &o, o.args[0], NULL, what, sizeof(what)))
		return complain("%s", what);
	if (causes_collect(&r, &c)) {
		run_close(&r);
		return complain("out of memory");
	}
	status = r.initramfs ? alone_study(r.o, o.args[0], &r.side, NULL, &alone) : 0;
	if (status)
		goto out;
	if (o.json) {
		json_t *doc = json_of_run(&r, &c);

		if (r.initramfs)
			json_object_set_new(doc, "initramfs", json_of_alone(&r, &alone));

		json_dumpf(doc, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(doc);
	} else {
		if (o.verbose)
			print_log(&r);
		summary(&r, &c, &alone);
	}
	status = o.events ? write_events(&r, &c, o.events) : 0;
	if (!status)
		status = judge(&r, &c, &alone);
out:
	alone_free(&alone);
	causes_free(&c);
	run_close(&r);
	return status;
}
