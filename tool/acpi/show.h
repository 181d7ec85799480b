// SPDX-License-Identifier: MIT
/* What the verbs of machines with ACPI share; see acpi.h. */
#ifndef WEIR_TOOL_ACPI_SHOW_H
#define WEIR_TOOL_ACPI_SHOW_H

#include "acpi.h"

/* show.c */
void acpi_need_words(const struct acpi_need *need, char *buf, size_t bytes);
/* IOMMUs that the kernel lacks a driver for. */
size_t acpi_nr_missing(const struct acpi_machine *am);

/* json.c: the whole machine, as one document (docs/json.md). @pci: taken over. */
void acpi_json_print(const struct acpi_machine *am, json_t *pci);

#endif
