// SPDX-License-Identifier: MIT
/* A run made ready to be shown: devices by number, and the events of each. */
#include "report.h"

#include <stdlib.h>
#include <string.h>

struct report_place {
	const struct weir_device *dev;
	long index;
};

static int by_address(const void *a, const void *b)
{
	const struct weir_device *x = ((const struct report_place *)a)->dev;
	const struct weir_device *y = ((const struct report_place *)b)->dev;

	return x < y ? -1 : x > y;
}

long report_index(const struct report *p, const struct weir_device *dev)
{
	const struct report_place key = { .dev = dev };
	const struct report_place *found;

	if (!dev || !p->n)
		return -1;
	found = bsearch(&key, p->places, p->n, sizeof(key), by_address);
	return found ? found->index : -1;
}

/* Told of a device, of those that the log shows. */
static bool is_told(const struct record_event *e)
{
	return e->device && e->type != WEIR_EVENT_QUEUED && e->type != WEIR_EVENT_LINK_STATE;
}

/* Counts, then places: stable, and linear in events. */
static int sort_events(struct report *p)
{
	const struct record *record = &p->r->record;
	size_t *at = calloc(p->n + 1, sizeof(*at));

	p->first_event = calloc(p->n + 1, sizeof(*p->first_event));
	p->events = calloc(record->n + 1, sizeof(*p->events));
	if (!at || !p->first_event || !p->events) {
		free(at);
		return WEIR_ENOMEM;
	}
	for (size_t i = 0; i < record->n; i++) {
		long dev = is_told(&record->events[i])
				   ? report_index(p, record->events[i].device) : -1;

		if (dev >= 0)
			p->first_event[dev + 1]++;
	}
	for (size_t i = 0; i < p->n; i++)
		p->first_event[i + 1] += p->first_event[i];
	memcpy(at, p->first_event, (p->n + 1) * sizeof(*at));
	for (size_t i = 0; i < record->n; i++) {
		long dev = is_told(&record->events[i])
				   ? report_index(p, record->events[i].device) : -1;

		if (dev >= 0)
			p->events[at[dev]++] = i;
	}
	free(at);
	return 0;
}

static int number_devices(struct report *p)
{
	struct weir_device *dev;
	size_t n = 0;

	for (dev = weir_device_first(p->r->m); dev; dev = weir_device_next(dev))
		n++;
	p->devices = calloc(n + 1, sizeof(*p->devices));
	p->places = calloc(n + 1, sizeof(*p->places));
	if (!p->devices || !p->places)
		return WEIR_ENOMEM;
	for (dev = weir_device_first(p->r->m); dev; dev = weir_device_next(dev)) {
		p->places[p->n] = (struct report_place){ dev, (long)p->n };
		p->devices[p->n++] = dev;
	}
	if (n)
		qsort(p->places, n, sizeof(*p->places), by_address);
	return 0;
}

int report_open(struct report *p, struct run *r, const struct weir_bootlog *log)
{
	int err;

	*p = (struct report){ .r = r, .log = log };
	err = number_devices(p);
	if (!err)
		err = sort_events(p);
	if (!err)
		err = causes_collect(r, &p->causes);
	if (err)
		report_close(p);
	return err;
}

void report_close(struct report *p)
{
	causes_free(&p->causes);
	free(p->devices);
	free(p->places);
	free(p->first_event);
	free(p->events);
	*p = (struct report){ 0 };
}

/* ---- a device ---- */

enum report_state report_state_of(const struct report *p, struct weir_device *dev)
{
	struct weir_why root;

	switch (weir_device_verdict(dev, NULL)) {
	case WEIR_VERDICT_BOUND:
		return REPORT_UP;
	case WEIR_VERDICT_NO_DRIVER:
	case WEIR_VERDICT_UNKNOWN_DRIVER:
	case WEIR_VERDICT_REFUSED:
		return needs_no_driver(p->r, dev) ? REPORT_PLAIN : REPORT_NO_DRIVER;
	case WEIR_VERDICT_LOADABLE:
	case WEIR_VERDICT_DENIED:
	case WEIR_VERDICT_REMOVED:
		return REPORT_NO_DRIVER;
	default:
		break;
	}
	if (!weir_device_root_cause(dev, &root) && cause_kind_of(&root) == CAUSE_FAILED)
		return REPORT_FAILED;
	return REPORT_WAITING;
}

const char *report_state_name(enum report_state state)
{
	static const char *const names[] = { "up", "waiting", "failed", "no-driver", "needs-none" };

	return names[state];
}

void report_words(const struct report *p, struct weir_device *dev, char *buf, size_t bytes)
{
	struct weir_why why;

	weir_device_verdict(dev, &why);
	if (report_state_of(p, dev) == REPORT_PLAIN)
		snprintf(buf, bytes, "needs no driver");
	else
		why_words(&why, buf, bytes);
}

long long report_bound_ns(const struct report *p, size_t device)
{
	long long ns = -1;

	for (size_t i = p->first_event[device]; i < p->first_event[device + 1]; i++)
		if (p->r->record.events[p->events[i]].type == WEIR_EVENT_BOUND)
			ns = (long long)p->r->record.events[p->events[i]].time_ns;
	return ns;
}

bool report_measured(const struct report *p, size_t device, struct measured *out)
{
	return measured_device(p->r, p->log, p->devices[device], out);
}

void report_words_slack(const struct report *p, size_t device, char *buf, size_t bytes)
{
	struct measured m;
	size_t n;

	report_words(p, p->devices[device], buf, bytes);
	report_measured(p, device, &m);
	if (m.slack_ns == MEASURED_UNKNOWN)
		return;
	n = strlen(buf);
	snprintf(buf + n, bytes - n, "; measured slack %.3f s", (double)m.slack_ns / 1e9);
}

uint64_t report_end_ns(const struct report *p)
{
	uint64_t end = 1;

	for (size_t i = 0; i < p->r->record.n; i++)
		if (p->r->record.events[i].time_ns > end)
			end = p->r->record.events[i].time_ns;
	return end;
}

struct weir_device *report_device_of(const struct weir_fwnode *node)
{
	while (node && !weir_fwnode_device(node))
		node = weir_fwnode_parent(node);
	return node ? weir_fwnode_device(node) : NULL;
}
