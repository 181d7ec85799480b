// SPDX-License-Identifier: MIT
/*
 * Verdicts: what became of a device, and the root cause when it is not bound.
 */
#ifndef WEIR_VERDICT_H
#define WEIR_VERDICT_H

#include "weir/firmware.h"
#include "weir/link.h"

#ifdef __cplusplus
extern "C" {
#endif

enum weir_verdict {
	WEIR_VERDICT_BOUND,            /* has its driver */
	WEIR_VERDICT_NO_DRIVER,        /* no driver can ever come */
	WEIR_VERDICT_LOADABLE,         /* its driver is a module that is not loaded */
	WEIR_VERDICT_DENIED,           /* its driver is a module that must not be loaded */
	WEIR_VERDICT_UNKNOWN_DRIVER,   /* no driver yet, and the catalogue is not complete */
	WEIR_VERDICT_WAITS_SUPPLIER,   /* a supplier is not ready; the chain says why */
	WEIR_VERDICT_WAITS_NODE,       /* a supplier node has no device (yet, or ever) */
	WEIR_VERDICT_WAITS_IOMMU,      /* its IOMMU is not ready */
	WEIR_VERDICT_DRIVER_DEFERS,    /* its own driver says "not yet" */
	WEIR_VERDICT_REFUSED,          /* every driver that fits said "not mine" */
	WEIR_VERDICT_FAILED,           /* its driver failed */
	WEIR_VERDICT_IDS_REJECTED,     /* the IOMMU rejects the ids that firmware gave, or its words are damaged */
	WEIR_VERDICT_READY,            /* can be probed: the machine is not settled */
	WEIR_VERDICT_REMOVED,          /* was bound, its driver was taken away */
	WEIR_VERDICT_COUNT_,
};

/* One step from a device towards its root cause. */
struct weir_why {
	enum weir_verdict verdict;
	struct weir_device *device;   /* whose verdict this is */
	struct weir_fwnode *node;     /* WAITS_NODE: the supplier node */
	struct weir_device *next;     /* the device to ask next; NULL when this is the root */
	const char *property;         /* what makes it need that, such as "clocks"; may be NULL */
	const char *driver;           /* driver or module concerned; may be NULL */
	const char *reason;           /* the driver's own words; may be NULL */
	int err;                      /* FAILED: the error */
};

/**
 * weir_device_verdict - the verdict on a device and the next step of the chain.
 * Context: thread. Return: the verdict; also in @out_why when not NULL.
 */
enum weir_verdict weir_device_verdict(struct weir_device *dev, struct weir_why *out_why);

/**
 * weir_device_root_cause - follow the chain to its end.
 * A circle of waiting devices ends at the device met again.
 * Return: the number of steps from @dev to @out_why->device.
 */
unsigned int weir_device_root_cause(struct weir_device *dev, struct weir_why *out_why);

/** weir_verdict_name - such as "no-driver". Context: any. */
const char *weir_verdict_name(enum weir_verdict verdict);

#ifdef __cplusplus
}
#endif
#endif
