// SPDX-License-Identifier: MIT
/*
 * Devices, nodes and causes in words. Everything is written into the caller's
 * buffer and cut there.
 */
#include <string.h>

#include "weir.h"

const char *path_words(const struct weir_fwnode *node, char *buf, size_t bytes)
{
	if (!weir_fwnode_path(node, buf, bytes))
		snprintf(buf, bytes, "/");
	return buf;
}

/* Not the path: the name with its address, and what it is. */
const char *node_words(const struct weir_fwnode *node, char *buf, size_t bytes)
{
	const char *compatible = weir_fwnode_compatible(node, 0);

	snprintf(buf, bytes, "%s%s%s%s", *weir_fwnode_name(node) ? weir_fwnode_name(node) : "/",
		 compatible ? " (" : "", compatible ? compatible : "", compatible ? ")" : "");
	return buf;
}

const char *device_words(const struct weir_device *dev, char *buf, size_t bytes)
{
	const struct weir_fwnode *node = weir_device_fwnode(dev);

	if (node)
		return node_words(node, buf, bytes);
	snprintf(buf, bytes, "%s", weir_device_name(dev));
	return buf;
}

const char *board_model(const struct run *r)
{
	const void *value;
	size_t bytes;

	if (weir_fwnode_property(weir_fwnode_root(r->m), "model", &value, &bytes) || !bytes ||
	    ((const char *)value)[bytes - 1])
		return "(no model)";
	return value;
}

const char *cause_kind_name(enum cause_kind kind)
{
	static const char *const names[] = {
		"no-driver", "not-loaded", "no-device", "failed", "driver-defers", "circle",
		"other",
	};

	return names[kind];
}

/* ---- nodes ---- */

static bool is_disabled(const struct weir_fwnode *node)
{
	return !weir_fwnode_available(node);
}

const char *node_problem(const struct weir_fwnode *node, char *buf, size_t bytes)
{
	const struct weir_fwnode *up;
	char path[256];

	if (weir_fwnode_device(node))
		return NULL;
	if (is_disabled(node)) {
		snprintf(buf, bytes, "it is disabled (status)");
		return buf;
	}
	for (up = weir_fwnode_parent(node); up; up = weir_fwnode_parent(up)) {
		if (!is_disabled(up))
			continue;
		snprintf(buf, bytes, "%s above it is disabled",
			 path_words(up, path, sizeof(path)));
		return buf;
	}
	if (weir_fwnode_flags(node) & WEIR_FWNODE_INITIALIZED) {
		snprintf(buf, bytes, "early code of the kernel sets it up without a device");
		return buf;
	}
	if (!weir_fwnode_compatible(node, 0)) {
		snprintf(buf, bytes, "it has no compatible property");
		return buf;
	}
	for (up = weir_fwnode_parent(node); up; up = weir_fwnode_parent(up)) {
		const struct weir_device *dev = weir_fwnode_device(up);

		if (dev && weir_device_status_get(dev) != WEIR_DEVICE_BOUND) {
			snprintf(buf, bytes, "%s, which would make a device of it, is not up",
				 path_words(up, path, sizeof(path)));
			return buf;
		}
		if (dev || !weir_fwnode_parent(up))
			break;
		if (!weir_fwnode_compatible(up, 0)) {
			snprintf(buf, bytes, "nothing makes devices of what is below %s, which has "
				 "no compatible property", path_words(up, path, sizeof(path)));
			return buf;
		}
	}
	snprintf(buf, bytes, "nothing made a device of it");
	return buf;
}

/* ---- causes ---- */

static void what_no_driver(const struct run *r, const struct cause *c, char *buf, size_t bytes)
{
	char who[200];

	device_words(c->root.device, who, sizeof(who));
	if (c->root.verdict == WEIR_VERDICT_REFUSED)
		snprintf(buf, bytes, "%s: %s does not take it, and no other driver fits", who,
			 c->root.driver);
	else if (r->modules)
		snprintf(buf, bytes, "%s: no module for it", who);
	else
		snprintf(buf, bytes, "%s: no driver in this %s", who, r->o->drivers ? "list" : "kernel");
}

static void what_not_loaded(const struct cause *c, char *buf, size_t bytes)
{
	char who[200];

	device_words(c->root.device, who, sizeof(who));
	if (c->root.verdict == WEIR_VERDICT_REMOVED)
		snprintf(buf, bytes, "%s: its driver was unloaded", who);
	else
		snprintf(buf, bytes, "%s: module %s is %s", who,
			 c->root.driver ? c->root.driver : "?",
			 c->root.verdict == WEIR_VERDICT_DENIED ? "denied" : "not loaded");
}

static void what_node(const struct cause *c, char *buf, size_t bytes)
{
	char path[256], why[300];
	const char *problem = node_problem(c->root.node, why, sizeof(why));

	snprintf(buf, bytes, "%s never becomes a device: %s",
		 path_words(c->root.node, path, sizeof(path)), problem ? problem : "?");
}

static void what_failed(const struct cause *c, char *buf, size_t bytes)
{
	char who[200];

	device_words(c->root.device, who, sizeof(who));
	if (c->root.verdict == WEIR_VERDICT_IDS_REJECTED)
		snprintf(buf, bytes, "%s: its IOMMU rejects its ids", who);
	else
		snprintf(buf, bytes, "%s: driver %s fails (%s)", who, c->root.driver,
			 weir_strerror(c->root.err));
}

void cause_what(const struct run *r, const struct cause *c, char *buf, size_t bytes)
{
	char who[200];

	switch (c->kind) {
	case CAUSE_NO_DRIVER:
		what_no_driver(r, c, buf, bytes);
		return;
	case CAUSE_NOT_LOADED:
		what_not_loaded(c, buf, bytes);
		return;
	case CAUSE_NODE:
		what_node(c, buf, bytes);
		return;
	case CAUSE_FAILED:
		what_failed(c, buf, bytes);
		return;
	default:
		break;
	}
	device_words(c->root.device, who, sizeof(who));
	if (c->kind == CAUSE_DEFERS)
		snprintf(buf, bytes, "%s: its driver waits: %s", who,
			 c->root.reason ? c->root.reason : "it does not say for what");
	else if (c->kind == CAUSE_CIRCLE)
		snprintf(buf, bytes, "%s and others wait for each other", who);
	else
		snprintf(buf, bytes, "%s: %s", who, weir_verdict_name(c->root.verdict));
}

const char *untranslated_words(int err)
{
	switch (err) {
	case WEIR_ENODEV:
		return "firmware disables it";
	case WEIR_ETIMEDOUT:
		return "it did not come up before the timeout";
	case WEIR_EINVAL:
		return "it rejects the ids that firmware gives";
	default:
		return weir_strerror(err);
	}
}

/* ---- events ---- */

static void power_words(const struct record_event *e, const char *who, const char *what,
			char *buf, size_t bytes)
{
	snprintf(buf, bytes, "%s: %s%s%s", who, what, e->value ? ": " : "",
		 e->value ? weir_strerror((int)e->value) : "");
}

/* Who is said before, @a, and after, @b. Return: whether it is such an event. */
static bool link_words(const struct record_event *e, const char *a, const char *b, char *buf,
		       size_t bytes)
{
	const char *text = e->text ? e->text : "";

	switch (e->type) {
	case WEIR_EVENT_LINK_ADD:
		snprintf(buf, bytes, "%s: needs %s%s%s%s", a, b, *text ? " (" : "", text,
			 *text ? ")" : "");
		break;
	case WEIR_EVENT_LINK_DEL:
		snprintf(buf, bytes, "%s: link to %s dropped", a, b);
		break;
	case WEIR_EVENT_LINK_RELAXED:
		snprintf(buf, bytes, "%s: does not wait for %s any more", a, b);
		break;
	case WEIR_EVENT_CYCLE: snprintf(buf, bytes, "%s: cycle with %s", a, b); break;
	case WEIR_EVENT_SYNC_STATE: snprintf(buf, bytes, "%s: all its consumers are up", a); break;
	case WEIR_EVENT_SYNC_STATE_PENDING:
		snprintf(buf, bytes, "%s: keeps running what firmware left on, because of %s", b, a);
		break;
	default: return false;
	}
	return true;
}

static bool iommu_words(const struct record_event *e, const char *a, char *buf, size_t bytes)
{
	switch (e->type) {
	case WEIR_EVENT_IOMMU_ADD: snprintf(buf, bytes, "%s: IOMMU ready", a); break;
	case WEIR_EVENT_GROUP:
		snprintf(buf, bytes, "%s: in IOMMU group %d", a, (int)e->value);
		break;
	case WEIR_EVENT_GROUP_LEAVE:
		snprintf(buf, bytes, "%s: out of IOMMU group %d", a, (int)e->value);
		break;
	case WEIR_EVENT_FAULT:
		snprintf(buf, bytes, "%s: DMA %s, IOVA 0x%llx", a, e->text ? e->text : "",
			 (unsigned long long)e->value);
		break;
	case WEIR_EVENT_UNTRANSLATED:
		snprintf(buf, bytes, "%s: goes on without its IOMMU: %s", a,
			 untranslated_words((int)e->value));
		break;
	case WEIR_EVENT_IOMMU_DEL: snprintf(buf, bytes, "%s: IOMMU gone", a); break;
	default: return false;
	}
	return true;
}

void event_words(const struct record_event *e, char *buf, size_t bytes)
{
	char a[256] = "", b[256] = "";
	const char *text = e->text ? e->text : "";

	if (e->device)
		snprintf(a, sizeof(a), "%s", weir_device_name(e->device));
	else if (e->node)
		path_words(e->node, a, sizeof(a));
	if (e->other)
		snprintf(b, sizeof(b), "%s", weir_device_name(e->other));
	else if (e->other_node)
		path_words(e->other_node, b, sizeof(b));
	if (link_words(e, a, b, buf, bytes) || iommu_words(e, a, buf, bytes))
		return;
	switch (e->type) {
	case WEIR_EVENT_DEVICE_ADD: snprintf(buf, bytes, "%s: added", a); break;
	case WEIR_EVENT_DEVICE_DEL: snprintf(buf, bytes, "%s: gone", a); break;
	case WEIR_EVENT_DRIVER_ADD: snprintf(buf, bytes, "driver %s registered", text); break;
	case WEIR_EVENT_DRIVER_DEL: snprintf(buf, bytes, "driver %s unregistered", text); break;
	case WEIR_EVENT_PROBE: snprintf(buf, bytes, "%s: probed by %s", a, text); break;
	case WEIR_EVENT_BOUND: snprintf(buf, bytes, "%s: bound to %s", a, text); break;
	case WEIR_EVENT_PROBE_FAILED:
		snprintf(buf, bytes, "%s: probe by %s failed: %s", a, text,
			 weir_strerror((int)e->value));
		break;
	case WEIR_EVENT_DEFERRED:
		snprintf(buf, bytes, "%s: deferred%s%s", a, *text ? ": " : "", text);
		break;
	case WEIR_EVENT_REMOVE: snprintf(buf, bytes, "%s: removed from %s", a, text); break;
	case WEIR_EVENT_MODULE_LOAD: snprintf(buf, bytes, "module %s loaded", text); break;
	case WEIR_EVENT_MODULE_UNLOAD: snprintf(buf, bytes, "module %s goes", text); break;
	case WEIR_EVENT_NOTE: snprintf(buf, bytes, "%s", text); break;
	case WEIR_EVENT_SUSPEND: power_words(e, a, "suspended", buf, bytes); break;
	case WEIR_EVENT_RESUME: power_words(e, a, "resumed", buf, bytes); break;
	case WEIR_EVENT_NO_MORE_DRIVERS: snprintf(buf, bytes, "no more drivers are expected"); break;
	case WEIR_EVENT_TIMEOUT: snprintf(buf, bytes, "deferred_probe_timeout is over"); break;
	default:
		snprintf(buf, bytes, "%s%s%s%s%s%s%s", a, *a ? ": " : "", weir_event_name(e->type),
			 *b ? " " : "", b, *text ? " " : "", text);
		break;
	}
}
