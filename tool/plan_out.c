// SPDX-License-Identifier: MIT
/* What a plan says: for people, as JSON, and as lines for the tools that make images. */
#include <string.h>

#include "plan.h"

/* ---- for people ---- */

#define MAX_FIRMWARE 4

static void print_firmware(const struct plan *p)
{
	bool any = false;

	for (size_t i = 0; i < p->nr_modules; i++) {
		const struct plan_module *m = &p->modules[i];

		for (size_t k = 0; k < m->nr_firmware; k++) {
			if (k == MAX_FIRMWARE && !p->o->verbose) {
				printf("  %-24s and %zu more (-v)\n", "", m->nr_firmware - k);
				break;
			}
			printf("%s", any ? "" : "firmware that these may ask for:\n");
			printf("  %-24s %s\n", k ? "" : m->name, m->firmware[k]);
			any = true;
		}
	}
}

static char mark_of(const struct plan *p, const struct plan_module *m)
{
	if (m->waits)
		return ' ';
	switch (m->kind) {
	case PLAN_DEVICE:
	case PLAN_HELPER:
		return '~';
	case PLAN_DEP: /* as the one that depends on it */
		for (size_t i = 0; i < p->nr_modules; i++)
			if (!strcmp(p->modules[i].name, m->of) && &p->modules[i] != m)
				return mark_of(p, &p->modules[i]);
		return '+';
	case PLAN_CLASS:
		return '+';
	default:
		return '?';
	}
}

static void print_check(const struct plan *p)
{
	size_t waits = 0, drivers = 0, bus = 0, asked = 0;

	for (size_t i = 0; i < p->nr_modules; i++) {
		char mark = mark_of(p, &p->modules[i]);

		waits += mark == ' ';
		bus += mark == '+';
		asked += mark == '?';
		drivers += mark == '~';
	}
	if (!p->reached) {
		printf("%sNOT ENOUGH:%s with these modules alone it does not come up\n",
		       style_bad(p->o), style_off(p->o));
		return;
	}
	printf("checked in %u run%s: enough", p->runs, p->runs == 1 ? "" : "s");
	if (waits)
		printf("; without any one of %zu it does not come up", waits);
	if (drivers)
		printf("; for %zu (~) the driver\nof the next waits, not the driver core", drivers);
	if (bus)
		printf("; %zu (+) %s for what only the hardware says", bus,
		       bus == 1 ? "is" : "are");
	if (asked)
		printf("; %zu (?) %s asked for", asked, asked == 1 ? "was" : "were");
	putchar('\n');
}

static void print_built_in(const struct plan *p)
{
	char why[600];

	for (uint32_t i = 0; i < p->nr_needs; i++) {
		if (!p->needs[i].spec || p->needs[i].spec->when != WEIR_WHEN_INITCALL)
			continue;
		plan_why(p, i, why, sizeof(why));
		printf("  built in: %-14s %s\n", p->needs[i].spec->name, why);
	}
}

#define MAX_GOALS 8

void plan_print(const struct plan *p)
{
	const char *name = strrchr(p->r.board, '/');

	printf("%s%s%s  (%s)\n", style_bold(p->o), board_model(&p->r), style_off(p->o),
	       name ? name + 1 : p->r.board);
	printf("%s:", p->target);
	for (size_t i = 0; i < p->nr_goals && i < MAX_GOALS; i++)
		printf(" %s", weir_fwnode_name(p->goals[i].node));
	if (p->nr_goals > MAX_GOALS)
		printf(" and %zu more", p->nr_goals - MAX_GOALS);
	if (p->nr_goals)
		printf("\n%zu module%s%s%s\n", p->nr_modules, p->nr_modules == 1 ? "" : "s",
		       p->nr_modules ? ", in load order" : ": all that it needs is built in",
		       p->nr_modules ? ":" : "");
	else
		printf(" nothing can come up\n");
	for (size_t i = 0; i < p->nr_modules; i++)
		printf("%c %s%-24s%s %s\n", mark_of(p, &p->modules[i]), style_bold(p->o),
		       p->modules[i].name, style_off(p->o), p->modules[i].why);
	if (p->o->verbose)
		print_built_in(p);
	print_firmware(p);
	if (p->nr_goals)
		print_check(p);
	for (size_t i = 0; i < p->nr_left; i++)
		printf("%sleave out%s %s: it %s\n", style_bold(p->o), style_off(p->o),
		       p->left[i].name, p->left[i].why);
	for (size_t i = 0; i < p->nr_notes; i++)
		printf("note: %s\n", p->notes[i]);
}

/* ---- for programs ---- */

static const char *kind_name(enum plan_kind kind)
{
	static const char *const names[] = {
		"device", "helper", "class", "dependency", "softdep", "asked",
	};

	return names[kind];
}

static json_t *json_chain(const struct plan *p, uint32_t need)
{
	json_t *chain = json_array();
	char path[1024];

	while (need != PLAN_NONE) {
		const struct plan_need *n = &p->needs[need];

		path_words(n->node, path, sizeof(path));
		json_array_append_new(chain, json_pack("{s:s, s:s?}", "node", path, "property",
						       n->user == PLAN_NONE ? NULL
						       : n->property	    ? n->property
									    : "parent"));
		need = n->user;
	}
	return chain;
}

static json_t *json_module(const struct plan *p, const struct plan_module *m)
{
	const struct weir_modindex *index = p->r.kernel ? p->r.kernel->index : NULL;
	json_t *firmware = json_array();

	for (size_t i = 0; i < m->nr_firmware; i++)
		json_array_append_new(firmware, json_string(m->firmware[i]));
	return json_pack("{s:s, s:s?, s:s, s:s, s:s?, s:b, s:o, s:o}", "module", m->name, "path",
			 m->index != PLAN_NONE ? index->modules[m->index].path : NULL, "kind",
			 kind_name(m->kind), "why", m->why, "of", m->of, "checked", m->waits,
			 "chain", json_chain(p, m->kind <= PLAN_HELPER ? m->need : PLAN_NONE),
			 "firmware", firmware);
}

json_t *plan_json(struct plan *p)
{
	json_t *modules = json_array(), *left = json_array(), *notes = json_array(),
	       *goals = json_array();
	char path[1024];

	for (size_t i = 0; i < p->nr_goals; i++)
		json_array_append_new(goals, json_string(path_words(p->goals[i].node, path,
								    sizeof(path))));
	for (size_t i = 0; i < p->nr_modules; i++)
		json_array_append_new(modules, json_module(p, &p->modules[i]));
	for (size_t i = 0; i < p->nr_left; i++)
		json_array_append_new(left, json_pack("{s:s, s:s}", "module", p->left[i].name,
						      "why", p->left[i].why));
	for (size_t i = 0; i < p->nr_notes; i++)
		json_array_append_new(notes, json_string(p->notes[i]));
	return json_pack("{s:i, s:o, s:s, s:s, s:s?, s:o, s:b, s:o, s:o, s:o}", "version", 1, "board",
			 json_text(p->r.board), "model", board_model(&p->r), "target", p->target, "kernel",
			 p->r.kernel ? p->r.kernel->version : NULL, "goals", goals, "enough",
			 p->reached, "modules", modules, "leave_out", left, "notes", notes);
}

/* ---- for the tools that make images ---- */

enum format { FORMAT_LIST, FORMAT_DRACUT, FORMAT_INITRAMFS_TOOLS, FORMAT_MKINITCPIO,
	      FORMAT_MKINITFS, FORMAT_ANDROID, NR_FORMATS };

static const char *const formats[] = {
	"list", "dracut", "initramfs-tools", "mkinitcpio", "mkinitfs", "android",
};

bool plan_is_format(const char *name)
{
	for (size_t i = 0; i < NR_FORMATS; i++)
		if (!strcmp(name, formats[i]))
			return true;
	return false;
}

/* The file's name without what packs it: what a modules.load lists. */
static void print_file(const struct plan_module *m, const char *path)
{
	const char *base = path ? strrchr(path, '/') : NULL, *end;

	if (!base) {
		printf("%s.ko\n", m->name);
		return;
	}
	end = strstr(base, ".ko");
	printf("%.*s.ko\n", (int)(end ? end - base - 1 : (long)strlen(base) - 1), base + 1);
}

/* Such tools add dependencies by themselves; bootloaders' lists must have all. */
static void print_words(const struct plan_module *modules, size_t n, const char *before,
			const char *between, const char *after)
{
	bool first = true;

	printf("%s", before);
	for (size_t i = 0; i < n; i++) {
		if (modules[i].kind == PLAN_DEP)
			continue;
		printf("%s%s", first ? "" : between, modules[i].name);
		first = false;
	}
	printf("%s", after);
}

static void print_dracut(const struct plan_module *modules, size_t n)
{
	print_words(modules, n, "force_drivers+=\" ", " ", " \"\n");
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < modules[i].nr_firmware; k++)
			printf("install_optional_items+=\" /usr/lib/firmware/%s \"\n",
			       modules[i].firmware[k]);
}

int plan_print_format(const struct opts *o, const struct plan_module *modules, size_t n,
		      const char *title)
{
	enum format f = FORMAT_LIST;

	while (strcmp(o->format, formats[f]))
		f++;
	if (f != FORMAT_ANDROID && f != FORMAT_LIST)
		printf("# %s: made by weir plan\n", title);
	switch (f) {
	case FORMAT_DRACUT: print_dracut(modules, n); break;
	case FORMAT_MKINITCPIO: print_words(modules, n, "MODULES=(", " ", ")\n"); break;
	case FORMAT_INITRAMFS_TOOLS:
	case FORMAT_MKINITFS: print_words(modules, n, "", "\n", n ? "\n" : ""); break;
	case FORMAT_ANDROID:
		for (size_t i = 0; i < n; i++)
			print_file(&modules[i], modules[i].path);
		break;
	default:
		for (size_t i = 0; i < n; i++)
			puts(modules[i].name);
		break;
	}
	return 0;
}
