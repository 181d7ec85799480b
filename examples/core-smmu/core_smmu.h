// SPDX-License-Identifier: MIT
/*
 * The driver model with an SMMUv3, for those who have everything else: a hypervisor or an RTOS that
 * knows which memory each device may reach. Devices come up in the order that a constant board
 * asks for, in whatever order their drivers come; the SMMUv3 is a device with a driver, made of its
 * hardware layer; the machine's gate puts a device behind tables of its own before its driver
 * is called, and blocks it when that has let go. Groups, domains, the DMA calls and PCI
 * are not in the program.
 */
#ifndef EXAMPLES_CORE_SMMU_H
#define EXAMPLES_CORE_SMMU_H

#include "weir/arm_smmu_v3.h"
#include "weir/weir.h"

#define CORE_SMMU      UINT64_C(0x09050000)
#define CORE_SMMU_NIC  0x28u /* streams: the nic has one, the disk two */
#define CORE_SMMU_DISK 0x30u
#define CORE_SMMU_DISK_ADMIN 0x31u
#define CORE_SMMU_MASTERS 2u

/* Memory that a device may reach. */
struct core_window {
	uint32_t stream;       /* its first */
	uint64_t iova, pa, bytes;
	uint32_t prot;         /* WEIR_MAP_* */
};

struct core_config {
	const struct core_window *windows;
	unsigned int nr_windows;
	enum weir_table_format stage; /* WEIR_TABLE_ARM_S1 or _S2 */
	/* The nic's or the disk's driver takes its device, and uses it already. 0, or an error. */
	int (*use)(void *arg, uint32_t stream);
	void *arg;
};

enum core_driver { CORE_CLOCK_DRIVER, CORE_SMMU_DRIVER, CORE_NIC_DRIVER, CORE_DISK_DRIVER, CORE_DRIVERS };

/* A device while the gate is open for it. */
struct core_master {
	struct weir_device *dev; /* NULL: nobody's */
	struct weir_smmu_v3 *smmu;
	struct weir_table *table;
	struct weir_smmu_v3_domain *domain;
};

struct core_smmu {
	struct weir_machine *m;
	const struct weir_host_ops *ops;
	void *host;
	const struct core_config *config;
	struct core_master masters[CORE_SMMU_MASTERS];
	bool up[CORE_DRIVERS];           /* which devices have their driver */
	struct weir_driver drivers[CORE_DRIVERS];
};

/*
 * Devices are there, drivers come with core_smmu_load(). @s and @config are kept until core_smmu_stop().
 * Return: 0; what the library's calls returned.
 */
int core_smmu_start(struct core_smmu *s, const struct weir_host_ops *ops, void *host,
		    const struct core_config *config);
/* A driver comes, and what can come up does / goes, after those of all devices that need its own. */
int core_smmu_load(struct core_smmu *s, enum core_driver which);
int core_smmu_unload(struct core_smmu *s, enum core_driver which);
/* Takes everything down. */
void core_smmu_stop(struct core_smmu *s);

#endif
