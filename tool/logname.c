// SPDX-License-Identifier: MIT
/*
 * Devices of a log on a board's tree. Most names are the same; of I2C and SPI, Linux names a
 * device by the number of its bus and its address there ("4-001b", "spi1.0";
 * Documentation/i2c/i2c-sysfs.rst, spi/spi-summary.rst). An alias of the tree gives the
 * number; without one, the address must be on one bus alone.
 */
#include <stdlib.h>
#include <string.h>

#include "explainlog.h"

struct bus_name {
	const char *kind;    /* "i2c", "spi" */
	unsigned long bus, address;
};

static bool parse(const char *name, struct bus_name *out)
{
	bool spi = !strncmp(name, "spi", 3);
	char *end;

	name += spi ? 3 : 0;
	if (*name < '0' || *name > '9')
		return false;
	out->kind = spi ? "spi" : "i2c";
	out->bus = strtoul(name, &end, 10);
	if (*end != (spi ? '.' : '-') || strspn(end + 1, "0123456789abcdef") != strlen(end + 1) ||
	    (spi ? !end[1] : strlen(end + 1) != 4))
		return false;
	out->address = strtoul(end + 1, NULL, spi ? 10 : 16);
	return true;
}

/* Whether a device has that address on a bus of that kind, by names of nodes. */
static bool sits_at(const struct weir_device *dev, const struct bus_name *name, struct weir_fwnode **out_bus)
{
	struct weir_fwnode *node = weir_device_fwnode(dev);
	struct weir_fwnode *parent = node ? weir_fwnode_parent(node) : NULL;
	const char *at = node ? strchr(weir_fwnode_name(node), '@') : NULL;
	char *end;

	if (!at || !parent || strncmp(weir_fwnode_name(parent), name->kind, strlen(name->kind)))
		return false;
	*out_bus = parent;
	return strtoul(at + 1, &end, 16) == name->address && !*end;
}

static struct weir_device *on_bus(const struct run *r, const struct bus_name *name)
{
	struct weir_fwnode *bus = NULL, *of;
	struct weir_device *dev, *found = NULL;
	char alias[32];
	size_t n = 0;

	snprintf(alias, sizeof(alias), "%s%lu", name->kind, name->bus);
	if (weir_fwnode_find(r->m, alias, &bus))
		bus = NULL;
	for (dev = weir_device_first(r->m); dev; dev = weir_device_next(dev)) {
		if (!sits_at(dev, name, &of) || (bus && of != bus))
			continue;
		found = dev;
		n++;
	}
	return n == 1 ? found : NULL;
}

struct weir_device *log_device(const struct run *r, const char *name)
{
	struct weir_device *dev;
	struct bus_name of;

	for (dev = weir_device_first(r->m); dev; dev = weir_device_next(dev))
		if (!strcmp(weir_device_name(dev), name))
			return dev;
	return parse(name, &of) ? on_bus(r, &of) : NULL;
}

const struct weir_bootlog_device *log_of_device(const struct run *r, const struct weir_bootlog *log,
						const struct weir_device *dev)
{
	const struct weir_bootlog_device *d = dev ? weir_bootlog_device(log, weir_device_name(dev)) : NULL;
	struct weir_fwnode *bus;
	struct bus_name of;

	for (size_t i = 0; dev && !d && i < log->device_count; i++)
		if (parse(log->devices[i].name, &of) && sits_at(dev, &of, &bus) && on_bus(r, &of) == dev)
			d = &log->devices[i];
	return d;
}
