// SPDX-License-Identifier: MIT
/* A log and its prediction in words, and as JSON. Times are those of the log alone. */
#include <string.h>

#include "explainlog.h"
#include "weir.h"

static void names(const struct weir_bootlog_device **list, size_t n)
{
	size_t used = 0, i;

	fputs("  waiting:", stdout);
	for (i = 0; i < n && used < 80; i++)
		used += (size_t)printf(" %s", list[i]->name);
	if (i < n)
		printf(" and %zu more", n - i);
	putchar('\n');
}

static void tell_head(const struct run *r, const struct log_story *s)
{
	const struct weir_bootlog *log = s->log;
	const char *slash = strrchr(s->path, '/');

	printf("%s%s%s: %zu lines", style_bold(r->o), slash ? slash + 1 : s->path, style_off(r->o),
	       log->lines);
	if (log->end >= 0)
		printf(", up to %.3f s", log->end);
	if (log->version)
		printf(", Linux %s", log->version);
	printf("\n%s%zu device%s deferred at its end, %zu failed, %zu bound%s\n",
	       s->deferred || s->failed ? style_bad(r->o) : style_good(r->o), s->deferred,
	       s->deferred == 1 ? "" : "s", s->failed,
	       s->bound, style_off(r->o));
	if (log->version && r->kernel && r->kernel->version && strcmp(log->version, r->kernel->version))
		printf("note: the log is of Linux %s, the prediction of %s\n", log->version,
		       r->kernel->version);
	if (log->model && strcmp(log->model, board_model(r)))
		printf("note: the log is of a \"%s\", the tree of a \"%s\"\n", log->model, board_model(r));
	if (s->unknown)
		printf("note: %zu device%s of the log %s not on the tree (PCI, USB, or another board)\n",
		       s->unknown, s->unknown == 1 ? "" : "s", s->unknown == 1 ? "is" : "are");
	if (log->gave_up)
		printf("%sthe root file system did not come%s: \"%s\"\n", style_bad(r->o), style_off(r->o),
		       log->gave_up);
}

static void tell_causes(const struct run *r, const struct log_story *s)
{
	for (size_t i = 0; i < s->nr_causes; i++) {
		const struct log_cause *c = &s->causes[i];

		printf("%s%zu wait%s for 1:%s %s\n", style_bold(r->o), c->n, c->n == 1 ? "s" : "",
		       style_off(r->o), c->what);
		names(c->waiting, c->n);
		printf("  fix: %s\n", c->fix);
	}
	for (size_t i = 0; i < s->log->device_count; i++) {
		const struct weir_bootlog_device *d = &s->log->devices[i];

		if (d->state == WEIR_BOOTLOG_FAILED)
			printf("%s: its probe failed (error %d)\n", d->name, d->error);
	}
}

static void tell_differences(const struct run *r, const struct log_story *s)
{
	if (!s->nr_differ) {
		printf("prediction and log agree on all devices of which the log tells the end\n");
		return;
	}
	printf("%sprediction and log differ on %zu:%s\n", style_bold(r->o), s->nr_differ, style_off(r->o));
	for (size_t i = 0; i < s->nr_differ; i++)
		printf("  %s: predicted %s; in the log %s\n", s->differ[i].logged->name,
		       s->differ[i].predicted, s->differ[i].is);
}

static void tell_times(const struct log_story *s)
{
	const struct weir_bootlog *log = s->log;
	const struct weir_bootlog_device *slowest = NULL, *last = NULL;
	size_t measured = 0, after = 0;
	double slack, least = 0;

	for (size_t i = 0; i < log->device_count; i++) {
		const struct weir_bootlog_device *d = &log->devices[i];

		measured += d->probe_us >= 0;
		if (d->probe_us >= 0 && (!slowest || d->probe_us > slowest->probe_us))
			slowest = d;
		if (!weir_bootlog_slack(log, d, &slack))
			continue;
		after += slack < 0;
		if (slack < 0 || (last && slack >= least))
			continue;
		last = d;
		least = slack;
	}
	if (slowest)
		printf("probe times of %zu device%s; the longest: %s, %.3f ms\n", measured,
		       measured == 1 ? "" : "s", slowest->name,
		       (double)slowest->probe_us / 1000);
	if (log->timeout_at >= 0)
		printf("deferred_probe_timeout was over at %.3f s (measured)\n", log->timeout_at);
	if (last)
		printf("the last of those that had to wait, %s, was bound %.3f s before that\n", last->name,
		       least);
	if (after)
		printf("%zu that had to wait were bound only after it\n", after);
	if (log->init_at >= 0)
		printf("user space started at %.3f s\n", log->init_at);
}

static void tell_rest(const struct log_story *s)
{
	const struct weir_bootlog *log = s->log;

	for (size_t i = 0; i < log->firmware.n; i++)
		printf("firmware: %s did not get %s\n", log->firmware.items[i].a, log->firmware.items[i].b);
	if (log->sync_state.n)
		printf("%zu keep%s running what firmware left on, because of consumers that are not up "
		       "(sync_state); that holds nobody back\n", log->sync_state.n,
		       log->sync_state.n == 1 ? "s" : "");
	if (log->cycles.n)
		printf("%zu cycle%s relaxed, %zu of them predicted; that holds nobody back\n", log->cycles.n,
		       log->cycles.n == 1 ? " was" : "s were", log->cycles.n - s->foreign_cycles);
}

bool log_complains(const struct log_story *s)
{
	return s->deferred || s->failed || s->log->gave_up || s->log->note_count;
}

int log_tell(struct run *r, const struct log_story *s)
{
	tell_head(r, s);
	tell_causes(r, s);
	log_iommus_print(r, s->log);
	tell_differences(r, s);
	tell_times(s);
	tell_rest(s);
	return log_complains(s) ? EXIT_FINDING : EXIT_OK;
}

/* ---- JSON ---- */

static const char *state_name(enum weir_bootlog_state state)
{
	static const char *const words[] = { "seen", "deferred", "bound", "refused", "failed" };

	return words[state];
}

static json_t *seconds(double v)
{
	return v < 0 ? json_null() : json_real(v);
}

/* Logs hold any bytes: what is no UTF-8 becomes "?". */
static json_t *text(const char *s)
{
	json_t *string = s ? json_string(s) : json_null();

	return string ? string : json_string("?");
}

static json_t *json_of_devices(const struct log_story *s)
{
	json_t *array = json_array();

	for (size_t i = 0; i < s->log->device_count; i++) {
		const struct weir_bootlog_device *d = &s->log->devices[i];
		double slack;
		bool known = weir_bootlog_slack(s->log, d, &slack);

		if (d->state == WEIR_BOOTLOG_SEEN)
			continue;
		json_array_append_new(array, json_pack(
			"{s:o, s:s, s:o, s:o, s:o, s:o}", "name", text(d->name), "state",
			state_name(d->state), "reason", text(d->reason), "at", seconds(d->at), "probe_us",
			d->probe_us < 0 ? json_null() : json_integer(d->probe_us), "slack",
			known ? json_real(slack) : json_null()));
	}
	return array;
}

static json_t *json_of_causes(const struct log_story *s)
{
	json_t *array = json_array();

	for (size_t i = 0; i < s->nr_causes; i++) {
		const struct log_cause *c = &s->causes[i];
		json_t *waiting = json_array();

		for (size_t k = 0; k < c->n; k++)
			json_array_append_new(waiting, text(c->waiting[k]->name));
		json_array_append_new(array, json_pack(
			"{s:o, s:o, s:o, s:o}", "device",
			c->device ? text(weir_device_name(c->device)) : json_null(), "what", text(c->what),
			"fix", text(c->fix), "waiting", waiting));
	}
	return array;
}

static json_t *json_of_differences(const struct log_story *s)
{
	json_t *array = json_array();

	for (size_t i = 0; i < s->nr_differ; i++)
		json_array_append_new(array, json_pack(
			"{s:o, s:o, s:o}", "device", text(s->differ[i].logged->name), "predicted",
			text(s->differ[i].predicted), "logged", text(s->differ[i].is)));
	return array;
}

static json_t *json_of_pairs(const struct weir_bootlog_pairs *pairs)
{
	json_t *array = json_array();

	for (size_t i = 0; i < pairs->n; i++)
		json_array_append_new(array, json_pack("[o, o]", text(pairs->items[i].a),
						       text(pairs->items[i].b)));
	return array;
}

json_t *json_of_log(struct run *r, const struct log_story *s)
{
	const struct weir_bootlog *log = s->log;

	return json_pack("{s:i, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "version", 1, "board", json_text(r->board), "file", json_text(s->path), "kernel", text(log->version),
			 "lines", (json_int_t)log->lines, "end", seconds(log->end),
			 "timeout_at", seconds(log->timeout_at), "gave_up", text(log->gave_up),
			 "causes", json_of_causes(s), "iommu", log_iommus_json(r, log), "differ", json_of_differences(s),
			 "devices", json_of_devices(s), "sync_state", json_of_pairs(&log->sync_state),
			 "cycles", json_of_pairs(&log->cycles), "firmware", json_of_pairs(&log->firmware));
}
