// SPDX-License-Identifier: MIT
/*
 * The host on a QEMU: its life, and the table of calls, which is the POSIX host's
 * with the groups for hardware added. Registers, pages and interrupts have a lock each,
 * none is held while another is taken except that handlers of interrupts may make
 * any call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "priv.h"

#define DEFAULT_RAM_BYTES ((size_t)128 << 20)
#define DEFAULT_TIMEOUT_MS 10000u
#define PAGE 4096u

/* ---- the calls that are the POSIX host's ---- */

static void *qtest_alloc(void *host, size_t bytes)
{
	struct weir_qtest *qtest = host;

	return qtest->inner->alloc(qtest->posix, bytes);
}

static void qtest_free(void *host, void *mem, size_t bytes)
{
	struct weir_qtest *qtest = host;

	qtest->inner->free(qtest->posix, mem, bytes);
}

static struct weir_lock *qtest_lock_create(void *host, unsigned int rank)
{
	struct weir_qtest *qtest = host;

	return qtest->inner->lock_create(qtest->posix, rank);
}

static void qtest_lock_destroy(void *host, struct weir_lock *lock)
{
	struct weir_qtest *qtest = host;

	qtest->inner->lock_destroy(qtest->posix, lock);
}

static void qtest_lock(void *host, struct weir_lock *lock)
{
	struct weir_qtest *qtest = host;

	qtest->inner->lock(qtest->posix, lock);
}

static void qtest_unlock(void *host, struct weir_lock *lock)
{
	struct weir_qtest *qtest = host;

	qtest->inner->unlock(qtest->posix, lock);
}

static void qtest_lock_wait(void *host, struct weir_lock *lock)
{
	struct weir_qtest *qtest = host;

	qtest->inner->lock_wait(qtest->posix, lock);
}

static void qtest_lock_wake(void *host, struct weir_lock *lock)
{
	struct weir_qtest *qtest = host;

	qtest->inner->lock_wake(qtest->posix, lock);
}

static struct weir_lock *qtest_spin_create(void *host, unsigned int rank)
{
	struct weir_qtest *qtest = host;

	return qtest->inner->spin_create(qtest->posix, rank);
}

static void qtest_spin_destroy(void *host, struct weir_lock *spin)
{
	struct weir_qtest *qtest = host;

	qtest->inner->spin_destroy(qtest->posix, spin);
}

static unsigned long qtest_spin_lock(void *host, struct weir_lock *spin)
{
	struct weir_qtest *qtest = host;

	return qtest->inner->spin_lock(qtest->posix, spin);
}

static void qtest_spin_unlock(void *host, struct weir_lock *spin, unsigned long before)
{
	struct weir_qtest *qtest = host;

	qtest->inner->spin_unlock(qtest->posix, spin, before);
}

/* Of the guest's RAM only: devices reach no other memory. */
static int qtest_va_to_pa(void *host, const void *va, size_t bytes, uint64_t *out_pa)
{
	const struct weir_qtest *qtest = host;
	const struct pages *p = &qtest->pages;
	size_t at = (size_t)((uintptr_t)va - (uintptr_t)p->va);

	if ((uintptr_t)va < (uintptr_t)p->va || at > p->bytes || bytes > p->bytes - at)
		return WEIR_EINVAL;
	*out_pa = p->pa + at;
	return 0;
}

static void *qtest_pa_to_va(void *host, uint64_t pa, size_t bytes)
{
	void *va;

	return weir_qtest_va(host, pa, bytes, &va) ? NULL : va;
}

static void qtest_assert_failed(void *host, const char *what, const char *file, int line)
{
	struct weir_qtest *qtest = host;

	qtest->inner->assert_failed(qtest->posix, what, file, line);
}

static void qtest_log(void *host, enum weir_log_level level, const char *line)
{
	struct weir_qtest *qtest = host;

	qtest->inner->log(qtest->posix, level, line);
}

static uint64_t qtest_time_ns(void *host)
{
	struct weir_qtest *qtest = host;

	return qtest->inner->time_ns(qtest->posix);
}

static int qtest_thread_run(void *host, void (*fn)(void *arg), void *arg)
{
	struct weir_qtest *qtest = host;

	return qtest->inner->thread_run(qtest->posix, fn, arg);
}

static void qtest_thread_wait(void *host)
{
	struct weir_qtest *qtest = host;

	qtest->inner->thread_wait(qtest->posix);
}

static uint64_t qtest_thread_self(void *host)
{
	struct weir_qtest *qtest = host;

	return qtest->inner->thread_self(qtest->posix);
}

static int qtest_module_open(void *host, const char *name, void **out_image,
			     const struct weir_module_entry **out_entry)
{
	struct weir_qtest *qtest = host;

	return qtest->inner->module_open(qtest->posix, name, out_image, out_entry);
}

static void qtest_module_close(void *host, void *image)
{
	struct weir_qtest *qtest = host;

	qtest->inner->module_close(qtest->posix, image);
}

/* ---- hardware ---- */

static int qtest_pages_alloc(void *host, size_t bytes, size_t align_bytes, void **out_va,
			     uint64_t *out_pa)
{
	struct weir_qtest *qtest = host;

	return pages_take(&qtest->pages, bytes, align_bytes, out_va, out_pa);
}

static void qtest_pages_free(void *host, void *va, uint64_t pa, size_t bytes)
{
	struct weir_qtest *qtest = host;

	(void)va;
	pages_give(&qtest->pages, pa, bytes);
}

/* A position is the physical address: all of it is always there. */
static int qtest_mmio_map(void *host, uint64_t pa, uint64_t bytes, uintptr_t *out_at)
{
	(void)host;
	if (pa + (bytes - 1) > UINTPTR_MAX)
		return WEIR_EINVAL;
	*out_at = (uintptr_t)pa;
	return 0;
}

static void qtest_mmio_unmap(void *host, uintptr_t at, uint64_t bytes)
{
	(void)host;
	(void)at;
	(void)bytes;
}

static char letter(unsigned int width)
{
	return width == 1 ? 'b' : width == 2 ? 'w' : width == 4 ? 'l' : 'q';
}

static uint64_t qtest_mmio_read(void *host, uintptr_t at, unsigned int width)
{
	struct weir_qtest *qtest = host;
	uint64_t value;

	if (wire_ask(&qtest->wire, &value, "read%c 0x%llx", letter(width), (unsigned long long)at))
		return UINT64_MAX;
	return value;
}

static void qtest_mmio_write(void *host, uintptr_t at, unsigned int width, uint64_t value)
{
	struct weir_qtest *qtest = host;

	wire_post(&qtest->wire, "write%c 0x%llx 0x%llx", letter(width), (unsigned long long)at,
		  (unsigned long long)value);
}

static void qtest_dma_barrier(void *host)
{
	(void)host;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* QEMU needs the processor that we would busy. */
static void qtest_delay_ns(void *host, uint32_t ns)
{
	struct timespec time = { .tv_sec = ns / 1000000000u, .tv_nsec = ns % 1000000000u };
	struct weir_qtest *qtest = host;

	irqs_poll(&qtest->irqs);
	nanosleep(&time, NULL);
}

static int qtest_irq_request(void *host, uint32_t line, void (*fn)(void *arg), void *arg,
			     struct weir_irq **out_irq)
{
	struct weir_qtest *qtest = host;

	return irqs_request(&qtest->irqs, line, fn, arg, out_irq);
}

static int qtest_msi_request(void *host, unsigned int n, void (*fn)(void *arg, unsigned int i),
			     void *arg, struct weir_msi *out_messages, struct weir_irq **out_irq)
{
	struct weir_qtest *qtest = host;

	return irqs_request_msi(&qtest->irqs, n, fn, arg, out_messages, out_irq);
}

static void qtest_irq_free(void *host, struct weir_irq *irq)
{
	struct weir_qtest *qtest = host;

	irqs_free(&qtest->irqs, irq);
}

static int qtest_timer_create(void *host, void (*fn)(void *arg), void *arg,
			      struct weir_timer **out_timer)
{
	struct weir_qtest *qtest = host;

	return qtest->inner->timer_create(qtest->posix, fn, arg, out_timer);
}

static void qtest_timer_set(void *host, struct weir_timer *timer, uint64_t ns)
{
	struct weir_qtest *qtest = host;

	qtest->inner->timer_set(qtest->posix, timer, ns);
}

static void qtest_timer_destroy(void *host, struct weir_timer *timer)
{
	struct weir_qtest *qtest = host;

	qtest->inner->timer_destroy(qtest->posix, timer);
}

static const struct weir_host_ops all_ops = {
	.abi = WEIR_ABI(struct weir_host_ops),
	.alloc = qtest_alloc,
	.free = qtest_free,
	.lock_create = qtest_lock_create,
	.lock_destroy = qtest_lock_destroy,
	.lock = qtest_lock,
	.unlock = qtest_unlock,
	.lock_wait = qtest_lock_wait,
	.lock_wake = qtest_lock_wake,
	.spin_create = qtest_spin_create,
	.spin_destroy = qtest_spin_destroy,
	.spin_lock = qtest_spin_lock,
	.spin_unlock = qtest_spin_unlock,
	.assert_failed = qtest_assert_failed,
	.log = qtest_log,
	.time_ns = qtest_time_ns,
	.thread_run = qtest_thread_run,
	.thread_wait = qtest_thread_wait,
	.thread_self = qtest_thread_self,
	.module_open = qtest_module_open,
	.module_close = qtest_module_close,
	.pages_alloc = qtest_pages_alloc,
	.pages_free = qtest_pages_free,
	.va_to_pa = qtest_va_to_pa,
	.pa_to_va = qtest_pa_to_va,
	.mmio_map = qtest_mmio_map,
	.mmio_unmap = qtest_mmio_unmap,
	.mmio_read = qtest_mmio_read,
	.mmio_write = qtest_mmio_write,
	.dma_barrier = qtest_dma_barrier,
	.delay_ns = qtest_delay_ns,
	.irq_request = qtest_irq_request,
	.msi_request = qtest_msi_request,
	.irq_free = qtest_irq_free,
	.timer_create = qtest_timer_create,
	.timer_set = qtest_timer_set,
	.timer_destroy = qtest_timer_destroy,
};

/* What the POSIX host leaves out is left out here too. */
static void make_ops(struct weir_qtest *qtest)
{
	qtest->inner = weir_posix_ops(qtest->posix);
	qtest->ops = all_ops;
	if (!qtest->inner->log)
		qtest->ops.log = NULL;
	if (!qtest->inner->thread_run) {
		qtest->ops.thread_run = NULL;
		qtest->ops.thread_wait = NULL;
	}
	if (!qtest->inner->module_open) {
		qtest->ops.module_open = NULL;
		qtest->ops.module_close = NULL;
	}
}

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
	make_ops(qtest);
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

/* A broken channel stays so, and its text does not change. */
const struct weir_posix *weir_qtest_posix(const struct weir_qtest *qtest)
{
	return qtest->posix;
}

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

uint32_t weir_qtest_in(struct weir_qtest *qtest, uint16_t port, unsigned int width)
{
	uint64_t value;

	if (wire_ask(&qtest->wire, &value, "in%c 0x%x", letter(width), port))
		return UINT32_MAX;
	return (uint32_t)value;
}

void weir_qtest_out(struct weir_qtest *qtest, uint16_t port, unsigned int width, uint32_t value)
{
	wire_post(&qtest->wire, "out%c 0x%x 0x%x", letter(width), port, value);
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
