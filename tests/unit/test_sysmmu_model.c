// SPDX-License-Identifier: MIT
/*
 * The hostile System MMU itself: that it translates what tables of each version say, that each finding
 * is found when it should be, and that masters count what goes wrong. Tables and accesses are made here
 * by hand.
 */
#include <string.h>

#include "cm.h"
#include "hw/host.h"
#include "hw/sysmmu.h"

#define CTRL 0x00u
#define CFG 0x04u
#define STATUS 0x08u
#define VERSION 0x34u
#define OFF 0u
#define ON 5u
#define BLOCK 7u

/* Where registers are: versions 1 to 3, 5, 7, 7 with VM registers. */
struct regs {
	unsigned int major, minor;
	bool vm, wide;
	uint32_t base, flush, entry, start, end, range, status, clear;
};
static const struct regs all[] = {
	{ 3, 1, false, false, 0x14, 0x0c, 0x10, 0, 0, 0, 0x18, 0x1c },
	{ 5, 0, false, true, 0x0c, 0x10, 0x14, 0x20, 0x24, 0x18, 0x60, 0x64 },
	{ 7, 0, false, true, 0x0c, 0x10, 0x14, 0x20, 0x24, 0x18, 0x60, 0x64 },
	{ 7, 4, true, true, 0x800c, 0x8010, 0x8014, 0x8020, 0x8024, 0x8018, 0x60, 0x64 },
};
#define NR_ALL (sizeof(all) / sizeof(all[0]))

struct rig {
	struct hwram *ram;
	struct sysmmu *s;
	const struct regs *r;
	uint64_t root, table, page;
};

static void put(struct rig *rig, uint64_t pa, uint32_t value)
{
	assert_true(hwram_write(rig->ram, false, pa, &value, 4));
}

static uint64_t get(struct rig *rig, uint32_t at)
{
	return sysmmu_mmio_read(rig->s, at, 4);
}

static void set(struct rig *rig, uint32_t at, uint32_t value)
{
	sysmmu_mmio_write(rig->s, at, 4, value);
}

static uint64_t pages(struct rig *rig, size_t bytes, uint8_t who)
{
	uint64_t pa;
	void *va;

	assert_true(hwram_alloc(rig->ram, bytes, bytes, &va, &pa));
	hwram_clean(rig->ram, pa, bytes); /* its zeros are the CPU's until then */
	hwram_allow(rig->ram, pa, bytes, who, who);
	return pa;
}

static uint32_t entry(const struct rig *rig, uint64_t pa, uint32_t low)
{
	return (uint32_t)(rig->r->wide ? pa >> 4 : pa) | low;
}

/* A page that may be read and written, as the second level has it. */
static uint32_t small(const struct rig *rig, uint64_t pa)
{
	return entry(rig, pa, rig->r->wide ? 3u << 2 | 2 : 1u << 4 | 2);
}

/* With tables that map 0x12345000 to a page, and not yet enabled. */
static void rig_init(struct rig *rig, const struct regs *r, const struct sysmmu_config *config)
{
	struct sysmmu_config c = *config;

	c.major = r->major;
	c.minor = r->minor;
	c.vm = r->vm;
	c.who = 1;
	memset(rig, 0, sizeof(*rig));
	rig->r = r;
	rig->ram = hwram_create(0x80000000, 2 << 20, 1);
	rig->s = sysmmu_create(rig->ram, &c);
	rig->root = pages(rig, 0x4000, 0);
	rig->table = pages(rig, 0x1000, 0);
	rig->page = pages(rig, 0x1000, 1);
	put(rig, rig->root + 4 * 0x123, entry(rig, rig->table, 1));
	put(rig, rig->table + 4 * 0x45, small(rig, rig->page));
}

static void rig_fini(struct rig *rig)
{
	sysmmu_destroy(rig->s);
	hwram_destroy(rig->ram);
}

static void block(struct rig *rig)
{
	set(rig, CTRL, BLOCK);
	for (unsigned int i = 0; i < 100 && !(get(rig, STATUS) & 1); i++)
		;
	assert_int_equal(get(rig, STATUS), 1);
}

static void enable(struct rig *rig)
{
	block(rig);
	set(rig, CFG, 1u << 2);
	set(rig, rig->r->base, (uint32_t)(rig->r->wide ? rig->root >> 12 : rig->root));
	set(rig, rig->r->flush, 1);
	if (rig->r->vm)
		set(rig, 0x8000, 1 | 8);
	set(rig, CTRL, ON);
}

static void flush(struct rig *rig, uint32_t iova)
{
	block(rig);
	set(rig, rig->r->entry, (iova & ~0xfffu) | 1);
	set(rig, CTRL, ON);
}

static enum hwaccess touch(struct rig *rig, uint64_t iova, bool write)
{
	uint64_t word = 1;

	return sysmmu_dma(rig->s, iova, &word, 8, write);
}

static void none(struct rig *rig)
{
	if (sysmmu_findings(rig->s, SYSMMU_FINDINGS))
		fail_msg("%s", sysmmu_first_finding(rig->s));
}

static void found(struct rig *rig, enum sysmmu_finding what)
{
	assert_true(sysmmu_findings(rig->s, what) > 0);
	assert_int_equal(sysmmu_findings(rig->s, what), sysmmu_findings(rig->s, SYSMMU_FINDINGS));
	sysmmu_findings_take(rig->s);
}

static const struct sysmmu_config quiet = { .fault_aborts = true };

/* ---- it translates ---- */

static void test_sysmmu_model_translates(void **state)
{
	struct rig rig;
	uint64_t pa = 0;

	(void)state;
	for (unsigned int i = 0; i < NR_ALL; i++) {
		rig_init(&rig, &all[i], &quiet);
		assert_int_equal(get(&rig, VERSION), all[i].major << 28 | all[i].minor << 21);
		assert_int_equal(touch(&rig, rig.page, true), HWACCESS_LANDED); /* off: it passes */
		assert_int_equal(sysmmu_stats_get(rig.s)->bypassed, 1);
		enable(&rig);
		assert_true(sysmmu_translate(rig.s, 0x12345678, true, &pa));
		assert_int_equal(pa, rig.page + 0x678);
		assert_int_equal(touch(&rig, 0x12345ff8, true), HWACCESS_LANDED);
		/* a section and a large page */
		put(&rig, rig.root + 4 * 0x200,
		    entry(&rig, 0x80100000, rig.r->wide ? 3u << 4 | 2 : 1u << 10 | 2));
		assert_true(sysmmu_translate(rig.s, 0x200abcd0, true, &pa));
		assert_int_equal(pa, 0x801abcd0);
		for (unsigned int k = 0; k < 16; k++)
			put(&rig, rig.table + 4 * (0x90 + k),
			    entry(&rig, 0x80120000, rig.r->wide ? 3u << 2 | 1 : 1u << 4 | 1));
		assert_true(sysmmu_translate(rig.s, 0x1239a120, true, &pa));
		assert_int_equal(pa, 0x8012a120);
		/* held back: neither */
		block(&rig);
		assert_int_equal(touch(&rig, 0x12345000, true), HWACCESS_STALLED);
		none(&rig);
		rig_fini(&rig);
	}
}

/* Rights: read-only pages, and whether they are looked at. */
static void test_sysmmu_model_rights(void **state)
{
	static const uint32_t bits[NR_ALL] = { 1u << 7, 1u << 19, 1u << 2, 1u << 2 };
	struct rig rig;

	(void)state;
	for (unsigned int i = 0; i < NR_ALL; i++) {
		rig_init(&rig, &all[i], &quiet);
		put(&rig, rig.table + 4 * 0x45,
		    entry(&rig, rig.page, rig.r->wide ? 1u << 2 | 2 : 1u << 9 | 1u << 4 | 2));
		enable(&rig);
		assert_int_equal(touch(&rig, 0x12345000, false), HWACCESS_LANDED);
		assert_int_equal(touch(&rig, 0x12345000, true), HWACCESS_ABORTED);
		assert_int_equal(get(&rig, rig.r->status), bits[i]);
		assert_int_equal(touch(&rig, 0x12345000, false), HWACCESS_STALLED);
		set(&rig, CTRL, ON); /* not while the fault is pending */
		assert_int_equal(touch(&rig, 0x12345000, false), HWACCESS_STALLED);
		set(&rig, rig.r->clear, bits[i]);
		set(&rig, CTRL, ON);
		assert_int_equal(touch(&rig, 0x12345000, false), HWACCESS_LANDED);
		block(&rig);
		set(&rig, CFG, 0);
		set(&rig, CTRL, ON);
		assert_int_equal(touch(&rig, 0x12345000, true), HWACCESS_LANDED);
		none(&rig);
		rig_fini(&rig);
	}
}

/* What is cached stays in use until it is flushed: by page, by range, all. */
static void test_sysmmu_model_stale(void **state)
{
	struct rig rig;

	(void)state;
	for (unsigned int i = 0; i < NR_ALL; i++)
		for (unsigned int how = 0; how < (all[i].range ? 3u : 2u); how++) {
			rig_init(&rig, &all[i], &quiet);
			enable(&rig);
			assert_int_equal(touch(&rig, 0x12345000, true), HWACCESS_LANDED);
			put(&rig, rig.table + 4 * 0x45, 0);
			assert_int_equal(touch(&rig, 0x12345000, true), HWACCESS_LANDED);
			flush(&rig, 0x12346000); /* another page */
			assert_int_equal(touch(&rig, 0x12345000, true), HWACCESS_LANDED);
			none(&rig);
			hwram_allow(rig.ram, rig.page, 4096, 0, 0);
			assert_int_equal(touch(&rig, 0x12345000, true), HWACCESS_LANDED);
			found(&rig, SYSMMU_STRAY);
			block(&rig);
			if (how == 2) {
				set(&rig, rig.r->start, 0x12340000);
				set(&rig, rig.r->end, 0x12345000);
			}
			set(&rig, how == 2 ? rig.r->range : how ? rig.r->entry : rig.r->flush,
			    how == 1 ? 0x12345001 : 1);
			set(&rig, CTRL, ON);
			assert_int_equal(touch(&rig, 0x12345000, true), HWACCESS_ABORTED);
			none(&rig);
			rig_fini(&rig);
		}
}

/* In version 2 a large page goes with the set that it is in, and with no other [2]. */
static void test_sysmmu_model_sets(void **state)
{
	static const struct regs v2 = { 2, 0, false, false, 0x14, 0x0c, 0x10, 0, 0, 0, 0x18, 0x1c };
	struct rig rig;
	uint64_t pa;

	(void)state;
	rig_init(&rig, &v2, &quiet);
	put(&rig, rig.root + 4 * 0x200, 0x80100000 | 1u << 10 | 2);
	enable(&rig);
	assert_true(sysmmu_translate(rig.s, 0x20007000, true, &pa));
	put(&rig, rig.root + 4 * 0x200, 0);
	flush(&rig, 0x20000000);
	assert_true(sysmmu_translate(rig.s, 0x20007000, true, &pa));
	flush(&rig, 0x20007000);
	assert_false(sysmmu_translate(rig.s, 0x20007000, true, &pa));
	none(&rig);
	rig_fini(&rig);
}

/* 3.3 remembers what maps nothing, too, when it may [W]. */
static void test_sysmmu_model_remembers_faults(void **state)
{
	static const struct regs v33 = { 3, 3, false, false, 0x14, 0x0c, 0x10, 0, 0, 0, 0x18, 0x1c };
	struct rig rig;
	uint64_t pa;

	(void)state;
	for (unsigned int flpd = 0; flpd < 2; flpd++) {
		rig_init(&rig, &v33, &quiet);
		enable(&rig);
		block(&rig);
		set(&rig, CFG, flpd << 20);
		set(&rig, CTRL, ON);
		assert_false(sysmmu_translate(rig.s, 0x20000000, true, &pa));
		put(&rig, rig.root + 4 * 0x200, 0x80100000 | 1u << 10 | 2);
		assert_int_equal(sysmmu_translate(rig.s, 0x20000000, true, &pa), !flpd);
		flush(&rig, 0x20000000);
		assert_true(sysmmu_translate(rig.s, 0x20000000, true, &pa));
		none(&rig);
		rig_fini(&rig);
	}
}

/* ---- what it finds ---- */

static void test_sysmmu_model_findings(void **state)
{
	struct rig rig;
	uint64_t pa;

	(void)state;
	rig_init(&rig, &all[0], &quiet);
	set(&rig, rig.r->base, (uint32_t)rig.root);
	set(&rig, CTRL, ON);
	found(&rig, SYSMMU_UNINITIALISED);
	enable(&rig);
	none(&rig);
	set(&rig, CTRL, 1);
	set(&rig, CTRL, ON);
	set(&rig, rig.r->base, (uint32_t)rig.root); /* while accesses go on */
	set(&rig, CFG, 0);
	set(&rig, rig.r->flush, 0);
	set(&rig, STATUS, 0);
	assert_int_equal(sysmmu_mmio_read(rig.s, CTRL, 8), UINT64_MAX);
	assert_int_equal(get(&rig, 0x800), UINT32_MAX);
	assert_int_equal(sysmmu_findings(rig.s, SYSMMU_BAD_REGISTER), 7);
	found(&rig, SYSMMU_BAD_REGISTER);
	/* tables */
	put(&rig, rig.root + 4 * 0x300, 3);
	assert_false(sysmmu_translate(rig.s, 0x30000000, true, &pa));
	put(&rig, rig.table + 4 * 0x90, 0x80120000 | 1u << 4 | 1);
	put(&rig, rig.table + 4 * 0x91, 0x80130000 | 1u << 4 | 1);
	assert_true(sysmmu_translate(rig.s, 0x12390000, true, &pa));
	put(&rig, rig.table + 4 * 0x50, 0x80120000 | 3u << 4 | 2);
	assert_true(sysmmu_translate(rig.s, 0x12350000, true, &pa));
	assert_int_equal(sysmmu_findings(rig.s, SYSMMU_BAD_TABLE), 3);
	found(&rig, SYSMMU_BAD_TABLE);
	/* two translations of one address */
	put(&rig, rig.root + 4 * 0x123, 0x80100000 | 1u << 10 | 2);
	assert_true(sysmmu_translate(rig.s, 0x12300000, true, &pa));
	found(&rig, SYSMMU_CONFLICT);
	rig_fini(&rig);
}

static void test_sysmmu_model_freed(void **state)
{
	struct rig rig;
	uint64_t pa;

	(void)state;
	rig_init(&rig, &all[1], &quiet);
	enable(&rig);
	assert_true(sysmmu_translate(rig.s, 0x12345000, true, &pa));
	sysmmu_memory_goes(rig.s, rig.table, 0x1000);
	found(&rig, SYSMMU_FREED); /* a cached entry leads there */
	sysmmu_memory_goes(rig.s, rig.root, 0x4000);
	found(&rig, SYSMMU_FREED);
	put(&rig, rig.root + 4 * 0x123, 0);
	flush(&rig, 0x12345000);
	sysmmu_memory_goes(rig.s, rig.table, 0x1000);
	none(&rig);
	block(&rig);
	sysmmu_memory_goes(rig.s, rig.root, 0x4000);
	none(&rig);
	assert_true(hwram_free(rig.ram, rig.root, 0x4000));
	set(&rig, rig.r->flush, 1);
	set(&rig, CTRL, ON);
	assert_false(sysmmu_translate(rig.s, 0x12345000, true, &pa));
	assert_true(sysmmu_findings(rig.s, SYSMMU_FREED) > 0);
	rig_fini(&rig);
}

static void test_sysmmu_model_off(void **state)
{
	struct rig rig;

	(void)state;
	for (unsigned int power = 0; power < 2; power++) {
		rig_init(&rig, &all[2], &quiet);
		enable(&rig);
		if (power)
			sysmmu_power(rig.s, false);
		else
			sysmmu_clock(rig.s, false);
		assert_int_equal(touch(&rig, 0x12345000, true), HWACCESS_LOST);
		found(&rig, SYSMMU_OFF_DMA);
		get(&rig, CTRL);
		found(&rig, SYSMMU_OFF);
		set(&rig, CTRL, ON);
		found(&rig, SYSMMU_OFF);
		sysmmu_power(rig.s, power);
		sysmmu_power(rig.s, true);
		sysmmu_clock(rig.s, true);
		assert_int_equal(get(&rig, CTRL), OFF);
		enable(&rig);
		assert_int_equal(touch(&rig, 0x12345000, true), HWACCESS_LANDED);
		none(&rig);
		rig_fini(&rig);
	}
}

/* Without a block a flush may be too late for a walk under way: some seed finds that. */
static void test_sysmmu_model_flush_unblocked(void **state)
{
	unsigned int stale = 0;
	struct rig rig;
	uint64_t pa;

	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		rig_init(&rig, &all[0], &(struct sysmmu_config){ .seed = seed, .unrest = 64 });
		enable(&rig);
		assert_true(sysmmu_translate(rig.s, 0x12345000, true, &pa));
		put(&rig, rig.table + 4 * 0x45, 0);
		set(&rig, rig.r->entry, 0x12345001);
		stale += sysmmu_translate(rig.s, 0x12345000, true, &pa);
		rig_fini(&rig);
	}
	assert_true(stale > 0 && stale < 40);
}

/* ---- masters ---- */

static void test_sysmmu_model_display(void **state)
{
	const struct hwdisplay_stats *stats;
	struct hwdisplay *d;
	struct rig rig;
	uint8_t frame[4096];

	(void)state;
	rig_init(&rig, &all[0], &quiet);
	enable(&rig);
	hwpattern_fill(frame, sizeof(frame), 4, 0);
	assert_true(hwram_write(rig.ram, false, rig.page, frame, sizeof(frame)));
	d = hwdisplay_create(&(struct hwdisplay_config){
		.port = sysmmu_port(rig.s), .burst_bytes = 512, .slack = 3 });
	stats = hwdisplay_stats_get(d);
	hwdisplay_show(d, 0x12345000, 4096, 4);
	for (unsigned int i = 0; i < 80; i++)
		hwdisplay_point(d);
	assert_true(stats->frames == 10 && !stats->lost && !stats->wrong);
	block(&rig);
	for (unsigned int i = 0; i < 3; i++)
		hwdisplay_point(d);
	set(&rig, CTRL, ON);
	for (unsigned int i = 0; i < 8; i++)
		hwdisplay_point(d);
	assert_true(stats->frames == 11 && !stats->lost && stats->worst == 3);
	block(&rig);
	for (unsigned int i = 0; i < 4; i++)
		hwdisplay_point(d);
	assert_true(stats->frames == 12 && stats->lost == 1);
	set(&rig, CTRL, ON);
	put(&rig, rig.page + 0x100, 0);
	for (unsigned int i = 0; i < 8; i++)
		hwdisplay_point(d);
	assert_true(stats->frames == 13 && stats->wrong == 1);
	hwdisplay_stop(d);
	hwdisplay_point(d);
	assert_true(!hwdisplay_runs(d) && stats->frames == 13);
	none(&rig);
	hwdisplay_destroy(d);
	rig_fini(&rig);
}

static void test_sysmmu_model_codec(void **state)
{
	const struct hwcodec_job job = { .in = 0x12345000, .out = 0x12346000, .bytes = 256, .seed = 8 };
	struct hwcodec *c;
	struct hwport port;
	struct rig rig;
	uint8_t buf[256];
	uint64_t out;

	(void)state;
	rig_init(&rig, &all[0], &quiet);
	out = pages(&rig, 4096, 1);
	put(&rig, rig.table + 4 * 0x46, small(&rig, out));
	enable(&rig);
	port = sysmmu_port(rig.s);
	c = hwcodec_create(&port, &port);
	for (unsigned int i = 0; i < 3; i++) {
		hwpattern_fill(buf, sizeof(buf), i == 1 ? 1 : 8, 0);
		assert_true(hwram_write(rig.ram, false, rig.page, buf, sizeof(buf)));
		if (i == 2) {
			put(&rig, rig.table + 4 * 0x46, 0);
			flush(&rig, 0x12346000);
		}
		assert_true(hwcodec_start(c, &job));
		assert_false(hwcodec_start(c, &job));
		for (unsigned int k = 0; k < 20; k++)
			hwcodec_point(c);
		assert_false(hwcodec_busy(c));
	}
	assert_int_equal(hwcodec_stats_get(c)->done, 1);
	assert_int_equal(hwcodec_stats_get(c)->wrong, 1);
	assert_int_equal(hwcodec_stats_get(c)->failed, 1);
	assert_true(hwram_read(rig.ram, false, out, buf, sizeof(buf)));
	assert_true(hwpattern_is(buf, sizeof(buf), 9, 0));
	none(&rig);
	hwcodec_destroy(c);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sysmmu_model_translates),
		cmocka_unit_test(test_sysmmu_model_rights),
		cmocka_unit_test(test_sysmmu_model_stale),
		cmocka_unit_test(test_sysmmu_model_sets),
		cmocka_unit_test(test_sysmmu_model_remembers_faults),
		cmocka_unit_test(test_sysmmu_model_findings),
		cmocka_unit_test(test_sysmmu_model_freed),
		cmocka_unit_test(test_sysmmu_model_off),
		cmocka_unit_test(test_sysmmu_model_flush_unblocked),
		cmocka_unit_test(test_sysmmu_model_display),
		cmocka_unit_test(test_sysmmu_model_codec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
