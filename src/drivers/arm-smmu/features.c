// SPDX-License-Identifier: MIT
/*
 * What an SMMU can do (SMMU_IDR0 to IDR2). Values that the architecture does not have, or that
 * contradict one another, are refused by the name of their field.
 */
#include "drivers/arm-smmu/priv.h"

static const uint8_t sizes[] = { 32, 36, 40, 42, 44, 48 };

static int bad(const struct weir_smmu_v2 *smmu, int err, const char *text, uint64_t value)
{
	return weir_smmu2_log_(smmu, WEIR_LOG_ERR, err, text, value);
}

static int read_idr0(struct weir_smmu_v2 *smmu, uint32_t idr0)
{
	struct smmu2_features *has = &smmu->has;

	has->s1 = idr0 & IDR0_S1TS;
	has->s2 = idr0 & IDR0_S2TS;
	if (!has->s1 && !has->s2)
		return bad(smmu, WEIR_EIO, "IDR0.S1TS, S2TS: it translates nothing", idr0);
	has->nested = idr0 & IDR0_NTS;
	if (has->nested && !(has->s1 && has->s2))
		return bad(smmu, WEIR_EIO, "IDR0.NTS: without both stages", idr0);
	has->ptfs = IDR0_PTFS(idr0);
	if (has->ptfs > PTFS_NONE)
		return bad(smmu, WEIR_EIO, "IDR0.PTFS: there is no such value", idr0);
	has->matching = idr0 & IDR0_SMS;
	has->exids = idr0 & IDR0_EXIDS && !(smmu->config.flags & WEIR_SMMU_V2_ARCH_1);
	if (has->exids && !has->matching)
		return bad(smmu, WEIR_EIO, "IDR0.EXIDS: without stream matching", idr0);
	has->id_bits = has->exids ? 16 : IDR0_NUMSIDB(idr0);
	if (has->id_bits > 15 && !has->exids)
		return bad(smmu, WEIR_EIO, "IDR0.NUMSIDB: more than 15 bits", idr0);
	has->nr_streams = has->matching ? IDR0_NUMSMRG(idr0) : UINT32_C(1) << has->id_bits;
	if (!has->nr_streams || has->nr_streams > SMRS_MAX)
		return bad(smmu, WEIR_EIO, has->matching ? "IDR0.NUMSMRG: there is no such number"
							  : "IDR0.NUMSIDB: more streams than S2CRs",
			   idr0);
	has->coherent = smmu->config.coherency == WEIR_SMMU_V2_COHERENCY_PROBED
				? idr0 & IDR0_CTTW
				: smmu->config.coherency == WEIR_SMMU_V2_COHERENT;
	if (!has->coherent && !smmu->ops->cache_sync)
		return bad(smmu, WEIR_EOPNOTSUPP, "it is not coherent, and the host has no cache_sync",
			   idr0);
	return 0;
}

static int read_idr1(struct weir_smmu_v2 *smmu, uint32_t idr1)
{
	struct smmu2_features *has = &smmu->has;

	has->page_lg2 = idr1 & IDR1_PAGESIZE ? 16 : 12;
	has->nr_pages = UINT32_C(2) << IDR1_NUMPAGENDXB(idr1);
	has->nr_banks = IDR1_NUMCB(idr1);
	has->nr_s2banks = IDR1_NUMS2CB(idr1);
	if (!has->nr_banks || has->nr_banks > BANKS_MAX || has->nr_banks > has->nr_pages)
		return bad(smmu, WEIR_EIO, "IDR1.NUMCB: there is no such number", idr1);
	if (has->nr_s2banks > has->nr_banks)
		return bad(smmu, WEIR_EIO, "IDR1.NUMS2CB: more than NUMCB", idr1);
	if (has->nr_s2banks == has->nr_banks && !has->s2)
		return bad(smmu, WEIR_EIO, "IDR1.NUMS2CB: no bank does stage 1", idr1);
	if ((uint64_t)(has->nr_pages + has->nr_banks) << has->page_lg2 > smmu->config.bytes)
		return bad(smmu, WEIR_EIO, "IDR1: its registers do not fit into what it has", idr1);
	if (has->nr_s2banks == has->nr_banks)
		has->s1 = false;
	return 0;
}

static int read_idr2(struct weir_smmu_v2 *smmu, uint32_t idr2)
{
	bool one = smmu->config.flags & WEIR_SMMU_V2_ARCH_1;
	struct smmu2_features *has = &smmu->has;

	if (IDR2_IAS(idr2) >= sizeof(sizes))
		return bad(smmu, WEIR_EIO, "IDR2.IAS: there is no such size", idr2);
	if (IDR2_OAS(idr2) >= sizeof(sizes))
		return bad(smmu, WEIR_EIO, "IDR2.OAS: there is no such size", idr2);
	if (!one && IDR2_UBS(idr2) > 5 && IDR2_UBS(idr2) != 15)
		return bad(smmu, WEIR_EIO, "IDR2.UBS: there is no such size", idr2);
	has->ipa_bits = sizes[IDR2_IAS(idr2)];
	has->pa_bits = sizes[IDR2_OAS(idr2)];
	has->va_bits = one ? 32 : IDR2_UBS(idr2) >= 5 ? 48 : sizes[IDR2_UBS(idr2)];
	has->vmid16 = !one && idr2 & IDR2_VMID16S;
	has->granules = one ? 0 : (idr2 & IDR2_4K ? 1u << 12 : 0) | (idr2 & IDR2_16K ? 1u << 14 : 0) |
				  (idr2 & IDR2_64K ? 1u << 16 : 0);
	if (!has->granules && has->ptfs == PTFS_NONE)
		return bad(smmu, WEIR_EIO, "IDR0.PTFS, IDR2.PTFSv8: it walks no tables", idr2);
	return 0;
}

int weir_smmu2_features_(struct weir_smmu_v2 *smmu)
{
	uint32_t idr0 = weir_smmu2_read_(smmu, REG_IDR0), idr1 = weir_smmu2_read_(smmu, REG_IDR1);
	int err;

	if ((idr0 == UINT32_MAX && idr1 == UINT32_MAX) || (!idr0 && !idr1))
		return bad(smmu, WEIR_ENODEV, "there is no SMMU there", smmu->config.base_pa);
	err = read_idr0(smmu, idr0);
	if (!err)
		err = read_idr1(smmu, idr1);
	if (!err)
		err = read_idr2(smmu, weir_smmu2_read_(smmu, REG_IDR2));
	return err;
}

/* ---- what suits it ---- */

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void get_tables(const struct weir_smmu_v2 *smmu, bool s1, struct weir_table_config *out_config)
{
	const struct smmu2_features *has = &smmu->has;
	uint32_t granule = has->granules & 1u << 12 ? 12 : has->granules & 1u << 14 ? 14 : 16;
	uint32_t pa_bits = s1 ? least(has->ipa_bits, has->pa_bits) : has->pa_bits;
	uint32_t iova_bits = s1 ? has->va_bits : least(has->ipa_bits, pa_bits);

	if (!has->granules) { /* AArch32 */
		granule = 12;
		pa_bits = least(pa_bits, 40);
		iova_bits = s1 ? 32 : least(iova_bits, 40);
	}
	*out_config = (struct weir_table_config){
		.format = s1 ? WEIR_TABLE_ARM_S1 : WEIR_TABLE_ARM_S2,
		.kind = &weir_table_arm64,
		.granule_lg2 = granule, .iova_bits = iova_bits, .pa_bits = pa_bits,
		.coherent = has->coherent,
	};
}

void weir_smmu_v2_tables_get(const struct weir_smmu_v2 *smmu, struct weir_table_config *out_config)
{
	get_tables(smmu, smmu->has.s1, out_config);
}

int weir_smmu_v2_stage2_get(const struct weir_smmu_v2 *smmu, struct weir_table_config *out_config)
{
	if (!smmu->has.s2)
		return WEIR_EOPNOTSUPP;
	get_tables(smmu, false, out_config);
	return 0;
}

void weir_smmu_v2_limits_get(const struct weir_smmu_v2 *smmu, struct weir_domain_limits *out_limits)
{
	struct weir_table_config config;

	weir_smmu_v2_tables_get(smmu, &config);
	*out_limits = (struct weir_domain_limits){
		.page_bytes = UINT64_C(1) << config.granule_lg2,
		.iova_max = (UINT64_C(1) << config.iova_bits) - 1,
	};
}

/* Long descriptors are laid out alike in AArch64 and AArch32, where one level less is. */
static bool long_32(const struct smmu2_features *has, const struct weir_tables *tables)
{
	bool stage2 = tables->format == WEIR_TABLE_ARM_S2;

	if (has->ptfs > PTFS_LONG || tables->granule_lg2 != 12 || tables->pa_bits > 40)
		return false;
	if (!stage2)
		return tables->iova_bits <= 32 && tables->iova_bits >= 25;
	return tables->iova_bits <= 40 && tables->iova_bits >= 25 && tables->levels <= 3 &&
	       tables->levels >= 2;
}

int weir_smmu2_format_(const struct weir_smmu_v2 *smmu, const struct weir_tables *tables,
		       enum smmu2_format *out_format)
{
	const struct smmu2_features *has = &smmu->has;
	bool stage2 = tables->format == WEIR_TABLE_ARM_S2;
	bool stage1 = tables->format == WEIR_TABLE_ARM_S1;
	bool shorts = tables->format == WEIR_TABLE_ARM_SHORT;
	uint32_t widest = least(stage2 ? has->ipa_bits : has->va_bits, 48);

	if (tables->coherent && !has->coherent)
		return WEIR_EOPNOTSUPP; /* it would walk what is in the CPU's caches only */
	if (stage2 ? !has->s2 : !has->s1)
		return WEIR_EOPNOTSUPP;
	if (tables->pa_bits > has->pa_bits || tables->iova_bits > widest)
		return WEIR_EOPNOTSUPP;
	if ((stage1 || stage2) && tables->granule_lg2 <= 16 &&
	    has->granules & 1u << tables->granule_lg2 && tables->iova_bits >= 25 &&
	    tables->levels >= 1 && tables->levels <= 4)
		*out_format = FORMAT_64;
	else if ((stage1 || stage2) && long_32(has, tables))
		*out_format = FORMAT_32_LONG;
	else if (shorts && has->ptfs == PTFS_BOTH && tables->iova_bits == 32)
		*out_format = FORMAT_32_SHORT;
	else
		return WEIR_EOPNOTSUPP;
	return 0;
}

int weir_smmu_v2_walks(const struct weir_smmu_v2 *smmu, const struct weir_tables *tables)
{
	enum smmu2_format format;

	return weir_smmu2_format_(smmu, tables, &format);
}

int weir_smmu_v2_stream_check(const struct weir_smmu_v2 *smmu, uint32_t stream)
{
	const struct smmu2_features *has = &smmu->has;
	uint32_t id = stream & 0xffff, mask = stream >> 16;

	if (id & mask)
		return WEIR_ERANGE; /* an id that the mask takes out has no meaning */
	if (!has->matching)
		return mask || id >= has->nr_streams ? WEIR_ERANGE : 0;
	return id & ~has->id_mask || mask & ~has->mask_mask ? WEIR_ERANGE : 0;
}
