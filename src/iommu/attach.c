// SPDX-License-Identifier: MIT
/*
 * Attaching a group to a domain: all its streams, or none. Masters that come and go.
 *
 * 1. The new domain gets its parts, with all mappings, at every instance concerned, and
 *    what the group's streams need at all times is mapped in it (region.c).
 * 2. Stream by stream the instance replaces what it was behind.
 * 3. The old domain's parts are given back.
 * When a stream fails in step 2, those before it go back to the old domain (never from the
 * blocked one: there each is put as well as it can be); when one
 * cannot go back, the whole group is blocked; when an instance does not confirm even
 * that, what its stream may still be behind is kept until it does, or is gone itself.
 * A master that comes later joins with its streams alone, and leaves alone.
 *
 * All with the group's lock held.
 */
#include "iommu/priv.h"

/* ---- one stream ---- */

static void put_part(struct weir_stream *stream, struct weir_domain *domain)
{
	if (domain)
		weir_part_put_(domain, stream->iommu);
}

/* It is known not to be behind these any more. */
static void release_stuck(struct weir_stream *stream)
{
	for (int i = 0; i < 2; i++) {
		put_part(stream, stream->stuck[i]);
		stream->stuck[i] = weir_domain_unref(stream->stuck[i]);
	}
}

/* It may be behind that domain: takes over its use of the part there. */
static void keep_stuck(struct weir_stream *stream, struct weir_domain *domain)
{
	if (!domain)
		return;
	for (int i = 0; i < 2; i++) {
		if (stream->stuck[i])
			continue;
		stream->stuck[i] = weir_domain_ref(domain);
		return;
	}
	weir_part_orphan_(domain, stream->iommu);
}

/* A stream that goes leaves with its instance what it may still be behind. */
static void abandon_stuck(struct weir_stream *stream)
{
	for (int i = 0; i < 2; i++) {
		if (stream->stuck[i])
			weir_part_orphan_(stream->stuck[i], stream->iommu);
		stream->stuck[i] = weir_domain_unref(stream->stuck[i]);
	}
}

/* The domain has its part there already. Without power only the books change. */
static int set_stream(struct weir_stream *stream, struct weir_domain *domain)
{
	struct weir_iommu *iommu = stream->iommu;
	struct weir_part *part = weir_part_find_(domain, iommu);
	int err = 0;

	weir_iommu_lock_(iommu);
	if (iommu->ops->attach && !iommu->off)
		err = iommu->ops->attach(iommu->instance, stream->id, domain->type,
					 part ? part->driver : NULL);
	if (!err) {
		stream->type = domain->type;
		stream->part = part;
		weir_faults_domain_(stream, domain);
	}
	weir_iommu_unlock_(iommu);
	if (!err)
		release_stuck(stream);
	return err;
}

/*
 * The last resort, so it is tried twice. What it uses of the domains (or NULL) is given back,
 * or kept.
 */
static void block(struct weir_stream *stream, struct weir_domain *blocked,
		  struct weir_domain *one, struct weir_domain *two)
{
	bool done = !set_stream(stream, blocked) || !set_stream(stream, blocked);

	if (done) {
		put_part(stream, one);
		put_part(stream, two);
	} else {
		keep_stuck(stream, one);
		keep_stuck(stream, two);
	}
}

/* ---- the group; step 1, and its undoing up to (not including) @end ---- */

static void put_parts(struct weir_group *group, struct weir_domain *domain,
		      const struct weir_stream *end)
{
	struct weir_stream *stream;

	weir_list_each(stream, &group->streams, struct weir_stream, node) {
		if (stream == end)
			break;
		put_part(stream, domain);
	}
}

static int get_parts(struct weir_group *group, struct weir_domain *domain)
{
	struct weir_stream *stream;

	weir_list_each(stream, &group->streams, struct weir_stream, node) {
		int err = weir_part_get_(domain, stream->iommu);

		if (!err)
			continue;
		put_parts(group, domain, stream);
		return err;
	}
	return 0;
}

/* Step 2 for the streams before @end (NULL: all). @out_failed: where it stopped. */
static int set_streams(struct weir_group *group, struct weir_domain *domain,
		       const struct weir_stream *end, struct weir_stream **out_failed)
{
	struct weir_stream *stream;

	weir_list_each(stream, &group->streams, struct weir_stream, node) {
		int err;

		if (stream == end)
			break;
		err = set_stream(stream, domain);
		if (!err)
			continue;
		*out_failed = stream;
		return err;
	}
	return 0;
}

static void remember(struct weir_group *group, struct weir_domain *domain)
{
	struct weir_domain *old = group->domain;

	group->domain = weir_domain_ref(domain);
	weir_domain_unref(old);
}

/* Back to the old domain after a failure at @failed; or blocked. */
static void restore(struct weir_group *group, struct weir_domain *domain,
		    struct weir_domain *blocked, struct weir_stream *failed)
{
	struct weir_domain *old = group->domain;
	struct weir_stream *stream;

	/* the one that failed may be behind either, or blocked: it is set as well */
	if (!set_streams(group, old, failed, &stream) && !set_stream(failed, old)) {
		put_parts(group, domain, NULL);
		return;
	}
	weir_list_each(stream, &group->streams, struct weir_stream, node)
		block(stream, blocked, domain, old);
	remember(group, blocked);
}

/* Some stream is not known to be blocked, though all were to be. */
static bool is_stuck(const struct weir_group *group)
{
	struct weir_stream *stream;

	weir_list_each(stream, &group->streams, struct weir_stream, node)
		if (stream->stuck[0])
			return true;
	return false;
}

/* What one stream fails to do does not let the others back to where they were. */
static int block_all(struct weir_group *group, struct weir_domain *blocked)
{
	struct weir_domain *old = group->domain == blocked ? NULL : group->domain;
	struct weir_stream *stream;

	weir_list_each(stream, &group->streams, struct weir_stream, node)
		block(stream, blocked, old, NULL);
	remember(group, blocked);
	return is_stuck(group) ? WEIR_EIO : 0;
}

int weir_group_attach_(struct weir_group *group, struct weir_domain *domain)
{
	struct weir_domain *old = group->domain, *blocked;
	struct weir_stream *failed = NULL;
	int err;

	if (old == domain && !is_stuck(group))
		return 0;
	if (domain->type == WEIR_DOMAIN_BLOCKED)
		return block_all(group, domain);
	err = weir_domain_create(group->m, WEIR_DOMAIN_BLOCKED, &blocked);
	if (err)
		return err;
	err = get_parts(group, domain);
	if (err)
		goto out;
	err = weir_regions_map_(group, domain);
	if (err) {
		put_parts(group, domain, NULL);
		goto out;
	}
	err = set_streams(group, domain, NULL, &failed);
	if (err) {
		restore(group, domain, blocked, failed);
		goto out;
	}
	put_parts(group, old, NULL);
	remember(group, domain);
out:
	weir_domain_unref(blocked);
	return err;
}

/* ---- streams that come and go ---- */

static bool has_stream(const struct weir_master *master, const struct weir_stream *stream)
{
	for (uint32_t i = 0; i < master->nr_streams; i++)
		if (master->streams[i].iommu == stream->iommu && master->streams[i].id == stream->id)
			return true;
	return false;
}

static struct weir_stream *find_stream(struct weir_group *group, const struct weir_stream_id *id)
{
	struct weir_stream *stream;

	weir_list_each(stream, &group->streams, struct weir_stream, node)
		if (stream->iommu == id->iommu && stream->id == id->id)
			return stream;
	return NULL;
}

/*
 * What two groups put on their DMA the instance cannot tell apart, though topology and firmware's
 * words did: who comes second is kept out. False: so it is.
 */
static bool list_stream(struct weir_stream *stream, struct weir_device *dev)
{
	struct weir_machine *m = dev->m;
	const struct weir_stream *taken = NULL;

	weir_lock_(m);
	if (weir_identity_by_ids_(m))
		taken = weir_faults_find_(stream->iommu, stream->id);
	if (taken) {
		weir_logf_(m, WEIR_LOG_ERR, "%s: its stream 0x%x at %s is that of %s, of another group",
			   dev->name, stream->id, stream->iommu->dev->name, taken->dev->name);
	} else {
		weir_faults_add_(stream, dev);
		weir_list_add_tail(&stream->iommu->streams, &stream->at_iommu);
	}
	weir_unlock_(m);
	return !taken;
}

static int make_stream(struct weir_group *group, const struct weir_stream_id *id,
		       struct weir_device *dev, struct weir_stream **out_stream)
{
	struct weir_machine *m = group->m;
	struct weir_stream *stream = weir_atomic_alloc(m, sizeof(*stream));

	if (!stream)
		return WEIR_ENOMEM;
	stream->iommu = id->iommu;
	stream->id = id->id;
	stream->group = group;
	stream->type = WEIR_DOMAIN_BLOCKED;
	if (!list_stream(stream, dev)) {
		weir_atomic_free(m, stream, sizeof(*stream));
		return WEIR_EBUSY;
	}
	weir_list_add_tail(&group->streams, &stream->node);
	weir_iommu_lock_(id->iommu);
	weir_list_add_tail(&id->iommu->joined, &stream->joined);
	weir_iommu_unlock_(id->iommu);
	*out_stream = stream;
	return 0;
}

static void free_stream(struct weir_stream *stream)
{
	struct weir_machine *m = stream->group->m;
	struct weir_iommu *iommu = stream->iommu;

	abandon_stuck(stream);
	weir_iommu_lock_(iommu);
	weir_list_del(&stream->joined);
	if (iommu->ops->forget && !iommu->off)
		iommu->ops->forget(iommu->instance, stream->id);
	weir_iommu_unlock_(iommu);
	weir_lock_(m);
	weir_faults_del_(stream);
	weir_list_del(&stream->at_iommu);
	weir_unlock_(m);
	weir_list_del(&stream->node);
	weir_atomic_free(m, stream, sizeof(*stream));
}

/* A stream that nobody had, with its part. It is put behind it by begin_streams(). */
static int add_stream(struct weir_group *group, const struct weir_stream_id *id,
		      struct weir_device *dev, struct weir_domain *blocked)
{
	struct weir_domain *domain = group->domain;
	struct weir_stream *stream;
	int err = make_stream(group, id, dev, &stream);

	if (err)
		return err;
	stream->users = 1;
	stream->fresh = true;
	err = weir_part_get_(domain, id->iommu);
	if (err) {
		block(stream, blocked, NULL, NULL);
		free_stream(stream);
	}
	return err;
}

static int begin_streams(struct weir_group *group)
{
	struct weir_stream *stream;

	weir_list_each(stream, &group->streams, struct weir_stream, node) {
		int err = stream->fresh ? set_stream(stream, group->domain) : 0;

		if (err)
			return err;
		stream->fresh = false;
	}
	return 0;
}

/* Faults of a stream that others go on using are one of theirs now. */
static void hand_over(struct weir_group *group, struct weir_stream *stream,
		      const struct weir_master *gone)
{
	struct weir_master *master;

	weir_list_each(master, &group->masters, struct weir_master, group_node)
		if (master != gone && has_stream(master, stream))
			weir_faults_owner_(stream, master->dev);
}

/* Those from @first up to @end at an instance; NULL: all. */
static void drop_streams(struct weir_group *group, const struct weir_master *master, uint32_t first,
			 uint32_t end, const struct weir_iommu *iommu, struct weir_domain *blocked)
{
	for (uint32_t i = end; i-- > first;) {
		struct weir_stream *stream = find_stream(group, &master->streams[i]);

		if (!stream || (iommu && stream->iommu != iommu))
			continue;
		if (--stream->users) {
			hand_over(group, stream, master);
			continue;
		}
		if (weir_left_keep_(stream, master))
			put_part(stream, group->domain);
		else
			block(stream, blocked, group->domain, NULL);
		free_stream(stream);
	}
}

/* ---- masters that come and go ---- */

/* Masters of real hardware translate from the start; a model's have nothing to translate. */
static enum weir_domain_type usual_type(const struct weir_master *master)
{
	for (uint32_t i = 0; i < master->nr_streams && !master->adopted; i++)
		if (master->streams[i].iommu && master->streams[i].iommu->hardware)
			return WEIR_DOMAIN_DMA;
	return WEIR_DOMAIN_IDENTITY;
}

static bool has_adopted(const struct weir_group *group)
{
	struct weir_master *master;

	weir_list_each(master, &group->masters, struct weir_master, group_node)
		if (master->adopted)
			return true;
	return false;
}

/*
 * A master comes to a group that is behind something. Behind what one of it was adopted with
 * it goes untranslated as well, until it has no driver, or cannot go at all.
 */
static int fit_group(const struct weir_group *group, struct weir_master *master)
{
	bool identity = group->usual->type == WEIR_DOMAIN_IDENTITY;

	if (master->mirror || (master->adopted && group->domain->type != WEIR_DOMAIN_IDENTITY))
		return WEIR_EBUSY;
	if (!has_adopted(group))
		return 0;
	master->adopted = true;
	return identity ? 0 : WEIR_EBUSY;
}

/* The first master decides what the group is behind. */
static int begin_group(struct weir_group *group, struct weir_master *master)
{
	int err;

	if (group->domain)
		return fit_group(group, master);
	group->usual = master->mirror	 ? weir_domain_ref(master->mirror)
		       : master->adopted ? NULL
					 : weir_left_domain_(master);
	if (!group->usual) {
		err = weir_domain_create(group->m, usual_type(master), &group->usual);
		if (err)
			return err;
	}
	group->domain = weir_domain_ref(group->usual);
	return 0;
}

static void end_group(struct weir_group *group)
{
	if (!weir_list_empty(&group->masters))
		return;
	group->domain = weir_domain_unref(group->domain);
	group->usual = weir_domain_unref(group->usual);
	weir_lock_(group->m);
	weir_regions_free_(group->m, &group->regions);
	weir_unlock_(group->m);
}

int weir_group_join_(struct weir_group *group, struct weir_master *master, uint32_t first,
		     uint32_t end)
{
	struct weir_domain *blocked;
	uint32_t i;
	int err = weir_domain_create(group->m, WEIR_DOMAIN_BLOCKED, &blocked);

	if (err)
		return err;
	err = begin_group(group, master);
	if (!err)
		err = weir_regions_join_(group, master, first, end);
	for (i = first; !err && i < end; i++) {
		struct weir_stream *stream = find_stream(group, &master->streams[i]);

		if (stream)
			stream->users++;
		else if (master->streams[i].iommu)
			err = add_stream(group, &master->streams[i], master->dev, blocked);
	}
	if (err && i > first)
		i--; /* that one did not come */
	if (!err)
		err = weir_regions_map_(group, group->domain);
	if (!err)
		err = begin_streams(group);
	if (err) {
		drop_streams(group, master, first, i, NULL, blocked);
		end_group(group);
	} else if (weir_list_empty(&master->group_node)) {
		weir_lock_(group->m);
		weir_list_add_tail(&group->masters, &master->group_node);
		weir_unlock_(group->m);
	}
	weir_domain_unref(blocked);
	return err;
}

void weir_group_leave_(struct weir_group *group, struct weir_master *master,
		       const struct weir_iommu *iommu)
{
	drop_streams(group, master, 0, master->nr_streams, iommu, group->m->blocked);
	weir_lock_(group->m);
	for (uint32_t i = 0; i < master->nr_streams; i++)
		if (master->streams[i].iommu == iommu)
			master->streams[i].iommu = NULL;
	if (!iommu)
		weir_list_del(&master->group_node);
	weir_unlock_(group->m);
	end_group(group);
}
