// SPDX-License-Identifier: MIT
/*
 * The engine's private types. Everything here belongs to one machine and is
 * guarded by its lock: functions that end in an underscore are called with the
 * lock held, driver callbacks run without it.
 *
 * Letters at members: (c) constant after creation, (m) machine lock,
 * (p) the policy's, under the machine lock.
 */
#ifndef WEIR_CORE_CORE_H
#define WEIR_CORE_CORE_H

#include <stdatomic.h>

#include "core/list.h"
#include "core/map.h"
#include "core/slab.h"
#include "core/tree.h"
#include "weir/weir.h"

struct weir_module {
	struct weir_machine *m;                 /* (c) */
	const struct weir_module_entry *entry;  /* (c) */
	void *image;                            /* (c) the host's, NULL when in the program */
	struct weir_list node;                  /* (m) in m->modules */
	unsigned int nr_registered;             /* (m) of its drivers */
	unsigned int holds;                     /* (m) weir_module_get */
	bool live;                              /* (m) loaded, and not being unloaded */
};

/* A registered driver. */
struct weir_reg {
	const struct weir_driver *drv;  /* (c) */
	struct weir_bus *bus;           /* (c) */
	uint32_t seq;                   /* (c) order of registration in the machine */
	bool going;                     /* (m) being unregistered */
	bool closed;                    /* (m) its module is going: no new attempts */
	unsigned int users;             /* (m) walks and probes that use it */
	struct weir_list node;          /* (m) in bus->drivers */
	struct weir_list devices;       /* (m) bound devices, in order of binding */
};

/* A match key of a bus: who offers it, who takes it. Sorted by seq. */
struct weir_key {
	char *text;
	struct weir_device **devices;
	struct weir_reg **regs;
	uint32_t nr_devices, max_devices;
	uint32_t nr_regs, max_regs;
};

struct weir_bus {
	struct weir_machine *m;          /* (c) */
	char *name;                      /* (c) */
	const struct weir_bus_ops *ops;  /* (c) never NULL */
	struct weir_list node;           /* (m) in m->buses */
	struct weir_list devices;        /* (m) in order of addition */
	struct weir_list drivers;        /* (m) in order of registration */
	struct weir_map keys;            /* (m) text -> struct weir_key */
	struct weir_map devices_by_name; /* (m) */
	struct weir_map drivers_by_name; /* (m) */
};

struct weir_resource {
	struct weir_list node;
	void (*release)(void *data);
	void *data;
	size_t bytes; /* of this struct with what follows it */
};

/*
 * What the other end of a link touches comes first, and fits a cache line; then what
 * its own probe touches.
 */
struct weir_device {
	struct weir_machine *m;         /* (c) */
	uint32_t refs;                  /* (m) */
	uint32_t nr_blocking;           /* (m) managed links that hold the probe back */
	struct weir_list consumers;     /* (m) links where it is the supplier, oldest first */
	struct weir_reg *reg;           /* (m) driver bound or probing */
	int64_t rank;                   /* (m) above that of all it needs; rank.c */
	uint32_t rpm_users;             /* (m) who need it awake; rpm.c */
	uint32_t bound_seq;             /* (m) order of its last bind */
	bool rpm_up;                    /* (m) awake, and holds what it needs */
	uint8_t status;                 /* (m) enum weir_device_status */
	bool added, dead;               /* (m) */
	bool can_match;                 /* (m) a driver has matched it */
	bool best_effort;               /* (m) */
	bool soft_start;                /* (m) being probed with suppliers missing */
	bool state_synced;              /* (m) */
	bool busy;                      /* (m) inside an attempt to probe it */
	bool parked;                    /* (m) its probe goes on until weir_probe_done_ */
	bool doomed;                    /* (m) to be deleted when the work that is in the way is over */
	bool lost_supplier;             /* (m) while it was probed: it is not to stay bound */
	bool sync_queued;               /* (m) sync_node is in a list that holds a reference */
	bool was_bound;                 /* (m) */
	bool no_driver_ever;            /* (p) final: nothing in the catalogue fits */
	int iommu_err;                  /* (m) why it goes without IOMMU, or 0 */
	struct weir_list suppliers;     /* (m) links where it is the consumer, oldest first */
	struct weir_list wait_node;     /* (p) in one of the policy's queues */
	uint32_t seq;                   /* (m) order of addition, 0 before */
	int last_err;                   /* (m) of the last probe that failed for good, or 0 */
	struct weir_fwnode *fwnode;     /* (c) */
	uint32_t wait_word;             /* (p) */
	uint32_t cause;                 /* (m) event that queued it */
	struct weir_bus *bus;           /* (c) */
	union {
		struct weir_key *one;   /* with one key */
		struct weir_key **many; /* with more */
	} keys;                         /* (m) while it is on its bus, nr_keys of them */
	uint32_t nr_keys;               /* (m) */
	bool relinked;                  /* (p) */
	bool rpm_enabled, rpm_asleep;   /* (m) */
	bool rpm_parent_held;           /* (m) holds a use of its parent */
	bool suspended;                 /* (m) with the machine */
	uint8_t iommu_need, iommu_late; /* (m) rules of its own, each plus one; 0: the machine's */
	bool untranslated;              /* (m) bound, or being so, without its IOMMU */
	bool left;                      /* (m) was made a master for firmware left it running */
	bool given_up;                  /* (m) ... which is over, for nobody came */
	bool dma_direct;                /* (m) settled before its probe: without translation */
	struct weir_device *parent;     /* (c) referenced */
	struct weir_list children;      /* (m) */
	char *reason;                   /* (m) why it waits, or NULL */
	struct weir_work *work;         /* (m) what has it for itself: probe, unbinding, deletion; or NULL */
	struct weir_master *master;     /* (m) how it is behind IOMMUs, or NULL */
	struct weir_list reg_node;      /* (m) in reg->devices */
	struct weir_list bound_node;    /* (m) in m->bound */
	struct weir_list *consumer_at;  /* (m) next of its consumers to unbind, or to be told; or NULL */
	struct weir_fwnode *iommu_missing; /* (m) the instance it waits for, or NULL */
	_Atomic(struct weir_dma *) dma; /* how it does DMA, or NULL: its driver did not so far */
	/* a probe of a plain device does without what follows */
	char *name;                     /* (c) */
	uint32_t name_bytes, name_hash; /* (c) */
	uint64_t mark;                  /* (m) visited stamp of graph walks */
	struct weir_list bus_node;      /* (m) in bus->devices */
	struct weir_list all_node;      /* (m) in m->devices */
	struct weir_list child_node;    /* (m) in parent->children; in m->joining before */
	struct weir_list sync_node;     /* (m) parked or queued for sync_state */
	struct weir_list rpm_node;      /* (m) in m->rpm_todo, or on a stack of rpm.c */
	struct weir_list resources;     /* (m) struct weir_resource, last first */
	void *data;                     /* (m) the driver's */
	void *bus_data;                 /* (c) the bus's */
	void (*release)(struct weir_device *dev); /* (c) with the last reference; may be NULL */
	struct weir_device *release_up; /* (m) what is unbound after it: a supplier; scratch */
	struct weir_iommu *iommu;       /* (m) the instance it published, or NULL */
	struct weir_member *member;     /* (m) its ids and the group they mean, or NULL */
	_Atomic(struct weir_iommu *) fault_iommu; /* as iommu, for faults */
	_Atomic uint32_t faulting;      /* calls of weir_iommu_fault() under way */
	struct weir_clocks *clocks;     /* (m) those it provides, or NULL */
	bool clocks_left;               /* (m) those it needs run, and no driver has them */
	bool gate_open;                 /* (m) the embedder's gate lets it through */
	struct weir_device *pm_next;    /* (m) scratch of pm.c */
	struct weir_list *pm_at;        /* (m) scratch of pm.c */
};

/* Links are many, and reached in any order: one fits a cache line. */
struct weir_link {
	struct weir_device *supplier;  /* (c) referenced */
	struct weir_device *consumer;  /* (c) referenced */
	struct weir_list s_node;       /* (m) in supplier->consumers */
	struct weir_list c_node;       /* (m) in consumer->suppliers */
	const char *property;          /* (m) */
	uint32_t flags : 12;           /* (m) WEIR_LINK_* */
	uint32_t state : 3;            /* (m) enum weir_link_state */
	uint32_t blocking : 1;         /* (m) counted in consumer->nr_blocking */
	uint32_t rpm_held : 1;         /* (m) holds a runtime PM use of the supplier */
	uint32_t refs : 15;            /* (m) of a stateless link, up to WEIR_LINK_REFS_ */
	uint32_t index;                /* (m) its place in m->links */
};

#define WEIR_LINK_REFS_ 0x7fffu

/* What links touch comes first. */
struct weir_fwnode {
	struct weir_machine *m;            /* (c) */
	struct weir_device *owner;         /* (m) */
	struct weir_list suppliers;        /* (m) fwlinks where it is the consumer, last found first */
	struct weir_list consumers;        /* (m) fwlinks where it is the supplier */
	uint32_t flags;                    /* (m) WEIR_FWNODE_* */
	uint32_t nr_blocking;              /* (m) fwlinks that hold it back */
	struct weir_fwnode *parent;        /* (c) */
	struct weir_fwnode *first_child;   /* (m) grows with overlays only */
	struct weir_fwnode *next_sibling;  /* (m) */
	const struct weir_firmware_ops *ops; /* (c) */
	const char *name;                  /* (c) */
	uint64_t mark;                     /* (m) visited stamp of graph walks */
	uint32_t index;                    /* (m) in tree order; scratch of cycle analysis */
	int32_t rank;                      /* (m) of its device at first; rank.c */
};

/*
 * A flag of a supplier node: one of the links to it may be a device's, because the consumer's
 * node, or one above it, has one. Without it nobody looks for such links when the supplier
 * gets its device, which comes first as a rule.
 */
#define WEIR_FWNODE_SOUGHT_ 0x10000u

/* As large as struct weir_link: the two share a slab. */
struct weir_fwlink {
	struct weir_fwnode *consumer;  /* (c) */
	struct weir_fwnode *supplier;  /* (m) moves to an ancestor */
	struct weir_list c_node;       /* (m) in consumer->suppliers */
	struct weir_list s_node;       /* (m) in supplier->consumers */
	const char *property;          /* (m) */
	uint32_t flags;                /* (m) */
};

/* A piece of work on devices, while it runs; on the stack of its thread. work.c */
struct weir_work {
	struct weir_list node;           /* (m) in m->works */
	uint64_t thread;                 /* (c) its number */
	struct weir_device *dev;         /* (c) whose driver is called, or NULL */
	const struct weir_device *waits; /* (m) what the thread waits for, or NULL */
	bool async;                      /* (m) a function given to thread_run */
	bool marked;                     /* (m) scratch */
};

struct weir_machine {
	const struct weir_host_ops *ops;      /* (c) */
	void *host;                           /* (c) */
	const struct weir_policy_ops *policy; /* (c) */
	struct weir_parts parts;              /* (c) */
	void *policy_state;                   /* (p) */
	struct weir_lock *lock;               /* (c) */
	struct weir_slab device_slab;         /* (m) */
	struct weir_slab link_slab;           /* (m) links, and firmware-node links that turn into them */
	struct weir_slab node_slab;           /* (m) nodes made by code */
	struct weir_list buses;               /* (m) */
	struct weir_list devices;             /* (m) all added, in order of addition */
	struct weir_list joining;             /* (m) devices with a parent that are being added */
	struct weir_link **links;             /* (m) all, in order of creation, with holes */
	uint32_t nr_links, max_links;         /* (m) of these, holes included */
	struct weir_list modules;             /* (m) */
	void (*modules_free)(struct weir_machine *m); /* (m) NULL: there never was one */
	struct weir_map buses_by_name;        /* (m) */
	struct weir_fwnode *root;             /* (m) of the firmware tree, or NULL */
	struct weir_fwnode *soft_roots;       /* (m) roots made by code, by next_sibling */
	bool keep_fwlinks;                    /* (m) dropped links go to the next list */
	struct weir_list kept_fwlinks;        /* (m) by c_node, in the order of dropping */
	struct weir_dt *dt;                   /* (m) firmware/dt's */
	struct weir_acpi_tree *acpi;          /* (m) firmware/acpi's */
	char firmware_error[160];             /* (m) */
	uint32_t device_seq, driver_seq, bound_seq; /* (m) */
	uint32_t sync_pause;                  /* (m) sync_state is parked while not 0 */
	bool sync_strict_off;                 /* (m) */
	struct weir_list sync_parked;         /* (m) devices by sync_node */
	struct weir_list moving;              /* (m) struct weir_master, about to join or leave their groups */
	uint32_t nr_async;                    /* (m) probes given to host threads */
	struct weir_list works;               /* (m) struct weir_work: those that run */
	uint32_t nr_waiting;                  /* (m) threads in the host's lock_wait */
	uint32_t cause;                       /* (m) event id that things done now are due to */
	uint32_t next_event;                  /* (m) */
	uint64_t mark;                        /* (m) last stamp given to a graph walk */
	struct weir_trace *traces;            /* (m) */
	struct weir_kept *kept;               /* (m) pages that outlive drivers */
	struct weir_left *left;               /* (m) streams translated without instance; iommu/left.c */
	struct weir_catalogue *catalogue;     /* (m) */
	/* (m) The next two and the catalogue are NULL before its first entry. */
	int (*catalogue_find)(struct weir_device *dev, const char **out_name);
	void (*catalogue_free)(struct weir_machine *m);
	bool catalogue_complete;              /* (m) */
	bool catalogue_sealed;                /* (m) */
	struct weir_list iommus;              /* (m) */
	struct weir_iommu_rules iommu_rules;  /* (m) */
	const struct weir_late *late;         /* (m) NULL: no rules were set */
	struct weir_map identities;           /* (m) key -> struct weir_identity */
	struct weir_tree sids;                /* (m) ids that devices have at IOMMUs */
	uint32_t masked_sids;                 /* (m) of them with a mask */
	uint64_t *doorbells;                  /* (m) pages that messages of interrupts are written to */
	uint32_t nr_doorbells, max_doorbells; /* (m) */
	uint32_t *group_numbers;              /* (m) bitmap of group numbers in use */
	uint32_t nr_group_words;              /* (m) */
	struct weir_domain *blocked, *identity; /* (m) the machine's own, made when first asked for */
	bool suspended;                       /* (m) */
	bool went_without;                    /* (m) a device was to be bound without its IOMMU, once */
	bool unranked;                        /* (m) ranks ran out of numbers, and say nothing */
	bool pm_busy;                         /* (m) a change of the machine's power is under way */
	bool rpm_running;                     /* (m) a thread has the power lock */
	uint32_t rpm_paused;                  /* (m) rpm_todo is left alone while not 0 */
	struct weir_lock *power_lock;         /* (c) runtime power calls, one at a time */
	struct weir_list rpm_todo;            /* (m) devices by rpm_node */
	struct weir_list bound;               /* (m) devices by bound_node, in order of binding */
	_Atomic(struct weir_dma_machine *) dma; /* made with the first device that does DMA */
	_Atomic bool faults_pending;          /* some are to be told */
	_Atomic(struct weir_domain *) dead_domains; /* to be freed, by next_dead */
	_Atomic size_t atomic_bytes, atomic_count; /* of weir_atomic_alloc */
	struct weir_machine_stats stats;      /* (m) */
};

#define weir_assert_(m, cond) \
	((cond) ? (void)0 : (m)->ops->assert_failed((m)->host, #cond, __FILE__, __LINE__))

/* machine.c */
void *weir_alloc_(struct weir_machine *m, size_t bytes);
void weir_free_(struct weir_machine *m, void *mem, size_t bytes);
void weir_count_alloc_(struct weir_machine *m, size_t bytes);
char *weir_strdup_(struct weir_machine *m, const char *s);
void weir_strfree_(struct weir_machine *m, char *s);
void weir_lock_(struct weir_machine *m);
void weir_unlock_(struct weir_machine *m);
void weir_logf_(struct weir_machine *m, enum weir_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Makes room for one more element of an array that doubles. Return: 0; WEIR_ENOMEM. */
int weir_grow_(struct weir_machine *m, void **array, uint32_t *max, uint32_t n, size_t elem_bytes);

/* bus.c: matching */
int weir_match_add_device_(struct weir_device *dev);
void weir_match_del_device_(struct weir_device *dev);
int weir_match_add_reg_(struct weir_reg *reg);
void weir_match_del_reg_(struct weir_reg *reg);
/* The next registered driver that fits, behind the one numbered @after (0: the first). */
struct weir_reg *weir_match_next_reg_(struct weir_device *dev, uint32_t after);
struct weir_device *weir_match_next_device_(struct weir_reg *reg, uint32_t after);
const char *weir_match_key_(const struct weir_device *dev, unsigned int index);
void weir_bus_free_(struct weir_bus *bus);

/* device.c */
int weir_device_add_(struct weir_device *dev);
void weir_device_del_(struct weir_device *dev);
/* Work on the device is over: it, or one above it, may have waited for that to be deleted. */
void weir_device_del_doomed_(struct weir_device *dev);
void weir_device_unref_(struct weir_device *dev);
void weir_device_set_reason_(struct weir_device *dev, const char *text);

/* driver.c */
int weir_driver_register_(struct weir_machine *m, const struct weir_driver *drv);
int weir_driver_unregister_(struct weir_machine *m, const struct weir_driver *drv);
void weir_reg_put_(struct weir_reg *reg);
struct weir_reg *weir_reg_find_(struct weir_machine *m, const struct weir_driver *drv);

/* probe.c */
/*
 * Tries the drivers of the bus on a device, in order of registration.
 * Return: 1 bound; 0 nothing fitted, or all that did failed or deferred by
 * themselves; WEIR_EDEFER when it may not be probed now.
 */
int weir_attach_device_(struct weir_device *dev);
/* Tries one driver on one device. Return: as above. */
int weir_attach_one_(struct weir_device *dev, struct weir_reg *reg);
/* What a probe returns that goes on without the caller, until weir_probe_done_. Not public. */
#define WEIR_LATER_ (-10000)
/* How the probe of a parked device went: 0 or an error. */
void weir_probe_done_(struct weir_device *dev, int err);
/* Unbinds, the consumers first. */
void weir_release_(struct weir_device *dev);

/* work.c */
/* The calling thread begins a piece of work, and ends it; @dev: whose driver it calls, or NULL. */
void weir_work_begin_(struct weir_machine *m, struct weir_device *dev, struct weir_work *out_work);
void weir_work_end_(struct weir_machine *m, struct weir_work *work);
/* A device is nobody's any more: who waits for that looks again. */
void weir_work_changed_(struct weir_machine *m);
/*
 * Lets other threads go on with a device; the lock is dropped. Return: false, and nothing was done,
 * when they do nothing with it, or will not before the caller goes on.
 */
bool weir_work_wait_(struct weir_device *dev);
/* The same for all devices of a driver. */
bool weir_work_wait_driver_(struct weir_reg *reg);
/* Whether the caller is inside a function that was given to thread_run. */
bool weir_async_inside_(const struct weir_machine *m);
/*
 * Lets one of them end; the lock is dropped. Return: false, and nothing was done, when there are
 * none, the host cannot wait, or the caller is inside one.
 */
bool weir_async_wait_(struct weir_machine *m);

/* devres.c */
void weir_resources_release_(struct weir_device *dev);

/* link.c */
int weir_link_add_(struct weir_device *consumer, struct weir_device *supplier, uint32_t flags,
		   const char *property, struct weir_link **out_link);
struct weir_link *weir_link_find_(struct weir_device *consumer, struct weir_device *supplier);
/* Which of two properties that ask for one thing is told; either may be NULL. */
const char *weir_property_of_two_(const char *a, const char *b);
/* The next of all links, in order of creation, from @*at on, which begins with 0; NULL. */
struct weir_link *weir_link_each_(const struct weir_machine *m, uint32_t *at);
/* The only way to change state or flags of a link: keeps the counts true. */
void weir_link_set_(struct weir_link *link, uint32_t flags, enum weir_link_state state);
void weir_link_drop_(struct weir_link *link);
/* The same, and the object of the link slab is the caller's now. */
void *weir_link_take_out_(struct weir_link *link);
bool weir_link_sync_only_(const struct weir_link *link);
/* An order link whose supplier's probe failed, or that can have no driver. */
bool weir_link_settled_(const struct weir_link *link);
/* Makes an inferred link stop blocking. */
void weir_link_relax_(struct weir_link *link);

/* rank.c */
/* The rank of a device that is being added. */
void weir_rank_init_(struct weir_device *dev);
/*
 * Makes the rank of @sup lower than that of @con. Return: 0; WEIR_ELOOP when @sup needs
 * @con, through links that block and parents; WEIR_ENOMEM.
 */
int weir_rank_below_(struct weir_device *sup, struct weir_device *con);

/* link_state.c */
int weir_links_bound_(struct weir_device *dev, struct weir_list *sync);
void weir_links_no_driver_(struct weir_device *dev);
/* The next consumer that is bound and has to be unbound before the device, or NULL. */
struct weir_device *weir_links_next_consumer_(struct weir_device *dev);
void weir_links_driver_gone_(struct weir_device *dev);
void weir_links_purge_(struct weir_device *dev);
/* Supplier links from CONSUMER_PROBE back to what they were. */
void weir_links_unprobe_(struct weir_device *dev);

/* sync_state.c */
void weir_sync_consider_(struct weir_device *dev, struct weir_list *sync);
void weir_sync_run_(struct weir_machine *m, struct weir_list *sync);
void weir_sync_pause_(struct weir_machine *m);
void weir_sync_resume_(struct weir_machine *m);
/* Everything that can be done was done: say who is still waited for, or force it. */
void weir_sync_probing_done_(struct weir_machine *m, bool force);

/* fwnode.c */
void weir_fwnodes_init_(struct weir_machine *m);
void weir_fwnode_init_(struct weir_machine *m, struct weir_fwnode *node,
		       const struct weir_firmware_ops *ops, const char *name,
		       struct weir_fwnode *parent);
/* Frees the links of a node; the node's memory is its maker's. */
void weir_fwnode_fini_(struct weir_fwnode *node);
/* Asks firmware for the suppliers of a node / of it and all available nodes below, once each. */
int weir_fwnode_parse_(struct weir_fwnode *node);
int weir_fwnode_parse_tree_(struct weir_fwnode *node);
/* The next available node below @top in tree order, or NULL. */
struct weir_fwnode *weir_fwnode_next_below_(struct weir_fwnode *node, struct weir_fwnode *top,
					    bool descend);
/* The nearest proper ancestor that owns a device, or NULL. */
struct weir_fwnode *weir_fwnode_owner_above_(struct weir_fwnode *node);
void weir_fwnodes_free_(struct weir_machine *m);

/* fwlink.c */
int weir_fwlink_add_(struct weir_fwnode *consumer, struct weir_fwnode *supplier, uint32_t flags,
		     const char *property);
/* The same in the place of a device link, weir_link_take_out_(): this cannot fail. */
void weir_fwlink_make_(void *object, struct weir_fwnode *consumer, struct weir_fwnode *supplier,
		       uint32_t flags, const char *property);
/* The same for a link that firmware did not name when it was read: may close a cycle. */
int weir_fwlink_name_(struct weir_fwnode *consumer, struct weir_fwnode *supplier, uint32_t flags,
		      const char *property);
struct weir_fwlink *weir_fwlink_find_(struct weir_fwnode *consumer, struct weir_fwnode *supplier);
void weir_fwlink_set_(struct weir_fwlink *fwlink, uint32_t flags);
void weir_fwlink_drop_(struct weir_fwlink *fwlink);
void weir_fwlinks_drop_suppliers_(struct weir_fwnode *node);
/*
 * From keep on, links that are dropped are only taken out of their nodes; one of the
 * other two frees them, or puts them back because what they turned into failed.
 */
void weir_fwlinks_keep_(struct weir_machine *m);
void weir_fwlinks_forget_(struct weir_machine *m);
void weir_fwlinks_restore_(struct weir_machine *m);
/* Moves all links to @from over to @to. */
void weir_fwlinks_move_consumers_(struct weir_fwnode *from, struct weir_fwnode *to);

/* fwconvert.c */
int weir_fw_link_consumers_(struct weir_device *dev);
int weir_fw_link_suppliers_(struct weir_device *dev);
void weir_fw_adopt_dangling_(struct weir_device *dev);

/* trace.c */
uint32_t weir_event_(struct weir_machine *m, struct weir_event *event);
uint32_t weir_event_dev_(enum weir_event_type type, struct weir_device *dev, const char *text,
			 int64_t value);
uint32_t weir_event_link_(enum weir_event_type type, struct weir_link *link, int64_t value);

/* catalogue.c */
/* The catalogue's word on a device: an enum weir_catalogue_state, or WEIR_ENOENT. */
int weir_catalogue_find_(struct weir_device *dev, const char **out_name);
bool weir_catalogue_complete_(struct weir_machine *m);
bool weir_catalogue_sealed_(struct weir_machine *m);

/* kept.c */
void weir_kept_free_(struct weir_machine *m);

/*
 * What the engine asks of the parts that a machine may have (weir/parts.h). It calls them through
 * these tables alone, so that a program which names a part nowhere is linked without it.
 */

/* policy/cycle.c */
struct weir_part_cycles {
	/* Marks the firmware-node links that give way. Return: 0; WEIR_ENOMEM. */
	int (*relax)(struct weir_machine *m);
};

/* policy/iommu.c, of what is in iommu/ and what the policy "weir" decides. */
struct weir_part_iommu {
	/* Finds out a device's group, under policies that do so before any driver. Return: 0; WEIR_ENOMEM. */
	int (*identify)(struct weir_device *dev);
	void (*forget)(struct weir_device *dev);
	/* Takes a device from behind its IOMMUs. Drops the lock while hardware is told. */
	void (*detach)(struct weir_device *dev);
	/* The @index-th device at the instance of @dev in a group that somebody claimed, or NULL. */
	struct weir_device *(*claimed)(struct weir_device *dev, unsigned int index);
	/* Puts what was refused into log and events, and frees domains left over. */
	void (*faults_tell)(struct weir_machine *m);
	void (*free)(struct weir_machine *m);

	/* The policy's dma_configure and dma_cleanup. */
	int (*need)(struct weir_device *dev);
	void (*lost_driver)(struct weir_device *dev);
	/* A link was made: one to an IOMMU that its consumer can do without is marked so. */
	void (*mark_link)(struct weir_link *link);
	/* A device that runs without the IOMMU @dev and does not give way, or NULL. */
	struct weir_device *(*refuser)(struct weir_device *dev);
};

/* dma/state.c */
struct weir_part_dma {
	/* How the device does DMA is settled: its probe is next. Return: 0; WEIR_ENODEV; WEIR_ENOMEM. */
	int (*begin)(struct weir_device *dev);
	/* Its driver is gone: so is what it left mapped. May drop the lock. */
	void (*end)(struct weir_device *dev);
	void (*free)(struct weir_machine *m);
};

/*
 * Devices run without their IOMMU when rules allow it, and it may come late. The machine has this once
 * rules were set, so that a program which sets none is linked without it. policy/iommu.c
 */
struct weir_late {
	/* An IOMMU is to be probed: devices that run without it give way. May drop the lock. */
	void (*before)(struct weir_device *dev);
	/* An instance came: devices that run without it are put behind it, where that is their rule. */
	void (*came)(struct weir_device *dev);
	const struct weir_dma_mirroring *mirroring; /* dma/mirror.c */
};

/* policy/weir.c */
extern const struct weir_policy_ops weir_policy_weir_;

/* rpm.c */
/*
 * A probe or removal begins: the device and what it needs is kept awake. Return: 0, or
 * what a driver's runtime_resume returned. In either case one of the next two must follow.
 */
int weir_rpm_begin_(struct weir_device *dev);
void weir_rpm_end_(struct weir_device *dev);
/* The same as the end, for a device that is bound now / has no driver any more. */
void weir_rpm_bound_(struct weir_device *dev);
void weir_rpm_unbound_(struct weir_device *dev);
void weir_rpm_deleted_(struct weir_device *dev);
/* One user more of a device that is up, for it is being probed; and one less. */
void weir_rpm_use_(struct weir_device *dev);
void weir_rpm_unuse_(struct weir_device *dev);
/* These two only count: the lists of links are being walked. */
void weir_rpm_link_made_(struct weir_link *link);
void weir_rpm_link_gone_(struct weir_link *link);
/* Does what changed counts ask for. May drop the lock for driver calls. */
void weir_rpm_run_(struct weir_machine *m);
/* In between, weir_rpm_run_ does nothing. Nests; the last one runs. */
void weir_rpm_pause_(struct weir_machine *m);
void weir_rpm_unpause_(struct weir_machine *m);

#endif
