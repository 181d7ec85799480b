// SPDX-License-Identifier: MIT
/*
 * Faults: a System MMU holds its master back while one is pending. It is told, cleared, and the
 * master let on; after so many within the time of a timer it waits until that runs out. Where the
 * host has no timers it always goes on at once.
 *
 * Who looks: the interrupt; without it, the timer.
 */
#include "drivers/exynos-sysmmu/priv.h"

#define FLOOD 64u /* as many within the time of the timer, or at a time */

static uint32_t lowest(uint32_t bits)
{
	uint32_t n = 0;

	while (!(bits >> n & 1))
		n++;
	return n;
}

/* What a bit of the status means. Nothing of it is believed: of one that is not known, only that. */
static void describe(const struct weir_sysmmu *s, uint32_t bit, struct weir_fault *out_fault)
{
	static const struct sysmmu_fault_kind unknown = {
		.reason = WEIR_FAULT_UNKNOWN, .flags = WEIR_FAULT_NO_IOVA,
	};
	const struct sysmmu_variant *v = s->variant;
	const struct sysmmu_fault_kind *kind = bit < v->nr_kinds && v->kinds[bit].known
						       ? &v->kinds[bit] : &unknown;

	*out_fault = (struct weir_fault){
		.reason = (enum weir_fault_reason)kind->reason, .flags = kind->flags, .record = bit,
	};
	if (kind->address)
		out_fault->iova = weir_sysmmu_read_(s, kind->address);
	if (kind->known && v->fault_info)
		out_fault->flags |= weir_sysmmu_read_(s, v->fault_info) & INFO_WRITE
					    ? WEIR_FAULT_WRITE : WEIR_FAULT_READ;
	if (s->mode == SYSMMU_BLOCKED && kind->reason == WEIR_FAULT_UNMAPPED)
		out_fault->reason = WEIR_FAULT_BLOCKED;
	/* It is blocked already: what is cached twice is dropped. */
	if (kind->multihit)
		weir_sysmmu_write_(s, v->flush_all, FLUSH_GO);
}

/* One fault that is pending, if there is one. Lock held. */
static bool take(struct weir_sysmmu *s, struct weir_fault *out_fault)
{
	const struct sysmmu_variant *v = s->variant;
	uint32_t status, bit;

	if (s->off || s->resting || atomic_load(&s->unit.dead))
		return false;
	status = weir_sysmmu_read_(s, v->int_status);
	if (status == UINT32_MAX)
		weir_sysmmu_die_(s, "its registers do not answer", status);
	if (!status || status == UINT32_MAX)
		return false;
	bit = lowest(status);
	describe(s, bit, out_fault);
	weir_sysmmu_write_(s, v->int_clear, UINT32_C(1) << bit);
	if (!s->burst++)
		weir_sysmmu_wake_later_(s);
	s->resting = s->timer && s->burst >= FLOOD;
	if (status == UINT32_C(1) << bit && weir_sysmmu_read_(s, REG_CTRL) & 1)
		weir_sysmmu_unblock_(s);
	return true;
}

static void rested(struct weir_sysmmu *s)
{
	unsigned long before = weir_spin_lock(&s->lock);

	s->burst = 0;
	if (s->resting && !s->off && !atomic_load(&s->unit.dead)) {
		s->resting = false;
		if (!weir_sysmmu_read_(s, s->variant->int_status) &&
		    weir_sysmmu_read_(s, REG_CTRL) & 1) /* not what was let pass everything meanwhile */
			weir_sysmmu_unblock_(s);
	}
	weir_spin_unlock(&s->lock, before);
}

static unsigned int drain(struct weir_sysmmu *s)
{
	struct weir_fault fault;
	unsigned int n = 0;
	bool got;

	do {
		unsigned long before = weir_spin_lock(&s->lock);

		got = take(s, &fault);
		weir_spin_unlock(&s->lock, before);
		if (got && s->config.fault)
			s->config.fault(s->config.arg, &fault);
		n += got;
	} while (got && n < FLOOD);
	return n;
}

unsigned int weir_sysmmu_poll(struct weir_sysmmu *s)
{
	rested(s);
	return drain(s);
}

void weir_sysmmu_wake_later_(struct weir_sysmmu *s)
{
	if (s->timer && !atomic_load(&s->closing))
		s->ops->timer_set(s->host, s->timer, SYSMMU_POLL_NS);
}

static void on_irq(void *arg)
{
	drain(arg);
}

static void on_timer(void *arg)
{
	struct weir_sysmmu *s = arg;

	rested(s);
	drain(s);
	if (!s->irq)
		weir_sysmmu_wake_later_(s);
}

/* An interrupt that cannot be had is no failure where a timer can look. */
int weir_sysmmu_wakers_(struct weir_sysmmu *s)
{
	const struct weir_host_ops *ops = s->ops;
	int err = ops->timer_create ? ops->timer_create(s->host, on_timer, s, &s->timer) : 0;

	if (err || !s->config.has_line || !ops->irq_request)
		return err;
	err = ops->irq_request(s->host, s->config.line, on_irq, s, &s->irq);
	if (err)
		s->irq = NULL;
	return err == WEIR_ENOMEM || !s->timer ? err : 0;
}

void weir_sysmmu_wakers_free_(struct weir_sysmmu *s)
{
	if (s->irq)
		s->ops->irq_free(s->host, s->irq);
	atomic_store(&s->closing, true);
	if (s->timer)
		s->ops->timer_destroy(s->host, s->timer);
}
