// SPDX-License-Identifier: MIT
/* IORT: where ids go, and what nodes offer. Tables are made by hand. */
#include <string.h>

#include "acpitable.h"
#include "cm.h"
#include "core/core.h"
#include "dma/priv.h"
#include "iasl.h"
#include "testhost.h"
#include "weir/pci.h"

struct world {
	struct testhost *host;
	struct weir_machine *m;
	struct acpitable iort, madt;
	struct iort_places at;
};

static const struct weir_pci_host hosts[] = {
	{ .segment = 0, .last_bus = 255, .ecam_pa = 0x40000000, .ecam_bytes = 0x10000000 },
	{ .segment = 1, .first_bus = 0, .last_bus = 15, .ecam_pa = 0x60000000,
	  .ecam_bytes = 0x1000000 },
	{ .segment = 7, .last_bus = 1, .ecam_pa = 0x70000000, .ecam_bytes = 0x200000 },
};

static int load(struct world *w, const struct acpitable *iort)
{
	const struct weir_acpi_table tables[] = {
		{ iort->data, iort->bytes }, { w->madt.data, w->madt.bytes },
	};
	const struct weir_acpi acpi = {
		.tables = tables, .nr_tables = w->madt.bytes ? 2 : 1, .hosts = hosts,
		.nr_hosts = 3,
	};

	return weir_firmware_load_acpi(w->m, &acpi);
}

static void make_madt(struct acpitable *t)
{
	acpitable_begin(t, "APIC", 4);
	acpitable_put(t, 8, 0);
	acpitable_put(t, 2, 0x080c); /* some other structure */
	acpitable_put(t, 6, 0);
	acpitable_put(t, 4, 0x140f); /* ITS 0 */
	acpitable_put(t, 4, 0);
	acpitable_put(t, 8, 0x8080000);
	acpitable_put(t, 4, 0);
	acpitable_end(t);
}

static void open_machine(struct world *w)
{
	w->host = testhost_create(NULL, NULL);
	assert_int_equal(weir_machine_create(testhost_ops(w->host), w->host, &w->m), 0);
}

static void close_machine(struct world *w)
{
	weir_machine_destroy(w->m);
	testhost_destroy(w->host);
}

static int setup_empty(void **state)
{
	static struct world w;

	iort_make(&w.iort, &w.at);
	make_madt(&w.madt);
	open_machine(&w);
	*state = &w;
	return 0;
}

static int setup(void **state)
{
	setup_empty(state);
	if (load(*state, &((struct world *)*state)->iort))
		fail_msg("%s", weir_firmware_error(((struct world *)*state)->m));
	return 0;
}

static int teardown(void **state)
{
	close_machine(*state);
	return 0;
}

static struct weir_fwnode *node(struct world *w, const char *path)
{
	struct weir_fwnode *found;

	if (weir_fwnode_find(w->m, path, &found))
		fail_msg("no node %s", path);
	return found;
}

/* ---- where ids go ---- */

static void assert_maps(struct world *w, const char *bridge, enum weir_fwmap what, uint32_t id,
			const char *target, uint32_t want)
{
	struct weir_fwnode *found;
	uint32_t out;
	int err = weir_firmware_map_id(node(w, bridge), what, id, &found, &out);

	if (!target) {
		assert_int_equal(err, WEIR_ENOENT);
		return;
	}
	assert_int_equal(err, 0);
	assert_string_equal(weir_fwnode_name(found), target);
	assert_int_equal(out, want);
}

static void test_iort_iommu_ids(void **state)
{
	struct world *w = *state;

	assert_maps(w, "/pci0000:00", WEIR_FWMAP_IOMMU, 0, "9050000.smmuv3", 0x1000);
	assert_maps(w, "/pci0000:00", WEIR_FWMAP_IOMMU, 0x1ff, "9050000.smmuv3", 0x11ff);
	assert_maps(w, "/pci0000:00", WEIR_FWMAP_IOMMU, 0x201, NULL, 0);
	assert_maps(w, "/pci0001:00", WEIR_FWMAP_IOMMU, 0x10, "9100000.smmu", 0x510);
	assert_maps(w, "/pci0001:00", WEIR_FWMAP_IOMMU, 0x11, NULL, 0);
	assert_maps(w, "/pci0001:00", WEIR_FWMAP_IOMMU, 0x12, "9100000.smmu", 0x12);
	assert_maps(w, "/pci0001:00", WEIR_FWMAP_IOMMU, 0xffff, "9100000.smmu", 0xffff);
	assert_maps(w, "/pci0001:00", WEIR_FWMAP_IOMMU, 0x10000, NULL, 0);
	/* A segment that IORT does not know. */
	assert_maps(w, "/pci0007:00", WEIR_FWMAP_IOMMU, 0, NULL, 0);
	assert_maps(w, "/9050000.smmuv3", WEIR_FWMAP_IOMMU, 0, NULL, 0);
}

/* Through the SMMU, by its second mapping: the first is for its own interrupts. */
static void test_iort_msi_ids(void **state)
{
	struct world *w = *state;

	assert_maps(w, "/pci0000:00", WEIR_FWMAP_MSI, 0x10, "its0", 0x11010);
	assert_maps(w, "/pci0000:00", WEIR_FWMAP_MSI, 0x300, "its0", 0x300);
	assert_maps(w, "/pci0001:00", WEIR_FWMAP_MSI, 0x10, "its0", 0x510);
	assert_maps(w, "/pci0001:00", WEIR_FWMAP_MSI, 0x11, NULL, 0);
}

/*
 * The first range has one id too many; the second begins with it and gets it, wherever
 * it stands. An id in the middle of two is the first's; a last id that nobody begins with
 * stays.
 */
static void test_iort_overlap(void **state)
{
	struct world *w = *state;
	struct acpitable *t = &w->iort;
	uint32_t first = w->at.rc0_maps, second = first + 20;

	assert_int_equal(load(w, t), 0);
	assert_maps(w, "/pci0000:00", WEIR_FWMAP_IOMMU, 0x200, NULL, 0);
	assert_maps(w, "/pci0000:00", WEIR_FWMAP_MSI, 0x200, "its0", 0x200);
	close_machine(w);

	/* [0x100, 0x1ff] in the middle of the first: never reached */
	open_machine(w);
	acpitable_set(t, second, 4, 0x100);
	acpitable_set(t, second + 4, 4, 0xff);
	acpitable_sum(t);
	assert_int_equal(load(w, t), 0);
	assert_maps(w, "/pci0000:00", WEIR_FWMAP_IOMMU, 0x100, "9050000.smmuv3", 0x1100);
	assert_maps(w, "/pci0000:00", WEIR_FWMAP_IOMMU, 0x200, "9050000.smmuv3", 0x1200);
	close_machine(w);

	/* [0x1ff, 0x300]: 0x200 is the first's last id, but not the second's first */
	open_machine(w);
	acpitable_set(t, second, 4, 0x1ff);
	acpitable_set(t, second + 4, 4, 0x101);
	acpitable_sum(t);
	assert_int_equal(load(w, t), 0);
	assert_maps(w, "/pci0000:00", WEIR_FWMAP_IOMMU, 0x200, "9050000.smmuv3", 0x1200);
	assert_maps(w, "/pci0000:00", WEIR_FWMAP_IOMMU, 0x201, NULL, 0);
	close_machine(w);

	/* a range of one id keeps it, though the second begins with it */
	open_machine(w);
	acpitable_set(t, first, 4, 0x200);
	acpitable_set(t, first + 4, 4, 0);
	acpitable_set(t, second, 4, 0x200);
	acpitable_sum(t);
	assert_int_equal(load(w, t), 0);
	assert_maps(w, "/pci0000:00", WEIR_FWMAP_IOMMU, 0x200, "9050000.smmuv3", 0x1000);
	assert_maps(w, "/pci0000:00", WEIR_FWMAP_IOMMU, 0x0, NULL, 0);
}

/* One id comes out of a single mapping of a root complex, whatever goes in. */
static void test_iort_single(void **state)
{
	struct world *w = *state;

	acpitable_set(&w->iort, w->at.rc0_maps + 16, 4, 1);
	acpitable_sum(&w->iort);
	assert_int_equal(load(w, &w->iort), 0);
	assert_maps(w, "/pci0000:00", WEIR_FWMAP_IOMMU, 0, "9050000.smmuv3", 0x1000);
	assert_maps(w, "/pci0000:00", WEIR_FWMAP_IOMMU, 0xabcd, "9050000.smmuv3", 0x1000);
}

/* Without reference: it takes ids, and leads nowhere. */
static void test_iort_no_reference(void **state)
{
	struct world *w = *state;

	acpitable_set(&w->iort, w->at.rc0_maps + 12, 4, 0);
	acpitable_sum(&w->iort);
	assert_int_equal(load(w, &w->iort), 0);
	assert_maps(w, "/pci0000:00", WEIR_FWMAP_IOMMU, 5, NULL, 0);
	assert_maps(w, "/pci0000:00", WEIR_FWMAP_MSI, 0x200, "its0", 0x200);
}

/* Of two root complexes of one segment the first counts. */
static void test_iort_double_segment(void **state)
{
	struct world *w = *state;

	acpitable_set(&w->iort, w->at.rc1 + 28, 4, 0);
	acpitable_sum(&w->iort);
	assert_int_equal(load(w, &w->iort), 0);
	assert_maps(w, "/pci0000:00", WEIR_FWMAP_IOMMU, 0, "9050000.smmuv3", 0x1000);
	assert_maps(w, "/pci0001:00", WEIR_FWMAP_IOMMU, 0, NULL, 0);
}

/* When all four interrupts are wired the first mapping is one like others. */
static void test_iort_own_mapping(void **state)
{
	struct world *w = *state;

	acpitable_set(&w->iort, w->at.smmu_v3 + 48, 4, 0x6b);
	acpitable_set(&w->iort, w->at.smmu_v3_maps + 16, 4, 0);
	acpitable_set(&w->iort, w->at.smmu_v3_maps, 4, 0x1005);
	acpitable_sum(&w->iort);
	assert_int_equal(load(w, &w->iort), 0);
	assert_maps(w, "/pci0000:00", WEIR_FWMAP_MSI, 5, "its0", 0x7777);
	close_machine(w);

	/* from revision 5 on a flag says whether it counts */
	open_machine(w);
	acpitable_set(&w->iort, w->at.smmu_v3 + 3, 1, 5);
	acpitable_set(&w->iort, w->at.smmu_v3 + 24, 4, 0x10);
	acpitable_sum(&w->iort);
	assert_int_equal(load(w, &w->iort), 0);
	assert_maps(w, "/pci0000:00", WEIR_FWMAP_MSI, 5, "its0", 0x11005);
}

/* ---- what nodes offer ---- */

static void assert_registers(struct world *w, const char *path, uint64_t pa, uint64_t bytes)
{
	uint64_t got_pa, got_bytes;

	assert_int_equal(weir_firmware_registers(node(w, path), 0, &got_pa, &got_bytes), 0);
	assert_true(got_pa == pa && got_bytes == bytes);
	assert_int_equal(weir_firmware_registers(node(w, path), 1, &got_pa, &got_bytes),
			 WEIR_ENOENT);
}

static void assert_line(struct world *w, const char *path, unsigned int index, int want)
{
	uint32_t got = 0;
	int err = weir_firmware_line(node(w, path), index, &got);

	assert_int_equal(err ? err : (int)got, want);
}

static void test_iort_resources(void **state)
{
	struct world *w = *state;
	uint64_t pa, bytes;

	assert_registers(w, "/9050000.smmuv3", 0x9050000, 0x20000);
	assert_registers(w, "/9100000.smmu", 0x9100000, 0x10000);
	assert_registers(w, "/its0", 0x8080000, 0x20000); /* as the MADT says */
	assert_int_equal(weir_firmware_registers(node(w, "/\\_SB.DMA0"), 0, &pa, &bytes),
			 WEIR_ENOENT);
	assert_line(w, "/9050000.smmuv3", 0, 74);
	assert_line(w, "/9050000.smmuv3", 1, WEIR_EINVAL); /* not wired */
	assert_line(w, "/9050000.smmuv3", 2, 76);
	assert_line(w, "/9050000.smmuv3", 3, 77);
	assert_line(w, "/9050000.smmuv3", 4, WEIR_ENOENT);
	assert_line(w, "/9100000.smmu", 0, 0x70 - 32);
	assert_line(w, "/9100000.smmu", 1, 0x72 - 32);
	assert_line(w, "/9100000.smmu", 2, 0x73 - 32);
	assert_line(w, "/9100000.smmu", 3, WEIR_ENOENT);
	assert_line(w, "/its0", 0, WEIR_ENOENT);
}

static void test_iort_keys(void **state)
{
	static const char *const models[] = {
		"acpi:arm-smmu-v1", "acpi:arm-smmu-v2", "acpi:arm-mmu-400", "acpi:arm-mmu-500",
		"acpi:arm-mmu-401", "acpi:cavium-smmu-v2", NULL,
	};
	struct world *w = *state;

	for (uint32_t i = 0; i < 7; i++) {
		struct weir_fwnode *smmu;

		if (i)
			open_machine(w);
		acpitable_set(&w->iort, w->at.smmu + 32, 4, i);
		acpitable_sum(&w->iort);
		assert_int_equal(load(w, &w->iort), 0);
		smmu = node(w, "/9100000.smmu");
		if (models[i])
			assert_string_equal(weir_fwnode_compatible(smmu, 0), models[i]);
		assert_string_equal(weir_fwnode_compatible(smmu, models[i] ? 1 : 0),
				    "acpi:arm-smmu");
		assert_null(weir_fwnode_compatible(smmu, models[i] ? 2 : 1));
		assert_string_equal(weir_fwnode_compatible(node(w, "/9050000.smmuv3"), 0),
				    "acpi:arm-smmu-v3");
		if (i < 6)
			close_machine(w);
	}
}

/* Its ids, and what it is for others: a supplier of nobody, a consumer of the SMMU. */
static void test_iort_named(void **state)
{
	struct world *w = *state;
	struct weir_fwnode *dma0 = node(w, "/\\_SB.DMA0");
	struct weir_fwdma range;
	struct weir_fwspec spec;

	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(weir_firmware_spec(dma0, i, &spec), 0);
		assert_ptr_equal(spec.target, node(w, "/9050000.smmuv3"));
		assert_int_equal(spec.nr_cells, 1);
		assert_int_equal(spec.cells[0], 0x20 + i);
	}
	assert_int_equal(weir_firmware_spec(dma0, 2, &spec), WEIR_ENOENT);
	assert_int_equal(weir_firmware_spec(node(w, "/pci0000:00"), 0, &spec), WEIR_ENOENT);
	assert_null(weir_fwnode_compatible(dma0, 0));
	assert_int_equal(weir_firmware_dma_coherent(dma0), 0);
	assert_int_equal(weir_firmware_dma_range(dma0, false, 0, &range), 0);
	assert_true(range.iova == 0 && range.pa == 0 && range.bytes == UINT64_C(1) << 40);
	assert_int_equal(weir_firmware_dma_range(dma0, false, 1, &range), WEIR_ENOENT);
}

static void test_iort_dma(void **state)
{
	struct world *w = *state;
	struct weir_fwdma range;

	assert_int_equal(weir_firmware_dma_coherent(node(w, "/pci0000:00")), 1);
	assert_int_equal(weir_firmware_dma_coherent(node(w, "/pci0007:00")), WEIR_ENOENT);
	assert_int_equal(weir_firmware_dma_coherent(node(w, "/its0")), WEIR_ENOENT);
	assert_int_equal(weir_firmware_dma_range(node(w, "/pci0000:00"), true, 0, &range), WEIR_ENOENT);
	assert_int_equal(weir_firmware_dma_range(node(w, "/pci0001:00"), true, 0, &range), 0);
	assert_true(range.bytes == UINT64_C(1) << 40);
}

/* What the DMA calls make of it: a device's own limit, and its bridge's. */
static void assert_window(struct world *w, const char *parent, const char *path, unsigned int n)
{
	static const struct weir_bus_ops ops = { .abi = WEIR_ABI(struct weir_bus_ops) };
	struct weir_device *dev, *above = NULL;
	struct weir_dma dma = { .m = w->m };
	struct weir_bus *bus;

	if (weir_bus_find(w->m, "test", &bus))
		assert_int_equal(weir_bus_create(w->m, "test", &ops, &bus), 0);
	if (parent)
		assert_int_equal(weir_device_create(bus, "above", NULL, node(w, parent), &above), 0);
	assert_int_equal(weir_device_create(bus, "below", above, path ? node(w, path) : NULL, &dev), 0);
	dma.dev = dev;
	assert_int_equal(weir_dma_windows_read_(&dma), 0);
	assert_int_equal(dma.nr_windows, n);
	if (n)
		assert_int_equal(dma.bus_max, (UINT64_C(1) << 40) - 1);
	weir_dma_windows_free_(&dma);
	weir_device_unref(dev);
	weir_device_unref(above);
}

static void test_iort_dma_of_devices(void **state)
{
	struct world *w = *state;

	assert_window(w, NULL, "/\\_SB.DMA0", 1);
	assert_window(w, "/pci0001:00", NULL, 1);
	assert_window(w, "/pci0000:00", NULL, 0);
}

/* Two ranges of each of two streams, and of no others. */
static void test_iort_reserved(void **state)
{
	struct world *w = *state;
	struct weir_fwnode *smmu = node(w, "/9050000.smmuv3");
	struct weir_fwregion r;

	for (uint32_t id = 0x1010; id <= 0x1011; id++) {
		assert_int_equal(weir_firmware_stream_region(smmu, id, 0, &r), 0);
		assert_true(r.first == 0x80000000 && r.last == 0x8000ffff && r.direct);
		assert_int_equal(weir_firmware_stream_region(smmu, id, 1, &r), 0);
		assert_true(r.first == 0x90000000 && r.last == 0x901fffff && r.direct);
		assert_int_equal(weir_firmware_stream_region(smmu, id, 2, &r), WEIR_ENOENT);
	}
	assert_int_equal(weir_firmware_stream_region(smmu, 0x100f, 0, &r), WEIR_ENOENT);
	assert_int_equal(weir_firmware_stream_region(smmu, 0x1012, 0, &r), WEIR_ENOENT);
	assert_int_equal(weir_firmware_stream_region(node(w, "/9100000.smmu"), 0x1010, 0, &r),
			 WEIR_ENOENT);
}

/* ---- devices and links ---- */

static void test_iort_devices(void **state)
{
	static const char *const names[] = {
		"pci0000:00", "pci0001:00", "pci0007:00", "9050000.smmuv3", "9100000.smmu",
	};
	struct world *w = *state;
	struct weir_device *dev, *smmu;
	struct weir_bus *bus;
	struct weir_link *link;
	unsigned int n = 0;

	assert_int_equal(weir_firmware_populate(w->m), 0);
	assert_int_equal(weir_bus_find(w->m, "platform", &bus), 0);
	for (dev = weir_device_first(w->m); dev; dev = weir_device_next(dev))
		assert_string_equal(weir_device_name(dev), names[n++]);
	assert_int_equal(n, 5);
	/* A second time there is nothing to be made. */
	assert_int_equal(weir_firmware_populate(w->m), 0);
	assert_int_equal(weir_device_find(bus, "9050000.smmuv3", &smmu), 0);
	assert_int_equal(weir_device_find(bus, "pci0000:00", &dev), 0);
	link = weir_link_first(dev);
	assert_ptr_equal(weir_link_supplier(link), smmu);
	assert_non_null(strstr(weir_link_property(link), "IORT"));
	assert_null(weir_link_next(link));
	assert_int_equal(weir_device_find(bus, "pci0007:00", &dev), 0);
	assert_null(weir_link_first(dev));
}

/* ---- another opinion ---- */

/* iasl 20200925 does not know what the last two nodes are. */
static void test_iort_as_iasl(void **state)
{
	struct world *w = *state;
	struct iasl_count count;

	if (!iasl_is_there()) {
		print_message("# no iasl (Debian: acpica-tools)\n");
		skip();
	}
	iasl_compare_iort(w->m, w->iort.data, w->iort.bytes, &count);
	print_message("# %u nodes, %u mappings, %u fields as iasl has them\n", count.nodes,
		      count.maps, count.fields);
	assert_true(count.nodes >= 8 && count.maps >= 10 && count.fields >= 80);
}

/* ---- faults of the host ---- */

static void scenario(struct testhost *t, void *arg)
{
	struct world *w = arg, fresh = *w;
	int err;

	fresh.host = t;
	err = weir_machine_create(testhost_ops(t), t, &fresh.m);
	if (!err) {
		err = load(&fresh, &w->iort);
		if (err) {
			assert_null(weir_fwnode_root(fresh.m));
			assert_int_equal(load(&fresh, &w->iort), 0);
		}
		if (!err)
			err = weir_firmware_populate(fresh.m);
		weir_machine_destroy(fresh.m);
	}
	assert_int_equal(err, testhost_fault_hit(t) ? WEIR_ENOMEM : 0);
}

static void test_iort_faults(void **state)
{
	assert_true(testhost_sweep(NULL, NULL, scenario, *state) > 40);
}

#define LOADED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define EMPTY(test) cmocka_unit_test_setup_teardown(test, setup_empty, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOADED(test_iort_iommu_ids),
		LOADED(test_iort_msi_ids),
		EMPTY(test_iort_overlap),
		EMPTY(test_iort_single),
		EMPTY(test_iort_no_reference),
		EMPTY(test_iort_double_segment),
		EMPTY(test_iort_own_mapping),
		LOADED(test_iort_resources),
		EMPTY(test_iort_keys),
		LOADED(test_iort_named),
		LOADED(test_iort_dma),
		LOADED(test_iort_dma_of_devices),
		LOADED(test_iort_reserved),
		LOADED(test_iort_devices),
		LOADED(test_iort_as_iasl),
		EMPTY(test_iort_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
