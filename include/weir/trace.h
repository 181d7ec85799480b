// SPDX-License-Identifier: MIT
/*
 * The event stream: everything that happens, typed, in one order, each with the
 * event that made it happen. Log, explanations, graphs and tests read it.
 */
#ifndef WEIR_TRACE_H
#define WEIR_TRACE_H

#include "weir/machine.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weir_device;
struct weir_fwnode;
struct weir_link;

enum weir_event_type {
	WEIR_EVENT_DEVICE_ADD,      /* device */
	WEIR_EVENT_DEVICE_DEL,      /* device */
	WEIR_EVENT_DRIVER_ADD,      /* text: driver name */
	WEIR_EVENT_DRIVER_DEL,      /* text: driver name */
	WEIR_EVENT_PROBE,           /* device, text: driver name */
	WEIR_EVENT_BOUND,           /* device, text: driver name */
	WEIR_EVENT_PROBE_FAILED,    /* device, text: driver name, value: error */
	WEIR_EVENT_DEFERRED,        /* device, text: reason or NULL */
	WEIR_EVENT_QUEUED,          /* device: will be tried (again) */
	WEIR_EVENT_REMOVE,          /* device, text: driver name */
	WEIR_EVENT_LINK_ADD,        /* device: consumer, other: supplier, value: flags */
	WEIR_EVENT_LINK_DEL,        /* device: consumer, other: supplier */
	WEIR_EVENT_LINK_STATE,      /* device: consumer, other: supplier, value: state */
	WEIR_EVENT_LINK_RELAXED,    /* device: consumer, other: supplier, value: flags */
	WEIR_EVENT_LINK_REFUSED,    /* device: consumer, other: supplier, value: flags */
	WEIR_EVENT_CYCLE,           /* node: consumer, other_node: supplier */
	WEIR_EVENT_SYNC_STATE,      /* device */
	WEIR_EVENT_SYNC_STATE_PENDING, /* device: supplier, other: consumer */
	WEIR_EVENT_IOMMU_ADD,       /* device */
	WEIR_EVENT_IOMMU_DEL,       /* device */
	WEIR_EVENT_GROUP,           /* device, value: group number */
	WEIR_EVENT_GROUP_LEAVE,     /* device, value: group number */
	WEIR_EVENT_FAULT,           /* device: whose DMA was refused, text: what and why, value: IOVA */
	WEIR_EVENT_UNTRANSLATED,    /* device: goes on without its IOMMU, value: error */
	WEIR_EVENT_MODULE_LOAD,     /* text: name */
	WEIR_EVENT_MODULE_UNLOAD,   /* text: name */
	WEIR_EVENT_NO_MORE_DRIVERS, /* registration is over */
	WEIR_EVENT_TIMEOUT,         /* the deferred probe timer fired */
	WEIR_EVENT_SUSPEND,         /* device, value: result */
	WEIR_EVENT_RESUME,          /* device, value: result */
	WEIR_EVENT_SHUTDOWN,        /* device */
	WEIR_EVENT_RPM_SUSPEND,     /* device, value: result */
	WEIR_EVENT_RPM_RESUME,      /* device, value: result */
	WEIR_EVENT_NOTE,            /* text: from the embedder */
	WEIR_EVENT_COUNT_,
};

struct weir_event {
	uint32_t id;            /* 1, 2, 3, ... */
	uint32_t cause;         /* id of the event that made this happen; 0: from outside */
	enum weir_event_type type;
	int64_t value;
	uint64_t time_ns;       /* host time */
	struct weir_device *device;
	struct weir_device *other;
	struct weir_fwnode *node;
	struct weir_fwnode *other_node;
	const char *text;       /* valid during the call only */
};

/*
 * Gets every event. Context: machine lock held; must not call the library except
 * for functions marked "Context: any". Pointers are valid during the call.
 */
typedef void weir_trace_fn(void *context, const struct weir_event *event);

struct weir_trace {
	weir_trace_fn *fn;
	void *context;
	struct weir_trace *next; /* the library's */
};

/** weir_trace_attach - send events to @trace from now on; the caller keeps the memory. */
void weir_trace_attach(struct weir_machine *m, struct weir_trace *trace);
/** weir_trace_detach - stop it. */
void weir_trace_detach(struct weir_machine *m, struct weir_trace *trace);
/** weir_trace_note - put a remark into the stream. */
void weir_trace_note(struct weir_machine *m, const char *text);
/** weir_event_name - the name of an event type in lower case, such as "device-add". Context: any. */
const char *weir_event_name(enum weir_event_type type);

#ifdef __cplusplus
}
#endif
#endif
