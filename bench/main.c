// SPDX-License-Identifier: MIT
/* The benchmarks: `name value unit` lines, and the same as JSON. */
#include "bench.h"

#include <getopt.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/kernel.h"

static FILE *json;
static unsigned int printed;
static const char *only;

uint64_t bench_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void bench_begin(struct bench_series *s)
{
	s->start = bench_cpu_ns();
}

void bench_end(struct bench_series *s)
{
	if (s->n < BENCH_REPS)
		s->ns[s->n++] = bench_cpu_ns() - s->start;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void print(const char *unit, double value, const char *fmt, va_list args)
{
	char name[128];

	vsnprintf(name, sizeof(name), fmt, args);
	printf("%s %.3f %s\n", name, value, unit);
	fflush(stdout);
	if (json)
		fprintf(json, "%s\n  {\"name\": \"%s\", \"value\": %.3f, \"unit\": \"%s\"}",
			printed++ ? "," : "", name, value, unit);
}

static double take_median(struct bench_series *s)
{
	double ns;

	qsort(s->ns, s->n, sizeof(*s->ns), by_value);
	ns = (double)s->ns[s->n / 2];
	s->n = 0;
	return ns;
}

void bench_report_ms(struct bench_series *s, const char *fmt, ...)
{
	va_list args;

	if (!s->n)
		return;
	va_start(args, fmt);
	print("ms", take_median(s) / 1e6, fmt, args);
	va_end(args);
}

void bench_report_ns(struct bench_series *s, uint64_t ops, const char *fmt, ...)
{
	va_list args;

	if (!s->n)
		return;
	va_start(args, fmt);
	print("ns", take_median(s) / (double)ops, fmt, args);
	va_end(args);
}

void bench_value(const char *unit, double value, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print(unit, value, fmt, args);
	va_end(args);
}

bool bench_wanted(const char *name)
{
	return !only || strstr(name, only);
}

static const char usage_text[] =
	"usage: weir-bench [--dtbs [NAME=]DIR]... [--kernel DIR] [--json FILE] [--only TEXT]\n"
	"Prints `name value unit` lines; TEXT: only measurements with that in their name.\n";

#define MAX_SETS 8

static void run_boards(char *const *sets, int n, const char *kernel_dir)
{
	struct weir_kernel *kernel = kernel_dir ? bench_kernel(kernel_dir) : NULL;

	for (int i = 0; i < n; i++) {
		char *dir = strchr(sets[i], '=');

		if (dir)
			*dir++ = '\0';
		bench_boards(dir ? sets[i] : "dtb", dir ? dir : sets[i], kernel);
	}
	weir_kernel_destroy(kernel);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dtbs", required_argument, NULL, 'd' },
		{ "kernel", required_argument, NULL, 'k' },
		{ "json", required_argument, NULL, 'j' },
		{ "only", required_argument, NULL, 'o' },
		{ 0 },
	};
	const char *kernel = NULL, *json_path = NULL;
	char *sets[MAX_SETS];
	int opt, nr_sets = 0;

	/* as a kernel does, keep freed memory: giving it back costs a page fault each time */
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'd':
			if (nr_sets < MAX_SETS)
				sets[nr_sets++] = optarg;
			break;
		case 'k': kernel = optarg; break;
		case 'o': only = optarg; break;
		case 'j': json_path = optarg; break;
		default:
			fputs(usage_text, stderr);
			return 2;
		}
	}
	json = json_path ? fopen(json_path, "w") : NULL;
	if (json_path && !json) {
		perror(json_path);
		return 2;
	}
	if (json)
		fputs("[", json);
	bench_devcore();
	bench_table();
	bench_iova();
	bench_dma();
	bench_smmu();
	run_boards(sets, nr_sets, kernel);
	if (json) {
		fputs("\n]\n", json);
		fclose(json);
	}
	return 0;
}
