// SPDX-License-Identifier: MIT
/* The kernel model's own types. See kmodel.c and kmodel_driver.c. */
#ifndef WEIR_SIM_KERNEL_KMODEL_PRIV_H
#define WEIR_SIM_KERNEL_KMODEL_PRIV_H

#include "kernel/kmodel.h"

struct kdriver {
	struct weir_kmodel *model;
	const struct weir_driver_spec *spec;
	struct weir_match *match;
	struct weir_driver platform, amba;
	bool has_amba;
	bool loaded, loading;
};

/* A node whose probe fails, or defers some times. */
struct kfault {
	const struct weir_fwnode *node;
	int left; /* negative: fails */
};

struct weir_kmodel {
	struct weir_machine *m;
	const struct weir_driver_list *list;
	struct weir_kmodel_options options;
	struct kdriver *drivers; /* one for each entry of the list */
	size_t nr_drivers;
	struct kdriver **by_name; /* sorted */
	struct weir_fwnode **cells; /* arm,primecell nodes */
	size_t nr_cells;
	struct weir_device **held; /* devices with a reference of ours */
	size_t nr_held;
	struct weir_trace trace;
	struct kfault *faults;
	size_t nr_faults;
};

/* kmodel.c: whether the machine has the policy linux-6.12, with its clock */
bool weir_kmodel_is_linux_(const struct weir_kmodel *k);

/* kmodel_driver.c */
const struct weir_driver_ops *kmodel_driver_ops(bool sync_state);
int kmodel_collect_faults(struct weir_kmodel *k);
void kmodel_complain(struct weir_kmodel *k, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* kmodel_names.c */
int kmodel_index_names(struct weir_kmodel *k);
struct kdriver *kmodel_find(const struct weir_kmodel *k, const char *name);

#endif
