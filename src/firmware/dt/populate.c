// SPDX-License-Identifier: MIT
/*
 * Making devices of device tree nodes, in the order operating systems do.
 *
 * A node with a compatible string becomes a device of its bus: "amba" for
 * arm,primecell, "platform" for the rest. Plain buses are descended into at once;
 * what is below other nodes is made by their drivers, with weir_fwnode_populate().
 */
#include "core/text.h"
#include "firmware/dt/dt.h"
#include "firmware/platform.h"

static const char *const plain_buses[] = { "simple-bus", "simple-mfd", "isa", "arm,amba-bus" };

/* Reserved memory that has a driver of its own; anywhere in the tree. */
static const char *const reserved_memory[] = {
	"phram", "qcom,rmtfs-mem", "qcom,cmd-db", "qcom,smem", "ramoops", "nvmem-rmem",
	"google,open-dice",
};

static bool is_any(const struct weir_dt_node *node, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (weir_dt_is_compatible_(node, list[i]))
			return true;
	return false;
}

static bool has_flag(const struct weir_dt_node *node, uint32_t flag)
{
	return node->fw.flags & flag;
}

static void set_flags(struct weir_dt_node *node, uint32_t flags, bool on)
{
	struct weir_machine *m = node->fw.m;

	weir_lock_(m);
	if (on)
		node->fw.flags |= flags;
	else
		node->fw.flags &= ~flags;
	weir_unlock_(m);
}

/* ---- AMBA devices claim their registers, for as long as anyone refers to them ---- */

static void release_region(struct weir_device *dev)
{
	struct weir_dt *dt = dev->m->dt;

	for (uint32_t i = 0; i < dt->nr_regions; i++)
		if (dt->regions[i].dev == dev)
			dt->regions[i] = dt->regions[--dt->nr_regions];
}

static int claim_region(struct weir_dt *dt, struct weir_device *dev)
{
	const struct weir_dt_node *node = weir_dt_node_(dev->fwnode);
	uint64_t start, end;
	int err = 0;

	if (!weir_dt_region_(dt, node, &start, &end) || end < start)
		return WEIR_EINVAL;
	weir_lock_(dt->m);
	for (uint32_t i = 0; i < dt->nr_regions; i++)
		if (start <= dt->regions[i].end && dt->regions[i].start <= end)
			err = WEIR_EBUSY;
	if (!err)
		err = weir_grow_(dt->m, (void **)&dt->regions, &dt->max_regions, dt->nr_regions,
				 sizeof(*dt->regions));
	if (!err) {
		dt->regions[dt->nr_regions++] = (struct weir_dt_region){ dev, start, end };
		dev->release = release_region;
	}
	weir_unlock_(dt->m);
	return err;
}

/* ---- one device ---- */

static int add_device(struct weir_dt *dt, struct weir_dt_node *node, struct weir_device *parent,
		      bool amba, struct weir_device **out_dev)
{
	struct weir_machine *m = dt->m;
	struct weir_device *dev;
	struct weir_bus *bus;
	char *name;
	int err;

	err = weir_bus_find(m, amba ? "amba" : "platform", &bus);
	if (err)
		return err;
	weir_lock_(m);
	err = weir_dt_device_name_(dt, node, &name);
	weir_unlock_(m);
	if (err)
		return err;
	err = weir_device_create(bus, name, parent, &node->fw, &dev);
	weir_lock_(m);
	weir_strfree_(m, name);
	weir_unlock_(m);
	if (err)
		return err;
	err = amba ? claim_region(dt, dev) : 0;
	if (err)
		goto err_unref;
	err = weir_device_add(dev);
	if (err)
		goto err_unref;
	*out_dev = dev; /* the caller's reference goes back with weir_device_unref */
	return 0;

err_unref:
	weir_device_unref(dev);
	return err;
}

/*
 * A node that is free and available becomes a device. Return: 0, with the device
 * or NULL when the node makes none; WEIR_ENOMEM.
 */
static int make_device(struct weir_dt *dt, struct weir_dt_node *node, struct weir_device *parent,
		       bool amba, struct weir_device **out_dev)
{
	int err;

	*out_dev = NULL;
	if (has_flag(node, WEIR_FWNODE_DISABLED | WEIR_FWNODE_POPULATED))
		return 0;
	set_flags(node, WEIR_FWNODE_POPULATED, true);
	err = add_device(dt, node, parent, amba, out_dev);
	if (!err)
		return 0;
	/* a name or region that is taken: no device, and the node may be tried again */
	set_flags(node, WEIR_FWNODE_POPULATED, false);
	return err == WEIR_ENOMEM ? err : 0;
}

/* ---- trees of devices ---- */

static int make_tree(struct weir_dt *dt, struct weir_dt_node *node, struct weir_device *parent,
		     bool descend);

static int make_children(struct weir_dt *dt, struct weir_dt_node *node, struct weir_device *parent,
			 bool descend)
{
	struct weir_fwnode *child;
	int err = 0;

	for (child = node->fw.first_child; child && !err; child = child->next_sibling)
		err = make_tree(dt, weir_dt_node_(child), parent, descend);
	set_flags(node, WEIR_FWNODE_POPULATED_BUS, true);
	return err;
}

/* Depth is that of the tree, which loading has bounded. */
static int make_tree(struct weir_dt *dt, struct weir_dt_node *node, struct weir_device *parent,
		     bool descend)
{
	struct weir_device *dev;
	bool amba;
	int err;

	if (!node->has_compatible || weir_dt_is_compatible_(node, "operating-points-v2") ||
	    has_flag(node, WEIR_FWNODE_POPULATED_BUS))
		return 0;
	amba = weir_dt_is_compatible_(node, "arm,primecell");
	err = make_device(dt, node, parent, amba, &dev);
	if (err || !dev)
		return err;
	if (!amba && descend &&
	    is_any(node, plain_buses, sizeof(plain_buses) / sizeof(plain_buses[0])))
		err = make_children(dt, node, dev, descend);
	weir_device_unref(dev);
	return err;
}

static int make_reserved_memory(struct weir_dt *dt)
{
	for (uint32_t i = 0; i < dt->nr_nodes; i++) {
		struct weir_dt_node *node = &dt->nodes[i];
		struct weir_device *dev;
		int err;

		if (!node->has_compatible || !is_any(node, reserved_memory,
						 sizeof(reserved_memory) / sizeof(reserved_memory[0])))
			continue;
		err = make_device(dt, node, NULL, false, &dev);
		if (err)
			return err;
		weir_device_unref(dev);
	}
	return 0;
}

static int make_framebuffer(struct weir_dt *dt)
{
	struct weir_fwnode *chosen, *child;
	struct weir_device *dev;
	int err;

	if (weir_fwnode_find(dt->m, "/chosen", &chosen))
		return 0;
	for (child = chosen->first_child; child; child = child->next_sibling) {
		if (!weir_dt_is_compatible_(weir_dt_node_(child), "simple-framebuffer"))
			continue;
		err = make_device(dt, weir_dt_node_(child), NULL, false, &dev);
		weir_device_unref(dev);
		return err;
	}
	return 0;
}

int weir_dt_populate_(struct weir_machine *m)
{
	struct weir_dt *dt = m->dt;
	struct weir_fwnode *firmware;
	int err;

	weir_platform_pause_(m, true);
	err = weir_firmware_buses(m);
	if (!err)
		err = make_reserved_memory(dt);
	if (!err && !weir_fwnode_find(m, "/firmware", &firmware))
		err = make_children(dt, weir_dt_node_(firmware), NULL, true);
	if (!err)
		err = make_framebuffer(dt);
	if (!err)
		err = make_children(dt, dt->nodes, NULL, true);
	weir_platform_pause_(m, false);
	return err;
}

int weir_fwnode_populate(struct weir_device *parent, bool descend)
{
	struct weir_machine *m = parent->m;
	int err;

	if (!parent->fwnode || parent->fwnode->ops != &weir_dt_ops_)
		return WEIR_ENOENT;
	weir_platform_pause_(m, true);
	err = make_children(m->dt, weir_dt_node_(parent->fwnode), parent, descend);
	weir_platform_pause_(m, false);
	return err;
}

/* ---- and back ---- */

static void unmake(struct weir_device *dev);

static bool was_made(const struct weir_device *dev)
{
	return dev->fwnode && dev->fwnode->ops == &weir_dt_ops_ &&
	       (dev->fwnode->flags & WEIR_FWNODE_POPULATED);
}

/* The child next in order that populating made, with a reference; NULL at the end. */
static struct weir_device *next_made(struct weir_device *parent, bool reverse)
{
	struct weir_device *child, *found = NULL;

	weir_lock_(parent->m);
	weir_list_each(child, &parent->children, struct weir_device, child_node) {
		if (!was_made(child))
			continue;
		found = child;
		if (!reverse)
			break;
	}
	if (found)
		found->refs++;
	weir_unlock_(parent->m);
	return found;
}

static void unmake_children(struct weir_device *parent, bool reverse)
{
	struct weir_device *child;

	while ((child = next_made(parent, reverse)))
		unmake(child);
}

/* Takes over the reference. */
static void unmake(struct weir_device *dev)
{
	struct weir_dt_node *node = weir_dt_node_(dev->fwnode);

	if (has_flag(node, WEIR_FWNODE_POPULATED_BUS))
		unmake_children(dev, false);
	set_flags(node, WEIR_FWNODE_POPULATED | WEIR_FWNODE_POPULATED_BUS, false);
	weir_device_del(dev);
	weir_device_unref(dev);
}

void weir_fwnode_depopulate(struct weir_device *parent)
{
	struct weir_dt_node *node;

	if (!parent->fwnode || parent->fwnode->ops != &weir_dt_ops_)
		return;
	node = weir_dt_node_(parent->fwnode);
	if (!has_flag(node, WEIR_FWNODE_POPULATED_BUS))
		return;
	unmake_children(parent, true);
	set_flags(node, WEIR_FWNODE_POPULATED_BUS, false);
}
