// SPDX-License-Identifier: MIT
/*
 * A machine to test on, on the checking host, with one bus "test", drivers that do
 * what a test plans, and a journal of what they were called for.
 *
 * The journal is one line, "probe a; probe b; remove b", and is taken by
 * assert_journal(). Devices are found by name, which is unique on the bus.
 */
#ifndef WEIR_TESTS_WORLD_H
#define WEIR_TESTS_WORLD_H

#include <pthread.h>

#include "cm.h"
#include "testhost.h"
#include "weir/posix.h"
#include "weir/weir.h"

#define WORLD_DRIVERS 8u
#define WORLD_PLANS 16u

struct world_plan {
	const char *call;   /* "probe", "suspend", ...; NULL: free */
	const char *device;
	int err;
	unsigned int times; /* 0: for ever */
};

struct world_driver {
	struct weir_driver drv;
	struct weir_driver_ops ops;
	struct weir_match match[4];
};

struct world {
	struct weir_posix *posix; /* NULL without threads */
	struct testhost *host;
	struct weir_machine *m;
	struct weir_bus *bus;
	pthread_mutex_t mutex;    /* guards the journal and the plans */
	char journal[4096];
	size_t journal_bytes;
	struct world_plan plans[WORLD_PLANS];
	struct world_driver drivers[WORLD_DRIVERS];
	unsigned int nr_drivers;
	bool quiet;               /* keep no journal */
	bool sync_state;          /* drivers made from now on take part in sync_state */
	/* Called by every probe after the journal; may be NULL. */
	int (*on_probe)(struct world *w, struct weir_device *dev);
	/* Called in every call of a driver after the journal, on its thread; may be NULL. */
	void (*on_call)(struct world *w, const char *what, struct weir_device *dev);
};

/* The world without its bus; the machine may be NULL when the host fails. */
int world_try_open(struct world *w, struct testhost *host, const struct weir_policy_ops *policy);
void world_open(struct world *w, const struct weir_policy_ops *policy);
/* On the POSIX host with so many probe threads. */
void world_open_threads(struct world *w, const struct weir_policy_ops *policy,
			unsigned int threads);
/* Destroys the machine; all must be gone then. */
void world_close(struct world *w);

/* A device of bus "test" with a node of its own, of that compatible; added. */
struct weir_device *world_device(struct world *w, const char *name, struct weir_device *parent,
				 const char *compatible);
int world_try_device(struct world *w, const char *name, struct weir_device *parent,
		     const char *compatible, struct weir_device **out_dev);
/* A driver of bus "test" for up to three keys (NULL: unused); not registered. */
struct world_driver *world_driver(struct world *w, const char *name, const char *key,
				  const char *key2, const char *key3);
/* The same, registered. */
struct world_driver *world_driver_add(struct world *w, const char *name, const char *key);
void world_driver_del(struct world *w, struct world_driver *d);
/* A driver's call for that device returns @err, @times times (0: always). */
void world_plan(struct world *w, const char *call, const char *device, int err,
		unsigned int times);
struct weir_device *world_find(struct world *w, const char *name);
struct weir_link *world_link(struct world *w, const char *consumer, const char *supplier);

__attribute__((format(printf, 2, 3)))
void world_note(struct world *w, const char *fmt, ...);
/* Compares the journal and empties it. */
#define assert_journal(w, text) world_assert_journal_(w, text, __FILE__, __LINE__)
void world_assert_journal_(struct world *w, const char *text, const char *file, int line);
#define assert_settles(w) assert_int_equal(weir_settle((w)->m), 0)
#define assert_status(w, name, what) \
	assert_int_equal(weir_device_status_get(world_find(w, name)), what)

#endif
