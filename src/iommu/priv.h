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
#include "weir/table.h"

/*
 * How much of a stream's faults was told. (f): the instance's spin lock of faults;
 * only taken off its list with the machine lock as well.
 */
struct weir_fault_rate {
	struct weir_list node;   /* (f) in faults->noisy; empty when it is calm */
	struct weir_fault last;  /* (f) */
	uint32_t burst;          /* (f) told one by one since it was calm */
	uint32_t quiet_rounds;   /* (f) looked at without a new one */
	uint64_t held;           /* (f) not told yet */
	uint64_t told;           /* (f) of those held back, since it was calm */
	uint64_t seen_ns;        /* (f) when a new one was last seen */
	bool fresh;              /* (f) there were some since it was looked at */
};

struct weir_fault_report {
	struct weir_stream *stream; /* NULL: nobody's */
	struct weir_fault fault;
};

#define WEIR_FAULT_REPORTS 16u
struct weir_faults {
	struct weir_spin spin;          /* (c) */
	struct weir_tree streams;       /* (f) struct weir_stream by id; changed with (m) as well */
	struct weir_list noisy;         /* (f) struct weir_fault_rate */
	struct weir_fault_rate unknown; /* (f) of ids that nobody has */
	struct weir_fault_report reports[WEIR_FAULT_REPORTS]; /* (f) a ring, to be told */
	uint32_t first_report, nr_reports; /* (f) */
};

struct weir_iommu {
	struct weir_device *dev;          /* (c) that published it */
	const struct weir_iommu_ops *ops; /* (c) never NULL */
	void *instance;                   /* (c) the driver's */
	struct weir_lock *lock;           /* (c) held around attach, part_create, part_destroy */
	bool off;                         /* (i) has no power: only the books are kept */
	struct weir_list parts;           /* (i) of domains, by at_iommu */
	struct weir_list dead_parts;      /* (i) to be destroyed when it has power again */
	struct weir_list joined;          /* (i) streams, by joined */
	struct weir_faults faults;
	struct weir_list node;            /* (m) in m->iommus */
	struct weir_list streams;         /* (m) struct weir_stream, attached here */
	bool hardware;                    /* (c) ops were given: streams are really set */
	bool going;                       /* (m) no more masters come to it */
};

/* An id at an instance, put on their DMA by one or more masters of one group. */
struct weir_stream {
	struct weir_iommu *iommu;   /* (c) */
	uint32_t id;                /* (c) */
	uint32_t users;             /* (g) masters that have it */
	struct weir_group *group;   /* (c) */
	struct weir_list node;      /* (g) in group->streams */
	struct weir_list at_iommu;  /* (m) in iommu->streams */
	struct weir_list joined;    /* (i) in iommu->joined */
	bool fresh;                 /* (g) has its part, but was not put behind it */
	enum weir_domain_type type; /* (i) what it is behind, or will be with power again */
	struct weir_part *part;     /* (i) likewise; NULL for types without */
	/*
	 * (g) domains it may still be behind, because its instance did not even confirm
	 * that it is blocked: their parts are kept; referenced
	 */
	struct weir_domain *stuck[2];
	struct weir_tree_node by_id; /* (f, m) in iommu->faults.streams */
	struct weir_device *dev;     /* (f) a master's that has it: whose its faults are */
	struct weir_domain *domain;  /* (f) whose handler is asked; the group refers to it */
	struct weir_fault_rate rate;
};

/* What firmware says, translated: where a master's DMA goes. */
struct weir_stream_id {
	struct weir_iommu *iommu;
	uint32_t id;
};

/*
 * How a device is behind IOMMUs, while all of them are there; or, when firmware left it running,
 * some of them.
 */
struct weir_master {
	struct weir_device *dev;     /* (c) */
	struct weir_group *group;    /* (c) */
	struct weir_list group_node; /* (g) and (m) in group->masters */
	struct weir_list moving;     /* (m) in m->moving, while it joins or leaves */
	bool adopted;                /* (c) it runs already and does DMA directly, or one of its group */
	struct weir_domain *mirror;  /* (c) what it is adopted with; NULL: identity. Borrowed while it joins */
	bool holds;                  /* (m) keeps its instances awake, where no link does */
	bool whole;                  /* (m) all its instances are there */
	struct weir_iommu *coming;   /* (m) an instance that it gets a stream at; NULL */
	uint32_t nr_streams;         /* (c) that firmware says */
	struct weir_stream_id streams[]; /* (m) and (g); without instance while that is missing */
};

/* Special regions, sorted by their first address. */
struct weir_regions {
	struct weir_region *at;
	uint32_t n, max;
};

struct weir_group {
	struct weir_machine *m;      /* (c) */
	struct weir_identity *identity; /* (m) what makes it this group; its number. While it has users */
	uint32_t users;              /* (m) masters, and who makes one */
	uint32_t refs;               /* (m) users, and threads that have let go of the machine lock */
	struct weir_lock *lock;      /* (c) */
	struct weir_list masters;    /* (g) and (m); either is enough to read */
	struct weir_list streams;    /* (g) of all masters, each once */
	struct weir_domain *domain;  /* (g) attached now; referenced */
	struct weir_domain *usual;   /* (g) that of its drivers' DMA; referenced */
	struct weir_regions regions; /* (g) and (m); either is enough to read */
	const void *owner;           /* (g) who claimed it, or NULL: drivers may */
};

/*
 * What makes a group, known before and without any driver: devices of one identity
 * cannot be told apart or kept from each other.
 */
struct weir_identity {
	const char *key;             /* (m) the same whatever order devices came in */
	char *topology;              /* (c) the key, when the bus's topology says it; or NULL */
	int number;                  /* (c) a label */
	struct weir_list devices;    /* (m) struct weir_member */
	struct weir_group *group;    /* (m) while it has masters */
	bool loose;                  /* (m) one went that may have held others together */
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
	struct weir_part *parent;    /* (c) that a nested one stands on; NULL */
	void *driver;                /* (c) of part_create, part_nest */
	uint32_t nr_streams;         /* (p) attached or being attached, orphans, and one when held */
	uint32_t nr_orphans;         /* (p) streams that are gone, but not known to be blocked */
	bool held;                   /* (p) prepared: one of nr_streams is nobody's, and refers to the domain */
	bool unseen;                 /* (i) the hardware was never told of it: it had no power */
	bool walks;                  /* (c) the domain's tables: nothing is given to it */
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
	/* limits: changed with (d), narrowed with (p); who maps in tables reads them without */
	_Atomic uint64_t page_bytes, iova_min, iova_max;
	_Atomic(struct weir_table *) table; /* set once, with (p, d): then mappings is empty */
	_Atomic(struct weir_table *) filling; /* (d) tables to be: mappings that begin below filled_to are in them */
	uint64_t filled_to;          /* (d) */
	int fill_err;                /* (d) */
	struct weir_table_config config; /* (p) what the tables were made for */
	/* (m) Takes addresses out of what is handed out, or taken away; called with (m). NULL: nobody. */
	int (*reserve)(struct weir_domain *domain, uint64_t first, uint64_t last);
	struct weir_tables tables;   /* (c) of external ones; (p) until there are tables, then (c) */
	bool stage2;                 /* (c) its tables are to be of stage 2 */
	struct weir_domain *parent;  /* (c) of a nested one; referenced */
	struct weir_nested nested;   /* (c) */
	weir_domain_fault_fn *handler; /* (d) */
	void *handler_context;       /* (d) */
	uint32_t handling;           /* (d) calls of the handler under way */
	_Atomic bool has_handler;
	struct weir_dma_space *dma;  /* (m) of the DMA calls, while devices use it for them */
	bool unconfirmed;            /* (m) the DMA calls could not take all away: nobody uses it for them again */
	struct weir_dma_mirror *mirror; /* (m) whose it is, to adopt a device with; or NULL */
	struct weir_domain *next_dead; /* in m->dead_domains */
};

/* instance.c */
/* NULL: it is not there, or on its way out. */
struct weir_iommu *weir_iommu_find_(const struct weir_fwnode *node);
/* These two as weir_part_iommu's. */
struct weir_device *weir_iommu_claimed_(struct weir_device *dev, unsigned int index);
void weir_iommus_free_(struct weir_machine *m);

/* master.c */
/*
 * A device has one master at a time: another thread may be about to make one, of what firmware
 * left running, or to take one out, whose instance goes. Lets it. Machine lock held; dropped.
 */
void weir_iommu_wait_(const struct weir_device *dev);
/*
 * Puts a device behind the IOMMUs that firmware names for it, in its group and behind
 * that group's usual domain. Machine lock held; dropped while hardware is told.
 * Return: 0 it is, or it has none; WEIR_EDEFER an instance is not there, whose node
 * is stored; WEIR_ENODEV an IOMMU is disabled; WEIR_EINVAL ids rejected; WEIR_EBUSY the
 * group is claimed, or another group has one of its streams; WEIR_EIO an instance failed;
 * WEIR_ENOMEM.
 */
int weir_iommu_configure_(struct weir_device *dev, struct weir_fwnode **out_missing);
/*
 * A device is about to have its driver without its IOMMUs: those that are there block it, also what
 * firmware left running. Machine lock as above.
 */
void weir_iommu_without_(struct weir_device *dev, int why);
/*
 * Puts a device that is bound, and does DMA directly, behind its IOMMUs without it
 * noticing: behind @domain, or an identity domain when that is NULL. Machine lock as above.
 * Return: as above; WEIR_EBUSY when others of its group are translated.
 */
int weir_iommu_adopt_(struct weir_device *dev, struct weir_domain *domain);
/* As weir_part_iommu's. */
void weir_iommu_detach_(struct weir_device *dev);
/*
 * Puts a device that firmware left running behind those of its IOMMUs that are there, as far as it
 * is not; the others follow. Machine lock as above. Return: 0; as above: what failed is blocked.
 */
int weir_iommu_configure_left_(struct weir_device *dev);
/* An instance goes: its masters are none any more, but what firmware left running stays one at others. */
void weir_iommu_detach_from_(struct weir_device *dev, const struct weir_iommu *iommu);
/* Whether it has a stream at an instance, or gets one. Machine lock held. */
bool weir_master_is_at_(const struct weir_master *master, const struct weir_iommu *iommu);
/* Its instances stay awake for it, or need not any more. Machine lock held. */
void weir_master_hold_(struct weir_master *master, bool on);
/* The device's own rule, or the machine's. */
enum weir_iommu_late weir_iommu_late_of_(const struct weir_device *dev);
/* Whether @sup is one of the IOMMUs that firmware names for @dev. Machine lock held. */
bool weir_iommu_is_of_(struct weir_device *dev, const struct weir_device *sup);
/* The device whose stream that would be, attached or not; NULL. O(devices). Machine lock held. */
struct weir_device *weir_iommu_device_with_(struct weir_iommu *iommu, uint32_t id);
/* A device has no driver any more: its group is blocked when no other of it has one. As above. */
void weir_iommu_park_(struct weir_device *dev);
/*
 * The @index-th IOMMU of a device, and what firmware says of it there. Machine lock held.
 * Return: as weir_firmware_spec().
 */
int weir_iommu_spec_(struct weir_device *dev, unsigned int index, struct weir_fwspec *out_spec);

/* identity.c, machine lock held */
/*
 * Finds out a device's identity, unless it has one. Return: 0; WEIR_EBUSY two groups in
 * use would become one; WEIR_ENOMEM.
 */
int weir_identify_(struct weir_device *dev);
/* These two as weir_part_iommu's. */
int weir_identity_added_(struct weir_device *dev);
void weir_identity_forget_(struct weir_device *dev);
void weir_identities_free_(struct weir_machine *m);
/* It is behind no IOMMU any more: where identities are found out late, they are forgotten early. */
void weir_identity_detached_(struct weir_device *dev);
/* What nothing holds together any more parts, unless it is in use. Machine lock held. */
void weir_identity_split_(struct weir_machine *m, struct weir_identity *identity);
/* Whether the policy makes one group of those that have an id in common. */
bool weir_identity_by_ids_(struct weir_machine *m);
/* Of a device that has one, or NULL. */
struct weir_identity *weir_identity_of_(const struct weir_device *dev);

/* group.c, machine lock held */
/* The group of an identity, made when there is none, with one more user. Return: 0; WEIR_ENOMEM. */
int weir_group_get_(struct weir_machine *m, struct weir_identity *identity,
		    struct weir_group **out_group);
void weir_group_put_(struct weir_group *group);
/* Keeps its memory and its lock, but not its masters. */
void weir_group_ref_(struct weir_group *group);
void weir_group_unref_(struct weir_group *group);
/* Waits while another thread has a master join or leave, or for a moment; the lock is dropped. */
void weir_group_wait_(struct weir_group *group);

/* attach.c, group lock held */
int weir_group_attach_(struct weir_group *group, struct weir_domain *domain);
/*
 * A master comes to the group, or more of it: its streams from @first up to @end are put behind what
 * the group is behind, or behind its usual domain when that is nothing yet. All of them or none.
 * Return: 0; as weir_group_attach(); WEIR_EBUSY when another group has one of them.
 */
int weir_group_join_(struct weir_group *group, struct weir_master *master, uint32_t first,
		     uint32_t end);
/*
 * A master goes, or one of its instances (NULL: all): the streams there that nobody else has are
 * blocked, as far as that can be done, and forgotten.
 */
void weir_group_leave_(struct weir_group *group, struct weir_master *master,
		       const struct weir_iommu *iommu);

/* region.c */
#define WEIR_REGIONS_MAX 256u /* that one source may tell of one stream or device; more are an error */
void weir_regions_free_(struct weir_machine *m, struct weir_regions *list);
/*
 * The regions of a master that comes are the group's, with those of its streams from @first up to
 * @end. Group lock held. Return: 0; WEIR_EIO when an instance failed, or told nonsense; WEIR_ENOMEM.
 */
int weir_regions_join_(struct weir_group *group, const struct weir_master *master, uint32_t first,
		       uint32_t end);
/*
 * Maps in a domain what its masters need at all times. Group lock held. Return: 0; WEIR_EEXIST when
 * something else is mapped there; as weir_domain_map().
 */
int weir_regions_map_(struct weir_group *group, struct weir_domain *domain);
/* One doorbell more for a group. Group lock held. Return: as above. */
int weir_regions_doorbell_(struct weir_group *group, uint64_t pa);
/*
 * The @index-th special region of a group, sorted by first address; those of one kind and
 * with the same rights do not overlap. Group or machine lock held. Return: 0; WEIR_ENOENT after the last.
 */
int weir_group_region_(const struct weir_group *group, unsigned int index,
		       struct weir_region *out_region);
/* left.c */
/*
 * Devices behind a new instance that firmware may have left running, for they have direct
 * regions, become masters before any driver takes them. Machine lock held; dropped.
 */
void weir_iommu_keep_running_(struct weir_device *iommu);
/* It is such a master, and no driver was bound to it since. Machine lock held. */
bool weir_left_running_(const struct weir_device *dev);
/*
 * The stream of a master that goes with its instance stays behind what it is behind, where that
 * is due and the hardware can. Group lock held. Return: whether it does; otherwise it is to be blocked.
 */
bool weir_left_keep_(struct weir_stream *stream, const struct weir_master *master);
/* What a master that comes was left behind, with one more reference; NULL. Group lock held. */
struct weir_domain *weir_left_domain_(const struct weir_master *master);
/* Nothing is left behind anything at an IOMMU any more (NULL: at none). Machine lock held. */
void weir_left_forget_(struct weir_machine *m, const struct weir_fwnode *target);

/* msi.c */
void weir_msi_free_(struct weir_machine *m);

/* domain.c */
/*
 * Narrows the limits; what is mapped must fit. Parts lock held.
 * Return: 0; WEIR_EINVAL. @out_old: for weir_domain_widen_(), which takes it back.
 */
int weir_domain_narrow_(struct weir_domain *domain, const struct weir_domain_limits *limits,
			struct weir_domain_limits *out_old);
void weir_domain_widen_(struct weir_domain *domain, const struct weir_domain_limits *old);
/* One that is not the machine's own. Return: 0; WEIR_ENOMEM. */
int weir_domain_make_(struct weir_machine *m, enum weir_domain_type type,
		      struct weir_domain **out_domain);
extern const struct weir_domain_limits weir_default_limits_;
/* What is mapped at @iova, or next behind it. Spin lock held. Return: 0; WEIR_ENOENT. */
int weir_domain_next_(struct weir_domain *domain, uint64_t iova,
		      struct weir_domain_mapping *out_mapping);
/* weir_domain_unref() in any context: the last one only has it freed later. */
void weir_domain_unref_late_(struct weir_domain *domain);
/* Frees those. Context: thread. */
void weir_domains_reap_(struct weir_machine *m);
bool weir_domain_has_mappings_(const struct weir_domain *domain);
/*
 * What a map of these two returns that failed, and an instance did not confirm that what it had
 * done is undone: devices may reach it. Not public.
 */
#define WEIR_UNCONFIRMED_ (-10001)
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
/* weir_domain_map() of what is within the limits. Context: any. Return: as that, or WEIR_UNCONFIRMED_. */
int weir_domain_map_page_(struct weir_domain *domain, uint64_t iova, uint64_t pa, uint64_t bytes,
			  uint32_t prot);
/*
 * weir_domain_unmap() of what was mapped as a whole. @wait false: out of the books at once, but
 * devices may go on using it until weir_domain_sync_() returns 0; until then nothing else may
 * be mapped there. Context: any. Return: as weir_domain_unmap(); WEIR_ENOENT: it was not mapped.
 */
int weir_domain_unmap_whole_(struct weir_domain *domain, uint64_t iova, uint64_t bytes, bool wait);
/*
 * Everything that was unmapped lazily before the call is out of use. Context: any.
 * Return: 0; WEIR_EIO when an instance did not confirm it: the memory must not be used
 * for anything else.
 */
int weir_domain_sync_(struct weir_domain *domain);

/* power.c. Its dev, ops and instance are set. Return: 0; WEIR_ENOMEM. */
int weir_iommu_init_(struct weir_iommu *iommu);
/* The last users of its parts are let go: the hardware is gone. Machine lock not held. */
void weir_iommu_fini_(struct weir_iommu *iommu);
void weir_iommu_lock_(struct weir_iommu *iommu);
void weir_iommu_unlock_(struct weir_iommu *iommu);

/* part.c */
/* The part of a domain at an instance, with one more stream; made and filled when missing. */
int weir_part_get_(struct weir_domain *domain, struct weir_iommu *iommu);
void weir_part_put_(struct weir_domain *domain, struct weir_iommu *iommu);
/* It is there from now on, also without streams. Return: as weir_part_get_(). */
int weir_part_hold_(struct weir_domain *domain, struct weir_iommu *iommu);
/* One that is held is no more. False: there was none. Somebody refers to the domain. */
bool weir_part_let_go_(struct weir_domain *domain);
/* Instead of put: the stream goes, but may still use the part; it is kept for weir_iommu_fini_. */
void weir_part_orphan_(struct weir_domain *domain, struct weir_iommu *iommu);
/*
 * Nested parts stand on one of their parent at the same instance: who gets one, gets that first, so
 * that it lives longer; and no two locks of parts are held at a time.
 */
/* One that somebody got. NULL: domains of that type have none. */
struct weir_part *weir_part_find_(struct weir_domain *domain, const struct weir_iommu *iommu);
/* All that is mapped is given to it. Instance lock held. Return: 0; WEIR_EIO; what the instance returned. */
int weir_part_fill_(struct weir_part *part);
/* Nothing is in it any more. Instance lock held. */
void weir_part_empty_(struct weir_part *part);
/* Destroys the dead parts of an instance. Instance lock held. */
void weir_parts_bury_(struct weir_iommu *iommu);
/* The instance goes: so do its parts. No lock held. */
void weir_parts_end_(struct weir_iommu *iommu);
/* These four with the domain's spin lock held. */
int weir_part_map_(struct weir_part *part, struct weir_mapping *batch);
/* The batch up to, not including, @end; waits for it. Return: 0; WEIR_EIO, and it is broken. */
int weir_part_unmap_(struct weir_part *part, const struct weir_mapping *batch,
		     const struct weir_mapping *end, bool wait);
int weir_part_sync_(struct weir_part *part);
int weir_part_invalidate_(struct weir_part *part, const struct weir_invalidation *what);

/* tables.c */
/* The tables that hold all a domain has mapped; NULL: the books do. */
static inline struct weir_table *weir_domain_table_(const struct weir_domain *domain)
{
	return atomic_load_explicit(&domain->table, memory_order_acquire);
}
/*
 * An instance comes: it suits the tables, or a domain without them gets those it wants, with all that
 * is mapped, and weir_tables_commit_() or weir_tables_abort_() follows. Parts lock held.
 * Return: 0; WEIR_EOPNOTSUPP, and the log says why; as weir_table_create(); WEIR_EINVAL.
 */
int weir_tables_begin_(struct weir_domain *domain, const struct weir_iommu *iommu);
/* The books are gone. Fine without tables to be. Return: 0; what went wrong meanwhile: abort. */
int weir_tables_commit_(struct weir_domain *domain);
/* Fine without. */
void weir_tables_abort_(struct weir_domain *domain);
/* Of a domain that goes. */
void weir_tables_free_(struct weir_domain *domain);
/* Narrows limits to those of the tables, also of tables to be. Parts lock held. */
void weir_tables_limit_(const struct weir_domain *domain, struct weir_domain_limits *limits);
/* These five with the spin lock held. Whether all that is mapped fits into limits. */
bool weir_tables_fit_(const struct weir_domain *domain, const struct weir_domain_limits *limits);
/* What is mapped from @iova on, or next behind it. Return: 0; WEIR_ENOENT. */
int weir_tables_next_(const struct weir_domain *domain, uint64_t iova,
		      struct weir_domain_mapping *out_mapping);
/* A batch came into the books, or is about to go: tables to be follow. */
void weir_tables_mapped_(struct weir_domain *domain, const struct weir_mapping *batch);
void weir_tables_unmapped_(struct weir_domain *domain, const struct weir_mapping *batch);
/* All that can be cached of a domain. */
void weir_tables_everything_(const struct weir_domain *domain, struct weir_invalidation *out_what);
/*
 * The same as the functions of domain.h, on tables. No lock held.
 * @wait: no instance uses what was there when it returns.
 */
int weir_tables_map_(struct weir_domain *domain, const struct weir_span *spans, unsigned int n,
		     uint32_t prot);
int weir_tables_unmap_(struct weir_domain *domain, uint64_t iova, uint64_t bytes, bool wait,
		       uint64_t *out_unmapped);
/*
 * What weir_table_unmap() of what was mapped as a whole left to be done, with what it returned;
 * tables that get empty stay. Return: as weir_domain_unmap_whole_().
 */
int weir_tables_unmap_rest_(struct weir_domain *domain, uint64_t iova, uint64_t bytes, bool wait,
			    int err, struct weir_table_gather *gather);
/*
 * Nobody uses any more what was taken away, when it returns 0. WEIR_EIO: tables that somebody may
 * yet use stay the domain's.
 */
int weir_tables_finish_(struct weir_domain *domain, struct weir_table_gather *gather);
/* Instances drop what they cached, and are waited for. Return: 0; WEIR_EIO. */
int weir_tables_tell_(struct weir_domain *domain, const struct weir_invalidation *what);
/* Nothing that was unmapped before the call is used any more. Return: 0; WEIR_EIO. */
int weir_tables_flush_(struct weir_domain *domain);
/* What a table of the last level maps, with entries of 64 bits; others map less. */
static inline uint64_t weir_tables_span_(const struct weir_domain *domain)
{
	return weir_domain_table_(domain) ? UINT64_C(1) << (2 * domain->tables.granule_lg2 - 3)
					  : UINT64_MAX;
}
/*
 * Before a flush: tables of which an unmapped range has all, that nobody maps in, are unlinked. When it
 * is done, weir_tables_finish_() frees them; one that failed leaves them to the domain.
 */
void weir_tables_unlink_(struct weir_domain *domain, uint64_t iova, uint64_t bytes,
			 struct weir_table_gather *gather);
/* Tables that map nothing go; as weir_domain_trim(). */
int weir_tables_trim_(struct weir_domain *domain);

/* fault.c */
/* As weir_part_iommu's. */
void weir_faults_tell_(struct weir_machine *m);
int weir_faults_init_(struct weir_iommu *iommu);
/* Whatever is still untold is told. Machine lock not held. */
void weir_faults_fini_(struct weir_iommu *iommu);
/* A stream that is there with an id, or NULL. Machine lock held. */
const struct weir_stream *weir_faults_find_(struct weir_iommu *iommu, uint32_t id);
/* A stream comes, with the device that its faults are put down to; and goes. Machine lock held. */
void weir_faults_add_(struct weir_stream *stream, struct weir_device *dev);
void weir_faults_del_(struct weir_stream *stream);
/* Its faults are another device's from now on. */
void weir_faults_owner_(struct weir_stream *stream, struct weir_device *dev);
/* It is behind another domain, which stays referenced as long as that is so. */
void weir_faults_domain_(struct weir_stream *stream, struct weir_domain *domain);

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
