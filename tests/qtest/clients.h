// SPDX-License-Identifier: MIT
/*
 * A QEMU with a client (examples/drivers) bound to one of its devices, reached directly or
 * through an IOMMU (bench_iommu()) with addresses that are outside of RAM.
 */
#ifndef WEIR_TESTS_CLIENTS_H
#define WEIR_TESTS_CLIENTS_H

#include "bench.h"
#include "common.h"

#define CLIENTS_MAX_ARGS 24u

struct clients {
	struct bench b;
	const struct weir_driver *drv;
	struct weir_device *dev;
	const struct weir_client_ops *ops;
	bool behind_iommu;
	struct weir_module *iommu;
	int disk_fd, capture_fd; /* memory that stands for files; -1: none */
	const char *args[CLIENTS_MAX_ARGS];
	char text[4][160], iommu_text[64];
};

/* What is tested: a driver, and the device that it is for. */
struct clients_what {
	const struct weir_driver *drv;
	uint16_t vendor, device;
	const char *const *args; /* QEMU's, ending with NULL */
	size_t disk_bytes;       /* a disk "disk0" of that size, whose contents are in disk_fd */
	bool network;            /* a user network "net0" whose packets go to capture_fd */
};

/* Starts it, and binds the client. @iommu: behind one. */
void clients_open(struct clients *cl, const struct clients_what *what, const char *arch, bool iommu);
void clients_close(struct clients *cl);
/* The driver is registered and takes its device; and unregistered. */
void clients_bind(struct clients *cl);
void clients_unbind(struct clients *cl);
/* The test passes, its report is printed. */
void clients_pass(struct clients *cl, const char *test);
/* It fails with that error, and the report has all of these words. */
void clients_refuse(struct clients *cl, const char *test, int err, const char *words);
/*
 * Binds and unbinds with the first, second, third ... call of the host failing, until none
 * does. Return: how many failed.
 */
unsigned long clients_sweep(struct clients *cl);
/*
 * Does a test with one call of the host failing, at @points places that are drawn: an error,
 * nothing left behind, and the next time it passes.
 */
void clients_sweep_test(struct clients *cl, const char *test, unsigned int points);
/* Bound, one test, unbound, @rounds times: nothing grows. @rest: left in flight each time. */
void clients_reload(struct clients *cl, unsigned int rounds, const char *rest);
/*
 * The device answers no more: the test fails soon, it can be unbound soon, and all is well when it
 * is back.
 */
void clients_gone(struct clients *cl);
/*
 * An address that the device was given is an IOVA outside of RAM, and leads to @pa; direct:
 * it is @pa.
 */
void clients_iova(struct clients *cl, uint64_t iova, uint64_t pa);
/* Where memory of the library is. */
uint64_t clients_pa(struct clients *cl, const void *va);
/* The same for all pages of a mapped buffer, whose order must be none. */
void clients_buffer(struct clients *cl, const struct client_buffer *b);
/*
 * What a disk is told to write is in the file behind it, page by page, and what that has is
 * read. @transfer: see struct client_disk.
 */
void clients_disk(struct clients *cl, struct client *c,
		  int (*transfer)(struct client *c, const struct client_buffer *b, uint32_t first,
				  uint32_t nr, uint64_t at, bool write));

/* Whole tests that any client passes, behind an IOMMU. */
/* Taken away with DMA in flight, and back again, 20 times. */
void clients_check_reload(const struct clients_what *what);
/* The device vanishes. */
void clients_check_gone(const struct clients_what *what);
/* Each host call fails once while it is bound, and in the test @test, if it is not NULL. */
void clients_check_sweep(const struct clients_what *what, const char *test);

#endif
