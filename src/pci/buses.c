// SPDX-License-Identifier: MIT
/*
 * Bus numbers. A walk gives each bridge the next one when it is met, so that whatever is
 * there gets its numbers before any is kept. What is left then is spread: a port into
 * which devices can be plugged gets spare numbers behind those in use, as many as the
 * host bridge asks for; fewer for each when they do not suffice for all. A switch that is
 * plugged later is numbered inside its port's, and its own ports share the rest.
 */
#include "pci/priv.h"
#include "pci/regs.h"

static void write_buses(const struct fn *f)
{
	wr(f, PCI_PRIMARY, 1, f->rid >> 8);
	wr(f, PCI_SECONDARY, 1, f->secondary);
	wr(f, PCI_SUBORDINATE, 1, f->subordinate);
}

static unsigned int last_bus_of(const struct weir_pci *pci, const struct fn *f)
{
	return f ? f->subordinate : pci->host.last_bus;
}

/* ---- while walking ---- */

void weir_pci_buses_close_(const struct fn *f)
{
	wr(f, PCI_SECONDARY, 1, 0);
	wr(f, PCI_SUBORDINATE, 1, 0);
}

/* As firmware numbered them: inside the bridge above, behind all buses so far. */
static bool keep_buses(struct fn *f)
{
	struct weir_pci *pci = f->pci;
	unsigned int secondary = rd(f, PCI_SECONDARY, 1);
	unsigned int subordinate = rd(f, PCI_SUBORDINATE, 1);

	if (!secondary && !subordinate)
		return false; /* nothing was below it */
	if (secondary < pci->next_bus || subordinate < secondary ||
	    subordinate > last_bus_of(pci, f->parent)) {
		weir_pci_fail_(f, "its buses %u to %u are not below those of its bridge", secondary,
			       subordinate);
		return false;
	}
	f->secondary = (uint8_t)secondary;
	f->subordinate = (uint8_t)subordinate;
	pci->next_bus = secondary + 1;
	return true;
}

bool weir_pci_buses_enter_(struct fn *f)
{
	struct weir_pci *pci = f->pci;

	if (weir_pci_kept_(f))
		return keep_buses(f);
	if (pci->next_bus > last_bus_of(pci, f->parent)) {
		weir_pci_fail_(f, "no bus number is left for what is below it");
		return false;
	}
	f->secondary = (uint8_t)pci->next_bus++;
	f->subordinate = (uint8_t)last_bus_of(pci, f->parent);
	write_buses(f);
	return true;
}

void weir_pci_buses_leave_(struct fn *f)
{
	if (weir_pci_kept_(f)) {
		f->pci->next_bus = f->subordinate + 1u;
		return;
	}
	f->subordinate = (uint8_t)(f->pci->next_bus - 1);
	write_buses(f);
}

void weir_pci_buses_give_up_(struct fn *f)
{
	f->bridge = false;
	f->secondary = 0;
	f->subordinate = 0;
}

unsigned int weir_pci_buses_first_(struct weir_pci *pci, struct fn *bridge)
{
	unsigned int bus = bridge ? bridge->secondary : pci->host.first_bus;
	struct fn *f;

	weir_list_each(f, weir_pci_children_(pci, bridge), struct fn, sibling)
		if (f->bridge && f->subordinate > bus)
			bus = f->subordinate;
	return bus + 1;
}

/* ---- spreading ---- */

/* How many numbers the new bridges on a bus want, those below them being known. */
static unsigned int wanted(struct weir_pci *pci, struct fn *bridge)
{
	unsigned int n = 0;
	struct fn *f;

	weir_list_each(f, weir_pci_children_(pci, bridge), struct fn, sibling)
		if (f->fresh && f->bridge)
			n += f->buses;
	return n;
}

/* The same with so many spare ones for each port; what each wants is remembered. */
static unsigned int wanted_with(struct weir_pci *pci, struct fn *top, unsigned int spare)
{
	struct fn *f;

	for (f = weir_pci_previous_(pci, NULL); f; f = weir_pci_previous_(pci, f)) {
		if (!f->fresh || !f->bridge)
			continue;
		f->buses = 1 + wanted(pci, f);
		if (f->hotplug && f->buses < 1 + spare)
			f->buses = 1 + spare;
	}
	return wanted(pci, top);
}

/*
 * Numbers the new bridges on a bus. All of a bus are written before one below is looked
 * for: that is found by numbers which no other bridge passes on.
 */
static void number(struct weir_pci *pci, struct fn *bridge, unsigned int next)
{
	struct fn *f;

	weir_list_each(f, weir_pci_children_(pci, bridge), struct fn, sibling) {
		if (!f->fresh)
			continue;
		if (bridge && bridge->fresh)
			f->rid = (uint16_t)(bridge->secondary << 8 | (f->rid & 0xff));
		if (!f->bridge)
			continue;
		f->secondary = (uint8_t)next;
		f->subordinate = (uint8_t)(next + f->buses - 1);
		next += f->buses;
		write_buses(f);
	}
}

void weir_pci_buses_spread_(struct weir_pci *pci, struct fn *bridge, unsigned int first)
{
	unsigned int spare = pci->host.reserve.buses, have = last_bus_of(pci, bridge) + 1 - first;
	struct fn *f;

	if ((pci->flags & WEIR_PCI_KEEP) && !bridge)
		return;
	while (spare && wanted_with(pci, bridge, spare) > have)
		spare--;
	if (!spare)
		return; /* as they were given, which is without a gap */
	number(pci, bridge, first);
	for (f = weir_pci_next_(pci, NULL); f; f = weir_pci_next_(pci, f))
		if (f->fresh && f->bridge)
			number(pci, f, f->secondary + 1u);
}
