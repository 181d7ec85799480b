// SPDX-License-Identifier: MIT
/* Measuring CPU time, and lines of `name value unit`. */
#ifndef WEIR_BENCH_BENCH_H
#define WEIR_BENCH_BENCH_H

#include <stdbool.h>
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
/* The median, as nanoseconds for each of @ops; empties the series. */
void bench_report_ns(struct bench_series *s, uint64_t ops, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void bench_value(const char *unit, double value, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether the user asked for measurements of that name: all, or what holds --only's text. */
bool bench_wanted(const char *name);

/* devcore.c: made-up machines. */
void bench_devcore(void);
/* table.c: translation tables. */
void bench_table(void);
/* iova.c: I/O virtual addresses. */
void bench_iova(void);
/* dma.c: mapping and unmapping. */
void bench_dma(void);
/* smmu.c: commands of the SMMUv3's driver, and memory. */
void bench_smmu(void);
/* boards.c: a directory of device trees; @kernel: an open kernel, or NULL. */
struct weir_kernel;
void bench_boards(const char *set, const char *dtbs, const struct weir_kernel *kernel);
/* kernel.c: opening a kernel directory, cold and warm. Owner: the kernel is the caller's. */
struct weir_kernel *bench_kernel(const char *dir);

#endif
