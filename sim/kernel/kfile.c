// SPDX-License-Identifier: MIT
/*
 * Text files of a kernel directory; see kfile.h. No state, no lock.
 */
#include "kfile.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cache.h"
#include "weir/err.h"

#define KIND "text-1"
/* Smaller texts are unpacked faster than they are looked up. */
#define CACHE_MIN_BYTES 65536

const char *const weir_kfile_suffixes[] = { "", ".xz", ".gz", ".zst", NULL };

bool weir_kfile_find(const char *dir, const char *name, char *out_path, size_t path_bytes)
{
	const char *const *suffix;
	struct stat st;

	for (suffix = weir_kfile_suffixes; *suffix; suffix++) {
		int n = snprintf(out_path, path_bytes, "%s/%s%s", dir, name, *suffix);

		if (n > 0 && (size_t)n < path_bytes && !stat(out_path, &st) && S_ISREG(st.st_mode))
			return true;
	}
	return false;
}

int weir_kfile_read(const char *dir, const char *name, struct weir_errtext *et,
		    struct weir_bytes *out_bytes)
{
	struct weir_bytes bytes, plain;
	char path[4096];
	bool packed;
	int err;

	if (!weir_kfile_find(dir, name, path, sizeof(path)))
		return weir_errtext_set(et, WEIR_ENOENT, "%s: no %s", dir, name);
	packed = strlen(path) != strlen(dir) + 1 + strlen(name);
	if (packed && weir_cache_get(KIND, path, out_bytes))
		return 0;
	err = weir_bytes_read(path, et, &bytes);
	if (err)
		return err;
	if (!packed) {
		*out_bytes = bytes;
		return 0;
	}
	err = weir_unpack_stream(bytes.data, bytes.size, et, &plain);
	weir_bytes_fini(&bytes);
	if (err) {
		weir_errtext_prefix(et, path);
		return err == WEIR_ENOEXEC ? WEIR_EBADMSG : err;
	}
	if (plain.size >= CACHE_MIN_BYTES)
		weir_cache_put(KIND, path, plain.data, plain.size);
	*out_bytes = plain;
	return 0;
}

char *weir_text_line(char **pos)
{
	char *line = *pos, *end;

	if (!line || !*line)
		return NULL;
	end = strchr(line, '\n');
	if (end)
		*end++ = 0;
	*pos = end;
	return line;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

char *weir_text_word(char **pos)
{
	char *p = *pos, *word;

	while (is_blank(*p))
		p++;
	if (!*p)
		return NULL;
	word = p;
	while (*p && !is_blank(*p))
		p++;
	if (*p)
		*p++ = 0;
	*pos = p;
	return word;
}
