// SPDX-License-Identifier: MIT
/*
 * PCI: host bridges, the devices below them, and what a driver needs of one.
 *
 * Adding a host bridge walks its buses, numbers them, gives all registers an address,
 * enables access control (ACS), finds out which functions share requester ids and
 * which can reach each other, and makes a device of bus "pci" of each function. It is
 * a child of its bridge's device. Nothing may do DMA yet: bus mastering is off until a
 * driver switches it on.
 *
 * A function that breaks the rules (a capability list that loops, registers of absurd
 * size ...) is put in quarantine: its device is there, with the fault as its reason,
 * but offers no keys and so is never probed. The others go on.
 *
 * A function has an order link to the nearest port above it (policy "weir"): its driver is
 * tried when that of the port was, whatever came of it. A port that no driver in a complete
 * catalogue fits holds nothing up; while one might come, the function waits.
 *
 * Match keys, the most specific first, all digits in lower case:
 *	pci:VVVV:DDDD:SSSS:ssss   vendor, device, subsystem vendor, subsystem
 *	pci:VVVV:DDDD
 *	pci:VVVV:*
 *	pci:class:CCSSPP          class, subclass, programming interface
 *	pci:class:CCSS
 *	pci:class:CC
 * A device is named SSSS:BB:DD.F, all digits hexadecimal.
 */
#ifndef WEIR_PCI_H
#define WEIR_PCI_H

#include "weir/driver.h"
#include "weir/firmware.h"
#include "weir/mmio.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weir_pci;

/* Requester ids: bus, device and function in 16 bits. */
#define WEIR_PCI_RID(bus, device, function) \
	((uint16_t)((bus) << 8 | (device) << 3 | (function)))
#define WEIR_PCI_RID_BUS(rid)      ((rid) >> 8 & 0xffu)
#define WEIR_PCI_RID_DEVICE(rid)   ((rid) >> 3 & 0x1fu)
#define WEIR_PCI_RID_FUNCTION(rid) ((rid) & 7u)

/*
 * Access to configuration space: one access of 1, 2 or 4 bytes, aligned. Where no
 * function answers a read gives all ones. Context: any.
 */
struct weir_pci_config_ops {
	struct weir_abi abi;
	uint32_t (*read)(void *ctx, uint16_t rid, unsigned int offset, unsigned int width);
	void (*write)(void *ctx, uint16_t rid, unsigned int offset, unsigned int width,
		      uint32_t value);
};

/* Kinds of address space, and of bridge windows. */
enum weir_pci_space {
	WEIR_PCI_IO,
	WEIR_PCI_MEM,  /* below 4 GiB on the bus */
	WEIR_PCI_HIGH, /* for 64-bit addresses; behind bridges prefetchable ones only */
	WEIR_PCI_SPACES,
};

/* What a host bridge passes from the CPU to its bus. */
struct weir_pci_window {
	enum weir_pci_space space;
	uint64_t pci;   /* first address on the bus */
	uint64_t cpu;   /* the same for the CPU */
	uint64_t bytes;
};

#define WEIR_PCI_MAX_WINDOWS 8u
#define WEIR_PCI_NO_CPU_ADDRESS UINT64_MAX /* ports that the CPU does not reach by memory */

/*
 * What is kept below each port into which devices can be plugged (its slot says so), what
 * is there included: bus numbers behind its own, and room in its windows, of which powers
 * of two are made. All ports get less, in the same measure, where it does not suffice for
 * all; nothing that is there goes without for it. What is plugged later gets of its port's,
 * and the ports of a switch divide that; a function for which there is too little is quarantined.
 */
struct weir_pci_reserve {
	bool set; /* false: the library's choice, 7 buses, 4 KiB, 8 MiB and 256 MiB */
	unsigned int buses;
	uint64_t bytes[WEIR_PCI_SPACES];
};

struct weir_pci_host {
	uint16_t segment;
	uint8_t first_bus, last_bus;
	uint32_t flags; /* WEIR_PCI_*, besides those of weir_pci_add() */
	uint64_t ecam_pa, ecam_bytes; /* 0, 0 when it is not by ECAM */
	unsigned int nr_windows;
	struct weir_pci_window windows[WEIR_PCI_MAX_WINDOWS];
	struct weir_pci_reserve reserve; /* unused with WEIR_PCI_KEEP */
};

/*
 * Firmware has set everything up: bus numbers, windows and registers keep their
 * values, and what is plugged gets of what it left below its port. Otherwise all are assigned
 * anew.
 */
#define WEIR_PCI_KEEP 0x1u
/*
 * Write nothing at all, for a recorded configuration space; with WEIR_PCI_KEEP.
 * Sizes of registers stay unknown; ACS counts as switched on where it can be.
 */
#define WEIR_PCI_READ_ONLY 0x2u
/*
 * ACS stays as it is, and counts as switched on only where it is: what became of a system that
 * runs, or ran when its configuration space was recorded.
 */
#define WEIR_PCI_ACS_KEEP 0x4u

/**
 * weir_pci_bus_create - make the bus "pci", so that drivers of its devices can be registered
 * before there is a host bridge; adding the first one does it otherwise.
 * Context: thread. Return: 0, also when it is there; WEIR_EEXIST when another bus has the
 * name; WEIR_ENOMEM.
 */
int weir_pci_bus_create(struct weir_machine *m);

/**
 * weir_pci_add - add a host bridge and everything below it.
 * @parent: the host bridge's own device; functions on its root bus are its
 *	children, and its firmware node says where requesters are mapped.
 * @host: borrowed.
 * @ops: access to configuration space, kept by pointer; NULL: by ECAM.
 * @ctx: for @ops.
 * @flags: WEIR_PCI_*.
 *
 * Context: thread; usually in the probe of @parent. Owner: the caller, until
 * weir_pci_del(). Return: 0; WEIR_EINVAL for a description that makes no sense or
 * ops of another ABI; WEIR_EEXIST when a device of such a name is there;
 * WEIR_EOPNOTSUPP without registers in the host; WEIR_ENOMEM. After a failure nothing is left.
 */
int weir_pci_add(struct weir_device *parent, const struct weir_pci_host *host,
		 const struct weir_pci_config_ops *ops, void *ctx, uint32_t flags,
		 struct weir_pci **out_pci);

/**
 * weir_pci_del - delete all devices below a host bridge, and forget it; NULL is fine.
 * Context: thread, not in a probe of one of them.
 */
void weir_pci_del(struct weir_pci *pci);

/*
 * The driver of host bridges with ECAM that firmware describes ("pci-host-ecam-generic",
 * or "acpi:PNP0A08", on bus "platform"). Registered by who wants it.
 */
extern const struct weir_driver weir_pci_ecam_driver;

/* ---- functions ---- */

enum weir_pci_kind {
	WEIR_PCI_CONVENTIONAL,     /* a PCI or PCI-X function, no bridge */
	WEIR_PCI_CONVENTIONAL_BRIDGE,
	WEIR_PCI_ENDPOINT,
	WEIR_PCI_ROOT_ENDPOINT,    /* integrated into the root complex */
	WEIR_PCI_ROOT_PORT,
	WEIR_PCI_UPSTREAM,         /* of a switch */
	WEIR_PCI_DOWNSTREAM,       /* of a switch */
	WEIR_PCI_TO_CONVENTIONAL,  /* a bridge with a conventional bus below */
	WEIR_PCI_FROM_CONVENTIONAL, /* a bridge with PCI Express below a conventional bus */
	WEIR_PCI_EVENT_COLLECTOR,
};

struct weir_pci_info {
	uint16_t segment;
	uint16_t rid;
	uint16_t vendor, device;
	uint16_t subsystem_vendor, subsystem;
	uint32_t class_code;      /* 24 bits */
	uint8_t revision;
	uint8_t secondary, subordinate; /* buses below a bridge, 0 elsewhere */
	enum weir_pci_kind kind;
	bool multifunction;       /* its slot has several functions */
	bool hotplug;             /* a port into which devices can be plugged */
};

/**
 * weir_pci_info_get - what a function is.
 * Context: any. Return: 0; WEIR_ENODEV when @dev is not on bus "pci".
 */
int weir_pci_info_get(const struct weir_device *dev, struct weir_pci_info *out_info);

/** weir_pci_kind_name - such as "root port". Context: any. */
const char *weir_pci_kind_name(enum weir_pci_kind kind);

/** weir_pci_fault - why a function is in quarantine; NULL: it is not. Context: any. */
const char *weir_pci_fault(const struct weir_device *dev);

/**
 * weir_pci_find - the function with a requester id below a host bridge.
 * Context: thread, nothing is plugged meanwhile. Owner: the library, until it is unplugged.
 * Return: 0; WEIR_ENOENT.
 */
int weir_pci_find(struct weir_pci *pci, uint16_t rid, struct weir_device **out_dev);

/** weir_pci_read - from configuration space, @width 1, 2 or 4. Context: any. */
uint32_t weir_pci_read(const struct weir_device *dev, unsigned int offset, unsigned int width);
/** weir_pci_write - to configuration space. Context: any. */
void weir_pci_write(const struct weir_device *dev, unsigned int offset, unsigned int width,
		    uint32_t value);

/**
 * weir_pci_cap - find a capability.
 * @id: as PCI numbers them.
 * @after: 0, or the offset of one found: the next of that kind.
 * Context: any. Return: its offset; WEIR_ENOENT.
 */
int weir_pci_cap(const struct weir_device *dev, uint8_t id, unsigned int after);
/**
 * weir_pci_ext_cap - find an extended capability.
 * Context: any. Return: its offset; WEIR_ENOENT.
 */
int weir_pci_ext_cap(const struct weir_device *dev, uint16_t id, unsigned int after);

struct weir_pci_bar {
	enum weir_pci_space space;
	bool is_64bit, prefetchable;
	uint64_t pci;   /* address on the bus */
	uint64_t cpu;   /* address for the CPU; WEIR_PCI_NO_CPU_ADDRESS: it has none */
	uint64_t bytes;
};
/**
 * weir_pci_bar_get - one of the up to six sets of registers of a function.
 * Context: any. Return: 0; WEIR_ENOENT when it is not there; WEIR_ENOSPC when it
 * has no address, because there was no room.
 */
int weir_pci_bar_get(const struct weir_device *dev, unsigned int index,
		     struct weir_pci_bar *out_bar);
/**
 * weir_pci_bar_map - make them accessible. Owner: the caller, until weir_mmio_unmap().
 * Context: thread. Return: 0; as weir_pci_bar_get(); as weir_mmio_map().
 */
int weir_pci_bar_map(const struct weir_device *dev, unsigned int index,
		     struct weir_mmio *out_mmio);

/**
 * weir_pci_enable - let a function answer at its registers.
 * Context: thread. Return: 0; WEIR_EIO when the function does not take it.
 */
int weir_pci_enable(struct weir_device *dev);
/** weir_pci_disable - it answers no more and does no DMA. Context: thread. */
void weir_pci_disable(struct weir_device *dev);
/**
 * weir_pci_master - let a function do DMA (and send MSIs), or not.
 * The bridges above it pass DMA on as long as some function below may do it.
 * Context: thread. Return: 0; WEIR_EIO when the function does not take it.
 */
int weir_pci_master(struct weir_device *dev, bool on);
/** weir_pci_is_master - whether a function may do DMA, as its hardware says. Context: any. */
bool weir_pci_is_master(const struct weir_device *dev);

/**
 * weir_pci_reset - reset one function (FLR), and put back what is needed to
 * reach it. Bus mastering and MSIs are off then. Context: thread.
 * Return: 0; WEIR_EOPNOTSUPP when it cannot; WEIR_ETIMEDOUT when it does not come back.
 */
int weir_pci_reset(struct weir_device *dev);

/* ---- message-signalled interrupts ---- */

/** weir_pci_msi_count - how many a function can have: MSI-X, or else 1 of MSI; 0: none. Context: any. */
unsigned int weir_pci_msi_count(const struct weir_device *dev);
/**
 * weir_pci_msi_enable - program the first @n messages and switch them on.
 * @messages: addresses as the function sees them: IOVAs when it is behind an IOMMU.
 * Context: thread. Return: 0; WEIR_EINVAL when it has not so many, or cannot send such a one
 * (MSI has 16 bits of data, and may have 32 of address); WEIR_EBUSY when they are on;
 * WEIR_ENXIO when its table is not where it says; others as weir_mmio_map().
 */
int weir_pci_msi_enable(struct weir_device *dev, unsigned int n, const struct weir_msi *messages);
/** weir_pci_msi_disable - switch them off; fine when they are. Context: thread. */
void weir_pci_msi_disable(struct weir_device *dev);
/**
 * weir_pci_msi_set - change one message while they are on.
 * Context: thread. Return: 0; WEIR_EINVAL when there is no such message, or it cannot be sent: it
 * is as before then.
 */
int weir_pci_msi_set(struct weir_device *dev, unsigned int index, const struct weir_msi *message);

/* ---- who it is for IOMMUs ---- */

/**
 * weir_pci_alias - the requester ids that a function's DMA can carry.
 * @index: 0 is its own; further ones are bridges' that take it over.
 * Context: any. Return: 0; WEIR_ENOENT after the last.
 */
int weir_pci_alias(const struct weir_device *dev, unsigned int index, uint16_t *out_rid);

/* Where firmware maps one of a function's requester ids. */
struct weir_pci_id {
	struct weir_fwnode *target; /* of the IOMMU, or MSI controller */
	uint32_t id;                /* there */
	uint16_t rid;               /* the requester id */
};
/**
 * weir_pci_iommu_id - the ids that a function has at IOMMUs, resolved when it was added.
 * Ids that are mapped to an IOMMU that the function is itself, or that is below it,
 * are left out: nothing waits for what is reached through it.
 * Context: any. Return: 0; WEIR_ENOENT after the last, at once when it is behind none;
 * WEIR_EINVAL when firmware's map is damaged.
 */
int weir_pci_iommu_id(const struct weir_device *dev, unsigned int index,
		      struct weir_pci_id *out_id);
/**
 * weir_pci_msi_id - the MSI controller of a function, by its own requester id.
 * Context: any. Return: 0; WEIR_ENOENT; WEIR_EINVAL as above.
 */
int weir_pci_msi_id(const struct weir_device *dev, struct weir_pci_id *out_id);

/* ---- groups ---- */

/* By which rules functions are held to be one group. */
enum weir_pci_rules {
	WEIR_PCI_RULES_WEIR,       /* what can reach each other, or looks the same to an IOMMU */
	WEIR_PCI_RULES_LINUX_6_12, /* as Linux 6.12 groups them where it asks for ACS in time */
	/*
	 * The same with device trees: Linux asks for ACS when the first function is
	 * probed, and so leaves it as firmware did in all that was there before.
	 */
	WEIR_PCI_RULES_LINUX_6_12_DT,
	WEIR_PCI_RULES,
};
struct weir_pci_group {
	const char *key; /* the same for all functions of a group, and for no others */
	const char *why; /* what holds it together, a line for each cause; or "it is alone" */
};
/**
 * weir_pci_group_get - the group of a function, known when it is added.
 * The key is valid as long as the device, the other text until something is plugged
 * below the same host bridge.
 * Context: any. Return: 0; WEIR_ENODEV when @dev is not on bus "pci".
 */
int weir_pci_group_get(const struct weir_device *dev, enum weir_pci_rules rules,
		       struct weir_pci_group *out_group);

/* Access control, bits of the capability and its control register (6.12 of the specification). */
#define WEIR_PCI_ACS_SV 0x01u /* source validation */
#define WEIR_PCI_ACS_RR 0x04u /* request redirect */
#define WEIR_PCI_ACS_CR 0x08u /* completion redirect */
#define WEIR_PCI_ACS_UF 0x10u /* upstream forwarding */

/* What a function joins others by. */
enum weir_pci_cause {
	WEIR_PCI_CAUSE_ALIAS,  /* puts its own requester id in place of all below it */
	WEIR_PCI_CAUSE_ID,     /* has an id at its IOMMU that others have, too */
	WEIR_PCI_CAUSE_SLOT,   /* lets the functions of its slot reach each other */
	WEIR_PCI_CAUSE_SWITCH, /* lets all below its switch reach each other */
	WEIR_PCI_CAUSE_PORT,   /* lets all below it reach each other */
	WEIR_PCI_CAUSE_PATH,   /* does not keep apart what is below */
	WEIR_PCI_CAUSES,
};

struct weir_pci_isolation {
	bool acs;         /* it has the capability */
	uint16_t can, on; /* WEIR_PCI_ACS_*: what it has, and what of that is switched on */
	uint16_t missing; /* the same: what the rules ask of it and is not on; 0: it keeps apart */
	uint32_t causes;  /* a bit for each enum weir_pci_cause: it is why there are others in its group */
	bool takes_over;  /* a bridge that puts its own requester id in place of those below it */
};
/**
 * weir_pci_isolation_get - what keeps a function, and what is below it, apart from others.
 * Context: any, nothing is plugged meanwhile. Return: 0; WEIR_ENODEV when @dev is not on bus "pci".
 */
int weir_pci_isolation_get(const struct weir_device *dev, enum weir_pci_rules rules,
			   struct weir_pci_isolation *out_isolation);

/* ---- plugging ---- */

/**
 * weir_pci_plug - look below a bridge for functions that were not there, and add them.
 * @bridge: a device of bus "pci"; one whose slot has a power controller is switched on.
 * Functions that would join groups that were separate are quarantined. On a slot whose link does not
 * come up within a second, by the host's delays, nothing is found.
 * Context: thread. Return: how many were added; WEIR_ENODEV when @bridge is no bridge;
 * WEIR_ENOSPC when firmware, whose numbers are kept, gave it no bus; WEIR_ENOMEM.
 */
int weir_pci_plug(struct weir_device *bridge);
/**
 * weir_pci_unplug - delete what is below a bridge, and switch its slot off.
 * Context: thread. Return: how many functions were deleted; WEIR_ENODEV when @bridge
 * is no bridge.
 */
int weir_pci_unplug(struct weir_device *bridge);

#ifdef __cplusplus
}
#endif
#endif
