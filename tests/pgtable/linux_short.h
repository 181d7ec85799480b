// SPDX-License-Identifier: MIT
/* Between linux.c and linux_short.c: each has one of the kernel's files in it. */
#ifndef PGTABLE_LINUX_SHORT_H
#define PGTABLE_LINUX_SHORT_H

struct io_pgtable;
struct io_pgtable_cfg;

struct io_pgtable *linux_short_alloc(struct io_pgtable_cfg *cfg);
void linux_short_free(struct io_pgtable *iop);
const void *linux_short_root(const struct io_pgtable *iop);

#endif
