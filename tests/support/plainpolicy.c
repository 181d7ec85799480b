// SPDX-License-Identifier: MIT
/* See plainpolicy.h. State: two lists of devices, by wait_node. */
#include "plainpolicy.h"

#include "core/core.h"

struct plain {
	struct weir_list ready;
	struct weir_list deferred;
};

static struct plain *plain_of(struct weir_machine *m)
{
	return weir_policy_state(m);
}

static int plain_init(struct weir_machine *m, const void *args)
{
	struct plain *plain = weir_alloc_(m, sizeof(*plain));

	(void)args;
	if (!plain)
		return WEIR_ENOMEM;
	weir_list_init(&plain->ready);
	weir_list_init(&plain->deferred);
	weir_policy_set_state(m, plain);
	return 0;
}

static void plain_fini(struct weir_machine *m)
{
	weir_free_(m, plain_of(m), sizeof(struct plain));
}

static uint32_t plain_rules(struct weir_machine *m)
{
	(void)m;
	return WEIR_RULE_OPTIONAL_BINDINGS;
}

static int plain_link_device(struct weir_device *dev)
{
	int err = weir_fwnode_parse_tree_(dev->fwnode);

	if (!err)
		err = weir_fw_link_consumers_(dev);
	return err ? err : weir_fw_link_suppliers_(dev);
}

static uint32_t plain_link_flags(const struct weir_fwlink *fwlink, struct weir_device *consumer,
				 bool proxy)
{
	(void)consumer;
	if (proxy || (fwlink->flags & WEIR_FWLINK_CYCLE))
		return WEIR_LINK_INFERRED | WEIR_LINK_SYNC_STATE_ONLY;
	return WEIR_LINK_INFERRED | WEIR_LINK_AUTOPROBE;
}

static void enqueue(struct weir_device *dev)
{
	weir_list_del(&dev->wait_node);
	weir_list_add_tail(&plain_of(dev->m)->ready, &dev->wait_node);
}

static void plain_driver_ready(struct weir_machine *m, const struct weir_driver *drv)
{
	struct weir_reg *reg = weir_reg_find_(m, drv);
	struct weir_device *dev;
	uint32_t after = 0;

	while ((dev = weir_match_next_device_(reg, after))) {
		after = dev->seq;
		if (!dev->reg && !dev->dead)
			enqueue(dev);
	}
}

static int plain_may_probe(struct weir_device *dev)
{
	struct weir_link *link;

	if (dev->nr_blocking)
		return WEIR_EDEFER;
	if (dev->fwnode && dev->fwnode->owner == dev && dev->fwnode->nr_blocking)
		return WEIR_EDEFER;
	weir_list_each(link, &dev->suppliers, struct weir_link, c_node)
		if (link->flags & WEIR_LINK_MANAGED)
			weir_link_set_(link, link->flags, WEIR_LINK_CONSUMER_PROBE);
	dev->status = WEIR_DEVICE_PROBING;
	return 0;
}

static void plain_bound(struct weir_device *dev)
{
	struct plain *plain = plain_of(dev->m);

	weir_list_del(&dev->wait_node);
	weir_list_splice_tail(&plain->ready, &plain->deferred);
}

static void plain_deferred(struct weir_device *dev, bool positive)
{
	(void)positive;
	weir_list_del(&dev->wait_node);
	weir_list_add_tail(&plain_of(dev->m)->deferred, &dev->wait_node);
}

static void plain_failed(struct weir_device *dev, int err)
{
	(void)err;
	weir_list_del(&dev->wait_node);
}

static void plain_gone(struct weir_device *dev)
{
	weir_list_del(&dev->wait_node);
}

static int plain_step(struct weir_machine *m, unsigned int budget)
{
	struct plain *plain = plain_of(m);

	for (; budget && !weir_list_empty(&plain->ready); budget--) {
		struct weir_device *dev =
			weir_container_of(plain->ready.next, struct weir_device, wait_node);

		weir_list_del(&dev->wait_node);
		(void)weir_attach_device_(dev);
	}
	return !weir_list_empty(&plain->ready);
}

const struct weir_policy_ops plain_policy = {
	.abi = WEIR_ABI(struct weir_policy_ops),
	.name = "plain",
	.init = plain_init,
	.fini = plain_fini,
	.firmware_rules = plain_rules,
	.link_device = plain_link_device,
	.link_flags = plain_link_flags,
	.device_ready = enqueue,
	.driver_ready = plain_driver_ready,
	.may_probe = plain_may_probe,
	.bound = plain_bound,
	.deferred = plain_deferred,
	.failed = plain_failed,
	.deleted = plain_gone,
	.step = plain_step,
};
