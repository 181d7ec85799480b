// SPDX-License-Identifier: MIT
/* Runs as JSON; the schema is docs/json.md. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "weir.h"

static json_t *path_of(const struct weir_device *dev)
{
	char path[1024];

	if (!dev)
		return json_null();
	if (!weir_device_fwnode(dev))
		return json_string(weir_device_name(dev));
	weir_fwnode_path(weir_device_fwnode(dev), path, sizeof(path));
	return json_string(path);
}

static json_t *node_path(const struct weir_fwnode *node)
{
	char path[1024];

	if (!node)
		return json_null();
	weir_fwnode_path(node, path, sizeof(path));
	return json_string(path);
}

static json_t *paths(struct weir_device **list, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, path_of(list[i]));
	return array;
}

static json_t *json_of_cause(const struct run *r, const struct cause *c)
{
	char what[600], fix[400], basis[200];

	cause_what(r, c, what, sizeof(what));
	cause_fix(r, c, fix, sizeof(fix));
	cause_basis(r, c, basis, sizeof(basis));
	return json_pack("{s:s, s:o, s:o, s:s, s:s, s:s, s:s?, s:o, s:o}",
			 "kind", cause_kind_name(c->kind), "device", path_of(c->root.device),
			 "node", node_path(c->root.node), "what", what,
			 "basis", basis, "fix", fix, "property", c->root.property,
			 "waiting", paths(c->waiting, c->nr_waiting),
			 "late", paths(c->late, c->nr_late));
}

static json_t *json_of_device(struct weir_device *dev)
{
	const struct weir_driver *drv = weir_device_driver(dev);
	struct weir_why why, root;
	enum weir_verdict v = weir_device_verdict(dev, &why);
	int group = weir_device_group(dev);

	weir_device_root_cause(dev, &root);
	return json_pack("{s:o, s:s, s:s, s:s?, s:s, s:o, s:s?, s:s?, s:o}",
			 "path", path_of(dev), "name", weir_device_name(dev),
			 "bus", weir_bus_name(weir_device_bus(dev)),
			 "driver", drv ? drv->name : NULL, "verdict", weir_verdict_name(v),
			 "root", v == WEIR_VERDICT_BOUND ? json_null() : path_of(root.device),
			 "property", why.property, "reason", why.reason,
			 "group", group < 0 ? json_null() : json_integer(group));
}

static json_t *json_of_devices(struct run *r)
{
	json_t *array = json_array();
	struct weir_device *dev;

	for (dev = weir_device_first(r->m); dev; dev = weir_device_next(dev))
		json_array_append_new(array, json_of_device(dev));
	return array;
}

json_t *json_of_findings(const struct run *r)
{
	json_t *array = json_array();

	for (size_t i = 0; i < r->nr_findings; i++)
		json_array_append_new(array, json_string(r->findings[i]));
	return array;
}

json_t *json_of_run(struct run *r, const struct causes *c)
{
	const char *basis = r->o->drivers ? "drivers" : r->assumed ? "assumed" : "kernel";
	json_t *list = json_array();

	for (size_t i = 0; i < c->n; i++)
		json_array_append_new(list, json_of_cause(r, &c->items[i]));
	return json_pack(
		"{s:i, s:o, s:s, s:s, s:s, s:s?, s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I}, s:o, s:o, "
		"s:o, s:o, s:o, s:n}",
		"version", 1, "board", json_text(r->board), "model", board_model(r),
		"profile", weir_machine_policy_name(r->m), "basis", basis,
		"kernel", r->kernel ? r->kernel->version : NULL,
		"counts",
		"devices", (json_int_t)c->devices, "bound", (json_int_t)c->bound,
		"waiting", (json_int_t)c->waiting, "failed", (json_int_t)c->failed,
		"late", (json_int_t)c->late, "no_driver", (json_int_t)c->no_driver,
		"not_loaded", (json_int_t)c->not_loaded,
		"causes", list, "untranslated", paths(c->untranslated, c->nr_untranslated),
		"idle", paths(c->idle, c->nr_idle), "findings", json_of_findings(r),
		"devices", json_of_devices(r), "initramfs");
}

json_t *json_of_verdicts(struct run *r)
{
	json_t *object = json_object();
	struct weir_device *dev;

	for (dev = weir_device_first(r->m); dev; dev = weir_device_next(dev)) {
		json_t *path = path_of(dev);
		enum weir_verdict v = weir_device_verdict(dev, NULL);

		json_object_set_new(object, json_string_value(path),
				    json_string(weir_verdict_name(v)));
		json_decref(path);
	}
	return object;
}

/* ---- the event log ---- */

json_t *json_of_event(const struct record_event *e)
{
	return json_pack("{s:I, s:I, s:I, s:s, s:o, s:o, s:s?, s:I}",
			 "id", (json_int_t)e->id, "cause", (json_int_t)e->cause,
			 "ns", (json_int_t)e->time_ns, "event", weir_event_name(e->type),
			 "subject", e->device ? path_of(e->device) : node_path(e->node),
			 "object", e->other ? path_of(e->other) : node_path(e->other_node),
			 "text", e->text, "value", (json_int_t)e->value);
}

static json_t *strings(const struct list *l)
{
	json_t *array = json_array();

	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(array, json_string(l->item[i]));
	return array;
}

/* The driver list as text, so that a replay needs no kernel nor its firmware. */
static json_t *driver_lines(struct run *r)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	json_t *s;

	if (!f)
		return json_null();
	for (size_t i = 0; i < r->firmware.n; i++) {
		char path[1024];

		if (r->firmware.items[i].effect != FIRMWARE_FAILS)
			continue;
		weir_fwnode_path(weir_device_fwnode(r->firmware.items[i].device), path, sizeof(path));
		fprintf(f, "!fail %s\n", path);
	}
	weir_driver_list_write(f, r->list);
	fclose(f);
	s = json_stringn(text, size);
	free(text);
	return s;
}

/* FNV-1a of the unpacked contents: enough to see that a file is another one. */
static uint64_t checksum(const struct weir_bytes *bytes)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < bytes->size; i++)
		h = (h ^ bytes->data[i]) * 0x100000001b3u;
	return h;
}

int input_identity(const char *path, char *buf, size_t bytes)
{
	struct weir_bytes data = { 0 };
	char what[600];

	if (read_plain(path, &data, what, sizeof(what)))
		return complain("%s", what);
	snprintf(buf, bytes, "%zu bytes, fnv1a %016llx", data.size,
		 (unsigned long long)checksum(&data));
	weir_bytes_fini(&data);
	return 0;
}

static void add_input(json_t *object, const char *path)
{
	char identity[64];

	if (path && !input_identity(path, identity, sizeof(identity)))
		json_object_set_new(object, path, json_string(identity));
}

/* Every file that a replay reads again. */
static json_t *inputs(const struct run *r)
{
	json_t *object = json_object();

	add_input(object, r->board);
	for (size_t i = 0; i < r->o->overlays.n; i++)
		add_input(object, r->o->overlays.item[i]);
	for (size_t i = 0; i < r->o->load.n; i++)
		add_input(object, r->o->load.item[i]);
	add_input(object, r->o->initramfs);
	for (size_t i = 0; i < r->o->more_initramfs.n; i++)
		add_input(object, r->o->more_initramfs.item[i]);
	return object;
}

static json_t *header(struct run *r)
{
	const struct opts *o = r->o;

	return json_pack(
		"{s:s, s:i, s:o, s:o, s:s?, s:o, s:o, s:o, s:s?, s:o, s:s, s:s, s:I, s:I, s:f, "
		"s:{s:i, s:b, s:b, s:i}, s:o}",
		"weir", "events", "version", 1, "board", json_text(r->board),
		"inputs", inputs(r), "kernel", r->kernel ? r->kernel->version : NULL,
		"overlays", strings(&o->overlays), "load", strings(&o->load),
		"deny", strings(&o->deny), "initramfs", o->initramfs,
		"more_initramfs", strings(&o->more_initramfs),
		"profile", o->profile == PROFILE_WEIR ? "weir" : "linux-6.12",
		"scenario", o->scenario, "probe_ns", (json_int_t)o->probe_ns,
		"root_ms", (json_int_t)o->root_ms, "until", o->until_s,
		"linux", "fw_devlink", (int)o->linux_args.fw_devlink,
		"strict", (int)o->linux_args.fw_devlink_strict,
		"sync_state_timeout", (int)o->linux_args.sync_state_timeout,
		"timeout", o->linux_args.deferred_probe_timeout,
		"drivers", driver_lines(r));
}

static void dump_line(FILE *f, json_t *object)
{
	json_dumpf(object, f, JSON_COMPACT);
	fputc('\n', f);
	json_decref(object);
}

int write_events(struct run *r, const struct causes *c, const char *path)
{
	FILE *f = fopen(path, "w");
	int failed;

	(void)c;
	if (!f)
		return complain("%s: %s", path, strerror(errno));
	dump_line(f, header(r));
	for (size_t i = 0; i < r->record.n; i++)
		dump_line(f, json_of_event(&r->record.events[i]));
	dump_line(f, json_pack("{s:o}", "verdicts", json_of_verdicts(r)));
	failed = ferror(f);
	if (fclose(f) || failed)
		return complain("%s: %s", path, strerror(errno));
	return 0;
}
