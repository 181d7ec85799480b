// SPDX-License-Identifier: MIT
/* Whole files, unpacked when they are compressed. No state. */
#include <stdio.h>

#include "conform.h"

int conform_read(const char *path, struct weir_bytes *out_bytes, char *out_what, size_t bytes)
{
	struct weir_bytes raw = { 0 }, plain = { 0 };
	struct weir_errtext et = { "" };
	int err = weir_bytes_read(path, &et, &raw);

	if (!err && weir_unpack_compression(raw.data, raw.size)) {
		err = weir_unpack_stream(raw.data, raw.size, &et, &plain);
		weir_bytes_fini(&raw);
		if (err)
			weir_errtext_prefix(&et, path);
		raw = plain;
	}
	if (err) {
		snprintf(out_what, bytes, "%s", et.text[0] ? et.text : weir_strerror(err));
		return err;
	}
	*out_bytes = raw;
	return 0;
}
