// SPDX-License-Identifier: MIT
/* What the initramfs alone brings up, in words and as JSON. */
#include <string.h>

#include "weir.h"

const char *alone_verdict_name(enum alone_verdict verdict)
{
	static const char *const names[] = { "none", "yes", "no", "unclear" };

	return names[verdict];
}

void alone_names(const struct name_list *l, size_t room, char *buf, size_t bytes)
{
	size_t used = 0, i;

	buf[0] = '\0';
	for (i = 0; i < l->n; i++) {
		if (used + strlen(l->item[i]) + 14 > room || used + strlen(l->item[i]) + 30 > bytes)
			break;
		used += (size_t)snprintf(buf + used, bytes - used, " %s", l->item[i]);
	}
	if (i < l->n)
		snprintf(buf + used, bytes - used, " and %zu more", l->n - i);
}

void alone_head_words(const struct run *r, char *buf, size_t bytes)
{
	const struct initramfs *in = r->initramfs;
	const struct weir_initramfs_user *user = in->user;
	const char *slash = strrchr(in->path, '/'), *name = slash ? slash + 1 : in->path;
	char parts[200] = "";
	size_t used = 0;

	if (!in->image) {
		snprintf(buf, bytes, "initramfs %s: a list of %zu modules", name, in->names.count);
		return;
	}
	for (size_t i = 0; i < in->image->part_count && used < 150; i++)
		used += (size_t)snprintf(parts + used, sizeof(parts) - used, "%s%s", i ? " + " : "",
					 in->image->parts[i].packing ? in->image->parts[i].packing
								     : "plain");
	snprintf(buf, bytes, "initramfs %s (%s): %zu modules%s%s, %s%s", name, parts, user->module_count,
		 user->version ? " of " : "", user->version ? user->version : "",
		 user->coldplug ? "loaded by " : "no program known that loads them for devices (taken "
						 "as if there was one)",
		 user->coldplug ? user->coldplug : "");
}

void alone_place_words(const struct alone *a, char *buf, size_t bytes)
{
	const struct places *p = &a->places;
	const struct place_state *s = a->state;
	size_t up = 0, late = 0;

	for (size_t i = 0; i < p->n; i++) {
		up += s[i].up;
		late += s[i].up && s[i].late;
	}
	if (p->n == 1 && s[0].up)
		snprintf(buf, bytes, "%s comes up at %.1f s%s", p->path[0], s[0].seconds,
			 s[0].late ? ", only after deferred_probe_timeout" : "");
	else if (p->n == 1 && s[0].late)
		snprintf(buf, bytes, "%s is tried at %.1f s only, without what it needs: %s", p->path[0],
			 s[0].seconds, s[0].cause);
	else if (p->n == 1)
		snprintf(buf, bytes, "%s does not come up: %s", p->path[0], s[0].cause);
	else
		snprintf(buf, bytes, "%zu of %zu %s come up%s (which one is meant, the name does not say)",
			 up, p->n, p->words, late ? ", some only after deferred_probe_timeout" : "");
}

void alone_lack_words(const struct lack *l, char *buf, size_t bytes)
{
	snprintf(buf, bytes, "%s %s %s; %s%s", l->firmware ? "firmware" : "module", l->name, l->why,
		 l->whom ? "needed by " : "makes the block device", l->whom ? l->whom : "");
}

static json_t *strings(const struct name_list *l)
{
	json_t *array = json_array();

	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(array, json_string(l->item[i]));
	return array;
}

static json_t *json_of_places(const struct alone *a)
{
	json_t *array = json_array();

	for (size_t i = 0; i < a->places.n; i++)
		json_array_append_new(array, json_pack(
			"{s:s, s:b, s:b, s:s?}", "path", a->places.path[i], "up", (int)a->state[i].up,
			"late", (int)a->state[i].late, "cause", a->state[i].cause));
	return array;
}

static json_t *json_of_lacks(const struct alone *a)
{
	json_t *array = json_array();

	for (size_t i = 0; i < a->nr_lacks; i++)
		json_array_append_new(array, json_pack(
			"{s:s, s:s, s:s, s:s?}", "kind", a->lacks[i].firmware ? "firmware" : "module",
			"name", a->lacks[i].name, "why", a->lacks[i].why, "needed_by", a->lacks[i].whom));
	return array;
}

static json_t *json_of_firmware(const struct run *r)
{
	json_t *array = json_array();
	char words[600];

	for (size_t i = 0; i < r->firmware.n; i++) {
		const struct firmware_miss *m = &r->firmware.items[i];

		firmware_words(m, words, sizeof(words));
		json_array_append_new(array, json_pack(
			"{s:s, s:s, s:s, s:s, s:s}", "device", weir_device_name(m->device), "driver",
			m->driver, "file", m->file, "effect", firmware_effect_name(m->effect), "what",
			words));
	}
	return array;
}

json_t *json_of_alone(const struct run *r, const struct alone *a)
{
	const struct weir_initramfs_user *user = r->initramfs->user;

	return json_pack("{s:s, s:s?, s:I, s:I, s:I, s:o, s:o, s:s, s:o, s:o, s:b, s:o}",
			 "file", r->initramfs->path, "kernel", user ? user->version : NULL,
			 "modules", user ? (json_int_t)user->module_count
					 : (json_int_t)r->initramfs->names.count,
			 "devices", (json_int_t)a->devices, "up", (json_int_t)a->up,
			 "only_root", strings(&a->only_root), "held", strings(&a->held),
			 "verdict", alone_verdict_name(a->verdict), "places", json_of_places(a),
			 "lacks", json_of_lacks(a), "enough", (int)a->enough,
			 "firmware", json_of_firmware(r));
}
