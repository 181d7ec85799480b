// SPDX-License-Identifier: MIT
/* The hypervisor's part: freestanding, and all that it takes of Weir. */
#include "static_smmu.h"

static int guest_start(const struct weir_host_ops *ops, void *host, struct static_smmu *s,
		       unsigned int i)
{
	const struct static_guest *guest = &s->board->guests[i];
	struct weir_table_config config;
	struct weir_tables tables;
	int err;

	weir_smmu_v3_tables_get(s->smmu, &config);
	config.format = s->board->stage;
	if (config.format == WEIR_TABLE_ARM_S2 && config.iova_bits > config.pa_bits)
		config.iova_bits = config.pa_bits;
	err = weir_table_create(ops, host, &config, &s->tables[i]);
	for (unsigned int j = 0; j < guest->nr_windows && !err; j++) {
		const struct static_window *w = &guest->windows[j];

		err = weir_table_map(s->tables[i], w->iova, w->pa, w->bytes, w->prot);
	}
	if (err)
		return err;
	weir_table_describe(s->tables[i], &tables);
	tables.id = guest->id;
	err = weir_smmu_v3_domain_create(s->smmu, &tables, WEIR_SMMU_V3_OWN_ID, &s->domains[i]);
	for (unsigned int j = 0; j < guest->nr_streams && !err; j++)
		err = weir_smmu_v3_attach(s->smmu, guest->streams[j], s->domains[i]);
	return err;
}

int static_smmu_start(const struct weir_host_ops *ops, void *host,
		      const struct static_board *board, void *arg, struct static_smmu *out)
{
	const struct weir_smmu_v3_config config = {
		.name = "smmu", .base_pa = board->smmu_pa, .nr_lines = board->nr_lines,
		.lines = { board->lines[0], board->lines[1] }, .fault = board->event,
		.table_alloc = board->table_alloc, .table_free = board->table_free, .arg = arg,
	};
	struct static_smmu s = { .board = board };
	int err = weir_smmu_v3_create(ops, host, &config, &s.smmu);

	if (err)
		return err;
	for (unsigned int i = 0; i < board->nr_guests && !err; i++)
		err = guest_start(ops, host, &s, i);
	if (err) {
		static_smmu_stop(&s);
		return err;
	}
	*out = s;
	return 0;
}

int static_smmu_revoke(struct static_smmu *s, unsigned int guest, uint64_t iova, uint64_t bytes)
{
	struct weir_table_gather gather = { .unlink = true };
	int err = weir_table_unmap(s->tables[guest], iova, bytes, &gather);

	if (err)
		return err;
	err = weir_smmu_v3_invalidate(s->domains[guest], &gather.what);
	if (!err)
		err = weir_smmu_v3_sync(s->domains[guest]);
	if (!err) /* otherwise the SMMU may still use what was unlinked: it goes with the tables */
		weir_table_release(s->tables[guest], &gather);
	return err;
}

void static_smmu_stop(struct static_smmu *s)
{
	const struct static_board *board = s->board;

	for (unsigned int i = 0; i < board->nr_guests; i++) {
		for (unsigned int j = 0; s->domains[i] && j < board->guests[i].nr_streams; j++)
			(void)weir_smmu_v3_attach(s->smmu, board->guests[i].streams[j], NULL);
		s->domains[i] = weir_smmu_v3_domain_destroy(s->domains[i]);
	}
	s->smmu = weir_smmu_v3_destroy(s->smmu);
	for (unsigned int i = 0; i < board->nr_guests; i++) {
		weir_table_destroy(s->tables[i]);
		s->tables[i] = NULL;
	}
}
