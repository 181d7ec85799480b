// SPDX-License-Identifier: MIT
/*
 * Of the kernel's log, for a capture, the lines that tell of probes and IOMMUs and nothing else: other
 * lines can hold serial numbers, addresses and the names of people's files.
 */
#include "capture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>

#define READ_ALL 3 /* syslog(2): without taking anything out */
#define SIZE 10    /* of the kernel's buffer */

static bool is_told(const char *line)
{
	static const char *const words[] = {
		"probe of ", "eferred probe", "Added to deferred list", "probe with driver ",
		"iommu group ", "late IOMMU probe", "ignoring dependency", "iommu: Default domain type",
		"1:1 IOMMU mapping", "FW requested direct mapping", "Failed to set up IOMMU",
		"Blocked unknown Stream ID", "Unhandled context fault", "arm-smmu-v3 ",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(line, words[i]))
			return true;
	return false;
}

/* The whole log; NULL: it cannot be read. Of another root, what was kept of it. */
static char *read_log(const char *root)
{
	struct weir_errtext et = { "" };
	struct weir_bytes file;
	char path[4200], *text;
	int size, n;

	if (*root) {
		snprintf(path, sizeof(path), "%s/var/log/dmesg", root);
		if (weir_bytes_read(path, &et, &file))
			return NULL;
		text = strndup((const char *)file.data, file.size);
		weir_bytes_fini(&file);
		return text;
	}
	size = klogctl(SIZE, NULL, 0);
	text = size > 0 ? malloc((size_t)size + 1) : NULL;
	n = text ? klogctl(READ_ALL, text, size) : -1;
	if (n < 0) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	return text;
}

int capture_log(struct capture *c, const char *root)
{
	char *text = read_log(root), *at = text, *line, *to = text;
	int err = 0;

	while ((line = strsep(&at, "\n"))) {
		size_t n = strlen(line);

		if (!is_told(line))
			continue;
		memmove(to, line, n);
		to += n;
		*to++ = '\n';
	}
	if (to > text)
		err = capture_add(c, "log", text, (size_t)(to - text));
	free(text);
	return err;
}
