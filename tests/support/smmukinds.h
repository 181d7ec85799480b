// SPDX-License-Identifier: MIT
/*
 * The SMMUs of version 2 and 3 behind one table of functions each: the hostile model, and the hardware
 * layer of its driver, for tests that are the same for both. Nothing here is a test's expectation.
 */
#ifndef WEIR_TESTS_SMMUKINDS_H
#define WEIR_TESTS_SMMUKINDS_H

#include <string.h>

#include "cm.h"
#include "hw/host.h"
#include "hw/smmuv2.h"
#include "hw/smmuv3.h"
#include "weir/arm_smmu.h"
#include "weir/arm_smmu_v3.h"

/* What of it is otherwise than usual. */
#define SMMU_NONCOHERENT 0x1u
#define SMMU_PLAIN       0x2u /* v3: no ranges; v2: VMIDs of 8 bits */
#define SMMU_STALLS      0x4u /* faults may stall */
#define SMMU_NO_NESTED   0x8u
#define SMMU_DEAF        0x10u /* off it aborts, where it can be told so */
#define SMMU_SUBSTREAMS  0x20u
#define SMMU_STAGE2      0x40u /* alone */
#define SMMU_OLD         0x80u /* v2: version 1 of the architecture; v3: as it is */
#define SMMU_FEW         0x100u /* v2: few banks, pages of 64 KiB; v3: BBM level 0 */
#define SMMU_MORE        0x200u /* v2: ids of 16 bits; v3: BBM level 2 */
#define SMMU_NO_ABORT    0x400u /* v3: what is off cannot abort */
#define SMMU_LONG        0x800u /* v3: memory and addresses of 52 bits, with small pages */

struct smmu_kind {
	const char *name;
	const struct weir_module_entry *module;
	/* What its node in a device tree says. */
	const char *(*compatible)(uint64_t seed, unsigned int what);
	uint64_t (*bytes)(uint64_t seed, unsigned int what);
	bool global_interrupts;        /* #global-interrupts, and interrupts */
	bool deep;                     /* the guest's context is in its memory: descriptors */
	/* the model */
	void *(*model)(struct hwhost *hw, uint64_t base, uint32_t line, uint64_t seed,
		       unsigned int what);
	void (*master)(void *model, uint32_t sid, uint8_t who);
	unsigned int (*rogue)(void *model, uint32_t sid, uint64_t iova, bool write);
	/* One that reads, and must not be refused. */
	unsigned int (*scan)(void *model, uint32_t sid, uint64_t iova);
	void (*rogue_stop)(void *model, unsigned int rogue);
	void (*aim)(void *model, unsigned int rogue, uint64_t iova);
	bool (*reach)(void *model, uint32_t sid, uint64_t iova, uint64_t *out_pa);
	void (*power)(void *model, bool on);
	void (*stick)(void *model, bool stuck); /* what it was asked to forget is not confirmed */
	unsigned long (*syncs)(const void *model);
	unsigned int (*findings)(const void *model);
	const char *(*first_finding)(const void *model);
	/* the driver's hardware layer */
	int (*create)(const struct weir_host_ops *ops, void *host, uint64_t base, uint32_t line,
		      unsigned int what, void (*fault)(void *arg, const struct weir_fault *fault),
		      void *arg, void **out_smmu);
	void (*destroy)(void *smmu);
	void (*suspend)(void *smmu);
	int (*resume)(void *smmu);
	unsigned int (*poll)(void *smmu);
	int (*stage2)(void *smmu, struct weir_table_config *out_config);
	int (*domain)(void *smmu, const struct weir_tables *tables, void **out_domain);
	void (*domain_end)(void *domain);
	int (*attach)(void *smmu, uint32_t sid, void *domain);
	int (*invalidate)(void *domain, const struct weir_invalidation *what);
	int (*sync)(void *domain);
	int (*nest)(void *parent, const struct weir_nested *nested, void **out_domain);
	int (*forget)(void *domain, const struct weir_nested_invalidation *what);
	/* A guest's stage 1 of 39 bits: its descriptor at @cd, its tables at @root. */
	void (*context)(uint64_t cd, uint64_t root, uint32_t asid, struct weir_nested *out_nested);
};

/* ---- version 3 ---- */

static inline const char *kind3_compatible(uint64_t seed, unsigned int what)
{
	(void)seed;
	(void)what;
	return "arm,smmu-v3";
}

static inline uint64_t kind3_bytes(uint64_t seed, unsigned int what)
{
	(void)seed;
	(void)what;
	return SMMU3_BYTES;
}

static inline unsigned long kind3_syncs(const void *model)
{
	return smmu3_stats_get(model)->syncs;
}

static inline void *kind3_model(struct hwhost *hw, uint64_t base, uint32_t line, uint64_t seed,
				unsigned int what)
{
	struct smmu3_config config;

	smmu3_config_usual(&config);
	config.seed = seed;
	config.cfgi_ste_keeps_cds = seed & 1;
	if (what & SMMU_NONCOHERENT)
		config.idr[0] &= ~SMMU3_IDR0_COHACC;
	config.masters_incoherent = what & SMMU_NONCOHERENT;
	if (what & SMMU_PLAIN)
		config.idr[3] = 0;
	if (what & SMMU_STALLS)
		config.idr[0] &= ~SMMU3_IDR0_NO_STALL;
	if (what & SMMU_NO_NESTED)
		config.idr[0] &= ~(SMMU3_IDR0_S2P | SMMU3_IDR0_VMID16);
	if (what & SMMU_DEAF)
		config.gbpa = 1u << 20;
	if (what & SMMU_SUBSTREAMS)
		config.idr[1] = SMMU3_IDR1(16, 4, 7, 8);
	if (what & SMMU_STAGE2)
		config.idr[0] &= ~SMMU3_IDR0_S1P;
	if (what & (SMMU_FEW | SMMU_MORE))
		config.idr[3] = SMMU3_IDR3_BBML(what & SMMU_MORE ? 2 : 0);
	if (what & SMMU_LONG)
		config.idr[5] = SMMU3_OAS_52 | SMMU3_IDR5_4K | SMMU3_IDR5_DS | SMMU3_IDR5_VA52;
	config.no_abort = what & SMMU_NO_ABORT;
	return hwhost_smmu(hw, base, &config, line);
}

static inline void kind3_master(void *model, uint32_t sid, uint8_t who)
{
	smmu3_master(model, sid, who);
}

static inline unsigned int kind3_rogue(void *model, uint32_t sid, uint64_t iova, bool write)
{
	return smmu3_rogue(model, sid, iova, write ? SMMU3_WRITE : SMMU3_READ);
}

static inline unsigned int kind3_scan(void *model, uint32_t sid, uint64_t iova)
{
	return smmu3_rogue(model, sid, iova, SMMU3_READ | SMMU3_MUST);
}

static inline void kind3_rogue_stop(void *model, unsigned int rogue)
{
	smmu3_rogue_stop(model, rogue);
}

static inline void kind3_aim(void *model, unsigned int rogue, uint64_t iova)
{
	smmu3_rogue_aim(model, rogue, iova);
}

static inline bool kind3_reach(void *model, uint32_t sid, uint64_t iova, uint64_t *out_pa)
{
	return smmu3_translate(model, sid, iova, SMMU3_READ, out_pa) == SMMU3_LANDED;
}

static inline void kind3_power(void *model, bool on)
{
	smmu3_power(model, on);
}

static inline void kind3_stick(void *model, bool stuck)
{
	smmu3_misbehave(model, SMMU3_CMDQ_STUCK, stuck);
}

static inline unsigned int kind3_findings(const void *model)
{
	return smmu3_findings(model, SMMU3_FINDINGS);
}

static inline const char *kind3_first_finding(const void *model)
{
	return smmu3_first_finding(model);
}

static inline int kind3_create(const struct weir_host_ops *ops, void *host, uint64_t base,
			       uint32_t line, unsigned int what,
			       void (*fault)(void *arg, const struct weir_fault *fault), void *arg,
			       void **out_smmu)
{
	const struct weir_smmu_v3_config config = {
		.name = "smmu", .base_pa = base, .nr_lines = 2, .lines = { line, line + 2 },
		.timeout_ns = 20000000, .fault = fault, .arg = arg,
	};
	struct weir_smmu_v3 *smmu;
	int err = weir_smmu_v3_create(ops, host, &config, &smmu);

	(void)what;
	if (!err)
		*out_smmu = smmu;
	return err;
}

static inline void kind3_destroy(void *smmu)
{
	weir_smmu_v3_destroy(smmu);
}

static inline void kind3_suspend(void *smmu)
{
	weir_smmu_v3_suspend(smmu);
}

static inline int kind3_resume(void *smmu)
{
	return weir_smmu_v3_resume(smmu);
}

static inline unsigned int kind3_poll(void *smmu)
{
	return weir_smmu_v3_poll(smmu);
}

static inline int kind3_stage2(void *smmu, struct weir_table_config *out_config)
{
	return weir_smmu_v3_stage2_get(smmu, out_config);
}

static inline int kind3_domain(void *smmu, const struct weir_tables *tables, void **out_domain)
{
	struct weir_smmu_v3_domain *domain;
	int err = weir_smmu_v3_domain_create(smmu, tables, 0, &domain);

	if (!err)
		*out_domain = domain;
	return err;
}

static inline void kind3_domain_end(void *domain)
{
	weir_smmu_v3_domain_destroy(domain);
}

static inline int kind3_attach(void *smmu, uint32_t sid, void *domain)
{
	return weir_smmu_v3_attach(smmu, sid, domain);
}

static inline int kind3_invalidate(void *domain, const struct weir_invalidation *what)
{
	return weir_smmu_v3_invalidate(domain, what);
}

static inline int kind3_sync(void *domain)
{
	return weir_smmu_v3_sync(domain);
}

static inline int kind3_nest(void *parent, const struct weir_nested *nested, void **out_domain)
{
	struct weir_smmu_v3_domain *domain;
	int err = weir_smmu_v3_nest(parent, &nested->smmu_v3, &domain);

	if (!err)
		*out_domain = domain;
	return err;
}

static inline int kind3_forget(void *domain, const struct weir_nested_invalidation *what)
{
	return weir_smmu_v3_invalidate_nested(domain, what);
}

/* An STE: valid, stage 1, one descriptor; cacheable and shareable (IHI 0070, 5.2). */
static inline void kind3_context(uint64_t cd, uint64_t root, uint32_t asid,
				 struct weir_nested *out_nested)
{
	(void)root;
	(void)asid;
	*out_nested = (struct weir_nested){ .kind = WEIR_NESTED_SMMU_V3,
					    .smmu_v3 = { { 1 | 5 << 1 | cd, 0xd4 } } };
}

/* ---- version 2 ---- */

static inline void kind2_config(uint64_t seed, unsigned int what, struct smmu2_config *out_config)
{
	struct smmu2_config config;

	smmu2_config_usual(&config);
	config.seed = seed;
	config.mmu500 = seed & 1 && !(what & SMMU_OLD);
	if (what & SMMU_NONCOHERENT)
		config.idr0 &= ~SMMU2_IDR0_CTTW;
	config.masters_incoherent = what & SMMU_NONCOHERENT;
	if (what & SMMU_PLAIN)
		config.idr2 &= ~SMMU2_IDR2_VMID16;
	if (what & SMMU_NO_NESTED)
		config.idr0 &= ~SMMU2_IDR0_NTS;
	if (what & SMMU_STAGE2)
		config.idr0 &= ~(SMMU2_IDR0_S1TS | SMMU2_IDR0_NTS);
	if (what & SMMU_OLD) {
		config.version = 1;
		config.idr2 = SMMU2_IDR2(SMMU2_40, SMMU2_40, 0);
	}
	if (what & SMMU_FEW)
		config.idr1 = SMMU2_IDR1(4, 1, 3, 1);
	if (what & SMMU_MORE)
		config.idr0 |= SMMU2_IDR0_EXIDS;
	*out_config = config;
}

static inline const char *kind2_compatible(uint64_t seed, unsigned int what)
{
	return what & SMMU_OLD ? "arm,mmu-401" : seed & 1 ? "arm,mmu-500" : "arm,smmu-v2";
}

static inline uint64_t kind2_bytes(uint64_t seed, unsigned int what)
{
	struct smmu2_config config;

	kind2_config(seed, what, &config);
	return smmu2_bytes(&config);
}

static inline unsigned long kind2_syncs(const void *model)
{
	return smmu2_stats_get(model)->syncs;
}

static inline void *kind2_model(struct hwhost *hw, uint64_t base, uint32_t line, uint64_t seed,
				unsigned int what)
{
	struct smmu2_config config;

	kind2_config(seed, what, &config);
	return smmu2_attach(hw, base, &config, line, true);
}

static inline void kind2_master(void *model, uint32_t sid, uint8_t who)
{
	smmu2_master(model, sid, who);
}

static inline unsigned int kind2_rogue(void *model, uint32_t sid, uint64_t iova, bool write)
{
	return smmu2_rogue(model, sid, iova, write ? SMMU2_WRITE : SMMU2_READ);
}

static inline unsigned int kind2_scan(void *model, uint32_t sid, uint64_t iova)
{
	return smmu2_rogue(model, sid, iova, SMMU2_READ | SMMU2_MUST);
}

static inline void kind2_rogue_stop(void *model, unsigned int rogue)
{
	smmu2_rogue_stop(model, rogue);
}

static inline void kind2_aim(void *model, unsigned int rogue, uint64_t iova)
{
	smmu2_rogue_aim(model, rogue, iova);
}

static inline bool kind2_reach(void *model, uint32_t sid, uint64_t iova, uint64_t *out_pa)
{
	return smmu2_translate(model, sid, iova, SMMU2_READ, out_pa) == SMMU2_LANDED;
}

static inline void kind2_power(void *model, bool on)
{
	smmu2_power(model, on);
}

static inline void kind2_stick(void *model, bool stuck)
{
	smmu2_misbehave(model, SMMU2_SYNC_STUCK, stuck);
}

static inline unsigned int kind2_findings(const void *model)
{
	return smmu2_findings(model, SMMU2_FINDINGS);
}

static inline const char *kind2_first_finding(const void *model)
{
	return smmu2_first_finding(model);
}

static inline int kind2_create(const struct weir_host_ops *ops, void *host, uint64_t base,
			       uint32_t line, unsigned int what,
			       void (*fault)(void *arg, const struct weir_fault *fault), void *arg,
			       void **out_smmu)
{
	const uint32_t lines[2] = { line, line };
	struct weir_smmu_v2_config config = {
		.name = "smmu", .base_pa = base, .lines = lines, .nr_lines = 2,
		.nr_global_lines = 1, .timeout_ns = 20000000, .fault = fault, .arg = arg,
	};
	struct weir_smmu_v2 *smmu;
	int err;

	config.bytes = kind2_bytes(0, what);
	err = weir_smmu_v2_create(ops, host, &config, &smmu);
	if (!err)
		*out_smmu = smmu;
	return err;
}

static inline void kind2_destroy(void *smmu)
{
	weir_smmu_v2_destroy(smmu);
}

static inline void kind2_suspend(void *smmu)
{
	weir_smmu_v2_suspend(smmu);
}

static inline int kind2_resume(void *smmu)
{
	return weir_smmu_v2_resume(smmu);
}

static inline unsigned int kind2_poll(void *smmu)
{
	return weir_smmu_v2_poll(smmu);
}

static inline int kind2_stage2(void *smmu, struct weir_table_config *out_config)
{
	return weir_smmu_v2_stage2_get(smmu, out_config);
}

static inline int kind2_domain(void *smmu, const struct weir_tables *tables, void **out_domain)
{
	struct weir_smmu_v2_domain *domain;
	int err = weir_smmu_v2_domain_create(smmu, tables, 0, &domain);

	if (!err)
		*out_domain = domain;
	return err;
}

static inline void kind2_domain_end(void *domain)
{
	weir_smmu_v2_domain_destroy(domain);
}

static inline int kind2_attach(void *smmu, uint32_t sid, void *domain)
{
	return weir_smmu_v2_attach(smmu, sid, domain);
}

static inline int kind2_invalidate(void *domain, const struct weir_invalidation *what)
{
	return weir_smmu_v2_invalidate(domain, what);
}

static inline int kind2_sync(void *domain)
{
	return weir_smmu_v2_sync(domain);
}

static inline int kind2_nest(void *parent, const struct weir_nested *nested, void **out_domain)
{
	struct weir_smmu_v2_domain *domain;
	int err = weir_smmu_v2_nest(parent, &nested->smmu_v2, &domain);

	if (!err)
		*out_domain = domain;
	return err;
}

static inline int kind2_forget(void *domain, const struct weir_nested_invalidation *what)
{
	return weir_smmu_v2_invalidate_nested(domain, what);
}

/* A bank: T0SZ 25, EPD1, cacheable walks; 40 bits, ASIDs of 16 bits; translates, ASIDs private. */
static inline void kind2_context(uint64_t cd, uint64_t root, uint32_t asid,
				 struct weir_nested *out_nested)
{
	(void)cd;
	*out_nested = (struct weir_nested){
		.kind = WEIR_NESTED_SMMU_V2,
		.smmu_v2 = {
			.va64 = true, .ttbr0 = root | (uint64_t)asid << 48, .mair0 = 0x0444ff,
			.tcr = 25 | 1u << 8 | 1u << 10 | 3u << 12 | 1u << 23, .tcr2 = 2 | 1u << 4,
			.sctlr = 1 | 1u << 7, /* it would have its faults stall */
		},
	};
}

/* ---- the tables ---- */

static const struct smmu_kind smmu_kind3 = {
	.name = "v3", .compatible = kind3_compatible, .module = &weir_module_arm_smmu_v3,
	.bytes = kind3_bytes, .deep = true, .syncs = kind3_syncs,
	.model = kind3_model, .master = kind3_master,
	.rogue = kind3_rogue, .scan = kind3_scan, .rogue_stop = kind3_rogue_stop, .aim = kind3_aim,
	.reach = kind3_reach, .power = kind3_power, .stick = kind3_stick, .findings = kind3_findings,
	.first_finding = kind3_first_finding,
	.create = kind3_create, .destroy = kind3_destroy, .suspend = kind3_suspend,
	.resume = kind3_resume, .poll = kind3_poll, .stage2 = kind3_stage2, .domain = kind3_domain,
	.domain_end = kind3_domain_end, .attach = kind3_attach, .invalidate = kind3_invalidate,
	.sync = kind3_sync, .nest = kind3_nest, .forget = kind3_forget, .context = kind3_context,
};

static const struct smmu_kind smmu_kind2 = {
	.name = "v2", .compatible = kind2_compatible, .module = &weir_module_arm_smmu,
	.bytes = kind2_bytes, .syncs = kind2_syncs, .global_interrupts = true,
	.model = kind2_model, .master = kind2_master,
	.rogue = kind2_rogue, .scan = kind2_scan, .rogue_stop = kind2_rogue_stop, .aim = kind2_aim,
	.reach = kind2_reach, .power = kind2_power, .stick = kind2_stick, .findings = kind2_findings,
	.first_finding = kind2_first_finding,
	.create = kind2_create, .destroy = kind2_destroy, .suspend = kind2_suspend,
	.resume = kind2_resume, .poll = kind2_poll, .stage2 = kind2_stage2, .domain = kind2_domain,
	.domain_end = kind2_domain_end, .attach = kind2_attach, .invalidate = kind2_invalidate,
	.sync = kind2_sync, .nest = kind2_nest, .forget = kind2_forget, .context = kind2_context,
};

/* A test for each kind. */
#define SMMU_BOTH(test) \
	{ #test "_v3", test, NULL, NULL, (void *)(uintptr_t)&smmu_kind3 }, \
	{ #test "_v2", test, NULL, NULL, (void *)(uintptr_t)&smmu_kind2 }

#endif
