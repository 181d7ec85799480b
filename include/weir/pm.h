// SPDX-License-Identifier: MIT
/*
 * Power order: consumers and children sleep first and wake last. Runtime PM: a
 * supplier stays awake as long as one of its active consumers does.
 */
#ifndef WEIR_PM_H
#define WEIR_PM_H

#include "weir/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * weir_pm_suspend - suspend all bound devices, consumers and children first.
 * When one refuses, those already suspended are resumed again.
 * Context: thread; the machine must be settled. No probe starts until resume.
 * Return: 0; what the refusing driver returned; WEIR_EBUSY when suspended.
 */
int weir_pm_suspend(struct weir_machine *m);
/** weir_pm_resume - resume, suppliers and parents first. Return: 0, or the first error (all are resumed all the same); WEIR_EINVAL when not suspended. */
int weir_pm_resume(struct weir_machine *m);
/** weir_pm_shutdown - tell all bound devices, in reverse order of their binding and consumers first, that the machine goes down. */
void weir_pm_shutdown(struct weir_machine *m);

/**
 * weir_pm_runtime_enable - from now on the device sleeps when nobody uses it.
 * Context: in its probe, or later. A device starts awake.
 */
void weir_pm_runtime_enable(struct weir_device *dev);
void weir_pm_runtime_disable(struct weir_device *dev);
/**
 * weir_pm_runtime_get - use a device: wake its parent, its suppliers over
 * pm_runtime links, then itself. Return: 0; what a runtime_resume returned (then nothing is held).
 */
int weir_pm_runtime_get(struct weir_device *dev);
/** weir_pm_runtime_put - the opposite. The last user lets it sleep, then its suppliers and parent. */
void weir_pm_runtime_put(struct weir_device *dev);
/** weir_pm_runtime_active - whether the device is awake. Context: any thread. */
bool weir_pm_runtime_active(const struct weir_device *dev);

#ifdef __cplusplus
}
#endif
#endif
