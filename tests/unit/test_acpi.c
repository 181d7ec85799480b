// SPDX-License-Identifier: MIT
/* MCFG, VIOT and MADT. Tables are made by hand. */
#include "acpibed.h"

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
