// SPDX-License-Identifier: MIT
/* `weir explain`: one device, and the chain down to its root cause. */
#include <string.h>

#include "acpi/acpi.h"
#include "explainlog.h"
#include "measured.h"
#include "weir.h"

static const struct verb_help help = {
	.verb = VERB_EXPLAIN,
	.usage = "explain BOARD.dtb DEV [--kernel DIR] [options]\n"
		 "       weir explain BOARD.dtb --log FILE [--kernel DIR] [options]",
	.what = "Says why a device is up, waiting, or without IOMMU: each step with the property\n"
		"that makes it need the next, the basis, and what would help.\n"
		"With --log, the same for all devices that a log of the board names, and where log and\n"
		"prediction differ.\n"
		"DEV is a path, &label, alias, name in /sys, or the end of one when it is unique.\n",
	.example = "weir explain ipq8074-hk01.dtb 8a00000.usb",
	.status = "0 the device is up, 1 it is not, 2 bad usage or input.",
};

void why_words(const struct weir_why *why, char *buf, size_t bytes)
{
	char who[200], path[256];

	switch (why->verdict) {
	case WEIR_VERDICT_BOUND:
		snprintf(buf, bytes, "up, driver %s", why->driver);
		break;
	case WEIR_VERDICT_NO_DRIVER:
	case WEIR_VERDICT_UNKNOWN_DRIVER:
		snprintf(buf, bytes, "no driver for it");
		break;
	case WEIR_VERDICT_LOADABLE:
		snprintf(buf, bytes, "its module %s is not loaded", why->driver);
		break;
	case WEIR_VERDICT_DENIED:
		snprintf(buf, bytes, "its module %s is denied", why->driver);
		break;
	case WEIR_VERDICT_REMOVED:
		snprintf(buf, bytes, "it was taken from its driver");
		break;
	case WEIR_VERDICT_WAITS_SUPPLIER:
		snprintf(buf, bytes, "waits for %s (%s): %s", need_words(why->property),
			 why->property ? why->property : "link",
			 device_words(why->next, who, sizeof(who)));
		break;
	case WEIR_VERDICT_WAITS_NODE:
	case WEIR_VERDICT_WAITS_IOMMU:
		snprintf(buf, bytes, "waits for %s (%s): %s", need_words(why->property),
			 why->property ? why->property : "?",
			 path_words(why->node, path, sizeof(path)));
		break;
	case WEIR_VERDICT_FAILED:
		snprintf(buf, bytes, "driver %s failed: %s", why->driver,
			 weir_strerror(why->err));
		break;
	case WEIR_VERDICT_REFUSED:
		snprintf(buf, bytes, "driver %s does not take it", why->driver);
		break;
	case WEIR_VERDICT_DRIVER_DEFERS:
		snprintf(buf, bytes, "driver %s waits: %s", why->driver,
			 why->reason ? why->reason : "it does not say for what");
		break;
	default:
		snprintf(buf, bytes, "%s", weir_verdict_name(why->verdict));
		break;
	}
}

/* When and how it came up, from the record. */
static void tell_bound(const struct run *r, const struct weir_device *dev)
{
	uint64_t time_ns = 0;
	bool late = false;

	for (size_t i = 0; i < r->record.n; i++) {
		const struct record_event *e = &r->record.events[i];

		if (e->type == WEIR_EVENT_BOUND && e->device == dev) {
			time_ns = e->time_ns;
			late = r->timeout_event && e->id > r->timeout_event;
		}
		if (e->type == WEIR_EVENT_LINK_RELAXED && e->device == dev)
			printf("  does not wait for %s any more: it was given up or is on a cycle\n",
			       weir_device_name(e->other));
		if (e->type == WEIR_EVENT_UNTRANSLATED && e->device == dev)
			printf("  its IOMMU was not there: DMA is NOT translated\n");
	}
	if (r->o->profile == PROFILE_LINUX) /* the other has no clock */
		printf("  bound at %.3f s of virtual time%s\n", (double)time_ns / 1e9,
		       late ? ", only after deferred_probe_timeout" : "");
	if (weir_device_group(dev) >= 0)
		printf("  IOMMU group %d\n", weir_device_group(dev));
}

static void tell_suppliers(const struct weir_device *dev)
{
	const struct weir_link *link;

	for (link = weir_link_first(dev); link; link = weir_link_next(link))
		printf("  needs %s (%s)%s\n", weir_device_name(weir_link_supplier(link)),
		       weir_link_property(link) ? weir_link_property(link) : "link",
		       weir_link_flags(link) & WEIR_LINK_SYNC_STATE_ONLY ? ", without waiting"
									 : "");
}

static void tell_findings(const struct run *r)
{
	for (size_t i = 0; i < r->nr_findings && i < 3; i++)
		printf("finding: %s\n", r->findings[i]);
	if (r->nr_findings > 3)
		printf("... and %zu more findings (--json)\n", r->nr_findings - 3);
}

static int tell_node(const struct run *r, struct weir_fwnode *node)
{
	char path[256], why[300];
	const char *problem = node_problem(node, why, sizeof(why));

	printf("%s%s%s is no device: %s\n", style_bold(r->o), path_words(node, path, sizeof(path)),
	       style_off(r->o), problem ? problem : "?");
	return EXIT_FINDING;
}

static void tell_root(struct run *r, struct weir_device *dev)
{
	struct cause c = { 0 };
	const struct cause *shared;
	struct causes all;
	char what[600], fix[400], basis[200];

	if (causes_collect(r, &all))
		return;
	weir_device_root_cause(dev, &c.root);
	c.kind = cause_kind_of(&c.root);
	shared = causes_find(&all, &c.root);
	cause_what(r, &c, what, sizeof(what));
	cause_fix(r, &c, fix, sizeof(fix));
	cause_basis(r, &c, basis, sizeof(basis));
	printf("%sroot cause:%s %s\n  basis: %s\n  fix:   %s\n", style_bold(r->o),
	       style_off(r->o), what, basis, fix);
	if (shared && shared->nr_waiting > 1)
		printf("  it holds back %zu devices in all\n", shared->nr_waiting);
	causes_free(&all);
}

int explain_device(struct run *r, struct weir_device *dev)
{
	struct weir_why why;
	struct weir_device *at = dev;
	char words[500], who[200];
	unsigned int depth = 0;

	if (weir_device_verdict(dev, &why) == WEIR_VERDICT_BOUND) {
		printf("%s%s%s: up, driver %s\n", style_bold(r->o),
		       device_words(dev, who, sizeof(who)), style_off(r->o), why.driver);
		tell_bound(r, dev);
		tell_suppliers(dev);
		return EXIT_OK;
	}
	while (at && depth < 64) {
		weir_device_verdict(at, &why);
		why_words(&why, words, sizeof(words));
		printf("%*s%s%s%s: %s\n", (int)(depth < 20 ? depth * 2 : 40), "",
		       depth ? "" : style_bold(r->o), device_words(at, who, sizeof(who)),
		       depth ? "" : style_off(r->o), words);
		depth++;
		if (why.next == dev) {
			printf("%*s... and so round in a circle\n", (int)depth * 2, "");
			break;
		}
		at = why.next;
	}
	tell_root(r, dev);
	return EXIT_FINDING;
}

json_t *explain_chain(struct weir_device *dev)
{
	json_t *steps = json_array();
	struct weir_device *at = dev;
	struct weir_why why;

	for (unsigned int depth = 0; at && depth < 64; depth++) {
		char path[1024] = "";

		weir_device_verdict(at, &why);
		if (why.node)
			weir_fwnode_path(why.node, path, sizeof(path));
		json_array_append_new(steps, json_pack(
			"{s:s, s:s, s:s?, s:s?, s:s?, s:s?}", "device", weir_device_name(at),
			"verdict", weir_verdict_name(why.verdict), "property", why.property,
			"node", why.node ? path : NULL, "driver", why.driver, "reason",
			why.reason));
		at = why.next == dev ? NULL : why.next;
	}
	return steps;
}

/* @dev: NULL for a node that is none. */
static int tell_json(const struct run *r, struct weir_device *dev, struct weir_fwnode *node)
{
	char path[1024], why[300];
	const char *problem = dev ? NULL : node_problem(node, why, sizeof(why));
	bool up = dev && weir_device_status_get(dev) == WEIR_DEVICE_BOUND;
	json_t *doc;

	if (node)
		path_words(node, path, sizeof(path));
	doc = json_pack("{s:i, s:s?, s:s?, s:b, s:s?, s:o, s:o}", "version", 1, "device",
			dev ? weir_device_name(dev) : NULL, "path", node ? path : NULL, "up",
			(int)up, "problem", problem, "chain", dev ? explain_chain(dev) : json_array(),
			"findings", json_of_findings(r));
	json_dumpf(doc, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(doc);
	return up ? EXIT_OK : EXIT_FINDING;
}

/* The same device with the initramfs alone. Return: 0, or EXIT_USAGE. */
static int tell_alone(struct run *r, const struct weir_device *dev)
{
	char path[1024], text[700];
	struct alone a = { 0 };
	int status;

	if (!r->initramfs || !dev || !weir_device_fwnode(dev))
		return 0;
	path_words(weir_device_fwnode(dev), path, sizeof(path));
	status = alone_study(r->o, r->board, &r->side, path, &a);
	if (status)
		return status;
	alone_place_words(&a, text, sizeof(text));
	printf("from the initramfs alone: %s\n", text);
	for (size_t i = 0; i < a.nr_lacks; i++) {
		alone_lack_words(&a.lacks[i], text, sizeof(text));
		printf("  %s\n", text);
	}
	if (a.nr_lacks && a.enough)
		printf("  with %s it comes up (tried)\n", a.nr_lacks == 1 ? "that" : "these");
	for (size_t i = 0; i < r->firmware.n; i++) {
		if (r->firmware.items[i].device != dev)
			continue;
		firmware_words(&r->firmware.items[i], text, sizeof(text));
		printf("  firmware: %s\n", text);
	}
	alone_free(&a);
	return 0;
}

/* A log in place of a device. */
static int tell_log(struct run *r, struct weir_bootlog *log)
{
	struct log_story story;
	int status;

	if (log_study(r, log, &story))
		return complain("out of memory");
	if (r->o->json) {
		json_t *doc = json_of_log(r, &story);

		json_dumpf(doc, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(doc);
		status = log_complains(&story) ? EXIT_FINDING : EXIT_OK;
	} else {
		status = log_tell(r, &story);
	}
	log_story_free(&story);
	return status;
}

static int explain_log(struct opts *o)
{
	struct weir_bootlog *log;
	char what[600];
	struct run r;
	int status = log_open(o, &log);

	if (status)
		return status;
	if (run_open(&r, o, o->args[0], NULL, what, sizeof(what)))
		status = complain("%s", what);
	else {
		status = tell_log(&r, log);
		run_close(&r);
	}
	weir_bootlog_destroy(log);
	return status;
}

int cmd_explain(int argc, char **argv)
{
	struct weir_device *dev;
	struct weir_fwnode *node;
	struct opts o;
	struct run r;
	char what[600];
	int status = opts_parse(&o, argc, argv, &help);

	if (status || o.help)
		return status;
	if (o.log && o.acpi)
		return complain("explain: --log needs a device tree, and %s has ACPI tables", o.args[0]);
	if (o.log && o.nr_args == 1)
		return explain_log(&o);
	if (o.log)
		return complain("explain: with --log, a board and no device; see weir explain --help");
	if (o.nr_args != 2)
		return complain("explain: a board and a device are needed; see weir explain --help");
	if (o.acpi && o.json)
		return complain("explain: a machine with ACPI is told as JSON by weir boot --json as a whole");
	if (o.acpi)
		return acpi_explain(&o, o.args[0], o.args[1]);
	if (run_open(&r, &o, o.args[0], NULL, what, sizeof(what)))
		return complain("%s", what);
	status = find_device(&r, o.args[1], &dev, &node);
	if (!status && o.json) {
		status = tell_json(&r, dev, node);
	} else if (!status) {
		int bad;

		status = dev ? explain_device(&r, dev) : tell_node(&r, node);
		bad = tell_alone(&r, dev);
		status = bad ? bad : status;
		tell_findings(&r);
	}
	run_close(&r);
	return status;
}
