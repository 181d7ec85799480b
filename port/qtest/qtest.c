// SPDX-License-Identifier: MIT
/*
 * The host on a QEMU: its life and what it tells of itself. Registers, pages and
 * interrupts have a lock each, none is held while another is taken except that handlers
 * of interrupts may make any call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "priv.h"

#define DEFAULT_RAM_BYTES ((size_t)128 << 20)
#define DEFAULT_TIMEOUT_MS 10000u
#define PAGE 4096u

/* ---- life ---- */

static int fail(char *error, int err, const char *text)
{
	if (!error[0])
		snprintf(error, WEIR_QTEST_ERROR_BYTES, "%s", text);
	return err;
}

static int start(struct weir_qtest *qtest, const struct weir_qtest_options *options,
		 const char *program, size_t ram_bytes, char *error)
{
	char **args = qtest_args(qtest->machine, options, program, ram_bytes);
	int bios_fd = -1, err = WEIR_ENOMEM;

	if (!args)
		return fail(error, err, "out of memory");
	qtest->process.ram_fd = process_memory_file("weir-ram", ram_bytes);
	qtest->process.log_fd = process_memory_file("weir-qemu-log", 0);
	if (qtest->machine->bios)
		bios_fd = qtest_machine_bios(qtest->machine);
	if (qtest->process.ram_fd < 0 || qtest->process.log_fd < 0 ||
	    (qtest->machine->bios && bios_fd < 0))
		err = fail(error, WEIR_ENOMEM, "no memory for the guest's RAM");
	else
		err = process_start(&qtest->process, args, bios_fd, options->inherited);
	if (err)
		fail(error, err, "no process can be started");
	if (bios_fd >= 0)
		close(bios_fd);
	qtest_args_free(args);
	return err;
}

/* QEMU puts the tree at the start of RAM, or somewhere on a page of it. */
static int copy_dtb(struct weir_qtest *qtest)
{
	const uint8_t *ram = qtest->pages.va;

	for (size_t at = 0; at < qtest->pages.bytes; at += PAGE) {
		uint32_t head[2];

		memcpy(head, ram + at, sizeof(head));
		head[1] = __builtin_bswap32(head[1]);
		if (__builtin_bswap32(head[0]) != 0xd00dfeedu || head[1] < 40 ||
		    head[1] > qtest->pages.bytes - at)
			continue;
		qtest->dtb = malloc(head[1]);
		if (!qtest->dtb)
			return WEIR_ENOMEM;
		memcpy(qtest->dtb, ram + at, head[1]);
		qtest->dtb_bytes = head[1];
		return 0;
	}
	return WEIR_EIO;
}

/* QEMU runs: make contact. */
static int connect_all(struct weir_qtest *qtest, const struct weir_qtest_options *options,
		       size_t ram_bytes, char *error)
{
	const struct qtest_machine *machine = qtest->machine;
	int err;

	qtest->timeout_ms = options->timeout_ms ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
	err = qmp_init(&qtest->qmp, &qtest->process, qtest->timeout_ms);
	if (err)
		return fail(error, err, qtest->qmp.channel.error);
	err = wire_open(qtest);
	if (err)
		return fail(error, err, qtest->wire.channel.error);
	err = pages_init(&qtest->pages, qtest->process.ram_fd, ram_bytes, machine->ram_pa,
			 machine->ram_skip);
	if (err)
		return fail(error, err, "the guest's RAM cannot be mapped");
	err = machine->has_dtb ? copy_dtb(qtest) : 0;
	if (err)
		return fail(error, err, "QEMU put no device tree into RAM");
	err = irqs_init(&qtest->irqs, qtest, options->irq_thread);
	return err ? fail(error, err, "no thread for interrupts") : 0;
}

int weir_qtest_create(const struct weir_qtest_options *options, struct weir_qtest **out_qtest,
		      char out_error[WEIR_QTEST_ERROR_BYTES])
{
	const struct qtest_machine *machine = qtest_machine_find(options->arch);
	size_t ram_bytes = options->ram_bytes ? options->ram_bytes : DEFAULT_RAM_BYTES;
	struct weir_qtest *qtest;
	char name[40], *program;
	int err;

	out_error[0] = '\0';
	if (!machine || ram_bytes % (1u << 20))
		return fail(out_error, WEIR_EINVAL, machine ? "RAM must be whole MiB"
							    : "unknown architecture");
	if (machine->ram_max_bytes && ram_bytes > machine->ram_max_bytes) {
		snprintf(out_error, WEIR_QTEST_ERROR_BYTES, "RAM must be %zu MiB or less",
			 machine->ram_max_bytes >> 20);
		return WEIR_EINVAL;
	}
	snprintf(name, sizeof(name), "qemu-system-%s", machine->arch);
	program = process_find(name);
	if (!program) {
		snprintf(out_error, WEIR_QTEST_ERROR_BYTES,
			 "%s is not on PATH (Debian: package %s)", name, machine->package);
		return WEIR_ENOENT;
	}
	err = WEIR_ENOMEM;
	qtest = calloc(1, sizeof(*qtest));
	if (!qtest)
		goto free_program;
	qtest->process = (struct process){
		.leash = -1, .qtest_fd = -1, .qmp_fd = -1, .ram_fd = -1, .log_fd = -1,
		.listen_fd = -1,
	};
	qtest->machine = machine;
	err = weir_posix_create(&options->posix, &qtest->posix);
	if (err)
		goto destroy;
	calls_init(qtest);
	err = start(qtest, options, program, ram_bytes, out_error);
	if (!err)
		err = connect_all(qtest, options, ram_bytes, out_error);
	if (err)
		goto destroy;
	free(program);
	*out_qtest = qtest;
	return 0;

destroy:
	weir_qtest_destroy(qtest);
free_program:
	free(program);
	return fail(out_error, err, "out of memory");
}

struct weir_qtest *weir_qtest_destroy(struct weir_qtest *qtest)
{
	if (!qtest)
		return NULL;
	irqs_fini(&qtest->irqs);
	if (!qtest->wire.channel.broken)
		qmp_quit(&qtest->qmp);
	process_end(&qtest->process);
	wire_fini(&qtest->wire);
	qmp_fini(&qtest->qmp);
	pages_fini(&qtest->pages);
	weir_posix_destroy(qtest->posix);
	free(qtest->dtb);
	free(qtest);
	return NULL;
}

/* ---- plain accessors ---- */

const struct weir_host_ops *weir_qtest_ops(const struct weir_qtest *qtest)
{
	return &qtest->ops;
}

const struct weir_posix *weir_qtest_posix(const struct weir_qtest *qtest)
{
	return qtest->posix;
}

/* A broken channel stays so, and its text does not change. */
const char *weir_qtest_error(struct weir_qtest *qtest)
{
	const char *text;

	pthread_mutex_lock(&qtest->wire.mutex);
	text = qtest->wire.channel.error;
	pthread_mutex_unlock(&qtest->wire.mutex);
	return text;
}

unsigned int weir_qtest_version(const struct weir_qtest *qtest)
{
	return qtest->qmp.version;
}

int weir_qtest_pid(const struct weir_qtest *qtest)
{
	return (int)qtest->process.guard;
}

int weir_qtest_dtb(const struct weir_qtest *qtest, const void **out_blob, size_t *out_bytes)
{
	if (!qtest->dtb)
		return WEIR_ENOENT;
	*out_blob = qtest->dtb;
	*out_bytes = qtest->dtb_bytes;
	return 0;
}

void *weir_qtest_ram(const struct weir_qtest *qtest, uint64_t *out_pa, size_t *out_bytes)
{
	*out_pa = qtest->pages.pa;
	*out_bytes = qtest->pages.bytes;
	return qtest->pages.va;
}

int weir_qtest_va(const struct weir_qtest *qtest, uint64_t pa, size_t bytes, void **out_va)
{
	const struct pages *p = &qtest->pages;

	if (pa < p->pa || pa - p->pa > p->bytes || bytes > p->bytes - (pa - p->pa))
		return WEIR_EFAULT;
	*out_va = p->va + (pa - p->pa);
	return 0;
}

unsigned int weir_qtest_poll(struct weir_qtest *qtest)
{
	return irqs_poll(&qtest->irqs);
}

int weir_qtest_qmp(struct weir_qtest *qtest, const char *command, char **out_reply)
{
	return qmp_ask(&qtest->qmp, command, out_reply);
}

void weir_qtest_stats_get(struct weir_qtest *qtest, struct weir_qtest_stats *out_stats)
{
	struct weir_qtest_stats s;

	pthread_mutex_lock(&qtest->wire.mutex);
	s.round_trips = qtest->wire.round_trips;
	s.posted = qtest->wire.all_posted;
	pthread_mutex_unlock(&qtest->wire.mutex);
	pthread_mutex_lock(&qtest->irqs.mutex);
	s.interrupts = qtest->irqs.called;
	pthread_mutex_unlock(&qtest->irqs.mutex);
	pthread_mutex_lock(&qtest->pages.mutex);
	s.page_bytes = qtest->pages.out_bytes;
	pthread_mutex_unlock(&qtest->pages.mutex);
	*out_stats = s;
}
