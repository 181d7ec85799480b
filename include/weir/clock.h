// SPDX-License-Identifier: MIT
/*
 * Clocks of devices, as much as drivers of the library need: those that firmware names for a
 * device run while it asks for them. What a clock is, its rate, its parents, its tree, is the
 * affair of who provides it: a driver here, or somebody else.
 *
 * Order is that of links: a device is probed when the providers of its clocks are bound.
 */
#ifndef WEIR_CLOCK_H
#define WEIR_CLOCK_H

#include "weir/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What a provider does. Calls are not counted: two consumers of a clock enable it twice, and
 * disable it twice. Context: thread; also in runtime power calls of consumers, so they use no
 * runtime PM themselves: links keep a provider awake. No other lock of the library is held.
 */
struct weir_clock_ops {
	struct weir_abi abi;
	/* The clock that a specifier names runs when it returns 0; on an error it is as it was. */
	int (*enable)(void *provider, const uint32_t *cells, unsigned int n);
	void (*disable)(void *provider, const uint32_t *cells, unsigned int n);
};

/**
 * weir_clocks_publish - a device provides the clocks that name its node, until it is unbound.
 * Context: in its probe. Return: 0; WEIR_EEXIST when it does already; WEIR_EINVAL for ops of
 * another ABI or without one of the calls; WEIR_ENOMEM.
 */
int weir_clocks_publish(struct weir_device *dev, const struct weir_clock_ops *ops, void *provider);

/**
 * weir_clocks_enable - have all clocks run that firmware names for a device ("clocks").
 *
 * Those of providers that publish none, such as clocks that early code set up, are somebody
 * else's affair.
 * Context: thread; also in runtime power calls. Return: 0; what a provider returned, or
 * WEIR_EINVAL for a specifier that is too long: none runs for it then, and the log says which.
 */
int weir_clocks_enable(struct weir_device *dev);
/**
 * weir_clocks_disable - the opposite, last first; after an enable that succeeded.
 * Context: as that.
 */
void weir_clocks_disable(struct weir_device *dev);

/**
 * weir_clocks_leave - instead of that: the driver goes, and what it leaves running needs them. The
 * next weir_clocks_enable() of the device takes them over. Context: thread.
 */
void weir_clocks_leave(struct weir_device *dev);

#ifdef __cplusplus
}
#endif
#endif
