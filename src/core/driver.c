// SPDX-License-Identifier: MIT
/*
 * Driver registration. A registered driver sits in its bus's list and match
 * index from registration until it is unregistered and nobody walks it.
 */
#include "core/core.h"
#include "core/text.h"

static int add_reg(struct weir_machine *m, const struct weir_driver *drv,
		   struct weir_reg **out_reg)
{
	struct weir_bus *bus;
	struct weir_reg *reg;
	int err;

	bus = weir_map_get_(&m->buses_by_name, drv->bus, weir_strlen_(drv->bus));
	if (!bus)
		return WEIR_ENOENT;
	reg = weir_alloc_(m, sizeof(*reg));
	if (!reg)
		return WEIR_ENOMEM;
	reg->drv = drv;
	reg->bus = bus;
	reg->users = 1;
	weir_list_init(&reg->devices);
	err = weir_map_add_(m, &bus->drivers_by_name, drv->name, weir_strlen_(drv->name), reg);
	if (err)
		goto err_free;
	reg->seq = ++m->driver_seq;
	err = weir_match_add_reg_(reg);
	if (err)
		goto err_name;
	weir_list_add_tail(&bus->drivers, &reg->node);
	m->stats.drivers++;
	*out_reg = reg;
	return 0;

err_name:
	weir_map_del_(&bus->drivers_by_name, drv->name, weir_strlen_(drv->name));
err_free:
	weir_free_(m, reg, sizeof(*reg));
	return err;
}

void weir_reg_put_(struct weir_reg *reg)
{
	if (--reg->users == 0)
		weir_free_(reg->bus->m, reg, sizeof(*reg));
}

struct weir_reg *weir_reg_find_(struct weir_machine *m, const struct weir_driver *drv)
{
	struct weir_bus *bus = weir_map_get_(&m->buses_by_name, drv->bus, weir_strlen_(drv->bus));
	struct weir_reg *reg;

	if (!bus)
		return NULL;
	reg = weir_map_get_(&bus->drivers_by_name, drv->name, weir_strlen_(drv->name));
	return reg && reg->drv == drv ? reg : NULL;
}

static int check_driver(struct weir_machine *m, const struct weir_driver *drv)
{
	const struct weir_driver_ops *ops = drv->ops;

	if (!drv->name || !drv->bus)
		return WEIR_EINVAL;
	if (!ops || (ops->abi.version == WEIR_ABI_VERSION && ops->abi.size >= sizeof(*ops)))
		return 0;
	weir_logf_(m, WEIR_LOG_ERR, "driver %s: made for ABI version %u, table of %u bytes; "
		   "this library has version %u, %u bytes", drv->name, ops->abi.version,
		   ops->abi.size, WEIR_ABI_VERSION, (unsigned int)sizeof(*ops));
	return WEIR_EINVAL;
}

int weir_driver_register_(struct weir_machine *m, const struct weir_driver *drv)
{
	struct weir_event e = { .type = WEIR_EVENT_DRIVER_ADD, .text = drv->name };
	uint32_t outer = m->cause;
	struct weir_reg *reg;
	int err;

	err = check_driver(m, drv);
	if (!err)
		err = add_reg(m, drv, &reg);
	if (err)
		return err;
	m->cause = weir_event_(m, &e);
	m->policy->driver_ready(m, drv);
	m->cause = outer;
	return 0;
}

int weir_driver_register(struct weir_machine *m, const struct weir_driver *drv)
{
	int err;

	weir_lock_(m);
	err = weir_driver_register_(m, drv);
	weir_unlock_(m);
	return err;
}

/* All but one that the caller is unbinding already. */
static void unbind_all(struct weir_reg *reg)
{
	bool stuck = false;

	while (!weir_list_empty(&reg->devices) && !stuck) {
		struct weir_device *dev = weir_container_of(reg->devices.prev, struct weir_device,
							    reg_node);

		dev->refs++;
		weir_release_(dev);
		stuck = dev->reg == reg;
		weir_device_unref_(dev);
	}
}

static void wait_no_users(struct weir_reg *reg)
{
	while (reg->users > 1 && weir_work_wait_driver_(reg))
		;
}

int weir_driver_unregister_(struct weir_machine *m, const struct weir_driver *drv)
{
	struct weir_event e = { .type = WEIR_EVENT_DRIVER_DEL, .text = drv->name };
	struct weir_reg *reg = weir_reg_find_(m, drv);
	uint32_t outer = m->cause;

	if (!reg || reg->going)
		return WEIR_ENOENT;
	m->cause = weir_event_(m, &e);
	reg->going = true;
	weir_match_del_reg_(reg);
	weir_map_del_(&reg->bus->drivers_by_name, drv->name, weir_strlen_(drv->name));
	wait_no_users(reg);
	weir_rpm_pause_(m);
	unbind_all(reg);
	weir_rpm_unpause_(m);
	wait_no_users(reg);
	weir_list_del(&reg->node);
	m->stats.drivers--;
	weir_reg_put_(reg);
	m->cause = outer;
	return 0;
}

int weir_driver_unregister(struct weir_machine *m, const struct weir_driver *drv)
{
	struct weir_reg *reg;
	int err = WEIR_EBUSY;

	weir_lock_(m);
	/* it is called by who asks, or by another thread's weir_step() */
	while ((reg = weir_reg_find_(m, drv)) && reg->users > 1 && weir_async_wait_(m))
		;
	if (!reg || reg->users == 1)
		err = weir_driver_unregister_(m, drv);
	weir_unlock_(m);
	return err;
}

int weir_driver_unbind(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;
	int err = 0;

	weir_lock_(m);
	dev->refs++;
	if (dev->status != WEIR_DEVICE_BOUND)
		err = WEIR_ENODEV;
	else
		weir_release_(dev);
	weir_device_unref_(dev);
	weir_unlock_(m);
	return err;
}

int weir_driver_bind(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;
	int err = 0;

	weir_lock_(m);
	if (dev->reg || dev->busy) {
		err = WEIR_EBUSY;
	} else if (dev->dead || !weir_match_next_reg_(dev, 0)) {
		err = WEIR_ENOENT;
	} else {
		dev->last_err = 0;
		m->policy->device_ready(dev);
	}
	weir_unlock_(m);
	return err;
}

const struct weir_match *weir_driver_match_entry(const struct weir_device *dev,
						 const struct weir_driver *drv)
{
	const char *text;

	for (unsigned int i = 0; (text = weir_match_key_(dev, i)); i++)
		for (const struct weir_match *match = drv->match; match && match->key; match++)
			if (weir_streq_(match->key, text))
				return match;
	return NULL;
}
