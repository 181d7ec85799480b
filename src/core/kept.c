// SPDX-License-Identifier: MIT
/*
 * Pages that hardware goes on using while its driver is unloaded, such as a table that blocks
 * everything. They are the machine's; guarded by its lock.
 */
#include "core/core.h"

struct weir_kept {
	struct weir_kept *next;
	void *va;
	uint64_t pa;
	size_t bytes;
};

int weir_machine_pages_keep(struct weir_machine *m, size_t bytes, size_t align_bytes,
			    void **out_va, uint64_t *out_pa)
{
	struct weir_kept *kept;
	int err = WEIR_ENOMEM;

	if (!m->ops->pages_alloc)
		return WEIR_EOPNOTSUPP;
	weir_lock_(m);
	kept = weir_alloc_(m, sizeof(*kept));
	if (kept)
		err = m->ops->pages_alloc(m->host, bytes, align_bytes, &kept->va, &kept->pa);
	if (!err) {
		kept->bytes = bytes;
		kept->next = m->kept;
		m->kept = kept;
		*out_va = kept->va;
		*out_pa = kept->pa;
	} else {
		weir_free_(m, kept, sizeof(*kept));
	}
	weir_unlock_(m);
	return err;
}

int weir_machine_pages_find(struct weir_machine *m, uint64_t pa, void **out_va, size_t *out_bytes)
{
	struct weir_kept *kept;

	weir_lock_(m);
	for (kept = m->kept; kept && kept->pa != pa; kept = kept->next)
		;
	if (kept && out_va)
		*out_va = kept->va;
	if (kept && out_bytes)
		*out_bytes = kept->bytes;
	weir_unlock_(m);
	return kept ? 0 : WEIR_ENOENT;
}

static void drop(struct weir_machine *m, struct weir_kept **link)
{
	struct weir_kept *kept = *link;

	*link = kept->next;
	m->ops->pages_free(m->host, kept->va, kept->pa, kept->bytes);
	weir_free_(m, kept, sizeof(*kept));
}

void weir_machine_pages_drop(struct weir_machine *m, uint64_t pa)
{
	struct weir_kept **link;

	weir_lock_(m);
	for (link = &m->kept; *link; link = &(*link)->next) {
		if ((*link)->pa != pa)
			continue;
		drop(m, link);
		break;
	}
	weir_unlock_(m);
}

void weir_kept_free_(struct weir_machine *m)
{
	while (m->kept)
		drop(m, &m->kept);
}
