// SPDX-License-Identifier: MIT
/*
 * Masters: devices behind IOMMUs. A device becomes one when all its instances are
 * there, before its driver is called: its streams join its group. It stays one until it
 * is deleted or an instance goes; while no device of the group has a driver, the group
 * is blocked. What firmware left running is one as soon, and as long, as some of its instances are
 * there; to others it is none before it is whole.
 * Guarded by the machine lock, which is dropped while hardware is told.
 */
#include "iommu/priv.h"

/* ---- what firmware says ---- */

int weir_iommu_spec_(struct weir_device *dev, unsigned int index, struct weir_fwspec *out_spec)
{
	if (dev->bus->ops->iommu_spec)
		return dev->bus->ops->iommu_spec(dev, index, out_spec);
	return dev->fwnode ? weir_firmware_spec(dev->fwnode, index, out_spec) : WEIR_ENOENT;
}

static int translate(struct weir_iommu *iommu, struct weir_device *dev,
		     const struct weir_fwspec *spec, uint32_t *out_stream)
{
	if (iommu->ops->translate_ids)
		return iommu->ops->translate_ids(iommu->instance, dev, spec->cells, spec->nr_cells,
						 out_stream);
	*out_stream = spec->nr_cells ? spec->cells[0] : 0;
	return 0;
}

/*
 * The stream of a device's @index-th specifier; see weir_iommu_configure_ for errors.
 * Return: 1 with a stream; 0 at the end; negative.
 */
static int stream_at(struct weir_device *dev, unsigned int index,
		     struct weir_stream_id *out_stream, struct weir_fwnode **out_missing)
{
	struct weir_fwspec spec;
	int err = weir_iommu_spec_(dev, index, &spec);

	if (err)
		return err == WEIR_ENOENT ? 0 : err;
	if (spec.target->flags & WEIR_FWNODE_DISABLED)
		return WEIR_ENODEV;
	out_stream->iommu = weir_iommu_find_(spec.target);
	if (!out_stream->iommu) {
		*out_missing = spec.target;
		return WEIR_EDEFER;
	}
	return translate(out_stream->iommu, dev, &spec, &out_stream->id) ? WEIR_EINVAL : 1;
}

struct weir_device *weir_iommu_device_with_(struct weir_iommu *iommu, uint32_t id)
{
	struct weir_machine *m = iommu->dev->m;
	struct weir_fwspec spec;
	struct weir_device *dev;
	uint32_t stream;

	weir_list_each(dev, &m->devices, struct weir_device, all_node)
		for (unsigned int i = 0; dev->member && !weir_iommu_spec_(dev, i, &spec); i++)
			if (spec.target == iommu->dev->fwnode &&
			    !translate(iommu, dev, &spec, &stream) && stream == id)
				return dev;
	return NULL;
}

/* ---- life ---- */

static size_t master_bytes(uint32_t nr_streams)
{
	return sizeof(struct weir_master) + nr_streams * sizeof(struct weir_stream_id);
}

static void free_master(struct weir_master *master)
{
	weir_free_(master->dev->m, master, master_bytes(master->nr_streams));
}

static void hold(const struct weir_stream_id *stream, bool on)
{
	if (stream->iommu && on)
		weir_rpm_use_(stream->iommu->dev);
	else if (stream->iommu)
		weir_rpm_unuse_(stream->iommu->dev);
}

/*
 * Links keep instances awake for those who have a driver since. Others do DMA, too: those that were
 * adopted, whose links let go, and what firmware left running.
 */
void weir_master_hold_(struct weir_master *master, bool on)
{
	if (master->holds == on)
		return;
	master->holds = on;
	for (uint32_t i = 0; i < master->nr_streams; i++)
		hold(&master->streams[i], on);
}

bool weir_master_is_at_(const struct weir_master *master, const struct weir_iommu *iommu)
{
	for (uint32_t i = 0; i < master->nr_streams; i++)
		if (master->streams[i].iommu == iommu)
			return true;
	return master->coming == iommu;
}

/* Whether all its instances are there. */
static bool is_whole(const struct weir_master *master)
{
	for (uint32_t i = 0; i < master->nr_streams; i++)
		if (!master->streams[i].iommu)
			return false;
	return true;
}

/* How a device comes that is bound already. */
struct adoption {
	struct weir_domain *mirror; /* NULL: identity */
};

static int make_master(struct weir_device *dev, uint32_t nr_streams,
		       const struct adoption *adoption, struct weir_master **out_master)
{
	struct weir_master *master = weir_alloc_(dev->m, master_bytes(nr_streams));
	struct weir_fwnode *missing;
	int err;

	if (!master)
		return WEIR_ENOMEM;
	master->dev = dev;
	master->nr_streams = nr_streams;
	master->adopted = adoption != NULL;
	master->mirror = adoption ? adoption->mirror : NULL;
	weir_list_init(&master->group_node);
	weir_list_init(&master->moving);
	for (uint32_t i = 0; i < nr_streams; i++)
		if (stream_at(dev, i, &master->streams[i], &missing) < 0)
			master->streams[i].iommu = NULL;
	err = weir_identify_(dev);
	if (!err)
		err = weir_group_get_(dev->m, weir_identity_of_(dev), &master->group);
	if (err) {
		free_master(master);
		return err;
	}
	*out_master = master;
	return 0;
}

/* Others hear of it when it is whole. */
static void announce(struct weir_master *master)
{
	master->whole = is_whole(master);
	if (master->whole)
		weir_event_dev_(WEIR_EVENT_GROUP, master->dev, NULL, master->group->identity->number);
}

static void has_moved(struct weir_master *master)
{
	weir_list_del(&master->moving);
	weir_work_changed_(master->dev->m);
}

static int join(struct weir_master *master)
{
	struct weir_machine *m = master->dev->m;
	struct weir_group *group = master->group;
	int err = WEIR_EBUSY;

	weir_list_add_tail(&m->moving, &master->moving);
	weir_unlock_(m);
	m->ops->lock(m->host, group->lock);
	if (!group->owner)
		err = weir_group_join_(group, master, 0, master->nr_streams);
	m->ops->unlock(m->host, group->lock);
	weir_lock_(m);
	has_moved(master);
	return err;
}

static void set_stream(struct weir_master *master, uint32_t i, const struct weir_stream_id *id)
{
	weir_lock_(master->dev->m);
	master->streams[i] = *id;
	weir_unlock_(master->dev->m);
}

/* A stream more; it is moving. */
static int join_more(struct weir_master *master, uint32_t i, const struct weir_stream_id *id)
{
	static const struct weir_stream_id none;
	struct weir_machine *m = master->dev->m;
	struct weir_group *group = master->group;
	int err = WEIR_EBUSY;

	master->coming = id->iommu;
	weir_unlock_(m);
	m->ops->lock(m->host, group->lock);
	if (!group->owner) {
		set_stream(master, i, id);
		err = weir_group_join_(group, master, i, i + 1);
		if (err)
			set_stream(master, i, &none);
	}
	m->ops->unlock(m->host, group->lock);
	weir_lock_(m);
	master->coming = NULL;
	if (!err && master->holds)
		hold(id, true);
	return err;
}

/* The streams of a master whose instances came since. */
static int extend(struct weir_master *master)
{
	struct weir_device *dev = master->dev;
	struct weir_fwnode *missing;
	struct weir_stream_id id;
	int err = 0;

	if (master->whole)
		return 0;
	weir_list_add_tail(&dev->m->moving, &master->moving);
	for (uint32_t i = 0; i < master->nr_streams && !err; i++)
		if (!master->streams[i].iommu && stream_at(dev, i, &id, &missing) > 0)
			err = join_more(master, i, &id);
	has_moved(master);
	announce(master);
	return err;
}

static struct weir_master *moving_of(const struct weir_device *dev)
{
	struct weir_master *master;

	weir_list_each(master, &dev->m->moving, struct weir_master, moving)
		if (master->dev == dev)
			return master;
	return NULL;
}

void weir_iommu_wait_(const struct weir_device *dev)
{
	struct weir_master *master;

	while ((master = moving_of(dev)))
		weir_group_wait_(master->group);
}

/* Its streams go that are at @iommu; NULL: all. */
static void leave(struct weir_master *master, const struct weir_iommu *iommu)
{
	struct weir_machine *m = master->dev->m;
	struct weir_group *group = master->group;

	weir_list_add_tail(&m->moving, &master->moving);
	if (master->whole)
		weir_event_dev_(WEIR_EVENT_GROUP_LEAVE, master->dev, NULL, group->identity->number);
	master->whole = false;
	weir_unlock_(m);
	m->ops->lock(m->host, group->lock);
	weir_group_leave_(group, master, iommu);
	m->ops->unlock(m->host, group->lock);
	weir_lock_(m);
	has_moved(master);
}

void weir_iommu_detach_(struct weir_device *dev)
{
	struct weir_master *master;

	weir_iommu_wait_(dev);
	master = dev->master;
	if (!master)
		return;
	dev->master = NULL;
	weir_master_hold_(master, false);
	dev->refs++;
	leave(master, NULL);
	weir_group_put_(master->group);
	free_master(master);
	weir_identity_detached_(dev);
	weir_device_unref_(dev);
}

/* Whether it has a stream at another instance. */
static bool is_elsewhere(const struct weir_master *master, const struct weir_iommu *iommu)
{
	for (uint32_t i = 0; i < master->nr_streams; i++)
		if (master->streams[i].iommu && master->streams[i].iommu != iommu)
			return true;
	return false;
}

void weir_iommu_detach_from_(struct weir_device *dev, const struct weir_iommu *iommu)
{
	struct weir_master *master;

	weir_iommu_wait_(dev);
	master = dev->master;
	if (!master || !weir_master_is_at_(master, iommu))
		return;
	if (!weir_left_running_(dev) || dev->reg || !is_elsewhere(master, iommu)) {
		weir_iommu_detach_(dev);
		return;
	}
	dev->refs++;
	for (uint32_t i = 0; i < master->nr_streams && master->holds; i++)
		if (master->streams[i].iommu == iommu)
			hold(&master->streams[i], false);
	leave(master, iommu);
	weir_device_unref_(dev);
}

static int become_master(struct weir_device *dev, uint32_t nr_streams,
			 const struct adoption *adoption)
{
	struct weir_master *master;
	int err = make_master(dev, nr_streams, adoption, &master);

	if (err)
		return err;
	err = join(master);
	if (err) {
		weir_group_put_(master->group);
		free_master(master);
		weir_identity_detached_(dev);
		return err;
	}
	dev->master = master;
	weir_master_hold_(master, master->adopted);
	announce(master);
	return 0;
}

/* ---- with a driver, and without ---- */

/*
 * Whether a device of the group has a driver, @but one that loses it, or was left running by
 * firmware. Machine lock held.
 */
static bool has_driver(const struct weir_group *group, const struct weir_device *but)
{
	struct weir_master *master;

	weir_list_each(master, &group->masters, struct weir_master, group_node)
		if ((master->dev != but && master->dev->reg) || weir_left_running_(master->dev))
			return true;
	return false;
}

/* A device of the group is about to have a driver: the group is behind its usual domain. */
static int unblock(struct weir_group *group)
{
	struct weir_machine *m = group->m;
	int err;

	weir_group_ref_(group);
	weir_unlock_(m);
	m->ops->lock(m->host, group->lock);
	if (group->owner)
		err = WEIR_EBUSY;
	else if (!group->usual) /* its instance went, and the masters with it */
		err = WEIR_EIO;
	else
		err = weir_group_attach_(group, group->usual);
	m->ops->unlock(m->host, group->lock);
	weir_lock_(m);
	weir_group_unref_(group);
	return err;
}

/* Blocks a group, unless one of its devices has a driver, @but one, or is about to have one. */
static void block(struct weir_group *group, const struct weir_device *but)
{
	struct weir_machine *m = group->m;
	struct weir_domain *blocked = NULL;
	bool busy;
	int err;

	weir_group_ref_(group);
	weir_unlock_(m);
	err = weir_domain_create(m, WEIR_DOMAIN_BLOCKED, &blocked);
	m->ops->lock(m->host, group->lock);
	weir_lock_(m);
	busy = group->owner || !group->usual || has_driver(group, but);
	weir_unlock_(m);
	if (!err && !busy)
		err = weir_group_attach_(group, blocked);
	m->ops->unlock(m->host, group->lock);
	weir_domain_unref(blocked);
	weir_lock_(m);
	if (err && group->users) /* what it was behind is kept, until that works or the IOMMU goes */
		weir_logf_(m, WEIR_LOG_ERR, "group %d has no driver, and could not be blocked: %s",
			   weir_group_number(group), weir_strerror(err));
	weir_group_unref_(group);
}

/* How many streams firmware says. Return: 0; of the first that cannot be had. */
static int count_streams(struct weir_device *dev, uint32_t *out_n, struct weir_fwnode **out_missing)
{
	struct weir_stream_id stream;
	uint32_t n = 0;
	int err;

	while ((err = stream_at(dev, n, &stream, out_missing)) > 0)
		n++;
	if (!err)
		*out_n = n;
	return err;
}

static int configure(struct weir_device *dev, const struct adoption *adoption,
		     struct weir_fwnode **out_missing)
{
	uint32_t n;
	int err = count_streams(dev, &n, out_missing);

	if (err || !n)
		return err;
	err = become_master(dev, n, adoption);
	/* the group may have been blocked, because none of its devices had a driver */
	return err || adoption ? err : unblock(dev->master->group);
}

/*
 * The rest of what firmware left running. What does not go with what came first is tried anew, in
 * firmware's order.
 */
static int complete(struct weir_device *dev, struct weir_fwnode **out_missing)
{
	uint32_t n;
	int err = count_streams(dev, &n, out_missing);

	if (err)
		return err;
	err = extend(dev->master);
	if (err == WEIR_EOPNOTSUPP || err == WEIR_EINVAL) {
		weir_iommu_detach_(dev);
		return configure(dev, NULL, out_missing);
	}
	return err ? err : unblock(dev->master->group);
}

int weir_iommu_configure_(struct weir_device *dev, struct weir_fwnode **out_missing)
{
	weir_iommu_wait_(dev);
	if (dev->master && !dev->master->whole)
		return complete(dev, out_missing);
	return dev->master ? unblock(dev->master->group) : configure(dev, NULL, out_missing);
}

int weir_iommu_configure_left_(struct weir_device *dev)
{
	struct weir_fwnode *missing;
	struct weir_stream_id id;
	struct weir_fwspec spec;
	uint32_t n = 0;
	bool some = false;
	int err;

	weir_iommu_wait_(dev);
	if (dev->master) {
		err = extend(dev->master);
	} else {
		for (; !(err = weir_iommu_spec_(dev, n, &spec)); n++)
			some = stream_at(dev, n, &id, &missing) > 0 || some;
		if (err != WEIR_ENOENT || !some)
			return err == WEIR_ENOENT ? WEIR_EINVAL : err;
		err = become_master(dev, n, NULL);
	}
	return err ? err : unblock(dev->master->group);
}

void weir_iommu_without_(struct weir_device *dev, int why)
{
	if (dev->master && !dev->master->whole)
		weir_iommu_detach_(dev);
	weir_event_dev_(WEIR_EVENT_UNTRANSLATED, dev, NULL, why);
}

int weir_iommu_adopt_(struct weir_device *dev, struct weir_domain *domain)
{
	const struct adoption adoption = { .mirror = domain };
	struct weir_fwnode *missing;

	weir_iommu_wait_(dev);
	return dev->master ? 0 : configure(dev, &adoption, &missing);
}

enum weir_iommu_late weir_iommu_late_of_(const struct weir_device *dev)
{
	return dev->iommu_late ? dev->iommu_late - 1u : dev->m->iommu_rules.late;
}

bool weir_iommu_is_of_(struct weir_device *dev, const struct weir_device *sup)
{
	struct weir_fwspec spec;

	for (unsigned int i = 0; sup->fwnode && !weir_iommu_spec_(dev, i, &spec); i++)
		if (spec.target == sup->fwnode)
			return true;
	return false;
}

void weir_iommu_park_(struct weir_device *dev)
{
	if (!dev->master)
		return;
	if (dev->master->adopted)
		weir_iommu_detach_(dev); /* what it is behind was for a driver that came first */
	else if (!weir_left_running_(dev))
		weir_master_hold_(dev->master, false);
	if (dev->master && !has_driver(dev->master->group, dev))
		block(dev->master->group, dev->reg ? dev : NULL);
}
