// SPDX-License-Identifier: MIT
/*
 * IOMMUs that lose their power, and groups of several masters: what streams reach before,
 * between and after, and when everything fails once.
 */
#include <stdio.h>
#include <string.h>

#include "iommu/priv.h"
#include "iommuworld.h"

/* m0 and m1 share a stream at a, m2 is at both. */
static const struct im_master three[] = { { .at_a = 1, .at_b = IM_STREAMS },
					  { .at_a = 1, .at_b = 4 },
					  { .at_a = 2, .at_b = 2 } };

static struct weir_domain *domain_of(struct iommu_world *iw, const char *name)
{
	return weir_group_domain(im_group(iw, name));
}

/* What is mapped, unmapped and attached without power is so when the power is back. */
static void test_power_brings_back_what_the_books_say(void **state)
{
	struct iommu_world iw;
	struct weir_domain *d, *other;
	uint64_t pa;

	(void)state;
	im_open(&iw, three, 3);
	d = domain_of(&iw, "m2");
	assert_int_equal(weir_domain_map(d, 0x10000, 0x50000, 0x1000, WEIR_MAP_READ), 0);
	assert_int_equal(weir_domain_map(d, 0x20000, 0x60000, 0x1000, WEIR_MAP_READ), 0);
	assert_int_equal(weir_domain_create(iw.w.m, WEIR_DOMAIN_UNMANAGED, &other), 0);
	assert_int_equal(weir_domain_map(other, 0x70000, 0x80000, 0x1000, WEIR_MAP_READ), 0);
	im_power_off(&iw, 0);
	im_power_off(&iw, 0); /* twice does no harm */
	assert_int_equal(im_reach(&iw, 0, 2, 0x10000), IM_NOTHING);
	assert_int_equal(im_reach(&iw, 1, 2, 0x10000), 0x50000);
	assert_int_equal(weir_domain_unmap(d, 0x10000, 0x1000), 0);
	assert_int_equal(weir_domain_map(d, 0x30000, 0x90000, 0x1000, WEIR_MAP_READ), 0);
	assert_int_equal(weir_domain_translate(d, 0x30000, &pa), 0);
	assert_int_equal(weir_group_attach(im_group(&iw, "m0"), other), 0);
	assert_int_equal(im_reach(&iw, 1, 2, 0x10000), IM_NOTHING);
	assert_int_equal(im_power_on(&iw, 0), 0);
	for (unsigned int model = 0; model < 2; model++) {
		assert_int_equal(im_reach(&iw, model, 2, 0x10000), IM_NOTHING);
		assert_int_equal(im_reach(&iw, model, 2, 0x20000), 0x60000);
		assert_int_equal(im_reach(&iw, model, 2, 0x30000), 0x90000);
	}
	assert_int_equal(im_reach(&iw, 0, 1, 0x70000), 0x80000);
	assert_int_equal(weir_domain_unmap(d, 0x20000, 0x1000), 0);
	assert_int_equal(im_reach(&iw, 0, 2, 0x20000), IM_NOTHING);
	weir_domain_unref(other);
	im_close(&iw);
}

/* Every call of the resume fails once: it says so, nothing passes, and the next one works. */
static void test_power_on_fails_at_every_step(void **state)
{
	struct iommu_world iw;
	unsigned int n;
	int err = WEIR_EIO;

	(void)state;
	im_open(&iw, three, 3);
	assert_int_equal(weir_domain_map(domain_of(&iw, "m2"), 0x10000, 0x50000, 0x1000,
					 WEIR_MAP_READ), 0);
	assert_int_equal(weir_domain_map(domain_of(&iw, "m0"), 0x20000, 0x60000, 0x1000,
					 WEIR_MAP_READ), 0);
	for (n = 1; err; n++) {
		im_power_off(&iw, 0);
		iw.fail_in = n;
		err = im_power_on(&iw, 0);
		iw.fail_in = 0;
		assert_int_equal(im_reach(&iw, 0, 2, 0x10000), err ? IM_NOTHING : 0x50000);
		assert_int_equal(im_reach(&iw, 0, 1, 0x20000), err ? IM_NOTHING : 0x60000);
		if (err) /* hardware that failed is reset before it is tried again */
			im_power_off(&iw, 0);
	}
	assert_int_equal(n, 1 + 6 + 1); /* two maps, two syncs, two streams; and the one that passed */
	im_close(&iw);
}

/* Devices that come and go while it sleeps. */
static void test_power_off_while_devices_go(void **state)
{
	struct iommu_world iw;

	(void)state;
	im_open(&iw, three, 3);
	im_power_off(&iw, 0);
	weir_device_del(world_find(&iw.w, "m2"));
	assert_int_equal(im_power_on(&iw, 0), 0);
	assert_false(iw.models[0].streams[2].known);
	assert_true(iw.models[0].streams[1].known);
	im_add(&iw, "m2");
	im_power_off(&iw, 0);
	assert_settles(&iw.w);
	assert_status(&iw.w, "m2", WEIR_DEVICE_BOUND);
	assert_int_equal(im_power_on(&iw, 0), 0);
	assert_int_equal(iw.models[0].streams[2].type, WEIR_DOMAIN_DMA);
	im_close(&iw);
}

static void test_power_of_what_is_no_iommu(void **state)
{
	struct iommu_world iw;

	(void)state;
	im_open(&iw, three, 3);
	assert_int_equal(weir_iommu_power(world_find(&iw.w, "m0"), false), WEIR_ENOENT);
	im_close(&iw);
}

/* ---- several masters ---- */

/* A shared stream belongs to both: it stays when one goes, and goes with the other. */
static void test_join_and_leave_touch_only_their_own(void **state)
{
	struct iommu_world iw;
	unsigned int attaches;

	(void)state;
	im_open(&iw, three, 3);
	assert_ptr_equal(im_group(&iw, "m0"), im_group(&iw, "m1"));
	assert_true(im_group(&iw, "m0") != im_group(&iw, "m2"));
	assert_int_equal(weir_domain_map(domain_of(&iw, "m0"), 0x20000, 0x60000, 0x1000,
					 WEIR_MAP_READ), 0);
	attaches = iw.models[0].attaches;
	weir_device_del(world_find(&iw.w, "m1"));
	assert_int_equal(iw.models[0].attaches, attaches); /* not even touched */
	assert_int_equal(im_reach(&iw, 0, 1, 0x20000), 0x60000);
	assert_int_equal(im_reach(&iw, 1, 4, 0x20000), IM_NOTHING);
	assert_int_equal(iw.models[1].forgotten, 1);
	im_add(&iw, "m1");
	assert_settles(&iw.w);
	assert_status(&iw.w, "m1", WEIR_DEVICE_BOUND);
	assert_int_equal(im_reach(&iw, 1, 4, 0x20000), 0x60000); /* what the group is behind */
	assert_int_equal(iw.models[0].attaches, attaches);
	weir_device_del(world_find(&iw.w, "m0"));
	assert_int_equal(im_reach(&iw, 0, 1, 0x20000), 0x60000);
	weir_device_del(world_find(&iw.w, "m1"));
	assert_int_equal(im_reach(&iw, 0, 1, 0x20000), IM_NOTHING);
	assert_false(iw.models[0].streams[1].known);
	assert_false(iw.models[0].identity_seen || iw.models[1].identity_seen);
	im_close(&iw);
}

/* Every call fails once while a master joins: it is out and blocked, the others go on. */
static void test_join_fails_at_every_step(void **state)
{
	struct iommu_world iw;
	unsigned int n;
	bool bound = false;

	(void)state;
	for (n = 1; !bound; n++) {
		im_open(&iw, three, 1);
		assert_int_equal(weir_domain_map(domain_of(&iw, "m0"), 0x20000, 0x60000, 0x1000,
						 WEIR_MAP_READ), 0);
		im_close(&iw);
		im_open_tree(&iw, three, 2);
		im_add(&iw, "a");
		im_add(&iw, "b");
		im_add(&iw, "m0");
		assert_settles(&iw.w);
		assert_int_equal(weir_domain_map(domain_of(&iw, "m0"), 0x20000, 0x60000, 0x1000,
						 WEIR_MAP_READ), 0);
		iw.fail_in = n;
		im_add(&iw, "m1");
		assert_settles(&iw.w);
		iw.fail_in = 0;
		bound = weir_device_status_get(world_find(&iw.w, "m1")) == WEIR_DEVICE_BOUND;
		assert_int_equal(im_reach(&iw, 0, 1, 0x20000), 0x60000);
		assert_int_equal(im_reach(&iw, 1, 4, 0x20000), bound ? 0x60000 : IM_NOTHING);
		if (!bound)
			assert_int_equal(iw.models[1].parts, 0);
		im_close(&iw);
	}
	assert_true(n > 4); /* a part, a mapping, a sync, a stream */
}

/*
 * From some call on an instance does nothing any more, while a group changes its domain: what
 * a stream may still be behind is kept, until it is known to be blocked, or for ever.
 */
static void test_stuck_streams_keep_their_parts(void **state)
{
	struct iommu_world iw;
	struct weir_domain *d;

	(void)state;
	for (unsigned int how = 0; how < 2; how++) {
		im_open(&iw, three, 3);
		assert_int_equal(weir_domain_create(iw.w.m, WEIR_DOMAIN_UNMANAGED, &d), 0);
		iw.fail_in = 4; /* two parts, the first stream: it is behind d now */
		iw.stay_broken = true;
		assert_int_equal(weir_group_attach(im_group(&iw, "m2"), d), WEIR_EIO);
		assert_int_equal(weir_domain_type_get(domain_of(&iw, "m2")), WEIR_DOMAIN_BLOCKED);
		weir_domain_unref(d);
		/* both domains' parts, and that of the group of m0 and m1 */
		assert_int_equal(iw.models[0].parts, 3);
		assert_int_equal(iw.models[0].streams[2].type, WEIR_DOMAIN_UNMANAGED);
		if (how) { /* the device goes, and its stream is still not known to be blocked */
			weir_device_del(world_find(&iw.w, "m2"));
			assert_int_equal(iw.models[0].parts, 3);
			iw.stay_broken = false;
			iw.fail_in = 0;
			memset(&iw.models[0].streams[2], 0, sizeof(iw.models[0].streams[2]));
			memset(&iw.models[1].streams[2], 0, sizeof(iw.models[1].streams[2]));
		} else {
			struct weir_domain *blocked;

			iw.stay_broken = false;
			iw.fail_in = 0;
			assert_int_equal(weir_domain_create(iw.w.m, WEIR_DOMAIN_BLOCKED, &blocked), 0);
			assert_int_equal(weir_group_attach(im_group(&iw, "m2"), blocked), 0);
			weir_domain_unref(blocked);
			assert_int_equal(iw.models[0].parts, 1);
			assert_int_equal(iw.models[0].streams[2].type, WEIR_DOMAIN_BLOCKED);
		}
		im_close(&iw);
	}
}

/* A domain of several groups: each comes with its streams and goes with them. */
static void test_domain_of_several_groups(void **state)
{
	struct iommu_world iw;
	struct weir_domain *d;

	(void)state;
	im_open(&iw, three, 3);
	assert_int_equal(weir_domain_create(iw.w.m, WEIR_DOMAIN_UNMANAGED, &d), 0);
	assert_int_equal(weir_group_attach(im_group(&iw, "m0"), d), 0);
	assert_int_equal(weir_group_attach(im_group(&iw, "m2"), d), 0);
	assert_int_equal(weir_domain_map(d, 0x20000, 0x60000, 0x1000, WEIR_MAP_READ), 0);
	assert_ptr_equal(iw.models[0].streams[1].part, iw.models[0].streams[2].part);
	weir_device_del(world_find(&iw.w, "m2"));
	assert_int_equal(im_reach(&iw, 0, 1, 0x20000), 0x60000);
	assert_int_equal(im_reach(&iw, 0, 2, 0x20000), IM_NOTHING);
	weir_domain_unref(d);
	im_close(&iw);
}

static char refused[256];

static void log_line(void *host, enum weir_log_level level, const char *line)
{
	(void)host;
	if (level == WEIR_LOG_ERR)
		snprintf(refused, sizeof(refused), "%s", line);
}

/* An instance that walks no tables but its own says so, and the group stays where it is. */
static void test_external_is_refused_by_name(void **state)
{
	static const struct weir_tables s2 = {
		.format = WEIR_TABLE_ARM_S2, .root_pa = 0x80000, .granule_lg2 = 12,
		.iova_bits = 40, .pa_bits = 40, .levels = 3, .id = 7,
	};
	struct weir_domain *d, *usual;
	struct weir_host_ops *ops;
	struct iommu_world iw;

	(void)state;
	im_open(&iw, three, 3);
	ops = (struct weir_host_ops *)(uintptr_t)testhost_ops(iw.w.host);
	ops->log = log_line;
	usual = domain_of(&iw, "m2");
	assert_int_equal(weir_domain_create_external(iw.w.m, &s2, &d), 0);
	assert_int_equal(weir_group_attach(im_group(&iw, "m2"), d), WEIR_EOPNOTSUPP);
	assert_string_equal(refused, "a takes no external tables");
	assert_ptr_equal(domain_of(&iw, "m2"), usual);
	assert_int_equal(iw.models[0].streams[2].type, WEIR_DOMAIN_DMA);
	weir_domain_unref(d);
	im_close(&iw);
}

/*
 * A group whose last driver went cannot be blocked: it is told, what it was behind is kept, and
 * the next driver gets it only when the instance works again.
 */
static void test_driverless_cannot_be_blocked(void **state)
{
	struct weir_host_ops *ops;
	struct iommu_world iw;

	(void)state;
	im_open(&iw, three, 3);
	ops = (struct weir_host_ops *)(uintptr_t)testhost_ops(iw.w.host);
	ops->log = log_line;
	refused[0] = '\0';
	iw.fail_in = 1;
	iw.stay_broken = true;
	assert_int_equal(weir_driver_unbind(world_find(&iw.w, "m2")), 0);
	assert_non_null(strstr(refused, "has no driver, and could not be blocked: "));
	assert_int_equal(iw.models[0].streams[2].type, WEIR_DOMAIN_DMA);
	assert_int_equal(iw.models[0].parts, 2);
	assert_int_equal(weir_driver_bind(world_find(&iw.w, "m2")), 0);
	assert_settles(&iw.w);
	assert_true(weir_device_status_get(world_find(&iw.w, "m2")) != WEIR_DEVICE_BOUND);
	iw.stay_broken = false;
	iw.fail_in = 0;
	assert_int_equal(weir_driver_bind(world_find(&iw.w, "m2")), 0);
	assert_settles(&iw.w);
	assert_status(&iw.w, "m2", WEIR_DEVICE_BOUND);
	assert_int_equal(iw.models[0].parts, 2);
	im_close(&iw);
}

/* A claimed group is left alone by drivers, also by a device that joins later. */
static void test_claim_with_several_masters(void **state)
{
	struct iommu_world iw;
	struct weir_group *group;
	int me;

	(void)state;
	im_open(&iw, three, 3);
	group = im_group(&iw, "m0");
	assert_int_equal(weir_driver_unbind(world_find(&iw.w, "m0")), 0);
	assert_int_equal(weir_group_claim(group, &me), WEIR_EBUSY); /* m1 has its driver */
	assert_int_equal(weir_driver_unbind(world_find(&iw.w, "m1")), 0);
	assert_int_equal(weir_domain_type_get(weir_group_domain(group)), WEIR_DOMAIN_BLOCKED);
	assert_int_equal(weir_group_claim(group, &me), 0);
	weir_device_del(world_find(&iw.w, "m1"));
	im_add(&iw, "m1");
	assert_settles(&iw.w);
	assert_true(weir_device_status_get(world_find(&iw.w, "m1")) != WEIR_DEVICE_BOUND);
	assert_int_equal(weir_group_release(group, &me), 0);
	im_close(&iw);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_power_brings_back_what_the_books_say),
		cmocka_unit_test(test_power_on_fails_at_every_step),
		cmocka_unit_test(test_power_off_while_devices_go),
		cmocka_unit_test(test_power_of_what_is_no_iommu),
		cmocka_unit_test(test_join_and_leave_touch_only_their_own),
		cmocka_unit_test(test_join_fails_at_every_step),
		cmocka_unit_test(test_stuck_streams_keep_their_parts),
		cmocka_unit_test(test_domain_of_several_groups),
		cmocka_unit_test(test_external_is_refused_by_name),
		cmocka_unit_test(test_driverless_cannot_be_blocked),
		cmocka_unit_test(test_claim_with_several_masters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
