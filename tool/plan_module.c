// SPDX-License-Identifier: MIT
/*
 * From needs to modules, in load order: suppliers before their users, and before each
 * module what modules.dep and modules.softdep ask for. Then the firmware files that
 * they may ask for, and the modules of this board that had better stay out.
 */
#include <stdlib.h>
#include <string.h>

#include "kernel/ko.h"
#include "plan.h"

/* ---- one module ---- */

static bool same_name(const char *a, const char *b)
{
	while (*a && (*a == *b || (strchr("-_", *a) && *b && strchr("-_", *b)))) {
		a++;
		b++;
	}
	return *a == *b;
}

static struct plan_module *find_module(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->nr_modules; i++)
		if (same_name(p->modules[i].name, name))
			return &p->modules[i];
	return NULL;
}

static const struct weir_modindex *index_of(const struct plan *p)
{
	return p->r.kernel ? p->r.kernel->index : NULL;
}

static int add_soft_module(struct plan *p, uint32_t at, const char *of)
{
	const struct weir_modindex *index = index_of(p);
	char why[160];

	if (index->modules[at].builtin)
		return 0;
	snprintf(why, sizeof(why), "%s asks for it (softdep)", of);
	return plan_add_module(p, index->modules[at].name, PLAN_SOFT, PLAN_NONE, of, why);
}

/* A softdep may be an alias, of which the index keeps no dashes; all that it means are. */
static int add_soft(struct plan *p, const char *name, const char *of)
{
	const struct weir_modindex *index = index_of(p);
	uint32_t module = weir_modindex_module(index, name);
	int err = 0;

	if (module != WEIR_MODULE_NONE)
		return add_soft_module(p, module, of);
	for (size_t i = 0; i < index->alias_count && !err; i++)
		if (same_name(index->aliases[i].pattern, name))
			err = add_soft_module(p, index->aliases[i].module, of);
	return err;
}

static int add_needed_before(struct plan *p, const struct weir_index_module *m)
{
	const struct weir_modindex *index = index_of(p);
	char why[160];
	int err = 0;

	for (uint32_t i = 0; i < m->soft_pre_count && !err; i++)
		err = add_soft(p, m->soft_pre[i], m->name);
	/* the last of the line is needed first */
	for (uint32_t i = m->dep_count; i-- && !err;) {
		const struct weir_index_module *dep = &index->modules[m->deps[i]];

		if (dep->builtin)
			continue;
		snprintf(why, sizeof(why), "%s depends on it", m->name);
		err = plan_add_module(p, dep->name, PLAN_DEP, PLAN_NONE, m->name, why);
	}
	return err;
}

#define MAX_NESTING 16

/*
 * Appends a module with what must come before it. One that is there already stays
 * where it is, and is from now on told by its better reason.
 */
int plan_add_module(struct plan *p, const char *name, enum plan_kind kind, uint32_t need,
		    const char *of, const char *why)
{
	const struct weir_modindex *index = index_of(p);
	struct plan_module *module = find_module(p, name);
	uint32_t at = index ? weir_modindex_module(index, name) : WEIR_MODULE_NONE;
	char *copy;
	int err;

	if (run_denied(&p->r, name))
		return 0;
	if (module && (module->kind <= kind || kind > PLAN_CLASS))
		return 0;
	/* an index may go round in a circle; who is asked for again is on the way */
	if (at != WEIR_MODULE_NONE && !module && p->nesting < MAX_NESTING) {
		p->nesting++;
		err = add_needed_before(p, &index->modules[at]);
		p->nesting--;
		if (err)
			return err;
		module = find_module(p, name);
	}
	copy = strdup(why);
	if (!module)
		module = plan_grow(&p->modules, &p->nr_modules, sizeof(*module));
	if (!copy || !module) {
		free(copy);
		return WEIR_ENOMEM;
	}
	free(module->why);
	*module = (struct plan_module){
		.name = at != WEIR_MODULE_NONE ? index->modules[at].name : name,
		.path = at != WEIR_MODULE_NONE ? index->modules[at].path : NULL,
		.index = at, .kind = kind, .need = need, .of = of, .why = copy,
	};
	err = 0;
	for (uint32_t i = 0; at != WEIR_MODULE_NONE && !err && i < index->modules[at].soft_post_count;
	     i++)
		err = add_soft(p, index->modules[at].soft_post[i], index->modules[at].name);
	return err;
}

/* ---- all of them ---- */

/* On a cycle the order is that of the walk. */
static int add_in_order(struct plan *p, uint32_t at)
{
	char why[600];
	int err = 0;

	if (p->needs[at].ordered)
		return 0;
	p->needs[at].ordered = true;
	for (size_t i = 0; i < p->needs[at].nr_suppliers && !err; i++)
		err = add_in_order(p, p->needs[at].suppliers[i]);
	if (!err && p->needs[at].spec && p->needs[at].spec->when != WEIR_WHEN_INITCALL) {
		plan_why(p, at, why, sizeof(why));
		err = plan_add_module(p, p->needs[at].spec->name, PLAN_DEVICE, at, NULL, why);
	}
	return err ? err : plan_add_helpers(p, at);
}

/* What was seen of a module stays true when others are taken away. */
static void take_over(struct plan *p, struct plan_module *old, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct plan_module *module = find_module(p, old[i].name);

		if (module)
			module->waits = old[i].waits;
		free(old[i].why);
	}
	free(old);
}

int plan_find_modules(struct plan *p)
{
	const struct list *also = &p->o->also;
	struct plan_module *old = p->modules;
	size_t nr_old = p->nr_modules;
	int err = 0;

	p->modules = NULL;
	p->nr_modules = 0;
	for (uint32_t i = 0; i < p->nr_needs; i++)
		p->needs[i].ordered = false;
	for (uint32_t i = 0; i < p->nr_needs && !err; i++)
		err = add_in_order(p, i);
	if (!err)
		err = plan_add_classes(p);
	for (size_t i = 0; i < also->n && !err; i++)
		err = plan_add_module(p, also->item[i], PLAN_ALSO, PLAN_NONE, NULL, "asked for");
	take_over(p, old, nr_old);
	return err;
}

const char *plan_driver_path(const struct plan *p, const struct weir_driver_spec *spec)
{
	const struct weir_modindex *index = index_of(p);
	const struct weir_image *image = p->r.kernel ? p->r.kernel->image : NULL;
	const char *module = spec->name;
	uint32_t at;

	if (!index)
		return "";
	if (spec->when == WEIR_WHEN_INITCALL)
		for (size_t i = 0; image && i < image->driver_count; i++)
			if (!strcmp(image->drivers[i].name, spec->name) && image->drivers[i].module)
				module = image->drivers[i].module;
	for (size_t i = 0; spec->when == WEIR_WHEN_INITCALL && i < index->builtin_info_count; i++)
		if (!strcmp(index->builtin_info[i].key, "file") &&
		    same_name(index->builtin_info[i].module, module))
			return index->builtin_info[i].value;
	at = weir_modindex_module(index, module);
	return at != WEIR_MODULE_NONE && index->modules[at].path ? index->modules[at].path : "";
}

/* ---- firmware ---- */

static int add_firmware(struct plan_module *module, const char *name)
{
	char **more = realloc(module->firmware, (module->nr_firmware + 1) * sizeof(*more));

	if (!more)
		return WEIR_ENOMEM;
	module->firmware = more;
	more[module->nr_firmware] = strdup(name);
	return more[module->nr_firmware++] ? 0 : WEIR_ENOMEM;
}

static int module_info(const struct plan *p, uint32_t at, struct weir_bytes *out_text)
{
	const struct weir_modindex *index = index_of(p);
	char path[4096];

	if (at == WEIR_MODULE_NONE || !index->modules[at].path)
		return WEIR_ENOENT;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", index->dir, index->modules[at].path) >=
	    sizeof(path))
		return WEIR_E2BIG;
	return weir_ko_info_file(path, out_text);
}

static int read_firmware(struct plan *p, struct plan_module *module)
{
	struct weir_bytes text;
	const char *name;
	size_t pos = 0;
	int err = module_info(p, module->index, &text);

	if (err)
		return err == WEIR_ENOMEM ? err : 0;
	while (!err && (name = weir_ko_info_next(&text, "firmware", &pos)))
		err = add_firmware(module, name);
	weir_bytes_fini(&text);
	return err;
}

/* The device's own files, as firmware names them. */
static int read_names(const struct plan_need *need, struct plan_module *module)
{
	const char *value;
	size_t bytes, at = 0;
	int err = 0;

	if (weir_fwnode_property(need->node, "firmware-name", (const void **)&value, &bytes) ||
	    !bytes || value[bytes - 1])
		return 0;
	for (; at < bytes && !err; at += strlen(value + at) + 1)
		err = add_firmware(module, value + at);
	return err;
}

/* ---- what stays out ---- */

static bool has_import(const struct weir_bytes *text, const char *name)
{
	const char *value;
	size_t pos = 0;

	while ((value = weir_ko_info_next(text, "import", &pos)))
		if (!strcmp(value, name))
			return true;
	return false;
}

static int leave_out(struct plan *p, const char *name, const char *dev, const char *file)
{
	struct plan_left *left = plan_grow(&p->left, &p->nr_left, sizeof(*left));

	if (!left)
		return WEIR_ENOMEM;
	left->name = name;
	if (asprintf(&left->why, "starts the remote processor %s when it is loaded, with firmware "
		     "(%s) that is not in an initramfs", dev, file) < 0)
		left->why = NULL;
	return left->why ? 0 : WEIR_ENOMEM;
}

/* A driver of remote processors looks for its firmware once, when it is probed. */
static int look_at_device(struct plan *p, struct weir_device *dev)
{
	const struct weir_driver *drv = weir_device_driver(dev);
	const struct weir_driver_spec *spec = weir_kmodel_spec_of(drv);
	const void *file = "its own";
	struct weir_bytes text;
	size_t bytes;
	bool starts;
	int err;

	if (!spec || spec->when == WEIR_WHEN_INITCALL || find_module(p, spec->name))
		return 0;
	for (size_t i = 0; i < p->nr_left; i++)
		if (!strcmp(p->left[i].name, spec->name))
			return 0;
	err = module_info(p, weir_modindex_module(index_of(p), spec->name), &text);
	if (err)
		return err == WEIR_ENOMEM ? err : 0;
	starts = has_import(&text, "rproc_add") || has_import(&text, "devm_rproc_add");
	weir_bytes_fini(&text);
	if (!starts)
		return 0;
	if (!weir_fwnode_property(weir_device_fwnode(dev), "firmware-name", &file, &bytes) &&
	    (!bytes || ((const char *)file)[bytes - 1]))
		file = "its own";
	return leave_out(p, spec->name, weir_device_name(dev), file);
}

int plan_find_firmware(struct plan *p)
{
	struct weir_device *dev;
	int err = 0;

	if (!index_of(p))
		return 0;
	for (size_t i = 0; i < p->nr_modules && !err; i++) {
		err = read_firmware(p, &p->modules[i]);
		if (!err && p->modules[i].need != PLAN_NONE)
			err = read_names(&p->needs[p->modules[i].need], &p->modules[i]);
	}
	for (dev = weir_device_first(p->r.m); dev && !err; dev = weir_device_next(dev))
		err = look_at_device(p, dev);
	return err;
}
