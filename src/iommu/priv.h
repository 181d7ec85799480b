// SPDX-License-Identifier: MIT
/*
 * The IOMMU stack's private types. Letters at members: (c) constant after
 * creation, (m) machine lock, (g) the group's lock, (p) the domain's lock of parts,
 * (d) the domain's spin lock, (i) the instance's lock.
 */
#ifndef WEIR_IOMMU_PRIV_H
#define WEIR_IOMMU_PRIV_H

#include "core/core.h"
#include "core/tree.h"
#include "weir/spin.h"

struct weir_iommu {
	struct weir_device *dev;          /* (c) that published it */
	const struct weir_iommu_ops *ops; /* (c) never NULL */
	void *instance;                   /* (c) the driver's */
	struct weir_lock *lock;           /* (c) held around attach, part_create, part_destroy */
	bool off;                         /* (i) has no power: only the books are kept */
	struct weir_list parts;           /* (i) of domains, by at_iommu */
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

/*
 * What a domain has at one instance. Mappings that begin below filled_to are in it, and
 * all are once it is full; it is empty while the instance has no power.
 */
struct weir_part {
	struct weir_list node;       /* (p, d) in domain->parts: both locks to change it */
	struct weir_list at_iommu;   /* (i) in iommu->parts */
	struct weir_domain *domain;  /* (c) */
	struct weir_iommu *iommu;    /* (c) */
	void *driver;                /* (c) of part_create */
	uint32_t nr_streams;         /* (p) attached or being attached, and orphans */
	uint32_t nr_orphans;         /* (p) streams that are gone, but not known to be blocked */
	uint64_t filled_to;          /* (d) */
	bool full;                   /* (d) */
	bool broken;                 /* (d) failed to fill, or did not confirm an invalidation */
};

struct weir_mapping {
	struct weir_tree_node node;
	struct weir_mapping *next;   /* in a batch, or spare */
	uint64_t iova, pa, bytes;
	uint32_t prot;
};

struct weir_domain {
	struct weir_machine *m;      /* (c) */
	enum weir_domain_type type;  /* (c) */
	_Atomic uint32_t refs;
	struct weir_lock *parts_lock; /* (c) who comes and who goes */
	struct weir_spin spin;       /* (c) */
	struct weir_list parts;      /* (p, d) */
	struct weir_tree mappings;   /* (d) struct weir_mapping by iova */
	uint32_t aligned[64];        /* (d) mappings whose addresses and size are a multiple of 2^i, and no more */
	struct weir_mapping *spare;  /* (d) for the next ones */
	uint32_t nr_spare;           /* (d) */
	struct weir_domain_limits limits; /* (d) */
	struct weir_external external; /* (c) of that type */
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
/* One that is not the machine's own. Return: 0; WEIR_ENOMEM. */
int weir_domain_make_(struct weir_machine *m, enum weir_domain_type type,
		      struct weir_domain **out_domain);
extern const struct weir_domain_limits weir_default_limits_;
void weir_domain_unref_(struct weir_domain *domain);
bool weir_domain_has_mappings_(const struct weir_domain *domain);
/* A piece of memory and where it appears. */
struct weir_span {
	uint64_t iova, pa, bytes;
};
/*
 * weir_domain_map() for several at once: all or none, and instances are waited for once.
 * Context: any. @n should be bounded: interrupts are off meanwhile.
 */
int weir_domain_map_spans_(struct weir_domain *domain, const struct weir_span *spans,
			   unsigned int n, uint32_t prot);
/*
 * weir_domain_unmap() without waiting: out of the books at once, but devices may go on
 * using it until weir_domain_sync_() returns 0; until then nothing else may be mapped there.
 * Context: any. Return: as weir_domain_unmap().
 */
int weir_domain_unmap_lazy_(struct weir_domain *domain, uint64_t iova, uint64_t bytes);
/*
 * Everything that was unmapped lazily before the call is out of use. Context: any.
 * Return: 0; WEIR_EIO when an instance did not confirm it: the memory must not be used
 * for anything else.
 */
int weir_domain_sync_(struct weir_domain *domain);

/* part.c. Its dev, ops and instance are set. Return: 0; WEIR_ENOMEM. */
int weir_iommu_init_(struct weir_iommu *iommu);
/* The last users of its parts are let go: the hardware is gone. Machine lock not held. */
void weir_iommu_fini_(struct weir_iommu *iommu);
void weir_iommu_lock_(struct weir_iommu *iommu);
void weir_iommu_unlock_(struct weir_iommu *iommu);
/* The part of a domain at an instance, with one more stream; made and filled when missing. */
int weir_part_get_(struct weir_domain *domain, struct weir_iommu *iommu, void **out_driver);
void weir_part_put_(struct weir_domain *domain, struct weir_iommu *iommu);
/* Instead of put: the stream goes, but may still use the part; it is kept for weir_iommu_fini_. */
void weir_part_orphan_(struct weir_domain *domain, struct weir_iommu *iommu);
/* One that somebody got. NULL: domains of that type have none. */
struct weir_part *weir_part_find_(struct weir_domain *domain, const struct weir_iommu *iommu);
/* These four with the domain's spin lock held. */
int weir_part_map_(struct weir_part *part, struct weir_mapping *batch);
/* The batch up to, not including, @end; waits for it. Return: 0; WEIR_EIO, and it is broken. */
int weir_part_unmap_(struct weir_part *part, const struct weir_mapping *batch,
		     const struct weir_mapping *end, bool wait);
int weir_part_sync_(struct weir_part *part);
int weir_part_invalidate_(struct weir_part *part, uint64_t iova, uint64_t bytes);

/* mappings.c, domain's spin lock held */
struct weir_mapping *weir_mapping_at_(struct weir_domain *domain, uint64_t iova);
/* The first mapping that ends behind @iova. */
struct weir_mapping *weir_mapping_from_(struct weir_domain *domain, uint64_t iova);
struct weir_mapping *weir_mapping_next_(struct weir_mapping *mapping);
/* A mapping in the books. Return: 0; WEIR_EEXIST when it overlaps one that is there; WEIR_ENOMEM. */
int weir_mapping_add_(struct weir_domain *domain, const struct weir_span *span, uint32_t prot,
		      struct weir_mapping **out_mapping);
void weir_mapping_del_(struct weir_domain *domain, struct weir_mapping *mapping);
/* All of them; the domain is going. */
void weir_mappings_free_(struct weir_domain *domain);
/* Whether all mappings fit into limits. */
bool weir_mappings_fit_(struct weir_domain *domain, const struct weir_domain_limits *limits);

#endif
