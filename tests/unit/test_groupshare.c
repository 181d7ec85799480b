// SPDX-License-Identifier: MIT
/*
 * Groups of several masters and streams: who comes to one that is claimed, whose the faults of a
 * shared stream are, and an attach that fails at one of several instances.
 */
#include <stdio.h>
#include <string.h>

#include "iommuworld.h"

/* Both put stream 1 on their DMA at a; the second one also 3. */
static const struct im_master sharing[] = {
	{ .at_a = 1, .at_b = IM_STREAMS }, { .at_a = 1, .at_b = IM_STREAMS, .also_a = 3 },
};

static char culprit[32];

static void on_event(void *context, const struct weir_event *event)
{
	(void)context;
	if (event->type == WEIR_EVENT_FAULT)
		snprintf(culprit, sizeof(culprit), "%s", weir_device_name(event->device));
}

static struct weir_trace trace = { .fn = on_event };

/* Who claimed a group has what is in it, and nothing that comes later. */
static void test_groupshare_newcomer_to_a_claimed_group(void **state)
{
	struct weir_domain *mine;
	struct weir_group *group;
	struct iommu_world iw;
	int me;

	(void)state;
	im_open_tree(&iw, sharing, 2);
	im_add(&iw, "a");
	im_add(&iw, "b");
	im_add(&iw, "m0");
	assert_settles(&iw.w);
	group = im_group(&iw, "m0");
	assert_int_equal(weir_driver_unbind(world_find(&iw.w, "m0")), 0);
	assert_int_equal(weir_group_claim(group, &me), 0);
	assert_int_equal(weir_domain_create(iw.w.m, WEIR_DOMAIN_UNMANAGED, &mine), 0);
	assert_int_equal(weir_domain_map(mine, 0x5000, 0x9000, 4096, WEIR_MAP_READ), 0);
	assert_int_equal(weir_group_attach(group, mine), 0);
	im_add(&iw, "m1");
	assert_settles(&iw.w);
	assert_status(&iw.w, "m1", WEIR_DEVICE_NO_DRIVER);
	assert_int_equal(weir_device_group(world_find(&iw.w, "m1")), WEIR_ENOENT);
	assert_false(iw.models[0].streams[3].known);
	assert_int_equal(im_reach(&iw, 0, 1, 0x5000), 0x9000);
	assert_int_equal(im_reach(&iw, 0, 3, 0x5000), IM_NOTHING);
	assert_int_equal(weir_group_release(group, &me), 0);
	weir_domain_unref(mine);
	im_close(&iw);
}

/* A fault of a stream that one of two devices left is the other's, whoever went. */
static void test_groupshare_faults_of_who_is_left(void **state)
{
	const struct weir_fault f = { .reason = WEIR_FAULT_UNMAPPED, .flags = WEIR_FAULT_WRITE,
				      .stream = 1, .iova = 0x1000 };
	static const char *const names[] = { "m0", "m1" };

	(void)state;
	for (unsigned int goes = 0; goes < 2; goes++) {
		struct iommu_world iw;

		im_open(&iw, sharing, 2);
		weir_trace_attach(iw.w.m, &trace);
		weir_device_del(world_find(&iw.w, names[goes]));
		culprit[0] = '\0';
		weir_iommu_fault(iw.models[0].dev, &f);
		assert_int_equal(weir_step(iw.w.m, 1), 0);
		assert_string_equal(culprit, names[!goes]);
		weir_trace_detach(iw.w.m, &trace);
		im_close(&iw);
	}
}

/* The stream whose attach fails may be blocked by that: it is put back as well. */
static void test_groupshare_failed_attach_is_undone(void **state)
{
	static const struct im_master both[] = { { .at_a = 1, .at_b = 1 } };
	unsigned int restored = 0, n = 0;
	bool attached = false;

	(void)state;
	while (!attached) {
		struct weir_domain *old, *other;
		struct iommu_world iw;

		im_open(&iw, both, 1);
		old = weir_group_domain(im_group(&iw, "m0"));
		assert_int_equal(weir_domain_map(old, 0x5000, 0x9000, 4096, WEIR_MAP_READ), 0);
		assert_int_equal(weir_domain_create(iw.w.m, WEIR_DOMAIN_UNMANAGED, &other), 0);
		iw.models[0].fail_blocks = iw.models[1].fail_blocks = true;
		iw.fail_in = ++n;
		attached = !weir_group_attach(im_group(&iw, "m0"), other);
		iw.fail_in = 0;
		for (unsigned int i = 0; i < 2; i++)
			assert_int_equal(im_reach(&iw, i, 1, 0x5000), attached ? IM_NOTHING : 0x9000);
		restored += !attached;
		assert_ptr_equal(weir_group_domain(im_group(&iw, "m0")), attached ? other : old);
		weir_domain_unref(other);
		im_close(&iw);
	}
	assert_true(restored >= 4); /* two parts, two streams */
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groupshare_newcomer_to_a_claimed_group),
		cmocka_unit_test(test_groupshare_faults_of_who_is_left),
		cmocka_unit_test(test_groupshare_failed_attach_is_undone),
	};

	return cmocka_run_group_tests_name("groupshare", tests, NULL, NULL);
}
