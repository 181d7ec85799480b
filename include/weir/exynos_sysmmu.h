// SPDX-License-Identifier: MIT
/*
 * Samsung's System MMU of Exynos, versions 1 to 3, 5 and 7, in two layers. The module has the
 * driver that binds to "samsung,exynos-sysmmu" and publishes each as an IOMMU instance; nothing
 * else of this header is needed then. The hardware layer puts the one master of a System MMU behind
 * tables. It takes a host and a description, and needs no machine, devices, firmware or DMA calls:
 *
 *	static const struct weir_sysmmu_config config = {
 *		.name = "fimd", .base_pa = 0x11e20000, .bytes = 0x1000,
 *	};
 *
 *	weir_sysmmu_create(&host_ops, host, &config, &sysmmu);    from here on nothing passes
 *	weir_sysmmu_domain_create(sysmmu, &tables, &domain);
 *	weir_sysmmu_attach(sysmmu, domain);
 *	... after a change of the tables:
 *	weir_sysmmu_invalidate(domain, &what);
 *	...
 *	weir_sysmmu_attach(sysmmu, NULL);
 *	domain = weir_sysmmu_domain_destroy(domain);
 *	sysmmu = weir_sysmmu_destroy(sysmmu);                     nothing passes for good
 *
 * Its clocks run and its power is on from before create until after destroy, but for the time
 * between suspend and resume: that is up to the caller.
 *
 * A System MMU that is off lets everything pass. So it stays on, with tables that map nothing;
 * and at the end, and while it is suspended, it holds its master's accesses back. Hardware that
 * does not block within the time, or tells nonsense, is put in quarantine: that is told once, it
 * is not let on again before it was suspended, and until then all calls return WEIR_EIO at once.
 *
 * invalidate and poll work in any context, for any number of callers. All others are made one
 * at a time, from threads.
 */
#ifndef WEIR_EXYNOS_SYSMMU_H
#define WEIR_EXYNOS_SYSMMU_H

#include "weir/iommu.h"
#include "weir/module.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A driver for "samsung,exynos-sysmmu" of device trees. */
extern const struct weir_module_entry weir_module_exynos_sysmmu;

/**
 * weir_exynos_sysmmu_poll - report the faults of a bound device, for hosts that have neither
 * interrupts for it nor timers. Context: thread. Return: how many there were.
 */
unsigned int weir_exynos_sysmmu_poll(struct weir_device *dev);

/* ---- the hardware layer ---- */

struct weir_sysmmu;
struct weir_sysmmu_domain;

struct weir_sysmmu_config {
	const char *name;       /* for messages; stays valid */
	uint64_t base_pa, bytes; /* of its registers */
	/*
	 * Its interrupt, for the host's irq_request. Without, a timer of the host looks; without
	 * that, weir_sysmmu_poll() does.
	 */
	bool has_line;
	uint32_t line;
	/*
	 * What runs goes on as it was found until weir_sysmmu_enforce(), or until something is
	 * attached.
	 */
	bool keep;
	uint64_t timeout_ns;    /* how long a block is waited for; 0: 100 ms */
	/*
	 * Called for each fault, without locks: in interrupt context, on a thread of the host's
	 * timers, or in weir_sysmmu_poll(). What it has to tell of itself (fault->what) comes so,
	 * too, from any call and with its lock held: then this only takes note. NULL: faults
	 * are dropped, the latter is logged.
	 */
	void (*fault)(void *arg, const struct weir_fault *fault);
	/*
	 * Tables that map nothing stay with hardware that does not confirm that it is blocked: who
	 * has them then. NULL: the host's pages.
	 */
	int (*table_alloc)(void *arg, size_t bytes, size_t align_bytes, void **out_va,
			   uint64_t *out_pa);
	void (*table_free)(void *arg, void *va, uint64_t pa, size_t bytes);
	void *arg;
};

/**
 * weir_sysmmu_create - find out which version it is, and block it.
 * @config: copied.
 *
 * One that runs already is taken over: without keep, its master is held back until what it began
 * is done, and then sees tables that map nothing.
 * Context: thread. Owner: the caller. Return: 0; WEIR_ENODEV when nothing answers there;
 * WEIR_EOPNOTSUPP for a version whose registers are not known, a host without registers, pages or
 * cache_sync (it does not see the CPU's caches), or memory that it does not reach;
 * WEIR_EIO when it has too few registers; WEIR_ETIMEDOUT when it does not block; WEIR_ENOMEM.
 * All but the last are logged with the reason.
 */
int weir_sysmmu_create(const struct weir_host_ops *ops, void *host,
		       const struct weir_sysmmu_config *config, struct weir_sysmmu **out_sysmmu);
/**
 * weir_sysmmu_destroy - hold its master back for good, and give everything back; NULL is fine. All
 * domains are destroyed already. One that was never attached nor enforced is left as it was found.
 * Context: thread. Return: NULL.
 */
struct weir_sysmmu *weir_sysmmu_destroy(struct weir_sysmmu *sysmmu);

/**
 * weir_sysmmu_enforce - block it, unless something is attached.
 * Context: thread. Return: 0; WEIR_EIO.
 */
int weir_sysmmu_enforce(struct weir_sysmmu *sysmmu);

/**
 * weir_sysmmu_suspend - hold its master back, before power or clock are lost: it is behind nothing
 * any more, and registers are not touched until resume. Domains stay. Fine when it is suspended.
 * Context: thread, no other call under way.
 */
void weir_sysmmu_suspend(struct weir_sysmmu *sysmmu);
/**
 * weir_sysmmu_resume - have it run again, whatever became of its registers; blocked, attached anew
 * by the caller. Also ends a quarantine. Context: thread. Return: 0; as weir_sysmmu_create().
 */
int weir_sysmmu_resume(struct weir_sysmmu *sysmmu);

/**
 * weir_sysmmu_poll - report the faults that are pending, and let the master go on.
 * Context: any, no locks. Return: how many there were.
 */
unsigned int weir_sysmmu_poll(struct weir_sysmmu *sysmmu);

/** weir_sysmmu_version - its version: 0x303 is 3.3. Context: any. */
uint32_t weir_sysmmu_version(const struct weir_sysmmu *sysmmu);
/** weir_sysmmu_limits_get - page size and addresses. Context: any. */
void weir_sysmmu_limits_get(const struct weir_sysmmu *sysmmu,
			    struct weir_domain_limits *out_limits);
/** weir_sysmmu_tables_get - the tables that it walks. Context: any. */
void weir_sysmmu_tables_get(const struct weir_sysmmu *sysmmu,
			    struct weir_table_config *out_config);
/**
 * weir_sysmmu_walks - whether it can walk such tables.
 * Context: any. Return: 0; WEIR_EOPNOTSUPP.
 */
int weir_sysmmu_walks(const struct weir_sysmmu *sysmmu, const struct weir_tables *tables);

/**
 * weir_sysmmu_domain_create - show it tables.
 * @tables: copied; they stay readable until the domain is destroyed.
 * Owner: the caller. Return: 0; WEIR_EOPNOTSUPP as weir_sysmmu_walks(); WEIR_ENOMEM.
 */
int weir_sysmmu_domain_create(struct weir_sysmmu *sysmmu, const struct weir_tables *tables,
			      struct weir_sysmmu_domain **out_domain);
/**
 * weir_sysmmu_domain_destroy - its master is behind something else already, unless it is suspended
 * or in quarantine; NULL is fine. Return: NULL.
 */
struct weir_sysmmu_domain *weir_sysmmu_domain_destroy(struct weir_sysmmu_domain *domain);

/**
 * weir_sysmmu_attach - put the master behind a domain instead of what it is behind. It is held back
 * meanwhile, and loses nothing. @domain: NULL: nothing of it passes.
 * Return: 0; WEIR_EIO: it is behind what it was behind, or held back.
 */
int weir_sysmmu_attach(struct weir_sysmmu *sysmmu, struct weir_sysmmu_domain *domain);
/**
 * weir_sysmmu_keep - have the master stay behind a domain that it is behind, beyond
 * weir_sysmmu_destroy(): the domain's tables stay, the domain itself is destroyed as ever, and
 * clocks and power go on. The next instance finds it as what runs already. Call it last before the
 * instance goes. Return: 0; WEIR_ENOENT when it is not behind that; WEIR_EIO.
 */
int weir_sysmmu_keep(struct weir_sysmmu *sysmmu, struct weir_sysmmu_domain *domain);
/** weir_sysmmu_attach_identity - let everything pass untranslated. Return: as above. */
int weir_sysmmu_attach_identity(struct weir_sysmmu *sysmmu);

/**
 * weir_sysmmu_invalidate - have what is cached of a domain's tables dropped. When it returns 0
 * nothing of it is used any more. Context: any. Return: 0; WEIR_EIO when it did not block.
 */
int weir_sysmmu_invalidate(struct weir_sysmmu_domain *domain,
			   const struct weir_invalidation *what);

#ifdef __cplusplus
}
#endif
#endif
