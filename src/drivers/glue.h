// SPDX-License-Identifier: MIT
/*
 * What IOMMU drivers of devices have in common, between the library and their hardware layers, which
 * never use it: the argument of each call is the device.
 */
#ifndef WEIR_DRIVERS_GLUE_H
#define WEIR_DRIVERS_GLUE_H

#include "weir/domain.h"
#include "weir/module.h"

/* A fault that its hardware recorded. */
void weir_glue_fault_(void *dev, const struct weir_fault *fault);
/* Memory that outlives the instance: the machine's. */
int weir_glue_table_alloc_(void *dev, size_t bytes, size_t align_bytes, void **out_va,
			   uint64_t *out_pa);
void weir_glue_table_free_(void *dev, void *va, uint64_t pa, size_t bytes);
int weir_glue_table_find_(void *dev, uint64_t pa, void **out_va, size_t *out_bytes);
/* The device's clocks, where @on says whether they are. @leave: they stay on for who comes next. */
int weir_glue_clocks_on_(struct weir_device *dev, bool *on);
void weir_glue_clocks_off_(struct weir_device *dev, bool *on, bool leave);
/* Of a module: it may be loaded before there is firmware. */
int weir_glue_module_init_(struct weir_machine *m, struct weir_module *module);

#endif
