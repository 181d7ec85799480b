// SPDX-License-Identifier: MIT
/*
 * A device tree in memory, indexed. The blob is read once with libfdt; node and
 * property arrays point into it. Everything is constant after loading but the
 * engine's part of each node.
 */
#ifndef WEIR_FIRMWARE_DT_H
#define WEIR_FIRMWARE_DT_H

#include "core/core.h"

/* Nodes may be nested so deep, as in Linux; what recurses over a tree relies on it. */
#define WEIR_DT_MAX_DEPTH 64
/* Cells of a unit address and an interrupt together. */
#define WEIR_DT_MAX_IRQ_CELLS 16

struct weir_dt_prop {
	const char *name;
	const uint8_t *value; /* big-endian, in the blob */
	uint32_t bytes;
	uint16_t row;         /* of the binding table + 1; 0: none, see bindings.c */
};

struct weir_dt_node {
	struct weir_fwnode fw; /* first: a node of a tree is cast to this */
	uint32_t first_prop;
	uint32_t nr_props;
	uint32_t hash;         /* of the path */
	uint32_t phandle;      /* 0: none */
	uint32_t first_compat; /* in dt->compats */
	uint32_t nr_compats;
	bool has_compatible;   /* the property, be it empty */
};

struct weir_dt_region {
	struct weir_device *dev;
	uint64_t start, end;
};

struct weir_dt {
	struct weir_machine *m;
	const uint8_t *blob;
	uint32_t blob_bytes;
	struct weir_dt_node *nodes; /* in tree order */
	uint32_t nr_nodes, max_nodes;
	struct weir_dt_prop *props;
	uint32_t nr_props, max_props;
	const char **compats;       /* compatible strings of all nodes, in the blob */
	uint32_t nr_compats, max_compats;
	uint32_t *by_path;          /* hash table of node index + 1 */
	uint32_t by_path_mask;
	uint32_t *by_phandle;       /* the same by phandle */
	uint32_t by_phandle_mask;
	struct weir_dt_region *regions; /* of AMBA devices */
	uint32_t nr_regions, max_regions;
	uint32_t *listing;          /* nodes with mmu-masters */
	uint32_t nr_listing, max_listing;
};

/* A position in a list of phandles with arguments. */
struct weir_dt_cells {
	const struct weir_dt *dt;
	const uint8_t *at, *end;
	const char *count_name; /* provider's property with the argument count, or NULL: none */
	bool count_required;
	bool dead;              /* a damaged entry: nothing can be read behind it */
};

enum weir_dt_entry {
	WEIR_DT_END,   /* no more entries, or unreadable from here on */
	WEIR_DT_HOLE,  /* empty on purpose, or names no node */
	WEIR_DT_NODE,
};

static inline struct weir_dt_node *weir_dt_node_(const struct weir_fwnode *fw)
{
	return (struct weir_dt_node *)(uintptr_t)fw;
}

static inline uint32_t weir_be32_(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* check.c */
struct weir_dt_shape {
	uint32_t nr_nodes, nr_props;
	const char *what; /* is wrong; constant */
	uint32_t offset;  /* of it, in bytes */
};
/*
 * Whether a blob can be read from end to end. @out_shape is also written on failure:
 * what is wrong, and where. Return: 0; WEIR_EBADMSG.
 */
int weir_dt_check_(const void *blob, size_t bytes, struct weir_dt_shape *out_shape);

/* findings.c: logs what is wrong with a node. */
void weir_dt_say_findings_(const struct weir_dt *dt, const struct weir_dt_node *node);
/* address.c: whether reg is there and has not even one address. */
bool weir_dt_reg_is_short_(const struct weir_dt *dt, const struct weir_dt_node *node);

/* tree.c */
extern const struct weir_firmware_ops weir_dt_ops_;
const struct weir_dt_prop *weir_dt_prop_(const struct weir_dt *dt, const struct weir_dt_node *node,
					 const char *name);
struct weir_dt_node *weir_dt_by_phandle_(const struct weir_dt *dt, uint32_t phandle);
/* The first cell of a property. False when it is missing or shorter than that. */
bool weir_dt_u32_(const struct weir_dt *dt, const struct weir_dt_node *node, const char *name,
		  uint32_t *out_value);
/*
 * The @i-th cell of a value, also past its end: what follows in the blob, as Linux
 * was observed to read where a property is too short. 0 past the end of the blob.
 */
uint32_t weir_dt_cell_(const struct weir_dt *dt, const uint8_t *value, uint32_t i);
/* Whether the node's name without unit address is @name. */
bool weir_dt_named_(const struct weir_dt_node *node, const char *name);
bool weir_dt_is_compatible_(const struct weir_dt_node *node, const char *compatible);
struct weir_dt_node *weir_dt_parent_(const struct weir_dt_node *node);
/* A node's path, cut to the buffer, for messages. */
const char *weir_dt_path_(const struct weir_dt_node *node, char *buf, size_t bytes);

/* cells.c */
enum weir_dt_entry weir_dt_cells_next_(struct weir_dt_cells *cells, struct weir_dt_node **out_node,
				       const uint8_t **out_args, uint32_t *out_nr_args);

/* bindings.c */
uint16_t weir_dt_row_of_(const char *property);
/* What a property is made of, as far as it names nodes in a list. */
enum weir_dt_ref {
	WEIR_DT_REF_NONE,
	WEIR_DT_REF_PLAIN, /* phandles */
	WEIR_DT_REF_ARGS,  /* phandles, each with as many cells as *out_count of its node says */
};
enum weir_dt_ref weir_dt_ref_of_(const char *property, const char **out_count);
int weir_dt_parse_(struct weir_fwnode *fw);

/* interrupt.c */
struct weir_dt_irq {
	const struct weir_dt *dt;
	struct weir_dt_node *node;
	struct weir_dt_cells extended;
	uint32_t index;
};
void weir_dt_irq_init_(struct weir_dt_irq *irq, const struct weir_dt *dt,
		       struct weir_dt_node *node);
/* The node that a node's interrupts are told to first, or NULL. */
struct weir_dt_node *weir_dt_irq_parent_(const struct weir_dt *dt, struct weir_dt_node *node);
/* The controller of the next interrupt of the node, or NULL at the end. */
struct weir_dt_node *weir_dt_irq_next_(struct weir_dt_irq *irq);
/* The parents that a node's interrupt-map names; @at counts through it, from 0. */
struct weir_dt_node *weir_dt_irq_map_next_(const struct weir_dt *dt, struct weir_dt_node *node,
					   uint32_t *at);

/* address.c */
bool weir_dt_translate_(const struct weir_dt *dt, const struct weir_dt_node *node,
			uint64_t *out_addr);
/* The first region of reg. False when there is none that translates. */
bool weir_dt_region_(const struct weir_dt *dt, const struct weir_dt_node *node,
		     uint64_t *out_start, uint64_t *out_end);

/*
 * The CPU's address of @addr on the bus that @bus_node is, in the address space that
 * the first cell @flags names (on buses that have spaces). False when the CPU has none.
 */
bool weir_dt_cpu_address_(const struct weir_dt *dt, const struct weir_dt_node *bus_node,
			  uint32_t flags, uint64_t addr, uint64_t *out_addr);
/* The same for what a device on that bus reaches, by dma-ranges. */
bool weir_dt_memory_address_(const struct weir_dt *dt, const struct weir_dt_node *bus_node,
			     uint32_t flags, uint64_t addr, uint64_t *out_addr);
/*
 * The same for up to @bytes of them; @bytes is then how many go the same way, and after false how
 * many from @addr on are not reached.
 */
bool weir_dt_memory_range_(const struct weir_dt *dt, const struct weir_dt_node *bus_node,
			   uint32_t flags, uint64_t addr, uint64_t *bytes, uint64_t *out_addr);
/* How many cells a child's address and size have on the bus that @bus_node is. */
bool weir_dt_bus_cells_(const struct weir_dt *dt, const struct weir_dt_node *bus_node,
			uint32_t *out_address, uint32_t *out_size);

/* name.c: the name that Linux gives the device of a node. Return: 0; WEIR_ENOMEM. */
int weir_dt_device_name_(const struct weir_dt *dt, const struct weir_dt_node *node,
			 char **out_name);

/* populate.c: as weir_firmware_populate(), of a tree that is there. */
int weir_dt_populate_(struct weir_machine *m);

/* pci.c: see struct weir_firmware_ops */
int weir_dt_pci_host_(struct weir_fwnode *fw, struct weir_pci_host *out_host);
struct weir_fwnode *weir_dt_pci_child_(struct weir_fwnode *fw, uint8_t devfn);
int weir_dt_map_id_(struct weir_fwnode *fw, enum weir_fwmap what, uint32_t id,
		    struct weir_fwnode **out_target, uint32_t *out_id);

/* dma.c: see struct weir_firmware_ops */
int weir_dt_dma_range_(const struct weir_fwnode *fw, bool below, unsigned int index,
		       struct weir_fwdma *out_range);
int weir_dt_dma_coherent_(const struct weir_fwnode *fw);

/* resources.c: see struct weir_firmware_ops */
int weir_dt_registers_(const struct weir_fwnode *fw, unsigned int index, uint64_t *out_pa,
		       uint64_t *out_bytes);
int weir_dt_line_(const struct weir_fwnode *fw, unsigned int index, uint32_t *out_line);

/* region.c: see struct weir_firmware_ops */
int weir_dt_iommu_region_(const struct weir_fwnode *fw, unsigned int index,
			  struct weir_fwregion *out_region);

/* masters.c: the binding before iommus */
/* Return: 0; WEIR_ENOMEM. */
int weir_dt_masters_index_(struct weir_dt *dt);
/*
 * The @index-th IOMMU of a node by it. Return: 0; WEIR_ENOENT past the last; WEIR_EINVAL when the node says it
 * in the other way, too; WEIR_EOPNOTSUPP: nobody lists it.
 */
int weir_dt_masters_spec_(const struct weir_dt *dt, const struct weir_dt_node *node,
			  unsigned int index, struct weir_fwspec *out_spec);
/* The same of the functions below a PCI host bridge; their requester ids are their stream ids. */
int weir_dt_masters_host_(const struct weir_dt *dt, const struct weir_dt_node *host,
			  struct weir_fwnode **out_smmu);
/* The nodes that an SMMU's list names; @at: NULL at first. NULL at the end. */
struct weir_dt_node *weir_dt_masters_next_(const struct weir_dt *dt, const struct weir_dt_node *smmu,
					   const uint8_t **at);
/* What is wrong with a node's list; NULL. */
const char *weir_dt_masters_wrong_(const struct weir_dt *dt, const struct weir_dt_node *node);

/* cells.c: see struct weir_firmware_ops */
int weir_dt_spec_(struct weir_fwnode *fw, unsigned int index, struct weir_fwspec *out_spec);
int weir_dt_reference_(struct weir_fwnode *fw, const char *property, const char *count,
		       unsigned int index, struct weir_fwspec *out_spec);

#endif
