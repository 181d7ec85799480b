// SPDX-License-Identifier: MIT
/*
 * Arm's System MMU, architecture version 3 (Arm IHI 0070), in two layers. The module has
 * the driver that binds to such devices and publishes them as IOMMU instances; nothing else
 * of this header is needed then. The hardware layer puts streams behind tables by their ids.
 * It takes a host and a description, and needs no machine, devices, firmware or DMA calls:
 *
 *	static const struct weir_smmu_v3_config config = { .name = "smmu", .base_pa = 0x9050000 };
 *
 *	weir_smmu_v3_create(&host_ops, host, &config, &smmu);   from here on nothing passes
 *	weir_smmu_v3_domain_create(smmu, &tables, 0, &domain);
 *	weir_smmu_v3_attach(smmu, stream, domain);
 *	... after a change of the tables:
 *	weir_smmu_v3_invalidate(domain, &what);
 *	weir_smmu_v3_sync(domain);
 *	...
 *	weir_smmu_v3_attach(smmu, stream, NULL);
 *	domain = weir_smmu_v3_domain_destroy(domain);
 *	smmu = weir_smmu_v3_destroy(smmu);                      nothing passes for good
 *
 * Hardware that does not do what it has to within the time, or tells nonsense, is put in
 * quarantine: that is told once, and all further calls return WEIR_EIO at once. What was
 * blocked stays blocked.
 *
 * invalidate, sync and poll work in any context, for any number of callers. All others are
 * made one at a time, from threads.
 */
#ifndef WEIR_ARM_SMMU_V3_H
#define WEIR_ARM_SMMU_V3_H

#include "weir/iommu.h"
#include "weir/module.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Drivers for "arm,smmu-v3" of device trees and for the SMMUv3 of ACPI's IORT. */
extern const struct weir_module_entry weir_module_arm_smmu_v3;
/*
 * The same, smaller: no stage 1 of guests (weir_domain_create_nested()), and what firmware left running is
 * blocked when the driver is unloaded before a driver took it.
 */
extern const struct weir_module_entry weir_module_arm_smmu_v3_small;

/**
 * weir_arm_smmu_v3_poll - report the faults that a bound device has recorded, for hosts
 * that have neither interrupts for it nor timers.
 * Context: thread. Return: how many there were.
 */
unsigned int weir_arm_smmu_v3_poll(struct weir_device *dev);

/* ---- the hardware layer ---- */

struct weir_smmu_v3;
struct weir_smmu_v3_domain;

/* Whether the SMMU sees the CPU's caches when it reads tables and queues. */
enum weir_smmu_v3_coherency {
	WEIR_SMMU_V3_COHERENCY_PROBED, /* as SMMU_IDR0.COHACC says */
	WEIR_SMMU_V3_COHERENT,
	WEIR_SMMU_V3_NONCOHERENT,      /* takes a host with cache_sync */
};

extern const struct weir_smmu_v3_keeping weir_smmu_v3_keeping;

struct weir_smmu_v3_config {
	const char *name;       /* for messages; stays valid */
	uint64_t base_pa;       /* of its two pages of registers, 64 KiB each */
	/*
	 * Its interrupts, for the host's irq_request: 0: none, 1: one for all, 2: of the
	 * event queue, and of global errors. Without, a timer of the host looks; without
	 * that, weir_smmu_v3_poll() does.
	 */
	uint32_t nr_lines;
	uint32_t lines[2];
	bool msi;               /* by messages instead, where SMMU and host have them */
	enum weir_smmu_v3_coherency coherency;
	uint32_t stream_bits;   /* of stream ids that are used; 0: as many as there are */
	/*
	 * What runs goes on as it was found until weir_smmu_v3_enforce(): its streams are
	 * attached before.
	 */
	bool keep;
	/*
	 * Some of that must not be interrupted: an SMMU that translates is taken over with the
	 * stream table that it uses, where the CPU sees that, also when it has GBPA.ABORT; one
	 * that lets everything pass does so until it translates.
	 */
	bool seamless;
	uint64_t timeout_ns;    /* how long anything is waited for; 0: 5 s */
	/*
	 * Called for each recorded fault, without locks: in interrupt context, on a thread
	 * of the host's timers, or in weir_smmu_v3_poll(). What it has to tell of itself
	 * (fault->what) comes so, too, from any call and with its lock held: then this only
	 * takes note. NULL: faults are dropped, the latter is logged.
	 */
	void (*fault)(void *arg, const struct weir_fault *fault);
	/*
	 * The stream table can be one that outlives the instance, see weir_smmu_v3_destroy():
	 * who has it then. NULL: the host's pages, which are left with the hardware.
	 */
	int (*table_alloc)(void *arg, size_t bytes, size_t align_bytes, void **out_va,
			   uint64_t *out_pa);
	void (*table_free)(void *arg, void *va, uint64_t pa, size_t bytes);
	/*
	 * &weir_smmu_v3_keeping: streams can be kept (weir_smmu_v3_keep()). All that they need then
	 * is of table_alloc; table_find says whether such memory, which an instance before left
	 * in force, is at @pa: 0, or an error. NULL: they cannot.
	 */
	const struct weir_smmu_v3_keeping *keeping;
	int (*table_find)(void *arg, uint64_t pa, void **out_va, size_t *out_bytes);
	/*
	 * &weir_table_arm64_ds: weir_smmu_v3_tables_get() may ask for tables of 52 bits with pages of 4 and
	 * 16 KiB, where the SMMU has those (IDR5.DS) and such addresses. NULL: then for 48 bits.
	 */
	const struct weir_table_kind *ds_kind;
	void *arg;
};

/**
 * weir_smmu_v3_create - make an SMMU ready: what it can do, queues, tables; everything blocked.
 * @config: copied.
 *
 * One that runs already, for firmware or for a kernel that crashed, is taken over: through
 * SMMU_GBPA.ABORT where it has that, otherwise by blocking everything in the stream table
 * that it uses, which it then goes on using. At no instant is a stream bypassed that was not.
 * Context: thread. Owner: the caller. Return: 0; WEIR_ENODEV when there is no SMMUv3 there;
 * WEIR_EIO when its registers or tables make no sense, or it does not take something;
 * WEIR_EOPNOTSUPP when it lacks something that is needed, is not coherent and the host has no
 * cache_sync, or the host has no pages or registers; WEIR_ETIMEDOUT; WEIR_ENOMEM. All but
 * the last are logged with the reason.
 */
int weir_smmu_v3_create(const struct weir_host_ops *ops, void *host,
			const struct weir_smmu_v3_config *config, struct weir_smmu_v3 **out_smmu);
/**
 * weir_smmu_v3_destroy - block everything for good, and give everything back; NULL is fine.
 * All domains are destroyed already.
 *
 * An SMMU without GBPA.ABORT would bypass all streams when it is switched off. It stays on,
 * with a stream table that blocks all of them: that memory stays with it. Context: thread.
 * Return: NULL.
 */
struct weir_smmu_v3 *weir_smmu_v3_destroy(struct weir_smmu_v3 *smmu);

/**
 * weir_smmu_v3_enforce - block what is not attached; with config.keep, once all that runs is.
 * Context: thread. Return: 0; WEIR_EIO.
 */
int weir_smmu_v3_enforce(struct weir_smmu_v3 *smmu);

/**
 * weir_smmu_v3_suspend - block everything and stop, before power is lost: streams are
 * behind nothing any more. Domains stay. Fine when it is suspended. Context: thread, no other
 * call under way.
 */
void weir_smmu_v3_suspend(struct weir_smmu_v3 *smmu);
/**
 * weir_smmu_v3_resume - have it run again, whatever became of its registers; everything is
 * blocked, and attached anew by the caller. Also ends a quarantine.
 * Context: thread. Return: 0; as weir_smmu_v3_create().
 */
int weir_smmu_v3_resume(struct weir_smmu_v3 *smmu);

/**
 * weir_smmu_v3_poll - report the faults recorded so far, and put right what global errors say.
 * Context: any, no locks. Return: how many faults.
 */
unsigned int weir_smmu_v3_poll(struct weir_smmu_v3 *smmu);

/** weir_smmu_v3_limits_get - page size and addresses. Context: any. */
void weir_smmu_v3_limits_get(const struct weir_smmu_v3 *smmu,
			     struct weir_domain_limits *out_limits);
/** weir_smmu_v3_tables_get - the tables that suit it best. Context: any. */
void weir_smmu_v3_tables_get(const struct weir_smmu_v3 *smmu,
			     struct weir_table_config *out_config);
/**
 * weir_smmu_v3_stage2_get - the tables of stage 2 that suit it best. Context: any.
 * Return: 0; WEIR_EOPNOTSUPP without stage 2.
 */
int weir_smmu_v3_stage2_get(const struct weir_smmu_v3 *smmu, struct weir_table_config *out_config);
/** weir_smmu_v3_stream_max - the last stream id there is. Context: any. */
uint32_t weir_smmu_v3_stream_max(const struct weir_smmu_v3 *smmu);
/** weir_smmu_v3_walks - whether it can walk such tables. Context: any. Return: 0; WEIR_EOPNOTSUPP. */
int weir_smmu_v3_walks(const struct weir_smmu_v3 *smmu, const struct weir_tables *tables);

/* The id of tables is the caller's: an ASID of stage 1, a VMID of stage 2. */
#define WEIR_SMMU_V3_OWN_ID 0x1u
/**
 * weir_smmu_v3_domain_create - show it tables.
 * @tables: copied; they stay readable until the domain is destroyed.
 * @flags: 0: the id is chosen here; WEIR_SMMU_V3_OWN_ID: it is tables->id.
 * Owner: the caller. Return: 0; WEIR_EOPNOTSUPP as weir_smmu_v3_walks(); WEIR_EINVAL for an
 * id that does not fit; WEIR_EEXIST when another domain has it; WEIR_ENOSPC when there is
 * none left; WEIR_EIO; WEIR_ENOMEM.
 */
int weir_smmu_v3_domain_create(struct weir_smmu_v3 *smmu, const struct weir_tables *tables,
			       uint32_t flags, struct weir_smmu_v3_domain **out_domain);
/**
 * weir_smmu_v3_domain_destroy - streams are behind something else already, unless the SMMU
 * is suspended or in quarantine; NULL is fine. Nothing of the tables is cached any more then.
 * Return: NULL.
 */
struct weir_smmu_v3_domain *weir_smmu_v3_domain_destroy(struct weir_smmu_v3_domain *domain);

/**
 * weir_smmu_v3_nest - a domain whose stage 1 is a guest's, behind it stage 2 of @parent.
 * @parent: of tables of stage 2; destroyed after this one. What weir_smmu_v3_invalidate() drops
 * of it, it drops of this one, too.
 * @nested: what the guest's stream table entry says (weir/domain.h); copied. Addresses in it, of the
 * descriptors and in the guest's tables are translated by @parent.
 * Owner: the caller, for weir_smmu_v3_domain_destroy(); weir_smmu_v3_invalidate() of it drops all of the
 * guest's stage 1. Return: 0; WEIR_EOPNOTSUPP when the SMMU cannot; WEIR_EINVAL when @parent is no
 * stage 2, or the entry makes no sense; both are logged with the field; WEIR_ENOMEM.
 */
int weir_smmu_v3_nest(struct weir_smmu_v3_domain *parent, const struct weir_nested_smmu_v3 *nested,
		      struct weir_smmu_v3_domain **out_domain);
/**
 * weir_smmu_v3_invalidate_nested - the guest asks its SMMU to forget; waits until it is done.
 * @domain: of weir_smmu_v3_nest(). Context: thread; what is not WEIR_NESTED_CONFIG: any.
 * Return: 0; WEIR_EIO when it did not confirm.
 */
int weir_smmu_v3_invalidate_nested(struct weir_smmu_v3_domain *domain,
				   const struct weir_nested_invalidation *what);
/**
 * weir_smmu_v3_attach - put a stream behind a domain instead of what it is behind; an access
 * under way sees the old one, the new one or is aborted.
 * @domain: NULL: nothing of it passes.
 * Return: 0; WEIR_ERANGE when there is no such stream; WEIR_EIO; WEIR_ENOMEM. On failure it
 * is behind what it was behind, or blocked.
 */
int weir_smmu_v3_attach(struct weir_smmu_v3 *smmu, uint32_t stream,
			struct weir_smmu_v3_domain *domain);
/**
 * weir_smmu_v3_keep - have a stream stay behind a domain that it is behind, beyond
 * weir_smmu_v3_destroy(): the domain's tables stay, the domain itself is destroyed as ever. The SMMU
 * goes on, blocking all others. Until weir_smmu_v3_enforce() of the next instance,
 * weir_smmu_v3_domain_create() finds the domain again by its tables, and attaching
 * the stream to it changes nothing. Call it last before the instance goes.
 * Return: 0; WEIR_EOPNOTSUPP without config.keeping; WEIR_ENOENT when it is not behind that;
 * WEIR_EIO; WEIR_ENOMEM.
 */
int weir_smmu_v3_keep(struct weir_smmu_v3 *smmu, uint32_t stream,
		      struct weir_smmu_v3_domain *domain);
/** weir_smmu_v3_attach_identity - let everything of a stream pass untranslated. Return: as above. */
int weir_smmu_v3_attach_identity(struct weir_smmu_v3 *smmu, uint32_t stream);

/**
 * weir_smmu_v3_invalidate - have what is cached of a domain's tables dropped, at the latest
 * in weir_smmu_v3_sync(). Context: any. Return: 0; WEIR_EIO.
 */
int weir_smmu_v3_invalidate(struct weir_smmu_v3_domain *domain,
			    const struct weir_invalidation *what);
/**
 * weir_smmu_v3_sync - wait until nothing invalidated is used any more, by accesses under way
 * either. Context: any. Return: 0; WEIR_EIO when it did not confirm.
 */
int weir_smmu_v3_sync(struct weir_smmu_v3_domain *domain);

#ifdef __cplusplus
}
#endif
#endif
