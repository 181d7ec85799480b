// SPDX-License-Identifier: MIT
/* `weir live` for programs: JSON (docs/json.md) and KTAP version 1. */
#include "live.h"

#include "explainlog.h"

static const char *match_name(enum live_match match)
{
	static const char *const names[] = { "alone", "agrees", "worse", "better" };

	return names[match];
}

static json_t *json_of_device(const struct live *l, size_t i)
{
	const struct seen_device *d = &l->seen.devices[i];
	size_t root = seen_root(&l->seen, i);
	char words[500];

	seen_words(&l->seen, i, words, sizeof(words));
	return json_pack(
		"{s:s, s:s, s:s, s:s?, s:s?, s:o, s:b, s:s, s:s?, s:s?, s:s, s:s?}", "name", d->name,
		"path", d->path, "bus", d->bus, "node", d->node, "driver", d->driver, "group",
		d->group < 0 ? json_null() : json_integer(d->group), "waits",
		(int)seen_waits(&l->seen, i), "words", words, "reason", d->deferred, "root",
		root == i ? NULL : l->seen.devices[root].name, "match", match_name(l->matches[i]),
		"predicted", l->twins[i] ? weir_verdict_name(weir_device_verdict(l->twins[i], NULL))
					 : NULL);
}

json_t *live_json(const struct live *l)
{
	json_t *devices = json_array(), *groups = json_array();

	for (size_t i = 0; i < l->seen.n; i++)
		json_array_append_new(devices, json_of_device(l, i));
	for (size_t i = 0; i < l->nr_groups; i++)
		json_array_append_new(groups, json_pack(
			"{s:s, s:I}", "root", l->seen.devices[l->groups[i].root].name, "waiting",
			(json_int_t)l->groups[i].n));
	return json_pack("{s:i, s:o, s:s?, s:b, s:b, s:o, s:o, s:o}", "version", 1, "board", json_text(l->board),
			 "kernel", l->seen.kernel, "deferred_known", (int)l->deferred_known,
			 "predicted", (int)l->predicted, "causes", groups, "devices", devices, "iommu",
			 l->log ? log_iommus_json(l->predicted ? &l->run : NULL, l->log) : json_array());
}

/* ---- KTAP ---- */

/* A device that should be up: it waits, or a bring-up of its tree has it up, or it is. */
static bool is_test(const struct live *l, size_t i)
{
	const struct seen_device *d = &l->seen.devices[i];

	if (!d->node)
		return false;
	return d->driver || seen_waits(&l->seen, i) || l->matches[i] == LIVE_WORSE;
}

size_t live_ktap(const struct live *l)
{
	size_t n = 0, failed = 0;
	char words[500];

	for (size_t i = 0; i < l->seen.n; i++)
		n += is_test(l, i);
	printf("KTAP version 1\n1..%zu%s\n", n, n ? "" : " # SKIP no device of a device tree should be up");
	n = 0;
	for (size_t i = 0; i < l->seen.n; i++) {
		bool ok = l->seen.devices[i].driver != NULL;

		if (!is_test(l, i))
			continue;
		seen_words(&l->seen, i, words, sizeof(words));
		if (!ok)
			printf("# %s: %s\n", l->seen.devices[i].name, words);
		printf("%sok %zu %s\n", ok ? "" : "not ", ++n, l->seen.devices[i].node);
		failed += !ok;
	}
	return failed;
}
