// SPDX-License-Identifier: MIT
/*
 * The catalogue: the drivers that can ever arrive. With it "no driver for this
 * device" is known at once, and "its module is not loaded yet" is told apart
 * from it without a clock.
 */
#ifndef WEIR_CATALOGUE_H
#define WEIR_CATALOGUE_H

#include "weir/machine.h"

#ifdef __cplusplus
extern "C" {
#endif

enum weir_catalogue_state {
	WEIR_CATALOGUE_BUILTIN,  /* will register by itself */
	WEIR_CATALOGUE_LOADABLE, /* a module that can be loaded */
	WEIR_CATALOGUE_DENIED,   /* a module that must not be loaded */
};

struct weir_catalogue_entry {
	const char *name;        /* of the driver or module */
	const char *bus;         /* name of the bus, or NULL for any */
	const char *const *keys; /* match keys, NULL-ended */
	enum weir_catalogue_state state;
};

/**
 * weir_catalogue_add - name a driver that can arrive. Strings are copied.
 * Return: 0; WEIR_ENOMEM.
 */
int weir_catalogue_add(struct weir_machine *m, const struct weir_catalogue_entry *entry);

/**
 * weir_catalogue_complete - all drivers that can ever arrive are named: a device
 * that no entry and no registered driver fits has the verdict "no driver".
 * Without this call nothing is ever known to be without a driver until the seal.
 */
void weir_catalogue_complete(struct weir_machine *m);

/**
 * weir_catalogue_seal - no more drivers will come, loadable ones neither. What
 * waits for one gets its final verdict; optional links are let go.
 */
void weir_catalogue_seal(struct weir_machine *m);

#ifdef __cplusplus
}
#endif
#endif
