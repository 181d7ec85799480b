// SPDX-License-Identifier: MIT
/*
 * `weir live` explains the Linux that runs, or a capture of one; `weir capture` makes that.
 * The bring-up of the same tree is run beside it, and where the two differ it is said.
 */
#include "live.h"

#include "explainlog.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct verb_help live_help = {
	.verb = VERB_LIVE,
	.usage = "live [CAPTURE] [--kernel DIR] [options]",
	.what = "Says what came up on the Linux that runs here, or on the one of a capture, what\n"
		"waits, and for what; and where that differs from what weir boot predicts for\n"
		"its device tree and kernel. As root, and with debugfs, it sees more.\n",
	.example = "weir live board.tar.gz --kernel /lib/modules/6.12.43",
	.status = "0 nothing waits, 1 something does, is worse than predicted, or an IOMMU is complained of,\n"
		  "2 bad usage or input.",
};

static const struct verb_help capture_help = {
	.verb = VERB_CAPTURE,
	.usage = "capture --output FILE.tar.gz [options]",
	.what = "Packs what weir live looks at into one file, to look at it elsewhere. Serial\n"
		"numbers, MAC addresses and the like stay out. Where there is no weir, the script\n"
		"weir-capture.sh does the same with busybox alone.\n",
	.example = "weir capture -o board.tar.gz",
	.status = "0 it was written, 2 bad usage or input.",
};

/* ---- root causes ---- */

static int by_size(const void *a, const void *b)
{
	const struct live_group *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return x->root < y->root ? -1 : x->root > y->root;
}

static int collect_groups(struct live *l)
{
	size_t *count = calloc(l->seen.n + 1, sizeof(*count));

	l->groups = calloc(l->seen.n + 1, sizeof(*l->groups));
	if (!count || !l->groups) {
		free(count);
		return WEIR_ENOMEM;
	}
	for (size_t i = 0; i < l->seen.n; i++) {
		l->bound += l->seen.devices[i].driver != NULL;
		if (!seen_waits(&l->seen, i))
			continue;
		l->waiting++;
		count[seen_root(&l->seen, i)]++;
	}
	for (size_t i = 0; i < l->seen.n; i++)
		if (count[i])
			l->groups[l->nr_groups++] = (struct live_group){ i, count[i] };
	if (l->nr_groups)
		qsort(l->groups, l->nr_groups, sizeof(*l->groups), by_size);
	free(count);
	return 0;
}

/* ---- the prediction ---- */

static enum live_match match_of(const struct live *l, size_t i)
{
	bool up = l->twins[i] && weir_device_status_get(l->twins[i]) == WEIR_DEVICE_BOUND;
	bool is = l->seen.devices[i].driver != NULL;

	if (!l->twins[i])
		return LIVE_ALONE;
	if (up == is)
		return LIVE_AGREES;
	return up ? LIVE_WORSE : LIVE_BETTER;
}

static int compare(struct live *l)
{
	l->twins = calloc(l->seen.n + 1, sizeof(*l->twins));
	l->matches = calloc(l->seen.n + 1, sizeof(*l->matches));
	if (!l->twins || !l->matches)
		return WEIR_ENOMEM;
	for (size_t i = 0; i < l->seen.n; i++) {
		const char *path = l->seen.devices[i].node;
		struct weir_fwnode *node;

		if (l->predicted && path && !weir_fwnode_find(l->run.m, path, &node))
			l->twins[i] = weir_fwnode_device(node);
		/* children that a driver makes share their parent's node */
		if (l->twins[i] && strcmp(weir_device_name(l->twins[i]), l->seen.devices[i].name))
			l->twins[i] = NULL;
		l->matches[i] = match_of(l, i);
		l->agree += l->matches[i] == LIVE_AGREES;
		l->worse += l->matches[i] == LIVE_WORSE;
		l->better += l->matches[i] == LIVE_BETTER;
	}
	return 0;
}

/* Return: 0, also when there is nothing to predict from; or an exit status after a message. */
static int predict(struct live *l, struct opts *o, const struct capture *c)
{
	static char installed[300];
	const struct capture_entry *cmdline = capture_find(c, "cmdline");
	struct stat st;
	char what[600];
	int err = capture_dtb(c, &o->tree);

	if (err == WEIR_ENOENT)
		return 0;
	if (err)
		return complain("%s: the device tree: %s", l->board, weir_strerror(err));
	if (!o->kernel && !o->drivers && l->seen.kernel) {
		snprintf(installed, sizeof(installed), "/lib/modules/%s", l->seen.kernel);
		if (!strchr(l->seen.kernel, '/') && !stat(installed, &st))
			o->kernel = installed;
	}
	if (!o->kernel && !o->drivers)
		return 0;
	if (cmdline && !o->cmdline && !o->linux_args_given) {
		o->cmdline = cmdline->data;
		weir_linux_args_parse(&o->linux_args, o->cmdline);
	}
	if (run_open(&l->run, o, l->board, NULL, what, sizeof(what)))
		return complain("%s", what);
	l->predicted = true;
	return 0;
}

/* ---- text ---- */

static void print_group(const struct live *l, const struct live_group *g)
{
	const struct seen_device *root = &l->seen.devices[g->root];
	char words[500];
	size_t told = 0;

	seen_words(&l->seen, g->root, words, sizeof(words));
	printf("%s%zu wait%s for 1:%s %s: %s\n", style_bold(l->o), g->n, g->n == 1 ? "s" : "",
	       style_off(l->o), root->name, words);
	if (root->driver)
		printf("   but who needs a node below it still waits: Linux hands such waits on when "
			 "it binds a device, and "
		       "not when\n   the driver came while the device was being added (modules loaded "
			 "in parallel, before "
		       "the fix of April 2026)\n   fix: unbind and bind its driver again, load the "
			 "driver before or after the "
		       "one that adds it, or take the fix\n   (weir race BOARD --add)\n");
	for (size_t i = 0; i < l->seen.n && told < 8; i++) {
		const struct seen_link *held = seen_held(&l->seen, i);

		if (!seen_waits(&l->seen, i) || i == g->root || seen_root(&l->seen, i) != g->root)
			continue;
		printf("%s%s", told++ ? " " : "   waiting: ", l->seen.devices[i].name);
		if (held && held->property)
			printf(" (%s: %s)", need_words(held->property), held->property);
	}
	if (told)
		printf("%s\n", told + 1 < g->n ? " ..." : "");
}

static size_t nr_iommu_groups(const struct seen *s, size_t *out_devices)
{
	int last = -1;
	size_t n = 0;

	*out_devices = 0;
	for (size_t i = 0; i < s->n; i++) {
		*out_devices += s->devices[i].group >= 0;
		if (s->devices[i].group > last)
			last = s->devices[i].group;
	}
	for (int g = 0; g <= last; g++) {
		size_t i = 0;

		while (i < s->n && s->devices[i].group != g)
			i++;
		n += i < s->n;
	}
	return n;
}

static void print_differences(const struct live *l)
{
	static const char *const words[] = {
		[LIVE_WORSE] = "predicted up, and is not",
		[LIVE_BETTER] = "is up, and was not predicted so",
	};
	char is[500], was[500];

	printf("prediction: %zu devices as predicted, %zu worse, %zu better\n", l->agree, l->worse,
	       l->better);
	for (size_t i = 0; i < l->seen.n; i++) {
		struct weir_why why;

		if (l->matches[i] != LIVE_WORSE && l->matches[i] != LIVE_BETTER)
			continue;
		seen_words(&l->seen, i, is, sizeof(is));
		weir_device_verdict(l->twins[i], &why);
		why_words(&why, was, sizeof(was));
		printf("  %s (%s): %s\n    seen: %s\n    predicted: %s\n", l->seen.devices[i].name,
		       l->seen.devices[i].node, words[l->matches[i]], is, was);
	}
}

static void print_all(const struct live *l)
{
	size_t behind, groups = nr_iommu_groups(&l->seen, &behind);

	printf("%s%s%s, Linux %s\n", style_bold(l->o), l->board, style_off(l->o),
	       l->seen.kernel ? l->seen.kernel : "(unknown version)");
	printf("%s%zu devices: %zu have a driver, %zu wait%s\n",
	       l->waiting ? style_bad(l->o) : style_good(l->o), l->seen.n, l->bound, l->waiting,
	       style_off(l->o));
	if (!l->deferred_known)
		printf("note: /sys/kernel/debug/devices_deferred could not be read (root, and "
		       "debugfs mounted): who waits is known by links alone\n");
	for (size_t i = 0; i < l->nr_groups; i++)
		print_group(l, &l->groups[i]);
	printf("%zu devices in %zu IOMMU groups%s\n", behind, groups, groups ? " (weir groups: why)" : "");
	if (l->log)
		log_iommus_print(l->predicted ? &l->run : NULL, l->log);
	if (l->predicted)
		print_differences(l);
	else
		printf("no prediction: %s\n", l->o->tree.data ? "give --kernel" : l->acpi ?
		       "this machine has ACPI, whose namespace is not interpreted (weir groups, weir boot CAPTURE)" :
		       "there is no device tree");
}

/* ---- the verbs ---- */

static int look(struct live *l, struct opts *o, const struct capture *c)
{
	const struct capture_entry *log = capture_find(c, "log");
	int status, err = seen_open(&l->seen, c);

	if (err)
		return complain("%s: %s", l->board, weir_strerror(err));
	l->deferred_known = capture_find(c, "deferred") != NULL;
	status = predict(l, o, c);
	if (status)
		return status;
	if (live_iommus(l) || collect_groups(l) || compare(l))
		return complain("out of memory");
	if (log && weir_bootlog_read(log->data, log->bytes, &l->log))
		return complain("out of memory");
	if (o->ktap)
		return live_ktap(l) ? EXIT_FINDING : EXIT_OK;
	if (o->json) {
		json_t *doc = live_json(l);

		json_dumpf(doc, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(doc);
	} else {
		print_all(l);
	}
	return l->waiting || l->worse || (l->log && l->log->note_count) ? EXIT_FINDING : EXIT_OK;
}

static void forget(struct live *l)
{
	live_iommus_free(l);
	weir_bootlog_destroy(l->log);
	if (l->predicted)
		run_close(&l->run);
	free(l->twins);
	free(l->matches);
	free(l->groups);
	seen_close(&l->seen);
}

int cmd_live(int argc, char **argv)
{
	struct capture c;
	struct live l = { 0 };
	struct opts o;
	int status = opts_parse(&o, argc, argv, &live_help);

	if (status || o.help)
		return status;
	if (o.nr_args > 1 || (o.nr_args && o.sysroot))
		return complain("live: one capture at most; see weir live --help");
	l.o = &o;
	l.board = (char *)(uintptr_t)(o.nr_args ? o.args[0] : o.sysroot ? o.sysroot : "this machine");
	status = o.nr_args ? capture_read(&c, o.args[0])
			   : capture_collect(&c, o.sysroot ? o.sysroot : "", false);
	if (status)
		return status;
	status = look(&l, &o, &c);
	forget(&l);
	weir_bytes_fini(&o.tree);
	capture_free(&c);
	return status;
}

/* What the kernel complains of, so that nobody has to look first. */
static void tell_complaints(const struct capture *c, const char *path)
{
	const struct capture_entry *e = capture_find(c, "log");
	struct weir_bootlog *log = NULL;

	if (!e || weir_bootlog_read(e->data, e->bytes, &log))
		return;
	if (log->note_count)
		fprintf(stderr, "weir: note: the kernel complains of IOMMUs (%zu times): weir live %s explains it\n",
			log->note_count, path);
	weir_bootlog_destroy(log);
}

static void print_pieces(const struct capture *c, const struct opts *o)
{
	json_t *pieces = json_array(), *doc;

	for (size_t i = 0; i < c->n; i++)
		json_array_append_new(pieces, json_pack("{s:s, s:I}", "name", c->entries[i].name,
							"bytes", (json_int_t)c->entries[i].bytes));
	doc = json_pack("{s:i, s:s, s:b, s:b, s:o}", "version", 1, "file", o->output, "private",
			(int)o->keep_private, "deferred", capture_find(c, "deferred") != NULL,
			"pieces", pieces);
	json_dumpf(doc, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(doc);
}

int cmd_capture(int argc, char **argv)
{
	struct capture c;
	struct opts o;
	int status = opts_parse(&o, argc, argv, &capture_help);

	if (status || o.help)
		return status;
	if (o.nr_args || !o.output)
		return complain("capture: --output FILE.tar.gz is needed, and nothing else");
	status = capture_collect(&c, o.sysroot ? o.sysroot : "", o.keep_private);
	if (status)
		return status;
	status = capture_write(&c, o.output);
	if (!status && !capture_find(&c, "deferred"))
		fprintf(stderr, "weir: note: /sys/kernel/debug/devices_deferred could not be read: "
				"run it as root, with debugfs mounted\n");
	if (!status)
		tell_complaints(&c, o.output);
	if (!status && o.json)
		print_pieces(&c, &o);
	capture_free(&c);
	return status;
}
