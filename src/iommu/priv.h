// SPDX-License-Identifier: MIT
/*
 * The IOMMU stack's private types. Letters at members: (c) constant after
 * creation, (m) machine lock, (g) the group's lock, (d) the domain's lock.
 */
#ifndef WEIR_IOMMU_PRIV_H
#define WEIR_IOMMU_PRIV_H

#include "core/core.h"
#include "core/tree.h"

struct weir_iommu {
	struct weir_device *dev;          /* (c) that published it */
	const struct weir_iommu_ops *ops; /* (c) never NULL */
	void *instance;                   /* (c) the driver's */
	struct weir_list node;            /* (m) in m->iommus */
	struct weir_list streams;         /* (m) of masters attached here */
	bool hardware;                    /* (c) ops were given: streams are really set */
};

/* One id of a master at one instance. */
struct weir_stream {
	struct weir_master *master; /* (c) */
	struct weir_iommu *iommu;   /* (c) */
	uint32_t id;                /* (c) */
	struct weir_list at_iommu;  /* (m) in iommu->streams */
};

/* How a device is behind IOMMUs. */
struct weir_master {
	struct weir_device *dev;     /* (c) */
	struct weir_group *group;    /* (c) */
	struct weir_list group_node; /* (g) in group->masters */
	uint32_t nr_streams;         /* (c) */
	struct weir_stream streams[];
};

struct weir_group {
	struct weir_machine *m;      /* (c) */
	int number;                  /* (c) */
	struct weir_lock *lock;      /* (c) */
	struct weir_list masters;    /* (g) */
	struct weir_domain *domain;  /* (g) attached now; referenced */
	/*
	 * (g) domains that a stream may still be behind because an instance did not
	 * even confirm that it is blocked: their parts are kept; referenced
	 */
	struct weir_domain *stuck[2];
	const void *owner;           /* (g) who claimed it, or NULL: drivers may */
};

/* What a domain has at one instance. */
struct weir_part {
	struct weir_list node;       /* (d) in domain->parts */
	struct weir_iommu *iommu;    /* (c) */
	void *driver;                /* (c) of part_create */
	uint32_t nr_streams;         /* (d) attached or being attached */
	bool broken;                 /* (d) did not confirm an invalidation */
};

struct weir_mapping {
	struct weir_tree_node node;
	uint64_t iova, pa, bytes;
	uint32_t prot;
};

struct weir_domain {
	struct weir_machine *m;      /* (c) */
	enum weir_domain_type type;  /* (c) */
	uint32_t refs;               /* (m) */
	struct weir_lock *lock;      /* (c) */
	struct weir_list parts;      /* (d) */
	struct weir_tree mappings;   /* (d) struct weir_mapping by iova */
	struct weir_domain_limits limits; /* (d) */
};

/* instance.c */
struct weir_iommu *weir_iommu_find_(const struct weir_fwnode *node);
/*
 * Puts a master behind the IOMMUs that firmware names for it, in a group with its
 * default domain. Machine lock held; dropped while hardware is told.
 * Return: 0 it is, or it has none; WEIR_EDEFER an instance is not there, whose node
 * is stored; WEIR_ENODEV an IOMMU is disabled; WEIR_EINVAL ids rejected; WEIR_EIO an
 * instance failed; WEIR_ENOMEM.
 */
int weir_iommu_configure_(struct weir_device *dev, struct weir_fwnode **out_missing);

/* group.c */
int weir_group_create_(struct weir_machine *m, struct weir_group **out_group);
void weir_group_destroy_(struct weir_group *group);
/* Its masters are going away: everything is blocked and let go. No lock held. */
void weir_group_leave_(struct weir_group *group);

/* attach.c, group lock held */
int weir_group_attach_(struct weir_group *group, struct weir_domain *domain);
/* Blocks what can be blocked and lets go of everything: the masters are going away. */
void weir_group_abandon_(struct weir_group *group, struct weir_domain *blocked);

/* domain.c */
bool weir_domain_has_mappings_(const struct weir_domain *domain);
/* The part of a domain at an instance, with one more stream; made when missing. */
int weir_part_get_(struct weir_domain *domain, struct weir_iommu *iommu, void **out_driver);
void weir_part_put_(struct weir_domain *domain, struct weir_iommu *iommu);
void weir_domain_unref_(struct weir_domain *domain); /* machine lock held */

/* mappings.c, domain lock held */
struct weir_mapping *weir_mapping_at_(struct weir_domain *domain, uint64_t iova);
/* The first mapping that ends behind @iova. */
struct weir_mapping *weir_mapping_from_(struct weir_domain *domain, uint64_t iova);
struct weir_mapping *weir_mapping_next_(struct weir_mapping *mapping);
/* Return: 0; WEIR_EEXIST when it overlaps one that is there. */
int weir_mapping_insert_(struct weir_domain *domain, struct weir_mapping *mapping);
void weir_mapping_erase_(struct weir_domain *domain, struct weir_mapping *mapping);

#endif
