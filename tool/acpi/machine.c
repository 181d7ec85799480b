// SPDX-License-Identifier: MIT
/*
 * A machine of ACPI tables: its IOMMUs with the drivers that a kernel has for them, and where
 * requester ids go; see acpi.h. Which device Linux makes of a table's entry, and so which
 * driver takes it, are facts of its modules' aliases: platform devices "arm-smmu-v3" and
 * "arm-smmu" for IORT, "acpi:LNRO0005" for a virtio device by MMIO, PCI ids (virtio 1.2,
 * 4.1.2 and 5: device 23, so 0x1057) and the virtio bus for the rest.
 */
#include <stdlib.h>
#include <string.h>

#include "acpi.h"

/* ---- drivers ---- */

struct known {
	const char *what, *modalias, *module, *compat;
};

static const struct known smmu_v3 = { "arm-smmu-v3", "platform:arm-smmu-v3", "arm_smmu_v3", "arm,smmu-v3" };
static const struct known smmu = { "arm-smmu", "platform:arm-smmu", "arm_smmu", "arm,mmu-500" };
static const struct known virtio_pci = {
	"PCI 1af4:1057", "pci:v00001AF4d00001057sv00001AF4sd00001100bc08sc06i00", "virtio_pci", NULL,
};
static const struct known virtio_mmio = { "LNRO0005", "acpi:LNRO0005:", "virtio_mmio", "virtio,mmio" };
static const struct known virtio_iommu = {
	"virtio device 23", "virtio:d00000017v00001AF4", "virtio_iommu", NULL,
};

/* A driver without a module is known by what an image matches: the same one takes device trees. */
static enum acpi_have in_image(const struct weir_kernel *kernel, const struct known *known)
{
	const char *compats[] = { known->compat };
	struct weir_driver_list *list = NULL;
	enum acpi_have have = ACPI_NONE;

	if (!kernel->image || !known->compat ||
	    weir_kernel_driver_list(kernel, compats, 1, &list))
		return kernel->index ? ACPI_NONE : ACPI_UNKNOWN;
	for (size_t i = 0; i < list->driver_count; i++)
		if (list->drivers[i].when == WEIR_WHEN_INITCALL)
			have = ACPI_BUILTIN;
	weir_driver_list_destroy(list);
	return have;
}

static struct acpi_need ask(const struct acpi_machine *am, const struct known *known)
{
	struct acpi_need need = { .what = known->what, .driver = known->module };
	const struct weir_kernel *kernel = am->side.kernel;
	const struct weir_modindex *index = kernel ? kernel->index : NULL;
	struct run names = { .o = am->o };
	uint32_t module = WEIR_MODULE_NONE;

	if (!kernel)
		return need;
	if (index && !weir_modindex_lookup(index, known->modalias, &module, 1))
		module = weir_modindex_module(index, known->module);
	if (module == WEIR_MODULE_NONE) {
		need.have = in_image(kernel, known);
		return need;
	}
	need.driver = index->modules[module].name;
	need.have = index->modules[module].builtin ? ACPI_BUILTIN :
		    run_denied(&names, need.driver) ? ACPI_DENIED : ACPI_MODULE;
	return need;
}

size_t acpi_missing(const struct acpi_iommu *iommu)
{
	size_t n = 0;

	for (size_t i = 0; i < iommu->nr_needs; i++)
		n += iommu->needs[i].have == ACPI_NONE || iommu->needs[i].have == ACPI_DENIED;
	return n;
}

/* ---- what is there ---- */

static bool has_key(const struct weir_fwnode *node, const char *start)
{
	const char *key;

	for (unsigned int i = 0; (key = weir_fwnode_compatible(node, i)); i++)
		if (!strncmp(key, start, strlen(start)))
			return true;
	return false;
}

static bool is_host(const struct weir_fwnode *node)
{
	return has_key(node, "acpi:PNP0A08");
}

/* VIOT names PCI functions for nothing but being IOMMUs. */
static bool is_function(const struct weir_fwnode *node)
{
	return weir_fwnode_parent(node) && is_host(weir_fwnode_parent(node));
}

static int add_iommu(struct acpi_machine *am, struct weir_fwnode *node)
{
	const struct known *known[2] = { NULL, NULL };
	struct acpi_iommu *more, *iommu;

	if (has_key(node, "acpi:arm-smmu-v3"))
		known[0] = &smmu_v3;
	else if (has_key(node, "acpi:arm-smmu"))
		known[0] = &smmu;
	else if (has_key(node, "acpi:LNRO0005"))
		known[0] = &virtio_mmio;
	else if (is_function(node))
		known[0] = &virtio_pci;
	else
		return 0;
	if (known[0] == &virtio_mmio || known[0] == &virtio_pci)
		known[1] = &virtio_iommu;
	more = realloc(am->iommus, (am->nr_iommus + 1) * sizeof(*more));
	if (!more)
		return WEIR_ENOMEM;
	am->iommus = more;
	iommu = &more[am->nr_iommus++];
	*iommu = (struct acpi_iommu){ .node = node };
	for (size_t i = 0; i < 2 && known[i]; i++)
		iommu->needs[iommu->nr_needs++] = ask(am, known[i]);
	return 0;
}

const struct acpi_iommu *acpi_iommu_of(const struct acpi_machine *am, const struct weir_fwnode *node)
{
	for (size_t i = 0; i < am->nr_iommus; i++)
		if (am->iommus[i].node == node)
			return &am->iommus[i];
	return NULL;
}

static void use(struct acpi_machine *am, const struct weir_fwnode *node)
{
	for (size_t i = 0; i < am->nr_iommus; i++)
		if (am->iommus[i].node == node)
			am->iommus[i].used = true;
}

/* ---- where ids go ---- */

static struct acpi_range where(struct weir_fwnode *host, uint32_t rid)
{
	struct acpi_range r = { .first = rid, .last = rid };

	if (weir_firmware_map_id(host, WEIR_FWMAP_IOMMU, rid, &r.iommu, &r.id))
		r.iommu = NULL;
	if (weir_firmware_map_id(host, WEIR_FWMAP_MSI, rid, &r.msi, &r.msi_id))
		r.msi = NULL;
	return r;
}

static bool goes_on(const struct acpi_range *r, const struct acpi_range *next)
{
	uint32_t n = next->first - r->first;

	return r->iommu == next->iommu && r->msi == next->msi &&
	       (!r->iommu || r->id + n == next->id) && (!r->msi || r->msi_id + n == next->msi_id);
}

static int add_ranges(struct acpi_machine *am, struct acpi_host *h)
{
	uint32_t end = ((uint32_t)h->host.last_bus + 1) << 8;

	for (uint32_t rid = (uint32_t)h->host.first_bus << 8; rid < end; rid++) {
		struct acpi_range r = where(h->node, rid), *more;

		if (h->n && goes_on(&h->ranges[h->n - 1], &r)) {
			h->ranges[h->n - 1].last = rid;
			continue;
		}
		more = realloc(h->ranges, (h->n + 1) * sizeof(*more));
		if (!more)
			return WEIR_ENOMEM;
		h->ranges = more;
		h->ranges[h->n++] = r;
		use(am, r.iommu);
	}
	return 0;
}

static int add_host(struct acpi_machine *am, struct weir_fwnode *node)
{
	struct acpi_host *more, host = { .node = node };

	if (!is_host(node) || weir_firmware_pci_host(node, &host.host))
		return 0;
	more = realloc(am->hosts, (am->nr_hosts + 1) * sizeof(*more));
	if (!more)
		return WEIR_ENOMEM;
	am->hosts = more;
	am->hosts[am->nr_hosts++] = host;
	return add_ranges(am, &am->hosts[am->nr_hosts - 1]);
}

static int look(struct acpi_machine *am)
{
	struct weir_fwnode *node;
	struct weir_fwspec spec;
	int err = 0;

	for (node = weir_fwnode_root(am->m); node && !err; node = weir_fwnode_next(node))
		err = add_iommu(am, node);
	for (node = weir_fwnode_root(am->m); node && !err; node = weir_fwnode_next(node)) {
		err = add_host(am, node);
		for (unsigned int i = 0; !weir_firmware_spec(node, i, &spec); i++)
			use(am, spec.target);
	}
	return err;
}

/* ---- opening and closing ---- */

bool acpi_table_is_read(const char *name)
{
	return !strcmp(name, "MCFG") || !strcmp(name, "IORT") || !strcmp(name, "VIOT") || !strcmp(name, "APIC");
}

static int read_tables(struct acpi_machine *am)
{
	struct capture c = { 0 };
	int err;

	if (acpi_is(am->board))
		return acpi_read(am->board, &am->tables);
	err = capture_read(&c, am->board);
	if (err)
		return err;
	err = acpi_of_capture(&c, &am->tables);
	capture_free(&c);
	return err ? complain("%s: a capture with neither a device tree nor ACPI tables", am->board) : 0;
}

static int load(struct acpi_machine *am)
{
	struct weir_posix_options options = { .log_level = WEIR_LOG_WARN };
	int err;

	am->log = open_memstream(&am->log_text, &am->log_bytes);
	if (!am->log)
		return WEIR_ENOMEM;
	options.log = am->log;
	err = weir_posix_create(&options, &am->posix);
	if (!err)
		err = weir_machine_create(weir_posix_ops(am->posix), am->posix, &am->m);
	return err ? err : acpi_load(am->m, &am->tables);
}

int acpi_open(struct acpi_machine *am, const struct opts *o, const char *board)
{
	char what[600];
	int err;

	*am = (struct acpi_machine){ .o = o, .board = board };
	err = read_tables(am);
	if (err)
		return err;
	if (kernel_side_open(o, &am->side, what, sizeof(what)))
		return complain("%s", what);
	err = load(am);
	if (err)
		return complain("%s: %s", board, am->m && *weir_firmware_error(am->m) ? weir_firmware_error(am->m)
									     : weir_strerror(err));
	if (look(am))
		return complain("out of memory");
	return fflush(am->log) ? complain("out of memory") : 0;
}

void acpi_close(struct acpi_machine *am)
{
	for (size_t i = 0; i < am->nr_hosts; i++)
		free(am->hosts[i].ranges);
	free(am->hosts);
	free(am->iommus);
	weir_machine_destroy(am->m);
	weir_posix_destroy(am->posix);
	if (am->log)
		fclose(am->log);
	free(am->log_text);
	kernel_side_close(&am->side);
	acpi_tables_free(&am->tables);
	*am = (struct acpi_machine){ 0 };
}
