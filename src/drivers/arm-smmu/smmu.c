// SPDX-License-Identifier: MIT
/*
 * The life of an SMMU of versions 1 and 2: what runs is looked at, streams are attached, and with one
 * write of sCR0 it is on and nothing passes that is neither attached nor firmware's. It is not
 * switched off any more after that: off, it would let everything pass. It needs no memory for it.
 */
#include "drivers/arm-smmu/priv.h"

#define DEFAULT_TIMEOUT_NS 1000000000u
#define WAIT_COUNT_MIN 1000u       /* whatever the clock says */
#define WAIT_COUNT (1u << 22)      /* without a clock, or with one that stands still */
#define IDS_BYTES 0x1000u          /* of registers that every SMMU has */

/* ---- the host ---- */

uint32_t weir_smmu2_read_(const struct weir_smmu_v2 *smmu, uint32_t at)
{
	return (uint32_t)smmu->ops->mmio_read(smmu->host, smmu->regs + at, 4);
}

void weir_smmu2_write_(const struct weir_smmu_v2 *smmu, uint32_t at, uint32_t value)
{
	smmu->ops->mmio_write(smmu->host, smmu->regs + at, 4, value);
}

void weir_smmu2_write64_(const struct weir_smmu_v2 *smmu, uint32_t at, uint64_t value)
{
	smmu->ops->mmio_write(smmu->host, smmu->regs + at, 8, value);
}

uint32_t weir_smmu2_gr1_(const struct weir_smmu_v2 *smmu, uint32_t at)
{
	return at + (UINT32_C(1) << smmu->has.page_lg2);
}

uint32_t weir_smmu2_cb_(const struct weir_smmu_v2 *smmu, uint32_t bank, uint32_t at)
{
	return ((smmu->has.nr_pages + bank) << smmu->has.page_lg2) + at;
}

int weir_smmu2_wait_(struct weir_smmu_v2 *smmu, uint32_t at)
{
	uint64_t most = smmu->config.timeout_ns ? smmu->config.timeout_ns : DEFAULT_TIMEOUT_NS;
	uint64_t since = smmu->ops->time_ns ? smmu->ops->time_ns(smmu->host) : 0, last = since;

	for (uint32_t count = 0, still = 0;; count++) {
		uint32_t value = weir_smmu2_read_(smmu, at);
		uint64_t now = smmu->ops->time_ns ? smmu->ops->time_ns(smmu->host) : 0;

		if (value == UINT32_MAX)
			return weir_smmu2_die_(smmu, "its registers do not answer", at);
		if (!(value & TLBSTATUS_ACTIVE))
			return 0;
		still = now == last ? still + 1 : 0;
		last = now;
		if (still >= WAIT_COUNT || (count >= WAIT_COUNT_MIN && now - since > most))
			return weir_smmu2_die_(smmu, "a sync of its TLB does not end", at);
	}
}

static void *get(const struct weir_smmu_v2 *smmu, size_t bytes)
{
	return smmu->ops->alloc(smmu->host, bytes);
}

static void put(const struct weir_smmu_v2 *smmu, void *mem, size_t bytes)
{
	if (mem)
		smmu->ops->free(smmu->host, mem, bytes);
}

/* ---- the way up ---- */

/* Off, it lets everything pass; then formats can be chosen. What runs keeps those that it has. */
static void choose_formats(struct weir_smmu_v2 *smmu, bool live)
{
	const struct smmu2_features *has = &smmu->has;

	smmu->cr0 &= CR0_CLIENTPD | CR0_EXIDENABLE | CR0_VMID16EN;
	if (live)
		return;
	smmu->cr0 = CR0_CLIENTPD | (has->exids ? CR0_EXIDENABLE : 0) |
		    (has->vmid16 ? CR0_VMID16EN : 0);
	weir_smmu2_write_(smmu, REG_CR0, smmu->cr0);
}

/* The MMU-500 prefetches only where its banks say so, and those are locked at first (DDI 0517). */
static void unlock_banks(struct weir_smmu_v2 *smmu)
{
	if (smmu->config.flags & WEIR_SMMU_V2_MMU500)
		weir_smmu2_write_(smmu, REG_ACR,
				  weir_smmu2_read_(smmu, REG_ACR) & ~ACR_CACHE_LOCK);
}

/* Up to where streams can be attached; what passes is not changed. */
static int start(struct weir_smmu_v2 *smmu)
{
	bool live;
	int err;

	smmu->cr0 = weir_smmu2_read_(smmu, REG_CR0);
	if (smmu->cr0 == UINT32_MAX)
		return weir_smmu2_log_(smmu, WEIR_LOG_ERR, WEIR_EIO, "its registers do not answer",
				       smmu->config.base_pa);
	live = !(smmu->cr0 & CR0_CLIENTPD);
	choose_formats(smmu, live);
	unlock_banks(smmu);
	weir_smmu2_scan_(smmu, live);
	weir_smmu2_banks_write_(smmu);
	smmu->off = false;
	err = weir_smmu2_flush_all_(smmu);
	if (err)
		return err;
	if (smmu->no_bypass && smmu->identity_bank < 0) {
		smmu->identity_bank = weir_smmu2_bank_get_(smmu, false);
		if (smmu->identity_bank < 0)
			return smmu->identity_bank;
	}
	if (smmu->identity_bank >= 0)
		weir_smmu2_bank_open_(smmu, (uint32_t)smmu->identity_bank);
	return 0;
}

int weir_smmu_v2_enforce(struct weir_smmu_v2 *smmu)
{
	const uint32_t want = CR0_GFRE | CR0_GFIE | CR0_GCFGFRE | CR0_GCFGFIE | CR0_USFCFG |
			      CR0_VMIDPNE | CR0_PTM;
	unsigned long before;

	if (smmu->unit.dead)
		return WEIR_EIO;
	if (smmu->enforced)
		return 0;
	if (!smmu->config.keep)
		weir_smmu2_block_(smmu, USE_KEPT);
	weir_smmu2_write_(smmu, REG_GFSR, weir_smmu2_read_(smmu, REG_GFSR));
	before = weir_spin_lock(&smmu->lock);
	smmu->cr0 = (smmu->cr0 & ~CR0_CLIENTPD) | want;
	weir_smmu2_write_(smmu, REG_CR0, smmu->cr0);
	weir_spin_unlock(&smmu->lock, before);
	if (weir_smmu2_read_(smmu, REG_CR0) & CR0_CLIENTPD)
		return weir_smmu2_log_(smmu, WEIR_LOG_ERR, WEIR_EIO, "it cannot be switched on",
				       smmu->cr0);
	smmu->enforced = true;
	weir_smmu2_tidy_(smmu);
	weir_smmu2_listen_(smmu, true);
	return weir_smmu2_global_sync_(smmu);
}

/* ---- the way down ---- */

/* What was never in our hands is left as it is. */
static void stop(struct weir_smmu_v2 *smmu)
{
	weir_smmu2_listen_(smmu, false);
	weir_smmu2_block_(smmu, USE_OURS);
	weir_smmu2_banks_off_(smmu);
	if (!smmu->unit.dead)
		(void)weir_smmu2_flush_all_(smmu);
	smmu->off = true;
}

void weir_smmu_v2_suspend(struct weir_smmu_v2 *smmu)
{
	if (!smmu->off)
		stop(smmu);
}

int weir_smmu_v2_resume(struct weir_smmu_v2 *smmu)
{
	int err;

	if (!smmu->off)
		return smmu->unit.dead ? WEIR_EIO : 0;
	smmu->unit.dead = false;
	smmu->enforced = false;
	err = start(smmu);
	if (!err)
		err = weir_smmu_v2_enforce(smmu);
	if (err && !smmu->off)
		stop(smmu);
	return err;
}

/* ---- creation and destruction ---- */

static int map(struct weir_smmu_v2 *smmu)
{
	int err;

	if (!smmu->ops->mmio_map)
		return weir_smmu2_log_(smmu, WEIR_LOG_ERR, WEIR_EOPNOTSUPP, "the host has no registers",
				       smmu->config.base_pa);
	if (smmu->config.bytes < 2 * IDS_BYTES)
		return weir_smmu2_log_(smmu, WEIR_LOG_ERR, WEIR_EIO, "it has too few registers",
				       smmu->config.bytes);
	err = smmu->ops->mmio_map(smmu->host, smmu->config.base_pa, smmu->config.bytes, &smmu->regs);
	smmu->mapped = !err;
	return err;
}

static int init(struct weir_smmu_v2 *smmu)
{
	int err = weir_spin_init_host(&smmu->lock, smmu->ops, smmu->host, WEIR_LOCK_DEVICE);

	if (!err)
		err = map(smmu);
	if (!err)
		err = weir_smmu2_features_(smmu);
	if (err)
		return err;
	smmu->entries = get(smmu, smmu->has.nr_streams * sizeof(*smmu->entries));
	smmu->banks = get(smmu, smmu->has.nr_banks * sizeof(*smmu->banks));
	if (!smmu->entries || !smmu->banks)
		return WEIR_ENOMEM;
	err = weir_smmu2_wakers_(smmu);
	if (!err)
		err = start(smmu);
	if (!err && !smmu->config.keep)
		err = weir_smmu_v2_enforce(smmu);
	if (!err && smmu->polled)
		weir_smmu2_timer_set_(smmu);
	return err;
}

int weir_smmu_v2_create(const struct weir_host_ops *ops, void *host,
			const struct weir_smmu_v2_config *config, struct weir_smmu_v2 **out_smmu)
{
	struct weir_smmu_v2 *smmu = ops->alloc(host, sizeof(*smmu));
	int err;

	if (!smmu)
		return WEIR_ENOMEM;
	smmu->ops = ops;
	smmu->host = host;
	smmu->config = *config;
	smmu->unit = (struct weir_unit){
		.ops = ops, .host = host, .name = config->name, .base_pa = config->base_pa,
		.fault = config->fault, .arg = config->arg,
	};
	smmu->off = true;
	smmu->identity_bank = -1;
	weir_list_init(&smmu->domains);
	err = init(smmu);
	smmu->config.lines = NULL; /* it was borrowed */
	if (err) {
		weir_unit_stillborn_(&smmu->unit, err);
		weir_smmu_v2_destroy(smmu);
		return err;
	}
	*out_smmu = smmu;
	return 0;
}

struct weir_smmu_v2 *weir_smmu_v2_destroy(struct weir_smmu_v2 *smmu)
{
	if (!smmu)
		return NULL;
	weir_smmu_v2_suspend(smmu);
	weir_smmu2_wakers_free_(smmu);
	put(smmu, smmu->banks, smmu->has.nr_banks * sizeof(*smmu->banks));
	put(smmu, smmu->entries, smmu->has.nr_streams * sizeof(*smmu->entries));
	if (smmu->mapped)
		smmu->ops->mmio_unmap(smmu->host, smmu->regs, smmu->config.bytes);
	weir_spin_fini(&smmu->lock);
	smmu->ops->free(smmu->host, smmu, sizeof(*smmu));
	return NULL;
}
