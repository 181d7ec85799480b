// SPDX-License-Identifier: MIT
/*
 * What a tree says of itself that a driver list is made from.
 */
#ifndef WEIR_SIM_KERNEL_COMPATS_H
#define WEIR_SIM_KERNEL_COMPATS_H

#include "kernel/driverlist.h"
#include "weir/firmware.h"

/**
 * weir_tree_compatibles - every compatible string of a loaded tree, once, in order of
 * first appearance (depth first). Empty ones and those with blanks are left out.
 * Owner: *@out_compats is the caller's (free); the strings are the tree's.
 * Return: 0; WEIR_ENOMEM.
 */
int weir_tree_compatibles(struct weir_machine *m, const char ***out_compats, size_t *out_count);

/**
 * weir_driver_list_add_usual_early - early entries for when no kernel image tells them:
 * interrupt controllers and fixed clocks that early code of arm, arm64 and riscv
 * sets up on its own.
 * Return: 0; WEIR_ENOMEM.
 */
int weir_driver_list_add_usual_early(struct weir_driver_list *list);

/**
 * weir_catalogue_fill - tell a machine which drivers of a list can ever come.
 * @denied: says no to a module; NULL: none is denied.
 * The catalogue is complete afterwards. Return: 0; WEIR_ENOMEM.
 */
int weir_catalogue_fill(struct weir_machine *m, const struct weir_driver_list *list,
			bool (*denied)(void *context, const struct weir_driver_spec *spec),
			void *context);

#endif
