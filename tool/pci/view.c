// SPDX-License-Identifier: MIT
/*
 * Computes what view.h tells: the machine of a dump with ACS as it is, once more with all ACS switched on
 * that is there, and once more with a plain card in each slot; and the groups of a running Linux beside them.
 */
#include <stdlib.h>
#include <string.h>

#include "view.h"

/* ---- what is known ---- */

static bool has_caps(const struct pcidump_fn *fn)
{
	return fn->space[6] & 0x10;
}

/* Whether it has the capability of PCI Express, as far as it is known. */
static bool is_express(const struct pcidump_fn *fn)
{
	unsigned int at = has_caps(fn) ? fn->space[0x34] & ~3u : 0;

	for (unsigned int n = 0; n < 48 && at >= PCI_HEADER_BYTES && at + 2 <= fn->extent; n++) {
		if (fn->space[at] == 0x10)
			return true;
		at = fn->space[at + 1] & ~3u;
	}
	return false;
}

const char *pcidump_lacks(const struct pcidump *dump, const char *source)
{
	size_t header = 0, basic = 0, whole = 0;

	for (size_t i = 0; i < dump->n; i++) {
		const struct pcidump_fn *fn = &dump->fns[i];

		if (!pcidump_answers(fn))
			continue;
		header += fn->extent < PCI_BASIC_BYTES && has_caps(fn);
		basic += fn->extent == PCI_BASIC_BYTES && is_express(fn);
		whole += fn->extent > PCI_BASIC_BYTES;
	}
	if (!header && (whole || !basic))
		return NULL;
	if (!strcmp(source, "live"))
		return "only root can read all of configuration space: run it as root";
	if (!strcmp(source, "capture"))
		return "the capture was not made as root: make it as root";
	return header ? "it has 64 bytes of each function: give what `sudo lspci -xxxx` prints (-x, or not as root: 64)"
		      : "it has 256 bytes of each function, and ACS is behind them: give what `sudo lspci -xxxx` "
			"prints (-xxx: 256)";
}

/* ---- partitions ---- */

size_t pciview_next(const struct pciview *v, enum pciset set, size_t at)
{
	for (size_t i = at + 1; i < v->n; i++)
		if (v->fns[i].set[set] == v->fns[at].set[set])
			return i;
	return PCISET_NONE;
}

size_t pciview_size(const struct pciview *v, enum pciset set, size_t first)
{
	size_t n = 0;

	for (size_t i = first; i != PCISET_NONE; i = pciview_next(v, set, i))
		n++;
	return n;
}

size_t pciview_spans(const struct pciview *v, enum pciset set, size_t first, enum pciset other)
{
	size_t n = 0;

	for (size_t i = first; i != PCISET_NONE; i = pciview_next(v, set, i)) {
		size_t j = first;

		if (v->fns[i].set[other] == PCISET_NONE)
			continue;
		while (j != i && v->fns[j].set[other] != v->fns[i].set[other])
			j = pciview_next(v, set, j);
		n += j == i;
	}
	return n;
}

struct keyed {
	const char *key;
	size_t fn;
};

static int by_key(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	return order ? order : x->fn < y->fn ? -1 : x->fn > y->fn;
}

/* The groups of a machine by some rules. */
static int partition(struct pciview *v, const struct pcimachine *pm, enum weir_pci_rules rules, enum pciset set)
{
	struct keyed *keys = calloc(v->n + 1, sizeof(*keys));
	size_t n = 0, first = 0;

	if (!keys)
		return WEIR_ENOMEM;
	for (size_t i = 0; i < v->n; i++) {
		struct weir_device *dev = v->fns[i].dev;
		struct weir_pci_group group;

		v->fns[i].set[set] = PCISET_NONE;
		if (dev && pm != &v->is)
			dev = pcimachine_find(pm, v->fns[i].raw->segment, v->fns[i].raw->rid);
		if (dev && !weir_pci_group_get(dev, rules, &group))
			keys[n++] = (struct keyed){ group.key, i };
	}
	qsort(keys, n, sizeof(*keys), by_key);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(keys[i].key, keys[first].key))
			first = i;
		v->fns[keys[i].fn].set[set] = keys[first].fn;
	}
	free(keys);
	return 0;
}

static size_t find(const struct pciview *v, uint32_t segment, uint16_t rid)
{
	const struct pcidump_fn *raw = pcidump_find(v->in.dump, segment, rid);

	return raw ? (size_t)(raw - v->in.dump->fns) : PCISET_NONE;
}

/*
 * A virtual function is below the same bridge as its physical one, and is no function of its slot: what
 * joins those below the bridge joins it, and nothing else.
 */
static void place_virtual(struct pciview *v)
{
	for (size_t i = 0; i < v->n; i++) {
		struct pciview_fn *fn = &v->fns[i];
		size_t of = fn->raw->is_virtual ? find(v, fn->raw->segment, fn->raw->physical) : PCISET_NONE;

		if (of == PCISET_NONE || of > i || !v->fns[of].dev)
			continue; /* its id is that of the physical one and more (9.2.1.2 of the specification) */
		fn->above = v->fns[of].above;
		for (enum pciset set = PCISET_LINUX; set < PCISETS; set++)
			fn->set[set] = fn->above != PCISET_NONE && v->fns[of].set[set] == v->fns[fn->above].set[set]
					       ? v->fns[of].set[set] : i;
	}
}

/* ---- functions ---- */

/* Where firmware tells of any function that its ids go to an IOMMU, the others have no group. */
static void find_iommus(struct pciview *v)
{
	struct weir_pci_id id;
	bool any = false;

	for (size_t i = 0; i < v->n && !any; i++)
		any = v->fns[i].dev && !weir_pci_iommu_id(v->fns[i].dev, 0, &id);
	for (size_t i = 0; i < v->n && any; i++) {
		v->fns[i].no_iommu = v->fns[i].dev && weir_pci_iommu_id(v->fns[i].dev, 0, &id) == WEIR_ENOENT;
		if (v->fns[i].no_iommu)
			v->fns[i].set[PCISET_LINUX] = v->fns[i].set[PCISET_ON] = PCISET_NONE;
	}
}

static void take_functions(struct pciview *v)
{
	for (size_t i = 0; i < v->n; i++) {
		struct pciview_fn *fn = &v->fns[i];
		struct weir_pci_info above;

		*fn = (struct pciview_fn){ .raw = &v->in.dump->fns[i], .above = PCISET_NONE, .seen = -1 };
		pci_name(fn->raw->segment, fn->raw->rid, fn->name);
		if (!pcidump_answers(fn->raw)) {
			v->silent += !fn->raw->is_virtual;
			continue;
		}
		fn->dev = pcimachine_find(&v->is, fn->raw->segment, fn->raw->rid);
		if (!fn->dev) {
			v->unreached++;
			continue;
		}
		weir_pci_info_get(fn->dev, &fn->info);
		weir_pci_isolation_get(fn->dev, WEIR_PCI_RULES_LINUX_6_12, &fn->by_linux);
		weir_pci_isolation_get(fn->dev, WEIR_PCI_RULES_WEIR, &fn->by_weir);
		fn->fault = weir_pci_fault(fn->dev);
		if (!weir_pci_info_get(weir_device_parent(fn->dev), &above))
			fn->above = find(v, above.segment, above.rid);
	}
}

static void take_seen(struct pciview *v)
{
	const struct seen *s = v->in.seen;

	for (size_t i = 0; i < v->n; i++)
		v->fns[i].set[PCISET_SEEN] = PCISET_NONE;
	for (size_t i = 0; s && i < s->n; i++) {
		uint32_t segment;
		uint16_t rid;
		size_t n, at;

		if (strcmp(s->devices[i].bus, "pci") || !pci_name_parse(s->devices[i].name, &segment, &rid, &n) ||
		    s->devices[i].name[n])
			continue;
		at = find(v, segment, rid);
		if (at == PCISET_NONE)
			continue;
		v->fns[at].driver = s->devices[i].driver;
		v->fns[at].seen = s->devices[i].group;
	}
	for (size_t i = 0; i < v->n; i++) {
		size_t first = 0;

		if (v->fns[i].seen < 0)
			continue;
		while (v->fns[first].seen != v->fns[i].seen)
			first++;
		v->fns[i].set[PCISET_SEEN] = first;
		v->answer = PCISET_SEEN;
	}
}

/* The functions by which things are joined that this Linux has apart, and not by an override. */
static void find_quirks(struct pciview *v)
{
	for (size_t i = 0; i < v->n && !*v->override; i++) {
		if (v->fns[i].set[PCISET_LINUX] != i || pciview_spans(v, PCISET_LINUX, i, PCISET_SEEN) < 2)
			continue;
		for (size_t j = i; j != PCISET_NONE; j = pciview_next(v, PCISET_LINUX, j))
			v->fns[j].quirk = v->fns[j].by_linux.missing && v->fns[j].by_linux.causes;
	}
}

bool pciview_reaches(const struct pciview *v, size_t first)
{
	for (size_t i = first; i != PCISET_NONE; i = pciview_next(v, PCISET_WEIR, i))
		if (v->fns[i].by_weir.causes && !v->fns[i].quirk)
			return true;
	return false;
}

/* ---- slots ---- */

static bool is_port(const struct pciview_fn *fn)
{
	return fn->dev && !fn->fault && fn->info.secondary &&
	       (fn->info.kind == WEIR_PCI_ROOT_PORT || fn->info.kind == WEIR_PCI_DOWNSTREAM);
}

/* Nothing below it but functions: a card, perhaps. */
static bool is_slot(const struct pciview *v, size_t port, size_t *out_card)
{
	*out_card = PCISET_NONE;
	for (size_t i = 0; i < v->n; i++) {
		if (v->fns[i].above != port)
			continue;
		if (v->fns[i].info.secondary)
			return false;
		if (*out_card == PCISET_NONE)
			*out_card = i;
	}
	return true;
}

static int find_slots(struct pciview *v)
{
	v->slots = calloc(v->n + 1, sizeof(*v->slots));
	if (!v->slots)
		return WEIR_ENOMEM;
	for (size_t i = 0; i < v->n; i++) {
		struct pciview_slot slot = { .port = i, .with = PCISET_NONE };

		if (is_port(&v->fns[i]) && is_slot(v, i, &slot.card))
			v->slots[v->nr_slots++] = slot;
	}
	return 0;
}

/* The slot of the bus that a function is on; NULL: it is on none. */
static const struct pciview_slot *slot_at(const struct pciview *v, const struct pcidump_fn *fn)
{
	for (size_t i = 0; i < v->nr_slots; i++)
		if (fn->segment == v->fns[v->slots[i].port].raw->segment &&
		    fn->rid >> 8 == v->fns[v->slots[i].port].info.secondary)
			return &v->slots[i];
	return NULL;
}

static int by_rid(const void *a, const void *b)
{
	const struct pcidump_fn *x = a, *y = b;

	if (x->segment != y->segment)
		return x->segment < y->segment ? -1 : 1;
	return x->rid < y->rid ? -1 : x->rid > y->rid;
}

/* The same dump with a card of one function, an endpoint without ACS, in each slot. @out_fns: to be freed. */
static int fill_slots(const struct pciview *v, uint8_t *card, struct pcidump *out_dump)
{
	struct pcidump_fn *fns = calloc(v->n + v->nr_slots + 1, sizeof(*fns));
	size_t n = 0;

	if (!fns)
		return WEIR_ENOMEM;
	card[0] = 0x34; /* any vendor, device and class */
	card[1] = card[2] = card[3] = 0x12;
	card[6] = 0x10; /* has capabilities: */
	card[0x34] = 0x40;
	card[0x40] = 0x10; /* PCI Express 2, endpoint */
	card[0x42] = 2;
	for (size_t i = 0; i < v->n; i++)
		if (!slot_at(v, v->fns[i].raw))
			fns[n++] = *v->fns[i].raw;
	for (size_t i = 0; i < v->nr_slots; i++) {
		const struct pciview_fn *port = &v->fns[v->slots[i].port];

		fns[n++] = (struct pcidump_fn){
			.segment = port->raw->segment, .rid = (uint16_t)(port->info.secondary << 8),
			.extent = PCI_SPACE_BYTES, .space = card,
		};
	}
	qsort(fns, n, sizeof(*fns), by_rid);
	*out_dump = (struct pcidump){ .fns = fns, .n = n };
	return 0;
}

static const char *key_at(const struct pcimachine *pm, const struct pcidump_fn *fn, enum weir_pci_rules rules)
{
	struct weir_device *dev = pcimachine_find(pm, fn->segment, fn->rid);
	struct weir_pci_group group;

	return dev && !weir_pci_group_get(dev, rules, &group) ? group.key : NULL;
}

/* Who else is in the group of a card. @out_any: whether anybody is. Return: a device that is no bridge. */
static size_t who_with(const struct pciview *v, const struct pcidump *dump, const char *const *keys, size_t card,
		       bool *out_any)
{
	*out_any = false;
	for (size_t i = 0; keys[card] && i < dump->n; i++) {
		size_t fn;

		if (i == card || !keys[i] || strcmp(keys[i], keys[card]))
			continue;
		*out_any = true;
		fn = find(v, dump->fns[i].segment, dump->fns[i].rid);
		if (fn == PCISET_NONE) /* the card in another slot, which is empty */
			return slot_at(v, &dump->fns[i])->port;
		if (!v->fns[fn].info.secondary)
			return fn;
	}
	return PCISET_NONE;
}

/* @keys: of all of the dump, by the rules of Linux and by what reaches what. */
static void ask_slot(const struct pciview *v, const struct pcidump *dump, const char *const *keys,
		     struct pciview_slot *slot)
{
	const struct pciview_fn *port = &v->fns[slot->port];
	const struct pcidump_fn *fn = pcidump_find(dump, port->raw->segment,
						   (uint16_t)(port->info.secondary << 8));
	size_t card = fn ? (size_t)(fn - dump->fns) : 0;
	bool any;

	slot->with = slot->reached = PCISET_NONE;
	if (!fn || !keys[card])
		return;
	slot->with = who_with(v, dump, keys, card, &any);
	slot->alone = !any;
	if (pciview_reaches(v, port->set[PCISET_WEIR]))
		slot->reached = who_with(v, dump, keys + dump->n, card, &any);
	/* what Linux does with the card that is there counts more */
	if (!slot->alone && slot->card != PCISET_NONE && port->set[PCISET_SEEN] != PCISET_NONE &&
	    v->fns[slot->card].set[PCISET_SEEN] != PCISET_NONE &&
	    v->fns[slot->card].set[PCISET_SEEN] != port->set[PCISET_SEEN]) {
		slot->alone = slot->by_quirk = true;
		slot->with = PCISET_NONE;
	}
}

static int ask_each(struct pciview *v, const struct pcidump *dump)
{
	const char **keys = calloc(2 * dump->n, sizeof(*keys));
	struct pcimachine pm;
	int err = keys ? pcimachine_open(&pm, &v->in, dump, WEIR_PCI_ACS_KEEP) : WEIR_ENOMEM;

	if (!err) {
		for (size_t i = 0; i < dump->n; i++) {
			keys[i] = key_at(&pm, &dump->fns[i], WEIR_PCI_RULES_LINUX_6_12);
			keys[dump->n + i] = key_at(&pm, &dump->fns[i], WEIR_PCI_RULES_WEIR);
		}
		for (size_t i = 0; i < v->nr_slots; i++)
			ask_slot(v, dump, keys, &v->slots[i]);
		pcimachine_close(&pm);
	}
	free(keys);
	return err;
}

static int ask_slots(struct pciview *v)
{
	uint8_t card[PCI_SPACE_BYTES] = { 0 };
	struct pcidump dump;
	int err = find_slots(v);

	if (err || !v->nr_slots)
		return err;
	err = fill_slots(v, card, &dump);
	if (err)
		return err;
	err = ask_each(v, &dump);
	free(dump.fns);
	return err;
}

/* ---- opening and closing ---- */

static void find_override(struct pciview *v)
{
	const char *at = v->in.cmdline ? strstr(v->in.cmdline, "pcie_acs_override=") : NULL;

	if (at)
		snprintf(v->override, sizeof(v->override), "%.*s", (int)strcspn(at, " \n"), at);
	text_clean(v->override, strlen(v->override), "");
}

static int compute(struct pciview *v)
{
	int err = pcimachine_open(&v->is, &v->in, v->in.dump, WEIR_PCI_ACS_KEEP);

	if (!err)
		err = pcimachine_open(&v->on, &v->in, v->in.dump, 0);
	if (err)
		return err;
	v->answer = PCISET_LINUX;
	take_functions(v);
	take_seen(v);
	err = partition(v, &v->is, WEIR_PCI_RULES_LINUX_6_12, PCISET_LINUX);
	if (!err)
		err = partition(v, &v->is, WEIR_PCI_RULES_WEIR, PCISET_WEIR);
	if (!err)
		err = partition(v, &v->on, WEIR_PCI_RULES_LINUX_6_12, PCISET_ON);
	if (err)
		return err;
	find_iommus(v);
	place_virtual(v);
	find_quirks(v);
	return ask_slots(v);
}

int pciview_open(struct pciview *v, const struct pciview_input *in)
{
	int err;

	*v = (struct pciview){ .in = *in, .n = in->dump->n };
	v->fns = calloc(v->n + 1, sizeof(*v->fns));
	find_override(v);
	err = v->fns ? compute(v) : WEIR_ENOMEM;
	if (!err)
		return 0;
	pciview_close(v);
	return complain("%s: its PCI functions: %s", in->what, weir_strerror(err));
}

void pciview_close(struct pciview *v)
{
	pcimachine_close(&v->on);
	pcimachine_close(&v->is);
	free(v->slots);
	free(v->fns);
	*v = (struct pciview){ 0 };
}
