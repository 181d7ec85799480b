// SPDX-License-Identifier: MIT
/* `weir diff` as JSON (docs/json.md). */
#include "diff.h"

static json_t *json_of_device(const struct diff_device *dev)
{
	static const char *const iommus[] = { "none", "untranslated", "translated" };

	if (!dev)
		return json_null();
	return json_pack("{s:s, s:s?, s:s?, s:s?, s:s, s:b, s:I}", "verdict",
			 weir_verdict_name(dev->verdict), "driver", dev->driver, "root", dev->root,
			 "group", dev->group, "iommu", iommus[dev->iommu], "late", (int)dev->late,
			 "bound_ns", (json_int_t)dev->bound_ns);
}

static json_t *json_of_side(const struct diff_side *side)
{
	return json_pack("{s:s, s:s, s:I}", "title", side->title, "model", side->model, "devices",
			 (json_int_t)side->n);
}

json_t *diff_json(const struct diff *d)
{
	json_t *array = json_array();

	for (size_t i = 0; i < d->n; i++) {
		const struct diff_item *item = &d->items[i];

		json_array_append_new(array, json_pack(
			"{s:s, s:s, s:o, s:o}", "change", diff_change_name(item->change), "path",
			item->a ? item->a->path : item->b->path, "a", json_of_device(item->a),
			"b", json_of_device(item->b)));
	}
	return json_pack("{s:i, s:o, s:o, s:o}", "version", 1, "a", json_of_side(&d->sides[0]),
			 "b", json_of_side(&d->sides[1]), "changes", array);
}
