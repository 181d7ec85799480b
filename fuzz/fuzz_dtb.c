// SPDX-License-Identifier: MIT
/*
 * The fuzzer of the device tree path: any bytes are loaded as a DTB and brought up
 * under both policies, with drivers that come late, are taken away and come again.
 * What follows the blob's own size, if anything, chooses the options.
 */
#include <libfdt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bringup.h"
#include "kernel/linux/linux.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* The bytes behind the blob; without any, the defaults. */
struct options {
	uint8_t mode;     /* bits 0-1 fw_devlink=, 2 strict, 3 sync_state=timeout, 4 callbacks */
	uint8_t seconds;  /* deferred_probe_timeout= */
	uint8_t unload;   /* which driver */
	uint8_t external; /* which drivers come late, four times */
};

static struct options read_options(const uint8_t *data, size_t bytes)
{
	struct options o = { .mode = 3, .seconds = 10, .unload = 1, .external = 0x12 };
	size_t total;

	if (bytes < FDT_V17_SIZE)
		return o;
	total = fdt_totalsize(data);
	if (total <= bytes && bytes - total >= sizeof(o))
		memcpy(&o, data + total, sizeof(o));
	return o;
}

static void run(const struct options *o, const struct weir_policy_ops *policy, const void *blob,
		size_t bytes)
{
	static const char *const modes[] = { "off", "permissive", "on", "rpm" };
	char cmdline[160], unload[32], load[32];
	const char *const script[] = {
		"wait 3000", "load-external", unload, "wait 20000", load, "coldplug", NULL,
	};
	struct bringup b = {
		.policy = policy,
		.cmdline = cmdline,
		.script = script,
		.external = o->external * 0x01010101u,
		.sync_state = o->mode & 16,
	};

	snprintf(unload, sizeof(unload), "unload $%u", o->unload);
	snprintf(load, sizeof(load), "load $%u", o->unload);
	snprintf(cmdline, sizeof(cmdline),
		 "fw_devlink=%s fw_devlink.strict=%d fw_devlink.sync_state=%s "
		 "deferred_probe_timeout=%u",
		 modes[o->mode & 3], o->mode >> 2 & 1, o->mode & 8 ? "timeout" : "strict",
		 o->seconds);
	bringup_run(&b, blob, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct options o = read_options(data, bytes);
	/* A copy of its own, so that reading past its end is seen. */
	void *blob = malloc(bytes ? bytes : 1);

	if (!blob)
		abort();
	memcpy(blob, data, bytes);
	run(&o, NULL, blob, bytes);
	run(&o, &weir_policy_linux_6_12, blob, bytes);
	BRINGUP_CHECK(!memcmp(blob, data, bytes)); /* a loaded blob is left as it is */
	free(blob);
	return 0;
}
