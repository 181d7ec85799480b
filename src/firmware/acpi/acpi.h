// SPDX-License-Identifier: MIT
/*
 * ACPI tables, decoded. Loading reads them once into the arrays below and keeps none of
 * their bytes; everything is constant from then on but the engine's part of each node.
 *
 * Only tables with a fixed layout are read: MCFG, IORT, VIOT, and the MADT for addresses
 * of ITSs. The namespace (AML) is not interpreted.
 */
#ifndef WEIR_FIRMWARE_ACPI_H
#define WEIR_FIRMWARE_ACPI_H

#include "core/core.h"
#include "weir/pci.h"

/* A table that was checked: its length, and that its bytes add up to 0. */
struct table {
	const uint8_t *at;
	uint32_t bytes; /* 0: there is no such table */
	char name[5];
};

#define TABLE_HEADER_BYTES 36u /* ACPI 6.6, 5.2.6 */

enum acpi_kind {
	ACPI_ROOT,
	ACPI_HOST,            /* a PCI host bridge */
	ACPI_FUNCTION,        /* a PCI function that a table names */
	ACPI_SMMU,            /* SMMUv1 and v2 */
	ACPI_SMMU_V3,
	ACPI_ITS_GROUP,
	ACPI_NAMED,           /* an object of the namespace */
	ACPI_VIRTIO_IOMMU,    /* by MMIO */
	ACPI_ENDPOINT,        /* by MMIO, behind a virtio-iommu */
};

struct acpi_node {
	struct weir_fwnode fw; /* first: a node of a tree is cast to this */
	struct acpi_node *next; /* in order of creation */
	struct weir_fwnode **last_child; /* where the next child goes; NULL: it is the first */
	enum acpi_kind kind;
	char *name;            /* of fw */
	const char *keys[2];   /* to match drivers with */
	uint64_t pa, bytes;    /* registers; 0, 0: none are known */
	uint32_t *gsivs;       /* interrupts; 0: this one is not wired */
	uint32_t nr_gsivs;
	uint32_t remap;        /* IORT: its node there */
	struct weir_pci_host *host; /* of a host bridge */
	struct acpi_node *next_host; /* of the same segment */
	uint16_t segment, rid;      /* of a function */
	struct acpi_node *iommu;    /* of an endpoint: its IOMMU, */
	uint32_t id;                /* and its id there */
};

/* IORT: types of nodes (Arm, DEN0049E.f). */
enum iort_type {
	IORT_ITS_GROUP, IORT_NAMED, IORT_ROOT_COMPLEX, IORT_SMMU, IORT_SMMU_V3, IORT_PMCG,
	IORT_RMR, IORT_TYPES,
};

#define NOWHERE UINT32_MAX

/* One entry of a node's array of id mappings. */
struct iort_map {
	uint32_t first, more;  /* ids: the first, and how many after it */
	uint32_t output;       /* what the first becomes */
	uint32_t target;       /* the node that takes it, by index; NOWHERE */
	bool single;           /* one id comes out, whatever goes in */
};

struct iort_node {
	uint8_t type, revision;
	uint32_t offset, bytes; /* in the table */
	uint32_t first_map, nr_maps;
	uint32_t nr_ids;        /* of an object: mappings, from the first on, that name an id at an IOMMU */
	uint32_t source;        /* while loading: the last node that leads here */
	uint32_t skip;          /* this mapping is for the node's own interrupts; NOWHERE */
	uint32_t segment;       /* of a root complex */
	uint8_t address_bits;   /* of a root complex or named component; 0: not told */
	int8_t coherent;        /* of these, and of an SMMU of version 1 or 2: 1, 0 */
	uint32_t first_range, nr_ranges; /* of reserved memory */
	struct acpi_node *node; /* what stands for it, or NULL */
};

struct iort_range {
	uint64_t first, last;
};

/* VIOT: a range of PCI functions (ACPI 6.6, 5.2.33.3). */
struct viot_range {
	uint16_t first_segment, last_segment, first_rid, last_rid;
	uint32_t endpoint;      /* of the first */
	struct acpi_node *iommu;
};

/* Configuration space of the buses of a segment (PCI Firmware Specification 3.2, 4.1.2). */
struct mcfg_entry {
	uint64_t base;          /* of bus 0 */
	uint16_t segment;
	uint8_t first_bus, last_bus;
	uint32_t next;          /* of the same segment, by index; NOWHERE */
};

struct weir_acpi_tree {
	struct weir_machine *m;
	struct acpi_node *first, **last; /* all nodes; the root is the first */
	struct mcfg_entry *mcfg;
	uint32_t nr_mcfg, max_mcfg;
	struct iort_node *iort;
	uint32_t nr_iort, max_iort;
	struct iort_map *maps;
	uint32_t nr_maps, max_maps;
	struct iort_range *ranges;
	uint32_t nr_ranges, max_ranges;
	struct viot_range *viot;
	uint32_t nr_viot, max_viot;
	struct weir_map hosts;  /* segment -> struct acpi_node, the first one */
	struct weir_map roots;  /* segment -> struct iort_node, its root complex */
	/* While loading: */
	struct acpi_node **first_viot; /* where VIOT's nodes begin */
	struct table table_mcfg, table_iort, table_viot, table_madt;
};

static inline struct acpi_node *acpi_node_(const struct weir_fwnode *fw)
{
	return (struct acpi_node *)(uintptr_t)fw;
}

static inline uint16_t acpi_le16_(const struct table *t, uint32_t at)
{
	return (uint16_t)(t->at[at] | t->at[at + 1] << 8);
}

static inline uint32_t acpi_le32_(const struct table *t, uint32_t at)
{
	return acpi_le16_(t, at) | (uint32_t)acpi_le16_(t, at + 2) << 16;
}

static inline uint64_t acpi_le64_(const struct table *t, uint32_t at)
{
	return acpi_le32_(t, at) | (uint64_t)acpi_le32_(t, at + 4) << 32;
}

/* table.c */
/* Says what is wrong with a field. Return: WEIR_EBADMSG. */
int weir_acpi_bad_(struct weir_acpi_tree *a, const struct table *t, uint32_t offset,
		   const char *field, const char *what);
/* Finds and checks the tables that are read. Return: 0; WEIR_EBADMSG; WEIR_EOPNOTSUPP. */
int weir_acpi_tables_(struct weir_acpi_tree *a, const struct weir_acpi *acpi);

/* node.c */
extern const struct weir_firmware_ops weir_acpi_ops_;
/* A new node below @parent, NULL: below the root; @name is copied. Return: 0; WEIR_ENOMEM. */
int weir_acpi_node_create_(struct weir_acpi_tree *a, struct acpi_node *parent,
			   enum acpi_kind kind, const char *name, struct acpi_node **out_node);
void weir_acpi_nodes_free_(struct weir_acpi_tree *a);
/* The host bridge that a function is below, or NULL. */
struct acpi_node *weir_acpi_host_of_(const struct weir_acpi_tree *a, uint16_t segment,
				     uint16_t rid);

/* Each reads one table, which may be missing. Return: 0; WEIR_EBADMSG; WEIR_ENOMEM. */
int weir_acpi_mcfg_(struct weir_acpi_tree *a);
int weir_acpi_iort_(struct weir_acpi_tree *a);
int weir_acpi_viot_(struct weir_acpi_tree *a); /* after host bridges were made */
int weir_acpi_madt_(struct weir_acpi_tree *a); /* after iort */

/* mcfg.c: makes nodes of host bridges. Return: 0; WEIR_EINVAL; WEIR_ENOMEM. */
int weir_acpi_hosts_(struct weir_acpi_tree *a, const struct weir_acpi *acpi);

/* iort_node.c: the fields behind a node's header that its type has. */
uint32_t weir_iort_fixed_bytes_(uint8_t type, uint8_t revision);
int weir_iort_read_node_(struct weir_acpi_tree *a, uint32_t index);

/* map.c: questions to the decoded tables; for their answers see firmware.h. */
struct iort_node *weir_iort_root_complex_(const struct weir_acpi_tree *a, uint16_t segment);
bool weir_iort_is_iommu_(const struct iort_node *node);
int weir_acpi_map_id_(struct weir_fwnode *fw, enum weir_fwmap what, uint32_t id,
		      struct weir_fwnode **out_target, uint32_t *out_id);
int weir_acpi_spec_(struct weir_fwnode *fw, unsigned int index, struct weir_fwspec *out_spec);
int weir_acpi_stream_region_(const struct weir_fwnode *iommu, uint32_t id, unsigned int index,
			     struct weir_fwregion *out_region);
int weir_acpi_parse_(struct weir_fwnode *fw);

/* load.c */
void weir_acpi_free_(struct weir_machine *m);
int weir_acpi_populate_(struct weir_machine *m);

#endif
