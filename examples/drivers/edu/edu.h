// SPDX-License-Identifier: MIT
/* The client of QEMU's edu device: its state, and what its files offer one another. */
#ifndef WEIR_EDU_H
#define WEIR_EDU_H

#include <stdatomic.h>

#include "common.h"

struct edu_client {
	struct client c;
	struct weir_mmio mmio;
	struct client_buffer out, in; /* what goes to the device, and what comes back; a page each */
	struct weir_irq *irq;         /* NULL: the host has no messages */
	_Atomic uint32_t nr_irqs;
	uint64_t seed;
};

extern const struct weir_driver weir_edu_driver;
extern const struct weir_client_ops weir_edu_ops;

/*
 * One transfer between the device's memory and @iova, of 1 to EDU_MAX_BYTES bytes, waited for.
 * Return: 0; WEIR_EBUSY while another is under way; WEIR_EIO in quarantine, and when it did
 * not end in time.
 */
int edu_transfer(struct edu_client *edu, uint64_t iova, uint32_t bytes, bool from_device, bool irq);
/* Starts one and leaves it alone. Return: 0; WEIR_EBUSY; WEIR_EIO in quarantine. */
int edu_start(struct edu_client *edu, uint64_t iova, uint32_t bytes, bool from_device, bool irq);
/* Until no transfer is under way. Return: 0; WEIR_ETIMEDOUT; WEIR_EIO when there is no device. */
int edu_wait(struct edu_client *edu);

#endif
