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
 */
#include "iommu/priv.h"

/* The streams of a group, one after the other. */
struct walk {
	struct weir_group *group;
	struct weir_master *master;
	uint32_t i;
};

static struct weir_stream *next_stream(struct walk *w)
{
	for (;;) {
		if (w->master && w->i < w->master->nr_streams)
			return &w->master->streams[w->i++];
		w->master = w->master ? weir_list_after(w->master, &w->group->masters,
							struct weir_master, group_node)
				      : weir_list_first(&w->group->masters, struct weir_master,
							group_node);
		w->i = 0;
		if (!w->master)
			return NULL;
	}
}

static int set_stream(struct weir_stream *stream, struct weir_domain *domain, void *part)
{
	const struct weir_iommu *iommu = stream->iommu;

	if (!iommu->ops->attach)
		return 0;
	return iommu->ops->attach(iommu->instance, stream->id, domain->type, part);
}

/* Step 1, and its undoing up to (not including) @end. */
static void put_parts(struct weir_group *group, struct weir_domain *domain,
		      const struct weir_stream *end)
{
	struct walk w = { .group = group };
	struct weir_stream *stream;

	while ((stream = next_stream(&w)) && stream != end)
		weir_part_put_(domain, stream->iommu);
}

static int get_parts(struct weir_group *group, struct weir_domain *domain)
{
	struct walk w = { .group = group };
	struct weir_stream *stream;
	void *part;

	while ((stream = next_stream(&w))) {
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
	struct walk w = { .group = group };
	struct weir_stream *stream;

	while ((stream = next_stream(&w)) && stream != end) {
		int err = set_in(stream, domain);

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
	struct walk w = { .group = group };
	struct weir_stream *stream;
	bool done = true;

	while ((stream = next_stream(&w)))
		if (set_stream(stream, blocked, NULL))
			done = false;
	return done;
}

/* Every stream is known not to be behind these any more. */
static void release_stuck(struct weir_group *group)
{
	for (int i = 0; i < 2; i++) {
		if (!group->stuck[i])
			continue;
		put_parts(group, group->stuck[i], NULL);
		group->stuck[i] = weir_domain_unref(group->stuck[i]);
	}
}

/* Takes over the parts of both; a group that is stuck already keeps what it has. */
static void keep_stuck(struct weir_group *group, struct weir_domain *one, struct weir_domain *two)
{
	struct weir_domain *both[2] = { one, two };

	for (int i = 0; i < 2; i++) {
		if (!both[i])
			continue;
		if (group->stuck[i])
			put_parts(group, both[i], NULL);
		else
			group->stuck[i] = weir_domain_ref(both[i]);
	}
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

void weir_group_abandon_(struct weir_group *group, struct weir_domain *blocked)
{
	block_all(group, blocked);
	if (group->domain)
		put_parts(group, group->domain, NULL);
	release_stuck(group);
	remember(group, blocked);
}

int weir_group_attach_(struct weir_group *group, struct weir_domain *domain)
{
	struct weir_domain *old = group->domain, *blocked;
	struct weir_stream *failed = NULL;
	int err;

	if (old == domain)
		return 0;
	err = weir_domain_create(group->m, WEIR_DOMAIN_BLOCKED, &blocked);
	if (err)
		return err;
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
	release_stuck(group);
	remember(group, domain);
out:
	weir_domain_unref(blocked);
	return err;
}
