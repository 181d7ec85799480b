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
struct weir_irq;          /* likewise */
struct weir_timer;        /* likewise */
struct weir_module_entry; /* module.h */

/* What a device writes to where when it raises a message-signalled interrupt. */
struct weir_msi {
	uint64_t pa; /* the doorbell, 4-byte aligned */
	uint32_t data;
};

enum weir_log_level {
	WEIR_LOG_ERR,
	WEIR_LOG_WARN,
	WEIR_LOG_INFO,
	WEIR_LOG_DEBUG,
};

enum weir_cache_op {
	WEIR_CACHE_CLEAN,            /* what the CPU wrote gets to memory */
	WEIR_CACHE_INVALIDATE,       /* what is in memory gets to the CPU */
	WEIR_CACHE_CLEAN_INVALIDATE, /* both */
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
	/*
	 * Gives back what alloc or alloc_atomic returned, @bytes as then. Not called
	 * with NULL. Context: any, where the host has spin locks.
	 */
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

	/*
	 * ---- optional: spin locks. NULL: sleeping locks are used instead; then nothing
	 * of the library may be called in interrupt context. ----
	 */

	/*
	 * A lock for any context: taking it keeps interrupts away from this CPU and
	 * returns how that was before, for spin_unlock. Nothing sleeps under it. Ranks
	 * as above; those of spin locks are above all others. NULL without memory.
	 */
	struct weir_lock *(*spin_create)(void *host, unsigned int rank);
	void (*spin_destroy)(void *host, struct weir_lock *spin);
	unsigned long (*spin_lock)(void *host, struct weir_lock *spin);
	void (*spin_unlock)(void *host, struct weir_lock *spin, unsigned long before);
	/* As alloc, but it does not sleep. Context: any. NULL: alloc never sleeps. */
	void *(*alloc_atomic)(void *host, size_t bytes);

	/* ---- optional: log. NULL: nothing is printed. ---- */

	/*
	 * One line without newline. Context: thread, any lock may be held. What a device did
	 * wrong is told where it was found, by virtio's queues and by drivers that are used
	 * without a machine: a few lines of each, which may be in any context. So are wrong calls
	 * of weir/dma.h, and unmaps that an IOMMU did not confirm, in that of the caller.
	 */
	void (*log)(void *host, enum weir_log_level level, const char *line);

	/* ---- optional: time. NULL: events carry time 0, and the library counts. ---- */

	/*
	 * Monotonic nanoseconds. How long hardware is waited for goes by it, and when a stream that
	 * faulted is calm again; what is probed when does not. Where it stands still, the library counts.
	 * Context: any.
	 */
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
	/*
	 * A number of the calling thread, which no other has as long as it runs. Required with
	 * thread_run and with lock_wait. Context: thread.
	 */
	uint64_t (*thread_self)(void *host);

	/*
	 * ---- optional: several threads of the program in one machine. NULL: one at a time
	 * calls the library, "Context: any" and functions given to thread_run excepted. ----
	 */

	/*
	 * Releases @lock, which the caller holds, as its only one; sleeps until lock_wake; takes
	 * it again. May return early. Context: thread.
	 */
	void (*lock_wait)(void *host, struct weir_lock *lock);
	/* Wakes all who sleep in lock_wait with @lock, which the caller holds. Context: thread. */
	void (*lock_wake)(void *host, struct weir_lock *lock);

	/* ---- optional: modules. NULL: weir_module_open() is refused. ---- */

	/*
	 * Maps the module @name into the program and finds its entry table
	 * (struct weir_module_entry). Returns 0 or a negative enum weir_err.
	 */
	int (*module_open)(void *host, const char *name, void **out_image,
			   const struct weir_module_entry **out_entry);
	void (*module_close)(void *host, void *image);

	/*
	 * ---- optional: memory that devices reach. NULL: nothing of the library
	 * that needs it can be used (WEIR_EOPNOTSUPP). ----
	 */

	/*
	 * Zeroed memory, contiguous for devices: @bytes and @align_bytes are
	 * multiples of 4 KiB, the alignment (of the physical address) is a power of
	 * two. Coherent with devices, or the host has cache calls. Returns 0, or
	 * WEIR_ENOMEM. Context: thread, any lock may be held.
	 */
	int (*pages_alloc)(void *host, size_t bytes, size_t align_bytes, void **out_va,
			   uint64_t *out_pa);
	/*
	 * Gives back what pages_alloc or pages_alloc_atomic returned, all of it. Context: as
	 * pages_alloc; any, on a host where tables change in any context.
	 */
	void (*pages_free)(void *host, void *va, uint64_t pa, size_t bytes);
	/* As pages_alloc, but it does not sleep. Context: any. NULL: pages_alloc never sleeps. */
	int (*pages_alloc_atomic)(void *host, size_t bytes, size_t align_bytes, void **out_va,
				  uint64_t *out_pa);

	/* ---- optional: addresses of memory. NULL: see each. Context: any. ---- */

	/*
	 * Where [va, va + bytes) is physically, when it is in one piece. Returns 0;
	 * WEIR_EINVAL. NULL: forms that take a virtual address are refused.
	 */
	int (*va_to_pa)(void *host, const void *va, size_t bytes, uint64_t *out_pa);
	/* The CPU's view of [pa, pa + bytes); NULL result: it has none. NULL: nothing can be bounced. */
	void *(*pa_to_va)(void *host, uint64_t pa, size_t bytes);

	/*
	 * ---- optional: cache maintenance for what is not coherent, to the point where
	 * devices see memory. NULL: devices that are not coherent are refused. Context: any. ----
	 */
	void (*cache_sync)(void *host, uint64_t pa, uint64_t bytes, enum weir_cache_op op);

	/* ---- optional: numbers of CPUs. NULL: one for all. Context: any. ---- */

	unsigned int (*cpu_count)(void *host); /* constant; at least 1 */
	unsigned int (*cpu_id)(void *host);    /* below it; a hint, it may change at any time */
	/*
	 * As cpu_id, and the number is the caller's alone until cpu_leave, which gets what was
	 * stored here: no interrupt and no other thread is given it meanwhile. cpu_count() when
	 * there is none left. In between, the library calls spin locks, alloc_atomic and free.
	 * NULL: an atomic operation does instead.
	 */
	unsigned int (*cpu_enter)(void *host, unsigned long *out_before);
	void (*cpu_leave)(void *host, unsigned long before); /* NULL: the number is a thread's for good */

	/* ---- optional: timers. NULL: what would wait for one is done at once. ---- */

	/*
	 * Makes a timer that calls fn(arg) when it runs out: on a thread or in interrupt
	 * context, without locks, never at the same time as itself. It is not running.
	 * Returns 0; WEIR_ENOMEM. Context: thread.
	 */
	int (*timer_create)(void *host, void (*fn)(void *arg), void *arg,
			    struct weir_timer **out_timer);
	/* Runs out once, @ns from now, whatever was set before. Context: any. */
	void (*timer_set)(void *host, struct weir_timer *timer, uint64_t ns);
	/* When it returns, fn is not running and not called again. Context: thread, not from fn. */
	void (*timer_destroy)(void *host, struct weir_timer *timer);

	/* ---- optional: device registers. NULL: drivers of hardware are refused. ---- */

	/*
	 * Makes [pa, pa + bytes) accessible. A position in it is then @out_at plus an
	 * offset; what the number means is the host's affair. Returns 0; WEIR_EINVAL
	 * for an address that has no registers; WEIR_ENOMEM. Context: thread.
	 */
	int (*mmio_map)(void *host, uint64_t pa, uint64_t bytes, uintptr_t *out_at);
	void (*mmio_unmap)(void *host, uintptr_t at, uint64_t bytes);
	/*
	 * One access of exactly @width bytes (1, 2, 4 or 8), naturally aligned,
	 * little-endian, never split, merged or repeated. Accesses are done in
	 * program order. A write comes after all earlier stores to memory as
	 * devices see them, a read before all later loads. A write may be posted:
	 * it has arrived when a later read of the same device has returned. Where
	 * nothing answers, a read gives all ones. Context: any, also interrupt.
	 */
	uint64_t (*mmio_read)(void *host, uintptr_t at, unsigned int width);
	void (*mmio_write)(void *host, uintptr_t at, unsigned int width, uint64_t value);

	/* ---- optional: barriers. NULL: only the compiler is held back. ---- */

	/*
	 * Earlier loads and stores of memory shared with devices come before later
	 * ones, as devices see them. Context: any.
	 */
	void (*dma_barrier)(void *host);

	/* ---- optional: delays. NULL: the library counts loops instead. ---- */

	/*
	 * Lets at least @ns nanoseconds go by, a few thousand at most, busily: it
	 * must not sleep. Interrupts of a host that polls for them may come inside.
	 * Context: any; see above for a host that polls.
	 */
	void (*delay_ns)(void *host, uint32_t ns);

	/* ---- optional: interrupts. NULL: drivers of hardware poll, or are refused. ---- */

	/*
	 * Has fn(arg) called when the interrupt line @line (as the firmware's
	 * interrupt controller counts) rises. fn runs in interrupt context or on a
	 * thread of its own, without locks, never at the same time as itself.
	 * Returns 0; WEIR_EBUSY; WEIR_EINVAL; WEIR_ENOMEM. Context: thread.
	 */
	int (*irq_request)(void *host, uint32_t line, void (*fn)(void *arg), void *arg,
			   struct weir_irq **out_irq);
	/*
	 * Sets @n message-signalled interrupts up: fn(arg, i) is called after a device
	 * did the write that out_messages[i] says; several such writes may become
	 * one call. fn as above. Returns 0; WEIR_ENOSPC when there are not so many;
	 * WEIR_ENOMEM. Context: thread.
	 */
	int (*msi_request)(void *host, unsigned int n, void (*fn)(void *arg, unsigned int i),
			   void *arg, struct weir_msi *out_messages, struct weir_irq **out_irq);
	/*
	 * Gives either kind back. When it returns, fn is not running and will not be
	 * called again. Context: thread, not from fn.
	 */
	void (*irq_free)(void *host, struct weir_irq *irq);
};

/* Ranks of the library's locks, lowest taken first; from MIRROR on, spin locks. docs/locking.md. */
enum weir_lock_rank {
	WEIR_LOCK_GROUP = 1,   /* one for each IOMMU group: attaching */
	WEIR_LOCK_PARTS = 2,   /* one for each domain: instances that come to it and go */
	WEIR_LOCK_POWER = 3,   /* held around runtime power calls of drivers */
	WEIR_LOCK_INSTANCE = 4, /* one for each IOMMU instance: its streams and its power */
	WEIR_LOCK_MACHINE = 5, /* everything that hangs off a machine */
	WEIR_LOCK_MIRROR = 6,  /* one for each device whose direct mappings are kept track of */
	WEIR_LOCK_DOMAIN = 7,  /* one for each domain: its mappings */
	WEIR_LOCK_IOVA = 8,    /* one for each space of I/O virtual addresses */
	WEIR_LOCK_DEVICE = 9,  /* those of drivers, around their hardware's queues */
	WEIR_LOCK_FAULTS = 10, /* one for each IOMMU instance: whose fault it was, how often */
	WEIR_LOCK_TABLE = 11,  /* one for each set of translation tables: tables that come and go */
};

#ifdef __cplusplus
}
#endif
#endif
