// SPDX-License-Identifier: MIT
/*
 * A QEMU with a machine of the library on it, its host bridge found in the device tree
 * (or described here, on q35), everything below it enumerated.
 *
 * The checking host is between library and QEMU: what is not given back fails the test.
 */
#ifndef WEIR_TESTS_BENCH_H
#define WEIR_TESTS_BENCH_H

#include "cm.h"
#include "testhost.h"
#include "weir/qtest.h"
#include "weir/weir.h"

/* The IOMMU that a test is done with. */
struct bench_iommu {
	const char *module;          /* its driver's */
	const struct weir_module_entry *entry;
	const char *machine;         /* QEMU's; NULL: the usual one */
	const char *node;            /* of firmware, as its name begins; NULL: a PCI function */
	const char *model;           /* QEMU's device; NULL: it is the machine's */
	unsigned int (*poll)(struct weir_device *dev);
};
/* virtio-iommu, or the one that WEIR_TEST_IOMMU names: "smmuv3". */
const struct bench_iommu *bench_iommu(void);
/*
 * Adds QEMU's arguments for it: @text is where they stand. Return: how many there are then.
 */
unsigned int bench_iommu_args(const char *addr, char text[64], const char **args, unsigned int n);

struct bench {
	const struct bench_iommu *iommu; /* it is there before PCI; NULL: nobody waits for it */
	const void *dtb;             /* instead of QEMU's device tree; NULL: that */
	size_t dtb_bytes;
	struct weir_qtest *qtest;
	struct testhost *host;
	struct weir_machine *m;
	struct weir_pci *pci;        /* on q35, where firmware has no host bridge for us */
	struct weir_device *bridge;  /* the host bridge's device */
};

/* Skips the test when there is no such QEMU. @args end with NULL. */
void bench_open(struct bench *b, const char *arch, const char *machine, const char *const *args);
/* The same without machine. */
void bench_start(struct bench *b, const char *arch, const char *machine, const char *const *args);
/* The same, and another process can inherit it (weir_qtest_inherit()). */
void bench_start_inherited(struct bench *b, const char *arch, const char *machine,
			   const char *const *args);
/* Makes the machine alone: what is to be there before the firmware comes next. */
void bench_empty(struct bench *b, const struct weir_host_ops *ops);
/* Makes the machine when it is missing, loads firmware and walks the buses. */
void bench_machine(struct bench *b);
/* The same with calls between the checking host and QEMU; they take QEMU's context. */
void bench_machine_on(struct bench *b, const struct weir_host_ops *ops);
/*
 * bench_open(), then the driver of bench_iommu() is loaded: before the buses are walked, where
 * they wait for it.
 */
void bench_open_behind(struct bench *b, const char *arch, const char *const *args,
		       struct weir_module **out_module);
/* The device of bench_iommu(). */
struct weir_device *bench_iommu_device(struct bench *b);
/* Everything must be gone then. */
void bench_close(struct bench *b);

/* The only device of bus "pci" of that vendor and device. */
struct weir_device *bench_pci(struct bench *b, uint16_t vendor, uint16_t device);
/* How many there are of them. */
unsigned int bench_count(struct bench *b, uint16_t vendor, uint16_t device);
struct weir_device *bench_named(struct bench *b, const char *name);
/* The key of a device's group. */
const char *bench_group(struct weir_device *dev, enum weir_pci_rules rules);

/*
 * All functions in words: ids, groups, links, registers; and what the host bridge needs. Return:
 * from malloc; the caller frees it.
 */
char *bench_describe(struct weir_machine *m, unsigned int *out_functions);

/* QEMU's edu device: registers mapped, memory and DMA on. */
struct edu {
	struct weir_device *dev;
	struct weir_mmio mmio;
};
void edu_open(struct edu *edu, struct weir_device *dev);
void edu_close(struct edu *edu);
/* One transfer of at most 4095 bytes, to the device's buffer or from it; waits for its end. */
void edu_dma(struct bench *b, const struct edu *edu, uint64_t address, unsigned int bytes,
	     bool from_device, bool interrupt);

#endif
