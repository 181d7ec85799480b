// SPDX-License-Identifier: MIT
/* What `weir boot`, `explain` and `groups` say of a machine with ACPI; see acpi.h. */
#include "groups.h"
#include "show.h"

#include <stdlib.h>
#include <string.h>

#include "groups.h"

/* ---- words ---- */

static const char *path_of(const struct weir_fwnode *node, char *buf, size_t bytes)
{
	return node ? path_words(node, buf, bytes) : "";
}

void acpi_need_words(const struct acpi_need *need, char *buf, size_t bytes)
{
	static const char *const words[] = {
		[ACPI_UNKNOWN] = "driver %s", [ACPI_BUILTIN] = "driver %s, built in",
		[ACPI_MODULE] = "module %s", [ACPI_NONE] = "no driver in this kernel (it would be %s)",
		[ACPI_DENIED] = "module %s, which is denied",
	};
	const char *at = strchr(words[need->have], '%');
	int n = (int)(at - words[need->have]);

	snprintf(buf, bytes, "%s: %.*s%s%s", need->what, n, words[need->have], need->driver, at + 2);
}

static void function_words(uint32_t rid, char *buf, size_t bytes)
{
	snprintf(buf, bytes, "%02x:%02x.%x", rid >> 8 & 0xff, rid >> 3 & 0x1f, rid & 7);
}

static void target_words(const struct weir_fwnode *node, uint32_t id, uint32_t more, char *buf, size_t bytes)
{
	char path[256];

	path_of(node, path, sizeof(path));
	if (more)
		snprintf(buf, bytes, "%s as 0x%x-0x%x", path, id, id + more);
	else
		snprintf(buf, bytes, "%s as 0x%x", path, id);
}

static bool has_table(const struct acpi_machine *am, const char *name)
{
	for (size_t i = 0; i < am->tables.n; i++)
		if (!strcmp(am->tables.items[i].name, name))
			return true;
	return false;
}

/* Tables of IOMMUs that are not read. */
static bool other_iommus(const struct acpi_machine *am)
{
	return has_table(am, "DMAR") || has_table(am, "IVRS") || has_table(am, "RIMT");
}

static void print_range(const struct acpi_machine *am, const struct acpi_range *r)
{
	uint32_t more = r->last - r->first;
	char first[16], last[16], iommu[300] = "no IOMMU: DMA from there is not translated", msi[300] = "";

	if (other_iommus(am))
		snprintf(iommu, sizeof(iommu), "no IOMMU that is known here");

	function_words(r->first, first, sizeof(first));
	function_words(r->last, last, sizeof(last));
	if (r->iommu)
		target_words(r->iommu, r->id, more, iommu, sizeof(iommu));
	if (r->msi)
		target_words(r->msi, r->msi_id, more, msi, sizeof(msi));
	printf("    %s%s%s: %s%s%s\n", first, more ? " to " : "", more ? last : "", iommu,
	       *msi ? "; MSIs: " : "", msi);
}

/* ---- the parts ---- */

/* The tables of the same name once, with how many there are. */
static void print_names(const struct acpi_tables *t, bool read)
{
	for (size_t i = 0; i < t->n; i++) {
		size_t n = 0, before = 0;

		for (size_t j = 0; j < t->n; j++) {
			n += !strcmp(t->items[j].name, t->items[i].name);
			before += j < i && !strcmp(t->items[j].name, t->items[i].name);
		}
		if (before || acpi_table_is_read(t->items[i].name) != read)
			continue;
		printf(" %s", t->items[i].name);
		if (n > 1)
			printf(" (%zu)", n);
	}
}

static void print_head(const struct acpi_machine *am)
{
	static const struct {
		const char *table, *what;
	} other[] = {
		{ "DMAR", "IOMMUs of Intel's VT-d" }, { "IVRS", "IOMMUs of AMD" }, { "RIMT", "IOMMUs of RISC-V" },
	};

	printf("%s%s%s: a machine with ACPI", style_bold(am->o), am->board, style_off(am->o));
	if (am->side.kernel)
		printf("; kernel %s", am->side.kernel->version ? am->side.kernel->version : am->side.kernel->dir);
	printf("\ntables read:");
	print_names(&am->tables, true);
	printf("; not read:");
	print_names(&am->tables, false);
	printf("\n");
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		if (has_table(am, other[i].table))
			printf("note: %s is not read: %s are not known here\n", other[i].table, other[i].what);
}

static void print_tail(const struct acpi_machine *am, bool pci_told)
{
	char *line, *text = am->log_text;

	while ((line = strsep(&text, "\n")))
		if (*line)
			printf("%s\n", line);
	printf("note: the namespace (DSDT, SSDT: AML) is not interpreted: its devices%s are not known here\n",
	       am->nr_hosts && !pci_told ? ", and PCI functions," : "");
}

/*
 * What Linux 6.12 makes of it: with ACPI there is no timeout for a driver that the kernel was built with, and
 * none of it is a reason to wait when it was not.
 */
static const char *consequence(const struct acpi_iommu *iommu)
{
	bool module = false;

	for (size_t i = 0; i < iommu->nr_needs; i++) {
		if (iommu->needs[i].have == ACPI_NONE)
			return "what is behind it does DMA untranslated";
		if (iommu->needs[i].have == ACPI_DENIED)
			return "what is behind it waits for that module, without a timeout: for ever";
		module = module || iommu->needs[i].have == ACPI_MODULE;
	}
	return module ? "what is behind it waits for that module, without a timeout: put it into the initramfs" : "";
}

static void print_iommu(const struct acpi_machine *am, const struct acpi_iommu *iommu)
{
	char path[256], words[300];
	uint64_t pa, bytes;

	printf("  %s", path_words(iommu->node, path, sizeof(path)));
	if (!weir_firmware_registers(iommu->node, 0, &pa, &bytes))
		printf(" (registers 0x%llx)", (unsigned long long)pa);
	for (size_t i = 0; i < iommu->nr_needs; i++) {
		bool lacks = iommu->needs[i].have == ACPI_NONE || iommu->needs[i].have == ACPI_DENIED;

		acpi_need_words(&iommu->needs[i], words, sizeof(words));
		printf("%s %s%s%s", i ? ";" : ":", lacks ? style_bad(am->o) : "", words,
		       lacks ? style_off(am->o) : "");
	}
	printf("%s\n", iommu->used ? "" : "; nobody is behind it");
	if (iommu->used && *consequence(iommu))
		printf("    %s\n", consequence(iommu));
}

static void print_host(const struct acpi_machine *am, const struct acpi_host *h)
{
	char path[256];

	printf("  %s: segment %u, buses %02x to %02x\n", path_words(h->node, path, sizeof(path)),
	       h->host.segment, h->host.first_bus, h->host.last_bus);
	for (size_t i = 0; i < h->n; i++)
		print_range(am, &h->ranges[i]);
}

/* An object of the namespace, or a device by MMIO, that a table puts behind an IOMMU. */
static bool print_named(const struct weir_fwnode *node)
{
	struct weir_fwspec spec;
	char path[256], where[300];
	unsigned int n = 0;

	while (!weir_firmware_spec((struct weir_fwnode *)(uintptr_t)node, n, &spec)) {
		target_words(spec.target, spec.nr_cells ? spec.cells[0] : 0, 0, where, sizeof(where));
		if (n++)
			printf(", %s", where);
		else
			printf("  %s: %s", path_words(node, path, sizeof(path)), where);
	}
	if (n)
		printf("\n");
	return n;
}

static void print_all_named(const struct acpi_machine *am)
{
	struct weir_fwnode *node;
	struct weir_fwspec spec;
	bool any = false;

	for (node = weir_fwnode_root(am->m); node && !any; node = weir_fwnode_next(node))
		any = !weir_firmware_spec(node, 0, &spec);
	if (any)
		printf("other devices behind IOMMUs:\n");
	for (node = weir_fwnode_root(am->m); node; node = weir_fwnode_next(node))
		print_named(node);
}

static void print_hosts(const struct acpi_machine *am)
{
	if (am->nr_hosts)
		printf("%zu PCI host bridge%s, and where requester ids go:\n", am->nr_hosts,
		       am->nr_hosts == 1 ? "" : "s");
	for (size_t i = 0; i < am->nr_hosts; i++)
		print_host(am, &am->hosts[i]);
}

size_t acpi_nr_missing(const struct acpi_machine *am)
{
	size_t n = 0;

	for (size_t i = 0; i < am->nr_iommus; i++)
		n += acpi_missing(&am->iommus[i]) != 0;
	return n;
}

static void print_iommus(const struct acpi_machine *am)
{
	size_t missing = acpi_nr_missing(am);

	if (!am->nr_iommus)
		printf("no IOMMUs that a table names\n");
	else if (!am->side.kernel)
		printf("%zu IOMMU%s; give --kernel to know whether it has their drivers:\n", am->nr_iommus,
		       am->nr_iommus == 1 ? "" : "s");
	else
		printf("%s%zu IOMMU%s: %zu with all drivers in this kernel, %zu without%s\n",
		       missing ? style_bad(am->o) : style_good(am->o), am->nr_iommus,
		       am->nr_iommus == 1 ? "" : "s", am->nr_iommus - missing, missing, style_off(am->o));
	for (size_t i = 0; i < am->nr_iommus; i++)
		print_iommu(am, &am->iommus[i]);
}

/* ---- boot ---- */

int acpi_boot(const struct opts *o, const char *board)
{
	struct acpi_machine am;
	int status = acpi_open(&am, o, board);

	if (!status && o->json) {
		acpi_json_print(&am, json_null());
	} else if (!status) {
		print_head(&am);
		print_iommus(&am);
		print_hosts(&am);
		print_all_named(&am);
		print_tail(&am, false);
	}
	if (!status && acpi_nr_missing(&am))
		status = EXIT_FINDING;
	acpi_close(&am);
	return status;
}

/* ---- explain ---- */

/* Return: EXIT_OK when all its drivers are there, or it is not known. */
static int explain_iommu(const struct acpi_machine *am, const struct acpi_iommu *iommu)
{
	print_iommu(am, iommu);
	return acpi_missing(iommu) ? EXIT_FINDING : EXIT_OK;
}

static int explain_function(const struct acpi_machine *am, unsigned int segment, uint32_t rid)
{
	for (size_t i = 0; i < am->nr_hosts; i++) {
		const struct acpi_host *h = &am->hosts[i];
		const struct acpi_iommu *iommu;
		struct acpi_range one;
		char path[256];

		for (size_t j = 0; h->host.segment == segment && j < h->n; j++) {
			if (rid < h->ranges[j].first || rid > h->ranges[j].last)
				continue;
			one = h->ranges[j];
			one.id += rid - one.first;
			one.msi_id += rid - one.first;
			one.first = one.last = rid;
			printf("a function below %s; whether there is one, only its configuration space tells\n",
			       path_words(h->node, path, sizeof(path)));
			print_range(am, &one);
			iommu = one.iommu ? acpi_iommu_of(am, one.iommu) : NULL;
			return iommu ? explain_iommu(am, iommu) : EXIT_OK;
		}
	}
	return complain("%s: no host bridge has bus %02x of segment %u", am->board, rid >> 8, segment);
}

static int explain_node(const struct acpi_machine *am, const struct weir_fwnode *node)
{
	const struct acpi_iommu *iommu = acpi_iommu_of(am, node);

	if (iommu)
		return explain_iommu(am, iommu);
	for (size_t i = 0; i < am->nr_hosts; i++)
		if (am->hosts[i].node == node)
			print_host(am, &am->hosts[i]);
	print_named(node);
	return EXIT_OK;
}

/* A function that a table names, which is an IOMMU. */
static bool find_function(const struct acpi_machine *am, unsigned int segment, uint32_t rid,
			  struct weir_fwnode **out_node)
{
	*out_node = NULL;
	for (size_t i = 0; i < am->nr_hosts && !*out_node; i++)
		if (am->hosts[i].host.segment == segment)
			*out_node = weir_firmware_pci_function(am->hosts[i].node, (uint16_t)rid);
	return *out_node != NULL;
}

/* "0000:01:00.0", or without the segment. Return: whether it is the name of a function. */
static bool function_name(const char *name, unsigned int *out_segment, uint32_t *out_rid)
{
	unsigned int bus, slot, function;
	int end = 0;

	*out_segment = 0;
	if (sscanf(name, "%4x:%2x:%2x.%1x%n", out_segment, &bus, &slot, &function, &end) != 4 || name[end]) {
		*out_segment = 0;
		end = 0;
		if (sscanf(name, "%2x:%2x.%1x%n", &bus, &slot, &function, &end) != 3 || name[end])
			return false;
	}
	*out_rid = bus << 8 | slot << 3 | function;
	return slot < 32 && function < 8;
}

/* By the path, or the end of it when only one has that. */
static int find(const struct acpi_machine *am, const char *name, struct weir_fwnode **out_node)
{
	struct weir_fwnode *node, *found = NULL;
	size_t n = strlen(name), count = 0;
	char path[1024];

	for (node = weir_fwnode_root(am->m); node; node = weir_fwnode_next(node)) {
		size_t bytes = weir_fwnode_path(node, path, sizeof(path));

		if (bytes >= sizeof(path) || bytes < n || strcmp(path + bytes - n, name))
			continue;
		found = node;
		count++;
		if (bytes == n || (bytes == n + 1 && *path == '/')) {
			count = 1;
			break;
		}
	}
	*out_node = found;
	return count == 1 ? 0 : complain("%s: %s '%s'; give a path that weir boot prints, or a PCI function "
					 "such as 0000:01:00.0", am->board, count ? "several have" : "nothing is named", name);
}

int acpi_explain(const struct opts *o, const char *board, const char *name)
{
	struct acpi_machine am;
	struct weir_fwnode *node;
	unsigned int segment;
	uint32_t rid;
	int status = acpi_open(&am, o, board);

	if (!status && function_name(name, &segment, &rid))
		status = find_function(&am, segment, rid, &node) ? explain_node(&am, node)
								 : explain_function(&am, segment, rid);
	else if (!status)
		status = find(&am, name, &node) ? EXIT_USAGE : explain_node(&am, node);
	if (status != EXIT_USAGE)
		print_tail(&am, false);
	acpi_close(&am);
	return status;
}

/* ---- groups ---- */

/* Functions of a running Linux: where each goes. */
static void print_seen(const struct acpi_machine *am, const struct seen *s)
{
	printf("PCI functions that Linux found:\n");
	for (size_t i = 0; i < s->n; i++) {
		struct weir_fwnode *iommu = NULL;
		char where[300] = "no IOMMU", driver[80] = "";
		unsigned int segment;
		uint32_t rid, id;

		if (strcmp(s->devices[i].bus, "pci") || !function_name(s->devices[i].name, &segment, &rid))
			continue;
		for (size_t h = 0; h < am->nr_hosts && !iommu; h++)
			if (am->hosts[h].host.segment == segment && am->hosts[h].host.first_bus <= rid >> 8 &&
			    rid >> 8 <= am->hosts[h].host.last_bus &&
			    !weir_firmware_map_id(am->hosts[h].node, WEIR_FWMAP_IOMMU, rid, &iommu, &id))
				target_words(iommu, id, 0, where, sizeof(where));
		if (s->devices[i].driver)
			snprintf(driver, sizeof(driver), ", driver %.60s", s->devices[i].driver);
		printf("  %s: %s%s\n", s->devices[i].name, where, driver);
	}
}

int acpi_groups(const struct opts *o, const char *board, const struct seen *seen, bool *out_pci_told)
{
	struct groups_why why = { .is = false };
	struct acpi_machine am;
	int status = acpi_open(&am, o, board);

	if (!status)
		status = groups_why_open(&why, o, board, NULL, &am.tables, seen);
	if (!status && o->json) {
		acpi_json_print(&am, groups_why_json(&why));
	} else if (!status) {
		print_head(&am);
		print_hosts(&am);
		print_all_named(&am);
		if (seen && !why.is)
			print_seen(&am, seen);
		groups_why_print(&why);
		print_tail(&am, why.is);
		if (!why.is && !why.lacks)
			printf("note: which PCI functions share a group depends on their configuration space (ACS), "
			       "which no table has: put what `sudo lspci -xxxx` prints beside the tables, or give it by "
			       "--lspci%s\n", seen ? "; as Linux made them:" : "");
	}
	*out_pci_told = why.is;
	groups_why_close(&why);
	acpi_close(&am);
	return status;
}
