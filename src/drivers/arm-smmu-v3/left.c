// SPDX-License-Identifier: MIT
/*
 * Streams that go on without the instance, and how the next one takes them over: tables of the
 * second level, context descriptors and domains that an instance before left in force. That is
 * memory of our own (config.table_find), so it is believed.
 *
 * Reached only through weir_smmu_v3_keeping: who does not want it does not link it.
 */
#include "drivers/arm-smmu-v3/priv.h"

/* ---- at the end ---- */

int weir_smmu_v3_keep(struct weir_smmu_v3 *smmu, uint32_t stream,
		      struct weir_smmu_v3_domain *domain)
{
	struct smmu_stes *stes = weir_smmu_stes_find_(smmu, stream);
	uint64_t want[STE_WORDS];

	if (!smmu->config.keeping || domain->parent)
		return WEIR_EOPNOTSUPP;
	if (smmu->unit.dead || smmu->off || !smmu->enforced)
		return WEIR_EIO;
	weir_smmu_ste_domain_(domain, smmu->has.coherent, weir_smmu_cd_pa_(domain), want);
	if (!stes || smmu_le64(stes->entries[(stream - stes->first) * (size_t)STE_WORDS]) != want[0])
		return WEIR_ENOENT;
	if (!stes->kept)
		stes->kept = weir_smmu_alloc_(smmu, smmu_bits_bytes(stes->count));
	if (!stes->kept)
		return WEIR_ENOMEM;
	domain->kept = true;
	stes->kept[(stream - stes->first) / 64] |= BIT64((stream - stes->first) % 64);
	return 0;
}

/* ---- the next instance ---- */

/* The descriptors of a page that is lasting memory. Return: NULL: it is not, or there is no memory. */
static struct smmu_cds *found_cds(struct weir_smmu_v3 *smmu, uint64_t pa)
{
	struct smmu_pages pages = { .pa = pa, .lasting = true };
	struct smmu_cds *cds;

	weir_list_each(cds, &smmu->cds, struct smmu_cds, node)
		if (cds->pages.pa == pa)
			return cds;
	if (smmu->config.table_find(smmu->config.arg, pa, &pages.va, &pages.bytes) ||
	    pages.bytes != CDS_BYTES)
		return NULL;
	cds = weir_smmu_alloc_(smmu, sizeof(*cds));
	if (!cds)
		return NULL;
	cds->pages = pages;
	weir_list_add_tail(&smmu->cds, &cds->node);
	return cds;
}

/* One that is there already. Return: 0; WEIR_ENOMEM. */
static int add_domain(struct weir_smmu_v3 *smmu, bool stage2, uint32_t id, uint64_t cd_pa,
		      uint64_t root_pa)
{
	struct weir_smmu_v3_domain *domain;

	weir_list_each(domain, &smmu->domains, struct weir_smmu_v3_domain, node)
		if (domain->stage2 == stage2 && domain->id == id)
			return 0;
	domain = weir_smmu_alloc_(smmu, sizeof(*domain));
	if (!domain)
		return WEIR_ENOMEM;
	domain->smmu = smmu;
	domain->stage2 = stage2;
	domain->id = (uint16_t)id;
	domain->tables.root_pa = root_pa;
	domain->left = true;
	if (!stage2) {
		domain->cds = found_cds(smmu, cd_pa & ~(uint64_t)(CDS_BYTES - 1));
		if (!domain->cds) {
			weir_smmu_free_(smmu, domain, sizeof(*domain));
			return WEIR_ENOMEM;
		}
		domain->cd = (uint32_t)((cd_pa & (CDS_BYTES - 1)) / CD_BYTES);
		domain->cds->used |= BIT64(domain->cd);
	}
	weir_list_add_tail(weir_smmu_domain_place_(domain), &domain->node);
	return 0;
}

/* The domain that one of our entries leads to. Return: 0; WEIR_ENOMEM. */
static int find_domain(struct weir_smmu_v3 *smmu, const volatile uint64_t *ste)
{
	uint64_t word = smmu_le64(ste[0]), cd_pa = word & STE0_S1PTR;
	volatile uint64_t *cd;
	void *va;

	if (!(word & STE0_V))
		return 0;
	if (STE0_CONFIG_GET(word) == CONFIG_S2)
		return add_domain(smmu, true, (uint32_t)STE2_S2VMID_GET(smmu_le64(ste[2])),
					       0, smmu_le64(ste[3]) & STE3_S2TTB);
	if (STE0_CONFIG_GET(word) != CONFIG_S1 ||
	    smmu->config.table_find(smmu->config.arg, cd_pa & ~UINT64_C(4095), &va, NULL))
		return 0;
	cd = (volatile uint64_t *)va + (cd_pa & 4095) / sizeof(uint64_t);
	return add_domain(smmu, false, (uint32_t)CD0_ASID_GET(smmu_le64(cd[0])), cd_pa,
				       smmu_le64(cd[1]) & CD1_TTB0);
}

static int find_domains(struct weir_smmu_v3 *smmu, const volatile uint64_t *entries, uint32_t count)
{
	int err = 0;

	for (uint32_t i = 0; i < count && !err; i++)
		err = find_domain(smmu, entries + i * (size_t)STE_WORDS);
	return err;
}

static int find_level2(struct weir_smmu_v3 *smmu, uint32_t index)
{
	const volatile uint64_t *level1 = smmu->table.pages.va;
	uint64_t descriptor = smmu_le64(level1[index]);
	uint32_t count = 1u << smmu->table.split;
	struct smmu_pages pages = { .pa = descriptor & L1STD_L2PTR, .lasting = true };
	int err;

	if (!L1STD_SPAN(descriptor) ||
	    smmu->config.table_find(smmu->config.arg, pages.pa, &pages.va, &pages.bytes) ||
	    pages.bytes != (size_t)STE_BYTES << smmu->table.split)
		return 0;
	err = weir_smmu_stes_add_(smmu, index << smmu->table.split, count, &pages, pages.va, pages.pa);
	return err ? err : find_domains(smmu, pages.va, count);
}

static int find_left(struct weir_smmu_v3 *smmu)
{
	struct smmu_table *table = &smmu->table;
	int err = 0;

	table->pages.lasting = !smmu->config.table_find(smmu->config.arg, table->pages.pa, NULL, NULL);
	if (table->fmt == FMT_LINEAR)
		return table->pages.lasting ? find_domains(smmu, table->pages.va, 1u << table->lg2) : 0;
	for (uint32_t i = 0; i < 1u << (table->lg2 - table->split) && !err; i++)
		err = find_level2(smmu, i);
	return err;
}

static struct weir_smmu_v3_domain *claim(struct weir_smmu_v3 *smmu,
					 const struct weir_tables *tables)
{
	bool stage2 = tables->format == WEIR_TABLE_ARM_S2;
	struct weir_smmu_v3_domain *domain;

	weir_list_each(domain, &smmu->domains, struct weir_smmu_v3_domain, node) {
		if (!domain->left || domain->stage2 != stage2 ||
		    domain->tables.root_pa != tables->root_pa)
			continue;
		domain->tables = *tables;
		domain->left = false;
		return domain;
	}
	return NULL;
}

static void free_left(struct weir_smmu_v3 *smmu)
{
	struct weir_smmu_v3_domain *domain, *tmp;

	weir_list_each_safe(domain, tmp, &smmu->domains, struct weir_smmu_v3_domain, node) {
		if (!domain->left)
			continue;
		domain->kept = smmu->leaves;
		weir_smmu_v3_domain_destroy(domain);
	}
}

const struct weir_smmu_v3_keeping weir_smmu_v3_keeping = {
	.find = find_left, .claim = claim, .free = free_left,
};
