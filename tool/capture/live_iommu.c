// SPDX-License-Identifier: MIT
/*
 * The IOMMU that a device waits for. Linux makes no link to it unless fw_devlink.strict=1, and says
 * nothing when a device is deferred for want of it (Documentation/admin-guide/
 * kernel-parameters.txt, fw_devlink.strict), so it is found as boot finds it: a device of the tree by what
 * its node says, a PCI function by what its host bridge maps its requester id to. What a
 * function behind a bridge to conventional PCI is called there is not known, and its own id is
 * taken. The tree is that of the prediction, or is loaded here for this alone; of a machine
 * without one, ACPI's tables are.
 */
#include "acpi/acpi.h"
#include "live.h"

#include <stdlib.h>
#include <string.h>

/* ---- the tree ---- */

static int load_tables(struct live *l)
{
	struct acpi_tables t;
	int err = acpi_of_capture(l->seen.c, &t);

	if (err)
		return err;
	err = acpi_load(l->alone, &t);
	acpi_tables_free(&t);
	l->acpi = !err;
	return err;
}

static int load(struct live *l)
{
	struct weir_posix_options options = { .log_level = WEIR_LOG_ERR };
	int err;

	if (l->predicted)
		return 0;
	l->quiet = options.log = fopen("/dev/null", "w");
	if (!l->quiet)
		return WEIR_ENOMEM;
	err = weir_posix_create(&options, &l->posix);
	if (!err)
		err = weir_machine_create(weir_posix_ops(l->posix), l->posix, &l->alone);
	if (err)
		return err;
	return l->o->tree.data ? weir_firmware_load_dt(l->alone, l->o->tree.data, l->o->tree.size) : load_tables(l);
}

void live_iommus_free(struct live *l)
{
	weir_machine_destroy(l->alone);
	weir_posix_destroy(l->posix);
	if (l->quiet)
		fclose(l->quiet);
	l->alone = NULL;
	l->posix = NULL;
	l->quiet = NULL;
}

/* ---- what was seen ---- */

static bool is_named(const struct seen_device *d, const char *path)
{
	return d->node && !strcmp(d->node, path);
}

/* A virtio IOMMU on PCI: its function is bound by the transport, and the device is below it. */
static size_t below_transport(const struct seen *s, size_t at)
{
	size_t n = strlen(s->devices[at].path);

	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->devices[i].bus, "virtio") && s->devices[i].path[n] == '/' &&
		    !strncmp(s->devices[i].path, s->devices[at].path, n))
			return i;
	return at;
}

/* Return: whether there is a device of that node. */
static bool find_node(const struct seen *s, const char *path, size_t *out_at)
{
	for (size_t i = 0; i < s->n; i++)
		if (is_named(&s->devices[i], path)) {
			*out_at = below_transport(s, i);
			return true;
		}
	return false;
}

static bool is_smmu(const struct weir_fwnode *node)
{
	const char *key;

	for (unsigned int i = 0; (key = weir_fwnode_compatible(node, i)); i++)
		if (!strcmp(key, "acpi:arm-smmu-v3") || !strcmp(key, "acpi:arm-smmu"))
			return true;
	return false;
}

/* "arm-smmu-v3.2.auto": Linux numbers them in the order of the table. Return: 2; negative: it is no such name. */
static long smmu_number(const char *name)
{
	long number;
	int end = 0;

	if ((sscanf(name, "arm-smmu-v3.%ld.auto%n", &number, &end) == 1 && end && !name[end]) ||
	    (end = 0, sscanf(name, "arm-smmu.%ld.auto%n", &number, &end) == 1 && end && !name[end]))
		return number;
	return -1;
}

/* The device with as many SMMUs before it as the node has. */
static bool find_smmu(const struct seen *s, struct weir_machine *m, const struct weir_fwnode *node,
		      size_t *out_at)
{
	size_t rank = 0;

	for (const struct weir_fwnode *at = weir_fwnode_root(m); at && at != node; at = weir_fwnode_next(at))
		rank += is_smmu(at);
	for (size_t i = 0; i < s->n; i++) {
		long number = smmu_number(s->devices[i].name);
		size_t before = 0;

		for (size_t j = 0; number >= 0 && j < s->n; j++) {
			long other = smmu_number(s->devices[j].name);

			before += other >= 0 && other < number;
		}
		if (number >= 0 && before == rank) {
			*out_at = i;
			return true;
		}
	}
	return false;
}

/* Tables have no paths that Linux shows: a function is known by its name, an SMMU by its number. */
static bool find_acpi(const struct live *l, const struct weir_fwnode *node, size_t *out_at)
{
	if (is_smmu(node))
		return find_smmu(&l->seen, l->alone, node, out_at);
	for (size_t i = 0; i < l->seen.n; i++)
		if (!strcmp(l->seen.devices[i].name, weir_fwnode_name(node))) {
			*out_at = below_transport(&l->seen, i);
			return true;
		}
	return false;
}

/* ---- which IOMMU ---- */

static char *node_path(const struct weir_fwnode *node)
{
	size_t n = weir_fwnode_path(node, NULL, 0);
	char *path = malloc(n + 1);

	if (path)
		weir_fwnode_path(node, path, n + 1);
	return path;
}

/* Return: whether @dev waits for that IOMMU; then it is kept. */
static bool take(struct live *l, size_t dev, const struct weir_fwnode *target, const char *property,
		 int *err)
{
	char *path = node_path(target);
	size_t at;

	if (!path) {
		*err = WEIR_ENOMEM;
		return false;
	}
	if (l->acpi ? find_acpi(l, target, &at) : find_node(&l->seen, path, &at)) {
		free(path);
		if (l->seen.devices[at].driver || at == dev)
			return false;
		*err = seen_add_link(&l->seen, dev, at, property);
		return true;
	}
	l->seen.devices[dev].lacks = path;
	l->seen.devices[dev].lacks_by = property;
	return true;
}

static int by_node(struct live *l, struct weir_machine *m, size_t dev)
{
	struct weir_fwnode *node;
	struct weir_fwspec spec;
	int err = 0;

	if (weir_fwnode_find(m, l->seen.devices[dev].node, &node))
		return 0;
	for (unsigned int i = 0; !weir_firmware_spec(node, i, &spec); i++)
		if (take(l, dev, spec.target, "iommus", &err) || err)
			return err;
	return 0;
}

/* "0000:01:00.0". Return: whether it is the name of a function. */
static bool requester_id(const char *name, unsigned int *out_segment, uint32_t *out_id)
{
	unsigned int bus, slot, function;
	char end;

	if (sscanf(name, "%4x:%2x:%2x.%1x%c", out_segment, &bus, &slot, &function, &end) != 4 ||
	    slot > 31 || function > 7)
		return false;
	*out_id = bus << 8 | slot << 3 | function;
	return true;
}

/* Up from a function to the host bridge, which has a node. */
static struct weir_fwnode *host_above(const struct live *l, struct weir_machine *m, char *path)
{
	struct weir_fwnode *host;
	char *slash;

	while ((slash = strrchr(path, '/'))) {
		long at;

		*slash = '\0';
		at = seen_find(&l->seen, path);
		if (at >= 0 && l->seen.devices[at].node && strcmp(l->seen.devices[at].bus, "pci") &&
		    !weir_fwnode_find(m, l->seen.devices[at].node, &host))
			return host;
	}
	return NULL;
}

static struct weir_fwnode *host_of(struct weir_machine *m, unsigned int segment, uint32_t id)
{
	struct weir_pci_host host;
	struct weir_fwnode *node;

	for (node = weir_fwnode_root(m); node; node = weir_fwnode_next(node))
		if (!weir_firmware_pci_host(node, &host) && host.segment == segment &&
		    host.first_bus <= id >> 8 && id >> 8 <= host.last_bus)
			return node;
	return NULL;
}

static int by_requester(struct live *l, struct weir_machine *m, size_t dev)
{
	struct weir_fwnode *host, *target;
	unsigned int segment;
	uint32_t id, there;
	int err = 0;
	char *path;

	if (!requester_id(l->seen.devices[dev].name, &segment, &id))
		return 0;
	path = strdup(l->seen.devices[dev].path);
	if (!path)
		return WEIR_ENOMEM;
	host = l->acpi ? host_of(m, segment, id) : host_above(l, m, path);
	free(path);
	if (host && !weir_firmware_map_id(host, WEIR_FWMAP_IOMMU, id, &target, &there))
		take(l, dev, target, l->acpi ? "IORT, VIOT" : "iommu-map", &err);
	return err;
}

int live_iommus(struct live *l)
{
	struct weir_machine *m;
	int err = load(l);

	if (err)
		return err == WEIR_ENOMEM ? err : 0; /* none, or a damaged one: nothing is known of it */
	m = l->predicted ? l->run.m : l->alone;
	for (size_t i = 0; m && i < l->seen.n && !err; i++) {
		const struct seen_device *d = &l->seen.devices[i];

		if (d->driver || !d->deferred || seen_root(&l->seen, i) != i)
			continue;
		if (!strcmp(d->bus, "pci"))
			err = by_requester(l, m, i);
		else if (d->node)
			err = by_node(l, m, i);
	}
	return err;
}
