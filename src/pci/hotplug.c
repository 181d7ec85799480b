// SPDX-License-Identifier: MIT
/*
 * Plugging: functions that come and go below a bridge while the machine runs. A slot
 * with a power controller is switched by its port (PCI Express Base Specification 5.0,
 * 6.7); when a function leaves a slot, its driver went first.
 */
#include "pci/priv.h"
#include "pci/regs.h"

#define POLL_NS   1000000u
#define MAX_POLLS 1000u

static void pause(const struct fn *f)
{
	if (f->pci->m->ops->delay_ns)
		f->pci->m->ops->delay_ns(f->pci->m->host, POLL_NS);
}

/* What has happened at the slot is acknowledged, so that the next event is seen. */
static void acknowledge(const struct fn *f)
{
	uint32_t status = rd(f, f->exp + PCI_EXP_SLTSTA, 2);

	wr(f, f->exp + PCI_EXP_SLTSTA, 2, status & PCI_EXP_SLTSTA_EVENTS);
}

/* Return: whether something is in the slot and can be talked to. */
static bool slot_on(const struct fn *f)
{
	unsigned int control = f->exp + PCI_EXP_SLTCTL;
	bool link = rd(f, f->exp + PCI_EXP_LNKCAP, 4) & PCI_EXP_LNKCAP_ACTIVE;

	acknowledge(f);
	if (!(rd(f, f->exp + PCI_EXP_SLTSTA, 2) & PCI_EXP_SLTSTA_PRESENT))
		return false;
	if (f->power_control)
		wr(f, control, 2,
		   (rd(f, control, 2) & ~(PCI_EXP_SLTCTL_POWER_OFF | PCI_EXP_SLTCTL_INDICATOR)) |
			   PCI_EXP_SLTCTL_INDICATOR_ON);
	for (unsigned int n = 0; link && n < MAX_POLLS; n++) {
		if (rd(f, f->exp + PCI_EXP_LNKSTA, 2) & PCI_EXP_LNKSTA_ACTIVE)
			break;
		pause(f);
	}
	return true;
}

static void slot_off(const struct fn *f)
{
	unsigned int control = f->exp + PCI_EXP_SLTCTL;

	if (f->power_control)
		wr(f, control, 2,
		   (rd(f, control, 2) & ~PCI_EXP_SLTCTL_INDICATOR) | PCI_EXP_SLTCTL_POWER_OFF |
			   PCI_EXP_SLTCTL_INDICATOR_OFF);
	acknowledge(f);
}

int weir_pci_plug(struct weir_device *bridge)
{
	struct fn *f = weir_pci_fn_(bridge);
	int err;

	if (!f || !f->bridge || (f->pci->flags & WEIR_PCI_READ_ONLY))
		return WEIR_ENODEV;
	if (!f->secondary) /* firmware, whose numbers are kept, gave it none */
		return WEIR_ENOSPC;
	if (f->has_slot && !slot_on(f))
		return 0;
	err = weir_pci_scan_(f->pci, f);
	if (err)
		goto undo;
	weir_pci_assign_below_(f);
	err = weir_pci_map_(f->pci);
	if (!err)
		err = weir_pci_groups_(f->pci);
	if (err)
		goto undo;
	err = weir_pci_devices_add_(f->pci);
	if (err >= 0)
		return err;
undo:
	weir_pci_drop_fresh_(f);
	return err;
}

int weir_pci_unplug(struct weir_device *bridge)
{
	struct fn *f = weir_pci_fn_(bridge);
	int n = 0;

	if (!f || !f->bridge)
		return WEIR_ENODEV;
	while (!weir_list_empty(&f->children))
		n += (int)weir_pci_fn_delete_(
			weir_container_of(f->children.prev, struct fn, sibling));
	if (f->has_slot)
		slot_off(f);
	return n;
}
