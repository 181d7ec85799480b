// SPDX-License-Identifier: MIT
/*
 * Nested translation (3.4, 5.2): a stream behind stage 1 of a guest and stage 2 of a domain, its parent.
 * The guest's context descriptors and tables are in its own memory, at addresses that stage 2
 * translates; so they are not looked at here, and whatever they say, nothing is reached that stage 2
 * does not map. The translations of both stages are tagged with the parent's VMID and the
 * guest's ASIDs.
 *
 * Reached only through weir_smmu_v3_nest(): who does not want it does not link it.
 */
#include "drivers/arm-smmu-v3/priv.h"

static int refuse(const struct weir_smmu_v3 *smmu, int err, const char *text, uint64_t value)
{
	return weir_smmu_log_(smmu, WEIR_LOG_ERR, err, text, value);
}

static int check_descriptors(const struct weir_smmu_v3_domain *parent, const uint64_t ste[2])
{
	const struct weir_smmu_v3 *smmu = parent->smmu;
	uint64_t bits = STE0_S1CDMAX_GET(ste[0]), format = STE0_S1FMT_GET(ste[0]);

	if (bits > smmu->has.substream_bits)
		return refuse(smmu, WEIR_EINVAL, "a guest's STE.S1CDMax: more substreams than there are",
			      ste[0]);
	if (bits && (format == S1FMT_RESERVED || (format != S1FMT_LINEAR && !smmu->has.cd2l)))
		return refuse(smmu, WEIR_EINVAL, "a guest's STE.S1Fmt: there is no such format", ste[0]);
	if (bits && STE1_S1DSS(ste[1]) == S1DSS_RESERVED)
		return refuse(smmu, WEIR_EINVAL, "a guest's STE.S1DSS: there is no such value", ste[1]);
	if ((ste[0] & STE0_S1PTR) >> parent->tables.iova_bits)
		return refuse(smmu, WEIR_EINVAL, "a guest's STE.S1ContextPtr: beyond its memory", ste[0]);
	return 0;
}

static int check(const struct weir_smmu_v3_domain *parent, const uint64_t ste[2])
{
	const struct weir_smmu_v3 *smmu = parent->smmu;
	uint64_t known = STE0_V | STE0_CONFIG(7) | STE0_S1FMT | STE0_S1PTR | STE0_S1CDMAX;

	if (!smmu->has.s1 || !smmu->has.s2)
		return refuse(smmu, WEIR_EOPNOTSUPP, "IDR0.S1P, S2P: it has no nested translation",
			      smmu->config.base_pa);
	if (!parent->stage2)
		return refuse(smmu, WEIR_EINVAL, "a guest's stage 1 needs stage 2 behind it", parent->id);
	if (!(ste[0] & STE0_V) || STE0_CONFIG_GET(ste[0]) != CONFIG_S1)
		return refuse(smmu, WEIR_EINVAL, "a guest's STE.Config: it is not stage 1", ste[0]);
	if (ste[0] & ~known || ste[1] & ~(STE1_S1 | STE1_S1STALLD))
		return refuse(smmu, WEIR_EINVAL, "a guest's STE says what is the host's",
			      ste[0] & ~known ? ste[0] : ste[1]);
	return check_descriptors(parent, ste);
}

int weir_smmu_v3_nest(struct weir_smmu_v3_domain *parent, const struct weir_nested_smmu_v3 *nested,
		      struct weir_smmu_v3_domain **out_domain)
{
	struct weir_smmu_v3 *smmu = parent->smmu;
	struct weir_smmu_v3_domain *domain;
	int err = check(parent, nested->ste);

	if (err)
		return err;
	domain = weir_smmu_alloc_(smmu, sizeof(*domain));
	if (!domain)
		return WEIR_ENOMEM;
	domain->smmu = smmu;
	domain->parent = parent;
	domain->id = parent->id;
	domain->guest[0] = nested->ste[0] & (STE0_S1FMT | STE0_S1PTR | STE0_S1CDMAX);
	/* Nobody would end a stall. */
	domain->guest[1] = (nested->ste[1] & STE1_S1) | (smmu->has.stalls ? STE1_S1STALLD : 0);
	atomic_fetch_add(&parent->nr_nested, 1);
	*out_domain = domain;
	return 0;
}

/* ---- what the guest has forgotten ---- */

/* Descriptors of all streams that are behind it. Return: 0; WEIR_EIO. */
static int drop_descriptors(struct weir_smmu_v3_domain *domain)
{
	struct weir_smmu_v3 *smmu = domain->smmu;
	uint64_t want[STE_WORDS];
	struct smmu_stes *stes;
	int err = 0;

	weir_smmu_ste_domain_(domain, smmu->has.coherent, 0, want);
	weir_list_each(stes, &smmu->stes, struct smmu_stes, node)
		for (uint32_t i = 0; i < stes->count && !err; i++) {
			const volatile uint64_t *at = stes->entries + i * (size_t)STE_WORDS;
			const struct smmu_cmd cmd = {
				{ CMD_CFGI_CD_ALL | CMD0_STREAM(stes->first + i), 0 }
			};

			if (smmu_le64(at[0]) == want[0] && smmu_le64(at[2]) == want[2])
				err = weir_smmu_queue_(smmu, &cmd, 1);
		}
	return err;
}

static unsigned int by_address(const struct weir_smmu_v3_domain *domain,
			       const struct weir_nested_invalidation *what, struct smmu_cmd *out_cmds)
{
	const struct weir_invalidation range = {
		.iova = what->iova, .bytes = what->bytes, .tables = !what->leaf,
	};
	uint64_t vmid = CMD0_VMID(domain->id);
	uint64_t opcode = what->scope == WEIR_NESTED_RANGE
				  ? CMD_TLBI_NH_VA | vmid | CMD0_ASID(what->asid)
				  : CMD_TLBI_NH_VAA | vmid;

	/* Without a granule there is no range, but any address drops what has it. */
	return weir_smmu_range_by_(opcode, what->granule_lg2 ? what->granule_lg2 : 12,
				   what->granule_lg2 && domain->smmu->has.ril, &range, out_cmds);
}

int weir_smmu_v3_invalidate_nested(struct weir_smmu_v3_domain *domain,
				   const struct weir_nested_invalidation *what)
{
	struct smmu_cmd cmds[SMMU_RANGE_CMDS];
	bool range = what->scope == WEIR_NESTED_RANGE || what->scope == WEIR_NESTED_ADDRESS;
	bool asid = what->scope == WEIR_NESTED_RANGE || what->scope == WEIR_NESTED_ASID;
	unsigned int n = range ? by_address(domain, what, cmds) : 0;
	int err;

	if (domain->smmu->off)
		return 0; /* nothing is cached */
	if (!n) {
		weir_smmu_all_of_(domain, cmds);
		if (asid)
			cmds[0].word[0] = CMD_TLBI_NH_ASID | CMD0_VMID(domain->id) |
					  CMD0_ASID(what->asid);
		n = 1;
	}
	err = what->scope == WEIR_NESTED_CONFIG ? drop_descriptors(domain)
						: weir_smmu_queue_(domain->smmu, cmds, n);
	return err ? err : weir_smmu_sync_(domain->smmu);
}
