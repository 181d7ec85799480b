// SPDX-License-Identifier: MIT
/*
 * Nested domains: stage 1 is a guest's, in its own memory and by its own ids; behind it is stage 2 of
 * another domain, the parent, which says what of memory is the guest's. The library keeps neither
 * tables nor mappings of stage 1: it shows its description to instances and passes on what the
 * guest wants forgotten. Parts stand on those of the parent (part.c), attaching is as for others.
 */
#include "iommu/priv.h"

int weir_domain_create_stage2(struct weir_machine *m, struct weir_domain **out_domain)
{
	struct weir_domain *domain;
	int err = weir_domain_make_(m, WEIR_DOMAIN_UNMANAGED, &domain);

	if (err)
		return err;
	domain->stage2 = true;
	*out_domain = domain;
	return 0;
}

static bool is_stage2(const struct weir_domain *domain)
{
	enum weir_table_format format = domain->tables.format;

	if (domain->type != WEIR_DOMAIN_EXTERNAL)
		return domain->stage2;
	return format == WEIR_TABLE_ARM_S2 || format == WEIR_TABLE_VTD_SECOND ||
	       format == WEIR_TABLE_RISCV_S2;
}

int weir_domain_create_nested(struct weir_domain *parent, const struct weir_nested *nested,
			      struct weir_domain **out_domain)
{
	struct weir_domain *domain;
	int err;

	if (!is_stage2(parent) || (unsigned int)nested->kind > WEIR_NESTED_SMMU_V2)
		return WEIR_EINVAL;
	err = weir_domain_make_(parent->m, WEIR_DOMAIN_NESTED, &domain);
	if (err)
		return err;
	domain->parent = weir_domain_ref(parent);
	domain->nested = *nested;
	*out_domain = domain;
	return 0;
}

/* Without power nothing is cached. Parts lock held. */
static int invalidate(struct weir_part *part, const struct weir_nested_invalidation *what)
{
	struct weir_iommu *iommu = part->iommu;
	unsigned long before;
	int err = 0;

	weir_iommu_lock_(iommu);
	if (!iommu->off && iommu->ops->invalidate_nested)
		err = iommu->ops->invalidate_nested(iommu->instance, part->driver, what);
	weir_iommu_unlock_(iommu);
	if (!err)
		return 0;
	before = weir_spin_lock(&part->domain->spin);
	part->broken = true;
	weir_spin_unlock(&part->domain->spin, before);
	return WEIR_EIO;
}

static bool is_sane(const struct weir_nested_invalidation *what)
{
	bool range = what->scope == WEIR_NESTED_RANGE || what->scope == WEIR_NESTED_ADDRESS;

	if ((unsigned int)what->scope > WEIR_NESTED_CONFIG || what->asid > 0xffff)
		return false;
	if (!range)
		return true;
	if (what->granule_lg2 && what->granule_lg2 != 12 && what->granule_lg2 != 14 &&
	    what->granule_lg2 != 16)
		return false;
	return what->bytes && what->iova + (what->bytes - 1) >= what->iova;
}

int weir_domain_invalidate_nested(struct weir_domain *domain,
				  const struct weir_nested_invalidation *what)
{
	struct weir_machine *m = domain->m;
	struct weir_part *part;
	int result = 0;

	if (domain->type != WEIR_DOMAIN_NESTED || !is_sane(what))
		return WEIR_EINVAL;
	m->ops->lock(m->host, domain->parts_lock);
	weir_list_each(part, &domain->parts, struct weir_part, node)
		if (invalidate(part, what))
			result = WEIR_EIO;
	m->ops->unlock(m->host, domain->parts_lock);
	return result;
}
