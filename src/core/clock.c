// SPDX-License-Identifier: MIT
/*
 * Clocks of devices: who provides them is found through firmware each time; nothing is kept of a
 * consumer. A provider is published from its probe until it is unbound, and links keep it bound as
 * long as consumers are. Guarded by the machine lock, providers are called without it.
 */
#include "weir/clock.h"

#include "core/core.h"

struct weir_clocks {
	struct weir_device *dev;
	const struct weir_clock_ops *ops;
	void *provider;
};

static void withdraw(void *data)
{
	struct weir_clocks *clocks = data;
	struct weir_machine *m = clocks->dev->m;

	struct weir_device *dev;

	weir_lock_(m);
	clocks->dev->clocks = NULL;
	/* Whose clocks these were does not matter: at worst one is enabled twice. */
	weir_list_each(dev, &m->devices, struct weir_device, all_node)
		dev->clocks_left = false;
	weir_unlock_(m);
}

int weir_clocks_publish(struct weir_device *dev, const struct weir_clock_ops *ops, void *provider)
{
	struct weir_clocks *clocks;
	void *mem;
	int err;

	if (ops->abi.version != WEIR_ABI_VERSION || ops->abi.size < sizeof(*ops) || !ops->enable ||
	    !ops->disable)
		return WEIR_EINVAL;
	if (dev->clocks)
		return WEIR_EEXIST;
	err = weir_devm_alloc(dev, sizeof(*clocks), &mem);
	if (err)
		return err;
	clocks = mem;
	*clocks = (struct weir_clocks){ .dev = dev, .ops = ops, .provider = provider };
	weir_lock_(dev->m);
	dev->clocks = clocks;
	weir_unlock_(dev->m);
	return weir_devm_add(dev, withdraw, clocks);
}

/*
 * Who publishes the clocks of a node. A provider that is being deleted has its node no more, but as
 * long as it has consumers it is their supplier, and what runs for them can be stopped.
 */
static const struct weir_clocks *published(const struct weir_device *dev,
					   const struct weir_fwnode *node)
{
	const struct weir_link *link;

	if (node->owner)
		return node->owner->clocks;
	weir_list_each(link, &dev->suppliers, struct weir_link, c_node)
		if (link->supplier->fwnode == node && link->supplier->clocks)
			return link->supplier->clocks;
	return NULL;
}

/*
 * The @index-th clock of a device: *out_clocks has no ops when nobody publishes it. The node of a
 * provider may be a part of the device that stands for it.
 * Return: 0; WEIR_ENOENT after the last; WEIR_EINVAL.
 */
static int find(struct weir_device *dev, unsigned int index, struct weir_fwspec *out_spec,
		struct weir_clocks *out_clocks)
{
	const struct weir_fwnode *node;
	int err;

	*out_clocks = (struct weir_clocks){ 0 };
	err = dev->fwnode ? weir_firmware_reference(dev->fwnode, "clocks", "#clock-cells", index,
						    out_spec)
			  : WEIR_ENOENT;
	if (err == WEIR_ENXIO)
		return 0;
	if (err)
		return err;
	weir_lock_(dev->m);
	for (node = out_spec->target; node && !out_clocks->ops; node = node->parent) {
		const struct weir_clocks *clocks = published(dev, node);

		if (clocks)
			*out_clocks = *clocks;
	}
	weir_unlock_(dev->m);
	return 0;
}

/* The first @n of them, last first. */
static void disable(struct weir_device *dev, unsigned int n)
{
	struct weir_clocks clocks;
	struct weir_fwspec spec;

	while (n--)
		if (!find(dev, n, &spec, &clocks) && clocks.ops)
			clocks.ops->disable(clocks.provider, spec.cells, spec.nr_cells);
}

int weir_clocks_enable(struct weir_device *dev)
{
	struct weir_clocks clocks;
	struct weir_fwspec spec;
	unsigned int n;
	bool left;
	int err;

	weir_lock_(dev->m);
	left = dev->clocks_left;
	dev->clocks_left = false;
	weir_unlock_(dev->m);
	if (left)
		return 0;
	for (n = 0; !(err = find(dev, n, &spec, &clocks)); n++) {
		err = clocks.ops ? clocks.ops->enable(clocks.provider, spec.cells, spec.nr_cells) : 0;
		if (err)
			break;
	}
	if (err == WEIR_ENOENT && !clocks.ops)
		return 0;
	disable(dev, n);
	weir_logf_(dev->m, WEIR_LOG_ERR, "%s: its clock %u cannot be had: %s", dev->name, n,
		   weir_strerror(err));
	return err;
}

void weir_clocks_disable(struct weir_device *dev)
{
	struct weir_clocks clocks;
	struct weir_fwspec spec;
	unsigned int n = 0;

	while (!find(dev, n, &spec, &clocks))
		n++;
	disable(dev, n);
}

void weir_clocks_leave(struct weir_device *dev)
{
	weir_lock_(dev->m);
	dev->clocks_left = true;
	weir_unlock_(dev->m);
}
