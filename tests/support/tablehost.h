// SPDX-License-Identifier: MIT
/*
 * A host for translation tables: pages with physical addresses of its own, and what a walker of
 * tables sees of them. A coherent walker sees what the CPU wrote; another one only what was
 * cleaned, and before that entries that look valid. To read what is no page fails the test.
 */
#ifndef WEIR_TABLEHOST_H
#define WEIR_TABLEHOST_H

#include "weir/host.h"

struct tablehost;

/* @pa_bits: where pages are, as high as that goes. */
struct tablehost *tablehost_create(bool coherent, unsigned int pa_bits);
/* Return: NULL. Fails the test when pages are left. */
struct tablehost *tablehost_destroy(struct tablehost *th);
/* Its table of calls; the context is the tablehost. A testhost is put around it. */
const struct weir_host_ops *tablehost_ops(const struct tablehost *th);
/* Eight bytes of memory as a walker reads them. */
uint64_t tablehost_read(void *th, uint64_t pa);
/* Calls of dma_barrier and cache_sync so far. */
unsigned long tablehost_barriers(const struct tablehost *th);

#endif
