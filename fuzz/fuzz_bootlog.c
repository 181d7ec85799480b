// SPDX-License-Identifier: MIT
/* Fuzzes the reading of kernel logs: whatever the text is, it is read. */
#include <stdint.h>
#include <stdlib.h>

#include "kernel/bootlog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct weir_bootlog *log;

	if (weir_bootlog_read((const char *)data, bytes, &log))
		return 0;
	for (size_t i = 0; i < log->device_count; i++)
		if (weir_bootlog_device(log, log->devices[i].name) != &log->devices[i])
			abort();
	weir_bootlog_destroy(log);
	return 0;
}
