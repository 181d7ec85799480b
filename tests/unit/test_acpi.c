// SPDX-License-Identifier: MIT
/* Finding ACPI tables; MCFG, VIOT and MADT. Tables are made by hand. */
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

static void *pa_to_va(void *host, uint64_t pa, size_t bytes)
{
	struct world *w = host;

	if (pa < w->base || pa - w->base > MEMORY_BYTES || bytes > MEMORY_BYTES - (pa - w->base))
		return NULL;
	return w->memory + (pa - w->base);
}

static void put_mcfg(struct acpitable *t, uint64_t base, uint16_t segment, uint8_t first,
		     uint8_t last)
{
	acpitable_put(t, 8, base);
	acpitable_put(t, 2, segment);
	acpitable_put(t, 1, first);
	acpitable_put(t, 1, last);
	acpitable_put(t, 4, 0);
}

static void make_mcfg(struct acpitable *t)
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

static void put_range(struct acpitable *t, uint32_t endpoint, uint16_t segments[2],
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
static void make_viot(struct acpitable *t)
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

static void open_machine(struct world *w)
{
	w->ops = testhost_plain_ops;
	w->ops.pa_to_va = pa_to_va;
	w->host = testhost_create(&w->ops, w);
	assert_int_equal(weir_machine_create(testhost_ops(w->host), w->host, &w->m), 0);
}

static void close_machine(struct world *w)
{
	weir_machine_destroy(w->m);
	testhost_destroy(w->host);
}

static int setup(void **state)
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

static int teardown(void **state)
{
	close_machine(*state);
	return 0;
}

static int load(struct world *w, const struct weir_pci_host *hosts, unsigned int nr_hosts)
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

static void must_load(struct world *w)
{
	if (load(w, NULL, 0))
		fail_msg("%s", weir_firmware_error(w->m));
}

static struct weir_fwnode *node(struct world *w, const char *path)
{
	struct weir_fwnode *found;

	if (weir_fwnode_find(w->m, path, &found))
		fail_msg("no node %s", path);
	return found;
}

/* ---- by the root pointer ---- */

static void put(struct world *w, uint32_t at, unsigned int width, uint64_t value)
{
	for (unsigned int i = 0; i < width; i++)
		w->memory[at + i] = (uint8_t)(value >> 8 * i);
}

static void sum(struct world *w, uint32_t from, uint32_t bytes, uint32_t at)
{
	uint8_t total = 0;

	w->memory[at] = 0;
	for (uint32_t i = 0; i < bytes; i++)
		total = (uint8_t)(total + w->memory[from + i]);
	w->memory[at] = (uint8_t)-total;
}

static void sum_rsdp(struct world *w)
{
	sum(w, RSDP_AT, 20, RSDP_AT + 8);
	sum(w, RSDP_AT, 36, RSDP_AT + 32);
}

static void make_memory(struct world *w, bool extended)
{
	struct acpitable list;

	acpitable_begin(&list, extended ? "XSDT" : "RSDT", 1);
	acpitable_put(&list, extended ? 8 : 4, w->base + VIOT_AT);
	acpitable_put(&list, extended ? 8 : 4, 0);
	acpitable_put(&list, extended ? 8 : 4, w->base + MCFG_AT);
	acpitable_end(&list);
	memcpy(w->memory + LIST_AT, list.data, list.bytes);
	memcpy(w->memory + MCFG_AT, w->mcfg.data, w->mcfg.bytes);
	memcpy(w->memory + VIOT_AT, w->viot.data, w->viot.bytes);
	memcpy(w->memory + RSDP_AT, "RSD PTR ", 8);
	put(w, RSDP_AT + 15, 1, extended ? 2 : 0);
	put(w, RSDP_AT + 16, 4, extended ? 0 : w->base + LIST_AT);
	put(w, RSDP_AT + 20, 4, 36);
	put(w, RSDP_AT + 24, 8, extended ? w->base + LIST_AT : 0);
	sum_rsdp(w);
}

static int load_memory(struct world *w)
{
	const struct weir_acpi acpi = { .rsdp_pa = w->base + RSDP_AT };

	return weir_firmware_load_acpi(w->m, &acpi);
}

static void test_acpi_xsdt(void **state)
{
	struct world *w = *state;

	make_memory(w, true);
	assert_int_equal(load_memory(w), 0);
	node(w, "/pci0000:00/0000:01:02.3");
}

/* Revision 0, and the list with addresses of 32 bits. */
static void test_acpi_rsdt(void **state)
{
	struct world *w = *state;

	w->base = LOW_PA;
	make_memory(w, false);
	assert_int_equal(load_memory(w), 0);
	node(w, "/pci0002:20");
	close_machine(w);

	/* with revision 2 too, where there is no XSDT */
	open_machine(w);
	put(w, RSDP_AT + 15, 1, 2);
	sum_rsdp(w);
	assert_int_equal(load_memory(w), 0);
	node(w, "/pci0002:20");
}

struct bad {
	uint32_t at;
	unsigned int width;
	uint64_t value;
	const char *what;
	bool keep_sums;
};

static void test_acpi_bad_lists(void **state)
{
	static const struct bad all[] = {
		{ RSDP_AT, 1, 'r', "RSDP: signature at offset 0", false },
		{ RSDP_AT + 8, 1, 0x77, "RSDP: checksum at offset 8", true },
		{ RSDP_AT + 32, 1, 0x77, "RSDP: extended checksum at offset 32", true },
		{ RSDP_AT + 20, 4, 35, "RSDP: length at offset 20", false },
		{ RSDP_AT + 20, 4, 0xfffffff0, "RSDP: length at offset 20", true },
		{ RSDP_AT + 24, 8, 0x1000, "RSDP: address at offset 24", false },
		{ RSDP_AT + 24, 8, UINT64_MAX - 8, "RSDP: address at offset 24", false },
		{ RSDP_AT + 24, 8, MEMORY_PA + MCFG_AT, "MCFG: signature at offset 0", false },
		{ LIST_AT + 9, 1, 0, "XSDT: checksum at offset 9", true },
		{ LIST_AT + 4, 4, 35, "XSDT: length at offset 4", true },
		{ LIST_AT + 4, 4, MEMORY_BYTES, "XSDT: length at offset 4", true },
		{ MCFG_AT + 4, 4, 8, "MCFG: length at offset 4", true },
		{ MCFG_AT + 4, 4, 0xffffffff, "MCFG: length at offset 4", true },
		{ MCFG_AT + 20, 1, 1, "MCFG: checksum at offset 9", true },
		{ VIOT_AT + 50, 1, 1, "VIOT: checksum at offset 9", true },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		make_memory(w, true);
		put(w, all[i].at, all[i].width, all[i].value);
		if (!all[i].keep_sums)
			sum_rsdp(w);
		assert_int_equal(load_memory(w), WEIR_EBADMSG);
		if (!strstr(weir_firmware_error(w->m), all[i].what))
			fail_msg("\"%s\" does not say %s", weir_firmware_error(w->m), all[i].what);
		assert_null(weir_fwnode_root(w->m));
	}
	/* An address in the list that is not in memory. */
	make_memory(w, true);
	put(w, LIST_AT + 36, 8, 8);
	sum(w, LIST_AT, 36 + 24, LIST_AT + 9);
	assert_int_equal(load_memory(w), WEIR_EBADMSG);
	assert_non_null(strstr(weir_firmware_error(w->m), "XSDT: address at offset 36"));
	make_memory(w, true);
	assert_int_equal(load_memory(w), 0);
}

/* Tables of no interest may be damaged, and the second of a kind does not count. */
static void test_acpi_others(void **state)
{
	struct world *w = *state;
	struct acpitable other, second;
	struct weir_acpi_table tables[4] = { { other.data, 40 }, { w->mcfg.data, w->mcfg.bytes },
					     { second.data, 0 }, { w->viot.data, w->viot.bytes } };
	const struct weir_acpi acpi = { .tables = tables, .nr_tables = 4 };

	acpitable_begin(&other, "SSDT", 1);
	acpitable_put(&other, 4, 0);
	acpitable_end(&other);
	other.data[9]++;
	acpitable_begin(&second, "MCFG", 1);
	acpitable_end(&second);
	tables[2].bytes = second.bytes;
	assert_int_equal(weir_firmware_load_acpi(w->m, &acpi), 0);
	node(w, "/pci0002:20");
}

/* Nor is one that a list has looked at further than its name: here it has a length that cannot be. */
static void test_acpi_others_in_list(void **state)
{
	static const uint32_t lengths[] = { 0, 35, MEMORY_BYTES, UINT32_MAX };
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		make_memory(w, true);
		put(w, VIOT_AT, 4, 0x314d454f); /* "OEM1" */
		put(w, VIOT_AT + 4, 4, lengths[i]);
		if (load_memory(w))
			fail_msg("%s", weir_firmware_error(w->m));
		node(w, "/pci0002:20");
		close_machine(w);
		open_machine(w);
	}
}

static void test_acpi_arguments(void **state)
{
	struct world *w = *state;
	const struct weir_acpi nothing = { 0 }, pointer = { .rsdp_pa = MEMORY_PA };
	const struct weir_acpi_table cut = { w->mcfg.data, 35 };
	const struct weir_acpi short_one = { .tables = &cut, .nr_tables = 1 };
	struct weir_fwnode *found;

	assert_int_equal(weir_firmware_load_acpi(w->m, &nothing), WEIR_EINVAL);
	assert_int_equal(weir_firmware_load_acpi(w->m, &short_one), WEIR_EBADMSG);
	assert_string_equal(weir_firmware_error(w->m),
			    "damaged ACPI table ????: header at offset 35 (0x23) is cut off");
	assert_int_equal(weir_firmware_populate(w->m), WEIR_ENOENT);
	assert_int_equal(weir_fwnode_find(w->m, "/", &found), WEIR_ENOENT);
	close_machine(w);

	/* a host without memory by address */
	w->host = testhost_create(NULL, NULL);
	assert_int_equal(weir_machine_create(testhost_ops(w->host), w->host, &w->m), 0);
	assert_int_equal(weir_firmware_load_acpi(w->m, &pointer), WEIR_EOPNOTSUPP);
	must_load(w);
	assert_int_equal(load(w, NULL, 0), WEIR_EEXIST);
	assert_int_equal(weir_fwnode_find(w->m, "/", &found), 0);
	assert_ptr_equal(found, weir_fwnode_root(w->m));
	assert_int_equal(weir_fwnode_find(w->m, "//pci0002:20/", &found), 0);
	assert_int_equal(weir_fwnode_find(w->m, "/pci0002", &found), WEIR_ENOENT);
	assert_int_equal(weir_fwnode_find(w->m, "pci0002:20", &found), WEIR_ENOENT);
}

/* ---- host bridges ---- */

/* Without a description each entry is a bridge as firmware left it. */
static void test_acpi_plain_hosts(void **state)
{
	struct world *w = *state;
	struct weir_pci_host host;

	must_load(w);
	assert_int_equal(weir_firmware_pci_host(node(w, "/pci0000:00"), &host), 0);
	assert_true(host.segment == 0 && host.first_bus == 0 && host.last_bus == 255);
	assert_true(host.ecam_pa == 0x4010000000 && host.ecam_bytes == 0x10000000);
	assert_int_equal(host.flags, WEIR_PCI_KEEP);
	assert_int_equal(host.nr_windows, 2);
	/* MCFG tells the address of bus 0, wherever the buses begin. */
	assert_int_equal(weir_firmware_pci_host(node(w, "/pci0002:20"), &host), 0);
	assert_true(host.segment == 2 && host.first_bus == 0x20 && host.last_bus == 0x3f);
	assert_true(host.ecam_pa == 0x5002000000 && host.ecam_bytes == 0x2000000);
	assert_int_equal(weir_firmware_pci_host(weir_fwnode_root(w->m), &host), WEIR_ENODEV);
	assert_string_equal(weir_fwnode_compatible(node(w, "/pci0002:20"), 0), "acpi:PNP0A08");
}

static void test_acpi_given_hosts(void **state)
{
	const struct weir_pci_host hosts[] = {
		{ .segment = 2, .first_bus = 0x30, .last_bus = 0x37, .nr_windows = 1,
		  .windows = { { WEIR_PCI_MEM, 0x1000, 0x2000, 0x3000 } } },
		{ .segment = 2, .first_bus = 0x20, .last_bus = 0x2f },
		{ .segment = 9, .last_bus = 1, .ecam_pa = 0x7000, .ecam_bytes = 0x200000 },
	};
	struct world *w = *state;
	struct weir_pci_host host;

	assert_int_equal(load(w, hosts, 3), 0);
	assert_int_equal(weir_firmware_pci_host(node(w, "/pci0002:30"), &host), 0);
	assert_true(host.ecam_pa == 0x5003000000 && host.ecam_bytes == 0x800000);
	assert_true(host.nr_windows == 1 && host.windows[0].cpu == 0x2000 && host.flags == 0);
	assert_int_equal(weir_firmware_pci_host(node(w, "/pci0009:00"), &host), 0);
	assert_true(host.ecam_pa == 0x7000);
	/* 0000:01:02.3 is below none of them. */
	node(w, "/0000:01:02.3");
}

static void assert_refused(struct world *w, const struct weir_pci_host *hosts, unsigned int n,
			   const char *what)
{
	assert_int_equal(load(w, hosts, n), WEIR_EINVAL);
	assert_non_null(strstr(weir_firmware_error(w->m), what));
	assert_null(weir_fwnode_root(w->m));
}

static void test_acpi_bad_hosts(void **state)
{
	struct weir_pci_host hosts[2] = {
		{ .segment = 2, .first_bus = 0x1f, .last_bus = 0x20 },
		{ .segment = 2, .first_bus = 0x28, .last_bus = 0x3f },
	};
	struct world *w = *state;

	assert_refused(w, hosts, 1, "no configuration space");
	hosts[0].segment = 3;
	assert_refused(w, hosts, 1, "segment 3, buses 31 to 32, has no");
	hosts[0] = hosts[1];
	hosts[0].first_bus = 0x20;
	assert_refused(w, hosts, 2, "shares buses");
	hosts[0].last_bus = 0x10;
	assert_refused(w, hosts, 1, "makes no sense");
	hosts[0].last_bus = 0x27;
	hosts[0].nr_windows = WEIR_PCI_MAX_WINDOWS + 1;
	assert_refused(w, hosts, 1, "makes no sense");
	hosts[0].nr_windows = 0;
	assert_int_equal(load(w, hosts, 2), 0);
}

/* ---- VIOT ---- */

static void assert_maps(struct world *w, const char *bridge, uint32_t rid, const char *target,
			uint32_t want)
{
	struct weir_fwnode *found;
	uint32_t out;
	int err = weir_firmware_map_id(node(w, bridge), WEIR_FWMAP_IOMMU, rid, &found, &out);

	if (!target) {
		assert_int_equal(err, WEIR_ENOENT);
		return;
	}
	assert_int_equal(err, 0);
	assert_string_equal(weir_fwnode_name(found), target);
	assert_int_equal(out, want);
}

static void test_acpi_viot(void **state)
{
	struct world *w = *state;
	struct weir_fwnode *function, *found;
	struct weir_fwspec spec;
	uint64_t pa, bytes;
	uint32_t out;

	must_load(w);
	assert_maps(w, "/pci0000:00", 0, "0000:01:02.3", 0x100);
	/* Where two ranges have a function the first counts. */
	assert_maps(w, "/pci0000:00", 0x2ff, "0000:01:02.3", 0x3ff);
	assert_maps(w, "/pci0000:00", 0x300, "a000000.virtio-iommu", 0x100);
	/* Endpoints count on through segments. */
	assert_maps(w, "/pci0002:20", 0x201, "a000000.virtio-iommu", 0x20001);
	assert_maps(w, "/pci0002:20", 0x1ff, NULL, 0);
	assert_int_equal(weir_firmware_map_id(node(w, "/pci0000:00"), WEIR_FWMAP_MSI, 0, &found,
					      &out), WEIR_ENOENT);
	function = node(w, "/pci0000:00/0000:01:02.3");
	assert_ptr_equal(weir_firmware_pci_function(node(w, "/pci0000:00"),
						    WEIR_PCI_RID(1, 2, 3)), function);
	assert_null(weir_firmware_pci_function(node(w, "/pci0000:00"), WEIR_PCI_RID(1, 2, 2)));
	assert_null(weir_fwnode_compatible(function, 0));
	assert_int_equal(weir_firmware_registers(node(w, "/a000000.virtio-iommu"), 0, &pa, &bytes),
			 0);
	assert_true(pa == 0xa000000 && bytes == 0x200);
	assert_string_equal(weir_fwnode_compatible(node(w, "/a000000.virtio-iommu"), 0),
			    "acpi:LNRO0005");
	assert_int_equal(weir_firmware_spec(node(w, "/b000000.endpoint"), 0, &spec), 0);
	assert_ptr_equal(spec.target, node(w, "/a000000.virtio-iommu"));
	assert_true(spec.nr_cells == 1 && spec.cells[0] == 0x1234);
	assert_int_equal(weir_firmware_spec(node(w, "/b000000.endpoint"), 1, &spec), WEIR_ENOENT);
}

/* A bridge waits for the IOMMU by MMIO, not for the one that is below it. */
static void test_acpi_viot_links(void **state)
{
	struct world *w = *state;
	struct weir_device *dev, *iommu;
	struct weir_bus *bus;

	must_load(w);
	assert_int_equal(weir_firmware_populate(w->m), 0);
	assert_int_equal(weir_bus_find(w->m, "platform", &bus), 0);
	assert_int_equal(weir_device_find(bus, "a000000.virtio-iommu", &iommu), 0);
	assert_int_equal(weir_device_find(bus, "pci0000:00", &dev), 0);
	assert_ptr_equal(weir_link_supplier(weir_link_first(dev)), iommu);
	assert_null(weir_link_next(weir_link_first(dev)));
	assert_int_equal(weir_device_find(bus, "b000000.endpoint", &dev), WEIR_ENOENT);
}

struct damage {
	uint32_t offset;
	unsigned int width;
	uint64_t value;
	const char *what;
};

static void assert_damaged(struct world *w, struct acpitable *t, const struct damage *d)
{
	struct acpitable good = *t;

	acpitable_set(t, d->offset, d->width, d->value);
	acpitable_sum(t);
	assert_int_equal(load(w, NULL, 0), WEIR_EBADMSG);
	if (!strstr(weir_firmware_error(w->m), d->what))
		fail_msg("\"%s\" does not say %s", weir_firmware_error(w->m), d->what);
	assert_null(weir_fwnode_root(w->m));
	*t = good;
}

static void test_acpi_viot_damage(void **state)
{
	static const struct damage all[] = {
		{ 4, 4, 47, "VIOT: length at offset 4" },
		{ 38, 2, 47, "VIOT: offset of nodes at offset 38" },
		{ 38, 2, 0xffff, "VIOT: offset of nodes at offset 38" },
		{ 36, 2, 0xffff, "VIOT: node at offset 160" },
		{ VIOT_PCI + 2, 2, 0, "VIOT: node length at offset 50" },
		{ VIOT_PCI + 2, 2, 15, "VIOT: node length at offset 50" },
		{ VIOT_MMIO + 8, 8, UINT64_MAX, "VIOT: base address at offset 72" },
		{ VIOT_RANGE + 2, 2, 23, "VIOT: node length at offset 82" },
		{ VIOT_ENDPOINT + 2, 2, 0xfff0, "VIOT: node length at offset 130" },
		{ VIOT_RANGE + 16, 2, VIOT_RANGE, "VIOT: output node at offset 96" },
		{ VIOT_RANGE + 16, 2, VIOT_PCI + 1, "VIOT: output node at offset 96" },
		{ VIOT_RANGE + 16, 2, 0xffff, "VIOT: output node at offset 96" },
		{ VIOT_ENDPOINT + 16, 2, 0, "VIOT: output node at offset 144" },
		{ VIOT_RANGE2 + 8, 2, 3, "VIOT: last segment at offset 114" },
		{ VIOT_RANGE + 12, 2, 0x300, "VIOT: last BDF at offset 94" },
		{ VIOT_RANGE + 4, 4, 0xfffefd01, "VIOT: first endpoint at offset 84" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_damaged(w, &w->viot, &all[i]);
	must_load(w);
}

static void test_acpi_mcfg_damage(void **state)
{
	static const struct damage all[] = {
		{ 4, 4, 43, "MCFG: length at offset 4" },
		{ 4, 4, 60 + 8, "MCFG: length at offset 4" },
		{ 44, 8, 0, "MCFG: base address at offset 44" },
		{ 44, 8, 0x4010000001, "MCFG: base address at offset 44" },
		{ 44, 8, 0xfffffffff0000000, "MCFG: base address at offset 44" },
		{ 60 + 10, 1, 0x40, "MCFG: end bus number at offset 71" },
		{ 60 + 8, 2, 0, "MCFG: start bus number at offset 70" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_damaged(w, &w->mcfg, &all[i]);
	must_load(w);
}

static void test_acpi_madt_damage(void **state)
{
	static const struct damage all[] = {
		{ 4, 4, 43, "APIC: length at offset 4" },
		{ 45, 1, 0, "APIC: structure at offset 44" },
		{ 45, 1, 0xff, "APIC: structure at offset 44" },
		{ 45, 1, 19, "APIC: length at offset 45" },
		{ 52, 8, UINT64_MAX, "APIC: base address at offset 52" },
	};
	struct world *w = *state;

	acpitable_begin(&w->madt, "APIC", 4);
	acpitable_put(&w->madt, 8, 0);
	acpitable_put(&w->madt, 4, 0x140f);
	acpitable_put(&w->madt, 8, 0);
	acpitable_put(&w->madt, 8, 0);
	acpitable_end(&w->madt);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_damaged(w, &w->madt, &all[i]);
	must_load(w);
}

/* Every byte of each table with other values: an error, or answers. */
static void test_acpi_bytes(void **state)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0xff };
	struct world *w = *state;
	struct acpitable *tables[] = { &w->mcfg, &w->viot };

	close_machine(w);
	for (size_t n = 0; n < 2; n++) {
		struct acpitable good = *tables[n];

		for (uint32_t i = 4 * sizeof(values); i < good.bytes * sizeof(values); i++) {
			struct weir_fwnode *found;
			uint32_t out;

			tables[n]->data[i / sizeof(values)] = values[i % sizeof(values)];
			acpitable_sum(tables[n]);
			open_machine(w);
			if (load(w, NULL, 0)) {
				assert_true(weir_firmware_error(w->m)[0]);
			} else {
				for (struct weir_fwnode *f = weir_fwnode_root(w->m); f;
				     f = weir_fwnode_next(f))
					for (uint32_t rid = 0; rid < 0x10000; rid += 0x7f)
						(void)weir_firmware_map_id(f, WEIR_FWMAP_IOMMU,
									   rid, &found, &out);
				assert_int_equal(weir_firmware_populate(w->m), 0);
			}
			close_machine(w);
			*tables[n] = good;
		}
	}
	open_machine(w);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_acpi_xsdt),
		TEST(test_acpi_rsdt),
		TEST(test_acpi_bad_lists),
		TEST(test_acpi_others),
		TEST(test_acpi_others_in_list),
		TEST(test_acpi_arguments),
		TEST(test_acpi_plain_hosts),
		TEST(test_acpi_given_hosts),
		TEST(test_acpi_bad_hosts),
		TEST(test_acpi_viot),
		TEST(test_acpi_viot_links),
		TEST(test_acpi_viot_damage),
		TEST(test_acpi_mcfg_damage),
		TEST(test_acpi_madt_damage),
		TEST(test_acpi_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
