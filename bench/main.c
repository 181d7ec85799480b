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

static FILE *json;
static unsigned int printed;

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

void bench_report_ms(struct bench_series *s, const char *fmt, ...)
{
	va_list args;

	if (!s->n)
		return;
	qsort(s->ns, s->n, sizeof(*s->ns), by_value);
	va_start(args, fmt);
	print("ms", (double)s->ns[s->n / 2] / 1e6, fmt, args);
	va_end(args);
	s->n = 0;
}

void bench_value(const char *unit, double value, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print(unit, value, fmt, args);
	va_end(args);
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
	const char *dtbs = NULL, *kernel = NULL, *only = NULL;
	int opt;

	/* as a kernel does, keep freed memory: giving it back costs a page fault each time */
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'd': dtbs = optarg; break;
		case 'k': kernel = optarg; break;
		case 'o': only = optarg; break;
		case 'j':
			json = fopen(optarg, "w");
			if (!json) {
				perror(optarg);
				return 2;
			}
			fputs("[", json);
			break;
		default:
			fputs("usage: weir-bench [--dtbs DIR] [--kernel DIR] [--json FILE] "
			      "[--only devcore|boards]\n", stderr);
			return 2;
		}
	}
	if (!only || !strcmp(only, "devcore"))
		bench_devcore();
	if (dtbs && (!only || !strcmp(only, "boards")))
		bench_boards(dtbs, kernel);
	if (json) {
		fputs("\n]\n", json);
		fclose(json);
	}
	return 0;
}
