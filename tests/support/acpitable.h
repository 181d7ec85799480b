// SPDX-License-Identifier: MIT
/*
 * ACPI tables made by hand, field by field, and one IORT that has every type of node.
 */
#ifndef WEIR_TESTS_ACPITABLE_H
#define WEIR_TESTS_ACPITABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACPITABLE_MAX 4096u

struct acpitable {
	uint8_t data[ACPITABLE_MAX];
	uint32_t bytes;
};

/* Begins a table with its header. */
void acpitable_begin(struct acpitable *t, const char *signature, uint8_t revision);
/* Appends a number of @width bytes. Return: its offset. */
uint32_t acpitable_put(struct acpitable *t, unsigned int width, uint64_t value);
void acpitable_set(struct acpitable *t, uint32_t offset, unsigned int width, uint64_t value);
uint64_t acpitable_get(const struct acpitable *t, uint32_t offset, unsigned int width);
/* Puts length and checksum in order. */
void acpitable_end(struct acpitable *t);
/* The checksum only, of as many bytes as the length says. */
void acpitable_sum(struct acpitable *t);

/* IORT: a node's head; its mappings come between map_begin and node_end. */
uint32_t iort_node_begin(struct acpitable *t, uint8_t type, uint8_t revision);
void iort_maps_begin(struct acpitable *t, uint32_t node);
/* Return: the offset of the mapping. */
uint32_t iort_map(struct acpitable *t, uint32_t node, uint32_t first, uint32_t more,
		  uint32_t output, uint32_t target, uint32_t flags);
void iort_node_end(struct acpitable *t, uint32_t node);

/* Where things are in the table of iort_make(). */
struct iort_places {
	uint32_t its, its_group, smmu_v3, smmu, rc0, rc1, named, pmcg, rmr, unknown;
	uint32_t rmr_ranges;
	uint32_t rc0_maps, smmu_v3_maps;
};
/*
 * Two ITS groups, of ITS 0 and of ITSs 1 and 2; an SMMUv3 at 0x9050000 and an SMMUv2
 * (MMU-500) at 0x9100000; root complex of segment 0: ids 0 to 0x1ff (and one too many)
 * become 0x1000 to 0x11ff at the SMMUv3, 0x200 to 0xffff go to ITS 0; of segment 1: all
 * to the SMMUv2 but one id; object "\_SB.DMA0" with two ids 0x20, 0x21; a PMCG; reserved
 * memory for streams 0x1010 and 0x1011; a node of a type that nobody knows.
 */
void iort_make(struct acpitable *t, struct iort_places *out_places);

#endif
