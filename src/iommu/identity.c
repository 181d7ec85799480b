// SPDX-License-Identifier: MIT
/*
 * Identities: which devices are one group, by firmware and topology alone.
 *
 * On a bus with a topology its key says it. Elsewhere devices are one when they can
 * put the same id on their DMA at the same IOMMU; what an id looks like, masks
 * included, is a matter of firmware's words (Devicetree: "iommus", "#iommu-cells", and for
 * Arm's SMMU "stream-match-mask"). An identity has its number from the first device to the
 * last, whatever drivers do; its key is the least of its devices', so the order in which
 * they came does not show. When one goes that held others together they part again, at once or when
 * none of them is behind its IOMMU any more. Guarded by the machine lock.
 */
#include "core/text.h"
#include "core/tree.h"
#include "iommu/priv.h"

/* Ids that a device has at an IOMMU: all that equal @id where @mask has zeros. */
struct sid {
	struct weir_tree_node node; /* in m->sids, by target and id */
	struct weir_fwnode *target;
	uint64_t id, mask;
	struct weir_member *member;
};

struct weir_member {
	struct weir_device *dev;
	struct weir_identity *identity;
	char *key;             /* the least of its ids', or its name; NULL: topology says it */
	struct weir_list node; /* in identity->devices */
	uint32_t nr_all;       /* room for so many */
	uint32_t nr_sids;      /* in the tree */
	struct sid sids[];
};

static bool comes_before(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (unsigned char)*a < (unsigned char)*b;
}

static size_t member_bytes(uint32_t nr_sids)
{
	return sizeof(struct weir_member) + nr_sids * sizeof(struct sid);
}

/* ---- numbers ---- */

static int take_number(struct weir_machine *m, int *out_number)
{
	uint32_t w, bit = 0;

	for (w = 0; w < m->nr_group_words && m->group_numbers[w] == ~0u; w++)
		;
	if (w == m->nr_group_words) {
		int err = weir_grow_(m, (void **)&m->group_numbers, &m->nr_group_words, w,
				     sizeof(*m->group_numbers));

		if (err)
			return err;
	}
	while (m->group_numbers[w] >> bit & 1)
		bit++;
	m->group_numbers[w] |= 1u << bit;
	*out_number = (int)(w * 32 + bit);
	return 0;
}

static void give_number(struct weir_machine *m, int number)
{
	m->group_numbers[number / 32] &= ~(1u << (number % 32));
}

/* ---- identities ---- */

/* @topology: its key, by which others find it; NULL: its key is the least of its devices'. */
static int create(struct weir_machine *m, const char *topology, struct weir_identity **out_identity)
{
	struct weir_identity *identity = weir_alloc_(m, sizeof(*identity));
	int err = WEIR_ENOMEM;

	if (!identity)
		return err;
	weir_list_init(&identity->devices);
	if (topology)
		identity->key = identity->topology = weir_strdup_(m, topology);
	if (topology && !identity->topology)
		goto err_free;
	err = take_number(m, &identity->number);
	if (err)
		goto err_key;
	if (topology)
		err = weir_map_add_(m, &m->identities, identity->topology, weir_strlen_(topology),
				    identity);
	if (err)
		goto err_number;
	*out_identity = identity;
	return 0;

err_number:
	give_number(m, identity->number);
err_key:
	weir_strfree_(m, identity->topology);
err_free:
	weir_free_(m, identity, sizeof(*identity));
	return err;
}

static void destroy(struct weir_machine *m, struct weir_identity *identity)
{
	if (identity->topology)
		weir_map_del_(&m->identities, identity->topology, weir_strlen_(identity->topology));
	give_number(m, identity->number);
	weir_strfree_(m, identity->topology);
	weir_free_(m, identity, sizeof(*identity));
}

static void lower_key(struct weir_identity *identity, const char *key)
{
	if (!identity->topology && (!identity->key || comes_before(key, identity->key)))
		identity->key = key;
}

/* A device is going: the key may have been its. */
static void raise_key(struct weir_identity *identity, const struct weir_member *gone)
{
	struct weir_member *member;

	if (identity->topology || identity->key != gone->key)
		return;
	identity->key = NULL;
	weir_list_each(member, &identity->devices, struct weir_member, node)
		lower_key(identity, member->key);
}

/* All devices of @from are of @into from now on; neither is in use, or only @into. */
static void merge(struct weir_machine *m, struct weir_identity *into, struct weir_identity *from)
{
	struct weir_member *member;

	weir_list_each(member, &from->devices, struct weir_member, node)
		member->identity = into;
	weir_list_splice_tail(&into->devices, &from->devices);
	lower_key(into, from->key);
	destroy(m, from);
}

/* ---- ids ---- */

static int compare(const struct sid *a, const struct sid *b)
{
	if (a->target != b->target)
		return (uintptr_t)a->target < (uintptr_t)b->target ? -1 : 1;
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return 0;
}

static struct sid *sid_of(struct weir_tree_node *node)
{
	return node ? weir_container_of(node, struct sid, node) : NULL;
}

static void insert_sid(struct weir_machine *m, struct sid *sid)
{
	struct weir_tree_node **link = &m->sids.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = compare(sid, sid_of(parent)) < 0 ? &parent->left : &parent->right;
	}
	weir_tree_insert_(&m->sids, parent, link, &sid->node);
	m->masked_sids += sid->mask != 0;
}

/* The first of @target whose id is not below @id. */
static struct sid *lower_bound(struct weir_machine *m, const struct sid *key)
{
	struct weir_tree_node *node = m->sids.root;
	struct sid *best = NULL;

	while (node) {
		if (compare(sid_of(node), key) < 0) {
			node = node->right;
		} else {
			best = sid_of(node);
			node = node->left;
		}
	}
	return best;
}

static bool overlap(const struct sid *a, const struct sid *b)
{
	return ((a->id ^ b->id) & ~(a->mask | b->mask)) == 0;
}

/*
 * The next device that has an id in common; @at: where to go on, or NULL to begin. Ids
 * without masks are looked up; with masks, all of the IOMMU are looked at.
 */
static struct sid *next_overlap(struct weir_machine *m, const struct sid *sid, struct sid *at)
{
	bool all = sid->mask || m->masked_sids;
	struct sid key = { .target = sid->target, .id = all ? 0 : sid->id };

	for (at = at ? sid_of(weir_tree_next_(&at->node)) : lower_bound(m, &key);
	     at && at->target == sid->target; at = sid_of(weir_tree_next_(&at->node))) {
		if (!all && at->id != sid->id)
			return NULL;
		if (overlap(at, sid))
			return at;
	}
	return NULL;
}

/* ---- what firmware's words mean ---- */

static uint32_t property_u32(const struct weir_fwnode *node, const char *name)
{
	const uint8_t *value;
	size_t bytes;

	if (weir_fwnode_property(node, name, (const void **)&value, &bytes) || bytes < 4)
		return 0;
	return (uint32_t)value[0] << 24 | (uint32_t)value[1] << 16 | (uint32_t)value[2] << 8 |
	       value[3];
}

static bool is_smmu(const struct weir_fwnode *node)
{
	const char *name;

	for (unsigned int i = 0; (name = weir_fwnode_compatible(node, i)); i++)
		if (weir_streq_(name, "arm,mmu-500") || weir_streq_(name, "arm,mmu-401") ||
		    weir_streq_(name, "arm,mmu-400") || weir_streq_(name, "arm,smmu-v2") ||
		    weir_streq_(name, "arm,smmu-v1") || weir_streq_(name, "qcom,smmu-v2") ||
		    weir_streq_(name, "cavium,smmu-v2") || weir_streq_(name, "nvidia,smmu-500"))
			return true;
	return false;
}

/*
 * Devicetree bindings, iommu/arm,smmu.yaml: the first cell is a stream id, the second a
 * mask of bits that do not matter; with one cell the mask is the SMMU's own. Elsewhere
 * the cells together are the id; none means that the IOMMU has one master.
 */
static void make_sid(struct sid *sid, const struct weir_fwspec *spec, struct weir_member *member)
{
	*sid = (struct sid){ .target = spec->target, .member = member };
	if (spec->nr_cells)
		sid->id = spec->cells[0];
	if (is_smmu(spec->target)) {
		sid->mask = spec->nr_cells > 1 ? spec->cells[1]
					       : property_u32(spec->target, "stream-match-mask");
		sid->mask &= 0xffff;
		sid->id &= 0xffff & ~sid->mask;
	} else if (spec->nr_cells > 1) {
		sid->id |= (uint64_t)spec->cells[1] << 32;
	}
}

#define ID_BYTES 48u /* ":0x1234567890abcdef/0x1234567890abcdef" */

/* Paths are as long as they like. Return: for weir_strfree_(); NULL without memory. */
static char *key_of(struct weir_machine *m, const struct sid *sid)
{
	size_t n = weir_fwnode_path(sid->target, NULL, 0), bytes = n + ID_BYTES;
	char *text = weir_alloc_(m, bytes), *key;

	if (!text)
		return NULL;
	weir_fwnode_path(sid->target, text, bytes);
	if (sid->mask)
		weir_format_(text + n, ID_BYTES, ":0x%llx/0x%llx", (unsigned long long)sid->id,
			     (unsigned long long)sid->mask);
	else
		weir_format_(text + n, ID_BYTES, ":0x%llx", (unsigned long long)sid->id);
	key = weir_strdup_(m, text);
	weir_free_(m, text, bytes);
	return key;
}

/* The least key of its ids. Return: 0; WEIR_ENOMEM. */
static int name_by_ids(struct weir_machine *m, struct weir_member *member)
{
	for (uint32_t i = 0; i < member->nr_sids; i++) {
		char *key = key_of(m, &member->sids[i]);

		if (!key)
			return WEIR_ENOMEM;
		if (member->key && !comes_before(key, member->key)) {
			weir_strfree_(m, key);
			continue;
		}
		weir_strfree_(m, member->key);
		member->key = key;
	}
	return 0;
}

/* All that share ids with @member, or with one that does, go to @into. */
static void move_sharers(struct weir_machine *m, struct weir_member *member,
			 struct weir_identity *into)
{
	struct weir_identity *from = member->identity;
	struct weir_list *at;

	member->identity = into;
	weir_list_del(&member->node);
	weir_list_add_tail(&into->devices, &member->node);
	for (at = &member->node; at != &into->devices; at = at->next) { /* it grows meanwhile */
		member = weir_container_of(at, struct weir_member, node);
		lower_key(into, member->key);
		for (uint32_t i = 0; i < member->nr_sids; i++) {
			struct sid *other = NULL;

			while ((other = next_overlap(m, &member->sids[i], other))) {
				if (weir_list_empty(&from->devices))
					return;
				if (other->member->identity != from)
					continue;
				other->member->identity = into;
				weir_list_del(&other->member->node);
				weir_list_add_tail(&into->devices, &other->member->node);
			}
		}
	}
}

void weir_identity_split_(struct weir_machine *m, struct weir_identity *identity)
{
	struct weir_identity *part;
	struct weir_member *member;

	if (!identity->loose || identity->group)
		return;
	identity->loose = false;
	for (;;) {
		member = weir_list_first(&identity->devices, struct weir_member, node);
		if (!member || !member->nr_sids || create(m, NULL, &part))
			return; /* without memory they stay one, which is safe */
		move_sharers(m, member, part);
		if (weir_list_empty(&identity->devices)) {
			merge(m, identity, part); /* the last keep the number */
			return;
		}
		identity->key = NULL;
		weir_list_each(member, &identity->devices, struct weir_member, node)
			lower_key(identity, member->key);
	}
}

/* ---- devices ---- */

static uint32_t count_specs(struct weir_device *dev)
{
	struct weir_fwspec spec;
	uint32_t n = 0;

	while (!weir_iommu_spec_(dev, n, &spec))
		n++;
	return n;
}

/* Whether one group would be made of two that are in use. */
static bool would_merge_used(struct weir_machine *m, struct weir_member *member)
{
	const struct weir_identity *used = NULL;

	for (uint32_t i = 0; i < member->nr_sids; i++) {
		struct sid *at = NULL;

		while ((at = next_overlap(m, &member->sids[i], at))) {
			const struct weir_identity *other = at->member->identity;

			if (!other->group || other == used)
				continue;
			if (used)
				return true;
			used = other;
		}
	}
	return false;
}

/* Takes what shares an id together; what is in use keeps its number. */
static struct weir_identity *join_overlaps(struct weir_machine *m, struct weir_member *member)
{
	struct weir_identity *found = NULL;

	for (uint32_t i = 0; i < member->nr_sids; i++) {
		struct sid *at = NULL;

		while ((at = next_overlap(m, &member->sids[i], at))) {
			struct weir_identity *other = at->member->identity;

			if (!found || found == other) {
				found = other;
				continue;
			}
			if (other->group ||
			    (!found->group && comes_before(other->key, found->key))) {
				struct weir_identity *tmp = found;

				found = other;
				other = tmp;
			}
			merge(m, found, other);
		}
	}
	return found;
}

static int by_ids(struct weir_machine *m, struct weir_member *member)
{
	struct weir_identity *identity;
	int err = name_by_ids(m, member);

	if (err)
		return err;
	if (would_merge_used(m, member))
		return WEIR_EBUSY;
	identity = join_overlaps(m, member);
	if (!identity)
		err = create(m, NULL, &identity);
	if (err)
		return err;
	for (uint32_t i = 0; i < member->nr_sids; i++)
		insert_sid(m, &member->sids[i]);
	member->identity = identity;
	return 0;
}

static int by_key(struct weir_machine *m, struct weir_member *member, const char *key)
{
	member->nr_sids = 0;
	member->identity = weir_map_get_(&m->identities, key, weir_strlen_(key));
	return member->identity ? 0 : create(m, key, &member->identity);
}

/* Nothing is asked but whether it has ids: each device is a group. */
static int alone(struct weir_machine *m, struct weir_member *member)
{
	const char *bus = member->dev->bus->name, *name = member->dev->name;
	size_t bytes = weir_strlen_(bus) + weir_strlen_(name) + 2;

	member->nr_sids = 0;
	member->key = weir_alloc_(m, bytes);
	if (!member->key)
		return WEIR_ENOMEM;
	weir_format_(member->key, bytes, "%s:%s", bus, name);
	return create(m, NULL, &member->identity);
}

static unsigned int rules_of(struct weir_machine *m, bool *out_by_ids)
{
	*out_by_ids = true;
	return m->policy->group_rules ? m->policy->group_rules(m, out_by_ids) : 0;
}

bool weir_identity_by_ids_(struct weir_machine *m)
{
	bool ids;

	rules_of(m, &ids);
	return ids;
}

static int identify(struct weir_device *dev, struct weir_member *member)
{
	struct weir_machine *m = dev->m;
	bool ids;
	unsigned int rules = rules_of(m, &ids);
	const char *key = dev->bus->ops->group_key ? dev->bus->ops->group_key(dev, rules) : NULL;

	if (key)
		return by_key(m, member, key);
	return ids ? by_ids(m, member) : alone(m, member);
}

int weir_identify_(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;
	uint32_t n = dev->member ? 0 : count_specs(dev);
	struct weir_member *member;
	struct weir_fwspec spec;
	int err;

	if (!n)
		return 0;
	member = weir_alloc_(m, member_bytes(n));
	if (!member)
		return WEIR_ENOMEM;
	member->dev = dev;
	member->nr_sids = n;
	for (uint32_t i = 0; i < n && !weir_iommu_spec_(dev, i, &spec); i++)
		make_sid(&member->sids[i], &spec, member);
	err = identify(dev, member);
	if (err) {
		weir_strfree_(m, member->key);
		weir_free_(m, member, member_bytes(n));
		return err;
	}
	member->nr_all = n;
	weir_list_add_tail(&member->identity->devices, &member->node);
	lower_key(member->identity, member->key);
	dev->member = member;
	return 0;
}

int weir_identity_added_(struct weir_device *dev)
{
	int err = weir_identity_by_ids_(dev->m) ? weir_identify_(dev) : 0;

	if (err != WEIR_EBUSY)
		return err;
	/* in quarantine: it is not probed, for the same error meets its probe */
	weir_logf_(dev->m, WEIR_LOG_ERR, "%s: would make one of two groups that are in use",
		   dev->name);
	return 0;
}

void weir_identity_detached_(struct weir_device *dev)
{
	if (!weir_identity_by_ids_(dev->m))
		weir_identity_forget_(dev);
}

void weir_identity_forget_(struct weir_device *dev)
{
	struct weir_machine *m = dev->m;
	struct weir_member *member = dev->member;

	if (!member)
		return;
	for (uint32_t i = 0; i < member->nr_sids; i++) {
		weir_tree_erase_(&m->sids, &member->sids[i].node);
		m->masked_sids -= member->sids[i].mask != 0;
	}
	weir_list_del(&member->node);
	if (weir_list_empty(&member->identity->devices)) {
		destroy(m, member->identity);
	} else {
		raise_key(member->identity, member);
		if (member->nr_sids > 1 || m->masked_sids || (member->nr_sids && member->sids[0].mask))
			member->identity->loose = true;
		weir_identity_split_(m, member->identity);
	}
	dev->member = NULL;
	weir_strfree_(m, member->key);
	weir_free_(m, member, member_bytes(member->nr_all));
}

struct weir_identity *weir_identity_of_(const struct weir_device *dev)
{
	return dev->member ? dev->member->identity : NULL;
}

const char *weir_device_group_key(const struct weir_device *dev)
{
	return dev->member ? dev->member->identity->key : NULL;
}

void weir_identities_free_(struct weir_machine *m)
{
	weir_map_fini_(m, &m->identities);
	weir_free_(m, m->group_numbers, m->nr_group_words * sizeof(*m->group_numbers));
}
