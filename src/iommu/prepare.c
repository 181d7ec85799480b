// SPDX-License-Identifier: MIT
/*
 * What an embedder makes ready beforehand, so that mapping and attaching ask the host for no memory:
 * the tables of a range, and what a domain needs at the instances of a group. Both stay until
 * they are given back, whatever is attached and mapped meanwhile. And what it has given back that is
 * not needed any more: tables that map nothing.
 */
#include "iommu/priv.h"

int weir_domain_reserve(struct weir_domain *domain, uint64_t iova, uint64_t bytes)
{
	struct weir_table *table = weir_domain_table_(domain);

	return table ? weir_table_reserve(table, iova, bytes, 0) : WEIR_EOPNOTSUPP;
}

int weir_domain_trim(struct weir_domain *domain)
{
	return weir_domain_table_(domain) ? weir_tables_trim_(domain) : 0;
}

int weir_domain_prepare(struct weir_domain *domain, struct weir_group *group)
{
	struct weir_machine *m = group->m;
	struct weir_stream *stream;
	int err = 0;

	m->ops->lock(m->host, group->lock);
	weir_list_each(stream, &group->streams, struct weir_stream, node) {
		err = weir_part_hold_(domain, stream->iommu);
		if (err)
			break;
	}
	if (!err)
		err = weir_regions_map_(group, domain);
	m->ops->unlock(m->host, group->lock);
	return err;
}

void weir_domain_unprepare(struct weir_domain *domain)
{
	while (weir_part_let_go_(domain))
		;
}
