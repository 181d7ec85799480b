// SPDX-License-Identifier: MIT
/*
 * Faults: one that is not cleared yet for each context bank, and one for all else. Nothing in the
 * registers is believed. A transaction that stalls is terminated.
 *
 * Who looks: the interrupts of the SMMU; without them a timer of the host. Interrupts are levels: what faults
 * faster than it can be told has its interrupt off until the timer has looked again.
 */
#include "drivers/arm-smmu/priv.h"

#define FLOOD 64u /* of one bank, within one turn of the timer */

/* ---- what registers say ---- */

bool weir_smmu2_context_fault_(uint32_t fsr, uint32_t fsynr0, uint64_t far, struct weir_fault *out_fault)
{
	enum weir_fault_reason reason = WEIR_FAULT_UNKNOWN;

	if (!(fsr & FSR_FAULTS))
		return false;
	if (fsr & FSR_TF)
		reason = WEIR_FAULT_UNMAPPED;
	else if (fsr & (FSR_PF | FSR_AFF))
		reason = WEIR_FAULT_PERMISSION;
	else if (fsr & FSR_EF)
		reason = WEIR_FAULT_EXTERNAL;
	*out_fault = (struct weir_fault){
		.reason = reason, .iova = far, .record = fsr,
		.flags = fsynr0 & FSYNR0_WNR ? WEIR_FAULT_WRITE :
			 fsynr0 & FSYNR0_IND ? WEIR_FAULT_EXECUTE : WEIR_FAULT_READ,
	};
	return true;
}

bool weir_smmu2_global_fault_(uint32_t gfsr, uint32_t gfsynr0, uint64_t gfar, struct weir_fault *out_fault)
{
	enum weir_fault_reason reason = WEIR_FAULT_UNKNOWN;

	if (!(gfsr & GFSR_FAULTS))
		return false;
	if (gfsr & (GFSR_ICF | GFSR_USF)) /* what is not attached matches nothing, or faults */
		reason = WEIR_FAULT_BLOCKED;
	else if (gfsr & GFSR_PF)
		reason = WEIR_FAULT_PERMISSION;
	else if (gfsr & GFSR_EF)
		reason = WEIR_FAULT_EXTERNAL;
	*out_fault = (struct weir_fault){
		.reason = reason, .iova = gfar, .record = gfsr,
		.flags = gfsynr0 & GFSYNR0_WNR ? WEIR_FAULT_WRITE :
			 gfsynr0 & GFSYNR0_IND ? WEIR_FAULT_EXECUTE : WEIR_FAULT_READ,
	};
	/* of its own registers no stream is told */
	if (gfsr & GFSR_CAF)
		out_fault->flags |= WEIR_FAULT_NO_STREAM | WEIR_FAULT_NO_IOVA;
	return true;
}

/* ---- taking; lock held ---- */

static uint64_t read_far(const struct weir_smmu_v2 *smmu, uint32_t at)
{
	uint64_t low = weir_smmu2_read_(smmu, at);

	return (uint64_t)weir_smmu2_read_(smmu, at + 4) << 32 | low;
}

/* What stage 2 was asked for; with stage 1 before it, maybe for that one's tables. */
static void add_stage2(const struct weir_smmu_v2 *smmu, uint32_t cb, struct weir_fault *out_fault)
{
	out_fault->flags |= WEIR_FAULT_STAGE2;
	out_fault->ipa = read_far(smmu, cb + CB_IPAFAR) & ~UINT64_C(0xfff);
	if (weir_smmu2_read_(smmu, cb + CB_FSYNR0) & FSYNR0_PTWF)
		out_fault->flags |= WEIR_FAULT_WALK;
}

static bool take_context(struct weir_smmu_v2 *smmu, uint32_t n, struct weir_fault *out_fault)
{
	uint32_t cb = weir_smmu2_cb_(smmu, n, 0), fsr = weir_smmu2_read_(smmu, cb + CB_FSR), id;
	struct smmu2_bank *bank = &smmu->banks[n];

	if (fsr == UINT32_MAX || !(fsr & (FSR_FAULTS | FSR_SS)))
		return false;
	id = CBFRSYNRA_STREAM(weir_smmu2_read_(smmu, weir_smmu2_gr1_(smmu, REG1_CBFRSYNRA(n))));
	if (!weir_smmu2_context_fault_(fsr, weir_smmu2_read_(smmu, cb + CB_FSYNR0),
				       read_far(smmu, cb + CB_FAR), out_fault))
		*out_fault = (struct weir_fault){ .flags = WEIR_FAULT_NO_IOVA, .record = fsr };
	out_fault->stream = weir_smmu2_stream_of_(smmu, id);
	if (bank->stage2)
		add_stage2(smmu, cb, out_fault);
	weir_smmu2_write_(smmu, cb + CB_FSR, fsr);
	if (fsr & FSR_SS)
		weir_smmu2_write_(smmu, cb + CB_RESUME, RESUME_TERMINATE);
	if (++bank->burst == FLOOD && smmu->timer && bank->sctlr & SCTLR_CFIE) {
		bank->quiet = true;
		weir_smmu2_write_(smmu, cb + CB_SCTLR, bank->sctlr & ~SCTLR_CFIE);
	}
	return true;
}

static bool take_global(struct weir_smmu_v2 *smmu, struct weir_fault *out_fault)
{
	uint32_t gfsr = weir_smmu2_read_(smmu, REG_GFSR);

	if (gfsr == UINT32_MAX ||
	    !weir_smmu2_global_fault_(gfsr, weir_smmu2_read_(smmu, REG_GFSYNR0),
				      read_far(smmu, REG_GFAR), out_fault))
		return false;
	out_fault->stream = weir_smmu2_stream_of_(
		smmu, GFSYNR1_STREAM(weir_smmu2_read_(smmu, REG_GFSYNR1)));
	weir_smmu2_write_(smmu, REG_GFSR, gfsr);
	if (++smmu->burst == FLOOD && smmu->timer) {
		smmu->quiet = true;
		weir_smmu2_write_(smmu, REG_CR0, smmu->cr0 & ~(CR0_GFIE | CR0_GCFGFIE));
	}
	return true;
}

/* @n: a bank; the number of banks: all else. */
static bool take(struct weir_smmu_v2 *smmu, uint32_t n, struct weir_fault *out_fault)
{
	if (!smmu->listening)
		return false;
	if (n == smmu->has.nr_banks)
		return take_global(smmu, out_fault);
	return smmu->banks[n].used && take_context(smmu, n, out_fault);
}

/* ---- any context ---- */

unsigned int weir_smmu_v2_poll(struct weir_smmu_v2 *smmu)
{
	unsigned int total = 0;
	bool quiet = false;

	for (uint32_t n = 0; n <= smmu->has.nr_banks && !smmu->unit.dead; n++) {
		unsigned long before = weir_spin_lock(&smmu->lock);
		struct weir_fault fault;
		bool found = take(smmu, n, &fault);

		quiet = quiet || smmu->quiet || (n < smmu->has.nr_banks && smmu->banks[n].quiet);
		weir_spin_unlock(&smmu->lock, before);
		if (found && smmu->config.fault)
			smmu->config.fault(smmu->config.arg, &fault);
		total += found;
	}
	if (quiet)
		weir_smmu2_timer_set_(smmu);
	return total;
}

/* Interrupts that were off after a flood are on again. */
static void calm(struct weir_smmu_v2 *smmu)
{
	unsigned long before = weir_spin_lock(&smmu->lock);

	smmu->burst = 0;
	if (smmu->quiet && smmu->listening)
		weir_smmu2_write_(smmu, REG_CR0, smmu->cr0);
	smmu->quiet = false;
	for (uint32_t n = 0; n < smmu->has.nr_banks; n++) {
		smmu->banks[n].burst = 0;
		if (smmu->banks[n].quiet && smmu->listening)
			weir_smmu2_write_(smmu, weir_smmu2_cb_(smmu, n, CB_SCTLR), smmu->banks[n].sctlr);
		smmu->banks[n].quiet = false;
	}
	weir_spin_unlock(&smmu->lock, before);
}

static void on_irq(void *arg)
{
	weir_smmu_v2_poll(arg);
}

static void on_timer(void *arg)
{
	struct weir_smmu_v2 *smmu = arg;

	weir_smmu_v2_poll(smmu);
	calm(smmu);
	if (smmu->polled)
		weir_smmu2_timer_set_(smmu);
}

void weir_smmu2_timer_set_(struct weir_smmu_v2 *smmu)
{
	if (smmu->timer && !atomic_load(&smmu->closing))
		smmu->ops->timer_set(smmu->host, smmu->timer, SMMU2_POLL_NS);
}

void weir_smmu2_listen_(struct weir_smmu_v2 *smmu, bool on)
{
	unsigned long before = weir_spin_lock(&smmu->lock);

	smmu->listening = on;
	weir_spin_unlock(&smmu->lock, before);
	if (on && smmu->polled)
		weir_smmu2_timer_set_(smmu);
}

/* ---- interrupts ---- */

/* One line may stand for several interrupts, all of them if they are combined. */
static bool is_first(const struct weir_smmu_v2_config *config, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (config->lines[i] == config->lines[n])
			return false;
	return true;
}

static int request_lines(struct weir_smmu_v2 *smmu)
{
	const struct weir_smmu_v2_config *config = &smmu->config;
	int err = 0;

	if (config->nr_lines > config->nr_global_lines)
		smmu->nr_context_lines = config->nr_lines - config->nr_global_lines;
	smmu->irqs_room = config->nr_lines;
	smmu->irqs = smmu->ops->alloc(smmu->host, config->nr_lines * sizeof(*smmu->irqs));
	if (!smmu->irqs)
		return WEIR_ENOMEM;
	for (uint32_t i = 0; i < config->nr_lines && !err; i++) {
		if (!is_first(config, i))
			continue;
		err = smmu->ops->irq_request(smmu->host, config->lines[i], on_irq, smmu,
					     &smmu->irqs[smmu->nr_irqs]);
		if (!err) {
			smmu->nr_irqs++;
			continue;
		}
		/* some boards give one line to two SMMUs */
		smmu->polled = err == WEIR_EBUSY && smmu->timer;
		weir_smmu2_log_(smmu, smmu->polled ? WEIR_LOG_WARN : WEIR_LOG_ERR, err,
				smmu->polled ? "an interrupt is another device's: faults are "
					       "looked for from time to time"
					     : "an interrupt is not to be had",
				config->lines[i]);
		err = smmu->polled ? 0 : err;
	}
	return err;
}

int weir_smmu2_wakers_(struct weir_smmu_v2 *smmu)
{
	const struct weir_host_ops *ops = smmu->ops;
	int err = 0;

	smmu->polled = !ops->irq_request || !smmu->config.nr_lines;
	if (ops->timer_create)
		err = ops->timer_create(smmu->host, on_timer, smmu, &smmu->timer);
	if (err || !ops->irq_request || !smmu->config.nr_lines)
		return err;
	return request_lines(smmu);
}

void weir_smmu2_wakers_free_(struct weir_smmu_v2 *smmu)
{
	for (uint32_t i = 0; i < smmu->nr_irqs; i++)
		smmu->ops->irq_free(smmu->host, smmu->irqs[i]);
	if (smmu->irqs)
		smmu->ops->free(smmu->host, smmu->irqs, smmu->irqs_room * sizeof(*smmu->irqs));
	atomic_store(&smmu->closing, true);
	if (smmu->timer)
		smmu->ops->timer_destroy(smmu->host, smmu->timer);
}
