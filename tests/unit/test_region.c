// SPDX-License-Identifier: MIT
/*
 * Special regions: what instances and a device tree tell, sorted and merged; what is mapped
 * before a device is attached, whatever it is attached to; devices that firmware left running;
 * doorbells of interrupts.
 */
#include "iommu/priv.h"
#include "iommuworld.h"

#define FB 0x40000000u   /* memory that firmware's device scans */
#define HOLE 0x50000000u
#define BELL 0x08020000u

/* m0 was left running, m1 shares nothing with it and knows a hole */
static const struct im_master masters[] = {
	{ .at_a = 1, .at_b = IM_STREAMS, .direct_pa = FB },
	{ .at_a = 2, .at_b = 2, .hole_iova = HOLE },
};

static void assert_region(struct iommu_world *iw, const char *name, unsigned int index,
			  enum weir_region_kind kind, uint64_t first, uint64_t last)
{
	struct weir_region r;

	assert_int_equal(weir_group_region(im_group(iw, name), index, &r), 0);
	assert_int_equal(r.kind, kind);
	assert_int_equal(r.first, first);
	assert_int_equal(r.last, last);
}

static void assert_no_more(struct iommu_world *iw, const char *name, unsigned int index)
{
	struct weir_region r;

	assert_int_equal(weir_group_region(im_group(iw, name), index, &r), WEIR_ENOENT);
}

static void test_region_sorted_and_merged(void **state)
{
	struct iommu_world iw;

	(void)state;
	im_open_tree(&iw, masters, 2);
	iw.models[0].regions[0] = (struct weir_region){ WEIR_REGION_RESERVED, 0x9000, 0x9fff, 0 };
	iw.models[0].regions[1] = (struct weir_region){ WEIR_REGION_RESERVED, 0x7000, 0x7fff, 0 };
	iw.models[0].regions[2] = (struct weir_region){ WEIR_REGION_MSI, 0xfee00000, 0xfeefffff, 0 };
	/* whole pages are mapped, whatever it says */
	iw.models[0].regions[3] = (struct weir_region){ WEIR_REGION_DIRECT, 0x20080, 0x211ff, 0 };
	iw.models[1].regions[0] = (struct weir_region){ WEIR_REGION_RESERVED, 0x8000, 0x9800, 0 };
	iw.models[1].regions[1] = (struct weir_region){ WEIR_REGION_DIRECT, 0xa000, 0xafff,
							WEIR_MAP_READ };
	im_add(&iw, "a");
	im_add(&iw, "b");
	im_add(&iw, "m0");
	im_add(&iw, "m1");
	assert_settles(&iw.w);
	assert_region(&iw, "m1", 0, WEIR_REGION_RESERVED, 0x7000, 0x9fff);
	assert_region(&iw, "m1", 1, WEIR_REGION_DIRECT, 0xa000, 0xafff);
	assert_region(&iw, "m1", 2, WEIR_REGION_DIRECT, 0x20080, 0x211ff);
	assert_region(&iw, "m1", 3, WEIR_REGION_RESERVED, HOLE, HOLE + 0xfff);
	assert_region(&iw, "m1", 4, WEIR_REGION_MSI, 0xfee00000, 0xfeefffff);
	assert_no_more(&iw, "m1", 5);
	assert_region(&iw, "m0", 3, WEIR_REGION_DIRECT, FB, FB + 0xfff);
	assert_int_equal(im_reach(&iw, 0, 2, 0x20000), 0x20000);
	assert_int_equal(im_reach(&iw, 0, 2, 0x21fff), 0x21fff);
	assert_int_equal(im_reach(&iw, 0, 2, 0xa000), 0xa000);
	assert_int_equal(im_reach(&iw, 1, 2, 0xa123), 0xa123);
	assert_int_equal(im_reach(&iw, 0, 2, 0x7000), IM_NOTHING);
	im_close(&iw);
}

static void test_region_nonsense_is_refused(void **state)
{
	struct iommu_world iw;

	(void)state;
	im_open_tree(&iw, masters, 2);
	iw.models[1].regions[0] = (struct weir_region){ WEIR_REGION_RESERVED, 0x9000, 0x8000, 0 };
	im_add(&iw, "a");
	im_add(&iw, "b");
	im_add(&iw, "m0");
	im_add(&iw, "m1");
	assert_settles(&iw.w);
	assert_status(&iw.w, "m0", WEIR_DEVICE_BOUND);
	assert_true(weir_device_status_get(world_find(&iw.w, "m1")) != WEIR_DEVICE_BOUND);
	im_close(&iw);
}

/* So many regions that some would be left out: no address of theirs is handed out for want of a list's end. */
static void test_region_endless_lists_are_refused(void **state)
{
	struct iommu_world iw;

	(void)state;
	im_open_tree(&iw, masters, 2);
	iw.models[1].endless = true;
	im_add(&iw, "a");
	im_add(&iw, "b");
	im_add(&iw, "m0");
	im_add(&iw, "m1");
	assert_settles(&iw.w);
	assert_status(&iw.w, "m0", WEIR_DEVICE_BOUND);
	assert_int_equal(weir_device_verdict(world_find(&iw.w, "m1"), NULL), WEIR_VERDICT_FAILED);
	im_close(&iw);
}

/* It keeps its memory from the moment the IOMMU is there, and no attach lets go of it. */
static void test_region_direct_before_attach(void **state)
{
	struct weir_domain *other, *theirs;
	struct iommu_world iw;

	(void)state;
	im_open_tree(&iw, masters, 2);
	iw.models[0].watch_iova = FB;
	assert_int_equal(weir_driver_unregister(iw.w.m, &iw.w.drivers[1].drv), 0);
	im_add(&iw, "m0");
	im_add(&iw, "a");
	im_add(&iw, "b");
	assert_settles(&iw.w);
	assert_int_equal(im_reach(&iw, 0, 1, FB + 8), FB + 8); /* without any driver */
	assert_int_equal(im_reach(&iw, 0, 1, FB + 0x1000), IM_NOTHING); /* and nothing else */
	assert_int_equal(weir_driver_register(iw.w.m, &iw.w.drivers[1].drv), 0);
	assert_settles(&iw.w);
	assert_status(&iw.w, "m0", WEIR_DEVICE_BOUND);
	assert_int_equal(iw.models[0].attaches, 1); /* its driver's domain carries it */
	assert_int_equal(weir_domain_create(iw.w.m, WEIR_DOMAIN_DMA, &other), 0);
	assert_int_equal(weir_domain_map(other, FB, 0x9000, 0x1000, WEIR_MAP_READ), 0);
	assert_int_equal(weir_group_attach(im_group(&iw, "m0"), other), WEIR_EEXIST);
	assert_int_equal(im_reach(&iw, 0, 1, FB), FB);
	assert_int_equal(weir_domain_unmap(other, FB, 0x1000), 0);
	assert_int_equal(weir_group_attach(im_group(&iw, "m0"), other), 0);
	assert_int_equal(im_reach(&iw, 0, 1, FB), FB);
	assert_false(iw.models[0].watch_missed);
	weir_domain_unref(other);
	/* a caller's own domain is the caller's */
	assert_int_equal(weir_domain_create(iw.w.m, WEIR_DOMAIN_UNMANAGED, &theirs), 0);
	assert_int_equal(weir_group_attach(im_group(&iw, "m0"), theirs), 0);
	assert_int_equal(im_reach(&iw, 0, 1, FB), IM_NOTHING);
	weir_domain_unref(theirs);
	im_close(&iw);
}

/* A device that runs when its IOMMU comes keeps what firmware set up, besides what its driver mapped. */
static void adopt(bool mapped)
{
	static const struct weir_iommu_rules rules = { WEIR_IOMMU_OPTIONAL,
						       WEIR_IOMMU_ADOPT_MAPPED };
	struct iommu_world iw;
	struct weir_device *dev;
	uint64_t iova;

	im_open_tree(&iw, masters, 2);
	weir_iommu_rules_set(iw.w.m, &rules);
	assert_int_equal(weir_driver_unregister(iw.w.m, &iw.w.drivers[0].drv), 0);
	im_add(&iw, "m0");
	im_add(&iw, "a");
	im_add(&iw, "b");
	weir_catalogue_seal(iw.w.m);
	assert_settles(&iw.w);
	dev = world_find(&iw.w, "m0");
	assert_true(weir_device_untranslated(dev));
	iw.models[0].watch_iova = FB;
	if (mapped)
		assert_int_equal(weir_dma_map_phys(dev, FB, 16, WEIR_DMA_TO_DEVICE, &iova), 0);
	assert_int_equal(weir_driver_register(iw.w.m, &iw.w.drivers[0].drv), 0);
	assert_settles(&iw.w);
	assert_status(&iw.w, "m0", WEIR_DEVICE_BOUND);
	assert_false(weir_device_untranslated(dev));
	assert_int_equal(im_reach(&iw, 0, 1, FB + 8), FB + 8);
	if (mapped)
		assert_int_equal(weir_dma_unmap(dev, iova, 16, WEIR_DMA_TO_DEVICE), 0);
	assert_int_equal(im_reach(&iw, 0, 1, FB + 8), FB + 8);
	assert_int_equal(im_reach(&iw, 0, 1, FB + 0x1000), IM_NOTHING);
	im_close(&iw);
}

static void test_region_direct_of_the_adopted(void **state)
{
	(void)state;
	adopt(false);
	adopt(true);
}

/* Nobody took it over, and all that could have been were: it is blocked. */
static void test_region_unclaimed_until_consumers_are_up(void **state)
{
	struct iommu_world iw;

	(void)state;
	im_open_tree(&iw, masters, 2);
	assert_int_equal(weir_driver_unregister(iw.w.m, &iw.w.drivers[1].drv), 0);
	im_add(&iw, "m0");
	im_add(&iw, "a");
	im_add(&iw, "b");
	assert_settles(&iw.w);
	assert_int_equal(im_reach(&iw, 0, 1, FB), FB);
	weir_iommu_consumers_up(iw.models[0].dev);
	assert_int_equal(im_reach(&iw, 0, 1, FB), IM_NOTHING);
	weir_iommu_consumers_up(world_find(&iw.w, "m0")); /* no IOMMU: nothing to do */
	/* the IOMMU's driver again: it is over all the same */
	assert_int_equal(weir_driver_unregister(iw.w.m, &iw.w.drivers[0].drv), 0);
	assert_int_equal(im_reach(&iw, 0, 1, FB), IM_NOTHING);
	assert_int_equal(weir_driver_register(iw.w.m, &iw.w.drivers[0].drv), 0);
	assert_settles(&iw.w);
	assert_int_equal(im_reach(&iw, 0, 1, FB), IM_NOTHING);
	im_close(&iw);
}

static unsigned int nr_sleeps;

static int im_sleeps(struct weir_device *dev)
{
	(void)dev;
	nr_sleeps++;
	return 0;
}

/* What firmware left running keeps the instance awake, until nobody will come. */
static void test_region_left_keeps_it_awake(void **state)
{
	struct iommu_world iw;

	(void)state;
	nr_sleeps = 0;
	im_open_tree(&iw, masters, 2);
	assert_int_equal(weir_driver_unregister(iw.w.m, &iw.w.drivers[1].drv), 0);
	iw.w.drivers[0].ops.runtime_suspend = im_sleeps;
	im_add(&iw, "m0");
	im_add(&iw, "a");
	im_add(&iw, "b");
	assert_settles(&iw.w);
	weir_pm_runtime_enable(iw.models[0].dev);
	assert_settles(&iw.w);
	assert_int_equal(nr_sleeps, 0);
	assert_int_equal(im_reach(&iw, 0, 1, FB), FB);
	weir_iommu_consumers_up(iw.models[0].dev);
	assert_settles(&iw.w);
	assert_int_equal(nr_sleeps, 1);
	im_close(&iw);
}

/* An IOMMU that does nothing without its driver: blocked meanwhile, which is said, and back with it. */
static void test_region_back_with_the_instance(void **state)
{
	struct iommu_world iw;

	(void)state;
	im_open_tree(&iw, masters, 2);
	assert_int_equal(weir_driver_unregister(iw.w.m, &iw.w.drivers[1].drv), 0);
	im_add(&iw, "m0");
	im_add(&iw, "a");
	im_add(&iw, "b");
	assert_settles(&iw.w);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(im_reach(&iw, 0, 1, FB), FB);
		assert_int_equal(weir_driver_unregister(iw.w.m, &iw.w.drivers[0].drv), 0);
		assert_int_equal(im_reach(&iw, 0, 1, FB), IM_NOTHING);
		assert_int_equal(weir_driver_register(iw.w.m, &iw.w.drivers[0].drv), 0);
		assert_settles(&iw.w);
	}
	assert_int_equal(im_reach(&iw, 0, 1, FB), FB);
	im_close(&iw);
}

/* A page of the instance that is larger than the region: whole pages. */
static void test_region_holes_in_what_is_mapped(void **state)
{
	struct weir_domain *d;
	struct iommu_world iw;

	(void)state;
	im_open_tree(&iw, masters, 2);
	iw.models[0].regions[0] = (struct weir_region){ WEIR_REGION_DIRECT, 0x10800, 0x17fff, 0 };
	im_add(&iw, "a");
	im_add(&iw, "b");
	im_add(&iw, "m0");
	assert_settles(&iw.w);
	assert_int_equal(weir_domain_create(iw.w.m, WEIR_DOMAIN_DMA, &d), 0);
	assert_int_equal(weir_domain_map(d, 0x12000, 0x12000, 0x2000, WEIR_MAP_READ), 0);
	assert_int_equal(weir_domain_map(d, 0x16000, 0x16000, 0x4000, WEIR_MAP_READ), 0);
	assert_int_equal(weir_group_attach(im_group(&iw, "m0"), d), 0);
	for (uint64_t at = 0x10000; at < 0x1a000; at += 0x1000)
		assert_int_equal(im_reach(&iw, 0, 1, at), at);
	assert_int_equal(im_reach(&iw, 0, 1, 0xf000), IM_NOTHING);
	weir_domain_unref(d);
	im_close(&iw);
}

/* ---- doorbells ---- */

static const struct weir_msi message = { .pa = BELL + 0x40, .data = 7 };

static void test_msi_doorbell_is_there_before_attach(void **state)
{
	struct weir_domain *d;
	struct iommu_world iw;
	struct weir_msi out;

	(void)state;
	im_open_tree(&iw, masters, 2);
	iw.models[0].watch_iova = BELL;
	assert_int_equal(weir_msi_doorbell_add(iw.w.m, BELL + 4), 0);
	assert_int_equal(weir_msi_doorbell_add(iw.w.m, BELL + 8), 0); /* the same page */
	im_add(&iw, "a");
	im_add(&iw, "b");
	im_add(&iw, "m0");
	im_add(&iw, "m1");
	assert_settles(&iw.w);
	assert_int_equal(im_reach(&iw, 0, 1, message.pa), message.pa);
	assert_int_equal(weir_msi_map(world_find(&iw.w, "m1"), &message, &out), 0);
	assert_int_equal(out.pa, message.pa);
	assert_int_equal(out.data, 7);
	assert_region(&iw, "m1", 0, WEIR_REGION_DIRECT, BELL, BELL + 0xfff);
	/* in place of its domain another, and a caller's: messages arrive */
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(weir_domain_create(iw.w.m, i ? WEIR_DOMAIN_UNMANAGED
							       : WEIR_DOMAIN_DMA, &d), 0);
		assert_int_equal(weir_group_attach(im_group(&iw, "m1"), d), 0);
		weir_domain_unref(d);
		assert_int_equal(im_reach(&iw, 0, 2, message.pa), message.pa);
		assert_int_equal(im_reach(&iw, 1, 2, message.pa), message.pa);
	}
	/* and after a reload */
	assert_int_equal(weir_driver_unregister(iw.w.m, &iw.w.drivers[0].drv), 0);
	assert_int_equal(im_reach(&iw, 0, 2, message.pa), IM_NOTHING);
	assert_int_equal(weir_driver_register(iw.w.m, &iw.w.drivers[0].drv), 0);
	assert_settles(&iw.w);
	assert_int_equal(im_reach(&iw, 0, 2, message.pa), message.pa);
	assert_false(iw.models[0].watch_missed);
	im_close(&iw);
}

static void assert_no_bell(struct iommu_world *iw, const char *name)
{
	struct weir_region r;

	for (unsigned int i = 0; !weir_group_region(im_group(iw, name), i, &r); i++)
		assert_true(BELL < r.first || BELL > r.last);
}

static unsigned int reserve_calls;

static int reserve(struct weir_domain *domain, uint64_t first, uint64_t last)
{
	(void)domain;
	reserve_calls++;
	assert_int_equal(first, BELL);
	assert_int_equal(last, BELL + 0xfff);
	return reserve_calls == 1 ? WEIR_EBUSY : 0;
}

/* One that is told of late: in the domain that is there, and in those that follow. */
static void test_msi_doorbell_comes_late(void **state)
{
	struct weir_domain *d;
	struct iommu_world iw;
	struct weir_msi out = { 0 };

	(void)state;
	im_open(&iw, masters, 2);
	assert_int_equal(im_reach(&iw, 0, 2, message.pa), IM_NOTHING);
	d = weir_group_domain(im_group(&iw, "m1"));
	d->reserve = reserve;
	reserve_calls = 0;
	assert_int_equal(weir_msi_map(world_find(&iw.w, "m1"), &message, &out), WEIR_EEXIST);
	assert_int_equal(out.pa, 0);
	assert_int_equal(im_reach(&iw, 0, 2, message.pa), IM_NOTHING);
	assert_no_bell(&iw, "m1"); /* it asks for nothing of later domains */
	assert_int_equal(weir_msi_map(world_find(&iw.w, "m1"), &message, &out), 0);
	assert_int_equal(reserve_calls, 2);
	assert_int_equal(im_reach(&iw, 0, 2, message.pa), message.pa);
	assert_int_equal(im_reach(&iw, 0, 1, message.pa), IM_NOTHING); /* another group */
	assert_int_equal(weir_domain_create(iw.w.m, WEIR_DOMAIN_DMA, &d), 0);
	assert_int_equal(weir_group_attach(im_group(&iw, "m1"), d), 0);
	assert_int_equal(im_reach(&iw, 0, 2, message.pa), message.pa);
	weir_domain_unref(d);
	im_close(&iw);
}

/* Where the instance lets messages through there is nothing to map. */
static void test_msi_window_of_the_instance(void **state)
{
	struct iommu_world iw;
	struct weir_msi out;

	(void)state;
	im_open_tree(&iw, masters, 2);
	for (unsigned int i = 0; i < 2; i++)
		iw.models[i].regions[0] =
			(struct weir_region){ WEIR_REGION_MSI, BELL, BELL + 0xffff, 0 };
	im_add(&iw, "a");
	im_add(&iw, "b");
	im_add(&iw, "m1");
	assert_settles(&iw.w);
	assert_int_equal(weir_msi_map(world_find(&iw.w, "m1"), &message, &out), 0);
	assert_int_equal(iw.models[0].maps, 0);
	assert_region(&iw, "m1", 0, WEIR_REGION_MSI, BELL, BELL + 0xffff);
	im_close(&iw);
}

/* Every call of the models fails once while a device with regions and doorbells joins. */
static void test_region_every_call_fails(void **state)
{
	struct iommu_world iw;
	bool bound = false;
	unsigned int n;

	(void)state;
	for (n = 1; !bound; n++) {
		im_open_tree(&iw, masters, 2);
		iw.models[0].regions[0] =
			(struct weir_region){ WEIR_REGION_DIRECT, 0x10000, 0x17fff, 0 };
		assert_int_equal(weir_msi_doorbell_add(iw.w.m, BELL), 0);
		im_add(&iw, "a");
		im_add(&iw, "b");
		assert_settles(&iw.w);
		iw.fail_in = n;
		im_add(&iw, "m1");
		assert_settles(&iw.w);
		iw.fail_in = 0;
		bound = weir_device_status_get(world_find(&iw.w, "m1")) == WEIR_DEVICE_BOUND;
		assert_int_equal(im_reach(&iw, 1, 2, 0x10000), bound ? 0x10000 : IM_NOTHING);
		if (!bound) {
			assert_int_equal(iw.models[0].parts, 0);
			assert_int_equal(iw.models[1].parts, 0);
		}
		im_close(&iw);
	}
	assert_true(n > 10);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_region_sorted_and_merged),
		cmocka_unit_test(test_region_nonsense_is_refused),
		cmocka_unit_test(test_region_endless_lists_are_refused),
		cmocka_unit_test(test_region_direct_before_attach),
		cmocka_unit_test(test_region_direct_of_the_adopted),
		cmocka_unit_test(test_region_unclaimed_until_consumers_are_up),
		cmocka_unit_test(test_region_left_keeps_it_awake),
		cmocka_unit_test(test_region_back_with_the_instance),
		cmocka_unit_test(test_region_holes_in_what_is_mapped),
		cmocka_unit_test(test_msi_doorbell_is_there_before_attach),
		cmocka_unit_test(test_msi_doorbell_comes_late),
		cmocka_unit_test(test_msi_window_of_the_instance),
		cmocka_unit_test(test_region_every_call_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
