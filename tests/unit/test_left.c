// SPDX-License-Identifier: MIT
/*
 * A device that firmware left running behind two IOMMUs, which come and go one by one, in either
 * order: from the first on it reaches its memory where an instance is, and nothing else; to all
 * others it is behind them when both are there.
 */
#include "iommu/priv.h"
#include "iommuworld.h"

#define FB 0x40000000u /* memory that firmware's device scans */
#define REACHED 0x10000000u

/* Two streams at a, one at b; m1 shares one of them, and was not left running. */
static const struct im_master alone[] = {
	{ .at_a = 1, .also_a = 3, .at_b = 2, .direct_pa = FB },
};
static const struct im_master shared[] = {
	{ .at_a = 1, .also_a = 3, .at_b = 2, .direct_pa = FB },
	{ .at_a = 1, .at_b = IM_STREAMS },
};

/* No drivers but those of IOMMUs; m0 is there. */
static void begin(struct iommu_world *iw, const struct im_master *masters, unsigned int n)
{
	im_open_tree(iw, masters, n);
	iw->dma_pa = REACHED;
	assert_int_equal(weir_driver_unregister(iw->w.m, &iw->w.drivers[1].drv), 0);
	im_add(iw, "m0");
}

static void clients(struct iommu_world *iw)
{
	assert_int_equal(weir_driver_register(iw->w.m, &iw->w.drivers[1].drv), 0);
	assert_settles(&iw->w);
}

static void plug(struct iommu_world *iw, const char *name)
{
	im_add(iw, name);
	assert_settles(&iw->w);
}

static void unplug(struct iommu_world *iw, const char *name)
{
	weir_device_del(world_find(&iw->w, name));
	assert_settles(&iw->w);
}

static bool shows(const struct iommu_world *iw, unsigned int model, uint32_t stream)
{
	assert_int_equal(im_reach(iw, model, stream, FB + 0x1000), IM_NOTHING);
	assert_int_equal(im_reach(iw, model, stream, FB - 8), IM_NOTHING);
	return im_reach(iw, model, stream, FB + 8) == FB + 8;
}

static void assert_shown(const struct iommu_world *iw, bool at_a, bool at_b)
{
	assert_int_equal(shows(iw, 0, 1), at_a);
	assert_int_equal(shows(iw, 0, 3), at_a);
	assert_int_equal(shows(iw, 1, 2), at_b);
}

static size_t nr_groups(struct iommu_world *iw)
{
	struct weir_machine_stats stats;

	weir_machine_stats_get(iw->w.m, &stats);
	return stats.groups;
}

static int group_of(struct iommu_world *iw, const char *name)
{
	struct weir_group *group;
	int err = weir_group_of(world_find(&iw->w, name), &group);

	assert_int_equal(weir_device_group(world_find(&iw->w, name)),
			 err ? err : weir_group_number(group));
	return err;
}

static void test_left_first_and_second(void **state)
{
	struct iommu_world iw;

	(void)state;
	for (unsigned int first = 0; first < 2; first++) {
		begin(&iw, alone, 1);
		iw.models[0].watch_iova = iw.models[1].watch_iova = FB;
		plug(&iw, first ? "b" : "a");
		assert_shown(&iw, !first, first);
		assert_int_equal(group_of(&iw, "m0"), WEIR_ENOENT);
		plug(&iw, first ? "a" : "b");
		assert_shown(&iw, true, true);
		assert_int_equal(group_of(&iw, "m0"), 0);
		clients(&iw);
		assert_status(&iw.w, "m0", WEIR_DEVICE_BOUND);
		assert_shown(&iw, true, true);
		/* one domain from the first moment on: what is there is never touched again */
		assert_int_equal(iw.models[0].attaches, 2);
		assert_int_equal(iw.models[1].attaches, 1);
		assert_false(iw.models[0].watch_missed || iw.models[1].watch_missed);
		assert_int_equal(im_reach(&iw, 1, 2, iw.dma_iova[0]), REACHED);
		assert_int_equal(im_reach(&iw, 0, 3, iw.dma_iova[0]), REACHED);
		im_close(&iw);
	}
}

/* One that goes is blocked (these forget all without their driver), the other one goes on. */
static void test_left_one_goes_and_comes(void **state)
{
	struct iommu_world iw;

	(void)state;
	begin(&iw, alone, 1);
	plug(&iw, "a");
	plug(&iw, "b");
	for (unsigned int i = 0; i < 3; i++) {
		unplug(&iw, "b");
		assert_shown(&iw, true, false);
		assert_int_equal(group_of(&iw, "m0"), WEIR_ENOENT);
		plug(&iw, "b");
		assert_shown(&iw, true, true);
		unplug(&iw, "a");
		assert_shown(&iw, false, true);
		plug(&iw, "a");
		assert_shown(&iw, true, true);
		assert_int_equal(group_of(&iw, "m0"), 0);
	}
	unplug(&iw, "a");
	unplug(&iw, "b");
	assert_shown(&iw, false, false);
	plug(&iw, "b");
	assert_shown(&iw, false, true);
	plug(&iw, "a");
	clients(&iw);
	assert_status(&iw.w, "m0", WEIR_DEVICE_BOUND);
	unplug(&iw, "a"); /* its driver had it: that is over for good */
	assert_shown(&iw, false, false);
	plug(&iw, "a");
	im_close(&iw);
}

/* An instance that takes no ids can be done without; what it does not see is blocked. */
static void test_left_ids_rejected_at_one(void **state)
{
	struct iommu_world iw;

	(void)state;
	begin(&iw, alone, 1);
	plug(&iw, "a");
	iw.reject = true;
	plug(&iw, "b");
	assert_shown(&iw, true, false);
	clients(&iw);
	assert_shown(&iw, true, false);
	iw.reject = false;
	assert_int_equal(weir_driver_bind(world_find(&iw.w, "m0")), 0);
	assert_settles(&iw.w);
	assert_status(&iw.w, "m0", WEIR_DEVICE_BOUND);
	assert_int_equal(im_reach(&iw, 1, 2, iw.dma_iova[0]), REACHED);
	im_close(&iw);
	begin(&iw, alone, 1); /* none takes them */
	iw.reject = true;
	plug(&iw, "a");
	assert_shown(&iw, false, false);
	iw.reject = false;
	plug(&iw, "b");
	assert_shown(&iw, true, true);
	im_close(&iw);
}

/* The other one never comes: its driver waits, and it goes on until nobody is waited for. */
static void test_left_until_nobody_comes(void **state)
{
	struct iommu_world iw;

	(void)state;
	begin(&iw, alone, 1);
	plug(&iw, "a");
	clients(&iw);
	assert_int_not_equal(weir_device_status_get(world_find(&iw.w, "m0")), WEIR_DEVICE_BOUND);
	assert_shown(&iw, true, false);
	weir_iommu_consumers_up(iw.models[0].dev);
	assert_shown(&iw, false, false);
	plug(&iw, "b");
	assert_status(&iw.w, "m0", WEIR_DEVICE_BOUND);
	assert_int_equal(im_reach(&iw, 0, 1, iw.dma_iova[0]), REACHED);
	im_close(&iw);
	begin(&iw, alone, 1); /* the same without its driver */
	plug(&iw, "a");
	weir_iommu_consumers_up(iw.models[0].dev);
	plug(&iw, "b");
	assert_shown(&iw, false, false);
	im_close(&iw);
}

/* Its driver may do without one that takes no ids: then it does without the other, which blocks it. */
static void test_left_goes_without(void **state)
{
	struct iommu_world iw;

	(void)state;
	begin(&iw, alone, 1);
	weir_device_iommu_rules_set(world_find(&iw.w, "m0"),
		&(struct weir_iommu_rules){ WEIR_IOMMU_OPTIONAL, WEIR_IOMMU_REBIND });
	plug(&iw, "a");
	iw.reject = true;
	plug(&iw, "b");
	assert_shown(&iw, true, false);
	clients(&iw);
	assert_status(&iw.w, "m0", WEIR_DEVICE_BOUND);
	assert_true(weir_device_untranslated(world_find(&iw.w, "m0")));
	assert_shown(&iw, false, false);
	assert_int_equal(iw.models[0].parts, 0);
	im_close(&iw);
}

/* Somebody claims the group by another device of it, while one of the instances is missing. */
static void test_left_claimed_meanwhile(void **state)
{
	struct weir_group *group;
	struct iommu_world iw;

	(void)state;
	begin(&iw, shared, 2);
	plug(&iw, "a");
	im_add(&iw, "m1");
	clients(&iw);
	assert_shown(&iw, true, false);
	assert_int_equal(group_of(&iw, "m0"), WEIR_ENOENT);
	assert_status(&iw.w, "m1", WEIR_DEVICE_BOUND);
	assert_int_equal(weir_driver_unbind(world_find(&iw.w, "m1")), 0);
	assert_shown(&iw, true, false); /* m0 was left running, whoever goes */
	group = im_group(&iw, "m1");
	assert_int_equal(weir_group_claim(group, &iw), 0);
	assert_shown(&iw, false, false);
	plug(&iw, "b");
	assert_int_not_equal(weir_device_status_get(world_find(&iw.w, "m0")), WEIR_DEVICE_BOUND);
	assert_shown(&iw, false, false);
	assert_int_equal(weir_group_release(group, &iw), 0);
	assert_int_equal(weir_driver_bind(world_find(&iw.w, "m0")), 0);
	assert_settles(&iw.w);
	assert_status(&iw.w, "m0", WEIR_DEVICE_BOUND);
	assert_int_equal(im_reach(&iw, 1, 2, iw.dma_iova[0]), REACHED);
	im_close(&iw);
}

/* Its device goes; another one comes. */
static void test_left_device_goes(void **state)
{
	struct iommu_world iw;

	(void)state;
	begin(&iw, alone, 1);
	assert_int_equal(nr_groups(&iw), 0);
	plug(&iw, "b");
	assert_shown(&iw, false, true);
	assert_int_equal(nr_groups(&iw), 1);
	weir_device_del(world_find(&iw.w, "m0"));
	assert_int_equal(nr_groups(&iw), 0);
	assert_shown(&iw, false, false);
	assert_int_equal(iw.models[1].parts, 0);
	plug(&iw, "a");
	im_add(&iw, "m0");
	assert_shown(&iw, false, false); /* instances were there before it: firmware's is gone */
	clients(&iw);
	assert_status(&iw.w, "m0", WEIR_DEVICE_BOUND);
	im_close(&iw);
}

/* It has its memory again with the power, also at one alone. */
static void test_left_power(void **state)
{
	struct iommu_world iw;

	(void)state;
	begin(&iw, alone, 1);
	plug(&iw, "a");
	im_power_off(&iw, 0);
	assert_shown(&iw, false, false);
	plug(&iw, "b");
	assert_shown(&iw, false, true);
	assert_int_equal(im_power_on(&iw, 0), 0);
	assert_shown(&iw, true, true);
	im_close(&iw);
}

/* What fails at the second one fails there alone; its driver's probe has it in the end. */
static void test_left_second_fails(void **state)
{
	struct iommu_world iw;

	(void)state;
	for (unsigned int at = 1; at < 4; at++) {
		begin(&iw, alone, 1);
		plug(&iw, "a");
		iw.fail_in = at;
		plug(&iw, "b");
		assert_true(shows(&iw, 0, 1) && shows(&iw, 0, 3));
		if (at == 1)
			assert_false(shows(&iw, 1, 2));
		iw.fail_in = 0;
		clients(&iw);
		assert_status(&iw.w, "m0", WEIR_DEVICE_BOUND);
		assert_shown(&iw, true, true);
		assert_int_equal(im_reach(&iw, 1, 2, iw.dma_iova[0]), REACHED);
		im_close(&iw);
	}
}

static unsigned int nr_sleeps[2];

static int sleeps(struct weir_device *dev)
{
	nr_sleeps[weir_device_name(dev)[0] - 'a']++;
	return 0;
}

/* Each instance is awake as long as it carries it, and no longer. */
static void test_left_keeps_them_awake(void **state)
{
	struct iommu_world iw;

	(void)state;
	nr_sleeps[0] = nr_sleeps[1] = 0;
	begin(&iw, alone, 1);
	iw.w.drivers[0].ops.runtime_suspend = sleeps;
	plug(&iw, "a");
	plug(&iw, "b");
	weir_pm_runtime_enable(iw.models[0].dev);
	weir_pm_runtime_enable(iw.models[1].dev);
	assert_settles(&iw.w);
	assert_int_equal(nr_sleeps[0] + nr_sleeps[1], 0);
	assert_int_equal(weir_driver_unbind(iw.models[1].dev), 0);
	assert_int_equal(weir_driver_bind(iw.models[1].dev), 0);
	assert_settles(&iw.w);
	assert_shown(&iw, true, true);
	weir_pm_runtime_enable(iw.models[1].dev);
	assert_settles(&iw.w);
	assert_int_equal(nr_sleeps[0] + nr_sleeps[1], 0);
	weir_iommu_consumers_up(iw.models[0].dev);
	assert_settles(&iw.w);
	assert_int_equal(nr_sleeps[0], 1);
	assert_int_equal(nr_sleeps[1], 1);
	im_close(&iw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_left_first_and_second),
		cmocka_unit_test(test_left_one_goes_and_comes),
		cmocka_unit_test(test_left_ids_rejected_at_one),
		cmocka_unit_test(test_left_until_nobody_comes),
		cmocka_unit_test(test_left_goes_without),
		cmocka_unit_test(test_left_claimed_meanwhile),
		cmocka_unit_test(test_left_device_goes),
		cmocka_unit_test(test_left_power),
		cmocka_unit_test(test_left_second_fails),
		cmocka_unit_test(test_left_keeps_them_awake),
	};

	return cmocka_run_group_tests_name("left", tests, NULL, NULL);
}
