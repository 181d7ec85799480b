// SPDX-License-Identifier: MIT
/*
 * A world with a host bridge whose configuration space is a model, for tests of PCI.
 */
#ifndef WEIR_TESTS_PCIWORLD_H
#define WEIR_TESTS_PCIWORLD_H

#include "pcimodel.h"
#include "world.h"

/* A machine, a host bridge's device, and a model to build on. */
struct pci {
	struct world w;
	struct pcimodel model;
	struct weir_pci_host host;
	struct weir_device *bridge;
	struct weir_pci *pci;
	uint32_t flags;
};

/* @policy: NULL for the library's own. */
struct pci *pci_create(const struct weir_policy_ops *policy);
void pci_destroy(struct pci *p);
/* For cmocka: before and after each test. */
int pci_open(void **state);
int pci_close(void **state);

/* Adds the host bridge with what was built. */
void pci_add(struct pci *p);
/* Takes it away again. */
void pci_del(struct pci *p);
struct weir_device *pci_at(struct pci *p, unsigned int bus, unsigned int device,
			   unsigned int function);
unsigned int pci_count(struct pci *p);
/* The fault is the reason of the device and has these words. */
void assert_fault(struct weir_device *dev, const char *words);
void assert_no_fault(struct weir_device *dev);
struct weir_pci_bar pci_bar(struct weir_device *dev, unsigned int i);
void assert_buses(struct weir_device *dev, unsigned int secondary, unsigned int subordinate);
/* Every register is aligned, in the windows above it, and overlaps no other. */
void pci_check_addresses(struct pci *p);
/*
 * Two root ports, 01.0 and 02.0. An endpoint below the first; a switch with the ports
 * 00.0 and 05.0 below the second, and an endpoint below each.
 */
void pci_build_switch(struct pci *p);

#endif
