// SPDX-License-Identifier: MIT
/* What `weir race` found, as text and as JSON (docs/json.md). */
#include "race.h"

static const char *const harm_names[RACE_HARMS] = { "half-registered", "untranslated", "stuck",
						    "broken" };

const char *race_profile_name(enum profile profile)
{
	return profile == PROFILE_LINUX ? "linux-6.12" : "weir";
}

static void step_words(const struct race_step *s, char *buf, size_t bytes)
{
	switch (s->act) {
	case RACE_INSERT:
		snprintf(buf, bytes, "modprobe %s", s->what);
		break;
	case RACE_BEGIN:
		snprintf(buf, bytes, "%s: its probe begins", s->what);
		break;
	case RACE_PUBLISHED:
		snprintf(buf, bytes, "%s: its instance is published, its probe has not returned",
			 s->what);
		break;
	case RACE_END:
		snprintf(buf, bytes, "%s: its probe is done", s->what);
		break;
	case RACE_UNTRANSLATED:
		snprintf(buf, bytes, "%s: goes on without its IOMMU", s->what);
		break;
	case RACE_TIMEOUT:
		snprintf(buf, bytes, "deferred_probe_timeout runs out");
		break;
	case RACE_RETRY:
		snprintf(buf, bytes, "who waits is tried again");
		break;
	}
}

void race_print_steps(const struct race_result *r, size_t n)
{
	char words[400];

	for (size_t i = 0; i < n; i++) {
		step_words(&r->steps[i], words, sizeof(words));
		printf("      %2zu  thread %d  %s\n", i + 1, r->steps[i].task, words);
	}
}

static void print_harm(const struct run *base, const struct race_unit *u, enum profile profile,
		       const struct race_finding *f, enum race_harm harm)
{
	const struct race_result *best = f->best[harm];

	printf("    %s", style_bad(base->o));
	switch (harm) {
	case RACE_HALF:
		printf("starts translated through %s, whose probe has not returned", best->with);
		break;
	case RACE_AROUND:
		printf("starts untranslated, around its IOMMU");
		break;
	case RACE_STUCK:
		printf("never starts, though all that it needs is there");
		break;
	default:
		printf("the library fails: %s", best->with);
		break;
	}
	printf("%s, in %llu of %llu orders; for instance:\n", style_off(base->o),
	       (unsigned long long)f->runs[harm], (unsigned long long)f->stats.runs);
	race_print_steps(best, best->after[harm]);
	printf("      again: weir race %s --for %s --profile %s --schedule %s\n", base->board,
	       u->master, race_profile_name(profile), *best->schedule ? best->schedule : "0");
}

void race_print(const struct run *base, const struct race_unit *unit, enum profile profile,
		const struct race_finding *f)
{
	bool any = false;

	for (int harm = 0; harm < RACE_HARMS; harm++)
		any = any || f->runs[harm];
	printf("  %s behind %s", unit->master, unit->iommus[0]);
	for (size_t i = 1; i < unit->nr_iommus; i++)
		printf(", %s", unit->iommus[i]);
	printf(": %s%s%s %llu orders, %llu states%s\n", any ? "" : style_good(base->o),
	       any ? "" : "safe, ", any ? "" : style_off(base->o),
	       (unsigned long long)f->stats.runs, (unsigned long long)f->stats.states,
	       f->stats.all ? ": all there are" : base->o->seed ? ", by chance" : "; there are more");
	for (int harm = 0; harm < RACE_HARMS; harm++)
		if (f->runs[harm])
			print_harm(base, unit, profile, f, (enum race_harm)harm);
}

static json_t *json_of_steps(const struct race_result *r)
{
	json_t *steps = json_array();
	char words[400];

	for (size_t i = 0; i < r->nr_steps; i++) {
		step_words(&r->steps[i], words, sizeof(words));
		json_array_append_new(steps, json_pack("{s:i, s:s}", "thread", r->steps[i].task,
						       "step", words));
	}
	return steps;
}

json_t *race_json(const struct race_unit *unit, enum profile profile, const struct race_finding *f)
{
	json_t *iommus = json_array(), *harms = json_array();

	for (size_t i = 0; i < unit->nr_iommus; i++)
		json_array_append_new(iommus, json_string(unit->iommus[i]));
	for (int harm = 0; harm < RACE_HARMS; harm++)
		if (f->runs[harm])
			json_array_append_new(harms, json_pack(
				"{s:s, s:I, s:s?, s:s, s:o}", "harm",
				harm_names[harm], "orders",
				(json_int_t)f->runs[harm], "with",
				*f->best[harm]->with ? f->best[harm]->with : NULL, "schedule",
				f->best[harm]->schedule, "steps", json_of_steps(f->best[harm])));
	return json_pack("{s:s, s:s, s:o, s:b, s:I, s:I, s:b, s:o}", "device", unit->master, "policy",
			 race_profile_name(profile), "iommus", iommus, "assumed", (int)unit->assumed,
			 "orders", (json_int_t)f->stats.runs, "states",
			 (json_int_t)f->stats.states, "all", (int)f->stats.all, "harms", harms);
}
