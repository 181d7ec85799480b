// SPDX-License-Identifier: MIT
/*
 * The order alone: devices and drivers are the program's, Weir says when.
 *
 * Each device is one of the bus "order"; a driver that the program has for it is a
 * driver of its name. When the engine probes such a device, it is handed out and
 * its probe goes on until weir_order_done(). What was handed out but not fetched can
 * be taken back. The book is guarded by the machine lock.
 */
#include "weir/order.h"

#include "core/core.h"
#include "core/text.h"

struct weir_order {
	struct weir_machine *m;      /* (c) */
	struct weir_bus *bus;        /* (c) */
	struct weir_bus_ops bus_ops; /* (c) the bus points here, and so finds the book */
	struct weir_list ready;      /* (m) entries handed out and not fetched, by node */
};

/* The driver of one device. */
struct entry {
	struct weir_driver drv;      /* (c) its context is the entry */
	struct weir_device *dev;     /* (c) borrowed: goes after the entry */
	struct weir_list node;       /* (m) in order->ready */
};

static int hand_out(struct weir_device *dev);

static const struct weir_driver_ops entry_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops),
	.probe = hand_out,
};

static struct weir_order *order_of(const struct weir_device *dev)
{
	return weir_container_of(dev->bus->ops, struct weir_order, bus_ops);
}

static int hand_out(struct weir_device *dev)
{
	struct entry *e = weir_device_driver(dev)->context;

	weir_lock_(dev->m);
	weir_list_add_tail(&order_of(dev)->ready, &e->node);
	weir_unlock_(dev->m);
	return WEIR_LATER_;
}

static struct entry *entry_of(const struct weir_device *dev)
{
	struct weir_reg *reg = weir_map_get_(&dev->bus->drivers_by_name, dev->name,
					     weir_strlen_(dev->name));

	return reg ? reg->drv->context : NULL;
}

static bool is_waiting(const struct entry *e)
{
	return e && !weir_list_empty(&e->node);
}

/* ---- life ---- */

int weir_order_create(struct weir_machine *m, struct weir_order **out_order)
{
	struct weir_order *order;
	int err;

	weir_lock_(m);
	order = weir_alloc_(m, sizeof(*order));
	weir_unlock_(m);
	if (!order)
		return WEIR_ENOMEM;
	order->m = m;
	order->bus_ops = (struct weir_bus_ops){
		.abi = WEIR_ABI(struct weir_bus_ops), .match_name = true,
	};
	weir_list_init(&order->ready);
	err = weir_bus_create(m, "order", &order->bus_ops, &order->bus);
	if (err) {
		weir_lock_(m);
		weir_free_(m, order, sizeof(*order));
		weir_unlock_(m);
		return err;
	}
	*out_order = order;
	return 0;
}

int weir_order_add(struct weir_order *order, const char *name, struct weir_device **out_dev)
{
	struct weir_device *dev;
	int err = weir_device_create(order->bus, name, NULL, NULL, &dev);

	if (err)
		return err;
	err = weir_device_add(dev);
	weir_device_unref(dev);
	if (!err)
		*out_dev = dev;
	return err;
}

int weir_order_find(struct weir_order *order, const char *name, struct weir_device **out_dev)
{
	return weir_device_find(order->bus, name, out_dev);
}

int weir_order_need(struct weir_device *consumer, struct weir_device *supplier,
		    const char *property, uint32_t flags)
{
	struct weir_machine *m = consumer->m;
	struct weir_link *link;
	int err;

	if (flags & ~(uint32_t)(WEIR_LINK_ORDER | WEIR_LINK_OPTIONAL))
		return WEIR_EINVAL;
	weir_lock_(m);
	err = weir_link_add_(consumer, supplier, flags, property, &link);
	weir_unlock_(m);
	return err;
}

/* ---- drivers ---- */

int weir_order_offer(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;
	struct entry *e;
	int err;

	weir_lock_(m);
	e = weir_alloc_(m, sizeof(*e));
	if (!e) {
		weir_unlock_(m);
		return WEIR_ENOMEM;
	}
	e->dev = dev;
	e->drv = (struct weir_driver){
		.name = dev->name, .bus = dev->bus->name, .ops = &entry_ops,
		.flags = WEIR_DRIVER_SYNC, .context = e,
	};
	weir_list_init(&e->node);
	err = weir_driver_register_(m, &e->drv);
	if (err)
		weir_free_(m, e, sizeof(*e));
	weir_unlock_(m);
	return err;
}

/* The probe of a device that nobody fetched did not begin. */
static void take_back(struct entry *e)
{
	weir_list_del(&e->node);
	weir_probe_done_(e->dev, WEIR_EDEFER);
}

static void drop_entry(struct entry *e)
{
	struct weir_machine *m = e->dev->m;

	(void)weir_driver_unregister_(m, &e->drv);
	weir_free_(m, e, sizeof(*e));
}

int weir_order_withdraw(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;
	struct entry *e;
	int err = 0;

	weir_lock_(m);
	e = entry_of(dev);
	if (!e) {
		err = WEIR_ENOENT;
	} else if (dev->reg && !is_waiting(e)) {
		err = WEIR_EBUSY;
	} else {
		if (is_waiting(e))
			take_back(e);
		drop_entry(e);
	}
	weir_unlock_(m);
	return err;
}

static void del(struct weir_device *dev)
{
	struct entry *e = entry_of(dev);

	dev->refs++; /* the driver has its name */
	if (e)
		weir_list_del(&e->node);
	weir_device_del_(dev);
	if (e)
		drop_entry(e);
	weir_device_unref_(dev);
}

void weir_order_del(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;

	weir_lock_(m);
	del(dev);
	weir_unlock_(m);
}

void weir_order_destroy(struct weir_order *order)
{
	struct weir_machine *m;

	if (!order)
		return;
	m = order->m;
	weir_lock_(m);
	while (!weir_list_empty(&order->bus->devices))
		del(weir_container_of(order->bus->devices.prev, struct weir_device, bus_node));
	weir_map_del_(&m->buses_by_name, order->bus->name, weir_strlen_(order->bus->name));
	weir_bus_free_(order->bus);
	weir_free_(m, order, sizeof(*order));
	weir_unlock_(m);
}

void weir_order_complete(struct weir_order *order)
{
	weir_catalogue_seal(order->m);
}

/* ---- the questions ---- */

static struct weir_device *fetch(struct weir_order *order)
{
	struct weir_device *dev = NULL;

	weir_lock_(order->m);
	if (!weir_list_empty(&order->ready)) {
		struct entry *e = weir_container_of(order->ready.next, struct entry, node);

		weir_list_del(&e->node);
		dev = e->dev;
	}
	weir_unlock_(order->m);
	return dev;
}

int weir_order_next(struct weir_order *order, struct weir_device **out_dev)
{
	struct weir_device *dev;
	int r = 1;

	while (!(dev = fetch(order))) {
		if (r <= 0)
			return WEIR_ENOENT;
		r = weir_step(order->m, 1);
	}
	*out_dev = dev;
	return 0;
}

int weir_order_may_probe(struct weir_device *dev, struct weir_why *out_why)
{
	struct weir_machine *m = dev->m;
	struct entry *e;
	int err = 0;

	while (weir_step(m, 64) > 0)
		;
	weir_lock_(m);
	e = entry_of(dev);
	if (is_waiting(e))
		weir_list_del(&e->node);
	else
		err = dev->reg ? WEIR_EBUSY : WEIR_EDEFER;
	weir_unlock_(m);
	if (err && out_why)
		weir_device_root_cause(dev, out_why);
	return err;
}

/* ---- the answers ---- */

int weir_order_done(struct weir_device *dev, int err)
{
	struct weir_machine *m = dev->m;
	int r = WEIR_EINVAL;

	weir_lock_(m);
	if (dev->parked && !is_waiting(entry_of(dev))) {
		weir_probe_done_(dev, err);
		r = !err && dev->last_err ? dev->last_err : 0;
	}
	weir_unlock_(m);
	return r;
}

/* The first consumer that has to be removed before, or NULL. */
static struct weir_device *user_of(struct weir_device *dev)
{
	struct weir_link *link;

	weir_list_each(link, &dev->consumers, struct weir_link, s_node)
		if (link->state == WEIR_LINK_ACTIVE ||
		    (link->state == WEIR_LINK_CONSUMER_PROBE &&
		     !is_waiting(entry_of(link->consumer))))
			return link->consumer;
	return NULL;
}

static void take_back_users(struct weir_device *dev)
{
	struct weir_link *link;

	weir_list_each(link, &dev->consumers, struct weir_link, s_node)
		if (link->state == WEIR_LINK_CONSUMER_PROBE)
			take_back(entry_of(link->consumer));
}

int weir_order_removed(struct weir_device *dev, struct weir_device **out_user)
{
	struct weir_machine *m = dev->m;
	struct weir_device *user;
	int err = 0;

	weir_lock_(m);
	user = user_of(dev);
	if (dev->status != WEIR_DEVICE_BOUND) {
		err = WEIR_EINVAL;
	} else if (user) {
		err = WEIR_EBUSY;
		if (out_user)
			*out_user = user;
	} else {
		take_back_users(dev);
		weir_release_(dev);
	}
	weir_unlock_(m);
	return err;
}
