// SPDX-License-Identifier: MIT
/*
 * Arm's System MMU, architecture versions 1 and 2 (Arm IHI 0062; MMU-400, MMU-401, MMU-500 and what
 * is made after them), in two layers. The module has the driver that binds to such devices and
 * publishes them as IOMMU instances; nothing else of this header is needed then. The hardware layer
 * puts streams behind tables by their ids. It takes a host and a description, and needs no machine,
 * devices, firmware or DMA calls:
 *
 *	static const struct weir_smmu_v2_config config = {
 *		.name = "smmu", .base_pa = 0x12e00000, .bytes = 0x20000,
 *	};
 *
 *	weir_smmu_v2_create(&host_ops, host, &config, &smmu);   from here on nothing passes
 *	weir_smmu_v2_domain_create(smmu, &tables, 0, &domain);
 *	weir_smmu_v2_attach(smmu, WEIR_SMMU_V2_STREAM(id, mask), domain);
 *	... after a change of the tables:
 *	weir_smmu_v2_invalidate(domain, &what);
 *	weir_smmu_v2_sync(domain);
 *	...
 *	weir_smmu_v2_attach(smmu, WEIR_SMMU_V2_STREAM(id, mask), NULL);
 *	domain = weir_smmu_v2_domain_destroy(domain);
 *	smmu = weir_smmu_v2_destroy(smmu);                      nothing passes for good
 *
 * Hardware that does not do what it has to within the time, or tells nonsense, is put in
 * quarantine: that is told once, and all further calls return WEIR_EIO at once.
 *
 * invalidate, sync and poll work in any context, for any number of callers. All others are
 * made one at a time, from threads.
 */
#ifndef WEIR_ARM_SMMU_H
#define WEIR_ARM_SMMU_H

#include "weir/iommu.h"
#include "weir/module.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Drivers for "arm,smmu-v1", "arm,smmu-v2" and the like of device trees, and for such SMMUs of ACPI's IORT. */
extern const struct weir_module_entry weir_module_arm_smmu;

/**
 * weir_arm_smmu_poll - report the faults that a bound device has recorded, for hosts
 * that have neither interrupts for it nor timers.
 * Context: thread. Return: how many there were.
 */
unsigned int weir_arm_smmu_poll(struct weir_device *dev);

/* ---- the hardware layer ---- */

struct weir_smmu_v2;
struct weir_smmu_v2_domain;

/* A stream: all ids that equal @id where @mask has zeros. */
#define WEIR_SMMU_V2_STREAM(id, mask) ((uint32_t)(id) | (uint32_t)(mask) << 16)

/* Whether the SMMU sees the CPU's caches when it reads tables. */
enum weir_smmu_v2_coherency {
	WEIR_SMMU_V2_COHERENCY_PROBED, /* as SMMU_IDR0.CTTW says */
	WEIR_SMMU_V2_COHERENT,
	WEIR_SMMU_V2_NONCOHERENT,      /* takes a host with cache_sync */
};

#define WEIR_SMMU_V2_ARCH_1 0x1u /* version 1 of the architecture: MMU-400, MMU-401 */
#define WEIR_SMMU_V2_MMU500 0x2u /* the MMU-500's own registers are there */

struct weir_smmu_v2_config {
	const char *name;       /* for messages; stays valid */
	uint64_t base_pa, bytes; /* of its registers */
	uint32_t flags;         /* WEIR_SMMU_V2_* */
	/*
	 * Its interrupts, for the host's irq_request: the first @nr_global_lines of global faults, the
	 * others of contexts, in order; the same may stand several times. Borrowed. Without, a timer of
	 * the host looks; without that, weir_smmu_v2_poll() does.
	 */
	const uint32_t *lines;
	uint32_t nr_lines, nr_global_lines;
	enum weir_smmu_v2_coherency coherency;
	/*
	 * What runs goes on as it was found until weir_smmu_v2_enforce(): its streams are attached before.
	 * Streams that firmware has set up go on until they are attached, or weir_smmu_v2_release().
	 */
	bool keep;
	uint64_t timeout_ns;    /* how long anything is waited for; 0: 1 s */
	/*
	 * Called for each recorded fault, without locks: in interrupt context, on a thread
	 * of the host's timers, or in weir_smmu_v2_poll(). What it has to tell of itself
	 * (fault->what) comes so, too, from any call: then this only takes note. NULL: faults are
	 * dropped, the latter is logged.
	 */
	void (*fault)(void *arg, const struct weir_fault *fault);
	void *arg;
};

/**
 * weir_smmu_v2_create - make an SMMU ready: what it can do, its registers; everything blocked.
 * @config: copied.
 * Context: thread. Owner: the caller. Return: 0; WEIR_ENODEV when there is no SMMU there; WEIR_EIO
 * when its registers make no sense; WEIR_EOPNOTSUPP when it lacks something that is needed, is
 * not coherent and the host has no cache_sync, or the host has no registers; WEIR_ETIMEDOUT;
 * what the host's irq_request returned; WEIR_ENOMEM. All but the last are logged with the reason.
 */
int weir_smmu_v2_create(const struct weir_host_ops *ops, void *host,
			const struct weir_smmu_v2_config *config, struct weir_smmu_v2 **out_smmu);
/**
 * weir_smmu_v2_destroy - block everything for good, but what firmware has set up and nobody took,
 * and give everything back; NULL is fine. All domains are destroyed already.
 * Context: thread. Return: NULL.
 */
struct weir_smmu_v2 *weir_smmu_v2_destroy(struct weir_smmu_v2 *smmu);

/**
 * weir_smmu_v2_enforce - block what is neither attached nor firmware's; with config.keep, once all that
 * runs is attached. Context: thread. Return: 0; WEIR_EIO.
 */
int weir_smmu_v2_enforce(struct weir_smmu_v2 *smmu);
/** weir_smmu_v2_release - block what firmware has set up and nobody took. Context: thread. */
void weir_smmu_v2_release(struct weir_smmu_v2 *smmu);
/** weir_smmu_v2_kept - how many streams of firmware's go on. Context: thread. */
unsigned int weir_smmu_v2_kept(const struct weir_smmu_v2 *smmu);

/**
 * weir_smmu_v2_suspend - block everything, before power is lost: streams are behind nothing any
 * more. Domains stay. Fine when it is suspended. Context: thread, no other call under way.
 */
void weir_smmu_v2_suspend(struct weir_smmu_v2 *smmu);
/**
 * weir_smmu_v2_resume - have it run again, whatever became of its registers; everything is
 * blocked, and attached anew by the caller. Also ends a quarantine.
 * Context: thread. Return: 0; as weir_smmu_v2_create().
 */
int weir_smmu_v2_resume(struct weir_smmu_v2 *smmu);

/** weir_smmu_v2_poll - report the faults recorded so far. Context: any, no locks. Return: how many. */
unsigned int weir_smmu_v2_poll(struct weir_smmu_v2 *smmu);

/** weir_smmu_v2_limits_get - page size and addresses. Context: any. */
void weir_smmu_v2_limits_get(const struct weir_smmu_v2 *smmu,
			     struct weir_domain_limits *out_limits);
/** weir_smmu_v2_tables_get - the tables that suit it best. Context: any. */
void weir_smmu_v2_tables_get(const struct weir_smmu_v2 *smmu,
			     struct weir_table_config *out_config);
/**
 * weir_smmu_v2_stage2_get - the tables of stage 2 that suit it best. Context: any.
 * Return: 0; WEIR_EOPNOTSUPP without stage 2.
 */
int weir_smmu_v2_stage2_get(const struct weir_smmu_v2 *smmu, struct weir_table_config *out_config);
/** weir_smmu_v2_stream_check - whether there can be such a stream. Context: any. Return: 0; WEIR_ERANGE. */
int weir_smmu_v2_stream_check(const struct weir_smmu_v2 *smmu, uint32_t stream);
/** weir_smmu_v2_walks - whether it can walk such tables. Context: any. Return: 0; WEIR_EOPNOTSUPP. */
int weir_smmu_v2_walks(const struct weir_smmu_v2 *smmu, const struct weir_tables *tables);

/* The id of tables is the caller's: an ASID of stage 1, a VMID of stage 2. */
#define WEIR_SMMU_V2_OWN_ID 0x1u
/**
 * weir_smmu_v2_domain_create - show it tables; they take a context bank.
 * @tables: copied; they stay readable until the domain is destroyed.
 * @flags: 0: the id is chosen here; WEIR_SMMU_V2_OWN_ID: it is tables->id.
 * Owner: the caller. Return: 0; WEIR_EOPNOTSUPP as weir_smmu_v2_walks(); WEIR_EINVAL for an
 * id that does not fit; WEIR_EEXIST when another domain has it; WEIR_ENOSPC when there is no id or
 * no context bank left (logged); WEIR_EIO; WEIR_ENOMEM.
 */
int weir_smmu_v2_domain_create(struct weir_smmu_v2 *smmu, const struct weir_tables *tables,
			       uint32_t flags, struct weir_smmu_v2_domain **out_domain);
/**
 * weir_smmu_v2_domain_destroy - streams are behind something else already, unless the SMMU
 * is suspended or in quarantine; NULL is fine. Nothing of the tables is cached any more then.
 * Return: NULL.
 */
struct weir_smmu_v2_domain *weir_smmu_v2_domain_destroy(struct weir_smmu_v2_domain *domain);

/**
 * weir_smmu_v2_nest - a domain whose stage 1 is a guest's, behind it stage 2 of @parent; it takes a
 * context bank of its own.
 * @parent: of tables of stage 2; destroyed after this one. What weir_smmu_v2_invalidate() drops
 * of it, it drops of this one, too.
 * @nested: what the guest wrote to the bank that it sees (weir/domain.h); copied. Addresses in it and in
 * the guest's tables are translated by @parent.
 * Owner: the caller, for weir_smmu_v2_domain_destroy(); weir_smmu_v2_invalidate() of it drops all of the
 * guest's stage 1. Return: 0; WEIR_EOPNOTSUPP when the SMMU cannot; WEIR_EINVAL when @parent is no
 * stage 2, or a register makes no sense; WEIR_ENOSPC when there is no context bank left; all are
 * logged; WEIR_EIO; WEIR_ENOMEM.
 */
int weir_smmu_v2_nest(struct weir_smmu_v2_domain *parent, const struct weir_nested_smmu_v2 *nested,
		      struct weir_smmu_v2_domain **out_domain);
/**
 * weir_smmu_v2_invalidate_nested - the guest asks its SMMU to forget; waits until it is done.
 * @domain: of weir_smmu_v2_nest(). Context: any. Return: 0; WEIR_EIO when it did not confirm.
 */
int weir_smmu_v2_invalidate_nested(struct weir_smmu_v2_domain *domain,
				   const struct weir_nested_invalidation *what);
/**
 * weir_smmu_v2_attach - put a stream behind a domain instead of what it is behind; an access
 * under way sees the old one, the new one or is aborted.
 * @domain: NULL: nothing of it passes.
 * Return: 0; WEIR_ERANGE when there is no such stream; WEIR_EEXIST when ids of it are another stream's
 * (logged); WEIR_ENOSPC when there is no stream match register left (logged); WEIR_EIO. On
 * failure it is behind what it was behind, or blocked.
 */
int weir_smmu_v2_attach(struct weir_smmu_v2 *smmu, uint32_t stream,
			struct weir_smmu_v2_domain *domain);
/** weir_smmu_v2_attach_identity - let everything of a stream pass untranslated. Return: as above. */
int weir_smmu_v2_attach_identity(struct weir_smmu_v2 *smmu, uint32_t stream);
/**
 * weir_smmu_v2_keep - an attached stream stays behind its domain when there is no instance any more.
 * @domain: of stage 1; destroyed next, its tables stay as they are. The next instance goes on so until
 * weir_smmu_v2_enforce(); whoever wants the stream attaches it before.
 * Return: 0; WEIR_EOPNOTSUPP for stage 2; WEIR_ENOENT when it is not attached; WEIR_EIO.
 */
int weir_smmu_v2_keep(struct weir_smmu_v2 *smmu, uint32_t stream,
		      struct weir_smmu_v2_domain *domain);
/** weir_smmu_v2_forget - a stream is blocked, and its stream match register free for others. */
void weir_smmu_v2_forget(struct weir_smmu_v2 *smmu, uint32_t stream);

/**
 * weir_smmu_v2_invalidate - have what is cached of a domain's tables dropped, at the latest
 * in weir_smmu_v2_sync(). Context: any. Return: 0; WEIR_EIO.
 */
int weir_smmu_v2_invalidate(struct weir_smmu_v2_domain *domain,
			    const struct weir_invalidation *what);
/**
 * weir_smmu_v2_sync - wait until nothing invalidated is used any more, by accesses under way
 * either. Context: any. Return: 0; WEIR_EIO when it did not confirm.
 */
int weir_smmu_v2_sync(struct weir_smmu_v2_domain *domain);

#ifdef __cplusplus
}
#endif
#endif
