// SPDX-License-Identifier: MIT
/*
 * Devices that firmware left running: they have direct regions, and nobody of ours had them
 * yet. Such a device is a master, behind a domain with its regions and nothing else, from the
 * moment the first of its instances is there; the others join that domain as they come, and the driver's
 * DMA uses it when all are there. That ends when a driver was bound to it, or when the sync_state of
 * the instance's driver says that nobody will come; and not with the instance: where the hardware
 * can, its streams stay behind that domain while the instance's driver is unloaded. Then the machine
 * refers to the domain, and the device is behind it again with the next instance.
 *
 * All under the machine lock; who begins a group has the group's, too.
 */
#include "iommu/priv.h"

/* A stream that hardware goes on translating without instance. */
struct weir_left {
	struct weir_left *next;      /* in m->left */
	const struct weir_fwnode *target; /* of the instance */
	uint32_t stream;
	struct weir_domain *domain;  /* referenced */
	struct weir_device *dev;     /* the IOMMU, whose suppliers are awake as long; referenced */
};

/* ---- which they are ---- */

static bool is_at(struct weir_device *dev, const struct weir_device *iommu)
{
	struct weir_fwspec spec;

	for (unsigned int i = 0; !weir_iommu_spec_(dev, i, &spec); i++)
		if (spec.target == iommu->fwnode)
			return true;
	return false;
}

static bool has_direct(struct weir_device *dev)
{
	struct weir_fwregion fw;
	struct weir_fwspec spec;
	unsigned int i, s;

	for (i = 0; dev->fwnode && i < WEIR_REGIONS_MAX; i++) {
		if (weir_firmware_iommu_region(dev->fwnode, i, &fw))
			break;
		if (fw.direct)
			return true;
	}
	for (s = 0; !weir_iommu_spec_(dev, s, &spec); s++) {
		for (i = 0; spec.nr_cells && i < WEIR_REGIONS_MAX; i++) {
			if (weir_firmware_stream_region(spec.target, spec.cells[0], i, &fw))
				break;
			if (fw.direct)
				return true;
		}
	}
	return false;
}

/* Nobody of ours had it, and somebody may still come. */
static bool may_run(struct weir_device *dev)
{
	return !dev->was_bound && !dev->given_up && !dev->dead && has_direct(dev);
}

bool weir_left_running_(const struct weir_device *dev)
{
	return dev->left && !dev->was_bound && !dev->dead;
}

/* Nothing carries it at an IOMMU, which may not have an instance yet. */
static bool lacks(const struct weir_device *dev, const struct weir_device *iommu)
{
	return !dev->master || (!dev->master->whole &&
				(!iommu->iommu || !weir_master_is_at_(dev->master, iommu->iommu)));
}

/* The next device behind an IOMMU that may be running and is nobody's business there yet. */
static struct weir_device *next_running(const struct weir_device *iommu, uint32_t after)
{
	struct weir_device *dev;

	weir_list_each(dev, &iommu->m->devices, struct weir_device, all_node)
		if (dev->seq > after && lacks(dev, iommu) && !dev->busy && dev != iommu &&
		    is_at(dev, iommu) && may_run(dev))
			return dev;
	return NULL;
}

/* A device that is bound without its IOMMU. Where that may not come late, this is not asked for. */
static bool has_untranslated(const struct weir_device *iommu)
{
	struct weir_device *dev;

	weir_list_each(dev, &iommu->m->devices, struct weir_device, all_node)
		if (dev->untranslated && dev->status == WEIR_DEVICE_BOUND && is_at(dev, iommu))
			return true;
	return false;
}

bool weir_iommu_runs_already(struct weir_device *iommu)
{
	bool some;

	weir_lock_(iommu->m);
	some = next_running(iommu, 0) || has_untranslated(iommu);
	weir_unlock_(iommu->m);
	return some;
}

/* ---- with the instance ---- */

/*
 * A function's links come when its driver is tried first. This one is a consumer already: without
 * link sync_state would come before its driver.
 */
static void be_consumer(struct weir_device *dev, struct weir_device *iommu)
{
	struct weir_link *link;

	if (!weir_link_find_(dev, iommu) &&
	    weir_link_add_(dev, iommu, WEIR_LINK_INFERRED | WEIR_LINK_PM_RUNTIME, "iommu-map", &link))
		weir_logf_(dev->m, WEIR_LOG_WARN, "%s: firmware left it running, and %s does not wait for "
			   "its driver", dev->name, iommu->name);
}

void weir_iommu_keep_running_(struct weir_device *iommu)
{
	struct weir_device *dev;
	uint32_t seq = 0;

	while ((dev = next_running(iommu, seq))) {
		int err;

		seq = dev->seq;
		dev->refs++;
		err = weir_iommu_configure_left_(dev);
		dev->left = dev->left || !err;
		if (!err) {
			weir_master_hold_(dev->master, true);
			be_consumer(dev, iommu);
		}
		if (err)
			weir_logf_(iommu->m, WEIR_LOG_WARN, "%s: firmware left it running, and it "
				   "cannot be kept so behind %s: %s", dev->name, iommu->name,
				   weir_strerror(err));
		weir_device_unref_(dev);
	}
}

/* A master at the instance that no driver took over. */
static struct weir_device *next_unclaimed(const struct weir_iommu *iommu, uint32_t after)
{
	struct weir_device *dev;

	weir_list_each(dev, &iommu->dev->m->devices, struct weir_device, all_node) {
		if (dev->seq <= after || !dev->master || dev->reg || dev->busy)
			continue;
		for (uint32_t i = 0; i < dev->master->nr_streams; i++)
			if (dev->master->streams[i].iommu == iommu)
				return dev;
	}
	return NULL;
}

void weir_iommu_consumers_up(struct weir_device *iommu)
{
	struct weir_machine *m = iommu->m;
	struct weir_device *dev;
	uint32_t seq = 0;

	weir_lock_(m);
	while (iommu->iommu && (dev = next_unclaimed(iommu->iommu, seq))) {
		seq = dev->seq;
		dev->refs++;
		dev->left = false;
		dev->given_up = true;
		weir_iommu_park_(dev);
		weir_device_unref_(dev);
	}
	weir_rpm_run_(m);
	weir_unlock_(m);
}

/* ---- without ---- */

static struct weir_left *find(struct weir_machine *m, const struct weir_stream_id *id)
{
	struct weir_left *left;

	for (left = m->left; left; left = left->next)
		if (id->iommu && left->target == id->iommu->dev->fwnode && left->stream == id->id)
			return left;
	return NULL;
}

struct weir_domain *weir_left_domain_(const struct weir_master *master)
{
	struct weir_machine *m = master->dev->m;
	struct weir_domain *domain = NULL;

	weir_lock_(m);
	for (uint32_t i = 0; i < master->nr_streams && !domain; i++) {
		struct weir_left *left = find(m, &master->streams[i]);

		domain = left ? weir_domain_ref(left->domain) : NULL;
	}
	weir_unlock_(m);
	return domain;
}

static void keep_awake(struct weir_left *left, struct weir_device *dev)
{
	struct weir_device *old = left->dev;

	left->dev = dev;
	if (dev) {
		dev->refs++;
		weir_rpm_use_(dev);
	}
	if (old) {
		weir_rpm_unuse_(old);
		weir_device_unref_(old);
	}
}

static int remember(struct weir_machine *m, const struct weir_stream_id *id,
		    struct weir_domain *domain)
{
	struct weir_left *left = find(m, id);

	if (!left) {
		left = weir_alloc_(m, sizeof(*left));
		if (!left)
			return WEIR_ENOMEM;
		left->target = id->iommu->dev->fwnode;
		left->stream = id->id;
		left->next = m->left;
		m->left = left;
	} else {
		weir_domain_unref(left->domain);
	}
	left->domain = weir_domain_ref(domain);
	keep_awake(left, id->iommu->dev);
	return 0;
}

/* Those of one instance; NULL: all. */
static void forget(struct weir_machine *m, const struct weir_fwnode *target)
{
	struct weir_left **link = &m->left;

	while (*link) {
		struct weir_left *left = *link;

		if (target && left->target != target) {
			link = &left->next;
			continue;
		}
		*link = left->next;
		keep_awake(left, NULL);
		weir_domain_unref(left->domain);
		weir_free_(m, left, sizeof(*left));
	}
}

void weir_left_forget_(struct weir_machine *m, const struct weir_fwnode *target)
{
	forget(m, target);
}

static int keep(struct weir_stream *stream)
{
	const struct weir_stream_id id = { .iommu = stream->iommu, .id = stream->id };
	struct weir_iommu *iommu = stream->iommu;
	struct weir_group *group = stream->group;
	int err;

	if (!iommu->ops->keep)
		return WEIR_EOPNOTSUPP;
	weir_lock_(group->m);
	err = remember(group->m, &id, group->domain);
	weir_unlock_(group->m);
	if (err)
		return err;
	weir_iommu_lock_(iommu);
	err = iommu->off || !stream->part
		      ? WEIR_EIO
		      : iommu->ops->keep(iommu->instance, stream->id, stream->part->driver);
	weir_iommu_unlock_(iommu);
	return err;
}

/* It goes, or will in a moment, with the other instances of its driver. */
static bool goes(const struct weir_iommu *iommu)
{
	const struct weir_reg *reg = iommu->dev->reg;

	return iommu->going || (reg && (reg->going || reg->closed));
}

bool weir_left_keep_(struct weir_stream *stream, const struct weir_master *master)
{
	struct weir_iommu *iommu = stream->iommu;
	struct weir_group *group = stream->group;
	bool due;
	int err;

	weir_lock_(group->m);
	due = weir_left_running_(master->dev) && goes(iommu);
	weir_unlock_(group->m);
	if (!due || group->owner || stream->stuck[0] || group->domain != group->usual ||
	    !weir_domain_has_mappings_(group->domain))
		return false;
	err = keep(stream);
	if (err)
		weir_logf_(group->m, WEIR_LOG_WARN, "%s: firmware left it running, and %s cannot carry it "
			   "without its driver: it is blocked (%s)", master->dev->name,
			   iommu->dev->name, weir_strerror(err));
	return !err;
}
