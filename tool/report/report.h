// SPDX-License-Identifier: MIT
/*
 * What the report, the timeline and the graph are made of: a run, its causes, and numbers
 * for its devices.
 */
#ifndef WEIR_TOOL_REPORT_H
#define WEIR_TOOL_REPORT_H

#include "measured.h"
#include "weir.h"

enum report_state { REPORT_UP, REPORT_WAITING, REPORT_FAILED, REPORT_NO_DRIVER, REPORT_PLAIN };

struct report {
	struct run *r;
	const struct weir_bootlog *log; /* of the board itself; NULL: none is known */
	const char *log_path;
	struct causes causes;
	struct weir_device **devices; /* in order of addition */
	size_t n;
	struct report_place *places;  /* of the same, by address */
	size_t *first_event;          /* of each device in events, and the end */
	size_t *events;               /* of r->record, by device, then in order */
};

/* Return: 0; WEIR_ENOMEM. */
int report_open(struct report *p, struct run *r, const struct weir_bootlog *log);
void report_close(struct report *p);
/* The number of a device; negative: it has none. */
long report_index(const struct report *p, const struct weir_device *dev);
enum report_state report_state_of(const struct report *p, struct weir_device *dev);
const char *report_state_name(enum report_state state);
/* Its verdict in words. */
void report_words(const struct report *p, struct weir_device *dev, char *buf, size_t bytes);
/* Virtual time of its last bind; negative: never. */
long long report_bound_ns(const struct report *p, size_t device);
/* What the log has of a device. Return: whether that is anything. */
bool report_measured(const struct report *p, size_t device, struct measured *out);
/* "words; measured slack 1.234 s"; without slack, words alone. */
void report_words_slack(const struct report *p, size_t device, char *buf, size_t bytes);
/* When the run ends: of the last event, or the timeout. */
uint64_t report_end_ns(const struct report *p);
/* The device that a node belongs to: its own, or that of the next one above. Or NULL. */
struct weir_device *report_device_of(const struct weir_fwnode *node);

/* report_json.c, report_html.c, timeline_svg.c, timeline_trace.c, graph_dot.c */
json_t *report_json(const struct report *p);
int report_html(const struct report *p, FILE *f);
int timeline_svg(const struct report *p, FILE *f);
int timeline_trace(const struct report *p, FILE *f);
/* @only: that device, what it needs and what needs it; NULL: all. */
int graph_dot(const struct report *p, struct weir_device *only, FILE *f);

#endif
