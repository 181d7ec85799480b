// SPDX-License-Identifier: MIT
/*
 * The event queue (3.5, 7.2): records are copied, given back, and reported without a lock.
 *
 * Who looks: the interrupts of the SMMU; without them, or after a flood, a timer of the
 * host. An interrupt comes when the queue was empty, so it is emptied each time.
 */
#include "drivers/arm-smmu-v3/priv.h"

#define FLOOD 256u /* as many at a time */
#define BATCH 8u   /* copied under the lock */
#define MAX_LOGGED 16u

static uint32_t index_mask(const struct weir_smmu_v3 *smmu)
{
	return (2u << smmu->has.eventq_lg2) - 1;
}

void weir_smmu_events_start_(struct weir_smmu_v3 *smmu)
{
	unsigned long before = weir_smmu_lock_(&smmu->event_lock);

	smmu->event_cons = 0;
	smmu->overflow = 0;
	weir_smmu_write64_(smmu, REG_EVENTQ_BASE,
		     QUEUE_RWA | (smmu->eventq.pa & QUEUE_ADDR) | smmu->has.eventq_lg2);
	weir_smmu_write_(smmu, REG_EVENTQ_PROD, 0);
	weir_smmu_write_(smmu, REG_EVENTQ_CONS, 0);
	smmu->listening = true;
	weir_smmu_unlock_(&smmu->event_lock, before);
}

void weir_smmu_events_stop_(struct weir_smmu_v3 *smmu)
{
	unsigned long before = weir_smmu_lock_(&smmu->event_lock);

	smmu->listening = false;
	weir_smmu_unlock_(&smmu->event_lock, before);
}

/* ---- taking; lock held ---- */

static void copy_record(const struct weir_smmu_v3 *smmu, uint64_t out_record[EVENT_WORDS])
{
	uint64_t at = (smmu->event_cons & (index_mask(smmu) >> 1)) * (uint64_t)EVENT_BYTES;
	const volatile uint64_t *from =
		(const volatile uint64_t *)(const void *)((const uint8_t *)smmu->eventq.va + at);

	if (!smmu->has.coherent)
		smmu->ops->cache_sync(smmu->host, smmu->eventq.pa + at, EVENT_BYTES,
				      WEIR_CACHE_INVALIDATE);
	for (unsigned int i = 0; i < EVENT_WORDS; i++)
		out_record[i] = smmu_le64(from[i]);
}

/* How many records there are. An index that cannot be ends it: no more faults are told. */
static uint32_t pending(struct weir_smmu_v3 *smmu, uint32_t *out_prod)
{
	uint32_t prod = weir_smmu_read_(smmu, REG_EVENTQ_PROD), mask = index_mask(smmu);
	uint32_t n = (prod - smmu->event_cons) & mask;

	*out_prod = prod;
	if ((prod & ~(uint32_t)EVENTQ_OVERFLOW) <= mask && n <= mask / 2 + 1)
		return n;
	smmu->listening = false;
	weir_smmu_note_(smmu, "the index of its event queue makes no sense: no more faults are told",
			prod);
	return 0;
}

/* Return: how many were taken. */
static unsigned int take(struct weir_smmu_v3 *smmu, uint64_t (*out_records)[EVENT_WORDS])
{
	uint32_t prod = 0, left = smmu->listening ? pending(smmu, &prod) : 0;
	unsigned int n;

	for (n = 0; n < left && n < BATCH; n++) {
		copy_record(smmu, out_records[n]);
		smmu->event_cons = (smmu->event_cons + 1) & index_mask(smmu);
	}
	if (!smmu->listening)
		return 0;
	if ((prod & (uint32_t)EVENTQ_OVERFLOW) != smmu->overflow) { /* 7.4 */
		smmu->overflow ^= (uint32_t)EVENTQ_OVERFLOW;
		if (smmu->nr_lost++ < MAX_LOGGED)
			weir_smmu_note_(smmu, "its event queue was full: faults were lost", prod);
	} else if (!n) {
		return 0;
	}
	weir_smmu_write_(smmu, REG_EVENTQ_CONS, smmu->event_cons | smmu->overflow);
	return n;
}

/* ---- any context ---- */

static void report(struct weir_smmu_v3 *smmu, const uint64_t record[EVENT_WORDS])
{
	struct weir_fault fault;

	if (smmu->config.fault && weir_smmu_event_(record, &fault))
		smmu->config.fault(smmu->config.arg, &fault);
}

static unsigned int drain(struct weir_smmu_v3 *smmu, unsigned int max)
{
	uint64_t records[BATCH][EVENT_WORDS];
	unsigned int n, total = 0;

	do {
		unsigned long before = weir_smmu_lock_(&smmu->event_lock);

		n = take(smmu, records);
		weir_smmu_unlock_(&smmu->event_lock, before);
		for (unsigned int i = 0; i < n; i++)
			report(smmu, records[i]);
		total += n;
	} while (n && total < max);
	return total;
}

unsigned int weir_smmu_v3_poll(struct weir_smmu_v3 *smmu)
{
	weir_smmu_errors_(smmu);
	return drain(smmu, 16 * FLOOD);
}

void weir_smmu_timer_set_(struct weir_smmu_v3 *smmu)
{
	if (smmu->timer && !atomic_load(&smmu->closing))
		smmu->ops->timer_set(smmu->host, smmu->timer, SMMU_POLL_NS);
}

static void on_irq(void *arg)
{
	struct weir_smmu_v3 *smmu = arg;

	weir_smmu_errors_(smmu);
	/* A flood goes on later; where nobody can be woken later, it goes on now. */
	if (drain(smmu, smmu->timer ? FLOOD : UINT32_MAX) >= FLOOD)
		weir_smmu_timer_set_(smmu);
}

static void on_message(void *arg, unsigned int i)
{
	(void)i;
	on_irq(arg);
}

static void on_timer(void *arg)
{
	struct weir_smmu_v3 *smmu = arg;

	on_irq(arg);
	if (!smmu->irqs[0])
		weir_smmu_timer_set_(smmu);
}

/* ---- interrupts ---- */

static int request_lines(struct weir_smmu_v3 *smmu)
{
	const struct weir_host_ops *ops = smmu->ops;
	int err = 0;

	for (uint32_t i = 0; i < smmu->config.nr_lines && i < 2 && !err && ops->irq_request; i++)
		err = ops->irq_request(smmu->host, smmu->config.lines[i], on_irq, smmu,
				       &smmu->irqs[i]);
	return err;
}

int weir_smmu_wakers_(struct weir_smmu_v3 *smmu)
{
	const struct weir_host_ops *ops = smmu->ops;
	int err;

	if (ops->timer_create) {
		err = ops->timer_create(smmu->host, on_timer, smmu, &smmu->timer);
		if (err)
			return err;
	}
	if (smmu->config.msi && smmu->has.msi && ops->msi_request &&
	    !ops->msi_request(smmu->host, 2, on_message, smmu, smmu->msi, &smmu->irqs[0])) {
		smmu->messages = true;
		return 0;
	}
	return request_lines(smmu);
}

void weir_smmu_wakers_free_(struct weir_smmu_v3 *smmu)
{
	for (int i = 0; i < 2; i++)
		if (smmu->irqs[i])
			smmu->ops->irq_free(smmu->host, smmu->irqs[i]);
	atomic_store(&smmu->closing, true);
	if (smmu->timer)
		smmu->ops->timer_destroy(smmu->host, smmu->timer);
}

/* CFG0 is the doorbell (0: none), CFG1 what is written there, CFG2 how, 6.3.20. */
static void set_message(struct weir_smmu_v3 *smmu, uint32_t at, const struct weir_msi *msi)
{
	weir_smmu_write64_(smmu, at, msi->pa & IRQ_CFG_ADDR);
	weir_smmu_write_(smmu, at + 8, msi->data);
	weir_smmu_write_(smmu, at + 12, MEMATTR_DEVICE);
}

int weir_smmu_irqs_on_(struct weir_smmu_v3 *smmu, bool on)
{
	uint32_t want = on && smmu->irqs[0] ? IRQ_CTRL_GERROR | IRQ_CTRL_EVENTQ : 0;
	struct smmu_wait wait;

	if (want && smmu->has.msi) {
		set_message(smmu, REG_EVENTQ_IRQ_CFG0, &smmu->msi[0]);
		set_message(smmu, REG_GERROR_IRQ_CFG0, &smmu->msi[1]);
	}
	weir_smmu_write_(smmu, REG_IRQ_CTRL, want);
	weir_smmu_wait_begin_(smmu, &wait);
	while (weir_smmu_read_(smmu, REG_IRQ_CTRLACK) != want)
		if (weir_smmu_wait_over_(smmu, &wait))
			return weir_smmu_log_(smmu, WEIR_LOG_ERR, WEIR_ETIMEDOUT,
					      "it does not take its interrupt control", want);
	return 0;
}
