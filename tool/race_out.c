// SPDX-License-Identifier: MIT
/* What `weir race` found, as text and as JSON (docs/json.md). */
#include "race.h"

static const char *const harm_names[RACE_HARMS] = { "half-registered", "untranslated", "stuck",
						    "left-waiting", "broken" };

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
	case RACE_REGISTER:
		snprintf(buf, bytes, "%s, which is built in, gets to its devices", s->what);
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
	case RACE_VISIBLE:
		snprintf(buf, bytes, "%s: is on its bus, and its addition goes on", s->what);
		break;
	case RACE_REST:
		snprintf(buf, bytes, "all other modules come");
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

#define PRINTED 8

void race_print_waits(const struct race_result *r)
{
	for (size_t i = 0; i < r->nr_waits && i < PRINTED; i++)
		printf("      waits for ever: %s, for %s\n", r->waits[i].device, r->waits[i].node);
	if (r->nr_waits > PRINTED)
		printf("      and %zu more\n", r->nr_waits - PRINTED);
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
	case RACE_LEFT:
		printf("%zu device%s wait%s for ever for what is below it", best->nr_waits,
		       best->nr_waits == 1 ? "" : "s", best->nr_waits == 1 ? "s" : "");
		break;
	default:
		printf("the library fails: %s", best->with);
		break;
	}
	printf("%s, in %llu of %llu orders; for instance:\n", style_off(base->o),
	       (unsigned long long)f->runs[harm], (unsigned long long)f->stats.runs);
	race_print_steps(best, best->after[harm]);
	race_print_waits(best);
	printf("      again: weir race %s%s --for %s --profile %s --schedule %s\n", base->board,
	       u->add ? " --add" : "", u->master, race_profile_name(profile), *best->schedule ? best->schedule : "0");
}

void race_print(const struct run *base, const struct race_unit *unit, enum profile profile,
		const struct race_finding *f)
{
	bool any = false;

	for (int harm = 0; harm < RACE_HARMS; harm++)
		any = any || f->runs[harm];
	if (unit->add)
		printf("  %s, added by %s", unit->master, unit->maker);
	else
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

/* The first of them; how many there are is in the text. */
static json_t *json_of_waits(const struct race_result *r)
{
	json_t *waits = json_array();

	for (size_t i = 0; i < r->nr_waits && i < RACE_WAITS; i++)
		json_array_append_new(waits, json_pack("{s:s, s:s}", "device", r->waits[i].device,
						       "node", r->waits[i].node));
	return waits;
}

json_t *race_json(const struct race_unit *unit, enum profile profile, const struct race_finding *f)
{
	json_t *iommus = json_array(), *harms = json_array();

	for (size_t i = 0; i < unit->nr_iommus; i++)
		json_array_append_new(iommus, json_string(unit->iommus[i]));
	for (int harm = 0; harm < RACE_HARMS; harm++)
		if (f->runs[harm])
			json_array_append_new(harms, json_pack(
				"{s:s, s:I, s:s?, s:s, s:o, s:o}", "harm",
				harm_names[harm], "orders",
				(json_int_t)f->runs[harm], "with",
				*f->best[harm]->with ? f->best[harm]->with : NULL, "schedule",
				f->best[harm]->schedule, "steps", json_of_steps(f->best[harm]),
				"waiting", json_of_waits(f->best[harm])));
	return json_pack("{s:s, s:s, s:o, s:s?, s:b, s:I, s:I, s:b, s:o}", "device", unit->master,
			 "policy", race_profile_name(profile), "iommus", iommus, "maker",
			 unit->add ? unit->maker : NULL, "assumed", (int)unit->assumed,
			 "orders", (json_int_t)f->stats.runs, "states",
			 (json_int_t)f->stats.states, "all", (int)f->stats.all, "harms", harms);
}
