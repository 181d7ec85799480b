// SPDX-License-Identifier: MIT
/* IOMMU groups as a running Linux made them; see groups_seen.c. */
#ifndef WEIR_TOOL_GROUPS_H
#define WEIR_TOOL_GROUPS_H

#include "pci/view.h"

struct seen;
struct seen_device;

struct groups_seen {
	const struct seen_device **members; /* by group, then by path */
	size_t n;
};

/* Borrows from @s. Return: 0; WEIR_ENOMEM. */
int groups_seen_open(struct groups_seen *g, const struct seen *s);
void groups_seen_close(struct groups_seen *g);
/* @pci_told: of PCI functions everything was said already. */
void groups_seen_print(const struct groups_seen *g, bool pci_told);
json_t *groups_seen_json(const struct groups_seen *g);

/* groups_pci.c: host bridges of a tree, and which of their requester ids have an IOMMU. */
void groups_pci_print(struct weir_machine *m);
json_t *groups_pci_json(struct weir_machine *m);
/* Whether the tree has an IOMMU at all. */
bool groups_any_iommu(struct weir_machine *m);

/* groups_why.c: why PCI functions are together, where their configuration space is known. */
struct groups_why {
	bool is;                     /* it is known */
	struct pcidump dump;
	struct pciview view;
	const char *lacks;           /* why it is not; NULL: there are no PCI functions */
};
/*
 * Of --lspci, a dump beside tables, or the piece of a capture. @dtb, @tables and @seen may be NULL.
 * Return: 0, also when nothing is known; or an exit status after a message.
 */
int groups_why_open(struct groups_why *why, const struct opts *o, const char *board, const struct weir_bytes *dtb,
		    const struct acpi_tables *tables, const struct seen *seen);
void groups_why_close(struct groups_why *why);
void groups_why_print(const struct groups_why *why);
json_t *groups_why_json(const struct groups_why *why);

#endif
