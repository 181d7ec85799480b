// SPDX-License-Identifier: MIT
/*
 * Why PCI functions are one IOMMU group: the library's grouping, run on recorded configuration space,
 * beside the groups that a running Linux made, where these are known.
 */
#ifndef WEIR_TOOL_PCI_VIEW_H
#define WEIR_TOOL_PCI_VIEW_H

#include "acpi/acpi.h"
#include "dump.h"
#include "weir.h"

/* model.c: the buses of a dump, as devices of a machine of its own. */
struct pcihost {
	const struct pcidump *dump;
	struct weir_device *dev;
	struct weir_pci *pci;
	uint16_t segment;
	uint8_t first_bus, last_bus;
};

struct pcimachine {
	struct weir_posix *posix;
	struct weir_machine *m;
	struct weir_bus *bus;
	FILE *quiet;
	struct pcihost *hosts;
	size_t nr_hosts;
};

struct pciview_input {
	const struct pcidump *dump;
	const struct weir_bytes *dtb;        /* NULL: no tree */
	const struct acpi_tables *tables;    /* NULL: none */
	const struct seen *seen;             /* NULL: no running Linux */
	const char *cmdline;                 /* of that; NULL: not known */
	const char *source;                  /* "live", "capture", "lspci" */
	const char *what;                    /* the file, for words */
	const struct opts *opts;
};

/* @flags: WEIR_PCI_ACS_KEEP, or 0. Return: 0; as weir_firmware_load_*() and weir_pci_add(). */
int pcimachine_open(struct pcimachine *pm, const struct pciview_input *in, const struct pcidump *dump,
		    uint32_t flags);
void pcimachine_close(struct pcimachine *pm);
/* NULL: the walk did not come there. */
struct weir_device *pcimachine_find(const struct pcimachine *pm, uint32_t segment, uint16_t rid);

/* Partitions of the functions. */
enum pciset {
	PCISET_SEEN,   /* the groups of the running Linux */
	PCISET_LINUX,  /* those of its rules, with ACS as it is */
	PCISET_ON,     /* the same if all ACS that is there were switched on */
	PCISET_WEIR,   /* what reaches what, with ACS as it is */
	PCISETS,
};
#define PCISET_NONE SIZE_MAX

struct pciview_fn {
	const struct pcidump_fn *raw;
	char name[PCI_NAME_BYTES];
	struct weir_device *dev;        /* of the machine with ACS as it is; NULL: not reached */
	size_t above;                   /* the bridge it is below; PCISET_NONE: none */
	struct weir_pci_info info;
	struct weir_pci_isolation by_linux, by_weir; /* with ACS as it is */
	size_t set[PCISETS];            /* the first function of its group; PCISET_NONE: it is in none */
	int seen;                       /* number of its group in /sys; negative: none */
	const char *driver;             /* NULL: none, or not known */
	const char *fault;              /* in quarantine; NULL: it is not */
	bool no_iommu;                  /* firmware tells whose ids go to an IOMMU, and not those of this one */
	bool quirk;                     /* this Linux has apart what the function would join */
};

/* A port, and what a card of one function below it would get. */
struct pciview_slot {
	size_t port;
	size_t card;                    /* what is there; PCISET_NONE: nothing */
	bool alone;                     /* in a group of its own */
	bool by_quirk;                  /* only because this Linux is seen to keep it apart */
	size_t with;                    /* another device, no bridge, in its group; PCISET_NONE: none */
	size_t reached;                 /* one that can reach it all the same; PCISET_NONE: none */
};

struct pciview {
	struct pciview_input in;
	struct pcimachine is, on;
	struct pciview_fn *fns;         /* in order of segments and requester ids */
	size_t n;
	struct pciview_slot *slots;
	size_t nr_slots;
	enum pciset answer;             /* PCISET_SEEN where there are any, or PCISET_LINUX */
	char override[120];             /* "pcie_acs_override=..." on the command line; "" */
	size_t unreached;               /* no function that answers, but the walk did not come there */
	size_t silent;                  /* nothing is known of, or answer with all ones */
};

/* view.c. What a dump lacks for this, in words for who can give it; NULL: nothing. */
const char *pcidump_lacks(const struct pcidump *dump, const char *source);
/* Return: 0, or an exit status after a message. */
int pciview_open(struct pciview *v, const struct pciview_input *in);
void pciview_close(struct pciview *v);
/* The next of the same group in a partition behind @at; PCISET_NONE: there is none. */
size_t pciview_next(const struct pciview *v, enum pciset set, size_t at);
size_t pciview_size(const struct pciview *v, enum pciset set, size_t first);
/* How many groups of @other the members of a group of @set are in. */
size_t pciview_spans(const struct pciview *v, enum pciset set, size_t first, enum pciset other);

/* Whether something of a group reaches others by more than what Linux is seen to know better. */
bool pciview_reaches(const struct pciview *v, size_t first);

/* words.c: buffers are cut, never overrun. */
const char *pci_cause_name(enum weir_pci_cause cause);
void pci_fn_words(const struct pciview_fn *fn, char *buf, size_t bytes);
void pci_cause_words(const struct pciview_fn *fn, const struct weir_pci_isolation *is, enum weir_pci_cause cause,
		     char *buf, size_t bytes);
/* "has no ACS", "has Request Redirect (ACS) switched off"; "" when nothing is missing. */
void pci_acs_words(const struct weir_pci_isolation *is, char *buf, size_t bytes);
/* Of "pci=config_acs=" of Linux, an entry: "xx11xxx@0000:00:1c.0"; "" when what is missing cannot be switched on. */
void pci_switch_words(const struct pciview_fn *fn, char *buf, size_t bytes);
/* Why Linux has groups apart that configuration space joins, or joins what that keeps apart. */
void pci_finer_words(const struct pciview *v, size_t first, char *buf, size_t bytes);
void pci_coarser_words(const struct pciview *v, size_t first, char *buf, size_t bytes);
void pci_silent_words(const struct pciview *v, char *buf, size_t bytes);

/* print.c, json.c */
void pciview_print(const struct pciview *v);
json_t *pciview_json(const struct pciview *v);

#endif
