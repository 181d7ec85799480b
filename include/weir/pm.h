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
 * @m: a settled machine.
 *
 * Devices that do not depend on one another go in the reverse of the order in which
 * they were added. One that sleeps already (runtime) is left alone. When one refuses,
 * those already suspended are resumed again. No probe starts until weir_pm_resume().
 * Context: thread, not in a driver's call.
 * Return: 0; what the refusing driver returned; WEIR_EBUSY when suspended, or while
 * probes run on other threads.
 */
int weir_pm_suspend(struct weir_machine *m);

/**
 * weir_pm_resume - resume what weir_pm_suspend() suspended, suppliers and parents
 * first, then in the order of addition.
 * Context: thread, not in a driver's call.
 * Return: 0; the first error of a driver (all are resumed all the same);
 * WEIR_EINVAL when not suspended; WEIR_EBUSY while it is being suspended.
 */
int weir_pm_resume(struct weir_machine *m);

/**
 * weir_pm_shutdown - tell all bound devices that the machine goes down: in reverse
 * order of their binding, but consumers and children always before what they need.
 * Sleeping devices are woken for it; one that can not be woken is not told.
 * Context: thread, not in a driver's call, not while suspending or resuming.
 */
void weir_pm_shutdown(struct weir_machine *m);

/**
 * weir_pm_runtime_enable - from now on the device sleeps when nobody uses it.
 *
 * A device starts awake. It is used by who called weir_pm_runtime_get(), by its awake
 * children, by awake consumers over WEIR_LINK_PM_RUNTIME links, and by its own probe
 * and remove. A bound device that never enables is always awake.
 * Context: thread; in its probe, or later.
 */
void weir_pm_runtime_enable(struct weir_device *dev);

/**
 * weir_pm_runtime_disable - wake the device and keep it awake.
 * Context: as weir_pm_runtime_get(). Return: 0; what a runtime_resume returned, then
 * the device still sleeps when nobody uses it.
 */
int weir_pm_runtime_disable(struct weir_device *dev);

/**
 * weir_pm_runtime_get - use a device: wake its parent, its suppliers over
 * WEIR_LINK_PM_RUNTIME links, then itself.
 * Context: thread; not in a runtime_resume or runtime_suspend: what a device needs
 * awake, its links say. Return: 0; what a runtime_resume returned, WEIR_EBUSY when
 * the device is suspended with the machine, or WEIR_ENODEV when it was deleted (in all
 * three cases nothing is held).
 */
int weir_pm_runtime_get(struct weir_device *dev);

/**
 * weir_pm_runtime_put - the opposite. The last user lets it sleep, then its
 * suppliers, the newest first, and its parent. A device whose runtime_suspend fails
 * stays awake. Context: thread.
 */
void weir_pm_runtime_put(struct weir_device *dev);

/** weir_pm_runtime_active - whether the device is awake. Context: thread. */
bool weir_pm_runtime_active(const struct weir_device *dev);

#ifdef __cplusplus
}
#endif
#endif
