// SPDX-License-Identifier: MIT
/*
 * Fuzzes the reading of kernel images: wrappers, symbol table, relocations,
 * initcalls, match tables, whatever the bytes lead to, and prints the result.
 * The same bytes are then read as a driver list and as a module.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/driverlist.h"
#include "kernel/image.h"
#include "kernel/ko.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct weir_driver_list *list;
	struct weir_image *image;
	struct weir_errtext et;
	struct weir_bytes info;
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return 0;
	if (!weir_image_scan(data, bytes, &et, &image)) {
		weir_image_write_list(f, image);
		weir_image_destroy(image);
	}
	if (bytes && !weir_driver_list_parse("input", (const char *)data, bytes, &et, &list)) {
		weir_driver_list_write(f, list);
		weir_driver_list_destroy(list);
	}
	if (!weir_ko_info(data, bytes, &info)) {
		size_t pos = 0;

		while (weir_ko_info_next(&info, "alias", &pos))
			;
		weir_bytes_fini(&info);
	}
	fclose(f);
	free(text);
	return 0;
}
