// SPDX-License-Identifier: MIT
/* The bus "platform", and devices of firmware's nodes on it. */
#include "firmware/platform.h"

static const struct weir_bus_ops platform_ops = {
	.abi = WEIR_ABI(struct weir_bus_ops),
	.match_name = true,
};

static int need_bus(struct weir_machine *m, const char *name, const struct weir_bus_ops *ops,
		    struct weir_bus **out_bus)
{
	int err = weir_bus_find(m, name, out_bus);

	return err ? weir_bus_create(m, name, ops, out_bus) : 0;
}

int weir_platform_bus_(struct weir_machine *m, struct weir_bus **out_bus)
{
	return need_bus(m, "platform", &platform_ops, out_bus);
}

int weir_firmware_buses(struct weir_machine *m)
{
	struct weir_bus *bus;
	int err = weir_platform_bus_(m, &bus);

	return err ? err : need_bus(m, "amba", NULL, &bus);
}

static bool mark(struct weir_fwnode *node, bool on)
{
	struct weir_machine *m = node->m;
	bool was;

	weir_lock_(m);
	was = node->flags & WEIR_FWNODE_POPULATED;
	if (on)
		node->flags |= WEIR_FWNODE_POPULATED;
	else
		node->flags &= ~WEIR_FWNODE_POPULATED;
	weir_unlock_(m);
	return was;
}

int weir_platform_device_(struct weir_bus *bus, struct weir_fwnode *node, const char *name)
{
	struct weir_device *dev;
	int err;

	if (mark(node, true))
		return 0;
	err = weir_device_create(bus, name, NULL, node, &dev);
	if (!err) {
		err = weir_device_add(dev);
		weir_device_unref(dev);
	}
	if (err)
		mark(node, false);
	return err == WEIR_ENOMEM ? err : 0;
}

void weir_platform_pause_(struct weir_machine *m, bool on)
{
	weir_lock_(m);
	if (on)
		weir_sync_pause_(m);
	else
		weir_sync_resume_(m);
	weir_unlock_(m);
}
