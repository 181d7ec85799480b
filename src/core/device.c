// SPDX-License-Identifier: MIT
/*
 * Devices: made with one reference, added to their bus, deleted once. Between
 * adding and deleting the machine holds a reference of its own.
 */
#include "core/core.h"
#include "core/text.h"

static void init_lists(struct weir_device *dev)
{
	weir_list_init(&dev->bus_node);
	weir_list_init(&dev->all_node);
	weir_list_init(&dev->children);
	weir_list_init(&dev->child_node);
	weir_list_init(&dev->reg_node);
	weir_list_init(&dev->suppliers);
	weir_list_init(&dev->consumers);
	weir_list_init(&dev->resources);
	weir_list_init(&dev->sync_node);
	weir_list_init(&dev->wait_node);
	weir_list_init(&dev->rpm_node);
	weir_list_init(&dev->bound_node);
}

int weir_device_create(struct weir_bus *bus, const char *name, struct weir_device *parent,
		       struct weir_fwnode *fwnode, struct weir_device **out_dev)
{
	struct weir_machine *m = bus->m;
	struct weir_device *dev;

	weir_lock_(m);
	dev = weir_slab_alloc_(m, &m->device_slab);
	if (!dev)
		goto err_unlock;
	dev->name = weir_strdup_(m, name);
	if (!dev->name)
		goto err_free;
	dev->name_bytes = (uint32_t)weir_strlen_(name);
	dev->name_hash = weir_hash_bytes_(name, dev->name_bytes);
	dev->m = m;
	dev->bus = bus;
	dev->fwnode = fwnode;
	dev->parent = parent;
	if (parent)
		parent->refs++;
	dev->refs = 1;
	init_lists(dev);
	weir_unlock_(m);
	*out_dev = dev;
	return 0;

err_free:
	weir_slab_free_(m, &m->device_slab, dev);
err_unlock:
	weir_unlock_(m);
	return WEIR_ENOMEM;
}

/* Names are unique on a bus, and below one parent whatever the bus. */
static bool name_is_taken(const struct weir_device *dev)
{
	struct weir_device *same;
	struct weir_bus *bus;

	weir_list_each(bus, &dev->m->buses, struct weir_bus, node) {
		same = weir_map_get_hashed_(&bus->devices_by_name, dev->name, dev->name_bytes,
					    dev->name_hash);
		if (same && (bus == dev->bus || same->parent == dev->parent))
			return true;
	}
	return false;
}

/* Steps 1 and 2 of weir_device_add, and their undoing. */
static int claim(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;
	int err;

	if (dev->added || dev->dead)
		return WEIR_EINVAL;
	if (dev->parent && dev->parent->dead)
		return WEIR_ENODEV;
	if (name_is_taken(dev))
		return WEIR_EEXIST;
	err = weir_map_add_(m, &dev->bus->devices_by_name, dev->name, dev->name_bytes, dev);
	if (err)
		return err;
	dev->seq = ++m->device_seq;
	err = weir_match_add_device_(dev);
	if (err) {
		weir_map_del_(&dev->bus->devices_by_name, dev->name, dev->name_bytes);
		return err;
	}
	weir_list_add_tail(&dev->bus->devices, &dev->bus_node);
	weir_list_add_tail(&m->devices, &dev->all_node);
	dev->added = true;
	weir_rank_init_(dev);
	dev->refs++;
	m->stats.devices++;
	return 0;
}

static void unclaim(struct weir_device *dev)
{
	dev->added = false;
	dev->m->stats.devices--;
	weir_list_del(&dev->child_node);
	weir_list_del(&dev->all_node);
	weir_list_del(&dev->bus_node);
	weir_match_del_device_(dev);
	weir_map_del_(&dev->bus->devices_by_name, dev->name, dev->name_bytes);
}

/* Those that firmware asks for if it owns a node, then those that its bus asks for. */
static int make_links(struct weir_device *dev, bool owner)
{
	const struct weir_policy_ops *policy = dev->m->policy;
	int err;

	weir_fwlinks_keep_(dev->m);
	err = owner ? policy->link_device(dev) : 0;
	if (!err && policy->order_device)
		err = policy->order_device(dev);
	if (err)
		weir_fwlinks_restore_(dev->m);
	else
		weir_fwlinks_forget_(dev->m);
	return err;
}

static int identify(struct weir_device *dev)
{
	const struct weir_part_iommu *iommu = dev->m->parts.iommu;

	return iommu ? iommu->identify(dev) : 0;
}

static void forget_identity(struct weir_device *dev)
{
	if (dev->m->parts.iommu)
		dev->m->parts.iommu->forget(dev);
}

int weir_device_add_(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;
	struct weir_fwnode *node;
	uint32_t outer = m->cause;
	int err = claim(dev);

	if (err)
		return err;
	m->cause = weir_event_dev_(WEIR_EVENT_DEVICE_ADD, dev, dev->name, 0);
	err = identify(dev);
	if (err)
		goto err_identity;
	if (m->policy->device_visible)
		m->policy->device_visible(dev);
	node = dev->fwnode && !dev->fwnode->owner ? dev->fwnode : NULL;
	if (node)
		node->owner = dev;
	err = make_links(dev, node);
	if (err)
		goto err_links;
	m->policy->device_ready(dev);
	weir_list_del(&dev->child_node);
	if (dev->parent && !dev->dead)
		weir_list_add_tail(&dev->parent->children, &dev->child_node);
	m->cause = outer;
	return 0;

err_links:
	if (node)
		node->owner = NULL;
	forget_identity(dev);
err_identity:
	dev->dead = true;
	weir_links_purge_(dev);
	weir_rpm_deleted_(dev);
	if (m->policy->deleted)
		m->policy->deleted(dev);
	weir_event_dev_(WEIR_EVENT_DEVICE_DEL, dev, dev->name, err);
	unclaim(dev);
	dev->dead = false; /* it may be added again */
	dev->seq = 0;
	m->cause = outer;
	weir_device_unref_(dev);
	return err;
}

int weir_device_add(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;
	int err;

	weir_lock_(m);
	err = weir_device_add_(dev);
	weir_unlock_(m);
	return err;
}

/*
 * From here on the device is this caller's to delete. Return: 0; WEIR_ENODEV: another thread
 * deleted it; WEIR_EBUSY: what is in the way ends only after the caller went on.
 */
static int begin_del(struct weir_device *dev, struct weir_work *work)
{
	int err = 0;

	dev->refs++;
	if (dev->parked)
		weir_probe_done_(dev, WEIR_ENODEV);
	while (weir_work_wait_(dev))
		;
	if (!dev->added)
		err = WEIR_ENODEV;
	else if (dev->work)
		err = WEIR_EBUSY;
	weir_device_unref_(dev);
	if (err)
		return err;
	dev->dead = true;
	dev->work = work;
	if (dev->fwnode && dev->fwnode->owner == dev)
		dev->fwnode->owner = NULL;
	return 0;
}

static void end_del(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;

	weir_release_(dev);
	if (m->policy->deleted)
		m->policy->deleted(dev);
	if (!dev->sync_queued)
		weir_list_del(&dev->sync_node);
	if (m->parts.iommu)
		m->parts.iommu->detach(dev);
	forget_identity(dev);
	weir_links_purge_(dev);
	weir_rpm_deleted_(dev);
	weir_event_dev_(WEIR_EVENT_DEVICE_DEL, dev, dev->name, 0);
	unclaim(dev);
	dev->work = NULL;
	weir_work_changed_(m);
	weir_device_unref_(dev);
}

/* Something below is in the way: nobody has the devices up to the top any more. */
static void give_up(struct weir_device *dev, struct weir_device *top)
{
	for (; dev != top; dev = dev->parent)
		dev->work = NULL;
	top->work = NULL;
	weir_work_changed_(top->m);
}

/* Down to the last child of the last child, and from there back up: no recursion. */
static int del_below(struct weir_device *top, struct weir_work *work)
{
	struct weir_device *dev = top, *up = NULL;

	do {
		if (!weir_list_empty(&dev->children)) {
			struct weir_device *child = weir_container_of(
				dev->children.prev, struct weir_device, child_node);
			int err = begin_del(child, work);

			if (err == WEIR_EBUSY) {
				give_up(dev, top);
				return err;
			}
			up = err ? dev : child;
			dev = up;
			continue;
		}
		up = dev == top ? NULL : dev->parent;
		end_del(dev);
		dev = up;
	} while (up);
	return 0;
}

void weir_device_del_(struct weir_device *top)
{
	struct weir_machine *m = top->m;
	struct weir_work work;
	int err;

	top->refs++;
	weir_rpm_pause_(m);
	weir_work_begin_(m, NULL, &work);
	top->doomed = false;
	err = begin_del(top, &work);
	if (!err)
		err = del_below(top, &work);
	if (err == WEIR_EBUSY)
		top->doomed = true;
	weir_work_end_(m, &work);
	weir_rpm_unpause_(m);
	weir_device_unref_(top);
}

void weir_device_del_doomed_(struct weir_device *dev)
{
	struct weir_device *top = NULL;

	for (; dev; dev = dev->parent)
		if (dev->doomed)
			top = dev;
	if (top)
		weir_device_del_(top);
}

void weir_device_del(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;

	weir_lock_(m);
	weir_device_del_(dev);
	weir_unlock_(m);
}

struct weir_device *weir_device_ref(struct weir_device *dev)
{
	weir_lock_(dev->m);
	dev->refs++;
	weir_unlock_(dev->m);
	return dev;
}

/* The last reference drops one of the parent, and so on up. */
void weir_device_unref_(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;

	while (dev) {
		struct weir_device *parent = dev->parent;

		weir_assert_(m, dev->refs > 0);
		if (--dev->refs)
			return;
		if (dev->release)
			dev->release(dev);
		weir_device_set_reason_(dev, NULL);
		weir_strfree_(m, dev->name);
		weir_slab_free_(m, &m->device_slab, dev);
		dev = parent;
	}
}

struct weir_device *weir_device_unref(struct weir_device *dev)
{
	struct weir_machine *m;

	if (!dev)
		return NULL;
	m = dev->m;
	weir_lock_(m);
	weir_device_unref_(dev);
	weir_unlock_(m);
	return NULL;
}

int weir_device_find(struct weir_bus *bus, const char *name, struct weir_device **out_dev)
{
	struct weir_device *dev;

	weir_lock_(bus->m);
	dev = weir_map_get_(&bus->devices_by_name, name, weir_strlen_(name));
	weir_unlock_(bus->m);
	if (!dev)
		return WEIR_ENOENT;
	*out_dev = dev;
	return 0;
}

struct weir_device *weir_device_first(struct weir_machine *m)
{
	struct weir_device *dev;

	weir_lock_(m);
	dev = weir_list_first(&m->devices, struct weir_device, all_node);
	weir_unlock_(m);
	return dev;
}

struct weir_device *weir_device_next(struct weir_device *dev)
{
	struct weir_device *next;

	weir_lock_(dev->m);
	next = weir_list_after(dev, &dev->m->devices, struct weir_device, all_node);
	weir_unlock_(dev->m);
	return next;
}

/* A text that cannot be stored is left out; the wait itself stands. */
void weir_device_set_reason_(struct weir_device *dev, const char *text)
{
	weir_strfree_(dev->m, dev->reason);
	dev->reason = text ? weir_strdup_(dev->m, text) : NULL;
}

int weir_dev_fail(struct weir_device *dev, int err, const char *fmt, ...)
{
	struct weir_machine *m = dev->m;
	char text[200], line[280];
	const char *who;
	va_list args;

	va_start(args, fmt);
	weir_vformat_(text, sizeof(text), fmt, args);
	va_end(args);
	weir_lock_(m);
	who = dev->reg ? dev->reg->drv->name : dev->bus->name;
	if (err == WEIR_EDEFER) {
		weir_format_(line, sizeof(line), "%s: %s", who, text);
		weir_device_set_reason_(dev, line);
	} else {
		weir_logf_(m, WEIR_LOG_ERR, "%s %s: %s: %s", who, dev->name, text,
			   weir_strerror(err));
	}
	weir_unlock_(m);
	return err;
}

/* ---- plain accessors ---- */

const char *weir_device_name(const struct weir_device *dev)
{
	return dev->name;
}

struct weir_bus *weir_device_bus(const struct weir_device *dev)
{
	return dev->bus;
}

struct weir_machine *weir_device_machine(const struct weir_device *dev)
{
	return dev->m;
}

struct weir_device *weir_device_parent(const struct weir_device *dev)
{
	return dev->parent;
}

struct weir_fwnode *weir_device_fwnode(const struct weir_device *dev)
{
	return dev->fwnode;
}

const struct weir_driver *weir_device_driver(const struct weir_device *dev)
{
	return dev->reg ? dev->reg->drv : NULL;
}

enum weir_device_status weir_device_status_get(const struct weir_device *dev)
{
	return dev->status;
}

void weir_device_set_data(struct weir_device *dev, void *data)
{
	dev->data = data;
}

void *weir_device_data(const struct weir_device *dev)
{
	return dev->data;
}

const char *weir_device_reason(const struct weir_device *dev)
{
	return dev->reason;
}

void weir_device_set_best_effort(struct weir_device *dev, bool on)
{
	weir_lock_(dev->m);
	dev->best_effort = on;
	if (dev->m->policy->unblocked)
		dev->m->policy->unblocked(dev);
	weir_unlock_(dev->m);
}
