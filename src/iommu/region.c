// SPDX-License-Identifier: MIT
/*
 * Special regions of what a group's masters see: holes, memory that is in use since
 * firmware, and doorbells of message-signalled interrupts.
 *
 * They are asked of instances and firmware when a master joins, and kept, sorted and
 * merged, as long as the group has masters. What must be reachable (direct regions, and
 * doorbells that the instance does not let through by itself) is mapped to itself in a
 * domain before a stream is put behind it, and stays there with the domain.
 *
 * The list is changed with the group's lock and the machine's; either is enough to read.
 */
#include "core/text.h"
#include "iommu/priv.h"

/* ---- lists ---- */

void weir_regions_free_(struct weir_machine *m, struct weir_regions *list)
{
	weir_atomic_free(m, list->at, list->max * sizeof(*list->at));
	*list = (struct weir_regions){ 0 };
}

static int make_room(struct weir_machine *m, struct weir_regions *list)
{
	uint32_t max = list->max ? list->max * 2 : 4;
	struct weir_region *at;

	if (list->n < list->max)
		return 0;
	at = weir_atomic_alloc(m, max * sizeof(*at));
	if (!at)
		return WEIR_ENOMEM;
	if (list->at)
		weir_memcpy_(at, list->at, list->n * sizeof(*at));
	weir_atomic_free(m, list->at, list->max * sizeof(*at));
	list->at = at;
	list->max = max;
	return 0;
}

/* Of one kind and next to or over each other: one region is as good as two. */
static bool can_merge(const struct weir_region *a, const struct weir_region *b)
{
	return a->kind == b->kind && a->prot == b->prot &&
	       (a->last == UINT64_MAX || b->first <= a->last + 1) &&
	       (b->last == UINT64_MAX || a->first <= b->last + 1);
}

static void take_out(struct weir_regions *list, uint32_t i)
{
	for (list->n--; i < list->n; i++)
		list->at[i] = list->at[i + 1];
}

/* Return: 0; WEIR_EINVAL for one that ends before it begins; WEIR_ENOMEM. */
static int add(struct weir_machine *m, struct weir_regions *list, struct weir_region region)
{
	uint32_t i = 0;
	int err;

	if (region.last < region.first || (unsigned int)region.kind > WEIR_REGION_MSI)
		return WEIR_EINVAL;
	if (region.kind != WEIR_REGION_DIRECT)
		region.prot = 0;
	else if (!(region.prot & (WEIR_MAP_READ | WEIR_MAP_WRITE)))
		region.prot |= WEIR_MAP_READ | WEIR_MAP_WRITE;
	while (i < list->n) {
		if (!can_merge(&list->at[i], &region)) {
			i++;
			continue;
		}
		if (list->at[i].first < region.first)
			region.first = list->at[i].first;
		if (list->at[i].last > region.last)
			region.last = list->at[i].last;
		take_out(list, i);
		i = 0; /* it may reach others now */
	}
	err = make_room(m, list);
	if (err)
		return err;
	for (i = list->n++; i && list->at[i - 1].first > region.first; i--)
		list->at[i] = list->at[i - 1];
	list->at[i] = region;
	return 0;
}

/* ---- asking ---- */

static int bad_region(struct weir_device *dev, const struct weir_iommu *iommu,
		      const struct weir_region *region)
{
	weir_logf_(dev->m, WEIR_LOG_ERR, "%s: %s tells of a region from 0x%llx to 0x%llx", dev->name,
		   iommu->dev->name, (unsigned long long)region->first,
		   (unsigned long long)region->last);
	return WEIR_EIO;
}

/* Whoever goes on for ever would have some of them forgotten. */
static int too_many(struct weir_device *dev, const char *who)
{
	weir_logf_(dev->m, WEIR_LOG_ERR, "%s: %s tells of more than %u regions", dev->name, who,
		   WEIR_REGIONS_MAX);
	return WEIR_EIO;
}

/* What the hardware says of a stream. */
static int ask_instance(struct weir_device *dev, const struct weir_stream_id *id,
			struct weir_regions *list)
{
	struct weir_iommu *iommu = id->iommu;
	struct weir_region region;
	unsigned int i;
	int err = 0;

	if (!iommu->ops->regions)
		return 0;
	for (i = 0; !err; i++) {
		weir_iommu_lock_(iommu);
		err = iommu->off ? WEIR_ENOENT
				 : iommu->ops->regions(iommu->instance, id->id, i, &region);
		weir_iommu_unlock_(iommu);
		if (!err)
			err = i == WEIR_REGIONS_MAX ? too_many(dev, iommu->dev->name)
						    : add(dev->m, list, region);
		if (err == WEIR_EINVAL)
			err = bad_region(dev, iommu, &region);
	}
	return err == WEIR_ENOENT ? 0 : err;
}

static int add_firmware(struct weir_device *dev, struct weir_regions *list, unsigned int index,
			const struct weir_fwregion *fw)
{
	if (index == WEIR_REGIONS_MAX)
		return too_many(dev, "firmware");
	return add(dev->m, list, (struct weir_region){
		.kind = fw->direct ? WEIR_REGION_DIRECT : WEIR_REGION_RESERVED,
		.first = fw->first, .last = fw->last, .prot = WEIR_MAP_READ | WEIR_MAP_WRITE,
	});
}

/* What firmware says: of the device, and of its ids. */
static int ask_firmware(const struct weir_master *master, struct weir_regions *list)
{
	struct weir_device *dev = master->dev;
	struct weir_fwregion fw;
	int err = 0;

	for (unsigned int i = 0; !err && dev->fwnode &&
				 !weir_firmware_iommu_region(dev->fwnode, i, &fw); i++)
		err = add_firmware(dev, list, i, &fw);
	for (uint32_t s = 0; !err && s < master->nr_streams; s++) {
		const struct weir_stream_id *id = &master->streams[s];

		for (unsigned int i = 0; !err && id->iommu; i++) {
			if (weir_firmware_stream_region(id->iommu->dev->fwnode, id->id, i, &fw))
				break;
			err = add_firmware(dev, list, i, &fw);
		}
	}
	return err;
}

/* ---- doorbells ---- */

#define DOORBELL_BYTES UINT64_C(4096)

static bool lets_through(const struct weir_regions *list, uint64_t pa)
{
	for (uint32_t i = 0; i < list->n; i++)
		if (list->at[i].kind == WEIR_REGION_MSI && list->at[i].first <= pa &&
		    pa <= list->at[i].last)
			return true;
	return false;
}

static int add_doorbell(struct weir_machine *m, struct weir_regions *list, uint64_t pa)
{
	uint64_t first = pa & ~(DOORBELL_BYTES - 1);

	if (lets_through(list, pa))
		return 0;
	return add(m, list, (struct weir_region){
		.kind = WEIR_REGION_DIRECT, .first = first, .last = first + (DOORBELL_BYTES - 1),
		.prot = WEIR_MAP_WRITE | WEIR_MAP_NOEXEC | WEIR_MAP_DEVICE,
	});
}

static int add_doorbells(struct weir_machine *m, struct weir_regions *list)
{
	int err = 0;

	for (uint32_t i = 0; !err; i++) {
		bool more;
		uint64_t pa = 0;

		weir_lock_(m);
		more = i < m->nr_doorbells;
		if (more)
			pa = m->doorbells[i];
		weir_unlock_(m);
		if (!more)
			break;
		err = add_doorbell(m, list, pa);
	}
	return err;
}

/* ---- of a group; its lock is held, and not the machine's ---- */

/* The group has these; what it had is in @list then. */
static void exchange(struct weir_group *group, struct weir_regions *list)
{
	struct weir_regions old;

	weir_lock_(group->m);
	old = group->regions;
	group->regions = *list;
	weir_unlock_(group->m);
	*list = old;
}

/* A copy with room of its own. */
static int copy(const struct weir_group *group, struct weir_regions *out_list)
{
	int err = 0;

	*out_list = (struct weir_regions){ 0 };
	for (uint32_t i = 0; i < group->regions.n && !err; i++)
		err = add(group->m, out_list, group->regions.at[i]);
	if (err)
		weir_regions_free_(group->m, out_list);
	return err;
}

int weir_regions_join_(struct weir_group *group, const struct weir_master *master, uint32_t first,
		       uint32_t end)
{
	struct weir_regions list;
	int err = copy(group, &list);

	if (err)
		return err;
	for (uint32_t i = first; i < end && !err; i++)
		if (master->streams[i].iommu)
			err = ask_instance(master->dev, &master->streams[i], &list);
	if (!err)
		err = ask_firmware(master, &list);
	if (!err)
		err = add_doorbells(group->m, &list);
	if (!err)
		exchange(group, &list);
	weir_regions_free_(group->m, &list);
	return err;
}

/* ---- mapping ---- */

/* The first page from @at to @last that is not mapped to itself, and how many such follow. */
static int next_hole(struct weir_domain *domain, uint64_t at, uint64_t last, uint64_t *out_at,
		     uint64_t *out_bytes)
{
	unsigned long before = weir_spin_lock(&domain->spin);
	struct weir_domain_mapping mapping;
	bool more = !weir_domain_next_(domain, at, &mapping);
	int err = 0;

	while (more && mapping.iova <= at && !err) {
		if (mapping.pa != mapping.iova)
			err = WEIR_EEXIST;
		else if (last - mapping.iova < mapping.bytes)
			err = WEIR_ENOENT;
		at = mapping.iova + mapping.bytes;
		more = !err && !weir_domain_next_(domain, at, &mapping);
	}
	if (!err) {
		*out_at = at;
		*out_bytes = (more && mapping.iova <= last ? mapping.iova - 1 : last) - at + 1;
	}
	weir_spin_unlock(&domain->spin, before);
	return err;
}

static int map_region(struct weir_domain *domain, const struct weir_region *region)
{
	struct weir_domain_limits l;
	uint64_t at, last, bytes = 0;
	int err;

	weir_domain_limits_get(domain, &l);
	at = region->first & ~(l.page_bytes - 1);
	last = region->last | (l.page_bytes - 1);
	while (!(err = next_hole(domain, at, last, &at, &bytes))) {
		err = weir_domain_map(domain, at, at, bytes, region->prot);
		if (err)
			break;
		at += bytes;
		if (at - 1 == last)
			return 0;
	}
	return err == WEIR_ENOENT ? 0 : err;
}

/* Everything of a domain of the library's; of a caller's, only what interrupts need. */
static bool is_for(const struct weir_domain *domain, const struct weir_region *region)
{
	if (region->kind != WEIR_REGION_DIRECT)
		return false;
	return domain->type == WEIR_DOMAIN_DMA || domain->mirror ||
	       (domain->type == WEIR_DOMAIN_UNMANAGED && (region->prot & WEIR_MAP_DEVICE));
}

/* Who hands out the domain's addresses does not hand out these. */
static int keep_away(struct weir_domain *domain, uint64_t first, uint64_t last)
{
	struct weir_machine *m = domain->m;
	int err;

	weir_lock_(m);
	err = domain->reserve ? domain->reserve(domain, first, last) : 0;
	weir_unlock_(m);
	return err == WEIR_EBUSY ? WEIR_EEXIST : err;
}

int weir_regions_map_(struct weir_group *group, struct weir_domain *domain)
{
	const struct weir_regions *list = &group->regions;

	if (domain->parent) /* stage 1 is the guest's affair */
		domain = domain->parent;
	for (uint32_t i = 0; i < list->n; i++) {
		const struct weir_region *region = &list->at[i];
		int err = is_for(domain, region) ? map_region(domain, region) : 0;

		if (!err && domain->mirror) /* what its driver mapped there, and unmaps, is not all */
			err = keep_away(domain, region->first, region->last);
		if (!err)
			continue;
		weir_logf_(group->m, WEIR_LOG_ERR, "group %d needs 0x%llx to 0x%llx mapped to itself: %s",
			   weir_group_number(group), (unsigned long long)region->first,
			   (unsigned long long)region->last, weir_strerror(err));
		return err;
	}
	return 0;
}

int weir_regions_doorbell_(struct weir_group *group, uint64_t pa)
{
	uint64_t first = pa & ~(DOORBELL_BYTES - 1);
	struct weir_regions list;
	int err = copy(group, &list);

	if (err)
		return err;
	err = add_doorbell(group->m, &list, pa);
	if (err)
		goto free;
	exchange(group, &list);
	if (group->domain) {
		err = keep_away(group->domain, first, first + (DOORBELL_BYTES - 1));
		if (!err)
			err = weir_regions_map_(group, group->domain);
	}
	if (err) /* no later domain is refused for what this one could not have */
		exchange(group, &list);
free:
	weir_regions_free_(group->m, &list);
	return err;
}

/* ---- for others ---- */

int weir_group_region_(const struct weir_group *group, unsigned int index,
		       struct weir_region *out_region)
{
	if (index >= group->regions.n)
		return WEIR_ENOENT;
	*out_region = group->regions.at[index];
	return 0;
}

int weir_group_region(struct weir_group *group, unsigned int index, struct weir_region *out_region)
{
	int err;

	weir_lock_(group->m);
	err = weir_group_region_(group, index, out_region);
	weir_unlock_(group->m);
	return err;
}
