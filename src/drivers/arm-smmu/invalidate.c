// SPDX-License-Identifier: MIT
/*
 * Invalidation: of addresses in the context bank (SMMU_CBn_TLBI*), or all of an id; and the wait for it.
 * Writes ask for it; a sync of the bank covers what was asked for there, the global one everything.
 */
#include "drivers/arm-smmu/priv.h"

#define PAGES_MAX 64u /* beyond, everything of the domain */

/* ---- waiting ---- */

int weir_smmu2_global_sync_(struct weir_smmu_v2 *smmu)
{
	if (smmu->unit.dead || smmu->off)
		return WEIR_EIO;
	weir_smmu2_write_(smmu, REG_TLBGSYNC, 0);
	return weir_smmu2_wait_(smmu, REG_TLBGSTATUS);
}

int weir_smmu_v2_sync(struct weir_smmu_v2_domain *domain)
{
	struct weir_smmu_v2 *smmu = domain->smmu;
	uint32_t cb = weir_smmu2_cb_(smmu, domain->bank, 0), asked;
	int err;

	if (smmu->unit.dead || smmu->off)
		return WEIR_EIO;
	asked = atomic_load(&domain->asked);
	if (asked != atomic_load(&domain->done)) {
		err = weir_smmu2_global_sync_(smmu);
		if (!err) /* others may have waited for more, or less: then somebody waits again */
			atomic_store(&domain->done, asked);
		return err;
	}
	weir_smmu2_write_(smmu, cb + CB_TLBSYNC, 0);
	return weir_smmu2_wait_(smmu, cb + CB_TLBSTATUS);
}

/* ---- asking ---- */

int weir_smmu2_flush_all_(struct weir_smmu_v2 *smmu)
{
	weir_smmu2_write_(smmu, REG_TLBIALLH, 0);
	weir_smmu2_write_(smmu, REG_TLBIALLNSNH, 0);
	return weir_smmu2_global_sync_(smmu);
}

static void all_of(struct weir_smmu_v2_domain *domain)
{
	struct weir_smmu_v2 *smmu = domain->smmu;

	if (domain->parent) {
		weir_smmu2_write_(smmu, weir_smmu2_cb_(smmu, domain->bank, CB_TLBIALL), 0);
		return;
	}
	if (!domain->stage2) {
		weir_smmu2_write_(smmu, weir_smmu2_cb_(smmu, domain->bank, CB_TLBIASID), domain->id);
		return;
	}
	weir_smmu2_write_(smmu, REG_TLBIVMID, domain->id);
	atomic_fetch_add(&domain->asked, 1);
}

int weir_smmu2_flush_(struct weir_smmu_v2_domain *domain)
{
	if (domain->smmu->unit.dead || domain->smmu->off)
		return WEIR_EIO;
	all_of(domain);
	return weir_smmu_v2_sync(domain);
}

static void one(struct weir_smmu_v2_domain *domain, uint64_t iova, bool leaf)
{
	struct weir_smmu_v2 *smmu = domain->smmu;
	uint32_t cb = weir_smmu2_cb_(smmu, domain->bank, 0);

	if (domain->stage2) {
		uint32_t at = cb + (leaf ? CB_TLBIIPAS2L : CB_TLBIIPAS2);

		if (domain->format == FORMAT_64)
			weir_smmu2_write64_(smmu, at, iova >> 12);
		else
			weir_smmu2_write_(smmu, at, (uint32_t)(iova >> 12));
	} else if (domain->format == FORMAT_64) {
		weir_smmu2_write64_(smmu, cb + (leaf ? CB_TLBIVAL : CB_TLBIVA),
				    (uint64_t)domain->id << 48 | iova >> 12);
	} else {
		weir_smmu2_write_(smmu, cb + (leaf ? CB_TLBIVAL : CB_TLBIVA),
				  (uint32_t)(iova & ~UINT64_C(0xfff)) | domain->id);
	}
}

int weir_smmu_v2_invalidate(struct weir_smmu_v2_domain *domain,
			    const struct weir_invalidation *what)
{
	uint64_t step = UINT64_C(1) << domain->tables.granule_lg2, first, n;
	uint64_t last = what->iova + (what->bytes - 1);
	struct weir_smmu_v2 *smmu = domain->smmu;

	if (smmu->unit.dead || smmu->off)
		return WEIR_EIO;
	/* Tables can be smaller than the pages that there were. */
	if (what->page_bytes > step && !what->tables)
		step = what->page_bytes;
	first = what->iova & ~(step - 1);
	n = (last - first) / step;
	if (!what->bytes || last < what->iova || n >= PAGES_MAX ||
	    domain->parent || atomic_load(&domain->nr_nested) ||
	    (domain->stage2 && smmu->config.flags & WEIR_SMMU_V2_ARCH_1)) {
		/*
		 * Version 1 has no invalidation by IPA. What a guest's stage 1 made of stage 2 has
		 * addresses of stage 1: all of the VMID goes, both stages at once.
		 */
		all_of(domain);
		return 0;
	}
	for (uint64_t i = 0; i <= n; i++)
		one(domain, first + i * step, !what->tables);
	return 0;
}
