// SPDX-License-Identifier: MIT
/* What the versions of the System MMU differ in: registers, faults, configuration. See regs.h. */
#include "drivers/exynos-sysmmu/priv.h"

#define R WEIR_FAULT_READ
#define W WEIR_FAULT_WRITE
#define KIND(why, how, at) { .known = true, .reason = (why), .flags = (how), .address = (at) }
#define MULTIHIT(how, at)  { .known = true, .reason = WEIR_FAULT_UNKNOWN, .flags = (how), \
			     .address = (at), .multihit = true }

/* A page fault does not say what the access was, a bus error no address of its master. */
static const struct sysmmu_fault_kind kinds_v1[] = {
	KIND(WEIR_FAULT_UNMAPPED, 0, 0x24),
	MULTIHIT(R, 0x2c),
	MULTIHIT(W, 0x28),
	KIND(WEIR_FAULT_EXTERNAL, WEIR_FAULT_NO_IOVA, 0),
	KIND(WEIR_FAULT_PERMISSION, R, 0x2c), /* security */
	KIND(WEIR_FAULT_PERMISSION, R, 0x2c),
	KIND(WEIR_FAULT_PERMISSION, W, 0x28), /* security */
	KIND(WEIR_FAULT_PERMISSION, W, 0x28),
};
static const struct sysmmu_fault_kind kinds_v5[] = {
	KIND(WEIR_FAULT_EXTERNAL, R, 0x70),
	KIND(WEIR_FAULT_UNMAPPED, R, 0x70),
	MULTIHIT(R, 0x70),
	KIND(WEIR_FAULT_PERMISSION, R, 0x70),
	KIND(WEIR_FAULT_PERMISSION, R, 0x70), /* security */
	[16] = KIND(WEIR_FAULT_EXTERNAL, W, 0x80),
	[17] = KIND(WEIR_FAULT_UNMAPPED, W, 0x80),
	[18] = MULTIHIT(W, 0x80),
	[19] = KIND(WEIR_FAULT_PERMISSION, W, 0x80),
	[20] = KIND(WEIR_FAULT_PERMISSION, W, 0x80),
};
/* Version 7 tells the direction elsewhere. */
#define KINDS_V7(at) \
	KIND(WEIR_FAULT_EXTERNAL, 0, at), KIND(WEIR_FAULT_UNMAPPED, 0, at), \
	KIND(WEIR_FAULT_PERMISSION, 0, at)
static const struct sysmmu_fault_kind kinds_v7[] = { KINDS_V7(0x70) };
static const struct sysmmu_fault_kind kinds_v7_vm[] = { KINDS_V7(0x1000) };

static const struct sysmmu_variant v1 = {
	.flush_all = 0x0c, .flush_entry = 0x10, .base = 0x14, .int_status = 0x18, .int_clear = 0x1c,
	.kinds = kinds_v1, .nr_kinds = sizeof(kinds_v1) / sizeof(kinds_v1[0]),
};
static const struct sysmmu_variant v5 = {
	.base = 0x0c, .flush_all = 0x10, .flush_entry = 0x14, .flush_range = 0x18,
	.flush_start = 0x20, .flush_end = 0x24, .int_status = 0x60, .int_clear = 0x64,
	.kinds = kinds_v5, .nr_kinds = sizeof(kinds_v5) / sizeof(kinds_v5[0]), .wide = true,
};
static const struct sysmmu_variant v7 = {
	.base = 0x0c, .flush_all = 0x10, .flush_entry = 0x14, .flush_range = 0x18,
	.flush_start = 0x20, .flush_end = 0x24, .int_status = 0x60, .int_clear = 0x64,
	.fault_info = 0x78, .kinds = kinds_v7, .nr_kinds = sizeof(kinds_v7) / sizeof(kinds_v7[0]),
	.wide = true,
};
static const struct sysmmu_variant v7_vm = {
	.base = 0x800c, .flush_all = 0x8010, .flush_entry = 0x8014, .flush_range = 0x8018,
	.flush_start = 0x8020, .flush_end = 0x8024, .int_status = 0x60, .int_clear = 0x64,
	.fault_info = 0x1004, .kinds = kinds_v7_vm,
	.nr_kinds = sizeof(kinds_v7_vm) / sizeof(kinds_v7_vm[0]), .wide = true, .vm = true,
};

static const struct sysmmu_variant *variant_of(const struct weir_sysmmu *s, uint32_t major)
{
	switch (major) {
	case 1: case 2: case 3: return &v1;
	case 5: return &v5;
	case 7:
		if (weir_sysmmu_read_(s, REG_CAPA0) & CAPA0_CAPA1 &&
		    weir_sysmmu_read_(s, REG_CAPA1) & CAPA1_VM)
			return &v7_vm;
		return &v7;
	default: return NULL;
	}
}

int weir_sysmmu_identify_(struct weir_sysmmu *s)
{
	uint32_t raw = weir_sysmmu_read_(s, REG_VERSION);
	const struct sysmmu_variant *variant;
	uint32_t major, minor;

	if (raw == UINT32_MAX || !raw)
		return weir_sysmmu_log_(s, WEIR_ENODEV, "no System MMU answers", raw);
	major = raw == VERSION_NONE ? 1 : VERSION_MAJOR(raw);
	minor = raw == VERSION_NONE ? 0 : VERSION_MINOR(raw);
	variant = variant_of(s, major);
	if (!variant)
		return weir_sysmmu_log_(s, WEIR_EOPNOTSUPP, "its version is not known", raw);
	if (variant->vm && s->config.bytes < REGS_BYTES_VM)
		return weir_sysmmu_log_(s, WEIR_EIO, "it has too few registers", s->config.bytes);
	if (s->variant && (s->variant != variant || s->version != (major << 8 | minor)))
		return weir_sysmmu_log_(s, WEIR_EIO, "it has another version than before", raw);
	s->variant = variant;
	s->version = major << 8 | minor;
	return 0;
}

/*
 * First-level entries are not cached (bit 20): 3.3 does that ahead of accesses, with those that map
 * nothing, too ("iommu/exynos: Apply workaround of caching fault page table entries").
 */
uint32_t weir_sysmmu_cfg_(const struct weir_sysmmu *s)
{
	uint32_t cfg = CFG_QOS_MAX | CFG_EAP;

	if (s->version <= 0x302)
		cfg |= CFG_LRU;
	if (s->version == 0x302)
		cfg |= CFG_SYSSEL;
	if (s->version > 0x302)
		cfg |= CFG_ACGEN;
	return cfg;
}
