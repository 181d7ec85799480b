// SPDX-License-Identifier: MIT
/* See acpitable.h. Layouts: ACPI 6.6, 5.2.6; Arm DEN0049E.f. */
#include "acpitable.h"

#include <string.h>

#include "cm.h"

uint32_t acpitable_put(struct acpitable *t, unsigned int width, uint64_t value)
{
	uint32_t at = t->bytes;

	assert_true(t->bytes + width <= ACPITABLE_MAX);
	t->bytes += width;
	acpitable_set(t, at, width, value);
	return at;
}

void acpitable_set(struct acpitable *t, uint32_t offset, unsigned int width, uint64_t value)
{
	for (unsigned int i = 0; i < width; i++)
		t->data[offset + i] = (uint8_t)(value >> 8 * i);
}

uint64_t acpitable_get(const struct acpitable *t, uint32_t offset, unsigned int width)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < width; i++)
		value |= (uint64_t)t->data[offset + i] << 8 * i;
	return value;
}

static void put_text(struct acpitable *t, const char *text, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		acpitable_put(t, 1, (uint8_t)text[i]);
}

void acpitable_begin(struct acpitable *t, const char *signature, uint8_t revision)
{
	memset(t, 0, sizeof(*t));
	put_text(t, signature, 4);
	acpitable_put(t, 4, 0);
	acpitable_put(t, 1, revision);
	acpitable_put(t, 1, 0);
	put_text(t, "WEIR  TESTS   ", 14);
	acpitable_put(t, 4, 1);
	put_text(t, "WEIR", 4);
	acpitable_put(t, 4, 1);
}

void acpitable_sum(struct acpitable *t)
{
	uint8_t sum = 0;

	uint64_t bytes = acpitable_get(t, 4, 4);

	t->data[9] = 0;
	for (uint32_t i = 0; i < bytes && i < t->bytes; i++)
		sum = (uint8_t)(sum + t->data[i]);
	t->data[9] = (uint8_t)-sum;
}

void acpitable_end(struct acpitable *t)
{
	acpitable_set(t, 4, 4, t->bytes);
	acpitable_sum(t);
}

/* ---- IORT ---- */

uint32_t iort_node_begin(struct acpitable *t, uint8_t type, uint8_t revision)
{
	uint32_t node = acpitable_put(t, 1, type);

	acpitable_put(t, 2, 0);
	acpitable_put(t, 1, revision);
	acpitable_put(t, 4, acpitable_get(t, 36, 4));
	acpitable_put(t, 4, 0);
	acpitable_put(t, 4, 0);
	return node;
}

void iort_maps_begin(struct acpitable *t, uint32_t node)
{
	acpitable_set(t, node + 12, 4, t->bytes - node);
}

uint32_t iort_map(struct acpitable *t, uint32_t node, uint32_t first, uint32_t more,
		  uint32_t output, uint32_t target, uint32_t flags)
{
	uint32_t at = acpitable_put(t, 4, first);

	acpitable_put(t, 4, more);
	acpitable_put(t, 4, output);
	acpitable_put(t, 4, target);
	acpitable_put(t, 4, flags);
	acpitable_set(t, node + 8, 4, acpitable_get(t, node + 8, 4) + 1);
	return at;
}

void iort_node_end(struct acpitable *t, uint32_t node)
{
	acpitable_set(t, node + 1, 2, t->bytes - node);
	acpitable_set(t, 36, 4, acpitable_get(t, 36, 4) + 1);
}

static uint32_t its_group(struct acpitable *t, unsigned int n, uint32_t first)
{
	uint32_t node = iort_node_begin(t, 0, 1);

	acpitable_put(t, 4, n);
	for (unsigned int i = 0; i < n; i++)
		acpitable_put(t, 4, first + i);
	iort_node_end(t, node);
	return node;
}

static void smmu_v3(struct acpitable *t, struct iort_places *p)
{
	static const uint32_t gsivs[] = { 0x6a, 0, 0x6d, 0x6c }; /* event, PRI, error, sync */

	p->smmu_v3 = iort_node_begin(t, 4, 4);
	acpitable_put(t, 8, 0x9050000);
	acpitable_put(t, 4, 1);
	acpitable_put(t, 4, 0);
	acpitable_put(t, 8, 0);
	acpitable_put(t, 4, 0);
	for (int i = 0; i < 4; i++)
		acpitable_put(t, 4, gsivs[i]);
	acpitable_put(t, 4, 0);
	acpitable_put(t, 4, 0); /* its own mapping is the first */
	iort_maps_begin(t, p->smmu_v3);
	p->smmu_v3_maps = iort_map(t, p->smmu_v3, 0, 0, 0x7777, p->its, 1);
	iort_map(t, p->smmu_v3, 0, 0xffff, 0x10000, p->its, 0);
	iort_node_end(t, p->smmu_v3);
}

static void smmu_v2(struct acpitable *t, struct iort_places *p)
{
	uint32_t node = iort_node_begin(t, 3, 3);

	p->smmu = node;
	acpitable_put(t, 8, 0x9100000);
	acpitable_put(t, 8, 0x10000);
	acpitable_put(t, 4, 3);
	acpitable_put(t, 4, 2);
	acpitable_put(t, 4, 60);
	acpitable_put(t, 4, 2);
	acpitable_put(t, 4, 76);
	acpitable_put(t, 4, 0);
	acpitable_put(t, 4, 92);
	for (uint32_t i = 0; i < 4; i++) /* global interrupts, then those of contexts */
		acpitable_put(t, 8, i == 1 ? 0 : 0x70 + i);
	iort_maps_begin(t, node);
	iort_map(t, node, 0, 0xffff, 0, p->its, 0);
	iort_node_end(t, node);
}

static uint32_t root_complex(struct acpitable *t, uint32_t segment, uint8_t bits)
{
	uint32_t node = iort_node_begin(t, 2, 3);

	acpitable_put(t, 4, 1);
	acpitable_put(t, 4, 0x3000000);
	acpitable_put(t, 4, 0);
	acpitable_put(t, 4, segment);
	acpitable_put(t, 4, bits);
	iort_maps_begin(t, node);
	return node;
}

static void named(struct acpitable *t, struct iort_places *p)
{
	p->named = iort_node_begin(t, 1, 4);
	acpitable_put(t, 4, 0);
	acpitable_put(t, 8, 0);
	acpitable_put(t, 1, 40);
	put_text(t, "\\_SB.DMA0", 10);
	acpitable_put(t, 1, 0);
	iort_maps_begin(t, p->named);
	iort_map(t, p->named, 0, 0, 0x20, p->smmu_v3, 1);
	iort_map(t, p->named, 0, 0, 0x21, p->smmu_v3, 1);
	iort_node_end(t, p->named);
}

static void pmcg(struct acpitable *t, struct iort_places *p)
{
	p->pmcg = iort_node_begin(t, 5, 2);
	acpitable_put(t, 8, 0x9060000);
	acpitable_put(t, 4, 0);
	acpitable_put(t, 4, p->smmu_v3);
	acpitable_put(t, 8, 0x9070000);
	iort_maps_begin(t, p->pmcg);
	iort_map(t, p->pmcg, 0, 0, 0x99, p->its, 1);
	iort_node_end(t, p->pmcg);
}

static void reserved_memory(struct acpitable *t, struct iort_places *p)
{
	p->rmr = iort_node_begin(t, 6, 3);
	acpitable_put(t, 4, 5 << 2);
	acpitable_put(t, 4, 2);
	acpitable_put(t, 4, 28);
	p->rmr_ranges = acpitable_put(t, 8, 0x80000000);
	acpitable_put(t, 8, 0x10000);
	acpitable_put(t, 4, 0);
	acpitable_put(t, 8, 0x90000000);
	acpitable_put(t, 8, 0x200000);
	acpitable_put(t, 4, 0);
	iort_maps_begin(t, p->rmr);
	iort_map(t, p->rmr, 0, 1, 0x1010, p->smmu_v3, 0);
	iort_node_end(t, p->rmr);
}

void iort_make(struct acpitable *t, struct iort_places *out_places)
{
	struct iort_places p;

	acpitable_begin(t, "IORT", 5);
	acpitable_put(t, 4, 0);
	acpitable_put(t, 4, 48);
	acpitable_put(t, 4, 0);
	p.its = its_group(t, 1, 0);
	p.its_group = its_group(t, 2, 1);
	smmu_v3(t, &p);
	smmu_v2(t, &p);
	p.rc0 = root_complex(t, 0, 64);
	p.rc0_maps = iort_map(t, p.rc0, 0, 0x200, 0x1000, p.smmu_v3, 0);
	iort_map(t, p.rc0, 0x200, 0xfdff, 0x200, p.its, 0);
	iort_node_end(t, p.rc0);
	p.rc1 = root_complex(t, 1, 40);
	iort_map(t, p.rc1, 0, 0x10, 0x500, p.smmu, 0);
	iort_map(t, p.rc1, 0x12, 0xffed, 0x12, p.smmu, 0);
	iort_node_end(t, p.rc1);
	named(t, &p);
	pmcg(t, &p);
	reserved_memory(t, &p);
	p.unknown = iort_node_begin(t, 9, 0);
	acpitable_put(t, 8, 0);
	iort_node_end(t, p.unknown);
	acpitable_end(t);
	*out_places = p;
}
