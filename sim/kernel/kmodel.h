// SPDX-License-Identifier: MIT
/*
 * The kernel model: a list of drivers brought to a machine the way a Linux kernel
 * brings its own, with initcall levels, device population between them, modules
 * loaded by name or by coldplug, and unloading.
 *
 * A modelled driver takes no resource: its probe makes devices of its node's
 * children, publishes an IOMMU instance where the node offers one, and succeeds,
 * unless the list says that it fails, defers or refuses.
 */
#ifndef WEIR_SIM_KERNEL_KMODEL_H
#define WEIR_SIM_KERNEL_KMODEL_H

#include "kernel/driverlist.h"
#include "weir/weir.h"

struct weir_kmodel;

/* What a modelled driver did with a device. */
enum weir_kmodel_act {
	WEIR_ACT_PROBE,  /* took it */
	WEIR_ACT_REFUSE, /* "not mine" */
	WEIR_ACT_FAIL,
	WEIR_ACT_DEFER,
	WEIR_ACT_REMOVE,
};

struct weir_kmodel_options {
	/* Every driver has a sync_state callback. */
	bool sync_state;
	/*
	 * A reference is kept to every device ever added, so that what goes with the
	 * last one (the registers of an AMBA device) never becomes free again. The
	 * oracle that records Linux's answers does the same.
	 */
	bool hold_devices;
	/* Virtual time that one probe takes. */
	uint64_t probe_ns;
	/* Told at the moment it happens; may be NULL. Context: no locks held. */
	void (*observe)(void *context, enum weir_kmodel_act act, struct weir_device *dev,
			const char *driver);
	/*
	 * Asked before a probe succeeds: 0, or an error that the probe then fails
	 * with, such as WEIR_ENOENT without its firmware. May be NULL. Context: any
	 * probing thread, no locks held.
	 */
	int (*allow)(void *context, struct weir_device *dev, const struct weir_driver_spec *spec);
	/*
	 * A probe that will succeed begins; and @registered: it has published what it offers,
	 * and returns next. May be NULL. Context: any probing thread, no locks held.
	 */
	void (*step)(void *context, struct weir_device *dev, bool registered);
	/* A command named a driver that is not there, or the like; may be NULL. */
	void (*complain)(void *context, const char *line);
	void *context;
};

/**
 * weir_kmodel_create - put a list of drivers beside a machine that has a tree.
 * @m: with its device tree loaded, under the policy linux-6.12 or any other.
 * @list: borrowed as long as the model.
 * The list's early entries are applied to the tree. Context: thread.
 * Return: 0; WEIR_ENOMEM.
 */
int weir_kmodel_create(struct weir_machine *m, const struct weir_driver_list *list,
		       const struct weir_kmodel_options *options, struct weir_kmodel **out_model);

/** weir_kmodel_destroy - after the machine was destroyed. NULL is fine. */
void weir_kmodel_destroy(struct weir_kmodel *k);

/**
 * weir_kmodel_detach - leave the machine alone, before it is destroyed: tells the
 * observer nothing more and gives held devices back. NULL is fine.
 */
void weir_kmodel_detach(struct weir_kmodel *k);

/**
 * weir_kmodel_boot - all initcall levels, with population and the end of initcalls,
 * until idle. Return: 0; WEIR_ENOMEM.
 */
int weir_kmodel_boot(struct weir_kmodel *k);

/*
 * Which modules may be loaded: NULL, or a filter that says no to a module that is
 * not in this stage (not in the initramfs, denied).
 */
typedef bool weir_kmodel_filter(void *context, const struct weir_driver_spec *spec);

/** weir_kmodel_load - what a driver depends on, then it; until idle. Return: 0; WEIR_ENOENT. */
int weir_kmodel_load(struct weir_kmodel *k, const char *name);
/**
 * weir_kmodel_load_allowed - the same, for those that @filter allows: what it depends
 * on is passed over when that is not there. Return: 0; WEIR_ENOENT: no such driver, or
 * it is not allowed.
 */
int weir_kmodel_load_allowed(struct weir_kmodel *k, const char *name, weir_kmodel_filter *filter,
			     void *context);
/** weir_kmodel_insert - a driver alone, without waiting for what comes of it. Return: as load; WEIR_ENOMEM. */
int weir_kmodel_insert(struct weir_kmodel *k, const char *name);
int weir_kmodel_unload(struct weir_kmodel *k, const char *name);
/** weir_kmodel_load_external - every driver that only a command loads. */
void weir_kmodel_load_external(struct weir_kmodel *k);

/**
 * weir_kmodel_coldplug - for each device in order of creation, its modules in list
 * order, each after those of its dependencies that @filter allows; devices that come
 * meanwhile too.
 */
void weir_kmodel_coldplug(struct weir_kmodel *k, weir_kmodel_filter *filter, void *context);

/** weir_kmodel_settle - until idle. */
void weir_kmodel_settle(struct weir_kmodel *k);
/** weir_kmodel_wait - let virtual time pass, then settle. */
void weir_kmodel_wait(struct weir_kmodel *k, uint64_t ms);
/** weir_kmodel_takes - whether a driver takes a node; @listed: by what the module index has alone. */
bool weir_kmodel_takes(const struct weir_driver_spec *spec, const struct weir_fwnode *node,
		       bool listed);
/** weir_kmodel_loaded - whether a driver of the list is registered now. */
bool weir_kmodel_loaded(const struct weir_kmodel *k, const struct weir_driver_spec *spec);
/** weir_kmodel_spec_of - the list's entry of a modelled driver, or NULL. */
const struct weir_driver_spec *weir_kmodel_spec_of(const struct weir_driver *drv);

#endif
