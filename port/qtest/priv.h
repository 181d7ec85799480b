// SPDX-License-Identifier: MIT
/* What the files of the qtest port share. */
#ifndef WEIR_QTEST_PRIV_H
#define WEIR_QTEST_PRIV_H

#include <pthread.h>
#include <sys/types.h>

#include "weir/qtest.h"

/* What differs between the machines of the three architectures. */
struct qtest_machine {
	const char *arch;
	const char *package;        /* Debian's, with this QEMU */
	const char *machine;        /* when the user names none */
	const char *machine_props;  /* added to the machine's */
	const char *cpu;            /* NULL: QEMU's default */
	const unsigned char *bios;  /* parks the processor; NULL: it starts powered off */
	size_t bios_code_at;        /* where in the image the code is */
	size_t bios_code_bytes;
	size_t bios_bytes;
	uint64_t ram_pa;
	uint64_t ram_skip;          /* bytes at its start that are not given out */
	size_t ram_max_bytes;       /* so much is in one piece; 0: any */
	const char *irqchip;        /* QOM path of the interrupt controller */
	uint64_t fw_cfg;            /* MMIO address of fw_cfg; 0: ports 0x510 and 0x514 */
	bool has_dtb;
};

/* process.c: QEMU and the process that sees to its end. */
struct process {
	pid_t guard;   /* 0: none */
	int leash;     /* when its other end sees it closed, QEMU is killed; or -1 */
	int qtest_fd;
	int qmp_fd;
	int ram_fd;
	int log_fd;    /* what QEMU prints */
	int listen_fd; /* where the qtest server is reached once more; or -1 */
};
/* The program named @name on PATH, from malloc; NULL. */
char *process_find(const char *name);
/*
 * Starts @argv; QEMU's ends of the channels are the FD_ numbers below. @inherited: FD_QTEST is a
 * socket that listens. Return: 0; WEIR_EAGAIN.
 */
int process_start(struct process *p, char *const argv[], int bios_fd, bool inherited);
/* Connects to the qtest server once more, instead of what it was. Return: 0; WEIR_EIO. */
int process_connect(struct process *p);
/* Kills what still runs, waits for it and closes everything. */
void process_end(struct process *p);
/* The last line that QEMU printed, or "". */
void process_last_words(const struct process *p, char *buf, size_t bytes);
/* A file in memory of @bytes zero bytes. Return: the descriptor; -1. */
int process_memory_file(const char *name, size_t bytes);

#define FD_QTEST 3
#define FD_QMP   4
#define FD_RAM   5
#define FD_BIOS  6

/*
 * channel.c: a socket with lines of text. Any function may find the channel broken;
 * it then stays so and @error says why.
 */
struct channel {
	int fd;
	const char *name;
	unsigned int timeout_ms;
	const struct process *process; /* asked for QEMU's last words */
	char *in;                      /* bytes received, not yet taken */
	size_t in_bytes, in_max, in_at;
	bool broken;
	char error[WEIR_QTEST_ERROR_BYTES];
};
int channel_init(struct channel *c, int fd, const char *name, unsigned int timeout_ms,
		 const struct process *process);
void channel_fini(struct channel *c);
/* Return: 0; WEIR_EIO; WEIR_ETIMEDOUT. */
int channel_send(struct channel *c, const char *text, size_t bytes);
/*
 * The next line without its end, valid until the next call. @wait: until the
 * timeout; otherwise only what is there. Return: 1; 0 when there is none now;
 * WEIR_EIO; WEIR_ETIMEDOUT; WEIR_ENOMEM.
 */
int channel_line(struct channel *c, bool wait, char **out_line);
/* Declares it broken, for the first reason only. Return: @err. */
int channel_break(struct channel *c, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* wire.c: qtest's commands; posted writes are answered later. */
#define WIRE_MAX_LINES 1024u
struct wire {
	pthread_mutex_t mutex;         /* guards the rest */
	struct channel channel;
	bool waits;                    /* (c) nothing is posted */
	unsigned int posted;           /* writes whose answers have not been read */
	uint8_t risen[WIRE_MAX_LINES]; /* interrupt lines that rose and were not taken */
	uint8_t level[WIRE_MAX_LINES];
	unsigned int nr_risen;
	uint64_t round_trips, all_posted;
};
/* The wire of a host whose process has its channel. Return: 0; WEIR_EIO; WEIR_ETIMEDOUT; WEIR_ENOMEM. */
int wire_open(struct weir_qtest *qtest);
void wire_fini(struct wire *w);
/* One command, one answer: its number, when it has one. Return: 0; negative. */
int wire_ask(struct wire *w, uint64_t *out_value, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* One command whose answer is of no interest. */
void wire_post(struct wire *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Takes one line that rose; reads what the socket has when @look. Return: it; -1. */
int wire_take_risen(struct wire *w, bool look);

/* pages.c: the pages of RAM. */
struct pages {
	pthread_mutex_t mutex;
	uint8_t *va;
	uint64_t pa;
	size_t bytes;
	uint8_t *taken;   /* one byte a page */
	size_t skip;       /* pages at its begin that are never given out */
	size_t first, end; /* nor are pages outside */
	uint64_t out_bytes;
};
int pages_init(struct pages *p, int fd, size_t bytes, uint64_t pa, uint64_t skip);
void pages_fini(struct pages *p);
int pages_take(struct pages *p, size_t bytes, size_t align_bytes, void **out_va, uint64_t *out_pa);
void pages_give(struct pages *p, uint64_t pa, size_t bytes);

/* irq.c: interrupts and who wants them. */
struct weir_irq;
struct irqs {
	struct weir_qtest *qtest;
	pthread_mutex_t mutex;    /* held while handlers run; guards the list */
	struct weir_irq *first;
	bool intercepted;
	uint32_t *slots;          /* doorbells: a page of RAM, NULL until one is wanted */
	uint64_t slots_pa;
	uint8_t *slot_taken;
	pthread_t thread;
	bool has_thread;
	bool stop;                /* atomic */
	uint64_t called;
};
int irqs_init(struct irqs *irqs, struct weir_qtest *qtest, bool thread);
void irqs_fini(struct irqs *irqs);
unsigned int irqs_poll(struct irqs *irqs);
int irqs_request(struct irqs *irqs, uint32_t line, void (*fn)(void *arg), void *arg,
		 struct weir_irq **out_irq);
int irqs_request_msi(struct irqs *irqs, unsigned int n, void (*fn)(void *arg, unsigned int i),
		     void *arg, struct weir_msi *out_messages, struct weir_irq **out_irq);
void irqs_free(struct irqs *irqs, struct weir_irq *irq);

/* qmp.c */
struct qmp {
	pthread_mutex_t mutex;
	struct channel channel;
	char **events;            /* not yet waited for */
	unsigned int nr_events;
	unsigned int version;
};
/* Reads the greeting. Return: 0; WEIR_EIO; WEIR_ETIMEDOUT; WEIR_ENOMEM. */
int qmp_init(struct qmp *q, const struct process *p, unsigned int timeout_ms);
void qmp_fini(struct qmp *q);
int qmp_ask(struct qmp *q, const char *command, char **out_reply);
/* Tells QEMU to end and waits until it has, a little. */
void qmp_quit(struct qmp *q);

struct weir_qtest {
	struct weir_host_ops ops;          /* (c) */
	struct weir_posix *posix;          /* (c) */
	const struct weir_host_ops *inner; /* (c) of posix */
	const struct qtest_machine *machine; /* (c) */
	struct process process;
	struct wire wire;
	struct pages pages;
	struct irqs irqs;
	struct qmp qmp;
	unsigned int timeout_ms;           /* (c) */
	void *dtb;                         /* (c) */
	size_t dtb_bytes;
};

/* calls.c: fills in @inner and @ops, when @posix is there. */
void calls_init(struct weir_qtest *qtest);

/* machine.c */
const struct qtest_machine *qtest_machine_find(const char *arch);
/* A file in memory with the code that parks the processor. Return: the descriptor; -1. */
int qtest_machine_bios(const struct qtest_machine *machine);
/* QEMU's command line; free with qtest_args_free. */
char **qtest_args(const struct qtest_machine *machine, const struct weir_qtest_options *options,
		  const char *program, size_t ram_bytes);
void qtest_args_free(char **args);

#endif
