// SPDX-License-Identifier: MIT
/* What view.h tells, for programs: docs/json.md. */
#include "view.h"

static json_t *bits_json(uint16_t bits)
{
	static const char *const names[] = { "SV", NULL, "RR", "CR", "UF" };
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i] && bits >> i & 1)
			json_array_append_new(list, json_string(names[i]));
	return list;
}

static json_t *or_null(const struct pciview *v, size_t fn)
{
	return fn == PCISET_NONE ? json_null() : json_string(v->fns[fn].name);
}

static const char *kind_name(const struct pciview_fn *fn)
{
	static const char *const names[] = {
		[WEIR_PCI_CONVENTIONAL] = "conventional", [WEIR_PCI_CONVENTIONAL_BRIDGE] = "conventional-bridge",
		[WEIR_PCI_ENDPOINT] = "endpoint", [WEIR_PCI_ROOT_ENDPOINT] = "root-endpoint",
		[WEIR_PCI_ROOT_PORT] = "root-port", [WEIR_PCI_UPSTREAM] = "upstream-port",
		[WEIR_PCI_DOWNSTREAM] = "downstream-port", [WEIR_PCI_TO_CONVENTIONAL] = "to-conventional",
		[WEIR_PCI_FROM_CONVENTIONAL] = "from-conventional",
		[WEIR_PCI_EVENT_COLLECTOR] = "event-collector",
	};

	return fn->raw->is_virtual ? "virtual" : fn->dev ? names[fn->info.kind] : "unknown";
}

static json_t *function_json(const struct pciview *v, const struct pciview_fn *fn)
{
	const struct weir_pci_isolation *is = &fn->by_linux;
	char id[16] = "", class_code[8] = "";

	if (fn->dev) {
		snprintf(id, sizeof(id), "%04x:%04x", fn->info.vendor, fn->info.device);
		snprintf(class_code, sizeof(class_code), "%06x", (unsigned int)fn->info.class_code);
	}
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "name", fn->name, "kind",
			 kind_name(fn), "id", id, "class", class_code, "above", or_null(v, fn->above), "driver",
			 json_text(fn->driver), "group", fn->seen < 0 ? json_null() : json_integer(fn->seen), "acs",
			 (int)is->acs, "can", bits_json(is->can), "on", bits_json(is->on), "missing",
			 bits_json(is->missing), "fault", json_text(fn->fault));
}

static json_t *names_json(const struct pciview *v, enum pciset set, size_t first)
{
	json_t *names = json_array();

	for (size_t i = first; i != PCISET_NONE; i = pciview_next(v, set, i))
		json_array_append_new(names, json_string(v->fns[i].name));
	return names;
}

/* The parts that a group of one partition has in another. */
static json_t *parts_json(const struct pciview *v, enum pciset set, size_t first, enum pciset other)
{
	json_t *parts = json_array();

	for (size_t i = first; i != PCISET_NONE; i = pciview_next(v, set, i)) {
		size_t j = first;
		json_t *part;

		if (v->fns[i].set[other] == PCISET_NONE)
			continue;
		while (j != i && v->fns[j].set[other] != v->fns[i].set[other])
			j = pciview_next(v, set, j);
		if (j != i)
			continue;
		part = json_array();
		for (size_t k = i; k != PCISET_NONE; k = pciview_next(v, set, k))
			if (v->fns[k].set[other] == v->fns[i].set[other])
				json_array_append_new(part, json_string(v->fns[k].name));
		json_array_append_new(parts, part);
	}
	return parts;
}

static json_t *causes_json(const struct pciview *v, enum pciset set, size_t first, bool by_weir)
{
	json_t *causes = json_array();
	char text[500], parameter[80];

	for (size_t i = first; i != PCISET_NONE; i = pciview_next(v, set, i)) {
		const struct weir_pci_isolation *is = by_weir ? &v->fns[i].by_weir : &v->fns[i].by_linux;

		pci_switch_words(&v->fns[i], parameter, sizeof(parameter));
		for (unsigned int c = 0; c < WEIR_PCI_CAUSES; c++) {
			if (!(is->causes >> c & 1))
				continue;
			pci_cause_words(&v->fns[i], is, (enum weir_pci_cause)c, text, sizeof(text));
			json_array_append_new(causes, json_pack(
				"{s:s, s:s, s:b, s:o, s:o, s:s, s:s?}", "function", v->fns[i].name, "cause",
				pci_cause_name((enum weir_pci_cause)c), "acs", (int)is->acs, "cannot",
				bits_json(is->missing & (uint16_t)~is->can), "off", bits_json(is->missing & is->can),
				"words", text, "parameter", *parameter ? parameter : NULL));
		}
	}
	return causes;
}

static json_t *groups_json(const struct pciview *v)
{
	json_t *groups = json_array();

	for (size_t i = 0; i < v->n; i++) {
		if (v->fns[i].set[v->answer] != i)
			continue;
		json_array_append_new(groups, json_pack(
			"{s:o, s:o, s:o, s:o}", "group",
			v->fns[i].seen < 0 ? json_null() : json_integer(v->fns[i].seen), "functions",
			names_json(v, v->answer, i), "causes", causes_json(v, v->answer, i, false), "with_acs_on",
			parts_json(v, v->answer, i, PCISET_ON)));
	}
	return groups;
}

static json_t *differences_json(const struct pciview *v)
{
	json_t *list = json_array();
	char text[300];

	for (size_t i = 0; i < v->n; i++) {
		if (v->fns[i].set[PCISET_LINUX] == i && pciview_spans(v, PCISET_LINUX, i, PCISET_SEEN) > 1) {
			pci_finer_words(v, i, text, sizeof(text));
			json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:s}", "kind", "finer", "groups",
							      parts_json(v, PCISET_LINUX, i, PCISET_SEEN), "causes",
							      causes_json(v, PCISET_LINUX, i, false), "why", text));
		}
		if (v->fns[i].set[PCISET_SEEN] == i && pciview_spans(v, PCISET_SEEN, i, PCISET_LINUX) > 1) {
			pci_coarser_words(v, i, text, sizeof(text));
			json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:s}", "kind", "coarser", "groups",
							      parts_json(v, PCISET_SEEN, i, PCISET_LINUX), "causes",
							      json_array(), "why", text));
		}
	}
	return list;
}

static json_t *reachable_json(const struct pciview *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->n; i++)
		if (v->fns[i].set[PCISET_WEIR] == i && pciview_spans(v, PCISET_WEIR, i, PCISET_LINUX) > 1 &&
		    pciview_reaches(v, i))
			json_array_append_new(list, json_pack("{s:o, s:o}", "groups",
							      parts_json(v, PCISET_WEIR, i, PCISET_LINUX), "causes",
							      causes_json(v, PCISET_WEIR, i, true)));
	return list;
}

static json_t *slots_json(const struct pciview *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->nr_slots; i++) {
		const struct pciview_slot *slot = &v->slots[i];

		json_array_append_new(list, json_pack("{s:s, s:o, s:b, s:b, s:o, s:o}", "port",
						      v->fns[slot->port].name, "card", or_null(v, slot->card), "alone",
						      (int)slot->alone, "quirk", (int)slot->by_quirk, "with",
						      or_null(v, slot->with), "reached_by", or_null(v, slot->reached)));
	}
	return list;
}

json_t *pciview_json(const struct pciview *v)
{
	json_t *functions = json_array();

	for (size_t i = 0; i < v->n; i++)
		json_array_append_new(functions, function_json(v, &v->fns[i]));
	return json_pack("{s:s, s:b, s:s?, s:o, s:o, s:o, s:o, s:o}", "source", v->in.source, "observed",
			 (int)(v->answer == PCISET_SEEN), "override", *v->override ? v->override : NULL, "groups",
			 groups_json(v), "differences", differences_json(v), "reachable", reachable_json(v), "slots",
			 slots_json(v), "functions", functions);
}
