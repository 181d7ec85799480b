// SPDX-License-Identifier: MIT
/* The kinds of IOMMUs that boards have, see board.h. */
#include "board.h"

#include <limits.h>

#include "weir/arm_smmu.h"

#define UNREST 32u

/* ---- System MMUs: one master each, without ids ---- */

/*
 * Exynos5433 has version 5 (docs/drivers/exynos-sysmmu.md). Of those before it only Exynos5410's
 * are public, and there they differ from block to block. So each gets one of all that those may
 * have, by the seed; a master's may differ.
 */
static unsigned int version_of(struct weir_machine *m, uint64_t seed)
{
	static const unsigned int first[] = { 0x100, 0x102, 0x201, 0x301, 0x302, 0x303 };

	if (eb_is(weir_fwnode_root(m), "samsung,exynos5433"))
		return 0x501;
	return first[seed % (sizeof(first) / sizeof(first[0]))];
}

static void *sysmmu_make(struct eb_board *b, const struct eb_sysmmu *s, uint64_t pa, uint64_t bytes,
			 uint64_t seed)
{
	unsigned int version = version_of(b->m, seed);
	struct sysmmu_config config = {
		.seed = seed, .major = version >> 8, .minor = version & 0xff, .unrest = UNREST,
		.who = s->who,
	};
	uint32_t line = HWHOST_IRQS + (uint32_t)(s - b->sysmmus);

	(void)bytes;
	(void)weir_firmware_line(s->node, 0, &line);
	return hwhost_sysmmu(b->h, pa, &config, line);
}

static struct hwport sysmmu_way(struct eb_master *m, unsigned int i)
{
	const struct eb_sysmmu *s = &m->b->sysmmus[m->sysmmus[i]];

	m->who |= s->who;
	return sysmmu_port(s->model);
}

static void sysmmu_left_on(struct eb_master *m)
{
	sysmmu_boot_loader(m->b->sysmmus[m->sysmmus[0]].model, 0);
}

/* Its layout is that of the model's version (sim/hw/sysmmu/walk.c): the tree says no more. */
static uint32_t sysmmu_section(const struct eb_master *m, uint64_t pa)
{
	uint32_t version = (uint32_t)sysmmu_mmio_read(m->b->sysmmus[m->sysmmus[0]].model, 0x34, 4);

	return version >> 28 >= 5 && version != 0x80000001 ? (uint32_t)(pa >> 20 << 16) | 3u << 4 | 2
							    : (uint32_t)(pa >> 20 << 20) | 1u << 10 | 2;
}

static void sysmmu_left_translating(struct eb_master *m, uint64_t root_pa)
{
	sysmmu_boot_loader(m->b->sysmmus[m->sysmmus[0]].model, root_pa);
}

static void sysmmu_power_set(void *model, bool on)
{
	sysmmu_power(model, on);
}

static void sysmmu_clock_set(void *model, bool on)
{
	sysmmu_clock(model, on);
}

static void sysmmu_dead(void *model, bool on)
{
	sysmmu_misbehave(model, SYSMMU_DEAD, on);
}

static void sysmmu_stuck(void *model, bool on)
{
	sysmmu_misbehave(model, SYSMMU_BLOCK_STUCK, on ? UINT_MAX : 0);
}

static unsigned int sysmmu_found(const void *model)
{
	return sysmmu_findings(model, SYSMMU_FINDINGS);
}

static const char *sysmmu_found_first(const void *model)
{
	return sysmmu_first_finding(model);
}

static uint64_t sysmmu_is(const void *model)
{
	return sysmmu_state(model);
}

static void sysmmu_quiet(void *model)
{
	sysmmu_still(model);
}

static const char *const sysmmu_compatibles[] = { "samsung,exynos-sysmmu", NULL };

const struct eb_kind eb_kind_sysmmu = {
	.name = "System MMUs",
	.compatibles = sysmmu_compatibles,
	.module = &weir_module_exynos_sysmmu,
	.make = sysmmu_make,
	.port = sysmmu_way,
	.left_on = sysmmu_left_on,
	.left_translating = sysmmu_left_translating,
	.section = sysmmu_section,
	.power = sysmmu_power_set,
	.clock = sysmmu_clock_set,
	.dead = sysmmu_dead,
	.gone = sysmmu_dead,
	.stuck = sysmmu_stuck,
	.findings = sysmmu_found,
	.first_finding = sysmmu_found_first,
	.state = sysmmu_is,
	.still = sysmmu_quiet,
};

/* ---- SMMUs of versions 1 and 2: many masters, told apart by ids ---- */

#define BIG_BYTES (4u << 20) /* of registers: their pages have 64 KiB, else 4 */

/* As many register pages as the tree has room for; contexts and stream matches as the model has. */
static void shape(struct smmu2_config *config, uint64_t bytes)
{
	bool big = bytes >= BIG_BYTES;
	uint64_t pages = bytes / 2 / (big ? 0x10000 : 0x1000);
	unsigned int lg2 = 1, banks;

	while (lg2 < 8 && 2ull << lg2 <= pages)
		lg2++;
	banks = 1u << lg2 < SMMU2_BANKS ? 1u << lg2 : SMMU2_BANKS;
	config->idr1 = SMMU2_IDR1(banks, 0, lg2, big);
	config->idr0 = (config->idr0 & ~0xffu) | SMMU2_IDR0_SMRS(96);
}

static void *smmuv2_make(struct eb_board *b, const struct eb_sysmmu *s, uint64_t pa, uint64_t bytes,
			 uint64_t seed)
{
	struct smmu2_config config;
	uint32_t line = 0;

	smmu2_config_usual(&config);
	config.seed = seed;
	config.unrest = UNREST;
	config.version = eb_is(s->node, "arm,smmu-v1") || eb_is(s->node, "arm,mmu-400") ||
			 eb_is(s->node, "arm,mmu-401") ? 1 : 2;
	config.mmu500 = eb_is(s->node, "arm,mmu-500") || eb_is(s->node, "qcom,smmu-500");
	if (weir_firmware_dma_coherent(s->node) <= 0)
		config.idr0 &= ~SMMU2_IDR0_CTTW;
	if (config.version == 1)
		config.idr2 &= ~(SMMU2_IDR2_4K | SMMU2_IDR2_16K | SMMU2_IDR2_64K | SMMU2_IDR2_VMID16);
	shape(&config, bytes);
	(void)weir_firmware_line(s->node, 0, &line);
	return smmu2_attach(b->h, pa, &config, line, true);
}

/* Who has a stream already has its memory, too: they are one group. */
static struct hwport smmuv2_way(struct eb_master *m, unsigned int i)
{
	struct eb_board *b = m->b;
	uint8_t who = (uint8_t)(2u << (unsigned int)(m - b->masters) % 7);

	for (const struct eb_master *other = b->masters; other < m; other++)
		for (unsigned int j = 0; j < other->nr_sysmmus; j++)
			if (other->sysmmus[j] == m->sysmmus[i] && other->ids[j] == m->ids[i])
				who = other->who;
	m->who |= who;
	smmu2_master(b->sysmmus[m->sysmmus[i]].model, m->ids[i], who);
	return smmu2_port(b->sysmmus[m->sysmmus[i]].model, m->ids[i], &m->ways[i]);
}

/* DDI 0406C, B3.5.1: a section that anybody may read and write. */
static uint32_t smmuv2_section(const struct eb_master *m, uint64_t pa)
{
	(void)m;
	return (uint32_t)(pa >> 20 << 20) | 3u << 10 | 2;
}

/* IHI 0062, 9.6: SMR, S2CR (TYPE 0b01: bypass), CR0.USFCFG. It lets the display alone pass. */
static void smmuv2_let(struct eb_master *m, uint32_t s2cr)
{
	struct smmu2 *s = m->b->sysmmus[m->sysmmus[0]].model;
	uint64_t n = 0;

	for (unsigned int i = 0; i < m->nr_sysmmus; i++, n++) {
		if (m->sysmmus[i] != m->sysmmus[0])
			continue;
		smmu2_mmio_write(s, 0xc00 + 4 * n, 4, s2cr);
		smmu2_mmio_write(s, 0x800 + 4 * n, 4, 1u << 31 | m->ids[i]);
	}
	smmu2_mmio_write(s, 0x68, 4, 0);
	smmu2_mmio_write(s, 0x6c, 4, 0);
	smmu2_mmio_write(s, 0x70, 4, 0);
	while (smmu2_mmio_read(s, 0x74, 4) & 1)
		;
	smmu2_mmio_write(s, 0, 4, 1u << 10);
}

static void smmuv2_left_on(struct eb_master *m)
{
	smmuv2_let(m, 1u << 16);
}

/* Bank 0 does stage 1 by short descriptors: SMMU_CBAR0.TYPE 0b01, SMMU_CB0_TTBR0, SMMU_CB0_SCTLR.M. */
static void smmuv2_left_translating(struct eb_master *m, uint64_t root_pa)
{
	struct eb_sysmmu *s = &m->b->sysmmus[m->sysmmus[0]];
	uint64_t pa, bytes, page;

	if (weir_firmware_registers(s->node, 0, &pa, &bytes))
		return;
	page = bytes >= BIG_BYTES ? 0x10000 : 0x1000;
	bytes = 2 * page << (((uint32_t)smmu2_mmio_read(s->model, 0x24, 4) >> 28 & 7) + 1);
	smmu2_mmio_write(s->model, page, 4, 1u << 16);
	smmu2_mmio_write(s->model, bytes / 2 + 0x20, 4, (uint32_t)root_pa);
	smmu2_mmio_write(s->model, bytes / 2, 4, 1);
	smmuv2_let(m, 0);
}

static void smmuv2_power(void *model, bool on)
{
	smmu2_power(model, on);
}

static void smmuv2_clock(void *model, bool on)
{
	smmu2_clock(model, on);
}

static void smmuv2_dead(void *model, bool on)
{
	smmu2_misbehave(model, SMMU2_DEAD, on);
}

static void smmuv2_gone(void *model, bool on)
{
	smmu2_misbehave(model, SMMU2_GONE, on);
}

static void smmuv2_stuck(void *model, bool on)
{
	smmu2_misbehave(model, SMMU2_SYNC_STUCK, on);
}

static unsigned int smmuv2_found(const void *model)
{
	return smmu2_findings(model, SMMU2_FINDINGS);
}

static const char *smmuv2_found_first(const void *model)
{
	return smmu2_first_finding(model);
}

static uint64_t smmuv2_is(const void *model)
{
	return smmu2_state(model);
}

static void smmuv2_quiet(void *model)
{
	smmu2_still(model);
}

/* What the driver takes (src/drivers/arm-smmu/driver.c). */
static const char *const smmuv2_compatibles[] = {
	"arm,smmu-v1", "arm,smmu-v2", "arm,mmu-400", "arm,mmu-401", "arm,mmu-500", "qcom,smmu-v2",
	"qcom,smmu-500", NULL,
};

const struct eb_kind eb_kind_smmuv2 = {
	.name = "SMMUs",
	.compatibles = smmuv2_compatibles,
	.module = &weir_module_arm_smmu,
	.make = smmuv2_make,
	.port = smmuv2_way,
	.left_on = smmuv2_left_on,
	.left_translating = smmuv2_left_translating,
	.section = smmuv2_section,
	.power = smmuv2_power,
	.clock = smmuv2_clock,
	.dead = smmuv2_dead,
	.gone = smmuv2_gone,
	.stuck = smmuv2_stuck,
	.findings = smmuv2_found,
	.first_finding = smmuv2_found_first,
	.state = smmuv2_is,
	.still = smmuv2_quiet,
};
