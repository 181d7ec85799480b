// SPDX-License-Identifier: MIT
/*
 * Configuration space in memory: functions and bridges that answer as hardware does,
 * routed by the bus numbers that bridges were given. For topologies that no machine
 * at hand has, and for functions that lie.
 *
 * Each function has 4 KiB and a mask of the bits that can be written. Numbers of the
 * specification are written out here, not taken from the library.
 */
#ifndef WEIR_TESTS_PCIMODEL_H
#define WEIR_TESTS_PCIMODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/pci.h"

#define PCIMODEL_MAX 320u
#define PCIMODEL_ROOT (-1)

struct pcimodel_fn {
	int parent;              /* index, or PCIMODEL_ROOT */
	uint8_t devfn;
	bool bridge, port;       /* port: passes on device 0 only */
	bool absent;             /* answers nothing (unplugged) */
	uint8_t space[4096], mask[4096];
	unsigned int last_cap, next_cap, last_ext, next_ext;
};

struct pcimodel {
	uint8_t first_bus;
	unsigned int n;
	unsigned long reads, writes;
	struct pcimodel_fn fns[PCIMODEL_MAX];
};

/* The port types of the PCI Express capability. */
enum {
	MODEL_ENDPOINT = 0, MODEL_ROOT_PORT = 4, MODEL_UPSTREAM = 5, MODEL_DOWNSTREAM = 6,
	MODEL_PCIE_TO_PCI = 7, MODEL_PCI_TO_PCIE = 8, MODEL_ROOT_ENDPOINT = 9,
	MODEL_EVENT_COLLECTOR = 10,
};
#define MODEL_ACS 0x1d /* SV, RR, CR, UF */

extern const struct weir_pci_config_ops pcimodel_ops; /* ctx: struct pcimodel */

void pcimodel_init(struct pcimodel *model);
/* A function without capabilities: vendor 0x1111, device 0x2222, class 0x088000. Return: its index. */
int pcimodel_fn(struct pcimodel *model, int parent, unsigned int device, unsigned int function);
/* A conventional bridge. */
int pcimodel_bridge(struct pcimodel *model, int parent, unsigned int device, unsigned int function);
/* A function or bridge with the capability of PCI Express, of that type. */
int pcimodel_pcie(struct pcimodel *model, int parent, unsigned int device, unsigned int function,
		  unsigned int type);
/* The same with ACS of these bits. */
int pcimodel_acs(struct pcimodel *model, int parent, unsigned int device, unsigned int function,
		 unsigned int type, unsigned int acs);
void pcimodel_set(struct pcimodel *model, int fn, unsigned int offset, unsigned int width,
		  uint32_t value, uint32_t mask);
uint32_t pcimodel_get(const struct pcimodel *model, int fn, unsigned int offset,
		      unsigned int width);
/* @flags: the low bits of the register (0x4: 64-bit, 0x8: prefetchable, 0x1: port). */
void pcimodel_bar(struct pcimodel *model, int fn, unsigned int index, uint64_t bytes,
		  uint32_t flags);
/* Appends a capability. Return: its offset. */
unsigned int pcimodel_cap(struct pcimodel *model, int fn, uint8_t id, unsigned int bytes);
unsigned int pcimodel_ext(struct pcimodel *model, int fn, uint16_t id, unsigned int bytes);
/* Says of a port that one can plug below it. */
void pcimodel_hotplug(struct pcimodel *model, int fn);
/* Says of function 0 of a slot that there are others. */
void pcimodel_multi(struct pcimodel *model, int fn);

#endif
