// SPDX-License-Identifier: MIT
/*
 * Real boards: loading a tree and bringing it up, per board, over a directory of
 * device trees. Reading and unpacking files is not counted; making the driver list
 * is. Once with a driver for everything, and, given a kernel, once with its drivers.
 */
#include <fts.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "kernel/compats.h"
#include "kernel/kernel.h"
#include "kernel/kmodel.h"
#include "kernel/linux/linux.h"
#include "weir/posix.h"

struct corpus {
	struct weir_bytes *trees;
	size_t n, room;
};

static bool is_tree(const char *name)
{
	return strstr(name, ".dtb") && !strstr(name, ".dtbo");
}

static void read_tree(struct corpus *c, const char *path)
{
	struct weir_bytes raw, plain;

	if (weir_bytes_read(path, NULL, &raw))
		return;
	if (weir_unpack_compression(raw.data, raw.size)) {
		if (weir_unpack_stream(raw.data, raw.size, NULL, &plain)) {
			weir_bytes_fini(&raw);
			return;
		}
		weir_bytes_fini(&raw);
		raw = plain;
	}
	if (c->n == c->room) {
		c->room = c->room ? c->room * 2 : 512;
		c->trees = realloc(c->trees, c->room * sizeof(*c->trees));
		if (!c->trees)
			exit(1);
	}
	c->trees[c->n++] = raw;
}

static void read_corpus(struct corpus *c, const char *dir)
{
	char *roots[] = { (char *)(uintptr_t)dir, NULL };
	FTS *fts = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;

	while (fts && (e = fts_read(fts)))
		if (e->fts_info == FTS_F && is_tree(e->fts_name))
			read_tree(c, e->fts_path);
	if (fts)
		fts_close(fts);
}

static int make_list(struct weir_machine *m, const struct weir_kernel *kernel,
		     struct weir_driver_list **out_list)
{
	const char **compats;
	size_t n;
	int err = weir_tree_compatibles(m, &compats, &n);

	if (err)
		return err;
	err = kernel ? weir_kernel_driver_list(kernel, compats, n, out_list)
		     : weir_driver_list_build_all(compats, NULL, n, out_list);
	if (!err && !kernel)
		err = weir_driver_list_add_usual_early(*out_list);
	free(compats);
	return err;
}

/* CPU nanoseconds of the stations of one board; total is 0 when it failed. */
struct times {
	uint64_t load, list, run, total;
};

/* One board, from blob to verdicts. */
static struct times bring_up(const struct weir_bytes *tree, struct weir_posix *posix,
			     const struct weir_policy_ops *policy,
			     const struct weir_kernel *kernel)
{
	uint64_t start = bench_cpu_ns(), loaded = 0, listed = 0;
	struct weir_driver_list *list = NULL;
	struct weir_kmodel *model = NULL;
	struct weir_machine *m = NULL;
	struct weir_device *dev;
	struct times t = { 0 };
	int err = weir_machine_create_policy(weir_posix_ops(posix), posix, policy, NULL, &m);

	if (!err)
		err = weir_firmware_load_dt(m, tree->data, tree->size);
	loaded = bench_cpu_ns();
	if (!err)
		err = make_list(m, kernel, &list);
	listed = bench_cpu_ns();
	if (!err)
		err = weir_kmodel_create(m, list, NULL, &model);
	if (!err)
		err = weir_kmodel_boot(model);
	if (!err) {
		if (kernel)
			weir_kmodel_coldplug(model, NULL, NULL);
		weir_kmodel_wait(model, 11000);
		for (dev = weir_device_first(m); dev; dev = weir_device_next(dev))
			weir_device_verdict(dev, NULL);
		t.total = bench_cpu_ns() - start;
		t.load = loaded - start;
		t.list = listed - loaded;
		t.run = start + t.total - listed;
	}
	weir_kmodel_detach(model);
	weir_machine_destroy(m);
	weir_kmodel_destroy(model);
	weir_driver_list_destroy(list);
	return t;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The element at @percent of all boards, of one station of each, in ms. */
static double at(const struct times *t, size_t n, size_t station, unsigned int percent)
{
	uint64_t *ns = calloc(n, sizeof(*ns));
	double ms;

	if (!ns)
		exit(1);
	for (size_t i = 0; i < n; i++)
		ns[i] = *(const uint64_t *)((const char *)&t[i] + station);
	qsort(ns, n, sizeof(*ns), by_value);
	ms = (double)ns[(n - 1) * percent / 100] / 1e6;
	free(ns);
	return ms;
}

static void run_corpus(const struct corpus *c, const char *name,
		       const struct weir_policy_ops *policy, const struct weir_kernel *kernel)
{
	struct times *t = calloc(c->n, sizeof(*t));
	struct weir_posix *posix;
	uint64_t sum = 0;
	size_t n = 0;

	if (!t || weir_posix_create(NULL, &posix))
		exit(1);
	for (size_t i = 0; i < c->n; i++) {
		t[n] = bring_up(&c->trees[i], posix, policy, kernel);
		sum += t[n].total;
		n += t[n].total != 0;
	}
	if (n) {
		bench_value("count", (double)n, "%s.boards", name);
		bench_value("ms", at(t, n, offsetof(struct times, total), 50), "%s.median", name);
		bench_value("ms", at(t, n, offsetof(struct times, total), 95), "%s.p95", name);
		bench_value("ms", at(t, n, offsetof(struct times, total), 100), "%s.max", name);
		bench_value("ms", at(t, n, offsetof(struct times, load), 50), "%s.load", name);
		bench_value("ms", at(t, n, offsetof(struct times, list), 50), "%s.list", name);
		bench_value("ms", at(t, n, offsetof(struct times, run), 50), "%s.run", name);
		bench_value("ms", (double)sum / 1e6, "%s.sum", name);
	}
	weir_posix_destroy(posix);
	free(t);
}

void bench_boards(const char *set, const char *dtbs, const struct weir_kernel *kernel)
{
	static const char *const profiles[] = { "linux", "weir" };
	struct corpus c = { 0 };
	char name[96];

	for (int k = 0; k < (kernel ? 2 : 1); k++) {
		for (int p = 0; p < 2; p++) {
			snprintf(name, sizeof(name), "board.%s.%s.%s", set, profiles[p],
				 k ? "kernel" : "all");
			if (!bench_wanted(name))
				continue;
			if (!c.n)
				read_corpus(&c, dtbs);
			if (!c.n)
				fprintf(stderr, "bench: %s: no device trees\n", dtbs);
			else
				run_corpus(&c, name, p ? NULL : &weir_policy_linux_6_12,
					   k ? kernel : NULL);
		}
	}
	for (size_t i = 0; i < c.n; i++)
		weir_bytes_fini(&c.trees[i]);
	free(c.trees);
}
