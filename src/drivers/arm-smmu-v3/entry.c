// SPDX-License-Identifier: MIT
/*
 * Stream table entries and context descriptors (5.2, 5.4), and how a live entry is changed.
 *
 * Hardware reads an entry in words of 64 bits, in any order and at any moment (3.21.3). So
 * words that the entry does not use as it is are written first, and flushed; then one
 * word makes the new one of it. Where more than one word would have to change at once, the
 * entry is invalid in between: it aborts.
 */
#include "drivers/arm-smmu-v3/priv.h"

/* Which words an entry uses, a bit for each. */
static unsigned int used_words(const uint64_t ste[STE_WORDS])
{
	unsigned int config = (unsigned int)STE0_CONFIG_GET(ste[0]);

	if (!(ste[0] & STE0_V) || !(config & CONFIG_BYPASS))
		return 0x01; /* invalid, or abort, 5.2: the rest is ignored */
	if (config == CONFIG_BYPASS)
		return 0x03;
	if (config == CONFIG_S1)
		return 0x07; /* S2VMID tags translations of stage 1 too, 3.17 */
	return 0xff;
}

static unsigned int differing(const uint64_t *now, const uint64_t *want)
{
	unsigned int words = 0;

	for (unsigned int i = 0; i < STE_WORDS; i++)
		words |= now[i] != want[i] ? 1u << i : 0;
	return words;
}

/* Stores @words of @want, not the first one, and has it seen. Return: 0; what flush returned. */
static int store_words(const struct smmu_entry_ops *ops, void *arg, const uint64_t *want,
		       unsigned int words)
{
	if (!words)
		return 0;
	for (unsigned int i = 1; i < STE_WORDS; i++)
		if (words >> i & 1)
			ops->store(arg, i, want[i]);
	return ops->flush(arg);
}

int weir_smmu_entry_write_(const struct smmu_entry_ops *ops, void *arg,
			   const uint64_t now[STE_WORDS], const uint64_t want[STE_WORDS])
{
	/* What the new one does not use may stay as it is. */
	unsigned int change = differing(now, want) & used_words(want), last, i = 0;
	int err = 0;

	if (!change)
		return 0;
	last = change & (used_words(now) | 1);
	if (last & (last - 1)) { /* more than one word at once */
		ops->store(arg, 0, 0);
		err = ops->flush(arg);
		last = 1;
	}
	if (!err)
		err = store_words(ops, arg, want, change & ~last & ~1u);
	if (err || !last)
		return err;
	while (!(last >> i & 1))
		i++;
	ops->store(arg, i, want[i]);
	return ops->flush(arg);
}

/* ---- encoding ---- */

static uint64_t tg_code(uint32_t granule_lg2)
{
	return granule_lg2 == 12 ? TG_4K : granule_lg2 == 14 ? TG_16K : TG_64K;
}

void weir_smmu_ste_bypass_(bool coherent, uint64_t out_ste[STE_WORDS])
{
	uint64_t fetch = coherent ? MEM_WB : MEM_NC;

	for (unsigned int i = 0; i < STE_WORDS; i++)
		out_ste[i] = 0;
	out_ste[0] = STE0_V | STE0_CONFIG(CONFIG_BYPASS);
	/* The same for all, though only stage 1 reads descriptors: then they differ in one word. */
	out_ste[1] = STE1_SHCFG(SHCFG_INCOMING) | STE1_S1CIR(fetch) | STE1_S1COR(fetch) |
		     STE1_S1CSH(coherent ? SH_ISH : SH_OSH);
}

/* The first level of a walk, as S2SL0 counts it, 5.2. */
static uint64_t sl0_code(const struct weir_tables *tables)
{
	uint32_t first = 4 - tables->levels;

	return tables->granule_lg2 == 12 ? (first == 3 ? 3 : 2 - first) : 3 - first;
}

void weir_smmu_ste_domain_(const struct weir_smmu_v3_domain *domain, bool coherent, uint64_t cd_pa,
			   uint64_t out_ste[STE_WORDS])
{
	const struct weir_tables *tables = domain->parent ? &domain->parent->tables : &domain->tables;
	uint64_t walk = tables->coherent ? MEM_WB : MEM_NC;

	weir_smmu_ste_bypass_(coherent, out_ste);
	if (!domain->stage2 && !domain->parent) {
		out_ste[0] = STE0_V | STE0_CONFIG(CONFIG_S1) | (cd_pa & STE0_S1PTR);
		return;
	}
	out_ste[0] = STE0_V | STE0_CONFIG(CONFIG_S2);
	if (domain->parent) {
		out_ste[0] = STE0_V | STE0_CONFIG(CONFIG_NESTED) | domain->guest[0];
		out_ste[1] = STE1_SHCFG(SHCFG_INCOMING) | domain->guest[1];
	}
	out_ste[2] = STE2_S2VMID(domain->id) | STE2_S2T0SZ(64 - tables->iova_bits) |
		     STE2_S2SL0(sl0_code(tables)) | STE2_S2IR0(walk) | STE2_S2OR0(walk) |
		     STE2_S2SH0(tables->coherent ? SH_ISH : SH_OSH) |
		     STE2_S2TG(tg_code(tables->granule_lg2)) |
		     STE2_S2PS(weir_smmu_pa_code_(tables->pa_bits)) | STE2_S2AA64 | STE2_S2R;
	out_ste[3] = (tables->root_pa & STE3_S2TTB) | (weir_smmu_is_ds_(tables) ? STE3_S2DS : 0);
}

void weir_smmu_cd_(const struct weir_smmu_v3_domain *domain, uint64_t out_cd[STE_WORDS])
{
	const struct weir_tables *tables = &domain->tables;
	uint64_t walk = tables->coherent ? MEM_WB : MEM_NC;

	for (unsigned int i = 0; i < STE_WORDS; i++)
		out_cd[i] = 0;
	/* Faults are aborted and recorded; ASIDs are not those of processes. */
	out_cd[0] = CD0_T0SZ(64 - tables->iova_bits) | CD0_TG0(tg_code(tables->granule_lg2)) |
		    CD0_IR0(walk) | CD0_OR0(walk) | CD0_SH0(tables->coherent ? SH_ISH : SH_OSH) |
		    CD0_EPD1 | CD0_V | CD0_IPS(weir_smmu_pa_code_(tables->pa_bits)) | CD0_AA64 |
		    CD0_R | CD0_A | CD0_ASET | CD0_ASID(domain->id);
	out_cd[1] = tables->root_pa & CD1_TTB0;
	out_cd[2] = weir_smmu_is_ds_(tables) ? CD2_DS : 0;
	out_cd[3] = WEIR_TABLE_ARM_MAIR;
}
