// SPDX-License-Identifier: MIT
/*
 * The record of a run: every event with its virtual time. Devices are kept by
 * reference, so that those that went can still be named.
 */
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "weir.h"

static struct record_event *next(struct record *r)
{
	if (r->n == r->room) {
		size_t room = r->room ? r->room * 2 : 1024;
		struct record_event *more = realloc(r->events, room * sizeof(*more));

		if (!more) {
			r->failed = true;
			return NULL;
		}
		r->events = more;
		r->room = room;
	}
	return &r->events[r->n++];
}

/* The machine lock is held: references are taken without it. */
static void keep(struct record *r, const struct weir_event *event)
{
	struct record_event *e = next(r);

	if (!e)
		return;
	*e = (struct record_event){
		.id = event->id, .cause = event->cause, .type = event->type, .value = event->value,
		.device = event->device, .other = event->other,
		.node = event->node, .other_node = event->other_node,
		.text = event->text ? strdup(event->text) : NULL,
	};
	if (r->m->policy == &weir_policy_linux_6_12)
		e->time_ns = weir_linux_now_ns(r->m);
	if (e->device)
		e->device->refs++;
	if (e->other)
		e->other->refs++;
}

static void on_event(void *context, const struct weir_event *event)
{
	keep(context, event);
}

void record_log(struct record *r, const char *text)
{
	struct record_event *e = r->m ? next(r) : NULL;

	if (e)
		*e = (struct record_event){ .type = WEIR_EVENT_NOTE, .text = strdup(text) };
}

void record_attach(struct record *r, struct weir_machine *m)
{
	*r = (struct record){ .m = m };
	r->trace = (struct weir_trace){ .fn = on_event, .context = r };
	weir_trace_attach(m, &r->trace);
}

void record_detach(struct record *r)
{
	if (!r->m)
		return;
	weir_trace_detach(r->m, &r->trace);
	for (size_t i = 0; i < r->n; i++) {
		weir_device_unref(r->events[i].device);
		weir_device_unref(r->events[i].other);
		free(r->events[i].text);
	}
	free(r->events);
	*r = (struct record){ 0 };
}
