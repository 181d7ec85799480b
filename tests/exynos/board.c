// SPDX-License-Identifier: MIT
/* See board.h. */
#include "board.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define RAM_BYTES (4u << 20)
#define BOOT_TABLE_BYTES 0x4000u /* a first table of short descriptors */
#define RAM_BYTES_WHOLE (1u << 18) /* it is looked at in each step */
#define RUN_POINTS 1500u
#define RUN_POINTS_TURNS 100u /* with threads: very many boards are run */

void eb_wrong(struct eb_board *b, const char *fmt, ...)
{
	va_list args;

	if (*b->wrong)
		return;
	va_start(args, fmt);
	vsnprintf(b->wrong, sizeof(b->wrong), fmt, args);
	va_end(args);
}

bool eb_ok(const struct eb_board *b)
{
	return !*b->wrong;
}

struct weir_device *eb_device(const struct weir_fwnode *node)
{
	return weir_fwnode_device(node);
}

struct eb_master *eb_master_at(struct eb_board *b, const struct weir_fwnode *node)
{
	for (unsigned int i = 0; i < b->nr_masters; i++)
		if (b->masters[i].node == node)
			return &b->masters[i];
	return NULL;
}

/* ---- what is on the board ---- */

bool eb_is(const struct weir_fwnode *node, const char *compatible)
{
	const char *text;

	for (unsigned int i = 0; (text = weir_fwnode_compatible(node, i)); i++)
		if (!strcmp(text, compatible))
			return true;
	return false;
}

static bool is_iommu(const struct eb_board *b, const struct weir_fwnode *node)
{
	for (unsigned int i = 0; b->kind->compatibles[i]; i++)
		if (eb_is(node, b->kind->compatibles[i]))
			return true;
	return false;
}

struct eb_sysmmu *eb_iommu_at(struct eb_board *b, const struct weir_fwnode *node)
{
	for (unsigned int i = 0; i < b->nr_sysmmus; i++)
		if (b->sysmmus[i].node == node)
			return &b->sysmmus[i];
	return NULL;
}

/* Display controllers and mixers; whatever else does DMA is a codec here. */
static bool shows(const struct weir_fwnode *node)
{
	static const char *const words[] = { "fimd", "mixer", "decon", "display" };
	const char *compatible = weir_fwnode_compatible(node, 0);

	for (unsigned int i = 0; compatible && i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(weir_fwnode_name(node), words[i]) || strstr(compatible, words[i]))
			return true;
	return false;
}

static void find_sysmmus(struct eb_board *b)
{
	struct weir_fwnode *node;

	for (node = weir_fwnode_root(b->m); node; node = weir_fwnode_next(node)) {
		struct eb_sysmmu *s = &b->sysmmus[b->nr_sysmmus];

		if (!is_iommu(b, node) || !weir_fwnode_available(node))
			continue;
		if (b->nr_sysmmus == EB_SYSMMUS) {
			eb_wrong(b, "more than %d %s", EB_SYSMMUS, b->kind->name);
			return;
		}
		s->node = node;
		weir_fwnode_path(node, s->path, sizeof(s->path));
		b->nr_sysmmus++;
	}
}

static bool is_without(const struct eb_board *b, const char *path)
{
	for (unsigned int i = 0; i < b->options.nr_without; i++)
		if (!strcmp(b->options.without[i], path))
			return true;
	return false;
}

/* Ports of a node that is behind IOMMUs with models. */
static void find_ports(struct eb_board *b, struct weir_fwnode *node, struct eb_master *out_m)
{
	struct weir_fwspec spec;

	*out_m = (struct eb_master){ .b = b, .node = node };
	weir_fwnode_path(node, out_m->path, sizeof(out_m->path));
	for (unsigned int i = 0; !weir_firmware_spec(node, i, &spec); i++) {
		struct eb_sysmmu *s = eb_iommu_at(b, spec.target);

		if (!s || out_m->nr_sysmmus == EB_PORTS)
			continue;
		out_m->ids[out_m->nr_sysmmus] = spec.nr_cells ? spec.cells[0] : 0;
		out_m->sysmmus[out_m->nr_sysmmus++] = (unsigned int)(s - b->sysmmus);
	}
}

static void find_masters(struct eb_board *b)
{
	struct weir_fwnode *node;

	for (node = weir_fwnode_root(b->m); node; node = weir_fwnode_next(node)) {
		struct eb_master m;
		unsigned int most = 0;

		find_ports(b, node, &m);
		if (!m.nr_sysmmus || !weir_fwnode_available(node) || is_without(b, m.path))
			continue;
		for (unsigned int i = 0; i < m.nr_sysmmus; i++)
			if (most < b->sysmmus[m.sysmmus[i]].nr_masters)
				most = b->sysmmus[m.sysmmus[i]].nr_masters;
		if (b->nr_masters == EB_MASTERS || most == EB_SHARE) {
			b->nr_others++;
			continue;
		}
		for (unsigned int i = 0; i < m.nr_sysmmus; i++)
			b->sysmmus[m.sysmmus[i]].nr_masters +=
				!i || m.sysmmus[i] != m.sysmmus[i - 1];
		m.shows = shows(node);
		b->masters[b->nr_masters++] = m;
	}
}

/* ---- models ---- */

static int make_models(struct eb_board *b)
{
	for (unsigned int i = 0; i < b->nr_sysmmus && eb_ok(b); i++) {
		struct eb_sysmmu *s = &b->sysmmus[i];

		if (weir_firmware_registers(s->node, 0, &s->pa, &s->bytes)) {
			eb_wrong(b, "%s: no registers", s->path);
			return -1;
		}
		s->who = (uint8_t)(1u << i % 8);
		s->model = b->kind->make(b, s, s->pa, s->bytes, b->options.seed + i + 1);
		if (b->options.whole)
			b->kind->still(s->model);
		eb_suppliers_find(b, s);
		if (b->left_on && b->left_on->sysmmus[0] == i) {
			for (unsigned int j = 0; j < s->nr_clocks; j++)
				s->clocks[j].left_on = true;
			continue;
		}
		if (s->domain)
			b->kind->power(s->model, false);
		if (s->nr_clocks)
			b->kind->clock(s->model, false);
	}
	for (unsigned int i = 0; i < b->nr_masters; i++)
		if (eb_master_make(&b->masters[i], b->options.seed + 100 * i + 7))
			eb_wrong(b, "out of memory");
	return eb_ok(b) ? 0 : -1;
}

/* One entry, by which the frame buffer is where it is. */
static void leave_tables(struct eb_master *m)
{
	struct eb_board *b = m->b;
	uint32_t entry = b->kind->section(m, b->left_pa);
	void *va;

	if (!hwram_alloc(b->h->ram, BOOT_TABLE_BYTES, BOOT_TABLE_BYTES, &va, &b->left_root_pa)) {
		eb_wrong(b, "no memory for the boot loader's tables");
		return;
	}
	memcpy((uint8_t *)va + 4 * (b->left_pa >> 20), &entry, 4);
	hwram_publish(b->h->ram, true);
	hwram_clean(b->h->ram, b->left_root_pa, BOOT_TABLE_BYTES);
	b->kind->left_translating(m, b->left_root_pa);
}

/* What the boot loader left: a display that shows memory, which its IOMMU lets pass. */
static void leave_display_on(struct eb_board *b)
{
	struct eb_master *m = b->left_on;
	void *va;

	va = hwram_va(b->h->ram, b->left_pa, EB_BYTES);
	hwpattern_fill(va, EB_BYTES, m->seed + 1, 0);
	hwram_publish(b->h->ram, true);
	hwram_clean(b->h->ram, b->left_pa, EB_BYTES);
	hwram_allow(b->h->ram, b->left_pa, EB_BYTES, m->who, 0);
	if (b->options.firmware_tables)
		leave_tables(m);
	else
		b->kind->left_on(m);
	hwdisplay_show(m->display, b->left_pa, EB_BYTES, m->seed + 1);
}

/* ---- drivers ---- */

static bool taken(const struct weir_match *table, const char *key)
{
	for (; table && table->key; table++)
		if (!strcmp(table->key, key))
			return true;
	return false;
}

enum kind { KIND_PLAIN, KIND_DISPLAY, KIND_CODEC, KIND_NONE };

static enum kind kind_of(struct eb_board *b, const struct weir_fwnode *node)
{
	const struct eb_master *m = eb_master_at(b, node);

	if (m)
		return m->shows ? KIND_DISPLAY : KIND_CODEC;
	return eb_iommu_at(b, node) ? KIND_NONE : KIND_PLAIN;
}

/* Of a kind that no driver of this kernel is for. */
static bool has_no_driver(const struct eb_board *b, const char *compatible)
{
	struct weir_fwnode *node;

	return b->options.no_driver && !weir_fwnode_find(b->m, b->options.no_driver, &node) &&
	       eb_is(node, compatible);
}

/* All compatible strings of nodes of a kind, those of masters before those of all others. */
static struct weir_match *match_table(struct eb_board *b, enum kind kind)
{
	struct weir_match *table = NULL;
	struct weir_fwnode *node;
	const char *text;
	size_t n = 0;

	for (node = weir_fwnode_root(b->m); node; node = weir_fwnode_next(node)) {
		if (!weir_fwnode_available(node) || kind_of(b, node) != kind)
			continue;
		for (unsigned int i = 0; (text = weir_fwnode_compatible(node, i)); i++) {
			if (taken(table, text) || has_no_driver(b, text) ||
			    (kind == KIND_PLAIN && (taken(b->display, text) ||
						    taken(b->codec, text))))
				continue;
			table = realloc(table, (n + 2) * sizeof(*table));
			if (!table)
				abort();
			table[n++] = (struct weir_match){ .key = text };
			table[n] = (struct weir_match){ .key = NULL };
		}
	}
	if (!table)
		table = calloc(1, sizeof(*table));
	return table;
}

static void make_drivers(struct eb_board *b)
{
	b->display = match_table(b, KIND_DISPLAY);
	b->codec = match_table(b, KIND_CODEC);
	b->plain = match_table(b, KIND_PLAIN);
	for (unsigned int i = 0; i < 2; i++) {
		const char *bus = i ? "amba" : "platform";

		b->plain_driver[i] = (struct weir_driver){ .name = "board", .bus = bus,
			.match = b->plain, .ops = &eb_plain_ops, .context = b };
		b->display_driver[i] = (struct weir_driver){ .name = "display", .bus = bus,
			.match = b->display, .ops = &eb_master_ops, .context = b };
		b->codec_driver[i] = (struct weir_driver){ .name = "codec", .bus = bus,
			.match = b->codec, .ops = &eb_master_ops, .context = b };
	}
}

/* @drv: one for each bus. */
static int registered(struct eb_board *b, const struct weir_driver *drv)
{
	int err = weir_driver_register(b->m, &drv[0]);

	if (!err)
		err = weir_driver_register(b->m, &drv[1]);
	if (err)
		eb_wrong(b, "driver %s: %s", drv->name, weir_strerror(err));
	else
		eb_settle(b);
	return err;
}

int eb_load_display(struct eb_board *b)
{
	return registered(b, b->display_driver);
}

int eb_load_codec(struct eb_board *b)
{
	return registered(b, b->codec_driver);
}

int eb_load_iommu(struct eb_board *b)
{
	const struct weir_module_entry *module = b->options.module ? b->options.module
								   : b->kind->module;
	int err = weir_module_load(b->m, module, &b->module);

	if (err)
		eb_wrong(b, "%s: %s", module->name, weir_strerror(err));
	else
		eb_settle(b);
	return err;
}

/* ---- opening and closing ---- */

static int load_tree(struct eb_board *b, const void *tree, size_t bytes)
{
	int err = weir_machine_create(hwhost_ops(b->h), b->h, &b->m);

	if (!err)
		err = weir_firmware_load_dt(b->m, tree, bytes);
	if (err) {
		eb_wrong(b, "%s", weir_strerror(err));
		return err;
	}
	b->nr_sysmmus = b->nr_masters = b->nr_others = 0;
	memset(b->sysmmus, 0, sizeof(b->sysmmus));
	find_sysmmus(b);
	find_masters(b);
	return eb_ok(b) ? 0 : -1;
}

/* Memory that the boot loader's display shows, and the display, when the board has one. */
static void pick_display(struct eb_board *b)
{
	void *va;

	for (unsigned int i = 0; i < b->nr_masters && !b->left_on; i++)
		if (b->masters[i].shows)
			b->left_on = &b->masters[i];
	if (b->left_on && !hwram_alloc(b->h->ram, EB_BYTES, 4096, &va, &b->left_pa))
		eb_wrong(b, "no memory for a frame buffer");
}

/* What works from the start. */
static int early_code(struct eb_board *b)
{
	for (unsigned int i = 0; i < b->options.nr_early; i++) {
		struct weir_fwnode *node;

		if (weir_fwnode_find(b->m, b->options.early[i], &node))
			return WEIR_ENOENT;
		weir_fwnode_set_initialized(node, true, true);
	}
	return 0;
}

int eb_open(struct eb_board *b, const void *dtb, size_t bytes, const struct eb_options *options)
{
	memset(b, 0, sizeof(*b));
	b->options = *options;
	b->kind = options->kind ? options->kind : &eb_kind_sysmmu;
	b->h = hwhost_create(options->whole ? RAM_BYTES_WHOLE : RAM_BYTES, options->seed);
	if (options->turns)
		race_models_init(&b->turns, b->h, options->turns);
	if (options->whole)
		options->whole(b);
	if (load_tree(b, dtb, bytes))
		return -1;
	if (options->firmware_display)
		pick_display(b);
	b->tree = eb_tree(b, dtb, bytes);
	if (!b->tree)
		return -1;
	weir_machine_destroy(b->m);
	if (load_tree(b, b->tree, bytes + EB_ROOM) || make_models(b))
		return -1;
	if (b->left_on)
		leave_display_on(b);
	make_drivers(b);
	if (weir_firmware_buses(b->m) || weir_driver_register(b->m, &b->plain_driver[0]) ||
	    weir_driver_register(b->m, &b->plain_driver[1]) || early_code(b) ||
	    weir_firmware_populate(b->m))
		eb_wrong(b, "the board cannot be populated");
	eb_settle(b);
	return eb_ok(b) ? 0 : -1;
}

int eb_close(struct eb_board *b)
{
	eb_check(b);
	if (b->m)
		weir_machine_destroy(b->m);
	b->m = NULL;
	if (b->left_on && b->left_on->display)
		hwdisplay_stop(b->left_on->display);
	hwhost_points(b->h, 50);
	for (unsigned int i = 0; i < b->nr_sysmmus; i++)
		if (b->sysmmus[i].model && b->kind->findings(b->sysmmus[i].model))
			eb_wrong(b, "%s, at the end: %s", b->sysmmus[i].path,
				 b->kind->first_finding(b->sysmmus[i].model));
	if (b->left_pa)
		hwram_free(b->h->ram, b->left_pa, EB_BYTES);
	if (b->left_root_pa)
		hwram_free(b->h->ram, b->left_root_pa, BOOT_TABLE_BYTES);
	for (size_t at = 0; at < b->h->ram->bytes; at += HWRAM_PAGE)
		if (hwram_used(b->h->ram, b->h->ram->base + at, HWRAM_PAGE))
			eb_wrong(b, "memory is left at 0x%llx",
				 (unsigned long long)(b->h->ram->base + at));
	hwhost_destroy(b->h);
	for (unsigned int i = 0; i < b->nr_masters; i++)
		eb_master_free(&b->masters[i]);
	free(b->plain);
	free(b->display);
	free(b->codec);
	free(b->tree);
	return eb_ok(b) ? 0 : -1;
}

uint8_t *eb_read(const char *path, size_t *out_bytes)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(4 << 20);

	*out_bytes = f && data ? fread(data, 1, 4 << 20, f) : 0;
	if (f)
		fclose(f);
	return data;
}

/* ---- looking on ---- */

void eb_settle(struct eb_board *b)
{
	weir_settle(b->m);
	if (b->options.whole && race_sched_self(b->options.turns) >= 0)
		return; /* more would only be more orders of the same */
	hwhost_points(b->h, 20);
	weir_settle(b->m);
}

void eb_wait_long(struct eb_board *b)
{
	weir_catalogue_seal(b->m);
	b->h->clock += UINT64_C(3600000000000);
	eb_settle(b);
	eb_run(b);
}

void eb_run(struct eb_board *b)
{
	hwhost_points(b->h, b->options.turns ? RUN_POINTS_TURNS : RUN_POINTS);
}

static void check_master(struct eb_board *b, const struct eb_master *m)
{
	const struct hwdisplay_stats *d = m->display ? hwdisplay_stats_get(m->display) : NULL;
	const struct hwcodec_stats *c = m->codec ? hwcodec_stats_get(m->codec) : NULL;

	if (m->may_fail)
		return;
	if (d && (d->lost || d->wrong))
		eb_wrong(b, "%s: %lu frames lost, %lu wrong", m->path, d->lost, d->wrong);
	if (c && (c->failed || c->wrong))
		eb_wrong(b, "%s: %lu jobs failed, %lu wrong", m->path, c->failed, c->wrong);
	for (unsigned int i = 0; m->multi && i < m->nr_sysmmus; i++) {
		const struct hwmulti_stats *s = hwmulti_stats_get(m->multi, i);

		if (s->aborted || s->lost)
			eb_wrong(b, "%s: port %u: %lu accesses aborted, %lu lost", m->path, i,
				 s->aborted, s->lost);
	}
}

void eb_check(struct eb_board *b)
{
	for (unsigned int i = 0; i < b->nr_sysmmus; i++)
		if (b->sysmmus[i].model && b->kind->findings(b->sysmmus[i].model))
			eb_wrong(b, "%s: %s", b->sysmmus[i].path,
				 b->kind->first_finding(b->sysmmus[i].model));
	for (unsigned int i = 0; i < b->nr_masters; i++)
		check_master(b, &b->masters[i]);
}

/* What a master has done so far: more each time it is asked while it runs. */
static unsigned long work_done(const struct eb_master *m)
{
	unsigned long n = 0;

	for (unsigned int i = 0; i < m->nr_sysmmus; i++)
		n += hwmulti_stats_get(m->multi, i)->landed != 0;
	return m->display ? hwdisplay_stats_get(m->display)->frames : n;
}

void eb_all_run(struct eb_board *b)
{
	unsigned long before[EB_MASTERS];

	for (unsigned int i = 0; i < b->nr_masters; i++)
		before[i] = work_done(&b->masters[i]);
	eb_run(b);
	for (unsigned int i = 0; i < b->nr_masters && eb_ok(b); i++) {
		const struct eb_master *m = &b->masters[i];
		struct weir_device *dev = eb_device(m->node);
		struct weir_why why;

		if (!dev || !m->running) {
			if (dev)
				weir_device_root_cause(dev, &why);
			eb_wrong(b, "%s does not run: %s %s", m->path,
				 dev ? weir_device_name(why.device) : "no device",
				 dev ? weir_verdict_name(why.verdict) : "");
		} else if (!weir_dma_is_translated(dev)) {
			eb_wrong(b, "%s runs untranslated", m->path);
		} else if (m->display ? work_done(m) <= before[i] : work_done(m) < m->nr_sysmmus) {
			eb_wrong(b, "%s runs, and nothing lands", m->path);
		}
	}
	eb_check(b);
}

void eb_none_runs(struct eb_board *b)
{
	eb_run(b);
	for (unsigned int i = 0; i < b->nr_masters; i++)
		if (b->masters[i].running)
			eb_wrong(b, "%s runs", b->masters[i].path);
	eb_check(b);
}
