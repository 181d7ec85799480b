// SPDX-License-Identifier: MIT
/*
 * Requester ids. PCI Express carries the requester's id in each transaction, a
 * conventional bus carries none: a bridge from one to the other puts in one of its own
 * (PCI Express to PCI/PCI-X Bridge Specification 1.0, 2.3: the number of its
 * secondary bus, device 0, function 0). A conventional bridge forwards as itself.
 */
#include "pci/priv.h"

bool weir_pci_takes_over_(const struct fn *bridge)
{
	return bridge->kind == WEIR_PCI_TO_CONVENTIONAL ||
	       bridge->kind == WEIR_PCI_FROM_CONVENTIONAL ||
	       bridge->kind == WEIR_PCI_CONVENTIONAL_BRIDGE;
}

int weir_pci_alias_(const struct fn *f, unsigned int index, uint16_t *out_rid)
{
	uint16_t rid = f->rid;

	for (const struct fn *bridge = f->parent; index && bridge; bridge = bridge->parent) {
		if (!weir_pci_takes_over_(bridge))
			continue;
		rid = bridge->kind == WEIR_PCI_TO_CONVENTIONAL
			      ? WEIR_PCI_RID(bridge->secondary, 0, 0)
			      : bridge->rid;
		index--;
	}
	if (index)
		return WEIR_ENOENT;
	*out_rid = rid;
	return 0;
}

int weir_pci_alias(const struct weir_device *dev, unsigned int index, uint16_t *out_rid)
{
	const struct fn *f = weir_pci_fn_(dev);

	return f ? weir_pci_alias_(f, index, out_rid) : WEIR_ENOENT;
}
