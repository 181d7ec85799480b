// SPDX-License-Identifier: MIT
/* A machine with ACPI for programs: one document for boot and groups (docs/json.md). */
#include "show.h"

static const char *have_name(enum acpi_have have)
{
	static const char *const names[] = {
		[ACPI_UNKNOWN] = "unknown", [ACPI_BUILTIN] = "builtin", [ACPI_MODULE] = "module",
		[ACPI_NONE] = "none", [ACPI_DENIED] = "denied",
	};

	return names[have];
}

static json_t *path_json(const struct weir_fwnode *node)
{
	char path[1024];

	return node ? json_text(path_words(node, path, sizeof(path))) : json_null();
}

static json_t *names_json(const struct acpi_tables *t, bool read)
{
	json_t *names = json_array();

	for (size_t i = 0; i < t->n; i++)
		if (acpi_table_is_read(t->items[i].name) == read)
			json_array_append_new(names, json_text(t->items[i].name));
	return names;
}

static json_t *iommu_json(const struct acpi_iommu *iommu)
{
	json_t *needs = json_array(), *registers = json_null();
	uint64_t pa, bytes;

	if (!weir_firmware_registers(iommu->node, 0, &pa, &bytes))
		registers = json_integer((json_int_t)pa);
	for (size_t i = 0; i < iommu->nr_needs; i++)
		json_array_append_new(needs, json_pack("{s:s, s:s, s:s}", "device", iommu->needs[i].what, "driver",
						       iommu->needs[i].driver, "state",
						       have_name(iommu->needs[i].have)));
	return json_pack("{s:o, s:o, s:b, s:o}", "path", path_json(iommu->node), "registers", registers, "used",
			 (int)iommu->used, "drivers", needs);
}

static json_t *host_json(const struct acpi_host *h)
{
	json_t *ranges = json_array();

	for (size_t i = 0; i < h->n; i++) {
		const struct acpi_range *r = &h->ranges[i];

		json_array_append_new(ranges, json_pack(
			"{s:i, s:i, s:o, s:o, s:o, s:o}", "first", (int)r->first, "last", (int)r->last, "iommu",
			path_json(r->iommu), "id", r->iommu ? json_integer(r->id) : json_null(), "msi",
			path_json(r->msi), "msi_id", r->msi ? json_integer(r->msi_id) : json_null()));
	}
	return json_pack("{s:o, s:i, s:i, s:i, s:o}", "path", path_json(h->node), "segment",
			 (int)h->host.segment, "first_bus", (int)h->host.first_bus, "last_bus",
			 (int)h->host.last_bus, "ranges", ranges);
}

static json_t *named_json(const struct acpi_machine *am)
{
	json_t *named = json_array();
	struct weir_fwnode *node;
	struct weir_fwspec spec;

	for (node = weir_fwnode_root(am->m); node; node = weir_fwnode_next(node))
		for (unsigned int i = 0; !weir_firmware_spec(node, i, &spec); i++)
			json_array_append_new(named, json_pack(
				"{s:o, s:o, s:I}", "path", path_json(node), "iommu", path_json(spec.target), "id",
				(json_int_t)(spec.nr_cells ? spec.cells[0] : 0)));
	return named;
}

void acpi_json_print(const struct acpi_machine *am, json_t *pci)
{
	json_t *iommus = json_array(), *hosts = json_array(), *doc;

	for (size_t i = 0; i < am->nr_iommus; i++)
		json_array_append_new(iommus, iommu_json(&am->iommus[i]));
	for (size_t i = 0; i < am->nr_hosts; i++)
		json_array_append_new(hosts, host_json(&am->hosts[i]));
	doc = json_pack("{s:i, s:o, s:s?, s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "version", 1, "board",
			json_text(am->board), "kernel", am->side.kernel ? am->side.kernel->version : NULL, "tables",
			names_json(&am->tables, true), "not_read", names_json(&am->tables, false), "namespace", 0,
			"iommus", iommus, "hosts", hosts, "named", named_json(am), "pci", pci);
	json_dumpf(doc, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(doc);
}
