// SPDX-License-Identifier: MIT
/*
 * The gate before a probe: firmware-node links first, device links then, and the
 * IOMMU last. Behaviour of Linux 6.12: linux-semantics sections 7 and 11.
 */
#include <stdio.h>

#include "iommu/priv.h"
#include "kernel/linux/state.h"

/* The bus is named because no driver is set at this stage. */
static void set_reason(struct weir_device *dev, const char *what, const char *end)
{
	char line[1200];

	snprintf(line, sizeof(line), "%s: %s%s", dev->bus->name, what, end);
	weir_device_set_reason_(dev, line);
}

bool linux_best_effort(const struct weir_device *dev)
{
	return dev->best_effort ||
	       (dev->fwnode && (dev->fwnode->flags & WEIR_FWNODE_BEST_EFFORT));
}

static bool permissive(const struct weir_machine *m)
{
	return linux_state(m)->args.fw_devlink == WEIR_FW_DEVLINK_PERMISSIVE;
}

static struct weir_fwlink *blocking_fwlink(const struct weir_device *dev)
{
	struct weir_fwlink *fwlink;

	if (!dev->fwnode || !dev->fwnode->nr_blocking)
		return NULL;
	weir_list_each(fwlink, &dev->fwnode->suppliers, struct weir_fwlink, c_node)
		if (!(fwlink->flags & (WEIR_FWLINK_CYCLE | WEIR_FWLINK_IGNORE)))
			return fwlink;
	return NULL;
}

static int wait_for_node(struct weir_device *dev, const struct weir_fwlink *fwlink)
{
	char path[1024] = "wait for supplier ";

	weir_fwnode_path(fwlink->supplier, path + 18, sizeof(path) - 18);
	set_reason(dev, path, "");
	return WEIR_EDEFER;
}

static int wait_for_device(struct weir_device *dev, const struct weir_link *link)
{
	char what[1024];

	weir_links_unprobe_(dev);
	snprintf(what, sizeof(what), "supplier %s not ready", link->supplier->name);
	set_reason(dev, what, "");
	return WEIR_EDEFER;
}

/* Also a device that is sent away here has the status "probing" from now on. */
static int claim_suppliers(struct weir_device *dev)
{
	struct weir_link *link;
	int err = 0;

	weir_list_each(link, &dev->suppliers, struct weir_link, c_node) {
		if (!(link->flags & WEIR_LINK_MANAGED))
			continue;
		if (link->state == WEIR_LINK_AVAILABLE ||
		    (link->flags & WEIR_LINK_SYNC_STATE_ONLY)) {
			weir_link_set_(link, link->flags, WEIR_LINK_CONSUMER_PROBE);
			continue;
		}
		if (linux_best_effort(dev) && (link->flags & WEIR_LINK_INFERRED) &&
		    !link->supplier->can_match) {
			dev->soft_start = true;
			continue;
		}
		err = wait_for_device(dev, link);
		break;
	}
	dev->status = WEIR_DEVICE_PROBING;
	return err;
}

int linux_may_probe(struct weir_device *dev)
{
	struct weir_fwlink *fwlink = permissive(dev->m) ? NULL : blocking_fwlink(dev);

	dev->soft_start = false;
	if (fwlink) {
		if (!linux_best_effort(dev))
			return wait_for_node(dev, fwlink);
		dev->soft_start = true;
	}
	return claim_suppliers(dev);
}

/*
 * No instance for a node that names one: not yet, until initcalls are over and the
 * timeout is; then the device goes on untranslated.
 */
static int instance_missing(const struct weir_machine *m)
{
	const struct linux_state *s = linux_state(m);

	if (s->initcalls_done && s->args.no_modules)
		return WEIR_ENODEV;
	if (s->initcalls_done && !s->timeout)
		return WEIR_ETIMEDOUT;
	return WEIR_EDEFER;
}

int linux_dma_configure(struct weir_device *dev)
{
	struct weir_fwnode *missing = NULL;
	int err = weir_iommu_configure_(dev, &missing);

	if (err == WEIR_EDEFER)
		err = instance_missing(dev->m);
	dev->iommu_missing = err == WEIR_EDEFER ? missing : NULL;
	/* memory is lacking here, not in the kernel that is modelled */
	if (err == WEIR_EDEFER || err == WEIR_ENOMEM)
		return err;
	if (err)
		weir_iommu_without_(dev, err);
	dev->iommu_err = err;
	return 0;
}

int weir_linux_waiting_for_supplier(const struct weir_device *dev)
{
	const struct linux_state *s = linux_state(dev->m);

	if (!dev->fwnode || dev->was_bound || /* the first bind takes it away */
	    s->args.fw_devlink < WEIR_FW_DEVLINK_ON)
		return WEIR_ENOENT;
	return blocking_fwlink(dev) != NULL;
}

bool weir_linux_can_match(const struct weir_device *dev)
{
	return dev->can_match;
}

bool weir_linux_state_synced(const struct weir_device *dev)
{
	return dev->state_synced;
}
