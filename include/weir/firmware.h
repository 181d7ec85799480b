// SPDX-License-Identifier: MIT
/*
 * Firmware nodes: what firmware says exists. One tree for each machine, whatever
 * the kind of firmware. A node becomes a device, or not; nodes name suppliers,
 * and such a firmware-node link waits until it can become a device link.
 */
#ifndef WEIR_FIRMWARE_H
#define WEIR_FIRMWARE_H

#include "weir/device.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weir_fwnode;
struct weir_fwlink;

/* Node flags. */
#define WEIR_FWNODE_PARSED       0x01u /* its suppliers were asked for */
#define WEIR_FWNODE_NOT_DEVICE   0x02u /* will not be a device; its ancestor stands for it */
#define WEIR_FWNODE_INITIALIZED  0x04u /* works already, without driver: nobody waits for it */
#define WEIR_FWNODE_NEEDS_CHILD  0x08u /* needs its children bound while it is added */
#define WEIR_FWNODE_BEST_EFFORT  0x10u /* console: probe it with what there is */
#define WEIR_FWNODE_POPULATED    0x40u /* has, or must not get, a device */
#define WEIR_FWNODE_POPULATED_BUS 0x80u /* its children were made into devices */
#define WEIR_FWNODE_DISABLED     0x100u /* firmware says it is not there */

/* Flags of a firmware-node link. */
#define WEIR_FWLINK_CYCLE  0x1u /* on a cycle: does not block */
#define WEIR_FWLINK_IGNORE 0x2u /* not an init dependency at all */

struct weir_pci_host;

/* A window through which the devices of a bus reach memory. */
struct weir_fwdma {
	uint64_t iova; /* on the bus */
	uint64_t pa, bytes;
};

/* A special part of the I/O virtual address space of a device. */
struct weir_fwregion {
	uint64_t first, last;
	bool direct; /* memory that the device may be using since firmware; otherwise a hole */
};

/* What a host bridge's requesters are mapped to. */
enum weir_fwmap {
	WEIR_FWMAP_IOMMU, /* an IOMMU, and the id the requester has there */
	WEIR_FWMAP_MSI,   /* an MSI controller, and the device id the requester has there */
};

/* How firmware puts a device behind an IOMMU: which, and what it says of the device there. */
#define WEIR_FWSPEC_CELLS 16u
struct weir_fwspec {
	struct weir_fwnode *target; /* it may be disabled */
	uint32_t nr_cells;
	uint32_t cells[WEIR_FWSPEC_CELLS];
};

/*
 * A kind of firmware. The library comes with flattened device trees
 * (weir_firmware_load_dt), ACPI tables (weir_firmware_load_acpi), constants
 * (weir_firmware_load_board) and nodes made by code (weir_fwnode_create).
 */
struct weir_firmware_ops {
	struct weir_abi abi;
	/* The @index-th compatible string, NULL after the last. */
	const char *(*compatible)(const struct weir_fwnode *node, unsigned int index);
	/* Reports the node's suppliers by weir_fwlink_add(). Machine lock held. */
	int (*parse)(struct weir_fwnode *node);
	/* weir_firmware_pci_host(). NULL: no node is a host bridge. */
	int (*pci_host)(struct weir_fwnode *node, struct weir_pci_host *out_host);
	/* weir_firmware_pci_child(). NULL: there is none. */
	struct weir_fwnode *(*pci_child)(struct weir_fwnode *node, uint8_t devfn);
	/* weir_firmware_pci_function(). NULL: there is none. */
	struct weir_fwnode *(*pci_function)(struct weir_fwnode *node, uint16_t rid);
	/* weir_firmware_map_id(). NULL: nothing is mapped. */
	int (*map_id)(struct weir_fwnode *node, enum weir_fwmap what, uint32_t id,
		      struct weir_fwnode **out_target, uint32_t *out_id);
	/* weir_firmware_spec(). NULL: no device is behind an IOMMU. */
	int (*spec)(struct weir_fwnode *node, unsigned int index, struct weir_fwspec *out_spec);
	/* weir_firmware_registers(). NULL: no node has any. */
	int (*registers)(const struct weir_fwnode *node, unsigned int index, uint64_t *out_pa,
			 uint64_t *out_bytes);
	/* weir_firmware_line(). NULL: no node has any. */
	int (*line)(const struct weir_fwnode *node, unsigned int index, uint32_t *out_line);
	/* weir_firmware_dma_range(). NULL: there are none. */
	int (*dma_range)(const struct weir_fwnode *node, bool below, unsigned int index,
			 struct weir_fwdma *out_range);
	/* weir_firmware_dma_coherent(). NULL: nothing is said. */
	int (*dma_coherent)(const struct weir_fwnode *node);
	/* weir_firmware_iommu_region(). NULL: there are none. */
	int (*iommu_region)(const struct weir_fwnode *node, unsigned int index,
			    struct weir_fwregion *out_region);
	/* weir_firmware_stream_region(). NULL: there are none. */
	int (*stream_region)(const struct weir_fwnode *iommu, uint32_t id, unsigned int index,
			     struct weir_fwregion *out_region);
	/* weir_firmware_populate(). NULL: it makes no devices. */
	int (*populate)(struct weir_machine *m);
	/* weir_firmware_reference(). NULL: there are none. */
	int (*reference)(struct weir_fwnode *node, const char *property, const char *count,
			 unsigned int index, struct weir_fwspec *out_spec);
	/* weir_fwnode_find(). NULL: nothing is found. */
	int (*find)(struct weir_machine *m, const char *path, struct weir_fwnode **out_node);
	/* weir_fwnode_property(). NULL: there are none. */
	int (*property)(const struct weir_fwnode *node, const char *name, const void **out_value,
			size_t *out_bytes);
	/* The machine goes: all nodes are given back. NULL: nothing is to be given back. */
	void (*unload)(struct weir_machine *m);
};

/**
 * weir_firmware_load_dt - read a flattened device tree (DTB).
 * @blob: at least @bytes long; kept by pointer, must stay valid and unchanged as
 *	long as the machine.
 *
 * Context: thread. Return: 0; WEIR_EBADMSG when the blob is damaged (byte offset
 * in weir_firmware_error()); WEIR_EEXIST when a tree was loaded; WEIR_ENOMEM.
 */
int weir_firmware_load_dt(struct weir_machine *m, const void *blob, size_t bytes);

/* An ACPI table in memory: all of it, with its header. */
struct weir_acpi_table {
	const void *data;
	size_t bytes;
};

/* What is known of a machine with ACPI. */
struct weir_acpi {
	/* All tables, in any order; NULL: they are found from the root pointer. */
	const struct weir_acpi_table *tables;
	unsigned int nr_tables;
	uint64_t rsdp_pa; /* of the root pointer; read by the host's pa_to_va */
	/*
	 * The PCI host bridges. Their buses and windows are told by the namespace (_SEG,
	 * _BBN, _CRS), which the library does not interpret: whoever does, or knows the
	 * machine, gives them here. Configuration space is that of MCFG, unless
	 * ecam_bytes is not 0. NULL: each entry of MCFG is a host bridge with all its buses,
	 * which firmware has set up (WEIR_PCI_KEEP), and addresses are the same on its
	 * bus and for the CPU.
	 */
	const struct weir_pci_host *hosts;
	unsigned int nr_hosts;
};

/**
 * weir_firmware_load_acpi - read ACPI tables: MCFG, IORT, VIOT, and of the MADT where ITSs
 * are. Others are left alone.
 * @acpi: borrowed, tables too: nothing of them is kept.
 *
 * Host bridges and IOMMUs become nodes, and weir_firmware_populate() makes devices of
 * them, with these match keys: "acpi:PNP0A08" (host bridge), "acpi:arm-smmu-v3" and
 * "acpi:arm-smmu" (after one for the model, see docs/firmware-acpi.md), "acpi:LNRO0005"
 * (virtio-iommu by MMIO). A virtio-iommu that is a PCI function is that function's node.
 * Objects of the namespace that IORT names are nodes found by their name
 * ("/\\_SB.DMA0"), for who makes devices of them.
 *
 * Context: thread. Return: 0; WEIR_EBADMSG when a table is damaged (which, where and what
 * in weir_firmware_error()); WEIR_EINVAL for neither tables nor pointer, or for host
 * bridges that make no sense (likewise); WEIR_EOPNOTSUPP for a root pointer when the host has
 * no pa_to_va; WEIR_EEXIST when firmware was loaded; WEIR_ENOMEM.
 */
int weir_firmware_load_acpi(struct weir_machine *m, const struct weir_acpi *acpi);

/**
 * weir_dt_check - whether bytes are a device tree that can be read from end to end.
 * Loading checks it by itself; this is for who looks into a blob before, with libfdt: not all
 * versions of its fdt_check_full() come to an end on damaged ones.
 * @blob: aligned to 8 bytes. May be larger than the tree.
 * Context: any. Return: 0; WEIR_EBADMSG when it is not.
 */
int weir_dt_check(const void *blob, size_t bytes);

/**
 * weir_dt_overlay_apply - apply an overlay (DTBO) to a blob that is not loaded yet.
 * @blob: the base, in a buffer of @bytes that is larger than it by at least the
 *	size of the overlay; damaged when this fails.
 * @overlay: is changed.
 * @out_what: what is wrong, a constant string; also written on failure.
 * Context: any. Return: 0; WEIR_ENOSPC when the buffer is too small; WEIR_EBADMSG
 * when one of the two is damaged or the overlay does not fit the base.
 */
int weir_dt_overlay_apply(void *blob, size_t bytes, void *overlay, size_t overlay_bytes,
			  const char **out_what);

/** weir_firmware_error - what the last failed load found, or "". Valid until the next load. */
const char *weir_firmware_error(const struct weir_machine *m);

/**
 * weir_firmware_populate - make devices of the tree's top-level nodes as
 * operating systems do: on the buses "platform" and (of a device tree) "amba", which are
 * made when missing. Return: 0; WEIR_ENOENT without a tree; WEIR_ENOMEM.
 */
int weir_firmware_populate(struct weir_machine *m);

/**
 * weir_firmware_buses - make the buses "platform" and "amba" where they are missing: for
 * drivers that come before the firmware. Context: thread. Return: 0; WEIR_ENOMEM.
 */
int weir_firmware_buses(struct weir_machine *m);

/**
 * weir_fwnode_populate - make devices of the children of a bus device's node.
 * @parent: the device of the bus.
 * @descend: also of grandchildren below simple-bus and the like.
 * Context: in the probe of @parent. Return: 0; WEIR_ENOMEM.
 */
int weir_fwnode_populate(struct weir_device *parent, bool descend);
/** weir_fwnode_depopulate - delete the devices that weir_fwnode_populate made, last first. */
void weir_fwnode_depopulate(struct weir_device *parent);

/**
 * weir_fwnode_create - a node made by code.
 * @parent: the node above, or NULL for a root of its own.
 * @name: copied.
 * @compatible: one compatible string, copied; or NULL.
 * Owner: the machine. Return: 0; WEIR_ENOMEM.
 */
int weir_fwnode_create(struct weir_machine *m, struct weir_fwnode *parent, const char *name,
		       const char *compatible, struct weir_fwnode **out_node);

/**
 * weir_fwlink_add - say that @consumer needs @supplier.
 * @property: what says so, for explanations; a string that stays valid.
 * Return: 0; WEIR_EINVAL across machines; WEIR_ENOMEM.
 */
int weir_fwlink_add(struct weir_fwnode *consumer, struct weir_fwnode *supplier,
		    uint32_t flags, const char *property);

/**
 * weir_fwnode_set_initialized - the hardware of a node works without driver, or
 * no longer does. @claimed: it must not become a device either.
 */
void weir_fwnode_set_initialized(struct weir_fwnode *node, bool on, bool claimed);

/** weir_fwnode_find - by path ("/soc/serial@1000"; also an alias or alias/rest). Return: 0; WEIR_ENOENT. */
int weir_fwnode_find(struct weir_machine *m, const char *path, struct weir_fwnode **out_node);
/** weir_fwnode_by_phandle - the node of a device tree that a phandle names. Return: 0; WEIR_ENOENT. */
int weir_fwnode_by_phandle(struct weir_machine *m, uint32_t phandle,
			   struct weir_fwnode **out_node);
struct weir_fwnode *weir_fwnode_root(struct weir_machine *m);
struct weir_fwnode *weir_fwnode_parent(const struct weir_fwnode *node);
struct weir_fwnode *weir_fwnode_first_child(const struct weir_fwnode *node);
struct weir_fwnode *weir_fwnode_next_sibling(const struct weir_fwnode *node);
/** weir_fwnode_next - the next node in tree order (depth first), NULL at the end. */
struct weir_fwnode *weir_fwnode_next(const struct weir_fwnode *node);
/** weir_fwnode_name - the last part of the path, with unit address; "" for the root. */
const char *weir_fwnode_name(const struct weir_fwnode *node);
uint32_t weir_fwnode_flags(const struct weir_fwnode *node);
/** weir_fwnode_device - the device that owns the node, or NULL. */
struct weir_device *weir_fwnode_device(const struct weir_fwnode *node);
/** weir_fwnode_compatible - the @index-th compatible string, NULL after the last. */
const char *weir_fwnode_compatible(const struct weir_fwnode *node, unsigned int index);
/** weir_fwnode_available - status absent, "okay" or "ok". */
bool weir_fwnode_available(const struct weir_fwnode *node);
/**
 * weir_fwnode_property - the raw value of a property; @out_bytes may be NULL.
 * Return: 0; WEIR_ENOENT.
 */
int weir_fwnode_property(const struct weir_fwnode *node, const char *name,
			 const void **out_value, size_t *out_bytes);
/** weir_fwnode_property_name - the @index-th property of a device tree's node, NULL after the last. */
const char *weir_fwnode_property_name(const struct weir_fwnode *node, unsigned int index);
/**
 * weir_fwnode_path - the full path ("" for the root) into a buffer, always
 * terminated. Return: the length the path has, which may be more than fitted.
 */
size_t weir_fwnode_path(const struct weir_fwnode *node, char *buf, size_t bytes);

/**
 * weir_firmware_pci_host - read the description of a PCI host bridge (pci.h).
 * Context: thread. Return: 0; WEIR_ENODEV when the node is none; WEIR_EINVAL when the
 * description is damaged (weir_firmware_error() says how).
 */
int weir_firmware_pci_host(struct weir_fwnode *node, struct weir_pci_host *out_host);
/** weir_firmware_pci_child - the node of a function on the bus of a bridge's node, or NULL. */
struct weir_fwnode *weir_firmware_pci_child(struct weir_fwnode *node, uint8_t devfn);
/**
 * weir_firmware_pci_function - the node of a function below a host bridge's node, where
 * firmware names functions by requester id, or NULL.
 */
struct weir_fwnode *weir_firmware_pci_function(struct weir_fwnode *node, uint16_t rid);
/**
 * weir_firmware_map_id - where a requester below a host bridge goes.
 * @node: of the host bridge.
 * @id: the requester's.
 * @out_target: the IOMMU or MSI controller; it may be disabled.
 * @out_id: the requester's id there.
 * Context: any. Return: 0; WEIR_ENOENT when firmware maps it nowhere; WEIR_EINVAL
 * when the map is damaged.
 */
int weir_firmware_map_id(struct weir_fwnode *node, enum weir_fwmap what, uint32_t id,
			 struct weir_fwnode **out_target, uint32_t *out_id);

/**
 * weir_firmware_spec - the IOMMUs that a device is behind, other than those of a PCI
 * function, which its requester ids are mapped to.
 * @node: of the device.
 * Context: any. Return: 0; WEIR_ENOENT after the last; WEIR_EINVAL when the entry has more than
 * WEIR_FWSPEC_CELLS, or the list cannot be read up to there (WEIR_ENOENT by WEIR_RULE_HOLE_ENDS_LIST).
 */
int weir_firmware_spec(struct weir_fwnode *node, unsigned int index, struct weir_fwspec *out_spec);

/**
 * weir_firmware_reference - the @index-th entry of a list that names nodes, each with arguments.
 * @property: such as "clocks".
 * @count: the property of those nodes that says how many arguments, such as "#clock-cells".
 * Context: any. Return: 0; WEIR_ENOENT after the last, or where the list cannot be read any
 * further; WEIR_ENXIO for an entry that is empty on purpose; WEIR_EINVAL when it has more than
 * WEIR_FWSPEC_CELLS.
 */
int weir_firmware_reference(struct weir_fwnode *node, const char *property, const char *count,
			    unsigned int index, struct weir_fwspec *out_spec);

/**
 * weir_firmware_registers - the @index-th set of registers of a node's device.
 * Context: any. Return: 0; WEIR_ENOENT after the last; WEIR_EINVAL when the CPU does not
 * reach them.
 */
int weir_firmware_registers(const struct weir_fwnode *node, unsigned int index, uint64_t *out_pa,
			    uint64_t *out_bytes);
/**
 * weir_firmware_line - the @index-th interrupt line of a node's device, for the host's
 * irq_request: a number at the interrupt controller, at a GIC among the shared ones, at a Samsung
 * combiner 1024 + 8 * group + number.
 * Context: any. Return: 0; WEIR_ENOENT after the last; WEIR_EINVAL when it is no such line.
 */
int weir_firmware_line(const struct weir_fwnode *node, unsigned int index, uint32_t *out_line);

/**
 * weir_firmware_dma_range - the @index-th window through which a device sees memory.
 * @node: the device's; with @below the nearest one above a device that has none.
 * Context: any. Return: 0; WEIR_ENOENT after the last; without any, addresses on the bus are
 * physical ones. WEIR_EINVAL: firmware tells of windows, and none of them makes sense or leads to memory.
 */
int weir_firmware_dma_range(const struct weir_fwnode *node, bool below, unsigned int index,
			    struct weir_fwdma *out_range);
/**
 * weir_firmware_dma_coherent - whether a node's device sees the CPU's caches.
 * Context: any. Return: 1; 0 when it does not; WEIR_ENOENT when firmware does not say.
 */
int weir_firmware_dma_coherent(const struct weir_fwnode *node);
/**
 * weir_firmware_iommu_region - the @index-th special part of what a node's device sees
 * through its IOMMUs. Context: any. Return: 0; WEIR_ENOENT after the last.
 */
int weir_firmware_iommu_region(const struct weir_fwnode *node, unsigned int index,
			       struct weir_fwregion *out_region);
/**
 * weir_firmware_stream_region - the same, where firmware tells it of an id at an IOMMU.
 * @iommu: the node of the IOMMU. Context: any. Return: 0; WEIR_ENOENT after the last.
 */
int weir_firmware_stream_region(const struct weir_fwnode *iommu, uint32_t id, unsigned int index,
				struct weir_fwregion *out_region);

/** weir_fwlink_first / weir_fwlink_next - the unresolved suppliers of a node, last found first. */
struct weir_fwlink *weir_fwlink_first(const struct weir_fwnode *consumer);
struct weir_fwlink *weir_fwlink_next(const struct weir_fwlink *link);
struct weir_fwnode *weir_fwlink_supplier(const struct weir_fwlink *link);
struct weir_fwnode *weir_fwlink_consumer(const struct weir_fwlink *link);
uint32_t weir_fwlink_flags(const struct weir_fwlink *link);
const char *weir_fwlink_property(const struct weir_fwlink *link);

#ifdef __cplusplus
}
#endif
#endif
