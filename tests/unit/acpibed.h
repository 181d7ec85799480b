// SPDX-License-Identifier: MIT
/* A machine for tests of ACPI tables, which are made by hand: given one by one, or in its memory. */
#ifndef WEIR_TESTS_ACPIBED_H
#define WEIR_TESTS_ACPIBED_H

#include <stdio.h>
#include <string.h>

#include "acpitable.h"
#include "cm.h"
#include "core/core.h"
#include "testhost.h"
#include "weir/pci.h"

/* Memory of a machine, for tables that are found by address. */
#define MEMORY_PA    0x100000000u /* only an XSDT can point to it */
#define LOW_PA       0x80000u
#define MEMORY_BYTES 0x4000u
#define RSDP_AT      0x10u
#define LIST_AT      0x100u
#define MCFG_AT      0x400u
#define VIOT_AT      0x1000u

struct world {
	struct weir_host_ops ops;
	struct testhost *host;
	struct weir_machine *m;
	struct acpitable mcfg, viot, madt;
	uint64_t base;
	uint8_t memory[MEMORY_BYTES];
};

static inline void *pa_to_va(void *host, uint64_t pa, size_t bytes)
{
	struct world *w = host;

	if (pa < w->base || pa - w->base > MEMORY_BYTES || bytes > MEMORY_BYTES - (pa - w->base))
		return NULL;
	return w->memory + (pa - w->base);
}

static inline void put_mcfg(struct acpitable *t, uint64_t base, uint16_t segment, uint8_t first,
		     uint8_t last)
{
	acpitable_put(t, 8, base);
	acpitable_put(t, 2, segment);
	acpitable_put(t, 1, first);
	acpitable_put(t, 1, last);
	acpitable_put(t, 4, 0);
}

static inline void make_mcfg(struct acpitable *t)
{
	acpitable_begin(t, "MCFG", 1);
	acpitable_put(t, 8, 0);
	put_mcfg(t, 0x4010000000, 0, 0, 255);
	put_mcfg(t, 0x5000000000, 2, 0x20, 0x3f);
	acpitable_end(t);
}

#define VIOT_PCI      48u
#define VIOT_MMIO     64u
#define VIOT_RANGE    80u
#define VIOT_RANGE2   104u
#define VIOT_ENDPOINT 128u

static inline void put_range(struct acpitable *t, uint32_t endpoint, uint16_t segments[2],
		      uint16_t rids[2], uint16_t iommu)
{
	acpitable_put(t, 4, 0x00180001);
	acpitable_put(t, 4, endpoint);
	for (int i = 0; i < 2; i++)
		acpitable_put(t, 2, segments[i]);
	for (int i = 0; i < 2; i++)
		acpitable_put(t, 2, rids[i]);
	acpitable_put(t, 2, iommu);
	acpitable_put(t, 6, 0);
}

/* A virtio-iommu at 0000:01:02.3, one by MMIO, two ranges, an endpoint, an unknown node. */
static inline void make_viot(struct acpitable *t)
{
	acpitable_begin(t, "VIOT", 0);
	acpitable_put(t, 2, 6);
	acpitable_put(t, 2, 48);
	acpitable_put(t, 8, 0);
	acpitable_put(t, 4, 0x00100003);
	acpitable_put(t, 2, 0);
	acpitable_put(t, 2, WEIR_PCI_RID(1, 2, 3));
	acpitable_put(t, 8, 0);
	acpitable_put(t, 8, 0x00100004);
	acpitable_put(t, 8, 0xa000000);
	put_range(t, 0x100, (uint16_t[]){ 0, 1 }, (uint16_t[]){ 0, 0x2ff }, VIOT_PCI);
	put_range(t, 0, (uint16_t[]){ 0, 2 }, (uint16_t[]){ 0x200, 0xffff }, VIOT_MMIO);
	acpitable_put(t, 4, 0x00180002);
	acpitable_put(t, 4, 0x1234);
	acpitable_put(t, 8, 0xb000000);
	acpitable_put(t, 2, VIOT_MMIO);
	acpitable_put(t, 6, 0);
	acpitable_put(t, 8, 0x00080077);
	acpitable_end(t);
}

static inline void open_machine(struct world *w)
{
	w->ops = testhost_plain_ops;
	w->ops.pa_to_va = pa_to_va;
	w->host = testhost_create(&w->ops, w);
	assert_int_equal(weir_machine_create(testhost_ops(w->host), w->host, &w->m), 0);
}

static inline void close_machine(struct world *w)
{
	weir_machine_destroy(w->m);
	testhost_destroy(w->host);
}

static inline int setup(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	w.base = MEMORY_PA;
	make_mcfg(&w.mcfg);
	make_viot(&w.viot);
	open_machine(&w);
	*state = &w;
	return 0;
}

static inline int teardown(void **state)
{
	close_machine(*state);
	return 0;
}

static inline int load(struct world *w, const struct weir_pci_host *hosts, unsigned int nr_hosts)
{
	const struct weir_acpi_table tables[] = {
		{ w->viot.data, w->viot.bytes }, { w->mcfg.data, w->mcfg.bytes },
		{ w->madt.data, w->madt.bytes },
	};
	const struct weir_acpi acpi = {
		.tables = tables, .nr_tables = w->madt.bytes ? 3 : 2, .hosts = hosts,
		.nr_hosts = nr_hosts,
	};

	return weir_firmware_load_acpi(w->m, &acpi);
}

static inline void must_load(struct world *w)
{
	if (load(w, NULL, 0))
		fail_msg("%s", weir_firmware_error(w->m));
}

static inline struct weir_fwnode *node(struct world *w, const char *path)
{
	struct weir_fwnode *found;

	if (weir_fwnode_find(w->m, path, &found))
		fail_msg("no node %s", path);
	return found;
}

#endif
