// SPDX-License-Identifier: MIT
/* The bus of devices that firmware describes, for all kinds of firmware. */
#ifndef WEIR_FIRMWARE_PLATFORM_H
#define WEIR_FIRMWARE_PLATFORM_H

#include "core/core.h"

/* The bus "platform", made when it is missing. Return: 0; WEIR_ENOMEM. */
int weir_platform_bus_(struct weir_machine *m, struct weir_bus **out_bus);
/*
 * Makes a device of a node that has none and had none made of it. A name that is taken: no
 * device, and the node may be tried again. Return: 0; WEIR_ENOMEM.
 */
int weir_platform_device_(struct weir_bus *bus, struct weir_fwnode *node, const char *name);
/* Nobody is told that all consumers are up before all devices are there. */
void weir_platform_pause_(struct weir_machine *m, bool on);

#endif
