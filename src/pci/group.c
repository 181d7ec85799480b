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
 * Requests from different slots of the root bus are taken to pass through the IOMMU.
 * Those of Linux 6.12 give each function the first that it finds: the group of a
 * bridge that puts in its id; that of the bridge above, when ACS is not complete from
 * there to the root; that of an earlier function of its slot, when both lack ACS.
 */
#include "core/text.h"
#include "pci/priv.h"
#include "pci/regs.h"

/* ---- access control ---- */

void weir_pci_acs_enable_(struct fn *f)
{
	uint32_t wanted, control;

	if (!f->acs)
		return;
	f->acs_has = (uint16_t)rd(f, f->acs + PCI_ACS_CAP, 2);
	wanted = f->acs_has & PCI_ACS_WANTED;
	control = rd(f, f->acs + PCI_ACS_CTRL, 2);
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

/* What made a set, for people: the bridge or function is put in front. */
static const char why_alias[] = "puts its own requester id in place of all below it";
static const char why_slot[] = "lets the functions of its slot reach each other";
static const char why_switch[] = "lets all below its switch reach each other";
static const char why_port[] = "lets all below it reach each other";
static const char why_path[] = "does not keep apart what is below";

static struct fn *find(struct fn *f)
{
	while (f->set != f) {
		f->set = f->set->set;
		f = f->set;
	}
	return f;
}

/* The first function in order stays the set's first, and its reason the set's. */
static void join(struct fn *a, struct fn *b, const char *why, const struct fn *where,
		 uint16_t missing)
{
	struct fn *first = find(a), *other = find(b);

	if (first == other)
		return;
	if (other->set_order < first->set_order) {
		struct fn *tmp = first;

		first = other;
		other = tmp;
	}
	other->set = first;
	if (first->set_why)
		return;
	if (other->set_why) {
		why = other->set_why;
		where = other->set_where;
		missing = other->set_missing;
	}
	first->set_why = why;
	first->set_where = where;
	first->set_missing = missing;
}

static void join_below(struct fn *top, const char *why, const struct fn *where, uint16_t missing)
{
	struct fn *f;

	for (f = weir_pci_next_below_(top, top); f; f = weir_pci_next_below_(top, f))
		join(top, f, why, where, missing);
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
		join(f, other, why_slot, f, missing);
		if (other->bridge)
			join_below(other, why_slot, f, missing);
	}
}

static void apply_weir(struct fn *f)
{
	uint16_t missing = missing_weir(f);
	struct fn *top = f;

	if (f->bridge && weir_pci_takes_over_(f))
		join_below(f, why_alias, f, 0);
	if (!missing)
		return;
	if (f->kind == WEIR_PCI_DOWNSTREAM) {
		if (f->parent)
			top = f->parent;
		join_below(top, why_switch, f, missing);
	} else if (f->kind == WEIR_PCI_ROOT_PORT) {
		join_below(f, why_port, f, missing);
	}
	if (f->multifunction)
		join_slot(f, missing);
}

/* ---- Linux's ---- */

static const struct fn *first_without_acs(const struct fn *bridge, enum weir_pci_rules rules,
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
	const struct fn *where;
	uint16_t missing;
	struct fn *other;

	for (other = f->parent; other; other = other->parent) {
		if (weir_pci_takes_over_(other)) {
			join(other, f, why_alias, other, 0);
			return;
		}
	}
	where = first_without_acs(f->parent, rules, &missing);
	if (where) {
		join(f->parent, f, why_path, where, missing);
		return;
	}
	missing = missing_linux(f, rules);
	if (!f->multifunction || !missing)
		return;
	weir_list_each(other, weir_pci_children_(f->pci, f->parent), struct fn, sibling) {
		if (other == f)
			return;
		if (same_slot(f, other) && missing_linux(other, rules)) {
			join(other, f, why_slot, other, missing);
			return;
		}
	}
}

/* ---- texts ---- */

/* "pci0000/02.0/00.0": the way from the root to the function. */
static char *make_key(const struct fn *f)
{
	static const char hex[] = "0123456789abcdef";
	struct weir_machine *m = f->pci->m;
	size_t bytes = sizeof("pci0000");
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
	return key;
}

/* "0000:00:02.0 lacks ACS RR CR: ..." */
static char *make_why(const struct fn *first)
{
	static const char *const bits[] = { " SV", NULL, " RR", " CR", " UF" };
	const struct fn *where = first->set_where;
	char text[160], name[NAME_BYTES];
	char acs[24] = "";
	size_t n = 0;

	if (!first->set_why)
		return weir_strdup_(first->pci->m, "it is alone");
	for (unsigned int i = 0; where->acs && i < 5; i++) {
		if (!bits[i] || !(first->set_missing >> i & 1))
			continue;
		weir_memcpy_(acs + n, bits[i], 3);
		n += 3;
	}
	acs[n] = '\0';
	weir_format_(text, sizeof(text), "%s %s%s%s%s %s", weir_pci_kind_name(where->kind),
		     weir_pci_name_(where, name),
		     !first->set_missing ? "" : where->acs ? " lacks ACS" : " has no ACS", acs,
		     first->set_missing ? " and" : "", first->set_why);
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
		f->set_why = NULL;
		f->set_keyed = NULL;
		f->set_clash = NULL;
	}
	for (f = weir_pci_next_(pci, NULL); f; f = weir_pci_next_(pci, f)) {
		if (rules == WEIR_PCI_RULES_WEIR)
			apply_weir(f);
		else
			apply_linux(f, rules);
	}
}

/* Which key a set has already; a second one is a clash. */
static void collect_keys(struct weir_pci *pci, enum weir_pci_rules rules)
{
	struct fn *f, *first;

	for (f = weir_pci_next_(pci, NULL); f; f = weir_pci_next_(pci, f)) {
		if (!f->groups[rules].key)
			continue;
		first = find(f);
		if (!first->set_keyed)
			first->set_keyed = f;
		else if (!weir_streq_(first->set_keyed->groups[rules].key, f->groups[rules].key))
			first->set_clash = f;
	}
}

/* Machine lock held. Return: 0; WEIR_ENOMEM. */
static int give_group(struct fn *f, enum weir_pci_rules rules)
{
	struct fn *first = find(f);
	struct weir_machine *m = f->pci->m;
	char *key, *why;

	if (first->set_clash)
		first = f; /* in quarantine: on its own */
	if (first != f && first->set_keyed) {
		key = weir_strdup_(m, first->set_keyed->groups[rules].key);
		why = weir_strdup_(m, first->set_keyed->groups[rules].why);
	} else {
		key = make_key(first);
		why = make_why(first);
	}
	f->groups[rules].key = key;
	f->groups[rules].why = why;
	if (!first->set_keyed)
		first->set_keyed = f;
	return key && why ? 0 : WEIR_ENOMEM;
}

static int give_groups(struct weir_pci *pci, enum weir_pci_rules rules)
{
	struct fn *f;
	int err = 0;

	for (f = weir_pci_next_(pci, NULL); f && !err; f = weir_pci_next_(pci, f)) {
		const struct fn *first = find(f);

		if (f->groups[rules].key)
			continue;
		if (first->set_clash && rules == WEIR_PCI_RULES_WEIR)
			weir_pci_fail_(f, "it would make one group of %s and %s",
				       first->set_keyed->groups[rules].key,
				       first->set_clash->groups[rules].key);
		weir_lock_(pci->m);
		err = give_group(f, rules);
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
