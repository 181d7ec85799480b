// SPDX-License-Identifier: MIT
/*
 * Domains of the hardware layer: tables, the context bank that is told of them, and the id that tags
 * their translations. A bank is written while no stream refers to it, and not changed after that.
 *
 * All domains of stage 1 have one VMID, which none of firmware's banks has, and an ASID each;
 * those of stage 2 have VMIDs. An id is free again when nothing is cached under it any more. Ids
 * that the library chooses go down from the last one, out of the way of those that embedders choose.
 */
#include "drivers/arm-smmu/priv.h"

/* ---- banks ---- */

int weir_smmu2_bank_get_(struct weir_smmu_v2 *smmu, bool stage2)
{
	uint32_t n = stage2 ? 0 : smmu->has.nr_s2banks;
	unsigned long before = weir_spin_lock(&smmu->lock);

	while (n < smmu->has.nr_banks && smmu->banks[n].used)
		n++;
	if (n < smmu->has.nr_banks)
		smmu->banks[n] = (struct smmu2_bank){ .used = true, .stage2 = stage2 };
	weir_spin_unlock(&smmu->lock, before);
	if (n < smmu->has.nr_banks)
		return (int)n;
	return weir_smmu2_log_(smmu, WEIR_LOG_ERR, WEIR_ENOSPC, "no context bank is left",
			       smmu->has.nr_banks);
}

void weir_smmu2_bank_put_(struct weir_smmu_v2 *smmu, uint32_t bank)
{
	unsigned long before = weir_spin_lock(&smmu->lock);

	if (!smmu->off)
		weir_smmu2_write_(smmu, weir_smmu2_cb_(smmu, bank, CB_SCTLR), 0);
	smmu->banks[bank] = (struct smmu2_bank){ 0 };
	weir_spin_unlock(&smmu->lock, before);
}

void weir_smmu2_bank_begin_(struct weir_smmu_v2 *smmu, uint32_t bank, uint32_t cbar, uint32_t vmid,
			    bool va64)
{
	bool one = smmu->config.flags & WEIR_SMMU_V2_ARCH_1;
	uint32_t cba2r = va64 ? CBA2R_VA64 : 0;

	if (smmu->cr0 & CR0_VMID16EN)
		cba2r |= CBA2R_VMID16_AS(vmid);
	else
		cbar |= CBAR_VMID_AS(vmid);
	if (one && smmu->nr_context_lines)
		cbar |= CBAR_IRPTNDX(bank % smmu->nr_context_lines);
	weir_smmu2_write_(smmu, weir_smmu2_cb_(smmu, bank, CB_SCTLR), 0);
	if (!one)
		weir_smmu2_write_(smmu, weir_smmu2_gr1_(smmu, REG1_CBA2R(bank)), cba2r);
	weir_smmu2_write_(smmu, weir_smmu2_gr1_(smmu, REG1_CBAR(bank)), cbar);
	if (smmu->config.flags & WEIR_SMMU_V2_MMU500) {
		uint32_t at = weir_smmu2_cb_(smmu, bank, CB_ACTLR);

		weir_smmu2_write_(smmu, at, weir_smmu2_read_(smmu, at) & ~ACTLR_CPRE);
	}
}

static uint32_t cbar_of(bool stage2)
{
	return stage2 ? CBAR_TYPE_AS(CBAR_S2)
		      : CBAR_TYPE_AS(CBAR_S1) | CBAR_BPSHCFG_NSH | CBAR_MEMATTR_WB;
}

void weir_smmu2_write_ttbr_(struct weir_smmu_v2 *smmu, uint32_t at, uint64_t value)
{
	if (smmu->config.flags & WEIR_SMMU_V2_ARCH_1) {
		weir_smmu2_write_(smmu, at, (uint32_t)value);
		weir_smmu2_write_(smmu, at + 4, (uint32_t)(value >> 32));
		return;
	}
	weir_smmu2_write64_(smmu, at, value);
}

static uint32_t size_code(uint32_t bits)
{
	return bits <= 32 ? 0 : bits <= 36 ? 1 : bits <= 40 ? 2 : bits <= 42 ? 3 : bits <= 44 ? 4 : 5;
}

static uint32_t walk_attributes(const struct weir_smmu_v2 *smmu)
{
	return smmu->has.coherent ? TCR_IRGN0_WBWA | TCR_ORGN0_WBWA | TCR_SH0(SH_INNER)
				  : TCR_SH0(SH_OUTER);
}

static uint32_t tcr_64(const struct weir_smmu_v2_domain *domain)
{
	const struct weir_tables *t = &domain->tables;
	uint32_t tg = t->granule_lg2 == 12 ? 0 : t->granule_lg2 == 14 ? 2 : 1;
	uint32_t tcr = TCR_T0SZ(64 - t->iova_bits) | TCR_TG0(tg) | walk_attributes(domain->smmu);

	if (!domain->stage2)
		return tcr | TCR_EPD1;
	/* SL0 counts from the last level at which tables of that page size may begin */
	return tcr | TCR_S2_PASIZE(size_code(t->pa_bits)) |
	       TCR_SL0((t->granule_lg2 == 12 ? 2 : 3) - (4 - t->levels));
}

static uint32_t tcr_32(const struct weir_smmu_v2_domain *domain)
{
	const struct weir_tables *t = &domain->tables;
	uint32_t tcr = TCR_EAE | walk_attributes(domain->smmu);

	if (!domain->stage2)
		return tcr | TCR_A32_T0SZ1(32 - t->iova_bits) | TCR_EPD1;
	return tcr | TCR_A32_T0SZ2(32 - t->iova_bits) | TCR_SL0(t->levels - 2);
}

/* The first table, with the ASID where that format has it. */
static uint64_t ttbr0(const struct weir_smmu_v2_domain *domain)
{
	uint64_t root = domain->tables.root_pa;

	if (domain->format == FORMAT_32_SHORT)
		return root | (domain->smmu->has.coherent ? TTBR_SHORT_WBWA_ISH : 0);
	return domain->stage2 ? root : root | TTBR_ASID(domain->id);
}

static void write_memory_attributes(const struct weir_smmu_v2_domain *domain, uint32_t cb)
{
	bool shorts = domain->format == FORMAT_32_SHORT;
	struct weir_smmu_v2 *smmu = domain->smmu;

	weir_smmu2_write_(smmu, cb + CB_MAIR0,
			  shorts ? WEIR_TABLE_ARM_PRRR : (uint32_t)WEIR_TABLE_ARM_MAIR);
	weir_smmu2_write_(smmu, cb + CB_MAIR1,
			  shorts ? WEIR_TABLE_ARM_NMRR : (uint32_t)(WEIR_TABLE_ARM_MAIR >> 32));
	if (shorts)
		weir_smmu2_write_(smmu, cb + CB_CONTEXTIDR, domain->id);
}

void weir_smmu2_bank_on_(struct weir_smmu_v2 *smmu, uint32_t bank, uint32_t sctlr)
{
	uint32_t cb = weir_smmu2_cb_(smmu, bank, 0);
	unsigned long before;

	weir_smmu2_write_(smmu, cb + CB_FSR, FSR_FAULTS | FSR_MULTI);
	before = weir_spin_lock(&smmu->lock);
	smmu->banks[bank].sctlr = sctlr;
	weir_smmu2_write_(smmu, cb + CB_SCTLR, sctlr);
	weir_spin_unlock(&smmu->lock, before);
}

static void write_bank(struct weir_smmu_v2_domain *domain)
{
	struct weir_smmu_v2 *smmu = domain->smmu;
	uint32_t n = domain->bank, cb = weir_smmu2_cb_(smmu, n, 0);
	bool va64 = domain->format == FORMAT_64, stage2 = domain->stage2;

	weir_smmu2_bank_begin_(smmu, n, cbar_of(stage2), stage2 ? domain->id : smmu->s1_vmid, va64);
	if (va64 && !stage2)
		weir_smmu2_write_(smmu, cb + CB_TCR2, TCR2_PASIZE(size_code(domain->tables.pa_bits)) |
				  TCR2_AS | TCR2_SEP_UPSTREAM);
	weir_smmu2_write_(smmu, cb + CB_TCR, domain->format == FORMAT_32_SHORT ? TCR_PD1
					     : va64 ? tcr_64(domain) : tcr_32(domain));
	weir_smmu2_write_ttbr_(smmu, cb + CB_TTBR0, ttbr0(domain));
	if (!stage2) {
		write_memory_attributes(domain, cb);
		weir_smmu2_mark_(smmu, n, false);
	}
	weir_smmu2_bank_on_(smmu, n, SCTLR_M | SCTLR_TRE | SCTLR_AFE | SCTLR_CFRE | SCTLR_CFIE |
			    (stage2 ? 0 : SCTLR_ASIDPNE));
}

void weir_smmu2_bank_open_(struct weir_smmu_v2 *smmu, uint32_t bank)
{
	weir_smmu2_bank_begin_(smmu, bank, cbar_of(!smmu->has.s1), smmu->s1_vmid, false);
}

void weir_smmu2_banks_write_(struct weir_smmu_v2 *smmu)
{
	struct weir_smmu_v2_domain *domain;

	weir_list_each(domain, &smmu->domains, struct weir_smmu_v2_domain, node)
		if (domain->parent)
			weir_smmu2_nested_write_(domain);
		else
			write_bank(domain);
}

void weir_smmu2_banks_off_(struct weir_smmu_v2 *smmu)
{
	for (uint32_t n = 0; n < smmu->has.nr_banks; n++)
		if (smmu->banks[n].used && !smmu->banks[n].kept)
			weir_smmu2_write_(smmu, weir_smmu2_cb_(smmu, n, CB_SCTLR), 0);
}

/*
 * What says of a bank that a stream was left there by an earlier instance: TTBR1, which nothing uses
 * where TCR.EPD1 is set, has an address that no table of anybody's is at.
 */
#define MARK 0x77656000u

void weir_smmu2_mark_(struct weir_smmu_v2 *smmu, uint32_t bank, bool on)
{
	uint32_t at = weir_smmu2_cb_(smmu, bank, CB_TTBR1);

	weir_smmu2_write_(smmu, at, on ? MARK : 0);
	weir_smmu2_write_(smmu, at + 4, 0);
}

bool weir_smmu2_is_marked_(const struct weir_smmu_v2 *smmu, uint32_t bank)
{
	uint32_t at = weir_smmu2_cb_(smmu, bank, CB_TTBR1);

	return weir_smmu2_read_(smmu, at) == MARK && !weir_smmu2_read_(smmu, at + 4);
}

/* ---- ids ---- */

static uint32_t last_id(const struct weir_smmu_v2_domain *domain)
{
	if (domain->stage2)
		return domain->smmu->cr0 & CR0_VMID16EN ? 0xffff : 0xff;
	return domain->format == FORMAT_64 ? 0xffff : 0xff;
}

static bool is_kept(const struct weir_smmu_v2 *smmu, uint32_t vmid)
{
	for (uint32_t i = 0; i < smmu->has.nr_banks; i++)
		if (smmu->banks[i].kept && smmu->banks[i].vmid == vmid)
			return true;
	return false;
}

static bool has_id(struct weir_smmu_v2 *smmu, bool stage2, uint32_t id)
{
	struct weir_smmu_v2_domain *domain;

	weir_list_each(domain, &smmu->domains, struct weir_smmu_v2_domain, node)
		if (!domain->parent && domain->stage2 == stage2 && domain->id == id)
			return true;
	return false;
}

static bool is_taken(const struct weir_smmu_v2_domain *domain, uint32_t id)
{
	struct weir_smmu_v2 *smmu = domain->smmu;

	if (has_id(smmu, domain->stage2, id))
		return true;
	return domain->stage2 && (id == smmu->s1_vmid || is_kept(smmu, id));
}

void weir_smmu2_choose_vmid_(struct weir_smmu_v2 *smmu)
{
	uint32_t id = 0; /* there are more than banks */

	while (is_kept(smmu, id) || has_id(smmu, true, id))
		id++;
	smmu->s1_vmid = id;
}

static int choose_id(struct weir_smmu_v2_domain *domain, uint32_t flags)
{
	uint32_t id = domain->tables.id;

	if (flags & WEIR_SMMU_V2_OWN_ID) {
		if (!id || id > last_id(domain))
			return WEIR_EINVAL;
		if (is_taken(domain, id))
			return WEIR_EEXIST;
	} else {
		for (id = last_id(domain); id && is_taken(domain, id); id--)
			;
		if (!id)
			return WEIR_ENOSPC;
	}
	domain->id = (uint16_t)id;
	return 0;
}

/* ---- life ---- */

static int init(struct weir_smmu_v2_domain *domain, uint32_t flags)
{
	struct weir_smmu_v2 *smmu = domain->smmu;
	int err = choose_id(domain, flags);

	if (err)
		return err;
	err = weir_smmu2_bank_get_(smmu, domain->stage2);
	if (err < 0)
		return err;
	domain->bank = (uint32_t)err;
	if (smmu->off)
		return 0; /* what it starts with is nothing */
	write_bank(domain);
	err = weir_smmu2_flush_(domain); /* others may have used an id that was chosen elsewhere */
	if (err)
		weir_smmu2_bank_put_(smmu, domain->bank);
	return err;
}

int weir_smmu_v2_domain_create(struct weir_smmu_v2 *smmu, const struct weir_tables *tables,
			       uint32_t flags, struct weir_smmu_v2_domain **out_domain)
{
	struct weir_smmu_v2_domain *domain;
	enum smmu2_format format;
	int err = smmu->unit.dead ? WEIR_EIO : weir_smmu2_format_(smmu, tables, &format);

	if (err)
		return err;
	domain = smmu->ops->alloc(smmu->host, sizeof(*domain));
	if (!domain)
		return WEIR_ENOMEM;
	domain->smmu = smmu;
	domain->tables = *tables;
	domain->format = format;
	domain->stage2 = tables->format == WEIR_TABLE_ARM_S2;
	err = init(domain, flags);
	if (err) {
		smmu->ops->free(smmu->host, domain, sizeof(*domain));
		return err;
	}
	weir_list_add_tail(&smmu->domains, &domain->node);
	*out_domain = domain;
	return 0;
}

struct weir_smmu_v2_domain *weir_smmu_v2_domain_destroy(struct weir_smmu_v2_domain *domain)
{
	struct weir_smmu_v2 *smmu;

	if (!domain)
		return NULL;
	smmu = domain->smmu;
	/*
	 * What cannot be flushed is in quarantine then: its bank stays as it is; and so does one that
	 * streams go on with.
	 */
	if (!smmu->banks[domain->bank].kept && (smmu->off || !weir_smmu2_flush_(domain)))
		weir_smmu2_bank_put_(smmu, domain->bank);
	if (domain->parent)
		atomic_fetch_sub(&domain->parent->nr_nested, 1);
	weir_list_del(&domain->node);
	smmu->ops->free(smmu->host, domain, sizeof(*domain));
	return NULL;
}
