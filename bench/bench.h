// SPDX-License-Identifier: MIT
/* Measuring CPU time, and lines of `name value unit`. */
#ifndef WEIR_BENCH_BENCH_H
#define WEIR_BENCH_BENCH_H

#include <stdint.h>

#define BENCH_REPS 64

struct bench_series {
	uint64_t ns[BENCH_REPS];
	unsigned int n;
	uint64_t start;
};

/* CPU time of this thread. */
uint64_t bench_cpu_ns(void);
void bench_begin(struct bench_series *s);
void bench_end(struct bench_series *s);
/* The median, as milliseconds; empties the series. */
void bench_report_ms(struct bench_series *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void bench_value(const char *unit, double value, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

void bench_devcore(void);
/* @kernel: a kernel directory, or NULL. */
void bench_boards(const char *dtbs, const char *kernel);

#endif
