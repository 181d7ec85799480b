// SPDX-License-Identifier: MIT
/*
 * Devices and their IOMMUs under the policy "weir".
 *
 * A device waits for all its IOMMUs, by links. When one can never come, failed for good
 * or rejects its ids, a device whose rules allow it goes without; then its link to the
 * IOMMU does not hold back, but is still there, and so an IOMMU that comes late finds who
 * runs without it. All under the machine lock.
 */
#include "dma/priv.h"
#include "iommu/priv.h"

static enum weir_iommu_need need_of(const struct weir_device *dev)
{
	return dev->iommu_need ? dev->iommu_need - 1u : dev->m->iommu_rules.need;
}

bool weir_device_untranslated(const struct weir_device *dev)
{
	return dev->untranslated;
}

/* ---- before a probe ---- */

/* Firmware's words on a device's node make links; those on a bus's requester ids do not. */
static int link_iommus(struct weir_device *dev)
{
	struct weir_fwspec spec;

	for (unsigned int i = 0; !weir_iommu_spec_(dev, i, &spec); i++) {
		struct weir_device *sup = spec.target->owner;
		struct weir_link *link;
		int err;

		if (!sup || sup == dev || weir_link_find_(dev, sup))
			continue;
		err = weir_link_add_(dev, sup, WEIR_LINK_INFERRED | WEIR_LINK_PM_RUNTIME,
				     "iommu-map", &link);
		/* an IOMMU that needs the device first, or is on its way out: then by asking alone */
		if (err && err != WEIR_ELOOP && err != WEIR_ENODEV)
			return err;
	}
	return 0;
}

/*
 * An IOMMU whose driver comes or leaves at this moment, on another thread; NULL: none does. The
 * device may be behind one that is being deleted, which firmware's node has let go of.
 */
static struct weir_fwnode *moving_iommu(struct weir_device *dev)
{
	struct weir_fwspec spec;

	for (unsigned int i = 0; !weir_iommu_spec_(dev, i, &spec); i++) {
		const struct weir_device *sup = spec.target->owner;

		if (dev->master && !weir_iommu_find_(spec.target))
			return spec.target;
		if (sup && sup != dev && (sup->status == WEIR_DEVICE_PROBING ||
					  sup->status == WEIR_DEVICE_UNBINDING))
			return spec.target;
	}
	return NULL;
}

/* An IOMMU that nothing held may have gone while the device was put behind it. */
static int still_behind(struct weir_device *dev, struct weir_fwnode **out_missing)
{
	struct weir_fwspec spec;

	if ((dev->master && dev->master->whole) || weir_iommu_spec_(dev, 0, &spec))
		return 0;
	*out_missing = spec.target;
	return WEIR_EDEFER;
}

/* It is translated: links that had let go, for it could do without, hold again. */
static int hold_iommus(struct weir_device *dev)
{
	struct weir_fwspec spec;

	for (unsigned int i = 0; !weir_iommu_spec_(dev, i, &spec); i++) {
		struct weir_device *sup = spec.target->owner;
		struct weir_link *link = sup ? weir_link_find_(dev, sup) : NULL;
		int err;

		if (!link || !weir_link_sync_only_(link) || sup->status != WEIR_DEVICE_BOUND)
			continue;
		err = weir_link_add_(dev, sup, WEIR_LINK_INFERRED | WEIR_LINK_PM_RUNTIME, "iommu",
				     &link);
		if (err && err != WEIR_ELOOP)
			return err;
	}
	return 0;
}

static bool never_comes(const struct weir_fwnode *node)
{
	const struct weir_device *dev = node->owner;

	if (!dev)
		return false;
	return dev->no_driver_ever || (dev->last_err && !dev->reg);
}

static bool can_go_without(const struct weir_device *dev, int err,
			   const struct weir_fwnode *missing)
{
	if (err == WEIR_ENODEV) /* firmware itself says that the IOMMU is not there */
		return true;
	if (need_of(dev) == WEIR_IOMMU_MANDATORY)
		return false;
	return err == WEIR_EINVAL || err == WEIR_EIO ||
	       (err == WEIR_EDEFER && never_comes(missing));
}

static int need(struct weir_device *dev)
{
	struct weir_fwnode *missing = NULL;
	int err;

	weir_iommu_wait_(dev); /* so that nothing changes between the links and what they are for */
	err = link_iommus(dev);
	if (!err) {
		missing = moving_iommu(dev);
		err = missing ? WEIR_EDEFER : weir_iommu_configure_(dev, &missing);
	}
	if (!err)
		err = still_behind(dev, &missing);
	dev->untranslated = can_go_without(dev, err, missing) && err;
	dev->iommu_missing = err == WEIR_EDEFER && !dev->untranslated ? missing : NULL;
	dev->iommu_err = err == WEIR_EDEFER && !dev->untranslated ? 0 : err;
	if (!dev->untranslated)
		return err ? err : hold_iommus(dev);
	dev->m->went_without = true;
	weir_iommu_without_(dev, err);
	return 0;
}

static void lost_driver(struct weir_device *dev)
{
	dev->untranslated = false;
	weir_iommu_park_(dev);
}

static void mark_link(struct weir_link *link)
{
	struct weir_device *con = link->consumer;

	if (need_of(con) == WEIR_IOMMU_OPTIONAL && weir_iommu_is_of_(con, link->supplier))
		weir_link_set_(link, link->flags | WEIR_LINK_OPTIONAL, link->state);
}

/* ---- an IOMMU that comes late ---- */

static bool runs_without(const struct weir_link *link)
{
	return link->consumer->untranslated && link->consumer->status == WEIR_DEVICE_BOUND &&
	       weir_iommu_is_of_(link->consumer, link->supplier);
}

/* @passed: those that bear this mark are passed over; 0: none is. */
static struct weir_device *find_late(struct weir_device *iommu, enum weir_iommu_late late,
				     uint64_t passed)
{
	struct weir_link *link;

	if (!iommu->m->went_without) /* every device is asked about, so most are spared the walk */
		return NULL;
	weir_list_each(link, &iommu->consumers, struct weir_link, s_node)
		if (weir_iommu_late_of_(link->consumer) == late && runs_without(link) &&
		    (!passed || link->consumer->mark != passed))
			return link->consumer;
	return NULL;
}

static struct weir_device *refuser(struct weir_device *dev)
{
	return find_late(dev, WEIR_IOMMU_REFUSE, 0);
}

static void before(struct weir_device *dev)
{
	struct weir_device *con;

	if (refuser(dev))
		return;
	while ((con = find_late(dev, WEIR_IOMMU_REBIND, 0))) {
		struct weir_link *link;

		con->refs++;
		dev->no_driver_ever = false;
		dev->last_err = 0;
		weir_release_(con);
		/* it holds back again; without memory for that, the IOMMU is asked for alone */
		if (con->added && !con->dead)
			(void)weir_link_add_(con, dev, WEIR_LINK_INFERRED | WEIR_LINK_PM_RUNTIME,
					     "iommu", &link);
		weir_device_unref_(con);
	}
}

static void adopt(struct weir_device *iommu, struct weir_device *con, uint64_t passed)
{
	bool mapped = weir_iommu_late_of_(con) == WEIR_IOMMU_ADOPT_MAPPED;
	int err = weir_iommu_adopt_(con, mapped ? weir_dma_mirror_domain_(con) : NULL);

	con->mark = passed;
	if (err == WEIR_EDEFER) { /* until the last of its IOMMUs comes */
		weir_logf_(iommu->m, WEIR_LOG_WARN, "%s: runs, and cannot be put behind %s before "
			   "another of its IOMMUs is there; its DMA is blocked", con->name,
			   iommu->name);
		return;
	}
	con->untranslated = false; /* tried once */
	con->iommu_err = err;
	if (err)
		weir_logf_(iommu->m, WEIR_LOG_ERR, "%s: runs, and cannot be put behind %s: %s; "
			   "its DMA is blocked", con->name, iommu->name, weir_strerror(err));
}

static void came(struct weir_device *dev)
{
	static const enum weir_iommu_late rules[] = { WEIR_IOMMU_ADOPT, WEIR_IOMMU_ADOPT_MAPPED };
	uint64_t passed = ++dev->m->mark;
	struct weir_device *con;

	for (unsigned int i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		while ((con = find_late(dev, rules[i], passed))) {
			con->refs++; /* others may delete it meanwhile */
			adopt(dev, con, passed);
			weir_device_unref_(con);
		}
}

static const struct weir_late late_calls = {
	.before = before, .came = came, .mirroring = &weir_dma_mirroring_,
};

/* ---- rules ---- */

/* Written once: those who do DMA read it without the lock. */
static void need_late(struct weir_machine *m)
{
	if (!m->late)
		m->late = &late_calls;
}

void weir_iommu_rules_set(struct weir_machine *m, const struct weir_iommu_rules *rules)
{
	weir_lock_(m);
	m->iommu_rules = *rules;
	need_late(m);
	weir_unlock_(m);
}

void weir_device_iommu_rules_set(struct weir_device *dev, const struct weir_iommu_rules *rules)
{
	weir_lock_(dev->m);
	dev->iommu_need = rules ? (uint8_t)(rules->need + 1) : 0;
	need_late(dev->m);
	dev->iommu_late = rules ? (uint8_t)(rules->late + 1) : 0;
	weir_unlock_(dev->m);
}

const struct weir_part_iommu weir_part_iommu = {
	.identify = weir_identity_added_,
	.forget = weir_identity_forget_,
	.detach = weir_iommu_detach_,
	.claimed = weir_iommu_claimed_,
	.faults_tell = weir_faults_tell_,
	.free = weir_iommus_free_,
	.need = need,
	.lost_driver = lost_driver,
	.mark_link = mark_link,
	.refuser = refuser,
};
