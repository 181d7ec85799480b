// SPDX-License-Identifier: MIT
/*
 * The comparison: a machine's state against a recorded answer. Only the first
 * difference is kept; everything behind it may be its consequence.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conform.h"
#include "kernel/linux/linux.h"

#define PATH 1024

void check_differs(struct conform_check *c, const char *fmt, ...)
{
	va_list args;

	if (c->differs)
		return;
	c->differs = true;
	va_start(args, fmt);
	vsnprintf(c->job->difference, sizeof(c->job->difference), fmt, args);
	va_end(args);
}

static const char *node_path(const struct weir_fwnode *node, char *buf)
{
	if (!node)
		return "";
	weir_fwnode_path(node, buf, PATH);
	return buf;
}

static const char *device_path(const struct weir_device *dev, char *buf)
{
	const struct weir_fwnode *node = weir_device_fwnode(dev);

	if (node)
		return node_path(node, buf);
	snprintf(buf, PATH, "%s", weir_device_name(dev));
	return buf;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "(none)";
}

/* ---- the streams ---- */

static void check_order(struct conform_check *c, json_t *list, size_t at, const char *what,
			const char *path)
{
	const char *theirs = json_string_value(json_array_get(list, at));

	if (!theirs || strcmp(theirs, path))
		check_differs(c, "%s order, entry %zu: Linux has %s, weir has %s", what, at,
			      theirs ? theirs : "no more", path);
}

void check_event(struct conform_check *c, const char *what, const struct weir_device *dev,
		 const char *who)
{
	json_t *event = json_array_get(c->events, c->nr_events);
	const char *e_what = json_string_value(json_array_get(event, 0));
	const char *e_path = json_string_value(json_array_get(event, 1));
	const char *e_who = json_string_value(json_array_get(event, 2));
	char path[PATH];

	device_path(dev, path);
	if (!e_what || !e_path || !e_who)
		check_differs(c, "event %zu: Linux has no more, weir has %s %s (%s)", c->nr_events,
			      what, path, who);
	else if (strcmp(e_what, what) || strcmp(e_path, path) || strcmp(e_who, who))
		check_differs(c, "event %zu: Linux has %s %s (%s), weir has %s %s (%s)",
			      c->nr_events, e_what, e_path, e_who, what, path, who);
	c->nr_events++;
	if (!strcmp(what, "probe"))
		check_order(c, c->probe_order, c->nr_probes++, "probe", path);
	if (!strcmp(what, "add"))
		check_order(c, c->add_order, c->nr_adds++, "addition", path);
}

static const char *next_cycle_line(struct conform_check *c)
{
	while (c->log_at < json_array_size(c->log)) {
		const char *line = json_string_value(json_array_get(c->log, c->log_at++));

		if (line && strstr(line, ": Fixed dependency cycle(s) with "))
			return line;
	}
	return NULL;
}

void check_cycle_message(struct conform_check *c, const struct weir_fwnode *consumer,
			 const struct weir_fwnode *supplier)
{
	const char *theirs = next_cycle_line(c);
	char a[PATH], b[PATH], ours[2 * PATH + 40];

	snprintf(ours, sizeof(ours), "%s: Fixed dependency cycle(s) with %s",
		 node_path(consumer, a), node_path(supplier, b));
	if (!theirs)
		check_differs(c, "cycle message %zu: Linux has none, weir has \"%s\"", c->nr_cycles,
			      ours);
	else if (strcmp(theirs, ours))
		check_differs(c, "cycle message %zu: Linux has \"%s\", weir has \"%s\"",
			      c->nr_cycles, theirs, ours);
	c->nr_cycles++;
}

/* ---- devices ---- */

static void check_text(struct conform_check *c, const char *path, const json_t *theirs,
		       const char *key, const char *ours)
{
	const char *t = json_string_value(json_object_get(theirs, key));

	if (!t != !ours || (t && strcmp(t, ours)))
		check_differs(c, "device %s: %s: Linux has %s, weir has %s", path, key,
			      t ? t : "none", ours ? ours : "none");
}

static void check_bool(struct conform_check *c, const char *path, const json_t *theirs,
		       const char *key, bool ours)
{
	if (json_is_true(json_object_get(theirs, key)) != ours)
		check_differs(c, "device %s: %s: Linux has %s, weir has %s", path, key,
			      ours ? "false" : "true", ours ? "true" : "false");
}

static const char *maybe_word(int v)
{
	return v < 0 ? "none" : v ? "true" : "false";
}

static void check_waiting(struct conform_check *c, const char *path, const json_t *theirs,
			  const struct weir_device *dev)
{
	json_t *t = json_object_get(theirs, "waiting_for_supplier");
	int expect = json_is_boolean(t) ? json_is_true(t) : -1;
	int ours = weir_linux_waiting_for_supplier(dev);

	if (ours < 0)
		ours = -1;
	if (expect != ours)
		check_differs(c, "device %s: waiting_for_supplier: Linux has %s, weir has %s", path,
			      maybe_word(expect), maybe_word(ours));
}

static void check_group(struct conform_check *c, const char *path, const json_t *theirs,
			const struct weir_device *dev)
{
	json_t *t = json_object_get(theirs, "group");
	int expect = json_is_integer(t) ? (int)json_integer_value(t) : -1;
	int ours = weir_device_group(dev);

	if (ours < 0)
		ours = -1;
	if (expect != ours)
		check_differs(c, "device %s: group: Linux has %d, weir has %d (-1: none)", path,
			      expect, ours);
}

static const char *const status_words[] = { "no-driver", "probing", "bound", "unbinding" };

static void check_device(struct conform_check *c, const json_t *theirs,
			 const struct weir_device *dev)
{
	const struct weir_driver *drv = weir_device_driver(dev);
	const struct weir_device *parent = weir_device_parent(dev);
	char path[PATH], parent_path[PATH];

	device_path(dev, path);
	if (strcmp(text_of(theirs, "path"), path)) {
		check_differs(c, "devices: Linux has %s where weir has %s", text_of(theirs, "path"),
			      path);
		return;
	}
	check_text(c, path, theirs, "name", weir_device_name(dev));
	check_text(c, path, theirs, "bus", weir_bus_name(weir_device_bus(dev)));
	check_text(c, path, theirs, "driver", drv ? drv->name : NULL);
	check_bool(c, path, theirs, "deferred", weir_linux_is_deferred(dev));
	check_text(c, path, theirs, "reason", weir_device_reason(dev));
	check_waiting(c, path, theirs, dev);
	check_group(c, path, theirs, dev);
	check_bool(c, path, theirs, "can_match", weir_linux_can_match(dev));
	check_text(c, path, theirs, "links_status", status_words[weir_device_status_get(dev)]);
	check_bool(c, path, theirs, "state_synced", weir_linux_state_synced(dev));
	check_text(c, path, theirs, "parent",
		   parent && weir_device_fwnode(parent) ? device_path(parent, parent_path) : NULL);
}

/* ---- links ---- */

static const struct {
	uint32_t bit;
	const char *name;
} flag_names[] = {
	{ WEIR_LINK_STATELESS, "stateless" },
	{ WEIR_LINK_AUTOREMOVE_CONSUMER, "autoremove_consumer" },
	{ WEIR_LINK_PM_RUNTIME, "pm_runtime" },
	{ WEIR_LINK_AUTOREMOVE_SUPPLIER, "autoremove_supplier" },
	{ WEIR_LINK_AUTOPROBE, "autoprobe" },
	{ WEIR_LINK_MANAGED, "managed" },
	{ WEIR_LINK_SYNC_STATE_ONLY, "sync_state_only" },
	{ WEIR_LINK_INFERRED, "inferred" },
	{ WEIR_LINK_CYCLE, "cycle" },
};

#define N_FLAGS (sizeof(flag_names) / sizeof(flag_names[0]))

static bool lists(const json_t *array, const char *name)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *s = json_string_value(json_array_get(array, i));

		if (s && !strcmp(s, name))
			return true;
	}
	return false;
}

static void check_flag(struct conform_check *c, const char *what, const char *con, const char *sup,
		       const json_t *flags, const char *name, bool ours)
{
	bool theirs = lists(flags, name);

	if (theirs != ours)
		check_differs(c, "%s %s -> %s: Linux has %s%s, weir has %s%s", what, con, sup,
			      theirs ? "" : "no ", name, ours ? "" : "no ", name);
}

static void check_link(struct conform_check *c, const json_t *theirs, const struct weir_link *link)
{
	static const char *const states[] = {
		"none", "dormant", "available", "consumer probe", "active", "supplier unbind",
	};
	const json_t *flags = json_object_get(theirs, "flags");
	const char *state = states[weir_link_state_get(link)];
	size_t known = 0;
	char con[PATH], sup[PATH];

	device_path(weir_link_consumer(link), con);
	device_path(weir_link_supplier(link), sup);
	if (strcmp(text_of(theirs, "consumer"), con) || strcmp(text_of(theirs, "supplier"), sup)) {
		check_differs(c, "links: Linux has %s -> %s where weir has %s -> %s",
			      text_of(theirs, "consumer"), text_of(theirs, "supplier"), con, sup);
		return;
	}
	if (strcmp(text_of(theirs, "status"), state))
		check_differs(c, "link %s -> %s: Linux has status %s, weir has %s", con, sup,
			      text_of(theirs, "status"), state);
	for (size_t i = 0; i < N_FLAGS; i++) {
		known += lists(flags, flag_names[i].name);
		check_flag(c, "link", con, sup, flags, flag_names[i].name,
			   weir_link_flags(link) & flag_names[i].bit);
	}
	if (known != json_array_size(flags))
		check_differs(c, "link %s -> %s: Linux has a flag that weir does not know", con,
			      sup);
}

static void check_links(struct conform_check *c, const json_t *links)
{
	struct weir_device *dev;
	struct weir_link *link;
	size_t n = 0;

	for (dev = weir_device_first(c->m); dev && !c->differs; dev = weir_device_next(dev)) {
		for (link = weir_link_first(dev); link && !c->differs; link = weir_link_next(link)) {
			const json_t *theirs = json_array_get(links, n++);
			char con[PATH], sup[PATH];

			if (theirs)
				check_link(c, theirs, link);
			else
				check_differs(c, "link %s -> %s: Linux has none, weir has one",
					      device_path(dev, con),
					      device_path(weir_link_supplier(link), sup));
		}
	}
	if (n < json_array_size(links)) {
		const json_t *theirs = json_array_get(links, n);

		check_differs(c, "link %s -> %s: Linux has one, weir has none",
			      text_of(theirs, "consumer"), text_of(theirs, "supplier"));
	}
}

/* ---- firmware nodes ---- */

static void check_fwlink(struct conform_check *c, const json_t *theirs,
			 const struct weir_fwlink *fwlink)
{
	const json_t *flags = json_object_get(theirs, "flags");
	uint32_t ours = weir_fwlink_flags(fwlink);
	char con[PATH], sup[PATH];

	node_path(weir_fwlink_consumer(fwlink), con);
	node_path(weir_fwlink_supplier(fwlink), sup);
	if (!theirs || strcmp(text_of(theirs, "consumer"), con) ||
	    strcmp(text_of(theirs, "supplier"), sup)) {
		check_differs(c, "node links: Linux has %s -> %s where weir has %s -> %s",
			      text_of(theirs, "consumer"), text_of(theirs, "supplier"), con, sup);
		return;
	}
	check_flag(c, "node link", con, sup, flags, "cycle", ours & WEIR_FWLINK_CYCLE);
	check_flag(c, "node link", con, sup, flags, "ignore", ours & WEIR_FWLINK_IGNORE);
}

static void check_fwlinks(struct conform_check *c, const json_t *list)
{
	struct weir_fwnode *node;
	struct weir_fwlink *fwlink;
	size_t n = 0;

	for (node = weir_fwnode_root(c->m); node && !c->differs; node = weir_fwnode_next(node))
		for (fwlink = weir_fwlink_first(node); fwlink && !c->differs;
		     fwlink = weir_fwlink_next(fwlink))
			check_fwlink(c, json_array_get(list, n++), fwlink);
	if (n < json_array_size(list)) {
		const json_t *theirs = json_array_get(list, n);

		check_differs(c, "node link %s -> %s: Linux has one, weir has none",
			      text_of(theirs, "consumer"), text_of(theirs, "supplier"));
	}
}

static const struct {
	uint32_t bit;
	const char *name;
} node_flags[] = {
	{ WEIR_FWNODE_NOT_DEVICE, "not_device" },
	{ WEIR_FWNODE_INITIALIZED, "initialized" },
	{ WEIR_FWNODE_NEEDS_CHILD, "needs_child_bound_on_add" },
	{ WEIR_FWNODE_BEST_EFFORT, "best_effort" },
};

#define NODE_FLAGS (WEIR_FWNODE_NOT_DEVICE | WEIR_FWNODE_INITIALIZED | WEIR_FWNODE_NEEDS_CHILD | \
		    WEIR_FWNODE_BEST_EFFORT)

static void check_fwnodes(struct conform_check *c, const json_t *list)
{
	struct weir_fwnode *node;
	size_t n = 0;

	for (node = weir_fwnode_root(c->m); node && !c->differs; node = weir_fwnode_next(node)) {
		uint32_t ours = weir_fwnode_flags(node) & NODE_FLAGS;
		const json_t *theirs;
		char path[PATH];

		if (!ours)
			continue;
		theirs = json_array_get(list, n++);
		node_path(node, path);
		if (strcmp(text_of(theirs, "path"), path)) {
			check_differs(c, "flagged nodes: Linux has %s where weir has %s",
				      text_of(theirs, "path"), path);
			return;
		}
		for (size_t i = 0; i < sizeof(node_flags) / sizeof(node_flags[0]); i++)
			check_flag(c, "node", path, "flags", json_object_get(theirs, "flags"),
				   node_flags[i].name, ours & node_flags[i].bit);
	}
	if (n < json_array_size(list))
		check_differs(c, "node %s: Linux has flags, weir has none",
			      text_of(json_array_get(list, n), "path"));
}

/* ---- phases ---- */

static void check_devices(struct conform_check *c, const json_t *devices)
{
	struct weir_device *dev;
	size_t n = 0;

	for (dev = weir_device_first(c->m); dev && !c->differs; dev = weir_device_next(dev))
		check_device(c, json_array_get(devices, n++), dev);
	if (n < json_array_size(devices))
		check_differs(c, "device %s: Linux has it, weir does not",
			      text_of(json_array_get(devices, n), "path"));
}

void check_phase(struct conform_check *c, const char *label)
{
	json_t *phases = json_object_get(c->answer, "phases");
	json_t *phase = json_array_get(phases, c->phase);
	bool last = c->phase + 1 == json_array_size(phases);
	const json_t *lists_of = last ? c->answer : phase;

	c->phase++;
	if (c->differs)
		return;
	if (!phase || strcmp(text_of(phase, "label"), label)) {
		check_differs(c, "phase %s: the answer has %s in its place", label,
			      phase ? text_of(phase, "label") : "none");
		return;
	}
	if ((size_t)json_integer_value(json_object_get(phase, "events")) != c->nr_events ||
	    (size_t)json_integer_value(json_object_get(phase, "probes")) != c->nr_probes)
		check_differs(c, "phase %s: Linux has %lld events and %lld probes, weir %zu and %zu",
			      label, (long long)json_integer_value(json_object_get(phase, "events")),
			      (long long)json_integer_value(json_object_get(phase, "probes")),
			      c->nr_events, c->nr_probes);
	if (!c->differs)
		check_devices(c, json_object_get(lists_of, "devices"));
	if (!c->differs)
		check_links(c, json_object_get(lists_of, "links"));
	if (!c->differs)
		check_fwlinks(c, json_object_get(lists_of, "fwlinks"));
	if (!c->differs)
		check_fwnodes(c, json_object_get(lists_of, "fwnodes"));
	if (c->differs) {
		char text[sizeof(c->job->difference)];

		snprintf(text, sizeof(text), "%s", c->job->difference);
		snprintf(c->job->difference, sizeof(c->job->difference), "phase %.60s: %.500s",
			 label, text);
	}
}

void check_end(struct conform_check *c)
{
	const char *line;

	if (c->phase < json_array_size(json_object_get(c->answer, "phases")))
		check_differs(c, "the script ended before phase %s",
			      text_of(json_array_get(json_object_get(c->answer, "phases"), c->phase),
				      "label"));
	if (c->nr_events < json_array_size(c->events))
		check_differs(c, "event %zu: Linux has one more, weir has none", c->nr_events);
	if (c->nr_probes != json_array_size(c->probe_order))
		check_differs(c, "Linux has %zu probes, weir has %zu",
			      json_array_size(c->probe_order), c->nr_probes);
	if (c->nr_adds != json_array_size(c->add_order))
		check_differs(c, "Linux has %zu additions, weir has %zu",
			      json_array_size(c->add_order), c->nr_adds);
	line = next_cycle_line(c);
	if (line)
		check_differs(c, "cycle message %zu: Linux has \"%s\", weir has none", c->nr_cycles,
			      line);
}
