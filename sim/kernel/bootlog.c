// SPDX-License-Identifier: MIT
/*
 * Messages of the driver core and of what starts user space, as Linux 6.12 and the
 * versions around it print them; see bootlog.h.
 */
#include "bootlog.h"

#include <stdlib.h>
#include <string.h>

#include "weir/err.h"

#define EPROBE_DEFER_LINUX 517
#define ENXIO_LINUX 6
#define ENODEV_LINUX 19

struct reader {
	struct weir_bootlog *log;
	double time;
	bool failed;
};

static const char *keep(struct reader *r, const char *s, size_t n)
{
	const char *copy = weir_arena_strndup(&r->log->arena, s, n);

	r->failed = r->failed || !copy;
	return copy ? copy : "";
}

/* A device by name, a new one if need be; NULL without memory, or for what is no name. */
static struct weir_bootlog_device *device(struct reader *r, const char *name, size_t n)
{
	struct weir_bootlog *log = r->log;
	struct weir_bootlog_device *more;
	const char *copy;
	uint32_t id;

	if (!n || n > 200)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (name[i] <= ' ' || name[i] == '\'' || name[i] == '"')
			return NULL;
	id = weir_strtable_find(&log->names, name, n);
	if (id != WEIR_STRTABLE_NONE)
		return &log->devices[id];
	copy = keep(r, name, n);
	more = weir_array_grow(log->devices, log->device_count, &log->device_room, sizeof(*more));
	if (!more || r->failed || weir_strtable_add(&log->names, copy, n, &id)) {
		r->failed = true;
		return NULL;
	}
	log->devices = more;
	log->devices[log->device_count] = (struct weir_bootlog_device){
		.name = copy, .at = WEIR_BOOTLOG_NEVER, .deferred_at = WEIR_BOOTLOG_NEVER,
		.last = WEIR_BOOTLOG_NEVER, .probe_us = -1,
		.group = -1,
	};
	return &log->devices[log->device_count++];
}

static void add_pair(struct reader *r, struct weir_bootlog_pairs *pairs, const char *a, size_t an,
		     const char *b)
{
	size_t bn = strcspn(b, " ");
	struct weir_bootlog_pair *more;

	for (size_t i = 0; i < pairs->n; i++)
		if (strlen(pairs->items[i].a) == an && !memcmp(pairs->items[i].a, a, an) &&
		    strlen(pairs->items[i].b) == bn && !memcmp(pairs->items[i].b, b, bn))
			return;
	if (pairs->n == 4096) /* more than any board has */
		return;
	more = weir_array_grow(pairs->items, pairs->n, &pairs->room, sizeof(*more));
	if (!more) {
		r->failed = true;
		return;
	}
	pairs->items = more;
	pairs->items[pairs->n].a = keep(r, a, an);
	pairs->items[pairs->n++].b = keep(r, b, bn);
}

static void set_state(struct reader *r, struct weir_bootlog_device *d, enum weir_bootlog_state state)
{
	if (!d)
		return;
	if (state == WEIR_BOOTLOG_DEFERRED && d->deferred_at < 0)
		d->deferred_at = r->time;
	if (d->state != state || d->at < 0)
		d->at = r->time;
	d->state = state;
	d->last = r->time;
}

/* ---- single messages ---- */

/*
 * "probe of NAME returned 517 after 45 usecs" (initcall_debug); later kernels: "probe of NAME with
 * driver DRIVER returned ...".
 */
static bool probe_result(struct reader *r, const char *text)
{
	static const char start[] = "probe of ", middle[] = " returned ", with[] = " with driver ";
	const char *name = text + sizeof(start) - 1, *at, *driver;
	struct weir_bootlog_device *d;
	char *end;
	long result;
	long long us;

	if (strncmp(text, start, sizeof(start) - 1))
		return false;
	at = strstr(name, middle);
	driver = at ? strstr(name, with) : NULL;
	if (driver > at)
		driver = NULL;
	d = at ? device(r, name, (size_t)((driver ? driver : at) - name)) : NULL;
	if (!d)
		return false;
	driver = driver ? driver + sizeof(with) - 1 : NULL;
	result = strtol(at + sizeof(middle) - 1, &end, 10);
	if (end == at + sizeof(middle) - 1)
		return false;
	result = labs(result);
	if (driver)
		d->driver = keep(r, driver, (size_t)(at - driver));
	d->probes++;
	if (!strncmp(end, " after ", 7)) {
		us = strtoll(end + 7, &end, 10);
		if (us >= 0 && us > d->probe_us && us < 1000000000000)
			d->probe_us = us;
	}
	d->error = result && result < 4096 ? (int)result : 0;
	set_state(r, d, !result ? WEIR_BOOTLOG_BOUND : result == EPROBE_DEFER_LINUX ? WEIR_BOOTLOG_DEFERRED :
			result == ENODEV_LINUX || result == ENXIO_LINUX ? WEIR_BOOTLOG_REFUSED :
			WEIR_BOOTLOG_FAILED);
	return true;
}

/* The number behind "error " (a minus sign before it). */
static int error_in(const char *text)
{
	const char *at = strstr(text, "error -");
	long v = at ? strtol(at + 7, NULL, 10) : 0;

	return v > 0 && v < 4096 ? (int)v : 0;
}

static void deferred(struct reader *r, struct weir_bootlog_device *d, const char *reason)
{
	if (!d)
		return;
	set_state(r, d, WEIR_BOOTLOG_DEFERRED);
	reason += strspn(reason, ": ");
	if (*reason && strncmp(reason, "(reason unknown)", 16))
		d->reason = keep(r, reason, strlen(reason));
}

/* What follows "DRIVER NAME: ". */
static void device_message(struct reader *r, const char *name, size_t n, const char *text)
{
	static const char pending[] = "deferred probe pending", gone[] = "deferred probe timeout";
	static const char sync[] = "sync_state() pending due to ", fw[] = "Direct firmware load for ";
	struct weir_bootlog *log = r->log;
	struct weir_bootlog_device *d;

	if (!strncmp(text, pending, sizeof(pending) - 1)) {
		deferred(r, device(r, name, n), text + sizeof(pending) - 1);
		if (log->timeout_at < 0)
			log->timeout_at = r->time;
	} else if (!strncmp(text, gone, sizeof(gone) - 1)) {
		(void)device(r, name, n);
		if (log->timeout_at < 0)
			log->timeout_at = r->time;
	} else if (!strncmp(text, sync, sizeof(sync) - 1)) {
		add_pair(r, &log->sync_state, name, n, text + sizeof(sync) - 1);
	} else if (!strncmp(text, fw, sizeof(fw) - 1)) {
		add_pair(r, &log->firmware, name, n, text + sizeof(fw) - 1);
	} else if (!strcmp(text, "Added to deferred list")) { /* dynamic debug */
		deferred(r, device(r, name, n), "");
	} else if (!strncmp(text, "Adding to iommu group ", 22)) {
		d = device(r, name, n);
		if (d)
			d->group = atoi(text + 22);
	} else if (!strncmp(text, "Removing from iommu group ", 26)) {
		d = device(r, name, n);
		if (d)
			d->group = -1;
	} else if (!strncmp(text, "probe with driver ", 18) || !strncmp(text, "probe failed", 12)) {
		d = device(r, name, n);
		if (d) {
			d->error = error_in(text);
			set_state(r, d, WEIR_BOOTLOG_FAILED);
		}
	}
}

/* "NAME<tab>DRIVER: reason" of devices_deferred; the reason may be missing. */
static bool deferred_line(struct reader *r, const char *text)
{
	size_t n = strcspn(text, "\t");
	struct weir_bootlog_device *d;
	const char *reason;

	/* without its reason, the tab at the end is gone with the blanks */
	if (!text[n] || memchr(text, ' ', n))
		return false;
	d = device(r, text, n);
	reason = text + n + strspn(text + n, "\t ");
	if (!d || strchr(reason, '\t'))
		return d != NULL;
	n = strcspn(reason, " ");
	if (n && reason[n - 1] == ':') /* the driver */
		reason += n;
	deferred(r, d, reason);
	return true;
}

/* "/a: Fixed dependency cycle(s) with /b" */
static bool cycle(struct reader *r, const char *text)
{
	static const char words[] = ": Fixed dependency cycle(s) with ";
	const char *at = strstr(text, words), *name = at;

	if (!at)
		return false;
	while (name > text && name[-1] != ' ')
		name--;
	if (at > name)
		add_pair(r, &r->log->cycles, name, (size_t)(at - name), at + sizeof(words) - 1);
	return true;
}

/* "bus: 'platform': really_probe: bound device NAME to driver DRIVER" (dynamic debug) */
static bool bound(struct reader *r, const char *text)
{
	static const char words[] = ": bound device ", to[] = " to driver ";
	const char *at = strstr(text, words), *driver;
	struct weir_bootlog_device *d;

	at = at ? at + sizeof(words) - 1 : NULL;
	driver = at ? strstr(at, to) : NULL;
	if (!driver)
		return false;
	d = device(r, at, (size_t)(driver - at));
	if (d) {
		set_state(r, d, WEIR_BOOTLOG_BOUND);
		d->driver = keep(r, driver + sizeof(to) - 1, strcspn(driver + sizeof(to) - 1, " "));
	}
	return true;
}

/* Older kernels: "DRIVER: probe of NAME failed with error -2" */
static bool old_failure(struct reader *r, const char *text)
{
	const char *at = strstr(text, ": probe of "), *end = at ? strstr(at, " failed with error ") : NULL;
	struct weir_bootlog_device *d;

	if (!end)
		return false;
	d = device(r, at + 11, (size_t)(end - at - 11));
	if (d) {
		d->error = error_in(end);
		set_state(r, d, WEIR_BOOTLOG_FAILED);
	}
	return true;
}

static bool is_giving_up(const char *text)
{
	static const char *const words[] = {
		"Gave up waiting for root", "VFS: Unable to mount root fs", "VFS: Cannot open root device",
		"does not exist.  Dropping to a shell", "dracut-initqueue timeout",
		"Timed out waiting for device /dev", "Waiting for root device",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(text, words[i]))
			return true;
	return false;
}

/* What says something of the whole. */
static bool general(struct reader *r, const char *text)
{
	static const char extended[] = "Extended deferred probe timeout by ";
	struct weir_bootlog *log = r->log;
	const char *at;

	if (!strncmp(text, "Linux version ", 14)) {
		log->version = keep(r, text + 14, strcspn(text + 14, " "));
	} else if (!strncmp(text, "Kernel command line: ", 21)) {
		log->cmdline = keep(r, text + 21, strlen(text + 21));
	} else if ((at = strstr(text, "Machine model: ")) && at - text < 10) {
		log->model = keep(r, at + 15, strlen(at + 15));
	} else if (!strncmp(text, "Run /", 5) && strstr(text, " as init process")) {
		log->init_at = r->time;
	} else if (!strncmp(text, extended, sizeof(extended) - 1) && r->time >= 0) {
		log->extended_to = r->time + strtol(text + sizeof(extended) - 1, NULL, 10);
	} else if (is_giving_up(text)) {
		log->gave_up = keep(r, text, strlen(text));
		log->gave_up_at = r->time;
	} else {
		return false;
	}
	return true;
}

static void take_line(struct reader *r, const char *text)
{
	const char *colon, *name;

	if (!weir_bootlog_iommu_general_(r->log, text))
		r->failed = true;
	if (general(r, text) || probe_result(r, text) || cycle(r, text) || bound(r, text) ||
	    old_failure(r, text) || deferred_line(r, text))
		return;
	colon = strstr(text, ": ");
	if (!colon)
		return;
	for (name = colon; name > text && name[-1] != ' ';)
		name--;
	if (name == text) /* else: "DRIVER NAME: " */
		return;
	device_message(r, name, (size_t)(colon - name), colon + 2);
	if (!weir_bootlog_iommu_(r->log, name, (size_t)(colon - name), colon + 2))
		r->failed = true;
}

int weir_bootlog_read(const char *text, size_t size, struct weir_bootlog **out_log)
{
	struct reader r = { .log = calloc(1, sizeof(struct weir_bootlog)) };
	const char *at = text, *end = text + size;
	char line[2048];

	if (!r.log)
		return WEIR_ENOMEM;
	r.log->end = r.log->init_at = r.log->timeout_at = r.log->gave_up_at = WEIR_BOOTLOG_NEVER;
	r.log->extended_to = WEIR_BOOTLOG_NEVER;
	while (at < end && !r.failed) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((stop ? stop : end) - at), used = 0;

		for (size_t i = 0; i < n && used < sizeof(line) - 1; i++)
			if (at[i])
				line[used++] = at[i];
		line[used] = '\0';
		at += n + (stop != NULL);
		r.log->lines++;
		take_line(&r, weir_bootlog_line_(line, &r.time));
		r.log->timed += r.time >= 0;
		if (r.time >= 0)
			r.log->end = r.time;
	}
	if (r.failed) {
		weir_bootlog_destroy(r.log);
		return WEIR_ENOMEM;
	}
	/* nothing waited when it was over, so that the kernel was silent */
	if (r.log->timeout_at < 0 && r.log->extended_to <= r.log->end)
		r.log->timeout_at = r.log->extended_to;
	*out_log = r.log;
	return 0;
}

bool weir_bootlog_slack(const struct weir_bootlog *log, const struct weir_bootlog_device *d,
			double *out_seconds)
{
	if (d->state != WEIR_BOOTLOG_BOUND || d->deferred_at < 0 || d->at < 0 || log->timeout_at < 0)
		return false;
	*out_seconds = log->timeout_at - d->at;
	return true;
}

void weir_bootlog_destroy(struct weir_bootlog *log)
{
	if (!log)
		return;
	free(log->devices);
	free(log->sync_state.items);
	free(log->cycles.items);
	free(log->firmware.items);
	free(log->notes);
	weir_strtable_fini(&log->names);
	weir_arena_fini(&log->arena);
	free(log);
}

const struct weir_bootlog_device *weir_bootlog_device(const struct weir_bootlog *log, const char *name)
{
	uint32_t id = weir_strtable_find(&log->names, name, strlen(name));

	return id == WEIR_STRTABLE_NONE ? NULL : &log->devices[id];
}
