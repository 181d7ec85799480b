// SPDX-License-Identifier: MIT
/*
 * IOMMU instances: an IOMMU driver publishes one as the last step of its probe.
 * Masters are let go when all their instances are there.
 *
 * Ops belong to the instance, never to a bus: instances of different drivers live
 * side by side.
 */
#ifndef WEIR_IOMMU_H
#define WEIR_IOMMU_H

#include "weir/domain.h"
#include "weir/table.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What an instance can do. None is called with the machine lock, but translate_ids.
 *
 * attach, part_create, part_destroy, forget and regions: thread context, may sleep, one
 * at a time, with locks of the library held, so they do not call what takes those: of
 * domains only what works in any context. map, unmap, invalidate, sync_map and sync: any
 * context, with the domain's spin lock held, so they neither sleep nor call the library,
 * allocate with weir_atomic_alloc(), and wait for hardware only a bounded time.
 */
struct weir_iommu_ops {
	struct weir_abi abi;
	/*
	 * Turns a specifier of a device tree (or what stands for it) into a stream
	 * id. 0, or WEIR_EINVAL when the instance rejects it. Machine lock held.
	 * NULL: the first cell, or 0 when there is none.
	 */
	int (*translate_ids)(void *instance, struct weir_device *dev, const uint32_t *cells,
			     unsigned int n, uint32_t *out_stream);
	/* Limits of this instance. NULL: 4 KiB pages, IOVAs from 0 to 2^48 - 1. */
	void (*limits)(void *instance, struct weir_domain_limits *out_limits);
	/*
	 * The @index-th special region of a stream, as the hardware tells. Called before
	 * its first attach. 0; WEIR_ENOENT after the last; WEIR_EIO. Its master fails with nonsense
	 * and with more than 256 of them. NULL: there are none.
	 */
	int (*regions)(void *instance, uint32_t stream, unsigned int index,
		       struct weir_region *out_region);
	/*
	 * A domain with mappings comes to this instance, or has no masters at it any
	 * more. The part is what the instance keeps for it. NULL: needs nothing.
	 */
	int (*part_create)(void *instance, struct weir_domain *domain, void **out_part);
	void (*part_destroy)(void *instance, void *part);
	/*
	 * The tables that the library is to keep for domains of this instance, which walks
	 * them: then it has no map and unmap. A domain that has tables already is attached when
	 * they suit what is said here, too. NULL, with map and unmap: domains have no tables.
	 */
	void (*tables)(void *instance, struct weir_table_config *out_config);
	/*
	 * Whether the instance can walk certain tables: of another instance of the domain, or
	 * of somebody else (an external domain). Asked before part_create, which finds
	 * them by weir_domain_tables().
	 * 0; WEIR_EOPNOTSUPP. NULL: it takes none but those made for it.
	 */
	int (*walks)(void *instance, const struct weir_tables *tables);
	/*
	 * What is cached of a part's tables there is dropped, at the latest in sync: after each
	 * unmap, before power is back (everything), and for lazy ones from time to time
	 * (everything). Everything is the limits' whole range.
	 */
	int (*invalidate)(void *instance, void *part, const struct weir_invalidation *what);
	/*
	 * Puts a stream behind a domain, instead of whatever it is behind: @part is
	 * that of part_create, NULL for blocked and identity. On failure the stream
	 * is behind what it was behind, or blocked. NULL op: streams need no setting.
	 */
	int (*attach)(void *instance, uint32_t stream, enum weir_domain_type type, void *part);
	/*
	 * From now on nothing passes but what is attached. Called once, by
	 * weir_iommu_register(), after devices that run already were attached. 0 or an
	 * error, with which weir_iommu_register() fails. NULL: it was so from the start.
	 */
	int (*enforce)(void *instance);
	/*
	 * The instance goes, and firmware left the device of a stream running: it is to stay behind
	 * what it is behind (@part, which is destroyed next; its tables stay as they are) while
	 * there is no instance, and until the next one is in force that takes the hardware over.
	 * That one's first attach of the stream, to a part of the same tables, changes nothing
	 * for it. 0; an error, and the stream is blocked. NULL: this hardware does nothing
	 * without its driver.
	 */
	int (*keep)(void *instance, uint32_t stream, void *part);
	/* The master of a stream is gone, and it is blocked: forget it. NULL: nothing to forget. */
	void (*forget)(void *instance, uint32_t stream);
	/*
	 * One mapping more. May be left in a queue until sync_map.
	 * NULL: the instance walks the domain's tables, see tables().
	 */
	int (*map)(void *instance, void *part, uint64_t iova, uint64_t pa, uint64_t bytes,
		   uint32_t prot);
	/*
	 * When it returns 0, all mappings since the last sync of either kind are in force;
	 * otherwise the library unmaps all of them. NULL: map saw to it.
	 */
	int (*sync_map)(void *instance, void *part);
	/* One mapping less. May be left in a queue until sync. Told again when either failed. */
	int (*unmap)(void *instance, void *part, uint64_t iova, uint64_t bytes);
	/* When it returns 0, nothing that was unmapped is used any more. NULL: unmap saw to it. */
	int (*sync)(void *instance, void *part);
	/*
	 * Nested translation. The tables of stage 2 that the library is to keep for a guest's memory:
	 * 0; WEIR_EOPNOTSUPP without that. NULL: it has none.
	 */
	int (*tables_stage2)(void *instance, struct weir_table_config *out_config);
	/*
	 * As part_create, which is not called then: stage 1 is a guest's, behind it is @parent, a part
	 * of this instance that lives longer. What invalidate drops of @parent is dropped of
	 * all nested in it. 0; WEIR_EOPNOTSUPP, WEIR_EINVAL (both logged). NULL: it cannot.
	 */
	int (*part_nest)(void *instance, void *parent, const struct weir_nested *nested,
			 void **out_part);
	/*
	 * What is cached of a nested part is dropped when it returns 0. Context: thread, as attach.
	 */
	int (*invalidate_nested)(void *instance, void *part,
				 const struct weir_nested_invalidation *what);
};

/**
 * weir_iommu_register - publish an instance for the node of @dev.
 * @ops: NULL for an instance that only takes part in the order of bring-up.
 * Context: in the probe of @dev, last step. Return: 0; WEIR_EEXIST when @dev has
 * one, or is itself a master in a group; WEIR_EINVAL without node or for ops of
 * another ABI; WEIR_EOPNOTSUPP in a machine without weir_part_iommu (parts.h); WEIR_ENOMEM; what
 * enforce returned: then nothing was published.
 */
int weir_iommu_register(struct weir_device *dev, const struct weir_iommu_ops *ops,
			void *instance);

/**
 * weir_iommu_unregister - take it back: its masters leave their groups, blocked; or, when firmware
 * left them running and no driver took them yet, behind their regions (weir_iommu_ops.keep).
 * Fine when there is none. Context: thread; calls of the instance are over when it returns.
 */
void weir_iommu_unregister(struct weir_device *dev);

/* May a device be probed without its IOMMU, when that can never come, failed, or rejects its ids? */
enum weir_iommu_need {
	WEIR_IOMMU_MANDATORY, /* never */
	WEIR_IOMMU_OPTIONAL,  /* yes: its DMA is direct then */
};
/* ... and when the IOMMU comes after all, while the device runs? */
enum weir_iommu_late {
	WEIR_IOMMU_REFUSE, /* the IOMMU is not probed before the device is unbound */
	WEIR_IOMMU_REBIND, /* the device is unbound first, and probed again behind the IOMMU */
	/*
	 * The device goes on, behind an identity domain, from before the IOMMU stops what is
	 * not attached; it is translated after its next probe. One that is behind several IOMMUs
	 * is adopted when the last of them comes; those before block it, which is logged.
	 */
	WEIR_IOMMU_ADOPT,
	/*
	 * The same behind a domain that has what the device's driver has mapped, its direct
	 * regions and doorbells, and no more. Its mappings are kept track of from its probe on,
	 * page by page.
	 */
	WEIR_IOMMU_ADOPT_MAPPED,
};
struct weir_iommu_rules {
	enum weir_iommu_need need;
	enum weir_iommu_late late;
};
/**
 * weir_iommu_rules_set - for all devices of a machine but those with rules of their own.
 * Without it: mandatory, refuse. Call it before devices are added. Context: thread.
 */
void weir_iommu_rules_set(struct weir_machine *m, const struct weir_iommu_rules *rules);
/** weir_device_iommu_rules_set - for one device, before it is added; NULL: as the machine's. Context: thread. */
void weir_device_iommu_rules_set(struct weir_device *dev, const struct weir_iommu_rules *rules);

/** weir_device_untranslated - a bound device goes without the IOMMU that firmware names for it. Context: any. */
bool weir_device_untranslated(const struct weir_device *dev);

/**
 * weir_iommu_consumers_up - all devices that need the instance have had their chance, as the
 * sync_state of its driver says: what firmware left running and no driver took is blocked.
 * Context: thread.
 */
void weir_iommu_consumers_up(struct weir_device *dev);

/**
 * weir_iommu_runs_already - whether the instance that is about to be published for @dev will
 * carry streams that run and must not be interrupted: firmware left them running (their devices have
 * direct regions, and no driver took them yet), or their devices are bound without it and are
 * adopted now. Context: in the probe of @dev.
 */
bool weir_iommu_runs_already(struct weir_device *dev);

/**
 * weir_iommu_power - the instance's hardware is about to lose its power, or has it again.
 *
 * While it is off only part_create is called. The driver calls with false first, then stops
 * the hardware, and forgets all streams and what its parts hold; and with true last, when the
 * hardware is set up and lets nothing pass. In between, and in the books, mappings are
 * made and streams attached as ever. The call with true destroys the parts that are not needed
 * any more, gives the others their mappings, and attaches the streams, before it returns.
 * So it is for hardware that has to be reset.
 * Context: thread; in the power calls of the driver of @dev. Return: 0; WEIR_ENOENT when
 * @dev has no instance; WEIR_EIO or what the instance returned: it counts as off, and
 * must let nothing pass.
 */
int weir_iommu_power(struct weir_device *dev, bool on);

/**
 * weir_iommu_fault - an instance refused an access: attribute it, tell the domain's
 * handler, have it logged. Repetitions are counted, not logged.
 * @dev: that published the instance; ignored when it has none any more. @fault: borrowed.
 * Context: any, also interrupt; not under a lock of the library. The log and the event
 * stream get it in the next weir_step() or weir_iommu_faults_report().
 */
void weir_iommu_fault(struct weir_device *dev, const struct weir_fault *fault);
/** weir_iommu_faults_report - tell now what weir_iommu_fault() left to be told. Context: thread. */
void weir_iommu_faults_report(struct weir_machine *m);

/**
 * weir_device_group_key - what makes the device's group that group: known before any
 * driver, and the same whatever order things came in. Context: any.
 * Return: a text that is valid as long as no device is added or deleted; NULL when it
 * is behind no IOMMU.
 */
const char *weir_device_group_key(const struct weir_device *dev);

/**
 * weir_msi_doorbell_add - devices write the messages of their interrupts to the page of @pa. An
 * embedder that knows its interrupt controller says so before devices are there: then
 * doorbells are mapped, where they have to be, before devices are attached.
 * Context: thread. Return: 0; WEIR_ENOMEM.
 */
int weir_msi_doorbell_add(struct weir_machine *m, uint64_t pa);
/**
 * weir_msi_map - let a device reach the doorbell of a message; it stays so, also when the
 * domain of its group is replaced, or the IOMMU comes late or again.
 * @out_msi: what the device is to be programmed with; may be @msi.
 * Context: thread; in the probe, before the device is told. Return: 0; WEIR_EEXIST when something else
 * is mapped there; WEIR_EIO when an instance failed; WEIR_ENOMEM.
 */
int weir_msi_map(struct weir_device *dev, const struct weir_msi *msi, struct weir_msi *out_msi);

/**
 * weir_device_group - the number of the device's group, while it is behind its IOMMUs. Context: any.
 * Return: 0 or more; WEIR_ENOENT when it has none.
 */
int weir_device_group(const struct weir_device *dev);

#ifdef __cplusplus
}
#endif
#endif
