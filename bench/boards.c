// SPDX-License-Identifier: MIT
/*
 * Real boards: loading a tree and bringing it up, per board, over a directory of
 * device trees. Reading and unpacking files is not counted; making the driver list
 * is. With a kernel directory also opening it, cold and warm, and its own drivers.
 */
#include <fts.h>
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

/* One board from blob to verdicts. Return: CPU nanoseconds, or 0 when it failed. */
static uint64_t bring_up(const struct weir_bytes *tree, struct weir_posix *posix,
			 const struct weir_policy_ops *policy, const struct weir_kernel *kernel)
{
	uint64_t start = bench_cpu_ns(), end = 0;
	struct weir_driver_list *list = NULL;
	struct weir_kmodel *model = NULL;
	struct weir_machine *m = NULL;
	struct weir_device *dev;

	if (weir_machine_create_policy(weir_posix_ops(posix), posix, policy, NULL, &m))
		return 0;
	if (!weir_firmware_load_dt(m, tree->data, tree->size) && !make_list(m, kernel, &list) &&
	    !weir_kmodel_create(m, list, NULL, &model) && !weir_kmodel_boot(model)) {
		if (kernel)
			weir_kmodel_coldplug(model, NULL, NULL);
		weir_kmodel_wait(model, 11000);
		for (dev = weir_device_first(m); dev; dev = weir_device_next(dev))
			weir_device_verdict(dev, NULL);
		end = bench_cpu_ns();
	}
	weir_kmodel_detach(model);
	weir_machine_destroy(m);
	weir_kmodel_destroy(model);
	weir_driver_list_destroy(list);
	return end ? end - start : 0;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void run_corpus(const struct corpus *c, const char *name,
		       const struct weir_policy_ops *policy, const struct weir_kernel *kernel)
{
	uint64_t *ns = calloc(c->n, sizeof(*ns)), sum = 0;
	struct weir_posix *posix;

	if (!ns || weir_posix_create(NULL, &posix))
		exit(1);
	for (size_t i = 0; i < c->n; i++) {
		ns[i] = bring_up(&c->trees[i], posix, policy, kernel);
		sum += ns[i];
	}
	qsort(ns, c->n, sizeof(*ns), by_value);
	bench_value("count", (double)c->n, "board.%s.boards", name);
	bench_value("ms", (double)ns[c->n / 2] / 1e6, "board.%s.median", name);
	bench_value("ms", (double)ns[c->n * 95 / 100] / 1e6, "board.%s.p95", name);
	bench_value("ms", (double)ns[c->n - 1] / 1e6, "board.%s.max", name);
	bench_value("ms", (double)sum / 1e6, "board.%s.sum", name);
	weir_posix_destroy(posix);
	free(ns);
}

static struct weir_kernel *open_kernel(const char *dir, const char *name)
{
	uint64_t start = bench_cpu_ns();
	struct weir_kernel *kernel = NULL;
	struct weir_errtext et = { "" };

	if (weir_kernel_open(dir, NULL, &et, &kernel)) {
		fprintf(stderr, "bench: %s\n", et.text);
		return NULL;
	}
	bench_value("ms", (double)(bench_cpu_ns() - start) / 1e6, "kernel.open.%s", name);
	return kernel;
}

void bench_boards(const char *dtbs, const char *kernel_dir)
{
	struct weir_kernel *kernel = NULL;
	struct corpus c = { 0 };

	read_corpus(&c, dtbs);
	if (!c.n) {
		fprintf(stderr, "bench: %s: no device trees\n", dtbs);
		return;
	}
	run_corpus(&c, "linux.all", &weir_policy_linux_6_12, NULL);
	run_corpus(&c, "weir.all", NULL, NULL);
	if (kernel_dir) {
		setenv("WEIR_NO_CACHE", "1", 1);
		weir_kernel_destroy(open_kernel(kernel_dir, "cold"));
		unsetenv("WEIR_NO_CACHE");
		weir_kernel_destroy(open_kernel(kernel_dir, "first"));
		kernel = open_kernel(kernel_dir, "warm");
	}
	if (kernel) {
		run_corpus(&c, "linux.kernel", &weir_policy_linux_6_12, kernel);
		run_corpus(&c, "weir.kernel", NULL, kernel);
	}
	weir_kernel_destroy(kernel);
	for (size_t i = 0; i < c.n; i++)
		weir_bytes_fini(&c.trees[i]);
	free(c.trees);
}
