// SPDX-License-Identifier: MIT
/*
 * A board that comes up on models: its device tree, a model at each of its IOMMUs (System MMUs of the
 * Exynos family, or Arm's SMMUs of versions 1 and 2), the library's real driver for them, and modelled
 * drivers for all the rest.
 * Clock controllers and power domains switch the models' clocks and power; masters do DMA with the
 * library's DMA calls from their probe to their remove.
 *
 * What must not be is written down by who sees it first, in `wrong`; the scenario ends then.
 */
#ifndef WEIR_TESTS_EXYNOS_BOARD_H
#define WEIR_TESTS_EXYNOS_BOARD_H

#include <stdio.h>

#include "hw/host.h"
#include "hw/smmuv2.h"
#include "hw/sysmmu.h"
#include "race/models.h"
#include "weir/clock.h"
#include "weir/exynos_sysmmu.h"
#include "weir/weir.h"

#define EB_SYSMMUS 64
#define EB_MASTERS 64
#define EB_PORTS HWMULTI_PORTS
#define EB_EARLY 128
#define EB_CLOCKS 6
#define EB_BYTES 8192u /* of a master's buffer */
#define EB_SHARE 24u   /* masters at one IOMMU: as many as its model has contexts for */
#define EB_PATH 200

struct eb_clock {
	struct weir_fwnode *provider;
	uint32_t cells[4];
	unsigned int n;
	unsigned int enabled; /* how often */
	bool left_on;         /* by the boot loader, until somebody switches it off */
};

struct eb_board;
struct eb_master;
struct eb_sysmmu;

/* kind.c: what differs between IOMMUs. */
struct eb_kind {
	const char *name;               /* of many */
	const char *const *compatibles; /* up to a NULL */
	const struct weir_module_entry *module;
	/* Its model, with registers there; aborts without memory. */
	void *(*make)(struct eb_board *b, const struct eb_sysmmu *s, uint64_t pa, uint64_t bytes,
		      uint64_t seed);
	/* The way of a master to memory, the @i-th of its specifiers. */
	struct hwport (*port)(struct eb_master *m, unsigned int i);
	/* The boot loader left it so that the master reaches memory. */
	void (*left_on)(struct eb_master *m);
	/* ... by tables, which have one entry; what that is, and how many are before it. */
	void (*left_translating)(struct eb_master *m, uint64_t root_pa);
	uint32_t (*section)(const struct eb_master *m, uint64_t pa);
	void (*power)(void *model, bool on);
	void (*clock)(void *model, bool on);
	void (*dead)(void *model, bool on);
	void (*gone)(void *model, bool on);  /* pulled out */
	void (*stuck)(void *model, bool on); /* it confirms nothing */
	unsigned int (*findings)(const void *model);
	const char *(*first_finding)(const void *model);
	uint64_t (*state)(const void *model); /* of its registers */
	void (*still)(void *model);           /* it does nothing by chance any more */
};
extern const struct eb_kind eb_kind_sysmmu, eb_kind_smmuv2;

struct eb_sysmmu {
	void *model;
	struct weir_fwnode *node;
	char path[EB_PATH];
	struct weir_fwnode *domain; /* power; NULL: always on */
	struct eb_clock clocks[EB_CLOCKS];
	unsigned int nr_clocks;
	unsigned int nr_masters;    /* that go through it */
	bool asleep;                /* its domain is */
	int fail_clocks;            /* what the providers return for it instead; 0: nothing */
	uint8_t who;
	uint64_t pa, bytes;         /* its registers */
};

struct eb_master {
	struct eb_board *b;
	char path[EB_PATH];
	struct weir_fwnode *node;
	unsigned int sysmmus[EB_PORTS];
	uint32_t ids[EB_PORTS];     /* its stream there */
	struct smmu2_way ways[EB_PORTS];
	uint8_t who;                /* in what hwram_allow() says */
	unsigned int nr_sysmmus;
	bool shows;                 /* a display; otherwise a codec */
	struct hwdisplay *display;
	struct hwcodec *codec;
	struct hwmulti *multi;      /* reads through all ports */
	bool running;
	bool may_fail;              /* its DMA, for its IOMMU is gone */
	void *va;                   /* of its buffer */
	uint64_t iova;
	uint64_t seed;
};

struct eb_options {
	uint64_t seed;
	bool firmware_display;      /* the boot loader left a display on */
	bool firmware_tables;       /* ... through tables of its own */
	bool no_shutdown;           /* masters go on when the machine is shut down */
	const char *no_driver;      /* path of a node whose kind this kernel has no driver for */
	const struct eb_kind *kind; /* NULL: System MMUs */
	char (*without)[EB_PATH];   /* masters that cannot come up for other reasons: disabled */
	unsigned int nr_without;
	char (*early)[EB_PATH];     /* nodes that no device stands for: set up by early code */
	unsigned int nr_early;
	const char *reject;         /* path of a System MMU that is to reject its master's ids */
	struct race_sched *turns;   /* whose tasks are the threads; NULL: there is one */
	const struct weir_module_entry *module; /* instead of the library's */
	void (*whole)(struct eb_board *b); /* makes the host so, for race/whole.h; NULL: as usual */
	bool host_threads;          /* ... and probes are put on threads of the host */
};

struct eb_board {
	struct hwhost *h;
	struct race_models turns;   /* with options.turns */
	struct weir_machine *m;
	struct eb_options options;
	const struct eb_kind *kind;
	uint8_t *tree;
	struct eb_sysmmu sysmmus[EB_SYSMMUS];
	unsigned int nr_sysmmus;
	struct eb_master masters[EB_MASTERS];
	unsigned int nr_masters, nr_others; /* others: disabled, there are too many */
	struct weir_match *plain, *display, *codec; /* what the drivers take */
	struct weir_driver plain_driver[2], display_driver[2], codec_driver[2]; /* on each bus */
	struct weir_module *module;
	struct eb_master *left_on;  /* by firmware */
	uint64_t left_pa;
	uint64_t left_root_pa;      /* its tables, if it has some */
	const struct weir_fwnode *broken; /* a power domain that does not work */
	struct weir_trace events;   /* with options.whole */
	char wrong[400];            /* "" while all is well */
};

/* Return: 0, or -1 with `wrong`; then eb_close() all the same. */
int eb_open(struct eb_board *b, const void *dtb, size_t bytes, const struct eb_options *options);
/* Takes everything down and looks at what is left. Return: 0; -1 with `wrong`. */
int eb_close(struct eb_board *b);

int eb_load_iommu(struct eb_board *b);
int eb_load_display(struct eb_board *b);
int eb_load_codec(struct eb_board *b);
/* Time for DMA, and whatever hardware does. */
void eb_run(struct eb_board *b);
void eb_settle(struct eb_board *b);
/* An hour goes by, with all timers, and it is known that no driver is still to come. */
void eb_wait_long(struct eb_board *b);

/* All masters run, translated, and what they do lands; or none does. */
void eb_all_run(struct eb_board *b);
void eb_none_runs(struct eb_board *b);
/* No model has complaints, no frame or job went wrong. */
void eb_check(struct eb_board *b);
bool eb_ok(const struct eb_board *b);
void eb_wrong(struct eb_board *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

bool eb_is(const struct weir_fwnode *node, const char *compatible);
struct weir_device *eb_device(const struct weir_fwnode *node);
struct eb_sysmmu *eb_iommu_at(struct eb_board *b, const struct weir_fwnode *node);
struct eb_master *eb_master_at(struct eb_board *b, const struct weir_fwnode *node);

/* masters.c */
extern const struct weir_driver_ops eb_master_ops;
int eb_master_make(struct eb_master *m, uint64_t seed);
void eb_master_free(struct eb_master *m);

/* late.c: one with masters, and a power domain or a clock that works. EB_SYSMMUS: there is none. */
unsigned int eb_with_supplier(const struct eb_board *b, bool domain);

/* suppliers.c: clocks, power domains, and everything that only has to be there. */
extern const struct weir_driver_ops eb_plain_ops;
void eb_suppliers_find(struct eb_board *b, struct eb_sysmmu *s);
void eb_power_update(struct eb_board *b, const struct weir_fwnode *domain, bool on);

/* A file. Return: the caller's, free(); NULL without memory. */
uint8_t *eb_read(const char *path, size_t *out_bytes);

#define EB_ROOM 16384 /* for what is added to a tree */
/* tree.c: the tree as scenarios want it. Return: the caller's, free(); NULL with `wrong`. */
uint8_t *eb_tree(struct eb_board *b, const void *dtb, size_t bytes);

/* cut.c: the tree with one device and what that needs. Return: the caller's, free(); NULL: it cannot be cut. */
uint8_t *eb_cut(const void *dtb, const char *path, size_t *out_bytes);

/* watch.c: a driver of IOMMUs, and who calls its instances when. */
struct eb_watch;
struct eb_watch *eb_watch_create(const struct eb_kind *kind);
void eb_watch_destroy(struct eb_watch *w);
const struct weir_module_entry *eb_watch_module(struct eb_watch *w);
/* Before each run. */
void eb_watch_begin(struct eb_watch *w, struct eb_board *b);
uint64_t eb_watch_state(const struct eb_watch *w);

/* Which IOMMU the task is probing, or -1. */
int eb_watch_probing(void);
uint64_t eb_watch_state(const struct eb_watch *w);
/* Whether registers are of an IOMMU that the task alone can know of; it is wrong when another one does. */
bool eb_watch_is_alone(void *watch, uintptr_t at);

/* whole.c: a board for the search of every order there is, see race/whole.h. */
struct race_whole;
/* The program's own memory is at the same place in each run that is begun so. */
void eb_whole_begin(struct race_whole *w);
void eb_whole_end(void);
/* Its host is made so; before and after the machine is. */
void eb_whole_host(struct eb_board *b);
void eb_whole_machine(struct eb_board *b, struct race_whole *w, struct eb_watch *watch);
/* Where all is. */
uint64_t eb_whole_state(const struct eb_board *b, const struct race_whole *w, const struct eb_watch *watch);

#endif
