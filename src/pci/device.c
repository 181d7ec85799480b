// SPDX-License-Identifier: MIT
/*
 * Functions as devices of the engine: bus "pci", names, match keys, and how they go.
 */
#include "core/text.h"
#include "pci/priv.h"
#include "pci/regs.h"

const char *weir_pci_match_key_(const struct weir_device *dev, unsigned int index)
{
	const struct fn *f = dev->bus_data;

	if (f->fault[0] || index >= sizeof(f->keys) / sizeof(f->keys[0]) || !f->keys[index][0])
		return NULL;
	return f->keys[index];
}

static int iommu_spec(const struct weir_device *dev, unsigned int index,
		      struct weir_fwspec *out_spec)
{
	struct weir_pci_id id;
	int err = weir_pci_iommu_id(dev, index, &id);

	if (!err)
		*out_spec = (struct weir_fwspec){
			.target = id.target, .nr_cells = 1, .cells = { id.id },
		};
	return err;
}

static const char *group_key(const struct weir_device *dev, unsigned int rules)
{
	struct weir_pci_group group;

	return weir_pci_group_get(dev, rules, &group) ? NULL : group.key;
}

/* The nearest port above, unless it is in quarantine and so never tried. */
static struct weir_device *order_after(const struct weir_device *dev)
{
	const struct fn *f = dev->bus_data;

	for (f = f->parent; f; f = f->parent)
		if (!f->fault[0] && (f->kind == WEIR_PCI_ROOT_PORT || f->kind == WEIR_PCI_UPSTREAM ||
				     f->kind == WEIR_PCI_DOWNSTREAM))
			return f->dev;
	return NULL;
}

static const struct weir_bus_ops pci_bus_ops = {
	.abi = WEIR_ABI(struct weir_bus_ops),
	.match_key = weir_pci_match_key_,
	.unbound = weir_pci_unbound_,
	.iommu_spec = iommu_spec,
	.group_key = group_key,
	.order_after = order_after,
};

struct fn *weir_pci_fn_(const struct weir_device *dev)
{
	return dev->bus->ops == &pci_bus_ops ? dev->bus_data : NULL;
}

int weir_pci_bus_(struct weir_machine *m, struct weir_bus **out_bus)
{
	struct weir_bus *bus;
	int err = weir_bus_create(m, "pci", &pci_bus_ops, out_bus);

	if (err != WEIR_EEXIST)
		return err;
	err = weir_bus_find(m, "pci", &bus);
	if (err)
		return err;
	if (bus->ops != &pci_bus_ops) /* somebody else's */
		return WEIR_EEXIST;
	*out_bus = bus;
	return 0;
}

int weir_pci_bus_create(struct weir_machine *m)
{
	struct weir_bus *bus;

	return weir_pci_bus_(m, &bus);
}

/* ---- making one ---- */

/* Digits from the left, as many as asked for. */
static char *put_hex(char *at, uint32_t value, unsigned int digits)
{
	while (digits--)
		*at++ = "0123456789abcdef"[value >> 4 * digits & 15];
	return at;
}

static char *put(char *at, const char *text)
{
	while (*text)
		*at++ = *text++;
	return at;
}

static void make_keys(struct fn *f)
{
	char (*key)[sizeof(f->keys[0])] = f->keys;
	char *at;

	if (!f->header) {
		at = put_hex(put(*key, "pci:"), f->vendor, 4);
		at = put_hex(put(at, ":"), f->device, 4);
		at = put_hex(put(at, ":"), f->subsystem_vendor, 4);
		put_hex(put(at, ":"), f->subsystem, 4);
		key++;
	}
	at = put_hex(put(*key++, "pci:"), f->vendor, 4);
	put_hex(put(at, ":"), f->device, 4);
	at = put_hex(put(*key++, "pci:"), f->vendor, 4);
	put(at, ":*");
	for (unsigned int digits = 6; digits; digits -= 2)
		put_hex(put(*key++, "pci:class:"), f->class_code >> (24 - 4 * digits), digits);
}

static int create(struct fn *f)
{
	struct weir_pci *pci = f->pci;
	char name[NAME_BYTES];
	int err;

	make_keys(f);
	err = weir_device_create(pci->bus, weir_pci_name_(f, name),
				 f->parent ? f->parent->dev : pci->parent, f->fwnode, &f->dev);
	if (err)
		return err;
	f->dev->bus_data = f;
	f->dev->release = weir_pci_device_release_;
	if (f->fault[0]) {
		weir_lock_(pci->m);
		weir_device_set_reason_(f->dev, f->fault);
		weir_unlock_(pci->m);
	}
	return weir_device_add(f->dev);
}

int weir_pci_devices_add_(struct weir_pci *pci)
{
	struct fn *f;
	int n = 0;

	for (f = weir_pci_next_(pci, NULL); f; f = weir_pci_next_(pci, f)) {
		int err = f->fresh ? create(f) : 0;

		if (err)
			return err;
		n += f->fresh;
	}
	for (f = weir_pci_next_(pci, NULL); f; f = weir_pci_next_(pci, f))
		f->fresh = false;
	pci->walked = true;
	return n;
}

/* ---- and its end ---- */

/* Hardware first: nothing of it does DMA when its device is gone. */
static void quiesce(struct fn *f)
{
	if (f->dev)
		weir_pci_disable(f->dev);
}

unsigned int weir_pci_fn_delete_(struct fn *top)
{
	unsigned int n = 0;
	struct fn *f;

	/* Children go with their parent's device: their drivers first. */
	if (top->dev)
		weir_device_del(top->dev);
	for (;;) {
		for (f = top; !weir_list_empty(&f->children);)
			f = weir_container_of(f->children.prev, struct fn, sibling);
		quiesce(f);
		n++;
		if (f == top)
			break;
		weir_pci_fn_drop_(f);
	}
	weir_pci_fn_drop_(top);
	return n;
}

void weir_pci_drop_fresh_(struct fn *bridge)
{
	struct fn *f, *tmp;

	weir_list_each_safe(f, tmp, &bridge->children, struct fn, sibling)
		if (f->fresh)
			weir_pci_fn_delete_(f);
}

/* ---- what a function is ---- */

int weir_pci_info_get(const struct weir_device *dev, struct weir_pci_info *out_info)
{
	const struct fn *f = weir_pci_fn_(dev);

	if (!f)
		return WEIR_ENODEV;
	*out_info = (struct weir_pci_info){
		.segment = f->pci->host.segment,
		.rid = f->rid,
		.vendor = f->vendor,
		.device = f->device,
		.subsystem_vendor = f->subsystem_vendor,
		.subsystem = f->subsystem,
		.class_code = f->class_code,
		.revision = f->revision,
		.secondary = f->secondary,
		.subordinate = f->subordinate,
		.kind = f->kind,
		.multifunction = f->multifunction,
		.hotplug = f->hotplug,
	};
	return 0;
}

const char *weir_pci_kind_name(enum weir_pci_kind kind)
{
	static const char *const names[] = {
		[WEIR_PCI_CONVENTIONAL] = "conventional function",
		[WEIR_PCI_CONVENTIONAL_BRIDGE] = "conventional bridge",
		[WEIR_PCI_ENDPOINT] = "endpoint",
		[WEIR_PCI_ROOT_ENDPOINT] = "root complex endpoint",
		[WEIR_PCI_ROOT_PORT] = "root port",
		[WEIR_PCI_UPSTREAM] = "upstream port",
		[WEIR_PCI_DOWNSTREAM] = "downstream port",
		[WEIR_PCI_TO_CONVENTIONAL] = "bridge to a conventional bus",
		[WEIR_PCI_FROM_CONVENTIONAL] = "bridge from a conventional bus",
		[WEIR_PCI_EVENT_COLLECTOR] = "event collector",
	};

	return (unsigned int)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

const char *weir_pci_fault(const struct weir_device *dev)
{
	const struct fn *f = weir_pci_fn_(dev);

	return f && f->fault[0] ? f->fault : NULL;
}

int weir_pci_group_get(const struct weir_device *dev, enum weir_pci_rules rules,
		       struct weir_pci_group *out_group)
{
	const struct fn *f = weir_pci_fn_(dev);

	if (!f || (unsigned int)rules >= WEIR_PCI_RULES)
		return WEIR_ENODEV;
	out_group->key = f->groups[rules].key;
	out_group->why = f->groups[rules].why;
	return 0;
}
