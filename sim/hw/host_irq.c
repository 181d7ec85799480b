// SPDX-License-Identifier: MIT
/*
 * Interrupts and timers of the host on hardware models, see host.h: an array of each, under
 * the host's mutex, which is given up around their functions.
 */
#include <string.h>

#include "hw/host_priv.h"
#include "weir/err.h"

static void deliver(struct hwhost *h, struct hwhost_irq *irq)
{
	struct hwhost_irq now = *irq;

	irq->pending = false;
	irq->fired = 0;
	h->in_irq = true;
	hwhost_leave_(h);
	if (h->around_irq)
		h->around_irq(true);
	if (now.fn)
		now.fn(now.arg);
	for (unsigned int i = 0; i < now.messages; i++)
		if (now.fired >> i & 1)
			now.msi_fn(now.arg, i);
	if (h->around_irq)
		h->around_irq(false);
	hwhost_enter_(h);
	h->in_irq = false;
}

static void run_out(struct hwhost *h, struct hwhost_timer *timer)
{
	timer->set = false;
	h->in_irq = true;
	hwhost_leave_(h);
	if (h->around_irq)
		h->around_irq(true);
	timer->fn(timer->arg);
	if (h->around_irq)
		h->around_irq(false);
	hwhost_enter_(h);
	h->in_irq = false;
}

void hwhost_irqs(struct hwhost *h)
{
	hwhost_enter_(h);
	for (unsigned int i = 0; i < h->irqs_end; i++)
		if (h->irqs[i].used && h->irqs[i].pending && !h->spins && !h->in_irq)
			deliver(h, &h->irqs[i]);
	for (unsigned int i = 0; i < h->timers_end; i++)
		if (h->timers[i].used && h->timers[i].set && h->timers[i].due <= h->clock &&
		    !h->spins && !h->in_irq)
			run_out(h, &h->timers[i]);
	hwhost_leave_(h);
}

void hwhost_line(struct hwhost *h, uint32_t line)
{
	for (unsigned int i = 0; i < h->irqs_end; i++)
		if (h->irqs[i].used && !h->irqs[i].messages && h->irqs[i].line == line)
			h->irqs[i].pending = true;
}

void hwhost_message(struct hwhost *h, uint64_t pa, uint32_t data)
{
	for (unsigned int i = 0; i < h->irqs_end && pa == HWHOST_DOORBELL; i++) {
		struct hwhost_irq *irq = &h->irqs[i];

		if (irq->used && data >= irq->line && data - irq->line < irq->messages) {
			irq->fired |= 1u << (data - irq->line);
			irq->pending = true;
		}
	}
}

static struct hwhost_irq *free_irq(struct hwhost *h, uint32_t line)
{
	struct hwhost_irq *irq = NULL;

	for (unsigned int i = 0; i < HWHOST_IRQS; i++) {
		if (h->irqs[i].used && !h->irqs[i].messages && h->irqs[i].line == line)
			return NULL;
		if (!h->irqs[i].used && !irq && i >= h->irqs_from)
			irq = &h->irqs[i];
	}
	if (irq && irq >= h->irqs + h->irqs_end)
		h->irqs_end = (unsigned int)(irq - h->irqs) + 1;
	return irq;
}

int hwhost_irq_request_(void *host, uint32_t line, void (*fn)(void *arg), void *arg,
			struct weir_irq **out_irq)
{
	struct hwhost *h = host;
	struct hwhost_irq *irq;

	hwhost_enter_(h);
	irq = free_irq(h, line);
	if (irq)
		*irq = (struct hwhost_irq){ .used = true, .line = line, .fn = fn, .arg = arg };
	hwhost_leave_(h);
	*out_irq = (struct weir_irq *)irq;
	return irq ? 0 : WEIR_EBUSY;
}

int hwhost_msi_request_(void *host, unsigned int n, void (*fn)(void *arg, unsigned int i),
			void *arg, struct weir_msi *out_messages, struct weir_irq **out_irq)
{
	struct hwhost *h = host;
	struct hwhost_irq *irq;

	hwhost_enter_(h);
	irq = n <= 32 ? free_irq(h, UINT32_MAX) : NULL;
	if (irq)
		*irq = (struct hwhost_irq){ .used = true, .line = (uint32_t)(irq - h->irqs) * 32,
					    .messages = n, .msi_fn = fn, .arg = arg };
	for (unsigned int i = 0; irq && i < n; i++)
		out_messages[i] = (struct weir_msi){ HWHOST_DOORBELL, irq->line + i };
	hwhost_leave_(h);
	*out_irq = (struct weir_irq *)irq;
	return irq ? 0 : WEIR_ENOSPC;
}

void hwhost_irq_free_(void *host, struct weir_irq *irq)
{
	struct hwhost *h = host;

	hwhost_enter_(h);
	memset(irq, 0, sizeof(struct hwhost_irq));
	hwhost_leave_(h);
}

/* ---- timers ---- */

int hwhost_timer_create_(void *host, void (*fn)(void *arg), void *arg,
			 struct weir_timer **out_timer)
{
	struct hwhost *h = host;
	struct hwhost_timer *timer = NULL;

	hwhost_enter_(h);
	for (unsigned int i = 0; i < HWHOST_TIMERS && !timer; i++)
		if (!h->timers[i].used)
			timer = &h->timers[i];
	if (timer)
		*timer = (struct hwhost_timer){ .used = true, .fn = fn, .arg = arg };
	if (timer && timer >= h->timers + h->timers_end)
		h->timers_end = (unsigned int)(timer - h->timers) + 1;
	hwhost_leave_(h);
	*out_timer = (struct weir_timer *)timer;
	return timer ? 0 : WEIR_ENOMEM;
}

void hwhost_timer_set_(void *host, struct weir_timer *timer, uint64_t ns)
{
	struct hwhost_timer *t = (struct hwhost_timer *)timer;
	struct hwhost *h = host;

	hwhost_enter_(h);
	t->due = h->clock + ns;
	t->set = true;
	hwhost_leave_(h);
}

void hwhost_timer_destroy_(void *host, struct weir_timer *timer)
{
	struct hwhost *h = host;

	hwhost_enter_(h);
	memset(timer, 0, sizeof(struct hwhost_timer));
	hwhost_leave_(h);
}
