// SPDX-License-Identifier: MIT
/*
 * PCI's private types. Letters at members: (c) constant once its device is added,
 * (s) changed by the thread that walks buses (adding, plugging), of which there is
 * one at a time for a host bridge, (m) machine lock.
 */
#ifndef WEIR_PCI_PRIV_H
#define WEIR_PCI_PRIV_H

#include "core/core.h"
#include "core/tree.h"
#include "weir/pci.h"

#define MAX_BARS 6u
#define FAULT_BYTES 120u

struct bar {
	uint64_t bytes;    /* (c) 0: none */
	uint64_t pci;      /* (c) address on the bus */
	enum weir_pci_space space; /* (c) where its address is */
	bool io, is_64bit, prefetchable; /* (c) */
	bool assigned;     /* (c) */
	bool low;          /* (c) there was no room in high space */
	bool refused;      /* (c) there was no room */
};

/* A bridge's window, or what one must have. */
struct window {
	uint64_t base, bytes; /* (c) bytes 0: closed */
	uint64_t align;       /* (s) scratch of assign.c */
	bool there;           /* (c) the bridge has such registers */
};

/* What an IOMMU sees of a function. */
struct fn_id {
	struct weir_pci_id is;      /* (c) */
	struct fn *fn;              /* (c) */
	struct weir_tree_node node; /* (s) scratch of group.c */
};

struct fn {
	struct weir_pci *pci;       /* (c) */
	struct fn *parent;          /* (c) bridge above; NULL on the root bus */
	struct weir_list children;  /* (s) by sibling, in order of finding */
	struct weir_list sibling;   /* (s) */
	struct weir_device *dev;    /* (c) referenced until it is out of the tree */
	struct weir_fwnode *fwnode; /* (c) or NULL */
	bool in_tree;               /* (m) */
	bool fresh;                 /* (s) found in this walk */

	uint16_t rid;               /* (c) */
	uint16_t vendor, device, subsystem_vendor, subsystem; /* (c) */
	uint32_t class_code;        /* (c) */
	uint8_t revision, header;   /* (c) header without the multi-function bit */
	bool multifunction;         /* (c) */
	bool bridge;                /* (c) a working one: has buses below */
	enum weir_pci_kind kind;    /* (c) */
	char fault[FAULT_BYTES];    /* (c) "": none */

	uint16_t exp, msi, msix, acs; /* (c) offsets of capabilities; 0: none */
	uint16_t acs_has, acs_on;   /* (c) */
	uint16_t acs_was;           /* (c) on as firmware left it */
	bool plugged;               /* (c) found after the first walk */
	bool has_slot, hotplug, power_control; /* (c) */

	struct bar bars[MAX_BARS];  /* (c) */
	uint8_t secondary, subordinate; /* (c) */
	unsigned int buses;         /* (s) scratch of buses.c: how many it wants */
	struct window windows[WEIR_PCI_SPACES]; /* (c) of a bridge */

	uint32_t masters;           /* (m) functions at or below that may do DMA */
	bool master;                /* (m) counted in the line above */
	bool msi_on;                /* the driver's */
	struct weir_mmio msix_table; /* the driver's: mapped while MSI-X is on */
	unsigned int nr_msix;       /* the driver's */

	int ids_err;                /* (c) firmware's map is damaged */
	struct fn_id *ids;          /* (c) */
	uint32_t nr_ids, max_ids;   /* (c) */
	struct weir_pci_id msi_id;  /* (c) target NULL: none */
	int msi_id_err;             /* (c) */

	struct fn *set;             /* (s) scratch of group.c: union and find */
	struct fn *set_next;        /* (s) others of the set, from its first on */
	struct fn *set_last;        /* (s) of the set's first */
	uint32_t set_causes;        /* (s) what it joins functions by */
	bool set_grows;             /* (s) of the set's first: something fresh is in it */
	uint32_t set_order;         /* (s) */
	struct fn *set_keyed;       /* (s) of the set's first: one that has a key */
	struct fn *set_clash;       /* (s) of the set's first: one that has another */
	uint16_t set_missing;       /* (s) ACS bits */
	struct {
		char *key, *why;    /* (c) the text until something is plugged */
		uint32_t causes;    /* (s) what it joined functions by */
	} groups[WEIR_PCI_RULES];
	char keys[6][32];           /* (c) for matching */
};

struct weir_pci {
	struct weir_machine *m;     /* (c) */
	struct weir_device *parent; /* (c) referenced */
	struct weir_bus *bus;       /* (c) */
	const struct weir_pci_config_ops *ops; /* (c) */
	void *ctx;                  /* (c) */
	struct weir_mmio ecam;      /* (c) */
	struct weir_pci_host host;  /* (c) */
	uint32_t flags;             /* (c) WEIR_PCI_* */
	struct weir_list fns;       /* (s) on the root bus */
	unsigned int next_bus;      /* (s) */
	bool walked;                /* (s) the first walk is over */
	unsigned int retries;       /* (s) how often this walk asks again whoever is not ready */
	uint64_t reserve[WEIR_PCI_SPACES]; /* (s) what each port gets of that asked for */
};

/* Whether firmware has set a function up, and it is to stay so. */
static inline bool weir_pci_kept_(const struct fn *f)
{
	return (f->pci->flags & WEIR_PCI_KEEP) && !f->plugged;
}

/* tree.c */
/* The next function in order of buses, parents first; @f NULL: the first. */
struct fn *weir_pci_next_(const struct weir_pci *pci, struct fn *f);
/* The same below @top only, not @top itself: begin with @f = @top. */
struct fn *weir_pci_next_below_(const struct fn *top, struct fn *f);
/* The way back, children before their parents; @f NULL: the last. */
struct fn *weir_pci_previous_(struct weir_pci *pci, struct fn *f);
struct weir_list *weir_pci_children_(struct weir_pci *pci, struct fn *bridge);
int weir_pci_fn_create_(struct weir_pci *pci, struct fn *parent, uint16_t rid, struct fn **out_fn);
/* Takes it out of the tree; it is freed with the last reference to its device. */
void weir_pci_fn_drop_(struct fn *f);
/* "0000:00:02.0" */
#define NAME_BYTES 24u
const char *weir_pci_name_(const struct fn *f, char buf[NAME_BYTES]);
/* Puts a function into quarantine; the first reason counts. */
void weir_pci_fail_(struct fn *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* config.c */
uint32_t weir_pci_read_(const struct weir_pci *pci, uint16_t rid, unsigned int offset,
			unsigned int width);
void weir_pci_write_(const struct weir_pci *pci, uint16_t rid, unsigned int offset,
		     unsigned int width, uint32_t value);
static inline uint32_t rd(const struct fn *f, unsigned int offset, unsigned int width)
{
	return weir_pci_read_(f->pci, f->rid, offset, width);
}
static inline void wr(const struct fn *f, unsigned int offset, unsigned int width, uint32_t value)
{
	weir_pci_write_(f->pci, f->rid, offset, width, value);
}
/* Walks both lists of capabilities once, remembers what is used and finds faults. */
void weir_pci_caps_scan_(struct fn *f);

/* scan.c */
/* Finds what is on a bus, and below: @bridge NULL is the root bus. Return: 0; WEIR_ENOMEM. */
int weir_pci_scan_(struct weir_pci *pci, struct fn *bridge);

/* buses.c */
/* A bridge claims no bus: what it was left with may be another's soon. */
void weir_pci_buses_close_(const struct fn *f);
/* Opens a bridge for configuration cycles. False: there is nothing to be seen below. */
bool weir_pci_buses_enter_(struct fn *f);
/* All below it have their numbers. */
void weir_pci_buses_leave_(struct fn *f);
/* A bridge that has no bus (any more) is a function like others. */
void weir_pci_buses_give_up_(struct fn *f);
/* The first number that nothing on a bus has; @bridge NULL is the root bus. */
unsigned int weir_pci_buses_first_(struct weir_pci *pci, struct fn *bridge);
/* Numbers all that is new on a bus and below once more, from @first on, with spare ones. */
void weir_pci_buses_spread_(struct weir_pci *pci, struct fn *bridge, unsigned int first);

/* bar.c */
void weir_pci_bars_scan_(struct fn *f);
void weir_pci_bar_write_(const struct fn *f, unsigned int i);
void weir_pci_windows_scan_(struct fn *f);
void weir_pci_window_write_(const struct fn *f, enum weir_pci_space space);

/* assign.c */
/* Gives addresses to everything below the host bridge. */
void weir_pci_assign_(struct weir_pci *pci);
/* The same for what is fresh below one bridge, in its windows as they are. */
void weir_pci_assign_below_(struct fn *bridge);

/* alias.c */
/* As weir_pci_alias. */
int weir_pci_alias_(const struct fn *f, unsigned int index, uint16_t *out_rid);
/* Whether a bridge puts an id of its own in place of those of what is below. */
bool weir_pci_takes_over_(const struct fn *bridge);

/* map.c: resolves the ids of all fresh functions. Return: 0; WEIR_ENOMEM. */
int weir_pci_map_(struct weir_pci *pci);

/* group.c */
void weir_pci_acs_enable_(struct fn *f);
/* Computes groups; all that have none yet are given their texts. Return: 0; WEIR_ENOMEM. */
int weir_pci_groups_(struct weir_pci *pci);

/* control.c: a driver is gone, so is DMA. Machine lock held. */
void weir_pci_unbound_(struct weir_device *dev);

/* ecam.c */
extern const struct weir_pci_config_ops weir_pci_ecam_ops_;

/* device.c */
/* Makes devices of all fresh functions at or below. Return: how many; negative. */
int weir_pci_devices_add_(struct weir_pci *pci);
/* Deletes a function and what is below. Return: how many. */
unsigned int weir_pci_fn_delete_(struct fn *top);
/* Deletes what a walk below a bridge found and could not finish. */
void weir_pci_drop_fresh_(struct fn *bridge);
const char *weir_pci_match_key_(const struct weir_device *dev, unsigned int index);
void weir_pci_device_release_(struct weir_device *dev);
int weir_pci_bus_(struct weir_machine *m, struct weir_bus **out_bus);
/* NULL when the device is on another bus. */
struct fn *weir_pci_fn_(const struct weir_device *dev);

#endif
