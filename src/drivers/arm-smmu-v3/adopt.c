// SPDX-License-Identifier: MIT
/*
 * Taking over a stream table that is in use (firmware's, or that of a kernel that crashed), where
 * the SMMU cannot be switched off without bypassing everything: it has no GBPA.ABORT, and the
 * place of the table cannot change while it runs (6.3.23).
 *
 * Of somebody else's memory only what is needed is written: words of the table itself. Tables
 * of the second level are copied before an entry in them changes. Nothing in it is believed.
 */
#include "drivers/arm-smmu-v3/priv.h"

#define LINEAR_BITS_MAX 20u
#define SPAN_MAX        11u /* 5.1 */

static int refuse(const struct weir_smmu_v3 *smmu, int err, const char *text, uint64_t value)
{
	return weir_smmu_log_(smmu, WEIR_LOG_ERR, err, text, value);
}

static int read_shape(struct weir_smmu_v3 *smmu, uint32_t cfg)
{
	struct smmu_table *table = &smmu->table;

	table->fmt = (uint32_t)STRTAB_FMT(cfg);
	table->lg2 = (uint32_t)STRTAB_LOG2SIZE(cfg);
	table->split = (uint32_t)STRTAB_SPLIT(cfg);
	if (table->fmt == FMT_LINEAR && table->lg2 <= LINEAR_BITS_MAX) {
		table->pages.bytes = (size_t)STE_BYTES << table->lg2;
		return 0;
	}
	if (table->fmt != FMT_2LEVEL || table->lg2 > 32 || table->split > table->lg2 ||
	    (table->split != 6 && table->split != 8 && table->split != 10))
		return refuse(smmu, WEIR_EIO, "the stream table in use makes no sense", cfg);
	table->pages.bytes = (size_t)L1STD_BYTES << (table->lg2 - table->split);
	return 0;
}

int weir_smmu_adopt_(struct weir_smmu_v3 *smmu)
{
	struct smmu_table *table = &smmu->table;
	uint64_t base = weir_smmu_read64_(smmu, REG_STRTAB_BASE);
	int err = read_shape(smmu, weir_smmu_read_(smmu, REG_STRTAB_BASE_CFG));

	if (err)
		return err;
	table->pages.pa = base & STRTAB_ADDR & ~(uint64_t)(table->pages.bytes - 1);
	table->pages.va = smmu->ops->pa_to_va
				  ? smmu->ops->pa_to_va(smmu->host, table->pages.pa, table->pages.bytes)
				  : NULL;
	if (!table->pages.va)
		return refuse(smmu, WEIR_EOPNOTSUPP, "the stream table in use is out of reach", base);
	table->foreign = true;
	smmu->leaves = true; /* until it is all in our hands */
	if (table->lg2 < smmu->has.stream_bits)
		smmu->has.stream_bits = table->lg2;
	weir_smmu_log_(smmu, WEIR_LOG_INFO, 0, "it runs already: its stream table is taken over",
		       table->pages.pa);
	err = table->fmt == FMT_LINEAR
		      ? weir_smmu_stes_add_(smmu, 0, 1u << table->lg2, NULL, table->pages.va,
					    table->pages.pa)
		      : 0;
	return err || !smmu->config.keeping ? err : smmu->config.keeping->find(smmu);
}

void weir_smmu_adopt_level2_(struct weir_smmu_v3 *smmu, uint64_t descriptor, void *va)
{
	uint32_t span = (uint32_t)L1STD_SPAN(descriptor);
	volatile uint64_t *to = va;
	const volatile uint64_t *from;
	size_t bytes;

	if (!span)
		return;
	if (span <= SPAN_MAX && span - 1 <= smmu->table.split) {
		bytes = (size_t)STE_BYTES << (span - 1);
		from = smmu->ops->pa_to_va(smmu->host, descriptor & L1STD_L2PTR & ~(uint64_t)(bytes - 1),
					   bytes);
		for (size_t i = 0; from && i < bytes / 8; i++)
			to[i] = from[i];
		if (from)
			return;
	}
	weir_smmu_log_(smmu, WEIR_LOG_WARN, 0, "a part of the stream table in use makes no sense",
		       descriptor);
}
