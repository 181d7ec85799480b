// SPDX-License-Identifier: MIT
/* What the policy linux-6.12 keeps for a machine; under the machine lock. */
#ifndef WEIR_SIM_KERNEL_LINUX_STATE_H
#define WEIR_SIM_KERNEL_LINUX_STATE_H

#include "core/core.h"
#include "kernel/linux/linux.h"

struct linux_state {
	struct weir_linux_args args;
	struct weir_list pending;  /* devices by wait_node, deferred */
	struct weir_list active;   /* to be tried again now */
	bool enabled;              /* retries happen at all */
	bool initcalls_done;
	bool drivers_done;         /* registration was declared over */
	int timeout;               /* seconds; 0 once expired */
	bool timer_on;
	uint64_t timer_end_ns;
	uint64_t now_ns;
	/* scratch of the cycle search, kept to save allocations */
	struct weir_fwnode **stack;
	uint32_t stack_max;
	struct linux_edge *edges;
	uint32_t edges_max;
	uint32_t cycle_steps; /* spent by it so far */
	bool gave_up;         /* it was cut short, and that was said */
};

static inline struct linux_state *linux_state(const struct weir_machine *m)
{
	return weir_policy_state(m);
}

/* cycle.c */
int linux_check_cycle(struct weir_fwlink *fwlink, struct weir_fwnode *supplier);
void linux_cycle_fini(struct weir_machine *m);

/* deferred.c */
void linux_defer(struct weir_device *dev);
void linux_forget(struct weir_device *dev);
void linux_trigger(struct weir_machine *m);
void linux_work(struct weir_machine *m);
void linux_timer_restart(struct weir_machine *m);

/* gate.c */
int linux_may_probe(struct weir_device *dev);
int linux_dma_configure(struct weir_device *dev);
bool linux_best_effort(const struct weir_device *dev);

#endif
