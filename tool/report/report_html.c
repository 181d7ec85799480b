// SPDX-License-Identifier: MIT
/* The report as one file of HTML: report.html with the data put in. */
#include "report.h"

#include <stdlib.h>
#include <string.h>

extern const char report_template[]; /* of report.html, made at build time */

#define PLACE "@DATA@"

/* Nothing in it can end the element that it stands in. */
static void put_escaped(const char *text, FILE *f)
{
	for (; *text; text++) {
		if (*text == '<')
			fputs("\\u003c", f);
		else
			fputc(*text, f);
	}
}

int report_html(const struct report *p, FILE *f)
{
	const char *place = strstr(report_template, PLACE);
	json_t *doc = report_json(p);
	char *text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;

	json_decref(doc);
	if (!text)
		return WEIR_ENOMEM;
	fwrite(report_template, 1, (size_t)(place - report_template), f);
	put_escaped(text, f);
	fputs(place + strlen(PLACE), f);
	free(text);
	return ferror(f) ? WEIR_EIO : 0;
}
