// SPDX-License-Identifier: MIT
/*
 * Groups by topology: which functions cannot be told apart, or can reach each other
 * past the IOMMU. Known from configuration space alone, when a function is found;
 * whether drivers are there does not matter. A group's key is the path to its first
 * function. Keys are kept: what is plugged later may join a group, but a function
 * that would make one of two is put into quarantine.
 *
 * Two sets of rules. Those of the library (weir) ask what reaches what. Access control
 * (ACS: PCI Express Base Specification 5.0, 6.12) limits what leaves a port, not what
 * arrives: a function whose requests are not redirected reaches the others of its
 * slot, and one below a port that does not redirect reaches all of that port's
 * switch, however well these guard themselves. So
 *   - what is below a bridge that puts in an id of its own is one group with it;
 *   - if a function of a slot lacks ACS, its slot is one group, with what is below it;
 *   - if a downstream port lacks ACS, its whole switch and what is below is one;
 *   - if a root port lacks ACS, it is one with what is below it.
 * Requests from different slots of the root bus are taken to pass through the IOMMU. And
 * whom firmware gives the same id at an IOMMU (iommu-map-mask, say) it cannot tell apart:
 * they are one, wherever they are.
 * Those of Linux 6.12 give each function the first that it finds: the group of a
 * bridge that puts in its id; that of the bridge above, when ACS is not complete from
 * there to the root; that of an earlier function of its slot, when both lack ACS.
 */
#include "core/text.h"
#include "pci/priv.h"
#include "pci/regs.h"

#define CAUSE_BYTES 176u
#define MAX_CAUSES  8u /* that are told one by one */

/* ---- access control ---- */

void weir_pci_acs_enable_(struct fn *f)
{
	uint32_t wanted, control;

	if (!f->acs)
		return;
	f->acs_has = (uint16_t)rd(f, f->acs + PCI_ACS_CAP, 2);
	wanted = f->acs_has & PCI_ACS_WANTED;
	control = rd(f, f->acs + PCI_ACS_CTRL, 2);
	if (f->pci->flags & WEIR_PCI_ACS_KEEP) {
		f->acs_on = (uint16_t)control;
		return;
	}
	wr(f, f->acs + PCI_ACS_CTRL, 2, control | wanted);
	if (f->pci->flags & WEIR_PCI_READ_ONLY)
		f->acs_on = (uint16_t)(control | wanted);
	else
		f->acs_on = (uint16_t)rd(f, f->acs + PCI_ACS_CTRL, 2);
}

/* Bits that the capability has and that are off; all of them without capability. */
static uint16_t switched_off(const struct fn *f, uint16_t on)
{
	return f->acs ? f->acs_has & PCI_ACS_WANTED & (uint16_t)~on : PCI_ACS_WANTED;
}

/*
 * A downstream port must have all (6.12.1.1), a root port source validation; what
 * else they lack they have no use for, and so with functions of a slot (6.12.1.2).
 */
static uint16_t missing_weir(const struct fn *f)
{
	switch (f->kind) {
	case WEIR_PCI_DOWNSTREAM:
		return PCI_ACS_WANTED & (uint16_t)~f->acs_on;
	case WEIR_PCI_ROOT_PORT:
		return switched_off(f, f->acs_on) | (PCI_ACS_SV & (uint16_t)~f->acs_on);
	default:
		return f->multifunction ? switched_off(f, f->acs_on) : 0;
	}
}

static uint16_t missing_linux(const struct fn *f, enum weir_pci_rules rules)
{
	bool late = rules == WEIR_PCI_RULES_LINUX_6_12_DT && !f->plugged;
	uint16_t on = late ? f->acs_was : f->acs_on;

	switch (f->kind) {
	case WEIR_PCI_ROOT_PORT:
	case WEIR_PCI_DOWNSTREAM:
		return switched_off(f, on);
	case WEIR_PCI_ENDPOINT:
	case WEIR_PCI_ROOT_ENDPOINT:
	case WEIR_PCI_UPSTREAM:
		return f->multifunction ? switched_off(f, on) : 0;
	default:
		return PCI_ACS_WANTED;
	}
}

/* ---- sets of functions ---- */

/* What makes a set, for people: the bridge or function is put in front. */
static const char *const causes[WEIR_PCI_CAUSES] = {
	[WEIR_PCI_CAUSE_ALIAS] = "puts its own requester id in place of all below it",
	[WEIR_PCI_CAUSE_ID] = "has an id at its IOMMU that others have, too",
	[WEIR_PCI_CAUSE_SLOT] = "lets the functions of its slot reach each other",
	[WEIR_PCI_CAUSE_SWITCH] = "lets all below its switch reach each other",
	[WEIR_PCI_CAUSE_PORT] = "lets all below it reach each other",
	[WEIR_PCI_CAUSE_PATH] = "does not keep apart what is below",
};

static struct fn *find(struct fn *f)
{
	while (f->set != f) {
		f->set = f->set->set;
		f = f->set;
	}
	return f;
}

/* The first function in order stays the set's first. */
static void join(struct fn *a, struct fn *b, enum weir_pci_cause cause, struct fn *where, uint16_t missing)
{
	struct fn *first = find(a), *other = find(b);

	if (a != b) {
		where->set_causes |= 1u << cause;
		if (missing)
			where->set_missing = missing;
	}
	if (first == other)
		return;
	if (other->set_order < first->set_order) {
		struct fn *tmp = first;

		first = other;
		other = tmp;
	}
	other->set = first;
	first->set_last->set_next = other;
	first->set_last = other->set_last;
}

static void join_below(struct fn *top, enum weir_pci_cause cause, struct fn *where, uint16_t missing)
{
	struct fn *f;

	for (f = weir_pci_next_below_(top, top); f; f = weir_pci_next_below_(top, f))
		join(top, f, cause, where, missing);
}

static bool same_slot(const struct fn *a, const struct fn *b)
{
	return a->rid >> 3 == b->rid >> 3;
}

/* ---- the library's rules ---- */

static void join_slot(struct fn *f, uint16_t missing)
{
	struct weir_list *head = weir_pci_children_(f->pci, f->parent);
	struct fn *other;

	weir_list_each(other, head, struct fn, sibling) {
		if (!same_slot(f, other))
			continue;
		join(f, other, WEIR_PCI_CAUSE_SLOT, f, missing);
		if (other->bridge)
			join_below(other, WEIR_PCI_CAUSE_SLOT, f, missing);
	}
}

static void apply_weir(struct fn *f)
{
	uint16_t missing = missing_weir(f);
	struct fn *top = f;

	if (f->bridge && weir_pci_takes_over_(f))
		join_below(f, WEIR_PCI_CAUSE_ALIAS, f, 0);
	if (!missing)
		return;
	if (f->kind == WEIR_PCI_DOWNSTREAM) {
		if (f->parent)
			top = f->parent;
		join_below(top, WEIR_PCI_CAUSE_SWITCH, f, missing);
	} else if (f->kind == WEIR_PCI_ROOT_PORT) {
		join_below(f, WEIR_PCI_CAUSE_PORT, f, missing);
	}
	if (f->multifunction)
		join_slot(f, missing);
}

static int compare_ids(const struct weir_pci_id *a, const struct weir_pci_id *b)
{
	if (a->target != b->target)
		return (uintptr_t)a->target < (uintptr_t)b->target ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

/* Who has an id already; NULL: nobody had, and it is in the tree now. */
static struct fn *claim_id(struct weir_tree *tree, struct fn_id *id)
{
	struct weir_tree_node **link = &tree->root, *parent = NULL;

	while (*link) {
		struct fn_id *at = weir_container_of(*link, struct fn_id, node);
		int order = compare_ids(&id->is, &at->is);

		if (!order)
			return at->fn;
		parent = *link;
		link = order < 0 ? &parent->left : &parent->right;
	}
	weir_tree_insert_(tree, parent, link, &id->node);
	return NULL;
}

static void join_by_ids(struct weir_pci *pci)
{
	struct weir_tree tree = { 0 };
	struct fn *f;

	for (f = weir_pci_next_(pci, NULL); f; f = weir_pci_next_(pci, f)) {
		for (uint32_t i = 0; i < f->nr_ids; i++) {
			struct fn *other = claim_id(&tree, &f->ids[i]);

			if (other && find(other) != find(f))
				join(other, f, WEIR_PCI_CAUSE_ID, f, 0);
		}
	}
}

/* ---- Linux's ---- */

static struct fn *first_without_acs(struct fn *bridge, enum weir_pci_rules rules,
					  uint16_t *out_missing)
{
	for (; bridge; bridge = bridge->parent) {
		*out_missing = missing_linux(bridge, rules);
		if (*out_missing)
			return bridge;
	}
	return NULL;
}

static void apply_linux(struct fn *f, enum weir_pci_rules rules)
{
	struct fn *where, *other;
	uint16_t missing;

	for (other = f->parent; other; other = other->parent) {
		if (weir_pci_takes_over_(other)) {
			join(other, f, WEIR_PCI_CAUSE_ALIAS, other, 0);
			return;
		}
	}
	where = first_without_acs(f->parent, rules, &missing);
	if (where) {
		join(f->parent, f, WEIR_PCI_CAUSE_PATH, where, missing);
		return;
	}
	missing = missing_linux(f, rules);
	if (!f->multifunction || !missing)
		return;
	weir_list_each(other, weir_pci_children_(f->pci, f->parent), struct fn, sibling) {
		if (other == f)
			return;
		if (same_slot(f, other) && missing_linux(other, rules)) {
			join(other, f, WEIR_PCI_CAUSE_SLOT, other, missing);
			return;
		}
	}
}

/* ---- texts ---- */

/*
 * "pci0000/02.0/00.0": the way from the root to the function. With "pci0000:40" it is from
 * a root bus that is not the first of its segment.
 */
static char *make_key(const struct fn *f)
{
	static const char hex[] = "0123456789abcdef";
	struct weir_machine *m = f->pci->m;
	uint8_t bus = f->pci->host.first_bus;
	size_t bytes = bus ? sizeof("pci0000:00") : sizeof("pci0000");
	const struct fn *at;
	char *key, *end;

	for (at = f; at; at = at->parent)
		bytes += sizeof("/00.0") - 1;
	key = weir_alloc_(m, bytes);
	if (!key)
		return NULL;
	end = key + bytes - 1;
	for (at = f; at; at = at->parent) {
		end -= 5;
		end[0] = '/';
		end[1] = hex[WEIR_PCI_RID_DEVICE(at->rid) >> 4];
		end[2] = hex[WEIR_PCI_RID_DEVICE(at->rid) & 15];
		end[3] = '.';
		end[4] = hex[WEIR_PCI_RID_FUNCTION(at->rid)];
	}
	weir_memcpy_(key, "pci", 3);
	for (int i = 0; i < 4; i++)
		key[3 + i] = hex[f->pci->host.segment >> (12 - 4 * i) & 15];
	if (bus) {
		key[7] = ':';
		key[8] = hex[bus >> 4];
		key[9] = hex[bus & 15];
	}
	return key;
}

/* " lacks ACS SV" or " has ACS RR CR off"; none when there are no such bits. */
static size_t put_bits(char *to, size_t bytes, uint16_t mask, bool can)
{
	static const char *const names[] = { " SV", NULL, " RR", " CR", " UF" };
	char bits[16] = "";
	size_t n = 0;

	for (unsigned int i = 0; i < 5; i++) {
		if (!names[i] || !(mask >> i & 1))
			continue;
		weir_memcpy_(bits + n, names[i], 3);
		n += 3;
	}
	bits[n] = '\0';
	if (!n)
		return 0;
	weir_format_(to, bytes, can ? " has ACS%s off" : " lacks ACS%s", bits);
	return weir_strlen_(to);
}

/* "root port 0000:00:02.0 lacks ACS SV and ..." Return: how many bytes, without the end. */
static size_t put_cause(char *to, const struct fn *where, unsigned int cause)
{
	bool by_id = cause == WEIR_PCI_CAUSE_ALIAS || cause == WEIR_PCI_CAUSE_ID;
	uint16_t missing = by_id ? 0 : where->set_missing;
	char name[NAME_BYTES], acs[64] = "";
	size_t n = 0;

	if (missing && where->acs) {
		n = put_bits(acs, sizeof(acs), missing & (uint16_t)~where->acs_has, false);
		if (n && missing & where->acs_has)
			acs[n++] = ',';
		put_bits(acs + n, sizeof(acs) - n, missing & where->acs_has, true);
	}
	weir_format_(to, CAUSE_BYTES, "%s %s%s%s %s", weir_pci_kind_name(where->kind),
		     weir_pci_name_(where, name), !missing ? "" : where->acs ? acs : " has no ACS",
		     missing ? " and" : "", causes[cause]);
	return weir_strlen_(to);
}

/* A line for each cause. */
static char *make_why(const struct fn *first, bool alone)
{
	char text[MAX_CAUSES * CAUSE_BYTES + 40];
	unsigned int n = 0;
	size_t at = 0;

	if (alone || !first->set_next)
		return weir_strdup_(first->pci->m, "it is alone");
	for (const struct fn *f = first; f; f = f->set_next) {
		for (unsigned int cause = 0; cause < WEIR_PCI_CAUSES; cause++) {
			if (!(f->set_causes >> cause & 1) || n++ >= MAX_CAUSES)
				continue;
			if (at)
				text[at++] = '\n';
			at += put_cause(text + at, f, cause);
		}
	}
	if (n > MAX_CAUSES)
		weir_format_(text + at, sizeof(text) - at, "\nand %u more like these",
			     n - MAX_CAUSES);
	return weir_strdup_(first->pci->m, text);
}

/* ---- from sets to groups ---- */

static void make_sets(struct weir_pci *pci, enum weir_pci_rules rules)
{
	uint32_t order = 0;
	struct fn *f;

	for (f = weir_pci_next_(pci, NULL); f; f = weir_pci_next_(pci, f)) {
		f->set = f;
		f->set_order = order++;
		f->set_next = NULL;
		f->set_last = f;
		f->set_causes = 0;
		f->set_missing = 0;
		f->set_grows = false;
		f->set_keyed = NULL;
		f->set_clash = NULL;
	}
	for (f = weir_pci_next_(pci, NULL); f; f = weir_pci_next_(pci, f)) {
		if (rules == WEIR_PCI_RULES_WEIR)
			apply_weir(f);
		else
			apply_linux(f, rules);
	}
	if (rules == WEIR_PCI_RULES_WEIR)
		join_by_ids(pci);
	for (f = weir_pci_next_(pci, NULL); f; f = weir_pci_next_(pci, f))
		f->groups[rules].causes = f->set_causes;
}

/* Which key a set has already; a second one is a clash. */
static void collect_keys(struct weir_pci *pci, enum weir_pci_rules rules)
{
	struct fn *f, *first;

	for (f = weir_pci_next_(pci, NULL); f; f = weir_pci_next_(pci, f)) {
		first = find(f);
		if (!f->groups[rules].key)
			first->set_grows = true;
		else if (!first->set_keyed)
			first->set_keyed = f;
		else if (!weir_streq_(first->set_keyed->groups[rules].key, f->groups[rules].key))
			first->set_clash = f;
	}
}

/* Machine lock held. Return: 0; WEIR_ENOMEM. */
static int give_why(struct fn *f, const struct fn *first, enum weir_pci_rules rules)
{
	struct weir_machine *m = f->pci->m;
	char *why = make_why(first, first->set_clash);

	if (!why)
		return WEIR_ENOMEM;
	weir_strfree_(m, f->groups[rules].why);
	f->groups[rules].why = why;
	return 0;
}

/* Machine lock held. Return: 0; WEIR_ENOMEM. */
static int give_group(struct fn *f, struct fn *first, enum weir_pci_rules rules)
{
	bool clash = first->set_clash; /* in quarantine: on its own */
	char *key;

	if (clash || !first->set_keyed)
		key = make_key(clash ? f : first);
	else
		key = weir_strdup_(f->pci->m, first->set_keyed->groups[rules].key);
	f->groups[rules].key = key;
	if (!first->set_keyed)
		first->set_keyed = f;
	return key ? give_why(f, first, rules) : WEIR_ENOMEM;
}

/* The key is for ever; what holds a group together is told anew when it grows. */
static int give_groups(struct weir_pci *pci, enum weir_pci_rules rules)
{
	struct fn *f;
	int err = 0;

	for (f = weir_pci_next_(pci, NULL); f && !err; f = weir_pci_next_(pci, f)) {
		bool known = f->groups[rules].key;
		struct fn *first = find(f);

		if (known && (first->set_clash || !first->set_grows))
			continue;
		if (first->set_clash && rules == WEIR_PCI_RULES_WEIR)
			weir_pci_fail_(f, "it would make one group of %s and %s",
				       first->set_keyed->groups[rules].key,
				       first->set_clash->groups[rules].key);
		weir_lock_(pci->m);
		err = known ? give_why(f, first, rules) : give_group(f, first, rules);
		weir_unlock_(pci->m);
	}
	return err;
}

int weir_pci_groups_(struct weir_pci *pci)
{
	int err = 0;

	for (unsigned int rules = 0; rules < WEIR_PCI_RULES && !err; rules++) {
		make_sets(pci, (enum weir_pci_rules)rules);
		collect_keys(pci, (enum weir_pci_rules)rules);
		err = give_groups(pci, (enum weir_pci_rules)rules);
	}
	return err;
}

int weir_pci_isolation_get(const struct weir_device *dev, enum weir_pci_rules rules,
			   struct weir_pci_isolation *out_isolation)
{
	const struct fn *f = weir_pci_fn_(dev);

	if (!f || (unsigned int)rules >= WEIR_PCI_RULES)
		return WEIR_ENODEV;
	*out_isolation = (struct weir_pci_isolation){
		.acs = f->acs,
		.can = f->acs_has & PCI_ACS_WANTED,
		.on = f->acs_on & PCI_ACS_WANTED,
		.missing = rules == WEIR_PCI_RULES_WEIR ? missing_weir(f) : missing_linux(f, rules),
		.causes = f->groups[rules].causes,
		.takes_over = f->bridge && weir_pci_takes_over_(f),
	};
	return 0;
}
