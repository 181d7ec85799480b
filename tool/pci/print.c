// SPDX-License-Identifier: MIT
/* What view.h tells, as text: the groups first, then why, then what would change them. */
#include <string.h>

#include "view.h"

#define MAX_TOLD 8u /* causes of a group that are told one by one */

static const struct opts *style(const struct pciview *v)
{
	return v->in.opts;
}

static void group_name(const struct pciview *v, enum pciset set, size_t first, char *buf, size_t bytes)
{
	if (set == PCISET_SEEN)
		snprintf(buf, bytes, "group %d", v->fns[first].seen);
	else
		snprintf(buf, bytes, "group of %s", v->fns[first].name);
}

/* Names of a group, or of what of it is in a group of another partition too. */
static void print_names(const struct pciview *v, enum pciset set, size_t first, bool words)
{
	char text[160];
	size_t n = 0;

	for (size_t i = first; i != PCISET_NONE; i = pciview_next(v, set, i)) {
		if (words)
			pci_fn_words(&v->fns[i], text, sizeof(text));
		printf("%s%s", n++ ? words ? ", " : " " : "", words ? text : v->fns[i].name);
	}
}

/* What joins the functions of a group, by one set of rules. Return: how many causes. */
static size_t print_causes(const struct pciview *v, enum pciset set, size_t first, bool by_weir)
{
	size_t n = 0;
	char text[500];

	for (size_t i = first; i != PCISET_NONE; i = pciview_next(v, set, i)) {
		const struct weir_pci_isolation *is = by_weir ? &v->fns[i].by_weir : &v->fns[i].by_linux;

		for (unsigned int c = 0; c < WEIR_PCI_CAUSES; c++) {
			if (!(is->causes >> c & 1) || n++ >= MAX_TOLD)
				continue;
			pci_cause_words(&v->fns[i], is, (enum weir_pci_cause)c, text, sizeof(text));
			printf("    %s\n", text);
		}
	}
	if (n > MAX_TOLD)
		printf("    and %zu more like these\n", n - MAX_TOLD);
	return n;
}

/* The parts that a group of one partition has in another. */
static void print_parts(const struct pciview *v, enum pciset set, size_t first, enum pciset other)
{
	for (size_t i = first, n = 0; i != PCISET_NONE; i = pciview_next(v, set, i)) {
		size_t j = first;

		if (v->fns[i].set[other] == PCISET_NONE)
			continue;
		while (j != i && v->fns[j].set[other] != v->fns[i].set[other])
			j = pciview_next(v, set, j);
		if (j != i)
			continue;
		printf("%s{", n++ ? " " : "");
		for (size_t k = i, m = 0; k != PCISET_NONE; k = pciview_next(v, set, k))
			if (v->fns[k].set[other] == v->fns[i].set[other])
				printf("%s%s", m++ ? " " : "", v->fns[k].name);
		printf("}");
	}
}

/* What the same group would be with all ACS switched on that is there. */
static void print_if_on(const struct pciview *v, enum pciset set, size_t first)
{
	if (pciview_spans(v, set, first, PCISET_ON) < 2)
		return;
	printf("    with the ACS switched on that is there: ");
	print_parts(v, set, first, PCISET_ON);
	printf("\n");
}

/* How that is done, for all groups at once: Linux takes the parameter once. */
static void print_switch(const struct pciview *v)
{
	char text[80];
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++) {
		size_t first = v->fns[i].set[v->answer];

		pci_switch_words(&v->fns[i], text, sizeof(text));
		if (!*text || first == PCISET_NONE || !v->fns[i].by_linux.causes ||
		    pciview_spans(v, v->answer, first, PCISET_ON) < 2)
			continue;
		printf("%s%s", n++ ? ";" : "Linux switches ACS on at boot when it knows of an IOMMU by then; 6.11 and "
		       "later also with\n  pci=config_acs=", text);
	}
	if (n)
		printf("\n");
}

/* Who of a group is no bridge. */
static size_t nr_devices(const struct pciview *v, enum pciset set, size_t first)
{
	size_t n = 0;

	for (size_t i = first; i != PCISET_NONE; i = pciview_next(v, set, i))
		n += !v->fns[i].info.secondary;
	return n;
}

static void print_group(const struct pciview *v, size_t first)
{
	char name[64];

	group_name(v, v->answer, first, name, sizeof(name));
	printf("  %s%s%s: ", style_bold(style(v)), name, style_off(style(v)));
	print_names(v, v->answer, first, true);
	printf("\n");
	print_causes(v, v->answer, first, false);
	print_if_on(v, v->answer, first);
	if (nr_devices(v, v->answer, first) == 1)
		printf("    the others are bridges: the device can be given away (vfio) by itself\n");
}

static void print_groups(const struct pciview *v)
{
	size_t groups = 0, shared = 0, in = 0, alone = 0;

	for (size_t i = 0; i < v->n; i++) {
		in += v->fns[i].set[v->answer] != PCISET_NONE;
		if (v->fns[i].set[v->answer] != i)
			continue;
		groups++;
		shared += pciview_size(v, v->answer, i) > 1;
	}
	printf("%s%zu PCI functions in %zu IOMMU groups, %zu of them shared%s", style_bold(style(v)), in, groups,
	       shared, style_off(style(v)));
	printf("%s\n", v->answer == PCISET_SEEN ? ", as Linux made them"
						: ", as Linux 6.12 would make them of this configuration space");
	if (v->answer != PCISET_SEEN && v->in.seen)
		printf("  this Linux made none: it has no IOMMU, or was told not to use it\n");
	for (size_t i = 0; i < v->n; i++)
		if (v->fns[i].set[v->answer] == i && pciview_size(v, v->answer, i) > 1)
			print_group(v, i);
	for (size_t i = 0; i < v->n; i++) {
		char text[160];

		if (v->fns[i].set[v->answer] != i || pciview_size(v, v->answer, i) > 1)
			continue;
		pci_fn_words(&v->fns[i], text, sizeof(text));
		printf("%s", alone++ ? ", " : "  alone: ");
		if (v->answer == PCISET_SEEN)
			printf("%d: ", v->fns[i].seen);
		printf("%s", text);
	}
	if (alone)
		printf("\n");
	print_switch(v);
}

/* ---- where Linux and configuration space differ ---- */

static size_t print_differences(const struct pciview *v)
{
	char text[300];
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++) {
		if (v->fns[i].set[PCISET_LINUX] != i || pciview_spans(v, PCISET_LINUX, i, PCISET_SEEN) < 2)
			continue;
		pci_finer_words(v, i, text, sizeof(text));
		printf("%s  Linux has apart: ", n++ ? "" : "where Linux and configuration space differ:\n");
		print_parts(v, PCISET_LINUX, i, PCISET_SEEN);
		printf(", although\n");
		print_causes(v, PCISET_LINUX, i, false);
		printf("    why: %s\n", text);
	}
	for (size_t i = 0; i < v->n; i++) {
		if (v->fns[i].set[PCISET_SEEN] != i || pciview_spans(v, PCISET_SEEN, i, PCISET_LINUX) < 2)
			continue;
		pci_coarser_words(v, i, text, sizeof(text));
		printf("%s  Linux has in one group what its ACS keeps apart: ",
		       n++ ? "" : "where Linux and configuration space differ:\n");
		print_parts(v, PCISET_SEEN, i, PCISET_LINUX);
		printf("\n    why: %s\n", text);
	}
	return n;
}

/* What reaches what although the rules of Linux have it apart. */
static void print_stricter(const struct pciview *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++) {
		if (v->fns[i].set[PCISET_WEIR] != i || pciview_spans(v, PCISET_WEIR, i, PCISET_LINUX) < 2 ||
		    !pciview_reaches(v, i))
			continue;
		printf("%s  ", n++ ? "" : "apart by the rules of Linux 6.12, and yet these can reach each other past "
				       "an IOMMU, or look the same to it:\n");
		print_parts(v, PCISET_WEIR, i, PCISET_LINUX);
		printf("\n");
		print_causes(v, PCISET_WEIR, i, true);
	}
}

/* ---- slots ---- */

/* The nearest bridge from a port up that does not keep apart what is below. */
static size_t weak_above(const struct pciview *v, size_t at)
{
	while (at != PCISET_NONE && !v->fns[at].by_linux.missing && !v->fns[at].by_linux.takes_over)
		at = v->fns[at].above;
	return at;
}

static void print_slot(const struct pciview *v, const struct pciview_slot *slot)
{
	size_t weak = slot->alone ? PCISET_NONE : weak_above(v, slot->port);
	char text[200];

	printf("  below %s (%s%s)", v->fns[slot->port].name, slot->card == PCISET_NONE ? "empty" : "has ",
	       slot->card == PCISET_NONE ? "" : v->fns[slot->card].name);
	if (slot->by_quirk)
		printf(": by the quirk of Linux");
	if (slot->with != PCISET_NONE)
		printf(": together with %s", v->fns[slot->with].name);
	if (weak != PCISET_NONE) {
		pci_acs_words(&v->fns[weak].by_linux, text, sizeof(text));
		printf("%s %s %s", slot->with == PCISET_NONE ? ":" : ", for",
		       weak == slot->port ? "it" : v->fns[weak].name,
		       v->fns[weak].by_linux.takes_over ? "puts its own requester id in place of others" : text);
	}
	if (slot->reached != PCISET_NONE && slot->with == PCISET_NONE)
		printf("; yet %s can reach it", v->fns[slot->reached].name);
	printf("\n");
}

static void print_slots(const struct pciview *v)
{
	static const char *const heads[] = {
		"in these slots a card would be alone in its group:\n",
		"in these slots a card would be with bridges alone, which vfio allows:\n",
		"in these slots a card would be with other devices:\n",
	};

	for (unsigned int kind = 0; kind < 3; kind++) {
		size_t n = 0;

		for (size_t i = 0; i < v->nr_slots; i++) {
			const struct pciview_slot *slot = &v->slots[i];

			if (kind != (slot->alone ? 0 : slot->with == PCISET_NONE ? 1 : 2))
				continue;
			printf("%s", n++ ? "" : heads[kind]);
			print_slot(v, slot);
		}
	}
}

/* ---- everything ---- */

/* Functions that are in no group, of two kinds. */
static void print_without(const struct pciview *v, bool without_iommu, const char *head)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++)
		if (v->fns[i].dev && v->fns[i].set[v->answer] == PCISET_NONE && v->fns[i].no_iommu == without_iommu)
			printf("%s%s", n++ ? " " : head, v->fns[i].name);
	if (n)
		printf("\n");
}

static void print_notes(const struct pciview *v)
{
	char text[300];

	print_without(v, true, "note: in no group, for firmware maps their ids to no IOMMU: ");
	print_without(v, false, "note: in no group of this Linux, which has not tried a driver on them, or refused "
		      "their ids: ");

	if (*v->override)
		printf("note: %s: this kernel takes devices to isolate that do not say so; what it has apart may "
		       "reach each other\n", v->override);
	for (size_t i = 0; i < v->n; i++)
		if (v->fns[i].fault)
			printf("note: %s: %s; its group is not known for certain\n", v->fns[i].name, v->fns[i].fault);
	pci_silent_words(v, text, sizeof(text));
	if (*text)
		printf("note: not looked at, for they do not answer, or no bridge leads to them: %s\n", text);
}

void pciview_print(const struct pciview *v)
{
	print_groups(v);
	print_differences(v);
	print_stricter(v);
	print_slots(v);
	print_notes(v);
}
