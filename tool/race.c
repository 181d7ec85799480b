// SPDX-License-Identifier: MIT
/*
 * `weir race`: runs the start of a master beside that of its IOMMUs in every order of their
 * steps, under the policies linux-6.12 and weir, and says in which a master would start before
 * what it is behind.
 *
 * For each master the board is brought up without its driver and those of its IOMMUs. Then
 * each of these comes on a thread of its own, one more tries again who waits, and the
 * timeout runs out at any moment. A step is what a thread does between two points: the
 * beginning of a probe, and its end, before it has returned.
 */
#include "race.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct verb_help help = {
	.verb = VERB_RACE,
	.usage = "race BOARD.dtb [--for DEV] [options]",
	.what = "Searches the orders in which drivers of IOMMUs and of the devices behind them can\n"
		"come, on several threads, for one in which a device starts its DMA through an IOMMU\n"
		"that is not ready, or around it. Drivers that the kernel has not are assumed.\n"
		"With --add, those in which a driver comes while its device is being added, for one\n"
		"that leaves others waiting for ever.\n",
	.example = "weir race exynos4412-odroidx2.dtb --for 13400000.codec",
	.status = "0 there is no such order, 1 there is, 2 bad usage or input.",
};

#define LIMIT 20000u /* runs for a master under a policy, when --limit is not given */

/* All that is kept of the races of a board. */
struct races {
	const struct opts *o;
	struct run base;
	struct race_unit *units;
	size_t n;
	struct race_sched *sched;
	struct race_result *result; /* of the run that goes on */
	json_t *json;               /* array, or NULL */
	uint64_t runs, harmful;
	bool progress;              /* on a terminal it is told */
};

/* The drivers in question come by a command alone; afterwards as they did before. */
static void hold_drivers(struct run *base, const struct race_unit *u, enum weir_driver_when *saved,
			 bool hold)
{
	for (size_t i = 0; i < base->list->driver_count; i++) {
		struct weir_driver_spec *spec = &base->list->drivers[i];

		for (size_t j = 0; j < u->nr_drivers; j++) {
			if (strcmp(u->drivers[j], spec->name))
				continue;
			if (hold)
				saved[i] = spec->when;
			spec->when = hold ? WEIR_WHEN_EXTERNAL : saved[i];
		}
	}
}

/* It comes to the harm in fewer steps, or with fewer changes between threads. */
static bool is_plainer(const struct race_result *a, const struct race_result *b, int harm)
{
	return a->after[harm] != b->after[harm] ? a->after[harm] < b->after[harm]
						: a->switches < b->switches;
}

/* Keeps the plainest schedule of each harm. Return: 0; WEIR_ENOMEM. */
static int keep(struct race_finding *f, const struct race_result *result)
{
	for (int harm = 0; harm < RACE_HARMS; harm++) {
		if (!result->harm[harm])
			continue;
		f->runs[harm]++;
		if (f->best[harm] && !is_plainer(result, f->best[harm], harm))
			continue;
		if (!f->best[harm])
			f->best[harm] = malloc(sizeof(*f->best[harm]));
		if (!f->best[harm])
			return WEIR_ENOMEM;
		*f->best[harm] = *result;
	}
	return 0;
}

static void finding_free(struct race_finding *f)
{
	for (int harm = 0; harm < RACE_HARMS; harm++)
		free(f->best[harm]);
}

/* @runs of a master so far; UINT64_MAX: it is done, and its line goes. */
static void tell(const struct races *r, const struct race_unit *u, uint64_t runs)
{
	if (!r->progress)
		return;
	if (runs == UINT64_MAX)
		fprintf(stderr, "\r%60s\r", "");
	else if (runs % 128 == 0)
		fprintf(stderr, "\rmaster %td of %zu: %llu orders ", u - r->units + 1, r->n,
			(unsigned long long)runs);
}

/* Return: 0, or an exit status after a message. */
static int explore(struct races *r, const struct race_unit *u, enum profile profile,
		   struct race_finding *out_finding)
{
	struct race_finding f = { .stats = { 0 } };
	uint64_t limit = r->o->limit ? r->o->limit : LIMIT;
	struct race_search *search = r->o->schedule ? race_search_create_replay(r->o->schedule)
						    : race_search_create(r->o->seed);
	int status = search ? 0 : complain("out of memory");

	for (uint64_t i = 0; !status && i < limit && race_search_begin(search); i++) {
		tell(r, u, i);
		status = race_run(&r->base, u, profile, search, r->sched, r->result);
		if (!status && keep(&f, r->result))
			status = complain("out of memory");
		if (!status && f.runs[RACE_BROKEN])
			break; /* a deadlock keeps its threads */
	}
	tell(r, u, UINT64_MAX);
	if (!status) {
		race_search_begin(search); /* only now it knows whether anything is left */
		race_search_stats(search, &f.stats);
		f.stats.runs -= !f.stats.all && !r->o->schedule;
	}
	race_search_destroy(search);
	if (status)
		finding_free(&f);
	else
		*out_finding = f;
	return status;
}

/* The one order that was asked for. */
static void print_order(const struct races *r)
{
	race_print_steps(r->result, r->result->nr_steps);
	race_print_waits(r->result);
}

static int race_unit(struct races *r, struct race_unit *u, enum profile profile)
{
	enum weir_driver_when *saved = calloc(r->base.list->driver_count, sizeof(*saved));
	struct race_finding f;
	int status;

	if (!saved)
		return complain("out of memory");
	status = u->add ? 0 : race_tree(&r->base, u, &u->tree);
	if (!status) {
		hold_drivers(&r->base, u, saved, true);
		status = explore(r, u, profile, &f);
		hold_drivers(&r->base, u, saved, false);
	}
	weir_bytes_fini(&u->tree);
	free(saved);
	if (status)
		return status;
	r->runs += f.stats.runs;
	for (int harm = 0; harm < RACE_HARMS; harm++)
		r->harmful += f.runs[harm];
	if (r->json)
		json_array_append_new(r->json, race_json(u, profile, &f));
	else if (r->o->schedule)
		print_order(r);
	else
		race_print(&r->base, u, profile, &f);
	finding_free(&f);
	return 0;
}

static int race_all(struct races *r)
{
	int status = 0;

	for (int p = PROFILE_LINUX; p <= PROFILE_WEIR; p++) {
		if (r->o->profile_given && r->o->profile != (enum profile)p)
			continue;
		if (!r->json && !r->o->schedule && r->n)
			printf("\n%spolicy %s%s%s\n", style_bold(r->o),
			       race_profile_name((enum profile)p), style_off(r->o),
			       r->o->add && p == PROFILE_LINUX ?
			       ", as it was before the fix of April 2026 (a2225b6e834a; 6.12.117 has it)" : "");
		for (size_t i = 0; !status && i < r->n; i++)
			status = race_unit(r, &r->units[i], (enum profile)p);
	}
	return status;
}

/* The kernel that is known to be mended; of others it is not known which. */
static bool has_fix(const struct run *base)
{
	const char *version = base->kernel ? base->kernel->version : NULL;

	return version && !strncmp(version, "6.12.", 5) && atoi(version + 5) >= 117;
}

static void print_head(const struct races *r)
{
	size_t several = 0, assumed = 0;

	printf("%s  (%s)\n", board_model(&r->base), r->base.board);
	if (r->o->add) {
		printf("%zu device%s that a driver's probe adds, below which are nodes that others need\n",
		       r->n, r->n == 1 ? "" : "s");
		if (r->n && has_fix(&r->base))
			printf("note: this kernel, %s, has the fix: it does not do what follows\n",
			       r->base.kernel->version);
		return;
	}
	for (size_t i = 0; i < r->n; i++) {
		several += r->units[i].nr_iommus > 1;
		assumed += r->units[i].assumed;
	}
	printf("%zu master%s behind IOMMUs, %zu of them behind several%s\n", r->n,
	       r->n == 1 ? "" : "s", several,
	       assumed ? "; this kernel has no driver of the IOMMUs: one is assumed" : "");
}

static int check_usage(const struct opts *o)
{
	if (o->nr_args != 1)
		return complain("race: one board is needed; see weir race --help");
	if (o->schedule && (!o->target || !o->profile_given))
		return complain("--schedule belongs to one device under one policy: "
				"--for and --profile are needed");
	if (o->schedule && strspn(o->schedule, "0123456789abcdef") != strlen(o->schedule))
		return complain("--schedule %s: digits of tasks are needed, 0 to 9 and a to f",
				o->schedule);
	return 0;
}

int cmd_race(int argc, char **argv)
{
	struct races r = { .units = NULL };
	struct opts o, quiet;
	char what[600];
	int status = opts_parse(&o, argc, argv, &help);

	if (status || o.help)
		return status;
	status = check_usage(&o);
	if (status)
		return status;
	quiet = o; /* the base run is only for what is there */
	quiet.profile = PROFILE_WEIR;
	quiet.target = NULL;
	r.o = &o;
	r.progress = isatty(STDERR_FILENO);
	if (run_open(&r.base, &quiet, o.args[0], NULL, what, sizeof(what)))
		return complain("%s", what);
	if (r.base.o == &r.base.own) { /* the command line of a capture */
		o.cmdline = r.base.own.cmdline;
		o.linux_args = r.base.own.linux_args;
	}
	r.base.o = &o;
	r.result = malloc(sizeof(*r.result));
	r.sched = race_sched_create();
	r.json = o.json ? json_array() : NULL;
	if (!r.result || !r.sched)
		status = complain("out of memory");
	else if (o.add)
		status = race_add_units(&r.base, o.target, r.sched, &r.units, &r.n);
	else
		status = race_units(&r.base, o.target, &r.units, &r.n);
	if (!status && o.target && !r.n && o.add)
		status = complain("%s: %s is added by no driver's probe, has no driver that comes late, or "
				  "nobody needs what is below it", o.args[0], o.target);
	else if (!status && o.target && !r.n)
		status = complain("%s: %s is behind no IOMMU, or has no driver", o.args[0], o.target);
	if (!status && !o.json && !o.schedule)
		print_head(&r);
	if (!status)
		status = race_all(&r);
	if (!status && o.json) {
		json_t *doc = json_pack("{s:i, s:s, s:s, s:O}", "version", 1, "board", r.base.board,
					"model", board_model(&r.base), "races", r.json);

		json_dumpf(doc, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(doc);
	}
	if (!status)
		status = r.harmful ? EXIT_FINDING : EXIT_OK;
	json_decref(r.json);
	race_sched_destroy(r.sched);
	free(r.result);
	free(r.units);
	run_close(&r.base);
	return status;
}
