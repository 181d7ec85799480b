// SPDX-License-Identifier: MIT
/*
 * External domains: tables that somebody else keeps, a hypervisor say. The library puts
 * streams behind them and passes on what has to be invalidated; it never writes them.
 * Parts and attaching are as for other domains.
 */
#include "iommu/priv.h"

static bool is_sane(const struct weir_tables *e)
{
	return (unsigned int)e->format <= WEIR_TABLE_RISCV_S2 && e->granule_lg2 >= 12 &&
	       e->granule_lg2 <= 16 && !(e->root_pa & 63) &&
	       e->iova_bits > e->granule_lg2 && e->iova_bits <= 64 &&
	       e->pa_bits > e->granule_lg2 && e->pa_bits <= 64 && e->levels && e->levels <= 6;
}

int weir_domain_create_external(struct weir_machine *m, const struct weir_tables *external,
				struct weir_domain **out_domain)
{
	struct weir_domain *domain;
	int err;

	if (!is_sane(external))
		return WEIR_EINVAL;
	err = weir_domain_make_(m, WEIR_DOMAIN_EXTERNAL, &domain);
	if (err)
		return err;
	domain->tables = *external;
	*out_domain = domain;
	return 0;
}

const struct weir_tables *weir_domain_tables(const struct weir_domain *domain)
{
	bool are_there = domain->type == WEIR_DOMAIN_EXTERNAL || weir_domain_table_(domain) ||
			 domain->filling;

	return are_there ? &domain->tables : NULL;
}

int weir_domain_invalidate(struct weir_domain *domain, uint64_t iova, uint64_t bytes)
{
	/* what pages and tables were there only the caller knows */
	const struct weir_invalidation what = { .iova = iova, .bytes = bytes, .tables = true };
	struct weir_part *part;
	unsigned long before;
	int result = 0;

	if (domain->type != WEIR_DOMAIN_EXTERNAL || !bytes || iova + (bytes - 1) < iova)
		return WEIR_EINVAL;
	before = weir_spin_lock(&domain->spin);
	weir_list_each(part, &domain->parts, struct weir_part, node)
		if (weir_part_invalidate_(part, &what))
			result = WEIR_EIO;
	weir_spin_unlock(&domain->spin, before);
	return result;
}
