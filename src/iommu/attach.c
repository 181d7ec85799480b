// SPDX-License-Identifier: MIT
/*
 * Attaching a group to a domain: all its streams, or none.
 *
 * 1. The new domain gets its parts, with all mappings, at every instance concerned.
 * 2. Stream by stream the instance replaces what it was behind.
 * 3. The old domain's parts are given back.
 * When a stream fails in step 2, those before it go back to the old domain; when one
 * cannot go back, the whole group is blocked; when an instance does not confirm even
 * that, what its streams may still be behind is kept until it does.
 * A master that comes later joins with its streams alone, and leaves alone.
 * All with the group's lock held.
 */
#include "iommu/priv.h"

static int set_stream(struct weir_stream *stream, struct weir_domain *domain, void *part)
{
	struct weir_iommu *iommu = stream->iommu;
	int err;

	if (!iommu->ops->attach)
		return 0;
	weir_iommu_lock_(iommu);
	err = iommu->off ? 0 : iommu->ops->attach(iommu->instance, stream->id, domain->type, part);
	weir_iommu_unlock_(iommu);
	return err;
}

/* Step 1, and its undoing up to (not including) @end. */
static void put_parts(struct weir_group *group, struct weir_domain *domain,
		      const struct weir_stream *end)
{
	struct weir_stream *stream;

	weir_list_each(stream, &group->streams, struct weir_stream, node) {
		if (stream == end)
			break;
		weir_part_put_(domain, stream->iommu);
	}
}

static int get_parts(struct weir_group *group, struct weir_domain *domain)
{
	struct weir_stream *stream;
	void *part;

	weir_list_each(stream, &group->streams, struct weir_stream, node) {
		int err = weir_part_get_(domain, stream->iommu, &part);

		if (!err)
			continue;
		put_parts(group, domain, stream);
		return err;
	}
	return 0;
}

/* The part is there already: it is only looked up. */
static int set_in(struct weir_stream *stream, struct weir_domain *domain)
{
	void *part = NULL;
	int err = weir_part_get_(domain, stream->iommu, &part);

	if (err)
		return err;
	err = set_stream(stream, domain, part);
	weir_part_put_(domain, stream->iommu);
	return err;
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
		err = set_in(stream, domain);
		if (!err)
			continue;
		*out_failed = stream;
		return err;
	}
	return 0;
}

static void remember(struct weir_group *group, struct weir_domain *domain)
{
	struct weir_machine *m = group->m;
	struct weir_domain *old = group->domain;

	weir_lock_(m);
	domain->refs++;
	group->domain = domain;
	if (old)
		weir_domain_unref_(old);
	weir_unlock_(m);
}

/* The last resort. False when an instance does not even do that. */
static bool block_all(struct weir_group *group, struct weir_domain *blocked)
{
	struct weir_stream *stream;
	bool done = true;

	weir_list_each(stream, &group->streams, struct weir_stream, node)
		if (set_stream(stream, blocked, NULL))
			done = false;
	return done;
}

static void put_stuck(struct weir_group *group, struct weir_stream *stream)
{
	for (int i = 0; stream->stuck && i < 2; i++)
		if (group->stuck[i])
			weir_part_put_(group->stuck[i], stream->iommu);
	stream->stuck = false;
}

/* Every stream is known not to be behind these any more. */
static void release_stuck(struct weir_group *group)
{
	struct weir_stream *stream;

	weir_list_each(stream, &group->streams, struct weir_stream, node)
		put_stuck(group, stream);
	for (int i = 0; i < 2; i++)
		group->stuck[i] = weir_domain_unref(group->stuck[i]);
}

/* Takes over the parts of both; nothing is stuck yet. */
static void keep_stuck(struct weir_group *group, struct weir_domain *one, struct weir_domain *two)
{
	struct weir_stream *stream;

	group->stuck[0] = weir_domain_ref(one);
	group->stuck[1] = two ? weir_domain_ref(two) : NULL;
	weir_list_each(stream, &group->streams, struct weir_stream, node)
		stream->stuck = true;
}

/* Takes the parts of the new domain over. */
static void give_up(struct weir_group *group, struct weir_domain *domain,
		    struct weir_domain *blocked)
{
	if (block_all(group, blocked)) {
		put_parts(group, domain, NULL);
		if (group->domain)
			put_parts(group, group->domain, NULL);
		release_stuck(group);
	} else {
		keep_stuck(group, domain, group->domain);
	}
	remember(group, blocked);
}

/* Back to the old domain after a failure at @failed; or blocked. */
static void restore(struct weir_group *group, struct weir_domain *domain,
		    struct weir_domain *blocked, struct weir_stream *failed)
{
	struct weir_domain *old = group->domain ? group->domain : blocked;
	struct weir_stream *stuck;

	/* the one that failed may be behind either, or blocked: it is set as well */
	if (!set_streams(group, old, failed, &stuck) && !set_in(failed, old))
		put_parts(group, domain, NULL);
	else
		give_up(group, domain, blocked);
}

/* A group that an instance left in the dark goes nowhere before it is known to be blocked. */
static int unstick(struct weir_group *group, struct weir_domain *blocked)
{
	if (!group->stuck[0])
		return 0;
	if (!block_all(group, blocked))
		return WEIR_EIO;
	release_stuck(group);
	return 0;
}

int weir_group_attach_(struct weir_group *group, struct weir_domain *domain)
{
	struct weir_domain *old = group->domain, *blocked;
	struct weir_stream *failed = NULL;
	int err;

	if (old == domain && !group->stuck[0])
		return 0;
	err = weir_domain_create(group->m, WEIR_DOMAIN_BLOCKED, &blocked);
	if (err)
		return err;
	err = unstick(group, blocked);
	if (!err)
		err = get_parts(group, domain);
	if (err)
		goto out;
	err = set_streams(group, domain, NULL, &failed);
	if (err) {
		restore(group, domain, blocked, failed);
		goto out;
	}
	if (old)
		put_parts(group, old, NULL);
	remember(group, domain);
out:
	weir_domain_unref(blocked);
	return err;
}

/* ---- one master ---- */

static struct weir_stream *find_stream(struct weir_group *group, const struct weir_stream_id *id)
{
	struct weir_stream *stream;

	weir_list_each(stream, &group->streams, struct weir_stream, node)
		if (stream->iommu == id->iommu && stream->id == id->id)
			return stream;
	return NULL;
}

static int make_stream(struct weir_group *group, const struct weir_stream_id *id,
		       struct weir_stream **out_stream)
{
	struct weir_machine *m = group->m;
	struct weir_stream *stream;

	weir_lock_(m);
	stream = weir_alloc_(m, sizeof(*stream));
	if (stream) {
		stream->iommu = id->iommu;
		stream->id = id->id;
		stream->group = group;
		weir_list_add_tail(&id->iommu->streams, &stream->at_iommu);
	}
	weir_unlock_(m);
	if (!stream)
		return WEIR_ENOMEM;
	weir_list_add_tail(&group->streams, &stream->node);
	*out_stream = stream;
	return 0;
}

static void free_stream(struct weir_stream *stream)
{
	struct weir_machine *m = stream->group->m;

	weir_list_del(&stream->node);
	weir_lock_(m);
	weir_list_del(&stream->at_iommu);
	weir_free_(m, stream, sizeof(*stream));
	weir_unlock_(m);
}

/* A stream that nobody had: its part first, then it is put behind the domain. */
static int add_stream(struct weir_group *group, const struct weir_stream_id *id)
{
	struct weir_stream *stream;
	void *part;
	int err = make_stream(group, id, &stream);

	if (err)
		return err;
	err = weir_part_get_(group->domain, id->iommu, &part);
	if (err)
		goto err_free;
	err = set_stream(stream, group->domain, part);
	if (err)
		goto err_part;
	stream->users = 1;
	return 0;

err_part:
	weir_part_put_(group->domain, id->iommu);
err_free:
	free_stream(stream);
	return err;
}

static void drop_stream(struct weir_group *group, struct weir_stream *stream,
			struct weir_domain *blocked)
{
	const struct weir_iommu *iommu = stream->iommu;

	if (--stream->users)
		return;
	if (set_stream(stream, blocked, NULL)) {
		weir_part_orphan_(group->domain, stream->iommu);
		for (int i = 0; stream->stuck && i < 2; i++)
			if (group->stuck[i])
				weir_part_orphan_(group->stuck[i], stream->iommu);
	} else {
		weir_part_put_(group->domain, stream->iommu);
		put_stuck(group, stream);
		if (iommu->ops->forget)
			iommu->ops->forget(iommu->instance, stream->id);
	}
	free_stream(stream);
}

static void drop_streams(struct weir_group *group, struct weir_master *master, uint32_t n,
			 struct weir_domain *blocked)
{
	while (n--)
		drop_stream(group, find_stream(group, &master->streams[n]), blocked);
}

/* Masters of real hardware translate from the start; a model's have nothing to translate. */
static enum weir_domain_type usual_type(const struct weir_master *master)
{
	for (uint32_t i = 0; i < master->nr_streams; i++)
		if (master->streams[i].iommu->hardware)
			return WEIR_DOMAIN_DMA;
	return WEIR_DOMAIN_IDENTITY;
}

/* The first master decides what the group is behind. */
static int begin_group(struct weir_group *group, const struct weir_master *master)
{
	int err;

	if (group->domain)
		return 0;
	err = weir_domain_create(group->m, usual_type(master), &group->usual);
	if (!err)
		group->domain = weir_domain_ref(group->usual);
	return err;
}

static void end_group(struct weir_group *group)
{
	if (!weir_list_empty(&group->masters))
		return;
	release_stuck(group);
	group->domain = weir_domain_unref(group->domain);
	group->usual = weir_domain_unref(group->usual);
}

int weir_group_join_(struct weir_group *group, struct weir_master *master)
{
	struct weir_domain *blocked;
	uint32_t i = 0;
	int err = weir_domain_create(group->m, WEIR_DOMAIN_BLOCKED, &blocked);

	if (err)
		return err;
	err = begin_group(group, master);
	for (; !err && i < master->nr_streams; i++) {
		struct weir_stream *stream = find_stream(group, &master->streams[i]);

		if (stream)
			stream->users++;
		else
			err = add_stream(group, &master->streams[i]);
		if (err)
			break;
	}
	if (err) {
		drop_streams(group, master, i, blocked);
		end_group(group);
	} else {
		weir_lock_(group->m);
		weir_list_add_tail(&group->masters, &master->group_node);
		weir_unlock_(group->m);
	}
	weir_domain_unref(blocked);
	return err;
}

void weir_group_leave_(struct weir_group *group, struct weir_master *master)
{
	drop_streams(group, master, master->nr_streams, group->m->blocked);
	weir_lock_(group->m);
	weir_list_del(&master->group_node);
	weir_unlock_(group->m);
	end_group(group);
}
