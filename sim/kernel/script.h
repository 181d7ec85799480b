// SPDX-License-Identifier: MIT
/*
 * Scripts: what user space does with a modelled kernel, a command a line.
 *
 *	load NAME | modprobe NAME   what it depends on, then the driver
 *	unload NAME | rmmod NAME
 *	load-external               every driver that only a command loads
 *	coldplug                    what udev does at start, for all devices
 *	settle                      until nothing more happens by itself
 *	wait MILLISECONDS           of virtual time, then settle
 *	dump LABEL, mark TEXT, log  handed to the caller
 *	# ...                       a remark
 */
#ifndef WEIR_SIM_KERNEL_SCRIPT_H
#define WEIR_SIM_KERNEL_SCRIPT_H

#include "kernel/errtext.h"
#include "kernel/kmodel.h"

struct weir_script_ops {
	/* May a module be loaded by coldplug? NULL: all may. */
	weir_kmodel_filter *filter;
	/* "dump" and "mark"; NULL: passed over. */
	void (*dump)(void *context, const char *label);
	void (*mark)(void *context, const char *text);
	void *context;
};

/**
 * weir_script_run - run one command line.
 * @line: without newline; empty lines do nothing.
 * Return: 0; WEIR_EINVAL with @et: an unknown command or a bad number;
 * WEIR_ENOENT with @et: no driver of that name.
 */
int weir_script_run(struct weir_kmodel *k, const struct weir_script_ops *ops, const char *line,
		    struct weir_errtext *et);

#endif
