// SPDX-License-Identifier: MIT
/* The data of the report (docs/json.md, "The report"). */
#include "report.h"

#include <string.h>

static json_t *index_of(const struct report *p, const struct weir_device *dev)
{
	long i = report_index(p, dev);

	return i < 0 ? json_null() : json_integer(i);
}

static json_t *indexes(const struct report *p, struct weir_device **list, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, index_of(p, list[i]));
	return array;
}

/* ---- what a device needs ---- */

/* Suppliers that are devices, then those that are only nodes yet. */
static json_t *suppliers(const struct report *p, const struct weir_device *dev)
{
	const struct weir_fwnode *node = weir_device_fwnode(dev);
	json_t *array = json_array();
	const struct weir_link *link;
	const struct weir_fwlink *fwlink = node ? weir_fwlink_first(node) : NULL;

	for (link = weir_link_first(dev); link; link = weir_link_next(link))
		json_array_append_new(array, json_pack(
			"{s:o, s:n, s:s?, s:b}", "device", index_of(p, weir_link_supplier(link)),
			"node", "property", weir_link_property(link), "weak",
			!!(weir_link_flags(link) & WEIR_LINK_SYNC_STATE_ONLY)));
	for (; fwlink; fwlink = weir_fwlink_next(fwlink)) {
		const struct weir_fwnode *sup = weir_fwlink_supplier(fwlink);
		uint32_t flags = weir_fwlink_flags(fwlink);
		char path[1024];

		if (flags & WEIR_FWLINK_IGNORE)
			continue;
		json_array_append_new(array, json_pack(
			"{s:o, s:s, s:s?, s:b}", "device",
			index_of(p, weir_fwnode_device(sup)), "node",
			path_words(sup, path, sizeof(path)), "property",
			weir_fwlink_property(fwlink), "weak", !!(flags & WEIR_FWLINK_CYCLE)));
	}
	return array;
}

static json_t *iommus(const struct report *p, const struct weir_device *dev)
{
	const struct weir_fwnode *node = weir_device_fwnode(dev);
	json_t *array = json_array();
	struct weir_fwspec spec;

	for (unsigned int i = 0;
	     node && !weir_firmware_spec((struct weir_fwnode *)(uintptr_t)node, i, &spec); i++) {
		long at = report_index(p, weir_fwnode_device(spec.target));
		bool known = at < 0;

		for (size_t j = 0; !known && j < json_array_size(array); j++)
			known = json_integer_value(json_array_get(array, j)) == at;
		if (!known)
			json_array_append_new(array, json_integer(at));
	}
	return array;
}

/* ---- what became of it ---- */

static json_t *chain(const struct report *p, struct weir_device *dev)
{
	json_t *array = json_array();
	struct weir_device *at = dev;
	struct weir_why why;
	char words[500], path[512];

	for (unsigned int depth = 0; at && depth < 64; depth++) {
		if (weir_device_verdict(at, &why) == WEIR_VERDICT_BOUND)
			break;
		why_words(&why, words, sizeof(words));
		json_array_append_new(array, json_pack(
			"{s:o, s:s, s:s}", "device", index_of(p, at), "name",
			weir_device_name(at), "words", words));
		if (why.node && !why.next)
			json_array_append_new(array, json_pack(
				"{s:n, s:s, s:s}", "device", "name",
				path_words(why.node, path, sizeof(path)), "words",
				node_problem(why.node, words, sizeof(words)) ? words : ""));
		at = why.next == dev ? NULL : why.next;
	}
	return array;
}

static bool is_in(struct weir_device **list, size_t n, const struct weir_device *dev)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == dev)
			return true;
	return false;
}

static json_t *cause_of(const struct report *p, const struct weir_device *dev, bool *out_late)
{
	*out_late = false;
	for (size_t i = 0; i < p->causes.n; i++) {
		const struct cause *c = &p->causes.items[i];

		*out_late = is_in(c->late, c->nr_late, dev);
		if (*out_late || is_in(c->waiting, c->nr_waiting, dev) || c->root.device == dev)
			return json_integer((json_int_t)i);
	}
	return json_null();
}

static bool same_words(const struct record_event *a, const struct record_event *b)
{
	return a->type == b->type && !strcmp(a->text ? a->text : "", b->text ? b->text : "");
}

/* Deferred again for the same reason is told once. */
static json_t *events(const struct report *p, size_t device)
{
	const struct record_event *all = p->r->record.events, *last = NULL;
	json_t *array = json_array();
	char words[600];

	for (size_t i = p->first_event[device]; i < p->first_event[device + 1]; i++) {
		const struct record_event *e = &all[p->events[i]];

		if (e->type == WEIR_EVENT_DEFERRED && last && same_words(e, last))
			continue;
		if (e->type == WEIR_EVENT_DEFERRED)
			last = e;
		event_words(e, words, sizeof(words));
		json_array_append_new(array, json_pack(
			"{s:I, s:I, s:s, s:s}", "id", (json_int_t)e->id, "ns",
			(json_int_t)e->time_ns, "event", weir_event_name(e->type), "words", words));
	}
	return array;
}

static const char *iommu_state(const struct report *p, const struct weir_device *dev, json_t *of)
{
	if (is_in(p->causes.untranslated, p->causes.nr_untranslated, dev))
		return "untranslated";
	return json_array_size(of) && weir_device_status_get(dev) == WEIR_DEVICE_BOUND ? "translated"
										     : "none";
}

/* ---- what the board's own log measured ---- */

static json_t *known_integer(int64_t v)
{
	return v == MEASURED_UNKNOWN ? json_null() : json_integer(v);
}

static json_t *json_of_times(const struct measured *m)
{
	return json_pack("{s:o, s:o, s:o}", "deferred_ns", known_integer(m->deferred_ns), "bound_ns",
			 known_integer(m->bound_ns), "probe_us", known_integer(m->probe_us));
}

static json_t *seconds(double v)
{
	return v < 0 ? json_null() : json_integer((json_int_t)(v * 1e9));
}

/* Devices that the log leaves in a state, by name; of the prediction they may be anything. */
static json_t *logged_as(const struct weir_bootlog *log, enum weir_bootlog_state state)
{
	json_t *names = json_array();

	for (size_t i = 0; i < log->device_count; i++)
		if (log->devices[i].state == state)
			json_array_append_new(names, json_text(log->devices[i].name));
	return names;
}

static json_t *json_of_measured(const struct report *p)
{
	size_t bound = 0, slack = 0;
	struct measured m;

	if (!p->log)
		return json_null();
	for (size_t i = 0; i < p->n; i++) {
		report_measured(p, i, &m);
		bound += m.bound_ns != MEASURED_UNKNOWN;
		slack += m.slack_ns != MEASURED_UNKNOWN;
	}
	return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:s?, s:o, s:o}", "file", json_text(p->log_path),
			 "kernel", json_text(p->log->version),
			 "timeout_ns", seconds(p->log->timeout_at), "end_ns", seconds(p->log->end),
			 "bound", (json_int_t)bound, "slack", (json_int_t)slack,
			 "problem", slack ? NULL : measured_problem(p->log) ? measured_problem(p->log)
					  : "the devices that waited are not on this tree",
			 "deferred", logged_as(p->log, WEIR_BOOTLOG_DEFERRED), "failed",
			 logged_as(p->log, WEIR_BOOTLOG_FAILED));
}

static json_t *json_of_device(const struct report *p, size_t i)
{
	struct weir_device *dev = p->devices[i];
	const struct weir_fwnode *node = weir_device_fwnode(dev);
	const struct weir_driver *drv = weir_device_driver(dev);
	const char *compatible = node ? weir_fwnode_compatible(node, 0) : NULL;
	long long bound = report_bound_ns(p, i);
	json_t *of = iommus(p, dev);
	char path[1024], words[500];
	struct measured m;
	bool late, measured = report_measured(p, i, &m);
	json_t *cause = cause_of(p, dev, &late);

	if (node)
		path_words(node, path, sizeof(path));
	report_words(p, dev, words, sizeof(words));
	return json_pack(
		"{s:s, s:s, s:s?, s:s, s:s?, s:s, s:s, s:b, s:s, s:o, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"path", node ? path : weir_device_name(dev), "name", weir_device_name(dev),
		"compatible", compatible, "bus", weir_bus_name(weir_device_bus(dev)),
		"driver", drv ? drv->name : NULL,
		"state", report_state_name(report_state_of(p, dev)), "words", words,
		"late", (int)late, "iommu", iommu_state(p, dev, of), "iommus", of,
		"group", weir_device_group_key(dev),
		"bound_ns", bound < 0 ? json_null() : json_integer(bound), "slack_ns",
		known_integer(m.slack_ns), "measured", measured ? json_of_times(&m) : json_null(),
		"cause", cause, "chain", chain(p, dev), "suppliers", suppliers(p, dev),
		"events", events(p, i));
}

/* ---- all of it ---- */

static json_t *json_of_cause(const struct report *p, const struct cause *c)
{
	bool is_device = c->kind != CAUSE_NODE && c->kind != CAUSE_CIRCLE;
	char what[600], fix[400], basis[200];

	cause_what(p->r, c, what, sizeof(what));
	cause_fix(p->r, c, fix, sizeof(fix));
	cause_basis(p->r, c, basis, sizeof(basis));
	return json_pack("{s:o, s:s, s:s, s:s, s:o, s:o}", "device",
			 is_device ? index_of(p, c->root.device) : json_null(),
			 "what", what, "fix", fix, "basis", basis, "waiting", indexes(p, c->waiting, c->nr_waiting), "late",
			 indexes(p, c->late, c->nr_late));
}

/* Devices that others name as their IOMMU, each once. */
static json_t *all_iommus(json_t *devices)
{
	json_t *array = json_array(), *dev, *of;
	size_t i, j;

	json_array_foreach(devices, i, dev) {
		json_array_foreach(json_object_get(dev, "iommus"), j, of) {
			bool known = false;

			for (size_t k = 0; !known && k < json_array_size(array); k++)
				known = json_equal(json_array_get(array, k), of);
			if (!known)
				json_array_append(array, of);
		}
	}
	return array;
}

json_t *report_json(const struct report *p)
{
	const struct causes *c = &p->causes;
	json_t *devices = json_array(), *list = json_array(), *of;
	const char *slash = strrchr(p->r->board, '/');
	int timeout = p->r->o->linux_args.deferred_probe_timeout;

	for (size_t i = 0; i < p->n; i++)
		json_array_append_new(devices, json_of_device(p, i));
	for (size_t i = 0; i < c->n; i++)
		json_array_append_new(list, json_of_cause(p, &c->items[i]));
	of = all_iommus(devices);
	return json_pack(
		"{s:i, s:s, s:s, s:s?, s:s, s:s, s:o, s:o, s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I}, s:o, s:o, "
		"s:o, s:o, s:o, s:o}",
		"version", 1, "model", board_model(p->r), "board", slash ? slash + 1 : p->r->board,
		"kernel", p->r->kernel ? p->r->kernel->version : NULL,
		"basis", p->r->o->drivers ? "drivers" : p->r->assumed ? "assumed" : "kernel",
		"profile", weir_machine_policy_name(p->r->m),
		"timeout_ns", p->r->timeout_event && timeout > 0
				      ? json_integer((json_int_t)timeout * 1000000000) : json_null(),
		"measured", json_of_measured(p),
		"counts", "devices", (json_int_t)c->devices, "bound", (json_int_t)c->bound,
		"waiting", (json_int_t)c->waiting, "failed", (json_int_t)c->failed,
		"late", (json_int_t)c->late, "no_driver", (json_int_t)c->no_driver,
		"not_loaded", (json_int_t)c->not_loaded,
		"causes", list, "untranslated", indexes(p, c->untranslated, c->nr_untranslated),
		"idle", indexes(p, c->idle, c->nr_idle), "findings", json_of_findings(p->r), "iommus", of, "devices", devices);
}
