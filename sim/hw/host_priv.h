// SPDX-License-Identifier: MIT
/* What the files of the host on hardware models share. */
#ifndef WEIR_SIM_HW_HOST_PRIV_H
#define WEIR_SIM_HW_HOST_PRIV_H

#include "hw/host.h"

static inline void hwhost_enter_(struct hwhost *h)
{
	pthread_mutex_lock(&h->mutex);
}

static inline void hwhost_leave_(struct hwhost *h)
{
	pthread_mutex_unlock(&h->mutex);
}

/* host_irq.c: calls of the host. */
int hwhost_irq_request_(void *host, uint32_t line, void (*fn)(void *arg), void *arg,
			struct weir_irq **out_irq);
int hwhost_msi_request_(void *host, unsigned int n, void (*fn)(void *arg, unsigned int i),
			void *arg, struct weir_msi *out_messages, struct weir_irq **out_irq);
void hwhost_irq_free_(void *host, struct weir_irq *irq);
int hwhost_timer_create_(void *host, void (*fn)(void *arg), void *arg,
			 struct weir_timer **out_timer);
void hwhost_timer_set_(void *host, struct weir_timer *timer, uint64_t ns);
void hwhost_timer_destroy_(void *host, struct weir_timer *timer);

#endif
