// SPDX-License-Identifier: MIT
/*
 * `--initramfs`: a list of modules, or an image as the boot loader hands it over. What
 * it holds is read once for any number of runs (const then); what a run met with is
 * the run's own.
 */
#ifndef WEIR_TOOL_INITRAMFS_H
#define WEIR_TOOL_INITRAMFS_H

#include <pthread.h>
#include <stdbool.h>

#include "kernel/driverlist.h"
#include "kernel/initramfs_user.h"
#include "kernel/ko.h"
#include "kernel/strtable.h"
#include "weir/weir.h"

struct opts;
struct run;
struct kernel_side;

struct initramfs {
	const char *path;
	char *text;                 /* of a list; NULL: an image */
	struct weir_strtable names; /* in the list, with underscores */
	struct weir_initramfs *image;
	struct weir_initramfs_user *user;
	bool packed_firmware;       /* the kernel unpacks firmware files */
};

/* What becomes of a device whose firmware is not there. */
enum firmware_effect {
	FIRMWARE_FAILS,   /* its probe fails, for good */
	FIRMWARE_OFFLINE, /* its probe succeeds; what needs the firmware stays off */
	FIRMWARE_MAY_FAIL, /* its module asks so, but perhaps for another device, or later */
	FIRMWARE_WITHOUT, /* it goes on without */
	FIRMWARE_UNKNOWN, /* how its driver asks cannot be told */
};

struct firmware_miss {
	struct weir_device *device; /* as long as the machine */
	const char *driver;
	char *file;                 /* the first that is missing */
	size_t others;              /* of the driver's files, none of which is there */
	bool named;                 /* by the device's firmware-name */
	bool at_root;               /* when the root file system was there already */
	enum firmware_effect effect;
};

/* Of a run. */
struct firmware_log {
	pthread_mutex_t lock;       /* probes may run on several threads */
	struct firmware_miss *items;
	size_t n, room;
	bool failed;                /* out of memory */
};

/* initramfs.c. Return: 0, or EXIT_USAGE with one line in @out_what. */
int initramfs_open(const struct opts *o, const struct kernel_side *side,
		   struct initramfs **out_initramfs, char *out_what, size_t bytes);
void initramfs_close(struct initramfs *in);
/* Whether a module can be loaded from it: it is there with all that it needs. */
bool initramfs_has(const struct run *r, const char *module);
/* Whether its own file is there, for modprobe to find. */
bool initramfs_lists(const struct run *r, const char *module);
/* Why not, in words that go behind "module X ". */
void initramfs_why_not(const struct run *r, const char *module, char *buf, size_t bytes);
/* Soft dependencies of its modprobe.d, into the run's list. Return: 0; WEIR_ENOMEM. */
int initramfs_add_softdeps(struct run *r);
/* What its user space does: lists and coldplug, in their order. */
void initramfs_stage(struct run *r);

/* firmware.c: weir_kmodel_options.allow, with a run as context. */
int firmware_allow(void *context, struct weir_device *dev, const struct weir_driver_spec *spec);
void firmware_log_init(struct firmware_log *log);
void firmware_log_fini(struct firmware_log *log);
/* Sorted by effect and device, once nothing probes any more. */
void firmware_log_sort(struct firmware_log *log);
const char *firmware_effect_name(enum firmware_effect effect);
void firmware_words(const struct firmware_miss *miss, char *buf, size_t bytes);

#endif
