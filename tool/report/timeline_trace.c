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

/* What a process of the trace is: the prediction, and what the board's log has. */
enum { PREDICTED = 1, MEASURED };

static void process(json_t *list, int pid, const char *name)
{
	json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:{s:s}}", "name", "process_name",
					      "ph", "M", "pid", pid, "args", "name", name));
}

static void thread(json_t *list, int pid, size_t i, const char *name)
{
	json_array_append_new(list, json_pack(
		"{s:s, s:s, s:i, s:I, s:{s:s}}", "name", "thread_name", "ph", "M", "pid", pid, "tid",
		(json_int_t)i + 1, "args", "name", name));
}

static void span(json_t *list, int pid, const char *name, size_t i, uint64_t from, uint64_t to)
{
	json_array_append_new(list, json_pack(
		"{s:s, s:s, s:f, s:f, s:i, s:I}", "name", name, "ph", "X", "ts", us(from), "dur",
		us(to - from), "pid", pid, "tid", (json_int_t)i + 1));
}

static void device(const struct report *p, size_t i, uint64_t end, json_t *list)
{
	const struct record_event *all = p->r->record.events;
	const char *now = "waits";
	uint64_t from = 0;
	char words[600];

	thread(list, PREDICTED, i, weir_device_name(p->devices[i]));
	if (report_state_of(p, p->devices[i]) >= REPORT_NO_DRIVER)
		now = "no driver";
	for (size_t k = p->first_event[i]; k < p->first_event[i + 1]; k++) {
		const struct record_event *e = &all[p->events[k]];
		bool bound = e->type == WEIR_EVENT_BOUND, failed = e->type == WEIR_EVENT_PROBE_FAILED;

		event_words(e, words, sizeof(words));
		json_array_append_new(list, json_pack(
			"{s:s, s:s, s:s, s:f, s:i, s:I, s:{s:s, s:I, s:I}}", "name",
			weir_event_name(e->type), "ph", "i", "s", "t", "ts", us(e->time_ns), "pid", PREDICTED,
			"tid", (json_int_t)i + 1, "args", "words", words, "id", (json_int_t)e->id,
			"cause", (json_int_t)e->cause));
		if (e->type == WEIR_EVENT_DEVICE_ADD)
			from = e->time_ns;
		if (!bound && !failed && e->type != WEIR_EVENT_REMOVE)
			continue;
		span(list, PREDICTED, now, i, from, e->time_ns);
		from = e->time_ns;
		now = bound ? "up" : failed ? "failed" : "waits";
	}
	span(list, PREDICTED, now, i, from, end > from ? end : from);
}

/* In the log's own time: waiting, the slack that was left, a bind. */
static void measured_device_spans(const struct report *p, size_t i, json_t *list)
{
	struct measured m;
	bool waited;

	if (!report_measured(p, i, &m) || m.bound_ns == MEASURED_UNKNOWN)
		return;
	waited = m.deferred_ns != MEASURED_UNKNOWN && m.deferred_ns <= m.bound_ns;
	thread(list, MEASURED, i, weir_device_name(p->devices[i]));
	if (waited)
		span(list, MEASURED, "waits", i, (uint64_t)m.deferred_ns, (uint64_t)m.bound_ns);
	if (m.slack_ns != MEASURED_UNKNOWN && m.slack_ns >= 0)
		span(list, MEASURED, "slack", i, (uint64_t)m.bound_ns,
		     (uint64_t)(m.bound_ns + m.slack_ns));
	json_array_append_new(list, json_pack(
		"{s:s, s:s, s:s, s:f, s:i, s:I, s:{s:o, s:o}}", "name", "bound", "ph", "i", "s", "t", "ts",
		us((uint64_t)m.bound_ns), "pid", MEASURED, "tid", (json_int_t)i + 1, "args", "slack_ns",
		m.slack_ns == MEASURED_UNKNOWN ? json_null() : json_integer(m.slack_ns), "probe_us",
		m.probe_us == MEASURED_UNKNOWN ? json_null() : json_integer(m.probe_us)));
}

static void measured_spans(const struct report *p, json_t *list)
{
	if (!p->log)
		return;
	process(list, MEASURED, "measured, by the board's log");
	for (size_t i = 0; i < p->n; i++)
		measured_device_spans(p, i, list);
	if (p->log->timeout_at >= 0)
		json_array_append_new(list, json_pack(
			"{s:s, s:s, s:s, s:f, s:i, s:i}", "name", "deferred_probe_timeout", "ph", "i", "s",
			"p", "ts", p->log->timeout_at * 1e6, "pid", MEASURED, "tid", 0));
}

int timeline_trace(const struct report *p, FILE *f)
{
	json_t *list = json_array(), *doc;
	uint64_t end = report_end_ns(p);
	int failed;

	process(list, PREDICTED, board_model(p->r));
	for (size_t i = 0; i < p->n; i++)
		device(p, i, end, list);
	measured_spans(p, list);
	doc = json_pack("{s:o, s:s}", "traceEvents", list, "displayTimeUnit", "ms");
	failed = !doc || json_dumpf(doc, f, JSON_COMPACT);
	fputc('\n', f);
	json_decref(doc);
	return failed || ferror(f) ? WEIR_EIO : 0;
}
