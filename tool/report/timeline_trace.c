// SPDX-License-Identifier: MIT
/*
 * The timeline in the Trace Event Format, which Perfetto and chrome://tracing read: a
 * thread a device, in virtual time.
 */
#include "report.h"

static double us(uint64_t ns)
{
	return (double)ns / 1e3;
}

static void span(json_t *list, const char *name, size_t i, uint64_t from, uint64_t to)
{
	json_array_append_new(list, json_pack(
		"{s:s, s:s, s:f, s:f, s:i, s:I}", "name", name, "ph", "X", "ts", us(from), "dur",
		us(to - from), "pid", 1, "tid", (json_int_t)i + 1));
}

static void device(const struct report *p, size_t i, uint64_t end, json_t *list)
{
	const struct record_event *all = p->r->record.events;
	const char *now = "waits";
	uint64_t from = 0;
	char words[600];

	json_array_append_new(list, json_pack(
		"{s:s, s:s, s:i, s:I, s:{s:s}}", "name", "thread_name", "ph", "M", "pid", 1, "tid",
		(json_int_t)i + 1, "args", "name", weir_device_name(p->devices[i])));
	if (report_state_of(p, p->devices[i]) >= REPORT_NO_DRIVER)
		now = "no driver";
	for (size_t k = p->first_event[i]; k < p->first_event[i + 1]; k++) {
		const struct record_event *e = &all[p->events[k]];
		bool bound = e->type == WEIR_EVENT_BOUND, failed = e->type == WEIR_EVENT_PROBE_FAILED;

		event_words(e, words, sizeof(words));
		json_array_append_new(list, json_pack(
			"{s:s, s:s, s:s, s:f, s:i, s:I, s:{s:s, s:I, s:I}}", "name",
			weir_event_name(e->type), "ph", "i", "s", "t", "ts", us(e->time_ns), "pid", 1,
			"tid", (json_int_t)i + 1, "args", "words", words, "id", (json_int_t)e->id,
			"cause", (json_int_t)e->cause));
		if (e->type == WEIR_EVENT_DEVICE_ADD)
			from = e->time_ns;
		if (!bound && !failed && e->type != WEIR_EVENT_REMOVE)
			continue;
		span(list, now, i, from, e->time_ns);
		from = e->time_ns;
		now = bound ? "up" : failed ? "failed" : "waits";
	}
	span(list, now, i, from, end > from ? end : from);
}

int timeline_trace(const struct report *p, FILE *f)
{
	json_t *list = json_array(), *doc;
	uint64_t end = report_end_ns(p);
	int failed;

	json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:{s:s}}", "name", "process_name",
					      "ph", "M", "pid", 1, "args", "name",
					      board_model(p->r)));
	for (size_t i = 0; i < p->n; i++)
		device(p, i, end, list);
	doc = json_pack("{s:o, s:s}", "traceEvents", list, "displayTimeUnit", "ms");
	failed = !doc || json_dumpf(doc, f, JSON_COMPACT);
	fputc('\n', f);
	json_decref(doc);
	return failed || ferror(f) ? WEIR_EIO : 0;
}
