// SPDX-License-Identifier: MIT
/*
 * What stands around a kernel message: colours (ECMA-48 control sequences), carriage
 * returns, "<6>" (printk's level), "[  1.234567]" with or without the caller's "[  T1]",
 * syslog's and the journal's heads up to "kernel: ", terminal programs' own brackets.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "bootlog.h"

/* Control sequences and characters out; tabs stay, devices_deferred has them. */
static void clean(char *line)
{
	const unsigned char *from = (const unsigned char *)line;
	char *to = line;

	while (*from) {
		if (*from == 0x1b) {
			from++;
			if (*from == '[') {
				from++;
				while (*from && (*from < 0x40 || *from > 0x7e))
					from++;
			}
			from += *from != 0;
		} else if (*from == '\t' || (*from >= ' ' && *from != 0x7f)) {
			*to++ = (char)*from++;
		} else {
			from++;
		}
	}
	while (to > line && (to[-1] == ' ' || to[-1] == '\t'))
		to--;
	*to = '\0';
}

/* "[...]" at the start: what is behind it, or NULL. A number in it is the time. */
static char *bracket(char *at, double *time)
{
	char *end = strchr(at, ']'), *stop;
	double v;

	if (*at != '[' || !end || end - at > 40)
		return NULL;
	if (*time < 0 && end[-1] != '[') {
		char *number = at + 1 + strspn(at + 1, " ");

		v = strtod(number, &stop);
		stop += strspn(stop, " ");
		/* "[    1.234567,0]" of a caller's processor, "[    1.234567 T1]" */
		if (isdigit((unsigned char)*number) && v < 1e9 && memchr(number, '.', (size_t)(end - number)) &&
		    (stop == end || *stop == ',' || *stop == 'T' || *stop == 'C'))
			*time = v;
	}
	end++;
	return end + strspn(end, " ");
}

char *weir_bootlog_line_(char *line, double *out_time)
{
	double time = WEIR_BOOTLOG_NEVER;
	char *at = line, *kernel, *next;

	clean(line);
	kernel = strstr(line, "kernel: ");
	/* syslog's head has a date and a host's name */
	if (kernel && kernel - line < 100 && (kernel == line || kernel[-1] == ' '))
		at = kernel + strlen("kernel: ");
	at += strspn(at, " ");
	for (int i = 0; i < 6; i++) {
		if (*at == '<' && isdigit((unsigned char)at[1])) {
			next = at + 1 + strspn(at + 1, "0123456789");
			if (*next != '>')
				break;
			at = next + 1;
			continue;
		}
		/* "[   OK   ]" and the like are user space's */
		if (*at != '[' || !(isdigit((unsigned char)at[1]) || at[1] == ' ' || at[1] == 'T' || at[1] == 'C'))
			break;
		next = bracket(at, &time);
		if (!next)
			break;
		at = next;
	}
	*out_time = time;
	return at;
}
