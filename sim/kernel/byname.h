// SPDX-License-Identifier: MIT
/*
 * Drivers that match by name alone. The cells of a multi-function device get their
 * node from firmware and their driver by platform name; I2C and SPI devices match by
 * what is behind the comma. Such drivers need no table of compatible strings that an
 * index or an image scan could show.
 */
#ifndef WEIR_SIM_KERNEL_BYNAME_H
#define WEIR_SIM_KERNEL_BYNAME_H

#include "kernel/driverlist.h"
#include "kernel/modindex.h"

/**
 * weir_driver_list_add_by_name - for every compatible "vendor,NAME" that no driver of
 * the list takes: a built-in module called NAME, or a module with the alias
 * platform:NAME, i2c:NAME or spi:NAME. A guess, and marked so (WEIR_BASIS_NAME).
 * @index: may be NULL. Return: 0; WEIR_ENOMEM.
 */
int weir_driver_list_add_by_name(struct weir_driver_list *list, const struct weir_modindex *index,
				 const char *const *compats, size_t count);

/**
 * weir_driver_list_add_by_setting - the same by the kernel's configuration: for every
 * "vendor,NAME" left, a built-in driver when CONFIG_MFD_NAME=y. Such cores match by
 * I2C or SPI ids and are in no index.
 * @config: the text of the configuration.
 * Return: 0; WEIR_ENOMEM.
 */
int weir_driver_list_add_by_setting(struct weir_driver_list *list, const char *config,
				    const char *const *compats, size_t count);

#endif
