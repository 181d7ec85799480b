// SPDX-License-Identifier: MIT
/*
 * The event queue: all buffers are with the device, which fills one for each fault. Each
 * is copied, given back, and reported without a lock.
 *
 * Who looks: the device's interrupt; without one, or after a flood, a timer of the host. On a
 * host without timers what is left of a flood waits for the next interrupt, or for a poll.
 */
#include "drivers/virtio-iommu/priv.h"

#include "drivers/virtio-iommu/regs.h"

#define POLL_NS 10000000u
#define FLOOD 256u /* as many at a time */
#define FLOOD_ALL 16384u /* where nobody can be woken for the rest */

static uint8_t *buffer(const struct weir_viommu *vi, uint32_t i)
{
	return (uint8_t *)vi->mem.va + vi->events_at + i * (size_t)EVENT_STRIDE;
}

static int give(struct weir_viommu *vi, uint8_t *p)
{
	const struct weir_virtq_segment segment = {
		vi->mem.address + (uint64_t)(p - (uint8_t *)vi->mem.va), EVENT_BYTES,
	};

	return weir_virtq_add(vi->events, &segment, 0, 1, p);
}

int weir_viommu_events_fill_(struct weir_viommu *vi)
{
	unsigned long before = weir_spin_lock(&vi->event_lock);
	int err = 0;

	/* Faults come by interrupt, or are looked for. */
	if (!vi->has_irq)
		weir_virtq_disarm(vi->events);
	for (uint32_t i = 0; i < vi->nr_events && !err; i++)
		err = give(vi, buffer(vi, i));
	vi->listening = !err;
	weir_spin_unlock(&vi->event_lock, before);
	return err ? WEIR_EIO : 0;
}

int weir_viommu_events_kick_(struct weir_viommu *vi)
{
	unsigned long before = weir_spin_lock(&vi->event_lock);
	int err = weir_virtq_kick(vi->events);

	weir_spin_unlock(&vi->event_lock, before);
	return err;
}

void weir_viommu_events_stop_(struct weir_viommu *vi)
{
	unsigned long before = weir_spin_lock(&vi->event_lock);

	vi->listening = false;
	weir_spin_unlock(&vi->event_lock, before);
}

/* Return: 1 with a fault; 0 with a report that is none; negative when there is no more. */
static int take(struct weir_viommu *vi, struct weir_fault *out_fault)
{
	uint8_t copy[EVENT_BYTES];
	const volatile uint8_t *p;
	uint32_t written;
	void *token;
	int err = weir_virtq_get(vi->events, &token, &written);

	if (err)
		return err;
	p = token;
	for (uint32_t i = 0; i < EVENT_BYTES; i++)
		copy[i] = p[i];
	if (!give(vi, token))
		weir_virtq_kick(vi->events);
	return weir_viommu_event_(copy, written, out_fault);
}

static unsigned int drain(struct weir_viommu *vi, unsigned int max)
{
	unsigned int n = 0;

	for (;;) {
		unsigned long before = weir_spin_lock(&vi->event_lock);
		struct weir_fault fault;
		int r = n < max && vi->listening ? take(vi, &fault) : WEIR_EAGAIN;

		weir_spin_unlock(&vi->event_lock, before);
		if (r < 0)
			return n;
		n++;
		if (r && vi->options.fault)
			vi->options.fault(vi->options.arg, &fault);
	}
}

/* Return: whether there is something already. */
static bool arm(struct weir_viommu *vi)
{
	unsigned long before = weir_spin_lock(&vi->event_lock);
	bool more = vi->listening && weir_virtq_arm(vi->events) == 1;

	weir_spin_unlock(&vi->event_lock, before);
	return more;
}

/* What is there waits for the next. */
static void leave(struct weir_viommu *vi)
{
	unsigned long before = weir_spin_lock(&vi->event_lock);

	if (vi->listening && vi->timer)
		weir_virtq_disarm(vi->events);
	else if (vi->listening)
		(void)weir_virtq_arm_next(vi->events);
	weir_spin_unlock(&vi->event_lock, before);
}

unsigned int weir_viommu_poll(struct weir_viommu *vi)
{
	unsigned int n = drain(vi, 16 * FLOOD);

	if (n && vi->has_irq && !vi->timer)
		leave(vi);
	return n;
}

void weir_viommu_timer_set_(struct weir_viommu *vi)
{
	if (vi->timer && !atomic_load(&vi->closing))
		vi->ops->timer_set(vi->host, vi->timer, POLL_NS);
}

void weir_viommu_on_irq_(void *viommu)
{
	struct weir_viommu *vi = viommu;
	unsigned int max = vi->timer ? FLOOD : FLOOD_ALL, n = 0;

	do {
		n += drain(vi, max - n);
		if (n >= max) {
			leave(vi);
			weir_viommu_timer_set_(vi);
			return;
		}
	} while (arm(vi));
}

void weir_viommu_on_timer_(void *viommu)
{
	struct weir_viommu *vi = viommu;

	if (vi->has_irq) {
		weir_viommu_on_irq_(vi);
		return;
	}
	drain(vi, FLOOD);
	weir_viommu_timer_set_(vi);
}
