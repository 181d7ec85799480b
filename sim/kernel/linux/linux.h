// SPDX-License-Identifier: MIT
/*
 * The policy "linux-6.12": the decisions of Linux 6.12's driver core, wart for
 * wart, behind the engine's decision points, on a virtual clock. What it agrees
 * with is recorded in docs/differences.md.
 */
#ifndef WEIR_SIM_KERNEL_LINUX_LINUX_H
#define WEIR_SIM_KERNEL_LINUX_LINUX_H

#include "weir/policy.h"

enum weir_linux_fw_devlink {
	WEIR_FW_DEVLINK_OFF,
	WEIR_FW_DEVLINK_PERMISSIVE,
	WEIR_FW_DEVLINK_ON,
	WEIR_FW_DEVLINK_RPM,
};

/* The kernel's switches; weir_linux_args_init() gives the defaults of 6.12. */
struct weir_linux_args {
	enum weir_linux_fw_devlink fw_devlink;
	bool fw_devlink_strict;
	bool sync_state_timeout;    /* fw_devlink.sync_state=timeout */
	int deferred_probe_timeout; /* seconds */
	bool no_modules;            /* a kernel built without CONFIG_MODULES */
	/*
	 * Told of each device that can be found on its bus while it is not complete, in the thread
	 * that adds it: drivers that come then are let at it, as Linux did before the fix of April 2026
	 * (commit a2225b6e834a; 6.12.117 has it). NULL: adding a device is one step. Context: no locks held.
	 */
	void (*visible)(void *context, struct weir_device *dev);
	void *context;
};

void weir_linux_args_init(struct weir_linux_args *out_args);

/*
 * Reads the switches out of a kernel command line; other words are passed over,
 * and a value that the kernel would ignore is ignored.
 */
void weir_linux_args_parse(struct weir_linux_args *args, const char *cmdline);

/* Give a struct weir_linux_args (or NULL) to weir_machine_create_policy(). */
extern const struct weir_policy_ops weir_policy_linux_6_12;

/* The clock, in virtual nanoseconds since start-up. Context: any. */
uint64_t weir_linux_now_ns(const struct weir_machine *m);
/* Time passes inside a probe: the timer is looked at when all is settled. */
void weir_linux_elapse(struct weir_machine *m, uint64_t ns);
/* Lets time pass; the deferred probe timer may fire on the way. */
void weir_linux_advance(struct weir_machine *m, uint64_t ms);
/* Runs the retry worker until it has nothing to do. */
void weir_linux_settle(struct weir_machine *m);

/* The stations of a boot. */
void weir_linux_populate_begin(struct weir_machine *m); /* sync_state is held from here */
void weir_linux_initcalls_end(struct weir_machine *m);  /* late initcall of the driver core */
void weir_linux_populate_end(struct weir_machine *m);   /* late initcall, sync level */

/* Whether the device waits in the list of deferred devices. */
bool weir_linux_is_deferred(const struct weir_device *dev);
/* The attribute waiting_for_supplier: 0, 1, or WEIR_ENOENT when there is none. */
int weir_linux_waiting_for_supplier(const struct weir_device *dev);
/* Whether any driver ever matched the device; whether its sync_state was called. */
bool weir_linux_can_match(const struct weir_device *dev);
bool weir_linux_state_synced(const struct weir_device *dev);

#endif
