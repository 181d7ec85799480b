// SPDX-License-Identifier: MIT
#include "pciworld.h"

#include <stdlib.h>
#include <string.h>

struct pci *pci_create(const struct weir_policy_ops *policy)
{
	struct pci *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	world_open(&p->w, policy);
	pcimodel_init(&p->model);
	p->bridge = world_device(&p->w, "host", NULL, "host");
	p->host = (struct weir_pci_host){
		.last_bus = 255, .nr_windows = 3,
		.windows = {
			{ WEIR_PCI_IO, 0, 0x3eff0000, 0x10000 },
			{ WEIR_PCI_MEM, 0x10000000, 0x10000000, 0x20000000 },
			{ WEIR_PCI_HIGH, 0x8000000000, 0x9000000000, 0x8000000000 },
		},
	};
	return p;
}

void pci_destroy(struct pci *p)
{
	weir_pci_del(p->pci);
	world_close(&p->w);
	free(p);
}

int pci_open(void **state)
{
	*state = pci_create(NULL);
	return *state ? 0 : -1;
}

int pci_close(void **state)
{
	pci_destroy(*state);
	return 0;
}

void pci_add(struct pci *p)
{
	assert_int_equal(weir_pci_add(p->bridge, &p->host, &pcimodel_ops, &p->model, p->flags, &p->pci),
			 0);
}

void pci_del(struct pci *p)
{
	weir_pci_del(p->pci);
	p->pci = NULL;
}

struct weir_device *pci_at(struct pci *p, unsigned int bus, unsigned int device,
			      unsigned int function)
{
	struct weir_device *dev;

	if (weir_pci_find(p->pci, WEIR_PCI_RID(bus, device, function), &dev))
		fail_msg("nothing at %x:%x.%x", bus, device, function);
	return dev;
}

unsigned int pci_count(struct pci *p)
{
	struct weir_pci_info info;
	struct weir_device *dev;
	unsigned int n = 0;

	for (dev = weir_device_first(p->w.m); dev; dev = weir_device_next(dev))
		n += !weir_pci_info_get(dev, &info);
	return n;
}

void assert_fault(struct weir_device *dev, const char *words)
{
	const char *fault = weir_pci_fault(dev);

	if (!fault || !strstr(fault, words))
		fail_msg("%s: \"%s\" does not say \"%s\"", weir_device_name(dev),
			 fault ? fault : "no fault", words);
	assert_string_equal(weir_device_reason(dev), fault);
}

void assert_no_fault(struct weir_device *dev)
{
	if (weir_pci_fault(dev))
		fail_msg("%s: %s", weir_device_name(dev), weir_pci_fault(dev));
}

struct weir_pci_bar pci_bar(struct weir_device *dev, unsigned int i)
{
	struct weir_pci_bar bar;

	assert_int_equal(weir_pci_bar_get(dev, i, &bar), 0);
	return bar;
}

void assert_buses(struct weir_device *dev, unsigned int secondary, unsigned int subordinate)
{
	struct weir_pci_info info;

	assert_int_equal(weir_pci_info_get(dev, &info), 0);
	assert_int_equal(info.secondary, secondary);
	assert_int_equal(info.subordinate, subordinate);
	assert_int_equal(weir_pci_read(dev, 0x19, 1), secondary);
	assert_int_equal(weir_pci_read(dev, 0x1a, 1), subordinate);
	assert_int_equal(weir_pci_read(dev, 0x18, 1), WEIR_PCI_RID_BUS(info.rid));
}

void pci_build_switch(struct pci *p)
{
	struct pcimodel *m = &p->model;
	int rp0 = pcimodel_pcie(m, PCIMODEL_ROOT, 1, 0, MODEL_ROOT_PORT);
	int rp1 = pcimodel_pcie(m, PCIMODEL_ROOT, 2, 0, MODEL_ROOT_PORT);
	int up, dn0, dn1;

	pcimodel_pcie(m, rp0, 0, 0, MODEL_ENDPOINT);
	up = pcimodel_pcie(m, rp1, 0, 0, MODEL_UPSTREAM);
	dn0 = pcimodel_pcie(m, up, 0, 0, MODEL_DOWNSTREAM);
	dn1 = pcimodel_pcie(m, up, 5, 0, MODEL_DOWNSTREAM);
	pcimodel_pcie(m, dn0, 0, 0, MODEL_ENDPOINT);
	pcimodel_pcie(m, dn1, 0, 0, MODEL_ENDPOINT);
}

/* ---- addresses ---- */

static bool inside(uint64_t from, uint64_t bytes, uint64_t base, uint64_t limit)
{
	return from >= base && from + bytes - 1 <= limit;
}

/* What a bridge's registers say it passes on. */
static bool passes(struct weir_device *bridge, const struct weir_pci_bar *bar)
{
	uint64_t mem = (uint64_t)(weir_pci_read(bridge, 0x20, 2) & 0xfff0) << 16;
	uint64_t mem_end = (uint64_t)(weir_pci_read(bridge, 0x22, 2) & 0xfff0) << 16 | 0xfffff;
	uint64_t high = (uint64_t)(weir_pci_read(bridge, 0x24, 2) & 0xfff0) << 16 |
			(uint64_t)weir_pci_read(bridge, 0x28, 4) << 32;
	uint64_t high_end = (uint64_t)(weir_pci_read(bridge, 0x26, 2) & 0xfff0) << 16 |
			    (uint64_t)weir_pci_read(bridge, 0x2c, 4) << 32 | 0xfffff;
	uint64_t io = (uint64_t)(weir_pci_read(bridge, 0x1c, 1) & 0xf0) << 8 |
		      (uint64_t)weir_pci_read(bridge, 0x30, 2) << 16;
	uint64_t io_end = (uint64_t)(weir_pci_read(bridge, 0x1d, 1) & 0xf0) << 8 |
			  (uint64_t)weir_pci_read(bridge, 0x32, 2) << 16 | 0xfff;

	if (bar->space == WEIR_PCI_IO)
		return inside(bar->pci, bar->bytes, io, io_end);
	return inside(bar->pci, bar->bytes, mem, mem_end) ||
	       inside(bar->pci, bar->bytes, high, high_end);
}

void pci_check_addresses(struct pci *p)
{
	static struct weir_pci_bar bars[4096];
	struct weir_device *dev, *up;
	unsigned int n = 0;

	for (dev = weir_device_first(p->w.m); dev; dev = weir_device_next(dev)) {
		for (unsigned int i = 0; i < 6; i++) {
			struct weir_pci_bar bar;
			struct weir_pci_info info;

			if (weir_pci_bar_get(dev, i, &bar))
				continue;
			assert_int_equal(bar.pci % bar.bytes, 0);
			assert_true(bar.pci != 0);
			assert_true(bar.is_64bit || bar.pci + bar.bytes <= (uint64_t)1 << 32);
			for (up = weir_device_parent(dev); !weir_pci_info_get(up, &info);
			     up = weir_device_parent(up))
				assert_true(passes(up, &bar));
			for (unsigned int j = 0; j < n; j++)
				assert_true((bars[j].space == WEIR_PCI_IO) != (bar.space == WEIR_PCI_IO) ||
					    bar.pci + bar.bytes <= bars[j].pci ||
					    bars[j].pci + bars[j].bytes <= bar.pci);
			assert_true(n < 4096);
			bars[n++] = bar;
		}
	}
}
