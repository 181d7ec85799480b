// SPDX-License-Identifier: GPL-2.0-only
/* Linux's short descriptors behind calls that linux.c makes. Compiled with the kernel's own file in it. */
#include "io-pgtable-arm-v7s.c"

#include "linux_short.h"

struct io_pgtable *linux_short_alloc(struct io_pgtable_cfg *cfg)
{
	return io_pgtable_arm_v7s_init_fns.alloc(cfg, NULL);
}

void linux_short_free(struct io_pgtable *iop)
{
	io_pgtable_arm_v7s_init_fns.free(iop);
}

const void *linux_short_root(const struct io_pgtable *iop)
{
	return container_of(iop, struct arm_v7s_io_pgtable, iop)->pgd;
}
