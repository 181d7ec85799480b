// SPDX-License-Identifier: MIT
/*
 * The host seam on hardware models: memory in three views (ram.h), devices, interrupts, a clock
 * that only moves when it is looked at. Everything that happens is decided by the seed, the
 * calls of the library and, where there are threads, their order.
 *
 * Put the checking host of the tests in front of it, or use hwhost_ops() as it is. One
 * recursive mutex is around the models; interrupts are delivered when no spin lock is held.
 */
#ifndef WEIR_SIM_HW_HOST_H
#define WEIR_SIM_HW_HOST_H

#include <pthread.h>

#include "hw/smmuv3.h"
#include "weir/host.h"

#define HWHOST_SMMUS 2u
#define HWHOST_IRQS 512u
#define HWHOST_TIMERS 128u
#define HWHOST_LOG_BYTES 65536u
#define HWHOST_DOORBELL 0x08020040ull /* where messages of interrupts go */

struct hwhost_irq {
	bool used, pending;
	uint32_t line;          /* or the number of a message */
	unsigned int messages;  /* 0: a line */
	uint32_t fired;         /* which messages: a bit each */
	void (*fn)(void *arg);
	void (*msi_fn)(void *arg, unsigned int i);
	void *arg;
};

struct hwhost_timer {
	bool used, set;
	uint64_t due;           /* ns */
	void (*fn)(void *arg);
	void *arg;
};

/* A device with registers. Its calls are made with the host's mutex held. */
struct hwhost_device {
	uint64_t base, bytes;
	uint64_t (*read)(void *dev, uint64_t offset, unsigned int width);
	void (*write)(void *dev, uint64_t offset, unsigned int width, uint64_t value);
	void (*point)(void *dev);   /* time goes on; NULL: it does nothing by itself */
	void (*memory_goes)(void *dev, uint64_t pa, uint64_t bytes); /* is given back; NULL: never mind */
	void (*destroy)(void *dev); /* with the host; NULL: it is not the host's */
	void *dev;
	unsigned int maps;          /* the host's: how often its registers are mapped */
};

struct hwhost {
	struct weir_host_ops ops;   /* a test may take calls out before it uses them */
	pthread_mutex_t mutex;
	struct hwram *ram;
	struct {
		struct hwhost *host;
		struct smmu3 *smmu;
		uint32_t first_line; /* event queue, CMD_SYNC, global errors */
	} smmus[HWHOST_SMMUS];
	unsigned int nr_smmus;
	struct hwhost_device *devices; /* in the order in which they came */
	unsigned int nr_devices, devices_room;
	struct hwhost_irq irqs[HWHOST_IRQS];
	unsigned int irqs_from;     /* the first one to use is looked for from here on */
	unsigned int irqs_end;      /* none was ever used from here on */
	struct hwhost_timer timers[HWHOST_TIMERS];
	unsigned int timers_end;    /* likewise */
	unsigned int spins;         /* held now, by anybody */
	bool in_irq;
	unsigned int restless;      /* times in 256 that other calls than of hardware are points */
	uint64_t clock;
	uint64_t look_ns;           /* that a look at the clock takes */
	struct hwrng rng;
	/* Called around handlers of interrupts; NULL: not. */
	void (*around_irq)(bool on);
	/* Called at points, after the devices; NULL: not. */
	void (*on_point)(void *arg);
	void *on_point_arg;
	unsigned long cache_calls, barriers;
	void *threads;              /* whoever makes them take turns, see race/models.h */
	char log[HWHOST_LOG_BYTES];
	size_t log_bytes;
	char taken[HWHOST_LOG_BYTES];
};

/* Aborts without memory. */
struct hwhost *hwhost_create(size_t ram_bytes, uint64_t seed);
struct hwhost *hwhost_destroy(struct hwhost *h);
/* The table for weir_machine_create(); the context is the hwhost. */
const struct weir_host_ops *hwhost_ops(const struct hwhost *h);

/* The same, with memory from @base on. */
struct hwhost *hwhost_create_at(uint64_t base, size_t ram_bytes, uint64_t seed);
/* An SMMU at @base, its interrupts at lines first_line, first_line + 1 and first_line + 2. */
struct smmu3 *hwhost_smmu(struct hwhost *h, uint64_t base, const struct smmu3_config *config,
			  uint32_t first_line);
/* A device; copied. Aborts without memory. */
void hwhost_attach(struct hwhost *h, const struct hwhost_device *device);
/* An interrupt line rises. In calls of devices only. */
void hwhost_line(struct hwhost *h, uint32_t line);
/* A message of an interrupt is written; other addresses are nobody's. In calls of devices only. */
void hwhost_message(struct hwhost *h, uint64_t pa, uint32_t data);
/* So many points go by, 10 us each, with interrupts and timers. */
void hwhost_points(struct hwhost *h, unsigned int n);
/* Interrupts that wait are delivered, and timers run out, unless a spin lock is held. */
void hwhost_irqs(struct hwhost *h);
/* What was logged since the last time; valid until the next time. */
const char *hwhost_log_take(struct hwhost *h);

#endif
