// SPDX-License-Identifier: MIT
/*
 * Which commands drop a range of translations (4.4): with ranges where the SMMU has them
 * (IDR3.RIL), as few as the encoding allows; page by page, or all, where it has not.
 */
#include "drivers/arm-smmu-v3/priv.h"

#define SCALE_MAX 31u

static uint64_t opcode(const struct weir_smmu_v3_domain *domain, bool all)
{
	if (domain->parent)
		return CMD_TLBI_NH_ALL | CMD0_VMID(domain->id);
	if (domain->stage2)
		return (all ? CMD_TLBI_S12_VMALL : CMD_TLBI_S2_IPA) | CMD0_VMID(domain->id);
	return (all ? CMD_TLBI_NH_ASID : CMD_TLBI_NH_VA) | CMD0_ASID(domain->id);
}

void weir_smmu_all_of_(const struct weir_smmu_v3_domain *domain, struct smmu_cmd *out_cmd)
{
	*out_cmd = (struct smmu_cmd){ { opcode(domain, true), 0 } };
}

/* The level of pages of that size, as TTL counts; 0: it cannot be told (4.4.1.1). */
static uint32_t level_of(uint32_t granule_lg2, uint64_t page_bytes)
{
	uint32_t step = granule_lg2 - 3;

	if (!page_bytes)
		return 0;
	if (page_bytes < UINT64_C(1) << (granule_lg2 + step))
		return 3; /* also several pages, with the contiguous hint */
	if (page_bytes < UINT64_C(1) << (granule_lg2 + 2 * step))
		return 2;
	/* of 64 GiB, 512 GiB and 4 TiB it is not told: not each SMMU has a hint for those */
	return granule_lg2 == 12 && page_bytes < UINT64_C(1) << 39 ? 1 : 0;
}

static unsigned int by_range(uint64_t op, uint32_t lg2, const struct weir_invalidation *what,
			     uint64_t pages, struct smmu_cmd *out_cmds)
{
	uint32_t level = level_of(lg2, what->page_bytes);
	uint64_t tg = lg2 == 12 ? CMD_TG_4K : lg2 == 14 ? CMD_TG_16K : CMD_TG_64K;
	uint64_t leaf = what->tables ? 0 : CMD1_LEAF;
	uint64_t iova = what->iova & ~((UINT64_C(1) << lg2) - 1);
	unsigned int n = 0;

	/* The hint is about pages, not about tables above them. */
	if (what->tables || (what->page_bytes && what->iova & (what->page_bytes - 1)))
		level = 0;
	while (pages) {
		uint32_t scale = 0, num;

		while (!(pages >> scale & 1) && scale < SCALE_MAX)
			scale++;
		num = (uint32_t)(pages >> scale) & (RANGE_PAGES_MAX - 1);
		if (!num || n == SMMU_RANGE_CMDS)
			return 0; /* more than 2^36 pages */
		out_cmds[n].word[0] = op | CMD0_NUM(num - 1) | CMD0_SCALE(scale);
		/* One page of any level has no range: that encoding is reserved. */
		out_cmds[n].word[1] = (iova & CMD1_ADDRESS) | leaf | CMD1_TTL(level) |
				      (num == 1 && !scale && !level ? 0 : CMD1_TG(tg));
		n++;
		pages -= (uint64_t)num << scale;
		iova += (uint64_t)num << (scale + lg2);
	}
	return n;
}

static unsigned int by_page(uint64_t op, uint32_t lg2, const struct weir_invalidation *what,
			    uint64_t last, struct smmu_cmd *out_cmds)
{
	uint64_t step = UINT64_C(1) << lg2;
	uint64_t leaf = what->tables ? 0 : CMD1_LEAF, iova;
	unsigned int n = 0;

	/* Tables can be smaller than the pages that there were. */
	if (what->page_bytes > step && !what->tables)
		step = what->page_bytes;
	iova = what->iova & ~(step - 1);
	if ((last - iova) / step >= SMMU_RANGE_CMDS)
		return 0;
	for (uint64_t i = 0; i <= (last - iova) / step; i++) {
		out_cmds[n].word[0] = op;
		out_cmds[n++].word[1] = ((iova + i * step) & CMD1_ADDRESS) | leaf;
	}
	return n;
}

unsigned int weir_smmu_range_by_(uint64_t op, uint32_t lg2, bool ril,
				 const struct weir_invalidation *what, struct smmu_cmd *out_cmds)
{
	uint64_t last = what->iova + (what->bytes - 1), first = what->iova;

	if (!what->bytes || last < first)
		return 0;
	if (!ril)
		return by_page(op, lg2, what, last, out_cmds);
	return by_range(op, lg2, what, (last >> lg2) - (first >> lg2) + 1, out_cmds);
}

unsigned int weir_smmu_range_(const struct weir_smmu_v3_domain *domain,
			      const struct weir_invalidation *what, struct smmu_cmd *out_cmds)
{
	if (domain->parent)
		return 0;
	return weir_smmu_range_by_(opcode(domain, false), domain->tables.granule_lg2,
				   domain->smmu->has.ril, what, out_cmds);
}
