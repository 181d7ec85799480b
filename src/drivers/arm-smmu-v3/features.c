// SPDX-License-Identifier: MIT
/*
 * What an SMMU can do (6.3.1 to 6.3.6). Values that the architecture does not have, or that
 * contradict one another, are refused by the name of their field.
 */
#include "drivers/arm-smmu-v3/priv.h"

#define LINEAR_BITS_MAX 16u /* 4 MiB of entries */
#define LEVEL2_BITS_MAX 24u
#define CMDQ_LG2_MIN    3u  /* a batch, its sync, and what mends a failure */
#define CMDQ_LG2_WANTED 8u  /* one page */
#define EVENTQ_LG2_WANTED 7u

static const uint8_t oas[] = { 32, 36, 40, 42, 44, 48, 52, 52 };

static int bad(const struct weir_smmu_v3 *smmu, int err, const char *text, uint64_t value)
{
	return weir_smmu_log_(smmu, WEIR_LOG_ERR, err, text, value);
}

static int read_idr0(struct weir_smmu_v3 *smmu, uint32_t idr0)
{
	struct smmu_features *has = &smmu->has;

	if (!(IDR0_TTF(idr0) & TTF_AARCH64))
		return bad(smmu, WEIR_EOPNOTSUPP, "IDR0.TTF: it walks no AArch64 tables", idr0);
	if (IDR0_TTENDIAN(idr0) == TTENDIAN_RESERVED || IDR0_TTENDIAN(idr0) == TTENDIAN_BIG)
		return bad(smmu, WEIR_EOPNOTSUPP, "IDR0.TTENDIAN: no little-endian tables", idr0);
	if (IDR0_ST_LEVEL(idr0) > ST_LEVEL_2)
		return bad(smmu, WEIR_EIO, "IDR0.ST_LEVEL: there is no such value", idr0);
	if (IDR0_STALL_MODEL(idr0) > STALL_FORCED)
		return bad(smmu, WEIR_EIO, "IDR0.STALL_MODEL: there is no such value", idr0);
	if (IDR0_STALL_MODEL(idr0) == STALL_FORCED)
		return bad(smmu, WEIR_EOPNOTSUPP, "IDR0.STALL_MODEL: it stalls each fault", idr0);
	has->s1 = idr0 & IDR0_S1P;
	has->s2 = idr0 & IDR0_S2P;
	if (!has->s1 && !has->s2)
		return bad(smmu, WEIR_EIO, "IDR0.S1P, S2P: it translates nothing", idr0);
	if (!has->s2 && idr0 & IDR0_VMID16)
		return bad(smmu, WEIR_EIO, "IDR0.VMID16 without stage 2", idr0);
	has->level2 = IDR0_ST_LEVEL(idr0) == ST_LEVEL_2;
	has->msi = idr0 & IDR0_MSI;
	has->stalls = IDR0_STALL_MODEL(idr0) == STALL_THERE;
	has->cd2l = idr0 & IDR0_CD2L;
	has->asid_max = idr0 & IDR0_ASID16 ? 0xffff : 0xff;
	has->vmid_max = idr0 & IDR0_VMID16 ? 0xffff : 0xff;
	has->coherent = smmu->config.coherency == WEIR_SMMU_V3_COHERENCY_PROBED
				? idr0 & IDR0_COHACC
				: smmu->config.coherency == WEIR_SMMU_V3_COHERENT;
	if (!has->coherent && !smmu->ops->cache_sync)
		return bad(smmu, WEIR_EOPNOTSUPP, "it is not coherent, and the host has no cache_sync",
			   idr0);
	return 0;
}

static int read_idr1(struct weir_smmu_v3 *smmu, uint32_t idr1)
{
	struct smmu_features *has = &smmu->has;
	uint32_t bits = (uint32_t)IDR1_SIDSIZE(idr1);
	uint32_t most = has->level2 ? LEVEL2_BITS_MAX : LINEAR_BITS_MAX;

	if (idr1 & (IDR1_QUEUES_PRESET | IDR1_TABLES_PRESET))
		return bad(smmu, WEIR_EOPNOTSUPP, "IDR1: its tables or queues have fixed places", idr1);
	if (bits > 32)
		return bad(smmu, WEIR_EIO, "IDR1.SIDSIZE: more than 32 bits", idr1);
	has->substream_bits = (uint32_t)IDR1_SSIDSIZE(idr1);
	has->cmdq_lg2 = (uint32_t)IDR1_CMDQS(idr1);
	has->eventq_lg2 = (uint32_t)IDR1_EVENTQS(idr1);
	if (has->cmdq_lg2 > QUEUE_LG2_MAX || has->cmdq_lg2 < CMDQ_LG2_MIN)
		return bad(smmu, WEIR_EIO, "IDR1.CMDQS: no size for a command queue", idr1);
	if (has->eventq_lg2 > QUEUE_LG2_MAX)
		return bad(smmu, WEIR_EIO, "IDR1.EVENTQS: no size for an event queue", idr1);
	if (has->cmdq_lg2 > CMDQ_LG2_WANTED)
		has->cmdq_lg2 = CMDQ_LG2_WANTED;
	if (has->eventq_lg2 > EVENTQ_LG2_WANTED)
		has->eventq_lg2 = EVENTQ_LG2_WANTED;
	if (smmu->config.stream_bits && smmu->config.stream_bits < bits)
		bits = smmu->config.stream_bits;
	has->stream_bits = bits < most ? bits : most;
	return 0;
}

static int read_idr5(struct weir_smmu_v3 *smmu, uint32_t idr3, uint32_t idr5)
{
	struct smmu_features *has = &smmu->has;

	has->ril = idr3 & IDR3_RIL;
	has->bbml = (uint32_t)IDR3_BBML(idr3);
	if (has->bbml > 2)
		return bad(smmu, WEIR_EIO, "IDR3.BBML: there is no such level", idr3);
	/* 56 bits, of either, come with D128, whose descriptors are not used: 52 are */
	if (IDR5_OAS(idr5) > 6u + IDR5_D128(idr5))
		return bad(smmu, WEIR_EIO, "IDR5.OAS: there is no such size", idr5);
	if (IDR5_VAX(idr5) > 1u + IDR5_D128(idr5))
		return bad(smmu, WEIR_EIO, "IDR5.VAX: there is no such size", idr5);
	has->granules = (idr5 & IDR5_GRAN4K ? 1u << 12 : 0) | (idr5 & IDR5_GRAN16K ? 1u << 14 : 0) |
			(idr5 & IDR5_GRAN64K ? 1u << 16 : 0);
	if (!has->granules)
		return bad(smmu, WEIR_EIO, "IDR5: it has no page size", idr5);
	has->oas_bits = oas[IDR5_OAS(idr5)];
	has->ds = idr5 & IDR5_DS;
	has->va_bits = IDR5_VAX(idr5) ? 52 : 48;
	return 0;
}

int weir_smmu_features_(struct weir_smmu_v3 *smmu)
{
	uint32_t idr0 = weir_smmu_read_(smmu, REG_IDR0), idr1 = weir_smmu_read_(smmu, REG_IDR1);
	int err;

	if ((idr0 == UINT32_MAX && idr1 == UINT32_MAX) || (!idr0 && !idr1))
		return bad(smmu, WEIR_ENODEV, "there is no SMMUv3 there", smmu->config.base_pa);
	err = read_idr0(smmu, idr0);
	if (!err)
		err = read_idr1(smmu, idr1);
	if (!err)
		err = read_idr5(smmu, weir_smmu_read_(smmu, REG_IDR3), weir_smmu_read_(smmu, REG_IDR5));
	return err;
}

bool weir_smmu_is_ds_(const struct weir_tables *tables)
{
	return tables->granule_lg2 < 16 && (tables->iova_bits > 48 || tables->pa_bits > 48);
}

uint32_t weir_smmu_pa_code_(uint32_t bits)
{
	uint32_t code = 0;

	while (code < sizeof(oas) - 1 && oas[code] < bits)
		code++;
	return code;
}

/* ---- what suits it ---- */

static uint32_t granule_of(const struct smmu_features *has)
{
	return has->granules & 1u << 12 ? 12 : has->granules & 1u << 14 ? 14 : 16;
}

static void get_tables(const struct weir_smmu_v3 *smmu, bool s1, struct weir_table_config *out_config)
{
	const struct smmu_features *has = &smmu->has;
	uint32_t granule = granule_of(has);
	/* 52 bits take pages of 64 KiB, 3.4.1, or smaller ones with DS: that only where memory can be there */
	bool ds = granule < 16 && has->ds && has->oas_bits == 52 && smmu->config.ds_kind;
	uint32_t most = granule == 16 || ds ? 52 : 48;
	uint32_t bits = has->va_bits < most ? has->va_bits : most;
	uint32_t pa_bits = has->oas_bits < most ? has->oas_bits : most;

	/* Stage 2 takes addresses as wide as those that come out, 3.4.1. */
	*out_config = (struct weir_table_config){
		.format = s1 ? WEIR_TABLE_ARM_S1 : WEIR_TABLE_ARM_S2,
		.kind = ds ? smmu->config.ds_kind : &weir_table_arm64,
		.granule_lg2 = granule,
		.iova_bits = s1 || pa_bits > bits ? bits : pa_bits,
		.pa_bits = pa_bits,
		.bbm_level = has->bbml,
		.coherent = has->coherent,
	};
}

void weir_smmu_v3_tables_get(const struct weir_smmu_v3 *smmu, struct weir_table_config *out_config)
{
	get_tables(smmu, smmu->has.s1, out_config);
}

int weir_smmu_v3_stage2_get(const struct weir_smmu_v3 *smmu, struct weir_table_config *out_config)
{
	if (!smmu->has.s2)
		return WEIR_EOPNOTSUPP;
	get_tables(smmu, false, out_config);
	return 0;
}

void weir_smmu_v3_limits_get(const struct weir_smmu_v3 *smmu, struct weir_domain_limits *out_limits)
{
	struct weir_table_config config;

	weir_smmu_v3_tables_get(smmu, &config);
	*out_limits = (struct weir_domain_limits){
		.page_bytes = UINT64_C(1) << config.granule_lg2,
		.iova_max = (UINT64_C(1) << config.iova_bits) - 1,
	};
}

uint32_t weir_smmu_v3_stream_max(const struct weir_smmu_v3 *smmu)
{
	return (UINT32_C(1) << smmu->has.stream_bits) - 1;
}

int weir_smmu_v3_walks(const struct weir_smmu_v3 *smmu, const struct weir_tables *tables)
{
	const struct smmu_features *has = &smmu->has;
	bool stage2 = tables->format == WEIR_TABLE_ARM_S2;
	uint32_t widest = stage2 ? has->oas_bits : has->va_bits;

	if (!(stage2 ? has->s2 : tables->format == WEIR_TABLE_ARM_S1 && has->s1))
		return WEIR_EOPNOTSUPP;
	if (tables->granule_lg2 > 16 || !(has->granules & 1u << tables->granule_lg2))
		return WEIR_EOPNOTSUPP;
	/* T0SZ is 16 to 39, and 12 with 52 bits, 5.4; of stage 1 it says which level is the first. */
	if (tables->iova_bits > widest || tables->iova_bits < 25 || tables->pa_bits > has->oas_bits ||
	    tables->levels < 1 || tables->levels > (stage2 ? 4 : 5) ||
	    (weir_smmu_is_ds_(tables) && !has->ds))
		return WEIR_EOPNOTSUPP;
	if (tables->coherent && !has->coherent)
		return WEIR_EOPNOTSUPP; /* it would walk what is in the CPU's caches only */
	return 0;
}
