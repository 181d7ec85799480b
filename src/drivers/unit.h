// SPDX-License-Identifier: MIT
/*
 * What hardware layers of IOMMU drivers have in common: a piece of hardware with a name, what it says
 * of itself, and its quarantine. It uses the host alone. Constant after creation but for the
 * quarantine, which may begin in any context.
 */
#ifndef WEIR_DRIVERS_UNIT_H
#define WEIR_DRIVERS_UNIT_H

#include <stdatomic.h>

#include "weir/domain.h"

struct weir_unit {
	const struct weir_host_ops *ops;
	void *host;
	const char *name;          /* for messages */
	uint64_t base_pa;
	/* Told of faults, and of what it says of itself; NULL: that is logged. */
	void (*fault)(void *arg, const struct weir_fault *fault);
	void *arg;
	_Atomic uint32_t dead;     /* in quarantine */
	const char *why;           /* it is */
	uint64_t why_value;
};

/* A line in the log: name, text, and the value it is about. Context: thread. Return: @err. */
int weir_unit_log_(const struct weir_unit *unit, enum weir_log_level level, int err,
		   const char *text, uint64_t value);
/* The same in any context, also with a lock held: as a fault of its own, if they are told. */
void weir_unit_note_(const struct weir_unit *unit, const char *text, uint64_t value);
/* In quarantine, with that reason. Context: any. Return: WEIR_EIO. */
int weir_unit_die_(struct weir_unit *unit, const char *text, uint64_t value);
/* Whoever is told of faults may not be ready for them while it is created: says why that failed. */
void weir_unit_stillborn_(const struct weir_unit *unit, int err);

#endif
