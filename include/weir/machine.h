// SPDX-License-Identifier: MIT
/*
 * The machine: the context that everything hangs off. A process may have any
 * number of machines, also in parallel threads; they share nothing.
 */
#ifndef WEIR_MACHINE_H
#define WEIR_MACHINE_H

#include "weir/err.h"
#include "weir/host.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weir_machine;
struct weir_policy_ops;

/**
 * weir_machine_create - make an empty machine under the library's own policy, with all parts (parts.h).
 * @ops: the host's calls; must stay valid as long as the machine.
 * @host: handed to each of them.
 * @out_machine: the new machine.
 *
 * Context: thread. Owner: the caller, until weir_machine_destroy().
 * Return: 0; WEIR_EINVAL when @ops is of another ABI version, too small or
 * lacks a required call (its name is logged if the host has a log);
 * WEIR_ENOMEM.
 */
int weir_machine_create(const struct weir_host_ops *ops, void *host,
			struct weir_machine **out_machine);

/**
 * weir_machine_create_policy - the same with another policy (policy.h).
 * @policy: the decisions; NULL for the library's own.
 * @policy_args: handed to the policy's init.
 *
 * Context: thread. Owner: the caller.
 * Return: as weir_machine_create(), or what the policy's init returned.
 */
int weir_machine_create_policy(const struct weir_host_ops *ops, void *host,
			       const struct weir_policy_ops *policy,
			       const void *policy_args,
			       struct weir_machine **out_machine);

/**
 * weir_machine_destroy - take everything down and free it.
 * @m: the machine, or NULL.
 *
 * Drivers are unbound consumers first, then devices, links, buses, firmware and
 * modules go. Context: thread, no probe of this machine running.
 */
void weir_machine_destroy(struct weir_machine *m);

/**
 * weir_step - do some of the work that is ready, without blocking.
 * @m: the machine.
 * @budget: how many probes to start at most; at least 1.
 *
 * Probes run inside this call, or on host threads when the host has them.
 * Context: thread; any number of threads may call it, on a host that has lock_wait.
 * Return: 1 when there is more to do now; WEIR_EAGAIN when nothing is ready but
 * probes are running on host threads; 0 when the machine is settled: nothing
 * more can happen by itself.
 */
int weir_step(struct weir_machine *m, unsigned int budget);

/**
 * weir_settle - step until the machine is settled.
 * @m: the machine.
 *
 * Blocks only in the host's thread_wait. Context: thread.
 * Return: 0; WEIR_EAGAIN when probes run on host threads and the host cannot
 * wait for them, or it is one of them that asks.
 */
int weir_settle(struct weir_machine *m);

/* What a machine holds at the moment; all zero but slab_bytes after everything was removed. */
struct weir_machine_stats {
	size_t devices;
	size_t drivers;
	size_t links;
	size_t fwnode_links;
	size_t fwnodes;
	size_t groups;       /* of devices behind IOMMUs */
	size_t alloc_bytes;  /* in use */
	size_t alloc_count;
	size_t alloc_peak_bytes;
	size_t slab_bytes;   /* kept for small objects until the machine goes, in use or not */
	uint64_t probes;     /* driver probe calls so far */
	uint64_t events;     /* events so far */
};

/**
 * weir_machine_stats_get - count what a machine holds.
 * Context: thread.
 */
void weir_machine_stats_get(struct weir_machine *m, struct weir_machine_stats *out_stats);

/**
 * weir_machine_host - the host that a machine was made with, for drivers: memory, time, interrupts.
 * @out_host: the context that its calls take.
 * Context: any. Return: its calls, valid as long as the machine.
 */
const struct weir_host_ops *weir_machine_host(const struct weir_machine *m, void **out_host);

/**
 * weir_machine_pages_keep - pages for hardware that goes on using them when its driver is gone.
 *
 * They are the machine's: freed when it is destroyed, or dropped. By then the hardware is
 * stopped, or its power is off. Sizes and results as the host's pages_alloc.
 * Context: thread. Return: 0; WEIR_EOPNOTSUPP when the host has no pages; WEIR_ENOMEM.
 */
int weir_machine_pages_keep(struct weir_machine *m, size_t bytes, size_t align_bytes,
			    void **out_va, uint64_t *out_pa);
/**
 * weir_machine_pages_find - whether memory that hardware uses is kept, in one piece from @pa on.
 * @out_va, @out_bytes: NULL: not wanted. Context: thread. Return: 0; WEIR_ENOENT.
 */
int weir_machine_pages_find(struct weir_machine *m, uint64_t pa, void **out_va, size_t *out_bytes);
/** weir_machine_pages_drop - free them early: nothing uses them. Others than kept ones are left alone. */
void weir_machine_pages_drop(struct weir_machine *m, uint64_t pa);

/**
 * weir_machine_policy_name - the name of the machine's policy, such as "weir".
 * Context: any. Return: a string valid as long as the machine.
 */
const char *weir_machine_policy_name(const struct weir_machine *m);

#ifdef __cplusplus
}
#endif
#endif
