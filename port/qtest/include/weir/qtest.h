// SPDX-License-Identifier: MIT
/*
 * A host on the device models of a QEMU: its registers are reached through QEMU's
 * qtest server, its RAM is shared memory, its interrupts arrive as calls. No guest
 * code runs: the processor is parked. Everything else is the POSIX host
 * (weir/posix.h).
 *
 *	struct weir_qtest_options options = { .arch = "aarch64", .machine = "virt" };
 *	char error[WEIR_QTEST_ERROR_BYTES];
 *	if (weir_qtest_create(&options, &qtest, error))
 *		...
 *	weir_machine_create(weir_qtest_ops(qtest), qtest, &m);
 *	...
 *	weir_machine_destroy(m);
 *	qtest = weir_qtest_destroy(qtest);
 *
 * QEMU lives exactly as long as the host: it ends with weir_qtest_destroy() and also
 * when the process ends in any other way. It leaves no file, having none.
 *
 * When QEMU ends too early or does not answer in time, the host is broken: reads
 * give all ones, as of a machine that is gone, and weir_qtest_error() says why.
 */
#ifndef WEIR_QTEST_H
#define WEIR_QTEST_H

#include <stdbool.h>

#include "weir/posix.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weir_qtest;

#define WEIR_QTEST_ERROR_BYTES 256u

struct weir_qtest_options {
	/* "aarch64", "x86_64" or "riscv64". */
	const char *arch;
	/*
	 * QEMU's machine with its properties, such as "virt,iommu=smmuv3"; NULL:
	 * "virt", or "q35" on x86_64.
	 */
	const char *machine;
	/* More arguments for QEMU, ending with NULL; or NULL. */
	const char *const *args;
	/* Size of RAM, a multiple of 1 MiB, at most 2 GiB on x86_64; 0: 128 MiB. */
	size_t ram_bytes;
	/* How long to wait for an answer of QEMU; 0: 10 s. */
	unsigned int timeout_ms;
	/*
	 * Whether interrupts come on a thread of their own, as on a machine with
	 * several processors. Otherwise they come inside delays and
	 * weir_qtest_poll().
	 */
	bool irq_thread;
	/*
	 * Whether a process that uses it may be killed and another one take its place, see
	 * weir_qtest_inherit(). Then writes to registers are waited for, so that who is
	 * killed leaves no command half sent.
	 */
	bool inherited;
	/* Threads, log and modules. */
	struct weir_posix_options posix;
};

/**
 * weir_qtest_create - start a QEMU.
 * @options: borrowed.
 * @out_qtest: the host; it is also the context that its calls take.
 * @out_error: a buffer for the reason of a failure; also written on failure.
 *
 * QEMU is found on PATH and must be 7.2 or newer. Context: thread.
 * Owner: the caller, until weir_qtest_destroy().
 * Return: 0; WEIR_ENOENT when there is no such QEMU; WEIR_EOPNOTSUPP when it is too
 * old; WEIR_EINVAL for an unknown architecture or such a size of RAM; WEIR_EIO when it did not
 * start; WEIR_ETIMEDOUT; WEIR_EAGAIN when there is no further process or thread; WEIR_ENOMEM.
 */
int weir_qtest_create(const struct weir_qtest_options *options, struct weir_qtest **out_qtest,
		      char out_error[WEIR_QTEST_ERROR_BYTES]);

/**
 * weir_qtest_destroy - end QEMU and wait until it is gone; NULL is fine.
 * Context: thread; no machine uses the host any more. Return: NULL.
 */
struct weir_qtest *weir_qtest_destroy(struct weir_qtest *qtest);

/**
 * weir_qtest_inherit - take the place of a process that was killed: QEMU's registers and its RAM
 * are as that left them.
 *
 * The host was made with options.inherited and not used; a fork()ed child used its copy of it, and
 * is gone. QEMU lives as long as the process that made it, whatever becomes of the child. What the
 * child allocated is not known here: see weir_qtest_pages_within(). Context: thread.
 * @out_error: as weir_qtest_create(). Return: 0; WEIR_EINVAL without options.inherited; WEIR_EIO,
 * WEIR_ETIMEDOUT or WEIR_ENOMEM, and the host is broken.
 */
int weir_qtest_inherit(struct weir_qtest *qtest, char out_error[WEIR_QTEST_ERROR_BYTES]);

/**
 * weir_qtest_pages_within - have pages_alloc give out pages of a part of RAM only, as a crash
 * kernel has a part of its own. What is not RAM, or not given out, stays out. Context: thread,
 * before the first is given out.
 * @at, @bytes: from the start of RAM, multiples of 4 KiB.
 */
void weir_qtest_pages_within(struct weir_qtest *qtest, size_t at, size_t bytes);

/** weir_qtest_ops - the calls of the host, for weir_machine_create(). Context: any. */
const struct weir_host_ops *weir_qtest_ops(const struct weir_qtest *qtest);

/** weir_qtest_posix - the POSIX host that it stands on, for its list of modules. Context: any. */
const struct weir_posix *weir_qtest_posix(const struct weir_qtest *qtest);

/** weir_qtest_error - why the host is broken, or "" while it is not. Context: any. */
const char *weir_qtest_error(struct weir_qtest *qtest);

/** weir_qtest_version - QEMU's version, such as 70222 for 7.2.22. Context: any. */
unsigned int weir_qtest_version(const struct weir_qtest *qtest);

/** weir_qtest_pid - the process to end to end QEMU; for tests. Context: any. */
int weir_qtest_pid(const struct weir_qtest *qtest);

/**
 * weir_qtest_dtb - the device tree that QEMU made.
 * @out_blob: constant, valid as long as the host.
 * Context: any. Return: 0; WEIR_ENOENT on a machine without (x86_64).
 */
int weir_qtest_dtb(const struct weir_qtest *qtest, const void **out_blob, size_t *out_bytes);

/** weir_qtest_ram - the guest's RAM: where it is for devices, and here. Context: any. */
void *weir_qtest_ram(const struct weir_qtest *qtest, uint64_t *out_pa, size_t *out_bytes);

/**
 * weir_qtest_va - where physical memory is in this process.
 * Context: any. Return: 0; WEIR_EFAULT when [pa, pa + bytes) is not all RAM.
 */
int weir_qtest_va(const struct weir_qtest *qtest, uint64_t pa, size_t bytes, void **out_va);

/**
 * weir_qtest_poll - call the handlers of interrupts that have come.
 * Context: thread. Return: how many were called.
 */
unsigned int weir_qtest_poll(struct weir_qtest *qtest);

/** weir_qtest_in - a read of an x86 port, of @width 1, 2 or 4 bytes. Context: any. */
uint32_t weir_qtest_in(struct weir_qtest *qtest, uint16_t port, unsigned int width);
/** weir_qtest_out - a write of an x86 port. Context: any. */
void weir_qtest_out(struct weir_qtest *qtest, uint16_t port, unsigned int width, uint32_t value);

/**
 * weir_qtest_firmware_file - a file that QEMU offers to firmware (fw_cfg), such as
 * "etc/acpi/tables".
 * @out_data: from malloc; the caller frees it.
 * Context: thread. Return: 0; WEIR_ENOENT; WEIR_EIO; WEIR_ENOMEM; WEIR_EOPNOTSUPP when
 * the machine has no fw_cfg.
 */
int weir_qtest_firmware_file(struct weir_qtest *qtest, const char *name, void **out_data,
			     size_t *out_bytes);

/**
 * weir_qtest_acpi - put QEMU's ACPI tables into RAM, as firmware does.
 * @out_rsdp_pa: where the root pointer is (weir_firmware_load_acpi()).
 *
 * QEMU makes the tables when any of them is first read, and some tell which buses
 * there are: bridges have their bus numbers before that. Context: thread.
 * Owner: the host, until it is destroyed; each call takes more of its RAM.
 * Return: 0; WEIR_ENOENT when the machine has no tables; WEIR_EIO when they are damaged;
 * WEIR_ENOMEM.
 */
int weir_qtest_acpi(struct weir_qtest *qtest, uint64_t *out_rsdp_pa);

/**
 * weir_qtest_qmp - give QEMU a command (QMP) and wait for its answer.
 * @command: JSON, such as {"execute": "query-pci"}.
 * @out_reply: the answer as JSON, from malloc, the caller frees it; NULL: not wanted.
 *	Also written when the answer is an error.
 * Context: thread. Return: 0; WEIR_EINVAL when QEMU answers with an error;
 * WEIR_EIO; WEIR_ETIMEDOUT; WEIR_ENOMEM.
 */
int weir_qtest_qmp(struct weir_qtest *qtest, const char *command, char **out_reply);

/**
 * weir_qtest_qmp_event - wait for an event of QEMU that has not been waited for.
 * @words: two texts that the event must contain, such as "DEVICE_DELETED" and
 *	"\"device\": \"nic\""; the second may be NULL.
 * Context: thread; interrupts are not polled for meanwhile. Return: 0; WEIR_EIO;
 * WEIR_ETIMEDOUT; WEIR_ENOMEM.
 */
int weir_qtest_qmp_event(struct weir_qtest *qtest, const char *const words[2]);

struct weir_qtest_stats {
	uint64_t round_trips;   /* commands that were waited for */
	uint64_t posted;        /* writes that were not */
	uint64_t interrupts;    /* handlers called */
	uint64_t page_bytes;    /* given out by pages_alloc */
};
/** weir_qtest_stats_get - what the host has done so far. Context: any. */
void weir_qtest_stats_get(struct weir_qtest *qtest, struct weir_qtest_stats *out_stats);

#ifdef __cplusplus
}
#endif
#endif
