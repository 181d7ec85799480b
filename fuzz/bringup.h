// SPDX-License-Identifier: MIT
/*
 * A whole bring-up for fuzzers: a tree is loaded into a machine under a policy, all
 * its drivers are modelled, a script is run, every device is asked for its verdict,
 * and everything goes. What must hold whatever the input is checked on the way;
 * what does not ends the process.
 */
#ifndef WEIR_FUZZ_BRINGUP_H
#define WEIR_FUZZ_BRINGUP_H

#include "kernel/driverlist.h"
#include "weir/policy.h"
#include "weir/weir.h"

struct bringup {
	const struct weir_policy_ops *policy;
	const char *cmdline;                  /* of linux-6.12 */
	const struct weir_driver_list *list;  /* NULL: a driver for every compatible string */
	const char *const *script;            /* lines, up to NULL; $N is driver N of the list */
	uint32_t external;                    /* bit N: driver N of 32 comes by load-external */
	bool sync_state;
};

/* Ends the process with a line that says what did not hold. */
#define BRINGUP_CHECK(cond) ((cond) ? (void)0 : bringup_die(#cond, __FILE__, __LINE__))
_Noreturn void bringup_die(const char *what, const char *file, int line);

/* Return: 0, or what loading the tree returned. */
int bringup_run(const struct bringup *b, const void *blob, size_t bytes);

#endif
