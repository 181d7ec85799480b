// SPDX-License-Identifier: MIT
/*
 * Devices of the namespace behind the IOMMUs that tables name: who interprets the
 * namespace makes the device, the table gives it links, ids, a group and reserved memory.
 */
#include <string.h>

#include "acpitable.h"
#include "cm.h"
#include "testhost.h"
#include "weir/weir.h"

#define MAX_STREAMS 8

/* An SMMU that takes everything, and remembers. */
struct smmu {
	struct { uint32_t id; enum weir_domain_type type; bool mapped; } streams[MAX_STREAMS];
	unsigned int nr_streams;
	uint64_t bytes; /* mapped to themselves now, in the only part */
	unsigned int nr_parts;
};

struct world {
	struct testhost *host;
	struct weir_machine *m;
	struct acpitable iort;
	struct iort_places at;
	struct smmu smmu;
};

/* ---- the SMMU's driver ---- */

static int attach(void *instance, uint32_t stream, enum weir_domain_type type, void *part)
{
	struct smmu *s = instance;
	unsigned int i;

	for (i = 0; i < s->nr_streams && s->streams[i].id != stream; i++)
		;
	assert_true(i < MAX_STREAMS);
	if (i == s->nr_streams)
		s->nr_streams++;
	s->streams[i].id = stream;
	s->streams[i].type = type;
	s->streams[i].mapped = part && s->bytes == 0x10000 + 0x200000;
	return 0;
}

static int part_create(void *instance, struct weir_domain *domain, void **out_part)
{
	(void)domain;
	*out_part = instance;
	((struct smmu *)instance)->nr_parts++;
	return 0;
}

/* Mappings go with it. */
static void part_destroy(void *instance, void *part)
{
	assert_ptr_equal(part, instance);
	((struct smmu *)instance)->nr_parts--;
	((struct smmu *)instance)->bytes = 0;
}

static int map(void *instance, void *part, uint64_t iova, uint64_t pa, uint64_t bytes,
	       uint32_t prot)
{
	struct smmu *s = part;

	assert_ptr_equal(part, instance);
	assert_true(iova == pa);
	assert_true((prot & (WEIR_MAP_READ | WEIR_MAP_WRITE)) == (WEIR_MAP_READ | WEIR_MAP_WRITE));
	s->bytes += bytes;
	return 0;
}

static int unmap(void *instance, void *part, uint64_t iova, uint64_t bytes)
{
	(void)instance;
	(void)iova;
	((struct smmu *)part)->bytes -= bytes;
	return 0;
}

static const struct weir_iommu_ops smmu_iommu_ops = {
	.abi = WEIR_ABI(struct weir_iommu_ops),
	.attach = attach,
	.part_create = part_create,
	.part_destroy = part_destroy,
	.map = map,
	.unmap = unmap,
};

static int smmu_probe(struct weir_device *dev)
{
	struct world *w = weir_device_driver(dev)->context;

	return weir_iommu_register(dev, &smmu_iommu_ops, &w->smmu);
}

static void smmu_remove(struct weir_device *dev)
{
	weir_iommu_unregister(dev);
}

static const struct weir_driver_ops smmu_ops = {
	.abi = WEIR_ABI(struct weir_driver_ops), .probe = smmu_probe, .remove = smmu_remove,
};
static const struct weir_match smmu_match[] = { { .key = "acpi:arm-smmu-v3" }, { 0 } };
static const struct weir_driver_ops plain_ops = { .abi = WEIR_ABI(struct weir_driver_ops) };

/* On bus "platform" a driver takes devices of its own name. */
static const struct weir_driver dma0_driver = { .name = "dma0", .bus = "platform",
						.ops = &plain_ops };

/* ---- the world: the two streams of \_SB.DMA0 are those of the reserved memory ---- */

static int setup(void **state)
{
	static struct world w;
	struct weir_acpi_table table;
	const struct weir_acpi acpi = { .tables = &table, .nr_tables = 1 };

	memset(&w, 0, sizeof(w));
	iort_make(&w.iort, &w.at);
	acpitable_set(&w.iort, w.at.rmr + 28 + 40 + 8, 4, 0x20);
	acpitable_sum(&w.iort);
	table = (struct weir_acpi_table){ w.iort.data, w.iort.bytes };
	w.host = testhost_create(NULL, NULL);
	assert_int_equal(weir_machine_create(testhost_ops(w.host), w.host, &w.m), 0);
	if (weir_firmware_load_acpi(w.m, &acpi))
		fail_msg("%s", weir_firmware_error(w.m));
	assert_int_equal(weir_firmware_populate(w.m), 0);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	weir_machine_destroy(w->m);
	assert_int_equal(w->smmu.nr_parts, 0);
	testhost_destroy(w->host);
	return 0;
}

static struct weir_device *add_dma0(struct world *w)
{
	struct weir_fwnode *node;
	struct weir_device *dev;
	struct weir_bus *bus;

	assert_int_equal(weir_fwnode_find(w->m, "/\\_SB.DMA0", &node), 0);
	assert_int_equal(weir_bus_find(w->m, "platform", &bus), 0);
	assert_int_equal(weir_device_create(bus, "dma0", NULL, node, &dev), 0);
	assert_int_equal(weir_device_add(dev), 0);
	weir_device_unref(dev);
	return dev;
}

static struct weir_device *smmu_of(struct world *w)
{
	struct weir_device *dev;
	struct weir_bus *bus;

	assert_int_equal(weir_bus_find(w->m, "platform", &bus), 0);
	assert_int_equal(weir_device_find(bus, "9050000.smmuv3", &dev), 0);
	return dev;
}

/* It waits for the SMMU, is bound behind it, with its memory mapped before it is let through. */
static void test_acpi_master_named(void **state)
{
	struct world *w = *state;
	const struct weir_driver smmu = { .name = "smmu", .bus = "platform", .match = smmu_match,
					  .ops = &smmu_ops, .context = w };
	struct weir_device *dma0 = add_dma0(w);
	struct weir_group *group;
	struct weir_region region;
	struct weir_link *link;
	struct weir_why why;

	assert_int_equal(weir_driver_register(w->m, &dma0_driver), 0);
	assert_int_equal(weir_settle(w->m), 0);
	assert_null(weir_device_driver(dma0));
	weir_device_root_cause(dma0, &why);
	assert_ptr_equal(why.device, smmu_of(w));

	assert_int_equal(weir_driver_register(w->m, &smmu), 0);
	assert_int_equal(weir_settle(w->m), 0);
	assert_ptr_equal(weir_device_driver(dma0), &dma0_driver);
	assert_int_equal(weir_link_find(dma0, smmu_of(w), &link), 0);
	assert_int_equal(weir_link_state_get(link), WEIR_LINK_ACTIVE);
	assert_int_equal(weir_group_of(dma0, &group), 0);
	assert_int_equal(w->smmu.nr_streams, 2);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(w->smmu.streams[i].id, 0x20 + i);
		assert_int_equal(w->smmu.streams[i].type, WEIR_DOMAIN_DMA);
		assert_true(w->smmu.streams[i].mapped);
	}
	assert_int_equal(weir_group_region(group, 0, &region), 0);
	assert_int_equal(region.kind, WEIR_REGION_DIRECT);
	assert_true(region.first == 0x80000000 && region.last == 0x8000ffff);
	assert_int_equal(weir_group_region(group, 1, &region), 0);
	assert_true(region.first == 0x90000000 && region.last == 0x901fffff);
	assert_int_equal(weir_group_region(group, 2, &region), WEIR_ENOENT);

	/* The SMMU goes: its consumer first. */
	assert_int_equal(weir_driver_unregister(w->m, &smmu), 0);
	assert_null(weir_device_driver(dma0));
	assert_int_equal(weir_driver_register(w->m, &smmu), 0);
	assert_int_equal(weir_settle(w->m), 0);
	assert_ptr_equal(weir_device_driver(dma0), &dma0_driver);
	assert_int_equal(weir_driver_unregister(w->m, &smmu), 0);
}

/* The device may come first or last: what it is given is the same. */
static void test_acpi_master_late(void **state)
{
	struct world *w = *state;
	const struct weir_driver smmu = { .name = "smmu", .bus = "platform", .match = smmu_match,
					  .ops = &smmu_ops, .context = w };
	struct weir_device *dma0;

	assert_int_equal(weir_driver_register(w->m, &smmu), 0);
	assert_int_equal(weir_driver_register(w->m, &dma0_driver), 0);
	assert_int_equal(weir_settle(w->m), 0);
	dma0 = add_dma0(w);
	assert_int_equal(weir_settle(w->m), 0);
	assert_ptr_equal(weir_device_driver(dma0), &dma0_driver);
	assert_int_equal(w->smmu.nr_streams, 2);
	assert_true(w->smmu.streams[0].mapped && w->smmu.streams[1].mapped);
	assert_int_equal(weir_driver_unregister(w->m, &smmu), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_acpi_master_named, setup, teardown),
		cmocka_unit_test_setup_teardown(test_acpi_master_late, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
