// SPDX-License-Identifier: MIT
/* `weir diff` as JSON (docs/json.md). */
#include "diff.h"

static json_t *json_of_device(const struct diff_device *dev)
{
	static const char *const iommus[] = { "none", "untranslated", "translated" };
	static const char *const stages[] = { "none", "initramfs", "root", "never" };

	if (!dev)
		return json_null();
	return json_pack("{s:s, s:s?, s:s?, s:s?, s:s, s:b, s:I, s:s, s:s?}", "verdict",
			 weir_verdict_name(dev->verdict), "driver", dev->driver, "root", dev->root,
			 "group", dev->group, "iommu", iommus[dev->iommu], "late", (int)dev->late,
			 "bound_ns", (json_int_t)dev->bound_ns, "stage", stages[dev->stage],
			 "lack", dev->lack);
}

static json_t *json_of_side(const struct diff_side *side)
{
	return json_pack("{s:o, s:o, s:I}", "title", json_text(side->title), "model",
			 json_text(side->model), "devices", (json_int_t)side->n);
}

static json_t *json_of_changes(const struct diff *d)
{
	json_t *array = json_array();

	for (size_t i = 0; d && i < d->n; i++) {
		const struct diff_item *item = &d->items[i];

		json_array_append_new(array, json_pack(
			"{s:s, s:s, s:o, s:o}", "change", diff_change_name(item->change), "path",
			item->a ? item->a->path : item->b->path, "a", json_of_device(item->a),
			"b", json_of_device(item->b)));
	}
	return array;
}

static json_t *only(const struct diff_list *l, const struct diff_list *other)
{
	json_t *array = json_array();
	const char *name;
	size_t at = 0;

	while ((name = diff_list_only(l, other, &at)))
		json_array_append_new(array, json_text(name));
	return array;
}

static json_t *json_of_images(const struct diff *d)
{
	const struct diff_side *a = d ? &d->sides[0] : NULL, *b = d ? &d->sides[1] : NULL;

	if (!d || !a->initramfs || !b->initramfs)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o}", "modules_a", only(&a->modules, &b->modules),
			 "modules_b", only(&b->modules, &a->modules), "firmware_a",
			 only(&a->more, &b->more), "firmware_b", only(&b->more, &a->more));
}

static json_t *json_of_seen(const struct diff *d)
{
	const struct diff_side *a = d ? &d->sides[0] : NULL, *b = d ? &d->sides[1] : NULL;
	bool config;

	if (!d)
		return json_null();
	config = a->config.n && b->config.n;
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "a", json_of_side(a), "b",
			 json_of_side(b), "changes", json_of_changes(d),
			 "modules_a", only(&a->modules, &b->modules), "modules_b",
			 only(&b->modules, &a->modules), "parameters_a", only(&a->more, &b->more),
			 "parameters_b", only(&b->more, &a->more),
			 "settings_a", config ? only(&a->config, &b->config) : json_array(),
			 "settings_b", config ? only(&b->config, &a->config) : json_array());
}

json_t *diff_json(const struct diff *predicted, const struct diff *seen)
{
	const struct diff *titles = predicted ? predicted : seen;

	return json_pack("{s:i, s:b, s:o, s:o, s:o, s:o, s:o}", "version", 1, "predicted",
			 predicted != NULL, "a", json_of_side(&titles->sides[0]), "b",
			 json_of_side(&titles->sides[1]), "changes", json_of_changes(predicted),
			 "initramfs", json_of_images(predicted), "seen", json_of_seen(seen));
}
