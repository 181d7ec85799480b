// SPDX-License-Identifier: MIT
/*
 * Stories of modelled IOMMUs and their masters, told in words and rerun with the first,
 * second, third ... call failing: of the host, or of an instance.
 *
 * A step that fails is done again, and must work then: the fault comes once. After each step
 * nothing reaches memory that it may not reach. In the end every master is bound once
 * more, and all is as it was without a fault; after the machine nothing is left.
 *
 * Words: tree; iommus, clients (their driver comes), -iommus, -clients; +X, -X (a device); settle;
 * up (all is bound in the end); again (masters without driver are tried); unbind X, bind X; claim X,
 * release X; attach X (to a domain of its own); map X, unmap X (a page in the domain of its group);
 * doorbell; msi X; off X, on X (an IOMMU's power); consumers X (of an IOMMU are up); seal; reject,
 * accept (ids).
 */
#ifndef WEIR_TESTS_IOMMUSCRIPT_H
#define WEIR_TESTS_IOMMUSCRIPT_H

#include "iommuworld.h"

struct im_script {
	const char *name;
	const char *steps;     /* with ';' in between */
	const struct im_master *masters;
	unsigned int nr_masters;
	struct weir_iommu_rules rules;
	bool dma;              /* drivers map memory, see iommu_world */
	bool may_be_direct;    /* masters may do without IOMMU, or behind an identity domain */
};

struct im_sweep {
	unsigned long host_calls, instance_calls; /* that failed, one a run */
};

/* Adds to @sweep. */
void im_script_sweep(const struct im_script *script, struct im_sweep *sweep);

#endif
