// SPDX-License-Identifier: MIT
/*
 * Walking buses: which functions are there, and what they are. Goes down and up the tree
 * by its links, so that the stack stays flat however many bridges a device pretends to
 * have; bus numbers (buses.c) end the walk.
 */
#include "pci/priv.h"
#include "pci/regs.h"

#define RETRY_NS    1000000u
#define MAX_RETRIES 1000u      /* of a walk: 1 s */
#define NOT_YET     0xffff0001u /* vendor and device while a function still starts */

static void pause(struct weir_pci *pci, uint32_t ns)
{
	if (pci->m->ops->delay_ns)
		pci->m->ops->delay_ns(pci->m->host, ns);
}

/*
 * Vendor and device id; 0 when nothing answers. Functions start at the same time, so one
 * second is for all of a walk together (PCI Express Base Specification 5.0, 2.3.1, 6.6.1):
 * whoever is asked after it had it too.
 */
static uint32_t identify(struct weir_pci *pci, uint16_t rid)
{
	uint32_t id = weir_pci_read_(pci, rid, PCI_VENDOR, 4);

	for (; id == NOT_YET && pci->retries; pci->retries--) {
		pause(pci, RETRY_NS);
		id = weir_pci_read_(pci, rid, PCI_VENDOR, 4);
	}
	if ((id & 0xffff) == 0xffff || (id & 0xffff) == 0 || id == NOT_YET)
		return 0;
	return id;
}

/* Kinds by the device/port type of the PCI Express capability (7.5.3.2). */
static enum weir_pci_kind kind_of(struct fn *f)
{
	static const enum weir_pci_kind kinds[16] = {
		[0x0] = WEIR_PCI_ENDPOINT, [0x1] = WEIR_PCI_ENDPOINT,
		[0x4] = WEIR_PCI_ROOT_PORT, [0x5] = WEIR_PCI_UPSTREAM,
		[0x6] = WEIR_PCI_DOWNSTREAM, [0x7] = WEIR_PCI_TO_CONVENTIONAL,
		[0x8] = WEIR_PCI_FROM_CONVENTIONAL, [0x9] = WEIR_PCI_ROOT_ENDPOINT,
		[0xa] = WEIR_PCI_EVENT_COLLECTOR,
	};
	bool bridge = f->header == 1, port;
	unsigned int type;
	enum weir_pci_kind kind;

	if (!f->exp)
		return bridge ? WEIR_PCI_CONVENTIONAL_BRIDGE : WEIR_PCI_CONVENTIONAL;
	type = rd(f, f->exp + PCI_EXP_FLAGS, 2) >> 4 & 15;
	kind = kinds[type];
	port = type >= 4 && type <= 8;
	if ((!kind && type > 1) || port != bridge) {
		weir_pci_fail_(f, "its type of port is %u, its header's %u", type, f->header);
		kind = bridge ? WEIR_PCI_CONVENTIONAL_BRIDGE : WEIR_PCI_CONVENTIONAL;
	}
	return kind;
}

static void read_slot(struct fn *f)
{
	bool port = f->kind == WEIR_PCI_ROOT_PORT || f->kind == WEIR_PCI_DOWNSTREAM;
	uint32_t cap;

	if (!port || !(rd(f, f->exp + PCI_EXP_FLAGS, 2) & PCI_EXP_SLOT))
		return;
	cap = rd(f, f->exp + PCI_EXP_SLTCAP, 4);
	f->has_slot = true;
	f->hotplug = cap & PCI_EXP_SLTCAP_HOTPLUG;
	f->power_control = cap & PCI_EXP_SLTCAP_POWER;
}

/* Everything about a function but what is below it. */
static void examine(struct fn *f, uint32_t id)
{
	uint32_t class_revision = rd(f, PCI_REVISION, 4);
	uint8_t header = (uint8_t)rd(f, PCI_HEADER, 1);

	f->vendor = (uint16_t)id;
	f->device = (uint16_t)(id >> 16);
	f->class_code = class_revision >> 8;
	f->revision = (uint8_t)class_revision;
	f->header = header & ~PCI_HEADER_MULTI;
	if (f->header > 1) {
		weir_pci_fail_(f, "its header is of the unknown type 0x%x", f->header);
		return;
	}
	if (!weir_pci_kept_(f)) { /* nothing decodes or masters until it is told to */
		wr(f, PCI_COMMAND, 2, PCI_COMMAND_INTX_OFF);
		if (f->header)
			weir_pci_buses_close_(f);
	}
	weir_pci_caps_scan_(f);
	f->kind = kind_of(f);
	if (!f->fault[0]) {
		read_slot(f);
		weir_pci_bars_scan_(f);
	}
	if (!f->header) {
		f->subsystem_vendor = (uint16_t)rd(f, PCI_SUBSYSTEM, 2);
		f->subsystem = (uint16_t)rd(f, PCI_SUBSYSTEM + 2, 2);
	}
	f->bridge = f->header == 1 && !f->fault[0];
	if (f->bridge)
		weir_pci_windows_scan_(f);
	if (f->acs)
		f->acs_was = (uint16_t)rd(f, f->acs + PCI_ACS_CTRL, 2);
	weir_pci_acs_enable_(f);
}

/* ---- one bus ---- */

static struct fn *find_child(struct weir_pci *pci, struct fn *bridge, uint16_t rid)
{
	struct weir_list *head = weir_pci_children_(pci, bridge);
	struct fn *f;

	weir_list_each(f, head, struct fn, sibling)
		if (f->rid == rid)
			return f;
	return NULL;
}

static struct weir_fwnode *firmware_node(struct weir_pci *pci, struct fn *bridge, uint16_t rid)
{
	struct weir_fwnode *host = pci->parent->fwnode, *above = bridge ? bridge->fwnode : host;
	struct weir_fwnode *node = above ? weir_firmware_pci_child(above, (uint8_t)rid) : NULL;

	return node || !host ? node : weir_firmware_pci_function(host, rid);
}

/* Return: 1 found (or known); 0 not there; WEIR_ENOMEM. */
static int scan_function(struct weir_pci *pci, struct fn *bridge, uint16_t rid, struct fn **out_fn)
{
	uint32_t id;
	int err;

	*out_fn = find_child(pci, bridge, rid);
	if (*out_fn)
		return 1;
	id = identify(pci, rid);
	if (!id)
		return 0;
	err = weir_pci_fn_create_(pci, bridge, rid, out_fn);
	if (err)
		return err;
	examine(*out_fn, id);
	return 1;
}

static int scan_slot(struct weir_pci *pci, struct fn *bridge, uint16_t rid)
{
	struct fn *first, *f;
	int n = scan_function(pci, bridge, rid, &first);

	if (n <= 0)
		return n;
	if (!(rd(first, PCI_HEADER, 1) & PCI_HEADER_MULTI))
		return 0;
	first->multifunction = true;
	for (unsigned int i = 1; i < 8; i++) {
		n = scan_function(pci, bridge, (uint16_t)(rid + i), &f);
		if (n < 0)
			return n;
	}
	return 0;
}

/* Below a port there is one device, its number is 0. */
static int scan_bus(struct weir_pci *pci, struct fn *bridge)
{
	bool one = bridge && (bridge->kind == WEIR_PCI_ROOT_PORT ||
			      bridge->kind == WEIR_PCI_DOWNSTREAM);
	unsigned int bus = bridge ? bridge->secondary : pci->host.first_bus;
	int err = 0;

	for (unsigned int device = 0; device < (one ? 1u : 32u) && !err; device++)
		err = scan_slot(pci, bridge, WEIR_PCI_RID(bus, device, 0));
	return err;
}

/* ---- what is below ---- */

/*
 * From @f (a first child, or NULL) on: each bridge is entered when it is met and left
 * when all below it are done.
 */
static int descend(struct weir_pci *pci, const struct fn *top, struct fn *f)
{
	while (f) {
		struct weir_list *head;
		int err;

		if (f->bridge && f->fresh) {
			if (weir_pci_buses_enter_(f)) {
				err = scan_bus(pci, f);
				if (err)
					return err;
				if (!weir_list_empty(&f->children)) {
					f = weir_container_of(f->children.next, struct fn, sibling);
					continue;
				}
				weir_pci_buses_leave_(f);
			} else if (f->fault[0]) {
				weir_pci_buses_give_up_(f);
			}
		}
		for (;;) {
			head = weir_pci_children_(pci, f->parent);
			if (f->sibling.next != head) {
				f = weir_container_of(f->sibling.next, struct fn, sibling);
				break;
			}
			f = f->parent;
			if (f == top)
				return 0;
			weir_pci_buses_leave_(f);
		}
	}
	return 0;
}

/* Parents first, once the numbers are those that functions keep. */
static void find_firmware_nodes(struct weir_pci *pci)
{
	struct fn *f;

	for (f = weir_pci_next_(pci, NULL); f; f = weir_pci_next_(pci, f))
		if (f->fresh)
			f->fwnode = firmware_node(pci, f->parent, f->rid);
}

int weir_pci_scan_(struct weir_pci *pci, struct fn *bridge)
{
	unsigned int first = weir_pci_buses_first_(pci, bridge);
	int err;

	pci->retries = MAX_RETRIES;
	pci->next_bus = first;
	err = scan_bus(pci, bridge);
	if (!err)
		err = descend(pci, bridge, weir_list_first(weir_pci_children_(pci, bridge),
							   struct fn, sibling));
	if (err)
		return err;
	weir_pci_buses_spread_(pci, bridge, first);
	find_firmware_nodes(pci);
	return 0;
}
