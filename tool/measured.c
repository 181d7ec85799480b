// SPDX-License-Identifier: MIT
/* Times out of a board's own log; see measured.h. */
#include "measured.h"

#include <string.h>

#include "capture.h"
#include "explainlog.h"
#include "weir.h"

/* What the log's own command line says of the driver core holds for the prediction. */
static int take_log(struct opts *o, const char *text, size_t bytes, struct weir_bootlog **out_log)
{
	struct weir_bootlog *log;

	if (weir_bootlog_read(text, bytes, &log))
		return complain("out of memory");
	if (log->cmdline && !o->cmdline && !o->linux_args_given) {
		o->cmdline = log->cmdline;
		weir_linux_args_parse(&o->linux_args, log->cmdline);
	}
	*out_log = log;
	return 0;
}

int log_open(struct opts *o, struct weir_bootlog **out_log)
{
	struct weir_bytes text = { 0 };
	struct weir_bootlog *log;
	char what[600];
	int status;

	if (read_plain(o->log, &text, what, sizeof(what)))
		return complain("%s", what);
	status = take_log(o, (const char *)text.data, text.size, &log);
	weir_bytes_fini(&text);
	if (status)
		return status;
	if (!log->device_count && !log->version && !log->gave_up && !log->note_count) {
		status = complain("%s: no kernel message about a device in %zu lines", o->log, log->lines);
		weir_bootlog_destroy(log);
		return status;
	}
	*out_log = log;
	return 0;
}

int log_of_capture(struct opts *o, struct weir_bootlog **out_log)
{
	const struct capture_entry *entry;
	struct weir_bytes file = { 0 };
	struct capture c = { 0 };
	char what[600];
	int status = 0;

	*out_log = NULL;
	/* what cannot be read at all, the run says */
	if (read_plain(o->args[0], &file, what, sizeof(what)))
		return 0;
	if (capture_is(file.data, file.size) && !capture_read(&c, o->args[0])) {
		entry = capture_find(&c, "log");
		if (entry)
			status = take_log(o, entry->data, entry->bytes, out_log);
	}
	capture_free(&c);
	weir_bytes_fini(&file);
	return status;
}

static int64_t ns_of(double seconds)
{
	return seconds < 0 ? MEASURED_UNKNOWN : (int64_t)(seconds * 1e9 + 0.5);
}

bool measured_device(const struct run *r, const struct weir_bootlog *log, const struct weir_device *dev,
		     struct measured *out)
{
	const struct weir_bootlog_device *d = log ? log_of_device(r, log, dev) : NULL;
	double slack;

	*out = (struct measured){ MEASURED_UNKNOWN, MEASURED_UNKNOWN, MEASURED_UNKNOWN, MEASURED_UNKNOWN };
	if (!d)
		return false;
	out->deferred_ns = ns_of(d->deferred_at);
	if (d->state == WEIR_BOOTLOG_BOUND)
		out->bound_ns = ns_of(d->at);
	if (weir_bootlog_slack(log, d, &slack))
		out->slack_ns = ns_of(log->timeout_at) - ns_of(d->at);
	if (d->probe_us >= 0)
		out->probe_us = d->probe_us;
	return out->deferred_ns != MEASURED_UNKNOWN || out->bound_ns != MEASURED_UNKNOWN ||
	       out->probe_us != MEASURED_UNKNOWN;
}

const char *measured_problem(const struct weir_bootlog *log)
{
	bool bound = false;
	double slack;

	for (size_t i = 0; i < log->device_count; i++) {
		const struct weir_bootlog_device *d = &log->devices[i];

		if (weir_bootlog_slack(log, d, &slack))
			return NULL;
		bound = bound || (d->state == WEIR_BOOTLOG_BOUND && d->at >= 0);
	}
	if (!log->timed)
		return "the log has no time stamps";
	if (!bound)
		return "the log does not say when devices were bound (boot with initcall_debug)";
	if (log->timeout_at < 0)
		return "the log does not say when deferred_probe_timeout was over: nothing waited then, or the log "
		       "ends before (dyndbg=\"file drivers/base/dd.c +p\" tells it)";
	return "no device that was bound had to wait";
}
