// SPDX-License-Identifier: MIT
/* IOMMU groups as a running Linux made them; see groups_seen.c. */
#ifndef WEIR_TOOL_GROUPS_H
#define WEIR_TOOL_GROUPS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct seen;
struct seen_device;
struct weir_machine;

struct groups_seen {
	const struct seen_device **members; /* by group, then by path */
	size_t n;
};

/* Borrows from @s. Return: 0; WEIR_ENOMEM. */
int groups_seen_open(struct groups_seen *g, const struct seen *s);
void groups_seen_close(struct groups_seen *g);
void groups_seen_print(const struct groups_seen *g);
json_t *groups_seen_json(const struct groups_seen *g);

/* groups_pci.c: host bridges of a tree, and which of their requester ids have an IOMMU. */
void groups_pci_print(struct weir_machine *m);
json_t *groups_pci_json(struct weir_machine *m);
/* Whether the tree has an IOMMU at all. */
bool groups_any_iommu(struct weir_machine *m);

#endif
