// SPDX-License-Identifier: MIT
/*
 * The built-in drivers of an image as text, in the format of a driver list.
 * Reads a const image; no state.
 */
#include "image.h"

#include "weir/err.h"

static const char *early_word(enum weir_early_kind kind)
{
	switch (kind) {
	case WEIR_EARLY_IRQ:
		return "!irq";
	case WEIR_EARLY_CLOCK:
		return "!early";
	case WEIR_EARLY_INIT:
		return "!init";
	case WEIR_EARLY_TIMER:
		break;
	}
	return NULL;
}

int weir_image_write_list(FILE *f, const struct weir_image *image)
{
	size_t i, k, count = 0;

	fprintf(f, "# early set-up: what OF_DECLARE tables say\n");
	for (i = 0; i < image->early_count; i++)
		if (early_word(image->early[i].kind))
			fprintf(f, "%s %s\n", early_word(image->early[i].kind), image->early[i].compat);
	if (image->basis == WEIR_IMAGE_INITCALLS)
		fprintf(f, "# initcalls, in order\n");
	else
		fprintf(f, "# match tables, order unknown: %s\n", image->why_tables);
	for (i = 0; i < image->driver_count; i++) {
		const struct weir_builtin *d = &image->drivers[i];

		if (!d->compat_count)
			continue;
		fprintf(f, "%s@%s", d->name, d->level);
		for (k = 0; k < d->compat_count; k++)
			fprintf(f, " %s%s", d->compats[k].first_only ? "^" : "", d->compats[k].name);
		fputc('\n', f);
		count++;
	}
	fprintf(f, "# %zu drivers\n", count);
	return ferror(f) ? WEIR_EIO : 0;
}
