// SPDX-License-Identifier: MIT
/*
 * Opening a kernel directory: without the cache, with it but nothing in it (what is
 * found is also written), and again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "kernel/kernel.h"

static struct weir_kernel *open_once(const char *dir, struct bench_series *time)
{
	struct weir_kernel *kernel = NULL;
	struct weir_errtext et = { "" };

	bench_begin(time);
	if (weir_kernel_open(dir, NULL, &et, &kernel)) {
		fprintf(stderr, "bench: %s\n", et.text);
		exit(1);
	}
	bench_end(time);
	return kernel;
}

/* An empty cache directory for the time of the measurement. */
static void remove_cache(const char *dir)
{
	char command[160];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	if (system(command))
		perror(dir);
}

struct weir_kernel *bench_kernel(const char *dir)
{
	struct bench_series cold = { 0 }, first = { 0 }, warm = { 0 };
	const char *was = getenv("XDG_CACHE_HOME");
	char cache[] = "/tmp/weir-bench-XXXXXX", *keep = was ? strdup(was) : NULL;
	struct weir_kernel *kernel = NULL;

	if (!mkdtemp(cache)) {
		perror(cache);
		exit(1);
	}
	setenv("WEIR_NO_CACHE", "1", 1);
	for (int i = 0; i < 3; i++)
		weir_kernel_destroy(open_once(dir, &cold));
	unsetenv("WEIR_NO_CACHE");
	setenv("XDG_CACHE_HOME", cache, 1);
	weir_kernel_destroy(open_once(dir, &first));
	for (int i = 0; i < 7; i++) {
		weir_kernel_destroy(kernel);
		kernel = open_once(dir, &warm);
	}
	bench_report_ms(&cold, "kernel.open.cold");
	bench_report_ms(&first, "kernel.open.first");
	bench_report_ms(&warm, "kernel.open.warm");
	if (keep)
		setenv("XDG_CACHE_HOME", keep, 1);
	else
		unsetenv("XDG_CACHE_HOME");
	remove_cache(cache);
	free(keep);
	return kernel;
}
