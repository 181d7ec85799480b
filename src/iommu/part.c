// SPDX-License-Identifier: MIT
/*
 * Parts: what a domain has at one instance, while streams there are behind it. How they come and
 * go; what is in them is fill.c's. A nested one stands on one of its parent.
 *
 * Locks: the domain's parts lock for who comes and goes, the instance's around its calls.
 */
#include "iommu/priv.h"

static void lock_parts(struct weir_domain *domain)
{
	domain->m->ops->lock(domain->m->host, domain->parts_lock);
}

static void unlock_parts(struct weir_domain *domain)
{
	domain->m->ops->unlock(domain->m->host, domain->parts_lock);
}

/* The machine's own domains have none: they are all the same to an instance. */
static bool has_parts(const struct weir_domain *domain)
{
	return weir_domain_has_mappings_(domain) || domain->type == WEIR_DOMAIN_EXTERNAL ||
	       domain->type == WEIR_DOMAIN_NESTED;
}

/* ---- coming and going; the domain's parts lock is held ---- */

static struct weir_part *find(struct weir_domain *domain, const struct weir_iommu *iommu)
{
	struct weir_part *part;

	weir_list_each(part, &domain->parts, struct weir_part, node)
		if (part->iommu == iommu)
			return part;
	return NULL;
}

/*
 * Narrows the limits to those of one more instance; what is mapped must fit them.
 * @out_old: for weir_domain_widen_(), when it does not come after all.
 */
static int narrow(struct weir_domain *domain, const struct weir_iommu *iommu,
		  struct weir_domain_limits *out_old)
{
	struct weir_domain_limits l = weir_default_limits_;

	if (iommu->ops->limits)
		iommu->ops->limits(iommu->instance, &l);
	if (!l.page_bytes || (l.page_bytes & (l.page_bytes - 1)))
		return WEIR_EINVAL;
	if (domain->filling || weir_domain_table_(domain))
		weir_tables_limit_(domain, &l);
	return weir_domain_narrow_(domain, &l, out_old);
}

static void list_part(struct weir_part *part, bool on)
{
	struct weir_domain *domain = part->domain;
	unsigned long before = weir_spin_lock(&domain->spin);

	if (on)
		weir_list_add_tail(&domain->parts, &part->node);
	else
		weir_list_del(&part->node);
	weir_spin_unlock(&domain->spin, before);
}

/* Instance lock held. */
static void destroy(struct weir_part *part)
{
	struct weir_iommu *iommu = part->iommu;

	if (iommu->ops->part_destroy)
		iommu->ops->part_destroy(iommu->instance, part->driver);
	weir_atomic_free(iommu->dev->m, part, sizeof(*part));
}

static void drop_part(struct weir_part *part)
{
	struct weir_iommu *iommu = part->iommu;

	list_part(part, false);
	weir_iommu_lock_(iommu);
	weir_list_del(&part->at_iommu);
	if (iommu->off && !part->unseen)
		/* hardware that is about to lose its power may use it for a moment yet */
		weir_list_add_tail(&iommu->dead_parts, &part->at_iommu);
	else
		destroy(part);
	weir_iommu_unlock_(iommu);
}

void weir_parts_bury_(struct weir_iommu *iommu)
{
	while (!weir_list_empty(&iommu->dead_parts)) {
		struct weir_part *part =
			weir_container_of(iommu->dead_parts.next, struct weir_part, at_iommu);

		weir_list_del(&part->at_iommu);
		destroy(part);
	}
}

/* Behind it is the parent's part, which nobody else lets go. */
static int create_nested(struct weir_part *part)
{
	struct weir_iommu *iommu = part->iommu;

	return iommu->ops->part_nest(iommu->instance, part->parent->driver, &part->domain->nested,
				     &part->driver);
}

/* The instance has its part, and tables to be became the domain's. Its lock is held. */
static int create(struct weir_part *part)
{
	struct weir_iommu *iommu = part->iommu;
	int err = 0;

	if (part->parent)
		return create_nested(part);
	if (iommu->ops->part_create)
		err = iommu->ops->part_create(iommu->instance, part->domain, &part->driver);
	if (err)
		return err;
	err = weir_tables_commit_(part->domain);
	if (err && iommu->ops->part_destroy)
		iommu->ops->part_destroy(iommu->instance, part->driver);
	return err;
}

/* Without power it stays empty: weir_iommu_power() fills it. */
static int create_at_instance(struct weir_part *part)
{
	struct weir_iommu *iommu = part->iommu;
	int err;

	weir_iommu_lock_(iommu);
	err = create(part);
	if (err) {
		weir_iommu_unlock_(iommu);
		weir_atomic_free(part->domain->m, part, sizeof(*part));
		return err;
	}
	part->walks = !weir_domain_has_mappings_(part->domain) || weir_domain_table_(part->domain);
	part->full = part->walks && !iommu->off;
	weir_list_add_tail(&iommu->parts, &part->at_iommu);
	list_part(part, true);
	part->unseen = iommu->off;
	if (!iommu->off && !part->walks)
		err = weir_part_fill_(part);
	weir_iommu_unlock_(iommu);
	if (err)
		drop_part(part);
	return err;
}

/* Whether the instance takes tables that are not its own. */
static int check_external(const struct weir_domain *domain, const struct weir_iommu *iommu)
{
	const struct weir_iommu_ops *ops = iommu->ops;
	int err = ops->walks ? ops->walks(iommu->instance, &domain->tables) : WEIR_EOPNOTSUPP;

	if (err)
		weir_logf_(domain->m, WEIR_LOG_ERR, "%s takes no external tables%s",
			   iommu->dev->name, ops->walks ? " of this kind" : "");
	return err;
}

static int check_nested(const struct weir_domain *domain, const struct weir_iommu *iommu)
{
	if (iommu->ops->part_nest)
		return 0;
	weir_logf_(domain->m, WEIR_LOG_ERR, "%s has no nested translation", iommu->dev->name);
	return WEIR_EOPNOTSUPP;
}

static int check(struct weir_domain *domain, const struct weir_iommu *iommu)
{
	switch (domain->type) {
	case WEIR_DOMAIN_EXTERNAL: return check_external(domain, iommu);
	case WEIR_DOMAIN_NESTED: return check_nested(domain, iommu);
	default: return weir_tables_begin_(domain, iommu);
	}
}

/* @parent: the part that it stands on; or NULL. */
static int make_part(struct weir_domain *domain, struct weir_iommu *iommu,
		     struct weir_part *parent, struct weir_part **out_part)
{
	struct weir_domain_limits old;
	struct weir_part *part;
	int err = check(domain, iommu);

	if (err)
		return err;
	err = narrow(domain, iommu, &old);
	if (err)
		goto err_tables;
	part = weir_atomic_alloc(domain->m, sizeof(*part));
	if (!part) {
		err = WEIR_ENOMEM;
		goto err_limits;
	}
	part->domain = domain;
	part->iommu = iommu;
	part->parent = parent;
	weir_list_init(&part->node);
	weir_list_init(&part->at_iommu);
	err = create_at_instance(part);
	if (err)
		goto err_limits;
	*out_part = part;
	return 0;

err_limits:
	weir_domain_widen_(domain, &old);
err_tables:
	weir_tables_abort_(domain);
	return err;
}

static bool is_broken(const struct weir_part *part)
{
	unsigned long before = weir_spin_lock(&part->domain->spin);
	bool broken = part->broken;

	weir_spin_unlock(&part->domain->spin, before);
	return broken;
}

/* The part of a domain that is not nested. */
static int get_one(struct weir_domain *domain, struct weir_iommu *iommu, struct weir_part *parent,
		   struct weir_part **out_part)
{
	struct weir_part *part;
	int err = 0;

	lock_parts(domain);
	part = find(domain, iommu);
	if (!part)
		err = make_part(domain, iommu, parent, &part);
	else if (is_broken(part))
		err = WEIR_EIO;
	if (!err) {
		part->nr_streams++;
		*out_part = part;
	}
	unlock_parts(domain);
	return err;
}

static void put_one(struct weir_domain *domain, struct weir_iommu *iommu)
{
	struct weir_part *part;

	lock_parts(domain);
	part = find(domain, iommu);
	if (part && --part->nr_streams == 0)
		drop_part(part);
	unlock_parts(domain);
}

/* What a nested one stands on. NULL: it is not nested. */
static int get_parent(struct weir_domain *domain, struct weir_iommu *iommu,
		      struct weir_part **out_parent)
{
	*out_parent = NULL;
	return domain->parent ? get_one(domain->parent, iommu, NULL, out_parent) : 0;
}

static void put_parent(struct weir_domain *domain, struct weir_iommu *iommu)
{
	if (domain->parent)
		put_one(domain->parent, iommu);
}

int weir_part_get_(struct weir_domain *domain, struct weir_iommu *iommu)
{
	struct weir_part *part, *parent;
	int err;

	if (!has_parts(domain))
		return 0;
	err = get_parent(domain, iommu, &parent);
	if (err)
		return err;
	err = get_one(domain, iommu, parent, &part);
	if (err)
		put_parent(domain, iommu);
	return err;
}

/* Return: 1 it is held from now on; 0 it was already; negative. */
static int hold_one(struct weir_domain *domain, struct weir_iommu *iommu, struct weir_part *parent)
{
	struct weir_part *part;
	int err = 0;

	lock_parts(domain);
	part = find(domain, iommu);
	if (!part)
		err = make_part(domain, iommu, parent, &part);
	if (!err && !part->held) {
		part->held = true;
		part->nr_streams++;
		weir_domain_ref(domain);
		err = 1;
	}
	unlock_parts(domain);
	return err;
}

int weir_part_hold_(struct weir_domain *domain, struct weir_iommu *iommu)
{
	struct weir_part *parent;
	int err;

	if (!has_parts(domain))
		return 0;
	err = get_parent(domain, iommu, &parent);
	if (err)
		return err;
	err = hold_one(domain, iommu, parent);
	if (err <= 0)
		put_parent(domain, iommu);
	return err < 0 ? err : 0;
}

bool weir_part_let_go_(struct weir_domain *domain)
{
	struct weir_part *part, *held = NULL;
	struct weir_iommu *iommu = NULL;

	lock_parts(domain);
	weir_list_each(part, &domain->parts, struct weir_part, node)
		if (part->held)
			held = part;
	if (held) {
		iommu = held->iommu;
		held->held = false;
		if (--held->nr_streams == 0)
			drop_part(held);
	}
	unlock_parts(domain);
	if (!iommu)
		return false;
	put_parent(domain, iommu);
	weir_domain_unref(domain);
	return true;
}

void weir_part_put_(struct weir_domain *domain, struct weir_iommu *iommu)
{
	if (!has_parts(domain))
		return;
	put_one(domain, iommu);
	put_parent(domain, iommu);
}

struct weir_part *weir_part_find_(struct weir_domain *domain, const struct weir_iommu *iommu)
{
	struct weir_part *part;

	if (!has_parts(domain))
		return NULL;
	lock_parts(domain);
	part = find(domain, iommu);
	unlock_parts(domain);
	return part;
}

/* ---- streams that went without a word ---- */

void weir_part_orphan_(struct weir_domain *domain, struct weir_iommu *iommu)
{
	struct weir_part *part;

	if (!has_parts(domain))
		return;
	weir_domain_ref(domain);
	lock_parts(domain);
	part = find(domain, iommu);
	weir_assert_(domain->m, part);
	if (part)
		part->nr_orphans++;
	unlock_parts(domain);
}

/* Some part that is still there, and that none stands on. The caller gets a reference to its domain. */
static struct weir_domain *left_over(struct weir_iommu *iommu)
{
	struct weir_part *part, *found = NULL;
	struct weir_domain *domain;

	weir_iommu_lock_(iommu);
	weir_list_each(part, &iommu->parts, struct weir_part, at_iommu)
		if (!found || part->parent)
			found = part;
	domain = found ? weir_domain_ref(found->domain) : NULL;
	weir_iommu_unlock_(iommu);
	return domain;
}

static void drop_orphans(struct weir_domain *domain, struct weir_iommu *iommu)
{
	struct weir_part *part;
	uint32_t n = 0;

	lock_parts(domain);
	part = find(domain, iommu);
	if (part) {
		n = part->nr_orphans + part->held;
		weir_assert_(domain->m, n && n == part->nr_streams);
		drop_part(part);
	}
	unlock_parts(domain);
	while (n--) {
		put_parent(domain, iommu);
		weir_domain_unref(domain);
	}
}

void weir_parts_end_(struct weir_iommu *iommu)
{
	struct weir_domain *domain;

	while ((domain = left_over(iommu))) {
		drop_orphans(domain, iommu);
		weir_domain_unref(domain);
	}
	weir_iommu_lock_(iommu);
	weir_parts_bury_(iommu);
	weir_iommu_unlock_(iommu);
}
