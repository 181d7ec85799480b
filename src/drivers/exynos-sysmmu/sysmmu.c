// SPDX-License-Identifier: MIT
/*
 * The life of a System MMU, and what its master is behind. It is never switched off but for
 * an identity domain: then everything passes. Blocked is: on, with tables that map nothing, so that
 * accesses are told; suspended, and at the end: held back, which takes no memory.
 */
#include "drivers/exynos-sysmmu/priv.h"

/* ---- the host ---- */

uint32_t weir_sysmmu_read_(const struct weir_sysmmu *s, uint32_t at)
{
	return (uint32_t)s->ops->mmio_read(s->host, s->regs + at, 4);
}

void weir_sysmmu_write_(const struct weir_sysmmu *s, uint32_t at, uint32_t value)
{
	s->ops->mmio_write(s->host, s->regs + at, 4, value);
}

static unsigned long lock(struct weir_sysmmu *s)
{
	return weir_spin_lock(&s->lock);
}

static void unlock(struct weir_sysmmu *s, unsigned long before)
{
	weir_spin_unlock(&s->lock, before);
}

/* ---- what the master is behind ---- */

static int change(struct weir_sysmmu *s, enum sysmmu_mode mode, uint64_t root_pa)
{
	unsigned long before = lock(s);
	int err = WEIR_EIO;

	if (!s->off)
		err = mode == SYSMMU_IDENTITY ? weir_sysmmu_bypass_(s)
					      : weir_sysmmu_switch_(s, root_pa);
	if (!err)
		s->mode = mode;
	unlock(s, before);
	return err;
}

int weir_sysmmu_attach(struct weir_sysmmu *s, struct weir_sysmmu_domain *domain)
{
	return domain ? change(s, SYSMMU_DOMAIN, domain->root_pa)
		      : change(s, SYSMMU_BLOCKED, s->empty_pa);
}

int weir_sysmmu_attach_identity(struct weir_sysmmu *s)
{
	return change(s, SYSMMU_IDENTITY, 0);
}

int weir_sysmmu_keep(struct weir_sysmmu *s, struct weir_sysmmu_domain *domain)
{
	if (s->off || atomic_load(&s->unit.dead))
		return WEIR_EIO;
	if (s->mode != SYSMMU_DOMAIN || s->root_pa != domain->root_pa)
		return WEIR_ENOENT;
	s->kept = true;
	return 0;
}

int weir_sysmmu_enforce(struct weir_sysmmu *s)
{
	return s->mode == SYSMMU_FOUND ? weir_sysmmu_attach(s, NULL) : 0;
}

/* What it is not behind is not cached: caches are emptied with each change. */
int weir_sysmmu_invalidate(struct weir_sysmmu_domain *domain, const struct weir_invalidation *what)
{
	struct weir_sysmmu *s = domain->sysmmu;
	unsigned long before = lock(s);
	int err = 0;

	if (!s->off && s->mode == SYSMMU_DOMAIN && s->root_pa == domain->root_pa) {
		err = weir_sysmmu_block_(s);
		if (!err) {
			weir_sysmmu_flush_(s, what);
			weir_sysmmu_unblock_(s);
			/* An interrupt may have got lost: then its master waits, and nobody looks. */
			if (weir_sysmmu_read_(s, s->variant->int_status))
				weir_sysmmu_wake_later_(s);
		}
	}
	unlock(s, before);
	return err;
}

/* ---- domains ---- */

uint32_t weir_sysmmu_version(const struct weir_sysmmu *s)
{
	return s->version;
}

void weir_sysmmu_limits_get(const struct weir_sysmmu *s, struct weir_domain_limits *out_limits)
{
	(void)s;
	*out_limits = (struct weir_domain_limits){ .page_bytes = PAGE, .iova_max = UINT32_MAX };
}

void weir_sysmmu_tables_get(const struct weir_sysmmu *s, struct weir_table_config *out_config)
{
	*out_config = (struct weir_table_config){
		.format = s->variant->wide ? WEIR_TABLE_EXYNOS_V5 : WEIR_TABLE_EXYNOS,
		.kind = &weir_table_short, .granule_lg2 = 12, .iova_bits = 32,
		.pa_bits = s->variant->wide ? 36 : 32,
	};
}

int weir_sysmmu_walks(const struct weir_sysmmu *s, const struct weir_tables *tables)
{
	struct weir_table_config config;

	weir_sysmmu_tables_get(s, &config);
	if (tables->format != config.format || tables->granule_lg2 != config.granule_lg2 ||
	    tables->iova_bits != config.iova_bits || tables->pa_bits > config.pa_bits ||
	    tables->levels != 2 || tables->coherent || tables->root_pa & (ROOT_BYTES - 1) ||
	    tables->root_pa >> config.pa_bits)
		return WEIR_EOPNOTSUPP;
	return 0;
}

int weir_sysmmu_domain_create(struct weir_sysmmu *s, const struct weir_tables *tables,
			      struct weir_sysmmu_domain **out_domain)
{
	struct weir_sysmmu_domain *domain;
	int err = weir_sysmmu_walks(s, tables);

	if (err)
		return err;
	domain = s->ops->alloc(s->host, sizeof(*domain));
	if (!domain)
		return WEIR_ENOMEM;
	domain->sysmmu = s;
	domain->root_pa = tables->root_pa;
	*out_domain = domain;
	return 0;
}

struct weir_sysmmu_domain *weir_sysmmu_domain_destroy(struct weir_sysmmu_domain *domain)
{
	if (domain)
		domain->sysmmu->ops->free(domain->sysmmu->host, domain, sizeof(*domain));
	return NULL;
}

/* ---- off, and on again ---- */

void weir_sysmmu_suspend(struct weir_sysmmu *s)
{
	unsigned long before = lock(s);

	if (!s->off && s->mode != SYSMMU_FOUND)
		s->stuck = weir_sysmmu_block_(s);
	s->resting = false;
	s->off = true;
	unlock(s, before);
}

int weir_sysmmu_resume(struct weir_sysmmu *s)
{
	unsigned long before;
	int err;

	if (!s->off)
		return atomic_load(&s->unit.dead) ? WEIR_EIO : 0;
	err = weir_sysmmu_identify_(s);
	if (err)
		return err;
	before = lock(s);
	atomic_store(&s->unit.dead, false);
	s->stuck = false;
	s->off = false;
	unlock(s, before);
	err = weir_sysmmu_attach(s, NULL);
	if (err)
		weir_sysmmu_suspend(s);
	return err;
}

/* ---- creation and destruction ---- */

static int check_host(const struct weir_sysmmu *s)
{
	const struct weir_host_ops *ops = s->ops;

	if (!ops->pages_alloc || !ops->mmio_map)
		return weir_sysmmu_log_(s, WEIR_EOPNOTSUPP, "the host has no pages, or no registers",
					s->config.base_pa);
	if (!ops->cache_sync)
		return weir_sysmmu_log_(s, WEIR_EOPNOTSUPP,
					"it is not coherent, and the host has no cache maintenance",
					s->config.base_pa);
	if (s->config.bytes < REGS_BYTES_MIN)
		return weir_sysmmu_log_(s, WEIR_EIO, "it has too few registers", s->config.bytes);
	return 0;
}

static int make_empty(struct weir_sysmmu *s)
{
	int err = s->config.table_alloc
			  ? s->config.table_alloc(s->config.arg, ROOT_BYTES, ROOT_BYTES, &s->empty_va,
						  &s->empty_pa)
			  : s->ops->pages_alloc(s->host, ROOT_BYTES, ROOT_BYTES, &s->empty_va,
						&s->empty_pa);

	if (err) {
		s->empty_va = NULL;
		return err;
	}
	if (s->empty_pa >> (s->variant->wide ? 36 : 32))
		return weir_sysmmu_log_(s, WEIR_EOPNOTSUPP, "it does not reach memory", s->empty_pa);
	s->ops->cache_sync(s->host, s->empty_pa, ROOT_BYTES, WEIR_CACHE_CLEAN);
	return 0;
}

static void free_empty(struct weir_sysmmu *s)
{
	if (!s->empty_va)
		return;
	if (s->config.table_free)
		s->config.table_free(s->config.arg, s->empty_va, s->empty_pa, ROOT_BYTES);
	else
		s->ops->pages_free(s->host, s->empty_va, s->empty_pa, ROOT_BYTES);
}

static int init(struct weir_sysmmu *s)
{
	int err = check_host(s);

	if (!err)
		err = weir_spin_init_host(&s->lock, s->ops, s->host, WEIR_LOCK_DEVICE);
	if (!err)
		err = s->ops->mmio_map(s->host, s->config.base_pa, s->config.bytes, &s->regs);
	if (err)
		return err;
	s->mapped = true;
	err = weir_sysmmu_identify_(s);
	if (!err)
		err = make_empty(s);
	if (!err)
		err = weir_sysmmu_wakers_(s);
	if (err)
		return err;
	s->off = false;
	if (!s->config.keep && weir_sysmmu_enforce(s))
		return WEIR_ETIMEDOUT;
	if (!s->irq)
		weir_sysmmu_wake_later_(s);
	return 0;
}

int weir_sysmmu_create(const struct weir_host_ops *ops, void *host,
		       const struct weir_sysmmu_config *config, struct weir_sysmmu **out_sysmmu)
{
	struct weir_sysmmu *s = ops->alloc(host, sizeof(*s));
	int err;

	if (!s)
		return WEIR_ENOMEM;
	s->ops = ops;
	s->host = host;
	s->config = *config;
	s->unit = (struct weir_unit){
		.ops = ops, .host = host, .name = config->name, .base_pa = config->base_pa,
		.fault = config->fault, .arg = config->arg,
	};
	s->off = true;
	err = init(s);
	if (err) {
		weir_unit_stillborn_(&s->unit, err);
		weir_sysmmu_destroy(s);
		return err;
	}
	*out_sysmmu = s;
	return 0;
}

struct weir_sysmmu *weir_sysmmu_destroy(struct weir_sysmmu *s)
{
	if (!s)
		return NULL;
	if (!s->off && !s->kept)
		weir_sysmmu_suspend(s);
	weir_sysmmu_wakers_free_(s);
	if (s->stuck)
		weir_sysmmu_log_(s, 0, "it may go on using its tables, which stay with it",
				 s->empty_pa);
	else
		free_empty(s);
	if (s->mapped)
		s->ops->mmio_unmap(s->host, s->regs, s->config.bytes);
	weir_spin_fini(&s->lock);
	s->ops->free(s->host, s, sizeof(*s));
	return NULL;
}
