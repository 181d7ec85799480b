// SPDX-License-Identifier: MIT
/*
 * The host seam: everything the library needs from the program around it.
 *
 * A host is a table of calls and a context pointer, given to
 * weir_machine_create(). Tables can be stacked: a tracer or fault injector is a
 * host whose calls delegate to another host.
 *
 * Required: alloc, free, lock_create, lock_destroy, lock, unlock, assert_failed.
 * Optional groups may be left NULL; what the library then does is said at each.
 */
#ifndef WEIR_HOST_H
#define WEIR_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Version of the ABI of all ops tables; a table of another version is refused. */
#define WEIR_ABI_VERSION 1u

/*
 * The head of every ops table. @size is sizeof the table as its author saw it,
 * @version the WEIR_ABI_VERSION it was compiled with.
 */
struct weir_abi {
	uint32_t size;
	uint32_t version;
};

/* Initialiser for the head of an ops table of the given type. */
#define WEIR_ABI(type) { (uint32_t)sizeof(type), WEIR_ABI_VERSION }

struct weir_lock;         /* the host's; opaque to the library */
struct weir_module_entry; /* module.h */

enum weir_log_level {
	WEIR_LOG_ERR,
	WEIR_LOG_WARN,
	WEIR_LOG_INFO,
	WEIR_LOG_DEBUG,
};

struct weir_host_ops {
	struct weir_abi abi;

	/* ---- required ---- */

	/*
	 * Memory, zeroed, aligned for any C type; NULL when there is none.
	 * Context: may sleep; the library calls it with its machine lock held,
	 * so it must not call back into the library.
	 */
	void *(*alloc)(void *host, size_t bytes);
	/* Gives back what alloc returned, @bytes as then. Not called with NULL. */
	void (*free)(void *host, void *mem, size_t bytes);

	/*
	 * A sleeping mutual-exclusion lock. @rank is a value of enum
	 * weir_lock_rank: a thread takes locks in rising rank only, which a
	 * checking host may verify. NULL when there is no memory.
	 */
	struct weir_lock *(*lock_create)(void *host, unsigned int rank);
	void (*lock_destroy)(void *host, struct weir_lock *lock);
	/* Context: thread, never interrupt. Not recursive. */
	void (*lock)(void *host, struct weir_lock *lock);
	void (*unlock)(void *host, struct weir_lock *lock);

	/*
	 * A caller of the library, or the library itself, broke a rule: @what
	 * says which. Must not return normally on a debugging host; when it
	 * does return, the library goes on as well as it can.
	 */
	void (*assert_failed)(void *host, const char *what, const char *file, int line);

	/* ---- optional: log. NULL: nothing is printed. ---- */

	/* One line without newline. Context: thread, any lock may be held. */
	void (*log)(void *host, enum weir_log_level level, const char *line);

	/* ---- optional: time. NULL: events carry time 0. ---- */

	/* Monotonic nanoseconds. No decision of the library depends on it. */
	uint64_t (*time_ns)(void *host);

	/* ---- optional: threads. NULL: probes run inside weir_step(). ---- */

	/*
	 * Runs fn(arg) once on some other thread, soon. Returns 0, or
	 * WEIR_EAGAIN when it takes no more work now; the library then runs the
	 * function itself. Context: called with the machine lock held; fn will
	 * take that lock, so it must not be called from inside this call.
	 */
	int (*thread_run)(void *host, void (*fn)(void *arg), void *arg);
	/*
	 * Blocks until some function given to thread_run has returned since the
	 * last call of thread_wait, or returns at once if one already has.
	 * Called without locks, by weir_settle() and by orderly removal only.
	 */
	void (*thread_wait)(void *host);

	/* ---- optional: modules. NULL: weir_module_open() is refused. ---- */

	/*
	 * Maps the module @name into the program and finds its entry table
	 * (struct weir_module_entry). Returns 0 or a negative enum weir_err.
	 */
	int (*module_open)(void *host, const char *name, void **out_image,
			   const struct weir_module_entry **out_entry);
	void (*module_close)(void *host, void *image);
};

/* Ranks of the library's locks, lowest taken first. docs/locking.md. */
enum weir_lock_rank {
	WEIR_LOCK_GROUP = 1,   /* one for each IOMMU group: attaching */
	WEIR_LOCK_DOMAIN = 2,  /* one for each domain: its mappings and parts */
	WEIR_LOCK_IOVA = 3,    /* one for each space of I/O virtual addresses */
	WEIR_LOCK_POWER = 4,   /* held around runtime power calls of drivers */
	WEIR_LOCK_MACHINE = 5, /* everything that hangs off a machine */
};

#ifdef __cplusplus
}
#endif
#endif
