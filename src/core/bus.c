// SPDX-License-Identifier: MIT
/*
 * Buses and matching. Each bus keeps, for every key that a device offers or a
 * driver takes, who they are; so the drivers of a device and the devices of a
 * driver are found without walking the others.
 */
#include "core/core.h"
#include "core/text.h"

static const struct weir_bus_ops default_ops = { .abi = WEIR_ABI(struct weir_bus_ops) };

int weir_bus_create(struct weir_machine *m, const char *name, const struct weir_bus_ops *ops,
		    struct weir_bus **out_bus)
{
	struct weir_bus *bus;
	int err = WEIR_ENOMEM;

	if (ops && (ops->abi.version != WEIR_ABI_VERSION || ops->abi.size < sizeof(*ops)))
		return WEIR_EINVAL;
	weir_lock_(m);
	bus = weir_alloc_(m, sizeof(*bus));
	if (!bus)
		goto err_unlock;
	bus->m = m;
	bus->ops = ops ? ops : &default_ops;
	weir_list_init(&bus->devices);
	weir_list_init(&bus->drivers);
	bus->name = weir_strdup_(m, name);
	if (!bus->name)
		goto err_free;
	err = weir_map_add_(m, &m->buses_by_name, bus->name, weir_strlen_(name), bus);
	if (err)
		goto err_name;
	weir_list_add_tail(&m->buses, &bus->node);
	weir_unlock_(m);
	*out_bus = bus;
	return 0;

err_name:
	weir_strfree_(m, bus->name);
err_free:
	weir_free_(m, bus, sizeof(*bus));
err_unlock:
	weir_unlock_(m);
	return err;
}

static void free_key(struct weir_bus *bus, struct weir_key *key)
{
	weir_free_(bus->m, key->devices, key->max_devices * sizeof(*key->devices));
	weir_free_(bus->m, key->regs, key->max_regs * sizeof(*key->regs));
	weir_strfree_(bus->m, key->text);
	weir_free_(bus->m, key, sizeof(*key));
}

void weir_bus_free_(struct weir_bus *bus)
{
	struct weir_machine *m = bus->m;

	for (size_t i = 0; bus->keys.entries && i <= bus->keys.size_mask; i++)
		if (bus->keys.entries[i].value)
			free_key(bus, bus->keys.entries[i].value);
	weir_map_fini_(m, &bus->keys);
	weir_map_fini_(m, &bus->devices_by_name);
	weir_map_fini_(m, &bus->drivers_by_name);
	weir_list_del(&bus->node);
	weir_strfree_(m, bus->name);
	weir_free_(m, bus, sizeof(*bus));
}

int weir_bus_find(struct weir_machine *m, const char *name, struct weir_bus **out_bus)
{
	struct weir_bus *bus;

	weir_lock_(m);
	bus = weir_map_get_(&m->buses_by_name, name, weir_strlen_(name));
	weir_unlock_(m);
	if (!bus)
		return WEIR_ENOENT;
	*out_bus = bus;
	return 0;
}

const char *weir_bus_name(const struct weir_bus *bus)
{
	return bus->name;
}

/* ---- keys ---- */

const char *weir_match_key_(const struct weir_device *dev, unsigned int index)
{
	if (dev->bus->ops->match_key)
		return dev->bus->ops->match_key(dev, index);
	return dev->fwnode ? weir_fwnode_compatible(dev->fwnode, index) : NULL;
}

static struct weir_key *find_key(struct weir_bus *bus, const char *text)
{
	return weir_map_get_(&bus->keys, text, weir_strlen_(text));
}

/* The key of a device's @index-th text; NULL only while they are being made. */
static struct weir_key *device_key(const struct weir_device *dev, unsigned int index)
{
	return dev->nr_keys == 1 ? dev->keys.one : dev->keys.many[index];
}

static int make_key(struct weir_bus *bus, const char *text, struct weir_key **out_key)
{
	struct weir_machine *m = bus->m;
	struct weir_key *key = find_key(bus, text);

	if (!key) {
		key = weir_alloc_(m, sizeof(*key));
		if (!key)
			return WEIR_ENOMEM;
		key->text = weir_strdup_(m, text);
		if (!key->text ||
		    weir_map_add_(m, &bus->keys, key->text, weir_strlen_(text), key)) {
			free_key(bus, key);
			return WEIR_ENOMEM;
		}
	}
	*out_key = key;
	return 0;
}

/* First index whose element is numbered above @after. Elements rise in number. */
static uint32_t above_device(const struct weir_key *key, uint32_t after)
{
	uint32_t lo = 0, hi = key->nr_devices;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (key->devices[mid]->seq > after)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static uint32_t above_reg(const struct weir_key *key, uint32_t after)
{
	uint32_t lo = 0, hi = key->nr_regs;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (key->regs[mid]->seq > after)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static void key_del_device(struct weir_key *key, struct weir_device *dev)
{
	uint32_t i = above_device(key, dev->seq - 1);

	if (i == key->nr_devices || key->devices[i] != dev)
		return;
	for (key->nr_devices--; i < key->nr_devices; i++)
		key->devices[i] = key->devices[i + 1];
}

static void key_del_reg(struct weir_key *key, struct weir_reg *reg)
{
	uint32_t i = above_reg(key, reg->seq - 1);

	if (i == key->nr_regs || key->regs[i] != reg)
		return;
	for (key->nr_regs--; i < key->nr_regs; i++)
		key->regs[i] = key->regs[i + 1];
}

/* Both orders rise, so a new element belongs at the end; a key said twice counts once. */
static int key_add_device(struct weir_key *key, struct weir_device *dev)
{
	if (key->nr_devices && key->devices[key->nr_devices - 1] == dev)
		return 0;
	if (weir_grow_(dev->m, (void **)&key->devices, &key->max_devices, key->nr_devices,
		       sizeof(*key->devices)))
		return WEIR_ENOMEM;
	key->devices[key->nr_devices++] = dev;
	return 0;
}

static int key_add_reg(struct weir_key *key, struct weir_reg *reg)
{
	if (key->nr_regs && key->regs[key->nr_regs - 1] == reg)
		return 0;
	if (weir_grow_(reg->bus->m, (void **)&key->regs, &key->max_regs, key->nr_regs,
		       sizeof(*key->regs)))
		return WEIR_ENOMEM;
	key->regs[key->nr_regs++] = reg;
	return 0;
}

static int add_device_key(struct weir_device *dev, const char *text, struct weir_key **out_key)
{
	struct weir_key *key;
	int err = make_key(dev->bus, text, &key);

	if (!err)
		err = key_add_device(key, dev);
	if (!err)
		*out_key = key;
	return err;
}

int weir_match_add_device_(struct weir_device *dev)
{
	struct weir_key **keys = &dev->keys.one;
	unsigned int n = 0;

	while (weir_match_key_(dev, n))
		n++;
	if (n > 1) {
		keys = weir_alloc_(dev->m, n * sizeof(struct weir_key *));
		if (!keys)
			return WEIR_ENOMEM;
		dev->keys.many = keys;
	}
	dev->nr_keys = n;
	for (unsigned int i = 0; i < n; i++) {
		if (!add_device_key(dev, weir_match_key_(dev, i), &keys[i]))
			continue;
		weir_match_del_device_(dev);
		return WEIR_ENOMEM;
	}
	return 0;
}

void weir_match_del_device_(struct weir_device *dev)
{
	for (unsigned int i = 0; i < dev->nr_keys; i++) {
		struct weir_key *key = device_key(dev, i);

		if (key)
			key_del_device(key, dev);
	}
	if (dev->nr_keys > 1)
		weir_free_(dev->m, dev->keys.many, dev->nr_keys * sizeof(struct weir_key *));
	dev->keys.one = NULL;
	dev->nr_keys = 0;
}

int weir_match_add_reg_(struct weir_reg *reg)
{
	const struct weir_match *match;

	for (match = reg->drv->match; match && match->key; match++) {
		struct weir_key *key;

		if (make_key(reg->bus, match->key, &key) || key_add_reg(key, reg)) {
			weir_match_del_reg_(reg);
			return WEIR_ENOMEM;
		}
	}
	return 0;
}

void weir_match_del_reg_(struct weir_reg *reg)
{
	const struct weir_match *match;

	for (match = reg->drv->match; match && match->key; match++) {
		struct weir_key *key = find_key(reg->bus, match->key);

		if (key)
			key_del_reg(key, reg);
	}
}

struct weir_reg *weir_match_next_reg_(struct weir_device *dev, uint32_t after)
{
	struct weir_bus *bus = dev->bus;
	struct weir_reg *best = NULL, *named = NULL;

	for (unsigned int i = 0; i < dev->nr_keys; i++) {
		struct weir_key *key = device_key(dev, i);
		uint32_t at = above_reg(key, after);

		if (at < key->nr_regs && (!best || key->regs[at]->seq < best->seq))
			best = key->regs[at];
	}
	if (bus->ops->match_name)
		named = weir_map_get_hashed_(&bus->drivers_by_name, dev->name, dev->name_bytes,
					     dev->name_hash);
	if (named && named->seq > after && (!best || named->seq < best->seq))
		best = named;
	return best;
}

struct weir_device *weir_match_next_device_(struct weir_reg *reg, uint32_t after)
{
	struct weir_bus *bus = reg->bus;
	struct weir_device *best = NULL, *named = NULL;
	const struct weir_match *match;

	for (match = reg->drv->match; match && match->key; match++) {
		struct weir_key *key = find_key(bus, match->key);
		uint32_t at = key ? above_device(key, after) : 0;

		if (key && at < key->nr_devices && (!best || key->devices[at]->seq < best->seq))
			best = key->devices[at];
	}
	if (bus->ops->match_name)
		named = weir_map_get_(&bus->devices_by_name, reg->drv->name,
				      weir_strlen_(reg->drv->name));
	if (named && named->seq > after && (!best || named->seq < best->seq))
		best = named;
	return best;
}
