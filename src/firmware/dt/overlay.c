// SPDX-License-Identifier: MIT
/*
 * Applying a device tree overlay to a blob before it is loaded.
 */
#include <libfdt.h>

#include "weir/firmware.h"

int weir_dt_overlay_apply(void *blob, size_t bytes, void *overlay, size_t overlay_bytes,
			  const char **out_what)
{
	int r;

	*out_what = "";
	if (overlay_bytes < FDT_V1_SIZE || fdt_magic(overlay) != FDT_MAGIC ||
	    fdt_totalsize(overlay) > overlay_bytes) {
		*out_what = "the overlay is no device tree blob, or cut short";
		return WEIR_EBADMSG;
	}
	r = fdt_open_into(blob, blob, (int)bytes);
	if (!r)
		r = fdt_overlay_apply(blob, overlay);
	if (!r)
		return 0;
	*out_what = fdt_strerror(r);
	return r == -FDT_ERR_NOSPACE ? WEIR_ENOSPC : WEIR_EBADMSG;
}
