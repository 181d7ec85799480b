// SPDX-License-Identifier: MIT
/*
 * Interrupts. Lines are seen where they reach the interrupt controller, which QEMU
 * then no longer feeds. A message-signalled interrupt is a write to a word of RAM: each
 * gets a word of its own in one page, and a word that is not zero has been written.
 *
 * Handlers run in irqs_poll(), called inside delays, by the program, or by a thread
 * of its own. The mutex is held around them, so that giving an interrupt back waits
 * for its handler; a poll from inside a handler finds it held and does nothing.
 */
#include <stdlib.h>
#include <time.h>

#include "priv.h"

#define PAGE 4096u
#define NR_SLOTS (PAGE / 4)
#define MSI_DATA 0x5749u /* any 16 bits but 0 */

struct weir_irq {
	struct weir_irq *next;
	void (*line_fn)(void *arg); /* NULL: messages */
	void (*msi_fn)(void *arg, unsigned int i);
	void *arg;
	uint32_t line;
	unsigned int first_slot, nr_slots;
};

/* ---- calling handlers ---- */

/* A line that a handler makes rise again has its turn at the next poll, at the latest. */
static unsigned int poll_lines(struct irqs *irqs)
{
	unsigned int called = 0;
	int line = wire_take_risen(&irqs->qtest->wire, true);

	for (unsigned int n = 0; line >= 0; n++) {
		for (struct weir_irq *irq = irqs->first; irq; irq = irq->next) {
			if (irq->line_fn && irq->line == (uint32_t)line) {
				irq->line_fn(irq->arg);
				called++;
			}
		}
		line = n < WIRE_MAX_LINES ? wire_take_risen(&irqs->qtest->wire, false) : -1;
	}
	return called;
}

static unsigned int poll_messages(struct irqs *irqs)
{
	unsigned int called = 0;

	for (struct weir_irq *irq = irqs->first; irq; irq = irq->next) {
		for (unsigned int i = 0; irq->msi_fn && i < irq->nr_slots; i++) {
			uint32_t *slot = &irqs->slots[irq->first_slot + i];

			if (!__atomic_load_n(slot, __ATOMIC_ACQUIRE))
				continue;
			__atomic_store_n(slot, 0, __ATOMIC_SEQ_CST);
			irq->msi_fn(irq->arg, i);
			called++;
		}
	}
	return called;
}

unsigned int irqs_poll(struct irqs *irqs)
{
	unsigned int called;

	if (pthread_mutex_trylock(&irqs->mutex))
		return 0;
	called = poll_messages(irqs);
	if (irqs->intercepted)
		called += poll_lines(irqs);
	irqs->called += called;
	pthread_mutex_unlock(&irqs->mutex);
	return called;
}

static void *poll_for_ever(void *arg)
{
	static const struct timespec pause = { .tv_nsec = 100000 };
	struct irqs *irqs = arg;

	while (!__atomic_load_n(&irqs->stop, __ATOMIC_ACQUIRE))
		if (!irqs_poll(irqs))
			nanosleep(&pause, NULL);
	return NULL;
}

/* ---- requesting ---- */

static int intercept(struct irqs *irqs)
{
	int err = 0;

	if (!irqs->intercepted)
		err = wire_ask(&irqs->qtest->wire, NULL, "irq_intercept_in %s",
			       irqs->qtest->machine->irqchip);
	if (!err)
		irqs->intercepted = true;
	return err;
}

static struct weir_irq *insert(struct irqs *irqs)
{
	struct weir_irq *irq = calloc(1, sizeof(*irq));

	if (irq) {
		irq->next = irqs->first;
		irqs->first = irq;
	}
	return irq;
}

int irqs_request(struct irqs *irqs, uint32_t line, void (*fn)(void *arg), void *arg,
		 struct weir_irq **out_irq)
{
	struct weir_irq *irq;
	int err;

	if (line >= WIRE_MAX_LINES)
		return WEIR_EINVAL;
	pthread_mutex_lock(&irqs->mutex);
	err = intercept(irqs);
	if (err)
		goto unlock;
	err = WEIR_ENOMEM;
	irq = insert(irqs);
	if (!irq)
		goto unlock;
	irq->line_fn = fn;
	irq->arg = arg;
	irq->line = line;
	*out_irq = irq;
	err = 0;
unlock:
	pthread_mutex_unlock(&irqs->mutex);
	return err;
}

static int make_slots(struct irqs *irqs)
{
	void *va;
	int err;

	if (irqs->slots)
		return 0;
	irqs->slot_taken = calloc(NR_SLOTS, 1);
	if (!irqs->slot_taken)
		return WEIR_ENOMEM;
	err = pages_take(&irqs->qtest->pages, PAGE, PAGE, &va, &irqs->slots_pa);
	if (err) {
		free(irqs->slot_taken);
		irqs->slot_taken = NULL;
		return err;
	}
	irqs->slots = va;
	return 0;
}

/* The first of @n free slots in a row, or NR_SLOTS. */
static unsigned int find_slots(const struct irqs *irqs, unsigned int n)
{
	unsigned int run = 0;

	for (unsigned int i = 0; i < NR_SLOTS; i++) {
		run = irqs->slot_taken[i] ? 0 : run + 1;
		if (run == n)
			return i + 1 - n;
	}
	return NR_SLOTS;
}

int irqs_request_msi(struct irqs *irqs, unsigned int n, void (*fn)(void *arg, unsigned int i),
		     void *arg, struct weir_msi *out_messages, struct weir_irq **out_irq)
{
	struct weir_irq *irq;
	unsigned int first;
	int err;

	if (!n)
		return WEIR_EINVAL;
	pthread_mutex_lock(&irqs->mutex);
	err = make_slots(irqs);
	if (err)
		goto unlock;
	err = WEIR_ENOSPC;
	first = find_slots(irqs, n);
	if (first == NR_SLOTS)
		goto unlock;
	err = WEIR_ENOMEM;
	irq = insert(irqs);
	if (!irq)
		goto unlock;
	irq->msi_fn = fn;
	irq->arg = arg;
	irq->first_slot = first;
	irq->nr_slots = n;
	for (unsigned int i = 0; i < n; i++) {
		irqs->slot_taken[first + i] = 1;
		__atomic_store_n(&irqs->slots[first + i], 0, __ATOMIC_SEQ_CST);
		out_messages[i] = (struct weir_msi){
			.pa = irqs->slots_pa + 4 * (uint64_t)(first + i),
			.data = MSI_DATA,
		};
	}
	*out_irq = irq;
	err = 0;
unlock:
	pthread_mutex_unlock(&irqs->mutex);
	return err;
}

void irqs_free(struct irqs *irqs, struct weir_irq *irq)
{
	struct weir_irq **at = &irqs->first;

	pthread_mutex_lock(&irqs->mutex);
	while (*at && *at != irq)
		at = &(*at)->next;
	if (*at)
		*at = irq->next;
	for (unsigned int i = 0; i < irq->nr_slots; i++)
		irqs->slot_taken[irq->first_slot + i] = 0;
	pthread_mutex_unlock(&irqs->mutex);
	free(irq);
}

/* ---- life ---- */

int irqs_init(struct irqs *irqs, struct weir_qtest *qtest, bool thread)
{
	irqs->qtest = qtest;
	pthread_mutex_init(&irqs->mutex, NULL);
	if (thread && pthread_create(&irqs->thread, NULL, poll_for_ever, irqs)) {
		irqs_fini(irqs);
		return WEIR_EAGAIN;
	}
	irqs->has_thread = thread;
	return 0;
}

void irqs_fini(struct irqs *irqs)
{
	if (!irqs->qtest)
		return;
	if (irqs->has_thread) {
		__atomic_store_n(&irqs->stop, true, __ATOMIC_RELEASE);
		pthread_join(irqs->thread, NULL);
	}
	while (irqs->first)
		irqs_free(irqs, irqs->first);
	if (irqs->slots)
		pages_give(&irqs->qtest->pages, irqs->slots_pa, PAGE);
	free(irqs->slot_taken);
	pthread_mutex_destroy(&irqs->mutex);
	irqs->qtest = NULL;
}
