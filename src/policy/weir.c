// SPDX-License-Identifier: MIT
/*
 * The library's own policy: event-driven, without a clock.
 *
 * Each device counts what holds it back; the event that brings the count to zero
 * puts it into the ready queue, and nothing else is looked at. A device whose
 * driver says "not yet" without naming what it waits for is tried again when
 * everything else is done and something was bound since.
 *
 * Life of a device in the queues: wait_node is in `ready`, in `again`, or in none;
 * IN_FLIGHT marks one whose probe was handed to a host thread.
 */
#include "core/core.h"
#include "core/text.h"

#define IN_FLIGHT 0x1u
#define WOKEN 0x2u /* ... and something changed for it meanwhile, outside its driver */
#define REFUSED 0x4u /* an IOMMU that came late: a device runs without it */

struct weir_state {
	struct weir_list ready;  /* devices that can be probed now */
	struct weir_list again;  /* devices whose driver deferred by itself */
	uint64_t binds;          /* so far */
	uint64_t binds_at_round; /* when `again` was last moved to `ready` */
	bool dirty;              /* suppliers were named since the last cycle analysis */
};

static struct weir_state *state(const struct weir_machine *m)
{
	return m->policy_state;
}

static int init(struct weir_machine *m, const void *args)
{
	struct weir_state *s = weir_alloc_(m, sizeof(*s));

	(void)args;
	if (!s)
		return WEIR_ENOMEM;
	weir_list_init(&s->ready);
	weir_list_init(&s->again);
	m->policy_state = s;
	return 0;
}

static void fini(struct weir_machine *m)
{
	weir_free_(m, state(m), sizeof(struct weir_state));
}

/* ---- firmware ---- */

static uint32_t firmware_rules(struct weir_machine *m)
{
	(void)m;
	return WEIR_RULE_OPTIONAL_BINDINGS | WEIR_RULE_LINKS_RETURN;
}

/* The whole graph is known before the first device: cycles are settled on it. */
static int firmware_changed(struct weir_machine *m)
{
	int err = m->root ? weir_fwnode_parse_tree_(m->root) : 0;

	state(m)->dirty = true;
	return err;
}

static int link_device(struct weir_device *dev)
{
	const struct weir_part_cycles *cycles = dev->m->parts.cycles;
	struct weir_state *s = state(dev->m);
	int err = s->dirty && cycles ? cycles->relax(dev->m) : 0;

	if (err)
		return err;
	s->dirty = false;
	err = weir_fw_link_consumers_(dev);
	return err ? err : weir_fw_link_suppliers_(dev);
}

/* Who needs it the other way round, by firmware's word, is not held up. */
static int order_device(struct weir_device *dev)
{
	const struct weir_bus_ops *ops = dev->bus->ops;
	struct weir_device *port = ops->order_after ? ops->order_after(dev) : NULL;
	struct weir_link *link;
	int err = port ? weir_link_add_(dev, port, WEIR_LINK_ORDER, "port", &link) : 0;

	return err == WEIR_ELOOP ? 0 : err;
}

static uint32_t link_flags(const struct weir_fwlink *fwlink, struct weir_device *consumer,
			   bool proxy)
{
	(void)consumer;
	if (proxy)
		return WEIR_LINK_INFERRED | WEIR_LINK_SYNC_STATE_ONLY;
	if (fwlink->flags & WEIR_FWLINK_CYCLE)
		return WEIR_LINK_INFERRED | WEIR_LINK_SYNC_STATE_ONLY | WEIR_LINK_CYCLE;
	return WEIR_LINK_INFERRED | WEIR_LINK_PM_RUNTIME;
}

/* ---- readiness ---- */

static bool held_back(const struct weir_device *dev)
{
	if (dev->parent && dev->parent->status == WEIR_DEVICE_PROBING)
		return true;
	return dev->nr_blocking || (dev->fwnode && dev->fwnode->nr_blocking);
}

static bool is_best_effort(const struct weir_device *dev)
{
	return dev->best_effort ||
	       (dev->fwnode && (dev->fwnode->flags & WEIR_FWNODE_BEST_EFFORT));
}

/* What can never come need not be waited for by who takes what there is. */
static bool only_lacks_the_impossible(const struct weir_device *dev)
{
	struct weir_link *link;

	if (dev->fwnode && dev->fwnode->nr_blocking)
		return false;
	weir_list_each(link, &dev->suppliers, struct weir_link, c_node)
		if (link->blocking && !link->supplier->no_driver_ever)
			return false;
	return !(dev->parent && dev->parent->status == WEIR_DEVICE_PROBING);
}

static bool can_try(const struct weir_device *dev)
{
	return !held_back(dev) || (is_best_effort(dev) && only_lacks_the_impossible(dev));
}

static bool is_optional_for(const struct weir_driver *drv, const char *property)
{
	const char *const *name;

	for (name = drv->optional_suppliers; property && name && *name; name++)
		if (weir_streq_(*name, property))
			return true;
	return false;
}

/* Lets go of what the driver that will take the device can do without. */
static void drop_optional(struct weir_device *dev, const struct weir_driver *drv)
{
	struct weir_fwlink *fwlink;
	struct weir_link *link;

	if (!drv->optional_suppliers)
		return;
	weir_list_each(link, &dev->suppliers, struct weir_link, c_node) {
		if (!link->blocking || !is_optional_for(drv, link->property))
			continue;
		weir_link_set_(link, link->flags | WEIR_LINK_OPTIONAL, link->state);
		weir_link_relax_(link);
	}
	if (!dev->fwnode)
		return;
	weir_list_each(fwlink, &dev->fwnode->suppliers, struct weir_fwlink, c_node)
		if (is_optional_for(drv, fwlink->property))
			weir_fwlink_set_(fwlink, fwlink->flags | WEIR_FWLINK_CYCLE);
}

static void queue(struct weir_device *dev)
{
	struct weir_state *s = state(dev->m);

	if (!dev->added || dev->dead || dev->reg)
		return;
	if (dev->wait_word & IN_FLIGHT) {
		dev->wait_word |= WOKEN;
		return;
	}
	weir_list_del(&dev->wait_node);
	weir_list_add_tail(&s->ready, &dev->wait_node);
	weir_event_dev_(WEIR_EVENT_QUEUED, dev, NULL, 0);
	dev->cause = dev->m->cause;
}

/* Something changed for a device: queue it if that was the last thing missing. */
static void reconsider(struct weir_device *dev)
{
	struct weir_reg *reg;

	if (!dev->seq || dev->reg || !weir_list_empty(&dev->wait_node))
		return;
	reg = weir_match_next_reg_(dev, 0);
	if (!reg)
		return;
	dev->can_match = true;
	drop_optional(dev, reg->drv);
	if (weir_list_empty(&dev->wait_node) && can_try(dev))
		queue(dev);
}

/* ---- devices that can never have a driver ---- */

/* Consumers that only wanted to come after it, or could do without it, go on. */
static void let_go(struct weir_device *sup)
{
	struct weir_link *link;

	weir_list_each(link, &sup->consumers, struct weir_link, s_node) {
		if (!link->blocking)
			continue;
		if (link->flags & WEIR_LINK_ORDER)
			weir_link_set_(link, link->flags, WEIR_LINK_AVAILABLE);
		else if (link->flags & WEIR_LINK_OPTIONAL)
			weir_link_relax_(link);
		else if (is_best_effort(link->consumer))
			reconsider(link->consumer);
	}
}

/* A supplier that was settled before the link was made does not tell again. */
static void link_added(struct weir_link *link)
{
	const struct weir_part_iommu *iommu = link->consumer->m->parts.iommu;

	if (iommu)
		iommu->mark_link(link);
	if (!link->blocking)
		return;
	if (weir_link_settled_(link))
		weir_link_set_(link, link->flags, WEIR_LINK_AVAILABLE);
	else if ((link->flags & WEIR_LINK_OPTIONAL) && link->supplier->no_driver_ever)
		weir_link_relax_(link);
}

static void judge_driver(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;
	const char *name;
	int found;

	if (dev->reg || dev->no_driver_ever || weir_match_next_reg_(dev, 0))
		return;
	found = weir_catalogue_find_(dev, &name);
	if (!weir_catalogue_sealed_(m) &&
	    (!weir_catalogue_complete_(m) || (found >= 0 && found != WEIR_CATALOGUE_DENIED)))
		return;
	dev->no_driver_ever = true;
	let_go(dev);
}

static void catalogue_changed(struct weir_machine *m, bool sealed)
{
	struct weir_device *dev;

	(void)sealed;
	weir_list_each(dev, &m->devices, struct weir_device, all_node)
		judge_driver(dev);
}

/* ---- what happens ---- */

static void device_ready(struct weir_device *dev)
{
	judge_driver(dev);
	reconsider(dev);
}

static void driver_ready(struct weir_machine *m, const struct weir_driver *drv)
{
	struct weir_reg *reg = weir_reg_find_(m, drv);
	struct weir_device *dev;
	uint32_t after = 0;

	while ((dev = weir_match_next_device_(reg, after))) {
		after = dev->seq;
		dev->no_driver_ever = false;
		if (!dev->reg) /* another driver may have deferred it */
			weir_list_del(&dev->wait_node);
		reconsider(dev);
	}
}

static int may_probe(struct weir_device *dev)
{
	struct weir_link *link;
	bool soft = held_back(dev);
	const struct weir_part_iommu *iommu = dev->m->parts.iommu;
	const struct weir_device *refuser = iommu ? iommu->refuser(dev) : NULL;

	dev->wait_word &= ~REFUSED;
	if (!can_try(dev))
		return WEIR_EDEFER;
	if (refuser) {
		char reason[120];

		dev->wait_word |= REFUSED;
		weir_format_(reason, sizeof(reason), "%s runs without it", refuser->name);
		weir_device_set_reason_(dev, reason);
		return WEIR_EDEFER;
	}
	weir_list_each(link, &dev->suppliers, struct weir_link, c_node) {
		__builtin_prefetch(link->supplier); /* each is asked to stay awake */
		if ((link->flags & WEIR_LINK_MANAGED) && link->state == WEIR_LINK_AVAILABLE)
			weir_link_set_(link, link->flags, WEIR_LINK_CONSUMER_PROBE);
	}
	dev->soft_start = soft;
	dev->status = WEIR_DEVICE_PROBING;
	weir_device_set_reason_(dev, NULL);
	return 0;
}

/* A consumer that was bound without this supplier hears of it. */
static void supplier_ready(struct weir_link *link)
{
	struct weir_device *con = link->consumer, *sup = link->supplier;
	struct weir_machine *m = con->m;
	const struct weir_driver *drv;
	struct weir_reg *reg = con->reg;
	struct weir_work work;

	if (!(link->flags & WEIR_LINK_OPTIONAL) || con->status != WEIR_DEVICE_BOUND)
		return;
	drv = reg->drv;
	weir_link_set_(link, link->flags, WEIR_LINK_ACTIVE);
	if (!drv->ops || !drv->ops->supplier_arrived)
		return;
	sup->refs++;
	con->refs++;
	con->reg->users++;
	weir_work_begin_(m, con, &work);
	weir_unlock_(m);
	drv->ops->supplier_arrived(con, sup);
	weir_lock_(m);
	weir_work_end_(m, &work);
	weir_reg_put_(reg);
	weir_device_unref_(con);
	weir_device_unref_(sup);
}

/* They wait while their parent is being probed, however that ends. */
static void wake_children(struct weir_device *dev)
{
	struct weir_device *child;

	weir_list_each(child, &dev->children, struct weir_device, child_node)
		reconsider(child);
}

static void bound(struct weir_device *dev)
{
	state(dev->m)->binds++;
	weir_list_del(&dev->wait_node);
	wake_children(dev);
}

/* Not held back, and yet deferred: by its driver, or by an IOMMU that is not there. */
static void deferred(struct weir_device *dev, bool positive)
{
	(void)positive;
	if (weir_list_empty(&dev->wait_node) && !held_back(dev))
		weir_list_add_tail(&state(dev->m)->again, &dev->wait_node);
	wake_children(dev);
}

static void failed(struct weir_device *dev, int err)
{
	(void)err;
	let_go(dev);
	wake_children(dev);
}

static void deleted(struct weir_device *dev)
{
	weir_list_del(&dev->wait_node);
}

/* Its driver may have been the last that fits; an IOMMU may have been refused for its sake. */
static void unbound(struct weir_device *dev)
{
	struct weir_link *link;

	deleted(dev);
	judge_driver(dev);
	weir_list_each(link, &dev->suppliers, struct weir_link, c_node)
		if ((link->flags & WEIR_LINK_OPTIONAL) && (link->supplier->wait_word & REFUSED))
			queue(link->supplier);
}

/* ---- work ---- */

static void finish_async(void *arg)
{
	struct weir_device *dev = arg;
	struct weir_machine *m = dev->m;
	struct weir_work work;
	bool woken;

	weir_lock_(m);
	weir_work_begin_(m, NULL, &work);
	work.async = true;
	dev->wait_word &= ~WOKEN; /* what came before is seen by the attempt */
	weir_attach_device_(dev);
	woken = dev->wait_word & WOKEN;
	dev->wait_word &= ~(IN_FLIGHT | WOKEN);
	if (woken)
		reconsider(dev);
	m->nr_async--;
	weir_device_unref_(dev);
	weir_work_end_(m, &work);
	weir_unlock_(m);
}

static bool start_async(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;
	struct weir_reg *reg = weir_match_next_reg_(dev, 0);

	if (!m->ops->thread_run || !reg || (reg->drv->flags & WEIR_DRIVER_SYNC))
		return false;
	dev->wait_word |= IN_FLIGHT;
	dev->refs++;
	m->nr_async++;
	if (!m->ops->thread_run(m->host, finish_async, dev))
		return true;
	m->nr_async--;
	dev->refs--;
	dev->wait_word &= ~IN_FLIGHT;
	return false;
}

static void try_one(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;

	weir_list_del(&dev->wait_node);
	m->cause = dev->cause;
	dev->refs++;
	if (m->late)
		m->late->before(dev);
	if (m->suspended) /* meanwhile */
		queue(dev);
	else if (!start_async(dev))
		weir_attach_device_(dev);
	weir_device_unref_(dev);
	m->cause = 0;
}

/* When nothing else is left, those who deferred by themselves get another turn. */
static bool next_round(struct weir_machine *m)
{
	struct weir_state *s = state(m);

	if (m->nr_async || weir_list_empty(&s->again) || s->binds == s->binds_at_round)
		return false;
	s->binds_at_round = s->binds;
	weir_list_splice_tail(&s->ready, &s->again);
	return true;
}

static int step(struct weir_machine *m, unsigned int budget)
{
	struct weir_state *s = state(m);

	while (budget-- && !m->suspended) {
		if (weir_list_empty(&s->ready) && !next_round(m))
			return 0;
		try_one(weir_container_of(s->ready.next, struct weir_device, wait_node));
	}
	return !m->suspended && (!weir_list_empty(&s->ready) || next_round(m));
}

/* ---- IOMMUs, where the machine has them ---- */

static int dma_configure(struct weir_device *dev)
{
	const struct weir_part_iommu *iommu = dev->m->parts.iommu;

	return iommu ? iommu->need(dev) : 0;
}

static void dma_cleanup(struct weir_device *dev)
{
	if (dev->m->parts.iommu)
		dev->m->parts.iommu->lost_driver(dev);
}

static void iommu_added(struct weir_device *dev)
{
	if (dev->m->late)
		dev->m->late->came(dev);
}

const struct weir_policy_ops weir_policy_weir_ = {
	.abi = WEIR_ABI(struct weir_policy_ops),
	.name = "weir",
	.newest_first = true,
	.init = init,
	.fini = fini,
	.link_device = link_device,
	.firmware_rules = firmware_rules,
	.firmware_changed = firmware_changed,
	.order_device = order_device,
	.link_flags = link_flags,
	.link_added = link_added,
	.device_ready = device_ready,
	.driver_ready = driver_ready,
	.may_probe = may_probe,
	.dma_configure = dma_configure,
	.dma_cleanup = dma_cleanup,
	.iommu_added = iommu_added,
	.supplier_ready = supplier_ready,
	.bound = bound,
	.deferred = deferred,
	.failed = failed,
	.unblocked = reconsider,
	.unbound = unbound,
	.deleted = deleted,
	.catalogue_changed = catalogue_changed,
	.step = step,
};
