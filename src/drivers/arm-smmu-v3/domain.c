// SPDX-License-Identifier: MIT
/*
 * Domains of the hardware layer: tables that streams are put behind, the id that tags their
 * translations, and for stage 1 the context descriptor. A descriptor is written once, before
 * any stream refers to it, and never changed.
 *
 * An id is free again when nothing is cached under it any more. Ids that the library chooses
 * go down from the last one, out of the way of those that embedders choose.
 */
#include "drivers/arm-smmu-v3/priv.h"

/* ---- context descriptors ---- */

uint64_t weir_smmu_cd_pa_(const struct weir_smmu_v3_domain *domain)
{
	return domain->cds ? domain->cds->pages.pa + domain->cd * (uint64_t)CD_BYTES : 0;
}

static int get_cds(struct weir_smmu_v3 *smmu, struct smmu_cds **out_cds)
{
	struct smmu_cds *cds;
	int err;

	weir_list_each(cds, &smmu->cds, struct smmu_cds, node)
		if (cds->used != UINT64_MAX) {
			*out_cds = cds;
			return 0;
		}
	cds = weir_smmu_alloc_(smmu, sizeof(*cds));
	if (!cds)
		return WEIR_ENOMEM;
	err = weir_smmu_lasting_get_(smmu, CDS_BYTES, CDS_BYTES, &cds->pages);
	if (err) {
		weir_smmu_free_(smmu, cds, sizeof(*cds));
		return err;
	}
	weir_list_add_tail(&smmu->cds, &cds->node);
	*out_cds = cds;
	return 0;
}

static int make_cd(struct weir_smmu_v3_domain *domain)
{
	uint64_t cd[STE_WORDS];
	volatile uint64_t *to;
	int err = get_cds(domain->smmu, &domain->cds);

	if (err)
		return err;
	while (domain->cds->used >> domain->cd & 1)
		domain->cd++;
	domain->cds->used |= BIT64(domain->cd);
	weir_smmu_cd_(domain, cd);
	to = (volatile uint64_t *)domain->cds->pages.va + domain->cd * STE_WORDS;
	for (unsigned int i = 0; i < STE_WORDS; i++)
		to[i] = smmu_le64(cd[i]);
	weir_smmu_publish_(domain->smmu, weir_smmu_cd_pa_(domain), CD_BYTES);
	return 0;
}

void weir_smmu_cds_free_(struct weir_smmu_v3 *smmu)
{
	struct smmu_cds *cds, *tmp;

	weir_list_each_safe(cds, tmp, &smmu->cds, struct smmu_cds, node) {
		if (!smmu->leaves || !cds->used)
			weir_smmu_pages_put_(smmu, &cds->pages);
		weir_list_del(&cds->node);
		weir_smmu_free_(smmu, cds, sizeof(*cds));
	}
}

/* ---- ids ---- */

/* Where it goes in the list: before that. */
struct weir_list *weir_smmu_domain_place_(const struct weir_smmu_v3_domain *domain)
{
	struct weir_smmu_v3_domain *other;

	weir_list_each(other, &domain->smmu->domains, struct weir_smmu_v3_domain, node)
		if (other->stage2 == domain->stage2 && other->id < domain->id)
			return &other->node;
	return &domain->smmu->domains;
}

static int choose_id(struct weir_smmu_v3_domain *domain)
{
	const struct smmu_features *has = &domain->smmu->has;
	uint32_t id = domain->stage2 ? has->vmid_max : has->asid_max;
	struct weir_smmu_v3_domain *other;

	weir_list_each(other, &domain->smmu->domains, struct weir_smmu_v3_domain, node)
		if (other->stage2 == domain->stage2 && other->id == id)
			id--;
	domain->id = (uint16_t)id;
	return id ? 0 : WEIR_ENOSPC; /* VMID 0 tags stage 1 alone */
}

static int take_id(struct weir_smmu_v3_domain *domain, uint32_t id)
{
	const struct smmu_features *has = &domain->smmu->has;
	struct weir_smmu_v3_domain *other;

	if (!id || id > (domain->stage2 ? has->vmid_max : has->asid_max))
		return WEIR_EINVAL;
	weir_list_each(other, &domain->smmu->domains, struct weir_smmu_v3_domain, node)
		if (other->stage2 == domain->stage2 && other->id == id)
			return WEIR_EEXIST;
	domain->id = (uint16_t)id;
	return 0;
}

/* Nothing is cached under its id any more, and no access under way uses it. */
static int flush(struct weir_smmu_v3_domain *domain)
{
	struct smmu_cmd cmd;
	int err;

	if (domain->smmu->off)
		return 0; /* what it starts with is nothing */
	weir_smmu_all_of_(domain, &cmd);
	err = weir_smmu_queue_(domain->smmu, &cmd, 1);
	return err ? err : weir_smmu_sync_(domain->smmu);
}

/* ---- life ---- */

int weir_smmu_v3_domain_create(struct weir_smmu_v3 *smmu, const struct weir_tables *tables,
			       uint32_t flags, struct weir_smmu_v3_domain **out_domain)
{
	struct weir_smmu_v3_domain *domain;
	int err = weir_smmu_v3_walks(smmu, tables);

	if (err)
		return err;
	if (smmu->config.keeping && !flags) {
		domain = smmu->config.keeping->claim(smmu, tables);
		if (domain) {
			*out_domain = domain;
			return 0;
		}
	}
	domain = weir_smmu_alloc_(smmu, sizeof(*domain));
	if (!domain)
		return WEIR_ENOMEM;
	domain->smmu = smmu;
	domain->tables = *tables;
	domain->stage2 = tables->format == WEIR_TABLE_ARM_S2;
	err = flags & WEIR_SMMU_V3_OWN_ID ? take_id(domain, tables->id) : choose_id(domain);
	if (!err)
		err = flush(domain); /* others may have used an id that was chosen elsewhere */
	if (!err && !domain->stage2)
		err = make_cd(domain);
	if (err) {
		weir_smmu_free_(smmu, domain, sizeof(*domain));
		return err;
	}
	weir_list_add_tail(weir_smmu_domain_place_(domain), &domain->node);
	*out_domain = domain;
	return 0;
}

struct weir_smmu_v3_domain *weir_smmu_v3_domain_destroy(struct weir_smmu_v3_domain *domain)
{
	if (!domain)
		return NULL;
	/* What cannot be flushed is in quarantine then: its descriptor stays as it is. */
	if (!flush(domain) && domain->cds && !domain->kept)
		domain->cds->used &= ~BIT64(domain->cd);
	if (domain->parent)
		atomic_fetch_sub(&domain->parent->nr_nested, 1);
	else
		weir_list_del(&domain->node);
	weir_smmu_free_(domain->smmu, domain, sizeof(*domain));
	return NULL;
}

/*
 * What a guest's stage 1 made of stage 2 has addresses of stage 1, which nobody knows here. It goes
 * after stage 2's own entries have gone: those would make it anew.
 */
static int drop_nested(const struct weir_smmu_v3_domain *domain)
{
	const struct smmu_cmd cmd = { { CMD_TLBI_NH_ALL | CMD0_VMID(domain->id), 0 } };
	int err = weir_smmu_sync_(domain->smmu);

	return err ? err : weir_smmu_queue_(domain->smmu, &cmd, 1);
}

int weir_smmu_v3_invalidate(struct weir_smmu_v3_domain *domain,
			    const struct weir_invalidation *what)
{
	struct smmu_cmd cmds[SMMU_RANGE_CMDS];
	unsigned int n = weir_smmu_range_(domain, what, cmds);
	int err;

	if (!n) { /* of stage 2 that is both stages */
		weir_smmu_all_of_(domain, cmds);
		return weir_smmu_queue_(domain->smmu, cmds, 1);
	}
	err = weir_smmu_queue_(domain->smmu, cmds, n);
	return err || !atomic_load(&domain->nr_nested) ? err : drop_nested(domain);
}

int weir_smmu_v3_sync(struct weir_smmu_v3_domain *domain)
{
	return weir_smmu_sync_(domain->smmu);
}
