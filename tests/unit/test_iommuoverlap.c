// SPDX-License-Identifier: MIT
/*
 * Two threads at work on the same master: IOMMUs that come and go while it does, or while
 * it is about to be probed. One thread is stopped where an instance is told something, or in the
 * removal of an IOMMU; the other comes on top of it.
 */
#include <sched.h>
#include <stdatomic.h>

#include "iommu/priv.h"
#include "iommuworld.h"

static struct iommu_world iw;

/* ---- a place where a thread stops ---- */

static struct gate {
	_Atomic bool closed, inside, open;
} gate;

static void stop_next(void)
{
	atomic_store(&gate.inside, false);
	atomic_store(&gate.open, false);
	atomic_store(&gate.closed, true);
}

static void pass(void)
{
	if (!atomic_exchange(&gate.closed, false))
		return;
	atomic_store(&gate.inside, true);
	while (!atomic_load(&gate.open))
		sched_yield();
}

static void wait_inside(void)
{
	while (!atomic_load(&gate.inside))
		sched_yield();
}

static void on_attach(const struct im_model *model, uint32_t stream, enum weir_domain_type type)
{
	(void)model;
	(void)stream;
	(void)type;
	pass();
}

static void (*real_remove)(struct weir_device *dev);

static void stop_in_remove(struct weir_device *dev)
{
	pass();
	real_remove(dev);
}

/* ---- what threads do ---- */

struct doing {
	int (*what)(struct weir_device *dev);
	struct weir_device *dev;
	int result;
	pthread_t thread;
};

static void *run(void *arg)
{
	struct doing *d = arg;

	d->result = d->what(d->dev);
	return NULL;
}

static void begin(struct doing *d, int (*what)(struct weir_device *dev), struct weir_device *dev)
{
	d->what = what;
	d->dev = dev;
	assert_int_equal(pthread_create(&d->thread, NULL, run, d), 0);
}

static void end(struct doing *d)
{
	assert_int_equal(pthread_join(d->thread, NULL), 0);
	assert_int_equal(d->result, 0);
}

static int del(struct weir_device *dev)
{
	weir_device_del(dev);
	return 0;
}

static int settle(struct weir_device *dev)
{
	return weir_settle(weir_device_machine(dev));
}

/* Until the other thread has come as far as it can. */
static bool is_going(struct weir_device *dev)
{
	return dev->iommu && dev->iommu->going;
}

static bool is_dead(struct weir_device *dev)
{
	return dev->dead;
}

static void wait_until(bool (*is)(struct weir_device *dev), struct weir_device *dev)
{
	bool so = false;

	while (!so) {
		weir_lock_(dev->m);
		so = is(dev);
		weir_unlock_(dev->m);
		sched_yield();
	}
}

static struct weir_device *find(const char *name)
{
	return world_find(&iw.w, name);
}

/* Everything is up; then the masters have no driver, but stay where they are. */
static void open_world(const struct im_master *masters, unsigned int n)
{
	im_open(&iw, masters, n);
	world_driver_del(&iw.w, &iw.w.drivers[1]);
	iw.on_attach = on_attach;
}

static const struct im_master one[] = { { .at_a = 1, .at_b = 2 } };

/* Both IOMMUs of one master go at the same time: each takes it out, or waits for who does. */
static void test_iommuoverlap_of_two_iommus_that_go(void **state)
{
	struct doing a, b;

	(void)state;
	open_world(one, 1);
	stop_next();
	begin(&a, weir_driver_unbind, find("a"));
	wait_inside();
	begin(&b, weir_driver_unbind, find("b"));
	wait_until(is_going, find("b"));
	atomic_store(&gate.open, true);
	end(&a);
	end(&b);
	assert_null(find("m0")->master);
	im_close(&iw);
}

/* An IOMMU takes over what firmware left running, a device that is deleted meanwhile. */
static void test_iommuoverlap_of_a_master_that_comes(void **state)
{
	static const struct im_master left[] = {
		{ .at_a = 1, .at_b = IM_STREAMS, .direct_pa = 0x9000000 },
	};
	struct weir_device *m0;
	struct doing a, m;

	(void)state;
	im_open_tree(&iw, left, 1);
	world_driver_del(&iw.w, &iw.w.drivers[1]);
	im_add(&iw, "a");
	im_add(&iw, "m0");
	m0 = weir_device_ref(find("m0"));
	iw.on_attach = on_attach;
	stop_next();
	begin(&a, settle, m0);
	wait_inside();
	begin(&m, del, m0);
	wait_until(is_dead, m0);
	atomic_store(&gate.open, true);
	end(&a);
	end(&m);
	assert_null(m0->master);
	assert_null(m0->member);
	assert_status(&iw.w, "a", WEIR_DEVICE_BOUND);
	assert_false(im_any_reaches(&iw, 0x9000000));
	weir_device_unref(m0);
	im_close(&iw);
}

/* An IOMMU goes and takes a master out, which is deleted meanwhile. */
static void test_iommuoverlap_of_a_master_that_leaves(void **state)
{
	struct weir_device *m0;
	struct doing a, m;

	(void)state;
	open_world(one, 1);
	m0 = weir_device_ref(find("m0"));
	stop_next();
	begin(&a, weir_driver_unbind, find("a"));
	wait_inside();
	begin(&m, del, m0);
	wait_until(is_dead, m0);
	weir_lock_(iw.w.m);
	assert_true(m0->added && m0->member);
	weir_unlock_(iw.w.m);
	atomic_store(&gate.open, true);
	end(&a);
	end(&m);
	assert_null(m0->member);
	assert_int_equal(m0->refs, 1);
	weir_device_unref(m0);
	im_close(&iw);
}

/* No link holds the IOMMU, as that of a function which was not tried yet; it is on its way out already. */
static void test_iommuoverlap_of_a_probe_and_an_iommu_that_goes(void **state)
{
	struct weir_machine_stats before, after;
	struct weir_link *link;
	struct doing a;

	(void)state;
	open_world(one, 1);
	weir_device_del(find("a"));
	im_add(&iw, "a");
	assert_settles(&iw.w);
	assert_int_equal(weir_link_find(find("m0"), find("a"), &link), 0);
	weir_lock_(iw.w.m);
	weir_link_drop_(link);
	weir_unlock_(iw.w.m);
	iw.dma_pa = 0x6200000; /* its driver checks that it is translated */
	real_remove = iw.w.drivers[0].ops.remove;
	iw.w.drivers[0].ops.remove = stop_in_remove;
	stop_next();
	begin(&a, weir_driver_unbind, find("a"));
	wait_inside();
	weir_machine_stats_get(iw.w.m, &before);
	assert_int_equal(weir_driver_register(iw.w.m, &iw.w.drivers[1].drv), 0);
	assert_settles(&iw.w);
	weir_machine_stats_get(iw.w.m, &after);
	assert_int_equal(after.probes, before.probes);
	assert_status(&iw.w, "m0", WEIR_DEVICE_NO_DRIVER);
	atomic_store(&gate.open, true);
	end(&a);
	assert_int_equal(weir_driver_bind(find("a")), 0);
	assert_settles(&iw.w);
	assert_status(&iw.w, "m0", WEIR_DEVICE_BOUND);
	im_close(&iw);
}

/* The same of a device that was left running by firmware, and an IOMMU that is deleted. */
static void test_iommuoverlap_of_a_probe_and_a_deletion(void **state)
{
	static const struct im_master left[] = {
		{ .at_a = 1, .at_b = IM_STREAMS, .direct_pa = 0x9000000 },
	};
	struct weir_machine_stats before, after;
	struct doing a;

	(void)state;
	im_open_tree(&iw, left, 1);
	world_driver_del(&iw.w, &iw.w.drivers[1]);
	im_add(&iw, "m0");
	im_add(&iw, "a");
	assert_settles(&iw.w);
	weir_device_del(find("a"));
	im_add(&iw, "a");
	assert_settles(&iw.w);
	assert_non_null(find("m0")->master);
	iw.dma_pa = 0x6200000;
	real_remove = iw.w.drivers[0].ops.remove;
	iw.w.drivers[0].ops.remove = stop_in_remove;
	stop_next();
	begin(&a, del, find("a"));
	wait_inside();
	weir_machine_stats_get(iw.w.m, &before);
	assert_int_equal(weir_driver_register(iw.w.m, &iw.w.drivers[1].drv), 0);
	assert_settles(&iw.w);
	weir_machine_stats_get(iw.w.m, &after);
	assert_int_equal(after.probes, before.probes);
	atomic_store(&gate.open, true);
	end(&a);
	im_add(&iw, "a");
	assert_settles(&iw.w);
	assert_status(&iw.w, "m0", WEIR_DEVICE_BOUND);
	im_close(&iw);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_iommuoverlap_of_two_iommus_that_go),
		cmocka_unit_test(test_iommuoverlap_of_a_master_that_comes),
		cmocka_unit_test(test_iommuoverlap_of_a_master_that_leaves),
		cmocka_unit_test(test_iommuoverlap_of_a_probe_and_an_iommu_that_goes),
		cmocka_unit_test(test_iommuoverlap_of_a_probe_and_a_deletion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
