// SPDX-License-Identifier: MIT
/*
 * From requester ids to IOMMUs and MSI controllers by a device tree: ranges, masks,
 * damaged maps, aliases, several root buses; and who is never sent to an IOMMU.
 */
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "pciworld.h"

/* Phandles. */
enum { SMMU_A = 1, SMMU_B, MSI_A, MSI_B, PORT, FUNCTION, BELOW };

struct tree {
	_Alignas(8) unsigned char blob[4096];
	struct weir_fwnode *host[2];
};

/* A property of cells, or of so many bytes of them. */
struct prop {
	const char *name;
	unsigned int nr_bytes;
	uint32_t cells[16];
};

#define CELLS(name, ...) \
	{ name, sizeof((uint32_t[]){ __VA_ARGS__ }), { __VA_ARGS__ } }
#define EMPTY(name) { name, 0, { 0 } }

static void put(void *fdt, const struct prop *prop)
{
	fdt32_t cells[16];

	for (unsigned int i = 0; i < 16; i++)
		cells[i] = cpu_to_fdt32(prop->cells[i]);
	assert_int_equal(fdt_property(fdt, prop->name, cells, (int)prop->nr_bytes), 0);
}

static void put1(void *fdt, const char *name, uint32_t cell)
{
	put(fdt, &(struct prop)CELLS(name, cell));
}

static void node(void *fdt, const char *name, uint32_t phandle, const char *cells)
{
	assert_int_equal(fdt_begin_node(fdt, name), 0);
	put1(fdt, "phandle", phandle);
	if (cells)
		put1(fdt, cells, 1);
}

static void end(void *fdt)
{
	assert_int_equal(fdt_end_node(fdt), 0);
}

/* A host bridge: with a port 01.0, below it a function 00.0, and in that a node. */
static void host(void *fdt, const char *name, const struct prop *props, unsigned int n)
{
	assert_int_equal(fdt_begin_node(fdt, name), 0);
	assert_int_equal(fdt_property_string(fdt, "device_type", "pci"), 0);
	put1(fdt, "#address-cells", 3);
	put1(fdt, "#size-cells", 2);
	for (unsigned int i = 0; i < n; i++)
		if (props[i].name)
			put(fdt, &props[i]);
	node(fdt, "port", PORT, NULL);
	put(fdt, &(struct prop)CELLS("reg", 0x0800, 0, 0, 0, 0));
	put1(fdt, "#address-cells", 3);
	put1(fdt, "#size-cells", 2);
	node(fdt, "function", FUNCTION, "#iommu-cells");
	put(fdt, &(struct prop)CELLS("reg", 0x10000, 0, 0, 0, 0));
	node(fdt, "below", BELOW, "#iommu-cells");
	end(fdt);
	end(fdt);
	end(fdt);
	end(fdt);
}

static void load(struct pci *p, struct tree *t, const struct prop *props, unsigned int n,
		 const struct prop *others, unsigned int nr_others)
{
	void *fdt = t->blob;
	struct weir_fwnode *at;

	assert_int_equal(fdt_create(fdt, sizeof(t->blob)), 0);
	assert_int_equal(fdt_finish_reservemap(fdt), 0);
	assert_int_equal(fdt_begin_node(fdt, ""), 0);
	put1(fdt, "#address-cells", 2);
	put1(fdt, "#size-cells", 2);
	node(fdt, "smmu-a", SMMU_A, "#iommu-cells");
	end(fdt);
	node(fdt, "smmu-b", SMMU_B, "#iommu-cells");
	end(fdt);
	node(fdt, "msi-a", MSI_A, "#msi-cells");
	end(fdt);
	node(fdt, "msi-b", MSI_B, "#msi-cells");
	end(fdt);
	host(fdt, "pcie-a", props, n);
	if (nr_others) {
		assert_int_equal(fdt_begin_node(fdt, "pcie-b"), 0);
		for (unsigned int i = 0; i < nr_others; i++)
			put(fdt, &others[i]);
		end(fdt);
	}
	end(fdt);
	assert_int_equal(fdt_finish(fdt), 0);
	assert_int_equal(weir_firmware_load_dt(p->w.m, fdt, fdt_totalsize(fdt)), 0);
	for (at = weir_fwnode_root(p->w.m); at; at = weir_fwnode_next(at)) {
		if (!strcmp(weir_fwnode_name(at), "pcie-a"))
			t->host[0] = at;
		if (!strcmp(weir_fwnode_name(at), "pcie-b"))
			t->host[1] = at;
	}
}

static struct weir_device *host_device(struct pci *p, const char *name, struct weir_fwnode *at)
{
	struct weir_device *dev;

	assert_int_equal(weir_device_create(p->w.bus, name, NULL, at, &dev), 0);
	assert_int_equal(weir_device_add(dev), 0);
	weir_device_unref(dev);
	return dev;
}

/* Functions: 00:01.0, a port, and 00:02.0; below the port 01:00.0. */
static void open_with(struct pci *p, struct tree *t, const struct prop *props, unsigned int n)
{
	load(p, t, props, n, NULL, 0);
	p->bridge = host_device(p, "pcie", t->host[0]);
	pcimodel_pcie(&p->model, pcimodel_acs(&p->model, PCIMODEL_ROOT, 1, 0, MODEL_ROOT_PORT, MODEL_ACS),
		      0, 0, MODEL_ENDPOINT);
	pcimodel_fn(&p->model, PCIMODEL_ROOT, 2, 0);
	pci_add(p);
}

#define OPEN(p, t, ...) do { \
		const struct prop props_[] = { __VA_ARGS__ }; \
		open_with(p, t, props_, sizeof(props_) / sizeof(props_[0])); \
	} while (0)

static void assert_id(struct weir_device *dev, unsigned int index, const char *target, uint32_t id)
{
	struct weir_pci_id found;

	assert_int_equal(weir_pci_iommu_id(dev, index, &found), 0);
	assert_string_equal(weir_fwnode_name(found.target), target);
	assert_int_equal(found.id, id);
}

static void assert_no_id(struct weir_device *dev, unsigned int index, int err)
{
	struct weir_pci_id found;

	assert_int_equal(weir_pci_iommu_id(dev, index, &found), err);
}

/* ---- ranges ---- */

static void test_pcimap_ranges(void **state)
{
	static struct tree t;
	struct pci *p = *state;

	OPEN(p, &t, CELLS("iommu-map", 0x08, SMMU_A, 0x500, 8, 0x10, SMMU_B, 0, 0xf0));
	assert_id(pci_at(p, 0, 1, 0), 0, "smmu-a", 0x500);
	assert_id(pci_at(p, 0, 2, 0), 0, "smmu-b", 0);
	assert_no_id(pci_at(p, 0, 2, 0), 1, WEIR_ENOENT);
	assert_no_id(pci_at(p, 1, 0, 0), 0, WEIR_ENOENT); /* 0x100: in neither */
}

static void test_pcimap_edges_of_a_range(void **state)
{
	static struct tree t;
	struct pci *p = *state;

	OPEN(p, &t, CELLS("iommu-map", 0x09, SMMU_A, 0, 7, 0x10, SMMU_A, 0x77, 1, 0xf0, SMMU_B, 0, 0x11));
	assert_no_id(pci_at(p, 0, 1, 0), 0, WEIR_ENOENT);
	assert_id(pci_at(p, 0, 2, 0), 0, "smmu-a", 0x77);
	assert_id(pci_at(p, 1, 0, 0), 0, "smmu-b", 0x10);
}

/* The first entry that fits counts. */
static void test_pcimap_overlap(void **state)
{
	static struct tree t;
	struct pci *p = *state;

	OPEN(p, &t, CELLS("iommu-map", 0, SMMU_A, 0x1000, 0x11, 0, SMMU_B, 0x2000, 0x10000));
	assert_id(pci_at(p, 0, 1, 0), 0, "smmu-a", 0x1008);
	assert_id(pci_at(p, 0, 2, 0), 0, "smmu-a", 0x1010);
	assert_id(pci_at(p, 1, 0, 0), 0, "smmu-b", 0x2100);
	assert_no_id(pci_at(p, 0, 1, 0), 1, WEIR_ENOENT);
}

static void test_pcimap_zero_length(void **state)
{
	static struct tree t;
	struct pci *p = *state;

	OPEN(p, &t, CELLS("iommu-map", 0x10, SMMU_A, 0, 0, 0x10, SMMU_B, 5, 1));
	assert_id(pci_at(p, 0, 2, 0), 0, "smmu-b", 5);
	assert_no_id(pci_at(p, 0, 1, 0), 0, WEIR_ENOENT);
}

/* All functions of a bus are one to the IOMMU. */
static void test_pcimap_mask(void **state)
{
	static struct tree t;
	struct pci *p = *state;

	OPEN(p, &t, CELLS("iommu-map", 0, SMMU_A, 0x40, 1, 0x100, SMMU_A, 0x80, 1),
	     CELLS("iommu-map-mask", 0xff00));
	assert_id(pci_at(p, 0, 1, 0), 0, "smmu-a", 0x40);
	assert_id(pci_at(p, 0, 2, 0), 0, "smmu-a", 0x40);
	assert_id(pci_at(p, 1, 0, 0), 0, "smmu-a", 0x80);
}

static const char *key_of(struct weir_device *dev, enum weir_pci_rules rules)
{
	struct weir_pci_group group;

	assert_int_equal(weir_pci_group_get(dev, rules, &group), 0);
	return group.key;
}

/* Whom the IOMMU cannot tell apart is one group, whatever lies between them. */
static void test_pcimap_one_id_is_one_group(void **state)
{
	static struct tree t;
	struct pci *p = *state;
	struct weir_pci_group group;

	OPEN(p, &t, CELLS("iommu-map", 0, SMMU_A, 0x40, 0x1000, 0x1000, SMMU_A, 0x50, 0x1000),
	     CELLS("iommu-map-mask", 0xfe07));
	assert_id(pci_at(p, 0, 1, 0), 0, "smmu-a", 0x40);
	assert_id(pci_at(p, 1, 0, 0), 0, "smmu-a", 0x40);
	assert_string_equal(key_of(pci_at(p, 0, 1, 0), WEIR_PCI_RULES_WEIR), "pci0000/01.0");
	assert_string_equal(key_of(pci_at(p, 0, 2, 0), WEIR_PCI_RULES_WEIR), "pci0000/01.0");
	assert_string_equal(key_of(pci_at(p, 1, 0, 0), WEIR_PCI_RULES_WEIR), "pci0000/01.0");
	assert_string_equal(key_of(pci_at(p, 0, 2, 0), WEIR_PCI_RULES_LINUX_6_12), "pci0000/02.0");
	assert_int_equal(weir_pci_group_get(pci_at(p, 1, 0, 0), WEIR_PCI_RULES_WEIR, &group), 0);
	assert_string_equal(group.why,
			    "endpoint 0000:01:00.0 has an id at its IOMMU that others have, too\n"
			    "conventional function 0000:00:02.0 has an id at its IOMMU that others have, too");
}

/* The same id at two IOMMUs is two. */
static void test_pcimap_one_id_at_two_iommus(void **state)
{
	static struct tree t;
	struct pci *p = *state;

	OPEN(p, &t, CELLS("iommu-map", 0x08, SMMU_A, 0x40, 1, 0x10, SMMU_B, 0x40, 1));
	assert_id(pci_at(p, 0, 1, 0), 0, "smmu-a", 0x40);
	assert_id(pci_at(p, 0, 2, 0), 0, "smmu-b", 0x40);
	assert_string_equal(key_of(pci_at(p, 0, 2, 0), WEIR_PCI_RULES_WEIR), "pci0000/02.0");
}

static void test_pcimap_no_map(void **state)
{
	static struct tree t;
	struct pci *p = *state;
	struct weir_pci_id id;

	OPEN(p, &t, { 0 });
	assert_no_id(pci_at(p, 0, 2, 0), 0, WEIR_ENOENT);
	assert_int_equal(weir_pci_msi_id(pci_at(p, 0, 2, 0), &id), WEIR_ENOENT);
}

/* ---- damage: an error of its own, never "behind no IOMMU" ---- */

static void test_pcimap_damaged(void **state)
{
	static const struct prop damaged[] = {
		EMPTY("iommu-map"),
		{ "iommu-map", 12, { 0, SMMU_A, 0 } },
		{ "iommu-map", 28, { 0x800, SMMU_A, 0, 1, 0, SMMU_A, 0 } },
		{ "iommu-map", 15, { 0, SMMU_A, 0, 0x10000 } },
		CELLS("iommu-map", 0, 99, 0, 0x10000),              /* nobody's phandle */
		CELLS("iommu-map", 0, SMMU_A, 0xfffffff8, 0x10000), /* past the last id */
	};
	static struct tree t;

	(void)state;
	for (unsigned int i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		struct pci *p = pci_create(NULL);

		open_with(p, &t, &damaged[i], 1);
		assert_no_id(pci_at(p, 0, 2, 0), 0, WEIR_EINVAL);
		assert_no_id(pci_at(p, 1, 0, 0), 0, WEIR_EINVAL);
		pci_destroy(p);
	}
}

/* An entry that is damaged is no harm to those whom another one maps. */
static void test_pcimap_damage_is_local(void **state)
{
	static struct tree t;
	struct pci *p = *state;

	OPEN(p, &t, CELLS("iommu-map", 0x10, 99, 0, 1, 0, SMMU_A, 0, 0x10000));
	assert_no_id(pci_at(p, 0, 2, 0), 0, WEIR_EINVAL);
	assert_id(pci_at(p, 0, 1, 0), 0, "smmu-a", 8);
}

/* ---- an IOMMU's own function, and those above it ---- */

static void test_pcimap_to_itself(void **state)
{
	static struct tree t;
	struct pci *p = *state;

	OPEN(p, &t, CELLS("iommu-map", 0, FUNCTION, 0, 0x10000));
	assert_no_id(pci_at(p, 1, 0, 0), 0, WEIR_ENOENT);
	assert_no_id(pci_at(p, 0, 1, 0), 0, WEIR_ENOENT); /* the port above it */
	assert_id(pci_at(p, 0, 2, 0), 0, "function", 0x10);
}

static void test_pcimap_to_below(void **state)
{
	static struct tree t;
	struct pci *p = *state;

	OPEN(p, &t, CELLS("iommu-map", 0, BELOW, 0, 0x10000));
	assert_no_id(pci_at(p, 1, 0, 0), 0, WEIR_ENOENT);
	assert_no_id(pci_at(p, 0, 1, 0), 0, WEIR_ENOENT);
	assert_id(pci_at(p, 0, 2, 0), 0, "below", 0x10);
}

static bool needs(struct weir_fwnode *consumer, const char *supplier)
{
	struct weir_fwlink *link;

	for (link = weir_fwlink_first(consumer); link; link = weir_fwlink_next(link))
		if (!strcmp(weir_fwnode_name(weir_fwlink_supplier(link)), supplier))
			return true;
	return false;
}

/* The host bridge is no consumer of an IOMMU that is found through it. */
static void test_pcimap_ancestor_is_no_consumer(void **state)
{
	static struct tree t;
	struct pci *p = *state;
	const struct prop map = CELLS("iommu-map", 0, FUNCTION, 0, 8, 8, SMMU_B, 0, 0x1000);

	load(p, &t, &map, 1, NULL, 0);
	assert_false(needs(t.host[0], "function"));
	assert_true(needs(t.host[0], "smmu-b"));
}

/* ---- aliases ---- */

/* What is behind a bridge has its own id and the bridge's; the same one counts once. */
static void test_pcimap_aliases(void **state)
{
	static struct tree t;
	struct pci *p = *state;
	struct pcimodel *m = &p->model;
	const struct prop map[] = {
		CELLS("iommu-map", 0, SMMU_A, 0x1000, 0x10000), CELLS("iommu-map-mask", 0xfff8),
	};
	int bridge;

	load(p, &t, map, 2, NULL, 0);
	p->bridge = host_device(p, "pcie", t.host[0]);
	bridge = pcimodel_pcie(m, PCIMODEL_ROOT, 3, 0, MODEL_PCIE_TO_PCI);
	pcimodel_fn(m, bridge, 4, 1);
	pcimodel_multi(m, pcimodel_fn(m, bridge, 4, 0));
	pcimodel_fn(m, bridge, 0, 0);
	pci_add(p);
	assert_id(pci_at(p, 0, 3, 0), 0, "smmu-a", 0x1018);
	assert_no_id(pci_at(p, 0, 3, 0), 1, WEIR_ENOENT);
	assert_id(pci_at(p, 1, 4, 1), 0, "smmu-a", 0x1120);
	assert_id(pci_at(p, 1, 4, 1), 1, "smmu-a", 0x1100);
	assert_no_id(pci_at(p, 1, 4, 1), 2, WEIR_ENOENT);
	assert_id(pci_at(p, 1, 0, 0), 0, "smmu-a", 0x1100);
	assert_no_id(pci_at(p, 1, 0, 0), 1, WEIR_ENOENT);
}

/* ---- several root buses ---- */

static void test_pcimap_two_roots(void **state)
{
	static const struct prop first[] = {
		CELLS("iommu-map", 0, SMMU_A, 0, 0x4000), CELLS("msi-map", 0, MSI_A, 0, 0x4000),
	};
	static const struct prop second[] = {
		CELLS("iommu-map", 0, SMMU_B, 0x100, 8), CELLS("iommu-map-mask", 7),
		CELLS("msi-map", 0x4000, MSI_B, 0x9000, 0x1000),
	};
	static struct pcimodel model;
	static struct tree t;
	struct pci *p = *state;
	struct weir_pci_host other = p->host;
	struct weir_device *dev;
	struct weir_pci *pci;
	struct weir_pci_id id;

	load(p, &t, first, 2, second, 3);
	p->bridge = host_device(p, "pcie-a", t.host[0]);
	pcimodel_fn(&p->model, PCIMODEL_ROOT, 2, 0);
	p->host.last_bus = 0x3f;
	pci_add(p);
	pcimodel_init(&model);
	model.first_bus = other.first_bus = 0x40;
	pcimodel_multi(&model, pcimodel_fn(&model, PCIMODEL_ROOT, 2, 0));
	pcimodel_fn(&model, PCIMODEL_ROOT, 2, 3);
	assert_int_equal(weir_pci_add(host_device(p, "pcie-b", t.host[1]), &other, &pcimodel_ops,
				      &model, 0, &pci), 0);
	assert_id(pci_at(p, 0, 2, 0), 0, "smmu-a", 0x10);
	assert_int_equal(weir_pci_msi_id(pci_at(p, 0, 2, 0), &id), 0);
	assert_string_equal(weir_fwnode_name(id.target), "msi-a");
	assert_int_equal(weir_pci_find(pci, WEIR_PCI_RID(0x40, 2, 3), &dev), 0);
	assert_id(dev, 0, "smmu-b", 0x103);
	assert_int_equal(weir_pci_msi_id(dev, &id), 0);
	assert_string_equal(weir_fwnode_name(id.target), "msi-b");
	assert_int_equal(id.id, 0x9013);
	weir_pci_del(pci);
}

/* ---- MSI controllers ---- */

static void test_pcimap_msi(void **state)
{
	static struct tree t;
	struct pci *p = *state;
	struct weir_pci_id id;

	OPEN(p, &t, CELLS("msi-map", 0x10, MSI_B, 0x700, 8), CELLS("msi-map-mask", 0xfff0));
	assert_int_equal(weir_pci_msi_id(pci_at(p, 0, 2, 0), &id), 0);
	assert_string_equal(weir_fwnode_name(id.target), "msi-b");
	assert_int_equal(id.id, 0x700);
	assert_int_equal(weir_pci_msi_id(pci_at(p, 1, 0, 0), &id), WEIR_ENOENT);
	assert_no_id(pci_at(p, 0, 2, 0), 0, WEIR_ENOENT);
}

/* Without a map all go to the controller of the bridge, as they are. */
static void test_pcimap_msi_parent(void **state)
{
	static struct tree t;
	struct pci *p = *state;
	struct weir_pci_id id;

	OPEN(p, &t, CELLS("msi-parent", MSI_A));
	assert_int_equal(weir_pci_msi_id(pci_at(p, 1, 0, 0), &id), 0);
	assert_string_equal(weir_fwnode_name(id.target), "msi-a");
	assert_int_equal(id.id, 0x100);
}

static void test_pcimap_msi_damaged(void **state)
{
	static const struct prop damaged[] = {
		EMPTY("msi-map"), { "msi-map", 20, { 0, MSI_A, 0, 0x10000, 0 } },
		CELLS("msi-map", 0, 99, 0, 0x10000), CELLS("msi-parent", 99),
	};
	static struct tree t;

	(void)state;
	for (unsigned int i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		struct pci *p = pci_create(NULL);
		struct weir_pci_id id;

		open_with(p, &t, &damaged[i], 1);
		assert_int_equal(weir_pci_msi_id(pci_at(p, 0, 2, 0), &id), WEIR_EINVAL);
		pci_destroy(p);
	}
}

/* ---- host bridges ---- */

/* A host bridge of a tree; @segment negative: it is not given one. */
static void bridge(void *fdt, const char *name, int64_t segment, uint32_t first, uint32_t last)
{
	assert_int_equal(fdt_begin_node(fdt, name), 0);
	assert_int_equal(fdt_property_string(fdt, "compatible", "pci-host-ecam-generic"), 0);
	assert_int_equal(fdt_property_string(fdt, "device_type", "pci"), 0);
	put1(fdt, "#address-cells", 3);
	put1(fdt, "#size-cells", 2);
	put(fdt, &(struct prop)CELLS("reg", 0, 0x40000000, 0, 0x10000000));
	put(fdt, &(struct prop)CELLS("bus-range", first, last));
	put(fdt, &(struct prop)EMPTY("ranges"));
	if (segment >= 0)
		put1(fdt, "linux,pci-domain", (uint32_t)segment);
	if (name[0] == 'x')
		assert_int_equal(fdt_property_string(fdt, "status", "disabled"), 0);
	/* a port of it has the same type, and is no host bridge */
	assert_int_equal(fdt_begin_node(fdt, "port"), 0);
	assert_int_equal(fdt_property_string(fdt, "device_type", "pci"), 0);
	end(fdt);
	end(fdt);
}

/* A segment has 16 bits: a larger one is not another one. */
static void test_pcimap_segment(void **state)
{
	static const uint32_t segments[] = { 0, 0xffff, 0x10000, 0xffffffff };

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		struct pci *p = pci_create(NULL);
		struct weir_pci_host host;
		static struct tree t;
		void *fdt = t.blob;
		struct weir_fwnode *at;

		assert_int_equal(fdt_create(fdt, sizeof(t.blob)), 0);
		assert_int_equal(fdt_finish_reservemap(fdt), 0);
		assert_int_equal(fdt_begin_node(fdt, ""), 0);
		put1(fdt, "#address-cells", 2);
		put1(fdt, "#size-cells", 2);
		bridge(fdt, "pcie", segments[i], 0, 255);
		end(fdt);
		assert_int_equal(fdt_finish(fdt), 0);
		assert_int_equal(weir_firmware_load_dt(p->w.m, fdt, fdt_totalsize(fdt)), 0);
		assert_int_equal(weir_fwnode_find(p->w.m, "/pcie", &at), 0);
		if (segments[i] > 0xffff) {
			assert_int_equal(weir_firmware_pci_host(at, &host), WEIR_EINVAL);
		} else {
			assert_int_equal(weir_firmware_pci_host(at, &host), 0);
			assert_int_equal(host.segment, segments[i]);
		}
		pci_destroy(p);
	}
}

/* Who is given no segment has one of its own, the same whoever asks first; two cannot have one. */
static void test_pcimap_segments(void **state)
{
	static const struct {
		const char *name;
		int64_t given;
		uint32_t first, last;
		int want; /* or the error */
	} hosts[] = {
		{ "a", -1, 0, 255, 1 }, { "b", 0, 0, 15, 0 }, { "c", -1, 0, 255, 3 },
		{ "d", 2, 0, 255, 2 }, { "x", -1, 0, 255, -1 }, { "e", -1, 0, 255, 4 },
		{ "f", 0, 16, 31, 0 }, { "g", 0, 31, 32, WEIR_EINVAL }, { "h", 2, 5, 5, WEIR_EINVAL },
	};
	const unsigned int n = sizeof(hosts) / sizeof(hosts[0]);
	static struct tree t;
	struct pci *p = *state;
	void *fdt = t.blob;

	assert_int_equal(fdt_create(fdt, sizeof(t.blob)), 0);
	assert_int_equal(fdt_finish_reservemap(fdt), 0);
	assert_int_equal(fdt_begin_node(fdt, ""), 0);
	put1(fdt, "#address-cells", 2);
	put1(fdt, "#size-cells", 2);
	for (unsigned int i = 0; i < n; i++)
		bridge(fdt, hosts[i].name, hosts[i].given, hosts[i].first, hosts[i].last);
	end(fdt);
	assert_int_equal(fdt_finish(fdt), 0);
	assert_int_equal(weir_firmware_load_dt(p->w.m, fdt, fdt_totalsize(fdt)), 0);
	for (unsigned int i = n; i--; ) {
		char path[8] = { '/', hosts[i].name[0] };
		struct weir_pci_host host;
		struct weir_fwnode *at;

		if (hosts[i].want == -1)
			continue;
		assert_int_equal(weir_fwnode_find(p->w.m, path, &at), 0);
		assert_int_equal(weir_firmware_pci_host(at, &host), hosts[i].want < 0 ? hosts[i].want : 0);
		if (hosts[i].want >= 0)
			assert_int_equal(host.segment, hosts[i].want);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pci_open, pci_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pcimap_ranges),
		TEST(test_pcimap_edges_of_a_range),
		TEST(test_pcimap_overlap),
		TEST(test_pcimap_zero_length),
		TEST(test_pcimap_mask),
		TEST(test_pcimap_one_id_is_one_group),
		TEST(test_pcimap_one_id_at_two_iommus),
		TEST(test_pcimap_no_map),
		cmocka_unit_test(test_pcimap_damaged),
		TEST(test_pcimap_damage_is_local),
		TEST(test_pcimap_to_itself),
		TEST(test_pcimap_to_below),
		TEST(test_pcimap_ancestor_is_no_consumer),
		TEST(test_pcimap_aliases),
		TEST(test_pcimap_two_roots),
		TEST(test_pcimap_msi),
		TEST(test_pcimap_msi_parent),
		cmocka_unit_test(test_pcimap_msi_damaged),
		cmocka_unit_test(test_pcimap_segment),
		TEST(test_pcimap_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
