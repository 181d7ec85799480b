// SPDX-License-Identifier: MIT
/*
 * The fuzzer of overlays: a base and an overlay, one after the other in the input
 * (the base's own size says where it ends), are put together; what comes out is
 * loaded and brought up.
 */
#include <libfdt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bringup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void *copy(const uint8_t *data, size_t bytes, size_t room)
{
	void *mem = calloc(1, room ? room : 1);

	if (!mem)
		abort();
	memcpy(mem, data, bytes);
	return mem;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const char *const script[] = { "settle", NULL };
	struct bringup b = { .script = script };
	size_t base_bytes = bytes / 2, room;
	void *base, *overlay;
	const char *what = NULL;
	int err;

	if (bytes >= FDT_V17_SIZE && fdt_totalsize(data) <= bytes)
		base_bytes = fdt_totalsize(data);
	room = base_bytes + (bytes - base_bytes) * 2;
	base = copy(data, base_bytes, room);
	overlay = copy(data + base_bytes, bytes - base_bytes, bytes - base_bytes);
	err = weir_dt_overlay_apply(base, room, overlay, bytes - base_bytes, &what);
	BRINGUP_CHECK(what);
	if (err)
		BRINGUP_CHECK(what[0] && (err == WEIR_EBADMSG || err == WEIR_ENOSPC));
	else
		bringup_run(&b, base, room);
	free(base);
	free(overlay);
	return 0;
}
