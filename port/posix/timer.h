// SPDX-License-Identifier: MIT
/*
 * Timers of a POSIX host: one thread, started with the first timer, calls what runs out.
 */
#ifndef WEIR_POSIX_TIMER_H
#define WEIR_POSIX_TIMER_H

#include "weir/host.h"

struct timers;

/* Return: 0; WEIR_ENOMEM. */
int timers_create(struct timers **out_timers);
/* No timer is left; NULL is fine. */
void timers_destroy(struct timers *timers);

/* As the host's calls of that name. */
int timers_add(struct timers *timers, void (*fn)(void *arg), void *arg,
	       struct weir_timer **out_timer);
void timers_set(struct weir_timer *timer, uint64_t ns);
void timers_del(struct weir_timer *timer);

#endif
