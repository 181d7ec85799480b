// SPDX-License-Identifier: MIT
/*
 * The IOMMU stack under threads: mappings come and go while groups change their domains,
 * devices come and go, an IOMMU loses its power, and faults rain. What must hold all the
 * time is checked by the models and by a watcher; what is left in the end is compared with
 * the books. And under a host whose calls fail, one after the other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iommu/priv.h"
#include "iommuworld.h"

#define PAGE UINT64_C(4096)
#define OFFSET UINT64_C(0x100000) /* of the memory behind a page */
#define SECRET UINT64_C(0x7000000) /* memory that no domain maps */

static const struct im_master masters[] = {
	{ .at_a = 1, .at_b = IM_STREAMS },
	{ .at_a = 2, .at_b = 2 },
	{ .at_a = 3, .at_b = 4 },
};

static struct stress {
	struct iommu_world iw;
	struct weir_domain *shared; /* of several groups */
	struct weir_group *groups[2];
	_Atomic bool stop;
	_Atomic unsigned int maps, attaches, powers;
} st;

/* ---- threads ---- */

static void *mapper(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;
	uint64_t first = 16 + 8 * (uint64_t)seed, pa;

	while (!atomic_load(&st.stop)) {
		uint64_t at = (first + (uint64_t)rand_r(&seed) % 8) * PAGE;

		if (weir_domain_map(st.shared, at, at + OFFSET, PAGE, WEIR_MAP_READ) == 0)
			continue;
		if (weir_domain_translate(st.shared, at, &pa) || pa != at + OFFSET ||
		    weir_domain_unmap(st.shared, at, PAGE))
			abort();
		atomic_fetch_add(&st.maps, 1);
	}
	return NULL;
}

static void *attacher(void *arg)
{
	unsigned int which = (unsigned int)(uintptr_t)arg;

	while (!atomic_load(&st.stop)) {
		struct weir_domain *own;

		if (weir_domain_create(st.iw.w.m, WEIR_DOMAIN_UNMANAGED, &own) ||
		    weir_domain_map(own, 0x5000, 0x6000, PAGE, WEIR_MAP_WRITE) ||
		    weir_group_attach(st.groups[which], st.shared) ||
		    weir_group_attach(st.groups[which], own))
			abort();
		weir_domain_unref(own);
		atomic_fetch_add(&st.attaches, 1);
	}
	return NULL;
}

static void *shooter(void *arg)
{
	struct weir_fault f = { .reason = WEIR_FAULT_UNMAPPED };

	(void)arg;
	while (!atomic_load(&st.stop)) {
		f.stream = (f.stream + 1) % IM_STREAMS;
		f.iova += PAGE;
		weir_iommu_fault(st.iw.models[f.stream & 1].dev, &f);
	}
	return NULL;
}

/* No stream ever reaches what nobody mapped. */
static void *watcher(void *arg)
{
	(void)arg;
	while (!atomic_load(&st.stop))
		for (unsigned int model = 0; model < 2; model++)
			for (uint32_t stream = 0; stream < IM_STREAMS; stream++)
				if (im_reach(&st.iw, model, stream, SECRET) != IM_NOTHING)
					abort();
	return NULL;
}

static void assert_books(unsigned int model, uint32_t stream)
{
	for (uint64_t page = 16; page < 40; page++) {
		uint64_t pa = IM_NOTHING;

		(void)weir_domain_translate(st.shared, page * PAGE, &pa);
		assert_int_equal(im_reach(&st.iw, model, stream, page * PAGE), pa);
	}
}

static void test_stress_threads(void **state)
{
	pthread_t threads[7];
	unsigned int n = 0;

	(void)state;
	im_open(&st.iw, masters, 3);
	assert_int_equal(weir_domain_create(st.iw.w.m, WEIR_DOMAIN_UNMANAGED, &st.shared), 0);
	st.groups[0] = im_group(&st.iw, "m0");
	st.groups[1] = im_group(&st.iw, "m1");
	atomic_store(&st.stop, false);
	assert_int_equal(pthread_create(&threads[n++], NULL, mapper, (void *)0), 0);
	assert_int_equal(pthread_create(&threads[n++], NULL, mapper, (void *)1), 0);
	assert_int_equal(pthread_create(&threads[n++], NULL, attacher, (void *)0), 0);
	assert_int_equal(pthread_create(&threads[n++], NULL, attacher, (void *)1), 0);
	assert_int_equal(pthread_create(&threads[n++], NULL, shooter, NULL), 0);
	assert_int_equal(pthread_create(&threads[n++], NULL, watcher, NULL), 0);
	for (unsigned int i = 0; i < 100 || atomic_load(&st.attaches) < 200 ||
				 atomic_load(&st.maps) < 1000; i++) {
		im_power_off(&st.iw, i & 1);
		assert_int_equal(im_power_on(&st.iw, i & 1), 0);
		weir_device_del(world_find(&st.iw.w, "m2"));
		im_add(&st.iw, "m2");
		assert_settles(&st.iw.w);
		assert_status(&st.iw.w, "m2", WEIR_DEVICE_BOUND);
		atomic_fetch_add(&st.powers, 1);
	}
	atomic_store(&st.stop, true);
	while (n)
		assert_int_equal(pthread_join(threads[--n], NULL), 0);
	assert_int_equal(weir_group_attach(st.groups[0], st.shared), 0);
	assert_int_equal(weir_group_attach(st.groups[1], st.shared), 0);
	assert_books(0, 1);
	assert_books(0, 2);
	assert_books(1, 2);
	assert_false(st.iw.models[0].identity_seen || st.iw.models[1].identity_seen);
	print_message("%u unmaps, %u attaches, %u power cycles\n", atomic_load(&st.maps),
		      2 * atomic_load(&st.attaches), atomic_load(&st.powers));
	weir_domain_unref(st.shared);
	im_close(&st.iw);
}

/* ---- host calls that fail ---- */

static void scenario(struct testhost *host, void *arg)
{
	static const struct weir_fault fault = { .reason = WEIR_FAULT_UNMAPPED, .stream = 2 };
	static const struct weir_msi message = { .pa = 0x8020040 };
	struct iommu_world *iw = arg;
	struct weir_domain *d = NULL;
	struct weir_group *group = NULL;
	struct weir_device *m1;
	struct weir_msi out;
	int err = im_try_open(iw, host, masters, 3);

	if (!err && weir_device_find(iw->w.bus, "m1", &m1))
		err = WEIR_ENOENT;
	if (!err)
		err = weir_group_of(m1, &group);
	if (!err)
		err = weir_msi_map(m1, &message, &out);
	if (!err)
		err = weir_domain_create(iw->w.m, WEIR_DOMAIN_DMA, &d);
	if (!err)
		err = weir_domain_map(d, 0x5000, 0x6000, PAGE, WEIR_MAP_READ);
	if (!err)
		err = weir_group_attach(group, d);
	if (!err) {
		weir_iommu_fault(iw->models[0].dev, &fault);
		im_power_off(iw, 0);
		err = im_power_on(iw, 0);
	}
	if (!err) {
		assert_int_equal(im_reach(iw, 0, 2, 0x5000), 0x6000);
		assert_int_equal(im_reach(iw, 1, 2, 0x8020040), 0x8020040);
	}
	weir_domain_unref(d);
	if (!testhost_fault_hit(host))
		assert_int_equal(err, 0);
	im_end(iw);
}

static void test_stress_host_calls_fail(void **state)
{
	unsigned long n = testhost_sweep(NULL, NULL, scenario, &st.iw);

	(void)state;
	print_message("%lu calls failed\n", n);
	assert_true(n > 60);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stress_threads),
		cmocka_unit_test(test_stress_host_calls_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
