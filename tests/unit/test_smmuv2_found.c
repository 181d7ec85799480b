// SPDX-License-Identifier: MIT
/*
 * The hardware layer for SMMUs of versions 1 and 2 on the hostile model: streams that firmware left
 * running, through bypass and through its tables, taken over without a lost frame, or blocked.
 */
#include "smmuv2bed.h"

/* ---- what firmware left running ---- */

struct handover {
	struct bed bed;
	struct hwdisplay *display;
	struct smmu2_way way;
	struct weir_table *firmware, *ours;
	struct weir_smmu_v2_domain *domain;
	uint64_t frame, iova;
};

static void reg(struct bed *bed, uint64_t at, uint64_t value, unsigned int width)
{
	smmu2_mmio_write(bed->s, at, width, value);
}

static void on_point(void *arg)
{
	hwdisplay_point(((struct handover *)arg)->display);
}

/* Bank 0 translates by firmware's tables; VMID 0, the last ASID; pages of registers are 4 KiB, 16 and 16. */
static void firmware_bank(struct handover *o)
{
	struct weir_table_config config = {
		.format = WEIR_TABLE_ARM_S1, .kind = &weir_table_arm64, .granule_lg2 = 12,
		.iova_bits = 39, .pa_bits = 48, .coherent = true,
	};
	struct weir_tables tables;

	assert_int_equal(weir_table_create(&o->bed.ops, o->bed.t, &config, &o->firmware), 0);
	map(o->firmware, o->iova, o->frame);
	weir_table_describe(o->firmware, &tables);
	reg(&o->bed, 0x1800, 1, 4);
	reg(&o->bed, 0x1000, 1u << 16, 4);
	reg(&o->bed, 0x10010, 5 | 1u << 4, 4);
	reg(&o->bed, 0x10030, 25 | 1u << 8 | 1u << 10 | 3u << 12 | 1u << 23, 4);
	reg(&o->bed, 0x10020, tables.root_pa | 0xffffull << 48, 8);
	reg(&o->bed, 0x10000, 0x1, 4);
}

/* The display runs, through what firmware set up: stream SID, by SMR 7. @type: of S2CR. */
static void handover_open(struct handover *o, unsigned int type, uint32_t mask, uint64_t seed)
{
	struct smmu2_config config;
	struct hwdisplay_config shows = { .burst_bytes = 256 };

	memset(o, 0, sizeof(*o));
	smmu2_config_usual(&config);
	config.seed = seed;
	config.bypass_faults = seed & 1;
	bed_init(&o->bed, &config);
	o->bed.config.keep = true;
	o->frame = buffer(&o->bed, 1);
	hwpattern_fill(hwram_va(o->bed.h->ram, o->frame, 4096), 4096, 7, 0);
	o->bed.ops.dma_barrier(o->bed.t);
	o->iova = type == 0 ? IOVA : o->frame;
	if (type == 0)
		firmware_bank(o);
	reg(&o->bed, 0xc1c, type << 16, 4);
	reg(&o->bed, 0x81c, 1u << 31 | mask << 16 | (SID & ~mask), 4);
	reg(&o->bed, 0x68, 0, 4);
	reg(&o->bed, 0x70, 0, 4);
	while (smmu2_mmio_read(o->bed.s, 0x74, 4))
		;
	reg(&o->bed, 0, 0, 4);
	shows.port = smmu2_port(o->bed.s, SID, &o->way);
	o->display = hwdisplay_create(&shows);
	hwdisplay_show(o->display, o->iova, 4096, 7);
	o->bed.h->on_point = on_point;
	o->bed.h->on_point_arg = o;
	/* the SMMU looks at any write of a register; so does the display */
	smmu2_rogue(o->bed.s, SID, o->iova + 8, SMMU2_READ | SMMU2_MUST);
	hwhost_points(o->bed.h, 100);
}

static void hide(struct handover *o)
{
	smmu2_rogue_stop(o->bed.s, 0);
	hwdisplay_stop(o->display);
}

static void shown(const struct handover *o)
{
	const struct hwdisplay_stats *stats = hwdisplay_stats_get(o->display);

	assert_true(stats->frames > 3);
	assert_int_equal(stats->lost, 0);
	assert_int_equal(stats->wrong, 0);
}

static void handover_close(struct handover *o)
{
	hide(o);
	o->bed.h->on_point = NULL;
	if (o->domain) {
		assert_int_equal(weir_smmu_v2_attach(o->bed.smmu, SID, NULL), 0);
		weir_smmu_v2_domain_destroy(o->domain);
	}
	o->bed.smmu = weir_smmu_v2_destroy(o->bed.smmu);
	weir_table_destroy(o->ours);
	weir_table_destroy(o->firmware);
	buffer_free(&o->bed, o->frame);
	hwdisplay_destroy(o->display);
	bed_close(&o->bed);
}

/* Up, taken over by its consumer, still shown; not a frame is lost. */
static void handover(unsigned int type, uint32_t mask, uint64_t seed)
{
	struct handover o;

	handover_open(&o, type, mask, seed);
	assert_int_equal(bed_create(&o.bed), 0);
	assert_int_equal(weir_smmu_v2_kept(o.bed.smmu), 1);
	assert_int_equal(weir_smmu_v2_enforce(o.bed.smmu), 0);
	hwhost_points(o.bed.h, 100);
	assert_int_equal(touch(&o.bed, OTHER, IOVA), SMMU2_ABORTED);
	o.ours = make_table(&o.bed, WEIR_TABLE_ARM_S1);
	map(o.ours, o.iova, o.frame);
	o.domain = domain_of(&o.bed, o.ours);
	assert_int_equal(weir_smmu_v2_attach(o.bed.smmu, SID, o.domain), 0);
	assert_int_equal(weir_smmu_v2_kept(o.bed.smmu), 0);
	/* firmware's tables are used no more */
	weir_table_destroy(o.firmware);
	o.firmware = NULL;
	hwhost_points(o.bed.h, 100);
	weir_smmu_v2_release(o.bed.smmu);
	hwhost_points(o.bed.h, 100);
	shown(&o);
	handover_close(&o);
}

static void test_smmuv2_found_handover(void **state)
{
	(void)state;
	for (uint64_t seed = 2; seed <= 30; seed += 2) {
		handover(0, 0, seed);
		handover(1, 0, seed);
		handover(0, 0x2, seed);     /* firmware has more ids than we */
		handover(0, 0, seed + 1);   /* where bypass is turned into fault */
	}
}

/* Nobody comes for it: it goes on, also across an unload, until all had their chance. */
static void test_smmuv2_found_released(void **state)
{
	struct handover o;

	(void)state;
	handover_open(&o, 0, 0, 2);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(bed_create(&o.bed), 0);
		assert_int_equal(weir_smmu_v2_kept(o.bed.smmu), 1);
		assert_int_equal(weir_smmu_v2_enforce(o.bed.smmu), 0);
		hwhost_points(o.bed.h, 100);
		if (i < 2)
			o.bed.smmu = weir_smmu_v2_destroy(o.bed.smmu);
		hwhost_points(o.bed.h, 100);
	}
	shown(&o);
	hide(&o);
	weir_smmu_v2_release(o.bed.smmu);
	assert_int_equal(weir_smmu_v2_kept(o.bed.smmu), 0);
	assert_int_equal(touch(&o.bed, SID, IOVA), SMMU2_ABORTED);
	handover_close(&o);
}

/* Without config.keep it is blocked from the start. */
static void test_smmuv2_found_not_kept(void **state)
{
	struct handover o;

	(void)state;
	handover_open(&o, 0, 0, 4);
	hide(&o);
	o.bed.config.keep = false;
	assert_int_equal(bed_create(&o.bed), 0);
	assert_int_equal(weir_smmu_v2_kept(o.bed.smmu), 0);
	assert_int_equal(touch(&o.bed, SID, IOVA), SMMU2_ABORTED);
	handover_close(&o);
}

/* Identity, by S2CR, or by a bank that translates nothing where firmware turns bypass into fault. */
static void test_smmuv2_found_identity(void **state)
{
	struct smmu2_config config;
	struct bed bed;
	uint64_t a;

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		smmu2_config_usual(&config);
		config.bypass_faults = i & 1;
		if (i & 2)
			config.idr0 &= ~(SMMU2_IDR0_S1TS | SMMU2_IDR0_NTS);
		bed_init(&bed, &config);
		assert_int_equal(bed_create(&bed), 0);
		a = buffer(&bed, 1);
		for (unsigned int round = 0; round < 2; round++) {
			assert_int_equal(weir_smmu_v2_attach_identity(bed.smmu, SID), 0);
			assert_int_equal(touch(&bed, SID, a), SMMU2_LANDED);
			assert_int_equal(touch(&bed, OTHER, a), SMMU2_ABORTED);
			weir_smmu_v2_suspend(bed.smmu);
			smmu2_power(bed.s, false);
			smmu2_power(bed.s, true);
			assert_int_equal(weir_smmu_v2_resume(bed.smmu), 0);
			assert_int_equal(touch(&bed, SID, a), SMMU2_ABORTED);
		}
		buffer_free(&bed, a);
		bed_close(&bed);
	}
}

/* A transaction that stalls, as firmware's bank has it, is terminated and told. */
static void test_smmuv2_found_stall(void **state)
{
	struct handover o;

	(void)state;
	handover_open(&o, 0, 0, 6);
	hide(&o);
	reg(&o.bed, 0x10000, 0x1 | 1u << 6 | 1u << 7, 4);
	assert_int_equal(bed_create(&o.bed), 0);
	assert_int_equal(weir_smmu_v2_enforce(o.bed.smmu), 0);
	assert_int_equal(touch(&o.bed, SID, IOVA + 8192), SMMU2_STALLED);
	hwhost_points(o.bed.h, 3);
	assert_int_equal(smmu2_stats_get(o.bed.s)->terminated, 1);
	assert_int_equal(o.bed.nr_faults, 1);
	assert_int_equal(o.bed.faults[0].reason, WEIR_FAULT_UNMAPPED);
	weir_smmu_v2_release(o.bed.smmu);
	handover_close(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smmuv2_found_handover),
		cmocka_unit_test(test_smmuv2_found_released),
		cmocka_unit_test(test_smmuv2_found_not_kept),
		cmocka_unit_test(test_smmuv2_found_identity),
		cmocka_unit_test(test_smmuv2_found_stall),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
