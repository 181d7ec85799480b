// SPDX-License-Identifier: MIT
/*
 * Error messages of the kernel-side readers; see errtext.h. No state, no lock.
 */
#include "errtext.h"

#include <stdarg.h>
#include <stdio.h>

int weir_errtext_set(struct weir_errtext *et, int err, const char *fmt, ...)
{
	va_list ap;

	if (et) {
		va_start(ap, fmt);
		vsnprintf(et->text, sizeof(et->text), fmt, ap);
		va_end(ap);
	}
	return err;
}

void weir_errtext_prefix(struct weir_errtext *et, const char *prefix)
{
	struct weir_errtext old;

	if (!et)
		return;
	old = *et;
	snprintf(et->text, sizeof(et->text), "%.200s: %.300s", prefix, old.text);
}
