// SPDX-License-Identifier: MIT
/*
 * The event stream. An event gets the next number and the cause that the machine
 * is working for at the moment, and goes to every attached trace.
 */
#include "core/core.h"

uint32_t weir_event_(struct weir_machine *m, struct weir_event *event)
{
	struct weir_trace *t;

	event->id = m->next_event++;
	event->cause = m->cause;
	if (!m->traces)
		return event->id;
	event->time_ns = m->ops->time_ns ? m->ops->time_ns(m->host) : 0;
	for (t = m->traces; t; t = t->next)
		t->fn(t->context, event);
	return event->id;
}

uint32_t weir_event_dev_(enum weir_event_type type, struct weir_device *dev, const char *text,
			 int64_t value)
{
	struct weir_event e = {
		.type = type, .device = dev, .node = dev->fwnode, .text = text, .value = value,
	};

	return weir_event_(dev->m, &e);
}

uint32_t weir_event_link_(enum weir_event_type type, struct weir_link *link, int64_t value)
{
	struct weir_machine *m = link->consumer->m;
	struct weir_event e = { .type = type, .value = value };

	if (!m->traces) /* there are many of these: nobody listens, nothing is gathered */
		return m->next_event++;
	e.device = link->consumer;
	e.other = link->supplier;
	e.text = link->property;
	return weir_event_(m, &e);
}

void weir_trace_attach(struct weir_machine *m, struct weir_trace *trace)
{
	struct weir_trace **end;

	weir_lock_(m);
	for (end = &m->traces; *end; end = &(*end)->next)
		;
	trace->next = NULL;
	*end = trace;
	weir_unlock_(m);
}

void weir_trace_detach(struct weir_machine *m, struct weir_trace *trace)
{
	struct weir_trace **at;

	weir_lock_(m);
	for (at = &m->traces; *at; at = &(*at)->next) {
		if (*at == trace) {
			*at = trace->next;
			break;
		}
	}
	weir_unlock_(m);
}

void weir_trace_note(struct weir_machine *m, const char *text)
{
	struct weir_event e = { .type = WEIR_EVENT_NOTE, .text = text };

	weir_lock_(m);
	weir_event_(m, &e);
	weir_unlock_(m);
}

const char *weir_event_name(enum weir_event_type type)
{
	static const char *const names[WEIR_EVENT_COUNT_] = {
		[WEIR_EVENT_DEVICE_ADD] = "device-add",
		[WEIR_EVENT_DEVICE_DEL] = "device-del",
		[WEIR_EVENT_DRIVER_ADD] = "driver-add",
		[WEIR_EVENT_DRIVER_DEL] = "driver-del",
		[WEIR_EVENT_PROBE] = "probe",
		[WEIR_EVENT_BOUND] = "bound",
		[WEIR_EVENT_PROBE_FAILED] = "probe-failed",
		[WEIR_EVENT_DEFERRED] = "deferred",
		[WEIR_EVENT_QUEUED] = "queued",
		[WEIR_EVENT_REMOVE] = "remove",
		[WEIR_EVENT_LINK_ADD] = "link-add",
		[WEIR_EVENT_LINK_DEL] = "link-del",
		[WEIR_EVENT_LINK_STATE] = "link-state",
		[WEIR_EVENT_LINK_RELAXED] = "link-relaxed",
		[WEIR_EVENT_LINK_REFUSED] = "link-refused",
		[WEIR_EVENT_CYCLE] = "cycle",
		[WEIR_EVENT_SYNC_STATE] = "sync-state",
		[WEIR_EVENT_SYNC_STATE_PENDING] = "sync-state-pending",
		[WEIR_EVENT_IOMMU_ADD] = "iommu-add",
		[WEIR_EVENT_IOMMU_DEL] = "iommu-del",
		[WEIR_EVENT_GROUP] = "group",
		[WEIR_EVENT_GROUP_LEAVE] = "group-leave",
		[WEIR_EVENT_FAULT] = "fault",
		[WEIR_EVENT_UNTRANSLATED] = "untranslated",
		[WEIR_EVENT_MODULE_LOAD] = "module-load",
		[WEIR_EVENT_MODULE_UNLOAD] = "module-unload",
		[WEIR_EVENT_NO_MORE_DRIVERS] = "no-more-drivers",
		[WEIR_EVENT_TIMEOUT] = "timeout",
		[WEIR_EVENT_SUSPEND] = "suspend",
		[WEIR_EVENT_RESUME] = "resume",
		[WEIR_EVENT_SHUTDOWN] = "shutdown",
		[WEIR_EVENT_RPM_SUSPEND] = "rpm-suspend",
		[WEIR_EVENT_RPM_RESUME] = "rpm-resume",
		[WEIR_EVENT_NOTE] = "note",
	};

	return (unsigned int)type < WEIR_EVENT_COUNT_ ? names[type] : "?";
}
