// SPDX-License-Identifier: MIT
/* The shell on a QEMU: see shell_qemu.c and shell_qemu_args.c. */
#ifndef WEIR_TOOL_SHELL_QEMU_H
#define WEIR_TOOL_SHELL_QEMU_H

#include "shell.h"
#include "weir/qtest.h"

#define MAX_QEMU_ARGS 128
#define MAX_DISKS 16

/* What a MACHINE asks for. */
struct qemu_machine {
	struct weir_qtest_options options;
	char *args[MAX_QEMU_ARGS + 1];  /* malloc()ed, ends with NULL */
	size_t nr_args;
	int disks[MAX_DISKS];           /* files in memory */
	unsigned int nr_disks, nr_nets, nr_ports;
	char *pcap;                     /* malloc()ed, as QEMU takes it; or NULL */
	char *text;                     /* its words are in it */
};

struct shell_qemu {
	struct qemu_machine machine;
	struct weir_qtest *qtest;
	void *tree;                     /* QEMU's, without what is not there */
	FILE *log;                      /* goes into the record */
	char line[1024];                /* of log, as far as it has come */
	unsigned int nr_plugged;        /* so far: they have ids of their own */
	struct plugged {
		struct plugged *next;
		char id[16], name[32];  /* for QEMU; as a device */
	} *plugged;
};

/* shell_qemu_args.c. Return: 0, or EXIT_USAGE after a message. */
int qemu_machine_parse(const char *text, struct qemu_machine *out_machine);
void qemu_machine_fini(struct qemu_machine *machine);
/* How QEMU is told to make a model, and what it is called; NULL: there is none. */
const char *qemu_model(const char *model);

/* shell_qemu.c */
/* Return: 0, or an exit status after a message. */
int shell_qemu_open(struct shell *sh, const char *text);
void shell_qemu_close(struct shell *sh);
int shell_qemu_settle(struct shell *sh);

#endif
