// SPDX-License-Identifier: MIT
/*
 * Domains and groups against modelled instances: a master at two IOMMUs, every call
 * of an instance failed once, and what the streams saw in between.
 */
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define N_STREAMS 4u
#define N_MAPS 8u

/* What a modelled instance keeps for a domain. */
struct part {
	struct model *model;
	struct { uint64_t iova, pa, bytes; } maps[N_MAPS];
	unsigned int n;
};

struct stream_state {
	enum weir_domain_type type;
	struct part *part;
};

struct model {
	const char *name;
	struct stream_state streams[N_STREAMS];
	unsigned int parts;
	bool identity_seen; /* a stream was ever let through untranslated */
	unsigned int *fail_in; /* counts down over all calls; 1: this one fails */
};

static struct model models[2];
static unsigned int fail_in;
static bool stay_broken; /* from the chosen call on, every call fails */

static int fault(struct model *m)
{
	if (*m->fail_in == 0)
		return 0;
	if (*m->fail_in == 1 && stay_broken)
		return WEIR_EIO;
	return --*m->fail_in == 0 ? WEIR_EIO : 0;
}

static int part_create(void *instance, struct weir_domain *domain, void **out_part)
{
	struct model *m = instance;
	struct part *part;

	(void)domain;
	if (fault(m))
		return WEIR_EIO;
	part = calloc(1, sizeof(*part));
	assert_non_null(part);
	part->model = m;
	m->parts++;
	*out_part = part;
	return 0;
}

static void part_destroy(void *instance, void *driver)
{
	struct model *m = instance;

	for (unsigned int i = 0; i < N_STREAMS; i++)
		assert_true(m->streams[i].part != driver); /* nobody is behind it */
	m->parts--;
	free(driver);
}

static int attach(void *instance, uint32_t stream, enum weir_domain_type type, void *part)
{
	struct model *m = instance;

	assert_true(stream < N_STREAMS);
	if (fault(m))
		return WEIR_EIO;
	m->streams[stream] = (struct stream_state){ type, part };
	if (type == WEIR_DOMAIN_IDENTITY)
		m->identity_seen = true;
	return 0;
}

static int map(void *instance, void *driver, uint64_t iova, uint64_t pa, uint64_t bytes,
	       uint32_t prot)
{
	struct part *part = driver;

	(void)prot;
	assert_ptr_equal(part->model, instance);
	if (fault(instance))
		return WEIR_EIO;
	assert_true(part->n < N_MAPS);
	part->maps[part->n].iova = iova;
	part->maps[part->n].pa = pa;
	part->maps[part->n++].bytes = bytes;
	return 0;
}

static int unmap(void *instance, void *driver, uint64_t iova, uint64_t bytes)
{
	struct part *part = driver;

	if (fault(instance))
		return WEIR_EIO;
	for (unsigned int i = 0; i < part->n; i++) {
		if (part->maps[i].iova != iova)
			continue;
		assert_int_equal(part->maps[i].bytes, bytes);
		part->maps[i] = part->maps[--part->n];
		return 0;
	}
	fail_msg("unmap of what is not mapped");
	return WEIR_EINVAL;
}

static int sync(void *instance, void *driver)
{
	(void)driver;
	return fault(instance);
}

static const struct weir_iommu_ops model_ops = {
	.abi = WEIR_ABI(struct weir_iommu_ops),
	.part_create = part_create,
	.part_destroy = part_destroy,
	.attach = attach,
	.map = map,
	.unmap = unmap,
	.sync = sync,
};

/* ---- the machine: two IOMMUs, one master with a stream at each ---- */

static _Alignas(8) unsigned char blob[2048];

static void cells(const char *name, const uint32_t *v, unsigned int n)
{
	fdt32_t be[8];

	for (unsigned int i = 0; i < n; i++)
		be[i] = cpu_to_fdt32(v[i]);
	assert_int_equal(fdt_property(blob, name, be, (int)n * 4), 0);
}

static void node(const char *name, const char *compatible, uint32_t phandle)
{
	assert_int_equal(fdt_begin_node(blob, name), 0);
	assert_int_equal(fdt_property_string(blob, "compatible", compatible), 0);
	cells("phandle", &phandle, 1);
}

static void make_blob(void)
{
	static const uint32_t one = 1, behind[] = { 1, 2, 2, 3 };

	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	assert_int_equal(fdt_finish_reservemap(blob), 0);
	assert_int_equal(fdt_begin_node(blob, ""), 0);
	node("a", "t,iommu", 1);
	cells("#iommu-cells", &one, 1);
	assert_int_equal(fdt_end_node(blob), 0);
	node("b", "t,iommu", 2);
	cells("#iommu-cells", &one, 1);
	assert_int_equal(fdt_end_node(blob), 0);
	node("master", "t,master", 3);
	cells("iommus", behind, 4);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_finish(blob), 0);
}

static int iommu_probe(struct weir_device *dev)
{
	return weir_iommu_register(dev, &model_ops, &models[weir_device_name(dev)[0] - 'a']);
}

static void iommu_remove(struct weir_device *dev)
{
	weir_iommu_unregister(dev);
}

static void add(struct world *w, const char *name)
{
	struct weir_fwnode *fw;
	struct weir_device *dev;
	char path[16];

	snprintf(path, sizeof(path), "/%s", name);
	assert_int_equal(weir_fwnode_find(w->m, path, &fw), 0);
	assert_int_equal(weir_device_create(w->bus, name, NULL, fw, &dev), 0);
	assert_int_equal(weir_device_add(dev), 0);
	weir_device_unref(dev);
}

static void setup(struct world *w)
{
	struct world_driver *iommus, *masters;

	memset(models, 0, sizeof(models));
	fail_in = 0;
	stay_broken = false;
	for (unsigned int i = 0; i < 2; i++) {
		models[i].name = i ? "b" : "a";
		models[i].fail_in = &fail_in;
	}
	make_blob();
	world_open(w, NULL);
	w->quiet = true;
	assert_int_equal(weir_firmware_load_dt(w->m, blob, sizeof(blob)), 0);
	iommus = world_driver(w, "iommu", "t,iommu", NULL, NULL);
	iommus->ops.probe = iommu_probe;
	iommus->ops.remove = iommu_remove;
	masters = world_driver(w, "master", "t,master", NULL, NULL);
	assert_int_equal(weir_driver_register(w->m, &masters->drv), 0);
	assert_int_equal(weir_driver_register(w->m, &iommus->drv), 0);
	add(w, "master");
	add(w, "a");
	assert_settles(w);
	assert_int_equal(weir_device_group(world_find(w, "master")), WEIR_ENOENT);
	add(w, "b");
	assert_settles(w);
	assert_status(w, "master", WEIR_DEVICE_BOUND);
}

static void teardown(struct world *w)
{
	fail_in = 0;
	stay_broken = false;
	world_close(w);
	assert_int_equal(models[0].parts, 0);
	assert_int_equal(models[1].parts, 0);
}

static struct weir_group *the_group(struct world *w)
{
	struct weir_group *group;

	assert_int_equal(weir_group_of(world_find(w, "master"), &group), 0);
	return group;
}

/* Both streams are behind the same kind of domain, and see that mapping or nothing. */
static void assert_streams(enum weir_domain_type type, uint64_t iova)
{
	const struct stream_state *a = &models[0].streams[2], *b = &models[1].streams[3];

	assert_int_equal(a->type, type);
	assert_int_equal(b->type, type);
	if (type != WEIR_DOMAIN_UNMANAGED && type != WEIR_DOMAIN_DMA)
		return;
	assert_int_equal(a->part->n, iova ? 1 : 0);
	assert_int_equal(b->part->n, iova ? 1 : 0);
	if (iova) {
		assert_int_equal(a->part->maps[0].iova, iova);
		assert_int_equal(b->part->maps[0].iova, iova);
	}
}

/* ---- tests ---- */

/* One link for each instance, managed, which keeps it awake while the master works. */
static void test_domain_links_to_each_instance(void **state)
{
	struct weir_link *link;
	unsigned int n = 0;
	struct world w;

	(void)state;
	setup(&w);
	for (link = weir_link_first(world_find(&w, "master")); link; link = weir_link_next(link)) {
		assert_int_equal(weir_link_flags(link),
				 WEIR_LINK_MANAGED | WEIR_LINK_INFERRED | WEIR_LINK_PM_RUNTIME);
		n++;
	}
	assert_int_equal(n, 2);
	assert_non_null(world_link(&w, "master", "a"));
	assert_non_null(world_link(&w, "master", "b"));
	teardown(&w);
}

static void test_domain_master_waits_for_all_instances(void **state)
{
	struct world w;

	(void)state;
	setup(&w);
	assert_streams(WEIR_DOMAIN_DMA, 0);
	assert_false(models[0].identity_seen || models[1].identity_seen);
	assert_int_equal(weir_device_group(world_find(&w, "master")), 0);
	teardown(&w);
}

static void test_domain_map_checks_ranges(void **state)
{
	struct weir_domain_mapping mapping;
	struct weir_domain *d;
	struct world w;
	uint64_t pa;

	(void)state;
	setup(&w);
	assert_int_equal(weir_domain_create(w.m, WEIR_DOMAIN_UNMANAGED, &d), 0);
	assert_int_equal(weir_domain_map(d, 0x1000, 0x2000, 0, WEIR_MAP_READ), WEIR_EINVAL);
	assert_int_equal(weir_domain_map(d, 0x1001, 0x2000, 0x1000, WEIR_MAP_READ), WEIR_EINVAL);
	assert_int_equal(weir_domain_map(d, 0x1000, 0x2001, 0x1000, WEIR_MAP_READ), WEIR_EINVAL);
	assert_int_equal(weir_domain_map(d, 0x1000, 0x2000, 0x1000, WEIR_MAP_NOEXEC), WEIR_EINVAL);
	assert_int_equal(weir_domain_map(d, UINT64_C(1) << 48, 0, 0x1000, WEIR_MAP_READ),
			 WEIR_ERANGE);
	assert_int_equal(weir_domain_map(d, 0x1000, ~UINT64_C(0xfff), 0x2000, WEIR_MAP_READ),
			 WEIR_ERANGE);
	assert_int_equal(weir_domain_map(d, 0x4000, 0x9000, 0x2000, WEIR_MAP_READ), 0);
	assert_int_equal(weir_domain_map(d, 0x5000, 0x2000, 0x1000, WEIR_MAP_READ), WEIR_EEXIST);
	assert_int_equal(weir_domain_map(d, 0x3000, 0x2000, 0x2000, WEIR_MAP_READ), WEIR_EEXIST);
	assert_int_equal(weir_domain_translate(d, 0x5123, &pa), 0);
	assert_int_equal(pa, 0xa123);
	assert_int_equal(weir_domain_translate(d, 0x6000, &pa), WEIR_ENOENT);
	for (unsigned int i = 0; i < 3; i++) { /* before it, its start, its end */
		static const uint64_t from[] = { 0, 0x4000, 0x5fff };

		assert_int_equal(weir_domain_mapping_get(d, from[i], &mapping), 0);
		assert_int_equal(mapping.iova, 0x4000);
		assert_int_equal(mapping.pa, 0x9000);
		assert_int_equal(mapping.bytes, 0x2000);
		assert_int_equal(mapping.prot, WEIR_MAP_READ);
	}
	assert_int_equal(weir_domain_mapping_get(d, 0x6000, &mapping), WEIR_ENOENT);
	assert_int_equal(weir_domain_unmap(d, 0x5000, 0x1000), WEIR_EINVAL);
	assert_int_equal(weir_domain_unmap(d, 0x1000, 0x8000), 0);
	assert_int_equal(weir_domain_translate(d, 0x5123, &pa), WEIR_ENOENT);
	weir_domain_unref(d);
	teardown(&w);
}

static void test_domain_attach_brings_its_mappings(void **state)
{
	struct weir_domain *d;
	struct world w;

	(void)state;
	setup(&w);
	assert_int_equal(weir_domain_create(w.m, WEIR_DOMAIN_UNMANAGED, &d), 0);
	assert_int_equal(weir_domain_map(d, 0x4000, 0x9000, 0x1000, WEIR_MAP_READ), 0);
	assert_int_equal(weir_group_attach(the_group(&w), d), 0);
	assert_streams(WEIR_DOMAIN_UNMANAGED, 0x4000);
	assert_int_equal(models[0].parts, 1); /* the default domain's part is gone */
	assert_int_equal(weir_domain_unmap(d, 0x4000, 0x1000), 0);
	assert_streams(WEIR_DOMAIN_UNMANAGED, 0);
	weir_domain_unref(d); /* the group still has it */
	assert_streams(WEIR_DOMAIN_UNMANAGED, 0);
	teardown(&w);
}

/*
 * Fails call number 1, 2, 3, ... of the instances during an attach until it passes:
 * the group has its old domain whole, or the new one whole.
 */
static void test_domain_attach_is_all_or_nothing(void **state)
{
	struct weir_domain *d;
	unsigned int n;
	struct world w;
	int err = -1;

	(void)state;
	for (n = 1; err; n++) {
		setup(&w);
		assert_int_equal(weir_domain_create(w.m, WEIR_DOMAIN_UNMANAGED, &d), 0);
		assert_int_equal(weir_domain_map(d, 0x4000, 0x9000, 0x1000, WEIR_MAP_READ), 0);
		fail_in = n;
		err = weir_group_attach(the_group(&w), d);
		if (err)
			assert_streams(WEIR_DOMAIN_DMA, 0);
		else
			assert_streams(WEIR_DOMAIN_UNMANAGED, 0x4000);
		fail_in = 0;
		assert_int_equal(weir_group_attach(the_group(&w), d), 0);
		assert_streams(WEIR_DOMAIN_UNMANAGED, 0x4000);
		assert_false(models[0].identity_seen || models[1].identity_seen);
		weir_domain_unref(d);
		teardown(&w);
	}
	assert_true(n > 6); /* two parts, two mappings, two streams */
}

/* An instance that fails for good in the middle: the group is blocked, nothing passes. */
static void test_domain_that_cannot_go_back_is_blocked(void **state)
{
	struct weir_domain *d;
	struct world w;

	(void)state;
	setup(&w);
	assert_int_equal(weir_domain_create(w.m, WEIR_DOMAIN_UNMANAGED, &d), 0);
	fail_in = 4; /* parts of both, the first stream, and then nothing any more */
	stay_broken = true;
	assert_int_equal(weir_group_attach(the_group(&w), d), WEIR_EIO);
	assert_int_equal(weir_domain_type_get(weir_group_domain(the_group(&w))),
			 WEIR_DOMAIN_BLOCKED);
	fail_in = 0;
	stay_broken = false;
	assert_int_equal(weir_group_attach(the_group(&w), d), 0);
	assert_streams(WEIR_DOMAIN_UNMANAGED, 0);
	weir_domain_unref(d);
	teardown(&w);
}

static void test_domain_map_is_all_or_nothing(void **state)
{
	struct weir_domain *d;
	struct world w;
	uint64_t pa;
	int err = -1;

	(void)state;
	for (unsigned int n = 1; err; n++) {
		setup(&w);
		assert_int_equal(weir_domain_create(w.m, WEIR_DOMAIN_UNMANAGED, &d), 0);
		assert_int_equal(weir_group_attach(the_group(&w), d), 0);
		fail_in = n;
		err = weir_domain_map(d, 0x4000, 0x9000, 0x1000, WEIR_MAP_WRITE);
		fail_in = 0;
		assert_int_equal(weir_domain_translate(d, 0x4000, &pa), err ? WEIR_ENOENT : 0);
		assert_streams(WEIR_DOMAIN_UNMANAGED, err ? 0 : 0x4000);
		weir_domain_unref(d);
		teardown(&w);
	}
}

/* What was not confirmed stays in the books, so that its memory is not given away. */
static void test_domain_unmap_unconfirmed_stays(void **state)
{
	struct weir_domain *d;
	struct world w;
	uint64_t pa;
	int err = -1;

	(void)state;
	for (unsigned int n = 1; err; n++) {
		setup(&w);
		assert_int_equal(weir_domain_create(w.m, WEIR_DOMAIN_UNMANAGED, &d), 0);
		assert_int_equal(weir_group_attach(the_group(&w), d), 0);
		assert_int_equal(weir_domain_map(d, 0x4000, 0x9000, 0x1000, WEIR_MAP_WRITE), 0);
		fail_in = n;
		err = weir_domain_unmap(d, 0x4000, 0x1000);
		fail_in = 0;
		assert_int_equal(weir_domain_translate(d, 0x4000, &pa), err ? 0 : WEIR_ENOENT);
		weir_domain_unref(d);
		teardown(&w);
	}
}

static void test_group_claim(void **state)
{
	struct weir_group *group;
	struct world w;
	int me, other;

	(void)state;
	setup(&w);
	group = the_group(&w);
	assert_int_equal(weir_group_claim(group, &me), WEIR_EBUSY); /* its driver has it */
	assert_int_equal(weir_driver_unbind(world_find(&w, "master")), 0);
	assert_int_equal(weir_group_claim(group, &me), 0);
	assert_streams(WEIR_DOMAIN_BLOCKED, 0);
	assert_int_equal(weir_group_claim(group, &other), WEIR_EBUSY);
	assert_int_equal(weir_group_release(group, &other), WEIR_EPERM);
	assert_int_equal(weir_group_release(group, &me), 0);
	assert_streams(WEIR_DOMAIN_BLOCKED, 0);
	teardown(&w);
}

/* Whoever claimed a group is a user of its IOMMUs' module, though no driver is bound. */
static void test_group_claim_holds_the_module(void **state)
{
	const struct weir_driver *drivers[2] = { NULL };
	const struct weir_module_entry entry = {
		.abi = WEIR_ABI(struct weir_module_entry), .name = "iommus", .drivers = drivers,
	};
	struct weir_device *user, *used;
	struct weir_module *module;
	struct world w;
	int me;

	(void)state;
	setup(&w);
	drivers[0] = &w.drivers[0].drv;
	assert_int_equal(weir_driver_unregister(w.m, drivers[0]), 0);
	assert_int_equal(weir_module_load(w.m, &entry, &module), 0);
	assert_settles(&w);
	assert_int_equal(weir_driver_unbind(world_find(&w, "master")), 0);
	assert_int_equal(weir_module_user(module, 0, &user, &used), WEIR_ENOENT);
	assert_int_equal(weir_group_claim(the_group(&w), &me), 0);
	for (unsigned int i = 0; i < 2; i++) { /* it is behind both */
		assert_int_equal(weir_module_user(module, i, &user, &used), 0);
		assert_string_equal(weir_device_name(user), "master");
	}
	assert_int_equal(weir_module_user(module, 2, &user, &used), WEIR_ENOENT);
	assert_int_equal(weir_module_unload(module, 0), WEIR_EBUSY);
	assert_int_equal(weir_group_release(the_group(&w), &me), 0);
	assert_int_equal(weir_module_unload(module, 0), 0);
	assert_streams(WEIR_DOMAIN_BLOCKED, 0);
	assert_int_equal(weir_driver_register(w.m, drivers[0]), 0);
	teardown(&w);
}

/* The IOMMU's driver goes: its master first, then nothing passes, then it comes back. */
static void test_domain_instance_reload(void **state)
{
	struct world_driver *iommus;
	struct world w;

	(void)state;
	setup(&w);
	iommus = &w.drivers[0];
	assert_int_equal(weir_driver_unregister(w.m, &iommus->drv), 0);
	assert_status(&w, "master", WEIR_DEVICE_NO_DRIVER);
	assert_streams(WEIR_DOMAIN_BLOCKED, 0);
	assert_int_equal(weir_device_group(world_find(&w, "master")), WEIR_ENOENT);
	assert_int_equal(models[0].parts + models[1].parts, 0);
	assert_int_equal(weir_driver_register(w.m, &iommus->drv), 0);
	assert_settles(&w);
	assert_status(&w, "master", WEIR_DEVICE_BOUND);
	assert_streams(WEIR_DOMAIN_DMA, 0);
	assert_false(models[0].identity_seen || models[1].identity_seen);
	teardown(&w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_domain_links_to_each_instance),
		cmocka_unit_test(test_domain_master_waits_for_all_instances),
		cmocka_unit_test(test_domain_map_checks_ranges),
		cmocka_unit_test(test_domain_attach_brings_its_mappings),
		cmocka_unit_test(test_domain_attach_is_all_or_nothing),
		cmocka_unit_test(test_domain_that_cannot_go_back_is_blocked),
		cmocka_unit_test(test_domain_map_is_all_or_nothing),
		cmocka_unit_test(test_domain_unmap_unconfirmed_stays),
		cmocka_unit_test(test_group_claim),
		cmocka_unit_test(test_group_claim_holds_the_module),
		cmocka_unit_test(test_domain_instance_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
