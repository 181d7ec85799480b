// SPDX-License-Identifier: MIT
/*
 * Which parts of the library a machine has. weir_machine_create() gives it all of them; a program
 * that needs less names what it needs, and a part that it names nowhere is not linked (where the
 * linker drops what nothing refers to: -ffunction-sections, -Wl,--gc-sections):
 *
 *	static const struct weir_parts parts = {
 *		.abi = WEIR_ABI(struct weir_parts), .iommu = &weir_part_iommu, .dma = &weir_part_dma,
 *	};
 *	weir_machine_create_parts(&host_ops, host, &parts, &m);
 *
 * Without any, a machine is the driver model alone: devices, drivers, links, deferral, verdicts,
 * modules, power. What belongs to a part that it does not have returns WEIR_EOPNOTSUPP.
 */
#ifndef WEIR_PARTS_H
#define WEIR_PARTS_H

#include "weir/machine.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weir_device;

/*
 * Firmware in which something may need itself, over however many others. Without it cycles are not
 * looked for, and devices on one wait for one another for ever: for boards that are constants
 * (board.h), which can have none.
 */
extern const struct weir_part_cycles weir_part_cycles;
/*
 * IOMMU instances, groups, domains and faults (iommu.h, domain.h). Without it devices are behind
 * nothing that the library knows of: they come after their IOMMUs, as after all that firmware
 * says they need, and the gate puts them behind those.
 */
extern const struct weir_part_iommu weir_part_iommu;
/* The DMA calls (dma.h): addresses, bounce buffers, lazy unmapping. It takes weir_part_iommu. */
extern const struct weir_part_dma weir_part_dma;

/*
 * What lets a device reach memory, where that is the embedder's affair: tables of a hypervisor's, a
 * firewall. Both calls come without locks, in the thread that probes or unbinds the device: for
 * several devices at once where there are several threads (WEIR_DRIVER_SYNC: none of the host's).
 */
struct weir_gate {
	struct weir_abi abi;
	/*
	 * The device will be probed by the driver that weir_device_driver() names; all it needs is bound
	 * and awake. 0; WEIR_EDEFER: not yet, try again when something was bound; another error: its
	 * probe failed.
	 */
	int (*open)(void *arg, struct weir_device *dev);
	/*
	 * What open() returned 0 for is over: the driver has let go of the device, or did not take it.
	 * When this returns it reaches nothing any more. What it needs is still bound and,
	 * unless its power failed, awake.
	 */
	void (*close)(void *arg, struct weir_device *dev);
};

/* NULL: the machine does not have it. */
struct weir_parts {
	struct weir_abi abi;
	const struct weir_part_cycles *cycles;
	const struct weir_part_iommu *iommu;
	const struct weir_part_dma *dma;
	const struct weir_gate *gate; /* stays valid as long as the machine */
	void *gate_arg;
};

/**
 * weir_machine_create_parts - make an empty machine with some parts, under the library's own policy.
 * @parts: copied.
 * Context: thread. Owner: the caller, until weir_machine_destroy(). Return: as weir_machine_create();
 * WEIR_EINVAL also for a table of another ABI, a gate that lacks a call, and dma without iommu.
 */
int weir_machine_create_parts(const struct weir_host_ops *ops, void *host,
			      const struct weir_parts *parts, struct weir_machine **out_machine);

#ifdef __cplusplus
}
#endif
#endif
