// SPDX-License-Identifier: MIT
/*
 * What a driver switches on and off: registers, DMA, and the function itself (reset).
 * Bridges pass DMA on while a function below may do it; how many these are is counted
 * under the machine lock, which also orders the writes to a bridge's command register.
 */
#include "pci/priv.h"
#include "pci/regs.h"

#define FLR_NS       100000000u /* 6.6.2: so long a function may take */
#define POLL_NS      100000u
#define MAX_PENDING  1000u
#define MAX_RETURN   10000u     /* 1 s of polling */

/* ---- registers of a function ---- */

int weir_pci_bar_get(const struct weir_device *dev, unsigned int index, struct weir_pci_bar *out_bar)
{
	const struct fn *f = weir_pci_fn_(dev);
	const struct bar *bar = f && index < MAX_BARS ? &f->bars[index] : NULL;
	struct weir_pci_bar found;

	if (!bar || !bar->bytes)
		return WEIR_ENOENT;
	if (!bar->assigned)
		return WEIR_ENOSPC;
	found = (struct weir_pci_bar){
		.space = bar->space, .is_64bit = bar->is_64bit,
		.prefetchable = bar->prefetchable, .pci = bar->pci, .bytes = bar->bytes,
		.cpu = WEIR_PCI_NO_CPU_ADDRESS,
	};
	for (unsigned int i = 0; i < f->pci->host.nr_windows; i++) {
		const struct weir_pci_window *w = &f->pci->host.windows[i];

		if ((w->space == WEIR_PCI_IO) == bar->io && bar->pci >= w->pci &&
		    bar->pci - w->pci < w->bytes && w->cpu != WEIR_PCI_NO_CPU_ADDRESS)
			found.cpu = w->cpu + (bar->pci - w->pci);
	}
	*out_bar = found;
	return 0;
}

int weir_pci_bar_map(const struct weir_device *dev, unsigned int index, struct weir_mmio *out_mmio)
{
	struct weir_pci_bar bar;
	int err = weir_pci_bar_get(dev, index, &bar);

	if (err)
		return err;
	if (bar.cpu == WEIR_PCI_NO_CPU_ADDRESS)
		return WEIR_EINVAL;
	return weir_mmio_map(dev->m, bar.cpu, bar.bytes, out_mmio);
}

/* ---- the command register ---- */

/* Return: whether the bits are as asked afterwards. */
static bool set_command(const struct fn *f, uint32_t bits, bool on)
{
	uint32_t command = rd(f, PCI_COMMAND, 2);

	wr(f, PCI_COMMAND, 2, on ? command | bits : command & ~bits);
	command = rd(f, PCI_COMMAND, 2);
	return command != 0xffff && (on ? (command & bits) == bits : !(command & bits));
}

int weir_pci_enable(struct weir_device *dev)
{
	struct fn *f = weir_pci_fn_(dev);
	uint32_t bits = 0;
	bool done;

	if (!f)
		return WEIR_EIO;
	for (unsigned int i = 0; i < MAX_BARS; i++)
		if (f->bars[i].assigned)
			bits |= f->bars[i].io ? PCI_COMMAND_IO : PCI_COMMAND_MEM;
	weir_lock_(dev->m);
	done = set_command(f, bits, true);
	weir_unlock_(dev->m);
	return done ? 0 : WEIR_EIO;
}

/* Machine lock held. */
static bool set_master(struct fn *f, bool on)
{
	struct fn *bridge;
	bool done;

	if (on && !f->master) {
		for (bridge = f->parent; bridge; bridge = bridge->parent)
			if (!bridge->masters++)
				set_command(bridge, PCI_COMMAND_MASTER, true);
	}
	done = set_command(f, PCI_COMMAND_MASTER, on || f->masters);
	if (!on && f->master) {
		for (bridge = f->parent; bridge; bridge = bridge->parent)
			if (!--bridge->masters && !bridge->master)
				set_command(bridge, PCI_COMMAND_MASTER, false);
	}
	f->master = on;
	return done;
}

int weir_pci_master(struct weir_device *dev, bool on)
{
	struct fn *f = weir_pci_fn_(dev);
	bool done;

	if (!f)
		return WEIR_EIO;
	weir_lock_(dev->m);
	done = set_master(f, on);
	if (!done && on)
		set_master(f, false);
	weir_unlock_(dev->m);
	return done ? 0 : WEIR_EIO;
}

bool weir_pci_is_master(const struct weir_device *dev)
{
	const struct fn *f = weir_pci_fn_(dev);
	uint32_t command = f ? rd(f, PCI_COMMAND, 2) : 0;

	return command != 0xffff && (command & PCI_COMMAND_MASTER);
}

void weir_pci_disable(struct weir_device *dev)
{
	struct fn *f = weir_pci_fn_(dev);

	if (!f)
		return;
	weir_lock_(dev->m);
	set_master(f, false);
	if (!f->bridge)
		set_command(f, PCI_COMMAND_IO | PCI_COMMAND_MEM, false);
	weir_unlock_(dev->m);
}

void weir_pci_unbound_(struct weir_device *dev)
{
	struct fn *f = dev->bus_data;

	if (f->master)
		set_master(f, false);
}

/* ---- reset ---- */

static void pause(const struct fn *f, uint32_t ns)
{
	struct weir_machine *m = f->pci->m;

	for (; m->ops->delay_ns && ns; ns -= ns < POLL_NS ? ns : POLL_NS)
		m->ops->delay_ns(m->host, ns < POLL_NS ? ns : POLL_NS);
}

static int wait_back(const struct fn *f)
{
	for (unsigned int n = 0; n < MAX_RETURN; n++) {
		uint32_t id = rd(f, PCI_VENDOR, 4);

		if ((id & 0xffff) == f->vendor && id >> 16 == f->device)
			return 0;
		pause(f, POLL_NS);
	}
	return WEIR_ETIMEDOUT;
}

int weir_pci_reset(struct weir_device *dev)
{
	struct fn *f = weir_pci_fn_(dev);
	uint32_t command;
	int err;

	if (!f || !f->exp || !(rd(f, f->exp + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR))
		return WEIR_EOPNOTSUPP;
	weir_pci_master(dev, false);
	weir_pci_msi_disable(dev);
	for (unsigned int n = 0; n < MAX_PENDING; n++) {
		if (!(rd(f, f->exp + PCI_EXP_DEVSTA, 2) & PCI_EXP_DEVSTA_PENDING))
			break;
		pause(f, POLL_NS);
	}
	command = rd(f, PCI_COMMAND, 2);
	wr(f, f->exp + PCI_EXP_DEVCTL, 2,
	   rd(f, f->exp + PCI_EXP_DEVCTL, 2) | PCI_EXP_DEVCTL_FLR);
	pause(f, FLR_NS);
	err = wait_back(f);
	if (err)
		return err;
	for (unsigned int i = 0; i < MAX_BARS; i++)
		if (f->bars[i].assigned)
			weir_pci_bar_write_(f, i);
	weir_pci_acs_enable_(f);
	wr(f, PCI_COMMAND, 2, command & ~PCI_COMMAND_MASTER);
	return 0;
}
