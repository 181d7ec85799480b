// SPDX-License-Identifier: MIT
/*
 * The machines that QEMU is asked for, one an architecture: a parked processor, RAM
 * that we share, nothing by default. Addresses are those of QEMU's machines "virt"
 * and "q35".
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "priv.h"

/* cli; hlt; back to hlt - at the reset vector, 16 bytes below the end of the image */
static const unsigned char x86_bios[] = { 0xfa, 0xf4, 0xeb, 0xfd };
/* wfi; back to it */
static const unsigned char riscv_bios[] = { 0x73, 0x00, 0x50, 0x10, 0x6f, 0xf0, 0xdf, 0xff };

static const struct qtest_machine machines[] = {
	{
		.arch = "aarch64", .package = "qemu-system-arm", .machine = "virt",
		.machine_props = "", .cpu = "max,start-powered-off=on",
		.ram_pa = 0x40000000, .ram_skip = 0,
		.irqchip = "/machine/unattached/device[1]",
		.fw_cfg = 0x09020000, .has_dtb = true,
	},
	{
		.arch = "x86_64", .package = "qemu-system-x86", .machine = "q35",
		.machine_props = ",pit=off,hpet=off", .cpu = "max",
		.bios = x86_bios, .bios_code_bytes = sizeof(x86_bios),
		.bios_code_at = 0xfff0, .bios_bytes = 0x10000,
		.ram_pa = 0, .ram_skip = 16u << 20, /* holes and legacy areas are below */
		.ram_max_bytes = (size_t)2 << 30, /* of more, some is above 4 GiB */
		.irqchip = "ioapic",
	},
	{
		.arch = "riscv64", .package = "qemu-system-misc", .machine = "virt",
		.machine_props = "", .bios = riscv_bios, .bios_code_bytes = sizeof(riscv_bios),
		.bios_bytes = 4096,
		.ram_pa = 0x80000000, .ram_skip = 4096, /* the parking code */
		.irqchip = "/machine/unattached/device[2]",
		.fw_cfg = 0x10100000, .has_dtb = true,
	},
};

const struct qtest_machine *qtest_machine_find(const char *arch)
{
	for (size_t i = 0; arch && i < sizeof(machines) / sizeof(machines[0]); i++)
		if (!strcmp(machines[i].arch, arch))
			return &machines[i];
	return NULL;
}

int qtest_machine_bios(const struct qtest_machine *machine)
{
	int fd = process_memory_file("weir-bios", machine->bios_bytes);

	if (fd >= 0 && pwrite(fd, machine->bios, machine->bios_code_bytes,
			      (off_t)machine->bios_code_at) != (ssize_t)machine->bios_code_bytes) {
		close(fd);
		return -1;
	}
	return fd;
}

/* ---- the command line ---- */

struct args {
	char **list;
	size_t n;
	bool failed;
};

__attribute__((format(printf, 2, 3)))
static void add(struct args *a, const char *fmt, ...)
{
	char **bigger = realloc(a->list, (a->n + 2) * sizeof(*a->list));
	va_list ap;

	if (!bigger) {
		a->failed = true;
		return;
	}
	a->list = bigger;
	va_start(ap, fmt);
	if (vasprintf(&a->list[a->n], fmt, ap) < 0) {
		a->list[a->n] = NULL;
		a->failed = true;
	} else {
		a->list[++a->n] = NULL;
	}
	va_end(ap);
}

static void add_channels(struct args *a, bool inherited)
{
	add(a, "-chardev");
	add(a, "socket,id=qtest,fd=%d%s", FD_QTEST, inherited ? ",server=on,wait=off" : "");
	add(a, "-qtest");
	add(a, "chardev:qtest");
	add(a, "-qtest-log");
	add(a, "none");
	add(a, "-chardev");
	add(a, "socket,id=monitor,fd=%d", FD_QMP);
	add(a, "-mon");
	add(a, "chardev=monitor,mode=control");
}

char **qtest_args(const struct qtest_machine *machine, const struct weir_qtest_options *options,
		  const char *program, size_t ram_bytes)
{
	struct args a = { 0 };

	add(&a, "%s", program);
	add(&a, "-nodefaults");
	add(&a, "-no-user-config");
	add(&a, "-display");
	add(&a, "none");
	add(&a, "-machine");
	add(&a, "%s%s,memory-backend=ram",
	    options->machine ? options->machine : machine->machine, machine->machine_props);
	add(&a, "-accel");
	add(&a, "tcg");
	/* The clock of the devices jumps to the next timer: nothing waits for real time. */
	add(&a, "-icount");
	add(&a, "shift=0,sleep=off");
	if (machine->cpu) {
		add(&a, "-cpu");
		add(&a, "%s", machine->cpu);
	}
	add(&a, "-m");
	add(&a, "%zuM", ram_bytes >> 20);
	add(&a, "-object");
	add(&a, "memory-backend-file,id=ram,share=on,size=%zu,mem-path=/proc/self/fd/%d", ram_bytes,
	    FD_RAM);
	if (machine->bios) {
		add(&a, "-bios");
		add(&a, "/proc/self/fd/%d", FD_BIOS);
	}
	add_channels(&a, options->inherited);
	for (size_t i = 0; options->args && options->args[i]; i++)
		add(&a, "%s", options->args[i]);
	if (!a.failed)
		return a.list;
	qtest_args_free(a.list);
	return NULL;
}

void qtest_args_free(char **args)
{
	for (size_t i = 0; args && args[i]; i++)
		free(args[i]);
	free(args);
}
