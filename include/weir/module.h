// SPDX-License-Identifier: MIT
/*
 * Loadable driver modules: a shared object (or a table in the program) that
 * registers drivers when it is loaded and takes them back when unloaded.
 */
#ifndef WEIR_MODULE_H
#define WEIR_MODULE_H

#include "weir/driver.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weir_module;

/* The one thing a module exports, under the name "weir_module_entry". */
struct weir_module_entry {
	struct weir_abi abi;
	const char *name;
	const struct weir_driver *const *drivers; /* NULL-ended; registered in order */
	/* Called before the drivers are registered / after they are gone; may be NULL. */
	int (*init)(struct weir_machine *m, struct weir_module *module);
	void (*exit)(struct weir_machine *m, struct weir_module *module);
};

/**
 * weir_module_load - load a module whose entry table is in the program.
 * Return: 0; WEIR_EEXIST when a module of that name is loaded; WEIR_ENOEXEC when
 * it was made for another ABI (logged with its name); what init or a
 * registration returned; WEIR_ENOMEM.
 */
int weir_module_load(struct weir_machine *m, const struct weir_module_entry *entry,
		     struct weir_module **out_module);

/**
 * weir_module_open - load a module by name through the host.
 * Return: as weir_module_load(); WEIR_ENOEXEC also when it calls itself otherwise
 * (logged); WEIR_EOPNOTSUPP when the host cannot; what the host's module_open returned.
 */
int weir_module_open(struct weir_machine *m, const char *name, struct weir_module **out_module);

/* Also stop and remove what uses the module: consumers first, of several the one bound last. */
#define WEIR_MODULE_FORCE 0x1u

/**
 * weir_module_unload - unbind the devices of its drivers, and drop it.
 * @flags: 0 or WEIR_MODULE_FORCE.
 *
 * Its drivers go in the reverse order of their registration; probes of them that
 * run on host threads are waited for. Consumers that were removed by force wait for
 * their supplier, and come back with it. Context: thread.
 * Return: 0; WEIR_EBUSY, with nothing changed, when it has users (weir_module_user)
 * and is not forced, when someone holds it (weir_module_get), when it is being
 * loaded or unloaded, or when one of its drivers is being called by who asks or by
 * another thread's weir_step(). In a probe on a host thread nothing is waited for:
 * WEIR_EBUSY too when one of its drivers is being called at all, and when it has users,
 * forced or not.
 */
int weir_module_unload(struct weir_module *module, uint32_t flags);

/**
 * weir_module_user - what stands in the way of an unload: a device with another
 * module's driver that needs a device of this one's, as consumer or as child; or one
 * behind an IOMMU of this module's whose group somebody claimed.
 * @index: 0 for the first. A device that needs two is told of twice.
 * @out_user: the device; @out_used: what it needs. No references are taken.
 * Context: thread. Return: 0; WEIR_ENOENT after the last.
 */
int weir_module_user(struct weir_module *module, unsigned int index,
		     struct weir_device **out_user, struct weir_device **out_used);

/** weir_module_get / weir_module_put - hold a module in memory: unloading is refused meanwhile. */
void weir_module_get(struct weir_module *module);
void weir_module_put(struct weir_module *module);
/** weir_module_find - the loaded module of that name. Return: 0; WEIR_ENOENT. */
int weir_module_find(struct weir_machine *m, const char *name, struct weir_module **out_module);
/** weir_module_first / weir_module_next - the loaded modules, in order of loading; NULL at the end. */
struct weir_module *weir_module_first(struct weir_machine *m);
struct weir_module *weir_module_next(struct weir_module *module);
const char *weir_module_name(const struct weir_module *module);
/** weir_module_has - whether a driver is one of the module's. Context: thread. */
bool weir_module_has(const struct weir_module *module, const struct weir_driver *drv);

#ifdef __cplusplus
}
#endif
#endif
