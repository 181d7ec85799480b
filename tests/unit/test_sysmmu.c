// SPDX-License-Identifier: MIT
/*
 * The System MMU driver's hardware layer on the hostile model, in all versions that are known: what
 * it refuses, what it does when the hardware misbehaves, and that nothing it does is ever a finding,
 * whatever the seed.
 */
#include <stdlib.h>
#include <string.h>

#include "sysmmubed.h"

#define SEEDS 12u /* runs of each test and version; WEIR_SEEDS=N: so many */
#define PROT (WEIR_MAP_READ | WEIR_MAP_WRITE)

static void open_bed(struct sysmmu_bed *bed, unsigned int version, uint64_t seed)
{
	struct sysmmu_config config;

	sb_version(version, seed, &config);
	sb_init(bed, &config);
	assert_int_equal(sb_create(bed), 0);
}

static void aim(struct sysmmu_bed *bed, uint32_t iova, size_t bytes)
{
	hwmulti_stop(bed->rogue);
	if (bytes)
		assert_true(hwmulti_add(bed->rogue, &(struct hwmulti_target){
			.iova = iova, .bytes = bytes, .write = true }));
}

static void all_versions(void (*one)(unsigned int version, uint64_t seed))
{
	const char *given = getenv("WEIR_SEEDS");
	uint64_t seeds = given ? strtoull(given, NULL, 0) : SEEDS;

	for (unsigned int v = 0; v < SB_VERSIONS; v++)
		for (uint64_t seed = 0; seed < seeds; seed++)
			one(v, seed);
}

/* ---- a whole story ---- */

/* Attached, used, unmapped, replaced, blocked; the master goes on throughout. */
static void story(unsigned int version, uint64_t seed)
{
	struct sb_domain first, second;
	struct sysmmu_bed bed;
	uint64_t a, b;

	open_bed(&bed, version, seed);
	a = sb_buffer(&bed, 4096);
	b = sb_buffer(&bed, 4096);
	sb_domain(&bed, &first);
	sb_domain(&bed, &second);
	sb_map(&second, SB_IOVA, b, 4096, PROT);
	assert_false(sb_lands(&bed, a, true)); /* it lets nothing pass untranslated */
	aim(&bed, SB_IOVA, 4096);
	for (unsigned int i = 0; i < 4; i++) {
		sb_map(&first, SB_IOVA, a, 4096, PROT);
		assert_int_equal(weir_sysmmu_attach(bed.sysmmu, first.domain), 0);
		assert_true(sb_lands(&bed, SB_IOVA, true));
		assert_false(sb_lands(&bed, SB_IOVA + 4096, true));
		hwhost_points(bed.h, 20);
		assert_int_equal(sb_unmap(&first, SB_IOVA, 4096), 0);
		sb_allow(&bed, a, 4096, false); /* what lands there now is a finding */
		hwhost_points(bed.h, 50);
		assert_false(sb_lands(&bed, SB_IOVA, true));
		assert_int_equal(weir_sysmmu_attach(bed.sysmmu, second.domain), 0);
		hwhost_points(bed.h, 5);
		assert_true(sb_lands(&bed, SB_IOVA, true));
		sb_allow(&bed, a, 4096, true);
	}
	aim(&bed, 0, 0);
	hwhost_points(bed.h, 2000); /* a timer lets it on that rests */
	assert_int_equal(weir_sysmmu_attach_identity(bed.sysmmu), 0);
	assert_true(sb_lands(&bed, b, true));
	assert_int_equal(weir_sysmmu_attach(bed.sysmmu, NULL), 0);
	assert_false(sb_lands(&bed, b, true));
	sb_domain_free(&first);
	sb_domain_free(&second);
	sb_buffer_free(&bed, a, 4096);
	sb_buffer_free(&bed, b, 4096);
	assert_null(bed.told);
	sb_close(&bed);
}

static void test_sysmmu_story(void **state)
{
	(void)state;
	all_versions(story);
}

/* Pages of all sizes: what was cached of them by any of their addresses is gone when they are. */
static void large(unsigned int version, uint64_t seed)
{
	static const uint32_t sizes[] = { 0x1000, 0x10000, 0x100000, 0x2000, 0x30000 };
	struct sb_domain d;
	struct sysmmu_bed bed;
	uint64_t pa;

	open_bed(&bed, version, seed);
	pa = sb_buffer(&bed, 0x100000);
	sb_domain(&bed, &d);
	assert_int_equal(weir_sysmmu_attach(bed.sysmmu, d.domain), 0);
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const uint32_t iova = SB_IOVA + (i << 24); /* where there is no table yet */

		sb_map(&d, iova, pa, sizes[i], PROT);
		aim(&bed, iova, sizes[i]);
		hwhost_points(bed.h, 100);
		assert_true(sb_lands(&bed, iova + sizes[i] - 8, false));
		assert_int_equal(sb_unmap(&d, iova, sizes[i]), 0);
		sb_allow(&bed, pa, 0x100000, false);
		hwhost_points(bed.h, 50);
		aim(&bed, 0, 0);
		for (uint32_t at = 0; at < sizes[i]; at += 0x3000)
			assert_false(sysmmu_translate(bed.s, iova + at, true, &(uint64_t){ 0 }));
		hwhost_points(bed.h, 2000);
		sb_allow(&bed, pa, 0x100000, true);
	}
	assert_int_equal(weir_sysmmu_attach(bed.sysmmu, NULL), 0);
	sb_domain_free(&d);
	sb_buffer_free(&bed, pa, 0x100000);
	sb_close(&bed);
}

static void test_sysmmu_large_pages(void **state)
{
	(void)state;
	all_versions(large);
}

/* How much is flushed: one page by itself, and not all that there is. */
static void test_sysmmu_flushes(void **state)
{
	const struct sysmmu_stats *stats;
	struct sysmmu_bed bed;
	struct sb_domain d;
	unsigned long all;
	uint64_t pa;

	(void)state;
	for (unsigned int v = 0; v < SB_VERSIONS; v++) {
		open_bed(&bed, v, 0);
		stats = sysmmu_stats_get(bed.s);
		pa = sb_buffer(&bed, 0x10000);
		sb_domain(&bed, &d);
		assert_int_equal(weir_sysmmu_attach(bed.sysmmu, d.domain), 0);
		all = stats->flushes_all;
		sb_map(&d, SB_IOVA, pa, 4096, PROT);
		assert_int_equal(sb_unmap(&d, SB_IOVA, 4096), 0);
		assert_int_equal(stats->flushes_entry + stats->flushes_range, 1);
		sb_map(&d, SB_IOVA, pa, 0x10000, PROT);
		assert_int_equal(sb_unmap(&d, SB_IOVA, 0x10000), 0);
		assert_int_equal(stats->flushes_all, all);
		assert_true(stats->flushes_entry + stats->flushes_range <= 17);
		assert_int_equal(weir_sysmmu_invalidate(d.domain, &(struct weir_invalidation){
			.bytes = UINT64_C(1) << 32, .tables = true }), 0);
		assert_int_equal(stats->flushes_all + stats->flushes_range,
				 v < 6 ? all + 1 : all + 3);
		/* of a domain that it is not behind nothing is cached */
		assert_int_equal(weir_sysmmu_attach(bed.sysmmu, NULL), 0);
		all = stats->blocks;
		assert_int_equal(weir_sysmmu_invalidate(d.domain, &(struct weir_invalidation){
			.iova = SB_IOVA, .bytes = 4096 }), 0);
		assert_int_equal(stats->blocks, all);
		sb_domain_free(&d);
		sb_buffer_free(&bed, pa, 0x10000);
		sb_close(&bed);
	}
}

/* ---- faults ---- */

static void expect(struct sysmmu_bed *bed, enum weir_fault_reason reason, uint32_t flags, uint64_t iova)
{
	assert_true(bed->nr_faults > 0);
	assert_int_equal(bed->faults[0].reason, reason);
	assert_int_equal(bed->faults[0].flags, flags);
	assert_int_equal(bed->faults[0].stream, 0);
	if (!(flags & WEIR_FAULT_NO_IOVA))
		assert_int_equal(bed->faults[0].iova, iova);
	bed->nr_faults = 0;
}

static void faults(unsigned int version, uint64_t seed)
{
	uint32_t r = version < 6 ? 0 : WEIR_FAULT_READ, w = version < 6 ? 0 : WEIR_FAULT_WRITE;
	struct sb_domain d;
	struct sysmmu_bed bed;
	uint64_t pa;

	open_bed(&bed, version, seed | 1); /* aborted at once */
	pa = sb_buffer(&bed, 4096);
	sb_domain(&bed, &d);
	assert_false(sb_lands(&bed, 0x1238, false));
	hwhost_points(bed.h, 5);
	expect(&bed, WEIR_FAULT_BLOCKED, r, 0x1238);
	assert_int_equal(weir_sysmmu_attach(bed.sysmmu, d.domain), 0);
	sb_map(&d, SB_IOVA, pa, 4096, WEIR_MAP_READ);
	assert_false(sb_lands(&bed, 0xfffff008, true));
	hwhost_points(bed.h, 5);
	expect(&bed, WEIR_FAULT_UNMAPPED, w, 0xfffff008);
	assert_true(sb_lands(&bed, SB_IOVA, false)); /* the next access passes */
	assert_false(sb_lands(&bed, SB_IOVA + 16, true));
	hwhost_points(bed.h, 5);
	expect(&bed, WEIR_FAULT_PERMISSION, WEIR_FAULT_WRITE, SB_IOVA + 16);
	sysmmu_misbehave(bed.s, SYSMMU_ODD_FAULT, 1);
	assert_false(sb_lands(&bed, 0, false));
	hwhost_points(bed.h, 5);
	expect(&bed, WEIR_FAULT_UNKNOWN, WEIR_FAULT_NO_IOVA, 0);
	assert_true(sb_lands(&bed, SB_IOVA, false));
	assert_int_equal(weir_sysmmu_attach(bed.sysmmu, NULL), 0);
	sb_domain_free(&d);
	sb_buffer_free(&bed, pa, 4096);
	sb_close(&bed);
}

static void test_sysmmu_faults(void **state)
{
	(void)state;
	all_versions(faults);
}

/* A storm takes so much of the CPU's time, and no more; then the master goes on. */
static void test_sysmmu_storm(void **state)
{
	struct sysmmu_bed bed;

	(void)state;
	for (unsigned int v = 0; v < SB_VERSIONS; v++) {
		open_bed(&bed, v, 1);
		sysmmu_misbehave(bed.s, SYSMMU_STORM, 1000);
		assert_false(sb_lands(&bed, SB_IOVA, true));
		for (unsigned int i = 0; i < 100; i++) /* 1 ms: no timer has run out */
			hwhost_points(bed.h, 1);
		assert_true(bed.nr_faults >= 64 && bed.nr_faults <= 128);
		for (unsigned int i = 0; i < 40; i++)
			hwhost_points(bed.h, 1000);
		assert_int_equal(bed.nr_faults, 1001);
		sysmmu_misbehave(bed.s, SYSMMU_SPURIOUS, 10);
		hwhost_points(bed.h, 100);
		assert_int_equal(bed.nr_faults, 1001);
		sb_close(&bed);
	}
}

/* An interrupt that got lost is found out when somebody looks, or unmaps. */
static void test_sysmmu_interrupt_lost(void **state)
{
	struct sysmmu_bed bed;
	struct sb_domain d;
	uint64_t pa;

	(void)state;
	open_bed(&bed, 5, 1);
	pa = sb_buffer(&bed, 8192);
	sb_domain(&bed, &d);
	sb_map(&d, SB_IOVA, pa, 8192, PROT);
	assert_int_equal(weir_sysmmu_attach(bed.sysmmu, d.domain), 0);
	sysmmu_misbehave(bed.s, SYSMMU_IRQ_LOST, 1);
	assert_false(sb_lands(&bed, 0, true));
	assert_false(sb_lands(&bed, SB_IOVA, true));
	assert_int_equal(weir_sysmmu_poll(bed.sysmmu), 1);
	assert_true(sb_lands(&bed, SB_IOVA, true));
	assert_false(sb_lands(&bed, 0, true));
	assert_int_equal(sb_unmap(&d, SB_IOVA + 4096, 4096), 0);
	hwhost_points(bed.h, 2000);
	assert_true(sb_lands(&bed, SB_IOVA, true));
	assert_int_equal(bed.nr_faults, 2);
	assert_int_equal(weir_sysmmu_attach(bed.sysmmu, NULL), 0);
	sb_domain_free(&d);
	sb_buffer_free(&bed, pa, 8192);
	sb_close(&bed);
}

/* Without an interrupt a timer looks; without that, poll does. */
static void test_sysmmu_no_interrupt(void **state)
{
	struct sysmmu_config config;
	struct sysmmu_bed bed;

	(void)state;
	for (unsigned int timers = 0; timers < 2; timers++) {
		sb_version(3, 1, &config);
		sb_init(&bed, &config);
		bed.config.has_line = false;
		if (!timers)
			bed.ops.timer_create = NULL;
		assert_int_equal(sb_create(&bed), 0);
		assert_false(sb_lands(&bed, SB_IOVA, true));
		hwhost_points(bed.h, 3000);
		assert_int_equal(bed.nr_faults, timers);
		assert_int_equal(weir_sysmmu_poll(bed.sysmmu), 1 - timers);
		sb_close(&bed);
	}
}

/* ---- blocks ---- */

static void test_sysmmu_block_late(void **state)
{
	struct sysmmu_bed bed;
	struct sb_domain d;
	uint64_t pa;

	(void)state;
	for (unsigned int v = 0; v < SB_VERSIONS; v++) {
		open_bed(&bed, v, v);
		pa = sb_buffer(&bed, 4096);
		sysmmu_misbehave(bed.s, SYSMMU_BLOCK_LATE, 500);
		sb_domain(&bed, &d);
		sb_map(&d, SB_IOVA, pa, 4096, PROT);
		aim(&bed, SB_IOVA, 4096);
		assert_int_equal(weir_sysmmu_attach(bed.sysmmu, d.domain), 0);
		assert_true(sb_lands(&bed, SB_IOVA, true));
		assert_int_equal(sb_unmap(&d, SB_IOVA, 4096), 0);
		sb_allow(&bed, pa, 4096, false);
		hwhost_points(bed.h, 20);
		aim(&bed, 0, 0);
		assert_int_equal(weir_sysmmu_attach(bed.sysmmu, NULL), 0);
		sb_domain_free(&d);
		sb_buffer_free(&bed, pa, 4096);
		sb_close(&bed);
	}
}

static void test_sysmmu_block_stuck(void **state)
{
	struct sysmmu_bed bed;
	struct sb_domain d;
	unsigned long accesses;
	uint64_t pa;

	(void)state;
	for (unsigned int v = 0; v < SB_VERSIONS; v++) {
		open_bed(&bed, v, v);
		pa = sb_buffer(&bed, 4096);
		sb_domain(&bed, &d);
		sb_map(&d, SB_IOVA, pa, 4096, PROT);
		assert_int_equal(weir_sysmmu_attach(bed.sysmmu, d.domain), 0);
		sysmmu_misbehave(bed.s, SYSMMU_BLOCK_STUCK, 1);
		assert_int_equal(sb_unmap(&d, SB_IOVA, 4096), WEIR_EIO);
		assert_string_equal(bed.told, "it does not block its master");
		accesses = sysmmu_stats_get(bed.s)->accesses;
		assert_int_equal(weir_sysmmu_attach(bed.sysmmu, NULL), WEIR_EIO);
		assert_int_equal(weir_sysmmu_invalidate(d.domain, &(struct weir_invalidation){
			.iova = SB_IOVA, .bytes = 4096 }), WEIR_EIO);
		hwhost_points(bed.h, 100);
		assert_int_equal(sysmmu_stats_get(bed.s)->accesses, accesses);
		assert_int_equal(bed.nr_told, 2);
		/* only power ends it */
		weir_sysmmu_suspend(bed.sysmmu);
		sysmmu_power(bed.s, false);
		sysmmu_power(bed.s, true);
		assert_int_equal(weir_sysmmu_resume(bed.sysmmu), 0);
		sb_map(&d, SB_IOVA, pa, 4096, PROT);
		assert_int_equal(weir_sysmmu_attach(bed.sysmmu, d.domain), 0);
		assert_true(sb_lands(&bed, SB_IOVA, true));
		sysmmu_misbehave(bed.s, SYSMMU_BLOCK_STUCK, 1);
		assert_int_equal(weir_sysmmu_attach(bed.sysmmu, NULL), WEIR_EIO);
		d.domain = weir_sysmmu_domain_destroy(d.domain);
		bed.sysmmu = weir_sysmmu_destroy(bed.sysmmu);
		assert_int_equal(bed.kept, 1); /* its tables stay with it */
		sysmmu_power(bed.s, false);
		sb_domain_free(&d);
		sb_buffer_free(&bed, pa, 4096);
		sb_close(&bed);
	}
}

/* ---- power and clock ---- */

static void power(unsigned int version, uint64_t seed)
{
	struct sysmmu_bed bed;
	struct sb_domain d;
	uint64_t pa;

	open_bed(&bed, version, seed);
	pa = sb_buffer(&bed, 4096);
	sb_domain(&bed, &d);
	sb_map(&d, SB_IOVA, pa, 4096, PROT);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(weir_sysmmu_attach(bed.sysmmu, d.domain), 0);
		assert_true(sb_lands(&bed, SB_IOVA, true));
		weir_sysmmu_suspend(bed.sysmmu);
		assert_false(sb_lands(&bed, SB_IOVA, true));
		assert_false(sb_lands(&bed, pa, true));
		/* nothing is touched meanwhile: that would be a finding */
		sysmmu_clock(bed.s, false);
		if (i & 1)
			sysmmu_power(bed.s, false);
		assert_int_equal(weir_sysmmu_invalidate(d.domain, &(struct weir_invalidation){
			.iova = SB_IOVA, .bytes = 4096 }), 0);
		assert_int_equal(weir_sysmmu_attach(bed.sysmmu, NULL), WEIR_EIO);
		assert_int_equal(weir_sysmmu_poll(bed.sysmmu), 0);
		hwhost_points(bed.h, 2000);
		if (i & 1)
			sysmmu_power(bed.s, true);
		sysmmu_clock(bed.s, true);
		assert_int_equal(weir_sysmmu_resume(bed.sysmmu), 0);
		assert_int_equal(weir_sysmmu_resume(bed.sysmmu), 0);
		assert_false(sb_lands(&bed, SB_IOVA, true));
	}
	weir_sysmmu_suspend(bed.sysmmu);
	sysmmu_misbehave(bed.s, SYSMMU_DEAD, 1);
	assert_int_equal(weir_sysmmu_resume(bed.sysmmu), WEIR_ENODEV);
	sysmmu_misbehave(bed.s, SYSMMU_DEAD, 0);
	sb_domain_free(&d);
	sb_buffer_free(&bed, pa, 4096);
	sb_close(&bed);
}

static void test_sysmmu_power_loss(void **state)
{
	(void)state;
	all_versions(power);
}

/* ---- what runs already ---- */

/* A display that firmware left on, through a System MMU that is off, or has tables of firmware's. */
static void taken_over(unsigned int version, uint64_t seed)
{
	const uint64_t frame = 0x4000;
	struct sysmmu_config config;
	struct hwdisplay *display;
	struct sysmmu_bed bed;
	struct sb_domain d, firmware;
	uint64_t pa;

	sb_version(version, seed, &config);
	sb_init(&bed, &config);
	assert_int_equal(sb_create(&bed), 0); /* to have tables to be found */
	pa = sb_buffer(&bed, frame);
	sb_domain(&bed, &firmware);
	sb_map(&firmware, (uint32_t)pa, pa, frame, WEIR_MAP_READ);
	hwpattern_fill(hwram_va(bed.h->ram, pa, frame), frame, 7, 0);
	bed.ops.cache_sync(bed.t, pa, frame, WEIR_CACHE_CLEAN);
	assert_int_equal(weir_sysmmu_attach(bed.sysmmu, firmware.domain), 0);
	if (seed & 2)
		assert_int_equal(weir_sysmmu_attach_identity(bed.sysmmu), 0);
	/* that driver is gone, and what it set up stays */
	bed.config.keep = true;
	display = hwdisplay_create(&(struct hwdisplay_config){
		.port = sysmmu_port(bed.s), .burst_bytes = 64, .slack = 32 });
	hwhost_display(bed.h, display);
	firmware.domain = weir_sysmmu_domain_destroy(firmware.domain);
	bed.sysmmu = weir_sysmmu_destroy(bed.sysmmu);
	sysmmu_boot_loader(bed.s, 0);
	if (!(seed & 2)) {
		struct weir_tables tables;

		weir_table_describe(firmware.table, &tables);
		sysmmu_boot_loader(bed.s, tables.root_pa);
	}
	hwdisplay_show(display, pa, frame, 7);
	hwhost_points(bed.h, 1000);
	assert_int_equal(sb_create(&bed), 0);
	hwhost_points(bed.h, 1000);
	sb_domain(&bed, &d);
	sb_map(&d, (uint32_t)pa, pa, frame, WEIR_MAP_READ);
	assert_int_equal(weir_sysmmu_attach(bed.sysmmu, d.domain), 0);
	assert_int_equal(weir_sysmmu_enforce(bed.sysmmu), 0);
	sb_domain_free(&firmware);
	hwhost_points(bed.h, 1000);
	/* unmapping beside it costs no frame either */
	for (unsigned int i = 0; i < 50; i++) {
		sb_map(&d, SB_IOVA, pa, frame, PROT);
		hwhost_points(bed.h, 10);
		assert_int_equal(sb_unmap(&d, SB_IOVA, frame), 0);
	}
	assert_true(hwdisplay_stats_get(display)->frames >= 10);
	assert_int_equal(hwdisplay_stats_get(display)->lost, 0);
	assert_int_equal(hwdisplay_stats_get(display)->wrong, 0);
	hwdisplay_stop(display);
	assert_int_equal(weir_sysmmu_attach(bed.sysmmu, NULL), 0);
	sb_domain_free(&d);
	sb_buffer_free(&bed, pa, frame);
	sb_close(&bed);
	hwdisplay_destroy(display);
}

static void test_sysmmu_taken_over(void **state)
{
	(void)state;
	all_versions(taken_over);
}

/* With nothing attached it stays as it is until it is enforced; and for good, when it never is. */
static void test_sysmmu_left_as_found(void **state)
{
	struct sysmmu_config config;
	struct sysmmu_bed bed;
	uint64_t pa;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		sb_version(i ? 3 : 8, i, &config);
		sb_init(&bed, &config);
		pa = sb_buffer(&bed, 4096);
		bed.config.keep = true;
		assert_int_equal(sb_create(&bed), 0);
		assert_true(sb_lands(&bed, pa, true));
		if (i)
			assert_int_equal(weir_sysmmu_enforce(bed.sysmmu), 0);
		bed.sysmmu = weir_sysmmu_destroy(bed.sysmmu);
		assert_int_equal(sb_lands(&bed, pa, true), !i);
		sb_buffer_free(&bed, pa, 4096);
		sb_close(&bed);
	}
}

/* ---- refusals ---- */

static void refuses(struct sysmmu_bed *bed, int err, const char *text)
{
	const char *log;

	assert_int_equal(sb_create(bed), err);
	log = hwhost_log_take(bed->h);
	if (!strstr(log, text))
		fail_msg("\"%s\" is not in \"%s\"", text, log);
	sb_close(bed);
}

static void test_sysmmu_refuses_versions(void **state)
{
	static const unsigned int majors[] = { 0, 4, 6, 8, 9, 15 };
	struct sysmmu_config config;
	struct sysmmu_bed bed;

	(void)state;
	for (unsigned int i = 0; i < sizeof(majors) / sizeof(majors[0]); i++) {
		sb_version(4, 0, &config);
		config.major = majors[i];
		sb_init(&bed, &config);
		refuses(&bed, WEIR_EOPNOTSUPP, "its version is not known");
	}
	sb_version(8, 0, &config);
	sb_init(&bed, &config);
	bed.config.bytes = SYSMMU_BYTES;
	refuses(&bed, WEIR_EIO, "it has too few registers");
	sb_init(&bed, &config);
	bed.config.bytes = 0x100;
	refuses(&bed, WEIR_EIO, "it has too few registers");
}

static uint64_t time_stands_still(void *host)
{
	(void)host;
	return 7;
}

static void test_sysmmu_refuses_hosts(void **state)
{
	struct sysmmu_config config;
	struct sysmmu_bed bed;

	(void)state;
	sb_version(4, 0, &config);
	sb_init(&bed, &config);
	bed.ops.cache_sync = NULL;
	refuses(&bed, WEIR_EOPNOTSUPP, "it is not coherent, and the host has no cache maintenance");
	sb_init(&bed, &config);
	bed.ops.pages_alloc = NULL;
	refuses(&bed, WEIR_EOPNOTSUPP, "the host has no pages, or no registers");
	sb_init(&bed, &config);
	bed.ops.mmio_map = NULL;
	refuses(&bed, WEIR_EOPNOTSUPP, "the host has no pages, or no registers");
	sb_init(&bed, &config);
	sysmmu_misbehave(bed.s, SYSMMU_DEAD, 1);
	refuses(&bed, WEIR_ENODEV, "no System MMU answers");
	sb_init(&bed, &config);
	sysmmu_boot_loader(bed.s, 0x80300000);
	sysmmu_misbehave(bed.s, SYSMMU_BLOCK_STUCK, 1);
	refuses(&bed, WEIR_ETIMEDOUT, "it does not block its master");
	sb_init(&bed, &config);
	bed.ops.time_ns = time_stands_still;
	sysmmu_boot_loader(bed.s, 0x80300000);
	sysmmu_misbehave(bed.s, SYSMMU_BLOCK_STUCK, 1);
	refuses(&bed, WEIR_ETIMEDOUT, "it does not block its master");
}

static void test_sysmmu_walks(void **state)
{
	static const struct weir_tables good = {
		.format = WEIR_TABLE_EXYNOS, .root_pa = 0x80004000, .granule_lg2 = 12,
		.iova_bits = 32, .pa_bits = 32, .levels = 2,
	};
	struct weir_sysmmu_domain *domain;
	struct weir_tables bad[6];
	struct sysmmu_bed bed;

	(void)state;
	open_bed(&bed, 3, 0);
	assert_int_equal(weir_sysmmu_version(bed.sysmmu), 0x301);
	assert_int_equal(weir_sysmmu_walks(bed.sysmmu, &good), 0);
	for (unsigned int i = 0; i < 6; i++)
		bad[i] = good;
	bad[0].format = WEIR_TABLE_EXYNOS_V5;
	bad[1].root_pa = 0x80001000;
	bad[2].coherent = true;
	bad[3].root_pa = UINT64_C(0x100000000);
	bad[4].format = WEIR_TABLE_ARM_SHORT;
	bad[5].pa_bits = 36;
	for (unsigned int i = 0; i < 6; i++)
		assert_int_equal(weir_sysmmu_domain_create(bed.sysmmu, &bad[i], &domain),
				 WEIR_EOPNOTSUPP);
	sb_close(&bed);
}

/* Every call of the host that can fail does. */
static void test_sysmmu_every_call_fails(void **state)
{
	struct sysmmu_config config;
	struct sysmmu_bed bed;
	unsigned int n = 1;
	bool hit;

	(void)state;
	sb_version(5, 0, &config);
	do {
		sb_init(&bed, &config);
		testhost_fail_at(bed.t, n++);
		hit = sb_create(&bed) != 0;
		assert_int_equal(hit, testhost_fault_hit(bed.t) && !bed.sysmmu);
		hit = testhost_fault_hit(bed.t);
		sb_close(&bed);
	} while (hit);
	assert_true(n > 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sysmmu_story),
		cmocka_unit_test(test_sysmmu_large_pages),
		cmocka_unit_test(test_sysmmu_flushes),
		cmocka_unit_test(test_sysmmu_faults),
		cmocka_unit_test(test_sysmmu_storm),
		cmocka_unit_test(test_sysmmu_interrupt_lost),
		cmocka_unit_test(test_sysmmu_no_interrupt),
		cmocka_unit_test(test_sysmmu_block_late),
		cmocka_unit_test(test_sysmmu_block_stuck),
		cmocka_unit_test(test_sysmmu_power_loss),
		cmocka_unit_test(test_sysmmu_taken_over),
		cmocka_unit_test(test_sysmmu_left_as_found),
		cmocka_unit_test(test_sysmmu_refuses_versions),
		cmocka_unit_test(test_sysmmu_refuses_hosts),
		cmocka_unit_test(test_sysmmu_walks),
		cmocka_unit_test(test_sysmmu_every_call_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
