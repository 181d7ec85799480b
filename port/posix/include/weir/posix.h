// SPDX-License-Identifier: MIT
/*
 * A host on a POSIX process: memory from malloc, locks and worker threads from
 * pthreads, time from CLOCK_MONOTONIC, log lines to a stream, modules by dlopen.
 *
 *	struct weir_posix *posix;
 *	weir_posix_create(NULL, &posix);
 *	weir_machine_create(weir_posix_ops(posix), posix, &m);
 *	...
 *	weir_machine_destroy(m);
 *	posix = weir_posix_destroy(posix);
 *
 * One host may serve any number of machines, also from several threads.
 */
#ifndef WEIR_POSIX_H
#define WEIR_POSIX_H

#include <stdio.h>

#include "weir/err.h"
#include "weir/host.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weir_machine;
struct weir_posix;

struct weir_posix_options {
	/* Worker threads for probes; 0: probes run inside weir_step(). */
	unsigned int threads;
	/* Where log lines go, kept by pointer; NULL: nowhere. */
	FILE *log;
	/* The least important level that is printed. */
	enum weir_log_level log_level;
	/*
	 * The directory of loadable modules, or several with ":" between them, copied:
	 * module NAME is the file NAME.so in the first that has it.
	 * NULL: weir_module_open() is refused.
	 */
	const char *module_dir;
};

/**
 * weir_posix_create - make a host.
 * @options: borrowed; NULL for no threads, no log and no modules.
 * @out_posix: the host; it is also the context that its calls take.
 *
 * Context: thread. Owner: the caller, until weir_posix_destroy().
 * Return: 0; WEIR_ENOMEM; WEIR_EAGAIN when the system gives no more threads.
 */
int weir_posix_create(const struct weir_posix_options *options, struct weir_posix **out_posix);

/**
 * weir_posix_destroy - end the worker threads, after all work given to them, and free the host.
 * @posix: a host that no machine uses any more, or NULL.
 * Context: thread, not a worker. Return: NULL.
 */
struct weir_posix *weir_posix_destroy(struct weir_posix *posix);

/**
 * weir_posix_ops - the calls of a host, for weir_machine_create().
 * Context: any. Owner: the host. Return: the table; calls that its options leave
 * out are NULL.
 */
const struct weir_host_ops *weir_posix_ops(const struct weir_posix *posix);

/*
 * Gets a module that could be loaded; @entry is NULL when the file is none, or was made
 * for another ABI. Both are borrowed. Must not open modules.
 */
typedef void weir_posix_module_fn(void *context, const char *name,
				  const struct weir_module_entry *entry);

/**
 * weir_posix_modules - the modules in the directories of a host, by name.
 * Each is opened for the call. Context: thread. Return: 0, also when there are none;
 * WEIR_ENOMEM.
 */
int weir_posix_modules(const struct weir_posix *posix, weir_posix_module_fn *fn, void *context);

/**
 * weir_posix_declare_modules - tell the catalogue of a machine of them: all their
 * drivers can be loaded.
 * Context: thread. Return: 0; WEIR_ENOMEM.
 */
int weir_posix_declare_modules(const struct weir_posix *posix, struct weir_machine *m);

#ifdef __cplusplus
}
#endif
#endif
