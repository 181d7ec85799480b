// SPDX-License-Identifier: MIT
/*
 * The library with one IOMMU driver, and nothing else: a board that is a constant, three drivers of the
 * program's own and the SMMUv3's. No device tree, no ACPI, no PCI, no modules; memory may all come
 * from one region (weir/pool.h).
 *
 * The nic does DMA by the DMA calls. The codec's driver has a domain of its own, whose tables are made
 * beforehand: what it maps and unmaps then asks the host for no memory.
 */
#ifndef EXAMPLES_ONE_DRIVER_H
#define EXAMPLES_ONE_DRIVER_H

#include "weir/weir.h"

#define ONE_DRIVER_SMMU  UINT64_C(0x09050000)
#define ONE_DRIVER_NIC   0x28u /* their streams */
#define ONE_DRIVER_CODEC 0x30u
/* The codec's addresses. */
#define ONE_DRIVER_IOVA  UINT64_C(0x100000000)
#define ONE_DRIVER_BYTES (UINT64_C(4) << 20)

struct one_driver {
	struct weir_machine *m;
	struct weir_device *nic, *codec; /* while they have their drivers */
	struct weir_domain *domain;      /* the codec's */
	unsigned int clock_users;        /* drivers whose probe found the clock running */
	bool clock_runs;
	struct weir_driver drivers[3];
};

/*
 * Has everything come up, in the order that the board says; @s is kept until one_driver_stop().
 * Return: 0; WEIR_ENODEV when a device did not come up; what the library's calls returned.
 */
int one_driver_start(struct one_driver *s, const struct weir_host_ops *ops, void *host);
/* The same without DMA calls, which are not linked when this alone is called: the nic reaches nothing. */
int one_driver_start_domains(struct one_driver *s, const struct weir_host_ops *ops, void *host);
/* Takes everything down. */
void one_driver_stop(struct one_driver *s);

#endif
