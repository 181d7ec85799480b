// SPDX-License-Identifier: MIT
/*
 * Machines with ACPI: their tables as they lie around, and what of the bring-up they tell: IOMMUs and the
 * drivers these need, host bridges and where their requester ids go, named components. The
 * namespace (AML) is not interpreted, so devices of it, and PCI functions, are not known; every
 * output says so. docs/firmware-acpi.md has what is read.
 */
#ifndef WEIR_TOOL_ACPI_H
#define WEIR_TOOL_ACPI_H

#include "capture/capture.h"
#include "weir.h"

/* A table, as firmware made it. */
struct acpi_blob {
	char name[5];
	uint8_t *data;
	size_t bytes;
};

struct acpi_tables {
	struct acpi_blob *items;
	size_t n;
};

/*
 * tables.c. A directory of tables (acpixtract's *.dat, /sys/firmware/acpi/tables), a file with
 * one, what acpidump prints, or a capture of a machine without a device tree.
 */
bool acpi_is(const char *path);
/* Return: 1: a capture with tables and without a device tree; 0: not; or an exit status after a message. */
int acpi_is_capture(const char *path);
/* Return: 0; or an exit status after a message. */
int acpi_read(const char *path, struct acpi_tables *out_tables);
/* From text or data in memory. Return: 0; WEIR_EBADMSG: neither tables nor a dump; WEIR_ENOMEM. */
int acpi_read_bytes(const void *data, size_t bytes, struct acpi_tables *out_tables);
/* Of a capture. Return: 0; WEIR_ENOENT: it has none; WEIR_ENOMEM. */
int acpi_of_capture(const struct capture *c, struct acpi_tables *out_tables);
void acpi_tables_free(struct acpi_tables *t);

/* Into @m. Return: as weir_firmware_load_acpi(). */
int acpi_load(struct weir_machine *m, const struct acpi_tables *t);

/* What a kernel has of a driver. */
enum acpi_have {
	ACPI_UNKNOWN,   /* there is no kernel, or it does not tell */
	ACPI_BUILTIN,
	ACPI_MODULE,
	ACPI_NONE,
	ACPI_DENIED,
};

/* A driver that an IOMMU needs. */
struct acpi_need {
	const char *what;      /* what it drives: "arm-smmu-v3", "virtio device 23" */
	const char *driver;    /* the module that has it, loaded or built in */
	enum acpi_have have;
};

struct acpi_iommu {
	struct weir_fwnode *node;
	struct acpi_need needs[2];
	size_t nr_needs;
	bool used;             /* somebody is behind it */
};

/* Requester ids in a row that go to the same places. */
struct acpi_range {
	uint32_t first, last;
	struct weir_fwnode *iommu, *msi; /* NULL: nowhere */
	uint32_t id, msi_id;   /* of the first */
};

struct acpi_host {
	struct weir_fwnode *node;
	struct weir_pci_host host;
	struct acpi_range *ranges;
	size_t n;
};

struct acpi_machine {
	const struct opts *o;
	const char *board;
	struct acpi_tables tables;
	struct kernel_side side;
	struct weir_posix *posix;
	struct weir_machine *m;
	FILE *log;
	char *log_text;
	size_t log_bytes;
	struct acpi_iommu *iommus;
	size_t nr_iommus;
	struct acpi_host *hosts;
	size_t nr_hosts;
};

/* machine.c. Return: 0; or an exit status after a message. @am: for acpi_close() in any case. */
int acpi_open(struct acpi_machine *am, const struct opts *o, const char *board);
void acpi_close(struct acpi_machine *am);
const struct acpi_iommu *acpi_iommu_of(const struct acpi_machine *am, const struct weir_fwnode *node);
/* Drivers that the kernel does not have. */
size_t acpi_missing(const struct acpi_iommu *iommu);
/* Whether a table is one that is read. */
bool acpi_table_is_read(const char *name);

/* show.c: the verbs. Return: an exit status. */
int acpi_boot(const struct opts *o, const char *board);
int acpi_explain(const struct opts *o, const char *board, const char *name);
/* @out_pci_told: whether it was said why PCI functions are together. */
int acpi_groups(const struct opts *o, const char *board, const struct seen *seen, bool *out_pci_told);

#endif
