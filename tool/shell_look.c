// SPDX-License-Identifier: MIT
/* The shell's commands that change nothing: ls, links, groups, maps, why, log, stats. */
#include <stdlib.h>
#include <string.h>

#include "shell.h"

/* What a device is: PCI ids, or what firmware calls it. */
static void kind_words(const struct weir_device *dev, char *buf, size_t bytes)
{
	const struct weir_fwnode *node = weir_device_fwnode(dev);
	const char *compatible = node ? weir_fwnode_compatible(node, 0) : NULL;
	struct weir_pci_info info;

	if (!weir_pci_info_get(dev, &info))
		snprintf(buf, bytes, "%04x:%04x %s", info.vendor, info.device,
			 weir_pci_kind_name(info.kind));
	else
		snprintf(buf, bytes, "%s", compatible ? compatible : "");
}

static json_t *device_row(struct weir_device *dev)
{
	int group = weir_device_group(dev);
	struct weir_why why;
	char kind[100];

	kind_words(dev, kind, sizeof(kind));
	weir_device_verdict(dev, &why);
	return json_pack("{s:s, s:s, s:s, s:s?, s:o}", "device", weir_device_name(dev), "is", kind,
			 "verdict", weir_verdict_name(why.verdict), "driver", why.driver,
			 "group", group < 0 ? json_null() : json_integer(group));
}

/* What works without a driver is of little interest. */
static bool is_plain(const struct weir_device *dev)
{
	const struct weir_fwnode *node = weir_device_fwnode(dev);

	return node && (weir_fwnode_flags(node) & WEIR_FWNODE_INITIALIZED) &&
	       weir_device_status_get(dev) == WEIR_DEVICE_NO_DRIVER;
}

int shell_ls(struct shell *sh, int argc, char **argv, json_t **out_result)
{
	bool all = argc == 1 && !strcmp(argv[0], "-a");
	struct weir_device *dev;
	int status = EXIT_OK;

	*out_result = json_array();
	for (int i = 0; i < argc && !all && !status; i++) {
		status = shell_device(sh, argv[i], &dev);
		if (!status)
			json_array_append_new(*out_result, device_row(dev));
	}
	if (argc && !all)
		return status;
	for (dev = weir_device_first(sh->run.m); dev; dev = weir_device_next(dev))
		if (all || !is_plain(dev))
			json_array_append_new(*out_result, device_row(dev));
	return EXIT_OK;
}

/* ---- links ---- */

static const char *state_name(enum weir_link_state state)
{
	static const char *const names[] = {
		"stateless", "dormant", "available", "consumer-probe", "active",
		"supplier-unbind",
	};

	return names[state];
}

static json_t *flag_names(uint32_t flags)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} known[] = {
		{ WEIR_LINK_ORDER, "order" }, { WEIR_LINK_OPTIONAL, "optional" },
		{ WEIR_LINK_SYNC_STATE_ONLY, "sync-state-only" },
		{ WEIR_LINK_PM_RUNTIME, "power" }, { WEIR_LINK_CYCLE, "cycle" },
		{ WEIR_LINK_INFERRED, "firmware" },
	};
	json_t *names = json_array();

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (flags & known[i].flag)
			json_array_append_new(names, json_string(known[i].name));
	return names;
}

static void add_links(json_t *rows, const struct weir_device *dev)
{
	const struct weir_link *link;

	for (link = weir_link_first(dev); link; link = weir_link_next(link))
		json_array_append_new(rows, json_pack(
			"{s:s, s:s, s:s?, s:s, s:o}", "consumer",
			weir_device_name(weir_link_consumer(link)), "supplier",
			weir_device_name(weir_link_supplier(link)), "property",
			weir_link_property(link), "state", state_name(weir_link_state_get(link)),
			"flags", flag_names(weir_link_flags(link))));
}

static void add_consumers(json_t *rows, const struct weir_device *dev)
{
	const struct weir_link *link;

	for (link = weir_link_first_consumer(dev); link; link = weir_link_next_consumer(link))
		json_array_append_new(rows, json_pack(
			"{s:s, s:s, s:s?, s:s, s:o}", "consumer",
			weir_device_name(weir_link_consumer(link)), "supplier",
			weir_device_name(dev), "property", weir_link_property(link), "state",
			state_name(weir_link_state_get(link)), "flags",
			flag_names(weir_link_flags(link))));
}

int shell_links(struct shell *sh, int argc, char **argv, json_t **out_result)
{
	struct weir_device *dev;
	int status;

	if (argc > 1)
		return shell_usage(sh, "links");
	*out_result = json_array();
	for (dev = argc ? NULL : weir_device_first(sh->run.m); dev; dev = weir_device_next(dev))
		add_links(*out_result, dev);
	if (!argc)
		return EXIT_OK;
	status = shell_device(sh, argv[0], &dev);
	if (!status) {
		add_links(*out_result, dev);
		add_consumers(*out_result, dev);
	}
	return status;
}

/* ---- groups ---- */

static const char *domain_name(const struct weir_group *group)
{
	static const char *const names[] = {
		[WEIR_DOMAIN_BLOCKED] = "blocked", [WEIR_DOMAIN_IDENTITY] = "identity",
		[WEIR_DOMAIN_DMA] = "dma", [WEIR_DOMAIN_UNMANAGED] = "unmanaged",
		[WEIR_DOMAIN_EXTERNAL] = "external", [WEIR_DOMAIN_NESTED] = "nested",
	};
	const struct weir_domain *domain = weir_group_domain(group);
	size_t type = domain ? (size_t)weir_domain_type_get(domain) : 0;

	return !domain ? "none" : type < sizeof(names) / sizeof(names[0]) ? names[type] : "other";
}

/* The row of a group in the list; made when it is not there, in order of numbers. */
static json_t *group_row(json_t *rows, const struct weir_group *group)
{
	int number = weir_group_number(group);
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		int other = (int)json_integer_value(json_object_get(row, "group"));

		if (other == number)
			return row;
		if (other > number)
			break;
	}
	row = json_pack("{s:i, s:s, s:i, s:[]}", "group", number, "domain", domain_name(group),
			"mappings", 0, "devices");
	json_array_insert_new(rows, i, row);
	return row;
}

int shell_groups(struct shell *sh, int argc, char **argv, json_t **out_result)
{
	struct weir_dma_stats dma;
	struct weir_device *dev;
	struct weir_group *group;
	json_t *row, *count;

	(void)argv;
	if (argc)
		return shell_usage(sh, "groups");
	*out_result = json_array();
	for (dev = weir_device_first(sh->run.m); dev; dev = weir_device_next(dev)) {
		if (weir_group_of(dev, &group))
			continue;
		row = group_row(*out_result, group);
		json_array_append_new(json_object_get(row, "devices"),
				      json_string(weir_device_name(dev)));
		weir_dma_stats_get(dev, &dma);
		count = json_object_get(row, "mappings");
		json_integer_set(count, json_integer_value(count) + (json_int_t)dma.mappings);
	}
	return EXIT_OK;
}

/* ---- maps ---- */

static json_t *mapping_row(const struct weir_domain_mapping *mapping)
{
	char iova[24], pa[24], prot[3] = "";

	snprintf(iova, sizeof(iova), "0x%llx", (unsigned long long)mapping->iova);
	snprintf(pa, sizeof(pa), "0x%llx", (unsigned long long)mapping->pa);
	if (mapping->prot & WEIR_MAP_READ)
		strcat(prot, "r");
	if (mapping->prot & WEIR_MAP_WRITE)
		strcat(prot, "w");
	return json_pack("{s:s, s:s, s:I, s:s}", "iova", iova, "pa", pa, "bytes",
			 (json_int_t)mapping->bytes, "prot", prot);
}

int shell_maps(struct shell *sh, int argc, char **argv, json_t **out_result)
{
	struct weir_domain_mapping mapping;
	struct weir_domain *domain;
	struct weir_group *group;
	struct weir_device *dev;
	uint64_t at = 0;
	int status;

	if (argc != 1)
		return shell_usage(sh, "maps");
	status = shell_device(sh, argv[0], &dev);
	if (status)
		return status;
	if (weir_group_of(dev, &group) || !weir_group_domain(group))
		return shell_fail(sh, EXIT_FINDING, "%s is in no group", argv[0]);
	domain = weir_group_domain(group);
	*out_result = json_array();
	while (!weir_domain_mapping_get(domain, at, &mapping)) {
		json_array_append_new(*out_result, mapping_row(&mapping));
		at = mapping.iova + mapping.bytes;
		if (!at)
			break;
	}
	return EXIT_OK;
}

/* ---- why, log, stats ---- */

/* A device that waits is an answer, not a failure. */
int shell_why(struct shell *sh, int argc, char **argv, json_t **out_result)
{
	struct weir_device *dev;
	int status;

	if (argc != 1)
		return shell_usage(sh, "why");
	status = shell_device(sh, argv[0], &dev);
	if (status)
		return status;
	if (sh->o.json)
		*out_result = explain_chain(dev);
	else
		explain_device(&sh->run, dev);
	return EXIT_OK;
}

int shell_log(struct shell *sh, int argc, char **argv, json_t **out_result)
{
	const struct record *r = &sh->run.record;
	size_t n = 20, from = r->n;
	char *end, words[600];

	if (argc)
		n = strtoul(argv[0], &end, 10);
	if (argc > 1 || (argc && (end == argv[0] || *end || argv[0][0] == '-')))
		return shell_usage(sh, "log");
	while (from && n)
		n -= shell_is_news(&r->events[--from]);
	*out_result = json_array();
	for (; from < r->n; from++) {
		const struct record_event *e = &r->events[from];

		if (!shell_is_news(e))
			continue;
		event_words(e, words, sizeof(words));
		json_array_append_new(*out_result, json_pack(
			"{s:o, s:o, s:s}", "id", e->id ? json_integer(e->id) : json_null(),
			"cause", e->cause ? json_integer(e->cause) : json_null(), "what", words));
	}
	return EXIT_OK;
}

int shell_stats(struct shell *sh, int argc, char **argv, json_t **out_result)
{
	struct weir_machine_stats s;
	json_int_t groups;

	if (argc)
		return shell_usage(sh, "stats");
	weir_machine_stats_get(sh->run.m, &s);
	shell_groups(sh, 0, argv, out_result);
	groups = (json_int_t)json_array_size(*out_result);
	json_decref(*out_result);
	*out_result = json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I}", "devices", (json_int_t)s.devices,
		"drivers", (json_int_t)s.drivers, "links", (json_int_t)s.links,
		"groups", groups, "allocations", (json_int_t)s.alloc_count,
		"bytes", (json_int_t)s.alloc_bytes);
	return EXIT_OK;
}
