// SPDX-License-Identifier: MIT
/*
 * Nested translation: a context bank that does stage 1 as a guest told the SMMU that it sees, with the
 * bank of stage 2 behind it (SMMU_CBARn of type 3). The guest's tables are in its own memory, at
 * addresses that stage 2 translates, so whatever they say, nothing is reached that it does not map.
 * Translations are tagged with the VMID of stage 2 and the guest's ASIDs.
 */
#include "drivers/arm-smmu/priv.h"

#define PAGES_MAX 64u /* beyond, all of an ASID */
#define ADDRESS_MASK ((UINT64_C(1) << 44) - 1)

static int refuse(const struct weir_smmu_v2 *smmu, const char *text, uint64_t value)
{
	return weir_smmu2_log_(smmu, WEIR_LOG_ERR, WEIR_EINVAL, text, value);
}

/* ---- what a guest may say ---- */

/* TG0 and TG1 are not encoded alike. Return: 0: reserved. */
static uint32_t granule_lg2(uint32_t tg, bool upper)
{
	static const uint8_t low[] = { 12, 16, 14, 0 }, high[] = { 0, 14, 12, 16 };

	return upper ? high[tg] : low[tg];
}

static bool half_makes_sense(const struct smmu2_features *has, uint32_t tcr, bool upper)
{
	uint32_t size = upper ? TCR_T1SZ_GET(tcr) : TCR_T0SZ_GET(tcr);
	uint32_t lg2 = granule_lg2(upper ? TCR_TG1_GET(tcr) : TCR_TG0_GET(tcr), upper);

	if (tcr & (upper ? TCR_EPD1 : TCR_EPD0))
		return true;
	return lg2 && has->granules & 1u << lg2 && size >= 16 && size <= 39;
}

static int check_tables(const struct weir_smmu_v2 *smmu, const struct weir_nested_smmu_v2 *guest)
{
	const struct smmu2_features *has = &smmu->has;

	if (guest->va64) {
		if (!has->granules)
			return refuse(smmu, "a guest's CBA2R.VA64: it walks no such tables", guest->va64);
		if (!half_makes_sense(has, guest->tcr, false) || !half_makes_sense(has, guest->tcr, true))
			return refuse(smmu, "a guest's TCR: there is no such size", guest->tcr);
		if (TCR2_PASIZE_GET(guest->tcr2) > TCR2_PASIZE_48)
			return refuse(smmu, "a guest's TCR2.PASize: there is no such size", guest->tcr2);
		return 0;
	}
	if (guest->tcr & TCR_EAE ? has->ptfs > PTFS_LONG : has->ptfs != PTFS_BOTH)
		return refuse(smmu, "a guest's TCR.EAE: it walks no such tables", guest->tcr);
	return 0;
}

static int check(const struct weir_smmu_v2_domain *parent, const struct weir_nested_smmu_v2 *guest)
{
	const struct weir_smmu_v2 *smmu = parent->smmu;

	if (!smmu->has.nested || !smmu->has.s1)
		return weir_smmu2_log_(smmu, WEIR_LOG_ERR, WEIR_EOPNOTSUPP,
				       "IDR0.NTS: it has no nested translation", smmu->config.base_pa);
	if (!parent->stage2)
		return refuse(smmu, "a guest's stage 1 needs stage 2 behind it", parent->id);
	if (!(guest->sctlr & SCTLR_M))
		return refuse(smmu, "a guest's SCTLR.M: it translates nothing", guest->sctlr);
	if (guest->sctlr & SCTLR_E)
		return refuse(smmu, "a guest's SCTLR.E: no little-endian tables", guest->sctlr);
	return check_tables(smmu, guest);
}

/* What a guest's size would be beyond is beyond what stage 2 takes, too. */
static uint32_t tcr2_of(const struct weir_smmu_v2_domain *domain)
{
	static const uint8_t sizes[] = { 32, 36, 40, 42, 44, 48 };
	uint32_t size = TCR2_PASIZE_GET(domain->guest.tcr2);

	while (size && sizes[size] > domain->smmu->has.ipa_bits)
		size--;
	return (domain->guest.tcr2 & TCR2_GUEST) | TCR2_PASIZE(size);
}

/* ---- the bank ---- */

void weir_smmu2_nested_write_(struct weir_smmu_v2_domain *domain)
{
	const struct weir_nested_smmu_v2 *guest = &domain->guest;
	struct weir_smmu_v2 *smmu = domain->smmu;
	uint32_t cb = weir_smmu2_cb_(smmu, domain->bank, 0);

	weir_smmu2_bank_begin_(smmu, domain->bank,
			       CBAR_TYPE_AS(CBAR_S1_S2) | CBAR_S2_CBNDX_AS(domain->parent->bank),
			       domain->parent->id, guest->va64);
	if (guest->va64)
		weir_smmu2_write_(smmu, cb + CB_TCR2, tcr2_of(domain));
	weir_smmu2_write_(smmu, cb + CB_TCR, guest->tcr);
	weir_smmu2_write_ttbr_(smmu, cb + CB_TTBR0, guest->ttbr0);
	weir_smmu2_write_ttbr_(smmu, cb + CB_TTBR1, guest->ttbr1);
	weir_smmu2_write_(smmu, cb + CB_MAIR0, guest->mair0);
	weir_smmu2_write_(smmu, cb + CB_MAIR1, guest->mair1);
	weir_smmu2_write_(smmu, cb + CB_CONTEXTIDR, guest->contextidr);
	/* Faults are told and terminated, whatever the guest would like: nobody would end a stall. */
	weir_smmu2_bank_on_(smmu, domain->bank,
			    SCTLR_M | SCTLR_CFRE | SCTLR_CFIE | SCTLR_ASIDPNE |
			    (guest->sctlr & (SCTLR_TRE | SCTLR_AFE)));
}

int weir_smmu_v2_nest(struct weir_smmu_v2_domain *parent, const struct weir_nested_smmu_v2 *nested,
		      struct weir_smmu_v2_domain **out_domain)
{
	struct weir_smmu_v2 *smmu = parent->smmu;
	struct weir_smmu_v2_domain *domain;
	int err = smmu->unit.dead ? WEIR_EIO : check(parent, nested);

	if (err)
		return err;
	domain = smmu->ops->alloc(smmu->host, sizeof(*domain));
	if (!domain)
		return WEIR_ENOMEM;
	domain->smmu = smmu;
	domain->parent = parent;
	domain->guest = *nested;
	domain->format = nested->va64 ? FORMAT_64 : FORMAT_32_LONG;
	err = weir_smmu2_bank_get_(smmu, false);
	if (err < 0) {
		smmu->ops->free(smmu->host, domain, sizeof(*domain));
		return err;
	}
	domain->bank = (uint32_t)err;
	weir_list_add_tail(&smmu->domains, &domain->node);
	atomic_fetch_add(&parent->nr_nested, 1);
	if (!smmu->off)
		weir_smmu2_nested_write_(domain);
	*out_domain = domain;
	return 0;
}

/* ---- what the guest has forgotten ---- */

static void one(const struct weir_smmu_v2_domain *domain, uint32_t at, uint64_t iova, uint32_t asid)
{
	if (domain->guest.va64)
		weir_smmu2_write64_(domain->smmu, at,
				    (uint64_t)asid << 48 | (iova >> 12 & ADDRESS_MASK));
	else
		weir_smmu2_write_(domain->smmu, at, (uint32_t)(iova & ~UINT64_C(0xfff)) | asid);
}

/* Return: false when these are too many. */
static bool by_address(const struct weir_smmu_v2_domain *domain,
		       const struct weir_nested_invalidation *what)
{
	uint32_t lg2 = what->granule_lg2 ? what->granule_lg2 : 12;
	uint64_t first = what->iova >> lg2, last = (what->iova + (what->bytes - 1)) >> lg2;
	bool any = what->scope == WEIR_NESTED_ADDRESS;
	uint32_t at = weir_smmu2_cb_(domain->smmu, domain->bank,
				     any ? what->leaf ? CB_TLBIVAAL : CB_TLBIVAA
					 : what->leaf ? CB_TLBIVAL : CB_TLBIVA);

	if (last - first >= PAGES_MAX)
		return false;
	for (uint64_t i = first; i <= last; i++)
		one(domain, at, i << lg2, any ? 0 : what->asid);
	return true;
}

int weir_smmu_v2_invalidate_nested(struct weir_smmu_v2_domain *domain,
				   const struct weir_nested_invalidation *what)
{
	bool range = what->scope == WEIR_NESTED_RANGE || what->scope == WEIR_NESTED_ADDRESS;
	bool asid = what->scope == WEIR_NESTED_RANGE || what->scope == WEIR_NESTED_ASID;
	struct weir_smmu_v2 *smmu = domain->smmu;

	if (smmu->unit.dead)
		return WEIR_EIO;
	if (smmu->off || what->scope == WEIR_NESTED_CONFIG)
		return 0; /* nothing is cached; or in memory */
	if (!range || !by_address(domain, what))
		weir_smmu2_write_(smmu, weir_smmu2_cb_(smmu, domain->bank, asid ? CB_TLBIASID : CB_TLBIALL),
				  asid ? what->asid : 0);
	return weir_smmu_v2_sync(domain);
}
