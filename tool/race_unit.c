// SPDX-License-Identifier: MIT
/* The masters of a board, their IOMMUs, and the drivers of both. */
#include <stdlib.h>
#include <string.h>

#include "race.h"

static bool has_driver(const struct race_unit *u, const char *name)
{
	for (size_t i = 0; i < u->nr_drivers; i++)
		if (!strcmp(u->drivers[i], name))
			return true;
	return false;
}

/* All drivers that take a node. Return: how many were found. */
static size_t add_drivers(struct race_unit *u, const struct run *base, const struct weir_fwnode *node)
{
	const struct weir_driver_list *list = base->list;
	bool known = !base->assumed;
	size_t found = 0;

	for (size_t i = 0; i < list->driver_count; i++) {
		const struct weir_driver_spec *spec = &list->drivers[i];

		if (!weir_kmodel_takes(spec, node, false))
			continue;
		found++;
		if (has_driver(u, spec->name) || u->nr_drivers == RACE_DRIVERS)
			continue;
		u->builtin[u->nr_drivers] = known && spec->when == WEIR_WHEN_INITCALL;
		u->drivers[u->nr_drivers++] = spec->name;
	}
	return found;
}

/* A kernel without a driver of that IOMMU would have no race: it is given one, and that is said. */
static int assume_driver(struct run *base, const struct weir_fwnode *node)
{
	struct weir_driver_spec *spec = weir_driver_list_new_driver_(base->list);
	struct weir_compat *compat = weir_arena_alloc(&base->list->arena, sizeof(*compat));
	const char *name = weir_fwnode_compatible(node, 0);

	if (!spec || !compat)
		return WEIR_ENOMEM;
	memset(compat, 0, sizeof(*compat));
	compat->name = weir_arena_strndup(&base->list->arena, name, strlen(name));
	if (!compat->name)
		return WEIR_ENOMEM;
	spec->name = compat->name;
	spec->when = WEIR_WHEN_EXTERNAL;
	spec->basis = WEIR_BASIS_ASSUMED;
	spec->compats = compat;
	spec->compat_count = 1;
	return 0;
}

static bool has_iommu(const struct race_unit *u, const char *path)
{
	for (size_t i = 0; i < u->nr_iommus; i++)
		if (!strcmp(u->iommus[i], path))
			return true;
	return false;
}

static int fill_iommus(struct run *base, struct weir_fwnode *master, struct race_unit *u)
{
	struct weir_fwspec spec;
	char path[256];

	for (unsigned int i = 0; !weir_firmware_spec(master, i, &spec); i++) {
		weir_fwnode_path(spec.target, path, sizeof(path));
		if (!weir_fwnode_available(spec.target) || has_iommu(u, path) ||
		    u->nr_iommus == RACE_IOMMUS)
			continue;
		memcpy(u->iommus[u->nr_iommus++], path, sizeof(path));
		if (add_drivers(u, base, spec.target))
			continue;
		u->assumed = true;
		if (assume_driver(base, spec.target))
			return WEIR_ENOMEM;
		add_drivers(u, base, spec.target);
	}
	u->nr_iommu_drivers = u->nr_drivers;
	return 0;
}

/* Return: 1 when the node is a master that can start, 0 when not; WEIR_ENOMEM. */
static int fill(struct run *base, struct weir_fwnode *node, struct race_unit *out_unit)
{
	struct race_unit u = { .nr_iommus = 0 };

	if (!weir_fwnode_available(node) || !weir_fwnode_compatible(node, 0))
		return 0;
	weir_fwnode_path(node, u.master, sizeof(u.master));
	if (fill_iommus(base, node, &u))
		return WEIR_ENOMEM;
	if (!u.nr_iommus || !add_drivers(&u, base, node))
		return 0;
	*out_unit = u;
	return 1;
}

int race_units(struct run *base, const char *only, struct race_unit **out_units, size_t *out_n)
{
	struct race_unit *units = NULL, *more;
	struct weir_fwnode *node, *wanted = NULL;
	struct weir_device *dev;
	size_t n = 0;
	int r;

	if (only) {
		r = find_device(base, only, &dev, &wanted);
		if (r)
			return r;
		if (dev)
			wanted = weir_device_fwnode(dev);
	}
	for (node = weir_fwnode_root(base->m); node; node = weir_fwnode_next(node)) {
		if (wanted && node != wanted)
			continue;
		more = realloc(units, (n + 1) * sizeof(*units));
		r = more ? fill(base, node, &more[n]) : WEIR_ENOMEM;
		units = more ? more : units;
		if (r < 0) {
			free(units);
			return complain("out of memory");
		}
		n += (size_t)r;
	}
	*out_units = units;
	*out_n = n;
	return 0;
}
