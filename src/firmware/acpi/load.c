// SPDX-License-Identifier: MIT
/*
 * Loading ACPI tables, making devices of what they describe, and letting go of it all.
 * A machine has one tree of firmware: tables, or a device tree.
 */
#include "firmware/acpi/acpi.h"
#include "firmware/platform.h"

/* ---- loading ---- */

static int read_all(struct weir_acpi_tree *a, const struct weir_acpi *acpi)
{
	struct acpi_node *root;
	int err = weir_acpi_node_create_(a, NULL, ACPI_ROOT, "", &root);

	if (!err)
		err = weir_acpi_tables_(a, acpi);
	if (!err)
		err = weir_acpi_mcfg_(a);
	if (!err)
		err = weir_acpi_hosts_(a, acpi);
	if (!err)
		err = weir_acpi_iort_(a);
	if (!err)
		err = weir_acpi_viot_(a);
	return err ? err : weir_acpi_madt_(a);
}

static int load(struct weir_machine *m, const struct weir_acpi *acpi)
{
	struct weir_acpi_tree *a = weir_alloc_(m, sizeof(*a));
	int err;

	if (!a)
		return WEIR_ENOMEM;
	a->m = m;
	a->last = &a->first;
	m->acpi = a;
	err = read_all(a, acpi);
	if (err)
		return err;
	m->root = &a->first->fw;
	return m->policy->firmware_changed ? m->policy->firmware_changed(m) : 0;
}

void weir_acpi_free_(struct weir_machine *m)
{
	struct weir_acpi_tree *a = m->acpi;

	if (!a)
		return;
	weir_acpi_nodes_free_(a);
	weir_free_(m, a->mcfg, a->max_mcfg * sizeof(*a->mcfg));
	weir_free_(m, a->iort, a->max_iort * sizeof(*a->iort));
	weir_free_(m, a->maps, a->max_maps * sizeof(*a->maps));
	weir_free_(m, a->ranges, a->max_ranges * sizeof(*a->ranges));
	weir_free_(m, a->viot, a->max_viot * sizeof(*a->viot));
	weir_map_fini_(m, &a->hosts);
	weir_map_fini_(m, &a->roots);
	weir_free_(m, a, sizeof(*a));
	m->acpi = NULL;
	m->root = NULL;
}

int weir_firmware_load_acpi(struct weir_machine *m, const struct weir_acpi *acpi)
{
	int err;

	if (!acpi->tables && !acpi->rsdp_pa)
		return WEIR_EINVAL;
	weir_lock_(m);
	m->firmware_error[0] = '\0';
	err = m->root ? WEIR_EEXIST : load(m, acpi);
	if (err && err != WEIR_EEXIST)
		weir_acpi_free_(m);
	weir_unlock_(m);
	return err;
}

/* ---- devices ---- */

/* The other nodes are devices of the namespace, or nobody's to drive. */
static bool is_device(const struct acpi_node *node)
{
	return node->kind == ACPI_HOST || node->kind == ACPI_SMMU || node->kind == ACPI_SMMU_V3 ||
	       node->kind == ACPI_VIRTIO_IOMMU;
}

int weir_acpi_populate_(struct weir_machine *m)
{
	struct weir_bus *bus;
	int err = weir_platform_bus_(m, &bus);

	if (err)
		return err;
	weir_platform_pause_(m, true);
	for (struct acpi_node *node = m->acpi->first; node && !err; node = node->next)
		if (is_device(node))
			err = weir_platform_device_(bus, &node->fw, node->name);
	weir_platform_pause_(m, false);
	return err;
}
