// SPDX-License-Identifier: MIT
/*
 * Boards of the Exynos family whose drivers come, go and are probed on several threads at a time: the
 * library's real driver on models of the System MMUs, modelled drivers for the rest. A step ends before a
 * lock is taken, registers are accessed, or a clock or power domain changes. In the plain order a
 * thread goes on until it ends or waits, and then the first one that can; tried are all orders that
 * depart from that at most so often, orders by chance, or every order there is.
 *
 * In each order: no instance is called before it is ready (watch.c), no master is probed before all
 * of its System MMUs are bound, no DMA is untranslated, nothing is accessed without clock or power, a display
 * that firmware left on loses no frame, nobody waits for ever; in the end all run, and nothing is left.
 *
 * usage: exynos-interleave [--smmu] [--departures N | --every own|host | --seeds N] [--first N]
 *                          [--only WORDS] BOARD.dtb...
 *
 * --departures (1): for each master behind several System MMUs, with what it needs, every order with so
 * many departures at most. --every: every order there is, with probes on the threads that ask for them (own), or
 * on threads of the host; each state is gone on from once (race/whole.h). --seeds: the whole board, so
 * many orders by chance; --first: from this seed on (1). --smmu: SMMUs of versions 1 and 2 instead.
 * Speaks the test anything protocol. WEIR_SEEDS=N: so many orders by chance more, of each of these masters.
 */
#include <libgen.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "race/search.h"
#include "race/whole.h"

#define RATES 4
#define EVERY UINT32_MAX

struct actor {
	struct eb_board *b;
	unsigned int at; /* System MMU, or master */
};

struct scene {
	const char *name;
	void (*prepare)(struct eb_board *b);            /* on one thread; NULL: nothing */
	unsigned int (*tasks)(struct race_sched *s, struct eb_board *b, struct actor *actors);
	bool firmware_display;
};

struct race {
	struct race_sched *sched;
	struct race_search *search; /* NULL: by chance */
	struct race_whole *whole;   /* NULL: within bounds, or by chance */
	bool host_threads;
	const struct eb_kind *kind;
	struct eb_board *b;
	struct eb_watch *watch;
	struct hwrng rng;
	unsigned int rate;          /* how rarely another one goes on */
	unsigned long runs, points, most;
};

static unsigned int add(struct race_sched *s, void (*fn)(void *arg), struct actor *actor,
			struct eb_board *b, unsigned int at)
{
	*actor = (struct actor){ .b = b, .at = at };
	if (race_sched_task(s, fn, actor, NULL) < 0)
		eb_wrong(b, "no thread");
	return 1;
}

/* ---- drivers come ---- */

static void load_iommu(void *arg)
{
	eb_load_iommu(((struct actor *)arg)->b);
}

static void load_display(void *arg)
{
	eb_load_display(((struct actor *)arg)->b);
}

static void load_codec(void *arg)
{
	eb_load_codec(((struct actor *)arg)->b);
}

static unsigned int drivers_come(struct race_sched *s, struct eb_board *b, struct actor *actors)
{
	unsigned int n = add(s, load_iommu, &actors[0], b, 0);

	if (b->display->key)
		n += add(s, load_display, &actors[n], b, 0);
	if (b->codec->key)
		n += add(s, load_codec, &actors[n], b, 0);
	return n;
}

/* ---- instances come, in parallel with their master ---- */

static void unbound_instances(struct eb_board *b)
{
	if (eb_load_iommu(b))
		return;
	for (unsigned int i = 0; i < b->nr_sysmmus; i++)
		if (weir_driver_unbind(eb_device(b->sysmmus[i].node)))
			eb_wrong(b, "%s cannot be unbound", b->sysmmus[i].path);
}

static void bind_instances(void *arg)
{
	const struct actor *a = arg;
	struct eb_board *b = a->b;

	for (unsigned int i = a->at; i < b->nr_sysmmus; i += EB_PORTS)
		if (weir_driver_bind(eb_device(b->sysmmus[i].node)))
			eb_wrong(b, "%s cannot be bound", b->sysmmus[i].path);
	eb_settle(b);
}

static unsigned int instances_come(struct race_sched *s, struct eb_board *b, struct actor *actors)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < b->nr_sysmmus && i < EB_PORTS; i++)
		n += add(s, bind_instances, &actors[n], b, i);
	if (b->display->key)
		n += add(s, load_display, &actors[n], b, 0);
	if (b->codec->key)
		n += add(s, load_codec, &actors[n], b, 0);
	return n;
}

/* ---- an instance goes and comes, while its master does ---- */

static void all_up(struct eb_board *b)
{
	(void)(eb_load_iommu(b) || eb_load_display(b) || eb_load_codec(b));
}

static void instance_again(void *arg)
{
	const struct actor *a = arg;
	struct weir_device *dev = eb_device(a->b->sysmmus[a->at].node);

	if (weir_driver_unbind(dev))
		eb_wrong(a->b, "%s cannot be unbound", a->b->sysmmus[a->at].path);
	if (weir_driver_bind(dev))
		eb_wrong(a->b, "%s cannot be bound", a->b->sysmmus[a->at].path);
	eb_settle(a->b);
}

/* It may be gone with its System MMU already, or on its way back. */
static void master_again(void *arg)
{
	const struct actor *a = arg;
	struct weir_device *dev = eb_device(a->b->masters[a->at].node);

	(void)weir_driver_unbind(dev);
	(void)weir_driver_bind(dev);
	eb_settle(a->b);
}

static unsigned int both_again(struct race_sched *s, struct eb_board *b, struct actor *actors)
{
	unsigned int at = (unsigned int)b->options.seed % b->nr_masters;
	const struct eb_master *m = &b->masters[at];
	unsigned int n = add(s, instance_again, &actors[0], b, m->sysmmus[m->nr_sysmmus - 1]);

	return n + add(s, master_again, &actors[n], b, at);
}

/* ---- the module goes and comes, while its masters' drivers come ---- */

static void module_there(struct eb_board *b)
{
	(void)eb_load_iommu(b);
}

static void module_again(void *arg)
{
	struct eb_board *b = ((struct actor *)arg)->b;
	int err = weir_module_unload(b->module, WEIR_MODULE_FORCE);

	if (err)
		eb_wrong(b, "unloading: %s", weir_strerror(err));
	else
		eb_load_iommu(b);
}

static unsigned int module_goes(struct race_sched *s, struct eb_board *b, struct actor *actors)
{
	unsigned int n = add(s, module_again, &actors[0], b, 0);

	if (b->display->key)
		n += add(s, load_display, &actors[n], b, 0);
	if (b->codec->key)
		n += add(s, load_codec, &actors[n], b, 0);
	return n;
}

static const struct scene scenes[] = {
	{ "drivers come at the same time", NULL, drivers_come, false },
	{ "drivers come, the display is on", NULL, drivers_come, true },
	{ "instances come one by one, beside their master", unbound_instances, instances_come, false },
	{ "an instance and its master go and come", all_up, both_again, false },
	{ "the module goes and comes, its masters come", module_there, module_goes, false },
};

/* ---- one run ---- */

static int choose(void *context, const int *tasks, int n, int running)
{
	struct race *r = context;
	uint64_t state = 0;
	int which;

	if (r->whole && race_search_looks(r->search))
		state = eb_whole_state(r->b, r->whole, r->watch);
	if (r->search) {
		which = race_search_choose(r->search, state, tasks, n, running);
		return race_search_is_known(r->search) ? -1 : which;
	}
	if (running >= 0 && hwrng_below(&r->rng, r->rate))
		return running;
	return (int)hwrng_below(&r->rng, (uint32_t)n);
}

static void tell(struct eb_board *b, const struct race *r, const char *what)
{
	char *text = strdup(hwhost_log_take(b->h)), *at = text, *line;

	printf("# %s: %s\n", what, b->wrong);
	if (r->search)
		printf("#   order: %s\n", race_search_schedule(r->search));
	while (at && (line = strsep(&at, "\n")))
		if (*line)
			printf("#   %s\n", line);
	free(text);
}

/* Return: whether it went well. */
static bool run(struct race *r, const struct scene *scene, const char *what, const void *dtb, size_t bytes,
		uint64_t seed)
{
	struct eb_options options = { .seed = seed, .kind = r->kind, .firmware_display = scene->firmware_display,
		.turns = r->sched, .module = eb_watch_module(r->watch),
		.whole = r->whole ? eb_whole_host : NULL, .host_threads = r->host_threads };
	struct actor actors[EB_PORTS + 2];
	enum race_end end = RACE_END_WELL;
	struct eb_board b;

	r->b = &b;
	if (r->whole)
		eb_whole_begin(r->whole);
	if (!eb_open(&b, dtb, bytes, &options)) {
		eb_watch_begin(r->watch, &b);
		race_sched_chooser(r->sched, NULL, NULL);
		if (scene->prepare)
			scene->prepare(&b);
		scene->tasks(r->sched, &b, actors);
		if (r->whole)
			eb_whole_machine(&b, r->whole, r->watch);
		race_sched_chooser(r->sched, choose, r);
		b.turns.points = 0;
		end = race_sched_run(r->sched);
		r->points += b.turns.points;
		if (r->most < b.turns.points)
			r->most = b.turns.points;
		r->runs++;
	}
	if (end == RACE_END_LEFT) { /* it came to where another one was; its memory is nobody's */
		race_sched_reset(r->sched);
		eb_whole_end();
		if (!eb_ok(&b))
			tell(&b, r, what);
		return eb_ok(&b);
	}
	if (end != RACE_END_WELL)
		eb_wrong(&b, "%s", race_sched_what(r->sched));
	if (end == RACE_END_DEADLOCK) { /* its threads are still in there */
		tell(&b, r, what);
		return false;
	}
	race_sched_reset(r->sched);
	if (eb_ok(&b)) {
		eb_settle(&b);
		eb_all_run(&b);
	}
	if (!eb_ok(&b))
		tell(&b, r, what);
	if (eb_close(&b))
		printf("# %s: %s\n", what, b.wrong);
	if (r->whole)
		eb_whole_end();
	return eb_ok(&b);
}

/* ---- many ---- */

/* Return: whether all went well. @departures: at most; EVERY: any number. */
static bool every_order(struct race *r, const struct scene *scene, const char *what, const void *dtb,
			size_t bytes, unsigned int departures)
{
	struct race_search_stats stats;
	bool ok = true;

	r->search = departures == EVERY ? race_search_create(0) : race_search_create_bounded(departures);
	if (departures == EVERY)
		r->whole = race_whole_create();
	if (!r->search || (departures == EVERY && !r->whole))
		abort();
	race_sched_memory(r->sched, r->whole ? race_whole_memory(r->whole) : NULL);
	while (ok && race_search_begin(r->search))
		ok = run(r, scene, what, dtb, bytes, 1);
	race_search_stats(r->search, &stats);
	if (r->whole && ok && stats.all)
		printf("# every order: %.*g, all there are, in %llu runs, by %llu states\n",
		       stats.orders < 1e15 ? 15 : 3, stats.orders, (unsigned long long)stats.runs,
		       (unsigned long long)stats.states);
	if (race_search_failed(r->search)) {
		printf("# %s: %s\n", what, race_search_failed(r->search));
		ok = false;
	}
	ok = ok && stats.all;
	race_sched_memory(r->sched, NULL);
	race_whole_destroy(r->whole);
	race_search_destroy(r->search);
	r->search = NULL;
	r->whole = NULL;
	return ok;
}

static bool by_chance(struct race *r, const struct scene *scene, const char *what, const void *dtb,
		      size_t bytes, uint64_t first, uint64_t n)
{
	static const unsigned int rates[RATES] = { 4, 32, 128, 512 };
	char with_seed[3 * EB_PATH];

	for (uint64_t seed = first; seed < first + n; seed++) {
		hwrng_init(&r->rng, seed);
		r->rate = rates[seed % RATES];
		snprintf(with_seed, sizeof(with_seed), "%s, --first %llu", what,
			 (unsigned long long)seed);
		if (!run(r, scene, with_seed, dtb, bytes, seed))
			return false;
	}
	return true;
}

struct numbers {
	uint64_t departures, seeds, first, more;
	const char *only;
	bool host_threads;
	const struct eb_kind *kind;
	unsigned int number, failed;
};

static void judge(struct numbers *o, const struct race *r, const char *what, bool ok)
{
	o->number++;
	o->failed += !ok;
	printf("%sok %u - %s\n# %lu %s, up to %lu steps\n", ok ? "" : "not ", o->number, what,
	       r->runs, o->departures == EVERY ? "runs" : "orders", r->most);
	fflush(stdout);
}

static void one(struct numbers *o, const struct scene *scene, const char *board, const char *path,
		const void *dtb, size_t bytes)
{
	struct race r = { .sched = race_sched_create(), .watch = eb_watch_create(o->kind), .kind = o->kind,
			  .host_threads = o->host_threads };
	char what[2 * EB_PATH + 100];
	bool ok = true;

	if (!r.sched)
		abort();
	snprintf(what, sizeof(what), "%s: %s%s%s", board, path, *path ? ": " : "", scene->name);
	if (!o->seeds)
		ok = every_order(&r, scene, what, dtb, bytes, (unsigned int)o->departures);
	if (ok && (o->seeds || o->more))
		ok = by_chance(&r, scene, what, dtb, bytes, o->first, o->seeds + o->more);
	judge(o, &r, what, ok);
	eb_watch_destroy(r.watch);
	race_sched_destroy(r.sched);
}

/* The masters of a board that are behind several, @room at most. */
static unsigned int masters_of(const struct eb_kind *kind, const void *dtb, size_t bytes,
			       char paths[][EB_PATH], bool *shows, unsigned int room)
{
	struct eb_options options = { .seed = 1, .kind = kind };
	struct eb_board b;
	unsigned int n = 0;

	if (!eb_open(&b, dtb, bytes, &options))
		for (unsigned int i = 0; i < b.nr_masters && n < room; i++)
			if (b.masters[i].nr_sysmmus > 1) {
				memcpy(paths[n], b.masters[i].path, EB_PATH);
				shows[n++] = b.masters[i].shows;
			}
	if (eb_close(&b))
		printf("# %s\n", b.wrong);
	return n;
}

static void board(struct numbers *o, const char *file)
{
	static char paths[EB_MASTERS][EB_PATH];
	bool shows[EB_MASTERS];
	size_t bytes, cut_bytes;
	uint8_t *dtb = eb_read(file, &bytes), *cut;
	char *copy = strdup(file);
	unsigned int n = masters_of(o->kind, dtb, bytes, paths, shows, EB_MASTERS);

	for (size_t s = 0; s < sizeof(scenes) / sizeof(scenes[0]); s++) {
		if (o->only && !strstr(scenes[s].name, o->only))
			continue;
		if (o->seeds && n)
			one(o, &scenes[s], basename(copy), "", dtb, bytes);
		for (unsigned int i = 0; i < n && !o->seeds; i++) {
			if (scenes[s].firmware_display && !shows[i])
				continue;
			cut = eb_cut(dtb, paths[i], &cut_bytes);
			if (!cut)
				abort();
			one(o, &scenes[s], basename(copy), paths[i], cut, cut_bytes);
			free(cut);
		}
	}
	free(copy);
	free(dtb);
}

/* One thread runs at a time; to wake the next one up on another CPU takes longer than its step. */
static void one_cpu(void)
{
	cpu_set_t cpu;
	int at = sched_getcpu();

	CPU_ZERO(&cpu);
	if (at >= 0) {
		CPU_SET((unsigned int)at, &cpu);
		(void)sched_setaffinity(0, sizeof(cpu), &cpu);
	}
}

int main(int argc, char **argv)
{
	struct numbers o = { .departures = 1, .first = 1, .kind = &eb_kind_sysmmu };
	const char *more = getenv("WEIR_SEEDS");
	int i;

	o.more = more ? strtoull(more, NULL, 0) : 0;
	one_cpu();
	if (argc > 1 && !strcmp(argv[1], "--smmu")) {
		o.kind = &eb_kind_smmuv2;
		argv++;
		argc--;
	}
	for (i = 1; i + 1 < argc && argv[i][0] == '-'; i += 2) {
		if (!strcmp(argv[i], "--every")) {
			o.departures = EVERY;
			o.host_threads = !strcmp(argv[i + 1], "host");
			o.more = 0;
		} else if (!strcmp(argv[i], "--departures"))
			o.departures = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--seeds"))
			o.seeds = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--first"))
			o.first = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--only"))
			o.only = argv[i + 1];
		else
			return 2;
	}
	for (; i < argc; i++)
		board(&o, argv[i]);
	printf("1..%u\n", o.number);
	return o.failed != 0;
}
