// SPDX-License-Identifier: MIT
/*
 * Random schedules: modules are loaded and unloaded, devices bound, unbound, plugged and
 * unplugged over modelled IOMMUs and masters, in one thread with calls that fail, and in
 * several. What must hold all the time: no driver is probed before its IOMMUs are ready
 * (iommuworld.c), and no stream reaches what its driver has not mapped, or mapped no more.
 *
 * The seed is printed; WEIR_SEED=N runs it again (of the threads, what they do).
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iommuworld.h"
#include "seed.h"

#define SECRET UINT64_C(0x7000000) /* nothing maps it */
#define DMA_PA UINT64_C(0x6200000)
#define MASTERS 4u

/* m0 and m1 share a stream; m2 has three, at both; m1 was left running by firmware. */
static const struct im_master masters[MASTERS] = {
	{ .at_a = 1, .at_b = IM_STREAMS },
	{ .at_a = 1, .at_b = 4, .direct_pa = 0x9000000 },
	{ .at_a = 2, .at_b = 2, .also_a = 3 },
	{ .at_a = IM_STREAMS, .at_b = 5 },
};

static struct iommu_world iw;
static const struct weir_driver *driver_lists[2][2];
static const struct weir_module_entry entries[2] = {
	{ .abi = WEIR_ABI(struct weir_module_entry), .name = "iommus", .drivers = driver_lists[0] },
	{ .abi = WEIR_ABI(struct weir_module_entry), .name = "clients", .drivers = driver_lists[1] },
};
static _Atomic unsigned int done, looks;
static uint64_t probes;
static _Atomic bool stop;

/* On any thread. */
static void broken(const char *what, const char *who)
{
	fprintf(stderr, "# not so: %s: %s\n", what, who);
	abort();
}

/* ---- what is done: each name by one thread alone ---- */

static bool is_there(const char *name, struct weir_device **out_dev)
{
	return !weir_device_find(iw.w.bus, name, out_dev);
}

/* What is away comes at once, and stays for some time: most is there at most times. */
static void plug(const char *name, bool away)
{
	struct weir_device *dev;

	if (is_there(name, &dev) && away)
		weir_device_del(dev);
	else
		(void)im_try_add(&iw, name);
}

static void bind_or_unbind(const char *name, bool bind)
{
	struct weir_device *dev;

	if (!is_there(name, &dev))
		return;
	if (bind)
		(void)weir_driver_bind(dev);
	else
		(void)weir_driver_unbind(dev);
}

static void change_module(unsigned int which, uint32_t flags, bool away)
{
	struct weir_module *module;

	if (weir_module_find(iw.w.m, entries[which].name, &module))
		(void)weir_module_load(iw.w.m, &entries[which], NULL);
	else if (away)
		(void)weir_module_unload(module, flags);
}

static void claim(const char *name)
{
	struct weir_group *group;
	struct weir_device *dev;

	/* the master, which is this thread's, keeps its group; an IOMMU that goes takes it away */
	if (is_there(name, &dev) && !weir_group_of(dev, &group) &&
	    !weir_group_claim(group, &iw) && weir_group_release(group, &iw))
		broken("a claimed group can be released", name);
}

/* Of the machine; or a device is awake for some time. */
static void change_power(const char *name, bool all)
{
	struct weir_device *dev;

	if (all) {
		if (!weir_pm_suspend(iw.w.m) && weir_pm_resume(iw.w.m))
			broken("what was suspended is resumed", "the machine");
		return;
	}
	if (!is_there(name, &dev))
		return;
	weir_device_ref(dev);
	if (!weir_pm_runtime_get(dev)) {
		(void)weir_settle(iw.w.m);
		weir_pm_runtime_put(dev);
	}
	weir_device_unref(dev);
}

static void act(const char *const *names, unsigned int nr_names, bool modules, uint64_t *seed)
{
	uint64_t r = seed_next(seed);
	const char *name = names[(r >> 8) % nr_names];
	bool away = !(r >> 20 & 3);

	switch (r % 9) {
	case 8:
		change_power(name, modules && r >> 17 & 1);
		break;
	case 0:
		plug(name, away);
		break;
	case 1:
	case 2:
		bind_or_unbind(name, !away);
		break;
	case 3:
		if (modules)
			change_module(r >> 16 & 1, r >> 17 & WEIR_MODULE_FORCE, away);
		break;
	default:
		(void)weir_settle(iw.w.m);
		break;
	}
	atomic_fetch_add(&done, 1);
}

/* ---- what must hold ---- */

static void look(void)
{
	if (im_any_reaches(&iw, SECRET))
		broken("nobody reaches what nobody mapped", "a master");
	for (unsigned int i = 0; i < MASTERS; i++) {
		unsigned int before = atomic_load(&iw.dma_state[i]);
		char who[2] = { (char)('0' + i), '\0' };

		if (!(before & 1) && im_any_reaches(&iw, DMA_PA + i * IM_DMA_STEP) &&
		    atomic_load(&iw.dma_state[i]) == before)
			broken("what is unmapped is not reached", who);
	}
	atomic_fetch_add(&looks, 1);
}

static void *looker(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		look();
		sched_yield();
	}
	return NULL;
}

/* ---- the beginning and the end ---- */

static void begin(const struct weir_iommu_rules *rules, bool seal)
{
	iw.dma_pa = DMA_PA;
	driver_lists[0][0] = &iw.w.drivers[0].drv;
	driver_lists[1][0] = &iw.w.drivers[1].drv;
	atomic_store(&done, 0);
	atomic_store(&looks, 0);
	atomic_store(&stop, false);
	weir_iommu_rules_set(iw.w.m, rules);
	if (seal)
		weir_catalogue_seal(iw.w.m);
}

static void load(unsigned int which)
{
	struct weir_module *module;

	if (weir_module_find(iw.w.m, entries[which].name, &module))
		assert_int_equal(weir_module_load(iw.w.m, &entries[which], NULL), 0);
}

/* Everything is there and bound, behind the IOMMUs; then all goes. */
static void end(void)
{
	static const char *const names[] = { "a", "b", "m0", "m1", "m2", "m3" };
	struct weir_machine_stats stats;
	struct weir_module *module;
	struct weir_device *dev;

	assert_int_equal(weir_settle(iw.w.m), 0);
	if (!weir_module_find(iw.w.m, "clients", &module))
		assert_int_equal(weir_module_unload(module, 0), 0);
	load(0);
	for (unsigned int i = 0; i < 6; i++) {
		if (!is_there(names[i], &dev))
			im_add(&iw, names[i]);
		bind_or_unbind(names[i], true);
	}
	assert_settles(&iw.w);
	load(1);
	assert_settles(&iw.w);
	for (unsigned int i = 0; i < 6; i++)
		assert_status(&iw.w, names[i], WEIR_DEVICE_BOUND);
	for (unsigned int i = 0; i < MASTERS; i++) {
		assert_false(weir_device_untranslated(world_find(&iw.w, names[2 + i])));
		assert_true(im_any_reaches(&iw, DMA_PA + i * IM_DMA_STEP));
	}
	look();
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(weir_module_find(iw.w.m, entries[i].name, &module), 0);
		assert_int_equal(weir_module_unload(module, WEIR_MODULE_FORCE), 0);
		look();
	}
	weir_machine_stats_get(iw.w.m, &stats);
	probes += stats.probes;
	for (unsigned int i = 0; i < MASTERS; i++)
		assert_false(im_any_reaches(&iw, DMA_PA + i * IM_DMA_STEP));
	assert_int_equal(iw.models[0].parts + iw.models[1].parts, 0);
	im_close(&iw);
}

/* ---- one thread, and calls that fail ---- */

#define STEPS 2000u
#define ROUNDS 24u

static void fail_some(uint64_t *seed)
{
	uint64_t r = seed_next(seed);

	testhost_fail_at(iw.w.host, r % 4 ? 0 : 1 + (r >> 8) % 40);
	iw.fail_in = r >> 16 & 3 ? 0 : (unsigned int)(1 + (r >> 24) % 20);
}

static void test_iommurandom_steps(void **state)
{
	static const char *const names[] = { "a", "b", "m0", "m1", "m2", "m3" };
	static const struct weir_iommu_rules rules[] = {
		{ WEIR_IOMMU_MANDATORY, WEIR_IOMMU_REFUSE },
		{ WEIR_IOMMU_OPTIONAL, WEIR_IOMMU_REFUSE },
		{ WEIR_IOMMU_OPTIONAL, WEIR_IOMMU_REBIND },
		{ WEIR_IOMMU_OPTIONAL, WEIR_IOMMU_ADOPT_MAPPED },
	};
	uint64_t seed = seed_take();

	(void)state;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		bool faults = round & 4;

		im_open_threads(&iw, masters, MASTERS, 0);
		begin(&rules[round % 4], round % 4);
		for (unsigned int i = 0; i < STEPS; i++) {
			if (faults)
				fail_some(&seed);
			act(names, 6, true, &seed);
			if (!(i % 8))
				claim(names[2 + i / 8 % MASTERS]);
			look();
		}
		testhost_fail_at(iw.w.host, 0);
		iw.fail_in = 0;
		end();
	}
	print_message("%u steps, %llu probes\n", ROUNDS * STEPS, (unsigned long long)probes);
}

/* ---- several threads ---- */

#define ACTORS 3u
#define ACTS 4000u /* of each, in each round */

struct actor {
	const char *names[3];
	unsigned int nr_names;
	bool modules;
	bool faults; /* calls of the host fail now and then, on whatever thread */
	uint64_t seed;
};

/* So that others come in between. */
static void give_way(struct world *w, const char *what, struct weir_device *dev)
{
	(void)w;
	(void)what;
	(void)dev;
	sched_yield();
}

static void *run_actor(void *arg)
{
	struct actor *actor = arg;

	for (unsigned int i = 0; i < ACTS; i++) {
		if (actor->faults && !(i % 16))
			testhost_fail_at(iw.w.host, 1 + seed_next(&actor->seed) % 40);
		act(actor->names, actor->nr_names, actor->modules, &actor->seed);
	}
	return NULL;
}

static void threads(uint64_t *seed, unsigned int workers, bool faults)
{
	struct actor actors[ACTORS] = {
		{ { "a" }, 1, true, faults, 0 }, { { "m0", "m2" }, 2, false, false, 0 },
		{ { "b", "m1", "m3" }, 3, false, false, 0 },
	};
	pthread_t thread[ACTORS], watch;

	im_open_threads(&iw, masters, MASTERS, workers);
	begin(&(struct weir_iommu_rules){ WEIR_IOMMU_MANDATORY, WEIR_IOMMU_REFUSE }, false);
	iw.w.on_call = give_way;
	assert_int_equal(pthread_create(&watch, NULL, looker, NULL), 0);
	for (unsigned int i = 0; i < ACTORS; i++) {
		actors[i].seed = seed_next(seed);
		assert_int_equal(pthread_create(&thread[i], NULL, run_actor, &actors[i]), 0);
	}
	for (unsigned int i = 0; i < ACTORS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	atomic_store(&stop, true);
	assert_int_equal(pthread_join(watch, NULL), 0);
	testhost_fail_at(iw.w.host, 0);
	probes = 0;
	end();
	print_message("%u acts, %u looks, %llu probes, %u workers\n", atomic_load(&done),
		      atomic_load(&looks), (unsigned long long)probes, workers);
}

static void test_iommurandom_threads(void **state)
{
	uint64_t seed = seed_take();

	(void)state;
	for (unsigned int round = 0; round < 8; round++)
		threads(&seed, 1 + round % 4, round & 4);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_iommurandom_steps),
		cmocka_unit_test(test_iommurandom_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
