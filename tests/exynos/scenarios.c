// SPDX-License-Identifier: MIT
/*
 * What can happen to boards of the Exynos family, and with --smmu to those with SMMUs of versions 1
 * and 2, on each device tree that is given: drivers and IOMMUs in every order, suppliers that come
 * late, fail or never come, a display that firmware left on, unloading, sleep, IOMMUs that go, fail,
 * or reject ids. In each nothing does DMA before it is translated, no frame is lost, nobody waits
 * without an end that can be named.
 *
 * usage: exynos-scenarios [--smmu] [--only WORDS] BOARD.dtb...     speaks the test anything protocol
 */
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "stories.h"

struct story {
	const char *name;
	void (*run)(struct eb_board *b, unsigned int variant);
	unsigned int variants;
	bool firmware_display, reject;
};

/* A master may have gone with its parent. */
void eb_master_unbind(struct eb_board *b, unsigned int i)
{
	struct weir_device *dev = eb_device(b->masters[i].node);

	if (dev)
		weir_driver_unbind(dev);
}

void eb_master_bind(struct eb_board *b, unsigned int i)
{
	struct weir_device *dev = eb_device(b->masters[i].node);

	if (dev)
		weir_driver_bind(dev);
}

/* ---- 1: the driver of the IOMMUs comes before, between, and after ---- */

static void order(struct eb_board *b, unsigned int variant)
{
	static int (*const orders[6][3])(struct eb_board *b) = {
		{ eb_load_iommu, eb_load_display, eb_load_codec },
		{ eb_load_iommu, eb_load_codec, eb_load_display },
		{ eb_load_display, eb_load_iommu, eb_load_codec },
		{ eb_load_codec, eb_load_iommu, eb_load_display },
		{ eb_load_display, eb_load_codec, eb_load_iommu },
		{ eb_load_codec, eb_load_display, eb_load_iommu },
	};
	bool iommu = false, late = variant >= 6; /* after every timeout that there could be */

	for (unsigned int i = 0; i < 3; i++) {
		int (*load)(struct eb_board *board) = orders[late ? variant - 4 : variant][i];

		iommu = iommu || load == eb_load_iommu;
		if (late)
			eb_wait_long(b);
		if (load(b))
			return;
		if (!iommu)
			eb_none_runs(b);
	}
	eb_all_run(b);
}

/* ---- 2: the instances of a master become ready in some order ---- */

static void shuffle(unsigned int *list, unsigned int n, uint64_t seed)
{
	for (unsigned int i = n; i > 1; i--) {
		unsigned int j, t;

		seed = seed * 6364136223846793005u + 1442695040888963407u; /* Knuth, 3.3.4 */
		j = (unsigned int)(seed >> 33) % i;
		t = list[i - 1];
		list[i - 1] = list[j];
		list[j] = t;
	}
}

/* A master runs exactly when all of its System MMUs are bound. */
static void expect_by_instances(struct eb_board *b)
{
	for (unsigned int i = 0; i < b->nr_masters; i++) {
		const struct eb_master *m = &b->masters[i];
		bool all = true;

		for (unsigned int j = 0; j < m->nr_sysmmus; j++) {
			struct weir_device *dev = eb_device(b->sysmmus[m->sysmmus[j]].node);

			all = all && dev && weir_device_status_get(dev) == WEIR_DEVICE_BOUND;
		}
		if (m->running && !all)
			eb_wrong(b, "%s runs before all of its System MMUs are there", m->path);
	}
}

static void instances(struct eb_board *b, unsigned int variant)
{
	unsigned int list[EB_SYSMMUS], n = 0;

	if (eb_load_display(b) || eb_load_codec(b) || eb_load_iommu(b))
		return;
	eb_all_run(b);
	for (unsigned int i = 0; i < b->nr_sysmmus; i++) {
		struct weir_device *dev = eb_device(b->sysmmus[i].node);

		/* one without masters may wait for something that has no model */
		if (!b->sysmmus[i].nr_masters && (!dev || weir_device_status_get(dev) != WEIR_DEVICE_BOUND))
			continue;
		list[n++] = i;
		if (weir_driver_unbind(dev))
			eb_wrong(b, "%s cannot be unbound", b->sysmmus[i].path);
	}
	eb_none_runs(b);
	shuffle(list, n, variant + 1);
	for (unsigned int i = 0; i < n && eb_ok(b); i++) {
		struct weir_device *dev = eb_device(b->sysmmus[list[i]].node);

		/* it may be back already: with a supplier that is behind another one */
		if (weir_device_status_get(dev) != WEIR_DEVICE_BOUND && weir_driver_bind(dev))
			eb_wrong(b, "%s cannot be bound", b->sysmmus[list[i]].path);
		eb_settle(b);
		expect_by_instances(b);
		eb_check(b);
	}
	eb_all_run(b);
}

/* ---- 4: a display that the boot loader left on ---- */

/* Masters, and whoever else has one of its IOMMUs as a supplier, such as a host bridge. */
static unsigned int stop_users(struct eb_board *b, struct weir_device **stopped, unsigned int room)
{
	struct weir_device *user, *used;
	unsigned int n = 0;

	for (unsigned int i = 0; i < b->nr_masters; i++)
		eb_master_unbind(b, i);
	while (n < room && !weir_module_user(b->module, 0, &user, &used)) {
		if (weir_driver_unbind(user))
			eb_wrong(b, "%s cannot be unbound", weir_device_name(user));
		stopped[n++] = user;
	}
	return n;
}

static void start_users(struct eb_board *b, struct weir_device **stopped, unsigned int n)
{
	while (n)
		weir_driver_bind(stopped[--n]);
	eb_settle(b);
	for (unsigned int i = 0; i < b->nr_masters; i++)
		eb_master_bind(b, i);
}

/*
 * Another one of its IOMMUs is dead: it goes on through the driver's coming and going. Return: whether it
 * has several, and all is well.
 */
static bool half_there(struct eb_board *b)
{
	const struct eb_master *m = b->left_on;
	unsigned int last = m->sysmmus[m->nr_sysmmus - 1];

	if (last == m->sysmmus[0])
		return false;
	b->kind->dead(b->sysmmus[last].model, true);
	if (eb_load_iommu(b))
		return false;
	eb_run(b);
	eb_check(b);
	if (weir_module_unload(b->module, 0))
		eb_wrong(b, "unloading with half of the display's IOMMUs");
	eb_run(b);
	eb_check(b);
	b->kind->dead(b->sysmmus[last].model, false);
	return eb_ok(b);
}

static void left_on(struct eb_board *b, unsigned int variant)
{
	struct weir_device *stopped[EB_MASTERS];
	const struct hwdisplay_stats *stats;
	unsigned int n;

	if (!b->left_on)
		return; /* no display is behind a System MMU */
	stats = hwdisplay_stats_get(b->left_on->display);
	variant %= 4; /* the second time it goes through tables of the boot loader's */
	eb_run(b);
	if (variant == 3 && !half_there(b))
		return;
	if (variant == 0 && eb_load_display(b))
		return;
	eb_run(b);
	if (eb_load_iommu(b))
		return;
	eb_run(b);
	if ((variant == 1 || variant == 3) && eb_load_display(b))
		return;
	if (variant == 2) { /* the driver goes and comes before the display's comes */
		n = stop_users(b, stopped, EB_MASTERS);
		if (weir_module_unload(b->module, 0) || eb_load_iommu(b))
			eb_wrong(b, "unloading before the display's driver comes");
		eb_run(b);
		start_users(b, stopped, n);
		if (eb_load_display(b))
			return;
	}
	if (eb_load_codec(b))
		return;
	eb_all_run(b);
	if (!stats->frames)
		eb_wrong(b, "the display showed nothing");
}

/* ---- 5: unload, load again ---- */

static void unload(struct eb_board *b, unsigned int variant)
{
	struct weir_device *user, *used, *stopped[EB_MASTERS];
	unsigned int n = 0;
	int err;

	if (eb_load_iommu(b) || eb_load_display(b) || eb_load_codec(b))
		return;
	eb_all_run(b);
	for (unsigned int round = 0; round < 3 && eb_ok(b); round++) {
		err = weir_module_unload(b->module, 0);
		if (err != WEIR_EBUSY || weir_module_user(b->module, 0, &user, &used))
			eb_wrong(b, "unloading with users: %s", err ? weir_strerror(err) : "done");
		eb_all_run(b);
		if (variant == 1) { /* in order: masters first */
			n = stop_users(b, stopped, EB_MASTERS);
			err = weir_module_unload(b->module, 0);
		} else {
			err = weir_module_unload(b->module, WEIR_MODULE_FORCE);
		}
		if (err)
			eb_wrong(b, "unloading: %s", weir_strerror(err));
		eb_none_runs(b);
		if (!eb_ok(b) || eb_load_iommu(b))
			return;
		if (variant == 1)
			start_users(b, stopped, n);
		eb_settle(b);
		eb_all_run(b);
	}
}

/* ---- 6: sleep and shutdown with DMA in flight ---- */

/* Masters that nobody stops go on through a shutdown: nothing of what they do lands after it. */
static void shut_out(struct eb_board *b)
{
	for (unsigned int i = 0; i < b->nr_masters; i++)
		b->masters[i].may_fail = true;
	weir_pm_shutdown(b->m);
	hwram_allow(b->h->ram, b->h->ram->base, b->h->ram->bytes, 0, 0);
	eb_run(b);
	eb_check(b);
	for (unsigned int i = 0; i < b->nr_masters; i++)
		if (!b->masters[i].running)
			eb_wrong(b, "%s was stopped", b->masters[i].path);
}

static void sleep_wake(struct eb_board *b, unsigned int variant)
{
	if (eb_load_iommu(b) || eb_load_display(b) || eb_load_codec(b))
		return;
	eb_all_run(b);
	for (unsigned int round = 0; round < 3 && eb_ok(b) && variant == 0; round++) {
		int err = weir_pm_suspend(b->m);

		if (err)
			eb_wrong(b, "suspending: %s", weir_strerror(err));
		eb_none_runs(b);
		err = weir_pm_resume(b->m);
		if (err)
			eb_wrong(b, "resuming: %s", weir_strerror(err));
		eb_all_run(b);
	}
	if (variant == 1) { /* a master goes, its System MMU sleeps, both come back */
		for (unsigned int i = 0; i < b->nr_masters; i++)
			eb_master_unbind(b, i);
		eb_none_runs(b);
		for (unsigned int i = 0; i < b->nr_masters; i++)
			eb_master_bind(b, i);
		eb_settle(b);
		eb_all_run(b);
	}
	if (variant == 2) {
		weir_pm_shutdown(b->m);
		eb_none_runs(b);
	}
	if (variant == 3)
		shut_out(b);
}

/* ---- 7: IOMMUs that go, fail for good, or reject ids ---- */

static unsigned int used_sysmmu(const struct eb_board *b)
{
	return b->nr_masters ? b->masters[0].sysmmus[0] : EB_SYSMMUS;
}

static void pull(struct eb_board *b, unsigned int at)
{
	b->kind->gone(b->sysmmus[at].model, true);
	for (unsigned int i = 0; i < b->nr_masters; i++)
		for (unsigned int j = 0; j < b->masters[i].nr_sysmmus; j++)
			b->masters[i].may_fail = b->masters[i].may_fail ||
						 b->masters[i].sysmmus[j] == at;
	hwhost_points(b->h, 50);
}

static void plugged(struct eb_board *b, unsigned int variant)
{
	unsigned int at = used_sysmmu(b);
	struct weir_device *dev, *parent;

	if (at == EB_SYSMMUS || eb_load_iommu(b) || eb_load_display(b) || eb_load_codec(b))
		return;
	eb_all_run(b);
	for (unsigned int round = 0; round < 2 && eb_ok(b); round++) {
		struct weir_bus *bus;
		char name[64];

		if (variant == 1) /* pulled out: what its master does until it stops is lost */
			pull(b, at);
		dev = eb_device(b->sysmmus[at].node);
		parent = weir_device_parent(dev);
		bus = weir_device_bus(dev);
		snprintf(name, sizeof(name), "%s", weir_device_name(dev));
		weir_device_del(dev);
		eb_settle(b);
		eb_run(b);
		if (b->masters[0].running)
			eb_wrong(b, "%s runs without its System MMU", b->masters[0].path);
		eb_check(b);
		if (variant == 1) { /* what is plugged is another one, or this one reset */
			b->kind->power(b->sysmmus[at].model, false);
			b->kind->power(b->sysmmus[at].model, true);
			b->kind->gone(b->sysmmus[at].model, false);
		}
		if (weir_device_create(bus, name, parent, b->sysmmus[at].node, &dev)) {
			eb_wrong(b, "%s cannot be plugged again", name);
			return;
		}
		if (weir_device_add(dev))
			eb_wrong(b, "%s cannot be added again", name);
		weir_device_unref(dev);
		eb_settle(b);
		eb_all_run(b);
	}
}

/* Dead hardware: it fails by name, its master waits for it alone. */
static void dead(struct eb_board *b, unsigned int at)
{
	struct weir_why why;

	b->kind->dead(b->sysmmus[at].model, true);
	if (eb_load_display(b) || eb_load_codec(b) || eb_load_iommu(b))
		return;
	eb_run(b);
	if (weir_device_verdict(eb_device(b->sysmmus[at].node), &why) != WEIR_VERDICT_FAILED &&
	    why.verdict != WEIR_VERDICT_REFUSED)
		eb_wrong(b, "%s is dead, and its verdict is %s", b->sysmmus[at].path,
			 weir_verdict_name(why.verdict));
	eb_expect_waits(b, at, b->sysmmus[at].node, false);
	b->kind->dead(b->sysmmus[at].model, false);
}

/* It never confirms what it is asked for: whoever is behind it does not run, with a root cause, in an end. */
static void stuck(struct eb_board *b, unsigned int at)
{
	struct weir_device *dev;
	struct weir_why why;

	b->kind->stuck(b->sysmmus[at].model, true);
	if (eb_load_display(b) || eb_load_codec(b) || eb_load_iommu(b))
		return;
	eb_wait_long(b);
	for (unsigned int i = 0; i < b->nr_masters; i++)
		for (unsigned int j = 0; j < b->masters[i].nr_sysmmus; j++) {
			dev = eb_device(b->masters[i].node);
			if (b->masters[i].sysmmus[j] != at || !dev)
				continue;
			if (b->masters[i].running)
				eb_wrong(b, "%s runs behind what is stuck", b->masters[i].path);
			weir_device_root_cause(dev, &why);
			if (why.verdict != WEIR_VERDICT_FAILED)
				eb_wrong(b, "%s: in the end %s, which is %s", b->masters[i].path,
					 weir_device_name(why.device), weir_verdict_name(why.verdict));
		}
	eb_check(b);
	b->kind->stuck(b->sysmmus[at].model, false);
	dev = eb_device(b->sysmmus[at].node); /* only its power ends it */
	if (weir_device_status_get(dev) == WEIR_DEVICE_BOUND)
		weir_driver_unbind(dev);
	b->kind->power(b->sysmmus[at].model, false);
	b->kind->power(b->sysmmus[at].model, true);
}

static void fails(struct eb_board *b, unsigned int variant)
{
	unsigned int at = used_sysmmu(b);

	if (at == EB_SYSMMUS)
		return;
	if (variant)
		stuck(b, at);
	else
		dead(b, at);
	if (eb_ok(b) && weir_driver_bind(eb_device(b->sysmmus[at].node)))
		eb_wrong(b, "%s cannot be tried again", b->sysmmus[at].path);
	eb_settle(b);
	for (unsigned int i = 0; i < b->nr_masters; i++)
		eb_master_bind(b, i);
	eb_settle(b);
	eb_all_run(b);
}

static void rejects(struct eb_board *b, unsigned int variant)
{
	unsigned int at = used_sysmmu(b);
	struct weir_why why;

	(void)variant;
	if (at == EB_SYSMMUS || eb_load_iommu(b) || eb_load_display(b) || eb_load_codec(b))
		return;
	eb_run(b);
	if (b->masters[0].running)
		eb_wrong(b, "%s runs, though its ids are rejected", b->masters[0].path);
	weir_device_verdict(eb_device(b->masters[0].node), &why);
	if (why.verdict != WEIR_VERDICT_IDS_REJECTED)
		eb_wrong(b, "%s: %s, not that its ids are rejected", b->masters[0].path,
			 weir_verdict_name(why.verdict));
	eb_check(b);
}

/* ---- all of them ---- */

static const struct story stories[] = {
	{ "the IOMMU driver before, between and after others", order, 10, false, false },
	{ "instances become ready in any order", instances, 3, false, false },
	{ "clocks and power domains late, missing, failing", eb_story_suppliers, EB_SUPPLIER_VARIANTS,
	  false, false },
	{ "a display left on by the boot loader", left_on, 8, true, false },
	{ "unloaded, and loaded again", unload, 2, false, false },
	{ "sleep, runtime sleep, shutdown", sleep_wake, 4, false, false },
	{ "an IOMMU is unplugged and plugged", plugged, 2, false, false },
	{ "an IOMMU fails for good, and is repaired", fails, 2, false, false },
	{ "an IOMMU rejects ids", rejects, 1, false, true },
};

/* What the library said of it. */
static void tell_log(struct eb_board *b)
{
	char *text = strdup(hwhost_log_take(b->h)), *at = text, *line;

	while (at && (line = strsep(&at, "\n")))
		if (*line)
			printf("#   %s\n", line);
	free(text);
}

/* Return: whether it went well. */
static bool run_story(const struct story *story, const char *board, const void *dtb, size_t bytes,
		      struct eb_facts *f)
{
	for (unsigned int variant = 0; variant < story->variants; variant++) {
		struct eb_options options = { .seed = variant + 1,
			.firmware_display = story->firmware_display,
			.kind = f->kind, .without = f->without, .nr_without = f->nr_without,
			.early = f->early, .nr_early = f->nr_early,
			.reject = story->reject ? f->reject : NULL,
			.firmware_tables = story->run == left_on && variant >= 4,
			.no_shutdown = story->run == sleep_wake && variant == 3,
			.no_driver = story->run == eb_story_suppliers ? eb_without_driver(f, variant)
								      : NULL };
		struct eb_board b;

		if (!eb_open(&b, dtb, bytes, &options))
			story->run(&b, variant);
		if (!eb_ok(&b))
			tell_log(&b);
		if (eb_close(&b)) {
			printf("# %s, variant %u: %s\n", board, variant, b.wrong);
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	const struct eb_kind *kind = &eb_kind_sysmmu;
	size_t n = sizeof(stories) / sizeof(stories[0]);
	unsigned int number = 0, failed = 0;
	const char *only = NULL;
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--smmu"))
			kind = &eb_kind_smmuv2;
		else if (!strcmp(argv[i], "--only") && i + 1 < argc)
			only = argv[++i];
		else
			return 2;
	}
	for (; i < argc; i++) {
		static struct eb_facts f;
		const char *board = basename(argv[i]);
		size_t bytes;
		uint8_t *dtb = eb_read(argv[i], &bytes);

		eb_facts_of(dtb, bytes, kind, &f);
		printf("# %s: %u masters, %u %s, %u masters left out\n", board, f.masters, f.iommus,
		       kind->name, f.others + f.nr_without);
		for (size_t s = 0; s < n; s++) {
			bool ok;

			if (only && !strstr(stories[s].name, only))
				continue;
			ok = f.masters && run_story(&stories[s], board, dtb, bytes, &f);
			number++;
			failed += !ok && f.masters;
			printf("%sok %u - %s: %s%s\n", ok || !f.masters ? "" : "not ", number, board,
			       stories[s].name, f.masters ? "" : " # SKIP no masters");
			fflush(stdout);
		}
		free(dtb);
	}
	printf("1..%u\n", number);
	return failed != 0;
}
