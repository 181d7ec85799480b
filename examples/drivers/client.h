// SPDX-License-Identifier: MIT
/*
 * Clients: drivers of devices that do DMA, which offer tests of it by name.
 *
 * A client's struct weir_driver has WEIR_CLIENT_DRIVER in its flags and a struct
 * weir_client_ops as its context; weir_client_of() finds that by a device that is bound:
 *
 *	const struct weir_client_ops *ops = weir_client_of(dev);
 *	if (ops && ops->dma_test)
 *		err = ops->dma_test(dev, "quick", report, sizeof(report));
 *
 * The calls are made in thread context, one at a time for a device, which stays bound
 * meanwhile: who calls sees to both.
 */
#ifndef WEIR_CLIENT_H
#define WEIR_CLIENT_H

#include "weir/driver.h"

/* In the flags of a client's struct weir_driver. */
#define WEIR_CLIENT_DRIVER 0x00010000u

/* Room for any report. */
#define WEIR_CLIENT_REPORT_BYTES 256u

struct weir_client_test {
	const char *name; /* NULL ends the list; the first is the one to take by default */
	const char *what;
};

struct weir_client_ping {
	uint32_t sent, received;
	uint64_t min_ns, max_ns, sum_ns; /* of those received; 0 on a host without clock */
};

struct weir_client_stats {
	uint64_t transfers, bytes; /* of DMA that was waited for and was right, since it was bound */
	const char *fault;         /* why the device is in quarantine; NULL: it is not */
};

/* 10.0.2.2, the gateway of QEMU's user network. */
#define WEIR_CLIENT_GATEWAY 0x0a000202u

struct weir_client_ops {
	struct weir_abi abi;
	const char *name; /* "nvme" */
	const struct weir_client_test *tests;
	/*
	 * Does a test; what moved, or what went wrong, is said in one line of text, which
	 * is written whatever the result. The test "start" leaves DMA in flight.
	 * 0: all data were right. WEIR_EBADMSG: data are not what they must be. WEIR_ENOENT:
	 * no such test. WEIR_ETIMEDOUT, WEIR_EIO: the device fails, or is in quarantine.
	 * Others as the DMA calls.
	 */
	int (*dma_test)(struct weir_device *dev, const char *test, char *report, size_t bytes);
	/*
	 * Sends @n echo requests to an IPv4 address, each after the answer to the one
	 * before. NULL: it is no network card.
	 * 0: all were answered. WEIR_ETIMEDOUT: not all, or no address could be resolved.
	 * WEIR_EBADMSG: an answer is not what was sent. WEIR_EIO: the device fails.
	 * @out_ping is written also on WEIR_ETIMEDOUT and WEIR_EBADMSG.
	 */
	int (*ping)(struct weir_device *dev, uint32_t address, unsigned int n,
		    struct weir_client_ping *out_ping);
	void (*stats)(struct weir_device *dev, struct weir_client_stats *out_stats);
};

/* The client that a device is bound to, or NULL. Context: thread. */
static inline const struct weir_client_ops *weir_client_of(const struct weir_device *dev)
{
	const struct weir_driver *drv = weir_device_driver(dev);

	if (!drv || !(drv->flags & WEIR_CLIENT_DRIVER) ||
	    weir_device_status_get(dev) != WEIR_DEVICE_BOUND)
		return NULL;
	return (const struct weir_client_ops *)drv->context;
}

#endif
