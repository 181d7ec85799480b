// SPDX-License-Identifier: MIT
/*
 * Configuration space as text: what `lspci -xxxx` prints, and the piece "pci" of a capture, which is
 * of the same form with all zeroed that grouping does not need. docs/capture.md has it.
 */
#ifndef WEIR_TOOL_PCI_DUMP_H
#define WEIR_TOOL_PCI_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PCI_SPACE_BYTES 4096u
#define PCI_HEADER_BYTES 64u  /* what a user who is not root gets */
#define PCI_BASIC_BYTES 256u  /* without the extended part, where ACS is */

struct pcidump_fn {
	uint32_t segment;      /* may be more than PCI's 16 bits: Linux numbers its own from 0x10000 on */
	uint16_t rid;
	size_t extent;         /* bytes that are known; 0: none */
	unsigned int line;     /* of the text */
	bool is_virtual;       /* a virtual function (SR-IOV) of the one below */
	uint16_t physical;     /* its requester id */
	uint8_t *space;        /* PCI_SPACE_BYTES, zero behind what is known; NULL when nothing is */
};

struct pcidump {
	struct pcidump_fn *fns; /* by segment and requester id */
	size_t n, room;
};

/* What is read at most. */
#define PCIDUMP_MAX_FNS 8192u

/* Whether a text begins as such a dump. */
bool pcidump_is(const void *data, size_t bytes);
/* Whether a file does; false when it cannot be read. */
bool pcidump_is_file(const char *path);
/*
 * Reads a text; lines between, as lspci -v prints them, are passed over.
 * Return: 0; WEIR_ENOMEM; WEIR_EBADMSG or WEIR_E2BIG, and @out_what says what is wrong in which line.
 */
int pcidump_parse(const char *text, size_t bytes, struct pcidump *out_dump, char *out_what, size_t what_bytes);
/* A file. Return: 0, or an exit status after a message. */
int pcidump_read(const char *path, struct pcidump *out_dump);
void pcidump_free(struct pcidump *dump);
/* NULL: there is none. */
const struct pcidump_fn *pcidump_find(const struct pcidump *dump, uint32_t segment, uint16_t rid);
/*
 * Whether it is a function of its own that answers: one that is asleep or gone reads as all ones,
 * and so does a virtual one, of which its physical one tells.
 */
bool pcidump_answers(const struct pcidump_fn *fn);
/* "0000:01:00.0", and lspci's "01:00.0". Return: whether the text begins with one; how long it is. */
bool pci_name_parse(const char *text, uint32_t *out_segment, uint16_t *out_rid, size_t *out_bytes);
/* Into "0000:01:00.0"; segments above 16 bits have more digits. */
#define PCI_NAME_BYTES 24u
const char *pci_name(uint32_t segment, uint16_t rid, char buf[PCI_NAME_BYTES]);

/*
 * pack.c. Copies of a configuration space what grouping needs, and zeroes else: @out_space has
 * PCI_SPACE_BYTES. @bytes: how many are known of @space; behind them capabilities end.
 */
void pcidump_pack(const uint8_t *space, size_t bytes, uint8_t *out_space);
/* As a function of a dump; rows of zeros but the last are left out. */
void pcidump_put(FILE *f, const uint8_t *space, size_t extent);
/* All functions below @root ("" for the Linux that runs) as a text. Return: as capture_add(). */
struct capture;
int pcidump_collect(struct capture *c, const char *root);

#endif
