// SPDX-License-Identifier: MIT
/*
 * Verdicts: read off the state of devices and links when asked, not stored. A
 * chain of verdicts leads from a device that waits to the one that is to blame.
 */
#include "core/core.h"

static const char *const names[WEIR_VERDICT_COUNT_] = {
	[WEIR_VERDICT_BOUND] = "bound",
	[WEIR_VERDICT_NO_DRIVER] = "no-driver",
	[WEIR_VERDICT_LOADABLE] = "loadable",
	[WEIR_VERDICT_DENIED] = "denied",
	[WEIR_VERDICT_UNKNOWN_DRIVER] = "unknown-driver",
	[WEIR_VERDICT_WAITS_SUPPLIER] = "waits-supplier",
	[WEIR_VERDICT_WAITS_NODE] = "waits-node",
	[WEIR_VERDICT_WAITS_IOMMU] = "waits-iommu",
	[WEIR_VERDICT_DRIVER_DEFERS] = "driver-defers",
	[WEIR_VERDICT_REFUSED] = "refused",
	[WEIR_VERDICT_FAILED] = "failed",
	[WEIR_VERDICT_IDS_REJECTED] = "ids-rejected",
	[WEIR_VERDICT_READY] = "ready",
	[WEIR_VERDICT_REMOVED] = "removed",
};

const char *weir_verdict_name(enum weir_verdict verdict)
{
	return (unsigned int)verdict < WEIR_VERDICT_COUNT_ ? names[verdict] : "?";
}

/* No registered driver fits. Will one? */
static enum weir_verdict without_driver(struct weir_device *dev, struct weir_why *why)
{
	struct weir_machine *m = dev->m;
	int found = weir_catalogue_find_(dev, &why->driver);

	if (found == WEIR_CATALOGUE_DENIED)
		return WEIR_VERDICT_DENIED;
	if (found == WEIR_CATALOGUE_LOADABLE && !weir_catalogue_sealed_(m))
		return dev->was_bound ? WEIR_VERDICT_REMOVED : WEIR_VERDICT_LOADABLE;
	if (weir_catalogue_sealed_(m) || (found < 0 && weir_catalogue_complete_(m)))
		return WEIR_VERDICT_NO_DRIVER;
	return dev->was_bound ? WEIR_VERDICT_REMOVED : WEIR_VERDICT_UNKNOWN_DRIVER;
}

/* The device to ask about a node that has none: the nearest above it that is not bound. */
static struct weir_device *device_for(struct weir_fwnode *node)
{
	struct weir_fwnode *above = node->owner ? node : weir_fwnode_owner_above_(node);

	return above && above->owner->status != WEIR_DEVICE_BOUND ? above->owner : NULL;
}

static enum weir_verdict waits_for_node(struct weir_device *dev, struct weir_why *why)
{
	struct weir_fwlink *fwlink;

	weir_list_each(fwlink, &dev->fwnode->suppliers, struct weir_fwlink, c_node) {
		if (fwlink->flags & (WEIR_FWLINK_CYCLE | WEIR_FWLINK_IGNORE))
			continue;
		why->node = fwlink->supplier;
		why->property = fwlink->property;
		why->next = device_for(fwlink->supplier);
		if (why->next == dev)
			why->next = NULL;
		break;
	}
	return WEIR_VERDICT_WAITS_NODE;
}

static enum weir_verdict waits_for_supplier(struct weir_device *dev, struct weir_why *why)
{
	struct weir_link *link;

	weir_list_each(link, &dev->suppliers, struct weir_link, c_node) {
		if (!link->blocking)
			continue;
		why->next = link->supplier;
		why->property = link->property;
		break;
	}
	return WEIR_VERDICT_WAITS_SUPPLIER;
}

static enum weir_verdict after_failure(struct weir_device *dev, struct weir_why *why)
{
	why->err = dev->last_err;
	if (dev->iommu_err == WEIR_EINVAL && dev->last_err == WEIR_EINVAL)
		return WEIR_VERDICT_IDS_REJECTED;
	if (dev->last_err == WEIR_ENODEV || dev->last_err == WEIR_ENXIO)
		return WEIR_VERDICT_REFUSED;
	return WEIR_VERDICT_FAILED;
}

static enum weir_verdict judge(struct weir_device *dev, struct weir_why *why)
{
	struct weir_reg *reg;

	if (dev->status == WEIR_DEVICE_BOUND) {
		why->driver = dev->reg->drv->name;
		return WEIR_VERDICT_BOUND;
	}
	reg = weir_match_next_reg_(dev, 0);
	if (!reg)
		return without_driver(dev, why);
	why->driver = reg->drv->name;
	why->reason = dev->reason;
	if (dev->fwnode && dev->fwnode->nr_blocking)
		return waits_for_node(dev, why);
	if (dev->nr_blocking)
		return waits_for_supplier(dev, why);
	if (dev->iommu_missing) {
		why->node = dev->iommu_missing;
		why->property = "iommus";
		why->next = device_for(dev->iommu_missing);
		return WEIR_VERDICT_WAITS_IOMMU;
	}
	if (dev->last_err)
		return after_failure(dev, why);
	if (dev->reason || !weir_list_empty(&dev->wait_node))
		return dev->reason ? WEIR_VERDICT_DRIVER_DEFERS : WEIR_VERDICT_READY;
	return dev->was_bound ? WEIR_VERDICT_REMOVED : WEIR_VERDICT_READY;
}

static enum weir_verdict verdict(struct weir_device *dev, struct weir_why *out_why)
{
	*out_why = (struct weir_why){ .device = dev };
	out_why->verdict = judge(dev, out_why);
	return out_why->verdict;
}

enum weir_verdict weir_device_verdict(struct weir_device *dev, struct weir_why *out_why)
{
	enum weir_verdict v;
	struct weir_why why;

	weir_lock_(dev->m);
	v = verdict(dev, &why);
	weir_unlock_(dev->m);
	if (out_why)
		*out_why = why;
	return v;
}

unsigned int weir_device_root_cause(struct weir_device *dev, struct weir_why *out_why)
{
	struct weir_machine *m = dev->m;
	unsigned int steps = 0;
	struct weir_why why;

	weir_lock_(m);
	m->mark++;
	verdict(dev, &why);
	while (why.next && why.next->mark != m->mark) {
		why.device->mark = m->mark;
		verdict(why.next, &why);
		steps++;
	}
	weir_unlock_(m);
	*out_why = why;
	return steps;
}
